#ifndef KITH_CLI_TEXT_H
#define KITH_CLI_TEXT_H

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

/*
 * Words as kith reads and shows them. What strangers wrote may hold control
 * characters, escape sequences and marks that turn the direction of writing;
 * nothing of it reaches a terminal as it came.
 */

/* A control, bidi, invisible or line-breaking character that could make a line look like another. */
bool cli_is_unsafe(uint32_t c);
/* The character at the front of s (s.n > 0) and its length; broken UTF-8 is U+FFFD, one byte. */
uint32_t cli_char(struct kith_slice s, size_t *len);

/*
 * Appends text made safe: each bad character becomes U+FFFD. Line breaks become
 * spaces, or, with an indent, stay and are followed by so many spaces, so that
 * no message can forge the beginning of a line.
 */
void cli_clean(struct kith_buf *out, struct kith_slice text, unsigned indent);
/* Appends JSON with each bad character in it as \uXXXX: the same value, safe to show. */
void cli_clean_json(struct kith_buf *out, struct kith_slice json);

unsigned cli_width(struct kith_slice text);     /* columns on a terminal; of clean text */

/* "90s", "10m", "2h", "7d", "1w" or several of them in one; milliseconds. MALFORMED, LIMIT. */
KITH_MUST_USE int cli_duration(const char *s, uint64_t *ms);
/* Decimal digits alone, at most max. MALFORMED. */
KITH_MUST_USE int cli_number(const char *s, uint64_t max, uint64_t *out);

unsigned cli_distance(const char *a, const char *b);    /* letters to change, add, drop or swap; words of up to 31 */

/* Could this be an id or the beginning of one: 6 to 52 of a-z2-7? */
bool cli_is_idlike(const char *s);
bool cli_begins(const char *s, const char *prefix);
bool cli_same_nocase(const char *a, const char *b);     /* without the case of A to Z */

#endif
