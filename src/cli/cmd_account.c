#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/password.h"
#include "cli/rpc.h"
#include "cli/session.h"
#include "cli/text.h"

/* Accounts: making them, signing in and out. */

/* What the list of sessions calls this one. */
static void
client_name(char *out, size_t cap)
{
	char host[256];

	if (gethostname(host, sizeof(host)) != 0 || !kith_utf8_ok(kith_slice_of(host, strnlen(host, sizeof(host)))))
		host[0] = '\0';
	host[sizeof(host) - 1] = '\0';
	snprintf(out, cap, "kith%s%.40s", host[0] != '\0' ? " on " : "", host);
}

/* The NAME, as a word or by --as. */
static int
name_given(struct cli *c, const char **out)
{
	const char *word = c->word.n > 0 ? c->word.v[0] : NULL, *as = c->opt[OPT_AS];

	if (word != NULL && as != NULL && strcmp(word, as) != 0)
		return cli_fail(CLI_USAGE, "\"%s\" and --as %s are two names: give one", word, as);
	*out = word != NULL ? word : as;
	return *out != NULL ? CLI_OK : cli_fail(CLI_USAGE, "a name is needed: kith %s NAME", c->command->name);
}

static void
tell_recovery(struct cli *c, const json_t *answer)
{
	const char *key = cli_str(answer, "recovery");

	if (key[0] != '\0' && c->opt[OPT_JSON] == NULL)
		cli_note("Write this recovery key down; it is shown once, and brings the account back when all else is lost:\n%s",
		    key);
}

/* The answer's account becomes the session; prints who it is. */
static int
signed_in(struct cli *c, json_t *answer)
{
	json_auto_t *me = NULL, *out = NULL;
	struct cli_session s;
	int r;

	memset(&s, 0, sizeof(s));
	snprintf(s.url, sizeof(s.url), "%s", cli_http_url(c->http)->text);
	snprintf(s.uid, sizeof(s.uid), "%s", cli_str(answer, "uid"));
	snprintf(s.handle, sizeof(s.handle), "%s", cli_str(answer, "handle"));
	snprintf(s.token, sizeof(s.token), "%s", cli_str(answer, "token"));
	if (s.uid[0] == '\0' || s.token[0] == '\0') {
		r = cli_fail(CLI_FAILED, "the node's answer makes no sense");
	} else {
		r = cli_call(c, "node.info", cli_no_params(), &me);
		snprintf(s.node, sizeof(s.node), "%s", cli_str(me, "node"));
	}
	if (r == CLI_OK)
		r = cli_session_keep(c, &s);
	sodium_memzero(&s, sizeof(s));
	if (r != CLI_OK)
		return r;
	tell_recovery(c, answer);
	out = json_pack("{s:s, s:s, s:s, s:s, s:O*}", "handle", cli_str(answer, "handle"), "uid",
	    cli_str(answer, "uid"), "node", cli_str(me, "node"), "url", cli_http_url(c->http)->text, "recovery",
	    json_object_get(answer, "recovery"));
	return out != NULL ? cli_put_result(c, out, "handle") : cli_nomem();
}

/* Before a secret goes out. */
static int
ready_for_secrets(struct cli *c)
{
	int r = cli_connect(c);

	if (r == CLI_OK && !cli_http_url(c->http)->tls && !cli_url_is_loopback(cli_http_url(c->http)))
		cli_note("kith: %s is not encrypted: whoever is on the network can read along",
		    cli_http_url(c->http)->text);
	return r;
}

static int
sign_in(struct cli *c, const char *method, bool is_new)
{
	char password[CLI_PASSWORD_MAX + 1] = "", client[64];
	const char *name = NULL;
	json_auto_t *answer = NULL;
	json_t *params;
	int r = name_given(c, &name);

	if (r == CLI_OK)
		r = ready_for_secrets(c);
	if (r == CLI_OK)
		r = cli_password("KITH_PASSWORD", "Password", is_new, password);
	if (r != CLI_OK)
		return r;
	client_name(client, sizeof(client));
	params = json_pack("{s:s, s:s, s:s}", "name", name, "password", password, "client", client);
	if (params != NULL && c->opt[OPT_INVITE] != NULL)
		json_object_set_new(params, "invite", json_string(c->opt[OPT_INVITE]));
	sodium_memzero(password, sizeof(password));
	if (params == NULL)
		return cli_fail(CLI_USAGE, "the name and the password must be UTF-8");
	r = cli_call(c, method, params, &answer);
	return r == CLI_OK ? signed_in(c, answer) : r;
}

int
cli_cmd_register(struct cli *c)
{
	return sign_in(c, "account.register", true);
}

int
cli_cmd_login(struct cli *c)
{
	return sign_in(c, "account.login", false);
}

int
cli_cmd_guest(struct cli *c)
{
	json_auto_t *answer = NULL;
	char client[64];
	int r = ready_for_secrets(c);

	client_name(client, sizeof(client));
	if (r == CLI_OK)
		r = cli_call(c, "account.guest", json_pack("{s:s, s:s}", "name", c->word.v[0], "client", client),
		    &answer);
	return r == CLI_OK ? signed_in(c, answer) : r;
}

int
cli_cmd_claim(struct cli *c)
{
	char password[CLI_PASSWORD_MAX + 1] = "";
	json_auto_t *answer = NULL, *out = NULL;
	struct cli_session s;
	json_t *params;
	int r = ready_for_secrets(c);

	if (r == CLI_OK)
		r = cli_password("KITH_PASSWORD", "New password", true, password);
	if (r != CLI_OK)
		return r;
	params = json_pack("{s:s, s:s?}", "password", password, "name", c->word.n > 0 ? c->word.v[0] : NULL);
	sodium_memzero(password, sizeof(password));
	if (params == NULL)
		return cli_fail(CLI_USAGE, "the password must be UTF-8");
	r = cli_call(c, "account.claim", params, &answer);
	if (r != CLI_OK)
		return r;
	tell_recovery(c, answer);
	s = *c->session;
	snprintf(s.handle, sizeof(s.handle), "%s", cli_str(answer, "handle"));
	r = cli_session_keep(c, &s);
	sodium_memzero(&s, sizeof(s));
	out = json_pack("{s:s, s:s, s:s, s:s, s:O*}", "handle", c->session->handle, "uid", c->session->uid, "node",
	    c->session->node, "url", c->session->url, "recovery", json_object_get(answer, "recovery"));
	return r != CLI_OK ? r : out != NULL ? cli_put_result(c, out, "handle") : cli_nomem();
}

int
cli_cmd_logout(struct cli *c)
{
	json_auto_t *answer = NULL;
	int r;

	/* a session that the node has ended already is as good as one that it ends now */
	c->leaving = true;
	r = cli_call(c, "account.logout", cli_no_params(), &answer);
	return r == CLI_OK ? cli_session_forget(c) : r;
}

int
cli_cmd_passwd(struct cli *c)
{
	char old[CLI_PASSWORD_MAX + 1] = "", password[CLI_PASSWORD_MAX + 1] = "";
	json_auto_t *answer = NULL;
	json_t *params;
	int r = ready_for_secrets(c);

	if (r == CLI_OK)
		r = cli_password("KITH_PASSWORD", "Present password", false, old);
	if (r == CLI_OK)
		r = cli_password("KITH_NEW_PASSWORD", "New password", true, password);
	params = r == CLI_OK ? json_pack("{s:s, s:s}", "old", old, "password", password) : NULL;
	sodium_memzero(old, sizeof(old));
	sodium_memzero(password, sizeof(password));
	if (r != CLI_OK)
		return r;
	if (params == NULL)
		return cli_fail(CLI_USAGE, "passwords must be UTF-8");
	return cli_call(c, "account.passwd", params, &answer);
}

/* --end ID|others */
static int
end_sessions(struct cli *c, const json_t *list)
{
	const char *which = c->opt[OPT_END], *id = NULL;
	json_t *s;
	size_t i;

	if (strcmp(which, "others") == 0)
		return cli_call(c, "session.revoke", cli_no_params(), NULL);
	json_array_foreach(list, i, s) {
		if (!cli_is_idlike(which) || !cli_begins(cli_str(s, "id"), which))
			continue;
		if (id != NULL)
			return cli_fail(CLI_FAILED, "more than one session begins with %s: give more of its id",
			    which);
		id = cli_str(s, "id");
	}
	if (id == NULL)
		return cli_fail(CLI_FAILED, "there is no session \"%s\": `kith sessions` lists them", which);
	return cli_call(c, "session.revoke", json_pack("{s:s}", "id", id), NULL);
}

int
cli_cmd_sessions(struct cli *c)
{
	json_auto_t *answer = NULL;
	struct cli_table *t;
	json_t *s;
	size_t i;
	int r = cli_call(c, "session.list", cli_no_params(), &answer);

	if (r != CLI_OK)
		return r;
	if (c->opt[OPT_END] != NULL)
		return end_sessions(c, cli_get(answer, "sessions"));
	t = cli_table_new(5);
	json_array_foreach(cli_get(answer, "sessions"), i, s) {
		char id[CLI_SHORT], made[CLI_WHEN], seen[CLI_WHEN];

		if (c->opt[OPT_JSON] != NULL) {
			r = cli_put_json(s);
			continue;
		}
		cli_when(cli_int(s, "made"), made);
		cli_when(cli_int(s, "seen"), seen);
		cli_table_row(t, (const char *[]){ cli_short(cli_str(s, "id"), id), made, seen,
		    cli_str(s, "client"), cli_is(s, "current") ? "this one" : json_is_array(json_object_get(s, "scopes")) ? "token" : "" });
	}
	return cli_table_put(t) == CLI_OK ? r : CLI_FAILED;
}

/* NAME SCOPE... */
int
cli_cmd_token(struct cli *c)
{
	json_auto_t *answer = NULL;
	json_t *scopes = json_array();
	int r;

	for (size_t i = 1; i < c->word.n; i++)
		json_array_append_new(scopes, json_string(c->word.v[i]));
	r = cli_call(c, "session.new", json_pack("{s:s, s:o}", "client", c->word.v[0], "scopes", scopes), &answer);
	if (r != CLI_OK)
		return r;
	return cli_put_result(c, answer, "token");
}
