#include <string.h>

#include "base/b32.h"
#include "client/common.h"
#include "client/profile.h"
#include "client/render.h"
#include "client/session.h"
#include "client/state.h"
#include "wire/mp.h"

/* What one may know of oneself, this node and the people of a group. */

int
kith_api_node_info(struct kith_call *c)
{
	struct kith_slice v;
	struct kith_id node = kith_id_none;

	if (kith_txn_get(c->t, KITH_T_META, kith_slice_str("node"), &v) == KITH_OK && v.n == KITH_ID_BYTES)
		memcpy(node.b, v.p, v.n);
	kith_mp_put_map(c->result, 7);
	kith_mp_put_cstr(c->result, "mail");
	kith_mp_put_bool(c->result, c->conf->mail);
	kith_mp_put_cstr(c->result, "name");
	kith_mp_put_cstr(c->result, c->conf->name);
	kith_put_key_id(c->result, "node", &node);
	kith_mp_put_cstr(c->result, "now");
	kith_mp_put_uint(c->result, c->now.wall_ms);
	kith_mp_put_cstr(c->result, "pictures");
	kith_mp_put_bool(c->result, c->conf->pictures);
	kith_mp_put_cstr(c->result, "registration");
	kith_mp_put_cstr(c->result, c->conf->registration == KITH_REG_OPEN ? "open" : c->conf->registration == KITH_REG_INVITE ? "invite" : "closed");
	kith_mp_put_cstr(c->result, "version");
	kith_mp_put_cstr(c->result, c->conf->version);
	return KITH_OK;
}

int
kith_api_account_me(struct kith_call *c)
{
	struct kith_slice v;
	struct kith_account a;
	struct kith_profile p;
	struct kith_id node = kith_id_none;
	char email[256];
	int r = kith_account_get(c->t, &c->session->uid, &a);

	if (r == KITH_OK)
		r = kith_profile_own(c->t, &a.uid, &p);
	if (r != KITH_OK)
		return r;
	if (kith_txn_get(c->t, KITH_T_META, kith_slice_str("node"), &v) == KITH_OK && v.n == KITH_ID_BYTES)
		memcpy(node.b, v.p, v.n);
	kith_mp_put_map(c->result, 10);
	kith_put_key_id(c->result, "avatar", &p.avatar);
	kith_mp_put_cstr(c->result, "bio");
	kith_mp_put_cstr(c->result, p.bio);
	kith_mp_put_cstr(c->result, "email");
	kith_mp_put_cstr(c->result, kith_account_address(c->t, &a.uid, email));
	kith_mp_put_cstr(c->result, "guest");
	kith_mp_put_bool(c->result, (a.flags & KITH_ACC_GUEST) != 0);
	kith_mp_put_cstr(c->result, "handle");
	kith_mp_put_cstr(c->result, a.handle);
	kith_mp_put_cstr(c->result, "nick");
	kith_mp_put_cstr(c->result, p.name);
	kith_put_key_id(c->result, "node", &node);
	kith_mp_put_cstr(c->result, "pronouns");
	kith_mp_put_cstr(c->result, p.pronouns);
	kith_mp_put_cstr(c->result, "status");
	kith_mp_put_cstr(c->result, p.status);
	kith_put_key_id(c->result, "uid", &a.uid);
	return KITH_OK;
}

struct listing { struct kith_call *c; uint32_t n; };

static void
one_session(void *ctx, const struct kith_session *s)
{
	struct listing *l = ctx;
	struct kith_buf *b = l->c->result;

	kith_mp_put_map(b, 7);
	kith_mp_put_cstr(b, "client");
	kith_mp_put_cstr(b, s->client);
	kith_mp_put_cstr(b, "current");
	kith_mp_put_bool(b, kith_id_eq(&s->id, &l->c->session->id));
	kith_mp_put_cstr(b, "expires");
	kith_mp_put_uint(b, s->expires_ms);
	kith_put_key_id(b, "id", &s->id);
	kith_mp_put_cstr(b, "made");
	kith_mp_put_uint(b, s->made_ms);
	kith_mp_put_cstr(b, "scopes");
	kith_put_scopes(b, s->scopes);
	kith_mp_put_cstr(b, "seen");
	kith_mp_put_uint(b, s->seen_ms);
	l->n++;
}

int
kith_api_session_list(struct kith_call *c)
{
	struct listing l = { .c = c };
	size_t mark;
	int r;

	kith_mp_put_map(c->result, 1);
	kith_mp_put_cstr(c->result, "sessions");
	mark = kith_mp_begin(c->result);
	r = kith_session_each(c->t, &c->session->uid, one_session, &l);
	kith_mp_end_array(c->result, mark, l.n);
	return r;
}

/* ---- the people of a group ---- */

int
kith_read_group(struct kith_call *c, struct kith_id *group)
{
	*group = kith_arg_id(c->args, "group");
	if (!kith_state_is_member(c->t, group, &c->session->uid))
		return kith_fail(c, KITH_E_NOTFOUND, "not_found", "you are in no such group");
	return KITH_OK;
}

struct roles { struct kith_txn *t; const struct kith_id *group, *uid; struct kith_buf *b; uint32_t n; };

static bool
one_role_held(void *ctx, const struct kith_fact *f, bool on)
{
	struct roles *r = ctx;
	struct kith_fact exists = { .kind = KITH_F_ROLE, .a = f->b };
	char name[256];

	if (!on || !kith_id_eq(&f->a, r->uid) || !kith_state_fact(r->t, r->group, &exists))
		return true;
	kith_render_name(r->t, r->group, &exists.a, name, sizeof(name));
	kith_mp_put_cstr(r->b, name);
	r->n++;
	return true;
}

static void
put_member(struct kith_call *c, const struct kith_id *group, const struct kith_member *m)
{
	struct kith_fact f = { .a = m->uid };
	struct roles roles = { .t = c->t, .group = group, .uid = &m->uid, .b = c->result };
	char text[KITH_HANDLE_MAX + 1];
	struct kith_profile p;
	size_t mark;

	if (kith_profile_shown(c->t, group, &m->uid, &p) != KITH_OK)
		memset(&p, 0, sizeof(p));
	kith_mp_put_map(c->result, 12);
	kith_put_key_id(c->result, "avatar", &p.avatar);
	kith_mp_put_cstr(c->result, "banned");
	f.kind = KITH_F_NOT_BANNED;
	kith_mp_put_bool(c->result, !kith_state_fact(c->t, group, &f));
	kith_mp_put_cstr(c->result, "guest");
	kith_mp_put_bool(c->result, m->guest);
	kith_render_handle(c->t, group, &m->uid, text, sizeof(text));
	kith_mp_put_cstr(c->result, "handle");
	kith_mp_put_cstr(c->result, text);
	kith_mp_put_cstr(c->result, "muted");
	f.kind = KITH_F_VOICE;
	kith_mp_put_bool(c->result, !kith_state_fact(c->t, group, &f));
	kith_mp_put_cstr(c->result, "nick");
	kith_mp_put_cstr(c->result, p.name);
	kith_put_key_id(c->result, "node", &m->node);
	kith_render_node(c->t, &m->node, text, sizeof(text));
	kith_mp_put_cstr(c->result, "node_name");
	kith_mp_put_cstr(c->result, text);
	kith_mp_put_cstr(c->result, "owner");
	f.kind = KITH_F_OWNER;
	kith_mp_put_bool(c->result, kith_state_fact(c->t, group, &f));
	kith_mp_put_cstr(c->result, "roles");
	mark = kith_mp_begin(c->result);
	(void)!kith_state_facts(c->t, group, KITH_F_HOLDS, one_role_held, &roles);      /* a list cut short is still a list */
	kith_mp_end_array(c->result, mark, roles.n);
	kith_mp_put_cstr(c->result, "status");
	kith_mp_put_cstr(c->result, p.status);
	kith_put_key_id(c->result, "uid", &m->uid);
}

int
kith_api_member_list(struct kith_call *c)
{
	struct kith_id after = kith_arg_id(c->args, "after"), group;
	int64_t limit = kith_arg_num(c->args, "limit", 100);
	struct kith_state_group sg;
	struct kith_member m;
	uint32_t n = 0;
	size_t mark;
	int r = kith_read_group(c, &group);

	if (r == KITH_OK)
		r = kith_state_group(c->t, &group, &sg);
	if (r != KITH_OK)
		return r;
	kith_mp_put_map(c->result, 2);
	kith_mp_put_cstr(c->result, "members");
	mark = kith_mp_begin(c->result);
	while (n < limit && kith_state_member_next(c->t, &group, &after, &m)) {
		if (!m.member)
			continue;
		put_member(c, &group, &m);
		n++;
	}
	kith_mp_end_array(c->result, mark, n);
	kith_mp_put_cstr(c->result, "total");
	kith_mp_put_uint(c->result, sg.members);
	return KITH_OK;
}

struct bans { struct kith_call *c; const struct kith_id *group; uint32_t n; };

static bool
one_ban(void *ctx, const struct kith_fact *f, bool on)
{
	struct bans *b = ctx;
	char handle[KITH_HANDLE_MAX + 1];

	if (on)
		return true;
	kith_render_handle(b->c->t, b->group, &f->a, handle, sizeof(handle));
	kith_mp_put_map(b->c->result, 2);
	kith_mp_put_cstr(b->c->result, "handle");
	kith_mp_put_cstr(b->c->result, handle);
	kith_put_key_id(b->c->result, "uid", &f->a);
	return ++b->n < 1000;
}

int
kith_api_member_banned(struct kith_call *c)
{
	struct kith_id group;
	struct bans b = { .c = c, .group = &group };
	size_t mark;
	int r = kith_read_group(c, &group);

	if (r != KITH_OK)
		return r;
	if (!kith_state_may(c->t, &group, &c->session->uid, &kith_id_none, "member.ban"))
		return kith_fail(c, KITH_E_DENIED, "denied", "none of your roles here may ban");
	kith_mp_put_map(c->result, 1);
	kith_mp_put_cstr(c->result, "banned");
	mark = kith_mp_begin(c->result);
	r = kith_state_facts(c->t, &group, KITH_F_NOT_BANNED, one_ban, &b);
	kith_mp_end_array(c->result, mark, b.n);
	return r;
}

/* Rows of KITH_T_INVITE that begin with the group and have keys of `len` bytes. */
static int
invite_rows(struct kith_call *c, const struct kith_id *group, size_t len, bool (*fn)(void *ctx, struct kith_slice k, struct kith_slice v), void *ctx)
{
	struct kith_cursor *cur = NULL;
	struct kith_slice k, v;
	int r = kith_cursor_open(c->t, KITH_T_INVITE, &cur);

	if (r != KITH_OK)
		return r;
	for (r = kith_cursor_seek(cur, kith_id_slice(group), false, &k, &v); r == KITH_OK; r = kith_cursor_step(cur, false, &k, &v)) {
		if (k.n < KITH_ID_BYTES || memcmp(k.p, group->b, KITH_ID_BYTES) != 0)
			break;
		if (k.n == len && !fn(ctx, k, v))
			break;
	}
	kith_cursor_close(cur);
	return r == KITH_E_NOTFOUND ? KITH_OK : r;
}

struct rows { struct kith_call *c; struct kith_id group; uint32_t n; };

static bool
one_invite(void *ctx, struct kith_slice k, struct kith_slice v)
{
	struct rows *rows = ctx;
	struct kith_buf *b = rows->c->result;
	struct kith_invite_kept kept;
	struct kith_fact stands = { .kind = KITH_F_INVITE };
	char handle[KITH_HANDLE_MAX + 1];
	struct kith_id id;

	(void)v;
	memcpy(id.b, k.p + 32, 32);
	if (kith_invite_kept_get(rows->c->t, &rows->group, &id, &kept) != KITH_OK)
		return true;
	stands.a = id;
	kith_mp_put_map(b, 9);
	kith_mp_put_cstr(b, "expires");
	kith_mp_put_uint(b, kept.expires_ms);
	kith_put_key_id(b, "id", &id);
	kith_mp_put_cstr(b, "made");
	kith_mp_put_uint(b, kept.made_ms);
	kith_render_handle(rows->c->t, &rows->group, &kept.maker, handle, sizeof(handle));
	kith_mp_put_cstr(b, "maker");
	kith_mp_put_cstr(b, handle);
	kith_mp_put_cstr(b, "revoked");
	kith_mp_put_bool(b, !kith_state_fact(rows->c->t, &rows->group, &stands));
	kith_put_key_id(b, "role", &kept.role);
	kith_put_key_id(b, "uid", &kept.maker);
	kith_mp_put_cstr(b, "used");
	kith_mp_put_uint(b, kept.used);
	kith_mp_put_cstr(b, "uses");
	kith_mp_put_uint(b, kept.uses);
	return ++rows->n < 1000;
}

int
kith_api_invite_list(struct kith_call *c)
{
	struct rows rows = { .c = c };
	size_t mark;
	int r = kith_read_group(c, &rows.group);

	if (r != KITH_OK)
		return r;
	if (!kith_state_may(c->t, &rows.group, &c->session->uid, &kith_id_none, "invite.create"))
		return kith_fail(c, KITH_E_DENIED, "denied", "none of your roles here may invite");
	kith_mp_put_map(c->result, 1);
	kith_mp_put_cstr(c->result, "invites");
	mark = kith_mp_begin(c->result);
	r = invite_rows(c, &rows.group, 64, one_invite, &rows);
	kith_mp_end_array(c->result, mark, rows.n);
	return r;
}

static bool
one_request(void *ctx, struct kith_slice k, struct kith_slice v)
{
	struct rows *rows = ctx;
	struct kith_buf *b = rows->c->result;
	struct kith_mp_reader r;
	struct kith_slice handle, answers;
	struct kith_id uid, home;
	uint64_t asked;

	memcpy(uid.b, k.p + 32, 32);
	kith_mp_read(&r, v);
	kith_mp_array_exact(&r, 4);
	home = kith_mp_id(&r);
	handle = kith_mp_str(&r);
	asked = kith_mp_uint(&r);
	answers = kith_mp_skip(&r);
	if (!kith_mp_done(&r))
		return true;
	kith_mp_put_map(b, 5);
	kith_mp_put_cstr(b, "answers");
	kith_mp_put_raw(b, answers);
	kith_mp_put_cstr(b, "asked");
	kith_mp_put_uint(b, asked);
	kith_mp_put_cstr(b, "handle");
	kith_mp_put_str(b, handle);
	kith_put_key_id(b, "node", &home);
	kith_put_key_id(b, "uid", &uid);
	return ++rows->n < 1000;
}

int
kith_api_request_list(struct kith_call *c)
{
	struct rows rows = { .c = c };
	char text[2049];
	size_t mark;
	int r = kith_read_group(c, &rows.group);

	if (r != KITH_OK)
		return r;
	if (!kith_state_may(c->t, &rows.group, &c->session->uid, &kith_id_none, "join.approve"))
		return kith_fail(c, KITH_E_DENIED, "denied", "none of your roles here may let people in");
	kith_render_register(c->t, &rows.group, &kith_id_none, "questions", text, sizeof(text));
	kith_mp_put_map(c->result, 2);
	kith_mp_put_cstr(c->result, "questions");
	kith_put_questions(c->result, kith_slice_str(text));
	kith_mp_put_cstr(c->result, "requests");
	mark = kith_mp_begin(c->result);
	r = invite_rows(c, &rows.group, 65, one_request, &rows);
	kith_mp_end_array(c->result, mark, rows.n);
	return r;
}
