#include "http/net.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "http/conn.h"

static void
on_accept(void *arg, int take_fd, const struct kith_addr *remote)
{
	kith_conn_accept(arg, take_fd, remote);
}

static void
on_tick(void *arg, uint64_t now_ms)
{
	struct kith_http_server *s = arg;
	struct kith_http_conn *c, *next;

	for (c = s->list; c != NULL; c = next) {
		next = c->next;
		if (c->deadline_ms != 0 && now_ms >= c->deadline_ms)
			kith_conn_tick(c, now_ms);
	}
}

static bool
copy_hosts(struct kith_http_server *s)
{
	size_t i, n = s->conf.n_hosts;

	s->hosts = calloc(n + 1, sizeof(*s->hosts));
	if (s->hosts == NULL)
		return false;
	for (i = 0; i < n; i++) {
		s->hosts[i] = strdup(s->conf.hosts[i]);
		if (s->hosts[i] == NULL)
			return false;
	}
	s->conf.hosts = (const char *const *)s->hosts;
	return true;
}

static void
defaults(struct kith_http_conf *c)
{
	c->handshake_ms = c->handshake_ms != 0 ? c->handshake_ms : 10000;
	c->head_ms = c->head_ms != 0 ? c->head_ms : 10000;
	c->idle_ms = c->idle_ms != 0 ? c->idle_ms : 60000;
	c->body_rate = c->body_rate != 0 ? c->body_rate : 1024;
	c->ping_ms = c->ping_ms != 0 ? c->ping_ms : 30000;
	c->queue_bytes = c->queue_bytes != 0 ? c->queue_bytes : 1u << 20;
	c->queue_items = c->queue_items != 0 ? c->queue_items : 1000;
}

static void
server_free(struct kith_http_server *s)
{
	size_t i;

	for (i = 0; s->hosts != NULL && s->hosts[i] != NULL; i++)
		free(s->hosts[i]);
	free(s->hosts);
	kith_map_free(s->by_id, NULL);
	free(s);
}

struct kith_http_server *
kith_http_server_new(struct kith_reactor *r, const struct kith_http_conf *conf)
{
	struct kith_http_server *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->r = r;
	s->conf = *conf;
	defaults(&s->conf);
	s->ticker = (struct kith_ticker){ .fn = on_tick, .arg = s };
	s->by_id = kith_map_new();
	if (s->by_id == NULL || !copy_hosts(s)) {
		server_free(s);
		return NULL;
	}
	return s;
}

void
kith_http_server_free(struct kith_http_server *s)
{
	struct kith_http_conn *c, *next;

	if (s == NULL)
		return;
	s->stopping = true;
	kith_http_server_unlisten(s);
	kith_reactor_settle(s->r);
	for (c = s->list; c != NULL; c = next) {
		next = c->next;
		kith_http_close(c, 1001, "the server is going away");
	}
	kith_reactor_settle(s->r);
	while (s->list != NULL)
		kith_conn_free(s->list);
	server_free(s);
}

int
kith_http_server_listen(struct kith_http_server *s, int fd)
{
	kith_http_server_unlisten(s);
	s->listener = kith_listener_new(s->r, fd, on_accept, s);
	return s->listener != NULL ? KITH_OK : KITH_E_NOMEM;
}

void
kith_http_server_unlisten(struct kith_http_server *s)
{
	kith_listener_free(s->listener);
	s->listener = NULL;
}

size_t
kith_http_server_count(const struct kith_http_server *s)
{
	return kith_map_count(s->by_id);
}

const struct kith_http_counts *
kith_http_server_counts(const struct kith_http_server *s)
{
	return &s->counts;
}

struct kith_http_conn *
kith_http_server_next_ws(struct kith_http_server *s, size_t *it)
{
	void *value;

	while (kith_map_next(s->by_id, it, NULL, &value)) {
		if (kith_http_conn_is_ws(value))
			return value;
	}
	return NULL;
}

struct kith_http_conn *
kith_http_conn_find(struct kith_http_server *s, uint64_t id)
{
	uint8_t key[8];

	kith_put_be64(key, id);
	return kith_map_get(s->by_id, kith_slice_of(key, sizeof(key)));
}

static bool
literal(const char *name, struct kith_addr *a)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

	if (inet_pton(AF_INET, name, &in.sin_addr) == 1)
		return kith_addr_from((struct sockaddr *)&in, sizeof(in), a) == KITH_OK;
	return inet_pton(AF_INET6, name, &in6.sin6_addr) == 1 &&
	    kith_addr_from((struct sockaddr *)&in6, sizeof(in6), a) == KITH_OK;
}

bool
kith_http_host_ok(const char *const *hosts, size_t n_hosts, const struct kith_addr *local, struct kith_slice host)
{
	struct kith_slice name;
	struct kith_addr a;
	unsigned port;
	char text[256];
	size_t i;

	if (kith_http_split_host(host, &name, &port) != KITH_OK)
		return false;
	if (kith_http_same_name(name, "localhost"))
		return true;
	for (i = 0; i < n_hosts; i++) {
		if (kith_http_same_name(name, hosts[i]))
			return true;
	}
	memcpy(text, name.p, name.n);           /* at most 255 bytes */
	text[name.n] = '\0';
	return literal(text, &a) && (kith_addr_is_loopback(&a) || kith_addr_same_host(&a, local));
}
