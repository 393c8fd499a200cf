#include "federation/fed.h"

#include <stdlib.h>
#include <string.h>

/*
 * Asking for what is missing: ranges of feeds that some peer says to hold, each
 * of one peer at a time; records and objects that others name; pages of history.
 * The planes of a group come in order, authority, roster, timelines, since what
 * comes before its grounds would only have to wait. What a peer does not give
 * within ten seconds another is asked for, later and later.
 */
#define WAIT_LEAST_MS 2000u
#define WAIT_MOST_MS 10000u
#define MISSING_MAX 4096
#define MISSING_WAIT_MS 100u            /* it may be on its way already */
#define MISSING_TRIES 6
#define BODIES_AT_ONCE 2                /* that nobody had when they were asked for, of one peer in a round */
#define MISSING_AGAIN_MS 500u           /* doubled with each try: given up within a minute */
#define LET_DOWN_MAX 255u
#define OTHERS_TRIES 16
#define HISTORY_TRIES 3
#define PARKED_MS 20000u

void
kith_fed_request_free(void *request)
{
	struct fed_request *q = request;

	if (q != NULL)
		kith_vec_fini(&q->ids);
	free(q);
}

struct fed_request *
kith_fed_request(struct kith_fed *f, uint64_t id, const struct fed_link *l)
{
	uint8_t key[8];
	struct fed_request *q = id == 0 ? NULL : kith_map_get(f->requests, kith_fed_u64(key, id));

	return q != NULL && q->link == l ? q : NULL;
}

/* How long nothing may come of what it was asked for: while one peer is waited for, no other is asked. */
uint64_t
kith_fed_patience(const struct fed_link *l)
{
	/* the least: one that hung for a while is no further away, and may be hanging us */
	uint64_t ms = WAIT_LEAST_MS + 4 * (l->rtt_least_ms > 0 ? l->rtt_least_ms : WAIT_LEAST_MS / 4);

	return ms < WAIT_MOST_MS ? ms : WAIT_MOST_MS;
}

static int
request_new(struct kith_fed *f, enum fed_ask what, struct fed_group *g, struct fed_link *l, struct fed_request **out)
{
	struct fed_request *q = calloc(1, sizeof(*q));
	uint8_t key[8];
	int r;

	if (q == NULL)
		return KITH_E_NOMEM;
	q->id = ++f->last_id;
	q->what = what;
	q->group = g;
	q->link = l;
	q->feed = UINT32_MAX;
	q->deadline_ms = f->now.mono_ms + kith_fed_patience(l);
	r = kith_map_put(f->requests, kith_fed_u64(key, q->id), q, NULL);
	if (r != KITH_OK) {
		free(q);
		return r;
	}
	l->in_flight++;
	*out = q;
	return KITH_OK;
}

static bool
may_ask(const struct fed_member *m)
{
	return m->link != NULL && m->link->state == LINK_OPEN && !m->link->gone && m->matched && m->link->in_flight < FED_REQUESTS_MAX;
}

int
kith_fed_queue_feed(struct fed_group *g, uint32_t feed)
{
	struct fed_feed *fd = &g->feed.v[feed];
	int r = KITH_OK;

	if (!fd->queued) {
		r = kith_vec_push(&g->queue, feed);
		fd->queued = r == KITH_OK;
	}
	g->queue_ms = 0;
	return r;
}

int
kith_fed_claim(struct kith_fed *f, struct fed_member *m, uint32_t feed, uint64_t next, bool news)
{
	struct fed_feed *fd = &m->g->feed.v[feed];

	if (fd->claimed < next)
		fd->claimed = next;
	if (fd->next >= fd->claimed)
		return KITH_OK;
	if (news && next > fd->next)
		fd->retry_ms = 0;
	if (!f->full_copies && m->g->scope.v[fd->scope].plane == KITH_PLANE_TIMELINE)
		return KITH_OK;
	return kith_fed_queue_feed(m->g, feed);
}

static uint64_t
start_of(const struct kith_fed *f, const struct fed_feed *fd)
{
	return fd->parked > fd->next && f->now.mono_ms < fd->parked_until_ms ? fd->parked : fd->next;
}

/* Who is asked: not the one that failed last, if others can; the one that has failed least; the least busy. */
static struct fed_member *
choose(struct kith_fed *f, struct fed_group *g, uint32_t feed, uint64_t from)
{
	struct fed_feed *fd = &g->feed.v[feed];
	struct fed_member *m, *best = NULL;
	uint64_t cost, best_cost = NEVER;
	size_t it = 0;
	void *v;

	while (kith_map_next(g->members, &it, NULL, &v)) {
		m = v;
		if (!may_ask(m) || kith_fed_known_get(m, feed) <= from)
			continue;
		cost = ((uint64_t)m->link->let_down << 40) | ((uint64_t)m->link->in_flight << 32) | (kith_fed_random(f) & 0xffffffff);
		if (fd->tries > 0 && m->link->id == fd->last_link)
			cost |= UINT64_C(1) << 62;
		if (cost < best_cost) {
			best = m;
			best_cost = cost;
		}
	}
	return best;
}

static int
ask_range(struct kith_fed *f, struct fed_member *m, enum fed_ask what, uint32_t feed, uint64_t from, uint64_t to)
{
	struct fed_feed *fd = &m->g->feed.v[feed];
	struct fed_request *q = NULL;
	struct kith_buf *b;
	uint8_t inc[8];
	int r = request_new(f, what, m->g, m->link, &q);

	if (r != KITH_OK)
		return r;
	kith_assert(q != NULL);
	q->feed = feed;
	q->from = from;
	q->to = to;
	f->count.ranges_asked++;
	if (what == ASK_RANGE) {
		fd->req = q;
		fd->last_link = m->link->id;
		/* who gave nothing before, and may have made up what it says it holds, holds up nothing else */
		q->awaited = m->link->let_down == 0;
		if (q->awaited)
			m->g->asking[m->g->scope.v[fd->scope].plane]++;
	}
	b = kith_fed_begin(f, 7);
	kith_mp_put_uint(b, q->id);
	kith_mp_put_id(b, &m->g->id);
	kith_mp_put_id(b, &m->g->scope.v[fd->scope].id);
	kith_mp_put_id(b, &fd->node);
	kith_mp_put_bin(b, kith_fed_u64(inc, fd->incarnation));
	kith_mp_put_uint(b, from);
	kith_mp_put_uint(b, to);
	return kith_fed_send(f, m->link, KITH_FR_WANT_RANGE);
}

int
kith_fed_ask_branch(struct kith_fed *f, struct fed_member *m, uint32_t feed, uint64_t from, uint64_t to)
{
	return may_ask(m) ? ask_range(f, m, ASK_FORK, feed, from, to) : KITH_OK;
}

static int
pull_ranges(struct kith_fed *f, struct fed_group *g)
{
	struct fed_feed *fd;
	struct fed_member *m;
	uint64_t from, to, known;
	size_t i, keep;
	int plane, r = KITH_OK;

	for (i = keep = 0; i < g->queue.n; i++) {
		fd = &g->feed.v[g->queue.v[i]];
		if (fd->req == NULL && fd->next >= fd->claimed)
			fd->queued = false;
		else
			g->queue.v[keep++] = g->queue.v[i];
	}
	g->queue.n = keep;
	for (plane = KITH_PLANE_AUTHORITY; r == KITH_OK && plane <= KITH_PLANE_TIMELINE; plane++) {
		for (i = 0; r == KITH_OK && i < g->queue.n; i++) {
			fd = &g->feed.v[g->queue.v[i]];
			if ((int)g->scope.v[fd->scope].plane != plane || fd->req != NULL)
				continue;
			from = start_of(f, fd);
			if (from >= fd->claimed) {
				if (fd->parked_until_ms < g->queue_ms)
					g->queue_ms = fd->parked_until_ms;
				continue;
			}
			if (fd->retry_ms > f->now.mono_ms) {
				if (fd->retry_ms < g->queue_ms)
					g->queue_ms = fd->retry_ms;
				continue;
			}
			m = choose(f, g, g->queue.v[i], from);
			if (m == NULL)
				continue;       /* nobody now: a link, a claim or an end of another request looks again */
			known = kith_fed_known_get(m, g->queue.v[i]);
			to = known < fd->claimed ? known : fd->claimed;
			r = ask_range(f, m, ASK_RANGE, g->queue.v[i], from, to);
		}
		if (g->asking[plane] > 0)
			break;
	}
	return r;
}

/* ---- by name ---- */

static int
want(struct kith_fed *f, struct fed_member *m, const struct kith_missing *w)
{
	struct fed_group *g = m->g;
	struct fed_missing *x = kith_map_get(g->missing, kith_id_slice(&w->id));

	if (x != NULL) {
		/* it was asked for by name, and has come without its body */
		if (x->object != 0 || w->object != KITH_MISSING_BODY)
			return KITH_OK;
		x->object = KITH_MISSING_BODY;
		x->tries = 0;
		x->from_asked = false;
	} else {
		if (kith_map_count(g->missing) >= MISSING_MAX)
			return KITH_OK;
		x = calloc(1, sizeof(*x));
		if (x == NULL)
			return KITH_E_NOMEM;
		x->id = w->id;
		x->object = w->object;
		x->from = m->node;
		x->start = (uint32_t)kith_fed_random(f);
		if (kith_map_put(g->missing, kith_id_slice(&w->id), x, NULL) != KITH_OK) {
			free(x);
			return KITH_E_NOMEM;
		}
	}
	x->next_ms = f->now.mono_ms + MISSING_WAIT_MS;
	if (x->next_ms < g->queue_ms)
		g->queue_ms = x->next_ms;
	return KITH_OK;
}

int
kith_fed_want(struct kith_fed *f, struct fed_member *m, const struct kith_missings *ms)
{
	int r = KITH_OK;

	for (size_t i = 0; r == KITH_OK && i < ms->list.n; i++)
		r = want(f, m, &ms->list.v[i]);
	return r;
}

int
kith_fed_want_bodies(struct kith_fed *f, struct fed_member *m)
{
	struct kith_missings wanted = { { NULL, 0, 0 } };
	struct kith_group *kg = kith_fed_open_group(f, m->g);
	struct fed_missing *x;
	bool fresh;
	int r = kg == NULL ? KITH_OK : kith_group_bodies_wanted(kg, f->t, &kith_id_none, MISSING_MAX / 2, &wanted);

	/* this one is asked next, and, where all others have been, alone */
	for (size_t i = 0; r == KITH_OK && i < wanted.list.n; i++) {
		const struct kith_id *id = &wanted.list.v[i].id;

		fresh = kith_map_get(m->g->missing, kith_id_slice(id)) == NULL;
		r = want(f, m, &wanted.list.v[i]);
		x = kith_map_get(m->g->missing, kith_id_slice(id));
		if (x == NULL || x->object != KITH_MISSING_BODY)
			continue;
		x->from = m->node;
		x->from_asked = false;
		x->only = x->only || fresh;
		x->next_ms = f->now.mono_ms + MISSING_WAIT_MS;
		if (x->tries >= MISSING_TRIES)
			x->tries = MISSING_TRIES - 1;
		if (x->next_ms < m->g->queue_ms)
			m->g->queue_ms = x->next_ms;
	}
	kith_vec_fini(&wanted.list);
	return r;
}

/* First the one that named it, then the others in turn. */
static struct fed_member *
who_has(struct fed_group *g, const struct fed_missing *x)
{
	struct fed_member *m = kith_fed_member(g, &x->from);
	size_t it = 0, n = 0, skip;
	void *v;

	if (!x->from_asked && m != NULL && may_ask(m))
		return m;
	if (x->only)
		return NULL;
	while (kith_map_next(g->members, &it, NULL, &v))
		n += may_ask(v);
	if (n == 0)
		return NULL;
	skip = ((size_t)x->start + x->tries) % n;
	for (it = 0; kith_map_next(g->members, &it, NULL, &v);)
		if (may_ask(v) && skip-- == 0)
			return v;
	return NULL;
}

static int
send_names(struct kith_fed *f, struct fed_request *q)
{
	struct kith_buf *b = kith_fed_begin(f, 3);
	size_t i;

	kith_mp_put_uint(b, q->id);
	kith_mp_put_id(b, &q->group->id);
	kith_mp_put_array(b, (uint32_t)q->ids.n);
	for (i = 0; i < q->ids.n; i++)
		kith_mp_put_id(b, &q->ids.v[i]);
	return kith_fed_send(f, q->link, q->what == ASK_IDS ? KITH_FR_WANT_IDS : KITH_FR_WANT_OBJECTS);
}

static int
is_here(struct kith_fed *f, const struct fed_missing *x, bool *here)
{
	struct kith_node_record rec;
	uint64_t pos;
	int r;

	if (x->object == KITH_MISSING_BODY) {
		r = kith_body_lacks(f->t, &x->id, here);
		*here = !*here;
		return r;
	}
	if (x->object == 0) {
		r = kith_ledger_find(f->t, &x->id, &pos);
		*here = r == KITH_OK;
		return r == KITH_E_NOTFOUND ? KITH_OK : r;
	}
	r = kith_ledger_object_has(f->t, &x->id, here);
	if (r == KITH_OK && !*here) {
		r = kith_node_get(f->t, &x->id, &rec);
		*here = r == KITH_OK;
	}
	return r == KITH_E_NOTFOUND ? KITH_OK : r;
}

/* One frame takes all that is due and goes to the same peer. */
static int
pull_names(struct kith_fed *f, struct fed_group *g, uint8_t object)
{
	struct fed_missing *x;
	struct fed_member *m;
	struct fed_request *q = NULL;
	size_t it = 0;
	void *v;
	bool here;
	int r = KITH_OK;

	while (r == KITH_OK && kith_map_next(g->missing, &it, NULL, &v)) {
		x = v;
		if (x->object != object || x->req != NULL)
			continue;
		if (x->next_ms > f->now.mono_ms) {
			if (x->next_ms < g->queue_ms)
				g->queue_ms = x->next_ms;
			continue;
		}
		r = is_here(f, x, &here);
		if (r != KITH_OK)
			break;
		if (here || x->tries >= MISSING_TRIES) {
			(void)kith_map_del(g->missing, kith_id_slice(&x->id));
			free(x);
			continue;
		}
		m = who_has(g, x);
		if (m == NULL || (q != NULL && (q->link != m->link || q->ids.n >= KITH_FRAME_IDS))) {
			if (m != NULL)
				g->queue_ms = 0;
			continue;
		}
		if (q == NULL)
			r = request_new(f, object != 0 ? ASK_OBJECTS : ASK_IDS, g, m->link, &q);
		if (r == KITH_OK)
			r = kith_vec_push(&q->ids, x->id);
		x->req = q;
		x->from_asked = true;
		x->tries++;
		x->next_ms = f->now.mono_ms + (MISSING_AGAIN_MS << x->tries);
	}
	return r == KITH_OK && q != NULL ? send_names(f, q) : r;
}

/* A record that is held without its body is asked for again, alone. */
static int
ask_body_of(struct kith_fed *f, struct fed_member *m, const struct kith_id *id)
{
	struct kith_ledger_record rec;
	struct kith_record h;
	uint32_t feed;
	int r = kith_ledger_get_id(f->t, id, &rec);

	if (r == KITH_OK)
		r = kith_record_parse(rec.header, &h);
	if (r == KITH_OK)
		r = kith_fed_feed(m->g, &h.scope, &h.node, h.incarnation, false, &feed);
	if (r == KITH_OK && kith_fed_member_sees(f, m, m->g->feed.v[feed].scope))
		r = ask_range(f, m, ASK_FORK, feed, h.seq, h.seq + 1);
	return r == KITH_E_NOTFOUND ? KITH_OK : r;
}

/* Of whoever sent it, then of others. */
static int
ask_body(struct kith_fed *f, struct fed_group *g, struct fed_missing *x)
{
	struct fed_member *m = who_has(g, x);

	if (m == NULL && x->only) {
		/* it was to be asked alone: it has been, it has gone, or it is busy with greetings */
		m = kith_fed_member(g, &x->from);
		if (x->from_asked || m == NULL || m->link == NULL || m->link->gone)
			x->tries = MISSING_TRIES;
		x->next_ms = f->now.mono_ms + MISSING_AGAIN_MS;
		return KITH_OK;
	}
	if (m == NULL)
		return KITH_OK;
	x->from_asked = true;
	x->tries++;
	x->next_ms = f->now.mono_ms + (MISSING_AGAIN_MS << x->tries);
	return ask_body_of(f, m, &x->id);
}

int
kith_fed_ask_bodies(struct kith_fed *f, struct fed_member *m)
{
	struct kith_missings wanted = { { NULL, 0, 0 } };
	struct kith_group *kg = kith_fed_open_group(f, m->g);
	struct kith_id from = kith_id_none;
	int r;

	if (kg == NULL)
		return KITH_OK;
	/* others another time */
	kith_put_be64(from.b, kith_fed_random(f));
	r = kith_group_bodies_wanted(kg, f->t, &from, BODIES_AT_ONCE, &wanted);
	if (r == KITH_OK && wanted.list.n == 0)
		r = kith_group_bodies_wanted(kg, f->t, &kith_id_none, BODIES_AT_ONCE, &wanted);
	for (size_t i = 0; r == KITH_OK && i < wanted.list.n && may_ask(m); i++) {
		if (kith_map_get(m->g->missing, kith_id_slice(&wanted.list.v[i].id)) == NULL)
			r = ask_body_of(f, m, &wanted.list.v[i].id);
	}
	kith_vec_fini(&wanted.list);
	return r;
}

static int
pull_bodies(struct kith_fed *f, struct fed_group *g)
{
	struct fed_missing *x;
	size_t it = 0;
	void *v;
	bool here;
	int r = KITH_OK;

	while (r == KITH_OK && kith_map_next(g->missing, &it, NULL, &v)) {
		x = v;
		if (x->object != KITH_MISSING_BODY)
			continue;
		if (x->next_ms > f->now.mono_ms) {
			if (x->next_ms < g->queue_ms)
				g->queue_ms = x->next_ms;
			continue;
		}
		r = is_here(f, x, &here);
		if (r == KITH_OK && (here || x->tries >= MISSING_TRIES)) {
			(void)kith_map_del(g->missing, kith_id_slice(&x->id));
			free(x);
		} else if (r == KITH_OK) {
			r = ask_body(f, g, x);
			if (x->next_ms > f->now.mono_ms && x->next_ms < g->queue_ms)
				g->queue_ms = x->next_ms;
		}
	}
	return r;
}

int
kith_fed_pull(struct kith_fed *f, struct fed_group *g)
{
	int r;

	if (f->now.mono_ms < g->queue_ms)
		return KITH_OK;
	g->queue_ms = NEVER;
	r = pull_ranges(f, g);
	if (r == KITH_OK && kith_map_count(g->missing) > 0) {
		r = pull_names(f, g, 0);
		if (r == KITH_OK)
			r = pull_names(f, g, 1);
		if (r == KITH_OK)
			r = pull_bodies(f, g);
	}
	return r;
}

/* ---- ends ---- */

static bool
others_have(struct fed_group *g, const struct fed_request *q)
{
	const struct fed_member *m;
	size_t it = 0;
	void *v;

	while (kith_map_next(g->members, &it, NULL, &v)) {
		m = v;
		if (m->link != q->link && may_ask(m) && m->link->let_down <= q->link->let_down && kith_fed_known_get(m, q->feed) > q->from)
			return true;
	}
	return false;
}

static void
end_range(struct kith_fed *f, struct fed_request *q, bool ok)
{
	struct fed_group *g = q->group;
	struct fed_feed *fd = &g->feed.v[q->feed];
	struct fed_member *m, *giver = NULL;
	size_t it = 0;
	void *v;

	fd->req = NULL;
	if (q->awaited)
		g->asking[g->scope.v[fd->scope].plane]--;
	g->queue_ms = 0;
	if (start_of(f, fd) > q->from) {
		fd->tries = 0;
		fd->retry_ms = 0;
		return;
	}
	fd->tries++;
	/* at once of another, if there is one that may do better */
	fd->retry_ms = f->now.mono_ms;
	if (fd->tries > OTHERS_TRIES || !others_have(g, q))
		fd->retry_ms += UINT64_C(500) << (fd->tries < 7 ? fd->tries : 7);
	if (q->link->peer != NULL)
		giver = kith_fed_member(g, &q->link->peer->node);
	/* it said that it had them, and does not give them */
	if (ok && q->got == 0 && giver != NULL && q->feed < giver->known.n && giver->known.v[q->feed].known > q->from)
		giver->known.v[q->feed].known = q->from;
	for (fd->claimed = fd->next; kith_map_next(g->members, &it, NULL, &v);) {
		m = v;
		if (kith_fed_known_get(m, q->feed) > fd->claimed)
			fd->claimed = kith_fed_known_get(m, q->feed);
	}
}

static int
send_history(struct kith_fed *f, struct fed_member *m, const struct kith_id *panel, uint64_t before, uint32_t limit, uint32_t tries)
{
	struct fed_request *q;
	struct kith_buf *b;
	int r = request_new(f, ASK_HISTORY, m->g, m->link, &q);

	if (r != KITH_OK)
		return r;
	q->panel = *panel;
	q->before = before;
	q->limit = limit;
	q->tries = tries;
	b = kith_fed_begin(f, 5);
	kith_mp_put_uint(b, q->id);
	kith_mp_put_id(b, &m->g->id);
	kith_mp_put_id(b, panel);
	kith_mp_put_uint(b, before);
	kith_mp_put_uint(b, limit);
	return kith_fed_send(f, m->link, KITH_FR_HISTORY);
}

static int
ask_history(struct kith_fed *f, struct fed_group *g, const struct kith_id *panel, uint64_t before, uint32_t limit, uint32_t tries,
    const struct fed_link *but)
{
	struct fed_member *m, *best = NULL;
	size_t it = 0;
	void *v;

	while (kith_map_next(g->members, &it, NULL, &v)) {
		m = v;
		if (may_ask(m) && m->ours && m->link != but && kith_fed_sees(f, m, panel) &&
		    (best == NULL || m->link->in_flight < best->link->in_flight))
			best = m;
	}
	return best == NULL ? KITH_OK : send_history(f, best, panel, before, limit, tries);
}

int
kith_fed_ask_history(struct kith_fed *f, struct fed_group *g, const struct kith_id *panel, uint64_t before, uint32_t limit)
{
	return ask_history(f, g, panel, before, limit, 0, NULL);
}

int
kith_fed_ask_objects(struct kith_fed *f, struct fed_member *m, const struct kith_id *hash, size_t n)
{
	struct fed_request *q;
	size_t i;
	int r;

	if (!may_ask(m) || n == 0)
		return KITH_OK;
	r = request_new(f, ASK_OBJECTS, m->g, m->link, &q);
	for (i = 0; r == KITH_OK && i < n && i < KITH_FRAME_IDS; i++)
		r = kith_vec_push(&q->ids, hash[i]);
	return r == KITH_OK ? send_names(f, q) : r;
}

/* Adds no request unless it is history that another can give. */
int
kith_fed_request_end(struct kith_fed *f, struct fed_request *q, bool ok)
{
	struct fed_missing *x;
	uint8_t key[8];
	size_t i;
	int r = KITH_OK;

	(void)kith_map_del(f->requests, kith_fed_u64(key, q->id));
	q->link->in_flight--;
	if (ok && q->got > 0)
		q->link->let_down /= 2;
	else if ((!ok || q->what == ASK_RANGE) && q->got == 0 && q->link->let_down < LET_DOWN_MAX)
		q->link->let_down++;
	if (q->what == ASK_RANGE)
		end_range(f, q, ok);
	for (i = 0; i < q->ids.n; i++) {
		x = kith_map_get(q->group->missing, kith_id_slice(&q->ids.v[i]));
		if (x != NULL && x->req == q) {
			x->req = NULL;
			q->group->queue_ms = 0;
		}
	}
	if (q->what == ASK_HISTORY && !ok && q->tries + 1 < HISTORY_TRIES)
		r = ask_history(f, q->group, &q->panel, q->before, q->limit, q->tries + 1, q->link);
	if (q->link->assembly_req == q->id) {
		kith_buf_reset(&q->link->assembly);
		q->link->assembly_req = 0;
		q->link->assembly_n = 0;
	}
	kith_fed_request_free(q);
	return r;
}

int
kith_fed_on_done(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r)
{
	uint64_t id = kith_mp_uint(r);
	struct fed_request *q = kith_fed_request(f, id, l);
	struct fed_group *g;
	bool found, lie;
	int e;

	if (q == NULL)
		return KITH_OK;         /* it took too long, and was given up */
	g = q->group;
	found = kith_mp_bool(r);
	lie = found && q->what == ASK_RANGE && !q->answered;
	e = kith_fed_request_end(f, q, found && !lie);
	if (e == KITH_OK && lie)
		e = kith_fed_penalty(f, l, 10000, "it says that it has given what it has not");
	return e == KITH_OK ? kith_fed_pull(f, g) : e;
}

/* Where the records stand that we asked for by id: their feeds are asked for in turn. */
int
kith_fed_on_where(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r)
{
	uint64_t req = kith_mp_uint(r), seq;
	struct kith_id id = kith_mp_id(r), scope, node;
	struct fed_member *m;
	struct fed_known *k;
	struct fed_feed *fd;
	uint8_t inc[8];
	bool news;
	uint32_t n, feed;
	int e = kith_fed_frame_group(f, l, &id, &m);

	if (e != KITH_OK || m == NULL || kith_fed_request(f, req, l) == NULL)
		return e;
	for (n = kith_mp_array(r); e == KITH_OK && n > 0; n--) {
		kith_mp_array_exact(r, 4);
		scope = kith_mp_id(r);
		node = kith_mp_id(r);
		kith_mp_bin_exact(r, inc, sizeof(inc));
		seq = kith_mp_uint(r);
		if (seq > KITH_SEQ_MAX)
			return KITH_E_MALFORMED;
		e = kith_fed_feed_said(m->g, &scope, &node, kith_get_be64(inc), &feed);
		if (e == KITH_E_LIMIT || e == KITH_E_NOTFOUND) {
			e = KITH_OK;
			continue;
		}
		k = e == KITH_OK ? kith_fed_known(m, feed) : NULL;
		if (k == NULL)
			return KITH_E_NOMEM;
		news = k->known <= seq;
		if (news)
			k->known = seq + 1;
		fd = &m->g->feed.v[feed];
		if (fd->next > seq)             /* at a place that we hold, so on another branch */
			e = kith_fed_ask_branch(f, m, feed, seq > 64 ? seq - 64 : 0, seq + 1);
		else
			e = kith_fed_claim(f, m, feed, seq + 1, news);
	}
	return e == KITH_OK ? kith_fed_pull(f, m->g) : e;
}
