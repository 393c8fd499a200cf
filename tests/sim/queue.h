#ifndef KITH_TESTS_SIM_QUEUE_H
#define KITH_TESTS_SIM_QUEUE_H

#include "base/map.h"

/* The virtual clock's events, the next one first; of one time, in the order in which they were put. */
enum event_kind {
	EV_FRAME, EV_UP, EV_DOWN, EV_DIAL_FAILED,       /* of links; run: only for that life of the node */
	EV_TIMER,                                       /* the engine of a node wants to be called */
	EV_SYNCED,                                      /* a node's disk has taken its batch */
	EV_START,                                       /* a node that died of its disk, or stopped writing, begins anew */
};
struct event {
	enum event_kind kind;
	uint64_t at_ms, order, link, token;
	int node, peer, run;
	uint8_t type;
	uint8_t *bytes;                 /* owned */
	size_t n;
};
struct queue { KITH_VEC(struct event) heap; uint64_t next_order; };

void queue_fini(struct queue *q);
/* order 0: behind all that are there for that time; else as it was. */
void queue_put(struct queue *q, struct event e);
const struct event *queue_first(const struct queue *q);         /* NULL: none */
struct event queue_take(struct queue *q);

#endif
