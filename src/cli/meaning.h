#ifndef KITH_CLI_MEANING_H
#define KITH_CLI_MEANING_H

#include "cli/cli.h"

/* What a text may mean: ids, each with a line for people; some are of two, a group and what lies in it. */
struct cli_meaning {
	char id[KITH_ID_STR], second[KITH_ID_STR], text[600];
};
struct cli_meanings {
	struct cli_meaning *v;
	size_t n, cap;
	bool failed;                    /* out of memory */
};

/* One more, unless it is there already. second: "" when there is none. */
void cli_means(struct cli_meanings *m, const char *id, const char *second, const char *fmt, ...) KITH_PRINTF(4, 5);
/*
 * The one meaning, copied; second may be NULL. None, or several: FAILED, and
 * people are told, with hint for what to do when there is none. Frees m.
 */
int cli_settle(struct cli_meanings *m, const char *what, const char *text, const char *hint, char id[KITH_ID_STR],
    char second[KITH_ID_STR]);

/* Names are compared as they are first, then without case; ids by their beginnings, with the first. */
enum { CLI_EXACT, CLI_FOLDED, CLI_TIERS };
bool cli_is_id(const char *id, const char *text);
bool cli_fits(const char *name, const char *id, const char *text, int tier);

#endif
