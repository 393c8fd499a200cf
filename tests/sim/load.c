#include <string.h>

#include "base/b32.h"
#include "tests/sim/clients.h"
#include "tests/sim/play.h"

/* What people do, at all nodes at once, and what they are told came of it. */

struct ask {
	struct play *p;
	struct ask *next;
	char method[24], group[64], panel[64];
	int who;
	uint64_t at_ms;
	bool private;
};

/* ---- answers ---- */

static void
copy(char *out, size_t n, const json_t *r, const char *key)
{
	const char *s = json_string_value(json_object_get(r, key));

	snprintf(out, n, "%s", s != NULL ? s : "");
}

static void
count(struct play *p, const char *name, const char *err)
{
	for (size_t i = 0; i < p->n_tally; i++) {
		if (strcmp(p->tally[i].name, name) == 0 && strcmp(p->tally[i].err, err) == 0) {
			p->tally[i].n++;
			return;
		}
	}
	if (p->n_tally == sizeof(p->tally) / sizeof(p->tally[0]))
		return;
	snprintf(p->tally[p->n_tally].name, sizeof(p->tally[0].name), "%s", name);
	snprintf(p->tally[p->n_tally].err, sizeof(p->tally[0].err), "%s", err);
	p->tally[p->n_tally++].n = 1;
}

static void
add_room(struct play *p, struct group *g, const char *id, bool private)
{
	struct room r;

	memset(&r, 0, sizeof(r));
	snprintf(r.id, sizeof(r.id), "%s", id);
	r.private = private;
	for (int i = 0; i < p->n_people; i++)
		r.may[i] = g->high[i] || !private;
	MUST(kith_vec_push(&g->rooms, r) == KITH_OK);
}

/* Somebody may see private panels from now on. */
static void
raise(struct group *g, int who)
{
	g->high[who] = true;
	for (size_t i = 0; i < g->rooms.n; i++)
		g->rooms.v[i].may[who] = true;
}

static struct group *
new_group(struct play *p, const char *id, const char *panel, int maker, bool direct)
{
	struct group *g = play_group(p, id);

	if (g != NULL || p->n_groups == PLAY_GROUPS_MAX)
		return g;
	g = &p->group[p->n_groups++];
	memset(g, 0, sizeof(*g));
	snprintf(g->id, sizeof(g->id), "%s", id);
	g->maker = maker;
	g->direct = direct;
	g->in[maker] = g->high[maker] = true;
	add_room(p, g, panel, false);
	return g;
}

static void
push_named(struct group *g, bool role, const char *id)
{
	struct named x;

	snprintf(x.id, sizeof(x.id), "%s", id);
	if (id[0] != '\0')
		MUST((role ? kith_vec_push(&g->roles, x) : kith_vec_push(&g->invites, x)) == KITH_OK);
}

/* What the answer teaches us of the group; s->id "" afterwards: it names no record. */
static void
learn(struct play *p, const struct ask *a, const json_t *result, struct said *s)
{
	struct group *g = play_group(p, a->group);
	char panel[64];
	char *link;

	if (strcmp(a->method, "group.new") == 0) {
		copy(panel, sizeof(panel), result, "panel");
		new_group(p, s->id, panel, a->who, false);
		snprintf(s->group, sizeof(s->group), "%s", s->id);
	} else if (strcmp(a->method, "dm.open") == 0) {
		copy(s->group, sizeof(s->group), result, "group");
		copy(panel, sizeof(panel), result, "panel");
		g = new_group(p, s->group, panel, a->who, true);
		if (g != NULL)
			g->in[a->who] = true;
	} else if (strcmp(a->method, "invite.new") == 0 && g != NULL) {
		link = strdup(json_string_value(json_object_get(result, "link")));
		MUST(link != NULL && kith_vec_push(&g->links, link) == KITH_OK);
		push_named(g, false, s->id);
		s->id[0] = '\0';
	} else if (strcmp(a->method, "panel.new") == 0 && g != NULL) {
		add_room(p, g, s->id, a->private);
	} else if (strcmp(a->method, "role.new") == 0 && g != NULL) {
		push_named(g, true, s->id);
	} else if (strcmp(a->method, "group.join") == 0 && g != NULL) {
		g->in[a->who] = true;
	}
}

/* Answers that no client should ever get, whatever it asked for. */
static bool
is_ours(const char *err)
{
	static const char *const bad[] = { "io", "corrupt", "nomem", "full", "malformed", "badsig", "missing", "early", "exists", "internal" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (strcmp(err, bad[i]) == 0)
			return true;
	}
	return false;
}

static void
answered(void *ctx, uint64_t number, const char *err, const char *why, json_t *result)
{
	struct ask *a = ctx, **at;
	struct play *p = a->p;
	struct said s;

	(void)number;
	for (at = &p->asked; *at != a; at = &(*at)->next)
		;
	*at = a->next;
	count(p, a->method, err);
	if (err[0] != '\0') {
		if (is_ours(err))
			play_fail(p, "answers", "%s of %s is answered with %s (%s)", a->method, p->who[a->who].name, err, why);
		play_tell(p, "  %s %s: %s (%s)", p->who[a->who].name, a->method, err, why);
		free(a);
		return;
	}
	p->ok++;
	memset(&s, 0, sizeof(s));
	copy(s.id, sizeof(s.id), result, "id");
	snprintf(s.what, sizeof(s.what), "%s", a->method);
	snprintf(s.group, sizeof(s.group), "%s", a->group);
	snprintf(s.panel, sizeof(s.panel), "%s", a->panel);
	s.who = a->who;
	s.node = p->who[a->who].p.node;
	s.at_ms = world_now_ms(p->w);
	s.message = strcmp(a->method, "message.send") == 0;
	learn(p, a, result, &s);
	play_tell(p, "  %s %s: ok %.8s", p->who[a->who].name, a->method, s.id);
	if (s.id[0] != '\0') {
		MUST(kith_id_parse(kith_slice_str(s.id), &s.rec) == KITH_OK);
		/* said again under the same txn, it is the same record */
		for (size_t i = p->said.n; s.message && i > 0 && i + 200 > p->said.n; i--) {
			if (kith_id_eq(&p->said.v[i - 1].rec, &s.rec)) {
				p->said.v[i - 1].lost = false;
				p->said.v[i - 1].at_ms = s.at_ms;
				free(a);
				return;
			}
		}
		MUST(kith_vec_push(&p->said, s) == KITH_OK);
	}
	free(a);
}

static void
ask(struct play *p, int who, const char *method, const char *group, const char *panel, bool private, json_t *params)
{
	struct ask *a;
	char *text;

	if (p->log > 0) {
		text = json_dumps(params, JSON_COMPACT);
		play_tell(p, "%s@%d %s %.300s", p->who[who].name, p->who[who].p.node, method, text);
		free(text);
	}
	p->calls++;
	a = calloc(1, sizeof(*a));
	MUST(a != NULL);
	a->p = p;
	a->who = who;
	a->private = private;
	a->at_ms = world_now_ms(p->w);
	snprintf(a->method, sizeof(a->method), "%s", method);
	snprintf(a->group, sizeof(a->group), "%s", group != NULL ? group : "");
	snprintf(a->panel, sizeof(a->panel), "%s", panel != NULL ? panel : "");
	a->next = p->asked;
	p->asked = a;
	world_ask(p->w, &p->who[who].p, method, params, answered, a);
}

void
load_check_answered(struct play *p)
{
	for (struct ask *a = p->asked; a != NULL; a = a->next)
		play_fail(p, "answers", "%s of %s at %llu is never answered", a->method, p->who[a->who].name, (unsigned long long)a->at_ms);
}

void
load_fini(struct play *p)
{
	while (p->asked != NULL) {
		struct ask *a = p->asked;

		p->asked = a->next;
		free(a);
	}
	for (int i = 0; i < p->n_groups; i++) {
		struct group *g = &p->group[i];

		for (size_t k = 0; k < g->links.n; k++)
			free(g->links.v[k]);
		kith_vec_fini(&g->links);
		kith_vec_fini(&g->rooms);
		kith_vec_fini(&g->roles);
		kith_vec_fini(&g->invites);
	}
	kith_vec_fini(&p->said);
}

/* ---- whom and what ---- */

struct scene {                  /* what the step at hand is about */
	struct play *p;
	struct dice *d;
	struct group *g;
	struct room *room;
	int who, whom;
	const char *uid;        /* whom's */
};

static int
somebody(struct scene *s, bool high)
{
	struct play *p = s->p;

	for (int tries = 0; tries < 30; tries++) {
		int i = (int)dice_below(s->d, (uint32_t)p->n_people);

		if (s->g == NULL || (high ? s->g->high[i] : s->g->in[i]))
			return i;
	}
	return (int)dice_below(s->d, (uint32_t)p->n_people);
}

static struct said *
some_message(struct scene *s, int who)
{
	struct play *p = s->p;

	for (int tries = 0; tries < 40 && p->said.n > 0; tries++) {
		size_t back = dice_chance(s->d, 70) && p->said.n > 20 ? 20 : p->said.n;
		struct said *x = &p->said.v[p->said.n - 1 - dice_below(s->d, (uint32_t)back)];

		if (x->message && strcmp(x->group, s->g->id) == 0 && (who < 0 || x->who == who))
			return x;
	}
	return NULL;
}

static const char *const some_perms[] = { "message.send", "panel.view", "message.react", "message.pin", "message.remove", "member.ban",
	"member.kick", "member.mute", "role.manage", "panel.manage", "panel.permissions", "invite.create", "invite.manage", "group.config",
	"group.profile", "join.approve", "federation.manage" };

static json_t *
perms(struct dice *d, uint32_t percent)
{
	json_t *l = json_array();

	for (size_t i = 0; i < sizeof(some_perms) / sizeof(some_perms[0]); i++) {
		if (dice_chance(d, percent))
			json_array_append_new(l, json_string(some_perms[i]));
	}
	if (json_array_size(l) == 0)
		json_array_append_new(l, json_string("message.send"));
	return l;
}

static const char *
one_of(struct dice *d, const char *const *v, uint32_t n)
{
	return v[dice_below(d, n)];
}
#define ONE_OF(d, ...) one_of(d, (const char *const[]){ __VA_ARGS__ }, sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

static const char *
some_role(struct scene *s)
{
	return s->g->roles.v[dice_below(s->d, (uint32_t)s->g->roles.n)].id;
}

/* ---- chat ---- */

static void
say(struct scene *s, bool again)
{
	struct play *p = s->p;
	struct group *g = s->g;
	struct said *of = dice_chance(s->d, 20) ? some_message(s, -1) : NULL;
	json_t *params;
	char text[64], txn[64];

	snprintf(text, sizeof(text), "%s %u", p->who[s->who].name, p->calls);
	snprintf(txn, sizeof(txn), "t%u", p->calls);
	params = json_pack("{s:s,s:s,s:s}", "group", g->id, "panel", s->room->id, "text", text);
	if (of != NULL)
		json_object_set_new(params, "reply", json_string(of->id));
	if (again) {
		/* a client that has heard nothing tries once more */
		json_object_set_new(params, "txn", json_string(txn));
		ask(p, s->who, "message.send", g->id, s->room->id, false, json_deep_copy(params));
	}
	ask(p, s->who, "message.send", g->id, s->room->id, false, params);
}

static void
about_message(struct scene *s, enum step_kind kind)
{
	struct play *p = s->p;
	struct group *g = s->g;
	struct said *of = some_message(s, kind == DO_EDIT || kind == DO_RECALL ? s->who : -1);
	char text[64];

	if (of == NULL)
		return;
	snprintf(text, sizeof(text), "%s %u", p->who[s->who].name, p->calls);
	switch (kind) {
	case DO_EDIT:
		ask(p, s->who, "message.edit", g->id, NULL, false, json_pack("{s:s,s:s,s:s}", "group", g->id, "id", of->id, "text", text));
		break;
	case DO_REACT:
		ask(p, s->who, "message.react", g->id, NULL, false, json_pack("{s:s,s:s,s:s,s:b}", "group", g->id, "id", of->id, "emoji",
		    ONE_OF(s->d, "+1", "x"), "on", dice_chance(s->d, 60)));
		break;
	case DO_PIN:
		ask(p, s->who, "message.pin", g->id, NULL, false, json_pack("{s:s,s:s,s:b}", "group", g->id, "id", of->id, "on", dice_chance(s->d, 70)));
		break;
	case DO_RECALL:
		of->recalled = true;
		/* fall through */
	default:
		ask(p, s->who, kind == DO_RECALL ? "message.recall" : "message.remove", g->id, NULL, false,
		    json_pack("{s:s,s:s}", "group", g->id, "id", of->id));
		break;
	}
}

/* ---- coming and going ---- */

static void
make_group(struct play *p, struct dice *d, int who)
{
	ask(p, who, "group.new", NULL, NULL, false, json_pack("{s:s,s:s}", "name", "g", "join", ONE_OF(d, "open", "invite", "request")));
}

static void
join(struct scene *s)
{
	struct group *g = s->g;

	if (g->links.n > 0)
		ask(s->p, s->whom, "group.join", g->id, NULL, false, json_pack("{s:s}", "link", g->links.v[dice_below(s->d, (uint32_t)g->links.n)]));
}

static void
invite(struct scene *s)
{
	struct group *g = s->g;
	json_t *params = json_pack("{s:s}", "group", g->id);

	if (dice_chance(s->d, 40))
		json_object_set_new(params, "uses", json_integer(1 + (int)dice_below(s->d, 2)));
	ask(s->p, s->who, "invite.new", g->id, NULL, false, params);
}

static void
dm(struct scene *s)
{
	if (s->whom == s->who)
		return;
	ask(s->p, s->who, "dm.open", NULL, NULL, false, json_pack("{s:[s]}", "users", s->uid));
	if (dice_chance(s->d, 50))
		ask(s->p, s->whom, "dm.open", NULL, NULL, false, json_pack("{s:[s]}", "users", s->p->who[s->who].p.uid));
}

/* ---- moderation ---- */

static void
override(struct scene *s)
{
	struct group *g = s->g;
	json_t *params = json_pack("{s:s,s:s,s:s,s:s}", "group", g->id, "panel", s->room->id, "effect", ONE_OF(s->d, "allow", "deny", "inherit"),
	    "perm", ONE_OF(s->d, "panel.view", "message.send", "message.react"));

	if (dice_chance(s->d, 60) || g->roles.n == 0) {
		s->room->may[s->whom] = true;
		json_object_set_new(params, "user", json_string(s->uid));
	} else {
		for (int i = 0; i < s->p->n_people; i++)
			s->room->may[i] = true;
		json_object_set_new(params, "role", json_string(some_role(s)));
	}
	ask(s->p, s->who, "panel.override", g->id, NULL, false, params);
}

static void
on_role(struct scene *s, const char *method, bool person)
{
	struct group *g = s->g;
	json_t *params;

	if (g->roles.n == 0)
		return;
	params = json_pack("{s:s,s:s}", "group", g->id, "role", some_role(s));
	if (person)
		json_object_set_new(params, "user", json_string(s->uid));
	ask(s->p, s->who, method, g->id, NULL, false, params);
}

static void
on_person(struct scene *s, const char *method, bool timed)
{
	json_t *params = json_pack("{s:s,s:s}", "group", s->g->id, "user", s->uid);

	if (timed && dice_chance(s->d, 50))
		json_object_set_new(params, "for", json_integer(1 + dice_below(s->d, 60000)));
	ask(s->p, s->who, method, s->g->id, NULL, false, params);
}

static void
new_role(struct scene *s, uint32_t percent)
{
	ask(s->p, s->who, "role.new", s->g->id, NULL, false, json_pack("{s:s,s:s,s:i,s:o,s:o}", "group", s->g->id, "name", "r", "level",
	    1 + (int)dice_below(s->d, 99), "perms", perms(s->d, percent), "may", perms(s->d, 100)));
}

static void
setting(struct scene *s)
{
	bool joins = dice_chance(s->d, 50);

	ask(s->p, s->who, "group.set", s->g->id, NULL, false, json_pack("{s:s,s:s,s:s}", "group", s->g->id, "key", joins ? "join" : "topic", "value",
	    joins ? ONE_OF(s->d, "open", "invite", "request") : s->p->who[s->who].name));
}

static void
moderate(struct scene *s, enum step_kind kind)
{
	struct play *p = s->p;
	struct group *g = s->g;
	char node[KITH_ID_STR];
	bool private;

	switch (kind) {
	case DO_PANEL:
		private = dice_chance(s->d, 50);
		if (g->rooms.n < PLAY_ROOMS_MAX)
			ask(p, s->who, "panel.new", g->id, NULL, private, json_pack("{s:s,s:s,s:b}", "group", g->id, "name", "p", "private", private));
		break;
	case DO_OVERRIDE:
		override(s);
		break;
	case DO_OPEN:
		ask(p, s->who, "panel.set", g->id, NULL, false, json_pack("{s:s,s:s,s:s,s:s}", "group", g->id, "panel", s->room->id,
		    "key", "open", "value", ONE_OF(s->d, "false", "true", "true")));
		break;
	case DO_UNPANEL:
		ask(p, s->who, "panel.delete", g->id, NULL, false, json_pack("{s:s,s:s}", "group", g->id, "panel", s->room->id));
		break;
	case DO_ROLE:
		new_role(s, 30);
		break;
	case DO_PERMS:
		if (g->roles.n > 0)
			ask(p, s->who, "role.set", g->id, NULL, false, json_pack("{s:s,s:s,s:o,s:b}", "group", g->id, "role", some_role(s),
			    "perms", perms(s->d, 15), "allow", dice_chance(s->d, 50)));
		break;
	case DO_GRANT:
		raise(g, s->whom);
		on_role(s, "role.grant", true);
		break;
	case DO_REVOKE:
		on_role(s, "role.revoke", true);
		break;
	case DO_UNROLE:
		on_role(s, "role.delete", false);
		break;
	case DO_BAN:
		on_person(s, "member.ban", true);
		break;
	case DO_KICK:
		on_person(s, "member.kick", false);
		break;
	case DO_MUTE:
		on_person(s, "member.mute", true);
		break;
	case DO_UNBAN:
		on_person(s, "member.unban", false);
		break;
	case DO_UNMUTE:
		on_person(s, "member.unmute", false);
		break;
	case DO_OWNER:
		raise(g, s->whom);
		on_person(s, "owner.add", false);
		break;
	case DO_RESIGN:
		ask(p, s->who, "owner.resign", g->id, NULL, false, json_pack("{s:s}", "group", g->id));
		break;
	case DO_NODE_BAN:
	case DO_NODE_UNBAN:
		kith_id_str(world_id(p->w, p->who[s->whom].p.node), node);
		ask(p, s->who, kind == DO_NODE_BAN ? "node.ban" : "node.unban", g->id, NULL, false, json_pack("{s:s,s:s}", "group", g->id, "node", node));
		break;
	case DO_UNINVITE:
		if (g->invites.n > 0)
			ask(p, s->who, "invite.revoke", g->id, NULL, false, json_pack("{s:s,s:s}", "group", g->id, "id",
			    g->invites.v[dice_below(s->d, (uint32_t)g->invites.n)].id));
		break;
	case DO_ADMIT:
		on_person(s, "request.admit", false);
		break;
	default:
		setting(s);
		break;
	}
}

/* ---- steps ---- */

static void
cast(struct scene *s, bool high)
{
	struct play *p = s->p;
	uint32_t at;

	s->whom = (int)dice_below(s->d, (uint32_t)p->n_people);
	s->uid = p->who[s->whom].p.uid;
	s->who = somebody(s, high);
	if (s->g == NULL)
		return;
	at = dice_below(s->d, (uint32_t)s->g->rooms.n);
	s->room = &s->g->rooms.v[dice_chance(s->d, 50) ? 0 : at];
}

void
load_step(struct play *p, const struct step *x)
{
	struct dice d;
	struct scene s = { .p = p, .d = &d };

	dice_seed(&d, x->roll, 4);
	s.g = p->n_groups > 0 ? &p->group[dice_below(&d, (uint32_t)p->n_groups)] : NULL;
	if (s.g == NULL || (x->kind == DO_GROUP && p->n_groups < PLAY_GROUPS_MAX - 2)) {
		make_group(p, &d, somebody(&s, false));
		return;
	}
	cast(&s, x->kind >= DO_INVITE && dice_chance(&d, 80));
	if (x->kind == DO_CONNECT || x->kind == DO_DISCONNECT) {
		clients_step(p, s.whom, x->kind == DO_CONNECT);
		return;
	}
	/* of a conversation of two nobody is asked into it, and it has no settings */
	if (s.g->direct && x->kind >= DO_GROUP && x->kind != DO_DM) {
		say(&s, false);
		return;
	}
	switch (x->kind) {
	case DO_SAY:
	case DO_AGAIN:
		say(&s, x->kind == DO_AGAIN);
		break;
	case DO_EDIT:
	case DO_REACT:
	case DO_PIN:
	case DO_RECALL:
	case DO_REMOVE:
		about_message(&s, x->kind);
		break;
	case DO_TYPE:
		ask(p, s.who, "typing", s.g->id, NULL, false, json_pack("{s:s,s:s}", "group", s.g->id, "panel", s.room->id));
		break;
	case DO_GROUP:
	case DO_JOIN:
		join(&s);
		break;
	case DO_LEAVE:
		ask(p, s.who, "group.leave", s.g->id, NULL, false, json_pack("{s:s}", "group", s.g->id));
		break;
	case DO_DM:
		dm(&s);
		break;
	case DO_INVITE:
		invite(&s);
		break;
	default:
		moderate(&s, x->kind);
		break;
	}
}

/* Groups, most people in them, and some who may moderate. */
void
load_begin(struct play *p)
{
	struct dice d;

	dice_seed(&d, p->story->seed, 5);
	for (int i = 0; i < p->story->n_groups; i++)
		make_group(p, &d, (int)dice_below(&d, (uint32_t)p->n_people));
	world_run(p->w, 1000);
	for (int i = 0; i < p->n_groups; i++)
		ask(p, p->group[i].maker, "invite.new", p->group[i].id, NULL, false, json_pack("{s:s}", "group", p->group[i].id));
	world_run(p->w, 1000);
	for (int i = 0; i < p->n_groups; i++) {
		for (int k = 0; k < p->n_people; k++) {
			if (k != p->group[i].maker && dice_chance(&d, 70) && p->group[i].links.n > 0)
				ask(p, k, "group.join", p->group[i].id, NULL, false, json_pack("{s:s}", "link", p->group[i].links.v[0]));
		}
	}
	world_run(p->w, 8000);
	for (int i = 0; p->story->heat > 5 && i < p->n_groups; i++) {
		struct scene s = { .p = p, .d = &d, .g = &p->group[i], .who = p->group[i].maker };

		for (int k = 0; k < 3; k++)
			new_role(&s, 70);
		world_run(p->w, 500);
		for (int k = 0; k < p->n_people; k++) {
			s.whom = k;
			s.uid = p->who[k].p.uid;
			if (k == s.who || !dice_chance(&d, 50))
				continue;
			raise(s.g, k);
			if (dice_chance(&d, 25) || s.g->roles.n == 0)
				on_person(&s, "owner.add", false);
			else
				on_role(&s, "role.grant", true);
		}
	}
	world_run(p->w, 1000);
}
