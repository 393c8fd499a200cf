#ifndef KITH_DAEMON_FILES_H
#define KITH_DAEMON_FILES_H

#include "daemon/pool.h"
#include "storage/blob.h"
#include "storage/store.h"

/*
 * Files beside the store (client/files.h says who may have which): where they
 * lie, and the thread that waits for disks. Shared by all edges.
 */
#define KITH_FILES_SWEEP_S (24 * 3600)

struct kith_helpers;

struct kith_files {
	struct kith_store *store;
	struct kith_blobs *blobs;
	struct kith_pool *pool;
	struct kith_pool *pictures;             /* the thread that waits for pictures to be made anew */
	struct kith_helpers *helpers;           /* borrowed; without kith-media pictures are not taken */
};

/* Opens dir. IO, DENIED, FULL, NOMEM: d in words. */
KITH_MUST_USE int kith_files_open(struct kith_files *f, struct kith_store *store, struct kith_helpers *helpers, const char *dir,
    struct kith_diag *d);
void kith_files_stop(struct kith_files *f);                     /* its threads; what they had to post has been posted */
void kith_files_close(struct kith_files *f);                    /* safe twice */

/* On its thread, when it comes to it: remove what the store does not speak of and is a day old; or one file, if it is so. */
void kith_files_sweep(struct kith_files *f);
void kith_files_erase(struct kith_files *f, const struct kith_id *id);

/* For the engine (struct kith_file_source): ctx is a struct kith_files. */
KITH_MUST_USE int kith_files_read(void *ctx, const struct kith_id *id, uint64_t from, uint8_t *p, size_t *n);

#endif
