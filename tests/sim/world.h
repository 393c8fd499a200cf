#ifndef KITH_TESTS_SIM_WORLD_H
#define KITH_TESTS_SIM_WORLD_H

#include <jansson.h>

#include "engine/engine.h"

/*
 * Whole nodes in one process: the engine, federation and groups that kithd
 * runs, on storage/mem.c, with a clock, a network and dice that are ours. One
 * seed, one story.
 */
struct world;

struct world *world_new(uint64_t seed);
void world_free(struct world *w);

/* A new node; peers are addresses like "n0:1" (world_address). Returns its number. */
int world_node(struct world *w, const char *name, const char *const *peers, size_t n_peers);
const char *world_address(struct world *w, int node);
struct kith_engine *world_engine(struct world *w, int node);
struct kith_store *world_store(struct world *w, int node);

/* The network between two nodes: cut ends their links and lets none come up. */
void world_cut(struct world *w, int a, int b, bool cut);
void world_delay(struct world *w, uint64_t ms);         /* one way, for all links */
/* Ends a node as kill -9 does (what was committed stays); start it again. */
void world_kill(struct world *w, int node);
void world_start(struct world *w, int node);

bool world_is_up(const struct world *w, int node);
/*
 * Ends it in the so-manieth batch from now (1: the next): before the commit, so
 * that nothing of it is there afterwards, or just behind it, so that all of it is
 * there and nobody was told.
 */
void world_crash(struct world *w, int node, unsigned batches, bool commits);

/* How long the way between two nodes takes, and by up to how much it varies; base 0: as all others. Frames of one link keep their order. */
void world_way(struct world *w, int from, int to, uint64_t base_ms, uint64_t jitter_ms);
/* Nothing arrives on this way, and no link comes up; what was sent arrives when it is open again, if the link is still up. */
void world_block(struct world *w, int from, int to, bool blocked);
void world_drop_links(struct world *w, int a, int b);   /* ends their links; new ones may come up */
void world_dial_only(struct world *w, int node);        /* from its next start on it can only dial */
void world_skew(struct world *w, int node, int64_t ms); /* its wall clock is so far off */
/* What a node's disk holds; and another disk for one that is down. told: as a restored copy is to be treated, else unnoticed. */
struct kith_store *world_copy_store(struct world *w, int node);
void world_take_store(struct world *w, int node, struct kith_store *take, bool told);

uint64_t world_frames(const struct world *w, int from, int to);         /* sent so far */
const struct kith_env *world_env(const struct world *w);
const struct kith_signer *world_signer(const struct world *w, int node);
struct kith_now world_clock(const struct world *w, int node);
char *world_control(struct world *w, int node, const char *line);       /* as kithctl asks; the caller's to free */

uint64_t world_now_ms(const struct world *w);
/* Lets time pass, doing what falls due. */
void world_run(struct world *w, uint64_t ms);
/* Lets time pass until ok() or max_ms; what ok() said last. */
bool world_until(struct world *w, uint64_t max_ms, bool (*ok)(struct world *w, void *arg), void *arg);

/* A session at a node. */
struct person {
	int node;
	struct kith_session session;
	char uid[64], handle[256];
};
void world_register(struct world *w, int node, const char *name, struct person *out);
/*
 * Calls a method as a client does (JSON in, JSON out, the caller's to decref)
 * and lets time pass until it is answered. NULL: an error; world_error says
 * which. p NULL: nobody is signed in (node 0).
 */
json_t *world_call(struct world *w, const struct person *p, const char *method, json_t *take_params);
/*
 * The same for a method that writes, without waiting: fn is called when the
 * answer comes. err "": result is borrowed; "crashed": its node died first. fn must
 * not call anything of the world.
 */
typedef void (*world_reply_fn)(void *ctx, uint64_t number, const char *err, const char *why, json_t *result);
uint64_t world_ask(struct world *w, const struct person *p, const char *method, json_t *take_params, world_reply_fn fn, void *ctx);
size_t world_waiting(const struct world *w);            /* calls not answered yet */
const char *world_error(const struct world *w);         /* name of the last error, "" if none */
const char *world_why(const struct world *w);
/* How many pushes of a method this node's connections were sent. */
size_t world_pushes(const struct world *w, int node, const char *method);
void world_connect(struct world *w, const struct person *p);    /* a WebSocket of theirs */

#endif
