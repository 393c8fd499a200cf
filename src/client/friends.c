#include "client/friends.h"

#include <string.h>

#include "base/b32.h"
#include "client/common.h"
#include "client/files.h"
#include "client/render.h"
#include "id/doc.h"
#include "wire/mp.h"

#define KEY (2 * KITH_ID_BYTES + 1)
#define STRANGERS_BURST 5               /* requests from strangers: so many at once, then one in five minutes */
#define STRANGERS_MS (UINT64_C(5) * 60 * 1000)

static const char *const state_names[] = { "none", "friend", "incoming", "outgoing" };

/* What one home tells the other. */
enum friend_says { SAYS_REQUEST = 1, SAYS_ACCEPT, SAYS_END /* denied, cancelled or removed */, SAYS_PROFILE };

/* ---- rows. KITH_T_USER: uid, 'f', other -> array ---- */

static struct kith_slice
row_key(const struct kith_id *uid, const struct kith_id *other, uint8_t key[KEY])
{
	memcpy(key, uid->b, KITH_ID_BYTES);
	key[KITH_ID_BYTES] = 'f';
	memcpy(key + KITH_ID_BYTES + 1, other->b, KITH_ID_BYTES);
	return kith_slice_of(key, KEY);
}

static int
row_read(struct kith_slice v, struct kith_friend *out)
{
	struct kith_mp_reader r;
	uint64_t state;

	memset(out, 0, sizeof(*out));
	kith_mp_read(&r, v);
	kith_mp_array_exact(&r, 11);
	state = kith_mp_uint(&r);
	out->blocked = kith_mp_bool(&r);
	out->favourite = kith_mp_bool(&r);
	out->since_ms = kith_mp_uint(&r);
	out->said_ms = kith_mp_uint(&r);
	out->told_ms = kith_mp_uint(&r);
	out->node = kith_mp_id_or_none(&r);
	kith_copy_text(kith_mp_str(&r), out->handle, sizeof(out->handle));
	kith_copy_text(kith_mp_str(&r), out->remark, sizeof(out->remark));
	kith_copy_text(kith_mp_str(&r), out->note, sizeof(out->note));
	kith_profile_read(kith_mp_skip(&r), &out->profile);
	if (!kith_mp_done(&r) || state > KITH_FRIEND_OUTGOING)
		return KITH_E_CORRUPT;
	out->state = (enum kith_friend_state)state;
	return KITH_OK;
}

int
kith_friend_get(struct kith_txn *t, const struct kith_id *uid, const struct kith_id *other, struct kith_friend *out)
{
	uint8_t key[KEY];
	struct kith_slice v;
	int r = kith_txn_get(t, KITH_T_USER, row_key(uid, other, key), &v);

	memset(out, 0, sizeof(*out));
	if (r == KITH_OK)
		return row_read(v, out);
	return r == KITH_E_NOTFOUND ? KITH_OK : r;
}

/* Is there nothing in it that is worth a row? When something was said last is: old mail must not bring back what it ended. */
static bool
is_empty(const struct kith_friend *f)
{
	return f->state == KITH_FRIEND_NONE && !f->blocked && !f->favourite && f->remark[0] == '\0' && f->note[0] == '\0' && f->said_ms == 0 && f->told_ms == 0;
}

static int
each_row(struct kith_txn *t, const struct kith_id *uid, bool (*fn)(void *ctx, const struct kith_id *other, const struct kith_friend *f), void *ctx)
{
	uint8_t key[KEY];
	struct kith_slice prefix = kith_slice_of(row_key(uid, &kith_id_none, key).p, KITH_ID_BYTES + 1), k, v;
	struct kith_cursor *cur = NULL;
	struct kith_friend f;
	struct kith_id other;
	int r = kith_cursor_open(t, KITH_T_USER, &cur);

	if (r == KITH_OK)
		r = kith_cursor_seek(cur, prefix, false, &k, &v);
	for (; r == KITH_OK && k.n == KEY && memcmp(k.p, key, KITH_ID_BYTES + 1) == 0; r = kith_cursor_step(cur, false, &k, &v)) {
		memcpy(other.b, k.p + KITH_ID_BYTES + 1, KITH_ID_BYTES);
		r = row_read(v, &f);
		if (r != KITH_OK || !fn(ctx, &other, &f))
			break;
	}
	kith_cursor_close(cur);
	return r == KITH_E_NOTFOUND ? KITH_OK : r;
}

struct look { const struct kith_id *node; bool found; };

static bool
look_at(void *ctx, const struct kith_id *other, const struct kith_friend *f)
{
	struct look *l = ctx;

	(void)other;
	l->found = f->state == KITH_FRIEND_FRIEND && kith_id_eq(&f->node, l->node);
	return !l->found;
}

bool
kith_friend_lives_at(struct kith_txn *t, const struct kith_id *uid, const struct kith_id *node)
{
	struct look l = { node, false };

	return each_row(t, uid, look_at, &l) == KITH_OK && l.found;
}

struct count { size_t rows, incoming; };

static bool
count_row(void *ctx, const struct kith_id *other, const struct kith_friend *f)
{
	struct count *n = ctx;

	(void)other;
	n->rows++;
	n->incoming += f->state == KITH_FRIEND_INCOMING;
	return true;
}

static int
row_write(struct kith_txn *t, const struct kith_id *uid, const struct kith_id *other, const struct kith_friend *f)
{
	struct count n = { 0, 0 };
	struct kith_slice was;
	struct kith_buf b;
	uint8_t key[KEY];
	struct kith_slice k = row_key(uid, other, key);
	int r = kith_txn_get(t, KITH_T_USER, k, &was);

	if (r == KITH_E_NOTFOUND) {
		r = each_row(t, uid, count_row, &n);
		if (r == KITH_OK && n.rows >= KITH_FRIENDS_MAX)
			return KITH_E_LIMIT;
	}
	if (r != KITH_OK && r != KITH_E_NOTFOUND)
		return r;
	kith_buf_init(&b, 0);
	kith_mp_put_array(&b, 11);
	kith_mp_put_uint(&b, f->state);
	kith_mp_put_bool(&b, f->blocked);
	kith_mp_put_bool(&b, f->favourite);
	kith_mp_put_uint(&b, f->since_ms);
	kith_mp_put_uint(&b, f->said_ms);
	kith_mp_put_uint(&b, f->told_ms);
	kith_mp_put_id_or_none(&b, &f->node);
	kith_mp_put_cstr(&b, f->handle);
	kith_mp_put_cstr(&b, f->remark);
	kith_mp_put_cstr(&b, f->note);
	kith_profile_write(&b, &f->profile);
	r = kith_buf_err(&b);
	if (r == KITH_OK)
		r = is_empty(f) ? kith_txn_del(t, KITH_T_USER, k) : kith_txn_put(t, KITH_T_USER, k, kith_buf_slice(&b));
	kith_buf_fini(&b);
	return r == KITH_E_NOTFOUND ? KITH_OK : r;
}

/* Keeps it and tells all devices of uid. LIMIT: uid has too many rows. */
static int
row_put(struct kith_call *c, const struct kith_id *uid, const struct kith_id *other, const struct kith_friend *f)
{
	struct kith_buf b;
	int r = row_write(c->t, uid, other, f);

	if (r == KITH_OK)
		r = kith_file_refer(c->t, c->now.wall_ms, KITH_FILE_FRIEND, uid, other, KITH_SLOT_AVATAR, &f->profile.avatar);
	if (r != KITH_OK)
		return r;
	kith_buf_init(&b, 0);
	kith_mp_put_map(&b, 2);
	kith_mp_put_cstr(&b, "state");
	kith_mp_put_cstr(&b, state_names[f->state]);
	kith_put_key_id(&b, "uid", other);
	r = kith_buf_err(&b);
	if (r == KITH_OK)
		r = c->host->tell(c->host->ctx, uid, "friend", kith_buf_slice(&b));
	kith_buf_fini(&b);
	return r;
}

static void
become(struct kith_call *c, struct kith_friend *f, enum kith_friend_state state)
{
	if (f->state != state)
		f->since_ms = c->now.wall_ms;
	f->state = state;
}

bool
kith_blocked(struct kith_txn *t, const struct kith_id *uid, const struct kith_id *other)
{
	struct kith_friend f;

	return kith_friend_get(t, uid, other, &f) == KITH_OK && f.blocked;
}

int
kith_friend_person(struct kith_txn *t, const struct kith_id *uid, const struct kith_id *other, struct kith_person *out)
{
	struct kith_friend f;
	int r = kith_friend_get(t, uid, other, &f);

	if (r != KITH_OK || kith_id_is_none(&f.node))
		return r == KITH_OK ? KITH_E_NOTFOUND : r;
	out->node = f.node;
	memcpy(out->handle, f.handle, sizeof(out->handle));
	out->profile = f.profile;
	return KITH_OK;
}

void
kith_put_friend(struct kith_buf *b, const struct kith_friend *f)
{
	kith_mp_put_cstr(b, "blocked");
	kith_mp_put_bool(b, f->blocked);
	kith_mp_put_cstr(b, "favourite");
	kith_mp_put_bool(b, f->favourite);
	kith_mp_put_cstr(b, "friend");
	kith_mp_put_cstr(b, state_names[f->state]);
	kith_mp_put_cstr(b, "note");
	kith_mp_put_cstr(b, f->note);
	kith_mp_put_cstr(b, "remark");
	kith_mp_put_cstr(b, f->remark);
	kith_mp_put_cstr(b, "since");
	kith_mp_put_uint(b, f->since_ms);
}

/* ---- from home to home ---- */

/*
 * [to, from, what, when (ms), identity document of `from`, their profile]. When: rises from one word to the next of the
 * same pair, however the mail is carried.
 */
static int
say(struct kith_call *c, const struct kith_id *from, const struct kith_id *to, const struct kith_id *home, enum friend_says what)
{
	struct kith_profile p;
	struct kith_account a;
	struct kith_friend f;
	struct kith_slice doc;
	struct kith_buf b;
	int r = kith_friend_get(c->t, from, to, &f);

	f.told_ms = c->now.wall_ms > f.told_ms ? c->now.wall_ms : f.told_ms + 1;
	if (r == KITH_OK)
		r = row_write(c->t, from, to, &f);
	if (r == KITH_OK)
		r = kith_account_get(c->t, from, &a);
	if (r == KITH_OK)
		r = kith_account_doc(c->t, &a, &doc);
	if (r == KITH_OK)
		r = kith_profile_own(c->t, from, &p);
	if (r != KITH_OK)
		return r;
	kith_buf_init(&b, 0);
	kith_mp_put_array(&b, 6);
	kith_mp_put_id(&b, to);
	kith_mp_put_id(&b, from);
	kith_mp_put_uint(&b, what);
	kith_mp_put_uint(&b, f.told_ms);
	kith_mp_put_bin(&b, doc);
	kith_profile_write(&b, &p);
	r = kith_buf_err(&b);
	if (r == KITH_OK)
		r = kith_id_eq(home, &c->self->node) ? kith_friend_mail(c, home, kith_buf_slice(&b)) :
		    c->host->mail(c->host->ctx, c, home, KITH_MAIL_FRIEND, kith_buf_slice(&b));
	kith_buf_fini(&b);
	return r;
}

/* KITH_T_USER: uid, 'i' -> [tokens left, since when (ms)]: what strangers may still ask of them. */
int
kith_stranger_may(struct kith_call *c, const struct kith_id *uid)
{
	uint8_t key[KITH_ID_BYTES + 1], v[16];
	uint64_t left = STRANGERS_BURST, since = c->now.wall_ms, more;
	struct kith_slice was;
	int r;

	memcpy(key, uid->b, KITH_ID_BYTES);
	key[KITH_ID_BYTES] = 'i';
	r = kith_txn_get(c->t, KITH_T_USER, kith_slice_of(key, sizeof(key)), &was);
	if (r != KITH_OK && r != KITH_E_NOTFOUND)
		return r;
	if (r == KITH_OK && was.n == sizeof(v)) {
		left = kith_get_be64(was.p);
		since = kith_get_be64(was.p + 8);
		more = c->now.wall_ms > since ? (c->now.wall_ms - since) / STRANGERS_MS : 0;
		since += more * STRANGERS_MS;
		left = left + more < STRANGERS_BURST ? left + more : STRANGERS_BURST;
		if (left == STRANGERS_BURST)
			since = c->now.wall_ms;
	}
	if (left == 0)
		return KITH_E_BUSY;
	kith_put_be64(v, left - 1);
	kith_put_be64(v + 8, since);
	return kith_txn_put(c->t, KITH_T_USER, kith_slice_of(key, sizeof(key)), kith_slice_of(v, sizeof(v)));
}

static int
asked(struct kith_call *c, const struct kith_id *uid, const struct kith_id *from, struct kith_friend *f, bool *answer)
{
	struct count n = { 0, 0 };
	int r = KITH_OK;

	switch (f->state) {
	case KITH_FRIEND_OUTGOING:      /* both asked: that is a yes */
	case KITH_FRIEND_FRIEND:        /* they have forgotten */
		*answer = true;
		become(c, f, KITH_FRIEND_FRIEND);
		break;
	case KITH_FRIEND_NONE:
		r = kith_id_eq(from, &c->self->node) || f->said_ms != 0 || c->host->new_person(c->host->ctx, from) ? kith_stranger_may(c, uid) : KITH_E_BUSY;
		if (r == KITH_OK)
			r = each_row(c->t, uid, count_row, &n);
		if (r == KITH_OK && n.incoming >= KITH_INCOMING_MAX)
			r = KITH_E_BUSY;
		if (r == KITH_OK)
			become(c, f, KITH_FRIEND_INCOMING);
		break;
	case KITH_FRIEND_INCOMING:
		break;
	}
	return r;
}

int
kith_friend_mail(struct kith_call *c, const struct kith_id *from, struct kith_slice payload)
{
	struct kith_mp_reader rd;
	struct kith_slice raw, profile;
	struct kith_id uid, other;
	struct kith_account a;
	struct kith_friend f;
	struct kith_doc doc;
	uint64_t what, when;
	bool answer = false;
	int r;

	kith_mp_read(&rd, payload);
	kith_mp_array_exact(&rd, 6);
	uid = kith_mp_id(&rd);
	other = kith_mp_id(&rd);
	what = kith_mp_uint(&rd);
	when = kith_mp_uint(&rd);
	raw = kith_mp_bin(&rd);
	profile = kith_mp_skip(&rd);
	if (!kith_mp_done(&rd) || kith_doc_parse(raw, &doc) != KITH_OK || !kith_id_eq(&doc.uid, &other) || !kith_id_eq(&doc.home, from) ||
	    kith_id_eq(&uid, &other) || kith_account_get(c->t, &uid, &a) != KITH_OK)
		return KITH_E_DENIED;
	r = kith_friend_get(c->t, &uid, &other, &f);
	if (r != KITH_OK)
		return r;
	/* who is blocked is told nothing, and nothing of theirs is kept */
	if (f.blocked || when <= f.said_ms)
		return KITH_OK;
	switch (what) {
	case SAYS_REQUEST:
		r = asked(c, &uid, from, &f, &answer);
		break;
	case SAYS_ACCEPT:
		if (f.state == KITH_FRIEND_OUTGOING)
			become(c, &f, KITH_FRIEND_FRIEND);
		else if (f.state != KITH_FRIEND_FRIEND)
			return say(c, &uid, &other, from, SAYS_END);    /* taken back meanwhile */
		break;
	case SAYS_END:
		/* it may have overtaken what it ends; yet strangers fill no rows */
		if (f.state == KITH_FRIEND_NONE && f.said_ms == 0 && kith_stranger_may(c, &uid) != KITH_OK)
			return KITH_OK;
		become(c, &f, KITH_FRIEND_NONE);
		break;
	case SAYS_PROFILE:
		if (f.state != KITH_FRIEND_FRIEND)
			return KITH_OK;
		break;
	default:
		return KITH_E_DENIED;
	}
	if (r != KITH_OK)
		return r;
	f.said_ms = when;
	f.node = *from;
	kith_copy_text(doc.handle, f.handle, sizeof(f.handle));
	kith_profile_read(profile, &f.profile);
	r = row_put(c, &uid, &other, &f);
	if (r == KITH_E_LIMIT)
		return KITH_E_BUSY;
	return r == KITH_OK && answer ? say(c, &uid, &other, from, SAYS_ACCEPT) : r;
}

struct telling { struct kith_call *c; const struct kith_id *uid; int r; };

static bool
tell_friend(void *ctx, const struct kith_id *other, const struct kith_friend *f)
{
	struct telling *t = ctx;

	if (f->state == KITH_FRIEND_FRIEND && !kith_id_is_none(&f->node) && !kith_id_eq(&f->node, &t->c->self->node))
		t->r = say(t->c, t->uid, other, &f->node, SAYS_PROFILE);
	return t->r == KITH_OK;
}

int
kith_friends_told(struct kith_call *c, const struct kith_id *uid)
{
	struct telling t = { c, uid, KITH_OK };
	int r = each_row(c->t, uid, tell_friend, &t);

	return r != KITH_OK ? r : t.r;
}

/* ---- what clients ask ---- */

static int
result_state(struct kith_call *c, enum kith_friend_state state)
{
	kith_mp_put_map(c->result, 1);
	kith_mp_put_cstr(c->result, "state");
	kith_mp_put_cstr(c->result, state_names[state]);
	return KITH_OK;
}

/* Whom a call is about, what there is between the two, and where they live. */
static int
call_other(struct kith_call *c, struct kith_id *other, struct kith_friend *f, struct kith_id *home)
{
	int r;

	memset(f, 0, sizeof(*f));
	*other = kith_arg_id(c->args, "user");
	if (kith_id_eq(other, &c->session->uid))
		return kith_fail(c, KITH_E_MALFORMED, "invalid_params", "user: that is you");
	r = kith_friend_get(c->t, &c->session->uid, other, f);
	if (r != KITH_OK)
		return r;
	r = kith_home_of(c, other, home);
	if (r == KITH_E_NOTFOUND && !kith_id_is_none(&f->node)) {
		*home = f->node;
		r = KITH_OK;
	}
	return r == KITH_E_NOTFOUND ? kith_fail(c, r, "not_found", "nobody of that id is known here: look for name@node first") : r;
}

/* Keeps what is between the two now and tells the other home, if there is something to tell. */
static int
settle(struct kith_call *c, const struct kith_id *other, const struct kith_id *home, struct kith_friend *f, enum friend_says what)
{
	struct kith_friend now, was;
	int r = kith_friend_get(c->t, &c->session->uid, other, &was);

	if (r == KITH_OK)
		r = row_put(c, &c->session->uid, other, f);

	if (r == KITH_E_LIMIT)
		return kith_fail(c, r, "limit", "you have something with %d people: forget some of them first", KITH_FRIENDS_MAX);
	if (r == KITH_OK)
		r = say(c, &c->session->uid, other, home, what);
	if (r == KITH_E_BUSY) {
		r = row_put(c, &c->session->uid, other, &was);
		return r != KITH_OK ? r : kith_fail(c, KITH_E_LIMIT, "rate_limit", "they are asked by many people just now: try again in some minutes");
	}
	if (r == KITH_OK)
		r = kith_friend_get(c->t, &c->session->uid, other, &now);
	return r == KITH_OK ? result_state(c, now.state) : r;
}

int
kith_api_friend_request(struct kith_call *c)
{
	struct kith_id other, home;
	struct kith_friend f;
	int r = call_other(c, &other, &f, &home);

	if (r != KITH_OK)
		return r;
	if (f.blocked)
		return kith_fail(c, KITH_E_DENIED, "denied", "you have blocked them: unblock them first");
	if (f.state == KITH_FRIEND_FRIEND)
		return result_state(c, f.state);
	if (f.state == KITH_FRIEND_INCOMING) {
		become(c, &f, KITH_FRIEND_FRIEND);
		return settle(c, &other, &home, &f, SAYS_ACCEPT);
	}
	become(c, &f, KITH_FRIEND_OUTGOING);
	return settle(c, &other, &home, &f, SAYS_REQUEST);
}

int
kith_api_friend_accept(struct kith_call *c)
{
	struct kith_id other, home;
	struct kith_friend f;
	int r = call_other(c, &other, &f, &home);

	if (r != KITH_OK)
		return r;
	if (f.state == KITH_FRIEND_FRIEND)
		return result_state(c, f.state);
	if (f.state != KITH_FRIEND_INCOMING)
		return kith_fail(c, KITH_E_NOTFOUND, "not_found", "they have not asked you, or took it back");
	become(c, &f, KITH_FRIEND_FRIEND);
	return settle(c, &other, &home, &f, SAYS_ACCEPT);
}

int
kith_api_friend_remove(struct kith_call *c)
{
	struct kith_id other, home;
	struct kith_friend f;
	int r = call_other(c, &other, &f, &home);

	if (r != KITH_OK || f.state == KITH_FRIEND_NONE)
		return r == KITH_OK ? result_state(c, f.state) : r;
	become(c, &f, KITH_FRIEND_NONE);
	return settle(c, &other, &home, &f, SAYS_END);
}

int
kith_api_friend_set(struct kith_call *c)
{
	struct kith_id other, home = kith_id_none;
	struct kith_friend f;
	int r = call_other(c, &other, &f, &home);
	bool end;

	if (r != KITH_OK)
		return r;
	if (kith_arg_has(c->args, "remark"))
		kith_copy_text(kith_arg_str(c->args, "remark"), f.remark, sizeof(f.remark));
	if (kith_arg_has(c->args, "note"))
		kith_copy_text(kith_arg_str(c->args, "note"), f.note, sizeof(f.note));
	f.favourite = kith_arg_flag(c->args, "favourite", f.favourite);
	f.blocked = kith_arg_flag(c->args, "blocked", f.blocked);
	end = f.blocked && f.state != KITH_FRIEND_NONE;
	if (end) {
		become(c, &f, KITH_FRIEND_NONE);
		return settle(c, &other, &home, &f, SAYS_END);
	}
	r = row_put(c, &c->session->uid, &other, &f);
	if (r == KITH_E_LIMIT)
		return kith_fail(c, r, "limit", "you have something with %d people: forget some of them first", KITH_FRIENDS_MAX);
	return r == KITH_OK ? result_state(c, f.state) : r;
}

struct listing { struct kith_call *c; uint32_t n; };

static bool
one_row(void *ctx, const struct kith_id *other, const struct kith_friend *f)
{
	struct listing *l = ctx;
	struct kith_person p;

	if (f->state == KITH_FRIEND_NONE && !f->blocked && !f->favourite && f->remark[0] == '\0' && f->note[0] == '\0')
		return true;
	if (kith_person_get(l->c->t, &l->c->session->uid, &kith_id_none, other, &p) != KITH_OK) {
		memset(&p, 0, sizeof(p));
		p.uid = *other;
		memcpy(p.handle, f->handle, sizeof(p.handle));
	}
	kith_mp_put_map(l->c->result, KITH_PERSON_PAIRS + KITH_FRIEND_PAIRS);
	kith_put_person(l->c->t, l->c->result, &p);
	kith_put_friend(l->c->result, f);
	l->n++;
	return true;
}

int
kith_api_friend_list(struct kith_call *c)
{
	struct listing l = { c, 0 };
	size_t mark;
	int r;

	kith_mp_put_map(c->result, 1);
	kith_mp_put_cstr(c->result, "friends");
	mark = kith_mp_begin(c->result);
	r = each_row(c->t, &c->session->uid, one_row, &l);
	kith_mp_end_array(c->result, mark, l.n);
	return r;
}
