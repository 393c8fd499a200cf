#include "tests/crash/life.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/ledger.h"
#include "storage/lmdb.h"
#include "tests/crash/wlog.h"
#include "tests/unit/daemon/house.h"

#define NEVER SIZE_MAX
#define PEOPLE 3
#define PANELS 4
#define TEXTS 4

struct soul {
	char token[128], handle[128];
	size_t at;              /* acknowledged; NEVER */
	size_t joined;
};
struct said {
	unsigned who, panel;
	char id[64], txn[32];
	char *text[TEXTS];      /* as sent, then as edited */
	size_t at[TEXTS], n_texts, recalled;
	bool recalling;
};
struct backup { char name[32]; size_t at, n_said; };

struct life {
	struct soul soul[PEOPLE];
	char group[64], link[512];
	size_t group_at;
	struct { char id[64]; size_t at; } panel[PANELS];
	unsigned n_panels;
	struct said *said;
	size_t n_said;
	struct backup backup[4];
	unsigned n_backups;
	size_t *acks, n_acks;
	bool early;

	/* while it lives */
	struct kith_store *store;
	struct house *h;
	uint64_t dice;
	struct { uint64_t number; size_t at; } heard[64];
	unsigned n_heard;
	size_t turn_at;
};

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static unsigned
draw(struct life *l, unsigned n)
{
	l->dice = l->dice * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(l->dice >> 33) % n;
}

/* ---- being told ---- */

static void
heard(void *arg, const struct kith_output *o)
{
	struct life *l = arg;

	if (o->kind != KITH_OUT_REPLY || o->err != KITH_OK)
		return;
	l->heard[l->n_heard % 64].number = o->number;
	l->heard[l->n_heard++ % 64].at = l->early ? l->turn_at : wlog_count();
}

static size_t
told(struct life *l, uint64_t number)
{
	for (unsigned i = 0; i < 64; i++) {
		if (l->heard[i].number != number)
			continue;
		must((l->acks = realloc(l->acks, (l->n_acks + 1) * sizeof(*l->acks))) != NULL);
		l->acks[l->n_acks++] = l->heard[i].at;
		return l->heard[i].at;
	}
	return NEVER;
}

static void
turn(struct life *l)
{
	l->turn_at = wlog_count();
	house_turn(l->h);
}

static json_t *
call(struct life *l, unsigned who, const char *method, json_t *take_params, size_t *at)
{
	struct kith_session s;
	uint64_t number;
	json_t *r;

	if (l->soul[who].at != NEVER)
		must(house_session(l->h, l->soul[who].token, &s) == KITH_OK);
	number = house_ask(l->h, l->soul[who].at != NEVER ? &s : NULL, method, take_params);
	turn(l);
	r = house_answer(l->h, number);
	if (r == NULL)
		printf("# %s: %s\n", method, house_error(l->h));
	must(r != NULL);
	*at = told(l, number);
	return r;
}

static void
copy(char *to, size_t n, const json_t *r, const char *key)
{
	const char *s = json_string_value(json_object_get(r, key));

	must(s != NULL && strlen(s) < n);
	memcpy(to, s, strlen(s) + 1);
}

/* ---- starting, as kithd does ---- */

static bool
start(struct kith_store **store, struct house **h, uint64_t seed, char *why, size_t n_why)
{
	struct kith_lmdb_options lo = { .ballast = true };
	struct kith_diag d = { .text = "" };
	struct kith_keys keys;

	*store = NULL;
	*h = NULL;
	if (kith_keys_load(&keys, &d) != KITH_OK || kith_store_lmdb_open(KITH_STATE_STORE, &lo, &d, store) != KITH_OK ||
	    (*h = house_new(&(struct house_conf){ .store = *store, .lmdb = true, .take_keys = &keys, .seed = seed }, &d)) == NULL) {
		(void)snprintf(why, n_why, "it does not start: %s", d.text);
		return false;
	}
	return true;
}

static void
begin(struct life *l)
{
	char why[512];

	if (!start(&l->store, &l->h, l->dice, why, sizeof(why))) {
		printf("# %s\n", why);
		abort();
	}
	house_listen(l->h, heard, l);
	memset(l->heard, 0, sizeof(l->heard));
}

static void
end(struct life *l)
{
	house_free(l->h);
	kith_store_close(l->store);
}

/* ---- what happens in it ---- */

static void
found(struct life *l)
{
	size_t at;
	json_t *r;
	char name[16];

	for (unsigned i = 0; i < PEOPLE; i++) {
		(void)snprintf(name, sizeof(name), "soul%u", i);
		l->soul[i].at = l->soul[i].joined = NEVER;
		r = call(l, i, "account.register", json_pack("{s:s,s:s}", "name", name, "password", "correct horse battery"), &at);
		copy(l->soul[i].token, sizeof(l->soul[i].token), r, "token");
		copy(l->soul[i].handle, sizeof(l->soul[i].handle), r, "handle");
		json_decref(r);
		l->soul[i].at = at;
	}
	r = call(l, 0, "group.new", json_pack("{s:s,s:s}", "name", "garden", "join", "open"), &at);
	copy(l->group, sizeof(l->group), r, "id");
	copy(l->panel[0].id, sizeof(l->panel[0].id), r, "panel");
	json_decref(r);
	l->group_at = l->panel[0].at = l->soul[0].joined = at;
	l->n_panels = 1;
	r = call(l, 0, "invite.new", json_pack("{s:s}", "group", l->group), &at);
	copy(l->link, sizeof(l->link), r, "link");
	json_decref(r);
	for (unsigned i = 1; i < PEOPLE; i++) {
		json_decref(call(l, i, "group.join", json_pack("{s:s}", "link", l->link), &at));
		l->soul[i].joined = at;
	}
}

static char *
words(struct life *l, const char *what)
{
	size_t n = draw(l, 12) == 0 ? 20000 : 40 + draw(l, 200);
	char *s = malloc(n + 1);

	must(s != NULL);
	memset(s, '.', n);
	s[n] = '\0';
	memcpy(s, what, strlen(what));
	return s;
}

static uint64_t
send(struct life *l)
{
	struct said *s;
	struct kith_session session;

	must((l->said = realloc(l->said, (l->n_said + 1) * sizeof(*l->said))) != NULL);
	s = &l->said[l->n_said];
	memset(s, 0, sizeof(*s));
	s->who = draw(l, PEOPLE);
	s->panel = draw(l, l->n_panels);
	(void)snprintf(s->txn, sizeof(s->txn), "said-%zu", l->n_said++);
	s->text[0] = words(l, s->txn);
	s->n_texts = 1;
	s->at[0] = s->recalled = NEVER;
	must(house_session(l->h, l->soul[s->who].token, &session) == KITH_OK);
	return house_ask(l->h, &session, "message.send", json_pack("{s:s,s:s,s:s,s:s}", "group", l->group, "panel",
	    l->panel[s->panel].id, "text", s->text[0], "txn", s->txn));
}

static void
several(struct life *l)
{
	uint64_t number[6];
	unsigned n = 1 + draw(l, 6), i;
	size_t first = l->n_said;
	json_t *r;

	for (i = 0; i < n; i++)
		number[i] = send(l);
	turn(l);
	for (i = 0; i < n; i++) {
		r = house_answer(l->h, number[i]);
		if (r == NULL)
			printf("# message.send: %s\n", house_error(l->h));
		must(r != NULL);
		copy(l->said[first + i].id, sizeof(l->said[first + i].id), r, "id");
		json_decref(r);
		l->said[first + i].at[0] = told(l, number[i]);
	}
}

static void
change(struct life *l)
{
	struct said *s = &l->said[draw(l, (unsigned)l->n_said)];
	char what[48];

	if (s->recalling)
		return;
	if (draw(l, 4) == 0) {
		s->recalling = true;
		json_decref(call(l, s->who, "message.recall", json_pack("{s:s,s:s}", "group", l->group, "id", s->id), &s->recalled));
	} else if (s->n_texts < TEXTS) {
		(void)snprintf(what, sizeof(what), "%s-%zu", s->txn, s->n_texts);
		s->text[s->n_texts] = words(l, what);
		json_decref(call(l, s->who, "message.edit", json_pack("{s:s,s:s,s:s}", "group", l->group, "id", s->id, "text",
		    s->text[s->n_texts]), &s->at[s->n_texts]));
		s->n_texts++;
	}
}

static void
more(struct life *l)
{
	json_t *r;
	size_t at;

	if (l->n_panels == PANELS)
		return;
	r = call(l, 0, "panel.new", json_pack("{s:s,s:s}", "group", l->group, "name", "another"), &at);
	copy(l->panel[l->n_panels].id, sizeof(l->panel[0].id), r, "id");
	json_decref(r);
	l->panel[l->n_panels++].at = at;
}

static void
back_up(struct life *l)
{
	struct backup *b = &l->backup[l->n_backups];
	struct kith_diag d;
	char path[64];

	if (l->n_backups == sizeof(l->backup) / sizeof(l->backup[0]))
		return;
	(void)snprintf(b->name, sizeof(b->name), "%u.mdb", l->n_backups++);
	(void)snprintf(path, sizeof(path), "../backups/%s", b->name);
	b->n_said = l->n_said;
	must(kith_store_lmdb_backup(l->store, path, &d) == KITH_OK);
	b->at = wlog_count();
}

struct life *
life_new(const char *dir, uint64_t seed, unsigned rounds, bool early)
{
	struct life *l = calloc(1, sizeof(*l));
	struct kith_diag d = { .text = "" };
	char path[512];
	int r;

	must(l != NULL);
	l->dice = seed;
	l->early = early;
	l->group_at = NEVER;
	(void)snprintf(path, sizeof(path), "%s/backups", dir);
	must(mkdir(path, 0700) == 0);
	(void)snprintf(path, sizeof(path), "%s/state", dir);
	r = kith_state_enter(path, "nobody", &d);
	if (r != KITH_OK)
		printf("# %s\n", d.text);
	must(r == KITH_OK);
	begin(l);
	found(l);
	for (unsigned i = 1; i <= rounds; i++) {
		house_pass(100 + draw(l, 2000));
		if (draw(l, 10) < 7 || l->n_said == 0)
			several(l);
		else if (draw(l, 3) > 0)
			change(l);
		else
			more(l);
		if (i % 20 == 0)
			back_up(l);
		if (i % 15 == 0) {
			end(l);
			if (i % 30 == 0)
				must(kith_keys_rotate(i % 60 == 0, &d) == KITH_OK);
			begin(l);
		}
	}
	end(l);
	return l;
}

void
life_free(struct life *l)
{
	for (size_t i = 0; i < l->n_said; i++)
		for (size_t k = 0; k < l->said[i].n_texts; k++)
			free(l->said[i].text[k]);
	free(l->said);
	free(l->acks);
	free(l);
}

size_t
life_acks(const struct life *l, const size_t **at)
{
	*at = l->acks;
	return l->n_acks;
}

/* ---- afterwards ---- */

struct check {
	const struct life *l;
	size_t n_ops;
	struct kith_store *store;
	struct house *h;
	char *why;
	size_t n_why;
	unsigned *seen;         /* how often each of l->said is there */
};

#define FAIL(c, ...) ((void)snprintf((c)->why, (c)->n_why, __VA_ARGS__), false)

static bool
acked(const struct check *c, size_t at)
{
	return at != NEVER && at <= c->n_ops;
}

static bool
one_message(struct check *c, unsigned panel, const json_t *m)
{
	const char *id = json_string_value(json_object_get(m, "id")), *text = json_string_value(json_object_get(m, "text"));
	const char *state = json_string_value(json_object_get(m, "state"));
	struct said *s;
	size_t i, k;

	must(id != NULL && state != NULL);
	/* what nobody was told of may be there too: in this life they were told later */
	for (i = 0; i < c->l->n_said; i++)
		if (strcmp(c->l->said[i].id, id) == 0)
			break;
	if (i == c->l->n_said)
		return FAIL(c, "message %.12s is there and was never sent", id);
	s = &c->l->said[i];
	c->seen[i]++;
	if (c->seen[i] > 1 || s->panel != panel)
		return FAIL(c, "%s is there twice, or in another panel", s->txn);
	if (acked(c, s->recalled) && strcmp(state, "recalled") != 0)
		return FAIL(c, "%s was taken back and is %s again", s->txn, state);
	if (strcmp(state, "recalled") == 0)
		return s->recalling || FAIL(c, "%s is taken back and nobody did that", s->txn);
	if (strcmp(state, "visible") != 0)
		return FAIL(c, "%s is %s", s->txn, state);
	for (k = 0; k < s->n_texts && (text == NULL || strcmp(s->text[k], text) != 0); k++)
		;
	if (k == s->n_texts)
		return FAIL(c, "%s has another text", s->txn);
	for (k++; k < s->n_texts; k++)
		if (acked(c, s->at[k]))
			return FAIL(c, "edit %zu of %s is lost", k, s->txn);
	return true;
}

static bool
one_panel(struct check *c, const struct kith_session *s, unsigned panel, bool must_be)
{
	json_t *params, *page, *list;
	char before[128] = "";
	bool ok = true, go_on = true;

	while (ok && go_on) {
		params = json_pack("{s:s,s:s,s:i}", "group", c->l->group, "panel", c->l->panel[panel].id, "limit", 100);
		if (before[0] != '\0')
			json_object_set_new(params, "before", json_string(before));
		page = house_call(c->h, s, "message.list", params);
		if (page == NULL)
			return !must_be || FAIL(c, "panel %u cannot be read: %s", panel, house_error(c->h));
		list = json_object_get(page, "messages");
		for (size_t i = 0; ok && i < json_array_size(list); i++)
			ok = one_message(c, panel, json_array_get(list, i));
		go_on = json_is_true(json_object_get(page, "more")) && json_array_size(list) > 0;
		if (go_on)
			copy(before, sizeof(before), json_array_get(list, 0), "order");
		json_decref(page);
	}
	return ok;
}

/* Whoever heard nothing asks again, and is told the first result or a new one. */
static bool
ask_again(struct check *c, const struct said *s)
{
	struct kith_session session;
	json_t *r;
	bool ok;

	if (house_session(c->h, c->l->soul[s->who].token, &session) != KITH_OK)
		return FAIL(c, "the session of %s is lost", c->l->soul[s->who].handle);
	r = house_call(c->h, &session, "message.send", json_pack("{s:s,s:s,s:s,s:s}", "group", c->l->group, "panel",
	    c->l->panel[s->panel].id, "text", s->text[0], "txn", s->txn));
	if (r == NULL)
		return FAIL(c, "%s cannot be sent again: %s", s->txn, house_error(c->h));
	ok = c->seen[s - c->l->said] == 0 || strcmp(json_string_value(json_object_get(r, "id")), s->id) == 0;
	json_decref(r);
	return ok || FAIL(c, "%s, sent again, is there twice", s->txn);
}

static bool
people_and_groups(struct check *c, struct kith_session *s, bool *have)
{
	json_t *r, *list;
	bool ok = false;

	*have = false;
	for (unsigned i = 0; i < PEOPLE; i++) {
		if (!acked(c, c->l->soul[i].at))
			return true;
		if (house_session(c->h, c->l->soul[i].token, s) != KITH_OK)
			return FAIL(c, "the session of %s is lost", c->l->soul[i].handle);
		if (!acked(c, c->l->soul[i].joined))
			continue;
		r = house_call(c->h, s, "group.list", json_object());
		list = json_object_get(r, "groups");
		ok = false;
		for (size_t k = 0; k < json_array_size(list); k++)
			ok = ok || strcmp(json_string_value(json_object_get(json_array_get(list, k), "id")), c->l->group) == 0;
		json_decref(r);
		if (!ok)
			return FAIL(c, "%s is no member any more", c->l->soul[i].handle);
	}
	*have = acked(c, c->l->group_at);
	return house_session(c->h, c->l->soul[0].token, s) == KITH_OK || FAIL(c, "the session of the owner is lost");
}

static bool
whole(struct check *c)
{
	uint64_t pos = 1, bad;
	size_t n_bad = 0;
	struct kith_txn *t;
	char *lines;
	int r;
	bool ok;

	must(kith_store_begin(c->store, false, &t) == KITH_OK);
	do
		r = kith_ledger_scrub(t, &pos, 1000, &bad, 1, &n_bad);
	while (r == KITH_OK && n_bad == 0);
	kith_txn_abort(t);
	if (n_bad > 0)
		return FAIL(c, "record %llu is damaged", (unsigned long long)bad);
	lines = house_control(c->h, "verify");
	ok = lines != NULL && strstr(lines, "\"ok\":false") == NULL;
	if (!ok)
		(void)snprintf(c->why, c->n_why, "what is stored is not what follows from the records: %s", lines != NULL ? lines : "");
	free(lines);
	return ok;
}

/* A backup that was reported done opens, by itself. */
static bool
backups(struct check *c, const char *dir)
{
	struct kith_diag d;
	struct kith_store *s;
	char from[600], to[600];

	for (unsigned i = 0; i < c->l->n_backups; i++) {
		if (!acked(c, c->l->backup[i].at))
			continue;
		(void)snprintf(from, sizeof(from), "%s/backups/%s", dir, c->l->backup[i].name);
		(void)snprintf(to, sizeof(to), "%s/restored%u", dir, i);
		must(mkdir(to, 0700) == 0);
		(void)snprintf(to, sizeof(to), "%s/restored%u/data.mdb", dir, i);
		if (rename(from, to) != 0)
			return FAIL(c, "backup %u is not there", i);
		(void)snprintf(to, sizeof(to), "%s/restored%u", dir, i);
		if (kith_store_lmdb_open(to, NULL, &d, &s) != KITH_OK)
			return FAIL(c, "backup %u does not open: %s", i, d.text);
		kith_store_close(s);
	}
	return true;
}

bool
life_check(const struct life *l, const char *dir, size_t n_ops, char *why, size_t n_why)
{
	struct check c = { .l = l, .n_ops = n_ops, .why = why, .n_why = n_why };
	struct kith_session s;
	struct kith_diag d = { .text = "" };
	bool have, ok;
	char path[600];
	unsigned again = 0;

	must((c.seen = calloc(l->n_said + 1, sizeof(*c.seen))) != NULL);
	(void)snprintf(path, sizeof(path), "%s/state", dir);
	if (kith_state_enter(path, "nobody", &d) != KITH_OK)
		return FAIL(&c, "the state directory is refused: %s", d.text);
	if (!start(&c.store, &c.h, 99, why, n_why))
		return false;
	ok = whole(&c) && people_and_groups(&c, &s, &have);
	for (unsigned i = 0; ok && have && i < l->n_panels; i++)
		ok = one_panel(&c, &s, i, acked(&c, l->panel[i].at));
	for (size_t i = 0; ok && i < l->n_said; i++) {
		const struct said *m = &l->said[i];

		if (acked(&c, m->at[0]) && c.seen[i] == 0)
			ok = FAIL(&c, "%s was acknowledged and is lost", m->txn);
		/* the last that were told, and the first that were not */
		if (ok && have && acked(&c, l->panel[m->panel].at) && acked(&c, l->soul[m->who].joined) &&
		    (!acked(&c, m->at[0]) ? again++ < 4 : m->at[0] + 40 > n_ops))
			ok = ask_again(&c, m);
	}
	ok = ok && whole(&c) && backups(&c, dir);
	free(c.seen);
	end(&(struct life){ .h = c.h, .store = c.store });
	return ok;
}
