#ifndef KITH_TESTS_SIM_WORLD_H
#define KITH_TESTS_SIM_WORLD_H

#include "engine/engine.h"
#include "tests/sim/dice.h"
#include "tests/sim/disk.h"

/*
 * Whole nodes in one process: the engine, federation and groups that kithd
 * runs, on storage/mem.c, with a clock (queue.h), a network (network.h), disks
 * (disk.h) and dice that are ours. One seed, one story. Who signs in to them is
 * in people.h.
 */
struct world;
#define WORLD_NODES_MAX 320
#define WORLD_START_WALL_MS UINT64_C(1700000000000)

struct world *world_new(uint64_t seed);
void world_free(struct world *w);

/* A new node; peers are addresses (world_address). Returns its number. */
int world_node(struct world *w, const char *name, const char *const *peers, size_t n_peers);
int world_nodes(const struct world *w);
const char *world_address(struct world *w, int node);
struct kith_engine *world_engine(struct world *w, int node);
struct kith_store *world_store(struct world *w, int node);
const struct kith_env *world_env(const struct world *w);
const struct kith_signer *world_signer(const struct world *w, int node);
const struct kith_id *world_id(const struct world *w, int node);        /* its node id, whether it is up or not */
struct kith_node_conf world_node_conf(const struct world *w, int node);

/* ---- its life ---- */
void world_kill(struct world *w, int node);             /* as kill -9: what was synced stays */
void world_start(struct world *w, int node);
bool world_is_up(const struct world *w, int node);
/*
 * Ends it in the so-manieth batch from now (1: the next): before the sync, so
 * that nothing of it is there afterwards, or just behind it, so that all of it is
 * there and nobody was told.
 */
void world_crash(struct world *w, int node, unsigned batches, bool synced);
void world_dial_only(struct world *w, int node);        /* from its next start on it can only dial */
void world_sparse(struct world *w, int node);           /* the same: no full copies */

/* ---- its disk: disk.h, and ---- */
void world_sync(struct world *w, int node, uint64_t ms);        /* how long a sync takes */
/* Another disk for one that is down. told: as a restored copy is to be treated, else unnoticed. */
void world_take_store(struct world *w, int node, struct kith_store *take, bool told);
/* Nothing of a batch is under way at it any more: sooner than its disk would. */
void world_settle(struct world *w, int node);

/* ---- its clocks ---- */
void world_skew(struct world *w, int node, int64_t ms); /* its wall clock is so far off */
void world_drift(struct world *w, int node, int ppm);   /* and goes so much faster from now on */
struct kith_now world_clock(const struct world *w, int node);

/* ---- time ---- */
uint64_t world_now_ms(const struct world *w);
void world_run(struct world *w, uint64_t ms);
/* Lets time pass until ok() or max_ms; what ok() said last. */
bool world_until(struct world *w, uint64_t max_ms, bool (*ok)(struct world *w, void *arg), void *arg);
/* Stands for all that has happened so far: inputs, in order, byte for byte. */
uint64_t world_trace(const struct world *w);

/* ---- who looks on, or meddles ---- */
struct world_hooks {
	void *ctx;
	/* A frame leaves a node. false: it does not. */
	bool (*leaves)(void *ctx, int from, int to, uint64_t link, uint8_t type, struct kith_slice frame);
	/* A frame is about to be taken in. false: it is not. */
	bool (*arrives)(void *ctx, int from, int to, uint64_t link, uint8_t type, struct kith_slice frame);
	/* What a client at this node is sent. conn 0: everybody who listens to the channel. */
	void (*client)(void *ctx, int node, const struct kith_output *o);
	void (*link_up)(void *ctx, int node, int peer, uint64_t link);
	void (*began)(void *ctx, int node);     /* it has started, or started anew: nobody is connected */
	void (*died)(void *ctx, int node, const char *why);     /* by itself */
};
void world_hooks(struct world *w, const struct world_hooks *h);
/* A frame of somebody else's making, as if from had sent it; false: that link is not up. */
bool world_inject(struct world *w, int from, uint64_t link, uint8_t type, struct kith_slice frame);
/* An input from outside the network; copies. */
void world_input(struct world *w, int node, const struct kith_in *in);
char *world_control(struct world *w, int node, const char *line);       /* as kithctl asks; "" if it fails; the caller's to free */

#include "tests/sim/network.h"
#include "tests/sim/people.h"

#endif
