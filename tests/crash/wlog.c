/* The fortified headers make some of what is defined here inline. */
#undef _FORTIFY_SOURCE
#define _FORTIFY_SOURCE 0

#include "tests/crash/wlog.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define FDS 4096

struct known { dev_t dev; ino_t ino; unsigned file; bool dir; };
struct open_file { bool used, through, append; unsigned file; };

static struct {
	bool on;
	enum wlog_plant plant;
	struct wlog_op *op;
	size_t n, room;
	struct known *known;
	size_t n_known;
	unsigned files;
	struct open_file fd[FDS];
} w;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void
must(bool ok)
{
	if (!ok)
		abort();
}

#define REAL(name) \
	static __typeof__(&name) real; \
	if (real == NULL) \
		*(void **)&real = dlsym(RTLD_NEXT, #name)

/* ---- what is known ---- */

static struct known *
find(const struct stat *st)
{
	size_t i = w.n_known;

	while (i-- > 0)                 /* numbers of files that are gone are used again: the newest counts */
		if (w.known[i].dev == st->st_dev && w.known[i].ino == st->st_ino)
			return &w.known[i];
	return NULL;
}

static unsigned
learn(const struct stat *st)
{
	must((w.known = realloc(w.known, (w.n_known + 1) * sizeof(*w.known))) != NULL);
	w.known[w.n_known++] = (struct known){ st->st_dev, st->st_ino, w.files, S_ISDIR(st->st_mode) };
	return w.files++;
}

static struct wlog_op *
add(enum wlog_kind kind)
{
	if (w.n == w.room) {
		w.room = w.room * 2 + 64;
		must((w.op = realloc(w.op, w.room * sizeof(*w.op))) != NULL);
	}
	w.op[w.n] = (struct wlog_op){ .kind = kind };
	return &w.op[w.n++];
}

/* The directory a path names something in, and the name. */
static bool
place(int at, const char *path, unsigned *dir, const char **name)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX];
	struct stat st;
	struct known *k;

	(void)snprintf(folder, sizeof(folder), "%.*s", slash == NULL ? 1 : slash == path ? 1 : (int)(slash - path), slash == NULL ? "." : path);
	if (fstatat(at, folder, &st, 0) != 0 || (k = find(&st)) == NULL || !k->dir)
		return false;
	*dir = k->file;
	*name = slash == NULL ? path : slash + 1;
	return true;
}

static void
note_name(int at, const char *path)
{
	const char *name;
	struct wlog_op *o;
	struct known *k;
	struct stat st;
	unsigned dir;

	if (!place(at, path, &dir, &name) || fstatat(at, path, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return;
	k = st.st_nlink > 1 && !S_ISDIR(st.st_mode) ? find(&st) : NULL;
	o = add(WLOG_NAME);
	o->file = k != NULL ? k->file : learn(&st);
	o->is_dir = S_ISDIR(st.st_mode);
	o->dir = dir;
	must((o->name = strdup(name)) != NULL);
}

/* ---- from outside ---- */

void
wlog_begin(const char *dir)
{
	struct stat st;

	wlog_free();
	must(stat(dir, &st) == 0 && S_ISDIR(st.st_mode));
	(void)learn(&st);
	w.on = true;
}

void
wlog_end(void)
{
	w.on = false;
}

size_t wlog_count(void) { return w.n; }
const struct wlog_op *wlog_op(size_t i) { return &w.op[i]; }
unsigned wlog_files(void) { return w.files; }
void wlog_plant(enum wlog_plant p) { w.plant = p; }

void
wlog_free(void)
{
	for (size_t i = 0; i < w.n; i++) {
		free(w.op[i].name);
		free(w.op[i].name2);
		free(w.op[i].bytes);
	}
	free(w.op);
	free(w.known);
	w.op = NULL;
	w.known = NULL;
	w.n = w.room = w.n_known = w.files = 0;
	memset(w.fd, 0, sizeof(w.fd));
	w.on = false;
}

void
wlog_print(FILE *to)
{
	static const char *const what[] = { "write", "resize", "sync", "name", "unname", "move" };

	for (size_t i = 0; i < w.n; i++) {
		const struct wlog_op *o = &w.op[i];

		(void)fprintf(to, "# %zu %s%s file %u at %llu +%zu in %u: %s%s%s\n", i, what[o->kind], o->through ? " through" : "", o->file,
		    (unsigned long long)o->at, o->n, o->dir, o->name != NULL ? o->name : "", o->name2 != NULL ? " to " : "",
		    o->name2 != NULL ? o->name2 : "");
	}
}

/* ---- descriptors ---- */

static int
opened(int fd, int at, const char *path, int flags, bool was_there)
{
	struct known *k;
	struct stat st;

	if (fd < 0 || fd >= FDS)
		return fd;
	(void)pthread_mutex_lock(&lock);
	w.fd[fd].used = false;
	if (w.on && fstat(fd, &st) == 0) {
		if (!was_there)
			note_name(at, path);
		k = find(&st);
		if (k != NULL) {
			w.fd[fd] = (struct open_file){ true, (flags & (O_DSYNC | O_SYNC)) != 0, (flags & O_APPEND) != 0, k->file };
			if (was_there && (flags & O_TRUNC) != 0)
				add(WLOG_RESIZE)->file = k->file;
		}
	}
	(void)pthread_mutex_unlock(&lock);
	return fd;
}

static int
open_at(int at, const char *path, int flags, mode_t mode)
{
	REAL(openat);
	struct stat st;
	bool there = (flags & O_CREAT) == 0 || fstatat(at, path, &st, AT_SYMLINK_NOFOLLOW) == 0;

	/* what is noted as synced need not be: the program itself does not lose power */
	return opened(real(at, path, flags & ~(O_DSYNC | (O_SYNC & ~O_DSYNC)), mode), at, path, flags, there);
}

#define MODE_OF(flags, last) \
	mode_t mode = 0; \
	if (((flags) & (O_CREAT | O_TMPFILE)) != 0) { \
		va_list ap; \
		va_start(ap, last); \
		mode = va_arg(ap, mode_t); \
		va_end(ap); \
	}

int
open(const char *path, int flags, ...)
{
	MODE_OF(flags, flags)
	return open_at(AT_FDCWD, path, flags, mode);
}

int
openat(int at, const char *path, int flags, ...)
{
	MODE_OF(flags, flags)
	return open_at(at, path, flags, mode);
}

int
close(int fd)
{
	REAL(close);

	if (fd >= 0 && fd < FDS)
		w.fd[fd].used = false;
	return real(fd);
}

static bool
tracked(int fd)
{
	return w.on && fd >= 0 && fd < FDS && w.fd[fd].used;
}

/* After the fact: n bytes of these went to the file at `at`. */
static void
wrote(int fd, const struct iovec *v, int n_v, off_t at, ssize_t n)
{
	struct wlog_op *o;
	size_t done = 0;

	if (n <= 0 || !tracked(fd))
		return;
	(void)pthread_mutex_lock(&lock);
	o = add(WLOG_WRITE);
	o->file = w.fd[fd].file;
	o->at = (uint64_t)at;
	o->n = (size_t)n;
	o->through = w.fd[fd].through && w.plant != WLOG_NO_THROUGH && w.plant != WLOG_NO_SYNC;
	must((o->bytes = malloc(o->n)) != NULL);
	for (int i = 0; i < n_v && done < o->n; i++) {
		size_t take = v[i].iov_len < o->n - done ? v[i].iov_len : o->n - done;

		memcpy(o->bytes + done, v[i].iov_base, take);
		done += take;
	}
	(void)pthread_mutex_unlock(&lock);
}

static off_t
position(int fd)
{
	return tracked(fd) ? lseek(fd, 0, w.fd[fd].append ? SEEK_END : SEEK_CUR) : 0;
}

ssize_t
write(int fd, const void *p, size_t n)
{
	REAL(write);
	struct iovec v = { (void *)(uintptr_t)p, n };
	off_t at = position(fd);
	ssize_t r = real(fd, p, n);

	wrote(fd, &v, 1, at, r);
	return r;
}

ssize_t
pwrite(int fd, const void *p, size_t n, off_t at)
{
	REAL(pwrite);
	struct iovec v = { (void *)(uintptr_t)p, n };
	ssize_t r = real(fd, p, n, at);

	wrote(fd, &v, 1, at, r);
	return r;
}

ssize_t
writev(int fd, const struct iovec *v, int n_v)
{
	REAL(writev);
	off_t at = position(fd);
	ssize_t r = real(fd, v, n_v);

	wrote(fd, v, n_v, at, r);
	return r;
}

ssize_t
pwritev(int fd, const struct iovec *v, int n_v, off_t at)
{
	REAL(pwritev);
	ssize_t r = real(fd, v, n_v, at);

	wrote(fd, v, n_v, at, r);
	return r;
}

static void
resized(int fd, off_t to)
{
	struct wlog_op *o;

	if (!tracked(fd))
		return;
	(void)pthread_mutex_lock(&lock);
	o = add(WLOG_RESIZE);
	o->file = w.fd[fd].file;
	o->at = (uint64_t)to;
	(void)pthread_mutex_unlock(&lock);
}

int
ftruncate(int fd, off_t to)
{
	REAL(ftruncate);
	int r = real(fd, to);

	if (r == 0)
		resized(fd, to);
	return r;
}

int
posix_fallocate(int fd, off_t at, off_t n)
{
	REAL(posix_fallocate);
	struct stat st;

	if (!tracked(fd))
		return real(fd, at, n);
	/* as long, but with holes: thousands of these are made */
	must(fstat(fd, &st) == 0);
	return at + n <= st.st_size || ftruncate(fd, at + n) == 0 ? 0 : ENOSPC;
}

static int
synced(int fd)
{
	struct stat st;

	if (!tracked(fd) || w.plant == WLOG_NO_SYNC)
		return 0;
	if (w.plant == WLOG_NO_DIR_SYNC && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		return 0;
	(void)pthread_mutex_lock(&lock);
	add(WLOG_SYNC)->file = w.fd[fd].file;
	(void)pthread_mutex_unlock(&lock);
	return 0;
}

int fsync(int fd) { return synced(fd); }
int fdatasync(int fd) { return synced(fd); }

/* ---- names ---- */

int
mkdir(const char *path, mode_t mode)
{
	REAL(mkdir);
	int r = real(path, mode);

	if (r == 0 && w.on) {
		(void)pthread_mutex_lock(&lock);
		note_name(AT_FDCWD, path);
		(void)pthread_mutex_unlock(&lock);
	}
	return r;
}

int
link(const char *from, const char *to)
{
	REAL(link);
	int r = real(from, to);

	if (r == 0 && w.on) {
		(void)pthread_mutex_lock(&lock);
		note_name(AT_FDCWD, to);
		(void)pthread_mutex_unlock(&lock);
	}
	return r;
}

static void
unnamed(const char *path)
{
	const char *name;
	struct wlog_op *o;
	unsigned dir;

	(void)pthread_mutex_lock(&lock);
	if (place(AT_FDCWD, path, &dir, &name)) {
		o = add(WLOG_UNNAME);
		o->dir = dir;
		must((o->name = strdup(name)) != NULL);
	}
	(void)pthread_mutex_unlock(&lock);
}

int
unlink(const char *path)
{
	REAL(unlink);
	int r = real(path);

	if (r == 0 && w.on)
		unnamed(path);
	return r;
}

int
rename(const char *from, const char *to)
{
	REAL(rename);
	const char *name, *name2;
	unsigned dir, dir2;
	struct wlog_op *o;
	struct known *k = NULL;
	struct stat st;
	int r = real(from, to);

	if (r != 0 || !w.on)
		return r;
	(void)pthread_mutex_lock(&lock);
	if (place(AT_FDCWD, from, &dir, &name) && place(AT_FDCWD, to, &dir2, &name2)) {
		must(lstat(to, &st) == 0);
		k = find(&st);
		must(k != NULL);
		o = add(WLOG_MOVE);
		o->file = k->file;
		o->dir = dir;
		o->dir2 = dir2;
		must((o->name = strdup(name)) != NULL && (o->name2 = strdup(name2)) != NULL);
	}
	(void)pthread_mutex_unlock(&lock);
	return r;
}
