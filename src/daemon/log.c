#include "daemon/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WINDOW_MS 10000
#define PER_WINDOW 20
#define LINE_BYTES 1024

static atomic_int least_level = KITH_LOG_INFO;
static atomic_bool in_journal;

void
kith_log_init(void)
{
	atomic_store(&in_journal, getenv("JOURNAL_STREAM") != NULL);
}

void
kith_log_level_set(enum kith_log_level least)
{
	atomic_store(&least_level, (int)least);
}

static uint64_t
mono_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* May this cause speak once more? *dropped: how often it could not since it last did. */
static bool
admit(struct kith_log_cause *c, unsigned *dropped)
{
	uint64_t now = mono_ms(), since = atomic_load(&c->since_ms);

	*dropped = 0;
	if (since == 0 || now - since >= WINDOW_MS) {
		if (atomic_compare_exchange_strong(&c->since_ms, &since, now)) {
			atomic_store(&c->written, 0);
			*dropped = atomic_exchange(&c->dropped, 0);
		}
	}
	if (atomic_fetch_add(&c->written, 1) < PER_WINDOW)
		return true;
	atomic_fetch_add(&c->dropped, 1);
	return false;
}

/* How many bytes of s are one character that may be shown; 0: none. */
static size_t
shown(struct kith_slice s)
{
	size_t n = s.p[0] < 0x80 ? 1 : s.p[0] >= 0xf0 ? 4 : s.p[0] >= 0xe0 ? 3 : 2;

	if (s.p[0] < 0x20 || s.p[0] == 0x7f || n > s.n || !kith_utf8_ok(kith_slice_of(s.p, n)))
		return 0;
	/* C1 controls; marks that turn or hide text */
	if (n == 2 && s.p[0] == 0xc2 && s.p[1] < 0xa0)
		return 0;
	if (n == 3 && s.p[0] == 0xe2 && ((s.p[1] == 0x80 && s.p[2] >= 0x8b && s.p[2] <= 0xae) || (s.p[1] == 0x81 && s.p[2] >= 0xa0)))
		return 0;
	return n;
}

static size_t
escape(struct kith_slice s, char *out, size_t cap)
{
	size_t n = 0;

	while (s.n > 0) {
		size_t k = shown(s), room = k > 0 ? k : 4;

		if (n + room + 4 > cap) {
			memcpy(out + n, "...", 3);
			n += 3;
			break;
		}
		if (k > 0)
			memcpy(out + n, s.p, k);
		else
			snprintf(out + n, 5, "\\x%02x", s.p[0]);
		n += room;
		s = kith_slice_from(s, k > 0 ? k : 1);
	}
	out[n] = '\0';
	return n;
}

const char *
kith_quote(struct kith_quoted *q, struct kith_slice s)
{
	size_t n;

	q->s[0] = '"';
	n = escape(s, q->s + 1, 256);
	q->s[n + 1] = '"';
	q->s[n + 2] = '\0';
	return q->s;
}

static void
emit(enum kith_log_level level, const char *area, const char *text, unsigned dropped)
{
	static const char *const names[] = { "debug", "info", "warn", "error" };
	static const int priority[] = { 7, 6, 4, 3 };
	char line[LINE_BYTES + 160], safe[LINE_BYTES], more[48] = "";
	struct timespec ts;
	struct tm tm;
	int n;

	escape(kith_slice_str(text), safe, sizeof(safe));
	if (dropped > 0)
		snprintf(more, sizeof(more), " (and %u more like it)", dropped);
	if (atomic_load(&in_journal)) {
		n = snprintf(line, sizeof(line), "<%d>%s: %s%s\n", priority[level], area, safe, more);
	} else {
		clock_gettime(CLOCK_REALTIME, &ts);
		gmtime_r(&ts.tv_sec, &tm);
		n = snprintf(line, sizeof(line), "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ %-5s %s: %s%s\n", tm.tm_year + 1900, tm.tm_mon + 1,
		    tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, ts.tv_nsec / 1000000, names[level], area, safe, more);
	}
	/* one write, so that lines of several threads do not mix */
	if (n > 0 && write(STDERR_FILENO, line, (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1) < 0)
		return;
}

void
kith_log_write(struct kith_log_cause *cause, enum kith_log_level level, const char *area, const char *fmt, ...)
{
	char text[LINE_BYTES];
	unsigned dropped;
	va_list ap;

	if ((int)level < atomic_load(&least_level) || !admit(cause, &dropped))
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	emit(level, area, text, dropped);
}

void
kith_log_env(void *ctx, int level, const char *area, const char *text)
{
	static struct kith_log_cause causes[16];
	unsigned h = 0, dropped;

	(void)ctx;
	if (level < KITH_LOG_DEBUG || level > KITH_LOG_ERROR || level < atomic_load(&least_level))
		return;
	for (const char *p = area; *p != '\0'; p++)
		h = h * 31 + (unsigned char)*p;
	h = h * 4 + (unsigned)level;
	if (admit(&causes[h % 16], &dropped))
		emit((enum kith_log_level)level, area, text, dropped);
}
