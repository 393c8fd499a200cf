#include "daemon/files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/files.h"
#include "daemon/log.h"

#define QUEUE 64
#define QUEUE_PICTURES 16

int
kith_files_open(struct kith_files *f, struct kith_store *store, struct kith_helpers *helpers, const char *dir, struct kith_diag *d)
{
	int r = kith_blobs_open(dir, &f->blobs, d);

	f->store = store;
	f->helpers = helpers;
	if (r == KITH_OK) {
		f->pool = kith_pool_new("files", 1, QUEUE);
		f->pictures = kith_pool_new("pictures", 1, QUEUE_PICTURES);
		if (f->pool == NULL || f->pictures == NULL)
			r = KITH_E_NOMEM;
	}
	return r;
}

void
kith_files_stop(struct kith_files *f)
{
	kith_pool_free(f->pictures);
	f->pictures = NULL;
	kith_pool_free(f->pool);
	f->pool = NULL;
}

void
kith_files_close(struct kith_files *f)
{
	kith_files_stop(f);
	kith_blobs_close(f->blobs);
	f->blobs = NULL;
}

int
kith_files_read(void *ctx, const struct kith_id *id, uint64_t from, uint8_t *p, size_t *n)
{
	struct kith_files *f = ctx;
	uint64_t size;
	ssize_t got;
	int fd, r = kith_blob_open(f->blobs, id, &fd, &size);

	if (r != KITH_OK)
		return r;
	do
		got = pread(fd, p, *n, (off_t)from);
	while (got < 0 && errno == EINTR);
	close(fd);
	*n = got > 0 ? (size_t)got : 0;
	return got < 0 ? KITH_E_IO : KITH_OK;
}

/* ---- sweeping ---- */

/* In doubt it is. */
static bool
needed(void *ctx, const struct kith_id *id)
{
	struct kith_files *f = ctx;
	struct kith_txn *t = NULL;
	struct kith_file row;
	int r = kith_store_begin(f->store, false, &t);

	if (r == KITH_OK)
		r = kith_file_get(t, id, &row);
	kith_txn_abort(t);
	return r != KITH_E_NOTFOUND;
}

struct job {
	struct kith_files *f;
	struct kith_id id;
};

static void
run(void *arg, bool go)
{
	struct job *j = arg;
	size_t n = 0;
	int r = KITH_OK;

	if (go && kith_id_is_none(&j->id))
		r = kith_blobs_sweep(j->f->blobs, KITH_FILES_SWEEP_S, needed, j->f, &n);
	else if (go)
		r = kith_blob_remove(j->f->blobs, &j->id, needed, j->f);
	if (r != KITH_OK)
		KITH_LOG(WARN, "files", "cannot remove files that nobody needs: %s", kith_err_name(r));
	else if (n > 0)
		KITH_LOG(INFO, "files", "%zu files that nobody needs are gone", n);
	free(j);
}

static void
submit(struct kith_files *f, const struct kith_id *id)
{
	struct job *j = calloc(1, sizeof(*j));

	if (j == NULL)
		return;
	j->f = f;
	j->id = *id;
	/* what is left out now the next sweep finds */
	if (kith_pool_submit(f->pool, run, j) != KITH_OK)
		free(j);
}

void
kith_files_sweep(struct kith_files *f)
{
	submit(f, &kith_id_none);
}

void
kith_files_erase(struct kith_files *f, const struct kith_id *id)
{
	submit(f, id);
}
