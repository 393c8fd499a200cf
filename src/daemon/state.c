#include "daemon/state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/keyfile.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define KITH_SANITIZED 1
#endif
#endif

/* ---- the directory ---- */

static int
sync_dir(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r, err;

	if (fd < 0)
		return -1;
	r = fsync(fd);
	err = errno;
	close(fd);
	errno = err;
	return r;
}

/* Makes the name of a folder durable, if we may: else whose the one above is has made it for us. */
static int
sync_above(const char *path)
{
	char above[4096];

	if ((size_t)snprintf(above, sizeof(above), "%s/..", path) >= sizeof(above)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return sync_dir(above) == 0 || errno == EACCES || errno == EPERM ? 0 : -1;
}

static int
make_dirs(const char *dir, struct kith_diag *d)
{
	char path[4096];
	size_t n = strlen(dir);

	if (n == 0 || n >= sizeof(path)) {
		kith_diag_set(d, "that is no path for a state directory");
		return KITH_E_IO;
	}
	memcpy(path, dir, n + 1);
	while (n > 1 && path[n - 1] == '/')
		path[--n] = '\0';
	for (char *p = path + 1; *p != '\0'; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(path, 0755) == 0 ? sync_above(path) != 0 : errno != EEXIST && errno != EROFS && errno != EACCES)
			break;
		*p = '/';
	}
	/* the last one's name is synced at each start: the first may have been cut off before it was */
	if ((mkdir(path, 0700) != 0 && errno != EEXIST) || sync_above(path) != 0) {
		kith_diag_set(d, "cannot make the state directory %s: %s", path, strerror(errno));
		return errno == ENOSPC ? KITH_E_FULL : KITH_E_IO;
	}
	return KITH_OK;
}

static bool
is_empty(int fd)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dp = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *e;
	bool empty = dp != NULL;

	while (empty && (e = readdir(dp)) != NULL)
		empty = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;
	if (dp != NULL)
		closedir(dp);
	else if (copy >= 0)
		close(copy);
	return empty;
}

static int
look_up(const char *user, struct passwd **out, struct kith_diag *d)
{
	struct passwd *pw = getpwnam(user);

	if (pw == NULL) {
		kith_diag_set(d, "kithd does not run as root, and there is no user \"%s\" to become: make one "
		    "(useradd --system --user-group %s) or name another with --user", user, user);
		return KITH_E_DENIED;
	}
	if (pw->pw_uid == 0) {
		kith_diag_set(d, "kithd does not run as root: name another user with --user");
		return KITH_E_DENIED;
	}
	*out = pw;
	return KITH_OK;
}

int
kith_state_become(const char *user, struct kith_diag *d)
{
	struct passwd *pw = NULL;

	if (geteuid() == 0) {
		int r = look_up(user, &pw, d);

		if (r != KITH_OK)
			return r;
		if (setgroups(0, NULL) != 0 || setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) != 0 ||
		    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) != 0 || setuid(0) == 0) {
			kith_diag_set(d, "cannot become user %s: %s", user, strerror(errno));
			return KITH_E_DENIED;
		}
	}
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(KITH_SANITIZED)
	/* secrets: not to be traced, not in core files (the leak checker traces us) */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return KITH_OK;
}

/* For as long as the process lives: the descriptor is kept. */
static int
lock(const char *dir, const struct passwd *owner, struct kith_diag *d)
{
	char text[24] = "";
	int fd = open("lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600), n;

	if (fd < 0) {
		kith_diag_set(d, "cannot open %s/lock: %s", dir, strerror(errno));
		return errno == ENOSPC ? KITH_E_FULL : errno == EACCES ? KITH_E_DENIED : KITH_E_IO;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		ssize_t got = read(fd, text, sizeof(text) - 1);

		text[strspn(text, "0123456789")] = '\0';
		kith_diag_set(d, "another kithd%s%s%s runs on %s: stop it first, or give this one a state directory of its own",
		    got > 0 && text[0] != '\0' ? " (process " : "", text, got > 0 && text[0] != '\0' ? ")" : "", dir);
		close(fd);
		return KITH_E_BUSY;
	}
	n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	/* only for people to read: a full disk is told later and better */
	if ((owner != NULL && fchown(fd, owner->pw_uid, owner->pw_gid) != 0) || ftruncate(fd, 0) != 0 || write(fd, text, (size_t)n) != n)
		return KITH_OK;
	return KITH_OK;
}

int
kith_state_enter(const char *dir, const char *user, struct kith_diag *d)
{
	struct passwd *pw = NULL;
	struct stat st;
	uid_t owner = geteuid();
	int fd = -1, r = KITH_OK;

	if (owner == 0) {
		r = look_up(user, &pw, d);
		if (r != KITH_OK)
			return r;
		owner = pw->pw_uid;
	}
	r = make_dirs(dir, d);
	if (r != KITH_OK)
		return r;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0) {
		kith_diag_set(d, "cannot open the state directory %s: %s", dir, strerror(errno));
		r = KITH_E_IO;
		goto done;
	}
	if (pw != NULL && st.st_uid == 0 && is_empty(fd)) {
		if (fchown(fd, pw->pw_uid, pw->pw_gid) != 0 || fstat(fd, &st) != 0) {
			kith_diag_set(d, "cannot give the state directory %s to %s: %s", dir, user, strerror(errno));
			r = KITH_E_IO;
			goto done;
		}
	}
	if (st.st_uid != owner) {
		struct passwd *have = getpwuid(st.st_uid);

		kith_diag_set(d, "the state directory %s belongs to user %s, not to the one that kithd runs as: "
		    "chown -R it, or run kithd as its owner", dir, have != NULL ? have->pw_name : "(unknown)");
		r = KITH_E_DENIED;
		goto done;
	}
	if ((st.st_mode & 077) != 0 && fchmod(fd, 0700) != 0) {
		kith_diag_set(d, "others may look into the state directory %s, and that cannot be changed: %s", dir, strerror(errno));
		r = KITH_E_DENIED;
		goto done;
	}
	/* from here on by relative paths: a user who may not pass the directories above can be served too */
	if (fchdir(fd) != 0) {
		kith_diag_set(d, "cannot go to the state directory %s: %s", dir, strerror(errno));
		r = KITH_E_IO;
		goto done;
	}
	r = lock(dir, pw, d);
done:
	if (fd >= 0)
		close(fd);
	return r;
}

/* ---- the keys ---- */

enum { K_ROOT, K_NEXT, K_SIGN, K_CERT, K_SEAL, K_COUNT };

static const char *const files[K_COUNT] = { "root.key", "next-root.key", "sign.key", "cert.key", "seal.key" };
static const char next_fresh[] = "next-root.key.new";

static int
pk_of(const uint8_t seed[KITH_SEED_BYTES], uint8_t pk[KITH_PK_BYTES])
{
	struct kith_signer *s = NULL;
	int r = kith_signer_from_seed(seed, &s);

	if (r == KITH_OK)
		memcpy(pk, kith_signer_pk(s), KITH_PK_BYTES);
	kith_signer_free(s);
	return r;
}

int
kith_keys_load(struct kith_keys *k, struct kith_diag *d)
{
	uint8_t seed[K_COUNT][KITH_SEED_BYTES];
	bool have[K_COUNT] = { false };
	bool store = access(KITH_STATE_STORE "/data.mdb", F_OK) == 0;
	int r = KITH_OK;

	memset(k, 0, sizeof(*k));
	memset(seed, 0, sizeof(seed));
	/* a change of roots that was cut off between its two names; without a store it is a first start's, and may be half a key */
	if (store && access(files[K_NEXT], F_OK) != 0 && access(next_fresh, F_OK) == 0 && rename(next_fresh, files[K_NEXT]) != 0) {
		kith_diag_set(d, "cannot rename %s: %s", next_fresh, strerror(errno));
		return KITH_E_IO;
	}
	for (int i = 0; r == KITH_OK && i < K_COUNT; i++) {
		if (!store) {
			r = kith_keyfile_load(files[i], seed[i], NULL, d);
			have[i] = r == KITH_OK;
			continue;
		}
		r = kith_keyfile_read(files[i], seed[i], d);
		have[i] = r == KITH_OK;
		if (r == KITH_E_NOTFOUND && (i == K_ROOT || i == K_NEXT))
			r = KITH_OK;
		else if (r == KITH_E_NOTFOUND)
			kith_diag_set(d, "%s is missing, but there is a store that goes with it: bring it back from a backup", files[i]);
	}
	for (int i = 0; r == KITH_OK && i < K_COUNT; i++) {
		for (int j = 0; j < i; j++) {
			if (have[i] && have[j] && kith_secret_eq(kith_slice_of(seed[i], KITH_SEED_BYTES), kith_slice_of(seed[j], KITH_SEED_BYTES))) {
				kith_diag_set(d, "%s and %s hold the same key: one of them is not what it should be", files[j], files[i]);
				r = KITH_E_CORRUPT;
			}
		}
	}
	if (r == KITH_OK && have[K_ROOT] && have[K_NEXT])
		r = kith_signer_from_seed(seed[K_ROOT], &k->root);
	if (r == KITH_OK && have[K_NEXT])
		r = pk_of(seed[K_NEXT], k->next_root_pk);
	if (r == KITH_OK)
		r = kith_signer_from_seed(seed[K_SIGN], &k->sign);
	if (r == KITH_OK)
		r = pk_of(seed[K_CERT], k->cert_pk);
	if (r == KITH_OK) {
		memcpy(k->cert_seed, seed[K_CERT], KITH_SEED_BYTES);
		memcpy(k->seal, seed[K_SEAL], KITH_SEED_BYTES);
	} else {
		if (r == KITH_E_NOMEM)
			kith_diag_set(d, "out of memory, or not enough of it may be locked");
		kith_keys_fini(k);
	}
	kith_wipe(seed, sizeof(seed));
	return r;
}

void
kith_keys_fini(struct kith_keys *k)
{
	kith_signer_free(k->root);
	kith_signer_free(k->sign);
	kith_wipe(k, sizeof(*k));
}

static int
create_fresh(const char *fresh, struct kith_diag *d)
{
	uint8_t seed[KITH_SEED_BYTES];
	int r;

	if (unlink(fresh) != 0 && errno != ENOENT) {
		kith_diag_set(d, "cannot remove %s: %s", fresh, strerror(errno));
		return KITH_E_IO;
	}
	r = kith_keyfile_create(fresh, seed, d);
	kith_wipe(seed, sizeof(seed));
	return r;
}

static int
move_file(const char *from, const char *to, struct kith_diag *d)
{
	if (rename(from, to) == 0 && sync_dir(".") == 0)
		return KITH_OK;
	kith_diag_set(d, "cannot rename %s to %s: %s", from, to, strerror(errno));
	return KITH_E_IO;
}

/* A new key under a name of its own, then in place of the old. */
static int
renew(const char *file, struct kith_diag *d)
{
	char fresh[64];
	int r;

	snprintf(fresh, sizeof(fresh), "%s.new", file);
	r = create_fresh(fresh, d);
	return r == KITH_OK ? move_file(fresh, file, d) : r;
}

int
kith_keys_rotate(bool root, struct kith_diag *d)
{
	int r;

	if (access(files[K_ROOT], F_OK) != 0 || access(files[K_NEXT], F_OK) != 0) {
		kith_diag_set(d, "%s and %s are not in the state directory: put them there while the keys change", files[K_ROOT], files[K_NEXT]);
		return KITH_E_NOTFOUND;
	}
	if (root) {
		/* the next root must never be lost: its successor is there before it moves */
		r = create_fresh(next_fresh, d);
		if (r == KITH_OK)
			r = move_file(files[K_NEXT], files[K_ROOT], d);
		if (r == KITH_OK)
			r = move_file(next_fresh, files[K_NEXT], d);
		if (r != KITH_OK)
			return r;
	}
	r = renew(files[K_SIGN], d);
	return r == KITH_OK ? renew(files[K_CERT], d) : r;
}

static int
copy_file(int from, int to, const char *name, struct kith_diag *d)
{
	uint8_t buf[4096];
	struct stat st;
	ssize_t n = -1;
	int in = openat(from, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), out = -1, r = KITH_E_IO;

	if (in < 0 && errno == ENOENT)
		return KITH_E_NOTFOUND;
	if (in < 0 || fstat(in, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > (off_t)sizeof(buf))
		goto done;
	n = read(in, buf, sizeof(buf));
	out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (out < 0 && errno == EEXIST) {
		kith_diag_set(d, "there is a %s already", name);
		r = KITH_E_EXISTS;
		goto done;
	}
	if (n >= 0 && out >= 0 && write(out, buf, (size_t)n) == n && fsync(out) == 0)
		r = KITH_OK;
done:
	if (r == KITH_E_IO)
		kith_diag_set(d, "cannot copy %s: %s", name, strerror(errno));
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	kith_wipe(buf, sizeof(buf));
	return r;
}

int
kith_keys_copy(const char *from, const char *to, struct kith_diag *d)
{
	int a = open(from, O_RDONLY | O_DIRECTORY | O_CLOEXEC), b = open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = KITH_OK;

	if (a < 0 || b < 0) {
		kith_diag_set(d, "cannot open %s: %s", a < 0 ? from : to, strerror(errno));
		r = KITH_E_IO;
	}
	for (int i = 0; r == KITH_OK && i < K_COUNT; i++) {
		r = copy_file(a, b, files[i], d);
		if (r == KITH_E_NOTFOUND && (i == K_ROOT || i == K_NEXT))
			r = KITH_OK;
		else if (r == KITH_E_NOTFOUND)
			kith_diag_set(d, "%s is not in %s", files[i], from);
	}
	if (r == KITH_OK && fsync(b) != 0) {
		kith_diag_set(d, "cannot sync %s: %s", to, strerror(errno));
		r = KITH_E_IO;
	}
	if (a >= 0)
		close(a);
	if (b >= 0)
		close(b);
	return r;
}
