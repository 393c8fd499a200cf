#include "cli/text.h"

#include "tests/unit/test.h"

static void
assert_clean(struct kith_slice in, unsigned indent, const char *want)
{
	struct kith_buf b;

	kith_buf_init(&b, 0);
	cli_clean(&b, in, indent);
	assert_ok(kith_buf_err(&b));
	assert_slice_equal(kith_buf_slice(&b), want, strlen(want));
	kith_buf_fini(&b);
}

#define BAD "\xef\xbf\xbd"

static void
ordinary_text_stays_as_it_is(void **state)
{
	(void)state;
	assert_clean(LIT("Grüße, 世界 👩‍🌾!"), 0, "Grüße, 世界 👩‍🌾!");
	assert_clean(LIT(""), 0, "");
}

static void
what_moves_a_terminal_is_replaced(void **state)
{
	(void)state;
	assert_clean(LIT("a\033[31mb"), 0, "a" BAD "[31mb");
	assert_clean(LIT("a\rb\bc\x7f" "d\0e"), 0, "a" BAD "b" BAD "c" BAD "d" BAD "e");
	assert_clean(LIT("a\xc2\x9b" "31mb"), 0, "a" BAD "31mb");               /* CSI in one character */
	assert_clean(LIT("a\xe2\x80\xae" "b\xe2\x81\xa6" "c"), 0, "a" BAD "b" BAD "c");      /* marks of direction */
	assert_clean(LIT("a\xe2\x80\xa8" "b"), 0, "a" BAD "b");                  /* a line separator */
}

static void
broken_utf8_is_replaced_byte_by_byte(void **state)
{
	(void)state;
	assert_clean(LIT("a\xff" "b"), 0, "a" BAD "b");
	assert_clean(LIT("\xe4\xb8"), 0, BAD BAD);                      /* cut off */
	assert_clean(LIT("\xc0\xaf"), 0, BAD BAD);                      /* overlong */
	assert_clean(LIT("\xe0\x80\xaf"), 0, BAD BAD BAD);
	assert_clean(LIT("\xed\xa0\x80"), 0, BAD BAD BAD);              /* a surrogate */
	assert_clean(LIT("\xf4\x90\x80\x80"), 0, BAD BAD BAD BAD);      /* beyond the last */
}

static void
a_line_cannot_be_forged(void **state)
{
	(void)state;
	assert_clean(LIT("one\ntwo"), 4, "one\n    two");
	assert_clean(LIT("one\ntwo\tthree"), 0, "one two three");
}

static void
json_keeps_its_value(void **state)
{
	struct kith_buf b;
	const char *want = "{\"text\":\"a\\u202eb\\u009b \\u00ad\\udb40\\udc01 ü\"}";

	(void)state;
	kith_buf_init(&b, 0);
	cli_clean_json(&b, LIT("{\"text\":\"a\xe2\x80\xae" "b\xc2\x9b \xc2\xad\xf3\xa0\x80\x81 ü\"}"));
	assert_ok(kith_buf_err(&b));
	assert_slice_equal(kith_buf_slice(&b), want, strlen(want));
	kith_buf_fini(&b);
}

static void
durations_are_numbers_with_units(void **state)
{
	static const struct { const char *s; uint64_t ms; } good[] = {
		{ "30s", 30000 }, { "10m", 600000 }, { "2h", 7200000 }, { "7d", UINT64_C(604800000) }, { "1w", UINT64_C(604800000) },
		{ "1h30m", 5400000 }, { "0h5s", 5000 }, { "36500d", UINT64_C(3153600000000) },
	};
	static const char *const bad[] = { "", "5", "s", "5x", "5 m", "-5m", "5m5", "1.5h", "0s", "m5", "99999999999999999999s", "36601d" };
	uint64_t ms = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_ok(cli_duration(good[i].s, &ms));
		assert_int_equal(ms, good[i].ms);
	}
	ms = 7;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_not_equal(cli_duration(bad[i], &ms), KITH_OK);
	assert_int_equal(ms, 7);
}

static void
numbers_are_digits_within_bounds(void **state)
{
	uint64_t n = 7;

	(void)state;
	assert_ok(cli_number("0", 99, &n));
	assert_int_equal(n, 0);
	assert_ok(cli_number("99", 99, &n));
	assert_int_equal(n, 99);
	assert_int_equal(cli_number("100", 99, &n), KITH_E_MALFORMED);
	assert_int_equal(cli_number("", 99, &n), KITH_E_MALFORMED);
	assert_int_equal(cli_number("+1", 99, &n), KITH_E_MALFORMED);
	assert_int_equal(cli_number("1 ", 99, &n), KITH_E_MALFORMED);
	assert_int_equal(cli_number("18446744073709551616", UINT64_MAX, &n), KITH_E_MALFORMED);
	assert_ok(cli_number("18446744073709551615", UINT64_MAX, &n));
	assert_true(n == UINT64_MAX);
}

static void
near_words_are_near(void **state)
{
	(void)state;
	assert_int_equal(cli_distance("groups", "groups"), 0);
	assert_int_equal(cli_distance("grops", "groups"), 1);
	assert_int_equal(cli_distance("gruops", "groups"), 1);
	assert_int_equal(cli_distance("", "send"), 4);
	assert_int_equal(cli_distance("sned", "send"), 1);
	assert_true(cli_distance("a very long word that is cut at some place", "send") > 20);
}

static void
ids_are_long_enough_and_lower_case(void **state)
{
	(void)state;
	assert_true(cli_is_idlike("abcdef"));
	assert_true(cli_is_idlike("a234567"));
	assert_false(cli_is_idlike("abcde"));
	assert_false(cli_is_idlike("abcdeF"));
	assert_false(cli_is_idlike("abcde1"));
	assert_false(cli_is_idlike("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ordinary_text_stays_as_it_is),
		cmocka_unit_test(what_moves_a_terminal_is_replaced),
		cmocka_unit_test(broken_utf8_is_replaced_byte_by_byte),
		cmocka_unit_test(a_line_cannot_be_forged),
		cmocka_unit_test(json_keeps_its_value),
		cmocka_unit_test(durations_are_numbers_with_units),
		cmocka_unit_test(numbers_are_digits_within_bounds),
		cmocka_unit_test(near_words_are_near),
		cmocka_unit_test(ids_are_long_enough_and_lower_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
