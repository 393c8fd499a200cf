#ifndef KITH_TESTS_SIM_FORGE_H
#define KITH_TESTS_SIM_FORGE_H

#include "crypto/sign.h"
#include "group/record.h"
#include "tests/sim/dice.h"

/*
 * Records as a hostile node makes them: from what its own node has written,
 * bent and signed anew with its key, in feeds of incarnations that it makes up.
 */
enum forgery {
	FORGE_BACKDATED,        /* an older clock under an older frontier */
	FORGE_FUTURE,           /* of kinds that nobody knows yet */
	FORGE_FRESH,            /* the first of a feed that there never was */
	FORGE_ANY,              /* another's name, another's feed, a wrong place, a wrong body, a bad signature ... */
};
struct forge;
struct forge *forge_new(const struct kith_id *node, const struct kith_signer *sign);
void forge_free(struct forge *f);
/* A RUN that leaves the node: what there is to learn from it. */
void forge_learn(struct forge *f, struct kith_slice run);
bool forge_is_own(struct forge *f, struct kith_slice run);      /* its records are its own */
/* A RUN with one forged record. false: nothing has been learned yet. */
bool forge_make(struct forge *f, struct dice *d, enum forgery what, uint64_t wall_ms, struct kith_buf *run);
/* The same RUN with another record in place of its last. false: it is not its own to alter. */
bool forge_fork(struct forge *f, struct dice *d, struct kith_slice run, struct kith_buf *out);

#endif
