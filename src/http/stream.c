#include "http/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <event2/event.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

enum {
	READS_A_TURN = 4,       /* so that one who sends much does not starve the rest */
	IOVECS = 64,
	RECORD = 16384,         /* what one TLS record holds */
	FLUSH_A_TURN = 1 << 20,
};

static void on_readable(evutil_socket_t fd, short what, void *arg);
static void on_writable(evutil_socket_t fd, short what, void *arg);

int
kith_stream_init(struct kith_stream *s, struct kith_reactor *r, int take_fd, struct ssl_st *take_ssl,
    const struct kith_stream_calls *calls, void *arg)
{
	struct event_base *base = kith_reactor_base(r);

	memset(s, 0, sizeof(*s));
	s->r = r;
	s->fd = take_fd;
	s->ssl = take_ssl;
	s->calls = calls;
	s->arg = arg;
	s->sniffing = take_ssl == NULL && calls->sniff != NULL;
	s->handshaking = take_ssl != NULL;
	if (event_assign(&s->readable, base, take_fd, EV_READ | EV_PERSIST, on_readable, s) != 0 ||
	    event_assign(&s->writable, base, take_fd, EV_WRITE | EV_PERSIST, on_writable, s) != 0 ||
	    (take_ssl != NULL && SSL_set_fd(take_ssl, take_fd) != 1) || event_add(&s->readable, NULL) != 0) {
		SSL_free(take_ssl);
		close(take_fd);
		s->fd = -1;
		s->ssl = NULL;
		return KITH_E_NOMEM;
	}
	if (s->handshaking)
		event_active(&s->readable, EV_READ, 0);
	return KITH_OK;
}

static struct kith_stream_item *
item(struct kith_stream *s, size_t i)
{
	return &s->queue[(s->head + i) & (s->cap - 1)];
}

static void
drop_queue(struct kith_stream *s)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		kith_blob_unref(item(s, i)->b);
	free(s->queue);
	s->queue = NULL;
	s->head = s->n = s->cap = s->queued = 0;
}

void
kith_stream_close(struct kith_stream *s)
{
	if (s->fd < 0)
		return;
	if (s->ssl != NULL) {
		if (!s->broken && !s->handshaking && !s->finished && s->n == 0)
			(void)SSL_shutdown(s->ssl);
		SSL_free(s->ssl);
		s->ssl = NULL;
		ERR_clear_error();
	}
	(void)event_del(&s->readable);
	(void)event_del(&s->writable);
	close(s->fd);
	s->fd = -1;
	drop_queue(s);
}

/* ---- out ---- */

static void
broke(struct kith_stream *s)
{
	s->broken = true;
	drop_queue(s);
	event_active(&s->writable, EV_WRITE, 0);        /* from there the owner is told */
}

/* What an SSL call that did not succeed wants. 0: to wait; -1: it is over. *eof: properly. */
static int
ssl_wants(struct kith_stream *s, int r, bool reading, bool *eof)
{
	switch (SSL_get_error(s->ssl, r)) {
	case SSL_ERROR_WANT_READ:
		return 0;
	case SSL_ERROR_WANT_WRITE:
		s->read_wants_write = reading;
		(void)event_add(&s->writable, NULL);
		return 0;
	case SSL_ERROR_ZERO_RETURN:
		*eof = true;
		return -1;
	default:
		return -1;
	}
}

/* How much of it left: fewer than asked when the socket is full, -1 when it is broken. */
static ssize_t
put(struct kith_stream *s, const uint8_t *p, size_t n)
{
	size_t done = 0, once;
	bool eof = false;
	ssize_t r;
	int e;

	while (done < n) {
		if (s->ssl != NULL) {
			ERR_clear_error();
			e = SSL_write_ex(s->ssl, p + done, n - done, &once);
			if (e != 1)
				return ssl_wants(s, e, false, &eof) == 0 ? (ssize_t)done : -1;
			done += once;
			continue;
		}
		r = send(s->fd, p + done, n - done, MSG_NOSIGNAL);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return errno == EAGAIN || errno == EWOULDBLOCK ? (ssize_t)done : -1;
		done += (size_t)r;
	}
	return (ssize_t)done;
}

static int
enqueue(struct kith_stream *s, struct kith_blob *b, size_t off)
{
	struct kith_stream_item *q;
	size_t cap, i;

	if (s->n == s->cap) {
		cap = s->cap > 0 ? 2 * s->cap : 8;
		q = calloc(cap, sizeof(*q));
		if (q == NULL)
			return KITH_E_NOMEM;
		for (i = 0; i < s->n; i++)
			q[i] = *item(s, i);
		free(s->queue);
		s->queue = q;
		s->cap = cap;
		s->head = 0;
	}
	*item(s, s->n) = (struct kith_stream_item){ kith_blob_ref(b), off };
	s->n++;
	s->queued += b->n - off;
	if (!s->handshaking && !s->sniffing)
		(void)event_add(&s->writable, NULL);
	return KITH_OK;
}

static bool
may_put(const struct kith_stream *s)
{
	return s->n == 0 && !s->handshaking && !s->sniffing;
}

static bool
deaf(const struct kith_stream *s)
{
	return s->fd < 0 || s->broken || s->finishing;
}

int
kith_stream_send_blob(struct kith_stream *s, struct kith_blob *b)
{
	ssize_t n = 0;

	if (deaf(s) || b->n == 0)
		return KITH_OK;
	if (may_put(s))
		n = put(s, b->p, b->n);
	if (n < 0) {
		broke(s);
		return KITH_OK;
	}
	return (size_t)n == b->n ? KITH_OK : enqueue(s, b, (size_t)n);
}

int
kith_stream_send(struct kith_stream *s, struct kith_slice bytes)
{
	struct kith_blob *rest;
	ssize_t n = 0;
	int r;

	if (deaf(s) || bytes.n == 0)
		return KITH_OK;
	if (may_put(s))
		n = put(s, bytes.p, bytes.n);
	if (n < 0) {
		broke(s);
		return KITH_OK;
	}
	if ((size_t)n == bytes.n)
		return KITH_OK;
	rest = kith_blob_new(kith_slice_from(bytes, (size_t)n));
	if (rest == NULL)
		return KITH_E_NOMEM;
	r = enqueue(s, rest, 0);
	kith_blob_unref(rest);
	return r;
}

/* The first n bytes of the queue have left. */
static void
sent(struct kith_stream *s, size_t n)
{
	struct kith_stream_item *it;
	size_t left;

	s->queued -= n;
	while (n > 0) {
		it = item(s, 0);
		left = it->b->n - it->off;
		if (n < left) {
			it->off += n;
			return;
		}
		n -= left;
		kith_blob_unref(it->b);
		s->head = (s->head + 1) & (s->cap - 1);
		s->n--;
	}
}

static ssize_t
flush_plain(struct kith_stream *s)
{
	struct iovec v[IOVECS];
	struct msghdr m = { .msg_iov = v };
	ssize_t r;
	size_t i;

	for (i = 0; i < s->n && i < IOVECS; i++) {
		struct kith_stream_item *it = item(s, i);

		v[i].iov_base = it->b->p + it->off;
		v[i].iov_len = it->b->n - it->off;
	}
	m.msg_iovlen = i;
	do
		r = sendmsg(s->fd, &m, MSG_NOSIGNAL);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
	return r;
}

/*
 * One record's worth, gathered from the front of the queue. A record that could
 * not leave is tried again with the same bytes in front: the queue only grows
 * behind them.
 */
static ssize_t
flush_tls(struct kith_stream *s)
{
	uint8_t *out = kith_reactor_scratch(s->r, true);
	size_t n = 0, i, part;

	for (i = 0; i < s->n && n < RECORD; i++) {
		struct kith_stream_item *it = item(s, i);

		part = it->b->n - it->off;
		if (part > RECORD - n)
			part = RECORD - n;
		memcpy(out + n, it->b->p + it->off, part);
		n += part;
	}
	return put(s, out, n);
}

/* After the last byte: our end of the connection. */
static void
say_end(struct kith_stream *s)
{
	if (s->ssl != NULL && !s->handshaking) {
		ERR_clear_error();
		(void)SSL_shutdown(s->ssl);
	}
	(void)shutdown(s->fd, SHUT_WR);
	s->finished = true;
}

static void
flush(struct kith_stream *s)
{
	size_t total = 0;
	ssize_t r = 1;

	while (s->n > 0 && total < FLUSH_A_TURN) {
		r = s->ssl != NULL ? flush_tls(s) : flush_plain(s);
		if (r <= 0)
			break;
		sent(s, (size_t)r);
		total += (size_t)r;
	}
	if (r < 0) {
		broke(s);
		return;
	}
	if (s->n == 0) {
		(void)event_del(&s->writable);
		free(s->queue);
		s->queue = NULL;
		s->head = s->cap = 0;
		if (s->finishing && !s->finished)
			say_end(s);
	}
	if (total > 0 && !s->finishing)
		s->calls->sent(s->arg);
}

void
kith_stream_finish(struct kith_stream *s)
{
	if (s->fd < 0 || s->finishing)
		return;
	s->finishing = true;
	s->sniffing = false;
	if (s->handshaking) {
		drop_queue(s);
		(void)event_del(&s->writable);
	}
	if (s->n == 0 && !s->broken)
		say_end(s);
	s->handshaking = false;
	if (s->ended)
		event_active(&s->writable, EV_WRITE, 0);        /* from there the owner is told again */
	else if (s->paused)
		(void)event_add(&s->readable, NULL);
	s->paused = false;
}

/* ---- in ---- */

static void
end(struct kith_stream *s, enum kith_stream_end why)
{
	(void)event_del(&s->readable);
	if (s->ended)
		return;
	s->ended = true;
	s->calls->end(s->arg, why);
}

static void
handshake(struct kith_stream *s)
{
	bool eof = false;
	int r;

	ERR_clear_error();
	r = SSL_do_handshake(s->ssl);
	if (r == 1) {
		s->handshaking = false;
		if (s->n > 0)
			(void)event_add(&s->writable, NULL);
		else
			(void)event_del(&s->writable);
		event_active(&s->readable, EV_READ, 0);         /* records may have come along */
		if (s->calls->ready != NULL && !s->finishing)
			s->calls->ready(s->arg);
		return;
	}
	if (ssl_wants(s, r, false, &eof) != 0) {
		s->broken = true;
		end(s, KITH_STREAM_TLS);
	}
}

/* The first byte tells TLS from plain. False: not there yet, or over. */
static bool
sniff(struct kith_stream *s)
{
	uint8_t first;
	ssize_t r = recv(s->fd, &first, 1, MSG_PEEK);

	if (r < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		return false;
	if (r <= 0) {
		end(s, r == 0 ? KITH_STREAM_EOF : KITH_STREAM_CUT);
		return false;
	}
	s->sniffing = false;
	s->ssl = s->calls->sniff(s->arg, first);
	if (s->fd < 0 || s->ssl == NULL)
		return s->fd >= 0;
	if (SSL_set_fd(s->ssl, s->fd) != 1) {
		s->broken = true;
		end(s, KITH_STREAM_CUT);
		return false;
	}
	s->handshaking = true;
	return true;
}

/* As recv: 0 is a proper end, -1 over, -2 nothing now. */
static ssize_t
take(struct kith_stream *s, uint8_t *p, size_t cap)
{
	bool eof = false;
	size_t n;
	ssize_t r;
	int e;

	if (s->ssl != NULL && !s->finished) {
		ERR_clear_error();
		e = SSL_read_ex(s->ssl, p, cap, &n);
		if (e == 1)
			return (ssize_t)n;
		if (ssl_wants(s, e, true, &eof) == 0)
			return -2;
		return eof ? 0 : -1;
	}
	do
		r = recv(s->fd, p, cap, 0);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? -2 : -1;
	return r;
}

static void
read_some(struct kith_stream *s)
{
	uint8_t *p = kith_reactor_scratch(s->r, false);
	ssize_t n;
	int i;

	for (i = 0; i < READS_A_TURN; i++) {
		n = take(s, p, KITH_REACTOR_SCRATCH);
		if (n == -2)
			return;
		if (n <= 0) {
			if (n < 0)
				s->broken = true;
			end(s, n == 0 ? KITH_STREAM_EOF : KITH_STREAM_CUT);
			return;
		}
		if (!s->finishing)
			s->calls->bytes(s->arg, kith_slice_of(p, (size_t)n));
		if (s->fd < 0 || s->paused || s->ended)
			return;
		if (s->ssl == NULL && n < KITH_REACTOR_SCRATCH)
			return;                 /* that was all: saves a call */
	}
	if (s->ssl != NULL && !s->finished && SSL_has_pending(s->ssl))
		event_active(&s->readable, EV_READ, 0);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct kith_stream *s = arg;

	(void)fd, (void)what;
	if (s->fd < 0 || s->paused || s->ended || (s->sniffing && !sniff(s)))
		return;
	if (s->handshaking)
		handshake(s);
	else
		read_some(s);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct kith_stream *s = arg;

	(void)fd, (void)what;
	if (s->fd >= 0 && !s->broken && s->handshaking) {
		handshake(s);
		return;
	}
	if (s->fd >= 0 && !s->broken) {
		if (s->read_wants_write)
			event_active(&s->readable, EV_READ, 0);
		s->read_wants_write = false;
		flush(s);
	}
	if (s->fd >= 0 && (s->broken || (s->finished && s->ended))) {
		(void)event_del(&s->writable);
		(void)event_del(&s->readable);
		s->ended = true;
		s->calls->end(s->arg, KITH_STREAM_CUT);
	}
}

void
kith_stream_pause(struct kith_stream *s, bool pause)
{
	if (s->fd < 0 || s->paused == pause || s->finishing)
		return;
	s->paused = pause;
	if (pause) {
		(void)event_del(&s->readable);
	} else if (!s->ended) {
		(void)event_add(&s->readable, NULL);
		if (s->ssl != NULL)
			event_active(&s->readable, EV_READ, 0);         /* OpenSSL may hold some already */
	}
}
