# Power losses, worked out from a log of writes. wlog.c stands before libc for this program and for liblmdb.
check_PROGRAMS += tests/crash/powerloss
tests_crash_powerloss_SOURCES = %D%/powerloss.c %D%/life.c %D%/life.h %D%/disk.c %D%/disk.h %D%/wlog.c %D%/wlog.h
tests_crash_powerloss_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=mdb_env_open
tests_crash_powerloss_LDADD = libkithtest.a $(edge_libs) $(CMOCKA_LIBS) -ldl
TESTS += tests/crash/powerloss
script_tests += %D%/planted.sh
