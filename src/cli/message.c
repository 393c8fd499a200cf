#include "cli/message.h"

#include <stdlib.h>
#include <string.h>

#include "cli/names.h"
#include "cli/text.h"

#define INDENT 4

/* ---- for programs ---- */

static int
by_emoji(const void *a, const void *b)
{
	const json_t *const *x = a, *const *y = b;

	return strcmp(json_string_value(json_array_get(*x, 0)), json_string_value(json_array_get(*y, 0)));
}

/* [[emoji, how many]], in order, so that two nodes print the same. */
static json_t *
reactions(const json_t *list)
{
	size_t n = json_array_size(list), i;
	const json_t **v = calloc(n + 1, sizeof(*v));
	json_t *out = json_array(), *one;

	if (v == NULL) {
		json_decref(out);
		return NULL;
	}
	n = 0;
	json_array_foreach((json_t *)(uintptr_t)list, i, one) {
		if (json_is_string(json_array_get(one, 0)))
			v[n++] = one;
	}
	qsort(v, n, sizeof(*v), by_emoji);
	for (i = 0; i < n; i++)
		json_array_append_new(out, json_pack("[O, O]", json_array_get(v[i], 0), json_array_get(v[i], 1)));
	free(v);
	return out;
}

static int
put_object(const char *event, const char *group, const char *panel, const json_t *m)
{
	/* what is left out: `order`, which is for the node, and whose reactions are one's own */
	static const char *const keys[] = { "id", "author", "uid", "text", "clock", "node", "node_name", "seq",
	    "edited", "late", "state", "reply", "pinned" };
	json_auto_t *o = json_object();

	if (event != NULL)
		json_object_set_new(o, "event", json_string(event));
	json_object_set_new(o, "group", json_string(group));
	json_object_set_new(o, "panel", json_string(panel));
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		json_t *v = json_object_get(m, keys[i]);

		if (v != NULL)
			json_object_set(o, keys[i], v);
	}
	json_object_set_new(o, "reactions", reactions(cli_get(m, "reactions")));
	return cli_put_json(o);
}

/* ---- for people ---- */

static const char *
colour_of(const char *uid)
{
	static const char *const colours[] = { "\033[36m", "\033[32m", "\033[33m", "\033[35m", "\033[34m",
	    "\033[96m", "\033[92m", "\033[95m" };
	unsigned h = 0;

	for (; *uid != '\0'; uid++)
		h = h * 31 + (unsigned char)*uid;
	return colours[h % (sizeof(colours) / sizeof(colours[0]))];
}

static void
put_marks(struct kith_buf *b, const json_t *m)
{
	const char *state = cli_str(m, "state");
	json_t *one;
	size_t i;

	if (cli_is(m, "edited"))
		kith_buf_put_str(b, " [edited]");
	if (cli_is(m, "late"))
		kith_buf_put_str(b, " [late]");
	if (cli_is(m, "pinned"))
		kith_buf_put_str(b, " [pinned]");
	if (state[0] != '\0' && strcmp(state, "visible") != 0) {
		kith_buf_put_str(b, " [");
		cli_clean(b, kith_slice_str(state), 0);
		kith_buf_put_str(b, "]");
	}
	json_array_foreach(cli_get(m, "reactions"), i, one) {
		const char *emoji = json_string_value(json_array_get(one, 0));

		kith_buf_put_str(b, " (");
		cli_clean(b, kith_slice_str(emoji != NULL ? emoji : ""), 0);
		kith_buf_printf(b, " %lld)", (long long)json_integer_value(json_array_get(one, 1)));
	}
}

int
cli_put_message(struct cli *c, const char *place, const char *event, const char *group, const char *panel,
    const json_t *m)
{
	const char *dim = c->colour ? "\033[2m" : "", *end = c->colour ? "\033[0m" : "";
	char when[CLI_WHEN], id[CLI_SHORT], handle[600], reply[CLI_SHORT];
	struct kith_buf b;
	int r;

	if (c->opt[OPT_JSON] != NULL)
		return put_object(event, group, panel, m);
	cli_handle(c, m, "author", handle, sizeof(handle));
	kith_buf_init(&b, 0);
	kith_buf_printf(&b, "%s%s ", dim, cli_int(m, "clock") > 0 ? cli_when(cli_int(m, "clock"), when) :
	    "-------------------");
	cli_clean(&b, kith_slice_str(cli_short(cli_str(m, "id"), id)), 0);
	kith_buf_printf(&b, "%s ", end);
	if (place != NULL) {
		cli_clean(&b, kith_slice_str(place), 0);
		kith_buf_put_str(&b, " ");
	}
	kith_buf_put_str(&b, c->colour ? colour_of(cli_str(m, "uid")) : "");
	cli_clean(&b, kith_slice_str(handle), 0);
	kith_buf_printf(&b, "%s ", end);
	if (cli_str(m, "reply")[0] != '\0') {
		kith_buf_printf(&b, " %s(to ", dim);
		cli_clean(&b, kith_slice_str(cli_short(cli_str(m, "reply"), reply)), 0);
		kith_buf_printf(&b, ")%s", end);
	}
	if (cli_str(m, "text")[0] != '\0') {
		kith_buf_put_str(&b, " ");
		cli_clean(&b, kith_slice_str(cli_str(m, "text")), INDENT);
	}
	kith_buf_put_str(&b, dim);
	put_marks(&b, m);
	kith_buf_put_str(&b, end);
	r = kith_buf_err(&b);
	if (r == KITH_OK)
		printf("%.*s\n", (int)b.n, (const char *)b.p);
	kith_buf_fini(&b);
	return r == KITH_OK ? CLI_OK : cli_nomem();
}
