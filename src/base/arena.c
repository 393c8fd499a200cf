#include "base/arena.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#define ALIGN alignof(max_align_t)
#define BLOCK_FIRST 4096
#define BLOCK_MAX 65536

struct block {
	struct block *next;
	size_t n, cap;
	alignas(max_align_t) uint8_t data[];
};

struct kith_arena {
	size_t max, used;
	size_t size;            /* of the next ordinary block */
	struct block *head;     /* the one that we cut from; the rest are full or hold one large thing */
};

struct kith_arena *
kith_arena_new(size_t max)
{
	struct kith_arena *a = malloc(sizeof(*a));

	if (a == NULL)
		return NULL;
	*a = (struct kith_arena){ .max = max, .size = BLOCK_FIRST };
	return a;
}

static void
free_blocks(struct block *b)
{
	struct block *next;

	for (; b != NULL; b = next) {
		next = b->next;
		free(b);
	}
}

void
kith_arena_free(struct kith_arena *a)
{
	if (a == NULL)
		return;
	free_blocks(a->head);
	free(a);
}

void
kith_arena_reset(struct kith_arena *a)
{
	if (a->head != NULL) {
		free_blocks(a->head->next);
		a->head->next = NULL;
		a->head->n = 0;
	}
	a->used = 0;
}

static struct block *
block_new(size_t cap)
{
	struct block *b;
	size_t all;

	if (!kith_size_add(sizeof(*b), cap, &all))
		return NULL;
	b = malloc(all);
	if (b == NULL)
		return NULL;
	b->next = NULL;
	b->n = 0;
	b->cap = cap;
	return b;
}

/*
 * What does not fit in the head block gets a block of its own behind it when it
 * is large, so that the head's room is not lost; else a new head.
 */
void *
kith_arena_alloc(struct kith_arena *a, size_t n)
{
	struct block *b = a->head;
	size_t need;

	if (n == 0)
		n = 1;
	if (!kith_size_add(n, ALIGN - 1, &need))
		return NULL;
	need &= ~(ALIGN - 1);
	if (n > a->max - a->used)
		return NULL;
	if (b == NULL || b->cap - b->n < need) {
		size_t cap = a->size > a->max ? (a->max + ALIGN - 1) & ~(ALIGN - 1) : a->size;
		bool own = b != NULL && need > cap / 4;

		b = block_new(own || need > cap ? need : cap);
		if (b == NULL)
			return NULL;
		if (own) {
			b->next = a->head->next;
			a->head->next = b;
		} else {
			b->next = a->head;
			a->head = b;
			if (a->size < BLOCK_MAX)
				a->size *= 2;
		}
	}
	b->n += need;
	a->used += need < a->max - a->used ? need : a->max - a->used;
	return memset(b->data + (b->n - need), 0, need);
}

void *
kith_arena_array(struct kith_arena *a, size_t n, size_t size)
{
	size_t all;

	return kith_size_mul(n, size, &all) ? kith_arena_alloc(a, all) : NULL;
}

char *
kith_arena_str(struct kith_arena *a, struct kith_slice s)
{
	char *p;
	size_t all;

	if (!kith_size_add(s.n, 1, &all))
		return NULL;
	p = kith_arena_alloc(a, all);
	if (p != NULL && s.n > 0)
		memcpy(p, s.p, s.n);
	return p;
}

struct kith_slice
kith_arena_copy(struct kith_arena *a, struct kith_slice s)
{
	uint8_t *p;

	if (s.n == 0)
		return (struct kith_slice){ NULL, 0 };
	p = kith_arena_alloc(a, s.n);
	if (p != NULL)
		memcpy(p, s.p, s.n);
	return (struct kith_slice){ p, s.n };
}
