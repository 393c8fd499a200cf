#include "group/plane.h"

#include <stdlib.h>
#include <string.h>

/*
 * The one-pass form. Nothing that the incremental form keeps is trusted but the
 * records, who has seen what, and what each says that it needs and writes: for
 * every record its past is decided anew in one pass by falling level, then the
 * record upon it; and so is the whole.
 */
#define RECENT 64

struct recent {
	uint32_t head;          /* index + 1: the view of this act and all below it */
	struct kith_view v;
};

static int
view_blank(struct kith_authority *a, struct kith_view *v)
{
	struct kith_view nothing = { .a = a };

	return kith_view_copy(&nothing, a->acts.n, v);
}

static void
gather(struct kith_view *v, const struct act *x)
{
	const struct kith_authority *a = v->a;
	uint32_t i, p;

	for (i = 0; i < x->pub.index; i++)
		for (p = 0; p < x->n_parents; p++)
			if (act_at(a, i)->pos != 0 && act_seen(act_at(a, i), act_at(a, x->parents[p]))) {
				v->in[i / 64] |= UINT64_C(1) << (i % 64);
				break;
			}
	kith_view_decide(v);
}

static bool
parents_valid(const struct kith_authority *a, const struct act *x)
{
	uint32_t i;

	for (i = 0; i < x->n_parents; i++)
		if (!act_at(a, x->parents[i])->pub.valid)
			return false;
	return x->n_parents > 0 || x->pub.kind == KITH_K_CREATE;
}

/*
 * Is x valid, judged over its past decided anew? The past of an act with one
 * parent is that parent's past and the parent on top of it, which is effective
 * there because it is valid; so a straight line costs no pass for each.
 */
static int
valid_anew(struct kith_authority *a, struct recent *recent, const struct act *x, bool *valid)
{
	struct recent *mine = &recent[x->pub.index % RECENT], *from;
	const struct act *p;
	struct kith_view v;
	int r;

	*valid = false;
	if (!x->planned || !parents_valid(a, x))
		return KITH_OK;
	p = x->n_parents == 1 ? act_at(a, x->parents[0]) : NULL;
	from = p == NULL ? NULL : &recent[p->pub.index % RECENT];
	if (from != NULL && from->head == p->pub.index + 1) {
		r = kith_view_copy(&from->v, a->acts.n, &v);
	} else {
		r = view_blank(a, &v);
		if (r == KITH_OK)
			gather(&v, x);
	}
	if (r != KITH_OK)
		return r;
	*valid = kith_judge_first(&v, x) == NULL;
	kith_view_fini(&mine->v);
	mine->head = 0;
	if (!*valid || x->twinned) {
		kith_view_fini(&v);
		return KITH_OK;
	}
	v.in[x->pub.index / 64] |= UINT64_C(1) << (x->pub.index % 64);
	v.eff[x->pub.index / 64] |= UINT64_C(1) << (x->pub.index % 64);
	mine->v = v;
	mine->head = x->pub.index + 1;
	return KITH_OK;
}

static int
verify_first(struct kith_authority *a, uint32_t *first)
{
	struct recent *recent = calloc(RECENT, sizeof(*recent));
	bool valid;
	uint32_t i;
	int r = recent == NULL ? KITH_E_NOMEM : KITH_OK;

	for (i = 0; r == KITH_OK && i < a->acts.n; i++) {
		r = valid_anew(a, recent, act_at(a, i), &valid);
		if (r == KITH_OK && valid != act_at(a, i)->pub.valid) {
			*first = i;
			r = KITH_E_CORRUPT;
		}
	}
	for (i = 0; recent != NULL && i < RECENT; i++)
		kith_view_fini(&recent[i].v);
	free(recent);
	return r;
}

static bool
same_values(const struct kith_view *x, const struct kith_view *y)
{
	struct kith_slice key;
	struct kith_id hx, hy;
	size_t it = 0;
	void *p;

	while (kith_map_next(x->a->slots, &it, &key, &p)) {
		bool on = kith_slot_hash(x, p, &hx), also = kith_slot_hash(y, p, &hy);

		if (on != also || (on && !kith_id_eq(&hx, &hy)))
			return false;
	}
	return true;
}

static int
verify_second(struct kith_authority *a, uint32_t *first)
{
	struct kith_id kept, summed;
	struct kith_view v;
	uint32_t i;
	int r;

	r = view_blank(a, &v);
	if (r != KITH_OK)
		return r;
	for (i = 0; i < a->acts.n; i++)
		if (kith_plane_counts(a, act_at(a, i)))
			v.in[i / 64] |= UINT64_C(1) << (i % 64);
	kith_view_decide(&v);
	for (i = 0; r == KITH_OK && i < a->acts.n; i++) {
		bool on = view_eff(&v, i);

		if (view_in(&v, i) == view_in(&a->now, i) && on == view_eff(&a->now, i) &&
		    on == act_at(a, i)->pub.effective)
			continue;
		*first = i;
		r = KITH_E_CORRUPT;
	}
	kith_authority_state_hash(a, &kept);
	kith_view_state_hash(&v, &summed);
	if (r == KITH_OK && (!same_values(&v, &a->now) || !kith_id_eq(&kept, &summed)))
		r = KITH_E_CORRUPT;
	kith_view_fini(&v);
	return r;
}

int
kith_authority_verify(struct kith_authority *a, uint32_t *first)
{
	int r;

	*first = UINT32_MAX;
	r = kith_work_reserve(a, a->acts.n);
	if (r == KITH_OK)
		r = verify_first(a, first);
	if (r == KITH_OK)
		r = verify_second(a, first);
	return r;
}
