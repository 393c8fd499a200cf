#include "base/b32.h"

#include <string.h>

static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";

static int
digit(uint8_t c)
{
	if (c >= 'a' && c <= 'z')
		return c - 'a';
	if (c >= '2' && c <= '7')
		return c - '2' + 26;
	return -1;
}

void
kith_b32_encode(struct kith_slice in, char *out)
{
	uint32_t acc = 0;
	unsigned bits = 0;
	size_t i;

	for (i = 0; i < in.n; i++) {
		acc = (acc << 8 | in.p[i]) & 0xfff;
		for (bits += 8; bits >= 5; bits -= 5)
			*out++ = alphabet[acc >> (bits - 5) & 31];
	}
	if (bits > 0)
		*out++ = alphabet[acc << (5 - bits) & 31];
	*out = '\0';
}

/* All of in's digits, whole bytes only; what is left over is given back as bits and their number. */
static int
take_digits(struct kith_slice in, uint8_t *out, uint32_t *rest, unsigned *n_rest)
{
	uint32_t acc = 0;
	unsigned bits = 0;
	size_t i;
	int d;

	for (i = 0; i < in.n; i++) {
		d = digit(in.p[i]);
		if (d < 0)
			return KITH_E_MALFORMED;
		acc = (acc << 5 | (uint32_t)d) & 0xfff;
		bits += 5;
		if (bits >= 8) {
			bits -= 8;
			*out++ = (uint8_t)(acc >> bits);
		}
	}
	*rest = acc & ((1u << bits) - 1);
	*n_rest = bits;
	return KITH_OK;
}

int
kith_b32_decode(struct kith_slice in, uint8_t *out, size_t cap, size_t *out_len)
{
	size_t n = in.n / 8 * 5 + in.n % 8 * 5 / 8;
	uint32_t rest;
	unsigned n_rest;
	size_t i;

	for (i = 0; i < in.n; i++)
		if (digit(in.p[i]) < 0)
			return KITH_E_MALFORMED;
	if (n > cap)
		return KITH_E_LIMIT;
	if (take_digits(in, out, &rest, &n_rest) != KITH_OK || n_rest >= 5 || rest != 0)
		return KITH_E_MALFORMED;
	*out_len = n;
	return KITH_OK;
}

const char *
kith_id_str(const struct kith_id *id, char out[KITH_ID_STR])
{
	kith_b32_encode(kith_id_slice(id), out);
	return out;
}

int
kith_id_parse(struct kith_slice s, struct kith_id *out)
{
	struct kith_id id = kith_id_none;
	size_t n;

	if (s.n != KITH_ID_STR - 1 || kith_b32_decode(s, id.b, sizeof(id.b), &n) != KITH_OK)
		return KITH_E_MALFORMED;
	*out = id;
	return KITH_OK;
}

int
kith_id_prefix_range(struct kith_slice s, struct kith_id *lo, struct kith_id *hi)
{
	struct kith_id a, b;
	uint32_t rest;
	unsigned n_rest;
	size_t n;

	if (s.n < 6 || s.n > KITH_ID_STR - 1)
		return KITH_E_MALFORMED;
	memset(a.b, 0, sizeof(a.b));
	if (take_digits(s, a.b, &rest, &n_rest) != KITH_OK)
		return KITH_E_MALFORMED;
	n = s.n * 5 / 8;
	b = a;
	memset(b.b + n, 0xff, sizeof(b.b) - n);
	if (n == sizeof(a.b)) {
		if (rest != 0)
			return KITH_E_MALFORMED;
	} else if (n_rest > 0) {
		a.b[n] = (uint8_t)(rest << (8 - n_rest));
		b.b[n] = (uint8_t)(a.b[n] | (0xffu >> n_rest));
	}
	*lo = a;
	*hi = b;
	return KITH_OK;
}
