#include "ctl/judgeworld.h"

#include <stdlib.h>
#include <string.h>

/* Reading and checking docs, records and cuts of FILE (DESIGN section 12). */

static int
bad(struct kith_diag *d, const char *what, const char *id, const char *field, const char *why)
{
	return kith_jf_mistake(d, what, id, field, "%s", why);
}

static int
take_str(json_t *o, const char *what, const char *id, const char *field, const char **out, struct kith_diag *d)
{
	*out = kith_jf_str(o, what, id, field, d);
	return *out == NULL ? KITH_E_MALFORMED : KITH_OK;
}

static int
take_str_or_null(json_t *o, const char *what, const char *id, const char *field, const char **out, struct kith_diag *d)
{
	json_t *v = json_object_get(o, field);

	if (!json_is_string(v) && !json_is_null(v))
		return bad(d, what, id, field, v == NULL ? "is missing" : "must be a string or null");
	*out = json_string_value(v);
	return KITH_OK;
}

static int
take_place(json_t *o, const char *what, const char *id, const char *field, int64_t *out, struct kith_diag *d)
{
	json_t *v = json_object_get(o, field);

	if (!json_is_integer(v) || json_integer_value(v) < 0)
		return bad(d, what, id, field, v == NULL ? "is missing" : "must be a number from 0");
	*out = json_integer_value(v);
	return KITH_OK;
}

/* ---- cuts ---- */

static int
check_cut(json_t *o, const char *what, const char *id, struct kith_diag *d)
{
	json_t *cut = json_object_get(o, "cut"), *tips, *tip;
	const char *feed;
	size_t i;

	if (cut == NULL)
		return KITH_OK;
	if (!json_is_object(cut))
		return bad(d, what, id, "cut", "must be an object of SCOPE/NODE to [[seq, id], ...]");
	json_object_foreach(cut, feed, tips) {
		if (strchr(feed, '/') == NULL || !json_is_array(tips))
			return bad(d, what, id, "cut", "must be an object of SCOPE/NODE to [[seq, id], ...]");
		json_array_foreach(tips, i, tip) {
			if (!json_is_array(tip) || json_array_size(tip) != 2 || !json_is_integer(json_array_get(tip, 0)) ||
			    json_integer_value(json_array_get(tip, 0)) < 0 || !json_is_string(json_array_get(tip, 1)))
				return bad(d, what, id, "cut", "must be an object of SCOPE/NODE to [[seq, id], ...]");
		}
	}
	return KITH_OK;
}

/* ---- documents ---- */

static int
load_doc(json_t *o, struct kith_jw_doc *x, struct kith_diag *d)
{
	const char *what = "doc";
	int r = take_str(o, what, x->id, "uid", &x->uid, d);

	if (r == KITH_OK)
		r = take_place(o, what, x->id, "n", &x->n, d);
	if (r == KITH_OK)
		r = take_str(o, what, x->id, "home", &x->home, d);
	if (r == KITH_OK)
		r = take_str_or_null(o, what, x->id, "prev", &x->prev, d);
	if (r == KITH_OK)
		r = take_str(o, what, x->id, "by", &x->by, d);
	if (r == KITH_OK && strcmp(x->by, "key") != 0 && strcmp(x->by, "recovery") != 0)
		r = bad(d, what, x->id, "by", "must be key or recovery");
	return r;
}

/* ---- records ---- */

static bool
is_kind(const struct kith_jw_record *x, const char *kind)
{
	return strcmp(x->kind, kind) == 0;
}

static int
load_frontier(json_t *o, struct kith_jw_record *x, struct kith_diag *d)
{
	json_t *list = json_object_get(o, "frontier"), *v;
	size_t i, j;

	if (!json_is_array(list))
		return bad(d, "record", x->id, "frontier", list == NULL ? "is missing" : "must be a list of ids");
	if (json_array_size(list) == 0)
		return bad(d, "record", x->id, "frontier", "must not be empty");
	if (json_array_size(list) > KITH_PARENTS_MAX)
		return bad(d, "record", x->id, "frontier", "names more than 16");
	x->frontier = calloc(json_array_size(list), sizeof(*x->frontier));
	if (x->frontier == NULL)
		return KITH_E_NOMEM;
	json_array_foreach(list, i, v) {
		if (!json_is_string(v))
			return bad(d, "record", x->id, "frontier", "must be a list of ids");
		x->frontier[x->n_frontier++] = json_string_value(v);
		for (j = 0; j < i; j++)
			if (strcmp(x->frontier[i], x->frontier[j]) == 0)
				return bad(d, "record", x->id, "frontier", "names one twice");
	}
	return KITH_OK;
}

static int
load_by_kind(struct kith_jw *w, json_t *o, struct kith_jw_record *x, struct kith_diag *d)
{
	bool cut_due = false;
	size_t i;
	int r = KITH_OK;

	if (is_kind(x, "join")) {
		r = take_str(o, "record", x->id, "doc", &x->doc, d);
		if (r == KITH_OK)
			r = take_str(o, "record", x->id, "how", &x->how, d);
		for (i = 0; r == KITH_OK && i < w->n_docs; i++)
			cut_due = cut_due || (strcmp(w->doc[i].id, x->doc) == 0 && w->doc[i].n > 0);
	} else if (is_kind(x, "move")) {
		r = take_str(o, "record", x->id, "doc", &x->doc, d);
		if (r == KITH_OK)
			r = take_str(o, "record", x->id, "via", &x->via, d);
		cut_due = true;
	} else if (is_kind(x, "leave")) {
		r = take_str(o, "record", x->id, "via", &x->via, d);
		cut_due = true;
	} else if (is_kind(x, "msg")) {
		r = take_str(o, "record", x->id, "via", &x->via, d);
	} else if (is_kind(x, "redact")) {
		r = take_str(o, "record", x->id, "via", &x->via, d);
		if (r == KITH_OK)
			r = take_str(o, "record", x->id, "target", &x->target, d);
		if (r == KITH_OK)
			r = take_str(o, "record", x->id, "mode", &x->mode, d);
		if (r == KITH_OK && strcmp(x->mode, "recall") != 0 && strcmp(x->mode, "remove") != 0)
			r = bad(d, "record", x->id, "mode", "must be recall or remove");
		return r;
	} else {
		return bad(d, "record", x->id, "kind", "is unknown");
	}
	if (r == KITH_OK && cut_due && json_object_get(o, "cut") == NULL)
		r = bad(d, "record", x->id, "cut", "is missing");
	if (r == KITH_OK && !is_kind(x, "msg")) {
		r = check_cut(o, "record", x->id, d);
		x->cut = json_object_get(o, "cut");
	}
	return r;
}

static int
load_record(struct kith_jw *w, json_t *o, struct kith_jw_record *x, struct kith_diag *d)
{
	int r = take_str(o, "record", x->id, "scope", &x->scope, d);

	if (r == KITH_OK)
		r = take_str(o, "record", x->id, "node", &x->node, d);
	if (r == KITH_OK)
		r = take_str(o, "record", x->id, "author", &x->author, d);
	if (r == KITH_OK)
		r = take_place(o, "record", x->id, "seq", &x->seq, d);
	if (r == KITH_OK)
		r = take_str_or_null(o, "record", x->id, "prev", &x->prev, d);
	if (r == KITH_OK)
		r = load_frontier(o, x, d);
	if (r == KITH_OK)
		r = take_str(o, "record", x->id, "kind", &x->kind, d);
	return r == KITH_OK ? load_by_kind(w, o, x, d) : r;
}

/* ---- the lists ---- */

static int
take_list(struct kith_jw *w, const char *name, size_t *n, json_t **out, struct kith_diag *d)
{
	json_t *list = json_object_get(w->f->root, name), *v;
	char number[32];
	size_t i;

	if (!json_is_array(list))
		return bad(d, NULL, NULL, name, list == NULL ? "is missing" : "must be a list");
	json_array_foreach(list, i, v) {
		(void)snprintf(number, sizeof(number), "number %zu", i + 1);
		if (!json_is_object(v))
			return bad(d, name, number, NULL, "must be an object");
		if (kith_jf_str(v, name, number, "id", d) == NULL)
			return KITH_E_MALFORMED;
	}
	*n = json_array_size(list);
	*out = list;
	return KITH_OK;
}

static int
note_id(struct kith_jw *w, const char *what, const char *id, void *x, struct kith_diag *d)
{
	if (strcmp(id, "genesis") == 0)
		return bad(d, what, id, "id", "genesis names the beginning");
	if (kith_map_get(w->names, kith_slice_str(id)) != NULL || kith_jf_find(w->f, id) != NULL)
		return bad(d, what, id, "id", "is given twice");
	return kith_map_put(w->names, kith_slice_str(id), x, NULL);
}

static int
load_lists(struct kith_jw *w, struct kith_diag *d)
{
	json_t *docs = NULL, *records = NULL;
	size_t i, j;
	int r = take_list(w, "docs", &w->n_docs, &docs, d);

	if (r == KITH_OK)
		r = take_list(w, "records", &w->n_records, &records, d);
	if (r != KITH_OK) {
		w->n_docs = w->n_records = 0;
		return r;
	}
	w->doc = calloc(w->n_docs + 1, sizeof(*w->doc));
	w->record = calloc(w->n_records + 1, sizeof(*w->record));
	if (w->doc == NULL || w->record == NULL) {
		w->n_docs = w->n_records = 0;
		return KITH_E_NOMEM;
	}
	for (i = 0; r == KITH_OK && i < w->n_docs; i++) {
		w->doc[i].id = json_string_value(json_object_get(json_array_get(docs, i), "id"));
		r = note_id(w, "doc", w->doc[i].id, &w->doc[i], d);
		if (r == KITH_OK)
			r = load_doc(json_array_get(docs, i), &w->doc[i], d);
		for (j = 0; r == KITH_OK && j < i && w->doc[i].n == 0 && w->doc[i].prev == NULL; j++)
			if (w->doc[j].n == 0 && w->doc[j].prev == NULL && strcmp(w->doc[j].uid, w->doc[i].uid) == 0)
				r = bad(d, "doc", w->doc[i].id, "uid", "has two documents 0");
	}
	for (i = 0; r == KITH_OK && i < w->n_records; i++) {
		w->record[i].id = json_string_value(json_object_get(json_array_get(records, i), "id"));
		r = note_id(w, "record", w->record[i].id, &w->record[i], d);
		if (r == KITH_OK)
			r = load_record(w, json_array_get(records, i), &w->record[i], d);
	}
	for (i = 0; r == KITH_OK && i < w->f->n_events; i++)
		r = check_cut(w->f->event[i].json, "event", w->f->event[i].id, d);
	return r;
}

int
kith_jw_load(const char *path, struct kith_jw **out, struct kith_diag *d)
{
	struct kith_jw *w = calloc(1, sizeof(*w));
	int r = KITH_E_NOMEM;

	if (w == NULL)
		return r;
	w->names = kith_map_new();
	w->shown = kith_map_new();
	if (w->names != NULL && w->shown != NULL)
		r = kith_jf_load(path, true, &w->f, d);
	if (r == KITH_OK)
		r = load_lists(w, d);
	if (r == KITH_OK)
		*out = w;
	else
		kith_jw_free(w);
	return r;
}

void
kith_jw_free(struct kith_jw *w)
{
	size_t i;

	if (w == NULL)
		return;
	for (i = 0; i < w->n_docs; i++)
		kith_buf_fini(&w->doc[i].raw);
	for (i = 0; i < w->n_records; i++) {
		free(w->record[i].frontier);
		kith_buf_fini(&w->record[i].header);
	}
	for (i = 0; i < w->arrivals.n; i++) {
		kith_buf_fini(&w->arrivals.v[i]->header);
		free(w->arrivals.v[i]);
	}
	kith_vec_fini(&w->arrivals);
	kith_map_free(w->names, NULL);
	kith_map_free(w->shown, NULL);
	kith_jf_free(w->f);
	free(w->doc);
	free(w->record);
	free(w);
}
