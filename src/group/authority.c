#include "group/plane.h"

#include <stdlib.h>
#include <string.h>

/* The plane: what is held, who has seen what, and the one way in. */

int
kith_vec_reserve_(void **v, size_t *cap, size_t need, size_t size)
{
	size_t want = *cap + *cap / 2 + 4, bytes;
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

/* ---- the past ---- */

static uint32_t
seen_of(const struct past *p, uint32_t col)
{
	return p != NULL && col / CHUNK < p->n ? p->c[col / CHUNK]->v[col % CHUNK] : 0;
}

static struct past *
past_new(struct kith_authority *a, uint32_t n)
{
	struct past *p = kith_pool_alloc(&a->pool, 1, sizeof(*p) + n * sizeof(p->c[0]));

	if (p != NULL)
		p->n = n;
	return p;
}

/* The greater of each column; a piece is made only where neither of the two will do. */
static const struct chunk *
chunk_join(struct kith_authority *a, const struct chunk *x, const struct chunk *y)
{
	bool x_all = true, y_all = true;
	struct chunk *c;
	int i;

	if (x == y || y == NULL)
		return x;
	if (x == NULL)
		return y;
	for (i = 0; i < CHUNK; i++) {
		x_all = x_all && x->v[i] >= y->v[i];
		y_all = y_all && y->v[i] >= x->v[i];
	}
	if (x_all || y_all)
		return x_all ? x : y;
	c = kith_pool_alloc(&a->pool, 1, sizeof(*c));
	for (i = 0; c != NULL && i < CHUNK; i++)
		c->v[i] = x->v[i] > y->v[i] ? x->v[i] : y->v[i];
	return c;
}

/* What all the parents have seen. */
static int
past_join(struct kith_authority *a, struct act *x)
{
	uint32_t i, j, n = 0;
	struct past *p;

	if (x->n_parents == 1) {
		x->past = act_at(a, x->parents[0])->past;
		return KITH_OK;
	}
	for (i = 0; i < x->n_parents; i++)
		if (act_at(a, x->parents[i])->past->n > n)
			n = act_at(a, x->parents[i])->past->n;
	p = past_new(a, n);
	if (p == NULL)
		return KITH_E_NOMEM;
	for (i = 0; i < x->n_parents; i++) {
		const struct past *q = act_at(a, x->parents[i])->past;

		for (j = 0; j < q->n; j++) {
			p->c[j] = chunk_join(a, p->c[j], q->c[j]);
			if (p->c[j] == NULL)
				return KITH_E_NOMEM;
		}
	}
	x->past = p;
	return KITH_OK;
}

/* And x itself, at the end of its chain: its prev's if that is where it ends, else a new one (a feed, a branch). */
static int
past_own(struct kith_authority *a, struct act *x, const struct act *prev)
{
	const struct past *q = x->past;
	struct chunk *c;
	struct past *p;
	uint32_t n;

	x->col = prev != NULL && prev->pos == a->columns.v[prev->col] ? prev->col : (uint32_t)a->columns.n;
	x->pos = x->col < a->columns.n ? a->columns.v[x->col] + 1 : 1;
	n = x->col / CHUNK + 1 > q->n ? x->col / CHUNK + 1 : q->n;
	p = past_new(a, n);
	c = kith_pool_alloc(&a->pool, 1, sizeof(*c));
	if (p == NULL || c == NULL)
		return KITH_E_NOMEM;
	if (q->n > 0)
		memcpy(p->c, q->c, q->n * sizeof(p->c[0]));
	for (; n-- > q->n;)
		p->c[n] = &a->no_chunk;
	*c = *p->c[x->col / CHUNK];
	c->v[x->col % CHUNK] = x->pos;
	p->c[x->col / CHUNK] = c;
	x->past = p;
	return KITH_OK;
}

static bool
sees_all(const struct kith_authority *a, const struct act *x)
{
	uint32_t i;

	for (i = 0; i < a->columns.n; i++)
		if (seen_of(x->past, i) != a->columns.v[i])
			return false;
	return true;
}

static bool
in_past(const void *ctx, const struct act *y)
{
	const struct act *x = ctx;

	return y != x && y->pub.valid && act_seen(y, x);
}

/* ---- copies ---- */

static bool
copy_slice(struct pool *p, struct kith_slice *s)
{
	uint8_t *b;

	if (s->n == 0)
		return true;
	b = kith_pool_alloc(p, s->n, 1);
	if (b == NULL)
		return false;
	memcpy(b, s->p, s->n);
	s->p = b;
	return true;
}

static bool
copy_bytes(struct pool *p, const void **v, size_t n, size_t size)
{
	void *b;

	if (n == 0)
		return true;
	b = kith_pool_alloc(p, n, size);
	if (b == NULL)
		return false;
	memcpy(b, *v, n * size);
	*v = b;
	return true;
}

static bool
copy_list(struct pool *p, const struct kith_slice **v, uint32_t n)
{
	struct kith_slice *l;
	uint32_t i;

	if (n == 0)
		return true;
	l = kith_pool_alloc(p, n, sizeof(*l));
	for (i = 0; l != NULL && i < n; i++) {
		l[i] = (*v)[i];
		if (!copy_slice(p, &l[i]))
			return false;
	}
	*v = l;
	return l != NULL;
}

static const struct kith_op *
copy_op(struct pool *p, const struct kith_op *from)
{
	struct kith_op *o = kith_pool_alloc(p, 1, sizeof(*o));

	if (o == NULL)
		return NULL;
	*o = *from;
	return copy_slice(p, &o->key) && copy_slice(p, &o->order) && copy_slice(p, &o->value) &&
	    copy_slice(p, &o->nonce) && copy_slice(p, &o->count_sig) && copy_slice(p, &o->sigs) &&
	    copy_slice(p, &o->earlier) && copy_slice(p, &o->implicit) && copy_list(p, &o->perms, o->n_perms) &&
	    copy_list(p, &o->may, o->n_may) &&
	    copy_bytes(p, (const void **)&o->users, o->n_users, sizeof(*o->users)) &&
	    copy_bytes(p, (const void **)&o->founders, o->n_founders, sizeof(*o->founders)) &&
	    copy_bytes(p, (const void **)&o->frontier, o->n_frontier, sizeof(*o->frontier)) ? o : NULL;
}

static const struct kith_cut *
copy_cut(struct pool *p, const struct kith_cut *from)
{
	struct kith_cut *c = kith_pool_alloc(p, 1, sizeof(*c));
	struct kith_cut_feed *f;
	uint32_t i;

	if (c == NULL)
		return NULL;
	*c = *from;
	f = kith_pool_alloc(p, c->n_feeds, sizeof(*f));
	for (i = 0; f != NULL && i < c->n_feeds; i++) {
		f[i] = from->feed[i];
		if (!copy_bytes(p, (const void **)&f[i].tip, f[i].n_tips, sizeof(*f[i].tip)))
			return NULL;
	}
	c->feed = f;
	return f != NULL && copy_bytes(p, (const void **)&c->unheld, c->n_unheld, sizeof(*c->unheld)) &&
	    copy_bytes(p, (const void **)&c->part, c->n_parts, sizeof(*c->part)) ? c : NULL;
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
		x->pub.op = copy_op(&a->pool, op);
		if (x->pub.op == NULL)
			return NULL;
		if (r->kind == KITH_K_PANEL_CREATE && op->has & KITH_OP_BIT(KITH_OP_SCOPE))
			x->pub.panel_or_role = op->scope;
	}
	if (proof->cut != NULL) {
		x->pub.cut = copy_cut(&a->pool, proof->cut);
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
	r = kith_act_plan(a, x, in_past, x, &why);
	if (r != KITH_OK)
		return r == KITH_E_DENIED ? KITH_OK : r;
	x->planned = true;
	x->by = kith_plane_person(a, &x->pub.author);
	x->twinned = kith_plane_counter(a, x) != NULL;
	if (x->by == NULL)
		return KITH_E_NOMEM;
	x->dominates = sees_all(a, x);
	if (!x->dominates || a->now.n_in != a->n_valid) {
		r = kith_view_below(a, idx, own_frontier(a, x, idx), &v);
		if (r != KITH_OK)
			return r;
	}
	x->pub.valid = kith_judge_first(v, x) == NULL;
	return x->pub.valid ? past_own(a, x, prev) : KITH_OK;
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
	    kith_vec_reserve(&a->owners, p->n_writes) != KITH_OK;
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
			    kith_vec_reserve(&s->role->held, 1) != KITH_OK;
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
	if (x->pub.kind == KITH_K_ROLE_CREATE)
		p->writes[0].s->role->create = x;
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

/* ---- A11 ---- */

static bool
beyond_fork(const struct act *x)
{
	return x->pub.seq >= x->feed->fork_seq;
}

/* x is new: does it count by itself, or y through it? */
static bool
carries(const struct act *x, const struct act *y)
{
	return y == x ? !beyond_fork(x) : y->pos != 0 && y->feed != x->feed && act_seen(y, x);
}

static void
take_into_now(struct kith_authority *a, struct act *x)
{
	uint32_t i;

	for (i = 0; a->now.n_in + 1 < a->n_valid && i < x->pub.index; i++)
		if (!view_in(&a->now, i) && carries(x, act_at(a, i)))
			kith_view_take(&a->now, act_at(a, i));
	if (carries(x, x))
		kith_view_take(&a->now, x);
}

bool
kith_plane_counts(const struct kith_authority *a, const struct act *x)
{
	uint32_t i;

	if (x->pos == 0 || !beyond_fork(x))
		return x->pos != 0;
	for (i = x->pub.index + 1; i < a->acts.n; i++)
		if (act_at(a, i)->pos != 0 && carries(act_at(a, i), x))
			return true;
	return false;
}

/* A fork has come to light: what counts is counted anew. old: room for as many words as now has. */
static void
count_anew(struct kith_authority *a, uint64_t *old)
{
	struct kith_view *v = &a->now;
	uint32_t i, j;

	memcpy(old, v->eff, v->words * sizeof(*old));
	memset(v->in, 0, v->words * sizeof(*v->in));
	v->n_in = 0;
	v->heads.n = 0;
	for (i = 0; i < a->acts.n; i++) {
		if (!kith_plane_counts(a, act_at(a, i)))
			continue;
		v->in[i / 64] |= UINT64_C(1) << (i % 64);
		v->n_in++;
	}
	for (i = 0; i < a->acts.n; i++) {
		bool head = view_in(v, i);

		for (j = i + 1; head && j < a->acts.n; j++)
			head = !view_in(v, j) || !act_seen(act_at(a, i), act_at(a, j));
		if (head)
			v->heads.v[v->heads.n++] = i;
	}
	kith_view_decide(v);
	for (i = 0; i < a->acts.n; i++) {
		bool on = view_eff(v, i);

		if (on != bit_get(old, v->words, i))
			kith_view_flip(v, act_at(a, i), on);
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
	if (x->feed == NULL || past_join(a, x) != KITH_OK)
		goto fail;
	x->pub.level = kith_act_level(a, &r->via, r->kind, op, in_past, x);
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
		count_anew(a, old);
	} else if (x->pub.valid) {
		take_into_now(a, x);
	}
	free(old);
	*out = &x->pub;
	return KITH_OK;
fail:
	kith_pool_back(&a->pool, mark);
	return e;
}

/* ---- asking ---- */

void
kith_authority_changed(struct kith_authority *a, const uint32_t **index, size_t *n)
{
	size_t i, m = 0;

	for (i = 0; i < a->changes.n; i++) {
		struct act *x = act_at(a, a->changes.v[i]);

		x->listed = false;
		if (x->reported == x->pub.effective)
			continue;
		x->reported = x->pub.effective;
		a->changes.v[m++] = x->pub.index;
	}
	a->changes.n = 0;
	*index = a->changes.v;
	*n = m;
}

size_t
kith_authority_count(const struct kith_authority *a)
{
	return a->acts.n;
}

const struct kith_act *
kith_authority_at(const struct kith_authority *a, uint32_t index)
{
	return index < a->acts.n ? &act_at(a, index)->pub : NULL;
}

const struct kith_act *
kith_authority_find(const struct kith_authority *a, const struct kith_id *id)
{
	const struct act *x = kith_plane_act(a, id);

	return x == NULL ? NULL : &x->pub;
}

bool
kith_authority_seen(const struct kith_authority *a, uint32_t x, uint32_t y)
{
	return act_seen(act_at(a, x), act_at(a, y));
}

bool
kith_authority_counts(const struct kith_authority *a, uint32_t act)
{
	return view_in(&a->now, act);
}

uint64_t
kith_authority_rules(const struct kith_authority *a)
{
	return a->rules;
}

static int
by_id(const void *x, const void *y)
{
	return kith_id_cmp(x, y);
}

static int
newest_first(const void *x, const void *y)
{
	const uint32_t *a = x, *b = y;

	return *a > *b ? -1 : *a < *b;
}

size_t
kith_authority_parents(const struct kith_authority *a, const struct kith_id *prev, struct kith_id out[KITH_PARENTS_MAX])
{
	const struct act *p = prev == NULL ? NULL : kith_plane_act(a, prev);
	uint32_t best[KITH_PARENTS_MAX + 1];
	size_t i, j, n = 0;
	bool below = p == NULL || !p->pub.valid;

	for (i = 0; i < a->now.heads.n; i++) {
		best[n++] = a->now.heads.v[i];
		qsort(best, n, sizeof(best[0]), newest_first);
		if (n > KITH_PARENTS_MAX)
			n = KITH_PARENTS_MAX;
	}
	for (i = 0; i < n && !below; i++)
		below = act_seen(p, act_at(a, best[i]));
	if (!below) {
		/* a head that has seen it, or itself if it does not count */
		uint32_t with = p->pub.index;

		for (j = 0; j < a->now.heads.n; j++)
			if (act_seen(p, act_at(a, a->now.heads.v[j])))
				with = a->now.heads.v[j];
		if (n == KITH_PARENTS_MAX)
			n--;
		best[n++] = with;
	}
	for (i = 0; i < n; i++)
		out[i] = act_at(a, best[i])->pub.id;
	qsort(out, n, sizeof(out[0]), by_id);
	return n;
}

size_t
kith_authority_heads(const struct kith_authority *a, struct kith_id out[KITH_PARENTS_MAX])
{
	return kith_authority_parents(a, NULL, out);
}
