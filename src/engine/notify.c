#include "engine/inner.h"

#include <stdlib.h>
#include <string.h>

#include "client/common.h"
#include "client/render.h"
#include "storage/ledger.h"
#include "wire/mp.h"

/* What clients hear: who listens to what, and what to tell them at the end of a batch. */

#define CHANGES_KEPT 100000             /* rows for cursors; older ones are told to read anew */

/* ---- connections and their channels ---- */

void
engine_conn_free(void *p)
{
	struct conn *c = p;

	kith_vec_fini(&c->channels);
	free(c);
}

static struct kith_slice
conn_key(uint64_t conn, uint8_t be[8])
{
	kith_put_be64(be, conn);
	return kith_slice_of(be, 8);
}

static int
listen_to(struct kith_engine *e, struct conn *c, const struct kith_id *group, const struct kith_id *panel)
{
	struct channel ch;
	struct kith_output *o;

	ch.group = group != NULL ? *group : kith_id_none;
	kith_channel(group, panel, &ch.channel);
	for (size_t i = 0; i < c->channels.n; i++) {
		if (kith_id_eq(&c->channels.v[i].channel, &ch.channel))
			return KITH_OK;
	}
	if (kith_vec_push(&c->channels, ch) != KITH_OK)
		return KITH_E_NOMEM;
	o = kith_out_add(e->out, KITH_OUT_SUBSCRIBE);
	if (o == NULL)
		return KITH_E_NOMEM;
	o->conn = c->conn;
	o->channel = ch.channel;
	return KITH_OK;
}

static int
stop_listening(struct kith_engine *e, struct conn *c, size_t i)
{
	struct kith_output *o = kith_out_add(e->out, KITH_OUT_UNSUBSCRIBE);

	if (o == NULL)
		return KITH_E_NOMEM;
	o->conn = c->conn;
	o->channel = c->channels.v[i].channel;
	c->channels.v[i] = c->channels.v[--c->channels.n];
	return KITH_OK;
}

/* A program with a token is not its person: it makes nobody present, and what is said to the person is not for it. */
static bool
is_person(const struct conn *c)
{
	return kith_session_may(&c->session, KITH_SCOPE_ACCOUNT);
}

/* The channels of one group for one connection: those of the panels that its person may see now. */
static int
channels_of_group(struct kith_engine *e, struct conn *c, const struct kith_id *group)
{
	struct kith_group *g = engine_group(e, group, false);
	struct kith_fact f;
	struct kith_member m;
	size_t it = 0;
	bool in;
	int r = KITH_OK;

	in = g != NULL && kith_session_may(&c->session, KITH_SCOPE_MESSAGES_READ) && kith_group_member(g, &c->session.uid, &m) == KITH_OK && m.member;
	for (size_t i = c->channels.n; r == KITH_OK && i > 0; i--) {
		struct channel ch = c->channels.v[i - 1];
		struct kith_id want;
		bool keep = false;

		if (!kith_id_eq(&ch.group, group))
			continue;
		kith_channel(group, NULL, &want);
		if (in && kith_id_eq(&ch.channel, &want))
			keep = true;
		for (it = 0; in && !keep && kith_authority_fact_next(kith_group_authority(g), &it, &f);) {
			if (f.kind != KITH_F_PANEL)
				continue;
			kith_channel(group, &f.a, &want);
			keep = kith_id_eq(&ch.channel, &want) && kith_group_may(g, &c->session.uid, &f.a, "panel.view");
		}
		if (!keep)
			r = stop_listening(e, c, i - 1);
	}
	if (!in || r != KITH_OK)
		return r;
	r = listen_to(e, c, group, NULL);
	for (it = 0; r == KITH_OK && kith_authority_fact_next(kith_group_authority(g), &it, &f);) {
		struct kith_id panel = f.a;

		if (f.kind == KITH_F_PANEL && kith_group_may(g, &c->session.uid, &panel, "panel.view"))
			r = listen_to(e, c, group, &panel);
	}
	return r;
}

static int
all_channels(struct kith_engine *e, struct conn *c)
{
	struct kith_id group = kith_id_none;
	int r = is_person(c) ? listen_to(e, c, NULL, &c->session.uid) : KITH_OK;

	while (r == KITH_OK && kith_user_group_next(e->t, &c->session.uid, &group))
		r = channels_of_group(e, c, &group);
	return r;
}

int
engine_conn_up(struct kith_engine *e, const struct kith_in *in)
{
	struct conn *c;
	uint8_t be[8];
	int r;

	if (!in->has_session || !kith_session_is_open(e->t, &in->session.id)) {
		struct kith_output *o = kith_out_add(e->out, KITH_OUT_DROP);

		if (o == NULL)
			return KITH_E_NOMEM;
		o->conn = in->conn;
		kith_output_text(e->out, o, "this session has ended");
		return KITH_OK;
	}
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return KITH_E_NOMEM;
	c->conn = in->conn;
	c->session = in->session;
	r = kith_map_put(e->conns, conn_key(c->conn, be), c, NULL);
	if (r != KITH_OK) {
		free(c);
		return r;
	}
	if (is_person(c))
		engine_presence_came(e, &c->session.uid);
	return all_channels(e, c);
}

void
engine_conn_down(struct kith_engine *e, uint64_t conn)
{
	uint8_t be[8];
	struct conn *c = kith_map_del(e->conns, conn_key(conn, be));

	if (c == NULL)
		return;
	if (is_person(c))
		engine_presence_went(e, &c->session.uid);
	engine_conn_free(c);
}

static int
once(struct kith_engine *e, bool channels, const struct kith_id *group)
{
	size_t i;

	for (i = 0; i < e->moved.n && !kith_id_eq(&e->moved.v[i].group, group); i++)
		;
	if (i == e->moved.n && kith_vec_push(&e->moved, ((struct moved){ .group = *group })) != KITH_OK)
		return KITH_E_NOMEM;
	e->moved.v[i].channels = e->moved.v[i].channels || channels;
	return KITH_OK;
}

int
engine_rechannel(struct kith_engine *e)
{
	int r = KITH_OK;

	for (size_t i = 0; r == KITH_OK && i < e->moved.n; i++) {
		struct kith_id id = e->moved.v[i].group;
		size_t it = 0;
		void *v;

		if (!e->moved.v[i].channels || engine_group(e, &id, false) == NULL)
			continue;
		while (r == KITH_OK && kith_map_next(e->conns, &it, NULL, &v))
			r = channels_of_group(e, v, &id);
	}
	return r;
}

/* ---- telling ---- */

int
engine_push(struct kith_engine *e, const struct kith_id *group, const struct kith_id *panel, const char *method, struct kith_slice params)
{
	struct kith_output *o = kith_out_add(e->out, KITH_OUT_PUSH);

	if (o == NULL)
		return KITH_E_NOMEM;
	kith_channel(group, panel, &o->channel);
	kith_output_text(e->out, o, method);
	kith_output_bytes(e->out, o, params);
	return KITH_OK;
}

int
engine_tell_person(struct kith_engine *e, const struct kith_id *uid, const char *method, struct kith_slice params)
{
	return engine_push(e, NULL, uid, method, params);
}

static int
remember(struct kith_engine *e, const struct kith_id *group, const struct kith_id *panel, const struct kith_id *id, uint8_t what)
{
	struct kith_buf b;
	uint8_t key[8];
	int r;

	kith_buf_init(&b, 0);
	kith_mp_put_array(&b, 4);
	kith_mp_put_id(&b, group);
	kith_mp_put_id_or_none(&b, panel);
	kith_mp_put_id_or_none(&b, id);
	kith_mp_put_uint(&b, what);
	kith_put_be64(key, e->next_change);
	r = kith_buf_err(&b);
	if (r == KITH_OK)
		r = kith_txn_put(e->t, KITH_T_CHANGE, kith_slice_of(key, sizeof(key)), kith_buf_slice(&b));
	kith_buf_fini(&b);
	if (r != KITH_OK)
		return r;
	if (e->next_change > CHANGES_KEPT) {
		kith_put_be64(key, e->next_change - CHANGES_KEPT);
		r = kith_txn_del(e->t, KITH_T_CHANGE, kith_slice_of(key, sizeof(key)));
	}
	e->next_change++;
	return r == KITH_E_NOTFOUND ? KITH_OK : r;
}

/* The message that a record is about: itself, or what it aims at. */
static bool
about(struct kith_engine *e, const struct kith_change *ch, struct kith_id *out)
{
	struct kith_ledger_record rec;
	struct kith_record h;
	struct kith_op op;

	if (ch->kind == KITH_K_MESSAGE) {
		*out = ch->id;
		return true;
	}
	if (kith_ledger_get_id(e->t, &ch->id, &rec) != KITH_OK || kith_record_parse(rec.header, &h) != KITH_OK)
		return false;
	kith_arena_reset(e->arena);
	if (kith_op_parse(h.kind, h.op, e->arena, &op) != KITH_OK || (op.has & KITH_OP_BIT(KITH_OP_TARGET)) == 0)
		return false;
	*out = op.target;
	return true;
}

static int
tell_message(struct kith_engine *e, const struct kith_change *ch)
{
	struct kith_id id;
	struct kith_buf b;
	bool fresh = ch->kind == KITH_K_MESSAGE && ch->what == KITH_C_NEW;
	size_t at;
	int r;

	if (ch->kind < KITH_K_MESSAGE || ch->kind > KITH_K_PIN || !about(e, ch, &id))
		return KITH_OK;
	kith_buf_init(&b, 0);
	kith_mp_put_map(&b, 3);
	kith_put_key_id(&b, "group", &ch->group);
	kith_mp_put_cstr(&b, "message");
	at = b.n;
	r = kith_render_message(e->t, &id, &kith_id_none, false, &b);
	if (r == KITH_E_NOTFOUND) {
		/* gone from sight: its id is enough */
		b.n = at;
		kith_mp_put_map(&b, 2);
		kith_put_key_id(&b, "id", &id);
		kith_mp_put_cstr(&b, "state");
		kith_mp_put_cstr(&b, "hidden");
		r = KITH_OK;
	}
	kith_put_key_id(&b, "panel", &ch->scope);
	if (r == KITH_OK)
		r = kith_buf_err(&b);
	if (r == KITH_OK)
		r = engine_push(e, &ch->group, &ch->scope, fresh ? "message" : "changed", kith_buf_slice(&b));
	kith_buf_fini(&b);
	if (r == KITH_OK)
		r = remember(e, &ch->group, &ch->scope, &id, fresh ? KITH_SEEN_NEW : KITH_SEEN_CHANGED);
	return r;
}

/* To everybody in it, or to one person alone. */
static int
tell_group(struct kith_engine *e, const struct kith_id *group, const struct kith_id *uid)
{
	struct kith_buf b;
	int r;

	kith_buf_init(&b, 0);
	kith_mp_put_map(&b, 1);
	kith_put_key_id(&b, "group", group);
	r = kith_buf_err(&b);
	if (r == KITH_OK)
		r = engine_push(e, uid == NULL ? group : NULL, uid, "group", kith_buf_slice(&b));
	kith_buf_fini(&b);
	return r == KITH_OK && uid == NULL ? remember(e, group, &kith_id_none, &kith_id_none, KITH_SEEN_GROUP) : r;
}

/* Somebody's membership or rights, or a group's state, changed: reverse index, and channels at the end of the batch. */
int
engine_member_changed(struct kith_engine *e, const struct kith_change *ch)
{
	struct kith_group *g = engine_group(e, &ch->group, false);
	struct kith_account a;
	struct kith_member m;
	uint8_t key[65];
	bool in;
	int r;

	if (ch->what == KITH_C_STATE)
		return once(e, true, &ch->group);
	in = g != NULL && kith_group_member(g, &ch->id, &m) == KITH_OK && m.member;
	if (in)
		engine_presence_joined(e, g, &m);
	r = kith_account_get(e->t, &ch->id, &a);
	if (r == KITH_E_NOTFOUND)
		return once(e, false, &ch->group);      /* they listen elsewhere; ours are told who came and went */
	if (r != KITH_OK)
		return r;
	memcpy(key, ch->id.b, 32);
	key[32] = 'g';
	memcpy(key + 33, ch->group.b, 32);
	if (in)
		r = kith_txn_put(e->t, KITH_T_USER, kith_slice_of(key, sizeof(key)), kith_slice_of(NULL, 0));
	else
		r = kith_txn_del(e->t, KITH_T_USER, kith_slice_of(key, sizeof(key)));
	if (r != KITH_OK && r != KITH_E_NOTFOUND)
		return r;
	/* who is out hears it from no channel of the group */
	r = in ? KITH_OK : tell_group(e, &ch->group, &ch->id);
	return r == KITH_OK ? once(e, true, &ch->group) : r;
}

/* Somebody shows something else of themselves. */
static int
tell_profile(struct kith_engine *e, const struct kith_change *ch)
{
	struct kith_buf b;
	int r;

	kith_buf_init(&b, 0);
	kith_mp_put_map(&b, 2);
	kith_put_key_id(&b, "group", &ch->group);
	kith_put_key_id(&b, "uid", &ch->author);
	r = kith_buf_err(&b);
	if (r == KITH_OK)
		r = engine_push(e, &ch->group, NULL, "user", kith_buf_slice(&b));
	kith_buf_fini(&b);
	return r == KITH_OK ? remember(e, &ch->group, &kith_id_none, &kith_id_none, KITH_SEEN_GROUP) : r;
}

int
engine_tell_clients(struct kith_engine *e)
{
	int r = KITH_OK;

	for (size_t i = 0; r == KITH_OK && i < e->changes.list.n; i++) {
		const struct kith_change *ch = &e->changes.list.v[i];

		switch (ch->what) {
		case KITH_C_NEW:
		case KITH_C_DECIDED:
		case KITH_C_SHOWN:
		case KITH_C_HIDDEN:
		case KITH_C_ERASED:
		case KITH_C_RESTORED:
		case KITH_C_BODY:
			if ((ch->what == KITH_C_NEW || ch->what == KITH_C_BODY) && (ch->state & (KITH_S_HIDDEN | KITH_S_REJECTED | KITH_S_SIDE)) != 0)
				break;
			r = ch->kind == KITH_K_PROFILE ? tell_profile(e, ch) : tell_message(e, ch);
			break;
		case KITH_C_STATE:
		case KITH_C_MEMBER:
		case KITH_C_FORK:
		case KITH_C_OWN:
			break;
		}
	}
	for (size_t i = 0; r == KITH_OK && i < e->moved.n; i++) {
		struct kith_id id = e->moved.v[i].group;

		if (engine_group(e, &id, false) != NULL)
			r = tell_group(e, &id, NULL);
	}
	return r;
}

/* By the roster of any group held here. */
static bool
lives_at(struct kith_engine *e, const struct kith_id *uid, const struct kith_id *node)
{
	for (size_t i = 0; i < e->held.n; i++) {
		struct kith_group *g = engine_group(e, &e->held.v[i], false);
		struct kith_member m;

		if (g != NULL && kith_group_member(g, uid, &m) == KITH_OK && m.member && kith_id_eq(&m.node, node))
			return true;
	}
	return false;
}

/* Typing and presence: [uid, what, ...], from the person's home alone. */
void
engine_tell_fleeting(struct kith_engine *e, const struct kith_id *from, struct kith_slice payload)
{
	static const struct kith_mp_limits lim = { .depth = 2, .values = 8, .nil = false };
	struct kith_id uid, group, panel;
	struct kith_member m;
	struct kith_group *g;
	struct kith_slice what, state;
	struct kith_mp_reader rd;
	struct kith_buf b;
	uint32_t n;

	if (payload.n > 1024 || kith_mp_check(payload, &lim) != KITH_OK)
		return;
	kith_mp_read(&rd, payload);
	n = kith_mp_array(&rd);
	uid = kith_mp_id(&rd);
	what = kith_mp_str(&rd);
	kith_buf_init(&b, 0);
	if (n == 4 && kith_slice_is(what, "typing")) {
		group = kith_mp_id(&rd);
		panel = kith_mp_id(&rd);
		g = kith_mp_done(&rd) ? engine_group(e, &group, false) : NULL;
		if (g != NULL && kith_group_member(g, &uid, &m) == KITH_OK && m.member && kith_id_eq(&m.node, from) &&
		    kith_group_may(g, &uid, &panel, "message.send")) {
			kith_mp_put_map(&b, 3);
			kith_put_key_id(&b, "group", &group);
			kith_put_key_id(&b, "panel", &panel);
			kith_put_key_id(&b, "uid", &uid);
			engine_note(e, engine_push(e, &group, &panel, "typing", kith_buf_slice(&b)));
		}
	} else if (n == 3 && kith_slice_is(what, "presence")) {
		state = kith_mp_str(&rd);
		if (kith_mp_done(&rd) && !kith_id_eq(from, &e->self.node) && lives_at(e, &uid, from))
			engine_presence_heard(e, from, &uid, state);
	}
	kith_buf_fini(&b);
}
