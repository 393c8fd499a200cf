#include "federation/fed.h"

#include <string.h>

/*
 * Invites that no record names yet. Whoever brings one is let in by any node of
 * the group, the maker's home may be long dead by then: so each is given to all
 * of the group's nodes as soon as it is made. KITH_T_NODE keeps 'i', group,
 * invite -> when it expires (wall ms, 0: never).
 */
#define INVITES_MAX 1024
#define KEY (1 + 2 * KITH_ID_BYTES)

static struct kith_slice
key_of(uint8_t key[KEY], const struct kith_id *group, const struct kith_id *invite)
{
	key[0] = 'i';
	memcpy(key + 1, group->b, KITH_ID_BYTES);
	memcpy(key + 1 + KITH_ID_BYTES, invite->b, KITH_ID_BYTES);
	return kith_slice_of(key, KEY);
}

bool
kith_fed_invite_stands(struct kith_fed *f, struct fed_group *g, const struct kith_id *invite, uint64_t expires_ms)
{
	struct kith_fact fact = { .kind = KITH_F_INVITE, .a = *invite };
	struct kith_group *kg = kith_fed_open_group(f, g);
	const struct kith_view *now;

	if (expires_ms != 0 && expires_ms <= f->now.wall_ms)
		return false;
	return kg != NULL && kith_authority_now(kith_group_authority(kg), &now) == KITH_OK && kith_view_fact(now, &fact);
}

int
kith_fed_invite_came(struct kith_fed *f, struct fed_group *g, const struct kith_id *invite, uint64_t expires_ms)
{
	uint8_t key[KEY], value[8];

	g->invites_stale = true;
	kith_put_be64(value, expires_ms);
	return kith_txn_put(f->t, KITH_T_NODE, key_of(key, &g->id, invite), kith_slice_of(value, sizeof(value)));
}

struct kept {
	struct kith_id id;
	uint64_t expires_ms;
};

/* Entries of the table below a prefix and of that key length: the id that the key ends in, and the value as a time. */
static int
gather(struct kith_fed *f, enum kith_table tb, struct kith_slice prefix, size_t n_key, struct kept *out, size_t max, size_t *n)
{
	struct kith_cursor *c = NULL;
	struct kith_slice k, v;
	int r = kith_cursor_open(f->t, tb, &c);

	*n = 0;
	if (r != KITH_OK)
		return r;
	for (r = kith_cursor_seek(c, prefix, false, &k, &v); r == KITH_OK && *n < max; r = kith_cursor_step(c, false, &k, &v)) {
		if (k.n < prefix.n || memcmp(k.p, prefix.p, prefix.n) != 0)
			break;
		if (k.n != n_key)
			continue;
		memcpy(out[*n].id.b, k.p + n_key - KITH_ID_BYTES, KITH_ID_BYTES);
		out[*n].expires_ms = v.n == 8 ? kith_get_be64(v.p) : 0;
		++*n;
	}
	kith_cursor_close(c);
	return r == KITH_E_NOTFOUND ? KITH_OK : r;
}

static int
tell(struct kith_fed *f, struct fed_group *g, const struct kith_id *invite)
{
	struct fed_member *m;
	size_t it = 0, sent;
	void *v;
	int r = KITH_OK;

	while (r == KITH_OK && kith_map_next(g->members, &it, NULL, &v)) {
		m = v;
		if (m->link != NULL && m->matched && m->level == LEVEL_FULL)
			r = kith_fed_send_objects(f, m, 0, KITH_CL_AUTHORITY, invite, 1, false, &sent);
	}
	return r;
}

/* Those that were made here and are not among the kept ones yet. */
static int
made_here(struct kith_fed *f, struct fed_group *g, struct kept *list)
{
	struct kith_invite inv;
	struct kith_slice raw, held;
	uint8_t key[KEY], type;
	size_t n, i;
	int r = gather(f, KITH_T_INVITE, kith_id_slice(&g->id), 2 * KITH_ID_BYTES, list, INVITES_MAX, &n);

	for (i = 0; r == KITH_OK && i < n; i++) {
		if (kith_txn_get(f->t, KITH_T_NODE, key_of(key, &g->id, &list[i].id), &held) == KITH_OK)
			continue;
		r = kith_ledger_object_get(f->t, &list[i].id, &type, &raw);
		if (r == KITH_OK && (type != KITH_O_INVITE || kith_invite_parse(raw, &inv) != KITH_OK))
			r = KITH_E_NOTFOUND;
		if (r == KITH_OK && !kith_fed_invite_stands(f, g, &list[i].id, inv.expires_ms))
			r = KITH_E_NOTFOUND;
		if (r == KITH_OK)
			r = kith_fed_invite_came(f, g, &list[i].id, inv.expires_ms);
		if (r == KITH_OK)
			r = tell(f, g, &list[i].id);
		if (r == KITH_E_NOTFOUND)
			r = KITH_OK;
	}
	return r;
}

/* The kept ones that stand, in order of id; the others are forgotten. */
static int
standing(struct kith_fed *f, struct fed_group *g, struct kept *list, size_t *n_out)
{
	uint8_t key[KEY];
	size_t n, i, kept = 0;
	int r = gather(f, KITH_T_NODE, kith_slice_of(key_of(key, &g->id, &kith_id_none).p, 1 + KITH_ID_BYTES), KEY, list, INVITES_MAX, &n);

	for (i = 0; r == KITH_OK && i < n; i++) {
		if (kith_fed_invite_stands(f, g, &list[i].id, list[i].expires_ms))
			list[kept++] = list[i];
		else
			r = kith_txn_del(f->t, KITH_T_NODE, key_of(key, &g->id, &list[i].id));
	}
	*n_out = kept;
	return r;
}

static struct kept *
room(struct kith_fed *f)
{
	kith_arena_reset(f->arena);
	return kith_arena_array(f->arena, INVITES_MAX, sizeof(struct kept));
}

/* May one more be kept that others have made? */
bool
kith_fed_invite_room(struct kith_fed *f, struct fed_group *g)
{
	struct kept *list = room(f);
	size_t n = INVITES_MAX;

	return list != NULL && standing(f, g, list, &n) == KITH_OK && n < INVITES_MAX;
}

int
kith_fed_invites_look(struct kith_fed *f, struct fed_group *g)
{
	struct kept *list = room(f);
	struct kith_buf b;
	size_t n = 0, i;
	int r;

	if (list == NULL)
		return KITH_E_NOMEM;
	r = made_here(f, g, list);
	list = room(f);                         /* telling peers has used the arena */
	if (r == KITH_OK && list == NULL)
		r = KITH_E_NOMEM;
	if (r == KITH_OK)
		r = standing(f, g, list, &n);
	if (r != KITH_OK)
		return r;
	kith_buf_init(&b, 0);
	for (i = 0; i < n; i++)
		kith_buf_put_slice(&b, kith_id_slice(&list[i].id));
	r = kith_buf_err(&b);
	if (r == KITH_OK)
		kith_hash(KITH_L_FEED, kith_buf_slice(&b), &g->invites);
	kith_buf_fini(&b);
	g->invites_stale = r != KITH_OK;
	return r;
}

int
kith_fed_send_invites(struct kith_fed *f, struct fed_member *m)
{
	struct kept *list = room(f);
	struct kith_buf *b;
	size_t n, i;
	int r = list == NULL ? KITH_E_NOMEM : standing(f, m->g, list, &n);

	if (r != KITH_OK)
		return r;
	b = kith_fed_begin(f, 2);
	kith_mp_put_id(b, &m->g->id);
	kith_mp_put_array(b, (uint32_t)n);
	for (i = 0; i < n; i++)
		kith_mp_put_id(b, &list[i].id);
	return kith_fed_send(f, m->link, KITH_FR_INVITES);
}

int
kith_fed_on_invites(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r)
{
	KITH_VEC(struct kith_id) lacking = { NULL, 0, 0 };
	struct kith_id id = kith_mp_id(r);
	struct kith_slice held;
	struct fed_member *m;
	uint8_t key[KEY];
	uint32_t n;
	int e = kith_fed_frame_group(f, l, &id, &m);

	if (e != KITH_OK || m == NULL || m->level < LEVEL_FULL)
		return e;
	for (n = kith_mp_array(r); e == KITH_OK && n > 0; n--) {
		id = kith_mp_id(r);
		if (kith_txn_get(f->t, KITH_T_NODE, key_of(key, &m->g->id, &id), &held) != KITH_OK && kith_fed_invite_stands(f, m->g, &id, 0))
			e = kith_vec_push(&lacking, id);
	}
	if (e == KITH_OK && lacking.n > 0)
		e = kith_fed_ask_objects(f, m, lacking.v, lacking.n);
	kith_vec_fini(&lacking);
	return e;
}
