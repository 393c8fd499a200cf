#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/sign.h"
#include "daemon/log.h"
#include "daemon/machine_inner.h"

/* Engines, and the transactions that they work in. */

#define BATCH_MAX 8192
#define SPACE_EVERY_MS 1000
#define TICK_EVERY_MS 60000
#define FULL_RETRY_MS 5000

static struct kith_now
now(const struct kith_machine *m)
{
	return (struct kith_now){ .mono_ms = m->conf.mono_ms(), .wall_ms = m->conf.wall_ms() };
}

/* ---- messages ---- */

void
machine_msg_free(struct msg *g)
{
	if (g->in.pw.given) {
		kith_wipe(g->data, g->in.params.n);
		kith_wipe(&g->in.pw, sizeof(g->in.pw));
	}
	kith_identity_free(g->renew);
	free(g);
}

/* Who has a WebSocket open, as far as the inputs go that have been taken: engine or not, whatever becomes of them. */
static void
note_conn(struct kith_machine *m, const struct kith_in *in)
{
	struct kith_session *s;
	void *old = NULL;
	uint8_t be[8];
	int r;

	kith_put_be64(be, in->conn);
	if (in->kind == KITH_IN_CONN_DOWN)
		free(kith_map_del(m->conns, kith_slice_of(be, sizeof(be))));
	if (in->kind != KITH_IN_CONN_UP)
		return;
	s = malloc(sizeof(*s));
	if (s == NULL) {
		machine_lost(m);
		return;
	}
	*s = in->session;
	r = kith_map_put(m->conns, kith_slice_of(be, sizeof(be)), s, &old);
	free(r == KITH_OK ? old : s);
	if (r != KITH_OK)
		machine_lost(m);
}

/* ---- one transaction ---- */

static bool
is_stale(const struct kith_machine *m, const struct msg *g)
{
	switch (g->in.kind) {
	case KITH_IN_LINK_UP:
	case KITH_IN_LINK_DOWN:
	case KITH_IN_FRAME:
	case KITH_IN_DIAL_FAILED:
		return g->epoch != m->epoch;
	default:
		return false;
	}
}

/* The inputs from *list on, as many as one transaction takes; *list is then the first that was left. KITH_OK: out may be released. */
static int
transact(struct kith_machine *m, struct msg **list, struct kith_out *out)
{
	struct kith_txn *t = NULL;
	struct msg *g = *list;
	struct timespec a, b;
	uint64_t n = 0;
	int r = kith_store_begin(m->conf.store, true, &t);

	if (r == KITH_OK)
		r = kith_engine_begin(m->e, t);
	if (r == KITH_OK && now(m).mono_ms >= kith_engine_deadline_ms(m->e)) {
		struct kith_in timer = { .kind = KITH_IN_TIMER };

		r = kith_engine_input(m->e, now(m), &timer, out);
	}
	for (; r == KITH_OK && g != NULL && g->renew == NULL && n < BATCH_MAX && !kith_txn_is_large(t); g = g->next) {
		n++;
		note_conn(m, &g->in);
		if (!is_stale(m, g))
			r = kith_engine_input(m->e, now(m), &g->in, out);
	}
	if (r == KITH_OK)
		r = kith_engine_end(m->e, now(m), out);
	if (r == KITH_OK && out->failed)
		r = KITH_E_NOMEM;
	if (r == KITH_OK) {
		clock_gettime(CLOCK_MONOTONIC, &a);
		r = kith_txn_commit(t);
		t = NULL;
		clock_gettime(CLOCK_MONOTONIC, &b);
		atomic_fetch_add(&m->commit_us, (uint64_t)((b.tv_sec - a.tv_sec) * 1000000 + (b.tv_nsec - a.tv_nsec) / 1000));
		/* whatever else went wrong, nobody may try to sync again */
		if (r != KITH_OK && r != KITH_E_FULL)
			r = KITH_E_IO;
	}
	kith_txn_abort(t);
	/* when it failed before the first one, the next batch would too */
	for (; r != KITH_OK && n == 0 && g != NULL && g->renew == NULL; g = g->next)
		note_conn(m, &g->in);
	*list = g;
	atomic_fetch_add(&m->batches, 1);
	atomic_fetch_add(&m->inputs, n);
	if (n > atomic_load(&m->largest))
		atomic_store(&m->largest, n);
	if (r != KITH_OK)
		atomic_fetch_add(&m->failed, 1);
	return r;
}

/* ---- engines ---- */

int
machine_make_engine(struct kith_machine *m)
{
	struct kith_txn *t = NULL;
	struct kith_engine *e = NULL;
	int r = kith_store_begin(m->conf.store, true, &t);

	if (r != KITH_OK)
		return r;
	m->identity->conf.files = m->conf.files;
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
	machine_tell_all(m, KITH_PARCEL_RESET, KITH_E_FULL);
}

/* All open WebSockets as inputs. */
static int
conns_list(struct kith_machine *m, struct msg **list)
{
	struct kith_slice key;
	size_t it = 0;
	void *session;

	while (kith_map_next(m->conns, &it, &key, &session)) {
		struct msg *g = calloc(1, sizeof(*g));

		if (g == NULL)
			return KITH_E_NOMEM;
		g->in.kind = KITH_IN_CONN_UP;
		g->in.conn = kith_get_be64(key.p);
		g->in.session = *(const struct kith_session *)session;
		g->in.has_session = true;
		g->next = *list;
		*list = g;
	}
	return KITH_OK;
}

/*
 * A new engine learns of the WebSockets before anything else happens, and the
 * reactors hear of their channels before anything is pushed: nobody misses
 * anything, nobody hears what is not for them.
 */
static int
introduce(struct kith_machine *m)
{
	struct msg *list = NULL, *first, *g;
	struct kith_out out;
	int r = conns_list(m, &list);

	for (g = list; r == KITH_OK && g != NULL;) {
		first = g;
		kith_out_init(&out);
		r = transact(m, &g, &out);
		if (r == KITH_OK)
			machine_release(m, &out, first, g);
		kith_out_fini(&out);
	}
	while (list != NULL) {
		g = list->next;
		machine_msg_free(list);
		list = g;
	}
	return r;
}

/* From nothing to a new engine, or to read-only. */
static void
begin_anew(struct kith_machine *m)
{
	int r = machine_make_engine(m);

	if (r == KITH_OK) {
		m->epoch++;
		if (atomic_exchange(&m->read_only, false))
			KITH_LOG(INFO, "store", "there is space again: back to writing");
		machine_tell_all(m, KITH_PARCEL_RESET, KITH_OK);
		r = introduce(m);
	}
	if (r == KITH_E_FULL)
		go_read_only(m);
	else if (r != KITH_OK)
		m->conf.fatal(m->conf.arg, kith_err_name(r));
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
	for (struct msg *g = first; g != NULL && g != end; g = g->next) {
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
	machine_release(m, &out, first, end);
	kith_out_fini(&out);
}

/* One transaction over the messages from *list on; those before what *list is then may be freed. */
static void
batch(struct kith_machine *m, struct msg **list)
{
	struct msg *first = *list;
	struct kith_out out;
	int r;

	kith_out_init(&out);
	r = transact(m, list, &out);
	if (r == KITH_OK)
		machine_release(m, &out, first, *list);
	kith_out_fini(&out);
	if (r == KITH_OK)
		return;
	if (r == KITH_E_IO || r == KITH_E_CORRUPT) {
		m->conf.fatal(m->conf.arg, r == KITH_E_IO ? "the disk failed" : "the store is damaged");
		return;
	}
	KITH_LOG(WARN, "engine", "a batch was given up: %s", kith_err_name(r));
	apologise(m, first, *list, r);
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

void
machine_process(struct kith_machine *m, struct msg *list)
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
			for (; g != NULL && g->renew == NULL; g = g->next)
				note_conn(m, &g->in);
			apologise(m, from, g, KITH_E_FULL);
		}
		while (from != g) {
			struct msg *next = from->next;

			machine_msg_free(from);
			from = next;
		}
	} while (g != NULL);
}
