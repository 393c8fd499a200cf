#include "daemon/doors.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/strings.h"

#define ADDRESSES_MAX 8

static int
listen_on(const char *option, const char *text, int *fd, struct kith_addr *bound, struct kith_diag *d)
{
	struct kith_diag inner;
	struct kith_addr a;
	int r = kith_addr_parse(text, &a);

	memset(&inner, 0, sizeof(inner));
	if (r == KITH_OK)
		r = kith_addr_listen(&a, fd, bound, &inner);
	else
		kith_diag_set(&inner, "that is no address");
	if (r == KITH_E_BUSY)
		kith_diag_set(d, "--%s %s: something else listens there already; stop it, or choose another port (0: any that is free)",
		    option, text);
	else if (r != KITH_OK)
		kith_diag_set(d, "--%s %s: %s", option, text, inner.text);
	return r;
}

/* The nth address of this machine that others could use; false: none. */
static bool
interface(struct ifaddrs *list, size_t nth, unsigned port, int family, struct kith_addr *out)
{
	for (struct ifaddrs *i = list; i != NULL; i = i->ifa_next) {
		struct kith_addr a;

		if (i->ifa_addr == NULL || (i->ifa_flags & IFF_UP) == 0 || (i->ifa_flags & IFF_LOOPBACK) != 0)
			continue;
		if (i->ifa_addr->sa_family == AF_INET) {
			if (kith_addr_from(i->ifa_addr, sizeof(struct sockaddr_in), &a) != KITH_OK)
				continue;
			a.u.in.sin_port = htons((uint16_t)port);
		} else if (i->ifa_addr->sa_family == AF_INET6 && family == AF_INET6) {
			if (kith_addr_from(i->ifa_addr, sizeof(struct sockaddr_in6), &a) != KITH_OK || a.u.sa.sa_family != AF_INET6 ||
			    IN6_IS_ADDR_LINKLOCAL(&a.u.in6.sin6_addr))
				continue;
			a.u.in6.sin6_port = htons((uint16_t)port);
		} else {
			continue;
		}
		if (nth-- == 0) {
			*out = a;
			return true;
		}
	}
	return false;
}

static int
fill_addresses(const struct kith_conf *conf, struct kith_doors *d)
{
	char text[ADDRESSES_MAX][KITH_ADDR_STR], *v[ADDRESSES_MAX];
	struct ifaddrs *list = NULL;
	struct kith_addr a;
	size_t n = 0;

	if (conf->advertise.n > 0) {
		d->address = kith_strings_copy(conf->advertise.v, conf->advertise.n);
		d->n_address = conf->advertise.n;
		return d->address != NULL ? KITH_OK : KITH_E_NOMEM;
	}
	if (d->peer_fd >= 0 && !kith_addr_is_any(&d->peer)) {
		kith_addr_str(&d->peer, text[n++]);
	} else if (d->peer_fd >= 0 && getifaddrs(&list) == 0) {
		while (n < ADDRESSES_MAX && interface(list, n, kith_addr_port(&d->peer), d->peer.u.sa.sa_family, &a))
			kith_addr_str(&a, text[n++]);
		freeifaddrs(list);
	}
	for (size_t i = 0; i < n; i++)
		v[i] = text[i];
	d->address = kith_strings_copy(v, n);
	d->n_address = n;
	return d->address != NULL ? KITH_OK : KITH_E_NOMEM;
}

static void
fill_url(const struct kith_conf *conf, struct kith_doors *d)
{
	char host[KITH_ADDR_STR + 256];
	struct ifaddrs *list = NULL;
	struct kith_addr a = d->client;
	bool tls;

	if (conf->url[0] != '\0') {
		snprintf(d->url, sizeof(d->url), "%s", conf->url);
		return;
	}
	if (kith_addr_is_any(&d->client)) {
		if (getifaddrs(&list) != 0 || !interface(list, 0, kith_addr_port(&d->client), d->client.u.sa.sa_family, &a))
			if (kith_addr_parse("127.0.0.1:0", &a) == KITH_OK)
				a.u.in.sin_port = htons((uint16_t)kith_addr_port(&d->client));
		if (list != NULL)
			freeifaddrs(list);
	}
	tls = conf->tls_cert[0] != '\0' || conf->plain_http == KITH_CONF_PLAIN_REDIRECT || conf->plain_http == KITH_CONF_PLAIN_REFUSE ||
	    (conf->plain_http == KITH_CONF_PLAIN_AUTO && !kith_addr_is_loopback(&a) && !kith_addr_is_private(&a));
	if (conf->hosts.n > 0 && !kith_addr_is_loopback(&a)) {
		unsigned port = kith_addr_port(&d->client);

		if (port == (tls ? 443u : 80u))
			snprintf(host, sizeof(host), "%s", conf->hosts.v[0]);
		else
			snprintf(host, sizeof(host), "%s:%u", conf->hosts.v[0], port);
	} else {
		kith_addr_str(&a, host);
	}
	snprintf(d->url, sizeof(d->url), "%s://%.240s", tls ? "https" : "http", host);
}

int
kith_doors_open(const struct kith_conf *conf, struct kith_doors *out, struct kith_diag *diag)
{
	struct kith_doors d;
	int r;

	memset(&d, 0, sizeof(d));
	d.client_fd = d.peer_fd = -1;
	r = listen_on("listen-client", conf->listen_client, &d.client_fd, &d.client, diag);
	if (r == KITH_OK && strcmp(conf->listen_peer, "none") != 0)
		r = listen_on("listen-peer", conf->listen_peer, &d.peer_fd, &d.peer, diag);
	if (r == KITH_OK) {
		r = fill_addresses(conf, &d);
		if (r != KITH_OK)
			kith_diag_set(diag, "out of memory");
	}
	if (r != KITH_OK) {
		kith_doors_close(&d);
		return r;
	}
	fill_url(conf, &d);
	*out = d;
	return KITH_OK;
}

void
kith_doors_close(struct kith_doors *d)
{
	if (d->client_fd >= 0)
		close(d->client_fd);
	if (d->peer_fd >= 0)
		close(d->peer_fd);
	d->client_fd = d->peer_fd = -1;
	kith_strings_free(d->address);
	d->address = NULL;
	d->n_address = 0;
}

static void
class_of(const struct kith_addr *a, bool *loopback, bool *private)
{
	*loopback = *loopback || kith_addr_is_loopback(a);
	*private = *private || kith_addr_is_private(a);
}

void
kith_doors_reach(const struct kith_doors *d, const struct kith_conf *conf, bool *loopback, bool *private)
{
	struct kith_addr a;

	*loopback = *private = false;
	class_of(&d->client, loopback, private);
	if (d->peer_fd >= 0)
		class_of(&d->peer, loopback, private);
	for (size_t i = 0; i < d->n_address; i++) {
		if (kith_addr_parse(d->address[i], &a) == KITH_OK)
			class_of(&a, loopback, private);
	}
	for (size_t i = 0; i < conf->peer.n; i++) {
		if (kith_addr_parse(conf->peer.v[i], &a) == KITH_OK)
			class_of(&a, loopback, private);
		else if (strncmp(conf->peer.v[i], "localhost:", 10) == 0)
			*loopback = true;
	}
}
