#ifndef KITH_STORAGE_BLOB_H
#define KITH_STORAGE_BLOB_H

#include "base/error.h"
#include "base/slice.h"

/*
 * Files by content: each lies under the hash of its bytes (label "blob") in one
 * directory, and never changes. A new one is written under another name, synced,
 * renamed, and the directory synced; only then may the store speak of it, so a
 * row without a file cannot be. Files of which the store has stopped speaking
 * are swept. Any thread.
 */
struct kith_blobs;
struct kith_blob_draft;         /* one that is being written; one thread at a time */

/* Opens dir, made if it is missing; what was left half written by an earlier process goes. IO, DENIED, FULL, NOMEM. */
KITH_MUST_USE int kith_blobs_open(const char *dir, struct kith_blobs **out, struct kith_diag *d);
void kith_blobs_close(struct kith_blobs *b);                    /* NULL is fine; no draft open */

/* A new file of at most max bytes. NOMEM, IO, FULL. */
KITH_MUST_USE int kith_blob_begin(struct kith_blobs *b, uint64_t max, struct kith_blob_draft **out);
/* More of it. LIMIT: longer than max; FULL, IO. After an error only drop is left. */
KITH_MUST_USE int kith_blob_add(struct kith_blob_draft *w, struct kith_slice part);
uint64_t kith_blob_size(const struct kith_blob_draft *w);
int kith_blob_fd(const struct kith_blob_draft *w);              /* to be read, from any place; borrowed */
/*
 * Synced and in its place, whether it was there already or not. The draft is
 * over whatever the result. The store has ten minutes to speak of it: before
 * then nothing removes it. IO, FULL.
 */
KITH_MUST_USE int kith_blob_keep(struct kith_blob_draft *take_w, struct kith_id *id);
void kith_blob_drop(struct kith_blob_draft *take_w);            /* NULL is fine */

/* An open file descriptor, the caller's to close, and how long it is. NOTFOUND, IO. */
KITH_MUST_USE int kith_blob_open(const struct kith_blobs *b, const struct kith_id *id, int *fd, uint64_t *size);

/*
 * Removes every file older than age_s of which needed() says no; needed is asked
 * while no draft can take its place. How many went; an error ends it. IO.
 */
KITH_MUST_USE int kith_blobs_sweep(struct kith_blobs *b, uint64_t age_s, bool (*needed)(void *ctx, const struct kith_id *id), void *ctx,
    size_t *n_gone);
/* The same for one file, of any age. */
KITH_MUST_USE int kith_blob_remove(struct kith_blobs *b, const struct kith_id *id, bool (*needed)(void *ctx, const struct kith_id *id), void *ctx);

/* All files into a directory that is made if need be: what is there already is not copied again. d: in words. IO, FULL, CORRUPT. */
KITH_MUST_USE int kith_blobs_copy(struct kith_blobs *b, const char *to, struct kith_diag *d);

#endif
