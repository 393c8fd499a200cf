#ifndef KITH_DAEMON_DOORS_H
#define KITH_DAEMON_DOORS_H

#include "conf/conf.h"
#include "http/addr.h"

/* Where a node listens and what it tells others about that. */
struct kith_doors {
	int client_fd, peer_fd;         /* peer_fd -1: no listener */
	struct kith_addr client, peer;  /* bound */
	char url[256];                  /* "http://127.0.0.1:7370": base of links */
	char **address;                 /* where peers reach us */
	size_t n_address;
};

/* Binds both sockets. BUSY, DENIED, IO: d has the sentence. */
KITH_MUST_USE int kith_doors_open(const struct kith_conf *conf, struct kith_doors *out, struct kith_diag *d);
void kith_doors_close(struct kith_doors *d);
/* May learned addresses of these kinds be dialled? Only if we are of that kind ourselves. */
void kith_doors_reach(const struct kith_doors *d, const struct kith_conf *conf, bool *loopback, bool *private);

#endif
