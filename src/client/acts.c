#include <stdlib.h>
#include <string.h>

#include "base/b32.h"
#include "client/common.h"
#include "client/files.h"
#include "storage/ledger.h"
#include "wire/mp.h"

#define FOLDERS_MAX 8
#define CHILDREN_MAX 1000

/* Acts of authority: each fills an op and is written through a role. */

struct act {
	struct kith_draft d;
	struct kith_op op;
	struct kith_buf body;
	struct kith_group *g;
};

static int
act_begin(struct kith_call *c, struct act *a, uint32_t kind)
{
	memset(a, 0, sizeof(*a));
	kith_buf_init(&a->body, 0);
	a->d.kind = kind;
	a->d.op = &a->op;
	return kith_call_group(c, &a->g);
}

static void
act_has(struct act *a, enum kith_op_key k)
{
	a->op.has |= KITH_OP_BIT(k);
}

static int
act_end(struct kith_call *c, struct act *a, int r)
{
	struct kith_id id;

	if (r == KITH_OK)
		r = kith_buf_err(&a->body);
	a->d.body_map = kith_buf_slice(&a->body);
	if (r == KITH_OK)
		r = kith_call_act(c, a->g, &c->session->uid, &a->d, &id);
	if (r == KITH_OK)
		r = kith_result_id(c, &id);
	kith_buf_fini(&a->body);
	return r;
}

static int
word_cmp(const void *x, const void *y)
{
	return kith_slice_cmp(*(const struct kith_slice *)x, *(const struct kith_slice *)y);
}

/* A list of words as an op holds it: sorted, each once. */
static int
words(struct kith_call *c, const char *param, const struct kith_slice **out, uint32_t *n_out)
{
	struct kith_slice raw = kith_arg(c->args, param)->raw, *v;
	struct kith_mp_reader r;
	uint32_t n, k = 0;

	kith_mp_read(&r, raw);
	n = kith_mp_array(&r);
	v = kith_arena_array(c->arena, n > 0 ? n : 1, sizeof(*v));
	if (v == NULL)
		return KITH_E_NOMEM;
	for (uint32_t i = 0; i < n; i++)
		v[i] = kith_mp_str(&r);
	qsort(v, n, sizeof(*v), word_cmp);
	for (uint32_t i = 0; i < n; i++) {
		if (v[i].n == 0)
			return kith_fail(c, KITH_E_MALFORMED, "invalid_params", "%s: an empty word", param);
		if (k == 0 || !kith_slice_eq(v[k - 1], v[i]))
			v[k++] = v[i];
	}
	*out = v;
	*n_out = k;
	return KITH_OK;
}

static int
on_person(struct kith_call *c, uint32_t kind, bool cut)
{
	struct kith_id *user = kith_arena_alloc(c->arena, sizeof(*user));
	struct act a;
	int r = act_begin(c, &a, kind);

	if (r != KITH_OK)
		return act_end(c, &a, r);
	if (user == NULL)
		return act_end(c, &a, KITH_E_NOMEM);
	*user = kith_arg_id(c->args, "user");
	a.op.users = user;
	a.op.n_users = 1;
	act_has(&a, KITH_OP_USERS);
	a.d.with_cut = cut;
	if (kind == KITH_K_BAN || kind == KITH_K_KICK || kind == KITH_K_MUTE) {
		struct kith_slice reason = kith_arg_str(c->args, "reason");

		if (reason.n > 0)
			kith_put_text(&a.body, "reason", reason);
	}
	if (kind == KITH_K_BAN || kind == KITH_K_MUTE) {
		uint64_t ttl = (uint64_t)kith_arg_num(c->args, "for", 0);

		if (ttl > 0) {
			a.op.until_ms = c->now.wall_ms + ttl;
			act_has(&a, KITH_OP_UNTIL);
		}
	}
	r = act_end(c, &a, KITH_OK);
	if (r == KITH_OK && (a.op.has & KITH_OP_BIT(KITH_OP_UNTIL)) != 0) {
		/* this home lifts it when it is due */
		struct kith_id group = kith_arg_id(c->args, "group");
		struct kith_buf p;

		kith_buf_init(&p, 0);
		kith_mp_put_array(&p, 3);
		kith_mp_put_id(&p, &group);
		kith_mp_put_id(&p, user);
		kith_mp_put_id(&p, &c->session->uid);
		r = kith_buf_err(&p);
		if (r == KITH_OK)
			r = kith_due_add(c->t, a.op.until_ms, kind == KITH_K_BAN ? KITH_DUE_UNBAN : KITH_DUE_UNMUTE, kith_buf_slice(&p));
		kith_buf_fini(&p);
	}
	return r;
}

int kith_api_member_ban(struct kith_call *c) { return on_person(c, KITH_K_BAN, true); }
int kith_api_member_unban(struct kith_call *c) { return on_person(c, KITH_K_UNBAN, false); }
int kith_api_member_kick(struct kith_call *c) { return on_person(c, KITH_K_KICK, true); }
int kith_api_member_mute(struct kith_call *c) { return on_person(c, KITH_K_MUTE, true); }
int kith_api_member_unmute(struct kith_call *c) { return on_person(c, KITH_K_UNMUTE, false); }
int kith_api_owner_add(struct kith_call *c) { return on_person(c, KITH_K_OWNER_ADD, false); }

int
kith_api_owner_resign(struct kith_call *c)
{
	struct act a;
	int r = act_begin(c, &a, KITH_K_OWNER_RESIGN);

	a.d.with_cut = true;
	/* an owner's act: through no role */
	if (r == KITH_OK) {
		struct kith_id id;

		r = kith_call_write(c, a.g, &c->session->uid, &a.d, &id);
		if (r == KITH_OK)
			r = kith_result_id(c, &id);
	}
	kith_buf_fini(&a.body);
	return r;
}

static int
on_node(struct kith_call *c, uint32_t kind)
{
	struct act a;
	int r = act_begin(c, &a, kind);

	a.op.node = kith_arg_id(c->args, "node");
	act_has(&a, KITH_OP_NODE);
	if (kind == KITH_K_NODE_BAN) {
		struct kith_slice reason = kith_arg_str(c->args, "reason");

		a.d.with_cut = true;
		if (reason.n > 0)
			kith_put_text(&a.body, "reason", reason);
	}
	return act_end(c, &a, r);
}

int kith_api_node_ban(struct kith_call *c) { return on_node(c, KITH_K_NODE_BAN); }
int kith_api_node_unban(struct kith_call *c) { return on_node(c, KITH_K_NODE_UNBAN); }

/* ---- roles ---- */

int
kith_api_role_new(struct kith_call *c)
{
	struct act a;
	int r = act_begin(c, &a, KITH_K_ROLE_CREATE);

	a.op.level = kith_arg_num(c->args, "level", 0);
	act_has(&a, KITH_OP_LEVEL);
	act_has(&a, KITH_OP_PERMS);
	act_has(&a, KITH_OP_MAY);
	if (r == KITH_OK)
		r = words(c, "perms", &a.op.perms, &a.op.n_perms);
	if (r == KITH_OK)
		r = words(c, kith_arg_has(c->args, "may") ? "may" : "perms", &a.op.may, &a.op.n_may);
	kith_put_text(&a.body, "name", kith_arg_str(c->args, "name"));
	return act_end(c, &a, r);
}

int
kith_api_role_set(struct kith_call *c)
{
	struct act a;
	int r = act_begin(c, &a, kith_arg_flag(c->args, "allow", true) ? KITH_K_ROLE_ALLOW : KITH_K_ROLE_DENY);

	a.op.role = kith_arg_id(c->args, "role");
	act_has(&a, KITH_OP_ROLE);
	act_has(&a, KITH_OP_PERMS);
	if (r == KITH_OK)
		r = words(c, "perms", &a.op.perms, &a.op.n_perms);
	return act_end(c, &a, r);
}

int
kith_api_role_delete(struct kith_call *c)
{
	struct act a;
	int r = act_begin(c, &a, KITH_K_ROLE_DELETE);

	a.op.role = kith_arg_id(c->args, "role");
	act_has(&a, KITH_OP_ROLE);
	return act_end(c, &a, r);
}

static int
on_holder(struct kith_call *c, uint32_t kind)
{
	struct kith_id user = kith_arg_id(c->args, "user");
	struct act a;
	int r = act_begin(c, &a, kind);

	a.op.role = kith_arg_id(c->args, "role");
	a.op.users = &user;
	a.op.n_users = 1;
	act_has(&a, KITH_OP_ROLE);
	act_has(&a, KITH_OP_USERS);
	a.d.with_cut = kind == KITH_K_ROLE_REVOKE;
	/* laying down one's own needs no permission, but is done through that very role */
	if (r == KITH_OK && kind == KITH_K_ROLE_REVOKE && kith_id_eq(&user, &c->session->uid) && !kith_arg_has(c->args, "via")) {
		struct kith_id via, id;
		const char *why;

		if (kith_authority_via(kith_group_authority(a.g), &user, kind, &a.op, &via, &why) != KITH_OK) {
			a.d.via = a.op.role;
			r = kith_call_write(c, a.g, &user, &a.d, &id);
			kith_buf_fini(&a.body);
			return r == KITH_OK ? kith_result_id(c, &id) : r;
		}
	}
	return act_end(c, &a, r);
}

int kith_api_role_grant(struct kith_call *c) { return on_holder(c, KITH_K_ROLE_GRANT); }
int kith_api_role_revoke(struct kith_call *c) { return on_holder(c, KITH_K_ROLE_REVOKE); }

/* ---- panels ---- */

/* The folder that a panel lies in; none: the root. False: there is no such panel. */
static bool
lies_in(struct kith_group *g, const struct kith_id *panel, struct kith_id *parent, uint64_t *kind)
{
	struct kith_authority *a = kith_group_authority(g);
	const struct kith_act *made = kith_authority_find(a, panel);
	const struct kith_act *put = kith_authority_register(a, panel, kith_slice_str("parent"));

	if (made == NULL || made->kind != KITH_K_PANEL_CREATE || made->op == NULL)
		return false;
	*kind = made->op->panel_kind;
	*parent = put != NULL && put->op != NULL ? put->op->parent : made->op->parent;
	return true;
}

/* May the panel lie there? Two who move folders into each other at once are met by who draws them. */
static int
may_lie_in(struct kith_call *c, struct kith_group *g, const struct kith_id *panel, const struct kith_id *parent)
{
	struct kith_id at = *parent, next;
	uint64_t kind;

	for (int depth = 0; !kith_id_is_none(&at); depth++) {
		if (kith_id_eq(&at, panel))
			return kith_fail(c, KITH_E_MALFORMED, "invalid_params", "a folder cannot lie in itself");
		if (depth == FOLDERS_MAX)
			return kith_fail(c, KITH_E_MALFORMED, "invalid_params", "folders lie at most %d deep", FOLDERS_MAX);
		if (!lies_in(g, &at, &next, &kind) || (depth == 0 && kind != KITH_PANEL_FOLDER))
			return kith_fail(c, KITH_E_NOTFOUND, "not_found", "there is no such folder");
		at = next;
	}
	return KITH_OK;
}

int
kith_api_panel_new(struct kith_call *c)
{
	struct kith_slice kind = kith_arg_str(c->args, "kind");
	struct act a;
	int r = act_begin(c, &a, KITH_K_PANEL_CREATE);

	if (kind.n == 0 || kith_slice_is(kind, "chat"))
		a.op.panel_kind = KITH_PANEL_CHAT;
	else if (kith_slice_is(kind, "announcement"))
		a.op.panel_kind = KITH_PANEL_ANNOUNCEMENT;
	else if (kith_slice_is(kind, "folder"))
		a.op.panel_kind = KITH_PANEL_FOLDER;
	else if (kith_slice_is(kind, "web"))
		a.op.panel_kind = KITH_PANEL_WEB;
	else if (r == KITH_OK)
		r = kith_fail(c, KITH_E_MALFORMED, "invalid_params", "kind: chat, announcement, folder or web");
	act_has(&a, KITH_OP_PANEL_KIND);
	if (kith_arg_has(c->args, "parent")) {
		a.op.parent = kith_arg_id(c->args, "parent");
		if (r == KITH_OK)
			r = may_lie_in(c, a.g, &kith_id_none, &a.op.parent);
		act_has(&a, KITH_OP_PARENT);
	}
	if (kith_arg_flag(c->args, "private", false)) {
		a.op.private_ = true;
		act_has(&a, KITH_OP_PRIVATE);
	}
	kith_put_text(&a.body, "name", kith_arg_str(c->args, "name"));
	return act_end(c, &a, r);
}

/* What lies in a folder. */
static int
children_of(struct kith_call *c, struct kith_group *g, const struct kith_id *folder, struct kith_id **out, size_t *n_out)
{
	struct kith_authority *a = kith_group_authority(g);
	struct kith_id *v = kith_arena_array(c->arena, CHILDREN_MAX, sizeof(*v)), parent;
	const struct kith_view *now;
	struct kith_fact f;
	uint64_t kind;
	size_t it = 0;
	int r;

	if (v == NULL)
		return KITH_E_NOMEM;
	r = kith_authority_now(a, &now);
	if (r != KITH_OK)
		return r;
	*n_out = 0;
	while (*n_out < CHILDREN_MAX && kith_authority_fact_next(a, &it, &f)) {
		if (f.kind == KITH_F_PANEL && kith_view_fact(now, &f) && lies_in(g, &f.a, &parent, &kind) && kith_id_eq(&parent, folder))
			v[(*n_out)++] = f.a;
	}
	*out = v;
	return KITH_OK;
}

/* One act on one panel, beside the one that was asked for. */
static int
panel_act(struct kith_call *c, struct kith_group *g, uint32_t kind, const struct kith_id *panel, const struct kith_id *parent)
{
	struct kith_draft d;
	struct kith_op op;
	struct kith_id id;

	memset(&d, 0, sizeof(d));
	memset(&op, 0, sizeof(op));
	d.kind = kind;
	d.op = &op;
	op.panel = *panel;
	op.has = KITH_OP_BIT(KITH_OP_PANEL);
	if (parent != NULL) {
		op.parent = *parent;
		op.has |= KITH_OP_BIT(KITH_OP_PARENT);
	}
	return kith_call_act(c, g, &c->session->uid, &d, &id);
}

static int
delete_inside(struct kith_call *c, struct kith_group *g, const struct kith_id *folder, int depth)
{
	struct kith_id *v = NULL;
	size_t n = 0;
	int r = depth > FOLDERS_MAX ? KITH_OK : children_of(c, g, folder, &v, &n);

	for (size_t i = 0; r == KITH_OK && i < n; i++) {
		r = delete_inside(c, g, &v[i], depth + 1);
		if (r == KITH_OK)
			r = panel_act(c, g, KITH_K_PANEL_DELETE, &v[i], NULL);
	}
	return r;
}

/* What lies in a folder moves to where the folder lies, or goes with it. */
int
kith_api_panel_delete(struct kith_call *c)
{
	struct kith_slice children = kith_arg_str(c->args, "children");
	struct kith_id parent, *v;
	uint64_t kind;
	struct act a;
	size_t n;
	int r = act_begin(c, &a, KITH_K_PANEL_DELETE);

	a.op.panel = kith_arg_id(c->args, "panel");
	act_has(&a, KITH_OP_PANEL);
	if (r == KITH_OK && children.n > 0 && !kith_slice_is(children, "move") && !kith_slice_is(children, "delete"))
		r = kith_fail(c, KITH_E_MALFORMED, "invalid_params", "children: move or delete");
	if (r == KITH_OK && lies_in(a.g, &a.op.panel, &parent, &kind) && kind == KITH_PANEL_FOLDER) {
		if (kith_slice_is(children, "delete"))
			r = delete_inside(c, a.g, &a.op.panel, 0);
		else {
			r = children_of(c, a.g, &a.op.panel, &v, &n);
			for (size_t i = 0; r == KITH_OK && i < n; i++)
				r = panel_act(c, a.g, KITH_K_PANEL_SET, &v[i], &parent);
		}
	}
	return act_end(c, &a, r);
}

/* Is the value of a panel's setting one that makes sense? */
static int
panel_value(struct kith_call *c, struct kith_slice key, struct kith_slice value)
{
	char *end, text[8];

	if (kith_slice_is(key, "name") && value.n == 0)
		return kith_fail(c, KITH_E_MALFORMED, "invalid_params", "name: a panel has one");
	if (kith_slice_is(key, "notify") && !kith_panel_notify_ok(value))
		return kith_fail(c, KITH_E_MALFORMED, "invalid_params", "notify: all, mentions or none");
	if (kith_slice_is(key, "url") && !kith_panel_url_ok(value))
		return kith_fail(c, KITH_E_MALFORMED, "invalid_params", "url: an address that begins with https:// or http://");
	if (kith_slice_is(key, "slow")) {
		if (value.n == 0 || value.n >= sizeof(text))
			return kith_fail(c, KITH_E_MALFORMED, "invalid_params", "slow: seconds, 0 to %d", KITH_SLOW_MAX_S);
		memcpy(text, value.p, value.n);
		text[value.n] = '\0';
		if (text[0] < '0' || text[0] > '9' || strtoul(text, &end, 10) > KITH_SLOW_MAX_S || *end != '\0')
			return kith_fail(c, KITH_E_MALFORMED, "invalid_params", "slow: seconds, 0 to %d", KITH_SLOW_MAX_S);
	}
	return KITH_OK;
}

int
kith_api_panel_set(struct kith_call *c)
{
	struct kith_slice key = kith_arg_str(c->args, "key"), value = kith_arg_str(c->args, "value");
	struct kith_id picture;
	struct act a;
	int r = act_begin(c, &a, KITH_K_PANEL_SET);

	a.op.panel = kith_arg_id(c->args, "panel");
	act_has(&a, KITH_OP_PANEL);
	if (kith_slice_is(key, "open")) {
		if (!kith_slice_is(value, "true") && !kith_slice_is(value, "false") && r == KITH_OK)
			r = kith_fail(c, KITH_E_MALFORMED, "invalid_params", "open: true or false");
		a.op.open = kith_slice_is(value, "true");
		act_has(&a, KITH_OP_OPEN);
	} else if (kith_slice_is(key, "parent")) {
		if (value.n > 0 && kith_id_parse(value, &a.op.parent) != KITH_OK && r == KITH_OK)
			r = kith_fail(c, KITH_E_MALFORMED, "invalid_params", "parent: the id of a folder");
		if (r == KITH_OK)
			r = may_lie_in(c, a.g, &a.op.panel, &a.op.parent);
		act_has(&a, KITH_OP_PARENT);
	} else if (kith_slice_is(key, "order")) {
		if (value.n >= KITH_PANEL_ORDER_MAX && r == KITH_OK)
			r = kith_fail(c, KITH_E_MALFORMED, "invalid_params", "order: fewer than %d characters", KITH_PANEL_ORDER_MAX);
		a.op.order = value;
		act_has(&a, KITH_OP_ORDER);
	} else {
		if (r == KITH_OK)
			r = panel_value(c, key, value);
		if (r == KITH_OK && kith_slice_is(key, "avatar"))
			r = kith_file_take_picture(c, "avatar", value, &picture);
		else if (r == KITH_OK && kith_slice_is(key, "banner"))
			r = kith_file_take_picture(c, "banner", value, &picture);
		a.op.key = key;
		act_has(&a, KITH_OP_KEY);
		kith_put_text(&a.body, "value", value);
	}
	return act_end(c, &a, r);
}

int
kith_api_panel_override(struct kith_call *c)
{
	struct kith_slice effect = kith_arg_str(c->args, "effect"), *perm = kith_arena_alloc(c->arena, sizeof(*perm));
	struct act a;
	int r = act_begin(c, &a, KITH_K_PANEL_SET);

	if (perm == NULL)
		return act_end(c, &a, KITH_E_NOMEM);
	if (kith_arg_has(c->args, "role") == kith_arg_has(c->args, "user") && r == KITH_OK)
		r = kith_fail(c, KITH_E_MALFORMED, "invalid_params", "either role or user is needed");
	a.op.panel = kith_arg_id(c->args, "panel");
	*perm = kith_arg_str(c->args, "perm");
	a.op.perms = perm;
	a.op.n_perms = 1;
	if (kith_slice_is(effect, "inherit"))
		a.op.effect = 0;
	else if (kith_slice_is(effect, "allow"))
		a.op.effect = 1;
	else if (kith_slice_is(effect, "deny"))
		a.op.effect = 2;
	else if (r == KITH_OK)
		r = kith_fail(c, KITH_E_MALFORMED, "invalid_params", "effect: allow, deny or inherit");
	act_has(&a, KITH_OP_PANEL);
	act_has(&a, KITH_OP_PERMS);
	act_has(&a, KITH_OP_EFFECT);
	if (kith_arg_has(c->args, "role")) {
		a.op.who_role = kith_arg_id(c->args, "role");
		act_has(&a, KITH_OP_WHO_ROLE);
	} else {
		a.op.who_user = kith_arg_id(c->args, "user");
		act_has(&a, KITH_OP_WHO_USER);
		a.d.with_cut = a.op.effect == 2;
	}
	return act_end(c, &a, r);
}

/* ---- settings, invites, requests ---- */

int
kith_api_group_set(struct kith_call *c)
{
	struct kith_slice key = kith_arg_str(c->args, "key"), value = kith_arg_str(c->args, "value");
	struct act a;
	int r = act_begin(c, &a, KITH_K_SET);

	if (kith_slice_is(key, "join")) {
		if (kith_slice_is(value, "open"))
			a.op.joins = 0;
		else if (kith_slice_is(value, "invite"))
			a.op.joins = 1;
		else if (kith_slice_is(value, "request"))
			a.op.joins = 2;
		else if (r == KITH_OK)
			r = kith_fail(c, KITH_E_MALFORMED, "invalid_params", "join: open, invite or request");
		act_has(&a, KITH_OP_JOINS);
	} else {
		if (r == KITH_OK && kith_slice_is(key, "questions") && !kith_questions_ok(value))
			r = kith_fail(c, KITH_E_MALFORMED, "invalid_params", "questions: at most %d lines, each of at most %d bytes", KITH_QUESTIONS_MAX,
			    KITH_QUESTION_MAX);
		a.op.key = key;
		act_has(&a, KITH_OP_KEY);
		kith_put_text(&a.body, "value", value);
	}
	return act_end(c, &a, r);
}

int
kith_api_invite_revoke(struct kith_call *c)
{
	struct kith_invite inv;
	struct kith_slice raw;
	const char *why;
	struct kith_id id;
	struct act a;
	uint8_t type;
	int r = act_begin(c, &a, KITH_K_INVITE_REVOKE);

	a.op.invite = kith_arg_id(c->args, "id");
	act_has(&a, KITH_OP_INVITE);
	a.d.with_cut = true;
	/* the maker may do so through any role of theirs, others need the permission */
	if (r == KITH_OK && !kith_arg_has(c->args, "via") &&
	    kith_ledger_object_get(c->t, &a.op.invite, &type, &raw) == KITH_OK && kith_invite_parse(raw, &inv) == KITH_OK &&
	    kith_authority_via_revoke(kith_group_authority(a.g), &c->session->uid, &a.op, &inv.maker, &a.d.via, &why) == KITH_OK) {
		r = kith_call_write(c, a.g, &c->session->uid, &a.d, &id);
		kith_buf_fini(&a.body);
		return r == KITH_OK ? kith_result_id(c, &id) : r;
	}
	return act_end(c, &a, r);
}

/* Ends a timed ban or mute when it is due, in the name of whoever set it. */
int
kith_client_due(struct kith_call *c, uint32_t type, struct kith_slice payload)
{
	struct kith_mp_reader r;
	struct kith_id group, user, author, id;
	struct kith_draft d;
	struct kith_group *g;
	struct kith_op op;
	int e;

	if (type == KITH_DUE_FILE) {
		if (payload.n != KITH_ID_BYTES)
			return KITH_E_CORRUPT;
		memcpy(id.b, payload.p, KITH_ID_BYTES);
		return kith_file_due(c, &id);
	}
	kith_mp_read(&r, payload);
	kith_mp_array_exact(&r, 3);
	group = kith_mp_id(&r);
	user = kith_mp_id(&r);
	author = kith_mp_id(&r);
	if (!kith_mp_done(&r))
		return KITH_E_CORRUPT;
	g = c->host->group(c->host->ctx, c->t, &group);
	if (g == NULL)
		return KITH_OK;
	memset(&op, 0, sizeof(op));
	memset(&d, 0, sizeof(d));
	op.has = KITH_OP_BIT(KITH_OP_USERS);
	op.users = &user;
	op.n_users = 1;
	d.kind = type == KITH_DUE_UNBAN ? KITH_K_UNBAN : KITH_K_UNMUTE;
	d.op = &op;
	e = kith_call_act(c, g, &author, &d, &id);
	/* the author may have lost the right meanwhile: then somebody else has to lift it */
	return e == KITH_E_DENIED || e == KITH_E_NOTFOUND ? KITH_OK : e;
}
