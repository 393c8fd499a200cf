#include "cli/rpc.h"

#include <inttypes.h>
#include <stdarg.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/session.h"
#include "cli/text.h"

#define ANSWER_MS 120000        /* other nodes may have to be asked */
#define WAIT_MAX_S 90           /* the longest that one command waits to be let */
#define STUBBORN_MS (10 * 60 * 1000)
#define AGAIN_MS 15000

json_t *
cli_no_params(void)
{
	return json_object();
}

const char *
cli_txn(char out[CLI_TXN])
{
	struct kith_id id;
	char text[KITH_ID_STR];

	randombytes_buf(id.b, sizeof(id.b));
	snprintf(out, CLI_TXN, "%.32s", kith_id_str(&id, text));
	return out;
}

int
cli_connect(struct cli *c)
{
	struct kith_diag d = { .text = "" };
	char known[512];
	struct cli_url u;
	int r;

	if (c->http != NULL)
		return CLI_OK;
	r = cli_known_file(known, sizeof(known));
	if (r != CLI_OK)
		return r;
	if (c->session == NULL) {
		r = cli_session_url(c, &u);
		if (r != CLI_OK)
			return r;
	} else if (cli_url_parse(c->session->url, &u, &d) != KITH_OK) {
		return cli_fail(CLI_FAILED, "%s is damaged: delete it and sign in again", c->session->file);
	}
	c->http = cli_http_new(&u, known, c->opt[OPT_INSECURE] != NULL);
	return c->http != NULL ? CLI_OK : cli_nomem();
}

static void
sleep_ms(uint64_t ms)
{
	struct timespec t = { .tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000 };

	while (nanosleep(&t, &t) != 0)
		;
}

/* Those that only look. */
static bool
may_repeat(const char *method, const json_t *params)
{
	const char *verb = strrchr(method, '.');

	return json_object_get(params, "txn") != NULL || strcmp(method, "sync") == 0 ||
	    (verb != NULL && (strcmp(verb, ".list") == 0 || strcmp(verb, ".find") == 0 ||
	    strcmp(verb, ".me") == 0 || strcmp(verb, ".info") == 0));
}

/* As cli_fail, unless this caller is not to be told. */
static int tell(const struct cli *c, int status, const char *fmt, ...) KITH_PRINTF(3, 4);

static int
tell(const struct cli *c, int status, const char *fmt, ...)
{
	char text[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return c->quiet ? status : cli_fail(status, "%s", text);
}

/* The node has refused: its own sentence, and what to do where kith knows better. */
static int
refused(struct cli *c, const char *method, int status, const json_t *answer)
{
	const json_t *error = json_object_get(answer, "error");
	const char *code = cli_str(error, "code"), *message = cli_str(error, "message");

	if (status == 401 && c->leaving)
		return CLI_OK;
	if (status == 401 && c->session != NULL)
		return cli_fail(CLI_FAILED, "this session has ended: sign in again with `kith --url %s login %s`",
		    c->session->url, c->session->handle);
	if (strcmp(code, "guest") == 0)
		return tell(c, CLI_FAILED, "%s (`kith claim` does that)",
		    message[0] != '\0' ? message : "not for guests: claim the account first");
	if (status == 404 && code[0] == '\0')
		return tell(c, CLI_FAILED, "%s does not know %s: it is no Kith node, or an older one",
		    cli_http_url(c->http)->text, method);
	if (message[0] == '\0')
		return tell(c, CLI_FAILED, "the node answers with status %d and says nothing", status);
	return tell(c, strcmp(code, "unreachable") == 0 ? CLI_UNREACHED : CLI_FAILED, "%s", message);
}

/* The node has stumbled, or has no time: that will pass. That others cannot be reached is for people to decide. */
static bool
is_passing(int status, const json_t *answer)
{
	return status == 500 || (status == 503 && strcmp(cli_str(json_object_get(answer, "error"), "code"),
	    "unreachable") != 0);
}

/* One attempt. *again: nothing has been said yet and trying again may help. */
static int
attempt(struct cli *c, const char *method, struct kith_slice body, bool repeat, uint64_t *wait_ms, bool *again,
    json_t **out)
{
	struct kith_diag d = { .text = "" };
	struct cli_answer a;
	char target[96];
	bool reached;
	json_t *v = NULL;
	int r, s;

	*again = false;
	snprintf(target, sizeof(target), "/api/v1/%s", method);
	r = cli_http_post(c->http, target, c->session != NULL ? c->session->token : NULL, body, ANSWER_MS, &a,
	    &reached, &d);
	if (r != KITH_OK) {
		kith_buf_fini(&a.body);
		*again = r == KITH_E_BUSY && (repeat || !reached);
		if (reached && !repeat)
			return tell(c, CLI_UNREACHED,
			    "%s, before it has answered: look whether it was done before you repeat it", d.text);
		if (!*again)
			return tell(c, r == KITH_E_DENIED || r == KITH_E_NOMEM ? CLI_FAILED : CLI_UNREACHED, "%s",
			    d.text);
		/* kept for the last word, when trying again does not help */
		*out = json_string(d.text);
		return CLI_UNREACHED;
	}
	if (a.status == 429 && a.retry_after_s > 0) {
		*wait_ms = a.retry_after_s * 1000;
		*again = true;
	}
	v = json_loadb((const char *)a.body.p, a.body.n, JSON_REJECT_DUPLICATES, NULL);
	if (a.status == 200 && json_is_object(v)) {
		*out = v;
		v = NULL;
		s = CLI_OK;
	} else if (a.status == 200) {
		s = tell(c, CLI_FAILED, "what answers at %s is not a Kith node", cli_http_url(c->http)->text);
	} else if (*again || (repeat && is_passing(a.status, v))) {
		*again = true;
		*out = v;
		v = NULL;
		s = a.status;
	} else {
		s = refused(c, method, a.status, v);
	}
	json_decref(v);
	if (a.body.p != NULL)
		sodium_memzero(a.body.p, a.body.n);     /* tokens pass through here */
	kith_buf_fini(&a.body);
	return s;
}

/* The last word about what was tried and did not work. */
static int
give_up(struct cli *c, const char *method, int status, const json_t *answer, uint64_t wait_ms)
{
	const char *message = cli_str(json_object_get(answer, "error"), "message");

	if (status == CLI_UNREACHED)
		return tell(c, CLI_UNREACHED, "%s", json_is_string(answer) ? json_string_value(answer) :
		    "no node answers");
	if (status == 429)
		return tell(c, CLI_FAILED, "%s: try again in %" PRIu64 " s",
		    message[0] != '\0' ? message : "too often", wait_ms / 1000);
	return refused(c, method, status, answer);
}

int
cli_call_as(struct cli *c, const char *method, json_t *take_params, enum cli_patience patience, json_t **out)
{
	uint64_t limit = patience == CLI_STUBBORN ? STUBBORN_MS : AGAIN_MS;
	uint64_t begin = cli_now_ms(), pause = 100, waited = 0;
	bool repeat = patience != CLI_ONCE, told = false, enough, again;
	char *body = take_params != NULL ? json_dumps(take_params, JSON_COMPACT) : NULL;
	json_t *answer = NULL;
	int r;

	json_decref(take_params);
	if (body == NULL)
		return cli_nomem();
	r = cli_connect(c);
	while (r == CLI_OK) {
		uint64_t wait_ms = 0;

		json_decref(answer);
		answer = NULL;
		r = attempt(c, method, kith_slice_str(body), repeat, &wait_ms, &again, &answer);
		if (!again)
			break;
		if (wait_ms > 0)
			enough = patience != CLI_STUBBORN && waited + wait_ms > WAIT_MAX_S * 1000;
		else
			enough = cli_now_ms() - begin > limit ||
			    (r == CLI_UNREACHED && patience != CLI_STUBBORN && pause > 1000);
		if (enough) {
			r = give_up(c, method, r, answer, wait_ms);
			break;
		}
		if (wait_ms > 2000 && !told && c->terminal) {
			cli_note("kith: the node asks to wait %" PRIu64 " s", wait_ms / 1000);
			told = true;
		}
		if (wait_ms > 0) {
			waited += wait_ms;
			begin += wait_ms;
		} else {
			wait_ms = pause;
			pause = pause < 4000 ? pause * 2 : 8000;
		}
		sleep_ms(wait_ms);
		r = CLI_OK;
	}
	sodium_memzero(body, strlen(body));
	free(body);
	if (r == CLI_OK && out != NULL) {
		*out = answer;
		answer = NULL;
	}
	json_decref(answer);
	return r;
}

int
cli_call(struct cli *c, const char *method, json_t *take_params, json_t **out)
{
	enum cli_patience patience = take_params != NULL && may_repeat(method, take_params) ? CLI_AGAIN : CLI_ONCE;

	return cli_call_as(c, method, take_params, patience, out);
}

int
cli_call_quietly(struct cli *c, const char *method, json_t *take_params, json_t **out)
{
	bool before = c->quiet;
	int r;

	c->quiet = true;
	r = cli_call(c, method, take_params, out);
	c->quiet = before;
	return r;
}
