#include "group/plane.h"

#include <string.h>

/* Would an act be valid on top of the current state? The same plan and judge as for a record, with all that counts as its past. */

static bool
in_now(const void *ctx, const struct act *y)
{
	const struct kith_authority *a = ctx;

	return y->pub.valid && view_in(&a->now, y->pub.index);
}

static int
may(struct kith_authority *a, const struct kith_id *author, uint32_t kind, const struct kith_id *via,
    const struct kith_op *op, const struct kith_id *maker, const char **why)
{
	static const struct past none;
	struct pool_mark mark = kith_pool_mark(&a->pool);
	struct act x;
	int r;

	*why = "form";
	if (a->acts.n == 0 || kind == KITH_K_CREATE)
		return KITH_E_DENIED;
	memset(&x, 0, sizeof(x));
	x.pub.author = *author;
	x.pub.via = *via;
	x.pub.kind = kind;
	x.pub.op = op;
	x.pub.index = UINT32_MAX;
	x.pub.level = kith_act_level(a, via, kind, op, in_now, a);
	x.past = &none;
	/* what the caller will prove */
	x.rekey_n = 1;
	x.invite_maker = *maker;
	x.sigs_ok = UINT32_MAX;
	x.by = kith_plane_person(a, author);
	if (x.by == NULL)
		return KITH_E_NOMEM;
	r = kith_act_plan(a, &x, in_now, a, why);
	if (r == KITH_OK) {
		*why = kith_judge_first(&a->now, &x);
		r = *why == NULL ? KITH_OK : KITH_E_DENIED;
	}
	kith_pool_back(&a->pool, mark);
	return r;
}

static int
best_via(struct kith_authority *a, const struct kith_id *author, uint32_t kind, const struct kith_op *op,
    const struct kith_id *maker, struct kith_id *via, const char **why)
{
	struct person *p = kith_plane_person(a, author);
	const char *first = NULL;
	struct kith_id best = kith_id_none;
	int best_level = 0, level, r;
	size_t i;

	if (p == NULL)
		return KITH_E_NOMEM;
	r = may(a, author, kind, &kith_id_none, op, maker, why);
	if (r == KITH_OK)
		*via = kith_id_none;
	if (r != KITH_E_DENIED)
		return r;
	first = *why;
	for (i = 0; i < a->succeeds.n + p->holds.n; i++) {
		const struct kith_id *id = i < a->succeeds.n ? &act_at(a, a->succeeds.v[i])->pub.id :
		    &p->holds.v[i - a->succeeds.n]->f.b;

		level = kith_act_level(a, id, kind, op, in_now, a);
		if (level <= best_level)
			continue;
		r = may(a, author, kind, id, op, maker, why);
		if (r == KITH_E_NOMEM)
			return r;
		if (r == KITH_OK) {
			best = *id;
			best_level = level;
		} else if (strcmp(first, "owner") == 0 && strcmp(*why, "role") != 0) {
			first = *why;           /* says more than that they are no owner */
		}
	}
	*why = best_level > 0 ? NULL : first;
	if (best_level == 0)
		return KITH_E_DENIED;
	*via = best;
	return KITH_OK;
}

int
kith_authority_may(struct kith_authority *a, const struct kith_id *author, uint32_t kind, const struct kith_id *via,
    const struct kith_op *op, const char **why)
{
	return may(a, author, kind, via, op, &kith_id_none, why);
}

int
kith_authority_via(struct kith_authority *a, const struct kith_id *author, uint32_t kind, const struct kith_op *op,
    struct kith_id *via, const char **why)
{
	return best_via(a, author, kind, op, &kith_id_none, via, why);
}

int
kith_authority_may_revoke(struct kith_authority *a, const struct kith_id *author, const struct kith_id *via,
    const struct kith_op *op, const struct kith_id *maker, const char **why)
{
	return may(a, author, KITH_K_INVITE_REVOKE, via, op, maker, why);
}

int
kith_authority_via_revoke(struct kith_authority *a, const struct kith_id *author, const struct kith_op *op,
    const struct kith_id *maker, struct kith_id *via, const char **why)
{
	return best_via(a, author, KITH_K_INVITE_REVOKE, op, maker, via, why);
}
