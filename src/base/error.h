#ifndef KITH_BASE_ERROR_H
#define KITH_BASE_ERROR_H

/*
 * A code tells the caller what to do next. Results leave through pointers,
 * untouched on failure.
 */
enum kith_error {
	KITH_OK = 0,
	/* the sender's fault: drop it, count it */
	KITH_E_MALFORMED = -1,  /* bytes that no correct program writes */
	KITH_E_BADSIG = -2,     /* a signature, MAC or hash does not match */
	KITH_E_DENIED = -3,     /* understood, and not allowed */
	KITH_E_LIMIT = -4,      /* more than the limit for this input */
	/* nobody's fault */
	KITH_E_MISSING = -5,    /* names something we do not hold: park it, ask */
	KITH_E_EXISTS = -6,     /* already there */
	KITH_E_NOTFOUND = -7,   /* there is no such thing */
	KITH_E_EARLY = -8,      /* its clock is ahead of ours: it waits until due */
	/* ours, passing: try later */
	KITH_E_NOMEM = -9,
	KITH_E_BUSY = -10,
	KITH_E_FULL = -11,      /* no space: read-only until there is */
	/* ours, last: stop writing and tell the operator */
	KITH_E_IO = -12,
	KITH_E_CORRUPT = -13,
};

/* A short lower-case name such as "malformed"; never NULL. Static. */
const char *kith_err_name(int err);

#if defined(__GNUC__)
#define KITH_MUST_USE __attribute__((warn_unused_result))
#define KITH_PRINTF(a, b) __attribute__((format(printf, a, b)))
#else
#define KITH_MUST_USE
#define KITH_PRINTF(a, b)
#endif

/* For our own mistakes only; stays on in releases; no input can reach one. */
void kith_assert_failed(const char *expr, const char *file, int line) __attribute__((noreturn));
#define kith_assert(e) ((e) ? (void)0 : kith_assert_failed(#e, __FILE__, __LINE__))

/* What code that speaks to people fills in: one plain sentence, and where. */
struct kith_diag {
	char file[256];
	int line;               /* 0: not about a line */
	char text[512];
};
void kith_diag_set(struct kith_diag *d, const char *fmt, ...) KITH_PRINTF(2, 3);   /* d may be NULL */

#endif
