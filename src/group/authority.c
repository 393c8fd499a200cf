#include "group/plane.h"

#include <stdlib.h>
#include <string.h>

/* The plane: what is held, who has seen what, and the one way in. */

int
kith_vec_reserve_(void **v, size_t *cap, size_t need, size_t size)
{
	size_t want = *cap + *cap / 2 + 1, bytes;
	void *p;

	if (need <= *cap)
		return KITH_OK;
	if (want < need)
		want = need;
	if (!kith_size_mul(want, size, &bytes))
		return KITH_E_NOMEM;
	p = realloc(*v, bytes);
	if (p == NULL)
		return KITH_E_NOMEM;
	*v = p;
	*cap = want;
	return KITH_OK;
}

int
kith_authority_new(const struct kith_id *group, struct kith_authority **out)
{
	struct kith_authority *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return KITH_E_NOMEM;
	a->group = *group;
	a->now.a = a;
	a->by_id = kith_map_new();
	a->slots = kith_map_new();
	a->persons = kith_map_new();
	a->roles = kith_map_new();
	a->feeds = kith_map_new();
	a->counters = kith_map_new();
	a->views = kith_map_new();
	if (a->by_id == NULL || a->slots == NULL || a->persons == NULL || a->roles == NULL || a->feeds == NULL ||
	    a->counters == NULL || a->views == NULL) {
		kith_authority_free(a);
		return KITH_E_NOMEM;
	}
	*out = a;
	return KITH_OK;
}

static void
free_slot(void *p)
{
	struct slot *s = p;

	kith_vec_fini(&s->writes);
	kith_vec_fini(&s->readers);
	free(s);
}

static void
free_person(void *v)
{
	struct person *p = v;

	kith_vec_fini(&p->acts);
	kith_vec_fini(&p->aimed);
	kith_vec_fini(&p->resigns);
	kith_vec_fini(&p->rekeys);
	kith_vec_fini(&p->kicks);
	kith_vec_fini(&p->holds);
	free(p);
}

static void
free_role(void *p)
{
	struct role *r = p;

	kith_vec_fini(&r->held);
	kith_vec_fini(&r->perms);
	free(r);
}

void
kith_authority_free(struct kith_authority *a)
{
	if (a == NULL)
		return;
	if (a->views != NULL)
		kith_views_free(a);
	kith_map_free(a->by_id, NULL);
	kith_map_free(a->slots, free_slot);
	kith_map_free(a->persons, free_person);
	kith_map_free(a->roles, free_role);
	kith_map_free(a->feeds, free);
	kith_map_free(a->counters, NULL);
	kith_map_free(a->views, NULL);
	kith_vec_fini(&a->acts);
	kith_vec_fini(&a->columns);
	kith_vec_fini(&a->succeeds);
	kith_vec_fini(&a->owners);
	kith_vec_fini(&a->changes);
	kith_vec_fini(&a->dirty);
	kith_vec_fini(&a->created);
	kith_vec_fini(&a->dirty_roles);
	kith_view_fini(&a->now);
	free(a->work.heap);
	free(a->work.queued);
	kith_pool_back(&a->pool, (struct pool_mark){ NULL, 0 });
	free(a);
}

/* ---- finding ---- */

struct act *
kith_plane_act(const struct kith_authority *a, const struct kith_id *id)
{
	return kith_map_get(a->by_id, kith_id_slice(id));
}

static void *
interned(struct kith_map *m, struct kith_slice key, size_t size)
{
	void *p = kith_map_get(m, key);

	if (p != NULL)
		return p;
	p = calloc(1, size);
	if (p != NULL && kith_map_put(m, key, p, NULL) != KITH_OK) {
		free(p);
		p = NULL;
	}
	return p;
}

struct person *
kith_plane_person(struct kith_authority *a, const struct kith_id *uid)
{
	struct person *p = interned(a->persons, kith_id_slice(uid), sizeof(*p));

	if (p != NULL)
		p->uid = *uid;
	return p;
}

struct role *
kith_plane_role(struct kith_authority *a, const struct kith_id *id)
{
	struct role *r = interned(a->roles, kith_id_slice(id), sizeof(*r));

	if (r != NULL)
		r->id = *id;
	return r;
}

static struct kith_slice
counter_key(const struct act *x, uint8_t key[KITH_ID_BYTES + 8])
{
	memcpy(key, x->pub.author.b, KITH_ID_BYTES);
	kith_put_be64(key + KITH_ID_BYTES, x->pub.counter);
	return kith_slice_of(key, KITH_ID_BYTES + 8);
}

struct act *
kith_plane_counter(const struct kith_authority *a, const struct act *x)
{
	uint8_t key[KITH_ID_BYTES + 8];

	return kith_map_get(a->counters, counter_key(x, key));
}

/* ---- adding ---- */

static int
look_up(struct kith_authority *a, struct act *x, const struct kith_record *r, struct act **prev)
{
	struct act *y;
	uint32_t i;

	*prev = NULL;
	if (a->acts.n == 0)
		return r->kind == KITH_K_CREATE ? KITH_OK : KITH_E_MISSING;
	x->parents = kith_pool_alloc(&a->pool, r->n_parents, sizeof(*x->parents));
	if (x->parents == NULL)
		return KITH_E_NOMEM;
	for (i = 0; i < r->n_parents; i++) {
		y = kith_plane_act(a, &r->parents[i]);
		if (y == NULL)
			return KITH_E_MISSING;
		x->parents[x->n_parents++] = y->pub.index;
	}
	if (kith_id_is_none(&r->prev))
		return r->seq == 0 ? KITH_OK : KITH_E_MALFORMED;
	*prev = kith_plane_act(a, &r->prev);
	if (*prev == NULL)
		return KITH_E_MISSING;
	y = *prev;
	return y->pub.seq + 1 == r->seq && r->seq != 0 && y->pub.incarnation == r->incarnation &&
	    kith_id_eq(&y->pub.node, &r->node) ? KITH_OK : KITH_E_MALFORMED;
}

static struct act *
act_new(struct kith_authority *a, const struct kith_record *r, const struct kith_op *op,
    const struct kith_act_proof *proof)
{
	struct act *x = kith_pool_alloc(&a->pool, 1, sizeof(*x));

	if (x == NULL)
		return NULL;
	x->pub = (struct kith_act){ .id = r->id, .author = r->author, .doc = r->doc, .via = r->via, .node = r->node,
		.panel_or_role = r->id, .incarnation = r->incarnation, .seq = r->seq, .clock = r->clock,
		.counter = r->counter, .doc_n = proof->doc_n, .index = (uint32_t)a->acts.n, .kind = r->kind };
	x->rekey_n = proof->rekey_n;
	x->sigs_ok = proof->quorum_sigs_ok;
	x->invite_maker = proof->invite_maker;
	if (op != NULL) {
		x->pub.op = kith_pool_op(&a->pool, op);
		if (x->pub.op == NULL)
			return NULL;
		if (r->kind == KITH_K_PANEL_CREATE && op->has & KITH_OP_BIT(KITH_OP_SCOPE))
			x->pub.panel_or_role = op->scope;
	}
	if (proof->cut != NULL) {
		x->pub.cut = kith_pool_cut(&a->pool, proof->cut);
		if (x->pub.cut == NULL)
			return NULL;
	}
	return x;
}

static struct feed *
feed_of(struct kith_authority *a, const struct act *x)
{
	uint8_t key[KITH_ID_BYTES + 8];
	struct feed *f;

	memcpy(key, x->pub.node.b, KITH_ID_BYTES);
	kith_put_be64(key + KITH_ID_BYTES, x->pub.incarnation);
	f = kith_map_get(a->feeds, kith_slice_of(key, sizeof(key)));
	if (f != NULL)
		return f;
	f = interned(a->feeds, kith_slice_of(key, sizeof(key)), sizeof(*f));
	if (f != NULL)
		f->fork_seq = UINT64_MAX;
	return f;
}

/* A10, and that all it builds on is valid. */
static bool
well_placed(const struct kith_authority *a, const struct act *x, const struct act *prev)
{
	uint32_t i;

	if (x->pub.kind == KITH_K_CREATE)
		return a->acts.n == 0;
	if (x->n_parents == 0 || (prev != NULL && (!prev->pub.valid || !act_seen(prev, x))))
		return false;
	for (i = 0; i < x->n_parents; i++)
		if (!act_at(a, x->parents[i])->pub.valid)
			return false;
	return true;
}

/* The parents, but for those that others of them have seen. */
static size_t
own_frontier(const struct kith_authority *a, const struct act *x, uint32_t *idx)
{
	size_t n = 0;
	uint32_t i, j;

	for (i = 0; i < x->n_parents; i++) {
		for (j = 0; j < x->n_parents; j++)
			if (j != i && act_seen(act_at(a, x->parents[i]), act_at(a, x->parents[j])))
				break;
		if (j == x->n_parents)
			idx[n++] = x->parents[i];
	}
	return n;
}

/* The first decision (A6). */
static int
first_decision(struct kith_authority *a, struct act *x, const struct act *prev)
{
	uint32_t idx[KITH_PARENTS_MAX];
	struct kith_view *v = &a->now;
	const char *why;
	int r;

	if (x->pub.refused_form || !well_placed(a, x, prev))
		return KITH_OK;
	r = kith_act_plan(a, x, kith_past_has, x, &why);
	if (r != KITH_OK)
		return r == KITH_E_DENIED ? KITH_OK : r;
	x->planned = true;
	x->by = kith_plane_person(a, &x->pub.author);
	x->twinned = kith_plane_counter(a, x) != NULL;
	if (x->by == NULL)
		return KITH_E_NOMEM;
	x->dominates = kith_past_sees_all(a, x);
	if (!x->dominates || a->now.n_in != a->n_valid) {
		r = kith_view_below(a, idx, own_frontier(a, x, idx), &v);
		if (r != KITH_OK)
			return r;
	}
	x->pub.valid = kith_judge_first(v, x) == NULL;
	return x->pub.valid ? kith_past_own(a, x, prev) : KITH_OK;
}

static bool
is_restart_of_feed(const struct act *x, const struct act *prev)
{
	return prev != NULL ? prev->has_child : x->feed->begun;
}

/* Room for all that enter() will write. */
static int
make_room(struct kith_authority *a, const struct act *x, bool fork)
{
	const struct plan *p = &x->plan;
	uint32_t i;
	bool bad;

	bad = kith_vec_reserve(&a->acts, 1) != KITH_OK || kith_vec_reserve(&a->columns, 1) != KITH_OK ||
	    kith_view_reserve(&a->now, a->acts.n + 1) != KITH_OK ||
	    kith_work_reserve(a, a->acts.n + 1) != KITH_OK ||
	    kith_vec_reserve(&a->changes, a->acts.n + 1) != KITH_OK ||
	    /* a fork that comes to light can make heads of anything */
	    kith_vec_reserve(&a->now.heads, fork || a->now.n_in != a->n_valid ? a->acts.n + 1 : 1) != KITH_OK;
	if (bad || !x->pub.valid)
		return bad ? KITH_E_NOMEM : KITH_OK;
	bad = kith_vec_reserve(&x->by->acts, 1) != KITH_OK || kith_vec_reserve(&x->by->resigns, 1) != KITH_OK ||
	    kith_vec_reserve(&x->by->rekeys, 1) != KITH_OK || kith_vec_reserve(&a->succeeds, 1) != KITH_OK ||
	    kith_vec_reserve(&a->owners, p->n_writes) != KITH_OK || kith_vec_reserve(&a->created, 1) != KITH_OK ||
	    kith_vec_reserve(&a->dirty_roles, a->created.n + 1 - a->dirty_roles.n) != KITH_OK;
	if (p->standing != NULL)
		bad = bad || kith_vec_reserve(&p->standing->readers, 1) != KITH_OK;
	for (i = 0; i < p->n_needs; i++)
		bad = bad || kith_vec_reserve(&p->needs[i]->readers, 1) != KITH_OK;
	for (i = 0; i < p->n_people; i++)
		bad = bad || kith_vec_reserve(&p->people[i]->aimed, 1) != KITH_OK ||
		    kith_vec_reserve(&p->people[i]->kicks, 1) != KITH_OK;
	for (i = 0; i < p->n_writes; i++) {
		struct slot *s = p->writes[i].s;

		bad = bad || kith_vec_reserve(&s->writes, 1) != KITH_OK || kith_vec_reserve(&s->readers, 1) != KITH_OK;
		if (s->f.kind == KITH_F_HOLDS)
			bad = bad || kith_vec_reserve(&s->who->holds, 1) != KITH_OK ||
			    kith_vec_reserve(&s->role->held, p->n_writes) != KITH_OK;
	}
	return bad ? KITH_E_NOMEM : KITH_OK;
}

#define PUSH(vec, item) ((vec)->v[(vec)->n++] = (item))

/* x into the indexes: nothing here can fail. */
static void
enter(struct kith_authority *a, struct act *x)
{
	const struct plan *p = &x->plan;
	uint32_t i, index = x->pub.index;

	if (x->col == a->columns.n)
		PUSH(&a->columns, 0);
	a->columns.v[x->col] = x->pos;
	a->n_valid++;
	PUSH(&x->by->acts, index);
	if (x->pub.kind == KITH_K_OWNER_RESIGN)
		PUSH(&x->by->resigns, index);
	if (x->pub.kind == KITH_K_REKEY)
		PUSH(&x->by->rekeys, index);
	if (x->pub.kind == KITH_K_OWNER_SUCCEED)
		PUSH(&a->succeeds, index);
	if (x->pub.kind == KITH_K_ROLE_CREATE) {
		struct role *r = p->writes[0].s->role;

		r->create = x;
		r->first = (struct kith_write){ index, true };
		PUSH(&a->created, r);
	}
	if ((x->pub.kind == KITH_K_CREATE || x->pub.kind == KITH_K_UPGRADE) && x->pub.op->rules > a->rules)
		a->rules = x->pub.op->rules;
	if (p->standing != NULL)
		PUSH(&p->standing->readers, index);
	for (i = 0; i < p->n_needs; i++)
		PUSH(&p->needs[i]->readers, index);
	for (i = 0; i < p->n_people; i++) {
		PUSH(&p->people[i]->aimed, index);
		if (x->pub.kind == KITH_K_KICK)
			PUSH(&p->people[i]->kicks, index);
	}
	for (i = 0; i < p->n_writes; i++) {
		struct slot *s = p->writes[i].s;

		if (s->writes.n == 0 && s->f.kind == KITH_F_HOLDS) {
			PUSH(&s->who->holds, s);
			PUSH(&s->role->held, s->who);
		}
		if (s->writes.n == 0 && s->f.kind == KITH_F_OWNER)
			PUSH(&a->owners, s->who);
		PUSH(&s->writes, ((struct kith_write){ index, p->writes[i].on }));
		if (p->lifts)
			PUSH(&s->readers, index);
	}
}

int
kith_authority_add(struct kith_authority *a, const struct kith_record *r, const struct kith_op *op,
    const struct kith_act_proof *proof, const struct kith_act **out)
{
	struct pool_mark mark = kith_pool_mark(&a->pool);
	struct act *x = kith_plane_act(a, &r->id), *prev;
	uint8_t key[KITH_ID_BYTES + 8];
	uint64_t *old = NULL;
	bool fork = false;
	int e = KITH_E_NOMEM;

	if (x != NULL) {
		*out = &x->pub;
		return KITH_E_EXISTS;
	}
	if (!kith_id_eq(r->kind == KITH_K_CREATE ? &r->id : &r->group, &a->group) ||
	    !kith_id_eq(&r->scope, &kith_scope_authority) || a->acts.n == UINT32_MAX - 1)
		return KITH_E_MALFORMED;
	x = act_new(a, r, op, proof);
	if (x == NULL)
		goto fail;
	e = look_up(a, x, r, &prev);
	if (e != KITH_OK)
		goto fail;
	e = KITH_E_NOMEM;
	x->pub.refused_form = !proof->author_ok || op == NULL;
	x->feed = feed_of(a, x);
	if (x->feed == NULL || kith_past_join(a, x) != KITH_OK)
		goto fail;
	x->pub.level = kith_act_level(a, &r->via, r->kind, op, kith_past_has, x);
	if (first_decision(a, x, prev) != KITH_OK)
		goto fail;
	fork = is_restart_of_feed(x, prev) && r->seq < x->feed->fork_seq;
	if (make_room(a, x, fork) != KITH_OK)
		goto fail;
	if (fork) {
		old = malloc((a->now.words + 1) * sizeof(*old));
		if (old == NULL)
			goto fail;
	}
	if (kith_map_put(a->by_id, kith_id_slice(&x->pub.id), x, NULL) != KITH_OK)
		goto fail;
	if (x->pub.valid) {
		x->twin = kith_plane_counter(a, x);
		if (kith_map_put(a->counters, counter_key(x, key), x, NULL) != KITH_OK) {
			(void)kith_map_del(a->by_id, kith_id_slice(&x->pub.id));
			goto fail;
		}
		if (x->twin != NULL)
			x->twin->twinned = true;
	}

	kith_view_keep_now(a);
	PUSH(&a->acts, x);
	if (prev != NULL)
		prev->has_child = true;
	else
		x->feed->begun = true;
	if (x->pub.valid)
		enter(a, x);
	if (fork) {
		x->feed->fork_seq = r->seq;
		kith_count_anew(a, old);
	} else if (x->pub.valid) {
		kith_count_new(a, x);
	}
	free(old);
	*out = &x->pub;
	return KITH_OK;
fail:
	free(old);
	kith_pool_back(&a->pool, mark);
	return e;
}
