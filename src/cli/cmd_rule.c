#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/names.h"
#include "cli/rpc.h"
#include "cli/text.h"

/* Who may do what: panels, roles, moderation, owners, nodes, and the log of it all. */

int
cli_act(struct cli *c, const char *method, const char *group, json_t *params)
{
	json_auto_t *answer = NULL;
	json_t *via;
	int r;

	if (params == NULL)
		return cli_nomem();
	via = cli_find_via(c, group, &r);
	if (via == NULL || json_object_set_new(params, "group", json_string(group)) != 0 ||
	    (json_is_string(via) && json_object_set(params, "via", via) != 0)) {
		json_decref(params);
		json_decref(via);
		return r != CLI_OK ? r : cli_nomem();
	}
	json_decref(via);
	r = cli_call(c, method, params, &answer);
	return r == CLI_OK ? cli_put_result(c, answer, "id") : r;
}

static const char *
second_word(const struct cli *c)
{
	const char *blank = strchr(c->command->name, ' ');

	return blank != NULL ? blank + 1 : c->command->name;
}

static json_t *
strings(const char *const *v, size_t n)
{
	json_t *a = json_array();

	for (size_t i = 0; i < n; i++) {
		/* a,b,c is three of them */
		for (const char *p = v[i], *end; *p != '\0'; p = *end == ',' ? end + 1 : end) {
			end = p + strcspn(p, ",");
			if (end > p && json_array_append_new(a, json_stringn(p, (size_t)(end - p))) != 0) {
				json_decref(a);
				return NULL;
			}
		}
	}
	return a;
}

/* ---- panels ---- */

int
cli_cmd_panel_new(struct cli *c)
{
	char group[KITH_ID_STR];
	int r = cli_find_group(c, c->word.v[0], group);

	return r == CLI_OK ? cli_act(c, "panel.new", group,
	    json_pack("{s:s, s:s?, s:b}", "name", c->word.v[1], "kind", c->opt[OPT_KIND], "private",
	    c->opt[OPT_PRIVATE] != NULL)) : r;
}

int
cli_cmd_panel_set(struct cli *c)
{
	const char *value = c->word.v[2];
	struct cli_place at, folder;
	char text[2048];
	int r = cli_find_place(c, c->word.v[0], true, &at);

	/* a folder goes by its name too */
	if (r == CLI_OK && strcmp(c->word.v[1], "parent") == 0 && value[0] != '\0') {
		if (snprintf(text, sizeof(text), "%s/%s", at.group, value) >= (int)sizeof(text))
			return cli_fail(CLI_USAGE, "there is no folder with a name that long");
		r = cli_find_place(c, text, true, &folder);
		value = folder.panel;
	}
	return r == CLI_OK ? cli_act(c, "panel.set", at.group,
	    json_pack("{s:s, s:s, s:s}", "panel", at.panel, "key", c->word.v[1], "value", value)) : r;
}

int
cli_cmd_panel_delete(struct cli *c)
{
	struct cli_place at;
	int r = cli_find_place(c, c->word.v[0], true, &at);

	return r == CLI_OK ? cli_act(c, "panel.delete", at.group, json_pack("{s:s}", "panel", at.panel)) : r;
}

int
cli_cmd_panel_allow(struct cli *c)
{
	char role[KITH_ID_STR], uid[KITH_ID_STR];
	struct cli_place at;
	int r = cli_find_place(c, c->word.v[0], true, &at);

	if (r == CLI_OK)
		r = cli_find_role_or_user(c, at.group, c->word.v[1], role, uid);
	return r == CLI_OK ? cli_act(c, "panel.override", at.group,
	    json_pack("{s:s, s:s, s:s, s:s?, s:s?}", "effect", second_word(c), "panel", at.panel, "perm",
	    c->word.v[2], "role", role[0] != '\0' ? role : NULL, "user", uid[0] != '\0' ? uid : NULL)) : r;
}

int
cli_cmd_panels(struct cli *c)
{
	json_auto_t *answer = NULL;
	struct cli_table *t;
	char group[KITH_ID_STR];
	json_t *p;
	size_t i;
	int r = cli_find_group(c, c->word.v[0], group);

	if (r == CLI_OK)
		r = cli_call(c, "panel.list", json_pack("{s:s}", "group", group), &answer);
	if (r != CLI_OK)
		return r;
	t = cli_table_new(5);
	json_array_foreach(cli_get(answer, "panels"), i, p) {
		const char *marks = cli_is(p, "private") ? cli_is(p, "open") ? "private" : "private, closed" :
		    cli_is(p, "open") ? "" : "closed";
		char id[CLI_SHORT];

		if (c->opt[OPT_JSON] != NULL)
			r = cli_put_json(p);
		else
			cli_table_row(t, (const char *[]){ cli_short(cli_str(p, "id"), id), cli_str(p, "name"),
			    cli_str(p, "kind"), marks, cli_str(p, "topic") });
	}
	return cli_table_put(t) == CLI_OK ? r : CLI_FAILED;
}

/* ---- roles ---- */

int
cli_cmd_role_new(struct cli *c)
{
	json_t *params, *perms, *may;
	char group[KITH_ID_STR];
	uint64_t level = 0;
	int r;

	if (c->opt[OPT_LEVEL] == NULL || c->opt[OPT_PERM] == NULL)
		return cli_fail(CLI_USAGE, "it needs a level and permissions: kith role new GROUP NAME --level N --perm P...");
	if (cli_number(c->opt[OPT_LEVEL], 99, &level) != KITH_OK || level == 0)
		return cli_fail(CLI_USAGE, "--level takes a number from 1 to 99, not \"%s\"", c->opt[OPT_LEVEL]);
	r = cli_find_group(c, c->word.v[0], group);
	if (r != CLI_OK)
		return r;
	perms = strings(c->perm.v, c->perm.n);
	may = c->may.n > 0 ? strings(c->may.v, c->may.n) : NULL;
	params = json_pack("{s:s, s:I, s:o, s:o*}", "name", c->word.v[1], "level", (json_int_t)level, "perms",
	    perms, "may", may);
	return cli_act(c, "role.new", group, params);
}

int
cli_cmd_role_allow(struct cli *c)
{
	char group[KITH_ID_STR], role[KITH_ID_STR];
	int r = cli_find_group(c, c->word.v[0], group);

	if (r == CLI_OK)
		r = cli_find_role(c, group, c->word.v[1], role);
	return r == CLI_OK ? cli_act(c, "role.set", group,
	    json_pack("{s:b, s:s, s:o}", "allow", strcmp(second_word(c), "allow") == 0, "role", role, "perms",
	    strings(c->word.v + 2, c->word.n - 2))) : r;
}

int
cli_cmd_role_grant(struct cli *c)
{
	char group[KITH_ID_STR], role[KITH_ID_STR], uid[KITH_ID_STR];
	int r = cli_find_group(c, c->word.v[0], group);

	if (r == CLI_OK)
		r = cli_find_role(c, group, c->word.v[1], role);
	if (r == CLI_OK)
		r = cli_find_user(c, group, c->word.v[2], uid);
	return r == CLI_OK ? cli_act(c, strcmp(second_word(c), "grant") == 0 ? "role.grant" : "role.revoke", group,
	    json_pack("{s:s, s:s}", "role", role, "user", uid)) : r;
}

/* The permissions of a role, on lines of their own beneath it. */
static void
put_perms(const json_t *list)
{
	unsigned column = 0;
	json_t *perm;
	size_t i;

	json_array_foreach(list, i, perm) {
		const char *s = json_string_value(perm);
		unsigned w = s != NULL ? (unsigned)strlen(s) : 0;
		struct kith_buf b;

		if (column == 0 || column + 1 + w > 96) {
			printf("%s         ", column > 0 ? "\n" : "");
			column = 9;
		}
		kith_buf_init(&b, 0);
		cli_clean(&b, kith_slice_str(s != NULL ? s : ""), 0);
		printf(" %.*s", (int)b.n, b.n > 0 ? (const char *)b.p : "");
		kith_buf_fini(&b);
		column += 1 + w;
	}
	if (column > 0)
		puts("");
}

int
cli_cmd_roles(struct cli *c)
{
	json_auto_t *answer = NULL;
	char group[KITH_ID_STR];
	json_t *role;
	size_t i;
	int r = cli_find_group(c, c->word.v[0], group);

	if (r == CLI_OK)
		r = cli_call(c, "role.list", json_pack("{s:s}", "group", group), &answer);
	if (r != CLI_OK)
		return r;
	json_array_foreach(cli_get(answer, "roles"), i, role) {
		char line[600], id[CLI_SHORT];
		size_t holders = json_array_size(cli_get(role, "holders"));

		if (c->opt[OPT_JSON] != NULL) {
			r = cli_put_json(role);
			continue;
		}
		if (cli_int(role, "level") > 0)
			snprintf(line, sizeof(line), "%s  %s, level %lld, held by %zu",
			    cli_short(cli_str(role, "id"), id), cli_str(role, "name"),
			    (long long)cli_int(role, "level"), holders);
		else
			snprintf(line, sizeof(line), "%s  %s, implicit", cli_short(cli_str(role, "id"), id),
			    cli_str(role, "name"));
		cli_put_line(line);
		put_perms(cli_get(role, "perms"));
	}
	return r;
}

/* ---- people and nodes ---- */

int
cli_cmd_person(struct cli *c)
{
	char group[KITH_ID_STR], uid[KITH_ID_STR], method[32];
	uint64_t for_ms = 0;
	json_t *params;
	int r;

	if (c->opt[OPT_FOR] != NULL && cli_duration(c->opt[OPT_FOR], &for_ms) != KITH_OK)
		return cli_fail(CLI_USAGE, "--for takes a time such as 30s, 10m, 2h or 7d, not \"%s\"",
		    c->opt[OPT_FOR]);
	r = cli_find_group(c, c->word.v[0], group);
	if (r == CLI_OK)
		r = cli_find_user(c, group, c->word.v[1], uid);
	if (r != CLI_OK)
		return r;
	snprintf(method, sizeof(method), "member.%s", c->command->name);
	params = json_pack("{s:s}", "user", uid);
	if (params != NULL && for_ms > 0)
		json_object_set_new(params, "for", json_integer((json_int_t)for_ms));
	if (params != NULL && c->opt[OPT_REASON] != NULL)
		json_object_set_new(params, "reason", json_string(c->opt[OPT_REASON]));
	return cli_act(c, method, group, params);
}

int
cli_cmd_owner_add(struct cli *c)
{
	char group[KITH_ID_STR], uid[KITH_ID_STR];
	int r = cli_find_group(c, c->word.v[0], group);

	if (r == CLI_OK)
		r = cli_find_user(c, group, c->word.v[1], uid);
	return r == CLI_OK ? cli_act(c, "owner.add", group, json_pack("{s:s}", "user", uid)) : r;
}

int
cli_cmd_owner_resign(struct cli *c)
{
	char group[KITH_ID_STR];
	int r = cli_find_group(c, c->word.v[0], group);

	return r == CLI_OK ? cli_act(c, "owner.resign", group, json_object()) : r;
}

int
cli_cmd_node_ban(struct cli *c)
{
	char group[KITH_ID_STR], node[KITH_ID_STR];
	json_t *params;
	int r = cli_find_group(c, c->word.v[0], group);

	if (r == CLI_OK)
		r = cli_find_node(c, group, c->word.v[1], node);
	if (r != CLI_OK)
		return r;
	params = json_pack("{s:s}", "node", node);
	if (params != NULL && c->opt[OPT_REASON] != NULL)
		json_object_set_new(params, "reason", json_string(c->opt[OPT_REASON]));
	return cli_act(c, strcmp(second_word(c), "ban") == 0 ? "node.ban" : "node.unban", group, params);
}

/* ---- the log ---- */

static void
put_act(const json_t *a)
{
	char when[CLI_WHEN], id[CLI_SHORT], other[CLI_SHORT];
	struct kith_buf b;
	json_t *who;
	size_t i;
	static const char *const things[] = { "role", "panel", "node", "invite" };

	kith_buf_init(&b, 0);
	kith_buf_printf(&b, "%s %s %s  %s", cli_when(cli_int(a, "clock"), when), cli_short(cli_str(a, "id"), id),
	    cli_str(a, "author"), cli_str(a, "kind"));
	json_array_foreach(cli_get(a, "users"), i, who)
		kith_buf_printf(&b, " %s", json_string_value(who));
	for (i = 0; i < sizeof(things) / sizeof(things[0]); i++) {
		if (cli_str(a, things[i])[0] != '\0')
			kith_buf_printf(&b, " %s %s", things[i], cli_short(cli_str(a, things[i]), other));
	}
	if (cli_str(a, "key")[0] != '\0')
		kith_buf_printf(&b, " %s", cli_str(a, "key"));
	if (cli_str(a, "text")[0] != '\0')
		kith_buf_printf(&b, ": %s", cli_str(a, "text"));
	if (strcmp(cli_str(a, "state"), "effective") != 0)
		kith_buf_printf(&b, " [%s]", cli_str(a, "state"));
	kith_buf_put(&b, "", 1);
	if (kith_buf_err(&b) == KITH_OK)
		cli_put_line((const char *)b.p);
	kith_buf_fini(&b);
}

int
cli_cmd_audit(struct cli *c)
{
	json_auto_t *all = json_array();
	char group[KITH_ID_STR], before[64] = "";
	uint64_t last = 50;
	int r;

	if (c->opt[OPT_LAST] != NULL && cli_number(c->opt[OPT_LAST], 100000000, &last) != KITH_OK)
		return cli_fail(CLI_USAGE, "--last takes a number, not \"%s\"", c->opt[OPT_LAST]);
	r = cli_find_group(c, c->word.v[0], group);
	while (r == CLI_OK && json_array_size(all) < last) {
		uint64_t want = last - json_array_size(all);
		json_auto_t *answer = NULL;
		json_t *acts;
		size_t n;

		r = cli_call(c, "audit.list", json_pack("{s:s, s:s?, s:I}", "group", group, "before",
		    before[0] != '\0' ? before : NULL, "limit", (json_int_t)(want < 100 ? want : 100)), &answer);
		acts = cli_get(answer, "acts");
		n = json_array_size(acts);
		if (r != CLI_OK || n == 0)
			break;
		snprintf(before, sizeof(before), "%s", cli_str(json_array_get(acts, n - 1), "order"));
		if (json_array_extend(all, acts) != 0)
			r = cli_nomem();
	}
	for (size_t i = json_array_size(all); r == CLI_OK && i > 0; i--) {
		json_t *a = json_array_get(all, i - 1);

		json_object_del(a, "order");
		if (c->opt[OPT_JSON] != NULL)
			r = cli_put_json(a);
		else
			put_act(a);
	}
	return r;
}
