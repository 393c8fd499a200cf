#include "daemon/machine.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"
#include "storage/lmdb.h"

#define INBOX_MAX 16384
#define INBOX_BYTES (64u << 20)
#define INBOX_LONG 4096                  /* from here on reactors read less ... */
#define INBOX_LONG_BYTES (16u << 20)
#define BATCH_MAX 8192
#define BATCH_MS 50
#define SPACE_EVERY_MS 1000
#define TICK_EVERY_MS 60000
#define FULL_RETRY_MS 5000

struct msg {
	struct msg *next;
	struct kith_in in;
	uint64_t epoch;
	size_t cost;
	struct kith_identity *renew;    /* not an input: a new engine */
	uint8_t data[];
};

struct kith_machine {
	struct kith_machine_conf conf;
	struct kith_port *ports;
	struct kith_identity *identity;
	struct kith_engine *e;          /* NULL: read-only */
	struct kith_id node;
	uint64_t epoch, space_ms, tick_ms, retry_ms;
	enum kith_space_level level;

	pthread_t thread;
	bool started;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct msg *first, **last;      /* from here on under lock */
	size_t waiting, bytes;
	bool stop, was_long;

	atomic_bool read_only, is_long;
	atomic_uint_fast64_t batches, inputs, outputs, failed, busy, full, commit_us, largest, disk_total, disk_free, map_used, map_size;
};

static struct kith_now
now(const struct kith_machine *m)
{
	return (struct kith_now){ .mono_ms = m->conf.mono_ms(), .wall_ms = m->conf.wall_ms() };
}

/* ---- what reactors get ---- */

void
kith_delivery_free(struct kith_delivery *d)
{
	if (d == NULL)
		return;
	for (size_t i = 0; i < d->list.n; i++) {
		struct kith_parcel *it = &d->list.v[i];

		/* replies may carry a token */
		if (it->o.kind == KITH_OUT_REPLY && it->o.bytes != NULL)
			kith_wipe(it->o.bytes, it->o.n);
		free(it->o.bytes);
		free(it->o.text);
		kith_push_unref(it->push);
	}
	kith_vec_fini(&d->list);
	free(d);
}

static struct kith_parcel *
item(struct kith_delivery **ds, size_t port, enum kith_parcel_kind kind)
{
	struct kith_parcel *it;

	if (ds[port] == NULL) {
		ds[port] = calloc(1, sizeof(*ds[port]));
		if (ds[port] == NULL)
			return NULL;
	}
	if (kith_vec_grow(&ds[port]->list) != KITH_OK)
		return NULL;
	it = &ds[port]->list.v[ds[port]->list.n - 1];
	memset(it, 0, sizeof(*it));
	it->kind = kind;
	return it;
}

/* What was committed cannot be told: nobody may go on believing anything. */
static void
lost(struct kith_machine *m)
{
	m->conf.fatal(m->conf.arg, "out of memory after a commit");
}

static void
post_all(struct kith_machine *m, struct kith_delivery **ds)
{
	for (size_t i = 0; i < m->conf.n_ports; i++) {
		if (ds[i] == NULL)
			continue;
		ds[i]->to = m->ports[i].arg;
		if (m->ports[i].post(m->ports[i].arg, ds[i]) != KITH_OK)
			lost(m);
		ds[i] = NULL;
	}
}

static size_t
port_of(const struct kith_machine *m, const struct kith_output *o)
{
	uint64_t id;

	switch (o->kind) {
	case KITH_OUT_SEND:
	case KITH_OUT_CLOSE:
	case KITH_OUT_TRUST:
		id = o->link;
		break;
	case KITH_OUT_DIAL:
		return 0;
	case KITH_OUT_CONTROL:
		return m->conf.n_ports - 1;
	default:
		id = o->conn;
		break;
	}
	return (size_t)(id >> 56);
}

static bool
put_push(struct kith_machine *m, struct kith_delivery **ds, const struct kith_output *o)
{
	struct kith_push *p = kith_push_new(o);
	size_t from = 0, to = m->conf.n_ports - 1;
	bool ok = p != NULL;

	if (kith_id_is_none(&o->channel)) {
		from = port_of(m, o);
		to = from < m->conf.n_ports - 1 ? from + 1 : from;
	}
	for (size_t i = from; ok && i < to; i++) {
		struct kith_parcel *it = item(ds, i, KITH_PARCEL_PUSH);

		ok = it != NULL;
		if (ok) {
			it->push = kith_push_ref(p);
			it->o.kind = KITH_OUT_PUSH;
			it->o.channel = o->channel;
			it->o.conn = o->conn;
		}
	}
	kith_push_unref(p);
	return ok;
}

/* Takes what is in out, and notes which frames have been dealt with. */
static void
release(struct kith_machine *m, struct kith_out *out, struct msg *done, const struct msg *end)
{
	struct kith_delivery **ds = calloc(m->conf.n_ports, sizeof(struct kith_delivery *));
	bool ok = ds != NULL;

	for (size_t i = 0; ok && i < out->list.n; i++) {
		struct kith_output *o = &out->list.v[i];
		size_t port = port_of(m, o);
		struct kith_parcel *it;

		if (o->kind == KITH_OUT_PUSH) {
			ok = put_push(m, ds, o);
			continue;
		}
		if (port >= m->conf.n_ports)
			continue;
		it = item(ds, port, KITH_PARCEL_OUTPUT);
		ok = it != NULL;
		if (ok) {
			it->o = *o;
			o->bytes = NULL;
			o->text = NULL;
		}
	}
	atomic_fetch_add(&m->outputs, out->list.n);
	for (; ok && done != end; done = done->next) {
		size_t port = (size_t)(done->in.link >> 56);
		struct kith_parcel *it = NULL;

		if (done->renew != NULL || done->in.kind != KITH_IN_FRAME || port >= m->conf.n_ports - 1)
			continue;
		if (ds[port] != NULL && ds[port]->list.n > 0)
			it = &ds[port]->list.v[ds[port]->list.n - 1];
		if (it == NULL || it->kind != KITH_PARCEL_TAKEN || it->o.link != done->in.link) {
			it = item(ds, port, KITH_PARCEL_TAKEN);
			ok = it != NULL;
			if (!ok)
				break;
			it->o.link = done->in.link;
		}
		it->o.number += done->in.bytes.n;
	}
	if (ok)
		post_all(m, ds);
	else
		lost(m);
	free(ds);
}

static void
tell_all(struct kith_machine *m, enum kith_parcel_kind kind, int err)
{
	struct kith_delivery **ds = calloc(m->conf.n_ports, sizeof(struct kith_delivery *));
	bool ok = ds != NULL;

	for (size_t i = 0; ok && i + 1 < m->conf.n_ports; i++) {
		struct kith_parcel *it = item(ds, i, kind);

		ok = it != NULL;
		if (ok) {
			it->o.number = m->epoch;
			it->o.err = err;
		}
	}
	if (ok)
		post_all(m, ds);
	else
		lost(m);
	free(ds);
}

/* ---- engines ---- */

static int
make_engine(struct kith_machine *m)
{
	struct kith_txn *t = NULL;
	struct kith_engine *e = NULL;
	int r = kith_store_begin(m->conf.store, true, &t);

	if (r != KITH_OK)
		return r;
	r = kith_engine_new(m->conf.env, m->conf.store, t, now(m), &m->identity->conf, &e);
	if (r != KITH_OK) {
		kith_txn_abort(t);
		return r;
	}
	r = kith_txn_commit(t);
	if (r != KITH_OK) {
		kith_engine_free(e);
		return r;
	}
	m->e = e;
	m->node = *kith_engine_node(e);
	return KITH_OK;
}

static void
drop_engine(struct kith_machine *m)
{
	kith_engine_free(m->e);
	m->e = NULL;
}

static void
go_read_only(struct kith_machine *m)
{
	drop_engine(m);
	m->epoch++;
	m->retry_ms = m->conf.mono_ms() + FULL_RETRY_MS;
	if (!atomic_exchange(&m->read_only, true))
		KITH_LOG(ERROR, "store", "the disk is full: reading goes on, nothing is written and peers are kept off until there is space");
	tell_all(m, KITH_PARCEL_RESET, KITH_E_FULL);
}

/* From nothing to a new engine, or to read-only. */
static void
begin_anew(struct kith_machine *m)
{
	int r = make_engine(m);

	if (r == KITH_E_FULL) {
		go_read_only(m);
		return;
	}
	if (r != KITH_OK) {
		m->conf.fatal(m->conf.arg, kith_err_name(r));
		return;
	}
	m->epoch++;
	if (atomic_exchange(&m->read_only, false))
		KITH_LOG(INFO, "store", "there is space again: back to writing");
	tell_all(m, KITH_PARCEL_RESET, KITH_OK);
}

static void
look_at_space(struct kith_machine *m)
{
	struct kith_lmdb_space s;
	uint64_t t = m->conf.mono_ms();

	if (!m->conf.lmdb)
		return;
	if (t >= m->tick_ms) {
		m->tick_ms = t + TICK_EVERY_MS;
		if (kith_store_lmdb_tick(m->conf.store) != KITH_OK)
			m->conf.fatal(m->conf.arg, "the store cannot be tended");
	}
	if (t < m->space_ms || kith_store_lmdb_space(m->conf.store, &s) != KITH_OK)
		return;
	m->space_ms = t + SPACE_EVERY_MS;
	atomic_store(&m->disk_total, s.total);
	atomic_store(&m->disk_free, s.free);
	atomic_store(&m->map_used, s.map_used);
	atomic_store(&m->map_size, s.map_size);
	if (s.level != m->level && s.level == KITH_SPACE_WARN)
		KITH_LOG(WARN, "store", "less than a tenth of the disk is free");
	if (s.level != m->level && s.level == KITH_SPACE_NO_MEDIA)
		KITH_LOG(WARN, "store", "the disk is nearly full");
	m->level = s.level;
	if (s.level == KITH_SPACE_READ_ONLY && m->e != NULL)
		go_read_only(m);
	else if (s.level != KITH_SPACE_READ_ONLY && m->e == NULL && t >= m->retry_ms)
		begin_anew(m);
}

/* ---- batches ---- */

static void
msg_free(struct msg *g)
{
	if (g->in.pw.given) {
		kith_wipe(g->data, g->in.params.n);
		kith_wipe(&g->in.pw, sizeof(g->in.pw));
	}
	kith_identity_free(g->renew);
	free(g);
}

/* Inputs from first up to end did not happen: say so to those who wait for an answer. */
static void
apologise(struct kith_machine *m, struct msg *first, const struct msg *end, int err)
{
	struct kith_out out;
	static const uint8_t name_full[] = { 0x81, 0xa4, 'n', 'a', 'm', 'e', 0xac, 's', 't', 'o', 'r', 'a', 'g', 'e', '_', 'f', 'u', 'l', 'l' };
	static const uint8_t name_busy[] = { 0x81, 0xa4, 'n', 'a', 'm', 'e', 0xa4, 'b', 'u', 's', 'y' };
	bool full = err == KITH_E_FULL;
	const char *why = full ? "the disk of this node is full: it only reads until there is space" :
	    "this node could not do that just now, try again";

	kith_out_init(&out);
	for (struct msg *g = first; g != end; g = g->next) {
		struct kith_output *o;

		if (g->renew != NULL || (g->in.kind != KITH_IN_CALL && g->in.kind != KITH_IN_CONTROL))
			continue;
		o = kith_out_add(&out, g->in.kind == KITH_IN_CALL ? KITH_OUT_REPLY : KITH_OUT_CONTROL);
		if (o == NULL)
			break;
		o->conn = g->in.conn;
		o->number = g->in.number;
		o->err = full ? KITH_E_FULL : KITH_E_BUSY;
		if (g->in.kind == KITH_IN_CALL)
			kith_output_bytes(&out, o, full ? kith_slice_of(name_full, sizeof(name_full)) : kith_slice_of(name_busy, sizeof(name_busy)));
		kith_output_text(&out, o, why);
		if (full)
			atomic_fetch_add(&m->full, 1);
	}
	release(m, &out, first, end);
	kith_out_fini(&out);
}

static bool
is_stale(const struct kith_machine *m, const struct msg *g)
{
	switch (g->in.kind) {
	case KITH_IN_CALL:
	case KITH_IN_CONTROL:
	case KITH_IN_TIMER:
		return false;
	default:
		return g->epoch != m->epoch;
	}
}

/* One transaction over the messages from *list on; *list is then the first that was left. Those before it may be freed. */
static void
batch(struct kith_machine *m, struct msg **list)
{
	struct msg *first = *list, *g = first;
	struct kith_txn *t = NULL;
	struct kith_out out;
	uint64_t began, n = 0;
	bool fatal = false;
	int r;

	kith_out_init(&out);
	r = kith_store_begin(m->conf.store, true, &t);
	if (r == KITH_OK)
		r = kith_engine_begin(m->e, t);
	if (r == KITH_OK && now(m).mono_ms >= kith_engine_deadline_ms(m->e)) {
		struct kith_in timer = { .kind = KITH_IN_TIMER };

		r = kith_engine_input(m->e, now(m), &timer, &out);
	}
	began = m->conf.mono_ms();
	for (; r == KITH_OK && g != NULL && g->renew == NULL && n < BATCH_MAX && !kith_txn_is_large(t); g = g->next) {
		/* whoever waits for this batch, or for what it brings, waits no longer than this */
		if (n > 0 && m->conf.mono_ms() - began >= BATCH_MS)
			break;
		n++;
		if (is_stale(m, g))
			continue;
		r = kith_engine_input(m->e, now(m), &g->in, &out);
	}
	if (r == KITH_OK)
		r = kith_engine_end(m->e, now(m), &out);
	if (r == KITH_OK && out.failed)
		r = KITH_E_NOMEM;
	if (r == KITH_OK) {
		struct timespec a, b;

		clock_gettime(CLOCK_MONOTONIC, &a);
		r = kith_txn_commit(t);
		t = NULL;
		clock_gettime(CLOCK_MONOTONIC, &b);
		began = (uint64_t)(b.tv_sec - a.tv_sec) * 1000000 + (uint64_t)((b.tv_nsec - a.tv_nsec) / 1000);
		atomic_fetch_add(&m->commit_us, began);
		fatal = r != KITH_OK && r != KITH_E_FULL;
	}
	kith_txn_abort(t);
	/* when it failed before the first one, the next batch would too */
	for (; r != KITH_OK && n == 0 && g != NULL && g->renew == NULL; g = g->next)
		;
	*list = g;
	atomic_fetch_add(&m->batches, 1);
	atomic_fetch_add(&m->inputs, n);
	if (n > atomic_load(&m->largest))
		atomic_store(&m->largest, n);
	if (r == KITH_OK) {
		release(m, &out, first, g);
		kith_out_fini(&out);
		return;
	}
	kith_out_fini(&out);
	atomic_fetch_add(&m->failed, 1);
	if (fatal || r == KITH_E_IO || r == KITH_E_CORRUPT) {
		m->conf.fatal(m->conf.arg, fatal ? "a commit failed" : r == KITH_E_IO ? "the disk failed" : "the store is damaged");
		return;
	}
	KITH_LOG(WARN, "engine", "a batch of %llu inputs was given up: %s", (unsigned long long)n, kith_err_name(r));
	apologise(m, first, g, r);
	drop_engine(m);
	if (r == KITH_E_FULL)
		go_read_only(m);
	else
		begin_anew(m);
}

static void
renew(struct kith_machine *m, struct msg *g)
{
	struct kith_identity *old = m->identity;

	drop_engine(m);
	m->identity = g->renew;
	g->renew = NULL;
	if (!atomic_load(&m->read_only))
		begin_anew(m);
	kith_identity_free(old);
}

static void
process(struct kith_machine *m, struct msg *list)
{
	struct msg *g = list, *from;

	look_at_space(m);
	do {
		from = g;
		if (g != NULL && g->renew != NULL) {
			renew(m, g);
			g = g->next;
		} else if (m->e != NULL) {
			if (g != NULL || m->conf.mono_ms() >= kith_engine_deadline_ms(m->e))
				batch(m, &g);
		} else {
			while (g != NULL && g->renew == NULL)
				g = g->next;
			apologise(m, from, g, KITH_E_FULL);
		}
		while (from != g) {
			struct msg *next = from->next;

			msg_free(from);
			from = next;
		}
	} while (g != NULL);
}

/* ---- the inbox ---- */

static struct msg *
take_all(struct kith_machine *m, bool *resume)
{
	struct msg *list = m->first;

	m->first = NULL;
	m->last = &m->first;
	m->waiting = m->bytes = 0;
	*resume = m->was_long;
	m->was_long = false;
	atomic_store(&m->is_long, false);
	return list;
}

static void *
run(void *arg)
{
	struct kith_machine *m = arg;
	bool resume;

	pthread_mutex_lock(&m->lock);
	while (!m->stop) {
		uint64_t at = m->conf.mono_ms(), until = at + SPACE_EVERY_MS;
		struct msg *list;

		if (m->e != NULL && kith_engine_deadline_ms(m->e) < until)
			until = kith_engine_deadline_ms(m->e);
		while (m->first == NULL && !m->stop && at < until) {
			struct timespec ts = { .tv_sec = (time_t)(until / 1000), .tv_nsec = (long)(until % 1000) * 1000000 };

			pthread_cond_timedwait(&m->wake, &m->lock, &ts);
			at = m->conf.mono_ms();
		}
		if (m->stop)
			break;
		list = take_all(m, &resume);
		pthread_mutex_unlock(&m->lock);
		process(m, list);
		if (resume)
			tell_all(m, KITH_PARCEL_RESUME, KITH_OK);
		pthread_mutex_lock(&m->lock);
	}
	pthread_mutex_unlock(&m->lock);
	return NULL;
}

void
kith_machine_turn(struct kith_machine *m)
{
	struct msg *list;
	bool resume;

	pthread_mutex_lock(&m->lock);
	list = take_all(m, &resume);
	pthread_mutex_unlock(&m->lock);
	process(m, list);
	if (resume)
		tell_all(m, KITH_PARCEL_RESUME, KITH_OK);
}

static int
put(struct kith_machine *m, struct msg *g, bool must)
{
	pthread_mutex_lock(&m->lock);
	if (m->stop || (!must && (m->waiting >= INBOX_MAX || m->bytes + g->cost > INBOX_BYTES))) {
		pthread_mutex_unlock(&m->lock);
		msg_free(g);
		atomic_fetch_add(&m->busy, 1);
		return KITH_E_BUSY;
	}
	*m->last = g;
	m->last = &g->next;
	m->waiting++;
	m->bytes += g->cost;
	if (m->waiting >= INBOX_LONG || m->bytes >= INBOX_LONG_BYTES) {
		m->was_long = true;
		atomic_store(&m->is_long, true);
	}
	pthread_cond_signal(&m->wake);
	pthread_mutex_unlock(&m->lock);
	return KITH_OK;
}

int
kith_machine_submit(struct kith_machine *m, const struct kith_in *in, uint64_t epoch)
{
	size_t n_text = in->text != NULL ? strlen(in->text) + 1 : 0, total;
	struct msg *g;
	uint8_t *p;

	if (in->kind == KITH_IN_CALL && atomic_load(&m->read_only)) {
		atomic_fetch_add(&m->full, 1);
		return KITH_E_FULL;
	}
	if (!kith_size_add(sizeof(*g), in->params.n, &total) || !kith_size_add(total, in->bytes.n, &total) ||
	    !kith_size_add(total, n_text, &total))
		return KITH_E_NOMEM;
	g = malloc(total);
	if (g == NULL)
		return KITH_E_NOMEM;
	g->next = NULL;
	g->renew = NULL;
	g->in = *in;
	g->epoch = epoch;
	g->cost = total;
	p = g->data;
	if (in->params.n > 0)
		memcpy(p, in->params.p, in->params.n);
	g->in.params.p = p;
	p += in->params.n;
	if (in->bytes.n > 0)
		memcpy(p, in->bytes.p, in->bytes.n);
	g->in.bytes.p = p;
	p += in->bytes.n;
	if (n_text > 0) {
		memcpy(p, in->text, n_text);
		g->in.text = (const char *)p;
	}
	return put(m, g, in->kind != KITH_IN_CALL && in->kind != KITH_IN_FRAME && in->kind != KITH_IN_CONTROL);
}

int
kith_machine_renew(struct kith_machine *m, struct kith_identity *take_identity)
{
	struct msg *g = calloc(1, sizeof(*g));

	if (g == NULL) {
		kith_identity_free(take_identity);
		return KITH_E_NOMEM;
	}
	g->renew = take_identity;
	return put(m, g, true);
}

bool
kith_machine_is_long(struct kith_machine *m)
{
	return atomic_load(&m->is_long);
}

bool
kith_machine_is_read_only(struct kith_machine *m)
{
	return atomic_load(&m->read_only);
}

struct kith_id
kith_machine_node(struct kith_machine *m)
{
	return m->node;
}

void
kith_machine_counters(struct kith_machine *m, struct kith_machine_counters *out)
{
	out->batches = atomic_load(&m->batches);
	out->inputs = atomic_load(&m->inputs);
	out->outputs = atomic_load(&m->outputs);
	out->failed_batches = atomic_load(&m->failed);
	out->refused_busy = atomic_load(&m->busy);
	out->refused_full = atomic_load(&m->full);
	out->commit_us = atomic_load(&m->commit_us);
	out->largest_batch = atomic_load(&m->largest);
	out->disk_total = atomic_load(&m->disk_total);
	out->disk_free = atomic_load(&m->disk_free);
	out->map_used = atomic_load(&m->map_used);
	out->map_size = atomic_load(&m->map_size);
	pthread_mutex_lock(&m->lock);
	out->waiting = m->waiting;
	out->waiting_bytes = m->bytes;
	pthread_mutex_unlock(&m->lock);
}

/* ---- begin and end ---- */

void
kith_identity_free(struct kith_identity *id)
{
	if (id == NULL)
		return;
	for (size_t i = 0; i < id->n_peer; i++)
		free(id->peer[i]);
	for (size_t i = 0; i < id->n_address; i++)
		free(id->address[i]);
	free(id->peer);
	free(id->address);
	kith_keys_fini(&id->keys);
	kith_wipe(&id->conf, sizeof(id->conf));
	free(id);
}

int
kith_machine_new(const struct kith_machine_conf *conf, struct kith_machine **out, struct kith_diag *d)
{
	struct kith_machine *m = calloc(1, sizeof(*m));
	pthread_condattr_t attr;
	int r = KITH_E_NOMEM;

	if (m == NULL) {
		kith_identity_free(conf->take_identity);
		kith_diag_set(d, "out of memory");
		return KITH_E_NOMEM;
	}
	m->conf = *conf;
	m->identity = conf->take_identity;
	m->last = &m->first;
	m->epoch = 1;
	pthread_mutex_init(&m->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&m->wake, &attr);
	pthread_condattr_destroy(&attr);
	m->ports = calloc(conf->n_ports, sizeof(*m->ports));
	if (m->ports != NULL) {
		memcpy(m->ports, conf->ports, conf->n_ports * sizeof(*m->ports));
		r = make_engine(m);
	}
	if (r == KITH_OK) {
		*out = m;
		return KITH_OK;
	}
	kith_diag_set(d, "%s", r == KITH_E_FULL ? "the disk is full: there is no room to begin" :
	    r == KITH_E_CORRUPT ? "what the store says about this node does not fit its keys, or is damaged" :
	    r == KITH_E_MISSING ? "root.key and next-root.key are needed to begin" :
	    r == KITH_E_NOMEM ? "out of memory" : "the store cannot be read");
	kith_machine_free(m);
	return r;
}

int
kith_machine_start(struct kith_machine *m)
{
	if (pthread_create(&m->thread, NULL, run, m) != 0)
		return KITH_E_NOMEM;
	pthread_setname_np(m->thread, "engine");
	m->started = true;
	return KITH_OK;
}

void
kith_machine_stop(struct kith_machine *m)
{
	pthread_mutex_lock(&m->lock);
	m->stop = true;
	pthread_cond_broadcast(&m->wake);
	pthread_mutex_unlock(&m->lock);
	if (m->started)
		pthread_join(m->thread, NULL);
	m->started = false;
}

void
kith_machine_free(struct kith_machine *m)
{
	struct msg *g;

	if (m == NULL)
		return;
	kith_assert(!m->started);
	while ((g = m->first) != NULL) {
		m->first = g->next;
		msg_free(g);
	}
	drop_engine(m);
	kith_identity_free(m->identity);
	free(m->ports);
	pthread_cond_destroy(&m->wake);
	pthread_mutex_destroy(&m->lock);
	free(m);
}
