#include "group/plan.h"

#include "wire/mp.h"

/* What each kind needs and writes (RULES A13). */

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

static int
plan_create(struct ctx *c)
{
	struct kith_mp_reader r;
	const struct kith_op *o = c->op;
	uint32_t i, j, n, m;
	int e = KITH_OK;

	if (o->n_founders == 0)
		return kith_plan_deny(c, "form");
	for (i = 0; i < o->n_founders && e == KITH_OK; i++)
		e = kith_plan_put_fact(c, KITH_F_OWNER, &o->founders[i], NULL, kith_no_perm, true);
	if (e == KITH_OK)
		e = kith_plan_put_fact(c, KITH_F_JOINS_OPEN, NULL, NULL, kith_no_perm, HAS(o, KITH_OP_JOINS) && o->joins == 0);
	if (!HAS(o, KITH_OP_IMPLICIT))
		return e;
	kith_mp_read(&r, o->implicit);
	n = kith_mp_array(&r);
	for (i = 0; i < n && e == KITH_OK && r.err == KITH_OK; i++) {
		struct kith_id role;

		kith_mp_array_exact(&r, 2);
		role = kith_mp_id(&r);
		if (r.err == KITH_OK && !kith_role_is_implicit(&role))
			return kith_plan_deny(c, "form");
		m = kith_mp_array(&r);
		for (j = 0; j < m && e == KITH_OK && r.err == KITH_OK; j++) {
			struct kith_slice perm = kith_mp_str(&r);

			if (!in_implicit_ceiling(perm))
				return kith_plan_deny(c, "form");
			e = kith_plan_put_fact(c, KITH_F_ROLE_PERM, &role, NULL, perm, true);
		}
	}
	if (e == KITH_OK && !kith_mp_done(&r))
		return kith_plan_deny(c, "form");
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
			return kith_plan_deny(c, "form");
		if (kith_slice_is(o->key, "succession")) {
			if (!c->p->owner)
				return kith_plan_deny(c, "owner");
			if (!kith_quorum_parse(o->value, &uids, &n, &threshold))
				return kith_plan_deny(c, "form");
		}
		r = kith_plan_need_perm(c, kith_slice_str(is_profile_key(o->key) ? "group.profile" : "group.config"));
		if (r == KITH_OK)
			r = kith_plan_put_register(c, &kith_id_none, o->key);
	}
	if (r == KITH_OK && HAS(o, KITH_OP_JOINS)) {
		r = kith_plan_need_perm(c, kith_slice_str("group.config"));
		if (r == KITH_OK)
			r = kith_plan_put_fact(c, KITH_F_JOINS_OPEN, NULL, NULL, kith_no_perm, o->joins == 0);
		if (r == KITH_OK)
			r = kith_plan_put_register(c, &kith_id_none, kith_slice_str("joins"));
	}
	return r == KITH_OK && c->p->n_writes == 0 ? kith_plan_deny(c, "form") : r;
}

static int
plan_role_create(struct ctx *c)
{
	const struct kith_op *o = c->op;
	const struct kith_slice *may = HAS(o, KITH_OP_MAY) ? o->may : o->perms;
	uint32_t n_may = HAS(o, KITH_OP_MAY) ? o->n_may : o->n_perms, i;
	int r;

	if (o->level < 1 || o->level > 99)
		return kith_plan_deny(c, "form");
	if (o->level >= c->x->pub.level)
		return kith_plan_deny(c, "level");
	for (i = 0; i < o->n_perms; i++)
		if (!in_list(may, n_may, o->perms[i]))
			return kith_plan_deny(c, "form");
	r = kith_plan_need_perms(c, may, n_may);
	/* its first permissions are written too, without slots: see struct role */
	return r != KITH_OK ? r : kith_plan_put_fact(c, KITH_F_ROLE, &c->x->pub.id, NULL, kith_no_perm, true);
}

/* Looks: the registers that op names; people's words for them stand in the body. */
static int
put_looks(struct ctx *c, const struct kith_id *object)
{
	const struct kith_op *o = c->op;
	int r = KITH_OK;

	if (HAS(o, KITH_OP_KEY))
		r = kith_plan_put_register(c, object, o->key);
	if (r == KITH_OK && HAS(o, KITH_OP_ORDER))
		r = kith_plan_put_register(c, object, kith_slice_str("order"));
	if (r == KITH_OK && HAS(o, KITH_OP_PARENT))
		r = kith_plan_put_register(c, object, kith_slice_str("parent"));
	return r;
}

static int
plan_role_set(struct ctx *c)
{
	const struct act *create;
	int r = kith_plan_below(c, &c->op->role, &create);

	if (r == KITH_OK)
		r = put_looks(c, &c->op->role);
	return r;
}

static int
plan_role_delete(struct ctx *c)
{
	const struct act *create;
	int r = kith_plan_below(c, &c->op->role, &create);

	if (r == KITH_OK && create == NULL)
		return kith_plan_deny(c, "role");
	return r != KITH_OK ? r : kith_plan_put_fact(c, KITH_F_ROLE, &c->op->role, NULL, kith_no_perm, false);
}

static int
plan_role_perms(struct ctx *c)
{
	const struct kith_op *o = c->op;
	bool on = c->x->pub.kind == KITH_K_ROLE_ALLOW;
	const struct act *create;
	uint32_t i;
	int r = kith_plan_below(c, &o->role, &create);

	for (i = 0; on && i < o->n_perms && r == KITH_OK; i++) {
		const struct kith_op *co = create == NULL ? NULL : create->pub.op;

		if (co == NULL ? !in_implicit_ceiling(o->perms[i]) :
		    HAS(co, KITH_OP_MAY) ? !in_list(co->may, co->n_may, o->perms[i]) :
		    !in_list(co->perms, co->n_perms, o->perms[i]))
			return kith_plan_deny(c, "permission");
	}
	if (r == KITH_OK && on)
		r = kith_plan_need_perms(c, o->perms, o->n_perms);
	for (i = 0; i < o->n_perms && r == KITH_OK; i++)
		r = kith_plan_put_fact(c, KITH_F_ROLE_PERM, &o->role, NULL, o->perms[i], on);
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
		r = kith_plan_below(c, &o->role, &create);
	if (r == KITH_OK && !c->p->lay_down && create == NULL)
		return kith_plan_deny(c, "role");
	if (r == KITH_OK && on && create != NULL) {
		co = create->pub.op;
		r = HAS(co, KITH_OP_MAY) ? kith_plan_need_perms(c, co->may, co->n_may) : kith_plan_need_perms(c, co->perms, co->n_perms);
	}
	for (i = 0; i < o->n_users && r == KITH_OK; i++)
		r = kith_plan_put_fact(c, KITH_F_HOLDS, &o->users[i], &o->role, kith_no_perm, on);
	return r;
}

static int
plan_people(struct ctx *c)
{
	uint32_t kind = c->x->pub.kind, i;
	int r = KITH_OK;

	c->p->lifts = kind == KITH_K_UNBAN || kind == KITH_K_UNMUTE;
	for (i = 0; i < c->op->n_users && r == KITH_OK; i++)
		r = kith_plan_aim(c, &c->op->users[i]);
	if (r == KITH_OK && (kind == KITH_K_BAN || kind == KITH_K_UNBAN))
		r = kith_plan_put_each(c, KITH_F_NOT_BANNED, kind == KITH_K_UNBAN);
	if (r == KITH_OK && (kind == KITH_K_MUTE || kind == KITH_K_UNMUTE))
		r = kith_plan_put_each(c, KITH_F_VOICE, kind == KITH_K_UNMUTE);
	if (r == KITH_OK && (kind == KITH_K_BAN || kind == KITH_K_KICK))
		r = kith_plan_put_each(c, KITH_F_ADMITTED, false);
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

	if (HAS(o, KITH_OP_SCOPE) && kith_plan_named(c, &o->scope, KITH_K_PANEL_CREATE) == NULL)
		return kith_plan_deny(c, "form");
	r = kith_plan_put_fact(c, KITH_F_PANEL, panel, NULL, kith_no_perm, true);
	if (r == KITH_OK)
		r = put_looks(c, panel);
	for (i = 0; i < 3 && r == KITH_OK && HAS(o, KITH_OP_PRIVATE) && o->private_; i++)
		r = kith_plan_put_override(c, panel, roles[i], kith_slice_str("panel.view"), 2);
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

	if (kith_plan_named(c, &o->panel, KITH_K_PANEL_CREATE) == NULL)
		return kith_plan_deny(c, "form");
	if (override) {
		if (HAS(o, KITH_OP_WHO_USER) == HAS(o, KITH_OP_WHO_ROLE) || o->effect > 2)
			return kith_plan_deny(c, "form");
		r = HAS(o, KITH_OP_WHO_USER) ? kith_plan_aim(c, who) : kith_plan_below(c, who, &create);
		if (r == KITH_OK)
			r = kith_plan_need_perm(c, kith_slice_str("panel.permissions"));
		if (r == KITH_OK && o->effect == 1)
			r = kith_plan_need_perms(c, o->perms, o->n_perms);
		for (i = 0; i < o->n_perms && r == KITH_OK; i++)
			r = kith_plan_put_override(c, &o->panel, who, o->perms[i], o->effect);
	}
	if (r == KITH_OK && HAS(o, KITH_OP_OPEN))
		r = kith_plan_put_fact(c, KITH_F_PANEL_OPEN, &o->panel, NULL, kith_no_perm, o->open);
	if (r == KITH_OK)
		r = put_looks(c, &o->panel);
	if (r == KITH_OK && (!override || HAS(o, KITH_OP_OPEN) || HAS(o, KITH_OP_KEY) || HAS(o, KITH_OP_ORDER) ||
	    HAS(o, KITH_OP_PARENT)))
		r = kith_plan_need_perm(c, kith_slice_str("panel.manage"));
	return r;
}

static int
plan_panel_delete(struct ctx *c)
{
	if (kith_plan_named(c, &c->op->panel, KITH_K_PANEL_CREATE) == NULL)
		return kith_plan_deny(c, "form");
	return kith_plan_put_fact(c, KITH_F_PANEL, &c->op->panel, NULL, kith_no_perm, false);
}

static int
plan_invite_revoke(struct ctx *c)
{
	int r = KITH_OK;

	if (!kith_id_eq(&c->x->invite_maker, &c->x->pub.author))
		r = kith_plan_need_perm(c, kith_slice_str("invite.manage"));
	return r != KITH_OK ? r : kith_plan_put_fact(c, KITH_F_INVITE, &c->op->invite, NULL, kith_no_perm, false);
}

static int
plan_admit(struct ctx *c)
{
	return kith_plan_put_each(c, KITH_F_ADMITTED, true);
}

static int
plan_node(struct ctx *c)
{
	c->p->lifts = c->x->pub.kind == KITH_K_NODE_UNBAN;
	return kith_plan_put_fact(c, KITH_F_NODE, &c->op->node, NULL, kith_no_perm, c->p->lifts);
}

static int
plan_plugin_set(struct ctx *c)
{
	return kith_plan_put_register(c, &kith_object_plugins, c->op->key);
}

static int
plan_owner_add(struct ctx *c)
{
	return kith_plan_put_each(c, KITH_F_OWNER, true);
}

static int
plan_owner_resign(struct ctx *c)
{
	return kith_plan_put_fact(c, KITH_F_OWNER, &c->x->pub.author, NULL, kith_no_perm, false);
}

/* A8 (iii), but for whether its quorum still stands. */
static int
plan_owner_succeed(struct ctx *c)
{
	const struct act *q = kith_plan_named(c, &c->op->set, KITH_K_SET);
	struct kith_mp_reader sigs, uids;
	struct kith_id last = kith_id_none, id, listed;
	uint64_t threshold, good = 0;
	uint32_t n, m, i, j;

	if (q == NULL || !HAS(q->pub.op, KITH_OP_KEY) || !kith_slice_is(q->pub.op->key, "succession") ||
	    !kith_quorum_parse(q->pub.op->value, &uids, &m, &threshold) || c->x->pub.level < 100)
		return kith_plan_deny(c, "owner");
	kith_mp_read(&sigs, c->op->sigs);
	n = kith_mp_array(&sigs);
	for (i = 0; i < n && sigs.err == KITH_OK; i++) {
		struct kith_mp_reader list = uids;

		kith_mp_array_exact(&sigs, 3);
		id = kith_mp_id(&sigs);
		(void)kith_mp_id(&sigs);
		(void)kith_mp_bin(&sigs);
		if (kith_id_cmp(&last, &id) >= 0)
			return kith_plan_deny(c, "form");
		last = id;
		for (j = 0; j < m; j++) {
			listed = kith_mp_id(&list);
			good += kith_id_eq(&listed, &id);
		}
	}
	/* no stranger's signature among them, and each one checked */
	if (!kith_mp_done(&sigs) || good != n || good < threshold || c->x->sigs_ok < n)
		return kith_plan_deny(c, "owner");
	return kith_plan_put_each(c, KITH_F_OWNER, true);
}

/* A8 (ii): by the documents alone, of someone whom a grant or ownership in its past names. */
static int
plan_rekey(struct ctx *c)
{
	const struct person *p = kith_map_get(c->a->persons, kith_id_slice(&c->x->pub.author));
	size_t i, j;

	if (c->x->rekey_n == 0)
		return kith_plan_deny(c, "form");
	for (i = 0; p != NULL && p->owner != NULL && i < p->owner->writes.n; i++)
		if (p->owner->writes.v[i].on && c->past_ok(c->past_ctx, act_at(c->a, p->owner->writes.v[i].act)))
			return KITH_OK;
	for (i = 0; p != NULL && i < p->holds.n; i++)
		for (j = 0; j < p->holds.v[i]->writes.n; j++)
			if (p->holds.v[i]->writes.v[j].on &&
			    c->past_ok(c->past_ctx, act_at(c->a, p->holds.v[i]->writes.v[j].act)))
				return KITH_OK;
	return kith_plan_deny(c, "role");
}

static int
plan_upgrade(struct ctx *c)
{
	return kith_plan_put_register(c, &kith_id_none, kith_slice_str("rules"));
}

static int
plan_nothing(struct ctx *c)
{
	(void)c;
	return KITH_OK;
}

/* ---- the table ---- */

static const struct kith_plan_kind kinds[] = {
	{ KITH_K_CREATE, KITH_PLAN_FREE, NULL, plan_create },
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
	{ KITH_K_OWNER_ADD, KITH_PLAN_OWNERS, NULL, plan_owner_add },
	{ KITH_K_OWNER_RESIGN, KITH_PLAN_OWNERS, NULL, plan_owner_resign },
	{ KITH_K_OWNER_SUCCEED, KITH_PLAN_FREE, NULL, plan_owner_succeed },
	{ KITH_K_REKEY, KITH_PLAN_FREE, NULL, plan_rekey },
	{ KITH_K_UPGRADE, KITH_PLAN_OWNERS, NULL, plan_upgrade },
	{ KITH_K_SEAL, KITH_PLAN_OWNERS, NULL, plan_nothing },
};

const struct kith_plan_kind *
kith_plan_kind(uint32_t kind)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].kind == kind)
			return &kinds[i];
	return NULL;
}
