#include "client/state.h"

#include <string.h>

#include "group/rights.h"

int
kith_state_group(struct kith_txn *t, const struct kith_id *group, struct kith_state_group *out)
{
	struct kith_group_row row;
	struct kith_slice v;
	int r = kith_txn_get(t, KITH_T_GROUP, kith_id_slice(group), &v);

	if (r == KITH_OK)
		r = kith_group_row_parse(v, &row);
	if (r == KITH_OK)
		*out = (struct kith_state_group){ .kind = row.kind, .joins = row.joins, .members = row.members, .nodes = row.nodes };
	return r;
}

bool
kith_state_fact(struct kith_txn *t, const struct kith_id *group, const struct kith_fact *f)
{
	uint8_t key[KITH_ID_BYTES + KITH_FACT_KEY_MAX];
	struct kith_slice v;
	size_t n;

	memcpy(key, group->b, KITH_ID_BYTES);
	n = KITH_ID_BYTES + kith_fact_key(f, key + KITH_ID_BYTES);
	if (kith_txn_get(t, KITH_T_FACT, kith_slice_of(key, n), &v) != KITH_OK || v.n != 1)
		return kith_fact_default(f);
	return v.p[0] == 0xc3;          /* msgpack true */
}

int
kith_state_facts(struct kith_txn *t, const struct kith_id *group, enum kith_fact_kind kind,
    bool (*fn)(void *ctx, const struct kith_fact *f, bool on), void *ctx)
{
	uint8_t prefix[KITH_ID_BYTES + 1];
	struct kith_cursor *c = NULL;
	struct kith_slice k, v;
	struct kith_fact f;
	int r = kith_cursor_open(t, KITH_T_FACT, &c);

	if (r != KITH_OK)
		return r;
	memcpy(prefix, group->b, KITH_ID_BYTES);
	prefix[KITH_ID_BYTES] = (uint8_t)kind;
	for (r = kith_cursor_seek(c, kith_slice_of(prefix, sizeof(prefix)), false, &k, &v); r == KITH_OK; r = kith_cursor_step(c, false, &k, &v)) {
		if (k.n < sizeof(prefix) || memcmp(k.p, prefix, sizeof(prefix)) != 0)
			break;
		if (v.n != 1 || kith_fact_parse(kith_slice_from(k, KITH_ID_BYTES), &f) != KITH_OK)
			continue;
		if (!fn(ctx, &f, v.p[0] == 0xc3))
			break;
	}
	kith_cursor_close(c);
	return r == KITH_E_NOTFOUND ? KITH_OK : r;
}

static int
take_row(struct kith_slice v, const struct kith_id *uid, struct kith_member *out)
{
	struct kith_roster_row row;
	int r = kith_roster_row_parse(v, &row);

	if (r != KITH_OK)
		return r;
	memset(out, 0, sizeof(*out));
	out->uid = *uid;
	out->membership = row.membership;
	out->doc = row.doc;
	out->node = row.node;
	out->since_clock = row.clock;
	out->guest = row.guest;
	out->member = row.member;
	return KITH_OK;
}

int
kith_state_member(struct kith_txn *t, const struct kith_id *group, const struct kith_id *uid, struct kith_member *out)
{
	uint8_t key[2 * KITH_ID_BYTES];
	struct kith_slice v;
	int r;

	memcpy(key, group->b, KITH_ID_BYTES);
	memcpy(key + KITH_ID_BYTES, uid->b, KITH_ID_BYTES);
	r = kith_txn_get(t, KITH_T_ROSTER, kith_slice_of(key, sizeof(key)), &v);
	return r == KITH_OK ? take_row(v, uid, out) : r;
}

bool
kith_state_member_next(struct kith_txn *t, const struct kith_id *group, struct kith_id *after, struct kith_member *out)
{
	uint8_t key[2 * KITH_ID_BYTES];
	struct kith_cursor *c = NULL;
	struct kith_slice k, v;
	bool found = false;
	int r;

	memcpy(key, group->b, KITH_ID_BYTES);
	memcpy(key + KITH_ID_BYTES, after->b, KITH_ID_BYTES);
	if (kith_cursor_open(t, KITH_T_ROSTER, &c) != KITH_OK)
		return false;
	r = kith_cursor_seek(c, kith_slice_of(key, sizeof(key)), false, &k, &v);
	if (r == KITH_OK && k.n == sizeof(key) && memcmp(k.p, key, sizeof(key)) == 0)
		r = kith_cursor_step(c, false, &k, &v);
	if (r == KITH_OK && k.n == sizeof(key) && memcmp(k.p, key, KITH_ID_BYTES) == 0) {
		memcpy(after->b, k.p + KITH_ID_BYTES, KITH_ID_BYTES);
		found = take_row(v, after, out) == KITH_OK;
	}
	kith_cursor_close(c);
	return found;
}

int
kith_state_register(struct kith_txn *t, const struct kith_id *group, const struct kith_id *object, const char *key, struct kith_id *act)
{
	uint8_t k[KITH_ID_BYTES + 1 + KITH_ID_BYTES + 255];
	struct kith_slice name = kith_slice_str(key), v;
	int r;

	if (name.n > 255)
		return KITH_E_NOTFOUND;
	memcpy(k, group->b, KITH_ID_BYTES);
	k[KITH_ID_BYTES] = 'r';
	memcpy(k + KITH_ID_BYTES + 1, object->b, KITH_ID_BYTES);
	memcpy(k + 2 * KITH_ID_BYTES + 1, name.p, name.n);
	r = kith_txn_get(t, KITH_T_GROUP, kith_slice_of(k, 2 * KITH_ID_BYTES + 1 + name.n), &v);
	if (r == KITH_OK && v.n != KITH_ID_BYTES)
		r = KITH_E_CORRUPT;
	if (r == KITH_OK)
		memcpy(act->b, v.p, KITH_ID_BYTES);
	return r;
}

bool
kith_state_may(struct kith_txn *t, const struct kith_id *group, const struct kith_id *uid, const struct kith_id *panel, const char *perm)
{
	return kith_rights_may(t, group, uid, panel, perm);
}

bool
kith_state_is_member(struct kith_txn *t, const struct kith_id *group, const struct kith_id *uid)
{
	struct kith_member m;

	return kith_state_member(t, group, uid, &m) == KITH_OK && m.member;
}
