#ifndef KITH_DAEMON_TICKET_H
#define KITH_DAEMON_TICKET_H

#include "base/b32.h"
#include "client/client.h"

/* Tickets for one WebSocket each: good once, for 30 seconds, and gone with the process. Any thread. */
#define KITH_TICKET_MS 30000

struct kith_tickets;
struct kith_tickets *kith_tickets_new(void);                    /* NULL: out of memory */
void kith_tickets_free(struct kith_tickets *t);                 /* NULL is fine */
/* secret: 32 random bytes; text: what the client gets. */
void kith_tickets_add(struct kith_tickets *t, uint64_t now_ms, const struct kith_session *s, const struct kith_id *secret,
    char text[KITH_ID_STR]);
KITH_MUST_USE int kith_tickets_take(struct kith_tickets *t, uint64_t now_ms, struct kith_slice text, struct kith_session *out);  /* NOTFOUND */

#endif
