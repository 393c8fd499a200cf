#include "crypto/keyfile.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/test.h"

static char dir[64], path[128];

static int
set_up(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/kith-keyfile-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/node.key", dir);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	(void)chmod(dir, 0700);
	(void)unlink(path);
	return rmdir(dir);
}

static void
put_file(const void *p, size_t n, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, p, n), (ssize_t)n);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void
refused(int r, const char *words)
{
	uint8_t seed[KITH_SEED_BYTES] = { 7 };
	struct kith_diag d = { .line = 0 };

	assert_int_equal(kith_keyfile_read(path, seed, &d), r);
	assert_int_equal(seed[0], 7);
	if (strstr(d.text, words) == NULL)
		fail_msg("%s", d.text);
	assert_int_equal(kith_keyfile_read(path, seed, NULL), r);
}

static void
a_key_is_made_once_and_read_again(void **state)
{
	uint8_t a[KITH_SEED_BYTES], b[KITH_SEED_BYTES], zero[KITH_SEED_BYTES] = { 0 };
	struct kith_diag d;
	struct stat st;
	bool created;

	(void)state;
	assert_ok(kith_keyfile_load(path, a, &created, &d));
	assert_true(created);
	assert_memory_not_equal(a, zero, sizeof(a));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_size, KITH_SEED_BYTES);
	assert_int_equal(st.st_nlink, 1);
	assert_ok(kith_keyfile_load(path, b, &created, NULL));
	assert_false(created);
	assert_memory_equal(a, b, sizeof(a));
	assert_int_equal(kith_keyfile_create(path, b, &d), KITH_E_EXISTS);
	assert_ok(kith_keyfile_read(path, b, NULL));
	assert_memory_equal(a, b, sizeof(a));
}

static void
what_a_crash_leaves_is_replaced(void **state)
{
	uint8_t seed[KITH_SEED_BYTES];
	char temp[160];

	(void)state;
	put_file("half", 4, 0600);
	(void)snprintf(temp, sizeof(temp), "%s.new", path);
	assert_int_equal(rename(path, temp), 0);
	assert_ok(kith_keyfile_load(path, seed, NULL, NULL));
	assert_int_not_equal(access(temp, F_OK), 0);
}

static void
bad_files_are_refused_in_words(void **state)
{
	uint8_t bytes[KITH_SEED_BYTES + 1] = { 0 };
	char other[160];
	static const mode_t modes[] = { 0640, 0604, 0620, 0601, 0610, 0602, 0777 };
	size_t i;

	(void)state;
	refused(KITH_E_NOTFOUND, "No such file");
	put_file(bytes, KITH_SEED_BYTES, 0600);
	refused(KITH_E_CORRUPT, "zeros");
	bytes[KITH_SEED_BYTES - 1] = 1;
	put_file(bytes, KITH_SEED_BYTES - 1, 0600);
	refused(KITH_E_CORRUPT, "32 bytes");
	put_file(bytes, KITH_SEED_BYTES + 1, 0600);
	refused(KITH_E_CORRUPT, "32 bytes");
	put_file(bytes, 0, 0600);
	refused(KITH_E_CORRUPT, "32 bytes");
	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		put_file(bytes, KITH_SEED_BYTES, modes[i]);
		refused(KITH_E_DENIED, "chmod 600");
	}
	put_file(bytes, KITH_SEED_BYTES, 0400);
	assert_ok(kith_keyfile_read(path, bytes, NULL));
	(void)snprintf(other, sizeof(other), "%s.moved", path);
	assert_int_equal(rename(path, other), 0);
	assert_int_equal(symlink(other, path), 0);
	refused(KITH_E_DENIED, "symbolic link");
	assert_int_equal(kith_keyfile_create(path, bytes, NULL), KITH_E_EXISTS);
	(void)unlink(other);
	refused(KITH_E_DENIED, "symbolic link");
	(void)unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	refused(KITH_E_DENIED, "not an ordinary file");
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	refused(KITH_E_DENIED, "not an ordinary file");
}

static void
without_a_folder_there_is_no_key(void **state)
{
	uint8_t seed[KITH_SEED_BYTES];
	struct kith_diag d = { .line = 0 };
	char deep[256];

	(void)state;
	(void)snprintf(deep, sizeof(deep), "%s/none/node.key", dir);
	assert_int_equal(kith_keyfile_load(deep, seed, NULL, &d), KITH_E_NOTFOUND);
	assert_non_null(strstr(d.text, "No such file"));
}

static void
random_bytes_differ(void **state)
{
	uint8_t a[1000], b[1000];

	(void)state;
	kith_random_bytes(a, sizeof(a));
	kith_random_bytes(b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
	assert_memory_not_equal(a + 968, b + 968, 32);
	kith_random_bytes(NULL, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_key_is_made_once_and_read_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_a_crash_leaves_is_replaced, set_up, tear_down),
		cmocka_unit_test_setup_teardown(bad_files_are_refused_in_words, set_up, tear_down),
		cmocka_unit_test_setup_teardown(without_a_folder_there_is_no_key, set_up, tear_down),
		cmocka_unit_test(random_bytes_differ),
	};

	return cmocka_run_group_tests_name("crypto/keyfile", tests, NULL, NULL);
}
