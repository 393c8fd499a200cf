#include "group/rights.h"

#include <string.h>

#include "group/authority.h"
#include "group/group.h"
#include "storage/store.h"
#include "wire/mp.h"

bool
kith_perm_speaks(const char *perm)
{
	return strncmp(perm, "message.", 8) == 0 || strncmp(perm, "call.", 5) == 0;
}

int
kith_roster_row_parse(struct kith_slice v, struct kith_roster_row *out)
{
	struct kith_roster_row row;
	struct kith_mp_reader r;

	kith_mp_read(&r, v);
	kith_mp_array_exact(&r, 6);
	row.member = kith_mp_bool(&r);
	row.membership = kith_mp_id(&r);
	row.doc = kith_mp_id(&r);
	row.node = kith_mp_id(&r);
	row.clock = kith_mp_uint(&r);
	row.guest = kith_mp_bool(&r);
	if (!kith_mp_done(&r))
		return KITH_E_CORRUPT;
	*out = row;
	return KITH_OK;
}

int
kith_group_row_parse(struct kith_slice v, struct kith_group_row *out)
{
	struct kith_group_row row;
	struct kith_mp_reader r;
	uint64_t version;

	kith_mp_read(&r, v);
	kith_mp_array_exact(&r, 7);
	version = kith_mp_uint(&r);
	row.kind = kith_mp_uint(&r);
	row.joins = kith_mp_uint(&r);
	row.members = kith_mp_uint(&r);
	row.nodes = kith_mp_uint(&r);
	row.state = kith_mp_id(&r);
	row.rules = kith_mp_uint(&r);
	if (!kith_mp_done(&r) || version != 1)
		return KITH_E_CORRUPT;
	*out = row;
	return KITH_OK;
}

/* ---- facts in the table ---- */

struct look {
	struct kith_txn *t;
	const struct kith_id *group, *uid, *panel;
	const char *perm;
	const struct kith_id *implicit; /* the role that is held without a grant */
	const struct kith_id *only;     /* and the one held beside it, whatever the table says; NULL: the table */
	int err;
};

static bool
fact_on(struct look *k, enum kith_fact_kind kind, const struct kith_id *a, const struct kith_id *b, const char *perm)
{
	struct kith_fact f = { .kind = kind };
	uint8_t key[KITH_ID_BYTES + KITH_FACT_KEY_MAX];
	struct kith_mp_reader rd;
	struct kith_slice v;
	bool on;
	int r;

	if (a != NULL)
		f.a = *a;
	if (b != NULL)
		f.b = *b;
	if (perm != NULL)
		f.perm = kith_slice_str(perm);
	memcpy(key, k->group->b, KITH_ID_BYTES);
	r = kith_txn_get(k->t, KITH_T_FACT, kith_slice_of(key, KITH_ID_BYTES + kith_fact_key(&f, key + KITH_ID_BYTES)), &v);
	if (r == KITH_E_NOTFOUND)
		return kith_fact_default(&f);
	if (r != KITH_OK) {
		k->err = r;
		return false;
	}
	kith_mp_read(&rd, v);
	on = kith_mp_bool(&rd);
	if (!kith_mp_done(&rd))
		k->err = KITH_E_CORRUPT;
	return on;
}

enum ask { ASK_DENIED, ASK_ALLOWED, ASK_PERM };

static bool
role_says(struct look *k, const struct kith_id *role, enum ask ask, const char *perm)
{
	switch (ask) {
	case ASK_DENIED:
		return !fact_on(k, KITH_F_NOT_DENIED, k->panel, role, perm);
	case ASK_ALLOWED:
		return fact_on(k, KITH_F_ALLOWED, k->panel, role, perm);
	default:
		return fact_on(k, KITH_F_ROLE_PERM, role, NULL, perm);
	}
}

/* Does some role of theirs say so? Roles held lie side by side in the table. */
static bool
some_role(struct look *k, enum ask ask, const char *perm, bool granted_only)
{
	uint8_t prefix[KITH_ID_BYTES + 1 + KITH_ID_BYTES];
	struct kith_cursor *c = NULL;
	struct kith_slice key, v;
	struct kith_id role;
	bool says = !granted_only && role_says(k, k->implicit, ask, perm);
	int r;

	if (says || k->err != KITH_OK)
		return says;
	if (k->only != NULL)
		return !(granted_only && kith_role_is_implicit(k->only)) && fact_on(k, KITH_F_ROLE, k->only, NULL, NULL) && role_says(k, k->only, ask, perm);
	memcpy(prefix, k->group->b, KITH_ID_BYTES);
	prefix[KITH_ID_BYTES] = KITH_F_HOLDS;
	memcpy(prefix + KITH_ID_BYTES + 1, k->uid->b, KITH_ID_BYTES);
	r = kith_cursor_open(k->t, KITH_T_FACT, &c);
	if (r == KITH_OK)
		r = kith_cursor_seek(c, kith_slice_of(prefix, sizeof(prefix)), false, &key, &v);
	while (r == KITH_OK && !says && k->err == KITH_OK && key.n == sizeof(prefix) + KITH_ID_BYTES &&
	    memcmp(key.p, prefix, sizeof(prefix)) == 0) {
		memcpy(role.b, key.p + sizeof(prefix), KITH_ID_BYTES);
		says = fact_on(k, KITH_F_ROLE, &role, NULL, NULL) && role_says(k, &role, ask, perm);
		if (!says)
			r = kith_cursor_step(c, false, &key, &v);
	}
	kith_cursor_close(c);
	if (r != KITH_OK && r != KITH_E_NOTFOUND)
		k->err = r;
	return says;
}

static int
overridden(struct look *k, const char *perm, bool entering)
{
	if (!fact_on(k, KITH_F_NOT_DENIED, k->panel, k->uid, perm))
		return -1;
	if (fact_on(k, KITH_F_ALLOWED, k->panel, k->uid, perm))
		return 1;
	if (some_role(k, ASK_DENIED, perm, entering))
		return -1;
	return some_role(k, ASK_ALLOWED, perm, false) ? 1 : 0;
}

static unsigned
panel_made(struct look *k)
{
	uint8_t key[KITH_ID_BYTES + 1 + KITH_ID_BYTES];
	struct kith_slice v;
	int r;

	memcpy(key, k->group->b, KITH_ID_BYTES);
	key[KITH_ID_BYTES] = 'p';
	memcpy(key + KITH_ID_BYTES + 1, k->panel->b, KITH_ID_BYTES);
	r = kith_txn_get(k->t, KITH_T_GROUP, kith_slice_of(key, sizeof(key)), &v);
	if (r != KITH_OK && r != KITH_E_NOTFOUND)
		k->err = r;
	return r == KITH_OK && v.n == 1 ? v.p[0] : 0;
}

/* As kith_may_speak decides for a record. */
static bool
may(struct look *k)
{
	bool speaks = kith_perm_speaks(k->perm);
	unsigned made = 0;
	int said;

	if (k->panel != NULL && !fact_on(k, KITH_F_PANEL, k->panel, NULL, NULL))
		return false;
	if (fact_on(k, KITH_F_OWNER, k->uid, NULL, NULL))
		return true;
	if (speaks && (!fact_on(k, KITH_F_VOICE, k->uid, NULL, NULL) ||
	    (k->panel != NULL && !fact_on(k, KITH_F_PANEL_OPEN, k->panel, NULL, NULL))))
		return false;
	if (k->panel != NULL) {
		made = panel_made(k);
		if (made & KITH_PANEL_PRIVATE) {
			if (overridden(k, KITH_PERM_VIEW, true) <= 0)
				return false;
			if (strcmp(k->perm, KITH_PERM_VIEW) == 0)
				return true;
		}
		said = overridden(k, k->perm, false);
		if (said < 0)
			return false;
		if (said > 0)
			return true;
	}
	return some_role(k, ASK_PERM, k->perm, (made & KITH_PANEL_BY_ROLE) != 0 && strcmp(k->perm, KITH_PERM_SEND) == 0);
}

bool
kith_rights_may(struct kith_txn *t, const struct kith_id *group, const struct kith_id *uid, const struct kith_id *panel, const char *perm)
{
	struct look k = { .t = t, .group = group, .uid = uid, .perm = perm };
	struct kith_roster_row row;
	uint8_t key[2 * KITH_ID_BYTES];
	struct kith_slice v;

	memcpy(key, group->b, KITH_ID_BYTES);
	memcpy(key + KITH_ID_BYTES, uid->b, KITH_ID_BYTES);
	if (kith_txn_get(t, KITH_T_ROSTER, kith_slice_of(key, sizeof(key)), &v) != KITH_OK ||
	    kith_roster_row_parse(v, &row) != KITH_OK || !row.member)
		return false;
	k.implicit = row.guest ? &kith_role_guest : &kith_role_member;
	k.panel = panel == NULL || kith_id_is_none(panel) ? NULL : panel;
	return may(&k) && k.err == KITH_OK;
}

bool
kith_rights_role_may(struct kith_txn *t, const struct kith_id *group, const struct kith_id *role, const struct kith_id *panel, const char *perm)
{
	struct look k = { .t = t, .group = group, .uid = &kith_id_none, .perm = perm };

	k.implicit = kith_role_is_implicit(role) ? role : &kith_role_member;
	k.only = role;
	k.panel = panel == NULL || kith_id_is_none(panel) ? NULL : panel;
	return may(&k) && k.err == KITH_OK;
}
