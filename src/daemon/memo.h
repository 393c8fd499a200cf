#ifndef KITH_DAEMON_MEMO_H
#define KITH_DAEMON_MEMO_H

#include "base/env.h"

/*
 * The env of a real node: dice from the kernel, the log, and a verify that
 * remembers signatures which were good. A signature is known by a keyed hash of
 * everything that went into it, so nobody can have one stand for another. Any
 * thread.
 */
struct kith_memo;

struct kith_memo *kith_memo_new(void);                          /* NULL: out of memory */
void kith_memo_free(struct kith_memo *m);                       /* NULL is fine */
/* Fills env; m must outlive it. */
void kith_memo_env(struct kith_memo *m, struct kith_env *env);
void kith_memo_counters(struct kith_memo *m, uint64_t *checked, uint64_t *known);

#endif
