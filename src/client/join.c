#include <stdlib.h>
#include <string.h>

#include "base/b32.h"
#include "client/common.h"
#include "client/friends.h"
#include "crypto/sign.h"
#include "id/doc.h"
#include "storage/ledger.h"
#include "wire/mp.h"

/*
 * Coming in. By a link: its group is fetched from the nodes that it names, an
 * invite with a limit is countersigned by its counting node, the join is
 * written. A link without an invite is a knock: the request is mailed to those
 * nodes, and whoever may approve writes an `admit`, which is mailed back.
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

static int
write_join(struct kith_call *c, struct kith_group *g, const struct kith_id *uid, struct kith_op *op)
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
	return write_join(c, g, uid, &op);
}

static int
joined(struct kith_call *c, const struct kith_id *group, const char *state)
{
	char name[256];

	kith_group_name(c->t, group, name, sizeof(name));
	kith_mp_put_map(c->result, 3);
	kith_put_key_id(c->result, "group", group);
	kith_mp_put_cstr(c->result, "name");
	kith_mp_put_cstr(c->result, name);
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

	(void)from;
	if (kind == KITH_ASK_PREVIEW)
		return kith_preview_tell(c, payload);
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

static int
knock(struct kith_call *c, const struct kith_link *l)
{
	struct kith_account a;
	struct kith_slice doc;
	struct kith_buf p;
	int r = kith_account_get(c->t, &c->session->uid, &a);

	if (r == KITH_OK)
		r = kith_account_doc(c->t, &a, &doc);
	if (r != KITH_OK)
		return r;
	kith_buf_init(&p, 0);
	kith_mp_put_array(&p, 4);
	kith_mp_put_id(&p, &l->group);
	kith_mp_put_id(&p, &a.uid);
	kith_mp_put_cstr(&p, a.handle);
	kith_mp_put_bin(&p, doc);
	r = kith_buf_err(&p);
	for (size_t i = 0; r == KITH_OK && i < l->n_nodes; i++) {
		if (kith_id_eq(&l->node[i].node, &c->self->node)) {
			r = kith_client_mail(c, &c->self->node, KITH_MAIL_JOIN_REQUEST, kith_buf_slice(&p));
			continue;
		}
		for (size_t k = 0; r == KITH_OK && k < l->node[i].n_addrs; k++)
			r = c->host->meet(c->host->ctx, c, l->node[i].addr[k]);
		if (r == KITH_OK)
			r = c->host->mail(c->host->ctx, c, &l->node[i].node, KITH_MAIL_JOIN_REQUEST, kith_buf_slice(&p));
	}
	kith_buf_fini(&p);
	return r == KITH_OK ? joined(c, &l->group, "requested") : r;
}

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
			return joined(c, &l.group, "member");
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
		return knock(c, &l);
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
	r = write_join(c, g, &c->session->uid, &op);
	return r == KITH_OK ? joined(c, group, "member") : r;
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
	r = write_join(c, g, &c->session->uid, &op);
	return r == KITH_OK ? joined(c, &l.group, "member") : r;
}

int
kith_call_answered(struct kith_call *c, int err, struct kith_slice answer)
{
	if (c->m->run == kith_api_invite_preview)
		return kith_preview_answered(c, err, answer);
	return c->m->run == kith_api_group_join ? join_counted(c, err, answer) : kith_user_answered(c, err, answer);
}

/* ---- being let in ---- */

int
kith_let_in(struct kith_call *c, const struct kith_id *group, const struct kith_id *uid)
{
	struct kith_group *g = c->host->group(c->host->ctx, c->t, group);
	struct kith_member m;
	struct kith_op op;
	int r;

	if (g == NULL || !kith_group_is_held(g))
		return KITH_E_NOTFOUND;
	if (kith_group_member(g, uid, &m) == KITH_OK && m.member)
		return KITH_OK;
	memset(&op, 0, sizeof(op));
	op.how = 2;
	r = write_join(c, g, uid, &op);
	if (r == KITH_OK)
		r = kith_dm_met(c, g, uid);
	return r;
}

/* Tells the home of uid that they have been let into a group. */
static int
tell_let_in(struct kith_call *c, const struct kith_id *group, const struct kith_id *uid, const struct kith_id *home)
{
	struct kith_buf p;
	int r;

	kith_buf_init(&p, 0);
	kith_mp_put_array(&p, 2);
	kith_mp_put_id(&p, group);
	kith_mp_put_id(&p, uid);
	r = kith_buf_err(&p);
	if (r == KITH_OK)
		r = c->host->mail(c->host->ctx, c, home, KITH_MAIL_GROUP, kith_buf_slice(&p));
	kith_buf_fini(&p);
	return r;
}

/* KITH_T_INVITE: group, uid, 'q' -> [home, handle, asked ms] */
static void
request_key(const struct kith_id *group, const struct kith_id *uid, uint8_t key[65])
{
	memcpy(key, group->b, 32);
	memcpy(key + 32, uid->b, 32);
	key[64] = 'q';
}

static int
take_request(struct kith_call *c, const struct kith_id *from, struct kith_slice payload)
{
	struct kith_slice handle, raw;
	struct kith_mp_reader rd;
	struct kith_id group, uid;
	struct kith_doc doc;
	struct kith_buf b;
	uint8_t key[65];
	int r;

	kith_mp_read(&rd, payload);
	kith_mp_array_exact(&rd, 4);
	group = kith_mp_id(&rd);
	uid = kith_mp_id(&rd);
	handle = kith_mp_str(&rd);
	raw = kith_mp_bin(&rd);
	if (!kith_mp_done(&rd) || kith_doc_parse(raw, &doc) != KITH_OK || !kith_id_eq(&doc.uid, &uid) || !kith_id_eq(&doc.home, from) ||
	    !kith_slice_eq(doc.handle, handle))
		return KITH_E_DENIED;
	if (c->host->group(c->host->ctx, c->t, &group) == NULL)
		return KITH_E_DENIED;
	request_key(&group, &uid, key);
	kith_buf_init(&b, 0);
	kith_mp_put_array(&b, 3);
	kith_mp_put_id(&b, from);
	kith_mp_put_str(&b, handle);
	kith_mp_put_uint(&b, c->now.wall_ms);
	r = kith_buf_err(&b);
	if (r == KITH_OK)
		r = kith_txn_put(c->t, KITH_T_INVITE, kith_slice_of(key, sizeof(key)), kith_buf_slice(&b));
	kith_buf_fini(&b);
	return r;
}

int
kith_client_mail(struct kith_call *c, const struct kith_id *from, uint32_t kind, struct kith_slice payload)
{
	struct kith_mp_reader rd;
	struct kith_id group, uid;
	struct kith_account a;

	if (kind == KITH_MAIL_FRIEND)
		return kith_friend_mail(c, from, payload);
	if (kind == KITH_MAIL_JOIN_REQUEST)
		return take_request(c, from, payload);
	if (kind != KITH_MAIL_GROUP)
		return KITH_E_DENIED;
	kith_mp_read(&rd, payload);
	kith_mp_array_exact(&rd, 2);
	group = kith_mp_id(&rd);
	uid = kith_mp_id(&rd);
	if (!kith_mp_done(&rd) || kith_account_get(c->t, &uid, &a) != KITH_OK)
		return KITH_E_DENIED;
	return c->host->let_in(c->host->ctx, c, &group, &uid, from);
}

int
kith_api_request_admit(struct kith_call *c)
{
	struct kith_id user = kith_arg_id(c->args, "user"), home, id;
	struct kith_mp_reader rd;
	struct kith_slice v;
	struct kith_group *g;
	struct kith_draft d;
	struct kith_op op;
	uint8_t key[65];
	int r = kith_call_group(c, &g);

	if (r != KITH_OK)
		return r;
	memset(&d, 0, sizeof(d));
	memset(&op, 0, sizeof(op));
	op.users = &user;
	op.n_users = 1;
	op.has = KITH_OP_BIT(KITH_OP_USERS);
	d.kind = KITH_K_ADMIT;
	d.op = &op;
	r = kith_call_act(c, g, &c->session->uid, &d, &id);
	if (r != KITH_OK)
		return r;
	request_key(kith_group_id(g), &user, key);
	r = kith_txn_get(c->t, KITH_T_INVITE, kith_slice_of(key, sizeof(key)), &v);
	if (r == KITH_OK) {
		kith_mp_read(&rd, v);
		kith_mp_array_exact(&rd, 3);
		home = kith_mp_id(&rd);
		r = kith_txn_del(c->t, KITH_T_INVITE, kith_slice_of(key, sizeof(key)));
		if (r == KITH_OK)
			r = kith_id_eq(&home, &c->self->node) ? kith_let_in(c, kith_group_id(g), &user) :
			    tell_let_in(c, kith_group_id(g), &user, &home);
	}
	return r == KITH_OK || r == KITH_E_NOTFOUND ? kith_result_id(c, &id) : r;
}

int
kith_api_request_refuse(struct kith_call *c)
{
	struct kith_id user = kith_arg_id(c->args, "user");
	struct kith_group *g;
	uint8_t key[65];
	int r = kith_call_group(c, &g);

	if (r != KITH_OK)
		return r;
	if (!kith_group_may(g, &c->session->uid, &kith_id_none, "join.approve"))
		return kith_fail(c, KITH_E_DENIED, "denied", "none of your roles here may do that");
	request_key(kith_group_id(g), &user, key);
	r = kith_txn_del(c->t, KITH_T_INVITE, kith_slice_of(key, sizeof(key)));
	return r == KITH_E_NOTFOUND ? kith_fail(c, r, "not_found", "nobody of that id has asked") : r;
}

/* ---- direct conversations ---- */

/* KITH_T_USER: uid, 'd', other -> group: the conversation of two */
static void
dm_key(const struct kith_id *uid, const struct kith_id *other, uint8_t key[65])
{
	memcpy(key, uid->b, 32);
	key[32] = 'd';
	memcpy(key + 33, other->b, 32);
}

static int
dm_get(struct kith_call *c, const struct kith_id *uid, const struct kith_id *other, struct kith_id *group)
{
	struct kith_slice v;
	uint8_t key[65];
	int r;

	dm_key(uid, other, key);
	r = kith_txn_get(c->t, KITH_T_USER, kith_slice_of(key, sizeof(key)), &v);
	if (r == KITH_OK && v.n != KITH_ID_BYTES)
		r = KITH_E_CORRUPT;
	if (r == KITH_OK)
		memcpy(group->b, v.p, KITH_ID_BYTES);
	return r;
}

/* KITH_T_USER: uid, 't', group that stands -> its twin, whose messages are shown in it; uid, 'T', twin -> the one that stands */
static int
dm_twin(struct kith_call *c, const struct kith_id *uid, const struct kith_id *stands, const struct kith_id *twin)
{
	uint8_t key[65];

	int r;

	dm_key(uid, stands, key);
	key[32] = 't';
	r = kith_txn_put(c->t, KITH_T_USER, kith_slice_of(key, sizeof(key)), kith_id_slice(twin));
	if (r != KITH_OK)
		return r;
	dm_key(uid, twin, key);
	key[32] = 'T';
	return kith_txn_put(c->t, KITH_T_USER, kith_slice_of(key, sizeof(key)), kith_id_slice(stands));
}

/* The first conversation of two may be made at both ends at once: the smaller id stands. */
static int
dm_keep(struct kith_call *c, const struct kith_id *uid, const struct kith_id *other, const struct kith_id *group)
{
	struct kith_id old;
	uint8_t key[65];
	int r = dm_get(c, uid, other, &old);

	if (r != KITH_OK && r != KITH_E_NOTFOUND)
		return r;
	if (r == KITH_OK && kith_id_eq(&old, group))
		return KITH_OK;
	if (r == KITH_OK && kith_id_cmp(&old, group) < 0)
		return dm_twin(c, uid, &old, group);
	if (r == KITH_OK) {
		r = dm_twin(c, uid, group, &old);
		if (r != KITH_OK)
			return r;
	}
	dm_key(uid, other, key);
	return kith_txn_put(c->t, KITH_T_USER, kith_slice_of(key, sizeof(key)), kith_id_slice(group));
}

/* uid, who lives here, has come into a group: if it is a conversation of two, remember with whom. */
int
kith_dm_met(struct kith_call *c, struct kith_group *g, const struct kith_id *uid)
{
	const struct kith_act *create = kith_authority_count(kith_group_authority(g)) > 0 ? kith_authority_at(kith_group_authority(g), 0) : NULL;

	if (create == NULL || create->kind != KITH_K_CREATE || create->op == NULL || create->op->group_kind != 1 || create->op->n_founders != 2)
		return KITH_OK;
	for (uint32_t i = 0; i < 2; i++) {
		if (kith_id_eq(&create->op->founders[i], uid))
			return dm_keep(c, uid, &create->op->founders[1 - i], kith_group_id(g));
	}
	return KITH_OK;
}

static int
dm_panel(struct kith_group *g, struct kith_id *panel)
{
	struct kith_authority *a = kith_group_authority(g);

	for (uint32_t i = 0; i < kith_authority_count(a); i++) {
		const struct kith_act *act = kith_authority_at(a, i);

		if (act->kind == KITH_K_PANEL_CREATE && act->effective) {
			*panel = act->id;
			return KITH_OK;
		}
	}
	return KITH_E_NOTFOUND;
}

static int
id_order(const void *x, const void *y)
{
	return kith_id_cmp(x, y);
}

int
kith_api_dm_open(struct kith_call *c)
{
	struct kith_id people[50], group, panel;
	struct kith_mp_reader rd;
	struct kith_group *g = NULL;
	struct kith_draft d;
	struct kith_op op;
	uint32_t n, k = 0;
	int r;

	kith_mp_read(&rd, kith_arg(c->args, "users")->raw);
	n = kith_mp_array(&rd);
	for (uint32_t i = 0; i < n; i++) {
		if (kith_id_parse(kith_mp_str(&rd), &people[k]) != KITH_OK)
			return kith_fail(c, KITH_E_MALFORMED, "invalid_params", "users: uids");
		if (!kith_id_eq(&people[k], &c->session->uid))
			k++;
	}
	people[k++] = c->session->uid;
	qsort(people, k, sizeof(people[0]), id_order);
	n = 0;
	for (uint32_t i = 0; i < k; i++) {
		if (n == 0 || !kith_id_eq(&people[n - 1], &people[i]))
			people[n++] = people[i];
	}
	if (n < 2)
		return kith_fail(c, KITH_E_MALFORMED, "invalid_params", "users: somebody other than yourself");
	if (n == 2) {
		const struct kith_id *other = kith_id_eq(&people[0], &c->session->uid) ? &people[1] : &people[0];
		struct kith_member m;

		r = dm_get(c, &c->session->uid, other, &group);
		if (r != KITH_OK && r != KITH_E_NOTFOUND)
			return r;
		if (r == KITH_OK) {
			g = c->host->group(c->host->ctx, c->t, &group);
			if (g != NULL && (kith_group_member(g, &c->session->uid, &m) != KITH_OK || !m.member))
				g = NULL;
		}
	}
	if (g == NULL) {
		for (uint32_t i = 0; i < n; i++) {
			struct kith_id home;

			r = kith_home_of(c, &people[i], &home);
			if (r == KITH_E_NOTFOUND)
				return kith_fail(c, r, "not_found", "one of these people is not known here: find them first by name@node");
			if (r != KITH_OK)
				return r;
		}
		r = kith_group_found(c, people, n, 1, 1, kith_slice_of(NULL, 0), &g);
		if (r == KITH_OK)
			r = kith_group_first_panel(c, g, &panel);
		memset(&d, 0, sizeof(d));
		memset(&op, 0, sizeof(op));
		op.users = people;
		op.n_users = n;
		op.has = KITH_OP_BIT(KITH_OP_USERS);
		d.kind = KITH_K_ADMIT;
		d.op = &op;
		if (r == KITH_OK)
			r = kith_call_write(c, g, &c->session->uid, &d, NULL);
		for (uint32_t i = 0; r == KITH_OK && i < n; i++) {
			struct kith_id home;

			r = kith_home_of(c, &people[i], &home);
			if (r == KITH_OK)
				r = kith_id_eq(&home, &c->self->node) ? kith_let_in(c, kith_group_id(g), &people[i]) :
				    tell_let_in(c, kith_group_id(g), &people[i], &home);
		}
		if (r != KITH_OK)
			return r;
	}
	r = dm_panel(g, &panel);
	if (r != KITH_OK)
		return r;
	kith_mp_put_map(c->result, 2);
	kith_put_key_id(c->result, "group", kith_group_id(g));
	kith_put_key_id(c->result, "panel", &panel);
	return KITH_OK;
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
