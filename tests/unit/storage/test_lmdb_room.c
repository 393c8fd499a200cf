#include "storage/lmdb.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/unit/storage/both.h"
#include "tests/unit/storage/disk.h"
#include "tests/unit/test.h"

#define A KITH_T_USER

static void
a_full_map_is_full_and_nothing_happened(void **state)
{
	struct fixture *f = *state;
	uint32_t n = 0;
	int r;

	f->opt.map_size = f->opt.map_max = MIB;
	disk_put(disk_open(f), A, "k", "v");
	while ((r = disk_fill(f->s, n, 10)) == KITH_OK)
		n += 10;
	assert_int_equal(r, KITH_E_FULL);
	assert_true(n > 0);
	assert_int_equal(disk_fill(f->s, n, 10), KITH_E_FULL);
	disk_has(f->s, A, "k", "v");
	disk_close(f);
	f->opt.map_max = 0;
	disk_has(disk_open(f), A, "k", "v");
	assert_ok(disk_fill(f->s, n, 10));
}

static void
the_map_grows_when_nobody_looks(void **state)
{
	struct fixture *f = *state;
	struct kith_lmdb_space sp;
	struct kith_txn *reader;
	uint32_t n;
	int r;

	f->opt.map_size = MIB;
	(void)disk_open(f);
	for (n = 0; n < 500; n += 5)
		assert_ok(disk_fill(f->s, n, 5));
	assert_ok(kith_store_lmdb_space(f->s, &sp));
	assert_true(sp.map_size >= 8 * MIB);
	assert_true(sp.map_used <= sp.map_size);
	assert_true(sp.map_used > 5000000);
	reader = kith_test_begin(f->s, false);
	while ((r = disk_fill(f->s, n, 5)) == KITH_OK)
		n += 5;
	assert_int_equal(r, KITH_E_FULL);               /* not while somebody reads */
	assert_ok(kith_store_lmdb_tick(f->s));
	assert_int_equal(disk_fill(f->s, n, 5), KITH_E_FULL);
	kith_txn_abort(reader);
	assert_ok(disk_fill(f->s, n, 5));
	assert_ok(kith_store_lmdb_tick(f->s));
}

static void
one_large_transaction_finds_room_the_second_time(void **state)
{
	struct fixture *f = *state;
	int tries = 0;

	f->opt.map_size = MIB;
	(void)disk_open(f);
	while (disk_fill(f->s, 0, 1000) != KITH_OK)
		assert_true(++tries < 6);
	assert_true(tries > 0);
}

static void
a_disk_that_fills_up_in_a_commit_is_full_and_nothing_happened(void **state)
{
	struct fixture *f = *state;
	uint64_t at, room;
	int r;

	(void)signal(SIGXFSZ, SIG_IGN);
	disk_put(disk_open(f), A, "k", "v");
	assert_ok(disk_fill(f->s, 0, 20));
	at = disk_length(f->data);
	for (room = 0; room < 600000; room += 37000) {  /* the end comes at once, or in the middle of a page */
		disk_with_limit(at + room);
		r = disk_fill(f->s, 1000, 100);
		disk_with_limit(0);
		assert_int_equal(r, KITH_E_FULL);
		disk_has(f->s, A, "k", "v");
	}
	disk_put(f->s, A, "k", "w");                     /* there is room again: it goes on */
	assert_ok(disk_fill(f->s, 1000, 100));
	disk_close(f);
	disk_has(disk_open(f), A, "k", "w");
}

/* Puts something else behind every descriptor through which the store writes its file. */
static void
swap_descriptors(struct fixture *f, const char *other, int flags)
{
	char link[64], to[KITH_TEST_PATH];
	struct dirent *e;
	DIR *d = opendir("/proc/self/fd");
	ssize_t n;
	int swapped = 0, fd, with;

	assert_non_null(d);
	while ((e = readdir(d)) != NULL) {
		(void)snprintf(link, sizeof(link), "/proc/self/fd/%.20s", e->d_name);
		n = readlink(link, to, sizeof(to) - 1);
		if (n < 0)
			continue;
		to[n] = '\0';
		if (strcmp(to, f->data) != 0)
			continue;
		fd = atoi(e->d_name);
		with = open(other, flags);
		assert_true(with >= 0);
		assert_int_equal(dup2(with, fd), fd);
		(void)close(with);
		swapped++;
	}
	(void)closedir(d);
	assert_true(swapped > 0);
}

static void
a_disk_that_fails_ends_all_writing(void **state)
{
	struct fixture *f = *state;
	struct kith_txn *t = NULL;

	disk_put(disk_open(f), A, "k", "v");
	swap_descriptors(f, f->data, O_RDONLY);
	t = kith_test_begin(f->s, true);
	kith_test_put(t, A, "k", "w");
	assert_int_equal(kith_txn_commit(t), KITH_E_IO);
	assert_int_equal(kith_store_begin(f->s, true, &t), KITH_E_IO);
	assert_int_equal(kith_store_begin(f->s, true, &t), KITH_E_IO);
	disk_has(f->s, A, "k", "v");                     /* reading goes on */
	disk_close(f);
	disk_has(disk_open(f), A, "k", "v");
	disk_put(f->s, A, "k", "w");
}

static void
a_disk_without_a_byte_left_is_full(void **state)
{
	struct fixture *f = *state;
	struct kith_txn *t = NULL;

	disk_put(disk_open(f), A, "k", "v");
	swap_descriptors(f, "/dev/full", O_RDWR);
	t = kith_test_begin(f->s, true);
	kith_test_put(t, A, "k", "w");
	assert_int_equal(kith_txn_commit(t), KITH_E_FULL);
	disk_has(f->s, A, "k", "v");
	t = kith_test_begin(f->s, true);
	kith_test_put(t, A, "k", "w");
	assert_int_equal(kith_txn_commit(t), KITH_E_FULL);
}

static void
the_watermarks_are_where_they_should_be(void **state)
{
	const uint64_t gib = UINT64_C(1) << 30, small = 1000, large = 100000 * gib;

	(void)state;
	assert_int_equal(kith_space_level(small, small), KITH_SPACE_OK);
	assert_int_equal(kith_space_level(small, 101), KITH_SPACE_OK);
	assert_int_equal(kith_space_level(small, 100), KITH_SPACE_OK);
	assert_int_equal(kith_space_level(small, 99), KITH_SPACE_WARN);
	assert_int_equal(kith_space_level(small, 70), KITH_SPACE_WARN);
	assert_int_equal(kith_space_level(small, 69), KITH_SPACE_NO_MEDIA);
	assert_int_equal(kith_space_level(small, 50), KITH_SPACE_NO_MEDIA);
	assert_int_equal(kith_space_level(small, 49), KITH_SPACE_READ_ONLY);
	assert_int_equal(kith_space_level(small, 0), KITH_SPACE_READ_ONLY);
	assert_int_equal(kith_space_level(large, gib), KITH_SPACE_NO_MEDIA);
	assert_int_equal(kith_space_level(large, gib - 1), KITH_SPACE_READ_ONLY);
}

static void
a_limit_stands_in_for_a_disk(void **state)
{
	struct fixture *f = *state;
	struct kith_lmdb_space sp;

	f->opt.disk_limit = 100 * MIB;
	(void)disk_open(f);
	assert_ok(kith_store_lmdb_space(f->s, &sp));
	assert_true(sp.total == 100 * MIB);
	assert_true(sp.free == sp.total - sp.file);
	assert_true(sp.file == disk_length(f->data));
	assert_int_equal(sp.level, KITH_SPACE_OK);
	disk_close(f);
	f->opt.disk_limit = disk_length(f->data) + 10;
	(void)disk_open(f);
	assert_ok(kith_store_lmdb_space(f->s, &sp));
	assert_int_equal(sp.level, KITH_SPACE_READ_ONLY);
	disk_close(f);
	f->opt.disk_limit = 0;
	(void)disk_open(f);
	assert_ok(kith_store_lmdb_space(f->s, &sp));
	assert_true(sp.total > 0 && sp.free <= sp.total);
}

static void
the_ballast_is_a_hundredth_and_comes_back_when_there_is_room(void **state)
{
	struct fixture *f = *state;
	char path[KITH_TEST_PATH];

	(void)kith_test_path(path, f->dir, "ballast");
	f->opt.disk_limit = 100 * MIB;
	(void)disk_open(f);
	assert_int_equal(access(path, F_OK), -1);       /* only if asked for */
	disk_close(f);
	f->opt.ballast = true;
	(void)disk_open(f);
	assert_int_equal(disk_length(path), MIB);
	disk_close(f);
	(void)disk_open(f);
	assert_int_equal(disk_length(path), MIB);
	disk_close(f);
	assert_int_equal(unlink(path), 0);
	f->opt.disk_limit = disk_length(f->data) + 10;       /* no room: it stays away */
	(void)disk_open(f);
	assert_int_equal(access(path, F_OK), -1);
	disk_close(f);
	f->opt.disk_limit = UINT64_C(1) << 40;          /* of a large disk no more than 64 MiB */
	(void)disk_open(f);
	assert_int_equal(disk_length(path), 64 * MIB);
}

static void
a_large_transaction_says_so(void **state)
{
	struct fixture *f = *state;
	struct kith_txn *t = kith_test_begin(disk_open(f), true);
	uint32_t i;
	uint8_t key[4];

	assert_false(kith_txn_is_large(t));
	for (i = 0; i < 3900; i++) {
		kith_put_be32(key, i * 2654435761u);
		assert_false(kith_txn_is_large(t));
		assert_ok(kith_txn_put(t, A, kith_slice_of(key, 4), LIT("v")));
	}
	for (; i < 4100; i++) {
		kith_put_be32(key, i * 2654435761u);
		assert_ok(kith_txn_put(t, A, kith_slice_of(key, 4), LIT("v")));
	}
	assert_true(kith_txn_is_large(t));
	assert_ok(kith_txn_commit(t));
	t = kith_test_begin(f->s, true);
	assert_false(kith_txn_is_large(t));
	kith_txn_abort(t);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, disk_setup, disk_teardown)
	static const struct CMUnitTest tests[] = {
		T(a_full_map_is_full_and_nothing_happened),
		T(the_map_grows_when_nobody_looks),
		T(one_large_transaction_finds_room_the_second_time),
		T(a_disk_that_fills_up_in_a_commit_is_full_and_nothing_happened),
		T(a_disk_that_fails_ends_all_writing),
		T(a_disk_without_a_byte_left_is_full),
		T(the_watermarks_are_where_they_should_be),
		T(a_limit_stands_in_for_a_disk),
		T(the_ballast_is_a_hundredth_and_comes_back_when_there_is_room),
		T(a_large_transaction_says_so),
	};

	return cmocka_run_group_tests_name("storage/lmdb, room", tests, NULL, NULL);
}
