#ifndef KITH_DAEMON_CONTROL_H
#define KITH_DAEMON_CONTROL_H

#include "daemon/edge.h"
#include "http/reactor.h"

/*
 * The socket of kithctl, on the main thread's reactor. One request a connection:
 * a line of JSON, {"cmd": [WORD...]} and for `account add` a "password" beside
 * it. The answer is lines of JSON, the last of which is {"ok":true} or
 * {"error":SENTENCE,"code":NAME}.
 */
struct kith_control;

struct kith_control_conf {
	struct kith_reactor *reactor;
	struct kith_edges *edges;       /* for hashing, numbers, the machine; set before the first request */
	const char *path;               /* in the current directory, so that its length does not matter */
	void *arg;
	int (*reload)(void *arg, struct kith_diag *d);
	int (*rotate)(void *arg, bool root, struct kith_diag *d);
	void (*stop)(void *arg);
	int (*backup)(void *arg, const char *dir, struct kith_diag *d);         /* on a thread of its own */
	/* an output of the engine that is for the daemon itself */
	void (*output)(void *arg, const struct kith_output *o);
	const char *client_url, *peer_address;          /* for status; borrowed */
};

/* IO: d has the sentence. */
KITH_MUST_USE int kith_control_new(const struct kith_control_conf *conf, struct kith_control **out, struct kith_diag *d);
void kith_control_free(struct kith_control *c);                 /* NULL is fine */
struct kith_port kith_control_port(struct kith_control *c);     /* for KITH_OUT_CONTROL */

#endif
