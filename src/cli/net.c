#include "cli/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#define CONNECT_MS 10000

struct cli_net {
	int fd;
	struct kith_tls_client *trust;
	SSL *ssl;                       /* NULL: plain */
};

/* ---- where ---- */

static bool
host_ok(const char *s)
{
	return s[0] != '\0' && s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789.-_")] == '\0';
}

int
cli_url_parse(const char *s, struct cli_url *out, struct kith_diag *d)
{
	struct cli_url u;
	const char *port = NULL, *end;
	char rest[300], *p;
	size_t n;

	memset(&u, 0, sizeof(u));
	if (strncasecmp(s, "https://", 8) == 0)
		u.tls = true;
	else if (strncasecmp(s, "http://", 7) != 0) {
		kith_diag_set(d, "\"%.100s\" is no address of a node: it begins with http:// or https://", s);
		return KITH_E_MALFORMED;
	}
	s += u.tls ? 8 : 7;
	end = s + strcspn(s, "/?#");
	n = (size_t)(end - s);
	if (n == 0 || n > 260 || (end[0] != '\0' && !(end[0] == '/' && end[1] == '\0'))) {
		kith_diag_set(d, "the address of a node has a host and a port, and nothing behind them: http://HOST:PORT");
		return KITH_E_MALFORMED;
	}
	for (size_t i = 0; i < n; i++)
		rest[i] = s[i] >= 'A' && s[i] <= 'Z' ? (char)(s[i] - 'A' + 'a') : s[i];
	rest[n] = '\0';
	p = rest;
	if (p[0] == '[') {
		struct in6_addr a;
		char *close = strchr(p, ']');

		if (close == NULL || (close[1] != '\0' && close[1] != ':'))
			goto bad;
		*close = '\0';
		if (inet_pton(AF_INET6, p + 1, &a) != 1 || inet_ntop(AF_INET6, &a, u.host, sizeof(u.host)) == NULL)
			goto bad;
		port = close[1] == ':' ? close + 2 : NULL;
	} else {
		p = strchr(rest, ':');
		if (p != NULL) {
			*p = '\0';
			port = p + 1;
		}
		if (!host_ok(rest) || strlen(rest) >= sizeof(u.host))
			goto bad;
		memcpy(u.host, rest, strlen(rest) + 1);
	}
	u.port = u.tls ? 443 : 80;
	if (port != NULL) {
		if (port[0] == '\0' || strlen(port) > 5 || port[strspn(port, "0123456789")] != '\0')
			goto bad;
		u.port = (unsigned)strtoul(port, NULL, 10);
		if (u.port == 0 || u.port > 65535)
			goto bad;
	}
	port = strchr(u.host, ':') != NULL ? "[" : "";
	if (u.port == (u.tls ? 443u : 80u))
		snprintf(u.hostport, sizeof(u.hostport), "%s%s%s", port, u.host, port[0] != '\0' ? "]" : "");
	else
		snprintf(u.hostport, sizeof(u.hostport), "%s%s%s:%u", port, u.host, port[0] != '\0' ? "]" : "",
		    u.port);
	snprintf(u.text, sizeof(u.text), "%s://%s", u.tls ? "https" : "http", u.hostport);
	*out = u;
	return KITH_OK;
bad:
	kith_diag_set(d, "\"%.100s\" is not a host with an optional port", s);
	return KITH_E_MALFORMED;
}

bool
cli_url_is_loopback(const struct cli_url *u)
{
	struct in_addr a;

	return strcmp(u->host, "localhost") == 0 || strcmp(u->host, "::1") == 0 ||
	    (inet_pton(AF_INET, u->host, &a) == 1 && ntohl(a.s_addr) >> 24 == 127);
}

uint64_t
cli_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* ---- connecting ---- */

/* KITH_OK when fd is ready; EARLY when the time is up. */
static int
wait_for(int fd, short events, uint64_t deadline_ms)
{
	for (;;) {
		struct pollfd p = { .fd = fd, .events = events };
		uint64_t now = cli_now_ms();
		int n = poll(&p, 1, now >= deadline_ms ? 0 : deadline_ms - now > 60000 ? 60000 :
		    (int)(deadline_ms - now));

		if (n > 0)
			return KITH_OK;
		if (n < 0 && errno != EINTR)
			return KITH_E_IO;
		if (n == 0 && cli_now_ms() >= deadline_ms)
			return KITH_E_EARLY;
	}
}

static int
try_address(const struct addrinfo *a, uint64_t deadline_ms, int *err)
{
	int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol), one = 1;
	socklen_t len = sizeof(*err);

	*err = 0;
	if (fd < 0) {
		*err = errno;
		return -1;
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, a->ai_addr, a->ai_addrlen) == 0)
		return fd;
	*err = errno;
	if (*err == EINPROGRESS) {
		*err = ETIMEDOUT;
		if (wait_for(fd, POLLOUT, deadline_ms) == KITH_OK &&
		    getsockopt(fd, SOL_SOCKET, SO_ERROR, err, &len) != 0)
			*err = errno;
	}
	if (*err == 0)
		return fd;
	close(fd);
	return -1;
}

static int
connect_to(const struct cli_url *u, uint64_t deadline_ms, int *fd, struct kith_diag *d)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM,
	    .ai_flags = AI_NUMERICSERV | AI_ADDRCONFIG };
	struct addrinfo *list = NULL;
	char port[8];
	int r, err = 0;

	if (cli_url_is_loopback(u))
		hints.ai_flags = AI_NUMERICSERV;        /* AI_ADDRCONFIG would leave out loopback on an island */
	snprintf(port, sizeof(port), "%u", u->port);
	r = getaddrinfo(u->host, port, &hints, &list);
	if (r != 0) {
		kith_diag_set(d, "there is no host called %s (%s)", u->host,
		    r == EAI_SYSTEM ? strerror(errno) : gai_strerror(r));
		return r == EAI_AGAIN ? KITH_E_BUSY : KITH_E_NOTFOUND;
	}
	*fd = -1;
	for (struct addrinfo *a = list; a != NULL && *fd < 0; a = a->ai_next)
		*fd = try_address(a, deadline_ms, &err);
	freeaddrinfo(list);
	if (*fd >= 0)
		return KITH_OK;
	kith_diag_set(d, "no node answers at %s (%s): is kithd running there? Another address goes by --url",
	    u->text, strerror(err));
	return KITH_E_BUSY;
}

/* What an SSL call that returned n wants; KITH_OK: call it again. */
static int
ssl_wait(struct cli_net *n, int result, uint64_t deadline_ms)
{
	int e = SSL_get_error(n->ssl, result);

	if (e == SSL_ERROR_WANT_READ)
		return wait_for(n->fd, POLLIN, deadline_ms);
	if (e == SSL_ERROR_WANT_WRITE)
		return wait_for(n->fd, POLLOUT, deadline_ms);
	return e == SSL_ERROR_ZERO_RETURN ? KITH_E_NOTFOUND : KITH_E_IO;
}

static int
handshake(struct cli_net *n, const struct cli_url *u, uint64_t deadline_ms, struct kith_diag *d)
{
	int r, done;

	n->ssl = kith_tls_client_open(n->trust, u->host);
	if (n->ssl == NULL || SSL_set_fd(n->ssl, n->fd) != 1) {
		kith_diag_set(d, "out of memory");
		return KITH_E_NOMEM;
	}
	for (;;) {
		ERR_clear_error();
		done = SSL_connect(n->ssl);
		if (done == 1)
			return KITH_OK;
		if (SSL_get_error(n->ssl, done) == SSL_ERROR_SSL) {
			kith_tls_why(n->ssl, d);
			return SSL_get_verify_result(n->ssl) != X509_V_OK ? KITH_E_DENIED : KITH_E_MALFORMED;
		}
		r = ssl_wait(n, done, deadline_ms);
		if (r != KITH_OK) {
			kith_diag_set(d, "%s %s", u->text,
			    r == KITH_E_EARLY ? "does not go on with the TLS handshake" :
			    "ends the connection in the TLS handshake: is it http:// there?");
			return KITH_E_BUSY;
		}
	}
}

int
cli_net_open(const struct cli_url *u, enum kith_tls_trust trust, const uint8_t *pin, struct cli_net **out,
    struct kith_diag *d)
{
	struct cli_net *n = calloc(1, sizeof(*n));
	uint64_t deadline = cli_now_ms() + CONNECT_MS;
	int r = KITH_OK;

	if (n == NULL) {
		kith_diag_set(d, "out of memory");
		return KITH_E_NOMEM;
	}
	n->fd = -1;
	if (u->tls)
		r = kith_tls_client_new(trust, pin, &n->trust, d);
	if (r == KITH_OK)
		r = connect_to(u, deadline, &n->fd, d);
	if (r == KITH_OK && u->tls)
		r = handshake(n, u, deadline, d);
	if (r == KITH_OK)
		*out = n;
	else
		cli_net_close(n);
	return r;
}

void
cli_net_close(struct cli_net *n)
{
	if (n == NULL)
		return;
	if (n->ssl != NULL) {
		ERR_clear_error();
		if (SSL_is_init_finished(n->ssl))
			(void)SSL_shutdown(n->ssl);
		SSL_free(n->ssl);
	}
	if (n->fd >= 0)
		close(n->fd);
	kith_tls_client_free(n->trust);
	free(n);
}

int
cli_net_pin(struct cli_net *n, uint8_t pin[KITH_TLS_PIN_BYTES])
{
	return n->ssl != NULL ? kith_tls_pin_of(n->ssl, pin) : KITH_E_NOTFOUND;
}

/* ---- bytes ---- */

static int
lost(int r, struct kith_diag *d)
{
	kith_diag_set(d, r == KITH_E_EARLY ? "the node does not answer" : "the connection to the node was lost");
	return KITH_E_BUSY;
}

int
cli_net_write(struct cli_net *n, struct kith_slice bytes, uint64_t deadline_ms, struct kith_diag *d)
{
	while (bytes.n > 0) {
		size_t done = 0;
		int r = KITH_OK;

		if (n->ssl != NULL) {
			int w;

			ERR_clear_error();
			w = SSL_write(n->ssl, bytes.p, bytes.n > 16384 ? 16384 : (int)bytes.n);
			if (w > 0)
				done = (size_t)w;
			else
				r = ssl_wait(n, w, deadline_ms);
		} else {
			ssize_t w = send(n->fd, bytes.p, bytes.n, MSG_NOSIGNAL);

			if (w >= 0)
				done = (size_t)w;
			else if (errno == EAGAIN || errno == EINTR)
				r = wait_for(n->fd, POLLOUT, deadline_ms);
			else
				r = KITH_E_IO;
		}
		if (r != KITH_OK)
			return lost(r, d);
		bytes = kith_slice_from(bytes, done);
	}
	return KITH_OK;
}

int
cli_net_read(struct cli_net *n, void *to, size_t cap, uint64_t deadline_ms, size_t *got, struct kith_diag *d)
{
	for (;;) {
		int r;

		if (n->ssl != NULL) {
			int g;

			ERR_clear_error();
			g = SSL_read(n->ssl, to, cap > 65536 ? 65536 : (int)cap);
			if (g > 0) {
				*got = (size_t)g;
				return KITH_OK;
			}
			r = ssl_wait(n, g, deadline_ms);
			if (r == KITH_E_NOTFOUND) {
				*got = 0;
				return KITH_OK;
			}
		} else {
			ssize_t g = recv(n->fd, to, cap, 0);

			if (g >= 0) {
				*got = (size_t)g;
				return KITH_OK;
			}
			r = errno == EAGAIN || errno == EINTR ? wait_for(n->fd, POLLIN, deadline_ms) : KITH_E_IO;
		}
		if (r == KITH_E_EARLY) {
			kith_diag_set(d, "the node does not answer");
			return KITH_E_EARLY;
		}
		if (r != KITH_OK)
			return lost(r, d);
	}
}

bool
cli_net_is_stale(struct cli_net *n)
{
	struct pollfd p = { .fd = n->fd, .events = POLLIN };

	return poll(&p, 1, 0) != 0;
}
