#ifndef KITH_BASE_ENV_H
#define KITH_BASE_ENV_H

#include "base/error.h"
#include "base/slice.h"

/*
 * What the core may ask of the world. The daemon gives real dice and a verify
 * that remembers what its pool has checked; the simulator gives one seed.
 */
struct kith_env {
	void *ctx;
	void (*random)(void *ctx, void *p, size_t n);
	/* As kith_verify (crypto/sign.h); label is an enum kith_label. A pure function, so it may be memoised by its full input. */
	int (*verify)(void *ctx, const uint8_t pk[32], int label, struct kith_slice msg, const uint8_t sig[64]);
	/* What an operator should hear: level 0 debug, 1 info, 2 warn, 3 error; area and text without secrets or message text. May be NULL. */
	void (*log)(void *ctx, int level, const char *area, const char *text);
};

/* Timers run on the first, the hybrid clock and expiry on the second. */
struct kith_now {
	uint64_t mono_ms, wall_ms;
};

#endif
