#ifndef KITH_TESTS_UNIT_KIT_H
#define KITH_TESTS_UNIT_KIT_H

#include "base/buf.h"
#include "base/env.h"
#include "crypto/sign.h"

/*
 * Keys, ids and records to test with. Whatever has a name comes from it, so that
 * every run and every machine makes the same bytes.
 */

/* Verifies for real, throws no dice. Also makes libsodium ready. */
const struct kith_env *kit_env(void);
/* The key of this name: its seed is the id of the name. Kept until the end of the process. */
const struct kith_signer *kit_key(const char *name);
const uint8_t *kit_pk(const char *name);
/* kith_hash(KITH_L_OBJECT, name) */
struct kith_id kit_id(const char *name);
struct kith_slice kit_pk_slice(const char *name);

/* An array or map taken apart, so that one item can be exchanged for any bytes. Room for 32. */
struct kit_parts {
	size_t n;
	struct kith_buf part[32];
};
void kit_parts_split(struct kit_parts *p, struct kith_slice array);      /* a checked array */
void kit_parts_set(struct kit_parts *p, size_t i, struct kith_slice bytes);
void kit_parts_join(const struct kit_parts *p, struct kith_buf *out);    /* appends the array */
void kit_parts_fini(struct kit_parts *p);

#endif
