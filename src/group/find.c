#include <stdlib.h>
#include <string.h>

#include "group/inner.h"

static enum first
first_of(uint32_t state)
{
	if (state & KITH_S_WAITING)
		return FIRST_WAITING;
	return state & KITH_S_REJECTED ? FIRST_REJECTED : FIRST_ACCEPTED;
}

int
kith_find(struct kith_group *g, struct kith_txn *t, const struct kith_id *id, struct held *out)
{
	struct kith_ledger_record lr;
	const struct parked *p;
	int r;

	out->as = HELD_NOT;
	out->act = kith_authority_find(g->a, id);
	if (out->act != NULL) {
		out->as = HELD_ACT;
		return KITH_OK;
	}
	p = kith_map_get(g->parked, kith_id_slice(id));
	if (p != NULL) {
		out->as = HELD_PARKED;
		out->rec = p->rec;
		out->rec.header = out->rec.op = kith_slice_of(NULL, 0);
		out->first = p->rejected ? FIRST_REJECTED : FIRST_WAITING;
		out->rost = NULL;
		return KITH_OK;
	}
	r = kith_ledger_get_id(t, id, &lr);
	if (r == KITH_OK) {
		if (kith_record_parse(lr.header, &out->rec) != KITH_OK)
			return KITH_E_CORRUPT;
		/* another group's record is held by the store, and not by this group */
		if (kith_id_eq(&out->rec.group, &g->id) && (!g->pure || kith_pure_has(g, id))) {
			out->as = HELD_RECORD;
			out->rec.header = out->rec.op = kith_slice_of(NULL, 0);
			out->pos = lr.pos;
			out->feedno = lr.feedno;
			out->rost = kith_map_get(g->rost, kith_id_slice(id));
			r = kith_state_get(g, t, lr.pos, id, &out->state);
			out->first = first_of(out->state);
			return r;
		}
	} else if (r != KITH_E_NOTFOUND) {
		return r;
	}
	out->doc = kith_doc_find(g, id);
	if (out->doc != NULL)
		out->as = HELD_DOC;
	return KITH_OK;
}

/* ---- a feed's records, in order ---- */

void
kith_feed_iter_init(struct feed_iter *it, uint32_t feedno, uint64_t from_seq)
{
	*it = (struct feed_iter){ .feedno = feedno, .from = from_seq };
}

void
kith_feed_iter_fini(struct feed_iter *it)
{
	free(it->v);
	it->v = NULL;
}

/*
 * A page that is full may break off amid one place, and pages begin with a
 * place: what is left of the last one is dropped and comes with the next page.
 */
static int
fill(struct feed_iter *it, struct kith_txn *t)
{
	size_t cap = it->cap == 0 ? 64 : it->cap;
	void *v;
	int r;

	for (;;) {
		if (cap != it->cap) {
			v = realloc(it->v, cap * sizeof(*it->v));
			if (v == NULL)
				return KITH_E_NOMEM;
			it->v = v;
			it->cap = cap;
		}
		r = kith_ledger_range(t, it->feedno, it->from, it->v, it->cap, &it->n);
		if (r != KITH_OK)
			return r;
		it->i = 0;
		if (it->n < it->cap) {
			it->last = true;
			return KITH_OK;
		}
		if (it->v[0].seq != it->v[it->n - 1].seq)
			break;
		cap *= 2;
	}
	it->from = it->v[it->n - 1].seq;
	while (it->v[it->n - 1].seq == it->from)
		it->n--;
	return KITH_OK;
}

int
kith_feed_iter_next(struct feed_iter *it, struct kith_txn *t, struct kith_ledger_at *out)
{
	int r;

	while (it->i == it->n) {
		if (it->last)
			return KITH_E_NOTFOUND;
		r = fill(it, t);
		if (r != KITH_OK)
			return r;
	}
	*out = it->v[it->i++];
	return KITH_OK;
}
