#ifndef KITH_HTTP_ADDR_H
#define KITH_HTTP_ADDR_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/error.h"
#include "base/slice.h"

/* An internet address and port. v4-mapped IPv6 addresses are turned into IPv4 by every function here. */
struct kith_addr {
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} u;
	socklen_t len;                  /* 0: none */
};
#define KITH_ADDR_STR 64

/* "127.0.0.1:7370", "[::1]:0", numbers only, port always. MALFORMED. */
KITH_MUST_USE int kith_addr_parse(const char *s, struct kith_addr *out);
KITH_MUST_USE int kith_addr_from(const struct sockaddr *sa, socklen_t len, struct kith_addr *out);
const char *kith_addr_str(const struct kith_addr *a, char out[KITH_ADDR_STR]);     /* as kith_addr_parse takes it; returns out */
unsigned kith_addr_port(const struct kith_addr *a);
bool kith_addr_same_host(const struct kith_addr *a, const struct kith_addr *b);    /* whatever the port */
bool kith_addr_is_any(const struct kith_addr *a);                                  /* 0.0.0.0 or [::] */
bool kith_addr_is_loopback(const struct kith_addr *a);
bool kith_addr_is_private(const struct kith_addr *a);   /* RFC 1918, 100.64/10, link-local, fc00::/7; not loopback */
KITH_MUST_USE int kith_addr_host(struct kith_slice s, struct kith_addr *out);      /* an address without a port, which is then 0. MALFORMED */

/* A range of addresses. */
struct kith_net { struct kith_addr base; unsigned bits; };
/* "10.0.0.0/8", "2001:db8::/32", or one address. Bits beyond the prefix do not count. MALFORMED. */
KITH_MUST_USE int kith_net_parse(struct kith_slice s, struct kith_net *out);
bool kith_net_holds(const struct kith_net *n, const struct kith_addr *a);

/* What one visitor can have many of: the IPv4 address (4 bytes) or IPv6 /64 (8). Borrows a. */
struct kith_slice kith_addr_origin(const struct kith_addr *a);

/*
 * A listening socket, non-blocking, close-on-exec; *bound (may be NULL) is where, with the
 * port the system chose for 0. The caller closes *fd_out. d says in words what failed.
 *   KITH_E_BUSY  the address is in use;  KITH_E_DENIED  not allowed;  KITH_E_IO  anything else
 */
KITH_MUST_USE int kith_addr_listen(const struct kith_addr *a, int *fd_out, struct kith_addr *bound, struct kith_diag *d);

#endif
