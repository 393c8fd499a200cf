#ifndef KITH_TESTS_SIM_PLAY_H
#define KITH_TESTS_SIM_PLAY_H

#include "tests/sim/story.h"
#include "tests/sim/world.h"

/*
 * A story as it is played: the world, what people have been told, what hostile
 * nodes are up to, and the first thing that did not hold.
 */
#define PLAY_GROUPS_MAX 8
#define PLAY_SAVED_MAX 2
#define PLAY_ROOMS_MAX 6

struct member { struct person p; char name[16]; };

struct room {                   /* a panel */
	char id[64];
	bool private;
	bool may[STORY_PEOPLE_MAX];     /* may ever have been let in */
};
struct named { char id[64]; };

struct group {
	char id[64];
	bool direct;
	int maker;
	KITH_VEC(struct room) rooms;
	KITH_VEC(struct named) roles, invites;
	KITH_VEC(char *) links;
	bool high[STORY_PEOPLE_MAX];    /* may have authority */
	bool in[STORY_PEOPLE_MAX];      /* has come in at some time */
};

struct said {                   /* what somebody was told is done */
	char id[64], group[64], panel[64], what[24];
	struct kith_id rec;
	int who, node;
	uint64_t at_ms;
	bool message;
	bool recalled;          /* or may have been for a while, at some nodes, and then its words are gone there */
	bool lost;              /* the disk that it was on has been put back */
};

struct ask;                     /* on its way: load.c */
struct evil;                    /* evil.c */
struct clients;                 /* clients.c */

struct play {
	const struct story *story;
	struct world *w;
	int n_nodes, n_people, n_groups;
	struct member who[STORY_PEOPLE_MAX];
	struct group group[PLAY_GROUPS_MAX];
	KITH_VEC(struct said) said;
	struct ask *asked;
	struct { struct kith_store *store; int node; uint64_t at_ms; } saved[PLAY_SAVED_MAX];
	bool rolled_back;       /* a disk was put back unnoticed: its node forks in good faith */
	bool restored[STORY_NODES_MAX];
	bool away[STORY_NODES_MAX];
	uint64_t ahead_ms;      /* how far wall clocks have been before the true time, as a time of the world */
	struct evil *evil;
	struct clients *clients;
	unsigned calls, ok;
	size_t at_step;
	int log;
	/* what came of it */
	uint64_t converged_ms;  /* after the last fault healed */
	struct { char name[24], err[24]; unsigned n; } tally[200];
	size_t n_tally;
	bool failed;
	char invariant[64], why[4096];
};

struct outcome {
	bool failed;
	char invariant[64], why[4096];
	uint64_t at_ms, trace, converged_ms, virtual_ms;
	size_t at_step;
	unsigned calls, ok, records;
};
/* Plays the whole story; the same story gives the same outcome, its trace included. log: 1 what happens, 2 frames too. */
void play_story(const struct story *s, int log, struct outcome *out);

/* The first thing that does not hold ends the story. invariant: its name (check.h). */
void play_fail(struct play *p, const char *invariant, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void play_tell(struct play *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool play_correct(const struct play *p, int node);              /* not hostile */
struct group *play_group(struct play *p, const char *id);
bool play_was_recalled(const struct play *p, const char *id);

/* load.c */
void load_begin(struct play *p);                /* first groups, and who is in them */
void load_step(struct play *p, const struct step *s);
void load_check_answered(struct play *p);
void load_fini(struct play *p);

/* faults.c */
void faults_step(struct play *p, const struct step *s);
void faults_heal(struct play *p);
void faults_fini(struct play *p);

#endif
