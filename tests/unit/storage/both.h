#ifndef KITH_TESTS_UNIT_STORAGE_BOTH_H
#define KITH_TESTS_UNIT_STORAGE_BOTH_H

#include "storage/store.h"
#include "tests/unit/tmpdir.h"

/*
 * One suite for each kind of store: a test gets a struct both in *state, with an
 * empty store. BOTH(f) stands for two tests.
 */
struct both {
	struct kith_store *s;
	char dir[KITH_TEST_PATH];       /* "": in memory */
};

int kith_test_setup_mem(void **state);
int kith_test_setup_lmdb(void **state);
int kith_test_teardown_both(void **state);

/* Closes the store and opens it again, where there is a disk to remember it. */
void kith_test_reopen(struct both *b);

#define IN_MEMORY(f) { #f "_in_memory", f, kith_test_setup_mem, kith_test_teardown_both, NULL }
#define ON_DISK(f) { #f "_on_disk", f, kith_test_setup_lmdb, kith_test_teardown_both, NULL }
#define BOTH(f) IN_MEMORY(f), ON_DISK(f)

struct kith_txn *kith_test_begin(struct kith_store *s, bool write);
/* Texts as keys and values. */
void kith_test_put(struct kith_txn *t, enum kith_table tb, const char *key, const char *val);
/* val NULL: there must be none. */
void kith_test_has(struct kith_txn *t, enum kith_table tb, const char *key, const char *val);

#endif
