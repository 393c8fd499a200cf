kith_SOURCES += %D%/main.c
kith_SOURCES += %D%/args.c %D%/print.c %D%/text.c %D%/text.h %D%/cli.h
kith_SOURCES += %D%/net.c %D%/net.h %D%/known.c %D%/known.h %D%/http.c %D%/http.h %D%/socket.c %D%/socket.h
kith_SOURCES += %D%/rpc.c %D%/rpc.h %D%/session.c %D%/session.h %D%/password.c %D%/password.h
kith_SOURCES += %D%/names.c %D%/people.c %D%/names.h %D%/meaning.c %D%/meaning.h %D%/message.c %D%/message.h %D%/qr.c %D%/qr.h
kith_SOURCES += %D%/cmd_account.c %D%/cmd_group.c %D%/cmd_rule.c %D%/cmd_message.c %D%/watch.c
dist_man_MANS += %D%/kith.1

script_tests += tests/e2e/cli.sh tests/e2e/three-nodes.sh
unit_tests += tests/unit/cli/test_text tests/unit/cli/test_net
tests_unit_cli_test_text_SOURCES = tests/unit/cli/test_text.c src/cli/text.c
tests_unit_cli_test_net_SOURCES = tests/unit/cli/test_net.c src/cli/net.c
