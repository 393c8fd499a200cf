#ifndef KITH_HTTP_NET_H
#define KITH_HTTP_NET_H

#include "base/error.h"
#include "base/slice.h"
#include "http/addr.h"
#include "http/blob.h"
#include "http/gate.h"
#include "http/parse.h"
#include "http/proxy.h"
#include "http/reactor.h"
#include "http/ws.h"

struct kith_tls_server;         /* crypto/tls.h */

/*
 * The clients' side: HTTP and WebSocket, plain and TLS on one port. A server is
 * what one reactor does with a listening socket; several reactors may each have
 * a server on the same socket and share its gate. All calls are made on the
 * reactor's thread.
 */
struct kith_http_server;
struct kith_http_conn;          /* valid in the callback that hands it out; keep its id for later */

enum kith_http_plain {          /* requests without TLS */
	KITH_PLAIN_DEFAULT,     /* allowed between loopback or private addresses, refused otherwise */
	KITH_PLAIN_ALLOW,
	KITH_PLAIN_REDIRECT,    /* GET and HEAD go to https, the rest is refused */
	KITH_PLAIN_REFUSE,
};

struct kith_http_request {
	const struct kith_http_head *head;
	struct kith_slice body;         /* whole, NUL after its last byte */
	bool tls;                       /* between who asks and us, or the proxy before us */
	const struct kith_addr *remote, *local; /* remote: who asks, whatever proxies are between */
};

/* All borrowed for the call; conn too. arg is the conf's. */
struct kith_http_handler {
	/* The head is here: how long may its body be? Above: 413. NULL: 256 KiB for all. */
	size_t (*body_max)(void *arg, const struct kith_http_head *head);
	/*
	 * May be NULL. A head whose body is not to be gathered: true, and the body's bytes go to on_part as they come;
	 * on_request follows with an empty body. When it is answered before then (by who says true), the connection ends.
	 */
	bool (*on_head)(void *arg, struct kith_http_conn *c, const struct kith_http_request *rq);
	void (*on_part)(void *arg, struct kith_http_conn *c, struct kith_slice part);
	/*
	 * A whole request. Answer it with kith_http_reply or kith_http_upgrade, now
	 * or later; until then head and body of the request stay valid (kith_http_conn_request).
	 */
	void (*on_request)(void *arg, struct kith_http_conn *c, const struct kith_http_request *rq);
	/* A whole WebSocket message. */
	void (*on_message)(void *arg, struct kith_http_conn *c, bool binary, struct kith_slice msg);
	/*
	 * The last word about a connection that on_request has seen, from the loop and never
	 * inside a call of yours (kith_http_server_free apart). code: of a WebSocket (1006: cut
	 * off), else 0. kith_http_conn_find does not find it any more.
	 */
	void (*on_close)(void *arg, struct kith_http_conn *c, unsigned code);
};

struct kith_http_conf {         /* zero means the default everywhere */
	struct kith_http_handler handler;
	void *arg;
	const char *const *hosts;       /* names besides localhost, loopback and the address it came to */
	size_t n_hosts;
	struct kith_proxies proxies;    /* borrowed; whose word about who asks is taken */
	enum kith_http_plain plain;
	struct kith_tls_server *tls;    /* borrowed; NULL: no TLS here */
	struct kith_gate *gate;         /* borrowed; NULL: no limits */
	unsigned handshake_ms;          /* 10,000: TLS */
	unsigned head_ms;               /* 10,000: from the first byte of a request (the first: from when we may read) to its blank line */
	unsigned idle_ms;               /* 60,000: between requests */
	unsigned body_rate;             /* 1,024: bytes a second a body must come with, after head_ms */
	unsigned ping_ms;               /* 30,000: WebSocket; two unanswered end it */
	size_t queue_bytes;             /* 1 MiB waiting for one WebSocket, ... */
	unsigned queue_items;           /* ... 1,000 messages; beyond: closed with 1013 */
};

/* Copies conf (hosts too). NULL: out of memory. */
struct kith_http_server *kith_http_server_new(struct kith_reactor *r, const struct kith_http_conf *conf);
/* Ends every connection (WebSockets with 1001), on_close and all. NULL is fine. */
void kith_http_server_free(struct kith_http_server *s);
/* Serve what comes to this listening socket (kith_addr_listen). Borrows fd. NOMEM. */
KITH_MUST_USE int kith_http_server_listen(struct kith_http_server *s, int fd);
void kith_http_server_unlisten(struct kith_http_server *s);     /* accept no more; connections stay */
size_t kith_http_server_count(const struct kith_http_server *s);

struct kith_http_counts {       /* since the server was made */
	uint64_t accepted, crowded;     /* connections; those the gate turned away */
	uint64_t no_tls;                /* handshakes that failed */
	uint64_t requests;              /* given to on_request */
	uint64_t malformed, too_large, slow, plain;     /* refused: 400 417 501 505; 413 414 431; 408; plain HTTP unwanted */
	uint64_t sockets;               /* WebSockets opened */
	uint64_t broken, overrun, lost; /* ended for breaking rules; with 1013; without an answer to pings */
};
const struct kith_http_counts *kith_http_server_counts(const struct kith_http_server *s);       /* borrowed */

/* Every WebSocket in turn: start with *it = 0; NULL at the end. Connections may be closed on the way. */
struct kith_http_conn *kith_http_server_next_ws(struct kith_http_server *s, size_t *it);

/* Ids are never used twice while the process lives; the top byte is the reactor's index; never 0. */
uint64_t kith_http_conn_id(const struct kith_http_conn *c);
struct kith_http_conn *kith_http_conn_find(struct kith_http_server *s, uint64_t id);     /* NULL: it is gone */
void *kith_http_conn_user(const struct kith_http_conn *c);
void kith_http_conn_set_user(struct kith_http_conn *c, void *user);     /* yours; give it up in on_close */
const struct kith_addr *kith_http_conn_remote(const struct kith_http_conn *c);   /* who asks, whatever proxies are between */
bool kith_http_conn_tls(const struct kith_http_conn *c);         /* as the request at hand, or the last one, has it */
bool kith_http_conn_is_ws(const struct kith_http_conn *c);
enum kith_ws_protocol kith_http_conn_protocol(const struct kith_http_conn *c);
void kith_http_conn_trust(struct kith_http_conn *c);            /* it has authenticated: no stranger to the gate any more */
/* The request that waits for its answer; NULL: none does. */
const struct kith_http_request *kith_http_conn_request(const struct kith_http_conn *c);

/*
 * Answer the request at hand. fields: complete "Name: value" fields beside
 * Content-Length, Date, Connection and the security ones we always send; a bad
 * value makes the answer a 500. HEAD gets the length alone. Copies all.
 *   KITH_E_NOTFOUND  no request waits: nothing was sent
 */
int kith_http_reply(struct kith_http_conn *c, int status, const struct kith_http_field *fields,
    size_t n_fields, const char *type, struct kith_slice body);
/* The same with len bytes of a file, from off on, as the body: they are read as they leave. Takes fd. */
int kith_http_reply_file(struct kith_http_conn *c, int status, const struct kith_http_field *fields, size_t n_fields, const char *type,
    int take_fd, uint64_t off, uint64_t len);
/*
 * Make it a WebSocket. What is wrong with the handshake has been answered when
 * this fails: MALFORMED, DENIED, or NOTFOUND (it asks for none, or no request
 * waits; not answered then).
 */
int kith_http_upgrade(struct kith_http_conn *c);

/*
 * Send one message. NOTFOUND: not an open WebSocket; LIMIT: its queue is full
 * and it is being closed with 1013; NOMEM: likewise, with 1011.
 */
int kith_http_ws_send(struct kith_http_conn *c, bool binary, struct kith_slice msg);
int kith_http_ws_send_blob(struct kith_http_conn *c, struct kith_blob *frame);    /* of kith_blob_ws; takes a reference of its own */
/* Say goodbye (a WebSocket with code and reason) and end; a request at hand goes unanswered. on_close follows. */
void kith_http_close(struct kith_http_conn *c, unsigned code, const char *reason);
void kith_http_pause(struct kith_http_conn *c, bool pause);     /* take no WebSocket messages for now */
size_t kith_http_backlog(const struct kith_http_conn *c);       /* bytes waiting to be sent */

/* What a Host must be: one of hosts, localhost, a loopback address, or local's (see conf). */
bool kith_http_host_ok(const char *const *hosts, size_t n_hosts, const struct kith_addr *local, struct kith_slice host);

#endif
