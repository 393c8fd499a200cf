# The simulator: what tests share of it goes to the test library, kith-sim has the rest and the planted bugs.
libkithtest_a_SOURCES += %D%/dice.h %D%/queue.c %D%/queue.h %D%/memo.c %D%/memo.h %D%/disk.c %D%/disk.h %D%/inner.h
libkithtest_a_SOURCES += %D%/network.c %D%/network.h %D%/people.c %D%/people.h %D%/plant.c %D%/plant.h %D%/world.c %D%/world.h

check_PROGRAMS += %D%/kith-sim
tests_sim_kith_sim_SOURCES = %D%/main.c %D%/story.c %D%/story.h %D%/play.c %D%/play.h %D%/load.c %D%/faults.c \
	%D%/clients.c %D%/clients.h %D%/evil.c %D%/evil.h %D%/forge.c %D%/forge.h %D%/look.c %D%/look.h \
	%D%/check.c %D%/check.h %D%/check_state.c %D%/check_rules.c %D%/check_screen.c %D%/check_bounds.c \
	%D%/shrink.c %D%/shrink.h %D%/report.c %D%/report.h %D%/bench.c %D%/bench.h %D%/scale.c %D%/plant_wraps.c %D%/plant_plan.c
tests_sim_kith_sim_LDADD = libkithtest.a $(edge_libs)
plant = -Wl,--wrap=
tests_sim_kith_sim_LDFLAGS = $(AM_LDFLAGS) $(plant)kith_cut_find $(plant)kith_plan_below $(plant)kith_scan_mark \
	$(plant)kith_person_touch $(plant)kith_authority_state_hash $(plant)kith_group_range $(plant)kith_fed_scope_hash \
	$(plant)kith_fed_dial_done $(plant)kith_fed_round $(plant)kith_group_node_sees $(plant)kith_group_run \
	$(plant)kith_ledger_proof_put $(plant)kith_ledger_state_get $(plant)kith_ledger_page

script_tests += %D%/seeds.sh
EXTRA_DIST += %D%/stories/body-given-late.story %D%/stories/refused-for-what-is-parked.story \
	%D%/stories/body-across-a-split.story %D%/stories/late-by-a-late-parent.story %D%/stories/hung-peer-is-not-waited-for.story
