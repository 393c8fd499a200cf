#include "tests/sim/forge.h"

#include <string.h>

#include "base/out.h"
#include "wire/mp.h"

#define LEARNED_MAX 24
#define FEEDS_MAX 6
#define ITEMS_MAX 512

struct learned { struct kith_buf header, body; };
struct feed { struct kith_id group, scope, prev; uint64_t incarnation, seq; };

struct forge {
	struct kith_id node;
	const struct kith_signer *sign;
	struct learned known[LEARNED_MAX];
	size_t n_known;
	struct feed feed[FEEDS_MAX];
	size_t n_feeds;
};

struct run {
	uint64_t request, cls, flags;
	struct kith_id group;
	size_t n;
	struct { struct kith_slice header, sig, body; } item[ITEMS_MAX];
};

struct forge *
forge_new(const struct kith_id *node, const struct kith_signer *sign)
{
	struct forge *f = calloc(1, sizeof(*f));

	MUST(f != NULL);
	f->node = *node;
	f->sign = sign;
	return f;
}

void
forge_free(struct forge *f)
{
	if (f == NULL)
		return;
	for (size_t i = 0; i < LEARNED_MAX; i++) {
		kith_buf_fini(&f->known[i].header);
		kith_buf_fini(&f->known[i].body);
	}
	free(f);
}

static bool
read_run(struct kith_slice frame, struct run *out)
{
	struct kith_mp_reader r;

	kith_mp_read(&r, frame);
	kith_mp_array_exact(&r, 5);
	out->request = kith_mp_uint(&r);
	out->cls = kith_mp_uint(&r);
	out->group = kith_mp_id(&r);
	out->flags = kith_mp_uint(&r);
	out->n = kith_mp_array(&r);
	if (r.err != KITH_OK || out->n == 0 || out->n > ITEMS_MAX)
		return false;
	for (size_t i = 0; i < out->n; i++) {
		kith_mp_array_exact(&r, 3);
		out->item[i].header = kith_mp_bin(&r);
		out->item[i].sig = kith_mp_bin(&r);
		out->item[i].body = kith_mp_bin(&r);
	}
	return kith_mp_done(&r);
}

static void
write_run(const struct run *x, struct kith_buf *b)
{
	kith_mp_put_array(b, 5);
	kith_mp_put_uint(b, x->request);
	kith_mp_put_uint(b, x->cls);
	kith_mp_put_id(b, &x->group);
	kith_mp_put_uint(b, x->flags);
	kith_mp_put_array(b, (uint32_t)x->n);
	for (size_t i = 0; i < x->n; i++) {
		kith_mp_put_array(b, 3);
		kith_mp_put_bin(b, x->item[i].header);
		kith_mp_put_bin(b, x->item[i].sig);
		kith_mp_put_bin(b, x->item[i].body);
	}
}

static bool
is_own(const struct forge *f, const struct run *x, struct kith_record *last)
{
	return kith_record_parse(x->item[x->n - 1].header, last) == KITH_OK && kith_id_eq(&last->node, &f->node);
}

bool
forge_is_own(struct forge *f, struct kith_slice frame)
{
	static struct run x;
	struct kith_record r;

	return read_run(frame, &x) && is_own(f, &x, &r);
}

void
forge_learn(struct forge *f, struct kith_slice frame)
{
	static struct run x;
	struct kith_record r;

	if (!read_run(frame, &x) || !is_own(f, &x, &r) || kith_id_is_none(&r.group))
		return;
	for (size_t i = 0; i < x.n && i < 4; i++) {
		struct learned *k = &f->known[f->n_known++ % LEARNED_MAX];

		kith_buf_reset(&k->header);
		kith_buf_put_slice(&k->header, x.item[i].header);
		kith_buf_reset(&k->body);
		kith_buf_put_slice(&k->body, x.item[i].body);
	}
}

static bool
some(struct forge *f, struct dice *d, struct kith_record *out, struct kith_slice *body)
{
	size_t n = f->n_known < LEARNED_MAX ? f->n_known : LEARNED_MAX;
	const struct learned *k;

	if (n == 0)
		return false;
	k = &f->known[dice_below(d, (uint32_t)n)];
	*body = kith_buf_slice(&k->body);
	return kith_record_parse(kith_buf_slice(&k->header), out) == KITH_OK;
}

/* Its place: in a feed that has been made up before, or in a new one. */
static struct feed *
place(struct forge *f, struct dice *d, struct kith_record *r, bool fresh)
{
	struct feed *x = NULL;

	for (size_t i = 0; !fresh && i < FEEDS_MAX && i < f->n_feeds; i++) {
		if (kith_id_eq(&f->feed[i].group, &r->group) && kith_id_eq(&f->feed[i].scope, &r->scope))
			x = &f->feed[i];
	}
	if (x == NULL) {
		x = &f->feed[f->n_feeds++ % FEEDS_MAX];
		*x = (struct feed){ .group = r->group, .scope = r->scope, .incarnation = dice_u64(d) | 1 };
	}
	r->incarnation = x->incarnation;
	r->seq = x->seq;
	r->prev = x->prev;
	return x;
}

static void
random_id(struct dice *d, struct kith_id *id)
{
	dice_fill(d, id->b, sizeof(id->b));
}

/* Wrong in one way. */
static void
bend(struct dice *d, struct kith_record *r, const struct kith_record *other, uint64_t wall_ms)
{
	switch (dice_below(d, 10)) {
	case 0:
		r->author = other->author;
		r->doc = other->doc;
		break;
	case 1:
		r->via = dice_chance(d, 50) ? other->id : other->via;
		break;
	case 2:
		r->node = dice_chance(d, 50) ? other->author : r->group;
		break;
	case 3:
		r->seq += dice_below(d, 1000);
		break;
	case 4:
		random_id(d, &r->prev);
		break;
	case 5:
		r->n_frontier = other->n_frontier;
		memcpy(r->frontier, other->frontier, sizeof(r->frontier));
		break;
	case 6:
		r->clock = (wall_ms + dice_below(d, 30 * 60 * 1000)) << 16;
		break;
	case 7:
		if (r->n_parents < KITH_TIMELINE_PARENTS_MAX)
			r->n_parents = 1;
		random_id(d, &r->parents[0]);
		break;
	case 8:
		r->group = other->group;
		r->scope = other->scope;
		break;
	default:
		r->body_len = 0;
		r->body_hash = kith_id_none;
		break;
	}
}

static void
sign(const struct forge *f, struct kith_slice header, uint8_t sig[64], struct kith_id *id)
{
	kith_hash(KITH_L_RECORD, header, id);
	kith_sign(f->sign, KITH_L_TIP, kith_id_slice(id), sig);
}

bool
forge_make(struct forge *f, struct dice *d, enum forgery what, uint64_t wall_ms, struct kith_buf *out)
{
	static struct run x;
	struct kith_record r, other;
	struct kith_slice body, body2;
	struct kith_id id;
	struct feed *at;
	struct kith_buf header;
	uint8_t sig[64];
	bool ok;

	if (!some(f, d, &r, &body) || !some(f, d, &other, &body2))
		return false;
	at = place(f, d, &r, what == FORGE_FRESH || (what == FORGE_ANY && dice_chance(d, 20)));
	if (what == FORGE_BACKDATED)
		r.clock -= (uint64_t)dice_below(d, 10 * 60 * 1000) << 16;
	if (what == FORGE_FUTURE)
		r.kind = kith_scope_plane(&r.scope) == KITH_PLANE_AUTHORITY ? 29 + dice_below(d, 8) : kith_scope_plane(&r.scope) == KITH_PLANE_ROSTER ?
		    46 + dice_below(d, 10) : 70 + dice_below(d, 30);
	if (what == FORGE_ANY)
		bend(d, &r, &other, wall_ms);
	kith_buf_init(&header, 0);
	ok = kith_record_make(&r, NULL, &header) == KITH_OK;
	if (ok) {
		sign(f, kith_buf_slice(&header), sig, &id);
		if (what == FORGE_ANY && dice_chance(d, 10))
			sig[dice_below(d, 64)] ^= 1;
		x = (struct run){ .cls = kith_scope_plane(&r.scope) == KITH_PLANE_TIMELINE ? KITH_CL_LIVE : KITH_CL_AUTHORITY, .group = r.group, .n = 1 };
		x.item[0].header = kith_buf_slice(&header);
		x.item[0].sig = kith_slice_of(sig, sizeof(sig));
		x.item[0].body = r.body_len == 0 ? kith_slice_of(NULL, 0) : what == FORGE_ANY && dice_chance(d, 10) ? body2 : body;
		write_run(&x, out);
		at->prev = id;
		at->seq++;
	}
	kith_buf_fini(&header);
	return ok;
}

bool
forge_fork(struct forge *f, struct dice *d, struct kith_slice frame, struct kith_buf *out)
{
	static struct run x;
	struct kith_record r;
	struct kith_buf header;
	struct kith_id id;
	uint8_t sig[64];
	bool ok;

	if (!read_run(frame, &x) || !is_own(f, &x, &r) || x.request != 0 || kith_id_is_none(&r.group))
		return false;
	/* the clock is nobody's signature but the node's */
	r.clock += (uint64_t)(1 + dice_below(d, 1000)) << 16;
	kith_buf_init(&header, 0);
	ok = kith_record_make(&r, NULL, &header) == KITH_OK;
	if (ok) {
		sign(f, kith_buf_slice(&header), sig, &id);
		x.item[x.n - 1].header = kith_buf_slice(&header);
		x.item[x.n - 1].sig = kith_slice_of(sig, sizeof(sig));
		write_run(&x, out);
	}
	kith_buf_fini(&header);
	return ok;
}
