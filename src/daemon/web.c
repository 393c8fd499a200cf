#include <stdio.h>
#include <string.h>

#include "client/json.h"
#include "client/openapi.h"
#include "crypto/sign.h"
#include "daemon/inner.h"
#include "daemon/log.h"
#include "daemon/site.h"
#include "wire/mp.h"

/* HTTP: which page or call a request is for. */

static void
reply(struct kith_edge *e, struct kith_http_conn *c, int status, const struct kith_http_field *f, size_t n, const char *type,
    struct kith_slice body)
{
	if (status >= 500)
		edge_count(e, KITH_N_ERRORS_5XX, 1);
	else if (status >= 400)
		edge_count(e, KITH_N_ERRORS_4XX, 1);
	if (kith_http_reply(c, status, f, n, type, body) != KITH_OK)
		KITH_LOG(DEBUG, "edge", "an answer came for no request");
}

void
edge_reply_error(struct kith_edge *e, struct kith_http_conn *c, int status, const char *name, const char *why, bool msgpack,
    uint64_t retry_ms)
{
	struct kith_http_field f[2] = { { .name = kith_slice_str("Cache-Control"), .value = kith_slice_str("no-store") } };
	struct kith_buf mp, json;
	char seconds[24];
	size_t n = 1;

	kith_buf_init(&mp, 0);
	kith_buf_init(&json, 0);
	kith_mp_put_map(&mp, 1);
	kith_mp_put_cstr(&mp, "error");
	kith_mp_put_map(&mp, 2);
	kith_mp_put_cstr(&mp, "code");
	kith_mp_put_cstr(&mp, name);
	kith_mp_put_cstr(&mp, "message");
	kith_mp_put_cstr(&mp, why);
	if (retry_ms > 0) {
		snprintf(seconds, sizeof(seconds), "%llu", (unsigned long long)(retry_ms + 999) / 1000);
		f[n].name = kith_slice_str("Retry-After");
		f[n++].value = kith_slice_str(seconds);
	}
	if (!msgpack && kith_buf_err(&mp) == KITH_OK && kith_mp_to_json(kith_buf_slice(&mp), &json) != KITH_OK)
		kith_buf_reset(&json);
	reply(e, c, status, f, n, msgpack ? "application/msgpack" : "application/json", kith_buf_slice(msgpack ? &mp : &json));
	kith_buf_fini(&mp);
	kith_buf_fini(&json);
}

static void
reply_text(struct kith_edge *e, struct kith_http_conn *c, int status, const char *text)
{
	struct kith_http_field f = { .name = kith_slice_str("Cache-Control"), .value = kith_slice_str("no-store") };

	reply(e, c, status, &f, 1, "text/plain; charset=utf-8", kith_slice_str(text));
}

/* ---- pages ---- */

static struct kith_http_field
header(const char *name, const char *value)
{
	return (struct kith_http_field){ .name = kith_slice_str(name), .value = kith_slice_str(value) };
}

/* Nothing from elsewhere, nothing inline, and no text becomes a document or a program. */
#define SITE_POLICY \
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; font-src 'self'; " \
	"connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " \
	"require-trusted-types-for 'script'; trusted-types kith-url"

/* A document that shows a web panel lets pages from elsewhere into frames, and nothing else more. */
static const char *
site_policy(struct kith_slice path, bool tls)
{
	if (path.n < 3 || memcmp(path.p, "/w/", 3) != 0)
		return SITE_POLICY;
	return tls ? SITE_POLICY "; frame-src https:" : SITE_POLICY "; frame-src https: http:";
}

enum page { PAGE_HOME, PAGE_INVITE, PAGE_CSS, PAGE_DOCS, PAGE_DOCS_CSS, PAGE_OPENAPI, PAGE_HEALTH, PAGE_READY, PAGE_METRICS };
static const struct {
	const char *path;
	enum page page;
} pages[] = {
	{ "/", PAGE_HOME }, { "/invite", PAGE_INVITE }, { "/kith.css", PAGE_CSS }, { "/api/docs", PAGE_DOCS },
	{ "/api/docs.css", PAGE_DOCS_CSS }, { "/api/openapi.json", PAGE_OPENAPI }, { "/healthz", PAGE_HEALTH },
	{ "/readyz", PAGE_READY }, { "/metrics", PAGE_METRICS },
};

static bool
may_see_metrics(struct kith_edge *e, const struct kith_http_request *rq)
{
	struct kith_slice token;
	struct kith_session s;

	if (kith_addr_is_loopback(rq->remote))
		return true;
	return kith_http_bearer(rq->head, &token) && edge_session(e, token, &s) == KITH_OK && kith_session_may(&s, KITH_SCOPE_METRICS) &&
	    edge_is_admin(e, &s);
}

static void
serve_page(struct kith_edge *e, struct kith_http_conn *c, const struct kith_http_request *rq, enum page page)
{
	struct kith_http_field f[2] = {
		{ .name = kith_slice_str("Cache-Control"), .value = kith_slice_str("no-cache") },
		{ .name = kith_slice_str("Content-Security-Policy"),
		  .value = kith_slice_str("default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'") },
	};
	const char *type = "text/html; charset=utf-8";
	struct kith_buf b;
	int r = KITH_OK;

	kith_buf_init(&b, 0);
	switch (page) {
	case PAGE_HOME:
	case PAGE_INVITE:
		kith_page_write(&e->conf->node, page == PAGE_INVITE, &b);
		break;
	case PAGE_CSS:
		type = "text/css; charset=utf-8";
		kith_buf_put_str(&b, kith_page_css);
		break;
	case PAGE_DOCS:
		r = kith_docs_page_write(&b);
		break;
	case PAGE_DOCS_CSS:
		type = "text/css; charset=utf-8";
		kith_buf_put_str(&b, kith_docs_css);
		break;
	case PAGE_OPENAPI:
		type = "application/json";
		r = kith_openapi_write(&b, &e->conf->node);
		break;
	case PAGE_HEALTH:
		kith_buf_fini(&b);
		reply_text(e, c, 200, "alive\n");
		return;
	case PAGE_READY:
		kith_buf_fini(&b);
		reply_text(e, c, e->read_only ? 503 : 200, e->read_only ? "read-only: the disk is full\n" : "ready\n");
		return;
	case PAGE_METRICS:
		if (!may_see_metrics(e, rq)) {
			kith_buf_fini(&b);
			edge_reply_error(e, c, 404, "not_found", "there is nothing here", false, 0);
			return;
		}
		type = "text/plain; version=0.0.4; charset=utf-8";
		kith_metrics_write(e->s, &b);
		break;
	}
	if (r == KITH_OK)
		r = kith_buf_err(&b);
	if (r == KITH_OK)
		reply(e, c, 200, f, 2, type, kith_buf_slice(&b));
	else
		edge_reply_error(e, c, 500, "internal", "out of memory", false, 0);
	kith_buf_fini(&b);
}

/* The web client: its files, and its document for every place in it. False: there is no such. */
static bool
serve_site(struct kith_edge *e, struct kith_http_conn *c, const struct kith_http_request *rq)
{
	static const char *const encodings[] = { NULL, "gzip", "br" };
	struct kith_http_field f[8];
	const struct kith_slice *accept;
	struct kith_slice path = rq->head->path;
	struct kith_site_file file;
	size_t n = 0, n_accept;

	if (e->s->site == NULL)
		return false;
	accept = kith_http_field(rq->head, "accept-encoding", &n_accept);
	if (kith_site_is_place(path))
		path = kith_slice_str("/index.html");
	if (!kith_site_find(e->s->site, path, accept != NULL ? *accept : kith_slice_str(""), &file))
		return false;
	f[n++] = header("Cache-Control", file.for_ever ? "public, max-age=31536000, immutable" : "no-cache");
	f[n++] = header("Content-Security-Policy", site_policy(rq->head->path, rq->tls));
	f[n++] = header("Cross-Origin-Opener-Policy", "same-origin");
	f[n++] = header("Cross-Origin-Resource-Policy", "same-origin");
	f[n++] = header("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()");
	f[n++] = header("Vary", "Accept-Encoding");
	if (encodings[file.encoding] != NULL)
		f[n++] = header("Content-Encoding", encodings[file.encoding]);
	reply(e, c, 200, f, n, file.type, file.bytes);
	return true;
}

static void
wrong_method(struct kith_edge *e, struct kith_http_conn *c, const char *allow)
{
	struct kith_http_field f = { .name = kith_slice_str("Allow"), .value = kith_slice_str(allow) };

	reply(e, c, 405, &f, 1, "text/plain; charset=utf-8", kith_slice_str("not with this method\n"));
}

/* ---- calls ---- */

/* "application/json; charset=utf-8": the type without what follows it */
static bool
is_type(struct kith_slice v, const char *type)
{
	size_t n = 0;

	while (n < v.n && v.p[n] != ';' && v.p[n] != ' ' && v.p[n] != '\t')
		n++;
	return kith_http_same_name(kith_slice_of(v.p, n), type);
}

static bool
says(const struct kith_http_head *h, const char *field, const char *value)
{
	size_t n;
	const struct kith_slice *v = kith_http_field(h, field, &n);

	return v != NULL && n == 1 && kith_slice_is(*v, value);
}

void
edge_take_token(struct kith_edge *e, const struct kith_http_request *rq, struct edge_token *who, struct reply_to *to)
{
	const struct kith_slice *given;
	struct kith_id secret, session;
	size_t n;

	memset(who, 0, sizeof(*who));
	if (kith_http_bearer(rq->head, &who->token))
		return;
	if (!kith_http_cookie(rq->head, edge_cookie_name(rq->tls), &who->token) || kith_id_parse(who->token, &secret) != KITH_OK) {
		memset(who, 0, sizeof(*who));
		return;
	}
	to->by_cookie = true;
	kith_hash(KITH_L_TOKEN, kith_id_slice(&secret), &session);
	kith_wipe(&secret, sizeof(secret));
	edge_csrf(e, &session, to->csrf);
	given = kith_http_field(rq->head, "x-kith-csrf", &n);
	who->csrf_ok = given != NULL && n == 1 && given->n == KITH_ID_STR - 1 &&
	    kith_secret_eq(*given, kith_slice_of(to->csrf, KITH_ID_STR - 1));
}

static void
serve_call(struct kith_edge *e, struct kith_http_conn *c, struct client *cl, const struct kith_http_request *rq, struct kith_slice name)
{
	const struct kith_slice *type, *origin;
	struct edge_token who;
	struct reply_to to;
	struct kith_buf mp;
	char why[256] = "";
	size_t n;
	int r;

	type = kith_http_field(rq->head, "content-type", &n);
	memset(&to, 0, sizeof(to));
	to.conn = cl->id;
	to.msgpack = type != NULL && n == 1 && is_type(*type, "application/msgpack");
	/* a form's type is what `curl -d` says of JSON; cookies do not count without the header that a form cannot send */
	if (type != NULL && (n != 1 || (!to.msgpack && !is_type(*type, "application/json") &&
	    !is_type(*type, "application/x-www-form-urlencoded")))) {
		edge_reply_error(e, c, 415, "invalid_params", "the body is application/json or application/msgpack", false, 0);
		return;
	}
	origin = kith_http_field(rq->head, "origin", &n);
	if (origin != NULL && (n != 1 || !edge_origin_ok(e, rq, *origin))) {
		edge_reply_error(e, c, 403, "denied", "another site may not ask here", to.msgpack, 0);
		return;
	}
	to.m = kith_method_find(name);
	if (to.m == NULL) {
		edge_reply_error(e, c, 404, "not_found", "there is no such method; /api/docs lists them", to.msgpack, 0);
		return;
	}
	to.cookie = says(rq->head, "x-kith-cookie", "1");
	edge_take_token(e, rq, &who, &to);
	kith_buf_init(&mp, 0);
	r = kith_request_params(rq->body, to.msgpack, &mp, why, sizeof(why));
	if (r == KITH_OK)
		edge_call(e, c, cl, &to, kith_buf_slice(&mp), &who);
	else
		edge_reply_error(e, c, r == KITH_E_NOMEM ? 500 : r == KITH_E_LIMIT ? 413 : 400, r == KITH_E_NOMEM ? "internal" :
		    r == KITH_E_LIMIT ? "limit" : "invalid_params", why, to.msgpack, 0);
	/* a password may lie in it */
	if (mp.p != NULL)
		kith_wipe(mp.p, mp.n);
	kith_buf_fini(&mp);
}

/* ---- WebSockets ---- */

static void
want_upgrade(struct kith_edge *e, struct kith_http_conn *c)
{
	edge_reply_error(e, c, 426, "denied", "this is where WebSockets are opened, with kith.json or kith.msgpack", false, 0);
}

static bool
take_ticket(struct kith_slice query, struct kith_slice *ticket)
{
	static const char key[] = "ticket=";

	if (query.n < sizeof(key) - 1 || memcmp(query.p, key, sizeof(key) - 1) != 0)
		return false;
	*ticket = kith_slice_from(query, sizeof(key) - 1);
	return ticket->n == KITH_ID_STR - 1;
}

static void
serve_ws(struct kith_edge *e, struct kith_http_conn *c, struct client *cl, const struct kith_http_request *rq)
{
	struct kith_slice token, text;
	const struct kith_slice *origin;
	struct kith_session s;
	bool bearer = kith_http_bearer(rq->head, &token);
	size_t n;
	int r = KITH_E_NOTFOUND;

	if (!rq->head->upgrade) {
		want_upgrade(e, c);
		return;
	}
	origin = kith_http_field(rq->head, "origin", &n);
	if (origin != NULL ? n != 1 || !edge_origin_ok(e, rq, *origin) : !bearer) {
		edge_reply_error(e, c, 403, "denied", "another site may not ask here", false, 0);
		return;
	}
	if (bearer)
		r = edge_session(e, token, &s);
	else if (take_ticket(rq->head->query, &text))
		r = kith_tickets_take(e->s->tickets, kith_reactor_now_ms(e->reactor), text, &s);
	if (r != KITH_OK) {
		edge_count(e, KITH_N_UNAUTHORIZED, 1);
		edge_reply_error(e, c, r == KITH_E_NOTFOUND ? 401 : 500, r == KITH_E_NOTFOUND ? "unauthorized" : "internal",
		    r == KITH_E_NOTFOUND ? "sign in first: a bearer token, or a ticket from session.ticket" : "that did not work", false, 0);
		return;
	}
	/* what else is wrong with the handshake has been answered */
	r = kith_http_upgrade(c);
	if (r == KITH_E_NOTFOUND)
		want_upgrade(e, c);
	if (r != KITH_OK)
		return;
	cl->session = s;
	kith_http_conn_trust(c);
	edge_ws_up(e, c, cl);
}

/* ---- which it is ---- */

void
edge_on_request(void *arg, struct kith_http_conn *c, const struct kith_http_request *rq)
{
	static const char api[] = "/api/v1/";
	struct kith_edge *e = arg;
	struct client *cl = edge_client(e, c);
	struct kith_slice path = rq->head->path;
	enum kith_http_method m = rq->head->method;

	edge_count(e, KITH_N_REQUESTS, 1);
	if (cl == NULL) {
		edge_reply_error(e, c, 503, "busy", "out of memory", false, 0);
		return;
	}
	if (edge_is_upload(rq->head)) {
		edge_upload_done(e, c, cl);
		return;
	}
	if (edge_is_download(rq->head)) {
		if (m == KITH_HTTP_GET || m == KITH_HTTP_HEAD)
			edge_serve_download(e, c, cl, rq);
		else
			wrong_method(e, c, "GET, HEAD");
		return;
	}
	if (path.n > sizeof(api) - 1 && memcmp(path.p, api, sizeof(api) - 1) == 0) {
		if (m == KITH_HTTP_POST)
			serve_call(e, c, cl, rq, kith_slice_from(path, sizeof(api) - 1));
		else
			wrong_method(e, c, "POST");
		return;
	}
	if (kith_slice_is(path, "/ws")) {
		if (m == KITH_HTTP_GET)
			serve_ws(e, c, cl, rq);
		else
			wrong_method(e, c, "GET");
		return;
	}
	if ((m == KITH_HTTP_GET || m == KITH_HTTP_HEAD) && serve_site(e, c, rq))
		return;
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		if (!kith_slice_is(path, pages[i].path))
			continue;
		if (m == KITH_HTTP_GET || m == KITH_HTTP_HEAD)
			serve_page(e, c, rq, pages[i].page);
		else
			wrong_method(e, c, "GET, HEAD");
		return;
	}
	edge_reply_error(e, c, 404, "not_found", "there is nothing here", false, 0);
}
