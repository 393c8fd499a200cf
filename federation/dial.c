#include "federation/fed.h"

#include <stdlib.h>
#include <string.h>

/*
 * Whom to call, and when. Addresses that were given to us are always kept
 * linked; nodes are dialled when there is need: a group is shared, somebody
 * waits for them, or few nodes are known at all. A failing address is tried
 * again after 1, 2, 4 ... s, a quarter more or less: up to 5 s for an hour where
 * we keep a link to whoever is there, else up to 60 s. Whoever answers after
 * failing shows that the network is back, and all are tried soon.
 */
#define DIALS_MAX 16
#define WAIT_KEPT_MS 5000u
#define WAIT_MS 60000u
#define WAIT_LONG_MS 600000u
#define FAILS_KEPT 720                  /* an hour of them, WAIT_KEPT_MS apart */
#define FAILS_LONG 100
#define SOON_MS 1000u
#define ADDRS_MAX 20000
#define IDLE_MS 60000u
#define GROUP_LINKS 12                  /* in a group of more than FED_FEW nodes */

static bool
starts(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

static bool
dotted(const char *s, unsigned v[4])
{
	int i;

	for (i = 0; i < 4; i++) {
		if (*s < '0' || *s > '9')
			return false;
		for (v[i] = 0; *s >= '0' && *s <= '9' && v[i] < 1000; s++)
			v[i] = v[i] * 10 + (unsigned)(*s - '0');
		if (v[i] > 255 || (i < 3 && *s++ != '.'))
			return false;
	}
	return *s == ':' || *s == ']' || *s == '\0';
}

static enum fed_reach
reach4(const unsigned v[4])
{
	if (v[0] == 127 || v[0] == 0)
		return REACH_LOOPBACK;
	if (v[0] == 10 || (v[0] == 172 && v[1] >= 16 && v[1] < 32) || (v[0] == 192 && v[1] == 168) || (v[0] == 169 && v[1] == 254) ||
	    (v[0] == 100 && v[1] >= 64 && v[1] < 128))
		return REACH_PRIVATE;
	return REACH_PUBLIC;
}

/* By the text alone; what a name stands for is looked at again by whoever connects. */
enum fed_reach
kith_fed_reach(const char *text)
{
	const char *mapped;
	unsigned v[4];

	if (dotted(text, v))
		return reach4(v);
	if (starts(text, "localhost:"))
		return REACH_LOOPBACK;
	if (text[0] != '[')
		return REACH_PUBLIC;
	text++;
	if (starts(text, "::1]") || starts(text, "::]"))
		return REACH_LOOPBACK;
	for (mapped = text; *mapped != '\0' && *mapped != ']'; mapped++)
		if ((mapped == text || mapped[-1] == ':') && dotted(mapped, v))
			return reach4(v);
	if (starts(text, "fe8") || starts(text, "fe9") || starts(text, "fea") || starts(text, "feb") || starts(text, "fc") || starts(text, "fd"))
		return REACH_PRIVATE;
	return REACH_PUBLIC;
}

static bool
address_ok(const char *text)
{
	const char *colon = strrchr(text, ':'), *p;
	unsigned port = 0;

	if (colon == NULL || colon == text || strlen(text) >= sizeof(((struct fed_addr *)0)->text))
		return false;
	for (p = text; *p != '\0'; p++)
		if (*p <= ' ' || *p > '~')
			return false;
	for (p = colon + 1; *p >= '0' && *p <= '9' && port < 65536; p++)
		port = port * 10 + (unsigned)(*p - '0');
	return *p == '\0' && port > 0 && port < 65536;
}

/* An address that nobody needs now, the one that failed most. */
static void
drop_one(struct kith_fed *f)
{
	struct fed_addr *a, *worst = NULL;
	size_t it = 0;
	void *v;

	while (kith_map_next(f->addrs, &it, NULL, &v)) {
		a = v;
		if (a->token == 0 && !a->configured && a->asked == 0 && (worst == NULL || a->fails > worst->fails))
			worst = a;
	}
	for (it = 0; worst != NULL && kith_map_next(f->links, &it, NULL, &v);)
		if (((struct fed_link *)v)->addr == worst)
			return;
	if (worst != NULL) {
		(void)kith_map_del(f->addrs, kith_slice_str(worst->text));
		free(worst);
	}
}

struct fed_addr *
kith_fed_addr(struct kith_fed *f, const char *text, int *err)
{
	struct fed_addr *a = kith_map_get(f->addrs, kith_slice_str(text));

	*err = KITH_OK;
	if (a != NULL || !address_ok(text))
		return a;
	if (kith_map_count(f->addrs) >= ADDRS_MAX)
		drop_one(f);
	if (kith_map_count(f->addrs) >= ADDRS_MAX)
		return NULL;
	a = calloc(1, sizeof(*a));
	if (a == NULL || kith_map_put(f->addrs, kith_slice_str(text), a, NULL) != KITH_OK) {
		free(a);
		*err = KITH_E_NOMEM;
		return NULL;
	}
	memcpy(a->text, text, strlen(text) + 1);
	a->reach = kith_fed_reach(text);
	f->dial_ms = 0;
	return a;
}

struct fed_addr *
kith_fed_addr_by_token(struct kith_fed *f, uint64_t token)
{
	size_t it = 0;
	void *v;

	while (token != 0 && kith_map_next(f->addrs, &it, NULL, &v))
		if (((struct fed_addr *)v)->token == token)
			return v;
	return NULL;
}

static struct fed_peer *
peer_dialling(struct kith_fed *f, uint64_t token)
{
	size_t it = 0;
	void *v;

	while (kith_map_next(f->peers, &it, NULL, &v))
		if (((struct fed_peer *)v)->dialling == token)
			return v;
	return NULL;
}

/* How long an address that has failed so often is left alone. */
static uint64_t
wait_of(const struct kith_fed *f, const struct fed_addr *a, const struct fed_peer *p)
{
	bool kept = a->configured || (p != NULL && (p->shares || p->wanted_until > f->now.mono_ms));
	uint64_t wait = UINT64_C(1000) << (a->fails < 6 ? a->fails : 6);

	if (kept && a->fails < FAILS_KEPT)
		return wait < WAIT_KEPT_MS ? wait : WAIT_KEPT_MS;
	if (wait < WAIT_MS)
		return wait;
	return a->fails < (kept ? FAILS_KEPT + FAILS_LONG : FAILS_LONG) ? WAIT_MS : WAIT_LONG_MS;
}

/* Somebody who could not be reached is there again: so may others be. */
static void
all_soon(struct kith_fed *f)
{
	struct fed_addr *a;
	size_t it = 0;
	void *v;

	while (kith_map_next(f->addrs, &it, NULL, &v)) {
		a = v;
		if (a->fails > 0 && !a->self && a->next_ms > f->now.mono_ms + SOON_MS)
			a->next_ms = f->now.mono_ms + kith_fed_random(f) % SOON_MS;
	}
}

void
kith_fed_reached(struct kith_fed *f, const struct fed_peer *p)
{
	const struct fed_addr *a;
	size_t i;

	for (i = 0; i < p->n_addrs; i++) {
		a = kith_map_get(f->addrs, kith_slice_str(p->addr[i]));
		if (a == NULL || a->fails == 0)
			continue;
		all_soon(f);
		f->dial_ms = 0;
		return;
	}
}

void
kith_fed_dial_done(struct kith_fed *f, struct fed_addr *a, bool ok)
{
	struct fed_peer *p = kith_id_is_none(&a->node) ? NULL : kith_fed_peer(f, &a->node);
	uint64_t wait;

	if (a->token != 0) {
		f->n_dials--;
		struct fed_peer *dialled = peer_dialling(f, a->token);

		if (dialled != NULL) {
			dialled->dialling = 0;
			p = dialled;
		}
		a->token = 0;
	}
	f->dial_ms = 0;
	if (ok) {
		if (a->fails > 0)
			all_soon(f);
		a->fails = 0;
		a->asked = 0;
	}
	wait = wait_of(f, a, p);
	if (!ok) {
		a->fails++;
		if (a->asked > 0)
			a->asked--;
	}
	a->next_ms = f->now.mono_ms + wait * 3 / 4 + kith_fed_random(f) % (wait / 2 + 1);
	if (a->self)
		a->next_ms = f->now.mono_ms + 60 * FED_MIN_MS;
}

static int
dial(struct kith_fed *f, struct fed_addr *a, struct fed_peer *p, bool anywhere)
{
	struct kith_output *o = kith_out_add(f->out, KITH_OUT_DIAL);

	a->token = ++f->last_id;
	f->n_dials++;
	if (p != NULL)
		p->dialling = a->token;
	if (o == NULL)
		return KITH_E_NOMEM;
	o->number = a->token;
	o->cls = (uint8_t)(anywhere ? REACH_LOOPBACK | REACH_PRIVATE | REACH_PUBLIC : (int)f->reach | REACH_PUBLIC);
	kith_output_text(f->out, o, a->text);
	return KITH_OK;
}

static bool
barred(const struct kith_fed *f, const struct fed_peer *p)
{
	return p != NULL && (kith_fed_penalty_now(f, p->penalty_ms, p->penalty_at) >= FED_PENALTY_FROM_MS || kith_fed_refuses(f, &p->node, p->name));
}

/* Given addresses: dialled until they lead to somebody who is linked. */
static int
dial_given(struct kith_fed *f, struct fed_addr *a)
{
	struct fed_peer *p = kith_id_is_none(&a->node) ? NULL : kith_fed_peer(f, &a->node);
	size_t it = 0;
	void *v;

	if (a->token != 0 || a->self || (p != NULL && p->link != NULL) || barred(f, p))
		return KITH_OK;
	for (; kith_map_next(f->links, &it, NULL, &v);)
		if (((struct fed_link *)v)->addr == a)
			return KITH_OK;         /* up, and not greeted yet */
	if (a->next_ms > f->now.mono_ms) {
		if (a->next_ms < f->dial_ms)
			f->dial_ms = a->next_ms;
		return KITH_OK;
	}
	return f->n_dials < DIALS_MAX ? dial(f, a, p, true) : KITH_OK;
}

static int
dial_peer(struct kith_fed *f, struct fed_peer *p)
{
	struct fed_addr *a;
	uint64_t soonest = NEVER;
	size_t i, at;
	int r;

	if (p->link != NULL || p->dialling != 0 || barred(f, p) || f->n_dials >= DIALS_MAX)
		return KITH_OK;
	if (p->redial_ms > f->now.mono_ms) {
		if (p->redial_ms < f->dial_ms)
			f->dial_ms = p->redial_ms;
		return KITH_OK;
	}
	for (i = 0; i < p->n_addrs; i++) {
		at = (p->next_addr + i) % p->n_addrs;
		if ((kith_fed_reach(p->addr[at]) & (f->reach | REACH_PUBLIC)) == 0)
			continue;
		a = kith_fed_addr(f, p->addr[at], &r);
		if (r != KITH_OK)
			return r;
		if (a == NULL || a->self)
			continue;
		if (a->token != 0)
			return KITH_OK;
		if (a->next_ms <= f->now.mono_ms) {
			p->next_addr = (at + 1) % p->n_addrs;
			return dial(f, a, p, a->configured);
		}
		if (a->next_ms < soonest)
			soonest = a->next_ms;
	}
	if (soonest < f->dial_ms)
		f->dial_ms = soonest;
	return KITH_OK;
}

void
kith_fed_want_peer(struct kith_fed *f, struct fed_peer *p, uint64_t for_ms)
{
	if (p->wanted_until < f->now.mono_ms + for_ms)
		p->wanted_until = f->now.mono_ms + for_ms;
	f->dial_ms = 0;
}

/* Nodes of a group: all while they are few, else enough of them, chosen by where our id stands among theirs. */
static int
dial_group(struct kith_fed *f, struct fed_group *g)
{
	struct kith_slice key;
	struct kith_id node;
	struct fed_peer *p;
	size_t it = 0, linked = 0, offset = 0;
	void *v;
	int r = kith_fed_group_nodes(f, g), pass;

	for (; r == KITH_OK && kith_map_next(g->nodes, &it, &key, NULL);) {
		memcpy(node.b, key.p, sizeof(node.b));
		p = kith_fed_peer(f, &node);
		linked += p != NULL && (p->link != NULL || p->dialling != 0);
	}
	if (g->n_nodes > FED_FEW)
		offset = (size_t)(kith_id_prefix(&f->self->node) % g->n_nodes);
	for (pass = 0; r == KITH_OK && pass < 2; pass++) {
		size_t i = 0;

		for (it = 0; r == KITH_OK && kith_map_next(g->nodes, &it, &key, &v); i++) {
			if ((i < offset) == (pass == 0) || (g->n_nodes > FED_FEW && linked >= GROUP_LINKS))
				continue;
			memcpy(node.b, key.p, sizeof(node.b));
			if (kith_id_eq(&node, &f->self->node))
				continue;
			r = kith_fed_peer_make(f, &node, &p);
			if (r != KITH_OK || p == NULL || p->link != NULL)
				continue;
			r = dial_peer(f, p);
			linked += p->dialling != 0;
		}
	}
	return r;
}

int
kith_fed_dials(struct kith_fed *f)
{
	bool few = kith_map_count(f->peers) <= FED_FEW;
	struct fed_addr *a;
	struct fed_peer *p;
	size_t it = 0;
	void *v;
	int r = KITH_OK;

	if (f->now.mono_ms < f->dial_ms)
		return KITH_OK;
	f->dial_ms = f->now.mono_ms + IDLE_MS;
	while (r == KITH_OK && kith_map_next(f->addrs, &it, NULL, &v)) {
		a = v;
		if (a->configured || a->asked > 0)
			r = dial_given(f, a);
	}
	for (it = 0; r == KITH_OK && kith_map_next(f->groups, &it, NULL, &v);)
		if (((struct fed_group *)v)->nodes_epoch > 0)
			r = dial_group(f, v);
	for (it = 0; r == KITH_OK && kith_map_next(f->peers, &it, NULL, &v);) {
		p = v;
		if (p->wanted_until > f->now.mono_ms || p->shares || (few && (p->met || p->listed)))
			r = dial_peer(f, p);
	}
	return r;
}
