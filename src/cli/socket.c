#include "cli/socket.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/ws.h"

#define OPEN_MS 15000
#define PING_EVERY_MS 30000     /* of silence */
#define SILENT_MS 75000

struct cli_socket {
	struct cli_net *net;
	struct kith_ws *ws;
	uint64_t heard_ms, pinged_ms;
	struct kith_slice rest;         /* of in */
	uint8_t in[65536];
};

static int
send_frame(struct cli_socket *s, enum kith_ws_opcode op, struct kith_slice payload, struct kith_diag *d)
{
	struct kith_buf b;
	uint8_t mask[4];
	int r;

	randombytes_buf(mask, sizeof(mask));
	kith_buf_init(&b, 0);
	kith_ws_put(&b, op, payload, mask);
	r = kith_buf_err(&b);
	if (r == KITH_OK)
		r = cli_net_write(s->net, kith_buf_slice(&b), cli_now_ms() + OPEN_MS, d);
	kith_buf_fini(&b);
	return r;
}

static int
ask(struct cli_socket *s, const struct cli_url *u, const char *token, char key[KITH_WS_KEY_LEN + 1],
    struct kith_diag *d)
{
	uint8_t random[16];
	struct kith_buf b;
	char bearer[160];
	int r;

	randombytes_buf(random, sizeof(random));
	snprintf(bearer, sizeof(bearer), "Bearer %s", token);
	kith_buf_init(&b, 0);
	kith_http_put_request(&b, "GET", kith_slice_str("/ws"), kith_slice_str(u->hostport));
	kith_http_put_field(&b, "User-Agent", kith_slice_str("kith/" PACKAGE_VERSION));
	kith_http_put_field(&b, "Authorization", kith_slice_str(bearer));
	kith_ws_put_handshake(&b, random, KITH_WS_JSON, key);
	kith_http_put_end(&b);
	r = kith_buf_err(&b);
	if (r == KITH_OK)
		r = cli_net_write(s->net, kith_buf_slice(&b), cli_now_ms() + OPEN_MS, d);
	kith_buf_fini(&b);
	return r;
}

/* Reads the answer to the handshake; what follows it stays in s->rest. */
static int
take_accept(struct cli_socket *s, const char *key, struct kith_diag *d)
{
	struct kith_http_reader *reader = kith_http_reader_new(true);
	uint64_t deadline = cli_now_ms() + OPEN_MS;
	enum kith_http_event e = KITH_HTTP_MORE;
	struct kith_slice body;
	size_t used, got;
	int r = reader != NULL ? KITH_OK : KITH_E_NOMEM;

	while (r == KITH_OK && e == KITH_HTTP_MORE) {
		e = kith_http_read(reader, s->rest, &used, &body);
		s->rest = kith_slice_from(s->rest, used);
		if (e != KITH_HTTP_MORE)
			break;
		r = cli_net_read(s->net, s->in, sizeof(s->in), deadline, &got, d);
		if (r == KITH_E_EARLY || (r == KITH_OK && got == 0)) {
			kith_diag_set(d, "the node does not answer");
			r = KITH_E_BUSY;
		}
		if (r == KITH_OK)
			s->rest = kith_slice_of(s->in, got);
	}
	if (r == KITH_OK && e != KITH_HTTP_HEADERS)
		r = KITH_E_MALFORMED;
	if (r == KITH_OK) {
		const struct kith_http_head *h = kith_http_reader_head(reader);

		r = kith_ws_check_accept(h, key, KITH_WS_JSON);
		if (r == KITH_E_DENIED) {
			kith_diag_set(d, "the node refuses a WebSocket with status %d", h->status);
			r = h->status == 429 || h->status >= 500 ? KITH_E_BUSY : KITH_E_DENIED;
		}
	}
	if (r == KITH_E_MALFORMED)
		kith_diag_set(d, "what answers is not a Kith node");
	kith_http_reader_free(reader);
	return r;
}

int
cli_socket_open(struct cli_http *h, const char *token, struct cli_socket **out, struct kith_diag *d)
{
	struct cli_socket *s = calloc(1, sizeof(*s));
	char key[KITH_WS_KEY_LEN + 1];
	int r = KITH_E_NOMEM;

	if (s == NULL || (s->ws = kith_ws_new(false)) == NULL) {
		kith_diag_set(d, "out of memory");
		goto done;
	}
	r = cli_http_dial(h, &s->net, d);
	if (r == KITH_OK)
		r = ask(s, cli_http_url(h), token, key, d);
	if (r == KITH_OK)
		r = take_accept(s, key, d);
	s->heard_ms = s->pinged_ms = cli_now_ms();
done:
	if (r == KITH_OK)
		*out = s;
	else
		cli_socket_close(s);
	return r;
}

void
cli_socket_close(struct cli_socket *s)
{
	if (s == NULL)
		return;
	cli_net_close(s->net);
	kith_ws_free(s->ws);
	free(s);
}

/* Pings a node that has been silent. BUSY: it has been so for too long. */
static int
keep_alive(struct cli_socket *s, struct kith_diag *d)
{
	uint64_t now = cli_now_ms();

	if (now - s->heard_ms >= SILENT_MS) {
		kith_diag_set(d, "the node does not answer");
		return KITH_E_BUSY;
	}
	if (now - s->heard_ms < PING_EVERY_MS || now - s->pinged_ms < PING_EVERY_MS)
		return KITH_OK;
	s->pinged_ms = now;
	return send_frame(s, KITH_WS_OP_PING, kith_slice_of(NULL, 0), d);
}

int
cli_socket_next(struct cli_socket *s, uint64_t deadline_ms, struct kith_slice *text, struct kith_diag *d)
{
	struct kith_ws_message m;
	size_t used, got;
	int r = KITH_OK;

	while (r == KITH_OK) {
		enum kith_ws_event e = kith_ws_read(s->ws, cli_now_ms(), s->rest, &used, &m);
		uint64_t until = cli_now_ms() + 5000;

		s->rest = kith_slice_from(s->rest, used);
		switch (e) {
		case KITH_WS_TEXT:
			*text = m.payload;
			return KITH_OK;
		case KITH_WS_PING:
			r = send_frame(s, KITH_WS_OP_PONG, m.payload, d);
			break;
		case KITH_WS_PONG:
			break;
		case KITH_WS_BINARY:
		case KITH_WS_CLOSE:
		case KITH_WS_FAIL:
			kith_diag_set(d, "the node has closed the connection");
			return KITH_E_BUSY;
		case KITH_WS_MORE:
			r = cli_net_read(s->net, s->in, sizeof(s->in), until < deadline_ms ? until : deadline_ms,
			    &got, d);
			if (r == KITH_OK && got == 0) {
				kith_diag_set(d, "the node has closed the connection");
				return KITH_E_BUSY;
			}
			if (r == KITH_OK) {
				s->rest = kith_slice_of(s->in, got);
				s->heard_ms = cli_now_ms();
			} else if (r == KITH_E_EARLY) {
				r = keep_alive(s, d);
				if (r == KITH_OK && cli_now_ms() >= deadline_ms)
					return KITH_E_EARLY;
			}
			break;
		}
	}
	return r;
}
