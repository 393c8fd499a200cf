#include "base/arena.h"

#include <stdalign.h>

#include "tests/unit/fail_alloc.h"
#include "tests/unit/test.h"

static void
what_an_arena_gives_is_zeroed_aligned_and_apart(void **state)
{
	struct kith_arena *a = kith_arena_new(1 << 20);
	uint8_t *p[300];
	size_t i, j, round;

	(void)state;
	assert_non_null(a);
	for (round = 0; round < 2; round++) {
		for (i = 0; i < 300; i++) {
			p[i] = kith_arena_alloc(a, i * 7);
			assert_non_null(p[i]);
			assert_int_equal((uintptr_t)p[i] % alignof(max_align_t), 0);
			for (j = 0; j < i * 7; j++)
				assert_int_equal(p[i][j], 0);
			memset(p[i], (int)(i & 0xff), i * 7);
		}
		for (i = 0; i < 300; i++)
			for (j = 0; j < i * 7; j++)
				assert_int_equal(p[i][j], i & 0xff);
		kith_arena_reset(a);
	}
	kith_arena_free(a);
	kith_arena_free(NULL);
}

static void
the_ceiling_holds_to_the_byte(void **state)
{
	struct kith_arena *a = kith_arena_new(100000);

	(void)state;
	assert_null(kith_arena_alloc(a, 100001));
	assert_non_null(kith_arena_alloc(a, 100000));
	assert_null(kith_arena_alloc(a, 1));
	kith_arena_reset(a);
	assert_non_null(kith_arena_alloc(a, 99984));
	assert_non_null(kith_arena_alloc(a, 16));
	assert_null(kith_arena_alloc(a, 0));
	assert_null(kith_arena_alloc(a, SIZE_MAX));
	kith_arena_free(a);
	a = kith_arena_new(0);
	assert_null(kith_arena_alloc(a, 1));
	kith_arena_free(a);
}

static void
a_large_thing_does_not_waste_the_room_before_it(void **state)
{
	struct kith_arena *a = kith_arena_new(1 << 20);
	uint8_t *p, *q;

	(void)state;
	p = kith_arena_alloc(a, 16);
	assert_non_null(kith_arena_alloc(a, 70000));
	q = kith_arena_alloc(a, 16);
	assert_ptr_equal(q, p + 16);
	kith_arena_free(a);
}

static void
arrays_strings_and_copies_keep_what_they_are_given(void **state)
{
	struct kith_arena *a = kith_arena_new(4096);
	struct kith_slice s;

	(void)state;
	assert_null(kith_arena_array(a, SIZE_MAX / 2, 3));
	assert_non_null(kith_arena_array(a, 3, 8));
	assert_non_null(kith_arena_array(a, 0, 8));
	assert_string_equal(kith_arena_str(a, LIT("word")), "word");
	assert_string_equal(kith_arena_str(a, kith_slice_of(NULL, 0)), "");
	assert_null(kith_arena_str(a, kith_slice_of("", SIZE_MAX)));
	s = kith_arena_copy(a, LIT("bytes\0more"));
	assert_slice_equal(s, "bytes\0more", 10);
	assert_int_equal(kith_arena_copy(a, kith_slice_of(NULL, 0)).n, 0);
	s = kith_arena_copy(a, kith_slice_of("", 5000));
	assert_null(s.p);
	assert_int_equal(s.n, 5000);
	kith_arena_free(a);
}

static void
without_memory_an_arena_says_so_and_goes_on(void **state)
{
	struct kith_arena *a;
	size_t n;

	(void)state;
	for (n = 1;; n++) {
		kith_test_fail_alloc(n);
		a = kith_arena_new(1 << 20);
		if (a != NULL && kith_arena_alloc(a, 10) != NULL && kith_arena_alloc(a, 5000) != NULL &&
		    !kith_test_alloc_failed()) {
			kith_arena_free(a);
			break;
		}
		assert_true(kith_test_alloc_failed());
		if (a != NULL)
			assert_non_null(kith_arena_alloc(a, 5000));
		kith_arena_free(a);
	}
	assert_int_equal(n, 4);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_an_arena_gives_is_zeroed_aligned_and_apart),
		cmocka_unit_test(the_ceiling_holds_to_the_byte),
		cmocka_unit_test(a_large_thing_does_not_waste_the_room_before_it),
		cmocka_unit_test(arrays_strings_and_copies_keep_what_they_are_given),
		cmocka_unit_test(without_memory_an_arena_says_so_and_goes_on),
	};

	return cmocka_run_group_tests_name("base/arena", tests, NULL, NULL);
}
