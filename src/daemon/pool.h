#ifndef KITH_DAEMON_POOL_H
#define KITH_DAEMON_POOL_H

#include "base/error.h"
#include "base/slice.h"

/* A few threads and a short queue for work that takes long. Any thread may submit. */
struct kith_pool;

/* n threads, started when there is work; at most queue_max wait besides those at work. NULL: out of memory. */
struct kith_pool *kith_pool_new(const char *name, unsigned n, unsigned queue_max);
/* Work under way is finished, what waits is told that it will not be done. NULL is fine. */
void kith_pool_free(struct kith_pool *p);
/*
 * fn(arg, true) on one of the threads, or fn(arg, false) when the pool is freed
 * first. BUSY: the queue is full; NOMEM; then fn is never called.
 */
KITH_MUST_USE int kith_pool_submit(struct kith_pool *p, void (*fn)(void *arg, bool run), void *arg);

#endif
