# libkithcore_a_SOURCES += %D%/x.c %D%/x.h
libkithcore_a_SOURCES += %D%/cut.c %D%/cut.h
libkithcore_a_SOURCES += %D%/record.c %D%/record.h %D%/op.c
libkithcore_a_SOURCES += %D%/authority.c %D%/authority.h %D%/plane.h %D%/plan.h %D%/act.c %D%/counts.c %D%/facts.c
libkithcore_a_SOURCES += %D%/kinds.c %D%/may.c %D%/past.c %D%/pool.c %D%/resolve.c %D%/sum.c %D%/verify.c %D%/view.c

unit_tests += tests/unit/group/test_record tests/unit/group/test_op tests/unit/group/test_cut
fuzz_targets += tests/fuzz/fuzz_record
tests_unit_group_test_record_LDFLAGS = $(AM_LDFLAGS) $(FAIL_ALLOC_LDFLAGS)
tests_unit_group_test_op_LDFLAGS = $(AM_LDFLAGS) $(FAIL_ALLOC_LDFLAGS)
tests_unit_group_test_cut_LDFLAGS = $(AM_LDFLAGS) $(FAIL_ALLOC_LDFLAGS)
unit_tests += tests/unit/group/test_authority tests/unit/group/test_authority_random
tests_unit_group_test_authority_SOURCES = tests/unit/group/test_authority.c tests/unit/group/acts.c tests/unit/group/acts.h
tests_unit_group_test_authority_random_SOURCES = tests/unit/group/test_authority_random.c \
	tests/unit/group/acts.c tests/unit/group/acts.h
tests_unit_group_test_authority_random_LDFLAGS = $(AM_LDFLAGS) $(FAIL_ALLOC_LDFLAGS)

libkithcore_a_SOURCES += %D%/group.c %D%/group.h %D%/inner.h %D%/open.c %D%/gate.c %D%/park.c %D%/find.c %D%/first.c
libkithcore_a_SOURCES += %D%/run.c %D%/place.c %D%/quick.c
libkithcore_a_SOURCES += %D%/second.c %D%/tree.c %D%/docs.c %D%/due.c %D%/people.c %D%/objects.c %D%/redact.c %D%/rejudge.c
libkithcore_a_SOURCES += %D%/cuts.c %D%/write.c %D%/out.c %D%/tables.c %D%/rights.c %D%/rights.h %D%/whole.c %D%/bodies.c
unit_tests += tests/unit/group/test_roster tests/unit/group/test_timeline
tests_unit_group_test_roster_SOURCES = tests/unit/group/test_roster.c tests/unit/group/town.c tests/unit/group/town.h
tests_unit_group_test_timeline_SOURCES = tests/unit/group/test_timeline.c tests/unit/group/town.c tests/unit/group/town.h
unit_tests += tests/unit/group/test_gate tests/unit/group/test_rights tests/unit/group/test_worlds
tests_unit_group_test_gate_SOURCES = tests/unit/group/test_gate.c tests/unit/group/town.c tests/unit/group/town.h
tests_unit_group_test_gate_LDFLAGS = $(AM_LDFLAGS) $(FAIL_ALLOC_LDFLAGS)
tests_unit_group_test_rights_SOURCES = tests/unit/group/test_rights.c tests/unit/group/town.c tests/unit/group/town.h
tests_unit_group_test_worlds_SOURCES = tests/unit/group/test_worlds.c tests/unit/group/town.c tests/unit/group/town.h
