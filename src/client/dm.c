#include <stdlib.h>
#include <string.h>

#include "base/b32.h"
#include "client/common.h"
#include "client/friends.h"
#include "wire/mp.h"

/*
 * Direct conversations: small groups of nobody but their founders. Whoever opens one
 * writes it and admits the others; each one's home lets them in (knock.c).
 */

/* KITH_T_USER: uid, 'd', other -> group: the conversation of two */
static void
dm_key(const struct kith_id *uid, const struct kith_id *other, uint8_t key[65])
{
	memcpy(key, uid->b, 32);
	key[32] = 'd';
	memcpy(key + 33, other->b, 32);
}

static int
dm_get(struct kith_call *c, const struct kith_id *uid, const struct kith_id *other, struct kith_id *group)
{
	struct kith_slice v;
	uint8_t key[65];
	int r;

	dm_key(uid, other, key);
	r = kith_txn_get(c->t, KITH_T_USER, kith_slice_of(key, sizeof(key)), &v);
	if (r == KITH_OK && v.n != KITH_ID_BYTES)
		r = KITH_E_CORRUPT;
	if (r == KITH_OK)
		memcpy(group->b, v.p, KITH_ID_BYTES);
	return r;
}

/* KITH_T_USER: uid, 't', group that stands -> its twin, whose messages are shown in it; uid, 'T', twin -> the one that stands */
static int
dm_twin(struct kith_call *c, const struct kith_id *uid, const struct kith_id *stands, const struct kith_id *twin)
{
	uint8_t key[65];

	int r;

	dm_key(uid, stands, key);
	key[32] = 't';
	r = kith_txn_put(c->t, KITH_T_USER, kith_slice_of(key, sizeof(key)), kith_id_slice(twin));
	if (r != KITH_OK)
		return r;
	dm_key(uid, twin, key);
	key[32] = 'T';
	return kith_txn_put(c->t, KITH_T_USER, kith_slice_of(key, sizeof(key)), kith_id_slice(stands));
}

/* The first conversation of two may be made at both ends at once: the smaller id stands. */
static int
dm_keep(struct kith_call *c, const struct kith_id *uid, const struct kith_id *other, const struct kith_id *group)
{
	struct kith_id old;
	uint8_t key[65];
	int r = dm_get(c, uid, other, &old);

	if (r != KITH_OK && r != KITH_E_NOTFOUND)
		return r;
	if (r == KITH_OK && kith_id_eq(&old, group))
		return KITH_OK;
	if (r == KITH_OK && kith_id_cmp(&old, group) < 0)
		return dm_twin(c, uid, &old, group);
	if (r == KITH_OK) {
		r = dm_twin(c, uid, group, &old);
		if (r != KITH_OK)
			return r;
	}
	dm_key(uid, other, key);
	return kith_txn_put(c->t, KITH_T_USER, kith_slice_of(key, sizeof(key)), kith_id_slice(group));
}

/* uid, who lives here, has come into a group: if it is a conversation of two, remember with whom. */
int
kith_dm_met(struct kith_call *c, struct kith_group *g, const struct kith_id *uid)
{
	const struct kith_act *create = kith_authority_count(kith_group_authority(g)) > 0 ? kith_authority_at(kith_group_authority(g), 0) : NULL;

	if (create == NULL || create->kind != KITH_K_CREATE || create->op == NULL || create->op->group_kind != 1 || create->op->n_founders != 2)
		return KITH_OK;
	for (uint32_t i = 0; i < 2; i++) {
		if (kith_id_eq(&create->op->founders[i], uid))
			return dm_keep(c, uid, &create->op->founders[1 - i], kith_group_id(g));
	}
	return KITH_OK;
}

static int
dm_panel(struct kith_group *g, struct kith_id *panel)
{
	struct kith_authority *a = kith_group_authority(g);

	for (uint32_t i = 0; i < kith_authority_count(a); i++) {
		const struct kith_act *act = kith_authority_at(a, i);

		if (act->kind == KITH_K_PANEL_CREATE && act->effective) {
			*panel = act->id;
			return KITH_OK;
		}
	}
	return KITH_E_NOTFOUND;
}

static int
id_order(const void *x, const void *y)
{
	return kith_id_cmp(x, y);
}

int
kith_api_dm_open(struct kith_call *c)
{
	struct kith_id people[50], group, panel;
	struct kith_mp_reader rd;
	struct kith_group *g = NULL;
	struct kith_draft d;
	struct kith_op op;
	uint32_t n, k = 0;
	int r;

	kith_mp_read(&rd, kith_arg(c->args, "users")->raw);
	n = kith_mp_array(&rd);
	for (uint32_t i = 0; i < n; i++) {
		if (kith_id_parse(kith_mp_str(&rd), &people[k]) != KITH_OK)
			return kith_fail(c, KITH_E_MALFORMED, "invalid_params", "users: uids");
		if (!kith_id_eq(&people[k], &c->session->uid))
			k++;
	}
	people[k++] = c->session->uid;
	qsort(people, k, sizeof(people[0]), id_order);
	n = 0;
	for (uint32_t i = 0; i < k; i++) {
		if (n == 0 || !kith_id_eq(&people[n - 1], &people[i]))
			people[n++] = people[i];
	}
	if (n < 2)
		return kith_fail(c, KITH_E_MALFORMED, "invalid_params", "users: somebody other than yourself");
	if (n == 2) {
		const struct kith_id *other = kith_id_eq(&people[0], &c->session->uid) ? &people[1] : &people[0];
		struct kith_member m;

		r = dm_get(c, &c->session->uid, other, &group);
		if (r != KITH_OK && r != KITH_E_NOTFOUND)
			return r;
		if (r == KITH_OK) {
			g = c->host->group(c->host->ctx, c->t, &group);
			if (g != NULL && (kith_group_member(g, &c->session->uid, &m) != KITH_OK || !m.member))
				g = NULL;
		}
	}
	if (g == NULL) {
		for (uint32_t i = 0; i < n; i++) {
			struct kith_id home;

			r = kith_home_of(c, &people[i], &home);
			if (r == KITH_E_NOTFOUND)
				return kith_fail(c, r, "not_found", "one of these people is not known here: find them first by name@node");
			if (r != KITH_OK)
				return r;
		}
		r = kith_group_found(c, people, n, 1, 1, kith_slice_of(NULL, 0), &g);
		if (r == KITH_OK)
			r = kith_group_first_panel(c, g, &panel);
		memset(&d, 0, sizeof(d));
		memset(&op, 0, sizeof(op));
		op.users = people;
		op.n_users = n;
		op.has = KITH_OP_BIT(KITH_OP_USERS);
		d.kind = KITH_K_ADMIT;
		d.op = &op;
		if (r == KITH_OK)
			r = kith_call_write(c, g, &c->session->uid, &d, NULL);
		for (uint32_t i = 0; r == KITH_OK && i < n; i++) {
			struct kith_id home;

			r = kith_home_of(c, &people[i], &home);
			if (r == KITH_OK)
				r = kith_tell_let_in(c, kith_group_id(g), &people[i], &home);
		}
		if (r != KITH_OK)
			return r;
	}
	r = dm_panel(g, &panel);
	if (r != KITH_OK)
		return r;
	kith_mp_put_map(c->result, 2);
	kith_put_key_id(c->result, "group", kith_group_id(g));
	kith_put_key_id(c->result, "panel", &panel);
	return KITH_OK;
}

