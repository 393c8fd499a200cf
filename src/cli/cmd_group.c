#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/buf.h"
#include "cli/cli.h"
#include "cli/names.h"
#include "cli/qr.h"
#include "cli/rpc.h"
#include "cli/text.h"

/* Groups, who is in them, and coming in. */

/* ---- groups ---- */

int
cli_cmd_group_new(struct cli *c)
{
	json_auto_t *answer = NULL;
	char txn[CLI_TXN];
	int r = cli_call(c, "group.new", json_pack("{s:s, s:s?, s:s}", "name", c->word.v[0], "join",
	    c->opt[OPT_JOIN], "txn", cli_txn(txn)), &answer);

	return r == CLI_OK ? cli_put_result(c, answer, "id") : r;
}

int
cli_cmd_group_set(struct cli *c)
{
	char group[KITH_ID_STR];
	int r = cli_find_group(c, c->word.v[0], group);

	return r == CLI_OK ? cli_act(c, "group.set", group,
	    json_pack("{s:s, s:s}", "key", c->word.v[1], "value", c->word.v[2])) : r;
}

int
cli_cmd_groups(struct cli *c)
{
	struct cli_table *t;
	json_t *list, *g;
	size_t i;
	int r;

	list = cli_groups(c, false, &r);
	if (list == NULL)
		return r;
	t = cli_table_new(5);
	json_array_foreach(list, i, g) {
		char id[CLI_SHORT], people[48];
		bool direct = strcmp(cli_str(g, "kind"), "direct") == 0;

		if (c->opt[OPT_JSON] != NULL) {
			r = cli_put_json(g);
			continue;
		}
		snprintf(people, sizeof(people), "%lld members, %lld nodes", (long long)cli_int(g, "members"),
		    (long long)cli_int(g, "nodes"));
		cli_table_row(t, (const char *[]){ cli_short(cli_str(g, "id"), id), cli_str(g, "name"),
		    direct ? "direct" : cli_str(g, "join"), people, cli_is(g, "owner") && !direct ? "owner" : "" });
	}
	return cli_table_put(t) == CLI_OK ? r : CLI_FAILED;
}

struct members { struct cli *c; struct cli_table *t; int r; };

static bool
one_member(void *ctx, json_t *m)
{
	struct members *l = ctx;
	struct kith_buf roles;
	char handle[600], id[CLI_SHORT];
	json_t *role;
	size_t i;

	if (l->c->opt[OPT_JSON] != NULL) {
		l->r = cli_put_json(m);
		return l->r == CLI_OK;
	}
	kith_buf_init(&roles, 0);
	if (cli_is(m, "owner"))
		kith_buf_put_str(&roles, "owner");
	json_array_foreach(cli_get(m, "roles"), i, role)
		kith_buf_printf(&roles, "%s%s", roles.n > 0 ? ", " : "", json_string_value(role));
	if (cli_is(m, "guest"))
		kith_buf_printf(&roles, "%sguest", roles.n > 0 ? ", " : "");
	if (cli_is(m, "muted"))
		kith_buf_printf(&roles, "%smuted", roles.n > 0 ? ", " : "");
	kith_buf_put(&roles, "", 1);
	cli_handle(l->c, m, "handle", handle, sizeof(handle));
	if (kith_buf_err(&roles) == KITH_OK)
		cli_table_row(l->t, (const char *[]){ cli_short(cli_str(m, "uid"), id), handle,
		    (const char *)roles.p });
	kith_buf_fini(&roles);
	return true;
}

int
cli_cmd_members(struct cli *c)
{
	struct members l = { .c = c };
	char group[KITH_ID_STR];
	int r = cli_find_group(c, c->word.v[0], group);

	if (r != CLI_OK)
		return r;
	l.t = cli_table_new(3);
	r = cli_each_member(c, group, one_member, &l);
	return cli_table_put(l.t) != CLI_OK ? CLI_FAILED : r != CLI_OK ? r : l.r;
}

int
cli_cmd_leave(struct cli *c)
{
	char group[KITH_ID_STR];
	int r = cli_find_group(c, c->word.v[0], group);

	return r == CLI_OK ? cli_call(c, "group.leave", json_pack("{s:s}", "group", group), NULL) : r;
}

/* ---- invites ---- */

static unsigned
terminal_columns(void)
{
	struct winsize w;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 0 ? w.ws_col : 80;
}

int
cli_cmd_invite(struct cli *c)
{
	const char *uses = c->opt[OPT_USES], *expires = c->opt[OPT_EXPIRES];
	json_auto_t *answer = NULL;
	char group[KITH_ID_STR], role[KITH_ID_STR] = "";
	uint64_t n_uses = 0, ttl_ms = 0;
	int r;

	if (uses != NULL && (cli_number(uses, 1000000, &n_uses) != KITH_OK || n_uses == 0))
		return cli_fail(CLI_USAGE, "--uses takes a number from 1 to 1000000, not \"%s\"", uses);
	if (expires != NULL && cli_duration(expires, &ttl_ms) != KITH_OK)
		return cli_fail(CLI_USAGE, "--expires takes a time such as 30m, 2h or 7d, not \"%s\"", expires);
	r = cli_find_group(c, c->word.v[0], group);
	if (r == CLI_OK && c->opt[OPT_ROLE] != NULL)
		r = cli_find_role(c, group, c->opt[OPT_ROLE], role);
	if (r == CLI_OK)
		r = cli_call(c, "invite.new", json_pack("{s:s, s:I, s:I, s:s?}", "group", group, "uses",
		    (json_int_t)n_uses, "expires", (json_int_t)ttl_ms, "role", role[0] != '\0' ? role : NULL),
		    &answer);
	if (r != CLI_OK)
		return r;
	if (c->terminal && c->opt[OPT_JSON] == NULL)
		cli_qr_put(stdout, cli_str(answer, "link"), terminal_columns(), c->colour);
	return cli_put_result(c, answer, "link");
}

int
cli_cmd_invites(struct cli *c)
{
	json_auto_t *answer = NULL;
	struct cli_table *t;
	char group[KITH_ID_STR];
	json_t *inv;
	size_t i;
	int r = cli_find_group(c, c->word.v[0], group);

	if (r == CLI_OK)
		r = cli_call(c, "invite.list", json_pack("{s:s}", "group", group), &answer);
	if (r != CLI_OK)
		return r;
	t = cli_table_new(5);
	json_array_foreach(cli_get(answer, "invites"), i, inv) {
		char id[CLI_SHORT], when[CLI_WHEN], expires[CLI_WHEN + 16], uses[64];

		if (c->opt[OPT_JSON] != NULL) {
			r = cli_put_json(inv);
			continue;
		}
		snprintf(expires, sizeof(expires), "expires %s", cli_when(cli_int(inv, "expires"), when));
		if (cli_int(inv, "uses") > 0)
			snprintf(uses, sizeof(uses), "used %lld of %lld", (long long)cli_int(inv, "used"),
			    (long long)cli_int(inv, "uses"));
		else
			snprintf(uses, sizeof(uses), "no limit");
		cli_table_row(t, (const char *[]){ cli_short(cli_str(inv, "id"), id), cli_str(inv, "maker"), uses,
		    expires, cli_is(inv, "revoked") ? "revoked" : "" });
	}
	return cli_table_put(t) == CLI_OK ? r : CLI_FAILED;
}

int
cli_cmd_invite_revoke(struct cli *c)
{
	char group[KITH_ID_STR], invite[KITH_ID_STR];
	int r = cli_find_invite(c, c->opt[OPT_GROUP], c->word.v[0], invite, group);

	return r == CLI_OK ? cli_act(c, "invite.revoke", group, json_pack("{s:s}", "id", invite)) : r;
}

/* Where people ask to be let in, something may be asked of them first. */
static int
must_answer(struct cli *c)
{
	json_auto_t *p = NULL;
	const json_t *questions, *q;
	size_t i;

	if (c->word.n > 1 || cli_call(c, "invite.preview", json_pack("{s:s}", "link", c->word.v[0]), &p) != CLI_OK)
		return CLI_OK;          /* what is wrong with the link, joining says */
	questions = cli_get(p, "questions");
	if (strcmp(cli_str(p, "join"), "request") != 0 || json_array_size(questions) == 0)
		return CLI_OK;
	json_array_foreach(questions, i, q)
		cli_note("  %zu. %s", i + 1, json_string_value(q));
	return cli_fail(CLI_FAILED, "who asks to be let in answers these: kith join LINK ANSWER..., one for each (\"\": none)");
}

/* LINK [ANSWER...] */
int
cli_cmd_join(struct cli *c)
{
	json_auto_t *answer = NULL;
	json_t *params;
	int r = must_answer(c);

	if (r != CLI_OK)
		return r;
	params = json_pack("{s:s}", "link", c->word.v[0]);
	if (c->word.n > 1) {
		json_t *answers = json_array();

		for (size_t i = 1; i < c->word.n; i++)
			json_array_append_new(answers, json_string(c->word.v[i]));
		json_object_set_new(params, "answers", answers);
	}
	r = cli_call(c, "group.join", params, &answer);
	if (r != CLI_OK)
		return r;
	if (strcmp(cli_str(answer, "state"), "requested") == 0)
		cli_note("You have asked to be let in; once somebody admits you, `kith groups` shows the group.");
	return cli_put_result(c, answer, "group");
}

/* ---- who asks ---- */

/* The answers in one line. */
static void
put_answers(struct kith_buf *b, const json_t *list)
{
	const json_t *s;
	size_t i;

	json_array_foreach(list, i, s) {
		kith_buf_put_str(b, i > 0 ? " / " : "");
		kith_buf_put_str(b, json_string_value(s));
	}
	kith_buf_put_u8(b, 0);
}

int
cli_cmd_requests(struct cli *c)
{
	json_auto_t *answer = NULL;
	struct cli_table *t;
	char group[KITH_ID_STR];
	json_t *who;
	size_t i;
	int r = cli_find_group(c, c->word.v[0], group);

	if (r == CLI_OK)
		r = cli_call(c, "request.list", json_pack("{s:s}", "group", group), &answer);
	if (r != CLI_OK)
		return r;
	t = cli_table_new(4);
	json_array_foreach(cli_get(answer, "requests"), i, who) {
		char id[CLI_SHORT], asked[CLI_WHEN];

		struct kith_buf said;

		if (c->opt[OPT_JSON] != NULL) {
			r = cli_put_json(who);
			continue;
		}
		kith_buf_init(&said, 0);
		put_answers(&said, cli_get(who, "answers"));
		cli_table_row(t, (const char *[]){ cli_short(cli_str(who, "uid"), id),
		    cli_str(who, "handle"), cli_when(cli_int(who, "asked"), asked), kith_buf_err(&said) == KITH_OK ? (const char *)said.p : "" });
		kith_buf_fini(&said);
	}
	return cli_table_put(t) == CLI_OK ? r : CLI_FAILED;
}

int
cli_cmd_admit(struct cli *c)
{
	char group[KITH_ID_STR], uid[KITH_ID_STR];
	int r = cli_find_group(c, c->word.v[0], group);

	if (r == CLI_OK)
		r = cli_find_request(c, group, c->word.v[1], uid);
	return r == CLI_OK ? cli_act(c, "request.admit", group, json_pack("{s:s}", "user", uid)) : r;
}

int
cli_cmd_refuse(struct cli *c)
{
	char group[KITH_ID_STR], uid[KITH_ID_STR];
	int r = cli_find_group(c, c->word.v[0], group);

	if (r == CLI_OK)
		r = cli_find_request(c, group, c->word.v[1], uid);
	return r == CLI_OK ? cli_call(c, "request.refuse", json_pack("{s:s, s:s}", "group", group, "user", uid),
	    NULL) : r;
}
