#include "tests/unit/storage/disk.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include "tests/unit/storage/both.h"
#include "tests/unit/test.h"

int
disk_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return -1;
	(void)kith_test_dir(f->dir);
	(void)kith_test_path(f->data, f->dir, "data.mdb");
	(void)kith_test_path(f->other, f->dir, "other");
	f->opt.map_size = 64 * MIB;
	*state = f;
	return 0;
}

int
disk_teardown(void **state)
{
	struct fixture *f = *state;

	kith_store_close(f->s);
	kith_test_dir_remove(f->dir);
	free(f);
	return 0;
}

int
disk_try_open(struct fixture *f)
{
	return kith_store_lmdb_open(f->dir, &f->opt, &f->diag, &f->s);
}

struct kith_store *
disk_open(struct fixture *f)
{
	assert_ok(disk_try_open(f));
	return f->s;
}

void
disk_close(struct fixture *f)
{
	kith_store_close(f->s);
	f->s = NULL;
}

void
disk_put(struct kith_store *s, enum kith_table tb, const char *key, const char *val)
{
	struct kith_txn *t = kith_test_begin(s, true);

	kith_test_put(t, tb, key, val);
	assert_ok(kith_txn_commit(t));
}

void
disk_has(struct kith_store *s, enum kith_table tb, const char *key, const char *val)
{
	struct kith_txn *t = kith_test_begin(s, false);

	kith_test_has(t, tb, key, val);
	kith_txn_abort(t);
}

uint64_t
disk_length(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return (uint64_t)st.st_size;
}

int
disk_fill(struct kith_store *s, uint32_t from, uint32_t n)
{
	static const uint8_t big[10000] = { 1 };
	struct kith_txn *t = kith_test_begin(s, true);
	uint8_t key[4];
	uint32_t i;
	int r = KITH_OK;

	for (i = 0; i < n && r == KITH_OK; i++) {
		kith_put_be32(key, from + i);
		r = kith_txn_put(t, KITH_T_BODY, kith_slice_of(key, 4), kith_slice_of(big, sizeof(big)));
	}
	if (r == KITH_OK)
		return kith_txn_commit(t);
	assert_int_equal(kith_txn_commit(t), r);
	return r;
}

void
disk_with_limit(uint64_t bytes)
{
	struct rlimit rl;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &rl), 0);
	rl.rlim_cur = bytes != 0 ? (rlim_t)bytes : rl.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &rl), 0);
}
