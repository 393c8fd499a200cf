#include "wire/mp.h"

#include <string.h>

/* One header: a scalar with its value, or the promise of body bytes or of kids. */
struct header {
	enum kith_mp_type type;
	uint64_t v;             /* uint; bool; a negative integer's two's complement */
	uint64_t body;          /* bytes of str or bin that follow */
	uint64_t kids;          /* values that follow: items, or keys and values */
};

static uint64_t
get_be(const uint8_t *p, size_t n)
{
	uint64_t v = 0;
	size_t i;

	for (i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

/* A length or integer of 1, 2, 4 or 8 bytes is only for what the next shorter form cannot hold. */
static bool
shortest(uint64_t v, size_t width, uint64_t least_of_one)
{
	switch (width) {
	case 1: return v >= least_of_one;
	case 2: return v > UINT8_MAX;
	case 4: return v > UINT16_MAX;
	default: return v > UINT32_MAX;
	}
}

static bool
shortest_negative(int64_t v, size_t width)
{
	switch (width) {
	case 1: return v < -32;
	case 2: return v < INT8_MIN;
	case 4: return v < INT16_MIN;
	default: return v < INT32_MIN;
	}
}

/* Reads the header at *in and moves past it. MALFORMED: cut short, not the shortest form, or of no allowed kind. */
static int
take_header(struct kith_slice *in, struct header *h)
{
	uint8_t c;
	size_t width = 0;
	uint64_t least = 0, v;

	*h = (struct header){ .type = KITH_MP_NIL };
	if (in->n == 0)
		return KITH_E_MALFORMED;
	c = in->p[0];
	if (c <= 0x7f) {
		h->type = KITH_MP_UINT;
		h->v = c;
	} else if (c <= 0x8f) {
		h->type = KITH_MP_MAP;
		h->kids = (uint64_t)(c & 0x0f) * 2;
	} else if (c <= 0x9f) {
		h->type = KITH_MP_ARRAY;
		h->kids = c & 0x0f;
	} else if (c <= 0xbf) {
		h->type = KITH_MP_STR;
		h->body = c & 0x1f;
	} else if (c >= 0xe0) {
		h->type = KITH_MP_INT;
		h->v = (uint64_t)((int64_t)c - 256);
	} else {
		switch (c) {
		case 0xc0:
			break;
		case 0xc2:
		case 0xc3:
			h->type = KITH_MP_BOOL;
			h->v = c & 1;
			break;
		case 0xc4:
		case 0xc5:
		case 0xc6:
			h->type = KITH_MP_BIN;
			width = (size_t)1 << (c - 0xc4);
			break;
		case 0xcc:
		case 0xcd:
		case 0xce:
		case 0xcf:
			h->type = KITH_MP_UINT;
			width = (size_t)1 << (c - 0xcc);
			least = 0x80;
			break;
		case 0xd0:
		case 0xd1:
		case 0xd2:
		case 0xd3:
			h->type = KITH_MP_INT;
			width = (size_t)1 << (c - 0xd0);
			break;
		case 0xd9:
		case 0xda:
		case 0xdb:
			h->type = KITH_MP_STR;
			width = (size_t)1 << (c - 0xd9);
			least = 32;
			break;
		case 0xdc:
		case 0xdd:
			h->type = KITH_MP_ARRAY;
			width = (size_t)2 << (c - 0xdc);
			break;
		case 0xde:
		case 0xdf:
			h->type = KITH_MP_MAP;
			width = (size_t)2 << (c - 0xde);
			break;
		default:                /* floats, extensions, 0xc1 */
			return KITH_E_MALFORMED;
		}
	}
	if (in->n < 1 + width)
		return KITH_E_MALFORMED;
	if (width > 0) {
		v = get_be(in->p + 1, width);
		if (h->type == KITH_MP_INT) {
			if (width < 8)          /* sign-extend */
				v = (v ^ (UINT64_C(1) << (width * 8 - 1))) - (UINT64_C(1) << (width * 8 - 1));
			if (!shortest_negative((int64_t)v, width))
				return KITH_E_MALFORMED;
		} else if (h->type == KITH_MP_ARRAY || h->type == KITH_MP_MAP) {
			if (width == 2 ? v < 16 : v <= UINT16_MAX)
				return KITH_E_MALFORMED;
		} else if (!shortest(v, width, least)) {
			return KITH_E_MALFORMED;
		}
		if (h->type == KITH_MP_STR || h->type == KITH_MP_BIN)
			h->body = v;
		else if (h->type == KITH_MP_ARRAY)
			h->kids = v;
		else if (h->type == KITH_MP_MAP)
			h->kids = v * 2;
		else
			h->v = v;
	}
	*in = kith_slice_from(*in, 1 + width);
	return KITH_OK;
}

/* A key of a map, kept to see that the next one is greater: integers first, then strings. */
struct key {
	bool any, is_str;
	uint64_t v;
	struct kith_slice s;
};

static bool
key_follows(const struct key *last, const struct key *k)
{
	if (!last->any)
		return true;
	if (last->is_str != k->is_str)
		return k->is_str;
	return k->is_str ? kith_slice_cmp(last->s, k->s) < 0 : last->v < k->v;
}

int
kith_mp_check(struct kith_slice in, const struct kith_mp_limits *lim)
{
	struct level {
		uint64_t left;
		bool map;
		struct key last;
	} levels[KITH_MP_DEPTH_MAX + 1];
	uint64_t owed = 1, values = 1;                          /* values due, summed over all levels */
	uint32_t depth = 0;
	struct level *l = &levels[0];
	struct header h;
	struct key k;
	int r;

	kith_assert(lim->depth <= KITH_MP_DEPTH_MAX);
	*l = (struct level){ .left = 1 };
	if (lim->values < 1)
		return KITH_E_LIMIT;
	while (owed > 0) {
		if (in.n < owed)                                /* each takes at least one byte */
			return KITH_E_MALFORMED;
		r = take_header(&in, &h);
		if (r != KITH_OK || h.body > in.n)              /* compare first, move after */
			return KITH_E_MALFORMED;
		if (h.type == KITH_MP_NIL && !lim->nil)
			return KITH_E_MALFORMED;
		if (h.type == KITH_MP_STR && !kith_utf8_ok(kith_slice_of(in.p, (size_t)h.body)))
			return KITH_E_MALFORMED;
		if (l->map && l->left % 2 == 0) {               /* a key is due */
			if (h.type != KITH_MP_STR && h.type != KITH_MP_UINT)
				return KITH_E_MALFORMED;
			k = (struct key){ true, h.type == KITH_MP_STR, h.v, kith_slice_of(in.p, (size_t)h.body) };
			if (!key_follows(&l->last, &k))
				return KITH_E_MALFORMED;
			l->last = k;
		}
		in = kith_slice_from(in, (size_t)h.body);
		owed--;
		l->left--;
		if (h.type == KITH_MP_ARRAY || h.type == KITH_MP_MAP) {
			if (h.kids > in.n || owed > in.n - h.kids)
				return KITH_E_MALFORMED;
			if (depth == lim->depth || h.kids > lim->values - values)
				return KITH_E_LIMIT;
			owed += h.kids;
			values += h.kids;
			l = &levels[++depth];
			*l = (struct level){ .left = h.kids, .map = h.type == KITH_MP_MAP };
		}
		while (depth > 0 && l->left == 0)
			l = &levels[--depth];
	}
	return in.n == 0 ? KITH_OK : KITH_E_MALFORMED;
}

void
kith_mp_read(struct kith_mp_reader *r, struct kith_slice in)
{
	r->in = in;
	r->err = KITH_OK;
}

enum kith_mp_type
kith_mp_peek(const struct kith_mp_reader *r)
{
	struct kith_slice in = r->in;
	struct header h;

	if (r->err != KITH_OK || take_header(&in, &h) != KITH_OK)
		return KITH_MP_END;
	return h.type;
}

/* The next header if it is of this type and what it promises can be there; else the reader fails. */
static bool
take(struct kith_mp_reader *r, enum kith_mp_type type, struct header *h)
{
	struct kith_slice in = r->in;

	if (r->err != KITH_OK)
		return false;
	if (take_header(&in, h) != KITH_OK || h->type != type || h->body > in.n || h->kids > in.n) {
		r->err = KITH_E_MALFORMED;
		return false;
	}
	r->in = in;
	return true;
}

uint64_t
kith_mp_uint(struct kith_mp_reader *r)
{
	struct header h;

	return take(r, KITH_MP_UINT, &h) ? h.v : 0;
}

int64_t
kith_mp_int(struct kith_mp_reader *r)
{
	struct header h;

	if (!take(r, kith_mp_peek(r) == KITH_MP_INT ? KITH_MP_INT : KITH_MP_UINT, &h))
		return 0;
	if (h.type == KITH_MP_UINT && h.v > INT64_MAX) {
		r->err = KITH_E_MALFORMED;
		return 0;
	}
	return (int64_t)h.v;
}

bool
kith_mp_bool(struct kith_mp_reader *r)
{
	struct header h;

	return take(r, KITH_MP_BOOL, &h) && h.v != 0;
}

bool
kith_mp_nil(struct kith_mp_reader *r)
{
	struct header h;

	if (kith_mp_peek(r) != KITH_MP_NIL)
		return false;
	(void)take(r, KITH_MP_NIL, &h);
	return true;
}

static struct kith_slice
take_bytes(struct kith_mp_reader *r, enum kith_mp_type type)
{
	struct header h;
	struct kith_slice s = { NULL, 0 };

	if (take(r, type, &h)) {
		s = kith_slice_of(r->in.p, (size_t)h.body);
		r->in = kith_slice_from(r->in, s.n);
	}
	return s;
}

struct kith_slice
kith_mp_str(struct kith_mp_reader *r)
{
	return take_bytes(r, KITH_MP_STR);
}

struct kith_slice
kith_mp_bin(struct kith_mp_reader *r)
{
	return take_bytes(r, KITH_MP_BIN);
}

void
kith_mp_bin_exact(struct kith_mp_reader *r, void *out, size_t n)
{
	struct kith_slice s = kith_mp_bin(r);

	if (r->err != KITH_OK)
		return;
	if (s.n != n)
		r->err = KITH_E_MALFORMED;
	else if (n > 0)
		memcpy(out, s.p, n);
}

struct kith_id
kith_mp_id(struct kith_mp_reader *r)
{
	struct kith_id id = kith_id_none;

	kith_mp_bin_exact(r, id.b, sizeof(id.b));
	return id;
}

struct kith_id
kith_mp_id_given(struct kith_mp_reader *r)
{
	struct kith_id id = kith_mp_id(r);

	if (r->err == KITH_OK && kith_id_is_none(&id))
		r->err = KITH_E_MALFORMED;
	return id;
}

/* None has one form: 32 zero bytes are not another. */
struct kith_id
kith_mp_id_or_none(struct kith_mp_reader *r)
{
	struct kith_mp_reader ahead = *r;

	if (kith_mp_bin(&ahead).n > 0)
		return kith_mp_id_given(r);
	*r = ahead;
	return kith_id_none;
}

uint32_t
kith_mp_array(struct kith_mp_reader *r)
{
	struct header h;

	return take(r, KITH_MP_ARRAY, &h) ? (uint32_t)h.kids : 0;
}

void
kith_mp_array_exact(struct kith_mp_reader *r, uint32_t n)
{
	uint32_t got = kith_mp_array(r);

	if (r->err == KITH_OK && got != n)
		r->err = KITH_E_MALFORMED;
}

uint32_t
kith_mp_map(struct kith_mp_reader *r)
{
	struct header h;

	return take(r, KITH_MP_MAP, &h) ? (uint32_t)(h.kids / 2) : 0;
}

struct kith_slice
kith_mp_skip(struct kith_mp_reader *r)
{
	struct kith_slice in = r->in, none = { NULL, 0 };
	struct header h;
	uint64_t owed;

	if (r->err != KITH_OK)
		return none;
	for (owed = 1; owed > 0; owed = owed - 1 + h.kids) {
		if (in.n < owed || take_header(&in, &h) != KITH_OK || h.body > in.n) {
			r->err = KITH_E_MALFORMED;
			return none;
		}
		in = kith_slice_from(in, (size_t)h.body);
	}
	none = kith_slice_of(r->in.p, r->in.n - in.n);
	r->in = in;
	return none;
}

bool
kith_mp_done(const struct kith_mp_reader *r)
{
	return r->err == KITH_OK && r->in.n == 0;
}

struct kith_slice
kith_mp_find(struct kith_slice map, const char *key)
{
	struct kith_mp_reader r;
	struct kith_slice v;
	uint32_t n;
	bool found;

	kith_mp_read(&r, map);
	for (n = kith_mp_map(&r); n > 0 && r.err == KITH_OK; n--) {
		if (kith_mp_peek(&r) == KITH_MP_STR) {
			found = kith_slice_is(kith_mp_str(&r), key);
		} else {
			found = false;
			(void)kith_mp_skip(&r);
		}
		v = kith_mp_skip(&r);
		if (found)
			return v;
	}
	return (struct kith_slice){ NULL, 0 };
}

/* A marker and the low `width` bytes of v, big-endian. */
static void
put_wide(struct kith_buf *b, uint8_t marker, uint64_t v, size_t width)
{
	uint8_t *p = kith_buf_room(b, 1 + width);
	size_t i;

	if (p == NULL)
		return;
	p[0] = marker;
	for (i = width; i > 0; i--) {
		p[i] = (uint8_t)v;
		v >>= 8;
	}
}

void
kith_mp_put_nil(struct kith_buf *b)
{
	kith_buf_put_u8(b, 0xc0);
}

void
kith_mp_put_bool(struct kith_buf *b, bool v)
{
	kith_buf_put_u8(b, v ? 0xc3 : 0xc2);
}

void
kith_mp_put_uint(struct kith_buf *b, uint64_t v)
{
	if (v < 0x80)
		kith_buf_put_u8(b, (uint8_t)v);
	else if (v <= UINT8_MAX)
		put_wide(b, 0xcc, v, 1);
	else if (v <= UINT16_MAX)
		put_wide(b, 0xcd, v, 2);
	else if (v <= UINT32_MAX)
		put_wide(b, 0xce, v, 4);
	else
		put_wide(b, 0xcf, v, 8);
}

void
kith_mp_put_int(struct kith_buf *b, int64_t v)
{
	if (v >= 0)
		kith_mp_put_uint(b, (uint64_t)v);
	else if (v >= -32)
		kith_buf_put_u8(b, (uint8_t)v);
	else if (v >= INT8_MIN)
		put_wide(b, 0xd0, (uint64_t)v, 1);
	else if (v >= INT16_MIN)
		put_wide(b, 0xd1, (uint64_t)v, 2);
	else if (v >= INT32_MIN)
		put_wide(b, 0xd2, (uint64_t)v, 4);
	else
		put_wide(b, 0xd3, (uint64_t)v, 8);
}

static bool
length_ok(struct kith_buf *b, size_t n)
{
#if SIZE_MAX > UINT32_MAX
	if (n > UINT32_MAX) {
		if (b->err == KITH_OK)
			b->err = KITH_E_LIMIT;
		return false;
	}
#else
	(void)b;
	(void)n;
#endif
	return true;
}

void
kith_mp_put_str(struct kith_buf *b, struct kith_slice s)
{
	if (!length_ok(b, s.n))
		return;
	if (s.n < 32)
		kith_buf_put_u8(b, (uint8_t)(0xa0 | s.n));
	else if (s.n <= UINT8_MAX)
		put_wide(b, 0xd9, s.n, 1);
	else if (s.n <= UINT16_MAX)
		put_wide(b, 0xda, s.n, 2);
	else
		put_wide(b, 0xdb, s.n, 4);
	kith_buf_put_slice(b, s);
}

void
kith_mp_put_cstr(struct kith_buf *b, const char *s)
{
	kith_mp_put_str(b, kith_slice_str(s));
}

void
kith_mp_put_bin(struct kith_buf *b, struct kith_slice s)
{
	if (!length_ok(b, s.n))
		return;
	if (s.n <= UINT8_MAX)
		put_wide(b, 0xc4, s.n, 1);
	else if (s.n <= UINT16_MAX)
		put_wide(b, 0xc5, s.n, 2);
	else
		put_wide(b, 0xc6, s.n, 4);
	kith_buf_put_slice(b, s);
}

void
kith_mp_put_id(struct kith_buf *b, const struct kith_id *id)
{
	kith_mp_put_bin(b, kith_id_slice(id));
}

void
kith_mp_put_id_or_none(struct kith_buf *b, const struct kith_id *id)
{
	if (kith_id_is_none(id))
		kith_mp_put_bin(b, (struct kith_slice){ NULL, 0 });
	else
		kith_mp_put_id(b, id);
}

/* The header of n items; its length is returned. fix: 0x90 or 0x80; wide: 0xdc or 0xde. */
static size_t
encode_count(uint8_t out[5], uint8_t fix, uint8_t wide, uint32_t n)
{
	if (n < 16) {
		out[0] = (uint8_t)(fix | n);
		return 1;
	}
	if (n <= UINT16_MAX) {
		out[0] = wide;
		kith_put_be16(out + 1, (uint16_t)n);
		return 3;
	}
	out[0] = (uint8_t)(wide + 1);
	kith_put_be32(out + 1, n);
	return 5;
}

void
kith_mp_put_array(struct kith_buf *b, uint32_t n)
{
	uint8_t h[5];

	kith_buf_put(b, h, encode_count(h, 0x90, 0xdc, n));
}

void
kith_mp_put_map(struct kith_buf *b, uint32_t n)
{
	uint8_t h[5];

	kith_buf_put(b, h, encode_count(h, 0x80, 0xde, n));
}

void
kith_mp_put_raw(struct kith_buf *b, struct kith_slice value)
{
	kith_buf_put_slice(b, value);
}

size_t
kith_mp_begin(struct kith_buf *b)
{
	size_t mark = b->n;

	kith_buf_put_u8(b, 0);
	return mark;
}

static void
end(struct kith_buf *b, size_t mark, uint8_t fix, uint8_t wide, uint32_t n)
{
	uint8_t h[5];
	size_t len = encode_count(h, fix, wide, n);
	size_t behind;

	if (b->err != KITH_OK)
		return;
	kith_assert(mark < b->n);
	behind = b->n - mark - 1;
	if (kith_buf_room(b, len - 1) == NULL)
		return;
	memmove(b->p + mark + len, b->p + mark + 1, behind);
	memcpy(b->p + mark, h, len);
}

void
kith_mp_end_map(struct kith_buf *b, size_t mark, uint32_t pairs)
{
	end(b, mark, 0x80, 0xde, pairs);
}

void
kith_mp_end_array(struct kith_buf *b, size_t mark, uint32_t items)
{
	end(b, mark, 0x90, 0xdc, items);
}
