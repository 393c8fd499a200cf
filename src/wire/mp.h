#ifndef KITH_WIRE_MP_H
#define KITH_WIRE_MP_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

/*
 * MessagePack in one form only: shortest integers and lengths, no floats, no
 * ext, no 0xc1; map keys ascending and unique (unsigned integers by value, then
 * strings as kith_slice_cmp orders them); strings are UTF-8 without NUL; nothing
 * after the value. Every byte from a
 * stranger passes kith_mp_check before anything else looks at it; readers below
 * may then trust the structure.
 */
#define KITH_MP_DEPTH_MAX 32

struct kith_mp_limits {
	uint32_t depth;                 /* nesting of arrays and maps, empty ones too; at most KITH_MP_DEPTH_MAX */
	uint32_t values;                /* in all; keys, arrays and maps count */
	bool nil;                       /* nil allowed (API values); records and frames: no, but where a page says so */
};

/* Allocates nothing, never recurses. MALFORMED or LIMIT. */
KITH_MUST_USE int kith_mp_check(struct kith_slice in, const struct kith_mp_limits *lim);

enum kith_mp_type { KITH_MP_NIL, KITH_MP_BOOL, KITH_MP_UINT, KITH_MP_INT /* negative */, KITH_MP_STR, KITH_MP_BIN,
	KITH_MP_ARRAY, KITH_MP_MAP, KITH_MP_END };

/*
 * Reading checked bytes, in order. Errors stick in r->err (MALFORMED: another
 * type, or none left): read on and check once. Slices borrow from the input.
 */
struct kith_mp_reader {
	struct kith_slice in;
	int err;
};
void kith_mp_read(struct kith_mp_reader *r, struct kith_slice in);
enum kith_mp_type kith_mp_peek(const struct kith_mp_reader *r);  /* KITH_MP_END: none left */
uint64_t kith_mp_uint(struct kith_mp_reader *r);
int64_t kith_mp_int(struct kith_mp_reader *r);                   /* any integer that fits */
bool kith_mp_bool(struct kith_mp_reader *r);
bool kith_mp_nil(struct kith_mp_reader *r);                      /* true, and past it, if the next is nil; else false */
struct kith_slice kith_mp_str(struct kith_mp_reader *r);
struct kith_slice kith_mp_bin(struct kith_mp_reader *r);
void kith_mp_bin_exact(struct kith_mp_reader *r, void *out, size_t n);   /* MALFORMED if not n bytes */
struct kith_id kith_mp_id(struct kith_mp_reader *r);             /* bin of 32 bytes */
struct kith_id kith_mp_id_given(struct kith_mp_reader *r);       /* the same, not all zero */
struct kith_id kith_mp_id_or_none(struct kith_mp_reader *r);     /* bin of 32 bytes, not all zero, or of 0: none */
uint32_t kith_mp_array(struct kith_mp_reader *r);                /* number of items that follow */
void kith_mp_array_exact(struct kith_mp_reader *r, uint32_t n);
uint32_t kith_mp_map(struct kith_mp_reader *r);                  /* number of pairs that follow */
struct kith_slice kith_mp_skip(struct kith_mp_reader *r);        /* one whole value, as bytes */
bool kith_mp_done(const struct kith_mp_reader *r);               /* no error and nothing left */
/* In a checked map (whole value in), the value under a string key: empty slice if absent or not a map. */
struct kith_slice kith_mp_find(struct kith_slice map, const char *key);

/* Writing: appends to a kith_buf, whose error sticks. The caller keeps map keys ascending. */
void kith_mp_put_nil(struct kith_buf *b);
void kith_mp_put_bool(struct kith_buf *b, bool v);
void kith_mp_put_uint(struct kith_buf *b, uint64_t v);
void kith_mp_put_int(struct kith_buf *b, int64_t v);
void kith_mp_put_str(struct kith_buf *b, struct kith_slice s);
void kith_mp_put_cstr(struct kith_buf *b, const char *s);
void kith_mp_put_bin(struct kith_buf *b, struct kith_slice s);
void kith_mp_put_id(struct kith_buf *b, const struct kith_id *id);
void kith_mp_put_id_or_none(struct kith_buf *b, const struct kith_id *id);       /* none: a bin of 0 bytes */
void kith_mp_put_array(struct kith_buf *b, uint32_t n);
void kith_mp_put_map(struct kith_buf *b, uint32_t n);
void kith_mp_put_raw(struct kith_buf *b, struct kith_slice value);               /* an encoded value, as it is */

/*
 * An open map or array whose length is not known yet: begin remembers a place,
 * end writes the true count in shortest form (moving what follows by up to four
 * bytes).
 */
size_t kith_mp_begin(struct kith_buf *b);
void kith_mp_end_map(struct kith_buf *b, size_t mark, uint32_t pairs);
void kith_mp_end_array(struct kith_buf *b, size_t mark, uint32_t items);

#endif
