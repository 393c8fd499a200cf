#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "client/account.h"
#include "client/json.h"
#include "client/session.h"
#include "crypto/keyfile.h"
#include "crypto/sign.h"
#include "daemon/clock.h"
#include "daemon/inner.h"
#include "daemon/log.h"
#include "daemon/outside.h"
#include "daemon/request.h"
#include "wire/mp.h"

/* Calls: from a request to an answer, by way of a snapshot or of the machine. */

#define RESULT_MAX (1u << 20)
#define SLOW_MS 50

/* ---- answers ---- */

static void
refuse(struct kith_edge *e, struct kith_http_conn *c, const struct reply_to *to, int err, const char *name, const char *why,
    uint64_t retry_ms)
{
	struct outcome o = { .err = err, .name = name, .why = why, .retry_ms = retry_ms };

	edge_answer(e, c, to, &o);
}

/* ---- calls on their way ---- */

static struct kith_slice
number_key(uint64_t number, uint8_t be[8])
{
	kith_put_be64(be, number);
	return kith_slice_of(be, 8);
}

static struct call *
call_new(struct kith_edge *e, struct kith_http_conn *c, struct client *cl, const struct reply_to *to)
{
	struct call *k = malloc(sizeof(*k));
	uint8_t be[8];

	if (k == NULL)
		return NULL;
	k->number = ++e->next_number;
	k->to = *to;
	if (kith_map_put(e->calls, number_key(k->number, be), k, NULL) != KITH_OK) {
		free(k);
		return NULL;
	}
	cl->calls++;
	edge_pause(e, c, cl);
	return k;
}

/* Ends a call: who waits for it, if anybody still does. */
static struct kith_http_conn *
call_take(struct kith_edge *e, uint64_t number, struct reply_to *to)
{
	uint8_t be[8];
	struct call *k = kith_map_del(e->calls, number_key(number, be));
	struct kith_http_conn *c;
	struct client *cl;

	if (k == NULL)
		return NULL;
	*to = k->to;
	free(k);
	c = kith_http_conn_find(e->http, to->conn);
	cl = c != NULL ? kith_http_conn_user(c) : NULL;
	if (cl == NULL)
		return NULL;
	cl->calls--;
	edge_unpause(e, c, cl);
	return c;
}

void
edge_calls_forget(struct kith_edge *e, uint64_t conn)
{
	size_t it = 0;
	void *v;

	while (kith_map_next(e->calls, &it, NULL, &v)) {
		struct call *k = v;
		uint8_t be[8];

		if (k->to.conn != conn)
			continue;
		kith_map_del(e->calls, number_key(k->number, be));
		free(k);
	}
}

void
edge_call_done(struct kith_edge *e, const struct kith_output *o)
{
	struct reply_to to;
	struct kith_http_conn *c = call_take(e, o->number, &to);
	struct outcome out = { .err = o->err, .why = o->text };
	struct kith_slice data = kith_slice_of(o->bytes, o->n);
	struct kith_mp_reader r;
	char name[64];

	if (c == NULL)
		return;
	if (o->err == KITH_OK) {
		out.result = data;
	} else if (o->n > 0) {
		struct kith_slice s;

		kith_mp_read(&r, kith_mp_find(data, "name"));
		s = kith_mp_str(&r);
		if (r.err == KITH_OK && s.n > 0 && s.n < sizeof(name)) {
			memcpy(name, s.p, s.n);
			name[s.n] = '\0';
			out.name = name;
		}
	}
	edge_answer(e, c, &to, &out);
}

static void
submit(struct kith_edge *e, struct kith_http_conn *c, const struct call *k, struct kith_in *in)
{
	uint64_t number = k->number;
	struct reply_to to;
	int r;

	in->kind = KITH_IN_CALL;
	in->conn = k->to.conn;
	in->number = number;
	in->method = k->to.m;
	r = kith_machine_submit(e->s->machine, in, e->epoch);
	if (r == KITH_OK)
		return;
	if (call_take(e, number, &to) != NULL)
		refuse(e, c, &to, r, NULL, NULL, r == KITH_E_BUSY ? 1000 : 0);
}

/* ---- passwords ---- */

struct hashing {
	struct kith_edge *e;
	uint64_t number;
	struct kith_in in;
	struct kith_args args;          /* into params */
	bool old;
	int err;
	size_t n;
	uint8_t params[];
};

static void
hashing_free(struct hashing *h)
{
	kith_wipe(h, sizeof(*h) + h->n);
	free(h);
}

static int
argon2id(uint8_t out[KITH_PW_HASH], struct kith_slice pw, const uint8_t salt[KITH_PW_SALT], uint32_t t, uint32_t m_kib)
{
	_Static_assert(KITH_PW_SALT == crypto_pwhash_argon2id_SALTBYTES, "libsodium's salt");

	return crypto_pwhash(out, KITH_PW_HASH, (const char *)pw.p, pw.n, salt, t, (size_t)m_kib * 1024, crypto_pwhash_ALG_ARGON2ID13) == 0 ?
	    KITH_OK : KITH_E_NOMEM;
}

static void
hashed(void *arg)
{
	struct hashing *h = arg;
	struct kith_edge *e = h->e;
	uint8_t be[8];
	struct call *k = kith_map_get(e->calls, number_key(h->number, be));
	struct kith_http_conn *c = k != NULL && e->http != NULL ? kith_http_conn_find(e->http, k->to.conn) : NULL;
	struct reply_to to;

	if (c != NULL && h->err == KITH_OK)
		submit(e, c, k, &h->in);
	else if (c != NULL && call_take(e, h->number, &to) != NULL)
		refuse(e, c, &to, KITH_E_BUSY, NULL, NULL, 1000);
	hashing_free(h);
}

static void
hash(void *arg, bool run)
{
	struct hashing *h = arg;
	struct kith_password *pw = &h->in.pw;

	if (!run) {
		hashing_free(h);
		return;
	}
	h->err = argon2id(pw->hash, kith_arg_str(&h->args, "password"), pw->salt, pw->t, pw->m_kib);
	if (h->err == KITH_OK && h->old)
		h->err = argon2id(pw->old_hash, kith_arg_str(&h->args, "old"), pw->old_salt, pw->old_t, pw->old_m_kib);
	if (kith_reactor_post(h->e->reactor, hashed, h) != KITH_OK) {
		KITH_LOG(WARN, "edge", "a call is lost: out of memory");
		hashing_free(h);
	}
}

static bool
has_old(const struct kith_method *m)
{
	for (size_t i = 0; m->params[i].name != NULL; i++) {
		if (strcmp(m->params[i].name, "old") == 0)
			return true;
	}
	return false;
}

static void
start_hashing(struct kith_edge *e, struct kith_http_conn *c, struct client *cl, const struct reply_to *to, const struct kith_in *in)
{
	struct hashing *h = calloc(1, sizeof(*h) + in->params.n);
	struct call *k = h != NULL ? call_new(e, c, cl, to) : NULL;
	struct reply_to back;
	char why[128];
	int r = KITH_E_NOMEM;

	if (k == NULL)
		goto fail;
	h->e = e;
	h->number = k->number;
	h->in = *in;
	h->n = in->params.n;
	memcpy(h->params, in->params.p, in->params.n);
	h->in.params = kith_slice_of(h->params, h->n);
	h->old = has_old(to->m);
	r = kith_args_parse(to->m, h->in.params, &h->args, why, sizeof(why));
	if (r == KITH_OK)
		r = kith_pool_submit(e->s->hashing, hash, h);
	if (r == KITH_OK)
		return;
	if (r == KITH_E_BUSY)
		edge_count(e, KITH_N_HASHES_REFUSED, 1);
	call_take(e, k->number, &back);
fail:
	if (h != NULL)
		hashing_free(h);
	if (r == KITH_E_BUSY)
		refuse(e, c, to, KITH_E_LIMIT, "rate_limit", "too many people are signing in just now, try again", 2000);
	else
		refuse(e, c, to, KITH_E_NOMEM, NULL, NULL, 0);
}

/* ---- pages ---- */

struct paging {
	struct kith_edge *e;
	uint64_t number;
	enum kith_egress_outcome outcome;
	unsigned status;
};

static void
page_told(void *arg)
{
	static const char *const names[] = {
		[KITH_EGRESS_OK] = "ok", [KITH_EGRESS_FAILED] = "unreachable", [KITH_EGRESS_FORBIDS] = "forbids", [KITH_EGRESS_PRIVATE] = "private",
		[KITH_EGRESS_BAD] = "bad",
	};
	struct paging *p = arg;
	struct outcome o = { .err = KITH_OK };
	struct reply_to to;
	struct kith_http_conn *c = p->e->http != NULL ? call_take(p->e, p->number, &to) : NULL;
	struct kith_buf b;

	kith_buf_init(&b, 0);
	kith_mp_put_map(&b, 2);
	kith_mp_put_cstr(&b, "outcome");
	kith_mp_put_cstr(&b, names[p->outcome]);
	kith_mp_put_cstr(&b, "status");
	kith_mp_put_uint(&b, p->status);
	o.err = kith_buf_err(&b);
	o.result = kith_buf_slice(&b);
	if (c != NULL)
		edge_answer(p->e, c, &to, &o);
	kith_buf_fini(&b);
	free(p);
}

static void
page_known(void *arg, enum kith_egress_outcome outcome, unsigned status)
{
	struct paging *p = arg;

	p->outcome = outcome;
	p->status = status;
	if (kith_reactor_post(p->e->reactor, page_told, p) != KITH_OK) {
		KITH_LOG(WARN, "edge", "a call is lost: out of memory");
		free(p);
	}
}

static void
start_page(struct kith_edge *e, struct kith_http_conn *c, struct client *cl, const struct reply_to *to, const struct kith_args *args)
{
	struct paging *p = calloc(1, sizeof(*p));
	struct call *k = p != NULL ? call_new(e, c, cl, to) : NULL;
	struct reply_to back;
	int r = KITH_E_NOMEM;

	if (k != NULL) {
		p->e = e;
		p->number = k->number;
		r = kith_outside_page(e->s->outside, kith_arg_str(args, "url"), kith_arg_str(args, "origin"), page_known, p);
		if (r == KITH_OK)
			return;
		call_take(e, p->number, &back);
	}
	free(p);
	refuse(e, c, to, r, NULL, NULL, r == KITH_E_BUSY ? 1000 : 0);
}

/* ---- one call ---- */

/* What one snapshot is asked for: who calls, may they, and, for reads, the answer. */
struct look {
	struct kith_session session;
	bool signed_in;
	struct kith_password pw;
	struct kith_call c;
	struct kith_args args;
	struct kith_buf result;
	uint64_t retry_ms;
};

static int
identify(struct kith_edge *e, struct kith_txn *t, const struct edge_token *who, struct look *l)
{
	uint64_t wall = kith_wall_ms();
	int r;

	(void)e;
	if (who->session != NULL) {
		if (!kith_session_is_open(t, &who->session->id) || wall >= who->session->expires_ms)
			return KITH_OK;
		l->session = *who->session;
		l->signed_in = true;
		return KITH_OK;
	}
	if (who->token.n == 0)
		return KITH_OK;
	r = kith_session_open(t, who->token, wall, &l->session);
	l->signed_in = r == KITH_OK;
	return r == KITH_E_NOTFOUND ? KITH_OK : r;
}

static int
permit(struct kith_edge *e, struct kith_txn *t, const struct reply_to *to, const struct edge_token *who, struct look *l)
{
	const struct kith_method *m = to->m;
	struct kith_account a;
	int r;

	if (m->auth != KITH_AUTH_NONE && !l->signed_in) {
		edge_count(e, KITH_N_UNAUTHORIZED, 1);
		return kith_fail(&l->c, KITH_E_DENIED, "unauthorized", who->session != NULL || who->token.n > 0 ?
		    "this session has ended: sign in again" : "sign in first");
	}
	if (l->signed_in && !kith_session_may(&l->session, m->scope)) {
		edge_count(e, KITH_N_UNAUTHORIZED, 1);
		return m->scope == KITH_SCOPE_ACCOUNT ? kith_fail(&l->c, KITH_E_DENIED, "scope_denied", "this needs a session of one's own, not a token") :
		    kith_fail(&l->c, KITH_E_DENIED, "scope_denied", "this token lacks the scope %s", kith_scope_name(m->scope));
	}
	if (to->by_cookie && m->write && l->signed_in && !who->csrf_ok)
		return kith_fail(&l->c, KITH_E_DENIED, "denied", "the X-Kith-CSRF field does not go with this session");
	if (m->auth == KITH_AUTH_USER) {
		r = kith_account_get(t, &l->session.uid, &a);
		if (r != KITH_OK)
			return r;
		if ((a.flags & KITH_ACC_GUEST) != 0)
			return kith_fail(&l->c, KITH_E_DENIED, "guest", "guests cannot do that: claim this account first");
	}
	return KITH_OK;
}

static int
ticket(struct kith_edge *e, struct look *l)
{
	struct kith_id secret;
	char text[KITH_ID_STR];

	kith_random_bytes(&secret, sizeof(secret));
	kith_tickets_add(e->s->tickets, kith_mono_ms(), &l->session, &secret, text);
	kith_mp_put_map(&l->result, 1);
	kith_mp_put_cstr(&l->result, "ticket");
	kith_mp_put_cstr(&l->result, text);
	kith_wipe(&secret, sizeof(secret));
	kith_wipe(text, sizeof(text));
	return KITH_OK;
}

static int
read_now(struct kith_edge *e, struct look *l)
{
	uint64_t began = kith_mono_us(), took;
	int r;

	edge_count(e, KITH_N_READS, 1);
	atomic_store_explicit(&e->reading_since, began / 1000, memory_order_relaxed);
	kith_arena_reset(e->arena);
	l->c.arena = e->arena;
	r = l->c.m->run(&l->c);
	atomic_store_explicit(&e->reading_since, 0, memory_order_relaxed);
	if (r == KITH_OK)
		r = kith_buf_err(&l->result);
	took = kith_mono_us() - began;
	edge_count(e, KITH_N_READ_US, took);
	took /= 1000;
	if (took > SLOW_MS) {
		edge_count(e, KITH_N_SLOW_READS, 1);
		KITH_LOG(INFO, "edge", "%s took %llu ms", l->c.m->name, (unsigned long long)took);
	}
	return r;
}

/* All that happens in the snapshot. PENDING: it is for the machine, or has to be hashed first. */
static int
look(struct kith_edge *e, struct kith_http_conn *c, const struct reply_to *to, struct kith_slice params, const struct edge_token *who,
    struct look *l)
{
	const struct kith_addr *from = kith_http_conn_remote(c);
	struct kith_txn *t = NULL;
	const char *why = NULL;
	uint8_t fresh[KITH_PW_SALT];
	int r = kith_store_begin(e->s->store, false, &t);

	if (r != KITH_OK)
		return r;
	l->c.m = to->m;
	l->c.env = e->s->env;
	l->c.conf = &e->conf->node;
	l->c.t = t;
	l->c.now.mono_ms = kith_mono_ms();
	l->c.now.wall_ms = kith_wall_ms();
	l->c.args = &l->args;
	l->c.params = params;
	l->c.result = &l->result;
	l->c.conn = to->conn;
	kith_addr_str(from, l->c.address);
	r = identify(e, t, who, l);
	if (r == KITH_OK)
		r = permit(e, t, to, who, l);
	if (r != KITH_OK)
		goto done;
	l->c.session = l->signed_in ? &l->session : NULL;
	r = kith_args_parse(to->m, params, &l->args, l->c.why, sizeof(l->c.why));
	if (r != KITH_OK) {
		l->c.err_name = "invalid_params";
		goto done;
	}
	l->retry_ms = kith_throttle_take(e->s->throttle, l->c.now.mono_ms, &l->args, l->c.session, from);
	if (l->retry_ms > 0) {
		edge_count(e, KITH_N_RATE_LIMITED, 1);
		r = kith_fail(&l->c, KITH_E_LIMIT, "rate_limit", "too often: wait %llu s", (unsigned long long)(l->retry_ms + 999) / 1000);
		goto done;
	}
	if (to->m->run == NULL) {
		r = to->m->rate == KITH_RATE_PAGE ? KITH_PENDING : ticket(e, l);
	} else if (!to->m->write) {
		r = read_now(e, l);
	} else if (to->m->password) {
		kith_random_bytes(fresh, sizeof(fresh));
		r = kith_password_prepare(t, to->m, &l->args, l->c.session, fresh, &l->pw, &why);
		if (r == KITH_E_LIMIT)
			r = kith_fail(&l->c, KITH_E_MALFORMED, "invalid_params", "%s", why != NULL ? why : "that password will not do");
		if (r == KITH_OK)
			r = KITH_PENDING;
	} else {
		r = KITH_PENDING;
	}
done:
	kith_txn_abort(t);
	l->c.t = NULL;
	return r;
}

/* An hour is fine enough for an idle time of thirty days. */
static void
tell_seen(struct kith_edge *e, struct client *cl, const struct look *l)
{
	struct kith_in in;

	if (l->c.now.wall_ms < l->session.seen_ms + KITH_SESSION_SEEN_MS || kith_machine_is_read_only(e->s->machine))
		return;
	memset(&in, 0, sizeof(in));
	in.kind = KITH_IN_SEEN;
	in.session = l->session;
	/* should it get lost, the next call says it again */
	if (kith_machine_submit(e->s->machine, &in, e->epoch) != KITH_OK)
		return;
	if (cl->ws) {
		cl->session.seen_ms = l->c.now.wall_ms;
		if (cl->session.made_ms + KITH_SESSION_MAX_MS > cl->session.seen_ms + KITH_SESSION_IDLE_MS)
			cl->session.expires_ms = cl->session.seen_ms + KITH_SESSION_IDLE_MS;
		else
			cl->session.expires_ms = cl->session.made_ms + KITH_SESSION_MAX_MS;
	}
}

void
edge_call(struct kith_edge *e, struct kith_http_conn *c, struct client *cl, struct reply_to *to, struct kith_slice params,
    const struct edge_token *who)
{
	struct look l;
	struct kith_in in;
	struct call *k;
	int r;

	memset(&l, 0, sizeof(l));
	kith_buf_init(&l.result, RESULT_MAX);
	r = look(e, c, to, params, who, &l);
	if (l.signed_in) {
		kith_http_conn_trust(c);
		tell_seen(e, cl, &l);
	}
	if (r != KITH_PENDING) {
		struct outcome o = { .err = r, .name = l.c.err_name, .why = l.c.why, .retry_ms = l.retry_ms };

		o.result = kith_buf_slice(&l.result);
		edge_answer(e, c, to, &o);
		goto done;
	}
	if (to->m->rate == KITH_RATE_PAGE) {
		start_page(e, c, cl, to, &l.args);
		goto done;
	}
	edge_count(e, KITH_N_WRITES, 1);
	memset(&in, 0, sizeof(in));
	in.params = params;
	in.session = l.session;
	in.has_session = l.signed_in;
	in.pw = l.pw;
	memcpy(in.address, l.c.address, sizeof(l.c.address));
	if (kith_machine_is_read_only(e->s->machine)) {
		refuse(e, c, to, KITH_E_FULL, NULL, NULL, 0);
	} else if (in.pw.given) {
		in.method = to->m;
		start_hashing(e, c, cl, to, &in);
	} else {
		k = call_new(e, c, cl, to);
		if (k != NULL)
			submit(e, c, k, &in);
		else
			refuse(e, c, to, KITH_E_NOMEM, NULL, NULL, 0);
	}
	kith_wipe(&in.pw, sizeof(in.pw));
done:
	/* a ticket may lie in it */
	if (l.result.p != NULL)
		kith_wipe(l.result.p, l.result.n);
	kith_buf_fini(&l.result);
	kith_wipe(&l.pw, sizeof(l.pw));
}

/* ---- JSON-RPC over a WebSocket ---- */

static void
refuse_message(struct kith_edge *e, struct kith_http_conn *c, bool msgpack, struct kith_slice id, int code, const char *name,
    const char *why)
{
	struct outcome o = { .err = KITH_E_MALFORMED, .name = name, .why = why };

	edge_count(e, KITH_N_WS_MALFORMED, 1);
	edge_answer_rpc(e, c, msgpack, id, &o, code);
}

void
edge_on_message(void *arg, struct kith_http_conn *c, bool binary, struct kith_slice msg)
{
	struct kith_edge *e = arg;
	struct client *cl = kith_http_conn_user(c);
	struct kith_request rq;
	struct edge_token who;
	struct reply_to to;
	struct kith_buf mp;
	char why[256] = "";
	int r;

	if (cl == NULL)
		return;
	edge_count(e, KITH_N_WS_MESSAGES, 1);
	if (binary != cl->msgpack) {
		kith_http_close(c, 1003, cl->msgpack ? "kith.msgpack speaks in binary messages" : "kith.json speaks in text messages");
		return;
	}
	kith_buf_init(&mp, 0);
	r = kith_request_take(msg, cl->msgpack, &mp, &rq, why, sizeof(why));
	if (r == KITH_E_MALFORMED || r == KITH_E_LIMIT) {
		refuse_message(e, c, cl->msgpack, kith_slice_of(NULL, 0), -32700, "parse_error", why);
		goto done;
	}
	if (r != KITH_OK && r != KITH_E_DENIED) {
		kith_http_close(c, 1011, "out of memory");
		goto done;
	}
	if (r == KITH_E_DENIED) {
		refuse_message(e, c, cl->msgpack, kith_slice_of(NULL, 0), -32600, "invalid_request", why);
		goto done;
	}
	memset(&to, 0, sizeof(to));
	to.conn = cl->id;
	to.ws = true;
	to.msgpack = cl->msgpack;
	to.silent = rq.id.n == 0;
	to.n_id = rq.id.n;
	if (rq.id.n > 0)
		memcpy(to.id, rq.id.p, rq.id.n);
	to.m = kith_method_find(rq.method);
	if (to.m == NULL) {
		if (!to.silent)
			refuse_message(e, c, cl->msgpack, rq.id, -32601, "not_found", "there is no such method");
		goto done;
	}
	memset(&who, 0, sizeof(who));
	who.session = &cl->session;
	edge_call(e, c, cl, &to, rq.params, &who);
done:
	if (mp.p != NULL)
		kith_wipe(mp.p, mp.n);
	kith_buf_fini(&mp);
}
