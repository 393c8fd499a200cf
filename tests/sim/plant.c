#include "tests/sim/plant.h"

#include <string.h>

enum plant plant_now;
bool plant_in_read;

static const struct { const char *name, *breaks; } plants[PLANT_COUNT_] = {
	[PLANT_NONE] = { "none", "" },
	[PLANT_ACK_BEFORE_SYNC] = { "ack-before-sync", "what was acknowledged is there after any crash" },
	[PLANT_FORGET_CUT] = { "forget-cut", "nothing is shown that a cut hides" },
	[PLANT_REACH_BACK] = { "reach-back", "nothing is hidden without a cause" },
	[PLANT_EQUAL_LEVEL] = { "equal-level", "no effect without an effective cause" },
	[PLANT_STALE_VERDICTS] = { "stale-verdicts", "incremental state is the one-pass rebuild" },
	[PLANT_DROP_RANGE] = { "drop-range", "all converge" },
	[PLANT_TRUST_DIGEST] = { "trust-digest", "all converge" },
	[PLANT_SLOW_HEAL] = { "slow-heal", "all converge within 10 s" },
	[PLANT_RESTLESS] = { "restless", "quiet networks go quiet" },
	[PLANT_SHOW_HIDDEN] = { "show-hidden", "nothing is shown that a cut hides" },
	[PLANT_SHOW_ARRIVAL] = { "show-arrival", "the same on every screen, in the same order" },
	[PLANT_SERVE_PRIVATE] = { "serve-private", "nobody gets what they may not see" },
	[PLANT_TELL_TWICE] = { "tell-twice", "clients see each message once" },
	[PLANT_HOARD] = { "hoard", "queues and memory are bounded" },
	[PLANT_STATE_RESET] = { "state-reset", "equal frontiers have equal states" },
	[PLANT_LOSE_ANSWER] = { "lose-answer", "every call is answered" },
};

const char *
plant_name(enum plant p)
{
	return plants[p].name;
}

const char *
plant_breaks(enum plant p)
{
	return plants[p].breaks;
}

bool
plant_set(const char *name)
{
	for (int i = 0; i < PLANT_COUNT_; i++) {
		if (strcmp(plants[i].name, name) == 0) {
			plant_now = (enum plant)i;
			return true;
		}
	}
	return false;
}
