#include "federation/fed.h"

#include <string.h>

/*
 * How a link begins. Both sides say HELLO at once:
 *
 *	[version, features, node id, n of the newest record, [records], signature]
 *
 * with the newest records of their chain; older ones that do not fit come before
 * in CHAIN frames. The chain proves itself (the node id is the hash of record
 * 0), the newest record names the certificate key that the link was made with,
 * and the signature ties both to this very session. WELCOME says that the other
 * side's HELLO was good: only then may large frames and anything else follow.
 */
#define HELLO_VERSION 1
#define HELLO_ROOM 3700                 /* of KITH_FRAME_STRANGER, for records */
#define CHAIN_MAX 64
#define TWIN_MS 5000u                    /* links that come up so close together were dialled at one time */

/*
 * What is signed. The exporter is known to the two ends of one session only,
 * but does not cover the dialler's certificate: hence the record, which names
 * the signer's keys, and the key that the signer sees at the other end.
 */
static void
signed_bytes(const struct fed_link *l, bool inbound, const struct kith_id *node, const struct kith_id *record, const uint8_t peer_cert[32],
    uint64_t version, uint64_t features, struct kith_buf *b)
{
	kith_mp_put_array(b, 7);
	kith_mp_put_bin(b, kith_slice_of(l->exporter, 32));
	kith_mp_put_uint(b, inbound ? 1 : 0);
	kith_mp_put_id(b, node);
	kith_mp_put_id(b, record);
	kith_mp_put_bin(b, kith_slice_of(peer_cert, 32));
	kith_mp_put_uint(b, version);
	kith_mp_put_uint(b, features);
}

int
kith_fed_node_raw(struct kith_fed *f, const struct kith_id *node, uint64_t n, struct kith_slice *raw)
{
	uint8_t key[KITH_ID_BYTES + 9];

	memcpy(key, node->b, KITH_ID_BYTES);
	key[KITH_ID_BYTES] = 0;
	kith_put_be64(key + KITH_ID_BYTES + 1, n);
	return kith_txn_get(f->t, KITH_T_NODE, kith_slice_of(key, sizeof(key)), raw);
}

/* The records from..to-1 as an array into b. */
static int
put_records(struct kith_fed *f, struct kith_buf *b, const struct kith_id *node, uint64_t from, uint64_t to)
{
	struct kith_slice raw;
	int r = KITH_OK;

	kith_mp_put_array(b, (uint32_t)(to - from));
	for (; r == KITH_OK && from < to; from++) {
		r = kith_fed_node_raw(f, node, from, &raw);
		if (r == KITH_OK)
			kith_mp_put_bin(b, raw);
	}
	return r;
}

int
kith_fed_put_nodes(struct kith_fed *f, struct kith_buf *b, const struct kith_id *node, uint64_t from, uint32_t *n)
{
	struct kith_node_record rec;
	int r = kith_node_get(f->t, node, &rec);

	*n = 0;
	if (r != KITH_OK)
		return r;
	if (from > rec.n || rec.n - from >= CHAIN_MAX)
		return KITH_E_NOTFOUND;
	*n = (uint32_t)(rec.n - from + 1);
	return put_records(f, b, node, from, rec.n + 1);
}

int
kith_fed_hello(struct kith_fed *f, struct fed_link *l)
{
	struct kith_node_record rec;
	struct kith_slice raw;
	struct kith_id newest;
	struct kith_buf msg, *b;
	uint8_t sig[KITH_SIG_BYTES];
	uint64_t first, at, to;
	size_t room = HELLO_ROOM;
	int r = kith_node_get(f->t, &f->self->node, &rec);

	if (r != KITH_OK)
		return r == KITH_E_NOTFOUND ? KITH_E_CORRUPT : r;
	newest = rec.id;
	to = rec.n + 1;
	for (first = to; r == KITH_OK && first > 0 && to - first < 4; first--) {
		r = kith_fed_node_raw(f, &f->self->node, first - 1, &raw);
		if (r != KITH_OK || raw.n + 3 > room)
			break;
		room -= raw.n + 3;
	}
	for (at = 0; r == KITH_OK && at < first; at += 3) {
		b = kith_fed_begin(f, 1);
		r = put_records(f, b, &f->self->node, at, at + 3 < first ? at + 3 : first);
		if (r == KITH_OK)
			r = kith_fed_send(f, l, KITH_FR_CHAIN);
	}
	if (r != KITH_OK)
		return r;
	kith_buf_init(&msg, 0);
	signed_bytes(l, l->inbound, &f->self->node, &newest, l->cert, HELLO_VERSION, 0, &msg);
	if (kith_buf_err(&msg) != KITH_OK) {
		kith_buf_fini(&msg);
		return KITH_E_NOMEM;
	}
	kith_sign(f->self->sign, KITH_L_HELLO, kith_buf_slice(&msg), sig);
	kith_buf_fini(&msg);
	b = kith_fed_begin(f, 6);
	kith_mp_put_uint(b, HELLO_VERSION);
	kith_mp_put_uint(b, 0);
	kith_mp_put_id(b, &f->self->node);
	kith_mp_put_uint(b, to - 1);
	r = put_records(f, b, &f->self->node, first, to);
	kith_mp_put_bin(b, kith_slice_of(sig, sizeof(sig)));
	return r == KITH_OK ? kith_fed_send(f, l, KITH_FR_HELLO) : r;
}

static int
gather(struct fed_link *l, struct kith_mp_reader *r)
{
	uint32_t n = kith_mp_array(r);
	struct kith_slice raw;
	uint8_t len[2];

	for (; n > 0; n--) {
		raw = kith_mp_bin(r);
		kith_put_be16(len, (uint16_t)raw.n);
		kith_buf_put(&l->chain, len, sizeof(len));
		kith_buf_put_slice(&l->chain, raw);
	}
	return kith_buf_err(&l->chain);
}

int
kith_fed_on_chain(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r)
{
	(void)f;
	if (l->state != LINK_NEW)
		return KITH_E_MALFORMED;
	return gather(l, r);
}

static bool
names_cert(const struct kith_node_record *rec, const uint8_t pk[32])
{
	size_t i;

	for (i = 0; i < rec->n_certs; i++)
		if (memcmp(rec->cert_pk[i], pk, 32) == 0)
			return true;
	return false;
}

/* The chain that came, from record 0 on; *last: its newest. */
static int
check_chain(struct kith_fed *f, struct fed_link *l, const struct kith_id *node, uint64_t n, struct kith_node_record *last)
{
	struct kith_slice in = kith_buf_slice(&l->chain), raw;
	struct kith_node_record rec[2];
	uint64_t i = 0;
	int r;

	for (; in.n > 0; i++) {
		raw = kith_slice_of(in.p + 2, kith_get_be16(in.p));
		in = kith_slice_from(in, 2 + raw.n);
		r = kith_node_parse(raw, &rec[i % 2]);
		if (r != KITH_OK)
			return r;
		if (rec[i % 2].n != i || !kith_id_eq(&rec[i % 2].node, node))
			return KITH_E_MALFORMED;
		r = kith_node_check(f->env, &rec[i % 2], i == 0 ? NULL : &rec[(i + 1) % 2]);
		if (r != KITH_OK)
			return r;
	}
	if (i == 0 || i - 1 != n)
		return KITH_E_MALFORMED;
	*last = rec[(i - 1) % 2];
	return KITH_OK;
}

static int
keep_chain(struct kith_fed *f, struct fed_link *l)
{
	struct kith_slice in = kith_buf_slice(&l->chain), raw;
	struct kith_id node;
	int r = KITH_OK;

	while (r == KITH_OK && in.n > 0) {
		raw = kith_slice_of(in.p + 2, kith_get_be16(in.p));
		in = kith_slice_from(in, 2 + raw.n);
		r = kith_node_put(f->env, f->t, raw, &node);
		if (r == KITH_E_EXISTS)
			r = KITH_OK;
	}
	return r;
}

/*
 * A second link to the same node. Of two that were dialled from both ends at
 * about one time the one that the smaller id dialled stays. Else the younger
 * one: nobody dials a node to which a link is up, so the elder is dead at the
 * other end. Of two in the same direction only the dialler closes at once: the
 * other end cannot know in which order they were dialled.
 */
static int
settle_twins(struct kith_fed *f, struct fed_link *l, struct fed_peer *p, bool *stays)
{
	struct fed_link *old = p->link;
	bool we_dial = kith_id_cmp(&f->self->node, &p->node) < 0;

	*stays = true;
	if (old == NULL)
		return KITH_OK;
	if (old->inbound != l->inbound && old->up_ms + TWIN_MS > l->up_ms) {
		if (l->inbound == we_dial) {
			*stays = false;
			return kith_fed_close(f, l, "there is a link already");
		}
		p->link = NULL;
		return kith_fed_close(f, old, "there is a link already");
	}
	p->link = NULL;
	if (!l->inbound || !old->inbound)
		return kith_fed_close(f, old, "there is a younger link");
	old->retire_ms = f->now.mono_ms + 5000;
	return KITH_OK;
}

int
kith_fed_on_hello(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r)
{
	struct kith_node_record rec, held;
	struct kith_output *o;
	struct kith_buf msg;
	struct fed_peer *p;
	uint64_t version, features, n;
	struct kith_id node;
	uint8_t sig[KITH_SIG_BYTES];
	bool stays, fresh;
	int e;

	if (l->state != LINK_NEW)
		return KITH_E_MALFORMED;
	version = kith_mp_uint(r);
	features = kith_mp_uint(r);
	node = kith_mp_id(r);
	n = kith_mp_uint(r);
	e = gather(l, r);
	kith_mp_bin_exact(r, sig, sizeof(sig));
	if (e != KITH_OK)
		return e;
	if (version != HELLO_VERSION)
		return kith_fed_close(f, l, "another version of the protocol");
	if (kith_id_eq(&node, &f->self->node)) {
		if (l->addr != NULL) {
			l->addr->self = true;
			l->addr->node = node;
		}
		return kith_fed_close(f, l, "that is this node itself");
	}
	e = check_chain(f, l, &node, n, &rec);
	if (e != KITH_OK)
		return e;
	e = kith_node_get(f->t, &node, &held);
	if (e != KITH_OK && e != KITH_E_NOTFOUND)
		return e;
	fresh = e == KITH_E_NOTFOUND || held.n < rec.n;
	if (!fresh && (held.n > rec.n || !kith_id_eq(&held.id, &rec.id)))
		return KITH_E_BADSIG;           /* not the node that was pinned: an old chain, or a rival's */
	if (!names_cert(&rec, l->cert))
		return KITH_E_BADSIG;
	/* it must have signed for the key that it saw at our end: one of ours */
	e = kith_node_get(f->t, &f->self->node, &held);
	if (e != KITH_OK)
		return e == KITH_E_NOTFOUND ? KITH_E_CORRUPT : e;
	e = KITH_E_BADSIG;
	for (size_t i = 0; e == KITH_E_BADSIG && i < held.n_certs; i++) {
		kith_buf_init(&msg, 0);
		signed_bytes(l, !l->inbound, &node, &rec.id, held.cert_pk[i], version, features, &msg);
		e = kith_buf_err(&msg) != KITH_OK ? KITH_E_NOMEM :
		    f->env->verify(f->env->ctx, rec.sign_pk, KITH_L_HELLO, kith_buf_slice(&msg), sig);
		kith_buf_fini(&msg);
	}
	if (e != KITH_OK)
		return e;
	e = keep_chain(f, l);
	if (e == KITH_OK)
		e = kith_fed_peer_make(f, &node, &p);
	if (e != KITH_OK)
		return e;
	if (p == NULL || kith_fed_penalty_now(f, p->penalty_ms, p->penalty_at) >= FED_PENALTY_FROM_MS)
		return kith_fed_close(f, l, "not now");
	e = kith_fed_peer_refresh(f, p);
	if (e != KITH_OK)
		return e;
	if (kith_fed_refuses(f, &node, p->name)) {
		kith_fed_log(f, 1, "%s at %s is refused: refuse_nodes names it", p->name, l->address);
		return kith_fed_close(f, l, "not welcome here");
	}
	kith_buf_fini(&l->chain);
	if (l->addr != NULL) {
		if (!kith_id_is_none(&l->addr->node) && !kith_id_eq(&l->addr->node, &node))
			kith_fed_log(f, 2, "%s is another node than it was", l->addr->text);
		l->addr->node = node;
		p->configured = p->configured || l->addr->configured;
	}
	l->peer = p;
	l->state = LINK_TRUSTED;
	e = settle_twins(f, l, p, &stays);
	if (e != KITH_OK || !stays)
		return e;
	p->link = l;
	p->dialling = 0;
	p->seen_ms = f->now.wall_ms;
	fresh = fresh || !p->met;
	p->met = true;
	o = kith_out_add(f->out, KITH_OUT_TRUST);
	if (o != NULL)
		o->link = l->id;
	e = kith_fed_send_welcome(f, l);
	if (e == KITH_OK)
		e = kith_fed_peer_save(f, p);
	if (e == KITH_OK && fresh)
		e = kith_fed_spread_node(f, &node, l);
	return e;
}

int
kith_fed_on_welcome(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r)
{
	size_t it = 0;
	void *v;
	int e;

	if (l->state != LINK_TRUSTED)
		return KITH_E_MALFORMED;
	e = kith_fed_take_grants(f, l, r);
	if (e != KITH_OK)
		return e;
	l->state = LINK_OPEN;
	f->links_changed++;
	if (l->addr != NULL)
		kith_fed_dial_done(f, l->addr, true);
	else
		kith_fed_reached(f, l->peer);
	while (e == KITH_OK && kith_map_next(f->groups, &it, NULL, &v))
		if (((struct fed_group *)v)->tagged)
			e = kith_fed_expect(f, l, v);
	if (e == KITH_OK)
		e = kith_fed_send_nodes(f, l);
	if (e == KITH_OK)
		e = kith_fed_send_tags(f, l, NULL);
	if (e == KITH_OK)
		e = kith_fed_fetch_link(f, l);
	if (e == KITH_OK)
		e = kith_fed_ask_link(f, l);
	if (e == KITH_OK)
		e = kith_fed_mail_due(f, l->peer);
	return e;
}
