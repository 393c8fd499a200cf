#include <semaphore.h>
#include <stdatomic.h>

#include "daemon/edge.h"
#include "daemon/log.h"
#include "daemon/memo.h"
#include "daemon/pool.h"
#include "daemon/ticket.h"
#include "tests/unit/kit.h"
#include "tests/unit/test.h"

/* ---- pool ---- */

static sem_t gate;
static atomic_int done, told;

static void
job(void *arg, bool run)
{
	(void)arg;
	if (run) {
		sem_wait(&gate);
		atomic_fetch_add(&done, 1);
	} else {
		atomic_fetch_add(&told, 1);
	}
}

static void
a_pool_runs_so_many_and_keeps_so_many_waiting(void **state)
{
	struct kith_pool *p = kith_pool_new("test", 2, 3);
	int taken = 0;

	(void)state;
	assert_non_null(p);
	sem_init(&gate, 0, 0);
	atomic_store(&done, 0);
	atomic_store(&told, 0);
	/* how fast the threads pick up is theirs: at most five are in, at least three */
	while (taken < 10 && kith_pool_submit(p, job, NULL) == KITH_OK)
		taken++;
	assert_in_range(taken, 3, 5);
	assert_int_equal(kith_pool_submit(p, job, NULL) == KITH_OK ? ++taken <= 5 : 1, 1);
	for (int i = 0; i < taken; i++)
		sem_post(&gate);
	kith_pool_free(p);
	assert_int_equal(atomic_load(&done) + atomic_load(&told), taken);
	sem_destroy(&gate);
}

/* ---- tickets ---- */

static void
a_ticket_is_good_once_and_for_thirty_seconds(void **state)
{
	struct kith_tickets *t = kith_tickets_new();
	struct kith_session s, out;
	struct kith_id secret = kit_id("secret");
	char text[KITH_ID_STR];

	(void)state;
	assert_non_null(t);
	memset(&s, 0, sizeof(s));
	s.uid = kit_id("ada");
	kith_tickets_add(t, 1000, &s, &secret, text);
	assert_int_equal(kith_tickets_take(t, 1000, LIT("nonsense"), &out), KITH_E_NOTFOUND);
	assert_ok(kith_tickets_take(t, 1000 + KITH_TICKET_MS - 1, kith_slice_str(text), &out));
	assert_true(kith_id_eq(&out.uid, &s.uid));
	assert_int_equal(kith_tickets_take(t, 1001, kith_slice_str(text), &out), KITH_E_NOTFOUND);
	kith_tickets_add(t, 1000, &s, &secret, text);
	assert_int_equal(kith_tickets_take(t, 1000 + KITH_TICKET_MS, kith_slice_str(text), &out), KITH_E_NOTFOUND);
	kith_tickets_free(t);
}

static void
when_there_are_too_many_the_oldest_goes(void **state)
{
	struct kith_tickets *t = kith_tickets_new();
	struct kith_session s, out;
	char first[KITH_ID_STR], text[KITH_ID_STR];

	(void)state;
	assert_non_null(t);
	memset(&s, 0, sizeof(s));
	for (unsigned i = 0; i < 1025; i++) {
		struct kith_id secret;

		kith_hash(KITH_L_OBJECT, kith_slice_of(&i, sizeof(i)), &secret);
		kith_tickets_add(t, 1000 + i, &s, &secret, i == 0 ? first : text);
	}
	assert_int_equal(kith_tickets_take(t, 2100, kith_slice_str(first), &out), KITH_E_NOTFOUND);
	assert_ok(kith_tickets_take(t, 2100, kith_slice_str(text), &out));
	kith_tickets_free(t);
}

/* ---- the log ---- */

static void
strangers_text_is_made_harmless(void **state)
{
	static const struct { struct kith_slice in; const char *out; } v[] = {
		{ { (const uint8_t *)"plain", 5 }, "\"plain\"" },
		{ { (const uint8_t *)"a\nb\x1b[31m", 8 }, "\"a\\x0ab\\x1b[31m\"" },
		{ { (const uint8_t *)"h\xc3\xa9", 3 }, "\"h\xc3\xa9\"" },
		{ { (const uint8_t *)"\xff\xc3", 2 }, "\"\\xff\\xc3\"" },
		{ { (const uint8_t *)"\xe2\x80\xae", 3 }, "\"\\xe2\\x80\\xae\"" },
		{ { (const uint8_t *)"\xc2\x9b", 2 }, "\"\\xc2\\x9b\"" },
		{ { (const uint8_t *)"\0", 1 }, "\"\\x00\"" },
	};
	struct kith_quoted q;
	char longer[1000];

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		assert_string_equal(kith_quote(&q, v[i].in), v[i].out);
	memset(longer, 'x', sizeof(longer));
	assert_true(strlen(kith_quote(&q, kith_slice_of(longer, sizeof(longer)))) <= 258);
	assert_non_null(strstr(q.s, "...\""));
	memset(longer, 1, sizeof(longer));
	assert_true(strlen(kith_quote(&q, kith_slice_of(longer, sizeof(longer)))) <= 258);
}

/* ---- the memo ---- */

static void
a_good_signature_is_remembered_and_a_bad_one_is_not(void **state)
{
	struct kith_memo *m = kith_memo_new();
	struct kith_env env;
	uint64_t checked, known;
	uint8_t sig[KITH_SIG_BYTES];

	(void)state;
	assert_non_null(m);
	(void)kit_env();
	kith_memo_env(m, &env);
	kith_sign(kit_key("ada"), KITH_L_TIP, LIT("hello"), sig);
	assert_ok(env.verify(env.ctx, kit_pk("ada"), KITH_L_TIP, LIT("hello"), sig));
	assert_ok(env.verify(env.ctx, kit_pk("ada"), KITH_L_TIP, LIT("hello"), sig));
	kith_memo_counters(m, &checked, &known);
	assert_int_equal(checked, 1);
	assert_int_equal(known, 1);
	/* any other input is another question */
	assert_int_equal(env.verify(env.ctx, kit_pk("ada"), KITH_L_AUTHOR, LIT("hello"), sig), KITH_E_BADSIG);
	assert_int_equal(env.verify(env.ctx, kit_pk("bob"), KITH_L_TIP, LIT("hello"), sig), KITH_E_BADSIG);
	assert_int_equal(env.verify(env.ctx, kit_pk("ada"), KITH_L_TIP, LIT("hellp"), sig), KITH_E_BADSIG);
	sig[0] ^= 1;
	assert_int_equal(env.verify(env.ctx, kit_pk("ada"), KITH_L_TIP, LIT("hello"), sig), KITH_E_BADSIG);
	assert_int_equal(env.verify(env.ctx, kit_pk("ada"), KITH_L_TIP, LIT("hello"), sig), KITH_E_BADSIG);
	kith_memo_counters(m, &checked, &known);
	assert_int_equal(known, 1);
	kith_memo_free(m);
}

/* ---- the page ---- */

static void
names_on_the_page_are_escaped(void **state)
{
	struct kith_node_conf conf;
	struct kith_buf b;

	(void)state;
	memset(&conf, 0, sizeof(conf));
	strcpy(conf.name, "<script>\"&");
	strcpy(conf.url, "http://127.0.0.1:7370");
	for (int invite = 0; invite <= 1; invite++) {
		kith_buf_init(&b, 0);
		kith_page_write(&conf, invite != 0, &b);
		kith_buf_put_u8(&b, 0);
		assert_ok(kith_buf_err(&b));
		assert_null(strstr((const char *)b.p, "<script"));
		assert_non_null(strstr((const char *)b.p, "&lt;script&gt;&quot;&amp;"));
		assert_non_null(strstr((const char *)b.p, invite ? "kith join" : "/api/docs"));
		kith_buf_fini(&b);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pool_runs_so_many_and_keeps_so_many_waiting),
		cmocka_unit_test(a_ticket_is_good_once_and_for_thirty_seconds),
		cmocka_unit_test(when_there_are_too_many_the_oldest_goes),
		cmocka_unit_test(strangers_text_is_made_harmless),
		cmocka_unit_test(a_good_signature_is_remembered_and_a_bad_one_is_not),
		cmocka_unit_test(names_on_the_page_are_escaped),
	};

	return cmocka_run_group_tests_name("daemon/parts", tests, NULL, NULL);
}
