#include "http/conn.h"

#include <string.h>

enum { SLICE_MS = 1 };                  /* of messages that came together; then it is the others' turn */

void
kith_conn_send_frame(struct kith_http_conn *c, enum kith_ws_opcode op, struct kith_slice payload)
{
	struct kith_buf b;

	kith_buf_init(&b, 0);
	kith_ws_put(&b, op, payload, NULL);
	if (kith_buf_err(&b) != KITH_OK || kith_stream_send(&c->s, kith_buf_slice(&b)) != KITH_OK)
		kith_conn_end(c, 1011, false);
	kith_buf_fini(&b);
}

void
kith_conn_close_ws(struct kith_http_conn *c, unsigned code, const char *reason)
{
	struct kith_buf b;
	bool ok;

	kith_buf_init(&b, 0);
	kith_ws_put_close(&b, code, reason, NULL);
	ok = kith_buf_err(&b) == KITH_OK && kith_stream_send(&c->s, kith_buf_slice(&b)) == KITH_OK;
	kith_buf_fini(&b);
	kith_conn_end(c, code, ok);
}

static const char *
why(unsigned code)
{
	switch (code) {
	case 1007: return "not UTF-8";
	case 1008: return "too many frames";
	case 1009: return "message too long";
	case 1011: return "out of memory";
	default: return "malformed frame";
	}
}

void
kith_conn_read_ws(struct kith_http_conn *c, struct kith_slice in)
{
	struct kith_http_conf *conf = &c->of->conf;
	struct kith_ws_message m;
	uint64_t begun_ms = kith_reactor_now_ms(c->of->r), now_ms = begun_ms;
	size_t used;

	c->pings = 0;
	while (c->phase == KITH_CONN_WS && !c->paused) {
		enum kith_ws_event e;

		if (now_ms - begun_ms >= SLICE_MS && in.n > 0) {
			kith_reactor_defer(c->of->r, &c->later);
			break;
		}
		e = kith_ws_read(c->ws, now_ms, in, &used, &m);

		in = kith_slice_from(in, used);
		switch (e) {
		case KITH_WS_MORE:
			return;
		case KITH_WS_TEXT:
		case KITH_WS_BINARY:
			conf->handler.on_message(conf->arg, c, e == KITH_WS_BINARY, m.payload);
			break;
		case KITH_WS_PING:
			if (c->s.n < conf->queue_items)         /* who reads nothing needs no pongs */
				kith_conn_send_frame(c, KITH_WS_OP_PONG, m.payload);
			break;
		case KITH_WS_PONG:
			break;
		case KITH_WS_CLOSE:
			kith_conn_close_ws(c, m.code, "");
			break;
		case KITH_WS_FAIL:
			c->of->counts.broken++;
			kith_conn_close_ws(c, m.code, why(m.code));
			break;
		}
		now_ms = kith_reactor_now_ms(c->of->r);
	}
	if (c->phase == KITH_CONN_WS)
		kith_conn_put_off(c, in);
}

int
kith_http_upgrade(struct kith_http_conn *c)
{
	static const struct kith_http_field version = { { (const uint8_t *)"Sec-WebSocket-Version", 21 }, { (const uint8_t *)"13", 2 } };
	char accept[KITH_WS_ACCEPT_LEN + 1];
	struct kith_buf b;
	bool outdated;
	int r;

	if (c->phase != KITH_CONN_HANDLER)
		return KITH_E_NOTFOUND;
	r = kith_ws_handshake(c->request.head, &c->protocol, accept);
	if (r == KITH_E_NOTFOUND)
		return r;
	if (r == KITH_OK && (c->ws = kith_ws_new(true)) == NULL)
		r = KITH_E_NOMEM;
	if (r != KITH_OK) {
		outdated = r == KITH_E_MALFORMED && kith_ws_wrong_version(c->request.head);
		kith_conn_refuse(c, outdated ? 426 : r == KITH_E_NOMEM ? 503 : 400, &version, outdated);
		return r;
	}
	kith_buf_init(&b, 0);
	kith_ws_put_accept(&b, c->protocol, accept);
	r = kith_buf_err(&b);
	if (r == KITH_OK)
		r = kith_stream_send(&c->s, kith_buf_slice(&b));
	kith_buf_fini(&b);
	if (r != KITH_OK) {
		kith_conn_end(c, 1011, false);
		return r;
	}
	c->request.head = NULL;
	kith_http_reader_free(c->reader);
	c->reader = NULL;
	kith_buf_fini(&c->body);
	c->of->counts.sockets++;
	kith_conn_enter(c, KITH_CONN_WS, c->of->conf.ping_ms);
	kith_reactor_defer(c->of->r, &c->later);
	return KITH_OK;
}

int
kith_http_ws_send_blob(struct kith_http_conn *c, struct kith_blob *frame)
{
	const struct kith_http_conf *conf = &c->of->conf;

	if (c->phase != KITH_CONN_WS)
		return KITH_E_NOTFOUND;
	if (c->s.n > 0 && (c->s.n >= conf->queue_items || frame->n > conf->queue_bytes ||
	    c->s.queued > conf->queue_bytes - frame->n)) {
		c->of->counts.overrun++;
		kith_conn_close_ws(c, 1013, "too slow");
		return KITH_E_LIMIT;
	}
	if (kith_stream_send_blob(&c->s, frame) != KITH_OK) {
		kith_conn_end(c, 1011, false);
		return KITH_E_NOMEM;
	}
	return KITH_OK;
}

int
kith_http_ws_send(struct kith_http_conn *c, bool binary, struct kith_slice msg)
{
	struct kith_blob *b;
	int r;

	if (c->phase != KITH_CONN_WS)
		return KITH_E_NOTFOUND;
	b = kith_blob_ws(binary, msg);
	if (b == NULL) {
		kith_conn_close_ws(c, 1011, why(1011));
		return KITH_E_NOMEM;
	}
	r = kith_http_ws_send_blob(c, b);
	kith_blob_unref(b);
	return r;
}
