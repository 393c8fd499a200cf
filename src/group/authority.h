#ifndef KITH_GROUP_AUTHORITY_H
#define KITH_GROUP_AUTHORITY_H

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"
#include "group/cut.h"
#include "group/record.h"

/*
 * The authority plane of one group, in memory: RULES part A. Pure: records go
 * in (each after all that it names is held), verdicts and facts come out. The
 * incremental form keeps the current state; the one-pass form
 * (kith_authority_verify) computes it anew from the records, and the two must
 * always agree.
 */
struct kith_authority;

#define KITH_LEVEL_OWNER 1000

enum kith_fact_kind {           /* default off unless said */
	KITH_F_ROLE = 1,        /* a: role: it exists (implicit roles: always) */
	KITH_F_ROLE_PERM,       /* a: role; perm */
	KITH_F_HOLDS,           /* a: uid, b: role */
	KITH_F_NOT_BANNED,      /* a: uid; default on */
	KITH_F_VOICE,           /* a: uid; default on */
	KITH_F_NODE,            /* a: node, not banned; default on */
	KITH_F_PANEL,           /* a: panel */
	KITH_F_PANEL_OPEN,      /* a: panel; default on */
	KITH_F_JOINS_OPEN,      /* written by create */
	KITH_F_NOT_DENIED,      /* a: panel, b: role or uid, perm: override; default on */
	KITH_F_ALLOWED,         /* a: panel, b: role or uid, perm: override */
	KITH_F_INVITE,          /* a: invite; stands; default on */
	KITH_F_ADMITTED,        /* a: uid */
	KITH_F_OWNER,           /* a: uid; written by create */
};
struct kith_fact {
	enum kith_fact_kind kind;
	struct kith_id a, b;
	struct kith_slice perm;
};
bool kith_fact_default(const struct kith_fact *f);       /* without create's word */
#define KITH_FACT_KEY_MAX (1 + 32 + 32 + 255)
/* The fact as a store key after the group id: kind, a, b (only where used), perm. Returns its length. */
size_t kith_fact_key(const struct kith_fact *f, uint8_t out[KITH_FACT_KEY_MAX]);
KITH_MUST_USE int kith_fact_parse(struct kith_slice key, struct kith_fact *out);         /* borrows key */

/* One authority record that is held. Borrowed from the plane; lives as long as it. */
struct kith_act {
	struct kith_id id, author, doc, via, node, panel_or_role /* what a creation creates: its own id, or the adopted scope */;
	uint64_t incarnation, seq, clock, counter, doc_n;
	uint32_t index;                 /* order of adding: what it names has smaller ones */
	uint32_t kind;
	int level;                      /* RULES A1; 0 when via names no valid role.create (or owner.succeed) in its past */
	const struct kith_op *op;       /* copied */
	const struct kith_cut *cut;     /* NULL: none named; copied */
	bool valid;                     /* first decision; never changes */
	bool effective;                 /* second decision, in all that counts (A11) */
	bool refused_form;              /* invalid for its form, document or signature */
};

KITH_MUST_USE int kith_authority_new(const struct kith_id *group, struct kith_authority **out);
void kith_authority_free(struct kith_authority *a);

/* What the caller has checked about a record before it adds it. */
struct kith_act_proof {
	bool author_ok;                 /* its document is held, is the author's, with a sound chain; the author's signature is by its key */
	uint64_t doc_n;                 /* number of that document */
	const struct kith_cut *cut;     /* of op.cut, NULL if it names none; copied */
	uint64_t rekey_n;               /* rekey: number of the author's document that op.doc names (0: not sound) */
	uint32_t quorum_sigs_ok;        /* owner.succeed: how many of op.sigs are good, over kith_succeed_bytes, by the account
	                                   key of the document beside them, a sound one of their signer's; valid only if all are */
	struct kith_id invite_maker;    /* invite.revoke: maker of the invite that op.invite names, which is held; else none */
};
/*
 * Add one record; its parents and its prev must have been added (MISSING
 * otherwise). EXISTS: held. MALFORMED: of another group, or it does not follow
 * its prev in one feed. Copies what it keeps. op as kith_op_parse gave it, NULL
 * when that failed. NOMEM leaves all as it was.
 */
KITH_MUST_USE int kith_authority_add(struct kith_authority *a, const struct kith_record *r, const struct kith_op *op,
    const struct kith_act_proof *proof, const struct kith_act **out);
/* Acts whose `effective` has changed since the last call to this (new effective ones included), and forgets them. Borrowed until the next add. */
void kith_authority_changed(struct kith_authority *a, const uint32_t **index, size_t *n);

size_t kith_authority_count(const struct kith_authority *a);
const struct kith_act *kith_authority_at(const struct kith_authority *a, uint32_t index);
const struct kith_act *kith_authority_find(const struct kith_authority *a, const struct kith_id *id);
/* Is x an ancestor of y, or y itself? O(1). An invalid x is seen by itself alone. */
bool kith_authority_seen(const struct kith_authority *a, uint32_t x, uint32_t y);
/* Does it count (A11)? False for what is invalid, or stands beyond a fork and nobody else has built on. */
bool kith_authority_counts(const struct kith_authority *a, uint32_t act);
/*
 * Valid records that count and that no other such has as an ancestor: what a new
 * one should name. Sorted. At most KITH_PARENTS_MAX of them, the newest come.
 */
size_t kith_authority_heads(const struct kith_authority *a, struct kith_id out[KITH_PARENTS_MAX]);
/* The same for a new record after prev in its feed (A10): prev is among them or below them. */
size_t kith_authority_parents(const struct kith_authority *a, const struct kith_id *prev, struct kith_id out[KITH_PARENTS_MAX]);
/* The highest rules version that create or a valid upgrade names: above KITH_RULES_VERSION the group is read-only (A12). */
#define KITH_RULES_VERSION 1
uint64_t kith_authority_rules(const struct kith_authority *a);

/*
 * What has been seen from a frontier: its records and all below, the acts
 * effective among themselves. Never changes; kept by the plane (an LRU) and
 * borrowed until the next call that may add or evict: do not hold across adds.
 * The view of the current heads is the current state.
 *   MISSING  a record of it is not held
 *   DENIED   one is invalid, or an ancestor of another, or there is none
 */
struct kith_view;
KITH_MUST_USE int kith_authority_view(struct kith_authority *a, const struct kith_id *frontier, size_t n, const struct kith_view **out);
KITH_MUST_USE int kith_authority_now(struct kith_authority *a, const struct kith_view **out);        /* all that is held */
bool kith_view_seen(const struct kith_view *v, uint32_t act);
bool kith_view_effective(const struct kith_view *v, uint32_t act);       /* seen, and effective among what is seen */
bool kith_view_fact(const struct kith_view *v, const struct kith_fact *f);      /* A9, over the view */

/*
 * A9 over a choice of acts: the fact as it is on when exactly the acts for which
 * counts() says true count (writes of one fact only are asked about). The rule
 * that a restriction falls only to its own level or above is applied. For B7.
 */
typedef bool (*kith_counts_fn)(void *ctx, const struct kith_act *act);
bool kith_authority_fact_over(struct kith_authority *a, const struct kith_fact *f, kith_counts_fn counts, void *ctx);
/* The acts that write a fact, valid ones only, in order of index. */
struct kith_write { uint32_t act; bool on; };
size_t kith_authority_writes(const struct kith_authority *a, const struct kith_fact *f, const struct kith_write **out);
/* Valid kicks that name uid (a kick is no fact): act indexes, borrowed. */
size_t kith_authority_kicks(const struct kith_authority *a, const struct kith_id *uid, const uint32_t **out);

/* All facts that any valid act writes, in a fixed order: start with *it = 0. Borrowed. */
bool kith_authority_fact_next(const struct kith_authority *a, size_t *it, struct kith_fact *f);
/*
 * Registers: object (none for the group, a role, a panel, or kith_object_plugins) and key: op.key, or "order", "parent",
 * "joins" (set), "rules" (upgrade). Value: the act that holds (A9), NULL: default, as the creation says.
 */
extern const struct kith_id kith_object_plugins;
bool kith_authority_register_next(const struct kith_authority *a, size_t *it, struct kith_id *object, struct kith_slice *key);
const struct kith_act *kith_authority_register(struct kith_authority *a, const struct kith_id *object, struct kith_slice key);
/* The causally maximal effective writes of the highest level (kithctl resolve): the first max of them. Returns how many there are. */
size_t kith_authority_register_all(struct kith_authority *a, const struct kith_id *object, struct kith_slice key, uint32_t *out, size_t max);

/*
 * A9: the sum mod 2^256 of KITH_L_FACT hashes, of the key of each fact that differs from kith_fact_default, and of
 * (0, object, key, id of the act that holds) for each register that somebody wrote.
 */
void kith_authority_state_hash(struct kith_authority *a, struct kith_id *out);

/*
 * The one-pass form: decides all anew from the records held, without the
 * incremental state. KITH_OK: agrees on every verdict, fact, register and on the
 * state hash; CORRUPT: it does not, *first is the first act that differs (or
 * UINT32_MAX).
 */
KITH_MUST_USE int kith_authority_verify(struct kith_authority *a, uint32_t *first);

/*
 * Would this act be valid on top of the current state (as a home asks before it
 * writes)? KITH_OK, or DENIED and a word: "permission", "level", "role", "owner", "banned", "form".
 */
KITH_MUST_USE int kith_authority_may(struct kith_authority *a, const struct kith_id *author, uint32_t kind,
    const struct kith_id *via, const struct kith_op *op, const char **why);
/* The highest role through which author may do this (none: as an owner). DENIED as above when through none. */
KITH_MUST_USE int kith_authority_via(struct kith_authority *a, const struct kith_id *author, uint32_t kind,
    const struct kith_op *op, struct kith_id *via, const char **why);
/* Both for an invite.revoke, where the maker (none: not known) may do what others may not. */
KITH_MUST_USE int kith_authority_may_revoke(struct kith_authority *a, const struct kith_id *author, const struct kith_id *via,
    const struct kith_op *op, const struct kith_id *maker, const char **why);
KITH_MUST_USE int kith_authority_via_revoke(struct kith_authority *a, const struct kith_id *author, const struct kith_op *op,
    const struct kith_id *maker, struct kith_id *via, const char **why);

#endif
