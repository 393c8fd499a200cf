#ifndef KITH_GROUP_GROUP_H
#define KITH_GROUP_GROUP_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/env.h"
#include "base/error.h"
#include "base/map.h"
#include "base/slice.h"
#include "crypto/sign.h"
#include "group/authority.h"
#include "group/cut.h"
#include "group/record.h"
#include "storage/ledger.h"
#include "storage/store.h"

/*
 * One group on this node: the one door through which every record comes in,
 * whatever brought it, and the one place that decides what is shown. Authority
 * and roster are in memory (loaded from the store on opening); timelines stay in
 * the store, one feed description each. All calls run in the engine's thread,
 * inside its write transaction; if that transaction is aborted the group must be
 * closed and opened again.
 */
struct kith_group;

/* What this node speaks with. Borrowed for as long as the group is open. */
struct kith_self {
	struct kith_id node;
	uint64_t incarnation;
	const struct kith_signer *sign;         /* signs tips */
};

/* Opens what the store holds of a group; an unknown one opens empty (it has no create yet). NOMEM, IO, CORRUPT. */
KITH_MUST_USE int kith_group_open(const struct kith_env *env, const struct kith_self *self, struct kith_txn *t,
    const struct kith_id *id, struct kith_group **out);
void kith_group_close(struct kith_group *g);
const struct kith_id *kith_group_id(const struct kith_group *g);
bool kith_group_is_held(const struct kith_group *g);            /* its create is here */
struct kith_authority *kith_group_authority(struct kith_group *g);
size_t kith_group_memory(const struct kith_group *g);           /* bytes, roughly */

/* ---- in ---- */

/*
 * What happened, for whoever tells clients and peers. Appended to by every call
 * below that takes changes; ids are copied.
 */
enum kith_change_kind {
	KITH_C_NEW,             /* a record came to be held and decided (or waits visibly, see KITH_S_WAITING) */
	KITH_C_DECIDED,         /* one that waited visibly is decided, and has its place in the feed */
	KITH_C_SHOWN, KITH_C_HIDDEN,    /* a record held before became visible, or hidden */
	KITH_C_ERASED,          /* its body is gone (recall, removal) or set aside */
	KITH_C_RESTORED,        /* a removal turned out hidden: the body is served again */
	KITH_C_BODY,            /* a record that was held without its body has it now */
	KITH_C_STATE,           /* an act's effectiveness changed (id: the act): facts may have */
	KITH_C_MEMBER,          /* uid's (in `id`) membership or rights changed */
	KITH_C_FORK,            /* proof of equivocation: id is the second record */
	KITH_C_OWN,             /* a record of our own present feeds that we did not have: draw a new incarnation */
};
struct kith_change {
	enum kith_change_kind what;
	struct kith_id group, scope, id, node, author;
	uint64_t pos, incarnation, seq, clock;
	uint32_t kind, state;           /* record kind; KITH_S_ flags */
};
struct kith_changes { KITH_VEC(struct kith_change) list; };
void kith_changes_fini(struct kith_changes *c);

/* How a join comes in: op.how. */
enum kith_how { KITH_HOW_OPEN, KITH_HOW_INVITE, KITH_HOW_ADMITTED };
/* Permissions that are judged here. */
#define KITH_PERM_VIEW "panel.view"
#define KITH_PERM_SEND "message.send"
#define KITH_PERM_INVITE "invite.create"

/* Record states, kept in the ledger; 0: accepted and visible. */
#define KITH_S_HIDDEN 1u        /* accepted, and not shown (RULES B7) */
#define KITH_S_REJECTED 2u      /* first decision: header kept, without effect; in authority: invalid */
#define KITH_S_WAITING 4u       /* what it names is missing; shown provisionally if asked for as history */
#define KITH_S_RECALLED 8u      /* a visible recall names it: body erased */
#define KITH_S_REMOVED 16u      /* a visible removal names it: body set aside */
#define KITH_S_EDITED 32u
#define KITH_S_LATE 64u
#define KITH_S_VOID 128u        /* authority: valid, not effective now */
#define KITH_S_SIDE 256u        /* beyond the branches that count (B6) */
#define KITH_S_UNSURE 512u      /* a parent was not here when it came: ask kith_late_by_parents whether it is LATE */

/*
 * A run: consecutive records of one feed as a peer sent them, the last (or a
 * later one that is held) signed; each with its body or without. The signature
 * and the chain are checked first, once, for the whole run; then each record
 * passes the gate in order. Objects that they name (documents, cuts, invites,
 * node records) are offered before with kith_group_object.
 */
struct kith_item {
	struct kith_slice header, sig /* n 0 or 64 */, body /* n 0: not given */;
};
struct kith_run {
	const struct kith_item *item;
	size_t n;
	bool history;           /* asked for as a page: may stand above a gap, and is then held as WAITING */
};
/*
 * What must be asked for: before parked records can go on (0: a record, 1: an object), and bodies of records that came
 * without. May list things asked for before.
 */
#define KITH_MISSING_BODY 2
struct kith_missing { struct kith_id id; uint8_t object; struct kith_id node; /* whose feed named it */ };
struct kith_missings { KITH_VEC(struct kith_missing) list; };

/* The bodies that are still wanted, of all times, of records from this id on: at most max are added to m. */
KITH_MUST_USE int kith_group_bodies_wanted(struct kith_group *g, struct kith_txn *t, const struct kith_id *from, size_t max,
    struct kith_missings *m);
KITH_MUST_USE int kith_group_lacks_bodies(struct kith_txn *t, const struct kith_id *group, bool *any);  /* without opening it */
/* Is its clock far below that of a parent that is held? For the screen alone. */
KITH_MUST_USE int kith_late_by_parents(struct kith_txn *t, const struct kith_record *r, bool *late);
/* Does a record that is held lack its body, with nothing that says it should? False for records not held. CORRUPT: damaged. */
KITH_MUST_USE int kith_body_lacks(struct kith_txn *t, const struct kith_id *id, bool *lacks);

struct kith_run_result {
	size_t stored, held_before, parked, refused;    /* records */
	int first_error;                                /* of the first one refused; BADSIG MALFORMED blame the sender */
};
/*
 * BADSIG, MALFORMED, LIMIT: nothing of the run was taken. MISSING: it stands
 * above a gap in its feed (and is not history): ask for the range from what
 * kith_group_feed_tip tells. EARLY: its clock is too far ahead: parked until due.
 * Parked records are kept in memory, bounded (1,000 records or 4 MiB for each
 * sending peer, 10 minutes), and go on by themselves when what they name comes.
 */
KITH_MUST_USE int kith_group_run(struct kith_group *g, struct kith_txn *t, struct kith_now now, const struct kith_id *from_peer,
    const struct kith_run *run, struct kith_changes *c, struct kith_missings *m, struct kith_run_result *res);
/* A named object: checked, kept if something held or parked names it (or `keep`), and what waited for it goes on. */
KITH_MUST_USE int kith_group_object(struct kith_group *g, struct kith_txn *t, struct kith_now now, uint8_t type,
    struct kith_slice raw, bool keep, struct kith_changes *c, struct kith_missings *m);
enum kith_object_type { KITH_O_DOC = 1, KITH_O_NODE, KITH_O_CUT, KITH_O_CUT_PART, KITH_O_INVITE };
/* Time passes: early records fall due, parked ones expire. Next time to call: *next_ms (mono), UINT64_MAX: none. */
KITH_MUST_USE int kith_group_tick(struct kith_group *g, struct kith_txn *t, struct kith_now now, struct kith_changes *c, uint64_t *next_ms);

/*
 * Entries of KITH_T_DUE (key: wall ms u64, n u64; value: msgpack [type, bin payload]): what is to be done at a time.
 * Types from KITH_DUE_GROUP up are a group's: the engine takes them out when due and hands them to the group whose id
 * the payload begins with.
 */
#define KITH_DUE_GROUP 16
KITH_MUST_USE int kith_due_add(struct kith_txn *t, uint64_t wall_ms, uint32_t type, struct kith_slice payload);
#define KITH_DUE_ERASE 16               /* payload: group id, record id: the body of what was removed */
#define KITH_DUE_LOOK_AGAIN 17          /* the same, ms waited u64: what the record shows, since something damaged was read for it */
KITH_MUST_USE int kith_group_due(struct kith_group *g, struct kith_txn *t, struct kith_now now, uint32_t type, struct kith_slice payload,
    struct kith_changes *c);

/* ---- what this node writes itself ---- */

struct kith_draft {
	uint32_t kind;
	struct kith_id scope;           /* panel for timelines; ignored for the others */
	struct kith_id author, doc;     /* none for node.join */
	const struct kith_signer *account;      /* due for authority; else where the document says so; may be NULL */
	struct kith_id via;             /* authority: the role; others: none, the membership is found */
	const struct kith_op *op;       /* NULL: none */
	struct kith_slice body_map;     /* msgpack map, n 0: no body */
	bool with_cut;                  /* make the cut of all that this node shows, store it, and name it in op */
	bool lockdown;                  /* for an act for everybody: carry one too */
};
/*
 * Makes, checks as RULES B's last line asks (what every node will say), stores
 * and decides one record of ours, unsigned until kith_group_sign_tips.
 * DENIED: the author may not, *why says what is lacking. id, pos may be NULL.
 */
KITH_MUST_USE int kith_group_write(struct kith_group *g, struct kith_txn *t, struct kith_now now, const struct kith_draft *d,
    struct kith_changes *c, struct kith_id *id, uint64_t *pos, const char **why);
/* A new group: its create record, written here; g must be empty and not yet named. The group's id is the record's. */
KITH_MUST_USE int kith_group_create(const struct kith_env *env, const struct kith_self *self, struct kith_txn *t, struct kith_now now,
    const struct kith_draft *d, struct kith_changes *c, struct kith_group **out, const char **why);
/* At the end of a batch: sign the tip of each feed written since the last call. */
KITH_MUST_USE int kith_group_sign_tips(struct kith_group *g, struct kith_txn *t);
/*
 * At the end of a batch: bring the tables that readers use (KITH_T_FACT,
 * KITH_T_ROSTER, KITH_T_GROUP) up to date with what changed.
 */
KITH_MUST_USE int kith_group_flush(struct kith_group *g, struct kith_txn *t);

/* ---- out ---- */

enum kith_verdict { KITH_V_UNKNOWN, KITH_V_WAITING, KITH_V_REJECTED, KITH_V_HIDDEN, KITH_V_VISIBLE };
/* Of any record: held, parked (WAITING) or unknown. Authority: REJECTED invalid, HIDDEN void, VISIBLE effective. */
KITH_MUST_USE int kith_group_verdict(struct kith_group *g, struct kith_txn *t, const struct kith_id *id, enum kith_verdict *out);

struct kith_member {
	struct kith_id uid, membership, doc, node;      /* membership: the join or move that stands */
	uint64_t since_clock;
	bool guest;
	bool member;                    /* B9; false: listed for what was (left, banned ...) */
};
/* The roster, in order of uid: start with *it = 0. */
bool kith_group_member_next(const struct kith_group *g, size_t *it, struct kith_member *out);
KITH_MUST_USE int kith_group_member(const struct kith_group *g, const struct kith_id *uid, struct kith_member *out);  /* NOTFOUND */
/* Nodes with a visible node.join (not banned), and whether any member lives there. */
struct kith_group_node { struct kith_id node; bool banned; uint32_t members; };
bool kith_group_node_next(const struct kith_group *g, size_t *it, struct kith_group_node *out);
/* May somebody who lives on that node see the panel? (Who gets a panel's records.) */
bool kith_group_node_sees(struct kith_group *g, const struct kith_id *node, const struct kith_id *panel);

/* Rights of a person now (RULES B3 for speaking and seeing): perm such as "message.send"; panel none: group-wide. */
bool kith_group_may(struct kith_group *g, const struct kith_id *uid, const struct kith_id *panel, const char *perm);

/* Feeds of the group as this node holds them, for digests and cuts: start with *it = 0. */
struct kith_feed_tip {
	struct kith_id scope, node, id;
	uint64_t incarnation, seq;      /* of the last record held without a gap; seq UINT64_MAX: none yet */
	uint64_t top_seq;               /* of the highest held above a gap, or seq */
	bool forked;
};
bool kith_group_feed_next(struct kith_group *g, struct kith_txn *t, size_t *it, struct kith_feed_tip *out);
KITH_MUST_USE int kith_group_feed_tip(struct kith_group *g, struct kith_txn *t, const struct kith_id *scope, const struct kith_id *node,
    uint64_t incarnation, struct kith_feed_tip *out);           /* NOTFOUND */
/*
 * Records of a feed from seq on, at most max, ready to send: the last one has a
 * signature (the run is cut or, by up to 255, stretched to a signed one). Slices
 * borrow from the transaction and the arena. NOTFOUND: none from there.
 * All branches of a fork are given, in order of seq; of such a feed max counts places.
 */
KITH_MUST_USE int kith_group_range(struct kith_group *g, struct kith_txn *t, const struct kith_id *scope, const struct kith_id *node,
    uint64_t incarnation, uint64_t from_seq, size_t max, struct kith_arena *a, struct kith_item **items, size_t *n);
/*
 * The objects that a record names (documents with the chain before them, first document first; cut, invite, node record):
 * hashes, each in the store (kith_ledger_object_get). Not the parts of its cut: those go to nodes that see the panel.
 */
size_t kith_group_record_objects(struct kith_group *g, struct kith_txn *t, const struct kith_record *r, const struct kith_op *op,
    struct kith_id *out, size_t max);
/*
 * The parts of the record's cut that are held and that this node may have. (A node that comes to see a panel later finds
 * them among what is missing, as objects, when it takes in the panel's records.)
 */
size_t kith_group_record_parts(struct kith_group *g, struct kith_txn *t, const struct kith_op *op, const struct kith_id *node,
    struct kith_id *out, size_t max);

/* The pure form over everything held, compared with what is stored: KITH_OK or CORRUPT and the first difference in words. */
KITH_MUST_USE int kith_group_verify(struct kith_group *g, struct kith_txn *t, struct kith_diag *why);

/* What homes write to one another about, and ask (carried by federation, understood by client). */
enum kith_mail_kind { KITH_MAIL_GROUP = 1 /* you are let in: direct conversations, admissions */, KITH_MAIL_JOIN_REQUEST, KITH_MAIL_FRIEND };
enum kith_question_kind { KITH_ASK_COUNT = 1 /* countersign a use of an invite */, KITH_ASK_WHO /* handle to identity */, KITH_ASK_PREVIEW /* where an invite leads */, KITH_ASK_FILE /* a part of a file */ };

/* For kithctl judge: the role.create that stands for the implicit Member; and how "the smaller id" of RULES B6 and B8 is chosen. */
void kith_group_set_member_role(struct kith_group *g, const struct kith_id *role);
void kith_group_set_order(struct kith_group *g, int (*cmp)(void *ctx, const struct kith_id *x, const struct kith_id *y), void *ctx);

#endif
