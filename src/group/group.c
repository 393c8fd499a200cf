#include "group/group.h"

#include <stdlib.h>
#include <string.h>

#include "group/inner.h"
#include "wire/mp.h"

void
kith_changes_fini(struct kith_changes *c)
{
	kith_vec_fini(&c->list);
}

int
kith_group_change(struct kith_group *g, struct kith_changes *c, enum kith_change_kind what, const struct kith_record *r,
    uint64_t pos, uint32_t state)
{
	struct kith_change *e;

	if (c == NULL)
		return KITH_OK;
	if (kith_vec_grow(&c->list) != KITH_OK)
		return KITH_E_NOMEM;
	e = &c->list.v[c->list.n - 1];
	*e = (struct kith_change){ .what = what, .group = g->id, .pos = pos, .state = state };
	if (r != NULL) {
		e->scope = r->scope;
		e->id = r->id;
		e->node = r->node;
		e->author = r->author;
		e->incarnation = r->incarnation;
		e->seq = r->seq;
		e->clock = r->clock;
		e->kind = r->kind;
	}
	return KITH_OK;
}

/* ---- frontiers ---- */

int
kith_front_of(struct kith_group *g, const struct kith_id *ids, size_t n, struct front *out)
{
	const struct kith_act *act;
	uint32_t *list = NULL;
	struct front f = { 0 };
	size_t i;

	if (n > 1 && (list = malloc(n * sizeof(*list))) == NULL)
		return KITH_E_NOMEM;
	for (i = 0; i < n; i++) {
		act = kith_authority_find(g->a, &ids[i]);
		if (act == NULL) {
			free(list);
			return KITH_E_MISSING;
		}
		if (n > 1)
			list[i] = act->index;
		else
			f.one = act->index;
	}
	f.n = (uint32_t)n;
	f.more = list;
	*out = f;
	return KITH_OK;
}

void
kith_front_fini(struct front *f)
{
	free(f->more);
	*f = (struct front){ 0 };
}

int
kith_front_copy(const struct front *f, struct front *out)
{
	uint32_t *list = NULL;

	if (f->n > 1) {
		list = malloc(f->n * sizeof(*list));
		if (list == NULL)
			return KITH_E_NOMEM;
		memcpy(list, f->more, f->n * sizeof(*list));
	}
	*out = *f;
	out->more = list;
	return KITH_OK;
}

bool
kith_front_saw(const struct kith_group *g, const struct front *f, uint32_t act)
{
	const uint32_t *list = front_list(f);
	uint32_t i;

	for (i = 0; i < f->n; i++)
		if (kith_authority_seen(g->a, act, list[i]))
			return true;
	return false;
}

bool
kith_front_eq(const struct front *x, const struct front *y)
{
	return x->n == y->n && memcmp(front_list(x), front_list(y), x->n * sizeof(uint32_t)) == 0;
}

/* ---- who and where ---- */

struct person *
kith_group_person(struct kith_group *g, const struct kith_id *uid, bool create)
{
	struct person *p = kith_map_get(g->people, kith_id_slice(uid));

	if (p != NULL || !create)
		return p;
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		return NULL;
	p->uid = *uid;
	if (kith_map_put(g->people, kith_id_slice(uid), p, NULL) != KITH_OK) {
		free(p);
		return NULL;
	}
	g->sorted_ok = false;
	return p;
}

struct gnode *
kith_group_gnode(struct kith_group *g, const struct kith_id *node, bool create)
{
	struct gnode *n = kith_map_get(g->nodes, kith_id_slice(node));

	if (n != NULL || !create)
		return n;
	n = calloc(1, sizeof(*n));
	if (n == NULL)
		return NULL;
	n->id = *node;
	if (kith_map_put(g->nodes, kith_id_slice(node), n, NULL) != KITH_OK) {
		free(n);
		return NULL;
	}
	return n;
}

struct panel *
kith_group_panel(struct kith_group *g, const struct kith_id *scope, bool create)
{
	struct panel *p = kith_map_get(g->panels, kith_id_slice(scope));

	if (p != NULL || !create)
		return p;
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		return NULL;
	p->scope = *scope;
	if (kith_map_put(g->panels, kith_id_slice(scope), p, NULL) != KITH_OK) {
		free(p);
		return NULL;
	}
	return p;
}

#define FEED_KEY (2 * KITH_ID_BYTES + 8)

static struct kith_slice
feed_key(uint8_t key[FEED_KEY], const struct kith_id *scope, const struct kith_id *node, uint64_t incarnation)
{
	memcpy(key, scope->b, KITH_ID_BYTES);
	memcpy(key + KITH_ID_BYTES, node->b, KITH_ID_BYTES);
	kith_put_be64(key + 2 * KITH_ID_BYTES, incarnation);
	return kith_slice_of(key, FEED_KEY);
}

void
kith_feed_free(void *p)
{
	struct feed *f = p;

	kith_tree_free(f->tree);
	kith_front_fini(&f->front);
	kith_vec_fini(&f->names);
	kith_vec_fini(&f->scan_pos);
	free(f);
}

int
kith_feed_adopt(struct kith_group *g, const struct kith_ledger_feed *l, struct feed **out)
{
	uint8_t key[FEED_KEY];
	struct feed *f = calloc(1, sizeof(*f));
	int r = KITH_E_NOMEM;

	if (f == NULL)
		return r;
	f->l = *l;
	f->plane = kith_scope_plane(&l->key.scope);
	f->scan_from = f->rejected_from = NO_PLACE;
	f->unsigned_from = NO_PLACE;
	f->node = kith_group_gnode(g, &l->key.node, true);
	if (f->node == NULL || kith_vec_grow(&f->node->feeds) != KITH_OK)
		goto fail;
	f->node->feeds.v[f->node->feeds.n - 1] = f;
	if (f->plane == KITH_PLANE_TIMELINE) {
		f->panel = kith_group_panel(g, &l->key.scope, true);
		if (f->panel == NULL || kith_vec_grow(&f->panel->feeds) != KITH_OK)
			goto fail_node;
		f->panel->feeds.v[f->panel->feeds.n - 1] = f;
	}
	if (f->plane == KITH_PLANE_ROSTER && l->forked)
		f->node->forked = true;
	if (l->flags & FEED_WAITING)
		g->blocked = true;
	r = kith_map_put(g->feeds, feed_key(key, &l->key.scope, &l->key.node, l->key.incarnation), f, NULL);
	if (r != KITH_OK)
		goto fail_panel;
	*out = f;
	return KITH_OK;
fail_panel:
	if (f->panel != NULL)
		f->panel->feeds.n--;
fail_node:
	f->node->feeds.n--;
fail:
	free(f);
	return r;
}

struct feed *
kith_group_feed_(struct kith_group *g, struct kith_txn *t, const struct kith_id *scope, const struct kith_id *node,
    uint64_t incarnation, bool create, int *err)
{
	struct kith_ledger_key key = { .group = g->id, .scope = *scope, .node = *node, .incarnation = incarnation };
	uint8_t k[FEED_KEY];
	struct kith_ledger_feed l;
	struct feed *f = kith_map_get(g->feeds, feed_key(k, scope, node, incarnation));
	uint32_t feedno;

	*err = KITH_OK;
	if (f != NULL || !create)
		return f;
	*err = kith_ledger_feed(t, &key, true, &feedno);
	if (*err == KITH_OK)
		*err = kith_ledger_feed_get(t, feedno, &l);
	if (*err == KITH_OK)
		*err = kith_feed_adopt(g, &l, &f);
	if (*err == KITH_OK)
		f->state_known = true;
	return *err == KITH_OK ? f : NULL;
}

int
kith_feed_put(struct kith_group *g, struct kith_txn *t, struct feed *f)
{
	if (!f->changed || g->pure)
		return KITH_OK;
	f->changed = false;
	return kith_ledger_feed_put(t, &f->l);
}

int
kith_feeds_put(struct kith_group *g, struct kith_txn *t)
{
	size_t it = 0;
	void *v;
	int r = KITH_OK;

	if (!g->dirty_feeds)
		return KITH_OK;
	g->dirty_feeds = false;
	while (r == KITH_OK && kith_map_next(g->feeds, &it, NULL, &v))
		r = kith_feed_put(g, t, v);
	return r;
}

int
kith_read(struct kith_txn *t, uint64_t pos, struct kith_ledger_record *lr, struct kith_record *r)
{
	int e = kith_ledger_get(t, pos, lr);

	if (e == KITH_OK && kith_record_parse(lr->header, r) != KITH_OK)
		e = KITH_E_CORRUPT;
	return e;
}

/* Is the record at that place refused? In a feed without forks all above the first refused one are. */
static int
place_rejected(struct kith_group *g, struct kith_txn *t, struct feed *f, uint64_t seq, bool *out)
{
	uint64_t pos;
	uint32_t state;
	size_t n;
	int r = kith_ledger_place(t, f->l.feedno, seq, &pos, 1, &n);

	if (r != KITH_OK)
		return r;
	if (n == 0)
		return KITH_E_CORRUPT;
	r = kith_ledger_state_get(t, pos, &state);
	(void)g;
	if (r == KITH_OK)
		*out = (state & KITH_S_REJECTED) != 0;
	return r;
}

/* The feed's tip is this record now, accepted. */
int
kith_feed_front(struct kith_group *g, struct feed *f, const struct kith_record *r)
{
	struct front front;
	const uint32_t *list;
	uint32_t i;
	int e;

	if (f->front_known && f->names.n == r->n_frontier &&
	    memcmp(f->names.v, r->frontier, r->n_frontier * sizeof(*r->frontier)) == 0)
		return KITH_OK;
	e = kith_front_of(g, r->frontier, r->n_frontier, &front);
	if (e != KITH_OK)
		return e;
	kith_front_fini(&f->front);
	f->front = front;
	f->front_known = true;
	f->gen = ++g->gens;
	f->high = 0;
	list = front_list(&front);
	for (i = 0; i < front.n; i++)
		if (g->high.v[list[i]] > f->high)
			f->high = g->high.v[list[i]];
	f->names.n = 0;
	for (i = 0; i < r->n_frontier; i++)
		if (kith_vec_push(&f->names, r->frontier[i]) != KITH_OK)
			return KITH_E_NOMEM;
	return KITH_OK;
}

int
kith_feed_know(struct kith_group *g, struct kith_txn *t, struct feed *f)
{
	struct kith_ledger_record lr;
	struct kith_record rec;
	uint64_t lo = 0, hi, mid;
	uint32_t state;
	bool refused = false;
	int r;

	if (f->state_known || f->l.next_seq == 0) {
		f->state_known = true;
		return KITH_OK;
	}
	r = kith_ledger_get_id(t, &f->l.tip, &lr);
	if (r == KITH_OK && kith_record_parse(lr.header, &rec) != KITH_OK)
		r = KITH_E_CORRUPT;
	if (r == KITH_OK)
		r = kith_state_get(g, t, lr.pos, &rec.id, &state);
	if (r != KITH_OK)
		return r == KITH_E_NOTFOUND ? KITH_E_CORRUPT : r;
	f->tip_rejected = (state & KITH_S_REJECTED) != 0;
	f->tip_clock = rec.clock;
	if (!f->tip_rejected && f->plane != KITH_PLANE_AUTHORITY) {
		r = kith_feed_front(g, f, &rec);
		if (r != KITH_OK)
			return r == KITH_E_MISSING ? KITH_E_CORRUPT : r;
	}
	if (f->tip_rejected && !f->l.forked && f->plane != KITH_PLANE_AUTHORITY) {
		for (hi = f->l.next_seq - 1; lo < hi;) {
			mid = lo + (hi - lo) / 2;
			r = place_rejected(g, t, f, mid, &refused);
			if (r != KITH_OK)
				return r;
			if (refused)
				hi = mid;
			else
				lo = mid + 1;
		}
		f->rejected_from = lo;
	}
	f->state_known = true;
	return KITH_OK;
}

int
kith_state_get(struct kith_group *g, struct kith_txn *t, uint64_t pos, const struct kith_id *id, uint32_t *flags)
{
	uintptr_t v;

	if (!g->pure)
		return kith_ledger_state_get(t, pos, flags);
	v = (uintptr_t)kith_map_get(g->states, kith_id_slice(id));
	*flags = v == 0 ? 0 : (uint32_t)(v - 1);
	return KITH_OK;
}

int
kith_state_set(struct kith_group *g, struct kith_txn *t, uint64_t pos, const struct kith_id *id, uint32_t flags)
{
	if (!g->pure)
		return kith_ledger_state_set(t, pos, flags);
	return kith_map_put(g->states, kith_id_slice(id), (void *)((uintptr_t)flags + 1), NULL);
}

/* ---- acts and roster records in memory ---- */

int
kith_group_add_act(struct kith_group *g, struct kith_txn *t, const struct kith_record *r, const struct kith_op *op,
    const struct kith_act_proof *proof, const struct kith_act **out)
{
	const struct kith_act *act, *p;
	struct panel *panel;
	uint64_t high = r->clock;
	uint32_t i;
	int e;

	(void)t;
	if (kith_vec_grow(&g->high) != KITH_OK)
		return KITH_E_NOMEM;
	g->high.n--;
	e = kith_authority_add(g->a, r, op, proof, &act);
	if (e != KITH_OK)
		return e;
	for (i = 0; i < r->n_parents; i++) {
		p = kith_authority_find(g->a, &r->parents[i]);
		if (p != NULL && p->index < g->high.n && g->high.v[p->index] > high)
			high = g->high.v[p->index];
	}
	kith_assert(act->index == g->high.n);
	g->high.v[g->high.n++] = high;
	if (act->valid && act->kind == KITH_K_ROLE_CREATE && kith_vec_push(&g->roles, act->id) != KITH_OK)
		return KITH_E_NOMEM;
	if (act->valid && act->kind == KITH_K_PANEL_CREATE) {
		panel = kith_group_panel(g, &act->panel_or_role, true);
		if (panel == NULL || kith_vec_push(&panel->creates, act->index) != KITH_OK)
			return KITH_E_NOMEM;
	}
	kith_tree_stale(g);             /* it may bear a cut, or bring others with one to count (A11) */
	if (act->kind == KITH_K_CREATE && act->index == 0)
		g->held = true;
	g->epoch++;
	*out = act;
	return KITH_OK;
}

int
kith_cut_load(struct kith_txn *t, const struct kith_id *id, struct kith_arena **arena, const struct kith_cut **out)
{
	struct kith_arena *a = kith_arena_new(4 * KITH_CUT_MAX);
	struct kith_cut *cut;
	struct kith_slice raw, copy;
	uint8_t type;
	int r = KITH_E_NOMEM;

	if (a == NULL || (cut = kith_arena_alloc(a, sizeof(*cut))) == NULL)
		goto done;
	r = kith_ledger_object_get(t, id, &type, &raw);
	if (r == KITH_OK && type != KITH_O_CUT)
		r = KITH_E_CORRUPT;
	if (r != KITH_OK)
		goto done;
	copy = kith_arena_copy(a, raw);
	r = raw.n > 0 && copy.p == NULL ? KITH_E_NOMEM : kith_cut_parse(copy, a, cut);
	if (r != KITH_OK)
		goto done;
	*arena = a;
	*out = cut;
	a = NULL;
done:
	kith_arena_free(a);
	return r;
}

void
kith_rost_free(void *p)
{
	struct rost *m = p;

	if (m == NULL)
		return;
	kith_front_fini(&m->front);
	kith_arena_free(m->arena);
	kith_vec_fini(&m->earlier);
	kith_vec_fini(&m->quick);
	free(m);
}

/* What a first record says of the roster feeds that its node wrote before: the names of their tips. */
static int
take_earlier(struct rost *m, const struct kith_op *op)
{
	struct kith_mp_reader rd;
	struct kith_id scope, id;
	uint8_t incarnation[8];
	uint64_t seq;
	uint32_t n;

	if (!(op->has & KITH_OP_BIT(KITH_OP_EARLIER)))
		return KITH_OK;
	kith_mp_read(&rd, op->earlier);
	for (n = kith_mp_array(&rd); n > 0 && rd.err == KITH_OK; n--) {
		kith_mp_array_exact(&rd, 4);
		kith_mp_bin_exact(&rd, incarnation, sizeof(incarnation));
		scope = kith_mp_id(&rd);
		seq = kith_mp_uint(&rd);
		id = kith_mp_id(&rd);
		if (rd.err == KITH_OK && kith_id_eq(&scope, &kith_scope_roster) && kith_vec_push(&m->earlier, ((struct earlier){ kith_get_be64(incarnation), seq, id })) != KITH_OK)
			return KITH_E_NOMEM;
	}
	return KITH_OK;
}

static int
take_invite(struct kith_group *g, struct kith_txn *t, struct rost *m, const struct kith_op *op)
{
	struct kith_invite inv;
	struct kith_slice raw;
	struct person *maker;
	uint8_t type;
	int r;

	m->invite = op->invite;
	r = kith_ledger_object_get(t, &op->invite, &type, &raw);
	if (r == KITH_OK && (type != KITH_O_INVITE || kith_invite_parse(raw, &inv) != KITH_OK))
		r = KITH_E_CORRUPT;
	if (r != KITH_OK)
		return r == KITH_E_NOTFOUND ? KITH_E_CORRUPT : r;
	m->maker = inv.maker;
	maker = kith_group_person(g, &inv.maker, true);
	if (maker == NULL)
		return KITH_E_NOMEM;
	if (kith_vec_push(&g->by_invite, m) != KITH_OK)
		return KITH_E_NOMEM;
	return kith_vec_push(&maker->invited, m);
}

int
kith_group_add_rost(struct kith_group *g, struct kith_txn *t, const struct kith_record *r, const struct kith_op *op,
    uint64_t pos, struct feed *f, struct rost **out)
{
	struct rost *m;
	int e = KITH_E_NOMEM;

	*out = NULL;
	if (r->kind != KITH_K_JOIN && r->kind != KITH_K_MOVE && r->kind != KITH_K_LEAVE && r->kind != KITH_K_NODE_JOIN &&
	    r->kind != KITH_K_NODE_REKEY)
		return KITH_OK;
	m = calloc(1, sizeof(*m));
	if (m == NULL)
		return e;
	m->id = r->id;
	m->feed = f;
	m->seq = r->seq;
	m->clock = r->clock;
	m->pos = pos;
	m->kind = r->kind;
	m->how = (uint8_t)op->how;
	m->counts = !f->l.forked;
	if (!kith_id_is_none(&r->via))
		m->via = kith_map_get(g->rost, kith_id_slice(&r->via));
	e = kith_front_of(g, r->frontier, r->n_frontier, &m->front);
	if (e == KITH_OK && op->has & KITH_OP_BIT(KITH_OP_CUT))
		e = kith_cut_load(t, &op->cut, &m->arena, &m->cut);
	if (e == KITH_OK)
		e = take_earlier(m, op);
	if (e == KITH_OK)
		e = kith_map_put(g->rost, kith_id_slice(&r->id), m, NULL);
	if (e != KITH_OK) {
		kith_rost_free(m);
		return e == KITH_E_MISSING || e == KITH_E_NOTFOUND ? KITH_E_CORRUPT : e;
	}
	/* From here on the map owns it; a failure ends the transaction, and the group with it. */
	if (r->seq == 0)
		f->root = m;
	if (r->kind == KITH_K_JOIN || r->kind == KITH_K_MOVE || r->kind == KITH_K_LEAVE) {
		m->who = kith_group_person(g, &r->author, true);
		m->doc = kith_doc_find(g, &r->doc);
		if (m->who == NULL)
			return KITH_E_NOMEM;
		if (m->doc == NULL)
			return KITH_E_CORRUPT;
		if (r->kind == KITH_K_JOIN && m->doc->n == 0)
			m->cut = NULL;
		e = kith_gnode_lodge(f->node, m->who);
		if (e == KITH_OK)
			e = kith_person_more(g, m->who, m);
	} else {
		f->node->joined = true;
		e = kith_vec_push(&f->node->rost, m);
		if (e == KITH_OK)
			e = kith_gnode_touch(g, f->node);
	}
	if (e == KITH_OK && op->has & KITH_OP_BIT(KITH_OP_INVITE) && op->how == KITH_HOW_INVITE)
		e = take_invite(g, t, m, op);
	if (e == KITH_OK && r->kind == KITH_K_JOIN && op->how == KITH_HOW_OPEN)
		e = kith_vec_push(&g->by_open, m);
	if (e == KITH_OK && r->kind != KITH_K_LEAVE && (m->cut != NULL || r->kind == KITH_K_MOVE)) {
		e = kith_vec_push(&g->with_cut, m);
		kith_tree_stale(g);
	}
	g->epoch++;
	*out = m;
	return e;
}

/* ---- plain questions ---- */

const struct kith_id *
kith_group_id(const struct kith_group *g)
{
	return &g->id;
}

bool
kith_group_is_held(const struct kith_group *g)
{
	return g->held;
}

struct kith_authority *
kith_group_authority(struct kith_group *g)
{
	return g->a;
}

size_t
kith_group_memory(const struct kith_group *g)
{
	const struct parked *p;
	size_t n = sizeof(*g);

	n += kith_authority_count(g->a) * 1024;
	n += kith_map_count(g->rost) * (sizeof(struct rost) + 256);
	n += kith_map_count(g->people) * (sizeof(struct person) + 160);
	n += kith_map_count(g->docs) * (sizeof(struct doc) + 80);
	n += kith_map_count(g->feeds) * (sizeof(struct feed) + 160);
	n += kith_map_count(g->claims) * (sizeof(struct claim) + 80);
	for (p = g->oldest; p != NULL; p = p->next)
		n += p->cost;
	return n + kith_group_memory_trees(g);
}

void
kith_group_set_member_role(struct kith_group *g, const struct kith_id *role)
{
	g->member_role = *role;
	g->epoch++;
}

void
kith_group_set_order(struct kith_group *g, int (*cmp)(void *ctx, const struct kith_id *x, const struct kith_id *y), void *ctx)
{
	g->order = cmp;
	g->order_ctx = ctx;
}
