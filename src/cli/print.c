#include "cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/text.h"

/* ---- to people, on standard error ---- */

static void say(const char *before, const char *fmt, va_list ap) KITH_PRINTF(2, 0);

static void
say(const char *before, const char *fmt, va_list ap)
{
	char text[4096];
	struct kith_buf b;

	vsnprintf(text, sizeof(text), fmt, ap);
	kith_buf_init(&b, 0);
	/* lines of a list begin with two spaces, so a break that a stranger wrote is seen */
	cli_clean(&b, kith_slice_str(text), 2);
	fflush(stdout);
	if (kith_buf_err(&b) == KITH_OK)
		fprintf(stderr, "%s%.*s\n", before, (int)b.n, (const char *)b.p);
	kith_buf_fini(&b);
}

int
cli_fail(int status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say("kith: ", fmt, ap);
	va_end(ap);
	return status;
}

int
cli_nomem(void)
{
	fputs("kith: out of memory\n", stderr);
	return CLI_FAILED;
}

void
cli_note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say("", fmt, ap);
	va_end(ap);
}

/* ---- results, on standard output ---- */

int
cli_flush(void)
{
	if (fflush(stdout) == 0 && ferror(stdout) == 0)
		return CLI_OK;
	if (errno == EPIPE)
		return CLI_FAILED;      /* whoever read it has had enough */
	return cli_fail(CLI_FAILED, "cannot write the output: %s", strerror(errno));
}

void
cli_put_line(const char *text)
{
	struct kith_buf b;

	kith_buf_init(&b, 0);
	cli_clean(&b, kith_slice_str(text), 0);
	if (kith_buf_err(&b) == KITH_OK)
		printf("%.*s\n", (int)b.n, (const char *)b.p);
	kith_buf_fini(&b);
}

int
cli_put_json(const json_t *v)
{
	char *text = json_dumps(v, JSON_COMPACT);
	struct kith_buf b;
	int r;

	if (text == NULL)
		return cli_nomem();
	kith_buf_init(&b, 0);
	cli_clean_json(&b, kith_slice_str(text));
	r = kith_buf_err(&b);
	if (r == KITH_OK)
		printf("%.*s\n", (int)b.n, (const char *)b.p);
	kith_buf_fini(&b);
	free(text);
	return r == KITH_OK ? CLI_OK : cli_nomem();
}

int
cli_put_result(struct cli *c, const json_t *v, const char *key)
{
	if (c->opt[OPT_JSON] != NULL)
		return cli_put_json(v);
	cli_put_line(cli_str(v, key));
	return CLI_OK;
}

/* ---- tables ---- */

struct cli_table {
	size_t n_columns, n, cap;
	char **cell;            /* n rows of n_columns, clean */
	bool failed;
};

struct cli_table *
cli_table_new(size_t n_columns)
{
	struct cli_table *t = calloc(1, sizeof(*t));

	if (t != NULL)
		t->n_columns = n_columns;
	return t;
}

void
cli_table_row(struct cli_table *t, const char *const *cells)
{
	struct kith_buf b;
	char **grown;
	size_t len;

	if (t == NULL || t->failed)
		return;
	if (t->n + t->n_columns > t->cap) {
		t->cap = t->cap > 0 ? t->cap * 2 : t->n_columns * 32;
		grown = realloc(t->cell, t->cap * sizeof(*grown));
		if (grown == NULL) {
			t->failed = true;
			return;
		}
		t->cell = grown;
	}
	for (size_t i = 0; i < t->n_columns; i++) {
		kith_buf_init(&b, 0);
		cli_clean(&b, kith_slice_str(cells[i] != NULL ? cells[i] : ""), 0);
		t->cell[t->n] = (char *)kith_buf_take(&b, &len);
		if (t->cell[t->n] == NULL) {
			kith_buf_fini(&b);
			t->failed = true;
			return;
		}
		t->n++;
	}
}

static void
put_rows(const struct cli_table *t)
{
	unsigned width[16] = { 0 };

	for (size_t i = 0; i < t->n; i++) {
		unsigned w = cli_width(kith_slice_str(t->cell[i]));

		if (w > width[i % t->n_columns])
			width[i % t->n_columns] = w < 40 ? w : 40;
	}
	for (size_t i = 0; i < t->n; i++) {
		size_t column = i % t->n_columns, last = column;
		unsigned w = cli_width(kith_slice_str(t->cell[i]));

		/* nothing but blanks to the right: end here */
		for (size_t k = column + 1; k < t->n_columns; k++) {
			if (t->cell[i - column + k][0] != '\0')
				last = k;
		}
		fputs(t->cell[i], stdout);
		if (last == column) {
			fputs("\n", stdout);
			i += t->n_columns - 1 - column;
			continue;
		}
		printf("%*s", (int)(w < width[column] ? width[column] - w : 0) + 2, "");
	}
}

int
cli_table_put(struct cli_table *t)
{
	bool failed = t == NULL || t->failed;

	if (!failed)
		put_rows(t);
	for (size_t i = 0; t != NULL && i < t->n; i++)
		free(t->cell[i]);
	if (t != NULL)
		free(t->cell);
	free(t);
	return failed ? cli_nomem() : CLI_OK;
}

/* ---- small things ---- */

const char *
cli_short(const char *id, char out[CLI_SHORT])
{
	snprintf(out, CLI_SHORT, "%.8s", id);
	return out;
}

const char *
cli_when(json_int_t ms, char out[CLI_WHEN])
{
	time_t s = (time_t)(ms / 1000);
	struct tm tm;

	if (ms <= 0 || localtime_r(&s, &tm) == NULL || strftime(out, CLI_WHEN, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		snprintf(out, CLI_WHEN, "never");
	return out;
}

const char *
cli_str(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "";
}

json_int_t
cli_int(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

bool
cli_is(const json_t *o, const char *key)
{
	return json_is_true(json_object_get(o, key));
}

json_t *
cli_get(const json_t *o, const char *key)
{
	json_t *v = json_object_get(o, key);

	return json_is_array(v) ? v : NULL;
}
