#include "http/reactor.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

struct job {
	void (*fn)(void *arg);
	void *arg;
	struct job *next;
};

struct kith_reactor {
	unsigned index;
	struct event_base *base;
	struct event *wake, *tick, *later;
	evutil_socket_t pair[2];        /* [1]: written to wake the loop up */
	pthread_mutex_t lock;           /* for the four below */
	struct job *jobs, **jobs_end;
	bool woken, stopping;
	struct kith_deferred *deferred, **deferred_end;
	bool deferring;                         /* on_later is at it */
	struct kith_ticker *tickers;
	uint64_t (*clock)(void *arg);
	void *clock_arg;
	uint64_t last_id;
	uint8_t in[KITH_REACTOR_SCRATCH], out[KITH_REACTOR_SCRATCH];
};

static void
run_jobs(struct kith_reactor *r)
{
	struct job *j, *next;
	bool stopping;

	(void)pthread_mutex_lock(&r->lock);
	j = r->jobs;
	r->jobs = NULL;
	r->jobs_end = &r->jobs;
	r->woken = false;
	stopping = r->stopping;
	(void)pthread_mutex_unlock(&r->lock);
	for (; j != NULL; j = next) {
		next = j->next;
		j->fn(j->arg);
		free(j);
	}
	if (stopping)
		(void)event_base_loopbreak(r->base);
}

static void
on_wake(evutil_socket_t fd, short what, void *arg)
{
	uint8_t bytes[64];

	(void)what;
	while (read(fd, bytes, sizeof(bytes)) > 0)
		continue;
	run_jobs(arg);
}

static void
run_tickers(struct kith_reactor *r)
{
	uint64_t now = kith_reactor_now_ms(r);
	struct kith_ticker *t, *next;

	for (t = r->tickers; t != NULL; t = next) {
		next = t->next;         /* a ticker removes no other than itself */
		t->fn(t->arg, now);
	}
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	run_tickers(arg);
}

static void
run_first(struct kith_reactor *r)
{
	struct kith_deferred *d = r->deferred;

	r->deferred = d->next;
	if (r->deferred == NULL)
		r->deferred_end = &r->deferred;
	d->queued = false;
	d->fn(d->arg);                  /* may free d */
}

/* What is there now; what that adds waits until everybody's sockets have been looked at. */
static void
on_later(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval at_once = { 0, 0 };
	struct kith_reactor *r = arg;
	struct kith_deferred *d;
	size_t n = 0;

	(void)fd, (void)what;
	for (d = r->deferred; d != NULL; d = d->next)
		n++;
	r->deferring = true;
	while (n-- > 0 && r->deferred != NULL)
		run_first(r);
	r->deferring = false;
	if (r->deferred != NULL)
		(void)event_add(r->later, &at_once);
}

static struct event_base *
base_new(void)
{
	struct event_config *c = event_config_new();
	struct event_base *base = NULL;

	if (c != NULL && event_config_set_flag(c, EVENT_BASE_FLAG_NOLOCK) == 0)
		base = event_base_new_with_config(c);
	if (c != NULL)
		event_config_free(c);
	return base;
}

static void
ignore_sigpipe(void)
{
	struct sigaction sa;

	if (sigaction(SIGPIPE, NULL, &sa) == 0 && (sa.sa_flags & SA_SIGINFO) == 0 && sa.sa_handler == SIG_DFL) {
		sa.sa_handler = SIG_IGN;
		(void)sigaction(SIGPIPE, &sa, NULL);
	}
}

struct kith_reactor *
kith_reactor_new(unsigned index)
{
	struct kith_reactor *r = calloc(1, sizeof(*r));

	kith_assert(index <= 255);
	if (r == NULL)
		return NULL;
	r->index = index;
	r->pair[0] = r->pair[1] = -1;
	r->jobs_end = &r->jobs;
	r->deferred_end = &r->deferred;
	if (pthread_mutex_init(&r->lock, NULL) != 0) {
		free(r);
		return NULL;
	}
	ignore_sigpipe();
	r->base = base_new();
	if (r->base == NULL || evutil_socketpair(AF_UNIX, SOCK_STREAM, 0, r->pair) != 0 ||
	    evutil_make_socket_nonblocking(r->pair[0]) != 0 || evutil_make_socket_nonblocking(r->pair[1]) != 0 ||
	    evutil_make_socket_closeonexec(r->pair[0]) != 0 || evutil_make_socket_closeonexec(r->pair[1]) != 0 ||
	    (r->wake = event_new(r->base, r->pair[0], EV_READ | EV_PERSIST, on_wake, r)) == NULL ||
	    (r->tick = event_new(r->base, -1, EV_PERSIST, on_tick, r)) == NULL ||
	    (r->later = event_new(r->base, -1, 0, on_later, r)) == NULL || event_add(r->wake, NULL) != 0) {
		kith_reactor_free(r);
		return NULL;
	}
	return r;
}

void
kith_reactor_free(struct kith_reactor *r)
{
	if (r == NULL)
		return;
	while (r->jobs != NULL)
		run_jobs(r);
	kith_reactor_settle(r);
	kith_assert(r->tickers == NULL);
	if (r->wake != NULL)
		event_free(r->wake);
	if (r->tick != NULL)
		event_free(r->tick);
	if (r->later != NULL)
		event_free(r->later);
	if (r->pair[0] >= 0) {
		close(r->pair[0]);
		close(r->pair[1]);
	}
	if (r->base != NULL)
		event_base_free(r->base);
	(void)pthread_mutex_destroy(&r->lock);
	free(r);
}

unsigned
kith_reactor_index(const struct kith_reactor *r)
{
	return r->index;
}

struct event_base *
kith_reactor_base(struct kith_reactor *r)
{
	return r->base;
}

static bool
stop_taken(struct kith_reactor *r)
{
	bool s;

	(void)pthread_mutex_lock(&r->lock);
	s = r->stopping;
	r->stopping = false;
	(void)pthread_mutex_unlock(&r->lock);
	return s;
}

int
kith_reactor_run(struct kith_reactor *r)
{
	while (!stop_taken(r)) {
		if (event_base_loop(r->base, EVLOOP_NO_EXIT_ON_EMPTY) < 0)
			return KITH_E_IO;
	}
	return KITH_OK;
}

static void
wake(struct kith_reactor *r, bool needed)
{
	ssize_t n;

	if (!needed)
		return;
	n = write(r->pair[1], "", 1);   /* a full pair wakes it just as well */
	(void)n;
}

void
kith_reactor_stop(struct kith_reactor *r)
{
	(void)pthread_mutex_lock(&r->lock);
	r->stopping = true;
	(void)pthread_mutex_unlock(&r->lock);
	wake(r, true);
}

int
kith_reactor_post(struct kith_reactor *r, void (*fn)(void *arg), void *arg)
{
	struct job *j = malloc(sizeof(*j));
	bool needed;

	if (j == NULL)
		return KITH_E_NOMEM;
	*j = (struct job){ fn, arg, NULL };
	(void)pthread_mutex_lock(&r->lock);
	*r->jobs_end = j;
	r->jobs_end = &j->next;
	needed = !r->woken;
	r->woken = true;
	(void)pthread_mutex_unlock(&r->lock);
	wake(r, needed);
	return KITH_OK;
}

static void
on_waited(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what, (void)arg;
}

void
kith_reactor_turn(struct kith_reactor *r, unsigned wait_ms)
{
	struct timeval tv = { (time_t)(wait_ms / 1000), (suseconds_t)(wait_ms % 1000 * 1000) };

	if (wait_ms == 0 || event_base_once(r->base, -1, EV_TIMEOUT, on_waited, NULL, &tv) != 0)
		(void)event_base_loop(r->base, EVLOOP_NONBLOCK);
	else
		(void)event_base_loop(r->base, EVLOOP_ONCE);
	run_tickers(r);
	kith_reactor_settle(r);
}

uint64_t
kith_reactor_now_ms(const struct kith_reactor *r)
{
	struct timespec ts;

	if (r->clock != NULL)
		return r->clock(r->clock_arg);
	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

void
kith_reactor_set_clock(struct kith_reactor *r, uint64_t (*now_ms)(void *arg), void *arg)
{
	r->clock = now_ms;
	r->clock_arg = arg;
}

void
kith_reactor_defer(struct kith_reactor *r, struct kith_deferred *d)
{
	if (d->queued)
		return;
	d->queued = true;
	d->next = NULL;
	*r->deferred_end = d;
	r->deferred_end = &d->next;
	if (!r->deferring)
		event_active(r->later, 0, 0);
}

void
kith_reactor_settle(struct kith_reactor *r)
{
	while (r->deferred != NULL)
		run_first(r);
}

void
kith_reactor_tick(struct kith_reactor *r, struct kith_ticker *t, bool on)
{
	static const struct timeval every = { 0, KITH_REACTOR_TICK_MS * 1000 };

	if (t->added == on)
		return;
	t->added = on;
	if (on) {
		if (r->tickers == NULL)
			(void)event_add(r->tick, &every);
		t->prev = NULL;
		t->next = r->tickers;
		if (t->next != NULL)
			t->next->prev = t;
		r->tickers = t;
		return;
	}
	if (t->next != NULL)
		t->next->prev = t->prev;
	if (t->prev != NULL)
		t->prev->next = t->next;
	else
		r->tickers = t->next;
	if (r->tickers == NULL)
		(void)event_del(r->tick);
}

uint64_t
kith_reactor_new_id(struct kith_reactor *r)
{
	return (uint64_t)r->index << 56 | ++r->last_id;
}

uint8_t *
kith_reactor_scratch(struct kith_reactor *r, bool out)
{
	return out ? r->out : r->in;
}
