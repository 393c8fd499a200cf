#ifndef KITH_TESTS_SIM_INNER_H
#define KITH_TESTS_SIM_INNER_H

#include "tests/sim/memo.h"
#include "tests/sim/queue.h"
#include "tests/sim/world.h"

/* What world.c, network.c and people.c share; nobody else includes this. */

struct input {                  /* waits for a node's next batch; owns what in points to */
	struct kith_in in;
	uint8_t *bytes;
	char *text;
	int run;                /* of links: only for that life */
};

struct node {
	char name[32], address[48];
	struct kith_id id;
	struct kith_store *store;
	struct kith_engine *engine;
	struct kith_signer *root, *sign;
	uint8_t cert_pk[1][32], next_root[32];
	const char *addresses[1];
	char *peers[16];
	size_t n_peers;
	int run;
	bool dial_only, sparse;
	int64_t skew_ms;
	int drift_ppm;
	uint64_t drift_from_ms;
	unsigned crash_in;
	bool crash_synced;
	uint64_t sync_ms, timer_ms;     /* timer_ms: when EV_TIMER is due; UINT64_MAX: none is */
	KITH_VEC(struct input) inbox;
	/* the batch that its disk has not taken yet */
	struct kith_txn *txn;
	struct kith_out out;
	KITH_VEC(struct input) batch;
	bool full;                      /* it only reads until there is space */
	struct { char method[32]; size_t n; } pushed[16];
	size_t n_pushed;
};

struct way {
	uint64_t base_ms, jitter_ms, frames, free_ms;
	uint32_t bytes_per_s;
	bool cut, blocked;
};

struct link {
	uint64_t id, last_ms[2] /* nothing overtakes on a link */;
	int end[2], run[2];             /* end[0] dialled */
	bool up[2];                     /* as each end has it */
};

/* A call that has been made and not answered. */
struct asked { uint64_t number; int node; world_reply_fn fn; void *ctx; };

struct world {
	struct node node[WORLD_NODES_MAX];
	int n;
	struct way way[WORLD_NODES_MAX][WORLD_NODES_MAX];
	struct queue queue;
	KITH_VEC(struct event) stalled; /* frames on a blocked way */
	KITH_VEC(struct link) links;    /* ids count from 1, and none is forgotten */
	KITH_VEC(uint64_t) live;        /* of those that may be up */
	KITH_VEC(struct asked) asked;
	uint64_t now_ms, delay_ms, next_request, trace;
	struct dice dice, net_dice;
	struct memo *memo;
	struct kith_env env;
	struct world_hooks hooks;
	bool quiet;                     /* looks at clients are made without leaving a trace */
	/* the answer that somebody waits for */
	uint64_t request;
	bool answered;
	int err;
	struct kith_buf answer;
	char name[64], why[300];
};

/* network.c */
struct link *net_link(struct world *w, uint64_t id);
void net_dial(struct world *w, int from, const char *address, uint64_t token);
void net_send(struct world *w, int from, uint64_t link, uint8_t type, uint8_t *take_bytes, size_t n);
void net_end(struct world *w, struct link *l, int told);        /* told: this end knows already; -1: neither */
void net_end_all(struct world *w, int node);
void net_deliver(struct world *w, struct event *e);

/* world.c */
void world_put(struct world *w, enum event_kind kind, int node, uint64_t delay_ms);

/* people.c */
void people_reply(struct world *w, uint64_t number, int err, struct kith_slice bytes, const char *why);
void people_crashed(struct world *w, int node);

#endif
