#include "http/listener.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <event2/event.h>

enum { ACCEPTS_A_TURN = 64 };

struct kith_listener {
	struct kith_reactor *r;
	struct event *ev;
	struct kith_ticker retry;
	void (*on_accept)(void *arg, int take_fd, const struct kith_addr *remote);
	void *arg;
};

static bool
exhausted(int err)
{
	return err == EMFILE || err == ENFILE || err == ENOBUFS || err == ENOMEM;
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct kith_listener *l = arg;
	struct sockaddr_storage ss;
	struct kith_addr remote;
	socklen_t len;
	int i, s;

	(void)what;
	for (i = 0; i < ACCEPTS_A_TURN; i++) {
		len = sizeof(ss);
		s = accept4(fd, (struct sockaddr *)&ss, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (s < 0 && exhausted(errno)) {
			(void)event_del(l->ev);
			kith_reactor_tick(l->r, &l->retry, true);
			return;
		}
		if (s < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (s < 0)
			continue;       /* that one is gone already; the next may be fine */
		if (kith_addr_from((struct sockaddr *)&ss, len, &remote) == KITH_OK)
			l->on_accept(l->arg, s, &remote);
		else
			close(s);
	}
}

static void
on_retry(void *arg, uint64_t now_ms)
{
	struct kith_listener *l = arg;

	(void)now_ms;
	kith_reactor_tick(l->r, &l->retry, false);
	(void)event_add(l->ev, NULL);
}

struct kith_listener *
kith_listener_new(struct kith_reactor *r, int fd, void (*on_accept)(void *arg, int take_fd, const struct kith_addr *remote),
    void *arg)
{
	struct kith_listener *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->r = r;
	l->on_accept = on_accept;
	l->arg = arg;
	l->retry = (struct kith_ticker){ .fn = on_retry, .arg = l };
	l->ev = event_new(kith_reactor_base(r), fd, EV_READ | EV_PERSIST, on_readable, l);
	if (l->ev == NULL || event_add(l->ev, NULL) != 0) {
		kith_listener_free(l);
		return NULL;
	}
	return l;
}

void
kith_listener_free(struct kith_listener *l)
{
	if (l == NULL)
		return;
	kith_reactor_tick(l->r, &l->retry, false);
	if (l->ev != NULL)
		event_free(l->ev);
	free(l);
}
