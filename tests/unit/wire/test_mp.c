#include "wire/mp.h"

#include "tests/unit/fail_alloc.h"
#include "tests/unit/test.h"
#include "tests/unit/wire/mp_oracle.h"

static const struct kith_mp_limits wide = { KITH_MP_DEPTH_MAX, 65536, true };
static const struct kith_mp_limits no_nil = { KITH_MP_DEPTH_MAX, 65536, false };

static int
check(struct kith_slice in)
{
	return kith_mp_check(in, &wide);
}

#define GOOD(s) assert_int_equal(check(LIT(s)), KITH_OK)
#define BAD(s) assert_int_equal(check(LIT(s)), KITH_E_MALFORMED)

static void
each_kind_of_value_is_taken_in_its_shortest_form(void **state)
{
	(void)state;
	GOOD("\x00");
	GOOD("\x7f");
	GOOD("\xcc\x80");
	GOOD("\xcc\xff");
	GOOD("\xcd\x01\x00");
	GOOD("\xcd\xff\xff");
	GOOD("\xce\x00\x01\x00\x00");
	GOOD("\xce\xff\xff\xff\xff");
	GOOD("\xcf\x00\x00\x00\x01\x00\x00\x00\x00");
	GOOD("\xcf\xff\xff\xff\xff\xff\xff\xff\xff");
	GOOD("\xff");
	GOOD("\xe0");
	GOOD("\xd0\xdf");
	GOOD("\xd0\x80");
	GOOD("\xd1\xff\x7f");
	GOOD("\xd1\x80\x00");
	GOOD("\xd2\xff\xff\x7f\xff");
	GOOD("\xd2\x80\x00\x00\x00");
	GOOD("\xd3\xff\xff\xff\xff\x7f\xff\xff\xff");
	GOOD("\xd3\x80\x00\x00\x00\x00\x00\x00\x00");
	GOOD("\xc0");
	GOOD("\xc2");
	GOOD("\xc3");
	GOOD("\xa0");
	GOOD("\xa1x");
	GOOD("\xc4\x00");
	GOOD("\xc4\x02\x00\xff");
	GOOD("\x90");
	GOOD("\x92\x01\x02");
	GOOD("\x80");
	GOOD("\x81\x01\xa1x");
}

static void
longer_forms_of_short_things_are_refused(void **state)
{
	(void)state;
	BAD("\xcc\x7f");
	BAD("\xcd\x00\xff");
	BAD("\xce\x00\x00\xff\xff");
	BAD("\xcf\x00\x00\x00\x00\xff\xff\xff\xff");
	BAD("\xd0\x00");
	BAD("\xd0\xe0");
	BAD("\xd0\x7f");
	BAD("\xd1\xff\x80");
	BAD("\xd1\x00\xff");
	BAD("\xd2\xff\xff\x80\x00");
	BAD("\xd2\x00\x01\x00\x00");
	BAD("\xd3\xff\xff\xff\xff\x80\x00\x00\x00");
	BAD("\xd3\x00\x00\x00\x01\x00\x00\x00\x00");
	BAD("\xd9\x01x");
	BAD("\xda\x00\x01x");
	BAD("\xdb\x00\x00\x00\x01x");
	BAD("\xc5\x00\x01x");
	BAD("\xc6\x00\x00\x00\x01x");
	BAD("\xdc\x00\x01\x01");
	BAD("\xdd\x00\x00\x00\x01\x01");
	BAD("\xde\x00\x01\x01\x01");
	BAD("\xdf\x00\x00\x00\x01\x01\x01");
}

/* n bytes of value `fill` behind a header. */
static struct kith_slice
long_value(struct kith_buf *b, const char *header, size_t n_header, uint8_t fill, size_t n)
{
	kith_buf_reset(b);
	kith_buf_put(b, header, n_header);
	memset(kith_buf_room(b, n), fill, n);
	return kith_buf_slice(b);
}

static void
lengths_change_their_form_at_the_right_number(void **state)
{
	struct kith_buf b;

	(void)state;
	kith_buf_init(&b, 0);
	assert_ok(check(long_value(&b, "\xbf", 1, 'x', 31)));
	assert_int_equal(check(long_value(&b, "\xd9\x1f", 2, 'x', 31)), KITH_E_MALFORMED);
	assert_ok(check(long_value(&b, "\xd9\x20", 2, 'x', 32)));
	assert_ok(check(long_value(&b, "\xd9\xff", 2, 'x', 255)));
	assert_int_equal(check(long_value(&b, "\xda\x00\xff", 3, 'x', 255)), KITH_E_MALFORMED);
	assert_ok(check(long_value(&b, "\xda\x01\x00", 3, 'x', 256)));
	assert_ok(check(long_value(&b, "\xda\xff\xff", 3, 'x', 65535)));
	assert_int_equal(check(long_value(&b, "\xdb\x00\x00\xff\xff", 5, 'x', 65535)), KITH_E_MALFORMED);
	assert_ok(check(long_value(&b, "\xdb\x00\x01\x00\x00", 5, 'x', 65536)));

	assert_ok(check(long_value(&b, "\xc4\xff", 2, 0xc1, 255)));
	assert_int_equal(check(long_value(&b, "\xc5\x00\xff", 3, 0, 255)), KITH_E_MALFORMED);
	assert_ok(check(long_value(&b, "\xc5\x01\x00", 3, 0, 256)));
	assert_ok(check(long_value(&b, "\xc5\xff\xff", 3, 0, 65535)));
	assert_int_equal(check(long_value(&b, "\xc6\x00\x00\xff\xff", 5, 0, 65535)), KITH_E_MALFORMED);
	assert_ok(check(long_value(&b, "\xc6\x00\x01\x00\x00", 5, 0, 65536)));

	assert_ok(check(long_value(&b, "\x9f", 1, 5, 15)));
	assert_int_equal(check(long_value(&b, "\xdc\x00\x0f", 3, 5, 15)), KITH_E_MALFORMED);
	assert_ok(check(long_value(&b, "\xdc\x00\x10", 3, 5, 16)));
	assert_ok(check(long_value(&b, "\xdc\xff\xff", 3, 5, 65535)));
	assert_int_equal(check(long_value(&b, "\xdd\x00\x00\xff\xff", 5, 5, 65535)), KITH_E_MALFORMED);
	{
		const struct kith_mp_limits more = { 1, 100000, false };

		assert_ok(kith_mp_check(long_value(&b, "\xdd\x00\x01\x00\x00", 5, 5, 65536), &more));
	}
	kith_buf_fini(&b);
}

static void
large_maps_have_their_forms_too(void **state)
{
	static const uint32_t sizes[] = { 15, 16, 65535, 65536 };
	static const char *const headers[] = { "\x8f", "\xde\x00\x10", "\xde\xff\xff", "\xdf\x00\x01\x00\x00" };
	static const size_t lengths[] = { 1, 3, 3, 5 };
	const struct kith_mp_limits more = { 1, 200000, false };
	struct kith_buf b;
	uint32_t i;
	size_t k;

	(void)state;
	kith_buf_init(&b, 0);
	for (k = 0; k < 4; k++) {
		kith_buf_reset(&b);
		kith_buf_put(&b, headers[k], lengths[k]);
		for (i = 0; i < sizes[k]; i++) {
			kith_mp_put_uint(&b, i);
			kith_mp_put_bool(&b, true);
		}
		assert_ok(kith_mp_check(kith_buf_slice(&b), &more));
	}
	kith_buf_reset(&b);
	kith_buf_put(&b, "\xde\x00\x0f", 3);
	for (i = 0; i < 15; i++) {
		kith_mp_put_uint(&b, i);
		kith_mp_put_bool(&b, true);
	}
	assert_int_equal(kith_mp_check(kith_buf_slice(&b), &more), KITH_E_MALFORMED);
	kith_buf_reset(&b);
	kith_buf_put(&b, "\xdf\x00\x00\xff\xff", 5);
	for (i = 0; i < 65535; i++) {
		kith_mp_put_uint(&b, i);
		kith_mp_put_bool(&b, true);
	}
	assert_int_equal(kith_mp_check(kith_buf_slice(&b), &more), KITH_E_MALFORMED);
	kith_buf_fini(&b);
}

static void
floats_extensions_and_the_unused_byte_are_refused(void **state)
{
	static const uint8_t markers[] = { 0xc1, 0xc7, 0xc8, 0xc9, 0xca, 0xcb, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8 };
	uint8_t b[20] = { 0 };
	size_t i, n;

	(void)state;
	for (i = 0; i < sizeof(markers); i++) {
		b[0] = markers[i];
		for (n = 1; n <= sizeof(b); n++)
			assert_int_equal(check(kith_slice_of(b, n)), KITH_E_MALFORMED);
	}
}

static void
nothing_may_be_missing_and_nothing_may_follow(void **state)
{
	static const char whole[] = "\x84\x01\x93\xc3\xcd\x12\x34\xd1\x80\x00\x02\xc4\x03zzz\xa1" "a\x81\xa1" "b\xc0\xd9\x20"
	    "b1234567890123456789012345678901\xcf\x80\x00\x00\x00\x00\x00\x00\x00";
	uint8_t copy[sizeof(whole)];
	size_t n;

	(void)state;
	assert_ok(check(LIT(whole)));
	for (n = 0; n < sizeof(whole) - 1; n++) {
		uint8_t *exact = malloc(n + 1);         /* so that one byte too far is seen */

		memcpy(exact, whole, n);
		assert_int_equal(check(kith_slice_of(exact, n)), KITH_E_MALFORMED);
		free(exact);
	}
	memcpy(copy, whole, sizeof(whole));
	assert_int_equal(check(kith_slice_of(copy, sizeof(whole))), KITH_E_MALFORMED);
	BAD("");
	assert_int_equal(check(kith_slice_of(NULL, 0)), KITH_E_MALFORMED);
}

static void
a_promise_of_more_than_is_there_costs_nothing(void **state)
{
	(void)state;
	BAD("\xdd\xff\xff\xff\xff");
	BAD("\xdf\xff\xff\xff\xff");
	BAD("\xdb\xff\xff\xff\xff");
	BAD("\xc6\xff\xff\xff\xff");
	BAD("\xdf\x80\x00\x00\x00\x00\x00");
	BAD("\x92\x92\x01\x01");                        /* each level alone has enough, together they have not */
	BAD("\x93\x93\x93\x01\x01\x01\x01");
	BAD("\x9f\x9f\x9f\x9f\x9f\x9f\x9f\x9f\x9f\x9f\x9f\x9f\x9f\x9f\x9f\x9f");
}

static void
keys_of_maps_ascend_and_do_not_repeat(void **state)
{
	(void)state;
	GOOD("\x82\x01\x00\x02\x00");
	GOOD("\x82\x7f\x00\xcc\x80\x00");
	GOOD("\x82\xa1" "a\x00\xa1" "b\x00");
	GOOD("\x82\xa1" "a\x00\xa2" "aa\x00");
	GOOD("\x82\xa2" "ab\x00\xa1" "b\x00");          /* by bytes, not by length */
	GOOD("\x82\xa0\x00\xa1" "a\x00");
	GOOD("\x82\xcf\xff\xff\xff\xff\xff\xff\xff\xff\x00\xa0\x00");  /* numbers first, then strings */
	BAD("\x82\x01\x00\x01\x00");
	BAD("\x82\x02\x00\x01\x00");
	BAD("\x82\xa1" "a\x00\xa1" "a\x00");
	BAD("\x82\xa1" "b\x00\xa1" "a\x00");
	BAD("\x82\xa1" "b\x00\xa2" "ab\x00");
	BAD("\x82\xa0\x00\x01\x00");
	BAD("\x83\x01\x00\x03\x00\x02\x00");
	GOOD("\x82\x01\x82\x05\x00\x06\x00\x02\x00");   /* each map has an order of its own */
	BAD("\x82\x01\x82\x05\x00\x05\x00\x02\x00");
	BAD("\x82\x02\x82\x05\x00\x06\x00\x01\x00");
}

static void
only_numbers_and_strings_are_keys(void **state)
{
	(void)state;
	BAD("\x81\xc0\x00");
	BAD("\x81\xc3\x00");
	BAD("\x81\xff\x00");
	BAD("\x81\xd0\x80\x00");
	BAD("\x81\xc4\x01x\x00");
	BAD("\x81\x90\x00");
	BAD("\x81\x80\x00");
	GOOD("\x81\x00\xff");
}

static void
strings_are_utf8_without_nul(void **state)
{
	(void)state;
	GOOD("\xa2\xc3\xbc");
	BAD("\xa1\xc3");
	BAD("\xa1\x00");
	BAD("\x81\xa1\x80\x00");
	GOOD("\xc4\x01\x80");
}

static void
nil_is_for_those_who_asked_for_it(void **state)
{
	(void)state;
	assert_ok(kith_mp_check(LIT("\x91\xc0"), &wide));
	assert_int_equal(kith_mp_check(LIT("\x91\xc0"), &no_nil), KITH_E_MALFORMED);
	assert_int_equal(kith_mp_check(LIT("\xc0"), &no_nil), KITH_E_MALFORMED);
	assert_ok(kith_mp_check(LIT("\x91\xc2"), &no_nil));
}

static void
depth_is_counted_by_arrays_and_maps_empty_ones_too(void **state)
{
	struct kith_mp_limits lim = { 0, 100, false };
	uint8_t b[64];
	size_t n;

	(void)state;
	assert_ok(kith_mp_check(LIT("\x05"), &lim));
	assert_int_equal(kith_mp_check(LIT("\x90"), &lim), KITH_E_LIMIT);
	assert_int_equal(kith_mp_check(LIT("\x80"), &lim), KITH_E_LIMIT);
	memset(b, 0x91, sizeof(b));
	for (n = 1; n <= 40; n++) {
		b[n] = 0x01;
		lim.depth = KITH_MP_DEPTH_MAX;
		assert_int_equal(kith_mp_check(kith_slice_of(b, n + 1), &lim),
		    n <= KITH_MP_DEPTH_MAX ? KITH_OK : KITH_E_LIMIT);
		b[n] = 0x80;
		lim.depth = 8;
		assert_int_equal(kith_mp_check(kith_slice_of(b, n + 1), &lim), n + 1 <= 8 ? KITH_OK : KITH_E_LIMIT);
		b[n] = 0x91;
	}
	lim.depth = 2;                                  /* coming up again makes room */
	assert_ok(kith_mp_check(LIT("\x93\x91\x01\x91\x01\x81\x01\x01"), &lim));
}

static void
values_are_counted_in_all(void **state)
{
	struct kith_mp_limits lim = { 8, 0, false };

	(void)state;
	assert_int_equal(kith_mp_check(LIT("\x01"), &lim), KITH_E_LIMIT);
	lim.values = 1;
	assert_ok(kith_mp_check(LIT("\x01"), &lim));
	assert_ok(kith_mp_check(LIT("\x90"), &lim));
	assert_int_equal(kith_mp_check(LIT("\x91\x01"), &lim), KITH_E_LIMIT);
	lim.values = 7;
	assert_ok(kith_mp_check(LIT("\x92\x82\x01\x01\x02\x02\x03"), &lim));
	lim.values = 6;
	assert_int_equal(kith_mp_check(LIT("\x92\x82\x01\x01\x02\x02\x03"), &lim), KITH_E_LIMIT);
}

/* ---- reading ---- */

static void
readers_give_back_what_writers_wrote(void **state)
{
	struct kith_id id = { { 1, 2, 3 } }, got;
	struct kith_mp_reader r;
	struct kith_buf b;
	uint8_t four[4];

	(void)state;
	kith_buf_init(&b, 0);
	kith_mp_put_array(&b, 13);
	kith_mp_put_nil(&b);
	kith_mp_put_bool(&b, true);
	kith_mp_put_bool(&b, false);
	kith_mp_put_uint(&b, UINT64_MAX);
	kith_mp_put_int(&b, INT64_MIN);
	kith_mp_put_int(&b, 5);
	kith_mp_put_cstr(&b, "text");
	kith_mp_put_bin(&b, LIT("\0\1\2\3"));
	kith_mp_put_id(&b, &id);
	kith_mp_put_id_or_none(&b, &kith_id_none);
	kith_mp_put_id_or_none(&b, &id);
	kith_mp_put_map(&b, 1);
	kith_mp_put_uint(&b, 7);
	kith_mp_put_raw(&b, LIT("\x92\x01\x02"));
	kith_mp_put_int(&b, -1);
	assert_ok(kith_buf_err(&b));
	assert_ok(check(kith_buf_slice(&b)));

	kith_mp_read(&r, kith_buf_slice(&b));
	assert_int_equal(kith_mp_peek(&r), KITH_MP_ARRAY);
	kith_mp_array_exact(&r, 13);
	assert_true(kith_mp_nil(&r));
	assert_false(kith_mp_nil(&r));
	assert_true(kith_mp_bool(&r));
	assert_false(kith_mp_bool(&r));
	assert_true(kith_mp_uint(&r) == UINT64_MAX);
	assert_true(kith_mp_int(&r) == INT64_MIN);
	assert_true(kith_mp_int(&r) == 5);
	assert_slice_equal(kith_mp_str(&r), "text", 4);
	kith_mp_bin_exact(&r, four, 4);
	assert_memory_equal(four, "\0\1\2\3", 4);
	got = kith_mp_id(&r);
	assert_true(kith_id_eq(&got, &id));
	got = kith_mp_id_or_none(&r);
	assert_true(kith_id_is_none(&got));
	got = kith_mp_id_or_none(&r);
	assert_true(kith_id_eq(&got, &id));
	assert_int_equal(kith_mp_map(&r), 1);
	assert_true(kith_mp_uint(&r) == 7);
	assert_slice_equal(kith_mp_skip(&r), "\x92\x01\x02", 3);
	assert_false(kith_mp_done(&r));
	assert_true(kith_mp_int(&r) == -1);
	assert_int_equal(kith_mp_peek(&r), KITH_MP_END);
	assert_true(kith_mp_done(&r));
	kith_buf_fini(&b);
}

static void
reading_another_type_fails_for_good(void **state)
{
	static const struct { const char *s; size_t n; enum kith_mp_type t; } v[] = {
		{ "\xc0", 1, KITH_MP_NIL }, { "\xc3", 1, KITH_MP_BOOL }, { "\x05", 1, KITH_MP_UINT }, { "\xff", 1, KITH_MP_INT },
		{ "\xa1x", 2, KITH_MP_STR }, { "\xc4\x01x", 3, KITH_MP_BIN }, { "\x90", 1, KITH_MP_ARRAY },
		{ "\x80", 1, KITH_MP_MAP },
	};
	struct kith_mp_reader r;
	size_t i;
	int t;

	(void)state;
	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		for (t = KITH_MP_NIL; t <= KITH_MP_MAP; t++) {
			kith_mp_read(&r, kith_slice_of(v[i].s, v[i].n));
			assert_int_equal(kith_mp_peek(&r), v[i].t);
			switch ((enum kith_mp_type)t) {
			case KITH_MP_NIL: (void)kith_mp_nil(&r); break;
			case KITH_MP_BOOL: (void)kith_mp_bool(&r); break;
			case KITH_MP_UINT: (void)kith_mp_uint(&r); break;
			case KITH_MP_INT: (void)kith_mp_int(&r); break;
			case KITH_MP_STR: (void)kith_mp_str(&r); break;
			case KITH_MP_BIN: (void)kith_mp_bin(&r); break;
			case KITH_MP_ARRAY: (void)kith_mp_array(&r); break;
			case KITH_MP_MAP: (void)kith_mp_map(&r); break;
			case KITH_MP_END: break;
			}
			if (t == (int)v[i].t || (t == KITH_MP_INT && v[i].t == KITH_MP_UINT)) {
				assert_true(kith_mp_done(&r));
				continue;
			}
			assert_false(kith_mp_done(&r));
			if (t == KITH_MP_NIL) {         /* nil asks, it does not demand */
				assert_ok(r.err);
				continue;
			}
			assert_int_equal(r.err, KITH_E_MALFORMED);
			assert_int_equal(kith_mp_peek(&r), KITH_MP_END);
			assert_int_equal(kith_mp_skip(&r).n, 0);
			assert_true(kith_mp_uint(&r) == 0);
			assert_int_equal(kith_mp_bin(&r).n, 0);
		}
	}
}

static void
sizes_and_ranges_that_differ_fail(void **state)
{
	struct kith_mp_reader r;
	uint8_t out[4] = { 9, 9, 9, 9 };

	(void)state;
	kith_mp_read(&r, LIT("\xc4\x03zzz"));
	kith_mp_bin_exact(&r, out, 4);
	assert_int_equal(r.err, KITH_E_MALFORMED);
	assert_int_equal(out[0], 9);
	kith_mp_bin_exact(&r, out, 0);                  /* after an error nothing is read */
	assert_int_equal(r.err, KITH_E_MALFORMED);
	kith_mp_read(&r, LIT("\xc4\x00"));
	kith_mp_bin_exact(&r, NULL, 0);
	assert_true(kith_mp_done(&r));
	kith_mp_read(&r, LIT("\xc4\x03zzz"));
	(void)kith_mp_id_or_none(&r);
	assert_int_equal(r.err, KITH_E_MALFORMED);
	kith_mp_read(&r, LIT("\x92\x01\x02"));
	kith_mp_array_exact(&r, 3);
	assert_int_equal(r.err, KITH_E_MALFORMED);
	kith_mp_array_exact(&r, 0);
	assert_int_equal(r.err, KITH_E_MALFORMED);
	kith_mp_read(&r, LIT("\xcf\x80\x00\x00\x00\x00\x00\x00\x00"));
	assert_true(kith_mp_int(&r) == 0);
	assert_int_equal(r.err, KITH_E_MALFORMED);
	kith_mp_read(&r, LIT("\xcf\x7f\xff\xff\xff\xff\xff\xff\xff"));
	assert_true(kith_mp_int(&r) == INT64_MAX);
	assert_true(kith_mp_done(&r));
}

static void
readers_stay_inside_bytes_that_nobody_checked(void **state)
{
	static const struct { const char *s; size_t n; } v[] = {
		{ "\xa5xy", 3 }, { "\xc4\x05xy", 4 }, { "\xdd\xff\xff\xff\xff", 5 }, { "\x95\x01", 2 }, { "\x82\x01", 2 },
		{ "\xcd\x01", 2 }, { "\x92\xa5xy", 4 }, { "\xc1", 1 },
	};
	struct kith_mp_reader r;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		struct kith_slice in = kith_slice_of(v[i].s, v[i].n);

		kith_mp_read(&r, in);
		assert_int_equal(kith_mp_skip(&r).n, 0);
		assert_int_equal(r.err, KITH_E_MALFORMED);
		kith_mp_read(&r, in);
		(void)kith_mp_str(&r);
		assert_int_equal(r.err, KITH_E_MALFORMED);
		kith_mp_read(&r, in);
		(void)kith_mp_bin(&r);
		assert_int_equal(r.err, KITH_E_MALFORMED);
		assert_int_equal(kith_mp_find(in, "x").n, 0);
	}
	kith_mp_read(&r, LIT("\xdd\xff\xff\xff\xff"));
	assert_int_equal(kith_mp_array(&r), 0);
	kith_mp_read(&r, LIT("\xdf\xff\xff\xff\xff"));
	assert_int_equal(kith_mp_map(&r), 0);
}

static void
values_are_found_by_key(void **state)
{
	struct kith_slice map = LIT("\x84\x01\xa1z\xa1" "a\x05\xa1" "b\x92\x01\x02\xa2" "ba\xc3");

	(void)state;
	assert_ok(check(map));
	assert_slice_equal(kith_mp_find(map, "a"), "\x05", 1);
	assert_slice_equal(kith_mp_find(map, "b"), "\x92\x01\x02", 3);
	assert_slice_equal(kith_mp_find(map, "ba"), "\xc3", 1);
	assert_int_equal(kith_mp_find(map, "c").n, 0);
	assert_int_equal(kith_mp_find(map, "").n, 0);
	assert_int_equal(kith_mp_find(LIT("\x92\xa1" "a\x01"), "a").n, 0);
	assert_int_equal(kith_mp_find(kith_slice_of(NULL, 0), "a").n, 0);
	/* not checked, and cut */
	assert_int_equal(kith_mp_find(LIT("\x82\xa1" "b"), "a").n, 0);
	assert_int_equal(kith_mp_find(LIT("\x82\xa1" "b\xd9\xff\xa1" "a\x01"), "a").n, 0);
}

/* ---- writing ---- */

static void
integers_are_written_in_their_shortest_form(void **state)
{
	struct kith_mp_reader r;
	struct kith_buf b;
	int bit, d;

	(void)state;
	kith_buf_init(&b, 0);
	for (bit = 0; bit < 64; bit++) {
		for (d = -2; d <= 2; d++) {
			uint64_t u = (UINT64_C(1) << bit) + (uint64_t)(int64_t)d;
			int64_t s = (int64_t)u;

			kith_buf_reset(&b);
			kith_mp_put_uint(&b, u);
			assert_ok(check(kith_buf_slice(&b)));
			kith_mp_read(&r, kith_buf_slice(&b));
			assert_true(kith_mp_uint(&r) == u);
			assert_true(kith_mp_done(&r));
			kith_buf_reset(&b);
			kith_mp_put_int(&b, s);
			assert_ok(check(kith_buf_slice(&b)));
			kith_mp_read(&r, kith_buf_slice(&b));
			assert_true(kith_mp_int(&r) == s);
			assert_true(kith_mp_done(&r));
			if (s == INT64_MIN)
				continue;
			kith_buf_reset(&b);
			kith_mp_put_int(&b, -s);
			assert_ok(check(kith_buf_slice(&b)));
			kith_mp_read(&r, kith_buf_slice(&b));
			assert_true(kith_mp_int(&r) == -s);
		}
	}
	kith_buf_fini(&b);
}

static void
strings_of_all_lengths_are_written_well(void **state)
{
	static const size_t sizes[] = { 0, 1, 31, 32, 255, 256, 65535, 65536, 100000 };
	static char text[100000];
	struct kith_mp_reader r;
	struct kith_buf b;
	size_t i;

	(void)state;
	memset(text, 'q', sizeof(text));
	kith_buf_init(&b, 0);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		kith_buf_reset(&b);
		kith_mp_put_array(&b, 2);
		kith_mp_put_str(&b, kith_slice_of(text, sizes[i]));
		kith_mp_put_bin(&b, kith_slice_of(text, sizes[i]));
		assert_ok(check(kith_buf_slice(&b)));
		kith_mp_read(&r, kith_buf_slice(&b));
		assert_int_equal(kith_mp_array(&r), 2);
		assert_slice_equal(kith_mp_str(&r), text, sizes[i]);
		assert_slice_equal(kith_mp_bin(&r), text, sizes[i]);
	}
	kith_buf_reset(&b);
	if (sizeof(size_t) > 4) {
		kith_mp_put_str(&b, kith_slice_of(text, (size_t)UINT32_MAX + 1));
		assert_int_equal(kith_buf_err(&b), KITH_E_LIMIT);
		kith_mp_put_bin(&b, kith_slice_of(text, (size_t)UINT32_MAX + 1));       /* the first error stays */
		assert_int_equal(kith_buf_err(&b), KITH_E_LIMIT);
	}
	kith_buf_fini(&b);
}

static void
counts_may_be_known_late(void **state)
{
	static const uint32_t sizes[] = { 0, 1, 15, 16, 65535, 65536 };
	const struct kith_mp_limits more = { 3, 300000, false };
	struct kith_buf early, late;
	size_t i, outer, inner;
	uint32_t k;

	(void)state;
	kith_buf_init(&early, 0);
	kith_buf_init(&late, 0);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		kith_buf_reset(&early);
		kith_buf_reset(&late);
		kith_mp_put_array(&early, 2);
		kith_mp_put_map(&early, sizes[i]);
		outer = kith_mp_begin(&late);
		inner = kith_mp_begin(&late);
		for (k = 0; k < sizes[i]; k++) {
			kith_mp_put_uint(&early, k);
			kith_mp_put_bool(&early, true);
			kith_mp_put_uint(&late, k);
			kith_mp_put_bool(&late, true);
		}
		kith_mp_end_map(&late, inner, sizes[i]);
		kith_mp_put_cstr(&early, "end");
		kith_mp_put_cstr(&late, "end");
		kith_mp_end_array(&late, outer, 2);
		assert_ok(kith_buf_err(&late));
		assert_true(kith_slice_eq(kith_buf_slice(&early), kith_buf_slice(&late)));
		assert_ok(kith_mp_check(kith_buf_slice(&late), &more));
	}
	kith_buf_fini(&early);
	kith_buf_fini(&late);
}

static void
write_sample(struct kith_buf *b)
{
	size_t mark = kith_mp_begin(b);
	uint32_t i;

	for (i = 0; i < 200; i++)
		kith_mp_put_uint(b, 100000 + i);
	kith_mp_end_array(b, mark, 200);
}

static void
without_memory_writers_keep_quiet_until_asked(void **state)
{
	struct kith_buf b;
	size_t n, max;

	(void)state;
	for (n = 1;; n++) {
		kith_buf_init(&b, 0);
		kith_test_fail_alloc(n);
		write_sample(&b);
		if (!kith_test_alloc_failed())
			break;
		assert_int_equal(kith_buf_err(&b), KITH_E_NOMEM);
		kith_buf_fini(&b);
	}
	assert_ok(check(kith_buf_slice(&b)));
	max = b.n;
	kith_buf_fini(&b);
	for (n = 1; n < max; n++) {                     /* the ceiling may be met at any byte, the last move included */
		kith_buf_init(&b, n);
		write_sample(&b);
		assert_int_equal(kith_buf_err(&b), KITH_E_LIMIT);
		assert_true(b.n <= n);
		kith_buf_fini(&b);
	}
}

/* ---- a second opinion ---- */

static uint64_t rnd_state;

static uint64_t
rnd(void)
{
	rnd_state ^= rnd_state << 13;
	rnd_state ^= rnd_state >> 7;
	rnd_state ^= rnd_state << 17;
	return rnd_state;
}

static void
random_value(struct kith_buf *b, unsigned depth)
{
	static const char text[] = "the quick brown fox jumps over the lazy dog and the rest of the animals of the wood";
	uint32_t i, n;

	switch (rnd() % (depth < 6 ? 9 : 7)) {
	case 0: kith_mp_put_nil(b); break;
	case 1: kith_mp_put_bool(b, rnd() % 2 != 0); break;
	case 2: kith_mp_put_uint(b, rnd() >> rnd() % 64); break;
	case 3: kith_mp_put_int(b, -(int64_t)(rnd() >> (1 + rnd() % 63))); break;
	case 4: kith_mp_put_str(b, kith_slice_of(text, rnd() % sizeof(text))); break;
	case 5: kith_mp_put_bin(b, kith_slice_of(text, rnd() % sizeof(text))); break;
	case 6: kith_mp_put_id(b, &(struct kith_id){ { (uint8_t)rnd() } }); break;
	case 7:
		n = (uint32_t)(rnd() % 20);
		kith_mp_put_array(b, n);
		for (i = 0; i < n; i++)
			random_value(b, depth + 1);
		break;
	default:
		n = (uint32_t)(rnd() % 20);
		kith_mp_put_map(b, n);
		for (i = 0; i < n; i++) {
			if (i < n / 2)
				kith_mp_put_uint(b, i * 40);
			else
				kith_mp_put_str(b, kith_slice_of("aaaaaaaaaaaaaaaaaaaaaaaa", i));
			random_value(b, depth + 1);
		}
	}
}

static void
msgpack_c_decodes_whole_what_the_check_accepts(void **state)
{
	struct kith_buf b;
	bool accepted;
	int i, k, taken = 0, refused = 0;

	(void)state;
	rnd_state = 88172645463325252;
	kith_buf_init(&b, 0);
	for (i = 0; i < 3000; i++) {
		kith_buf_reset(&b);
		random_value(&b, 0);
		if (b.n > 60000)
			continue;
		assert_null(kith_test_mp_oracle(kith_buf_slice(&b), &accepted));
		if (!accepted) {                        /* the text has NUL as its last byte */
			refused++;
			continue;
		}
		for (k = 0; k < 20; k++) {
			size_t at = (size_t)(rnd() % b.n);
			uint8_t was = b.p[at];

			b.p[at] = (uint8_t)rnd();
			assert_null(kith_test_mp_oracle(kith_buf_slice(&b), &accepted));
			taken += accepted;
			b.p[at] = was;
		}
	}
	kith_buf_fini(&b);
	assert_true(taken > 5000);
	assert_true(refused < 1000);
}

static void
all_short_inputs_agree_with_msgpack_c(void **state)
{
	uint8_t in[3];
	bool accepted;
	uint32_t v;

	(void)state;
	for (v = 0; v < 1u << 24; v += v < 1u << 16 ? 1 : 101) {
		in[0] = (uint8_t)v;
		in[1] = (uint8_t)(v >> 8);
		in[2] = (uint8_t)(v >> 16);
		assert_null(kith_test_mp_oracle(kith_slice_of(in, 1), &accepted));
		assert_null(kith_test_mp_oracle(kith_slice_of(in, 2), &accepted));
		assert_null(kith_test_mp_oracle(kith_slice_of(in, 3), &accepted));
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_of_value_is_taken_in_its_shortest_form),
		cmocka_unit_test(longer_forms_of_short_things_are_refused),
		cmocka_unit_test(lengths_change_their_form_at_the_right_number),
		cmocka_unit_test(large_maps_have_their_forms_too),
		cmocka_unit_test(floats_extensions_and_the_unused_byte_are_refused),
		cmocka_unit_test(nothing_may_be_missing_and_nothing_may_follow),
		cmocka_unit_test(a_promise_of_more_than_is_there_costs_nothing),
		cmocka_unit_test(keys_of_maps_ascend_and_do_not_repeat),
		cmocka_unit_test(only_numbers_and_strings_are_keys),
		cmocka_unit_test(strings_are_utf8_without_nul),
		cmocka_unit_test(nil_is_for_those_who_asked_for_it),
		cmocka_unit_test(depth_is_counted_by_arrays_and_maps_empty_ones_too),
		cmocka_unit_test(values_are_counted_in_all),
		cmocka_unit_test(readers_give_back_what_writers_wrote),
		cmocka_unit_test(reading_another_type_fails_for_good),
		cmocka_unit_test(sizes_and_ranges_that_differ_fail),
		cmocka_unit_test(readers_stay_inside_bytes_that_nobody_checked),
		cmocka_unit_test(values_are_found_by_key),
		cmocka_unit_test(integers_are_written_in_their_shortest_form),
		cmocka_unit_test(strings_of_all_lengths_are_written_well),
		cmocka_unit_test(counts_may_be_known_late),
		cmocka_unit_test(without_memory_writers_keep_quiet_until_asked),
		cmocka_unit_test(msgpack_c_decodes_whole_what_the_check_accepts),
		cmocka_unit_test(all_short_inputs_agree_with_msgpack_c),
	};

	return cmocka_run_group_tests_name("wire/mp", tests, NULL, NULL);
}
