# A wall clock that can be set, for programs that it is loaded before.
check_PROGRAMS += tests/e2e/clock.so
tests_e2e_clock_so_SOURCES = %D%/clock.c
tests_e2e_clock_so_CFLAGS = -std=c11 $(WARN_CFLAGS) -fPIC
tests_e2e_clock_so_LDFLAGS = -shared
tests_e2e_clock_so_LDADD =

script_tests += %D%/hostile.py %D%/kill9.py %D%/storm.py %D%/files.py
EXTRA_DIST += %D%/kit.py %D%/wires.py

# A peer that means ill; contrib/bench/floods.py starts it.
check_PROGRAMS += tests/e2e/badpeer
