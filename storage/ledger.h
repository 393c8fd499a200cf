#ifndef KITH_STORAGE_LEDGER_H
#define KITH_STORAGE_LEDGER_H

#include "base/error.h"
#include "base/slice.h"
#include "storage/store.h"

/*
 * Records in a store, laid out thin: the bytes lie once, in the order in which
 * they came (KITH_T_LOG), and small indexes lead to that position. Nothing here
 * judges: verdicts, tips and flags are the caller's words, kept and given back.
 * There is no state besides the store, so all calls take the transaction.
 *
 * Slices that come out are the store's: they die with the transaction and, in a
 * write transaction, with the next put or del of whatever kind; every call below
 * that adds, puts, sets or erases is one. Arrays that come out are the caller's.
 *
 * All may return NOMEM, IO, CORRUPT; those that change something also FULL, and
 * then only abort is left (store.h).
 */

/* Which feed: one node's, in one scope of one group, in one incarnation of the node. */
struct kith_ledger_key {
	struct kith_id group, scope, node;
	uint64_t incarnation;
};

/* Numbers that stand for long names; from 1 up, never given twice. 0: none. */
/* A scope of a group. create false: NOTFOUND when it has none yet. */
KITH_MUST_USE int kith_ledger_scope(struct kith_txn *t, const struct kith_id *group, const struct kith_id *scope, bool create,
    uint32_t *scopeno);
/* A feed. create makes number and an empty description (and the scope's number). */
KITH_MUST_USE int kith_ledger_feed(struct kith_txn *t, const struct kith_ledger_key *key, bool create, uint32_t *feedno);

/* What is known of a feed. A new one is all zero but for key, feedno and scopeno. */
struct kith_ledger_feed {
	struct kith_ledger_key key;             /* these three are the ledger's: put keeps what was there */
	uint32_t feedno;
	uint32_t scopeno;
	uint64_t next_seq;                      /* how many records are held from the first one on without a gap */
	uint64_t n_held;                        /* highest seq held, by gap or not, plus 1; 0: none */
	struct kith_id tip;                     /* id of record next_seq - 1 */
	bool has_sig;
	uint64_t sig_seq;                       /* the record that sig signs */
	uint8_t sig[64];                        /* newest signature over the feed */
	bool forked;
	uint32_t flags;                         /* the caller's */
};
KITH_MUST_USE int kith_ledger_feed_get(struct kith_txn *t, uint32_t feedno, struct kith_ledger_feed *out);      /* NOTFOUND */
KITH_MUST_USE int kith_ledger_feed_put(struct kith_txn *t, const struct kith_ledger_feed *f);                   /* NOTFOUND */
/*
 * Feeds of a group (scope NULL) or of one scope of it, in order of scope, node,
 * incarnation: at most max into out, beginning behind `after` (NULL: with the
 * first). *n < max: that was all.
 */
struct kith_ledger_feed_ref {
	struct kith_ledger_key key;
	uint32_t feedno;
};
KITH_MUST_USE int kith_ledger_feeds(struct kith_txn *t, const struct kith_id *group, const struct kith_id *scope,
    const struct kith_ledger_key *after, struct kith_ledger_feed_ref *out, size_t max, size_t *n);

/* ---- records ---- */

#define KITH_LEDGER_HEADER_MAX (1u << 20)       /* far above any format's limit; sums stay small */

/* Slices in here must not be the store's own. */
struct kith_ledger_new {
	uint32_t feedno, scopeno;               /* the feed's own scope */
	uint64_t seq, clock;
	struct kith_id id;                      /* kith_hash(KITH_L_RECORD, header): the caller has checked it */
	struct kith_slice header;               /* 1 to KITH_LEDGER_HEADER_MAX bytes */
	struct kith_slice sig;                  /* 64 bytes, or n 0 */
	struct kith_slice body;                 /* n 0: none, or not held */
	bool in_order;                          /* has a place on screen: timeline records */
	struct kith_id target;                  /* none: aims at nothing */
	uint8_t target_kind;                    /* the caller's word for how it aims */
};
/* Appends. EXISTS: a record of that id is held, nothing happened, *pos is set to its position. LIMIT: see above. */
KITH_MUST_USE int kith_ledger_add(struct kith_txn *t, const struct kith_ledger_new *rec, uint64_t *pos);
/* Adds or replaces the signature (64 bytes) of a record that is held. NOTFOUND. */
KITH_MUST_USE int kith_ledger_sign(struct kith_txn *t, uint64_t pos, const uint8_t sig[64]);

struct kith_ledger_record {
	uint64_t pos, seq, clock;
	uint32_t feedno;
	bool in_order;
	struct kith_id id;                      /* computed from header, this very moment */
	struct kith_slice header;
	struct kith_slice sig;                  /* 64 bytes, or n 0 */
};
/*
 * Each reading hashes the header again and compares: CORRUPT when the disk gave
 * back other bytes than it got. NOTFOUND.
 */
KITH_MUST_USE int kith_ledger_get(struct kith_txn *t, uint64_t pos, struct kith_ledger_record *out);
KITH_MUST_USE int kith_ledger_get_id(struct kith_txn *t, const struct kith_id *id, struct kith_ledger_record *out);
/* As kith_ledger_get_id, position only. A record that is corrupt is found nevertheless, so that it can be mended. */
KITH_MUST_USE int kith_ledger_find(struct kith_txn *t, const struct kith_id *id, uint64_t *pos);
/*
 * Held ids with lo <= id <= hi (kith_id_prefix_range), ascending, at most max.
 * Corrupt records are passed over. *n == max: there may be more.
 */
KITH_MUST_USE int kith_ledger_find_range(struct kith_txn *t, const struct kith_id *lo, const struct kith_id *hi,
    struct kith_id *out, size_t max, size_t *n);
/* The newest position given out; 0: none. */
KITH_MUST_USE int kith_ledger_last(struct kith_txn *t, uint64_t *pos);

/* A feed's records: at most max from place `from_seq` on, ascending in seq; those of a fork in order of arrival. */
struct kith_ledger_at {
	uint64_t seq, pos;
};
KITH_MUST_USE int kith_ledger_range(struct kith_txn *t, uint32_t feedno, uint64_t from_seq, struct kith_ledger_at *out, size_t max,
    size_t *n);
/* Positions of all that are held at one place, in order of arrival: the first max of them; *n: how many there are. 0 is no error. */
KITH_MUST_USE int kith_ledger_place(struct kith_txn *t, uint32_t feedno, uint64_t seq, uint64_t *out, size_t max, size_t *n);

/*
 * The screen order of a scope: by clock, then by id (its first eight bytes), so
 * that all nodes draw it alike. At most max entries into out, beginning next to
 * `from`, which need not exist (NULL: at the edge); backward: towards older.
 * *n < max: that was the end. From a clock on: { clock, 0, 0 }; from a clock
 * backward, itself included: { clock, UINT64_MAX, UINT64_MAX }.
 */
struct kith_ledger_entry {
	uint64_t clock;
	uint64_t id_head;                       /* kith_id_prefix of the record's id */
	uint64_t pos;
};
struct kith_ledger_entry kith_ledger_entry_of(const struct kith_ledger_record *r);
KITH_MUST_USE int kith_ledger_page(struct kith_txn *t, uint32_t scopeno, const struct kith_ledger_entry *from, bool backward,
    struct kith_ledger_entry *out, size_t max, size_t *n);

/* What aims at an id (held or not), in order of arrival, behind position `after` (0: from the first). At most max. */
struct kith_ledger_aim {
	uint64_t pos;
	uint8_t kind;
};
KITH_MUST_USE int kith_ledger_targets(struct kith_txn *t, const struct kith_id *id, uint64_t after, struct kith_ledger_aim *out,
    size_t max, size_t *n);

/* Flags that are not the usual 0. */
KITH_MUST_USE int kith_ledger_state_get(struct kith_txn *t, uint64_t pos, uint32_t *flags);     /* 0 when never set */
KITH_MUST_USE int kith_ledger_state_set(struct kith_txn *t, uint64_t pos, uint32_t flags);

/* Bodies come and go apart from their records; whoever reads one compares it with the hash in the header. */
KITH_MUST_USE int kith_ledger_body_put(struct kith_txn *t, uint64_t pos, struct kith_slice body);
KITH_MUST_USE int kith_ledger_body_get(struct kith_txn *t, uint64_t pos, struct kith_slice *body);      /* NOTFOUND */
KITH_MUST_USE int kith_ledger_body_erase(struct kith_txn *t, uint64_t pos);                             /* NOTFOUND */

/* ---- what is named by hash, and proofs ---- */

/* hash is the caller's and is not checked here, since each type has its own label. Putting again changes nothing. */
KITH_MUST_USE int kith_ledger_object_put(struct kith_txn *t, const struct kith_id *hash, uint8_t type, struct kith_slice bytes);
KITH_MUST_USE int kith_ledger_object_get(struct kith_txn *t, const struct kith_id *hash, uint8_t *type, struct kith_slice *bytes); /* NOTFOUND */
KITH_MUST_USE int kith_ledger_object_has(struct kith_txn *t, const struct kith_id *hash, bool *has);

/* One proof of equivocation a feed: bytes of the caller's making. EXISTS: the feed has one, which stays. */
KITH_MUST_USE int kith_ledger_proof_put(struct kith_txn *t, uint32_t feedno, struct kith_slice proof);
KITH_MUST_USE int kith_ledger_proof_get(struct kith_txn *t, uint32_t feedno, struct kith_slice *proof);         /* NOTFOUND */

/* ---- a disk that forgets ---- */

/*
 * Reads `max` records from *pos on, lists positions of corrupt ones (at most
 * max_bad, then it stops early) and moves *pos behind the last one read. A
 * record is corrupt when its bytes, its place or its way by id do not agree.
 * NOTFOUND: there was nothing from *pos on.
 */
KITH_MUST_USE int kith_ledger_scrub(struct kith_txn *t, uint64_t *pos, size_t max, uint64_t *bad, size_t max_bad, size_t *n_bad);
/*
 * Good bytes, fetched again, for a corrupt record: rec is as for kith_ledger_add.
 * The position stays. NOTFOUND: no corrupt record bears that id.
 */
KITH_MUST_USE int kith_ledger_mend(struct kith_txn *t, const struct kith_ledger_new *rec, uint64_t *pos);

#endif
