#include <stdio.h>
#include <string.h>

#include "client/json.h"
#include "crypto/sign.h"
#include "daemon/inner.h"
#include "daemon/log.h"
#include "wire/mp.h"

/* Answers: over HTTP, over a WebSocket, in the encoding that was asked in. */

static struct kith_slice
token_of(struct kith_slice result)
{
	struct kith_mp_reader r;

	kith_mp_read(&r, kith_mp_find(result, "token"));
	return kith_mp_str(&r);
}

/* The result of a sign-in as a browser gets it: what proves that it is itself instead of the token. */
static void
without_token(struct kith_slice result, const char *csrf, struct kith_buf *out)
{
	struct kith_mp_reader r;
	uint32_t n, pairs = 1;
	size_t mark = kith_mp_begin(out);

	kith_mp_put_cstr(out, "csrf");
	kith_mp_put_cstr(out, csrf);
	kith_mp_read(&r, result);
	for (n = kith_mp_map(&r); n > 0 && r.err == KITH_OK; n--) {
		struct kith_slice key = kith_mp_str(&r), value = kith_mp_skip(&r);

		if (kith_slice_is(key, "token"))
			continue;
		kith_mp_put_str(out, key);
		kith_mp_put_raw(out, value);
		pairs++;
	}
	kith_mp_end_map(out, mark, pairs);
}

static void
cookie_text(struct kith_http_conn *c, struct kith_slice token, char *out, size_t cap)
{
	bool tls = kith_http_conn_tls(c);

	snprintf(out, cap, "%s=%.*s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%d%s", edge_cookie_name(tls), (int)token.n,
	    token.n > 0 ? (const char *)token.p : "", token.n > 0 ? 180 * 24 * 3600 : 0, tls ? "; Secure" : "");
}

static void
answer_http(struct kith_edge *e, struct kith_http_conn *c, const struct reply_to *to, const struct outcome *o)
{
	struct kith_http_field f[3] = { { .name = kith_slice_str("Cache-Control"), .value = kith_slice_str("no-store") } };
	struct kith_slice result = o->result, token = { NULL, 0 };
	struct kith_buf edited, body;
	struct kith_id secret, session;
	char cookie[256], csrf[KITH_ID_STR];
	size_t n_fields = 1;
	int r = KITH_OK;

	if (o->err != KITH_OK) {
		edge_reply_error(e, c, kith_http_status(o->err, o->name), o->name, o->why, to->msgpack, o->retry_ms);
		return;
	}
	kith_buf_init(&edited, 0);
	kith_buf_init(&body, 0);
	if (to->cookie) {
		token = token_of(result);
		if (kith_id_parse(token, &secret) == KITH_OK) {
			kith_hash(KITH_L_TOKEN, kith_id_slice(&secret), &session);
			edge_csrf(e, &session, csrf);
			without_token(result, csrf, &edited);
			result = kith_buf_slice(&edited);
		}
		kith_wipe(&secret, sizeof(secret));
	}
	if (token.n > 0 || (to->by_cookie && strcmp(to->m->name, "account.logout") == 0)) {
		cookie_text(c, token, cookie, sizeof(cookie));
		f[n_fields].name = kith_slice_str("Set-Cookie");
		f[n_fields++].value = kith_slice_str(cookie);
	}
	if (to->by_cookie) {
		f[n_fields].name = kith_slice_str("X-Kith-CSRF");
		f[n_fields++].value = kith_slice_str(to->csrf);
	}
	if (to->msgpack)
		kith_buf_put_slice(&body, result);
	else
		r = kith_mp_to_json(result, &body);
	if (r == KITH_OK)
		r = kith_buf_err(&body);
	if (r != KITH_OK)
		edge_reply_error(e, c, 500, "internal", "out of memory", false, 0);
	else if (kith_http_reply(c, 200, f, n_fields, to->msgpack ? "application/msgpack" : "application/json", kith_buf_slice(&body)) != KITH_OK)
		KITH_LOG(DEBUG, "edge", "an answer came for no request");
	kith_wipe(cookie, sizeof(cookie));
	kith_wipe(body.p, body.n);
	kith_buf_fini(&edited);
	kith_buf_fini(&body);
}

void
edge_answer_rpc(struct kith_edge *e, struct kith_http_conn *c, bool msgpack, struct kith_slice id, const struct outcome *o, int code)
{
	struct kith_buf mp, json;
	int r;

	(void)e;
	kith_buf_init(&mp, 0);
	kith_buf_init(&json, 0);
	kith_mp_put_map(&mp, 3);
	if (o->err != KITH_OK) {
		kith_mp_put_cstr(&mp, "error");
		kith_mp_put_map(&mp, 3);
		kith_mp_put_cstr(&mp, "code");
		kith_mp_put_int(&mp, code);
		kith_mp_put_cstr(&mp, "data");
		kith_mp_put_map(&mp, o->retry_ms > 0 ? 2 : 1);
		kith_mp_put_cstr(&mp, "name");
		kith_mp_put_cstr(&mp, o->name);
		if (o->retry_ms > 0) {
			kith_mp_put_cstr(&mp, "retry_ms");
			kith_mp_put_uint(&mp, o->retry_ms);
		}
		kith_mp_put_cstr(&mp, "message");
		kith_mp_put_cstr(&mp, o->why);
	}
	kith_mp_put_cstr(&mp, "id");
	if (id.n > 0)
		kith_mp_put_raw(&mp, id);
	else
		kith_mp_put_nil(&mp);
	kith_mp_put_cstr(&mp, "jsonrpc");
	kith_mp_put_cstr(&mp, "2.0");
	if (o->err == KITH_OK) {
		kith_mp_put_cstr(&mp, "result");
		kith_mp_put_raw(&mp, o->result);
	}
	r = kith_buf_err(&mp);
	if (r == KITH_OK && !msgpack)
		r = kith_mp_to_json(kith_buf_slice(&mp), &json);
	if (r == KITH_OK)
		r = kith_buf_err(&json);
	if (r != KITH_OK)
		kith_http_close(c, 1011, "out of memory");
	else if (kith_http_ws_send(c, msgpack, msgpack ? kith_buf_slice(&mp) : kith_buf_slice(&json)) != KITH_OK)
		KITH_LOG(DEBUG, "edge", "an answer found its WebSocket closing");
	kith_buf_fini(&mp);
	kith_buf_fini(&json);
}

void
edge_answer(struct kith_edge *e, struct kith_http_conn *c, const struct reply_to *to, struct outcome *o)
{
	static const uint8_t nothing[] = { 0x80 };

	if (o->err == KITH_OK && o->result.n == 0)
		o->result = kith_slice_of(nothing, sizeof(nothing));
	if (o->err != KITH_OK && o->name == NULL)
		o->name = o->err == KITH_E_FULL ? "storage_full" : o->err == KITH_E_NOMEM || o->err == KITH_E_IO || o->err == KITH_E_CORRUPT ?
		    "internal" : kith_err_name(o->err);
	if (o->err != KITH_OK && (o->why == NULL || o->why[0] == '\0'))
		o->why = o->err == KITH_E_FULL ? "the disk of this node is full: it only reads until there is space" :
		    o->err == KITH_E_BUSY ? "this node has too much to do just now, try again" : "that did not work";
	if (!kith_id_is_none(&to->file)) {
		edge_file_fetched(e, c, to, o);
	} else if (!to->ws) {
		answer_http(e, c, to, o);
	} else if (!to->silent) {
		edge_answer_rpc(e, c, to->msgpack, kith_slice_of(to->id, to->n_id), o, kith_rpc_code(o->err));
	}
}
