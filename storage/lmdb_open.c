#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/disk.h"
#include "storage/ledger.h"
#include "storage/lmdb_in.h"

#define MAP_SIZE (sizeof(size_t) > 4 ? UINT64_C(64) << 30 : UINT64_C(1) << 30)
#define MAP_MIN (UINT64_C(64) << 20)
#define READERS 256

static const char *const table_names[KITH_T_COUNT_] = {
	[KITH_T_META] = "meta", [KITH_T_LOG] = "log", [KITH_T_BODY] = "body", [KITH_T_STATE] = "state",
	[KITH_T_IDX] = "idx", [KITH_T_FEEDS] = "feeds", [KITH_T_FEED] = "feed", [KITH_T_PLACE] = "place",
	[KITH_T_ORDER] = "order", [KITH_T_TARGET] = "target", [KITH_T_SCOPES] = "scopes", [KITH_T_OBJECT] = "object",
	[KITH_T_GROUP] = "group", [KITH_T_FACT] = "fact", [KITH_T_ROSTER] = "roster", [KITH_T_CHANGE] = "change",
	[KITH_T_ACCOUNT] = "account", [KITH_T_HANDLE] = "handle", [KITH_T_SESSION] = "session",
	[KITH_T_USER] = "user", [KITH_T_NODE] = "node", [KITH_T_MAIL] = "mail", [KITH_T_INVITE] = "invite",
	[KITH_T_TXN] = "txn", [KITH_T_DUE] = "due", [KITH_T_PROOF] = "proof",
	[KITH_T_BLOB] = "blob", [KITH_T_WANT] = "want",
};

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
		/* EINVAL: under valgrind */
		if ((rc != ENOMEM && rc != EINVAL) || map_size / 2 < MAP_MIN)
			return rc;
	}
}

/* An empty environment at path, a file, synced. */
static int
make_env(struct lm *s, const char *path)
{
	int rc = env_open(s, path, MDB_NOSUBDIR, MAP_MIN);

	if (rc == 0)
		rc = mdb_env_sync(s->env, 1);
	if (s->env != NULL)
		mdb_env_close(s->env);
	s->env = NULL;
	return rc;
}

/* The file gets its name when it is whole: LMDB opens none that a power loss left half made. */
static int
make_file(struct lm *s, const char *dir, struct kith_diag *diag)
{
	size_t n = strlen(dir) + sizeof("/data.mdb.new-lock");
	char *path = malloc(n), *fresh = malloc(n), *lock = malloc(n);
	int rc = 0, r = KITH_E_NOMEM;

	if (path == NULL || fresh == NULL || lock == NULL)
		goto done;
	(void)snprintf(path, n, "%s/data.mdb", dir);
	(void)snprintf(fresh, n, "%s/data.mdb.new", dir);
	(void)snprintf(lock, n, "%s/data.mdb.new-lock", dir);
	r = KITH_OK;
	if (access(path, F_OK) == 0)
		goto done;
	(void)unlink(fresh);
	rc = make_env(s, fresh);
	(void)unlink(lock);
	if (rc == 0 && rename(fresh, path) != 0)
		rc = errno;
	if (rc != 0) {
		kith_diag_set(diag, "cannot make %s: %s", path, mdb_strerror(rc));
		(void)unlink(fresh);
		r = kith_lm_code(rc);
	}
done:
	free(path);
	free(fresh);
	free(lock);
	return r;
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
	uint64_t have = kith_lm_file_length(s), need, size;
	bool ok = false;
	int rc = mdb_env_info(s->env, &info);

	if (rc == 0)
		rc = mdb_env_stat(s->env, &st);
	if (rc == 0)
		rc = mdb_env_get_fd(s->env, &fd);
	if (rc != 0)
		return kith_lm_code(rc);
	kith_lm_map_use(s, &size, &need);
	if (have >= need)
		return KITH_OK;
	if (have >= 2 * (uint64_t)st.ms_psize) {
		if (ftruncate(fd, (off_t)need) != 0)
			return kith_lm_code(errno);
		rc = all_free(s, have / st.ms_psize, info.me_last_pgno, &ok);
		if (rc == 0 && ok)
			return KITH_OK;
		if (ftruncate(fd, (off_t)have) != 0)
			return kith_lm_code(errno);
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
	MDB_val k = { sizeof(format_key) - 1, (void *)(uintptr_t)format_key }, v;
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
		return kith_lm_code(rc);
	if (format > KITH_STORE_FORMAT) {
		kith_diag_set(diag, "the store in %s has format %u and this program knows formats up to %u; use the newer program, "
		    "or the backup made before it was used", s->dir, (unsigned)format, (unsigned)KITH_STORE_FORMAT);
		return KITH_E_DENIED;
	}
	rc = open_tables(s, false);
	if (rc == MDB_NOTFOUND)
		rc = open_tables(s, true);
	if (rc != 0)
		return kith_lm_code(rc);
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

/* Makes dir, in a way that its name is there after a power loss too: also when an earlier start had no time for that. */
static int
make_dir(const char *dir, struct kith_diag *diag)
{
	size_t n = strlen(dir) + sizeof("/..");
	char *above;
	int r;

	if (mkdir(dir, 0700) != 0 && errno != EEXIST) {
		kith_diag_set(diag, "cannot make %s: %s", dir, strerror(errno));
		return errno == ENOSPC || errno == EDQUOT ? KITH_E_FULL : KITH_E_IO;
	}
	above = malloc(n);
	if (above == NULL)
		return KITH_E_NOMEM;
	(void)snprintf(above, n, "%s/..", dir);
	r = kith_disk_sync_dir(above);
	if (r != KITH_OK && (errno == EACCES || errno == EPERM))
		r = KITH_OK;                    /* whose it is has made dir for us */
	if (r != KITH_OK)
		kith_diag_set(diag, "cannot sync the folder of %s: %s", dir, strerror(errno));
	free(above);
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
	r = make_dir(dir, diag);
	if (r != KITH_OK)
		goto fail;
	r = kith_lm_new(dir, options, &s);
	if (r == KITH_OK)
		r = kith_disk_check(dir, diag);
	if (r == KITH_OK)
		r = take_lock(s, diag);
	if (r != KITH_OK)
		goto fail;
	r = make_file(s, dir, diag);
	if (r != KITH_OK)
		goto fail;
	rc = env_open(s, dir, 0, s->opt.map_size != 0 ? s->opt.map_size : MAP_SIZE);
	if (rc != 0) {
		kith_diag_set(diag, "cannot open the store in %s: %s", dir, mdb_strerror(rc));
		r = kith_lm_code(rc);
		goto fail;
	}
	r = check_length(s, diag);
	if (r == KITH_OK)
		r = kith_lm_code(mdb_reader_check(s->env, &dead));
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
		kith_lm_free(s);
	return r;
}

/* ---- upkeep ---- */

int
kith_store_lmdb_space(struct kith_store *store, struct kith_lmdb_space *out)
{
	struct lm *s = kith_lm_from(store);
	struct kith_lmdb_space sp = { .file = kith_lm_file_length(s) };
	int r = kith_disk_room(s->dir, s->opt.disk_limit, sp.file, &sp.total, &sp.free);

	if (r != KITH_OK)
		return r;
	kith_lm_map_use(s, &sp.map_size, &sp.map_used);
	sp.level = kith_space_level(sp.total, sp.free);
	*out = sp;
	return KITH_OK;
}

int
kith_store_lmdb_tick(struct kith_store *store)
{
	struct lm *s = kith_lm_from(store);
	int dead;

	(void)pthread_mutex_lock(&s->mutex);
	if (s->n_open == 0)
		kith_lm_maybe_grow(s);
	(void)pthread_mutex_unlock(&s->mutex);
	return kith_lm_code(mdb_reader_check(s->env, &dead));
}

/* Opens the copy at path by itself, hashes every record in it, and marks it as a copy. */
static int
finish_copy(const struct lm *of, const char *path, struct kith_diag *diag)
{
	struct kith_txn *t = NULL;
	uint64_t pos = 1, bad = 0, size, used;
	size_t n_bad = 0;
	struct lm *s;
	int r, rc;

	r = kith_lm_new(of->dir, NULL, &s);
	if (r != KITH_OK)
		return r;
	kith_lm_map_use(of, &size, &used);
	rc = env_open(s, path, MDB_NOSUBDIR, used * 2 < MAP_MIN ? MAP_MIN : used * 2);
	if (rc == 0)
		rc = open_tables(s, false);
	r = kith_lm_code(rc);
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
	kith_lm_free(s);
	return r;
}

static int
copy_to(struct lm *s, const char *path, struct kith_diag *diag)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), rc;

	if (fd < 0) {
		kith_diag_set(diag, "cannot write %s: %s", path, strerror(errno));
		return kith_lm_code(errno);
	}
	kith_lm_count_open(s, 1);                               /* it reads: the map must stay where it is */
	rc = mdb_env_copyfd2(s->env, fd, MDB_CP_COMPACT);
	kith_lm_count_open(s, -1);
	if (rc == 0 && fsync(fd) != 0)
		rc = errno;
	if (close(fd) != 0 && rc == 0)
		rc = errno;
	if (rc != 0)
		kith_diag_set(diag, "cannot copy the store to %s: %s", path, mdb_strerror(rc));
	return kith_lm_code(rc);
}

int
kith_store_lmdb_backup(struct kith_store *store, const char *path, struct kith_diag *diag)
{
	struct lm *s = kith_lm_from(store);
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
