#include "group/group.h"

#include <stdlib.h>
#include <string.h>

#include "group/inner.h"
#include "wire/mp.h"

/* A group in memory, from the store and back out of it. */

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
	kith_map_free(g->rost, kith_rost_free);
	kith_map_free(g->panels, panel_free);
	kith_map_free(g->feeds, kith_feed_free);
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
