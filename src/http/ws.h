#ifndef KITH_HTTP_WS_H
#define KITH_HTTP_WS_H

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"
#include "http/parse.h"

/*
 * WebSocket (RFC 6455), strict, without sockets: bytes in, whole messages out.
 * wslay takes the frames apart; what a frame may be at that point, how messages
 * grow and what ends a connection is decided here. No extensions.
 */
enum {
	KITH_WS_MESSAGE_MAX = 262144,   /* bytes of one message, reassembled */
	KITH_WS_FRAGMENTS_MAX = 128,    /* frames of one message */
	KITH_WS_CONTROL_RATE = 10,      /* control frames taken in one second */
	KITH_WS_HEADER_MAX = 14,
	KITH_WS_KEY_LEN = 24,           /* characters of Sec-WebSocket-Key */
	KITH_WS_ACCEPT_LEN = 28,
};

enum kith_ws_protocol { KITH_WS_NONE, KITH_WS_JSON, KITH_WS_MSGPACK };

const char *kith_ws_protocol_name(enum kith_ws_protocol p);     /* "kith.json", "kith.msgpack", "" */

/*
 * Is this request a WebSocket handshake we can answer? *protocol is the first of
 * ours among those offered; NONE when the client named none at all (it gets
 * JSON and no such field in the answer). accept gets a NUL.
 *   KITH_E_NOTFOUND   it asks for no upgrade: an ordinary request
 *   KITH_E_MALFORMED  it does, wrongly: answer 400 (when kith_ws_wrong_version: 426)
 *   KITH_E_DENIED     none of the protocols offered is ours: 400
 */
KITH_MUST_USE int kith_ws_handshake(const struct kith_http_head *h, enum kith_ws_protocol *protocol,
    char accept[KITH_WS_ACCEPT_LEN + 1]);
bool kith_ws_wrong_version(const struct kith_http_head *h);
/* The 101 answer, whole. */
void kith_ws_put_accept(struct kith_buf *b, enum kith_ws_protocol protocol, const char *accept);

/*
 * For a client. random gives 16 bytes; key (NUL-terminated) is kept to check the
 * answer with. Adds the fields of the handshake, after kith_http_put_request
 * and before kith_http_put_end.
 */
void kith_ws_put_handshake(struct kith_buf *b, const uint8_t random[16], enum kith_ws_protocol protocol,
    char key[KITH_WS_KEY_LEN + 1]);
/* Is this the 101 that agrees to it? MALFORMED; DENIED: another status, see h->status. */
KITH_MUST_USE int kith_ws_check_accept(const struct kith_http_head *h, const char *key, enum kith_ws_protocol protocol);

enum kith_ws_opcode {
	KITH_WS_OP_TEXT = 1, KITH_WS_OP_BINARY = 2, KITH_WS_OP_CLOSE = 8, KITH_WS_OP_PING = 9, KITH_WS_OP_PONG = 10,
};

enum kith_ws_event {
	KITH_WS_MORE,                   /* all input is used */
	KITH_WS_TEXT, KITH_WS_BINARY,   /* a whole message */
	KITH_WS_PING, KITH_WS_PONG,     /* answer a ping with its payload */
	KITH_WS_CLOSE,                  /* the other side closes: echo code (1005: an empty close) and end */
	KITH_WS_FAIL,                   /* it broke the rules: send a close with code and end */
};

struct kith_ws_message {
	struct kith_slice payload;      /* borrowed until the next call; for a close its reason, valid UTF-8 */
	uint16_t code;                  /* of CLOSE and FAIL: 1000.. 1002 1007 1008 1009 1011 */
};

struct kith_ws;

/* server: frames come masked; otherwise they must not be. NULL: out of memory. */
struct kith_ws *kith_ws_new(bool server);
void kith_ws_free(struct kith_ws *ws);                          /* NULL is fine */
/*
 * Takes bytes from the front of in until there is something to say; *used is how
 * many. Call until it says MORE, also when no bytes are left: it keeps some of
 * its own. now_ms (monotonic) is for the rate of control frames. After CLOSE and
 * FAIL there is nothing more: MORE for whatever comes. Between messages, once it
 * has said MORE, it holds no buffers.
 */
enum kith_ws_event kith_ws_read(struct kith_ws *ws, uint64_t now_ms, struct kith_slice in, size_t *used,
    struct kith_ws_message *out);

bool kith_ws_code_ok(unsigned code);                            /* one that may be in a close frame */
/* The header of a whole (unfragmented) frame; returns its length. mask: the client's 4 bytes, or NULL. */
size_t kith_ws_put_header(uint8_t out[KITH_WS_HEADER_MAX], enum kith_ws_opcode op, uint64_t len, const uint8_t *mask);
/* A whole frame; with a mask the payload is masked on the way. */
void kith_ws_put(struct kith_buf *b, enum kith_ws_opcode op, struct kith_slice payload, const uint8_t *mask);
/* A close frame; code 1005: without one. reason is cut to 123 bytes at a character. */
void kith_ws_put_close(struct kith_buf *b, unsigned code, const char *reason, const uint8_t *mask);

#endif
