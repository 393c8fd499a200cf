#include "group/plane.h"

#include "wire/mp.h"

#include <string.h>

/*
 * What each kind needs and writes (RULES A13), and all of the first decision
 * that asks for no other act's verdict.
 */

#define HAS(o, k) (((o)->has & KITH_OP_BIT(k)) != 0)

#define NEEDS_MAX (4 + KITH_PERMS_MAX)
#define WRITES_MAX (8 + 3 * KITH_PERMS_MAX)

struct ctx {
	struct kith_authority *a;
	struct act *x;
	const struct kith_op *op;
	struct plan *p;
	kith_past_fn past_ok;
	const void *past_ctx;
	const char *why;
	struct slot *needs[NEEDS_MAX];
	struct slot_write writes[WRITES_MAX];
	struct person *people[KITH_LIST_MAX];
};

static int
deny(struct ctx *c, const char *why)
{
	c->why = why;
	return KITH_E_DENIED;
}

/* ---- what the plan is made of ---- */

static int
need(struct ctx *c, enum kith_fact_kind kind, const struct kith_id *role, const struct kith_id *uid,
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
		return deny(c, "form");
	c->p->needs[c->p->n_needs++] = s;
	return KITH_OK;
}

/* An owner has every permission; a role must have it. */
static int
need_perm(struct ctx *c, struct kith_slice perm)
{
	if (c->p->owner)
		return KITH_OK;
	return need(c, KITH_F_ROLE_PERM, &c->x->pub.via, NULL, perm);
}

static int
need_perms(struct ctx *c, const struct kith_slice *perm, uint32_t n)
{
	uint32_t i;
	int r;

	for (i = 0; i < n; i++) {
		r = need_perm(c, perm[i]);
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
		return deny(c, "form");
	c->p->writes[c->p->n_writes++] = (struct slot_write){ s, on };
	return KITH_OK;
}

static int
put_fact(struct ctx *c, enum kith_fact_kind kind, const struct kith_id *x, const struct kith_id *y,
    struct kith_slice perm, bool on)
{
	struct kith_fact f = { .kind = kind, .perm = perm };

	if (x != NULL)
		f.a = *x;
	if (y != NULL)
		f.b = *y;
	return put(c, kith_slot(c->a, &f), on);
}

static const struct kith_slice no_perm;

static int
put_register(struct ctx *c, const struct kith_id *object, struct kith_slice name)
{
	return put(c, kith_slot_register(c->a, object, name), true);
}

static int
put_each(struct ctx *c, enum kith_fact_kind kind, bool on)
{
	uint32_t i;
	int r = KITH_OK;

	for (i = 0; i < c->op->n_users && r == KITH_OK; i++)
		r = put_fact(c, kind, &c->op->users[i], NULL, no_perm, on);
	return r;
}

static int
put_override(struct ctx *c, const struct kith_id *panel, const struct kith_id *who, struct kith_slice perm,
    uint64_t effect)
{
	int r = put_fact(c, KITH_F_NOT_DENIED, panel, who, perm, effect != 2);

	return r != KITH_OK ? r : put_fact(c, KITH_F_ALLOWED, panel, who, perm, effect == 1);
}

/* A4: on persons other than the author; the verdicts look at what they hold. */
static int
aim(struct ctx *c, const struct kith_id *uid)
{
	struct person *p;

	if (kith_id_eq(uid, &c->x->pub.author))
		return deny(c, "level");
	p = kith_plane_person(c->a, uid);
	if (p == NULL)
		return KITH_E_NOMEM;
	if (c->p->n_people == KITH_LIST_MAX)
		return deny(c, "form");
	c->p->on_people = true;
	c->p->people[c->p->n_people++] = p;
	return KITH_OK;
}

/* ---- what it names ---- */

static const struct act *
named(const struct ctx *c, const struct kith_id *id, uint32_t kind)
{
	const struct act *y = kith_plane_act(c->a, id);

	return y != NULL && y->pub.kind == kind && y->pub.valid && c->past_ok(c->past_ctx, y) ? y : NULL;
}

/* A4: the role was validly created in its past, and is below the act. */
static int
below(struct ctx *c, const struct kith_id *role, const struct act **create)
{
	const struct act *y;

	*create = NULL;
	if (kith_role_is_implicit(role))
		return KITH_OK;
	y = named(c, role, KITH_K_ROLE_CREATE);
	if (y == NULL)
		return deny(c, "role");
	*create = y;
	return y->pub.op->level < c->x->pub.level ? KITH_OK : deny(c, "level");
}

static bool
in_list(const struct kith_slice *list, uint32_t n, struct kith_slice s)
{
	uint32_t i;

	for (i = 0; i < n; i++)
		if (kith_slice_eq(list[i], s))
			return true;
	return false;
}

/* The See, Speak, Voice and Invite points: what the implicit roles may have (A1). */
static bool
in_implicit_ceiling(struct kith_slice perm)
{
	static const char *const points[] = {
		"panel.view", "panel.history", "members.view", "group.details", "group.insights", "audit.view",
		"message.send", "message.attach", "message.link", "message.react", "message.mention.role",
		"message.mention.all", "message.thread", "message.card", "message.external_emoji",
		"message.bypass_slow",
		"call.join", "call.speak", "call.video", "call.share", "call.move", "call.mute_others", "call.record",
		"invite.create", "invite.unlimited", "invite.edit", "invite.manage", "join.approve",
	};
	size_t i;

	for (i = 0; i < sizeof(points) / sizeof(points[0]); i++)
		if (kith_slice_is(perm, points[i]))
			return true;
	return false;
}

/* ---- the kinds ---- */

static int
plan_create(struct ctx *c)
{
	struct kith_mp_reader r;
	const struct kith_op *o = c->op;
	uint32_t i, j, n, m;
	int e = KITH_OK;

	if (o->n_founders == 0)
		return deny(c, "form");
	for (i = 0; i < o->n_founders && e == KITH_OK; i++)
		e = put_fact(c, KITH_F_OWNER, &o->founders[i], NULL, no_perm, true);
	if (e == KITH_OK)
		e = put_fact(c, KITH_F_JOINS_OPEN, NULL, NULL, no_perm, HAS(o, KITH_OP_JOINS) && o->joins == 0);
	if (!HAS(o, KITH_OP_IMPLICIT))
		return e;
	kith_mp_read(&r, o->implicit);
	n = kith_mp_array(&r);
	for (i = 0; i < n && e == KITH_OK && r.err == KITH_OK; i++) {
		struct kith_id role;

		kith_mp_array_exact(&r, 2);
		role = kith_mp_id(&r);
		if (r.err == KITH_OK && !kith_role_is_implicit(&role))
			return deny(c, "form");
		m = kith_mp_array(&r);
		for (j = 0; j < m && e == KITH_OK && r.err == KITH_OK; j++) {
			struct kith_slice perm = kith_mp_str(&r);

			if (!in_implicit_ceiling(perm))
				return deny(c, "form");
			e = put_fact(c, KITH_F_ROLE_PERM, &role, NULL, perm, true);
		}
	}
	if (e == KITH_OK && !kith_mp_done(&r))
		return deny(c, "form");
	return e;
}

static bool
is_profile_key(struct kith_slice key)
{
	static const char *const keys[] = { "name", "topic", "description", "avatar", "banner", "language" };
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (kith_slice_is(key, keys[i]))
			return true;
	return false;
}

/* [threshold, [uid, ...]], uids sorted and unique, the threshold within their number. */
bool
kith_quorum_parse(struct kith_slice value, struct kith_mp_reader *uids, uint32_t *n, uint64_t *threshold)
{
	struct kith_mp_reader r;
	struct kith_id last = kith_id_none, id;
	uint32_t i;

	kith_mp_read(&r, value);
	kith_mp_array_exact(&r, 2);
	*threshold = kith_mp_uint(&r);
	*n = kith_mp_array(&r);
	*uids = r;
	for (i = 0; i < *n && r.err == KITH_OK; i++) {
		id = kith_mp_id(&r);
		if (kith_id_cmp(&last, &id) >= 0)
			return false;
		last = id;
	}
	return kith_mp_done(&r) && *n > 0 && *n <= KITH_LIST_MAX && *threshold > 0 && *threshold <= *n;
}

static int
plan_set(struct ctx *c)
{
	const struct kith_op *o = c->op;
	struct kith_mp_reader uids;
	uint64_t threshold;
	uint32_t n;
	int r = KITH_OK;

	if (HAS(o, KITH_OP_KEY)) {
		/* registers with writers of their own */
		if (kith_slice_is(o->key, "joins") || kith_slice_is(o->key, "rules"))
			return deny(c, "form");
		if (kith_slice_is(o->key, "succession")) {
			if (!c->p->owner)
				return deny(c, "owner");
			if (!kith_quorum_parse(o->value, &uids, &n, &threshold))
				return deny(c, "form");
		}
		r = need_perm(c, kith_slice_str(is_profile_key(o->key) ? "group.profile" : "group.config"));
		if (r == KITH_OK)
			r = put_register(c, &kith_id_none, o->key);
	}
	if (r == KITH_OK && HAS(o, KITH_OP_JOINS)) {
		r = need_perm(c, kith_slice_str("group.config"));
		if (r == KITH_OK)
			r = put_fact(c, KITH_F_JOINS_OPEN, NULL, NULL, no_perm, o->joins == 0);
		if (r == KITH_OK)
			r = put_register(c, &kith_id_none, kith_slice_str("joins"));
	}
	return r == KITH_OK && c->p->n_writes == 0 ? deny(c, "form") : r;
}

static int
plan_role_create(struct ctx *c)
{
	const struct kith_op *o = c->op;
	const struct kith_slice *may = HAS(o, KITH_OP_MAY) ? o->may : o->perms;
	uint32_t n_may = HAS(o, KITH_OP_MAY) ? o->n_may : o->n_perms, i;
	int r;

	if (o->level < 1 || o->level > 99)
		return deny(c, "form");
	if (o->level >= c->x->pub.level)
		return deny(c, "level");
	for (i = 0; i < o->n_perms; i++)
		if (!in_list(may, n_may, o->perms[i]))
			return deny(c, "form");
	r = need_perms(c, may, n_may);
	if (r == KITH_OK)
		r = put_fact(c, KITH_F_ROLE, &c->x->pub.id, NULL, no_perm, true);
	for (i = 0; i < o->n_perms && r == KITH_OK; i++)
		r = put_fact(c, KITH_F_ROLE_PERM, &c->x->pub.id, NULL, o->perms[i], true);
	return r;
}

/* Looks: the registers that op names; people's words for them stand in the body. */
static int
put_looks(struct ctx *c, const struct kith_id *object)
{
	const struct kith_op *o = c->op;
	int r = KITH_OK;

	if (HAS(o, KITH_OP_KEY))
		r = put_register(c, object, o->key);
	if (r == KITH_OK && HAS(o, KITH_OP_ORDER))
		r = put_register(c, object, kith_slice_str("order"));
	if (r == KITH_OK && HAS(o, KITH_OP_PARENT))
		r = put_register(c, object, kith_slice_str("parent"));
	return r;
}

static int
plan_role_set(struct ctx *c)
{
	const struct act *create;
	int r = below(c, &c->op->role, &create);

	if (r == KITH_OK)
		r = put_looks(c, &c->op->role);
	return r;
}

static int
plan_role_delete(struct ctx *c)
{
	const struct act *create;
	int r = below(c, &c->op->role, &create);

	if (r == KITH_OK && create == NULL)
		return deny(c, "role");
	return r != KITH_OK ? r : put_fact(c, KITH_F_ROLE, &c->op->role, NULL, no_perm, false);
}

static int
plan_role_perms(struct ctx *c)
{
	const struct kith_op *o = c->op;
	bool on = c->x->pub.kind == KITH_K_ROLE_ALLOW;
	const struct act *create;
	uint32_t i;
	int r = below(c, &o->role, &create);

	for (i = 0; on && i < o->n_perms && r == KITH_OK; i++) {
		const struct kith_op *co = create == NULL ? NULL : create->pub.op;

		if (co == NULL ? !in_implicit_ceiling(o->perms[i]) :
		    HAS(co, KITH_OP_MAY) ? !in_list(co->may, co->n_may, o->perms[i]) :
		    !in_list(co->perms, co->n_perms, o->perms[i]))
			return deny(c, "permission");
	}
	if (r == KITH_OK && on)
		r = need_perms(c, o->perms, o->n_perms);
	for (i = 0; i < o->n_perms && r == KITH_OK; i++)
		r = put_fact(c, KITH_F_ROLE_PERM, &o->role, NULL, o->perms[i], on);
	return r;
}

static int
plan_role_holders(struct ctx *c)
{
	const struct kith_op *o = c->op;
	bool on = c->x->pub.kind == KITH_K_ROLE_GRANT;
	const struct act *create = NULL;
	const struct kith_op *co;
	uint32_t i;
	int r = KITH_OK;

	if (!c->p->lay_down)
		r = below(c, &o->role, &create);
	if (r == KITH_OK && !c->p->lay_down && create == NULL)
		return deny(c, "role");
	if (r == KITH_OK && on) {
		co = create->pub.op;
		r = HAS(co, KITH_OP_MAY) ? need_perms(c, co->may, co->n_may) : need_perms(c, co->perms, co->n_perms);
	}
	for (i = 0; i < o->n_users && r == KITH_OK; i++)
		r = put_fact(c, KITH_F_HOLDS, &o->users[i], &o->role, no_perm, on);
	return r;
}

static int
plan_people(struct ctx *c)
{
	uint32_t kind = c->x->pub.kind, i;
	int r = KITH_OK;

	c->p->lifts = kind == KITH_K_UNBAN || kind == KITH_K_UNMUTE;
	for (i = 0; i < c->op->n_users && r == KITH_OK; i++)
		r = aim(c, &c->op->users[i]);
	if (r == KITH_OK && (kind == KITH_K_BAN || kind == KITH_K_UNBAN))
		r = put_each(c, KITH_F_NOT_BANNED, kind == KITH_K_UNBAN);
	if (r == KITH_OK && (kind == KITH_K_MUTE || kind == KITH_K_UNMUTE))
		r = put_each(c, KITH_F_VOICE, kind == KITH_K_UNMUTE);
	if (r == KITH_OK && (kind == KITH_K_BAN || kind == KITH_K_KICK))
		r = put_each(c, KITH_F_ADMITTED, false);
	return r;
}

static int
plan_panel_create(struct ctx *c)
{
	const struct kith_id *const roles[] = { &kith_role_member, &kith_role_guest, &kith_role_follower };
	const struct kith_op *o = c->op;
	const struct kith_id *panel = &c->x->pub.panel_or_role;
	size_t i;
	int r;

	if (HAS(o, KITH_OP_SCOPE) && named(c, &o->scope, KITH_K_PANEL_CREATE) == NULL)
		return deny(c, "form");
	r = put_fact(c, KITH_F_PANEL, panel, NULL, no_perm, true);
	if (r == KITH_OK)
		r = put_looks(c, panel);
	for (i = 0; i < 3 && r == KITH_OK && HAS(o, KITH_OP_PRIVATE) && o->private_; i++)
		r = put_override(c, panel, roles[i], kith_slice_str("panel.view"), 2);
	return r;
}

static int
plan_panel_set(struct ctx *c)
{
	const struct kith_op *o = c->op;
	const struct kith_id *who = HAS(o, KITH_OP_WHO_USER) ? &o->who_user : &o->who_role;
	bool override = HAS(o, KITH_OP_WHO_USER) || HAS(o, KITH_OP_WHO_ROLE);
	const struct act *create;
	uint32_t i;
	int r = KITH_OK;

	if (named(c, &o->panel, KITH_K_PANEL_CREATE) == NULL)
		return deny(c, "form");
	if (override) {
		if (HAS(o, KITH_OP_WHO_USER) == HAS(o, KITH_OP_WHO_ROLE) || o->effect > 2)
			return deny(c, "form");
		r = HAS(o, KITH_OP_WHO_USER) ? aim(c, who) : below(c, who, &create);
		if (r == KITH_OK)
			r = need_perm(c, kith_slice_str("panel.permissions"));
		if (r == KITH_OK && o->effect == 1)
			r = need_perms(c, o->perms, o->n_perms);
		for (i = 0; i < o->n_perms && r == KITH_OK; i++)
			r = put_override(c, &o->panel, who, o->perms[i], o->effect);
	}
	if (r == KITH_OK && HAS(o, KITH_OP_OPEN))
		r = put_fact(c, KITH_F_PANEL_OPEN, &o->panel, NULL, no_perm, o->open);
	if (r == KITH_OK)
		r = put_looks(c, &o->panel);
	if (r == KITH_OK && (!override || HAS(o, KITH_OP_OPEN) || HAS(o, KITH_OP_KEY) || HAS(o, KITH_OP_ORDER) ||
	    HAS(o, KITH_OP_PARENT)))
		r = need_perm(c, kith_slice_str("panel.manage"));
	return r;
}

static int
plan_panel_delete(struct ctx *c)
{
	if (named(c, &c->op->panel, KITH_K_PANEL_CREATE) == NULL)
		return deny(c, "form");
	return put_fact(c, KITH_F_PANEL, &c->op->panel, NULL, no_perm, false);
}

static int
plan_invite_revoke(struct ctx *c)
{
	int r = KITH_OK;

	if (!kith_id_eq(&c->x->invite_maker, &c->x->pub.author))
		r = need_perm(c, kith_slice_str("invite.manage"));
	return r != KITH_OK ? r : put_fact(c, KITH_F_INVITE, &c->op->invite, NULL, no_perm, false);
}

static int
plan_admit(struct ctx *c)
{
	return put_each(c, KITH_F_ADMITTED, true);
}

static int
plan_node(struct ctx *c)
{
	c->p->lifts = c->x->pub.kind == KITH_K_NODE_UNBAN;
	return put_fact(c, KITH_F_NODE, &c->op->node, NULL, no_perm, c->p->lifts);
}

static int
plan_plugin_set(struct ctx *c)
{
	return put_register(c, &kith_object_plugins, c->op->key);
}

static int
plan_owner_add(struct ctx *c)
{
	return put_each(c, KITH_F_OWNER, true);
}

static int
plan_owner_resign(struct ctx *c)
{
	return put_fact(c, KITH_F_OWNER, &c->x->pub.author, NULL, no_perm, false);
}

/* A8 (iii), but for whether its quorum still stands. */
static int
plan_owner_succeed(struct ctx *c)
{
	const struct act *q = named(c, &c->op->set, KITH_K_SET);
	struct kith_mp_reader sigs, uids;
	struct kith_id last = kith_id_none, id, listed;
	uint64_t threshold, good = 0;
	uint32_t n, m, i, j;

	if (q == NULL || !HAS(q->pub.op, KITH_OP_KEY) || !kith_slice_is(q->pub.op->key, "succession") ||
	    !kith_quorum_parse(q->pub.op->value, &uids, &m, &threshold) || c->x->pub.level < 100)
		return deny(c, "owner");
	kith_mp_read(&sigs, c->op->sigs);
	n = kith_mp_array(&sigs);
	for (i = 0; i < n && sigs.err == KITH_OK; i++) {
		struct kith_mp_reader list = uids;

		kith_mp_array_exact(&sigs, 3);
		id = kith_mp_id(&sigs);
		(void)kith_mp_id(&sigs);
		(void)kith_mp_bin(&sigs);
		if (kith_id_cmp(&last, &id) >= 0)
			return deny(c, "form");
		last = id;
		for (j = 0; j < m; j++) {
			listed = kith_mp_id(&list);
			good += kith_id_eq(&listed, &id);
		}
	}
	/* no stranger's signature among them, and each one checked */
	if (!kith_mp_done(&sigs) || good != n || good < threshold || c->x->sigs_ok < n)
		return deny(c, "owner");
	return put_each(c, KITH_F_OWNER, true);
}

/* A8 (ii): by the documents alone, of someone whom a grant or ownership in its past names. */
static int
plan_rekey(struct ctx *c)
{
	const struct person *p = kith_map_get(c->a->persons, kith_id_slice(&c->x->pub.author));
	size_t i, j;

	if (c->x->rekey_n == 0)
		return deny(c, "form");
	for (i = 0; p != NULL && p->owner != NULL && i < p->owner->writes.n; i++)
		if (p->owner->writes.v[i].on && c->past_ok(c->past_ctx, act_at(c->a, p->owner->writes.v[i].act)))
			return KITH_OK;
	for (i = 0; p != NULL && i < p->holds.n; i++)
		for (j = 0; j < p->holds.v[i]->writes.n; j++)
			if (p->holds.v[i]->writes.v[j].on &&
			    c->past_ok(c->past_ctx, act_at(c->a, p->holds.v[i]->writes.v[j].act)))
				return KITH_OK;
	return deny(c, "role");
}

static int
plan_upgrade(struct ctx *c)
{
	return put_register(c, &kith_id_none, kith_slice_str("rules"));
}

static int
plan_nothing(struct ctx *c)
{
	(void)c;
	return KITH_OK;
}

/* ---- the table ---- */

#define OWNERS 1u       /* by owners only */
#define FREE 2u         /* asks for neither role nor ownership */

static const struct {
	uint32_t kind, flags;
	const char *perm;       /* NULL: what it needs depends on what it says */
	int (*plan)(struct ctx *c);
} kinds[] = {
	{ KITH_K_CREATE, FREE, NULL, plan_create },
	{ KITH_K_SET, 0, NULL, plan_set },
	{ KITH_K_ROLE_CREATE, 0, "role.manage", plan_role_create },
	{ KITH_K_ROLE_SET, 0, "role.manage", plan_role_set },
	{ KITH_K_ROLE_DELETE, 0, "role.manage", plan_role_delete },
	{ KITH_K_ROLE_ALLOW, 0, "role.manage", plan_role_perms },
	{ KITH_K_ROLE_DENY, 0, "role.manage", plan_role_perms },
	{ KITH_K_ROLE_GRANT, 0, "role.manage", plan_role_holders },
	{ KITH_K_ROLE_REVOKE, 0, "role.manage", plan_role_holders },
	{ KITH_K_BAN, 0, "member.ban", plan_people },
	{ KITH_K_UNBAN, 0, "member.ban", plan_people },
	{ KITH_K_KICK, 0, "member.kick", plan_people },
	{ KITH_K_MUTE, 0, "member.mute", plan_people },
	{ KITH_K_UNMUTE, 0, "member.mute", plan_people },
	{ KITH_K_PANEL_CREATE, 0, "panel.manage", plan_panel_create },
	{ KITH_K_PANEL_SET, 0, NULL, plan_panel_set },
	{ KITH_K_PANEL_DELETE, 0, "panel.manage", plan_panel_delete },
	{ KITH_K_INVITE_REVOKE, 0, NULL, plan_invite_revoke },
	{ KITH_K_ADMIT, 0, "join.approve", plan_admit },
	{ KITH_K_NODE_BAN, 0, "federation.manage", plan_node },
	{ KITH_K_NODE_UNBAN, 0, "federation.manage", plan_node },
	{ KITH_K_PLUGIN_SET, 0, "plugin.manage", plan_plugin_set },
	{ KITH_K_OWNER_ADD, OWNERS, NULL, plan_owner_add },
	{ KITH_K_OWNER_RESIGN, OWNERS, NULL, plan_owner_resign },
	{ KITH_K_OWNER_SUCCEED, FREE, NULL, plan_owner_succeed },
	{ KITH_K_REKEY, FREE, NULL, plan_rekey },
	{ KITH_K_UPGRADE, OWNERS, NULL, plan_upgrade },
	{ KITH_K_SEAL, OWNERS, NULL, plan_nothing },
};

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

	c->p->owner = kith_id_is_none(via) || named(c, via, KITH_K_OWNER_SUCCEED) != NULL;
	if (!c->p->owner)
		f.kind = KITH_F_NOT_BANNED;
	c->p->standing = kith_slot(c->a, &f);
	if (c->p->standing == NULL)
		return KITH_E_NOMEM;
	if (c->p->owner)
		return granted(c, c->p->standing) ? KITH_OK : deny(c, "owner");
	if (named(c, via, KITH_K_ROLE_CREATE) == NULL)
		return deny(c, "role");
	r = need(c, KITH_F_HOLDS, via, &c->x->pub.author, no_perm);
	if (r != KITH_OK)
		return r;
	held = c->p->needs[0];
	if (!granted(c, held))
		return deny(c, "role");
	return need(c, KITH_F_ROLE, via, NULL, no_perm);
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
	size_t k;
	int r = KITH_OK;

	*why = "form";
	for (k = 0; k < sizeof(kinds) / sizeof(kinds[0]) && kinds[k].kind != x->pub.kind; k++)
		;
	if (k == sizeof(kinds) / sizeof(kinds[0]))
		return KITH_E_DENIED;
	memset(c.p, 0, sizeof(*c.p));
	c.p->needs = c.needs;
	c.p->writes = c.writes;
	c.p->people = c.people;
	if (!(kinds[k].flags & FREE))
		r = plan_standing(&c);
	else if (!kith_id_is_none(&x->pub.via))
		r = deny(&c, "form");
	if (r == KITH_OK && (kinds[k].flags & OWNERS) && !c.p->owner)
		r = deny(&c, "owner");
	if (r == KITH_OK && x->pub.kind == KITH_K_ROLE_REVOKE)
		c.p->lay_down = o->n_users == 1 && kith_id_eq(&o->users[0], &x->pub.author) &&
		    !kith_id_is_none(&x->pub.via) && kith_id_eq(&o->role, &x->pub.via);
	if (r == KITH_OK && kinds[k].perm != NULL && !c.p->lay_down)
		r = need_perm(&c, kith_slice_str(kinds[k].perm));
	if (r == KITH_OK)
		r = kinds[k].plan(&c);
	if (r == KITH_E_DENIED)
		*why = c.why;
	return r != KITH_OK ? r : keep(&c);
}
