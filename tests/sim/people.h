#ifndef KITH_TESTS_SIM_PEOPLE_H
#define KITH_TESTS_SIM_PEOPLE_H

#include <jansson.h>

#include "tests/sim/world.h"

/* A session at a node. */
struct person {
	int node;
	struct kith_session session;
	struct kith_id id;
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
/* A WebSocket of theirs; its number is in *conn (may be NULL) before anything is sent to it. */
void world_connect(struct world *w, const struct person *p, uint64_t *conn);
void world_disconnect(struct world *w, int node, uint64_t conn);

#endif
