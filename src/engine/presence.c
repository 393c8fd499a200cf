#include "engine/inner.h"

#include <stdlib.h>
#include <string.h>

#include "client/common.h"
#include "client/friends.h"
#include "client/own.h"
#include "client/render.h"
#include "wire/mp.h"

/*
 * Who is there: for people of ours by their connections and by what they say, for
 * others by what their homes say. Never stored; lost with the link to a home.
 */

#define LINGER_MS 10000         /* a page that is loaded again, a link that is dialled again */
#define JOINED_MS 1000          /* until then the others have the join, too */
#define WHO_MAX 50000
#define NODES_MAX 256           /* of one person's groups that are told */
#define NEVER UINT64_MAX

static const char *const names[] = { "offline", "online", "idle", "busy" };

struct who {
	struct kith_id uid, node;
	enum presence state;
	uint32_t conns;                 /* here */
	uint64_t again_ms;              /* mono: tell the nodes once more; NEVER */
	uint64_t gone_ms;               /* mono: offline from then on, if nobody says otherwise; NEVER: it is there */
};

static bool
parse(struct kith_slice s, enum presence *out)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (kith_slice_is(s, names[i])) {
			*out = (enum presence)i;
			return true;
		}
	}
	return false;
}

/* ---- telling ---- */

/* Those who listen here: everybody in a group with them. */
static void
tell_here(struct kith_engine *e, const struct kith_id *uid, enum presence state)
{
	struct kith_buf b;

	kith_buf_init(&b, 0);
	for (size_t i = 0; i < e->held.n; i++) {
		struct kith_group *g = engine_group(e, &e->held.v[i], false);
		struct kith_member m;

		if (g == NULL || kith_group_member(g, uid, &m) != KITH_OK || !m.member)
			continue;
		kith_buf_reset(&b);
		kith_mp_put_map(&b, 3);
		kith_put_key_id(&b, "group", &e->held.v[i]);
		kith_mp_put_cstr(&b, "state");
		kith_mp_put_cstr(&b, names[state]);
		kith_put_key_id(&b, "uid", uid);
		engine_note(e, engine_push(e, &e->held.v[i], NULL, "presence", kith_buf_slice(&b)));
	}
	kith_buf_fini(&b);
}

static void
tell_node(struct kith_engine *e, const struct kith_id *node, const struct kith_id *uid, enum presence state)
{
	struct kith_buf b;

	kith_buf_init(&b, 0);
	kith_mp_put_array(&b, 3);
	kith_mp_put_id(&b, uid);
	kith_mp_put_cstr(&b, "presence");
	kith_mp_put_cstr(&b, names[state]);
	engine_note(e, kith_fed_ephemeral(e->fed, e->t, e->now, NULL, NULL, node, kith_buf_slice(&b), e->out));
	kith_buf_fini(&b);
}

/* The nodes of all groups that one of ours is in, each once. */
static void
tell_nodes(struct kith_engine *e, const struct kith_id *uid, enum presence state)
{
	struct kith_id told[NODES_MAX];
	size_t n = 0, k;

	for (size_t i = 0; i < e->held.n; i++) {
		struct kith_group *g = engine_group(e, &e->held.v[i], false);
		struct kith_group_node node;
		struct kith_member m;
		size_t it = 0;

		if (g == NULL || kith_group_member(g, uid, &m) != KITH_OK || !m.member)
			continue;
		while (n < NODES_MAX && kith_group_node_next(g, &it, &node)) {
			if (node.banned || node.members == 0 || kith_id_eq(&node.node, &e->self.node))
				continue;
			for (k = 0; k < n && !kith_id_eq(&told[k], &node.node); k++)
				;
			if (k < n)
				continue;
			told[n++] = node.node;
			tell_node(e, &node.node, uid, state);
		}
	}
}

static struct who *
find(struct kith_engine *e, const struct kith_id *uid)
{
	return kith_map_get(e->who, kith_id_slice(uid));
}

static struct who *
find_or_add(struct kith_engine *e, const struct kith_id *uid, const struct kith_id *node)
{
	struct who *w = find(e, uid);

	if (w != NULL || kith_map_count(e->who) >= WHO_MAX)
		return w;
	w = calloc(1, sizeof(*w));
	if (w == NULL || kith_map_put(e->who, kith_id_slice(uid), w, NULL) != KITH_OK) {
		free(w);
		engine_note(e, KITH_E_NOMEM);
		return NULL;
	}
	w->uid = *uid;
	w->node = *node;
	w->gone_ms = w->again_ms = NEVER;
	return w;
}

static void
become(struct kith_engine *e, struct who *w, enum presence state)
{
	bool other = w->state != state;

	w->state = state;
	w->gone_ms = NEVER;
	if (other) {
		tell_here(e, &w->uid, state);
		if (kith_id_eq(&w->node, &e->self.node))
			tell_nodes(e, &w->uid, state);
	}
	if (w->conns == 0 && state == PRESENCE_OFFLINE) {
		(void)kith_map_del(e->who, kith_id_slice(&w->uid));
		free(w);
	}
}

static void
look_at(struct kith_engine *e, uint64_t mono_ms)
{
	if (mono_ms < e->who_ms)
		e->who_ms = mono_ms;
}

static void
goes_at(struct kith_engine *e, struct who *w, uint64_t mono_ms)
{
	w->gone_ms = mono_ms;
	look_at(e, mono_ms);
}

/* ---- people of ours ---- */

/* What they chose to be when they come: preference `presence`, one of online, busy, offline. */
static enum presence
chosen(struct kith_engine *e, const struct kith_id *uid)
{
	struct kith_slice v;
	enum presence p;

	return kith_pref_get(e->t, uid, "presence", &v) == KITH_OK && parse(v, &p) ? p : PRESENCE_ONLINE;
}

void
engine_presence_came(struct kith_engine *e, const struct kith_id *uid)
{
	struct who *w = find_or_add(e, uid, &e->self.node);

	if (w == NULL)
		return;
	w->node = e->self.node;
	if (w->conns++ == 0)
		become(e, w, w->gone_ms != NEVER ? w->state : chosen(e, uid));
}

void
engine_presence_went(struct kith_engine *e, const struct kith_id *uid)
{
	struct who *w = find(e, uid);

	if (w != NULL && w->conns > 0 && --w->conns == 0)
		goes_at(e, w, e->now.mono_ms + LINGER_MS);
}

int
engine_presence_say(struct kith_engine *e, const struct kith_id *uid, struct kith_slice state)
{
	struct who *w = find_or_add(e, uid, &e->self.node);
	enum presence p;

	if (!parse(state, &p))
		return KITH_E_MALFORMED;
	if (w == NULL)
		return KITH_OK;
	w->node = e->self.node;
	become(e, w, p);
	/* whoever has no connection says it again in time, or is gone */
	w = find(e, uid);
	if (w != NULL && w->conns == 0)
		goes_at(e, w, e->now.mono_ms + UINT64_C(300) * 1000);
	return KITH_OK;
}

/* ---- others ---- */

void
engine_presence_heard(struct kith_engine *e, const struct kith_id *from, const struct kith_id *uid, struct kith_slice state)
{
	enum presence p;
	struct who *w;

	if (!parse(state, &p))
		return;
	w = p == PRESENCE_OFFLINE ? find(e, uid) : find_or_add(e, uid, from);
	if (w == NULL || w->conns > 0)
		return;
	w->node = *from;
	become(e, w, p);
}

static bool
lives_in(struct kith_group *g, const struct kith_id *node, uint32_t *members)
{
	struct kith_group_node n;
	size_t at = 0;

	while (kith_group_node_next(g, &at, &n)) {
		*members = n.members;
		if (kith_id_eq(&n.node, node))
			return !n.banned && n.members > 0;
	}
	return false;
}

/* A node is told who of ours is there, as far as they are in this group (NULL: in any that it shares with us). */
static void
greet(struct kith_engine *e, const struct kith_id *node, struct kith_group *only)
{
	size_t it = 0;
	void *v;

	while (kith_map_next(e->who, &it, NULL, &v)) {
		const struct who *w = v;
		bool shared = false;

		if (!kith_id_eq(&w->node, &e->self.node) || w->state == PRESENCE_OFFLINE)
			continue;
		for (size_t i = 0; i < e->held.n && !shared; i++) {
			struct kith_group *g = engine_group(e, &e->held.v[i], false);
			struct kith_member m;
			uint32_t members;

			shared = g != NULL && (only == NULL || g == only) && kith_group_member(g, &w->uid, &m) == KITH_OK && m.member &&
			    lives_in(g, node, &members);
		}
		if (shared)
			tell_node(e, node, &w->uid, w->state);
	}
}

void
engine_presence_joined(struct kith_engine *e, struct kith_group *g, const struct kith_member *m)
{
	struct who *w = find(e, &m->uid);
	uint32_t members;

	if (!kith_id_eq(&m->node, &e->self.node)) {
		/* the first of a node that knows nothing of this group's people */
		if (lives_in(g, &m->node, &members) && members == 1)
			greet(e, &m->node, g);
	} else if (w != NULL && w->state != PRESENCE_OFFLINE) {
		tell_here(e, &m->uid, w->state);
		w->again_ms = e->now.mono_ms + JOINED_MS;
		look_at(e, w->again_ms);
	}
}

static bool
among(const struct kith_id *v, size_t n, const struct kith_id *id)
{
	for (size_t i = 0; i < n; i++) {
		if (kith_id_eq(&v[i], id))
			return true;
	}
	return false;
}

int
engine_presence_links(struct kith_engine *e)
{
	KITH_VEC(struct kith_id) now = { NULL, 0, 0 };
	struct kith_peer_info p;
	size_t it = 0;
	void *v;

	if (kith_fed_links(e->fed) == e->who_links)
		return KITH_OK;
	e->who_links = kith_fed_links(e->fed);
	while (kith_fed_peer_next(e->fed, &it, &p)) {
		if (p.linked && kith_vec_push(&now, p.node) != KITH_OK) {
			kith_vec_fini(&now);
			return KITH_E_NOMEM;
		}
	}
	for (it = 0; kith_map_next(e->who, &it, NULL, &v);) {
		struct who *w = v;

		if (w->gone_ms == NEVER && !kith_id_eq(&w->node, &e->self.node) && !among(now.v, now.n, &w->node))
			goes_at(e, w, e->now.mono_ms + LINGER_MS);
	}
	for (size_t i = 0; i < now.n; i++) {
		if (!among(e->linked.v, e->linked.n, &now.v[i]))
			greet(e, &now.v[i], NULL);
	}
	kith_vec_fini(&e->linked);
	e->linked.v = now.v;
	e->linked.n = now.n;
	e->linked.cap = now.cap;
	return KITH_OK;
}

void
engine_presence_tick(struct kith_engine *e)
{
	KITH_VEC(struct who *) gone = { NULL, 0, 0 };
	size_t it = 0;
	void *v;

	if (e->now.mono_ms < e->who_ms)
		return;
	e->who_ms = NEVER;
	while (kith_map_next(e->who, &it, NULL, &v)) {
		struct who *w = v;

		if (w->again_ms <= e->now.mono_ms) {
			w->again_ms = NEVER;
			tell_nodes(e, &w->uid, w->state);
		}
		look_at(e, w->again_ms);
		if (w->gone_ms > e->now.mono_ms)
			look_at(e, w->gone_ms);
		else if (kith_vec_push(&gone, w) != KITH_OK)
			engine_note(e, KITH_E_NOMEM);
	}
	for (size_t i = 0; i < gone.n; i++)
		become(e, gone.v[i], PRESENCE_OFFLINE);
	kith_vec_fini(&gone);
}

int
engine_presence_list(struct kith_engine *e, struct kith_group *g, const struct kith_id *viewer, struct kith_buf *out)
{
	size_t it = 0, mark = kith_mp_begin(out);
	uint32_t n = 0;
	void *v;

	while (kith_map_next(e->who, &it, NULL, &v)) {
		const struct who *w = v;
		struct kith_member m;

		if (w->state == PRESENCE_OFFLINE || kith_group_member(g, &w->uid, &m) != KITH_OK || !m.member ||
		    kith_blocked(e->t, viewer, &w->uid))
			continue;
		kith_mp_put_map(out, 2);
		kith_mp_put_cstr(out, "state");
		kith_mp_put_cstr(out, names[w->state]);
		kith_put_key_id(out, "uid", &w->uid);
		n++;
	}
	kith_mp_end_array(out, mark, n);
	return KITH_OK;
}

void
engine_who_free(void *p)
{
	free(p);
}
