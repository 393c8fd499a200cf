#include "storage/lmdb.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/disk.h"
#include "storage/lmdb_in.h"

#define PAGE_GUESS 4096
#define TIGHT (UINT64_C(16) << 20)      /* with less room than this a short write was the disk's end */

static struct lm *
lm_of(const struct kith_txn *t)
{
	return (struct lm *)t->store;
}

static struct lm_txn *
txn_of(struct kith_txn *t)
{
	return (struct lm_txn *)t;
}

int
kith_lm_code(int rc)
{
	switch (rc) {
	case MDB_SUCCESS: return KITH_OK;
	case MDB_NOTFOUND: return KITH_E_NOTFOUND;
	case MDB_MAP_FULL:
	case ENOSPC:
	case EDQUOT:
	case EFBIG: return KITH_E_FULL;
	case MDB_READERS_FULL: return KITH_E_BUSY;
	case MDB_BAD_VALSIZE: return KITH_E_LIMIT;
	case MDB_TXN_FULL:
	case ENOMEM: return KITH_E_NOMEM;
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_PAGE_FULL:
	case MDB_CURSOR_FULL:
	case MDB_INVALID:
	case MDB_VERSION_MISMATCH: return KITH_E_CORRUPT;
	default: return KITH_E_IO;
	}
}

static bool
appends(enum kith_table tb)
{
	return tb == KITH_T_LOG || tb == KITH_T_BODY || tb == KITH_T_CHANGE;
}

static MDB_val
val_of(struct kith_slice s)
{
	return (MDB_val){ s.n, s.n > 0 ? (void *)(uintptr_t)s.p : "" };
}

static struct kith_slice
slice_of(MDB_val v)
{
	return kith_slice_of(v.mv_data, v.mv_size);
}

/* ---- transactions ---- */

static void
cursor_drop(struct lm_cursor *c)
{
	mdb_cursor_close(c->mdb);
	free(c);
}

static void
spare_drop(struct lm_txn *t)
{
	struct lm_cursor *c;
	int tb;

	for (tb = 0; tb < KITH_T_COUNT_; tb++) {
		while ((c = t->spare[tb]) != NULL) {
			t->spare[tb] = c->next;
			cursor_drop(c);
		}
	}
}

uint64_t
kith_lm_file_length(const struct lm *s)
{
	struct stat st;
	mdb_filehandle_t fd;

	if (mdb_env_get_fd(s->env, &fd) != 0 || fstat(fd, &st) != 0)
		return 0;
	return (uint64_t)st.st_size;
}

void
kith_lm_map_use(const struct lm *s, uint64_t *size, uint64_t *used)
{
	MDB_envinfo info;
	MDB_stat st;

	(void)mdb_env_info(s->env, &info);
	(void)mdb_env_stat(s->env, &st);
	*size = info.me_mapsize;
	*used = ((uint64_t)info.me_last_pgno + 1) * st.ms_psize;
}

void
kith_lm_maybe_grow(struct lm *s)
{
	uint64_t size, used, want;

	kith_lm_map_use(s, &size, &used);
	if (!s->grow && used / 4 < size / 5)
		return;
	s->grow = false;
	want = size * 2;
	if (s->opt.map_max != 0 && want > s->opt.map_max)
		want = s->opt.map_max;
	if (want > size && want <= SIZE_MAX)
		(void)mdb_env_set_mapsize(s->env, (size_t)want);       /* if it fails the old one stands */
}

void
kith_lm_count_open(struct lm *s, int by)
{
	(void)pthread_mutex_lock(&s->mutex);
	s->n_open = by > 0 ? s->n_open + 1 : s->n_open - 1;
	(void)pthread_mutex_unlock(&s->mutex);
}

static int
started(struct lm *s, struct lm_txn *t, bool write, struct kith_txn **out)
{
	t->base = (struct kith_txn){ .ops = s->base.ops, .store = &s->base, .write = write };
	*out = &t->base;
	return KITH_OK;
}

static int
begin_read(struct lm *s, struct kith_txn **out)
{
	struct lm_txn *t;
	int rc;

	(void)pthread_mutex_lock(&s->mutex);
	t = s->idle;
	if (t != NULL)
		s->idle = t->next;
	s->n_open++;
	(void)pthread_mutex_unlock(&s->mutex);
	if (t != NULL) {
		rc = mdb_txn_renew(t->mdb);
		t->renewed++;
	} else {
		t = calloc(1, sizeof(*t));
		rc = t == NULL ? ENOMEM : mdb_txn_begin(s->env, NULL, MDB_RDONLY, &t->mdb);
	}
	if (rc == 0)
		return started(s, t, false, out);
	if (t != NULL) {
		spare_drop(t);
		if (t->mdb != NULL)
			mdb_txn_abort(t->mdb);
		free(t);
	}
	kith_lm_count_open(s, -1);
	return kith_lm_code(rc);
}

static int
begin_write(struct lm *s, struct kith_txn **out)
{
	int r = KITH_OK, rc;

	(void)pthread_mutex_lock(&s->mutex);
	if (s->dead) {
		r = KITH_E_IO;
	} else if (s->writing) {
		r = KITH_E_BUSY;
	} else {
		if (s->n_open == 0)
			kith_lm_maybe_grow(s);
		s->n_open++;
		s->writing = true;
	}
	(void)pthread_mutex_unlock(&s->mutex);
	if (r != KITH_OK)
		return r;
	rc = mdb_txn_begin(s->env, NULL, 0, &s->writer.mdb);
	if (rc == 0) {
		s->writer.touched = 0;
		return started(s, &s->writer, true, out);
	}
	(void)pthread_mutex_lock(&s->mutex);
	s->n_open--;
	s->writing = false;
	if (rc == MDB_PANIC)
		s->dead = true;
	(void)pthread_mutex_unlock(&s->mutex);
	return kith_lm_code(rc);
}

static int
lm_begin(struct kith_store *store, bool write, struct kith_txn **out)
{
	struct lm *s = (struct lm *)store;

	return write ? begin_write(s, out) : begin_read(s, out);
}

static void
end_read(struct lm *s, struct lm_txn *t)
{
	mdb_txn_reset(t->mdb);
	(void)pthread_mutex_lock(&s->mutex);
	s->n_open--;
	t->next = s->idle;
	s->idle = t;
	(void)pthread_mutex_unlock(&s->mutex);
}

static void
end_write(struct lm *s, bool kept, bool dead, bool grow)
{
	int tb;

	s->writer.mdb = NULL;
	if (!kept)
		for (tb = 0; tb < KITH_T_COUNT_; tb++)
			s->last[tb].known = false;
	(void)pthread_mutex_lock(&s->mutex);
	s->n_open--;
	s->writing = false;
	s->dead = s->dead || dead;
	s->grow = s->grow || grow;
	(void)pthread_mutex_unlock(&s->mutex);
}

static void
lm_abort(struct kith_txn *base)
{
	struct lm *s = lm_of(base);
	struct lm_txn *t = txn_of(base);

	if (!base->write) {
		end_read(s, t);
		return;
	}
	spare_drop(t);
	mdb_txn_abort(t->mdb);
	end_write(s, false, base->err == KITH_E_IO || base->err == KITH_E_CORRUPT, base->err == KITH_E_FULL);
}

/*
 * Why did a commit fail? LMDB calls a short write EIO, which is what the last
 * bytes of a disk look like; and when it could not write its root page it goes
 * into a state of its own, whatever the reason was.
 */
static int
commit_failed(struct lm *s, int rc)
{
	uint64_t total, room;
	MDB_txn *probe;
	int r = kith_lm_code(rc);

	if (rc == EIO && kith_disk_room(s->dir, s->opt.disk_limit, kith_lm_file_length(s), &total, &room) == KITH_OK && room < TIGHT)
		r = KITH_E_FULL;
	if (r == KITH_E_FULL) {
		rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &probe);
		if (rc == 0)
			mdb_txn_abort(probe);
		else if (rc == MDB_PANIC)
			r = KITH_E_IO;
	}
	return r;
}

static int
lm_commit(struct kith_txn *base)
{
	struct lm *s = lm_of(base);
	struct lm_txn *t = txn_of(base);
	int rc, r;

	if (!base->write) {
		end_read(s, t);
		return KITH_OK;
	}
	spare_drop(t);
	rc = mdb_txn_commit(t->mdb);
	r = rc == 0 ? KITH_OK : commit_failed(s, rc);
	end_write(s, r == KITH_OK, r != KITH_OK && r != KITH_E_FULL && r != KITH_E_NOMEM, rc == MDB_MAP_FULL);
	return r;
}

/* ---- reading ---- */

/* The first of the table's spare cursors, made if there is none. A writer's still stands where it was last. */
static int
spare(struct lm_txn *t, enum kith_table tb, struct lm_cursor **out)
{
	struct lm_cursor *c = t->spare[tb];
	int rc;

	if (c == NULL) {
		c = malloc(sizeof(*c));
		if (c == NULL)
			return ENOMEM;
		rc = mdb_cursor_open(t->mdb, lm_of(&t->base)->dbi[tb], &c->mdb);
		if (rc != 0) {
			free(c);
			return rc;
		}
		c->renewed = t->renewed;
		c->next = NULL;
		t->spare[tb] = c;
	} else if (c->renewed != t->renewed) {
		rc = mdb_cursor_renew(t->mdb, c->mdb);
		if (rc != 0)
			return rc;
		c->renewed = t->renewed;
	}
	*out = c;
	return 0;
}

/* LMDB finds a key faster with a cursor that stands on the same page already. */
static int
lm_get(struct kith_txn *base, enum kith_table tb, struct kith_slice key, struct kith_slice *val)
{
	struct lm_cursor *c;
	MDB_val k = val_of(key), v;
	int rc = spare(txn_of(base), tb, &c);

	if (rc == 0)
		rc = mdb_cursor_get(c->mdb, &k, &v, MDB_SET_KEY);
	if (rc == 0)
		*val = slice_of(v);
	return kith_lm_code(rc);
}

static int
lm_cursor(struct kith_txn *base, enum kith_table tb, struct kith_cursor **out)
{
	struct lm_txn *t = txn_of(base);
	struct lm_cursor *c;
	int rc = spare(t, tb, &c);

	if (rc != 0)
		return kith_lm_code(rc);
	t->spare[tb] = c->next;
	c->base.ops = base->ops;
	c->base.txn = base;
	*out = &c->base;
	return KITH_OK;
}

static void
lm_cursor_free(struct kith_cursor *base)
{
	struct lm_cursor *c = (struct lm_cursor *)base;
	struct lm_txn *t = txn_of(base->txn);

	c->next = t->spare[base->table];
	t->spare[base->table] = c;
}

static int
seek(MDB_cursor *c, struct kith_slice key, bool backward, MDB_val *k, MDB_val *v)
{
	int rc;

	if (key.n == 0)
		return mdb_cursor_get(c, k, v, backward ? MDB_LAST : MDB_FIRST);
	*k = val_of(key);
	rc = mdb_cursor_get(c, k, v, MDB_SET_RANGE);
	if (!backward)
		return rc;
	if (rc == MDB_NOTFOUND)
		return mdb_cursor_get(c, k, v, MDB_LAST);
	if (rc == 0 && !kith_slice_eq(slice_of(*k), key))
		rc = mdb_cursor_get(c, k, v, MDB_PREV);
	return rc;
}

static int
lm_seek(struct kith_cursor *base, struct kith_slice key, bool backward, struct kith_slice *k, struct kith_slice *v)
{
	MDB_val mk, mv;
	int rc = seek(((struct lm_cursor *)base)->mdb, key, backward, &mk, &mv);

	if (rc == 0) {
		*k = slice_of(mk);
		*v = slice_of(mv);
	}
	return kith_lm_code(rc);
}

static int
lm_step(struct kith_cursor *base, bool backward, struct kith_slice *k, struct kith_slice *v)
{
	MDB_val mk, mv;
	int rc = mdb_cursor_get(((struct lm_cursor *)base)->mdb, &mk, &mv, backward ? MDB_PREV : MDB_NEXT);

	if (rc == 0) {
		*k = slice_of(mk);
		*v = slice_of(mv);
	}
	return kith_lm_code(rc);
}

/* ---- writing ---- */

/* Copies of key and value that no page of ours moves under us. */
static bool
to_scratch(struct lm_txn *t, MDB_val *k, MDB_val *v)
{
	size_t n = k->mv_size + v->mv_size;
	uint8_t *p;

	if (n > t->n_scratch) {
		p = realloc(t->scratch, n + n / 2);
		if (p == NULL)
			return false;
		t->scratch = p;
		t->n_scratch = n + n / 2;
	}
	memcpy(t->scratch, k->mv_data, k->mv_size);
	memcpy(t->scratch + k->mv_size, v->mv_data, v->mv_size);
	k->mv_data = t->scratch;
	v->mv_data = t->scratch + k->mv_size;
	return true;
}

static int
learn_last(struct last_key *l, MDB_cursor *c)
{
	MDB_val k, v;
	int rc = mdb_cursor_get(c, &k, &v, MDB_LAST);

	if (rc != 0 && rc != MDB_NOTFOUND)
		return rc;
	l->known = true;
	l->n = rc == 0 ? k.mv_size : 0;
	if (rc == 0)
		memcpy(l->b, k.mv_data, k.mv_size);
	return 0;
}

/*
 * About how many pages a change makes dirty: the path down once for each table,
 * then a leaf and something above it, and all of a value that has its own pages.
 * At a table's end leaves fill one after the other, so half of that.
 */
static void
count_pages(struct lm_txn *t, enum kith_table tb, size_t bytes, bool append)
{
	if ((t->touched & UINT32_C(1) << tb) == 0) {
		t->touched |= UINT32_C(1) << tb;
		t->base.pages += 4;
	}
	if (bytes > PAGE_GUESS / 2)
		t->base.pages += (uint32_t)(bytes / PAGE_GUESS) + 1;
	t->base.pages += append ? 1 : 2;
}

static int
lm_put(struct kith_txn *base, enum kith_table tb, struct kith_slice key, struct kith_slice val)
{
	struct lm *s = lm_of(base);
	struct lm_txn *t = txn_of(base);
	struct last_key *l = &s->last[tb];
	MDB_val k = val_of(key), v = val_of(val);
	struct lm_cursor *c;
	bool append = false;
	int rc;

	if (!to_scratch(t, &k, &v))
		return KITH_E_NOMEM;
	rc = spare(t, tb, &c);
	if (rc == 0 && appends(tb)) {
		if (!l->known)
			rc = learn_last(l, c->mdb);
		append = rc == 0 && kith_slice_cmp(kith_slice_of(l->b, l->n), slice_of(k)) < 0;
	}
	if (rc == 0)
		rc = mdb_cursor_put(c->mdb, &k, &v, append ? MDB_APPEND : 0);
	if (rc != 0)
		return kith_lm_code(rc);
	if (append) {
		memcpy(l->b, k.mv_data, k.mv_size);
		l->n = k.mv_size;
	}
	count_pages(t, tb, key.n + val.n, append);
	return KITH_OK;
}

static int
lm_del(struct kith_txn *base, enum kith_table tb, struct kith_slice key)
{
	struct lm *s = lm_of(base);
	MDB_val k = val_of(key), v = { 0, "" };
	int rc;

	if (!to_scratch(txn_of(base), &k, &v))
		return KITH_E_NOMEM;
	s->last[tb].known = false;
	rc = mdb_del(txn_of(base)->mdb, s->dbi[tb], &k, NULL);
	if (rc == 0)
		count_pages(txn_of(base), tb, 0, false);
	return kith_lm_code(rc);
}

/* ---- making and closing ---- */

void
kith_lm_free(struct lm *s)
{
	struct lm_txn *t;

	while ((t = s->idle) != NULL) {
		s->idle = t->next;
		spare_drop(t);
		mdb_txn_abort(t->mdb);
		free(t);
	}
	if (s->env != NULL)
		mdb_env_close(s->env);
	free(s->writer.scratch);
	(void)pthread_mutex_destroy(&s->mutex);
	if (s->lock_fd >= 0)
		(void)close(s->lock_fd);
	free(s->dir);
	free(s);
}

static void
lm_close(struct kith_store *store)
{
	struct lm *s = (struct lm *)store;

	kith_assert(s->n_open == 0);
	kith_lm_free(s);
}

static const struct kith_store_ops lm_ops = {
	.begin = lm_begin,
	.commit = lm_commit,
	.abort = lm_abort,
	.get = lm_get,
	.put = lm_put,
	.del = lm_del,
	.cursor = lm_cursor,
	.seek = lm_seek,
	.step = lm_step,
	.cursor_free = lm_cursor_free,
	.close = lm_close,
};

int
kith_lm_new(const char *dir, const struct kith_lmdb_options *opt, struct lm **out)
{
	struct lm *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return KITH_E_NOMEM;
	s->base.ops = &lm_ops;
	s->lock_fd = -1;
	if (opt != NULL)
		s->opt = *opt;
	if (pthread_mutex_init(&s->mutex, NULL) != 0) {
		free(s);
		return KITH_E_NOMEM;
	}
	s->dir = strdup(dir);
	if (s->dir == NULL) {
		kith_lm_free(s);
		return KITH_E_NOMEM;
	}
	*out = s;
	return KITH_OK;
}

struct lm *
kith_lm_from(struct kith_store *store)
{
	kith_assert(store->ops == &lm_ops);
	return (struct lm *)store;
}
