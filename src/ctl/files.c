#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/b32.h"
#include "ctl/ask.h"
#include "daemon/state.h"
#include "storage/blob.h"
#include "storage/ledger.h"
#include "storage/lmdb.h"
#include "storage/store.h"

/* Commands that work with kithd's files, through kithd where one runs. */

#define SCRUB_AT_ONCE 1000

static int
usage(const char *text)
{
	fprintf(stderr, "usage: kithctl [--state DIR] %s\n", text);
	return 2;
}

/*
 * Into the state directory as its owner, and no kithd beside us: the lock is
 * held until the end. 0, or 1 and why has been printed.
 */
static int
enter(const struct kith_ctl *c)
{
	const char *dir = ctl_state_dir(c);
	struct stat st;
	int fd;

	if (chdir(dir) != 0 || stat(".", &st) != 0)
		return ctl_fail("%s may not be entered: %s", dir, strerror(errno));
	if (geteuid() == 0 && st.st_uid != 0 &&
	    (setgroups(0, NULL) != 0 || setresgid(st.st_gid, st.st_gid, st.st_gid) != 0 || setresuid(st.st_uid, st.st_uid, st.st_uid) != 0))
		return ctl_fail("cannot become the owner of %s: %s", dir, strerror(errno));
	fd = open("lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return ctl_fail("cannot open %s/lock: %s", dir, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		return ctl_fail("a kithd runs on %s, but does not listen to kithctl", dir);
	return 0;
}

static int
open_store(struct kith_store **out)
{
	struct kith_diag d = { .text = "" };

	if (access(KITH_STATE_STORE "/data.mdb", F_OK) != 0)
		return ctl_fail("no node has been here yet: start kithd once");
	if (kith_store_lmdb_open(KITH_STATE_STORE, NULL, &d, out) != KITH_OK)
		return ctl_fail("%s", d.text);
	return 0;
}

/* ---- node-id ---- */

static int
print_stored_id(void)
{
	static const char key[] = "node";
	struct kith_store *s = NULL;
	struct kith_txn *t = NULL;
	struct kith_slice v;
	struct kith_id id;
	char text[KITH_ID_STR];
	int r = open_store(&s), e;

	if (r != 0)
		return r;
	e = kith_store_begin(s, false, &t);
	if (e == KITH_OK)
		e = kith_txn_get(t, KITH_T_META, kith_slice_str(key), &v);
	if (e == KITH_OK && v.n == sizeof(id.b)) {
		memcpy(id.b, v.p, sizeof(id.b));
		puts(kith_id_str(&id, text));
	} else {
		r = ctl_fail("the store does not say whose it is: %s", kith_err_name(e));
	}
	kith_txn_abort(t);
	kith_store_close(s);
	return r;
}

int
kith_ctl_node_id(const struct kith_ctl *c, int argc, char **argv)
{
	const char *word = "status";
	struct ctl_answer a;
	int r;

	(void)argv;
	if (argc != 0)
		return usage("node-id");
	r = ctl_ask(c, &word, 1, NULL, &a);
	if (r == 0 && ctl_str(json_array_get(a.lines, 0), "node")[0] != '\0')
		puts(ctl_str(json_array_get(a.lines, 0), "node"));
	else if (r == 0)
		r = ctl_fail("kithd cannot say just now: its disk is full");
	else if (r == CTL_NOT_RUNNING)
		r = access(ctl_state_dir(c), F_OK) != 0 ? ctl_not_running(c) : enter(c) != 0 ? 1 : print_stored_id();
	ctl_answer_fini(&a);
	return r;
}

/* ---- keys rotate ---- */

int
kith_ctl_keys(const struct kith_ctl *c, int argc, char **argv)
{
	const char *words[] = { "keys", "rotate", "root" };
	struct kith_diag d = { .text = "" };
	struct ctl_answer a;
	int root = argc == 2 && strcmp(argv[1], "--root") == 0, r;

	if (argc < 1 || strcmp(argv[0], "rotate") != 0 || argc != (root ? 2 : 1))
		return usage("keys rotate [--root]");
	r = ctl_ask(c, words, root ? 3 : 2, NULL, &a);
	ctl_answer_fini(&a);
	if (r != CTL_NOT_RUNNING)
		return r;
	if (access(ctl_state_dir(c), F_OK) != 0)
		return ctl_not_running(c);
	if (enter(c) != 0)
		return 1;
	if (kith_keys_rotate(root, &d) != KITH_OK)
		return ctl_fail("%s", d.text);
	if (isatty(STDERR_FILENO))
		fputs("New keys lie there; kithd tells the others when it starts.\n", stderr);
	return 0;
}

/* ---- backup ---- */

static char *
absolute(const char *path)
{
	char *cwd, *out;

	if (path[0] == '/')
		return strdup(path);
	cwd = getcwd(NULL, 0);
	if (cwd == NULL || asprintf(&out, "%s/%s", cwd, path) < 0)
		out = NULL;
	free(cwd);
	return out;
}

/* Made for whoever will write into it: the owner of the state directory. */
static int
make_target(const char *dir, const char *state)
{
	struct stat st;

	if (mkdir(dir, 0700) != 0)
		return errno == EEXIST ? 0 : ctl_fail("cannot make %s: %s", dir, strerror(errno));
	if (geteuid() == 0 && stat(state, &st) == 0 && chown(dir, st.st_uid, st.st_gid) != 0)
		return ctl_fail("cannot give %s to the owner of %s: %s", dir, state, strerror(errno));
	return 0;
}

/* Files lie beside the store, in a backup too; one from before there were any has none. */
static int
copy_files(const char *from, const char *to)
{
	struct kith_diag d = { .text = "" };
	struct kith_blobs *b = NULL;
	char source[4200], target[4200];
	int r = 0;

	snprintf(source, sizeof(source), "%s/%s", from, KITH_STATE_BLOBS);
	snprintf(target, sizeof(target), "%s/%s", to, KITH_STATE_BLOBS);
	if (access(source, F_OK) != 0)
		return 0;
	if (kith_blobs_open(source, &b, &d) != KITH_OK || kith_blobs_copy(b, target, &d) != KITH_OK)
		r = ctl_fail("%s", d.text[0] != '\0' ? d.text : "out of memory");
	kith_blobs_close(b);
	return r;
}

static int
backup_here(const char *dir)
{
	struct kith_diag d = { .text = "" };
	struct kith_store *s = NULL;
	char path[4200];
	int r = open_store(&s);

	if (r != 0)
		return r;
	snprintf(path, sizeof(path), "%s/data.mdb", dir);
	if (kith_keys_copy(".", dir, &d) != KITH_OK || kith_store_lmdb_backup(s, path, &d) != KITH_OK)
		r = ctl_fail("%s", d.text);
	kith_store_close(s);
	return r == 0 ? copy_files(".", dir) : r;
}

int
kith_ctl_backup(const struct kith_ctl *c, int argc, char **argv)
{
	const char *words[] = { "backup", NULL };
	struct ctl_answer a;
	char *dir;
	int r;

	if (argc != 1)
		return usage("backup DIR");
	dir = absolute(argv[0]);
	if (dir == NULL)
		return ctl_fail("out of memory");
	words[1] = dir;
	r = make_target(dir, ctl_state_dir(c));
	if (r == 0) {
		r = ctl_ask(c, words, 2, NULL, &a);
		ctl_answer_fini(&a);
	}
	if (r == CTL_NOT_RUNNING)
		r = access(ctl_state_dir(c), F_OK) != 0 ? ctl_not_running(c) : enter(c) != 0 ? 1 : backup_here(dir);
	if (r == 0)
		puts(dir);
	free(dir);
	return r;
}

/* ---- restore ---- */

static bool
is_empty(const char *dir)
{
	DIR *dp = opendir(dir);
	struct dirent *e;
	bool empty = dp != NULL;

	while (empty && (e = readdir(dp)) != NULL)
		empty = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;
	if (dp != NULL)
		closedir(dp);
	return empty;
}

static int
copy_big(const char *from, const char *to)
{
	static char buf[1 << 16];
	int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), r = 0;
	ssize_t n = 0;

	if (in < 0 || out < 0) {
		r = ctl_fail("cannot %s %s: %s", in < 0 ? "read" : "make", in < 0 ? from : to, strerror(errno));
		goto done;
	}
	while (r == 0 && (n = read(in, buf, sizeof(buf))) > 0) {
		if (write(out, buf, (size_t)n) != n)
			r = ctl_fail("cannot write %s: %s", to, strerror(errno));
	}
	if (r == 0 && (n < 0 || fsync(out) != 0))
		r = ctl_fail("cannot copy %s: %s", from, strerror(errno));
done:
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	return r;
}

/* Every record is hashed again before anybody relies on it. */
static int
scrub(struct kith_store *s)
{
	uint64_t pos = 0, bad[1];
	size_t n_bad = 0;
	int e = KITH_OK;

	while (e == KITH_OK && n_bad == 0) {
		struct kith_txn *t = NULL;

		e = kith_store_begin(s, false, &t);
		if (e == KITH_OK)
			e = kith_ledger_scrub(t, &pos, SCRUB_AT_ONCE, bad, 1, &n_bad);
		kith_txn_abort(t);
	}
	if (n_bad > 0)
		return ctl_fail("record %llu of the backup is damaged", (unsigned long long)bad[0]);
	return e == KITH_E_NOTFOUND ? 0 : ctl_fail("the backup cannot be read: %s", kith_err_name(e));
}

static int
verify_copy(const char *state)
{
	struct kith_diag d = { .text = "" };
	struct kith_store *s = NULL;
	char path[4200];
	int r;

	snprintf(path, sizeof(path), "%s/%s", state, KITH_STATE_STORE);
	if (kith_store_lmdb_open(path, NULL, &d, &s) != KITH_OK)
		return ctl_fail("%s", d.text);
	r = scrub(s);
	kith_store_close(s);
	return r;
}

static int
give_folder(const char *path, uid_t uid, gid_t gid)
{
	DIR *dp = opendir(path);
	struct dirent *e;
	int r = 0;

	if (dp == NULL)
		return errno == ENOENT ? 0 : ctl_fail("cannot open %s: %s", path, strerror(errno));
	while (r == 0 && (e = readdir(dp)) != NULL) {
		if (strcmp(e->d_name, "..") != 0 && fchownat(dirfd(dp), e->d_name, uid, gid, AT_SYMLINK_NOFOLLOW) != 0)
			r = ctl_fail("cannot give %s/%s to its user: %s", path, e->d_name, strerror(errno));
	}
	closedir(dp);
	return r;
}

/* To the user that kithd will be: the directory's owner or, in one that root made just now, kith. */
static int
give_away(const char *state, uid_t uid, gid_t gid)
{
	static const char *const names[] = { "", "root.key", "next-root.key", "sign.key", "cert.key", "seal.key", KITH_STATE_STORE,
		KITH_STATE_STORE "/data.mdb", KITH_STATE_STORE "/lock.mdb", KITH_STATE_STORE "/ballast" };
	char path[4200];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", state, names[i]);
		if (lchown(path, uid, gid) != 0 && errno != ENOENT)
			return ctl_fail("cannot give %s to its user: %s", path, strerror(errno));
	}
	snprintf(path, sizeof(path), "%s/%s", state, KITH_STATE_BLOBS);
	return give_folder(path, uid, gid);
}

static int
restore_into(const char *state, const char *from)
{
	struct kith_diag d = { .text = "" };
	char store[4200], source[4200], target[4300];
	int r;

	snprintf(store, sizeof(store), "%s/%s", state, KITH_STATE_STORE);
	snprintf(source, sizeof(source), "%s/data.mdb", from);
	snprintf(target, sizeof(target), "%s/data.mdb", store);
	if (kith_keys_copy(from, state, &d) != KITH_OK)
		return ctl_fail("%s", d.text);
	if (mkdir(store, 0700) != 0)
		return ctl_fail("cannot make %s: %s", store, strerror(errno));
	r = copy_big(source, target);
	if (r == 0)
		r = copy_files(from, state);
	return r == 0 ? verify_copy(state) : r;
}

int
kith_ctl_restore(const struct kith_ctl *c, int argc, char **argv)
{
	const char *state = ctl_state_dir(c);
	struct passwd *pw = NULL;
	struct stat st;
	bool made;
	int r;

	if (argc != 1)
		return usage("restore DIR");
	if (stat(argv[0], &st) != 0 || !S_ISDIR(st.st_mode))
		return ctl_fail("%s is no backup: kithctl backup makes a directory", argv[0]);
	made = mkdir(state, 0700) == 0;
	if (!made && errno != EEXIST)
		return ctl_fail("cannot make %s: %s", state, strerror(errno));
	if (!made && !is_empty(state))
		return ctl_fail("%s is not empty: a backup is restored into a new state directory only", state);
	if (stat(state, &st) != 0)
		return ctl_fail("%s may not be entered: %s", state, strerror(errno));
	if (geteuid() == 0 && st.st_uid == 0)
		pw = getpwnam("kith");
	r = restore_into(state, argv[0]);
	if (r == 0 && geteuid() == 0)
		r = give_away(state, pw != NULL ? pw->pw_uid : st.st_uid, pw != NULL ? pw->pw_gid : st.st_gid);
	if (r != 0)
		return ctl_fail("nothing has been restored: empty %s before you try again", state);
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "Restored and verified. Never start it beside the node that it was copied from.\n");
	puts(state);
	return 0;
}
