#include "storage/blob.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/b32.h"
#include "base/map.h"
#include "crypto/keyfile.h"
#include "crypto/sign.h"

#define COPY_BYTES 65536
#define GRACE_S 600

static const char draft_prefix[] = ".new-";

struct recent {
	struct kith_id id;
	time_t until;                   /* monotonic */
};

struct kith_blobs {
	int dir;
	pthread_mutex_t lock;
	KITH_VEC(struct recent) recent;         /* kept a moment ago: a row may be on its way */
};

struct kith_blob_draft {
	struct kith_blobs *of;
	int fd;
	char name[sizeof(draft_prefix) + 2 * 8];
	uint64_t size, max;
	int err;
	struct kith_hasher hash;
};

static int
code(int err)
{
	return err == ENOSPC || err == EDQUOT || err == EFBIG ? KITH_E_FULL : err == EACCES || err == EPERM ? KITH_E_DENIED :
	    err == ENOMEM ? KITH_E_NOMEM : KITH_E_IO;
}

/* Calls fn for each name; the descriptor is that of the directory. */
static int
each_name(int dir, int (*fn)(void *ctx, int dir, const char *name), void *ctx)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = KITH_OK;
	DIR *dp = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (dp == NULL) {
		r = code(errno);
		if (fd >= 0)
			close(fd);
		return r;
	}
	for (errno = 0; r == KITH_OK && (e = readdir(dp)) != NULL; errno = 0)
		r = fn(ctx, dir, e->d_name);
	if (r == KITH_OK && errno != 0)
		r = KITH_E_IO;
	closedir(dp);
	return r;
}

static int
drop_draft(void *ctx, int dir, const char *name)
{
	(void)ctx;
	if (strncmp(name, draft_prefix, sizeof(draft_prefix) - 1) != 0)
		return KITH_OK;
	return unlinkat(dir, name, 0) == 0 || errno == ENOENT ? KITH_OK : code(errno);
}

int
kith_blobs_open(const char *dir, struct kith_blobs **out, struct kith_diag *d)
{
	struct kith_blobs *b = calloc(1, sizeof(*b));
	int r = KITH_E_NOMEM;

	if (b == NULL)
		return r;
	b->dir = -1;
	pthread_mutex_init(&b->lock, NULL);
	if (mkdir(dir, 0700) == 0 || errno == EEXIST)
		b->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	r = b->dir < 0 ? code(errno) : each_name(b->dir, drop_draft, NULL);
	if (r != KITH_OK) {
		kith_diag_set(d, "cannot use the directory %s: %s", dir, strerror(errno));
		kith_blobs_close(b);
		return r;
	}
	*out = b;
	return KITH_OK;
}

void
kith_blobs_close(struct kith_blobs *b)
{
	if (b == NULL)
		return;
	if (b->dir >= 0)
		close(b->dir);
	kith_vec_fini(&b->recent);
	pthread_mutex_destroy(&b->lock);
	free(b);
}

/* ---- writing ---- */

int
kith_blob_begin(struct kith_blobs *b, uint64_t max, struct kith_blob_draft **out)
{
	struct kith_blob_draft *w = calloc(1, sizeof(*w));
	uint8_t dice[8];
	int r;

	if (w == NULL)
		return KITH_E_NOMEM;
	kith_random_bytes(dice, sizeof(dice));
	snprintf(w->name, sizeof(w->name), "%s%016llx", draft_prefix, (unsigned long long)kith_get_be64(dice));
	w->of = b;
	w->max = max;
	w->fd = openat(b->dir, w->name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (w->fd < 0) {
		r = code(errno);
		free(w);
		return r;
	}
	kith_hasher_begin(&w->hash, KITH_L_BLOB);
	*out = w;
	return KITH_OK;
}

static int
write_all(int fd, struct kith_slice s)
{
	ssize_t n;

	while (s.n > 0) {
		n = write(fd, s.p, s.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? code(errno) : KITH_E_IO;
		s = kith_slice_from(s, (size_t)n);
	}
	return KITH_OK;
}

int
kith_blob_add(struct kith_blob_draft *w, struct kith_slice part)
{
	if (w->err == KITH_OK && part.n > w->max - w->size)
		w->err = KITH_E_LIMIT;
	if (w->err == KITH_OK)
		w->err = write_all(w->fd, part);
	if (w->err == KITH_OK) {
		kith_hasher_add(&w->hash, part);
		w->size += part.n;
	}
	return w->err;
}

uint64_t
kith_blob_size(const struct kith_blob_draft *w)
{
	return w->size;
}

int
kith_blob_fd(const struct kith_blob_draft *w)
{
	return w->fd;
}

void
kith_blob_drop(struct kith_blob_draft *w)
{
	if (w == NULL)
		return;
	if (w->name[0] != '\0')
		(void)unlinkat(w->of->dir, w->name, 0);
	close(w->fd);
	free(w);
}

static time_t
now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

/* Is it spared? Forgets those whose time is over. */
static bool
is_spared(struct kith_blobs *b, const struct kith_id *id)
{
	time_t now = now_s();
	bool found = false;

	for (size_t i = b->recent.n; i > 0; i--) {
		if (b->recent.v[i - 1].until < now)
			b->recent.v[i - 1] = b->recent.v[--b->recent.n];
		else if (kith_id_eq(&b->recent.v[i - 1].id, id))
			found = true;
	}
	return found;
}

static int
spare(struct kith_blobs *b, const struct kith_id *id)
{
	(void)is_spared(b, id);
	return kith_vec_push(&b->recent, ((struct recent){ *id, now_s() + GRACE_S }));
}

int
kith_blob_keep(struct kith_blob_draft *w, struct kith_id *id)
{
	struct kith_blobs *b = w->of;
	char name[KITH_ID_STR];
	struct kith_id hash;
	int r = w->err;

	kith_hasher_end(&w->hash, &hash);
	if (r == KITH_OK && fsync(w->fd) != 0)
		r = code(errno);
	if (r == KITH_OK) {
		pthread_mutex_lock(&b->lock);
		r = spare(b, &hash);
		if (r == KITH_OK && renameat(b->dir, w->name, b->dir, kith_id_str(&hash, name)) != 0)
			r = code(errno);
		pthread_mutex_unlock(&b->lock);
	}
	if (r == KITH_OK) {
		w->name[0] = '\0';
		if (fsync(b->dir) != 0)
			r = KITH_E_IO;
	}
	if (r == KITH_OK)
		*id = hash;
	kith_blob_drop(w);
	return r;
}

/* ---- reading ---- */

static int
open_name(int dir, const char *name, int *fd, struct stat *st)
{
	*fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (*fd < 0)
		return errno == ENOENT || errno == ELOOP ? KITH_E_NOTFOUND : code(errno);
	if (fstat(*fd, st) == 0 && S_ISREG(st->st_mode))
		return KITH_OK;
	close(*fd);
	return KITH_E_NOTFOUND;
}

int
kith_blob_open(const struct kith_blobs *b, const struct kith_id *id, int *fd, uint64_t *size)
{
	char name[KITH_ID_STR];
	struct stat st = { .st_size = 0 };
	int one, r = open_name(b->dir, kith_id_str(id, name), &one, &st);

	if (r != KITH_OK)
		return r;
	*fd = one;
	*size = (uint64_t)st.st_size;
	return KITH_OK;
}

/* ---- sweeping ---- */

struct sweep {
	struct kith_blobs *b;
	uint64_t age_s;
	bool (*needed)(void *ctx, const struct kith_id *id);
	void *ctx;
	size_t n;
};

static int
sweep_one(void *arg, int dir, const char *name)
{
	struct sweep *s = arg;
	struct kith_id id;
	struct stat st;
	int r = KITH_OK;

	if (kith_id_parse(kith_slice_str(name), &id) != KITH_OK || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return KITH_OK;
	if ((uint64_t)st.st_mtime + s->age_s > (uint64_t)time(NULL))
		return KITH_OK;
	pthread_mutex_lock(&s->b->lock);
	if (!is_spared(s->b, &id) && !s->needed(s->ctx, &id)) {
		if (unlinkat(dir, name, 0) == 0)
			s->n++;
		else if (errno != ENOENT)
			r = KITH_E_IO;
	}
	pthread_mutex_unlock(&s->b->lock);
	return r;
}

int
kith_blobs_sweep(struct kith_blobs *b, uint64_t age_s, bool (*needed)(void *ctx, const struct kith_id *id), void *ctx, size_t *n_gone)
{
	struct sweep s = { .b = b, .age_s = age_s, .needed = needed, .ctx = ctx };
	int r = each_name(b->dir, sweep_one, &s);

	*n_gone = s.n;
	return r;
}

int
kith_blob_remove(struct kith_blobs *b, const struct kith_id *id, bool (*needed)(void *ctx, const struct kith_id *id), void *ctx)
{
	struct sweep s = { .b = b, .needed = needed, .ctx = ctx };
	char name[KITH_ID_STR];

	return sweep_one(&s, b->dir, kith_id_str(id, name));
}

/* ---- copies ---- */

struct copy {
	struct kith_blobs *b;
	int to;
	uint8_t *room;
	char at[KITH_ID_STR];           /* which went wrong */
};

/* Reads it all and compares its hash: a copy of damage is no copy. */
static int
copy_bytes(struct copy *c, int from, int to, const struct kith_id *id)
{
	struct kith_hasher h;
	struct kith_id is;
	ssize_t n;
	int r = KITH_OK;

	kith_hasher_begin(&h, KITH_L_BLOB);
	for (;;) {
		n = read(from, c->room, COPY_BYTES);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		kith_hasher_add(&h, kith_slice_of(c->room, (size_t)n));
		r = write_all(to, kith_slice_of(c->room, (size_t)n));
		if (r != KITH_OK)
			return r;
	}
	kith_hasher_end(&h, &is);
	if (n < 0)
		return KITH_E_IO;
	if (!kith_id_eq(&is, id))
		return KITH_E_CORRUPT;
	return fsync(to) == 0 ? KITH_OK : code(errno);
}

static int
copy_one(void *arg, int dir, const char *name)
{
	struct copy *c = arg;
	char part[KITH_ID_STR + 8];
	struct kith_id id;
	struct stat st;
	int from = -1, to, r;

	if (kith_id_parse(kith_slice_str(name), &id) != KITH_OK || fstatat(c->to, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return KITH_OK;
	r = open_name(dir, name, &from, &st);
	if (r != KITH_OK)               /* it has just been swept */
		return r == KITH_E_NOTFOUND ? KITH_OK : r;
	snprintf(c->at, sizeof(c->at), "%s", name);
	snprintf(part, sizeof(part), "%s.part", name);
	to = openat(c->to, part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	r = to < 0 ? code(errno) : copy_bytes(c, from, to, &id);
	if (r == KITH_OK && renameat(c->to, part, c->to, name) != 0)
		r = code(errno);
	if (r != KITH_OK && to >= 0)
		(void)unlinkat(c->to, part, 0);
	if (to >= 0)
		close(to);
	close(from);
	return r;
}

int
kith_blobs_copy(struct kith_blobs *b, const char *to, struct kith_diag *d)
{
	struct copy c = { .b = b, .to = -1, .room = malloc(COPY_BYTES) };
	int r = KITH_E_NOMEM;

	if (c.room == NULL)
		goto done;
	if (mkdir(to, 0700) == 0 || errno == EEXIST)
		c.to = open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	r = c.to < 0 ? code(errno) : each_name(b->dir, copy_one, &c);
	if (r == KITH_OK && fsync(c.to) != 0)
		r = code(errno);
done:
	if (r != KITH_OK)
		kith_diag_set(d, r == KITH_E_CORRUPT ? "the file %s in blobs is damaged: its bytes are not those of its name" :
		    "cannot copy files to %s", r == KITH_E_CORRUPT ? c.at : to);
	if (c.to >= 0)
		close(c.to);
	free(c.room);
	return r;
}
