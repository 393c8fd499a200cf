#include <stdlib.h>
#include <string.h>

#include "daemon/inner.h"
#include "daemon/log.h"

/* The links to peers: what they say goes to the machine, what it says goes out. */

#define PEER_QUEUE_BYTES (4u << 20)     /* frames of one peer that may wait for the machine */

static struct kith_slice
token_key(uint64_t token, uint8_t be[8])
{
	kith_put_be64(be, token);
	return kith_slice_of(be, 8);
}

static void
give_up(struct kith_edge *e, struct kith_link *l, const char *why)
{
	KITH_LOG(WARN, "peer", "link %016llx is closed: %s", (unsigned long long)kith_link_id(l), why);
	edge_count(e, KITH_N_LINKS_DOWN, 1);
	kith_link_close(l);
}

static void
on_up(void *arg, struct kith_link *l, uint64_t token, const uint8_t *pk, const uint8_t *exporter, const char *remote)
{
	struct kith_edge *e = arg;
	struct peer *p = calloc(1, sizeof(*p));
	struct kith_in in;
	size_t n = strlen(remote);
	uint8_t be[8];

	kith_map_del(e->trusted, token_key(token, be));
	kith_link_set_user(l, p);
	atomic_fetch_add(&e->n_links, 1);
	edge_count(e, KITH_N_LINKS_UP, 1);
	memset(&in, 0, sizeof(in));
	in.kind = KITH_IN_LINK_UP;
	in.link = kith_link_id(l);
	in.token = token;
	memcpy(in.cert_pk, pk, sizeof(in.cert_pk));
	memcpy(in.exporter, exporter, sizeof(in.exporter));
	memcpy(in.address, remote, n < sizeof(in.address) ? n : sizeof(in.address) - 1);
	if (p == NULL || kith_machine_submit(e->s->machine, &in, e->epoch) != KITH_OK)
		give_up(e, l, "out of memory");
}

static void
on_frame(void *arg, struct kith_link *l, uint8_t type, struct kith_slice payload)
{
	struct kith_edge *e = arg;
	struct peer *p = kith_link_user(l);
	struct kith_in in;
	bool is_long;

	if (p == NULL)
		return;
	memset(&in, 0, sizeof(in));
	in.kind = KITH_IN_FRAME;
	in.link = kith_link_id(l);
	in.type = type;
	in.bytes = payload;
	edge_count(e, KITH_N_FRAMES_IN, 1);
	edge_count(e, KITH_N_BYTES_IN, payload.n + 5);
	if (kith_machine_submit(e->s->machine, &in, e->epoch) != KITH_OK) {
		give_up(e, l, "too much waits for the engine");
		return;
	}
	/* what is not alone in the inbox will be checked by the time its turn comes */
	if (kith_machine_waiting(e->s->machine) > 1)
		kith_ahead_frame(&e->s->ahead, type, payload);
	p->queued += payload.n;
	is_long = kith_machine_is_long(e->s->machine);
	if (!p->paused && (p->queued > PEER_QUEUE_BYTES || is_long)) {
		/* a long inbox is followed by a resume; else what was taken of this link wakes it */
		if (is_long && kith_vec_push(&e->paused_links, kith_link_id(l)) != KITH_OK)
			return;
		p->paused = true;
		edge_count(e, KITH_N_PAUSES, 1);
		kith_link_pause(l, true);
	}
}

static void
on_down(void *arg, struct kith_link *l, enum kith_link_end why)
{
	struct kith_edge *e = arg;
	struct kith_in in;

	KITH_LOG(DEBUG, "peer", "link %016llx is down: %s", (unsigned long long)kith_link_id(l), kith_link_end_name(why));
	memset(&in, 0, sizeof(in));
	in.kind = KITH_IN_LINK_DOWN;
	in.link = kith_link_id(l);
	if (kith_machine_submit(e->s->machine, &in, e->epoch) != KITH_OK)
		KITH_LOG(DEBUG, "peer", "the machine has stopped: nobody is told of a closed link");
	atomic_fetch_sub(&e->n_links, 1);
	edge_count(e, KITH_N_LINKS_DOWN, 1);
	free(kith_link_user(l));
	kith_link_set_user(l, NULL);
}

static void
on_dial_failed(void *arg, uint64_t token, enum kith_link_end why, const char *text)
{
	struct kith_edge *e = arg;
	struct kith_in in;
	uint8_t be[8];

	kith_map_del(e->trusted, token_key(token, be));
	edge_count(e, KITH_N_DIALS_FAILED, 1);
	memset(&in, 0, sizeof(in));
	in.kind = KITH_IN_DIAL_FAILED;
	in.token = token;
	in.text = text != NULL ? text : kith_link_end_name(why);
	if (kith_machine_submit(e->s->machine, &in, e->epoch) != KITH_OK)
		KITH_LOG(DEBUG, "peer", "the machine has stopped: nobody is told of a failed dial");
}

/* What a peer told us must not steer us into our own network, unless we are in one. */
static bool
may_dial(void *arg, uint64_t token, const struct kith_addr *a)
{
	struct kith_edge *e = arg;
	uint8_t be[8];

	if (kith_map_get(e->trusted, token_key(token, be)) != NULL)
		return true;
	if (kith_addr_is_any(a))
		return false;
	if (kith_addr_is_loopback(a))
		return atomic_load(&e->s->dial_loopback);
	if (kith_addr_is_private(a))
		return atomic_load(&e->s->dial_private);
	return true;
}

void
edge_links_open(struct kith_edge *e)
{
	struct kith_link_conf lc;

	if (e->index != 0 || e->links != NULL)
		return;
	memset(&lc, 0, sizeof(lc));
	lc.handler.on_up = on_up;
	lc.handler.on_frame = on_frame;
	lc.handler.on_down = on_down;
	lc.handler.on_dial_failed = on_dial_failed;
	lc.handler.may_dial = may_dial;
	lc.arg = e;
	lc.tls = atomic_load(&e->s->peer_tls);
	lc.gate = e->s->peer_gate;
	e->links = kith_links_new(e->reactor, &lc);
	if (e->links == NULL || (e->s->peer_fd >= 0 && kith_links_listen(e->links, e->s->peer_fd) != KITH_OK))
		KITH_LOG(ERROR, "peer", "cannot accept peers: out of memory");
}

void
edge_links_close(struct kith_edge *e)
{
	struct kith_links *ls = e->links;

	e->links = NULL;
	kith_links_free(ls);
}

static bool
is_configured(const struct kith_edge *e, const char *address)
{
	for (size_t i = 0; i < e->conf->n_peers; i++) {
		if (strcmp(e->conf->peers[i], address) == 0)
			return true;
	}
	return false;
}

static void
dial(struct kith_edge *e, const struct kith_output *o)
{
	uint8_t be[8];

	if (o->text == NULL || o->number == 0)
		return;
	edge_count(e, KITH_N_DIALS, 1);
	if (is_configured(e, o->text) && kith_map_put(e->trusted, token_key(o->number, be), e, NULL) != KITH_OK)
		KITH_LOG(WARN, "peer", "out of memory for a dial");
	if (e->links == NULL || kith_link_dial(e->links, o->text, o->number) != KITH_OK)
		on_dial_failed(e, o->number, KITH_LINK_NOMEM, "not now");
}

void
edge_links_output(struct kith_edge *e, const struct kith_output *o)
{
	struct kith_link *l;
	int r;

	if (o->kind == KITH_OUT_DIAL) {
		dial(e, o);
		return;
	}
	l = e->links != NULL ? kith_link_find(e->links, o->link) : NULL;
	if (l == NULL)
		return;
	if (o->kind == KITH_OUT_TRUST) {
		kith_link_trust(l);
	} else if (o->kind == KITH_OUT_CLOSE) {
		KITH_LOG(INFO, "peer", "link to %s ends: %s", kith_addr_str(kith_link_remote(l), (char[KITH_ADDR_STR]){ 0 }),
		    o->text != NULL ? o->text : "");
		kith_link_close(l);
	} else {
		r = kith_link_send(l, o->type, kith_slice_of(o->bytes, o->n));
		edge_count(e, KITH_N_FRAMES_OUT, 1);
		edge_count(e, KITH_N_BYTES_OUT, o->n + 5);
		/* one frame lost is all lost: it comes back and compares */
		if (r != KITH_OK)
			give_up(e, l, r == KITH_E_BUSY ? "it is too slow" : kith_err_name(r));
	}
}

static void
unpause(struct kith_edge *e, struct kith_link *l)
{
	struct peer *p = kith_link_user(l);

	if (p == NULL || !p->paused || p->queued > PEER_QUEUE_BYTES / 2 || kith_machine_is_long(e->s->machine))
		return;
	p->paused = false;
	kith_link_pause(l, false);
}

void
edge_links_taken(struct kith_edge *e, uint64_t link, uint64_t bytes)
{
	struct kith_link *l = e->links != NULL ? kith_link_find(e->links, link) : NULL;
	struct peer *p = l != NULL ? kith_link_user(l) : NULL;

	if (p == NULL)
		return;
	p->queued = p->queued > bytes ? p->queued - bytes : 0;
	unpause(e, l);
}

void
edge_links_resume(struct kith_edge *e)
{
	size_t kept = 0;

	for (size_t i = 0; i < e->paused_links.n; i++) {
		struct kith_link *l = e->links != NULL ? kith_link_find(e->links, e->paused_links.v[i]) : NULL;
		struct peer *p = l != NULL ? kith_link_user(l) : NULL;

		if (p == NULL)
			continue;
		unpause(e, l);
		if (p->paused)
			e->paused_links.v[kept++] = e->paused_links.v[i];
	}
	e->paused_links.n = kept;
}
