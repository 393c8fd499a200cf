#include "group/plane.h"

#include <string.h>

/*
 * Verdicts (RULES A7, A8). Every verdict rests on acts of strictly higher levels
 * or of the same level in its own past; owner.resign, rekey and counters used
 * twice are read off the valid records alone and rest on no verdict at all.
 */

/* ---- one act ---- */

static bool
concurrent(const struct act *x, const struct act *y)
{
	return !act_seen(x, y) && !act_seen(y, x);
}

/* A8 (ii): made under a document that a concurrent rekey has left behind. */
static bool
rekeyed(const struct kith_view *v, const struct act *e)
{
	size_t i;

	for (i = 0; e->by != NULL && i < e->by->rekeys.n; i++) {
		const struct act *k = act_at(v->a, e->by->rekeys.v[i]);

		if (view_in(v, k->pub.index) && k->rekey_n > e->pub.doc_n && concurrent(k, e))
			return true;
	}
	return false;
}

/*
 * A10: another record under the same counter, of a smaller id. Not one that a
 * rekey has voided: a thief must not strike what is signed with the new key.
 */
static bool
counter_lost(const struct kith_view *v, const struct act *e)
{
	const struct act *t;

	for (t = e->twinned ? kith_plane_counter(v->a, e) : NULL; t != NULL; t = t->twin)
		if (t != e && view_in(v, t->pub.index) && kith_id_cmp(&t->pub.id, &e->pub.id) < 0 && !rekeyed(v, t))
			return true;
	return false;
}

/* A8 (i): its author has resigned, concurrently. */
static bool
resigned(const struct kith_view *v, const struct act *e)
{
	size_t i;

	for (i = 0; i < e->by->resigns.n; i++) {
		const struct act *r = act_at(v->a, e->by->resigns.v[i]);

		if (view_in(v, r->pub.index) && concurrent(r, e))
			return true;
	}
	return false;
}

/* A4: somebody whom it is aimed at is an owner, or holds an existing role at or above its level. */
static bool
out_of_reach(const struct kith_view *v, const struct act *e, bool whole)
{
	const struct plan *p = &e->plan;
	uint32_t i;
	size_t j;

	for (i = 0; i < p->n_people; i++) {
		const struct person *q = p->people[i];

		if (q->owner != NULL && kith_slot_past(v, q->owner, e, e->pub.level, whole))
			return true;
		for (j = 0; j < q->holds.n; j++) {
			const struct role *r = q->holds.v[j]->role;

			if (r->create != NULL && r->create->pub.op->level >= e->pub.level && r->exists != NULL &&
			    kith_slot_past(v, r->exists, e, 0, whole) &&
			    kith_slot_past(v, q->holds.v[j], e, 0, whole))
				return true;
		}
	}
	return false;
}

/*
 * A4: a restriction of a level above its own still stands in its past. What an
 * effective lift that had seen all before it left behind, it had the level for.
 */
static bool
lifts_a_seniors(const struct kith_view *v, const struct act *e, const struct slot *s, bool whole)
{
	const struct kith_authority *a = v->a;
	size_t i, j;

	for (i = s->writes.n; i-- > 0;) {
		const struct act *w = act_at(a, s->writes.v[i].act);
		bool lifted = false;

		if (w == e || !view_eff(v, w->pub.index) || !(whole || act_seen(w, e)))
			continue;
		if (s->writes.v[i].on && w->dominates)
			return false;
		if (s->writes.v[i].on || w->pub.level <= e->pub.level)
			continue;
		for (j = i + 1; j < s->writes.n && !lifted; j++) {
			const struct act *u = act_at(a, s->writes.v[j].act);

			lifted = s->writes.v[j].on && u != e && u->pub.level >= w->pub.level &&
			    view_eff(v, u->pub.index) && act_seen(w, u) && (whole || act_seen(u, e));
		}
		if (!lifted)
			return true;
	}
	return false;
}

/* A8 (iii): the quorum it invokes is the one in force among the sets above its level that have not seen it. */
static bool
quorum_stands(const struct kith_view *v, const struct act *e)
{
	const struct act *q = kith_plane_act(v->a, &e->pub.op->set);

	return q != NULL && q->plan.n_writes == 1 && view_eff(v, q->pub.index) &&
	    kith_slot_value(v, q->plan.writes[0].s, e, e->pub.level + 1) == q;
}

static bool
always(const struct act *e)
{
	return e->pub.kind == KITH_K_CREATE || e->pub.kind == KITH_K_OWNER_RESIGN || e->pub.kind == KITH_K_REKEY;
}

const char *
kith_judge(const struct kith_view *v, const struct act *e, bool whole)
{
	const struct plan *p = &e->plan;
	uint32_t i;

	if (always(e))
		return NULL;
	if (counter_lost(v, e))
		return "counter";
	if (!whole && rekeyed(v, e))
		return "document";
	if (e->pub.kind == KITH_K_OWNER_SUCCEED)
		return quorum_stands(v, e) ? NULL : "owner";
	if (p->owner) {
		if (!whole && resigned(v, e))
			return "owner";
		if (!kith_slot_past(v, p->standing, e, e->pub.level, whole) ||
		    (!whole && kith_slot_struck(v, p->standing, e)))
			return "owner";
	} else if (!kith_slot_past(v, p->standing, e, e->pub.level + 1, whole) ||
	    (!whole && kith_slot_struck(v, p->standing, e))) {
		return "banned";
	}
	for (i = 0; i < p->n_needs; i++)
		if (!kith_slot_past(v, p->needs[i], e, 0, whole) ||
		    (!whole && kith_slot_struck(v, p->needs[i], e)))
			return p->needs[i]->f.kind == KITH_F_ROLE_PERM ? "permission" : "role";
	if (out_of_reach(v, e, whole))
		return "level";
	for (i = 0; p->lifts && i < p->n_writes; i++)
		if (lifts_a_seniors(v, e, p->writes[i].s, whole))
			return "level";
	return NULL;
}

/* A8 (i): ownership, and another owner or a quorum to follow. */
static const char *
judge_resign(const struct kith_view *v, const struct act *e)
{
	const struct kith_authority *a = v->a;
	const struct act *q;
	size_t i;

	if (!kith_slot_past(v, e->plan.standing, e, e->pub.level, true))
		return "owner";
	for (i = 0; i < a->owners.n; i++)
		if (a->owners.v[i] != e->by && a->owners.v[i]->owner != NULL &&
		    kith_slot_past(v, a->owners.v[i]->owner, e, e->pub.level, true))
			return NULL;
	if (!(e->pub.op->has & KITH_OP_BIT(KITH_OP_SET)))
		return "owner";
	q = kith_plane_act(a, &e->pub.op->set);
	return q != NULL && view_eff(v, q->pub.index) && q->pub.kind == KITH_K_SET && q->plan.n_writes == 1 &&
	    kith_slice_is(q->plan.writes[0].s->f.perm, "succession") ? NULL : "owner";
}

const char *
kith_judge_first(const struct kith_view *v, const struct act *e)
{
	return e->pub.kind == KITH_K_OWNER_RESIGN ? judge_resign(v, e) : kith_judge(v, e, true);
}

/* ---- the heap ---- */

static bool
sooner(const struct kith_authority *a, uint32_t x, uint32_t y)
{
	int lx = act_at(a, x)->pub.level, ly = act_at(a, y)->pub.level;

	return lx != ly ? lx > ly : x < y;
}

static void
work_push(struct kith_authority *a, uint32_t x)
{
	struct work *w = &a->work;
	size_t i, up;

	if (bit_get(w->queued, w->cap, x))
		return;
	w->queued[x / 64] |= UINT64_C(1) << (x % 64);
	for (i = w->n++; i > 0; i = up) {
		up = (i - 1) / 2;
		if (!sooner(a, x, w->heap[up]))
			break;
		w->heap[i] = w->heap[up];
	}
	w->heap[i] = x;
}

static uint32_t
work_pop(struct kith_authority *a)
{
	struct work *w = &a->work;
	uint32_t top = w->heap[0], last = w->heap[--w->n];
	size_t i = 0, kid;

	while ((kid = 2 * i + 1) < w->n) {
		if (kid + 1 < w->n && sooner(a, w->heap[kid + 1], w->heap[kid]))
			kid++;
		if (!sooner(a, w->heap[kid], last))
			break;
		w->heap[i] = w->heap[kid];
		i = kid;
	}
	w->heap[i] = last;
	w->queued[top / 64] &= ~(UINT64_C(1) << (top % 64));
	return top;
}

/* ---- one more act ---- */

void
kith_view_flip(struct kith_view *v, struct act *x, bool on)
{
	struct kith_authority *a = v->a;
	uint32_t i = x->pub.index;

	if (on)
		v->eff[i / 64] |= UINT64_C(1) << (i % 64);
	else
		v->eff[i / 64] &= ~(UINT64_C(1) << (i % 64));
	if (v != &a->now)
		return;
	x->pub.effective = on;
	if (!x->listed) {
		x->listed = true;
		a->changes.v[a->changes.n++] = i;
	}
	for (i = 0; i < x->plan.n_writes; i++)
		kith_slot_touch(a, x->plan.writes[i].s);
	if (x->pub.kind == KITH_K_ROLE_CREATE)
		kith_role_touch(a, x->plan.writes[0].s->role);
}

/* Readers of what e writes that come after it in the order of judging, and may see the difference. */
static void
push_reader(struct kith_view *v, const struct act *e, bool on, uint32_t reader)
{
	const struct act *r = act_at(v->a, reader);

	if (!view_in(v, reader) || r == e || r->pub.level > e->pub.level)
		return;
	if (act_seen(e, r) || (!on && r->pub.level < e->pub.level && !act_seen(r, e)))
		work_push(v->a, reader);
}

static void
push_readers_of(struct kith_view *v, const struct act *e, const struct slot *s, bool on)
{
	struct kith_authority *a = v->a;
	size_t j, k;

	for (j = 0; j < s->readers.n; j++)
		push_reader(v, e, on, s->readers.v[j]);
	if (s->f.kind == KITH_F_HOLDS || s->f.kind == KITH_F_OWNER)
		for (j = 0; j < s->who->aimed.n; j++)
			push_reader(v, e, true, s->who->aimed.v[j]);
	for (j = 0; s->f.kind == KITH_F_ROLE && j < s->role->held.n; j++)
		for (k = 0; k < s->role->held.v[j]->aimed.n; k++)
			push_reader(v, e, true, s->role->held.v[j]->aimed.v[k]);
	/* a quorum may be struck by any later or concurrent set */
	for (j = 0; s->f.kind == 0 && j < a->succeeds.n; j++)
		push_reader(v, e, false, a->succeeds.v[j]);
}

static void
push_readers(struct kith_view *v, const struct act *e)
{
	const struct role *r;
	uint32_t i;
	size_t j;

	for (i = 0; i < e->plan.n_writes; i++)
		push_readers_of(v, e, e->plan.writes[i].s, e->plan.writes[i].on);
	if (e->pub.kind != KITH_K_ROLE_CREATE)
		return;
	r = e->plan.writes[0].s->role;
	for (j = 0; j < r->perms.n; j++)
		push_readers_of(v, e, r->perms.v[j], true);
}

static void
push_twins(struct kith_view *v, const struct act *x)
{
	const struct act *t;

	for (t = x->twinned ? kith_plane_counter(v->a, x) : NULL; t != NULL; t = t->twin)
		if (view_in(v, t->pub.index))
			work_push(v->a, t->pub.index);
}

/* What the newcomer touches without being judged: A8, A10. */
static void
push_touched(struct kith_view *v, const struct act *x)
{
	size_t i;

	push_twins(v, x);
	if (x->pub.kind != KITH_K_OWNER_RESIGN && x->pub.kind != KITH_K_REKEY)
		return;
	for (i = 0; i < x->by->acts.n; i++) {
		const struct act *e = act_at(v->a, x->by->acts.v[i]);

		if (!view_in(v, e->pub.index) || !concurrent(e, x))
			continue;
		work_push(v->a, e->pub.index);
		if (x->pub.kind == KITH_K_REKEY)
			push_twins(v, e);
	}
}

void
kith_view_take(struct kith_view *v, struct act *x)
{
	struct kith_authority *a = v->a;
	uint32_t i = x->pub.index;
	size_t j, n = 0;

	for (j = 0; j < v->heads.n; j++)
		if (!act_seen(act_at(a, v->heads.v[j]), x))
			v->heads.v[n++] = v->heads.v[j];
	v->heads.n = n;
	v->heads.v[v->heads.n++] = i;
	v->in[i / 64] |= UINT64_C(1) << (i % 64);
	v->n_in++;
	if (v->heads.n == 1 && !x->twinned) {
		/* on top of all: what made it valid makes it effective, and it is concurrent with nothing */
		kith_view_flip(v, x, true);
		return;
	}
	work_push(a, i);
	push_touched(v, x);
	while (a->work.n > 0) {
		struct act *e = act_at(a, work_pop(a));
		bool on = kith_judge(v, e, false) == NULL;

		if (on == view_eff(v, e->pub.index))
			continue;
		kith_view_flip(v, e, on);
		push_readers(v, e);
	}
}

void
kith_view_decide(struct kith_view *v)
{
	struct kith_authority *a = v->a;
	uint32_t i;

	memset(v->eff, 0, v->words * sizeof(*v->eff));
	for (i = 0; i < a->acts.n; i++)
		if (view_in(v, i))
			work_push(a, i);
	while (a->work.n > 0) {
		i = work_pop(a);
		if (kith_judge(v, act_at(a, i), false) == NULL)
			v->eff[i / 64] |= UINT64_C(1) << (i % 64);
	}
}
