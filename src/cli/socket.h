#ifndef KITH_CLI_SOCKET_H
#define KITH_CLI_SOCKET_H

#include "cli/http.h"

/* A WebSocket to the node, kept alive; the subprotocol is kith.json. Codes as in cli/net.h. */
struct cli_socket;

/* DENIED: the node is there and does not want it. */
KITH_MUST_USE int cli_socket_open(struct cli_http *h, const char *token, struct cli_socket **out,
    struct kith_diag *d);
void cli_socket_close(struct cli_socket *s);            /* NULL is fine */
/*
 * The next message, borrowed until the next call. EARLY: none came before
 * deadline_ms. BUSY: the connection has ended, or is silent to our pings.
 */
KITH_MUST_USE int cli_socket_next(struct cli_socket *s, uint64_t deadline_ms, struct kith_slice *text,
    struct kith_diag *d);

#endif
