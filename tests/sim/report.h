#ifndef KITH_TESTS_SIM_REPORT_H
#define KITH_TESTS_SIM_REPORT_H

#include "tests/sim/play.h"

/* What is told of one story. */
void report_one(const struct story *s, const struct outcome *o);

/* Many, each in a process of its own, so that one that aborts or never ends is one failure. 0: all held. */
struct seeds {
	uint64_t from, to;
	bool many, tap, honest;         /* honest: none of the nodes is hostile */
	int jobs;
	unsigned limit;         /* give up after so many failures */
	unsigned seconds;       /* begin no more after so long; 0: no end */
};
void seeds_story(const struct seeds *s, uint64_t seed, struct story *out);
int seeds_run(const struct seeds *s);

#endif
