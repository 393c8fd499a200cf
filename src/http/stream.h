#ifndef KITH_HTTP_STREAM_H
#define KITH_HTTP_STREAM_H

#include <event2/event_struct.h>

#include "base/error.h"
#include "base/slice.h"
#include "http/blob.h"
#include "http/reactor.h"

struct ssl_st;

/*
 * A connected socket, plain or TLS, with a queue. What is sent goes to the
 * socket at once; only what does not fit waits. Lives in its owner. No function
 * here calls back: that is done from the loop only, and the owner may close
 * the stream (not free it) in any callback. For src/http alone.
 */
enum kith_stream_end {
	KITH_STREAM_EOF,        /* the other side is done, properly */
	KITH_STREAM_CUT,        /* anything else, an end of TLS without its goodbye included */
	KITH_STREAM_TLS,        /* the handshake failed; the reason is in OpenSSL's queue, for kith_tls_why */
};

struct kith_stream_calls {
	/* The first byte is there (not taken): an SSL to be owned by the stream makes it TLS. NULL: nothing to choose. */
	struct ssl_st *(*sniff)(void *arg, uint8_t first);
	void (*ready)(void *arg);                       /* TLS is up; may be NULL */
	void (*bytes)(void *arg, struct kith_slice in); /* borrowed for the call */
	void (*sent)(void *arg);                        /* some or all of the queue has left */
	/*
	 * Nothing more comes in. After EOF one may still send, or finish; end is then told again
	 * when that is over. After anything else there is nothing but to close.
	 */
	void (*end)(void *arg, enum kith_stream_end why);
};

struct kith_stream {
	struct kith_reactor *r;
	int fd;                 /* -1: closed */
	struct ssl_st *ssl;
	const struct kith_stream_calls *calls;
	void *arg;
	struct event readable, writable;
	struct kith_stream_item {
		struct kith_blob *b;
		size_t off;
	} *queue;               /* a ring */
	size_t head, n, cap;
	size_t queued;          /* bytes */
	bool sniffing, handshaking, paused, broken, finishing, finished, ended;
	bool read_wants_write;
};

/* Takes fd, and ssl when given (NULL: plain, or to be sniffed). Reading begins. NOMEM: fd and ssl are closed. */
KITH_MUST_USE int kith_stream_init(struct kith_stream *s, struct kith_reactor *r, int take_fd, struct ssl_st *take_ssl,
    const struct kith_stream_calls *calls, void *arg);
/* At once, with a TLS goodbye if there is room. No callbacks afterwards; safe twice. */
void kith_stream_close(struct kith_stream *s);
/*
 * Send what is queued, then the end; throw away what still comes in until the
 * other side ends too (end is called), so that it reads our last words.
 */
void kith_stream_finish(struct kith_stream *s);
void kith_stream_pause(struct kith_stream *s, bool pause);
/* NOMEM: what did not fit into the socket is lost; close it. A broken connection takes all and tells by end. */
KITH_MUST_USE int kith_stream_send(struct kith_stream *s, struct kith_slice bytes);
KITH_MUST_USE int kith_stream_send_blob(struct kith_stream *s, struct kith_blob *b);    /* a reference of its own */

#endif
