#ifndef KITH_CLIENT_STATE_H
#define KITH_CLIENT_STATE_H

#include "client/client.h"

/*
 * What a snapshot of the store says about a group: the tables that the group
 * keeps for readers (KITH_T_FACT, KITH_T_ROSTER, KITH_T_GROUP), typed. Reactors
 * and the engine share it.
 */
struct kith_state_group {
	uint64_t kind;                  /* 0 group, 1 direct conversation */
	uint64_t joins;                 /* 0 open, 1 invite, 2 request */
	uint64_t members, nodes;
};
KITH_MUST_USE int kith_state_group(struct kith_txn *t, const struct kith_id *group, struct kith_state_group *out);      /* NOTFOUND */

/* A fact as it is now; its default when no act ever wrote it. */
bool kith_state_fact(struct kith_txn *t, const struct kith_id *group, const struct kith_fact *f);
/* Facts of one kind that are on, or of another value than their default: calls fn for each; fn returns false to stop. */
KITH_MUST_USE int kith_state_facts(struct kith_txn *t, const struct kith_id *group, enum kith_fact_kind kind,
    bool (*fn)(void *ctx, const struct kith_fact *f, bool on), void *ctx);

KITH_MUST_USE int kith_state_member(struct kith_txn *t, const struct kith_id *group, const struct kith_id *uid, struct kith_member *out);        /* NOTFOUND */
/* The next row of the roster after *after (none: the first), in order of uid; false: no more. */
bool kith_state_member_next(struct kith_txn *t, const struct kith_id *group, struct kith_id *after, struct kith_member *out);

/* The act that holds a register (object none: the group's own). NOTFOUND: default. */
KITH_MUST_USE int kith_state_register(struct kith_txn *t, const struct kith_id *group, const struct kith_id *object, const char *key,
    struct kith_id *act);
/* RULES B3 and the See points, now. panel none: group-wide. */
bool kith_state_may(struct kith_txn *t, const struct kith_id *group, const struct kith_id *uid, const struct kith_id *panel, const char *perm);
/* Is uid a member now? */
bool kith_state_is_member(struct kith_txn *t, const struct kith_id *group, const struct kith_id *uid);

#endif
