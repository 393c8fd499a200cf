#include "storage/store.h"

#include <stdlib.h>
#include <string.h>

/*
 * Each table is a B+tree whose blocks (nodes, items, separators) bear the
 * number of the transaction that made them. The writer changes its own blocks
 * in place and copies older ones, from the leaf's path downwards, so whoever
 * reads from an earlier root sees no change. What the writer replaced waits in
 * a queue until no reader is left that began before that commit.
 *
 *	committed roots ──▶ node ──▶ node ──▶ leaf ──▶ items
 *	writer's roots  ──▶ copy ───────┘ (shares all that it did not touch)
 *
 * Nodes are split on the way down, before they must be, and are dropped only
 * when empty; so each step leaves a sound tree and a failed allocation undoes
 * nothing.
 */
#define FANOUT 32
#define HEIGHT_MAX 16           /* 16^16 items and more */

struct block {
	struct block *next;
	union {
		struct block *prev;     /* among those that the open transaction made */
		uint64_t gone;          /* the transaction that replaced it, once replaced */
	} u;
	uint64_t made;                  /* by this transaction */
};

struct item {                           /* a key and its value; a separator has no value */
	struct block b;
	uint32_t n_key, n_val;
	uint8_t bytes[];
};

struct node {
	struct block b;
	uint32_t n;
	bool leaf;
	uint64_t head[FANOUT];          /* first eight bytes of each key, so that most comparisons end here */
	struct item *key[FANOUT];       /* leaf: the items; else least key below child[i], NULL for i = 0 */
	struct node *child[];           /* FANOUT of them, in inner nodes */
};

struct mem_cursor {
	struct kith_cursor base;
	struct mem_cursor *next_free;
	struct node *path[HEIGHT_MAX];
	uint32_t at[HEIGHT_MAX];
	uint32_t depth;                 /* of the leaf; path[0] is the root */
};

struct mem_txn {
	struct kith_txn base;
	struct mem_txn *next;           /* readers: in a list; or free */
	struct mem_txn **link;
	uint64_t snapshot;              /* the last commit that it sees */
	struct node *root[KITH_T_COUNT_];
};

struct mem {
	struct kith_store base;
	uint64_t committed;
	struct node *root[KITH_T_COUNT_];
	struct mem_txn *writer, *readers;
	struct block *fresh;            /* made by the writer */
	struct block *replaced, **replaced_end; /* by the writer */
	struct block *waiting, **waiting_end;   /* for readers to end; ascending by gone */
	struct mem_txn *free_txns;
	struct mem_cursor *free_cursors;
};

static struct mem *
mem_of(const struct kith_txn *t)
{
	return (struct mem *)t->store;
}

static struct mem_txn *
txn_of(struct kith_txn *t)
{
	return (struct mem_txn *)t;
}

static void *
block_new(struct mem *m, size_t n)
{
	struct block *b = malloc(n);

	if (b == NULL)
		return NULL;
	b->made = m->committed + 1;
	b->u.prev = NULL;
	b->next = m->fresh;
	if (m->fresh != NULL)
		m->fresh->u.prev = b;
	m->fresh = b;
	return b;
}

static bool
ours(const struct mem *m, const struct block *b)
{
	return b->made == m->committed + 1;
}

/* The writer needs the block no more. */
static void
block_drop(struct mem *m, struct block *b)
{
	if (b == NULL)
		return;
	if (!ours(m, b)) {
		b->u.gone = m->committed + 1;
		b->next = NULL;
		*m->replaced_end = b;
		m->replaced_end = &b->next;
		return;
	}
	if (b->u.prev != NULL)
		b->u.prev->next = b->next;
	else
		m->fresh = b->next;
	if (b->next != NULL)
		b->next->u.prev = b->u.prev;
	free(b);
}

static struct item *
item_new(struct mem *m, struct kith_slice key, struct kith_slice val)
{
	struct item *it = block_new(m, sizeof(*it) + key.n + val.n);

	if (it == NULL)
		return NULL;
	it->n_key = (uint32_t)key.n;
	it->n_val = (uint32_t)val.n;
	memcpy(it->bytes, key.p, key.n);
	if (val.n > 0)
		memcpy(it->bytes + key.n, val.p, val.n);
	return it;
}

static struct kith_slice
item_key(const struct item *it)
{
	return kith_slice_of(it->bytes, it->n_key);
}

static struct kith_slice
item_val(const struct item *it)
{
	return kith_slice_of(it->bytes + it->n_key, it->n_val);
}

static size_t
node_size(bool leaf)
{
	return sizeof(struct node) + (leaf ? 0 : FANOUT * sizeof(struct node *));
}

static struct node *
node_new(struct mem *m, bool leaf)
{
	struct node *nd = block_new(m, node_size(leaf));

	if (nd == NULL)
		return NULL;
	nd->n = 0;
	nd->leaf = leaf;
	return nd;
}

/* The writer's own copy of *at, put in its place. */
static bool
make_ours(struct mem *m, struct node **at)
{
	struct node *old = *at, *nd;
	struct block b;

	if (ours(m, &old->b))
		return true;
	nd = node_new(m, old->leaf);
	if (nd == NULL)
		return false;
	b = nd->b;
	memcpy(nd, old, node_size(old->leaf));
	nd->b = b;
	*at = nd;
	block_drop(m, &old->b);
	return true;
}

/* Zeros after a short key: equal heads decide nothing, but unequal ones do. */
static uint64_t
head_of(struct kith_slice key)
{
	uint8_t b[8] = { 0 };

	if (key.n >= 8)
		return kith_get_be64(key.p);
	if (key.n > 0)
		memcpy(b, key.p, key.n);
	return kith_get_be64(b);
}

/* How many of nd's keys are less than key (or_equal: less or equal); an inner node's first counts as least of all. */
static uint32_t
rank(const struct node *nd, struct kith_slice key, uint64_t head, bool or_equal)
{
	uint32_t lo = nd->leaf ? 0 : 1, hi = nd->n, mid;
	int c;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (nd->head[mid] != head) {
			c = nd->head[mid] < head ? -1 : 1;
		} else {
			c = kith_slice_cmp(item_key(nd->key[mid]), key);
		}
		if (c < 0 || (c == 0 && or_equal))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static const struct item *
find(const struct node *nd, struct kith_slice key)
{
	uint64_t head = head_of(key);
	uint32_t i;

	if (nd == NULL)
		return NULL;
	while (!nd->leaf)
		nd = nd->child[rank(nd, key, head, true) - 1];
	i = rank(nd, key, head, false);
	if (i == nd->n || nd->head[i] != head || !kith_slice_eq(item_key(nd->key[i]), key))
		return NULL;
	return nd->key[i];
}

static void
open_gap(struct node *nd, uint32_t i)
{
	memmove(nd->head + i + 1, nd->head + i, (nd->n - i) * sizeof(nd->head[0]));
	memmove(nd->key + i + 1, nd->key + i, (nd->n - i) * sizeof(nd->key[0]));
	if (!nd->leaf)
		memmove(nd->child + i + 1, nd->child + i, (nd->n - i) * sizeof(nd->child[0]));
	nd->n++;
}

static void
close_gap(struct node *nd, uint32_t i)
{
	nd->n--;
	memmove(nd->head + i, nd->head + i + 1, (nd->n - i) * sizeof(nd->head[0]));
	memmove(nd->key + i, nd->key + i + 1, (nd->n - i) * sizeof(nd->key[0]));
	if (!nd->leaf)
		memmove(nd->child + i, nd->child + i + 1, (nd->n - i) * sizeof(nd->child[0]));
}

/*
 * Splits the full child i of up, both ours, up not full. The right half may be
 * an empty leaf when key is to be appended: it goes there at once. Tables that
 * grow at their end stay full that way.
 */
static bool
split(struct mem *m, struct node *up, uint32_t i, struct kith_slice key, uint64_t head)
{
	struct node *left = up->child[i], *right = node_new(m, left->leaf);
	bool append = rank(left, key, head, !left->leaf) == left->n;
	uint32_t keep = append ? (left->leaf ? FANOUT : FANOUT - 1) : FANOUT / 2;
	struct item *sep;

	if (right == NULL)
		return false;
	if (left->leaf) {
		sep = item_new(m, keep == FANOUT ? key : item_key(left->key[keep]), (struct kith_slice){ NULL, 0 });
		if (sep == NULL) {
			block_drop(m, &right->b);
			return false;
		}
	} else {
		sep = left->key[keep];
	}
	right->n = FANOUT - keep;
	left->n = keep;
	memcpy(right->head, left->head + keep, right->n * sizeof(right->head[0]));
	memcpy(right->key, left->key + keep, right->n * sizeof(right->key[0]));
	if (!left->leaf) {
		memcpy(right->child, left->child + keep, right->n * sizeof(right->child[0]));
		right->key[0] = NULL;
	}
	open_gap(up, i + 1);
	up->key[i + 1] = sep;
	up->head[i + 1] = head_of(item_key(sep));
	up->child[i + 1] = right;
	return true;
}

/* A root that is ours and not full. */
static bool
ready_root(struct mem *m, struct node **root, struct kith_slice key, uint64_t head)
{
	struct node *up;

	if (*root == NULL) {
		*root = node_new(m, true);
		return *root != NULL;
	}
	if (!make_ours(m, root))
		return false;
	if ((*root)->n < FANOUT)
		return true;
	up = node_new(m, false);
	if (up == NULL)
		return false;
	up->n = 1;
	up->key[0] = NULL;
	up->head[0] = 0;
	up->child[0] = *root;
	if (!split(m, up, 0, key, head)) {
		block_drop(m, &up->b);
		return false;
	}
	*root = up;
	return true;
}

static int
mem_put(struct kith_txn *t, enum kith_table tb, struct kith_slice key, struct kith_slice val)
{
	struct mem *m = mem_of(t);
	struct node **root = &txn_of(t)->root[tb], *nd;
	struct item *it = item_new(m, key, val);
	uint64_t head = head_of(key);
	uint32_t i;

	if (it == NULL)
		return KITH_E_NOMEM;
	key = item_key(it);
	if (!ready_root(m, root, key, head))
		goto nomem;
	for (nd = *root; !nd->leaf; nd = nd->child[i]) {
		i = rank(nd, key, head, true) - 1;
		if (!make_ours(m, &nd->child[i]))
			goto nomem;
		if (nd->child[i]->n == FANOUT) {
			if (!split(m, nd, i, key, head))
				goto nomem;
			i = rank(nd, key, head, true) - 1;
		}
	}
	i = rank(nd, key, head, false);
	if (i < nd->n && nd->head[i] == head && kith_slice_eq(item_key(nd->key[i]), key)) {
		block_drop(m, &nd->key[i]->b);
	} else {
		open_gap(nd, i);
		nd->head[i] = head;
	}
	nd->key[i] = it;
	return KITH_OK;
nomem:
	block_drop(m, &it->b);
	return KITH_E_NOMEM;
}

/* Takes child i out of an inner node that is ours; the child has been seen to. */
static void
remove_child(struct mem *m, struct node *up, uint32_t i)
{
	uint32_t sep = i > 0 ? i : 1;

	if (sep < up->n)
		block_drop(m, &up->key[sep]->b);
	close_gap(up, i);
	if (i == 0 && up->n > 0)
		up->key[0] = NULL;
}

static int
mem_del(struct kith_txn *t, enum kith_table tb, struct kith_slice key)
{
	struct mem *m = mem_of(t);
	struct node **root = &txn_of(t)->root[tb], *path[HEIGHT_MAX], *nd;
	uint32_t at[HEIGHT_MAX], d = 0, i;
	uint64_t head = head_of(key);

	if (find(*root, key) == NULL)
		return KITH_E_NOTFOUND;
	if (!make_ours(m, root))
		return KITH_E_NOMEM;
	for (nd = *root; !nd->leaf; nd = nd->child[i]) {
		i = rank(nd, key, head, true) - 1;
		if (!make_ours(m, &nd->child[i]))
			return KITH_E_NOMEM;
		path[d] = nd;
		at[d++] = i;
	}
	i = rank(nd, key, head, false);
	block_drop(m, &nd->key[i]->b);          /* key may lie in it: not used from here on */
	close_gap(nd, i);
	while (nd->n == 0 && d > 0) {
		block_drop(m, &nd->b);
		nd = path[--d];
		remove_child(m, nd, at[d]);
	}
	if (nd->n == 0) {
		block_drop(m, &nd->b);
		*root = NULL;
	}
	while (*root != NULL && !(*root)->leaf && (*root)->n == 1) {
		nd = *root;
		*root = nd->child[0];
		block_drop(m, &nd->b);
	}
	return KITH_OK;
}

static int
mem_get(struct kith_txn *t, enum kith_table tb, struct kith_slice key, struct kith_slice *val)
{
	const struct item *it = find(txn_of(t)->root[tb], key);

	if (it == NULL)
		return KITH_E_NOTFOUND;
	*val = item_val(it);
	return KITH_OK;
}

static int
mem_cursor(struct kith_txn *t, enum kith_table tb, struct kith_cursor **out)
{
	struct mem *m = mem_of(t);
	struct mem_cursor *c = m->free_cursors;

	(void)tb;
	if (c != NULL) {
		m->free_cursors = c->next_free;
	} else {
		c = malloc(sizeof(*c));
		if (c == NULL)
			return KITH_E_NOMEM;
	}
	c->base.ops = t->ops;
	c->base.txn = t;
	*out = &c->base;
	return KITH_OK;
}

static void
mem_cursor_free(struct kith_cursor *base)
{
	struct mem_cursor *c = (struct mem_cursor *)base;
	struct mem *m = mem_of(base->txn);

	c->next_free = m->free_cursors;
	m->free_cursors = c;
}

static int
here(const struct mem_cursor *c, struct kith_slice *k, struct kith_slice *v)
{
	const struct item *it = c->path[c->depth]->key[c->at[c->depth]];

	*k = item_key(it);
	*v = item_val(it);
	return KITH_OK;
}

/* Down from path[d] along the edge that is nearest to where we came from. */
static void
descend(struct mem_cursor *c, uint32_t d, bool backward)
{
	struct node *nd;

	for (;; d++) {
		nd = c->path[d];
		if (nd->leaf)
			break;
		kith_assert(d + 1 < HEIGHT_MAX);
		c->path[d + 1] = nd->child[c->at[d]];
		c->at[d + 1] = backward ? c->path[d + 1]->n - 1 : 0;
	}
	c->depth = d;
}

static int
mem_step(struct kith_cursor *base, bool backward, struct kith_slice *k, struct kith_slice *v)
{
	struct mem_cursor *c = (struct mem_cursor *)base;
	uint32_t d = c->depth;

	while (backward ? c->at[d] == 0 : c->at[d] + 1 == c->path[d]->n) {
		if (d == 0)
			return KITH_E_NOTFOUND;
		d--;
	}
	if (backward)
		c->at[d]--;
	else
		c->at[d]++;
	descend(c, d, backward);
	return here(c, k, v);
}

static int
mem_seek(struct kith_cursor *base, struct kith_slice key, bool backward, struct kith_slice *k, struct kith_slice *v)
{
	struct mem_cursor *c = (struct mem_cursor *)base;
	struct node *nd = txn_of(base->txn)->root[base->table];
	uint64_t head = head_of(key);
	uint32_t d = 0, i;

	if (nd == NULL)
		return KITH_E_NOTFOUND;
	if (key.n == 0) {
		c->path[0] = nd;
		c->at[0] = backward ? nd->n - 1 : 0;
		descend(c, 0, backward);
		return here(c, k, v);
	}
	for (; !nd->leaf; nd = nd->child[i]) {
		i = rank(nd, key, head, true) - 1;
		kith_assert(d + 1 < HEIGHT_MAX);
		c->path[d] = nd;
		c->at[d++] = i;
	}
	c->path[d] = nd;
	c->depth = d;
	i = rank(nd, key, head, backward);
	if (backward ? i > 0 : i < nd->n) {
		c->at[d] = backward ? i - 1 : i;
		return here(c, k, v);
	}
	c->at[d] = backward ? 0 : nd->n - 1;            /* beside the leaf: the next one's edge */
	return mem_step(base, backward, k, v);
}

static int
mem_begin(struct kith_store *s, bool write, struct kith_txn **out)
{
	struct mem *m = (struct mem *)s;
	struct mem_txn *t;

	if (write && m->writer != NULL)
		return KITH_E_BUSY;
	t = m->free_txns;
	if (t != NULL) {
		m->free_txns = t->next;
	} else {
		t = malloc(sizeof(*t));
		if (t == NULL)
			return KITH_E_NOMEM;
	}
	t->base = (struct kith_txn){ .ops = s->ops, .store = s, .write = write };
	t->snapshot = m->committed;
	memcpy(t->root, m->root, sizeof(t->root));
	if (write) {
		m->writer = t;
	} else {
		t->next = m->readers;
		t->link = &m->readers;
		if (t->next != NULL)
			t->next->link = &t->next;
		m->readers = t;
	}
	*out = &t->base;
	return KITH_OK;
}

/* Frees what no reader can see any more. */
static void
sweep(struct mem *m)
{
	const struct mem_txn *t;
	uint64_t oldest = m->committed;
	struct block *b;

	for (t = m->readers; t != NULL; t = t->next)
		if (t->snapshot < oldest)
			oldest = t->snapshot;
	while ((b = m->waiting) != NULL && b->u.gone <= oldest) {
		m->waiting = b->next;
		free(b);
	}
	if (m->waiting == NULL)
		m->waiting_end = &m->waiting;
}

static void
end_reader(struct mem *m, struct mem_txn *t)
{
	*t->link = t->next;
	if (t->next != NULL)
		t->next->link = t->link;
	t->next = m->free_txns;
	m->free_txns = t;
	sweep(m);
}

static void
end_writer(struct mem *m, struct mem_txn *t)
{
	m->fresh = NULL;
	m->replaced = NULL;
	m->replaced_end = &m->replaced;
	m->writer = NULL;
	t->next = m->free_txns;
	m->free_txns = t;
}

static void
mem_abort(struct kith_txn *base)
{
	struct mem *m = mem_of(base);
	struct block *b, *next;

	if (!base->write) {
		end_reader(m, txn_of(base));
		return;
	}
	for (b = m->fresh; b != NULL; b = next) {
		next = b->next;
		free(b);
	}
	end_writer(m, txn_of(base));
}

static int
mem_commit(struct kith_txn *base)
{
	struct mem *m = mem_of(base);

	if (!base->write) {
		end_reader(m, txn_of(base));
		return KITH_OK;
	}
	memcpy(m->root, txn_of(base)->root, sizeof(m->root));
	m->committed++;
	if (m->replaced != NULL) {
		*m->waiting_end = m->replaced;
		m->waiting_end = m->replaced_end;
	}
	end_writer(m, txn_of(base));
	sweep(m);
	return KITH_OK;
}

static void
free_tree(struct node *nd)
{
	uint32_t i;

	if (nd == NULL)
		return;
	for (i = 0; i < nd->n; i++) {
		free(nd->key[i]);
		if (!nd->leaf)
			free_tree(nd->child[i]);
	}
	free(nd);
}

static void
mem_close(struct kith_store *s)
{
	struct mem *m = (struct mem *)s;
	struct mem_txn *t;
	struct mem_cursor *c;
	int tb;

	kith_assert(m->writer == NULL && m->readers == NULL);
	for (tb = 0; tb < KITH_T_COUNT_; tb++)
		free_tree(m->root[tb]);
	while ((t = m->free_txns) != NULL) {
		m->free_txns = t->next;
		free(t);
	}
	while ((c = m->free_cursors) != NULL) {
		m->free_cursors = c->next_free;
		free(c);
	}
	free(m);
}

static const struct kith_store_ops mem_ops = {
	.begin = mem_begin,
	.commit = mem_commit,
	.abort = mem_abort,
	.get = mem_get,
	.put = mem_put,
	.del = mem_del,
	.cursor = mem_cursor,
	.seek = mem_seek,
	.step = mem_step,
	.cursor_free = mem_cursor_free,
	.close = mem_close,
};

int
kith_store_mem_new(struct kith_store **out)
{
	struct mem *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return KITH_E_NOMEM;
	m->base.ops = &mem_ops;
	m->replaced_end = &m->replaced;
	m->waiting_end = &m->waiting;
	*out = &m->base;
	return KITH_OK;
}
