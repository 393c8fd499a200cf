#include "federation/fed.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Wiring: calls from outside, frames to their handlers, time. */
#define PURGE_MS (10 * FED_MIN_MS)
#define ARENA_MAX (64u << 20)

void
kith_fed_log(const struct kith_fed *f, int level, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (f->env->log == NULL)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	f->env->log(f->env->ctx, level, "federation", text);
}

uint64_t
kith_fed_random(const struct kith_fed *f)
{
	uint8_t b[8];

	f->env->random(f->env->ctx, b, sizeof(b));
	return kith_get_be64(b);
}

bool
kith_fed_is_fatal(int r)
{
	return r == KITH_E_NOMEM || r == KITH_E_FULL || r == KITH_E_IO || r == KITH_E_CORRUPT;
}

struct kith_slice
kith_fed_u64(uint8_t key[8], uint64_t v)
{
	kith_put_be64(key, v);
	return kith_slice_of(key, 8);
}

/* ---- a life ---- */

static int
copy_conf(struct kith_fed *f, const struct kith_fed_config *conf)
{
	size_t i;

	f->full_copies = conf->full_copies;
	f->conf_peer = calloc(conf->n_peers > 0 ? conf->n_peers : 1, sizeof(f->conf_peer[0]));
	if (f->conf_peer == NULL)
		return KITH_E_NOMEM;
	for (i = 0; i < conf->n_peers; i++) {
		if (strlen(conf->peer[i]) >= sizeof(f->conf_peer[0]))
			continue;
		memcpy(f->conf_peer[f->n_conf_peers++], conf->peer[i], strlen(conf->peer[i]) + 1);
		f->reach |= (unsigned)kith_fed_reach(conf->peer[i]);
	}
	f->refuse = calloc(conf->n_refuse > 0 ? conf->n_refuse : 1, sizeof(f->refuse[0]));
	if (f->refuse == NULL)
		return KITH_E_NOMEM;
	for (i = 0; i < conf->n_refuse; i++) {
		if (strlen(conf->refuse[i]) < sizeof(f->refuse[0]))
			memcpy(f->refuse[f->n_refuse++], conf->refuse[i], strlen(conf->refuse[i]) + 1);
	}
	for (i = 0; i < conf->n_addresses; i++)
		f->reach |= (unsigned)kith_fed_reach(conf->address[i]);
	return KITH_OK;
}

int
kith_fed_new(const struct kith_env *env, const struct kith_self *self, const struct kith_fed_host *host, const struct kith_fed_config *conf,
    struct kith_fed **out)
{
	struct kith_fed *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return KITH_E_NOMEM;
	f->env = env;
	f->self = self;
	f->host = *host;
	f->ask_ms = f->fetch_ms = NEVER;
	kith_buf_init(&f->frame, 0);
	kith_buf_init(&f->cache.bytes, 0);
	f->links = kith_map_new();
	f->peers = kith_map_new();
	f->addrs = kith_map_new();
	f->sources = kith_map_new();
	f->groups = kith_map_new();
	f->requests = kith_map_new();
	f->arena = kith_arena_new(ARENA_MAX);
	if (f->links == NULL || f->peers == NULL || f->addrs == NULL || f->sources == NULL || f->groups == NULL || f->requests == NULL ||
	    f->arena == NULL || copy_conf(f, conf) != KITH_OK) {
		kith_fed_free(f);
		return KITH_E_NOMEM;
	}
	*out = f;
	return KITH_OK;
}

/* Frees the links that ended. */
static void
bury(struct kith_fed *f)
{
	struct fed_link *l;
	size_t i;

	while ((l = f->dead) != NULL) {
		f->dead = l->next_dead;
		for (i = 0; i < l->members.n; i++)
			kith_assert(l->members.v[i]->link != l);
		kith_fed_link_free(l);
	}
}

void
kith_fed_free(struct kith_fed *f)
{
	size_t i;

	if (f == NULL)
		return;
	bury(f);
	kith_map_free(f->requests, kith_fed_request_free);
	kith_map_free(f->groups, kith_fed_group_free);
	kith_map_free(f->links, kith_fed_link_free);
	kith_map_free(f->peers, free);
	kith_map_free(f->addrs, free);
	kith_map_free(f->sources, free);
	for (i = 0; i < f->questions.n; i++) {
		free(f->questions.v[i]->payload);
		free(f->questions.v[i]);
	}
	for (i = 0; i < f->fetches.n; i++) {
		kith_wipe(f->fetches.v[i], sizeof(*f->fetches.v[i]));
		free(f->fetches.v[i]);
	}
	kith_vec_fini(&f->questions);
	kith_vec_fini(&f->fetches);
	kith_vec_fini(&f->cache_objects);
	kith_vec_fini(&f->cache_cuts);
	kith_vec_fini(&f->dirty);
	kith_buf_fini(&f->frame);
	kith_buf_fini(&f->cache.bytes);
	kith_arena_free(f->arena);
	free(f->conf_peer);
	free(f->refuse);
	free(f);
}

/* Calls nest: what comes from a peer may make the host ask for something at once. */
static int
enter(struct kith_fed *f, struct kith_txn *t, struct kith_now now, struct kith_out *out)
{
	f->inside++;
	f->t = t;
	f->now = now;
	f->out = out;
	return kith_fed_load(f);
}

/* Ends a call: what is not ours to fail for has been dealt with by now. */
static int
leave(struct kith_fed *f, int r)
{
	if (--f->inside > 0)
		return r;
	bury(f);
	/* whatever it was may have set a time: it is looked at within a second */
	if (f->tick_ms > f->now.mono_ms + 1000)
		f->tick_ms = f->now.mono_ms + 1000;
	f->t = NULL;
	if (f->out != NULL && f->out->failed)
		r = KITH_E_NOMEM;
	f->out = NULL;
	return r;
}

/* ---- links ---- */

static struct fed_link *
link_of(struct kith_fed *f, uint64_t id)
{
	uint8_t key[8];

	return kith_map_get(f->links, kith_fed_u64(key, id));
}

int
kith_fed_link_up(struct kith_fed *f, struct kith_txn *t, struct kith_now now, uint64_t link, uint64_t token, const uint8_t cert_pk[32],
    const uint8_t exporter[32], const char *address, struct kith_out *out)
{
	struct fed_link *l;
	struct kith_id node;
	uint8_t key[8];
	int r = enter(f, t, now, out);

	if (r != KITH_OK)
		return leave(f, r);
	kith_assert(link_of(f, link) == NULL);
	l = kith_fed_link_new(f, link, cert_pk, exporter);
	if (l == NULL)
		return leave(f, KITH_E_NOMEM);
	l->inbound = token == 0;
	(void)snprintf(l->address, sizeof(l->address), "%s", address == NULL ? "" : address);
	r = kith_map_put(f->links, kith_fed_u64(key, link), l, NULL);
	if (r != KITH_OK) {
		kith_fed_link_free(l);
		return leave(f, r);
	}
	l->addr = kith_fed_addr_by_token(f, token);
	if (l->inbound && kith_fed_refused_source(f, l->address) && kith_node_by_cert(t, cert_pk, &node) != KITH_OK)
		return leave(f, kith_fed_close(f, l, "not now"));
	return leave(f, kith_fed_hello(f, l));
}

int
kith_fed_dial_failed(struct kith_fed *f, struct kith_txn *t, struct kith_now now, uint64_t token, const char *why, struct kith_out *out)
{
	struct fed_addr *a;
	int r = enter(f, t, now, out);

	a = r == KITH_OK ? kith_fed_addr_by_token(f, token) : NULL;
	if (a != NULL) {
		if (a->fails == 0)
			kith_fed_log(f, a->configured ? 1 : 0, "%s: %s", a->text, why == NULL ? "no link" : why);
		kith_fed_dial_done(f, a, false);
		r = kith_fed_dials(f);
	}
	return leave(f, r);
}

int
kith_fed_link_down(struct kith_fed *f, struct kith_txn *t, struct kith_now now, uint64_t link, struct kith_out *out)
{
	struct fed_link *l;
	int r = enter(f, t, now, out);

	l = r == KITH_OK ? link_of(f, link) : NULL;
	return leave(f, l == NULL ? r : kith_fed_link_lost(f, l));
}

static int
on_bye(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r)
{
	struct kith_slice why = kith_mp_str(r);

	kith_fed_log(f, 0, "%s says goodbye: %.*s", l->address, (int)why.n, (const char *)why.p);
	if (l->addr != NULL && l->state == LINK_NEW && why.n > 5 && memcmp(why.p, "there", 5) == 0) {
		kith_fed_dial_done(f, l->addr, true);   /* it is linked to us another way */
		l->addr = NULL;
	}
	return KITH_OK;
}

typedef int (*handler)(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r);
static const handler handlers[KITH_FR_COUNT_] = {
	[KITH_FR_HELLO] = kith_fed_on_hello,
	[KITH_FR_CHAIN] = kith_fed_on_chain,
	[KITH_FR_WELCOME] = kith_fed_on_welcome,
	[KITH_FR_CREDIT] = kith_fed_on_credit,
	[KITH_FR_PING] = kith_fed_on_ping,
	[KITH_FR_PONG] = kith_fed_on_pong,
	[KITH_FR_BYE] = on_bye,
	[KITH_FR_NODES] = kith_fed_on_nodes,
	[KITH_FR_TAGS] = kith_fed_on_tags,
	[KITH_FR_SHOW] = kith_fed_on_show,
	[KITH_FR_JOIN] = kith_fed_on_join,
	[KITH_FR_JOINED] = kith_fed_on_joined,
	[KITH_FR_SUM] = kith_fed_on_sum,
	[KITH_FR_GROUPS] = kith_fed_on_groups,
	[KITH_FR_DIGEST] = kith_fed_on_digest,
	[KITH_FR_CLOCKS] = kith_fed_on_clocks,
	[KITH_FR_IHAVE] = kith_fed_on_ihave,
	[KITH_FR_EAGER] = kith_fed_on_eager,
	[KITH_FR_INVITES] = kith_fed_on_invites,
	[KITH_FR_WANT_RANGE] = kith_fed_on_want_range,
	[KITH_FR_WANT_IDS] = kith_fed_on_want_ids,
	[KITH_FR_WANT_OBJECTS] = kith_fed_on_want_objects,
	[KITH_FR_HISTORY] = kith_fed_on_history,
	[KITH_FR_WHERE] = kith_fed_on_where,
	[KITH_FR_DONE] = kith_fed_on_done,
	[KITH_FR_PROOF] = kith_fed_on_proof,
	[KITH_FR_MAIL] = kith_fed_on_mail,
	[KITH_FR_MAILED] = kith_fed_on_mailed,
	[KITH_FR_ASK] = kith_fed_on_ask,
	[KITH_FR_ANSWER] = kith_fed_on_answer,
	[KITH_FR_FLEETING] = kith_fed_on_fleeting,
};

static bool
in_place(const struct fed_link *l, uint8_t type)
{
	switch (type) {
	case KITH_FR_HELLO:
	case KITH_FR_CHAIN:
		return l->state == LINK_NEW;
	case KITH_FR_BYE:
		return true;
	case KITH_FR_WELCOME:
		return l->state == LINK_TRUSTED;
	case KITH_FR_PING:
	case KITH_FR_PONG:
	case KITH_FR_CREDIT:
		return l->state != LINK_NEW;
	default:
		return l->state == LINK_OPEN;
	}
}

static int
take_frame(struct kith_fed *f, struct fed_link *l, uint8_t type, struct kith_slice frame)
{
	struct kith_mp_reader rd;
	int r = in_place(l, type) ? kith_frame_check(type, frame) : KITH_E_MALFORMED;

	if (r == KITH_OK)
		r = kith_fed_charge(f, l, type, frame);
	if (r != KITH_OK)
		return r;
	kith_mp_read(&rd, frame);
	(void)kith_mp_array(&rd);
	if (type == KITH_FR_RUN)
		return kith_fed_on_run(f, l, &rd, frame.n);
	if (type == KITH_FR_OBJECTS)
		return kith_fed_on_objects(f, l, &rd, frame.n);
	return handlers[type](f, l, &rd);
}

int
kith_fed_frame(struct kith_fed *f, struct kith_txn *t, struct kith_now now, uint64_t link, uint8_t type, struct kith_slice frame,
    struct kith_out *out)
{
	struct fed_link *l;
	int r = enter(f, t, now, out);

	l = r == KITH_OK ? link_of(f, link) : NULL;
	if (l == NULL)
		return leave(f, r);
	r = take_frame(f, l, type, frame);
	if (r != KITH_OK && !kith_fed_is_fatal(r))
		r = l->gone ? KITH_OK : kith_fed_blame(f, l, r, kith_frame_name(type));
	if (r == KITH_OK && !l->gone)
		r = kith_fed_link_settle(f, l);
	return leave(f, r);
}

/* ---- time ---- */

static void
sooner(uint64_t *next, uint64_t t)
{
	if (t < *next)
		*next = t;
}

static int
overdue(struct kith_fed *f, uint64_t *next)
{
	struct fed_request *q;
	size_t it = 0;
	void *v;
	int r = KITH_OK;

	while (r == KITH_OK && kith_map_next(f->requests, &it, NULL, &v)) {
		q = v;
		if (q->deadline_ms > f->now.mono_ms) {
			sooner(next, q->deadline_ms);
			continue;
		}
		r = kith_fed_request_end(f, q, false);
		it = 0;
	}
	return r;
}

static int
tick(struct kith_fed *f, uint64_t *next)
{
	size_t it = 0;
	void *v;
	int r = overdue(f, next);

	while (r == KITH_OK && kith_map_next(f->links, &it, NULL, &v))
		r = kith_fed_link_tick(f, v, next);
	for (it = 0; r == KITH_OK && kith_map_next(f->groups, &it, NULL, &v);)
		r = kith_fed_pull(f, v);
	if (r == KITH_OK)
		r = kith_fed_asks(f, next);
	if (r == KITH_OK)
		r = kith_fed_mails(f, next);
	if (r == KITH_OK) {
		f->fetch_ms = NEVER;
		r = kith_fed_fetches(f, &f->fetch_ms);
	}
	if (r == KITH_OK && f->now.mono_ms >= f->round_ms)
		r = kith_fed_round(f);
	if (r == KITH_OK && f->now.mono_ms >= f->purge_ms) {
		f->purge_ms = f->now.mono_ms + PURGE_MS;
		r = kith_fed_mail_purge(f);
	}
	return r == KITH_OK ? kith_fed_dials(f) : r;
}

int
kith_fed_tick(struct kith_fed *f, struct kith_txn *t, struct kith_now now, struct kith_out *out, uint64_t *next_ms)
{
	uint64_t next = now.mono_ms + FED_MIN_MS;
	int r = enter(f, t, now, out);

	if (r == KITH_OK)
		r = tick(f, &next);
	r = leave(f, r);
	if (r == KITH_OK) {
		f->tick_ms = next;
		*next_ms = kith_fed_deadline_ms(f);
	}
	return r;
}

uint64_t
kith_fed_deadline_ms(const struct kith_fed *f)
{
	const struct fed_link *l;
	uint64_t next = f->tick_ms;
	size_t it = 0;
	void *v;

	if (!f->loaded)
		return 0;
	sooner(&next, f->dial_ms);
	sooner(&next, f->round_ms);
	sooner(&next, f->purge_ms);
	sooner(&next, f->fetch_ms);
	sooner(&next, f->ask_ms);
	while (kith_map_next(f->links, &it, NULL, &v)) {
		l = v;
		sooner(&next, l->announce_ms);
		sooner(&next, l->credit_ms);
		sooner(&next, l->retire_ms);
	}
	for (it = 0; kith_map_next(f->groups, &it, NULL, &v);)
		sooner(&next, ((const struct fed_group *)v)->queue_ms);
	return next;
}

/* ---- what the engine wants ---- */

int
kith_fed_push(struct kith_fed *f, struct kith_txn *t, struct kith_now now, const struct kith_changes *c, struct kith_out *out)
{
	int r = enter(f, t, now, out);

	return leave(f, r == KITH_OK ? kith_fed_push_all(f, c) : r);
}

int
kith_fed_self_changed(struct kith_fed *f, struct kith_txn *t, struct kith_now now, struct kith_out *out)
{
	int r = enter(f, t, now, out);

	return leave(f, r == KITH_OK ? kith_fed_spread_node(f, &f->self->node, NULL) : r);
}

int
kith_fed_meet(struct kith_fed *f, struct kith_txn *t, struct kith_now now, const char *address, struct kith_out *out)
{
	struct fed_addr *a;
	int r = enter(f, t, now, out);

	if (r != KITH_OK)
		return leave(f, r);
	a = kith_fed_addr(f, address, &r);
	if (a == NULL)
		return leave(f, r == KITH_OK ? KITH_E_MALFORMED : r);
	a->asked = 5;
	a->self = false;
	a->next_ms = now.mono_ms;
	f->dial_ms = 0;
	return leave(f, kith_fed_dials(f));
}

int
kith_fed_fetch_group(struct kith_fed *f, struct kith_txn *t, struct kith_now now, const struct kith_id *group, const struct kith_link *link,
    const struct kith_id *via, struct kith_out *out)
{
	int r = enter(f, t, now, out);

	if (r == KITH_OK)
		r = kith_fed_fetch_start(f, group, link, via);
	return leave(f, r == KITH_OK ? kith_fed_dials(f) : r);
}

int
kith_fed_want_history(struct kith_fed *f, struct kith_txn *t, struct kith_now now, const struct kith_id *group, const struct kith_id *panel,
    uint64_t before_clock, uint32_t limit, struct kith_out *out)
{
	struct fed_group *g = NULL;
	int r = enter(f, t, now, out);

	if (r == KITH_OK)
		r = kith_fed_group(f, group, false, &g);
	return leave(f, r == KITH_OK && g != NULL ? kith_fed_ask_history(f, g, panel, before_clock == NEVER ? 0 : before_clock, limit) : r);
}

int
kith_fed_mail(struct kith_fed *f, struct kith_txn *t, struct kith_now now, const struct kith_id *node, uint32_t kind, struct kith_slice payload,
    struct kith_out *out)
{
	struct kith_mp_reader rd;
	struct kith_id group;
	int r = enter(f, t, now, out);

	if (r == KITH_OK && kind == KITH_MAIL_GROUP) {
		kith_mp_read(&rd, payload);
		(void)kith_mp_array(&rd);
		group = kith_mp_id(&rd);
		if (rd.err == KITH_OK)
			r = kith_fed_pass_put(f, &group, node);
	}
	return leave(f, r == KITH_OK ? kith_fed_mail_put(f, node, kind, payload) : r);
}

int
kith_fed_ask(struct kith_fed *f, struct kith_txn *t, struct kith_now now, const struct kith_id *node, uint32_t kind, struct kith_slice payload,
    uint64_t timeout_ms, uint64_t token, struct kith_out *out)
{
	int r = enter(f, t, now, out);

	if (r == KITH_OK)
		r = kith_fed_ask_start(f, node, kind, payload, timeout_ms, token);
	return leave(f, r == KITH_OK ? kith_fed_dials(f) : r);
}

int
kith_fed_ephemeral(struct kith_fed *f, struct kith_txn *t, struct kith_now now, const struct kith_id *group, const struct kith_id *panel,
    const struct kith_id *node, struct kith_slice payload, struct kith_out *out)
{
	int r = enter(f, t, now, out);

	return leave(f, r == KITH_OK ? kith_fed_fleeting(f, group, panel, node, payload) : r);
}
