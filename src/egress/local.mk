# kith-egress: all that goes out which is not a peer. It has no keys and reads no store.
egress_sources = %D%/global.c %D%/framing.c %D%/mail.c %D%/page.c %D%/resolve.c %D%/resolve.h %D%/egress.h %D%/frame.h

if EGRESS
pkglibexec_PROGRAMS += kith-egress
kith_egress_SOURCES = %D%/main.c $(egress_sources) $(helper_sources)
kith_egress_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS) $(SECCOMP_CFLAGS)
kith_egress_LDADD = $(helper_libs) $(CURL_LIBS) $(SODIUM_LIBS)

unit_tests += tests/unit/egress/test_decide
tests_unit_egress_test_decide_SOURCES = tests/unit/egress/test_decide.c $(egress_sources)
tests_unit_egress_test_decide_CFLAGS = $(kith_egress_CFLAGS)
tests_unit_egress_test_decide_LDADD = $(CURL_LIBS) $(LDADD)
endif
