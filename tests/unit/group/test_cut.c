#include "group/cut.h"

#include "crypto/sign.h"
#include "group/record.h"
#include "tests/unit/fail_alloc.h"
#include "tests/unit/kit.h"
#include "tests/unit/test.h"

#define N 200

static struct kith_cut_tip tip;
static struct kith_cut_feed feeds[N];

/* N feeds, in order: numbers for scopes, nodes and incarnations. */
static struct kith_cut
sample(void)
{
	struct kith_cut c = { .feed = feeds, .n_feeds = N };
	size_t i;

	tip = (struct kith_cut_tip){ KITH_SEQ_MAX, kit_id("tip") };
	memset(feeds, 0, sizeof(feeds));
	for (i = 0; i < N; i++) {
		feeds[i].scope.b[31] = (uint8_t)(1 + i / 50);
		feeds[i].node.b[0] = (uint8_t)(1 + i / 5 % 10);
		feeds[i].incarnation = (i % 5) << 40;
		feeds[i].tip = &tip;
		feeds[i].n_tips = 1;
	}
	return c;
}

static void
every_feed_named_is_found_and_no_other(void **state)
{
	struct kith_arena *a = kith_arena_new(1 << 20);
	struct kith_cut c = sample(), got;
	const struct kith_cut_feed *f;
	struct kith_id id, h, other = kit_id("other");
	struct kith_buf raw;
	size_t i;

	(void)state;
	assert_non_null(a);
	kith_buf_init(&raw, 0);
	assert_ok(kith_cut_make(&c, &raw, &id));
	kith_hash(KITH_L_CUT, kith_buf_slice(&raw), &h);
	assert_true(kith_id_eq(&id, &h));
	assert_ok(kith_cut_parse(kith_buf_slice(&raw), a, &got));
	assert_int_equal(got.n_feeds, N);
	for (i = 0; i < N; i++) {
		f = kith_cut_find(&got, &feeds[i].scope, &feeds[i].node, feeds[i].incarnation);
		assert_ptr_equal(f, &got.feed[i]);
		assert_int_equal(f->n_tips, 1);
		assert_int_equal(f->tip[0].seq, KITH_SEQ_MAX);
		assert_true(kith_id_eq(&f->tip[0].id, &tip.id));
		assert_null(kith_cut_find(&got, &feeds[i].scope, &feeds[i].node, feeds[i].incarnation + 1));
		assert_null(kith_cut_find(&got, &feeds[i].scope, &other, feeds[i].incarnation));
		assert_null(kith_cut_find(&got, &other, &feeds[i].node, feeds[i].incarnation));
	}
	kith_buf_fini(&raw);
	kith_arena_free(a);
}

static void
the_empty_cut_is_five_bytes(void **state)
{
	struct kith_arena *a = kith_arena_new(1 << 12);
	struct kith_cut c = { .feed = NULL }, got;
	struct kith_buf raw;
	struct kith_id id;

	(void)state;
	assert_non_null(a);
	kith_buf_init(&raw, 0);
	assert_ok(kith_cut_make(&c, &raw, &id));
	assert_slice_equal(kith_buf_slice(&raw), "\x94\x01\x90\x90\x90", 5);
	assert_ok(kith_cut_parse(kith_buf_slice(&raw), a, &got));
	assert_null(kith_cut_find(&got, &kith_scope_roster, &tip.id, 0));
	kith_buf_fini(&raw);
	kith_arena_free(a);
}

static void
what_is_out_of_order_is_not_written(void **state)
{
	struct kith_cut_tip tips[KITH_CUT_TIPS_MAX + 1];
	struct kith_id two[2] = { kit_id("x"), kit_id("x") }, id;
	struct kith_cut_part parts[2] = { { kit_id("p"), kit_id("h") }, { kit_id("p"), kit_id("i") } };
	struct kith_cut c = sample();
	struct kith_buf out;
	size_t i;

	(void)state;
	kith_buf_init(&out, 0);
	kith_buf_put_str(&out, "before");
	feeds[1].incarnation = feeds[0].incarnation;
	assert_int_equal(kith_cut_make(&c, &out, &id), KITH_E_MALFORMED);
	c = sample();
	feeds[0].scope = kith_scope_authority;
	assert_int_equal(kith_cut_make(&c, &out, &id), KITH_E_MALFORMED);
	c = sample();
	feeds[3].n_tips = 0;
	assert_int_equal(kith_cut_make(&c, &out, &id), KITH_E_MALFORMED);
	c = sample();
	tip.seq++;
	assert_int_equal(kith_cut_make(&c, &out, &id), KITH_E_MALFORMED);
	c = sample();
	c.n_feeds = 1;
	for (i = 0; i < KITH_CUT_TIPS_MAX + 1; i++)
		tips[i] = (struct kith_cut_tip){ i, tip.id };
	feeds[0].tip = tips;
	feeds[0].n_tips = KITH_CUT_TIPS_MAX + 1;
	assert_int_equal(kith_cut_make(&c, &out, &id), KITH_E_LIMIT);
	feeds[0].n_tips = KITH_CUT_TIPS_MAX;
	tips[1].seq = 0;                        /* twice the same */
	assert_int_equal(kith_cut_make(&c, &out, &id), KITH_E_MALFORMED);
	c.n_feeds = 0;
	c.unheld = two;
	c.n_unheld = 2;
	assert_int_equal(kith_cut_make(&c, &out, &id), KITH_E_MALFORMED);
	c.n_unheld = 1;
	c.part = parts;
	c.n_parts = 2;
	assert_int_equal(kith_cut_make(&c, &out, &id), KITH_E_MALFORMED);
	assert_slice_equal(kith_buf_slice(&out), "before", 6);
	kith_buf_fini(&out);
}

static void
its_size_has_a_limit(void **state)
{
	struct kith_arena *a = kith_arena_new(8u << 20);
	size_t max = KITH_CUT_MAX / 100, n, i;
	struct kith_cut_feed *f = calloc(max, sizeof(*f));
	struct kith_cut c = { .feed = f }, got;
	struct kith_buf raw;
	struct kith_id id;

	(void)state;
	assert_non_null(a);
	assert_non_null(f);
	kith_buf_init(&raw, 0);
	(void)sample();
	tip.seq = 0;
	for (i = 0; i < max; i++) {
		f[i].scope = kith_scope_roster;
		kith_put_be32(f[i].node.b, (uint32_t)i + 1);
		f[i].tip = &tip;
		f[i].n_tips = 1;
	}
	n = (KITH_CUT_MAX - 16) / 116;          /* bytes of such a feed */
	c.n_feeds = (uint32_t)n;
	assert_ok(kith_cut_make(&c, &raw, &id));
	assert_ok(kith_cut_parse(kith_buf_slice(&raw), a, &got));
	assert_int_equal(got.n_feeds, n);
	kith_buf_reset(&raw);
	c.n_feeds++;
	assert_int_equal(kith_cut_make(&c, &raw, &id), KITH_E_LIMIT);
	while (raw.n < KITH_CUT_MAX + 1)
		kith_buf_put_u8(&raw, 0x90);
	assert_int_equal(kith_cut_parse(kith_buf_slice(&raw), a, &got), KITH_E_LIMIT);
	kith_buf_fini(&raw);
	kith_arena_free(a);
	free(f);
}

static void
a_byte_changed_is_refused_or_another_cut(void **state)
{
	struct kith_arena *a = kith_arena_new(1 << 20);
	struct kith_cut c = sample(), got;
	struct kith_buf raw, again;
	struct kith_id id, other;
	size_t i, bit;

	(void)state;
	assert_non_null(a);
	kith_buf_init(&raw, 0);
	kith_buf_init(&again, 0);
	c.n_feeds = 12;
	assert_ok(kith_cut_make(&c, &raw, &id));
	for (i = 0; i < raw.n; i++)
		for (bit = 0; bit < 8; bit++) {
			raw.p[i] ^= (uint8_t)(1u << bit);
			kith_arena_reset(a);
			kith_buf_reset(&again);
			if (kith_cut_parse(kith_buf_slice(&raw), a, &got) == KITH_OK) {
				assert_ok(kith_cut_make(&got, &again, &other));
				assert_slice_equal(kith_buf_slice(&again), raw.p, raw.n);
				assert_false(kith_id_eq(&id, &other));
			}
			raw.p[i] ^= (uint8_t)(1u << bit);
		}
	kith_buf_fini(&raw);
	kith_buf_fini(&again);
	kith_arena_free(a);
}

static void
parts_hide_behind_their_salt(void **state)
{
	static const uint8_t salt[2][16] = { "salt number one.", "salt number two." };
	struct kith_arena *a = kith_arena_new(1 << 20);
	struct kith_cut got;
	struct kith_buf raw;
	struct kith_id id[2];

	(void)state;
	assert_non_null(a);
	kith_buf_init(&raw, 0);
	(void)sample();
	assert_ok(kith_cut_part_make(feeds, 3, salt[0], &raw, &id[0]));
	kith_buf_reset(&raw);
	assert_ok(kith_cut_part_make(feeds, 3, salt[1], &raw, &id[1]));
	assert_false(kith_id_eq(&id[0], &id[1]));
	assert_ok(kith_cut_part_parse(kith_buf_slice(&raw), a, &got));
	assert_int_equal(got.n_feeds, 3);
	assert_int_equal(got.n_unheld + got.n_parts, 0);
	assert_ptr_equal(kith_cut_find(&got, &feeds[2].scope, &feeds[2].node, feeds[2].incarnation), &got.feed[2]);
	kith_buf_fini(&raw);
	kith_arena_free(a);
}

static void
a_lack_of_memory_is_told(void **state)
{
	struct kith_cut c = sample(), got;
	struct kith_arena *a;
	struct kith_buf raw;
	struct kith_id id;
	size_t n, max;
	int r;

	(void)state;
	for (n = 1;; n++) {
		kith_buf_init(&raw, 0);
		kith_test_fail_alloc(n);
		r = kith_cut_make(&c, &raw, &id);
		if (!kith_test_alloc_failed())
			break;
		assert_int_equal(r, KITH_E_NOMEM);
		kith_buf_fini(&raw);
	}
	assert_ok(r);
	for (max = 64;; max += 512) {
		a = kith_arena_new(max);
		assert_non_null(a);
		r = kith_cut_parse(kith_buf_slice(&raw), a, &got);
		kith_arena_free(a);
		if (r == KITH_OK)
			break;
		assert_int_equal(r, KITH_E_NOMEM);
	}
	assert_true(max > 64);
	kith_buf_fini(&raw);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_feed_named_is_found_and_no_other),
		cmocka_unit_test(the_empty_cut_is_five_bytes),
		cmocka_unit_test(what_is_out_of_order_is_not_written),
		cmocka_unit_test(its_size_has_a_limit),
		cmocka_unit_test(a_byte_changed_is_refused_or_another_cut),
		cmocka_unit_test(parts_hide_behind_their_salt),
		cmocka_unit_test(a_lack_of_memory_is_told),
	};

	(void)kit_env();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
