#include "ctl/judgefile.h"

#include <stdlib.h>

/* In what order events can be built, who has seen whom, and orders to offer them in. */

static size_t
names_of(const struct kith_jf *f, size_t e, size_t out[KITH_PARENTS_MAX + 2])
{
	const struct kith_jf_event *x = &f->event[e];
	size_t i, n = 0;

	for (i = 0; i < x->n_parents; i++)
		out[n++] = x->parents[i];
	if (x->via != NULL)
		out[n++] = (size_t)(kith_jf_find(f, x->via) - f->event);
	if (x->role != NULL)
		out[n++] = (size_t)(kith_jf_find(f, x->role) - f->event);
	return n;
}

struct frame {
	size_t e, at;
};

/* Depth first, without recursion; what is on the way and met again closes a cycle. */
static int
sort_events(struct kith_jf *f, struct kith_diag *d)
{
	struct frame *way = calloc(f->n_events + 1, sizeof(*way));
	uint8_t *state = calloc(f->n_events + 1, 1);    /* 0 new, 1 on the way, 2 done */
	size_t names[KITH_PARENTS_MAX + 2], e, next, n, depth, done = 0;
	int r = KITH_E_NOMEM;

	f->order = calloc(f->n_events + 1, sizeof(*f->order));
	if (way == NULL || state == NULL || f->order == NULL)
		goto out;
	for (e = 0; e < f->n_events; e++) {
		if (state[e] != 0)
			continue;
		depth = 1;
		way[0] = (struct frame){ e, 0 };
		state[e] = 1;
		while (depth > 0) {
			struct frame *top = &way[depth - 1];

			n = names_of(f, top->e, names);
			if (top->at >= n) {
				state[top->e] = 2;
				f->order[done++] = top->e;
				depth--;
				continue;
			}
			if (state[names[top->at]] == 1) {
				const struct kith_jf_event *x = &f->event[top->e];
				bool parent = top->at < x->n_parents;

				r = kith_jf_mistake(d, "event", x->id, parent ? "parents" :
				    top->at == x->n_parents && x->via != NULL ? "via" :
				    x->who != NULL ? "who" : "role", "closes a cycle");
				goto out;
			}
			next = names[top->at++];
			if (state[next] == 0) {
				state[next] = 1;
				way[depth++] = (struct frame){ next, 0 };
			}
		}
	}
	r = KITH_OK;
out:
	free(way);
	free(state);
	return r;
}

static int
find_ancestors(struct kith_jf *f)
{
	size_t words = f->n_events / 64 + 1, i, j, k;

	f->before = calloc(f->n_events + 1, sizeof(*f->before));
	if (f->before == NULL)
		return KITH_E_NOMEM;
	for (i = 0; i < f->n_events; i++) {
		f->before[i] = calloc(words, sizeof(**f->before));
		if (f->before[i] == NULL)
			return KITH_E_NOMEM;
	}
	for (i = 0; i < f->n_events; i++) {
		const struct kith_jf_event *x = &f->event[f->order[i]];
		uint64_t *mine = f->before[f->order[i]];

		for (j = 0; j < x->n_parents; j++) {
			for (k = 0; k < words; k++)
				mine[k] |= f->before[x->parents[j]][k];
			mine[x->parents[j] / 64] |= UINT64_C(1) << (x->parents[j] % 64);
		}
	}
	return KITH_OK;
}

int
kith_jf_sort(struct kith_jf *f, struct kith_diag *d)
{
	int r = sort_events(f, d);

	return r != KITH_OK ? r : find_ancestors(f);
}

size_t *
kith_jf_shuffle(size_t n, uint64_t seed)
{
	size_t *v = calloc(n + 1, sizeof(*v)), i, j, swap;
	uint64_t z;

	for (i = 0; v != NULL && i < n; i++)
		v[i] = i;
	for (i = n; v != NULL && i > 1; i--) {
		/* splitmix64 */
		seed += 0x9e3779b97f4a7c15;
		z = (seed ^ seed >> 30) * 0xbf58476d1ce4e5b9;
		z = (z ^ z >> 27) * 0x94d049bb133111eb;
		j = (size_t)((z ^ z >> 31) % i);
		swap = v[i - 1];
		v[i - 1] = v[j];
		v[j] = swap;
	}
	return v;
}
