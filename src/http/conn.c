#include "http/conn.h"

#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>

#include "crypto/keyfile.h"
#include "crypto/tls.h"

enum {
	BODY_DEFAULT = 256 << 10,
	LINGER_MS = 2000,
	LAST_WORDS_MS = 10000,  /* for a full queue to drain before the goodbye */
};

static void read_http(struct kith_http_conn *c, struct kith_slice in);

static uint64_t
now(const struct kith_http_conn *c)
{
	return kith_reactor_now_ms(c->of->r);
}

void
kith_conn_enter(struct kith_http_conn *c, enum kith_conn_phase phase, unsigned ms)
{
	c->phase = phase;
	c->deadline_ms = ms != 0 ? now(c) + ms : 0;
}

/* ---- the end ---- */

void
kith_conn_free(struct kith_http_conn *c)
{
	struct kith_http_server *s = c->of;

	kith_stream_close(&c->s);
	kith_conn_drop_file(c);
	if (c->counted)
		kith_gate_leave(s->conf.gate, &c->remote, c->trusted);
	if (c->next != NULL)
		c->next->prev = c->prev;
	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		s->list = c->next;
	if (s->list == NULL)
		kith_reactor_tick(s->r, &s->ticker, false);
	kith_http_reader_free(c->reader);
	kith_ws_free(c->ws);
	kith_buf_fini(&c->body);
	kith_buf_fini(&c->pending);
	free(c);
}

void
kith_conn_end(struct kith_http_conn *c, unsigned code, bool linger)
{
	uint8_t key[8];
	bool full = c->s.queued > 0;

	kith_conn_drop_file(c);
	if (linger)
		kith_stream_finish(&c->s);
	else
		kith_stream_close(&c->s);
	if (c->phase != KITH_CONN_ENDED) {
		c->code = c->ws != NULL ? code : 0;
		kith_conn_enter(c, KITH_CONN_ENDED, full ? LAST_WORDS_MS : LINGER_MS);
		kith_put_be64(key, c->id);
		(void)kith_map_del(c->of->by_id, kith_slice_of(key, sizeof(key)));
	}
	kith_reactor_defer(c->of->r, &c->later);
}

static void
take_pending(struct kith_http_conn *c)
{
	struct kith_buf had = c->pending;

	kith_buf_init(&c->pending, 0);
	kith_stream_pause(&c->s, false);
	if (c->phase == KITH_CONN_WS)
		kith_conn_read_ws(c, kith_buf_slice(&had));
	else
		read_http(c, kith_buf_slice(&had));
	kith_buf_fini(&had);
}

static void
on_later(void *arg)
{
	struct kith_http_conn *c = arg;

	switch (c->phase) {
	case KITH_CONN_IDLE:
		take_pending(c);
		break;
	case KITH_CONN_WS:
		if (!c->paused)
			take_pending(c);
		break;
	case KITH_CONN_ENDED:
		if (c->seen && !c->told) {
			c->told = true;
			c->of->conf.handler.on_close(c->of->conf.arg, c, c->code);
		}
		if (c->s.fd < 0)
			kith_conn_free(c);
		break;
	default:
		break;
	}
}

/* Keeps what cannot be worked on yet, and reads no more until it can. */
void
kith_conn_put_off(struct kith_http_conn *c, struct kith_slice in)
{
	kith_stream_pause(&c->s, true);
	kith_buf_put_slice(&c->pending, in);
	if (kith_buf_err(&c->pending) != KITH_OK)
		kith_conn_end(c, 1011, false);
}

/* ---- requests ---- */

static bool
near(const struct kith_addr *a)
{
	return kith_addr_is_loopback(a) || kith_addr_is_private(a);
}

/* Plain HTTP where it is not wanted. False: the request has been answered. */
static bool
plain_ok(struct kith_http_conn *c)
{
	const struct kith_http_head *h = c->request.head;
	enum kith_http_plain p = c->of->conf.plain;
	struct kith_http_field location = { kith_slice_str("Location"), { NULL, 0 } };
	struct kith_buf url;

	if (c->request.tls || p == KITH_PLAIN_ALLOW || (p == KITH_PLAIN_DEFAULT && near(&c->client) && near(&c->local)))
		return true;
	if (p != KITH_PLAIN_REDIRECT || (h->method != KITH_HTTP_GET && h->method != KITH_HTTP_HEAD)) {
		kith_conn_refuse(c, 403, NULL, 0);
		return false;
	}
	kith_buf_init(&url, 0);
	kith_buf_put_str(&url, "https://");
	kith_buf_put_slice(&url, h->host);
	kith_buf_put_slice(&url, h->target);
	location.value = kith_buf_slice(&url);
	if (kith_buf_err(&url) == KITH_OK)
		kith_conn_refuse(c, 308, &location, 1);
	else
		kith_conn_end(c, 0, false);
	kith_buf_fini(&url);
	return false;
}

/* The head is complete. */
static void
begin_request(struct kith_http_conn *c)
{
	const struct kith_http_head *h = kith_http_reader_head(c->reader);
	struct kith_http_conf *conf = &c->of->conf;

	c->request = (struct kith_http_request){ .head = h, .tls = c->s.ssl != NULL, .remote = &c->client, .local = &c->local };
	if (c->proxied && kith_forwarded(&conf->proxies, h, &c->remote, &c->client, &c->request.tls) != KITH_OK) {
		kith_conn_refuse(c, 400, NULL, 0);
		return;
	}
	if (!kith_http_host_ok(conf->hosts, conf->n_hosts, &c->local, h->host)) {
		kith_conn_refuse(c, 400, NULL, 0);
		return;
	}
	if (!plain_ok(c))
		return;
	c->body_max = conf->handler.body_max != NULL ? conf->handler.body_max(conf->arg, h) : BODY_DEFAULT;
	if (h->length > c->body_max) {
		kith_conn_refuse(c, 413, NULL, 0);
		return;
	}
	kith_buf_init(&c->body, 0);
	c->streaming = false;
	if (!h->has_body)
		return;
	kith_conn_enter(c, KITH_CONN_BODY, conf->head_ms);
	c->body_begun_ms = now(c);
	c->body_seen = 0;
	if (conf->handler.on_head != NULL) {
		c->streaming = conf->handler.on_head(conf->arg, c, &c->request);
		c->seen = c->seen || c->streaming;
		if (c->phase != KITH_CONN_BODY)
			return;
	}
	if (h->expect_continue && kith_stream_send(&c->s, kith_slice_str("HTTP/1.1 100 Continue\r\n\r\n")) != KITH_OK)
		kith_conn_end(c, 0, false);
}

static void
take_body(struct kith_http_conn *c, struct kith_slice part)
{
	if (part.n > c->body_max - c->body_seen) {
		kith_conn_refuse(c, 413, NULL, 0);
		return;
	}
	c->body_seen += part.n;
	if (c->streaming) {
		c->of->conf.handler.on_part(c->of->conf.arg, c, part);
		if (c->phase != KITH_CONN_BODY)
			return;
	} else {
		kith_buf_put_slice(&c->body, part);
	}
	if (kith_buf_err(&c->body) != KITH_OK) {
		kith_conn_refuse(c, 503, NULL, 0);
		return;
	}
	c->deadline_ms = c->body_begun_ms + c->of->conf.head_ms + c->body_seen * 1000 / c->of->conf.body_rate;
}

static void
finish_request(struct kith_http_conn *c)
{
	kith_buf_put_u8(&c->body, 0);
	if (kith_buf_err(&c->body) != KITH_OK) {
		kith_conn_refuse(c, 503, NULL, 0);
		return;
	}
	c->request.body = kith_slice_of(c->body.p, c->body.n - 1);
	kith_conn_enter(c, KITH_CONN_HANDLER, 0);
	c->seen = true;
	c->of->counts.requests++;
	c->of->conf.handler.on_request(c->of->conf.arg, c, &c->request);
}

static bool
reading_http(const struct kith_http_conn *c)
{
	return c->phase == KITH_CONN_IDLE || c->phase == KITH_CONN_HEAD || c->phase == KITH_CONN_BODY;
}

static void
read_http(struct kith_http_conn *c, struct kith_slice in)
{
	struct kith_slice part = { NULL, 0 };
	size_t used;

	while (reading_http(c)) {
		switch (kith_http_read(c->reader, in, &used, &part)) {
		case KITH_HTTP_MORE:
			if (c->phase == KITH_CONN_BODY && kith_http_reader_owed(c->reader) > c->body_max - c->body_seen) {
				kith_conn_refuse(c, 413, NULL, 0);
				return;
			}
			if (c->phase == KITH_CONN_IDLE && kith_http_reader_begun(c->reader)) {
				if (c->fresh)
					c->phase = KITH_CONN_HEAD;      /* its time runs since we could read */
				else
					kith_conn_enter(c, KITH_CONN_HEAD, c->of->conf.head_ms);
			}
			return;
		case KITH_HTTP_HEADERS:
			begin_request(c);
			break;
		case KITH_HTTP_BODY:
			take_body(c, part);
			break;
		case KITH_HTTP_DONE:
			finish_request(c);
			break;
		case KITH_HTTP_ERROR:
			c->request.head = NULL;
			kith_conn_refuse(c, kith_http_reader_status(c->reader), NULL, 0);
			break;
		}
		in = kith_slice_from(in, used);
		if (c->phase == KITH_CONN_IDLE && c->later.queued)
			break;          /* answered already: the rest is for the next turn, one request at a time */
	}
	if (c->phase != KITH_CONN_ENDED && (c->phase != KITH_CONN_WS || in.n > 0))
		kith_conn_put_off(c, in);
}

/* ---- the stream ---- */

static struct ssl_st *
on_sniff(void *arg, uint8_t first)
{
	struct kith_http_conn *c = arg;
	struct ssl_st *ssl;

	if (first != 0x16 || c->of->conf.tls == NULL) {
		kith_conn_enter(c, KITH_CONN_IDLE, c->of->conf.head_ms);
		return NULL;
	}
	ssl = kith_tls_server_open(c->of->conf.tls);
	if (ssl == NULL)
		kith_conn_end(c, 0, false);
	return ssl;
}

static void
on_ready(void *arg)
{
	struct kith_http_conn *c = arg;

	kith_conn_enter(c, KITH_CONN_IDLE, c->of->conf.head_ms);
}

static void
on_bytes(void *arg, struct kith_slice in)
{
	struct kith_http_conn *c = arg;

	if (c->phase == KITH_CONN_WS)
		kith_conn_read_ws(c, in);
	else if (reading_http(c))
		read_http(c, in);
	else
		kith_conn_put_off(c, in);
}

static void
on_sent(void *arg)
{
	struct kith_http_conn *c = arg;

	if (c->phase != KITH_CONN_ANSWER)
		return;
	if (c->file >= 0) {
		kith_conn_feed(c);
		return;
	}
	if (c->s.n > 0) {
		kith_conn_enter(c, KITH_CONN_ANSWER, KITH_CONN_STUCK_MS);
		return;
	}
	kith_conn_enter(c, KITH_CONN_IDLE, c->of->conf.idle_ms);
	kith_reactor_defer(c->of->r, &c->later);
}

static void
on_end(void *arg, enum kith_stream_end e)
{
	struct kith_http_conn *c = arg;

	ERR_clear_error();
	if (e == KITH_STREAM_TLS)
		c->of->counts.no_tls++;
	kith_conn_end(c, 1006, e == KITH_STREAM_EOF && c->phase == KITH_CONN_ANSWER);
}

static const struct kith_stream_calls calls = {
	.sniff = on_sniff, .ready = on_ready, .bytes = on_bytes, .sent = on_sent, .end = on_end,
};

static bool
local_of(int fd, struct kith_addr *out)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	return getsockname(fd, (struct sockaddr *)&ss, &len) == 0 && kith_addr_from((struct sockaddr *)&ss, len, out) == KITH_OK;
}

static struct kith_http_conn *
conn_new(struct kith_http_server *s, int take_fd, const struct kith_addr *remote)
{
	struct kith_http_conn *c = calloc(1, sizeof(*c));
	uint8_t key[8];
	int on = 1;

	if (c == NULL || (c->reader = kith_http_reader_new(false)) == NULL || !local_of(take_fd, &c->local)) {
		close(take_fd);
		goto fail;
	}
	c->of = s;
	c->id = kith_reactor_new_id(s->r);
	c->remote = c->client = *remote;
	c->proxied = kith_is_proxy(&s->conf.proxies, remote);
	c->fresh = true;
	c->file = -1;
	kith_put_be64(key, c->id);
	if (kith_map_put(s->by_id, kith_slice_of(key, sizeof(key)), c, NULL) != KITH_OK) {
		close(take_fd);
		goto fail;
	}
	(void)setsockopt(take_fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (kith_stream_init(&c->s, s->r, take_fd, NULL, &calls, c) != KITH_OK) {
		(void)kith_map_del(s->by_id, kith_slice_of(key, sizeof(key)));
		goto fail;
	}
	c->later = (struct kith_deferred){ .fn = on_later, .arg = c };
	kith_conn_enter(c, KITH_CONN_OPENING, s->conf.handshake_ms);
	c->next = s->list;
	if (c->next != NULL)
		c->next->prev = c;
	s->list = c;
	kith_reactor_tick(s->r, &s->ticker, true);
	return c;
fail:
	if (c != NULL)
		kith_http_reader_free(c->reader);
	free(c);
	return NULL;
}

void
kith_conn_accept(struct kith_http_server *s, int take_fd, const struct kith_addr *remote)
{
	struct kith_http_conn *c;
	uint32_t dice;

	kith_random_bytes(&dice, sizeof(dice));
	if (s->conf.gate != NULL && kith_gate_enter(s->conf.gate, remote, dice) != KITH_OK) {
		s->counts.crowded++;
		close(take_fd);
		return;
	}
	s->counts.accepted++;
	c = conn_new(s, take_fd, remote);
	if (c != NULL) {
		c->counted = s->conf.gate != NULL;
		if (c->proxied)
			kith_http_conn_trust(c);        /* one address brings everybody */
	} else if (s->conf.gate != NULL) {
		kith_gate_leave(s->conf.gate, remote, false);
	}
}

void
kith_conn_tick(struct kith_http_conn *c, uint64_t now_ms)
{
	switch (c->phase) {
	case KITH_CONN_HEAD:
	case KITH_CONN_BODY:
		c->request.head = NULL;
		kith_conn_refuse(c, 408, NULL, 0);
		break;
	case KITH_CONN_WS:
		if (c->pings >= 2 && !c->paused) {      /* while paused we do not listen for pongs */
			c->of->counts.lost++;
			kith_conn_end(c, 1006, false);
			break;
		}
		c->pings++;
		c->deadline_ms = now_ms + c->of->conf.ping_ms;
		kith_conn_send_frame(c, KITH_WS_OP_PING, kith_slice_of(NULL, 0));
		break;
	default:
		kith_conn_end(c, 0, false);
		break;
	}
}

/* ---- what the owner calls ---- */

int
kith_http_reply(struct kith_http_conn *c, int status, const struct kith_http_field *fields, size_t n_fields,
    const char *type, struct kith_slice body)
{
	bool early = c->phase == KITH_CONN_BODY;

	if (c->phase != KITH_CONN_HANDLER && !early)
		return KITH_E_NOTFOUND;
	return kith_conn_answer(c, status, early || !c->request.head->keep_alive || c->of->stopping, fields, n_fields, type, body);
}

int
kith_http_reply_file(struct kith_http_conn *c, int status, const struct kith_http_field *fields, size_t n_fields, const char *type,
    int take_fd, uint64_t off, uint64_t len)
{
	if (c->phase != KITH_CONN_HANDLER) {
		close(take_fd);
		return KITH_E_NOTFOUND;
	}
	kith_conn_drop_file(c);
	c->file = take_fd;
	c->file_off = off;
	c->file_left = len;
	return kith_conn_answer(c, status, !c->request.head->keep_alive || c->of->stopping, fields, n_fields, type, kith_slice_of(NULL, 0));
}

void
kith_http_close(struct kith_http_conn *c, unsigned code, const char *reason)
{
	if (c->phase == KITH_CONN_WS)
		kith_conn_close_ws(c, code, reason);
	else if (c->phase != KITH_CONN_ENDED)
		kith_conn_end(c, 0, c->phase != KITH_CONN_OPENING);
}

void
kith_http_pause(struct kith_http_conn *c, bool pause)
{
	if (c->phase != KITH_CONN_WS || c->paused == pause)
		return;
	c->paused = pause;
	if (pause)
		kith_stream_pause(&c->s, true);
	else
		kith_reactor_defer(c->of->r, &c->later);
}

uint64_t
kith_http_conn_id(const struct kith_http_conn *c)
{
	return c->id;
}

void *
kith_http_conn_user(const struct kith_http_conn *c)
{
	return c->user;
}

void
kith_http_conn_set_user(struct kith_http_conn *c, void *user)
{
	c->user = user;
}

const struct kith_addr *
kith_http_conn_remote(const struct kith_http_conn *c)
{
	return &c->client;
}

bool
kith_http_conn_tls(const struct kith_http_conn *c)
{
	return c->request.tls;
}

bool
kith_http_conn_is_ws(const struct kith_http_conn *c)
{
	return c->phase == KITH_CONN_WS;
}

enum kith_ws_protocol
kith_http_conn_protocol(const struct kith_http_conn *c)
{
	return c->protocol;
}

void
kith_http_conn_trust(struct kith_http_conn *c)
{
	if (c->trusted)
		return;
	c->trusted = true;
	if (c->counted)
		kith_gate_trust(c->of->conf.gate, &c->remote);
}

const struct kith_http_request *
kith_http_conn_request(const struct kith_http_conn *c)
{
	return c->phase == KITH_CONN_HANDLER ? &c->request : NULL;
}

size_t
kith_http_backlog(const struct kith_http_conn *c)
{
	return c->s.queued;
}
