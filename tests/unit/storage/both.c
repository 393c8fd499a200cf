#include "tests/unit/storage/both.h"

#include "storage/lmdb.h"
#include "tests/unit/test.h"

static const struct kith_lmdb_options small = { .map_size = UINT64_C(64) << 20 };

int
kith_test_setup_mem(void **state)
{
	struct both *b = calloc(1, sizeof(*b));

	*state = b;
	return b != NULL && kith_store_mem_new(&b->s) == KITH_OK ? 0 : -1;
}

int
kith_test_setup_lmdb(void **state)
{
	struct both *b = calloc(1, sizeof(*b));

	*state = b;
	if (b == NULL)
		return -1;
	(void)kith_test_dir(b->dir);
	return kith_store_lmdb_open(b->dir, &small, NULL, &b->s) == KITH_OK ? 0 : -1;
}

int
kith_test_teardown_both(void **state)
{
	struct both *b = *state;
	struct kith_txn *t;

	/* a test that failed midway leaves its writer open; closing would assert and hide what it said */
	if (b->s != NULL && kith_store_begin(b->s, true, &t) == KITH_OK) {
		kith_txn_abort(t);
		kith_store_close(b->s);
	}
	if (b->dir[0] != '\0')
		kith_test_dir_remove(b->dir);
	free(b);
	return 0;
}

void
kith_test_reopen(struct both *b)
{
	if (b->dir[0] == '\0')
		return;
	kith_store_close(b->s);
	b->s = NULL;
	assert_ok(kith_store_lmdb_open(b->dir, &small, NULL, &b->s));
}

struct kith_txn *
kith_test_begin(struct kith_store *s, bool write)
{
	struct kith_txn *t = NULL;

	assert_ok(kith_store_begin(s, write, &t));
	return t;
}

void
kith_test_put(struct kith_txn *t, enum kith_table tb, const char *key, const char *val)
{
	assert_ok(kith_txn_put(t, tb, kith_slice_str(key), kith_slice_str(val)));
}

void
kith_test_has(struct kith_txn *t, enum kith_table tb, const char *key, const char *val)
{
	struct kith_slice v = { NULL, 0 };
	int r = kith_txn_get(t, tb, kith_slice_str(key), &v);

	if (val == NULL) {
		assert_int_equal(r, KITH_E_NOTFOUND);
		return;
	}
	assert_ok(r);
	assert_slice_equal(v, val, strlen(val));
}
