#ifndef KITH_HTTP_CONN_H
#define KITH_HTTP_CONN_H

#include "base/buf.h"
#include "base/map.h"
#include "http/listener.h"
#include "http/net.h"
#include "http/stream.h"

/* What net.c (servers) and conn.c (one connection of theirs) share. */

enum kith_conn_phase {
	KITH_CONN_OPENING,      /* plain or TLS? and its handshake */
	KITH_CONN_IDLE,         /* between requests, or before the first byte of the first */
	KITH_CONN_HEAD,
	KITH_CONN_BODY,
	KITH_CONN_HANDLER,      /* a request waits for its answer; nothing is read */
	KITH_CONN_ANSWER,       /* the answer waits for room; nothing is read */
	KITH_CONN_WS,
	KITH_CONN_ENDED,        /* the owner hears no more but on_close; last words are on their way */
};

struct kith_http_conn {
	struct kith_http_server *of;
	struct kith_http_conn *next, *prev;
	struct kith_stream s;
	uint64_t id;
	struct kith_addr remote, local; /* of the socket */
	struct kith_addr client;        /* who asks: remote, or whom a proxy there speaks for */
	bool proxied;                   /* remote is a proxy */
	enum kith_conn_phase phase;
	uint64_t deadline_ms;           /* 0: none */
	bool fresh;                     /* no request has been read yet */
	bool counted, trusted;          /* at the gate */
	bool seen, told;                /* on_request, on_close have been called */
	bool paused;                    /* by the owner */
	bool streaming;                 /* the body goes to on_part */
	bool close_after;               /* the answer */
	int file;                       /* that the answer's body is read from; -1: none */
	uint64_t file_off, file_left;
	struct kith_http_reader *reader;        /* NULL: not HTTP now */
	struct kith_buf body, pending;  /* pending: came after what is being worked on */
	size_t body_max;
	uint64_t body_begun_ms, body_seen;
	struct kith_http_request request;
	struct kith_ws *ws;
	enum kith_ws_protocol protocol;
	unsigned pings;                 /* sent and not answered */
	unsigned code;                  /* for on_close */
	struct kith_deferred later;
	void *user;
};

struct kith_http_server {
	struct kith_reactor *r;
	struct kith_http_conf conf;
	char **hosts;                   /* our copy of conf.hosts */
	struct kith_listener *listener;
	struct kith_http_conn *list;
	struct kith_map *by_id;         /* those that have not ended */
	struct kith_ticker ticker;
	bool stopping;
	struct kith_http_counts counts;
};

/* Takes fd. */
void kith_conn_accept(struct kith_http_server *s, int take_fd, const struct kith_addr *remote);
void kith_conn_tick(struct kith_http_conn *c, uint64_t now_ms);
/* No more callbacks but on_close, from the loop. linger: let the last words out first. */
void kith_conn_end(struct kith_http_conn *c, unsigned code, bool linger);
void kith_conn_free(struct kith_http_conn *c);          /* at once, socket and all */
void kith_conn_enter(struct kith_http_conn *c, enum kith_conn_phase phase, unsigned ms);        /* for so long; 0: without end */
/* Keeps what cannot be worked on yet, and reads no more until it can. */
void kith_conn_put_off(struct kith_http_conn *c, struct kith_slice in);

enum { KITH_CONN_STUCK_MS = 30000 };    /* an answer of which nothing moves */
/* Sends the answer and goes on to the next request, or to the end. NOMEM: it has ended. */
int kith_conn_answer(struct kith_http_conn *c, int status, bool close_after, const struct kith_http_field *fields,
    size_t n_fields, const char *type, struct kith_slice body);
/* Sends more of the file that the answer consists of, as far as there is room; then goes on. */
void kith_conn_feed(struct kith_http_conn *c);
void kith_conn_drop_file(struct kith_http_conn *c);
/* An answer of our own, after which we are done with it. */
void kith_conn_refuse(struct kith_http_conn *c, int status, const struct kith_http_field *fields, size_t n_fields);

void kith_conn_read_ws(struct kith_http_conn *c, struct kith_slice in);
/* A frame of our own making: a pong or a ping. */
void kith_conn_send_frame(struct kith_http_conn *c, enum kith_ws_opcode op, struct kith_slice payload);
void kith_conn_close_ws(struct kith_http_conn *c, unsigned code, const char *reason);

#endif
