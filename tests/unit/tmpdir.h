#ifndef KITH_TESTS_UNIT_TMPDIR_H
#define KITH_TESTS_UNIT_TMPDIR_H

#define KITH_TEST_PATH 512

/* A new empty directory below $TMPDIR or /tmp; the test fails when there can be none. Returns out. */
char *kith_test_dir(char out[KITH_TEST_PATH]);
/* Away with it and all that is in it. */
void kith_test_dir_remove(const char *dir);
/* dir/name; returns out. */
char *kith_test_path(char out[KITH_TEST_PATH], const char *dir, const char *name);

#endif
