#ifndef KITH_BASE_BUF_H
#define KITH_BASE_BUF_H

#include "base/error.h"
#include "base/slice.h"

/*
 * A byte string that grows. Errors stick: after one failed growth every later
 * call is a no-op and kith_buf_err tells; so writers check once, at the end.
 */
struct kith_buf {
	uint8_t *p;
	size_t n, cap;
	size_t max;             /* never more bytes than this; 0: no ceiling of its own */
	int err;                /* KITH_OK, KITH_E_NOMEM or KITH_E_LIMIT */
};

void kith_buf_init(struct kith_buf *b, size_t max);
void kith_buf_fini(struct kith_buf *b);                  /* safe twice */
void kith_buf_reset(struct kith_buf *b);                 /* empty, memory kept, error forgotten */
void kith_buf_put(struct kith_buf *b, const void *p, size_t n);
void kith_buf_put_slice(struct kith_buf *b, struct kith_slice s);
void kith_buf_put_str(struct kith_buf *b, const char *s);
void kith_buf_put_u8(struct kith_buf *b, uint8_t v);
void kith_buf_printf(struct kith_buf *b, const char *fmt, ...) KITH_PRINTF(2, 3);
/* n bytes to write into, already counted; NULL after an error. */
uint8_t *kith_buf_room(struct kith_buf *b, size_t n);
void kith_buf_drop(struct kith_buf *b, size_t n);        /* forget the first n <= b->n bytes */
struct kith_slice kith_buf_slice(const struct kith_buf *b);
int kith_buf_err(const struct kith_buf *b);
/* The bytes, malloced, NUL after the last; *b is empty afterwards. NULL after an error. Caller frees. */
uint8_t *kith_buf_take(struct kith_buf *b, size_t *n);

#endif
