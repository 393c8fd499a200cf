#ifndef KITH_TESTS_SIM_MEMO_H
#define KITH_TESTS_SIM_MEMO_H

#include "base/slice.h"

/*
 * What a signature check said, by everything that went into it: all nodes of a
 * world check the same signatures.
 */
struct memo;
struct memo *memo_new(unsigned bits);
void memo_free(struct memo *m);
int memo_verify(struct memo *m, const uint8_t pk[32], int label, struct kith_slice msg, const uint8_t sig[64]);

#endif
