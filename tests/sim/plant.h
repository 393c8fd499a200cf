#ifndef KITH_TESTS_SIM_PLANT_H
#define KITH_TESTS_SIM_PLANT_H

#include <stdbool.h>

/*
 * Bugs planted on purpose, to see that they are found. None is in the sources of
 * Kith: kith-sim is linked with --wrap for the functions that they bend
 * (plant_wraps.c), and one switch says which bug there is, if any.
 */
enum plant {
	PLANT_NONE,
	PLANT_ACK_BEFORE_SYNC,
	PLANT_FORGET_CUT, PLANT_REACH_BACK, PLANT_EQUAL_LEVEL, PLANT_STALE_VERDICTS,
	PLANT_DROP_RANGE, PLANT_TRUST_DIGEST, PLANT_SLOW_HEAL, PLANT_RESTLESS,
	PLANT_SHOW_HIDDEN, PLANT_SHOW_ARRIVAL, PLANT_SERVE_PRIVATE, PLANT_TELL_TWICE,
	PLANT_HOARD, PLANT_STATE_RESET, PLANT_LOSE_ANSWER,
	PLANT_COUNT_
};
extern enum plant plant_now;
static inline bool
plant(enum plant p)
{
	return plant_now == p;
}
const char *plant_name(enum plant p);
const char *plant_breaks(enum plant p);         /* which invariant */
bool plant_set(const char *name);
/* A client's read is under way. */
extern bool plant_in_read;
static inline void
plant_reading(bool on)
{
	plant_in_read = on;
}

#endif
