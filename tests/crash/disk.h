#ifndef KITH_TESTS_CRASH_DISK_H
#define KITH_TESTS_CRASH_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/sign.h"

/*
 * What a disk may hold after the power went, worked out from the log of wlog.h.
 *
 * The power goes while operation `at` is under way. Writes and sizes that a sync
 * of their file came after, and names that a sync of their folder came after, are
 * there; so is what was written through. Of all else each piece may be there or
 * not, whatever its neighbours are: a write, a sector of one (512 bytes, or
 * 4,096), a size, a name, a renaming.
 */
struct disk;

/* at: 0 .. wlog_count(). */
struct disk *disk_new(size_t at);
void disk_free(struct disk *d);
/* Operations of which nobody knows whether they are there. */
size_t disk_undecided(const struct disk *d);

/* Which of them are: one call makes one disk. */
struct disk_choice {
	enum { DISK_BITS, DISK_TORN } kind;
	const uint8_t *keep;    /* BITS: a byte for each undecided one */
	uint64_t seed;          /* TORN: drawn from this, sector by sector */
	unsigned sector;        /* TORN: 512 or 4096 */
	unsigned percent;       /* TORN: how many stay */
};
void disk_choose(struct disk *d, const struct disk_choice *c);
/* Names all that is on the chosen disk. */
struct kith_id disk_hash(const struct disk *d);
/* Puts it into an empty directory. */
void disk_write(const struct disk *d, const char *dir);

#endif
