#ifndef KITH_STORAGE_DISK_H
#define KITH_STORAGE_DISK_H

#include <stdio.h>

#include "base/error.h"
#include "storage/lmdb.h"

/* What the disk under a directory is and holds: lmdb.c's, for nobody else. */

/* DENIED and a sentence when dir lies on a file system that a store may not be on. IO. */
KITH_MUST_USE int kith_disk_check(const char *dir, struct kith_diag *diag);

/* The name of a file system kind (statfs f_type) that a store may not be on; NULL: fine, or to be asked further. */
const char *kith_disk_fs_refused(uint64_t magic);

/*
 * All FUSE file systems have one number; which one is mounted as device maj:min
 * stands in mountinfo (/proc/self/mountinfo, read from where it is):
 *	36 35 0:98 / /mnt rw - fuse.sshfs host:/ rw
 * Local ones are let through, unknown ones are not; name gets what it is called.
 */
bool kith_disk_fuse_local(FILE *mountinfo, unsigned maj, unsigned min, char *name, size_t n_name);

/*
 * Bytes of the file system that holds dir, and how many more we may write there
 * into a file that has file_len now. limit: as in kith_lmdb_options. IO.
 */
KITH_MUST_USE int kith_disk_room(const char *dir, uint64_t limit, uint64_t file_len, uint64_t *total, uint64_t *free);

/* Makes dir/ballast, the smaller of 64 MiB and 1 % of total, unless it is there. FULL, IO: none was left behind. */
KITH_MUST_USE int kith_disk_ballast(const char *dir, uint64_t total);

/* Makes names in dir durable. IO. */
KITH_MUST_USE int kith_disk_sync_dir(const char *dir);

#endif
