#include "daemon/ahead.h"

#include "base/out.h"
#include "daemon/memo.h"
#include "federation/frames.h"
#include "storage/ledger.h"
#include "tests/unit/group/town.h"
#include "wire/mp.h"

/* All that a house holds, as runs: one record each, since feeds do not matter here. */
static unsigned
check_all(struct house *h, const struct kith_env *env, bool spoil)
{
	uint64_t last = 0;
	unsigned good = 0;

	assert_ok(kith_ledger_last(h->t, &last));
	assert_true(last > 0);
	for (uint64_t pos = 1; pos <= last; pos++) {
		struct kith_ledger_record rec;
		struct kith_buf b;
		uint8_t sig[64];

		assert_ok(kith_ledger_get(h->t, pos, &rec));
		if (rec.sig.n > 0)
			memcpy(sig, rec.sig.p, rec.sig.n);
		sig[5] ^= spoil;
		kith_buf_init(&b, 0);
		kith_mp_put_array(&b, 5);
		kith_mp_put_uint(&b, 0);
		kith_mp_put_uint(&b, KITH_CL_HISTORY);
		kith_mp_put_id(&b, &h->town->group);
		kith_mp_put_uint(&b, 0);
		kith_mp_put_array(&b, 1);
		kith_mp_put_array(&b, 3);
		kith_mp_put_bin(&b, rec.header);
		kith_mp_put_bin(&b, kith_slice_of(sig, rec.sig.n));
		kith_mp_put_bin(&b, kith_slice_of(NULL, 0));
		assert_ok(kith_buf_err(&b));
		assert_ok(kith_frame_check(KITH_FR_RUN, kith_buf_slice(&b)));
		good += kith_ahead_check(env, h->t, KITH_FR_RUN, kith_buf_slice(&b));
		kith_buf_fini(&b);
	}
	return good;
}

static void
what_was_checked_ahead_is_known_afterwards(void **state)
{
	struct town *w;
	struct resident *ada;
	struct kith_memo *m = kith_memo_new();
	struct kith_env env;
	uint64_t checked, known;
	unsigned good;

	(void)town_setup_mem(state);
	w = town_new(1);
	ada = town_person(w, 0, "ada");
	town_found(w, ada, 0);
	for (int i = 0; i < 5; i++)
		(void)town_panel(w, 0, ada, false);
	assert_ok(kith_group_sign_tips(w->at[0].g, w->at[0].t));
	assert_non_null(m);
	kith_memo_env(m, &env);
	good = check_all(&w->at[0], &env, false);
	/* each of these acts bears its author's signature and its node's */
	assert_true(good >= 10);
	kith_memo_counters(m, &checked, &known);
	assert_int_equal(checked, good);
	assert_int_equal(check_all(&w->at[0], &env, false), good);
	kith_memo_counters(m, &checked, &known);
	assert_int_equal(known, good);
	/* bad ones are not counted, and not believed later */
	assert_true(check_all(&w->at[0], &env, true) < good);
	assert_int_equal(check_all(&w->at[0], &env, false), good);
	kith_memo_free(m);
	town_free(w);
}

static void
frames_that_are_no_good_are_left_to_the_engine(void **state)
{
	struct town *w;
	struct kith_memo *m = kith_memo_new();
	struct kith_env env;

	(void)town_setup_mem(state);
	w = town_new(1);
	assert_non_null(m);
	kith_memo_env(m, &env);
	assert_int_equal(kith_ahead_check(&env, w->at[0].t, KITH_FR_RUN, LIT("")), 0);
	assert_int_equal(kith_ahead_check(&env, w->at[0].t, KITH_FR_RUN, LIT("\x95\x00\x03")), 0);
	assert_int_equal(kith_ahead_check(&env, w->at[0].t, KITH_FR_PING, LIT("\x91\x00")), 0);
	kith_memo_free(m);
	town_free(w);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_checked_ahead_is_known_afterwards),
		cmocka_unit_test(frames_that_are_no_good_are_left_to_the_engine),
	};

	return cmocka_run_group_tests_name("daemon/ahead", tests, NULL, NULL);
}
