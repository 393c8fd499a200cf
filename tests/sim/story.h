#ifndef KITH_TESTS_SIM_STORY_H
#define KITH_TESTS_SIM_STORY_H

#include <stdio.h>

#include "base/map.h"

/*
 * A story: who there is, and a list of steps. It is drawn from a seed before
 * anything happens, can be written down, read back, and shrunk. A step says when
 * and what; whom it is about follows from its roll and from what there is then,
 * so that a story from which steps, people or nodes were taken still makes sense.
 */
#define STORY_NODES_MAX 20
#define STORY_PEOPLE_MAX 40

enum step_kind {
	/* what people do */
	DO_SAY, DO_AGAIN, DO_EDIT, DO_REACT, DO_PIN, DO_RECALL, DO_REMOVE, DO_TYPE, DO_CONNECT, DO_DISCONNECT,
	DO_GROUP, DO_JOIN, DO_LEAVE, DO_DM, DO_INVITE, DO_UNINVITE, DO_ADMIT, DO_SETTING,
	DO_PANEL, DO_OVERRIDE, DO_OPEN, DO_UNPANEL, DO_ROLE, DO_PERMS, DO_GRANT, DO_REVOKE, DO_UNROLE,
	DO_BAN, DO_KICK, DO_MUTE, DO_UNBAN, DO_UNMUTE, DO_OWNER, DO_RESIGN, DO_NODE_BAN, DO_NODE_UNBAN,
	/* what the world does */
	NET_SPLIT, NET_SILENCE, NET_HEAL, NET_ONE_WAY, NET_DROP, NET_HALF_OPEN, NET_SLOW, NET_LAG,
	NODE_KILL, NODE_CRASH, NODE_START, NODE_AWAY, NODE_COPY, NODE_RESTORE, NODE_ROLL_BACK,
	DISK_FULL, DISK_ROOM, DISK_SLOW, DISK_FAIL, DISK_FLIP,
	CLOCK_JUMP, CLOCK_DRIFT, CLOCK_SET,
	/* what hostile nodes do, from then on */
	EVIL_FORK, EVIL_BACKDATE, EVIL_WITHHOLD, EVIL_DEAF, EVIL_LIE, EVIL_REPLAY, EVIL_FLOOD, EVIL_FORGE, EVIL_SELECT, EVIL_STALE,
	EVIL_FUTURE, EVIL_REST,
	STEP_COUNT_
};
struct step { uint64_t at_ms, roll; enum step_kind kind; };

struct story {
	uint64_t seed;
	int n_nodes, n_people, n_groups;
	bool evil[STORY_NODES_MAX];
	bool dial_only[STORY_NODES_MAX];        /* behind NAT */
	uint32_t sync_ms[STORY_NODES_MAX];
	uint32_t delay_ms, heat;                /* heat: how much of it is moderation, percent */
	KITH_VEC(struct step) steps;
};

void story_draw(struct story *s, uint64_t seed);
void story_copy(struct story *to, const struct story *from);
void story_fini(struct story *s);
const char *step_name(enum step_kind k);
int story_evil(const struct story *s);                          /* how many hostile nodes */
/* As text, one line for each thing; the form that story_read takes. */
void story_write(const struct story *s, FILE *to);
/* false: not a story, *line says where. */
bool story_read(struct story *s, FILE *from, int *line);

#endif
