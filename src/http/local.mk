libkithedge_a_SOURCES += %D%/addr.c %D%/addr.h
libkithedge_a_SOURCES += %D%/blob.c %D%/blob.h
libkithedge_a_SOURCES += %D%/gate.c %D%/gate.h
libkithedge_a_SOURCES += %D%/listener.c %D%/listener.h
libkithedge_a_SOURCES += %D%/parse.c %D%/put.c %D%/parse.h
libkithedge_a_SOURCES += %D%/proxy.c %D%/proxy.h
libkithedge_a_SOURCES += %D%/reactor.c %D%/reactor.h
libkithedge_a_SOURCES += %D%/stream.c %D%/stream.h
libkithedge_a_SOURCES += %D%/ws.c %D%/handshake.c %D%/ws.h
libkithedge_a_SOURCES += %D%/net.c %D%/conn.c %D%/conn_ws.c %D%/answer.c %D%/conn.h %D%/net.h
libkithedge_a_SOURCES += %D%/link.c %D%/dial.c %D%/dial.h %D%/link.h

unit_tests += tests/unit/http/test_parse tests/unit/http/test_ws tests/unit/http/test_net tests/unit/http/test_socket \
	tests/unit/http/test_link
fuzz_targets += tests/fuzz/fuzz_http tests/fuzz/fuzz_ws
tests_unit_http_test_parse_LDFLAGS = $(AM_LDFLAGS) $(FAIL_ALLOC_LDFLAGS)
tests_unit_http_test_ws_LDFLAGS = $(AM_LDFLAGS) $(FAIL_ALLOC_LDFLAGS)

libkithtest_a_SOURCES += tests/unit/http/rig.c tests/unit/http/rig.h
