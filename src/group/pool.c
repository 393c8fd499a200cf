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
