# Everything but main() belongs in libkithedge_a_SOURCES, where tests reach it.
kithd_SOURCES += %D%/main.c
libkithedge_a_SOURCES += \
	%D%/auth.c \
	%D%/clock.c %D%/clock.h \
	%D%/control.c %D%/control.h \
	%D%/daemon.h \
	%D%/doors.c %D%/doors.h \
	%D%/edge.c %D%/edge.h \
	%D%/inner.h \
	%D%/links.c \
	%D%/log.c %D%/log.h \
	%D%/machine.c %D%/machine.h \
	%D%/memo.c %D%/memo.h \
	%D%/metrics.c \
	%D%/notify.c %D%/notify.h \
	%D%/options.c %D%/options.h \
	%D%/page.c \
	%D%/pool.c %D%/pool.h \
	%D%/push.c \
	%D%/request.c %D%/request.h \
	%D%/rpc.c \
	%D%/run.c \
	%D%/state.c %D%/state.h \
	%D%/throttle.c %D%/throttle.h \
	%D%/ticket.c %D%/ticket.h \
	%D%/web.c
dist_man_MANS += %D%/kithd.8

unit_tests += tests/unit/client/test_rate
unit_tests += tests/unit/daemon/test_machine tests/unit/daemon/test_options tests/unit/daemon/test_parts tests/unit/daemon/test_request
unit_tests += tests/unit/daemon/test_state
fuzz_targets += tests/fuzz/fuzz_request
script_tests += tests/e2e/start.sh tests/e2e/ctl.sh tests/e2e/full.sh tests/e2e/web.py
