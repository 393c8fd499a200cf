#include "tests/sim/look.h"

#include <string.h>

#include "base/b32.h"
#include "crypto/sign.h"
#include "storage/ledger.h"

static void
put_id(struct kith_buf *b, const struct kith_id *id)
{
	char text[KITH_ID_STR];

	kith_id_str(id, text);
	kith_buf_printf(b, "%.10s", text);
}

static void
add_to(struct kith_id *sum, const struct kith_id *x)
{
	unsigned carry = 0;

	for (int k = 31; k >= 0; k--) {
		carry += (unsigned)sum->b[k] + x->b[k];
		sum->b[k] = (uint8_t)carry;
		carry >>= 8;
	}
}

/* Everything that is held, by scope, in no order. */
static void
look_at_records(struct look *l, int node)
{
	struct view *v = &l->v[node];
	struct kith_ledger_record lr;
	struct kith_record r;
	struct kith_id sum[2] = { kith_id_none, kith_id_none };
	uint64_t last = 0;
	char scope[KITH_ID_STR];

	MUST(kith_ledger_last(v->t, &last) == KITH_OK);
	for (uint64_t pos = 1; pos <= last; pos++) {
		enum kith_plane plane;

		if (kith_ledger_get(v->t, pos, &lr) != KITH_OK || kith_record_parse(lr.header, &r) != KITH_OK ||
		    (!kith_id_eq(&r.group, &l->id) && !kith_id_eq(&r.id, &l->id)))
			continue;
		plane = kith_scope_plane(&r.scope);
		if (plane != KITH_PLANE_TIMELINE) {
			/* of an authority feed that is forked two records beyond the fork are enough (RULES A11) */
			if (plane == KITH_PLANE_ROSTER || kith_authority_find(kith_group_authority(v->g), &r.id) == NULL ||
			    kith_authority_counts(kith_group_authority(v->g), kith_authority_find(kith_group_authority(v->g), &r.id)->index))
				add_to(&sum[plane == KITH_PLANE_ROSTER], &r.id);
			continue;
		}
		kith_id_str(&r.scope, scope);
		for (size_t k = 0; k < l->group->rooms.n && k < PLAY_ROOMS_MAX; k++) {
			if (strcmp(l->group->rooms.v[k].id, scope) == 0 && kith_group_node_sees(v->g, world_id(l->p->w, node), &r.scope))
				add_to(&v->panel[k], &r.id);
		}
	}
	kith_buf_printf(&v->text, "authority ");
	put_id(&v->text, &sum[0]);
	kith_buf_printf(&v->text, "\nroster ");
	put_id(&v->text, &sum[1]);
	kith_buf_printf(&v->text, "\n");
}

static void
look_at_node(struct look *l, int node)
{
	static struct kith_self self[STORY_NODES_MAX];
	struct view *v = &l->v[node];
	struct play *p = l->p;
	struct kith_id heads[KITH_PARENTS_MAX];
	struct kith_member m;
	struct kith_group_node gn;
	bool mine = false, banned = false;
	uint64_t nodes = 0;
	size_t it = 0, n;
	int r;

	world_settle(p->w, node);
	disk_troubles(world_store(p->w, node))->calm = true;
	self[node].node = *world_id(p->w, node);
	self[node].sign = world_signer(p->w, node);
	MUST(kith_store_begin(world_store(p->w, node), true, &v->t) == KITH_OK);
	r = kith_store_incarnation(v->t, 1, &self[node].incarnation, NULL);
	MUST(r == KITH_OK);
	r = kith_group_open(world_env(p->w), &self[node], v->t, &l->id, &v->g);
	if (r != KITH_OK) {
		play_fail(p, "what was synced can be read", "node %d cannot open %.8s: %s", node, l->group->id, kith_err_name(r));
		return;
	}
	v->held = kith_group_is_held(v->g);
	if (!v->held)
		return;
	n = kith_authority_heads(kith_group_authority(v->g), heads);
	kith_hash(KITH_L_OBJECT, kith_slice_of(heads, n * sizeof(heads[0])), &v->heads);
	kith_buf_printf(&v->text, "heads");
	for (size_t i = 0; i < n; i++) {
		kith_buf_printf(&v->text, " ");
		put_id(&v->text, &heads[i]);
	}
	kith_authority_state_hash(kith_group_authority(v->g), &v->state);
	kith_buf_printf(&v->text, "\nstate ");
	put_id(&v->text, &v->state);
	kith_buf_printf(&v->text, "\nmembers");
	while (kith_group_member_next(v->g, &it, &m)) {
		if (!m.member)
			continue;
		kith_buf_printf(&v->text, " ");
		put_id(&v->text, &m.uid);
		kith_buf_printf(&v->text, "/");
		put_id(&v->text, &m.membership);
		mine |= kith_id_eq(&m.node, &self[node].node);
	}
	for (it = 0; kith_group_node_next(v->g, &it, &gn);) {
		if (kith_id_eq(&gn.node, &self[node].node))
			banned = gn.banned;
		if (gn.members > 0)
			nodes += kith_get_be64(gn.node.b) * (2 * (uint64_t)gn.members + gn.banned);
	}
	kith_buf_printf(&v->text, "\nnodes %llx\n", (unsigned long long)nodes);
	look_at_records(l, node);
	v->live = mine && !banned && play_correct(p, node);
}

void
look_open(struct look *l, struct play *p, struct group *g)
{
	memset(l, 0, sizeof(*l));
	l->p = p;
	l->group = g;
	MUST(kith_id_parse(kith_slice_str(g->id), &l->id) == KITH_OK);
	for (int i = 0; i < p->n_nodes; i++) {
		kith_buf_init(&l->v[i].text, 1u << 20);
		l->v[i].up = world_is_up(p->w, i);
		if (l->v[i].up)
			look_at_node(l, i);
		kith_buf_put_u8(&l->v[i].text, 0);
	}
}

void
look_unlock(struct look *l)
{
	for (int i = 0; i < l->p->n_nodes; i++) {
		kith_txn_abort(l->v[i].t);
		l->v[i].t = NULL;
		disk_troubles(world_store(l->p->w, i))->calm = false;
	}
}

void
look_close(struct look *l)
{
	look_unlock(l);
	for (int i = 0; i < l->p->n_nodes; i++) {
		kith_group_close(l->v[i].g);
		kith_buf_fini(&l->v[i].text);
	}
}

void
look_first_difference(const char *x, const char *y, char *out, size_t n)
{
	size_t i = 0, line = 0;

	while (x[i] != '\0' && x[i] == y[i]) {
		if (x[i] == '\n')
			line = i + 1;
		i++;
	}
	snprintf(out, n, "<%.*s> and <%.*s>", (int)strcspn(x + line, "\n"), x + line, (int)strcspn(y + line, "\n"), y + line);
}

/* What one node holds of the group, with its verdicts; for people who want to know how nodes came to differ. */
static void
tell_records(const struct look *l, int node)
{
	struct kith_txn *t = l->v[node].t;
	struct kith_ledger_record lr;
	struct kith_record r;
	uint64_t last = 0;
	uint32_t state = 0;
	char id[KITH_ID_STR], by[KITH_ID_STR], scope[KITH_ID_STR];

	MUST(kith_ledger_last(t, &last) == KITH_OK);
	for (uint64_t pos = 1; l->p->log > 0 && pos <= last; pos++) {
		if (kith_ledger_get(t, pos, &lr) != KITH_OK || kith_record_parse(lr.header, &r) != KITH_OK ||
		    kith_ledger_state_get(t, pos, &state) != KITH_OK)
			continue;
		if (kith_id_eq(&r.group, &l->id) || kith_id_eq(&r.id, &l->id))
			play_tell(l->p, "node %d: %.10s %s state %x, place %llu of %.6s/%llx in %.8s", node, kith_id_str(&r.id, id), kith_kind_name(r.kind), state,
			    (unsigned long long)r.seq, kith_id_str(&r.node, by), (unsigned long long)r.incarnation, kith_id_str(&r.scope, scope));
	}
}

bool
look_differ(const struct look *l, int *a, int *b, char *why, size_t n_why)
{
	int first = -1;

	for (int i = 0; i < l->p->n_nodes; i++) {
		if (!l->v[i].live)
			continue;
		if (first < 0)
			first = i;
		*a = first;
		*b = i;
		if (strcmp((const char *)l->v[first].text.p, (const char *)l->v[i].text.p) != 0) {
			look_first_difference((const char *)l->v[first].text.p, (const char *)l->v[i].text.p, why, n_why);
			play_tell(l->p, "node %d of %.8s:\n%snode %d:\n%s", first, l->group->id, (const char *)l->v[first].text.p, i,
			    (const char *)l->v[i].text.p);
			tell_records(l, first);
			tell_records(l, i);
			return true;
		}
	}
	for (size_t k = 0; k < l->group->rooms.n && k < PLAY_ROOMS_MAX; k++) {
		first = -1;
		for (int i = 0; i < l->p->n_nodes; i++) {
			struct kith_id panel;

			MUST(kith_id_parse(kith_slice_str(l->group->rooms.v[k].id), &panel) == KITH_OK);
			if (!l->v[i].live || !kith_group_node_sees(l->v[i].g, world_id(l->p->w, i), &panel))
				continue;
			if (first < 0)
				first = i;
			*a = first;
			*b = i;
			if (!kith_id_eq(&l->v[first].panel[k], &l->v[i].panel[k])) {
				snprintf(why, n_why, "records of the panel %.8s", l->group->rooms.v[k].id);
				tell_records(l, first);
				tell_records(l, i);
				return true;
			}
		}
	}
	return false;
}
