#include "client/rate.h"

#include <stdio.h>

#include "tests/unit/test.h"

static const uint8_t key[16] = { 7 };
static const struct kith_rate_limit send = { .count = 5, .burst = 20, .per_ms = 1000 };

static struct kith_rates *
table(size_t n)
{
	struct kith_rates *r = kith_rates_new(n, key);

	assert_non_null(r);
	return r;
}

static void
a_burst_passes_and_then_the_rate_holds(void **state)
{
	struct kith_rates *r = table(64);
	uint64_t now = 1000000;

	(void)state;
	for (int i = 0; i < 20; i++)
		assert_int_equal(kith_rates_take(r, now, 1, LIT("ada"), &send), 0);
	assert_int_equal(kith_rates_take(r, now, 1, LIT("ada"), &send), 200);
	/* refused ones cost nothing */
	for (int i = 0; i < 100; i++)
		assert_true(kith_rates_take(r, now, 1, LIT("ada"), &send) > 0);
	assert_int_equal(kith_rates_take(r, now + 199, 1, LIT("ada"), &send), 1);
	assert_int_equal(kith_rates_take(r, now + 200, 1, LIT("ada"), &send), 0);
	assert_int_equal(kith_rates_take(r, now + 200, 1, LIT("ada"), &send), 200);
	kith_rates_free(r);
}

static void
over_a_long_time_it_is_the_average(void **state)
{
	struct kith_rates *r = table(64);
	unsigned granted = 0;

	(void)state;
	for (uint64_t now = 0; now < 100000; now += 10)
		granted += kith_rates_take(r, now, 1, LIT("ada"), &send) == 0;
	assert_in_range(granted, 500, 500 + 20);
	kith_rates_free(r);
}

static void
a_pause_gives_one_burst_and_no_more(void **state)
{
	struct kith_rates *r = table(64);
	unsigned granted = 0;

	(void)state;
	assert_int_equal(kith_rates_take(r, 0, 1, LIT("ada"), &send), 0);
	while (kith_rates_take(r, 1000000000, 1, LIT("ada"), &send) == 0)
		granted++;
	assert_int_equal(granted, 20);
	kith_rates_free(r);
}

static void
people_and_classes_do_not_share(void **state)
{
	static const struct kith_rate_limit once = { .count = 1, .burst = 1, .per_ms = 600000 };
	struct kith_rates *r = table(64);

	(void)state;
	assert_int_equal(kith_rates_take(r, 5, 1, LIT("ada"), &once), 0);
	assert_int_equal(kith_rates_take(r, 5, 1, LIT("ada"), &once), 600000);
	assert_int_equal(kith_rates_take(r, 5, 2, LIT("ada"), &once), 0);
	assert_int_equal(kith_rates_take(r, 5, 1, LIT("bob"), &once), 0);
	kith_rates_free(r);
}

static void
no_limit_is_no_limit(void **state)
{
	static const struct kith_rate_limit off = { .count = 0 };
	struct kith_rates *r = table(16);

	(void)state;
	for (int i = 0; i < 100000; i++)
		assert_int_equal(kith_rates_take(r, 5, 1, LIT("ada"), &off), 0);
	kith_rates_free(r);
}

static void
a_smaller_limit_counts_from_now_on(void **state)
{
	static const struct kith_rate_limit slow = { .count = 1, .burst = 2, .per_ms = 1000 };
	struct kith_rates *r = table(64);

	(void)state;
	for (int i = 0; i < 20; i++)
		assert_int_equal(kith_rates_take(r, 0, 1, LIT("ada"), &send), 0);
	assert_int_equal(kith_rates_take(r, 0, 1, LIT("ada"), &slow), 1000);
	assert_int_equal(kith_rates_take(r, 4000, 1, LIT("ada"), &slow), 0);
	kith_rates_free(r);
}

static void
a_full_table_forgets_in_their_favour_and_never_grows(void **state)
{
	static const struct kith_rate_limit once = { .count = 1, .burst = 1, .per_ms = 600000 };
	struct kith_rates *r = table(16);
	unsigned granted = 0;
	char who[32];

	(void)state;
	/* newcomers are always served, whatever others did */
	for (int i = 0; i < 100000; i++) {
		snprintf(who, sizeof(who), "%d", i);
		assert_int_equal(kith_rates_take(r, 5, 1, kith_slice_str(who), &once), 0);
	}
	/* those who came last are remembered */
	for (int i = 100000 - 4; i < 100000; i++) {
		snprintf(who, sizeof(who), "%d", i);
		granted += kith_rates_take(r, 5, 1, kith_slice_str(who), &once) == 0;
	}
	assert_in_range(granted, 0, 3);
	kith_rates_free(r);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_burst_passes_and_then_the_rate_holds),
		cmocka_unit_test(over_a_long_time_it_is_the_average),
		cmocka_unit_test(a_pause_gives_one_burst_and_no_more),
		cmocka_unit_test(people_and_classes_do_not_share),
		cmocka_unit_test(no_limit_is_no_limit),
		cmocka_unit_test(a_smaller_limit_counts_from_now_on),
		cmocka_unit_test(a_full_table_forgets_in_their_favour_and_never_grows),
	};

	return cmocka_run_group_tests_name("client/rate", tests, NULL, NULL);
}
