#include "cli/meaning.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/text.h"

void
cli_means(struct cli_meanings *m, const char *id, const char *second, const char *fmt, ...)
{
	struct cli_meaning *grown, *x;
	va_list ap;

	for (size_t i = 0; i < m->n; i++) {
		if (strcmp(m->v[i].id, id) == 0 && strcmp(m->v[i].second, second) == 0)
			return;
	}
	if (strlen(id) >= KITH_ID_STR || strlen(second) >= KITH_ID_STR)
		return;
	if (m->n == m->cap) {
		grown = realloc(m->v, (m->cap * 2 + 8) * sizeof(*grown));
		if (grown == NULL) {
			m->failed = true;
			return;
		}
		m->v = grown;
		m->cap = m->cap * 2 + 8;
	}
	x = &m->v[m->n++];
	snprintf(x->id, sizeof(x->id), "%s", id);
	snprintf(x->second, sizeof(x->second), "%s", second);
	va_start(ap, fmt);
	vsnprintf(x->text, sizeof(x->text), fmt, ap);
	va_end(ap);
}

int
cli_settle(struct cli_meanings *m, const char *what, const char *text, const char *hint, char id[KITH_ID_STR],
    char second[KITH_ID_STR])
{
	int r = CLI_OK;

	if (m->failed) {
		r = cli_nomem();
	} else if (m->n == 1) {
		memcpy(id, m->v[0].id, KITH_ID_STR);
		if (second != NULL)
			memcpy(second, m->v[0].second, KITH_ID_STR);
	} else if (m->n == 0) {
		r = cli_fail(CLI_FAILED, "there is no %s \"%s\"%s%s", what, text, hint[0] != '\0' ? ": " : "",
		    hint);
	} else {
		r = cli_fail(CLI_FAILED, "\"%s\" means more than one %s; say which by its id:", text, what);
		for (size_t i = 0; i < m->n && i < 50; i++)
			cli_note("  %.12s  %s", m->v[i].second[0] != '\0' ? m->v[i].second : m->v[i].id,
			    m->v[i].text);
	}
	free(m->v);
	return r;
}

bool
cli_is_id(const char *id, const char *text)
{
	return cli_is_idlike(text) && cli_begins(id, text);
}

bool
cli_fits(const char *name, const char *id, const char *text, int tier)
{
	if (tier == CLI_EXACT)
		return strcmp(name, text) == 0 || cli_is_id(id, text);
	return cli_same_nocase(name, text);
}
