#include <stdlib.h>
#include <string.h>

#include "group/inner.h"

/*
 * The branches of a feed that has forked, or whose memberships may lie on a
 * branch that does not count (RULES B6). Feeds without forks have none of this.
 *
 * Nodes are in an order in which each comes after the one before it. The jump
 * pointers make "is x below y" logarithmic: a node's jump skips as many as its
 * parent's two jumps did when those were equal, else it is the parent.
 */
struct tnode {
	struct kith_id id;
	uint64_t seq, pos;
	uint32_t parent, jump;          /* NO_NODE: a root */
	uint32_t child, next;           /* first child, next sibling, in order of ids after sorting */
	struct rost *m;                 /* roster: itself; timelines: its membership */
	bool accepted, counts, named;
	bool rooted;                    /* its chain is whole */
};

struct tree {
	KITH_VEC(struct tnode) node;
	struct kith_map *index;         /* id -> node + 1 */
	struct kith_map *names;         /* ids that cuts and moves name for this feed */
	KITH_VEC(uint32_t) at;          /* by seq: how many that count */
	uint64_t double_from;           /* first place with two that count */
	uint64_t cuts_epoch;
	bool stale;
	bool place_used;                /* some verdict rested on who else counts at a place */
};

bool
kith_feed_needs_tree(const struct feed *f)
{
	return f->l.forked || (f->plane == KITH_PLANE_TIMELINE && f->node->forked);
}

void
kith_tree_free(struct tree *x)
{
	if (x == NULL)
		return;
	kith_vec_fini(&x->node);
	kith_map_free(x->index, NULL);
	kith_map_free(x->names, NULL);
	kith_vec_fini(&x->at);
	free(x);
}

uint32_t
kith_tree_find(const struct tree *x, const struct kith_id *id)
{
	uintptr_t v = (uintptr_t)kith_map_get(x->index, kith_id_slice(id));

	return v == 0 ? NO_NODE : (uint32_t)(v - 1);
}

bool
kith_tree_accepted(const struct tree *x, uint32_t node)
{
	return x->node.v[node].accepted;
}

bool
kith_tree_counts(const struct tree *x, uint32_t node)
{
	return x->node.v[node].counts;
}

/* Accepted nodes have a whole chain, so that their depth is their place. */
bool
kith_tree_below(const struct tree *x, uint32_t low, uint32_t high)
{
	const struct tnode *v = x->node.v;

	if (low == NO_NODE || high == NO_NODE)
		return false;
	while (high != NO_NODE && v[high].seq > v[low].seq)
		high = v[high].jump != NO_NODE && v[v[high].jump].seq >= v[low].seq ? v[high].jump : v[high].parent;
	return high == low;
}

bool
kith_tree_alone(struct tree *x, uint32_t node)
{
	x->place_used = true;
	return node != NO_NODE && x->node.v[node].seq < x->double_from;
}

static int
add_node(struct kith_group *g, struct tree *x, const struct kith_record *r, uint64_t pos, bool accepted, struct rost *m,
    uint32_t *out)
{
	struct tnode *n, *p;
	uint32_t i = (uint32_t)x->node.n, parent = NO_NODE;

	(void)g;
	if (x->node.n >= NO_NODE - 1)
		return KITH_E_LIMIT;
	if (r->seq > 0) {
		parent = kith_tree_find(x, &r->prev);
		kith_assert(parent == NO_NODE || parent < x->node.n);
		if (parent != NO_NODE && x->node.v[parent].seq + 1 != r->seq)
			parent = NO_NODE;
		if (parent == NO_NODE)
			accepted = false;
	}
	if (kith_vec_grow(&x->node) != KITH_OK)
		return KITH_E_NOMEM;
	n = &x->node.v[i];
	*n = (struct tnode){ .id = r->id, .seq = r->seq, .pos = pos, .parent = parent, .jump = parent, .child = NO_NODE,
		.next = NO_NODE, .m = m,
		.accepted = accepted };
	n->rooted = r->seq == 0;
	if (parent != NO_NODE) {
		p = &x->node.v[parent];
		n->rooted = p->rooted;
		if (p->jump != NO_NODE && x->node.v[p->jump].jump != NO_NODE &&
		    p->seq - x->node.v[p->jump].seq == x->node.v[p->jump].seq - x->node.v[x->node.v[p->jump].jump].seq)
			n->jump = x->node.v[p->jump].jump;
		if (accepted) {
			n->next = p->child;
			p->child = i;
		}
	}
	*out = i;
	return kith_map_put(x->index, kith_id_slice(&r->id), (void *)((uintptr_t)i + 1), NULL);
}

static int
build(struct kith_group *g, struct kith_txn *t, struct feed *f, struct tree *x)
{
	struct feed_iter it;
	struct kith_ledger_at at;
	struct kith_ledger_record lr;
	struct kith_record rec;
	struct rost *m;
	uint32_t state, node;
	int r;

	kith_feed_iter_init(&it, f->l.feedno, 0);
	while ((r = kith_feed_iter_next(&it, t, &at)) == KITH_OK) {
		r = kith_read(t, at.pos, &lr, &rec);
		if (r == KITH_OK)
			r = kith_state_get(g, t, at.pos, &rec.id, &state);
		if (r != KITH_OK)
			break;
		if (g->pure && !kith_pure_has(g, &rec.id))
			continue;
		m = kith_map_get(g->rost, kith_id_slice(f->plane == KITH_PLANE_ROSTER ? &rec.id : &rec.via));
		r = add_node(g, x, &rec, at.pos, (state & (KITH_S_REJECTED | KITH_S_WAITING)) == 0, m, &node);
		if (r != KITH_OK)
			break;
	}
	kith_feed_iter_fini(&it);
	return r == KITH_E_NOTFOUND ? KITH_OK : r;
}

static int
name(struct tree *x, const struct kith_id *id)
{
	uint32_t i = kith_tree_find(x, id);

	for (; i != NO_NODE && x->node.v[i].accepted && !x->node.v[i].named; i = x->node.v[i].parent)
		x->node.v[i].named = true;
	return kith_map_put(x->names, kith_id_slice(id), x, NULL);
}

static int
name_feed(struct tree *x, const struct kith_cut_feed *cf)
{
	uint32_t i;
	int r = KITH_OK;

	for (i = 0; cf != NULL && r == KITH_OK && i < cf->n_tips; i++)
		r = name(x, &cf->tip[i].id);
	return r;
}

static int
name_cut(struct kith_txn *t, struct tree *x, const struct feed *f, const struct kith_cut *cut)
{
	const struct kith_ledger_key *key = &f->l.key;
	struct kith_arena *a = NULL;
	struct kith_cut part;
	struct kith_slice raw, copy;
	uint8_t type;
	uint32_t i;
	int r = name_feed(x, kith_cut_find(cut, &key->scope, &key->node, key->incarnation));

	for (i = 0; r == KITH_OK && i < cut->n_parts; i++) {
		if (!kith_id_eq(&cut->part[i].panel, &key->scope))
			continue;
		r = kith_ledger_object_get(t, &cut->part[i].hash, &type, &raw);
		if (r == KITH_E_NOTFOUND) {
			r = KITH_OK;
			continue;
		}
		if (r != KITH_OK)
			break;
		a = kith_arena_new(4 * KITH_CUT_MAX);
		if (a == NULL)
			return KITH_E_NOMEM;
		copy = kith_arena_copy(a, raw);
		r = copy.p == NULL ? KITH_E_NOMEM : kith_cut_part_parse(copy, a, &part);
		if (r == KITH_OK)
			r = name_feed(x, kith_cut_find(&part, &key->scope, &key->node, key->incarnation));
		kith_arena_free(a);
	}
	return r;
}

static int
name_all(struct kith_group *g, struct kith_txn *t, struct feed *f, struct tree *x)
{
	const struct kith_act *e;
	const struct rost *m;
	size_t i, n = kith_authority_count(g->a);
	int r = KITH_OK;

	kith_map_free(x->names, NULL);
	x->names = kith_map_new();
	if (x->names == NULL)
		return KITH_E_NOMEM;
	for (i = 0; i < x->node.n; i++)
		x->node.v[i].named = false;
	for (i = 0; r == KITH_OK && i < n; i++) {
		e = kith_authority_at(g->a, (uint32_t)i);
		if (e->valid && e->cut != NULL && kith_authority_counts(g->a, (uint32_t)i))
			r = name_cut(t, x, f, e->cut);
	}
	for (i = 0; r == KITH_OK && i < g->with_cut.n; i++) {
		m = g->with_cut.v[i];
		if (m->cut != NULL)
			r = name_cut(t, x, f, m->cut);
		if (r == KITH_OK && m->kind == KITH_K_MOVE && m->via != NULL && m->via->feed == f)
			r = name(x, &m->via->id);
	}
	return r;
}

static int
cmp_nodes(const struct kith_group *g, const struct tree *x, uint32_t p, uint32_t q)
{
	const struct kith_id *a = &x->node.v[p].id, *b = &x->node.v[q].id;

	return g->order != NULL ? g->order(g->order_ctx, a, b) : kith_id_cmp(a, b);
}

/* In a panel only what stands under a membership that counts is followed. */
static bool
followed(const struct feed *f, const struct tnode *n)
{
	return n->accepted && (f->plane == KITH_PLANE_ROSTER || (n->m != NULL && n->m->counts));
}

/*
 * Of the children of one record, which may be as many as a hostile node likes,
 * only the first few in order can lie on the paths that count: each has at least
 * one.
 */
struct first_few {
	uint32_t v[PATHS_MAX];
	size_t n;
};

static void
take_few(const struct kith_group *g, const struct tree *x, struct first_few *few, uint32_t node)
{
	size_t i;

	if (few->n == PATHS_MAX) {
		if (cmp_nodes(g, x, node, few->v[PATHS_MAX - 1]) >= 0)
			return;
		few->n--;
	}
	for (i = few->n; i > 0 && cmp_nodes(g, x, node, few->v[i - 1]) < 0; i--)
		few->v[i] = few->v[i - 1];
	few->v[i] = node;
	few->n++;
}

/* The first paths, depth first; `counts` of all nodes anew. */
static int
count_paths(struct kith_group *g, struct feed *f, struct tree *x)
{
	KITH_VEC(uint32_t) stack = { 0 };
	struct first_few few = { .n = 0 };
	size_t i, paths = 0;
	uint32_t at, c;
	int r = KITH_OK;

	for (i = 0; i < x->node.n; i++) {
		x->node.v[i].counts = x->node.v[i].named;
		if (x->node.v[i].seq == 0 && followed(f, &x->node.v[i]))
			take_few(g, x, &few, (uint32_t)i);
	}
	for (;;) {
		while (r == KITH_OK && few.n > 0)
			r = kith_vec_push(&stack, few.v[--few.n]);
		if (r != KITH_OK || stack.n == 0 || paths == PATHS_MAX)
			break;
		at = stack.v[--stack.n];
		for (c = x->node.v[at].child; c != NO_NODE; c = x->node.v[c].next)
			if (followed(f, &x->node.v[c]))
				take_few(g, x, &few, c);
		if (few.n > 0)
			continue;
		paths++;
		for (c = at; c != NO_NODE && !x->node.v[c].counts; c = x->node.v[c].parent)
			x->node.v[c].counts = true;
	}
	kith_vec_fini(&stack);
	return r;
}

static int
count_places(struct tree *x)
{
	uint64_t seq;
	size_t i;

	x->at.n = 0;
	x->double_from = NO_PLACE;
	for (i = 0; i < x->node.n; i++) {
		if (!x->node.v[i].counts)
			continue;
		seq = x->node.v[i].seq;
		while (x->at.n <= seq)
			if (kith_vec_push(&x->at, 0) != KITH_OK)
				return KITH_E_NOMEM;
		x->at.v[seq]++;
		if (seq < x->double_from && x->at.v[seq] > 1)
			x->double_from = seq;
	}
	return KITH_OK;
}

/*
 * What follows from other records counting than before: those records are judged
 * anew; and where place decided, what lies at or above the first place that is
 * now taken twice, or no longer is.
 */
static int
spread(struct kith_group *g, struct feed *f, struct tree *x, const uint8_t *before, size_t n_before, uint64_t double_from)
{
	bool roster = f->plane == KITH_PLANE_ROSTER, memberships = false;
	struct tnode *n;
	size_t i;
	int r = KITH_OK;

	for (i = 0; r == KITH_OK && i < x->node.n; i++) {
		n = &x->node.v[i];
		if (roster && n->m != NULL && n->accepted && n->m->counts != n->counts) {
			n->m->counts = n->counts;
			memberships = true;
			r = n->m->who != NULL ? kith_person_touch(g, n->m->who) : kith_gnode_touch(g, f->node);
		}
		if (r == KITH_OK && i < n_before && before[i] != n->counts)
			r = kith_scan_mark_one(g, f, n->pos);
	}
	if (r == KITH_OK && double_from != x->double_from) {
		kith_scan_mark(g, f, double_from < x->double_from ? double_from : x->double_from, NULL);
		if (roster) {
			r = kith_gnode_touch(g, f->node);
			for (i = 0; r == KITH_OK && i < f->node->people.n; i++)
				r = kith_person_touch(g, f->node->people.v[i]);
		}
	}
	for (i = 0; memberships && i < f->node->feeds.n; i++)
		if (f->node->feeds.v[i]->tree != NULL && f->node->feeds.v[i] != f) {
			f->node->feeds.v[i]->tree->stale = true;
			g->dirty_trees = true;
		}
	return r;
}

static int
recount(struct kith_group *g, struct kith_txn *t, struct feed *f, struct tree *x, bool fresh)
{
	uint8_t *before = NULL;
	size_t n = x->node.n, i;
	uint64_t double_from = x->double_from;
	bool place_used = x->place_used;
	int r;

	if (n > 0 && (before = malloc(n)) == NULL)
		return KITH_E_NOMEM;
	for (i = 0; i < n; i++)
		before[i] = x->node.v[i].counts;
	x->stale = false;
	x->cuts_epoch = g->cuts_epoch;
	r = name_all(g, t, f, x);
	if (r == KITH_OK)
		r = count_paths(g, f, x);
	if (r == KITH_OK)
		r = count_places(x);
	if (r == KITH_OK)
		r = spread(g, f, x, before, fresh ? 0 : n, place_used && !fresh ? double_from : x->double_from);
	free(before);
	return r;
}

int
kith_tree_get(struct kith_group *g, struct kith_txn *t, struct feed *f, struct tree **out)
{
	struct tree *x = f->tree;
	bool fresh = x == NULL;
	int r = KITH_OK;

	if (fresh) {
		x = calloc(1, sizeof(*x));
		if (x == NULL)
			return KITH_E_NOMEM;
		x->stale = true;
		x->double_from = NO_PLACE;
		x->index = kith_map_new();
		x->names = kith_map_new();
		r = x->index == NULL || x->names == NULL ? KITH_E_NOMEM : build(g, t, f, x);
		if (r != KITH_OK) {
			kith_tree_free(x);
			return r;
		}
		f->tree = x;
	}
	if (f->plane != KITH_PLANE_AUTHORITY && (x->stale || x->cuts_epoch != g->cuts_epoch))
		r = recount(g, t, f, x, fresh);
	if (r == KITH_OK)
		*out = x;
	return r;
}

/*
 * A record joins a tree that is built. One that goes on where a path that counts
 * ends changes nothing for the others; nor does one behind a record that does
 * not count, unless a cut names it.
 */
int
kith_tree_add(struct kith_group *g, struct kith_txn *t, struct feed *f, const struct kith_record *r, uint64_t pos, bool accepted,
    const struct rost *m)
{
	struct tree *x = f->tree;
	struct tnode *n, *p;
	uint32_t i;
	bool was_leaf;
	int e;

	(void)t;
	if (x == NULL)
		return KITH_OK;
	i = r->seq == 0 ? NO_NODE : kith_tree_find(x, &r->prev);
	was_leaf = i != NO_NODE && x->node.v[i].child == NO_NODE;
	e = add_node(g, x, r, pos, accepted, (struct rost *)(uintptr_t)m, &i);
	if (e != KITH_OK)
		return e;
	n = &x->node.v[i];
	if (!n->accepted)
		return KITH_OK;
	g->dirty_trees = true;
	if (x->stale || x->cuts_epoch != g->cuts_epoch || x->place_used || n->parent == NO_NODE || !was_leaf ||
	    !followed(f, n)) {
		x->stale = true;
		return KITH_OK;
	}
	p = &x->node.v[n->parent];
	if (!p->counts) {
		x->stale = kith_map_get(x->names, kith_id_slice(&n->id)) != NULL;
		return KITH_OK;
	}
	if (p->named || n->seq != x->at.n || n->m == NULL || (f->plane == KITH_PLANE_ROSTER && !n->m->counts)) {
		x->stale = true;        /* the parent may count by its name alone; or two paths meet at this place */
		return KITH_OK;
	}
	n->counts = true;
	n->m->counts = true;
	return kith_vec_push(&x->at, 1);
}

size_t
kith_tree_tips(const struct tree *x, struct kith_cut_tip *out, size_t max)
{
	const struct tnode *v = x->node.v;
	size_t n = 0, i;
	uint32_t c;

	for (i = x->node.n; i-- > 0 && n < max;) {
		if (!v[i].counts)
			continue;
		for (c = v[i].child; c != NO_NODE && !v[c].counts; c = v[c].next)
			;
		if (c == NO_NODE)
			out[n++] = (struct kith_cut_tip){ v[i].seq, v[i].id };
	}
	return n;
}

uint64_t
kith_tree_chain(const struct tree *x, struct kith_id *tip)
{
	uint64_t len = 0;
	size_t i;

	for (i = 0; i < x->node.n; i++) {
		const struct tnode *n = &x->node.v[i];

		if (!n->rooted)
			continue;
		if (n->seq + 1 < len || (n->seq + 1 == len && kith_id_cmp(&n->id, tip) > 0))
			continue;
		len = n->seq + 1;
		*tip = n->id;
	}
	return len;
}

void
kith_tree_stale(struct kith_group *g)
{
	g->cuts_epoch++;
	g->dirty_trees = true;
}

size_t
kith_group_memory_trees(const struct kith_group *g)
{
	const struct feed *f;
	size_t n = 0, it = 0;
	void *v;

	while (kith_map_next(g->feeds, &it, NULL, &v)) {
		f = v;
		if (f->tree != NULL)
			n += f->tree->node.cap * (sizeof(struct tnode) + 96) + f->tree->at.cap * sizeof(uint32_t);
	}
	return n;
}
