#include "federation/fed.h"

#include <stdlib.h>
#include <string.h>

/*
 * What a peer has to do with a group. Both ends send a tag for each group they
 * hold: a hash of its id keyed with the session and the sender's side, so that it
 * tells nothing to who does not hold the group and cannot be sent back. Who has
 * sent a group's tag has shown that it knows it (matched); what it is given is
 * another matter, and follows from the roster as we see it.
 */
#define BANNED ((uintptr_t)1 << 31)

void
kith_fed_tag(const struct kith_fed *f, const struct fed_link *l, bool theirs, const struct kith_id *group, uint8_t tag[16])
{
	uint8_t in[1 + KITH_ID_BYTES];
	struct kith_id h;

	(void)f;
	in[0] = l->inbound != theirs;
	memcpy(in + 1, group->b, KITH_ID_BYTES);
	kith_hash_keyed(KITH_L_GROUPTAG, kith_id_slice(&l->key), kith_slice_of(in, sizeof(in)), &h);
	memcpy(tag, h.b, 16);
}

struct kith_group *
kith_fed_open_group(struct kith_fed *f, const struct fed_group *g)
{
	return f->host.group(f->host.ctx, f->t, &g->id, false);
}

void
kith_fed_member_free(void *member)
{
	struct fed_member *m = member;

	kith_vec_fini(&m->known);
	kith_vec_fini(&m->sees);
	kith_vec_fini(&m->announce);
	kith_map_free(m->eager, NULL);
	kith_map_free(m->grafted, NULL);
	free(m);
}

void
kith_fed_group_free(void *group)
{
	struct fed_group *g = group;
	size_t i;

	for (i = 0; i < g->scope.n; i++) {
		kith_map_free(g->scope.v[i].by_node, NULL);
		kith_vec_fini(&g->scope.v[i].feeds);
	}
	kith_vec_fini(&g->scope);
	kith_vec_fini(&g->feed);
	kith_vec_fini(&g->queue);
	kith_map_free(g->scopes, NULL);
	kith_map_free(g->members, kith_fed_member_free);
	kith_map_free(g->nodes, NULL);
	kith_map_free(g->missing, free);
	free(g);
}

int
kith_fed_group(struct kith_fed *f, const struct kith_id *id, bool create, struct fed_group **out)
{
	struct fed_group *g = kith_map_get(f->groups, kith_id_slice(id));
	int r;

	*out = g;
	if (g != NULL || !create)
		return KITH_OK;
	g = calloc(1, sizeof(*g));
	if (g == NULL)
		return KITH_E_NOMEM;
	g->id = *id;
	g->epoch = 1;
	g->heads_stale = g->invites_stale = true;
	g->queue_ms = NEVER;
	g->scopes = kith_map_new();
	g->members = kith_map_new();
	g->nodes = kith_map_new();
	g->missing = kith_map_new();
	r = g->scopes != NULL && g->members != NULL && g->nodes != NULL && g->missing != NULL ? KITH_OK : KITH_E_NOMEM;
	if (r == KITH_OK)
		r = kith_map_put(f->groups, kith_id_slice(id), g, NULL);
	if (r != KITH_OK) {
		kith_fed_group_free(g);
		return r;
	}
	*out = g;
	return KITH_OK;
}

/* A group that we hold and did not know of: tell those who are linked. */
static int
group_found(struct kith_fed *f, const struct kith_id *id)
{
	struct fed_group *g;
	struct fed_link *l;
	size_t it = 0;
	void *v;
	int r = kith_fed_group(f, id, true, &g);

	if (r == KITH_OK)
		g->tagged = true;
	while (r == KITH_OK && kith_map_next(f->links, &it, NULL, &v)) {
		l = v;
		if (l->state != LINK_OPEN)
			continue;
		r = kith_fed_expect(f, l, g);
		if (r == KITH_OK)
			r = kith_fed_send_tags(f, l, g);
		if (r == KITH_OK)
			r = kith_fed_match(f, l, g);
	}
	return r;
}

int
kith_fed_groups_look(struct kith_fed *f)
{
	struct fed_group *g;
	struct kith_id id;
	size_t it = 0;
	int r = KITH_OK;

	while (r == KITH_OK && f->host.group_next(f->host.ctx, &it, &id)) {
		r = kith_fed_group(f, &id, false, &g);
		if (r == KITH_OK && (g == NULL || !g->tagged))
			r = group_found(f, &id);
	}
	return r;
}

int
kith_fed_send_tags(struct kith_fed *f, struct fed_link *l, const struct fed_group *only)
{
	struct kith_buf tags, *b;
	struct fed_group *g;
	uint8_t tag[16];
	size_t it = 0, n = 0, i;
	void *v;
	int r = KITH_OK;

	kith_buf_init(&tags, 0);
	while (kith_map_next(f->groups, &it, NULL, &v)) {
		g = v;
		if (!g->tagged || (only != NULL && g != only))
			continue;
		kith_fed_tag(f, l, false, &g->id, tag);
		kith_buf_put(&tags, tag, sizeof(tag));
		n++;
	}
	if (kith_buf_err(&tags) != KITH_OK)
		r = KITH_E_NOMEM;
	for (i = 0; r == KITH_OK && i < n; i++) {
		if (i % 4096 == 0) {
			b = kith_fed_begin(f, 1);
			kith_mp_put_array(b, (uint32_t)(n - i < 4096 ? n - i : 4096));
		}
		kith_mp_put_bin(&f->frame, kith_slice_of(tags.p + i * 16, 16));
		if (i % 4096 == 4095 || i + 1 == n)
			r = kith_fed_send(f, l, KITH_FR_TAGS);
	}
	kith_buf_fini(&tags);
	return r;
}

int
kith_fed_expect(struct kith_fed *f, struct fed_link *l, struct fed_group *g)
{
	uint8_t tag[16];

	kith_fed_tag(f, l, true, &g->id, tag);
	return kith_map_put(l->expected, kith_slice_of(tag, sizeof(tag)), g, NULL);
}

int
kith_fed_on_tags(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r)
{
	uint32_t n = kith_mp_array(r);
	struct fed_group *g;
	struct kith_slice tag;
	int e = KITH_OK;

	for (; e == KITH_OK && n > 0; n--) {
		tag = kith_mp_bin(r);
		if (kith_map_count(l->tags) >= FED_TAGS_MAX)
			return KITH_E_LIMIT;
		e = kith_map_put(l->tags, tag, l, NULL);
		g = kith_map_get(l->expected, tag);
		if (e == KITH_OK && g != NULL)
			e = kith_fed_match(f, l, g);
	}
	return e;
}

int
kith_fed_match(struct kith_fed *f, struct fed_link *l, struct fed_group *g)
{
	struct fed_member *m = l->peer == NULL ? NULL : kith_fed_member(g, &l->peer->node);
	uint8_t tag[16];
	int r;

	if (m != NULL && m->link == l && m->matched)
		return KITH_OK;
	kith_fed_tag(f, l, true, &g->id, tag);
	if (kith_map_get(l->tags, kith_slice_of(tag, sizeof(tag))) == NULL)
		return KITH_OK;
	r = kith_fed_member_make(f, g, l, &m);
	return r == KITH_OK ? kith_fed_member_look(f, m) : r;
}

struct fed_member *
kith_fed_member(const struct fed_group *g, const struct kith_id *node)
{
	return kith_map_get(g->members, kith_id_slice(node));
}

/* The peer of l in g, matched from now on. */
int
kith_fed_member_make(struct kith_fed *f, struct fed_group *g, struct fed_link *l, struct fed_member **out)
{
	struct fed_member *m = kith_fed_member(g, &l->peer->node);
	size_t i;
	int r = kith_fed_group_load(f, g);

	if (r != KITH_OK)
		return r;
	if (m == NULL) {
		m = calloc(1, sizeof(*m));
		if (m == NULL)
			return KITH_E_NOMEM;
		m->g = g;
		m->node = l->peer->node;
		m->eager = kith_map_new();
		m->grafted = kith_map_new();
		r = m->eager == NULL || m->grafted == NULL ? KITH_E_NOMEM : kith_map_put(g->members, kith_id_slice(&m->node), m, NULL);
		if (r != KITH_OK) {
			kith_fed_member_free(m);
			return r;
		}
	}
	if (m->link != l) {
		r = kith_vec_push(&l->members, m);
		if (r == KITH_OK)
			r = kith_fed_want_bodies(f, m);
		if (r != KITH_OK)
			return r;
		m->link = l;
		m->invited = m->synced = m->digested = m->ours = false;
		m->announce.n = 0;
		for (i = 0; i < m->known.n; i++) {
			m->known.v[i].sent = 0;
			m->known.v[i].queued = false;
		}
		g->active_stale = true;
		/* what was agreed on the last link may be forgotten at the other end */
		kith_map_free(m->eager, NULL);
		kith_map_free(m->grafted, NULL);
		m->eager = kith_map_new();
		m->grafted = kith_map_new();
		if (m->eager == NULL || m->grafted == NULL)
			return KITH_E_NOMEM;
	}
	m->matched = true;
	*out = m;
	return KITH_OK;
}

/* ---- who is in, and what it sees ---- */

int
kith_fed_group_nodes(struct kith_fed *f, struct fed_group *g)
{
	struct kith_group *kg;
	struct kith_group_node n;
	struct kith_map *nodes;
	struct fed_peer *p;
	size_t it = 0;
	int r = KITH_OK;

	if (g->nodes_epoch == g->epoch)
		return KITH_OK;
	kg = kith_fed_open_group(f, g);
	if (kg == NULL)
		return KITH_OK;
	nodes = kith_map_new();
	if (nodes == NULL)
		return KITH_E_NOMEM;
	g->n_nodes = 0;
	while (r == KITH_OK && kith_group_node_next(kg, &it, &n)) {
		r = kith_map_put(nodes, kith_id_slice(&n.node), (void *)(n.banned ? BANNED : (uintptr_t)1 + n.members), NULL);
		g->n_nodes += !n.banned;
	}
	kith_map_free(g->nodes, NULL);
	g->nodes = nodes;
	g->nodes_epoch = g->epoch;
	g->active_stale = true;
	f->dial_ms = 0;
	for (it = 0; r == KITH_OK && g->n_nodes <= FED_FEW;) {
		struct kith_slice key;
		struct kith_id node;

		if (!kith_map_next(g->nodes, &it, &key, NULL))
			break;
		memcpy(node.b, key.p, sizeof(node.b));
		if (kith_id_eq(&node, &f->self->node))
			continue;
		r = kith_fed_peer_make(f, &node, &p);
		if (r == KITH_OK && p != NULL && !p->shares) {
			p->shares = true;
			r = kith_fed_peer_refresh(f, p);
			if (r == KITH_OK)
				r = kith_fed_peer_save(f, p);
		}
	}
	return r;
}

bool
kith_fed_in_group(const struct fed_group *g, const struct kith_id *node, bool *banned)
{
	uintptr_t v = (uintptr_t)kith_map_get(g->nodes, kith_id_slice(node));

	if (banned != NULL)
		*banned = v == BANNED;
	return v != 0 && v != BANNED;
}

static void
sees_look(struct kith_fed *f, struct fed_member *m, struct kith_group *kg)
{
	uint32_t i;
	uint8_t was;

	(void)f;
	m->sees_epoch = m->g->epoch;
	for (i = 0; i < m->sees.n; i++) {
		was = m->sees.v[i];
		if (was == 0)
			continue;
		m->sees.v[i] = kith_group_node_sees(kg, &m->node, &m->g->scope.v[i].id) ? 2 : 1;
		m->sees_more = m->sees_more || m->sees.v[i] > was;
	}
}

bool
kith_fed_member_sees(struct kith_fed *f, struct fed_member *m, uint32_t scope)
{
	struct fed_scope *s = &m->g->scope.v[scope];
	struct kith_group *kg;

	if (s->plane == KITH_PLANE_AUTHORITY)
		return m->level >= LEVEL_AUTHORITY;
	if (s->plane == KITH_PLANE_ROSTER)
		return m->level >= LEVEL_PLANES;
	if (m->level < LEVEL_FULL)
		return false;
	kg = kith_fed_open_group(f, m->g);
	if (kg == NULL)
		return false;
	if (m->sees_epoch != m->g->epoch)
		sees_look(f, m, kg);
	while (m->sees.n <= scope) {
		if (kith_vec_grow(&m->sees) != KITH_OK)
			return false;
		m->sees.v[m->sees.n - 1] = 0;
	}
	if (m->sees.v[scope] == 0)
		m->sees.v[scope] = kith_group_node_sees(kg, &m->node, &s->id) ? 2 : 1;
	return m->sees.v[scope] == 2;
}

/* The same for a scope that may have no feeds yet. */
bool
kith_fed_sees(struct kith_fed *f, struct fed_member *m, const struct kith_id *scope)
{
	struct kith_group *kg;
	uint32_t i;

	if (kith_fed_scope(m->g, scope, false, &i) == KITH_OK)
		return kith_fed_member_sees(f, m, i);
	switch (kith_scope_plane(scope)) {
	case KITH_PLANE_AUTHORITY:
		return m->level >= LEVEL_AUTHORITY;
	case KITH_PLANE_ROSTER:
		return m->level >= LEVEL_PLANES;
	default:
		kg = kith_fed_open_group(f, m->g);
		return m->level >= LEVEL_FULL && kg != NULL && kith_group_node_sees(kg, &m->node, scope);
	}
}

/*
 * A banned node keeps the authority class, whatever the cut did to its node.join: else it would never hear of the ban.
 * That it was ever here shows in a roster feed of its own.
 */
static bool
is_banned_here(struct kith_group *kg, const struct fed_group *g, const struct kith_id *node)
{
	struct kith_fact ok = { .kind = KITH_F_NODE, .a = *node };
	const struct kith_view *now;
	size_t i;

	if (kith_authority_now(kith_group_authority(kg), &now) != KITH_OK || kith_view_fact(now, &ok))
		return false;
	for (i = 0; i < g->feed.n; i++)
		if (g->scope.v[g->feed.v[i].scope].plane == KITH_PLANE_ROSTER && kith_id_eq(&g->feed.v[i].node, node) && g->feed.v[i].next > 0)
			return true;
	return false;
}

int
kith_fed_member_look(struct kith_fed *f, struct fed_member *m)
{
	struct kith_group *kg = kith_fed_open_group(f, m->g);
	enum fed_level was = m->level;
	bool banned;
	int r;

	if (m->link == NULL || !m->matched || kg == NULL)
		return KITH_OK;
	r = kith_fed_group_nodes(f, m->g);
	if (r != KITH_OK)
		return r;
	if (!kith_group_is_held(kg))
		m->level = LEVEL_NONE;
	else if (kith_fed_in_group(m->g, &m->node, &banned))
		m->level = LEVEL_FULL;
	else if (banned || is_banned_here(kg, m->g, &m->node))
		m->level = LEVEL_AUTHORITY;
	else
		m->level = m->invited ? LEVEL_PLANES : LEVEL_NONE;
	if (m->level == LEVEL_FULL && m->sees_epoch != m->g->epoch)
		sees_look(f, m, kg);
	if (m->level == LEVEL_NONE || m->link->state != LINK_OPEN)
		return KITH_OK;
	if (m->level == was && m->digested && !m->sees_more)
		return KITH_OK;
	m->sees_more = false;
	return kith_fed_send_digest(f, m);
}

int
kith_fed_members_look(struct kith_fed *f, struct fed_group *g)
{
	size_t it = 0;
	void *v;
	int r = kith_fed_group_nodes(f, g);

	while (r == KITH_OK && kith_map_next(g->members, &it, NULL, &v))
		r = kith_fed_member_look(f, v);
	return r;
}

/* Has this batch changed who is in the group? kith_fed_push will hear of it only at its end. */
static bool
changed_now(struct kith_fed *f, const struct fed_group *g)
{
	const struct kith_changes *c = f->host.changes(f->host.ctx);
	size_t i;

	for (i = 0; i < c->list.n; i++)
		if ((c->list.v[i].what == KITH_C_MEMBER || c->list.v[i].what == KITH_C_STATE) && kith_id_eq(&c->list.v[i].group, &g->id))
			return true;
	return false;
}

int
kith_fed_frame_group(struct kith_fed *f, struct fed_link *l, const struct kith_id *id, struct fed_member **out)
{
	struct fed_group *g;
	struct fed_member *m;
	int r = kith_fed_group(f, id, false, &g);

	*out = NULL;
	if (r != KITH_OK)
		return r;
	m = g == NULL ? NULL : kith_fed_member(g, &l->peer->node);
	if (m != NULL && m->link == l && m->matched) {
		*out = m;
		/* the join that lets it ask may have come just before, in this very batch */
		if (m->level == LEVEL_FULL || !changed_now(f, g))
			return KITH_OK;
		g->epoch++;
		r = kith_fed_group_nodes(f, g);
		return r == KITH_OK ? kith_fed_member_look(f, m) : r;
	}
	f->count.not_entitled++;
	l->peer->refused++;
	if (l->foreign_ms != 0 && f->now.mono_ms - l->foreign_ms < 1000)
		return KITH_OK;
	l->foreign_ms = f->now.mono_ms;
	return kith_fed_penalty(f, l, 5000, "a group that it has no part in");
}

/*
 * A peer that knows the group does not find our node in the roster that it
 * holds. If we find it in ours, it may have our own roster feed: that is how a
 * new node shows itself when nobody else can.
 */
int
kith_fed_on_show(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r)
{
	struct kith_id id = kith_mp_id(r);
	struct fed_member *m;
	struct fed_known *k;
	uint32_t scope, i;
	int e = kith_fed_frame_group(f, l, &id, &m);

	if (e != KITH_OK || m == NULL)
		return e;
	m->digested = m->synced = false;        /* ours was of no use to it: another when it opens */
	if (m->level < LEVEL_FULL)
		return KITH_OK;
	if (m->shown_ms != 0 && f->now.mono_ms - m->shown_ms < 1000)
		return KITH_OK;
	m->shown_ms = f->now.mono_ms;
	if (kith_fed_scope(m->g, &kith_scope_roster, false, &scope) != KITH_OK)
		return KITH_OK;
	for (i = 0; e == KITH_OK && i < m->g->scope.v[scope].feeds.n; i++) {
		uint32_t feed = m->g->scope.v[scope].feeds.v[i];

		if (!kith_id_eq(&m->g->feed.v[feed].node, &f->self->node))
			continue;
		k = kith_fed_known(m, feed);
		if (k == NULL)
			return KITH_E_NOMEM;
		k->known = k->sent = 0;
		e = kith_fed_push_feed(f, m, feed);
	}
	return e;
}
