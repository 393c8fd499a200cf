#include <stdlib.h>
#include <string.h>

#include "group/inner.h"

/*
 * What follows from a change (RULES B12). First decisions stand; of the second,
 * only those are made again that the change may touch: an act touches what the
 * facts it writes are about, and of a feed only the records that have seen it or
 * lie beyond its cut.
 */

void
kith_scan_mark(struct kith_group *g, struct feed *f, uint64_t from, struct person *who)
{
	if (from == NO_PLACE || from >= f->l.n_held)
		return;
	g->dirty_scans = true;
	if (f->scan_from == NO_PLACE) {
		f->scan_from = from;
		f->scan_who = who;
		return;
	}
	if (from < f->scan_from)
		f->scan_from = from;
	if (f->scan_who != who)
		f->scan_who = NULL;
}

int
kith_scan_mark_one(struct kith_group *g, struct feed *f, uint64_t pos)
{
	g->dirty_scans = true;
	return kith_vec_push(&f->scan_pos, pos);
}

/* ---- where an act begins to matter in a feed ---- */

static bool
only_gives(const struct kith_act *e)
{
	switch (e->kind) {
	case KITH_K_UNBAN:
	case KITH_K_UNMUTE:
	case KITH_K_NODE_UNBAN:
	case KITH_K_ROLE_CREATE:
	case KITH_K_ROLE_ALLOW:
	case KITH_K_ROLE_GRANT:
	case KITH_K_PANEL_CREATE:
	case KITH_K_ADMIT:
	case KITH_K_OWNER_ADD:
	case KITH_K_OWNER_SUCCEED:
		return true;
	default:
		return false;
	}
}

/* In one branch frontiers only move forward, so the first that has seen an act is found by halves. */
static int
first_that_saw(struct kith_group *g, struct kith_txn *t, const struct feed *f, const struct kith_act *act, uint64_t *out)
{
	struct kith_ledger_record lr;
	struct kith_record r;
	struct front front;
	uint64_t lo = 0, hi = f->rejected_from != NO_PLACE ? f->rejected_from : f->l.next_seq, mid, pos;
	bool saw;
	size_t n;
	int e;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		e = kith_ledger_place(t, f->l.feedno, mid, &pos, 1, &n);
		if (e == KITH_OK && n == 0)
			e = KITH_E_CORRUPT;
		if (e == KITH_OK)
			e = kith_read(t, pos, &lr, &r);
		if (e == KITH_OK)
			e = kith_front_of(g, r.frontier, r.n_frontier, &front);
		if (e != KITH_OK)
			return e == KITH_E_MISSING ? KITH_E_CORRUPT : e;
		saw = kith_front_saw(g, &front, act->index);
		kith_front_fini(&front);
		if (saw)
			hi = mid;
		else
			lo = mid + 1;
	}
	*out = lo;
	return KITH_OK;
}

static int
matters_from(struct kith_group *g, struct kith_txn *t, struct feed *f, const struct kith_act *act, bool is_new, uint64_t *out)
{
	struct reading q;
	uint64_t beyond = NO_PLACE, seen = NO_PLACE;
	int e = KITH_OK;

	if (f->l.n_held == 0 || f->plane == KITH_PLANE_AUTHORITY) {
		*out = NO_PLACE;
		return KITH_OK;
	}
	if (kith_feed_needs_tree(f)) {
		*out = 0;
		return KITH_OK;
	}
	if (!only_gives(act)) {
		kith_reading_init(&q, g, t, f, 0, 0, NULL);
		if (act->cut != NULL)
			beyond = kith_cut_reach(&q, act->cut);
		else if (!kith_act_on_all(act))
			beyond = 0;
		e = q.err;
	}
	/* a new act has been seen by nothing that is decided yet */
	if (e == KITH_OK && !is_new) {
		e = kith_feed_know(g, t, f);
		if (e == KITH_OK && (!f->front_known || kith_front_saw(g, &f->front, act->index)))
			e = first_that_saw(g, t, f, act, &seen);
	}
	if (e == KITH_OK)
		*out = seen < beyond ? seen : beyond;
	return e;
}

/* ---- whom an act touches ---- */

struct touch {
	struct kith_group *g;
	struct kith_txn *t;
	const struct kith_act *act;
	bool is_new;
};

static int
touch_feed(struct touch *k, struct feed *f, struct person *who)
{
	uint64_t from = NO_PLACE;
	int e = matters_from(k->g, k->t, f, k->act, k->is_new, &from);

	if (e == KITH_OK)
		kith_scan_mark(k->g, f, from, who);
	return e;
}

static int
touch_feeds(struct touch *k, const void *list, size_t n, struct person *who)
{
	struct feed *const *f = list;
	size_t i;
	int e = KITH_OK;

	for (i = 0; e == KITH_OK && i < n; i++)
		e = touch_feed(k, f[i], who);
	return e;
}

static int
touch_joins(struct touch *k, struct rost *const *m, size_t n)
{
	size_t i;
	int e = KITH_OK;

	for (i = 0; e == KITH_OK && i < n; i++)
		e = kith_person_touch(k->g, m[i]->who);
	return e;
}

static int
touch_person(struct touch *k, const struct kith_id *uid)
{
	struct person *p = kith_map_get(k->g->people, kith_id_slice(uid));
	const struct rost *m;
	size_t i, j;
	int e;

	if (p == NULL)
		return KITH_OK;
	e = p->rost.n > 0 ? kith_person_touch(k->g, p) : KITH_OK;
	if (e == KITH_OK)
		e = touch_joins(k, p->invited.v, p->invited.n);
	for (i = 0; e == KITH_OK && i < p->rost.n; i++) {
		m = p->rost.v[i];
		for (j = 0; j < i && p->rost.v[j]->feed->node != m->feed->node; j++)
			;
		if (j == i)
			e = touch_feeds(k, m->feed->node->feeds.v, m->feed->node->feeds.n, p);
	}
	return e;
}

static int
touch_people(struct touch *k, const struct kith_id *uid, uint32_t n)
{
	uint32_t i;
	int e = KITH_OK;

	for (i = 0; e == KITH_OK && i < n; i++)
		e = touch_person(k, &uid[i]);
	return e;
}

static int
touch_node(struct touch *k, const struct kith_id *node)
{
	struct gnode *n = kith_map_get(k->g->nodes, kith_id_slice(node));
	size_t i;
	int e;

	if (n == NULL)
		return KITH_OK;
	e = kith_gnode_touch(k->g, n);
	for (i = 0; e == KITH_OK && i < n->people.n; i++)
		e = kith_person_touch(k->g, n->people.v[i]);
	return e == KITH_OK ? touch_feeds(k, n->feeds.v, n->feeds.n, NULL) : e;
}

static int
touch_panel(struct touch *k, const struct kith_id *scope)
{
	struct panel *p = kith_map_get(k->g->panels, kith_id_slice(scope));

	return p == NULL ? KITH_OK : touch_feeds(k, p->feeds.v, p->feeds.n, NULL);
}

static int
touch_all(struct touch *k)
{
	size_t it = 0;
	void *v;
	int e = touch_joins(k, k->g->by_invite.v, k->g->by_invite.n);

	while (e == KITH_OK && kith_map_next(k->g->feeds, &it, NULL, &v))
		e = touch_feed(k, v, NULL);
	return e;
}

static int
touch_invite(struct touch *k, const struct kith_id *invite)
{
	struct rost *m;
	size_t i;
	int e = KITH_OK;

	for (i = 0; e == KITH_OK && i < k->g->by_invite.n; i++) {
		m = k->g->by_invite.v[i];
		if (kith_id_eq(&m->invite, invite))
			e = kith_person_touch(k->g, m->who);
	}
	return e;
}

static int
touch_by(struct touch *k)
{
	const struct kith_act *act = k->act;
	const struct kith_op *op = act->op;
	int e;

	if (op == NULL)
		return KITH_OK;
	switch (act->kind) {
	case KITH_K_BAN:
	case KITH_K_UNBAN:
	case KITH_K_KICK:
	case KITH_K_MUTE:
	case KITH_K_UNMUTE:
	case KITH_K_ADMIT:
	case KITH_K_ROLE_GRANT:
	case KITH_K_ROLE_REVOKE:
	case KITH_K_OWNER_ADD:
	case KITH_K_OWNER_SUCCEED:
		return touch_people(k, op->users, op->n_users);
	case KITH_K_OWNER_RESIGN:
		return touch_person(k, &act->author);
	case KITH_K_CREATE:
		return touch_people(k, op->founders, op->n_founders);
	case KITH_K_ROLE_CREATE:
	case KITH_K_ROLE_DELETE:
	case KITH_K_ROLE_ALLOW:
	case KITH_K_ROLE_DENY:
		return touch_all(k);
	case KITH_K_PANEL_CREATE:
		return touch_panel(k, &act->panel_or_role);
	case KITH_K_PANEL_DELETE:
		return touch_panel(k, &op->panel);
	case KITH_K_PANEL_SET:
		if (op->has & KITH_OP_BIT(KITH_OP_WHO_USER))
			return touch_person(k, &op->who_user);
		return op->has & KITH_OP_BIT(KITH_OP_KEY) ? KITH_OK : touch_panel(k, &op->panel);
	case KITH_K_SET:
		if (!(op->has & KITH_OP_BIT(KITH_OP_JOINS)))
			return KITH_OK;
		return touch_joins(k, k->g->by_open.v, k->g->by_open.n);
	case KITH_K_INVITE_REVOKE:
		return touch_invite(k, &op->invite);
	case KITH_K_NODE_BAN:
	case KITH_K_NODE_UNBAN:
		e = touch_node(k, &op->node);
		return e;
	default:
		return KITH_OK;
	}
}

/* Whose rights are their own to hear of; of what is for everybody, KITH_C_STATE tells. */
static int
tell_people(struct kith_group *g, const struct kith_act *act, struct kith_changes *c)
{
	const struct kith_op *op = act->op;
	struct kith_record r = { .kind = 0 };
	uint32_t i, n = op == NULL ? 0 : op->n_users;
	int e = KITH_OK;

	for (i = 0; e == KITH_OK && i < n; i++) {
		r.id = op->users[i];
		e = kith_group_change(g, c, KITH_C_MEMBER, &r, 0, 0);
	}
	if (op != NULL && op->has & KITH_OP_BIT(KITH_OP_WHO_USER)) {
		r.id = op->who_user;
		e = kith_group_change(g, c, KITH_C_MEMBER, &r, 0, 0);
	}
	if (act->kind == KITH_K_OWNER_RESIGN) {
		r.id = act->author;
		e = kith_group_change(g, c, KITH_C_MEMBER, &r, 0, 0);
	}
	return e;
}

/*
 * New acts that bind nobody who has not seen them have nothing to judge anew: no
 * record that is decided has seen them.
 */
static bool
binds_later_ones_alone(const struct kith_act *act)
{
	if (act->kind == KITH_K_NODE_UNBAN)
		return false;           /* B9 asks how it is now */
	return only_gives(act) || (act->cut == NULL && kith_act_on_all(act));
}

static int
act_changed(struct kith_group *g, struct kith_txn *t, const struct kith_act *act, bool is_new, struct kith_changes *c)
{
	struct touch k = { .g = g, .t = t, .act = act, .is_new = is_new };
	struct kith_record r = { .id = act->id, .scope = kith_scope_authority, .node = act->node, .author = act->author,
		.incarnation = act->incarnation, .seq = act->seq, .clock = act->clock, .kind = act->kind };
	uint64_t pos;
	uint32_t state, want;
	int e = kith_ledger_find(t, &act->id, &pos);

	if (e == KITH_OK)
		e = kith_state_get(g, t, pos, &act->id, &state);
	if (e != KITH_OK)
		return e == KITH_E_NOTFOUND ? KITH_E_CORRUPT : e;
	want = act->effective || !act->valid ? state & ~KITH_S_VOID : state | KITH_S_VOID;
	if (want != state)
		e = kith_state_set(g, t, pos, &act->id, want);
	if (e == KITH_OK)
		e = kith_vec_push(&g->acts_changed, act->index);
	if (e == KITH_OK && (!is_new || act->effective))
		e = kith_group_change(g, c, KITH_C_STATE, &r, pos, want);
	if (e == KITH_OK)
		e = tell_people(g, act, c);
	if (e != KITH_OK || (is_new && binds_later_ones_alone(act)))
		return e;
	return touch_by(&k);
}

static int
settle_acts(struct kith_group *g, struct kith_txn *t, struct kith_changes *c)
{
	KITH_VEC(uint32_t) list = { 0 };
	const uint32_t *changed;
	size_t n, i, before = g->n_acts_judged;
	int e = KITH_OK;

	kith_authority_changed(g->a, &changed, &n);
	g->n_acts_judged = kith_authority_count(g->a);
	for (i = 0; e == KITH_OK && i < n; i++)
		e = kith_vec_push(&list, changed[i]);
	if (n > 0)
		g->epoch++;
	for (i = 0; e == KITH_OK && i < list.n; i++)
		e = act_changed(g, t, kith_authority_at(g->a, list.v[i]), list.v[i] >= before, c);
	kith_vec_fini(&list);
	return e;
}

/* ---- records anew ---- */

static int
judge_record(struct kith_group *g, struct kith_txn *t, struct kith_now now, struct feed *f, const struct person *who, uint64_t pos,
    struct kith_changes *c)
{
	uint8_t header[KITH_HEADER_MAX];
	struct kith_ledger_record lr;
	struct kith_record r;
	struct kith_op op_room;
	const struct kith_op *op;
	const struct rost *m;
	const struct doc *d;
	struct front front;
	uint32_t state, second, want;
	int e = kith_read(t, pos, &lr, &r);

	if (e != KITH_OK)
		return e;
	if (who != NULL && !kith_id_eq(&r.author, &who->uid))
		return KITH_OK;
	e = kith_state_get(g, t, pos, &r.id, &state);
	if (e != KITH_OK || state & (KITH_S_REJECTED | KITH_S_WAITING) || (g->pure && !kith_pure_has(g, &r.id)))
		return e;
	if (f->plane == KITH_PLANE_ROSTER && kith_map_get(g->rost, kith_id_slice(&r.id)) != NULL)
		return KITH_OK;
	m = kith_map_get(g->rost, kith_id_slice(&r.via));
	d = kith_doc_find(g, &r.doc);
	if (m == NULL || d == NULL) {
		if (!kith_id_is_none(&r.via))
			return KITH_E_CORRUPT;
		return KITH_OK;
	}
	e = kith_front_of(g, r.frontier, r.n_frontier, &front);
	if (e != KITH_OK)
		return e == KITH_E_MISSING ? KITH_E_CORRUPT : e;
	e = kith_second(g, t, f, &r, m, d, &front, &second, NULL);
	kith_front_fini(&front);
	want = (state & ~S_ALL_SECOND) | second;
	if (e != KITH_OK || want == state)
		return e;
	/* what was read may move with the first thing written */
	if (lr.header.n > sizeof(header))
		return KITH_E_CORRUPT;
	e = kith_ledger_get(t, pos, &lr);
	if (e != KITH_OK)
		return e;
	memcpy(header, lr.header.p, lr.header.n);
	if (kith_record_parse(kith_slice_of(header, lr.header.n), &r) != KITH_OK)
		return KITH_E_CORRUPT;
	e = kith_state_set(g, t, pos, &r.id, want);
	if (e != KITH_OK || ((want ^ state) & KITH_S_HIDDEN) == 0)
		return e;
	e = kith_group_change(g, c, want & KITH_S_HIDDEN ? KITH_C_HIDDEN : KITH_C_SHOWN, &r, pos, want);
	if (e == KITH_OK)
		e = kith_op_of(g, &r, &op_room, &op);
	return e == KITH_OK ? kith_redact_changed(g, t, now, &r, op, c) : e;
}

static int
scan(struct kith_group *g, struct kith_txn *t, struct kith_now now, struct feed *f, struct kith_changes *c)
{
	const struct person *who = f->scan_who;
	struct kith_ledger_at at;
	struct feed_iter it;
	int e = KITH_OK;

	while (e == KITH_OK && f->scan_pos.n > 0)
		e = judge_record(g, t, now, f, NULL, f->scan_pos.v[--f->scan_pos.n], c);
	if (e != KITH_OK || f->scan_from == NO_PLACE)
		return e;

	kith_feed_iter_init(&it, f->l.feedno, f->scan_from);
	f->scan_from = NO_PLACE;
	f->scan_who = NULL;
	while ((e = kith_feed_iter_next(&it, t, &at)) == KITH_OK)
		if ((e = judge_record(g, t, now, f, who, at.pos, c)) != KITH_OK)
			break;
	kith_feed_iter_fini(&it);
	return e == KITH_E_NOTFOUND ? KITH_OK : e;
}

static int
settle_trees(struct kith_group *g, struct kith_txn *t, enum kith_plane plane)
{
	struct feed *f;
	struct tree *x;
	size_t it = 0;
	void *v;
	int e = KITH_OK;

	while (e == KITH_OK && kith_map_next(g->feeds, &it, NULL, &v)) {
		f = v;
		if (f->plane == plane && f->tree != NULL && kith_feed_needs_tree(f))
			e = kith_tree_get(g, t, f, &x);
	}
	return e;
}

static int
settle_people(struct kith_group *g, struct kith_txn *t, struct kith_changes *c)
{
	int e = KITH_OK;

	while (e == KITH_OK && g->touched_nodes.n > 0)
		e = kith_gnode_judge(g, t, g->touched_nodes.v[--g->touched_nodes.n], c);
	while (e == KITH_OK && g->touched.n > 0)
		e = kith_person_judge(g, t, g->touched.v[--g->touched.n], c);
	return e;
}

/*
 * In the order in which things rest on each other: acts, branches of rosters,
 * persons, branches of panels, records. Later steps mark nothing for earlier
 * ones but by what they find when a branch is counted anew, so this ends.
 */
int
kith_settle(struct kith_group *g, struct kith_txn *t, struct kith_now now, struct kith_changes *c)
{
	struct feed *f;
	size_t it;
	void *v;
	int e = settle_acts(g, t, c);

	while (e == KITH_OK && (g->dirty_trees || g->touched.n > 0 || g->touched_nodes.n > 0 || g->dirty_scans)) {
		if (g->dirty_trees) {
			g->dirty_trees = false;
			e = settle_trees(g, t, KITH_PLANE_ROSTER);
		}
		if (e == KITH_OK)
			e = settle_people(g, t, c);
		if (e == KITH_OK)
			e = settle_trees(g, t, KITH_PLANE_TIMELINE);
		if (e != KITH_OK || g->touched.n > 0 || g->dirty_trees || !g->dirty_scans)
			continue;
		g->dirty_scans = false;
		for (it = 0; e == KITH_OK && kith_map_next(g->feeds, &it, NULL, &v);) {
			f = v;
			if (f->scan_from != NO_PLACE || f->scan_pos.n > 0)
				e = scan(g, t, now, f, c);
		}
	}
	return e;
}

/* ---- names in cuts that were not held ---- */

#define CLAIM_HEAD "claim/"
#define CLAIM_KEY (sizeof(CLAIM_HEAD) - 1 + KITH_ID_BYTES + 8)
#define CLAIM_VALUE (3 * KITH_ID_BYTES + 16)

static bool
same_claim(const struct claim *c, const struct kith_ledger_key *key, uint64_t seq)
{
	return kith_id_eq(&c->scope, &key->scope) && kith_id_eq(&c->node, &key->node) && c->incarnation == key->incarnation &&
	    c->seq == seq;
}

static int
claim_keep(struct kith_group *g, const struct kith_id *id, const struct kith_ledger_key *key, uint64_t seq, bool *added)
{
	struct claim *first = kith_map_get(g->claims, kith_id_slice(id)), *c;
	int e = KITH_OK;

	*added = false;
	for (c = first; c != NULL; c = c->next)
		if (same_claim(c, key, seq))
			return KITH_OK;
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return KITH_E_NOMEM;
	*c = (struct claim){ .id = *id, .scope = key->scope, .node = key->node, .incarnation = key->incarnation, .seq = seq };
	if (first != NULL) {
		c->next = first->next;
		first->next = c;
	} else {
		e = kith_map_put(g->claims, kith_id_slice(id), c, NULL);
	}
	if (e != KITH_OK)
		free(c);
	*added = e == KITH_OK;
	return e;
}

static struct kith_slice
claim_value(uint8_t v[CLAIM_VALUE], const struct kith_id *id, const struct kith_ledger_key *key, uint64_t seq)
{
	memcpy(v, id->b, KITH_ID_BYTES);
	memcpy(v + KITH_ID_BYTES, key->scope.b, KITH_ID_BYTES);
	memcpy(v + 2 * KITH_ID_BYTES, key->node.b, KITH_ID_BYTES);
	kith_put_be64(v + 3 * KITH_ID_BYTES, key->incarnation);
	kith_put_be64(v + 3 * KITH_ID_BYTES + 8, seq);
	return kith_slice_of(v, CLAIM_VALUE);
}

/* The key ends in a hash of the claim: several may be about one id. */
static struct kith_slice
claim_key(uint8_t k[CLAIM_KEY], const struct kith_id *group, struct kith_slice value)
{
	struct kith_id h;

	memcpy(k, CLAIM_HEAD, sizeof(CLAIM_HEAD) - 1);
	memcpy(k + sizeof(CLAIM_HEAD) - 1, group->b, KITH_ID_BYTES);
	kith_hash(KITH_L_OBJECT, value, &h);
	memcpy(k + sizeof(CLAIM_HEAD) - 1 + KITH_ID_BYTES, h.b, 8);
	return kith_slice_of(k, CLAIM_KEY);
}

int
kith_claim_add(struct kith_group *g, struct kith_txn *t, const struct kith_id *id, const struct feed *f, uint64_t seq)
{
	uint8_t k[CLAIM_KEY], v[CLAIM_VALUE];
	struct kith_slice value;
	bool added;
	int e = claim_keep(g, id, &f->l.key, seq, &added);

	if (e != KITH_OK || !added || g->pure)
		return e;
	value = claim_value(v, id, &f->l.key, seq);
	return kith_txn_put(t, KITH_T_META, claim_key(k, &g->id, value), value);
}

int
kith_claims_load(struct kith_group *g, struct kith_txn *t)
{
	struct kith_cursor *cur = NULL;
	struct kith_ledger_key key = { .group = g->id };
	struct kith_slice k, v, head;
	uint8_t prefix[CLAIM_KEY];
	struct kith_id id;
	bool added;
	int e = kith_cursor_open(t, KITH_T_META, &cur);

	if (e != KITH_OK)
		return e;
	head = kith_slice_of(claim_key(prefix, &g->id, kith_slice_of("", 0)).p, CLAIM_KEY - 8);
	e = kith_cursor_seek(cur, head, false, &k, &v);
	while (e == KITH_OK && k.n == CLAIM_KEY && memcmp(k.p, head.p, head.n) == 0) {
		if (v.n != CLAIM_VALUE) {
			e = KITH_E_CORRUPT;
			break;
		}
		memcpy(id.b, v.p, KITH_ID_BYTES);
		memcpy(key.scope.b, v.p + KITH_ID_BYTES, KITH_ID_BYTES);
		memcpy(key.node.b, v.p + 2 * KITH_ID_BYTES, KITH_ID_BYTES);
		key.incarnation = kith_get_be64(v.p + 3 * KITH_ID_BYTES);
		e = claim_keep(g, &id, &key, kith_get_be64(v.p + 3 * KITH_ID_BYTES + 8), &added);
		if (e == KITH_OK)
			e = kith_cursor_step(cur, false, &k, &v);
	}
	kith_cursor_close(cur);
	return e == KITH_E_NOTFOUND ? KITH_OK : e;
}

/*
 * A name that a cut gives turns out to be this record. In the place that the cut
 * gave it, in a feed without forks, nothing changes by that; else whatever lies
 * in the feed of the claim may.
 */
int
kith_claims_check(struct kith_group *g, struct kith_txn *t, const struct kith_record *r, bool placed)
{
	uint8_t k[CLAIM_KEY], v[CLAIM_VALUE];
	struct kith_ledger_key key = { .group = g->id };
	struct claim *c, *next;
	struct kith_slice value;
	struct feed *f;
	size_t i;
	int e = KITH_OK;

	if (kith_map_count(g->claims) == 0)
		return KITH_OK;
	c = kith_map_get(g->claims, kith_id_slice(&r->id));
	if (c == NULL)
		return KITH_OK;
	for (next = c; e == KITH_OK && next != NULL; next = next->next) {
		f = kith_group_feed_(g, t, &next->scope, &next->node, next->incarnation, false, &e);
		if (f == NULL)
			continue;
		if (kith_id_eq(&next->scope, &r->scope) && kith_id_eq(&next->node, &r->node) && next->incarnation == r->incarnation &&
		    next->seq == r->seq && !kith_feed_needs_tree(f))
			continue;
		g->epoch++;
		kith_scan_mark(g, f, 0, NULL);
		if (f->plane != KITH_PLANE_ROSTER)
			continue;
		e = kith_gnode_touch(g, f->node);
		for (i = 0; e == KITH_OK && i < f->node->people.n; i++)
			e = kith_person_touch(g, f->node->people.v[i]);
	}
	if (e != KITH_OK || !placed)
		return e;
	(void)kith_map_del(g->claims, kith_id_slice(&r->id));
	for (; c != NULL; c = next) {
		next = c->next;
		key.scope = c->scope;
		key.node = c->node;
		key.incarnation = c->incarnation;
		value = claim_value(v, &c->id, &key, c->seq);
		if (e == KITH_OK && !g->pure) {
			e = kith_txn_del(t, KITH_T_META, claim_key(k, &g->id, value));
			if (e == KITH_E_NOTFOUND)
				e = KITH_OK;
		}
		free(c);
	}
	return e;
}
