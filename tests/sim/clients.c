#include "tests/sim/clients.h"

#include <string.h>

#include "base/b32.h"
#include "wire/mp.h"

struct client {
	int who, node;
	uint64_t conn, since_ms;
	bool up;
	KITH_VEC(struct kith_id) channels;
	KITH_VEC(uint64_t) lost_ms;     /* when a channel was taken from it */
	struct kith_map *seen;          /* ids of messages -> count */
};
struct clients { struct client v[STORY_PEOPLE_MAX]; };

void
clients_new(struct play *p)
{
	p->clients = calloc(1, sizeof(*p->clients));
	MUST(p->clients != NULL);
	for (int i = 0; i < STORY_PEOPLE_MAX; i++) {
		p->clients->v[i].who = i;
		p->clients->v[i].seen = kith_map_new();
		MUST(p->clients->v[i].seen != NULL);
	}
}

void
clients_free(struct play *p)
{
	for (int i = 0; i < STORY_PEOPLE_MAX; i++) {
		kith_map_free(p->clients->v[i].seen, NULL);
		kith_vec_fini(&p->clients->v[i].channels);
		kith_vec_fini(&p->clients->v[i].lost_ms);
	}
	free(p->clients);
}

static void
connect(struct play *p, struct client *c)
{
	c->node = p->who[c->who].p.node;
	c->channels.n = 0;
	c->since_ms = world_now_ms(p->w);
	c->conn = 0;
	if (world_is_up(p->w, c->node))
		world_connect(p->w, &p->who[c->who].p, &c->conn);
}

void
clients_step(struct play *p, int who, bool on)
{
	struct client *c = &p->clients->v[who];

	if (c->up == on)
		return;
	play_tell(p, "%s %s", p->who[who].name, on ? "connects" : "is gone");
	if (!on && c->conn != 0 && world_is_up(p->w, c->node))
		world_disconnect(p->w, c->node, c->conn);
	c->up = on;
	c->conn = 0;
	if (on)
		connect(p, c);
}

void
clients_began(struct play *p, int node)
{
	for (int i = 0; i < p->n_people; i++) {
		if (p->clients->v[i].up && p->who[i].p.node == node)
			connect(p, &p->clients->v[i]);
	}
}

void
clients_forget(struct play *p, int node)
{
	for (int i = 0; i < p->n_people; i++) {
		struct client *c = &p->clients->v[i];

		if (p->who[i].p.node != node)
			continue;
		kith_map_free(c->seen, NULL);
		c->seen = kith_map_new();
		MUST(c->seen != NULL);
	}
}

static const struct room *
room_of(const struct play *p, struct kith_slice id, const struct group **group)
{
	for (int i = 0; i < p->n_groups; i++) {
		for (size_t k = 0; k < p->group[i].rooms.n; k++) {
			if (kith_slice_is(id, p->group[i].rooms.v[k].id)) {
				*group = &p->group[i];
				return &p->group[i].rooms.v[k];
			}
		}
	}
	return NULL;
}

static struct kith_slice
str_of(struct kith_slice map, const char *key)
{
	struct kith_mp_reader r;

	kith_mp_read(&r, kith_mp_find(map, key));
	return kith_mp_str(&r);
}

static void
message(struct play *p, struct client *c, const struct kith_output *o)
{
	struct kith_slice params = kith_slice_of(o->bytes, o->n), id = str_of(kith_mp_find(params, "message"), "id");
	const struct group *g = NULL;
	const struct room *room = room_of(p, str_of(params, "panel"), &g);
	uintptr_t n = (uintptr_t)kith_map_get(c->seen, id) + 1;

	if (p->log > 1)
		play_tell(p, "%s is told of %.10s: %.*s", p->who[c->who].name, (const char *)id.p,
		    (int)str_of(kith_mp_find(params, "message"), "state").n, (const char *)str_of(kith_mp_find(params, "message"), "state").p);
	MUST(id.n > 0 && kith_map_put(c->seen, id, (void *)n, NULL) == KITH_OK);
	if (n > 1)
		play_fail(p, "clients see each message once", "%s at node %d is told of %.10s again", p->who[c->who].name, c->node, (const char *)id.p);
	if (room != NULL && !g->direct && room->private && !room->may[c->who])
		play_fail(p, "nobody gets what they may not see", "%s at node %d is told of %.10s in the private panel %.8s", p->who[c->who].name,
		    c->node, (const char *)id.p, room->id);
}

static bool
listens(const struct client *c, const struct kith_id *channel)
{
	for (size_t i = 0; i < c->channels.n; i++) {
		if (kith_id_eq(&c->channels.v[i], channel))
			return true;
	}
	return false;
}

void
clients_push(struct play *p, int node, const struct kith_output *o)
{
	for (int i = 0; i < p->n_people; i++) {
		struct client *c = &p->clients->v[i];

		if (!c->up || c->node != node || c->conn == 0)
			continue;
		if (o->kind == KITH_OUT_PUSH) {
			if ((o->conn == c->conn || listens(c, &o->channel)) && strcmp(o->text, "message") == 0)
				message(p, c, o);
			continue;
		}
		if (o->conn != c->conn)
			continue;
		if (o->kind == KITH_OUT_SUBSCRIBE)
			MUST(kith_vec_push(&c->channels, o->channel) == KITH_OK);
		if (o->kind == KITH_OUT_UNSUBSCRIBE)
			MUST(kith_vec_push(&c->lost_ms, world_now_ms(p->w)) == KITH_OK);
		for (size_t k = 0; o->kind == KITH_OUT_UNSUBSCRIBE && k < c->channels.n; k++) {
			if (kith_id_eq(&c->channels.v[k], &o->channel))
				c->channels.v[k--] = c->channels.v[--c->channels.n];
		}
	}
}

/* Did they lose sight of something when they said it? Then it may be just that. */
static bool
lost_sight(const struct client *c, uint64_t at_ms)
{
	for (size_t i = 0; i < c->lost_ms.n; i++) {
		if (c->lost_ms.v[i] + 100 > at_ms && c->lost_ms.v[i] < at_ms + 100)
			return true;
	}
	return false;
}

void
clients_check(struct play *p)
{
	for (size_t i = 0; i < p->said.n; i++) {
		const struct said *s = &p->said.v[i];
		const struct client *c = &p->clients->v[s->who];

		if (s->message && !s->lost && c->up && c->conn != 0 && c->since_ms + 2000 < s->at_ms && !p->restored[s->node] && !lost_sight(c, s->at_ms) &&
		    kith_map_get(c->seen, kith_slice_str(s->id)) == NULL)
			play_fail(p, "clients see each message once", "%s, connected to node %d since %llu, was never told of %.10s, which they said at %llu",
			    p->who[s->who].name, s->node, (unsigned long long)c->since_ms, s->id, (unsigned long long)s->at_ms);
	}
}
