#ifndef KITH_STORAGE_LMDB_IN_H
#define KITH_STORAGE_LMDB_IN_H

#include <lmdb.h>
#include <pthread.h>

#include "storage/lmdb.h"

/* What lmdb.c (transactions) and lmdb_open.c (opening and upkeep) share; nobody else's. */
_Static_assert(KITH_T_COUNT_ <= 32, "lm_txn.touched has a bit for each table");

struct lm_cursor {
	struct kith_cursor base;
	MDB_cursor *mdb;
	uint64_t renewed;                               /* as its transaction's, when it was last renewed */
	struct lm_cursor *next;
};

struct lm_txn {
	struct kith_txn base;
	MDB_txn *mdb;
	uint64_t renewed;                               /* a reader's: how often */
	struct lm_txn *next;                            /* in the pool of idle readers */
	struct lm_cursor *spare[KITH_T_COUNT_];         /* closed by the caller, kept for the next who asks */
	uint8_t *scratch;                               /* a writer's: puts copy through it, so that they may take slices of ours */
	size_t n_scratch;
	uint32_t touched;                               /* a writer's: bit per table */
};

/* The last key of a table that grows at its end. */
struct last_key {
	bool known;
	size_t n;                                       /* 0: the table is empty */
	uint8_t b[KITH_STORE_KEY_MAX];
};

struct lm {
	struct kith_store base;
	MDB_env *env;
	MDB_dbi dbi[KITH_T_COUNT_];
	struct kith_lmdb_options opt;
	char *dir;
	int lock_fd;
	pthread_mutex_t mutex;                          /* over the five below */
	struct lm_txn *idle;
	unsigned n_open;
	bool writing, grow;
	bool dead;                                      /* a write failed for good: no more of them */
	struct lm_txn writer;
	struct last_key last[KITH_T_COUNT_];            /* the writer's */
};

/* An empty one, with no environment yet. dir: where the disk is asked for room. NOMEM. */
KITH_MUST_USE int kith_lm_new(const char *dir, const struct kith_lmdb_options *opt, struct lm **out);
void kith_lm_free(struct lm *s);
/* The store as ours; asserts that it is. */
struct lm *kith_lm_from(struct kith_store *store);

/* One of our codes for one of LMDB's or the system's. */
int kith_lm_code(int rc);
uint64_t kith_lm_file_length(const struct lm *s);
void kith_lm_map_use(const struct lm *s, uint64_t *size, uint64_t *used);
/* by 1 or -1. While n_open is not zero the map stays where it is. */
void kith_lm_count_open(struct lm *s, int by);
/* Doubles the map when four fifths are used. Nothing may be open; the caller holds the mutex. */
void kith_lm_maybe_grow(struct lm *s);

#endif
