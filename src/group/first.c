#include <stdlib.h>
#include <string.h>

#include "group/inner.h"
#include "wire/mp.h"

/*
 * The first decision (RULES B2): from what a record names, held or waiting, and
 * the acts it has seen. Rejected as soon as what is held proves a reason, even
 * while other names are missing; else waiting while any is; else by what its
 * author might do. Accepted and rejected never change.
 */
struct look {
	struct kith_group *g;
	struct kith_txn *t;
	const struct kith_record *r;
	const struct kith_op *op;
	struct feed *f;
	struct verdict *v;
	bool waits;
	bool front_whole;               /* all of the frontier is held */
	struct kith_id passed;
	const struct kith_id *parked;   /* what is looked at now is not stored; NULL: it is */
};

static void
need(struct look *k, const struct kith_id *id, uint8_t object)
{
	struct verdict *v = k->v;
	size_t i;

	k->waits = true;
	for (i = 0; i < v->n_needs; i++)
		if (kith_id_eq(&v->need[i].id, id))
			return;
	if (v->n_needs < NEEDS_MAX)
		v->need[v->n_needs++] = (struct need){ *id, object };
}

/* Every end of look_...: undecided unless this was called. */
static int
reject(struct look *k, const char *why)
{
	k->v->first = FIRST_REJECTED;
	k->v->why = why;
	if (k->parked != NULL) {
		k->v->leans = true;
		need(k, k->parked, 0);
	}
	return KITH_OK;
}

static bool
decided(const struct look *k)
{
	return k->v->first == FIRST_REJECTED;
}

/* What is said from now on is said of this one. */
static void
lean_on(struct look *k, const struct held *h, const struct kith_id *id)
{
	k->parked = h->as == HELD_PARKED ? id : NULL;
}

static bool
same_feed(const struct kith_record *x, const struct kith_record *y)
{
	return kith_id_eq(&x->scope, &y->scope) && kith_id_eq(&x->node, &y->node) && x->incarnation == y->incarnation;
}

/* ---- the frontier ---- */

static int
look_frontier(struct look *k)
{
	const struct kith_record *r = k->r;
	const struct kith_act *act[KITH_PARENTS_MAX], *x;
	struct held h;
	uint32_t i, j, n = 0;
	int e;

	if (r->n_frontier == 0)
		return reject(k, "frontier");
	k->front_whole = true;
	for (i = 0; i < r->n_frontier; i++) {
		x = kith_authority_find(k->g->a, &r->frontier[i]);
		if (x == NULL) {
			e = kith_find(k->g, k->t, &r->frontier[i], &h);
			if (e != KITH_OK)
				return e;
			lean_on(k, &h, &r->frontier[i]);
			if (h.as != HELD_NOT && !(h.as == HELD_PARKED &&
			    kith_scope_plane(&h.rec.scope) == KITH_PLANE_AUTHORITY))
				return reject(k, "frontier");
			k->parked = NULL;
			need(k, &r->frontier[i], 0);
			k->front_whole = false;
			continue;
		}
		if (!x->valid)
			return reject(k, "frontier");
		for (j = 0; j < n; j++)
			if (kith_authority_seen(k->g->a, x->index, act[j]->index) ||
			    kith_authority_seen(k->g->a, act[j]->index, x->index))
				return reject(k, "frontier");
		act[n++] = x;
	}
	return k->front_whole ? kith_front_of(k->g, r->frontier, r->n_frontier, &k->v->front) : KITH_OK;
}

/* Must the frontier have seen these, and has not? */
static int
look_cover(struct look *k, const struct front *of)
{
	const uint32_t *list = front_list(of);
	uint32_t i;

	if (!k->front_whole || kith_front_eq(of, &k->v->front))
		return KITH_OK;
	for (i = 0; i < of->n; i++)
		if (!kith_front_saw(k->g, &k->v->front, list[i]))
			return reject(k, "frontier goes back");
	return KITH_OK;
}

static int
look_cover_names(struct look *k, const struct kith_record *of)
{
	const struct kith_act *act;
	uint32_t i;

	if (!k->front_whole)
		return KITH_OK;
	for (i = 0; i < of->n_frontier; i++) {
		act = kith_authority_find(k->g->a, &of->frontier[i]);
		if (act == NULL || !kith_front_saw(k->g, &k->v->front, act->index))
			return reject(k, "frontier goes back");
	}
	return KITH_OK;
}

/* ---- prev ---- */

static int
look_prev(struct look *k)
{
	const struct kith_record *r = k->r;
	struct feed *f = k->f;
	struct held h;
	int e;

	if ((r->seq == 0) != kith_id_is_none(&r->prev))
		return reject(k, "place");
	if (r->seq == 0)
		return KITH_OK;
	if (f != NULL && !f->l.forked && f->l.next_seq > 0 && kith_id_eq(&r->prev, &f->l.tip)) {
		e = kith_feed_know(k->g, k->t, f);
		if (e != KITH_OK)
			return e;
		if (r->seq != f->l.next_seq)
			return reject(k, "place");
		if (f->tip_rejected)
			return reject(k, "prev");
		if (f->front_known)
			return look_cover(k, &f->front);
	}
	e = kith_find(k->g, k->t, &r->prev, &h);
	if (e != KITH_OK)
		return e;
	if (h.as == HELD_NOT) {
		k->v->gap = true;
		need(k, &r->prev, 0);
		return KITH_OK;
	}
	if (h.as != HELD_RECORD && h.as != HELD_PARKED)
		return reject(k, "place");
	lean_on(k, &h, &r->prev);
	if (!same_feed(&h.rec, r) || h.rec.seq + 1 != r->seq)
		return reject(k, "place");
	if (h.as == HELD_PARKED || h.first == FIRST_WAITING)
		k->v->gap = true;
	if (h.first == FIRST_REJECTED)
		return reject(k, "prev");
	if (h.first == FIRST_WAITING)
		need(k, &r->prev, 0);
	e = look_cover_names(k, &h.rec);
	k->parked = NULL;
	return e;
}

/* ---- via ---- */

static bool
is_membership(uint32_t kind)
{
	return kind == KITH_K_JOIN || kind == KITH_K_MOVE;
}

/* A leave's membership must be below it in its branch; what the first record of an incarnation names counts as below. */
enum below { BELOW_YES, BELOW_NO, BELOW_UNKNOWN };

static enum below
below_earlier(const struct look *k, const struct kith_record *via)
{
	const struct rost *root = k->f == NULL ? NULL : k->f->root;
	size_t i;

	if (root == NULL)
		return BELOW_NO;
	for (i = 0; i < root->earlier.n; i++)
		if (root->earlier.v[i].incarnation == via->incarnation && root->earlier.v[i].seq >= via->seq)
			return BELOW_YES;
	return BELOW_NO;
}

/*
 * via: where the membership stands, or its id alone when it is not held; placed:
 * it is accepted, so that its place is one in the ledger.
 */
static int
below(struct look *k, const struct kith_record *via, bool held, bool placed, enum below *out)
{
	struct kith_id at = k->r->prev;
	struct held h;
	struct feed *f = k->f;
	struct tree *x;
	int e;

	*out = BELOW_NO;
	while (!kith_id_is_none(&at)) {
		if (kith_id_eq(&at, &via->id)) {
			*out = BELOW_YES;
			return KITH_OK;
		}
		e = kith_find(k->g, k->t, &at, &h);
		if (e != KITH_OK)
			return e;
		if (h.as == HELD_PARKED) {
			k->parked = &k->passed;
			k->passed = at;
			if (held && same_feed(&h.rec, via) && h.rec.seq <= via->seq)
				return KITH_OK;
			at = h.rec.prev;
			continue;
		}
		if (h.as != HELD_RECORD || f == NULL || h.first == FIRST_WAITING) {
			need(k, &at, 0);
			*out = BELOW_UNKNOWN;
			return KITH_OK;
		}
		/* from here down the chain is whole */
		if (!held) {
			*out = f->root != NULL && f->root->earlier.n > 0 ? BELOW_UNKNOWN : BELOW_NO;
			return KITH_OK;
		}
		if (!same_feed(k->r, via)) {
			*out = below_earlier(k, via);
			return KITH_OK;
		}
		if (!placed)
			return KITH_OK;
		if (!f->l.forked) {
			*out = via->seq <= h.rec.seq ? BELOW_YES : BELOW_NO;
			return KITH_OK;
		}
		e = kith_tree_get(k->g, k->t, f, &x);
		if (e == KITH_OK && kith_tree_below(x, kith_tree_find(x, &via->id), kith_tree_find(x, &at)))
			*out = BELOW_YES;
		return e;
	}
	return KITH_OK;
}

static void
record_of(const struct rost *m, struct kith_record *out)
{
	out->id = m->id;
	out->scope = m->feed->l.key.scope;
	out->node = m->feed->l.key.node;
	out->incarnation = m->feed->l.key.incarnation;
	out->seq = m->seq;
}

static int
look_leave(struct look *k, const struct kith_record *via, bool held, bool placed)
{
	enum below b;
	int e;

	if (k->r->kind != KITH_K_LEAVE)
		return KITH_OK;
	e = below(k, via, held, placed, &b);
	if (e == KITH_OK && b == BELOW_NO)
		e = reject(k, "leave");
	k->parked = NULL;
	return e;
}

static int
look_via(struct look *k, struct kith_id *via_doc)
{
	const struct kith_record *r = k->r;
	struct kith_record place;
	struct held h;
	struct rost *m;
	int e;

	if (kith_id_is_none(&r->via)) {
		if (is_membership(r->kind) ? r->kind == KITH_K_JOIN : kith_id_is_none(&r->author))
			return KITH_OK;
		if (kith_kind_name(r->kind) == NULL && kith_scope_plane(&r->scope) == KITH_PLANE_ROSTER)
			return KITH_OK;
		return reject(k, "membership");
	}
	if (r->kind == KITH_K_JOIN || kith_id_is_none(&r->author))
		return reject(k, "form");
	m = kith_map_get(k->g->rost, kith_id_slice(&r->via));
	if (m != NULL) {
		if (!is_membership(m->kind) || !kith_id_eq(&m->who->uid, &r->author))
			return reject(k, "membership");
		if (r->kind != KITH_K_MOVE && !kith_id_eq(&m->feed->l.key.node, &r->node))
			return reject(k, "membership");
		k->v->via = m;
		*via_doc = m->doc->id;
		e = look_cover(k, &m->front);
		if (e != KITH_OK || decided(k) || r->kind != KITH_K_LEAVE)
			return e;
		record_of(m, &place);
		return look_leave(k, &place, true, true);
	}
	e = kith_find(k->g, k->t, &r->via, &h);
	if (e != KITH_OK)
		return e;
	if (h.as == HELD_NOT) {
		need(k, &r->via, 0);
		place.id = r->via;
		return look_leave(k, &place, false, false);
	}
	if (h.as != HELD_RECORD && h.as != HELD_PARKED)
		return reject(k, "membership");
	lean_on(k, &h, &r->via);
	if (!is_membership(h.rec.kind) || !kith_id_eq(&h.rec.author, &r->author) || h.first == FIRST_REJECTED ||
	    kith_scope_plane(&h.rec.scope) != KITH_PLANE_ROSTER)
		return reject(k, "membership");
	if (r->kind != KITH_K_MOVE && !kith_id_eq(&h.rec.node, &r->node))
		return reject(k, "membership");
	need(k, &r->via, 0);
	*via_doc = h.rec.doc;
	e = look_cover_names(k, &h.rec);
	if (e == KITH_OK && !decided(k))
		e = look_leave(k, &h.rec, true, false);
	k->parked = NULL;
	return e;
}

/* ---- the document, and other objects ---- */

static int
want_doc(struct look *k, const struct kith_id *id, struct doc **out)
{
	struct kith_id missing;
	struct held h;
	int e;

	*out = kith_doc_find(k->g, id);
	if (*out != NULL)
		return KITH_OK;
	e = kith_doc_want(k->g, k->t, id, &missing);
	if (e != KITH_OK)
		return e;
	*out = kith_doc_find(k->g, id);
	if (*out != NULL)
		return KITH_OK;
	e = kith_find(k->g, k->t, id, &h);
	if (e != KITH_OK)
		return e;
	if (h.as != HELD_NOT)
		return reject(k, "document");
	need(k, id, 1);
	if (!kith_id_is_none(&missing))
		need(k, &missing, 1);
	return KITH_OK;
}

static int
look_doc(struct look *k, const struct kith_id *via_doc)
{
	const struct kith_record *r = k->r;
	struct doc *d, *before;
	int e;

	if (kith_id_is_none(&r->author))
		return KITH_OK;
	if (kith_id_is_none(&r->doc))
		return reject(k, "document");
	e = want_doc(k, &r->doc, &d);
	if (e != KITH_OK || d == NULL)
		return e;
	if (!d->sound || !kith_id_eq(&d->uid, &r->author) || !kith_id_eq(&d->home, &r->node))
		return reject(k, "document");
	if (r->kind == KITH_K_MOVE && !kith_id_is_none(via_doc)) {
		before = kith_doc_find(k->g, via_doc);
		if (before != NULL && d->n <= before->n)
			return reject(k, "document");
	}
	k->v->doc = d;
	return KITH_OK;
}

static int
want_object(struct look *k, const struct kith_id *id)
{
	bool has;
	int e = kith_object_want(k->g, k->t, id, &has);

	if (e == KITH_OK && !has)
		need(k, id, 1);
	return e;
}

/* Does some document of that person have this home? Only their home can have made an invite in their name. */
static bool
lives_at(const struct kith_group *g, const struct kith_id *uid, const struct kith_id *node)
{
	const struct person *p = kith_map_get(g->people, kith_id_slice(uid));
	size_t i;

	for (i = 0; p != NULL && i < p->docs.n; i++)
		if (p->docs.v[i]->sound && kith_id_eq(&p->docs.v[i]->home, node))
			return true;
	return false;
}

static int
look_invite(struct look *k)
{
	const struct kith_op *op = k->op;
	struct kith_invite inv;
	struct kith_slice raw;
	struct kith_buf b;
	uint8_t type;
	bool has;
	int e = kith_object_want(k->g, k->t, &op->invite, &has);

	if (e == KITH_OK && !has) {
		need(k, &op->invite, 1);
		return KITH_OK;
	}
	if (e == KITH_OK)
		e = kith_ledger_object_get(k->t, &op->invite, &type, &raw);
	if (e != KITH_OK)
		return e;
	/* its node's signature was checked before it was kept */
	if (type != KITH_O_INVITE || kith_invite_parse(raw, &inv) != KITH_OK || !kith_id_eq(&inv.group, &k->g->id))
		return reject(k, "invite");
	k->v->maker = inv.maker;
	if (k->v->doc != NULL && (k->v->doc->flags & KITH_DOC_GUEST) != 0 && !inv.guests)
		return reject(k, "guests");
	if (!lives_at(k->g, &inv.maker, &inv.node)) {
		struct kith_id missing;

		e = kith_doc_want(k->g, k->t, &inv.maker, &missing);
		if (e != KITH_OK)
			return e;
		if (!lives_at(k->g, &inv.maker, &inv.node))
			need(k, &inv.maker, 1);
	}
	if (kith_id_is_none(&inv.counter))
		return KITH_OK;
	if (!(op->has & KITH_OP_BIT(KITH_OP_COUNT)) || op->count == 0 || (inv.uses != 0 && op->count > inv.uses) ||
	    op->count_sig.n != KITH_SIG_BYTES)
		return reject(k, "invite");
	kith_buf_init(&b, 0);
	kith_count_bytes(&op->invite, op->count, &k->r->author, &b);
	e = kith_buf_err(&b);
	if (e == KITH_OK)
		e = kith_node_verify(k->g->env, k->t, &inv.counter, KITH_L_COUNT, kith_buf_slice(&b), op->count_sig.p);
	kith_buf_fini(&b);
	/* a bad one may be by a key of a node record that has not come yet */
	if (e == KITH_E_MISSING || e == KITH_E_BADSIG) {
		need(k, &inv.counter, 1);
		return KITH_OK;
	}
	return e;
}

static int
look_objects(struct look *k)
{
	const struct kith_op *op = k->op;
	struct kith_node_record n;
	bool has;
	int e = KITH_OK;

	if (op->has & KITH_OP_BIT(KITH_OP_CUT))
		e = want_object(k, &op->cut);
	if (e == KITH_OK && op->has & KITH_OP_BIT(KITH_OP_NODE_RECORD)) {
		e = kith_object_want(k->g, k->t, &op->node_record, &has);
		if (e == KITH_OK && !has) {
			e = kith_node_get(k->t, &k->r->node, &n);
			if (e == KITH_E_NOTFOUND || (e == KITH_OK && !kith_id_eq(&n.id, &op->node_record))) {
				need(k, &op->node_record, 1);
				e = KITH_OK;
			}
		}
	}
	if (e == KITH_OK && op->has & KITH_OP_BIT(KITH_OP_INVITE))
		e = look_invite(k);
	return e;
}

/* ---- what its author may do ---- */

static int
may(struct look *k)
{
	const struct kith_record *r = k->r;
	struct verdict *v = k->v;
	struct reading q;
	const char *why = "permission";
	int e;

	kith_reading_init(&q, k->g, k->t, k->f, r->seq, r->clock, &v->front);
	e = kith_authority_view(k->g->a, r->frontier, r->n_frontier, &q.view);
	if (e == KITH_E_DENIED)
		return reject(k, "frontier");
	if (e != KITH_OK)
		return e;
	v->first = FIRST_ACCEPTED;
	v->clock_hi = UINT64_MAX;
	if (r->kind == KITH_K_LEAVE)
		return KITH_OK;
	if (!kith_fact_on(&q, KITH_F_NODE, &r->node, NULL, NULL))
		return reject(k, "node");
	if (kith_id_is_none(&r->author))
		return KITH_OK;
	if (!kith_fact_on(&q, KITH_F_NOT_BANNED, &r->author, NULL, NULL))
		return reject(k, "banned");
	if (r->kind == KITH_K_JOIN) {
		if (!kith_way_holds(&q, &r->author, (uint8_t)k->op->how, &k->op->invite, &v->maker))
			return q.err != KITH_OK ? q.err : reject(k, "way");
		return q.err;
	}
	if (v->via != NULL && kith_is_over(&q, v->via))
		return q.err != KITH_OK ? q.err : reject(k, "over");
	if (r->kind == KITH_K_MOVE || v->via == NULL)
		return q.err;
	if (!kith_may_write(&q, &r->author, (v->doc->flags & KITH_DOC_GUEST) != 0, &r->scope, kith_right_of(r->kind), &why))
		return q.err != KITH_OK ? q.err : reject(k, why);
	v->clock_lo = q.clock_lo;
	v->clock_hi = q.clock_hi;
	return q.err;
}

static int
look_form(struct look *k)
{
	const struct kith_record *r = k->r;
	enum kith_plane plane = kith_scope_plane(&r->scope);
	bool known = kith_kind_name(r->kind) != NULL, own = r->kind == KITH_K_NODE_JOIN || r->kind == KITH_K_NODE_REKEY;

	if (known && !kith_kind_in_plane(r->kind, plane))
		return reject(k, "kind");
	if (k->op == NULL)
		return reject(k, "form");
	if (plane == KITH_PLANE_ROSTER && own != (r->seq == 0))
		return reject(k, "place");
	if (plane == KITH_PLANE_TIMELINE && kith_id_is_none(&r->author))
		return reject(k, "form");
	return KITH_OK;
}

static int
look(struct look *k)
{
	struct kith_id via_doc = kith_id_none;
	int e = look_form(k);

	if (e == KITH_OK && !decided(k))
		e = look_frontier(k);
	if (e == KITH_OK && !decided(k))
		e = look_prev(k);
	if (e == KITH_OK && !decided(k))
		e = look_via(k, &via_doc);
	if (e == KITH_OK && !decided(k))
		e = look_doc(k, &via_doc);
	if (e == KITH_OK && !decided(k))
		e = look_objects(k);
	if (e != KITH_OK || decided(k) || k->waits)
		return e;
	if (k->v->doc != NULL && (k->r->has_author_sig || (k->v->doc->flags & KITH_DOC_SELF_SIGNED) != 0)) {
		e = kith_record_author_check(k->g->env, k->r, k->v->doc->pk);
		if (e == KITH_E_BADSIG)
			return reject(k, "signature");
		if (e != KITH_OK)
			return e;
	}
	return may(k);
}

/*
 * Of a rejected record, whatever the reason: it has a place in its feed only on top of what is before it there. While that is
 * missing there is a gap; one that will never have a place is not kept, or nodes would differ in what nobody can ask for.
 */
static int
has_place(struct look *k)
{
	const struct kith_record *r = k->r;
	struct held h;
	int e;

	if (r->seq == 0 || kith_id_is_none(&r->prev)) {
		k->v->astray = r->seq != 0 || !kith_id_is_none(&r->prev);
		return KITH_OK;
	}
	e = kith_find(k->g, k->t, &r->prev, &h);
	if (e != KITH_OK)
		return e;
	k->v->astray = h.as != HELD_NOT && ((h.as != HELD_RECORD && h.as != HELD_PARKED) || !same_feed(&h.rec, r) || h.rec.seq + 1 != r->seq);
	k->v->gap = !k->v->astray && (h.as != HELD_RECORD || h.first == FIRST_WAITING);
	if (k->v->gap)
		need(k, &r->prev, 0);
	return KITH_OK;
}

int
kith_first(struct kith_group *g, struct kith_txn *t, const struct kith_record *r, const struct kith_op *op, struct feed *f,
    struct verdict *v)
{
	struct look k = { .g = g, .t = t, .r = r, .op = op, .f = f, .v = v };
	int e;

	memset(v, 0, offsetof(struct verdict, need));
	v->n_needs = 0;
	v->first = FIRST_WAITING;
	e = look(&k);
	if (e == KITH_OK && v->first == FIRST_REJECTED)
		e = has_place(&k);
	if (e != KITH_OK || v->first != FIRST_ACCEPTED)
		kith_front_fini(&v->front);
	return e;
}

/* ---- authority ---- */

static int
need_quorum(struct look *k)
{
	struct kith_mp_reader rd;
	struct kith_id doc;
	struct doc *d;
	uint8_t sig[KITH_SIG_BYTES];
	uint32_t n;
	int e = KITH_OK;

	kith_mp_read(&rd, k->op->sigs);
	for (n = kith_mp_array(&rd); e == KITH_OK && !decided(k) && n > 0 && rd.err == KITH_OK; n--) {
		kith_mp_array_exact(&rd, 3);
		(void)kith_mp_id(&rd);
		doc = kith_mp_id(&rd);
		kith_mp_bin_exact(&rd, sig, sizeof(sig));
		e = want_doc(k, &doc, &d);
	}
	return e;
}

static int
need_acts(struct look *k, const struct kith_id *id, uint32_t n)
{
	struct held h;
	uint32_t i;
	int e;

	for (i = 0; i < n; i++) {
		e = kith_find(k->g, k->t, &id[i], &h);
		if (e != KITH_OK)
			return e;
		if (h.as == HELD_ACT)
			continue;
		if (h.as != HELD_NOT && !(h.as == HELD_PARKED && kith_scope_plane(&h.rec.scope) == KITH_PLANE_AUTHORITY))
			return reject(k, "form");
		need(k, &id[i], 0);
	}
	return KITH_OK;
}

int
kith_act_needs(struct kith_group *g, struct kith_txn *t, const struct kith_record *r, const struct kith_op *op, struct verdict *v)
{
	struct look k = { .g = g, .t = t, .r = r, .op = op, .v = v };
	struct doc *d;
	int e;

	memset(v, 0, offsetof(struct verdict, need));
	v->n_needs = 0;
	v->first = FIRST_WAITING;
	if ((r->seq == 0) != kith_id_is_none(&r->prev))
		return reject(&k, "place");
	if (r->kind != KITH_K_CREATE && r->n_parents == 0)
		return reject(&k, "form");
	e = need_acts(&k, r->parents, r->n_parents);
	if (e == KITH_OK && !decided(&k) && r->seq > 0) {
		e = need_acts(&k, &r->prev, 1);
		v->gap = e == KITH_OK && kith_authority_find(g->a, &r->prev) == NULL;
	}
	if (e == KITH_OK && !decided(&k) && !kith_id_is_none(&r->doc))
		e = want_doc(&k, &r->doc, &d);
	/* something else of that name is held: no document, and none to wait for */
	if (e == KITH_OK && decided(&k) && v->why != NULL && strcmp(v->why, "document") == 0)
		v->first = FIRST_WAITING;
	if (op != NULL && e == KITH_OK && !decided(&k)) {
		if (op->has & KITH_OP_BIT(KITH_OP_DOC))
			e = want_doc(&k, &op->doc, &d);
		if (e == KITH_OK && op->has & KITH_OP_BIT(KITH_OP_CUT))
			e = want_object(&k, &op->cut);
		if (e == KITH_OK && op->has & KITH_OP_BIT(KITH_OP_INVITE))
			e = want_object(&k, &op->invite);
		if (e == KITH_OK && op->has & KITH_OP_BIT(KITH_OP_SIGS))
			e = need_quorum(&k);
	}
	if (e == KITH_OK && !decided(&k) && !k.waits)
		v->first = FIRST_ACCEPTED;
	return e;
}

static int
prove_quorum(struct kith_group *g, const struct kith_op *op, uint32_t *ok)
{
	struct kith_mp_reader rd;
	struct kith_buf b;
	struct kith_id uid, doc;
	const struct doc *d;
	uint8_t sig[KITH_SIG_BYTES];
	uint32_t n;
	int e;

	kith_buf_init(&b, 0);
	e = kith_succeed_bytes(&g->id, &op->set, op->users, op->n_users, &b);
	kith_mp_read(&rd, op->sigs);
	for (n = kith_mp_array(&rd); e == KITH_OK && n > 0 && rd.err == KITH_OK; n--) {
		kith_mp_array_exact(&rd, 3);
		uid = kith_mp_id(&rd);
		doc = kith_mp_id(&rd);
		kith_mp_bin_exact(&rd, sig, sizeof(sig));
		d = kith_doc_find(g, &doc);
		if (d == NULL || !d->sound || !kith_id_eq(&d->uid, &uid))
			continue;
		e = g->env->verify(g->env->ctx, d->pk, KITH_L_AUTHOR, kith_buf_slice(&b), sig);
		if (e == KITH_OK)
			(*ok)++;
		else if (e == KITH_E_BADSIG)
			e = KITH_OK;
	}
	kith_buf_fini(&b);
	return e;
}

int
kith_act_prove(struct kith_group *g, struct kith_txn *t, const struct kith_record *r, const struct kith_op *op, bool author,
    struct kith_act_proof *proof, struct kith_arena **cut)
{
	struct doc *d = kith_doc_find(g, &r->doc);
	struct kith_invite inv;
	struct kith_slice raw;
	uint8_t type;
	int e = KITH_OK;

	if (d != NULL)
		proof->doc_n = d->n;
	if (author) {
		proof->author_ok = d != NULL && d->sound && kith_id_eq(&d->uid, &r->author);
		if (proof->author_ok) {
			e = kith_record_author_check(g->env, r, d->pk);
			proof->author_ok = e == KITH_OK;
			if (e == KITH_E_BADSIG)
				e = KITH_OK;
		}
	}
	if (op == NULL)
		return e;
	if (e == KITH_OK && op->has & KITH_OP_BIT(KITH_OP_DOC)) {
		d = kith_doc_find(g, &op->doc);
		if (d != NULL && d->sound && kith_id_eq(&d->uid, &r->author))
			proof->rekey_n = d->n;
	}
	if (e == KITH_OK && op->has & KITH_OP_BIT(KITH_OP_SIGS))
		e = prove_quorum(g, op, &proof->quorum_sigs_ok);
	if (e == KITH_OK && op->has & KITH_OP_BIT(KITH_OP_INVITE)) {
		e = kith_ledger_object_get(t, &op->invite, &type, &raw);
		if (e == KITH_OK && type == KITH_O_INVITE && kith_invite_parse(raw, &inv) == KITH_OK)
			proof->invite_maker = inv.maker;
		if (e == KITH_E_NOTFOUND)
			e = KITH_OK;
	}
	if (e == KITH_OK && op->has & KITH_OP_BIT(KITH_OP_CUT)) {
		e = kith_cut_load(t, &op->cut, cut, &proof->cut);
		if (e == KITH_E_NOTFOUND)
			e = KITH_E_CORRUPT;
	}
	return e;
}
