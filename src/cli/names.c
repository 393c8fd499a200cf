#include "cli/names.h"

#include <stdlib.h>
#include <string.h>

#include "cli/meaning.h"
#include "cli/rpc.h"
#include "cli/text.h"

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

	if (cli_fits(name, cli_str(g, "id"), text, tier))
		return true;
	/* a conversation of two is called by the other's handle; the number may be left out */
	return tier == CLI_FOLDED && strcmp(cli_str(g, "kind"), "direct") == 0 && number != NULL &&
	    (size_t)(number - name) == n && strchr(name, ',') == NULL && strncasecmp(name, text, n) == 0;
}

static void
group_means(struct cli_meanings *m, const json_t *g)
{
	cli_means(m, cli_str(g, "id"), "", "%s (%s, %lld members)", cli_str(g, "name"), cli_str(g, "kind"),
	    (long long)cli_int(g, "members"));
}

int
cli_find_group(struct cli *c, const char *text, char group[KITH_ID_STR])
{
	struct cli_meanings m = { NULL, 0, 0, false };
	json_t *list, *g;
	size_t i;
	int r;

	list = cli_groups(c, false, &r);
	if (list == NULL)
		return r;
	for (int tier = CLI_EXACT; m.n == 0 && tier < CLI_TIERS; tier++) {
		json_array_foreach(list, i, g) {
			if (is_group(g, text, tier))
				group_means(&m, g);
		}
	}
	return cli_settle(&m, "group", text, "`kith groups` lists those you are in", group, NULL);
}

/* Adds what "GROUP/PANEL" may mean, for every way to cut it in two; without a panel: the first for chat. */
static void
place_means(struct cli_meanings *m, const json_t *g, const char *text, bool with_panel, int tier)
{
	json_t *panel, *panels = cli_get(g, "panels");
	char head[1024];
	size_t i;

	if (!with_panel) {
		if (!is_group(g, text, tier))
			return;
		json_array_foreach(panels, i, panel) {
			if (strcmp(cli_str(panel, "kind"), "chat") == 0) {
				cli_means(m, cli_str(g, "id"), cli_str(panel, "id"), "%s/%s", cli_str(g, "name"),
				    cli_str(panel, "name"));
				break;
			}
		}
		return;
	}
	for (const char *slash = strchr(text, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		if (snprintf(head, sizeof(head), "%.*s", (int)(slash - text), text) >= (int)sizeof(head) ||
		    !is_group(g, head, tier))
			continue;
		json_array_foreach(panels, i, panel) {
			if (cli_fits(cli_str(panel, "name"), cli_str(panel, "id"), slash + 1, tier))
				cli_means(m, cli_str(g, "id"), cli_str(panel, "id"), "%s/%s", cli_str(g, "name"),
				    cli_str(panel, "name"));
		}
	}
}

int
cli_find_place(struct cli *c, const char *text, bool must_name, struct cli_place *out)
{
	struct cli_meanings m = { NULL, 0, 0, false };
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
	for (int tier = CLI_EXACT; m.n == 0 && tier < CLI_TIERS; tier++) {
		json_array_foreach(list, i, g) {
			if (!must_name)
				place_means(&m, g, text, false, tier);
			place_means(&m, g, text, true, tier);
			group_known = group_known || is_group(g, text, tier);
		}
	}
	if (m.n == 0 && group_known)
		return cli_fail(CLI_FAILED, "\"%s\" has no chat panel that you may see: `kith panel new %s NAME` makes one",
		    text, text);
	r = cli_settle(&m, strchr(text, '/') != NULL ? "panel" : "group", text,
	    strchr(text, '/') != NULL ? "`kith panels GROUP` lists those that you may see" :
	    "`kith groups` lists those you are in", group, panel);
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
		for (int tier = CLI_EXACT; tier < CLI_TIERS; tier++) {
			if (is_group(g, text, tier)) {
				out->panel[0] = '\0';
				return cli_find_group(c, text, out->group);
			}
		}
	}
	return strchr(text, '/') != NULL ? cli_find_place(c, text, true, out) : cli_find_group(c, text, out->group);
}

/* ---- messages and invites ---- */

int
cli_find_message(struct cli *c, const char *text, struct cli_message *out)
{
	struct cli_meanings m = { NULL, 0, 0, false };
	json_auto_t *answer = NULL;
	json_t *found;
	size_t i;
	int r;

	if (!cli_is_idlike(text))
		return cli_fail(CLI_USAGE, "\"%s\" is not the id of a message: it takes 6 or more of the letters that "
		    "`kith read` shows", text);
	r = cli_call(c, "message.find", json_pack("{s:s}", "prefix", text), &answer);
	if (r != CLI_OK)
		return r;
	json_array_foreach(cli_get(answer, "found"), i, found)
		cli_means(&m, cli_str(found, "id"), "", "%s", cli_str(found, "id"));
	r = cli_settle(&m, "message", text, "`kith read GROUP` shows them with their ids", out->id, NULL);
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
cli_find_invite(struct cli *c, const char *group_text, const char *text, char invite[KITH_ID_STR],
    char group[KITH_ID_STR])
{
	struct cli_meanings m = { NULL, 0, 0, false };
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

		if (strcmp(cli_str(g, "kind"), "group") != 0 ||
		    (only[0] != '\0' && strcmp(only, cli_str(g, "id")) != 0))
			continue;
		/* groups in which one may not see invites are passed over in silence */
		if (cli_call_quietly(c, "invite.list", json_pack("{s:s}", "group", cli_str(g, "id")),
		    &answer) != CLI_OK)
			continue;
		json_array_foreach(cli_get(answer, "invites"), k, inv) {
			if (cli_is_id(cli_str(inv, "id"), text))
				cli_means(&m, cli_str(g, "id"), cli_str(inv, "id"), "invite into %s",
				    cli_str(g, "name"));
		}
	}
	return cli_settle(&m, "invite", text,
	    "`kith invites GROUP` lists those made at this node; for another's give the whole id and --group",
	    group, invite);
}
