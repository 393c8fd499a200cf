#include "daemon/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/machine_inner.h"
#include "daemon/strings.h"

/* The inbox, the thread, begin and end. */

#define INBOX_MAX 16384
#define INBOX_BYTES (64u << 20)
#define INBOX_LONG 4096                 /* from here on reactors read less */
#define INBOX_LONG_BYTES (16u << 20)
#define PEERS_AT_ONCE 512               /* inputs about links in one batch */
#define PEERS_BYTES (2u << 20)
#define WAKE_EVERY_MS 1000              /* to look at the disk */

static bool
is_long(const struct kith_machine *m)
{
	return m->waiting >= INBOX_LONG || m->bytes >= INBOX_LONG_BYTES;
}

/* All that people want, and then of what peers say as much as lets people wait no longer than they notice. */
static struct msg *
take_some(struct kith_machine *m, bool *resume)
{
	struct msg *list = m->first, *g, **end = m->first != NULL ? m->last : &list;
	size_t n, bytes = 0;

	m->first = NULL;
	m->last = &m->first;
	*end = m->peer;
	for (n = 0; n < PEERS_AT_ONCE && bytes < PEERS_BYTES && *end != NULL; n++) {
		bytes += (*end)->cost;
		end = &(*end)->next;
	}
	m->peer = *end;
	if (m->peer == NULL)
		m->last_peer = &m->peer;
	*end = NULL;
	for (g = list; g != NULL; g = g->next) {
		m->waiting--;
		m->bytes -= g->cost;
	}
	*resume = m->was_long && !is_long(m);
	if (*resume) {
		m->was_long = false;
		atomic_store(&m->is_long, false);
	}
	return list;
}

static void *
run(void *arg)
{
	struct kith_machine *m = arg;
	bool resume;

	pthread_mutex_lock(&m->lock);
	while (!m->stop) {
		uint64_t at = m->conf.mono_ms(), until = at + WAKE_EVERY_MS;
		struct msg *list;

		if (m->e != NULL && kith_engine_deadline_ms(m->e) < until)
			until = kith_engine_deadline_ms(m->e);
		while (m->first == NULL && m->peer == NULL && !m->stop && at < until) {
			struct timespec ts = { .tv_sec = (time_t)(until / 1000), .tv_nsec = (long)(until % 1000) * 1000000 };

			pthread_cond_timedwait(&m->wake, &m->lock, &ts);
			at = m->conf.mono_ms();
		}
		if (m->stop)
			break;
		list = take_some(m, &resume);
		pthread_mutex_unlock(&m->lock);
		machine_process(m, list);
		if (resume)
			machine_tell_all(m, KITH_PARCEL_RESUME, KITH_OK);
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
	list = take_some(m, &resume);
	pthread_mutex_unlock(&m->lock);
	machine_process(m, list);
	if (resume)
		machine_tell_all(m, KITH_PARCEL_RESUME, KITH_OK);
}

static bool
about_links(const struct msg *g)
{
	return g->renew == NULL && (g->in.kind == KITH_IN_LINK_UP || g->in.kind == KITH_IN_LINK_DOWN || g->in.kind == KITH_IN_FRAME ||
	    g->in.kind == KITH_IN_DIAL_FAILED);
}

static int
put(struct kith_machine *m, struct msg *g, bool must)
{
	pthread_mutex_lock(&m->lock);
	if (m->stop || (!must && (m->waiting >= INBOX_MAX || m->bytes + g->cost > INBOX_BYTES))) {
		pthread_mutex_unlock(&m->lock);
		machine_msg_free(g);
		atomic_fetch_add(&m->busy, 1);
		return KITH_E_BUSY;
	}
	if (about_links(g)) {
		*m->last_peer = g;
		m->last_peer = &g->next;
	} else {
		*m->last = g;
		m->last = &g->next;
	}
	m->waiting++;
	m->bytes += g->cost;
	if (is_long(m)) {
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
	return put(m, g, in->kind == KITH_IN_CONN_UP || in->kind == KITH_IN_CONN_DOWN || in->kind == KITH_IN_LINK_UP ||
	    in->kind == KITH_IN_LINK_DOWN || in->kind == KITH_IN_DIAL_FAILED);
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

size_t
kith_machine_waiting(struct kith_machine *m)
{
	size_t n;

	pthread_mutex_lock(&m->lock);
	n = m->waiting;
	pthread_mutex_unlock(&m->lock);
	return n;
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
	kith_strings_free(id->peer);
	kith_strings_free(id->address);
	kith_strings_free(id->refuse);
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
	m->last_peer = &m->peer;
	m->epoch = 1;
	pthread_mutex_init(&m->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&m->wake, &attr);
	pthread_condattr_destroy(&attr);
	m->ports = calloc(conf->n_ports, sizeof(*m->ports));
	m->conns = kith_map_new();
	if (m->ports != NULL && m->conns != NULL) {
		memcpy(m->ports, conf->ports, conf->n_ports * sizeof(*m->ports));
		r = machine_make_engine(m);
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
	struct msg *list, *g;
	bool resume;

	if (m == NULL)
		return;
	kith_assert(!m->started);
	while ((list = take_some(m, &resume)) != NULL) {
		while ((g = list) != NULL) {
			list = g->next;
			machine_msg_free(g);
		}
	}
	kith_engine_free(m->e);
	if (m->conns != NULL)
		kith_map_free(m->conns, free);
	kith_identity_free(m->identity);
	free(m->ports);
	pthread_cond_destroy(&m->wake);
	pthread_mutex_destroy(&m->lock);
	free(m);
}
