#include <string.h>

#include "client/common.h"
#include "client/files.h"
#include "client/friends.h"
#include "client/state.h"
#include "wire/mp.h"

/*
 * Files that other nodes have. The edge asks for one part after another (it has
 * the disk); here is decided whom to ask, and what to tell a node that asks.
 */
#define CHUNK 65000u                    /* with what stands around it in one answer */
#define WHOM_MAX 8u

/* ---- whom to ask ---- */

struct whom { struct kith_id group, node; };    /* group none: as the friend of whose it is */
struct choice {
	struct whom v[WHOM_MAX];
	size_t n;
};

static void
consider(struct kith_call *c, struct choice *ch, const struct kith_id *group, const struct kith_id *node)
{
	for (size_t i = 0; i < ch->n; i++) {
		if (kith_id_eq(&ch->v[i].node, node))
			return;
	}
	if (ch->n < WHOM_MAX && !kith_id_is_none(node) && !kith_id_eq(node, &c->self->node))
		ch->v[ch->n++] = (struct whom){ *group, *node };
}

/* Homes of those who show it first: they have it. Then any node of a group that it belongs to, as long as there is a link. */
static void
choose(struct kith_call *c, const struct kith_id *id, struct choice *ch)
{
	const struct kith_id *me = &c->session->uid;
	struct kith_file_user u;

	memset(ch, 0, sizeof(*ch));
	memset(&u, 0, sizeof(u));
	for (int n = 0; n < KITH_FILE_LOOK_MAX && ch->n < WHOM_MAX && kith_file_user_next(c->t, id, &u); n++) {
		struct kith_friend f;
		struct kith_member m;

		if (u.use == KITH_FILE_PROFILE && kith_state_is_member(c->t, &u.a, me) && kith_state_member(c->t, &u.a, &u.b, &m) == KITH_OK)
			consider(c, ch, &u.a, &m.node);
		else if (u.use == KITH_FILE_FRIEND && kith_id_eq(&u.a, me) && kith_friend_get(c->t, me, &u.b, &f) == KITH_OK)
			consider(c, ch, &kith_id_none, &f.node);
	}
	memset(&u, 0, sizeof(u));
	for (int n = 0; n < KITH_FILE_LOOK_MAX && ch->n < WHOM_MAX && kith_file_user_next(c->t, id, &u); n++) {
		struct kith_group_node gn;
		struct kith_group *g;
		size_t it = 0;
		uint64_t rtt;

		if ((u.use != KITH_FILE_PROFILE && u.use != KITH_FILE_GROUP) || !kith_state_is_member(c->t, &u.a, me))
			continue;
		g = c->host->group(c->host->ctx, c->t, &u.a);
		while (g != NULL && kith_group_node_next(g, &it, &gn)) {
			if (!gn.banned && c->host->linked(c->host->ctx, &gn.node, &rtt))
				consider(c, ch, &u.a, &gn.node);
		}
	}
}

/* ---- asking: [group?, file, from] ---- */

static int
fetch(struct kith_call *c)
{
	struct kith_id id = kith_arg_id(c->args, "id");
	uint64_t turn = (uint64_t)kith_arg_num(c->args, "turn", 0);
	struct choice ch;
	struct kith_file f;
	struct kith_buf b;
	int r = kith_file_get(c->t, &id, &f);

	if (r != KITH_E_NOTFOUND)
		return r;
	choose(c, &id, &ch);
	if (turn >= ch.n)
		return kith_fail(c, KITH_E_NOTFOUND, "not_found", "there is no such file");
	kith_buf_init(&b, 0);
	kith_mp_put_array(&b, 3);
	kith_mp_put_id_or_none(&b, &ch.v[turn].group);
	kith_mp_put_id(&b, &id);
	kith_mp_put_uint(&b, (uint64_t)kith_arg_num(c->args, "from", 0));
	r = kith_buf_err(&b);
	if (r == KITH_OK)
		r = c->host->ask(c->host->ctx, c, &ch.v[turn].node, KITH_ASK_FILE, kith_buf_slice(&b));
	kith_buf_fini(&b);
	return r == KITH_OK ? KITH_PENDING : r;
}

/* [size, width, height, bytes], passed on to the edge as it came. */
int
kith_fetch_answered(struct kith_call *c, int err, struct kith_slice answer)
{
	static const struct kith_mp_limits lim = { .depth = 1, .values = 5, .nil = false };

	if (err != KITH_OK || kith_mp_check(answer, &lim) != KITH_OK)
		return kith_fail(c, KITH_E_MISSING, "elsewhere", "that node has it not");
	kith_buf_put_slice(c->result, answer);
	return KITH_OK;
}

/* It lies in its place now. */
static int
hold(struct kith_call *c)
{
	struct kith_id id = kith_arg_id(c->args, "id");
	struct kith_file f = kith_file_args(c->args);

	return kith_file_hold(c->t, c->now.wall_ms, &id, &f);
}

/* ---- telling ---- */

/* Does it belong to an account here one of whose friends lives there? */
static bool
is_of_a_friend_there(struct kith_call *c, const struct kith_id *id, const struct kith_id *node)
{
	struct kith_file_user u;

	memset(&u, 0, sizeof(u));
	for (int n = 0; n < KITH_FILE_LOOK_MAX && kith_file_user_next(c->t, id, &u); n++) {
		if (u.use == KITH_FILE_ACCOUNT && kith_friend_lives_at(c->t, &u.a, node))
			return true;
	}
	return false;
}

static bool
is_of_a_group_there(struct kith_call *c, const struct kith_id *group, const struct kith_id *id, const struct kith_id *node)
{
	struct kith_group *g = c->host->group(c->host->ctx, c->t, group);
	struct kith_group_node gn;
	size_t it = 0;

	while (g != NULL && kith_group_node_next(g, &it, &gn)) {
		if (kith_id_eq(&gn.node, node))
			return !gn.banned && gn.members > 0 && kith_file_of_group(c->t, group, id);
	}
	return false;
}

int
kith_fetch_tell(struct kith_call *c, const struct kith_id *from, struct kith_slice payload)
{
	struct kith_id group, id;
	struct kith_mp_reader rd;
	struct kith_file f;
	uint64_t at;
	size_t n = CHUNK;
	uint8_t *chunk;
	int r;

	kith_mp_read(&rd, payload);
	kith_mp_array_exact(&rd, 3);
	group = kith_mp_id_or_none(&rd);
	id = kith_mp_id(&rd);
	at = kith_mp_uint(&rd);
	if (!kith_mp_done(&rd))
		return KITH_E_MALFORMED;
	if (!(kith_id_is_none(&group) ? is_of_a_friend_there(c, &id, from) : is_of_a_group_there(c, &group, &id, from)))
		return KITH_E_NOTFOUND;
	r = kith_file_get(c->t, &id, &f);
	if (r == KITH_OK && (at >= f.size || c->host->read_file == NULL))
		r = KITH_E_NOTFOUND;
	if (r != KITH_OK)
		return r;
	chunk = kith_arena_alloc(c->arena, n);
	if (chunk == NULL)
		return KITH_E_NOMEM;
	/* a disk that fails here is not the store's: the asker goes elsewhere */
	if (c->host->read_file(c->host->ctx, &id, at, chunk, &n) != KITH_OK || n == 0)
		return KITH_E_NOTFOUND;
	kith_mp_put_array(c->result, 4);
	kith_mp_put_uint(c->result, f.size);
	kith_mp_put_uint(c->result, f.width);
	kith_mp_put_uint(c->result, f.height);
	kith_mp_put_bin(c->result, kith_slice_of(chunk, n));
	return kith_buf_err(c->result);
}

#define NUM(n, hi) { n, KITH_P_INT, true, 0, hi, "" }
static const struct kith_param fetch_params[] = { NUM("from", INT64_MAX), { "id", KITH_P_ID, true, 0, 0, "" }, NUM("turn", 64), { .name = NULL } };
static const struct kith_param hold_params[] = {
	NUM("height", 1 << 24), { "id", KITH_P_ID, true, 0, 0, "" }, NUM("size", INT64_MAX), NUM("type", KITH_FILE_WEBP),
	NUM("width", 1 << 24), { .name = NULL },
};
static const struct kith_field no_result[] = { { .name = NULL } };

const struct kith_method kith_file_method_fetch = {
	.name = "blob", .doc = "", .write = true, .auth = KITH_AUTH_ANY, .scope = KITH_SCOPE_MESSAGES_READ, .rate = KITH_RATE_NONE, .params = fetch_params, .result = no_result,
	.run = fetch,
};
const struct kith_method kith_file_method_hold = {
	.name = "blob", .doc = "", .write = true, .auth = KITH_AUTH_ANY, .scope = KITH_SCOPE_MESSAGES_READ, .rate = KITH_RATE_NONE, .params = hold_params, .result = no_result,
	.run = hold,
};
