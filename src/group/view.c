#include "group/plane.h"

#include <stdlib.h>
#include <string.h>

/*
 * Views: sets of acts closed under ancestry, and what is effective in them. The
 * plane's own (now) moves on; those below a frontier never change and are kept
 * while they are in use, because acts and records made at one time share their
 * frontiers and the views below neighbouring frontiers differ by little: each is
 * made from the largest one at hand that lies inside it.
 */

static int
grow_bits(uint64_t **b, size_t have, size_t want)
{
	uint64_t *p = realloc(*b, want * sizeof(*p));

	if (p == NULL)
		return KITH_E_NOMEM;
	memset(p + have, 0, (want - have) * sizeof(*p));
	*b = p;
	return KITH_OK;
}

int
kith_view_reserve(struct kith_view *v, size_t n_acts)
{
	size_t words = (n_acts + 63) / 64;

	if (kith_vec_reserve(&v->heads, 1) != KITH_OK)
		return KITH_E_NOMEM;
	if (words <= v->words)
		return KITH_OK;
	words += words / 2 + 1;
	if (grow_bits(&v->in, v->words, words) != KITH_OK || grow_bits(&v->eff, v->words, words) != KITH_OK)
		return KITH_E_NOMEM;
	v->words = words;
	return KITH_OK;
}

void
kith_view_fini(struct kith_view *v)
{
	free(v->in);
	free(v->eff);
	kith_vec_fini(&v->heads);
	v->in = v->eff = NULL;
	v->words = 0;
	v->n_in = 0;
}

static void
view_free(struct kith_view *v)
{
	if (v == NULL)
		return;
	kith_view_fini(v);
	free(v);
}

int
kith_view_copy(const struct kith_view *from, size_t n_acts, struct kith_view *to)
{
	size_t words = (n_acts + 63) / 64, have = from->words < words ? from->words : words;

	*to = (struct kith_view){ .a = from->a, .n_in = from->n_in };
	to->in = calloc(words + 1, sizeof(*to->in));
	to->eff = calloc(words + 1, sizeof(*to->eff));
	if (to->in == NULL || to->eff == NULL || kith_vec_reserve(&to->heads, from->heads.n + 1) != KITH_OK) {
		kith_view_fini(to);
		return KITH_E_NOMEM;
	}
	to->words = words;
	if (have > 0) {
		memcpy(to->in, from->in, have * sizeof(*to->in));
		memcpy(to->eff, from->eff, have * sizeof(*to->eff));
	}
	while (to->heads.n < from->heads.n) {
		to->heads.v[to->heads.n] = from->heads.v[to->heads.n];
		to->heads.n++;
	}
	return KITH_OK;
}

int
kith_work_reserve(struct kith_authority *a, size_t n_acts)
{
	struct work *w = &a->work;
	size_t cap = n_acts + n_acts / 2 + 64;
	uint32_t *heap;

	if (n_acts <= w->cap * 64)
		return KITH_OK;
	heap = realloc(w->heap, cap * sizeof(*heap));
	if (heap == NULL)
		return KITH_E_NOMEM;
	w->heap = heap;
	if (grow_bits(&w->queued, w->cap, cap / 64) != KITH_OK)
		return KITH_E_NOMEM;
	w->cap = cap / 64;
	return KITH_OK;
}

/* ---- the cache ---- */

static int
by_number(const void *x, const void *y)
{
	const uint32_t *a = x, *b = y;

	return *a < *b ? -1 : *a > *b;
}

static struct kith_slice
key_of(const uint32_t *idx, size_t n)
{
	return kith_slice_of(idx, n * sizeof(*idx));
}

static void
unlink_view(struct kith_authority *a, struct kith_view *v)
{
	*(v->newer != NULL ? &v->newer->older : &a->newest) = v->older;
	*(v->older != NULL ? &v->older->newer : &a->oldest) = v->newer;
}

static void
link_newest(struct kith_authority *a, struct kith_view *v)
{
	v->newer = NULL;
	v->older = a->newest;
	*(a->newest != NULL ? &a->newest->newer : &a->oldest) = v;
	a->newest = v;
}

static void
evict_oldest(struct kith_authority *a)
{
	struct kith_view *v = a->oldest;

	unlink_view(a, v);
	(void)kith_map_del(a->views, key_of(v->heads.v, v->heads.n));
	view_free(v);
	a->n_views--;
}

/* Takes v, whose heads are its key. */
static int
keep(struct kith_authority *a, struct kith_view *take_v)
{
	qsort(take_v->heads.v, take_v->heads.n, sizeof(*take_v->heads.v), by_number);
	if (kith_map_put(a->views, key_of(take_v->heads.v, take_v->heads.n), take_v, NULL) != KITH_OK) {
		view_free(take_v);
		return KITH_E_NOMEM;
	}
	link_newest(a, take_v);
	if (++a->n_views > VIEWS_MAX)
		evict_oldest(a);
	return KITH_OK;
}

void
kith_views_free(struct kith_authority *a)
{
	struct kith_view *v, *older;

	for (v = a->newest; v != NULL; v = older) {
		older = v->older;
		view_free(v);
	}
	a->newest = a->oldest = NULL;
}

static bool
below_some(const struct kith_authority *a, const struct act *x, const uint32_t *idx, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (act_seen(x, act_at(a, idx[i])))
			return true;
	return false;
}

static bool
lies_below(const struct kith_view *v, const uint32_t *idx, size_t n)
{
	size_t i;

	for (i = 0; i < v->heads.n; i++)
		if (!below_some(v->a, act_at(v->a, v->heads.v[i]), idx, n))
			return false;
	return true;
}

static bool
same_heads(const struct kith_view *v, const uint32_t *idx, size_t n)
{
	size_t i, j;

	if (v->heads.n != n)
		return false;
	for (i = 0; i < n; i++) {
		for (j = 0; j < n && v->heads.v[j] != idx[i]; j++)
			;
		if (j == n)
			return false;
	}
	return true;
}

/* A view below fewer or older heads, to go on from. */
static const struct kith_view *
base_for(const struct kith_authority *a, const uint32_t *idx, size_t n)
{
	const struct kith_view *best = NULL, *v;

	if (lies_below(&a->now, idx, n))
		best = &a->now;
	for (v = a->newest; v != NULL; v = v->older)
		if ((best == NULL || v->n_in > best->n_in) && lies_below(v, idx, n))
			best = v;
	return best;
}

/* Bring into v all that lies below its heads to be. */
static void
fill(struct kith_view *v, const uint32_t *idx, size_t n)
{
	struct kith_authority *a = v->a;
	uint32_t i;

	for (i = 0; i <= idx[n - 1]; i++) {
		if (i % 64 == 0 && v->in[i / 64] == UINT64_MAX) {
			i += 63;
			continue;
		}
		if (!view_in(v, i) && act_at(a, i)->pos != 0 && below_some(a, act_at(a, i), idx, n))
			kith_view_take(v, act_at(a, i));
	}
}

int
kith_view_below(struct kith_authority *a, uint32_t *idx, size_t n, struct kith_view **out)
{
	static const struct kith_view nothing;
	const struct kith_view *base;
	struct kith_view *v, empty = nothing;

	qsort(idx, n, sizeof(*idx), by_number);
	if (same_heads(&a->now, idx, n)) {
		*out = &a->now;
		return KITH_OK;
	}
	v = kith_map_get(a->views, key_of(idx, n));
	if (v != NULL) {
		unlink_view(a, v);
		link_newest(a, v);
		*out = v;
		return KITH_OK;
	}
	empty.a = a;
	base = base_for(a, idx, n);
	v = malloc(sizeof(*v));
	if (v == NULL)
		return KITH_E_NOMEM;
	if (kith_view_copy(base != NULL ? base : &empty, (size_t)idx[n - 1] + 1, v) != KITH_OK) {
		free(v);
		return KITH_E_NOMEM;
	}
	/* while it fills, as many acts may be maximal as are missing */
	if (kith_vec_reserve(&v->heads, (size_t)idx[n - 1] + 1 - v->n_in) != KITH_OK ||
	    kith_work_reserve(a, a->acts.n) != KITH_OK) {
		view_free(v);
		return KITH_E_NOMEM;
	}
	fill(v, idx, n);
	if (keep(a, v) != KITH_OK)
		return KITH_E_NOMEM;
	*out = v;
	return KITH_OK;
}

void
kith_view_keep_now(struct kith_authority *a)
{
	struct kith_view *v;

	if (!a->now_asked || a->now.heads.n > KITH_PARENTS_MAX)
		return;
	a->now_asked = false;
	v = malloc(sizeof(*v));
	if (v == NULL)
		return;
	if (kith_view_copy(&a->now, a->acts.n, v) != KITH_OK) {
		free(v);
		return;
	}
	qsort(v->heads.v, v->heads.n, sizeof(*v->heads.v), by_number);
	if (kith_map_get(a->views, key_of(v->heads.v, v->heads.n)) != NULL)
		view_free(v);
	else
		(void)keep(a, v);
}

/* ---- asking ---- */

int
kith_authority_view(struct kith_authority *a, const struct kith_id *frontier, size_t n, const struct kith_view **out)
{
	uint32_t idx[KITH_PARENTS_MAX];
	struct kith_view *v;
	size_t i, j;
	int r;

	if (n == 0 || n > KITH_PARENTS_MAX)
		return KITH_E_DENIED;
	for (i = 0; i < n; i++) {
		const struct act *x = kith_plane_act(a, &frontier[i]);

		if (x == NULL)
			return KITH_E_MISSING;
		idx[i] = x->pub.index;
	}
	for (i = 0; i < n; i++) {
		if (!act_at(a, idx[i])->pub.valid)
			return KITH_E_DENIED;
		for (j = 0; j < n; j++)
			if (i != j && act_seen(act_at(a, idx[i]), act_at(a, idx[j])))
				return KITH_E_DENIED;
	}
	r = kith_view_below(a, idx, n, &v);
	if (r != KITH_OK)
		return r;
	if (v == &a->now)
		a->now_asked = true;
	*out = v;
	return KITH_OK;
}

int
kith_authority_now(struct kith_authority *a, const struct kith_view **out)
{
	*out = &a->now;
	return KITH_OK;
}

bool
kith_view_seen(const struct kith_view *v, uint32_t act)
{
	return view_in(v, act);
}

bool
kith_view_effective(const struct kith_view *v, uint32_t act)
{
	return view_eff(v, act);
}
