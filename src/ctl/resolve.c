#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/judgefile.h"
#include "wire/mp.h"

/* kithctl resolve: authority acts from a FILE through the engine's own admission path (DESIGN section 11). */

/* ---- in ---- */

/* The create and all events, offered in this order. */
static int
admit_all(struct kith_jf *f, struct kith_jf_session *s, const size_t *order)
{
	struct kith_jf_record *rec = calloc(f->n_events + 1, sizeof(*rec));
	size_t i;
	int r;

	if (rec == NULL)
		return KITH_E_NOMEM;
	for (i = 0; i <= f->n_events; i++) {
		const struct kith_jf_event *e = i == 0 ? &f->create : &f->event[f->order[i - 1]];

		rec[i] = (struct kith_jf_record){ e->rid, kith_buf_slice(&e->header), e->sig };
	}
	r = kith_jf_admit(s, rec, f->n_events + 1, order, false);
	free(rec);
	return r;
}

/* ---- out ---- */

static int
by_string(const void *x, const void *y)
{
	json_t *const *a = x, *const *b = y;

	return strcmp(json_string_value(*a), json_string_value(*b));
}

/* A list of strings in order of code point, which is the order of UTF-8's bytes. */
static void
sort_list(json_t *list)
{
	size_t n = json_array_size(list), i;
	json_t **v = calloc(n + 1, sizeof(*v));

	for (i = 0; v != NULL && i < n; i++)
		v[i] = json_incref(json_array_get(list, i));
	if (v == NULL)
		return;
	qsort(v, n, sizeof(*v), by_string);
	(void)json_array_clear(list);
	for (i = 0; i < n; i++)
		(void)json_array_append_new(list, v[i]);
	free(v);
}

static const char *
name_of(const struct kith_jf *f, const struct kith_id *uid)
{
	struct kith_slice key;
	size_t it = 0;
	void *p;

	while (kith_map_next(f->persons, &it, &key, &p)) {
		const struct kith_jf_person *who = p;

		if (kith_id_eq(&who->uid, uid))
			return who->name;
	}
	return "";
}

static json_t *
member_list(json_t *o, const char *key)
{
	json_t *list = json_object_get(o, key);

	if (list == NULL && json_object_set_new_nocheck(o, key, json_array()) == 0)
		list = json_object_get(o, key);
	return list;
}

static const char *
slice_text(struct kith_slice s, char text[KITH_WORD_MAX + 1])
{
	size_t n = s.n < KITH_WORD_MAX ? s.n : KITH_WORD_MAX;

	if (n > 0)
		memcpy(text, s.p, n);
	text[n] = '\0';
	return text;
}

static void
tell_verdicts(struct kith_jf *f, const struct kith_authority *a, json_t *out)
{
	size_t i;

	(void)member_list(out, "effective");
	(void)member_list(out, "void");
	(void)member_list(out, "invalid");
	for (i = 0; i < f->n_events; i++) {
		const struct kith_act *x = kith_authority_find(a, &f->event[i].rid);
		const char *word = x == NULL || !x->valid ? "invalid" : x->effective ? "effective" : "void";

		(void)json_array_append_new(member_list(out, word), json_string_nocheck(f->event[i].id));
	}
}

static void
tell_roles(struct kith_jf *f, const struct kith_view *v, json_t *out)
{
	json_t *roles = json_object(), *holders = json_object(), *role;
	size_t i;

	for (i = 0; i < f->n_events; i++) {
		const struct kith_jf_event *e = &f->event[i];
		struct kith_fact exists = { .kind = KITH_F_ROLE, .a = e->rid };

		if (e->kind != KITH_K_ROLE_CREATE || !kith_view_fact(v, &exists))
			continue;
		role = json_object();
		(void)json_object_set_new(role, "level", json_integer(e->level));
		(void)json_object_set_new(role, "perms", json_array());
		(void)json_object_set_new_nocheck(roles, e->id, role);
		(void)json_object_set_new_nocheck(holders, e->id, json_array());
	}
	(void)json_object_set_new(out, "roles", roles);
	(void)json_object_set_new(out, "holders", holders);
}

static const char *
role_name(const struct kith_jf *f, const struct kith_id *rid)
{
	size_t i;

	for (i = 0; i < f->n_events; i++)
		if (kith_id_eq(&f->event[i].rid, rid))
			return f->event[i].id;
	return "";
}

static void
tell_facts(struct kith_jf *f, const struct kith_authority *a, const struct kith_view *v, json_t *out)
{
	json_t *roles = json_object_get(out, "roles"), *holders = json_object_get(out, "holders");
	char word[KITH_WORD_MAX + 1];
	struct kith_fact x;
	size_t it = 0;

	(void)member_list(out, "banned");
	(void)member_list(out, "owners");
	while (kith_authority_fact_next(a, &it, &x)) {
		bool on = kith_view_fact(v, &x);
		json_t *list = NULL, *text = NULL;

		if (x.kind == KITH_F_NOT_BANNED && !on) {
			list = member_list(out, "banned");
			text = json_string_nocheck(name_of(f, &x.a));
		} else if (x.kind == KITH_F_OWNER && on) {
			list = member_list(out, "owners");
			text = json_string_nocheck(name_of(f, &x.a));
		} else if (x.kind == KITH_F_HOLDS && on) {
			list = json_object_get(holders, role_name(f, &x.b));
			text = json_string_nocheck(name_of(f, &x.a));
		} else if (x.kind == KITH_F_ROLE_PERM && on) {
			list = json_object_get(json_object_get(roles, role_name(f, &x.a)), "perms");
			text = json_string_nocheck(slice_text(x.perm, word));
		}
		if (list != NULL)
			(void)json_array_append_new(list, text);
		else
			json_decref(text);
	}
}

static json_t *
value_of(struct kith_authority *a, uint32_t act)
{
	struct kith_mp_reader r;
	struct kith_slice s;

	kith_mp_read(&r, kith_authority_at(a, act)->op->value);
	s = kith_mp_str(&r);
	return json_stringn_nocheck((const char *)s.p, s.n);
}

static void
tell_values(struct kith_jf *f, struct kith_authority *a, json_t *out)
{
	uint32_t *act = calloc(f->n_events + 1, sizeof(*act));
	json_t *values = json_object(), *list;
	char word[KITH_WORD_MAX + 1];
	struct kith_slice key;
	struct kith_id object;
	size_t it = 0, n, i;

	while (act != NULL && kith_authority_register_next(a, &it, &object, &key)) {
		n = kith_authority_register_all(a, &object, key, act, f->n_events + 1);
		if (n == 0)
			continue;
		list = json_array();
		for (i = 0; i < n; i++)
			(void)json_array_append_new(list, value_of(a, act[i]));
		sort_list(list);
		(void)json_object_set_nocheck(values, slice_text(kith_slice_from(key, 2), word),
		    n == 1 ? json_array_get(list, 0) : list);
		json_decref(list);
	}
	free(act);
	(void)json_object_set_new(out, "values", values);
}

static void
sort_all(json_t *o)
{
	const char *key;
	json_t *v;

	json_object_foreach(o, key, v) {
		if (json_is_array(v))
			sort_list(v);
		else if (json_is_object(v))
			sort_all(v);
	}
}

static int
print_result(struct kith_jf *f, struct kith_authority *a)
{
	const struct kith_view *v;
	json_t *out = json_object();
	char *text;
	int r = kith_authority_now(a, &v);

	if (r != KITH_OK)
		return r;
	tell_verdicts(f, a, out);
	tell_roles(f, v, out);
	tell_facts(f, a, v, out);
	tell_values(f, a, out);
	sort_all(out);
	text = json_dumps(out, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(out);
	if (text == NULL)
		return KITH_E_NOMEM;
	r = puts(text) < 0 || fflush(stdout) != 0 ? KITH_E_IO : KITH_OK;
	free(text);
	return r;
}

static int
run(const char *path, bool shuffle, uint64_t seed, struct kith_diag *d)
{
	struct kith_jf_session s = { .store = NULL };
	struct kith_authority *a;
	struct kith_jf *f = NULL;
	size_t *order = NULL, i;
	uint32_t first;
	int r;

	r = kith_jf_load(path, false, &f, d);
	if (r == KITH_OK)
		r = kith_jf_begin(f, NULL, 0, d);
	if (r == KITH_OK)
		r = kith_jf_build_all(f, d);
	if (r != KITH_OK)
		goto out;
	order = kith_jf_shuffle(f->n_events + 1, seed);
	r = order == NULL ? KITH_E_NOMEM : KITH_OK;
	for (i = 0; r == KITH_OK && !shuffle && i <= f->n_events; i++)
		order[i] = i;
	if (r == KITH_OK)
		r = kith_jf_open(f, &s);
	if (r == KITH_OK)
		r = admit_all(f, &s, order);
	a = r == KITH_OK ? kith_group_authority(s.group) : NULL;
	if (r == KITH_OK)
		r = kith_authority_verify(a, &first);
	if (r == KITH_OK)
		r = print_result(f, a);
out:
	free(order);
	kith_jf_close(&s);
	kith_jf_free(f);
	return r;
}

int
kith_ctl_resolve(const struct kith_ctl *c, int argc, char **argv)
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
		fputs("usage: kithctl resolve [--shuffle SEED] FILE\n", stderr);
		return 2;
	}
	r = run(argv[argc - 1], shuffle, seed, &d);
	if (r == KITH_OK)
		return 0;
	fprintf(stderr, "kithctl: %s\n", d.text[0] != '\0' ? d.text : kith_err_name(r));
	return r == KITH_E_MALFORMED ? 2 : 1;
}
