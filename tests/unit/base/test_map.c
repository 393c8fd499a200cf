#include "base/map.h"

#include <stdio.h>

#include "tests/unit/fail_alloc.h"
#include "tests/unit/test.h"

static struct kith_slice
key(int i, char out[80])
{
	/* every other one too long to lie in the entry */
	return kith_slice_of(out, (size_t)snprintf(out, 80, i % 2 == 0 ? "k%d" : "k%070d", i));
}

static void *
val(int i)
{
	return (void *)(uintptr_t)(i + 1);
}

static void
a_map_gives_back_what_was_put(void **state)
{
	struct kith_map *m = kith_map_new();
	char k[80];
	void *old = val(99);
	int i;

	(void)state;
	assert_null(kith_map_get(m, LIT("none")));
	assert_null(kith_map_del(m, LIT("none")));
	for (i = 0; i < 5000; i++)
		assert_ok(kith_map_put(m, key(i, k), val(i), &old));
	assert_null(old);
	assert_int_equal(kith_map_count(m), 5000);
	for (i = 0; i < 5000; i++)
		assert_ptr_equal(kith_map_get(m, key(i, k)), val(i));
	assert_ok(kith_map_put(m, key(7, k), val(70), &old));
	assert_ptr_equal(old, val(7));
	assert_int_equal(kith_map_count(m), 5000);
	assert_ptr_equal(kith_map_get(m, key(7, k)), val(70));
	assert_ok(kith_map_put(m, LIT(""), val(1), NULL));              /* the empty key is a key */
	assert_ptr_equal(kith_map_get(m, kith_slice_of(NULL, 0)), val(1));
	kith_map_free(m, NULL);
	kith_map_free(NULL, NULL);
}

static void
iteration_keeps_the_order_of_insertion_across_deletions(void **state)
{
	struct kith_map *m = kith_map_new();
	struct kith_slice k;
	char text[80];
	void *v;
	size_t it;
	int i, n;

	(void)state;
	for (i = 0; i < 1000; i++)
		assert_ok(kith_map_put(m, key(i, text), val(i), NULL));
	for (it = 0, i = 0; kith_map_next(m, &it, &k, &v); i++) {      /* deleting the current one on the way */
		assert_ptr_equal(v, val(i));
		assert_true(kith_slice_eq(k, key(i, text)));
		if (i % 3 != 0)
			assert_ptr_equal(kith_map_del(m, key(i, text)), val(i));
	}
	assert_int_equal(i, 1000);
	for (i = 1000; i < 3000; i++)                                   /* this builds the table anew */
		assert_ok(kith_map_put(m, key(i, text), val(i), NULL));
	assert_ok(kith_map_put(m, key(1, text), val(1), NULL));         /* back again: now the last */
	for (it = 0, i = 0, n = 0; kith_map_next(m, &it, NULL, &v); n++) {
		assert_ptr_equal(v, i < 3000 ? val(i) : val(1));
		i += i < 999 ? 3 : 1;
	}
	assert_false(kith_map_next(m, &it, &k, &v));
	assert_int_equal(n, 334 + 2000 + 1);
	assert_int_equal(kith_map_count(m), n);
	kith_map_free(m, NULL);
}

static void
a_queue_in_a_map_does_not_grow(void **state)
{
	struct kith_map *m = kith_map_new();
	struct kith_slice k;
	char text[80];
	void *v;
	size_t it;
	int i;

	(void)state;
	for (i = 0; i < 200000; i++) {
		assert_ok(kith_map_put(m, key(i, text), val(i), NULL));
		if (i < 10)
			continue;
		it = 0;
		assert_true(kith_map_next(m, &it, &k, &v));
		assert_ptr_equal(v, val(i - 10));
		assert_true(it < 1000);                                 /* the table was built anew in place, not doubled */
		assert_ptr_equal(kith_map_del(m, key(i - 10, text)), v);
	}
	assert_int_equal(kith_map_count(m), 10);
	kith_map_free(m, NULL);
}

static int freed;

static void
count_free(void *v)
{
	freed++;
	free(v);
}

static void
values_are_freed_with_the_map(void **state)
{
	struct kith_map *m = kith_map_new();
	char text[80];
	int i;

	(void)state;
	for (i = 0; i < 20; i++)
		assert_ok(kith_map_put(m, key(i, text), malloc(1), NULL));
	free(kith_map_del(m, key(3, text)));
	kith_map_free(m, count_free);
	assert_int_equal(freed, 19);
}

static void
another_seed_gives_another_table_and_the_same_answers(void **state)
{
	static const uint8_t seed[16] = "0123456789abcde", zero[16];
	struct kith_map *m;
	char text[80];
	int i;

	(void)state;
	kith_map_seed(seed);
	m = kith_map_new();
	for (i = 0; i < 300; i++)
		assert_ok(kith_map_put(m, key(i, text), val(i), NULL));
	for (i = 0; i < 300; i++)
		assert_ptr_equal(kith_map_get(m, key(i, text)), val(i));
	kith_map_free(m, NULL);
	kith_map_seed(zero);
}

static void
without_memory_a_put_changes_nothing(void **state)
{
	struct kith_map *m;
	char text[80];
	size_t n;
	int i, r;

	(void)state;
	for (n = 1;; n++) {
		m = kith_map_new();
		assert_non_null(m);
		kith_test_fail_alloc(n);
		for (i = 0, r = KITH_OK; i < 40 && r == KITH_OK; i++)
			r = kith_map_put(m, key(i, text), val(i), NULL);
		if (!kith_test_alloc_failed()) {
			assert_ok(r);
			kith_map_free(m, NULL);
			break;
		}
		assert_int_equal(r, KITH_E_NOMEM);
		assert_int_equal(kith_map_count(m), i - 1);
		assert_null(kith_map_get(m, key(i - 1, text)));
		assert_ok(kith_map_put(m, key(i - 1, text), val(i - 1), NULL));
		for (; i > 0; i--)
			assert_ptr_equal(kith_map_get(m, key(i - 1, text)), val(i - 1));
		kith_map_free(m, NULL);
	}
	kith_test_fail_alloc(1);
	assert_null(kith_map_new());
	assert_true(kith_test_alloc_failed());
}

static void
a_vector_grows_and_survives_a_failed_growth(void **state)
{
	KITH_VEC(uint32_t) v = { NULL, 0, 0 };
	uint32_t i;
	void *p = NULL;
	size_t n = SIZE_MAX / 2 + 1, cap = n;

	(void)state;
	for (i = 0; i < 100; i++)
		assert_ok(kith_vec_push(&v, i * i));
	for (i = 0; i < 100; i++)
		assert_int_equal(v.v[i], i * i);
	while (v.n < v.cap)
		assert_ok(kith_vec_push(&v, 1));
	i = (uint32_t)v.n;
	kith_test_fail_alloc(1);
	assert_int_equal(kith_vec_push(&v, 2), KITH_E_NOMEM);
	assert_true(kith_test_alloc_failed());
	assert_int_equal(v.n, i);
	assert_ok(kith_vec_grow(&v));
	assert_int_equal(v.n, i + 1);
	kith_vec_fini(&v);
	assert_null(v.v);
	assert_int_equal(kith_vec_grow_(&p, &n, &cap, 1), KITH_E_NOMEM);        /* more than there are bytes */
	n = cap = SIZE_MAX / 8;
	assert_int_equal(kith_vec_grow_(&p, &n, &cap, 8), KITH_E_NOMEM);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_map_gives_back_what_was_put),
		cmocka_unit_test(iteration_keeps_the_order_of_insertion_across_deletions),
		cmocka_unit_test(a_queue_in_a_map_does_not_grow),
		cmocka_unit_test(values_are_freed_with_the_map),
		cmocka_unit_test(another_seed_gives_another_table_and_the_same_answers),
		cmocka_unit_test(without_memory_a_put_changes_nothing),
		cmocka_unit_test(a_vector_grows_and_survives_a_failed_growth),
	};

	return cmocka_run_group_tests_name("base/map", tests, NULL, NULL);
}
