#include "tests/unit/kit_ops.h"

#include <stdlib.h>
#include <string.h>

#include "id/invite.h"
#include "tests/unit/kit.h"
#include "wire/mp.h"

#define B(k) KITH_OP_BIT(KITH_OP_##k)

const struct kit_op kit_ops[] = {
	{ "create", KITH_K_CREATE, B(FOUNDERS) | B(GROUP_KIND) | B(RULES) | B(NONCE) },
	{ "create, with first settings", KITH_K_CREATE,
	    B(FOUNDERS) | B(GROUP_KIND) | B(RULES) | B(NONCE) | B(JOINS) | B(IMPLICIT) },
	{ "set, its value in the body", KITH_K_SET, B(KEY) },
	{ "set", KITH_K_SET, B(KEY) | B(VALUE) },
	{ "set, the join policy", KITH_K_SET, B(JOINS) },
	{ "set, the join policy, lockdown", KITH_K_SET, B(JOINS) | B(CUT) },
	{ "role.create", KITH_K_ROLE_CREATE, B(LEVEL) | B(PERMS) | B(MAY) },
	{ "role.set", KITH_K_ROLE_SET, B(ROLE) | B(KEY) | B(VALUE) },
	{ "role.set, its value in the body", KITH_K_ROLE_SET, B(ROLE) | B(KEY) },
	{ "role.set, order", KITH_K_ROLE_SET, B(ROLE) | B(ORDER) },
	{ "role.delete", KITH_K_ROLE_DELETE, B(ROLE) },
	{ "role.delete, lockdown", KITH_K_ROLE_DELETE, B(ROLE) | B(CUT) },
	{ "role.allow", KITH_K_ROLE_ALLOW, B(ROLE) | B(PERMS) },
	{ "role.deny", KITH_K_ROLE_DENY, B(ROLE) | B(PERMS) },
	{ "role.deny, lockdown", KITH_K_ROLE_DENY, B(ROLE) | B(PERMS) | B(CUT) },
	{ "role.grant", KITH_K_ROLE_GRANT, B(ROLE) | B(USERS) },
	{ "role.revoke", KITH_K_ROLE_REVOKE, B(ROLE) | B(USERS) },
	{ "role.revoke, with a cut", KITH_K_ROLE_REVOKE, B(ROLE) | B(USERS) | B(CUT) },
	{ "ban", KITH_K_BAN, B(USERS) | B(CUT) },
	{ "ban, for a time", KITH_K_BAN, B(USERS) | B(CUT) | B(UNTIL) },
	{ "unban", KITH_K_UNBAN, B(USERS) },
	{ "kick", KITH_K_KICK, B(USERS) | B(CUT) },
	{ "mute", KITH_K_MUTE, B(USERS) | B(CUT) },
	{ "mute, for a time", KITH_K_MUTE, B(USERS) | B(CUT) | B(UNTIL) },
	{ "unmute", KITH_K_UNMUTE, B(USERS) },
	{ "panel.create", KITH_K_PANEL_CREATE, B(PANEL_KIND) },
	{ "panel.create, with all it may say", KITH_K_PANEL_CREATE,
	    B(PANEL_KIND) | B(PARENT) | B(PRIVATE) | B(SCOPE) | B(ORDER) },
	{ "panel.set, open", KITH_K_PANEL_SET, B(PANEL) | B(OPEN) },
	{ "panel.set, open, lockdown", KITH_K_PANEL_SET, B(PANEL) | B(OPEN) | B(CUT) },
	{ "panel.set, override for a role", KITH_K_PANEL_SET, B(PANEL) | B(PERMS) | B(EFFECT) | B(WHO_ROLE) },
	{ "panel.set, override for a role, lockdown", KITH_K_PANEL_SET,
	    B(PANEL) | B(PERMS) | B(EFFECT) | B(WHO_ROLE) | B(CUT) },
	{ "panel.set, override for a person", KITH_K_PANEL_SET,
	    B(PANEL) | B(PERMS) | B(EFFECT) | B(WHO_USER) | B(CUT) },
	{ "panel.set, its value in the body", KITH_K_PANEL_SET, B(PANEL) | B(KEY) },
	{ "panel.set, register", KITH_K_PANEL_SET, B(PANEL) | B(KEY) | B(VALUE) },
	{ "panel.set, parent", KITH_K_PANEL_SET, B(PANEL) | B(PARENT) },
	{ "panel.set, order", KITH_K_PANEL_SET, B(PANEL) | B(ORDER) },
	{ "panel.delete", KITH_K_PANEL_DELETE, B(PANEL) },
	{ "panel.delete, lockdown", KITH_K_PANEL_DELETE, B(PANEL) | B(CUT) },
	{ "invite.revoke", KITH_K_INVITE_REVOKE, B(INVITE) | B(CUT) },
	{ "admit", KITH_K_ADMIT, B(USERS) },
	{ "node.ban", KITH_K_NODE_BAN, B(NODE) | B(CUT) },
	{ "node.unban", KITH_K_NODE_UNBAN, B(NODE) },
	{ "plugin.set", KITH_K_PLUGIN_SET, B(KEY) | B(VALUE) },
	{ "plugin.set, its value in the body", KITH_K_PLUGIN_SET, B(KEY) },
	{ "owner.add", KITH_K_OWNER_ADD, B(USERS) },
	{ "owner.resign", KITH_K_OWNER_RESIGN, B(CUT) },
	{ "owner.resign, leaving it to a quorum", KITH_K_OWNER_RESIGN, B(CUT) | B(SET) },
	{ "owner.succeed", KITH_K_OWNER_SUCCEED, B(SET) | B(USERS) | B(SIGS) },
	{ "rekey", KITH_K_REKEY, B(DOC) | B(CUT) },
	{ "upgrade", KITH_K_UPGRADE, B(RULES) },
	{ "seal", KITH_K_SEAL, B(FRONTIER) | B(STATE) },
	{ "node.join", KITH_K_NODE_JOIN, B(NODE_RECORD) },
	{ "node.join, of a new incarnation", KITH_K_NODE_JOIN, B(NODE_RECORD) | B(EARLIER) },
	{ "join, open", KITH_K_JOIN, B(HOW) },
	{ "join, under a later document", KITH_K_JOIN, B(HOW) | B(CUT) },
	{ "join, first record of an incarnation", KITH_K_JOIN, B(HOW) | B(EARLIER) },
	{ "join, by invite", KITH_K_JOIN, B(HOW) | B(INVITE) },
	{ "join, by a counted invite", KITH_K_JOIN, B(HOW) | B(INVITE) | B(COUNT) | B(COUNT_SIG) },
	{ "move", KITH_K_MOVE, B(CUT) },
	{ "leave", KITH_K_LEAVE, B(CUT) },
	{ "node.rekey", KITH_K_NODE_REKEY, B(NODE_RECORD) | B(CUT) | B(EARLIER) },
	{ "profile", KITH_K_PROFILE, 0 },
	{ "profile, with open roles", KITH_K_PROFILE, B(ROLES) },
	{ "message", KITH_K_MESSAGE, 0 },
	{ "message, a reply", KITH_K_MESSAGE, B(TARGET) },
	{ "edit", KITH_K_EDIT, B(TARGET) },
	{ "react", KITH_K_REACT, B(TARGET) | B(ON) },
	{ "recall", KITH_K_RECALL, B(TARGET) },
	{ "remove", KITH_K_REMOVE, B(TARGET) },
	{ "pin", KITH_K_PIN, B(TARGET) | B(ON) },
	{ NULL, 0, 0 },
};

static int
id_order(const void *a, const void *b)
{
	return kith_id_cmp(a, b);
}

/* What raw fields borrow from. */
static struct kith_slice
raw(size_t i, void (*fill)(struct kith_buf *))
{
	static uint8_t room[4][1024];
	struct kith_buf b;
	size_t n;

	kith_buf_init(&b, sizeof(room[0]));
	fill(&b);
	if (kith_buf_err(&b) != KITH_OK)
		abort();
	n = b.n;
	memcpy(room[i], b.p, n);
	kith_buf_fini(&b);
	return kith_slice_of(room[i], n);
}

static void
fill_value(struct kith_buf *b)
{
	kith_mp_put_cstr(b, "#a84a12");
}

static void
fill_earlier(struct kith_buf *b)
{
	struct kith_id panel = kit_id("panel"), tip = kit_id("old tip"), end = kit_id("old end");

	kith_mp_put_array(b, 2);
	kith_mp_put_array(b, 4);
	kith_mp_put_bin(b, kith_slice_of("\0\0\0\0\0\0\0\1", 8));
	kith_mp_put_id(b, &kith_scope_roster);
	kith_mp_put_uint(b, 4);
	kith_mp_put_id(b, &end);
	kith_mp_put_array(b, 4);
	kith_mp_put_bin(b, kith_slice_of("\0\0\0\0\0\0\0\1", 8));
	kith_mp_put_id(b, &panel);
	kith_mp_put_uint(b, 1000);
	kith_mp_put_id(b, &tip);
}

static void
fill_implicit(struct kith_buf *b)
{
	kith_mp_put_array(b, 2);
	kith_mp_put_array(b, 2);
	kith_mp_put_id(b, &kith_role_member);
	kith_mp_put_array(b, 2);
	kith_mp_put_cstr(b, "message.send");
	kith_mp_put_cstr(b, "panel.view");
	kith_mp_put_array(b, 2);
	kith_mp_put_id(b, &kith_role_guest);
	kith_mp_put_array(b, 0);
}

static void
fill_sigs(struct kith_buf *b)
{
	static const char *const names[2][3] = { { "uid bob", "doc bob", "bob account" },
		{ "uid carol", "doc carol", "carol account" } };
	struct kith_id uid[2] = { kit_id(names[0][0]), kit_id(names[1][0]) };
	struct kith_id group = kit_id("group"), set = kit_id("set"), user = kit_id("uid bob"), doc;
	uint8_t sig[KITH_SIG_BYTES];
	struct kith_buf msg;
	size_t i, first = kith_id_cmp(&uid[0], &uid[1]) < 0 ? 0 : 1;

	kith_buf_init(&msg, 0);
	if (kith_succeed_bytes(&group, &set, &user, 1, &msg) != KITH_OK)
		abort();
	kith_mp_put_array(b, 2);
	for (i = 0; i < 2; i++) {
		size_t who = i == 0 ? first : 1 - first;

		doc = kit_id(names[who][1]);
		kith_sign(kit_key(names[who][2]), KITH_L_AUTHOR, kith_buf_slice(&msg), sig);
		kith_mp_put_array(b, 3);
		kith_mp_put_id(b, &uid[who]);
		kith_mp_put_id(b, &doc);
		kith_mp_put_bin(b, kith_slice_of(sig, sizeof(sig)));
	}
	kith_buf_fini(&msg);
}

void
kit_op_fill(struct kith_op *o, uint32_t kind, uint64_t has)
{
	static struct kith_slice perms[2], may[3];
	static struct kith_id users[2], founder, frontier[2], roles[2];
	static uint8_t count_sig[KITH_SIG_BYTES];
	struct kith_id invite = kit_id("invite"), uid = kit_id("uid alice");
	struct kith_buf b;

	perms[0] = may[1] = kith_slice_str("message.remove");
	perms[1] = may[2] = kith_slice_str("panel.view");
	may[0] = kith_slice_str("member.ban");
	users[0] = kit_id("uid bob");
	users[1] = kit_id("uid carol");
	founder = uid;
	frontier[0] = kit_id("head 1");
	frontier[1] = kit_id("head 2");
	roles[0] = kit_id("role");
	roles[1] = kit_id("role 2");
	qsort(users, 2, sizeof(users[0]), id_order);
	qsort(frontier, 2, sizeof(frontier[0]), id_order);
	qsort(roles, 2, sizeof(roles[0]), id_order);
	kith_buf_init(&b, 0);
	kith_count_bytes(&invite, 3, &uid, &b);
	kith_sign(kit_key("node 1 sign"), KITH_L_COUNT, kith_buf_slice(&b), count_sig);
	kith_buf_fini(&b);

	memset(o, 0, sizeof(*o));
	o->has = has;
	o->role = kit_id("role");
	o->level = 50;
	o->perms = perms;
	o->n_perms = 2;
	o->may = may;
	o->n_may = 3;
	o->users = users;
	o->n_users = kind == KITH_K_OWNER_SUCCEED ? 1 : 2;
	o->cut = kit_id("cut");
	o->panel = kit_id("panel");
	o->key = kith_slice_str("color");
	o->value = raw(0, fill_value);
	o->who_user = kit_id("uid bob");
	o->who_role = kith_role_member;
	o->effect = 2;
	o->open = false;
	o->invite = invite;
	o->node = kit_id("node 2");
	o->target = kit_id("target");
	o->until_ms = 1700003600000;
	o->founders = &founder;
	o->n_founders = 1;
	o->group_kind = 0;
	o->rules = 1;
	o->how = (has & B(INVITE)) != 0 ? 1 : 0;
	o->panel_kind = 1;
	o->parent = kit_id("folder");
	o->private_ = true;
	o->count = 3;
	o->count_sig = kith_slice_of(count_sig, sizeof(count_sig));
	o->node_record = kit_id("node record");
	o->doc = kit_id("doc alice 1");
	o->set = kit_id("set");
	o->sigs = (has & B(SIGS)) != 0 ? raw(1, fill_sigs) : kith_slice_of(NULL, 0);
	if (kind == KITH_K_OWNER_SUCCEED)
		users[0] = kit_id("uid bob");
	o->on = true;
	o->scope = kit_id("old panel");
	o->earlier = raw(2, fill_earlier);
	o->nonce = kith_slice_str("0123456789abcdef");
	o->implicit = raw(3, fill_implicit);
	o->joins = 1;
	o->frontier = frontier;
	o->n_frontier = 2;
	o->order = kith_slice_str("m");
	o->roles = roles;
	o->n_roles = 2;
	o->state = kit_id("state");
}

void
kit_record(uint32_t kind, uint64_t has, struct kith_record *d)
{
	static struct kith_buf op;
	enum kith_plane plane = kith_kind_in_plane(kind, KITH_PLANE_AUTHORITY) ? KITH_PLANE_AUTHORITY :
	    kith_kind_in_plane(kind, KITH_PLANE_ROSTER) ? KITH_PLANE_ROSTER : KITH_PLANE_TIMELINE;
	bool by_node = kind == KITH_K_NODE_JOIN || kind == KITH_K_NODE_REKEY;
	struct kith_op o;

	kith_buf_reset(&op);
	kit_op_fill(&o, kind, has);
	if (kith_op_make(&o, &op) != KITH_OK)
		abort();
	memset(d, 0, sizeof(*d));
	d->kind = kind;
	d->node = kit_id("node 1");
	d->incarnation = 0x0102030405060708;
	d->clock = UINT64_C(1700000000000) << 16;
	d->op = kith_buf_slice(&op);
	if (!by_node) {
		d->author = kit_id("uid alice");
		d->doc = kit_id("doc alice 0");
	}
	if (plane == KITH_PLANE_AUTHORITY)
		d->counter = 7;
	if (kind == KITH_K_CREATE) {
		d->counter = 1;
		return;
	}
	d->group = kit_id("group");
	d->scope = plane == KITH_PLANE_AUTHORITY ? kith_scope_authority :
	    plane == KITH_PLANE_ROSTER ? kith_scope_roster : kit_id("panel");
	d->seq = 9;
	d->prev = kit_id("prev");
	if (plane != KITH_PLANE_ROSTER) {
		d->n_parents = 2;
		d->parents[0] = kit_id("head 1");
		d->parents[1] = kit_id("head 2");
		qsort(d->parents, 2, sizeof(d->parents[0]), id_order);
	}
	if (plane != KITH_PLANE_AUTHORITY) {
		d->n_frontier = 1;
		d->frontier[0] = kit_id("act");
	}
	if (plane == KITH_PLANE_AUTHORITY)
		d->via = kit_id("role");
	else if (kind != KITH_K_JOIN && !by_node)
		d->via = kit_id("membership");
	if (kind == KITH_K_MESSAGE) {
		d->body_len = 30;
		d->body_hash = kit_id("body");
	}
}

void
kit_header(uint32_t kind, uint64_t has, bool is_signed, struct kith_buf *out)
{
	struct kith_record d;

	kit_record(kind, has, &d);
	if (kith_record_make(&d, is_signed && !kith_id_is_none(&d.author) ? kit_key("alice account") : NULL, out) != KITH_OK)
		abort();
}
