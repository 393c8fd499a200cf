#ifndef KITH_TESTS_UNIT_HTTP_RIG_H
#define KITH_TESTS_UNIT_HTTP_RIG_H

#include "base/buf.h"
#include "crypto/tls.h"
#include "http/net.h"

/*
 * A reactor with a clock of its own, a server on a loopback port, and clients
 * of it, all on the test's thread.
 */
struct rig {
	struct kith_reactor *r;
	uint64_t now_ms;
	int fd;
	struct kith_addr at;
	struct kith_http_server *s;
	struct kith_tls_server *tls;
	/* what the server's owner has seen */
	unsigned requests, closes, code;
	uint64_t last_id;
	bool later;                     /* do not answer at once */
	bool echo;                      /* WebSocket messages go back */
	bool stop_reading;              /* pause after a message */
	bool enough;                    /* the body that comes is answered in its middle */
	size_t body_max;                /* of POST; 0: 64 KiB */
	struct kith_buf got;            /* WebSocket messages, each and a '|' */
};

struct client {
	struct rig *g;
	int fd;
	struct ssl_st *ssl;
	struct kith_tls_client *trust;
	struct kith_buf in;
	bool eof, reset;
};

struct rig *rig_new(struct kith_http_conf *conf, bool tls);      /* fills in handler and arg, starts */
void rig_free(struct rig *g);
void rig_turn(struct rig *g);                                    /* until nothing more happens */
void rig_sleep(struct rig *g, uint64_t ms);                      /* on the rig's clock */
bool rig_until(struct rig *g, const unsigned *what, unsigned n); /* turns until *what is n */
bool rig_left_with(struct rig *g, size_t n);                     /* turns until it has n connections */

struct client *client_new(struct rig *g, bool tls);
void client_free(struct client *c);
void client_send(struct client *c, struct kith_slice s);
void client_say(struct client *c, const char *text);
void client_pump(struct client *c);                              /* both sides, until nothing more happens */
bool client_has(struct client *c, const char *text);             /* pumps until it is in what came; false: it never was */
bool client_lacks(struct client *c, const char *text);           /* pumps a little: it has not come */
bool client_ended(struct client *c);                             /* pumps until the other side has ended */
void client_forget(struct client *c);                            /* what came so far */

#endif
