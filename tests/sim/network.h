#ifndef KITH_TESTS_SIM_NETWORK_H
#define KITH_TESTS_SIM_NETWORK_H

#include "tests/sim/world.h"

/*
 * What lies between the nodes. Frames of one link keep their order, those of
 * different links do not; what was sent over a link that ends is lost.
 */
void world_delay(struct world *w, uint64_t ms);         /* one way, for all that have none of their own */
/* How long the way between two nodes takes, and by up to how much it varies; base 0: as all others. */
void world_way(struct world *w, int from, int to, uint64_t base_ms, uint64_t jitter_ms);
void world_slow(struct world *w, int from, int to, uint32_t bytes_per_s);       /* 0: not */
/* cut ends their links and lets none come up. */
void world_cut(struct world *w, int a, int b, bool cut);
/* Nothing arrives on this way, and no link comes up; what was sent arrives when it is open again, if the link is still up. */
void world_block(struct world *w, int from, int to, bool blocked);
void world_drop_links(struct world *w, int a, int b);   /* ends their links; new ones may come up */
/* One end of their links is told that it is over, the other finds out for itself. */
void world_half_open(struct world *w, int a, int b);
void world_heal(struct world *w);                       /* all ways open and as at first */
uint64_t world_frames(const struct world *w, int from, int to);         /* sent so far */

#endif
