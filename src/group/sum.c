#include "group/plane.h"

#include <string.h>

/* The state hash (RULES A9): a sum, so that it follows each change by what it changes. */

void
kith_slot_touch(struct kith_authority *a, struct slot *s)
{
	if (s->dirty)
		return;
	s->dirty = true;
	a->dirty.v[a->dirty.n++] = s;   /* room was made with the slot */
}

void
kith_role_touch(struct kith_authority *a, struct role *r)
{
	size_t i;

	for (i = 0; i < r->perms.n; i++)
		kith_slot_touch(a, r->perms.v[i]);
	if (r->dirty)
		return;
	r->dirty = true;
	a->dirty_roles.v[a->dirty_roles.n++] = r;       /* room was made when it was created */
}

static void
sum_add(uint8_t sum[32], const uint8_t h[32])
{
	unsigned carry = 0;
	int i;

	for (i = 31; i >= 0; i--) {
		carry += (unsigned)sum[i] + h[i];
		sum[i] = (uint8_t)carry;
		carry >>= 8;
	}
}

static void
sum_sub(uint8_t sum[32], const uint8_t h[32])
{
	unsigned borrow = 0;
	int i;

	for (i = 31; i >= 0; i--) {
		unsigned d = 256 + (unsigned)sum[i] - h[i] - borrow;

		sum[i] = (uint8_t)d;
		borrow = d < 256;
	}
}

/* The part of a slot in the state hash of a view; false: it is at its default. */
bool
kith_slot_hash(const struct kith_view *v, const struct slot *s, struct kith_id *out)
{
	uint8_t key[KITH_FACT_KEY_MAX];
	const struct act *x;

	if (s->f.kind != 0) {
		if (kith_slot_past(v, s, NULL, 0, true) == kith_fact_default(&s->f))
			return false;
		kith_hash(KITH_L_FACT, kith_slice_of(key, kith_fact_key(&s->f, key)), out);
		return true;
	}
	x = kith_slot_value(v, s, NULL, 0);
	if (x == NULL)
		return false;
	kith_hash2(KITH_L_FACT, kith_slice_of(key, kith_register_key(&s->f.a, s->f.perm, key)),
	    kith_id_slice(&x->pub.id), out);
	return true;
}

/* Those of a role's first permissions that have no slot, into the sum or out of it. */
static void
sum_role(const struct kith_authority *a, const struct role *r, uint8_t sum[32], void (*add)(uint8_t *, const uint8_t *))
{
	uint8_t key[KITH_FACT_KEY_MAX];
	struct kith_fact f;
	struct kith_id h;
	uint32_t i;

	for (i = 0; i < r->create->pub.op->n_perms; i++) {
		if (!kith_role_first(a, r, i, &f))
			continue;
		kith_hash(KITH_L_FACT, kith_slice_of(key, kith_fact_key(&f, key)), &h);
		add(sum, h.b);
	}
}

void
kith_authority_state_hash(struct kith_authority *a, struct kith_id *out)
{
	size_t i;

	for (i = 0; i < a->dirty_roles.n; i++) {
		struct role *r = a->dirty_roles.v[i];
		bool on = view_eff(&a->now, r->first.act);

		if (on != r->summed)
			sum_role(a, r, a->sum, on ? sum_add : sum_sub);
		r->summed = on;
		r->dirty = false;
	}
	a->dirty_roles.n = 0;

	for (i = 0; i < a->dirty.n; i++) {
		struct slot *s = a->dirty.v[i];

		if (s->summed)
			sum_sub(a->sum, s->h.b);
		s->summed = kith_slot_hash(&a->now, s, &s->h);
		if (s->summed)
			sum_add(a->sum, s->h.b);
		s->dirty = false;
	}
	a->dirty.n = 0;
	memcpy(out->b, a->sum, sizeof(out->b));
}

void
kith_view_state_hash(const struct kith_view *v, struct kith_id *out)
{
	struct kith_id h;
	struct kith_slice key;
	size_t it = 0;
	void *p;

	memset(out, 0, sizeof(*out));
	while (kith_map_next(v->a->slots, &it, &key, &p))
		if (kith_slot_hash(v, p, &h))
			sum_add(out->b, h.b);
	for (it = 0; it < v->a->created.n; it++)
		if (view_eff(v, v->a->created.v[it]->first.act))
			sum_role(v->a, v->a->created.v[it], out->b, sum_add);
}
