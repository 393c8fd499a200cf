#include "id/invite.h"

#include <string.h>

#include "base/b32.h"
#include "id/node.h"
#include "wire/mp.h"

#define INVITE_VERSION 1
#define LINK_VERSION 1
#define SECRET_BYTES 16
#define LINK_ADDRS_MAX 4
#define FRAGMENT_MAX (KITH_LINK_MAX * 5 / 8)            /* bytes that so many characters stand for */

static const struct kith_mp_limits limits = { .depth = 4, .values = 128, .nil = false };

/* ---- invites ---- */

static int
parse_body(struct kith_invite *d)
{
	struct kith_mp_reader r;
	uint8_t nonce[16];
	uint64_t version;
	bool counted;
	int e = kith_mp_check(d->body, &limits);

	if (e != KITH_OK)
		return e;
	kith_mp_read(&r, d->body);
	kith_mp_array_exact(&r, 13);
	version = kith_mp_uint(&r);
	d->group = kith_mp_id_given(&r);
	d->maker = kith_mp_id_given(&r);
	d->node = kith_mp_id_given(&r);
	kith_mp_bin_exact(&r, nonce, sizeof(nonce));
	d->secret_hash = kith_mp_id_given(&r);
	d->made_ms = kith_mp_uint(&r);
	d->expires_ms = kith_mp_uint(&r);
	d->uses = kith_mp_uint(&r);
	d->role = kith_mp_id_or_none(&r);
	d->panel = kith_mp_id_or_none(&r);
	d->guests = kith_mp_bool(&r);
	d->counter = kith_mp_id_or_none(&r);
	counted = d->expires_ms != 0 || d->uses != 0;
	if (!kith_mp_done(&r) || version != INVITE_VERSION || counted == kith_id_is_none(&d->counter))
		return KITH_E_MALFORMED;
	return KITH_OK;
}

int
kith_invite_parse(struct kith_slice raw, struct kith_invite *out)
{
	struct kith_invite d;
	struct kith_mp_reader r;
	int e;

	if (raw.n > KITH_INVITE_MAX)
		return KITH_E_LIMIT;
	e = kith_mp_check(raw, &limits);
	if (e != KITH_OK)
		return e;
	memset(&d, 0, sizeof(d));
	d.raw = raw;
	kith_mp_read(&r, raw);
	kith_mp_array_exact(&r, 2);
	d.body = kith_mp_bin(&r);
	kith_mp_bin_exact(&r, d.sig, sizeof(d.sig));
	if (!kith_mp_done(&r))
		return KITH_E_MALFORMED;
	e = parse_body(&d);
	if (e != KITH_OK)
		return e;
	kith_hash(KITH_L_INVITE, d.body, &d.id);
	*out = d;
	return KITH_OK;
}

int
kith_invite_make(const struct kith_invite_new *i, const struct kith_signer *node_key, struct kith_buf *out, struct kith_id *id)
{
	uint8_t sig[KITH_SIG_BYTES];
	struct kith_invite check;
	struct kith_id secret_hash;
	struct kith_buf body;
	size_t start = out->n;
	int e;

	kith_hash(KITH_L_INVITE, kith_slice_of(i->secret, sizeof(i->secret)), &secret_hash);
	kith_buf_init(&body, 0);
	kith_mp_put_array(&body, 13);
	kith_mp_put_uint(&body, INVITE_VERSION);
	kith_mp_put_id(&body, &i->group);
	kith_mp_put_id(&body, &i->maker);
	kith_mp_put_id(&body, &i->node);
	kith_mp_put_bin(&body, kith_slice_of(i->nonce, sizeof(i->nonce)));
	kith_mp_put_id(&body, &secret_hash);
	kith_mp_put_uint(&body, i->made_ms);
	kith_mp_put_uint(&body, i->expires_ms);
	kith_mp_put_uint(&body, i->uses);
	kith_mp_put_id_or_none(&body, &i->role);
	kith_mp_put_id_or_none(&body, &i->panel);
	kith_mp_put_bool(&body, i->guests);
	kith_mp_put_id_or_none(&body, &i->counter);
	e = kith_buf_err(&body);
	if (e == KITH_OK) {
		kith_sign(node_key, KITH_L_INVITE, kith_buf_slice(&body), sig);
		kith_mp_put_array(out, 2);
		kith_mp_put_bin(out, kith_buf_slice(&body));
		kith_mp_put_bin(out, kith_slice_of(sig, sizeof(sig)));
		e = kith_buf_err(out);
	}
	if (e == KITH_OK)
		e = kith_invite_parse(kith_slice_from(kith_buf_slice(out), start), &check);
	if (e == KITH_OK)
		*id = check.id;
	else
		out->n = start;
	kith_buf_fini(&body);
	return e;
}

void
kith_count_bytes(const struct kith_id *invite, uint64_t count, const struct kith_id *uid, struct kith_buf *out)
{
	kith_mp_put_array(out, 3);
	kith_mp_put_id(out, invite);
	kith_mp_put_uint(out, count);
	kith_mp_put_id(out, uid);
}

/* ---- links ---- */

static bool
starts(struct kith_slice s, const char *with)
{
	struct kith_slice w = kith_slice_str(with);

	return s.n >= w.n && memcmp(s.p, w.p, w.n) == 0;
}

/* What may stand before the fragment: kith:invite, or a page that ends in /invite. */
static bool
base_ok(struct kith_slice s)
{
	static const char page[] = "/invite";
	struct kith_slice rest;
	size_t i;

	if (kith_slice_is(s, "kith:invite"))
		return true;
	if (starts(s, "http://"))
		rest = kith_slice_from(s, 7);
	else if (starts(s, "https://"))
		rest = kith_slice_from(s, 8);
	else
		return false;
	for (i = 0; i < rest.n; i++)
		if (rest.p[i] <= ' ' || rest.p[i] >= 0x7f)
			return false;
	return rest.n > sizeof(page) - 1 && rest.p[0] != '/' &&
	    memcmp(rest.p + rest.n - (sizeof(page) - 1), page, sizeof(page) - 1) == 0;
}

/* A string for a caller's room, with a NUL behind it. */
static int
take_text(struct kith_mp_reader *r, char *out, size_t room)
{
	struct kith_slice s = kith_mp_str(r);

	if (r->err != KITH_OK)
		return r->err;
	if (s.n >= room)
		return KITH_E_LIMIT;
	if (s.n > 0)
		memcpy(out, s.p, s.n);
	out[s.n] = '\0';
	return KITH_OK;
}

static int
take_node(struct kith_mp_reader *r, struct kith_link *l, size_t i)
{
	size_t j;
	int e;

	kith_mp_array_exact(r, 2);
	l->node[i].node = kith_mp_id_given(r);
	l->node[i].n_addrs = kith_mp_array(r);
	if (r->err != KITH_OK)
		return r->err;
	if (l->node[i].n_addrs > LINK_ADDRS_MAX)
		return KITH_E_LIMIT;
	for (j = 0; j < l->node[i].n_addrs; j++) {
		e = take_text(r, l->node[i].addr[j], sizeof(l->node[i].addr[j]));
		if (e != KITH_OK)
			return e;
		if (!kith_addr_ok(kith_slice_str(l->node[i].addr[j])))
			return KITH_E_MALFORMED;
	}
	for (j = 0; j < i; j++)
		if (kith_id_eq(&l->node[j].node, &l->node[i].node))
			return KITH_E_MALFORMED;
	return KITH_OK;
}

static int
parse_fragment(struct kith_slice in, struct kith_link *l)
{
	struct kith_mp_reader r;
	size_t i;
	int e = kith_mp_check(in, &limits);

	if (e != KITH_OK)
		return e;
	memset(l, 0, sizeof(*l));
	kith_mp_read(&r, in);
	kith_mp_array_exact(&r, 6);
	if (kith_mp_uint(&r) != LINK_VERSION)
		return KITH_E_MALFORMED;
	l->group = kith_mp_id_given(&r);
	l->invite = kith_mp_id_or_none(&r);
	kith_mp_bin_exact(&r, l->secret, sizeof(l->secret));
	l->n_nodes = kith_mp_array(&r);
	if (r.err != KITH_OK || l->n_nodes == 0)
		return KITH_E_MALFORMED;
	if (l->n_nodes > KITH_LINK_NODES_MAX)
		return KITH_E_LIMIT;
	for (i = 0; i < l->n_nodes; i++) {
		e = take_node(&r, l, i);
		if (e != KITH_OK)
			return e;
	}
	e = take_text(&r, l->name, sizeof(l->name));
	if (e == KITH_OK && !kith_mp_done(&r))
		e = KITH_E_MALFORMED;
	return e;
}

int
kith_link_parse(struct kith_slice text, struct kith_link *out)
{
	uint8_t bytes[FRAGMENT_MAX];
	const uint8_t *hash;
	struct kith_link l;
	size_t n;
	int e;

	if (text.n > KITH_LINK_MAX)
		return KITH_E_LIMIT;
	hash = text.n > 0 ? memchr(text.p, '#', text.n) : NULL;
	if (hash != NULL) {
		if (!base_ok(kith_slice_of(text.p, (size_t)(hash - text.p))))
			return KITH_E_MALFORMED;
		text = kith_slice_from(text, (size_t)(hash - text.p) + 1);
	}
	e = kith_b32_decode(text, bytes, sizeof(bytes), &n);
	if (e == KITH_OK)
		e = parse_fragment(kith_slice_of(bytes, n), &l);
	if (e == KITH_OK)
		*out = l;
	kith_wipe(bytes, sizeof(bytes));
	kith_wipe(&l, sizeof(l));
	return e;
}

static void
put_fragment(struct kith_buf *b, const struct kith_link *l)
{
	size_t i, j;

	kith_mp_put_array(b, 6);
	kith_mp_put_uint(b, LINK_VERSION);
	kith_mp_put_id(b, &l->group);
	kith_mp_put_id_or_none(b, &l->invite);
	kith_mp_put_bin(b, kith_slice_of(l->secret, sizeof(l->secret)));
	kith_mp_put_array(b, (uint32_t)l->n_nodes);
	for (i = 0; i < l->n_nodes; i++) {
		kith_mp_put_array(b, 2);
		kith_mp_put_id(b, &l->node[i].node);
		kith_mp_put_array(b, (uint32_t)l->node[i].n_addrs);
		for (j = 0; j < l->node[i].n_addrs; j++)
			kith_mp_put_cstr(b, l->node[i].addr[j]);
	}
	kith_mp_put_cstr(b, l->name);
}

int
kith_link_write(const struct kith_link *l, const char *base, struct kith_buf *out)
{
	struct kith_buf b;
	struct kith_link check;
	size_t start = out->n, i;
	uint8_t *room;
	int e;

	if (l->n_nodes > KITH_LINK_NODES_MAX)
		return KITH_E_LIMIT;
	for (i = 0; i < l->n_nodes; i++)
		if (l->node[i].n_addrs > LINK_ADDRS_MAX)
			return KITH_E_LIMIT;
	kith_buf_init(&b, FRAGMENT_MAX);
	put_fragment(&b, l);
	e = kith_buf_err(&b);
	if (e == KITH_OK) {
		kith_buf_put_str(out, base);
		kith_buf_put_u8(out, '#');
		room = kith_buf_room(out, KITH_B32_LEN(b.n) + 1);
		if (room != NULL) {
			kith_b32_encode(kith_buf_slice(&b), (char *)room);
			out->n--;                               /* the NUL stays, not counted */
		}
		e = kith_buf_err(out);
	}
	if (e == KITH_OK)
		e = kith_link_parse(kith_slice_from(kith_buf_slice(out), start), &check);
	if (e != KITH_OK)
		out->n = start;
	kith_wipe(&check, sizeof(check));
	if (b.p != NULL)
		kith_wipe(b.p, b.cap);
	kith_buf_fini(&b);
	return e;
}
