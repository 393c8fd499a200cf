#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/judgeworld.h"

/* kithctl judge: a whole FILE through the engine's own door (DESIGN section 12). */

/* Something to offer: a record, or an object that came with FILE. */
struct offer {
	uint8_t object;                 /* 0: a record */
	struct kith_slice raw, sig;
	struct kith_id id;
};

static const struct kith_now now = { .mono_ms = 1, .wall_ms = UINT64_C(1) << 40 };

/* ---- in ---- */

static int
list_offers(struct kith_jw *w, struct offer **out, size_t *n_out)
{
	size_t n = 1 + w->f->n_setup + w->f->n_events + w->arrivals.n + w->n_records + w->n_docs, at = 0, i;
	struct offer *v = calloc(n, sizeof(*v));
	const struct kith_jf_event *e;
	const struct kith_jw_record *x;

	if (v == NULL)
		return KITH_E_NOMEM;
	for (i = 0; i < 1 + w->f->n_setup + w->f->n_events; i++) {
		e = i == 0 ? &w->f->create : i <= w->f->n_setup ? &w->f->setup[i - 1] : &w->f->event[w->f->order[i - 1 - w->f->n_setup]];
		v[at++] = (struct offer){ .raw = kith_buf_slice(&e->header), .sig = e->sig, .id = e->rid };
	}
	for (i = 0; i < w->arrivals.n + w->n_records; i++) {
		x = i < w->arrivals.n ? w->arrivals.v[i] : &w->record[i - w->arrivals.n];
		v[at++] = (struct offer){ .raw = kith_buf_slice(&x->header), .sig = kith_slice_of(x->sig, sizeof(x->sig)), .id = x->rid };
	}
	for (i = 0; i < w->n_docs; i++)
		if (w->doc[i].raw.n > 0)
			v[at++] = (struct offer){ .object = KITH_O_DOC, .raw = kith_buf_slice(&w->doc[i].raw), .id = w->doc[i].rid };
	*out = v;
	*n_out = at;
	return KITH_OK;
}

static int
take(struct kith_jf_session *s, const struct offer *o)
{
	const struct kith_item item = { .header = o->raw, .sig = o->sig };
	const struct kith_run run = { .item = &item, .n = 1 };
	struct kith_changes c = { .list = { NULL, 0, 0 } };
	struct kith_missings m = { .list = { NULL, 0, 0 } };
	struct kith_run_result res = { .refused = 0 };
	int r;

	if (o->object != 0)
		r = kith_group_object(s->group, s->txn, now, o->object, o->raw, true, &c, &m);
	else
		r = kith_group_run(s->group, s->txn, now, NULL, &run, &c, &m, &res);
	kith_changes_fini(&c);
	kith_vec_fini(&m.list);
	return r == KITH_E_MISSING ? KITH_OK : r == KITH_OK && res.refused > 0 ? res.first_error : r;
}

/* All of it, in this order; what a full waiting room pushed out comes again. */
static int
take_all(struct kith_jf_session *s, const struct offer *v, size_t n, const size_t *order)
{
	enum kith_verdict verdict;
	size_t i, unknown = n, before;
	int r = KITH_OK;

	do {
		before = unknown;
		unknown = 0;
		for (i = 0; r == KITH_OK && i < n; i++)
			r = take(s, &v[order[i]]);
		for (i = 0; r == KITH_OK && i < n; i++) {
			if (v[i].object != 0)
				continue;
			r = kith_group_verdict(s->group, s->txn, &v[i].id, &verdict);
			unknown += verdict == KITH_V_UNKNOWN;
		}
	} while (r == KITH_OK && unknown > 0 && unknown < before);
	return r == KITH_OK && unknown > 0 ? KITH_E_CORRUPT : r;
}

/* "The smaller id" goes by the names in FILE, by code point: so by UTF-8's bytes. */
static int
by_name(void *ctx, const struct kith_id *x, const struct kith_id *y)
{
	const struct kith_jw *w = ctx;
	const char *a = kith_map_get(w->shown, kith_id_slice(x)), *b = kith_map_get(w->shown, kith_id_slice(y));

	return a == NULL || b == NULL ? kith_id_cmp(x, y) : strcmp(a, b);
}

static int
admit(struct kith_jw *w, struct kith_jf_session *s, bool shuffle, uint64_t seed)
{
	const struct kith_jf_event *base = kith_jf_find(w->f, "base");
	struct kith_diag why = { .text = "" };
	struct offer *v = NULL;
	size_t *order = NULL, n, i;
	int r = list_offers(w, &v, &n);

	if (r == KITH_OK) {
		order = kith_jf_shuffle(n, seed);
		r = order == NULL ? KITH_E_NOMEM : KITH_OK;
	}
	for (i = 0; r == KITH_OK && !shuffle && i < n; i++)
		order[i] = i;
	if (r == KITH_OK)
		r = kith_jf_open(w->f, s);
	if (r == KITH_OK) {
		kith_group_set_order(s->group, by_name, w);
		/* without a role of that name, nobody holds one for being a member */
		kith_group_set_member_role(s->group, base != NULL && base->kind == KITH_K_ROLE_CREATE ? &base->rid : &w->f->group);
		r = take_all(s, v, n, order);
	}
	if (r == KITH_OK)
		r = kith_group_verify(s->group, s->txn, &why);
	if (why.text[0] != '\0')
		fprintf(stderr, "kithctl: %s\n", why.text);
	free(order);
	free(v);
	return r;
}

/* ---- out ---- */

static int
by_string(const void *x, const void *y)
{
	return strcmp(json_string_value(*(json_t *const *)x), json_string_value(*(json_t *const *)y));
}

static json_t *
sorted(json_t *list)
{
	size_t n = json_array_size(list), i;
	json_t **v = calloc(n + 1, sizeof(*v)), *out = json_array();

	for (i = 0; v != NULL && i < n; i++)
		v[i] = json_array_get(list, i);
	if (v != NULL)
		qsort(v, n, sizeof(*v), by_string);
	for (i = 0; v != NULL && i < n; i++)
		(void)json_array_append(out, v[i]);
	free(v);
	json_decref(list);
	return out;
}

static const char *const words[] = {
	[KITH_V_UNKNOWN] = "waiting", [KITH_V_WAITING] = "waiting", [KITH_V_REJECTED] = "rejected",
	[KITH_V_HIDDEN] = "hidden", [KITH_V_VISIBLE] = "visible",
};

static int
tell_records(struct kith_jw *w, struct kith_jf_session *s, json_t *out)
{
	json_t *records = json_object(), *redacted = json_array();
	enum kith_verdict v;
	uint64_t pos;
	uint32_t state;
	size_t i;
	int r = KITH_OK;

	for (i = 0; r == KITH_OK && i < w->n_records; i++) {
		r = kith_group_verdict(s->group, s->txn, &w->record[i].rid, &v);
		if (r != KITH_OK)
			break;
		(void)json_object_set_new_nocheck(records, w->record[i].id, json_string(words[v]));
		if ((v != KITH_V_VISIBLE && v != KITH_V_HIDDEN) || strcmp(w->record[i].kind, "msg") != 0)
			continue;
		r = kith_ledger_find(s->txn, &w->record[i].rid, &pos);
		if (r == KITH_OK)
			r = kith_ledger_state_get(s->txn, pos, &state);
		if (r == KITH_OK && state & (KITH_S_RECALLED | KITH_S_REMOVED))
			(void)json_array_append_new(redacted, json_string_nocheck(w->record[i].id));
	}
	(void)json_object_set_new(out, "records", records);
	(void)json_object_set_new(out, "redacted", sorted(redacted));
	return r;
}

static void
tell_members(struct kith_jw *w, struct kith_jf_session *s, json_t *out)
{
	json_t *members = json_array();
	const struct kith_jf_person *p;
	struct kith_member m;
	size_t it = 0;
	void *v;

	while (kith_map_next(w->f->persons, &it, NULL, &v)) {
		p = v;
		if (kith_group_member(s->group, &p->uid, &m) == KITH_OK && m.member)
			(void)json_array_append_new(members, json_string_nocheck(p->name));
	}
	(void)json_object_set_new(out, "members", sorted(members));
}

static int
print_result(struct kith_jw *w, struct kith_jf_session *s)
{
	json_t *out = json_object();
	char *text = NULL;
	int r = tell_records(w, s, out);

	tell_members(w, s, out);
	if (r == KITH_OK) {
		text = json_dumps(out, JSON_COMPACT | JSON_SORT_KEYS);
		r = text == NULL ? KITH_E_NOMEM : KITH_OK;
	}
	json_decref(out);
	if (r == KITH_OK && (puts(text) < 0 || fflush(stdout) != 0))
		r = KITH_E_IO;
	free(text);
	return r;
}

static int
run(const char *path, bool shuffle, uint64_t seed, struct kith_diag *d)
{
	struct kith_jf_session s = { .store = NULL };
	struct kith_jw *w = NULL;
	int r = kith_jw_load(path, &w, d);

	if (r == KITH_OK)
		r = kith_jw_build(w, d);
	if (r == KITH_OK)
		r = admit(w, &s, shuffle, seed);
	if (r == KITH_OK)
		r = print_result(w, &s);
	if (s.store != NULL)
		kith_jf_close(&s);
	kith_jw_free(w);
	return r;
}

int
kith_ctl_judge(const struct kith_ctl *c, int argc, char **argv)
{
	struct kith_diag d = { .text = "" };
	bool shuffle = argc == 3 && strcmp(argv[0], "--shuffle") == 0;
	uint64_t seed = 0;
	char *end = NULL;
	int r;

	(void)c;
	if (shuffle) {
		errno = 0;
		seed = strtoumax(argv[1], &end, 10);
	}
	if ((argc != 1 && !shuffle) || (shuffle && (errno != 0 || end == argv[1] || *end != '\0'))) {
		fputs("usage: kithctl judge [--shuffle SEED] FILE\n", stderr);
		return 2;
	}
	r = run(argv[argc - 1], shuffle, seed, &d);
	if (r == KITH_OK)
		return 0;
	fprintf(stderr, "kithctl: %s\n", d.text[0] != '\0' ? d.text : kith_err_name(r));
	return r == KITH_E_MALFORMED && d.text[0] != '\0' ? 2 : 1;
}
