#ifndef KITH_TESTS_SIM_EVIL_H
#define KITH_TESTS_SIM_EVIL_H

#include "tests/sim/play.h"

/*
 * Hostile nodes. Each is a whole engine, so that it speaks the protocol as well
 * as any, with somebody in the middle of its links who holds its keys: who
 * alters, keeps back, repeats and forges.
 */
void evil_new(struct play *p);
void evil_free(struct play *p);
void evil_step(struct play *p, const struct step *s);
/* From now on they make nothing new; they go on lying. */
void evil_heal(struct play *p);
bool evil_leaves(struct play *p, int from, int to, uint64_t link, uint8_t type, struct kith_slice frame);
bool evil_arrives(struct play *p, int from, int to, uint64_t link, uint8_t type, struct kith_slice frame);
void evil_link(struct play *p, int node, int peer, uint64_t link);

#endif
