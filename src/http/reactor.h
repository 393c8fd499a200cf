#ifndef KITH_HTTP_REACTOR_H
#define KITH_HTTP_REACTOR_H

#include "base/error.h"
#include "base/slice.h"

struct event_base;

/*
 * One event loop, one thread. Whatever is made on a reactor belongs to its
 * thread and is touched from nowhere else; other threads post work to it.
 */
struct kith_reactor;

/*
 * index (0..255) is the top byte of every connection and link id made here, so
 * that whoever holds an id knows where to post. NULL: out of memory or
 * descriptors. Has the process ignore SIGPIPE, if nobody handles it.
 */
struct kith_reactor *kith_reactor_new(unsigned index);
/* Not while it runs; servers and links on it are freed first. What was posted and not run runs now. */
void kith_reactor_free(struct kith_reactor *r);                  /* NULL is fine */
unsigned kith_reactor_index(const struct kith_reactor *r);
struct event_base *kith_reactor_base(struct kith_reactor *r);    /* for events of one's own on this thread */

/* Runs until kith_reactor_stop. IO: the loop itself failed. */
KITH_MUST_USE int kith_reactor_run(struct kith_reactor *r);
void kith_reactor_stop(struct kith_reactor *r);                  /* from any thread */
/* For tests and for daemons with a loop of their own: what is ready now; waits at most wait_ms for something to be. */
void kith_reactor_turn(struct kith_reactor *r, unsigned wait_ms);

/*
 * From any thread: run fn(arg) on the reactor's thread, in the order posted.
 * NOMEM: it will not run. Always runs otherwise, at the latest in _free.
 */
KITH_MUST_USE int kith_reactor_post(struct kith_reactor *r, void (*fn)(void *arg), void *arg);

uint64_t kith_reactor_now_ms(const struct kith_reactor *r);      /* monotonic */
/* Another clock, for tests: all timeouts follow it, at the next turn. */
void kith_reactor_set_clock(struct kith_reactor *r, uint64_t (*now_ms)(void *arg), void *arg);

/* ---- for src/http alone ---- */

enum { KITH_REACTOR_TICK_MS = 500, KITH_REACTOR_SCRATCH = 65536 };

/* Work for when the callback under way is over. Lives in its owner, who waits for it or runs _settle before dying. */
struct kith_deferred {
	void (*fn)(void *arg);
	void *arg;
	struct kith_deferred *next;
	bool queued;
};
void kith_reactor_defer(struct kith_reactor *r, struct kith_deferred *d);        /* once, however often asked */
void kith_reactor_settle(struct kith_reactor *r);                /* runs all of it, what it adds included */

/* Told the time every KITH_REACTOR_TICK_MS or so, while it is added. */
struct kith_ticker {
	void (*fn)(void *arg, uint64_t now_ms);
	void *arg;
	struct kith_ticker *next, *prev;
	bool added;
};
void kith_reactor_tick(struct kith_reactor *r, struct kith_ticker *t, bool on);

uint64_t kith_reactor_new_id(struct kith_reactor *r);            /* index in the top byte, then a count from 1 */
uint8_t *kith_reactor_scratch(struct kith_reactor *r, bool out);  /* room to read into, or to gather output in */

#endif
