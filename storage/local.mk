# mem.c goes to libkithcore_a_SOURCES, lmdb.c to libkithedge_a_SOURCES
libkithcore_a_SOURCES += %D%/store.c %D%/store.h %D%/mem.c
libkithcore_a_SOURCES += %D%/ledger.c %D%/ledger.h %D%/ledger_feed.c %D%/ledger_in.h
libkithedge_a_SOURCES += %D%/blob.c %D%/blob.h
libkithedge_a_SOURCES += %D%/lmdb.c %D%/lmdb.h %D%/lmdb_open.c %D%/lmdb_in.h %D%/disk.c %D%/disk.h

libkithtest_a_SOURCES += tests/unit/tmpdir.c tests/unit/tmpdir.h
libkithtest_a_SOURCES += tests/unit/storage/both.c tests/unit/storage/both.h
libkithtest_a_SOURCES += tests/unit/storage/disk.c tests/unit/storage/disk.h
libkithtest_a_SOURCES += tests/unit/storage/sample.c tests/unit/storage/sample.h
unit_tests += tests/unit/storage/test_blob tests/unit/storage/test_store tests/unit/storage/test_lmdb tests/unit/storage/test_lmdb_room
unit_tests += tests/unit/storage/test_ledger tests/unit/storage/test_ledger_damage
tests_unit_storage_test_store_LDFLAGS = $(AM_LDFLAGS) $(FAIL_ALLOC_LDFLAGS)
tests_unit_storage_test_lmdb_LDFLAGS = $(AM_LDFLAGS) $(FAIL_ALLOC_LDFLAGS)
tests_unit_storage_test_ledger_damage_LDFLAGS = $(AM_LDFLAGS) $(FAIL_ALLOC_LDFLAGS)

# Not run, but it keeps compiling: contrib/bench/ledger_bench DIR
check_PROGRAMS += contrib/bench/ledger_bench
contrib_bench_ledger_bench_LDADD = $(edge_libs)
