libkithcore_a_SOURCES += \
	%D%/control.c \
	%D%/engine.c \
	%D%/host.c \
	%D%/notify.c \
	%D%/presence.c \
	%D%/engine.h \
	%D%/inner.h

unit_tests += tests/unit/engine/test_engine tests/unit/engine/test_people
