#ifndef KITH_TESTS_UNIT_WIRE_MP_ORACLE_H
#define KITH_TESTS_UNIT_WIRE_MP_ORACLE_H

#include "base/slice.h"

/*
 * What kith_mp_check accepts has one reading and one writing: msgpack-c decodes
 * it whole, and our readers and writers together give back its very bytes. NULL,
 * or a sentence on how it went wrong. Bytes that the check refuses are fine.
 */
const char *kith_test_mp_oracle(struct kith_slice in, bool *accepted);

#endif
