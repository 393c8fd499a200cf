#ifndef KITH_CLI_RPC_H
#define KITH_CLI_RPC_H

#include "cli/cli.h"
#include "cli/http.h"

/* How long to go on when the node cannot be reached or has no time. */
enum cli_patience {
	CLI_ONCE,               /* a call that must not be done twice: what is lost is told */
	CLI_AGAIN,              /* one that may be: a few seconds */
	CLI_STUBBORN,           /* one with a txn, of a stream of them: minutes */
};

/*
 * Calls a method, as c->session if there is one, at the node of the session, of
 * --url or the default. Waits where the node says that it is too often. *out is
 * the result, an object, which the caller owns; untouched on failure. out may be
 * NULL. take_params NULL: none (or out of memory: give none as cli_no_params()).
 */
int cli_call(struct cli *c, const char *method, json_t *take_params, json_t **out);
int cli_call_as(struct cli *c, const char *method, json_t *take_params, enum cli_patience patience, json_t **out);
/* As cli_call, and why it fails is not told (unless the session has ended). */
int cli_call_quietly(struct cli *c, const char *method, json_t *take_params, json_t **out);
json_t *cli_no_params(void);

/* Makes c->http if there is none. */
int cli_connect(struct cli *c);

#define CLI_TXN 53
/* An id for one request: the node does it once, however often it is sent. */
const char *cli_txn(char out[CLI_TXN]);

#endif
