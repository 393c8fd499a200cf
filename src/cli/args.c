#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>

#include "cli/text.h"

enum takes { FLAG, VALUE, WORDS };

static const struct {
	const char *name, *arg;
	enum takes takes;
	const char *help;
} options[OPT_COUNT] = {
	[OPT_URL] = { "url", "URL", VALUE, "the node to talk to (else KITH_URL, else that of the session)" },
	[OPT_AS] = { "as", "NAME", VALUE, "speak as this account (else the newest login)" },
	[OPT_JSON] = { "json", NULL, FLAG, "print JSON, one object a line" },
	[OPT_INSECURE] = { "insecure", NULL, FLAG, "take the key of a node on trust when no authority vouches for it" },
	[OPT_HELP] = { "help", NULL, FLAG, "say how to use it" },
	[OPT_VERSION] = { "version", NULL, FLAG, "say which version this is" },
	[OPT_BEFORE] = { "before", "ID", VALUE, "only what came before this message" },
	[OPT_END] = { "end", "ID|others", VALUE, "end that session, or all but this one" },
	[OPT_EXPIRES] = { "expires", "T", VALUE, "how long it stands: 30m, 2h, 7d ... (default: for ever)" },
	[OPT_FOR] = { "for", "T", VALUE, "how long: 30s, 10m, 2h, 7d ... (default: until lifted)" },
	[OPT_GROUP] = { "group", "GROUP", VALUE, "the group it belongs to, when kith cannot tell" },
	[OPT_INVITE] = { "invite", "CODE", VALUE, "the code, where registration is by invitation" },
	[OPT_JOIN] = { "join", "open|invite|request", VALUE, "who may come in (default: invite)" },
	[OPT_KIND] = { "kind", "chat|announcement|folder|web", VALUE, "what kind of panel (default: chat)" },
	[OPT_LAST] = { "last", "N", VALUE, "how many (default: 50)" },
	[OPT_LEVEL] = { "level", "N", VALUE, "1 to 99: acts reach downwards from there" },
	[OPT_MAY] = { "may", "P...", WORDS, "permissions it may ever have (default: those of --perm)" },
	[OPT_OFF] = { "off", NULL, FLAG, "take it back" },
	[OPT_PERM] = { "perm", "P...", WORDS, "permissions it has" },
	[OPT_PRIVATE] = { "private", NULL, FLAG, "only for those who are allowed in" },
	[OPT_REASON] = { "reason", "TEXT", VALUE, "why, for those who are told" },
	[OPT_ROLE] = { "role", "ROLE", VALUE, "a role to be given on arrival" },
	[OPT_USES] = { "uses", "N", VALUE, "how many people (default: no limit)" },
	[OPT_VIA] = { "via", "ROLE", VALUE, "act through this role (default: the highest that suffices)" },
};
#define ALWAYS (OPT_BIT(OPT_URL) | OPT_BIT(OPT_AS) | OPT_BIT(OPT_JSON) | OPT_BIT(OPT_INSECURE) | OPT_BIT(OPT_HELP))

/* ---- help ---- */

static void
help_options(FILE *to, uint32_t which)
{
	for (size_t o = 0; o < OPT_COUNT; o++) {
		char left[64];

		if ((which & OPT_BIT(o)) == 0)
			continue;
		snprintf(left, sizeof(left), "--%s%s%s", options[o].name, options[o].arg != NULL ? " " : "",
		    options[o].arg != NULL ? options[o].arg : "");
		fprintf(to, "  %-30s %s\n", left, options[o].help);
	}
}

void
cli_help_all(FILE *to)
{
	fputs("usage: kith [--url URL] [--as NAME] [--json] COMMAND ...\n\n", to);
	for (size_t i = 0; i < cli_n_commands; i++) {
		char left[64];

		snprintf(left, sizeof(left), "%s %s", cli_commands[i].name, cli_commands[i].args);
		if (strlen(left) > 36)
			fprintf(to, "  %s\n  %-36s %s\n", left, "", cli_commands[i].help);
		else
			fprintf(to, "  %-36s %s\n", left, cli_commands[i].help);
	}
	fputs("\n"
	    "GROUP and PANEL are names or ids, USER is a name, name#1234, name@node or a uid; an id may be cut to\n"
	    "its first 6 characters or more. `kith help COMMAND` says more, and kith(1) everything.\n", to);
}

void
cli_help_one(FILE *to, const struct cli_command *k)
{
	fprintf(to, "usage: kith %s%s%s%s\n\n%s.\n", k->name, k->args[0] != '\0' ? " " : "", k->args,
	    k->opts != 0 ? " [OPTION ...]" : "", k->help);
	if (k->opts != 0) {
		fputs("\n", to);
		help_options(to, k->opts);
	}
	fputs("\nWith every command:\n", to);
	help_options(to, ALWAYS);
}

/* ---- which command ---- */

static const struct cli_command *
command_named(const char *a, const char *b)
{
	char name[64];

	if (snprintf(name, sizeof(name), "%s%s%s", a, b != NULL ? " " : "",
	    b != NULL ? b : "") >= (int)sizeof(name))
		return NULL;
	for (size_t i = 0; i < cli_n_commands; i++) {
		if (strcmp(cli_commands[i].name, name) == 0)
			return &cli_commands[i];
	}
	return NULL;
}

/* Is it the first word of commands of two? Those, as a list for people. */
static bool
family(const char *word, char *out, size_t cap)
{
	size_t len = strlen(word), n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < cli_n_commands; i++) {
		const char *name = cli_commands[i].name;

		if (strncmp(name, word, len) == 0 && name[len] == ' ' && n < cap)
			n += (size_t)snprintf(out + n, cap - n, "%s%s", n > 0 ? ", " : "", name);
	}
	return n > 0;
}

static int
unknown(const struct cli_list *w)
{
	char list[256], asked[64];
	const char *best = NULL;
	unsigned least = 3;

	if (family(w->v[0], list, sizeof(list))) {
		if (w->n == 1)
			return cli_fail(CLI_USAGE, "\"%s\" is the beginning of: %s", w->v[0], list);
		return cli_fail(CLI_USAGE, "there is no command \"%s %s\"; there are: %s", w->v[0], w->v[1], list);
	}
	for (size_t i = 0; i < cli_n_commands; i++) {
		const char *name = cli_commands[i].name;
		unsigned d;

		snprintf(asked, sizeof(asked), "%s%s%s", w->v[0], strchr(name, ' ') != NULL && w->n > 1 ? " " : "",
		    strchr(name, ' ') != NULL && w->n > 1 ? w->v[1] : "");
		d = cli_distance(asked, name);
		if (d < least || (best == NULL && strlen(asked) > 2 && cli_begins(name, asked))) {
			best = name;
			least = d < least ? d : least;
		}
	}
	if (best != NULL)
		return cli_fail(CLI_USAGE, "there is no command \"%s\"; did you mean \"%s\"? `kith help` lists them all",
		    w->v[0], best);
	return cli_fail(CLI_USAGE, "there is no command \"%s\"; `kith help` lists them all", w->v[0]);
}

/* Takes the command's name off the front of the words; 0 when there is none. */
static size_t
find_command(const struct cli_list *w, const struct cli_command **out)
{
	const struct cli_command *one = command_named(w->v[0], NULL), *two = NULL;

	if (w->n > 1)
		two = command_named(w->v[0], w->v[1]);
	/* a group may be called as the second word of a command: `invite revoke` invites into it */
	if (two != NULL && (one == NULL || w->n - 2 >= two->min)) {
		*out = two;
		return 2;
	}
	*out = one;
	return one != NULL ? 1 : 0;
}

int
cli_help(struct cli *c)
{
	const struct cli_command *k;
	char list[256];

	if (c->word.n == 0) {
		cli_help_all(stdout);
		return CLI_OK;
	}
	k = c->word.n > 1 ? command_named(c->word.v[0], c->word.v[1]) : command_named(c->word.v[0], NULL);
	if (k == NULL && c->word.n == 1 && family(c->word.v[0], list, sizeof(list))) {
		for (size_t i = 0, first = 1; i < cli_n_commands; i++) {
			size_t len = strlen(c->word.v[0]);

			if (strncmp(cli_commands[i].name, c->word.v[0], len) != 0 ||
			    cli_commands[i].name[len] != ' ')
				continue;
			if (!first)
				fputs("\n", stdout);
			first = 0;
			cli_help_one(stdout, &cli_commands[i]);
		}
		return CLI_OK;
	}
	if (k == NULL)
		return unknown(&c->word);
	cli_help_one(stdout, k);
	return CLI_OK;
}

/* ---- options ---- */

static int
unknown_option(const char *word, size_t len)
{
	const char *best = NULL;
	unsigned least = 3;
	char name[32];

	snprintf(name, sizeof(name), "%.*s", (int)(len < 31 ? len : 31), word + 2);
	for (size_t o = 0; word[1] == '-' && o < OPT_COUNT; o++) {
		unsigned d = cli_distance(name, options[o].name);

		if (d < least) {
			best = options[o].name;
			least = d;
		}
	}
	if (best != NULL)
		return cli_fail(CLI_USAGE, "there is no option \"%s\"; did you mean --%s?", word, best);
	return cli_fail(CLI_USAGE, "there is no option \"%s\"; put -- before words that begin with a dash", word);
}

/* After --perm: does this word go on with the list? */
static bool
is_permission(const char *s)
{
	return strchr(s, '.') != NULL && s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_.,")] == '\0';
}

/* One option at argv[*i]; moves *i over its values. */
static int
take_option(struct cli *c, int argc, char **argv, int *i)
{
	const char *word = argv[*i], *eq = strchr(word, '=');
	size_t len, o = 0;
	struct cli_list *list;

	if (strcmp(word, "-h") == 0)
		word = "--help";
	len = eq != NULL ? (size_t)(eq - word) : strlen(word);
	while (o < OPT_COUNT && !(word[1] == '-' && strlen(options[o].name) == len - 2 &&
	    strncmp(options[o].name, word + 2, len - 2) == 0))
		o++;
	if (o == OPT_COUNT)
		return unknown_option(word, len - 2);
	if (options[o].takes == FLAG) {
		if (eq != NULL)
			return cli_fail(CLI_USAGE, "--%s takes no value", options[o].name);
		c->opt[o] = "";
		return CLI_OK;
	}
	if (eq == NULL && *i + 1 >= argc)
		return cli_fail(CLI_USAGE, "--%s needs %s: %s", options[o].name, options[o].arg, options[o].help);
	if (options[o].takes == VALUE && c->opt[o] != NULL)
		return cli_fail(CLI_USAGE, "--%s is there twice", options[o].name);
	c->opt[o] = eq != NULL ? eq + 1 : argv[++*i];
	if (options[o].takes == WORDS) {
		list = o == OPT_PERM ? &c->perm : &c->may;
		list->v[list->n++] = c->opt[o];
		while (*i + 1 < argc && is_permission(argv[*i + 1]))
			list->v[list->n++] = argv[++*i];
	}
	return CLI_OK;
}

static int
check_use(struct cli *c)
{
	const struct cli_command *k = c->command;

	for (size_t o = 0; o < OPT_COUNT; o++) {
		if (c->opt[o] != NULL && ((k->opts | ALWAYS) & OPT_BIT(o)) == 0)
			return cli_fail(CLI_USAGE, "`kith %s` takes no --%s; `kith help %s` says what it takes",
			    k->name, options[o].name, k->name);
	}
	if (c->word.n < k->min || c->word.n > k->max)
		return cli_fail(CLI_USAGE, "that is too %s; it goes: kith %s %s",
		    c->word.n < k->min ? "little" : "much", k->name, k->args);
	return CLI_OK;
}

int
cli_args_parse(struct cli *c, int argc, char **argv)
{
	bool all_words = false;
	size_t used;
	int r = CLI_OK;

	c->word.n = c->perm.n = c->may.n = 0;
	c->word.v = calloc((size_t)argc + 1, sizeof(*c->word.v));
	c->perm.v = calloc((size_t)argc + 1, sizeof(*c->perm.v));
	c->may.v = calloc((size_t)argc + 1, sizeof(*c->may.v));
	if (c->word.v == NULL || c->perm.v == NULL || c->may.v == NULL)
		return cli_nomem();
	for (int i = 1; r == CLI_OK && i < argc; i++) {
		if (!kith_utf8_ok(kith_slice_str(argv[i])))
			r = cli_fail(CLI_USAGE, "\"%s\" is not UTF-8", argv[i]);
		else if (!all_words && strcmp(argv[i], "--") == 0)
			all_words = true;
		else if (!all_words && argv[i][0] == '-' && argv[i][1] != '\0')
			r = take_option(c, argc, argv, &i);
		else
			c->word.v[c->word.n++] = argv[i];
	}
	if (r != CLI_OK || c->word.n == 0 || c->opt[OPT_VERSION] != NULL)
		return r;
	used = find_command(&c->word, &c->command);
	if (used == 0)
		return unknown(&c->word);
	memmove(c->word.v, c->word.v + used, (c->word.n - used) * sizeof(*c->word.v));
	c->word.n -= used;
	return c->opt[OPT_HELP] != NULL ? CLI_OK : check_use(c);
}

void
cli_args_fini(struct cli *c)
{
	free(c->word.v);
	free(c->perm.v);
	free(c->may.v);
}
