#ifndef KITH_TESTS_UNIT_STORAGE_DISK_H
#define KITH_TESTS_UNIT_STORAGE_DISK_H

#include "storage/lmdb.h"
#include "tests/unit/tmpdir.h"

/* A directory of one's own for tests of the store on disk; *state is a struct fixture with no store open. */
struct fixture {
	char dir[KITH_TEST_PATH], data[KITH_TEST_PATH], other[KITH_TEST_PATH];
	struct kith_lmdb_options opt;
	struct kith_diag diag;
	struct kith_store *s;
};

int disk_setup(void **state);
int disk_teardown(void **state);
int disk_try_open(struct fixture *f);
struct kith_store *disk_open(struct fixture *f);        /* must work */
void disk_close(struct fixture *f);
/* One value, in a transaction of its own. */
void disk_put(struct kith_store *s, enum kith_table tb, const char *key, const char *val);
void disk_has(struct kith_store *s, enum kith_table tb, const char *key, const char *val);
/* n bodies of 10 kB in one transaction; what became of it. */
int disk_fill(struct kith_store *s, uint32_t from, uint32_t n);
uint64_t disk_length(const char *path);
/* No file of this process may grow beyond so many bytes; 0: as before. */
void disk_with_limit(uint64_t bytes);

#define MIB (UINT64_C(1) << 20)

#endif
