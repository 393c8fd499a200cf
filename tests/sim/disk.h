#ifndef KITH_TESTS_SIM_DISK_H
#define KITH_TESTS_SIM_DISK_H

#include "storage/store.h"

/*
 * A disk with troubles of its own, behind the function table of storage/store.h
 * over storage/mem.c. A write transaction that is aborted is what a crash before
 * the sync leaves: nothing.
 */
struct disk_troubles {
	bool full;                      /* whatever is put does not fit */
	uint32_t fail_in;               /* the so-manieth read from now fails once; 0: none */
	uint32_t flip_in;               /* the same: it gives back a record or a body with one bit turned */
	uint32_t flip_bit;
	bool calm;                      /* nothing of this for now: somebody looks on from outside */
	uint64_t failed, flipped;       /* how often that has happened */
};
struct kith_store *disk_new(void);
struct disk_troubles *disk_troubles(struct kith_store *s);
/* All that it holds by now, on a disk without troubles. */
struct kith_store *disk_copy(struct kith_store *s);

#endif
