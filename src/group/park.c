#include <stdlib.h>
#include <string.h>

#include "group/inner.h"

/*
 * The waiting room: records that are proven and cannot be decided yet. Each
 * names what it waits for; when that comes to be held, it is tried again. What
 * a peer may have waiting is bounded; its oldest go first, and are asked for
 * again when somebody needs them.
 */
struct room {
	struct kith_id peer;
	size_t n, bytes;
};

struct waiter {
	KITH_VEC(struct kith_id) id;    /* parked records; some may be gone by now */
};

static void
waiter_free(void *v)
{
	struct waiter *w = v;

	kith_vec_fini(&w->id);
	free(w);
}

static struct room *
room_of(struct kith_group *g, const struct kith_id *peer)
{
	struct room *m;

	m = kith_map_get(g->rooms, kith_id_slice(peer));
	if (m != NULL)
		return m;
	m = calloc(1, sizeof(*m));
	if (m == NULL)
		return NULL;
	m->peer = *peer;
	if (kith_map_put(g->rooms, kith_id_slice(peer), m, NULL) != KITH_OK) {
		free(m);
		return NULL;
	}
	return m;
}

void
kith_park_drop(struct kith_group *g, struct parked *p)
{
	struct room *m = p->room;

	kith_assert(m != NULL);
	(void)kith_map_del(g->parked, kith_id_slice(&p->id));
	if (p->prev != NULL)
		p->prev->next = p->next;
	else
		g->oldest = p->next;
	if (p->next != NULL)
		p->next->prev = p->prev;
	else
		g->newest = p->prev;
	m->n--;
	m->bytes -= p->cost;
	g->parked_bytes -= p->cost;
	if (m->n == 0) {
		(void)kith_map_del(g->rooms, kith_id_slice(&m->peer));
		free(m);
	}
	kith_assert(g->oldest != p);
	free(p->bytes);
	free(p);
}

static void
drop_oldest_of(struct kith_group *g, const struct room *m)
{
	struct parked *p = g->oldest;

	while (p->room != m)
		p = p->next;
	kith_park_drop(g, p);
}

static const struct room *
heaviest(const struct kith_group *g)
{
	const struct room *m, *most = NULL;
	size_t it = 0;
	void *v;

	while (kith_map_next(g->rooms, &it, NULL, &v)) {
		m = v;
		if (most == NULL || m->bytes > most->bytes)
			most = m;
	}
	return most;
}

int
kith_park(struct kith_group *g, struct kith_now now, const struct kith_id *from, const struct kith_record *r,
    const struct kith_item *item, bool history, struct parked **out)
{
	struct parked *p;
	struct room *m;
	size_t cost = sizeof(*p) + item->header.n + item->body.n + 256;

	m = room_of(g, from == NULL ? &kith_id_none : from);
	if (m == NULL)
		return KITH_E_NOMEM;
	while (m->n > 0 && (m->n >= PARK_RECORDS_MAX || m->bytes + cost > PARK_BYTES_MAX)) {
		drop_oldest_of(g, m);   /* the last one takes the room with it */
		m = room_of(g, from == NULL ? &kith_id_none : from);
		if (m == NULL)
			return KITH_E_NOMEM;
	}
	while (g->parked_bytes + cost > PARK_ALL_MAX && heaviest(g) != m)
		drop_oldest_of(g, heaviest(g));
	p = calloc(1, sizeof(*p));
	if (p == NULL || (p->bytes = malloc(item->header.n + item->body.n)) == NULL)
		goto fail;
	memcpy(p->bytes, item->header.p, item->header.n);
	if (item->body.n > 0)
		memcpy(p->bytes + item->header.n, item->body.p, item->body.n);
	p->n_header = item->header.n;
	p->n_body = item->body.n;
	p->has_sig = item->sig.n == KITH_SIG_BYTES;
	if (p->has_sig)
		memcpy(p->sig, item->sig.p, KITH_SIG_BYTES);
	p->id = r->id;
	p->rec = *r;
	p->rec.header = kith_slice_of(p->bytes, p->n_header);
	p->rec.op = kith_slice_of(p->bytes + (r->op.p - r->header.p), r->op.n);
	p->history = history;
	p->expires_ms = now.mono_ms + PARK_MS;
	p->cost = cost;
	p->room = m;
	if (kith_map_put(g->parked, kith_id_slice(&p->id), p, NULL) != KITH_OK)
		goto fail;
	p->prev = g->newest;
	if (g->newest != NULL)
		g->newest->next = p;
	else
		g->oldest = p;
	g->newest = p;
	m->n++;
	m->bytes += cost;
	g->parked_bytes += cost;
	*out = p;
	return KITH_OK;
fail:
	if (p != NULL)
		free(p->bytes);
	free(p);
	if (m->n == 0) {
		(void)kith_map_del(g->rooms, kith_id_slice(&m->peer));
		free(m);
	}
	return KITH_E_NOMEM;
}

int
kith_park_wait(struct kith_group *g, const struct parked *p, const struct verdict *v)
{
	struct waiter *w;
	size_t i, j, keep;

	for (i = 0; i < v->n_needs; i++) {
		w = kith_map_get(g->waiters, kith_id_slice(&v->need[i].id));
		if (w == NULL) {
			w = calloc(1, sizeof(*w));
			if (w == NULL)
				return KITH_E_NOMEM;
			if (kith_map_put(g->waiters, kith_id_slice(&v->need[i].id), w, NULL) != KITH_OK) {
				free(w);
				return KITH_E_NOMEM;
			}
		}
		for (j = 0; j < w->id.n && !kith_id_eq(&w->id.v[j], &p->id); j++)
			;
		if (j < w->id.n)
			continue;
		if (w->id.n == w->id.cap) {
			/* those that expired leave before the list grows */
			for (j = keep = 0; j < w->id.n; j++)
				if (kith_map_get(g->parked, kith_id_slice(&w->id.v[j])) != NULL)
					w->id.v[keep++] = w->id.v[j];
			w->id.n = keep;
		}
		if (kith_vec_push(&w->id, p->id) != KITH_OK)
			return KITH_E_NOMEM;
	}
	return KITH_OK;
}

bool
kith_park_wanted(const struct kith_group *g, const struct kith_id *id)
{
	return kith_map_get(g->waiters, kith_id_slice(id)) != NULL;
}

int
kith_park_take(struct kith_group *g, const struct kith_id *id, struct kith_id **out, size_t *n)
{
	struct waiter *w = kith_map_del(g->waiters, kith_id_slice(id));

	*out = NULL;
	*n = 0;
	if (w == NULL)
		return KITH_OK;
	*out = w->id.v;
	*n = w->id.n;
	free(w);
	return KITH_OK;
}

void
kith_park_expire(struct kith_group *g, struct kith_now now)
{
	struct waiter *w;
	struct kith_slice key;
	size_t it = 0, i;
	void *v;

	if (g->oldest == NULL || g->oldest->expires_ms > now.mono_ms)
		return;
	while (g->oldest != NULL && g->oldest->expires_ms <= now.mono_ms)
		kith_park_drop(g, g->oldest);
	while (kith_map_next(g->waiters, &it, &key, &v)) {
		w = v;
		for (i = 0; i < w->id.n && kith_map_get(g->parked, kith_id_slice(&w->id.v[i])) == NULL; i++)
			;
		if (i == w->id.n) {
			(void)kith_map_del(g->waiters, key);
			waiter_free(w);
		}
	}
}

void
kith_park_free(struct kith_group *g)
{
	while (g->oldest != NULL)
		kith_park_drop(g, g->oldest);
	kith_map_free(g->rooms, free);
	kith_map_free(g->parked, NULL);
	kith_map_free(g->waiters, waiter_free);
}
