#include <stdlib.h>
#include <string.h>

#include "group/inner.h"

/*
 * Runs of records as they come from peers and from ourselves: form, chain and one
 * signature for all of them; then each goes through the gate.
 */

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
		e = kith_gate_take(g, t, now, &rec[i], &item[i], from, run->history, c, m, &how);
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
