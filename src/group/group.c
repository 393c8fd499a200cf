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

static void
feed_free(void *p)
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

static void
rost_free(void *p)
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
		rost_free(m);
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

/* ---- opening ---- */

struct loaded {
	uint64_t pos;
	struct feed *feed;
};

static int
by_pos(const void *x, const void *y)
{
	const struct loaded *a = x, *b = y;

	return a->pos < b->pos ? -1 : a->pos > b->pos;
}

static int
load_feeds(struct kith_group *g, struct kith_txn *t)
{
	struct kith_ledger_feed_ref ref[64];
	struct kith_ledger_key after;
	struct kith_ledger_feed l;
	struct feed *f;
	size_t n, i;
	bool first = true;
	int r;

	do {
		r = kith_ledger_feeds(t, &g->id, NULL, first ? NULL : &after, ref, 64, &n);
		for (i = 0; r == KITH_OK && i < n; i++) {
			r = kith_ledger_feed_get(t, ref[i].feedno, &l);
			if (r == KITH_OK)
				r = kith_feed_adopt(g, &l, &f);
		}
		if (n > 0)
			after = ref[n - 1].key;
		first = false;
	} while (r == KITH_OK && n == 64);
	return r;
}

/* The author's signature was checked when the record came in; that verdict is remembered. */
static int
load_act(struct kith_group *g, struct kith_txn *t, const struct kith_record *r, const struct kith_op *op, uint32_t state)
{
	struct kith_act_proof proof = { .author_ok = (state & S_AUTHOR_BAD) == 0 };
	struct kith_arena *cut = NULL;
	const struct kith_act *act;
	int e = kith_act_prove(g, t, r, op, false, &proof, &cut);

	if (e == KITH_OK)
		e = kith_group_add_act(g, t, r, op, &proof, &act);
	kith_arena_free(cut);
	return e;
}

static int
load_one(struct kith_group *g, struct kith_txn *t, const struct loaded *l, struct kith_arena *a)
{
	struct kith_ledger_record lr;
	struct kith_record rec;
	struct kith_op op;
	struct kith_slice header;
	struct rost *m;
	uint32_t state;
	bool op_ok;
	int r = kith_ledger_get(t, l->pos, &lr);

	if (r != KITH_OK)
		return r;
	kith_arena_reset(a);
	header = kith_arena_copy(a, lr.header);
	if (header.p == NULL)
		return KITH_E_NOMEM;
	if (kith_record_parse(header, &rec) != KITH_OK)
		return KITH_E_CORRUPT;
	r = kith_ledger_state_get(t, l->pos, &state);
	if (r != KITH_OK)
		return r;
	if (rec.clock > g->newest_clock)
		g->newest_clock = rec.clock;
	op_ok = kith_op_parse(rec.kind, rec.op, a, &op) == KITH_OK;
	if (l->feed->plane == KITH_PLANE_AUTHORITY)
		return load_act(g, t, &rec, op_ok ? &op : NULL, state);
	if (state & (KITH_S_REJECTED | KITH_S_WAITING))
		return KITH_OK;
	if (!op_ok)
		return KITH_OK;
	r = kith_group_add_rost(g, t, &rec, &op, l->pos, l->feed, &m);
	if (r == KITH_OK && m != NULL)
		m->told = (state & KITH_S_HIDDEN ? 1 : 0) | (state & KITH_S_SIDE ? 2 : 0);
	return r;
}

static int
load_records(struct kith_group *g, struct kith_txn *t)
{
	KITH_VEC(struct loaded) list = { 0 };
	struct kith_arena *a = kith_arena_new(512u << 10);
	struct kith_ledger_at at;
	struct feed_iter fi;
	struct feed *f;
	size_t it = 0, i;
	void *v;
	int r = a == NULL ? KITH_E_NOMEM : KITH_OK;

	while (r == KITH_OK && kith_map_next(g->feeds, &it, NULL, &v)) {
		f = v;
		if (f->plane == KITH_PLANE_TIMELINE)
			continue;
		kith_feed_iter_init(&fi, f->l.feedno, 0);
		while ((r = kith_feed_iter_next(&fi, t, &at)) == KITH_OK)
			if ((r = kith_vec_push(&list, ((struct loaded){ at.pos, f }))) != KITH_OK)
				break;
		kith_feed_iter_fini(&fi);
		if (r == KITH_E_NOTFOUND)
			r = KITH_OK;
	}
	/* what a record names came before it */
	if (list.n > 0)
		qsort(list.v, list.n, sizeof(*list.v), by_pos);
	for (i = 0; r == KITH_OK && i < list.n; i++)
		r = load_one(g, t, &list.v[i], a);
	kith_vec_fini(&list);
	kith_arena_free(a);
	return r;
}

static int
load(struct kith_group *g, struct kith_txn *t)
{
	const uint32_t *changed;
	size_t it = 0, n;
	void *v;
	int r = load_feeds(g, t);

	if (r == KITH_OK)
		r = kith_docs_load(g, t);
	if (r == KITH_OK)
		r = load_records(g, t);
	if (r == KITH_OK)
		r = kith_claims_load(g, t);
	kith_authority_changed(g->a, &changed, &n);
	g->touched.n = g->touched_nodes.n = 0;
	while (r == KITH_OK && kith_map_next(g->people, &it, NULL, &v)) {
		((struct person *)v)->dirty_all = true;
		r = kith_person_judge(g, t, v, NULL);
		((struct person *)v)->stale = false;
	}
	for (it = 0; r == KITH_OK && kith_map_next(g->nodes, &it, NULL, &v);)
		r = kith_gnode_judge(g, t, v, NULL);
	g->stale.n = 0;
	g->n_acts_judged = kith_authority_count(g->a);
	return r;
}

int
kith_group_new(const struct kith_env *env, const struct kith_self *self, const struct kith_id *id, struct kith_group **out)
{
	struct kith_group *g = calloc(1, sizeof(*g));
	struct kith_map **map[12];
	size_t i;
	int r;

	if (g == NULL)
		return KITH_E_NOMEM;
	memcpy(map, ((struct kith_map **[]){ &g->docs, &g->people, &g->nodes, &g->feeds, &g->panels, &g->rost, &g->parked,
	    &g->waiters, &g->claims, &g->loose_docs, &g->loose, &g->rooms }), sizeof(map));
	g->env = env;
	g->self = self;
	g->id = *id;
	g->member_role = kith_role_member;
	g->arena = kith_arena_new(512u << 10);
	r = g->arena == NULL ? KITH_E_NOMEM : kith_authority_new(id, &g->a);
	for (i = 0; r == KITH_OK && i < 12; i++)
		if ((*map[i] = kith_map_new()) == NULL)
			r = KITH_E_NOMEM;
	if (r == KITH_OK)
		*out = g;
	else
		kith_group_close(g);
	return r;
}

int
kith_group_open(const struct kith_env *env, const struct kith_self *self, struct kith_txn *t, const struct kith_id *id,
    struct kith_group **out)
{
	struct kith_group *g = NULL;
	int r = kith_group_new(env, self, id, &g);

	if (r == KITH_OK)
		r = load(g, t);
	if (r == KITH_OK)
		*out = g;
	else
		kith_group_close(g);
	return r;
}

static void
person_free(void *v)
{
	struct person *p = v;

	kith_vec_fini(&p->docs);
	kith_vec_fini(&p->rost);
	kith_vec_fini(&p->later);
	kith_vec_fini(&p->invited);
	free(p);
}

static void
gnode_free(void *v)
{
	struct gnode *n = v;

	kith_vec_fini(&n->feeds);
	kith_vec_fini(&n->people);
	kith_vec_fini(&n->rost);
	free(n);
}

static void
panel_free(void *v)
{
	struct panel *p = v;

	kith_vec_fini(&p->feeds);
	kith_vec_fini(&p->creates);
	free(p);
}

static void
claim_free(void *v)
{
	struct claim *c = v, *next;

	for (; c != NULL; c = next) {
		next = c->next;
		free(c);
	}
}

static void
loose_free(void *v)
{
	struct loose_doc *d = v;

	free(d->raw);
	free(d);
}

void
kith_group_close(struct kith_group *g)
{
	if (g == NULL)
		return;
	kith_park_free(g);
	kith_map_free(g->claims, claim_free);
	kith_map_free(g->loose_docs, loose_free);
	kith_map_free(g->loose, free);
	kith_map_free(g->rost, rost_free);
	kith_map_free(g->panels, panel_free);
	kith_map_free(g->feeds, feed_free);
	kith_map_free(g->nodes, gnode_free);
	kith_map_free(g->people, person_free);
	kith_map_free(g->docs, free);
	kith_map_free(g->states, NULL);
	kith_authority_free(g->a);
	kith_vec_fini(&g->roles);
	kith_vec_fini(&g->sorted);
	kith_vec_fini(&g->by_invite);
	kith_vec_fini(&g->by_open);
	kith_vec_fini(&g->with_cut);
	kith_vec_fini(&g->high);
	kith_vec_fini(&g->queue);
	kith_vec_fini(&g->acts_changed);
	kith_vec_fini(&g->stale);
	kith_vec_fini(&g->touched);
	kith_vec_fini(&g->touched_nodes);
	kith_vec_fini(&g->held_roles);
	kith_vec_fini(&g->parts_wanted);
	kith_arena_free(g->arena);
	free(g);
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
