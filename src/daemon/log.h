#ifndef KITH_DAEMON_LOG_H
#define KITH_DAEMON_LOG_H

#include <stdatomic.h>

#include "base/error.h"
#include "base/slice.h"

/*
 * The log: lines on standard error. What comes from strangers is quoted and cut;
 * message text, tokens and keys never get here. Repeats of one cause are
 * counted instead of written. Any thread.
 */
enum kith_log_level { KITH_LOG_DEBUG, KITH_LOG_INFO, KITH_LOG_WARN, KITH_LOG_ERROR };

/* One place in the code that logs. */
struct kith_log_cause {
	atomic_uint_fast64_t since_ms;
	atomic_uint written, dropped;
};

#define KITH_LOG(level, area, ...) do { \
	static struct kith_log_cause cause_; \
	kith_log_write(&cause_, KITH_LOG_##level, area, __VA_ARGS__); \
} while (0)

void kith_log_init(void);
void kith_log_level_set(enum kith_log_level least);
void kith_log_write(struct kith_log_cause *cause, enum kith_log_level level, const char *area, const char *fmt, ...) KITH_PRINTF(4, 5);
/* For struct kith_env: the core's words, limited by area. */
void kith_log_env(void *ctx, int level, const char *area, const char *text);

/* A stranger's text made harmless: control characters and broken UTF-8 escaped, at most 256 bytes, in quotes. */
struct kith_quoted {
	char s[272];
};
const char *kith_quote(struct kith_quoted *q, struct kith_slice s);

#endif
