#include "tests/unit/tmpdir.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/test.h"

char *
kith_test_dir(char out[KITH_TEST_PATH])
{
	const char *top = getenv("TMPDIR");

	(void)kith_test_path(out, top != NULL && *top != '\0' ? top : "/tmp", "kith-test-XXXXXX");
	if (mkdtemp(out) == NULL)
		fail_msg("cannot make %s", out);
	return out;
}

static int
drop(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void
kith_test_dir_remove(const char *dir)
{
	(void)nftw(dir, drop, 16, FTW_DEPTH | FTW_PHYS);
}

char *
kith_test_path(char out[KITH_TEST_PATH], const char *dir, const char *name)
{
	int n = snprintf(out, KITH_TEST_PATH, "%s/%s", dir, name);

	if (n < 0 || n >= KITH_TEST_PATH)
		fail_msg("%s/%s is too long", dir, name);
	return out;
}
