#include "tests/unit/daemon/house.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/json.h"
#include "tests/unit/kit.h"
#include "wire/mp.h"

struct answer {
	uint64_t number;
	int err;
	struct kith_buf bytes;
};

struct house {
	struct kith_machine *m;
	struct kith_store *store;
	struct kith_env env;
	uint64_t seed, dice, next;
	struct answer got[64];
	size_t n_got;
	char error[64];
	struct kith_port port, control;
	bool *lost;
	void (*listen)(void *arg, const struct kith_output *o);
	void *listen_arg;
};

/* kithd has one clock too */
static uint64_t clock_ms = UINT64_C(1700000000000);

static uint64_t
read_clock(void)
{
	return clock_ms;
}

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
dice(void *ctx, void *p, size_t n)
{
	struct house *h = ctx;
	struct kith_id id;

	for (size_t i = 0; i < n; i += sizeof(id)) {
		h->dice++;
		kith_hash(KITH_L_OBJECT, kith_slice_of(&h->dice, sizeof(h->dice)), &id);
		memcpy((uint8_t *)p + i, &id, n - i < sizeof(id) ? n - i : sizeof(id));
	}
}

static int
verify(void *ctx, const uint8_t pk[32], int label, struct kith_slice msg, const uint8_t sig[64])
{
	(void)ctx;
	return kith_verify(pk, (enum kith_label)label, msg, sig);
}

static void
tell_log(void *ctx, int level, const char *area, const char *text)
{
	const struct house *h = ctx;

	fprintf(stderr, "%llu house %llu %d %s: %s\n", (unsigned long long)clock_ms, (unsigned long long)h->seed, level, area, text);
}

static void
fatal(void *arg, const char *why)
{
	struct house *h = arg;

	if (h->lost != NULL) {
		*h->lost = true;
		return;
	}
	printf("# fatal: %s\n", why);
	abort();
}

static void
forget(struct house *h)
{
	while (h->n_got > 0)
		kith_buf_fini(&h->got[--h->n_got].bytes);
}

static void
look(struct house *h, const struct kith_delivery *d)
{
	for (size_t i = 0; i < d->list.n; i++) {
		const struct kith_parcel *p = &d->list.v[i];

		if (h->listen != NULL && (p->kind == KITH_PARCEL_OUTPUT || p->kind == KITH_PARCEL_PUSH))
			h->listen(h->listen_arg, &p->o);
		if (p->kind != KITH_PARCEL_OUTPUT || (p->o.kind != KITH_OUT_REPLY && p->o.kind != KITH_OUT_CONTROL))
			continue;
		if (h->n_got == sizeof(h->got) / sizeof(h->got[0]))
			forget(h);
		h->got[h->n_got].number = p->o.number;
		h->got[h->n_got].err = p->o.err;
		kith_buf_init(&h->got[h->n_got].bytes, 0);
		kith_buf_put(&h->got[h->n_got].bytes, p->o.bytes, p->o.n);
		h->n_got++;
	}
}

static int
pass_on(const struct kith_port *to, struct kith_delivery *take_d)
{
	if (to->post == NULL) {
		kith_delivery_free(take_d);
		return KITH_OK;
	}
	take_d->to = to->arg;
	return to->post(to->arg, take_d);
}

static int
post(void *arg, struct kith_delivery *take_d)
{
	struct house *h = arg;

	look(h, take_d);
	return pass_on(&h->port, take_d);
}

static int
post_control(void *arg, struct kith_delivery *take_d)
{
	struct house *h = arg;

	look(h, take_d);
	return pass_on(&h->control, take_d);
}

static char **
list_of(const char *one)
{
	char **v = calloc(2, sizeof(*v));

	must(v != NULL && (one == NULL || (v[0] = strdup(one)) != NULL));
	return v;
}

static struct kith_identity *
identity(const struct house_conf *conf)
{
	struct kith_identity *id = calloc(1, sizeof(*id));
	uint8_t seed[KITH_SEED_BYTES] = { 1, (uint8_t)conf->seed };

	must(id != NULL);
	if (conf->take_keys != NULL) {
		id->keys = *conf->take_keys;
		memset(conf->take_keys, 0, sizeof(*conf->take_keys));
	} else {
		must(kith_signer_from_seed(seed, &id->keys.root) == KITH_OK);
		seed[0] = 2;
		must(kith_signer_from_seed(seed, &id->keys.sign) == KITH_OK);
		id->keys.cert_pk[0] = 9;
		id->keys.cert_pk[1] = (uint8_t)conf->seed;
	}
	id->address = list_of(conf->address);
	id->n_address = conf->address != NULL;
	id->peer = list_of(conf->peer);
	id->n_peer = conf->peer != NULL;
	snprintf(id->name, sizeof(id->name), "house");
	snprintf(id->conf.node.name, sizeof(id->conf.node.name), "house");
	snprintf(id->conf.node.url, sizeof(id->conf.node.url), "http://127.0.0.1:7370");
	memcpy(id->conf.node.seal_key, id->keys.seal, sizeof(id->conf.node.seal_key));
	memcpy(id->conf.next_root_pk, id->keys.next_root_pk, sizeof(id->conf.next_root_pk));
	id->conf.node.registration = KITH_REG_OPEN;
	id->conf.fed.name = id->name;
	id->conf.fed.full_copies = true;        /* the default of kithd */
	id->conf.fed.peer = (const char *const *)id->peer;
	id->conf.fed.n_peers = id->n_peer;
	id->conf.fed.address = id->conf.node.address = (const char *const *)id->address;
	id->conf.fed.n_addresses = id->conf.node.n_addresses = id->n_address;
	id->conf.root = id->keys.root;
	id->conf.sign = id->keys.sign;
	id->conf.cert_pk = (const uint8_t (*)[32])&id->keys.cert_pk;
	id->conf.n_cert_pk = 1;
	return id;
}

struct house *
house_new(const struct house_conf *conf, struct kith_diag *why)
{
	struct house *h = calloc(1, sizeof(*h));
	struct kith_machine_conf mc = { .store = conf->store, .lmdb = conf->lmdb, .fatal = fatal, .mono_ms = read_clock, .wall_ms = read_clock };
	struct kith_port ports[2];

	must(h != NULL);
	(void)kit_env();
	h->store = conf->store;
	h->port = conf->port;
	h->lost = conf->lost;
	mc.arg = h;
	h->control = conf->control;
	h->seed = conf->seed;
	h->dice = conf->seed << 32;
	h->next = 1;
	h->env = (struct kith_env){ .ctx = h, .random = dice, .verify = verify };
	if (getenv("KITH_HOUSE_LOG") != NULL)
		h->env.log = tell_log;
	ports[0] = (struct kith_port){ post, h };
	ports[1] = (struct kith_port){ post_control, h };
	mc.env = &h->env;
	mc.ports = ports;
	mc.n_ports = 2;
	mc.take_identity = identity(conf);
	if (kith_machine_new(&mc, &h->m, why) == KITH_OK)
		return h;
	free(h);
	return NULL;
}

void
house_free(struct house *h)
{
	if (h == NULL)
		return;
	kith_machine_free(h->m);
	forget(h);
	free(h);
}

void
house_pass(uint64_t ms)
{
	clock_ms += ms;
}

uint64_t
house_now_ms(void)
{
	return clock_ms;
}

int
house_session(struct house *h, const char *token, struct kith_session *out)
{
	struct kith_txn *t;
	int r = kith_store_begin(h->store, false, &t);

	if (r != KITH_OK)
		return r;
	r = kith_session_open(t, kith_slice_str(token), clock_ms, out);
	kith_txn_abort(t);
	return r;
}

static void
to_mp(json_t *params, struct kith_buf *out)
{
	char *text = json_dumps(params, JSON_COMPACT), why[256];

	must(text != NULL && kith_json_to_mp(kith_slice_str(text), out, why, sizeof(why)) == KITH_OK);
	free(text);
}

uint64_t
house_ask(struct house *h, const struct kith_session *s, const char *method, json_t *take_params)
{
	struct kith_in in = { .kind = KITH_IN_CALL, .method = kith_method_find(kith_slice_str(method)), .number = h->next++, .conn = 1 };
	struct kith_buf mp;

	must(in.method != NULL && in.method->write);
	kith_buf_init(&mp, 0);
	to_mp(take_params, &mp);
	in.params = kith_buf_slice(&mp);
	if (in.method->password) {      /* what it costs is the edge's affair */
		in.pw.given = true;
		in.pw.t = KITH_PW_T;
		in.pw.m_kib = KITH_PW_M_KIB;
		memset(in.pw.hash, 7, sizeof(in.pw.hash));
	}
	if (s != NULL) {
		in.session = *s;
		in.has_session = true;
	}
	must(kith_machine_submit(h->m, &in, 1) == KITH_OK);
	kith_buf_fini(&mp);
	json_decref(take_params);
	return in.number;
}

void
house_turn(struct house *h)
{
	kith_machine_turn(h->m);
}

static const struct answer *
find(const struct house *h, uint64_t number)
{
	for (size_t i = 0; i < h->n_got; i++)
		if (h->got[i].number == number)
			return &h->got[i];
	return NULL;
}

static json_t *
from_mp(struct kith_slice mp)
{
	struct kith_buf text;
	json_t *j;

	kith_buf_init(&text, 0);
	must(kith_mp_to_json(mp, &text) == KITH_OK);
	j = json_loadb((const char *)text.p, text.n, 0, NULL);
	must(j != NULL);
	kith_buf_fini(&text);
	return j;
}

json_t *
house_answer(struct house *h, uint64_t number)
{
	const struct answer *a = find(h, number);
	struct kith_mp_reader r;
	struct kith_slice name;

	h->error[0] = '\0';
	if (a == NULL) {
		snprintf(h->error, sizeof(h->error), "no answer");
		return NULL;
	}
	if (a->err == KITH_OK)
		return from_mp(kith_buf_slice(&a->bytes));
	kith_mp_read(&r, kith_mp_find(kith_buf_slice(&a->bytes), "name"));
	name = kith_mp_str(&r);
	snprintf(h->error, sizeof(h->error), "%.*s", (int)name.n, (const char *)name.p);
	return NULL;
}

static json_t *
read_call(struct house *h, const struct kith_session *s, const struct kith_method *m, json_t *take_params)
{
	struct kith_args args;
	struct kith_node_conf conf = { .version = "house" };
	struct kith_call c = { .m = m, .env = &h->env, .conf = &conf, .session = s, .args = &args };
	struct kith_buf mp, result;
	json_t *out = NULL;
	int r;

	kith_buf_init(&mp, 0);
	kith_buf_init(&result, 0);
	to_mp(take_params, &mp);
	c.now = (struct kith_now){ clock_ms, clock_ms };
	c.result = &result;
	c.arena = kith_arena_new(4u << 20);
	must(c.arena != NULL && kith_store_begin(h->store, false, &c.t) == KITH_OK);
	r = kith_args_parse(m, kith_buf_slice(&mp), &args, c.why, sizeof(c.why));
	if (r == KITH_OK)
		r = m->run(&c);
	kith_txn_abort(c.t);
	kith_arena_free(c.arena);
	if (r == KITH_OK)
		out = from_mp(kith_buf_slice(&result));
	else
		snprintf(h->error, sizeof(h->error), "%s", c.err_name != NULL ? c.err_name : kith_err_name(r));
	kith_buf_fini(&mp);
	kith_buf_fini(&result);
	json_decref(take_params);
	return out;
}

json_t *
house_call(struct house *h, const struct kith_session *s, const char *method, json_t *take_params)
{
	const struct kith_method *m = kith_method_find(kith_slice_str(method));
	uint64_t number;

	must(m != NULL && take_params != NULL);
	h->error[0] = '\0';
	if (!m->write)
		return read_call(h, s, m, take_params);
	number = house_ask(h, s, method, take_params);
	house_turn(h);
	return house_answer(h, number);
}

const char *
house_error(const struct house *h)
{
	return h->error;
}

void
house_connect(struct house *h, const struct kith_session *s)
{
	struct kith_in in = { .kind = KITH_IN_CONN_UP, .conn = h->next++, .session = *s, .has_session = true };

	must(kith_machine_submit(h->m, &in, 1) == KITH_OK);
	house_turn(h);
}

char *
house_control(struct house *h, const char *line)
{
	struct kith_in in = { .kind = KITH_IN_CONTROL, .text = line, .number = h->next++ };
	const struct answer *a;
	char *text;

	must(kith_machine_submit(h->m, &in, 1) == KITH_OK);
	house_turn(h);
	a = find(h, in.number);
	if (a == NULL || a->err != KITH_OK)
		return NULL;
	text = calloc(1, a->bytes.n + 1);
	must(text != NULL);
	if (a->bytes.n > 0)
		memcpy(text, a->bytes.p, a->bytes.n);
	return text;
}

struct kith_machine *
house_machine(struct house *h)
{
	return h->m;
}

void
house_listen(struct house *h, void (*fn)(void *arg, const struct kith_output *o), void *arg)
{
	h->listen = fn;
	h->listen_arg = arg;
}
