#include "federation/frames.h"

#include "base/out.h"
#include "tests/unit/test.h"
#include "wire/mp.h"

static struct kith_buf b;

static void
begin(uint32_t n)
{
	kith_buf_reset(&b);
	kith_mp_put_array(&b, n);
}

static void
zeros(size_t n)
{
	void *p = calloc(1, n > 0 ? n : 1);

	assert_non_null(p);
	kith_mp_put_bin(&b, kith_slice_of(p, n));
	free(p);
}

static int
check(uint8_t type)
{
	assert_ok(kith_buf_err(&b));
	return kith_frame_check(type, kith_buf_slice(&b));
}

static void
types_that_are_none_are_refused(void **state)
{
	(void)state;
	begin(0);
	assert_int_equal(check(0), KITH_E_MALFORMED);
	assert_int_equal(check(KITH_FR_COUNT_), KITH_E_MALFORMED);
	assert_int_equal(check(255), KITH_E_MALFORMED);
	assert_string_equal(kith_frame_name(255), "?");
	assert_string_equal(kith_frame_name(KITH_FR_RUN), "RUN");
}

static void
a_frame_has_exactly_its_fields(void **state)
{
	(void)state;
	begin(1);
	kith_mp_put_uint(&b, 5);
	assert_ok(check(KITH_FR_PING));
	begin(0);
	assert_int_equal(check(KITH_FR_PING), KITH_E_MALFORMED);
	begin(2);
	kith_mp_put_uint(&b, 5);
	kith_mp_put_uint(&b, 5);
	assert_int_equal(check(KITH_FR_PING), KITH_E_MALFORMED);
	begin(1);
	kith_mp_put_uint(&b, 5);
	kith_buf_put_u8(&b, 0);
	assert_int_equal(check(KITH_FR_PING), KITH_E_MALFORMED);
	begin(1);
	kith_mp_put_bool(&b, true);
	assert_int_equal(check(KITH_FR_PING), KITH_E_MALFORMED);
	begin(1);
	kith_mp_put_nil(&b);
	assert_int_equal(check(KITH_FR_PING), KITH_E_MALFORMED);
	kith_buf_reset(&b);
	kith_mp_put_map(&b, 0);
	assert_int_equal(check(KITH_FR_PING), KITH_E_MALFORMED);
	assert_int_equal(kith_frame_check(KITH_FR_PING, kith_slice_of(NULL, 0)), KITH_E_MALFORMED);
}

static void
lengths_are_exact(void **state)
{
	size_t n;

	(void)state;
	for (n = 30; n < 35; n++) {
		begin(1);
		zeros(n);
		assert_int_equal(check(KITH_FR_SHOW), n == 32 ? KITH_OK : KITH_E_MALFORMED);
	}
	for (n = 0; n < 34; n++) {
		begin(4);
		kith_mp_put_uint(&b, 1);
		zeros(16);
		zeros(n);
		zeros(0);
		assert_int_equal(check(KITH_FR_JOIN), n == 0 || n == 32 ? KITH_OK : KITH_E_MALFORMED);
	}
}

static void
ids(uint8_t type, uint32_t lead_uints, uint32_t n, int expect)
{
	uint32_t i;

	begin(lead_uints + 2);
	for (i = 0; i < lead_uints; i++)
		kith_mp_put_uint(&b, 1);
	zeros(32);
	kith_mp_put_array(&b, n);
	for (i = 0; i < n; i++)
		zeros(32);
	assert_int_equal(check(type), expect);
}

static void
want_lists_hold_1024_names(void **state)
{
	(void)state;
	ids(KITH_FR_WANT_IDS, 1, 0, KITH_E_MALFORMED);
	ids(KITH_FR_WANT_IDS, 1, 1, KITH_OK);
	ids(KITH_FR_WANT_IDS, 1, 1023, KITH_OK);
	ids(KITH_FR_WANT_IDS, 1, 1024, KITH_OK);
	ids(KITH_FR_WANT_IDS, 1, 1025, KITH_E_LIMIT);
	ids(KITH_FR_WANT_OBJECTS, 1, 1024, KITH_OK);
	ids(KITH_FR_WANT_OBJECTS, 1, 1025, KITH_E_LIMIT);
	ids(KITH_FR_INVITES, 0, 0, KITH_OK);
	ids(KITH_FR_INVITES, 0, 1025, KITH_E_LIMIT);
}

static void
run_of(uint32_t n, size_t header, size_t sig, size_t body)
{
	uint32_t i;

	begin(5);
	kith_mp_put_uint(&b, 0);
	kith_mp_put_uint(&b, KITH_CL_LIVE);
	zeros(32);
	kith_mp_put_uint(&b, 0);
	kith_mp_put_array(&b, n);
	for (i = 0; i < n; i++) {
		kith_mp_put_array(&b, 3);
		zeros(header);
		zeros(sig);
		zeros(body);
	}
}

static void
runs_hold_512_records_of_bounded_parts(void **state)
{
	(void)state;
	run_of(0, 10, 0, 0);
	assert_int_equal(check(KITH_FR_RUN), KITH_E_MALFORMED);
	run_of(511, 10, 0, 0);
	assert_ok(check(KITH_FR_RUN));
	run_of(512, 10, 64, 0);
	assert_ok(check(KITH_FR_RUN));
	run_of(513, 10, 0, 0);
	assert_int_equal(check(KITH_FR_RUN), KITH_E_LIMIT);
	run_of(1, 0, 0, 0);
	assert_int_equal(check(KITH_FR_RUN), KITH_E_MALFORMED);
	run_of(1, 16384, 64, 65636);
	assert_ok(check(KITH_FR_RUN));
	run_of(1, 16385, 64, 0);
	assert_int_equal(check(KITH_FR_RUN), KITH_E_LIMIT);
	run_of(1, 10, 63, 0);
	assert_int_equal(check(KITH_FR_RUN), KITH_E_MALFORMED);
	run_of(1, 10, 64, 65637);
	assert_int_equal(check(KITH_FR_RUN), KITH_E_LIMIT);
	run_of(12, 16384, 64, 65636);
	assert_ok(check(KITH_FR_RUN));
	run_of(13, 16384, 64, 65636);            /* more than a frame */
	assert_int_equal(check(KITH_FR_RUN), KITH_E_LIMIT);
}

static void
the_class_is_one_of_six(void **state)
{
	uint64_t cls;

	(void)state;
	for (cls = 0; cls < 8; cls++) {
		begin(4);
		kith_mp_put_uint(&b, 9);
		kith_mp_put_uint(&b, cls);
		zeros(32);
		kith_mp_put_array(&b, 1);
		kith_mp_put_array(&b, 2);
		kith_mp_put_uint(&b, 1);
		zeros(5);
		assert_int_equal(check(KITH_FR_OBJECTS), cls < KITH_CL_COUNT_ ? KITH_OK : KITH_E_MALFORMED);
		if (cls < KITH_CL_COUNT_)
			assert_int_equal(kith_frame_class(KITH_FR_OBJECTS, kith_buf_slice(&b)), (int)cls);
	}
	begin(1);
	kith_mp_put_uint(&b, 5);
	assert_int_equal(kith_frame_class(KITH_FR_PING, kith_buf_slice(&b)), -1);
	assert_int_equal(kith_frame_class(KITH_FR_TAGS, kith_buf_slice(&b)), KITH_CL_CONTROL);
}

static void
clocks(uint32_t scopes, uint32_t feeds, int expect)
{
	uint32_t i, k;

	begin(3);
	zeros(32);
	kith_mp_put_bool(&b, true);
	kith_mp_put_array(&b, scopes);
	for (i = 0; i < scopes; i++) {
		kith_mp_put_array(&b, 2);
		zeros(32);
		kith_mp_put_array(&b, feeds);
		for (k = 0; k < feeds; k++) {
			kith_mp_put_array(&b, 4);
			zeros(32);
			zeros(8);
			kith_mp_put_uint(&b, 1);
			zeros(32);
		}
	}
	assert_int_equal(check(KITH_FR_CLOCKS), expect);
}

static void
clocks_fit_a_frame_and_65536_values(void **state)
{
	(void)state;
	clocks(0, 0, KITH_OK);
	clocks(1024, 0, KITH_OK);
	clocks(1025, 0, KITH_E_LIMIT);
	clocks(1, 8192, KITH_OK);
	clocks(1, 8193, KITH_E_LIMIT);
	clocks(1000, 13, KITH_E_LIMIT);          /* 65,000 values below, and those above them */
}

static void
strangers_frames_fit_a_strangers_limit(void **state)
{
	uint32_t n;

	(void)state;
	for (n = 0; n < 6; n++) {
		begin(1);
		kith_mp_put_array(&b, n);
		for (uint32_t i = 0; i < n; i++)
			zeros(700);
		assert_int_equal(check(KITH_FR_CHAIN), n == 0 ? KITH_E_MALFORMED : n > 4 ? KITH_E_LIMIT : KITH_OK);
	}
	begin(1);
	kith_mp_put_array(&b, 4);
	for (n = 0; n < 4; n++)
		zeros(1024);                     /* 4 × 1,027 and two: more than 4,095 */
	assert_int_equal(check(KITH_FR_CHAIN), KITH_E_LIMIT);
	begin(1);
	kith_mp_put_array(&b, 1);
	zeros(1025);
	assert_int_equal(check(KITH_FR_CHAIN), KITH_E_LIMIT);
}

static void
fleeting_words_and_mail_have_their_size(void **state)
{
	size_t n;

	(void)state;
	for (n = 1023; n <= 1025; n++) {
		begin(3);
		zeros(0);
		zeros(32);
		zeros(n);
		assert_int_equal(check(KITH_FR_FLEETING), n <= KITH_FLEETING_MAX ? KITH_OK : KITH_E_LIMIT);
	}
	for (n = 65535; n <= 65537; n++) {
		begin(4);
		kith_mp_put_uint(&b, 1);
		zeros(16);
		kith_mp_put_uint(&b, 1);
		zeros(n);
		assert_int_equal(check(KITH_FR_MAIL), n <= KITH_MAIL_MAX ? KITH_OK : KITH_E_LIMIT);
	}
}

static void
every_cut_of_a_good_frame_is_refused(void **state)
{
	size_t i;

	(void)state;
	run_of(3, 20, 64, 40);
	for (i = 0; i < b.n; i++)
		assert_int_not_equal(kith_frame_check(KITH_FR_RUN, kith_slice_of(b.p, i)), KITH_OK);
	assert_ok(check(KITH_FR_RUN));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types_that_are_none_are_refused),
		cmocka_unit_test(a_frame_has_exactly_its_fields),
		cmocka_unit_test(lengths_are_exact),
		cmocka_unit_test(want_lists_hold_1024_names),
		cmocka_unit_test(runs_hold_512_records_of_bounded_parts),
		cmocka_unit_test(the_class_is_one_of_six),
		cmocka_unit_test(clocks_fit_a_frame_and_65536_values),
		cmocka_unit_test(strangers_frames_fit_a_strangers_limit),
		cmocka_unit_test(fleeting_words_and_mail_have_their_size),
		cmocka_unit_test(every_cut_of_a_good_frame_is_refused),
	};
	int r = cmocka_run_group_tests(tests, NULL, NULL);

	kith_buf_fini(&b);
	return r;
}
