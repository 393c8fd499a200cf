#include <stdlib.h>
#include <string.h>

#include "group/inner.h"

/*
 * The facts as a record reads them, and what its author may do by them: for the
 * first decision over the view of its frontier (RULES B2), for the second over
 * what is effective in all that is held and binds the record (B7).
 */

void
kith_reading_init(struct reading *q, struct kith_group *g, struct kith_txn *t, struct feed *f, uint64_t seq, uint64_t clock,
    const struct front *front)
{
	*q = (struct reading){ .g = g, .t = t, .feed = f, .seq = seq, .clock = clock, .front = front, .node = NO_NODE,
		.seq_hi = UINT64_MAX, .clock_hi = UINT64_MAX };
}

/* ---- cuts (B5) ---- */

enum where { NOWHERE, HERE, HERE_VOID, ELSEWHERE };

/* What a name in a cut stands for, seen from the feed that the cut names it for. */
static enum where
place_of(struct reading *q, struct tree *x, const struct kith_cut_tip *tip, uint64_t *seq, uint32_t *node)
{
	struct kith_ledger_record lr;
	const struct parked *p;
	uint32_t state;
	int r;

	if (x != NULL) {
		*node = kith_tree_find(x, &tip->id);
		if (*node != NO_NODE) {
			if (kith_tree_accepted(x, *node) && kith_tree_counts(x, *node))
				return HERE;
			return HERE_VOID;
		}
	}
	r = kith_ledger_get_id(q->t, &tip->id, &lr);
	if (r == KITH_OK) {
		if (lr.feedno != q->feed->l.feedno)
			return ELSEWHERE;
		r = kith_state_get(q->g, q->t, lr.pos, &tip->id, &state);
		if (r != KITH_OK) {
			q->err = r;
			return NOWHERE;
		}
		*seq = lr.seq;
		return state & (KITH_S_REJECTED | KITH_S_WAITING) ? HERE_VOID : HERE;
	}
	if (r != KITH_E_NOTFOUND && r != KITH_E_CORRUPT) {
		q->err = r;
		return NOWHERE;
	}
	p = kith_map_get(q->g->parked, kith_id_slice(&tip->id));
	if (p == NULL)
		return NOWHERE;
	if (kith_id_eq(&p->rec.scope, &q->feed->l.key.scope) && kith_id_eq(&p->rec.node, &q->feed->l.key.node) &&
	    p->rec.incarnation == q->feed->l.key.incarnation)
		return NOWHERE;
	return ELSEWHERE;
}

static bool
within_feed(struct reading *q, const struct kith_cut_feed *cf)
{
	struct tree *x = NULL;
	uint64_t seq = 0;
	uint32_t node = NO_NODE, i;
	enum where w;
	int r;

	if (kith_feed_needs_tree(q->feed)) {
		r = kith_tree_get(q->g, q->t, q->feed, &x);
		if (r != KITH_OK) {
			q->err = r;
			return false;
		}
	}
	for (i = 0; i < cf->n_tips && q->err == KITH_OK; i++) {
		w = place_of(q, x, &cf->tip[i], &seq, &node);
		if (w == ELSEWHERE)
			continue;
		if (w == HERE) {
			if (x != NULL ? kith_tree_below(x, q->node, node) : q->seq <= seq) {
				if (x == NULL && seq < q->seq_hi)
					q->seq_hi = seq;
				return true;
			}
			continue;
		}
		/* not held, or without weight: place decides, until it comes */
		q->err = kith_claim_add(q->g, q->t, &cf->tip[i].id, q->feed, cf->tip[i].seq);
		if (q->err != KITH_OK)
			return false;
		if (q->seq <= cf->tip[i].seq && (x == NULL || kith_tree_alone(x, q->node))) {
			if (x == NULL && cf->tip[i].seq < q->seq_hi)
				q->seq_hi = cf->tip[i].seq;
			return true;
		}
	}
	return false;
}

/* A private panel's part of a cut; not held: nothing is within, until it comes. */
static bool
within_part(struct reading *q, const struct kith_id *hash)
{
	const struct kith_ledger_key *key = &q->feed->l.key;
	struct kith_arena *a = kith_arena_new(4 * KITH_CUT_MAX);
	const struct kith_cut_feed *cf;
	struct kith_cut cut;
	struct kith_slice raw, copy;
	uint8_t type;
	bool within = false;
	size_t i;
	int r = KITH_E_NOMEM;

	if (a == NULL)
		goto done;
	r = kith_ledger_object_get(q->t, hash, &type, &raw);
	if (r == KITH_E_NOTFOUND && !q->g->pure) {
		for (i = 0; i < q->g->parts_wanted.n && !kith_id_eq(&q->g->parts_wanted.v[i].id, hash); i++)
			;
		if (i < q->g->parts_wanted.n)
			r = KITH_OK;
		else
			r = kith_vec_push(&q->g->parts_wanted, ((struct kith_missing){ *hash, 1, key->node }));
		goto done;
	}
	if (r == KITH_E_NOTFOUND || (r == KITH_OK && type != KITH_O_CUT_PART)) {
		r = KITH_OK;
		goto done;
	}
	if (r != KITH_OK)
		goto done;
	copy = kith_arena_copy(a, raw);
	r = copy.p == NULL ? KITH_E_NOMEM : kith_cut_part_parse(copy, a, &cut);
	if (r != KITH_OK)
		goto done;
	cf = kith_cut_find(&cut, &key->scope, &key->node, key->incarnation);
	within = cf != NULL && within_feed(q, cf);
done:
	if (r != KITH_OK)
		q->err = r;
	kith_arena_free(a);
	return within;
}

bool
kith_within(struct reading *q, const struct kith_cut *cut)
{
	const struct kith_ledger_key *key = &q->feed->l.key;
	const struct kith_cut_feed *cf;
	uint32_t i;

	if (cut == NULL)
		return false;
	cf = kith_cut_find(cut, &key->scope, &key->node, key->incarnation);
	if (cf != NULL)
		return within_feed(q, cf);
	for (i = 0; i < cut->n_unheld; i++)
		if (kith_id_eq(&cut->unheld[i], &key->scope))
			return true;
	for (i = 0; i < cut->n_parts; i++)
		if (kith_id_eq(&cut->part[i].panel, &key->scope))
			return within_part(q, &cut->part[i].hash);
	return false;
}

static uint64_t
reach_feed(struct reading *q, const struct kith_cut_feed *cf)
{
	uint64_t beyond = 0, seq = 0;
	uint32_t node, i;
	enum where w;

	for (i = 0; i < cf->n_tips && q->err == KITH_OK; i++) {
		w = place_of(q, NULL, &cf->tip[i], &seq, &node);
		if (w == ELSEWHERE)
			continue;
		if (w != HERE) {
			seq = cf->tip[i].seq;
			q->err = kith_claim_add(q->g, q->t, &cf->tip[i].id, q->feed, seq);
		}
		if (seq + 1 > beyond)
			beyond = seq + 1;
	}
	return beyond;
}

uint64_t
kith_cut_reach(struct reading *q, const struct kith_cut *cut)
{
	const struct kith_ledger_key *key = &q->feed->l.key;
	const struct kith_cut_feed *cf = kith_cut_find(cut, &key->scope, &key->node, key->incarnation);
	uint32_t i;

	if (cf != NULL)
		return reach_feed(q, cf);
	for (i = 0; i < cut->n_unheld; i++)
		if (kith_id_eq(&cut->unheld[i], &key->scope))
			return NO_PLACE;
	return 0;
}

bool
kith_act_on_all(const struct kith_act *e)
{
	switch (e->kind) {
	case KITH_K_BAN:
	case KITH_K_KICK:
	case KITH_K_MUTE:
	case KITH_K_ROLE_REVOKE:
	case KITH_K_NODE_BAN:
	case KITH_K_INVITE_REVOKE:
	case KITH_K_OWNER_RESIGN:
	case KITH_K_REKEY:
		return false;
	case KITH_K_PANEL_SET:
		return e->op == NULL || !(e->op->has & KITH_OP_BIT(KITH_OP_WHO_USER));
	default:
		return true;
	}
}

bool
kith_act_beyond(struct reading *q, const struct kith_act *e)
{
	return e->cut == NULL ? !kith_act_on_all(e) : !kith_within(q, e->cut);
}

/* ---- facts ---- */

/* B11: a ban or mute with an end does not bind what its author's node dates at or after it. */
static bool
timed_out(struct reading *q, const struct kith_act *e)
{
	uint64_t end;

	if ((e->kind != KITH_K_BAN && e->kind != KITH_K_MUTE) || e->op == NULL || !(e->op->has & KITH_OP_BIT(KITH_OP_UNTIL)))
		return false;
	end = e->op->until_ms >= UINT64_MAX >> 16 ? UINT64_MAX : e->op->until_ms << 16;
	if (q->clock >= end) {
		if (end > q->clock_lo)
			q->clock_lo = end;
		return true;
	}
	if (end < q->clock_hi)
		q->clock_hi = end;
	return false;
}

struct counting {
	struct reading *q;
	const struct kith_write *w;
	size_t n;
};

static bool
counts_first(void *ctx, const struct kith_act *e)
{
	const struct counting *c = ctx;

	return kith_view_effective(c->q->view, e->index) && !timed_out(c->q, e);
}

static bool
counts_second(void *ctx, const struct kith_act *e)
{
	const struct counting *c = ctx;
	size_t lo = 0, hi = c->n, mid;

	if (!e->effective || timed_out(c->q, e))
		return false;
	if (kith_front_saw(c->q->g, c->q->front, e->index))
		return true;
	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (c->w[mid].act < e->index)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < c->n && c->w[lo].act == e->index; lo++)
		if (!c->w[lo].on)
			return kith_act_beyond(c->q, e);
	return false;
}

static bool
fact_timed(const struct kith_group *g, const struct kith_write *w, size_t n)
{
	const struct kith_act *e;
	size_t i;

	for (i = 0; i < n; i++) {
		e = kith_authority_at(g->a, w[i].act);
		if (e->op != NULL && e->op->has & KITH_OP_BIT(KITH_OP_UNTIL))
			return true;
	}
	return false;
}

bool
kith_fact_on(struct reading *q, enum kith_fact_kind k, const struct kith_id *a, const struct kith_id *b, const char *perm)
{
	struct kith_fact f = { .kind = k };
	struct counting c = { .q = q };

	if (a != NULL)
		f.a = *a;
	if (b != NULL)
		f.b = *b;
	if (perm != NULL)
		f.perm = kith_slice_str(perm);
	c.n = kith_authority_writes(q->g->a, &f, &c.w);
	if (q->view != NULL && !fact_timed(q->g, c.w, c.n))
		return kith_view_fact(q->view, &f);
	return kith_authority_fact_over(q->g->a, &f, q->view != NULL ? counts_first : counts_second, &c);
}

/* ---- rights (B3) ---- */

enum right
kith_right_of(uint32_t kind)
{
	switch (kind) {
	case KITH_K_RECALL:
		return RIGHT_NONE;
	case KITH_K_REMOVE:
		return RIGHT_REMOVE;
	case KITH_K_REACT:
		return RIGHT_REACT;
	case KITH_K_PIN:
		return RIGHT_PIN;
	default:
		return kith_kind_in_plane(kind, KITH_PLANE_ROSTER) ? RIGHT_NONE : RIGHT_SEND;
	}
}

static const char *const right_name[RIGHT_COUNT_] = {
	[RIGHT_SEND] = "message.send",
	[RIGHT_REACT] = "message.react",
	[RIGHT_PIN] = "message.pin",
	[RIGHT_REMOVE] = "message.remove",
};

/* The roles that uid holds, in g->held_roles. */
static bool
roles_held(struct reading *q, const struct kith_id *uid, bool guest)
{
	struct kith_group *g = q->g;
	const struct kith_id *own = guest ? &kith_role_guest : &g->member_role;
	size_t i;

	g->held_roles.n = 0;
	if (kith_fact_on(q, KITH_F_ROLE, own, NULL, NULL) && kith_vec_push(&g->held_roles, *own) != KITH_OK)
		q->err = KITH_E_NOMEM;
	for (i = 0; i < g->roles.n; i++) {
		if (kith_id_eq(&g->roles.v[i], own) || !kith_fact_on(q, KITH_F_HOLDS, uid, &g->roles.v[i], NULL) ||
		    !kith_fact_on(q, KITH_F_ROLE, &g->roles.v[i], NULL, NULL))
			continue;
		if (kith_vec_push(&g->held_roles, g->roles.v[i]) != KITH_OK)
			q->err = KITH_E_NOMEM;
	}
	return q->err == KITH_OK;
}

static bool
some_role(struct reading *q, enum kith_fact_kind k, const struct kith_id *panel, const char *perm, bool want, bool granted_only)
{
	const struct kith_group *g = q->g;
	size_t i;

	for (i = 0; i < g->held_roles.n; i++) {
		if (granted_only && kith_role_is_implicit(&g->held_roles.v[i]))
			continue;
		if (k == KITH_F_ROLE_PERM ? kith_fact_on(q, k, &g->held_roles.v[i], NULL, perm) == want :
		    kith_fact_on(q, k, panel, &g->held_roles.v[i], perm) == want)
			return true;
	}
	return false;
}

/*
 * What overrides say: 1 yes, -1 no, 0 nothing. Roles are in g->held_roles. That a
 * panel is private stands in the denials with which it keeps out the implicit
 * roles (A13), and these must not keep out whoever is let in through another.
 */
static int
overridden(struct reading *q, const struct kith_id *uid, const struct kith_id *panel, const char *perm, bool entering)
{
	if (!kith_fact_on(q, KITH_F_NOT_DENIED, panel, uid, perm))
		return -1;
	if (kith_fact_on(q, KITH_F_ALLOWED, panel, uid, perm))
		return 1;
	if (some_role(q, KITH_F_NOT_DENIED, panel, perm, false, entering))
		return -1;
	return some_role(q, KITH_F_ALLOWED, panel, perm, true, false) ? 1 : 0;
}

/* What the creations that the reader has in sight made of the panel. */
static void
panel_made(const struct reading *q, const struct panel *p, bool *is_private, bool *by_role)
{
	const struct kith_act *e;
	size_t i;

	*is_private = *by_role = false;
	for (i = 0; p != NULL && i < p->creates.n; i++) {
		e = kith_authority_at(q->g->a, p->creates.v[i]);
		if (e->op == NULL || (!e->op->private_ && e->op->panel_kind != KITH_PANEL_ANNOUNCEMENT))
			continue;
		if (q->view != NULL ? !kith_view_seen(q->view, e->index) : !kith_front_saw(q->g, q->front, e->index))
			continue;
		*is_private = *is_private || e->op->private_;
		*by_role = *by_role || e->op->panel_kind == KITH_PANEL_ANNOUNCEMENT;
	}
}

bool
kith_may_speak(struct reading *q, const struct kith_id *uid, bool guest, const struct kith_id *panel, const char *perm,
    const char **why)
{
	struct panel *p = panel == NULL ? NULL : kith_group_panel(q->g, panel, false);
	bool speaking = kith_perm_speaks(perm), is_private, by_role;
	int said;

	*why = "panel";
	if (panel != NULL && !kith_fact_on(q, KITH_F_PANEL, panel, NULL, NULL))
		return false;
	if (kith_fact_on(q, KITH_F_OWNER, uid, NULL, NULL))
		return true;
	*why = "voice";
	if (speaking && !kith_fact_on(q, KITH_F_VOICE, uid, NULL, NULL))
		return false;
	*why = "panel";
	if (speaking && panel != NULL && !kith_fact_on(q, KITH_F_PANEL_OPEN, panel, NULL, NULL))
		return false;
	*why = "permission";
	if (!roles_held(q, uid, guest))
		return false;
	panel_made(q, p, &is_private, &by_role);
	if (panel != NULL) {
		/* what roles may do elsewhere says nothing in a private one: there one must be let in */
		if (is_private) {
			if (overridden(q, uid, panel, KITH_PERM_VIEW, true) <= 0)
				return false;
			if (strcmp(perm, KITH_PERM_VIEW) == 0)
				return true;
		}
		said = overridden(q, uid, panel, perm, false);
		if (said < 0)
			return false;
		if (said > 0)
			return true;
	}
	/* and being a member gives no word in an announcement panel: that takes a role, or an allowance */
	return some_role(q, KITH_F_ROLE_PERM, NULL, perm, true, by_role && strcmp(perm, KITH_PERM_SEND) == 0);
}

bool
kith_may_write(struct reading *q, const struct kith_id *uid, bool guest, const struct kith_id *panel, enum right right,
    const char **why)
{
	if (right == RIGHT_NONE)
		return true;
	if (right != RIGHT_REMOVE)
		return kith_may_speak(q, uid, guest, panel, right_name[right], why);
	*why = "permission";
	if (kith_fact_on(q, KITH_F_OWNER, uid, NULL, NULL))
		return true;
	return roles_held(q, uid, guest) && some_role(q, KITH_F_ROLE_PERM, NULL, right_name[right], true, false);
}

/* ---- memberships ---- */

/* Is there an effective ban or kick of uid that passes? */
static bool
ended(struct reading *q, const struct kith_id *uid, const struct front *not_seen, bool only_beyond)
{
	struct kith_fact f = { .kind = KITH_F_NOT_BANNED, .a = *uid };
	const struct kith_write *w;
	const uint32_t *kick;
	const struct kith_act *e;
	size_t n_w = kith_authority_writes(q->g->a, &f, &w);
	size_t n_kicks = kith_authority_kicks(q->g->a, uid, &kick), i;

	for (i = 0; i < n_w + n_kicks; i++) {
		if (i < n_w && w[i].on)
			continue;
		e = kith_authority_at(q->g->a, i < n_w ? w[i].act : kick[i - n_w]);
		if (q->view != NULL ? !kith_view_effective(q->view, e->index) : !e->effective)
			continue;
		if (kith_front_saw(q->g, not_seen, e->index) || timed_out(q, e))
			continue;
		if (q->view != NULL)
			return true;
		if (!only_beyond && kith_front_saw(q->g, q->front, e->index))
			return true;
		if (kith_act_beyond(q, e))
			return true;
	}
	return false;
}

bool
kith_is_over(struct reading *q, const struct rost *m)
{
	return ended(q, &m->who->uid, &m->front, false);
}

/* B9: any effective one that the membership has not seen, whatever its cut. */
bool
kith_has_ended(struct reading *q, const struct rost *m)
{
	struct kith_fact f = { .kind = KITH_F_NOT_BANNED, .a = m->who->uid };
	const struct kith_write *w;
	const uint32_t *kick;
	const struct kith_act *e;
	size_t n_w = kith_authority_writes(q->g->a, &f, &w);
	size_t n_kicks = kith_authority_kicks(q->g->a, &m->who->uid, &kick), i;

	for (i = 0; i < n_w + n_kicks; i++) {
		if (i < n_w && w[i].on)
			continue;
		e = kith_authority_at(q->g->a, i < n_w ? w[i].act : kick[i - n_w]);
		if (e->effective && !kith_front_saw(q->g, &m->front, e->index) && !timed_out(q, e))
			return true;
	}
	return false;
}

bool
kith_way_holds(struct reading *q, const struct kith_id *uid, uint8_t how, const struct kith_id *invite, const struct kith_id *maker)
{
	const char *why;

	switch (how) {
	case KITH_HOW_OPEN:
		return kith_fact_on(q, KITH_F_JOINS_OPEN, NULL, NULL, NULL);
	case KITH_HOW_ADMITTED:
		return kith_fact_on(q, KITH_F_ADMITTED, uid, NULL, NULL);
	case KITH_HOW_INVITE:
		return kith_fact_on(q, KITH_F_INVITE, invite, NULL, NULL) &&
		    kith_fact_on(q, KITH_F_NOT_BANNED, maker, NULL, NULL) &&
		    kith_may_speak(q, maker, false, NULL, KITH_PERM_INVITE, &why);
	default:
		return false;
	}
}

bool
kith_admitted(struct reading *q, const struct rost *j)
{
	const struct kith_id *node = &j->feed->l.key.node;

	if (!kith_fact_on(q, KITH_F_NODE, node, NULL, NULL))
		return false;
	if (j->who == NULL)             /* a node's own */
		return true;
	if (!kith_fact_on(q, KITH_F_NOT_BANNED, &j->who->uid, NULL, NULL) || ended(q, &j->who->uid, &j->front, true))
		return false;
	if (j->kind == KITH_K_JOIN)
		return kith_way_holds(q, &j->who->uid, j->how, &j->invite, &j->maker);
	return j->via != NULL && j->via->admitted && !kith_is_over(q, j->via);
}

bool
kith_spoken(struct reading *q, const struct person *p, const struct doc *d)
{
	const struct rost *m;
	bool later = false;
	size_t i;

	if (!d->stands)
		return false;
	for (i = 0; i < p->later.n && p->later.v[i]->doc->n > d->n; i++) {
		m = p->later.v[i];
		if (!m->counts || !m->spoken)
			continue;
		later = true;
		if (kith_within(q, m->cut))
			return true;
	}
	return !later;
}

/* ---- the second decision on a timeline record (B7) ---- */

static bool
visible(struct reading *q, const struct kith_record *r, const struct rost *m, const struct doc *d)
{
	const struct person *p = m->who;
	const struct rost *l;
	const char *why;
	size_t i;

	if (!m->counts || !m->spoken || !m->admitted || !kith_spoken(q, p, d))
		return false;
	if (!kith_fact_on(q, KITH_F_NOT_BANNED, &p->uid, NULL, NULL) || !kith_fact_on(q, KITH_F_NODE, &r->node, NULL, NULL) ||
	    kith_is_over(q, m))
		return false;
	if (!kith_may_write(q, &p->uid, (d->flags & KITH_DOC_GUEST) != 0, &r->scope, kith_right_of(r->kind), &why))
		return false;
	for (i = 0; m->left && i < p->rost.n; i++) {
		l = p->rost.v[i];
		if (l->kind == KITH_K_LEAVE && l->via == m && l->counts && l->spoken && !kith_within(q, l->cut))
			return false;
	}
	return true;
}

int
kith_second(struct kith_group *g, struct kith_txn *t, struct feed *f, const struct kith_record *r, const struct rost *m,
    const struct doc *d, const struct front *front, uint32_t *state, struct quick *quick)
{
	struct reading q;
	struct tree *x;
	uint32_t s = 0;
	int e;

	kith_reading_init(&q, g, t, f, r->seq, r->clock, front);
	if (kith_feed_needs_tree(f)) {
		e = kith_tree_get(g, t, f, &x);
		if (e != KITH_OK)
			return e;
		q.node = kith_tree_find(x, &r->id);
		if (q.node == NO_NODE)
			return KITH_E_CORRUPT;
		if (!kith_tree_counts(x, q.node))
			s = KITH_S_SIDE | KITH_S_HIDDEN;
	}
	if (s == 0 && m != NULL && !visible(&q, r, m, d))
		s = KITH_S_HIDDEN;
	if (q.err != KITH_OK)
		return q.err;
	*state = s;
	if (quick != NULL) {
		quick->seq_hi = q.seq_hi;
		quick->clock_lo = q.clock_lo;
		quick->clock_hi = q.clock_hi;
	}
	return KITH_OK;
}
