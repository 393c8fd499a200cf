#ifndef KITH_TESTS_SIM_LOOK_H
#define KITH_TESTS_SIM_LOOK_H

#include "tests/sim/play.h"

/* A group as each node has it on its disk at one moment, opened anew from there. */
struct view {
	bool up, held;
	bool live;              /* correct, somebody here is a member, and the node is not banned: it must agree with its like */
	struct kith_group *g;
	struct kith_txn *t;     /* NULL once look_unlock has been called */
	struct kith_id state, heads;            /* heads: a hash of them all */
	struct kith_buf text;                   /* what all live ones must have alike, one thing a line */
	struct kith_id panel[PLAY_ROOMS_MAX];   /* a sum over all records of each room that its people may see; else none */
};
struct look {
	struct play *p;
	struct group *group;
	struct kith_id id;
	struct view v[STORY_NODES_MAX];
};
void look_open(struct look *l, struct play *p, struct group *g);
void look_unlock(struct look *l);       /* ends the transactions: calls to the nodes are possible again */
void look_close(struct look *l);
/* Two live nodes that differ: says in what. */
bool look_differ(const struct look *l, int *a, int *b, char *why, size_t n_why);
/* The lines in which two texts differ first. */
void look_first_difference(const char *x, const char *y, char *out, size_t n);

#endif
