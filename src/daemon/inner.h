#ifndef KITH_DAEMON_INNER_H
#define KITH_DAEMON_INNER_H

#include <pthread.h>

#include "base/arena.h"
#include "base/map.h"
#include "daemon/edge.h"
#include "daemon/request.h"
#include "http/link.h"

/* What the files of an edge share; nobody else includes this. All of it belongs to the reactor's thread. */

#define CLIENT_CALLS_MAX 64             /* a WebSocket's calls on their way; beyond, it is read no further */

struct client {                         /* a connection that has asked something */
	uint64_t id;
	bool ws, msgpack, paused;
	struct kith_session session;    /* of a WebSocket */
	unsigned calls;                 /* on their way */
	struct upload *upload;          /* being received */
	struct download *download;      /* being fetched from another node */
	KITH_VEC(struct kith_id) channels;
};

struct channel {
	struct kith_id id;
	KITH_VEC(struct client *) clients;
};

struct peer {
	uint64_t queued;                /* bytes of frames that the machine has not dealt with */
	bool paused;
};

struct reply_to {
	uint64_t conn;
	bool ws, msgpack;
	bool silent;                    /* a notification: no answer */
	bool cookie;                    /* the token goes into a cookie */
	bool by_cookie;                 /* the session came from one, and this is what proves that our page asks */
	char csrf[KITH_ID_STR];
	struct kith_id file;            /* the answer is this file; none: it is a value */
	const struct kith_method *m;
	uint8_t id[KITH_REQUEST_ID_MAX];         /* of a JSON-RPC request, as msgpack */
	size_t n_id;
};

struct call {                           /* passed on to the machine or the hashing pool */
	uint64_t number;
	struct reply_to to;
};

struct kith_edge {
	struct kith_edges *s;
	struct kith_edge_conf *conf;
	unsigned index;
	struct kith_reactor *reactor;
	struct kith_http_server *http;
	struct kith_links *links;       /* NULL: not the first edge, or read-only */
	uint64_t epoch, next_number;
	bool read_only, paused_any;
	KITH_VEC(uint64_t) paused_links;        /* because the inbox was long */
	struct kith_map *calls;         /* number -> struct call */
	struct kith_map *channels;      /* id -> struct channel */
	struct kith_map *trusted;       /* tokens of dials to configured peers */
	struct kith_arena *arena;
	pthread_t thread;
	bool started;
	atomic_uint_fast64_t count[KITH_N_COUNT_];
	atomic_uint_fast64_t n_clients, n_ws, n_links, reading_since;
};

static inline void
edge_count(struct kith_edge *e, enum kith_edge_count c, uint64_t n)
{
	atomic_fetch_add_explicit(&e->count[c], n, memory_order_relaxed);
}

/* edge.c */
struct client *edge_client(struct kith_edge *e, struct kith_http_conn *c);      /* NULL: out of memory */
void edge_ws_up(struct kith_edge *e, struct kith_http_conn *c, struct client *cl);
void edge_pause(struct kith_edge *e, struct kith_http_conn *c, struct client *cl);      /* if it has asked enough for now */
void edge_unpause(struct kith_edge *e, struct kith_http_conn *c, struct client *cl);

/* links.c */
void edge_links_open(struct kith_edge *e);
void edge_links_close(struct kith_edge *e);
void edge_links_output(struct kith_edge *e, const struct kith_output *o);
void edge_links_taken(struct kith_edge *e, uint64_t link, uint64_t bytes);
void edge_links_resume(struct kith_edge *e);

/* upload.c, download.c */
struct outcome;
struct edge_token;
bool edge_is_upload(const struct kith_http_head *h);
size_t edge_body_max(void *arg, const struct kith_http_head *h);
bool edge_on_head(void *arg, struct kith_http_conn *c, const struct kith_http_request *rq);
void edge_on_part(void *arg, struct kith_http_conn *c, struct kith_slice part);
void edge_upload_done(struct kith_edge *e, struct kith_http_conn *c, struct client *cl);
void edge_upload_forget(struct client *cl);
bool edge_is_download(const struct kith_http_head *h);
void edge_serve_download(struct kith_edge *e, struct kith_http_conn *c, struct client *cl, const struct kith_http_request *rq);
void edge_download_forget(struct client *cl);
void edge_file_fetched(struct kith_edge *e, struct kith_http_conn *c, const struct reply_to *to, const struct outcome *o);

/* web.c */
/* Whose token there is: the bearer's, else the cookie's with what proves that our own page sent it. */
void edge_take_token(struct kith_edge *e, const struct kith_http_request *rq, struct edge_token *who, struct reply_to *to);
void edge_on_request(void *arg, struct kith_http_conn *c, const struct kith_http_request *rq);
void edge_reply_error(struct kith_edge *e, struct kith_http_conn *c, int status, const char *name, const char *why, bool msgpack,
    uint64_t retry_ms);

/* reply.c */
struct outcome {
	int err;
	const char *name, *why;
	struct kith_slice result;       /* msgpack */
	uint64_t retry_ms;
};
void edge_answer(struct kith_edge *e, struct kith_http_conn *c, const struct reply_to *to, struct outcome *o);
/* A JSON-RPC answer; id n 0: nil. code: of an error. */
void edge_answer_rpc(struct kith_edge *e, struct kith_http_conn *c, bool msgpack, struct kith_slice id, const struct outcome *o, int code);

/* rpc.c */
void edge_on_message(void *arg, struct kith_http_conn *c, bool binary, struct kith_slice msg);
struct edge_token {                     /* who says they call */
	struct kith_slice token;        /* n 0: nobody, or session is given */
	const struct kith_session *session;
	bool csrf_ok;                   /* by_cookie: may it write? */
};
/* method is known; params is a checked value. Answers now or later. */
void edge_call(struct kith_edge *e, struct kith_http_conn *c, struct client *cl, struct reply_to *to, struct kith_slice params,
    const struct edge_token *who);
void edge_call_done(struct kith_edge *e, const struct kith_output *o);
void edge_calls_forget(struct kith_edge *e, uint64_t conn);

/* auth.c */
bool edge_origin_ok(struct kith_edge *e, const struct kith_http_request *rq, struct kith_slice origin);
const char *edge_cookie_name(bool tls);
void edge_csrf(struct kith_edge *e, const struct kith_id *session, char out[KITH_ID_STR]);
/* In a snapshot: whose token it is. NOTFOUND. */
int edge_session(struct kith_edge *e, struct kith_slice token, struct kith_session *out);
bool edge_is_admin(struct kith_edge *e, const struct kith_session *s);

#endif
