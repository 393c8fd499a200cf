#ifndef KITH_HTTP_DIAL_H
#define KITH_HTTP_DIAL_H

#include "base/error.h"
#include "http/addr.h"
#include "http/reactor.h"

/*
 * From "host:port" to a connected socket: names looked up on threads of their
 * own (the system's resolver blocks), addresses tried in turn. For src/http alone.
 */
enum kith_dial_result { KITH_DIAL_OK, KITH_DIAL_NO_ADDRESS, KITH_DIAL_NO_CONNECTION };

struct kith_dials;

struct kith_dial_calls {
	bool (*may)(void *arg, uint64_t token, const struct kith_addr *a);      /* NULL: all */
	/* Once for each start, from the loop. fd is the callee's (-1 unless OK). text: what is wrong, in words. */
	void (*done)(void *arg, uint64_t token, enum kith_dial_result r, int take_fd, const struct kith_addr *a, const char *text);
};

struct kith_dials *kith_dials_new(struct kith_reactor *r, unsigned connect_ms, const struct kith_dial_calls *calls, void *arg);
void kith_dials_free(struct kith_dials *d);             /* done is called for none any more; not from within a callback */
KITH_MUST_USE int kith_dials_start(struct kith_dials *d, const char *hostport, uint64_t token);         /* NOMEM */

#endif
