#include "cli/names.h"

#include <stdlib.h>
#include <string.h>

#include "cli/meaning.h"
#include "cli/rpc.h"
#include "cli/session.h"
#include "cli/text.h"

/* ---- people's names ---- */

/* name, name#1234, either with @node; or a uid. */
static bool
is_person(const json_t *who, const char *text, int tier)
{
	const char *handle = cli_str(who, "handle"), *uid = cli_str(who, "uid"), *at = strrchr(text, '@'), *number;
	size_t n = at != NULL ? (size_t)(at - text) : strlen(text), name;

	if (tier == CLI_EXACT && cli_is_id(uid, text))
		return true;
	if (at != NULL && !cli_fits(cli_str(who, "node_name"), cli_str(who, "node"), at + 1, tier))
		return false;
	number = strrchr(handle, '#');
	name = number != NULL ? (size_t)(number - handle) : strlen(handle);
	if (n != strlen(handle) && n != name)
		return false;
	return tier == CLI_EXACT ? strncmp(handle, text, n) == 0 : strncasecmp(handle, text, n) == 0;
}

void
cli_handle(struct cli *c, const json_t *who, const char *handle_key, char *out, size_t cap)
{
	const char *handle = cli_str(who, handle_key), *node = cli_str(who, "node"),
	    *name = cli_str(who, "node_name");

	if (handle[0] == '\0')
		handle = cli_str(who, "uid");
	if (c->session != NULL && (strcmp(node, c->session->node) == 0 || name[0] == '\0'))
		snprintf(out, cap, "%s", handle);
	else
		snprintf(out, cap, "%s@%s", handle, name);
}

/* ---- roles, people, nodes ---- */

static int
roles_meant(struct cli *c, const char *group, const char *text, struct cli_meanings *m)
{
	json_auto_t *answer = NULL;
	json_t *role;
	size_t i;
	int r = cli_call(c, "role.list", json_pack("{s:s}", "group", group), &answer);

	if (r != CLI_OK)
		return r;
	for (int tier = CLI_EXACT; m->n == 0 && tier < CLI_TIERS; tier++) {
		json_array_foreach(cli_get(answer, "roles"), i, role) {
			if (cli_fits(cli_str(role, "name"), cli_str(role, "id"), text, tier))
				cli_means(m, cli_str(role, "id"), "", "role %s, level %lld", cli_str(role, "name"),
				    (long long)cli_int(role, "level"));
		}
	}
	return CLI_OK;
}

int
cli_find_role(struct cli *c, const char *group, const char *text, char role[KITH_ID_STR])
{
	struct cli_meanings m = { NULL, 0, 0, false };
	int r = roles_meant(c, group, text, &m);

	return r == CLI_OK ? cli_settle(&m, "role", text, "`kith roles GROUP` lists them", role, NULL) : r;
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
person_means(struct cli_meanings *m, const json_t *who)
{
	cli_means(m, cli_str(who, "uid"), "", "%s@%s", cli_str(who, "handle"),
	    cli_str(who, "node_name")[0] != '\0' ? cli_str(who, "node_name") : cli_str(who, "node"));
}

struct search { const char *text; struct cli_meanings tier[CLI_TIERS]; };

static bool
look_at_person(void *ctx, json_t *who)
{
	struct search *s = ctx;

	for (int tier = CLI_EXACT; tier < CLI_TIERS; tier++) {
		if (is_person(who, s->text, tier))
			person_means(&s->tier[tier], who);
	}
	return true;
}

/* The better tier that has any; the other is freed. */
static struct cli_meanings
best_of(struct search *s)
{
	struct cli_meanings m = s->tier[CLI_EXACT];

	if (m.n == 0 && !m.failed) {
		free(m.v);
		return s->tier[CLI_FOLDED];
	}
	free(s->tier[CLI_FOLDED].v);
	return m;
}

static int
people_meant(struct cli *c, const char *group, const char *text, struct cli_meanings *m)
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
	if (r != CLI_OK || m->n > 0 || m->failed || (cli_is_idlike(text) && strlen(text) != KITH_ID_STR - 1 &&
	    group != NULL))
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
	struct cli_meanings m = { NULL, 0, 0, false };
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
	return cli_settle(&m, "person", text, person_hint, uid, NULL);
}

int
cli_find_request(struct cli *c, const char *group, const char *text, char uid[KITH_ID_STR])
{
	struct search s = { .text = text };
	json_auto_t *answer = NULL;
	struct cli_meanings m;
	json_t *who;
	size_t i;
	int r = cli_call(c, "request.list", json_pack("{s:s}", "group", group), &answer);

	if (r != CLI_OK)
		return r;
	json_array_foreach(cli_get(answer, "requests"), i, who)
		look_at_person(&s, who);
	m = best_of(&s);
	return cli_settle(&m, "request of", text, "`kith requests GROUP` lists them", uid, NULL);
}

int
cli_find_role_or_user(struct cli *c, const char *group, const char *text, char role[KITH_ID_STR],
    char uid[KITH_ID_STR])
{
	struct cli_meanings roles = { NULL, 0, 0, false }, people = { NULL, 0, 0, false };
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
			r = cli_fail(CLI_FAILED, "\"%s\" is a role and a person: say role:%s or user:%s", text,
			    text, text);
		free(roles.v);
		free(people.v);
		return r;
	}
	if (people.n > 0) {
		free(roles.v);
		return cli_settle(&people, "person", text, "", uid, NULL);
	}
	free(people.v);
	return cli_settle(&roles, "role or person", text, "`kith roles GROUP` and `kith members GROUP` list them",
	    role, NULL);
}

struct node_search { const char *text; struct cli_meanings m; int tier; };

static bool
look_at_node(void *ctx, json_t *member)
{
	struct node_search *s = ctx;
	const char *node = cli_str(member, "node"), *name = cli_str(member, "node_name");

	if (cli_fits(name, node, s->text, s->tier))
		cli_means(&s->m, node, "", "%s", name);
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
	for (s.tier = CLI_EXACT; s.m.n == 0 && s.tier < CLI_TIERS; s.tier++) {
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
			if (cli_is_id(cli_str(act, "node"), text))
				cli_means(&s.m, cli_str(act, "node"), "", "node");
		}
	}
	return cli_settle(&s.m, "node", text,
	    "`kith members GROUP` shows the nodes of its members; one without members goes by its id", node, NULL);
}
