#include <string.h>

#include "group/inner.h"
#include "group/rights.h"
#include "wire/mp.h"

/* The tables that readers use: brought up to date at the end of a batch with what changed in it. */

struct flush {
	struct kith_group *g;
	struct kith_txn *t;
	const struct kith_view *now;
	int err;
};

static void
put_fact(struct flush *k, const struct kith_fact *f)
{
	uint8_t key[KITH_ID_BYTES + KITH_FACT_KEY_MAX];
	struct kith_slice ks;
	uint8_t value;
	bool on;

	if (k->err != KITH_OK || f->perm.n > 255)
		return;
	memcpy(key, k->g->id.b, KITH_ID_BYTES);
	ks = kith_slice_of(key, KITH_ID_BYTES + kith_fact_key(f, key + KITH_ID_BYTES));
	on = kith_view_fact(k->now, f);
	if (on == kith_fact_default(f)) {
		k->err = kith_txn_del(k->t, KITH_T_FACT, ks);
		if (k->err == KITH_E_NOTFOUND)
			k->err = KITH_OK;
		return;
	}
	value = on ? 0xc3 : 0xc2;       /* msgpack true, false */
	k->err = kith_txn_put(k->t, KITH_T_FACT, ks, kith_slice_of(&value, 1));
}

static void
put_people(struct flush *k, enum kith_fact_kind kind, const struct kith_id *uid, uint32_t n, const struct kith_id *b)
{
	struct kith_fact f = { .kind = kind };
	uint32_t i;

	if (b != NULL)
		f.b = *b;
	for (i = 0; i < n; i++) {
		f.a = uid[i];
		put_fact(k, &f);
	}
}

static void
put_perms(struct flush *k, enum kith_fact_kind kind, const struct kith_id *a, const struct kith_id *b, const struct kith_slice *perm,
    uint32_t n)
{
	struct kith_fact f = { .kind = kind, .a = *a };
	uint32_t i;

	if (b != NULL)
		f.b = *b;
	for (i = 0; i < n; i++) {
		f.perm = perm[i];
		put_fact(k, &f);
	}
}

static void
put_one(struct flush *k, enum kith_fact_kind kind, const struct kith_id *a)
{
	struct kith_fact f = { .kind = kind };

	if (a != NULL)
		f.a = *a;
	put_fact(k, &f);
}

static void
put_implicit(struct flush *k, struct kith_slice implicit)
{
	struct kith_mp_reader r;
	struct kith_slice perm;
	struct kith_id role;
	uint32_t n, m;

	kith_mp_read(&r, implicit);
	for (n = kith_mp_array(&r); n > 0 && r.err == KITH_OK; n--) {
		kith_mp_array_exact(&r, 2);
		role = kith_mp_id(&r);
		for (m = kith_mp_array(&r); m > 0 && r.err == KITH_OK; m--) {
			perm = kith_mp_str(&r);
			put_perms(k, KITH_F_ROLE_PERM, &role, NULL, &perm, 1);
		}
	}
}

static void
put_panel_set(struct flush *k, const struct kith_op *op)
{
	const struct kith_id *who = op->has & KITH_OP_BIT(KITH_OP_WHO_USER) ? &op->who_user : &op->who_role;

	if (op->has & KITH_OP_BIT(KITH_OP_OPEN))
		put_one(k, KITH_F_PANEL_OPEN, &op->panel);
	if (!(op->has & KITH_OP_BIT(KITH_OP_EFFECT)))
		return;
	put_perms(k, KITH_F_NOT_DENIED, &op->panel, who, op->perms, op->n_perms);
	put_perms(k, KITH_F_ALLOWED, &op->panel, who, op->perms, op->n_perms);
}

/* A private panel keeps out the implicit roles, in an announcement panel they do not speak; and readers are told. */
static void
put_panel_create(struct flush *k, const struct kith_id *panel, const struct kith_op *op)
{
	static const struct kith_id *const roles[] = { &kith_role_member, &kith_role_guest, &kith_role_follower };
	const struct kith_slice view = kith_slice_str(KITH_PERM_VIEW);
	uint8_t key[KITH_ID_BYTES + 1 + KITH_ID_BYTES], value = 0;
	struct kith_slice before;
	size_t i;

	put_one(k, KITH_F_PANEL, panel);
	if (op->private_)
		value |= KITH_PANEL_PRIVATE;
	if (op->panel_kind == KITH_PANEL_ANNOUNCEMENT)
		value |= KITH_PANEL_BY_ROLE;
	if (value == 0)
		return;
	for (i = 0; op->private_ && i < 3; i++) {
		put_perms(k, KITH_F_NOT_DENIED, panel, roles[i], &view, 1);
		put_perms(k, KITH_F_ALLOWED, panel, roles[i], &view, 1);
	}
	memcpy(key, k->g->id.b, KITH_ID_BYTES);
	key[KITH_ID_BYTES] = 'p';
	memcpy(key + KITH_ID_BYTES + 1, panel->b, KITH_ID_BYTES);
	/* another creation may have adopted the same scope */
	if (k->err == KITH_OK && kith_txn_get(k->t, KITH_T_GROUP, kith_slice_of(key, sizeof(key)), &before) == KITH_OK && before.n == 1)
		value |= before.p[0];
	if (k->err == KITH_OK)
		k->err = kith_txn_put(k->t, KITH_T_GROUP, kith_slice_of(key, sizeof(key)), kith_slice_of(&value, 1));
}

/* The facts that an act writes, as A13 lists them. */
static void
put_act(struct flush *k, const struct kith_act *e)
{
	const struct kith_op *op = e->op;

	if (op == NULL)
		return;
	switch (e->kind) {
	case KITH_K_CREATE:
		put_people(k, KITH_F_OWNER, op->founders, op->n_founders, NULL);
		put_one(k, KITH_F_JOINS_OPEN, NULL);
		if (op->has & KITH_OP_BIT(KITH_OP_IMPLICIT))
			put_implicit(k, op->implicit);
		break;
	case KITH_K_SET:
		if (op->has & KITH_OP_BIT(KITH_OP_JOINS))
			put_one(k, KITH_F_JOINS_OPEN, NULL);
		break;
	case KITH_K_ROLE_CREATE:
		put_one(k, KITH_F_ROLE, &e->id);
		put_perms(k, KITH_F_ROLE_PERM, &e->id, NULL, op->perms, op->n_perms);
		break;
	case KITH_K_ROLE_DELETE:
		put_one(k, KITH_F_ROLE, &op->role);
		break;
	case KITH_K_ROLE_ALLOW:
	case KITH_K_ROLE_DENY:
		put_perms(k, KITH_F_ROLE_PERM, &op->role, NULL, op->perms, op->n_perms);
		break;
	case KITH_K_ROLE_GRANT:
	case KITH_K_ROLE_REVOKE:
		put_people(k, KITH_F_HOLDS, op->users, op->n_users, &op->role);
		break;
	case KITH_K_BAN:
	case KITH_K_UNBAN:
		put_people(k, KITH_F_NOT_BANNED, op->users, op->n_users, NULL);
		put_people(k, KITH_F_ADMITTED, op->users, op->n_users, NULL);
		break;
	case KITH_K_KICK:
	case KITH_K_ADMIT:
		put_people(k, KITH_F_ADMITTED, op->users, op->n_users, NULL);
		break;
	case KITH_K_MUTE:
	case KITH_K_UNMUTE:
		put_people(k, KITH_F_VOICE, op->users, op->n_users, NULL);
		break;
	case KITH_K_PANEL_CREATE:
		put_panel_create(k, &e->panel_or_role, op);
		break;
	case KITH_K_PANEL_DELETE:
		put_one(k, KITH_F_PANEL, &op->panel);
		break;
	case KITH_K_PANEL_SET:
		put_panel_set(k, op);
		break;
	case KITH_K_INVITE_REVOKE:
		put_one(k, KITH_F_INVITE, &op->invite);
		break;
	case KITH_K_NODE_BAN:
	case KITH_K_NODE_UNBAN:
		put_one(k, KITH_F_NODE, &op->node);
		break;
	case KITH_K_OWNER_ADD:
	case KITH_K_OWNER_SUCCEED:
		put_people(k, KITH_F_OWNER, op->users, op->n_users, NULL);
		break;
	case KITH_K_OWNER_RESIGN:
		put_one(k, KITH_F_OWNER, &e->author);
		break;
	default:
		break;
	}
}

static void
put_registers(struct flush *k)
{
	uint8_t key[KITH_ID_BYTES + 1 + KITH_ID_BYTES + 255];
	const struct kith_act *holds;
	struct kith_slice name, ks;
	struct kith_id object;
	size_t it = 0;

	memcpy(key, k->g->id.b, KITH_ID_BYTES);
	key[KITH_ID_BYTES] = 'r';
	while (k->err == KITH_OK && kith_authority_register_next(k->g->a, &it, &object, &name)) {
		if (name.n > 255)
			continue;
		memcpy(key + KITH_ID_BYTES + 1, object.b, KITH_ID_BYTES);
		memcpy(key + 2 * KITH_ID_BYTES + 1, name.p, name.n);
		ks = kith_slice_of(key, 2 * KITH_ID_BYTES + 1 + name.n);
		holds = kith_authority_register(k->g->a, &object, name);
		if (holds != NULL) {
			k->err = kith_txn_put(k->t, KITH_T_GROUP, ks, kith_id_slice(&holds->id));
			continue;
		}
		k->err = kith_txn_del(k->t, KITH_T_GROUP, ks);
		if (k->err == KITH_E_NOTFOUND)
			k->err = KITH_OK;
	}
}

static void
put_person(struct flush *k, const struct person *p)
{
	uint8_t key[2 * KITH_ID_BYTES];
	struct kith_member m;
	struct kith_buf b;

	if (k->err != KITH_OK || kith_group_member(k->g, &p->uid, &m) != KITH_OK)
		return;
	memcpy(key, k->g->id.b, KITH_ID_BYTES);
	memcpy(key + KITH_ID_BYTES, p->uid.b, KITH_ID_BYTES);
	kith_buf_init(&b, 0);
	kith_mp_put_array(&b, 6);
	kith_mp_put_bool(&b, m.member);
	kith_mp_put_id(&b, &m.membership);
	kith_mp_put_id(&b, &m.doc);
	kith_mp_put_id(&b, &m.node);
	kith_mp_put_uint(&b, m.since_clock);
	kith_mp_put_bool(&b, m.guest);
	k->err = kith_buf_err(&b);
	if (k->err == KITH_OK)
		k->err = kith_txn_put(k->t, KITH_T_ROSTER, kith_slice_of(key, sizeof(key)), kith_buf_slice(&b));
	kith_buf_fini(&b);
}

static void
put_group(struct flush *k)
{
	struct kith_group *g = k->g;
	const struct kith_act *create = kith_authority_count(g->a) > 0 ? kith_authority_at(g->a, 0) : NULL, *joins;
	struct kith_id state;
	struct kith_buf b;
	uint64_t members = 0, nodes = 0;
	size_t it = 0;
	void *v;

	if (k->err != KITH_OK || create == NULL || create->op == NULL)
		return;
	while (kith_map_next(g->nodes, &it, NULL, &v)) {
		members += ((struct gnode *)v)->members;
		nodes += ((struct gnode *)v)->members > 0;
	}
	joins = kith_authority_register(g->a, &kith_id_none, kith_slice_str("joins"));
	kith_authority_state_hash(g->a, &state);
	kith_buf_init(&b, 0);
	kith_mp_put_array(&b, 7);
	kith_mp_put_uint(&b, 1);
	kith_mp_put_uint(&b, create->op->group_kind);
	kith_mp_put_uint(&b, joins != NULL && joins->op != NULL ? joins->op->joins : create->op->joins);
	kith_mp_put_uint(&b, members);
	kith_mp_put_uint(&b, nodes);
	kith_mp_put_id(&b, &state);
	kith_mp_put_uint(&b, kith_authority_rules(g->a));
	k->err = kith_buf_err(&b);
	if (k->err == KITH_OK)
		k->err = kith_txn_put(k->t, KITH_T_GROUP, kith_id_slice(&g->id), kith_buf_slice(&b));
	kith_buf_fini(&b);
}

int
kith_group_flush(struct kith_group *g, struct kith_txn *t)
{
	struct flush k = { .g = g, .t = t };
	struct person *p;
	size_t i;

	if (g->acts_changed.n == 0 && g->stale.n == 0)
		return kith_feeds_put(g, t);
	k.err = kith_authority_now(g->a, &k.now);
	for (i = 0; k.err == KITH_OK && i < g->acts_changed.n; i++)
		put_act(&k, kith_authority_at(g->a, g->acts_changed.v[i]));
	if (k.err == KITH_OK && g->acts_changed.n > 0)
		put_registers(&k);
	for (i = 0; k.err == KITH_OK && i < g->stale.n; i++)
		put_person(&k, g->stale.v[i]);
	put_group(&k);
	if (k.err != KITH_OK)
		return k.err;
	g->acts_changed.n = 0;
	while (g->stale.n > 0) {
		p = g->stale.v[--g->stale.n];
		p->stale = false;
	}
	return kith_feeds_put(g, t);
}
