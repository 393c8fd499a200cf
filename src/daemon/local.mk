# Everything but main() belongs in libkithedge_a_SOURCES, where tests reach it.
kithd_SOURCES += %D%/main.c
libkithedge_a_SOURCES += \
	%D%/ahead.c %D%/ahead.h \
	%D%/auth.c \
	%D%/batch.c \
	%D%/clock.c %D%/clock.h \
	%D%/control.c %D%/control.h \
	%D%/daemon.h \
	%D%/doors.c %D%/doors.h \
	%D%/download.c \
	%D%/edge.c %D%/edge.h \
	%D%/files.c %D%/files.h \
	%D%/identity.c %D%/identity.h \
	%D%/inner.h \
	%D%/linked.c \
	%D%/links.c \
	%D%/log.c %D%/log.h \
	%D%/machine.c %D%/machine.h %D%/machine_inner.h \
	%D%/memo.c %D%/memo.h \
	%D%/metrics.c \
	%D%/notify.c %D%/notify.h \
	%D%/options.c %D%/options.h \
	%D%/outbox.c \
	%D%/outside.c %D%/outside.h \
	%D%/page.c \
	%D%/picture.c %D%/picture.h \
	%D%/pool.c %D%/pool.h \
	%D%/push.c \
	%D%/reply.c \
	%D%/request.c %D%/request.h \
	%D%/rpc.c \
	%D%/run.c \
	%D%/site.c %D%/site.h \
	%D%/state.c %D%/state.h \
	%D%/strings.c %D%/strings.h \
	%D%/throttle.c %D%/throttle.h \
	%D%/ticket.c %D%/ticket.h \
	%D%/upload.c \
	%D%/web.c
dist_man_MANS += %D%/kithd.8

unit_tests += tests/unit/client/test_rate
unit_tests += tests/unit/daemon/test_machine tests/unit/daemon/test_options tests/unit/daemon/test_parts tests/unit/daemon/test_request
unit_tests += tests/unit/daemon/test_ahead tests/unit/daemon/test_state tests/unit/daemon/test_no_memory tests/unit/daemon/test_site
tests_unit_daemon_test_request_LDFLAGS = $(AM_LDFLAGS) $(FAIL_ALLOC_LDFLAGS)
tests_unit_daemon_test_no_memory_LDFLAGS = $(AM_LDFLAGS) $(FAIL_ALLOC_LDFLAGS)
fuzz_targets += tests/fuzz/fuzz_request
script_tests += tests/e2e/start.sh tests/e2e/ctl.sh tests/e2e/full.sh tests/e2e/web.py
tests_unit_daemon_test_ahead_SOURCES = tests/unit/daemon/test_ahead.c tests/unit/group/town.c tests/unit/group/town.h
