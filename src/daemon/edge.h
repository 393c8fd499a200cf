#ifndef KITH_DAEMON_EDGE_H
#define KITH_DAEMON_EDGE_H

#include <stdatomic.h>

#include "client/client.h"
#include "conf/conf.h"
#include "daemon/ahead.h"
#include "daemon/machine.h"
#include "daemon/pool.h"
#include "daemon/throttle.h"
#include "daemon/ticket.h"
#include "http/net.h"

/*
 * One reactor of the daemon: clients over HTTP and WebSocket, and, on the first
 * one, the links to peers. It authenticates, limits, serves reads from snapshots
 * and passes writes to the machine; what comes back goes to whom it is for.
 */
struct kith_edge;
struct kith_files;              /* daemon/files.h */
struct kith_site;
struct kith_tls;
struct kith_tls_server;

enum kith_edge_count {
	KITH_N_REQUESTS, KITH_N_ERRORS_4XX, KITH_N_ERRORS_5XX, KITH_N_READS, KITH_N_WRITES, KITH_N_RATE_LIMITED, KITH_N_UNAUTHORIZED,
	KITH_N_HASHES_REFUSED, KITH_N_WS_OPENED, KITH_N_WS_CLOSED, KITH_N_WS_MESSAGES, KITH_N_WS_MALFORMED, KITH_N_PUSHES, KITH_N_SLOW_READS,
	KITH_N_READ_US,
	KITH_N_LINKS_UP, KITH_N_LINKS_DOWN, KITH_N_DIALS, KITH_N_DIALS_FAILED, KITH_N_FRAMES_IN, KITH_N_FRAMES_OUT, KITH_N_BYTES_IN,
	KITH_N_BYTES_OUT, KITH_N_PAUSES, KITH_N_UPLOADS, KITH_N_DOWNLOADS, KITH_N_COUNT_
};

/* What all edges share. It outlives them and, but for what has a lock, does not change while they run. */
struct kith_edges {
	const struct kith_env *env;
	struct kith_store *store;
	struct kith_machine *machine;
	struct kith_pool *hashing;
	struct kith_ahead ahead;
	struct kith_tickets *tickets;
	struct kith_throttle *throttle;
	struct kith_files *files;
	struct kith_outside *outside;
	struct kith_site *site;                 /* NULL: without the web client */
	struct kith_gate *gate, *peer_gate;
	struct kith_tls_server *tls;
	_Atomic(struct kith_tls *) peer_tls;    /* for links made from now on */
	int client_fd, peer_fd;                 /* peer_fd -1: no listener */
	const char *const *hosts;
	size_t n_hosts;
	struct kith_proxies proxies;
	enum kith_http_plain plain;
	unsigned max_connections;
	char url[256];                          /* as in links; its origin may open WebSockets */
	char node[KITH_ID_STR];
	uint8_t csrf_key[32];
	atomic_bool dial_loopback, dial_private;        /* may learned addresses of these kinds be dialled? */
	uint64_t started_ms;
	struct kith_edge **v;
	size_t n;
};

/* What a reload may change: made whole, given to each edge, which frees it. */
struct kith_edge_conf {
	struct kith_node_conf node;
	char **admins, **peers;
	size_t n_admins, n_peers;
	size_t max_upload;                      /* bytes */
};
struct kith_edge_conf *kith_edge_conf_new(const struct kith_conf *conf, const struct kith_node_conf *node);    /* NULL: out of memory */
void kith_edge_conf_free(struct kith_edge_conf *c);             /* NULL is fine */

/* index: its place in shared->v. NOMEM. */
KITH_MUST_USE int kith_edge_new(struct kith_edges *shared, unsigned index, struct kith_edge_conf *take_conf, struct kith_edge **out);
struct kith_port kith_edge_port(struct kith_edge *e);
KITH_MUST_USE int kith_edge_start(struct kith_edge *e);         /* its thread; accepts from now on. NOMEM */
void kith_edge_stop(struct kith_edge *e);
void kith_edge_free(struct kith_edge *e);                       /* stopped; NULL is fine */
/* From any thread. NOMEM. */
KITH_MUST_USE int kith_edge_reconfigure(struct kith_edge *e, struct kith_edge_conf *take_conf);

/* Since when the read at hand runs, ms; 0: none does. For a watchdog. */
uint64_t kith_edge_reading_since(struct kith_edge *e);
uint64_t kith_edge_counter(struct kith_edge *e, enum kith_edge_count c);
void kith_edges_sizes(struct kith_edges *s, uint64_t *clients, uint64_t *websockets, uint64_t *links);

/* metrics.c: all counters as Prometheus reads them. */
void kith_metrics_write(struct kith_edges *s, struct kith_buf *out);
/* page.c: what a browser shows at / and at /invite. */
void kith_page_write(const struct kith_node_conf *conf, bool invite, struct kith_buf *out);
extern const char kith_page_css[];

#endif
