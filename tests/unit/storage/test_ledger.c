#include "storage/ledger.h"

#include "crypto/sign.h"
#include "tests/unit/storage/both.h"
#include "tests/unit/storage/sample.h"
#include "tests/unit/test.h"

static struct kith_store *
store(void **state)
{
	return ((struct both *)*state)->s;
}

/* ---- feeds and scopes ---- */

static void
names_get_numbers_that_stay(void **state)
{
	struct kith_txn *t = kith_test_begin(store(state), true);
	struct kith_id g = kith_test_id('g', 1), a = kith_test_id('s', 1), b = kith_test_id('s', 2);
	struct kith_ledger_key key = kith_test_feed_key(1, 1, 1, 7);
	uint32_t n = 99, f1, f2;

	assert_int_equal(kith_ledger_scope(t, &g, &a, false, &n), KITH_E_NOTFOUND);
	assert_int_equal(kith_ledger_feed(t, &key, false, &n), KITH_E_NOTFOUND);
	assert_int_equal(n, 99);
	assert_ok(kith_ledger_scope(t, &g, &b, true, &n));
	assert_int_equal(n, 1);
	f1 = kith_test_feed(t, key);
	f2 = kith_test_feed(t, kith_test_feed_key(1, 1, 1, 8));
	assert_int_equal(f1, 1);
	assert_int_equal(f2, 2);
	assert_ok(kith_txn_commit(t));
	kith_test_reopen(*state);
	t = kith_test_begin(store(state), true);
	assert_int_equal(kith_test_feed(t, key), f1);
	assert_ok(kith_ledger_feed(t, &key, false, &n));
	assert_int_equal(n, f1);
	assert_ok(kith_ledger_scope(t, &g, &a, false, &n));
	assert_int_equal(n, 2);                         /* the feed made it */
	assert_int_equal(kith_test_feed(t, kith_test_feed_key(2, 1, 1, 7)), 3);
	assert_ok(kith_ledger_scope(t, &g, &b, true, &n));
	assert_int_equal(n, 1);
	kith_txn_abort(t);
}

static void
a_description_comes_back_as_it_was_put(void **state)
{
	struct kith_txn *t = kith_test_begin(store(state), true);
	struct kith_ledger_key key = kith_test_feed_key(1, 2, 3, UINT64_MAX);
	struct kith_ledger_feed f, got;
	uint32_t n = kith_test_feed(t, key);

	assert_ok(kith_ledger_feed_get(t, n, &f));
	assert_memory_equal(&f.key, &key, sizeof(key));
	assert_int_equal(f.feedno, n);
	assert_int_equal(f.scopeno, 1);
	assert_true(f.next_seq == 0 && f.n_held == 0 && !f.has_sig && !f.forked && f.flags == 0);
	assert_true(kith_id_is_none(&f.tip));
	f.next_seq = 1000;
	f.n_held = UINT64_C(1) << 40;
	f.tip = kith_test_id('t', 9);
	f.has_sig = true;
	f.sig_seq = 767;
	memset(f.sig, 0xab, sizeof(f.sig));
	f.forked = true;
	f.flags = 0x80000001;
	f.key.incarnation = 1;                          /* these are not for the caller to change */
	f.scopeno = 44;
	assert_ok(kith_ledger_feed_put(t, &f));
	assert_ok(kith_txn_commit(t));
	kith_test_reopen(*state);
	t = kith_test_begin(store(state), true);
	assert_ok(kith_ledger_feed_get(t, n, &got));
	assert_memory_equal(&got.key, &key, sizeof(key));
	assert_int_equal(got.scopeno, 1);
	assert_true(got.next_seq == 1000 && got.n_held == UINT64_C(1) << 40 && got.sig_seq == 767);
	assert_true(kith_id_eq(&got.tip, &f.tip));
	assert_memory_equal(got.sig, f.sig, 64);
	assert_true(got.has_sig && got.forked);
	assert_true(got.flags == 0x80000001);
	assert_int_equal(kith_ledger_feed_get(t, 2, &got), KITH_E_NOTFOUND);
	f.feedno = 2;
	assert_int_equal(kith_ledger_feed_put(t, &f), KITH_E_NOTFOUND);
	kith_txn_abort(t);
}

static void
feeds_are_listed_by_group_and_by_scope(void **state)
{
	struct kith_txn *t = kith_test_begin(store(state), true);
	struct kith_ledger_feed_ref out[64];
	struct kith_id group = kith_test_id('g', 2), scope = kith_test_id('s', 3), none = kith_test_id('g', 9);
	struct kith_ledger_key after;
	size_t n, all, max;
	uint8_t g, s, k;

	for (g = 3; g >= 1; g--)
		for (s = 1; s <= 4; s++)
			for (k = 1; k <= 3; k++) {
				(void)kith_test_feed(t, kith_test_feed_key(g, s, k, 2));
				(void)kith_test_feed(t, kith_test_feed_key(g, s, k, 1));
			}
	assert_ok(kith_ledger_feeds(t, &group, NULL, NULL, out, 64, &n));
	assert_int_equal(n, 24);
	for (k = 0; k < 24; k++) {
		assert_int_equal(out[k].key.scope.b[31], 1 + k / 6);
		assert_int_equal(out[k].key.node.b[31], 1 + k / 2 % 3);
		assert_true(out[k].key.incarnation == 1u + k % 2);
		assert_int_equal(kith_test_feed(t, out[k].key), out[k].feedno);
	}
	assert_ok(kith_ledger_feeds(t, &group, &scope, NULL, out, 64, &n));
	assert_int_equal(n, 6);
	assert_int_equal(out[0].key.scope.b[31], 3);
	for (max = 1; max <= 7; max++) {                /* in pages of any size */
		all = 0;
		assert_ok(kith_ledger_feeds(t, &group, &scope, NULL, out, max, &n));
		while (n > 0) {
			all += n;
			after = out[n - 1].key;
			if (n < max)
				break;
			assert_ok(kith_ledger_feeds(t, &group, &scope, &after, out, max, &n));
			if (n > 0)
				assert_true(out[0].key.incarnation == 3 - after.incarnation);
		}
		assert_int_equal(all, 6);
	}
	assert_ok(kith_ledger_feeds(t, &none, NULL, NULL, out, 64, &n));
	assert_int_equal(n, 0);
	assert_ok(kith_ledger_feeds(t, &group, NULL, NULL, out, 0, &n));
	assert_int_equal(n, 0);
	kith_txn_abort(t);
}

/* ---- records ---- */

static void
a_record_is_found_by_position_id_and_place(void **state)
{
	static struct sample s[300];
	struct kith_txn *t = kith_test_begin(store(state), true);
	struct kith_ledger_record rec;
	uint64_t pos[4], last;
	uint32_t f = kith_test_feed(t, kith_test_feed_key(1, 1, 1, 1));
	static const uint8_t sig[64] = { 1, 2, 3 };
	size_t i, n;

	assert_ok(kith_ledger_last(t, &last));
	assert_true(last == 0);
	for (i = 0; i < 300; i++) {
		kith_test_sample(&s[i], f, 1, i, 1000 + i, i);
		if (i % 256 == 255)
			s[i].rec.sig = kith_slice_of(sig, 64);
		s[i].rec.in_order = i % 2 == 0;
		kith_test_sample_add(t, &s[i]);
		assert_true(s[i].pos == i + 1);
	}
	assert_ok(kith_txn_commit(t));
	kith_test_reopen(*state);
	t = kith_test_begin(store(state), false);
	assert_ok(kith_ledger_last(t, &last));
	assert_true(last == 300);
	for (i = 0; i < 300; i++) {
		assert_ok(kith_ledger_get(t, s[i].pos, &rec));
		kith_test_sample_same(&rec, &s[i]);
		assert_ok(kith_ledger_get_id(t, &s[i].rec.id, &rec));
		kith_test_sample_same(&rec, &s[i]);
		assert_ok(kith_ledger_find(t, &s[i].rec.id, &last));
		assert_true(last == s[i].pos);
		assert_ok(kith_ledger_place(t, f, i, pos, 4, &n));
		assert_int_equal(n, 1);
		assert_true(pos[0] == s[i].pos);
	}
	assert_int_equal(kith_ledger_get(t, 0, &rec), KITH_E_NOTFOUND);
	assert_int_equal(kith_ledger_get(t, 301, &rec), KITH_E_NOTFOUND);
	assert_int_equal(kith_ledger_get_id(t, &(struct kith_id){ { 1 } }, &rec), KITH_E_NOTFOUND);
	assert_int_equal(kith_ledger_find(t, &(struct kith_id){ { 1 } }, &last), KITH_E_NOTFOUND);
	assert_ok(kith_ledger_place(t, f, 300, pos, 4, &n));
	assert_int_equal(n, 0);
	assert_ok(kith_ledger_place(t, f + 1, 0, pos, 4, &n));
	assert_int_equal(n, 0);
	kith_txn_abort(t);
}

static void
what_is_held_is_not_added_again(void **state)
{
	struct kith_txn *t = kith_test_begin(store(state), true);
	struct sample s;
	uint64_t pos = 0, last;

	kith_test_sample(&s, kith_test_feed(t, kith_test_feed_key(1, 1, 1, 1)), 1, 0, 5, 3);
	kith_test_sample_add(t, &s);
	assert_int_equal(kith_ledger_add(t, &s.rec, &pos), KITH_E_EXISTS);
	assert_true(pos == s.pos);
	assert_ok(kith_ledger_last(t, &last));
	assert_true(last == s.pos);
	assert_ok(kith_txn_commit(t));                  /* it was no failure */
}

static void
sizes_have_limits(void **state)
{
	static uint8_t big[KITH_LEDGER_HEADER_MAX + 1];
	struct kith_txn *t = kith_test_begin(store(state), true);
	struct kith_ledger_record rec;
	struct sample s;

	kith_test_sample(&s, kith_test_feed(t, kith_test_feed_key(1, 1, 1, 1)), 1, 0, 5, 3);
	s.rec.header.n = 0;
	assert_int_equal(kith_ledger_add(t, &s.rec, &s.pos), KITH_E_LIMIT);
	s.rec.header = kith_slice_of(big, sizeof(big));
	assert_int_equal(kith_ledger_add(t, &s.rec, &s.pos), KITH_E_LIMIT);
	s.rec.header.n--;
	s.rec.sig = kith_slice_of(big, 63);
	assert_int_equal(kith_ledger_add(t, &s.rec, &s.pos), KITH_E_LIMIT);
	assert_int_equal(kith_ledger_mend(t, &s.rec, &s.pos), KITH_E_LIMIT);
	s.rec.sig = kith_slice_of(big, 64);
	kith_hash(KITH_L_RECORD, s.rec.header, &s.rec.id);
	kith_test_sample_add(t, &s);
	s.rec.header = kith_slice_of(big, 1);
	kith_hash(KITH_L_RECORD, s.rec.header, &s.rec.id);
	s.rec.sig.n = 0;
	kith_test_sample_add(t, &s);
	assert_ok(kith_ledger_get(t, s.pos, &rec));
	kith_test_sample_same(&rec, &s);
	kith_txn_abort(t);
}

static void
a_signature_may_come_later(void **state)
{
	struct kith_txn *t = kith_test_begin(store(state), true);
	struct sample a, b;
	struct kith_ledger_record rec;
	uint8_t sig[64] = { 4 }, other[64] = { 5 };
	uint32_t f = kith_test_feed(t, kith_test_feed_key(1, 1, 1, 1));

	kith_test_sample(&a, f, 1, 0, 5, 3);
	kith_test_sample(&b, f, 1, 1, 6, 4);
	kith_test_sample_add(t, &a);
	kith_test_sample_add(t, &b);
	assert_ok(kith_ledger_sign(t, a.pos, other));
	assert_ok(kith_ledger_sign(t, a.pos, sig));
	a.rec.sig = kith_slice_of(sig, 64);
	assert_ok(kith_ledger_get(t, a.pos, &rec));
	kith_test_sample_same(&rec, &a);
	assert_ok(kith_ledger_get(t, b.pos, &rec));
	kith_test_sample_same(&rec, &b);
	assert_int_equal(kith_ledger_sign(t, 3, sig), KITH_E_NOTFOUND);
	kith_txn_abort(t);
}

static void
ids_that_begin_alike_are_told_apart(void **state)
{
	struct kith_txn *t = kith_test_begin(store(state), true);
	struct kith_ledger_record rec;
	struct sample a, b;
	struct kith_id twin;
	uint8_t key[16];
	uint64_t pos;
	uint32_t f = kith_test_feed(t, kith_test_feed_key(1, 1, 1, 1));

	kith_test_sample(&a, f, 1, 0, 5, 3);
	kith_test_sample(&b, f, 1, 1, 6, 4);
	kith_test_sample_add(t, &a);
	kith_test_sample_add(t, &b);
	/* as if b's id had the first eight bytes of a's */
	kith_put_be64(key, kith_id_prefix(&a.rec.id));
	kith_put_be64(key + 8, b.pos);
	assert_ok(kith_txn_put(t, KITH_T_IDX, kith_slice_of(key, 16), LIT("")));
	assert_ok(kith_ledger_get_id(t, &a.rec.id, &rec));
	kith_test_sample_same(&rec, &a);
	twin = a.rec.id;
	twin.b[31] ^= 1;
	assert_int_equal(kith_ledger_get_id(t, &twin, &rec), KITH_E_NOTFOUND);
	assert_int_equal(kith_ledger_find(t, &twin, &pos), KITH_E_NOTFOUND);
	assert_int_equal(kith_ledger_add(t, &a.rec, &pos), KITH_E_EXISTS);
	kith_txn_abort(t);
}

static void
ids_are_found_by_range_in_order(void **state)
{
	static struct sample s[400];
	struct kith_txn *t = kith_test_begin(store(state), true);
	struct kith_id out[400], lo, hi, zero = kith_id_none, top;
	uint32_t f = kith_test_feed(t, kith_test_feed_key(1, 1, 1, 1));
	size_t i, n, want;

	for (i = 0; i < 400; i++) {
		kith_test_sample(&s[i], f, 1, i, i, i);
		kith_test_sample_add(t, &s[i]);
	}
	memset(top.b, 0xff, sizeof(top.b));
	assert_ok(kith_ledger_find_range(t, &zero, &top, out, 400, &n));
	assert_int_equal(n, 400);
	for (i = 1; i < n; i++)
		assert_true(kith_id_cmp(&out[i - 1], &out[i]) < 0);
	lo = out[100];
	hi = out[150];
	assert_ok(kith_ledger_find_range(t, &lo, &hi, out, 400, &n));
	assert_int_equal(n, 51);
	lo.b[31]++;                                     /* bounds count to the last byte */
	hi.b[31]--;
	assert_ok(kith_ledger_find_range(t, &lo, &hi, out, 400, &n));
	for (i = 0, want = 0; i < 400; i++)
		want += kith_id_cmp(&lo, &s[i].rec.id) <= 0 && kith_id_cmp(&s[i].rec.id, &hi) <= 0;
	assert_int_equal(n, want);
	assert_in_range(n, 49, 51);
	assert_ok(kith_ledger_find_range(t, &zero, &top, out, 7, &n));
	assert_int_equal(n, 7);
	assert_ok(kith_ledger_find_range(t, &hi, &lo, out, 7, &n));
	assert_int_equal(n, 0);
	kith_txn_abort(t);
}

static void
a_fork_keeps_all_its_records_in_order_of_arrival(void **state)
{
	struct kith_txn *t = kith_test_begin(store(state), true);
	struct sample s[5], next;
	struct kith_ledger_at at[8];
	uint64_t pos[8];
	uint32_t f = kith_test_feed(t, kith_test_feed_key(1, 1, 1, 1));
	size_t i, n;

	kith_test_sample(&next, f, 1, 8, 9, 0);
	kith_test_sample_add(t, &next);
	for (i = 0; i < 5; i++) {
		kith_test_sample(&s[i], f, 1, 7, 9, i);      /* same place, same clock */
		kith_test_sample_add(t, &s[i]);
	}
	assert_ok(kith_ledger_place(t, f, 7, pos, 3, &n));
	assert_int_equal(n, 5);
	assert_true(pos[0] == s[0].pos && pos[1] == s[1].pos && pos[2] == s[2].pos);
	assert_ok(kith_ledger_place(t, f, 7, NULL, 0, &n));
	assert_int_equal(n, 5);
	assert_ok(kith_ledger_range(t, f, 7, at, 8, &n));
	assert_int_equal(n, 6);
	for (i = 0; i < 5; i++)
		assert_true(at[i].seq == 7 && at[i].pos == s[i].pos);
	assert_true(at[5].seq == 8 && at[5].pos == next.pos);
	{
		struct kith_ledger_entry page[8];

		assert_ok(kith_ledger_page(t, 1, NULL, false, page, 8, &n));
		assert_int_equal(n, 6);                 /* all have their place on screen */
		for (i = 1; i < 6; i++)
			assert_true(page[i - 1].id_head < page[i].id_head);
	}
	kith_txn_abort(t);
}

static void
a_feed_is_read_from_any_place_on(void **state)
{
	struct kith_txn *t = kith_test_begin(store(state), true);
	struct kith_ledger_at at[20];
	struct sample s;
	uint32_t f = kith_test_feed(t, kith_test_feed_key(1, 1, 1, 1)), g = kith_test_feed(t, kith_test_feed_key(1, 1, 2, 1));
	uint64_t i;
	size_t n;

	for (i = 30; i-- > 0;) {                        /* in any order, and with a gap */
		if (i >= 10 && i < 15)
			continue;
		kith_test_sample(&s, f, 1, i, i, i);
		kith_test_sample_add(t, &s);
		kith_test_sample(&s, g, 1, i, i, i);
		kith_test_sample_add(t, &s);
	}
	assert_ok(kith_ledger_range(t, f, 0, at, 20, &n));
	assert_int_equal(n, 20);
	for (i = 0; i < 20; i++)
		assert_true(at[i].seq == (i < 10 ? i : i + 5));
	assert_ok(kith_ledger_range(t, f, 12, at, 20, &n));
	assert_int_equal(n, 15);
	assert_true(at[0].seq == 15 && at[14].seq == 29);
	assert_ok(kith_ledger_range(t, f, 30, at, 20, &n));
	assert_int_equal(n, 0);
	assert_ok(kith_ledger_range(t, f, UINT64_MAX, at, 20, &n));
	assert_int_equal(n, 0);
	assert_ok(kith_ledger_range(t, g, 29, at, 20, &n));
	assert_int_equal(n, 1);
	assert_ok(kith_ledger_range(t, g + 1, 0, at, 20, &n));
	assert_int_equal(n, 0);
	kith_txn_abort(t);
}

static int
by_clock_then_id(const void *pa, const void *pb)
{
	const struct sample *a = pa, *b = pb;

	if (a->rec.clock != b->rec.clock)
		return a->rec.clock < b->rec.clock ? -1 : 1;
	return kith_id_cmp(&a->rec.id, &b->rec.id);
}

static void
a_panel_is_paged_in_both_directions(void **state)
{
	enum { N = 200 };
	static struct sample s[N];
	struct kith_txn *t = kith_test_begin(store(state), true);
	struct kith_ledger_entry page[N + 1], from;
	struct kith_ledger_record rec;
	uint32_t f[3], sc;
	struct kith_ledger_feed d;
	size_t i, k, n, max;

	for (i = 0; i < 3; i++)
		f[i] = kith_test_feed(t, kith_test_feed_key(1, 1, (uint8_t)i, 1));
	(void)kith_test_feed(t, kith_test_feed_key(1, 2, 1, 1));            /* a neighbour: scope number 2 */
	assert_ok(kith_ledger_feed_get(t, f[0], &d));
	sc = d.scopeno;
	for (i = 0; i < N; i++) {
		kith_test_sample(&s[i], f[i % 3], sc, i / 3, (i * 7919) % 61 << 16, i);
		kith_test_sample_add(t, &s[i]);
		if (i % 10 == 0) {
			struct sample other;

			kith_test_sample(&other, 4, sc + 1, i, i, i);
			kith_test_sample_add(t, &other);
			kith_test_sample(&other, f[0], sc, 1000 + i, i, i);
			other.rec.in_order = false;     /* has no place on screen */
			kith_test_sample_add(t, &other);
		}
	}
	qsort(s, N, sizeof(s[0]), by_clock_then_id);
	for (i = 0; i < N; i++)
		s[i].rec.header.p = s[i].header;
	assert_ok(kith_ledger_page(t, sc, NULL, false, page, N + 1, &n));
	assert_int_equal(n, N);
	for (i = 0; i < N; i++) {
		assert_true(page[i].pos == s[i].pos);
		assert_true(page[i].clock == s[i].rec.clock);
		assert_true(page[i].id_head == kith_id_prefix(&s[i].rec.id));
		assert_ok(kith_ledger_get(t, page[i].pos, &rec));
		kith_test_sample_same(&rec, &s[i]);
		from = kith_ledger_entry_of(&rec);
		assert_memory_equal(&from, &page[i], sizeof(from));
	}
	for (max = 1; max < 60; max += 7) {
		for (i = 0, n = max; n == max; i += n) {
			assert_ok(kith_ledger_page(t, sc, i > 0 ? &from : NULL, false, page, max, &n));
			for (k = 0; k < n; k++)
				assert_true(page[k].pos == s[i + k].pos);
			from = page[n > 0 ? n - 1 : 0];
		}
		assert_int_equal(i, N);
		for (i = N, n = max; n == max; i -= n) {
			assert_ok(kith_ledger_page(t, sc, i < N ? &from : NULL, true, page, max, &n));
			for (k = 0; k < n; k++)
				assert_true(page[k].pos == s[i - 1 - k].pos);
			from = page[n > 0 ? n - 1 : 0];
		}
		assert_int_equal(i, 0);
	}
	/* from a moment on, and up to it */
	from = (struct kith_ledger_entry){ s[100].rec.clock, 0, 0 };
	assert_ok(kith_ledger_page(t, sc, &from, false, page, 1, &n));
	assert_true(page[0].clock == s[100].rec.clock);
	assert_ok(kith_ledger_page(t, sc, &from, true, page, 1, &n));
	assert_true(page[0].clock < s[100].rec.clock);
	from = (struct kith_ledger_entry){ s[100].rec.clock, UINT64_MAX, UINT64_MAX };
	assert_ok(kith_ledger_page(t, sc, &from, true, page, 1, &n));
	assert_true(page[0].clock == s[100].rec.clock);
	assert_ok(kith_ledger_page(t, sc + 5, NULL, true, page, 10, &n));
	assert_int_equal(n, 0);
	kith_txn_abort(t);
}

static void
what_aims_at_an_id_is_listed(void **state)
{
	struct kith_txn *t = kith_test_begin(store(state), true);
	struct kith_ledger_aim aim[10];
	struct kith_id target = kith_test_id(7, 1), near = kith_test_id(7, 2), nobody = kith_test_id(8, 1);
	struct sample s[12];
	uint32_t f = kith_test_feed(t, kith_test_feed_key(1, 1, 1, 1));
	uint64_t i;
	size_t n;

	for (i = 0; i < 12; i++) {
		kith_test_sample(&s[i], f, 1, i, i, i);
		s[i].rec.target = i % 3 == 0 ? near : target;   /* both begin with the same eight bytes */
		s[i].rec.target_kind = (uint8_t)(i + 1);
		kith_test_sample_add(t, &s[i]);
	}
	assert_ok(kith_ledger_targets(t, &target, 0, aim, 10, &n));
	assert_int_equal(n, 8);
	assert_true(aim[0].pos == s[1].pos && aim[0].kind == 2);
	assert_true(aim[7].pos == s[11].pos && aim[7].kind == 12);
	assert_ok(kith_ledger_targets(t, &target, aim[2].pos, aim, 2, &n));
	assert_int_equal(n, 2);
	assert_true(aim[0].pos == s[5].pos && aim[1].pos == s[7].pos);
	assert_ok(kith_ledger_targets(t, &near, 0, aim, 10, &n));
	assert_int_equal(n, 4);
	assert_ok(kith_ledger_targets(t, &near, UINT64_MAX, aim, 10, &n));
	assert_int_equal(n, 0);
	assert_ok(kith_ledger_targets(t, &nobody, 0, aim, 10, &n));
	assert_int_equal(n, 0);
	kith_txn_abort(t);
}

static void
flags_are_zero_until_they_are_set(void **state)
{
	struct kith_txn *t = kith_test_begin(store(state), true);
	uint32_t flags = 9;

	assert_ok(kith_ledger_state_get(t, 5, &flags));
	assert_true(flags == 0);
	assert_ok(kith_ledger_state_set(t, 5, 0));
	assert_ok(kith_ledger_state_set(t, 5, 0xdeadbeef));
	assert_ok(kith_ledger_state_get(t, 5, &flags));
	assert_true(flags == 0xdeadbeef);
	assert_ok(kith_ledger_state_set(t, 5, 0));
	assert_ok(kith_ledger_state_get(t, 5, &flags));
	assert_true(flags == 0);
	assert_ok(kith_txn_commit(t));
}

static void
bodies_come_and_go(void **state)
{
	struct kith_txn *t = kith_test_begin(store(state), true);
	struct kith_slice body;
	struct sample a, b;
	uint32_t f = kith_test_feed(t, kith_test_feed_key(1, 1, 1, 1));

	kith_test_sample(&a, f, 1, 0, 0, 0);
	a.rec.body = LIT("with it");
	kith_test_sample_add(t, &a);
	kith_test_sample(&b, f, 1, 1, 1, 1);
	kith_test_sample_add(t, &b);
	assert_ok(kith_ledger_body_get(t, a.pos, &body));
	assert_slice_equal(body, "with it", 7);
	assert_int_equal(kith_ledger_body_get(t, b.pos, &body), KITH_E_NOTFOUND);
	assert_ok(kith_ledger_body_put(t, b.pos, LIT("later")));
	assert_ok(kith_ledger_body_get(t, b.pos, &body));
	assert_slice_equal(body, "later", 5);
	assert_ok(kith_ledger_body_erase(t, a.pos));
	assert_int_equal(kith_ledger_body_erase(t, a.pos), KITH_E_NOTFOUND);
	assert_int_equal(kith_ledger_body_get(t, a.pos, &body), KITH_E_NOTFOUND);
	assert_ok(kith_txn_commit(t));
}

static void
objects_stay_as_they_were_put_first(void **state)
{
	struct kith_txn *t = kith_test_begin(store(state), true);
	struct kith_id h = kith_test_id('o', 1), other = kith_test_id('o', 2);
	struct kith_slice bytes;
	uint8_t type = 0;
	bool has = true;

	assert_ok(kith_ledger_object_has(t, &h, &has));
	assert_false(has);
	assert_int_equal(kith_ledger_object_get(t, &h, &type, &bytes), KITH_E_NOTFOUND);
	assert_ok(kith_ledger_object_put(t, &h, 3, LIT("content")));
	assert_ok(kith_ledger_object_put(t, &h, 4, LIT("something else")));
	assert_ok(kith_ledger_object_put(t, &other, 5, LIT("")));
	assert_ok(kith_ledger_object_has(t, &h, &has));
	assert_true(has);
	assert_ok(kith_ledger_object_get(t, &h, &type, &bytes));
	assert_int_equal(type, 3);
	assert_slice_equal(bytes, "content", 7);
	assert_ok(kith_ledger_object_get(t, &other, &type, &bytes));
	assert_int_equal(type, 5);
	assert_int_equal(bytes.n, 0);
	assert_ok(kith_txn_commit(t));
}

static void
the_first_proof_of_a_feed_stays(void **state)
{
	struct kith_txn *t = kith_test_begin(store(state), true);
	struct kith_slice proof;

	assert_int_equal(kith_ledger_proof_get(t, 1, &proof), KITH_E_NOTFOUND);
	assert_ok(kith_ledger_proof_put(t, 1, LIT("two records")));
	assert_int_equal(kith_ledger_proof_put(t, 1, LIT("two others")), KITH_E_EXISTS);
	assert_ok(kith_ledger_proof_get(t, 1, &proof));
	assert_slice_equal(proof, "two records", 11);
	assert_ok(kith_txn_commit(t));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		BOTH(names_get_numbers_that_stay),
		BOTH(a_description_comes_back_as_it_was_put),
		BOTH(feeds_are_listed_by_group_and_by_scope),
		BOTH(a_record_is_found_by_position_id_and_place),
		BOTH(what_is_held_is_not_added_again),
		BOTH(sizes_have_limits),
		BOTH(a_signature_may_come_later),
		BOTH(ids_that_begin_alike_are_told_apart),
		BOTH(ids_are_found_by_range_in_order),
		BOTH(a_fork_keeps_all_its_records_in_order_of_arrival),
		BOTH(a_feed_is_read_from_any_place_on),
		BOTH(a_panel_is_paged_in_both_directions),
		BOTH(what_aims_at_an_id_is_listed),
		BOTH(flags_are_zero_until_they_are_set),
		BOTH(bodies_come_and_go),
		BOTH(objects_stay_as_they_were_put_first),
		BOTH(the_first_proof_of_a_feed_stays),
	};

	return cmocka_run_group_tests_name("storage/ledger", tests, NULL, NULL);
}
