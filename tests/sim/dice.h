#ifndef KITH_TESTS_SIM_DICE_H
#define KITH_TESTS_SIM_DICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* For what cannot go wrong unless the simulator itself is at fault. */
#define MUST(e) do { if (!(e)) { fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #e); abort(); } } while (0)

/*
 * Dice (xoshiro256**) from one seed; streams of one seed know nothing of each
 * other, so that a step left out of a story does not reshuffle the network.
 */
struct dice { uint64_t s[4]; };

static inline void
dice_seed(struct dice *d, uint64_t seed, uint64_t stream)
{
	uint64_t x = seed + stream * UINT64_C(0xd1342543de82ef95);

	for (int i = 0; i < 4; i++) {
		uint64_t z = (x += UINT64_C(0x9e3779b97f4a7c15));

		z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
		z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
		d->s[i] = z ^ z >> 31;
	}
}

static inline uint64_t
dice_u64(struct dice *d)
{
	uint64_t *s = d->s, x = s[1] * 5, r = (x << 7 | x >> 57) * 9, t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = s[3] << 45 | s[3] >> 19;
	return r;
}

static inline uint32_t
dice_below(struct dice *d, uint32_t n)
{
	return n == 0 ? 0 : (uint32_t)((dice_u64(d) >> 32) % n);
}

static inline bool
dice_chance(struct dice *d, uint32_t percent)
{
	return dice_below(d, 100) < percent;
}

static inline void
dice_fill(struct dice *d, void *p, size_t n)
{
	uint8_t *b = p;

	for (size_t i = 0; i < n; i++)
		b[i] = (uint8_t)(dice_u64(d) >> 29);
}

#endif
