#include "daemon/state.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/keyfile.h"
#include "tests/unit/kit.h"
#include "tests/unit/test.h"
#include "tests/unit/tmpdir.h"

static char dir[KITH_TEST_PATH], home[KITH_TEST_PATH];
static struct kith_diag diag;

static int
setup(void **state)
{
	(void)state;
	(void)kit_env();
	memset(&diag, 0, sizeof(diag));
	assert_non_null(getcwd(home, sizeof(home)));
	assert_int_equal(chdir(kith_test_dir(dir)), 0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	assert_int_equal(chdir(home), 0);
	kith_test_dir_remove(dir);
	return 0;
}

static void
touch(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	close(fd);
}

static void
pretend_a_store(void)
{
	assert_int_equal(mkdir("store", 0700), 0);
	touch("store/data.mdb");
}

static void
keys_are_made_once_and_read_again(void **state)
{
	struct kith_keys a, b;

	(void)state;
	assert_ok(kith_keys_load(&a, &diag));
	assert_non_null(a.root);
	assert_ok(kith_keys_load(&b, &diag));
	assert_memory_equal(kith_signer_pk(a.root), kith_signer_pk(b.root), 32);
	assert_memory_equal(kith_signer_pk(a.sign), kith_signer_pk(b.sign), 32);
	assert_memory_equal(a.cert_pk, b.cert_pk, 32);
	assert_memory_equal(a.next_root_pk, b.next_root_pk, 32);
	assert_memory_equal(a.seal, b.seal, 32);
	assert_memory_not_equal(kith_signer_pk(a.root), kith_signer_pk(a.sign), 32);
	kith_keys_fini(&a);
	kith_keys_fini(&b);
}

static void
beside_a_store_a_missing_key_is_not_made_up(void **state)
{
	static const char *const needed[] = { "sign.key", "cert.key", "seal.key" };
	struct kith_keys k;

	(void)state;
	assert_ok(kith_keys_load(&k, &diag));
	kith_keys_fini(&k);
	pretend_a_store();
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(rename(needed[i], "away"), 0);
		assert_int_equal(kith_keys_load(&k, &diag), KITH_E_NOTFOUND);
		assert_non_null(strstr(diag.text, needed[i]));
		assert_int_equal(access(needed[i], F_OK), -1);
		assert_int_equal(rename("away", needed[i]), 0);
	}
	/* the roots may lie elsewhere */
	assert_int_equal(unlink("root.key"), 0);
	assert_ok(kith_keys_load(&k, &diag));
	assert_null(k.root);
	kith_keys_fini(&k);
	assert_int_equal(kith_keys_rotate(false, &diag), KITH_E_NOTFOUND);
}

static void
keys_that_are_wrong_are_refused_in_words(void **state)
{
	struct kith_keys k;
	uint8_t seed[KITH_SEED_BYTES];

	(void)state;
	assert_ok(kith_keys_load(&k, &diag));
	kith_keys_fini(&k);
	assert_int_equal(chmod("sign.key", 0644), 0);
	assert_int_equal(kith_keys_load(&k, &diag), KITH_E_DENIED);
	assert_true(diag.text[0] != '\0');
	assert_int_equal(chmod("sign.key", 0600), 0);
	/* two of them alike */
	assert_ok(kith_keyfile_read("cert.key", seed, &diag));
	assert_int_equal(unlink("sign.key"), 0);
	assert_ok(kith_keyfile_write("sign.key", kith_slice_of(seed, sizeof(seed)), &diag));
	assert_int_equal(kith_keys_load(&k, &diag), KITH_E_CORRUPT);
	assert_non_null(strstr(diag.text, "the same key"));
	assert_int_equal(truncate("sign.key", 31), 0);
	assert_int_equal(kith_keys_load(&k, &diag), KITH_E_CORRUPT);
}

static void
rotating_renews_two_keys_and_with_the_root_all_but_the_seal(void **state)
{
	struct kith_keys a, b, c;

	(void)state;
	assert_ok(kith_keys_load(&a, &diag));
	pretend_a_store();
	assert_ok(kith_keys_rotate(false, &diag));
	assert_ok(kith_keys_load(&b, &diag));
	assert_memory_equal(kith_signer_pk(a.root), kith_signer_pk(b.root), 32);
	assert_memory_equal(a.next_root_pk, b.next_root_pk, 32);
	assert_memory_not_equal(kith_signer_pk(a.sign), kith_signer_pk(b.sign), 32);
	assert_memory_not_equal(a.cert_pk, b.cert_pk, 32);
	assert_ok(kith_keys_rotate(true, &diag));
	assert_ok(kith_keys_load(&c, &diag));
	assert_memory_equal(kith_signer_pk(c.root), a.next_root_pk, 32);
	assert_memory_not_equal(c.next_root_pk, a.next_root_pk, 32);
	assert_memory_equal(a.seal, c.seal, 32);
	kith_keys_fini(&a);
	kith_keys_fini(&b);
	kith_keys_fini(&c);
}

static void
a_change_of_roots_that_was_cut_off_is_finished(void **state)
{
	struct kith_keys a, b;
	uint8_t seed[KITH_SEED_BYTES];

	(void)state;
	assert_ok(kith_keys_load(&a, &diag));
	pretend_a_store();
	assert_ok(kith_keyfile_create("next-root.key.new", seed, &diag));
	assert_int_equal(rename("next-root.key", "root.key"), 0);
	assert_ok(kith_keys_load(&b, &diag));
	assert_memory_equal(kith_signer_pk(b.root), a.next_root_pk, 32);
	assert_int_equal(access("next-root.key", F_OK), 0);
	kith_keys_fini(&a);
	kith_keys_fini(&b);
}

static void
keys_are_copied_into_a_place_without_any(void **state)
{
	struct kith_keys k;

	(void)state;
	assert_ok(kith_keys_load(&k, &diag));
	kith_keys_fini(&k);
	assert_int_equal(mkdir("copy", 0700), 0);
	assert_ok(kith_keys_copy(".", "copy", &diag));
	assert_int_equal(kith_keys_copy(".", "copy", &diag), KITH_E_EXISTS);
	assert_int_equal(chdir("copy"), 0);
	pretend_a_store();
	assert_ok(kith_keys_load(&k, &diag));
	assert_non_null(k.root);
	kith_keys_fini(&k);
}

static void
a_state_directory_is_made_closed_and_locked(void **state)
{
	const char *user = "nobody";
	char path[KITH_TEST_PATH];
	struct stat st;

	(void)state;
	kith_test_path(path, dir, "a/b");
	assert_ok(kith_state_enter(path, user, &diag));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(kith_state_enter(path, user, &diag), KITH_E_BUSY);
	assert_non_null(strstr(diag.text, "another kithd"));
	/* one that others may look into is closed */
	kith_test_path(path, dir, "c");
	assert_int_equal(mkdir(path, 0755), 0);
	assert_ok(kith_state_enter(path, user, &diag));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	/* no directory at all */
	kith_test_path(path, dir, "file");
	touch(path);
	assert_int_not_equal(kith_state_enter(path, user, &diag), KITH_OK);
	assert_true(diag.text[0] != '\0');
}

static void
root_is_refused_without_a_user_to_become(void **state)
{
	(void)state;
	if (geteuid() != 0) {
		/* whoever is not root stays who they are, and no other user is looked up */
		assert_int_equal(kith_state_enter(dir, "no-such-user-here", &diag), KITH_OK);
		return;
	}
	assert_int_equal(kith_state_enter(dir, "no-such-user-here", &diag), KITH_E_DENIED);
	assert_non_null(strstr(diag.text, "useradd"));
	assert_int_equal(kith_state_enter(dir, "root", &diag), KITH_E_DENIED);
	/* one of root's directories with something in it is not taken over */
	touch("something");
	assert_int_equal(kith_state_enter(dir, "nobody", &diag), KITH_E_DENIED);
	assert_non_null(strstr(diag.text, "belongs to"));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		T(keys_are_made_once_and_read_again),
		T(beside_a_store_a_missing_key_is_not_made_up),
		T(keys_that_are_wrong_are_refused_in_words),
		T(rotating_renews_two_keys_and_with_the_root_all_but_the_seal),
		T(a_change_of_roots_that_was_cut_off_is_finished),
		T(keys_are_copied_into_a_place_without_any),
		T(a_state_directory_is_made_closed_and_locked),
		T(root_is_refused_without_a_user_to_become),
	};

	return cmocka_run_group_tests_name("daemon/state", tests, NULL, NULL);
}
