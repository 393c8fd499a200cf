libkithcore_a_SOURCES += \
	%D%/control.c \
	%D%/engine.c \
	%D%/host.c \
	%D%/notify.c \
	%D%/engine.h \
	%D%/inner.h

libkithtest_a_SOURCES += tests/sim/chaos.c tests/sim/chaos.h tests/sim/world.c tests/sim/world.h
unit_tests += tests/unit/engine/test_chaos tests/unit/engine/test_engine
