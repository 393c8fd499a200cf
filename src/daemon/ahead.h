#ifndef KITH_DAEMON_AHEAD_H
#define KITH_DAEMON_AHEAD_H

#include <stdatomic.h>

#include "base/env.h"
#include "daemon/pool.h"
#include "storage/store.h"

/*
 * Signatures checked ahead of the engine, while frames wait for it: whatever was
 * good is in the memo (memo.h) by the time the engine asks. Nothing is decided here, and nothing
 * waits for it.
 */
struct kith_ahead {
	struct kith_pool *pool;
	const struct kith_env *env;     /* memo's; its verify may be called by any thread */
	struct kith_store *store;
	atomic_uint_fast64_t frames, dropped;
};

/* A frame of a peer, unchecked; copies. Any thread. */
void kith_ahead_frame(struct kith_ahead *a, uint8_t type, struct kith_slice frame);
/* The work itself, in the calling thread: how many signatures it found good. */
unsigned kith_ahead_check(const struct kith_env *env, struct kith_txn *t, uint8_t type, struct kith_slice frame);

#endif
