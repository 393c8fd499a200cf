#include "client/json.h"

#include "tests/unit/test.h"
#include "wire/mp.h"

static const struct kith_mp_limits lim = { .depth = KITH_MP_DEPTH_MAX, .values = 65536, .nil = true };

static int
there(const char *json, struct kith_buf *mp)
{
	char why[256];

	kith_buf_init(mp, 0);
	return kith_json_to_mp(kith_slice_str(json), mp, why, sizeof(why));
}

static void
assert_round(const char *in, const char *out)
{
	struct kith_buf mp, back;

	assert_ok(there(in, &mp));
	assert_ok(kith_mp_check(kith_buf_slice(&mp), &lim));
	kith_buf_init(&back, 0);
	assert_ok(kith_mp_to_json(kith_buf_slice(&mp), &back));
	assert_slice_equal(kith_buf_slice(&back), out, strlen(out));
	kith_buf_fini(&back);
	kith_buf_fini(&mp);
}

static void
values_come_back_with_their_names_in_order(void **state)
{
	(void)state;
	assert_round("{}", "{}");
	assert_round("[]", "[]");
	assert_round(" { \"b\" : 1, \"aa\":[true,null,-5], \"a\":\"x\" } ", "{\"a\":\"x\",\"aa\":[true,null,-5],\"b\":1}");
	assert_round("{\"deep\":{\"er\":{\"est\":[[[]]]}}}", "{\"deep\":{\"er\":{\"est\":[[[]]]}}}");
	assert_round("9223372036854775807", "9223372036854775807");
	assert_round("-9223372036854775808", "-9223372036854775808");
	assert_round("\"\xe5\xad\x97\"", "\"\xe5\xad\x97\"");
}

static void
what_could_end_a_line_or_open_a_tag_goes_out_escaped(void **state)
{
	(void)state;
	assert_round("\"\\u2028\\u2029\"", "\"\\u2028\\u2029\"");
	assert_round("\"</script>\"", "\"\\u003c/script>\"");
	assert_round("\"\\u0001\\n\\\"\\\\\\u007f\"", "\"\\u0001\\n\\\"\\\\\\u007f\"");
}

static void
what_is_not_one_plain_value_is_refused(void **state)
{
	static const char *const bad[] = {
		"", "{", "{}x", "{\"a\":1,\"a\":2}", "1.5", "1e3", "\"\\u0000\"", "{\"\\u0000\":1}", "\"\\ud800\"", "\"\xff\"",
		"18446744073709551616", "{a:1}", "[1,]", "nul", "\x01",
	};
	struct kith_buf mp;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(there(bad[i], &mp), KITH_E_MALFORMED);
		kith_buf_fini(&mp);
	}
}

static void
nesting_is_bounded_before_anything_recurses(void **state)
{
	char deep[2 * (KITH_MP_DEPTH_MAX + 1) + 1];
	struct kith_buf mp;

	(void)state;
	memset(deep, 0, sizeof(deep));
	memset(deep, '[', KITH_MP_DEPTH_MAX);
	memset(deep + KITH_MP_DEPTH_MAX, ']', KITH_MP_DEPTH_MAX);
	assert_ok(there(deep, &mp));
	kith_buf_fini(&mp);
	memset(deep, '[', KITH_MP_DEPTH_MAX + 1);
	memset(deep + KITH_MP_DEPTH_MAX + 1, ']', KITH_MP_DEPTH_MAX + 1);
	assert_int_equal(there(deep, &mp), KITH_E_LIMIT);
	kith_buf_fini(&mp);
}

static void
bytes_go_out_as_base32(void **state)
{
	struct kith_buf mp, json;
	uint8_t bytes[300];

	(void)state;
	memset(bytes, 0xff, sizeof(bytes));
	kith_buf_init(&mp, 0);
	kith_buf_init(&json, 0);
	kith_mp_put_bin(&mp, kith_slice_of(bytes, sizeof(bytes)));
	assert_ok(kith_mp_to_json(kith_buf_slice(&mp), &json));
	assert_int_equal(json.n, 480 + 2);
	for (size_t i = 1; i < 481; i++)
		assert_int_equal(json.p[i], '7');
	kith_buf_fini(&mp);
	kith_buf_fini(&json);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_come_back_with_their_names_in_order),
		cmocka_unit_test(what_could_end_a_line_or_open_a_tag_goes_out_escaped),
		cmocka_unit_test(what_is_not_one_plain_value_is_refused),
		cmocka_unit_test(nesting_is_bounded_before_anything_recurses),
		cmocka_unit_test(bytes_go_out_as_base32),
	};

	return cmocka_run_group_tests_name("client/json", tests, NULL, NULL);
}
