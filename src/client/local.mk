libkithcore_a_SOURCES += \
	%D%/account.c \
	%D%/accounts.c \
	%D%/acts.c \
	%D%/args.c \
	%D%/common.c \
	%D%/dm.c \
	%D%/fetch.c \
	%D%/files.c \
	%D%/friends.c \
	%D%/groups.c \
	%D%/join.c \
	%D%/json.c \
	%D%/knock.c \
	%D%/messages.c \
	%D%/method.c \
	%D%/name.c \
	%D%/openapi.c \
	%D%/own.c \
	%D%/people.c \
	%D%/preview.c \
	%D%/profile.c \
	%D%/proof.c \
	%D%/rate.c \
	%D%/read_groups.c \
	%D%/read_panels.c \
	%D%/read_messages.c \
	%D%/read_people.c \
	%D%/recover.c \
	%D%/render.c \
	%D%/scope.c \
	%D%/session.c \
	%D%/state.c \
	%D%/account.h \
	%D%/client.h \
	%D%/common.h \
	%D%/files.h \
	%D%/friends.h \
	%D%/json.h \
	%D%/methods.h \
	%D%/openapi.h \
	%D%/own.h \
	%D%/profile.h \
	%D%/rate.h \
	%D%/render.h \
	%D%/scope.h \
	%D%/session.h \
	%D%/state.h

unit_tests += tests/unit/client/test_json tests/unit/client/test_method tests/unit/client/test_name
fuzz_targets += tests/fuzz/fuzz_json
