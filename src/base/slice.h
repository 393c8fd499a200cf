#ifndef KITH_BASE_SLICE_H
#define KITH_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Borrowed bytes. p may be NULL when n is 0. */
struct kith_slice {
	const uint8_t *p;
	size_t n;
};

/* A 32-byte public identifier: of a record, node, account, group, panel, object ... All zero: none. */
#define KITH_ID_BYTES 32
struct kith_id {
	uint8_t b[KITH_ID_BYTES];
};

struct kith_slice kith_slice_of(const void *p, size_t n);
struct kith_slice kith_slice_str(const char *s);                 /* without the NUL */
struct kith_slice kith_slice_from(struct kith_slice s, size_t i);   /* s without its first i <= s.n bytes */
bool kith_slice_eq(struct kith_slice a, struct kith_slice b);
int kith_slice_cmp(struct kith_slice a, struct kith_slice b);       /* as memcmp, shorter first */
bool kith_slice_is(struct kith_slice a, const char *s);

extern const struct kith_id kith_id_none;
bool kith_id_eq(const struct kith_id *a, const struct kith_id *b);
int kith_id_cmp(const struct kith_id *a, const struct kith_id *b);
bool kith_id_is_none(const struct kith_id *a);
struct kith_slice kith_id_slice(const struct kith_id *a);           /* borrows a */
/* The hash to put an id in a table by: its first eight bytes, since ids are hashes (mix a secret where strangers choose them). */
uint64_t kith_id_prefix(const struct kith_id *a);                   /* big-endian, so order is kept */

/* Big-endian integers in byte strings: keys sort as the numbers do. */
void kith_put_be16(uint8_t *p, uint16_t v);
void kith_put_be32(uint8_t *p, uint32_t v);
void kith_put_be64(uint8_t *p, uint64_t v);
uint16_t kith_get_be16(const uint8_t *p);
uint32_t kith_get_be32(const uint8_t *p);
uint64_t kith_get_be64(const uint8_t *p);

/* false: it does not fit, *out untouched */
bool kith_size_add(size_t a, size_t b, size_t *out);
bool kith_size_mul(size_t a, size_t b, size_t *out);

/* Valid UTF-8 (no surrogates, no overlong forms, at most U+10FFFF) without NUL. */
bool kith_utf8_ok(struct kith_slice s);

#endif
