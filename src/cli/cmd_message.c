#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "cli/cli.h"
#include "cli/message.h"
#include "cli/names.h"
#include "cli/rpc.h"
#include "cli/text.h"

/* Saying things, and doing things to what was said. */

#define TEXT_MAX 32768

/* The words from `from` on, with a blank between. The caller frees; NULL: out of memory. */
static char *
words_from(const struct cli *c, size_t from)
{
	struct kith_buf b;
	size_t n;
	char *s;

	kith_buf_init(&b, 0);
	for (size_t i = from; i < c->word.n; i++)
		kith_buf_printf(&b, "%s%s", i > from ? " " : "", c->word.v[i]);
	s = (char *)kith_buf_take(&b, &n);
	kith_buf_fini(&b);
	return s;
}

static int
say(struct cli *c, const struct cli_place *at, const char *reply, const char *text, enum cli_patience patience)
{
	json_auto_t *answer = NULL;
	char txn[CLI_TXN];
	int r;

	if (text[0] == '\0')
		return cli_fail(CLI_USAGE, "there is nothing to say in an empty message");
	if (strlen(text) > TEXT_MAX)
		return cli_fail(CLI_USAGE, "a message has at most %d bytes", TEXT_MAX);
	r = cli_call_as(c, "message.send", json_pack("{s:s, s:s, s:s, s:s?, s:s}", "group", at->group, "panel",
	    at->panel, "text", text, "reply", reply, "txn", cli_txn(txn)), patience, &answer);
	return r == CLI_OK ? cli_put_result(c, answer, "id") : r;
}

/* Each line of standard input is a message; the id of each is printed when it is durable. */
static int
send_lines(struct cli *c, const struct cli_place *at)
{
	char *line = NULL;
	size_t cap = 0;
	uint64_t n = 0;
	ssize_t len;
	int r = CLI_OK;

	while (r == CLI_OK && (len = getline(&line, &cap, stdin)) >= 0) {
		n++;
		while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
			len--;
		line[len] = '\0';
		if (len == 0)
			continue;
		if (!kith_utf8_ok(kith_slice_of(line, (size_t)len)))
			r = cli_fail(CLI_USAGE, "line %" PRIu64 " is not UTF-8, or holds a zero byte", n);
		else
			r = say(c, at, NULL, line, CLI_STUBBORN);
		if (r == CLI_OK)
			r = cli_flush();
		else
			cli_note("kith: stopped at line %" PRIu64 " of the input; the lines before it are sent", n);
	}
	if (r == CLI_OK && ferror(stdin))
		r = cli_fail(CLI_FAILED, "the input cannot be read");
	free(line);
	return r;
}

static int
say_words(struct cli *c, const struct cli_place *at, const char *reply, size_t from)
{
	char *text = words_from(c, from);
	int r = text != NULL ? say(c, at, reply, text, CLI_AGAIN) : cli_nomem();

	free(text);
	return r;
}

int
cli_cmd_send(struct cli *c)
{
	struct cli_place at;
	int r = cli_find_place(c, c->word.v[0], false, &at);

	if (r != CLI_OK)
		return r;
	return c->word.n == 2 && strcmp(c->word.v[1], "-") == 0 ? send_lines(c, &at) : say_words(c, &at, NULL, 1);
}

int
cli_cmd_reply(struct cli *c)
{
	struct cli_message m;
	int r = cli_find_message(c, c->word.v[0], &m);

	return r == CLI_OK ? say_words(c, &m.at, m.id, 1) : r;
}

/* USER, or USER,USER... */
static int
find_people(struct cli *c, const char *text, json_t *uids)
{
	char uid[KITH_ID_STR], *copy = strdup(text), *rest = copy;
	int r = copy != NULL ? CLI_OK : cli_nomem();

	for (char *name = strsep(&rest, ","); r == CLI_OK && name != NULL; name = strsep(&rest, ",")) {
		r = cli_find_user(c, NULL, name, uid);
		if (r == CLI_OK && json_array_append_new(uids, json_string(uid)) != 0)
			r = cli_nomem();
	}
	free(copy);
	return r;
}

int
cli_cmd_dm(struct cli *c)
{
	json_auto_t *uids = json_array(), *answer = NULL;
	struct cli_place at;
	int r = find_people(c, c->word.v[0], uids);

	if (r == CLI_OK)
		r = cli_call(c, "dm.open", json_pack("{s:O}", "users", uids), &answer);
	if (r != CLI_OK)
		return r;
	snprintf(at.group, sizeof(at.group), "%s", cli_str(answer, "group"));
	snprintf(at.panel, sizeof(at.panel), "%s", cli_str(answer, "panel"));
	return say_words(c, &at, NULL, 1);
}

int
cli_cmd_edit(struct cli *c)
{
	json_auto_t *answer = NULL;
	struct cli_message m;
	char txn[CLI_TXN], *text;
	int r = cli_find_message(c, c->word.v[0], &m);

	if (r != CLI_OK)
		return r;
	text = words_from(c, 1);
	if (text == NULL)
		return cli_nomem();
	r = cli_call(c, "message.edit", json_pack("{s:s, s:s, s:s, s:s}", "group", m.at.group, "id", m.id, "text",
	    text, "txn", cli_txn(txn)), &answer);
	free(text);
	return r == CLI_OK ? cli_put_result(c, answer, "id") : r;
}

static int
on_message(struct cli *c, const char *method, json_t *params, const struct cli_message *m)
{
	json_auto_t *answer = NULL;
	int r;

	if (params == NULL || json_object_set_new(params, "group", json_string(m->at.group)) != 0 ||
	    json_object_set_new(params, "id", json_string(m->id)) != 0) {
		json_decref(params);
		return cli_nomem();
	}
	r = cli_call(c, method, params, &answer);
	return r == CLI_OK ? cli_put_result(c, answer, "id") : r;
}

int
cli_cmd_react(struct cli *c)
{
	struct cli_message m;
	int r = cli_find_message(c, c->word.v[0], &m);

	return r == CLI_OK ? on_message(c, "message.react",
	    json_pack("{s:s, s:b}", "emoji", c->word.v[1], "on", c->opt[OPT_OFF] == NULL), &m) : r;
}

int
cli_cmd_on_message(struct cli *c)
{
	const char *name = c->command->name;
	struct cli_message m;
	int r = cli_find_message(c, c->word.v[0], &m);

	if (r != CLI_OK)
		return r;
	if (strcmp(name, "recall") == 0)
		return on_message(c, "message.recall", json_object(), &m);
	if (strcmp(name, "remove") == 0)
		return on_message(c, "message.remove", json_pack("{s:s?}", "reason", c->opt[OPT_REASON]), &m);
	return on_message(c, "message.pin", json_pack("{s:b}", "on", strcmp(name, "pin") == 0), &m);
}

/* ---- reading ---- */

/* Goes back from `before` ("": the newest) until there are `last` of them; newest page first. */
static int
collect(struct cli *c, const struct cli_place *at, char *before, size_t cap, uint64_t last, json_t *pages)
{
	uint64_t have = 0;

	while (have < last) {
		uint64_t want = last - have < 100 ? last - have : 100;
		json_auto_t *answer = NULL;
		json_t *list;
		int r = cli_call(c, "message.list", json_pack("{s:s, s:s, s:s?, s:I}", "group", at->group, "panel",
		    at->panel, "before", before[0] != '\0' ? before : NULL, "limit", (json_int_t)want), &answer);

		if (r != CLI_OK)
			return r;
		list = cli_get(answer, "messages");
		if (list == NULL)
			return cli_fail(CLI_FAILED, "the node's answer makes no sense");
		if (json_array_append(pages, list) != 0)
			return cli_nomem();
		have += json_array_size(list);
		snprintf(before, cap, "%s", cli_str(answer, "before"));
		/* a page may be empty, where many things lie that are no messages, and not be the last */
		if (!cli_is(answer, "more") || before[0] == '\0')
			return CLI_OK;
	}
	return CLI_OK;
}

int
cli_cmd_read(struct cli *c)
{
	json_auto_t *pages = json_array();
	struct cli_message m = { .order = "" };
	struct cli_place at;
	uint64_t last = 50;
	json_t *one;
	size_t i;
	int r;

	if (c->opt[OPT_LAST] != NULL && cli_number(c->opt[OPT_LAST], 100000000, &last) != KITH_OK)
		return cli_fail(CLI_USAGE, "--last takes a number, not \"%s\"", c->opt[OPT_LAST]);
	r = cli_find_place(c, c->word.v[0], false, &at);
	if (r == CLI_OK && c->opt[OPT_BEFORE] != NULL) {
		r = cli_find_message(c, c->opt[OPT_BEFORE], &m);
		if (r == CLI_OK && strcmp(m.at.panel, at.panel) != 0)
			r = cli_fail(CLI_FAILED, "that message stands in another panel");
	}
	if (r == CLI_OK)
		r = collect(c, &at, m.order, sizeof(m.order), last, pages);
	for (size_t page = json_array_size(pages); r == CLI_OK && page > 0; page--) {
		json_array_foreach(json_array_get(pages, page - 1), i, one) {
			if (r == CLI_OK)
				r = cli_put_message(c, NULL, NULL, at.group, at.panel, one);
		}
	}
	return r;
}
