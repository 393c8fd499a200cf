#ifndef KITH_TESTS_UNIT_TEST_H
#define KITH_TESTS_UNIT_TEST_H

/* cmocka, in the order in which it wants its headers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/slice.h"

/* A slice of what a string literal holds, zeros inside it included. */
#define LIT(s) kith_slice_of((s), sizeof(s) - 1)
#define assert_ok(r) assert_int_equal((r), KITH_OK)
#define assert_slice_equal(s, p_, n_) \
	do { \
		struct kith_slice s_ = (s); \
		assert_int_equal(s_.n, (n_)); \
		if (s_.n > 0) \
			assert_memory_equal(s_.p, (p_), (n_)); \
	} while (0)

#endif
