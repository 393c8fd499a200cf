#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/b32.h"
#include "group/inner.h"
#include "wire/mp.h"

/*
 * The pure form (RULES B12): every decision made again from the records alone,
 * in a group of its own that writes nothing, and compared with what is stored.
 */
struct whole {
	struct kith_group *g, *p;       /* the group, and the pure one */
	struct kith_txn *t;
	struct kith_diag *why;
	KITH_VEC(struct seat { uint64_t pos; struct feed *f; bool done; }) list;        /* by position */
	size_t undecided;
	bool last;                      /* what waits now does so for good */
};

bool
kith_pure_has(const struct kith_group *g, const struct kith_id *id)
{
	return g->states == NULL || kith_map_get(g->states, kith_id_slice(id)) != NULL;
}

static int
differs(struct whole *w, const struct kith_id *id, const char *what)
{
	char text[KITH_ID_STR];

	(void)kith_id_str(id, text);
	kith_diag_set(w->why, "group %.12s: %s", text, what);
	return KITH_E_CORRUPT;
}

static int
by_pos(const void *x, const void *y)
{
	const struct seat *a = x, *b = y;

	return a->pos < b->pos ? -1 : a->pos > b->pos;
}

/* The feeds as if nothing of them were held yet, but that some have forked. */
static int
adopt(struct whole *w)
{
	struct kith_ledger_feed l;
	struct kith_ledger_at at;
	struct feed_iter fi;
	struct feed *f;
	size_t it = 0;
	void *v;
	int e = KITH_OK;

	while (e == KITH_OK && kith_map_next(w->g->feeds, &it, NULL, &v)) {
		l = ((struct feed *)v)->l;
		l.next_seq = l.n_held = 0;
		l.has_sig = false;
		memset(&l.tip, 0, sizeof(l.tip));
		e = kith_feed_adopt(w->p, &l, &f);
		if (e != KITH_OK)
			break;
		f->state_known = true;
		kith_feed_iter_init(&fi, l.feedno, 0);
		while ((e = kith_feed_iter_next(&fi, w->t, &at)) == KITH_OK)
			if ((e = kith_vec_push(&w->list, ((struct seat){ at.pos, f, false }))) != KITH_OK)
				break;
		kith_feed_iter_fini(&fi);
		if (e == KITH_E_NOTFOUND)
			e = KITH_OK;
	}
	if (w->list.n > 0)
		qsort(w->list.v, w->list.n, sizeof(*w->list.v), by_pos);
	return e;
}

struct opened {
	struct kith_ledger_record lr;
	struct kith_record r;
	struct kith_op op_room;
	const struct kith_op *op;
	uint8_t header[KITH_HEADER_MAX];
};

static int
open_record(struct whole *w, uint64_t pos, struct opened *o)
{
	int e = kith_ledger_get(w->t, pos, &o->lr);

	if (e == KITH_OK && o->lr.header.n > sizeof(o->header))
		e = KITH_E_CORRUPT;
	if (e != KITH_OK)
		return e;
	memcpy(o->header, o->lr.header.p, o->lr.header.n);
	if (kith_record_parse(kith_slice_of(o->header, o->lr.header.n), &o->r) != KITH_OK)
		return KITH_E_CORRUPT;
	return kith_op_of(w->p, &o->r, &o->op_room, &o->op);
}

/*
 * The first decision again. Nearly always what a record names has come before it;
 * one that was refused for what it names may have been stored first, though, so
 * that those which wait are tried again until nothing more is decided.
 */
static int
first_again(struct whole *w, struct seat *at, struct opened *o)
{
	struct kith_act_proof proof = { 0 };
	struct kith_arena *cut = NULL;
	const struct kith_act *act;
	struct verdict v;
	struct rost *m = NULL;
	uint32_t state = 0;
	int e;

	if (at->f->plane == KITH_PLANE_AUTHORITY) {
		e = kith_act_prove(w->p, w->t, &o->r, o->op, true, &proof, &cut);
		if (e == KITH_OK)
			e = kith_group_add_act(w->p, w->t, &o->r, o->op, &proof, &act);
		kith_arena_free(cut);
		if (e != KITH_OK)
			return e;
		state = (act->valid ? 0 : KITH_S_REJECTED) | (proof.author_ok ? 0 : S_AUTHOR_BAD);
		at->done = true;
		return kith_state_set(w->p, w->t, at->pos, &o->r.id, state);
	}
	e = kith_first(w->p, w->t, &o->r, o->op, at->f, &v);
	if (e != KITH_OK)
		return e;
	if (v.first == FIRST_WAITING && !w->last) {
		w->undecided++;
		return KITH_OK;
	}
	at->done = true;
	state = v.first == FIRST_WAITING ? KITH_S_WAITING : v.first == FIRST_REJECTED ? KITH_S_REJECTED : 0;
	if (v.first == FIRST_ACCEPTED && at->f->plane == KITH_PLANE_ROSTER)
		e = kith_group_add_rost(w->p, w->t, &o->r, o->op, at->pos, at->f, &m);
	kith_front_fini(&v.front);
	if (e == KITH_OK)
		e = kith_state_set(w->p, w->t, at->pos, &o->r.id, state);
	if (e == KITH_OK && v.first != FIRST_WAITING)
		e = kith_feed_place(w->p, w->t, at->f, &o->r, at->pos, v.first == FIRST_ACCEPTED, at->f->plane == KITH_PLANE_ROSTER ? m : v.via,
		    NULL);
	else if (e == KITH_OK)
		e = kith_tree_add(w->p, w->t, at->f, &o->r, at->pos, false, NULL);
	return e;
}

static int
second_again(struct whole *w, const struct seat *at, struct opened *o)
{
	const struct kith_act *act;
	const struct rost *m;
	const struct doc *d;
	struct front front;
	uint32_t state, second = 0;
	int e = kith_state_get(w->p, w->t, at->pos, &o->r.id, &state);

	if (e != KITH_OK || state & (KITH_S_REJECTED | KITH_S_WAITING))
		return e;
	if (at->f->plane == KITH_PLANE_AUTHORITY) {
		act = kith_authority_find(w->p->a, &o->r.id);
		if (act != NULL && act->valid && !act->effective)
			state |= KITH_S_VOID;
		return kith_state_set(w->p, w->t, at->pos, &o->r.id, state);
	}
	m = kith_map_get(w->p->rost, kith_id_slice(&o->r.via));
	d = kith_doc_find(w->p, &o->r.doc);
	if (kith_map_get(w->p->rost, kith_id_slice(&o->r.id)) != NULL || m == NULL || d == NULL)
		return KITH_OK;
	e = kith_front_of(w->p, o->r.frontier, o->r.n_frontier, &front);
	if (e != KITH_OK)
		return e;
	e = kith_second(w->p, w->t, at->f, &o->r, m, d, &front, &second, NULL);
	kith_front_fini(&front);
	return e == KITH_OK ? kith_state_set(w->p, w->t, at->pos, &o->r.id, state | second) : e;
}

/* Messages before their edits, which follow them. */
static int
redact_again(struct whole *w, const struct seat *at, struct opened *o, bool edits)
{
	uint32_t state, flags;
	bool damaged;
	int e;

	if (at->f->plane != KITH_PLANE_TIMELINE || (o->r.kind == KITH_K_EDIT) != edits)
		return KITH_OK;
	e = kith_state_get(w->p, w->t, at->pos, &o->r.id, &state);
	if (e != KITH_OK || state & (KITH_S_REJECTED | KITH_S_WAITING))
		return e;
	e = kith_redact_flags(w->p, w->t, &o->r, o->op != NULL ? &o->op->target : &kith_id_none, &flags, &damaged);
	return e == KITH_OK ? kith_state_set(w->p, w->t, at->pos, &o->r.id, state | flags) : e;
}

static int
compare_record(struct whole *w, const struct seat *at, const struct kith_record *r)
{
	const uint32_t all = KITH_S_REJECTED | KITH_S_WAITING | KITH_S_HIDDEN | KITH_S_SIDE | KITH_S_VOID | KITH_S_RECALLED |
	    KITH_S_REMOVED | KITH_S_EDITED | S_AUTHOR_BAD;
	char what[160], id[KITH_ID_STR];
	uint32_t stored = 0, again = 0;
	int e = kith_ledger_state_get(w->t, at->pos, &stored);

	if (e == KITH_OK)
		e = kith_state_get(w->p, w->t, at->pos, &r->id, &again);
	if (e != KITH_OK || (stored & all) == (again & all))
		return e;
	(void)snprintf(what, sizeof(what), "%s %.12s at %llu is stored as %x, and is %x",
	    kith_kind_name(r->kind) != NULL ? kith_kind_name(r->kind) : "record", kith_id_str(&r->id, id),
	    (unsigned long long)at->pos, (unsigned)(stored & all), (unsigned)(again & all));
	return differs(w, &w->g->id, what);
}

static int
compare_members(struct whole *w)
{
	const struct person *p, *q;
	size_t it = 0;
	void *v;

	while (kith_map_next(w->p->people, &it, NULL, &v)) {
		q = v;
		p = kith_map_get(w->g->people, kith_id_slice(&q->uid));
		if ((q->stands != NULL) != (p != NULL && p->stands != NULL) ||
		    (q->stands != NULL && !kith_id_eq(&q->stands->id, &p->stands->id)))
			return differs(w, &w->g->id, "a membership differs");
	}
	return KITH_OK;
}

/* Readers' facts, unless a flush is due. */
static int
compare_facts(struct whole *w)
{
	uint8_t key[KITH_ID_BYTES + KITH_FACT_KEY_MAX];
	const struct kith_view *now;
	struct kith_mp_reader rd;
	struct kith_slice v;
	struct kith_fact f;
	size_t it = 0;
	bool on;
	int e = kith_authority_now(w->g->a, &now);

	if (w->g->acts_changed.n > 0)
		return KITH_OK;
	memcpy(key, w->g->id.b, KITH_ID_BYTES);
	while (e == KITH_OK && kith_authority_fact_next(w->g->a, &it, &f)) {
		e = kith_txn_get(w->t, KITH_T_FACT, kith_slice_of(key, KITH_ID_BYTES + kith_fact_key(&f, key + KITH_ID_BYTES)), &v);
		on = kith_fact_default(&f);
		if (e == KITH_OK) {
			kith_mp_read(&rd, v);
			on = kith_mp_bool(&rd);
		} else if (e == KITH_E_NOTFOUND) {
			e = KITH_OK;
		}
		if (e == KITH_OK && on != kith_view_fact(now, &f)) {
			char what[128], id[KITH_ID_STR];

			(void)snprintf(what, sizeof(what), "fact %d of %.12s: readers see %s", (int)f.kind, kith_id_str(&f.a, id),
			    on ? "on" : "off");
			return differs(w, &w->g->id, what);
		}
	}
	return e;
}

enum pass { FIRST, SECOND, REDACT, REDACT_EDITS, COMPARE };

static int
pass(struct whole *w, enum pass which)
{
	struct opened *o = malloc(sizeof(*o));
	struct seat *at;
	size_t i;
	int e = o == NULL ? KITH_E_NOMEM : KITH_OK;

	w->undecided = 0;
	for (i = 0; e == KITH_OK && i < w->list.n; i++) {
		at = &w->list.v[i];
		if (which == FIRST && at->done)
			continue;
		e = open_record(w, at->pos, o);
		if (e != KITH_OK) {
			if (e == KITH_E_CORRUPT)
				(void)differs(w, &w->g->id, "a record cannot be read");
			break;
		}
		if (which == FIRST)
			e = first_again(w, at, o);
		else if (which == SECOND)
			e = second_again(w, at, o);
		else if (which == COMPARE)
			e = compare_record(w, at, &o->r);
		else
			e = redact_again(w, at, o, which == REDACT_EDITS);
	}
	free(o);
	return e;
}

static int
first_passes(struct whole *w)
{
	size_t before = SIZE_MAX;
	int e;

	do {
		e = pass(w, FIRST);
		w->last = w->undecided == before;
		before = w->undecided;
	} while (e == KITH_OK && (w->undecided > 0 && !w->last));
	return e == KITH_OK && w->undecided > 0 ? pass(w, FIRST) : e;
}

static int
judge_people(struct whole *w)
{
	size_t it = 0;
	void *v;
	int e = KITH_OK;

	kith_tree_stale(w->p);
	while (e == KITH_OK && kith_map_next(w->p->nodes, &it, NULL, &v))
		e = kith_gnode_judge(w->p, w->t, v, NULL);
	for (it = 0; e == KITH_OK && kith_map_next(w->p->people, &it, NULL, &v);)
		e = kith_person_judge(w->p, w->t, v, NULL);
	return e;
}

int
kith_group_verify(struct kith_group *g, struct kith_txn *t, struct kith_diag *why)
{
	struct whole w = { .g = g, .t = t, .why = why };
	uint32_t act;
	int e = kith_authority_verify(g->a, &act);

	if (e == KITH_E_CORRUPT)
		return differs(&w, &g->id, "authority's one-pass form says otherwise");
	if (e == KITH_OK)
		e = kith_group_new(g->env, g->self, &g->id, &w.p);
	if (e != KITH_OK)
		return e;
	w.p->pure = true;
	w.p->order = g->order;
	w.p->order_ctx = g->order_ctx;
	w.p->member_role = g->member_role;
	w.p->states = kith_map_new();
	/* what waits is held too, where names in cuts are concerned */
	kith_map_free(w.p->parked, NULL);
	w.p->parked = g->parked;
	e = w.p->states == NULL ? KITH_E_NOMEM : kith_docs_load(w.p, t);
	if (e == KITH_OK)
		e = adopt(&w);
	if (e == KITH_OK)
		e = first_passes(&w);
	if (e == KITH_OK)
		e = judge_people(&w);
	if (e == KITH_OK)
		e = pass(&w, SECOND);
	if (e == KITH_OK)
		e = pass(&w, REDACT);
	if (e == KITH_OK)
		e = pass(&w, REDACT_EDITS);
	if (e == KITH_OK)
		e = pass(&w, COMPARE);
	if (e == KITH_OK)
		e = compare_members(&w);
	if (e == KITH_OK)
		e = compare_facts(&w);
	w.p->parked = NULL;
	kith_vec_fini(&w.list);
	kith_group_close(w.p);
	return e;
}
