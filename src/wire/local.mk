# libkithcore_a_SOURCES += %D%/x.c %D%/x.h
libkithcore_a_SOURCES += %D%/mp.c %D%/mp.h

unit_tests += tests/unit/wire/test_mp
fuzz_targets += tests/fuzz/fuzz_mp
tests_unit_wire_test_mp_LDFLAGS = $(AM_LDFLAGS) $(FAIL_ALLOC_LDFLAGS)
