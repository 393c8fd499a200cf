#include "group/plane.h"

#include <stdlib.h>
#include <string.h>

/* What counts (RULES A11), and questions to the plane. */

static bool
beyond_fork(const struct act *x)
{
	return x->pub.seq >= x->feed->fork_seq;
}

/* x is new: does it count by itself, or y through it? */
static bool
carries(const struct act *x, const struct act *y)
{
	return y == x ? !beyond_fork(x) : y->pos != 0 && y->feed != x->feed && act_seen(y, x);
}

void
kith_count_new(struct kith_authority *a, struct act *x)
{
	uint32_t i;

	for (i = 0; a->now.n_in + 1 < a->n_valid && i < x->pub.index; i++)
		if (!view_in(&a->now, i) && carries(x, act_at(a, i)))
			kith_view_take(&a->now, act_at(a, i));
	if (carries(x, x))
		kith_view_take(&a->now, x);
}

bool
kith_plane_counts(const struct kith_authority *a, const struct act *x)
{
	uint32_t i;

	if (x->pos == 0 || !beyond_fork(x))
		return x->pos != 0;
	for (i = x->pub.index + 1; i < a->acts.n; i++)
		if (act_at(a, i)->pos != 0 && carries(act_at(a, i), x))
			return true;
	return false;
}

/* A fork has come to light: what counts is counted anew. old: room for as many words as now has. */
void
kith_count_anew(struct kith_authority *a, uint64_t *old)
{
	struct kith_view *v = &a->now;
	uint32_t i, j;

	memcpy(old, v->eff, v->words * sizeof(*old));
	memset(v->in, 0, v->words * sizeof(*v->in));
	v->n_in = 0;
	v->heads.n = 0;
	for (i = 0; i < a->acts.n; i++) {
		if (!kith_plane_counts(a, act_at(a, i)))
			continue;
		v->in[i / 64] |= UINT64_C(1) << (i % 64);
		v->n_in++;
	}
	for (i = 0; i < a->acts.n; i++) {
		bool head = view_in(v, i);

		for (j = i + 1; head && j < a->acts.n; j++)
			head = !view_in(v, j) || !act_seen(act_at(a, i), act_at(a, j));
		if (head)
			v->heads.v[v->heads.n++] = i;
	}
	kith_view_decide(v);
	for (i = 0; i < a->acts.n; i++) {
		bool on = view_eff(v, i);

		if (on != bit_get(old, v->words, i))
			kith_view_flip(v, act_at(a, i), on);
	}
}

/* ---- asking ---- */

void
kith_authority_changed(struct kith_authority *a, const uint32_t **index, size_t *n)
{
	size_t i, m = 0;

	for (i = 0; i < a->changes.n; i++) {
		struct act *x = act_at(a, a->changes.v[i]);

		x->listed = false;
		if (x->reported == x->pub.effective)
			continue;
		x->reported = x->pub.effective;
		a->changes.v[m++] = x->pub.index;
	}
	a->changes.n = 0;
	*index = a->changes.v;
	*n = m;
}

size_t
kith_authority_count(const struct kith_authority *a)
{
	return a->acts.n;
}

const struct kith_act *
kith_authority_at(const struct kith_authority *a, uint32_t index)
{
	return index < a->acts.n ? &act_at(a, index)->pub : NULL;
}

const struct kith_act *
kith_authority_find(const struct kith_authority *a, const struct kith_id *id)
{
	const struct act *x = kith_plane_act(a, id);

	return x == NULL ? NULL : &x->pub;
}

bool
kith_authority_seen(const struct kith_authority *a, uint32_t x, uint32_t y)
{
	return act_seen(act_at(a, x), act_at(a, y));
}

bool
kith_authority_counts(const struct kith_authority *a, uint32_t act)
{
	return view_in(&a->now, act);
}

uint64_t
kith_authority_rules(const struct kith_authority *a)
{
	return a->rules;
}

static int
by_id(const void *x, const void *y)
{
	return kith_id_cmp(x, y);
}

/* By what the records say, not by when they came: nodes that hold the same name the same. */
static int
newest_first(const void *x, const void *y)
{
	const struct kith_act *a = *(const struct kith_act *const *)x, *b = *(const struct kith_act *const *)y;

	if (a->clock != b->clock)
		return a->clock > b->clock ? -1 : 1;
	return kith_id_cmp(&a->id, &b->id);
}

size_t
kith_authority_parents(const struct kith_authority *a, const struct kith_id *prev, struct kith_id out[KITH_PARENTS_MAX])
{
	const struct act *p = prev == NULL ? NULL : kith_plane_act(a, prev);
	const struct kith_act *best[KITH_PARENTS_MAX + 1];
	size_t i, j, n = 0;
	bool below = p == NULL || !p->pub.valid;

	for (i = 0; i < a->now.heads.n; i++) {
		best[n++] = &act_at(a, a->now.heads.v[i])->pub;
		qsort(best, n, sizeof(best[0]), newest_first);
		if (n > KITH_PARENTS_MAX)
			n = KITH_PARENTS_MAX;
	}
	for (i = 0; i < n && !below; i++)
		below = act_seen(p, act_at(a, best[i]->index));
	if (!below) {
		/* a head that has seen it, or itself if it does not count */
		uint32_t with = p->pub.index;

		for (j = 0; j < a->now.heads.n; j++)
			if (act_seen(p, act_at(a, a->now.heads.v[j])))
				with = a->now.heads.v[j];
		if (n == KITH_PARENTS_MAX)
			n--;
		best[n++] = &act_at(a, with)->pub;
	}
	for (i = 0; i < n; i++)
		out[i] = best[i]->id;
	qsort(out, n, sizeof(out[0]), by_id);
	return n;
}

size_t
kith_authority_heads(const struct kith_authority *a, struct kith_id out[KITH_PARENTS_MAX])
{
	return kith_authority_parents(a, NULL, out);
}
