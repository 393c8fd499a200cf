#ifndef KITH_TESTS_UNIT_FAIL_ALLOC_H
#define KITH_TESTS_UNIT_FAIL_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Makes an allocation fail. Tests that use it are linked with
 * $(FAIL_ALLOC_LDFLAGS); what libraries allocate for themselves is not counted.
 *
 *	for (n = 1; ; n++) {
 *		kith_test_fail_alloc(n);
 *		r = what_is_tested();
 *		if (!kith_test_alloc_failed())
 *			break;                  it went through: r must be fine
 *		assert_int_equal(r, KITH_E_NOMEM);
 *	}
 */
void kith_test_fail_alloc(size_t n);    /* the n-th from now (1: the next) returns NULL, only that one; 0: none does */
bool kith_test_alloc_failed(void);      /* has it? Also ends it. */

#endif
