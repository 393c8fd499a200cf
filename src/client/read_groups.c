#include <string.h>

#include "base/b32.h"
#include "client/common.h"
#include "client/own.h"
#include "client/render.h"
#include "client/state.h"
#include "storage/ledger.h"
#include "wire/mp.h"

/* Groups, roles and acts, as a member sees them. */

/* A conversation has no name of its own: it is called by whom one talks to. */
static void
conversation_name(struct kith_call *c, const struct kith_id *group, char *out, size_t cap)
{
	struct kith_id after = kith_id_none;
	struct kith_member m;
	size_t n = 0;

	out[0] = '\0';
	while (n + 1 < cap && kith_state_member_next(c->t, group, &after, &m)) {
		char handle[KITH_HANDLE_MAX + 1];
		size_t len;

		if (!m.member || kith_id_eq(&m.uid, &c->session->uid))
			continue;
		kith_render_handle(c->t, group, &m.uid, handle, sizeof(handle));
		len = strlen(handle);
		if (n + len + 3 > cap)
			break;
		if (n > 0) {
			memcpy(out + n, ", ", 2);
			n += 2;
		}
		memcpy(out + n, handle, len + 1);
		n += len;
	}
}

/* The others of a conversation; of a group nobody, since those are listed by the page. */
static void
put_people(struct kith_call *c, const struct kith_id *group, bool direct)
{
	struct kith_id after = kith_id_none;
	size_t mark = kith_mp_begin(c->result);
	struct kith_member m;
	uint32_t n = 0;

	while (direct && n < 50 && kith_state_member_next(c->t, group, &after, &m)) {
		if (!m.member || kith_id_eq(&m.uid, &c->session->uid))
			continue;
		kith_put_id_str(c->result, &m.uid);
		n++;
	}
	kith_mp_end_array(c->result, mark, n);
}

/* Anybody who may may set it to anything: what is no id is no picture. */
static void
put_picture(struct kith_call *c, const struct kith_id *group, const char *key)
{
	char text[KITH_ID_STR + 1];
	struct kith_id id;

	kith_render_register(c->t, group, &kith_id_none, key, text, sizeof(text));
	if (kith_id_parse(kith_slice_str(text), &id) != KITH_OK)
		id = kith_id_none;
	kith_put_key_id(c->result, key, &id);
}

static int
put_group(struct kith_call *c, const struct kith_id *group, const struct kith_state_group *sg)
{
	static const char *const joins[] = { "open", "invite", "request" };
	struct kith_fact owner = { .kind = KITH_F_OWNER, .a = c->session->uid };
	struct kith_buf *b = c->result;
	char name[512], text[2049];
	int r;

	kith_group_name(c->t, group, name, sizeof(name));
	if (name[0] == '\0' && sg->kind == 1)
		conversation_name(c, group, name, sizeof(name));
	kith_mp_put_map(b, 13);
	put_picture(c, group, "avatar");
	put_picture(c, group, "banner");
	kith_mp_put_cstr(b, "description");
	kith_render_register(c->t, group, &kith_id_none, "description", text, sizeof(text));
	kith_mp_put_cstr(b, text);
	kith_put_key_id(b, "id", group);
	kith_mp_put_cstr(b, "join");
	kith_mp_put_cstr(b, sg->joins < 3 ? joins[sg->joins] : "invite");
	kith_mp_put_cstr(b, "kind");
	kith_mp_put_cstr(b, sg->kind == 1 ? "direct" : "group");
	kith_mp_put_cstr(b, "language");
	kith_render_register(c->t, group, &kith_id_none, "language", text, sizeof(text));
	kith_mp_put_cstr(b, text);
	kith_mp_put_cstr(b, "members");
	kith_mp_put_uint(b, sg->members);
	kith_mp_put_cstr(b, "name");
	kith_mp_put_cstr(b, name);
	kith_mp_put_cstr(b, "nodes");
	kith_mp_put_uint(b, sg->nodes);
	kith_mp_put_cstr(b, "owner");
	kith_mp_put_bool(b, kith_state_fact(c->t, group, &owner));
	r = kith_put_panels(c, group, true);
	if (r != KITH_OK)
		return r;
	kith_mp_put_cstr(b, "people");
	put_people(c, group, sg->kind == 1);
	return KITH_OK;
}

int
kith_api_group_list(struct kith_call *c)
{
	struct kith_id after = kith_id_none;
	struct kith_state_group sg;
	uint32_t n = 0;
	size_t mark;
	int r = KITH_OK;

	kith_mp_put_map(c->result, 1);
	kith_mp_put_cstr(c->result, "groups");
	mark = kith_mp_begin(c->result);
	while (r == KITH_OK && n < 10000 && kith_user_group_next(c->t, &c->session->uid, &after)) {
		if (!kith_state_is_member(c->t, &after, &c->session->uid) || kith_state_group(c->t, &after, &sg) != KITH_OK ||
		    kith_user_is_twin(c->t, &c->session->uid, &after))
			continue;
		kith_arena_reset(c->arena);
		r = put_group(c, &after, &sg);
		n++;
	}
	kith_mp_end_array(c->result, mark, n);
	return r;
}

/* ---- roles ---- */

struct role_facts {
	struct kith_call *c;
	const struct kith_id *group, *role;
	uint32_t n;
};

static bool
one_perm(void *ctx, const struct kith_fact *f, bool on)
{
	struct role_facts *r = ctx;

	if (on && kith_id_eq(&f->a, r->role)) {
		kith_mp_put_str(r->c->result, f->perm);
		r->n++;
	}
	return true;
}

static bool
one_holder(void *ctx, const struct kith_fact *f, bool on)
{
	struct role_facts *r = ctx;

	if (on && kith_id_eq(&f->b, r->role)) {
		kith_put_id_str(r->c->result, &f->a);
		r->n++;
	}
	return true;
}

static int
put_role(struct kith_call *c, const struct kith_id *group, const struct kith_id *role, const char *fixed_name)
{
	struct role_facts rf = { .c = c, .group = group, .role = role };
	struct kith_buf *b = c->result;
	struct kith_ledger_record rec;
	struct kith_record h;
	struct kith_op op;
	char name[256];
	size_t mark;
	int r;

	memset(&op, 0, sizeof(op));
	if (fixed_name == NULL && (kith_ledger_get_id(c->t, role, &rec) != KITH_OK || kith_record_parse(rec.header, &h) != KITH_OK ||
	    kith_op_parse(h.kind, h.op, c->arena, &op) != KITH_OK))
		return KITH_E_CORRUPT;
	kith_mp_put_map(b, 6);
	kith_mp_put_cstr(b, "holders");
	mark = kith_mp_begin(b);
	r = kith_state_facts(c->t, group, KITH_F_HOLDS, one_holder, &rf);
	kith_mp_end_array(b, mark, rf.n);
	kith_put_key_id(b, "id", role);
	kith_mp_put_cstr(b, "level");
	kith_mp_put_int(b, op.level);
	kith_mp_put_cstr(b, "may");
	kith_mp_put_array(b, op.n_may);
	for (uint32_t i = 0; i < op.n_may; i++)
		kith_mp_put_str(b, op.may[i]);
	if (fixed_name != NULL)
		memcpy(name, fixed_name, strlen(fixed_name) + 1);
	else
		kith_render_name(c->t, group, role, name, sizeof(name));
	kith_mp_put_cstr(b, "name");
	kith_mp_put_cstr(b, name);
	kith_mp_put_cstr(b, "perms");
	rf.n = 0;
	mark = kith_mp_begin(b);
	if (r == KITH_OK)
		r = kith_state_facts(c->t, group, KITH_F_ROLE_PERM, one_perm, &rf);
	kith_mp_end_array(b, mark, rf.n);
	return r;
}

struct ids { struct kith_id v[256]; size_t n; };

static bool
one_role(void *ctx, const struct kith_fact *f, bool on)
{
	struct ids *l = ctx;

	if (on && l->n < 256 && !kith_role_is_implicit(&f->a))
		l->v[l->n++] = f->a;
	return true;
}

int
kith_api_role_list(struct kith_call *c)
{
	struct ids *ids = kith_arena_alloc(c->arena, sizeof(*ids));
	struct kith_id group;
	int r = kith_read_group(c, &group);

	if (r != KITH_OK)
		return r;
	if (ids == NULL)
		return KITH_E_NOMEM;
	r = kith_state_facts(c->t, &group, KITH_F_ROLE, one_role, ids);
	kith_mp_put_map(c->result, 1);
	kith_mp_put_cstr(c->result, "roles");
	kith_mp_put_array(c->result, (uint32_t)ids->n + 3);
	for (size_t i = 0; r == KITH_OK && i < ids->n; i++)
		r = put_role(c, &group, &ids->v[i], NULL);
	if (r == KITH_OK)
		r = put_role(c, &group, &kith_role_member, "Member");
	if (r == KITH_OK)
		r = put_role(c, &group, &kith_role_guest, "Guest");
	if (r == KITH_OK)
		r = put_role(c, &group, &kith_role_follower, "Follower");
	return r;
}

/* ---- acts ---- */

static void
put_act(struct kith_call *c, const struct kith_id *group, const struct kith_ledger_record *rec, const struct kith_record *h, uint32_t state)
{
	static const char *const words[] = { "reason", "value", "name" };
	struct kith_buf *b = c->result;
	char handle[KITH_HANDLE_MAX + 1], text[2049] = "", order[KITH_ORDER_STR];
	struct kith_slice body, v;
	struct kith_mp_reader r;
	struct kith_op op;

	memset(&op, 0, sizeof(op));
	if (kith_op_parse(h->kind, h->op, c->arena, &op) != KITH_OK)
		op.has = 0;
	if (kith_ledger_body_get(c->t, rec->pos, &body) == KITH_OK && kith_record_body_ok(h, body) == KITH_OK) {
		for (size_t i = 0; i < 3 && text[0] == '\0'; i++) {
			v = kith_mp_find(kith_body_map(body), words[i]);
			kith_mp_read(&r, v);
			if (v.n > 0 && kith_mp_peek(&r) == KITH_MP_STR) {
				struct kith_slice s = kith_mp_str(&r);
				size_t n = s.n < sizeof(text) ? s.n : 0;

				if (n > 0)
					memcpy(text, s.p, n);
				text[n] = '\0';
			}
		}
	}
	kith_render_handle(c->t, group, &h->author, handle, sizeof(handle));
	kith_order_text(rec->clock, kith_id_prefix(&rec->id), order);
	kith_mp_put_map(b, 18);
	kith_mp_put_cstr(b, "author");
	kith_mp_put_cstr(b, handle);
	kith_mp_put_cstr(b, "clock");
	kith_mp_put_uint(b, h->clock >> 16);
	kith_put_key_id(b, "id", &h->id);
	kith_put_key_id(b, "invite", &op.invite);
	kith_mp_put_cstr(b, "key");
	kith_mp_put_str(b, op.key);
	kith_mp_put_cstr(b, "kind");
	kith_mp_put_cstr(b, kith_kind_name(h->kind) != NULL ? kith_kind_name(h->kind) : "unknown");
	kith_put_key_id(b, "node", &op.node);
	kith_mp_put_cstr(b, "order");
	kith_mp_put_cstr(b, order);
	kith_put_key_id(b, "panel", &op.panel);
	kith_mp_put_cstr(b, "perms");
	kith_mp_put_array(b, op.n_perms);
	for (uint32_t i = 0; i < op.n_perms; i++)
		kith_mp_put_str(b, op.perms[i]);
	kith_put_key_id(b, "role", &op.role);
	kith_mp_put_cstr(b, "state");
	kith_mp_put_cstr(b, (state & KITH_S_REJECTED) != 0 ? "invalid" : (state & KITH_S_VOID) != 0 ? "void" : "effective");
	kith_mp_put_cstr(b, "text");
	kith_mp_put_cstr(b, text);
	kith_put_key_id(b, "uid", &h->author);
	kith_mp_put_cstr(b, "uids");
	kith_mp_put_array(b, op.n_users);
	for (uint32_t i = 0; i < op.n_users; i++)
		kith_put_id_str(b, &op.users[i]);
	kith_mp_put_cstr(b, "until");
	kith_mp_put_uint(b, op.until_ms);
	kith_mp_put_cstr(b, "users");
	kith_mp_put_array(b, op.n_users);
	for (uint32_t i = 0; i < op.n_users; i++) {
		char who[KITH_HANDLE_MAX + 1], id[KITH_ID_STR];

		kith_render_handle(c->t, group, &op.users[i], who, sizeof(who));
		kith_mp_put_cstr(b, who[0] != '\0' ? who : kith_id_str(&op.users[i], id));
	}
	kith_put_key_id(b, "via", &h->via);
}

struct place { uint64_t clock, id_head, pos; };

static bool
older(uint64_t clock, uint64_t id_head, uint64_t than_clock, uint64_t than_id_head)
{
	return clock < than_clock || (clock == than_clock && id_head < than_id_head);
}

/* The newest acts of one feed that are older than `before`, merged into top (newest first, at most limit). */
static int
newest_of_feed(struct kith_txn *t, uint32_t feedno, const struct place *before, struct place *top, size_t *n_top, size_t limit)
{
	struct kith_ledger_at at[256];
	uint64_t from = 0;
	size_t n;

	do {
		int r = kith_ledger_range(t, feedno, from, at, 256, &n);

		if (r != KITH_OK)
			return r;
		for (size_t k = 0; k < n; k++) {
			struct kith_ledger_record rec;
			uint64_t head;
			size_t i = *n_top;

			from = at[k].seq + 1;
			if (kith_ledger_get(t, at[k].pos, &rec) != KITH_OK)
				continue;
			head = kith_id_prefix(&rec.id);
			if (!older(rec.clock, head, before->clock, before->id_head))
				continue;
			while (i > 0 && older(top[i - 1].clock, top[i - 1].id_head, rec.clock, head))
				i--;
			if (i >= limit)
				continue;
			if (*n_top < limit)
				(*n_top)++;
			memmove(&top[i + 1], &top[i], (*n_top - 1 - i) * sizeof(top[0]));
			top[i] = (struct place){ rec.clock, head, rec.pos };
		}
	} while (n == 256);
	return KITH_OK;
}

int
kith_api_audit_list(struct kith_call *c)
{
	struct kith_slice text = kith_arg_str(c->args, "before");
	size_t limit = (size_t)kith_arg_num(c->args, "limit", 50), n_top = 0, n_refs, mark;
	struct place before = { UINT64_MAX, UINT64_MAX, 0 }, top[100];
	struct kith_ledger_feed_ref refs[64];
	struct kith_ledger_key after;
	struct kith_id group;
	uint32_t n_out = 0;
	bool more = true, first = true;
	int r = kith_read_group(c, &group);

	if (r != KITH_OK)
		return r;
	if (!kith_state_may(c->t, &group, &c->session->uid, &kith_id_none, "audit.view"))
		return kith_fail(c, KITH_E_DENIED, "denied", "none of your roles here may see the audit log");
	if (text.n > 0 && kith_order_parse(text, &before.clock, &before.id_head) != KITH_OK)
		return kith_fail(c, KITH_E_MALFORMED, "invalid_params", "before: the order of an act");
	while (r == KITH_OK && more) {
		r = kith_ledger_feeds(c->t, &group, &kith_scope_authority, first ? NULL : &after, refs, 64, &n_refs);
		first = false;
		more = r == KITH_OK && n_refs == 64;
		for (size_t i = 0; r == KITH_OK && i < n_refs; i++) {
			after = refs[i].key;
			r = newest_of_feed(c->t, refs[i].feedno, &before, top, &n_top, limit);
		}
	}
	if (r != KITH_OK)
		return r;
	kith_mp_put_map(c->result, 1);
	kith_mp_put_cstr(c->result, "acts");
	mark = kith_mp_begin(c->result);
	for (size_t i = 0; i < n_top; i++) {
		struct kith_ledger_record rec;
		struct kith_record h;
		uint32_t state = 0;

		if (kith_ledger_get(c->t, top[i].pos, &rec) != KITH_OK || kith_record_parse(rec.header, &h) != KITH_OK ||
		    kith_ledger_state_get(c->t, top[i].pos, &state) != KITH_OK)
			continue;
		kith_arena_reset(c->arena);
		put_act(c, &group, &rec, &h, state);
		n_out++;
	}
	kith_mp_end_array(c->result, mark, n_out);
	return KITH_OK;
}
