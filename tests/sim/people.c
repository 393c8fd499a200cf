#include <string.h>

#include "base/b32.h"
#include "client/account.h"
#include "client/json.h"
#include "tests/sim/inner.h"
#include "tests/sim/plant.h"
#include "wire/mp.h"

const char *world_error(const struct world *w) { return w->name; }
const char *world_why(const struct world *w) { return w->why; }
size_t world_waiting(const struct world *w) { return w->asked.n; }

static json_t *
to_json(struct kith_slice mp)
{
	struct kith_buf json;
	json_t *j;

	kith_buf_init(&json, 0);
	MUST(kith_mp_to_json(mp, &json) == KITH_OK);
	j = json_loadb((const char *)json.p, json.n, 0, NULL);
	MUST(j != NULL);
	kith_buf_fini(&json);
	return j;
}

static void
error_name(struct kith_slice bytes, char *out, size_t n)
{
	struct kith_mp_reader r;
	struct kith_slice s;

	kith_mp_read(&r, kith_mp_find(bytes, "name"));
	s = kith_mp_str(&r);
	snprintf(out, n, "%.*s", (int)s.n, (const char *)s.p);
}

void
people_reply(struct world *w, uint64_t number, int err, struct kith_slice bytes, const char *why)
{
	for (size_t i = 0; i < w->asked.n; i++) {
		struct asked a = w->asked.v[i];
		char name[64];
		json_t *result;

		if (a.number != number)
			continue;
		if (plant(PLANT_LOSE_ANSWER) && number % 64 == 0)
			return;
		w->asked.v[i] = w->asked.v[--w->asked.n];
		if (err != KITH_OK) {
			error_name(bytes, name, sizeof(name));
			a.fn(a.ctx, number, name, why, NULL);
			return;
		}
		result = to_json(bytes);
		a.fn(a.ctx, number, "", "", result);
		json_decref(result);
		return;
	}
}

void
people_crashed(struct world *w, int node)
{
	for (size_t i = 0; i < w->asked.n;) {
		struct asked a = w->asked.v[i];

		if (a.node != node) {
			i++;
			continue;
		}
		w->asked.v[i] = w->asked.v[--w->asked.n];
		a.fn(a.ctx, a.number, "crashed", "", NULL);
	}
}

static bool
answered(struct world *w, void *arg)
{
	(void)arg;
	return w->answered;
}

/* A client's write as the engine gets it; the caller frees mp. */
static void
call_input(struct world *w, const struct person *p, const struct kith_method *m, const json_t *params, struct kith_buf *mp, struct kith_in *in)
{
	static const uint8_t pw_hash[KITH_PW_HASH] = { 1 };
	char *text = json_dumps(params, JSON_COMPACT), why[256];

	kith_buf_init(mp, 0);
	MUST(text != NULL && kith_json_to_mp(kith_slice_str(text), mp, why, sizeof(why)) == KITH_OK);
	free(text);
	memset(in, 0, sizeof(*in));
	in->kind = KITH_IN_CALL;
	in->conn = 1;
	in->number = w->next_request++;
	in->method = m;
	in->params = kith_buf_slice(mp);
	if (p != NULL) {
		in->session = p->session;
		in->has_session = true;
	}
	in->pw.given = m->password;
	in->pw.t = in->pw.old_t = KITH_PW_T;
	memcpy(in->pw.hash, pw_hash, sizeof(pw_hash));
	memcpy(in->pw.old_hash, pw_hash, sizeof(pw_hash));
}

uint64_t
world_ask(struct world *w, const struct person *p, const char *method, json_t *take_params, world_reply_fn fn, void *ctx)
{
	const struct kith_method *m = kith_method_find(kith_slice_str(method));
	struct asked a = { .node = p->node, .fn = fn, .ctx = ctx };
	struct kith_buf mp;
	struct kith_in in;

	MUST(m != NULL && m->write);
	call_input(w, p, m, take_params, &mp, &in);
	json_decref(take_params);
	a.number = in.number;
	MUST(kith_vec_push(&w->asked, a) == KITH_OK);
	world_input(w, p->node, &in);
	kith_buf_fini(&mp);
	return a.number;
}

/* In a snapshot, as a reactor does it. */
static void
read_call(struct world *w, int node, const struct person *p, const struct kith_method *m, struct kith_slice params)
{
	struct kith_node_conf conf = world_node_conf(w, node);
	struct kith_args args;
	struct kith_call c;

	memset(&c, 0, sizeof(c));
	c.m = m;
	c.env = &w->env;
	c.conf = &conf;
	c.now = world_clock(w, node);
	c.session = p != NULL ? &p->session : NULL;
	c.args = &args;
	c.result = &w->answer;
	c.arena = kith_arena_new(4u << 20);
	kith_buf_reset(&w->answer);
	MUST(kith_store_begin(w->node[node].store, false, &c.t) == KITH_OK);
	plant_reading(true);
	w->err = kith_args_parse(m, params, &args, c.why, sizeof(c.why));
	if (w->err == KITH_OK)
		w->err = m->run(&c);
	plant_reading(false);
	kith_txn_abort(c.t);
	kith_arena_free(c.arena);
	if (w->err != KITH_OK) {
		snprintf(w->name, sizeof(w->name), "%s", c.err_name != NULL ? c.err_name : kith_err_name(w->err));
		snprintf(w->why, sizeof(w->why), "%s", c.why);
	}
}

static json_t *
call(struct world *w, int node, const struct person *p, const char *method, const json_t *params)
{
	const struct kith_method *m = kith_method_find(kith_slice_str(method));
	json_t *result = NULL;
	struct kith_buf mp;
	struct kith_in in;

	MUST(m != NULL);
	w->name[0] = w->why[0] = '\0';
	w->answered = false;
	w->err = KITH_OK;
	call_input(w, p, m, params, &mp, &in);
	if (!m->write) {
		read_call(w, node, p, m, kith_buf_slice(&mp));
	} else {
		w->request = in.number;
		world_input(w, node, &in);
		if (!world_until(w, 60000, answered, NULL)) {
			snprintf(w->name, sizeof(w->name), "never");
			w->err = KITH_E_BUSY;
		} else if (w->err != KITH_OK) {
			error_name(kith_buf_slice(&w->answer), w->name, sizeof(w->name));
		}
	}
	if (w->err == KITH_OK)
		result = to_json(kith_buf_slice(&w->answer));
	w->request = 0;
	kith_buf_fini(&mp);
	return result;
}

json_t *
world_call(struct world *w, const struct person *p, const char *method, json_t *take_params)
{
	json_t *r = call(w, p != NULL ? p->node : 0, p, method, take_params);

	json_decref(take_params);
	return r;
}

void
world_register(struct world *w, int node, const char *name, struct person *out)
{
	json_t *params = json_pack("{s:s,s:s}", "name", name, "password", "correct horse battery"), *r = call(w, node, NULL, "account.register", params);
	struct kith_txn *t;

	MUST(r != NULL);
	memset(out, 0, sizeof(*out));
	out->node = node;
	snprintf(out->uid, sizeof(out->uid), "%s", json_string_value(json_object_get(r, "uid")));
	snprintf(out->handle, sizeof(out->handle), "%s", json_string_value(json_object_get(r, "handle")));
	MUST(kith_id_parse(kith_slice_str(out->uid), &out->id) == KITH_OK);
	MUST(kith_store_begin(w->node[node].store, false, &t) == KITH_OK);
	MUST(kith_session_open(t, kith_slice_str(json_string_value(json_object_get(r, "token"))), world_clock(w, node).wall_ms, &out->session) == KITH_OK);
	kith_txn_abort(t);
	json_decref(params);
	json_decref(r);
}

void
world_connect(struct world *w, const struct person *p, uint64_t *conn)
{
	struct kith_in in;

	memset(&in, 0, sizeof(in));
	in.kind = KITH_IN_CONN_UP;
	in.conn = w->next_request++;
	in.session = p->session;
	in.has_session = true;
	if (conn != NULL)
		*conn = in.conn;
	world_input(w, p->node, &in);
}

void
world_disconnect(struct world *w, int node, uint64_t conn)
{
	struct kith_in in;

	memset(&in, 0, sizeof(in));
	in.kind = KITH_IN_CONN_DOWN;
	in.conn = conn;
	world_input(w, node, &in);
}

size_t
world_pushes(const struct world *w, int node, const char *method)
{
	const struct node *n = &w->node[node];

	for (size_t k = 0; k < n->n_pushed; k++) {
		if (strcmp(n->pushed[k].method, method) == 0)
			return n->pushed[k].n;
	}
	return 0;
}
