#include "client/session.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/sign.h"
#include "wire/mp.h"

/*
 * KITH_T_SESSION: hash of the token -> [uid, flags, made, seen, client], and for a token with scopes these as a sixth
 * KITH_T_USER: uid, 's', hash -> empty: whose sessions there are
 */
#define SESSION_GUEST 1u

static void
user_key(const struct kith_id *uid, const struct kith_id *session, uint8_t out[65])
{
	memcpy(out, uid->b, 32);
	out[32] = 's';
	memcpy(out + 33, session->b, 32);
}

static int
session_read(struct kith_txn *t, const struct kith_id *id, struct kith_session *out)
{
	struct kith_session s;
	struct kith_slice v, client;
	struct kith_mp_reader r;
	uint64_t flags, scopes = KITH_SCOPES_WHOLE;
	uint32_t n;
	int e = kith_txn_get(t, KITH_T_SESSION, kith_id_slice(id), &v);

	if (e != KITH_OK)
		return e;
	memset(&s, 0, sizeof(s));
	s.id = *id;
	kith_mp_read(&r, v);
	n = kith_mp_array(&r);
	s.uid = kith_mp_id(&r);
	flags = kith_mp_uint(&r);
	s.made_ms = kith_mp_uint(&r);
	s.seen_ms = kith_mp_uint(&r);
	client = kith_mp_str(&r);
	if (n == 6)
		scopes = kith_mp_uint(&r);
	if (n < 5 || n > 6 || !kith_mp_done(&r) || client.n >= sizeof(s.client) || scopes > KITH_SCOPES_WHOLE)
		return KITH_E_CORRUPT;
	s.guest = (flags & SESSION_GUEST) != 0;
	s.scopes = (uint32_t)scopes;
	if (client.n > 0)
		memcpy(s.client, client.p, client.n);
	s.expires_ms = s.made_ms + KITH_SESSION_MAX_MS;
	if (s.seen_ms + KITH_SESSION_IDLE_MS < s.expires_ms)
		s.expires_ms = s.seen_ms + KITH_SESSION_IDLE_MS;
	*out = s;
	return KITH_OK;
}

static int
session_write(struct kith_txn *t, const struct kith_session *s)
{
	struct kith_buf b;
	int r;

	kith_buf_init(&b, 0);
	kith_mp_put_array(&b, s->scopes == KITH_SCOPES_WHOLE ? 5 : 6);
	kith_mp_put_id(&b, &s->uid);
	kith_mp_put_uint(&b, s->guest ? SESSION_GUEST : 0);
	kith_mp_put_uint(&b, s->made_ms);
	kith_mp_put_uint(&b, s->seen_ms);
	kith_mp_put_cstr(&b, s->client);
	if (s->scopes != KITH_SCOPES_WHOLE)
		kith_mp_put_uint(&b, s->scopes);
	r = kith_buf_err(&b);
	if (r == KITH_OK)
		r = kith_txn_put(t, KITH_T_SESSION, kith_id_slice(&s->id), kith_buf_slice(&b));
	kith_buf_fini(&b);
	return r;
}

int
kith_session_open(struct kith_txn *t, struct kith_slice token_text, uint64_t wall_ms, struct kith_session *out)
{
	struct kith_account a;
	struct kith_session s;
	struct kith_id token, id;
	int r;

	if (kith_id_parse(token_text, &token) != KITH_OK)
		return KITH_E_NOTFOUND;
	kith_hash(KITH_L_TOKEN, kith_id_slice(&token), &id);
	kith_wipe(&token, sizeof(token));
	r = session_read(t, &id, &s);
	if (r != KITH_OK)
		return r;
	if (wall_ms >= s.expires_ms)
		return KITH_E_NOTFOUND;
	r = kith_account_get(t, &s.uid, &a);
	if (r != KITH_OK || (a.flags & KITH_ACC_DISABLED) != 0)
		return r == KITH_OK ? KITH_E_NOTFOUND : r;
	s.guest = (a.flags & KITH_ACC_GUEST) != 0;
	*out = s;
	return KITH_OK;
}

bool
kith_session_is_open(struct kith_txn *t, const struct kith_id *id)
{
	struct kith_slice v;

	return kith_txn_get(t, KITH_T_SESSION, kith_id_slice(id), &v) == KITH_OK;
}

int
kith_session_seen(struct kith_txn *t, const struct kith_id *id, uint64_t wall_ms)
{
	struct kith_session s;
	int r = session_read(t, id, &s);

	if (r == KITH_E_NOTFOUND || (r == KITH_OK && wall_ms < s.seen_ms + KITH_SESSION_SEEN_MS))
		return KITH_OK;
	if (r != KITH_OK)
		return r;
	s.seen_ms = wall_ms;
	return session_write(t, &s);
}

int
kith_session_end(struct kith_call *c, const struct kith_id *uid, const struct kith_id *session)
{
	struct kith_session s;
	uint8_t key[65];
	int r = session_read(c->t, session, &s);

	if (r != KITH_OK)
		return r;
	if (!kith_id_eq(&s.uid, uid))
		return KITH_E_NOTFOUND;
	user_key(uid, session, key);
	r = kith_txn_del(c->t, KITH_T_SESSION, kith_id_slice(session));
	if (r == KITH_OK)
		r = kith_txn_del(c->t, KITH_T_USER, kith_slice_of(key, sizeof(key)));
	if (r == KITH_OK || r == KITH_E_NOTFOUND) {
		c->host->session_over(c->host->ctx, session);
		r = KITH_OK;
	}
	return r;
}

struct listing { KITH_VEC(struct kith_id) ids; int err; };

static int
list_ids(struct kith_txn *t, const struct kith_id *uid, struct listing *l)
{
	struct kith_cursor *cur = NULL;
	struct kith_slice k, v;
	struct kith_id id;
	uint8_t key[65];
	int r = kith_cursor_open(t, KITH_T_USER, &cur);

	if (r != KITH_OK)
		return r;
	user_key(uid, &kith_id_none, key);
	for (r = kith_cursor_seek(cur, kith_slice_of(key, 33), false, &k, &v); r == KITH_OK; r = kith_cursor_step(cur, false, &k, &v)) {
		if (k.n != 65 || memcmp(k.p, key, 33) != 0)
			break;
		memcpy(id.b, k.p + 33, 32);
		if (kith_vec_push(&l->ids, id) != KITH_OK) {
			r = KITH_E_NOMEM;
			break;
		}
	}
	kith_cursor_close(cur);
	return r == KITH_E_NOTFOUND ? KITH_OK : r;
}

/* Room for one more: what has expired goes, and for whoever signs in also what has been out of use longest. */
static int
make_room(struct kith_call *c, const struct kith_id *uid, uint32_t scopes)
{
	struct listing l = { .err = KITH_OK };
	struct kith_session s, oldest = { .seen_ms = UINT64_MAX };
	size_t left = 0;
	int r = list_ids(c->t, uid, &l);

	for (size_t i = 0; r == KITH_OK && i < l.ids.n; i++) {
		r = session_read(c->t, &l.ids.v[i], &s);
		if (r != KITH_OK)
			break;
		if (c->now.wall_ms >= s.expires_ms) {
			r = kith_session_end(c, uid, &s.id);
			continue;
		}
		left++;
		if (s.seen_ms < oldest.seen_ms)
			oldest = s;
	}
	if (r == KITH_OK && left >= KITH_SESSIONS_MAX && scopes != KITH_SCOPES_WHOLE)
		r = kith_fail(c, KITH_E_LIMIT, "limit", "this account has %u sessions: end one first", KITH_SESSIONS_MAX);
	else if (r == KITH_OK && left >= KITH_SESSIONS_MAX)
		r = kith_session_end(c, uid, &oldest.id);
	kith_vec_fini(&l.ids);
	return r;
}

int
kith_session_new(struct kith_call *c, const struct kith_account *a, struct kith_slice client, uint32_t scopes, char token[KITH_ID_STR],
    struct kith_session *out)
{
	struct kith_session s;
	struct kith_id secret;
	uint8_t key[65];
	int r = make_room(c, &a->uid, scopes);

	if (r != KITH_OK)
		return r;
	memset(&s, 0, sizeof(s));
	c->env->random(c->env->ctx, secret.b, sizeof(secret.b));
	kith_hash(KITH_L_TOKEN, kith_id_slice(&secret), &s.id);
	s.uid = a->uid;
	s.guest = (a->flags & KITH_ACC_GUEST) != 0;
	s.scopes = scopes;
	s.made_ms = s.seen_ms = c->now.wall_ms;
	s.expires_ms = s.made_ms + KITH_SESSION_IDLE_MS;
	if (client.n > 0 && client.n < sizeof(s.client))
		memcpy(s.client, client.p, client.n);
	user_key(&s.uid, &s.id, key);
	r = session_write(c->t, &s);
	if (r == KITH_OK)
		r = kith_txn_put(c->t, KITH_T_USER, kith_slice_of(key, sizeof(key)), kith_slice_of(NULL, 0));
	if (r == KITH_OK)
		kith_id_str(&secret, token);
	kith_wipe(&secret, sizeof(secret));
	if (r == KITH_OK && out != NULL)
		*out = s;
	return r;
}

int
kith_session_end_all(struct kith_call *c, const struct kith_id *uid, const struct kith_id *keep)
{
	struct listing l = { .err = KITH_OK };
	int r = list_ids(c->t, uid, &l);

	for (size_t i = 0; r == KITH_OK && i < l.ids.n; i++) {
		if (kith_id_eq(&l.ids.v[i], keep))
			continue;
		r = kith_session_end(c, uid, &l.ids.v[i]);
		if (r == KITH_E_NOTFOUND)
			r = KITH_OK;
	}
	kith_vec_fini(&l.ids);
	return r;
}

int
kith_session_each(struct kith_txn *t, const struct kith_id *uid, void (*fn)(void *ctx, const struct kith_session *s), void *ctx)
{
	struct listing l = { .err = KITH_OK };
	struct kith_session s;
	int r = list_ids(t, uid, &l);

	for (size_t i = 0; r == KITH_OK && i < l.ids.n; i++) {
		int e = session_read(t, &l.ids.v[i], &s);

		if (e == KITH_OK)
			fn(ctx, &s);
		else if (e != KITH_E_NOTFOUND)
			r = e;
	}
	kith_vec_fini(&l.ids);
	return r;
}
