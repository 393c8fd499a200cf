#include <stdlib.h>
#include <string.h>

#include "group/inner.h"

/* The cuts that this node writes (RULES B4): all branch tips that it shows, private panels in parts of their own. */

struct making {
	struct kith_group *g;
	struct kith_txn *t;
	struct kith_arena *a;
	const struct kith_op *only;     /* NULL: all feeds; else those of the nodes where the people of op live */
	KITH_VEC(struct kith_cut_feed) open, hidden;
	KITH_VEC(struct kith_id) unheld;
	KITH_VEC(struct kith_cut_part) part;
};

static int
by_tip(const void *x, const void *y)
{
	const struct kith_cut_tip *a = x, *b = y;

	if (a->seq != b->seq)
		return a->seq < b->seq ? -1 : 1;
	return kith_id_cmp(&a->id, &b->id);
}

static int
by_feed(const void *x, const void *y)
{
	const struct kith_cut_feed *a = x, *b = y;
	int d = kith_id_cmp(&a->scope, &b->scope);

	if (d == 0)
		d = kith_id_cmp(&a->node, &b->node);
	return d != 0 ? d : (a->incarnation > b->incarnation) - (a->incarnation < b->incarnation);
}

/* The last accepted record of a feed without forks. */
static int
plain_tip(struct making *k, struct feed *f, struct kith_cut_tip *tip, uint32_t *n)
{
	struct kith_ledger_record lr;
	uint64_t pos;
	size_t n_at;
	int e = kith_feed_know(k->g, k->t, f);

	*n = 0;
	if (e != KITH_OK || f->l.next_seq == 0 || f->rejected_from == 0)
		return e;
	*n = 1;
	if (!f->tip_rejected) {
		*tip = (struct kith_cut_tip){ f->l.next_seq - 1, f->l.tip };
		return KITH_OK;
	}
	e = kith_ledger_place(k->t, f->l.feedno, f->rejected_from - 1, &pos, 1, &n_at);
	if (e == KITH_OK)
		e = n_at == 0 ? KITH_E_CORRUPT : kith_ledger_get(k->t, pos, &lr);
	if (e == KITH_OK)
		*tip = (struct kith_cut_tip){ lr.seq, lr.id };
	return e;
}

static int
tips_of(struct making *k, struct feed *f, struct kith_cut_feed *out)
{
	struct kith_cut_tip tip[KITH_CUT_TIPS_MAX], *copy;
	struct tree *x;
	uint32_t n = 0;
	int e;

	if (!f->l.forked) {
		e = plain_tip(k, f, tip, &n);
	} else {
		e = kith_tree_get(k->g, k->t, f, &x);
		if (e == KITH_OK)
			n = (uint32_t)kith_tree_tips(x, tip, KITH_CUT_TIPS_MAX);
	}
	if (e != KITH_OK)
		return e;
	qsort(tip, n, sizeof(*tip), by_tip);
	copy = kith_arena_array(k->a, n > 0 ? n : 1, sizeof(*tip));
	if (copy == NULL)
		return KITH_E_LIMIT;
	memcpy(copy, tip, n * sizeof(*tip));
	*out = (struct kith_cut_feed){ .scope = f->l.key.scope, .node = f->l.key.node, .incarnation = f->l.key.incarnation,
		.tip = copy, .n_tips = n };
	return KITH_OK;
}

static bool
lives_on(const struct kith_group *g, const struct kith_id *uid, const struct gnode *n)
{
	const struct person *p = kith_map_get(g->people, kith_id_slice(uid));
	size_t i;

	for (i = 0; p != NULL && i < p->rost.n; i++)
		if (p->rost.v[i]->feed->node == n)
			return true;
	return false;
}

static bool
concerned(const struct making *k, const struct feed *f)
{
	const struct kith_op *op = k->only;
	uint32_t i;

	if (op == NULL)
		return true;
	if (op->has & KITH_OP_BIT(KITH_OP_NODE))
		return kith_id_eq(&op->node, &f->node->id);
	if (op->has & KITH_OP_BIT(KITH_OP_WHO_USER) && lives_on(k->g, &op->who_user, f->node))
		return true;
	for (i = 0; i < op->n_users; i++)
		if (lives_on(k->g, &op->users[i], f->node))
			return true;
	return (op->has & (KITH_OP_BIT(KITH_OP_NODE) | KITH_OP_BIT(KITH_OP_WHO_USER) | KITH_OP_BIT(KITH_OP_USERS))) == 0;
}

static bool
private_now(const struct kith_group *g, const struct panel *p)
{
	const struct kith_act *e;
	size_t i;

	for (i = 0; i < p->creates.n; i++) {
		e = kith_authority_at(g->a, p->creates.v[i]);
		if (e->op != NULL && e->op->private_)
			return true;
	}
	return false;
}

static int
gather_feeds(struct making *k)
{
	struct kith_cut_feed cf;
	struct feed *f;
	size_t it = 0;
	void *v;
	int e = KITH_OK;

	while (e == KITH_OK && kith_map_next(k->g->feeds, &it, NULL, &v)) {
		f = v;
		if (f->plane == KITH_PLANE_AUTHORITY || !concerned(k, f))
			continue;
		e = tips_of(k, f, &cf);
		if (e != KITH_OK || cf.n_tips == 0)
			continue;
		e = f->panel != NULL && private_now(k->g, f->panel) ? kith_vec_push(&k->hidden, cf) : kith_vec_push(&k->open, cf);
	}
	return e;
}

/* Panels of which we hold nothing because nobody here may look. */
static int
gather_unheld(struct making *k)
{
	struct panel *p;
	size_t it = 0;
	void *v;
	int e = KITH_OK;

	while (e == KITH_OK && kith_map_next(k->g->panels, &it, NULL, &v)) {
		p = v;
		if (p->feeds.n == 0 && private_now(k->g, p) && !kith_group_node_sees(k->g, &k->g->self->node, &p->scope))
			e = kith_vec_push(&k->unheld, p->scope);
	}
	if (k->unheld.n > 0)
		qsort(k->unheld.v, k->unheld.n, sizeof(*k->unheld.v), (int (*)(const void *, const void *))kith_id_cmp);
	return e;
}

static int
make_parts(struct making *k)
{
	struct kith_cut_part part;
	uint8_t salt[16];
	struct kith_buf b;
	size_t i, j;
	int e = KITH_OK;

	if (k->hidden.n > 0)
		qsort(k->hidden.v, k->hidden.n, sizeof(*k->hidden.v), by_feed);
	for (i = 0; e == KITH_OK && i < k->hidden.n; i = j) {
		for (j = i + 1; j < k->hidden.n && kith_id_eq(&k->hidden.v[j].scope, &k->hidden.v[i].scope); j++)
			;
		k->g->env->random(k->g->env->ctx, salt, sizeof(salt));
		kith_buf_init(&b, 0);
		e = kith_cut_part_make(&k->hidden.v[i], (uint32_t)(j - i), salt, &b, &part.hash);
		part.panel = k->hidden.v[i].scope;
		if (e == KITH_OK)
			e = kith_ledger_object_put(k->t, &part.hash, KITH_O_CUT_PART, kith_buf_slice(&b));
		if (e == KITH_OK)
			e = kith_vec_push(&k->part, part);
		kith_buf_fini(&b);
	}
	return e;
}

static int
make(struct making *k, struct kith_id *id)
{
	struct kith_cut cut = { 0 };
	struct kith_buf b;
	int e = gather_feeds(k);

	if (e == KITH_OK)
		e = gather_unheld(k);
	if (e == KITH_OK)
		e = make_parts(k);
	if (e != KITH_OK)
		return e;
	if (k->open.n > 0)
		qsort(k->open.v, k->open.n, sizeof(*k->open.v), by_feed);
	cut.feed = k->open.v;
	cut.n_feeds = (uint32_t)k->open.n;
	cut.unheld = k->unheld.v;
	cut.n_unheld = (uint32_t)k->unheld.n;
	cut.part = k->part.v;
	cut.n_parts = (uint32_t)k->part.n;
	kith_buf_init(&b, 0);
	e = kith_cut_make(&cut, &b, id);
	if (e == KITH_OK)
		e = kith_ledger_object_put(k->t, id, KITH_O_CUT, kith_buf_slice(&b));
	kith_buf_fini(&b);
	return e;
}

static int
make_with(struct kith_group *g, struct kith_txn *t, const struct kith_op *only, struct kith_id *id)
{
	struct making k = { .g = g, .t = t, .only = only };
	int e = KITH_E_NOMEM;

	k.a = kith_arena_new(4 * KITH_CUT_MAX);
	if (k.a != NULL)
		e = make(&k, id);
	kith_arena_free(k.a);
	kith_vec_fini(&k.open);
	kith_vec_fini(&k.hidden);
	kith_vec_fini(&k.unheld);
	kith_vec_fini(&k.part);
	return e;
}

/*
 * A group may have more feeds than fit a cut. Then only those are named of nodes
 * where the people live whom it is about: for their records that says the same.
 */
int
kith_cut_write(struct kith_group *g, struct kith_txn *t, const struct kith_op *op, struct kith_id *id)
{
	int e = make_with(g, t, NULL, id);

	return e == KITH_E_LIMIT && op != NULL ? make_with(g, t, op, id) : e;
}
