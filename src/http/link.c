#include "http/link.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>
#include <openssl/err.h>

#include "base/buf.h"
#include "base/map.h"
#include "crypto/keyfile.h"
#include "crypto/tls.h"
#include "http/dial.h"
#include "http/listener.h"
#include "http/stream.h"

enum {
	HEAD = 4,               /* bytes of a frame before what its length counts */
	LINGER_MS = 2000,
	TRUST_MS = 2000,        /* a large frame may wait so long for the trust it needs */
	KEEP_BUFFER = 16384,
};

struct kith_link {
	struct kith_links *of;
	struct kith_link *next, *prev;
	struct kith_stream s;
	uint64_t id, token;
	struct kith_addr remote;
	bool inbound, counted, trusted, up, ended, told, above;
	bool paused;                    /* by the owner */
	bool held;                      /* a large frame waits for trust */
	bool seen;                      /* a frame has been delivered */
	enum kith_link_end why;
	uint64_t deadline_ms;           /* 0: none */
	struct kith_buf in;             /* of a frame that is not complete, or what came during a pause */
	struct kith_deferred later;
	void *user;
};

struct kith_links {
	struct kith_reactor *r;
	struct kith_link_conf conf;
	struct kith_listener *listener;
	struct kith_dials *dials;
	struct kith_link *list;
	struct kith_map *by_id;         /* those that are up */
	struct kith_ticker ticker;
	struct kith_link_counts counts;
};

const char *
kith_link_end_name(enum kith_link_end e)
{
	switch (e) {
	case KITH_LINK_CLOSED: return "closed by the other side";
	case KITH_LINK_CUT: return "connection lost";
	case KITH_LINK_OURS: return "closed by us";
	case KITH_LINK_MALFORMED: return "malformed frame";
	case KITH_LINK_SLOW: return "not authenticated in time";
	case KITH_LINK_NOMEM: return "out of memory";
	case KITH_LINK_NO_ADDRESS: return "no address";
	case KITH_LINK_NO_CONNECTION: return "no connection";
	case KITH_LINK_NO_TLS: return "TLS handshake failed";
	default: return "unknown";
	}
}

/* ---- the end ---- */

static struct kith_slice
id_key(uint64_t id, uint8_t key[8])
{
	kith_put_be64(key, id);
	return kith_slice_of(key, 8);
}

static void
link_free(struct kith_link *l)
{
	struct kith_links *of = l->of;

	kith_stream_close(&l->s);
	if (l->counted)
		kith_gate_leave(of->conf.gate, &l->remote, l->trusted);
	if (l->next != NULL)
		l->next->prev = l->prev;
	if (l->prev != NULL)
		l->prev->next = l->next;
	else
		of->list = l->next;
	if (of->list == NULL)
		kith_reactor_tick(of->r, &of->ticker, false);
	kith_buf_fini(&l->in);
	free(l);
}

/* No more frames. The owner is told from the loop; the socket may linger. */
static void
link_end(struct kith_link *l, enum kith_link_end why, bool linger)
{
	uint8_t key[8];

	if (!linger)
		kith_stream_close(&l->s);
	else
		kith_stream_finish(&l->s);
	if (!l->ended) {
		l->ended = true;
		l->why = why;
		if (!l->up && l->inbound)
			l->of->counts.no_tls++;
		else if (l->up && why == KITH_LINK_MALFORMED)
			l->of->counts.malformed++;
		else if (l->up && why == KITH_LINK_SLOW)
			l->of->counts.slow++;
		l->deadline_ms = kith_reactor_now_ms(l->of->r) + LINGER_MS;
		if (l->up)
			(void)kith_map_del(l->of->by_id, id_key(l->id, key));
	}
	kith_reactor_defer(l->of->r, &l->later);
}

static void
dial_failed(struct kith_links *of, uint64_t token, enum kith_link_end why, const char *text)
{
	of->conf.handler.on_dial_failed(of->conf.arg, token, why, text);
}

/* ---- frames ---- */

static size_t
limit(const struct kith_link *l)
{
	return l->trusted ? KITH_LINK_FRAME_MAX : KITH_LINK_FRAME_STRANGER;
}

static bool
stopped(const struct kith_link *l)
{
	return l->ended || l->paused || l->held;
}

/* May a frame of this length come now? It may have to wait. */
static bool
length_ok(struct kith_link *l, size_t len)
{
	uint64_t until = kith_reactor_now_ms(l->of->r) + TRUST_MS;

	if (len > 0 && len <= limit(l))
		return true;
	if (len == 0 || len > KITH_LINK_FRAME_MAX || !l->seen) {
		link_end(l, KITH_LINK_MALFORMED, true);
		return false;
	}
	l->held = true;
	if (l->deadline_ms > until)
		l->deadline_ms = until;
	kith_stream_pause(&l->s, true);
	return false;
}

static void
deliver(struct kith_link *l, struct kith_slice frame)
{
	l->seen = true;
	l->of->conf.handler.on_frame(l->of->conf.arg, l, frame.p[0], kith_slice_from(frame, 1));
}

/* Hands out whole frames from the front of in; returns what is left of it. */
static struct kith_slice
cut_frames(struct kith_link *l, struct kith_slice in)
{
	size_t len;

	while (!stopped(l) && in.n >= HEAD) {
		len = kith_get_be32(in.p);
		if (!length_ok(l, len) || in.n - HEAD < len)
			break;
		deliver(l, kith_slice_of(in.p + HEAD, len));
		in = kith_slice_from(in, HEAD + len);
	}
	return in;
}

/* Completes the frame that l->in holds the beginning of; returns what is left of in. */
static struct kith_slice
complete(struct kith_link *l, struct kith_slice in)
{
	size_t want = HEAD, n;

	while (!stopped(l) && l->in.n > 0 && in.n > 0) {
		if (l->in.n >= HEAD) {
			want = kith_get_be32(l->in.p);
			if (!length_ok(l, want))
				break;
			want += HEAD;
		}
		n = in.n < want - l->in.n ? in.n : want - l->in.n;
		kith_buf_put(&l->in, in.p, n);
		if (kith_buf_err(&l->in) != KITH_OK) {
			link_end(l, KITH_LINK_NOMEM, false);
			break;
		}
		in = kith_slice_from(in, n);
		if (l->in.n == want && want > HEAD) {
			deliver(l, kith_slice_of(l->in.p + HEAD, want - HEAD));
			kith_buf_reset(&l->in);
			if (l->in.cap > KEEP_BUFFER)
				kith_buf_fini(&l->in);
		}
	}
	return in;
}

static void
on_bytes(void *arg, struct kith_slice in)
{
	struct kith_link *l = arg;

	in = complete(l, in);
	if (l->in.n == 0)
		in = cut_frames(l, in);
	if (l->ended)
		return;
	kith_buf_put_slice(&l->in, in);
	if (kith_buf_err(&l->in) != KITH_OK)
		link_end(l, KITH_LINK_NOMEM, false);
}

/* After a pause: l->in may hold many frames. */
static void
resume(struct kith_link *l)
{
	struct kith_slice rest;
	struct kith_buf had = l->in;

	if (stopped(l))
		return;
	kith_buf_init(&l->in, 0);
	rest = cut_frames(l, kith_buf_slice(&had));
	if (!l->ended) {
		kith_buf_put_slice(&l->in, rest);
		if (kith_buf_err(&l->in) != KITH_OK)
			link_end(l, KITH_LINK_NOMEM, false);
	}
	kith_buf_fini(&had);
	if (!stopped(l))
		kith_stream_pause(&l->s, false);
}

static void
on_later(void *arg)
{
	struct kith_link *l = arg;
	struct kith_links *of = l->of;

	if (!l->ended) {
		resume(l);
		return;
	}
	if (l->up && !l->told) {
		l->told = true;
		of->conf.handler.on_down(of->conf.arg, l, l->why);
	}
	if (l->s.fd < 0)
		link_free(l);
}

/* ---- the stream ---- */

static void
on_ready(void *arg)
{
	struct kith_link *l = arg;
	struct kith_links *of = l->of;
	uint8_t pk[KITH_PK_BYTES], exporter[KITH_TLS_EXPORTER_BYTES], key[8];
	char remote[KITH_ADDR_STR];

	if (kith_tls_peer_identity(l->s.ssl, pk, exporter) != KITH_OK) {
		link_end(l, KITH_LINK_NO_TLS, false);
		if (!l->inbound)
			dial_failed(of, l->token, KITH_LINK_NO_TLS, "the other side is no peer");
		return;
	}
	if (kith_map_put(of->by_id, id_key(l->id, key), l, NULL) != KITH_OK) {
		link_end(l, KITH_LINK_NOMEM, false);
		if (!l->inbound)
			dial_failed(of, l->token, KITH_LINK_NOMEM, "out of memory");
		return;
	}
	l->up = true;
	of->counts.up++;
	l->deadline_ms = kith_reactor_now_ms(of->r) + of->conf.grace_ms;
	of->conf.handler.on_up(of->conf.arg, l, l->token, pk, exporter, kith_addr_str(&l->remote, remote));
	kith_wipe(exporter, sizeof(exporter));
}

static void
on_sent(void *arg)
{
	struct kith_link *l = arg;

	if (!l->above || l->ended || l->s.queued > l->of->conf.low_water)
		return;
	l->above = false;
	if (l->of->conf.handler.on_writable != NULL)
		l->of->conf.handler.on_writable(l->of->conf.arg, l);
}

static void
on_end(void *arg, enum kith_stream_end why)
{
	struct kith_link *l = arg;
	struct kith_diag d = { .line = 0 };
	bool failed = !l->inbound && !l->up && !l->ended;

	if (failed)
		kith_tls_why(l->s.ssl, &d);
	ERR_clear_error();
	link_end(l, why == KITH_STREAM_EOF ? KITH_LINK_CLOSED : KITH_LINK_CUT, false);
	if (failed)
		dial_failed(l->of, l->token, KITH_LINK_NO_TLS, d.text);
}

static const struct kith_stream_calls calls = { .ready = on_ready, .bytes = on_bytes, .sent = on_sent, .end = on_end };

/* NULL: out of memory; fd is closed. */
static struct kith_link *
link_new(struct kith_links *of, int take_fd, const struct kith_addr *remote, uint64_t token)
{
	struct kith_link *l = calloc(1, sizeof(*l));
	struct ssl_st *ssl = l != NULL ? kith_tls_open(of->conf.tls, token == 0) : NULL;
	int on = 1;

	if (ssl == NULL) {
		free(l);
		close(take_fd);
		return NULL;
	}
	(void)setsockopt(take_fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (kith_stream_init(&l->s, of->r, take_fd, ssl, &calls, l) != KITH_OK) {
		free(l);
		return NULL;
	}
	l->of = of;
	l->id = kith_reactor_new_id(of->r);
	l->token = token;
	l->inbound = token == 0;
	l->remote = *remote;
	l->deadline_ms = kith_reactor_now_ms(of->r) + of->conf.handshake_ms;
	l->later = (struct kith_deferred){ .fn = on_later, .arg = l };
	kith_buf_init(&l->in, 0);
	l->next = of->list;
	if (l->next != NULL)
		l->next->prev = l;
	of->list = l;
	kith_reactor_tick(of->r, &of->ticker, true);
	return l;
}

static bool
may_dial(void *arg, uint64_t token, const struct kith_addr *a)
{
	struct kith_links *of = arg;

	return of->conf.handler.may_dial == NULL || of->conf.handler.may_dial(of->conf.arg, token, a);
}

static void
on_dialled(void *arg, uint64_t token, enum kith_dial_result r, int take_fd, const struct kith_addr *a, const char *text)
{
	struct kith_links *of = arg;

	if (r != KITH_DIAL_OK)
		dial_failed(of, token, r == KITH_DIAL_NO_ADDRESS ? KITH_LINK_NO_ADDRESS : KITH_LINK_NO_CONNECTION, text);
	else if (link_new(of, take_fd, a, token) == NULL)
		dial_failed(of, token, KITH_LINK_NOMEM, "out of memory");
}

static void
on_accept(void *arg, int take_fd, const struct kith_addr *remote)
{
	struct kith_links *of = arg;
	struct kith_link *l;
	uint32_t dice;

	kith_random_bytes(&dice, sizeof(dice));
	if (of->conf.gate != NULL && kith_gate_enter(of->conf.gate, remote, dice) != KITH_OK) {
		of->counts.crowded++;
		close(take_fd);
		return;
	}
	of->counts.accepted++;
	l = link_new(of, take_fd, remote, 0);
	if (l != NULL)
		l->counted = of->conf.gate != NULL;
	else if (of->conf.gate != NULL)
		kith_gate_leave(of->conf.gate, remote, false);
}

static void
on_tick(void *arg, uint64_t now_ms)
{
	struct kith_links *of = arg;
	struct kith_link *l, *next;

	for (l = of->list; l != NULL; l = next) {
		next = l->next;
		if (l->deadline_ms == 0 || now_ms < l->deadline_ms)
			continue;
		if (!l->ended && !l->up && !l->inbound)
			dial_failed(of, l->token, KITH_LINK_NO_TLS, "the TLS handshake takes too long");
		link_end(l, l->held ? KITH_LINK_MALFORMED : KITH_LINK_SLOW, l->up && !l->ended);
	}
}

/* ---- what the owner calls ---- */

struct kith_links *
kith_links_new(struct kith_reactor *r, const struct kith_link_conf *conf)
{
	static const struct kith_dial_calls dial = { may_dial, on_dialled };
	struct kith_links *ls = calloc(1, sizeof(*ls));

	if (ls == NULL)
		return NULL;
	ls->r = r;
	ls->conf = *conf;
	ls->conf.connect_ms = conf->connect_ms != 0 ? conf->connect_ms : 5000;
	ls->conf.handshake_ms = conf->handshake_ms != 0 ? conf->handshake_ms : 10000;
	ls->conf.grace_ms = conf->grace_ms != 0 ? conf->grace_ms : 30000;
	ls->conf.low_water = conf->low_water != 0 ? conf->low_water : 65536;
	ls->conf.queue_bytes = conf->queue_bytes != 0 ? conf->queue_bytes : 8u << 20;
	ls->ticker = (struct kith_ticker){ .fn = on_tick, .arg = ls };
	ls->by_id = kith_map_new();
	ls->dials = kith_dials_new(r, ls->conf.connect_ms, &dial, ls);
	if (ls->by_id == NULL || ls->dials == NULL) {
		kith_dials_free(ls->dials);
		kith_map_free(ls->by_id, NULL);
		free(ls);
		return NULL;
	}
	return ls;
}

void
kith_links_free(struct kith_links *ls)
{
	struct kith_link *l, *next;

	if (ls == NULL)
		return;
	kith_links_unlisten(ls);
	kith_dials_free(ls->dials);
	for (l = ls->list; l != NULL; l = next) {
		next = l->next;
		link_end(l, KITH_LINK_OURS, true);
	}
	kith_reactor_settle(ls->r);
	while ((l = ls->list) != NULL) {
		link_free(l);
		kith_assert(ls->list != l);
	}
	kith_map_free(ls->by_id, NULL);
	free(ls);
}

int
kith_links_listen(struct kith_links *ls, int fd)
{
	kith_links_unlisten(ls);
	ls->listener = kith_listener_new(ls->r, fd, on_accept, ls);
	return ls->listener != NULL ? KITH_OK : KITH_E_NOMEM;
}

void
kith_links_unlisten(struct kith_links *ls)
{
	kith_listener_free(ls->listener);
	ls->listener = NULL;
}

size_t
kith_links_count(const struct kith_links *ls)
{
	return kith_map_count(ls->by_id);
}

const struct kith_link_counts *
kith_links_counts(const struct kith_links *ls)
{
	return &ls->counts;
}

int
kith_link_dial(struct kith_links *ls, const char *hostport, uint64_t token)
{
	kith_assert(token != 0);
	return kith_dials_start(ls->dials, hostport, token);
}

uint64_t
kith_link_id(const struct kith_link *l)
{
	return l->id;
}

struct kith_link *
kith_link_find(struct kith_links *ls, uint64_t id)
{
	uint8_t key[8];

	return kith_map_get(ls->by_id, id_key(id, key));
}

void *
kith_link_user(const struct kith_link *l)
{
	return l->user;
}

void
kith_link_set_user(struct kith_link *l, void *user)
{
	l->user = user;
}

bool
kith_link_inbound(const struct kith_link *l)
{
	return l->inbound;
}

const struct kith_addr *
kith_link_remote(const struct kith_link *l)
{
	return &l->remote;
}

void
kith_link_trust(struct kith_link *l)
{
	if (l->trusted || l->ended)
		return;
	l->trusted = true;
	l->deadline_ms = 0;
	if (l->counted)
		kith_gate_trust(l->of->conf.gate, &l->remote);
	if (l->held) {
		l->held = false;
		kith_reactor_defer(l->of->r, &l->later);
	}
}

int
kith_link_send(struct kith_link *l, uint8_t type, struct kith_slice payload)
{
	struct kith_blob *b;
	int r;

	if (payload.n > KITH_LINK_FRAME_MAX - 1)
		return KITH_E_LIMIT;
	if (l->s.queued + payload.n > l->of->conf.queue_bytes) {
		l->of->counts.busy++;
		return KITH_E_BUSY;
	}
	b = kith_blob_alloc(HEAD + 1 + payload.n);
	if (b == NULL)
		return KITH_E_NOMEM;
	kith_put_be32(b->p, (uint32_t)(payload.n + 1));
	b->p[HEAD] = type;
	if (payload.n > 0)
		memcpy(b->p + HEAD + 1, payload.p, payload.n);
	r = kith_stream_send_blob(&l->s, b);
	kith_blob_unref(b);
	if (r != KITH_OK)               /* half a frame may be out: there is no going on */
		link_end(l, KITH_LINK_NOMEM, false);
	else if (l->s.queued > l->of->conf.low_water)
		l->above = true;
	return r;
}

size_t
kith_link_backlog(const struct kith_link *l)
{
	return l->s.queued;
}

void
kith_link_pause(struct kith_link *l, bool pause)
{
	if (l->ended || l->paused == pause)
		return;
	l->paused = pause;
	if (pause)
		kith_stream_pause(&l->s, true);
	else
		kith_reactor_defer(l->of->r, &l->later);
}

void
kith_link_close(struct kith_link *l)
{
	if (!l->ended)
		link_end(l, KITH_LINK_OURS, true);
}
