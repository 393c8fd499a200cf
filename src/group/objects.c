#include <stdlib.h>
#include <string.h>

#include "group/inner.h"

/*
 * Objects that records name by hash. They come before the records that name
 * them, so those that nobody has named yet lie in a small room for a while.
 */
#define LOOSE_MAX (8u << 20)

struct loose {
	struct kith_id id;
	uint8_t type;
	size_t n;
	uint8_t bytes[];
};

int
kith_missing_add(struct kith_missings *m, const struct kith_id *id, uint8_t object, const struct kith_id *node)
{
	size_t i, from;

	if (m == NULL)
		return KITH_OK;
	from = m->list.n > 64 ? m->list.n - 64 : 0;     /* good enough: what comes twice is asked for once */
	for (i = from; i < m->list.n; i++)
		if (kith_id_eq(&m->list.v[i].id, id))
			return KITH_OK;
	return kith_vec_push(&m->list, ((struct kith_missing){ *id, object, *node }));
}

static void
loose_drop(struct kith_group *g, struct loose *l)
{
	(void)kith_map_del(g->loose, kith_id_slice(&l->id));
	g->loose_bytes -= l->n;
	free(l);
}

static int
loose_add(struct kith_group *g, const struct kith_id *id, uint8_t type, struct kith_slice raw)
{
	struct loose *l;
	size_t it;
	void *v;

	if (kith_map_get(g->loose, kith_id_slice(id)) != NULL)
		return KITH_OK;
	for (it = 0; g->loose_bytes + raw.n > LOOSE_MAX && kith_map_next(g->loose, &it, NULL, &v);)
		loose_drop(g, v);
	l = malloc(sizeof(*l) + raw.n);
	if (l == NULL)
		return KITH_E_NOMEM;
	l->id = *id;
	l->type = type;
	l->n = raw.n;
	memcpy(l->bytes, raw.p, raw.n);
	if (kith_map_put(g->loose, kith_id_slice(id), l, NULL) != KITH_OK) {
		free(l);
		return KITH_E_NOMEM;
	}
	g->loose_bytes += raw.n;
	return KITH_OK;
}

int
kith_object_want(struct kith_group *g, struct kith_txn *t, const struct kith_id *id, bool *has)
{
	struct loose *l;
	int e = kith_ledger_object_has(t, id, has);

	if (e != KITH_OK || *has || (l = kith_map_get(g->loose, kith_id_slice(id))) == NULL)
		return e;
	e = kith_ledger_object_put(t, id, l->type, kith_slice_of(l->bytes, l->n));
	if (e == KITH_OK) {
		*has = true;
		loose_drop(g, l);
	}
	return e;
}

int
kith_object_want_parts(struct kith_group *g, struct kith_txn *t, const struct kith_cut *cut)
{
	bool has;
	uint32_t i;
	int e = KITH_OK;

	for (i = 0; e == KITH_OK && i < cut->n_parts; i++)
		if (kith_map_get(g->loose, kith_id_slice(&cut->part[i].hash)) != NULL)
			e = kith_object_want(g, t, &cut->part[i].hash, &has);
	return e;
}

/* The panel that a cut which is held names this part for. */
static bool
part_named(const struct kith_group *g, const struct kith_cut *cut, const struct kith_id *id, struct panel **p)
{
	uint32_t i;

	for (i = 0; cut != NULL && i < cut->n_parts; i++) {
		if (!kith_id_eq(&cut->part[i].hash, id))
			continue;
		*p = kith_map_get(g->panels, kith_id_slice(&cut->part[i].panel));
		return true;
	}
	return false;
}

static bool
part_wanted(struct kith_group *g, const struct kith_id *id, struct panel **p)
{
	const struct rost *m;
	size_t it = 0, i, n = kith_authority_count(g->a);
	void *v;

	*p = NULL;
	for (i = 0; i < n; i++)
		if (part_named(g, kith_authority_at(g->a, (uint32_t)i)->cut, id, p))
			return true;
	while (kith_map_next(g->rost, &it, NULL, &v)) {
		m = v;
		if (part_named(g, m->cut, id, p))
			return true;
	}
	return false;
}

static int
take_part(struct kith_group *g, struct kith_txn *t, const struct kith_id *id, struct kith_slice raw, bool keep)
{
	struct panel *p;
	bool wanted = part_wanted(g, id, &p);
	size_t i;
	int e;

	if (!wanted && !keep)
		return loose_add(g, id, KITH_O_CUT_PART, raw);
	e = kith_ledger_object_put(t, id, KITH_O_CUT_PART, raw);
	for (i = 0; e == KITH_OK && p != NULL && i < p->feeds.n; i++)
		kith_scan_mark(g, p->feeds.v[i], 0, NULL);
	kith_tree_stale(g);
	g->epoch++;
	return e;
}

static int
take_node(struct kith_group *g, struct kith_txn *t, struct kith_slice raw, struct kith_missings *m)
{
	struct kith_node_record n;
	struct kith_id node;
	int e = kith_node_parse(raw, &n);

	if (e != KITH_OK)
		return e;
	e = kith_node_put(g->env, t, raw, &node);
	if (e == KITH_E_MISSING)
		return kith_missing_add(m, &n.node, 1, &n.node) == KITH_OK ? e : KITH_E_NOMEM;
	if (e == KITH_E_EXISTS)
		e = KITH_OK;
	if (e == KITH_OK)
		e = kith_ledger_object_put(t, &n.id, KITH_O_NODE, raw);
	if (e == KITH_OK)
		e = kith_gate_wake(g, &n.id);
	return e == KITH_OK ? kith_gate_wake(g, &n.node) : e;
}

static int
take_invite(struct kith_group *g, struct kith_txn *t, struct kith_slice raw, bool keep, struct kith_missings *m)
{
	struct kith_invite inv;
	int e = kith_invite_parse(raw, &inv);

	if (e != KITH_OK)
		return e;
	if (!kith_id_eq(&inv.group, &g->id))
		return KITH_E_DENIED;
	/* its name does not cover the signature, so only what is known to be good may be kept */
	e = kith_node_verify(g->env, t, &inv.node, KITH_L_INVITE, inv.body, inv.sig);
	if (e == KITH_E_MISSING)
		return kith_missing_add(m, &inv.node, 1, &inv.node) == KITH_OK ? e : KITH_E_NOMEM;
	if (e != KITH_OK)
		return e;
	if (!keep && !kith_park_wanted(g, &inv.id))
		return loose_add(g, &inv.id, KITH_O_INVITE, raw);
	e = kith_ledger_object_put(t, &inv.id, KITH_O_INVITE, raw);
	return e == KITH_OK ? kith_gate_wake(g, &inv.id) : e;
}

static int
take_cut(struct kith_group *g, struct kith_txn *t, struct kith_slice raw, bool part, bool keep)
{
	struct kith_arena *a = kith_arena_new(4 * KITH_CUT_MAX);
	struct kith_cut cut;
	struct kith_id id;
	int e = KITH_E_NOMEM;

	if (a != NULL)
		e = part ? kith_cut_part_parse(raw, a, &cut) : kith_cut_parse(raw, a, &cut);
	kith_arena_free(a);
	if (e != KITH_OK)
		return e;
	kith_hash(KITH_L_CUT, raw, &id);
	if (part)
		return take_part(g, t, &id, raw, keep);
	if (!keep && !kith_park_wanted(g, &id))
		return loose_add(g, &id, KITH_O_CUT, raw);
	e = kith_ledger_object_put(t, &id, KITH_O_CUT, raw);
	return e == KITH_OK ? kith_gate_wake(g, &id) : e;
}

int
kith_group_object(struct kith_group *g, struct kith_txn *t, struct kith_now now, uint8_t type, struct kith_slice raw, bool keep,
    struct kith_changes *c, struct kith_missings *m)
{
	int e;

	if (raw.n > KITH_CUT_MAX)
		return KITH_E_LIMIT;
	switch (type) {
	case KITH_O_DOC:
		e = kith_doc_object(g, t, raw, keep, m);
		break;
	case KITH_O_NODE:
		e = take_node(g, t, raw, m);
		break;
	case KITH_O_INVITE:
		e = take_invite(g, t, raw, keep, m);
		break;
	case KITH_O_CUT:
	case KITH_O_CUT_PART:
		e = take_cut(g, t, raw, type == KITH_O_CUT_PART, keep);
		break;
	default:
		return KITH_E_MALFORMED;
	}
	if (e == KITH_OK)
		e = kith_gate_drain(g, t, now, c, m);
	if (e == KITH_OK && g->blocked)
		e = kith_gate_unblock(g, t, now, c, m);
	return e == KITH_OK ? kith_feeds_put(g, t) : e;
}
