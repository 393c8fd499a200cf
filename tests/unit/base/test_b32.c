#include "base/b32.h"

#include "tests/unit/test.h"

static void
the_vectors_of_rfc_4648_hold(void **state)
{
	static const struct { const char *in, *out; } v[] = {
		{ "", "" }, { "f", "my" }, { "fo", "mzxq" }, { "foo", "mzxw6" }, { "foob", "mzxw6yq" },
		{ "fooba", "mzxw6ytb" }, { "foobar", "mzxw6ytboi" },
	};
	uint8_t back[16];
	char text[32];
	size_t i, n;

	(void)state;
	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		kith_b32_encode(kith_slice_str(v[i].in), text);
		assert_string_equal(text, v[i].out);
		assert_int_equal(strlen(text), KITH_B32_LEN(strlen(v[i].in)));
		n = 99;
		assert_ok(kith_b32_decode(kith_slice_str(text), back, sizeof(back), &n));
		assert_slice_equal(kith_slice_of(back, n), v[i].in, strlen(v[i].in));
	}
}

static void
only_the_form_that_encoding_makes_is_taken(void **state)
{
	static const char *const bad[] = {
		"a", "aaa", "aaaaaa", "aaaaaaaaa",      /* lengths that no bytes have */
		"mz", "mzxr", "mzxw7", "mzxw6yr",       /* spare bits */
		"MY", "m1", "m8", "m=", "my======", " my", "m-",
	};
	uint8_t out[16] = { 0 };
	size_t i, n = 5;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(kith_b32_decode(kith_slice_str(bad[i]), out, sizeof(out), &n), KITH_E_MALFORMED);
	assert_int_equal(n, 5);
}

static void
what_does_not_fit_is_a_limit(void **state)
{
	uint8_t out[4];
	size_t n = 9;

	(void)state;
	assert_int_equal(kith_b32_decode(LIT("mzxw6ytb"), out, 4, &n), KITH_E_LIMIT);
	assert_int_equal(n, 9);
	assert_ok(kith_b32_decode(LIT("mzxw6yq"), out, 4, &n));
	assert_int_equal(n, 4);
}

static struct kith_id
some_id(void)
{
	struct kith_id id;
	int i;

	for (i = 0; i < KITH_ID_BYTES; i++)
		id.b[i] = (uint8_t)(i * 37 + 11);
	return id;
}

static void
an_id_is_52_characters_and_comes_back(void **state)
{
	struct kith_id id = some_id(), back;
	char text[KITH_ID_STR];

	(void)state;
	assert_ptr_equal(kith_id_str(&id, text), text);
	assert_int_equal(strlen(text), 52);
	assert_ok(kith_id_parse(kith_slice_str(text), &back));
	assert_true(kith_id_eq(&id, &back));
	assert_int_equal(kith_id_parse(kith_slice_of(text, 51), &back), KITH_E_MALFORMED);
	text[51] = text[51] == 'a' ? 'b' : (char)(text[51] + 1);
	assert_int_equal(kith_id_parse(kith_slice_of(text, 52), &back), KITH_E_MALFORMED);
}

static void
a_prefix_stands_for_the_ids_that_begin_so(void **state)
{
	struct kith_id id = some_id(), lo, hi, near;
	char text[KITH_ID_STR], other[KITH_ID_STR];
	size_t n;

	(void)state;
	(void)kith_id_str(&id, text);
	for (n = 6; n <= 52; n++) {
		assert_ok(kith_id_prefix_range(kith_slice_of(text, n), &lo, &hi));
		assert_true(kith_id_cmp(&lo, &id) <= 0 && kith_id_cmp(&id, &hi) <= 0);
		assert_memory_equal(kith_id_str(&lo, other), text, n);
		assert_memory_equal(kith_id_str(&hi, other), text, n);
		/* one below lo and one above hi begin otherwise */
		near = lo;
		for (int i = KITH_ID_BYTES - 1; i >= 0 && near.b[i]-- == 0; i--)
			;
		assert_memory_not_equal(kith_id_str(&near, other), text, n);
		near = hi;
		for (int i = KITH_ID_BYTES - 1; i >= 0 && ++near.b[i] == 0; i--)
			;
		assert_memory_not_equal(kith_id_str(&near, other), text, n);
	}
	assert_true(kith_id_eq(&lo, &hi));
	assert_int_equal(kith_id_prefix_range(kith_slice_of(text, 5), &lo, &hi), KITH_E_MALFORMED);
	assert_int_equal(kith_id_prefix_range(LIT("abcde!"), &lo, &hi), KITH_E_MALFORMED);
	memcpy(other, text, sizeof(other));
	other[51] = 'b';                                /* spare bits */
	assert_int_equal(kith_id_prefix_range(kith_slice_of(other, 52), &lo, &hi), KITH_E_MALFORMED);
	memset(other, 'a', sizeof(other));
	assert_int_equal(kith_id_prefix_range(kith_slice_of(other, 53), &lo, &hi), KITH_E_MALFORMED);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_vectors_of_rfc_4648_hold),
		cmocka_unit_test(only_the_form_that_encoding_makes_is_taken),
		cmocka_unit_test(what_does_not_fit_is_a_limit),
		cmocka_unit_test(an_id_is_52_characters_and_comes_back),
		cmocka_unit_test(a_prefix_stands_for_the_ids_that_begin_so),
	};

	return cmocka_run_group_tests_name("base/b32", tests, NULL, NULL);
}
