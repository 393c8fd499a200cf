#include "crypto/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

void
kith_random_bytes(void *p, size_t n)
{
	uint8_t *at = p;
	ssize_t r;

	while (n > 0) {
		r = getrandom(at, n < 256 ? n : 256, 0);
		if (r < 0 && errno == EINTR)
			continue;
		kith_assert(r > 0);
		at += r;
		n -= (size_t)r;
	}
}

static int
code_of(int err)
{
	switch (err) {
	case ENOENT: return KITH_E_NOTFOUND;
	case EEXIST: return KITH_E_EXISTS;
	case ENOMEM: return KITH_E_NOMEM;
	case ENOSPC:
	case EDQUOT: return KITH_E_FULL;
	case ELOOP:
	case EACCES:
	case EPERM:
	case EROFS: return KITH_E_DENIED;
	default: return KITH_E_IO;
	}
}

static int
failed(struct kith_diag *d, const char *path, const char *what)
{
	int err = errno;

	if (err == ELOOP)
		kith_diag_set(d, "%s is a symbolic link; put the file itself there", path);
	else
		kith_diag_set(d, "cannot %s %s: %s", what, path, strerror(err));
	return code_of(err);
}

static bool
all_zero(const uint8_t *p, size_t n)
{
	uint8_t any = 0;

	while (n > 0)
		any |= p[--n];
	return any == 0;
}

/* Up to cap bytes, to the end of the file. -1: errno says why. */
static ssize_t
read_all(int fd, uint8_t *p, size_t cap)
{
	size_t n = 0;
	ssize_t r;

	while (n < cap) {
		r = read(fd, p + n, cap - n);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -1;
		if (r == 0)
			break;
		n += (size_t)r;
	}
	return (ssize_t)n;
}

int
kith_keyfile_read(const char *path, uint8_t seed[KITH_SEED_BYTES], struct kith_diag *d)
{
	uint8_t bytes[KITH_SEED_BYTES + 1];
	struct stat st;
	int fd, r = KITH_E_DENIED;
	ssize_t n;

	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return failed(d, path, "open the key file");
	if (fstat(fd, &st) != 0) {
		r = failed(d, path, "look at the key file");
	} else if (!S_ISREG(st.st_mode)) {
		kith_diag_set(d, "the key file %s is not an ordinary file", path);
	} else if ((st.st_mode & 077) != 0) {
		kith_diag_set(d, "others than its owner may use the key file %s (mode %03o); run: chmod 600 %s", path,
		    (unsigned)st.st_mode & 0777, path);
	} else if (st.st_uid != geteuid() && st.st_uid != 0) {
		kith_diag_set(d, "the key file %s belongs to user %u, not to the one who runs this (%u)", path,
		    (unsigned)st.st_uid, (unsigned)geteuid());
	} else if ((n = read_all(fd, bytes, sizeof(bytes))) < 0) {
		r = failed(d, path, "read the key file");
	} else if (n != KITH_SEED_BYTES) {
		kith_diag_set(d, "the key file %s is not %d bytes long; restore it from a backup", path, KITH_SEED_BYTES);
		r = KITH_E_CORRUPT;
	} else if (all_zero(bytes, KITH_SEED_BYTES)) {
		kith_diag_set(d, "the key file %s holds nothing but zeros; restore it from a backup", path);
		r = KITH_E_CORRUPT;
	} else {
		memcpy(seed, bytes, KITH_SEED_BYTES);
		r = KITH_OK;
	}
	close(fd);
	kith_wipe(bytes, sizeof(bytes));
	return r;
}

static int
write_all(int fd, const uint8_t *p, size_t n)
{
	ssize_t r;

	while (n > 0) {
		r = write(fd, p, n);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -1;
		p += r;
		n -= (size_t)r;
	}
	return fsync(fd);
}

static int
sync_folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX];
	int fd, r, err;

	if (slash == NULL)
		(void)snprintf(dir, sizeof(dir), ".");
	else
		(void)snprintf(dir, sizeof(dir), "%.*s", slash == path ? 1 : (int)(slash - path), path);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	r = fsync(fd);
	err = errno;
	close(fd);
	errno = err;
	return r;
}

/*
 * Whole or not at all: the bytes are synced under another name, which then
 * gets the real one only if nothing has it. A leftover of a crash is replaced.
 */
int
kith_keyfile_write(const char *path, struct kith_slice bytes, struct kith_diag *d)
{
	char temp[PATH_MAX];
	int fd, r = KITH_OK;

	if ((size_t)snprintf(temp, sizeof(temp), "%s.new", path) >= sizeof(temp)) {
		kith_diag_set(d, "the path of the key file is too long");
		return KITH_E_LIMIT;
	}
	(void)unlink(temp);
	fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return failed(d, path, "create");
	if (write_all(fd, bytes.p, bytes.n) != 0)
		r = failed(d, path, "write");
	close(fd);
	if (r == KITH_OK && link(temp, path) != 0)
		r = failed(d, path, "create");
	(void)unlink(temp);
	if (r == KITH_OK && sync_folder_of(path) != 0)
		r = failed(d, path, "sync the folder of");
	return r;
}

int
kith_keyfile_create(const char *path, uint8_t seed[KITH_SEED_BYTES], struct kith_diag *d)
{
	uint8_t fresh[KITH_SEED_BYTES];
	int r;

	kith_random_bytes(fresh, sizeof(fresh));
	r = kith_keyfile_write(path, kith_slice_of(fresh, sizeof(fresh)), d);
	if (r == KITH_OK)
		memcpy(seed, fresh, sizeof(fresh));
	kith_wipe(fresh, sizeof(fresh));
	return r;
}

int
kith_keyfile_load(const char *path, uint8_t seed[KITH_SEED_BYTES], bool *created, struct kith_diag *d)
{
	int r = kith_keyfile_read(path, seed, d);
	bool made = r == KITH_E_NOTFOUND;

	if (made)
		r = kith_keyfile_create(path, seed, d);
	if (r == KITH_OK && created != NULL)
		*created = made;
	return r;
}
