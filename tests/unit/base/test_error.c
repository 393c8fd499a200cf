#include "base/error.h"

#include "tests/unit/test.h"

static void
every_code_has_a_name_of_its_own(void **state)
{
	int a, b;

	(void)state;
	for (a = KITH_E_CORRUPT; a <= KITH_OK; a++) {
		assert_string_not_equal(kith_err_name(a), "unknown");
		for (b = KITH_E_CORRUPT; b < a; b++)
			assert_string_not_equal(kith_err_name(a), kith_err_name(b));
	}
	assert_string_equal(kith_err_name(KITH_E_CORRUPT - 1), "unknown");
	assert_string_equal(kith_err_name(1), "unknown");
}

static void
a_diagnosis_is_cut_to_its_room(void **state)
{
	struct kith_diag d;
	char longer[2 * sizeof(d.text)];

	(void)state;
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	kith_diag_set(&d, "%s %d", "line", 3);
	assert_string_equal(d.text, "line 3");
	kith_diag_set(&d, "%s", longer);
	assert_int_equal(strlen(d.text), sizeof(d.text) - 1);
	kith_diag_set(NULL, "nobody listens");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code_has_a_name_of_its_own),
		cmocka_unit_test(a_diagnosis_is_cut_to_its_room),
	};

	return cmocka_run_group_tests_name("base/error", tests, NULL, NULL);
}
