#ifndef KITH_CLI_HTTP_H
#define KITH_CLI_HTTP_H

#include "base/buf.h"
#include "base/error.h"
#include "cli/net.h"
#include "http/parse.h"

/*
 * Requests to one node, one after another over a connection that is kept. Codes
 * as in cli/net.h; also MALFORMED: what answers is no node, LIMIT: it says too much.
 */
struct cli_http;

/* known: where the keys of nodes are kept that no authority vouches for. insecure: take an unknown key and keep it. */
struct cli_http *cli_http_new(const struct cli_url *u, const char *known, bool insecure);   /* NULL: out of memory */
void cli_http_free(struct cli_http *h);                 /* NULL is fine */
const struct cli_url *cli_http_url(const struct cli_http *h);

struct cli_answer {
	int status;
	uint64_t retry_after_s;         /* 0: the node did not say */
	struct kith_buf body;           /* to be freed with kith_buf_fini, after a failure too */
};
/*
 * POST of JSON. *reached, on failure: the node may have got the request. token
 * may be NULL. timeout_ms is for all of it.
 */
KITH_MUST_USE int cli_http_post(struct cli_http *h, const char *target, const char *token, struct kith_slice json,
    uint64_t timeout_ms, struct cli_answer *out, bool *reached, struct kith_diag *d);

/* A connection of its own with these trusts, for a WebSocket. */
KITH_MUST_USE int cli_http_dial(struct cli_http *h, struct cli_net **out, struct kith_diag *d);

#endif
