#include <stdlib.h>
#include <string.h>

#include "group/inner.h"
#include "wire/mp.h"

#define LOOK_AGAIN_MS 1000
#define DAY_MS (24 * 3600 * UINT64_C(1000))

/*
 * Recalls, removals and edits (RULES B10): each counts exactly while it is
 * visible, in its own panel, whichever came first; recalls and edits only on
 * their own author's messages. What is recalled or removed takes its author's
 * edits with it, since they say the same words.
 */
#define S_AIMED (KITH_S_RECALLED | KITH_S_REMOVED | KITH_S_EDITED)

static int
find_timeline(struct kith_group *g, struct kith_txn *t, const struct kith_id *id, uint64_t *pos, struct kith_record *r, uint32_t *state,
    bool *found, bool *damaged)
{
	struct kith_ledger_record lr;
	int e = kith_ledger_get_id(t, id, &lr);

	*found = false;
	*damaged |= e == KITH_E_CORRUPT;
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
aimed_at(struct kith_group *g, struct kith_txn *t, const struct kith_record *r, uint32_t *out, bool *damaged)
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
				*damaged = true;
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
kith_redact_flags(struct kith_group *g, struct kith_txn *t, const struct kith_record *r, const struct kith_id *target, uint32_t *out,
    bool *damaged)
{
	struct kith_record of;
	uint64_t pos;
	uint32_t state, flags, inherited;
	bool found;
	int e = aimed_at(g, t, r, &flags, damaged);

	/* of a message that is held and accepted; edits of edits say nothing */
	if (e == KITH_OK && r->kind == KITH_K_EDIT) {
		e = find_timeline(g, t, target, &pos, &of, &state, &found, damaged);
		if (e == KITH_OK && found && of.kind != KITH_K_EDIT && !(state & (KITH_S_REJECTED | KITH_S_WAITING)) &&
		    kith_id_eq(&of.author, &r->author) && kith_id_eq(&of.scope, &r->scope)) {
			e = aimed_at(g, t, &of, &inherited, damaged);
			if (e == KITH_OK)
				flags |= inherited & (KITH_S_RECALLED | KITH_S_REMOVED);
		}
	}
	if (e == KITH_OK)
		*out = flags;
	return e;
}

static int
do_later(struct kith_group *g, struct kith_txn *t, uint64_t at_ms, uint32_t type, const struct kith_id *id, struct kith_slice more)
{
	struct kith_buf payload;
	int e;

	if (g->pure)
		return KITH_OK;
	kith_buf_init(&payload, 0);
	kith_buf_put_slice(&payload, kith_id_slice(&g->id));
	kith_buf_put_slice(&payload, kith_id_slice(id));
	kith_buf_put_slice(&payload, more);
	e = kith_buf_err(&payload);
	if (e == KITH_OK)
		e = kith_due_add(t, at_ms, type, kith_buf_slice(&payload));
	kith_buf_fini(&payload);
	return e;
}

/* Something that had to be read for this record gave other bytes than were written: what it shows is worked out again. */
static int
look_again(struct kith_group *g, struct kith_txn *t, struct kith_now now, const struct kith_id *id, uint64_t after_ms)
{
	uint8_t wait[8];

	kith_put_be64(wait, after_ms);
	return do_later(g, t, now.wall_ms + after_ms, KITH_DUE_LOOK_AGAIN, id, kith_slice_of(wait, sizeof(wait)));
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
		e = do_later(g, t, now.wall_ms + ERASE_MS, KITH_DUE_ERASE, &r->id, kith_slice_of(NULL, 0));
	if (e != KITH_OK || ((old ^ state) & gone) == 0)
		return e;
	return kith_group_change(g, c, state & gone ? KITH_C_ERASED : KITH_C_RESTORED, r, pos, state);
}

/* The edits of a message follow it. */
static int
follow(struct kith_group *g, struct kith_txn *t, struct kith_now now, const struct kith_record *r, struct kith_changes *c, bool *damaged)
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
				*damaged = true;
				e = KITH_OK;
				continue;
			}
			if (e == KITH_OK)
				e = kith_state_get(g, t, aim[i].pos, &by.id, &state);
			if (e == KITH_OK && !(state & (KITH_S_REJECTED | KITH_S_WAITING)))
				e = kith_redact_flags(g, t, &by, &r->id, &flags, damaged);
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
	bool damaged = false;
	size_t n;
	int e = kith_ledger_targets(t, &r->id, 0, &aim, 1, &n);

	if (e != KITH_OK || (n == 0 && r->kind != KITH_K_EDIT))
		return e;
	e = kith_redact_flags(g, t, r, op != NULL ? &op->target : &kith_id_none, &flags, &damaged);
	if (e == KITH_OK && flags != 0)
		e = apply(g, t, now, r, pos, *state, flags, NULL);
	*state |= flags;
	/* edits of it may have come before it */
	if (e == KITH_OK && r->kind != KITH_K_EDIT && (flags & (KITH_S_RECALLED | KITH_S_REMOVED)) != 0)
		e = follow(g, t, now, r, c, &damaged);
	return e == KITH_OK && damaged ? look_again(g, t, now, &r->id, LOOK_AGAIN_MS) : e;
}

/* What aims at one that is held and decided may have changed. */
static int
redo(struct kith_group *g, struct kith_txn *t, struct kith_now now, struct kith_record *of, uint64_t pos, uint32_t state,
    struct kith_changes *c, bool *damaged)
{
	struct kith_op room;
	const struct kith_op *op;
	struct kith_id target = kith_id_none;
	uint32_t flags;
	int e;

	if (of->kind == KITH_K_EDIT) {
		e = kith_op_of(g, of, &room, &op);
		if (e != KITH_OK)
			return e;
		if (op != NULL)
			target = op->target;
	}
	of->header = of->op = kith_slice_of(NULL, 0);
	e = kith_redact_flags(g, t, of, &target, &flags, damaged);
	if (e == KITH_OK)
		e = apply(g, t, now, of, pos, state, flags, c);
	if (e == KITH_OK && of->kind != KITH_K_EDIT && ((state ^ flags) & (KITH_S_RECALLED | KITH_S_REMOVED)) != 0)
		e = follow(g, t, now, of, c, damaged);
	return e;
}

int
kith_redact_changed(struct kith_group *g, struct kith_txn *t, struct kith_now now, const struct kith_record *r,
    const struct kith_op *op, struct kith_changes *c)
{
	struct kith_record of;
	struct kith_id target;
	uint64_t pos;
	uint32_t state;
	bool found, damaged = false;
	int e;

	if ((r->kind != KITH_K_RECALL && r->kind != KITH_K_REMOVE && r->kind != KITH_K_EDIT) || op == NULL)
		return KITH_OK;
	target = op->target;
	e = find_timeline(g, t, &target, &pos, &of, &state, &found, &damaged);
	if (e == KITH_OK && found && !(state & (KITH_S_REJECTED | KITH_S_WAITING)) && kith_id_eq(&of.scope, &r->scope))
		e = redo(g, t, now, &of, pos, state, c, &damaged);
	return e == KITH_OK && damaged ? look_again(g, t, now, &target, LOOK_AGAIN_MS) : e;
}

/* ---- what falls due ---- */

static int
due_erase(struct kith_group *g, struct kith_txn *t, const struct kith_id *id)
{
	struct kith_record r;
	uint64_t pos;
	uint32_t state;
	bool found, damaged = false;
	int e = find_timeline(g, t, id, &pos, &r, &state, &found, &damaged);

	/* one that was restored meanwhile stays; removed again, it has a later date of its own */
	if (e != KITH_OK || !found || !(state & KITH_S_REMOVED))
		return e;
	e = kith_ledger_body_erase(t, pos);
	return e == KITH_E_NOTFOUND ? KITH_OK : e;
}

/* Twice as late each time, at most a day: what is damaged for good costs little. */
static int
due_look(struct kith_group *g, struct kith_txn *t, struct kith_now now, const struct kith_id *id, uint64_t waited_ms, struct kith_changes *c)
{
	struct kith_record r;
	uint64_t pos;
	uint32_t state;
	bool found, damaged = false;
	int e = find_timeline(g, t, id, &pos, &r, &state, &found, &damaged);

	if (e == KITH_OK && found && !(state & (KITH_S_REJECTED | KITH_S_WAITING)))
		e = redo(g, t, now, &r, pos, state, c, &damaged);
	if (e != KITH_OK || !damaged)
		return e;
	return look_again(g, t, now, id, waited_ms < DAY_MS / 2 ? 2 * waited_ms : DAY_MS);
}

int
kith_group_due(struct kith_group *g, struct kith_txn *t, struct kith_now now, uint32_t type, struct kith_slice payload,
    struct kith_changes *c)
{
	struct kith_id id;

	if (payload.n < 2 * KITH_ID_BYTES || memcmp(payload.p, g->id.b, KITH_ID_BYTES) != 0)
		return KITH_E_MALFORMED;
	memcpy(id.b, payload.p + KITH_ID_BYTES, KITH_ID_BYTES);
	payload = kith_slice_from(payload, 2 * KITH_ID_BYTES);
	if (type == KITH_DUE_ERASE && payload.n == 0)
		return due_erase(g, t, &id);
	if (type == KITH_DUE_LOOK_AGAIN && payload.n == 8)
		return due_look(g, t, now, &id, kith_get_be64(payload.p), c);
	return KITH_E_MALFORMED;
}
