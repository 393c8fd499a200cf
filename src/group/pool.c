#include "group/plane.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

/* Memory that lives as long as the plane, given out in order and taken back only to a mark. */

#define BLOCK_FIRST 2048
#define BLOCK_MAX 65536

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
		/* most groups are small, and there are many of them: at most a third is idle */
		room = p->size / 2 < BLOCK_FIRST ? BLOCK_FIRST : p->size / 2 < BLOCK_MAX ? p->size / 2 : BLOCK_MAX;
		if (room < all)
			room = all;
		b = malloc(sizeof(*b) + room);
		if (b == NULL)
			return NULL;
		*b = (struct pool_block){ .older = p->head, .cap = room };
		p->head = b;
		p->size += room;
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
		p->size -= b->cap;
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

static const void *
copied(struct pool *p, const void *from, size_t n, size_t size, bool *ok)
{
	void *b;

	if (n == 0 || from == NULL)
		return NULL;
	b = kith_pool_alloc(p, n, size);
	if (b == NULL)
		*ok = false;
	return b == NULL ? NULL : memcpy(b, from, n * size);
}

/* Words, the bytes of all in one piece. */
static bool
copy_list(struct pool *p, const struct kith_slice **v, uint32_t n)
{
	struct kith_slice *l;
	size_t all = 0, at = 0;
	uint8_t *b;
	uint32_t i;

	if (n == 0)
		return true;
	for (i = 0; i < n; i++)
		all += (*v)[i].n;
	l = kith_pool_alloc(p, n, sizeof(*l));
	b = kith_pool_alloc(p, all, 1);
	if (l == NULL || b == NULL)
		return false;
	for (i = 0; i < n; i++) {
		if ((*v)[i].n > 0)
			memcpy(b + at, (*v)[i].p, (*v)[i].n);
		l[i] = kith_slice_of(b + at, (*v)[i].n);
		at += (*v)[i].n;
	}
	*v = l;
	return true;
}

static bool
same_list(const struct kith_slice *x, uint32_t n, const struct kith_slice *y, uint32_t m)
{
	uint32_t i;

	for (i = 0; n == m && i < n && kith_slice_eq(x[i], y[i]); i++)
		;
	return n == m && i == n;
}

static bool
copy_perms(struct pool *p, struct kith_op *o)
{
	bool same = same_list(o->perms, o->n_perms, o->may, o->n_may);

	if (!copy_list(p, &o->perms, o->n_perms))
		return false;
	if (!same)
		return copy_list(p, &o->may, o->n_may);
	o->may = o->perms;
	return true;
}

const struct kith_op *
kith_pool_op(struct pool *p, const struct kith_op *from)
{
	struct kith_op *o = kith_pool_alloc(p, 1, sizeof(*o));
	bool ok = true;

	if (o == NULL)
		return NULL;
	*o = *from;
	o->users = copied(p, o->users, o->n_users, sizeof(*o->users), &ok);
	o->founders = copied(p, o->founders, o->n_founders, sizeof(*o->founders), &ok);
	o->frontier = copied(p, o->frontier, o->n_frontier, sizeof(*o->frontier), &ok);
	o->roles = copied(p, o->roles, o->n_roles, sizeof(*o->roles), &ok);
	return ok && copy_slice(p, &o->key) && copy_slice(p, &o->order) && copy_slice(p, &o->value) &&
	    copy_slice(p, &o->nonce) && copy_slice(p, &o->count_sig) && copy_slice(p, &o->sigs) &&
	    copy_slice(p, &o->earlier) && copy_slice(p, &o->implicit) && copy_perms(p, o) ? o : NULL;
}

const struct kith_cut *
kith_pool_cut(struct pool *p, const struct kith_cut *from)
{
	struct kith_cut *c = kith_pool_alloc(p, 1, sizeof(*c));
	struct kith_cut_feed *f;
	bool ok = true;
	uint32_t i;

	if (c == NULL)
		return NULL;
	*c = *from;
	f = kith_pool_alloc(p, c->n_feeds, sizeof(*f));
	for (i = 0; f != NULL && i < c->n_feeds; i++) {
		f[i] = from->feed[i];
		f[i].tip = copied(p, f[i].tip, f[i].n_tips, sizeof(*f[i].tip), &ok);
	}
	c->feed = f;
	c->unheld = copied(p, c->unheld, c->n_unheld, sizeof(*c->unheld), &ok);
	c->part = copied(p, c->part, c->n_parts, sizeof(*c->part), &ok);
	return ok && f != NULL ? c : NULL;
}
