#include <string.h>

#include "base/b32.h"
#include "storage/ledger.h"
#include "tests/sim/check.h"

/*
 * Some of RULES read once more, plainly and by other means than src/group reads
 * them: necessary conditions that everything effective, shown or hidden meets.
 * Where a rule has exceptions that are long to tell, what falls under them is let
 * pass.
 */

static bool
names(const struct kith_act *x, const struct kith_id *uid)
{
	for (uint32_t i = 0; x->op != NULL && i < x->op->n_users; i++) {
		if (kith_id_eq(&x->op->users[i], uid))
			return true;
	}
	return false;
}

static const struct kith_act *
at(const struct look *l, int node, uint32_t i)
{
	return kith_authority_at(kith_group_authority(l->v[node].g), i);
}

/* ---- authority: A1 to A5, A7 ---- */

static int
level_of_role(struct kith_authority *a, const struct kith_id *role)
{
	const struct kith_act *x = kith_authority_find(a, role);

	return x != NULL && x->kind == KITH_K_ROLE_CREATE && x->op != NULL ? (int)x->op->level : 0;
}

/* Some act in the past of x that gives uid what it acts through. */
static bool
given(const struct look *l, int node, const struct kith_act *x)
{
	struct kith_authority *a = kith_group_authority(l->v[node].g);

	for (uint32_t i = 0; i < x->index; i++) {
		const struct kith_act *y = at(l, node, i);
		bool founder = false;

		if (!y->valid || !kith_authority_seen(a, i, x->index))
			continue;
		for (uint32_t k = 0; y->kind == KITH_K_CREATE && y->op != NULL && k < y->op->n_founders; k++)
			founder |= kith_id_eq(&y->op->founders[k], &x->author);
		if (kith_id_is_none(&x->via) && (founder || (y->kind == KITH_K_OWNER_ADD && names(y, &x->author))))
			return true;
		if (!kith_id_is_none(&x->via) && y->kind == KITH_K_ROLE_GRANT && kith_id_eq(&y->op->role, &x->via) && names(y, &x->author))
			return true;
	}
	return false;
}

/* Does somebody stand so high in the past of x that x cannot be about them? What was ever taken from them is let pass. */
static bool
above(const struct look *l, int node, const struct kith_act *x, const struct kith_id *uid)
{
	struct kith_authority *a = kith_group_authority(l->v[node].g);
	size_t n = kith_authority_count(a);
	bool high = false;

	for (uint32_t i = 0; i < n; i++) {
		const struct kith_act *y = at(l, node, i);

		if (!y->valid || y->op == NULL)
			continue;
		if (y->kind == KITH_K_ROLE_DELETE || (y->kind == KITH_K_ROLE_REVOKE && names(y, uid)) || (y->kind == KITH_K_OWNER_RESIGN &&
		    kith_id_eq(&y->author, uid)))
			return false;
		if (y->kind == KITH_K_ROLE_GRANT && y->effective && names(y, uid) && i < x->index && kith_authority_seen(a, i, x->index) &&
		    level_of_role(a, &y->op->role) >= x->level && kith_authority_find(a, &y->op->role) != NULL &&
		    kith_authority_find(a, &y->op->role)->effective)
			high = true;
	}
	return high;
}

static const char *
no_cause(const struct look *l, int node, const struct kith_act *x)
{
	struct kith_authority *a = kith_group_authority(l->v[node].g);

	if (!x->valid)
		return "it is not valid";
	if (x->kind == KITH_K_CREATE || x->kind == KITH_K_REKEY || x->kind == KITH_K_OWNER_SUCCEED || x->op == NULL)
		return NULL;
	if (x->level != (kith_id_is_none(&x->via) ? KITH_LEVEL_OWNER : level_of_role(a, &x->via)))
		return "its level is not that of what it is done through";
	if (!given(l, node, x))
		return "nothing before it gives its author what it is done through";
	switch (x->kind) {
	case KITH_K_ROLE_CREATE:
		return x->op->level >= x->level || x->op->level < 1 ? "it makes a role that is not below it" : NULL;
	case KITH_K_ROLE_REVOKE:
		/* one may lay down one's own */
		if (x->op->n_users == 1 && kith_id_eq(&x->op->users[0], &x->author) && kith_id_eq(&x->op->role, &x->via))
			return NULL;
		/* fall through */
	case KITH_K_ROLE_SET:
	case KITH_K_ROLE_DELETE:
	case KITH_K_ROLE_ALLOW:
	case KITH_K_ROLE_DENY:
	case KITH_K_ROLE_GRANT:
		return !kith_role_is_implicit(&x->op->role) && level_of_role(a, &x->op->role) >= x->level ? "the role is not below it" : NULL;
	case KITH_K_BAN:
	case KITH_K_UNBAN:
	case KITH_K_KICK:
	case KITH_K_MUTE:
	case KITH_K_UNMUTE:
		for (uint32_t i = 0; i < x->op->n_users; i++) {
			if (kith_id_eq(&x->op->users[i], &x->author))
				return "it is about its author";
			if (above(l, node, x, &x->op->users[i]))
				return "it is about somebody who is not below it";
		}
		return NULL;
	default:
		return NULL;
	}
}

/* A fact that is not as it is by default was made so by something effective. */
static bool
fact_has_cause(const struct look *l, int node, const struct kith_view *now, const struct kith_fact *f)
{
	struct kith_authority *a = kith_group_authority(l->v[node].g);
	bool on = kith_view_fact(now, f);
	const struct kith_write *w;
	size_t n;

	if (on == kith_fact_default(f))
		return true;
	n = kith_authority_writes(a, f, &w);
	for (size_t i = 0; i < n; i++) {
		if (w[i].on == on && kith_authority_at(a, w[i].act)->effective)
			return true;
	}
	return false;
}

void
check_causes(const struct look *l)
{
	for (int i = 0; i < l->p->n_nodes; i++) {
		struct kith_authority *a;
		const struct kith_view *now;
		struct kith_fact f;
		size_t it = 0;

		if (!l->v[i].held || !play_correct(l->p, i))
			continue;
		a = kith_group_authority(l->v[i].g);
		for (uint32_t k = 0; k < kith_authority_count(a); k++) {
			const struct kith_act *x = kith_authority_at(a, k);
			const char *why = x->effective ? no_cause(l, i, x) : NULL;

			if (why != NULL)
				play_fail(l->p, "no effect without an effective cause", "node %d, %.8s: %s %u by level %d is effective, and %s", i, l->group->id,
				    kith_kind_name(x->kind), k, x->level, why);
		}
		MUST(kith_authority_now(a, &now) == KITH_OK);
		while (kith_authority_fact_next(a, &it, &f)) {
			if (!fact_has_cause(l, i, now, &f))
				play_fail(l->p, "no effect without an effective cause", "node %d, %.8s: a fact of kind %d has nobody who made it so", i,
				    l->group->id, (int)f.kind);
		}
	}
}

/* ---- timelines: B5, B7 ---- */

enum place { WITHIN, BEYOND, UNSURE };

/* By the place alone; forks, and panels that the cut's writer did not hold or names apart, are let pass. */
static enum place
place_of(const struct kith_cut *cut, const struct kith_record *r)
{
	for (uint32_t i = 0; i < cut->n_unheld; i++) {
		if (kith_id_eq(&cut->unheld[i], &r->scope))
			return UNSURE;
	}
	for (uint32_t i = 0; i < cut->n_parts; i++) {
		if (kith_id_eq(&cut->part[i].panel, &r->scope))
			return UNSURE;
	}
	for (uint32_t i = 0; i < cut->n_feeds; i++) {
		const struct kith_cut_feed *f = &cut->feed[i];
		uint64_t most = 0;

		if (!kith_id_eq(&f->scope, &r->scope) || !kith_id_eq(&f->node, &r->node) || f->incarnation != r->incarnation)
			continue;
		if (f->n_tips > 1)
			return UNSURE;
		for (uint32_t k = 0; k < f->n_tips; k++)
			most = f->tip[k].seq > most ? f->tip[k].seq : most;
		return r->seq <= most ? WITHIN : BEYOND;
	}
	return BEYOND;
}

static bool
is_cutting(uint32_t kind)
{
	return kind == KITH_K_BAN || kind == KITH_K_KICK || kind == KITH_K_MUTE || kind == KITH_K_ROLE_REVOKE || kind == KITH_K_PANEL_SET ||
	    kind == KITH_K_NODE_BAN || kind == KITH_K_INVITE_REVOKE || kind == KITH_K_OWNER_RESIGN || kind == KITH_K_REKEY ||
	    kind == KITH_K_ROLE_DENY || kind == KITH_K_ROLE_DELETE || kind == KITH_K_PANEL_DELETE || kind == KITH_K_SET;
}

/* Could this act be why the record is not shown? */
static bool
could_hide(const struct kith_act *x, const struct kith_record *r)
{
	if (!x->effective || !is_cutting(x->kind))
		return false;
	if ((x->kind == KITH_K_BAN || x->kind == KITH_K_KICK || x->kind == KITH_K_MUTE || x->kind == KITH_K_ROLE_REVOKE) && !names(x, &r->author))
		return false;
	if (x->kind == KITH_K_NODE_BAN && !kith_id_eq(&x->op->node, &r->node))
		return false;
	if (x->kind == KITH_K_OWNER_RESIGN && !kith_id_eq(&x->author, &r->author))
		return false;
	return x->cut == NULL || place_of(x->cut, r) != WITHIN;
}

struct reading {
	const struct look *l;
	int node;
	bool voided;                    /* some valid act has no effect: what was seen may have turned out void */
	KITH_VEC(struct kith_id) left;  /* who has ever left or moved */
	KITH_VEC(struct kith_id) forked;        /* nodes that have forked a feed */
};

static bool
listed(const struct kith_id *v, size_t n, const struct kith_id *id)
{
	for (size_t i = 0; i < n; i++) {
		if (kith_id_eq(&v[i], id))
			return true;
	}
	return false;
}

/* An untimed ban that nobody has lifted hides all beyond its cut. */
static const struct kith_act *
banned_by(const struct reading *q, const struct kith_record *r)
{
	struct kith_authority *a = kith_group_authority(q->l->v[q->node].g);
	const struct kith_act *ban = NULL;

	for (uint32_t i = 0; i < kith_authority_count(a); i++) {
		const struct kith_act *x = kith_authority_at(a, i);

		if (x->op == NULL || !x->effective || !names(x, &r->author))
			continue;
		if (x->kind == KITH_K_UNBAN)
			return NULL;
		if (x->kind == KITH_K_BAN && (x->op->has & KITH_OP_BIT(KITH_OP_UNTIL)) == 0 && x->cut != NULL && place_of(x->cut, r) == BEYOND)
			ban = x;
	}
	return ban;
}

static bool
hidden_for_a_cause(const struct reading *q, const struct kith_record *r)
{
	struct kith_authority *a = kith_group_authority(q->l->v[q->node].g);
	struct kith_record join;
	struct kith_ledger_record lr;

	if (q->voided || listed(q->left.v, q->left.n, &r->author) || listed(q->forked.v, q->forked.n, &r->node))
		return true;
	if (kith_ledger_get_id(q->l->v[q->node].t, &r->via, &lr) != KITH_OK || kith_record_parse(lr.header, &join) != KITH_OK)
		return true;
	for (uint32_t i = 0; i < kith_authority_count(a); i++) {
		if (could_hide(kith_authority_at(a, i), r) || could_hide(kith_authority_at(a, i), &join))
			return true;
	}
	return false;
}

static void
judge(const struct reading *q, const struct kith_record *r, uint32_t state)
{
	const struct kith_act *ban;
	char id[KITH_ID_STR];

	kith_id_str(&r->id, id);
	if ((state & (KITH_S_REJECTED | KITH_S_WAITING | KITH_S_SIDE)) != 0)
		return;
	if ((state & KITH_S_HIDDEN) != 0) {
		if (!hidden_for_a_cause(q, r))
			play_fail(q->l->p, "nothing is hidden without a cause", "node %d, %.8s: %s %.10s", q->node, q->l->group->id, kith_kind_name(r->kind), id);
		return;
	}
	ban = banned_by(q, r);
	if (ban != NULL && !listed(q->forked.v, q->forked.n, &r->node))
		play_fail(q->l->p, "nothing is shown that a cut hides", "node %d, %.8s: %s %.10s at place %llu, beyond the cut of a ban of its author", q->node,
		    q->l->group->id, kith_kind_name(r->kind), id, (unsigned long long)r->seq);
}

/* Every record of the group that is held: first who left or forked, then each on its own. */
static void
each_record(struct reading *q, bool judging)
{
	struct kith_txn *t = q->l->v[q->node].t;
	struct kith_ledger_record lr;
	struct kith_record r;
	uint64_t last = 0;
	uint32_t state;

	MUST(kith_ledger_last(t, &last) == KITH_OK);
	for (uint64_t pos = 1; pos <= last; pos++) {
		if (kith_ledger_get(t, pos, &lr) != KITH_OK || kith_record_parse(lr.header, &r) != KITH_OK || !kith_id_eq(&r.group, &q->l->id))
			continue;
		if (!judging && (r.kind == KITH_K_LEAVE || r.kind == KITH_K_MOVE))
			MUST(kith_vec_push(&q->left, r.author) == KITH_OK);
		if (judging && kith_scope_plane(&r.scope) == KITH_PLANE_TIMELINE && kith_ledger_state_get(t, pos, &state) == KITH_OK)
			judge(q, &r, state);
	}
}

void
check_cuts(const struct look *l)
{
	for (int i = 0; i < l->p->n_nodes; i++) {
		struct reading q = { .l = l, .node = i };
		struct kith_authority *a;
		struct kith_feed_tip tip;
		size_t it = 0;

		if (!l->v[i].held || !play_correct(l->p, i))
			continue;
		a = kith_group_authority(l->v[i].g);
		for (uint32_t k = 0; k < kith_authority_count(a); k++)
			q.voided |= kith_authority_at(a, k)->valid && !kith_authority_at(a, k)->effective;
		while (kith_group_feed_next(l->v[i].g, l->v[i].t, &it, &tip)) {
			if (tip.forked)
				MUST(kith_vec_push(&q.forked, tip.node) == KITH_OK);
		}
		each_record(&q, false);
		each_record(&q, true);
		kith_vec_fini(&q.left);
		kith_vec_fini(&q.forked);
	}
}
