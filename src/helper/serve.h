#ifndef KITH_HELPER_SERVE_H
#define KITH_HELPER_SERVE_H

#include "base/buf.h"
#include "helper/sandbox.h"

/*
 * A helper's main(): shuts itself in, reads its job to the end (at most in_max
 * bytes), does it, writes what it has to say, ends.
 */
void kith_serve(const char *name, const struct kith_sandbox *box, size_t in_max, void (*work)(struct kith_slice job, struct kith_buf *answer))
    __attribute__((noreturn));

#endif
