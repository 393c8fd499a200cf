#include "tests/sim/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/b32.h"
#include "client/account.h"
#include "client/json.h"
#include "crypto/sign.h"
#include "wire/mp.h"

#define NODES_MAX 32
#define START_WALL_MS UINT64_C(1700000000000)
#define MUST(e) do { if (!(e)) { fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #e); abort(); } } while (0)

enum event_kind { EV_FRAME, EV_UP, EV_DOWN, EV_DIAL_FAILED };
struct event {
	enum event_kind kind;
	uint64_t at_ms, order, link, token;
	int node, peer, run;            /* run: of the node it is for; a restarted node gets nothing of its old life */
	uint8_t type, *bytes;
	size_t n;
};

struct node {
	char name[32], address[48];
	struct kith_store *store;
	struct kith_engine *engine;
	struct kith_signer *root, *sign;
	uint8_t cert_pk[1][32], next_root[32];
	char *peers[8];
	size_t n_peers;
	int run;
	struct { char method[32]; size_t n; } pushed[16];
	size_t n_pushed;
	bool dial_only;
	int64_t skew_ms;                /* its wall clock is so far off */
	unsigned crash_in;              /* it dies in the so-manieth batch from now; 0: not */
	bool crash_commits;             /* when that batch is on disk, and nobody has been told */
};

struct link { uint64_t id, last_ms[2] /* nothing overtakes on a link */; int a, b, run_a, run_b; bool up; };

/* A call that has been made and not answered. */
struct asked { uint64_t number; int node; world_reply_fn fn; void *ctx; };

struct world {
	struct node node[NODES_MAX];
	int n;
	bool cut[NODES_MAX][NODES_MAX], blocked[NODES_MAX][NODES_MAX];
	struct { uint64_t base_ms, jitter_ms; } way[NODES_MAX][NODES_MAX];
	uint64_t frames[NODES_MAX][NODES_MAX];
	KITH_VEC(struct event) stalled;         /* frames on a blocked way */
	KITH_VEC(struct asked) asked;
	uint64_t now_ms, delay_ms, next_order, next_request, rnd[4];
	KITH_VEC(struct event) events;
	KITH_VEC(struct link) links;
	struct kith_env env;
	/* the answer that world_call waits for */
	uint64_t request;
	bool answered;
	int err;
	struct kith_buf answer;
	char name[64], why[300];
};

static uint64_t
rnd(struct world *w)
{
	uint64_t *s = w->rnd, x = s[1] * 5, r = (x << 7 | x >> 57) * 9, t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = s[3] << 45 | s[3] >> 19;
	return r;
}

static void
dice(void *ctx, void *p, size_t n)
{
	uint8_t *b = p;

	for (size_t i = 0; i < n; i++)
		b[i] = (uint8_t)(rnd(ctx) >> 13);
}

static int
verify(void *ctx, const uint8_t pk[32], int label, struct kith_slice msg, const uint8_t sig[64])
{
	(void)ctx;
	return kith_verify(pk, (enum kith_label)label, msg, sig);
}

static void
say(void *ctx, int level, const char *area, const char *text)
{
	(void)ctx;
	if (level >= 2 && getenv("KITH_SIM_LOG") != NULL)
		fprintf(stderr, "# %s: %s\n", area, text);
}

static struct kith_now
now(const struct world *w, int node)
{
	return (struct kith_now){ w->now_ms, START_WALL_MS + w->now_ms + (uint64_t)w->node[node].skew_ms };
}

struct world *
world_new(uint64_t seed)
{
	struct world *w = calloc(1, sizeof(*w));

	MUST(w != NULL && sodium_init() >= 0);
	for (int i = 0; i < 4; i++) {
		seed += 0x9e3779b97f4a7c15u;
		w->rnd[i] = (seed ^ seed >> 30) * 0xbf58476d1ce4e5b9u;
	}
	w->delay_ms = 5;
	w->next_request = 1;
	w->env = (struct kith_env){ .ctx = w, .random = dice, .verify = verify, .log = say };
	return w;
}

void
world_free(struct world *w)
{
	for (int i = 0; i < w->n; i++) {
		kith_engine_free(w->node[i].engine);
		kith_store_close(w->node[i].store);
		kith_signer_free(w->node[i].root);
		kith_signer_free(w->node[i].sign);
		for (size_t k = 0; k < w->node[i].n_peers; k++)
			free(w->node[i].peers[k]);
	}
	for (size_t i = 0; i < w->events.n; i++)
		free(w->events.v[i].bytes);
	for (size_t i = 0; i < w->stalled.n; i++)
		free(w->stalled.v[i].bytes);
	kith_vec_fini(&w->events);
	kith_vec_fini(&w->stalled);
	kith_vec_fini(&w->asked);
	kith_vec_fini(&w->links);
	kith_buf_fini(&w->answer);
	free(w);
}

static bool
sooner(const struct event *x, const struct event *y)
{
	return x->at_ms != y->at_ms ? x->at_ms < y->at_ms : x->order < y->order;
}

/* The events are a heap: the next one first. */
static void
put_event(struct world *w, struct event e)
{
	size_t i = w->events.n;

	MUST(kith_vec_push(&w->events, e) == KITH_OK);
	for (; i > 0 && sooner(&e, &w->events.v[(i - 1) / 2]); i = (i - 1) / 2)
		w->events.v[i] = w->events.v[(i - 1) / 2];
	w->events.v[i] = e;
}

static struct event
take_event(struct world *w)
{
	struct event first = w->events.v[0], e = w->events.v[--w->events.n];
	size_t i = 0, k;

	while ((k = 2 * i + 1) < w->events.n) {
		if (k + 1 < w->events.n && sooner(&w->events.v[k + 1], &w->events.v[k]))
			k++;
		if (!sooner(&w->events.v[k], &e))
			break;
		w->events.v[i] = w->events.v[k];
		i = k;
	}
	if (w->events.n > 0)
		w->events.v[i] = e;
	return first;
}

static struct event
event(struct world *w, enum event_kind kind, int node, uint64_t delay)
{
	return (struct event){ .kind = kind, .node = node, .run = w->node[node].run, .at_ms = w->now_ms + delay, .order = w->next_order++ };
}

/* How long something takes from a to b this time. */
static uint64_t
way_ms(struct world *w, int a, int b)
{
	uint64_t ms = w->way[a][b].base_ms != 0 ? w->way[a][b].base_ms : w->delay_ms;

	return w->way[a][b].jitter_ms != 0 ? ms + rnd(w) % w->way[a][b].jitter_ms : ms;
}

static int
by_address(struct world *w, const char *address)
{
	for (int i = 0; i < w->n; i++) {
		if (strcmp(w->node[i].address, address) == 0)
			return i;
	}
	return -1;
}

static struct link *
find_link(struct world *w, uint64_t id)
{
	/* ids count from 1 and links are never forgotten */
	return id > 0 && id <= w->links.n ? &w->links.v[id - 1] : NULL;
}

static void
end_link(struct world *w, struct link *l, int told)
{
	struct event e;

	l->up = false;
	if (told != l->a && w->node[l->a].run == l->run_a) {
		e = event(w, EV_DOWN, l->a, w->delay_ms);
		e.link = l->id;
		put_event(w, e);
	}
	if (told != l->b && w->node[l->b].run == l->run_b) {
		e = event(w, EV_DOWN, l->b, w->delay_ms);
		e.link = l->id;
		put_event(w, e);
	}
}

static void
dial(struct world *w, int from, const char *address, uint64_t token)
{
	int to = by_address(w, address);
	struct link l;
	struct event e;

	if (to < 0 || to == from || w->cut[from][to] || w->blocked[from][to] || w->blocked[to][from] || w->node[to].dial_only ||
	    w->node[to].engine == NULL) {
		e = event(w, EV_DIAL_FAILED, from, w->delay_ms);
		e.token = token;
		put_event(w, e);
		return;
	}
	l = (struct link){ .id = w->links.n + 1, .a = from, .b = to, .run_a = w->node[from].run, .run_b = w->node[to].run, .up = true };
	e = event(w, EV_UP, from, way_ms(w, from, to) + way_ms(w, to, from));
	e.link = l.id;
	e.token = token;
	e.peer = to;
	l.last_ms[0] = e.at_ms;
	put_event(w, e);
	e = event(w, EV_UP, to, way_ms(w, from, to) + way_ms(w, to, from));
	e.link = l.id;
	e.peer = from;
	l.last_ms[1] = e.at_ms;
	put_event(w, e);
	MUST(kith_vec_push(&w->links, l) == KITH_OK);
}

static void
send_frame(struct world *w, int from, struct kith_output *o)
{
	struct link *l = find_link(w, o->link);
	struct event e;
	int to, way;

	if (l == NULL || !l->up)
		return;
	way = l->a == from ? 1 : 0;
	to = way == 1 ? l->b : l->a;
	e = event(w, EV_FRAME, to, way_ms(w, from, to));
	if (getenv("KITH_SIM_TRACE") != NULL)
		fprintf(stderr, "# %6llu %s -> %s frame %u, %zu bytes\n", (unsigned long long)w->now_ms, w->node[from].name, w->node[to].name, o->type, o->n);
	if (e.at_ms < l->last_ms[way])
		e.at_ms = l->last_ms[way];
	l->last_ms[way] = e.at_ms;
	w->frames[from][to]++;
	e.link = l->id;
	e.peer = from;
	e.type = o->type;
	e.bytes = o->bytes;
	e.n = o->n;
	o->bytes = NULL;
	put_event(w, e);
}

static void
reply(struct world *w, uint64_t number, int err, struct kith_slice bytes, const char *why)
{
	for (size_t i = 0; i < w->asked.n; i++) {
		struct asked a = w->asked.v[i];
		struct kith_mp_reader r;
		struct kith_buf json;
		struct kith_slice s;
		json_t *result;
		char name[64];

		if (a.number != number)
			continue;
		w->asked.v[i] = w->asked.v[--w->asked.n];
		if (err != KITH_OK) {
			kith_mp_read(&r, kith_mp_find(bytes, "name"));
			s = kith_mp_str(&r);
			snprintf(name, sizeof(name), "%.*s", (int)s.n, (const char *)s.p);
			a.fn(a.ctx, number, name, why, NULL);
			return;
		}
		kith_buf_init(&json, 0);
		MUST(kith_mp_to_json(bytes, &json) == KITH_OK);
		result = json_loadb((const char *)json.p, json.n, 0, NULL);
		MUST(result != NULL);
		kith_buf_fini(&json);
		a.fn(a.ctx, number, "", "", result);
		json_decref(result);
		return;
	}
}

static void
release(struct world *w, int from, struct kith_out *out)
{
	for (size_t i = 0; i < out->list.n; i++) {
		struct kith_output *o = &out->list.v[i];
		struct node *n = &w->node[from];
		struct link *l;
		size_t k;

		switch (o->kind) {
		case KITH_OUT_SEND:
			send_frame(w, from, o);
			break;
		case KITH_OUT_CLOSE:
			l = find_link(w, o->link);
			if (getenv("KITH_SIM_LOG") != NULL)
				fprintf(stderr, "# %s closes a link: %s\n", n->name, o->text != NULL ? o->text : "");
			if (l != NULL && l->up)
				end_link(w, l, -1);
			break;
		case KITH_OUT_DIAL:
			dial(w, from, o->text, o->number);
			break;
		case KITH_OUT_REPLY:
			if (o->number != w->request) {
				reply(w, o->number, o->err, kith_slice_of(o->bytes, o->n), o->text != NULL ? o->text : "");
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
			break;
		case KITH_OUT_TRUST:
		case KITH_OUT_SUBSCRIBE:
		case KITH_OUT_UNSUBSCRIBE:
		case KITH_OUT_DROP:
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

static void
feed(struct world *w, int node, const struct kith_in *in)
{
	struct node *n = &w->node[node];
	struct kith_out out;
	struct kith_txn *t;

	if (n->engine == NULL)
		return;
	kith_out_init(&out);
	MUST(kith_store_begin(n->store, true, &t) == KITH_OK);
	MUST(kith_engine_begin(n->engine, t) == KITH_OK);
	MUST(kith_engine_input(n->engine, now(w, node), in, &out) == KITH_OK);
	MUST(kith_engine_end(n->engine, now(w, node), &out) == KITH_OK);
	if (n->crash_in > 0 && --n->crash_in == 0) {
		if (n->crash_commits)
			MUST(kith_txn_commit(t) == KITH_OK);
		else
			kith_txn_abort(t);
		kith_out_fini(&out);
		world_kill(w, node);
		return;
	}
	MUST(kith_txn_commit(t) == KITH_OK);
	release(w, node, &out);
	kith_out_fini(&out);
}

void
world_start(struct world *w, int i)
{
	struct node *n = &w->node[i];
	struct kith_engine_conf conf;
	static const char *addresses[NODES_MAX][1];
	struct kith_txn *t;

	n->run++;
	memset(&conf, 0, sizeof(conf));
	addresses[i][0] = n->address;
	snprintf(conf.node.name, sizeof(conf.node.name), "%s", n->name);
	snprintf(conf.node.version, sizeof(conf.node.version), "sim");
	snprintf(conf.node.url, sizeof(conf.node.url), "http://%s", n->name);
	conf.node.registration = KITH_REG_OPEN;
	conf.node.address = addresses[i];
	conf.node.n_addresses = n->dial_only ? 0 : 1;
	memset(conf.node.seal_key, i + 1, sizeof(conf.node.seal_key));
	conf.fed.name = n->name;
	conf.fed.peer = (const char *const *)n->peers;
	conf.fed.n_peers = n->n_peers;
	conf.fed.address = addresses[i];
	conf.fed.n_addresses = n->dial_only ? 0 : 1;
	conf.fed.dial_only = n->dial_only;
	conf.fed.full_copies = true;
	conf.root = n->root;
	conf.sign = n->sign;
	conf.cert_pk = (const uint8_t (*)[32])n->cert_pk;
	conf.n_cert_pk = 1;
	memcpy(conf.next_root_pk, n->next_root, 32);
	conf.listed = true;
	MUST(kith_store_begin(n->store, true, &t) == KITH_OK);
	MUST(kith_engine_new(&w->env, n->store, t, now(w, i), &conf, &n->engine) == KITH_OK);
	MUST(kith_txn_commit(t) == KITH_OK);
}

int
world_node(struct world *w, const char *name, const char *const *peers, size_t n_peers)
{
	struct node *n = &w->node[w->n];
	uint8_t seed[32];

	MUST(w->n < NODES_MAX && n_peers <= 8);
	snprintf(n->name, sizeof(n->name), "%s", name);
	snprintf(n->address, sizeof(n->address), "127.0.0.1:%d", 7000 + w->n);
	for (size_t i = 0; i < n_peers; i++)
		n->peers[n->n_peers++] = strdup(peers[i]);
	MUST(kith_store_mem_new(&n->store) == KITH_OK);
	dice(w, seed, sizeof(seed));
	MUST(kith_signer_from_seed(seed, &n->root) == KITH_OK);
	dice(w, seed, sizeof(seed));
	MUST(kith_signer_from_seed(seed, &n->sign) == KITH_OK);
	{
		struct kith_signer *s;

		dice(w, seed, sizeof(seed));
		MUST(kith_signer_from_seed(seed, &s) == KITH_OK);
		memcpy(n->cert_pk[0], kith_signer_pk(s), 32);
		kith_signer_free(s);
		dice(w, seed, sizeof(seed));
		MUST(kith_signer_from_seed(seed, &s) == KITH_OK);
		memcpy(n->next_root, kith_signer_pk(s), 32);
		kith_signer_free(s);
	}
	world_start(w, w->n);
	return w->n++;
}

const char *world_address(struct world *w, int node) { return w->node[node].address; }
struct kith_engine *world_engine(struct world *w, int node) { return w->node[node].engine; }
struct kith_store *world_store(struct world *w, int node) { return w->node[node].store; }
void world_delay(struct world *w, uint64_t ms) { w->delay_ms = ms; }
uint64_t world_now_ms(const struct world *w) { return w->now_ms; }
const char *world_error(const struct world *w) { return w->name; }
const char *world_why(const struct world *w) { return w->why; }

void
world_cut(struct world *w, int a, int b, bool cut)
{
	w->cut[a][b] = w->cut[b][a] = cut;
	for (size_t i = 0; cut && i < w->links.n; i++) {
		struct link *l = &w->links.v[i];

		if (l->up && ((l->a == a && l->b == b) || (l->a == b && l->b == a)))
			end_link(w, l, -1);
	}
}

void
world_kill(struct world *w, int node)
{
	struct node *n = &w->node[node];

	kith_engine_free(n->engine);
	n->engine = NULL;
	n->crash_in = 0;
	for (size_t i = 0; i < w->links.n; i++) {
		if (w->links.v[i].up && (w->links.v[i].a == node || w->links.v[i].b == node))
			end_link(w, &w->links.v[i], node);
	}
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

void
world_crash(struct world *w, int node, unsigned batches, bool commits)
{
	w->node[node].crash_in = batches;
	w->node[node].crash_commits = commits;
}

bool world_is_up(const struct world *w, int node) { return w->node[node].engine != NULL; }
void world_skew(struct world *w, int node, int64_t ms) { w->node[node].skew_ms = ms; }
void world_dial_only(struct world *w, int node) { w->node[node].dial_only = true; }
uint64_t world_frames(const struct world *w, int from, int to) { return w->frames[from][to]; }
size_t world_waiting(const struct world *w) { return w->asked.n; }
const struct kith_env *world_env(const struct world *w) { return &w->env; }
const struct kith_signer *world_signer(const struct world *w, int node) { return w->node[node].sign; }
struct kith_now world_clock(const struct world *w, int node) { return now(w, node); }

void
world_way(struct world *w, int from, int to, uint64_t base_ms, uint64_t jitter_ms)
{
	w->way[from][to].base_ms = base_ms;
	w->way[from][to].jitter_ms = jitter_ms;
}

void
world_block(struct world *w, int from, int to, bool blocked)
{
	size_t k = 0;

	w->blocked[from][to] = blocked;
	for (size_t i = 0; !blocked && i < w->stalled.n; i++) {
		struct event e = w->stalled.v[i];

		if (e.peer == from && e.node == to) {
			/* its old order puts it before what was sent after it */
			e.at_ms = w->now_ms;
			put_event(w, e);
		} else {
			w->stalled.v[k++] = e;
		}
	}
	if (!blocked)
		w->stalled.n = k;
}

void
world_drop_links(struct world *w, int a, int b)
{
	for (size_t i = 0; i < w->links.n; i++) {
		struct link *l = &w->links.v[i];

		if (l->up && ((l->a == a && l->b == b) || (l->a == b && l->b == a)))
			end_link(w, l, -1);
	}
}

struct kith_store *
world_copy_store(struct world *w, int node)
{
	struct kith_store *to;
	struct kith_txn *rd, *wr;

	MUST(kith_store_mem_new(&to) == KITH_OK);
	MUST(kith_store_begin(w->node[node].store, false, &rd) == KITH_OK);
	MUST(kith_store_begin(to, true, &wr) == KITH_OK);
	for (int tb = 0; tb < KITH_T_COUNT_; tb++) {
		struct kith_cursor *c;
		struct kith_slice k, v;
		int r;

		MUST(kith_cursor_open(rd, (enum kith_table)tb, &c) == KITH_OK);
		for (r = kith_cursor_seek(c, kith_slice_of(NULL, 0), false, &k, &v); r == KITH_OK; r = kith_cursor_step(c, false, &k, &v))
			MUST(kith_txn_put(wr, (enum kith_table)tb, k, v) == KITH_OK);
		MUST(r == KITH_E_NOTFOUND);
		kith_cursor_close(c);
	}
	kith_txn_abort(rd);
	MUST(kith_txn_commit(wr) == KITH_OK);
	return to;
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

static void
deliver(struct world *w, struct event *e)
{
	struct node *n = &w->node[e->node];
	struct kith_in in;

	memset(&in, 0, sizeof(in));
	in.link = e->link;
	in.token = e->token;
	if (e->kind == EV_FRAME && w->blocked[e->peer][e->node]) {
		MUST(kith_vec_push(&w->stalled, *e) == KITH_OK);
		return;
	}
	if (e->run == n->run && n->engine != NULL) {
		struct link *l = e->kind == EV_DIAL_FAILED ? NULL : find_link(w, e->link);

		switch (e->kind) {
		case EV_UP:
			if (l == NULL || !l->up)
				break;
			in.kind = KITH_IN_LINK_UP;
			memcpy(in.cert_pk, w->node[e->peer].cert_pk[0], 32);
			memset(in.exporter, 7, sizeof(in.exporter));
			kith_put_be64(in.exporter, e->link);
			snprintf(in.address, sizeof(in.address), "%s", w->node[e->peer].address);
			feed(w, e->node, &in);
			break;
		case EV_FRAME:
			if (l == NULL || !l->up)
				break;
			in.kind = KITH_IN_FRAME;
			in.type = e->type;
			in.bytes = kith_slice_of(e->bytes, e->n);
			feed(w, e->node, &in);
			break;
		case EV_DOWN:
			in.kind = KITH_IN_LINK_DOWN;
			feed(w, e->node, &in);
			break;
		case EV_DIAL_FAILED:
			in.kind = KITH_IN_DIAL_FAILED;
			in.text = "no answer";
			feed(w, e->node, &in);
			break;
		}
	}
	free(e->bytes);
}

/* Does the next thing that is due by end_ms; false: nothing is. */
static bool
step(struct world *w, uint64_t end_ms)
{
	int timer = -1;
	uint64_t timer_ms = UINT64_MAX;

	for (int i = 0; i < w->n; i++) {
		uint64_t d = w->node[i].engine != NULL ? kith_engine_deadline_ms(w->node[i].engine) : UINT64_MAX;

		/* a timer that wants to be called at once is called a millisecond later, so that time goes on */
		if (d <= w->now_ms)
			d = w->now_ms + 1;
		if (d < timer_ms) {
			timer_ms = d;
			timer = i;
		}
	}
	if (w->events.n > 0 && w->events.v[0].at_ms <= timer_ms) {
		struct event e;

		if (w->events.v[0].at_ms > end_ms)
			return false;
		e = take_event(w);
		if (e.at_ms > w->now_ms)
			w->now_ms = e.at_ms;
		deliver(w, &e);
		return true;
	}
	if (timer < 0 || timer_ms > end_ms)
		return false;
	w->now_ms = timer_ms;
	{
		struct kith_in in = { .kind = KITH_IN_TIMER };

		feed(w, timer, &in);
	}
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

/* ---- people ---- */

static bool
answered(struct world *w, void *arg)
{
	(void)arg;
	return w->answered;
}

/* A client's write as the engine gets it; the caller frees mp. */
static void
call_input(struct world *w, const struct person *p, const struct kith_method *m, json_t *params, struct kith_buf *mp, struct kith_in *in)
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

	MUST(m != NULL && m->write && w->node[p->node].engine != NULL);
	call_input(w, p, m, take_params, &mp, &in);
	json_decref(take_params);
	a.number = in.number;
	MUST(kith_vec_push(&w->asked, a) == KITH_OK);
	feed(w, p->node, &in);
	kith_buf_fini(&mp);
	return a.number;
}

char *
world_control(struct world *w, int node, const char *line)
{
	struct kith_in in = { .kind = KITH_IN_CONTROL, .number = w->next_request++, .text = line };
	char *out;

	w->answered = false;
	feed(w, node, &in);
	MUST(w->answered);
	out = calloc(1, w->answer.n + 1);
	MUST(out != NULL);
	if (w->err == KITH_OK && w->answer.n > 0)
		memcpy(out, w->answer.p, w->answer.n);
	return out;
}

static json_t *
call(struct world *w, int node, const struct person *p, const char *method, json_t *params)
{
	const struct kith_method *m = kith_method_find(kith_slice_str(method));
	char *text = json_dumps(params, JSON_COMPACT), why[256];
	struct kith_buf mp, json;
	json_t *result = NULL;
	struct kith_in in;

	MUST(m != NULL && text != NULL);
	w->name[0] = w->why[0] = '\0';
	kith_buf_init(&mp, 0);
	kith_buf_init(&json, 0);
	MUST(kith_json_to_mp(kith_slice_str(text), &mp, why, sizeof(why)) == KITH_OK);
	w->answered = false;
	w->err = KITH_OK;
	if (m->write) {
		kith_buf_fini(&mp);
		call_input(w, p, m, params, &mp, &in);
		w->request = in.number;
		feed(w, node, &in);
		if (!world_until(w, 60000, answered, NULL)) {
			snprintf(w->name, sizeof(w->name), "never");
			goto done;
		}
	} else {
		struct kith_args args;
		struct kith_call c;

		memset(&c, 0, sizeof(c));
		c.m = m;
		c.env = &w->env;
		struct kith_node_conf conf = { .version = "sim" };
		c.conf = &conf;
		c.now = now(w, node);
		c.session = p != NULL ? &p->session : NULL;
		c.args = &args;
		c.result = &w->answer;
		c.arena = kith_arena_new(4u << 20);
		kith_buf_reset(&w->answer);
		MUST(kith_store_begin(w->node[node].store, false, &c.t) == KITH_OK);
		w->err = kith_args_parse(m, kith_buf_slice(&mp), &args, c.why, sizeof(c.why));
		if (w->err == KITH_OK)
			w->err = m->run(&c);
		kith_txn_abort(c.t);
		kith_arena_free(c.arena);
		if (w->err != KITH_OK) {
			snprintf(w->name, sizeof(w->name), "%s", c.err_name != NULL ? c.err_name : kith_err_name(w->err));
			snprintf(w->why, sizeof(w->why), "%s", c.why);
		}
	}
	if (w->err == KITH_OK) {
		MUST(kith_mp_to_json(kith_buf_slice(&w->answer), &json) == KITH_OK);
		result = json_loadb((const char *)json.p, json.n, 0, NULL);
		MUST(result != NULL);
	} else if (m->write) {
		struct kith_mp_reader r;

		kith_mp_read(&r, kith_mp_find(kith_buf_slice(&w->answer), "name"));
		struct kith_slice s = kith_mp_str(&r);

		snprintf(w->name, sizeof(w->name), "%.*s", (int)s.n, (const char *)s.p);
	}
done:
	w->request = 0;
	kith_buf_fini(&mp);
	kith_buf_fini(&json);
	free(text);
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
	MUST(kith_store_begin(w->node[node].store, false, &t) == KITH_OK);
	MUST(kith_session_open(t, kith_slice_str(json_string_value(json_object_get(r, "token"))), now(w, node).wall_ms, &out->session) == KITH_OK);
	kith_txn_abort(t);
	json_decref(params);
	json_decref(r);
}

void
world_connect(struct world *w, const struct person *p)
{
	struct kith_in in;

	memset(&in, 0, sizeof(in));
	in.kind = KITH_IN_CONN_UP;
	in.conn = w->next_request++;
	in.session = p->session;
	in.has_session = true;
	feed(w, p->node, &in);
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
