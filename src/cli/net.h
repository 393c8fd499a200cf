#ifndef KITH_CLI_NET_H
#define KITH_CLI_NET_H

#include "base/error.h"
#include "base/slice.h"
#include "crypto/tls.h"

/*
 * One connection to a node, plain or TLS. It blocks, but never longer than the
 * caller says. Codes: BUSY (no answer, or the connection is gone: later it may
 * work), DENIED (the node's certificate is not trusted), NOTFOUND (there is no
 * such host), MALFORMED (it speaks something else), NOMEM. On each of them the diag holds a sentence.
 */
struct cli_url {
	bool tls;
	char host[256];                 /* without brackets */
	unsigned port;
	char hostport[280];             /* for the Host field */
	char text[300];                 /* normal form: lower case, no default port, no slash at the end */
};
/* "http://127.0.0.1:7370", "https://chat.example/". MALFORMED: d says what is wrong. */
KITH_MUST_USE int cli_url_parse(const char *s, struct cli_url *out, struct kith_diag *d);
bool cli_url_is_loopback(const struct cli_url *u);      /* as it is written: localhost, 127.0.0.0/8, ::1 */

uint64_t cli_now_ms(void);      /* monotonic */

struct cli_net;
/* trust, pin: of TLS only. */
KITH_MUST_USE int cli_net_open(const struct cli_url *u, enum kith_tls_trust trust, const uint8_t *pin,
    struct cli_net **out, struct kith_diag *d);
void cli_net_close(struct cli_net *n);                  /* NULL is fine */
KITH_MUST_USE int cli_net_pin(struct cli_net *n, uint8_t pin[KITH_TLS_PIN_BYTES]);      /* NOTFOUND: not TLS */
/* All of it, until deadline_ms (of cli_now_ms). */
KITH_MUST_USE int cli_net_write(struct cli_net *n, struct kith_slice bytes, uint64_t deadline_ms,
    struct kith_diag *d);
/* Some bytes; *got is 0 when the other side has ended. EARLY: nothing came before the deadline. */
KITH_MUST_USE int cli_net_read(struct cli_net *n, void *to, size_t cap, uint64_t deadline_ms, size_t *got,
    struct kith_diag *d);
bool cli_net_is_stale(struct cli_net *n);       /* idle, and the other side has closed it or said something unasked */

#endif
