#include "ctl/judgefile.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- mistakes ---- */

/* As JSON, so that one line stays one line whatever is in the name. */
static char *
quoted(const char *s)
{
	json_t *j = json_string_nocheck(s);
	char *q = j == NULL ? NULL : json_dumps(j, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);

	json_decref(j);
	return q;
}

int
kith_jf_mistake(struct kith_diag *d, const char *what, const char *id, const char *field, const char *fmt, ...)
{
	char text[256], *q;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	q = id == NULL ? NULL : quoted(id);
	kith_diag_set(d, "%s%s%.128s%s%s: %s", what != NULL ? what : "", q != NULL ? " " : "", q != NULL ? q : "",
	    field != NULL && what != NULL ? ": " : "", field != NULL ? field : "", text);
	free(q);
	return KITH_E_MALFORMED;
}

const char *
kith_jf_str(json_t *o, const char *what, const char *id, const char *field, struct kith_diag *d)
{
	json_t *v = json_object_get(o, field);

	if (json_is_string(v))
		return json_string_value(v);
	(void)kith_jf_mistake(d, what, id, field, v == NULL ? "is missing" : "must be a string");
	return NULL;
}

/* ---- one event ---- */

struct parse {
	struct kith_jf *f;
	struct kith_jf_event *e;
	struct kith_diag *d;
	size_t number;
};

static int
wrong(const struct parse *p, const char *field, const char *text)
{
	return kith_jf_mistake(p->d, "event", p->e->id, field, "%s", text);
}

static int
take_str(struct parse *p, const char *field, const char **out)
{
	*out = kith_jf_str(p->e->json, "event", p->e->id, field, p->d);
	return *out == NULL ? KITH_E_MALFORMED : KITH_OK;
}

static int
by_bytes(const void *x, const void *y)
{
	const char *const *a = x, *const *b = y;

	return strcmp(*a, *b);
}

static int
take_words(struct parse *p, const char *field, const char ***out, size_t *n_out)
{
	json_t *list = json_object_get(p->e->json, field), *v;
	const char **w;
	size_t i, n = 0;

	if (!json_is_array(list))
		return wrong(p, field, list == NULL ? "is missing" : "must be a list of strings");
	w = calloc(json_array_size(list) + 1, sizeof(*w));
	if (w == NULL)
		return KITH_E_NOMEM;
	*out = w;
	json_array_foreach(list, i, v) {
		if (!json_is_string(v))
			return wrong(p, field, "must be a list of strings");
		w[i] = json_string_value(v);
		if (strlen(w[i]) > KITH_WORD_MAX)
			return wrong(p, field, "holds a word longer than 255 bytes");
	}
	qsort(w, json_array_size(list), sizeof(*w), by_bytes);
	for (i = 0; i < json_array_size(list); i++)
		if (n == 0 || strcmp(w[n - 1], w[i]) != 0)
			w[n++] = w[i];
	if (n > KITH_PERMS_MAX)
		return wrong(p, field, "holds more than 128 words");
	*n_out = n;
	return KITH_OK;
}

static int
take_bool(struct parse *p, const char *field, bool *out)
{
	json_t *v = json_object_get(p->e->json, field);

	if (!json_is_boolean(v))
		return wrong(p, field, v == NULL ? "is missing" : "must be true or false");
	*out = json_is_true(v);
	return KITH_OK;
}

static bool
is_whole(double v)
{
	const double edge = 9223372036854775808.0;      /* 2 to the 63rd */

	return v >= -edge && v < edge && (double)(int64_t)v == v;
}

static int
parse_role_create(struct parse *p)
{
	json_t *level = json_object_get(p->e->json, "level");
	int r;

	if (!json_is_integer(level) && (!p->f->wide || !is_whole(json_real_value(level))))
		return wrong(p, "level", level == NULL ? "is missing" : "must be a whole number of at most 64 bits");
	p->e->level = p->f->wide ? (int64_t)json_real_value(level) : (int64_t)json_integer_value(level);
	r = take_words(p, "perms", &p->e->perms, &p->e->n_perms);
	if (r != KITH_OK)
		return r;
	return take_words(p, json_object_get(p->e->json, "may") != NULL ? "may" : "perms", &p->e->may, &p->e->n_may);
}

static int
parse_role(struct parse *p)
{
	return take_str(p, "role", &p->e->role);
}

static int
parse_role_perms(struct parse *p)
{
	int r = parse_role(p);

	return r != KITH_OK ? r : take_words(p, "perms", &p->e->perms, &p->e->n_perms);
}

static int
parse_user(struct parse *p)
{
	return take_str(p, "user", &p->e->user);
}

static int
parse_role_user(struct parse *p)
{
	int r = parse_role(p);

	return r != KITH_OK ? r : parse_user(p);
}

static int
parse_set(struct parse *p)
{
	int r = take_str(p, "key", &p->e->key);

	if (r == KITH_OK)
		r = take_str(p, "value", &p->e->value);
	if (r == KITH_OK && strlen(p->e->key) > KITH_WORD_MAX - 2)
		return wrong(p, "key", "is longer than 253 bytes");
	return r;
}

static int
parse_joins(struct parse *p)
{
	p->e->joins = true;
	return take_bool(p, "open", &p->e->open);
}

static int
parse_panel_set(struct parse *p)
{
	static const char *const effects[] = { "inherit", "allow", "deny" };
	json_t *o = p->e->json;
	const char *value;
	int r = take_str(p, "panel", &p->e->panel);

	if (r != KITH_OK)
		return r;
	p->e->has_open = json_object_get(o, "open") != NULL;
	if (p->e->has_open) {
		if (json_object_get(o, "who") != NULL || json_object_get(o, "value") != NULL)
			return wrong(p, "open", "does not go with who and value");
		return take_bool(p, "open", &p->e->open);
	}
	r = take_str(p, "who", &p->e->who);
	if (r == KITH_OK)
		r = take_str(p, "value", &value);
	if (r != KITH_OK)
		return r;
	if (strncmp(p->e->who, "u:", 2) != 0 && strncmp(p->e->who, "r:", 2) != 0)
		return wrong(p, "who", "must begin with u: or r:");
	if (p->e->who[0] == 'r')
		p->e->role = p->e->who + 2;
	else
		p->e->user = p->e->who + 2;
	for (p->e->effect = 0; p->e->effect < 3; p->e->effect++)
		if (strcmp(value, effects[p->e->effect]) == 0)
			return KITH_OK;
	return wrong(p, "value", "must be allow, deny or inherit");
}

static int
parse_node(struct parse *p)
{
	return take_str(p, "node", &p->e->node);
}

static int
parse_invite(struct parse *p)
{
	return take_str(p, "invite", &p->e->invite);
}

static int
parse_nothing(struct parse *p)
{
	(void)p;
	return KITH_OK;
}

static const struct {
	const char *name;
	uint32_t kind;
	bool judge;             /* section 12 only */
	int (*parse)(struct parse *p);
} kinds[] = {
	{ "role.create", KITH_K_ROLE_CREATE, false, parse_role_create },
	{ "role.allow", KITH_K_ROLE_ALLOW, false, parse_role_perms },
	{ "role.deny", KITH_K_ROLE_DENY, false, parse_role_perms },
	{ "role.delete", KITH_K_ROLE_DELETE, false, parse_role },
	{ "role.grant", KITH_K_ROLE_GRANT, false, parse_role_user },
	{ "role.revoke", KITH_K_ROLE_REVOKE, false, parse_role_user },
	{ "ban", KITH_K_BAN, false, parse_user },
	{ "unban", KITH_K_UNBAN, false, parse_user },
	{ "owner.add", KITH_K_OWNER_ADD, false, parse_user },
	{ "owner.resign", KITH_K_OWNER_RESIGN, false, parse_nothing },
	{ "set", KITH_K_SET, false, parse_set },
	{ "kick", KITH_K_KICK, true, parse_user },
	{ "mute", KITH_K_MUTE, true, parse_user },
	{ "unmute", KITH_K_UNMUTE, true, parse_user },
	{ "panel.set", KITH_K_PANEL_SET, true, parse_panel_set },
	{ "node.ban", KITH_K_NODE_BAN, true, parse_node },
	{ "node.unban", KITH_K_NODE_UNBAN, true, parse_node },
	{ "joins", KITH_K_SET, true, parse_joins },
	{ "admit", KITH_K_ADMIT, true, parse_user },
	{ "invite.revoke", KITH_K_INVITE_REVOKE, true, parse_invite },
};

static int
parse_event(struct parse *p)
{
	struct kith_jf_event *e = p->e;
	char number[32];
	const char *kind;
	json_t *via;
	size_t k;
	int r;

	(void)snprintf(number, sizeof(number), "number %zu", p->number + 1);
	if (!json_is_object(e->json))
		return kith_jf_mistake(p->d, "events", number, NULL, "must be an object");
	e->id = kith_jf_str(e->json, "events", number, "id", p->d);
	if (e->id == NULL)
		return KITH_E_MALFORMED;
	if (strcmp(e->id, "genesis") == 0)
		return wrong(p, "id", "genesis names the beginning");
	if (kith_map_get(p->f->by_id, kith_slice_str(e->id)) != NULL)
		return wrong(p, "id", "is given twice");
	r = kith_map_put(p->f->by_id, kith_slice_str(e->id), e, NULL);
	if (r == KITH_OK)
		r = take_str(p, "author", &e->author);
	if (r != KITH_OK)
		return r;
	via = json_object_get(e->json, "via");
	if (!json_is_string(via) && !json_is_null(via))
		return wrong(p, "via", via == NULL ? "is missing" : "must be the id of a role.create, or null");
	e->via = json_string_value(via);
	r = take_str(p, "kind", &kind);
	if (r != KITH_OK)
		return r;
	for (k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
		if (strcmp(kinds[k].name, kind) == 0 && (p->f->judge || !kinds[k].judge))
			break;
	if (k == sizeof(kinds) / sizeof(kinds[0]))
		return wrong(p, "kind", "is unknown");
	e->kind = kinds[k].kind;
	return kinds[k].parse(p);
}

static int
parse_parents(struct parse *p)
{
	struct kith_jf_event *e = p->e;
	json_t *list = json_object_get(e->json, "parents"), *v;
	const struct kith_jf_event *y;
	const char *id;
	size_t i, j, n;

	if (!json_is_array(list))
		return wrong(p, "parents", list == NULL ? "is missing" : "must be a list of ids");
	n = json_array_size(list);
	if (n == 0)
		return wrong(p, "parents", "must not be empty");
	if (n > KITH_PARENTS_MAX)
		return wrong(p, "parents", "are more than 16");
	e->parents = calloc(n, sizeof(*e->parents));
	if (e->parents == NULL)
		return KITH_E_NOMEM;
	json_array_foreach(list, i, v) {
		id = json_string_value(v);
		if (id == NULL)
			return wrong(p, "parents", "must be a list of ids");
		if (strcmp(id, "genesis") == 0) {
			if (n > 1)
				return wrong(p, "parents", "have genesis beside others");
			continue;
		}
		y = kith_jf_find(p->f, id);
		if (y == NULL)
			return wrong(p, "parents", "name an unknown event");
		for (j = 0; j < e->n_parents; j++)
			if (e->parents[j] == (size_t)(y - p->f->event))
				return wrong(p, "parents", "name an event twice");
		e->parents[e->n_parents++] = (size_t)(y - p->f->event);
	}
	return KITH_OK;
}

static int
parse_names(struct parse *p)
{
	const char *const id[] = { p->e->via, p->e->role };
	static const char *const field[] = { "via", "role" };
	const struct kith_jf_event *y;
	size_t i;

	for (i = 0; i < 2; i++) {
		y = id[i] == NULL ? NULL : kith_jf_find(p->f, id[i]);
		if (id[i] != NULL && (y == NULL || y->kind != KITH_K_ROLE_CREATE))
			return wrong(p, i == 1 && p->e->who != NULL ? "who" : field[i], "names no role.create");
	}
	return parse_parents(p);
}

/* ---- the whole ---- */

static int
load_owners(struct kith_jf *f, struct kith_diag *d)
{
	json_t *list = json_object_get(f->root, "owners"), *v;
	size_t i, j;

	if (!json_is_array(list))
		return kith_jf_mistake(d, NULL, NULL, "owners", list == NULL ? "is missing" : "must be a list of names");
	if (json_array_size(list) == 0)
		return kith_jf_mistake(d, NULL, NULL, "owners", "must name somebody");
	if (json_array_size(list) > KITH_LIST_MAX)
		return kith_jf_mistake(d, NULL, NULL, "owners", "are more than 50");
	f->owners = calloc(json_array_size(list), sizeof(*f->owners));
	if (f->owners == NULL)
		return KITH_E_NOMEM;
	json_array_foreach(list, i, v) {
		if (!json_is_string(v))
			return kith_jf_mistake(d, NULL, NULL, "owners", "must be a list of names");
		f->owners[i] = json_string_value(v);
		for (j = 0; j < i; j++)
			if (strcmp(f->owners[i], f->owners[j]) == 0)
				return kith_jf_mistake(d, NULL, NULL, "owners", "name somebody twice");
		f->n_owners++;
	}
	return KITH_OK;
}

static int
load_events(struct kith_jf *f, struct kith_diag *d)
{
	json_t *list = json_object_get(f->root, "events");
	struct parse p = { .f = f, .d = d };
	size_t i;
	int r = KITH_OK;

	if (!json_is_array(list))
		return kith_jf_mistake(d, NULL, NULL, "events", list == NULL ? "is missing" : "must be a list");
	f->n_events = json_array_size(list);
	f->event = calloc(f->n_events + 1, sizeof(*f->event));
	if (f->event == NULL)
		return KITH_E_NOMEM;
	for (i = 0; i < f->n_events && r == KITH_OK; i++) {
		p.number = i;
		p.e = &f->event[i];
		p.e->json = json_array_get(list, i);
		r = parse_event(&p);
	}
	for (i = 0; i < f->n_events && r == KITH_OK; i++) {
		p.e = &f->event[i];
		r = parse_names(&p);
	}
	if (r == KITH_OK)
		r = kith_jf_sort(f, d);
	return r;
}

static int
read_all(const char *path, struct kith_buf *text, struct kith_diag *d)
{
	FILE *in = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
	char piece[4096];
	size_t n;
	int r = KITH_OK;

	if (in != NULL) {
		while ((n = fread(piece, 1, sizeof(piece), in)) > 0)
			kith_buf_put(text, piece, n);
	}
	if (in == NULL || ferror(in)) {
		kith_diag_set(d, "cannot read %.256s: %s", path, strerror(errno));
		r = KITH_E_IO;
	}
	if (in != NULL && in != stdin)
		(void)fclose(in);
	return r != KITH_OK ? r : kith_buf_err(text);
}

/* Members that nobody reads may hold numbers of any width; *wide: all numbers are reals then. */
static json_t *
read_json(const char *path, bool *wide, struct kith_diag *d, int *r)
{
	struct kith_buf text;
	json_error_t e;
	json_t *root = NULL;

	kith_buf_init(&text, 0);
	*r = read_all(path, &text, d);
	if (*r != KITH_OK)
		goto out;
	*r = KITH_E_NOMEM;
	root = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, &e);
	*wide = root == NULL && json_error_code(&e) == json_error_numeric_overflow;
	if (*wide)
		root = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, &e);
	if (root == NULL) {
		*r = KITH_E_MALFORMED;
		kith_diag_set(d, "not JSON: line %d: %.160s", e.line, e.text);
		/* the parser's words may quote the file */
		for (char *c = d == NULL ? NULL : d->text; c != NULL && *c != '\0'; c++)
			if ((unsigned char)*c < ' ')
				*c = ' ';
	} else if (!json_is_object(root)) {
		*r = kith_jf_mistake(d, NULL, NULL, NULL, "FILE must hold one JSON object");
		json_decref(root);
		root = NULL;
	}
out:
	kith_buf_fini(&text);
	return root;
}

int
kith_jf_load(const char *path, bool judge, struct kith_jf **out, struct kith_diag *d)
{
	struct kith_jf *f = calloc(1, sizeof(*f));
	int r;

	if (f == NULL)
		return KITH_E_NOMEM;
	f->judge = judge;
	f->by_id = kith_map_new();
	f->persons = kith_map_new();
	f->nodes = kith_map_new();
	f->panels = kith_map_new();
	r = KITH_E_NOMEM;
	if (f->by_id == NULL || f->persons == NULL || f->nodes == NULL || f->panels == NULL)
		goto out;
	f->root = read_json(path, &f->wide, d, &r);
	if (f->root == NULL)
		goto out;
	r = load_owners(f, d);
	if (r == KITH_OK)
		r = load_events(f, d);
out:
	if (r == KITH_OK)
		*out = f;
	else
		kith_jf_free(f);
	return r;
}

const struct kith_jf_event *
kith_jf_find(const struct kith_jf *f, const char *id)
{
	return kith_map_get(f->by_id, kith_slice_str(id));
}

static void
free_event(struct kith_jf_event *e)
{
	free(e->perms);
	free(e->may);
	free(e->parents);
	kith_buf_fini(&e->header);
}

static void
free_person(void *v)
{
	struct kith_jf_person *p = v;

	kith_signer_free(p->account);
	kith_signer_free(p->recovery);
	kith_buf_fini(&p->raw);
	free(p->name);
	free(p);
}

static void
free_node(void *v)
{
	struct kith_jf_node *n = v;

	kith_signer_free(n->root);
	kith_signer_free(n->sign);
	kith_buf_fini(&n->raw);
	free(n->name);
	free(n);
}

void
kith_jf_free(struct kith_jf *f)
{
	size_t i;

	if (f == NULL)
		return;
	for (i = 0; f->event != NULL && i < f->n_events; i++)
		free_event(&f->event[i]);
	for (i = 0; f->before != NULL && i < f->n_events; i++)
		free(f->before[i]);
	for (i = 0; i < f->n_setup; i++)
		free_event(&f->setup[i]);
	free_event(&f->create);
	for (i = 0; i < f->objects.n; i++)
		kith_buf_fini(&f->objects.v[i].raw);
	kith_vec_fini(&f->objects);
	kith_vec_fini(&f->carriers);
	kith_map_free(f->persons, free_person);
	kith_map_free(f->nodes, free_node);
	kith_map_free(f->panels, NULL);
	kith_map_free(f->by_id, NULL);
	free(f->setup);
	free(f->order);
	free(f->before);
	free(f->event);
	free(f->owners);
	json_decref(f->root);
	free(f);
}
