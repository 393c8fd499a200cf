#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
kith_buf_init(struct kith_buf *b, size_t max)
{
	*b = (struct kith_buf){ .max = max };
}

void
kith_buf_fini(struct kith_buf *b)
{
	free(b->p);
	*b = (struct kith_buf){ .max = b->max };
}

void
kith_buf_reset(struct kith_buf *b)
{
	b->n = 0;
	b->err = KITH_OK;
}

static void
fail(struct kith_buf *b, int err)
{
	if (b->err == KITH_OK)
		b->err = err;
}

static bool
resize(struct kith_buf *b, size_t cap)
{
	uint8_t *p = realloc(b->p, cap);

	if (p == NULL) {
		fail(b, KITH_E_NOMEM);
		return false;
	}
	b->p = p;
	b->cap = cap;
	return true;
}

uint8_t *
kith_buf_room(struct kith_buf *b, size_t n)
{
	size_t need, cap;

	if (b->err != KITH_OK)
		return NULL;
	if (!kith_size_add(b->n, n, &need) || (b->max != 0 && need > b->max)) {
		fail(b, KITH_E_LIMIT);
		return NULL;
	}
	if (need > b->cap || b->p == NULL) {
		if (!kith_size_mul(b->cap, 2, &cap) || cap < need)
			cap = need;
		if (cap < 64)
			cap = 64;
		if (!resize(b, cap))
			return NULL;
	}
	b->n = need;
	return b->p + (need - n);
}

void
kith_buf_put(struct kith_buf *b, const void *p, size_t n)
{
	uint8_t *to;

	if (n == 0)
		return;
	to = kith_buf_room(b, n);
	if (to != NULL)
		memcpy(to, p, n);
}

void
kith_buf_put_slice(struct kith_buf *b, struct kith_slice s)
{
	kith_buf_put(b, s.p, s.n);
}

void
kith_buf_put_str(struct kith_buf *b, const char *s)
{
	kith_buf_put(b, s, strlen(s));
}

void
kith_buf_put_u8(struct kith_buf *b, uint8_t v)
{
	kith_buf_put(b, &v, 1);
}

void
kith_buf_printf(struct kith_buf *b, const char *fmt, ...)
{
	char small[256];
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(small, sizeof(small), fmt, ap);
	va_end(ap);
	if (n < 0) {
		fail(b, KITH_E_LIMIT);          /* an argument that cannot be printed, or over INT_MAX */
		return;
	}
	if ((size_t)n < sizeof(small)) {
		kith_buf_put(b, small, (size_t)n);
		return;
	}
	p = malloc((size_t)n + 1);
	if (p == NULL) {
		fail(b, KITH_E_NOMEM);
		return;
	}
	va_start(ap, fmt);
	(void)vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	kith_buf_put(b, p, (size_t)n);
	free(p);
}

void
kith_buf_drop(struct kith_buf *b, size_t n)
{
	kith_assert(n <= b->n);
	if (n == 0)
		return;
	memmove(b->p, b->p + n, b->n - n);
	b->n -= n;
}

struct kith_slice
kith_buf_slice(const struct kith_buf *b)
{
	return (struct kith_slice){ b->p, b->n };
}

int
kith_buf_err(const struct kith_buf *b)
{
	return b->err;
}

uint8_t *
kith_buf_take(struct kith_buf *b, size_t *n)
{
	uint8_t *p;

	if (b->err != KITH_OK)
		return NULL;
	if (b->n == b->cap && (b->n == SIZE_MAX || !resize(b, b->n + 1)))
		return NULL;
	p = b->p;
	p[b->n] = 0;
	*n = b->n;
	*b = (struct kith_buf){ .max = b->max };
	return p;
}
