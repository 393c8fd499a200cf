#ifndef KITH_TESTS_SIM_CHECK_H
#define KITH_TESTS_SIM_CHECK_H

#include "tests/sim/look.h"

/*
 * What must hold. Each has a function of its own, and the name that it fails
 * under; the first failure ends the story.
 */
#define CONVERGE_MS 10000

/* In the middle of things: now and then, and after a crash. */
void check_now(struct play *p);
void check_kept(struct play *p, int node);      /* what this node has acknowledged is there, right after it has started */
/* After healing: have all come together? why: who has not, and about what. */
bool check_converged(struct play *p, char *why, size_t n_why);
void check_end(struct play *p);

/* check_state.c */
void check_same_state(const struct look *l);
void check_rebuild(struct look *l);
void check_acked(const struct look *l);
void check_private(const struct look *l);
/* check_rules.c: RULES read once more, plainly */
void check_causes(const struct look *l);
void check_cuts(const struct look *l);
/* check_screen.c */
void check_screens(struct look *l);
/* check_bounds.c */
void check_quiet(struct play *p);
void check_bounds(struct play *p);
void check_blame(struct play *p);

#endif
