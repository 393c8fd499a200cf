#include "group/record.h"

#include "tests/unit/fail_alloc.h"
#include "tests/unit/kit.h"
#include "tests/unit/kit_ops.h"
#include "tests/unit/test.h"
#include "wire/mp.h"

/* Written, read, and written again. */
static int
there_and_back(uint32_t kind, const struct kith_op *o)
{
	struct kith_arena *a = kith_arena_new(1 << 16);
	struct kith_buf raw, again;
	struct kith_op got;
	int r;

	assert_non_null(a);
	kith_buf_init(&raw, 0);
	kith_buf_init(&again, 0);
	assert_ok(kith_op_make(o, &raw));
	r = kith_op_parse(kind, kith_buf_slice(&raw), a, &got);
	if (r == KITH_OK) {
		assert_int_equal(got.has, o->has);
		assert_ok(kith_op_make(&got, &again));
		assert_slice_equal(kith_buf_slice(&again), raw.p, raw.n);
	}
	kith_buf_fini(&raw);
	kith_buf_fini(&again);
	kith_arena_free(a);
	return r;
}

static void
what_the_page_lists_is_read(void **state)
{
	const struct kit_op *k;
	struct kith_op o;

	(void)state;
	for (k = kit_ops; k->name != NULL; k++) {
		kit_op_fill(&o, k->kind, k->has);
		if (there_and_back(k->kind, &o) != KITH_OK)
			fail_msg("%s", k->name);
	}
}

static void
a_field_too_few_or_too_many_is_refused(void **state)
{
	const struct kit_op *k, *x;
	uint64_t must, may;
	struct kith_op o;
	unsigned f;

	(void)state;
	for (k = kit_ops; k->name != NULL; k++) {
		must = UINT64_MAX;
		may = 0;
		for (x = kit_ops; x->name != NULL; x++)
			if (x->kind == k->kind) {
				must &= x->has;
				may |= x->has;
			}
		for (f = 1; f < KITH_OP_MAX_; f++) {
			uint64_t bit = KITH_OP_BIT(f);

			if ((must & bit) == 0 && (may & bit) != 0)
				continue;
			kit_op_fill(&o, k->kind, k->has ^ bit);
			if ((o.has & KITH_OP_BIT(KITH_OP_SIGS)) != 0 && o.sigs.n == 0)
				o.sigs = LIT("\x90");
			if (there_and_back(k->kind, &o) != KITH_E_MALFORMED)
				fail_msg("%s with or without field %u", k->name, f);
		}
	}
}

static void
fields_come_out_as_they_went_in(void **state)
{
	struct kith_arena *a = kith_arena_new(1 << 16);
	struct kith_buf raw;
	struct kith_op o, got;

	(void)state;
	assert_non_null(a);
	kith_buf_init(&raw, 0);
	kit_op_fill(&o, KITH_K_ROLE_CREATE,
	    KITH_OP_BIT(KITH_OP_LEVEL) | KITH_OP_BIT(KITH_OP_PERMS) | KITH_OP_BIT(KITH_OP_MAY));
	o.level = INT64_MIN;
	assert_ok(kith_op_make(&o, &raw));
	assert_ok(kith_op_parse(KITH_K_ROLE_CREATE, kith_buf_slice(&raw), a, &got));
	assert_true(got.level == INT64_MIN);
	assert_int_equal(got.n_perms, 2);
	assert_true(kith_slice_is(got.perms[0], "message.remove"));
	assert_true(kith_slice_is(got.perms[1], "panel.view"));
	assert_int_equal(got.n_may, 3);
	kith_buf_reset(&raw);
	kit_op_fill(&o, KITH_K_BAN, KITH_OP_BIT(KITH_OP_USERS) | KITH_OP_BIT(KITH_OP_CUT) | KITH_OP_BIT(KITH_OP_UNTIL));
	assert_ok(kith_op_make(&o, &raw));
	assert_ok(kith_op_parse(KITH_K_BAN, kith_buf_slice(&raw), a, &got));
	assert_int_equal(got.n_users, 2);
	assert_memory_equal(got.users, o.users, 2 * sizeof(o.users[0]));
	assert_true(kith_id_eq(&got.cut, &o.cut));
	assert_int_equal(got.until_ms, o.until_ms);
	kith_buf_fini(&raw);
	kith_arena_free(a);
}

static void
a_byte_changed_is_refused_or_read_as_it_is(void **state)
{
	const struct kit_op *k;
	struct kith_arena *a = kith_arena_new(1 << 16);
	struct kith_buf raw, again;
	struct kith_op o;
	size_t i, bit;

	(void)state;
	assert_non_null(a);
	kith_buf_init(&raw, 0);
	kith_buf_init(&again, 0);
	for (k = kit_ops; k->name != NULL; k++) {
		kith_buf_reset(&raw);
		kit_op_fill(&o, k->kind, k->has);
		assert_ok(kith_op_make(&o, &raw));
		for (i = 0; i < raw.n; i++)
			for (bit = 0; bit < 8; bit++) {
				raw.p[i] ^= (uint8_t)(1u << bit);
				kith_arena_reset(a);
				kith_buf_reset(&again);
				if (kith_op_parse(k->kind, kith_buf_slice(&raw), a, &o) == KITH_OK) {
					assert_ok(kith_op_make(&o, &again));
					assert_slice_equal(kith_buf_slice(&again), raw.p, raw.n);
				}
				raw.p[i] ^= (uint8_t)(1u << bit);
			}
	}
	kith_buf_fini(&raw);
	kith_buf_fini(&again);
	kith_arena_free(a);
}

static void
an_unknown_kind_says_nothing(void **state)
{
	struct kith_arena *a = kith_arena_new(1 << 16);
	struct kith_op o;

	(void)state;
	assert_non_null(a);
	assert_ok(kith_op_parse(30, LIT("\x81\xa1x\x00"), a, &o));
	assert_true(o.has == 0);
	kith_arena_free(a);
}

static void
implicit_roles_are_three(void **state)
{
	struct kith_id id = kit_id("role"), four = kith_role_follower;

	(void)state;
	four.b[31] = 4;
	assert_true(kith_role_is_implicit(&kith_role_member));
	assert_true(kith_role_is_implicit(&kith_role_guest));
	assert_true(kith_role_is_implicit(&kith_role_follower));
	assert_false(kith_role_is_implicit(&kith_id_none));
	assert_false(kith_role_is_implicit(&four));
	assert_false(kith_role_is_implicit(&id));
}

static void
reading_survives_a_lack_of_memory(void **state)
{
	struct kith_arena *a;
	struct kith_buf raw;
	struct kith_op o;

	(void)state;
	kith_buf_init(&raw, 0);
	kit_op_fill(&o, KITH_K_BAN, KITH_OP_BIT(KITH_OP_USERS) | KITH_OP_BIT(KITH_OP_CUT));
	assert_ok(kith_op_make(&o, &raw));
	a = kith_arena_new(1 << 16);
	assert_non_null(a);
	kith_test_fail_alloc(1);
	if (kith_op_parse(KITH_K_BAN, kith_buf_slice(&raw), a, &o) != KITH_OK)
		assert_true(kith_test_alloc_failed());
	else
		assert_false(kith_test_alloc_failed());
	kith_arena_free(a);
	a = kith_arena_new(16);                 /* too small for two ids */
	assert_non_null(a);
	assert_int_equal(kith_op_parse(KITH_K_BAN, kith_buf_slice(&raw), a, &o), KITH_E_NOMEM);
	kith_arena_free(a);
	kith_buf_fini(&raw);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_page_lists_is_read),
		cmocka_unit_test(a_field_too_few_or_too_many_is_refused),
		cmocka_unit_test(fields_come_out_as_they_went_in),
		cmocka_unit_test(a_byte_changed_is_refused_or_read_as_it_is),
		cmocka_unit_test(an_unknown_kind_says_nothing),
		cmocka_unit_test(implicit_roles_are_three),
		cmocka_unit_test(reading_survives_a_lack_of_memory),
	};

	(void)kit_env();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
