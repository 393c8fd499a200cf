#include "federation/fed.h"

#include <stdlib.h>
#include <string.h>

/*
 * Coming to hold a group. Who brings an invite asks one of the nodes that its
 * link names:
 *
 *	JOIN [request, tag of the group, invite id, proof]
 *
 * The proof is a hash keyed with the hash of the invite's secret, over this
 * session and the asker's side. The invite object names that hash, so a node that
 * holds the object can check the proof, and one that does not learns nothing that
 * it could use. Without an invite: to a group that lets everybody in, or to a node
 * that has sent the asker's node a KITH_MAIL_GROUP. The answer JOINED is the same
 * for absent and forbidden; when it is yes, a DIGEST follows, and the planes are
 * fetched as any group's are.
 *
 * KITH_T_NODE keeps 'g', group, node -> until when it has been let in (wall ms).
 */
#define FETCH_MS 20000u
#define FETCHES_MAX 64
#define PASS_KEY (1 + 2 * KITH_ID_BYTES)

static void
proof_of(const struct fed_link *l, bool theirs, const struct kith_id *secret_hash, const struct kith_id *invite, struct kith_id *out)
{
	uint8_t in[1 + 2 * KITH_ID_BYTES];

	in[0] = l->inbound != theirs;
	memcpy(in + 1, l->key.b, KITH_ID_BYTES);
	memcpy(in + 1 + KITH_ID_BYTES, invite->b, KITH_ID_BYTES);
	kith_hash_keyed(KITH_L_INVITE, kith_id_slice(secret_hash), kith_slice_of(in, sizeof(in)), out);
}

static struct kith_slice
pass_key(uint8_t key[PASS_KEY], const struct kith_id *group, const struct kith_id *node)
{
	key[0] = 'g';
	memcpy(key + 1, group->b, KITH_ID_BYTES);
	memcpy(key + 1 + KITH_ID_BYTES, node->b, KITH_ID_BYTES);
	return kith_slice_of(key, PASS_KEY);
}

int
kith_fed_pass_put(struct kith_fed *f, const struct kith_id *group, const struct kith_id *node)
{
	uint8_t key[PASS_KEY], until[8];

	kith_put_be64(until, f->now.wall_ms + FED_MAIL_MS);
	return kith_txn_put(f->t, KITH_T_NODE, pass_key(key, group, node), kith_slice_of(until, sizeof(until)));
}

static bool
has_pass(struct kith_fed *f, const struct kith_id *group, const struct kith_id *node)
{
	uint8_t key[PASS_KEY];
	struct kith_slice v;

	return kith_txn_get(f->t, KITH_T_NODE, pass_key(key, group, node), &v) == KITH_OK && v.n == 8 && kith_get_be64(v.p) > f->now.wall_ms;
}

bool
kith_fed_fetching(const struct kith_fed *f, const struct kith_id *group)
{
	size_t i;

	for (i = 0; i < f->fetches.n; i++)
		if (kith_id_eq(&f->fetches.v[i]->group, group))
			return true;
	return false;
}

/* ---- the one who asks ---- */

static int
ask(struct kith_fed *f, struct fed_fetch *x, size_t i, struct fed_link *l)
{
	struct kith_id proof = kith_id_none;
	struct kith_buf *b;
	uint8_t tag[16];

	/* asked over a link that has given way to this one, it may never have heard */
	if (x->let_in || x->node[i].refused || (x->node[i].asked && x->node[i].link == l->id))
		return KITH_OK;
	x->node[i].asked = true;
	x->node[i].link = l->id;
	x->req[i] = ++f->last_id;
	kith_fed_tag(f, l, false, &x->group, tag);
	if (!kith_id_is_none(&x->invite))
		proof_of(l, false, &x->secret_hash, &x->invite, &proof);
	b = kith_fed_begin(f, 4);
	kith_mp_put_uint(b, x->req[i]);
	kith_mp_put_bin(b, kith_slice_of(tag, sizeof(tag)));
	kith_mp_put_id_or_none(b, &x->invite);
	kith_mp_put_id_or_none(b, &proof);
	return kith_fed_send(f, l, KITH_FR_JOIN);
}

int
kith_fed_fetch_link(struct kith_fed *f, struct fed_link *l)
{
	size_t i, k;
	int r = KITH_OK;

	for (i = 0; r == KITH_OK && i < f->fetches.n; i++)
		for (k = 0; r == KITH_OK && k < f->fetches.v[i]->n_nodes; k++)
			if (kith_id_eq(&f->fetches.v[i]->node[k].node, &l->peer->node))
				r = ask(f, f->fetches.v[i], k, l);
	return r;
}

static int
reach(struct kith_fed *f, struct fed_fetch *x, size_t i)
{
	struct fed_peer *p;
	int r;

	p = kith_fed_peer(f, &x->node[i].node);
	if (p != NULL && p->link != NULL && p->link->state == LINK_OPEN)
		return ask(f, x, i, p->link);
	r = kith_fed_peer_make(f, &x->node[i].node, &p);
	if (r == KITH_OK && p != NULL)
		kith_fed_want_peer(f, p, FETCH_MS);
	return r;
}

static void
fetch_over(struct kith_fed *f, size_t i, int err)
{
	struct fed_fetch *x = f->fetches.v[i];
	struct kith_id group = x->group;

	f->fetches.v[i] = f->fetches.v[--f->fetches.n];
	kith_wipe(x, sizeof(*x));
	free(x);
	f->host.fetched(f->host.ctx, f->t, f->now, &group, err);
}

int
kith_fed_fetch_start(struct kith_fed *f, const struct kith_id *group, const struct kith_link *link, const struct kith_id *via)
{
	struct fed_fetch *x;
	struct fed_addr *a;
	size_t i, k;
	int r = KITH_OK;

	for (i = 0; i < f->fetches.n; i++)
		if (kith_id_eq(&f->fetches.v[i]->group, group))
			return KITH_OK;         /* its end tells both */
	if (f->fetches.n >= FETCHES_MAX)
		return KITH_E_BUSY;
	x = calloc(1, sizeof(*x));
	if (x == NULL || kith_vec_push(&f->fetches, x) != KITH_OK) {
		free(x);
		return KITH_E_NOMEM;
	}
	x->group = *group;
	x->deadline_ms = f->now.mono_ms + FETCH_MS;
	if (link != NULL) {
		x->invite = link->invite;
		if (!kith_id_is_none(&link->invite))
			kith_hash(KITH_L_INVITE, kith_slice_of(link->secret, sizeof(link->secret)), &x->secret_hash);
		for (i = 0; i < link->n_nodes && i < KITH_LINK_NODES_MAX; i++)
			if (!kith_id_eq(&link->node[i].node, &f->self->node))
				x->node[x->n_nodes++].node = link->node[i].node;
	} else if (via != NULL && !kith_id_eq(via, &f->self->node)) {
		x->node[x->n_nodes++].node = *via;
	}
	for (i = 0; r == KITH_OK && i < x->n_nodes; i++)
		r = reach(f, x, i);
	for (i = 0; r == KITH_OK && link != NULL && i < link->n_nodes; i++) {
		struct fed_peer *p = kith_fed_peer(f, &link->node[i].node);

		for (k = 0; (p == NULL || p->link == NULL) && k < link->node[i].n_addrs; k++) {
			a = kith_fed_addr(f, link->node[i].addr[k], &r);
			if (a == NULL)
				continue;
			a->asked = 3;
			if (a->next_ms > f->now.mono_ms + 1000)
				a->next_ms = f->now.mono_ms;
		}
	}
	f->dial_ms = 0;
	f->fetch_ms = 0;
	return r;
}

int
kith_fed_on_joined(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r)
{
	uint64_t req = kith_mp_uint(r);
	bool yes = kith_mp_bool(r);
	struct fed_fetch *x = NULL;
	struct fed_member *m;
	struct fed_group *g;
	size_t i, k = 0;
	int e;

	for (i = 0; x == NULL && i < f->fetches.n; i++)
		for (k = 0; x == NULL && k < f->fetches.v[i]->n_nodes; k++)
			if (f->fetches.v[i]->req[k] == req && req != 0 && kith_id_eq(&f->fetches.v[i]->node[k].node, &l->peer->node))
				x = f->fetches.v[i];
	if (x == NULL)
		return KITH_OK;
	f->fetch_ms = 0;
	if (!yes) {
		x->node[k - 1].refused = true;
		return KITH_OK;
	}
	x->let_in = true;
	x->quiet_ms = f->now.mono_ms;
	if (f->host.group(f->host.ctx, f->t, &x->group, true) == NULL)
		return KITH_OK;
	e = kith_fed_group(f, &x->group, true, &g);
	if (e == KITH_OK)
		e = kith_fed_member_make(f, g, l, &m);
	return e;
}

/* All of authority and roster that anybody has told us of is here, and who lets us in has told us. */
static bool
planes_here(const struct fed_fetch *x, const struct fed_group *g)
{
	const struct fed_member *m;
	const struct fed_feed *fd;
	size_t i;
	bool any = false;

	for (i = 0; !any && i < x->n_nodes; i++) {
		m = kith_fed_member(g, &x->node[i].node);
		any = m != NULL && x->node[i].asked && !x->node[i].refused && m->synced;
	}
	if (!any)
		return false;
	any = false;
	for (i = 0; i < g->feed.n; i++) {
		fd = &g->feed.v[i];
		if (g->scope.v[fd->scope].plane == KITH_PLANE_TIMELINE)
			continue;
		if (fd->next < fd->claimed || fd->req != NULL)
			return false;
		any = true;
	}
	return any;
}

/* The invite that is brought: no record names it yet, so it is asked for by itself. */
static int
invite_here(struct kith_fed *f, struct fed_fetch *x, struct fed_group *g, bool *here)
{
	struct fed_member *m;
	size_t k;
	int r;

	*here = true;
	if (kith_id_is_none(&x->invite))
		return KITH_OK;
	r = kith_ledger_object_has(f->t, &x->invite, here);
	for (k = 0; r == KITH_OK && !*here && !x->invite_asked && k < x->n_nodes; k++) {
		m = kith_fed_member(g, &x->node[k].node);
		if (m == NULL || !x->node[k].asked || x->node[k].refused)
			continue;
		x->invite_asked = true;
		r = kith_fed_ask_objects(f, m, &x->invite, 1);
	}
	return r;
}

int
kith_fed_fetches(struct kith_fed *f, uint64_t *next)
{
	struct fed_fetch *x;
	struct fed_group *g;
	struct kith_group *kg;
	size_t i, k, refused;
	bool here;
	int r = KITH_OK;

	for (i = f->fetches.n; r == KITH_OK && i > 0; i--) {
		x = f->fetches.v[i - 1];
		r = kith_fed_group(f, &x->group, false, &g);
		if (r != KITH_OK)
			break;
		kg = g == NULL ? NULL : kith_fed_open_group(f, g);
		if (x->let_in && kg != NULL && kith_group_is_held(kg) && planes_here(x, g)) {
			r = invite_here(f, x, g, &here);
			if (r != KITH_OK)
				break;
			if (here) {
				fetch_over(f, i - 1, KITH_OK);
				continue;
			}
		}
		for (k = refused = 0; k < x->n_nodes; k++)
			refused += x->node[k].refused;
		if (refused == x->n_nodes) {
			fetch_over(f, i - 1, KITH_E_NOTFOUND);
			continue;
		}
		/* the one that let us in is gone: the others may */
		if (x->let_in && f->now.mono_ms >= x->quiet_ms + 5000 && (kg == NULL || !kith_group_is_held(kg))) {
			x->let_in = false;
			for (k = 0; r == KITH_OK && k < x->n_nodes; k++) {
				x->node[k].asked = x->node[k].refused;
				r = reach(f, x, k);
			}
			x->quiet_ms = f->now.mono_ms;
		}
		if (f->now.mono_ms >= x->deadline_ms) {
			fetch_over(f, i - 1, refused > 0 ? KITH_E_NOTFOUND : KITH_E_BUSY);
			continue;
		}
		if (x->deadline_ms < *next)
			*next = x->deadline_ms;
		if (x->let_in && f->now.mono_ms + 50 < *next)
			*next = f->now.mono_ms + 50;
	}
	return r;
}

/* ---- the one who is asked ---- */

static bool
may_join(struct kith_fed *f, struct fed_link *l, struct fed_group *g, const struct kith_id *invite, const struct kith_id *proof)
{
	struct kith_fact joins_open = { .kind = KITH_F_JOINS_OPEN }, node = { .kind = KITH_F_NODE, .a = l->peer->node };
	struct kith_group *kg = kith_fed_open_group(f, g);
	const struct kith_view *now;
	struct kith_invite inv;
	struct kith_slice raw;
	struct kith_id want;
	uint8_t type;

	if (kg == NULL || !kith_group_is_held(kg) || kith_authority_now(kith_group_authority(kg), &now) != KITH_OK || !kith_view_fact(now, &node))
		return false;
	if (kith_fed_in_group(g, &l->peer->node, NULL) || has_pass(f, &g->id, &l->peer->node))
		return true;
	if (kith_id_is_none(invite))
		return kith_view_fact(now, &joins_open);
	if (kith_ledger_object_get(f->t, invite, &type, &raw) != KITH_OK || type != KITH_O_INVITE || kith_invite_parse(raw, &inv) != KITH_OK ||
	    !kith_id_eq(&inv.group, &g->id) || !kith_fed_invite_stands(f, g, invite, inv.expires_ms))
		return false;
	proof_of(l, true, &inv.secret_hash, invite, &want);
	return kith_secret_eq(kith_id_slice(&want), kith_id_slice(proof));
}

int
kith_fed_on_join(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r)
{
	uint64_t req = kith_mp_uint(r);
	struct kith_slice tag = kith_mp_bin(r);
	struct kith_id invite = kith_mp_id_or_none(r), proof = kith_mp_id_or_none(r);
	struct fed_group *g = kith_fed_may_bother(f, l) ? kith_map_get(l->expected, tag) : NULL;
	struct fed_member *m = NULL;
	struct kith_buf *b;
	int e = KITH_OK;
	bool yes = false;

	if (g != NULL) {
		e = kith_fed_group_load(f, g);
		if (e == KITH_OK)
			e = kith_fed_group_nodes(f, g);
		yes = e == KITH_OK && may_join(f, l, g, &invite, &proof);
	}
	if (e == KITH_OK && yes)
		e = kith_fed_member_make(f, g, l, &m);
	if (e != KITH_OK)
		return e;
	b = kith_fed_begin(f, 2);
	kith_mp_put_uint(b, req);
	kith_mp_put_bool(b, yes);
	e = kith_fed_send(f, l, KITH_FR_JOINED);
	if (e != KITH_OK || !yes)
		return e;
	m->invited = true;
	m->digested = false;
	return kith_fed_member_look(f, m);
}
