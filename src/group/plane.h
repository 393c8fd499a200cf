#ifndef KITH_GROUP_PLANE_H
#define KITH_GROUP_PLANE_H

#include "base/map.h"
#include "group/authority.h"
#include "wire/mp.h"

/*
 * The inside of the authority plane, shared by authority.c (adding), past.c
 * (ancestry), counts.c (forks, questions), act.c and kinds.c (what an act relies
 * on and writes), resolve.c (verdicts), view.c (sets of acts and what is
 * effective in them), verify.c (the one-pass form), facts.c (facts, registers),
 * sum.c (the state hash), pool.c and may.c. Nobody else includes it.
 *
 * How verdicts are found. A view is a set of acts closed under ancestry, and
 * which of them are effective in it. judge() decides one act from the verdicts
 * of the view on what the act relies on: acts of strictly higher levels, and
 * acts of its own level in its past. So judging in the order (level falling,
 * index rising) decides a whole set in one pass; and when an act joins a set, a
 * heap in that same order re-judges each act at most once, beginning with those
 * that the newcomer touches and going on with the readers of every flip.
 */
#define CHUNK 32                        /* columns in one piece of a clock */
#define VIEWS_MAX 256

struct act;
struct slot;
struct person;
struct role;

struct idx_vec {
	uint32_t *v;
	size_t n, cap;
};

/*
 * The past of an act as a vector clock: for each chain of acts (column) how many
 * of it the act has seen, itself included. Pieces are shared with the parents'
 * clocks wherever they are equal, so an act costs one piece and a row of pointers.
 */
struct chunk {
	uint32_t v[CHUNK];
};
struct past {
	uint32_t n;                     /* pieces */
	const struct chunk *c[];
};

/* A fact or a register (f.kind 0; f.a the object, f.perm the key). */
struct slot {
	struct kith_fact f;
	KITH_VEC(struct kith_write) writes;     /* by valid acts, by rising index */
	struct idx_vec readers;                        /* acts whose verdict rests on it */
	struct person *who;             /* of holds, owner, not banned, voice */
	struct role *role;              /* of role, holds */
	bool dirty;                     /* its part in the state hash is out of date */
	bool summed;                    /* h is part of the sum */
	struct kith_id h;
};

struct person {
	struct kith_id uid;
	struct idx_vec acts;                   /* written by them, valid */
	struct idx_vec aimed;                  /* acts on them as a person (A4), valid */
	struct idx_vec resigns, rekeys, kicks; /* valid */
	KITH_VEC(struct slot *) holds;  /* every role that was ever granted to them */
	struct slot *owner;             /* NULL until somebody asks */
};

/*
 * Most permissions are never spoken of again after the role.create that turns
 * them on, so these have no slots until somebody asks for one.
 */
struct role {
	struct kith_id id;
	struct act *create;             /* NULL: implicit, or not (yet) valid */
	struct kith_write first;        /* what create writes to each permission of its own */
	struct slot *exists;
	KITH_VEC(struct person *) held; /* everybody to whom it was ever granted */
	KITH_VEC(struct slot *) perms;  /* those of create's permissions that have slots */
	bool dirty;                     /* the rest of them in the state hash are out of date */
	bool summed;                    /* they are part of the sum */
};

struct feed {
	bool begun;                     /* a record of place 0 is held */
	uint64_t fork_seq;              /* UINT64_MAX: no fork known */
};

struct slot_write {
	struct slot *s;
	bool on;
};

/* What an act relies on and does: act.c. */
struct plan {
	bool owner;                     /* acts as an owner: ownership alone */
	bool lay_down;                  /* of the role acted through: no permission, no bounds */
	bool lifts;                     /* A4: does not lift a senior's */
	struct slot *standing;          /* author not banned, or author is owner */
	struct slot **needs;            /* facts that must hold for it */
	uint32_t n_needs;
	struct slot_write *writes;
	uint32_t n_writes;
	struct person **people;         /* whom it is aimed at */
	uint32_t n_people;
};

struct act {
	struct kith_act pub;            /* first */
	const struct past *past;
	uint32_t col, pos;              /* its chain and place in it, from 1; 0: invalid, in none */
	bool dominates;                 /* has seen every valid act of a smaller index */
	bool has_child;                 /* in its feed */
	bool reported;                  /* effective, when kith_authority_changed was last asked */
	bool listed;                    /* in the list of changes */
	uint32_t n_parents;
	uint32_t *parents;              /* indexes; also its prev, last, if it has one */
	bool twinned;                   /* another valid act has the same author and counter */
	struct act *twin;               /* the one before it that has; the newest is found by kith_plane_counter */
	uint64_t rekey_n;
	uint32_t sigs_ok;
	struct kith_id invite_maker;
	struct person *by;
	struct feed *feed;
	bool planned;                   /* it passed all of the first decision that asks for no other act's verdict */
	struct plan plan;
};

struct kith_view {
	struct kith_authority *a;
	uint64_t *in, *eff;             /* bit per index */
	size_t words;
	uint32_t n_in;
	struct idx_vec heads;                  /* the maximal ones; no act twice */
	struct kith_view *newer, *older;        /* in the cache */
};

/* Acts to judge, each once: the highest level first, then the smallest index. */
struct work {
	uint32_t *heap;
	uint64_t *queued;
	size_t n, cap;
};

/* Memory for what is never freed singly; can be taken back to a mark. */
struct pool {
	struct pool_block *head;
	size_t size;                    /* bytes in all blocks */
};
struct pool_mark {
	struct pool_block *head;
	size_t n;
};

struct kith_authority {
	struct kith_id group;
	KITH_VEC(struct act *) acts;
	struct kith_map *by_id, *slots, *persons, *roles, *feeds, *counters;
	struct pool pool;
	struct idx_vec columns;                /* length of each chain */
	struct chunk no_chunk;          /* all zero */
	uint32_t n_valid;
	struct idx_vec succeeds;               /* owner.succeed, valid */
	KITH_VEC(struct person *) owners;       /* all who ever were */
	struct slot *succession;        /* the register, once something names it */
	uint64_t rules;

	struct kith_view now;
	bool now_asked;                 /* somebody looked at the heads' view: worth keeping when it moves */
	struct idx_vec changes;
	struct work work;

	struct kith_map *views;
	struct kith_view *newest, *oldest;
	size_t n_views;

	KITH_VEC(struct slot *) dirty;
	KITH_VEC(struct role *) created, dirty_roles;
	uint8_t sum[32];
};

/* ---- pool.c, authority.c ---- */
void *kith_pool_alloc(struct pool *p, size_t n, size_t size);      /* zeroed; NULL: memory */
struct pool_mark kith_pool_mark(const struct pool *p);
void kith_pool_back(struct pool *p, struct pool_mark to);
const struct kith_op *kith_pool_op(struct pool *p, const struct kith_op *from);  /* copies; NULL: memory */
const struct kith_cut *kith_pool_cut(struct pool *p, const struct kith_cut *from);
struct act *kith_plane_act(const struct kith_authority *a, const struct kith_id *id);
struct person *kith_plane_person(struct kith_authority *a, const struct kith_id *uid);   /* made if need be; NULL: memory */
struct role *kith_plane_role(struct kith_authority *a, const struct kith_id *id);        /* the same */
struct act *kith_plane_counter(const struct kith_authority *a, const struct act *x);
bool kith_plane_counts(const struct kith_authority *a, const struct act *x);     /* A11, from the records */
/* Room for n more items after the next push; NOMEM. */
int kith_vec_reserve_(void **v, size_t *cap, size_t need, size_t size);
#define kith_vec_reserve(a, more) \
	kith_vec_reserve_((void **)&(a)->v, &(a)->cap, (a)->n + (more), sizeof(*(a)->v))

static inline struct act *
act_at(const struct kith_authority *a, uint32_t i)
{
	return a->acts.v[i];
}

/* Is x in y's past, or y? Both are of the plane; x is valid. */
static inline bool
act_seen(const struct act *x, const struct act *y)
{
	return x == y || (x->pos != 0 && x->col / CHUNK < y->past->n &&
	    y->past->c[x->col / CHUNK]->v[x->col % CHUNK] >= x->pos);
}

static inline bool
bit_get(const uint64_t *b, size_t words, uint32_t i)
{
	return i / 64 < words && (b[i / 64] >> (i % 64) & 1) != 0;
}

static inline bool
view_in(const struct kith_view *v, uint32_t i)
{
	return bit_get(v->in, v->words, i);
}

static inline bool
view_eff(const struct kith_view *v, uint32_t i)
{
	return bit_get(v->eff, v->words, i);
}

/* ---- past.c ---- */
/* x->past from its parents; then x itself in it, at the end of its prev's chain or of a new one. */
int kith_past_join(struct kith_authority *a, struct act *x);
int kith_past_own(struct kith_authority *a, struct act *x, const struct act *prev);
bool kith_past_sees_all(const struct kith_authority *a, const struct act *x);    /* every valid act */
bool kith_past_has(const void *x, const struct act *y);          /* a kith_past_fn: y is valid and in the past of act x */

/* ---- counts.c ---- */
/* x is new and in the indexes: it, and what counts through it, into now. */
void kith_count_new(struct kith_authority *a, struct act *x);
/* A fork has come to light: what counts is counted anew. old: room for as many words as now has. */
void kith_count_anew(struct kith_authority *a, uint64_t *old);

/* ---- act.c ---- */
bool kith_quorum_parse(struct kith_slice value, struct kith_mp_reader *uids, uint32_t *n, uint64_t *threshold);
/*
 * Fill x->plan from what x says. KITH_OK; DENIED, and why: it can never be
 * valid, whatever other acts are worth; NOMEM. past_ok(ctx, y) tells whether y
 * lies in x's past and is valid.
 */
typedef bool (*kith_past_fn)(const void *ctx, const struct act *y);
int kith_act_level(const struct kith_authority *a, const struct kith_id *via, uint32_t kind, const struct kith_op *op,
    kith_past_fn past_ok, const void *ctx);
int kith_act_plan(struct kith_authority *a, struct act *x, kith_past_fn past_ok, const void *ctx, const char **why);

/* ---- facts.c ---- */
struct slot *kith_slot(struct kith_authority *a, const struct kith_fact *f);             /* made if need be; NULL: memory */
struct slot *kith_slot_register(struct kith_authority *a, const struct kith_id *object, struct kith_slice key);
struct slot *kith_slot_find(const struct kith_authority *a, const struct kith_fact *f);
bool kith_fact_restricts(enum kith_fact_kind k);         /* lifted only from its own level up (A9) */
/*
 * A9 over the effective acts of v that lie in e's past (e NULL: all of v; whole:
 * all of v is e's past), of a level of at least min.
 */
bool kith_slot_past(const struct kith_view *v, const struct slot *s, const struct act *e, int min, bool whole);
/* Some effective act of v, concurrent with e and of a strictly higher level, turns it off (A7 b). */
bool kith_slot_struck(const struct kith_view *v, const struct slot *s, const struct act *e);
/* Among the maximal effective writes of a register in v that pass: the highest level, then the smallest id. */
struct act *kith_slot_value(const struct kith_view *v, const struct slot *s, const struct act *before, int min);
/* A register's key begins with a zero byte, which is no kind of fact. Returns its length. */
size_t kith_register_key(const struct kith_id *object, struct kith_slice name, uint8_t out[KITH_FACT_KEY_MAX]);
/* A role's first permission of this number, below op.n_perms. False: it has a slot. */
bool kith_role_first(const struct kith_authority *a, const struct role *r, uint32_t i, struct kith_fact *f);

/* ---- sum.c ---- */
void kith_slot_touch(struct kith_authority *a, struct slot *s);
void kith_role_touch(struct kith_authority *a, struct role *r);
/* The part of a slot in the state hash; false: at its default. The whole hash, summed anew. */
bool kith_slot_hash(const struct kith_view *v, const struct slot *s, struct kith_id *out);
void kith_view_state_hash(const struct kith_view *v, struct kith_id *out);

/* ---- resolve.c ---- */
/* Is e effective in v? whole: all of v is e's past. NULL: yes; else what is lacking. */
const char *kith_judge(const struct kith_view *v, const struct act *e, bool whole);
/* The same for the first decision, v being e's past. */
const char *kith_judge_first(const struct kith_view *v, const struct act *e);
/* x joins v, its past being there. No memory is asked for: room was made in v and in the plane's work. */
void kith_view_take(struct kith_view *v, struct act *x);
/* Decide all of v->in anew in one pass. */
void kith_view_decide(struct kith_view *v);
/* x is effective in v, or no longer. */
void kith_view_flip(struct kith_view *v, struct act *x, bool on);

/* ---- view.c ---- */
int kith_view_reserve(struct kith_view *v, size_t n_acts);
void kith_view_fini(struct kith_view *v);
void kith_view_push_head(struct kith_view *v, struct act *x);    /* room is there */
int kith_view_copy(const struct kith_view *from, size_t n_acts, struct kith_view *to);
/* The view below some acts, none an ancestor of another. Borrowed until the next call of this. */
int kith_view_below(struct kith_authority *a, uint32_t *idx, size_t n, struct kith_view **out);
void kith_view_keep_now(struct kith_authority *a);       /* as good as memory allows */
int kith_work_reserve(struct kith_authority *a, size_t n_acts);
void kith_views_free(struct kith_authority *a);

#endif
