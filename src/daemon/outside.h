#ifndef KITH_DAEMON_OUTSIDE_H
#define KITH_DAEMON_OUTSIDE_H

#include "conf/conf.h"
#include "egress/frame.h"
#include "helper/helper.h"

/*
 * All that goes out which is not a peer: mail, and a look at pages before they
 * are shown. Each goes through a process of its own (kith-egress); a few threads
 * wait for them. Any thread.
 */
struct kith_outside;

/* Borrows helpers. NULL: out of memory. */
struct kith_outside *kith_outside_new(struct kith_helpers *helpers, const struct kith_conf *conf);
KITH_MUST_USE int kith_outside_set(struct kith_outside *o, const struct kith_conf *conf);      /* NOMEM: all is as it was */
void kith_outside_stop(struct kith_outside *o);                 /* its threads; what they had to post has been posted */
void kith_outside_free(struct kith_outside *o);                 /* stopped; NULL is fine */

/* Is there a mail server, and who speaks to it? */
bool kith_outside_mails(const struct kith_helpers *helpers, const struct kith_conf *conf);
/* Sends it, once. When it cannot be sent, the log says why. to, subject and text are copied. */
void kith_outside_mail(struct kith_outside *o, const char *to, const char *subject, const char *text);
/*
 * Would the page let this origin show it in a frame? done comes later, from
 * another thread: FAILED also when the node cannot look at pages at all, or stops.
 * url and origin are copied. BUSY, NOMEM: done does not come.
 */
KITH_MUST_USE int kith_outside_page(struct kith_outside *o, struct kith_slice url, struct kith_slice origin,
    void (*done)(void *arg, enum kith_egress_outcome outcome, unsigned status), void *arg);

#endif
