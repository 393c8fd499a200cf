#include "http/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int
kith_addr_from(const struct sockaddr *sa, socklen_t len, struct kith_addr *out)
{
	struct kith_addr a;

	memset(&a, 0, sizeof(a));
	if (sa->sa_family == AF_INET && len >= (socklen_t)sizeof(a.u.in)) {
		memcpy(&a.u.in, sa, sizeof(a.u.in));
		a.len = sizeof(a.u.in);
	} else if (sa->sa_family == AF_INET6 && len >= (socklen_t)sizeof(a.u.in6)) {
		memcpy(&a.u.in6, sa, sizeof(a.u.in6));
		a.len = sizeof(a.u.in6);
		if (IN6_IS_ADDR_V4MAPPED(&a.u.in6.sin6_addr)) {
			struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = a.u.in6.sin6_port };

			memcpy(&in.sin_addr, a.u.in6.sin6_addr.s6_addr + 12, 4);
			memset(&a, 0, sizeof(a));
			a.u.in = in;
			a.len = sizeof(a.u.in);
		}
	} else {
		return KITH_E_MALFORMED;
	}
	*out = a;
	return KITH_OK;
}

static bool
is_v4(const struct kith_addr *a)
{
	return a->u.sa.sa_family == AF_INET;
}

static uint32_t
v4(const struct kith_addr *a)
{
	return ntohl(a->u.in.sin_addr.s_addr);
}

/* 0 to 65535, without a sign or blanks. */
static bool
parse_port(const char *s, uint16_t *out)
{
	size_t n = strlen(s);
	unsigned long v;

	if (n == 0 || n > 5 || strspn(s, "0123456789") != n)
		return false;
	v = strtoul(s, NULL, 10);
	*out = (uint16_t)v;
	return v <= 65535;
}

int
kith_addr_parse(const char *s, struct kith_addr *out)
{
	const char *colon = strrchr(s, ':');
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	char host[INET6_ADDRSTRLEN + 1];
	uint16_t port;
	size_t n;

	if (colon == NULL || !parse_port(colon + 1, &port))
		return KITH_E_MALFORMED;
	n = (size_t)(colon - s);
	if (n > 2 && s[0] == '[' && s[n - 1] == ']' && n - 2 < sizeof(host)) {
		memcpy(host, s + 1, n - 2);
		host[n - 2] = '\0';
		if (inet_pton(AF_INET6, host, &in6.sin6_addr) != 1)
			return KITH_E_MALFORMED;
		in6.sin6_port = htons(port);
		return kith_addr_from((struct sockaddr *)&in6, sizeof(in6), out);
	}
	if (n >= sizeof(host))
		return KITH_E_MALFORMED;
	memcpy(host, s, n);
	host[n] = '\0';
	if (inet_pton(AF_INET, host, &in.sin_addr) != 1)
		return KITH_E_MALFORMED;
	in.sin_port = htons(port);
	return kith_addr_from((struct sockaddr *)&in, sizeof(in), out);
}

int
kith_addr_host(struct kith_slice s, struct kith_addr *out)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	char host[INET6_ADDRSTRLEN + 1];

	if (s.n == 0 || s.n >= sizeof(host) || memchr(s.p, '\0', s.n) != NULL)
		return KITH_E_MALFORMED;
	memcpy(host, s.p, s.n);
	host[s.n] = '\0';
	if (inet_pton(AF_INET, host, &in.sin_addr) == 1)
		return kith_addr_from((struct sockaddr *)&in, sizeof(in), out);
	if (inet_pton(AF_INET6, host, &in6.sin6_addr) == 1)
		return kith_addr_from((struct sockaddr *)&in6, sizeof(in6), out);
	return KITH_E_MALFORMED;
}

int
kith_net_parse(struct kith_slice s, struct kith_net *out)
{
	size_t i = 0;
	unsigned max;

	memset(out, 0, sizeof(*out));
	while (i < s.n && s.p[i] != '/')
		i++;
	if (kith_addr_host(kith_slice_of(s.p, i), &out->base) != KITH_OK)
		return KITH_E_MALFORMED;
	max = is_v4(&out->base) ? 32 : 128;
	out->bits = max;
	if (i == s.n)
		return KITH_OK;
	out->bits = 0;
	s = kith_slice_from(s, i + 1);
	if (s.n == 0 || s.n > 3)
		return KITH_E_MALFORMED;
	for (i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return KITH_E_MALFORMED;
		out->bits = out->bits * 10 + (unsigned)(s.p[i] - '0');
	}
	return out->bits <= max ? KITH_OK : KITH_E_MALFORMED;
}

bool
kith_net_holds(const struct kith_net *n, const struct kith_addr *a)
{
	const uint8_t *x, *y;
	unsigned whole = n->bits / 8, rest = n->bits % 8;

	if (a->len == 0 || a->u.sa.sa_family != n->base.u.sa.sa_family)
		return false;
	x = is_v4(a) ? (const uint8_t *)&a->u.in.sin_addr : a->u.in6.sin6_addr.s6_addr;
	y = is_v4(a) ? (const uint8_t *)&n->base.u.in.sin_addr : n->base.u.in6.sin6_addr.s6_addr;
	return memcmp(x, y, whole) == 0 && (rest == 0 || (x[whole] ^ y[whole]) >> (8 - rest) == 0);
}

unsigned
kith_addr_port(const struct kith_addr *a)
{
	return ntohs(is_v4(a) ? a->u.in.sin_port : a->u.in6.sin6_port);
}

const char *
kith_addr_str(const struct kith_addr *a, char out[KITH_ADDR_STR])
{
	char host[INET6_ADDRSTRLEN] = "?";

	if (a->len == 0)
		(void)snprintf(out, KITH_ADDR_STR, "none");
	else if (is_v4(a))
		(void)snprintf(out, KITH_ADDR_STR, "%s:%u", inet_ntop(AF_INET, &a->u.in.sin_addr, host, sizeof(host)),
		    kith_addr_port(a));
	else
		(void)snprintf(out, KITH_ADDR_STR, "[%s]:%u", inet_ntop(AF_INET6, &a->u.in6.sin6_addr, host, sizeof(host)),
		    kith_addr_port(a));
	return out;
}

bool
kith_addr_same_host(const struct kith_addr *a, const struct kith_addr *b)
{
	if (a->len != b->len || a->u.sa.sa_family != b->u.sa.sa_family)
		return false;
	return is_v4(a) ? v4(a) == v4(b) : memcmp(&a->u.in6.sin6_addr, &b->u.in6.sin6_addr, 16) == 0;
}

bool
kith_addr_is_any(const struct kith_addr *a)
{
	return is_v4(a) ? v4(a) == 0 : IN6_IS_ADDR_UNSPECIFIED(&a->u.in6.sin6_addr);
}

bool
kith_addr_is_loopback(const struct kith_addr *a)
{
	return is_v4(a) ? v4(a) >> 24 == 127 : IN6_IS_ADDR_LOOPBACK(&a->u.in6.sin6_addr);
}

bool
kith_addr_is_private(const struct kith_addr *a)
{
	const uint8_t *b = a->u.in6.sin6_addr.s6_addr;
	uint32_t v;

	if (!is_v4(a))
		return (b[0] & 0xfe) == 0xfc || (b[0] == 0xfe && (b[1] & 0xc0) == 0x80);
	v = v4(a);
	return v >> 24 == 10 || v >> 20 == 0xac1 || v >> 16 == 0xc0a8 || v >> 16 == 0xa9fe || v >> 22 == 0x64400000u >> 22;
}

struct kith_slice
kith_addr_origin(const struct kith_addr *a)
{
	return is_v4(a) ? kith_slice_of(&a->u.in.sin_addr, 4) : kith_slice_of(&a->u.in6.sin6_addr, 8);
}

static int
listen_on(int fd, const struct kith_addr *a)
{
	int on = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0)
		return -1;
	/* [::] takes IPv4 too, as people expect of it */
	on = 0;
	if (!is_v4(a) && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) != 0)
		return -1;
	if (bind(fd, &a->u.sa, a->len) != 0)
		return -1;
	return listen(fd, 1024);
}

int
kith_addr_listen(const struct kith_addr *a, int *fd_out, struct kith_addr *bound, struct kith_diag *d)
{
	struct sockaddr_storage ss = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(ss);
	char str[KITH_ADDR_STR];
	int fd, err;

	fd = socket(a->u.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd >= 0 && listen_on(fd, a) == 0 && (bound == NULL ||
	    (getsockname(fd, (struct sockaddr *)&ss, &len) == 0 && kith_addr_from((struct sockaddr *)&ss, len, bound) == KITH_OK))) {
		*fd_out = fd;
		return KITH_OK;
	}
	err = errno;
	if (fd >= 0)
		close(fd);
	if (err == EADDRINUSE)
		kith_diag_set(d, "%s is in use: another program (or another kithd) listens there", kith_addr_str(a, str));
	else if (err == EACCES)
		kith_diag_set(d, "not allowed to listen on %s; choose a port above 1023", kith_addr_str(a, str));
	else if (err == EADDRNOTAVAIL)
		kith_diag_set(d, "cannot listen on %s: this machine has no such address", kith_addr_str(a, str));
	else
		kith_diag_set(d, "cannot listen on %s: %s", kith_addr_str(a, str), strerror(err));
	return err == EADDRINUSE ? KITH_E_BUSY : err == EACCES ? KITH_E_DENIED : KITH_E_IO;
}
