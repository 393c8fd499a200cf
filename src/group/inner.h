#ifndef KITH_GROUP_INNER_H
#define KITH_GROUP_INNER_H

#include "group/group.h"
#include "group/rights.h"
#include "id/doc.h"
#include "id/invite.h"
#include "id/node.h"

/*
 * The inside of a group, shared by group.c (opening), gate.c (the door), park.c
 * (the waiting room), find.c (what a name stands for), first.c (RULES B2),
 * second.c (B5, B7), tree.c (B6), people.c (B1, B8, B9), redact.c (B10),
 * rejudge.c (B12), write.c, out.c, tables.c and verify.c. Nobody else includes it.
 *
 * Memory holds authority, the accepted records of the roster that memberships
 * rest on, documents, and a description of every feed; timelines are read from
 * the ledger when something has to be decided anew.
 */
#define PARK_RECORDS_MAX 1000           /* for each peer */
#define PARK_BYTES_MAX (4u << 20)
#define PARK_MS (10u * 60 * 1000)
#define PARK_ALL_MAX (64u << 20)
#define PARK_DOCS_MAX 256               /* documents whose predecessor is not held */
#define EARLY_MS (60u * 1000)           /* a clock further ahead than this waits ... */
#define REFUSE_MS (10u * 60 * 1000)     /* ... and than this is refused, without a verdict */
#define LOOK_MS 5000u                   /* what waits for its time is looked at so often at least */
#define LATE_MS (60u * 1000)
#define ERASE_MS (UINT64_C(7) * 24 * 60 * 60 * 1000)
#define RUN_MAX 512                     /* records in one run */
#define PATHS_MAX 8                     /* RULES B6 */
#define PANEL_HEADS_MAX 8
#define NO_PLACE UINT64_MAX
#define FEED_WAITING 1u                 /* flag of a feed in the ledger: records of pages stand above a gap */

/* States that only this folder reads, above KITH_S_. */
#define S_AUTHOR_BAD (1u << 16)         /* authority: document or author's signature no good */
#define S_ALL_SECOND (KITH_S_HIDDEN | KITH_S_SIDE)

enum first { FIRST_WAITING, FIRST_REJECTED, FIRST_ACCEPTED };

struct feed;
struct person;
struct rost;
struct gnode;

/* An identity document whose predecessors are all held. */
struct doc {
	struct kith_id id, uid, home, prev;
	uint64_t n;
	uint8_t pk[32];
	uint32_t flags;
	enum kith_doc_by by;
	bool sound;
	bool stands;                    /* B8, among the rivals that are held */
	struct doc *before;             /* NULL for document 0 */
	struct doc *heir;               /* the one after this that stands if this does */
	struct person *who;
};

/* Acts of a frontier, by index. */
struct front {
	uint32_t n;
	uint32_t one;
	uint32_t *more;                 /* n > 1: all of them */
};

/* What the last verdict under a membership in a feed holds for. */
struct quick {
	struct feed *feed;
	uint64_t epoch, front_gen;
	uint64_t seq_hi, clock_lo, clock_hi;
	uint8_t right;
	bool accepted, visible;
	uint32_t side;
};

struct earlier {
	uint64_t incarnation, seq;
	struct kith_id id;
};

/* An accepted record of the roster that others rest on: join, move, leave, node.join, node.rekey. */
struct rost {
	struct kith_id id;
	struct person *who;             /* NULL: a node's own */
	struct doc *doc;
	struct rost *via;
	struct feed *feed;
	uint64_t seq, clock, pos;
	uint32_t kind;
	uint8_t how;
	struct front front;
	struct kith_id invite, maker;   /* of a join by invite */
	const struct kith_cut *cut;     /* NULL: none */
	struct kith_arena *arena;       /* the cut's */
	KITH_VEC(struct earlier) earlier;       /* first record of an incarnation: tips of the roster feeds before it */
	/* second decision */
	bool counts, spoken, admitted, superseded, left, member;
	bool alive;                     /* B9, as far as acts decide: not ended, its node not banned */
	uint8_t told;                   /* what the store says: 1 hidden, 2 beside the branches that count */
	uint64_t leaves;                /* which leaves of it count */
	uint64_t stamp;                 /* changes with anything that records under it are judged by */
	KITH_VEC(struct quick) quick;
	size_t quick_at;
};

struct person {
	struct kith_id uid;
	KITH_VEC(struct doc *) docs;
	KITH_VEC(struct rost *) rost;           /* accepted joins, moves, leaves: each after what it names */
	KITH_VEC(struct rost *) later;          /* joins and moves under documents above 0, the greatest number first */
	KITH_VEC(struct rost *) invited;        /* joins by invites that this person made */
	size_t n_judged;                /* of rost: those that acts have been asked about */
	struct rost *stands;            /* the membership of B9, NULL: no member */
	struct rost *last;              /* the newest membership, standing or not */
	bool dirty;                     /* to be judged anew: what came since, */
	bool dirty_all;                 /* or everything */
	bool stale;                     /* readers' row is out of date */
};

struct gnode {
	struct kith_id id;
	KITH_VEC(struct feed *) feeds;
	KITH_VEC(struct person *) people;       /* who has, or had, a membership in its roster */
	KITH_VEC(struct rost *) rost;           /* its own: node.join, node.rekey */
	uint32_t members;
	bool dirty;
	struct { struct kith_id panel; uint64_t epoch; bool sees; } seen[8];     /* who gets what, as last worked out */
	size_t seen_at;
	bool forked;                    /* one of its roster feeds is */
	bool joined;                    /* has a node.join or node.rekey that is accepted */
};

struct tree;

struct feed {
	struct kith_ledger_feed l;
	enum kith_plane plane;
	struct gnode *node;
	struct panel *panel;            /* timelines */
	struct rost *root;              /* roster: its first record, if accepted */
	struct front front;             /* of the tip, when known */
	KITH_VEC(struct kith_id) names; /* the same, as the record names them */
	uint64_t high;                  /* the highest clock that it has seen */
	bool front_known;
	uint64_t tip_clock;
	bool tip_rejected;
	bool state_known;               /* the two above have been read */
	uint64_t gen;                   /* changes with front */
	uint64_t rejected_from;         /* NO_PLACE: none; kept for feeds without forks */
	bool changed;                   /* l is to be put */
	uint64_t unsigned_from;         /* ours: first place without a signature over it; NO_PLACE: none */
	struct tree *tree;              /* NULL: not built */
	/* what must be judged anew */
	uint64_t scan_from;             /* NO_PLACE: nothing */
	struct person *scan_who;        /* NULL: everybody's */
	KITH_VEC(uint64_t) scan_pos;    /* and these records, by position */
};

struct panel {
	struct kith_id scope;
	bool heads_known;
	struct panel_head { struct kith_id id; struct feed *feed; uint64_t clock; } head[PANEL_HEADS_MAX];
	size_t n_heads;
	KITH_VEC(struct feed *) feeds;
	KITH_VEC(uint32_t) creates;     /* valid acts that made it */
};

struct parked {
	struct kith_id id, from;
	uint8_t *bytes;                 /* header, body */
	size_t n_header, n_body;
	bool has_sig;
	uint8_t sig[64];
	uint64_t expires_ms;            /* monotonic */
	struct room *room;
	uint64_t due_ms;                /* wall clock; 0: not early */
	bool rejected;                  /* decided, though its place in the feed is not there yet */
	bool history;
	size_t cost;
	struct kith_record rec;
	struct parked *prev, *next;     /* by age */
};

/* A name in a cut that was not held when it was looked for, and where it claims to be. */
struct claim {
	struct kith_id id, scope, node;
	uint64_t incarnation, seq;
	struct claim *next;             /* another claim about the same id */
};

/* A document that nobody has named yet, or whose predecessor is not held. */
struct loose_doc {
	struct kith_id id, prev;
	uint8_t *raw;
	size_t n_raw;
	bool wanted;
};

struct kith_group {
	const struct kith_env *env;
	const struct kith_self *self;
	struct kith_id id;
	struct kith_authority *a;
	bool held, failed;
	struct kith_map *docs, *people, *nodes, *feeds, *panels, *rost, *parked, *waiters, *claims, *loose_docs, *loose;
	KITH_VEC(struct kith_id) roles;         /* every role.create that is valid */
	KITH_VEC(struct person *) sorted;       /* people in order of uid, when sorted_ok */
	bool sorted_ok;
	KITH_VEC(struct rost *) by_invite;      /* joins by invite */
	KITH_VEC(struct rost *) by_open;        /* joins that name the open door */
	KITH_VEC(struct rost *) with_cut;       /* joins and moves that bear one; moves */
	KITH_VEC(uint64_t) high;        /* by act: the highest clock it has seen, itself included */
	struct kith_id member_role;
	uint64_t epoch;                 /* changes with whatever a quick verdict may rest on */
	uint64_t gens;                  /* frontiers of feeds, counted as they change */
	size_t n_acts_judged;           /* acts that have been looked at by kith_settle */
	uint64_t newest_clock;
	uint64_t cuts_epoch;            /* changes with the set of names in cuts */
	struct parked *oldest, *newest; /* the waiting room by age */
	struct kith_map *rooms;         /* by peer: what it has waiting */
	size_t parked_bytes;
	KITH_VEC(struct kith_id) queue; /* what came to be held: wake who waits for it */
	KITH_VEC(struct person *) touched;      /* to be judged anew */
	KITH_VEC(struct gnode *) touched_nodes;
	KITH_VEC(struct kith_id) held_roles;    /* scratch: roles that somebody holds */
	struct kith_arena *arena;       /* scratch: the op at hand */
	bool dirty_feeds, dirty_scans, dirty_trees;
	size_t loose_bytes;
	KITH_VEC(struct kith_missing) parts_wanted;     /* parts of cuts that a verdict asked for in vain */
	bool blocked;                   /* some feed is FEED_WAITING */
	bool pure;                      /* verify's own: judge by the plain form alone, write nothing */
	struct kith_map *states;        /* pure: id -> state + 1 */
	int (*order)(void *ctx, const struct kith_id *x, const struct kith_id *y);
	void *order_ctx;
	/* for the readers' tables */
	KITH_VEC(uint32_t) acts_changed;
	KITH_VEC(struct person *) stale;
	bool stale_all;
};

/* ---- group.c ---- */
int kith_group_new(const struct kith_env *env, const struct kith_self *self, const struct kith_id *id, struct kith_group **out);
void kith_feed_free(void *p);             /* struct feed, struct rost */
void kith_rost_free(void *p);
int kith_feed_adopt(struct kith_group *g, const struct kith_ledger_feed *l, struct feed **out);
struct feed *kith_group_feed_(struct kith_group *g, struct kith_txn *t, const struct kith_id *scope, const struct kith_id *node,
    uint64_t incarnation, bool create, int *err);        /* NULL: not there (*err KITH_OK) or an error */
struct person *kith_group_person(struct kith_group *g, const struct kith_id *uid, bool create);  /* NULL: not there, or memory */
struct gnode *kith_group_gnode(struct kith_group *g, const struct kith_id *node, bool create);
struct panel *kith_group_panel(struct kith_group *g, const struct kith_id *scope, bool create);
/* What the tip of a feed stands for, read once. */
int kith_feed_know(struct kith_group *g, struct kith_txn *t, struct feed *f);
int kith_feed_front(struct kith_group *g, struct feed *f, const struct kith_record *r);   /* its tip is this now, accepted */
int kith_feed_put(struct kith_group *g, struct kith_txn *t, struct feed *f);
int kith_feeds_put(struct kith_group *g, struct kith_txn *t);    /* all that changed */
int kith_group_change(struct kith_group *g, struct kith_changes *c, enum kith_change_kind what, const struct kith_record *r,
    uint64_t pos, uint32_t state);
int kith_group_add_act(struct kith_group *g, struct kith_txn *t, const struct kith_record *r, const struct kith_op *op,
    const struct kith_act_proof *proof, const struct kith_act **out);
/* An accepted record of the roster joins those in memory; *out NULL: of a kind that nothing rests on. */
int kith_group_add_rost(struct kith_group *g, struct kith_txn *t, const struct kith_record *r, const struct kith_op *op,
    uint64_t pos, struct feed *f, struct rost **out);
int kith_state_get(struct kith_group *g, struct kith_txn *t, uint64_t pos, const struct kith_id *id, uint32_t *flags);
int kith_state_set(struct kith_group *g, struct kith_txn *t, uint64_t pos, const struct kith_id *id, uint32_t flags);

/* A cut that is held, parsed. NOTFOUND. */
int kith_cut_load(struct kith_txn *t, const struct kith_id *id, struct kith_arena **arena, const struct kith_cut **out);

/* ---- front ---- */
int kith_front_of(struct kith_group *g, const struct kith_id *ids, size_t n, struct front *out);  /* all are held; MISSING */
void kith_front_fini(struct front *f);
int kith_front_copy(const struct front *f, struct front *out);
static inline const uint32_t *
front_list(const struct front *f)
{
	return f->n > 1 ? f->more : &f->one;
}
bool kith_front_saw(const struct kith_group *g, const struct front *f, uint32_t act);
bool kith_front_eq(const struct front *x, const struct front *y);

/* ---- docs.c ---- */
struct doc *kith_doc_find(const struct kith_group *g, const struct kith_id *id);
int kith_doc_object(struct kith_group *g, struct kith_txn *t, struct kith_slice raw, bool keep, struct kith_missings *m);
/* A record names it: take it in if it is at hand. *missing: what must be asked for first, or none. */
int kith_doc_want(struct kith_group *g, struct kith_txn *t, const struct kith_id *id, struct kith_id *missing);
int kith_docs_load(struct kith_group *g, struct kith_txn *t);
/* The bytes of a document of this group. NOTFOUND. */
int kith_doc_raw(struct kith_group *g, struct kith_txn *t, const struct kith_id *id, struct kith_slice *raw);

/* ---- find.c: what a name stands for ---- */
enum held_as { HELD_NOT, HELD_ACT, HELD_RECORD, HELD_PARKED, HELD_DOC };
struct held {
	enum held_as as;
	const struct kith_act *act;
	struct rost *rost;              /* of an accepted join, move, leave */
	struct doc *doc;
	enum first first;
	uint64_t pos;
	uint32_t feedno;                /* HELD_RECORD */
	uint32_t state;
	struct kith_record rec;         /* HELD_RECORD (read from the ledger) and HELD_PARKED: header is empty */
};
int kith_find(struct kith_group *g, struct kith_txn *t, const struct kith_id *id, struct held *out);
int kith_read(struct kith_txn *t, uint64_t pos, struct kith_ledger_record *lr, struct kith_record *r);

/* Positions of a feed's records by seq, those of one place in order of arrival. NOTFOUND: no more. */
struct feed_iter {
	uint32_t feedno;
	uint64_t from;
	struct kith_ledger_at *v;
	size_t cap, n, i;
	bool last;
};
void kith_feed_iter_init(struct feed_iter *it, uint32_t feedno, uint64_t from_seq);
void kith_feed_iter_fini(struct feed_iter *it);
int kith_feed_iter_next(struct feed_iter *it, struct kith_txn *t, struct kith_ledger_at *out);

/* ---- bodies.c ---- */
/* The record is held and its body is not: listed in m now, and kept as wanted. */
int kith_body_want(struct kith_group *g, struct kith_txn *t, const struct kith_record *r, struct kith_missings *m);
int kith_body_here(struct kith_group *g, struct kith_txn *t, const struct kith_id *id);

/* ---- first.c ---- */
#define NEEDS_MAX 40
struct need { struct kith_id id; uint8_t object; };
struct verdict {
	enum first first;
	bool gap;                       /* its prev has no place in the feed yet */
	bool astray;                    /* rejected, and there can be no place for it in its feed */
	bool leans;                     /* rejected for what a record says that is parked: kept no sooner than that one, or nobody could repeat it */
	bool quick;                     /* as the record before it under the same membership */
	uint32_t state;                 /* of quick: KITH_S_HIDDEN or 0 */
	uint64_t clock_lo, clock_hi;    /* for what clocks it holds */
	const char *why;                /* of REJECTED: a word */
	struct rost *via;
	struct doc *doc;
	struct front front;             /* of ACCEPTED; the caller's to finish */
	struct need need[NEEDS_MAX];    /* of WAITING */
	size_t n_needs;
	struct kith_id maker;           /* of the invite that it names */
};
/* f: its feed if that is held. op NULL: malformed. */
int kith_first(struct kith_group *g, struct kith_txn *t, const struct kith_record *r, const struct kith_op *op, struct feed *f,
    struct verdict *v);
/* What an authority record waits for; v->first is ACCEPTED when nothing is missing. */
int kith_act_needs(struct kith_group *g, struct kith_txn *t, const struct kith_record *r, const struct kith_op *op, struct verdict *v);
/* Then: what the plane wants to know of it. author: check the author's signature too. *cut: an arena for the caller to free. */
int kith_act_prove(struct kith_group *g, struct kith_txn *t, const struct kith_record *r, const struct kith_op *op, bool author,
    struct kith_act_proof *proof, struct kith_arena **cut);

/* ---- second.c ---- */
/* A record and the facts as they are for it. */
struct reading {
	struct kith_group *g;
	struct kith_txn *t;
	const struct kith_view *view;   /* first decision: exactly what is effective in sight; NULL: the second */
	struct feed *feed;
	uint64_t seq, clock;
	const struct front *front;
	uint32_t node;                  /* in the feed's tree; UINT32_MAX: the feed needs none */
	uint64_t seq_hi, clock_lo, clock_hi;    /* how far the answer would be the same */
	int err;
};
#define NO_NODE UINT32_MAX
void kith_reading_init(struct reading *q, struct kith_group *g, struct kith_txn *t, struct feed *f, uint64_t seq, uint64_t clock,
    const struct front *front);
bool kith_fact_on(struct reading *q, enum kith_fact_kind k, const struct kith_id *a, const struct kith_id *b, const char *perm);
/* RULES B3, and what timelines ask. */
enum right { RIGHT_SEND, RIGHT_REACT, RIGHT_PIN, RIGHT_REMOVE, RIGHT_NONE, RIGHT_COUNT_ };
enum right kith_right_of(uint32_t kind);
bool kith_may_write(struct reading *q, const struct kith_id *uid, bool guest, const struct kith_id *panel, enum right right,
    const char **why);
/* B3 for any permission; panel NULL: in the group as a whole. */
bool kith_may_speak(struct reading *q, const struct kith_id *uid, bool guest, const struct kith_id *panel, const char *perm,
    const char **why);
bool kith_is_over(struct reading *q, const struct rost *m);
bool kith_has_ended(struct reading *q, const struct rost *m);
bool kith_within(struct reading *q, const struct kith_cut *cut);
/* In a feed without forks: the first place beyond the cut, NO_PLACE: none is. */
uint64_t kith_cut_reach(struct reading *q, const struct kith_cut *cut);
bool kith_way_holds(struct reading *q, const struct kith_id *uid, uint8_t how, const struct kith_id *invite,
    const struct kith_id *maker);
bool kith_act_on_all(const struct kith_act *e);          /* an act for everybody */
bool kith_act_beyond(struct reading *q, const struct kith_act *e);
bool kith_admitted(struct reading *q, const struct rost *j);
bool kith_spoken(struct reading *q, const struct person *p, const struct doc *d);
/* The second decision on a timeline record; state gets KITH_S_HIDDEN, KITH_S_SIDE. */
int kith_second(struct kith_group *g, struct kith_txn *t, struct feed *f, const struct kith_record *r, const struct rost *m,
    const struct doc *d, const struct front *front, uint32_t *state, struct quick *quick);

/* ---- tree.c ---- */
bool kith_feed_needs_tree(const struct feed *f);
int kith_tree_get(struct kith_group *g, struct kith_txn *t, struct feed *f, struct tree **out);   /* built, and up to date */
void kith_tree_free(struct tree *x);
int kith_tree_add(struct kith_group *g, struct kith_txn *t, struct feed *f, const struct kith_record *r, uint64_t pos, bool accepted,
    const struct rost *m);
uint32_t kith_tree_find(const struct tree *x, const struct kith_id *id);         /* NO_NODE */
bool kith_tree_accepted(const struct tree *x, uint32_t node);
bool kith_tree_counts(const struct tree *x, uint32_t node);
bool kith_tree_below(const struct tree *x, uint32_t low, uint32_t high);  /* low is high or in its past */
bool kith_tree_alone(struct tree *x, uint32_t node);      /* no other record that counts at its places */
size_t kith_tree_tips(const struct tree *x, struct kith_cut_tip *out, size_t max);
uint64_t kith_tree_chain(const struct tree *x, struct kith_id *tip);     /* length of the longest chain */
void kith_tree_stale(struct kith_group *g);               /* names in cuts, or memberships, have changed */
size_t kith_group_memory_trees(const struct kith_group *g);

/* ---- people.c ---- */
int kith_person_touch(struct kith_group *g, struct person *p);   /* to be judged anew */
int kith_person_more(struct kith_group *g, struct person *p, struct rost *m);    /* m is new, and theirs */
int kith_person_judge(struct kith_group *g, struct kith_txn *t, struct person *p, struct kith_changes *c);
int kith_people_sorted(struct kith_group *g);
int kith_gnode_touch(struct kith_group *g, struct gnode *n);
int kith_gnode_lodge(struct gnode *n, struct person *p);         /* p has a membership there */
int kith_gnode_judge(struct kith_group *g, struct kith_txn *t, struct gnode *n, struct kith_changes *c);
int kith_person_stale(struct kith_group *g, struct person *p);    /* readers' row */
bool kith_fact_now(struct kith_group *g, enum kith_fact_kind k, const struct kith_id *a);

/* ---- redact.c ---- */
/* A record has come: what aims at it? Adds to state. */
int kith_redact_new(struct kith_group *g, struct kith_txn *t, struct kith_now now, const struct kith_record *r,
    const struct kith_op *op, uint64_t pos, uint32_t *state, struct kith_changes *c);
/* One that aims at another came, or is shown or hidden now. */
int kith_redact_changed(struct kith_group *g, struct kith_txn *t, struct kith_now now, const struct kith_record *r,
    const struct kith_op *op, struct kith_changes *c);
/* *damaged is set, never cleared: something that bears on it could not be read. */
int kith_redact_flags(struct kith_group *g, struct kith_txn *t, const struct kith_record *r, const struct kith_id *target, uint32_t *out,
    bool *damaged);
/* ---- cuts.c, write.c ---- */
/* Makes and keeps the cut of all that this node shows; op: the act that will bear it. */
int kith_cut_write(struct kith_group *g, struct kith_txn *t, const struct kith_op *op, struct kith_id *id);
void kith_heads_note(struct panel *p, struct feed *f, const struct kith_record *r);
bool kith_heads_clock(const struct panel *p, const struct kith_id *id, uint64_t *clock);

/* ---- rejudge.c ---- */
void kith_scan_mark(struct kith_group *g, struct feed *f, uint64_t from, struct person *who);
int kith_scan_mark_one(struct kith_group *g, struct feed *f, uint64_t pos);
/* Acts, persons, nodes and feeds that changed: what follows from it, until nothing more does. */
int kith_settle(struct kith_group *g, struct kith_txn *t, struct kith_now now, struct kith_changes *c);
/* This record is held now: was a cut read as if it were not, or stood elsewhere? */
int kith_claims_check(struct kith_group *g, struct kith_txn *t, const struct kith_record *r, bool placed);
int kith_claim_add(struct kith_group *g, struct kith_txn *t, const struct kith_id *id, const struct feed *f, uint64_t seq);
int kith_claims_load(struct kith_group *g, struct kith_txn *t);

/* ---- park.c ---- */
/* Copies. The oldest of the same peer make room. *out borrowed until it is dropped. */
int kith_park(struct kith_group *g, struct kith_now now, const struct kith_id *from, const struct kith_record *r,
    const struct kith_item *item, bool history, struct parked **out);
/* What it waits for now. */
int kith_park_wait(struct kith_group *g, const struct parked *p, const struct verdict *v);
bool kith_park_wanted(const struct kith_group *g, const struct kith_id *id);     /* somebody waits for it */
/* Ids of those that wait for id, and no longer do: the caller's to free. */
int kith_park_take(struct kith_group *g, const struct kith_id *id, struct kith_id **out, size_t *n);
void kith_park_drop(struct kith_group *g, struct parked *p);
void kith_park_expire(struct kith_group *g, struct kith_now now);
void kith_park_free(struct kith_group *g);

/* ---- objects.c ---- */
/* A named object that was offered before anybody named it: kept now, if it is at hand. */
int kith_object_want(struct kith_group *g, struct kith_txn *t, const struct kith_id *id, bool *has);
/* A cut has come to be held: so may the parts that it names. */
int kith_object_want_parts(struct kith_group *g, struct kith_txn *t, const struct kith_cut *cut);
int kith_missing_add(struct kith_missings *m, const struct kith_id *id, uint8_t object, const struct kith_id *node);

/* ---- gate.c ---- */
/* Something of this id came to be held or decided: whoever waits for it is tried again. */
int kith_gate_wake(struct kith_group *g, const struct kith_id *id);
/* Those whom something woke, until nobody is; then all that must be judged anew. */
int kith_gate_drain(struct kith_group *g, struct kith_txn *t, struct kith_now now, struct kith_changes *c, struct kith_missings *m);
/* Pages that stand right above a tip and waited for something: again. */
int kith_gate_unblock(struct kith_group *g, struct kith_txn *t, struct kith_now now, struct kith_changes *c, struct kith_missings *m);
int kith_gate_decide(struct kith_group *g, struct kith_txn *t, const struct kith_record *r, const struct kith_op *op, struct feed *f,
    struct verdict *v);
enum entry { ENTRY_STORED, ENTRY_HELD, ENTRY_PARKED, ENTRY_GAP, ENTRY_EARLY, ENTRY_REFUSED };
/* One record whose place among its neighbours has been proven. */
int kith_gate_take(struct kith_group *g, struct kith_txn *t, struct kith_now now, const struct kith_record *r, const struct kith_item *item,
    const struct kith_id *from, bool history, struct kith_changes *c, struct kith_missings *m, enum entry *out);

/* ---- quick.c ---- */
bool kith_quick_verdict(struct kith_group *g, const struct kith_record *r, struct feed *f, struct verdict *v);
int kith_quick_keep(struct kith_group *g, struct rost *m, struct feed *f, enum right right, const struct quick *q);

/* ---- place.c ---- */
/* Records of pages right above the tip of f, which are decided as far as they can be. */
int kith_promote(struct kith_group *g, struct kith_txn *t, struct kith_now now, struct feed *f, struct kith_changes *c, struct kith_missings *m);
/* A record of a page, above a gap: kept and shown provisionally. */
int kith_store_waiting(struct kith_group *g, struct kith_txn *t, const struct kith_record *r, const struct kith_op *op,
    const struct kith_item *item, struct kith_changes *c, uint64_t *pos);
/* Store and show what has been decided. v's frontier is taken. */
int kith_gate_store(struct kith_group *g, struct kith_txn *t, struct kith_now now, const struct kith_record *r, const struct kith_op *op,
    const struct kith_item *item, struct verdict *v, struct kith_changes *c, struct kith_missings *m, uint64_t *pos);
/* The feed's description after a record that is in the ledger at pos. */
int kith_feed_place(struct kith_group *g, struct kith_txn *t, struct feed *f, const struct kith_record *r, uint64_t pos,
    bool accepted, const struct rost *m, const struct kith_item *item);
int kith_op_of(struct kith_group *g, const struct kith_record *r, struct kith_op *op, const struct kith_op **out); /* *out NULL: malformed */

/* ---- whole.c ---- */
bool kith_pure_has(const struct kith_group *g, const struct kith_id *id);

/* ---- tables.c ---- */
int kith_tables_flush(struct kith_group *g, struct kith_txn *t);

#endif
