#include "tests/sim/chaos.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/b32.h"
#include "storage/ledger.h"
#include "tests/sim/world.h"

#define NODES 6
#define PEOPLE 14
#define GROUPS 8
#define SAVED_MAX 2

struct member { struct person p; char name[16]; };

struct room {                   /* a panel */
	char id[64];
	bool private;
	bool allowed[NODES];    /* somebody there may ever have been let in */
};

struct named { char id[64]; int n; };

struct group {
	char id[64];
	bool direct;
	int maker;
	KITH_VEC(struct room) rooms;
	KITH_VEC(struct named) roles, invites;
	KITH_VEC(char *) links;
	bool high[PEOPLE];      /* may have authority */
	bool in[PEOPLE];        /* has come in at some time */
};

struct said {                   /* what somebody was told is done */
	char id[64], group[64], panel[64];
	char what[24];
	int who, node;
	uint64_t at_ms;
	bool message;
	bool recalled;          /* or may have been for a while, at some nodes, and then its words are gone there */
	bool lost;              /* the disk that it was on has been put back */
};

struct asked {                  /* on its way */
	uint64_t number;
	struct chaos *c;
	struct asked *next;
	char method[24], group[64], panel[64];
	int who;
	uint64_t at_ms;
	bool private;
};

struct chaos {
	struct world *w;
	uint64_t rnd[2], seed;
	bool log;
	int n_nodes, n_people, n_groups;
	struct member who[PEOPLE];
	struct group group[GROUPS];
	KITH_VEC(struct said) said;
	struct asked *asked;
	struct { struct kith_store *store; int node; uint64_t at_ms; } saved[SAVED_MAX];
	bool forked;            /* a disk was put back unnoticed: forks are right */
	bool restored[NODES];
	unsigned calls, ok;
	uint32_t heat;          /* how much of it is moderation, percent */
	struct { char name[24], err[24]; unsigned n; } tally[160];
	size_t n_tally;
	char *why;
	size_t n_why;
	bool failed;
};

static void fail(struct chaos *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void
fail(struct chaos *c, const char *fmt, ...)
{
	va_list ap;
	char text[4096];

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (c->log)
		fprintf(stderr, "# FAILED: %s\n", text);
	if (!c->failed)
		snprintf(c->why, c->n_why, "%s", text);
	c->failed = true;
}

static void tell(struct chaos *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void
tell(struct chaos *c, const char *fmt, ...)
{
	va_list ap;

	if (!c->log)
		return;
	fprintf(stderr, "%7llu ", (unsigned long long)world_now_ms(c->w));
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

static uint32_t
dice(struct chaos *c, uint32_t n)
{
	uint64_t a = c->rnd[0], b = c->rnd[1];

	c->rnd[0] = b;
	a ^= a << 23;
	c->rnd[1] = a ^ b ^ a >> 18 ^ b >> 5;
	return n == 0 ? 0 : (uint32_t)(((c->rnd[1] + b) >> 16) % n);
}

static bool
chance(struct chaos *c, uint32_t percent)
{
	return dice(c, 100) < percent;
}

/* ---- answers ---- */

static void
copy(char *out, size_t n, const json_t *r, const char *key)
{
	const char *s = json_string_value(json_object_get(r, key));

	snprintf(out, n, "%s", s != NULL ? s : "");
}

static struct group *
group_by_id(struct chaos *c, const char *id)
{
	for (int i = 0; i < c->n_groups; i++) {
		if (strcmp(c->group[i].id, id) == 0)
			return &c->group[i];
	}
	return NULL;
}

static void
count(struct chaos *c, const char *name, const char *err)
{
	for (size_t i = 0; i < c->n_tally; i++) {
		if (strcmp(c->tally[i].name, name) == 0 && strcmp(c->tally[i].err, err) == 0) {
			c->tally[i].n++;
			return;
		}
	}
	if (c->n_tally < sizeof(c->tally) / sizeof(c->tally[0])) {
		snprintf(c->tally[c->n_tally].name, sizeof(c->tally[0].name), "%s", name);
		snprintf(c->tally[c->n_tally].err, sizeof(c->tally[0].err), "%s", err);
		c->tally[c->n_tally++].n = 1;
	}
}

static void
add_room(struct chaos *c, struct group *g, const char *id, bool private)
{
	struct room r;

	memset(&r, 0, sizeof(r));
	snprintf(r.id, sizeof(r.id), "%s", id);
	r.private = private;
	for (int i = 0; i < c->n_people; i++) {
		if (g->high[i])
			r.allowed[c->who[i].p.node] = true;
	}
	if (kith_vec_push(&g->rooms, r) != KITH_OK)
		abort();
}

/* Somebody may see private panels from now on. */
static void
raise(struct chaos *c, struct group *g, int who)
{
	g->high[who] = true;
	for (size_t i = 0; i < g->rooms.n; i++)
		g->rooms.v[i].allowed[c->who[who].p.node] = true;
}

static struct group *
new_group(struct chaos *c, const char *id, const char *panel, int maker, bool direct)
{
	struct group *g = group_by_id(c, id);

	if (g != NULL || c->n_groups == GROUPS)
		return g;
	g = &c->group[c->n_groups++];
	memset(g, 0, sizeof(*g));
	snprintf(g->id, sizeof(g->id), "%s", id);
	g->maker = maker;
	g->direct = direct;
	g->in[maker] = g->high[maker] = true;
	add_room(c, g, panel, false);
	return g;
}

static void
answered(void *ctx, uint64_t number, const char *err, const char *why, json_t *result)
{
	struct asked *a = ctx, **at;
	struct chaos *c = a->c;
	struct group *g = group_by_id(c, a->group);
	struct said s;

	(void)number;
	for (at = &c->asked; *at != a; at = &(*at)->next)
		;
	*at = a->next;
	count(c, a->method, err);
	if (err[0] != '\0') {
		if (strcmp(err, "io") == 0 || strcmp(err, "corrupt") == 0 || strcmp(err, "nomem") == 0 || strcmp(err, "full") == 0 ||
		    strcmp(err, "malformed") == 0 || strcmp(err, "badsig") == 0 || strcmp(err, "missing") == 0 || strcmp(err, "early") == 0 ||
		    strcmp(err, "exists") == 0 || strcmp(err, "internal") == 0)
			fail(c, "%s of %s is answered with %s (%s)", a->method, c->who[a->who].name, err, why);
		tell(c, "  %s %s: %s (%s)", c->who[a->who].name, a->method, err, why);
		free(a);
		return;
	}
	c->ok++;
	memset(&s, 0, sizeof(s));
	copy(s.id, sizeof(s.id), result, "id");
	snprintf(s.what, sizeof(s.what), "%s", a->method);
	snprintf(s.group, sizeof(s.group), "%s", a->group);
	snprintf(s.panel, sizeof(s.panel), "%s", a->panel);
	s.who = a->who;
	s.node = c->who[a->who].p.node;
	s.at_ms = world_now_ms(c->w);
	s.message = strcmp(a->method, "message.send") == 0;
	if (strcmp(a->method, "group.new") == 0) {
		char panel[64];

		copy(panel, sizeof(panel), result, "panel");
		new_group(c, s.id, panel, a->who, false);
		snprintf(s.group, sizeof(s.group), "%s", s.id);
	} else if (strcmp(a->method, "dm.open") == 0) {
		char panel[64];

		copy(s.group, sizeof(s.group), result, "group");
		copy(panel, sizeof(panel), result, "panel");
		g = new_group(c, s.group, panel, a->who, true);
		if (g != NULL)
			g->in[a->who] = true;
	} else if (strcmp(a->method, "invite.new") == 0 && g != NULL) {
		char *link = strdup(json_string_value(json_object_get(result, "link")));
		struct named inv = { .n = 0 };

		if (link == NULL || kith_vec_push(&g->links, link) != KITH_OK)
			abort();
		snprintf(inv.id, sizeof(inv.id), "%s", s.id);
		if (inv.id[0] != '\0' && kith_vec_push(&g->invites, inv) != KITH_OK)
			abort();
		s.id[0] = '\0';
	} else if (strcmp(a->method, "panel.new") == 0 && g != NULL) {
		add_room(c, g, s.id, a->private);
	} else if (strcmp(a->method, "role.new") == 0 && g != NULL) {
		struct named role = { .n = 0 };

		snprintf(role.id, sizeof(role.id), "%s", s.id);
		if (kith_vec_push(&g->roles, role) != KITH_OK)
			abort();
	} else if (strcmp(a->method, "group.join") == 0 && g != NULL) {
		g->in[a->who] = true;
	}
	tell(c, "  %s %s: ok %.8s", c->who[a->who].name, a->method, s.id);
	if (s.id[0] != '\0' && kith_vec_push(&c->said, s) != KITH_OK)
		abort();
	free(a);
}

static void
ask(struct chaos *c, int who, const char *method, const char *group, const char *panel, bool private, json_t *params)
{
	const struct person *p = &c->who[who].p;
	struct asked *a;
	char *text;

	if (!world_is_up(c->w, p->node)) {
		json_decref(params);
		return;
	}
	if (c->log) {
		text = json_dumps(params, JSON_COMPACT);
		tell(c, "%s@%d %s %.300s", c->who[who].name, p->node, method, text);
		free(text);
	}
	c->calls++;
	a = calloc(1, sizeof(*a));
	if (a == NULL)
		abort();
	a->c = c;
	a->who = who;
	a->private = private;
	a->at_ms = world_now_ms(c->w);
	snprintf(a->method, sizeof(a->method), "%s", method);
	snprintf(a->group, sizeof(a->group), "%s", group != NULL ? group : "");
	snprintf(a->panel, sizeof(a->panel), "%s", panel != NULL ? panel : "");
	a->next = c->asked;
	c->asked = a;
	world_ask(c->w, p, method, params, answered, a);
}

/* ---- what people do ---- */

static int
somebody(struct chaos *c, const struct group *g, bool high)
{
	for (int tries = 0; tries < 30; tries++) {
		int i = (int)dice(c, (uint32_t)c->n_people);

		if (g == NULL || (high ? g->high[i] : g->in[i]))
			return i;
	}
	return (int)dice(c, (uint32_t)c->n_people);
}

static const char *
some_message(struct chaos *c, const struct group *g, int who)
{
	for (int tries = 0; tries < 40 && c->said.n > 0; tries++) {
		size_t back = chance(c, 70) && c->said.n > 20 ? 20 : c->said.n;
		const struct said *s = &c->said.v[c->said.n - 1 - dice(c, (uint32_t)back)];

		if (s->message && strcmp(s->group, g->id) == 0 && (who < 0 || s->who == who))
			return s->id;
	}
	return NULL;
}

static const char *const some_perms[] = { "message.send", "panel.view", "message.react", "message.pin", "message.remove", "member.ban",
	"member.kick", "member.mute", "role.manage", "panel.manage", "panel.permissions", "invite.create", "invite.manage", "group.config",
	"group.profile", "join.approve", "federation.manage" };
#define N_PERMS (sizeof(some_perms) / sizeof(some_perms[0]))

static json_t *
perms(struct chaos *c, uint32_t percent)
{
	json_t *l = json_array();

	for (size_t i = 0; i < N_PERMS; i++) {
		if (chance(c, percent))
			json_array_append_new(l, json_string(some_perms[i]));
	}
	if (json_array_size(l) == 0)
		json_array_append_new(l, json_string("message.send"));
	return l;
}

static void
act(struct chaos *c)
{
	struct group *g = c->n_groups > 0 ? &c->group[dice(c, (uint32_t)c->n_groups)] : NULL;
	uint32_t roll = dice(c, 200);
	int who, whom = (int)dice(c, (uint32_t)c->n_people);
	const char *uid = c->who[whom].p.uid, *id, *panel;
	size_t room_at;
	struct room *room;
	char text[64], recalled[64];

	if (g == NULL || (roll < 2 && c->n_groups < GROUPS - 2)) {
		static const char *const joins[] = { "open", "invite", "request" };

		who = somebody(c, NULL, false);
		ask(c, who, "group.new", NULL, NULL, false, json_pack("{s:s,s:s}", "name", "g", "join", joins[dice(c, 3)]));
		return;
	}
	if (roll >= 2 && roll < 120 && chance(c, c->heat))
		roll = 120 + dice(c, 77);
	if (g->direct && roll >= 90 && roll < 112)
		roll %= 90;             /* nobody is asked into a conversation of two */
	if (g->direct && roll >= 115)
		roll %= 90;
	who = somebody(c, g, roll >= 120 ? chance(c, 80) : false);
	room_at = dice(c, (uint32_t)g->rooms.n);
	room = &g->rooms.v[chance(c, 50) ? 0 : room_at];
	panel = room->id;
	if (roll < 60) {
		snprintf(text, sizeof(text), "%s %u", c->who[who].name, c->calls);
		id = chance(c, 20) ? some_message(c, g, -1) : NULL;
		ask(c, who, "message.send", g->id, panel, false, id != NULL ?
		    json_pack("{s:s,s:s,s:s,s:s}", "group", g->id, "panel", panel, "text", text, "reply", id) :
		    json_pack("{s:s,s:s,s:s}", "group", g->id, "panel", panel, "text", text));
	} else if (roll < 90) {
		struct said *of = NULL;
		static const char *const kinds[] = { "edit", "react", "pin", "recall", "remove", "unreact" };
		int kind = (int)dice(c, 6);

		if (kind == 3 && chance(c, 50))
			kind = 1;
		id = some_message(c, g, kind == 0 || kind == 3 ? who : -1);
		if (id == NULL)
			return;
		/* the list may move under the id */
		snprintf(recalled, sizeof(recalled), "%s", id);
		snprintf(text, sizeof(text), "message.%s", kind == 5 ? "react" : kinds[kind]);
		if (kind == 0)
			ask(c, who, text, g->id, NULL, false, json_pack("{s:s,s:s,s:s}", "group", g->id, "id", id, "text", text));
		else if (kind == 1 || kind == 5)
			ask(c, who, text, g->id, NULL, false, json_pack("{s:s,s:s,s:s,s:b}", "group", g->id, "id", id, "emoji",
			    chance(c, 50) ? "+1" : "x", "on", kind == 1));
		else if (kind == 2)
			ask(c, who, text, g->id, NULL, false, json_pack("{s:s,s:s,s:b}", "group", g->id, "id", id, "on", chance(c, 70)));
		else
			ask(c, who, text, g->id, NULL, false, json_pack("{s:s,s:s}", "group", g->id, "id", id));
		for (size_t i = 0; kind == 3 && i < c->said.n && of == NULL; i++)
			of = strcmp(c->said.v[i].id, recalled) == 0 ? &c->said.v[i] : NULL;
		if (of != NULL)
			of->recalled = true;
	} else if (roll < 108) {
		/* coming in */
		who = whom;
		if (g->links.n == 0)
			return;
		ask(c, who, "group.join", g->id, NULL, false, json_pack("{s:s}", "link", g->links.v[dice(c, (uint32_t)g->links.n)]));
	} else if (roll < 112) {
		ask(c, who, "group.leave", g->id, NULL, false, json_pack("{s:s}", "group", g->id));
	} else if (roll < 115) {
		if (whom == who)
			return;
		ask(c, who, "dm.open", NULL, NULL, false, json_pack("{s:[s]}", "users", uid));
		if (chance(c, 50))
			ask(c, whom, "dm.open", NULL, NULL, false, json_pack("{s:[s]}", "users", c->who[who].p.uid));
	} else if (roll < 122) {
		ask(c, who, "invite.new", g->id, NULL, false, chance(c, 40) ? json_pack("{s:s,s:i}", "group", g->id, "uses", 1 + (int)dice(c, 2)) :
		    json_pack("{s:s}", "group", g->id));
	} else if (roll < 128) {
		bool private = chance(c, 50);

		if (g->rooms.n < 6)
			ask(c, who, "panel.new", g->id, NULL, private, json_pack("{s:s,s:s,s:b}", "group", g->id, "name", "p", "private", private));
	} else if (roll < 138) {
		static const char *const effects[] = { "allow", "deny", "inherit" };
		static const char *const which[] = { "panel.view", "message.send", "message.react" };
		const char *effect = effects[dice(c, 3)], *perm = which[dice(c, 3)];

		if (chance(c, 60) || g->roles.n == 0) {
			room->allowed[c->who[whom].p.node] = true;
			ask(c, who, "panel.override", g->id, NULL, false, json_pack("{s:s,s:s,s:s,s:s,s:s}", "group", g->id, "panel", panel,
			    "effect", effect, "perm", perm, "user", uid));
		} else {
			for (int i = 0; i < NODES; i++)
				room->allowed[i] = true;
			ask(c, who, "panel.override", g->id, NULL, false, json_pack("{s:s,s:s,s:s,s:s,s:s}", "group", g->id, "panel", panel,
			    "effect", effect, "perm", perm, "role", g->roles.v[dice(c, (uint32_t)g->roles.n)].id));
		}
	} else if (roll < 141) {
		ask(c, who, "panel.set", g->id, NULL, false, json_pack("{s:s,s:s,s:s,s:s}", "group", g->id, "panel", panel,
		    "key", "open", "value", chance(c, 40) ? "false" : "true"));
	} else if (roll < 142) {
		ask(c, who, "panel.delete", g->id, NULL, false, json_pack("{s:s,s:s}", "group", g->id, "panel", panel));
	} else if (roll < 148) {
		ask(c, who, "role.new", g->id, NULL, false, json_pack("{s:s,s:s,s:i,s:o,s:o}", "group", g->id, "name", "r", "level",
		    1 + (int)dice(c, 99), "perms", perms(c, 30), "may", perms(c, 100)));
	} else if (roll < 153 && g->roles.n > 0) {
		ask(c, who, "role.set", g->id, NULL, false, json_pack("{s:s,s:s,s:o,s:b}", "group", g->id, "role",
		    g->roles.v[dice(c, (uint32_t)g->roles.n)].id, "perms", perms(c, 15), "allow", chance(c, 50)));
	} else if (roll < 163 && g->roles.n > 0) {
		raise(c, g, whom);
		ask(c, who, "role.grant", g->id, NULL, false, json_pack("{s:s,s:s,s:s}", "group", g->id, "role",
		    g->roles.v[dice(c, (uint32_t)g->roles.n)].id, "user", uid));
	} else if (roll < 166 && g->roles.n > 0) {
		ask(c, who, "role.revoke", g->id, NULL, false, json_pack("{s:s,s:s,s:s}", "group", g->id, "role",
		    g->roles.v[dice(c, (uint32_t)g->roles.n)].id, "user", uid));
	} else if (roll < 167 && g->roles.n > 0) {
		ask(c, who, "role.delete", g->id, NULL, false, json_pack("{s:s,s:s}", "group", g->id, "role",
		    g->roles.v[dice(c, (uint32_t)g->roles.n)].id));
	} else if (roll < 182) {
		static const char *const kinds[] = { "ban", "kick", "mute", "unban", "unmute", "unban", "unmute" };
		int kind = (int)dice(c, 7);
		json_t *params = json_pack("{s:s,s:s}", "group", g->id, "user", uid);

		snprintf(text, sizeof(text), "member.%s", kinds[kind]);
		if ((kind == 0 || kind == 2) && chance(c, 50))
			json_object_set_new(params, "for", json_integer(1 + dice(c, 60000)));
		ask(c, who, text, g->id, NULL, false, params);
	} else if (roll < 185) {
		raise(c, g, whom);
		ask(c, who, "owner.add", g->id, NULL, false, json_pack("{s:s,s:s}", "group", g->id, "user", uid));
	} else if (roll < 186) {
		ask(c, who, "owner.resign", g->id, NULL, false, json_pack("{s:s}", "group", g->id));
	} else if (roll < 189) {
		char node[KITH_ID_STR];
		int at = c->who[whom].p.node;

		if (!world_is_up(c->w, at) || !world_is_up(c->w, c->who[who].p.node))
			return;
		kith_id_str(kith_engine_node(world_engine(c->w, at)), node);
		ask(c, who, chance(c, 30) ? "node.ban" : "node.unban", g->id, NULL, false, json_pack("{s:s,s:s}", "group", g->id, "node", node));
	} else if (roll < 190 && g->invites.n > 0) {
		ask(c, who, "invite.revoke", g->id, NULL, false, json_pack("{s:s,s:s}", "group", g->id, "id",
		    g->invites.v[dice(c, (uint32_t)g->invites.n)].id));
	} else if (roll < 194) {
		ask(c, who, "request.admit", g->id, NULL, false, json_pack("{s:s,s:s}", "group", g->id, "user", uid));
	} else if (roll < 197) {
		static const char *const joins[] = { "open", "invite", "request" };

		if (chance(c, 50))
			ask(c, who, "group.set", g->id, NULL, false, json_pack("{s:s,s:s,s:s}", "group", g->id, "key", "join", "value", joins[dice(c, 3)]));
		else
			ask(c, who, "group.set", g->id, NULL, false, json_pack("{s:s,s:s,s:s}", "group", g->id, "key", "topic", "value", c->who[who].name));
	} else {
		ask(c, who, "typing", g->id, NULL, false, json_pack("{s:s,s:s}", "group", g->id, "panel", panel));
	}
}

/* ---- what the world does ---- */

static void
heal_network(struct chaos *c)
{
	for (int i = 0; i < c->n_nodes; i++) {
		for (int k = 0; k < c->n_nodes; k++) {
			if (i == k)
				continue;
			world_cut(c->w, i, k, false);
			world_block(c->w, i, k, false);
			world_way(c->w, i, k, 0, 0);
		}
	}
}

static void
put_back(struct chaos *c, int slot)
{
	int node = c->saved[slot].node;
	bool told = chance(c, 60);

	tell(c, "node %d gets its disk of %llu back%s", node, (unsigned long long)c->saved[slot].at_ms, told ? "" : ", unnoticed");
	if (world_is_up(c->w, node))
		world_kill(c->w, node);
	world_take_store(c->w, node, c->saved[slot].store, told);
	c->saved[slot].store = NULL;
	for (size_t i = 0; i < c->said.n; i++) {
		if (c->said.v[i].node == node && c->said.v[i].at_ms >= c->saved[slot].at_ms)
			c->said.v[i].lost = true;
	}
	for (int k = 0; k < SAVED_MAX; k++) {
		/* an older copy of the same disk is no longer a copy of what it was */
		if (c->saved[k].store != NULL && c->saved[k].node == node) {
			kith_store_close(c->saved[k].store);
			c->saved[k].store = NULL;
		}
	}
	c->restored[node] = true;
	if (!told)
		c->forked = true;
	world_start(c->w, node);
}

static void
trouble(struct chaos *c)
{
	int a = (int)dice(c, (uint32_t)c->n_nodes), b = (int)dice(c, (uint32_t)c->n_nodes);
	uint32_t roll = dice(c, 100);

	if (roll < 22) {
		uint32_t side = dice(c, 1u << c->n_nodes);

		tell(c, "the network splits: %x", side);
		for (int i = 0; i < c->n_nodes; i++) {
			for (int k = 0; k < i; k++)
				world_cut(c->w, i, k, (side >> i & 1) != (side >> k & 1));
		}
	} else if (roll < 36) {
		tell(c, "the network heals");
		heal_network(c);
	} else if (roll < 42 && a != b) {
		tell(c, "nothing gets from %d to %d", a, b);
		world_block(c->w, a, b, true);
	} else if (roll < 48 && a != b) {
		tell(c, "links between %d and %d end", a, b);
		world_drop_links(c->w, a, b);
	} else if (roll < 56 && a != b) {
		world_way(c->w, a, b, 1 + dice(c, 800), dice(c, 1500));
		world_way(c->w, b, a, 1 + dice(c, 800), dice(c, 1500));
	} else if (roll < 66) {
		if (world_is_up(c->w, a)) {
			tell(c, "node %d dies", a);
			world_kill(c->w, a);
		}
	} else if (roll < 80) {
		if (world_is_up(c->w, a)) {
			bool commits = chance(c, 50);
			unsigned in = 1 + dice(c, 12);

			tell(c, "node %d will die in %u batches, %s", a, in, commits ? "behind the commit" : "before the commit");
			world_crash(c->w, a, in, commits);
		}
	} else if (roll < 90) {
		world_skew(c->w, a, (int64_t)dice(c, chance(c, 80) ? 60000 : 400000) - (chance(c, 50) ? 30000 : 200000));
		tell(c, "node %d's clock jumps to %lld", a, (long long)(world_clock(c->w, a).wall_ms - world_clock(c->w, a).mono_ms) - 1700000000000);
	} else if (roll < 95) {
		for (int k = 0; k < SAVED_MAX; k++) {
			if (c->saved[k].store == NULL) {
				tell(c, "node %d's disk is copied", a);
				c->saved[k].store = world_copy_store(c->w, a);
				c->saved[k].node = a;
				c->saved[k].at_ms = world_now_ms(c->w);
				break;
			}
		}
	} else {
		int k = (int)dice(c, SAVED_MAX);

		if (c->saved[k].store != NULL)
			put_back(c, k);
	}
}

static void
revive(struct chaos *c, bool all)
{
	for (int i = 0; i < c->n_nodes; i++) {
		if (!world_is_up(c->w, i) && (all || chance(c, 15))) {
			tell(c, "node %d starts", i);
			world_start(c->w, i);
		}
	}
}

/* ---- what must hold ---- */

struct view {                   /* a group as one node has it */
	bool held, live;
	struct kith_group *g;
	struct kith_txn *t;
	struct kith_buf text;
	struct kith_id state;
};

static void
put_id(struct kith_buf *b, const struct kith_id *id)
{
	char text[KITH_ID_STR];

	kith_id_str(id, text);
	kith_buf_printf(b, "%.10s", text);
}

/* A record's flags, and whether it is held at all. */
static bool
flags_of(struct kith_txn *t, const struct kith_id *id, uint32_t *flags)
{
	uint64_t pos;
	int r = kith_ledger_find(t, id, &pos);

	*flags = 0;
	if (r == KITH_OK)
		r = kith_ledger_state_get(t, pos, flags);
	return r == KITH_OK;
}

static void
look_in(struct chaos *c, int node, const struct kith_id *group, struct view *v)
{
	static struct kith_self self[NODES];
	struct kith_id heads[KITH_PARENTS_MAX];
	struct kith_member m;
	struct kith_group_node gn;
	bool mine = false, banned = false;
	uint64_t nodes = 0;
	uint32_t first = 0;
	size_t it = 0, n;
	int r;

	memset(v, 0, sizeof(*v));
	kith_buf_init(&v->text, 1u << 20);
	self[node].node = *kith_engine_node(world_engine(c->w, node));
	self[node].sign = world_signer(c->w, node);
	if (kith_store_begin(world_store(c->w, node), true, &v->t) != KITH_OK)
		abort();
	if (kith_store_incarnation(v->t, 1, &self[node].incarnation, NULL) != KITH_OK)
		abort();
	r = kith_group_open(world_env(c->w), &self[node], v->t, group, &v->g);
	if (r != KITH_OK) {
		fail(c, "node %d cannot open a group: %s", node, kith_err_name(r));
		return;
	}
	v->held = kith_group_is_held(v->g);
	if (!v->held)
		return;
	r = kith_authority_verify(kith_group_authority(v->g), &first);
	if (r != KITH_OK)
		fail(c, "node %d: authority verify: %s at %u", node, kith_err_name(r), first);
	n = kith_authority_heads(kith_group_authority(v->g), heads);
	kith_buf_printf(&v->text, "heads");
	for (size_t i = 0; i < n; i++) {
		kith_buf_printf(&v->text, " ");
		put_id(&v->text, &heads[i]);
	}
	kith_authority_state_hash(kith_group_authority(v->g), &v->state);
	kith_buf_printf(&v->text, "\nstate ");
	put_id(&v->text, &v->state);
	kith_buf_printf(&v->text, "\nmembers");
	while (kith_group_member_next(v->g, &it, &m)) {
		if (!m.member)
			continue;
		kith_buf_printf(&v->text, " ");
		put_id(&v->text, &m.uid);
		kith_buf_printf(&v->text, "/");
		put_id(&v->text, &m.membership);
		mine |= kith_id_eq(&m.node, &self[node].node);
	}
	for (it = 0; kith_group_node_next(v->g, &it, &gn);) {
		if (kith_id_eq(&gn.node, &self[node].node))
			banned = gn.banned;
		if (gn.members == 0)
			continue;
		/* they come in no order: a sum */
		nodes += kith_get_be64(gn.node.b) * (2 * (uint64_t)gn.members + gn.banned);
	}
	kith_buf_printf(&v->text, "\nnodes %llx\n", (unsigned long long)nodes);
	v->live = mine && !banned;
}

static void
first_difference(const char *x, const char *y, char *out, size_t n)
{
	size_t i = 0, line = 0;

	while (x[i] != '\0' && x[i] == y[i]) {
		if (x[i] == '\n')
			line = i + 1;
		i++;
	}
	snprintf(out, n, "<%.*s> and <%.*s>", (int)strcspn(x + line, "\n"), x + line, (int)strcspn(y + line, "\n"), y + line);
}

static bool
was_recalled(const struct chaos *c, const char *id)
{
	for (size_t i = 0; i < c->said.n; i++) {
		if (c->said.v[i].recalled && strcmp(c->said.v[i].id, id) == 0)
			return true;
	}
	return false;
}

/* A page after the other, newest last, as text. */
static char *
whole_panel(struct chaos *c, const struct person *p, const char *group, const char *panel)
{
	KITH_VEC(json_t *) pages = { NULL, 0, 0 };
	struct kith_buf b;
	char before[80] = "", *out;
	bool more = true;

	kith_buf_init(&b, 8u << 20);
	while (more) {
		json_t *params = json_pack("{s:s,s:s,s:i}", "group", group, "panel", panel, "limit", 7), *r;

		if (before[0] != '\0')
			json_object_set_new(params, "before", json_string(before));
		r = world_call(c->w, p, "message.list", params);
		if (r == NULL) {
			if (strcmp(world_error(c->w), "not_found") != 0)
				fail(c, "message.list: %s (%s)", world_error(c->w), world_why(c->w));
			break;
		}
		more = json_is_true(json_object_get(r, "more"));
		copy(before, sizeof(before), r, "before");
		if (kith_vec_push(&pages, r) != KITH_OK || pages.n > 2000)
			abort();
	}
	for (size_t i = pages.n; i-- > 0;) {
		json_t *m, *rx;
		size_t k, q;

		json_array_foreach(json_object_get(pages.v[i], "messages"), k, m)
		{
			const char *reply = json_string_value(json_object_get(m, "reply"));

			kith_buf_printf(&b, "%.10s|%s|%s|%s|%s%s%s%.10s|", json_string_value(json_object_get(m, "id")),
			    json_string_value(json_object_get(m, "kind")), json_string_value(json_object_get(m, "state")),
			    was_recalled(c, json_string_value(json_object_get(m, "id"))) ? "" : json_string_value(json_object_get(m, "text")),
			    json_is_true(json_object_get(m, "edited")) ? "edited " : "",
			    json_is_true(json_object_get(m, "late")) ? "late " : "", json_is_true(json_object_get(m, "pinned")) ? "pinned " : "",
			    reply != NULL ? reply : "");
			json_array_foreach(json_object_get(m, "reactions"), q, rx)
				kith_buf_printf(&b, "%s%lld ", json_string_value(json_array_get(rx, 0)), json_integer_value(json_array_get(rx, 1)));
			kith_buf_printf(&b, "\n");
			if (strcmp(json_string_value(json_object_get(m, "state")), "waiting") == 0)
				fail(c, "node %d: %.10s still waits in %.8s", p->node, json_string_value(json_object_get(m, "id")), panel);
		}
		json_decref(pages.v[i]);
	}
	kith_vec_fini(&pages);
	kith_buf_put_u8(&b, 0);
	out = strdup((const char *)b.p);
	kith_buf_fini(&b);
	return out;
}

/* All other lists that two members of a group should see alike. */
static char *
whole_group(struct chaos *c, const struct person *p, const char *group)
{
	static const char *const lists[] = { "member.list", "role.list" };
	struct kith_buf b;
	char *out;

	kith_buf_init(&b, 8u << 20);
	for (size_t i = 0; i < 2; i++) {
		json_t *r = world_call(c->w, p, lists[i], json_pack("{s:s}", "group", group));
		char *text;

		if (r == NULL) {
			fail(c, "%s of a member at node %d: %s", lists[i], p->node, world_error(c->w));
			continue;
		}
		if (i == 0) {
			json_t *m;
			size_t k;

			json_array_foreach(json_object_get(r, "members"), k, m)
				json_object_del(m, "node_name");
		}
		text = json_dumps(r, JSON_INDENT(1) | JSON_SORT_KEYS);
		kith_buf_printf(&b, "%s\n", text);
		free(text);
		json_decref(r);
	}
	kith_buf_put_u8(&b, 0);
	out = strdup((const char *)b.p);
	kith_buf_fini(&b);
	return out;
}

static void
check_reads(struct chaos *c, struct group *g, struct view *v)
{
	char *all[PEOPLE] = { NULL }, diff[1500];
	bool member[PEOPLE] = { false };
	int first = -1;

	/* a disk that is put back forgets the other half of a conversation begun at both ends, and nobody tells it again */
	for (int i = 0; g->direct && i < c->n_nodes; i++) {
		if (c->restored[i])
			return;
	}

	for (int i = 0; i < c->n_people; i++) {
		struct kith_member m;
		struct kith_id uid;
		int node = c->who[i].p.node;

		if (!v[node].live || kith_id_parse(kith_slice_str(c->who[i].p.uid), &uid) != KITH_OK)
			continue;
		if (kith_group_member(v[node].g, &uid, &m) != KITH_OK || !m.member || !kith_id_eq(&m.node, kith_engine_node(world_engine(c->w, node))))
			continue;
		member[i] = true;
	}
	for (int i = 0; i < c->n_people; i++) {
		if (!member[i])
			continue;
		all[i] = whole_group(c, &c->who[i].p, g->id);
		if (first < 0)
			first = i;
		else if (strcmp(all[first], all[i]) != 0) {
			first_difference(all[first], all[i], diff, sizeof(diff));
			fail(c, "%s@%d and %s@%d are told different things of %.8s: %s", c->who[first].name, c->who[first].p.node, c->who[i].name,
			    c->who[i].p.node, g->id, diff);
		}
	}
	for (int i = 0; i < c->n_people; i++)
		free(all[i]);
	for (size_t k = 0; k < g->rooms.n; k++) {
		char *seen[PEOPLE] = { NULL };
		int firsts[2] = { -1, -1 };

		for (int i = 0; i < c->n_people; i++) {
			struct kith_id uid, panel;
			bool mod;

			if (!member[i] || kith_id_parse(kith_slice_str(c->who[i].p.uid), &uid) != KITH_OK ||
			    kith_id_parse(kith_slice_str(g->rooms.v[k].id), &panel) != KITH_OK ||
			    !kith_group_may(v[c->who[i].p.node].g, &uid, &panel, KITH_PERM_VIEW))
				continue;
			/* moderators are shown what is hidden too */
			mod = kith_group_may(v[c->who[i].p.node].g, &uid, &panel, "message.remove");
			seen[i] = whole_panel(c, &c->who[i].p, g->id, g->rooms.v[k].id);
			first = firsts[mod];
			if (first < 0) {
				firsts[mod] = i;
			} else if (strcmp(seen[first], seen[i]) != 0) {
				first_difference(seen[first], seen[i], diff, sizeof(diff));
				fail(c, "%s@%d and %s@%d see different things in %.8s: %s", c->who[first].name, c->who[first].p.node, c->who[i].name,
				    c->who[i].p.node, g->rooms.v[k].id, diff);
			}
		}
		for (int i = 0; i < c->n_people; i++)
			free(seen[i]);
	}
}

/* How far a node's authority and roster feeds reach. */
static void
tell_feeds(struct chaos *c, const struct view *v, int node)
{
	struct kith_feed_tip tip;
	size_t it = 0;

	while (c->log && kith_group_feed_next(v->g, v->t, &it, &tip)) {
		char name[KITH_ID_STR], id[KITH_ID_STR];

		if (kith_scope_plane(&tip.scope) != KITH_PLANE_TIMELINE)
			tell(c, "  at node %d: %s of %.6s/%llx: %lld %.10s%s, up to %lld", node, kith_scope_plane(&tip.scope) == KITH_PLANE_AUTHORITY ?
			    "authority" : "roster", kith_id_str(&tip.node, name), (unsigned long long)tip.incarnation, (long long)tip.seq,
			    kith_id_str(&tip.id, id), tip.forked ? " FORKED" : "", (long long)tip.top_seq);
	}
}

static void
check_group(struct chaos *c, struct group *g)
{
	struct view v[NODES];
	struct kith_id group;
	char diff[1500];
	int first = -1;

	if (kith_id_parse(kith_slice_str(g->id), &group) != KITH_OK)
		abort();
	for (int i = 0; i < c->n_nodes; i++) {
		look_in(c, i, &group, &v[i]);
		if (!v[i].live)
			continue;
		if (first < 0)
			first = i;
		kith_buf_put_u8(&v[i].text, 0);
		if (first != i && strcmp((const char *)v[first].text.p, (const char *)v[i].text.p) != 0) {
			first_difference((const char *)v[first].text.p, (const char *)v[i].text.p, diff, sizeof(diff));
			fail(c, "nodes %d and %d have not come together about %.8s: %s", first, i, g->id, diff);
			tell_feeds(c, &v[first], first);
			tell_feeds(c, &v[i], i);
		}
	}
	for (size_t k = 0; k < c->said.n; k++) {
		const struct said *s = &c->said.v[k];
		enum kith_verdict mine, other;
		uint32_t my_flags, flags;
		struct kith_id id, panel = kith_id_none;

		if (strcmp(s->group, g->id) != 0 || kith_id_parse(kith_slice_str(s->id), &id) != KITH_OK)
			continue;
		if (s->panel[0] != '\0' && kith_id_parse(kith_slice_str(s->panel), &panel) != KITH_OK)
			continue;
		if (v[s->node].g == NULL || !v[s->node].held) {
			if (!s->lost)
				fail(c, "node %d has lost the group %.8s", s->node, g->id);
			continue;
		}
		if (kith_group_verdict(v[s->node].g, v[s->node].t, &id, &mine) != KITH_OK)
			abort();
		if (!s->lost && (mine == KITH_V_UNKNOWN || mine == KITH_V_WAITING))
			fail(c, "node %d, which said yes to %s %.10s, has it no more (%d)", s->node, s->what, s->id, mine);
		if (!s->message || !v[s->node].live || s->lost)
			continue;
		for (int i = 0; i < c->n_nodes; i++) {
			if (i == s->node || !v[i].live || !kith_group_node_sees(v[s->node].g, kith_engine_node(world_engine(c->w, s->node)), &panel) ||
			    !kith_group_node_sees(v[i].g, kith_engine_node(world_engine(c->w, i)), &panel))
				continue;
			if (kith_group_verdict(v[i].g, v[i].t, &id, &other) != KITH_OK)
				abort();
			if (other == mine && flags_of(v[s->node].t, &id, &my_flags) && flags_of(v[i].t, &id, &flags) && my_flags != flags)
				fail(c, "%.10s in %.8s has flags %x at node %d and %x at node %d", s->id, s->panel, my_flags, s->node, flags, i);
			if (other != mine)
				fail(c, "%s %.10s in %.8s is %d at node %d, which has said yes, and %d at node %d", s->what, s->id, s->panel, mine, s->node,
				    other, i);
		}
	}
	/* what is private has not gone where nobody may see it */
	for (int i = 0; i < c->n_nodes; i++) {
		struct kith_feed_tip tip;
		size_t it = 0;

		while (v[i].g != NULL && v[i].held && kith_group_feed_next(v[i].g, v[i].t, &it, &tip)) {
			char scope[KITH_ID_STR];

			kith_id_str(&tip.scope, scope);
			for (size_t k = 0; k < g->rooms.n; k++) {
				if (!g->direct && g->rooms.v[k].private && !g->rooms.v[k].allowed[i] && strcmp(g->rooms.v[k].id, scope) == 0 &&
				    (tip.seq != UINT64_MAX || tip.top_seq != UINT64_MAX))
					fail(c, "node %d has records of the private panel %.8s", i, scope);
			}
		}
	}
	for (int i = 0; i < c->n_nodes; i++) {
		if (v[i].t != NULL) {
			kith_txn_abort(v[i].t);
			v[i].t = NULL;
		}
	}
	check_reads(c, g, v);
	for (int i = 0; i < c->n_nodes; i++) {
		kith_group_close(v[i].g);
		kith_buf_fini(&v[i].text);
	}
}

static unsigned long long
number_in(const char *text, const char *key)
{
	const char *p = strstr(text, key);

	return p != NULL ? strtoull(p + strlen(key), NULL, 10) : 0;
}

static void
check(struct chaos *c)
{
	uint64_t frames[NODES][NODES];

	if (world_waiting(c->w) > 0) {
		for (struct asked *a = c->asked; a != NULL; a = a->next)
			fail(c, "%s of %s at %llu is never answered", a->method, c->who[a->who].name, (unsigned long long)a->at_ms);
	}
	for (int i = 0; i < c->n_nodes; i++) {
		for (int k = 0; k < c->n_nodes; k++)
			frames[i][k] = world_frames(c->w, i, k);
	}
	world_run(c->w, 60000);
	for (int i = 0; i < c->n_nodes; i++) {
		for (int k = 0; k < c->n_nodes; k++) {
			uint64_t n = world_frames(c->w, i, k) - frames[i][k];

			if (n > 40)
				fail(c, "%llu frames from %d to %d in a quiet minute", (unsigned long long)n, i, k);
		}
	}
	for (int i = 0; i < c->n_nodes; i++) {
		char *t = world_control(c->w, i, "verify"), *bad = strstr(t, "\"ok\":false");

		if (bad != NULL)
			fail(c, "node %d: verify: %.200s", i, bad);
		free(t);
		t = world_control(c->w, i, "status");
		if (number_in(t, "\"malformed\":") > 0 || number_in(t, "\"bad_signature\":") > 0)
			fail(c, "node %d: %.600s", i, strstr(t, "\"malformed\""));
		if (!c->forked && number_in(t, "\"evidence\":") > 0)
			fail(c, "node %d has proof of equivocation", i);
		if (number_in(t, "\"records_again\":") > 100 + number_in(t, "\"records_in\":"))
			fail(c, "node %d: %llu records in, %llu again", i, number_in(t, "\"records_in\":"), number_in(t, "\"records_again\":"));
		tell(c, "node %d: %.500s", i, t);
		free(t);
		t = world_control(c->w, i, "peers");
		for (const char *p = t; (p = strstr(p, "\"queued\":")) != NULL; p++) {
			if (number_in(p, "\"queued\":") > 0)
				fail(c, "node %d still has things queued: %.400s", i, t);
		}
		tell(c, "node %d: %.2000s", i, t);
		if (strstr(t, "\"penalty_ms\":") != NULL && number_in(t, "\"penalty_ms\":") > 0)
			fail(c, "node %d holds something against a peer: %.400s", i, t);
		free(t);
	}
	for (int i = 0; i < c->n_groups; i++)
		check_group(c, &c->group[i]);
}

/* ---- the story ---- */

static void
begin(struct chaos *c)
{
	static const char *const names[NODES] = { "n0", "n1", "n2", "n3", "n4", "n5" };
	const char *peers[NODES];

	c->n_nodes = 2 + (int)dice(c, NODES - 1);
	for (int i = 0; i < c->n_nodes; i++) {
		size_t n = 0;

		/* the first is known to all, now and then another */
		for (int k = 0; k < i; k++) {
			if (k == 0 || chance(c, 30))
				peers[n++] = world_address(c->w, k);
		}
		world_node(c->w, names[i], peers, n);
	}
	if (c->n_nodes > 2 && chance(c, 25)) {
		world_kill(c->w, c->n_nodes - 1);
		world_dial_only(c->w, c->n_nodes - 1);
		world_start(c->w, c->n_nodes - 1);
		tell(c, "node %d can only dial", c->n_nodes - 1);
	}
	c->n_people = c->n_nodes * 2;
	for (int i = 0; i < c->n_people; i++) {
		snprintf(c->who[i].name, sizeof(c->who[i].name), "p%d", i);
		world_register(c->w, i % c->n_nodes, c->who[i].name, &c->who[i].p);
		tell(c, "p%d is %s", i, c->who[i].p.uid);
	}
	world_run(c->w, 3000);
	for (int i = 0; i < 1 + (int)dice(c, 2); i++) {
		static const char *const joins[] = { "open", "invite", "invite" };

		ask(c, (int)dice(c, (uint32_t)c->n_people), "group.new", NULL, NULL, false, json_pack("{s:s,s:s}", "name", "g", "join", joins[dice(c, 3)]));
	}
	for (int i = 0; i < c->n_groups; i++)
		ask(c, c->group[i].maker, "invite.new", c->group[i].id, NULL, false, json_pack("{s:s}", "group", c->group[i].id));
	for (int i = 0; i < c->n_groups; i++) {
		for (int k = 0; k < c->n_people; k++) {
			if (k != c->group[i].maker && chance(c, 70))
				ask(c, k, "group.join", c->group[i].id, NULL, false, json_pack("{s:s}", "link", c->group[i].links.v[0]));
		}
	}
	world_run(c->w, 8000);
	c->heat = chance(c, 50) ? dice(c, 80) : 0;
	for (int i = 0; c->heat > 0 && i < c->n_groups; i++) {
		struct group *g = &c->group[i];

		/* some more who may moderate */
		for (int k = 0; k < 3; k++)
			ask(c, g->maker, "role.new", g->id, NULL, false, json_pack("{s:s,s:s,s:i,s:o,s:o}", "group", g->id, "name", "r", "level",
			    1 + (int)dice(c, 99), "perms", perms(c, 70), "may", perms(c, 100)));
		for (int k = 0; k < c->n_people; k++) {
			if (k == g->maker || !chance(c, 50))
				continue;
			raise(c, g, k);
			if (chance(c, 25) || g->roles.n == 0)
				ask(c, g->maker, "owner.add", g->id, NULL, false, json_pack("{s:s,s:s}", "group", g->id, "user", c->who[k].p.uid));
			else
				ask(c, g->maker, "role.grant", g->id, NULL, false, json_pack("{s:s,s:s,s:s}", "group", g->id, "role",
				    g->roles.v[dice(c, (uint32_t)g->roles.n)].id, "user", c->who[k].p.uid));
		}
	}
	world_run(c->w, 1000);
}

int
chaos_run(uint64_t seed, char *why, size_t n_why)
{
	struct chaos *c = calloc(1, sizeof(*c));
	int steps, mood, gap, r;

	if (c == NULL)
		abort();
	c->seed = seed;
	c->rnd[0] = seed * 0x9e3779b97f4a7c15u + 1;
	c->rnd[1] = seed ^ 0xbf58476d1ce4e5b9u;
	for (int i = 0; i < 8; i++)
		dice(c, 2);
	c->log = getenv("KITH_SIM_LOG") != NULL;
	c->why = why;
	c->n_why = n_why;
	c->w = world_new(seed);
	begin(c);
	steps = 60 + (int)dice(c, chance(c, 25) ? 500 : 140);
	mood = (int)dice(c, 15);
	gap = 1 + (int)dice(c, 2500);
	for (int i = 0; i < steps; i++) {
		act(c);
		if (chance(c, (uint32_t)mood))
			trouble(c);
		revive(c, false);
		if (chance(c, 80))
			world_run(c->w, dice(c, (uint32_t)gap));
	}
	tell(c, "all heals");
	heal_network(c);
	for (int i = 0; i < c->n_nodes; i++) {
		world_skew(c->w, i, 0);
		world_crash(c->w, i, 0, false);
	}
	revive(c, true);
	world_run(c->w, 420000);
	check(c);
	if (c->log) {
		for (size_t i = 0; i < c->n_tally; i++)
			fprintf(stderr, "# %s: %s: %u\n", c->tally[i].name, c->tally[i].err[0] != '\0' ? c->tally[i].err : "ok", c->tally[i].n);
	}
	r = c->failed ? -1 : 0;
	while (c->asked != NULL) {
		struct asked *a = c->asked;

		c->asked = a->next;
		free(a);
	}
	for (int i = 0; i < SAVED_MAX; i++)
		kith_store_close(c->saved[i].store);
	for (int i = 0; i < c->n_groups; i++) {
		for (size_t k = 0; k < c->group[i].links.n; k++)
			free(c->group[i].links.v[k]);
		kith_vec_fini(&c->group[i].links);
		kith_vec_fini(&c->group[i].rooms);
		kith_vec_fini(&c->group[i].roles);
		kith_vec_fini(&c->group[i].invites);
	}
	kith_vec_fini(&c->said);
	world_free(c->w);
	free(c);
	return r;
}
