#include <stdlib.h>
#include <string.h>

#include "group/inner.h"
#include "wire/mp.h"

/*
 * What follows from a verdict: a place in the feed and in the ledger, the states of
 * what it changes, what is remembered of it, and what of pages above it can follow.
 */

/* ---- a place in the feed ---- */

/* Two records at one place, both signed by their node. */
static int
keep_proof(struct kith_txn *t, struct feed *f, uint64_t other, const struct kith_item *item)
{
	struct kith_ledger_record lr;
	struct kith_buf b;
	int e = kith_ledger_get(t, other, &lr);

	if (e != KITH_OK)
		return e == KITH_E_CORRUPT ? KITH_OK : e;
	kith_buf_init(&b, 0);
	kith_mp_put_array(&b, 5);
	kith_mp_put_uint(&b, 1);
	kith_mp_put_bin(&b, lr.header);
	kith_mp_put_bin(&b, lr.sig);
	kith_mp_put_bin(&b, item->header);
	kith_mp_put_bin(&b, item->sig);
	e = kith_buf_err(&b);
	if (e == KITH_OK)
		e = kith_ledger_proof_put(t, f->l.feedno, kith_buf_slice(&b));
	kith_buf_fini(&b);
	return e == KITH_E_EXISTS ? KITH_OK : e;
}

/* The newest signature of a feed is kept beside it; once it forks, each branch needs its own. */
static int
settle_signature(struct kith_txn *t, struct feed *f)
{
	uint64_t pos;
	size_t n;
	int e;

	if (!f->l.has_sig || f->l.sig_seq >= f->l.next_seq)
		return KITH_OK;
	e = kith_ledger_place(t, f->l.feedno, f->l.sig_seq, &pos, 1, &n);
	return e != KITH_OK || n == 0 ? e : kith_ledger_sign(t, pos, f->l.sig);
}

static int
fork_feed(struct kith_group *g, struct kith_txn *t, struct feed *f, const struct kith_record *r, uint64_t other,
    const struct kith_item *item, struct kith_changes *c)
{
	struct gnode *n = f->node;
	size_t i;
	int e = KITH_OK;

	if (!f->l.forked)
		e = settle_signature(t, f);
	if (e == KITH_OK && item != NULL)
		e = keep_proof(t, f, other, item);
	if (e != KITH_OK)
		return e;
	if (!f->l.forked && f->plane != KITH_PLANE_AUTHORITY) {
		f->rejected_from = NO_PLACE;
		kith_scan_mark(g, f, 0, NULL);
		if (f->plane == KITH_PLANE_ROSTER) {
			n->forked = true;
			for (i = 0; i < n->feeds.n; i++)
				if (n->feeds.v[i]->plane == KITH_PLANE_TIMELINE)
					kith_scan_mark(g, n->feeds.v[i], 0, NULL);
			for (i = 0; e == KITH_OK && i < n->people.n; i++)
				e = kith_person_touch(g, n->people.v[i]);
			if (e == KITH_OK)
				e = kith_gnode_touch(g, n);
		}
	}
	f->l.forked = true;
	f->changed = true;
	g->epoch++;
	return e != KITH_OK ? e : kith_group_change(g, c, KITH_C_FORK, r, 0, 0);
}

/* The feed's description after a record that is in the ledger at pos. */
int
kith_feed_place(struct kith_group *g, struct kith_txn *t, struct feed *f, const struct kith_record *r, uint64_t pos, bool accepted,
    const struct rost *m, const struct kith_item *item)
{
	struct tree *x;
	int e = kith_feed_know(g, t, f);

	if (e != KITH_OK)
		return e;
	f->changed = g->dirty_feeds = true;
	if (r->seq + 1 > f->l.n_held)
		f->l.n_held = r->seq + 1;
	if (item != NULL && item->sig.n == KITH_SIG_BYTES && (!f->l.has_sig || r->seq >= f->l.sig_seq)) {
		f->l.has_sig = true;
		f->l.sig_seq = r->seq;
		memcpy(f->l.sig, item->sig.p, KITH_SIG_BYTES);
	}
	if (f->l.forked || (kith_feed_needs_tree(f) && f->tree != NULL)) {
		e = kith_tree_add(g, t, f, r, pos, accepted, m);
		if (e != KITH_OK)
			return e;
	}
	if (f->l.forked) {
		f->front_known = false;
		e = kith_tree_get(g, t, f, &x);
		if (e == KITH_OK)
			f->l.next_seq = kith_tree_chain(x, &f->l.tip);
		return e;
	}
	if (r->seq != f->l.next_seq || (r->seq > 0 && !kith_id_eq(&r->prev, &f->l.tip)))
		return KITH_OK;
	f->l.next_seq++;
	f->l.tip = r->id;
	f->tip_clock = r->clock;
	if (f->plane == KITH_PLANE_AUTHORITY)
		return KITH_OK;
	f->tip_rejected = !accepted;
	if (!accepted && f->rejected_from == NO_PLACE)
		f->rejected_from = r->seq;
	return accepted ? kith_feed_front(g, f, r) : KITH_OK;
}

/* ---- after a place: state, memory, screen ---- */

static bool
is_late(const struct kith_record *r, uint64_t seen)
{
	return (seen >> 16) >= (r->clock >> 16) + LATE_MS;
}

int
kith_late_by_parents(struct kith_txn *t, const struct kith_record *r, bool *late)
{
	struct kith_ledger_record lr;
	int e;

	*late = false;
	for (uint32_t i = 0; i < r->n_parents && !*late; i++) {
		e = kith_ledger_get_id(t, &r->parents[i], &lr);
		if (e == KITH_OK)
			*late = is_late(r, lr.clock);
		else if (e != KITH_E_NOTFOUND && e != KITH_E_CORRUPT)
			return e;
	}
	return KITH_OK;
}

/* Its clock is far below what it, or its author's node, had seen: KITH_S_LATE, or UNSURE while a parent is missing. */
static int
look_late(struct kith_group *g, struct kith_txn *t, const struct feed *f, const struct kith_record *r, uint32_t *state)
{
	struct kith_ledger_record lr;
	uint64_t high = f->front_known ? f->high : 0, clock, pos;
	const struct kith_act *act;
	bool unsure = false;
	uint32_t i;
	int e;

	for (i = 0; !f->front_known && i < r->n_frontier; i++) {
		act = kith_authority_find(g->a, &r->frontier[i]);
		if (act != NULL && g->high.v[act->index] > high)
			high = g->high.v[act->index];
	}
	for (i = 0; i < r->n_parents; i++) {
		if (!kith_heads_clock(f->panel, &r->parents[i], &clock)) {
			e = kith_ledger_find(t, &r->parents[i], &pos);
			if (e == KITH_OK)
				e = kith_ledger_get(t, pos, &lr);
			if (e == KITH_E_NOTFOUND || e == KITH_E_CORRUPT) {
				unsure = true;
				continue;
			}
			if (e != KITH_OK)
				return e;
			clock = lr.clock;
		}
		if (clock > high)
			high = clock;
	}
	*state |= is_late(r, high) ? KITH_S_LATE : unsure ? KITH_S_UNSURE : 0;
	return KITH_OK;
}

static int
show_timeline(struct kith_group *g, struct kith_txn *t, struct kith_now now, struct feed *f, const struct kith_record *r,
    const struct kith_op *op, uint64_t pos, struct verdict *v, struct kith_changes *c, uint32_t *state)
{
	struct quick q = { .accepted = true };
	int e;

	*state = v->state;
	if (!v->quick && v->via != NULL) {
		e = kith_second(g, t, f, r, v->via, v->doc, &v->front, state, &q);
		if (e != KITH_OK)
			return e;
		q.visible = *state == 0;
		if (v->clock_lo > q.clock_lo)
			q.clock_lo = v->clock_lo;
		if (v->clock_hi < q.clock_hi)
			q.clock_hi = v->clock_hi;
		e = kith_quick_keep(g, v->via, f, kith_right_of(r->kind), &q);
		if (e != KITH_OK)
			return e;
	}
	if (f->plane != KITH_PLANE_TIMELINE)
		return KITH_OK;
	e = look_late(g, t, f, r, state);
	if (e != KITH_OK)
		return e;
	kith_heads_note(f->panel, f, r);
	return kith_redact_new(g, t, now, r, op, pos, state, c);
}

/* All that follows from a verdict, the record having its position. item NULL: it was held before, as one that waits. */
static int
conclude(struct kith_group *g, struct kith_txn *t, struct kith_now now, struct feed *f, const struct kith_record *r,
    const struct kith_op *op, uint64_t pos, struct verdict *v, const struct kith_item *item, struct kith_changes *c)
{
	bool accepted = v->first == FIRST_ACCEPTED;
	uint32_t state = accepted ? 0 : KITH_S_REJECTED;
	struct rost *m = NULL;
	const struct rost *under = v->via;
	int e = KITH_OK;

	if (accepted && f->plane == KITH_PLANE_ROSTER) {
		e = kith_group_add_rost(g, t, r, op, pos, f, &m);
		under = m;
		if (e == KITH_OK && m != NULL) {
			m->maker = v->maker;
			if (m->cut != NULL)
				e = kith_object_want_parts(g, t, m->cut);
		}
	}
	/* the branches of a feed are built from the ledger, and want the state there */
	if (e == KITH_OK && (state != 0 || f->l.forked || g->pure))
		e = kith_state_set(g, t, pos, &r->id, state);
	if (e == KITH_OK)
		e = kith_feed_place(g, t, f, r, pos, accepted, under, item);
	if (e == KITH_OK && accepted && m == NULL) {
		e = show_timeline(g, t, now, f, r, op, pos, v, c, &state);
		if (e == KITH_OK && (state != 0 || g->pure))
			e = kith_state_set(g, t, pos, &r->id, state);
	}
	if (e == KITH_OK && r->clock > g->newest_clock)
		g->newest_clock = r->clock;
	if (e == KITH_OK)
		e = kith_group_change(g, c, item != NULL ? KITH_C_NEW : KITH_C_DECIDED, r, pos, state);
	if (e == KITH_OK && accepted && f->plane == KITH_PLANE_TIMELINE)
		e = kith_redact_changed(g, t, now, r, op, c);
	if (e == KITH_OK)
		e = kith_claims_check(g, t, r, true);
	return e == KITH_OK ? kith_gate_wake(g, &r->id) : e;
}

static int
ledger_put(struct kith_group *g, struct kith_txn *t, struct feed *f, const struct kith_record *r, const struct kith_op *op,
    const struct kith_item *item, bool rejected, struct kith_changes *c, uint64_t *pos)
{
	struct kith_ledger_new rec = { .feedno = f->l.feedno, .scopeno = f->l.scopeno, .seq = r->seq, .clock = r->clock, .id = r->id,
		.header = item->header };
	uint64_t other;
	size_t n;
	int e;

	/* what follows a tip with nothing above it stands alone at its place */
	if (r->seq != f->l.n_held) {
		e = kith_ledger_place(t, f->l.feedno, r->seq, &other, 1, &n);
		if (e == KITH_OK && n > 0)
			e = fork_feed(g, t, f, r, other, item, c);
		if (e != KITH_OK)
			return e;
	}
	if (f->plane == KITH_PLANE_AUTHORITY || f->l.forked || r->seq % KITH_SIGN_EVERY == KITH_SIGN_EVERY - 1)
		rec.sig = item->sig;
	if (!rejected) {
		rec.body = item->body;
		rec.in_order = f->plane == KITH_PLANE_TIMELINE;
		if (rec.in_order && op != NULL && op->has & KITH_OP_BIT(KITH_OP_TARGET)) {
			rec.target = op->target;
			rec.target_kind = (uint8_t)r->kind;
		}
	}
	return kith_ledger_add(t, &rec, pos);
}

static int
store_act(struct kith_group *g, struct kith_txn *t, struct feed *f, const struct kith_record *r, const struct kith_op *op,
    const struct kith_item *item, struct kith_changes *c, uint64_t *pos)
{
	struct kith_act_proof proof = { 0 };
	struct kith_arena *cut = NULL;
	const struct kith_act *act;
	uint32_t state = 0;
	int e = kith_act_prove(g, t, r, op, true, &proof, &cut);

	if (e == KITH_OK)
		e = kith_group_add_act(g, t, r, op, &proof, &act);
	kith_arena_free(cut);
	if (e != KITH_OK)
		return e;
	e = ledger_put(g, t, f, r, op, item, !act->valid, c, pos);
	if (!proof.author_ok)
		state |= S_AUTHOR_BAD;
	if (!act->valid)
		state |= KITH_S_REJECTED;
	else if (!act->effective)
		state |= KITH_S_VOID;
	if (e == KITH_OK && (state != 0 || g->pure))
		e = kith_state_set(g, t, *pos, &r->id, state);
	if (e == KITH_OK)
		e = kith_feed_place(g, t, f, r, *pos, true, NULL, item);
	if (e == KITH_OK && act->cut != NULL)
		e = kith_object_want_parts(g, t, act->cut);
	if (e == KITH_OK && r->clock > g->newest_clock)
		g->newest_clock = r->clock;
	if (e == KITH_OK)
		e = kith_group_change(g, c, KITH_C_NEW, r, *pos, state);
	if (e == KITH_OK)
		e = kith_claims_check(g, t, r, true);
	return e == KITH_OK ? kith_gate_wake(g, &r->id) : e;
}

/* A record that was kept waiting is decided, if it can be. */
static int
promote_one(struct kith_group *g, struct kith_txn *t, struct kith_now now, struct feed *f, uint64_t pos, struct kith_changes *c,
    struct kith_missings *m, bool *decided)
{
	uint8_t header[KITH_HEADER_MAX];
	struct kith_ledger_record lr;
	struct kith_record r;
	struct kith_op op_room;
	const struct kith_op *op;
	struct verdict v;
	uint32_t state;
	size_t i;
	int e = kith_ledger_get(t, pos, &lr);

	*decided = false;
	if (e != KITH_OK || lr.header.n > sizeof(header))
		return e == KITH_OK ? KITH_E_CORRUPT : e;
	memcpy(header, lr.header.p, lr.header.n);
	if (kith_record_parse(kith_slice_of(header, lr.header.n), &r) != KITH_OK)
		return KITH_E_CORRUPT;
	e = kith_state_get(g, t, pos, &r.id, &state);
	if (e != KITH_OK || !(state & KITH_S_WAITING))
		return e;
	e = kith_op_of(g, &r, &op_room, &op);
	if (e == KITH_OK)
		e = kith_gate_decide(g, t, &r, op, f, &v);
	if (e != KITH_OK)
		return e;
	if (v.first == FIRST_WAITING || v.gap || v.leans) {
		for (i = 0; e == KITH_OK && i < v.n_needs; i++)
			e = kith_missing_add(m, &v.need[i].id, v.need[i].object, &r.node);
		return e;
	}
	e = kith_state_set(g, t, pos, &r.id, 0);
	if (e == KITH_OK && f->l.forked && f->tree != NULL) {
		/* the branches know it as one that waits: they are built anew */
		kith_tree_free(f->tree);
		f->tree = NULL;
		e = kith_state_set(g, t, pos, &r.id, v.first == FIRST_REJECTED ? KITH_S_REJECTED : 0);
	}
	if (e == KITH_OK)
		e = conclude(g, t, now, f, &r, op, pos, &v, NULL, c);
	kith_front_fini(&v.front);
	if (e == KITH_OK)
		e = kith_settle(g, t, now, c);
	*decided = true;
	return e;
}

/* In a feed without forks only the one right above the tip can be next. */
static int
promote_plain(struct kith_group *g, struct kith_txn *t, struct kith_now now, struct feed *f, struct kith_changes *c,
    struct kith_missings *m)
{
	bool decided = true;
	uint64_t pos;
	size_t n;
	int e = KITH_OK;

	while (e == KITH_OK && decided && f->l.n_held > f->l.next_seq && !f->l.forked) {
		e = kith_ledger_place(t, f->l.feedno, f->l.next_seq, &pos, 1, &n);
		if (e != KITH_OK || n == 0)
			return e;
		e = promote_one(g, t, now, f, pos, c, m, &decided);
	}
	if (e == KITH_OK && f->l.n_held == f->l.next_seq) {
		f->l.flags &= ~FEED_WAITING;
		f->changed = g->dirty_feeds = true;
	}
	return e;
}

static int
promote_branches(struct kith_group *g, struct kith_txn *t, struct kith_now now, struct feed *f, struct kith_changes *c,
    struct kith_missings *m)
{
	struct kith_ledger_at at;
	struct feed_iter it;
	uint32_t state;
	bool decided, again, waiting;
	int e;

	do {
		again = waiting = false;
		kith_feed_iter_init(&it, f->l.feedno, 0);
		while ((e = kith_feed_iter_next(&it, t, &at)) == KITH_OK) {
			e = kith_ledger_state_get(t, at.pos, &state);
			if (e == KITH_OK && (state & KITH_S_WAITING)) {
				e = promote_one(g, t, now, f, at.pos, c, m, &decided);
				again = again || decided;
				waiting = waiting || !decided;
			}
			if (e != KITH_OK)
				break;
		}
		kith_feed_iter_fini(&it);
		if (e == KITH_E_NOTFOUND)
			e = KITH_OK;
	} while (e == KITH_OK && again && waiting);
	if (e == KITH_OK && !waiting) {
		f->l.flags &= ~FEED_WAITING;
		f->changed = g->dirty_feeds = true;
	}
	return e;
}

/*
 * Records of a page that stood above a gap: with the gap filled they are judged
 * upward, until one waits for something else.
 */
int
kith_promote(struct kith_group *g, struct kith_txn *t, struct kith_now now, struct feed *f, struct kith_changes *c, struct kith_missings *m)
{
	int e = KITH_OK;

	if (f->l.flags & FEED_WAITING && !f->l.forked)
		e = promote_plain(g, t, now, f, c, m);
	if (e == KITH_OK && f->l.flags & FEED_WAITING && f->l.forked)
		e = promote_branches(g, t, now, f, c, m);
	return e;
}

int
kith_gate_store(struct kith_group *g, struct kith_txn *t, struct kith_now now, const struct kith_record *r, const struct kith_op *op,
    const struct kith_item *item, struct verdict *v, struct kith_changes *c, struct kith_missings *m, uint64_t *pos)
{
	struct feed *f;
	int e;

	f = kith_group_feed_(g, t, &r->scope, &r->node, r->incarnation, true, &e);
	if (f == NULL)
		return e;
	if (f->plane == KITH_PLANE_AUTHORITY) {
		e = store_act(g, t, f, r, op, item, c, pos);
	} else {
		e = kith_feed_know(g, t, f);
		if (e == KITH_OK)
			e = ledger_put(g, t, f, r, op, item, v->first == FIRST_REJECTED, c, pos);
		if (e == KITH_OK)
			e = conclude(g, t, now, f, r, op, *pos, v, item, c);
	}
	/* erased, or kept back, or nobody's to give: somebody may have it */
	if (e == KITH_OK && item->body.n == 0 && r->body_len > 0 && v->first != FIRST_REJECTED)
		e = kith_body_want(g, t, r, m);
	kith_front_fini(&v->front);
	return e == KITH_OK && f->plane != KITH_PLANE_AUTHORITY ? kith_promote(g, t, now, f, c, m) : e;
}

/* A record of a page, above a gap: kept and shown provisionally. */
int
kith_store_waiting(struct kith_group *g, struct kith_txn *t, const struct kith_record *r, const struct kith_op *op,
    const struct kith_item *item, struct kith_changes *c, uint64_t *pos)
{
	struct feed *f;
	int e;

	f = kith_group_feed_(g, t, &r->scope, &r->node, r->incarnation, true, &e);
	if (f == NULL)
		return e;
	e = ledger_put(g, t, f, r, op, item, false, c, pos);
	if (e == KITH_OK)
		e = kith_state_set(g, t, *pos, &r->id, KITH_S_WAITING);
	if (e != KITH_OK)
		return e;
	f->changed = g->dirty_feeds = g->blocked = true;
	f->l.flags |= FEED_WAITING;
	if (r->seq + 1 > f->l.n_held)
		f->l.n_held = r->seq + 1;
	if (item->sig.n == KITH_SIG_BYTES && (!f->l.has_sig || r->seq >= f->l.sig_seq)) {
		f->l.has_sig = true;
		f->l.sig_seq = r->seq;
		memcpy(f->l.sig, item->sig.p, KITH_SIG_BYTES);
	}
	if (f->l.forked) {
		e = kith_tree_add(g, t, f, r, *pos, false, NULL);
		if (e != KITH_OK)
			return e;
	}
	return kith_group_change(g, c, KITH_C_NEW, r, *pos, KITH_S_WAITING);
}
