# A test takes one line in the local.mk of the folder it tests:
#	unit_tests += tests/unit/wire/test_mp            built from tests/unit/wire/test_mp.c
#	fuzz_targets += tests/fuzz/fuzz_mp               built from tests/fuzz/fuzz_mp.c
#	script_tests += tests/e2e/two-nodes.sh           run as it is, from the build folder (or .py)
#	plain_tests += ...                               a script for builds without sanitizers only
# One that needs more than its own file says so: tests_unit_wire_test_mp_SOURCES = a.c b.c.
# All speak TAP on standard output. What several tests share goes to libkithtest_a_SOURCES.

check_LIBRARIES += libkithtest.a
libkithtest_a_SOURCES += %D%/fuzz/driver.c %D%/unit/test.h
libkithtest_a_SOURCES += %D%/unit/kit.c %D%/unit/kit.h %D%/unit/kit_ops.c %D%/unit/kit_ops.h
libkithtest_a_SOURCES += %D%/unit/daemon/house.c %D%/unit/daemon/house.h
libkithtest_a_SOURCES += %D%/unit/fail_alloc.c %D%/unit/fail_alloc.h
libkithtest_a_SOURCES += %D%/unit/wire/mp_oracle.c %D%/unit/wire/mp_oracle.h

include %D%/sim/local.mk

# For tests that make allocations fail: tests_unit_..._LDFLAGS = $(AM_LDFLAGS) $(FAIL_ALLOC_LDFLAGS)
FAIL_ALLOC_LDFLAGS = -Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc
LDADD = libkithtest.a $(edge_libs) $(CMOCKA_LIBS) $(FUZZ_LDFLAGS)

include tests/e2e/local.mk

TESTS = $(script_tests)
check_PROGRAMS += $(fuzz_targets)
if !FUZZ
TESTS += $(fuzz_targets)
if HAVE_CMOCKA
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)
endif
include tests/crash/local.mk
endif
if PLAIN_BUILD
TESTS += $(plain_tests)
endif

TEST_EXTENSIONS = .sh .py
tap_driver = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/contrib/build-aux/tap-driver.sh
LOG_DRIVER = $(tap_driver)
SH_LOG_DRIVER = $(tap_driver)
PY_LOG_DRIVER = $(tap_driver)
LOG_COMPILER = $(SHELL) $(top_srcdir)/tests/run
SH_LOG_COMPILER = $(LOG_COMPILER)
PY_LOG_COMPILER = $(LOG_COMPILER)
AM_TESTS_ENVIRONMENT = \
	. $(top_srcdir)/contrib/dev/sanitizers.sh; \
	CMOCKA_MESSAGE_OUTPUT=TAP; export CMOCKA_MESSAGE_OUTPUT; \
	KITH_SRCDIR=`cd $(top_srcdir) && pwd`; export KITH_SRCDIR; \
	KITH_BUILDDIR=`cd $(top_builddir) && pwd`; export KITH_BUILDDIR; \
	NM='$(NM)'; export NM;
EXTRA_DIST += %D%/run $(script_tests) $(plain_tests)

unit_tests += %D%/unit/vectors/test_vectors
tests_unit_vectors_test_vectors_SOURCES = %D%/unit/vectors/test_vectors.c %D%/unit/vectors/write.c \
	%D%/unit/vectors/make_records.c %D%/unit/vectors/make_ids.c %D%/unit/vectors/vectors.h

# Whole sessions, with a node behind them.
fuzz_targets += %D%/fuzz/fuzz_client %D%/fuzz/fuzz_control %D%/fuzz/fuzz_peer
tests_fuzz_fuzz_client_SOURCES = %D%/fuzz/fuzz_client.c %D%/fuzz/front.c %D%/fuzz/front.h
tests_fuzz_fuzz_control_SOURCES = %D%/fuzz/fuzz_control.c %D%/fuzz/front.c %D%/fuzz/front.h
