# libkithcore_a_SOURCES += %D%/x.c %D%/x.h
libkithcore_a_SOURCES += %D%/arena.c %D%/arena.h
libkithcore_a_SOURCES += %D%/b32.c %D%/b32.h
libkithcore_a_SOURCES += %D%/buf.c %D%/buf.h
libkithcore_a_SOURCES += %D%/env.h
libkithcore_a_SOURCES += %D%/error.c %D%/error.h
libkithcore_a_SOURCES += %D%/mail.c %D%/mail.h
libkithcore_a_SOURCES += %D%/map.c %D%/map.h
libkithcore_a_SOURCES += %D%/slice.c %D%/slice.h
libkithcore_a_SOURCES += %D%/out.c %D%/out.h

unit_tests += tests/unit/base/test_slice tests/unit/base/test_error tests/unit/base/test_b32
unit_tests += tests/unit/base/test_arena tests/unit/base/test_buf tests/unit/base/test_map
tests_unit_base_test_arena_LDFLAGS = $(AM_LDFLAGS) $(FAIL_ALLOC_LDFLAGS)
tests_unit_base_test_buf_LDFLAGS = $(AM_LDFLAGS) $(FAIL_ALLOC_LDFLAGS)
tests_unit_base_test_map_LDFLAGS = $(AM_LDFLAGS) $(FAIL_ALLOC_LDFLAGS)
