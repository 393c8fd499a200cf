libkithedge_a_SOURCES += %D%/conf.c %D%/conf.h %D%/value.c %D%/value.h
dist_man_MANS += %D%/kithd.conf.5

sampledir = $(docdir)
dist_sample_DATA = %D%/kithd.conf.sample

unit_tests += tests/unit/conf/test_conf
tests_unit_conf_test_conf_LDFLAGS = $(AM_LDFLAGS) $(FAIL_ALLOC_LDFLAGS)
fuzz_targets += tests/fuzz/fuzz_conf
