#include "cli/names.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/rpc.h"
#include "cli/session.h"
#include "cli/text.h"

/* ---- what a text may mean ---- */

struct meaning { char id[KITH_ID_STR], second[KITH_ID_STR], text[600]; };
struct meanings { struct meaning *v; size_t n, cap; bool failed; };

static void
means(struct meanings *m, const char *id, const char *second, const char *fmt, ...) KITH_PRINTF(4, 5);

static void
means(struct meanings *m, const char *id, const char *second, const char *fmt, ...)
{
	struct meaning *grown, *x;
	va_list ap;

	for (size_t i = 0; i < m->n; i++) {
		if (strcmp(m->v[i].id, id) == 0 && strcmp(m->v[i].second, second) == 0)
			return;
	}
	if (strlen(id) >= KITH_ID_STR || strlen(second) >= KITH_ID_STR)
		return;
	if (m->n == m->cap) {
		grown = realloc(m->v, (m->cap * 2 + 8) * sizeof(*grown));
		if (grown == NULL) {
			m->failed = true;
			return;
		}
		m->v = grown;
		m->cap = m->cap * 2 + 8;
	}
	x = &m->v[m->n++];
	snprintf(x->id, sizeof(x->id), "%s", id);
	snprintf(x->second, sizeof(x->second), "%s", second);
	va_start(ap, fmt);
	vsnprintf(x->text, sizeof(x->text), fmt, ap);
	va_end(ap);
}

/* The one meaning, copied; frees m. hint: what to do when there is none. */
static int
settle(struct meanings *m, const char *what, const char *text, const char *hint, char id[KITH_ID_STR], char second[KITH_ID_STR])
{
	int r = CLI_OK;

	if (m->failed) {
		r = cli_nomem();
	} else if (m->n == 1) {
		memcpy(id, m->v[0].id, KITH_ID_STR);
		if (second != NULL)
			memcpy(second, m->v[0].second, KITH_ID_STR);
	} else if (m->n == 0) {
		r = cli_fail(CLI_FAILED, "there is no %s \"%s\"%s%s", what, text, hint[0] != '\0' ? ": " : "", hint);
	} else {
		r = cli_fail(CLI_FAILED, "\"%s\" means more than one %s; say which by its id:", text, what);
		for (size_t i = 0; i < m->n && i < 50; i++)
			cli_note("  %.12s  %s", m->v[i].second[0] != '\0' ? m->v[i].second : m->v[i].id, m->v[i].text);
	}
	free(m->v);
	return r;
}

enum { EXACT, FOLDED, N_TIERS };

static bool
is_id(const char *id, const char *text)
{
	return cli_is_idlike(text) && cli_begins(id, text);
}

static bool
fits(const char *name, const char *id, const char *text, int tier)
{
	if (tier == EXACT)
		return strcmp(name, text) == 0 || is_id(id, text);
	return cli_same_nocase(name, text);
}

/* ---- people's names ---- */

/* name, name#1234, either with @node; or a uid. */
static bool
is_person(const json_t *who, const char *text, int tier)
{
	const char *handle = cli_str(who, "handle"), *uid = cli_str(who, "uid"), *at = strrchr(text, '@'), *number;
	size_t n = at != NULL ? (size_t)(at - text) : strlen(text), name;

	if (tier == EXACT && is_id(uid, text))
		return true;
	if (at != NULL && !fits(cli_str(who, "node_name"), cli_str(who, "node"), at + 1, tier))
		return false;
	number = strrchr(handle, '#');
	name = number != NULL ? (size_t)(number - handle) : strlen(handle);
	if (n != strlen(handle) && n != name)
		return false;
	return tier == EXACT ? strncmp(handle, text, n) == 0 : strncasecmp(handle, text, n) == 0;
}

void
cli_handle(struct cli *c, const json_t *who, const char *handle_key, char *out, size_t cap)
{
	const char *handle = cli_str(who, handle_key), *node = cli_str(who, "node"), *name = cli_str(who, "node_name");

	if (handle[0] == '\0')
		handle = cli_str(who, "uid");
	if (c->session != NULL && (strcmp(node, c->session->node) == 0 || name[0] == '\0'))
		snprintf(out, cap, "%s", handle);
	else
		snprintf(out, cap, "%s@%s", handle, name);
}

/* ---- groups and panels ---- */

json_t *
cli_groups(struct cli *c, bool again, int *r)
{
	json_t *answer = NULL, *list;

	*r = CLI_OK;
	if (c->groups != NULL && !again)
		return cli_get(c->groups, "groups");
	*r = cli_call(c, "group.list", cli_no_params(), &answer);
	if (*r != CLI_OK)
		return NULL;
	json_decref(c->groups);
	c->groups = answer;
	list = cli_get(answer, "groups");
	if (list == NULL)
		*r = cli_fail(CLI_FAILED, "the node's answer makes no sense");
	return list;
}

static bool
is_group(const json_t *g, const char *text, int tier)
{
	const char *name = cli_str(g, "name"), *number = strrchr(name, '#');
	size_t n = strlen(text);

	if (fits(name, cli_str(g, "id"), text, tier))
		return true;
	/* a conversation of two is called by the other's handle; the number may be left out */
	return tier == FOLDED && strcmp(cli_str(g, "kind"), "direct") == 0 && number != NULL &&
	    (size_t)(number - name) == n && strchr(name, ',') == NULL && strncasecmp(name, text, n) == 0;
}

static void
group_means(struct meanings *m, const json_t *g)
{
	means(m, cli_str(g, "id"), "", "%s (%s, %lld members)", cli_str(g, "name"), cli_str(g, "kind"), (long long)cli_int(g, "members"));
}

int
cli_find_group(struct cli *c, const char *text, char group[KITH_ID_STR])
{
	struct meanings m = { NULL, 0, 0, false };
	json_t *list, *g;
	size_t i;
	int r;

	list = cli_groups(c, false, &r);
	if (list == NULL)
		return r;
	for (int tier = EXACT; m.n == 0 && tier < N_TIERS; tier++) {
		json_array_foreach(list, i, g) {
			if (is_group(g, text, tier))
				group_means(&m, g);
		}
	}
	return settle(&m, "group", text, "`kith groups` lists those you are in", group, NULL);
}

/* Adds what "GROUP/PANEL" may mean, for every way to cut it in two; without a panel: the first for chat. */
static void
place_means(struct meanings *m, const json_t *g, const char *text, bool with_panel, int tier)
{
	json_t *panel, *panels = cli_get(g, "panels");
	char head[1024];
	size_t i;

	if (!with_panel) {
		if (!is_group(g, text, tier))
			return;
		json_array_foreach(panels, i, panel) {
			if (strcmp(cli_str(panel, "kind"), "chat") == 0) {
				means(m, cli_str(g, "id"), cli_str(panel, "id"), "%s/%s", cli_str(g, "name"), cli_str(panel, "name"));
				break;
			}
		}
		return;
	}
	for (const char *slash = strchr(text, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		if (snprintf(head, sizeof(head), "%.*s", (int)(slash - text), text) >= (int)sizeof(head) || !is_group(g, head, tier))
			continue;
		json_array_foreach(panels, i, panel) {
			if (fits(cli_str(panel, "name"), cli_str(panel, "id"), slash + 1, tier))
				means(m, cli_str(g, "id"), cli_str(panel, "id"), "%s/%s", cli_str(g, "name"), cli_str(panel, "name"));
		}
	}
}

int
cli_find_place(struct cli *c, const char *text, bool must_name, struct cli_place *out)
{
	struct meanings m = { NULL, 0, 0, false };
	char group[KITH_ID_STR] = "", panel[KITH_ID_STR] = "";
	json_t *list, *g;
	bool group_known = false;
	size_t i;
	int r;

	list = cli_groups(c, false, &r);
	if (list == NULL)
		return r;
	if (must_name && strchr(text, '/') == NULL)
		return cli_fail(CLI_USAGE, "\"%s\" names no panel: it goes GROUP/PANEL", text);
	for (int tier = EXACT; m.n == 0 && tier < N_TIERS; tier++) {
		json_array_foreach(list, i, g) {
			if (!must_name)
				place_means(&m, g, text, false, tier);
			place_means(&m, g, text, true, tier);
			group_known = group_known || is_group(g, text, tier);
		}
	}
	if (m.n == 0 && group_known)
		return cli_fail(CLI_FAILED, "\"%s\" has no chat panel that you may see: `kith panel new %s NAME` makes one", text, text);
	r = settle(&m, strchr(text, '/') != NULL ? "panel" : "group", text,
	    strchr(text, '/') != NULL ? "`kith panels GROUP` lists those that you may see" : "`kith groups` lists those you are in", group, panel);
	if (r == CLI_OK) {
		memcpy(out->group, group, sizeof(group));
		memcpy(out->panel, panel, sizeof(panel));
	}
	return r;
}

int
cli_find_group_or_place(struct cli *c, const char *text, struct cli_place *out)
{
	json_t *list, *g;
	size_t i;
	int r;

	list = cli_groups(c, false, &r);
	if (list == NULL)
		return r;
	json_array_foreach(list, i, g) {
		for (int tier = EXACT; tier < N_TIERS; tier++) {
			if (is_group(g, text, tier)) {
				out->panel[0] = '\0';
				return cli_find_group(c, text, out->group);
			}
		}
	}
	return strchr(text, '/') != NULL ? cli_find_place(c, text, true, out) : cli_find_group(c, text, out->group);
}

/* ---- roles, people, nodes ---- */

static int
roles_meant(struct cli *c, const char *group, const char *text, struct meanings *m)
{
	json_auto_t *answer = NULL;
	json_t *role;
	size_t i;
	int r = cli_call(c, "role.list", json_pack("{s:s}", "group", group), &answer);

	if (r != CLI_OK)
		return r;
	for (int tier = EXACT; m->n == 0 && tier < N_TIERS; tier++) {
		json_array_foreach(cli_get(answer, "roles"), i, role) {
			if (fits(cli_str(role, "name"), cli_str(role, "id"), text, tier))
				means(m, cli_str(role, "id"), "", "role %s, level %lld", cli_str(role, "name"), (long long)cli_int(role, "level"));
		}
	}
	return CLI_OK;
}

int
cli_find_role(struct cli *c, const char *group, const char *text, char role[KITH_ID_STR])
{
	struct meanings m = { NULL, 0, 0, false };
	int r = roles_meant(c, group, text, &m);

	return r == CLI_OK ? settle(&m, "role", text, "`kith roles GROUP` lists them", role, NULL) : r;
}

json_t *
cli_find_via(struct cli *c, const char *group, int *r)
{
	char role[KITH_ID_STR];

	*r = CLI_OK;
	if (c->opt[OPT_VIA] == NULL)
		return json_null();
	*r = cli_find_role(c, group, c->opt[OPT_VIA], role);
	return *r == CLI_OK ? json_string(role) : NULL;
}

int
cli_each_member(struct cli *c, const char *group, bool (*fn)(void *ctx, json_t *member), void *ctx)
{
	char after[KITH_ID_STR] = "";

	for (;;) {
		json_auto_t *answer = NULL;
		json_t *list, *m;
		size_t i, n;
		int r = cli_call(c, "member.list", json_pack("{s:s, s:s?, s:i}", "group", group, "after",
		    after[0] != '\0' ? after : NULL, "limit", 1000), &answer);

		if (r != CLI_OK)
			return r;
		list = cli_get(answer, "members");
		n = json_array_size(list);
		json_array_foreach(list, i, m) {
			if (!fn(ctx, m))
				return CLI_OK;
		}
		if (n < 1000 || strlen(cli_str(json_array_get(list, n - 1), "uid")) >= sizeof(after))
			return CLI_OK;
		snprintf(after, sizeof(after), "%s", cli_str(json_array_get(list, n - 1), "uid"));
	}
}

static void
person_means(struct meanings *m, const json_t *who)
{
	means(m, cli_str(who, "uid"), "", "%s@%s", cli_str(who, "handle"),
	    cli_str(who, "node_name")[0] != '\0' ? cli_str(who, "node_name") : cli_str(who, "node"));
}

struct search { const char *text; struct meanings tier[N_TIERS]; };

static bool
look_at_person(void *ctx, json_t *who)
{
	struct search *s = ctx;

	for (int tier = EXACT; tier < N_TIERS; tier++) {
		if (is_person(who, s->text, tier))
			person_means(&s->tier[tier], who);
	}
	return true;
}

/* The better tier that has any; the other is freed. */
static struct meanings
best_of(struct search *s)
{
	struct meanings m = s->tier[EXACT];

	if (m.n == 0 && !m.failed) {
		free(m.v);
		return s->tier[FOLDED];
	}
	free(s->tier[FOLDED].v);
	return m;
}

static int
people_meant(struct cli *c, const char *group, const char *text, struct meanings *m)
{
	struct search s = { .text = text };
	json_auto_t *answer = NULL;
	json_t *who;
	size_t i;
	int r = CLI_OK;

	if (group != NULL) {
		r = cli_each_member(c, group, look_at_person, &s);
		*m = best_of(&s);
	}
	if (r != CLI_OK || m->n > 0 || m->failed || (cli_is_idlike(text) && strlen(text) != KITH_ID_STR - 1 && group != NULL))
		return r;
	r = cli_call(c, "user.find", json_pack("{s:s}", "text", text), &answer);
	if (r == CLI_OK) {
		json_array_foreach(cli_get(answer, "users"), i, who)
			person_means(m, who);
	}
	return r;
}

static const char person_hint[] = "a name at this node, name#1234, name@node or a uid is needed";

int
cli_find_user(struct cli *c, const char *group, const char *text, char uid[KITH_ID_STR])
{
	struct meanings m = { NULL, 0, 0, false };
	struct kith_id id;
	int r;

	/* a whole uid needs no list: it may be of somebody who is in none any more */
	if (kith_id_parse(kith_slice_str(text), &id) == KITH_OK) {
		memcpy(uid, text, KITH_ID_STR);
		return CLI_OK;
	}
	r = people_meant(c, group, text, &m);
	if (r != CLI_OK) {
		free(m.v);
		return r;
	}
	return settle(&m, "person", text, person_hint, uid, NULL);
}

int
cli_find_request(struct cli *c, const char *group, const char *text, char uid[KITH_ID_STR])
{
	struct search s = { .text = text };
	json_auto_t *answer = NULL;
	struct meanings m;
	json_t *who;
	size_t i;
	int r = cli_call(c, "request.list", json_pack("{s:s}", "group", group), &answer);

	if (r != CLI_OK)
		return r;
	json_array_foreach(cli_get(answer, "requests"), i, who)
		look_at_person(&s, who);
	m = best_of(&s);
	return settle(&m, "request of", text, "`kith requests GROUP` lists them", uid, NULL);
}

int
cli_find_role_or_user(struct cli *c, const char *group, const char *text, char role[KITH_ID_STR], char uid[KITH_ID_STR])
{
	struct meanings roles = { NULL, 0, 0, false }, people = { NULL, 0, 0, false };
	int r;

	role[0] = uid[0] = '\0';
	if (cli_begins(text, "role:"))
		return cli_find_role(c, group, text + 5, role);
	if (cli_begins(text, "user:"))
		return cli_find_user(c, group, text + 5, uid);
	r = roles_meant(c, group, text, &roles);
	if (r == CLI_OK)
		r = people_meant(c, group, text, &people);
	if (r != CLI_OK || (roles.n > 0 && people.n > 0)) {
		if (r == CLI_OK)
			r = cli_fail(CLI_FAILED, "\"%s\" is a role and a person: say role:%s or user:%s", text, text, text);
		free(roles.v);
		free(people.v);
		return r;
	}
	if (people.n > 0) {
		free(roles.v);
		return settle(&people, "person", text, "", uid, NULL);
	}
	free(people.v);
	return settle(&roles, "role or person", text, "`kith roles GROUP` and `kith members GROUP` list them", role, NULL);
}

struct node_search { const char *text; struct meanings m; int tier; };

static bool
look_at_node(void *ctx, json_t *member)
{
	struct node_search *s = ctx;
	const char *node = cli_str(member, "node"), *name = cli_str(member, "node_name");

	if (fits(name, node, s->text, s->tier))
		means(&s->m, node, "", "%s", name);
	return true;
}

int
cli_find_node(struct cli *c, const char *group, const char *text, char node[KITH_ID_STR])
{
	struct node_search s = { .text = text };
	json_auto_t *answer = NULL;
	struct kith_id id;
	json_t *act;
	size_t i;
	int r;

	if (kith_id_parse(kith_slice_str(text), &id) == KITH_OK) {
		memcpy(node, text, KITH_ID_STR);
		return CLI_OK;
	}
	for (s.tier = EXACT; s.m.n == 0 && s.tier < N_TIERS; s.tier++) {
		r = cli_each_member(c, group, look_at_node, &s);
		if (r != CLI_OK) {
			free(s.m.v);
			return r;
		}
	}
	/* one that is banned has no members: acts name it */
	if (s.m.n == 0 && cli_is_idlike(text)) {
		r = cli_call(c, "audit.list", json_pack("{s:s, s:i}", "group", group, "limit", 100), &answer);
		if (r != CLI_OK)
			return r;
		json_array_foreach(cli_get(answer, "acts"), i, act) {
			if (is_id(cli_str(act, "node"), text))
				means(&s.m, cli_str(act, "node"), "", "node");
		}
	}
	return settle(&s.m, "node", text, "`kith members GROUP` shows the nodes of its members; one without members goes by its id", node, NULL);
}

/* ---- messages and invites ---- */

int
cli_find_message(struct cli *c, const char *text, struct cli_message *out)
{
	struct meanings m = { NULL, 0, 0, false };
	json_auto_t *answer = NULL;
	json_t *found;
	size_t i;
	int r;

	if (!cli_is_idlike(text))
		return cli_fail(CLI_USAGE, "\"%s\" is not the id of a message: 6 or more letters and digits of one, as `kith read` shows it", text);
	r = cli_call(c, "message.find", json_pack("{s:s}", "prefix", text), &answer);
	if (r != CLI_OK)
		return r;
	json_array_foreach(cli_get(answer, "found"), i, found)
		means(&m, cli_str(found, "id"), "", "%s", cli_str(found, "id"));
	r = settle(&m, "message", text, "`kith read GROUP` shows them with their ids", out->id, NULL);
	if (r != CLI_OK)
		return r;
	json_array_foreach(cli_get(answer, "found"), i, found) {
		if (strcmp(cli_str(found, "id"), out->id) == 0) {
			snprintf(out->at.group, sizeof(out->at.group), "%s", cli_str(found, "group"));
			snprintf(out->at.panel, sizeof(out->at.panel), "%s", cli_str(found, "panel"));
			snprintf(out->order, sizeof(out->order), "%s", cli_str(found, "order"));
		}
	}
	return CLI_OK;
}

int
cli_find_invite(struct cli *c, const char *group_text, const char *text, char invite[KITH_ID_STR], char group[KITH_ID_STR])
{
	struct meanings m = { NULL, 0, 0, false };
	char only[KITH_ID_STR] = "";
	struct kith_id id;
	json_t *list, *g;
	size_t i, k;
	int r = CLI_OK;

	if (group_text != NULL)
		r = cli_find_group(c, group_text, only);
	if (r != CLI_OK)
		return r;
	if (only[0] != '\0' && kith_id_parse(kith_slice_str(text), &id) == KITH_OK) {
		memcpy(invite, text, KITH_ID_STR);
		memcpy(group, only, KITH_ID_STR);
		return CLI_OK;
	}
	list = cli_groups(c, false, &r);
	if (list == NULL)
		return r;
	json_array_foreach(list, i, g) {
		json_auto_t *answer = NULL;
		json_t *inv;

		if (strcmp(cli_str(g, "kind"), "group") != 0 || (only[0] != '\0' && strcmp(only, cli_str(g, "id")) != 0))
			continue;
		/* groups in which one may not see invites are passed over in silence */
		if (cli_call_quietly(c, "invite.list", json_pack("{s:s}", "group", cli_str(g, "id")), &answer) != CLI_OK)
			continue;
		json_array_foreach(cli_get(answer, "invites"), k, inv) {
			if (is_id(cli_str(inv, "id"), text))
				means(&m, cli_str(g, "id"), cli_str(inv, "id"), "invite into %s", cli_str(g, "name"));
		}
	}
	return settle(&m, "invite", text, "`kith invites GROUP` lists those made at this node; for another's give the whole id and --group", group, invite);
}
