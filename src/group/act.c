#include "group/plan.h"

#include <string.h>

/* What an act relies on and does, from what it says: the parts that all kinds share. */

/* ---- what the plan is made of ---- */

int
kith_plan_deny(struct ctx *c, const char *why)
{
	c->why = why;
	return KITH_E_DENIED;
}

int
kith_plan_need(struct ctx *c, enum kith_fact_kind kind, const struct kith_id *role, const struct kith_id *uid,
    struct kith_slice perm)
{
	struct kith_fact f = { .kind = kind, .a = *role, .perm = perm };
	struct slot *s;
	uint32_t i;

	if (kind == KITH_F_HOLDS) {
		f.a = *uid;
		f.b = *role;
	}
	s = kith_slot(c->a, &f);
	if (s == NULL)
		return KITH_E_NOMEM;
	for (i = 0; i < c->p->n_needs; i++)
		if (c->p->needs[i] == s)
			return KITH_OK;
	if (c->p->n_needs == NEEDS_MAX)
		return kith_plan_deny(c, "form");
	c->p->needs[c->p->n_needs++] = s;
	return KITH_OK;
}

/* An owner has every permission; a role must have it. */
int
kith_plan_need_perm(struct ctx *c, struct kith_slice perm)
{
	if (c->p->owner)
		return KITH_OK;
	return kith_plan_need(c, KITH_F_ROLE_PERM, &c->x->pub.via, NULL, perm);
}

int
kith_plan_need_perms(struct ctx *c, const struct kith_slice *perm, uint32_t n)
{
	uint32_t i;
	int r;

	for (i = 0; i < n; i++) {
		r = kith_plan_need_perm(c, perm[i]);
		if (r != KITH_OK)
			return r;
	}
	return KITH_OK;
}

static int
put(struct ctx *c, struct slot *s, bool on)
{
	uint32_t i;

	if (s == NULL)
		return KITH_E_NOMEM;
	for (i = 0; i < c->p->n_writes; i++)
		if (c->p->writes[i].s == s) {
			c->p->writes[i].on = c->p->writes[i].on && on;
			return KITH_OK;
		}
	if (c->p->n_writes == WRITES_MAX)
		return kith_plan_deny(c, "form");
	c->p->writes[c->p->n_writes++] = (struct slot_write){ s, on };
	return KITH_OK;
}

int
kith_plan_put_fact(struct ctx *c, enum kith_fact_kind kind, const struct kith_id *x, const struct kith_id *y,
    struct kith_slice perm, bool on)
{
	struct kith_fact f = { .kind = kind, .perm = perm };

	if (x != NULL)
		f.a = *x;
	if (y != NULL)
		f.b = *y;
	return put(c, kith_slot(c->a, &f), on);
}

const struct kith_slice kith_no_perm = { NULL, 0 };

int
kith_plan_put_register(struct ctx *c, const struct kith_id *object, struct kith_slice name)
{
	return put(c, kith_slot_register(c->a, object, name), true);
}

int
kith_plan_put_each(struct ctx *c, enum kith_fact_kind kind, bool on)
{
	uint32_t i;
	int r = KITH_OK;

	for (i = 0; i < c->op->n_users && r == KITH_OK; i++)
		r = kith_plan_put_fact(c, kind, &c->op->users[i], NULL, kith_no_perm, on);
	return r;
}

int
kith_plan_put_override(struct ctx *c, const struct kith_id *panel, const struct kith_id *who, struct kith_slice perm,
    uint64_t effect)
{
	int r = kith_plan_put_fact(c, KITH_F_NOT_DENIED, panel, who, perm, effect != 2);

	return r != KITH_OK ? r : kith_plan_put_fact(c, KITH_F_ALLOWED, panel, who, perm, effect == 1);
}

/* A4: on persons other than the author; the verdicts look at what they hold. */
int
kith_plan_aim(struct ctx *c, const struct kith_id *uid)
{
	struct person *p;

	if (kith_id_eq(uid, &c->x->pub.author))
		return kith_plan_deny(c, "level");
	p = kith_plane_person(c->a, uid);
	if (p == NULL)
		return KITH_E_NOMEM;
	if (c->p->n_people == KITH_LIST_MAX)
		return kith_plan_deny(c, "form");
	c->p->people[c->p->n_people++] = p;
	return KITH_OK;
}

/* ---- what it names ---- */

const struct act *
kith_plan_named(const struct ctx *c, const struct kith_id *id, uint32_t kind)
{
	const struct act *y = kith_plane_act(c->a, id);

	return y != NULL && y->pub.kind == kind && y->pub.valid && c->past_ok(c->past_ctx, y) ? y : NULL;
}

/* A4: the role was validly created in its past, and is below the act. */
int
kith_plan_below(struct ctx *c, const struct kith_id *role, const struct act **create)
{
	const struct act *y;

	*create = NULL;
	if (kith_role_is_implicit(role))
		return KITH_OK;
	y = kith_plan_named(c, role, KITH_K_ROLE_CREATE);
	if (y == NULL)
		return kith_plan_deny(c, "role");
	*create = y;
	return y->pub.op->level < c->x->pub.level ? KITH_OK : kith_plan_deny(c, "level");
}

/* ---- through what it acts ---- */

/* A1. Readable off the record and what it names; 0 when it has not seen that, or that is not of the right kind. */
int
kith_act_level(const struct kith_authority *a, const struct kith_id *via, uint32_t kind, const struct kith_op *op,
    kith_past_fn past_ok, const void *past_ctx)
{
	const struct act *y;

	if (kind == KITH_K_OWNER_SUCCEED && op != NULL) {
		y = kith_plane_act(a, &op->set);
		return y != NULL && y->pub.kind == KITH_K_SET && past_ok(past_ctx, y) ? y->pub.level - 1 : 0;
	}
	if (kith_id_is_none(via))
		return KITH_LEVEL_OWNER;
	y = kith_plane_act(a, via);
	if (y == NULL || !past_ok(past_ctx, y))
		return 0;
	if (y->pub.kind == KITH_K_OWNER_SUCCEED)
		return y->pub.level;
	return y->pub.kind == KITH_K_ROLE_CREATE ? (int)y->pub.op->level : 0;
}

/* A6: some grant of via to the author lies in the past. */
static bool
granted(const struct ctx *c, const struct slot *s)
{
	size_t i;

	for (i = s->writes.n; i-- > 0;) {
		const struct act *w = act_at(c->a, s->writes.v[i].act);

		if (!s->writes.v[i].on || !c->past_ok(c->past_ctx, w))
			continue;
		if (s->f.kind == KITH_F_HOLDS || kith_id_eq(&w->pub.id, &c->x->pub.via) ||
		    (w->pub.kind != KITH_K_OWNER_SUCCEED && kith_id_eq(&w->pub.via, &c->x->pub.via)))
			return true;
	}
	return false;
}

/* Through what it acts: ownership, or a role that somebody has given to the author. */
static int
plan_standing(struct ctx *c)
{
	struct kith_fact f = { .kind = KITH_F_OWNER, .a = c->x->pub.author };
	const struct kith_id *via = &c->x->pub.via;
	struct slot *held;
	int r;

	c->p->owner = kith_id_is_none(via) || kith_plan_named(c, via, KITH_K_OWNER_SUCCEED) != NULL;
	if (!c->p->owner)
		f.kind = KITH_F_NOT_BANNED;
	c->p->standing = kith_slot(c->a, &f);
	if (c->p->standing == NULL)
		return KITH_E_NOMEM;
	if (c->p->owner)
		return granted(c, c->p->standing) ? KITH_OK : kith_plan_deny(c, "owner");
	if (kith_plan_named(c, via, KITH_K_ROLE_CREATE) == NULL)
		return kith_plan_deny(c, "role");
	r = kith_plan_need(c, KITH_F_HOLDS, via, &c->x->pub.author, kith_no_perm);
	if (r != KITH_OK)
		return r;
	held = c->p->needs[0];
	if (!granted(c, held))
		return kith_plan_deny(c, "role");
	return kith_plan_need(c, KITH_F_ROLE, via, NULL, kith_no_perm);
}

/* From the stack to the pool, in the size it came to. */
static int
keep(struct ctx *c)
{
	struct plan *p = c->p;

	p->needs = kith_pool_alloc(&c->a->pool, p->n_needs, sizeof(*p->needs));
	p->writes = kith_pool_alloc(&c->a->pool, p->n_writes, sizeof(*p->writes));
	p->people = kith_pool_alloc(&c->a->pool, p->n_people, sizeof(*p->people));
	if (p->needs == NULL || p->writes == NULL || p->people == NULL)
		return KITH_E_NOMEM;
	memcpy(p->needs, c->needs, p->n_needs * sizeof(*p->needs));
	memcpy(p->writes, c->writes, p->n_writes * sizeof(*p->writes));
	memcpy(p->people, c->people, p->n_people * sizeof(*p->people));
	return KITH_OK;
}

int
kith_act_plan(struct kith_authority *a, struct act *x, kith_past_fn past_ok, const void *past_ctx, const char **why)
{
	const struct kith_op *o = x->pub.op;
	struct ctx c = { .a = a, .x = x, .op = o, .p = &x->plan, .past_ok = past_ok, .past_ctx = past_ctx };
	const struct kith_plan_kind *k = kith_plan_kind(x->pub.kind);
	int r = KITH_OK;

	*why = "form";
	if (k == NULL)
		return KITH_E_DENIED;
	memset(c.p, 0, sizeof(*c.p));
	c.p->needs = c.needs;
	c.p->writes = c.writes;
	c.p->people = c.people;
	if (!(k->flags & KITH_PLAN_FREE))
		r = plan_standing(&c);
	else if (!kith_id_is_none(&x->pub.via))
		r = kith_plan_deny(&c, "form");
	if (r == KITH_OK && (k->flags & KITH_PLAN_OWNERS) && !c.p->owner)
		r = kith_plan_deny(&c, "owner");
	if (r == KITH_OK && x->pub.kind == KITH_K_ROLE_REVOKE)
		c.p->lay_down = o->n_users == 1 && kith_id_eq(&o->users[0], &x->pub.author) &&
		    !kith_id_is_none(&x->pub.via) && kith_id_eq(&o->role, &x->pub.via);
	if (r == KITH_OK && k->perm != NULL && !c.p->lay_down)
		r = kith_plan_need_perm(&c, kith_slice_str(k->perm));
	if (r == KITH_OK)
		r = k->plan(&c);
	if (r == KITH_E_DENIED)
		*why = c.why;
	return r != KITH_OK ? r : keep(&c);
}
