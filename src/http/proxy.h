#ifndef KITH_HTTP_PROXY_H
#define KITH_HTTP_PROXY_H

#include "http/addr.h"
#include "http/parse.h"

/*
 * Reverse proxies. What X-Forwarded-For and X-Forwarded-Proto say counts only where
 * a connection comes from one of them; from anybody else the fields are ignored.
 */
struct kith_proxies { const struct kith_net *v; size_t n; };

bool kith_is_proxy(const struct kith_proxies *p, const struct kith_addr *a);
/*
 * remote is a proxy: who asks through it is the last address of X-Forwarded-For that
 * is none (all are: the first of them; no field: the proxy itself), and *tls whether
 * they did it by https. MALFORMED: the fields are not what a proxy writes.
 */
KITH_MUST_USE int kith_forwarded(const struct kith_proxies *p, const struct kith_http_head *h, const struct kith_addr *remote,
    struct kith_addr *client, bool *tls);

#endif
