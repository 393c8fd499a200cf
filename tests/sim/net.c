#include "tests/sim/net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/sign.h"
#include "federation/frames.h"
#include "group/group.h"
#include "id/doc.h"
#include "id/node.h"
#include "tests/unit/kit.h"
#include "wire/mp.h"

#define START_WALL_MS UINT64_C(1700000000000)
#define MUST(e) do { if (!(e)) { fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #e); abort(); } } while (0)
#define OK(e) MUST((e) == KITH_OK)

enum event_kind { EV_FRAME, EV_UP, EV_DOWN, EV_DIAL_FAILED };
struct event {
	enum event_kind kind;
	uint64_t at_ms, order, link, token;
	int node, peer, life;
	uint8_t type, *bytes;
	size_t n;
};

struct member {
	struct kith_id id;
	struct kith_group *g;
	uint64_t tick_ms;
	bool touched;
};

struct node {
	char name[32], address[32];
	struct kith_store *store;
	struct kith_signer *root, *next_root, *sign, *account, *recovery;
	struct kith_id uid, doc;
	struct kith_buf doc_raw;
	uint8_t cert[32];
	struct kith_self self;
	struct kith_fed *fed;
	struct kith_env env;
	struct net *net;
	char peer[8][32];
	size_t n_peers;
	bool dial_only, stalled, sparse, rotated, stolen;
	int life;
	uint64_t delay_ms, incarnation;
	KITH_VEC(struct member) groups;
	struct kith_changes changes;
	size_t queued;
	uint64_t sent[KITH_FR_COUNT_];
	bool withheld[KITH_FR_COUNT_];
	/* what the host was told */
	int fetched, mail_err, answer;
	size_t mails, fleeting;
};

struct link {
	uint64_t id;
	int a, b, life_a, life_b;       /* a: the one that dialled; -1: a stranger */
	bool up;
};

struct net {
	struct node node[NET_NODES];
	int n;
	bool cut[NET_NODES][NET_NODES];
	uint64_t now_ms, next_order, next_link, rnd[4];
	KITH_VEC(struct event) events;  /* a heap, the next one first */
	KITH_VEC(struct link) links;
};

/* ---- dice and time ---- */

static uint64_t
rnd(struct net *n)
{
	uint64_t *s = n->rnd, x = s[1] * 5, r = (x << 7 | x >> 57) * 9, t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = s[3] << 45 | s[3] >> 19;
	return r;
}

static void
dice(void *ctx, void *p, size_t len)
{
	struct node *nd = ctx;
	uint8_t *b = p;
	size_t i;

	for (i = 0; i < len; i++)
		b[i] = (uint8_t)(rnd(nd->net) >> 13);
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
	const struct node *nd = ctx;

	if (getenv("KITH_SIM_LOG") != NULL)
		fprintf(stderr, "# %8llu %s %d %s: %s\n", (unsigned long long)nd->net->now_ms, nd->name, level, area, text);
}

static struct kith_now
now(const struct net *n)
{
	return (struct kith_now){ n->now_ms, START_WALL_MS + n->now_ms };
}

uint64_t
net_now(const struct net *n)
{
	return n->now_ms;
}

static bool
before(const struct event *x, const struct event *y)
{
	return x->at_ms != y->at_ms ? x->at_ms < y->at_ms : x->order < y->order;
}

static void
post(struct net *n, struct event e, uint64_t delay)
{
	size_t i, up;

	e.at_ms = n->now_ms + delay;
	e.order = n->next_order++;
	e.life = n->node[e.node].life;
	if (e.kind == EV_FRAME)
		n->node[e.node].queued += e.n;
	OK(kith_vec_push(&n->events, e));
	for (i = n->events.n - 1; i > 0; i = up) {
		up = (i - 1) / 2;
		if (!before(&n->events.v[i], &n->events.v[up]))
			break;
		e = n->events.v[i];
		n->events.v[i] = n->events.v[up];
		n->events.v[up] = e;
	}
}

static struct event
take(struct net *n)
{
	struct event first = n->events.v[0], e;
	size_t i, k;

	n->events.v[0] = n->events.v[--n->events.n];
	for (i = 0; (k = 2 * i + 1) < n->events.n; i = k) {
		if (k + 1 < n->events.n && before(&n->events.v[k + 1], &n->events.v[k]))
			k++;
		if (!before(&n->events.v[k], &n->events.v[i]))
			break;
		e = n->events.v[i];
		n->events.v[i] = n->events.v[k];
		n->events.v[k] = e;
	}
	if (first.kind == EV_FRAME)
		n->node[first.node].queued -= first.n;
	return first;
}

/* ---- the network ---- */

static struct link *
find_link(struct net *n, uint64_t id)
{
	size_t i;

	for (i = n->links.n; i > 0; i--)
		if (n->links.v[i - 1].id == id)
			return &n->links.v[i - 1];
	return NULL;
}

static uint64_t
between(const struct net *n, const struct link *l)
{
	return 1 + (l->a < 0 ? 0 : n->node[l->a].delay_ms) + (l->b < 0 ? 0 : n->node[l->b].delay_ms);
}

static void
end_link(struct net *n, struct link *l, int told)
{
	struct event e = { .kind = EV_DOWN, .link = l->id };

	l->up = false;
	e.node = l->a;
	if (l->a >= 0 && told != l->a && n->node[l->a].life == l->life_a)
		post(n, e, between(n, l));
	e.node = l->b;
	if (told != l->b && n->node[l->b].life == l->life_b)
		post(n, e, between(n, l));
}

static void
dial(struct net *n, int from, const char *address, uint64_t token)
{
	struct event e = { .kind = EV_DIAL_FAILED, .node = from, .token = token };
	struct link l;
	int to;

	for (to = 0; to < n->n && strcmp(n->node[to].address, address) != 0; to++)
		;
	if (to == n->n || n->cut[from][to] || n->node[to].fed == NULL || n->node[to].dial_only) {
		post(n, e, 2);
		return;
	}
	l = (struct link){ .id = n->next_link++, .a = from, .b = to, .life_a = n->node[from].life, .life_b = n->node[to].life, .up = true };
	OK(kith_vec_push(&n->links, l));
	e.kind = EV_UP;
	e.link = l.id;
	e.peer = to;
	post(n, e, 2 * between(n, &l));
	e.node = to;
	e.peer = from;
	e.token = 0;
	post(n, e, 2 * between(n, &l));
}

static void
release(struct net *n, int from, struct kith_out *out)
{
	struct kith_output *o;
	struct event e;
	struct link *l;
	size_t i;

	for (i = 0; i < out->list.n; i++) {
		o = &out->list.v[i];
		switch (o->kind) {
		case KITH_OUT_SEND:
			n->node[from].sent[o->type]++;
			l = find_link(n, o->link);
			if (l == NULL || !l->up || (l->a == from ? l->b : l->a) < 0 || n->node[from].withheld[o->type])
				break;
			e = (struct event){ .kind = EV_FRAME, .link = l->id, .type = o->type, .bytes = o->bytes, .n = o->n,
				.node = l->a == from ? l->b : l->a };
			o->bytes = NULL;
			post(n, e, between(n, l));
			break;
		case KITH_OUT_CLOSE:
			l = find_link(n, o->link);
			if (getenv("KITH_SIM_LOG") != NULL)
				fprintf(stderr, "# %8llu %s closes: %s\n", (unsigned long long)n->now_ms, n->node[from].name, o->text);
			if (l != NULL && l->up)
				end_link(n, l, from);
			break;
		case KITH_OUT_DIAL:
			dial(n, from, o->text, o->number);
			break;
		default:
			break;
		}
	}
}

/* ---- a node: what the engine does around federation ---- */

static struct member *
member_of(struct node *nd, const struct kith_id *id)
{
	size_t i;

	for (i = 0; i < nd->groups.n; i++)
		if (kith_id_eq(&nd->groups.v[i].id, id))
			return &nd->groups.v[i];
	return NULL;
}

static struct member *
adopt(struct node *nd, struct kith_group *g)
{
	OK(kith_vec_push(&nd->groups, ((struct member){ *kith_group_id(g), g, 0, true })));
	return &nd->groups.v[nd->groups.n - 1];
}

static struct kith_group *
h_group(void *ctx, struct kith_txn *t, const struct kith_id *id, bool create)
{
	struct node *nd = ctx;
	struct member *m = member_of(nd, id);
	struct kith_group *g;

	if (m == NULL && create) {
		OK(kith_group_open(&nd->env, &nd->self, t, id, &g));
		m = adopt(nd, g);
	}
	if (m != NULL)
		m->touched = true;
	return m == NULL ? NULL : m->g;
}

static bool
h_group_next(void *ctx, size_t *it, struct kith_id *id)
{
	struct node *nd = ctx;

	for (; *it < nd->groups.n; ++*it) {
		if (!kith_group_is_held(nd->groups.v[*it].g))
			continue;
		*id = nd->groups.v[(*it)++].id;
		return true;
	}
	return false;
}

static struct kith_changes *
h_changes(void *ctx)
{
	return &((struct node *)ctx)->changes;
}

static int
h_mail(void *ctx, struct kith_txn *t, struct kith_now at, const struct kith_id *from, uint32_t kind, struct kith_slice payload)
{
	struct node *nd = ctx;

	(void)t, (void)at, (void)from, (void)kind, (void)payload;
	nd->mails += nd->mail_err == KITH_OK;
	return nd->mail_err;
}

static int
h_question(void *ctx, struct kith_txn *t, struct kith_now at, const struct kith_id *from, uint32_t kind, struct kith_slice payload,
    struct kith_buf *answer)
{
	(void)ctx, (void)t, (void)at, (void)from, (void)kind;
	kith_buf_put_slice(answer, payload);
	return payload.n > 0 && payload.p[0] == '?' ? KITH_E_NOTFOUND : KITH_OK;
}

static void
h_answer(void *ctx, struct kith_txn *t, struct kith_now at, uint64_t token, int err, struct kith_slice payload)
{
	(void)t, (void)at, (void)token, (void)payload;
	((struct node *)ctx)->answer = err;
}

static void
h_ephemeral(void *ctx, struct kith_txn *t, struct kith_now at, const struct kith_id *from, struct kith_slice payload)
{
	(void)t, (void)at, (void)from, (void)payload;
	((struct node *)ctx)->fleeting++;
}

static void
h_fetched(void *ctx, struct kith_txn *t, struct kith_now at, const struct kith_id *group, int err)
{
	(void)t, (void)at, (void)group;
	((struct node *)ctx)->fetched = err;
}

/* One batch: begin, something, end. */
struct batch {
	struct net *n;
	struct node *nd;
	struct kith_txn *t;
	struct kith_out out;
};

static struct batch
begin(struct net *n, int node)
{
	struct batch b = { .n = n, .nd = &n->node[node] };

	kith_out_init(&b.out);
	OK(kith_store_begin(b.nd->store, true, &b.t));
	return b;
}

static void
end(struct batch *b)
{
	struct node *nd = b->nd;
	struct kith_now at = now(b->n);
	uint64_t next;
	size_t i;

	for (i = 0; i < nd->groups.n; i++) {
		if (!nd->groups.v[i].touched && nd->groups.v[i].tick_ms > at.mono_ms)
			continue;
		nd->groups.v[i].touched = false;
		OK(kith_group_tick(nd->groups.v[i].g, b->t, at, &nd->changes, &nd->groups.v[i].tick_ms));
		OK(kith_group_sign_tips(nd->groups.v[i].g, b->t));
		if (kith_group_is_held(nd->groups.v[i].g))
			OK(kith_group_flush(nd->groups.v[i].g, b->t));
	}
	OK(kith_fed_push(nd->fed, b->t, at, &nd->changes, &b->out));
	nd->changes.list.n = 0;
	if (kith_fed_deadline_ms(nd->fed) <= at.mono_ms)
		OK(kith_fed_tick(nd->fed, b->t, at, &b->out, &next));
	OK(kith_txn_commit(b->t));
	release(b->n, (int)(nd - b->n->node), &b->out);
	kith_out_fini(&b->out);
}

static uint64_t
deadline(const struct node *nd)
{
	uint64_t next = kith_fed_deadline_ms(nd->fed);
	size_t i;

	for (i = 0; i < nd->groups.n; i++)
		if (nd->groups.v[i].tick_ms < next)
			next = nd->groups.v[i].tick_ms;
	return next;
}

static void
deliver(struct net *n, struct batch *b, const struct event *e)
{
	struct node *nd = b->nd;
	struct link *l = e->kind == EV_DIAL_FAILED ? NULL : find_link(n, e->link);
	uint8_t exporter[32];

	if (e->life != nd->life || ((e->kind == EV_UP || e->kind == EV_FRAME) && (l == NULL || !l->up)))
		return;
	switch (e->kind) {
	case EV_UP:
		memset(exporter, 7, sizeof(exporter));
		kith_put_be64(exporter, e->link);
		OK(kith_fed_link_up(nd->fed, b->t, now(n), e->link, e->token, e->peer < 0 ? exporter : n->node[e->peer].cert, exporter,
		    e->peer < 0 ? "192.0.2.1:9" : n->node[e->peer].address, &b->out));
		break;
	case EV_FRAME:
		OK(kith_fed_frame(nd->fed, b->t, now(n), e->link, e->type, kith_slice_of(e->bytes, e->n), &b->out));
		break;
	case EV_DOWN:
		OK(kith_fed_link_down(nd->fed, b->t, now(n), e->link, &b->out));
		break;
	case EV_DIAL_FAILED:
		OK(kith_fed_dial_failed(nd->fed, b->t, now(n), e->token, "nobody there", &b->out));
		break;
	}
}

/* What has come for a node up to now is one batch, as the engine takes it. */
static void
deliver_all(struct net *n, struct event e)
{
	struct batch b;
	bool alive = n->node[e.node].fed != NULL;
	int node = e.node;

	if (alive)
		b = begin(n, node);
	for (;;) {
		if (alive)
			deliver(n, &b, &e);
		free(e.bytes);
		if (n->events.n == 0 || n->events.v[0].at_ms > n->now_ms || n->events.v[0].node != node)
			break;
		e = take(n);
	}
	if (alive)
		end(&b);
}

/* The next thing to happen, not after max_ms. False: nothing is left to happen until then. */
static bool
step(struct net *n, uint64_t max_ms)
{
	uint64_t at = NET_NODES == 0 ? 0 : UINT64_MAX, d;
	struct event e;
	struct batch b;
	int i, who = -1;

	for (i = 0; i < n->n; i++) {
		d = n->node[i].fed == NULL ? UINT64_MAX : deadline(&n->node[i]);
		if (d < at) {
			at = d;
			who = i;
		}
	}
	if (n->events.n > 0 && n->events.v[0].at_ms <= (at > n->now_ms ? at : n->now_ms)) {
		if (n->events.v[0].at_ms > max_ms)
			return false;
		e = take(n);
		if (e.at_ms > n->now_ms)
			n->now_ms = e.at_ms;
		if (n->node[e.node].stalled && e.kind == EV_FRAME) {
			post(n, e, 50);
			return true;
		}
		deliver_all(n, e);
		return true;
	}
	if (who < 0 || at > max_ms)
		return false;
	/* a node that wants to be woken in the past is woken at the next tick of the clock: nothing spins */
	n->now_ms = at > n->now_ms ? at : n->now_ms + 1;
	b = begin(n, who);
	end(&b);
	return true;
}

void
net_run(struct net *n, uint64_t ms)
{
	uint64_t until = n->now_ms + ms;

	while (n->now_ms < until && step(n, until))
		;
	if (n->now_ms < until)
		n->now_ms = until;
}

bool
net_until(struct net *n, uint64_t max_ms, bool (*ok)(struct net *n, void *arg), void *arg)
{
	uint64_t until = n->now_ms + max_ms, look = n->now_ms;

	while (n->now_ms < until) {
		if (n->now_ms >= look) {
			if (ok(n, arg))
				return true;
			look = n->now_ms + 5;
		}
		if (!step(n, look < until ? look : until))
			n->now_ms = look < until ? look : until;
	}
	return ok(n, arg);
}

/* ---- nodes ---- */

struct net *
net_new(uint64_t seed)
{
	struct net *n = calloc(1, sizeof(*n));
	int i;

	MUST(n != NULL);
	(void)kit_env();
	for (i = 0; i < 4; i++) {
		seed += 0x9e3779b97f4a7c15u;
		n->rnd[i] = (seed ^ seed >> 30) * 0xbf58476d1ce4e5b9u;
	}
	n->next_link = 1;
	n->now_ms = 1000;
	return n;
}

static void
stop(struct node *nd)
{
	size_t i;

	kith_fed_free(nd->fed);
	nd->fed = NULL;
	for (i = 0; i < nd->groups.n; i++)
		kith_group_close(nd->groups.v[i].g);
	kith_vec_fini(&nd->groups);
	kith_changes_fini(&nd->changes);
}

void
net_free(struct net *n)
{
	size_t i;
	int k;

	if (n == NULL)
		return;
	for (k = 0; k < n->n; k++) {
		stop(&n->node[k]);
		kith_store_close(n->node[k].store);
		kith_signer_free(n->node[k].root);
		kith_signer_free(n->node[k].next_root);
		kith_signer_free(n->node[k].sign);
		kith_signer_free(n->node[k].account);
		kith_signer_free(n->node[k].recovery);
		kith_buf_fini(&n->node[k].doc_raw);
	}
	for (i = 0; i < n->events.n; i++)
		free(n->events.v[i].bytes);
	kith_vec_fini(&n->events);
	kith_vec_fini(&n->links);
	free(n);
}

static struct kith_signer *
new_key(struct node *nd)
{
	struct kith_signer *s;
	uint8_t seed[32];

	dice(nd, seed, sizeof(seed));
	OK(kith_signer_from_seed(seed, &s));
	return s;
}

static void
make_node_record(struct node *nd, struct kith_txn *t)
{
	struct kith_node_record last;
	struct kith_node_new r = { .listed = true, .name = nd->name, .n_certs = 1 };
	struct kith_buf raw;

	if (!kith_id_is_none(&nd->self.node)) {
		OK(kith_node_get(t, &nd->self.node, &last));
		if (nd->stolen || (!nd->rotated && (last.n_addrs == 0) == nd->dial_only))
			return;
		r.n = last.n + 1;
		r.node = nd->self.node;
		r.prev = last.id;
	}
	memcpy(r.root_pk, kith_signer_pk(nd->root), 32);
	memcpy(r.sign_pk, kith_signer_pk(nd->sign), 32);
	memcpy(r.cert_pk[0], nd->cert, 32);
	kith_hash(KITH_L_NODE, kith_slice_of(kith_signer_pk(nd->next_root), 32), &r.next_root);
	nd->rotated = false;
	r.addr[0] = nd->address;
	r.n_addrs = nd->dial_only ? 0 : 1;
	kith_buf_init(&raw, 0);
	OK(kith_node_make(&r, nd->root, &raw));
	OK(kith_node_put(&nd->env, t, kith_buf_slice(&raw), &nd->self.node));
	kith_buf_fini(&raw);
}

static void
make_person(struct node *nd)
{
	struct kith_doc_new d = { .home = nd->self.node, .handle = kith_slice_str(nd->name) };
	struct kith_doc doc;

	nd->account = new_key(nd);
	nd->recovery = new_key(nd);
	memcpy(d.account_pk, kith_signer_pk(nd->account), 32);
	memcpy(d.recovery_pk, kith_signer_pk(nd->recovery), 32);
	OK(kith_doc_make(&d, nd->account, nd->recovery, &nd->doc_raw));
	OK(kith_doc_parse(kith_buf_slice(&nd->doc_raw), &doc));
	nd->uid = doc.uid;
	nd->doc = doc.id;
}

void
net_start(struct net *n, int node)
{
	struct node *nd = &n->node[node];
	const char *peer[8], *address[1] = { nd->address };
	struct kith_fed_config conf = { .name = nd->name, .peer = peer, .address = address, .n_addresses = nd->dial_only ? 0 : 1,
		.n_peers = nd->n_peers, .dial_only = nd->dial_only, .full_copies = !nd->sparse };
	struct kith_fed_host host = { .ctx = nd, .group = h_group, .group_next = h_group_next, .changes = h_changes, .mail = h_mail,
		.question = h_question, .answer = h_answer, .ephemeral = h_ephemeral, .fetched = h_fetched };
	struct kith_cursor *c;
	struct kith_slice k, v;
	struct kith_group *g;
	struct kith_id id[64];
	struct kith_txn *t;
	size_t i, n_ids = 0;
	int r;

	MUST(nd->fed == NULL);
	nd->life++;
	for (i = 0; i < nd->n_peers; i++)
		peer[i] = nd->peer[i];
	nd->env = (struct kith_env){ .ctx = nd, .random = dice, .verify = verify, .log = say };
	nd->self.sign = nd->sign;
	nd->self.incarnation = nd->incarnation;
	OK(kith_store_begin(nd->store, true, &t));
	make_node_record(nd, t);
	if (nd->account == NULL)
		make_person(nd);
	OK(kith_cursor_open(t, KITH_T_GROUP, &c));
	for (r = kith_cursor_seek(c, kith_slice_of(NULL, 0), false, &k, &v); r == KITH_OK; r = kith_cursor_step(c, false, &k, &v)) {
		if (k.n != KITH_ID_BYTES)
			continue;
		MUST(n_ids < 64);
		memcpy(id[n_ids++].b, k.p, KITH_ID_BYTES);
	}
	kith_cursor_close(c);
	for (i = 0; i < n_ids; i++) {
		OK(kith_group_open(&nd->env, &nd->self, t, &id[i], &g));
		(void)adopt(nd, g);
	}
	OK(kith_txn_commit(t));
	OK(kith_fed_new(&nd->env, &nd->self, &host, &conf, &nd->fed));
}

int
net_node(struct net *n, const char *name, const int *peers)
{
	struct node *nd = &n->node[n->n];
	struct kith_signer *cert;

	MUST(n->n < NET_NODES);
	nd->net = n;
	nd->fetched = nd->answer = 1;
	nd->incarnation = rnd(n) | 1;
	snprintf(nd->name, sizeof(nd->name), "%s", name);
	snprintf(nd->address, sizeof(nd->address), "127.0.0.1:%d", 7000 + n->n);
	for (; peers != NULL && *peers >= 0; peers++)
		snprintf(nd->peer[nd->n_peers++], sizeof(nd->peer[0]), "127.0.0.1:%d", 7000 + *peers);
	kith_buf_init(&nd->doc_raw, 0);
	OK(kith_store_mem_new(&nd->store));
	nd->root = new_key(nd);
	nd->next_root = new_key(nd);
	nd->sign = new_key(nd);
	cert = new_key(nd);
	memcpy(nd->cert, kith_signer_pk(cert), 32);
	kith_signer_free(cert);
	net_start(n, n->n);
	return n->n++;
}

void
net_dial_only(struct net *n, int node)
{
	n->node[node].dial_only = true;
}

void
net_sparse(struct net *n, int node)
{
	n->node[node].sparse = true;
}

static void
new_keys(struct node *nd)
{
	struct kith_signer *cert = new_key(nd);

	kith_signer_free(nd->sign);
	nd->sign = new_key(nd);
	memcpy(nd->cert, kith_signer_pk(cert), 32);
	kith_signer_free(cert);
}

void
net_rotate(struct net *n, int node, bool root)
{
	struct node *nd = &n->node[node];

	nd->rotated = true;
	if (!root) {
		new_keys(nd);
		return;
	}
	kith_signer_free(nd->root);
	nd->root = nd->next_root;
	nd->next_root = new_key(nd);
}

void
net_steal(struct net *n, int node)
{
	n->node[node].stolen = true;
	new_keys(&n->node[node]);
}

void
net_kill(struct net *n, int node)
{
	size_t i;

	stop(&n->node[node]);
	for (i = 0; i < n->links.n; i++)
		if (n->links.v[i].up && (n->links.v[i].a == node || n->links.v[i].b == node))
			end_link(n, &n->links.v[i], node);
	n->node[node].life++;
}

void
net_cut(struct net *n, int a, int b, bool cut)
{
	struct link *l;
	size_t i;

	n->cut[a][b] = n->cut[b][a] = cut;
	for (i = 0; cut && i < n->links.n; i++) {
		l = &n->links.v[i];
		if (l->up && ((l->a == a && l->b == b) || (l->a == b && l->b == a)))
			end_link(n, l, -2);
	}
}

void
net_cut_all(struct net *n, int node, bool cut)
{
	int i;

	for (i = 0; i < n->n; i++)
		if (i != node)
			net_cut(n, node, i, cut);
}

void net_delay(struct net *n, int node, uint64_t ms) { n->node[node].delay_ms = ms; }
void net_stall(struct net *n, int node, bool stalled) { n->node[node].stalled = stalled; }
struct kith_fed *net_fed(struct net *n, int node) { return n->node[node].fed; }
const struct kith_id *net_id(const struct net *n, int node) { return &n->node[node].self.node; }
const struct kith_id *net_uid(const struct net *n, int node) { return &n->node[node].uid; }
size_t net_queued(const struct net *n, int node) { return n->node[node].queued; }
void net_withhold(struct net *n, int node, uint8_t type, bool on) { n->node[node].withheld[type] = on; }
uint64_t net_frames(const struct net *n, int node, uint8_t type) { return n->node[node].sent[type]; }
int net_fetched(const struct net *n, int node) { return n->node[node].fetched; }
void net_mail_answer(struct net *n, int node, int err) { n->node[node].mail_err = err; }
size_t net_mails(const struct net *n, int node) { return n->node[node].mails; }
int net_answer(const struct net *n, int node) { return n->node[node].answer; }
size_t net_fleeting(const struct net *n, int node) { return n->node[node].fleeting; }

bool
net_peer(struct net *n, int node, int of, struct kith_peer_info *out)
{
	size_t it = 0;

	while (n->node[node].fed != NULL && kith_fed_peer_next(n->node[node].fed, &it, out))
		if (kith_id_eq(&out->node, net_id(n, of)))
			return true;
	return false;
}

bool
net_linked(struct net *n, int a, int b)
{
	struct kith_peer_info x, y;

	return net_peer(n, a, b, &x) && net_peer(n, b, a, &y) && x.linked && y.linked && x.link == y.link;
}

struct kith_slice
net_node_record(struct net *n, int node)
{
	static uint8_t raw[KITH_NODE_MAX];
	uint8_t key[KITH_ID_BYTES + 9] = { 0 };
	struct kith_slice v;
	struct kith_txn *t;

	memcpy(key, net_id(n, node)->b, KITH_ID_BYTES);
	OK(kith_store_begin(n->node[node].store, false, &t));
	OK(kith_txn_get(t, KITH_T_NODE, kith_slice_of(key, sizeof(key)), &v));
	memcpy(raw, v.p, v.n);
	kith_txn_abort(t);
	return kith_slice_of(raw, v.n);
}

struct kith_fed_counters
net_counters(struct net *n, int node)
{
	struct kith_fed_counters c;

	kith_fed_counters(n->node[node].fed, &c);
	return c;
}

static void
send_raw(struct net *n, uint64_t link, int to, uint8_t type, struct kith_slice payload)
{
	struct event e = { .kind = EV_FRAME, .link = link, .node = to, .type = type, .n = payload.n };

	e.bytes = malloc(payload.n > 0 ? payload.n : 1);
	MUST(e.bytes != NULL);
	if (payload.n > 0)
		memcpy(e.bytes, payload.p, payload.n);
	post(n, e, 1);
}

void
net_send(struct net *n, int from, int to, uint8_t type, struct kith_slice payload)
{
	struct kith_peer_info p;

	if (net_peer(n, from, to, &p) && p.linked)
		send_raw(n, p.link, to, type, payload);
}

uint64_t
net_stranger(struct net *n, int to)
{
	struct link l = { .id = n->next_link++, .a = -1, .b = to, .life_b = n->node[to].life, .up = true };
	struct event e = { .kind = EV_UP, .node = to, .link = l.id, .peer = -1 };

	OK(kith_vec_push(&n->links, l));
	post(n, e, 1);
	return l.id;
}

void
net_stranger_send(struct net *n, uint64_t link, uint8_t type, struct kith_slice payload)
{
	send_raw(n, link, find_link(n, link)->b, type, payload);
}

bool
net_stranger_up(const struct net *n, uint64_t link)
{
	const struct link *l = find_link((struct net *)(uintptr_t)n, link);

	return l != NULL && l->up;
}

/* ---- groups ---- */

static struct kith_group *
group_at(struct node *nd, const struct kith_id *group)
{
	struct member *m = member_of(nd, group);

	MUST(m != NULL);
	m->touched = true;
	return m->g;
}

static int
write_one(struct batch *b, struct kith_group *g, struct kith_draft *d, struct kith_id *id)
{
	const char *why = "";
	int r;

	if (d->kind != KITH_K_NODE_JOIN) {
		d->author = b->nd->uid;
		d->doc = b->nd->doc;
		d->account = b->nd->account;
	}
	r = kith_group_write(g, b->t, now(b->n), d, &b->nd->changes, id, NULL, &why);
	if (r != KITH_OK && getenv("KITH_SIM_LOG") != NULL)
		fprintf(stderr, "# %s cannot write kind %u: %d %s\n", b->nd->name, d->kind, r, why);
	return r;
}

static void
arrive(struct batch *b, struct kith_group *g)
{
	struct kith_missings none = { { NULL, 0, 0 } };
	uint8_t copy[KITH_NODE_MAX];
	struct kith_node_record rec;
	struct kith_feed_tip tip;
	struct kith_draft d = { .kind = KITH_K_NODE_JOIN };
	struct kith_op op = { 0 };

	if (kith_group_feed_tip(g, b->t, &kith_scope_roster, &b->nd->self.node, b->nd->self.incarnation, &tip) == KITH_OK)
		return;
	OK(kith_group_object(g, b->t, now(b->n), KITH_O_DOC, kith_buf_slice(&b->nd->doc_raw), true, &b->nd->changes, &none));
	OK(kith_node_get(b->t, &b->nd->self.node, &rec));
	op.node_record = rec.id;
	memcpy(copy, rec.raw.p, rec.raw.n);
	OK(kith_group_object(g, b->t, now(b->n), KITH_O_NODE, kith_slice_of(copy, rec.raw.n), true, &b->nd->changes, &none));
	op.has = KITH_OP_BIT(KITH_OP_NODE_RECORD);
	d.op = &op;
	OK(write_one(b, g, &d, NULL));
	kith_vec_fini(&none.list);
}

static int
join(struct batch *b, struct kith_group *g, const struct kith_id *invite, uint64_t how)
{
	struct kith_draft d = { .kind = KITH_K_JOIN };
	struct kith_op op = { .how = how };

	arrive(b, g);
	op.has = KITH_OP_BIT(KITH_OP_HOW);
	if (invite != NULL) {
		op.invite = *invite;
		op.has |= KITH_OP_BIT(KITH_OP_INVITE);
	}
	d.op = &op;
	return write_one(b, g, &d, NULL);
}

static struct kith_id
panel_new(struct batch *b, struct kith_group *g, bool private_)
{
	struct kith_draft d = { .kind = KITH_K_PANEL_CREATE };
	struct kith_op op = { .private_ = private_ };
	struct kith_id id;

	op.has = KITH_OP_BIT(KITH_OP_PANEL_KIND) | (private_ ? KITH_OP_BIT(KITH_OP_PRIVATE) : 0);
	d.op = &op;
	OK(write_one(b, g, &d, &id));
	return id;
}

static void
put_words(struct kith_buf *b, const struct kith_id *role, const char *const *word, uint32_t n)
{
	uint32_t i;

	kith_mp_put_array(b, 2);
	kith_mp_put_id(b, role);
	kith_mp_put_array(b, n);
	for (i = 0; i < n; i++)
		kith_mp_put_cstr(b, word[i]);
}

struct kith_id
net_group(struct net *n, int node, bool open)
{
	static const char *const words[] = { "invite.create", "message.send", "panel.view" };
	struct batch b = begin(n, node);
	struct kith_draft d = { .kind = KITH_K_CREATE };
	struct kith_op op = { .rules = 1 };
	struct kith_buf implicit;
	struct kith_group *g;
	struct kith_id id;
	const char *why = "";
	uint8_t nonce[16];

	kith_buf_init(&implicit, 0);
	kith_mp_put_array(&implicit, 3);
	put_words(&implicit, &kith_role_member, words, 3);
	put_words(&implicit, &kith_role_guest, words + 1, 2);
	put_words(&implicit, &kith_role_follower, words + 2, 1);
	dice(b.nd, nonce, sizeof(nonce));
	op.founders = &b.nd->uid;
	op.n_founders = 1;
	op.nonce = kith_slice_of(nonce, sizeof(nonce));
	op.implicit = kith_buf_slice(&implicit);
	op.joins = open ? 0 : 1;
	op.has = KITH_OP_BIT(KITH_OP_FOUNDERS) | KITH_OP_BIT(KITH_OP_GROUP_KIND) | KITH_OP_BIT(KITH_OP_RULES) |
	    KITH_OP_BIT(KITH_OP_NONCE) | KITH_OP_BIT(KITH_OP_IMPLICIT) | KITH_OP_BIT(KITH_OP_JOINS);
	OK(kith_ledger_object_put(b.t, &b.nd->doc, KITH_O_DOC, kith_buf_slice(&b.nd->doc_raw)));
	d.author = b.nd->uid;
	d.doc = b.nd->doc;
	d.account = b.nd->account;
	d.op = &op;
	OK(kith_group_create(&b.nd->env, &b.nd->self, b.t, now(n), &d, &b.nd->changes, &g, &why));
	kith_buf_fini(&implicit);
	id = adopt(b.nd, g)->id;
	(void)panel_new(&b, g, false);
	if (!open) {
		struct kith_draft ad = { .kind = KITH_K_ADMIT };
		struct kith_op aop = { .users = &b.nd->uid, .n_users = 1, .has = KITH_OP_BIT(KITH_OP_USERS) };

		ad.op = &aop;
		OK(write_one(&b, g, &ad, NULL));
	}
	OK(join(&b, g, NULL, open ? KITH_HOW_OPEN : KITH_HOW_ADMITTED));
	end(&b);
	return id;
}

struct kith_id
net_panel(struct net *n, int node, const struct kith_id *group)
{
	struct kith_authority *a = kith_group_authority(member_of(&n->node[node], group)->g);
	size_t i;

	for (i = 0; i < kith_authority_count(a); i++)
		if (kith_authority_at(a, (uint32_t)i)->kind == KITH_K_PANEL_CREATE)
			return kith_authority_at(a, (uint32_t)i)->id;
	return kith_id_none;
}

struct kith_id
net_private_panel(struct net *n, int node, const struct kith_id *group, int with)
{
	static const struct kith_slice view = { (const uint8_t *)"panel.view", 10 };
	struct batch b = begin(n, node);
	struct kith_group *g = group_at(b.nd, group);
	struct kith_id id = panel_new(&b, g, true);
	struct kith_draft d = { .kind = KITH_K_PANEL_SET };
	struct kith_op op = { .panel = id, .effect = 1, .perms = &view, .n_perms = 1, .who_user = *net_uid(n, with) };

	op.has = KITH_OP_BIT(KITH_OP_PANEL) | KITH_OP_BIT(KITH_OP_WHO_USER) | KITH_OP_BIT(KITH_OP_EFFECT) | KITH_OP_BIT(KITH_OP_PERMS);
	d.op = &op;
	OK(write_one(&b, g, &d, NULL));
	end(&b);
	return id;
}

struct kith_link
net_invite(struct net *n, int node, const struct kith_id *group, const int *nodes)
{
	struct kith_missings none = { { NULL, 0, 0 } };
	struct batch b = begin(n, node);
	struct kith_invite_new i = { .group = *group, .maker = b.nd->uid, .node = b.nd->self.node, .guests = true };
	struct kith_link l = { .group = *group };
	struct kith_buf raw;
	uint8_t key[64];

	kith_buf_init(&raw, 0);
	dice(b.nd, i.nonce, sizeof(i.nonce));
	dice(b.nd, i.secret, sizeof(i.secret));
	i.made_ms = now(n).wall_ms;
	memcpy(l.secret, i.secret, sizeof(l.secret));
	OK(kith_invite_make(&i, b.nd->sign, &raw, &l.invite));
	OK(kith_group_object(group_at(b.nd, group), b.t, now(n), KITH_O_INVITE, kith_buf_slice(&raw), true, &b.nd->changes, &none));
	memcpy(key, group->b, 32);
	memcpy(key + 32, l.invite.b, 32);
	OK(kith_txn_put(b.t, KITH_T_INVITE, kith_slice_of(key, sizeof(key)), kith_slice_of("x", 1)));
	for (; *nodes >= 0; nodes++) {
		l.node[l.n_nodes].node = *net_id(n, *nodes);
		snprintf(l.node[l.n_nodes].addr[0], sizeof(l.node[0].addr[0]), "%s", n->node[*nodes].address);
		l.node[l.n_nodes++].n_addrs = 1;
	}
	kith_buf_fini(&raw);
	kith_vec_fini(&none.list);
	end(&b);
	return l;
}

void
net_fetch(struct net *n, int node, const struct kith_link *link)
{
	struct batch b = begin(n, node);

	b.nd->fetched = 1;
	OK(kith_fed_fetch_group(b.nd->fed, b.t, now(n), &link->group, link, NULL, &b.out));
	end(&b);
}

void
net_fetch_via(struct net *n, int node, const struct kith_id *group, int via)
{
	struct batch b = begin(n, node);

	b.nd->fetched = 1;
	OK(kith_fed_fetch_group(b.nd->fed, b.t, now(n), group, NULL, net_id(n, via), &b.out));
	end(&b);
}

int
net_join(struct net *n, int node, const struct kith_id *group, const struct kith_link *link)
{
	struct batch b = begin(n, node);
	int r = join(&b, group_at(b.nd, group), link == NULL ? NULL : &link->invite, link == NULL ? KITH_HOW_OPEN : KITH_HOW_INVITE);

	end(&b);
	return r;
}

int
net_post(struct net *n, int node, const struct kith_id *group, const struct kith_id *panel, size_t count, size_t bytes)
{
	struct batch b = begin(n, node);
	struct kith_group *g = group_at(b.nd, group);
	struct kith_buf body;
	char *text = malloc(bytes + 1);
	size_t i;
	int r = KITH_OK;

	MUST(text != NULL);
	memset(text, 'x', bytes);
	text[bytes] = '\0';
	for (i = 0; r == KITH_OK && i < count; i++) {
		struct kith_draft d = { .kind = KITH_K_MESSAGE, .scope = *panel };

		kith_buf_init(&body, 0);
		kith_mp_put_map(&body, 1);
		kith_mp_put_cstr(&body, "text");
		kith_mp_put_cstr(&body, text);
		d.body_map = kith_buf_slice(&body);
		r = write_one(&b, g, &d, NULL);
		kith_buf_fini(&body);
	}
	free(text);
	end(&b);
	return r;
}

int
net_ban_node(struct net *n, int node, const struct kith_id *group, int whom)
{
	struct batch b = begin(n, node);
	struct kith_draft d = { .kind = KITH_K_NODE_BAN, .with_cut = true };
	struct kith_op op = { .node = *net_id(n, whom), .has = KITH_OP_BIT(KITH_OP_NODE) };
	int r;

	d.op = &op;
	r = write_one(&b, group_at(b.nd, group), &d, NULL);
	end(&b);
	return r;
}

/* What a snapshot that came back does: the same place written twice. */
void
net_equivocate(struct net *n, int node, const struct kith_id *group, const struct kith_id *panel, int to_a, int to_b)
{
	struct node *nd = &n->node[node];
	struct kith_buf frame[2];
	struct kith_item *item;
	struct kith_feed_tip tip;
	struct kith_arena *a = kith_arena_new(1u << 22);
	int i, to[2] = { to_a, to_b };
	size_t n_items;

	MUST(a != NULL);
	for (i = 0; i < 2; i++) {
		struct batch b = begin(n, node);
		struct kith_group *g = group_at(nd, group);
		struct kith_draft d = { .kind = KITH_K_MESSAGE, .scope = *panel };
		struct kith_buf body;

		kith_buf_init(&body, 0);
		kith_mp_put_map(&body, 1);
		kith_mp_put_cstr(&body, "text");
		kith_mp_put_cstr(&body, i == 0 ? "one" : "other");
		d.body_map = kith_buf_slice(&body);
		OK(write_one(&b, g, &d, NULL));
		kith_buf_fini(&body);
		OK(kith_group_sign_tips(g, b.t));
		OK(kith_group_feed_tip(g, b.t, panel, &nd->self.node, nd->self.incarnation, &tip));
		OK(kith_group_range(g, b.t, panel, &nd->self.node, nd->self.incarnation, tip.seq, 1, a, &item, &n_items));
		kith_buf_init(&frame[i], 0);
		kith_mp_put_array(&frame[i], 5);
		kith_mp_put_uint(&frame[i], 0);
		kith_mp_put_uint(&frame[i], KITH_CL_LIVE);
		kith_mp_put_id(&frame[i], group);
		kith_mp_put_uint(&frame[i], 0);
		kith_mp_put_array(&frame[i], 1);
		kith_mp_put_array(&frame[i], 3);
		kith_mp_put_bin(&frame[i], item[0].header);
		kith_mp_put_bin(&frame[i], item[0].sig);
		kith_mp_put_bin(&frame[i], item[0].body);
		/* as if it had never happened: groups go with the transaction */
		kith_txn_abort(b.t);
		kith_out_fini(&b.out);
		nd->changes.list.n = 0;
		kith_group_close(g);
		OK(kith_store_begin(nd->store, true, &b.t));
		OK(kith_group_open(&nd->env, &nd->self, b.t, group, &member_of(nd, group)->g));
		OK(kith_txn_commit(b.t));
	}
	for (i = 0; i < 2; i++) {
		net_send(n, node, to[i], KITH_FR_RUN, kith_buf_slice(&frame[i]));
		kith_buf_fini(&frame[i]);
	}
	kith_arena_free(a);
}

struct pair {
	int a, b;
	const struct kith_id *group;
};

static bool
told(struct net *n, void *arg)
{
	return net_fetched(n, ((struct pair *)arg)->a) != 1;
}

static bool
alike(struct net *n, void *arg)
{
	const struct pair *p = arg;

	return net_same(n, p->a, p->b, p->group);
}

void
net_bring(struct net *n, int node, int by, const struct kith_id *group)
{
	int nodes[2] = { by, -1 };
	struct kith_link l = net_invite(n, by, group, nodes);
	struct pair p = { node, by, group };

	net_fetch(n, node, &l);
	MUST(net_until(n, 20000, told, &p));
	OK(net_fetched(n, node));
	OK(net_join(n, node, group, &l));
	MUST(net_until(n, 5000, alike, &p));
}

void
net_want_history(struct net *n, int node, const struct kith_id *group, const struct kith_id *panel, uint64_t before_clock, uint32_t limit)
{
	struct batch b = begin(n, node);

	OK(kith_fed_want_history(b.nd->fed, b.t, now(n), group, panel, before_clock, limit, &b.out));
	end(&b);
}

bool
net_holds(struct net *n, int node, const struct kith_id *group)
{
	struct member *m = member_of(&n->node[node], group);

	return m != NULL && kith_group_is_held(m->g);
}

static struct kith_txn *
look(struct net *n, int node)
{
	struct kith_txn *t;

	OK(kith_store_begin(n->node[node].store, false, &t));
	return t;
}

uint64_t
net_count(struct net *n, int node, const struct kith_id *group, const struct kith_id *scope)
{
	struct member *m = member_of(&n->node[node], group);
	struct kith_txn *t = look(n, node);
	struct kith_feed_tip tip;
	uint64_t sum = 0;
	size_t it = 0;

	while (m != NULL && kith_group_feed_next(m->g, t, &it, &tip))
		if (scope == NULL || kith_id_eq(&tip.scope, scope))
			sum += tip.seq + 1;
	kith_txn_abort(t);
	return sum;
}

size_t
net_in_order(struct net *n, int node, const struct kith_id *group, const struct kith_id *panel)
{
	struct kith_txn *t = look(n, node);
	struct kith_ledger_entry at[1000];
	uint32_t scopeno;
	size_t got = 0;

	if (kith_ledger_scope(t, group, panel, false, &scopeno) == KITH_OK)
		OK(kith_ledger_page(t, scopeno, NULL, true, at, 1000, &got));
	kith_txn_abort(t);
	return got;
}

bool
net_forked(struct net *n, int node, const struct kith_id *group, const struct kith_id *panel)
{
	struct kith_txn *t = look(n, node);
	struct kith_feed_tip tip;
	size_t it = 0;
	bool forked = false;

	while (kith_group_feed_next(member_of(&n->node[node], group)->g, t, &it, &tip))
		forked = forked || (kith_id_eq(&tip.scope, panel) && tip.forked);
	kith_txn_abort(t);
	return forked;
}

static size_t
tips_within(struct net *n, int a, int b, const struct kith_id *group, bool *ok)
{
	struct kith_group *x = member_of(&n->node[a], group)->g, *y = member_of(&n->node[b], group)->g;
	struct kith_txn *t = look(n, a), *u = look(n, b);
	struct kith_feed_tip p, q;
	size_t it = 0, count = 0;

	while (*ok && kith_group_feed_next(x, t, &it, &p)) {
		if (kith_scope_plane(&p.scope) == KITH_PLANE_TIMELINE && !kith_group_node_sees(y, &n->node[b].self.node, &p.scope))
			continue;
		count++;
		*ok = kith_group_feed_tip(y, u, &p.scope, &p.node, p.incarnation, &q) == KITH_OK && p.seq == q.seq &&
		    (p.forked || kith_id_eq(&p.id, &q.id));
	}
	kith_txn_abort(t);
	kith_txn_abort(u);
	return count;
}

bool
net_same(struct net *n, int a, int b, const struct kith_id *group)
{
	struct kith_id x, y;
	bool ok = net_holds(n, a, group) && net_holds(n, b, group);

	if (!ok)
		return false;
	(void)tips_within(n, a, b, group, &ok);
	(void)tips_within(n, b, a, group, &ok);
	if (!ok)
		return false;
	kith_authority_state_hash(kith_group_authority(member_of(&n->node[a], group)->g), &x);
	kith_authority_state_hash(kith_group_authority(member_of(&n->node[b], group)->g), &y);
	return kith_id_eq(&x, &y);
}

void
net_held_by(struct net *n, int node, const struct kith_id *group, const struct kith_id *panel, uint32_t *held, uint32_t *of)
{
	struct batch b = begin(n, node);
	struct kith_feed_tip tip;

	OK(kith_group_feed_tip(group_at(b.nd, group), b.t, panel, &b.nd->self.node, b.nd->self.incarnation, &tip));
	kith_fed_held_by(b.nd->fed, b.t, group, &tip.id, held, of);
	end(&b);
}

/* ---- between nodes ---- */

void
net_mail(struct net *n, int from, int to, uint32_t kind, const char *text)
{
	struct batch b = begin(n, from);

	OK(kith_fed_mail(b.nd->fed, b.t, now(n), net_id(n, to), kind, kith_slice_str(text), &b.out));
	end(&b);
}

void
net_let_in(struct net *n, int from, int to, const struct kith_id *group)
{
	struct batch b = begin(n, from);
	struct kith_buf p;

	kith_buf_init(&p, 0);
	kith_mp_put_array(&p, 1);
	kith_mp_put_id(&p, group);
	OK(kith_fed_mail(b.nd->fed, b.t, now(n), net_id(n, to), KITH_MAIL_GROUP, kith_buf_slice(&p), &b.out));
	kith_buf_fini(&p);
	end(&b);
}

void
net_ask(struct net *n, int from, int to, const char *text, uint64_t timeout_ms)
{
	struct batch b = begin(n, from);

	b.nd->answer = 1;
	OK(kith_fed_ask(b.nd->fed, b.t, now(n), net_id(n, to), KITH_ASK_WHO, kith_slice_str(text), timeout_ms, 1, &b.out));
	end(&b);
}

void
net_typing(struct net *n, int from, const struct kith_id *group, const struct kith_id *panel, int about)
{
	struct batch b = begin(n, from);
	struct kith_buf p;

	kith_buf_init(&p, 0);
	kith_mp_put_array(&p, 2);
	kith_mp_put_id(&p, net_uid(n, about));
	kith_mp_put_cstr(&p, "typing");
	OK(kith_fed_ephemeral(b.nd->fed, b.t, now(n), group, panel, NULL, kith_buf_slice(&p), &b.out));
	kith_buf_fini(&p);
	end(&b);
}
