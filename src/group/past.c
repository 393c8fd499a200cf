#include "group/plane.h"

#include <string.h>

/* Who has seen what: vector clocks over chains of acts, in pieces that are shared. */

static uint32_t
seen_of(const struct past *p, uint32_t col)
{
	return p != NULL && col / CHUNK < p->n ? p->c[col / CHUNK]->v[col % CHUNK] : 0;
}

static struct past *
past_new(struct kith_authority *a, uint32_t n)
{
	struct past *p = kith_pool_alloc(&a->pool, 1, sizeof(*p) + n * sizeof(p->c[0]));

	if (p != NULL)
		p->n = n;
	return p;
}

/* The greater of each column; a piece is made only where neither of the two will do. */
static const struct chunk *
chunk_join(struct kith_authority *a, const struct chunk *x, const struct chunk *y)
{
	bool x_all = true, y_all = true;
	struct chunk *c;
	int i;

	if (x == y || y == NULL)
		return x;
	if (x == NULL)
		return y;
	for (i = 0; i < CHUNK; i++) {
		x_all = x_all && x->v[i] >= y->v[i];
		y_all = y_all && y->v[i] >= x->v[i];
	}
	if (x_all || y_all)
		return x_all ? x : y;
	c = kith_pool_alloc(&a->pool, 1, sizeof(*c));
	for (i = 0; c != NULL && i < CHUNK; i++)
		c->v[i] = x->v[i] > y->v[i] ? x->v[i] : y->v[i];
	return c;
}

/* What all the parents have seen. */
int
kith_past_join(struct kith_authority *a, struct act *x)
{
	uint32_t i, j, n = 0;
	struct past *p;

	if (x->n_parents == 1) {
		x->past = act_at(a, x->parents[0])->past;
		return KITH_OK;
	}
	for (i = 0; i < x->n_parents; i++)
		if (act_at(a, x->parents[i])->past->n > n)
			n = act_at(a, x->parents[i])->past->n;
	p = past_new(a, n);
	if (p == NULL)
		return KITH_E_NOMEM;
	for (i = 0; i < x->n_parents; i++) {
		const struct past *q = act_at(a, x->parents[i])->past;

		for (j = 0; j < q->n; j++) {
			p->c[j] = chunk_join(a, p->c[j], q->c[j]);
			if (p->c[j] == NULL)
				return KITH_E_NOMEM;
		}
	}
	x->past = p;
	return KITH_OK;
}

/* And x itself, at the end of its chain: its prev's if that is where it ends, else a new one (a feed, a branch). */
int
kith_past_own(struct kith_authority *a, struct act *x, const struct act *prev)
{
	const struct past *q = x->past;
	struct chunk *c;
	struct past *p;
	uint32_t n;

	x->col = prev != NULL && prev->pos == a->columns.v[prev->col] ? prev->col : (uint32_t)a->columns.n;
	x->pos = x->col < a->columns.n ? a->columns.v[x->col] + 1 : 1;
	n = x->col / CHUNK + 1 > q->n ? x->col / CHUNK + 1 : q->n;
	p = past_new(a, n);
	c = kith_pool_alloc(&a->pool, 1, sizeof(*c));
	if (p == NULL || c == NULL)
		return KITH_E_NOMEM;
	if (q->n > 0)
		memcpy(p->c, q->c, q->n * sizeof(p->c[0]));
	for (; n-- > q->n;)
		p->c[n] = &a->no_chunk;
	*c = *p->c[x->col / CHUNK];
	c->v[x->col % CHUNK] = x->pos;
	p->c[x->col / CHUNK] = c;
	x->past = p;
	return KITH_OK;
}

bool
kith_past_sees_all(const struct kith_authority *a, const struct act *x)
{
	uint32_t i;

	for (i = 0; i < a->columns.n; i++)
		if (seen_of(x->past, i) != a->columns.v[i])
			return false;
	return true;
}

bool
kith_past_has(const void *ctx, const struct act *y)
{
	const struct act *x = ctx;

	return y != x && y->pub.valid && act_seen(y, x);
}
