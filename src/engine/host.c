#include "engine/inner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/b32.h"
#include "client/common.h"
#include "id/node.h"
#include "wire/mp.h"

/*
 * The engine between its two halves: what clients' calls want of other nodes
 * goes to federation, what other nodes send for people goes to client.
 */

#define ASK_MS 10000
#define PENDING_MAX 1024
#define ARRIVALS_OF_ONE 64              /* node */
#define ARRIVAL_RETRY_MS 30000
#define NEVER UINT64_MAX

/* ---- replies, now and later ---- */

void
engine_reply(struct kith_engine *e, uint64_t conn, uint64_t number, int err, struct kith_call *c)
{
	struct kith_output *o = kith_out_add(e->out, KITH_OUT_REPLY);
	struct kith_buf b;

	if (o == NULL)
		return;
	o->conn = conn;
	o->number = number;
	o->err = err;
	kith_buf_init(&b, 0);
	if (err == KITH_OK && c->result->n > 0) {
		kith_output_bytes(e->out, o, kith_buf_slice(c->result));
	} else if (err == KITH_OK) {
		kith_mp_put_map(&b, 0);
		kith_output_bytes(e->out, o, kith_buf_slice(&b));
	} else {
		/* {"name": ...} beside the sentence */
		kith_mp_put_map(&b, 1);
		kith_mp_put_cstr(&b, "name");
		kith_mp_put_cstr(&b, c->err_name != NULL ? c->err_name : kith_err_name(err));
		kith_output_bytes(e->out, o, kith_buf_slice(&b));
		kith_output_text(e->out, o, c->why[0] != '\0' ? c->why : "that did not work");
	}
	if (kith_buf_err(&b) != KITH_OK)
		e->out->failed = true;
	kith_buf_fini(&b);
}

void
engine_pending_free(struct pending *p)
{
	if (p->params != NULL)
		kith_wipe(p->params, p->n_params);
	free(p->params);
	memset(p, 0, sizeof(*p));
}

static int
put_aside(struct kith_engine *e, const struct kith_call *c, const struct kith_id *group, uint64_t ask)
{
	struct pending p;

	if (e->pending.n >= PENDING_MAX)
		return KITH_E_BUSY;
	memset(&p, 0, sizeof(p));
	p.conn = c->conn;
	p.number = c->token;
	p.ask = ask;
	p.m = c->m;
	if (group != NULL)
		p.group = *group;
	p.has_session = c->session != NULL;
	if (p.has_session)
		p.session = *c->session;
	memcpy(p.address, c->address, sizeof(p.address));
	p.params = malloc(c->params.n > 0 ? c->params.n : 1);
	if (p.params == NULL)
		return KITH_E_NOMEM;
	memcpy(p.params, c->params.p, c->params.n);
	p.n_params = c->params.n;
	if (kith_vec_push(&e->pending, p) != KITH_OK) {
		engine_pending_free(&p);
		return KITH_E_NOMEM;
	}
	return KITH_OK;
}

/* Takes the i-th waiting call up again. */
static void
resume(struct kith_engine *e, size_t i, int err, struct kith_slice answer)
{
	struct pending p = e->pending.v[i];
	struct kith_args args;
	struct kith_buf result;
	struct kith_call c;
	int r;

	e->pending.v[i] = e->pending.v[--e->pending.n];
	engine_call_init(e, &c, &result);
	c.m = p.m;
	c.session = p.has_session ? &p.session : NULL;
	c.args = &args;
	c.conn = p.conn;
	c.token = p.number;
	c.params = kith_slice_of(p.params, p.n_params);
	memcpy(c.address, p.address, sizeof(c.address));
	r = kith_args_parse(c.m, c.params, &args, c.why, sizeof(c.why));
	if (r == KITH_OK && p.has_session && !kith_session_is_open(e->t, &p.session.id))
		r = kith_fail(&c, KITH_E_DENIED, "unauthorized", "this session has ended: sign in again");
	if (r == KITH_OK)
		r = p.ask != 0 ? kith_call_answered(&c, err, answer) : kith_call_fetched(&c, &p.group, err);
	if (r == KITH_OK)
		r = kith_buf_err(&result);
	engine_note(e, r);
	if (r != KITH_PENDING && !engine_is_fatal(r))
		engine_reply(e, p.conn, p.number, r, &c);
	kith_buf_fini(&result);
	engine_pending_free(&p);
}

/* ---- what client wants ---- */

static struct kith_group *
c_group(void *ctx, struct kith_txn *t, const struct kith_id *id)
{
	struct kith_group *g = engine_group(ctx, id, false);

	(void)t;
	return g != NULL && kith_group_is_held(g) ? g : NULL;
}

static int
c_adopt(void *ctx, struct kith_group *g)
{
	struct kith_engine *e = ctx;
	struct opened *o = calloc(1, sizeof(*o));
	int r;

	if (o == NULL)
		return KITH_E_NOMEM;
	o->g = g;
	o->id = *kith_group_id(g);
	o->touched = true;
	o->used_ms = e->now.mono_ms;
	o->tick_ms = NEVER;
	r = kith_map_put(e->open, kith_id_slice(&o->id), o, NULL);
	if (r != KITH_OK)
		free(o);
	return r;
}

static struct kith_changes *
c_changes(void *ctx)
{
	return &((struct kith_engine *)ctx)->changes;
}

static void
c_session_over(void *ctx, const struct kith_id *session)
{
	struct kith_engine *e = ctx;
	size_t it = 0;
	void *v;

	while (kith_map_next(e->conns, &it, NULL, &v)) {
		struct conn *cn = v;
		struct kith_output *o;

		if (!kith_id_eq(&cn->session.id, session))
			continue;
		o = kith_out_add(e->out, KITH_OUT_DROP);
		if (o != NULL) {
			o->conn = cn->conn;
			kith_output_text(e->out, o, "this session has ended");
		}
	}
}

static void
c_erase_file(void *ctx, const struct kith_id *file)
{
	struct kith_output *o = kith_out_add(((struct kith_engine *)ctx)->out, KITH_OUT_ERASE);

	if (o != NULL)
		o->channel = *file;
}

static void
c_send_mail(void *ctx, const char *to, const char *subject, const char *text)
{
	struct kith_engine *e = ctx;
	struct kith_output *o = kith_out_add(e->out, KITH_OUT_MAIL);
	struct kith_buf b;

	if (o == NULL)
		return;
	kith_buf_init(&b, 0);
	kith_buf_put(&b, subject, strlen(subject) + 1);
	kith_buf_put(&b, text, strlen(text) + 1);
	kith_output_text(e->out, o, to);
	if (kith_buf_err(&b) == KITH_OK)
		kith_output_bytes(e->out, o, kith_buf_slice(&b));
	kith_buf_fini(&b);
}

static int
c_read_file(void *ctx, const struct kith_id *file, uint64_t from, uint8_t *p, size_t *n)
{
	const struct kith_file_source *s = &((struct kith_engine *)ctx)->conf.files;

	return s->read != NULL ? s->read(s->ctx, file, from, p, n) : KITH_E_NOTFOUND;
}

static int
c_fetch_group(void *ctx, struct kith_call *c, const struct kith_id *group, const struct kith_link *link, const struct kith_id *via)
{
	struct kith_engine *e = ctx;
	int r = put_aside(e, c, group, 0);

	if (r != KITH_OK)
		return r;
	r = kith_fed_fetch_group(e->fed, e->t, e->now, group, link, via, e->out);
	if (r != KITH_OK) {
		for (size_t i = 0; i < e->pending.n; i++) {
			if (e->pending.v[i].conn == c->conn && e->pending.v[i].number == c->token) {
				engine_pending_free(&e->pending.v[i]);
				e->pending.v[i] = e->pending.v[--e->pending.n];
				break;
			}
		}
	}
	return r;
}

static int
c_ask(void *ctx, struct kith_call *c, const struct kith_id *node, uint32_t kind, struct kith_slice payload)
{
	struct kith_engine *e = ctx;
	uint64_t ask = ++e->next_ask;
	int r = put_aside(e, c, NULL, ask);

	if (r != KITH_OK)
		return r;
	return kith_fed_ask(e->fed, e->t, e->now, node, kind, payload, ASK_MS, ask, e->out);
}

static int
c_meet(void *ctx, struct kith_call *c, const char *address)
{
	struct kith_engine *e = ctx;

	(void)c;
	return kith_fed_meet(e->fed, e->t, e->now, address, e->out);
}

static int
c_mail(void *ctx, struct kith_call *c, const struct kith_id *node, uint32_t kind, struct kith_slice payload)
{
	struct kith_engine *e = ctx;

	(void)c;
	return kith_fed_mail(e->fed, e->t, e->now, node, kind, payload, e->out);
}

static int
c_ephemeral(void *ctx, struct kith_call *c, const struct kith_id *group, const struct kith_id *panel, struct kith_slice payload)
{
	struct kith_engine *e = ctx;

	(void)c;
	engine_tell_fleeting(e, &e->self.node, payload);
	return kith_fed_ephemeral(e->fed, e->t, e->now, group, panel, NULL, payload, e->out);
}

static int
c_presence(void *ctx, const struct kith_id *uid, struct kith_slice state)
{
	return engine_presence_say(ctx, uid, state);
}

static int
c_present(void *ctx, struct kith_group *g, const struct kith_id *viewer, struct kith_buf *out)
{
	return engine_presence_list(ctx, g, viewer, out);
}

static int
c_want_history(void *ctx, struct kith_call *c, const struct kith_id *group, const struct kith_id *panel, uint64_t before_clock, uint32_t limit)
{
	struct kith_engine *e = ctx;
	struct want w = { *group, *panel, before_clock, limit };

	(void)c;
	return kith_vec_push(&e->wants, w);
}

int
engine_wants_go(struct kith_engine *e)
{
	int r = KITH_OK;

	for (size_t i = 0; r == KITH_OK && i < e->wants.n; i++) {
		const struct want *w = &e->wants.v[i];

		r = kith_fed_want_history(e->fed, e->t, e->now, &w->group, &w->panel, w->before, w->limit, e->out);
		if (!engine_is_fatal(r))
			r = KITH_OK;
	}
	e->wants.n = 0;
	return r;
}

static bool
begins(struct kith_slice whole, struct kith_slice start)
{
	return start.n <= whole.n && memcmp(whole.p, start.p, start.n) == 0;
}

/* By the label of a linked node, else by the start of a node id. The label of this node is this node. */
static int
c_node_named(void *ctx, struct kith_txn *t, struct kith_slice name, struct kith_id *out)
{
	struct kith_engine *e = ctx;
	struct kith_peer_info p;
	struct kith_id lo, hi;
	size_t it = 0, found = 0;

	(void)t;
	if (kith_slice_is(name, e->conf.node.name)) {
		*out = e->self.node;
		return KITH_OK;
	}
	while (kith_fed_peer_next(e->fed, &it, &p)) {
		char text[KITH_ID_STR];

		if (kith_slice_is(name, p.name) || (name.n >= 6 && begins(kith_slice_str(kith_id_str(&p.node, text)), name))) {
			if (found++ > 0 && !kith_id_eq(out, &p.node))
				return KITH_E_EXISTS;
			*out = p.node;
		}
	}
	if (found > 0)
		return KITH_OK;
	if (name.n >= 6 && kith_id_prefix_range(name, &lo, &hi) == KITH_OK && kith_id_cmp(&lo, &e->self.node) <= 0 &&
	    kith_id_cmp(&e->self.node, &hi) <= 0) {
		*out = e->self.node;
		return KITH_OK;
	}
	return KITH_E_NOTFOUND;
}

static bool
group_next(void *ctx, size_t *it, struct kith_id *id)
{
	struct kith_engine *e = ctx;

	if (*it >= e->held.n)
		return false;
	*id = e->held.v[(*it)++];
	return true;
}

static int
c_tell(void *ctx, const struct kith_id *uid, const char *method, struct kith_slice params)
{
	return engine_tell_person(ctx, uid, method, params);
}

static bool
c_linked(void *ctx, const struct kith_id *node, uint64_t *rtt_ms)
{
	struct kith_peer_info p;
	size_t it = 0;

	while (kith_fed_peer_next(((struct kith_engine *)ctx)->fed, &it, &p)) {
		if (!kith_id_eq(&p.node, node))
			continue;
		*rtt_ms = p.rtt_ms;
		return p.linked;
	}
	return false;
}

static bool
c_new_person(void *ctx, const struct kith_id *node)
{
	struct kith_engine *e = ctx;

	return kith_fed_new_person(e->fed, node, e->now.mono_ms);
}

static void
c_held_by(void *ctx, struct kith_txn *t, const struct kith_id *group, const struct kith_id *record, uint32_t *n, uint32_t *m)
{
	kith_fed_held_by(((struct kith_engine *)ctx)->fed, t, group, record, n, m);
}

/* ---- being let in, also across a restart: META 'L', group, uid -> from ---- */

static void
arrival_key(const struct kith_id *group, const struct kith_id *uid, uint8_t key[65])
{
	key[0] = 'L';
	memcpy(key + 1, group->b, 32);
	memcpy(key + 33, uid->b, 32);
}

int
engine_arrivals_load(struct kith_engine *e)
{
	struct kith_cursor *c = NULL;
	struct kith_slice k, v;
	struct arrival a;
	int r = kith_cursor_open(e->t, KITH_T_META, &c);

	e->arrival_ms = NEVER;
	if (r != KITH_OK)
		return r;
	for (r = kith_cursor_seek(c, kith_slice_of("L", 1), false, &k, &v); r == KITH_OK; r = kith_cursor_step(c, false, &k, &v)) {
		if (k.n != 65 || k.p[0] != 'L' || v.n != KITH_ID_BYTES)
			break;
		memset(&a, 0, sizeof(a));
		memcpy(a.group.b, k.p + 1, 32);
		memcpy(a.uid.b, k.p + 33, 32);
		memcpy(a.from.b, v.p, 32);
		if (kith_vec_push(&e->arrivals, a) != KITH_OK) {
			r = KITH_E_NOMEM;
			break;
		}
		e->arrival_ms = 0;
	}
	kith_cursor_close(c);
	return r == KITH_E_NOTFOUND ? KITH_OK : r;
}

static int
c_let_in(void *ctx, struct kith_call *c, const struct kith_id *group, const struct kith_id *uid, const struct kith_id *from)
{
	struct kith_engine *e = ctx;
	struct arrival a;
	size_t of_one = 0;
	uint8_t key[65];
	int r;

	(void)c;
	memset(&a, 0, sizeof(a));
	a.group = *group;
	a.uid = *uid;
	a.from = *from;
	for (size_t i = 0; i < e->arrivals.n; i++) {
		if (kith_id_eq(&e->arrivals.v[i].group, group) && kith_id_eq(&e->arrivals.v[i].uid, uid))
			return KITH_OK;
		of_one += kith_id_eq(&e->arrivals.v[i].from, from);
	}
	if (e->arrivals.n >= PENDING_MAX || of_one >= ARRIVALS_OF_ONE)
		return KITH_E_BUSY;
	arrival_key(group, uid, key);
	r = kith_txn_put(e->t, KITH_T_META, kith_slice_of(key, sizeof(key)), kith_id_slice(from));
	if (r == KITH_OK)
		r = kith_vec_push(&e->arrivals, a);
	e->arrival_ms = 0;
	return r;
}

static int
arrive(struct kith_engine *e, size_t i, bool over)
{
	struct arrival a = e->arrivals.v[i];
	struct kith_buf result;
	struct kith_call c;
	uint8_t key[65];
	int r = KITH_OK;

	if (!over) {
		engine_call_init(e, &c, &result);
		r = kith_let_in(&c, &a.group, &a.uid);
		kith_buf_fini(&result);
		if (engine_is_fatal(r))
			return r;
		/* the word that lets us in may still be on its way */
		if (r == KITH_E_MISSING || r == KITH_E_BUSY || r == KITH_E_NOTFOUND)
			return KITH_OK;
	}
	arrival_key(&a.group, &a.uid, key);
	e->arrivals.v[i] = e->arrivals.v[--e->arrivals.n];
	r = kith_txn_del(e->t, KITH_T_META, kith_slice_of(key, sizeof(key)));
	return r == KITH_E_NOTFOUND ? KITH_OK : r;
}

/*
 * Is enough of a group here to come in by what is here? A node that is in it hears
 * all of it; else the roster must name who let us in, or nobody in the group would
 * find the other.
 */
static bool
is_here(struct kith_engine *e, const struct arrival *a)
{
	struct kith_group *g = engine_group(e, &a->group, false);
	struct kith_group_node n;
	size_t it = 0;

	if (g == NULL || !kith_group_is_held(g))
		return false;
	while (kith_group_node_next(g, &it, &n)) {
		if (kith_id_eq(&n.node, &a->from) || (kith_id_eq(&n.node, &e->self.node) && n.members > 0))
			return true;
	}
	return false;
}

int
engine_arrivals_go(struct kith_engine *e)
{
	uint64_t next = NEVER;
	int r = KITH_OK;

	for (size_t i = e->arrivals.n; r == KITH_OK && i > 0; i--) {
		struct arrival *a = &e->arrivals.v[i - 1];

		if (e->now.mono_ms < a->retry_ms)
			continue;
		if (is_here(e, a)) {
			a->retry_ms = e->now.mono_ms + 1000;
			r = arrive(e, i - 1, false);
			continue;
		}
		a->retry_ms = e->now.mono_ms + ARRIVAL_RETRY_MS;
		r = kith_fed_fetch_group(e->fed, e->t, e->now, &a->group, NULL, &a->from, e->out);
		if (!engine_is_fatal(r))
			r = KITH_OK;
	}
	for (size_t i = 0; i < e->arrivals.n; i++) {
		if (e->arrivals.v[i].retry_ms < next)
			next = e->arrivals.v[i].retry_ms;
	}
	e->arrival_ms = next;
	return r;
}

/* ---- what federation wants ---- */

static struct kith_group *
f_group(void *ctx, struct kith_txn *t, const struct kith_id *id, bool create)
{
	(void)t;
	return engine_group(ctx, id, create);
}

static int
f_mail(void *ctx, struct kith_txn *t, struct kith_now now, const struct kith_id *from, uint32_t kind, struct kith_slice payload)
{
	static const struct kith_mp_limits lim = { .depth = 6, .values = 256, .nil = false };
	struct kith_engine *e = ctx;
	struct kith_buf result;
	struct kith_call c;
	int r;

	(void)t;
	(void)now;
	if (kith_mp_check(payload, &lim) != KITH_OK)
		return KITH_E_DENIED;
	engine_call_init(e, &c, &result);
	r = kith_client_mail(&c, from, kind, payload);
	kith_buf_fini(&result);
	engine_note(e, r);
	return r == KITH_OK || r == KITH_E_BUSY ? r : KITH_E_DENIED;
}

static int
f_question(void *ctx, struct kith_txn *t, struct kith_now now, const struct kith_id *from, uint32_t kind, struct kith_slice payload,
    struct kith_buf *answer)
{
	static const struct kith_mp_limits lim = { .depth = 6, .values = 256, .nil = false };
	struct kith_engine *e = ctx;
	struct kith_buf result;
	struct kith_call c;
	int r;

	(void)t;
	(void)now;
	if (kith_mp_check(payload, &lim) != KITH_OK)
		return KITH_E_DENIED;
	engine_call_init(e, &c, &result);
	r = kith_client_question(&c, from, kind, payload);
	if (r == KITH_OK)
		kith_buf_put_slice(answer, kith_buf_slice(&result));
	kith_buf_fini(&result);
	engine_note(e, r);
	return r;
}

static void
f_answer(void *ctx, struct kith_txn *t, struct kith_now now, uint64_t token, int err, struct kith_slice payload)
{
	struct kith_engine *e = ctx;

	(void)t;
	(void)now;
	for (size_t i = 0; i < e->pending.n; i++) {
		if (e->pending.v[i].ask == token) {
			resume(e, i, err, payload);
			return;
		}
	}
}

static void
f_ephemeral(void *ctx, struct kith_txn *t, struct kith_now now, const struct kith_id *from, struct kith_slice payload)
{
	(void)t;
	(void)now;
	engine_tell_fleeting(ctx, from, payload);
}

static void
f_fetched(void *ctx, struct kith_txn *t, struct kith_now now, const struct kith_id *group, int err)
{
	struct kith_engine *e = ctx;
	struct opened *o = kith_map_get(e->open, kith_id_slice(group));

	(void)t;
	(void)now;
	if (err == KITH_OK && o != NULL && kith_group_is_held(o->g) && !o->listed) {
		if (kith_vec_push(&e->held, *group) != KITH_OK) {
			engine_note(e, KITH_E_NOMEM);
			return;
		}
		o->listed = true;
	}
	for (size_t i = e->pending.n; i > 0; i--) {
		if (i <= e->pending.n && e->pending.v[i - 1].ask == 0 && kith_id_eq(&e->pending.v[i - 1].group, group))
			resume(e, i - 1, err, kith_slice_of(NULL, 0));
	}
	for (size_t i = e->arrivals.n; i > 0; i--) {
		if (kith_id_eq(&e->arrivals.v[i - 1].group, group) && err == KITH_OK)
			engine_note(e, arrive(e, i - 1, false));
	}
}

void
engine_hosts(struct kith_engine *e)
{
	e->client_host = (struct kith_client_host){
		.ctx = e, .group = c_group, .adopt = c_adopt, .changes = c_changes,
		.session_over = c_session_over, .fetch_group = c_fetch_group, .ask = c_ask, .meet = c_meet, .let_in = c_let_in,
		.group_next = group_next, .mail = c_mail, .ephemeral = c_ephemeral, .presence = c_presence, .present = c_present, .want_history = c_want_history,
		.node_named = c_node_named, .tell = c_tell, .linked = c_linked, .new_person = c_new_person, .held_by = c_held_by, .send_mail = c_send_mail, .read_file = c_read_file, .erase_file = c_erase_file,
	};
	e->fed_host = (struct kith_fed_host){
		.ctx = e, .group = f_group, .group_next = group_next, .changes = c_changes, .mail = f_mail, .question = f_question,
		.answer = f_answer, .ephemeral = f_ephemeral, .fetched = f_fetched,
	};
}
