#include <stdlib.h>
#include <string.h>

#include "group/inner.h"

/*
 * The one door. Whatever brings a record (run.c), it passes here: is it held? its
 * clock, what it names, its verdict (first.c); then it has its place (place.c), or
 * waits (park.c).
 */

int
kith_gate_wake(struct kith_group *g, const struct kith_id *id)
{
	if (!kith_park_wanted(g, id))
		return KITH_OK;
	return kith_vec_push(&g->queue, *id);
}

int
kith_op_of(struct kith_group *g, const struct kith_record *r, struct kith_op *op, const struct kith_op **out)
{
	int e;

	kith_arena_reset(g->arena);
	e = kith_op_parse(r->kind, r->op, g->arena, op);
	*out = e == KITH_OK ? op : NULL;
	return e == KITH_E_NOMEM ? e : KITH_OK;
}

int
kith_gate_decide(struct kith_group *g, struct kith_txn *t, const struct kith_record *r, const struct kith_op *op, struct feed *f,
    struct verdict *v)
{
	if (kith_scope_plane(&r->scope) == KITH_PLANE_AUTHORITY)
		return kith_act_needs(g, t, r, op, v);
	if (op != NULL && kith_quick_verdict(g, r, f, v))
		return KITH_OK;
	return kith_first(g, t, r, op, f, v);
}

/* ---- one record ---- */

/* A record that came without its body, and now comes with it. */
static int
late_body(struct kith_group *g, struct kith_txn *t, const struct kith_record *r, uint64_t pos, const struct kith_item *item, struct kith_changes *c)
{
	struct kith_slice body;
	uint32_t state;
	int e;

	if (item->body.n == 0)
		return KITH_OK;
	e = kith_state_get(g, t, pos, &r->id, &state);
	if (e != KITH_OK || state & (KITH_S_RECALLED | KITH_S_REJECTED))
		return e;
	e = kith_ledger_body_get(t, pos, &body);
	if (e == KITH_E_NOTFOUND) {
		e = kith_ledger_body_put(t, pos, item->body);
		if (e == KITH_OK)
			e = kith_group_change(g, c, KITH_C_BODY, r, pos, state);
	}
	return e == KITH_OK ? kith_body_here(g, t, &r->id) : e;
}

static int
list_needs(struct kith_missings *m, const struct kith_record *r, const struct verdict *v)
{
	size_t i;
	int e = KITH_OK;

	for (i = 0; e == KITH_OK && i < v->n_needs; i++)
		e = kith_missing_add(m, &v->need[i].id, v->need[i].object, &r->node);
	return e;
}

/* One that was waiting is tried again. */
static int
retry(struct kith_group *g, struct kith_txn *t, struct kith_now now, struct parked *p, struct kith_changes *c, struct kith_missings *m)
{
	struct kith_item item = { .header = kith_slice_of(p->bytes, p->n_header), .sig = kith_slice_of(p->sig, p->has_sig ? 64 : 0),
		.body = kith_slice_of(p->bytes + p->n_header, p->n_body) };
	const struct kith_record *r = &p->rec;
	struct kith_op op_room;
	const struct kith_op *op;
	struct verdict v;
	struct feed *f;
	uint64_t pos;
	int e = kith_op_of(g, r, &op_room, &op);

	f = e != KITH_OK ? NULL : kith_group_feed_(g, t, &r->scope, &r->node, r->incarnation, false, &e);
	if (e == KITH_OK && f != NULL)
		e = kith_feed_know(g, t, f);
	if (e == KITH_OK)
		e = kith_gate_decide(g, t, r, op, f, &v);
	if (e != KITH_OK)
		return e;
	if (v.first != FIRST_WAITING && !v.gap && !v.astray && !v.leans) {
		if (v.first == FIRST_REJECTED && kith_scope_plane(&r->scope) == KITH_PLANE_AUTHORITY) {
			kith_park_drop(g, p);
			return KITH_OK;
		}
		/* out of the room before it is stored: it must not be found twice */
		(void)kith_map_del(g->parked, kith_id_slice(&p->id));
		e = kith_gate_store(g, t, now, r, op, &item, &v, c, m, &pos);
		kith_park_drop(g, p);
		return e == KITH_E_MALFORMED ? KITH_OK : e;
	}
	e = kith_park_wait(g, p, &v);
	if (e == KITH_OK)
		e = list_needs(m, r, &v);
	if (e == KITH_OK && v.first == FIRST_REJECTED && !p->rejected) {
		p->rejected = true;
		e = kith_gate_wake(g, &p->id);
	}
	return e;
}

int
kith_gate_take(struct kith_group *g, struct kith_txn *t, struct kith_now now, const struct kith_record *r, const struct kith_item *item,
    const struct kith_id *from, bool history, struct kith_changes *c, struct kith_missings *m, enum entry *out)
{
	struct kith_op op_room;
	const struct kith_op *op;
	struct parked *p = NULL;
	struct verdict v;
	struct feed *f;
	uint64_t pos, ms = r->clock >> 16;
	int e = kith_ledger_find(t, &r->id, &pos);

	*out = ENTRY_HELD;
	if (e == KITH_OK)
		return late_body(g, t, r, pos, item, c);
	if (e != KITH_E_NOTFOUND)
		return e;
	p = kith_map_get(g->parked, kith_id_slice(&r->id));
	if (p != NULL) {
		*out = ENTRY_PARKED;
		if (p->due_ms > now.wall_ms)
			return KITH_OK;
		/* given again: what it lacks was not asked for, or did not come, so it is named again */
		p->due_ms = 0;
		e = retry(g, t, now, p, c, m);
		if (e == KITH_OK && kith_map_get(g->parked, kith_id_slice(&r->id)) == NULL)
			*out = ENTRY_STORED;
		return e;
	}
	*out = ENTRY_EARLY;
	if (ms > now.wall_ms + REFUSE_MS)
		return KITH_OK;
	if (ms > now.wall_ms + EARLY_MS) {
		e = kith_park(g, now, from, r, item, history, &p);
		if (e != KITH_OK)
			return e;
		p->due_ms = ms - EARLY_MS;
	}
	e = kith_op_of(g, r, &op_room, &op);
	f = e != KITH_OK ? NULL : kith_group_feed_(g, t, &r->scope, &r->node, r->incarnation, false, &e);
	if (e == KITH_OK && f != NULL)
		e = kith_feed_know(g, t, f);
	if (e == KITH_OK)
		e = kith_gate_decide(g, t, r, op, f, &v);
	if (e != KITH_OK)
		return e;
	if (p != NULL) {
		/* what it will need is asked for now, so that nothing holds it up when it is due */
		kith_front_fini(&v.front);
		e = kith_park_wait(g, p, &v);
		return e == KITH_OK ? list_needs(m, r, &v) : e;
	}
	*out = ENTRY_STORED;
	if (v.first == FIRST_WAITING && v.gap && history && kith_scope_plane(&r->scope) == KITH_PLANE_TIMELINE)
		return kith_store_waiting(g, t, r, op, item, c, &pos);
	if (v.first == FIRST_REJECTED && kith_scope_plane(&r->scope) == KITH_PLANE_AUTHORITY) {
		*out = ENTRY_REFUSED;   /* it names what can never be an act: no place in the graph */
		return KITH_OK;
	}
	if (v.first != FIRST_WAITING && !v.gap && !v.astray && !v.leans) {
		e = kith_gate_store(g, t, now, r, op, item, &v, c, m, &pos);
		if (e == KITH_E_MALFORMED) {
			*out = ENTRY_REFUSED;
			e = KITH_OK;
		}
		return e;
	}
	*out = v.gap ? ENTRY_GAP : ENTRY_PARKED;
	e = kith_park(g, now, from, r, item, history, &p);
	if (e != KITH_OK)
		return e;
	p->rejected = v.first == FIRST_REJECTED;
	e = kith_park_wait(g, p, &v);
	if (e == KITH_OK)
		e = list_needs(m, r, &v);
	if (e == KITH_OK)
		e = kith_claims_check(g, t, r, false);
	/* those that name it may be decided now, though it is not */
	return e == KITH_OK ? kith_gate_wake(g, &r->id) : e;
}

int
kith_gate_unblock(struct kith_group *g, struct kith_txn *t, struct kith_now now, struct kith_changes *c, struct kith_missings *m)
{
	struct feed *f;
	size_t it = 0;
	void *v;
	bool blocked = false;
	int e = KITH_OK;

	while (e == KITH_OK && kith_map_next(g->feeds, &it, NULL, &v)) {
		f = v;
		if (!(f->l.flags & FEED_WAITING))
			continue;
		e = kith_feed_know(g, t, f);
		if (e == KITH_OK)
			e = kith_promote(g, t, now, f, c, m);
		blocked = blocked || (f->l.flags & FEED_WAITING) != 0;
	}
	g->blocked = blocked;
	return e == KITH_OK ? kith_gate_drain(g, t, now, c, m) : e;
}

int
kith_gate_drain(struct kith_group *g, struct kith_txn *t, struct kith_now now, struct kith_changes *c, struct kith_missings *m)
{
	const struct kith_missing *part;
	struct kith_id id, *list;
	struct parked *p;
	size_t n, i;
	int e = kith_settle(g, t, now, c);

	while (e == KITH_OK && g->queue.n > 0) {
		id = g->queue.v[--g->queue.n];
		e = kith_park_take(g, &id, &list, &n);
		for (i = 0; e == KITH_OK && i < n; i++) {
			p = kith_map_get(g->parked, kith_id_slice(&list[i]));
			if (p == NULL || p->due_ms != 0)
				continue;
			e = retry(g, t, now, p, c, m);
			if (e == KITH_OK)
				e = kith_settle(g, t, now, c);
		}
		free(list);
	}
	while (e == KITH_OK && g->parts_wanted.n > 0) {
		part = &g->parts_wanted.v[--g->parts_wanted.n];
		e = kith_missing_add(m, &part->id, part->object, &part->node);
	}
	return e;
}

int
kith_group_tick(struct kith_group *g, struct kith_txn *t, struct kith_now now, struct kith_changes *c, uint64_t *next_ms)
{
	struct kith_missings m = { { 0 } };
	struct parked *p, *next;
	uint64_t wall = UINT64_MAX;
	int e = KITH_OK;

	kith_park_expire(g, now);
	*next_ms = g->oldest != NULL ? g->oldest->expires_ms : UINT64_MAX;
	for (p = g->oldest; p != NULL; p = p->next)
		if (p->due_ms != 0 && p->due_ms > now.wall_ms && p->due_ms < wall)
			wall = p->due_ms;
	for (p = g->oldest; e == KITH_OK && p != NULL; p = next) {
		next = p->next;
		if (p->due_ms == 0 || p->due_ms > now.wall_ms)
			continue;
		p->due_ms = 0;
		e = retry(g, t, now, p, c, &m);
		if (e == KITH_OK)
			e = kith_gate_drain(g, t, now, c, &m);
		next = g->oldest;       /* others may be gone by now */
	}
	if (e == KITH_OK)
		e = kith_feeds_put(g, t);
	if (wall != UINT64_MAX) {
		/* the wall clock may be set meanwhile: look again soon */
		wall = wall - now.wall_ms < LOOK_MS ? wall - now.wall_ms : LOOK_MS;
		if (wall < *next_ms - now.mono_ms)
			*next_ms = now.mono_ms + wall;
	}
	kith_vec_fini(&m.list);
	return e;
}
