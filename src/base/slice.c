#include "base/slice.h"

#include <string.h>

#include "base/error.h"

const struct kith_id kith_id_none;

struct kith_slice
kith_slice_of(const void *p, size_t n)
{
	return (struct kith_slice){ p, n };
}

struct kith_slice
kith_slice_str(const char *s)
{
	return (struct kith_slice){ (const uint8_t *)s, strlen(s) };
}

struct kith_slice
kith_slice_from(struct kith_slice s, size_t i)
{
	kith_assert(i <= s.n);
	if (i == 0)
		return s;
	return (struct kith_slice){ s.p + i, s.n - i };
}

bool
kith_slice_eq(struct kith_slice a, struct kith_slice b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

int
kith_slice_cmp(struct kith_slice a, struct kith_slice b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int r = n == 0 ? 0 : memcmp(a.p, b.p, n);

	if (r != 0)
		return r < 0 ? -1 : 1;
	return a.n < b.n ? -1 : a.n > b.n;
}

bool
kith_slice_is(struct kith_slice a, const char *s)
{
	return kith_slice_eq(a, kith_slice_str(s));
}

bool
kith_id_eq(const struct kith_id *a, const struct kith_id *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

int
kith_id_cmp(const struct kith_id *a, const struct kith_id *b)
{
	int r = memcmp(a->b, b->b, sizeof(a->b));

	return r < 0 ? -1 : r > 0;
}

bool
kith_id_is_none(const struct kith_id *a)
{
	return kith_id_eq(a, &kith_id_none);
}

struct kith_slice
kith_id_slice(const struct kith_id *a)
{
	return (struct kith_slice){ a->b, sizeof(a->b) };
}

uint64_t
kith_id_prefix(const struct kith_id *a)
{
	return kith_get_be64(a->b);
}

void
kith_put_be16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

void
kith_put_be32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

void
kith_put_be64(uint8_t *p, uint64_t v)
{
	kith_put_be32(p, (uint32_t)(v >> 32));
	kith_put_be32(p + 4, (uint32_t)v);
}

uint16_t
kith_get_be16(const uint8_t *p)
{
	return (uint16_t)((uint16_t)p[0] << 8 | p[1]);
}

uint32_t
kith_get_be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

uint64_t
kith_get_be64(const uint8_t *p)
{
	return (uint64_t)kith_get_be32(p) << 32 | kith_get_be32(p + 4);
}

bool
kith_size_add(size_t a, size_t b, size_t *out)
{
	if (b > SIZE_MAX - a)
		return false;
	*out = a + b;
	return true;
}

bool
kith_size_mul(size_t a, size_t b, size_t *out)
{
	if (b != 0 && a > SIZE_MAX / b)
		return false;
	*out = a * b;
	return true;
}

bool
kith_utf8_ok(struct kith_slice s)
{
	const uint8_t *p = s.p;
	size_t i = 0, k, need;
	uint32_t c, least;

	while (i < s.n) {
		if (p[i] < 0x80) {
			if (p[i++] == 0)
				return false;
			continue;
		}
		if ((p[i] & 0xe0) == 0xc0) {
			need = 1;
			least = 0x80;
			c = p[i] & 0x1fu;
		} else if ((p[i] & 0xf0) == 0xe0) {
			need = 2;
			least = 0x800;
			c = p[i] & 0x0fu;
		} else if ((p[i] & 0xf8) == 0xf0) {
			need = 3;
			least = 0x10000;
			c = p[i] & 0x07u;
		} else {
			return false;
		}
		if (s.n - i <= need)
			return false;
		for (k = 1; k <= need; k++) {
			if ((p[i + k] & 0xc0) != 0x80)
				return false;
			c = c << 6 | (p[i + k] & 0x3fu);
		}
		if (c < least || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
			return false;
		i += need + 1;
	}
	return true;
}
