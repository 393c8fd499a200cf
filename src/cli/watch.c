#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/map.h"
#include "cli/cli.h"
#include "cli/message.h"
#include "cli/names.h"
#include "cli/rpc.h"
#include "cli/session.h"
#include "cli/socket.h"

/*
 * Messages as they come. The socket says what is new; after a break `sync` says
 * how much was missed, and pages of the panels say what. What has been printed is
 * remembered, so the two may overlap.
 */

#define SEEN_MAX 16384          /* messages that are remembered */
#define PRIME_PANELS 64         /* panels whose newest page is known from the start */
#define SYNC_EVERY_MS 60000
#define PAGE 100

struct seen { char id[KITH_ID_STR]; uint64_t look; };

struct watch {
	struct cli *c;
	struct cli_place *only;         /* panel "": the whole group */
	size_t n_only;
	struct kith_map *seen;          /* id -> struct seen in the ring */
	struct seen *ring;
	size_t next;
	char cursor[40], older[40];     /* of sync: a push may still be under way for what came before the newer one */
	struct cli_socket *socket;
	int status;                     /* why it ends */
};

/* ---- what has been printed ---- */

static uint64_t
mix(uint64_t h, const char *s)
{
	for (; *s != '\0'; s++)
		h = (h ^ (unsigned char)*s) * UINT64_C(0x100000001b3);
	return (h ^ 0xff) * UINT64_C(0x100000001b3);
}

/* What a line of it shows, reactions and pins apart. */
static uint64_t
look_of(const json_t *m)
{
	return mix(mix(mix(UINT64_C(0xcbf29ce484222325), cli_str(m, "text")), cli_str(m, "state")),
	    cli_is(m, "edited") ? "e" : "");
}

static struct seen *
seen_get(const struct watch *w, const char *id)
{
	return kith_map_get(w->seen, kith_slice_str(id));
}

static void
seen_put(struct watch *w, const json_t *m)
{
	const char *id = cli_str(m, "id");
	struct seen *s = seen_get(w, id);

	if (s == NULL) {
		if (id[0] == '\0' || strlen(id) >= KITH_ID_STR)
			return;
		s = &w->ring[w->next++ % SEEN_MAX];
		if (s->id[0] != '\0')
			kith_map_del(w->seen, kith_slice_str(s->id));
		memcpy(s->id, id, strlen(id) + 1);
		if (kith_map_put(w->seen, kith_slice_str(id), s, NULL) != KITH_OK)
			s->id[0] = '\0';
	}
	s->look = look_of(m);
}

/* ---- where ---- */

static bool
is_watched(const struct watch *w, const char *group, const char *panel)
{
	if (w->n_only == 0)
		return true;
	for (size_t i = 0; i < w->n_only; i++) {
		if (strcmp(w->only[i].group, group) == 0 &&
		    (w->only[i].panel[0] == '\0' || strcmp(w->only[i].panel, panel) == 0))
			return true;
	}
	return false;
}

static const json_t *
with_id(const json_t *list, const char *id)
{
	json_t *o;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)list, i, o) {
		if (strcmp(cli_str(o, "id"), id) == 0)
			return o;
	}
	return NULL;
}

/* "group/panel", or what a conversation is called. Asks for the groups again when it is a new one. */
static void
place_name(struct watch *w, const char *group, const char *panel, char *out, size_t cap)
{
	const json_t *g = NULL, *p = NULL;
	bool quiet = w->c->quiet;
	int r;

	w->c->quiet = true;
	for (int again = 0; p == NULL && again < 2; again++) {
		g = with_id(cli_groups(w->c, again > 0, &r), group);
		p = g != NULL ? with_id(cli_get(g, "panels"), panel) : NULL;
	}
	w->c->quiet = quiet;
	if (g == NULL || p == NULL)
		snprintf(out, cap, "%.8s/%.8s", group, panel);
	else if (strcmp(cli_str(g, "kind"), "direct") == 0)
		snprintf(out, cap, "%s", cli_str(g, "name"));
	else
		snprintf(out, cap, "%s/%s", cli_str(g, "name"), cli_str(p, "name"));
}

/* ---- telling ---- */

static void
show(struct watch *w, const char *event, const char *group, const char *panel, const json_t *m)
{
	char place[1024];
	bool alone = w->n_only == 1 && w->only[0].panel[0] != '\0';

	if (!alone && w->c->opt[OPT_JSON] == NULL)
		place_name(w, group, panel, place, sizeof(place));
	w->status = cli_put_message(w->c, alone ? NULL : place, event, group, panel, m);
	if (w->status == CLI_OK)
		w->status = cli_flush();
}

static void
take_new(struct watch *w, const char *group, const char *panel, const json_t *m)
{
	if (!is_watched(w, group, panel) || seen_get(w, cli_str(m, "id")) != NULL)
		return;
	seen_put(w, m);
	show(w, "message", group, panel, m);
}

static void
take_changed(struct watch *w, const char *group, const char *panel, const json_t *m)
{
	struct seen *s = seen_get(w, cli_str(m, "id"));
	bool differs = s == NULL || s->look != look_of(m);

	if (!is_watched(w, group, panel))
		return;
	/* lines are about words: a reaction is none, and what was never shown need not be hidden */
	if (w->c->opt[OPT_JSON] == NULL && (!differs || (s == NULL && !cli_is(m, "edited"))))
		return;
	seen_put(w, m);
	show(w, "changed", group, panel, m);
}

/* One notification. */
static void
take_push(struct watch *w, struct kith_slice text)
{
	json_auto_t *v = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
	const json_t *params = json_object_get(v, "params"), *m = json_object_get(params, "message");
	const char *method = cli_str(v, "method");

	if (strcmp(method, "message") == 0)
		take_new(w, cli_str(params, "group"), cli_str(params, "panel"), m);
	else if (strcmp(method, "changed") == 0)
		take_changed(w, cli_str(params, "group"), cli_str(params, "panel"), m);
}

/* ---- what was missed ---- */

enum catch { PRIME, TELL };

/* The newest n messages of a panel: remembered, or told where they are new or look different. */
static int
catch_up(struct watch *w, const char *group, const char *panel, uint64_t n, enum catch how)
{
	json_auto_t *pages = json_array();
	char before[64] = "";
	json_t *m;
	size_t i;

	for (uint64_t left = n; left > 0;) {
		json_auto_t *answer = NULL;
		json_t *list;
		int r = cli_call_quietly(w->c, "message.list",
		    json_pack("{s:s, s:s, s:s?, s:i}", "group", group, "panel", panel, "before",
		    before[0] != '\0' ? before : NULL, "limit", PAGE), &answer);

		if (r != CLI_OK)
			return r;
		list = cli_get(answer, "messages");
		if (list == NULL || json_array_append(pages, list) != 0)
			break;
		left -= left < json_array_size(list) ? left : json_array_size(list);
		snprintf(before, sizeof(before), "%s", cli_str(answer, "before"));
		if (!cli_is(answer, "more") || before[0] == '\0')
			break;
	}
	for (size_t page = json_array_size(pages); page > 0; page--) {
		json_array_foreach(json_array_get(pages, page - 1), i, m) {
			if (how == PRIME) {
				seen_put(w, m);
			} else if (seen_get(w, cli_str(m, "id")) == NULL) {
				take_new(w, group, panel, m);
			} else if (seen_get(w, cli_str(m, "id"))->look != look_of(m)) {
				take_changed(w, group, panel, m);
			}
			if (w->status != CLI_OK)
				return w->status;
		}
	}
	return CLI_OK;
}

/* All watched panels, at most PRIME_PANELS. */
static int
each_panel(struct watch *w, enum catch how)
{
	json_t *g, *p, *groups;
	size_t i, k, n = 0;
	int r;

	groups = json_incref(cli_groups(w->c, true, &r));
	json_array_foreach(groups, i, g) {
		json_array_foreach(cli_get(g, "panels"), k, p) {
			if (r != CLI_OK || !is_watched(w, cli_str(g, "id"), cli_str(p, "id")) ||
			    strcmp(cli_str(p, "kind"), "folder") == 0 || n++ >= PRIME_PANELS)
				continue;
			r = catch_up(w, cli_str(g, "id"), cli_str(p, "id"), PAGE, how);
			if (r == CLI_FAILED)
				r = w->status;          /* a panel that is gone meanwhile */
		}
	}
	json_decref(groups);
	return r;
}

static int
move_cursor(struct watch *w, const json_t *answer)
{
	snprintf(w->older, sizeof(w->older), "%s", w->cursor);
	snprintf(w->cursor, sizeof(w->cursor), "%s", cli_str(answer, "cursor"));
	return w->cursor[0] != '\0' ? CLI_OK : cli_fail(CLI_FAILED, "the node's answer makes no sense");
}

/* Called with the socket open, so that nothing falls between. */
static int
synchronise(struct watch *w)
{
	const char *from = w->older[0] != '\0' ? w->older : w->cursor;
	bool first = from[0] == '\0';
	json_auto_t *answer = NULL;
	json_t *p;
	size_t i;
	int r = cli_call(w->c, "sync", json_pack("{s:s?}", "cursor", first ? NULL : from), &answer);

	if (r != CLI_OK)
		return r;
	if (first)
		r = each_panel(w, PRIME);
	else if (cli_is(answer, "reset"))
		r = each_panel(w, TELL);
	json_array_foreach(cli_get(answer, "panels"), i, p) {
		uint64_t n = (uint64_t)cli_int(p, "new") + (json_array_size(cli_get(p, "changed")) > 0 ? PAGE : 0);

		if (r == CLI_OK && !first && n > 0 && is_watched(w, cli_str(p, "group"), cli_str(p, "panel"))) {
			r = catch_up(w, cli_str(p, "group"), cli_str(p, "panel"), n, TELL);
			if (r == CLI_FAILED)
				r = w->status;
		}
	}
	return r == CLI_OK ? move_cursor(w, answer) : r;
}

/* The cursor goes along while all is well, so that a break costs what it missed and no more. */
static int
advance(struct watch *w)
{
	json_auto_t *answer = NULL;
	int r = cli_call_quietly(w->c, "sync", json_pack("{s:s}", "cursor", w->cursor), &answer);

	return r == CLI_OK ? move_cursor(w, answer) : r;
}

/* ---- the loop ---- */

/* Until the connection ends (KITH_E_BUSY) or w->status says that it is enough. */
static int
listen_on(struct watch *w)
{
	uint64_t due = cli_now_ms() + SYNC_EVERY_MS;
	struct kith_slice text;
	struct kith_diag d = { .text = "" };
	int r = KITH_OK;

	while (w->status == CLI_OK) {
		r = cli_socket_next(w->socket, due, &text, &d);
		if (r == KITH_OK)
			take_push(w, text);
		else if (r != KITH_E_EARLY)
			return r;
		if (cli_now_ms() >= due) {
			if (advance(w) != CLI_OK)
				return KITH_E_BUSY;
			due = cli_now_ms() + SYNC_EVERY_MS;
		}
	}
	return r;
}

static void
pause_ms(uint64_t ms)
{
	struct timespec t = { .tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000 };

	(void)nanosleep(&t, NULL);
}

static int
run(struct watch *w)
{
	uint64_t wait_ms = 500;
	bool was_up = false, told = false;
	struct kith_diag d;

	for (;;) {
		int r;

		d.text[0] = '\0';
		r = cli_socket_open(w->c->http, w->c->session->token, &w->socket, &d);
		if (r == KITH_E_DENIED) {
			/* the ordinary way says why, in words */
			r = cli_call(w->c, "account.me", cli_no_params(), NULL);
			return r != CLI_OK ? r : cli_fail(CLI_FAILED, "%s", d.text);
		}
		if (r == KITH_OK) {
			w->c->quiet = was_up;
			r = synchronise(w);
			w->c->quiet = false;
			if (w->status != CLI_OK || (r != CLI_OK && !was_up))
				return w->status != CLI_OK ? w->status : r;
		}
		if (r == KITH_OK) {
			if (told)
				cli_note("kith: connected again");
			told = false;
			was_up = true;
			wait_ms = 500;
			(void)listen_on(w);
			if (w->status != CLI_OK)
				return w->status;
		} else if (!was_up) {
			return cli_fail(r == KITH_E_NOMEM ? CLI_FAILED : CLI_UNREACHED, "%s", d.text);
		}
		cli_socket_close(w->socket);
		w->socket = NULL;
		if (!told)
			cli_note("kith: the connection is lost; trying again");
		told = true;
		pause_ms(wait_ms / 2 + randombytes_uniform((uint32_t)wait_ms));
		wait_ms = wait_ms < 15000 ? wait_ms * 2 : 30000;
	}
}

int
cli_cmd_watch(struct cli *c)
{
	struct watch w = { .c = c };
	int r = CLI_OK;

	w.only = calloc(c->word.n + 1, sizeof(*w.only));
	w.ring = calloc(SEEN_MAX, sizeof(*w.ring));
	w.seen = kith_map_new();
	if (w.only == NULL || w.ring == NULL || w.seen == NULL)
		r = cli_nomem();
	for (; r == CLI_OK && w.n_only < c->word.n; w.n_only++)
		r = cli_find_group_or_place(c, c->word.v[w.n_only], &w.only[w.n_only]);
	if (r == CLI_OK)
		r = cli_connect(c);
	if (r == CLI_OK)
		r = run(&w);
	cli_socket_close(w.socket);
	kith_map_free(w.seen, NULL);
	free(w.ring);
	free(w.only);
	return r;
}
