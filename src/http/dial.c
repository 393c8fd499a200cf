#include "http/dial.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "http/parse.h"

enum { ADDRESSES_MAX = 8, LOOKUPS_MAX = 8, HOST_MAX = 256 };

/*
 * What a lookup thread and the dials share. The thread may outlive the dials:
 * then reactor is NULL, and its answer goes nowhere.
 */
struct hub {
	pthread_mutex_t lock;
	unsigned refs;
	struct kith_reactor *reactor;
	struct kith_dials *dials;
};

struct dial {
	struct kith_dials *of;
	struct dial *next, *prev;
	uint64_t token, number;
	char host[HOST_MAX], port[6];
	bool looking;
	struct kith_addr addrs[ADDRESSES_MAX];
	size_t n, at;
	int fd;
	struct event *ev;
	uint64_t deadline_ms;
	struct kith_deferred begin;
	char why[128];
};

struct kith_dials {
	struct kith_reactor *r;
	struct kith_dial_calls calls;
	void *arg;
	unsigned connect_ms;
	struct dial *list;
	struct kith_ticker ticker;
	struct hub *hub;
	uint64_t last;
	unsigned lookups;
};

struct lookup {
	struct hub *hub;
	uint64_t number;
	char host[HOST_MAX], port[6];
	int err;
	struct addrinfo *found;
};

static void next_address(struct dial *d);

static void
hub_unref(struct hub *h)
{
	bool last;

	(void)pthread_mutex_lock(&h->lock);
	last = --h->refs == 0;
	(void)pthread_mutex_unlock(&h->lock);
	if (last) {
		(void)pthread_mutex_destroy(&h->lock);
		free(h);
	}
}

static void
close_attempt(struct dial *d)
{
	if (d->ev != NULL)
		event_free(d->ev);
	d->ev = NULL;
	if (d->fd >= 0)
		close(d->fd);
	d->fd = -1;
}

static void
dial_free(struct dial *d)
{
	struct kith_dials *of = d->of;

	close_attempt(d);
	if (d->next != NULL)
		d->next->prev = d->prev;
	if (d->prev != NULL)
		d->prev->next = d->next;
	else
		of->list = d->next;
	free(d);
	if (of->list == NULL)
		kith_reactor_tick(of->r, &of->ticker, false);
}

static void
finish(struct dial *d, enum kith_dial_result r)
{
	struct kith_dials *of = d->of;
	struct kith_addr a = d->addrs[d->at < d->n ? d->at : 0];
	uint64_t token = d->token;
	int fd = r == KITH_DIAL_OK ? d->fd : -1;
	char why[sizeof(d->why)];

	memcpy(why, d->why, sizeof(why));
	if (fd >= 0)
		d->fd = -1;
	dial_free(d);
	of->calls.done(of->arg, token, r, fd, &a, why);
}

/* ---- looking up ---- */

static void
on_found(void *arg)
{
	struct lookup *l = arg;
	struct kith_dials *of;
	struct addrinfo *ai;
	struct dial *d = NULL;

	(void)pthread_mutex_lock(&l->hub->lock);
	of = l->hub->dials;             /* this runs on their thread, so they stay */
	(void)pthread_mutex_unlock(&l->hub->lock);
	if (of != NULL) {
		of->lookups--;
		for (d = of->list; d != NULL && d->number != l->number; d = d->next)
			continue;
	}
	if (d != NULL) {
		d->looking = false;
		for (ai = l->found; ai != NULL && d->n < ADDRESSES_MAX; ai = ai->ai_next) {
			if (kith_addr_from(ai->ai_addr, ai->ai_addrlen, &d->addrs[d->n]) == KITH_OK)
				d->n++;
		}
		if (d->n == 0)
			(void)snprintf(d->why, sizeof(d->why), "the name is not known: %s", gai_strerror(l->err));
		next_address(d);
	}
	if (l->found != NULL)
		freeaddrinfo(l->found);
	hub_unref(l->hub);
	free(l);
}

static void *
look_up(void *arg)
{
	struct lookup *l = arg;
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
	bool posted;

	l->err = getaddrinfo(l->host, l->port, &hints, &l->found);
	if (l->err != 0)
		l->found = NULL;
	(void)pthread_mutex_lock(&l->hub->lock);
	posted = l->hub->reactor != NULL && kith_reactor_post(l->hub->reactor, on_found, l) == KITH_OK;
	(void)pthread_mutex_unlock(&l->hub->lock);
	if (!posted) {                  /* nobody waits any more; out of memory: the deadline speaks */
		if (l->found != NULL)
			freeaddrinfo(l->found);
		hub_unref(l->hub);
		free(l);
	}
	return NULL;
}

static bool
start_lookup(struct dial *d)
{
	struct kith_dials *of = d->of;
	struct lookup *l = of->lookups < LOOKUPS_MAX ? calloc(1, sizeof(*l)) : NULL;
	pthread_attr_t attr;
	pthread_t thread;
	bool ok;

	if (l == NULL)
		return false;
	l->hub = of->hub;
	l->number = d->number;
	memcpy(l->host, d->host, sizeof(l->host));
	memcpy(l->port, d->port, sizeof(l->port));
	(void)pthread_mutex_lock(&of->hub->lock);
	of->hub->refs++;
	(void)pthread_mutex_unlock(&of->hub->lock);
	ok = pthread_attr_init(&attr) == 0;
	if (ok) {
		ok = pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED) == 0 &&
		    pthread_create(&thread, &attr, look_up, l) == 0;
		(void)pthread_attr_destroy(&attr);
	}
	if (!ok) {
		hub_unref(of->hub);
		free(l);
		return false;
	}
	of->lookups++;
	return true;
}

/* ---- connecting ---- */

static void
attempt_failed(struct dial *d, int err)
{
	(void)snprintf(d->why, sizeof(d->why), "%s", strerror(err));
	close_attempt(d);
	d->at++;
	next_address(d);
}

static void
on_connected(evutil_socket_t fd, short what, void *arg)
{
	struct dial *d = arg;
	socklen_t len = sizeof(int);
	int err = 0;

	(void)what;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) != 0)
		err = errno;
	if (err != 0) {
		attempt_failed(d, err);
		return;
	}
	event_free(d->ev);
	d->ev = NULL;
	finish(d, KITH_DIAL_OK);
}

/* False: errno says why. */
static bool
connect_to(struct dial *d, const struct kith_addr *a)
{
	d->fd = socket(a->u.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (d->fd < 0)
		return false;
	if (connect(d->fd, &a->u.sa, a->len) != 0 && errno != EINPROGRESS)
		return false;
	errno = ENOMEM;
	d->ev = event_new(kith_reactor_base(d->of->r), d->fd, EV_WRITE, on_connected, d);
	return d->ev != NULL && event_add(d->ev, NULL) == 0;
}

static void
next_address(struct dial *d)
{
	struct kith_dials *of = d->of;
	bool tried = d->at > 0;

	for (; d->at < d->n; d->at++) {
		if (of->calls.may != NULL && !of->calls.may(of->arg, d->token, &d->addrs[d->at])) {
			(void)snprintf(d->why, sizeof(d->why), "its address may not be dialled from here");
			continue;
		}
		tried = true;
		d->deadline_ms = kith_reactor_now_ms(of->r) + of->connect_ms;
		if (connect_to(d, &d->addrs[d->at]))
			return;
		(void)snprintf(d->why, sizeof(d->why), "%s", strerror(errno));
		close_attempt(d);
	}
	finish(d, tried ? KITH_DIAL_NO_CONNECTION : KITH_DIAL_NO_ADDRESS);
}

static void
begin(void *arg)
{
	struct dial *d = arg;
	char full[HOST_MAX + 16];

	(void)snprintf(full, sizeof(full), strchr(d->host, ':') != NULL ? "[%s]:%s" : "%s:%s", d->host, d->port);
	if (d->why[0] == '\0' && kith_addr_parse(full, &d->addrs[0]) == KITH_OK) {
		d->n = 1;
	} else if (d->why[0] == '\0') {
		d->looking = start_lookup(d);
		if (d->looking)
			return;
		(void)snprintf(d->why, sizeof(d->why), "too many names are being looked up; try later");
	}
	next_address(d);
}

static void
on_tick(void *arg, uint64_t now_ms)
{
	struct kith_dials *of = arg;
	struct dial *d, *next;

	for (d = of->list; d != NULL; d = next) {
		next = d->next;
		if (now_ms < d->deadline_ms)
			continue;
		if (!d->looking) {
			attempt_failed(d, ETIMEDOUT);
		} else {
			(void)snprintf(d->why, sizeof(d->why), "looking up the name takes too long");
			finish(d, KITH_DIAL_NO_ADDRESS);
		}
	}
}

int
kith_dials_start(struct kith_dials *of, const char *hostport, uint64_t token)
{
	struct dial *d = calloc(1, sizeof(*d));
	struct kith_slice name;
	unsigned port = 0;

	if (d == NULL)
		return KITH_E_NOMEM;
	d->of = of;
	d->token = token;
	d->number = ++of->last;
	d->fd = -1;
	if (kith_http_split_host(kith_slice_str(hostport), &name, &port) == KITH_OK && port != 0) {
		memcpy(d->host, name.p, name.n);
		(void)snprintf(d->port, sizeof(d->port), "%u", port & 0xffffu);
	} else {
		(void)snprintf(d->why, sizeof(d->why), "it is not of the form host:port");
	}
	d->deadline_ms = kith_reactor_now_ms(of->r) + 2ull * of->connect_ms;
	d->next = of->list;
	if (d->next != NULL)
		d->next->prev = d;
	of->list = d;
	kith_reactor_tick(of->r, &of->ticker, true);
	d->begin = (struct kith_deferred){ .fn = begin, .arg = d };
	kith_reactor_defer(of->r, &d->begin);
	return KITH_OK;
}

struct kith_dials *
kith_dials_new(struct kith_reactor *r, unsigned connect_ms, const struct kith_dial_calls *calls, void *arg)
{
	struct kith_dials *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->hub = calloc(1, sizeof(*d->hub));
	if (d->hub == NULL || pthread_mutex_init(&d->hub->lock, NULL) != 0) {
		free(d->hub);
		free(d);
		return NULL;
	}
	d->hub->refs = 1;
	d->hub->reactor = r;
	d->hub->dials = d;
	d->r = r;
	d->calls = *calls;
	d->arg = arg;
	d->connect_ms = connect_ms;
	d->ticker = (struct kith_ticker){ .fn = on_tick, .arg = d };
	return d;
}

void
kith_dials_free(struct kith_dials *d)
{
	struct dial *last;

	if (d == NULL)
		return;
	kith_reactor_settle(d->r);
	(void)pthread_mutex_lock(&d->hub->lock);
	d->hub->reactor = NULL;
	d->hub->dials = NULL;
	(void)pthread_mutex_unlock(&d->hub->lock);
	while ((last = d->list) != NULL) {
		dial_free(last);
		kith_assert(d->list != last);
	}
	hub_unref(d->hub);
	free(d);
}
