#include <stdlib.h>
#include <string.h>

#include "group/inner.h"
#include "wire/mp.h"

/*
 * Recalls, removals and edits (RULES B10): each counts exactly while it is
 * visible, in its own panel, whichever came first; recalls and edits only on
 * their own author's messages. What is recalled or removed takes its author's
 * edits with it, since they say the same words.
 */
#define S_AIMED (KITH_S_RECALLED | KITH_S_REMOVED | KITH_S_EDITED)

static int
find_timeline(struct kith_group *g, struct kith_txn *t, const struct kith_id *id, uint64_t *pos, struct kith_record *r, uint32_t *state,
    bool *found)
{
	struct kith_ledger_record lr;
	int e = kith_ledger_get_id(t, id, &lr);

	*found = false;
	if (e == KITH_E_NOTFOUND || e == KITH_E_CORRUPT)
		return KITH_OK;
	if (e == KITH_OK && kith_record_parse(lr.header, r) != KITH_OK)
		e = KITH_E_CORRUPT;
	if (e != KITH_OK)
		return e;
	if (kith_scope_plane(&r->scope) != KITH_PLANE_TIMELINE || !kith_id_eq(&r->group, &g->id) || (g->pure && !kith_pure_has(g, id)))
		return KITH_OK;
	*pos = lr.pos;
	*found = true;
	return kith_state_get(g, t, lr.pos, id, state);
}

/* What visible records that aim at r make of it. */
static int
aimed_at(struct kith_group *g, struct kith_txn *t, const struct kith_record *r, uint32_t *out)
{
	struct kith_ledger_aim aim[32];
	struct kith_ledger_record lr;
	struct kith_record by;
	uint64_t after = 0;
	uint32_t state, flags = 0;
	size_t n, i;
	int e;

	do {
		e = kith_ledger_targets(t, &r->id, after, aim, 32, &n);
		for (i = 0; e == KITH_OK && i < n; i++) {
			after = aim[i].pos;
			if (aim[i].kind != KITH_K_RECALL && aim[i].kind != KITH_K_REMOVE && aim[i].kind != KITH_K_EDIT)
				continue;
			e = kith_read(t, aim[i].pos, &lr, &by);
			if (e == KITH_E_CORRUPT) {
				e = KITH_OK;
				continue;
			}
			if (e == KITH_OK)
				e = kith_state_get(g, t, aim[i].pos, &by.id, &state);
			if (e != KITH_OK)
				break;
			if (state & (KITH_S_HIDDEN | KITH_S_REJECTED | KITH_S_WAITING) || !kith_id_eq(&by.scope, &r->scope) ||
			    (g->pure && !kith_pure_has(g, &by.id)))
				continue;
			if (by.kind == KITH_K_REMOVE)
				flags |= KITH_S_REMOVED;
			else if (kith_id_eq(&by.author, &r->author))
				flags |= by.kind == KITH_K_RECALL ? KITH_S_RECALLED : KITH_S_EDITED;
		}
	} while (e == KITH_OK && n == 32);
	if (e == KITH_OK)
		*out = flags;
	return e;
}

int
kith_redact_flags(struct kith_group *g, struct kith_txn *t, const struct kith_record *r, const struct kith_id *target, uint32_t *out)
{
	struct kith_record of;
	uint64_t pos;
	uint32_t state, flags, inherited;
	bool found;
	int e = aimed_at(g, t, r, &flags);

	/* of a message that is held and accepted; edits of edits say nothing */
	if (e == KITH_OK && r->kind == KITH_K_EDIT) {
		e = find_timeline(g, t, target, &pos, &of, &state, &found);
		if (e == KITH_OK && found && of.kind != KITH_K_EDIT && !(state & (KITH_S_REJECTED | KITH_S_WAITING)) &&
		    kith_id_eq(&of.author, &r->author) && kith_id_eq(&of.scope, &r->scope)) {
			e = aimed_at(g, t, &of, &inherited);
			if (e == KITH_OK)
				flags |= inherited & (KITH_S_RECALLED | KITH_S_REMOVED);
		}
	}
	if (e == KITH_OK)
		*out = flags;
	return e;
}

static int
erase_later(struct kith_group *g, struct kith_txn *t, struct kith_now now, const struct kith_id *id, uint64_t pos)
{
	uint8_t key[16], payload[2 * KITH_ID_BYTES];
	struct kith_buf b;
	int e;

	if (g->pure)
		return KITH_OK;
	kith_put_be64(key, now.wall_ms + ERASE_MS);
	kith_put_be64(key + 8, pos);
	memcpy(payload, g->id.b, KITH_ID_BYTES);
	memcpy(payload + KITH_ID_BYTES, id->b, KITH_ID_BYTES);
	kith_buf_init(&b, 0);
	kith_mp_put_array(&b, 2);
	kith_mp_put_uint(&b, KITH_DUE_ERASE);
	kith_mp_put_bin(&b, kith_slice_of(payload, sizeof(payload)));
	e = kith_buf_err(&b);
	if (e == KITH_OK)
		e = kith_txn_put(t, KITH_T_DUE, kith_slice_of(key, sizeof(key)), kith_buf_slice(&b));
	kith_buf_fini(&b);
	return e;
}

static int
apply(struct kith_group *g, struct kith_txn *t, struct kith_now now, const struct kith_record *r, uint64_t pos, uint32_t old,
    uint32_t flags, struct kith_changes *c)
{
	uint32_t state = (old & ~S_AIMED) | flags, gone = KITH_S_RECALLED | KITH_S_REMOVED;
	int e;

	if (state == old)
		return KITH_OK;
	e = kith_state_set(g, t, pos, &r->id, state);
	if (e == KITH_OK && (flags & KITH_S_RECALLED) && !(old & KITH_S_RECALLED) && !g->pure) {
		e = kith_ledger_body_erase(t, pos);
		if (e == KITH_E_NOTFOUND)
			e = KITH_OK;
	}
	if (e == KITH_OK && (flags & KITH_S_REMOVED) && !(old & KITH_S_REMOVED))
		e = erase_later(g, t, now, &r->id, pos);
	if (e != KITH_OK || ((old ^ state) & gone) == 0)
		return e;
	return kith_group_change(g, c, state & gone ? KITH_C_ERASED : KITH_C_RESTORED, r, pos, state);
}

/* The edits of a message follow it. */
static int
follow(struct kith_group *g, struct kith_txn *t, struct kith_now now, const struct kith_record *r, struct kith_changes *c)
{
	struct kith_ledger_aim aim[32];
	struct kith_ledger_record lr;
	struct kith_record by;
	uint64_t after = 0;
	uint32_t state, flags;
	size_t n, i;
	int e;

	do {
		e = kith_ledger_targets(t, &r->id, after, aim, 32, &n);
		for (i = 0; e == KITH_OK && i < n; i++) {
			after = aim[i].pos;
			if (aim[i].kind != KITH_K_EDIT)
				continue;
			e = kith_read(t, aim[i].pos, &lr, &by);
			if (e == KITH_E_CORRUPT) {
				e = KITH_OK;
				continue;
			}
			if (e == KITH_OK)
				e = kith_state_get(g, t, aim[i].pos, &by.id, &state);
			if (e == KITH_OK && !(state & (KITH_S_REJECTED | KITH_S_WAITING)))
				e = kith_redact_flags(g, t, &by, &r->id, &flags);
			else if (e == KITH_OK)
				continue;
			if (e == KITH_OK)
				e = apply(g, t, now, &by, aim[i].pos, state, flags, c);
		}
	} while (e == KITH_OK && n == 32);
	return e;
}

int
kith_redact_new(struct kith_group *g, struct kith_txn *t, struct kith_now now, const struct kith_record *r, const struct kith_op *op,
    uint64_t pos, uint32_t *state, struct kith_changes *c)
{
	struct kith_ledger_aim aim;
	uint32_t flags = 0;
	size_t n;
	int e = kith_ledger_targets(t, &r->id, 0, &aim, 1, &n);

	if (e != KITH_OK || (n == 0 && r->kind != KITH_K_EDIT))
		return e;
	e = kith_redact_flags(g, t, r, op != NULL ? &op->target : &kith_id_none, &flags);
	if (e == KITH_OK && flags != 0)
		e = apply(g, t, now, r, pos, *state, flags, NULL);
	*state |= flags;
	/* edits of it may have come before it */
	if (e == KITH_OK && r->kind != KITH_K_EDIT && (flags & (KITH_S_RECALLED | KITH_S_REMOVED)) != 0)
		e = follow(g, t, now, r, c);
	return e;
}

int
kith_redact_changed(struct kith_group *g, struct kith_txn *t, struct kith_now now, const struct kith_record *r,
    const struct kith_op *op, struct kith_changes *c)
{
	struct kith_record of;
	struct kith_op op_room;
	const struct kith_op *of_op;
	struct kith_id target = kith_id_none;
	uint64_t pos;
	uint32_t state, flags;
	bool found;
	int e;

	if ((r->kind != KITH_K_RECALL && r->kind != KITH_K_REMOVE && r->kind != KITH_K_EDIT) || op == NULL)
		return KITH_OK;
	e = find_timeline(g, t, &op->target, &pos, &of, &state, &found);
	if (e != KITH_OK || !found || state & (KITH_S_REJECTED | KITH_S_WAITING) || !kith_id_eq(&of.scope, &r->scope))
		return e;
	if (of.kind == KITH_K_EDIT) {
		e = kith_op_of(g, &of, &op_room, &of_op);
		if (e != KITH_OK)
			return e;
		if (of_op != NULL)
			target = of_op->target;
	}
	of.header = of.op = kith_slice_of(NULL, 0);
	e = kith_redact_flags(g, t, &of, &target, &flags);
	if (e == KITH_OK)
		e = apply(g, t, now, &of, pos, state, flags, c);
	if (e == KITH_OK && of.kind != KITH_K_EDIT && ((state ^ flags) & (KITH_S_RECALLED | KITH_S_REMOVED)) != 0)
		e = follow(g, t, now, &of, c);
	return e;
}

/* ---- what falls due ---- */

int
kith_group_due(struct kith_group *g, struct kith_txn *t, struct kith_now now, uint32_t type, struct kith_slice payload,
    struct kith_changes *c)
{
	struct kith_record r;
	struct kith_id id;
	uint64_t pos;
	uint32_t state;
	bool found;
	int e;

	(void)now;
	(void)c;
	if (type != KITH_DUE_ERASE || payload.n != 2 * KITH_ID_BYTES || memcmp(payload.p, g->id.b, KITH_ID_BYTES) != 0)
		return KITH_E_MALFORMED;
	memcpy(id.b, payload.p + KITH_ID_BYTES, KITH_ID_BYTES);
	e = find_timeline(g, t, &id, &pos, &r, &state, &found);
	/* one that was restored meanwhile stays; removed again, it has a later date of its own */
	if (e != KITH_OK || !found || !(state & KITH_S_REMOVED))
		return e;
	e = kith_ledger_body_erase(t, pos);
	return e == KITH_E_NOTFOUND ? KITH_OK : e;
}
