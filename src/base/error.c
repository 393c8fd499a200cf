#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

const char *
kith_err_name(int err)
{
	switch (err) {
	case KITH_OK: return "ok";
	case KITH_E_MALFORMED: return "malformed";
	case KITH_E_BADSIG: return "badsig";
	case KITH_E_DENIED: return "denied";
	case KITH_E_LIMIT: return "limit";
	case KITH_E_MISSING: return "missing";
	case KITH_E_EXISTS: return "exists";
	case KITH_E_NOTFOUND: return "notfound";
	case KITH_E_EARLY: return "early";
	case KITH_E_NOMEM: return "nomem";
	case KITH_E_BUSY: return "busy";
	case KITH_E_FULL: return "full";
	case KITH_E_IO: return "io";
	case KITH_E_CORRUPT: return "corrupt";
	default: return "unknown";
	}
}

void
kith_assert_failed(const char *expr, const char *file, int line)
{
	fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, expr);
	abort();
}

void
kith_diag_set(struct kith_diag *d, const char *fmt, ...)
{
	va_list ap;

	if (d == NULL)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(d->text, sizeof(d->text), fmt, ap);
	va_end(ap);
}
