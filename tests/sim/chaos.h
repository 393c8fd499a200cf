#ifndef KITH_TESTS_SIM_CHAOS_H
#define KITH_TESTS_SIM_CHAOS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A random story of whole nodes (world.h) from one seed: people make groups,
 * join, speak, moderate one another and leave while nodes die, clocks jump and
 * the network splits. In the end everything heals, time passes, and what must
 * hold then is looked at. 0: it held; else *why says what did not.
 */
int chaos_run(uint64_t seed, char *why, size_t n_why);

#endif
