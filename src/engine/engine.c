#include "engine/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/common.h"
#include "client/files.h"
#include "client/profile.h"
#include "engine/inner.h"
#include "id/node.h"
#include "wire/mp.h"

#define ARENA_MAX (4u << 20)
#define OPEN_MAX 512                    /* groups kept in memory */
#define NEVER UINT64_MAX

static const uint8_t meta_node[] = "node";

bool
engine_is_fatal(int err)
{
	return err == KITH_E_NOMEM || err == KITH_E_IO || err == KITH_E_CORRUPT || err == KITH_E_FULL;
}

void
engine_note(struct kith_engine *e, int err)
{
	if (e->failed == KITH_OK && engine_is_fatal(err))
		e->failed = err;
}

void
kith_channel(const struct kith_id *group, const struct kith_id *panel, struct kith_id *out)
{
	struct kith_id g = group != NULL ? *group : kith_id_none, p = panel != NULL ? *panel : kith_id_none;

	kith_hash2(KITH_L_OBJECT, kith_id_slice(&g), kith_id_slice(&p), out);
}

/* ---- who this node is ---- */

static bool
same_record(const struct kith_node_record *r, const struct kith_engine_conf *c)
{
	struct kith_id next;

	kith_hash(KITH_L_NODE, kith_slice_of(c->next_root_pk, 32), &next);
	/* a node whose root is kept elsewhere goes by the record it has */
	if (c->root != NULL && (memcmp(r->root_pk, kith_signer_pk(c->root), 32) != 0 || !kith_id_eq(&r->next_root, &next)))
		return false;
	if (memcmp(r->sign_pk, kith_signer_pk(c->sign), 32) != 0 || r->n_certs != c->n_cert_pk || r->n_addrs != c->fed.n_addresses ||
	    r->listed != c->listed || !kith_slice_is(r->name, c->node.name))
		return false;
	for (size_t i = 0; i < r->n_certs; i++) {
		if (memcmp(r->cert_pk[i], c->cert_pk[i], 32) != 0)
			return false;
	}
	for (size_t i = 0; i < r->n_addrs; i++) {
		if (!kith_slice_is(r->addr[i], c->fed.address[i]))
			return false;
	}
	return true;
}

/* The node record as the configuration has it: the one that is there, or the next one, signed by the root. */
static int
self_record(struct kith_engine *e, struct kith_txn *t)
{
	const struct kith_engine_conf *c = &e->conf;
	struct kith_node_record last;
	struct kith_node_new n;
	struct kith_slice v;
	struct kith_buf raw;
	bool first;
	int r = kith_txn_get(t, KITH_T_META, kith_slice_of(meta_node, sizeof(meta_node) - 1), &v);

	if (r != KITH_OK && r != KITH_E_NOTFOUND)
		return r;
	first = r == KITH_E_NOTFOUND;
	memset(&n, 0, sizeof(n));
	if (!first) {
		if (v.n != KITH_ID_BYTES)
			return KITH_E_CORRUPT;
		memcpy(e->self.node.b, v.p, v.n);
		r = kith_node_get(t, &e->self.node, &last);
		if (r != KITH_OK || same_record(&last, c))
			return r == KITH_E_NOTFOUND ? KITH_E_CORRUPT : r;
		n.n = last.n + 1;
		n.node = e->self.node;
		n.prev = last.id;
	}
	if (c->root == NULL)
		return first ? KITH_E_MISSING : KITH_OK;
	memcpy(n.root_pk, kith_signer_pk(c->root), 32);
	memcpy(n.sign_pk, kith_signer_pk(c->sign), 32);
	for (; n.n_certs < c->n_cert_pk && n.n_certs < KITH_NODE_CERTS_MAX; n.n_certs++)
		memcpy(n.cert_pk[n.n_certs], c->cert_pk[n.n_certs], 32);
	kith_hash(KITH_L_NODE, kith_slice_of(c->next_root_pk, 32), &n.next_root);
	for (; n.n_addrs < c->fed.n_addresses && n.n_addrs < KITH_NODE_ADDRS_MAX; n.n_addrs++)
		n.addr[n.n_addrs] = c->fed.address[n.n_addrs];
	n.name = c->node.name;
	n.listed = c->listed;
	kith_buf_init(&raw, KITH_NODE_MAX);
	r = kith_node_make(&n, c->root, &raw);
	if (r == KITH_OK)
		r = kith_node_put(e->env, t, kith_buf_slice(&raw), &e->self.node);
	if (r == KITH_OK && first)
		r = kith_txn_put(t, KITH_T_META, kith_slice_of(meta_node, sizeof(meta_node) - 1), kith_id_slice(&e->self.node));
	kith_buf_fini(&raw);
	return r;
}

static uint64_t
fresh_incarnation(const struct kith_engine *e)
{
	uint8_t be[8];

	e->env->random(e->env->ctx, be, sizeof(be));
	return kith_get_be64(be) != 0 ? kith_get_be64(be) : 1;
}

static int
draw_incarnation(struct kith_engine *e, struct kith_txn *t)
{
	e->self.incarnation = fresh_incarnation(e);
	return kith_store_incarnation_set(t, e->self.incarnation);
}

static int
self_incarnation(struct kith_engine *e, struct kith_txn *t)
{
	return kith_store_incarnation(t, fresh_incarnation(e), &e->self.incarnation, NULL);
}

static int
load_held(struct kith_engine *e, struct kith_txn *t)
{
	struct kith_cursor *c = NULL;
	struct kith_slice k, v;
	struct kith_id id;
	int r = kith_cursor_open(t, KITH_T_GROUP, &c);

	if (r != KITH_OK)
		return r;
	for (r = kith_cursor_seek(c, kith_slice_of("", 1), false, &k, &v); r == KITH_OK; r = kith_cursor_step(c, false, &k, &v)) {
		if (k.n != KITH_ID_BYTES)
			continue;
		memcpy(id.b, k.p, KITH_ID_BYTES);
		if (kith_vec_push(&e->held, id) != KITH_OK) {
			r = KITH_E_NOMEM;
			break;
		}
	}
	kith_cursor_close(c);
	return r == KITH_E_NOTFOUND ? KITH_OK : r;
}

static int
load_change_number(struct kith_engine *e, struct kith_txn *t)
{
	struct kith_cursor *c = NULL;
	struct kith_slice k, v;
	int r = kith_cursor_open(t, KITH_T_CHANGE, &c);

	if (r != KITH_OK)
		return r;
	r = kith_cursor_seek(c, kith_slice_of(NULL, 0), true, &k, &v);
	e->next_change = r == KITH_OK && k.n == 8 ? kith_get_be64(k.p) + 1 : 1;
	kith_cursor_close(c);
	return r == KITH_E_NOTFOUND ? KITH_OK : r;
}

int
kith_engine_new(const struct kith_env *env, struct kith_store *store, struct kith_txn *t, struct kith_now now,
    const struct kith_engine_conf *conf, struct kith_engine **out)
{
	struct kith_engine *e = calloc(1, sizeof(*e));
	int r = KITH_E_NOMEM;

	if (e == NULL)
		return KITH_E_NOMEM;
	e->env = env;
	e->store = store;
	e->conf = *conf;
	e->self.sign = conf->sign;
	e->started_ms = now.mono_ms;
	e->now = now;
	e->t = t;
	e->open = kith_map_new();
	e->conns = kith_map_new();
	e->who = kith_map_new();
	e->who_ms = NEVER;
	e->arena = kith_arena_new(ARENA_MAX);
	if (e->open == NULL || e->conns == NULL || e->who == NULL || e->arena == NULL)
		goto fail;
	engine_hosts(e);
	r = self_record(e, t);
	if (r == KITH_OK)
		r = self_incarnation(e, t);
	if (r == KITH_OK)
		r = load_held(e, t);
	if (r == KITH_OK)
		r = load_change_number(e, t);
	if (r == KITH_OK)
		r = engine_arrivals_load(e);
	if (r == KITH_OK)
		r = kith_fed_new(env, &e->self, &e->fed_host, &conf->fed, &e->fed);
	if (r != KITH_OK)
		goto fail;
	e->t = NULL;
	*out = e;
	return KITH_OK;
fail:
	kith_engine_free(e);
	return r;
}

static void
opened_free(void *p)
{
	struct opened *o = p;

	kith_group_close(o->g);
	free(o);
}

void
kith_engine_free(struct kith_engine *e)
{
	if (e == NULL)
		return;
	kith_fed_free(e->fed);
	if (e->open != NULL)
		kith_map_free(e->open, opened_free);
	if (e->conns != NULL)
		kith_map_free(e->conns, engine_conn_free);
	if (e->who != NULL)
		kith_map_free(e->who, engine_who_free);
	kith_vec_fini(&e->linked);
	for (size_t i = 0; i < e->pending.n; i++)
		engine_pending_free(&e->pending.v[i]);
	kith_vec_fini(&e->pending);
	kith_vec_fini(&e->arrivals);
	kith_vec_fini(&e->held);
	kith_vec_fini(&e->moved);
	kith_vec_fini(&e->wants);
	kith_changes_fini(&e->changes);
	kith_arena_free(e->arena);
	free(e);
}

const struct kith_id *
kith_engine_node(const struct kith_engine *e)
{
	return &e->self.node;
}

/* ---- groups in memory ---- */

struct kith_group *
engine_group(struct kith_engine *e, const struct kith_id *id, bool create)
{
	struct opened *o = kith_map_get(e->open, kith_id_slice(id));
	bool held = false;
	int r;

	if (o != NULL) {
		o->touched = true;
		o->used_ms = e->now.mono_ms;
		return o->g;
	}
	for (size_t i = 0; i < e->held.n && !held; i++)
		held = kith_id_eq(&e->held.v[i], id);
	if (!held && !create)
		return NULL;
	o = calloc(1, sizeof(*o));
	if (o == NULL) {
		engine_note(e, KITH_E_NOMEM);
		return NULL;
	}
	r = kith_group_open(e->env, &e->self, e->t, id, &o->g);
	if (r != KITH_OK) {
		engine_note(e, r);
		free(o);
		return NULL;
	}
	o->id = *id;
	o->touched = true;
	o->listed = held;
	o->used_ms = e->now.mono_ms;
	o->tick_ms = NEVER;
	r = kith_map_put(e->open, kith_id_slice(id), o, NULL);
	if (r != KITH_OK) {
		engine_note(e, r);
		opened_free(o);
		return NULL;
	}
	return o->g;
}

/* Too many in memory: the least used go; what they held is in the store. */
static void
close_some(struct kith_engine *e)
{
	while (kith_map_count(e->open) > OPEN_MAX) {
		struct opened *oldest = NULL;
		size_t it = 0;
		void *v;

		while (kith_map_next(e->open, &it, NULL, &v)) {
			struct opened *o = v;

			if (o->tick_ms == NEVER && (oldest == NULL || o->used_ms < oldest->used_ms))
				oldest = o;
		}
		if (oldest == NULL)
			return;
		kith_map_del(e->open, kith_id_slice(&oldest->id));
		opened_free(oldest);
	}
}

/* ---- a batch ---- */

int
kith_engine_begin(struct kith_engine *e, struct kith_txn *t)
{
	size_t it = 0;
	void *v;

	e->t = t;
	e->failed = KITH_OK;
	e->changes.list.n = 0;
	e->noticed = 0;
	e->moved.n = 0;
	e->wants.n = 0;
	while (kith_map_next(e->open, &it, NULL, &v))
		((struct opened *)v)->touched = false;
	return KITH_OK;
}

void
engine_call_init(struct kith_engine *e, struct kith_call *c, struct kith_buf *result)
{
	memset(c, 0, sizeof(*c));
	kith_buf_init(result, 1u << 20);
	kith_arena_reset(e->arena);
	c->env = e->env;
	c->self = &e->self;
	c->conf = &e->conf.node;
	c->host = &e->client_host;
	c->t = e->t;
	c->now = e->now;
	c->arena = e->arena;
	c->result = result;
}

static int
on_call(struct kith_engine *e, const struct kith_in *in)
{
	struct kith_args args;
	struct kith_buf result;
	struct kith_call c;
	int r;

	engine_call_init(e, &c, &result);
	c.m = in->method;
	c.session = in->has_session ? &in->session : NULL;
	c.pw = in->pw.given ? &in->pw : NULL;
	c.args = &args;
	snprintf(c.address, sizeof(c.address), "%.63s", in->address);
	c.token = in->number;
	c.conn = in->conn;
	c.params = in->params;
	r = kith_args_parse(c.m, in->params, &args, c.why, sizeof(c.why));
	if (r != KITH_OK)
		c.err_name = "invalid_params";
	if (r == KITH_OK && c.m->auth != KITH_AUTH_NONE && c.session == NULL)
		r = kith_fail(&c, KITH_E_DENIED, "unauthorized", "sign in first");
	if (r == KITH_OK && c.session != NULL) {
		struct kith_account a;

		/* the session may have ended between the edge's look and now */
		r = kith_account_get(e->t, &c.session->uid, &a);
		if (r == KITH_E_NOTFOUND || (r == KITH_OK && ((a.flags & KITH_ACC_DISABLED) != 0 || !kith_session_is_open(e->t, &c.session->id))))
			r = kith_fail(&c, KITH_E_DENIED, "unauthorized", "this session has ended: sign in again");
		else if (r == KITH_OK && c.m->auth == KITH_AUTH_USER && (a.flags & KITH_ACC_GUEST) != 0)
			r = kith_fail(&c, KITH_E_DENIED, "guest", "guests cannot do that: claim this account first");
	}
	if (r == KITH_OK)
		r = c.m->run(&c);
	if (r == KITH_OK)
		r = kith_buf_err(&result);
	e->calls++;
	if (r != KITH_PENDING && !engine_is_fatal(r))
		engine_reply(e, in->conn, in->number, r, &c);
	kith_buf_fini(&result);
	return engine_is_fatal(r) ? r : KITH_OK;
}

static int
due_in_group(struct kith_engine *e, uint32_t type, struct kith_slice payload)
{
	struct kith_group *g;
	struct kith_id id;

	if (payload.n < KITH_ID_BYTES)
		return KITH_E_MALFORMED;
	memcpy(id.b, payload.p, KITH_ID_BYTES);
	g = engine_group(e, &id, false);
	return g != NULL ? kith_group_due(g, e->t, e->now, type, payload, &e->changes) : KITH_OK;
}

static int
due(struct kith_engine *e)
{
	while (e->now.wall_ms >= e->due_wall_ms) {
		struct kith_cursor *cur = NULL;
		struct kith_slice k, v, payload;
		struct kith_mp_reader rd;
		uint8_t key[16], copy[1024];
		struct kith_buf result;
		struct kith_call c;
		uint64_t type;
		int r = kith_cursor_open(e->t, KITH_T_DUE, &cur);

		if (r != KITH_OK)
			return r;
		r = kith_cursor_seek(cur, kith_slice_of("", 1), false, &k, &v);
		if (r == KITH_OK && k.n == sizeof(key)) {
			memcpy(key, k.p, sizeof(key));
			e->due_wall_ms = kith_get_be64(key);
			if (v.n > sizeof(copy))
				v.n = 0;
			memcpy(copy, v.p, v.n);
			v.p = copy;
		} else {
			e->due_wall_ms = NEVER;
		}
		kith_cursor_close(cur);
		if (r == KITH_E_NOTFOUND || e->now.wall_ms < e->due_wall_ms)
			return KITH_OK;
		if (r != KITH_OK)
			return r;
		r = kith_txn_del(e->t, KITH_T_DUE, kith_slice_of(key, sizeof(key)));
		if (r == KITH_E_NOTFOUND)
			continue;
		if (r != KITH_OK)
			return r;
		kith_mp_read(&rd, v);
		kith_mp_array_exact(&rd, 2);
		type = kith_mp_uint(&rd);
		payload = kith_mp_bin(&rd);
		if (!kith_mp_done(&rd))
			continue;
		if (type >= KITH_DUE_GROUP) {
			r = due_in_group(e, (uint32_t)type, payload);
		} else {
			engine_call_init(e, &c, &result);
			r = kith_client_due(&c, (uint32_t)type, payload);
			kith_buf_fini(&result);
		}
		if (engine_is_fatal(r))
			return r;
	}
	return KITH_OK;
}

static int
fed_tick(struct kith_engine *e)
{
	uint64_t next;

	if (e->now.mono_ms < kith_fed_deadline_ms(e->fed))
		return KITH_OK;
	return kith_fed_tick(e->fed, e->t, e->now, e->out, &next);
}

static int
ticks(struct kith_engine *e)
{
	size_t it = 0;
	void *v;
	int r;

	while (kith_map_next(e->open, &it, NULL, &v)) {
		struct opened *o = v;

		if (o->tick_ms > e->now.mono_ms)
			continue;
		o->touched = true;
		r = kith_group_tick(o->g, e->t, e->now, &e->changes, &o->tick_ms);
		if (engine_is_fatal(r))
			return r;
	}
	r = fed_tick(e);
	if (engine_is_fatal(r))
		return r;
	engine_presence_tick(e);
	if (e->now.mono_ms >= e->arrival_ms) {
		r = engine_arrivals_go(e);
		if (engine_is_fatal(r))
			return r;
	}
	return due(e);
}

int
kith_engine_input(struct kith_engine *e, struct kith_now now, const struct kith_in *in, struct kith_out *out)
{
	int r = KITH_OK;

	e->now = now;
	e->out = out;
	switch (in->kind) {
	case KITH_IN_CALL:
		r = on_call(e, in);
		break;
	case KITH_IN_CONN_UP:
		r = engine_conn_up(e, in);
		break;
	case KITH_IN_CONN_DOWN:
		engine_conn_down(e, in->conn);
		break;
	case KITH_IN_SEEN:
		r = kith_session_seen(e->t, &in->session.id, now.wall_ms);
		break;
	case KITH_IN_LINK_UP:
		r = kith_fed_link_up(e->fed, e->t, now, in->link, in->token, in->cert_pk, in->exporter, in->address, out);
		break;
	case KITH_IN_LINK_DOWN:
		r = kith_fed_link_down(e->fed, e->t, now, in->link, out);
		break;
	case KITH_IN_FRAME:
		r = kith_fed_frame(e->fed, e->t, now, in->link, in->type, in->bytes, out);
		break;
	case KITH_IN_DIAL_FAILED:
		r = kith_fed_dial_failed(e->fed, e->t, now, in->token, in->text, out);
		break;
	case KITH_IN_CONTROL:
		r = engine_control(e, in);
		break;
	case KITH_IN_TIMER:
		r = ticks(e);
		break;
	}
	if (e->failed != KITH_OK)
		return e->failed;
	if (out->failed)
		return KITH_E_NOMEM;
	return engine_is_fatal(r) ? r : KITH_OK;
}

/* What happened may ask for more to happen: roles promised by invites and the like. */
static int
notice(struct kith_engine *e)
{
	struct kith_buf result;
	struct kith_call c;
	int r = KITH_OK;

	for (; r == KITH_OK && e->noticed < e->changes.list.n; e->noticed++) {
		struct kith_change ch = e->changes.list.v[e->noticed];

		if (ch.what == KITH_C_MEMBER || ch.what == KITH_C_STATE) {
			r = engine_member_changed(e, &ch);
			continue;
		}
		if (ch.what == KITH_C_OWN && ch.incarnation == e->self.incarnation) {
			/* our store was set back to an earlier day: we go on as somebody new, and fetch what we lost */
			if (e->env->log != NULL)
				e->env->log(e->env->ctx, 2, "engine", "others hold records of ours that we do not: going on in a new incarnation");
			r = draw_incarnation(e, e->t);
			continue;
		}
		e->records += ch.what == KITH_C_NEW;
		if (ch.kind != KITH_K_PROFILE && (ch.what != KITH_C_NEW || ch.kind != KITH_K_JOIN))
			continue;
		engine_call_init(e, &c, &result);
		r = ch.kind == KITH_K_PROFILE ? kith_profile_noticed(&c, &ch) : kith_client_noticed(&c, &ch);
		if (r == KITH_OK && ch.kind == KITH_K_JOIN)
			r = kith_profile_introduce(&c, &ch.group, &ch.author);
		kith_buf_fini(&result);
		if (!engine_is_fatal(r))
			r = KITH_OK;
	}
	return r;
}

/* What changed may name other files than before. */
static int
look_at_files(struct kith_engine *e)
{
	const struct kith_id *last = &kith_id_none;
	int r = KITH_OK;

	for (size_t i = 0; r == KITH_OK && i < e->changes.list.n; i++) {
		const struct kith_change *ch = &e->changes.list.v[i];

		if ((ch->what == KITH_C_STATE || ch->kind == KITH_K_SET) && !kith_id_eq(&ch->group, last)) {
			last = &ch->group;
			r = kith_file_look_group(e->t, e->now.wall_ms, last);
		}
	}
	return r;
}

/* Groups that were touched may have records that fall due, or wait no longer. */
static int
tick_touched(struct kith_engine *e)
{
	size_t it = 0;
	void *v;
	int r = KITH_OK;

	while (r == KITH_OK && kith_map_next(e->open, &it, NULL, &v)) {
		struct opened *o = v;

		o->tick_ms = o->touched ? NEVER : o->tick_ms;
		if (o->touched)
			r = kith_group_tick(o->g, e->t, e->now, &e->changes, &o->tick_ms);
	}
	return r;
}

static int
settle(struct kith_engine *e)
{
	size_t it = 0;
	void *v;
	int r = KITH_OK;

	while (r == KITH_OK && kith_map_next(e->open, &it, NULL, &v)) {
		struct opened *o = v;

		if (!o->touched)
			continue;
		r = kith_group_sign_tips(o->g, e->t);
		if (r != KITH_OK || !kith_group_is_held(o->g))
			continue;
		r = kith_group_flush(o->g, e->t);
		if (r == KITH_OK && !o->listed) {
			r = kith_vec_push(&e->held, o->id);
			o->listed = true;
		}
	}
	return r;
}

int
kith_engine_end(struct kith_engine *e, struct kith_now now, struct kith_out *out)
{
	int r;

	e->now = now;
	e->out = out;
	/* first whatever may still write, then what tells of it */
	r = fed_tick(e);
	if (r == KITH_OK)
		r = due(e);
	if (r == KITH_OK)
		r = tick_touched(e);
	if (r == KITH_OK)
		r = notice(e);
	if (r == KITH_OK)
		r = settle(e);
	if (r == KITH_OK)
		r = look_at_files(e);
	if (r == KITH_OK)
		r = kith_fed_push(e->fed, e->t, now, &e->changes, out);
	if (r == KITH_OK)
		r = engine_wants_go(e);
	if (r == KITH_OK)
		r = engine_presence_links(e);
	if (r == KITH_OK)
		r = engine_rechannel(e);
	if (r == KITH_OK)
		r = engine_tell_clients(e);
	close_some(e);
	/* something may fall due earlier than what we wait for */
	if (e->t->changes[KITH_T_DUE] > 0)
		e->due_wall_ms = 0;
	e->t = NULL;
	e->out = NULL;
	if (e->failed != KITH_OK)
		return e->failed;
	return out->failed ? KITH_E_NOMEM : r;
}

uint64_t
kith_engine_deadline_ms(const struct kith_engine *e)
{
	uint64_t fed = kith_fed_deadline_ms(e->fed), next = fed < e->arrival_ms ? fed : e->arrival_ms;
	size_t it = 0;
	void *v;

	while (kith_map_next(e->open, &it, NULL, &v)) {
		if (((struct opened *)v)->tick_ms < next)
			next = ((struct opened *)v)->tick_ms;
	}
	if (e->who_ms < next)
		next = e->who_ms;
	if (e->due_wall_ms != NEVER) {
		uint64_t in = e->due_wall_ms > e->now.wall_ms ? e->due_wall_ms - e->now.wall_ms : 0;

		/* the wall clock may be set meanwhile: look at least once a minute */
		in = in > 60000 ? 60000 : in;
		if (e->now.mono_ms + in < next)
			next = e->now.mono_ms + in;
	}
	return next;
}
