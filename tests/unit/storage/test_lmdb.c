#include "storage/lmdb.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/sign.h"
#include "storage/disk.h"
#include "storage/ledger.h"
#include "tests/unit/fail_alloc.h"
#include "tests/unit/storage/both.h"
#include "tests/unit/storage/disk.h"
#include "tests/unit/test.h"

#define A KITH_T_USER

/* ---- opening ---- */

static void
the_files_are_for_us_alone(void **state)
{
	struct fixture *f = *state;
	char data[KITH_TEST_PATH];
	struct stat st;

	assert_ok(kith_store_lmdb_open(f->other, &f->opt, &f->diag, &f->s));    /* makes the directory */
	assert_int_equal(stat(f->other, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(stat(kith_test_path(data, f->other, "data.mdb"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void
a_parent_that_is_missing_is_told(void **state)
{
	struct fixture *f = *state;
	char dir[KITH_TEST_PATH];

	assert_int_equal(kith_store_lmdb_open(kith_test_path(dir, f->other, "deeper"), NULL, &f->diag, &f->s), KITH_E_IO);
	assert_non_null(strstr(f->diag.text, dir));
	assert_null(f->s);
}

static void
a_second_opening_in_this_process_is_refused_in_words(void **state)
{
	struct fixture *f = *state;
	struct kith_store *second = NULL;
	struct kith_diag diag;

	disk_put(disk_open(f), A, "k", "v");
	assert_int_equal(kith_store_lmdb_open(f->dir, NULL, &diag, &second), KITH_E_BUSY);
	assert_null(second);
	assert_non_null(strstr(diag.text, "open already"));
	assert_non_null(strstr(diag.text, f->dir));
	assert_int_equal(kith_store_lmdb_open(f->dir, NULL, NULL, &second), KITH_E_BUSY);
	disk_has(f->s, A, "k", "v");
	disk_close(f);
	disk_has(disk_open(f), A, "k", "v");
}

static void
another_process_is_refused_until_the_first_is_gone(void **state)
{
	struct fixture *f = *state;
	int up[2], status;
	char c;
	pid_t pid;

	assert_int_equal(pipe(up), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		c = disk_try_open(f) == KITH_OK ? 'y' : 'n';
		if (write(up[1], &c, 1) != 1)
			_exit(1);
		for (;;)
			(void)pause();
	}
	assert_int_equal(read(up[0], &c, 1), 1);
	assert_int_equal(c, 'y');
	assert_int_equal(disk_try_open(f), KITH_E_BUSY);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	(void)disk_open(f);                               /* nothing of the dead one stands in the way */
	disk_put(f->s, A, "k", "v");
	(void)close(up[0]);
	(void)close(up[1]);
}

static void
network_file_systems_are_refused(void **state)
{
	static const uint64_t refused[] = { 0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x01021997, 0x00c36400, 0x5346414f };
	static const uint64_t fine[] = { 0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630, 0x2fc12fc1, 0xf2f52010 };
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_non_null(kith_disk_fs_refused(refused[i]));
	for (i = 0; i < sizeof(fine) / sizeof(fine[0]); i++)
		assert_null(kith_disk_fs_refused(fine[i]));
	/* f_type is signed where long has 32 bits */
	assert_non_null(kith_disk_fs_refused((uint64_t)(int64_t)(int32_t)0xff534d42));
	assert_ok(kith_disk_check(f->dir, &f->diag));
	assert_int_equal(kith_disk_check(f->other, &f->diag), KITH_E_IO);
}

static void
of_fuse_file_systems_only_local_ones_are_taken(void **state)
{
	static char mounts[] =
	    "21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
	    "36 21 0:50 / /mnt/far rw,nosuid - fuse.sshfs host:/srv rw,user_id=0\n"
	    "not a line of this kind\n"
	    "37 21 0:51 / /mnt/cut rw\n"
	    "38 21 0:52 / /mnt/disk rw shared:3 master:1 - fuseblk /dev/sdb1 rw\n";
	static const struct { unsigned min; bool local; const char *name; } v[] = {
		{ 50, false, "fuse.sshfs" }, { 51, false, "an unknown FUSE file system" }, { 52, true, "fuseblk" },
		{ 53, false, "an unknown FUSE file system" },
	};
	char name[80];
	FILE *f;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		f = fmemopen(mounts, sizeof(mounts) - 1, "r");
		assert_non_null(f);
		assert_int_equal(kith_disk_fuse_local(f, 0, v[i].min, name, sizeof(name)), v[i].local);
		assert_string_equal(name, v[i].name);
		assert_int_equal(fclose(f), 0);
	}
}

static void
a_map_too_large_for_the_address_space_is_made_smaller(void **state)
{
	struct fixture *f = *state;
	struct kith_lmdb_space sp;

	f->opt.map_size = UINT64_C(1) << 50;
	(void)disk_open(f);
	assert_ok(kith_store_lmdb_space(f->s, &sp));
	assert_true(sp.map_size >= 64 * MIB && sp.map_size < f->opt.map_size);
	disk_put(f->s, A, "k", "v");
}

static void
rubbish_is_refused_and_left_alone(void **state)
{
	struct fixture *f = *state;
	uint8_t rubbish[20000];
	FILE *file = fopen(f->data, "wb");
	int r;

	memset(rubbish, 0x5a, sizeof(rubbish));
	assert_non_null(file);
	assert_int_equal(fwrite(rubbish, 1, sizeof(rubbish), file), sizeof(rubbish));
	assert_int_equal(fclose(file), 0);
	r = disk_try_open(f);
	assert_int_equal(r, KITH_E_CORRUPT);
	assert_non_null(strstr(f->diag.text, f->dir));
	assert_int_equal(disk_length(f->data), sizeof(rubbish));
}

static void
a_file_that_was_cut_is_refused_before_it_is_read(void **state)
{
	struct fixture *f = *state;
	uint64_t whole, at;

	assert_ok(disk_fill(disk_open(f), 0, 100));
	disk_close(f);
	whole = disk_length(f->data);
	for (at = whole - 4096; at >= 4096 * 3; at -= 4096 * 7) {
		assert_int_equal(truncate(f->data, (off_t)at), 0);
		assert_int_equal(disk_try_open(f), KITH_E_CORRUPT);
		assert_non_null(strstr(f->diag.text, "cut short"));
		assert_int_equal(disk_length(f->data), at);  /* as it was */
	}
	assert_int_equal(truncate(f->data, 100), 0);
	assert_int_equal(disk_try_open(f), KITH_E_CORRUPT);
	assert_int_equal(truncate(f->data, 4096), 0);
	assert_int_equal(disk_try_open(f), KITH_E_CORRUPT);
}

/* LMDB itself may leave out pages at the end that hold nothing; that is no damage. */
static void
a_file_that_lacks_only_free_pages_is_whole(void **state)
{
	struct fixture *f = *state;
	struct kith_txn *t;
	uint8_t key[4];
	uint32_t i, opened = 0;
	uint64_t whole, at;
	int r;

	assert_ok(disk_fill(disk_open(f), 0, 50));
	disk_put(f->s, A, "k", "v");
	t = kith_test_begin(f->s, true);
	for (i = 20; i < 50; i++) {
		kith_put_be32(key, i);
		assert_ok(kith_txn_del(t, KITH_T_BODY, kith_slice_of(key, 4)));
	}
	assert_ok(kith_txn_commit(t));
	disk_put(f->s, A, "k", "w");
	disk_put(f->s, A, "k", "x");
	disk_close(f);
	whole = disk_length(f->data);
	for (at = whole - 4096; at > 0; at -= 4096) {
		assert_int_equal(truncate(f->data, (off_t)at), 0);
		r = disk_try_open(f);
		if (r == KITH_E_CORRUPT)
			break;
		assert_ok(r);
		assert_int_equal(disk_length(f->data), whole);       /* drawn out again: no page is behind the end */
		disk_has(f->s, A, "k", "x");
		kith_put_be32(key, 19);
		t = kith_test_begin(f->s, false);
		assert_ok(kith_txn_get(t, KITH_T_BODY, kith_slice_of(key, 4), &(struct kith_slice){ NULL, 0 }));
		kith_txn_abort(t);
		disk_close(f);
		opened++;
	}
	assert_int_equal(r, KITH_E_CORRUPT);
	assert_true(opened >= 1);
}

/* ---- formats ---- */

static void
a_newer_format_is_refused_in_words(void **state)
{
	struct fixture *f = *state;
	uint8_t next[4];
	struct kith_txn *t;

	t = kith_test_begin(disk_open(f), true);
	kith_put_be32(next, KITH_STORE_FORMAT + 1);
	assert_ok(kith_txn_put(t, KITH_T_META, LIT("format"), kith_slice_of(next, 4)));
	assert_ok(kith_txn_commit(t));
	disk_close(f);
	assert_int_equal(disk_try_open(f), KITH_E_DENIED);
	assert_non_null(strstr(f->diag.text, "format 2"));
	assert_non_null(strstr(f->diag.text, "newer program"));
}

static void
a_format_that_is_no_number_is_corrupt(void **state)
{
	struct fixture *f = *state;

	disk_put(disk_open(f), KITH_T_META, "format", "one");
	disk_close(f);
	assert_int_equal(disk_try_open(f), KITH_E_CORRUPT);
}

static void
a_store_without_a_format_number_is_brought_up_to_date(void **state)
{
	struct fixture *f = *state;
	struct kith_txn *t;
	uint64_t incarnation;
	bool drawn;
	struct kith_slice v;

	disk_put(disk_open(f), A, "k", "v");
	t = kith_test_begin(f->s, true);
	assert_ok(kith_store_incarnation(t, 5, &incarnation, &drawn));
	assert_ok(kith_txn_del(t, KITH_T_META, LIT("format")));
	assert_ok(kith_txn_commit(t));
	disk_close(f);
	t = kith_test_begin(disk_open(f), true);
	assert_ok(kith_txn_get(t, KITH_T_META, LIT("format"), &v));
	assert_slice_equal(v, "\0\0\0\1", 4);
	assert_ok(kith_store_incarnation(t, 6, &incarnation, &drawn));
	assert_true(drawn && incarnation == 6);
	assert_ok(kith_txn_commit(t));
	disk_has(f->s, A, "k", "v");
	disk_close(f);
	t = kith_test_begin(disk_open(f), true);          /* and only once */
	assert_ok(kith_store_incarnation(t, 7, &incarnation, &drawn));
	assert_true(!drawn && incarnation == 6);
	kith_txn_abort(t);
}

/* ---- readers ---- */

static void
readers_are_counted(void **state)
{
	struct fixture *f = *state;
	struct kith_txn *t[3];
	int i;

	f->opt.max_readers = 2;
	(void)disk_open(f);
	for (i = 0; i < 3; i++) {
		t[0] = kith_test_begin(f->s, false);
		t[1] = kith_test_begin(f->s, false);
		assert_int_equal(kith_store_begin(f->s, false, &t[2]), KITH_E_BUSY);
		kith_txn_abort(t[0]);
		kith_txn_abort(t[1]);
	}
}

struct reading {
	struct kith_store *s;
	int failed;
};

/* Two values that are always changed together. */
static void *
read_for_a_while(void *arg)
{
	struct reading *rd = arg;
	struct kith_cursor *c;
	struct kith_txn *t;
	struct kith_slice a, b, k;
	int i;

	for (i = 0; i < 2000; i++) {
		if (kith_store_begin(rd->s, false, &t) != KITH_OK) {
			rd->failed++;
			continue;
		}
		if (kith_txn_get(t, A, LIT("a"), &a) != KITH_OK || kith_cursor_open(t, A, &c) != KITH_OK) {
			rd->failed++;
		} else {
			if (kith_cursor_seek(c, LIT(""), true, &k, &b) != KITH_OK || !kith_slice_eq(a, b))
				rd->failed++;
			kith_cursor_close(c);
		}
		kith_txn_abort(t);
	}
	return NULL;
}

static void
threads_read_while_another_writes(void **state)
{
	struct fixture *f = *state;
	struct reading rd[4];
	pthread_t threads[4];
	struct kith_txn *t;
	char text[16];
	int i;

	(void)disk_open(f);
	for (i = 0; i < 300; i++) {
		if (i == 1) {
			for (int k = 0; k < 4; k++) {
				rd[k] = (struct reading){ f->s, 0 };
				assert_int_equal(pthread_create(&threads[k], NULL, read_for_a_while, &rd[k]), 0);
			}
		}
		(void)snprintf(text, sizeof(text), "%d", i);
		t = kith_test_begin(f->s, true);
		kith_test_put(t, A, "a", text);
		kith_test_put(t, A, "b", text);
		assert_ok(kith_txn_commit(t));
	}
	for (i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(rd[i].failed, 0);
	}
}

/* ---- backups ---- */

static uint64_t
add_record(struct kith_store *s, uint64_t n)
{
	struct kith_ledger_key key = { .incarnation = 1 };
	struct kith_ledger_new rec = { .seq = n };
	struct kith_txn *t = kith_test_begin(s, true);
	uint8_t header[100] = { 0 };
	uint64_t pos;

	kith_put_be64(header, n);
	assert_ok(kith_ledger_feed(t, &key, true, &rec.feedno));
	rec.header = kith_slice_of(header, sizeof(header));
	kith_hash(KITH_L_RECORD, rec.header, &rec.id);
	assert_ok(kith_ledger_add(t, &rec, &pos));
	assert_ok(kith_txn_commit(t));
	return pos;
}

static void
a_restored_backup_holds_everything_but_the_incarnation(void **state)
{
	struct fixture *f = *state;
	char restored[KITH_TEST_PATH], dir[KITH_TEST_PATH];
	struct kith_ledger_record rec;
	struct kith_store *copy;
	struct kith_txn *t;
	uint64_t pos = 0, incarnation;
	bool drawn;
	int i;

	disk_put(disk_open(f), A, "k", "v");
	assert_ok(disk_fill(f->s, 0, 100));
	for (i = 0; i < 2500; i += 500)
		pos = add_record(f->s, (uint64_t)i);
	t = kith_test_begin(f->s, true);
	assert_ok(kith_store_incarnation(t, 11, &incarnation, &drawn));
	assert_ok(kith_txn_commit(t));
	t = kith_test_begin(f->s, true);                /* one that is under way is not in it */
	kith_test_put(t, A, "k", "later");
	assert_ok(kith_store_lmdb_backup(f->s, f->other, &f->diag));
	assert_ok(kith_txn_commit(t));
	assert_int_equal(kith_store_lmdb_backup(f->s, f->other, &f->diag), KITH_E_EXISTS);
	assert_non_null(strstr(f->diag.text, f->other));

	(void)kith_test_path(dir, f->dir, "restored");
	assert_int_equal(mkdir(dir, 0700), 0);
	assert_int_equal(rename(f->other, kith_test_path(restored, dir, "data.mdb")), 0);
	assert_ok(kith_store_lmdb_open(dir, &f->opt, &f->diag, &copy));
	disk_has(copy, A, "k", "v");
	t = kith_test_begin(copy, true);
	assert_ok(kith_ledger_get(t, pos, &rec));
	assert_ok(kith_store_incarnation(t, 12, &incarnation, &drawn));
	assert_true(drawn && incarnation == 12);
	assert_ok(kith_txn_commit(t));
	kith_store_close(copy);
	assert_ok(kith_store_lmdb_open(dir, &f->opt, &f->diag, &copy));
	t = kith_test_begin(copy, true);
	assert_ok(kith_store_incarnation(t, 13, &incarnation, &drawn));
	assert_true(!drawn && incarnation == 12);
	kith_txn_abort(t);
	kith_store_close(copy);

	t = kith_test_begin(f->s, true);                /* the original goes on as it was */
	assert_ok(kith_store_incarnation(t, 14, &incarnation, &drawn));
	assert_true(!drawn && incarnation == 11);
	kith_test_has(t, A, "k", "later");
	kith_txn_abort(t);
}

static void
a_backup_leaves_out_what_is_free(void **state)
{
	struct fixture *f = *state;
	struct kith_txn *t;
	uint8_t key[4];
	uint32_t i;

	assert_ok(disk_fill(disk_open(f), 0, 300));
	t = kith_test_begin(f->s, true);
	for (i = 0; i < 300; i++) {
		kith_put_be32(key, i);
		assert_ok(kith_txn_del(t, KITH_T_BODY, kith_slice_of(key, 4)));
	}
	assert_ok(kith_txn_commit(t));
	assert_ok(kith_store_lmdb_backup(f->s, f->other, &f->diag));
	assert_true(disk_length(f->other) < disk_length(f->data) / 4);
}

static void
a_damaged_record_spoils_the_backup(void **state)
{
	struct fixture *f = *state;
	uint8_t value[300], key[8];
	struct kith_txn *t;
	struct kith_slice v;
	char part[KITH_TEST_PATH];

	(void)add_record(disk_open(f), 1);
	kith_put_be64(key, add_record(f->s, 2));
	t = kith_test_begin(f->s, true);
	assert_ok(kith_txn_get(t, KITH_T_LOG, kith_slice_of(key, 8), &v));
	assert_true(v.n <= sizeof(value));
	memcpy(value, v.p, v.n);
	value[v.n - 1] ^= 1;
	assert_ok(kith_txn_put(t, KITH_T_LOG, kith_slice_of(key, 8), kith_slice_of(value, v.n)));
	assert_ok(kith_txn_commit(t));
	assert_int_equal(kith_store_lmdb_backup(f->s, f->other, &f->diag), KITH_E_CORRUPT);
	assert_non_null(strstr(f->diag.text, "record 2"));
	assert_int_equal(access(f->other, F_OK), -1);
	assert_int_equal(access(kith_test_path(part, f->dir, "other.part"), F_OK), -1);
	assert_int_equal(access(kith_test_path(part, f->dir, "other.part-lock"), F_OK), -1);
}

static void
a_backup_that_cannot_be_written_says_so(void **state)
{
	struct fixture *f = *state;
	char path[KITH_TEST_PATH];

	disk_put(disk_open(f), A, "k", "v");
	assert_int_equal(kith_store_lmdb_backup(f->s, kith_test_path(path, f->other, "x"), &f->diag), KITH_E_IO);
	assert_non_null(strstr(f->diag.text, "x.part"));
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_ok(disk_fill(f->s, 0, 100));
	disk_with_limit(300000);
	assert_int_not_equal(kith_store_lmdb_backup(f->s, f->other, &f->diag), KITH_OK);
	disk_with_limit(0);
	assert_int_equal(access(f->other, F_OK), -1);
	disk_has(f->s, A, "k", "v");
	disk_put(f->s, A, "k", "w");
}

static void
without_memory_opening_and_copying_fail_cleanly(void **state)
{
	struct fixture *f = *state;
	size_t n;
	int r;

	for (n = 1;; n++) {
		kith_test_fail_alloc(n);
		r = disk_try_open(f);
		if (!kith_test_alloc_failed())
			break;
		assert_int_equal(r, KITH_E_NOMEM);
		assert_null(f->s);
		assert_string_not_equal(f->diag.text, "");
	}
	assert_ok(r);
	assert_true(n > 3);
	disk_put(f->s, A, "k", "v");
	for (n = 1;; n++) {
		kith_test_fail_alloc(n);
		r = kith_store_lmdb_backup(f->s, f->other, &f->diag);
		if (!kith_test_alloc_failed())
			break;
		assert_int_equal(r, KITH_E_NOMEM);
		assert_int_equal(access(f->other, F_OK), -1);
	}
	assert_ok(r);
	assert_true(n > 3);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, disk_setup, disk_teardown)
	static const struct CMUnitTest tests[] = {
		T(the_files_are_for_us_alone),
		T(a_parent_that_is_missing_is_told),
		T(a_second_opening_in_this_process_is_refused_in_words),
		T(another_process_is_refused_until_the_first_is_gone),
		T(network_file_systems_are_refused),
		T(of_fuse_file_systems_only_local_ones_are_taken),
		T(a_map_too_large_for_the_address_space_is_made_smaller),
		T(rubbish_is_refused_and_left_alone),
		T(a_file_that_was_cut_is_refused_before_it_is_read),
		T(a_file_that_lacks_only_free_pages_is_whole),
		T(a_newer_format_is_refused_in_words),
		T(a_format_that_is_no_number_is_corrupt),
		T(a_store_without_a_format_number_is_brought_up_to_date),
		T(readers_are_counted),
		T(threads_read_while_another_writes),
		T(a_restored_backup_holds_everything_but_the_incarnation),
		T(a_backup_leaves_out_what_is_free),
		T(a_damaged_record_spoils_the_backup),
		T(a_backup_that_cannot_be_written_says_so),
		T(without_memory_opening_and_copying_fail_cleanly),
	};

	return cmocka_run_group_tests_name("storage/lmdb", tests, NULL, NULL);
}
