libkithcore_a_SOURCES += %D%/federation.h %D%/frames.c %D%/frames.h %D%/fed.h
libkithcore_a_SOURCES += %D%/ask.c %D%/dial.c %D%/fed.c %D%/feeds.c %D%/fetch.c %D%/give.c %D%/hello.c %D%/info.c %D%/invites.c
libkithcore_a_SOURCES += %D%/link.c %D%/mail.c %D%/member.c %D%/peers.c %D%/pull.c %D%/push.c %D%/records.c %D%/serve.c %D%/sync.c

libkithtest_a_SOURCES += tests/sim/net.c tests/sim/net.h
unit_tests += tests/unit/federation/test_net
unit_tests += tests/unit/federation/test_frames
fuzz_targets += tests/fuzz/fuzz_frame
