#include <string.h>

#include "tests/sim/inner.h"

/* How long something takes from a to b this time. */
static uint64_t
way_ms(struct world *w, int a, int b)
{
	const struct way *y = &w->way[a][b];
	uint64_t ms = y->base_ms != 0 ? y->base_ms : w->delay_ms;

	return y->jitter_ms != 0 ? ms + dice_u64(&w->net_dice) % y->jitter_ms : ms;
}

struct link *
net_link(struct world *w, uint64_t id)
{
	return id > 0 && id <= w->links.n ? &w->links.v[id - 1] : NULL;
}

static struct event
event_for(struct world *w, enum event_kind kind, int node, uint64_t at_ms)
{
	return (struct event){ .kind = kind, .node = node, .run = w->node[node].run, .at_ms = at_ms };
}

static void
end_at(struct world *w, struct link *l, int k)
{
	struct event e;

	if (!l->up[k])
		return;
	l->up[k] = false;
	if (w->node[l->end[k]].run != l->run[k])
		return;
	e = event_for(w, EV_DOWN, l->end[k], w->now_ms + w->delay_ms);
	e.link = l->id;
	queue_put(&w->queue, e);
}

void
net_end(struct world *w, struct link *l, int told)
{
	for (int k = 0; k < 2; k++) {
		if (l->end[k] == told)
			l->up[k] = false;
		end_at(w, l, k);
	}
}

/* Calls what = 0 end, 1 half open, for links between a and b; b < 0: all of a's. Forgets those that are over. */
static void
each_link(struct world *w, int a, int b, int what, int told)
{
	size_t k = 0;

	for (size_t i = 0; i < w->live.n; i++) {
		struct link *l = net_link(w, w->live.v[i]);
		bool ours = (l->end[0] == a && (b < 0 || l->end[1] == b)) || (l->end[1] == a && (b < 0 || l->end[0] == b));

		if (ours && what == 0)
			net_end(w, l, told);
		else if (ours)
			end_at(w, l, l->end[0] == a ? 0 : 1);
		if (l->up[0] || l->up[1])
			w->live.v[k++] = l->id;
	}
	w->live.n = k;
}

void
net_end_all(struct world *w, int node)
{
	each_link(w, node, -1, 0, node);
}

static int
by_address(const struct world *w, const char *address)
{
	for (int i = 0; i < w->n; i++) {
		if (strcmp(w->node[i].address, address) == 0)
			return i;
	}
	return -1;
}

void
net_dial(struct world *w, int from, const char *address, uint64_t token)
{
	int to = by_address(w, address);
	struct link l;
	struct event e;

	if (to < 0 || to == from || w->way[from][to].cut || w->way[from][to].blocked || w->way[to][from].blocked || w->node[to].dial_only ||
	    w->node[to].engine == NULL) {
		e = event_for(w, EV_DIAL_FAILED, from, w->now_ms + w->delay_ms);
		e.token = token;
		queue_put(&w->queue, e);
		return;
	}
	l = (struct link){ .id = w->links.n + 1, .end = { from, to }, .run = { w->node[from].run, w->node[to].run }, .up = { true, true } };
	for (int k = 0; k < 2; k++) {
		e = event_for(w, EV_UP, l.end[k], w->now_ms + way_ms(w, from, to) + way_ms(w, to, from));
		e.link = l.id;
		e.token = k == 0 ? token : 0;
		e.peer = l.end[1 - k];
		l.last_ms[k] = e.at_ms;
		queue_put(&w->queue, e);
	}
	MUST(kith_vec_push(&w->links, l) == KITH_OK && kith_vec_push(&w->live, l.id) == KITH_OK);
}

void
net_send(struct world *w, int from, uint64_t id, uint8_t type, uint8_t *take_bytes, size_t n)
{
	struct link *l = net_link(w, id);
	struct way *y;
	struct event e;
	int k;

	if (l == NULL || !l->up[l->end[0] == from ? 0 : 1]) {
		free(take_bytes);
		return;
	}
	k = l->end[0] == from ? 1 : 0;
	y = &w->way[from][l->end[k]];
	y->frames++;
	e = event_for(w, EV_FRAME, l->end[k], w->now_ms + way_ms(w, from, l->end[k]));
	if (y->bytes_per_s > 0) {
		y->free_ms = (y->free_ms > w->now_ms ? y->free_ms : w->now_ms) + (n + 40) * 1000 / y->bytes_per_s;
		e.at_ms += y->free_ms - w->now_ms;
	}
	if (e.at_ms < l->last_ms[k])
		e.at_ms = l->last_ms[k];
	l->last_ms[k] = e.at_ms;
	e.run = l->run[k];
	e.link = id;
	e.peer = from;
	e.type = type;
	e.bytes = take_bytes;
	e.n = n;
	queue_put(&w->queue, e);
}

/* An event of a link has come to its node. */
void
net_deliver(struct world *w, struct event *e)
{
	struct node *n = &w->node[e->node];
	struct link *l = e->kind == EV_DIAL_FAILED ? NULL : net_link(w, e->link);
	struct kith_in in;
	int k = l != NULL && l->end[0] == e->node ? 0 : 1;

	if (e->run != n->run || n->engine == NULL)
		return;
	memset(&in, 0, sizeof(in));
	in.link = e->link;
	in.token = e->token;
	switch (e->kind) {
	case EV_UP:
		if (!l->up[k])
			return;
		in.kind = KITH_IN_LINK_UP;
		memcpy(in.cert_pk, w->node[e->peer].cert_pk[0], 32);
		memset(in.exporter, 7, sizeof(in.exporter));
		kith_put_be64(in.exporter, e->link);
		snprintf(in.address, sizeof(in.address), "%s", w->node[e->peer].address);
		world_input(w, e->node, &in);
		if (w->hooks.link_up != NULL)
			w->hooks.link_up(w->hooks.ctx, e->node, e->peer, e->link);
		return;
	case EV_FRAME:
		if (!l->up[k])
			return;
		if (w->way[e->peer][e->node].blocked) {
			MUST(kith_vec_push(&w->stalled, *e) == KITH_OK);
			e->bytes = NULL;
			return;
		}
		in.kind = KITH_IN_FRAME;
		in.type = e->type;
		in.bytes = kith_slice_of(e->bytes, e->n);
		if (w->hooks.arrives == NULL || w->hooks.arrives(w->hooks.ctx, e->peer, e->node, e->link, e->type, in.bytes))
			world_input(w, e->node, &in);
		return;
	case EV_DOWN:
		in.kind = KITH_IN_LINK_DOWN;
		world_input(w, e->node, &in);
		return;
	default:
		in.kind = KITH_IN_DIAL_FAILED;
		in.text = "no answer";
		world_input(w, e->node, &in);
		return;
	}
}

bool
world_inject(struct world *w, int from, uint64_t link, uint8_t type, struct kith_slice frame)
{
	struct link *l = net_link(w, link);
	uint8_t *bytes;

	if (l == NULL || !l->up[0] || !l->up[1])
		return false;
	bytes = malloc(frame.n + 1);
	MUST(bytes != NULL);
	if (frame.n > 0)
		memcpy(bytes, frame.p, frame.n);
	net_send(w, from, link, type, bytes, frame.n);
	return true;
}

void
world_delay(struct world *w, uint64_t ms)
{
	w->delay_ms = ms;
}

void
world_way(struct world *w, int from, int to, uint64_t base_ms, uint64_t jitter_ms)
{
	w->way[from][to].base_ms = base_ms;
	w->way[from][to].jitter_ms = jitter_ms;
}

void
world_slow(struct world *w, int from, int to, uint32_t bytes_per_s)
{
	w->way[from][to].bytes_per_s = bytes_per_s;
	w->way[from][to].free_ms = 0;
}

void
world_cut(struct world *w, int a, int b, bool cut)
{
	w->way[a][b].cut = w->way[b][a].cut = cut;
	if (cut)
		each_link(w, a, b, 0, -1);
}

void
world_block(struct world *w, int from, int to, bool blocked)
{
	size_t k = 0;

	w->way[from][to].blocked = blocked;
	for (size_t i = 0; !blocked && i < w->stalled.n; i++) {
		struct event e = w->stalled.v[i];

		if (e.peer == from && e.node == to) {
			/* its old order puts it before what was sent after it */
			e.at_ms = w->now_ms;
			queue_put(&w->queue, e);
		} else {
			w->stalled.v[k++] = e;
		}
	}
	if (!blocked)
		w->stalled.n = k;
}

void
world_drop_links(struct world *w, int a, int b)
{
	each_link(w, a, b, 0, -1);
}

void
world_half_open(struct world *w, int a, int b)
{
	each_link(w, a, b, 1, -1);
}

void
world_heal(struct world *w)
{
	for (int i = 0; i < w->n; i++) {
		for (int k = 0; k < w->n; k++) {
			struct way *y = &w->way[i][k];

			y->cut = false;
			y->base_ms = y->jitter_ms = y->free_ms = 0;
			y->bytes_per_s = 0;
			if (y->blocked)
				world_block(w, i, k, false);
		}
	}
}

uint64_t
world_frames(const struct world *w, int from, int to)
{
	return w->way[from][to].frames;
}
