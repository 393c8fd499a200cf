#include "client/rate.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

/*
 * Each bucket is one number: when it will be full again. Taking one moves that
 * time by what one token costs; it must not lie further ahead than the burst.
 */
#define WAYS 4
#define WHO_MAX 120

struct bucket {
	uint64_t name;          /* hash of class and who; 0: free */
	uint64_t full_us;
};

struct kith_rates {
	uint8_t key[16];
	size_t n_sets;
	struct bucket set[][WAYS];
};

struct kith_rates *
kith_rates_new(size_t n, const uint8_t key[16])
{
	struct kith_rates *r;
	size_t sets = 4, bytes;

	while (sets * WAYS < n && sets < SIZE_MAX / 2)
		sets *= 2;
	if (!kith_size_mul(sets, sizeof(r->set[0]), &bytes) || !kith_size_add(bytes, sizeof(*r), &bytes))
		return NULL;
	r = calloc(1, bytes);
	if (r == NULL)
		return NULL;
	memcpy(r->key, key, sizeof(r->key));
	r->n_sets = sets;
	return r;
}

void
kith_rates_free(struct kith_rates *r)
{
	free(r);
}

static uint64_t
name_of(const struct kith_rates *r, unsigned class, struct kith_slice who)
{
	uint8_t in[WHO_MAX + 4], out[crypto_shorthash_BYTES];
	size_t n = who.n > WHO_MAX ? WHO_MAX : who.n;
	uint64_t h;

	kith_put_be32(in, class);
	if (n > 0)
		memcpy(in + 4, who.p, n);
	crypto_shorthash(out, in, n + 4, r->key);
	h = kith_get_be64(out);
	return h != 0 ? h : 1;
}

uint64_t
kith_rates_take(struct kith_rates *r, uint64_t now_ms, unsigned class, struct kith_slice who, const struct kith_rate_limit *l)
{
	uint64_t now = now_ms * 1000, cost, most, name, base, wait;
	struct bucket *set, *b = NULL;

	if (l->count == 0)
		return 0;
	cost = l->per_ms * 1000 / l->count;
	most = cost * (l->burst > 0 ? l->burst : 1);
	name = name_of(r, class, who);
	set = r->set[name & (r->n_sets - 1)];
	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].name == name) {
			b = &set[i];
			break;
		}
		if (b == NULL || set[i].full_us < b->full_us)
			b = &set[i];
	}
	base = b->name == name && b->full_us > now ? b->full_us : now;
	/* after a reload with a smaller burst nobody waits longer than the new one takes to fill */
	if (base - now > most)
		base = now + most;
	if (base - now + cost > most) {
		wait = base - now + cost - most;
		return (wait + 999) / 1000;
	}
	b->name = name;
	b->full_us = base + cost;
	return 0;
}
