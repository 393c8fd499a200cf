#ifndef KITH_CRYPTO_KEYFILE_H
#define KITH_CRYPTO_KEYFILE_H

#include "base/error.h"
#include "base/slice.h"
#include "crypto/sign.h"

/* Bytes from the system, for edges; the core is given its own (base/env.h). Never fails: aborts if the kernel has none. */
void kith_random_bytes(void *p, size_t n);

/*
 * A secret seed in a file: KITH_SEED_BYTES raw bytes, an ordinary file of mode
 * 0600 or less, ours. d (may be NULL) says in a sentence what is wrong and what
 * to do. Wipe the seed when done.
 *   KITH_E_NOTFOUND  there is no such file
 *   KITH_E_DENIED    others may read it, it is a link or no ordinary file, or not ours, or may not be opened
 *   KITH_E_CORRUPT   not 32 bytes, or all of them zero
 *   KITH_E_IO        it could not be read
 */
KITH_MUST_USE int kith_keyfile_read(const char *path, uint8_t seed[KITH_SEED_BYTES], struct kith_diag *d);
/*
 * A new random seed, on disk (file and folder synced) before this returns; after
 * a crash there is either all of it or nothing. EXISTS: never written over. IO, FULL, DENIED.
 */
KITH_MUST_USE int kith_keyfile_create(const char *path, uint8_t seed[KITH_SEED_BYTES], struct kith_diag *d);
/* Read it, or make it when there is none; *created (may be NULL) says which. */
KITH_MUST_USE int kith_keyfile_load(const char *path, uint8_t seed[KITH_SEED_BYTES], bool *created, struct kith_diag *d);
/* Any secret bytes as such a file, on the same terms. */
KITH_MUST_USE int kith_keyfile_write(const char *path, struct kith_slice bytes, struct kith_diag *d);

#endif
