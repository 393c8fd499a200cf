#include "tests/sim/world.h"

#include <string.h>

#include <sodium.h>

#include "crypto/sign.h"
#include "id/node.h"
#include "tests/sim/inner.h"
#include "tests/sim/plant.h"

#define RESTART_MS 2000                 /* after a node that died of its disk, as its service manager has it */
#define FULL_RETRY_MS 5000

/* ---- what the core asks of the world ---- */

static void
random_bytes(void *ctx, void *p, size_t n)
{
	dice_fill(&((struct world *)ctx)->dice, p, n);
}

static int
verify(void *ctx, const uint8_t pk[32], int label, struct kith_slice msg, const uint8_t sig[64])
{
	return memo_verify(((struct world *)ctx)->memo, pk, label, msg, sig);
}

static void
say(void *ctx, int level, const char *area, const char *text)
{
	static int loud = -1;

	if (loud < 0)
		loud = getenv("KITH_SIM_LOG") != NULL;
	if (loud && level >= 2)
		fprintf(stderr, "# %llu %s: %s\n", (unsigned long long)((struct world *)ctx)->now_ms, area, text);
}

struct kith_now
world_clock(const struct world *w, int node)
{
	const struct node *n = &w->node[node];
	int64_t drift = (int64_t)(w->now_ms - n->drift_from_ms) * n->drift_ppm / 1000000;

	return (struct kith_now){ w->now_ms, (uint64_t)((int64_t)(WORLD_START_WALL_MS + w->now_ms) + n->skew_ms + drift) };
}

void
world_skew(struct world *w, int node, int64_t ms)
{
	w->node[node].skew_ms = ms;
	w->node[node].drift_from_ms = w->now_ms;
}

void
world_drift(struct world *w, int node, int ppm)
{
	struct node *n = &w->node[node];

	n->skew_ms += (int64_t)(w->now_ms - n->drift_from_ms) * n->drift_ppm / 1000000;
	n->drift_ppm = ppm;
	n->drift_from_ms = w->now_ms;
}

/* ---- the world ---- */

struct world *
world_new(uint64_t seed)
{
	struct world *w = calloc(1, sizeof(*w));

	MUST(w != NULL && sodium_init() >= 0);
	dice_seed(&w->dice, seed, 1);
	dice_seed(&w->net_dice, seed, 2);
	w->delay_ms = 5;
	w->next_request = 1;
	w->memo = memo_new(16);
	w->env = (struct kith_env){ .ctx = w, .random = random_bytes, .verify = verify, .log = say };
	return w;
}

static void
input_fini(struct input *i)
{
	free(i->bytes);
	free(i->text);
}

static void
inputs_clear(struct node *n)
{
	for (size_t i = 0; i < n->inbox.n; i++)
		input_fini(&n->inbox.v[i]);
	for (size_t i = 0; i < n->batch.n; i++)
		input_fini(&n->batch.v[i]);
	n->inbox.n = n->batch.n = 0;
}

void
world_free(struct world *w)
{
	for (int i = 0; i < w->n; i++) {
		struct node *n = &w->node[i];

		if (n->txn != NULL) {
			kith_txn_abort(n->txn);
			kith_out_fini(&n->out);
		}
		inputs_clear(n);
		kith_vec_fini(&n->inbox);
		kith_vec_fini(&n->batch);
		kith_engine_free(n->engine);
		kith_store_close(n->store);
		kith_signer_free(n->root);
		kith_signer_free(n->sign);
		for (size_t k = 0; k < n->n_peers; k++)
			free(n->peers[k]);
	}
	queue_fini(&w->queue);
	for (size_t i = 0; i < w->stalled.n; i++)
		free(w->stalled.v[i].bytes);
	kith_vec_fini(&w->stalled);
	kith_vec_fini(&w->asked);
	kith_vec_fini(&w->links);
	kith_vec_fini(&w->live);
	kith_buf_fini(&w->answer);
	memo_free(w->memo);
	free(w);
}

int world_nodes(const struct world *w) { return w->n; }
const char *world_address(struct world *w, int node) { return w->node[node].address; }
struct kith_engine *world_engine(struct world *w, int node) { return w->node[node].engine; }
struct kith_store *world_store(struct world *w, int node) { return w->node[node].store; }
const struct kith_env *world_env(const struct world *w) { return &w->env; }
const struct kith_signer *world_signer(const struct world *w, int node) { return w->node[node].sign; }
const struct kith_id *world_id(const struct world *w, int node) { return &w->node[node].id; }
bool world_is_up(const struct world *w, int node) { return w->node[node].engine != NULL; }
uint64_t world_now_ms(const struct world *w) { return w->now_ms; }
uint64_t world_trace(const struct world *w) { return w->trace; }
void world_hooks(struct world *w, const struct world_hooks *h) { w->hooks = *h; }
void world_dial_only(struct world *w, int node) { w->node[node].dial_only = true; }
void world_sparse(struct world *w, int node) { w->node[node].sparse = true; }
void world_sync(struct world *w, int node, uint64_t ms) { w->node[node].sync_ms = ms; }

static void
trace(struct world *w, uint64_t a, struct kith_slice bytes)
{
	uint8_t key[16] = { 0 }, out[8];

	kith_put_be64(key, w->trace);
	kith_put_be64(key + 8, a ^ w->now_ms << 8);
	crypto_shorthash(out, bytes.p, bytes.n, key);
	w->trace = kith_get_be64(out);
}

void
world_put(struct world *w, enum event_kind kind, int node, uint64_t delay_ms)
{
	queue_put(&w->queue, (struct event){ .kind = kind, .node = node, .run = w->node[node].run, .at_ms = w->now_ms + delay_ms });
}

/* ---- batches ---- */

static void
client(struct world *w, int node, const struct kith_output *o)
{
	if (w->hooks.client != NULL)
		w->hooks.client(w->hooks.ctx, node, o);
}

static void
release(struct world *w, int from, struct kith_out *out)
{
	struct node *n = &w->node[from];
	struct link *l;
	size_t k;

	for (size_t i = 0; i < out->list.n; i++) {
		struct kith_output *o = &out->list.v[i];

		switch (o->kind) {
		case KITH_OUT_SEND:
			l = net_link(w, o->link);
			if (w->hooks.leaves != NULL && l != NULL && !w->hooks.leaves(w->hooks.ctx, from, l->end[l->end[0] == from ? 1 : 0], o->link,
			    o->type, kith_slice_of(o->bytes, o->n)))
				break;
			net_send(w, from, o->link, o->type, o->bytes, o->n);
			o->bytes = NULL;
			break;
		case KITH_OUT_CLOSE:
			l = net_link(w, o->link);
			if (l != NULL)
				net_end(w, l, -1);
			break;
		case KITH_OUT_DIAL:
			net_dial(w, from, o->text, o->number);
			break;
		case KITH_OUT_REPLY:
			if (o->number != w->request) {
				people_reply(w, o->number, o->err, kith_slice_of(o->bytes, o->n), o->text != NULL ? o->text : "");
				break;
			}
			w->answered = true;
			w->err = o->err;
			kith_buf_reset(&w->answer);
			kith_buf_put(&w->answer, o->bytes, o->n);
			snprintf(w->why, sizeof(w->why), "%s", o->text != NULL ? o->text : "");
			break;
		case KITH_OUT_PUSH:
			for (k = 0; k < n->n_pushed && strcmp(n->pushed[k].method, o->text) != 0;)
				k++;
			MUST(k < 16);
			if (k == n->n_pushed)
				snprintf(n->pushed[n->n_pushed++].method, sizeof(n->pushed[0].method), "%s", o->text);
			n->pushed[k].n++;
			client(w, from, o);
			break;
		case KITH_OUT_SUBSCRIBE:
		case KITH_OUT_UNSUBSCRIBE:
		case KITH_OUT_DROP:
			client(w, from, o);
			break;
		case KITH_OUT_TRUST:
		case KITH_OUT_ERASE:
		case KITH_OUT_MAIL:
			break;
		case KITH_OUT_CONTROL:
			w->answered = true;
			w->err = o->err;
			kith_buf_reset(&w->answer);
			kith_buf_put(&w->answer, o->bytes, o->n);
			break;
		}
	}
}

static void batch(struct world *w, int node);

/* When the engine wants to be called, it will be. A timer that is overdue comes a millisecond later, so that time goes on. */
static void
set_timer(struct world *w, int node)
{
	struct node *n = &w->node[node];
	uint64_t at = n->engine != NULL ? kith_engine_deadline_ms(n->engine) : UINT64_MAX;

	if (at <= w->now_ms)
		at = w->now_ms + 1;
	if (at >= n->timer_ms || at == UINT64_MAX)
		return;
	n->timer_ms = at;
	queue_put(&w->queue, (struct event){ .kind = EV_TIMER, .node = node, .run = n->run, .at_ms = at });
}

/* Whoever waits for an answer to what did not happen is told so. */
static void
apologise(struct world *w, struct node *n, int err)
{
	static const uint8_t full[] = { 0x81, 0xa4, 'n', 'a', 'm', 'e', 0xac, 's', 't', 'o', 'r', 'a', 'g', 'e', '_', 'f', 'u', 'l', 'l' };
	static const uint8_t busy[] = { 0x81, 0xa4, 'n', 'a', 'm', 'e', 0xa4, 'b', 'u', 's', 'y' };
	struct kith_slice name = err == KITH_E_FULL ? kith_slice_of(full, sizeof(full)) : kith_slice_of(busy, sizeof(busy));

	for (size_t i = 0; i < n->batch.n; i++) {
		const struct kith_in *in = &n->batch.v[i].in;

		if (in->kind == KITH_IN_CALL && in->number != w->request) {
			people_reply(w, in->number, err, name, "");
		} else if (in->kind == KITH_IN_CALL || in->kind == KITH_IN_CONTROL) {
			w->answered = true;
			w->err = err;
			kith_buf_reset(&w->answer);
			kith_buf_put_slice(&w->answer, name);
		}
	}
	for (size_t i = 0; i < n->batch.n; i++)
		input_fini(&n->batch.v[i]);
	n->batch.n = 0;
}

/* The batch is lost and the engine with it: as src/daemon/batch.c goes on. */
static void
fail(struct world *w, int node, int err)
{
	struct node *n = &w->node[node];

	kith_txn_abort(n->txn);
	n->txn = NULL;
	kith_out_fini(&n->out);
	apologise(w, n, err);
	if (err == KITH_E_FULL) {
		people_crashed(w, node);        /* calls that waited for other nodes die with the engine */
		kith_engine_free(n->engine);
		n->engine = NULL;
		net_end_all(w, node);
		n->full = true;
		n->run++;
		n->timer_ms = UINT64_MAX;
		world_put(w, EV_START, node, FULL_RETRY_MS);
		return;
	}
	world_kill(w, node);
	world_put(w, EV_START, node, RESTART_MS);
	if (w->hooks.died != NULL)
		w->hooks.died(w->hooks.ctx, node, kith_err_name(err));
}

/* The disk has taken it. */
static void
synced(struct world *w, int node)
{
	struct node *n = &w->node[node];
	struct kith_out out = n->out;
	int r = kith_txn_commit(n->txn);

	MUST(r == KITH_OK);
	n->txn = NULL;
	kith_out_init(&n->out);
	for (size_t i = 0; i < n->batch.n; i++)
		input_fini(&n->batch.v[i]);
	n->batch.n = 0;
	release(w, node, &out);
	kith_out_fini(&out);
	if (n->inbox.n > 0)
		batch(w, node);
	else
		set_timer(w, node);
}

/* Everything that has come in since the last commit, in one transaction. */
static void
batch(struct world *w, int node)
{
	struct node *n = &w->node[node];
	struct kith_in timer = { .kind = KITH_IN_TIMER };
	struct kith_now now = world_clock(w, node);
	int r = kith_store_begin(n->store, true, &n->txn);

	MUST(r == KITH_OK && n->batch.n == 0);
	kith_out_init(&n->out);
	r = kith_engine_begin(n->engine, n->txn);
	if (r == KITH_OK && w->now_ms >= kith_engine_deadline_ms(n->engine))
		r = kith_engine_input(n->engine, now, &timer, &n->out);
	for (size_t i = 0; i < n->inbox.n; i++) {
		struct input *in = &n->inbox.v[i];

		MUST(kith_vec_push(&n->batch, *in) == KITH_OK);
		if (r == KITH_OK && (in->run == 0 || in->run == n->run))
			r = kith_engine_input(n->engine, now, &in->in, &n->out);
	}
	n->inbox.n = 0;
	if (r == KITH_OK)
		r = kith_engine_end(n->engine, now, &n->out);
	if (r == KITH_OK)
		r = n->txn->err;
	if (r != KITH_OK) {
		fail(w, node, r);
		return;
	}
	trace(w, (uint64_t)node << 32 | n->out.list.n, kith_slice_of(NULL, 0));
	if (n->crash_in > 0 && --n->crash_in == 0) {
		if (n->crash_synced) {
			MUST(kith_txn_commit(n->txn) == KITH_OK);
			n->txn = NULL;
			kith_out_fini(&n->out);
		}
		world_kill(w, node);
		return;
	}
	if (plant(PLANT_ACK_BEFORE_SYNC)) {
		release(w, node, &n->out);
		kith_out_fini(&n->out);
		kith_out_init(&n->out);
	}
	if (n->sync_ms == 0)
		synced(w, node);
	else
		world_put(w, EV_SYNCED, node, n->sync_ms);
}

void
world_settle(struct world *w, int node)
{
	while (w->node[node].txn != NULL)
		synced(w, node);
}

static bool
of_a_link(const struct kith_in *in)
{
	return in->kind == KITH_IN_LINK_UP || in->kind == KITH_IN_LINK_DOWN || in->kind == KITH_IN_FRAME || in->kind == KITH_IN_DIAL_FAILED;
}

void
world_input(struct world *w, int node, const struct kith_in *in)
{
	struct node *n = &w->node[node];
	struct kith_slice *s = in->kind == KITH_IN_FRAME ? &(struct kith_slice){ in->bytes.p, in->bytes.n } : &(struct kith_slice){ in->params.p, in->params.n };
	struct input i = { .in = *in, .run = of_a_link(in) ? n->run : 0 };

	trace(w, (uint64_t)node << 32 | (uint64_t)in->kind << 8 | in->type, *s);
	if (s->n > 0) {
		i.bytes = malloc(s->n);
		MUST(i.bytes != NULL);
		memcpy(i.bytes, s->p, s->n);
		i.in.bytes = i.in.params = kith_slice_of(i.bytes, s->n);
	}
	if (in->text != NULL)
		i.in.text = i.text = strdup(in->text);
	if (n->engine == NULL) {
		MUST(kith_vec_push(&n->batch, i) == KITH_OK);
		apologise(w, n, n->full ? KITH_E_FULL : KITH_E_BUSY);
		return;
	}
	MUST(kith_vec_push(&n->inbox, i) == KITH_OK);
	if (n->txn == NULL)
		batch(w, node);
}

/* ---- a node's life ---- */

void
world_start(struct world *w, int i)
{
	struct node *n = &w->node[i];
	struct kith_engine_conf conf;
	struct kith_txn *t;
	int r;

	n->run++;
	n->full = false;
	n->timer_ms = UINT64_MAX;
	memset(&conf, 0, sizeof(conf));
	conf.node = world_node_conf(w, i);
	conf.fed.name = n->name;
	conf.fed.peer = (const char *const *)n->peers;
	conf.fed.n_peers = n->n_peers;
	conf.fed.address = n->addresses;
	conf.fed.n_addresses = n->dial_only ? 0 : 1;
	conf.fed.dial_only = n->dial_only;
	conf.fed.full_copies = !n->sparse;
	conf.root = n->root;
	conf.sign = n->sign;
	conf.cert_pk = (const uint8_t (*)[32])n->cert_pk;
	conf.n_cert_pk = 1;
	memcpy(conf.next_root_pk, n->next_root, 32);
	conf.listed = true;
	MUST(kith_store_begin(n->store, true, &t) == KITH_OK);
	r = kith_engine_new(&w->env, n->store, t, world_clock(w, i), &conf, &n->engine);
	if (r == KITH_OK) {
		MUST(kith_txn_commit(t) == KITH_OK);
		n->id = *kith_engine_node(n->engine);
		if (w->hooks.began != NULL)
			w->hooks.began(w->hooks.ctx, i);
		set_timer(w, i);
		return;
	}
	MUST(r == KITH_E_FULL || r == KITH_E_IO || r == KITH_E_CORRUPT);
	kith_txn_abort(t);
	n->full = r == KITH_E_FULL;
	n->engine = NULL;
	world_put(w, EV_START, i, n->full ? FULL_RETRY_MS : RESTART_MS);
}

struct kith_node_conf
world_node_conf(const struct world *w, int node)
{
	const struct node *n = &w->node[node];
	struct kith_node_conf c;

	memset(&c, 0, sizeof(c));
	snprintf(c.name, sizeof(c.name), "%s", n->name);
	snprintf(c.version, sizeof(c.version), "sim");
	snprintf(c.url, sizeof(c.url), "http://%s", n->name);
	c.registration = KITH_REG_OPEN;
	c.address = n->addresses;
	c.n_addresses = n->dial_only ? 0 : 1;
	memset(c.seal_key, node + 1, sizeof(c.seal_key));
	return c;
}

static struct kith_signer *
new_key(struct world *w)
{
	struct kith_signer *s;
	uint8_t seed[32];

	dice_fill(&w->dice, seed, sizeof(seed));
	MUST(kith_signer_from_seed(seed, &s) == KITH_OK);
	return s;
}

int
world_node(struct world *w, const char *name, const char *const *peers, size_t n_peers)
{
	struct node *n = &w->node[w->n];
	struct kith_signer *s;

	MUST(w->n < WORLD_NODES_MAX && n_peers <= 16);
	snprintf(n->name, sizeof(n->name), "%s", name);
	snprintf(n->address, sizeof(n->address), "127.0.0.1:%d", 7000 + w->n);
	n->addresses[0] = n->address;
	for (size_t i = 0; i < n_peers; i++)
		n->peers[n->n_peers++] = strdup(peers[i]);
	n->store = disk_new();
	n->root = new_key(w);
	n->sign = new_key(w);
	s = new_key(w);
	memcpy(n->cert_pk[0], kith_signer_pk(s), 32);
	kith_signer_free(s);
	s = new_key(w);
	memcpy(n->next_root, kith_signer_pk(s), 32);
	kith_signer_free(s);
	world_start(w, w->n);
	return w->n++;
}

void
world_kill(struct world *w, int node)
{
	struct node *n = &w->node[node];

	if (n->txn != NULL) {
		kith_txn_abort(n->txn);
		n->txn = NULL;
		kith_out_fini(&n->out);
	}
	inputs_clear(n);
	kith_engine_free(n->engine);
	n->engine = NULL;
	n->full = false;
	n->crash_in = 0;
	n->run++;
	net_end_all(w, node);
	people_crashed(w, node);
}

void
world_crash(struct world *w, int node, unsigned batches, bool is_synced)
{
	w->node[node].crash_in = batches;
	w->node[node].crash_synced = is_synced;
}

void
world_take_store(struct world *w, int node, struct kith_store *s, bool told)
{
	MUST(w->node[node].engine == NULL);
	kith_store_close(w->node[node].store);
	w->node[node].store = s;
	if (told) {
		struct kith_txn *t;
		int r;

		MUST(kith_store_begin(s, true, &t) == KITH_OK);
		r = kith_txn_del(t, KITH_T_META, kith_slice_str("incarnation"));
		MUST(r == KITH_OK || r == KITH_E_NOTFOUND);
		MUST(kith_txn_commit(t) == KITH_OK);
	}
}

/* ---- time ---- */

static void
happen(struct world *w, struct event *e)
{
	struct node *n = &w->node[e->node];

	switch (e->kind) {
	case EV_TIMER:
		if (e->run != n->run || n->engine == NULL || e->at_ms != n->timer_ms)
			break;
		n->timer_ms = UINT64_MAX;
		if (n->txn == NULL)
			batch(w, e->node);
		break;
	case EV_SYNCED:
		if (e->run == n->run && n->txn != NULL)
			synced(w, e->node);
		break;
	case EV_START:
		if (e->run == n->run && n->engine == NULL)
			world_start(w, e->node);
		break;
	default:
		net_deliver(w, e);
		break;
	}
	free(e->bytes);
}

/* Does the next thing that is due by end_ms; false: nothing is. */
static bool
step(struct world *w, uint64_t end_ms)
{
	const struct event *first = queue_first(&w->queue);
	struct event e;

	if (first == NULL || first->at_ms > end_ms)
		return false;
	e = queue_take(&w->queue);
	if (e.at_ms > w->now_ms)
		w->now_ms = e.at_ms;
	happen(w, &e);
	return true;
}

void
world_run(struct world *w, uint64_t ms)
{
	uint64_t end = w->now_ms + ms;

	while (step(w, end))
		;
	w->now_ms = end;
}

bool
world_until(struct world *w, uint64_t max_ms, bool (*ok)(struct world *w, void *arg), void *arg)
{
	uint64_t end = w->now_ms + max_ms;

	while (!ok(w, arg)) {
		if (!step(w, end))
			return ok(w, arg);
	}
	return true;
}

char *
world_control(struct world *w, int node, const char *line)
{
	struct kith_in in = { .kind = KITH_IN_CONTROL, .number = w->next_request++, .text = line };
	char *out;

	world_settle(w, node);
	w->answered = false;
	world_input(w, node, &in);
	world_settle(w, node);
	out = calloc(1, w->answer.n + 1);
	MUST(out != NULL);
	if (w->answered && w->err == KITH_OK && w->answer.n > 0)
		memcpy(out, w->answer.p, w->answer.n);
	return out;
}
