#include <string.h>

#include "group/inner.h"

/* The verdict that the last record under the same membership got, as long as nothing that it rests on has changed. */

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
bool
kith_quick_verdict(struct kith_group *g, const struct kith_record *r, struct feed *f, struct verdict *v)
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

int
kith_quick_keep(struct kith_group *g, struct rost *m, struct feed *f, enum right right, const struct quick *q)
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
