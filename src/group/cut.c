#include "group/cut.h"

#include <string.h>

#include "crypto/sign.h"
#include "group/record.h"
#include "wire/mp.h"

#define CUT_VERSION 1

static const struct kith_mp_limits limits = { .depth = 5, .values = KITH_CUT_MAX / 8, .nil = false };

static int
cmp_feeds(const struct kith_id *scope, const struct kith_id *node, uint64_t incarnation, const struct kith_cut_feed *f)
{
	int d = kith_id_cmp(scope, &f->scope);

	if (d == 0)
		d = kith_id_cmp(node, &f->node);
	if (d == 0)
		d = (incarnation > f->incarnation) - (incarnation < f->incarnation);
	return d;
}

/* ---- reading: NOMEM and LIMIT are returned, else the reader tells ---- */

static void
fail(struct kith_mp_reader *r)
{
	r->err = KITH_E_MALFORMED;
}

static int
take_tips(struct kith_mp_reader *r, struct kith_arena *a, struct kith_cut_feed *f)
{
	uint32_t n = kith_mp_array(r), i;
	struct kith_cut_tip *v;

	if (n == 0)
		fail(r);
	if (r->err != KITH_OK)
		return KITH_OK;
	if (n > KITH_CUT_TIPS_MAX)
		return KITH_E_LIMIT;
	v = kith_arena_array(a, n, sizeof(*v));
	if (v == NULL)
		return KITH_E_NOMEM;
	for (i = 0; i < n && r->err == KITH_OK; i++) {
		kith_mp_array_exact(r, 2);
		v[i].seq = kith_mp_uint(r);
		v[i].id = kith_mp_id_given(r);
		if (r->err == KITH_OK && (v[i].seq > KITH_SEQ_MAX || (i > 0 && (v[i].seq < v[i - 1].seq ||
		    (v[i].seq == v[i - 1].seq && kith_id_cmp(&v[i - 1].id, &v[i].id) >= 0)))))
			fail(r);
	}
	f->tip = v;
	f->n_tips = n;
	return KITH_OK;
}

static int
take_feeds(struct kith_mp_reader *r, struct kith_arena *a, struct kith_cut *c)
{
	uint32_t n = kith_mp_array(r), i;
	struct kith_cut_feed *v;
	uint8_t incarnation[8] = { 0 };
	int e;

	if (r->err != KITH_OK || n == 0)
		return KITH_OK;
	v = kith_arena_array(a, n, sizeof(*v));
	if (v == NULL)
		return KITH_E_NOMEM;
	for (i = 0; i < n && r->err == KITH_OK; i++) {
		kith_mp_array_exact(r, 4);
		v[i].scope = kith_mp_id_given(r);       /* none is the authority plane */
		v[i].node = kith_mp_id_given(r);
		kith_mp_bin_exact(r, incarnation, sizeof(incarnation));
		v[i].incarnation = kith_get_be64(incarnation);
		e = take_tips(r, a, &v[i]);
		if (e != KITH_OK)
			return e;
		if (r->err == KITH_OK && i > 0 && cmp_feeds(&v[i].scope, &v[i].node, v[i].incarnation, &v[i - 1]) <= 0)
			fail(r);
	}
	c->feed = v;
	c->n_feeds = n;
	return KITH_OK;
}

static int
take_unheld(struct kith_mp_reader *r, struct kith_arena *a, struct kith_cut *c)
{
	uint32_t n = kith_mp_array(r), i;
	struct kith_id *v;

	if (r->err != KITH_OK || n == 0)
		return KITH_OK;
	v = kith_arena_array(a, n, sizeof(*v));
	if (v == NULL)
		return KITH_E_NOMEM;
	for (i = 0; i < n && r->err == KITH_OK; i++) {
		v[i] = kith_mp_id_given(r);
		if (i > 0 && kith_id_cmp(&v[i - 1], &v[i]) >= 0)
			fail(r);
	}
	c->unheld = v;
	c->n_unheld = n;
	return KITH_OK;
}

static int
take_parts(struct kith_mp_reader *r, struct kith_arena *a, struct kith_cut *c)
{
	uint32_t n = kith_mp_array(r), i;
	struct kith_cut_part *v;

	if (r->err != KITH_OK || n == 0)
		return KITH_OK;
	v = kith_arena_array(a, n, sizeof(*v));
	if (v == NULL)
		return KITH_E_NOMEM;
	for (i = 0; i < n && r->err == KITH_OK; i++) {
		kith_mp_array_exact(r, 2);
		v[i].panel = kith_mp_id_given(r);
		v[i].hash = kith_mp_id_given(r);
		if (i > 0 && kith_id_cmp(&v[i - 1].panel, &v[i].panel) >= 0)
			fail(r);
	}
	c->part = v;
	c->n_parts = n;
	return KITH_OK;
}

static int
begin(struct kith_mp_reader *r, struct kith_slice raw, uint32_t items)
{
	int e;

	if (raw.n > KITH_CUT_MAX)
		return KITH_E_LIMIT;
	e = kith_mp_check(raw, &limits);
	if (e != KITH_OK)
		return e;
	kith_mp_read(r, raw);
	kith_mp_array_exact(r, items);
	if (kith_mp_uint(r) != CUT_VERSION)
		fail(r);
	return r->err;
}

int
kith_cut_parse(struct kith_slice raw, struct kith_arena *a, struct kith_cut *out)
{
	struct kith_cut c = { .feed = NULL };
	struct kith_mp_reader r;
	int e = begin(&r, raw, 4);

	if (e == KITH_OK)
		e = take_feeds(&r, a, &c);
	if (e == KITH_OK)
		e = take_unheld(&r, a, &c);
	if (e == KITH_OK)
		e = take_parts(&r, a, &c);
	if (e == KITH_OK && !kith_mp_done(&r))
		e = KITH_E_MALFORMED;
	if (e == KITH_OK)
		*out = c;
	return e;
}

int
kith_cut_part_parse(struct kith_slice raw, struct kith_arena *a, struct kith_cut *out)
{
	struct kith_cut c = { .feed = NULL };
	struct kith_mp_reader r;
	uint8_t salt[16];
	int e = begin(&r, raw, 3);

	if (e == KITH_OK)
		kith_mp_bin_exact(&r, salt, sizeof(salt));
	if (e == KITH_OK)
		e = take_feeds(&r, a, &c);
	if (e == KITH_OK && !kith_mp_done(&r))
		e = KITH_E_MALFORMED;
	if (e == KITH_OK)
		*out = c;
	return e;
}

/* ---- writing ---- */

static bool
feeds_ok(const struct kith_cut_feed *f, uint32_t n)
{
	uint32_t i, j;

	for (i = 0; i < n; i++) {
		if (kith_id_is_none(&f[i].scope) || kith_id_is_none(&f[i].node) || f[i].n_tips == 0)
			return false;
		if (i > 0 && cmp_feeds(&f[i].scope, &f[i].node, f[i].incarnation, &f[i - 1]) <= 0)
			return false;
		for (j = 0; j < f[i].n_tips; j++) {
			const struct kith_cut_tip *t = &f[i].tip[j];

			if (t->seq > KITH_SEQ_MAX || kith_id_is_none(&t->id))
				return false;
			if (j > 0 && (t->seq < t[-1].seq || (t->seq == t[-1].seq && kith_id_cmp(&t[-1].id, &t->id) >= 0)))
				return false;
		}
	}
	return true;
}

static bool
ids_ok(const struct kith_cut *c)
{
	uint32_t i;

	for (i = 0; i < c->n_unheld; i++)
		if (kith_id_is_none(&c->unheld[i]) || (i > 0 && kith_id_cmp(&c->unheld[i - 1], &c->unheld[i]) >= 0))
			return false;
	for (i = 0; i < c->n_parts; i++)
		if (kith_id_is_none(&c->part[i].panel) || kith_id_is_none(&c->part[i].hash) ||
		    (i > 0 && kith_id_cmp(&c->part[i - 1].panel, &c->part[i].panel) >= 0))
			return false;
	return true;
}

static int
put_feeds(struct kith_buf *b, const struct kith_cut_feed *f, uint32_t n)
{
	uint8_t incarnation[8];
	uint32_t i, j;

	if (!feeds_ok(f, n))
		return KITH_E_MALFORMED;
	kith_mp_put_array(b, n);
	for (i = 0; i < n; i++) {
		if (f[i].n_tips > KITH_CUT_TIPS_MAX)
			return KITH_E_LIMIT;
		kith_put_be64(incarnation, f[i].incarnation);
		kith_mp_put_array(b, 4);
		kith_mp_put_id(b, &f[i].scope);
		kith_mp_put_id(b, &f[i].node);
		kith_mp_put_bin(b, kith_slice_of(incarnation, sizeof(incarnation)));
		kith_mp_put_array(b, f[i].n_tips);
		for (j = 0; j < f[i].n_tips; j++) {
			kith_mp_put_array(b, 2);
			kith_mp_put_uint(b, f[i].tip[j].seq);
			kith_mp_put_id(b, &f[i].tip[j].id);
		}
	}
	return kith_buf_err(b);
}

/* What has been written from start on, if it is a whole cut or part; else it is taken back. */
static int
finish(struct kith_buf *out, size_t start, int e, struct kith_id *id)
{
	struct kith_slice raw;

	if (e == KITH_OK)
		e = kith_buf_err(out);
	if (e == KITH_OK) {
		raw = kith_slice_from(kith_buf_slice(out), start);
		e = raw.n > KITH_CUT_MAX ? KITH_E_LIMIT : kith_mp_check(raw, &limits);
		if (e == KITH_OK)
			kith_hash(KITH_L_CUT, raw, id);
	}
	if (e != KITH_OK)
		out->n = start;
	return e;
}

int
kith_cut_make(const struct kith_cut *c, struct kith_buf *out, struct kith_id *id)
{
	size_t start = out->n;
	uint32_t i;
	int e;

	kith_mp_put_array(out, 4);
	kith_mp_put_uint(out, CUT_VERSION);
	e = put_feeds(out, c->feed, c->n_feeds);
	if (e == KITH_OK && !ids_ok(c))
		e = KITH_E_MALFORMED;
	if (e == KITH_OK) {
		kith_mp_put_array(out, c->n_unheld);
		for (i = 0; i < c->n_unheld; i++)
			kith_mp_put_id(out, &c->unheld[i]);
		kith_mp_put_array(out, c->n_parts);
		for (i = 0; i < c->n_parts; i++) {
			kith_mp_put_array(out, 2);
			kith_mp_put_id(out, &c->part[i].panel);
			kith_mp_put_id(out, &c->part[i].hash);
		}
	}
	return finish(out, start, e, id);
}

int
kith_cut_part_make(const struct kith_cut_feed *feed, uint32_t n, const uint8_t salt[16], struct kith_buf *out,
    struct kith_id *id)
{
	size_t start = out->n;

	kith_mp_put_array(out, 3);
	kith_mp_put_uint(out, CUT_VERSION);
	kith_mp_put_bin(out, kith_slice_of(salt, 16));
	return finish(out, start, put_feeds(out, feed, n), id);
}

const struct kith_cut_feed *
kith_cut_find(const struct kith_cut *c, const struct kith_id *scope, const struct kith_id *node, uint64_t incarnation)
{
	uint32_t lo = 0, hi = c->n_feeds, mid;
	int d;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		d = cmp_feeds(scope, node, incarnation, &c->feed[mid]);
		if (d == 0)
			return &c->feed[mid];
		if (d < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}
