#include "tests/sim/queue.h"

#include "tests/sim/dice.h"

static bool
sooner(const struct event *x, const struct event *y)
{
	return x->at_ms != y->at_ms ? x->at_ms < y->at_ms : x->order < y->order;
}

void
queue_fini(struct queue *q)
{
	for (size_t i = 0; i < q->heap.n; i++)
		free(q->heap.v[i].bytes);
	kith_vec_fini(&q->heap);
}

void
queue_put(struct queue *q, struct event e)
{
	size_t i = q->heap.n;

	if (e.order == 0)
		e.order = ++q->next_order;
	MUST(kith_vec_push(&q->heap, e) == KITH_OK);
	for (; i > 0 && sooner(&e, &q->heap.v[(i - 1) / 2]); i = (i - 1) / 2)
		q->heap.v[i] = q->heap.v[(i - 1) / 2];
	q->heap.v[i] = e;
}

const struct event *
queue_first(const struct queue *q)
{
	return q->heap.n > 0 ? &q->heap.v[0] : NULL;
}

struct event
queue_take(struct queue *q)
{
	struct event first = q->heap.v[0], e = q->heap.v[--q->heap.n];
	size_t i = 0, k;

	while ((k = 2 * i + 1) < q->heap.n) {
		if (k + 1 < q->heap.n && sooner(&q->heap.v[k + 1], &q->heap.v[k]))
			k++;
		if (!sooner(&q->heap.v[k], &e))
			break;
		q->heap.v[i] = q->heap.v[k];
		i = k;
	}
	if (q->heap.n > 0)
		q->heap.v[i] = e;
	return first;
}
