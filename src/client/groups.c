#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/b32.h"
#include "client/common.h"
#include "client/render.h"
#include "client/state.h"
#include "id/node.h"
#include "storage/ledger.h"
#include "wire/mp.h"

/* Making a group, inviting, leaving. */

/* PRODUCT: what the roles of a new group may do. Sorted. */
const char *const kith_perms[] = {
	"audit.view", "call.join", "call.move", "call.mute_others", "call.record", "call.share", "call.speak", "call.video",
	"emoji.manage", "event.manage", "federation.manage", "group.config", "group.details", "group.export", "group.insights",
	"group.profile", "integration.manage", "invite.create", "invite.edit", "invite.manage", "invite.unlimited", "join.approve",
	"member.ban", "member.kick", "member.mute", "member.nick", "members.view", "message.attach", "message.bypass_slow",
	"message.card", "message.external_emoji", "message.link", "message.mention.all", "message.mention.role", "message.pin",
	"message.react", "message.remove", "message.send", "message.thread", "panel.history", "panel.manage", "panel.permissions",
	"panel.view", "plugin.manage", "report.handle", "role.manage", "thread.manage", "webhook.manage", NULL,
};
static const char *const moderator_perms[] = {
	"audit.view", "call.join", "call.move", "call.mute_others", "call.share", "call.speak", "call.video", "emoji.manage",
	"event.manage", "group.details", "invite.create", "invite.edit", "invite.manage", "invite.unlimited", "join.approve",
	"member.ban", "member.kick", "member.mute", "member.nick", "members.view", "message.attach", "message.bypass_slow",
	"message.card", "message.external_emoji", "message.link", "message.mention.all", "message.mention.role", "message.pin",
	"message.react", "message.remove", "message.send", "message.thread", "panel.history", "panel.view", "report.handle",
	"thread.manage",
};
static const char *const member_perms[] = {
	"call.join", "call.share", "call.speak", "call.video", "members.view", "message.attach", "message.external_emoji",
	"message.link", "message.react", "message.send", "message.thread", "panel.history", "panel.view",
};
static const char *const guest_perms[] = {
	"call.join", "call.speak", "message.link", "message.react", "message.send", "panel.history", "panel.view",
};
static const char *const follower_perms[] = { "message.react", "panel.history", "panel.view" };
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static int
perm_list(struct kith_call *c, const char *const *words, size_t n, const struct kith_slice **out, uint32_t *n_out)
{
	struct kith_slice *v = kith_arena_array(c->arena, n, sizeof(*v));

	if (v == NULL)
		return KITH_E_NOMEM;
	for (size_t i = 0; i < n; i++)
		v[i] = kith_slice_str(words[i]);
	*out = v;
	*n_out = (uint32_t)n;
	return KITH_OK;
}

static void
put_implicit(struct kith_buf *b, const struct kith_id *role, const char *const *words, size_t n)
{
	kith_mp_put_array(b, 2);
	kith_mp_put_id(b, role);
	kith_mp_put_array(b, (uint32_t)n);
	for (size_t i = 0; i < n; i++)
		kith_mp_put_cstr(b, words[i]);
}

/* create, the name, this node and its first person: the least that is a group. */
int
kith_group_found(struct kith_call *c, const struct kith_id *founders, uint32_t n_founders, uint64_t kind, uint64_t joins,
    struct kith_slice name, struct kith_group **out)
{
	struct kith_changes *ch = c->host->changes(c->host->ctx);
	struct kith_buf implicit, body;
	struct kith_signer *s = NULL;
	struct kith_group *g = NULL;
	struct kith_account a;
	struct kith_draft d;
	struct kith_op op;
	uint8_t nonce[16];
	const char *why = NULL;
	int r;

	kith_buf_init(&implicit, 0);
	kith_buf_init(&body, 0);
	memset(&d, 0, sizeof(d));
	memset(&op, 0, sizeof(op));
	c->env->random(c->env->ctx, nonce, sizeof(nonce));
	kith_mp_put_array(&implicit, 3);
	put_implicit(&implicit, &kith_role_member, member_perms, COUNT(member_perms));
	put_implicit(&implicit, &kith_role_guest, guest_perms, COUNT(guest_perms));
	put_implicit(&implicit, &kith_role_follower, follower_perms, COUNT(follower_perms));
	op.founders = founders;
	op.n_founders = n_founders;
	op.group_kind = kind;
	op.rules = 1;
	op.nonce = kith_slice_of(nonce, sizeof(nonce));
	op.implicit = kith_buf_slice(&implicit);
	op.joins = joins;
	op.has = KITH_OP_BIT(KITH_OP_FOUNDERS) | KITH_OP_BIT(KITH_OP_GROUP_KIND) | KITH_OP_BIT(KITH_OP_RULES) |
	    KITH_OP_BIT(KITH_OP_NONCE) | KITH_OP_BIT(KITH_OP_IMPLICIT) | KITH_OP_BIT(KITH_OP_JOINS);
	r = kith_buf_err(&implicit);
	if (r == KITH_OK)
		r = kith_call_author(c, &c->session->uid, &a, &s);
	if (r != KITH_OK)
		goto done;
	d.kind = KITH_K_CREATE;
	d.author = a.uid;
	d.doc = a.doc;
	d.account = s;
	d.op = &op;
	r = kith_group_create(c->env, c->self, c->t, c->now, &d, ch, &g, &why);
	if (r != KITH_OK)
		goto done;
	r = c->host->adopt(c->host->ctx, g);
	if (r != KITH_OK) {
		kith_group_close(g);
		goto done;
	}
	r = kith_group_arrive(c, g, &a.uid);
	if (r == KITH_OK && name.n > 0) {
		memset(&d, 0, sizeof(d));
		memset(&op, 0, sizeof(op));
		kith_put_text(&body, "value", name);
		op.key = kith_slice_str("name");
		op.has = KITH_OP_BIT(KITH_OP_KEY);
		d.kind = KITH_K_SET;
		d.op = &op;
		d.body_map = kith_buf_slice(&body);
		r = kith_call_write(c, g, &a.uid, &d, NULL);
	}
	*out = g;
done:
	kith_signer_free(s);
	kith_buf_fini(&implicit);
	kith_buf_fini(&body);
	return r;
}

static int
first_role(struct kith_call *c, struct kith_group *g, const char *name, int level, const char *const *perms, size_t n)
{
	struct kith_draft d;
	struct kith_buf body;
	struct kith_op op;
	int r;

	kith_buf_init(&body, 0);
	memset(&d, 0, sizeof(d));
	memset(&op, 0, sizeof(op));
	kith_put_text(&body, "name", kith_slice_str(name));
	op.level = level;
	r = perm_list(c, perms, n, &op.perms, &op.n_perms);
	op.may = op.perms;
	op.n_may = op.n_perms;
	op.has = KITH_OP_BIT(KITH_OP_LEVEL) | KITH_OP_BIT(KITH_OP_PERMS) | KITH_OP_BIT(KITH_OP_MAY);
	d.kind = KITH_K_ROLE_CREATE;
	d.op = &op;
	d.body_map = kith_buf_slice(&body);
	if (r == KITH_OK)
		r = kith_call_write(c, g, &c->session->uid, &d, NULL);
	kith_buf_fini(&body);
	return r;
}

static int
panel_new(struct kith_call *c, struct kith_group *g, uint64_t kind, struct kith_slice name, struct kith_id *id)
{
	struct kith_draft d;
	struct kith_buf body;
	struct kith_op op;
	int r;

	kith_buf_init(&body, 0);
	memset(&d, 0, sizeof(d));
	memset(&op, 0, sizeof(op));
	kith_put_text(&body, "name", name);
	op.panel_kind = kind;
	op.has = KITH_OP_BIT(KITH_OP_PANEL_KIND);
	d.kind = KITH_K_PANEL_CREATE;
	d.op = &op;
	d.body_map = kith_buf_slice(&body);
	r = kith_call_write(c, g, &c->session->uid, &d, id);
	kith_buf_fini(&body);
	return r;
}

int
kith_group_first_panel(struct kith_call *c, struct kith_group *g, struct kith_id *id)
{
	return panel_new(c, g, KITH_PANEL_CHAT, kith_slice_str("general"), id);
}

/* "chat:NAME" or "announcement:NAME" */
static bool
panel_wanted(struct kith_slice text, uint64_t *kind, struct kith_slice *name)
{
	static const struct { const char *word; uint64_t kind; } kinds[] = { { "chat:", KITH_PANEL_CHAT }, { "announcement:", KITH_PANEL_ANNOUNCEMENT } };

	for (size_t i = 0; i < COUNT(kinds); i++) {
		size_t n = strlen(kinds[i].word);

		if (text.n <= n || memcmp(text.p, kinds[i].word, n) != 0)
			continue;
		*kind = kinds[i].kind;
		*name = kith_slice_from(text, n);
		return name->n <= 100;
	}
	return false;
}

/* What the parameter `panels` names, in its order; `general` if nothing. *first is theirs. */
static int
first_panels(struct kith_call *c, struct kith_group *g, struct kith_id *first)
{
	struct kith_slice name;
	struct kith_mp_reader rd;
	struct kith_id id;
	uint64_t kind;
	uint32_t n;
	int r = KITH_OK;

	if (!kith_arg_has(c->args, "panels"))
		return kith_group_first_panel(c, g, first);
	*first = kith_id_none;
	kith_mp_read(&rd, kith_arg(c->args, "panels")->raw);
	for (n = kith_mp_array(&rd); r == KITH_OK && n > 0; n--) {
		if (!panel_wanted(kith_mp_str(&rd), &kind, &name))
			return KITH_E_MALFORMED;        /* panels_ok has said so before anything was written */
		r = panel_new(c, g, kind, name, &id);
		if (kith_id_is_none(first))
			*first = id;
	}
	return r;
}

static bool
panels_ok(struct kith_call *c)
{
	struct kith_slice name;
	struct kith_mp_reader rd;
	uint64_t kind;
	uint32_t n;

	if (!kith_arg_has(c->args, "panels"))
		return true;
	kith_mp_read(&rd, kith_arg(c->args, "panels")->raw);
	for (n = kith_mp_array(&rd); n > 0; n--) {
		if (!panel_wanted(kith_mp_str(&rd), &kind, &name))
			return false;
	}
	return true;
}

int
kith_api_group_new(struct kith_call *c)
{
	struct kith_slice join = kith_arg_str(c->args, "join");
	struct kith_group *g = NULL;
	struct kith_id panel;
	uint64_t joins = 1;
	bool done;
	int r = kith_txn_replay(c, &done);

	if (r != KITH_OK || done)
		return r;
	if (kith_slice_is(join, "open"))
		joins = 0;
	else if (kith_slice_is(join, "request"))
		joins = 2;
	else if (join.n > 0 && !kith_slice_is(join, "invite"))
		return kith_fail(c, KITH_E_MALFORMED, "invalid_params", "join: open, invite or request");
	if (!panels_ok(c))
		return kith_fail(c, KITH_E_MALFORMED, "invalid_params", "panels: chat:NAME or announcement:NAME, names of at most 100 bytes");
	r = kith_group_found(c, &c->session->uid, 1, 0, joins, kith_arg_str(c->args, "name"), &g);
	if (r == KITH_OK)
		r = first_role(c, g, "Admin", 90, kith_perms, COUNT(kith_perms) - 1);
	if (r == KITH_OK)
		r = first_role(c, g, "Moderator", 50, moderator_perms, COUNT(moderator_perms));
	if (r == KITH_OK)
		r = first_panels(c, g, &panel);
	/* the founder is a member as everybody is: by a join, let in by an admit of their own */
	if (r == KITH_OK)
		r = kith_group_admit_here(c, g, &c->session->uid, &c->session->uid);
	if (r == KITH_OK) {
		kith_mp_put_map(c->result, 2);
		kith_put_key_id(c->result, "id", kith_group_id(g));
		kith_put_key_id(c->result, "panel", &panel);
		r = kith_txn_remember(c);
	}
	return r;
}

int
kith_api_group_leave(struct kith_call *c)
{
	struct kith_group *g;
	struct kith_draft d;
	int r = kith_call_group(c, &g);

	if (r != KITH_OK)
		return r;
	memset(&d, 0, sizeof(d));
	d.kind = KITH_K_LEAVE;
	d.with_cut = true;
	return kith_call_write(c, g, &c->session->uid, &d, NULL);
}

/* ---- invites ---- */

/* KITH_T_INVITE: group, invite -> [maker, secret, made, expires, uses, used, role or empty] */
int
kith_invite_kept_get(struct kith_txn *t, const struct kith_id *group, const struct kith_id *invite, struct kith_invite_kept *out)
{
	struct kith_mp_reader r;
	struct kith_slice v;
	uint8_t key[64];
	int e;

	memcpy(key, group->b, 32);
	memcpy(key + 32, invite->b, 32);
	e = kith_txn_get(t, KITH_T_INVITE, kith_slice_of(key, sizeof(key)), &v);
	if (e != KITH_OK)
		return e;
	memset(out, 0, sizeof(*out));
	out->id = *invite;
	kith_mp_read(&r, v);
	kith_mp_array_exact(&r, 7);
	out->maker = kith_mp_id(&r);
	kith_mp_bin_exact(&r, out->secret, sizeof(out->secret));
	out->made_ms = kith_mp_uint(&r);
	out->expires_ms = kith_mp_uint(&r);
	out->uses = kith_mp_uint(&r);
	out->used = kith_mp_uint(&r);
	out->role = kith_mp_id_or_none(&r);
	return kith_mp_done(&r) ? KITH_OK : KITH_E_CORRUPT;
}

int
kith_invite_kept_put(struct kith_txn *t, const struct kith_id *group, const struct kith_invite_kept *i)
{
	struct kith_buf b;
	uint8_t key[64];
	int r;

	memcpy(key, group->b, 32);
	memcpy(key + 32, i->id.b, 32);
	kith_buf_init(&b, 0);
	kith_mp_put_array(&b, 7);
	kith_mp_put_id(&b, &i->maker);
	kith_mp_put_bin(&b, kith_slice_of(i->secret, sizeof(i->secret)));
	kith_mp_put_uint(&b, i->made_ms);
	kith_mp_put_uint(&b, i->expires_ms);
	kith_mp_put_uint(&b, i->uses);
	kith_mp_put_uint(&b, i->used);
	kith_mp_put_id_or_none(&b, &i->role);
	r = kith_buf_err(&b);
	if (r == KITH_OK)
		r = kith_txn_put(t, KITH_T_INVITE, kith_slice_of(key, sizeof(key)), kith_buf_slice(&b));
	kith_buf_fini(&b);
	return r;
}

/* Where the group can be reached: this node first, then others of the group that have addresses. */
static void
link_nodes(struct kith_call *c, struct kith_group *g, struct kith_link *l)
{
	struct kith_group_node n;
	size_t it = 0;

	l->node[0].node = c->self->node;
	for (size_t i = 0; i < c->conf->n_addresses && i < 4; i++) {
		struct kith_slice a = kith_slice_str(c->conf->address[i]);

		if (a.n < sizeof(l->node[0].addr[0]))
			memcpy(l->node[0].addr[l->node[0].n_addrs++], a.p, a.n);
	}
	l->n_nodes = 1;
	while (l->n_nodes < KITH_LINK_NODES_MAX && kith_group_node_next(g, &it, &n)) {
		struct kith_node_record rec;

		if (n.banned || kith_id_eq(&n.node, &c->self->node) || kith_node_get(c->t, &n.node, &rec) != KITH_OK || rec.n_addrs == 0)
			continue;
		l->node[l->n_nodes].node = n.node;
		for (size_t i = 0; i < rec.n_addrs && i < 2; i++) {
			if (rec.addr[i].n < sizeof(l->node[0].addr[0]))
				memcpy(l->node[l->n_nodes].addr[l->node[l->n_nodes].n_addrs++], rec.addr[i].p, rec.addr[i].n);
		}
		l->n_nodes++;
	}
}

uint64_t
kith_join_policy(struct kith_group *g)
{
	struct kith_authority *a = kith_group_authority(g);
	const struct kith_act *act = kith_authority_register(a, &kith_id_none, kith_slice_str("joins"));

	if (act == NULL && kith_authority_count(a) > 0)
		act = kith_authority_at(a, 0);
	return act != NULL && act->op != NULL && (act->op->has & KITH_OP_BIT(KITH_OP_JOINS)) != 0 ? act->op->joins : 1;
}

/* Where people ask to be let in, the link says where to knock and nothing more. */
static int
knock_link(struct kith_call *c, struct kith_group *g)
{
	struct kith_link l;
	struct kith_buf text;
	char base[300];
	int r;

	memset(&l, 0, sizeof(l));
	kith_buf_init(&text, 0);
	l.group = *kith_group_id(g);
	link_nodes(c, g, &l);
	kith_group_name(c->t, kith_group_id(g), l.name, sizeof(l.name));
	snprintf(base, sizeof(base), "%s/invite", c->conf->url);
	r = kith_link_write(&l, base, &text);
	if (r == KITH_OK) {
		kith_mp_put_map(c->result, 2);
		kith_put_key_id(c->result, "id", &kith_id_none);
		kith_mp_put_cstr(c->result, "link");
		kith_mp_put_str(c->result, kith_slice_str((const char *)text.p));
	}
	kith_buf_fini(&text);
	return r;
}

int
kith_api_invite_new(struct kith_call *c)
{
	struct kith_missings none = { { NULL, 0, 0 } };
	struct kith_invite_kept kept;
	struct kith_invite_new n;
	struct kith_link l;
	struct kith_buf raw, text;
	struct kith_group *g;
	char base[300];
	int64_t ttl = kith_arg_num(c->args, "expires", 0);
	int r = kith_call_group(c, &g);

	if (r != KITH_OK)
		return r;
	if (!kith_group_may(g, &c->session->uid, &kith_id_none, "invite.create"))
		return kith_fail(c, KITH_E_DENIED, "denied", "none of your roles here may invite");
	if (kith_join_policy(g) == 2)
		return knock_link(c, g);
	kith_buf_init(&raw, 0);
	kith_buf_init(&text, 0);
	memset(&n, 0, sizeof(n));
	memset(&l, 0, sizeof(l));
	memset(&kept, 0, sizeof(kept));
	n.group = l.group = *kith_group_id(g);
	n.maker = kept.maker = c->session->uid;
	n.node = c->self->node;
	n.role = kept.role = kith_arg_id(c->args, "role");
	n.panel = kith_arg_id(c->args, "panel");
	n.made_ms = kept.made_ms = c->now.wall_ms;
	n.expires_ms = kept.expires_ms = ttl > 0 ? c->now.wall_ms + (uint64_t)ttl : 0;
	n.uses = kept.uses = (uint64_t)kith_arg_num(c->args, "uses", 0);
	if (n.uses > 0 || n.expires_ms > 0)
		n.counter = c->self->node;
	n.guests = kith_arg_flag(c->args, "guests", true);
	c->env->random(c->env->ctx, n.nonce, sizeof(n.nonce));
	c->env->random(c->env->ctx, n.secret, sizeof(n.secret));
	memcpy(kept.secret, n.secret, sizeof(kept.secret));
	memcpy(l.secret, n.secret, sizeof(l.secret));
	link_nodes(c, g, &l);
	kith_group_name(c->t, kith_group_id(g), l.name, sizeof(l.name));
	r = kith_invite_make(&n, c->self->sign, &raw, &kept.id);
	l.invite = kept.id;
	if (r == KITH_OK)
		r = kith_group_object(g, c->t, c->now, KITH_O_INVITE, kith_buf_slice(&raw), true, c->host->changes(c->host->ctx), &none);
	if (r == KITH_OK)
		r = kith_invite_kept_put(c->t, &l.group, &kept);
	snprintf(base, sizeof(base), "%s/invite", c->conf->url);
	if (r == KITH_OK)
		r = kith_link_write(&l, base, &text);
	if (r == KITH_OK) {
		kith_mp_put_map(c->result, 2);
		kith_put_key_id(c->result, "id", &kept.id);
		kith_mp_put_cstr(c->result, "link");
		kith_mp_put_str(c->result, kith_slice_str((const char *)text.p));
	}
	kith_wipe(&n, sizeof(n));
	kith_wipe(&l, sizeof(l));
	kith_vec_fini(&none.list);
	kith_buf_fini(&raw);
	kith_buf_fini(&text);
	return r;
}

struct nodes { struct kith_call *c; uint32_t n; };

static void
put_node(struct nodes *out, const struct kith_id *node, uint32_t people, bool banned)
{
	struct kith_call *c = out->c;
	bool self = kith_id_eq(node, &c->self->node);
	uint64_t rtt_ms = 0;
	char name[64];

	kith_render_node(c->t, node, name, sizeof(name));
	kith_mp_put_map(c->result, 7);
	kith_mp_put_cstr(c->result, "banned");
	kith_mp_put_bool(c->result, banned);
	kith_mp_put_cstr(c->result, "linked");
	kith_mp_put_bool(c->result, !self && c->host->linked(c->host->ctx, node, &rtt_ms));
	kith_mp_put_cstr(c->result, "name");
	kith_mp_put_cstr(c->result, name);
	kith_put_key_id(c->result, "node", node);
	kith_mp_put_cstr(c->result, "people");
	kith_mp_put_uint(c->result, people);
	kith_mp_put_cstr(c->result, "rtt");
	kith_mp_put_uint(c->result, rtt_ms);
	kith_mp_put_cstr(c->result, "self");
	kith_mp_put_bool(c->result, self);
	out->n++;
}

/* Shut out; its people are in no roster any more. */
static bool
one_banned_node(void *ctx, const struct kith_fact *f, bool on)
{
	struct nodes *out = ctx;

	if (!on)
		put_node(out, &f->a, 0, true);
	return out->n < 1000;
}

int
kith_api_group_nodes(struct kith_call *c)
{
	struct nodes out = { .c = c };
	struct kith_group_node node;
	struct kith_group *g;
	size_t it = 0, mark;
	int r = kith_call_group(c, &g);

	if (r != KITH_OK)
		return r;
	kith_mp_put_map(c->result, 1);
	kith_mp_put_cstr(c->result, "nodes");
	mark = kith_mp_begin(c->result);
	while (kith_group_node_next(g, &it, &node)) {
		if (!node.banned && (node.members > 0 || kith_id_eq(&node.node, &c->self->node)))
			put_node(&out, &node.node, node.members, false);
	}
	r = kith_state_facts(c->t, kith_group_id(g), KITH_F_NODE, one_banned_node, &out);
	kith_mp_end_array(c->result, mark, out.n);
	return r;
}
