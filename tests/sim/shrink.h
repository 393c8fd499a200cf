#ifndef KITH_TESTS_SIM_SHRINK_H
#define KITH_TESTS_SIM_SHRINK_H

#include "tests/sim/play.h"

/* Takes away steps, nodes, people and groups as long as the story still fails the same invariant. */
void shrink_story(struct story *s, const char *invariant);

#endif
