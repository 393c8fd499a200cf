#include <stdlib.h>
#include <string.h>

#include "group/inner.h"
#include "wire/mp.h"

/* What the group tells others: verdicts, tips, ranges, names of objects. */

int
kith_group_verdict(struct kith_group *g, struct kith_txn *t, const struct kith_id *id, enum kith_verdict *out)
{
	struct held h;
	int e = kith_find(g, t, id, &h);

	if (e != KITH_OK)
		return e;
	switch (h.as) {
	case HELD_ACT:
		*out = !h.act->valid ? KITH_V_REJECTED : h.act->effective ? KITH_V_VISIBLE : KITH_V_HIDDEN;
		break;
	case HELD_RECORD:
	case HELD_PARKED:
		if (h.first == FIRST_WAITING)
			*out = KITH_V_WAITING;
		else if (h.first == FIRST_REJECTED)
			*out = KITH_V_REJECTED;
		else
			*out = h.state & KITH_S_HIDDEN ? KITH_V_HIDDEN : KITH_V_VISIBLE;
		break;
	default:
		*out = KITH_V_UNKNOWN;
		break;
	}
	return KITH_OK;
}

/* ---- tips ---- */

static void
tip_of(const struct feed *f, struct kith_feed_tip *out)
{
	*out = (struct kith_feed_tip){ .scope = f->l.key.scope, .node = f->l.key.node, .incarnation = f->l.key.incarnation,
		.seq = f->l.next_seq > 0 ? f->l.next_seq - 1 : UINT64_MAX, .forked = f->l.forked };
	if (f->l.next_seq > 0)
		out->id = f->l.tip;
	out->top_seq = f->l.n_held > f->l.next_seq ? f->l.n_held - 1 : out->seq;
}

bool
kith_group_feed_next(struct kith_group *g, struct kith_txn *t, size_t *it, struct kith_feed_tip *out)
{
	const struct feed *f;
	void *v;

	(void)t;
	while (kith_map_next(g->feeds, it, NULL, &v)) {
		f = v;
		if (f->l.n_held == 0)
			continue;
		tip_of(f, out);
		return true;
	}
	return false;
}

int
kith_group_feed_tip(struct kith_group *g, struct kith_txn *t, const struct kith_id *scope, const struct kith_id *node,
    uint64_t incarnation, struct kith_feed_tip *out)
{
	struct feed *f;
	int e;

	f = kith_group_feed_(g, t, scope, node, incarnation, false, &e);
	if (f == NULL || f->l.n_held == 0)
		return e != KITH_OK ? e : KITH_E_NOTFOUND;
	tip_of(f, out);
	return KITH_OK;
}

/* ---- ranges ---- */

struct range {
	struct kith_group *g;
	struct kith_txn *t;
	struct feed *f;
	struct kith_arena *a;
	struct kith_item *item;
	struct kith_id *prev, *id;
	uint64_t *seq;
	size_t n;
};

static int
take_item(struct range *k, const struct kith_ledger_at *at)
{
	struct kith_ledger_record lr;
	struct kith_record r;
	struct kith_item *item = &k->item[k->n];
	uint32_t state;
	int e = kith_read(k->t, at->pos, &lr, &r);

	if (e == KITH_OK)
		e = kith_state_get(k->g, k->t, at->pos, &r.id, &state);
	if (e != KITH_OK)
		return e;
	*item = (struct kith_item){ .header = lr.header, .sig = lr.sig };
	if (item->sig.n == 0 && !k->f->l.forked && k->f->l.has_sig && k->f->l.sig_seq == at->seq)
		item->sig = kith_slice_of(k->f->l.sig, KITH_SIG_BYTES);
	if (r.body_len > 0 && !(state & (KITH_S_REMOVED | KITH_S_RECALLED))) {
		e = kith_ledger_body_get(k->t, at->pos, &item->body);
		if (e == KITH_E_NOTFOUND)
			e = KITH_OK;
		/* the disk gave back other bytes than it got: nobody else may be told that they are the author's */
		else if (e == KITH_OK && kith_record_body_ok(&r, item->body) != KITH_OK)
			e = KITH_E_CORRUPT;
		if (e != KITH_OK)
			return e;
	}
	k->prev[k->n] = r.prev;
	k->id[k->n] = r.id;
	k->seq[k->n] = r.seq;
	k->n++;
	return KITH_OK;
}

/* Is each of the first n proven by a signature of its own or by one behind it? */
static bool
is_proven(const struct range *k, size_t n)
{
	size_t i, j;

	for (i = n; i-- > 0;) {
		if (k->item[i].sig.n > 0)
			continue;
		for (j = i + 1; j < n && k->seq[j] <= k->seq[i] + 1; j++)
			if (k->seq[j] == k->seq[i] + 1 && kith_id_eq(&k->prev[j], &k->id[i]))
				break;
		if (j >= n || k->seq[j] > k->seq[i] + 1)
			return false;
	}
	return n > 0;
}

int
kith_group_range(struct kith_group *g, struct kith_txn *t, const struct kith_id *scope, const struct kith_id *node,
    uint64_t incarnation, uint64_t from_seq, size_t max, struct kith_arena *a, struct kith_item **items, size_t *n)
{
	struct range k = { .g = g, .t = t, .a = a };
	struct kith_ledger_at at;
	struct feed_iter it;
	uint64_t last = from_seq;
	size_t room, best, places;
	int e;

	k.f = kith_group_feed_(g, t, scope, node, incarnation, false, &e);
	if (k.f == NULL)
		return e != KITH_OK ? e : KITH_E_NOTFOUND;
	if (max == 0 || max > RUN_MAX)
		max = RUN_MAX;
	/* where a place may have several records, places are counted */
	places = max;
	room = k.f->l.forked || max + KITH_SIGN_EVERY - 1 > RUN_MAX ? RUN_MAX : max + KITH_SIGN_EVERY - 1;
	k.item = kith_arena_array(a, room, sizeof(*k.item));
	k.prev = kith_arena_array(a, room, sizeof(*k.prev));
	k.id = kith_arena_array(a, room, sizeof(*k.id));
	k.seq = kith_arena_array(a, room, sizeof(*k.seq));
	if (k.item == NULL || k.prev == NULL || k.id == NULL || k.seq == NULL)
		return KITH_E_NOMEM;
	kith_feed_iter_init(&it, k.f->l.feedno, from_seq);
	while (k.n < room && (e = kith_feed_iter_next(&it, t, &at)) == KITH_OK) {
		/* a run has no holes; and what is corrupt here is another node's to give */
		if (at.seq > last + (k.n > 0))
			break;
		last = at.seq;
		e = take_item(&k, &at);
		if (e != KITH_OK)
			break;
		if (k.n >= max && !k.f->l.forked && k.item[k.n - 1].sig.n > 0)
			break;
	}
	kith_feed_iter_fini(&it);
	if (e != KITH_OK && e != KITH_E_NOTFOUND && e != KITH_E_CORRUPT)
		return e;
	best = 0;
	if (k.f->l.forked) {
		for (max = 0; max < k.n && k.seq[max] - from_seq < places; max++)
			;
		/* all branches, if what proves them stands not far above */
		for (room = max; best == 0 && room > 0 && room <= k.n; room++)
			best = is_proven(&k, room) ? room : 0;
	}
	if (best == 0)
		for (best = k.n < max ? k.n : max; best > 0 && !is_proven(&k, best); best--)
			;
	for (room = max + 1; best == 0 && room <= k.n; room++)
		if (is_proven(&k, room))
			best = room;
	if (best == 0)
		return KITH_E_NOTFOUND;
	*items = k.item;
	*n = best;
	return KITH_OK;
}

/* ---- objects ---- */

struct names {
	struct kith_id *out;
	size_t max, n;
};

static void
add_name(struct names *k, const struct kith_id *id)
{
	size_t i;

	for (i = 0; i < k->n; i++)
		if (kith_id_eq(&k->out[i], id))
			return;
	if (k->n < k->max)
		k->out[k->n++] = *id;
}

static void
add_docs(const struct kith_group *g, struct names *k, const struct kith_id *id)
{
	const struct doc *d = kith_doc_find(g, id), *chain[64];
	size_t n = 0;

	for (; d != NULL && n < 64; d = d->before)
		chain[n++] = d;
	while (n > 0)
		add_name(k, &chain[--n]->id);
}

static void
add_quorum(const struct kith_group *g, struct names *k, struct kith_slice sigs)
{
	struct kith_mp_reader rd;
	struct kith_id doc;
	uint8_t sig[KITH_SIG_BYTES];
	uint32_t n;

	kith_mp_read(&rd, sigs);
	for (n = kith_mp_array(&rd); n > 0 && rd.err == KITH_OK; n--) {
		kith_mp_array_exact(&rd, 3);
		(void)kith_mp_id(&rd);
		doc = kith_mp_id(&rd);
		kith_mp_bin_exact(&rd, sig, sizeof(sig));
		if (rd.err == KITH_OK)
			add_docs(g, k, &doc);
	}
}

size_t
kith_group_record_objects(struct kith_group *g, struct kith_txn *t, const struct kith_record *r, const struct kith_op *op,
    struct kith_id *out, size_t max)
{
	struct names k = { .out = out, .max = max };
	struct kith_invite inv;
	struct kith_slice raw;
	uint8_t type;

	if (!kith_id_is_none(&r->doc))
		add_docs(g, &k, &r->doc);
	if (op == NULL)
		return k.n;
	if (op->has & KITH_OP_BIT(KITH_OP_DOC))
		add_docs(g, &k, &op->doc);
	if (op->has & KITH_OP_BIT(KITH_OP_SIGS))
		add_quorum(g, &k, op->sigs);
	if (op->has & KITH_OP_BIT(KITH_OP_CUT))
		add_name(&k, &op->cut);
	if (op->has & KITH_OP_BIT(KITH_OP_NODE_RECORD))
		add_name(&k, &op->node_record);
	if (op->has & KITH_OP_BIT(KITH_OP_INVITE)) {
		/* its maker's documents show that the node that signed it is their home */
		if (kith_ledger_object_get(t, &op->invite, &type, &raw) == KITH_OK && kith_invite_parse(raw, &inv) == KITH_OK) {
			const struct person *p = kith_map_get(g->people, kith_id_slice(&inv.maker));
			size_t i;

			for (i = 0; p != NULL && i < p->docs.n; i++)
				if (kith_id_eq(&p->docs.v[i]->home, &inv.node))
					add_docs(g, &k, &p->docs.v[i]->id);
		}
		add_name(&k, &op->invite);
	}
	return k.n;
}

size_t
kith_group_record_parts(struct kith_group *g, struct kith_txn *t, const struct kith_op *op, const struct kith_id *node,
    struct kith_id *out, size_t max)
{
	struct names k = { .out = out, .max = max };
	struct kith_arena *a = NULL;
	const struct kith_cut *cut;
	bool has;
	uint32_t i;

	if (op == NULL || !(op->has & KITH_OP_BIT(KITH_OP_CUT)) || kith_cut_load(t, &op->cut, &a, &cut) != KITH_OK)
		return 0;
	for (i = 0; i < cut->n_parts; i++)
		if (kith_group_node_sees(g, node, &cut->part[i].panel) &&
		    kith_ledger_object_has(t, &cut->part[i].hash, &has) == KITH_OK && has)
			add_name(&k, &cut->part[i].hash);
	kith_arena_free(a);
	return k.n;
}
