#ifndef KITH_STORAGE_LMDB_H
#define KITH_STORAGE_LMDB_H

#include "base/error.h"
#include "storage/store.h"

/*
 * The store on disk: one LMDB environment in a directory of its own. One process
 * has it open, once. Write transactions begin and end in one thread; read
 * transactions may be begun in any. Never fork with a store open. FORMAT.md says
 * what is in the directory.
 */
struct kith_lmdb_options {
	uint64_t map_size;      /* bytes of address space to begin with; 0: 64 GiB, or as much as there is */
	uint64_t map_max;       /* it never grows beyond; 0: no such limit */
	unsigned max_readers;   /* read transactions open at once; 0: 256 */
	bool ballast;           /* keep a file that can be deleted when the disk is full */
	uint64_t disk_limit;    /* for tests: as if the disk had so many bytes, all for us; 0: ask the file system */
};

/*
 * Opens the store in dir (made if it is missing, its parent not); options may be
 * NULL. A store of an older format is brought up to date, in steps that survive
 * being killed; take a backup before. diag (may be NULL) says in words what is wrong:
 *   KITH_E_BUSY     another process, or this one, has it open
 *   KITH_E_DENIED   a file system over a network; a format newer than this program
 *   KITH_E_CORRUPT  the file is shorter than its contents, or damaged
 *   KITH_E_IO, KITH_E_FULL, KITH_E_NOMEM
 */
KITH_MUST_USE int kith_store_lmdb_open(const char *dir, const struct kith_lmdb_options *options, struct kith_diag *diag,
    struct kith_store **out);

/* How much room there is. Cheap enough to ask each second. */
enum kith_space_level {
	KITH_SPACE_OK,
	KITH_SPACE_WARN,        /* less than 10 % is free */
	KITH_SPACE_NO_MEDIA,    /* less than 7 %: take no more media */
	KITH_SPACE_READ_ONLY,   /* less than 5 % or 1 GiB, whichever is smaller: write nothing */
};
struct kith_lmdb_space {
	uint64_t total, free;           /* bytes, of the file system; free: for us */
	uint64_t file;                  /* length of the store's file */
	uint64_t map_size, map_used;    /* alarm when used is above 80 % and map_size has not grown */
	enum kith_space_level level;
};
KITH_MUST_USE int kith_store_lmdb_space(struct kith_store *s, struct kith_lmdb_space *out);     /* IO */
/* The level for so many free bytes of total: what the above says, as a pure function. */
enum kith_space_level kith_space_level(uint64_t total, uint64_t free);

/*
 * Each minute: forgets readers that died and lets the map grow if it should and
 * nothing is open. IO, CORRUPT.
 */
KITH_MUST_USE int kith_store_lmdb_tick(struct kith_store *s);

/*
 * A compacting copy into a new file, whatever else goes on meanwhile. Every
 * record in the copy is hashed again before it gets its name. Restoring is
 * putting it in an empty directory as data.mdb: it opens without an incarnation,
 * so the node draws a new one. Takes long; any thread. EXISTS: there is such a
 * file. CORRUPT: a record in the store is damaged, no copy was left.
 */
KITH_MUST_USE int kith_store_lmdb_backup(struct kith_store *s, const char *path, struct kith_diag *diag);

#define KITH_STORE_FORMAT 1

#endif
