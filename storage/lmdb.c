#include "storage/lmdb.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/disk.h"
#include "storage/ledger.h"

#define MAP_SIZE (sizeof(size_t) > 4 ? UINT64_C(64) << 30 : UINT64_C(1) << 30)
#define MAP_MIN (UINT64_C(64) << 20)
#define READERS 256
#define PAGE_GUESS 4096
#define TIGHT (UINT64_C(16) << 20)      /* with less room than this a short write was the disk's end */

static const char *const table_names[KITH_T_COUNT_] = {
	[KITH_T_META] = "meta", [KITH_T_LOG] = "log", [KITH_T_BODY] = "body", [KITH_T_STATE] = "state",
	[KITH_T_IDX] = "idx", [KITH_T_FEEDS] = "feeds", [KITH_T_FEED] = "feed", [KITH_T_PLACE] = "place",
	[KITH_T_ORDER] = "order", [KITH_T_TARGET] = "target", [KITH_T_SCOPES] = "scopes", [KITH_T_OBJECT] = "object",
	[KITH_T_GROUP] = "group", [KITH_T_FACT] = "fact", [KITH_T_ROSTER] = "roster", [KITH_T_CHANGE] = "change",
	[KITH_T_ACCOUNT] = "account", [KITH_T_HANDLE] = "handle", [KITH_T_SESSION] = "session",
	[KITH_T_USER] = "user", [KITH_T_NODE] = "node", [KITH_T_MAIL] = "mail", [KITH_T_INVITE] = "invite",
	[KITH_T_TXN] = "txn", [KITH_T_DUE] = "due", [KITH_T_PROOF] = "proof",
};

_Static_assert(KITH_T_COUNT_ <= 32, "lm_txn.touched has a bit for each table");

struct lm_cursor {
	struct kith_cursor base;
	MDB_cursor *mdb;
	uint64_t renewed;                               /* as its transaction's, when it was last renewed */
	struct lm_cursor *next;
};

struct lm_txn {
	struct kith_txn base;
	MDB_txn *mdb;
	uint64_t renewed;                               /* a reader's: how often */
	struct lm_txn *next;                            /* in the pool of idle readers */
	struct lm_cursor *spare[KITH_T_COUNT_];         /* closed by the caller, kept for the next who asks */
	uint8_t *scratch;                               /* a writer's: puts copy through it, so that they may take slices of ours */
	size_t n_scratch;
	uint32_t touched;                               /* a writer's: bit per table */
};

/* The last key of a table that grows at its end. */
struct last_key {
	bool known;
	size_t n;                                       /* 0: the table is empty */
	uint8_t b[KITH_STORE_KEY_MAX];
};

struct lm {
	struct kith_store base;
	MDB_env *env;
	MDB_dbi dbi[KITH_T_COUNT_];
	struct kith_lmdb_options opt;
	char *dir;
	int lock_fd;
	pthread_mutex_t mutex;                          /* over the five below */
	struct lm_txn *idle;
	unsigned n_open;
	bool writing, grow;
	bool dead;                                      /* a write failed for good: no more of them */
	struct lm_txn writer;
	struct last_key last[KITH_T_COUNT_];            /* the writer's */
};

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

static int
code(int rc)
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

static uint64_t
file_length(const struct lm *s)
{
	struct stat st;
	mdb_filehandle_t fd;

	if (mdb_env_get_fd(s->env, &fd) != 0 || fstat(fd, &st) != 0)
		return 0;
	return (uint64_t)st.st_size;
}

static void
map_use(const struct lm *s, uint64_t *size, uint64_t *used)
{
	MDB_envinfo info;
	MDB_stat st;

	(void)mdb_env_info(s->env, &info);
	(void)mdb_env_stat(s->env, &st);
	*size = info.me_mapsize;
	*used = ((uint64_t)info.me_last_pgno + 1) * st.ms_psize;
}

/* Doubles the map when four fifths are used. No transaction may be open; holds the mutex. */
static void
maybe_grow(struct lm *s)
{
	uint64_t size, used, want;

	map_use(s, &size, &used);
	if (!s->grow && used / 4 < size / 5)
		return;
	s->grow = false;
	want = size * 2;
	if (s->opt.map_max != 0 && want > s->opt.map_max)
		want = s->opt.map_max;
	if (want > size && want <= SIZE_MAX)
		(void)mdb_env_set_mapsize(s->env, (size_t)want);       /* if it fails the old one stands */
}

/* While n_open is not zero the map stays where it is. */
static void
count_open(struct lm *s, int by)
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
	count_open(s, -1);
	return code(rc);
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
			maybe_grow(s);
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
	return code(rc);
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
	int r = code(rc);

	if (rc == EIO && kith_disk_room(s->dir, s->opt.disk_limit, file_length(s), &total, &room) == KITH_OK && room < TIGHT)
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
	return code(rc);
}

static int
lm_cursor(struct kith_txn *base, enum kith_table tb, struct kith_cursor **out)
{
	struct lm_txn *t = txn_of(base);
	struct lm_cursor *c;
	int rc = spare(t, tb, &c);

	if (rc != 0)
		return code(rc);
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
	return code(rc);
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
	return code(rc);
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
		return code(rc);
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
	return code(rc);
}

/* ---- closing ---- */

static void
env_free(struct lm *s)
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
	env_free(s);
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

/* ---- opening ---- */

/* An empty one, with no environment yet. dir: where the disk is asked for room. */
static int
lm_new(const char *dir, const struct kith_lmdb_options *opt, struct lm **out)
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
		env_free(s);
		return KITH_E_NOMEM;
	}
	*out = s;
	return KITH_OK;
}

/* Opens the environment, with half the map again and again where the address space does not allow more. */
static int
env_open(struct lm *s, const char *path, unsigned flags, uint64_t map_size)
{
	int rc;

	for (;; map_size /= 2) {
		rc = mdb_env_create(&s->env);
		if (rc != 0) {
			s->env = NULL;
			return rc;
		}
		rc = mdb_env_set_maxdbs(s->env, KITH_T_COUNT_);
		if (rc == 0)
			rc = mdb_env_set_maxreaders(s->env, s->opt.max_readers != 0 ? s->opt.max_readers : READERS);
		if (rc == 0)
			rc = map_size <= SIZE_MAX ? mdb_env_set_mapsize(s->env, (size_t)map_size) : ENOMEM;
		if (rc == 0)
			rc = mdb_env_open(s->env, path, MDB_NOTLS | flags, 0600);
		if (rc == 0)
			return 0;
		mdb_env_close(s->env);
		s->env = NULL;
		if (rc != ENOMEM || map_size / 2 < MAP_MIN)
			return rc;
	}
}

/* All pages from `first` on in the list of free ones? */
static int
all_free(struct lm *s, uint64_t first, uint64_t last, bool *yes)
{
	MDB_txn *txn;
	MDB_cursor *c;
	MDB_val k, v;
	size_t i, n, id;
	uint64_t found = 0;
	int rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn);

	if (rc != 0)
		return rc;
	rc = mdb_cursor_open(txn, 0, &c);               /* the free list is the environment's first table: lists of page numbers */
	if (rc == 0) {
		while ((rc = mdb_cursor_get(c, &k, &v, MDB_NEXT)) == 0) {
			memcpy(&n, v.mv_data, v.mv_size >= sizeof(n) ? sizeof(n) : 0);
			if (v.mv_size < sizeof(n) || n > v.mv_size / sizeof(n) - 1) {
				rc = MDB_CORRUPTED;
				break;
			}
			for (i = 1; i <= n; i++) {
				memcpy(&id, (const uint8_t *)v.mv_data + i * sizeof(id), sizeof(id));
				if (id >= first && id <= last)
					found++;
			}
		}
		mdb_cursor_close(c);
	}
	mdb_txn_abort(txn);
	*yes = rc == MDB_NOTFOUND && found == last - first + 1;
	return rc == MDB_NOTFOUND ? 0 : rc;
}

/*
 * Touching a page behind the end of the file is SIGBUS, so its length is looked
 * at before any page but the two root pages is. LMDB leaves out pages at the
 * end that a transaction took and gave back; so the file is drawn out first,
 * with zeros, and then the missing pages must all be known as free.
 */
static int
check_length(struct lm *s, struct kith_diag *diag)
{
	MDB_envinfo info;
	MDB_stat st;
	mdb_filehandle_t fd;
	uint64_t have = file_length(s), need, size;
	bool ok = false;
	int rc = mdb_env_info(s->env, &info);

	if (rc == 0)
		rc = mdb_env_stat(s->env, &st);
	if (rc == 0)
		rc = mdb_env_get_fd(s->env, &fd);
	if (rc != 0)
		return code(rc);
	map_use(s, &size, &need);
	if (have >= need)
		return KITH_OK;
	if (have >= 2 * (uint64_t)st.ms_psize) {
		if (ftruncate(fd, (off_t)need) != 0)
			return code(errno);
		rc = all_free(s, have / st.ms_psize, info.me_last_pgno, &ok);
		if (rc == 0 && ok)
			return KITH_OK;
		if (ftruncate(fd, (off_t)have) != 0)
			return code(errno);
	}
	kith_diag_set(diag, "%s/data.mdb is cut short: %llu bytes where %llu are needed; restore it from a backup", s->dir,
	    (unsigned long long)have, (unsigned long long)need);
	return KITH_E_CORRUPT;
}

static int
open_tables(struct lm *s, bool create)
{
	MDB_txn *txn;
	int rc, tb;

	rc = mdb_txn_begin(s->env, NULL, create ? 0 : MDB_RDONLY, &txn);
	if (rc != 0)
		return rc;
	for (tb = 0; tb < KITH_T_COUNT_ && rc == 0; tb++) {
		kith_assert(table_names[tb] != NULL);
		rc = mdb_dbi_open(txn, table_names[tb], create ? MDB_CREATE : 0, &s->dbi[tb]);
	}
	if (rc != 0) {
		mdb_txn_abort(txn);
		return rc;
	}
	return mdb_txn_commit(txn);
}

static const char format_key[] = "format";
static const char copied_key[] = "copied";              /* set in a backup: it is no continuation of the store it came from */
static const char incarnation_key[] = "incarnation";

static int
put_format(struct kith_txn *t, uint32_t format)
{
	uint8_t b[4];

	kith_put_be32(b, format);
	return kith_txn_put(t, KITH_T_META, kith_slice_str(format_key), kith_slice_of(b, sizeof(b)));
}

static int
forget(struct kith_txn *t, const char *name)
{
	int r = kith_txn_del(t, KITH_T_META, kith_slice_str(name));

	return r == KITH_E_NOTFOUND ? KITH_OK : r;
}

/*
 * Format 0 had no number and did not mark its copies, so nobody can tell whether
 * this is one: it must go on in a new incarnation.
 */
static int
from_0(struct kith_txn *t, bool *done)
{
	*done = true;
	return forget(t, incarnation_key);
}

/*
 * migrations[n] leads from format n to n + 1. Each call is one transaction's
 * worth of it and may be the last before somebody pulls the plug; *done in the
 * call that finishes it, which commits together with the new number.
 */
static int (*const migrations[KITH_STORE_FORMAT])(struct kith_txn *t, bool *done) = { from_0 };

static int
migrate(struct lm *s, uint32_t format)
{
	struct kith_txn *t;
	bool done;
	int r;

	while (format < KITH_STORE_FORMAT) {
		r = kith_store_begin(&s->base, true, &t);
		if (r != KITH_OK)
			return r;
		done = false;
		r = migrations[format](t, &done);
		if (r == KITH_OK && done)
			r = put_format(t, format + 1);
		if (r != KITH_OK) {
			kith_txn_abort(t);
			return r;
		}
		r = kith_txn_commit(t);
		if (r != KITH_OK)
			return r;
		if (done)
			format++;
	}
	return KITH_OK;
}

/* Reads the format before anything else. *fresh: there is nothing yet. */
static int
read_format(struct lm *s, uint32_t *format, bool *fresh)
{
	MDB_txn *txn;
	MDB_dbi meta;
	MDB_stat st;
	MDB_val k = val_of(kith_slice_str(format_key)), v;
	int rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn);

	if (rc != 0)
		return rc;
	*fresh = false;
	*format = 0;
	rc = mdb_dbi_open(txn, table_names[KITH_T_META], 0, &meta);
	if (rc == 0)
		rc = mdb_get(txn, meta, &k, &v);
	if (rc == 0) {
		if (v.mv_size == 4)
			*format = kith_get_be32(v.mv_data);
		else
			rc = MDB_CORRUPTED;
	} else if (rc == MDB_NOTFOUND) {
		rc = mdb_env_stat(s->env, &st);
		*fresh = rc == 0 && st.ms_entries == 0;         /* tables are entries of the environment's main one */
	}
	mdb_txn_abort(txn);
	return rc;
}

static int
write_first(struct lm *s)
{
	struct kith_txn *t;
	int r = kith_store_begin(&s->base, true, &t);

	if (r != KITH_OK)
		return r;
	r = put_format(t, KITH_STORE_FORMAT);
	if (r == KITH_OK)
		return kith_txn_commit(t);
	kith_txn_abort(t);
	return r;
}

/* A copy of another store, opened for the first time as one of its own. */
static int
settle_copy(struct lm *s)
{
	struct kith_txn *t;
	struct kith_slice v;
	int r = kith_store_begin(&s->base, false, &t);

	if (r != KITH_OK)
		return r;
	r = kith_txn_get(t, KITH_T_META, kith_slice_str(copied_key), &v);
	kith_txn_abort(t);
	if (r != KITH_OK)
		return r == KITH_E_NOTFOUND ? KITH_OK : r;
	r = kith_store_begin(&s->base, true, &t);
	if (r != KITH_OK)
		return r;
	r = forget(t, incarnation_key);
	if (r == KITH_OK)
		r = forget(t, copied_key);
	if (r == KITH_OK)
		return kith_txn_commit(t);
	kith_txn_abort(t);
	return r;
}

static int
settle(struct lm *s, struct kith_diag *diag)
{
	uint32_t format;
	bool fresh;
	int rc, r;

	rc = read_format(s, &format, &fresh);
	if (rc != 0)
		return code(rc);
	if (format > KITH_STORE_FORMAT) {
		kith_diag_set(diag, "the store in %s has format %u and this program knows formats up to %u; use the newer program, "
		    "or the backup made before it was used", s->dir, (unsigned)format, (unsigned)KITH_STORE_FORMAT);
		return KITH_E_DENIED;
	}
	rc = open_tables(s, false);
	if (rc == MDB_NOTFOUND)
		rc = open_tables(s, true);
	if (rc != 0)
		return code(rc);
	r = fresh ? write_first(s) : migrate(s, format);
	return r == KITH_OK ? settle_copy(s) : r;
}

static int
take_lock(struct lm *s, struct kith_diag *diag)
{
	size_t n = strlen(s->dir) + sizeof("/lock");
	char *path = malloc(n);
	int r = KITH_OK;

	if (path == NULL)
		return KITH_E_NOMEM;
	(void)snprintf(path, n, "%s/lock", s->dir);
	s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (s->lock_fd < 0) {
		r = errno == ENOSPC || errno == EDQUOT ? KITH_E_FULL : KITH_E_IO;
		kith_diag_set(diag, "cannot open %s: %s", path, strerror(errno));
	} else if (flock(s->lock_fd, LOCK_EX | LOCK_NB) != 0) {
		r = errno == EWOULDBLOCK ? KITH_E_BUSY : KITH_E_IO;
		if (r == KITH_E_BUSY)
			kith_diag_set(diag, "the store in %s is open already; is another kithd running?", s->dir);
		else
			kith_diag_set(diag, "cannot lock %s: %s", path, strerror(errno));
	}
	free(path);
	return r;
}

int
kith_store_lmdb_open(const char *dir, const struct kith_lmdb_options *options, struct kith_diag *diag,
    struct kith_store **out)
{
	struct kith_diag ignored;
	struct kith_lmdb_space space;
	struct lm *s = NULL;
	int r, rc, dead;

	if (diag == NULL)
		diag = &ignored;
	diag->text[0] = '\0';
	if (mkdir(dir, 0700) != 0 && errno != EEXIST) {
		kith_diag_set(diag, "cannot make %s: %s", dir, strerror(errno));
		return errno == ENOSPC || errno == EDQUOT ? KITH_E_FULL : KITH_E_IO;
	}
	r = lm_new(dir, options, &s);
	if (r == KITH_OK)
		r = kith_disk_check(dir, diag);
	if (r == KITH_OK)
		r = take_lock(s, diag);
	if (r != KITH_OK)
		goto fail;
	rc = env_open(s, dir, 0, s->opt.map_size != 0 ? s->opt.map_size : MAP_SIZE);
	if (rc != 0) {
		kith_diag_set(diag, "cannot open the store in %s: %s", dir, mdb_strerror(rc));
		r = code(rc);
		goto fail;
	}
	r = check_length(s, diag);
	if (r == KITH_OK)
		r = code(mdb_reader_check(s->env, &dead));
	if (r == KITH_OK)
		r = settle(s, diag);
	if (r == KITH_OK)
		r = kith_disk_sync_dir(dir);
	if (r != KITH_OK)
		goto fail;
	/* a disk that is nearly full already needs no ballast */
	if (s->opt.ballast && kith_store_lmdb_space(&s->base, &space) == KITH_OK && space.level == KITH_SPACE_OK) {
		r = kith_disk_ballast(dir, space.total);
		if (r == KITH_E_FULL)
			r = KITH_OK;
		if (r != KITH_OK)
			goto fail;
	}
	*out = &s->base;
	return KITH_OK;
fail:
	if (diag->text[0] == '\0')
		kith_diag_set(diag, "cannot open the store in %s: %s", dir, kith_err_name(r));
	if (s != NULL)
		env_free(s);
	return r;
}

/* ---- upkeep ---- */

static struct lm *
lm_from(struct kith_store *store)
{
	kith_assert(store->ops == &lm_ops);
	return (struct lm *)store;
}

int
kith_store_lmdb_space(struct kith_store *store, struct kith_lmdb_space *out)
{
	struct lm *s = lm_from(store);
	struct kith_lmdb_space sp = { .file = file_length(s) };
	int r = kith_disk_room(s->dir, s->opt.disk_limit, sp.file, &sp.total, &sp.free);

	if (r != KITH_OK)
		return r;
	map_use(s, &sp.map_size, &sp.map_used);
	sp.level = kith_space_level(sp.total, sp.free);
	*out = sp;
	return KITH_OK;
}

int
kith_store_lmdb_tick(struct kith_store *store)
{
	struct lm *s = lm_from(store);
	int dead;

	(void)pthread_mutex_lock(&s->mutex);
	if (s->n_open == 0)
		maybe_grow(s);
	(void)pthread_mutex_unlock(&s->mutex);
	return code(mdb_reader_check(s->env, &dead));
}

/* Opens the copy at path by itself, hashes every record in it, and marks it as a copy. */
static int
finish_copy(const struct lm *of, const char *path, struct kith_diag *diag)
{
	struct kith_txn *t = NULL;
	uint64_t pos = 1, bad, size, used;
	size_t n_bad = 0;
	struct lm *s;
	int r, rc;

	r = lm_new(of->dir, NULL, &s);
	if (r != KITH_OK)
		return r;
	map_use(of, &size, &used);
	rc = env_open(s, path, MDB_NOSUBDIR, used * 2 < MAP_MIN ? MAP_MIN : used * 2);
	if (rc == 0)
		rc = open_tables(s, false);
	r = code(rc);
	if (r == KITH_OK)
		r = kith_store_begin(&s->base, true, &t);
	while (r == KITH_OK && n_bad == 0)
		r = kith_ledger_scrub(t, &pos, 1000, &bad, 1, &n_bad);
	if (r == KITH_E_NOTFOUND)
		r = KITH_OK;
	if (n_bad > 0) {
		kith_diag_set(diag, "record %llu of the store is damaged", (unsigned long long)bad);
		r = KITH_E_CORRUPT;
	}
	if (r == KITH_OK)
		r = kith_txn_put(t, KITH_T_META, kith_slice_str(copied_key), kith_slice_str("1"));
	if (r == KITH_OK)
		r = kith_txn_commit(t);
	else
		kith_txn_abort(t);
	env_free(s);
	return r;
}

static int
copy_to(struct lm *s, const char *path, struct kith_diag *diag)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), rc;

	if (fd < 0) {
		kith_diag_set(diag, "cannot write %s: %s", path, strerror(errno));
		return code(errno);
	}
	count_open(s, 1);                               /* it reads: the map must stay where it is */
	rc = mdb_env_copyfd2(s->env, fd, MDB_CP_COMPACT);
	count_open(s, -1);
	if (rc == 0 && fsync(fd) != 0)
		rc = errno;
	if (close(fd) != 0 && rc == 0)
		rc = errno;
	if (rc != 0)
		kith_diag_set(diag, "cannot copy the store to %s: %s", path, mdb_strerror(rc));
	return code(rc);
}

int
kith_store_lmdb_backup(struct kith_store *store, const char *path, struct kith_diag *diag)
{
	struct lm *s = lm_from(store);
	size_t n = strlen(path) + sizeof(".part-lock");
	char *part = malloc(n), *lock = malloc(n), *dir = strdup(path), *slash;
	int r = KITH_E_NOMEM;

	if (part == NULL || lock == NULL || dir == NULL)
		goto done;
	(void)snprintf(part, n, "%s.part", path);
	(void)snprintf(lock, n, "%s.part-lock", path);         /* LMDB's, beside the copy while it is open */
	slash = strrchr(dir, '/');
	if (slash != NULL)
		slash[slash == dir] = '\0';
	if (access(path, F_OK) == 0) {
		kith_diag_set(diag, "%s is there already", path);
		r = KITH_E_EXISTS;
		goto done;
	}
	r = copy_to(s, part, diag);
	if (r == KITH_OK)
		r = finish_copy(s, part, diag);
	if (r == KITH_OK && rename(part, path) != 0) {
		kith_diag_set(diag, "cannot name %s: %s", path, strerror(errno));
		r = KITH_E_IO;
	}
	if (r == KITH_OK)
		r = kith_disk_sync_dir(slash != NULL ? dir : ".");
	(void)unlink(lock);
	if (r != KITH_OK)
		(void)unlink(part);
done:
	free(part);
	free(lock);
	free(dir);
	return r;
}
