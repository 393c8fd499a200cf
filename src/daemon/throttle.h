#ifndef KITH_DAEMON_THROTTLE_H
#define KITH_DAEMON_THROTTLE_H

#include "client/client.h"
#include "conf/conf.h"
#include "http/addr.h"

/* The rates of all clients, shared by the reactors. Any thread. */
struct kith_throttle;

struct kith_throttle *kith_throttle_new(const struct kith_conf *conf);          /* NULL: out of memory */
void kith_throttle_free(struct kith_throttle *t);                                /* NULL is fine */
void kith_throttle_set(struct kith_throttle *t, const struct kith_conf *conf);   /* other limits, same buckets */
/* May this call go ahead? 0, or how many ms to wait. session NULL: not signed in. */
uint64_t kith_throttle_take(struct kith_throttle *t, uint64_t now_ms, const struct kith_args *args, const struct kith_session *s,
    const struct kith_addr *from);
/* One more file from this account. 0, or how many ms to wait. */
uint64_t kith_throttle_upload(struct kith_throttle *t, uint64_t now_ms, const struct kith_id *uid);

#endif
