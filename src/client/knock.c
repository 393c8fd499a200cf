#include <string.h>

#include "client/common.h"
#include "client/friends.h"
#include "client/render.h"
#include "client/state.h"
#include "id/doc.h"
#include "wire/mp.h"

/*
 * Asking to be let in, and being let in. A knock is mailed to the nodes that a link
 * names and waits there; whoever may approve it writes an `admit`, which is mailed
 * back, and the home of who asked writes the join. Nobody is brought into a group
 * that they have not asked for; a conversation comes by itself, but strangers have
 * no more than a few of those (friends.h), and who is blocked none.
 */
#define REQUESTS_MAX 1000               /* that wait in one group */

/* ---- questions ---- */

/* The next line that says something. */
static bool
next_question(struct kith_slice *text, struct kith_slice *line)
{
	while (text->n > 0) {
		const uint8_t *end = memchr(text->p, '\n', text->n);
		size_t n = end != NULL ? (size_t)(end - text->p) : text->n;

		*line = kith_slice_of(text->p, n);
		*text = kith_slice_from(*text, end != NULL ? n + 1 : n);
		if (n > 0)
			return true;
	}
	return false;
}

void
kith_put_questions(struct kith_buf *b, struct kith_slice text)
{
	char cut[KITH_QUESTION_MAX + 1];
	struct kith_slice line;
	size_t mark = kith_mp_begin(b);
	uint32_t n = 0;

	while (n < KITH_QUESTIONS_MAX && next_question(&text, &line)) {
		kith_copy_text(line, cut, sizeof(cut));
		kith_mp_put_cstr(b, cut);
		n++;
	}
	kith_mp_end_array(b, mark, n);
}

bool
kith_questions_ok(struct kith_slice text)
{
	struct kith_slice line;
	size_t n = 0;

	while (next_question(&text, &line)) {
		if (++n > KITH_QUESTIONS_MAX || line.n > KITH_QUESTION_MAX)
			return false;
	}
	return true;
}

/* A list of at most so many answers: as long as the questions or shorter, in their order. */
static bool
answers_ok(struct kith_slice list)
{
	struct kith_mp_reader rd;
	uint32_t n;

	kith_mp_read(&rd, list);
	if (kith_mp_peek(&rd) != KITH_MP_ARRAY)
		return false;
	n = kith_mp_array(&rd);
	if (n > KITH_QUESTIONS_MAX)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		if (kith_mp_peek(&rd) != KITH_MP_STR || kith_mp_str(&rd).n > KITH_ANSWER_MAX)
			return false;
	}
	return kith_mp_done(&rd);
}

/* ---- what people here have asked for. KITH_T_USER: uid, 'j', group -> u64: when (ms) ---- */

static struct kith_slice
asked_key(const struct kith_id *uid, const struct kith_id *group, uint8_t key[65])
{
	memcpy(key, uid->b, 32);
	key[32] = 'j';
	memcpy(key + 33, group->b, 32);
	return kith_slice_of(key, 65);
}

int
kith_knock(struct kith_call *c, const struct kith_link *l)
{
	struct kith_account a;
	struct kith_slice doc;
	struct kith_buf p;
	uint8_t key[65], when[8];
	int r = kith_account_get(c->t, &c->session->uid, &a);

	if (kith_arg_has(c->args, "answers") && !answers_ok(kith_arg(c->args, "answers")->raw))
		return kith_fail(c, KITH_E_MALFORMED, "invalid_params", "answers: at most %d, each of at most %d bytes", KITH_QUESTIONS_MAX, KITH_ANSWER_MAX);

	if (r == KITH_OK)
		r = kith_account_doc(c->t, &a, &doc);
	if (r != KITH_OK)
		return r;
	kith_buf_init(&p, 0);
	kith_mp_put_array(&p, 5);
	kith_mp_put_id(&p, &l->group);
	kith_mp_put_id(&p, &a.uid);
	kith_mp_put_cstr(&p, a.handle);
	kith_mp_put_bin(&p, doc);
	if (kith_arg_has(c->args, "answers"))
		kith_mp_put_raw(&p, kith_arg(c->args, "answers")->raw);
	else
		kith_mp_put_array(&p, 0);
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
	if (r == KITH_OK) {
		kith_put_be64(when, c->now.wall_ms);
		r = kith_txn_put(c->t, KITH_T_USER, asked_key(&a.uid, &l->group, key), kith_slice_of(when, sizeof(when)));
	}
	return r == KITH_OK ? kith_joined(c, &l->group, "requested") : r;
}

/* ---- being let in ---- */

static bool
knows(struct kith_txn *t, const struct kith_id *uid, const struct kith_id *other)
{
	struct kith_id group = kith_id_none;
	struct kith_friend f;

	if (kith_friend_get(t, uid, other, &f) == KITH_OK && f.state == KITH_FRIEND_FRIEND)
		return true;
	while (kith_user_group_next(t, uid, &group)) {
		if (kith_state_is_member(t, &group, other))
			return true;
	}
	return false;
}

/* DENIED: they have asked for no such thing. BUSY: strangers come too often. */
static int
wants(struct kith_call *c, struct kith_group *g, const struct kith_id *uid)
{
	const struct kith_act *create = kith_authority_count(kith_group_authority(g)) > 0 ? kith_authority_at(kith_group_authority(g), 0) : NULL;
	struct kith_slice v;
	uint8_t key[65];
	int r;

	if (create != NULL && create->op != NULL && create->op->group_kind == 1) {
		if (kith_id_eq(&create->author, uid) || knows(c->t, uid, &create->author))
			return kith_blocked(c->t, uid, &create->author) ? KITH_E_DENIED : KITH_OK;
		return kith_blocked(c->t, uid, &create->author) ? KITH_E_DENIED : kith_stranger_may(c, uid);
	}
	r = kith_txn_get(c->t, KITH_T_USER, asked_key(uid, kith_group_id(g), key), &v);
	return r == KITH_E_NOTFOUND ? KITH_E_DENIED : r;
}

int
kith_let_in(struct kith_call *c, const struct kith_id *group, const struct kith_id *uid)
{
	struct kith_group *g = c->host->group(c->host->ctx, c->t, group);
	struct kith_member m;
	struct kith_op op;
	uint8_t key[65];
	int r;

	if (g == NULL || !kith_group_is_held(g))
		return KITH_E_NOTFOUND;
	if (kith_group_member(g, uid, &m) == KITH_OK && m.member)
		return KITH_OK;
	r = wants(c, g, uid);
	if (r != KITH_OK)
		return r;
	memset(&op, 0, sizeof(op));
	op.how = 2;
	r = kith_join_write(c, g, uid, &op);
	if (r == KITH_OK)
		r = kith_txn_del(c->t, KITH_T_USER, asked_key(uid, group, key));
	if (r == KITH_OK || r == KITH_E_NOTFOUND)
		r = kith_dm_met(c, g, uid);
	return r;
}

int
kith_tell_let_in(struct kith_call *c, const struct kith_id *group, const struct kith_id *uid, const struct kith_id *home)
{
	struct kith_buf p;
	int r;

	if (kith_id_eq(home, &c->self->node)) {
		r = kith_let_in(c, group, uid);
		/* who does not want it is not told of it, nor is who asks; it may be wanted later */
		return r == KITH_E_DENIED ? KITH_OK : r == KITH_E_BUSY ? c->host->let_in(c->host->ctx, c, group, uid, home) : r;
	}
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

/* KITH_T_INVITE: group, uid, 'q' -> [home, handle, asked ms, answers] */
static void
request_key(const struct kith_id *group, const struct kith_id *uid, uint8_t key[65])
{
	memcpy(key, group->b, 32);
	memcpy(key + 32, uid->b, 32);
	key[64] = 'q';
}

/* For one more who asks. BUSY: not today. */
static int
room_for(struct kith_call *c, const struct kith_id *from, const struct kith_id *group)
{
	struct kith_cursor *cur = NULL;
	struct kith_slice k, v;
	size_t n = 0;
	int r = kith_cursor_open(c->t, KITH_T_INVITE, &cur);

	if (r != KITH_OK)
		return r;
	for (r = kith_cursor_seek(cur, kith_id_slice(group), false, &k, &v); r == KITH_OK && k.n >= 32 && memcmp(k.p, group->b, 32) == 0;
	    r = kith_cursor_step(cur, false, &k, &v))
		n += k.n == 65 && k.p[64] == 'q';
	kith_cursor_close(cur);
	if (r != KITH_OK && r != KITH_E_NOTFOUND)
		return r;
	if (n >= REQUESTS_MAX)
		return KITH_E_BUSY;
	return kith_id_eq(from, &c->self->node) || c->host->new_person(c->host->ctx, from) ? KITH_OK : KITH_E_BUSY;
}

static int
take_request(struct kith_call *c, const struct kith_id *from, struct kith_slice payload)
{
	struct kith_slice handle, raw, answers;
	struct kith_mp_reader rd;
	struct kith_id group, uid;
	struct kith_group *g;
	struct kith_member m;
	struct kith_doc doc;
	struct kith_buf b;
	uint8_t key[65];
	int r;

	kith_mp_read(&rd, payload);
	kith_mp_array_exact(&rd, 5);
	group = kith_mp_id(&rd);
	uid = kith_mp_id(&rd);
	handle = kith_mp_str(&rd);
	raw = kith_mp_bin(&rd);
	answers = kith_mp_skip(&rd);
	if (!kith_mp_done(&rd) || !answers_ok(answers) || kith_doc_parse(raw, &doc) != KITH_OK || !kith_id_eq(&doc.uid, &uid) || !kith_id_eq(&doc.home, from) ||
	    !kith_slice_eq(doc.handle, handle))
		return KITH_E_DENIED;
	g = c->host->group(c->host->ctx, c->t, &group);
	if (g == NULL || !kith_group_is_held(g) || kith_join_policy(g) != 2)
		return KITH_E_DENIED;
	if (kith_group_member(g, &uid, &m) == KITH_OK && m.member)
		return KITH_OK;
	request_key(&group, &uid, key);
	if (kith_txn_get(c->t, KITH_T_INVITE, kith_slice_of(key, sizeof(key)), &raw) == KITH_E_NOTFOUND) {
		r = room_for(c, from, &group);
		if (r != KITH_OK)
			return r;
	}
	kith_buf_init(&b, 0);
	kith_mp_put_array(&b, 4);
	kith_mp_put_id(&b, from);
	kith_mp_put_str(&b, handle);
	kith_mp_put_uint(&b, c->now.wall_ms);
	kith_mp_put_raw(&b, answers);
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
		(void)kith_mp_array(&rd);
		home = kith_mp_id(&rd);
		r = kith_txn_del(c->t, KITH_T_INVITE, kith_slice_of(key, sizeof(key)));
		if (r == KITH_OK)
			r = kith_tell_let_in(c, kith_group_id(g), &user, &home);
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
