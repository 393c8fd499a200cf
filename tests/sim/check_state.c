#include <string.h>

#include "base/b32.h"
#include "storage/ledger.h"
#include "tests/sim/check.h"

/* What nodes hold: the same, as the rules have it, and only what they may. */

void
check_same_state(const struct look *l)
{
	for (int i = 0; i < l->p->n_nodes; i++) {
		for (int k = 0; k < i; k++) {
			const struct view *x = &l->v[i], *y = &l->v[k];

			if (x->held && y->held && play_correct(l->p, i) && play_correct(l->p, k) && kith_id_eq(&x->heads, &y->heads) &&
			    !kith_id_eq(&x->state, &y->state))
				play_fail(l->p, "equal frontiers have equal states", "nodes %d and %d in %.8s", k, i, l->group->id);
		}
	}
}

/* The state that an engine has kept up to date is what one pass over all that it holds says. */
void
check_rebuild(struct look *l)
{
	for (int i = 0; i < l->p->n_nodes; i++) {
		struct view *v = &l->v[i];
		struct kith_diag why = { 0 };
		uint32_t first = 0;
		int r;

		if (!v->held)
			continue;
		r = kith_authority_verify(kith_group_authority(v->g), &first);
		if (r != KITH_OK)
			play_fail(l->p, "incremental state is the one-pass rebuild", "node %d, %.8s: authority: %s at %u", i, l->group->id,
			    kith_err_name(r), first);
		r = kith_group_verify(v->g, v->t, &why);
		if (r != KITH_OK)
			play_fail(l->p, "incremental state is the one-pass rebuild", "node %d, %.8s: %s: %s", i, l->group->id,
			    kith_err_name(r), why.text);
	}
}

static bool
flags_of(struct kith_txn *t, const struct kith_id *id, uint32_t *flags)
{
	uint64_t pos;
	int r = kith_ledger_find(t, id, &pos);

	*flags = 0;
	if (r == KITH_OK)
		r = kith_ledger_state_get(t, pos, flags);
	*flags &= ~(KITH_S_LATE | KITH_S_UNSURE);       /* which go by what was held when it came; screens are compared */
	return r == KITH_OK;
}

static bool
sees(const struct look *l, int node, const struct kith_id *panel)
{
	return kith_group_node_sees(l->v[node].g, world_id(l->p->w, node), panel);
}

static void
acked_elsewhere(const struct look *l, const struct said *s, const struct kith_id *panel, enum kith_verdict mine)
{
	enum kith_verdict other;
	uint32_t my_flags, flags;

	for (int i = 0; i < l->p->n_nodes; i++) {
		if (i == s->node || !l->v[i].live || !sees(l, s->node, panel) || !sees(l, i, panel))
			continue;
		MUST(kith_group_verdict(l->v[i].g, l->v[i].t, &s->rec, &other) == KITH_OK);
		if (other != mine)
			play_fail(l->p, "what was acknowledged reaches all who may have it", "%s %.10s in %.8s is %d at node %d, which said yes, and %d at "
			    "node %d", s->what, s->id, s->panel, mine, s->node, other, i);
		else if (flags_of(l->v[s->node].t, &s->rec, &my_flags) && flags_of(l->v[i].t, &s->rec, &flags) && my_flags != flags)
			play_fail(l->p, "what was acknowledged reaches all who may have it", "%.10s in %.8s has flags %x at node %d and %x at node %d",
			    s->id, s->panel, my_flags, s->node, flags, i);
	}
}

void
check_acked(const struct look *l)
{
	for (size_t k = 0; k < l->p->said.n; k++) {
		const struct said *s = &l->p->said.v[k];
		const struct view *v = &l->v[s->node];
		struct kith_id panel = kith_id_none;
		enum kith_verdict mine;

		if (strcmp(s->group, l->group->id) != 0 || s->lost)
			continue;
		if (!v->held) {
			play_fail(l->p, "what was acknowledged is there after any crash", "node %d has lost the group %.8s", s->node, l->group->id);
			continue;
		}
		MUST(kith_group_verdict(v->g, v->t, &s->rec, &mine) == KITH_OK);
		if (mine == KITH_V_UNKNOWN || mine == KITH_V_WAITING)
			play_fail(l->p, "what was acknowledged is there after any crash", "node %d, which said yes to %s %.10s, has it no more (%d)", s->node,
			    s->what, s->id, mine);
		if (s->panel[0] != '\0' && kith_id_parse(kith_slice_str(s->panel), &panel) != KITH_OK)
			continue;
		if (s->message && v->live)
			acked_elsewhere(l, s, &panel, mine);
	}
}

/* What is private has not gone where nobody may ever have seen it. */
void
check_private(const struct look *l)
{
	for (int i = 0; i < l->p->n_nodes && !l->group->direct; i++) {
		struct kith_feed_tip tip;
		size_t it = 0;

		while (l->v[i].held && kith_group_feed_next(l->v[i].g, l->v[i].t, &it, &tip)) {
			char scope[KITH_ID_STR];

			kith_id_str(&tip.scope, scope);
			for (size_t k = 0; k < l->group->rooms.n; k++) {
				const struct room *r = &l->group->rooms.v[k];
				bool may = !r->private;

				for (int who = 0; who < l->p->n_people; who++)
					may |= r->may[who] && l->p->who[who].p.node == i;
				if (!may && strcmp(r->id, scope) == 0 && (tip.seq != UINT64_MAX || tip.top_seq != UINT64_MAX))
					play_fail(l->p, "nobody gets what they may not see", "node %d has records of the private panel %.8s", i, scope);
			}
		}
	}
}
