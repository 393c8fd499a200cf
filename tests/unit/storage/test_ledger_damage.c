#include "storage/ledger.h"

#include "crypto/sign.h"
#include "tests/unit/fail_alloc.h"
#include "tests/unit/storage/both.h"
#include "tests/unit/storage/sample.h"
#include "tests/unit/test.h"

static struct kith_store *
store(void **state)
{
	return ((struct both *)*state)->s;
}

/* Changes one byte of a value behind the ledger's back. */
static void
spoil(struct kith_txn *t, enum kith_table tb, struct kith_slice key, size_t at)
{
	uint8_t copy[1000];
	struct kith_slice v;

	assert_ok(kith_txn_get(t, tb, key, &v));
	assert_true(v.n <= sizeof(copy) && at < v.n);
	memcpy(copy, v.p, v.n);
	copy[at] ^= 0x10;
	assert_ok(kith_txn_put(t, tb, key, kith_slice_of(copy, v.n)));
}

static struct kith_slice
pos_key(uint8_t k[8], uint64_t pos)
{
	kith_put_be64(k, pos);
	return kith_slice_of(k, 8);
}

static void
every_changed_byte_of_a_record_is_noticed_or_harmless(void **state)
{
	struct kith_txn *t = kith_test_begin(store(state), true);
	struct kith_ledger_record rec;
	struct sample s;
	uint64_t pos, bad[4];
	uint8_t key[8], sig[64] = { 6 };
	size_t at, n_bad;
	int r;

	kith_test_sample(&s, kith_test_feed(t, kith_test_feed_key(1, 1, 1, 1)), 1, 3, 4, 5);
	s.rec.sig = kith_slice_of(sig, 64);
	kith_test_sample_add(t, &s);
	for (at = 0; at < 29 + 64 + s.rec.header.n; at++) {
		spoil(t, KITH_T_LOG, pos_key(key, s.pos), at);
		r = kith_ledger_get(t, s.pos, &rec);
		pos = 1;
		assert_ok(kith_ledger_scrub(t, &pos, 100, bad, 4, &n_bad));
		if (at >= 29 && at < 29 + 64) {
			assert_ok(r);                   /* a signature is checked by whoever uses it */
			assert_int_equal(n_bad, 0);
		} else if (at >= 1 && at < 21) {
			assert_ok(r);                   /* feed, seq, clock: the ways by them do not lead here */
			assert_int_equal(n_bad, 1);
		} else {
			assert_int_equal(r, KITH_E_CORRUPT);
			assert_int_equal(n_bad, 1);
			assert_int_equal(kith_ledger_get_id(t, &s.rec.id, &rec), KITH_E_CORRUPT);
			assert_ok(kith_ledger_find(t, &s.rec.id, &pos));
			assert_true(pos == s.pos);
			assert_int_equal(kith_ledger_add(t, &s.rec, &pos), KITH_E_EXISTS);
		}
		spoil(t, KITH_T_LOG, pos_key(key, s.pos), at);
		assert_ok(kith_ledger_get(t, s.pos, &rec));
		kith_test_sample_same(&rec, &s);
	}
	kith_txn_abort(t);
}

static void
a_damaged_record_is_listed_and_mended(void **state)
{
	static struct sample s[50];
	struct kith_txn *t = kith_test_begin(store(state), true);
	struct kith_ledger_record rec;
	struct kith_id out[50], zero = kith_id_none, top;
	uint64_t pos, bad[3];
	uint8_t key[8];
	uint32_t f = kith_test_feed(t, kith_test_feed_key(1, 1, 1, 1));
	size_t i, n;

	for (i = 0; i < 50; i++) {
		kith_test_sample(&s[i], f, 1, i, i, i);
		kith_test_sample_add(t, &s[i]);
	}
	assert_int_equal(kith_ledger_mend(t, &s[9].rec, &pos), KITH_E_NOTFOUND);
	spoil(t, KITH_T_LOG, pos_key(key, s[9].pos), 60);
	assert_ok(kith_txn_put(t, KITH_T_LOG, pos_key(key, s[19].pos), LIT("short")));
	assert_ok(kith_txn_del(t, KITH_T_LOG, pos_key(key, s[29].pos)));
	spoil(t, KITH_T_LOG, pos_key(key, s[39].pos), 15);      /* its clock */
	for (i = 0; i < 50; i++)
		if (i % 10 != 9)
			assert_ok(kith_ledger_get_id(t, &s[i].rec.id, &rec));
	memset(top.b, 0xff, sizeof(top.b));
	assert_ok(kith_ledger_find_range(t, &zero, &top, out, 50, &n));
	assert_int_equal(n, 47);                                /* the damage does not spread */

	pos = 1;
	assert_ok(kith_ledger_scrub(t, &pos, 10, bad, 3, &n));
	assert_int_equal(n, 1);
	assert_true(bad[0] == s[9].pos && pos == s[9].pos + 1);
	assert_ok(kith_ledger_scrub(t, &pos, 1000, bad, 1, &n));
	assert_int_equal(n, 1);
	assert_true(bad[0] == s[19].pos && pos == s[19].pos + 1);
	assert_ok(kith_ledger_scrub(t, &pos, 1000, bad, 3, &n));
	assert_int_equal(n, 1);
	assert_true(bad[0] == s[39].pos);
	assert_int_equal(kith_ledger_scrub(t, &pos, 10, bad, 3, &n), KITH_E_NOTFOUND);

	for (i = 9; i < 40; i += 10) {
		assert_ok(kith_ledger_mend(t, &s[i].rec, &pos));
		assert_true(pos == s[i].pos);
		assert_int_equal(kith_ledger_mend(t, &s[i].rec, &pos), KITH_E_NOTFOUND);
	}
	for (i = 0; i < 50; i++) {
		assert_ok(kith_ledger_get_id(t, &s[i].rec.id, &rec));
		kith_test_sample_same(&rec, &s[i]);
	}
	pos = 0;
	assert_ok(kith_ledger_scrub(t, &pos, 1000, bad, 3, &n));
	assert_int_equal(n, 0);
	assert_ok(kith_txn_commit(t));
}

static void
damaged_tables_are_corrupt_and_never_read_beyond(void **state)
{
	struct kith_txn *t = kith_test_begin(store(state), true);
	struct kith_ledger_key key = kith_test_feed_key(1, 1, 1, 1);
	struct kith_ledger_feed f;
	struct kith_ledger_feed_ref refs[4];
	struct kith_ledger_entry page[4];
	struct kith_ledger_at at[4];
	struct kith_ledger_aim aim[4];
	struct kith_ledger_record rec;
	struct kith_slice v;
	struct kith_id h = kith_test_id('o', 1), out[4], lo = kith_id_none, hi;
	uint64_t pos[4];
	uint32_t flags, n = kith_test_feed(t, key);
	uint8_t k8[8], k4[4], type;
	size_t got;

	kith_put_be32(k4, n);
	kith_put_be64(k8, 9);
	assert_ok(kith_txn_put(t, KITH_T_FEED, kith_slice_of(k4, 4), LIT("x")));
	assert_int_equal(kith_ledger_feed_get(t, n, &f), KITH_E_CORRUPT);
	memset(&f, 0, sizeof(f));
	f.feedno = n;
	assert_int_equal(kith_ledger_feed_put(t, &f), KITH_E_CORRUPT);
	assert_ok(kith_txn_put(t, KITH_T_STATE, kith_slice_of(k8, 8), LIT("x")));
	assert_int_equal(kith_ledger_state_get(t, 9, &flags), KITH_E_CORRUPT);
	assert_ok(kith_txn_put(t, KITH_T_OBJECT, kith_id_slice(&h), LIT("")));
	assert_int_equal(kith_ledger_object_get(t, &h, &type, &v), KITH_E_CORRUPT);
	assert_ok(kith_txn_put(t, KITH_T_PLACE, LIT("\0\0\0\5short"), LIT("")));
	assert_int_equal(kith_ledger_range(t, 5, 0, at, 4, &got), KITH_E_CORRUPT);
	assert_ok(kith_txn_put(t, KITH_T_PLACE, LIT("\0\0\0\6\0\0\0\0\0\0\0\1short"), LIT("")));
	assert_int_equal(kith_ledger_place(t, 6, 1, pos, 4, &got), KITH_E_CORRUPT);
	assert_ok(kith_txn_put(t, KITH_T_ORDER, LIT("\0\0\0\5short"), LIT("")));
	assert_int_equal(kith_ledger_page(t, 5, NULL, false, page, 4, &got), KITH_E_CORRUPT);
	assert_ok(kith_txn_put(t, KITH_T_TARGET, LIT("o\0\0\0\0\0\0\0short"), LIT("")));
	assert_int_equal(kith_ledger_targets(t, &h, 0, aim, 4, &got), KITH_E_CORRUPT);
	assert_ok(kith_txn_put(t, KITH_T_IDX, LIT("o\0\0\0\0\0\0\0short, long"), LIT("")));
	assert_int_equal(kith_ledger_get_id(t, &h, &rec), KITH_E_CORRUPT);
	memset(hi.b, 0xff, sizeof(hi.b));
	assert_int_equal(kith_ledger_find_range(t, &lo, &hi, out, 4, &got), KITH_E_CORRUPT);
	assert_ok(kith_txn_put(t, KITH_T_META, LIT("scopes"), LIT("x")));
	assert_int_equal(kith_ledger_scope(t, &h, &h, true, &flags), KITH_E_CORRUPT);
	{
		uint8_t k[104] = { 'g' };

		k[31] = k[40] = 1;
		assert_ok(kith_txn_put(t, KITH_T_FEEDS, kith_slice_of(k, 103), LIT("abcd")));
		assert_int_equal(kith_ledger_feeds(t, &key.group, NULL, NULL, refs, 4, &got), KITH_E_CORRUPT);
		memcpy(k, key.group.b, 32);
		memcpy(k + 32, key.scope.b, 32);
		assert_ok(kith_txn_put(t, KITH_T_SCOPES, kith_slice_of(k, 64), LIT("x")));
		assert_int_equal(kith_ledger_scope(t, &key.group, &key.scope, true, &flags), KITH_E_CORRUPT);
	}
	assert_ok(kith_txn_put(t, KITH_T_FEED, LIT("\xff\xff\xff\xff\xff"), LIT("x")));
	key.incarnation = 2;
	assert_int_equal(kith_ledger_feed(t, &key, true, &n), KITH_E_CORRUPT);
	assert_ok(kith_txn_put(t, KITH_T_LOG, LIT("\xff\xff\xff"), LIT("x")));
	assert_int_equal(kith_ledger_last(t, pos), KITH_E_CORRUPT);
	pos[0] = 1;
	assert_int_equal(kith_ledger_scrub(t, pos, 4, pos + 1, 1, &got), KITH_E_CORRUPT);
	kith_txn_abort(t);
}

/* ---- without memory ---- */

static int
one_of_each(struct kith_store *store)
{
	struct kith_ledger_key key = kith_test_feed_key(1, 1, 1, 1);
	struct kith_id h = kith_test_id('o', 1);
	struct kith_ledger_record rec;
	struct kith_ledger_entry page[4];
	struct kith_txn *t = NULL;
	static uint8_t big[5000];
	uint8_t sig[64] = { 0 };
	struct sample s;
	size_t n;
	int r = kith_store_begin(store, true, &t);

	if (r != KITH_OK)
		return r;
	kith_test_sample(&s, 1, 1, 0, 1, 0);
	s.rec.header = kith_slice_of(big, sizeof(big));
	kith_hash(KITH_L_RECORD, s.rec.header, &s.rec.id);
	s.rec.body = LIT("body");
	s.rec.target = h;
	r = kith_ledger_feed(t, &key, true, &s.rec.feedno);
	if (r == KITH_OK)
		r = kith_ledger_add(t, &s.rec, &s.pos);
	if (r == KITH_OK)
		r = kith_ledger_sign(t, s.pos, sig);
	if (r == KITH_OK)
		r = kith_ledger_state_set(t, s.pos, 1);
	if (r == KITH_OK)
		r = kith_ledger_object_put(t, &h, 1, LIT("x"));
	if (r == KITH_OK)
		r = kith_ledger_proof_put(t, s.rec.feedno, LIT("x"));
	if (r == KITH_OK)
		r = kith_ledger_page(t, 1, NULL, true, page, 4, &n);
	if (r == KITH_OK)
		r = kith_ledger_get_id(t, &s.rec.id, &rec);
	if (r == KITH_OK)
		return kith_txn_commit(t);
	kith_txn_abort(t);
	return r;
}

static void
without_memory_nothing_is_half_added(void **state)
{
	struct kith_txn *t;
	uint64_t last;
	size_t n;
	int r;

	for (n = 1;; n++) {
		kith_test_fail_alloc(n);
		r = one_of_each(store(state));
		if (!kith_test_alloc_failed())
			break;
		assert_int_equal(r, KITH_E_NOMEM);
		t = kith_test_begin(store(state), false);
		assert_ok(kith_ledger_last(t, &last));
		assert_true(last == 0);
		kith_txn_abort(t);
	}
	assert_ok(r);
	assert_true(n > 5);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		BOTH(every_changed_byte_of_a_record_is_noticed_or_harmless),
		BOTH(a_damaged_record_is_listed_and_mended),
		BOTH(damaged_tables_are_corrupt_and_never_read_beyond),
		BOTH(without_memory_nothing_is_half_added),
	};

	return cmocka_run_group_tests_name("storage/ledger, damaged", tests, NULL, NULL);
}
