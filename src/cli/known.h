#ifndef KITH_CLI_KNOWN_H
#define KITH_CLI_KNOWN_H

#include "cli/net.h"

/*
 * Nodes whose TLS key no authority vouches for: the file of those that were
 * taken on trust once, a line each, "HOST:PORT PIN" with the pin (SHA-256 of the
 * public key) in base32.
 *
 * Connects as the file says: by the key that stands there; else by the system's
 * authorities; else, if `learn`, takes whatever key the node shows, writes it
 * down and says so. DENIED, with what to do: the key is not the one that stands
 * there, or there is none. As cli_net_open.
 */
KITH_MUST_USE int cli_known_dial(const struct cli_url *u, const char *file, bool learn, struct cli_net **out,
    struct kith_diag *d);

#endif
