#ifndef KITH_BASE_B32_H
#define KITH_BASE_B32_H

#include "base/error.h"
#include "base/slice.h"

/*
 * Lower-case base32 (RFC 4648 alphabet a-z 2-7, no padding): how people see
 * ids. 32 bytes make 52 characters. Decoding takes only the form that encoding
 * makes (lower case, spare bits zero).
 */
#define KITH_B32_LEN(n) (((n) * 8 + 4) / 5)
#define KITH_ID_STR (KITH_B32_LEN(KITH_ID_BYTES) + 1)

/* Writes KITH_B32_LEN(in.n) characters and a NUL. */
void kith_b32_encode(struct kith_slice in, char *out);
/* in.n characters to *out_len bytes; out has room for cap. MALFORMED, LIMIT. */
KITH_MUST_USE int kith_b32_decode(struct kith_slice in, uint8_t *out, size_t cap, size_t *out_len);

const char *kith_id_str(const struct kith_id *id, char out[KITH_ID_STR]);      /* returns out */
KITH_MUST_USE int kith_id_parse(struct kith_slice s, struct kith_id *out);      /* exactly 52 characters */
/*
 * A prefix of 6 to 52 characters as the range of ids it stands for: lo <= id <= hi.
 */
KITH_MUST_USE int kith_id_prefix_range(struct kith_slice s, struct kith_id *lo, struct kith_id *hi);

#endif
