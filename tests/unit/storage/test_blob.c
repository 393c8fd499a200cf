#include "storage/blob.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/b32.h"
#include "crypto/sign.h"
#include "tests/unit/test.h"
#include "tests/unit/tmpdir.h"

static struct rig {
	char dir[KITH_TEST_PATH], at[KITH_TEST_PATH];
	struct kith_blobs *b;
} rig;

static int
up(void **state)
{
	*state = &rig;
	kith_test_path(rig.at, kith_test_dir(rig.dir), "blobs");
	return kith_blobs_open(rig.at, &rig.b, NULL);
}

static int
down(void **state)
{
	(void)state;
	kith_blobs_close(rig.b);
	kith_test_dir_remove(rig.dir);
	return 0;
}

static struct kith_id
put(const char *text)
{
	struct kith_blob_draft *w = NULL;
	struct kith_id id;

	assert_ok(kith_blob_begin(rig.b, 1000, &w));
	assert_ok(kith_blob_add(w, kith_slice_str(text)));
	assert_ok(kith_blob_keep(w, &id));
	return id;
}

static bool
has(const struct kith_id *id)
{
	uint64_t size;
	int fd, r = kith_blob_open(rig.b, id, &fd, &size);

	if (r == KITH_OK)
		close(fd);
	return r == KITH_OK;
}

static bool
nobody(void *ctx, const struct kith_id *id)
{
	(void)id;
	++*(size_t *)ctx;
	return false;
}

static bool
everybody(void *ctx, const struct kith_id *id)
{
	(void)ctx, (void)id;
	return true;
}

static void
a_file_is_found_under_the_hash_of_its_bytes(void **state)
{
	struct kith_blob_draft *w = NULL;
	struct kith_id id, whole;
	uint64_t size;
	char got[16];
	int fd;

	(void)state;
	assert_ok(kith_blob_begin(rig.b, 11, &w));
	assert_ok(kith_blob_add(w, kith_slice_str("hello ")));
	assert_ok(kith_blob_add(w, kith_slice_str("there")));
	assert_int_equal(kith_blob_size(w), 11);
	assert_int_equal(pread(kith_blob_fd(w), got, sizeof(got), 6), 5);
	assert_ok(kith_blob_keep(w, &id));
	kith_hash(KITH_L_BLOB, kith_slice_str("hello there"), &whole);
	assert_true(kith_id_eq(&id, &whole));
	assert_ok(kith_blob_open(rig.b, &id, &fd, &size));
	assert_int_equal(size, 11);
	assert_int_equal(read(fd, got, sizeof(got)), 11);
	assert_memory_equal(got, "hello there", 11);
	close(fd);
	/* again, and it is the same one */
	assert_true(kith_id_eq(&id, &(struct kith_id[]){ put("hello there") }[0]));
	kith_hash(KITH_L_OBJECT, kith_slice_str("hello there"), &whole);
	assert_false(has(&whole));
}

static void
too_long_a_file_is_refused_and_leaves_nothing(void **state)
{
	struct kith_blob_draft *w = NULL;
	struct kith_id id;
	size_t asked = 0, gone;

	(void)state;
	assert_ok(kith_blob_begin(rig.b, 4, &w));
	assert_ok(kith_blob_add(w, kith_slice_str("abcd")));
	assert_int_equal(kith_blob_add(w, kith_slice_str("e")), KITH_E_LIMIT);
	assert_int_equal(kith_blob_keep(w, &id), KITH_E_LIMIT);
	assert_ok(kith_blob_begin(rig.b, 4, &w));
	kith_blob_drop(w);
	kith_blob_drop(NULL);
	assert_int_equal(rmdir(rig.at), 0);             /* that is: it is empty */
	kith_blobs_close(rig.b);
	assert_ok(kith_blobs_open(rig.at, &rig.b, NULL));
	assert_ok(kith_blobs_sweep(rig.b, 0, nobody, &asked, &gone));
	assert_int_equal(asked + gone, 0);
}

static void
what_an_earlier_process_left_half_written_goes(void **state)
{
	char path[2 * KITH_TEST_PATH];
	FILE *f;

	(void)state;
	snprintf(path, sizeof(path), "%s/.new-0011223344556677", rig.at);
	f = fopen(path, "w");
	assert_non_null(f);
	fclose(f);
	kith_blobs_close(rig.b);
	assert_ok(kith_blobs_open(rig.at, &rig.b, NULL));
	assert_int_equal(access(path, F_OK), -1);
}

static void
what_nobody_needs_is_swept_but_not_what_is_fresh(void **state)
{
	struct kith_id id = put("one"), other = put("two");
	size_t asked = 0, gone;

	(void)state;
	/* a row may be on its way */
	assert_ok(kith_blobs_sweep(rig.b, 0, nobody, &asked, &gone));
	assert_int_equal(asked, 0);
	assert_ok(kith_blob_remove(rig.b, &id, nobody, &asked));
	assert_true(has(&id));
	/* another process knows of none on its way */
	kith_blobs_close(rig.b);
	assert_ok(kith_blobs_open(rig.at, &rig.b, NULL));
	assert_ok(kith_blobs_sweep(rig.b, 3600, nobody, &asked, &gone));
	assert_int_equal(asked, 0);
	assert_ok(kith_blobs_sweep(rig.b, 0, everybody, NULL, &gone));
	assert_int_equal(gone, 0);
	assert_ok(kith_blob_remove(rig.b, &id, nobody, &asked));
	assert_false(has(&id));
	assert_true(has(&other));
	assert_ok(kith_blob_remove(rig.b, &id, nobody, &asked));
	asked = 0;
	assert_ok(kith_blobs_sweep(rig.b, 0, nobody, &asked, &gone));
	assert_int_equal(asked, 1);
	assert_int_equal(gone, 1);
	assert_false(has(&other));
}

static void
links_are_not_followed(void **state)
{
	struct kith_id id = put("secret"), other = put("other");
	char name[KITH_ID_STR], from[2 * KITH_TEST_PATH], to[2 * KITH_TEST_PATH];
	uint64_t size;
	int fd;

	(void)state;
	snprintf(from, sizeof(from), "%s/%s", rig.at, kith_id_str(&id, name));
	snprintf(to, sizeof(to), "%s/%s", rig.at, kith_id_str(&other, name));
	assert_int_equal(unlink(to), 0);
	assert_int_equal(symlink(from, to), 0);
	assert_int_equal(kith_blob_open(rig.b, &other, &fd, &size), KITH_E_NOTFOUND);
	assert_int_equal(unlink(to), 0);
	assert_int_equal(mkdir(to, 0700), 0);
	assert_int_equal(kith_blob_open(rig.b, &other, &fd, &size), KITH_E_NOTFOUND);
}

static void
a_copy_has_all_files_and_refuses_damage(void **state)
{
	struct kith_id id = put("one"), other = put("two");
	char to[KITH_TEST_PATH], name[KITH_ID_STR], path[2 * KITH_TEST_PATH];
	struct kith_blobs *copy = NULL;
	struct kith_diag d = { .text = "" };
	uint64_t size;
	FILE *f;
	int fd;

	(void)state;
	kith_test_path(to, rig.dir, "copy");
	assert_ok(kith_blobs_copy(rig.b, to, &d));
	assert_ok(kith_blobs_copy(rig.b, to, &d));      /* again: nothing to do */
	assert_ok(kith_blobs_open(to, &copy, &d));
	assert_ok(kith_blob_open(copy, &id, &fd, &size));
	assert_int_equal(size, 3);
	close(fd);
	assert_ok(kith_blob_open(copy, &other, &fd, &size));
	close(fd);
	kith_blobs_close(copy);
	id = put("three");
	snprintf(path, sizeof(path), "%s/%s", rig.at, kith_id_str(&id, name));
	f = fopen(path, "r+");
	assert_non_null(f);
	fputc('T', f);
	fclose(f);
	assert_int_equal(kith_blobs_copy(rig.b, to, &d), KITH_E_CORRUPT);
	assert_non_null(strstr(d.text, name));
	snprintf(path, sizeof(path), "%s/%s", to, name);
	assert_int_equal(access(path, F_OK), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_file_is_found_under_the_hash_of_its_bytes, up, down),
		cmocka_unit_test_setup_teardown(too_long_a_file_is_refused_and_leaves_nothing, up, down),
		cmocka_unit_test_setup_teardown(what_an_earlier_process_left_half_written_goes, up, down),
		cmocka_unit_test_setup_teardown(what_nobody_needs_is_swept_but_not_what_is_fresh, up, down),
		cmocka_unit_test_setup_teardown(links_are_not_followed, up, down),
		cmocka_unit_test_setup_teardown(a_copy_has_all_files_and_refuses_damage, up, down),
	};

	return cmocka_run_group_tests_name("storage/blob", tests, NULL, NULL);
}
