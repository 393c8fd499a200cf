# libkithcore_a_SOURCES += %D%/x.c %D%/x.h
libkithcore_a_SOURCES += %D%/doc.c %D%/doc.h
libkithcore_a_SOURCES += %D%/invite.c %D%/invite.h
libkithcore_a_SOURCES += %D%/node.c %D%/node.h

unit_tests += tests/unit/id/test_doc tests/unit/id/test_node tests/unit/id/test_invite
fuzz_targets += tests/fuzz/fuzz_doc tests/fuzz/fuzz_link
tests_unit_id_test_doc_LDFLAGS = $(AM_LDFLAGS) $(FAIL_ALLOC_LDFLAGS)
tests_unit_id_test_node_LDFLAGS = $(AM_LDFLAGS) $(FAIL_ALLOC_LDFLAGS)
tests_unit_id_test_invite_LDFLAGS = $(AM_LDFLAGS) $(FAIL_ALLOC_LDFLAGS)
