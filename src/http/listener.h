#ifndef KITH_HTTP_LISTENER_H
#define KITH_HTTP_LISTENER_H

#include "base/error.h"
#include "http/addr.h"
#include "http/reactor.h"

/*
 * Accepts from a listening socket, a few at a time; when descriptors run out it
 * waits for some to come free. For src/http alone.
 */
struct kith_listener;

/* on_accept gets a non-blocking, close-on-exec socket that is its own. Borrows fd. NULL: out of memory. */
struct kith_listener *kith_listener_new(struct kith_reactor *r, int fd,
    void (*on_accept)(void *arg, int take_fd, const struct kith_addr *remote), void *arg);
void kith_listener_free(struct kith_listener *l);       /* NULL is fine */

#endif
