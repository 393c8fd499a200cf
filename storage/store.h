#ifndef KITH_STORAGE_STORE_H
#define KITH_STORAGE_STORE_H

#include "base/error.h"
#include "base/slice.h"

/*
 * What may be asked of a store: an ordered map of byte strings in each of a
 * fixed set of tables, read and written in transactions with snapshot
 * isolation; one writer, many readers. mem.c keeps it in memory (tests, the
 * simulator, kithctl), lmdb.c on disk. What the tables hold is in ledger.h
 * (records) and beside each owner; FORMAT.md has it all.
 */
enum kith_table {
	KITH_T_META,            /* name -> value: format version first */
	KITH_T_LOG,             /* pos u64 -> record: header, signature (ledger.h) */
	KITH_T_BODY,            /* pos u64 -> body, while it is kept */
	KITH_T_STATE,           /* pos u64 -> verdicts that are not the usual one */
	KITH_T_IDX,             /* first 8 bytes of id, pos u64 -> nothing */
	KITH_T_FEEDS,           /* group 32, scope 32, node 32, incarnation u64 -> feed number u32 */
	KITH_T_FEED,            /* feed number u32 -> the feed's description and tip */
	KITH_T_PLACE,           /* feed number u32, seq u64, pos u64 -> nothing */
	KITH_T_ORDER,           /* scope number u32, clock u64, first 8 bytes of id, pos u64 -> nothing */
	KITH_T_TARGET,          /* first 8 bytes of a target's id, pos u64 of what aims at it -> kind u8, rest of the id */
	KITH_T_SCOPES,          /* group id, scope id -> scope number u32 */
	KITH_T_OBJECT,          /* hash 32 -> type u8, bytes */
	KITH_T_GROUP,           /* group id -> msgpack: what this node knows of the group */
	KITH_T_FACT,            /* group id 32, fact key -> msgpack: current value (facts.h) */
	KITH_T_ROSTER,          /* group id, uid -> msgpack: current membership (roster.h) */
	KITH_T_CHANGE,          /* change number u64 -> what changed on screen (client sync) */
	KITH_T_ACCOUNT,         /* uid -> msgpack */
	KITH_T_HANDLE,          /* folded name -> uid */
	KITH_T_SESSION,         /* token hash -> msgpack */
	KITH_T_USER,            /* uid, name -> value: per-account state (read markers, drafts, friends ...) */
	KITH_T_NODE,            /* node id -> its record chain and what we know of it */
	KITH_T_MAIL,            /* node id, number u64 -> mail waiting to go there */
	KITH_T_INVITE,          /* group id, invite id -> msgpack: invites made here, uses counted */
	KITH_T_TXN,             /* half-day u32, uid, client transaction id -> msgpack: first result (24 h) */
	KITH_T_DUE,             /* wall ms u64, n u64 -> msgpack: what to do then (unban, erase, expire) */
	KITH_T_PROOF,           /* feed number u32 -> two records at one place */
	KITH_T_BLOB,            /* hash 32 -> msgpack: a file that is held; who refers to it (client/blob.h) */
	KITH_T_WANT,            /* group id, record id -> node id: a body that is wanted (group/bodies.c) */
	KITH_T_COUNT_
};

struct kith_store;
struct kith_txn;                /* one thread at a time */
struct kith_cursor;

/* The function table that mem.c and lmdb.c fill. Callers use the wrappers below. */
struct kith_store_ops {
	int (*begin)(struct kith_store *s, bool write, struct kith_txn **out);
	int (*commit)(struct kith_txn *t);
	void (*abort)(struct kith_txn *t);
	int (*get)(struct kith_txn *t, enum kith_table tb, struct kith_slice key, struct kith_slice *val);
	int (*put)(struct kith_txn *t, enum kith_table tb, struct kith_slice key, struct kith_slice val);
	int (*del)(struct kith_txn *t, enum kith_table tb, struct kith_slice key);
	int (*cursor)(struct kith_txn *t, enum kith_table tb, struct kith_cursor **out);
	int (*seek)(struct kith_cursor *c, struct kith_slice key, bool backward, struct kith_slice *k, struct kith_slice *v);
	int (*step)(struct kith_cursor *c, bool backward, struct kith_slice *k, struct kith_slice *v);
	void (*cursor_free)(struct kith_cursor *c);
	void (*close)(struct kith_store *s);
};
struct kith_store { const struct kith_store_ops *ops; };         /* implementations embed this first */
struct kith_txn {
	const struct kith_store_ops *ops;
	struct kith_store *store;
	bool write;
	int err;                                /* of the first put or del that failed for good */
	uint32_t pages;                         /* about how many it has made dirty; the implementation counts */
	uint64_t changes[KITH_T_COUNT_];        /* puts and dels so far: the wrappers count */
};
struct kith_cursor {
	const struct kith_store_ops *ops;
	struct kith_txn *txn;
	enum kith_table table;                  /* from here on: the wrappers' own */
	bool placed;
	uint64_t changes;                       /* of its table when it was placed */
};

#define KITH_STORE_KEY_MAX 511
#define KITH_STORE_VALUE_MAX (1u << 30)

/* BUSY: a writer is open already (never waits). NOMEM, IO, FULL. */
KITH_MUST_USE int kith_store_begin(struct kith_store *s, bool write, struct kith_txn **out);
/* The transaction is over whatever the result. KITH_OK: synced to disk. FULL: nothing happened. IO: stop writing. */
KITH_MUST_USE int kith_txn_commit(struct kith_txn *t);
void kith_txn_abort(struct kith_txn *t);                         /* NULL is fine */

/*
 * Keys are 1 to 511 bytes, values at most 1 GiB; else LIMIT and nothing
 * happened. Slices that come out live until the transaction ends or, in a write
 * transaction, until the next put or del in any table; they may be arguments of
 * that one. NOTFOUND, IO, CORRUPT; put and del also NOMEM and FULL. After a put
 * or del that failed otherwise than by LIMIT or NOTFOUND only abort is left;
 * commit would abort and return that code.
 */
KITH_MUST_USE int kith_txn_get(struct kith_txn *t, enum kith_table tb, struct kith_slice key, struct kith_slice *val);
KITH_MUST_USE int kith_txn_put(struct kith_txn *t, enum kith_table tb, struct kith_slice key, struct kith_slice val);
KITH_MUST_USE int kith_txn_del(struct kith_txn *t, enum kith_table tb, struct kith_slice key);        /* NOTFOUND is told */

/*
 * Cursors. seek: the first entry at or after key (backward: the last at or
 * before it; an empty key is the very first, with backward the very last).
 * NOTFOUND: none, and the cursor has no place. step: the entry next to its
 * place. In a write transaction a put or del in its table ends the validity of a
 * cursor's place: seek again (a step without a place is our own mistake and
 * asserts). k and v may not be NULL.
 */
KITH_MUST_USE int kith_cursor_open(struct kith_txn *t, enum kith_table tb, struct kith_cursor **out);
KITH_MUST_USE int kith_cursor_seek(struct kith_cursor *c, struct kith_slice key, bool backward, struct kith_slice *k, struct kith_slice *v);
KITH_MUST_USE int kith_cursor_step(struct kith_cursor *c, bool backward, struct kith_slice *k, struct kith_slice *v);
void kith_cursor_close(struct kith_cursor *c);                   /* NULL is fine; before the transaction ends */
void kith_store_close(struct kith_store *s);                     /* NULL is fine; no transaction open */

/*
 * Has this write transaction grown so large that it should be committed before
 * more is put into it? Nothing breaks at once when it goes on.
 */
#define KITH_TXN_PAGES_LARGE 8000
bool kith_txn_is_large(const struct kith_txn *t);

/*
 * The node's incarnation (KITH_T_META, "incarnation"): what the store holds or,
 * in a store that is new or was restored from a copy, `fresh`, which the caller
 * has drawn; a read transaction never needs it and says NOTFOUND. *drawn (may be
 * NULL): fresh was taken. fresh is not 0.
 */
KITH_MUST_USE int kith_store_incarnation(struct kith_txn *t, uint64_t fresh, uint64_t *out, bool *drawn);
/* From now on another one: a peer has shown us a record of ours that we do not hold. */
KITH_MUST_USE int kith_store_incarnation_set(struct kith_txn *t, uint64_t fresh);

/* A store in memory (mem.c), empty; one thread. NOMEM. */
KITH_MUST_USE int kith_store_mem_new(struct kith_store **out);

#endif
