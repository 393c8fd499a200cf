#include <string.h>

#include "group/inner.h"

/*
 * Bodies that are wanted: of records that are held, came without them, and are not refused or taken back. They outlive
 * restarts, since whoever has a record is given it no second time.
 */

#define KEY (2 * KITH_ID_BYTES)

static struct kith_slice
key_of(const struct kith_group *g, const struct kith_id *id, uint8_t key[KEY])
{
	memcpy(key, g->id.b, KITH_ID_BYTES);
	memcpy(key + KITH_ID_BYTES, id->b, KITH_ID_BYTES);
	return kith_slice_of(key, KEY);
}

int
kith_body_want(struct kith_group *g, struct kith_txn *t, const struct kith_record *r, struct kith_missings *m)
{
	uint8_t key[KEY];
	int e = kith_txn_put(t, KITH_T_WANT, key_of(g, &r->id, key), kith_id_slice(&r->node));

	return e == KITH_OK ? kith_missing_add(m, &r->id, KITH_MISSING_BODY, &r->node) : e;
}

int
kith_body_here(struct kith_group *g, struct kith_txn *t, const struct kith_id *id)
{
	uint8_t key[KEY];
	int e = kith_txn_del(t, KITH_T_WANT, key_of(g, id, key));

	return e == KITH_E_NOTFOUND ? KITH_OK : e;
}

int
kith_body_lacks(struct kith_txn *t, const struct kith_id *id, bool *lacks)
{
	struct kith_slice body;
	uint32_t state = 0;
	uint64_t pos;
	int e = kith_ledger_find(t, id, &pos);

	*lacks = false;
	if (e == KITH_OK)
		e = kith_ledger_state_get(t, pos, &state);
	if (e == KITH_OK && (state & (KITH_S_RECALLED | KITH_S_REMOVED | KITH_S_REJECTED)) == 0) {
		e = kith_ledger_body_get(t, pos, &body);
		*lacks = e != KITH_OK;
	}
	return e == KITH_E_NOTFOUND ? KITH_OK : e;
}

int
kith_group_lacks_bodies(struct kith_txn *t, const struct kith_id *group, bool *any)
{
	struct kith_cursor *c = NULL;
	struct kith_slice k, v;
	int e = kith_cursor_open(t, KITH_T_WANT, &c);

	*any = false;
	if (e != KITH_OK)
		return e;
	e = kith_cursor_seek(c, kith_id_slice(group), false, &k, &v);
	*any = e == KITH_OK && k.n >= KITH_ID_BYTES && memcmp(k.p, group->b, KITH_ID_BYTES) == 0;
	kith_cursor_close(c);
	return e == KITH_E_NOTFOUND ? KITH_OK : e;
}

int
kith_group_bodies_wanted(struct kith_group *g, struct kith_txn *t, const struct kith_id *from, size_t max, struct kith_missings *m)
{
	struct kith_missings gone = { { NULL, 0, 0 } };
	struct kith_cursor *c = NULL;
	struct kith_slice k, v;
	struct kith_id id, node;
	uint8_t key[KEY];
	bool lacks;
	int e = kith_cursor_open(t, KITH_T_WANT, &c);

	if (e == KITH_OK)
		e = kith_cursor_seek(c, key_of(g, from, key), false, &k, &v);
	while (e == KITH_OK && k.n == KEY && memcmp(k.p, key, KITH_ID_BYTES) == 0 && m->list.n < max && gone.list.n < max) {
		if (v.n != KITH_ID_BYTES) {
			e = KITH_E_CORRUPT;
			break;
		}
		memcpy(id.b, k.p + KITH_ID_BYTES, KITH_ID_BYTES);
		memcpy(node.b, v.p, KITH_ID_BYTES);
		e = kith_body_lacks(t, &id, &lacks);
		if (e == KITH_OK || e == KITH_E_CORRUPT)
			e = kith_missing_add(lacks ? m : &gone, &id, KITH_MISSING_BODY, &node);
		if (e == KITH_OK)
			e = kith_cursor_step(c, false, &k, &v);
	}
	kith_cursor_close(c);
	if (e == KITH_E_NOTFOUND)
		e = KITH_OK;
	for (size_t i = 0; e == KITH_OK && i < gone.list.n; i++)
		e = kith_body_here(g, t, &gone.list.v[i].id);
	kith_vec_fini(&gone.list);
	return e;
}
