#include "client/account.h"

#include <stdio.h>

#include "client/render.h"
#include "tests/unit/test.h"

static int
clean(struct kith_slice in, struct kith_buf *out)
{
	kith_buf_init(out, 0);
	return kith_nick_clean(in, out);
}

static void
names_are_kept_composed(void **state)
{
	struct kith_buf b;

	(void)state;
	assert_ok(clean(LIT("ada"), &b));
	assert_slice_equal(kith_buf_slice(&b), "ada", 3);
	kith_buf_fini(&b);
	assert_ok(clean(LIT("Zoe\xcc\x88"), &b));        /* e and a diaeresis become one */
	assert_slice_equal(kith_buf_slice(&b), "Zo\xc3\xab", 4);
	kith_buf_fini(&b);
	assert_ok(clean(LIT("\xe5\xb0\x8f\xe6\x98\x8e Li"), &b));
	kith_buf_fini(&b);
}

static void
names_that_deceive_or_break_lines_are_refused(void **state)
{
	static const char *const bad[] = {
		"", " ada", "ada ", "a#b", "a@b", "a/b", "a\nb", "a\tb", "a\x7f" "b",
		"a\xe2\x80\xae" "b",            /* right-to-left override */
		"a\xe2\x81\xa6" "b",            /* isolate */
		"\xe2\x80\x8b",                 /* nothing but a zero-width space */
		"\xff", "\xe2\x80\xa8",         /* line separator */
	};
	struct kith_buf b;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(clean(kith_slice_str(bad[i]), &b), KITH_E_MALFORMED);
		kith_buf_fini(&b);
	}
}

static void
thirty_two_characters_are_a_name_and_thirty_three_are_not(void **state)
{
	char text[34 * 3 + 1] = "";
	struct kith_buf b;

	(void)state;
	for (int i = 0; i < 32; i++)
		strcat(text, "\xe5\xad\x97");
	assert_ok(clean(kith_slice_str(text), &b));
	kith_buf_fini(&b);
	strcat(text, "x");
	assert_int_equal(clean(kith_slice_str(text), &b), KITH_E_MALFORMED);
	kith_buf_fini(&b);
}

static void
names_that_look_alike_to_people_fold_alike(void **state)
{
	struct kith_buf a, b;

	(void)state;
	kith_buf_init(&a, 0);
	kith_buf_init(&b, 0);
	assert_ok(kith_name_fold(LIT("STRASSE"), &a));
	assert_ok(kith_name_fold(LIT("stra\xc3\x9f" "e"), &b));
	assert_true(kith_slice_eq(kith_buf_slice(&a), kith_buf_slice(&b)));
	kith_buf_fini(&a);
	kith_buf_fini(&b);
}

static void
handles_split_at_their_number(void **state)
{
	struct kith_slice name;
	uint32_t n;

	(void)state;
	kith_handle_split(LIT("ada#0042"), &name, &n);
	assert_slice_equal(name, "ada", 3);
	assert_int_equal(n, 42);
	kith_handle_split(LIT("ada"), &name, &n);
	assert_slice_equal(name, "ada", 3);
	assert_int_equal(n, 0);
	kith_handle_split(LIT("r2d2"), &name, &n);
	assert_slice_equal(name, "r2d2", 4);
	assert_int_equal(n, 0);
	kith_handle_split(LIT("#1"), &name, &n);
	assert_slice_equal(name, "", 0);
	kith_handle_split(LIT("a#9999999"), &name, &n);
	assert_int_equal(n, 0);
	kith_handle_split(LIT("a#"), &name, &n);
	assert_slice_equal(name, "a#", 2);
}

static void
strangers_texts_are_tamed(void **state)
{
	static const struct { const char *in, *out; } v[] = {
		{ "", "" }, { "plain", "plain" }, { "a\u202egnp.exe", "agnp.exe" }, { "\u2066x\u2069\u200e\u200f\u061c", "x" }, { "a\tb\nc\x07\x1b[31m\x7f", "a\tb\nc[31m" },
		{ "\u202a\u202b\u202c\u202d\u202e\u2067\u2068", "" }, { "keep \u2014 \u200d \u2070 \u0621", "keep \u2014 \u200d \u2070 \u0621" }, { "\xe2\x80", "\xe2\x80" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		char s[64];

		snprintf(s, sizeof(s), "%s", v[i].in);
		kith_tame(s);
		assert_string_equal(s, v[i].out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strangers_texts_are_tamed),
		cmocka_unit_test(names_are_kept_composed),
		cmocka_unit_test(names_that_deceive_or_break_lines_are_refused),
		cmocka_unit_test(thirty_two_characters_are_a_name_and_thirty_three_are_not),
		cmocka_unit_test(names_that_look_alike_to_people_fold_alike),
		cmocka_unit_test(handles_split_at_their_number),
	};

	return cmocka_run_group_tests_name("client/name", tests, NULL, NULL);
}
