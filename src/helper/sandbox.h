#ifndef KITH_HELPER_SANDBOX_H
#define KITH_HELPER_SANDBOX_H

#include <stdbool.h>

#include "base/error.h"

/*
 * How a helper shuts itself in, before it reads a byte. What is given up does
 * not come back: not for the process, not for what might take it over.
 */
struct kith_sandbox {
	unsigned cpu_s;                 /* of processor time */
	unsigned memory_mib;            /* of address space */
	bool network;                   /* may open sockets, resolve names, and read what that needs */
};

/* IO: this system cannot do it; the process had better end. d: in words. */
KITH_MUST_USE int kith_sandbox_enter(const struct kith_sandbox *s, struct kith_diag *d);

#endif
