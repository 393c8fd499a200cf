# A wall clock that can be set, for programs that it is loaded before.
check_PROGRAMS += tests/e2e/clock.so
tests_e2e_clock_so_SOURCES = %D%/clock.c
tests_e2e_clock_so_CFLAGS = -std=c11 $(WARN_CFLAGS) -fPIC
tests_e2e_clock_so_LDFLAGS = -shared
tests_e2e_clock_so_LDADD =

# What is left to a helper that was taken over.
if MEDIA
check_PROGRAMS += tests/e2e/shutin
tests_e2e_shutin_SOURCES = %D%/shutin.c $(helper_sources)
tests_e2e_shutin_LDADD = $(helper_libs)
plain_tests += %D%/shutin.py
tests/e2e/shutin.log: tests/e2e/shutin$(EXEEXT)
script_tests += %D%/pictures.py
endif

if EGRESS
script_tests += %D%/outside.py
endif

script_tests += %D%/hostile.py %D%/kill9.py %D%/storm.py %D%/files.py
EXTRA_DIST += %D%/kit.py %D%/wires.py

# A peer that means ill; contrib/bench/floods.py starts it.
check_PROGRAMS += tests/e2e/badpeer
