#include <stdlib.h>
#include <string.h>

#include "group/inner.h"

/*
 * Persons, their memberships and moves: the second decision on the records of
 * the roster (RULES B7 to B9). A person is judged as a whole, since each of
 * their records may bear on the others.
 */

static int
touch(struct kith_group *g, struct person *p)
{
	g->epoch++;
	if (p->dirty)
		return KITH_OK;
	if (kith_vec_push(&g->touched, p) != KITH_OK)
		return KITH_E_NOMEM;
	p->dirty = true;
	return KITH_OK;
}

int
kith_person_touch(struct kith_group *g, struct person *p)
{
	p->dirty_all = true;
	return touch(g, p);
}

int
kith_person_more(struct kith_group *g, struct person *p, struct rost *m)
{
	size_t i;

	if (kith_vec_push(&p->rost, m) != KITH_OK)
		return KITH_E_NOMEM;
	if (m->kind != KITH_K_LEAVE && m->doc->n > 0) {
		if (kith_vec_push(&p->later, m) != KITH_OK)
			return KITH_E_NOMEM;
		for (i = p->later.n - 1; i > 0 && p->later.v[i - 1]->doc->n < m->doc->n; i--)
			p->later.v[i] = p->later.v[i - 1];
		p->later.v[i] = m;
	}
	return touch(g, p);
}

int
kith_gnode_touch(struct kith_group *g, struct gnode *n)
{
	g->epoch++;
	if (n->dirty)
		return KITH_OK;
	if (kith_vec_push(&g->touched_nodes, n) != KITH_OK)
		return KITH_E_NOMEM;
	n->dirty = true;
	return KITH_OK;
}

int
kith_gnode_lodge(struct gnode *n, struct person *p)
{
	size_t i, here = 0;

	for (i = p->rost.n; here == 0 && i-- > 0;)
		here += p->rost.v[i]->feed->node == n;
	return here > 0 ? KITH_OK : kith_vec_push(&n->people, p);
}

int
kith_person_stale(struct kith_group *g, struct person *p)
{
	if (p->stale)
		return KITH_OK;
	if (kith_vec_push(&g->stale, p) != KITH_OK)
		return KITH_E_NOMEM;
	p->stale = true;
	return KITH_OK;
}

static int
reading_of(struct kith_group *g, struct kith_txn *t, const struct rost *m, struct reading *q)
{
	struct tree *x;
	int r;

	kith_reading_init(q, g, t, m->feed, m->seq, m->clock, &m->front);
	if (!kith_feed_needs_tree(m->feed))
		return KITH_OK;
	r = kith_tree_get(g, t, m->feed, &x);
	if (r == KITH_OK)
		q->node = kith_tree_find(x, &m->id);
	return r;
}

/*
 * B8: what is spoken at home rests on joins and moves under documents of greater
 * numbers alone; so the greatest number first, then all under document 0, and
 * leaves.
 */
static int
judge_spoken_one(struct kith_group *g, struct kith_txn *t, struct person *p, struct rost *m)
{
	struct reading q;
	int r;

	if (!m->doc->stands || p->later.n == 0 || p->later.v[0]->doc->n <= m->doc->n) {
		m->spoken = m->doc->stands;
		return KITH_OK;
	}
	r = reading_of(g, t, m, &q);
	if (r == KITH_OK) {
		m->spoken = kith_spoken(&q, p, m->doc);
		r = q.err;
	}
	return r;
}

static int
judge_spoken(struct kith_group *g, struct kith_txn *t, struct person *p)
{
	size_t i;
	int r = KITH_OK;

	for (i = 0; r == KITH_OK && i < p->later.n; i++)
		r = judge_spoken_one(g, t, p, p->later.v[i]);
	for (i = 0; r == KITH_OK && i < p->rost.n; i++)
		if (p->rost.v[i]->kind == KITH_K_LEAVE || p->rost.v[i]->doc->n == 0)
			r = judge_spoken_one(g, t, p, p->rost.v[i]);
	return r;
}

static uint64_t
mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ h >> 29;
}

/* What all records of the person are judged by: joins and moves under later documents, and which documents stand. */
static uint64_t
stamp_of(const struct person *p)
{
	uint64_t h = 1;
	size_t i;

	for (i = 0; i < p->later.n; i++)
		if (p->later.v[i]->counts && p->later.v[i]->spoken)
			h = mix(h, kith_id_prefix(&p->later.v[i]->id));
	for (i = 0; i < p->docs.n; i++)
		if (!p->docs.v[i]->stands)
			h = mix(h, kith_id_prefix(&p->docs.v[i]->id));
	return h;
}

static void
judge_leaves(struct person *p)
{
	const struct rost *l;
	size_t i;

	for (i = 0; i < p->rost.n; i++) {
		p->rost.v[i]->left = false;
		p->rost.v[i]->leaves = 0;
	}
	for (i = 0; i < p->rost.n; i++) {
		l = p->rost.v[i];
		if (l->kind != KITH_K_LEAVE || !l->counts || !l->spoken || l->via == NULL)
			continue;
		l->via->left = true;
		l->via->leaves ^= mix(1, kith_id_prefix(&l->id));
	}
}

static bool
better(const struct rost *x, const struct rost *y)
{
	if (y == NULL || x->doc->n != y->doc->n)
		return y == NULL || x->doc->n > y->doc->n;
	if (x->clock != y->clock)
		return x->clock > y->clock;
	return kith_id_cmp(&x->id, &y->id) < 0;
}

/* Writes down whether a record of the roster is shown, and says so if that is new. */
static int
show(struct kith_group *g, struct kith_txn *t, struct rost *m, bool visible, struct kith_changes *c)
{
	const struct kith_ledger_key *key = &m->feed->l.key;
	struct kith_record rec = { .id = m->id, .scope = key->scope, .node = key->node, .incarnation = key->incarnation,
		.seq = m->seq, .clock = m->clock, .kind = m->kind };
	uint8_t told = (visible ? 0 : 1) | (m->counts ? 0 : 2);
	uint32_t state, want;
	int r;

	if (told == m->told)
		return KITH_OK;
	r = kith_state_get(g, t, m->pos, &m->id, &state);
	if (r != KITH_OK)
		return r;
	m->told = told;
	want = (state & ~S_ALL_SECOND) | (visible ? 0 : KITH_S_HIDDEN) | (m->counts ? 0 : KITH_S_SIDE);
	if (want == state)
		return KITH_OK;
	r = kith_state_set(g, t, m->pos, &m->id, want);
	if (r != KITH_OK || ((want ^ state) & KITH_S_HIDDEN) == 0)
		return r;
	if (m->who != NULL)
		rec.author = m->who->uid;
	return kith_group_change(g, c, visible ? KITH_C_SHOWN : KITH_C_HIDDEN, &rec, m->pos, want);
}

static int
mark_under(struct kith_group *g, struct person *p, struct rost *m)
{
	struct gnode *n = m->feed->node;
	size_t i;

	for (i = 0; i < n->feeds.n; i++)
		if (n->feeds.v[i]->plane != KITH_PLANE_AUTHORITY)
			kith_scan_mark(g, n->feeds.v[i], 0, p);
	return KITH_OK;
}

static int
judge_counts(struct kith_group *g, struct kith_txn *t, struct rost *m)
{
	struct tree *x;
	int r;

	m->counts = true;
	if (!kith_feed_needs_tree(m->feed))
		return KITH_OK;
	r = kith_tree_get(g, t, m->feed, &x);
	if (r == KITH_OK)
		m->counts = kith_tree_counts(x, kith_tree_find(x, &m->id));
	return r;
}

/* What acts say of a membership. */
static int
judge_acts(struct kith_group *g, struct kith_txn *t, struct rost *m)
{
	struct reading q;
	int r = reading_of(g, t, m, &q);

	if (r != KITH_OK)
		return r;
	m->admitted = kith_admitted(&q, m);
	m->alive = !kith_has_ended(&q, m) && kith_fact_now(g, KITH_F_NODE, &m->feed->l.key.node);
	return q.err;
}

/* The greatest number of a document under which there is a join or move that is spoken at home. */
static uint64_t
greatest_of(const struct person *p)
{
	size_t i;

	for (i = 0; i < p->later.n; i++)
		if (p->later.v[i]->counts && p->later.v[i]->spoken)
			return p->later.v[i]->doc->n;
	return 0;
}

/* Draws the sum for one membership. */
static int
conclude(struct kith_group *g, struct kith_txn *t, struct person *p, struct rost *m, uint64_t stamp, uint64_t greatest,
    struct kith_changes *c)
{
	uint64_t own = mix(mix(stamp, m->leaves), 4 | (uint64_t)m->counts | (uint64_t)m->spoken << 1 | (uint64_t)m->admitted << 3);
	int r = KITH_OK;

	if (own == 0)
		own = 1;
	m->superseded = greatest > m->doc->n;
	m->member = m->counts && m->spoken && m->admitted && m->alive && !m->superseded && !m->left;
	if (m->stamp != 0 && m->stamp != own)
		r = mark_under(g, p, m);
	m->stamp = own;
	return r == KITH_OK ? show(g, t, m, m->counts && m->spoken && m->admitted, c) : r;
}

static void
choose(const struct person *p, struct rost **stands, struct rost **last)
{
	struct rost *m;
	size_t i;

	*stands = *last = NULL;
	for (i = 0; i < p->rost.n; i++) {
		m = p->rost.v[i];
		if (m->kind == KITH_K_LEAVE)
			continue;
		if (m->member && better(m, *stands))
			*stands = m;
		if (better(m, *last))
			*last = m;
	}
}

static int
judge_all(struct kith_group *g, struct kith_txn *t, struct person *p, size_t from, struct kith_changes *c)
{
	uint64_t stamp, greatest;
	struct rost *m;
	size_t i;
	int r = KITH_OK;

	for (i = 0; r == KITH_OK && i < p->rost.n; i++)
		r = judge_counts(g, t, p->rost.v[i]);
	if (r == KITH_OK)
		r = judge_spoken(g, t, p);
	if (r != KITH_OK)
		return r;
	judge_leaves(p);
	stamp = stamp_of(p);
	greatest = greatest_of(p);
	for (i = 0; r == KITH_OK && i < p->rost.n; i++) {
		m = p->rost.v[i];
		if (m->kind == KITH_K_LEAVE) {
			r = show(g, t, m, m->counts && m->spoken, c);
			continue;
		}
		if (i >= from)
			r = judge_acts(g, t, m);
		if (r == KITH_OK)
			r = conclude(g, t, p, m, stamp, greatest, c);
	}
	return r;
}

/* Joins under document 0, and leaves, change nothing for the memberships before them but those that are left. */
static int
judge_new(struct kith_group *g, struct kith_txn *t, struct person *p, struct rost *m, struct rost **stands, struct rost **last,
    struct kith_changes *c)
{
	uint64_t stamp = stamp_of(p), greatest = greatest_of(p);
	int r = judge_counts(g, t, m);

	if (r == KITH_OK)
		r = judge_spoken_one(g, t, p, m);
	if (r != KITH_OK)
		return r;
	if (m->kind == KITH_K_LEAVE) {
		if (m->counts && m->spoken && m->via != NULL) {
			m->via->left = true;
			m->via->leaves ^= mix(1, kith_id_prefix(&m->id));
			r = conclude(g, t, p, m->via, stamp, greatest, c);
			if (*stands == m->via)
				choose(p, stands, last);
		}
		return r == KITH_OK ? show(g, t, m, m->counts && m->spoken, c) : r;
	}
	r = judge_acts(g, t, m);
	if (r == KITH_OK)
		r = conclude(g, t, p, m, stamp, greatest, c);
	if (m->member && better(m, *stands))
		*stands = m;
	if (better(m, *last))
		*last = m;
	return r;
}

int
kith_person_judge(struct kith_group *g, struct kith_txn *t, struct person *p, struct kith_changes *c)
{
	struct rost *stands = p->stands, *last = p->last, *before = p->stands;
	struct kith_record rec = { .kind = 0 };
	size_t from = p->dirty_all ? 0 : p->n_judged, i;
	bool alone = !p->dirty_all;
	int r = KITH_OK;

	p->dirty = p->dirty_all = false;
	for (i = from; i < p->rost.n; i++)
		alone = alone && (p->rost.v[i]->kind == KITH_K_LEAVE || p->rost.v[i]->doc->n == 0);
	for (i = from; alone && r == KITH_OK && i < p->rost.n; i++)
		r = judge_new(g, t, p, p->rost.v[i], &stands, &last, c);
	if (!alone) {
		r = judge_all(g, t, p, from, c);
		choose(p, &stands, &last);
	}
	if (r != KITH_OK)
		return r;
	p->n_judged = p->rost.n;
	g->sorted_ok = g->sorted_ok && (p->last != NULL || last == NULL);
	p->last = last;
	p->stands = stands;
	if (p->rost.n > 0)
		r = kith_person_stale(g, p);
	if (r != KITH_OK || before == stands)
		return r;
	if (before != NULL)
		before->feed->node->members--;
	if (stands != NULL)
		stands->feed->node->members++;
	g->epoch++;
	rec.id = p->uid;
	return kith_group_change(g, c, KITH_C_MEMBER, &rec, 0, 0);
}

int
kith_gnode_judge(struct kith_group *g, struct kith_txn *t, struct gnode *n, struct kith_changes *c)
{
	struct reading q;
	struct rost *m;
	size_t i;
	int r = KITH_OK;

	n->dirty = false;
	for (i = 0; r == KITH_OK && i < n->rost.n; i++) {
		m = n->rost.v[i];
		r = reading_of(g, t, m, &q);
		if (r != KITH_OK)
			break;
		m->counts = q.node == NO_NODE || kith_tree_counts(m->feed->tree, q.node);
		m->spoken = true;
		m->admitted = kith_admitted(&q, m);
		r = q.err;
		if (r == KITH_OK)
			r = show(g, t, m, m->counts && m->admitted, c);
	}
	return r;
}

/* ---- the list ---- */

static int
by_uid(const void *x, const void *y)
{
	return kith_id_cmp(&(*(struct person *const *)x)->uid, &(*(struct person *const *)y)->uid);
}

int
kith_people_sorted(struct kith_group *g)
{
	struct person *p;
	size_t it = 0;
	void *v;

	if (g->sorted_ok)
		return KITH_OK;
	g->sorted.n = 0;
	while (kith_map_next(g->people, &it, NULL, &v)) {
		p = v;
		if (p->last != NULL && kith_vec_push(&g->sorted, p) != KITH_OK)
			return KITH_E_NOMEM;
	}
	if (g->sorted.n > 0)
		qsort(g->sorted.v, g->sorted.n, sizeof(*g->sorted.v), by_uid);
	g->sorted_ok = true;
	return KITH_OK;
}

static void
member_of(const struct person *p, struct kith_member *out)
{
	const struct rost *m = p->stands != NULL ? p->stands : p->last;

	*out = (struct kith_member){ .uid = p->uid, .membership = m->id, .doc = m->doc->id, .node = m->feed->l.key.node,
		.since_clock = m->clock, .guest = (m->doc->flags & KITH_DOC_GUEST) != 0, .member = p->stands != NULL };
}

bool
kith_group_member_next(const struct kith_group *g, size_t *it, struct kith_member *out)
{
	if (kith_people_sorted((struct kith_group *)(uintptr_t)g) != KITH_OK || *it >= g->sorted.n)
		return false;
	member_of(g->sorted.v[(*it)++], out);
	return true;
}

int
kith_group_member(const struct kith_group *g, const struct kith_id *uid, struct kith_member *out)
{
	const struct person *p = kith_map_get(g->people, kith_id_slice(uid));

	if (p == NULL || p->last == NULL)
		return KITH_E_NOTFOUND;
	member_of(p, out);
	return KITH_OK;
}

bool
kith_group_node_next(const struct kith_group *g, size_t *it, struct kith_group_node *out)
{
	struct gnode *n;
	size_t i;
	void *v;

	while (kith_map_next(g->nodes, it, NULL, &v)) {
		n = v;
		for (i = 0; i < n->rost.n && !(n->rost.v[i]->counts && n->rost.v[i]->admitted); i++)
			;
		if (i == n->rost.n)
			continue;
		*out = (struct kith_group_node){ .node = n->id, .members = n->members };
		out->banned = !kith_fact_now((struct kith_group *)(uintptr_t)g, KITH_F_NODE, &n->id);
		return true;
	}
	return false;
}

bool
kith_group_node_sees(struct kith_group *g, const struct kith_id *node, const struct kith_id *panel)
{
	struct gnode *n = kith_group_gnode(g, node, false);
	struct person *p;
	bool sees = false;
	size_t i, max = n == NULL ? 0 : sizeof(n->seen) / sizeof(n->seen[0]);

	kith_assert(panel != NULL);
	if (n == NULL)
		return false;
	for (i = 0; i < max; i++)
		if (n->seen[i].epoch == g->epoch && kith_id_eq(&n->seen[i].panel, panel))
			return n->seen[i].sees;
	for (i = 0; !sees && i < n->people.n; i++) {
		p = n->people.v[i];
		sees = p->stands != NULL && p->stands->feed->node == n && kith_group_may(g, &p->uid, panel, KITH_PERM_VIEW);
	}
	i = n->seen_at++ % max;
	n->seen[i].panel = *panel;
	n->seen[i].epoch = g->epoch;
	n->seen[i].sees = sees;
	return sees;
}

/* ---- now ---- */

static int
reading_now(struct kith_group *g, struct reading *q)
{
	kith_reading_init(q, g, NULL, NULL, 0, 0, NULL);
	return kith_authority_now(g->a, &q->view);
}

bool
kith_fact_now(struct kith_group *g, enum kith_fact_kind k, const struct kith_id *a)
{
	struct kith_fact f = { .kind = k };
	const struct kith_view *v;

	if (a != NULL)
		f.a = *a;
	return kith_authority_now(g->a, &v) == KITH_OK && kith_view_fact(v, &f);
}

bool
kith_group_may(struct kith_group *g, const struct kith_id *uid, const struct kith_id *panel, const char *perm)
{
	const struct person *p = kith_map_get(g->people, kith_id_slice(uid));
	struct reading q;
	const char *why;

	if (p == NULL || p->stands == NULL || reading_now(g, &q) != KITH_OK)
		return false;
	if (panel != NULL && kith_id_is_none(panel))
		panel = NULL;
	return kith_may_speak(&q, uid, (p->stands->doc->flags & KITH_DOC_GUEST) != 0, panel, perm, &why) && q.err == KITH_OK;
}
