#include "tests/unit/http/rig.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "tests/unit/test.h"

enum { PATIENCE = 1000 };

static uint64_t
clock_ms(void *arg)
{
	return ((struct rig *)arg)->now_ms;
}

static size_t
body_max(void *arg, const struct kith_http_head *h)
{
	struct rig *g = arg;

	return h->method == KITH_HTTP_POST ? g->body_max : 0;
}

static void
on_request(void *arg, struct kith_http_conn *c, const struct kith_http_request *rq)
{
	struct rig *g = arg;
	struct kith_slice path = rq->head->path;

	g->requests++;
	g->last_id = kith_http_conn_id(c);
	assert_int_equal(rq->body.p[rq->body.n], 0);
	if (g->later)
		return;
	if (kith_slice_is(path, "/ws")) {
		int r = kith_http_upgrade(c);

		if (r == KITH_E_NOTFOUND)
			(void)kith_http_reply(c, 404, NULL, 0, NULL, kith_slice_str(""));
	} else if (kith_slice_is(path, "/big")) {
		size_t n = 16u << 20;
		uint8_t *p = calloc(1, n);

		assert_non_null(p);
		assert_int_equal(kith_http_reply(c, 200, NULL, 0, "a/b", kith_slice_of(p, n)), KITH_OK);
		free(p);
	} else if (kith_slice_is(path, "/inject")) {
		struct kith_http_field f = { kith_slice_str("X"), kith_slice_str("a\r\nB: c") };

		assert_int_equal(kith_http_reply(c, 200, &f, 1, "a/b", kith_slice_str("hidden")), KITH_OK);
	} else {
		char text[64];
		int n = snprintf(text, sizeof(text), "%s %zu %s\n", rq->tls ? "tls" : "plain", rq->body.n,
		    rq->body.n > 0 && rq->body.n < 20 ? (const char *)rq->body.p : "");

		kith_http_conn_trust(c);
		assert_int_equal(kith_http_reply(c, 200, NULL, 0, "text/plain", kith_slice_of(text, (size_t)n)), KITH_OK);
		assert_int_equal(kith_http_reply(c, 200, NULL, 0, NULL, kith_slice_of(NULL, 0)), KITH_E_NOTFOUND);
	}
}

static bool
on_head(void *arg, struct kith_http_conn *c, const struct kith_http_request *rq)
{
	struct rig *g = arg;

	if (kith_slice_is(rq->head->path, "/refused")) {
		assert_ok(kith_http_reply(c, 401, NULL, 0, "text/plain", kith_slice_str("no\n")));
		assert_int_equal(kith_http_reply(c, 401, NULL, 0, NULL, kith_slice_str("")), KITH_E_NOTFOUND);
		return true;
	}
	g->enough = kith_slice_is(rq->head->path, "/enough");
	return g->enough || kith_slice_is(rq->head->path, "/stream");
}

static void
on_part(void *arg, struct kith_http_conn *c, struct kith_slice part)
{
	struct rig *g = arg;

	kith_buf_put_slice(&g->got, part);
	if (g->got.n > 8 && g->enough)
		assert_ok(kith_http_reply(c, 507, NULL, 0, "text/plain", kith_slice_str("full\n")));
}

static void
on_message(void *arg, struct kith_http_conn *c, bool binary, struct kith_slice msg)
{
	struct rig *g = arg;

	kith_buf_put_slice(&g->got, msg);
	kith_buf_put_str(&g->got, "|");
	if (g->echo)
		(void)kith_http_ws_send(c, binary, msg);
	if (g->stop_reading)
		kith_http_pause(c, true);
}

static void
on_close(void *arg, struct kith_http_conn *c, unsigned code)
{
	struct rig *g = arg;

	assert_null(kith_http_conn_find(g->s, kith_http_conn_id(c)));
	g->closes++;
	g->code = code;
}

struct rig *
rig_new(struct kith_http_conf *conf, bool tls)
{
	struct rig *g = calloc(1, sizeof(*g));
	struct kith_http_conf none = { .n_hosts = 0 };
	struct kith_addr a;

	assert_non_null(g);
	g->now_ms = 1000000;
	g->body_max = 65536;
	g->echo = true;
	g->r = kith_reactor_new(3);
	assert_non_null(g->r);
	kith_reactor_set_clock(g->r, clock_ms, g);
	if (conf == NULL)
		conf = &none;
	conf->handler = (struct kith_http_handler){
		.body_max = body_max, .on_head = on_head, .on_part = on_part, .on_request = on_request, .on_message = on_message,
		.on_close = on_close,
	};
	conf->arg = g;
	if (tls) {
		assert_ok(kith_tls_server_new(NULL, NULL, &g->tls, NULL));
		conf->tls = g->tls;
	}
	assert_ok(kith_addr_parse("127.0.0.1:0", &a));
	assert_ok(kith_addr_listen(&a, &g->fd, &g->at, NULL));
	g->s = kith_http_server_new(g->r, conf);
	assert_non_null(g->s);
	assert_ok(kith_http_server_listen(g->s, g->fd));
	return g;
}

void
rig_free(struct rig *g)
{
	kith_http_server_free(g->s);
	kith_reactor_free(g->r);
	kith_tls_server_free(g->tls);
	kith_buf_fini(&g->got);
	close(g->fd);
	free(g);
}

void
rig_turn(struct rig *g)
{
	int i;

	for (i = 0; i < 6; i++)
		kith_reactor_turn(g->r, 0);
}

void
rig_sleep(struct rig *g, uint64_t ms)
{
	g->now_ms += ms;
	rig_turn(g);
}

struct client *
client_new(struct rig *g, bool tls)
{
	struct client *c = calloc(1, sizeof(*c));
	char host[] = "localhost";

	assert_non_null(c);
	c->g = g;
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(c->fd >= 0);
	assert_int_equal(connect(c->fd, &g->at.u.sa, g->at.len), 0);
	assert_int_equal(fcntl(c->fd, F_SETFL, O_NONBLOCK), 0);
	if (tls) {
		assert_ok(kith_tls_client_new(KITH_TLS_LEARN, NULL, &c->trust, NULL));
		c->ssl = kith_tls_client_open(c->trust, host);
		assert_non_null(c->ssl);
		assert_int_equal(SSL_set_fd(c->ssl, c->fd), 1);
	}
	return c;
}

void
client_free(struct client *c)
{
	SSL_free(c->ssl);
	kith_tls_client_free(c->trust);
	if (c->fd >= 0)
		close(c->fd);
	kith_buf_fini(&c->in);
	free(c);
}

/* Bytes read, 0 when there are none now. */
static size_t
take(struct client *c)
{
	uint8_t buf[65536];
	ssize_t n;
	int e;

	if (c->eof || c->fd < 0)
		return 0;
	if (c->ssl != NULL) {
		ERR_clear_error();
		n = SSL_read(c->ssl, buf, sizeof(buf));
		if (n <= 0) {
			e = SSL_get_error(c->ssl, (int)n);
			if (e != SSL_ERROR_WANT_READ && e != SSL_ERROR_WANT_WRITE) {
				c->eof = true;
				c->reset = e != SSL_ERROR_ZERO_RETURN;
			}
			ERR_clear_error();
			return 0;
		}
	} else {
		n = recv(c->fd, buf, sizeof(buf), 0);
		if (n == 0 || (n < 0 && errno != EAGAIN)) {
			c->eof = true;
			c->reset = n < 0;
		}
		if (n <= 0)
			return 0;
	}
	kith_buf_put(&c->in, buf, (size_t)n);
	return (size_t)n;
}

void
client_pump(struct client *c)
{
	int idle = 0;

	while (idle < 4) {
		rig_turn(c->g);
		if (take(c) > 0) {
			idle = 0;
		} else {
			struct pollfd p = { .fd = c->fd, .events = POLLIN };

			idle++;
			if (!c->eof && c->fd >= 0)
				(void)poll(&p, 1, 1);
		}
	}
}

void
client_send(struct client *c, struct kith_slice s)
{
	int tries = 0;
	ssize_t n;

	while (s.n > 0 && tries < 1000) {
		if (c->ssl != NULL) {
			ERR_clear_error();
			n = SSL_write(c->ssl, s.p, (int)s.n);
		} else {
			n = send(c->fd, s.p, s.n, MSG_NOSIGNAL);
			if (n < 0 && errno != EAGAIN)
				return;
		}
		if (n > 0)
			s = kith_slice_from(s, (size_t)n);
		else
			tries++;
		rig_turn(c->g);
	}
}

void
client_say(struct client *c, const char *text)
{
	client_send(c, kith_slice_str(text));
}

static bool
holds(const struct client *c, const char *text)
{
	size_t n = strlen(text), i;

	for (i = 0; i + n <= c->in.n; i++) {
		if (memcmp(c->in.p + i, text, n) == 0)
			return true;
	}
	return false;
}

/* Loopback is not instant on a busy machine; what is waited for gets its time. */
bool
client_has(struct client *c, const char *text)
{
	int i;

	for (i = 0; i < PATIENCE && !c->eof && !holds(c, text); i++)
		client_pump(c);
	return holds(c, text);
}

bool
client_lacks(struct client *c, const char *text)
{
	client_pump(c);
	return !holds(c, text);
}

bool
client_ended(struct client *c)
{
	int i;

	for (i = 0; i < PATIENCE && !c->eof; i++)
		client_pump(c);
	return c->eof;
}

bool
rig_until(struct rig *g, const unsigned *what, unsigned n)
{
	int i;

	for (i = 0; i < PATIENCE && *what < n; i++)
		kith_reactor_turn(g->r, 2);
	return *what == n;
}

bool
rig_left_with(struct rig *g, size_t n)
{
	int i;

	for (i = 0; i < PATIENCE && kith_http_server_count(g->s) != n; i++)
		kith_reactor_turn(g->r, 2);
	return kith_http_server_count(g->s) == n;
}

void
client_forget(struct client *c)
{
	kith_buf_reset(&c->in);
}
