#include "group/plane.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

/* Memory that lives as long as the plane, given out in order and taken back only to a mark. */

#define BLOCK 16384

struct pool_block {
	struct pool_block *older;
	size_t n, cap;
	alignas(max_align_t) uint8_t data[];
};

void *
kith_pool_alloc(struct pool *p, size_t n, size_t size)
{
	const size_t align = alignof(max_align_t);
	struct pool_block *b = p->head;
	size_t all, room;

	if (!kith_size_mul(n, size, &all) || !kith_size_add(all, align, &all))
		return NULL;
	all = (all - 1) & ~(align - 1);
	if (all == 0)
		all = align;
	if (b == NULL || b->cap - b->n < all) {
		room = all > BLOCK ? all : BLOCK;
		b = malloc(sizeof(*b) + room);
		if (b == NULL)
			return NULL;
		*b = (struct pool_block){ .older = p->head, .cap = room };
		p->head = b;
	}
	b->n += all;
	return memset(b->data + (b->n - all), 0, all);
}

struct pool_mark
kith_pool_mark(const struct pool *p)
{
	return (struct pool_mark){ p->head, p->head == NULL ? 0 : p->head->n };
}

void
kith_pool_back(struct pool *p, struct pool_mark to)
{
	struct pool_block *b;

	while (p->head != to.head) {
		b = p->head;
		p->head = b->older;
		free(b);
	}
	if (p->head != NULL)
		p->head->n = to.n;
}

/* ---- copies ---- */

static bool
copy_slice(struct pool *p, struct kith_slice *s)
{
	uint8_t *b;

	if (s->n == 0)
		return true;
	b = kith_pool_alloc(p, s->n, 1);
	if (b == NULL)
		return false;
	memcpy(b, s->p, s->n);
	s->p = b;
	return true;
}

static bool
copy_bytes(struct pool *p, const void **v, size_t n, size_t size)
{
	void *b;

	if (n == 0)
		return true;
	b = kith_pool_alloc(p, n, size);
	if (b == NULL)
		return false;
	memcpy(b, *v, n * size);
	*v = b;
	return true;
}

static bool
copy_list(struct pool *p, const struct kith_slice **v, uint32_t n)
{
	struct kith_slice *l;
	uint32_t i;

	if (n == 0)
		return true;
	l = kith_pool_alloc(p, n, sizeof(*l));
	for (i = 0; l != NULL && i < n; i++) {
		l[i] = (*v)[i];
		if (!copy_slice(p, &l[i]))
			return false;
	}
	*v = l;
	return l != NULL;
}

const struct kith_op *
kith_pool_op(struct pool *p, const struct kith_op *from)
{
	struct kith_op *o = kith_pool_alloc(p, 1, sizeof(*o));

	if (o == NULL)
		return NULL;
	*o = *from;
	return copy_slice(p, &o->key) && copy_slice(p, &o->order) && copy_slice(p, &o->value) &&
	    copy_slice(p, &o->nonce) && copy_slice(p, &o->count_sig) && copy_slice(p, &o->sigs) &&
	    copy_slice(p, &o->earlier) && copy_slice(p, &o->implicit) && copy_list(p, &o->perms, o->n_perms) &&
	    copy_list(p, &o->may, o->n_may) &&
	    copy_bytes(p, (const void **)&o->users, o->n_users, sizeof(*o->users)) &&
	    copy_bytes(p, (const void **)&o->founders, o->n_founders, sizeof(*o->founders)) &&
	    copy_bytes(p, (const void **)&o->frontier, o->n_frontier, sizeof(*o->frontier)) ? o : NULL;
}

const struct kith_cut *
kith_pool_cut(struct pool *p, const struct kith_cut *from)
{
	struct kith_cut *c = kith_pool_alloc(p, 1, sizeof(*c));
	struct kith_cut_feed *f;
	uint32_t i;

	if (c == NULL)
		return NULL;
	*c = *from;
	f = kith_pool_alloc(p, c->n_feeds, sizeof(*f));
	for (i = 0; f != NULL && i < c->n_feeds; i++) {
		f[i] = from->feed[i];
		if (!copy_bytes(p, (const void **)&f[i].tip, f[i].n_tips, sizeof(*f[i].tip)))
			return NULL;
	}
	c->feed = f;
	return f != NULL && copy_bytes(p, (const void **)&c->unheld, c->n_unheld, sizeof(*c->unheld)) &&
	    copy_bytes(p, (const void **)&c->part, c->n_parts, sizeof(*c->part)) ? c : NULL;
}
