#include <stdlib.h>
#include <string.h>

#include "base/b32.h"
#include "client/common.h"
#include "client/files.h"
#include "client/friends.h"
#include "crypto/sign.h"
#include "id/doc.h"
#include "storage/ledger.h"
#include "wire/mp.h"

/*
 * Coming in. By a link: its group is fetched from the nodes that it names, an
 * invite with a limit is countersigned by its counting node, the join is
 * written. A link without an invite is a knock (knock.c).
 */

#define FIRST_PAGE 50

/* Whoever comes in looks at the newest first; the rest fills in behind. */
static int
want_newest(struct kith_call *c, struct kith_group *g, const struct kith_id *uid)
{
	struct kith_fact f;
	size_t it = 0;
	int r = KITH_OK;

	while (r == KITH_OK && kith_authority_fact_next(kith_group_authority(g), &it, &f)) {
		struct kith_id panel = f.a;

		if (f.kind == KITH_F_PANEL && kith_group_may(g, uid, &panel, "panel.view"))
			r = c->host->want_history(c->host->ctx, c, kith_group_id(g), &panel, UINT64_MAX, FIRST_PAGE);
	}
	return r;
}

int
kith_join_write(struct kith_call *c, struct kith_group *g, const struct kith_id *uid, struct kith_op *op)
{
	struct kith_account a;
	struct kith_draft d;
	int r = kith_group_arrive(c, g, uid);

	if (r == KITH_OK)
		r = kith_account_get(c->t, uid, &a);
	if (r != KITH_OK)
		return r;
	memset(&d, 0, sizeof(d));
	op->has |= KITH_OP_BIT(KITH_OP_HOW);
	d.kind = KITH_K_JOIN;
	d.op = op;
	d.with_cut = a.doc_n > 0;
	r = kith_call_write(c, g, uid, &d, NULL);
	return r == KITH_OK ? want_newest(c, g, uid) : r;
}

int
kith_group_admit_here(struct kith_call *c, struct kith_group *g, const struct kith_id *by, const struct kith_id *uid)
{
	struct kith_fact admitted = { .kind = KITH_F_ADMITTED, .a = *uid };
	const struct kith_view *now;
	struct kith_draft d;
	struct kith_op op;
	int r = kith_authority_now(kith_group_authority(g), &now);

	if (r != KITH_OK)
		return r;
	memset(&op, 0, sizeof(op));
	if (!kith_view_fact(now, &admitted)) {
		memset(&d, 0, sizeof(d));
		op.users = uid;
		op.n_users = 1;
		op.has = KITH_OP_BIT(KITH_OP_USERS);
		d.kind = KITH_K_ADMIT;
		d.op = &op;
		r = kith_call_act(c, g, by, &d, NULL);
		if (r != KITH_OK)
			return r;
		memset(&op, 0, sizeof(op));
	}
	op.how = 2;
	return kith_join_write(c, g, uid, &op);
}

int
kith_joined(struct kith_call *c, const struct kith_id *group, const char *state)
{
	struct kith_id panel = kith_id_none;
	struct kith_invite inv;
	struct kith_slice raw;
	struct kith_link l;
	char name[256];
	uint8_t type;

	/* where the invite leads to, if it says so */
	if (kith_call_link(c, &l) == KITH_OK && kith_ledger_object_get(c->t, &l.invite, &type, &raw) == KITH_OK && type == KITH_O_INVITE &&
	    kith_invite_parse(raw, &inv) == KITH_OK)
		panel = inv.panel;
	kith_group_name(c->t, group, name, sizeof(name));
	kith_mp_put_map(c->result, 4);
	kith_put_key_id(c->result, "group", group);
	kith_mp_put_cstr(c->result, "name");
	kith_mp_put_cstr(c->result, name);
	kith_put_key_id(c->result, "panel", &panel);
	kith_mp_put_cstr(c->result, "state");
	kith_mp_put_cstr(c->result, state);
	return KITH_OK;
}

/* ---- counting the uses of an invite ---- */

/* KITH_T_INVITE: group, invite, uid -> count u64: used by them */
static int
count_use(struct kith_call *c, const struct kith_id *group, const struct kith_id *invite, const struct kith_id *uid,
    uint64_t *count, uint8_t sig[KITH_SIG_BYTES])
{
	struct kith_invite_kept kept;
	struct kith_slice v;
	struct kith_buf b;
	uint8_t key[96], be[8];
	int r = kith_invite_kept_get(c->t, group, invite, &kept);

	if (r != KITH_OK)
		return r;
	memcpy(key, group->b, 32);
	memcpy(key + 32, invite->b, 32);
	memcpy(key + 64, uid->b, 32);
	r = kith_txn_get(c->t, KITH_T_INVITE, kith_slice_of(key, sizeof(key)), &v);
	if (r == KITH_OK && v.n == 8) {
		*count = kith_get_be64(v.p);
	} else if (r == KITH_E_NOTFOUND) {
		if ((kept.expires_ms > 0 && c->now.wall_ms >= kept.expires_ms) || (kept.uses > 0 && kept.used >= kept.uses))
			return KITH_E_DENIED;
		*count = ++kept.used;
		kith_put_be64(be, *count);
		r = kith_txn_put(c->t, KITH_T_INVITE, kith_slice_of(key, sizeof(key)), kith_slice_of(be, sizeof(be)));
		if (r == KITH_OK)
			r = kith_invite_kept_put(c->t, group, &kept);
	}
	if (r != KITH_OK)
		return r;
	kith_buf_init(&b, 0);
	kith_count_bytes(invite, *count, uid, &b);
	r = kith_buf_err(&b);
	if (r == KITH_OK)
		kith_sign(c->self->sign, KITH_L_COUNT, kith_buf_slice(&b), sig);
	kith_buf_fini(&b);
	return r;
}

int
kith_client_question(struct kith_call *c, const struct kith_id *from, uint32_t kind, struct kith_slice payload)
{
	struct kith_mp_reader r;

	if (kind == KITH_ASK_PREVIEW)
		return kith_preview_tell(c, payload);
	if (kind == KITH_ASK_FILE)
		return kith_fetch_tell(c, from, payload);
	kith_mp_read(&r, payload);
	if (kind == KITH_ASK_COUNT) {
		struct kith_id group, invite, uid;
		uint8_t sig[KITH_SIG_BYTES];
		uint64_t count = 0;
		int e;

		kith_mp_array_exact(&r, 3);
		group = kith_mp_id(&r);
		invite = kith_mp_id(&r);
		uid = kith_mp_id(&r);
		if (!kith_mp_done(&r))
			return KITH_E_MALFORMED;
		e = count_use(c, &group, &invite, &uid, &count, sig);
		if (e != KITH_OK)
			return e;
		kith_mp_put_array(c->result, 2);
		kith_mp_put_uint(c->result, count);
		kith_mp_put_bin(c->result, kith_slice_of(sig, sizeof(sig)));
		return KITH_OK;
	}
	if (kind == KITH_ASK_WHO) {
		struct kith_slice text;
		struct kith_account a;
		struct kith_id uid[8];
		struct kith_slice name;
		uint32_t number;
		size_t n;

		text = kith_mp_str(&r);
		if (!kith_mp_done(&r) || text.n > KITH_HANDLE_MAX)
			return KITH_E_MALFORMED;
		kith_handle_split(text, &name, &number);
		n = kith_account_named(c->t, name, uid, 8);
		{
			size_t mark = kith_mp_begin(c->result);
			uint32_t found = 0;

			for (size_t i = 0; i < n; i++) {
				struct kith_slice doc;
				struct kith_slice an;
				uint32_t anum;

				if (kith_account_get(c->t, &uid[i], &a) != KITH_OK || (a.flags & KITH_ACC_DISABLED) != 0)
					continue;
				kith_handle_split(kith_slice_str(a.handle), &an, &anum);
				if ((number != 0 && anum != number) || kith_account_doc(c->t, &a, &doc) != KITH_OK)
					continue;
				kith_mp_put_array(c->result, 3);
				kith_mp_put_id(c->result, &a.uid);
				kith_mp_put_cstr(c->result, a.handle);
				kith_mp_put_bin(c->result, doc);
				found++;
			}
			kith_mp_end_array(c->result, mark, found);
		}
		return kith_buf_err(c->result);
	}
	return KITH_E_NOTFOUND;
}

/* ---- joining by a link ---- */

int
kith_api_group_join(struct kith_call *c)
{
	struct kith_group *g;
	struct kith_member m;
	struct kith_link l;
	int r = kith_call_link(c, &l);

	if (r != KITH_OK)
		return r;
	g = c->host->group(c->host->ctx, c->t, &l.group);
	if (g != NULL && kith_group_is_held(g)) {
		if (kith_group_member(g, &c->session->uid, &m) == KITH_OK && m.member)
			return kith_joined(c, &l.group, "member");
		if (!kith_id_is_none(&l.invite)) {
			bool has = false;

			r = kith_ledger_object_has(c->t, &l.invite, &has);
			if (r != KITH_OK)
				return r;
			if (has)
				return kith_call_fetched(c, &l.group, KITH_OK);
		}
	}
	if (kith_id_is_none(&l.invite))
		return kith_knock(c, &l);
	r = c->host->fetch_group(c->host->ctx, c, &l.group, &l, NULL);
	return r == KITH_OK ? KITH_PENDING : r;
}

static int
unreachable(struct kith_call *c)
{
	return kith_fail(c, KITH_E_BUSY, "unreachable", "none of the servers that the link names can be reached now: try again later, or ask for a new link");
}

int
kith_call_fetched(struct kith_call *c, const struct kith_id *group, int err)
{
	struct kith_fact open = { .kind = KITH_F_JOINS_OPEN };
	const struct kith_view *now;
	struct kith_invite inv;
	struct kith_group *g;
	struct kith_slice raw;
	struct kith_link l;
	struct kith_op op;
	uint8_t type;
	int r = kith_call_link(c, &l);

	if (r != KITH_OK)
		return r;
	if (err == KITH_E_DENIED || err == KITH_E_NOTFOUND)
		return kith_fail(c, KITH_E_DENIED, "denied", "that invite does not stand any more: ask for a new one");
	if (err != KITH_OK)
		return unreachable(c);
	g = c->host->group(c->host->ctx, c->t, group);
	if (g == NULL || !kith_group_is_held(g))
		return unreachable(c);
	r = kith_authority_now(kith_group_authority(g), &now);
	if (r != KITH_OK)
		return r;
	memset(&op, 0, sizeof(op));
	r = kith_ledger_object_get(c->t, &l.invite, &type, &raw);
	if (r == KITH_OK && kith_invite_parse(raw, &inv) != KITH_OK)
		r = KITH_E_CORRUPT;
	if (r == KITH_E_NOTFOUND)
		return kith_fail(c, KITH_E_DENIED, "denied", "that invite does not stand any more: ask for a new one");
	if (r != KITH_OK)
		return r;
	op.invite = l.invite;
	op.how = 1;
	op.has = KITH_OP_BIT(KITH_OP_INVITE);
	if (kith_view_fact(now, &open) && kith_id_is_none(&inv.role)) {
		op.how = 0;
		op.has = 0;
	} else if (!kith_id_is_none(&inv.counter)) {
		struct kith_id counter = inv.counter;
		uint8_t sig[KITH_SIG_BYTES];

		if (!kith_id_eq(&counter, &c->self->node)) {
			struct kith_buf p;

			kith_buf_init(&p, 0);
			kith_mp_put_array(&p, 3);
			kith_mp_put_id(&p, group);
			kith_mp_put_id(&p, &l.invite);
			kith_mp_put_id(&p, &c->session->uid);
			r = kith_buf_err(&p);
			if (r == KITH_OK)
				r = c->host->ask(c->host->ctx, c, &counter, KITH_ASK_COUNT, kith_buf_slice(&p));
			kith_buf_fini(&p);
			return r == KITH_OK ? KITH_PENDING : r;
		}
		r = count_use(c, group, &l.invite, &c->session->uid, &op.count, sig);
		if (r == KITH_E_DENIED || r == KITH_E_NOTFOUND)
			return kith_fail(c, KITH_E_DENIED, "denied", "that invite is used up or has expired: ask for a new one");
		if (r != KITH_OK)
			return r;
		op.count_sig = kith_arena_copy(c->arena, kith_slice_of(sig, sizeof(sig)));
		op.has |= KITH_OP_BIT(KITH_OP_COUNT) | KITH_OP_BIT(KITH_OP_COUNT_SIG);
	}
	r = kith_join_write(c, g, &c->session->uid, &op);
	return r == KITH_OK ? kith_joined(c, group, "member") : r;
}

/* The counting node has answered a join. */
static int
join_counted(struct kith_call *c, int err, struct kith_slice answer)
{
	struct kith_mp_reader rd;
	struct kith_group *g;
	struct kith_link l;
	struct kith_op op;
	int r = kith_call_link(c, &l);

	if (r != KITH_OK)
		return r;
	if (err == KITH_E_BUSY)
		return kith_fail(c, KITH_E_BUSY, "unreachable", "the server that counts this invite's uses cannot be reached now: try again later");
	memset(&op, 0, sizeof(op));
	kith_mp_read(&rd, answer);
	if (err == KITH_OK) {
		kith_mp_array_exact(&rd, 2);
		op.count = kith_mp_uint(&rd);
		op.count_sig = kith_mp_bin(&rd);
	}
	if (err != KITH_OK || !kith_mp_done(&rd) || op.count_sig.n != KITH_SIG_BYTES)
		return kith_fail(c, KITH_E_DENIED, "denied", "that invite is used up or has expired: ask for a new one");
	g = c->host->group(c->host->ctx, c->t, &l.group);
	if (g == NULL || !kith_group_is_held(g))
		return unreachable(c);
	op.how = 1;
	op.invite = l.invite;
	op.has = KITH_OP_BIT(KITH_OP_INVITE) | KITH_OP_BIT(KITH_OP_COUNT) | KITH_OP_BIT(KITH_OP_COUNT_SIG);
	r = kith_join_write(c, g, &c->session->uid, &op);
	return r == KITH_OK ? kith_joined(c, &l.group, "member") : r;
}

int
kith_call_answered(struct kith_call *c, int err, struct kith_slice answer)
{
	if (c->m->run == kith_api_invite_preview)
		return kith_preview_answered(c, err, answer);
	if (c->m == &kith_file_method_fetch)
		return kith_fetch_answered(c, err, answer);
	return c->m->run == kith_api_group_join ? join_counted(c, err, answer) : kith_user_answered(c, err, answer);
}

/* ---- what a join here sets off ---- */

/* A join by an invite that was made here and promises a role: its maker's home gives it. */
int
kith_client_noticed(struct kith_call *c, const struct kith_change *change)
{
	struct kith_invite_kept kept;
	struct kith_ledger_record rec;
	struct kith_id user, id;
	struct kith_record h;
	struct kith_draft d;
	struct kith_group *g;
	struct kith_op op;
	int r;

	if (change->what != KITH_C_NEW || change->kind != KITH_K_JOIN || (change->state & (KITH_S_HIDDEN | KITH_S_REJECTED | KITH_S_WAITING)) != 0)
		return KITH_OK;
	r = kith_ledger_get_id(c->t, &change->id, &rec);
	if (r == KITH_OK)
		r = kith_record_parse(rec.header, &h);
	if (r == KITH_OK)
		r = kith_op_parse(h.kind, h.op, c->arena, &op);
	if (r != KITH_OK || op.how != 1)
		return KITH_OK;
	if (kith_invite_kept_get(c->t, &change->group, &op.invite, &kept) != KITH_OK || kith_id_is_none(&kept.role))
		return KITH_OK;
	g = c->host->group(c->host->ctx, c->t, &change->group);
	if (g == NULL)
		return KITH_OK;
	user = h.author;
	memset(&op, 0, sizeof(op));
	memset(&d, 0, sizeof(d));
	op.role = kept.role;
	op.users = &user;
	op.n_users = 1;
	op.has = KITH_OP_BIT(KITH_OP_ROLE) | KITH_OP_BIT(KITH_OP_USERS);
	d.kind = KITH_K_ROLE_GRANT;
	d.op = &op;
	r = kith_call_act(c, g, &kept.maker, &d, &id);
	/* the maker may have lost the right to give it */
	return r == KITH_E_DENIED || r == KITH_E_NOTFOUND ? KITH_OK : r;
}
