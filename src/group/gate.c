#include <stdlib.h>
#include <string.h>

#include "group/inner.h"
#include "wire/mp.h"

/*
 * The one door. Whatever brings a record, it passes here: run (form, chain, one
 * signature), then record by record: held? clock, what it names, verdict, place.
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

/* ---- the verdict that the last one under the same membership got ---- */

static struct quick *
quick_of(struct rost *m, const struct feed *f, enum right right)
{
	size_t i;

	for (i = 0; i < m->quick.n; i++)
		if (m->quick.v[i].feed == f && m->quick.v[i].right == right)
			return &m->quick.v[i];
	return NULL;
}

/*
 * Nothing that verdicts rest on has changed since, the record follows its feed's
 * tip and has seen what that had seen: so it is judged as the one before.
 */
static bool
quick_verdict(struct kith_group *g, const struct kith_record *r, struct feed *f, struct verdict *v)
{
	struct rost *m;
	const struct quick *k;

	if (f == NULL || f->plane != KITH_PLANE_TIMELINE || kith_feed_needs_tree(f) || !f->state_known || f->tip_rejected ||
	    !f->front_known || r->seq != f->l.next_seq || !kith_id_eq(&r->prev, &f->l.tip) || r->has_author_sig ||
	    !kith_kind_in_plane(r->kind, KITH_PLANE_TIMELINE) || f->names.n != r->n_frontier ||
	    memcmp(f->names.v, r->frontier, r->n_frontier * sizeof(*r->frontier)) != 0)
		return false;
	m = kith_map_get(g->rost, kith_id_slice(&r->via));
	if (m == NULL || m->who == NULL || m->doc == NULL || m->kind == KITH_K_LEAVE || !kith_id_eq(&m->doc->id, &r->doc) ||
	    !kith_id_eq(&m->who->uid, &r->author) || m->feed->node != f->node)
		return false;
	k = quick_of(m, f, kith_right_of(r->kind));
	if (k == NULL || k->epoch != g->epoch || k->front_gen != f->gen || r->seq > k->seq_hi || r->clock < k->clock_lo ||
	    r->clock >= k->clock_hi)
		return false;
	memset(v, 0, offsetof(struct verdict, need));
	v->n_needs = 0;
	v->first = FIRST_ACCEPTED;
	v->quick = true;
	v->state = k->visible ? 0 : KITH_S_HIDDEN;
	v->via = m;
	v->doc = m->doc;
	return true;
}

static int
quick_keep(struct kith_group *g, struct rost *m, struct feed *f, enum right right, const struct quick *q)
{
	struct quick *k = quick_of(m, f, right);

	if (f->plane != KITH_PLANE_TIMELINE || kith_feed_needs_tree(f) || (m->doc->flags & KITH_DOC_SELF_SIGNED) != 0)
		return KITH_OK;
	if (k == NULL && m->quick.n < 32) {
		if (kith_vec_grow(&m->quick) != KITH_OK)
			return KITH_E_NOMEM;
		k = &m->quick.v[m->quick.n - 1];
	} else if (k == NULL) {
		k = &m->quick.v[m->quick_at++ % m->quick.n];
	}
	*k = *q;
	k->feed = f;
	k->right = (uint8_t)right;
	k->epoch = g->epoch;
	k->front_gen = f->gen;
	return KITH_OK;
}

int
kith_gate_decide(struct kith_group *g, struct kith_txn *t, const struct kith_record *r, const struct kith_op *op, struct feed *f,
    struct verdict *v)
{
	if (kith_scope_plane(&r->scope) == KITH_PLANE_AUTHORITY)
		return kith_act_needs(g, t, r, op, v);
	if (op != NULL && quick_verdict(g, r, f, v))
		return KITH_OK;
	return kith_first(g, t, r, op, f, v);
}

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
		e = quick_keep(g, v->via, f, kith_right_of(r->kind), &q);
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
static int
promote(struct kith_group *g, struct kith_txn *t, struct kith_now now, struct feed *f, struct kith_changes *c, struct kith_missings *m)
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
	return e == KITH_OK && f->plane != KITH_PLANE_AUTHORITY ? promote(g, t, now, f, c, m) : e;
}

/* A record of a page, above a gap: kept and shown provisionally. */
static int
store_waiting(struct kith_group *g, struct kith_txn *t, const struct kith_record *r, const struct kith_op *op,
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

/* ---- one record ---- */

enum entry { ENTRY_STORED, ENTRY_HELD, ENTRY_PARKED, ENTRY_GAP, ENTRY_EARLY, ENTRY_REFUSED };

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

static int
enter(struct kith_group *g, struct kith_txn *t, struct kith_now now, const struct kith_record *r, const struct kith_item *item,
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
		return store_waiting(g, t, r, op, item, c, &pos);
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
			e = promote(g, t, now, f, c, m);
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

/* ---- a run ---- */

static bool
run_fits(const struct kith_group *g, const struct kith_record *a, const struct kith_record *b)
{
	return kith_id_eq(&b->group, &g->id) && kith_id_eq(&a->scope, &b->scope) && kith_id_eq(&a->node, &b->node) &&
	    a->incarnation == b->incarnation && b->seq >= a->seq && b->seq - a->seq <= 1;
}

/* Does a record that is held name this one as the one before it? Then it is proven. */
static int
proven_from_above(struct kith_group *g, struct kith_txn *t, const struct kith_record *r, bool *out)
{
	struct kith_ledger_record lr;
	struct kith_record above;
	struct feed *f;
	uint64_t pos[8];
	size_t n, i;
	int e;

	*out = false;
	f = kith_group_feed_(g, t, &r->scope, &r->node, r->incarnation, false, &e);
	if (f == NULL)
		return e;
	e = kith_ledger_place(t, f->l.feedno, r->seq + 1, pos, 8, &n);
	for (i = 0; e == KITH_OK && i < n && i < 8 && !*out; i++) {
		e = kith_read(t, pos[i], &lr, &above);
		if (e == KITH_E_CORRUPT)
			e = KITH_OK;
		else if (e == KITH_OK)
			*out = kith_id_eq(&above.prev, &r->id);
	}
	return e;
}

static bool
proven_in_run(const struct kith_record *rec, size_t n, size_t i)
{
	size_t j;

	for (j = i + 1; j < n && rec[j].seq <= rec[i].seq + 1; j++)
		if (rec[j].seq == rec[i].seq + 1 && kith_id_eq(&rec[j].prev, &rec[i].id))
			return true;
	return false;
}

/*
 * From the last to the first: each is named by one behind it that is proven, or
 * bears a good signature. So a plain run costs one.
 */
static int
prove_run(struct kith_group *g, struct kith_txn *t, const struct kith_run *run, const struct kith_record *rec, size_t i_first,
    struct kith_missings *m)
{
	bool proven;
	size_t i;
	int e = KITH_OK;

	for (i = run->n; e == KITH_OK && i-- > i_first;) {
		if (proven_in_run(rec, run->n, i))
			continue;
		if (run->item[i].sig.n == KITH_SIG_BYTES) {
			e = kith_node_verify(g->env, t, &rec[i].node, KITH_L_TIP, kith_id_slice(&rec[i].id), run->item[i].sig.p);
			if (e == KITH_E_MISSING && kith_missing_add(m, &rec[i].node, 1, &rec[i].node) != KITH_OK)
				e = KITH_E_NOMEM;
			continue;
		}
		e = proven_from_above(g, t, &rec[i], &proven);
		if (e == KITH_OK && !proven)
			e = KITH_E_BADSIG;
	}
	return e;
}

/* Form, and which of them are held: what is held at the front needs no proof. */
static int
open_run(struct kith_group *g, struct kith_txn *t, const struct kith_run *run, struct kith_record *rec, struct kith_item *item,
    size_t *i_first)
{
	uint64_t pos;
	size_t i;
	bool all_held = true;
	int e;

	*i_first = 0;
	for (i = 0; i < run->n; i++) {
		item[i] = run->item[i];
		if (item[i].sig.n != 0 && item[i].sig.n != KITH_SIG_BYTES)
			return KITH_E_MALFORMED;
		e = kith_record_parse(item[i].header, &rec[i]);
		if (e != KITH_OK)
			return e;
		if (!run_fits(g, &rec[i > 0 ? i - 1 : 0], &rec[i]))
			return KITH_E_MALFORMED;
		if (item[i].body.n > 0) {
			e = kith_record_body_ok(&rec[i], item[i].body);
			if (e == KITH_E_MALFORMED || e == KITH_E_LIMIT)
				item[i].body = kith_slice_of(NULL, 0);  /* its author's doing: the record stands without it */
			else if (e != KITH_OK)
				return e;
		}
		if (!all_held)
			continue;
		e = kith_ledger_find(t, &rec[i].id, &pos);
		if (e != KITH_OK && e != KITH_E_NOTFOUND)
			return e;
		all_held = e == KITH_OK;
		if (all_held)
			*i_first = i + 1;
	}
	return KITH_OK;
}

static int
take_run(struct kith_group *g, struct kith_txn *t, struct kith_now now, const struct kith_id *from, const struct kith_run *run,
    const struct kith_record *rec, const struct kith_item *item, struct kith_changes *c, struct kith_missings *m,
    struct kith_run_result *res)
{
	bool gap = false, early = false;
	enum entry how;
	size_t i;
	int e = KITH_OK;

	for (i = 0; e == KITH_OK && i < run->n; i++) {
		e = enter(g, t, now, &rec[i], &item[i], from, run->history, c, m, &how);
		if (e != KITH_OK)
			break;
		switch (how) {
		case ENTRY_STORED:
			res->stored++;
			if (kith_id_eq(&rec[i].node, &g->self->node) && rec[i].incarnation == g->self->incarnation)
				e = kith_group_change(g, c, KITH_C_OWN, &rec[i], 0, 0);
			break;
		case ENTRY_HELD:
			res->held_before++;
			break;
		case ENTRY_GAP:
			gap = true;
			res->parked++;
			break;
		case ENTRY_PARKED:
			res->parked++;
			break;
		case ENTRY_EARLY:
			early = true;
			res->parked += kith_map_get(g->parked, kith_id_slice(&rec[i].id)) != NULL;
			break;
		case ENTRY_REFUSED:
			res->refused++;
			if (res->first_error == KITH_OK)
				res->first_error = KITH_E_MALFORMED;
			break;
		}
		if (e == KITH_OK && (g->queue.n > 0 || kith_scope_plane(&rec[i].scope) != KITH_PLANE_TIMELINE))
			e = kith_gate_drain(g, t, now, c, m);
	}
	if (e == KITH_OK)
		e = kith_gate_drain(g, t, now, c, m);
	if (e == KITH_OK && g->blocked)
		e = kith_gate_unblock(g, t, now, c, m);
	if (e == KITH_OK)
		e = kith_feeds_put(g, t);
	if (e != KITH_OK)
		return e;
	return early ? KITH_E_EARLY : gap ? KITH_E_MISSING : KITH_OK;
}

int
kith_group_run(struct kith_group *g, struct kith_txn *t, struct kith_now now, const struct kith_id *from_peer,
    const struct kith_run *run, struct kith_changes *c, struct kith_missings *m, struct kith_run_result *res)
{
	struct kith_record *rec = NULL;
	struct kith_item *item = NULL;
	size_t i_first;
	int e = KITH_E_NOMEM;

	memset(res, 0, sizeof(*res));
	if (run->n == 0)
		return KITH_OK;
	if (run->n > RUN_MAX)
		return res->first_error = KITH_E_LIMIT;
	rec = malloc(run->n * sizeof(*rec));
	item = malloc(run->n * sizeof(*item));
	if (rec == NULL || item == NULL)
		goto done;
	e = open_run(g, t, run, rec, item, &i_first);
	if (e == KITH_OK)
		e = prove_run(g, t, run, rec, i_first, m);
	if (e == KITH_E_MALFORMED || e == KITH_E_BADSIG || e == KITH_E_LIMIT) {
		res->refused = run->n;
		res->first_error = e;
	}
	if (e == KITH_OK)
		e = take_run(g, t, now, from_peer, run, rec, item, c, m, res);
done:
	free(rec);
	free(item);
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
