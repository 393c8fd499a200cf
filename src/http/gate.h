#ifndef KITH_HTTP_GATE_H
#define KITH_HTTP_GATE_H

#include "base/error.h"
#include "http/addr.h"

/*
 * How many connections there may be: counted over all reactors, so it is shared
 * and locks inside. A visitor enters, may become trusted, and leaves.
 */
struct kith_gate_limits {
	unsigned total;                 /* 0: 10,000 */
	unsigned strangers;             /* not trusted yet; dropped at random from half of it on; 0: 512 */
	unsigned per_origin;            /* strangers of one IPv4 address or IPv6 /64; 0: 32 */
};
struct kith_gate;

struct kith_gate *kith_gate_new(const struct kith_gate_limits *l);      /* NULL: out of memory */
void kith_gate_free(struct kith_gate *g);                                /* nobody is inside any more; NULL is fine */
/*
 * dice: 32 random bits. LIMIT: no. Each KITH_OK is followed by one leave, told
 * whether trust came between.
 */
KITH_MUST_USE int kith_gate_enter(struct kith_gate *g, const struct kith_addr *a, uint32_t dice);
void kith_gate_trust(struct kith_gate *g, const struct kith_addr *a);
void kith_gate_leave(struct kith_gate *g, const struct kith_addr *a, bool trusted);
void kith_gate_count(struct kith_gate *g, unsigned *total, unsigned *strangers, uint64_t *refused);

#endif
