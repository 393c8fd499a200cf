#include "base/slice.h"

#include "tests/unit/test.h"

static void
slices_compare_as_memcmp_with_the_shorter_first(void **state)
{
	(void)state;
	assert_true(kith_slice_eq(LIT("abc"), kith_slice_str("abc")));
	assert_true(kith_slice_eq(kith_slice_of(NULL, 0), LIT("")));
	assert_false(kith_slice_eq(LIT("abc"), LIT("abd")));
	assert_false(kith_slice_eq(LIT("abc"), LIT("ab")));
	assert_int_equal(kith_slice_cmp(LIT("ab"), LIT("abc")), -1);
	assert_int_equal(kith_slice_cmp(LIT("abc"), LIT("ab")), 1);
	assert_int_equal(kith_slice_cmp(LIT("a\xff"), LIT("b")), -1);
	assert_int_equal(kith_slice_cmp(LIT("\x80"), LIT("\x7f")), 1);
	assert_int_equal(kith_slice_cmp(LIT("x"), LIT("x")), 0);
	assert_int_equal(kith_slice_cmp(kith_slice_of(NULL, 0), LIT("")), 0);
	assert_true(kith_slice_is(LIT("name"), "name"));
	assert_false(kith_slice_is(LIT("name"), "names"));
}

static void
a_slice_from_its_end_is_empty(void **state)
{
	(void)state;
	assert_slice_equal(kith_slice_from(LIT("abc"), 1), "bc", 2);
	assert_int_equal(kith_slice_from(LIT("abc"), 3).n, 0);
	assert_int_equal(kith_slice_from(kith_slice_of(NULL, 0), 0).n, 0);
}

static void
ids_keep_their_order_in_their_prefix(void **state)
{
	struct kith_id a = { { 0 } }, b = { { 0 } };

	(void)state;
	assert_true(kith_id_is_none(&a));
	assert_true(kith_id_eq(&a, &kith_id_none));
	a.b[0] = 1;
	b.b[7] = 255;
	assert_false(kith_id_is_none(&a));
	assert_int_equal(kith_id_cmp(&a, &b), 1);
	assert_int_equal(kith_id_cmp(&b, &a), -1);
	assert_int_equal(kith_id_cmp(&a, &a), 0);
	assert_true(kith_id_prefix(&a) > kith_id_prefix(&b));
	assert_true(kith_id_prefix(&a) == UINT64_C(1) << 56);
	assert_slice_equal(kith_id_slice(&a), a.b, 32);
}

static void
numbers_go_out_and_come_back_big_endian(void **state)
{
	uint8_t b[8];

	(void)state;
	kith_put_be16(b, 0x1234);
	assert_memory_equal(b, "\x12\x34", 2);
	assert_int_equal(kith_get_be16(b), 0x1234);
	kith_put_be32(b, 0xfedcba98);
	assert_memory_equal(b, "\xfe\xdc\xba\x98", 4);
	assert_true(kith_get_be32(b) == 0xfedcba98);
	kith_put_be64(b, 0xfedcba9876543210);
	assert_memory_equal(b, "\xfe\xdc\xba\x98\x76\x54\x32\x10", 8);
	assert_true(kith_get_be64(b) == 0xfedcba9876543210);
}

static void
sums_and_products_that_do_not_fit_are_told(void **state)
{
	size_t n = 7;

	(void)state;
	assert_true(kith_size_add(SIZE_MAX - 1, 1, &n));
	assert_true(n == SIZE_MAX);
	n = 7;
	assert_false(kith_size_add(SIZE_MAX, 1, &n));
	assert_false(kith_size_mul(SIZE_MAX / 2 + 1, 2, &n));
	assert_int_equal(n, 7);
	assert_true(kith_size_mul(SIZE_MAX / 2, 2, &n));
	assert_true(n == SIZE_MAX - 1);
	assert_true(kith_size_mul(SIZE_MAX, 0, &n));
	assert_int_equal(n, 0);
}

static void
good_utf8_passes(void **state)
{
	(void)state;
	assert_true(kith_utf8_ok(LIT("")));
	assert_true(kith_utf8_ok(LIT("plain")));
	assert_true(kith_utf8_ok(LIT("\x01\x7f")));
	assert_true(kith_utf8_ok(LIT("\xc2\x80\xdf\xbf")));                     /* the shortest and longest of two bytes */
	assert_true(kith_utf8_ok(LIT("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf")));
	assert_true(kith_utf8_ok(LIT("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf")));
	assert_true(kith_utf8_ok(LIT("gr\xc3\xbc\xc3\x9f \xe2\x9c\x93 \xf0\x9f\x8c\x8d")));
}

static void
bad_utf8_is_refused(void **state)
{
	static const struct { const char *s; size_t n; } bad[] = {
		{ "\0", 1 }, { "a\0b", 3 },                             /* NUL */
		{ "\x80", 1 }, { "\xbf", 1 },                           /* lone continuations */
		{ "\xc0\x80", 2 }, { "\xc1\xbf", 2 },                   /* overlong */
		{ "\xe0\x9f\xbf", 3 }, { "\xf0\x8f\xbf\xbf", 4 },
		{ "\xed\xa0\x80", 3 }, { "\xed\xbf\xbf", 3 },           /* surrogates */
		{ "\xf4\x90\x80\x80", 4 }, { "\xf5\x80\x80\x80", 4 }, { "\xff", 1 }, { "\xfe", 1 }, { "\xf8\x88\x80\x80\x80", 5 },
		{ "\xc3", 1 }, { "\xe2\x9c", 2 }, { "\xf0\x9f\x8c", 3 }, /* cut short */
		{ "\xc3(", 2 }, { "\xe2(\x93", 3 }, { "\xe2\x9c(", 3 }, { "\xf0\x9f\x8c(", 4 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(kith_utf8_ok(kith_slice_of(bad[i].s, bad[i].n)));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(slices_compare_as_memcmp_with_the_shorter_first),
		cmocka_unit_test(a_slice_from_its_end_is_empty),
		cmocka_unit_test(ids_keep_their_order_in_their_prefix),
		cmocka_unit_test(numbers_go_out_and_come_back_big_endian),
		cmocka_unit_test(sums_and_products_that_do_not_fit_are_told),
		cmocka_unit_test(good_utf8_passes),
		cmocka_unit_test(bad_utf8_is_refused),
	};

	return cmocka_run_group_tests_name("base/slice", tests, NULL, NULL);
}
