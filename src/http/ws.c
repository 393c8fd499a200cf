#include "http/ws.h"

#include <stdlib.h>
#include <string.h>

#include <wslay/wslay.h>

enum { CONTROL_MAX = 125, REASON_MAX = CONTROL_MAX - 2 };

/* A UTF-8 character under way: how many bytes it still needs, and what the next may be. */
struct utf8 {
	unsigned need;
	uint8_t lo, hi;
};

struct kith_ws {
	bool server, dead;
	wslay_frame_context_ptr frames;         /* only while something is under way */
	struct kith_slice feed;                 /* what wslay has not been given yet */
	size_t held;                            /* bytes it was given and has not given back */
	bool in_frame;
	uint8_t op;                             /* of the frame at hand */
	uint64_t left;                          /* of its payload */
	uint8_t message_op;                     /* of the message at hand; 0: none */
	unsigned fragments;
	struct utf8 utf8;
	struct kith_buf message;
	uint8_t control[CONTROL_MAX];
	size_t n_control;
	uint64_t second_ms;                     /* control frames are counted from here on */
	unsigned n_second;
};

struct kith_ws *
kith_ws_new(bool server)
{
	struct kith_ws *ws = calloc(1, sizeof(*ws));

	if (ws == NULL)
		return NULL;
	ws->server = server;
	kith_buf_init(&ws->message, KITH_WS_MESSAGE_MAX);
	return ws;
}

void
kith_ws_free(struct kith_ws *ws)
{
	if (ws == NULL)
		return;
	if (ws->frames != NULL)
		wslay_frame_context_free(ws->frames);
	kith_buf_fini(&ws->message);
	free(ws);
}

/* Takes s as the next part of a text; false: it is none. */
static bool
utf8_feed(struct utf8 *u, struct kith_slice s)
{
	size_t i;

	for (i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		if (u->need > 0) {
			if (c < u->lo || c > u->hi)
				return false;
			u->need--;
			u->lo = 0x80;
			u->hi = 0xbf;
			continue;
		}
		if (c < 0x80)
			continue;
		if (c < 0xc2 || c > 0xf4)
			return false;
		u->need = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
		u->lo = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
		u->hi = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
	}
	return true;
}

bool
kith_ws_code_ok(unsigned code)
{
	return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

static enum kith_ws_event
fail(struct kith_ws *ws, struct kith_ws_message *out, uint16_t code)
{
	ws->dead = true;
	*out = (struct kith_ws_message){ .code = code };
	return KITH_WS_FAIL;
}

static ssize_t
give(uint8_t *buf, size_t len, int flags, void *arg)
{
	struct kith_ws *ws = arg;
	size_t n = ws->feed.n < len ? ws->feed.n : len;

	(void)flags;
	if (n == 0)
		return -1;
	memcpy(buf, ws->feed.p, n);
	ws->feed = kith_slice_from(ws->feed, n);
	ws->held += n;
	return (ssize_t)n;
}

/* Nothing is under way: give the memory back. */
static void
rest(struct kith_ws *ws)
{
	if (ws->held == 0 && !ws->in_frame && ws->frames != NULL) {
		wslay_frame_context_free(ws->frames);
		ws->frames = NULL;
	}
	if (ws->message_op == 0)
		kith_buf_fini(&ws->message);
}

static bool
control_too_often(struct kith_ws *ws, uint64_t now_ms)
{
	if (ws->n_second == 0 || now_ms - ws->second_ms >= 1000) {
		ws->second_ms = now_ms;
		ws->n_second = 0;
	}
	return ++ws->n_second > KITH_WS_CONTROL_RATE;
}

/* A frame begins; may it, here? 0, or the code to close with. */
static uint16_t
begin_frame(struct kith_ws *ws, uint64_t now_ms, const struct wslay_frame_iocb *f)
{
	if (f->rsv != 0 || (f->mask != 0) != ws->server)
		return 1002;
	ws->in_frame = true;
	ws->op = f->opcode;
	ws->left = f->payload_length;
	ws->held -= 2 + (f->payload_length < 126 ? 0u : f->payload_length < 65536 ? 2u : 8u) + (ws->server ? 4u : 0u);
	switch (f->opcode) {
	case KITH_WS_OP_CLOSE:
	case KITH_WS_OP_PING:
	case KITH_WS_OP_PONG:           /* whole and short: wslay has seen to it */
		ws->n_control = 0;
		return control_too_often(ws, now_ms) ? 1008 : 0;
	case KITH_WS_OP_TEXT:
	case KITH_WS_OP_BINARY:
		if (ws->message_op != 0)
			return 1002;
		ws->message_op = f->opcode;
		ws->fragments = 0;
		ws->utf8.need = 0;
		kith_buf_reset(&ws->message);
		break;
	case 0:
		if (ws->message_op == 0)
			return 1002;
		break;
	default:
		return 1002;
	}
	if (++ws->fragments > KITH_WS_FRAGMENTS_MAX)
		return 1008;
	return f->payload_length > KITH_WS_MESSAGE_MAX - ws->message.n ? 1009 : 0;
}

static enum kith_ws_event
end_control(struct kith_ws *ws, struct kith_ws_message *out)
{
	struct kith_slice s = { ws->control, ws->n_control };
	struct utf8 u = { 0, 0, 0 };
	unsigned code = 1005;

	if (ws->op == KITH_WS_OP_CLOSE && s.n > 0) {
		if (s.n == 1)
			return fail(ws, out, 1002);
		code = kith_get_be16(s.p);
		s = kith_slice_from(s, 2);
		if (!kith_ws_code_ok(code))
			return fail(ws, out, 1002);
		if (!utf8_feed(&u, s) || u.need > 0)
			return fail(ws, out, 1007);
	}
	*out = (struct kith_ws_message){ .payload = s, .code = ws->op == KITH_WS_OP_CLOSE ? (uint16_t)code : 0 };
	if (ws->op == KITH_WS_OP_CLOSE)
		ws->dead = true;
	return ws->op == KITH_WS_OP_CLOSE ? KITH_WS_CLOSE : ws->op == KITH_WS_OP_PING ? KITH_WS_PING : KITH_WS_PONG;
}

/* One piece of a frame's payload, the last when ws->left comes to 0. MORE: nothing to tell yet. */
static enum kith_ws_event
take_piece(struct kith_ws *ws, const struct wslay_frame_iocb *f, struct kith_ws_message *out)
{
	struct kith_slice s = { f->data, f->data_length };
	bool text = ws->message_op == KITH_WS_OP_TEXT;

	ws->left -= s.n;
	ws->held -= s.n;
	ws->in_frame = ws->left > 0;
	if (wslay_is_ctrl_frame(ws->op)) {
		memcpy(ws->control + ws->n_control, s.p, s.n);
		ws->n_control += s.n;
		return ws->in_frame ? KITH_WS_MORE : end_control(ws, out);
	}
	if (text && !utf8_feed(&ws->utf8, s))
		return fail(ws, out, 1007);
	if (!f->fin || ws->in_frame || ws->message.n > 0) {     /* else it is all here, and lent as it is */
		kith_buf_put_slice(&ws->message, s);
		if (kith_buf_err(&ws->message) != KITH_OK)
			return fail(ws, out, 1011);
		s = kith_buf_slice(&ws->message);
	}
	if (!f->fin || ws->in_frame)
		return KITH_WS_MORE;
	if (text && ws->utf8.need > 0)
		return fail(ws, out, 1007);
	ws->message_op = 0;
	*out = (struct kith_ws_message){ .payload = s };
	return text ? KITH_WS_TEXT : KITH_WS_BINARY;
}

static enum kith_ws_event
step(struct kith_ws *ws, uint64_t now_ms, struct kith_ws_message *out)
{
	static const struct wslay_frame_callbacks calls = { .recv_callback = give };
	struct wslay_frame_iocb f;
	enum kith_ws_event e;
	uint16_t code;
	ssize_t r;

	if (ws->frames == NULL && (ws->feed.n == 0 || wslay_frame_context_init(&ws->frames, &calls, ws) != 0)) {
		rest(ws);
		return ws->feed.n == 0 ? KITH_WS_MORE : fail(ws, out, 1011);
	}
	for (;;) {
		memset(&f, 0, sizeof(f));
		r = wslay_frame_recv(ws->frames, &f);
		if (r == WSLAY_ERR_WANT_READ && ws->feed.n > 0)
			continue;
		if (r == WSLAY_ERR_WANT_READ) {
			rest(ws);
			return KITH_WS_MORE;
		}
		if (r < 0)
			return fail(ws, out, 1002);
		code = ws->in_frame ? 0 : begin_frame(ws, now_ms, &f);
		if (code != 0)
			return fail(ws, out, code);
		e = take_piece(ws, &f, out);
		if (e != KITH_WS_MORE)
			return e;
	}
}

enum kith_ws_event
kith_ws_read(struct kith_ws *ws, uint64_t now_ms, struct kith_slice in, size_t *used, struct kith_ws_message *out)
{
	enum kith_ws_event e;

	if (ws->dead) {
		*used = in.n;
		return KITH_WS_MORE;
	}
	ws->feed = in;
	e = step(ws, now_ms, out);
	*used = in.n - ws->feed.n;
	return e;
}

size_t
kith_ws_put_header(uint8_t out[KITH_WS_HEADER_MAX], enum kith_ws_opcode op, uint64_t len, const uint8_t *mask)
{
	size_t n = 2;

	out[0] = (uint8_t)(0x80u | op);
	if (len < 126) {
		out[1] = (uint8_t)len;
	} else if (len < 65536) {
		out[1] = 126;
		kith_put_be16(out + 2, (uint16_t)len);
		n += 2;
	} else {
		out[1] = 127;
		kith_put_be64(out + 2, len);
		n += 8;
	}
	if (mask != NULL) {
		out[1] |= 0x80;
		memcpy(out + n, mask, 4);
		n += 4;
	}
	return n;
}

void
kith_ws_put(struct kith_buf *b, enum kith_ws_opcode op, struct kith_slice payload, const uint8_t *mask)
{
	uint8_t head[KITH_WS_HEADER_MAX];
	size_t i;
	uint8_t *p;

	kith_buf_put(b, head, kith_ws_put_header(head, op, payload.n, mask));
	p = kith_buf_room(b, payload.n);
	if (p == NULL)
		return;
	for (i = 0; i < payload.n; i++)
		p[i] = mask != NULL ? payload.p[i] ^ mask[i % 4] : payload.p[i];
}

void
kith_ws_put_close(struct kith_buf *b, unsigned code, const char *reason, const uint8_t *mask)
{
	uint8_t body[CONTROL_MAX];
	struct kith_slice text = kith_slice_str(reason);

	if (!kith_ws_code_ok(code)) {
		kith_ws_put(b, KITH_WS_OP_CLOSE, kith_slice_of(NULL, 0), mask);
		return;
	}
	if (text.n > REASON_MAX) {
		text.n = REASON_MAX;
		while (text.n > 0 && (text.p[text.n] & 0xc0) == 0x80)
			text.n--;
	}
	kith_put_be16(body, (uint16_t)code);
	memcpy(body + 2, text.p, text.n);
	kith_ws_put(b, KITH_WS_OP_CLOSE, kith_slice_of(body, text.n + 2), mask);
}
