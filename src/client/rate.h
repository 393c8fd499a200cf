#ifndef KITH_CLIENT_RATE_H
#define KITH_CLIENT_RATE_H

#include "base/error.h"
#include "base/slice.h"

/*
 * How often somebody may do something: token buckets in a table of fixed size.
 * When it is full, those who have the most left are forgotten first, which can
 * only be in their favour. Pure: time goes in. One thread at a time.
 */
struct kith_rates;

/* count in per_ms on average, burst at once; count 0: no limit */
struct kith_rate_limit {
	uint32_t count, burst;
	uint64_t per_ms;
};

/* Room for n (rounded up to a power of two, at least 16). key: secret, for the table. NULL: out of memory. */
struct kith_rates *kith_rates_new(size_t n, const uint8_t key[16]);
void kith_rates_free(struct kith_rates *r);                      /* NULL is fine */
/*
 * Takes one from the bucket (class, who). 0: granted; else how many ms until
 * there is one again, and nothing was taken. now_ms never goes backwards.
 */
uint64_t kith_rates_take(struct kith_rates *r, uint64_t now_ms, unsigned class, struct kith_slice who,
    const struct kith_rate_limit *l);

#endif
