#include "base/buf.h"

#include "tests/unit/fail_alloc.h"
#include "tests/unit/test.h"

static void
bytes_are_kept_in_order(void **state)
{
	struct kith_buf b;
	uint8_t *p;

	(void)state;
	kith_buf_init(&b, 0);
	assert_int_equal(kith_buf_slice(&b).n, 0);
	kith_buf_put(&b, "ab", 2);
	kith_buf_put(&b, NULL, 0);
	kith_buf_put_str(&b, "cd");
	kith_buf_put_slice(&b, LIT("ef"));
	kith_buf_put_u8(&b, 'g');
	p = kith_buf_room(&b, 2);
	memcpy(p, "hi", 2);
	assert_slice_equal(kith_buf_slice(&b), "abcdefghi", 9);
	kith_buf_drop(&b, 0);
	kith_buf_drop(&b, 4);
	assert_slice_equal(kith_buf_slice(&b), "efghi", 5);
	kith_buf_reset(&b);
	assert_int_equal(kith_buf_slice(&b).n, 0);
	kith_buf_fini(&b);
	kith_buf_fini(&b);
}

static void
printing_takes_short_and_long_text(void **state)
{
	struct kith_buf b;
	char longer[1000];

	(void)state;
	memset(longer, 'y', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	kith_buf_init(&b, 0);
	kith_buf_printf(&b, "%d-%s", 7, "seven");
	assert_slice_equal(kith_buf_slice(&b), "7-seven", 7);
	kith_buf_reset(&b);
	kith_buf_printf(&b, "%s", longer);
	assert_slice_equal(kith_buf_slice(&b), longer, 999);
	kith_buf_fini(&b);
}

static void
the_ceiling_holds_and_the_error_sticks(void **state)
{
	struct kith_buf b;
	size_t n;

	(void)state;
	kith_buf_init(&b, 10);
	kith_buf_put(&b, "0123456789", 10);
	assert_ok(kith_buf_err(&b));
	kith_buf_put_u8(&b, 'x');
	assert_int_equal(kith_buf_err(&b), KITH_E_LIMIT);
	assert_null(kith_buf_room(&b, 0));
	kith_buf_drop(&b, 10);
	kith_buf_put_u8(&b, 'x');
	assert_int_equal(b.n, 0);
	assert_null(kith_buf_take(&b, &n));
	kith_buf_reset(&b);
	assert_ok(kith_buf_err(&b));
	kith_buf_put_u8(&b, 'x');
	assert_int_equal(b.n, 1);
	assert_null(kith_buf_room(&b, SIZE_MAX));
	assert_int_equal(kith_buf_err(&b), KITH_E_LIMIT);
	kith_buf_fini(&b);
}

static void
taken_bytes_end_in_nul_and_leave_an_empty_buffer(void **state)
{
	struct kith_buf b;
	uint8_t *p;
	size_t n, len;

	(void)state;
	for (len = 0; len < 200; len++) {
		kith_buf_init(&b, 200);
		for (n = 0; n < len; n++)
			kith_buf_put_u8(&b, (uint8_t)n);
		p = kith_buf_take(&b, &n);
		assert_non_null(p);
		assert_int_equal(n, len);
		assert_int_equal(p[n], 0);
		assert_int_equal(b.n, 0);
		assert_null(b.p);
		assert_int_equal(b.max, 200);
		free(p);
		kith_buf_fini(&b);
	}
}

static void
without_memory_the_error_sticks_and_nothing_leaks(void **state)
{
	struct kith_buf b;
	char longer[600];
	uint8_t *p;
	size_t n, len;

	(void)state;
	memset(longer, 'z', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	for (n = 1;; n++) {
		kith_buf_init(&b, 0);
		kith_test_fail_alloc(n);
		kith_buf_put_str(&b, "first");
		kith_buf_printf(&b, "%s", longer);
		while (b.n < b.cap && b.err == KITH_OK)
			kith_buf_put_u8(&b, 0);
		p = kith_buf_take(&b, &len);
		if (!kith_test_alloc_failed()) {
			assert_non_null(p);
			free(p);
			break;
		}
		assert_null(p);
		assert_int_equal(kith_buf_err(&b), KITH_E_NOMEM);
		kith_buf_fini(&b);
	}
	assert_true(n > 3);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_are_kept_in_order),
		cmocka_unit_test(printing_takes_short_and_long_text),
		cmocka_unit_test(the_ceiling_holds_and_the_error_sticks),
		cmocka_unit_test(taken_bytes_end_in_nul_and_leave_an_empty_buffer),
		cmocka_unit_test(without_memory_the_error_sticks_and_nothing_leaks),
	};

	return cmocka_run_group_tests_name("base/buf", tests, NULL, NULL);
}
