#include "group/plane.h"

#include <stdlib.h>
#include <string.h>

const struct kith_id kith_object_plugins = { { [31] = 16 } };

static bool
has_a(enum kith_fact_kind k)
{
	return k != KITH_F_JOINS_OPEN;
}

static bool
has_b(enum kith_fact_kind k)
{
	return k == KITH_F_HOLDS || k == KITH_F_NOT_DENIED || k == KITH_F_ALLOWED;
}

static bool
has_perm(enum kith_fact_kind k)
{
	return k == KITH_F_ROLE_PERM || k == KITH_F_NOT_DENIED || k == KITH_F_ALLOWED;
}

bool
kith_fact_default(const struct kith_fact *f)
{
	switch (f->kind) {
	case KITH_F_NOT_BANNED:
	case KITH_F_VOICE:
	case KITH_F_NODE:
	case KITH_F_PANEL_OPEN:
	case KITH_F_NOT_DENIED:
	case KITH_F_INVITE:
		return true;
	case KITH_F_ROLE:
		return kith_role_is_implicit(&f->a);
	default:
		return false;
	}
}

bool
kith_fact_restricts(enum kith_fact_kind k)
{
	return k == KITH_F_NOT_BANNED || k == KITH_F_VOICE || k == KITH_F_NODE;
}

size_t
kith_fact_key(const struct kith_fact *f, uint8_t out[KITH_FACT_KEY_MAX])
{
	size_t n = 0;

	out[n++] = (uint8_t)f->kind;
	if (has_a(f->kind)) {
		memcpy(out + n, f->a.b, KITH_ID_BYTES);
		n += KITH_ID_BYTES;
	}
	if (has_b(f->kind)) {
		memcpy(out + n, f->b.b, KITH_ID_BYTES);
		n += KITH_ID_BYTES;
	}
	if (has_perm(f->kind) && f->perm.n <= KITH_FACT_KEY_MAX - n) {
		if (f->perm.n > 0)
			memcpy(out + n, f->perm.p, f->perm.n);
		n += f->perm.n;
	}
	return n;
}

int
kith_fact_parse(struct kith_slice key, struct kith_fact *out)
{
	struct kith_fact f = { .kind = KITH_F_ROLE };
	struct kith_slice s = key;

	if (s.n < 1 || s.p[0] < KITH_F_ROLE || s.p[0] > KITH_F_OWNER)
		return KITH_E_MALFORMED;
	f.kind = (enum kith_fact_kind)s.p[0];
	s = kith_slice_from(s, 1);
	if (has_a(f.kind)) {
		if (s.n < KITH_ID_BYTES)
			return KITH_E_MALFORMED;
		memcpy(f.a.b, s.p, KITH_ID_BYTES);
		s = kith_slice_from(s, KITH_ID_BYTES);
	}
	if (has_b(f.kind)) {
		if (s.n < KITH_ID_BYTES)
			return KITH_E_MALFORMED;
		memcpy(f.b.b, s.p, KITH_ID_BYTES);
		s = kith_slice_from(s, KITH_ID_BYTES);
	}
	if (has_perm(f.kind) ? s.n > 255 : s.n != 0)
		return KITH_E_MALFORMED;
	f.perm = s;
	*out = f;
	return KITH_OK;
}

/* ---- slots ---- */

size_t
kith_register_key(const struct kith_id *object, struct kith_slice name, uint8_t out[KITH_FACT_KEY_MAX])
{
	size_t n = name.n < 255 ? name.n : 255;

	out[0] = 0;
	memcpy(out + 1, object->b, KITH_ID_BYTES);
	if (n > 0)
		memcpy(out + 1 + KITH_ID_BYTES, name.p, n);
	return 1 + KITH_ID_BYTES + n;
}

/* The role whose creation turns this permission on. */
static struct role *
first_of(const struct kith_authority *a, const struct kith_fact *f)
{
	struct role *r = f->kind != KITH_F_ROLE_PERM ? NULL : kith_map_get(a->roles, kith_id_slice(&f->a));
	uint32_t i;

	for (i = 0; r != NULL && r->create != NULL && i < r->create->pub.op->n_perms; i++)
		if (kith_slice_eq(r->create->pub.op->perms[i], f->perm))
			return r;
	return NULL;
}

static struct slot *
slot_make(struct kith_authority *a, struct kith_slice key, const struct kith_fact *f)
{
	struct slot *s = kith_map_get(a->slots, key);
	size_t n_perm = f->perm.n;

	if (s != NULL)
		return s;
	if (kith_vec_reserve(&a->dirty, kith_map_count(a->slots) + 1) != KITH_OK)
		return NULL;
	s = calloc(1, sizeof(*s) + n_perm);
	if (s == NULL)
		return NULL;
	s->f = *f;
	if (n_perm > 0)
		memcpy(s + 1, f->perm.p, n_perm);
	s->f.perm = kith_slice_of(s + 1, n_perm);
	switch ((int)f->kind) {
	case KITH_F_HOLDS:
		s->role = kith_plane_role(a, &f->b);
		if (s->role == NULL)
			goto fail;
		/* fall through */
	case KITH_F_OWNER:
	case KITH_F_NOT_BANNED:
	case KITH_F_VOICE:
		s->who = kith_plane_person(a, &f->a);
		if (s->who == NULL)
			goto fail;
		break;
	case KITH_F_ROLE:
		s->role = kith_plane_role(a, &f->a);
		if (s->role == NULL)
			goto fail;
		break;
	case KITH_F_ROLE_PERM:
		s->role = first_of(a, f);
		if (s->role != NULL && (kith_vec_push(&s->writes, s->role->first) != KITH_OK ||
		    kith_vec_reserve(&s->role->perms, 1) != KITH_OK))
			goto fail;
		break;
	default:
		break;
	}
	if (kith_map_put(a->slots, key, s, NULL) != KITH_OK)
		goto fail;
	if (f->kind == KITH_F_ROLE_PERM && s->role != NULL) {
		s->role->perms.v[s->role->perms.n++] = s;
		/* what it adds to the sum is its own from now on */
		kith_hash(KITH_L_FACT, key, &s->h);
		s->summed = s->role->summed;
		kith_slot_touch(a, s);
	}
	if (f->kind == KITH_F_OWNER)
		s->who->owner = s;
	if (f->kind == KITH_F_ROLE)
		s->role->exists = s;
	return s;
fail:
	kith_vec_fini(&s->writes);
	free(s);
	return NULL;
}

struct slot *
kith_slot(struct kith_authority *a, const struct kith_fact *f)
{
	uint8_t key[KITH_FACT_KEY_MAX];

	return slot_make(a, kith_slice_of(key, kith_fact_key(f, key)), f);
}

struct slot *
kith_slot_register(struct kith_authority *a, const struct kith_id *object, struct kith_slice name)
{
	struct kith_fact f = { .a = *object, .perm = name };
	uint8_t key[KITH_FACT_KEY_MAX];

	return slot_make(a, kith_slice_of(key, kith_register_key(object, name, key)), &f);
}

struct slot *
kith_slot_find(const struct kith_authority *a, const struct kith_fact *f)
{
	uint8_t key[KITH_FACT_KEY_MAX];

	if (f->perm.n > 255)
		return NULL;
	return kith_map_get(a->slots, kith_slice_of(key, kith_fact_key(f, key)));
}

static struct slot *
register_find(const struct kith_authority *a, const struct kith_id *object, struct kith_slice name)
{
	uint8_t key[KITH_FACT_KEY_MAX];

	if (name.n > 255)
		return NULL;
	return kith_map_get(a->slots, kith_slice_of(key, kith_register_key(object, name, key)));
}

/* ---- what a fact is worth ---- */

static bool
counts_for(const struct kith_view *v, const struct act *w, const struct act *e, int min, bool whole)
{
	if (w == e || !view_eff(v, w->pub.index) || w->pub.level < min)
		return false;
	return whole || e == NULL || act_seen(w, e);
}

/*
 * Denial wins: off as soon as one write says off that no later one covers. A
 * restriction is covered only by a lift of its own level or above; for the rest
 * any later write covers, since it is itself looked at. What lies before a
 * write that has seen everything older is covered by it.
 */
bool
kith_slot_past(const struct kith_view *v, const struct slot *s, const struct act *e, int min, bool whole)
{
	const struct kith_authority *a = v->a;
	bool restricts = kith_fact_restricts(s->f.kind), any = false;
	size_t i, j;

	for (i = s->writes.n; i-- > 0;) {
		const struct act *w = act_at(a, s->writes.v[i].act);
		bool covered = false;

		if (!counts_for(v, w, e, min, whole))
			continue;
		any = true;
		for (j = s->writes.n; !s->writes.v[i].on && !covered && j-- > i + 1;) {
			const struct act *u = act_at(a, s->writes.v[j].act);

			covered = counts_for(v, u, e, min, whole) && act_seen(w, u) &&
			    (!restricts || (s->writes.v[j].on && u->pub.level >= w->pub.level));
		}
		if (!s->writes.v[i].on && !covered)
			return false;
		if (w->dominates)
			break;
	}
	return any || kith_fact_default(&s->f);
}

bool
kith_slot_struck(const struct kith_view *v, const struct slot *s, const struct act *e)
{
	size_t i;

	for (i = 0; i < s->writes.n; i++) {
		const struct act *w = act_at(v->a, s->writes.v[i].act);

		if (!s->writes.v[i].on && w->pub.level > e->pub.level && view_eff(v, w->pub.index) &&
		    !act_seen(w, e) && !act_seen(e, w))
			return true;
	}
	return false;
}

static bool
register_counts(const struct kith_view *v, const struct act *w, const struct act *before, int min)
{
	return view_eff(v, w->pub.index) && w->pub.level >= min &&
	    (before == NULL || before->past == NULL || (w != before && !act_seen(before, w)));
}

static bool
register_maximal(const struct kith_view *v, const struct slot *s, size_t i, const struct act *before, int min)
{
	const struct act *w = act_at(v->a, s->writes.v[i].act);
	size_t j;

	if (!register_counts(v, w, before, min))
		return false;
	for (j = i + 1; j < s->writes.n; j++) {
		const struct act *u = act_at(v->a, s->writes.v[j].act);

		if (act_seen(w, u) && register_counts(v, u, before, min))
			return false;
	}
	return true;
}

struct act *
kith_slot_value(const struct kith_view *v, const struct slot *s, const struct act *before, int min)
{
	struct act *best = NULL, *w;
	size_t i;

	for (i = s->writes.n; i-- > 0;) {
		w = act_at(v->a, s->writes.v[i].act);
		if (!register_maximal(v, s, i, before, min))
			continue;
		if (best == NULL || w->pub.level > best->pub.level ||
		    (w->pub.level == best->pub.level && kith_id_cmp(&w->pub.id, &best->pub.id) < 0))
			best = w;
		if (w->dominates)
			break;
	}
	return best;
}

bool
kith_view_fact(const struct kith_view *v, const struct kith_fact *f)
{
	const struct slot *s = kith_slot_find(v->a, f);
	const struct role *r = s != NULL ? NULL : first_of(v->a, f);

	if (r != NULL)
		return view_eff(v, r->first.act);
	return s == NULL ? kith_fact_default(f) : kith_slot_past(v, s, NULL, 0, true);
}

bool
kith_authority_fact_over(struct kith_authority *a, const struct kith_fact *f, kith_counts_fn counts, void *ctx)
{
	const struct slot *s = kith_slot_find(a, f);
	const struct role *r = s != NULL ? NULL : first_of(a, f);
	bool restricts = kith_fact_restricts(f->kind), any = false;
	size_t i, j;

	if (r != NULL)
		return counts(ctx, &r->create->pub);
	if (s == NULL)
		return kith_fact_default(f);
	for (i = s->writes.n; i-- > 0;) {
		const struct act *w = act_at(a, s->writes.v[i].act);
		bool covered = false;

		if (!counts(ctx, &w->pub))
			continue;
		any = true;
		for (j = s->writes.n; !s->writes.v[i].on && !covered && j-- > i + 1;) {
			const struct act *u = act_at(a, s->writes.v[j].act);

			covered = act_seen(w, u) && (!restricts ||
			    (s->writes.v[j].on && u->pub.level >= w->pub.level)) && counts(ctx, &u->pub);
		}
		if (!s->writes.v[i].on && !covered)
			return false;
	}
	return any || kith_fact_default(f);
}

/* ---- asking ---- */

size_t
kith_authority_writes(const struct kith_authority *a, const struct kith_fact *f, const struct kith_write **out)
{
	const struct slot *s = kith_slot_find(a, f);
	const struct role *r = s != NULL ? NULL : first_of(a, f);

	*out = s != NULL ? s->writes.v : r != NULL ? &r->first : NULL;
	return s != NULL ? s->writes.n : r != NULL;
}

size_t
kith_authority_kicks(const struct kith_authority *a, const struct kith_id *uid, const uint32_t **out)
{
	const struct person *p = kith_map_get(a->persons, kith_id_slice(uid));

	*out = p == NULL ? NULL : p->kicks.v;
	return p == NULL ? 0 : p->kicks.n;
}

bool
kith_role_first(const struct kith_authority *a, const struct role *r, uint32_t i, struct kith_fact *f)
{
	*f = (struct kith_fact){ .kind = KITH_F_ROLE_PERM, .a = r->id, .perm = r->create->pub.op->perms[i] };
	return kith_slot_find(a, f) == NULL;
}

/* First the slots; then, with SECOND set, number of role and of permission. */
#define SECOND (SIZE_MAX / 2 + 1)
#define ROLE_STEP 256

bool
kith_authority_fact_next(const struct kith_authority *a, size_t *it, struct kith_fact *f)
{
	struct kith_slice key;
	void *p;

	while ((*it & SECOND) == 0 && kith_map_next(a->slots, it, &key, &p)) {
		const struct slot *s = p;

		if (s->f.kind != 0 && s->writes.n > 0) {
			*f = s->f;
			return true;
		}
	}
	if ((*it & SECOND) == 0)
		*it = SECOND;
	while ((*it & ~SECOND) / ROLE_STEP < a->created.n) {
		const struct role *r = a->created.v[(*it & ~SECOND) / ROLE_STEP];
		uint32_t i = (uint32_t)(*it % ROLE_STEP);

		if (i >= r->create->pub.op->n_perms) {
			*it += ROLE_STEP - i;
			continue;
		}
		++*it;
		if (kith_role_first(a, r, i, f))
			return true;
	}
	return false;
}

bool
kith_authority_register_next(const struct kith_authority *a, size_t *it, struct kith_id *object,
    struct kith_slice *name)
{
	struct kith_slice key;
	void *p;

	while (kith_map_next(a->slots, it, &key, &p)) {
		const struct slot *s = p;

		if (s->f.kind == 0 && s->writes.n > 0) {
			*object = s->f.a;
			*name = s->f.perm;
			return true;
		}
	}
	return false;
}

const struct kith_act *
kith_authority_register(struct kith_authority *a, const struct kith_id *object, struct kith_slice name)
{
	const struct slot *s = register_find(a, object, name);
	const struct act *x = s == NULL ? NULL : kith_slot_value(&a->now, s, NULL, 0);

	return x == NULL ? NULL : &x->pub;
}

size_t
kith_authority_register_all(struct kith_authority *a, const struct kith_id *object, struct kith_slice name,
    uint32_t *out, size_t max)
{
	const struct slot *s = register_find(a, object, name);
	const struct act *best = s == NULL ? NULL : kith_slot_value(&a->now, s, NULL, 0);
	size_t i, n = 0;

	if (best == NULL)
		return 0;
	for (i = 0; i < s->writes.n; i++) {
		const struct act *w = act_at(a, s->writes.v[i].act);

		if (w->pub.level != best->pub.level || !register_maximal(&a->now, s, i, NULL, 0))
			continue;
		if (n < max)
			out[n] = w->pub.index;
		n++;
	}
	return n;
}
