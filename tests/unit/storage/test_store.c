#include "storage/store.h"

#include <stdio.h>

#include "tests/unit/fail_alloc.h"
#include "tests/unit/storage/both.h"
#include "tests/unit/test.h"

#define A KITH_T_USER
#define B KITH_T_FACT

static struct kith_store *
store(void **state)
{
	return ((struct both *)*state)->s;
}

static void
what_is_committed_is_there_and_tables_are_apart(void **state)
{
	struct kith_txn *t = kith_test_begin(store(state), true);

	kith_test_put(t, A, "k", "one");
	kith_test_put(t, B, "k", "two");
	kith_test_put(t, A, "empty", "");
	kith_test_has(t, A, "k", "one");
	assert_ok(kith_txn_commit(t));
	kith_test_reopen(*state);
	t = kith_test_begin(store(state), false);
	kith_test_has(t, A, "k", "one");
	kith_test_has(t, B, "k", "two");
	kith_test_has(t, A, "empty", "");
	kith_test_has(t, B, "empty", NULL);
	assert_ok(kith_txn_commit(t));
}

static void
an_abort_leaves_nothing_behind(void **state)
{
	struct kith_txn *t = kith_test_begin(store(state), true);

	kith_test_put(t, A, "a", "1");
	kith_test_put(t, A, "b", "1");
	assert_ok(kith_txn_commit(t));
	t = kith_test_begin(store(state), true);
	kith_test_put(t, A, "a", "2");
	kith_test_put(t, A, "c", "2");
	assert_ok(kith_txn_del(t, A, LIT("b")));
	kith_test_has(t, A, "b", NULL);
	kith_txn_abort(t);
	kith_txn_abort(NULL);
	t = kith_test_begin(store(state), false);
	kith_test_has(t, A, "a", "1");
	kith_test_has(t, A, "b", "1");
	kith_test_has(t, A, "c", NULL);
	kith_txn_abort(t);
}

static void
there_is_one_writer_at_a_time(void **state)
{
	struct kith_txn *t = kith_test_begin(store(state), true), *other = NULL;

	assert_int_equal(kith_store_begin(store(state), true, &other), KITH_E_BUSY);
	assert_null(other);
	assert_ok(kith_store_begin(store(state), false, &other));
	kith_txn_abort(t);
	t = kith_test_begin(store(state), true);
	kith_txn_abort(other);
	assert_ok(kith_txn_commit(t));
}

static void
a_reader_sees_the_moment_at_which_it_began(void **state)
{
	struct kith_txn *t, *early, *late;

	t = kith_test_begin(store(state), true);
	kith_test_put(t, A, "k", "old");
	kith_test_put(t, A, "gone", "old");
	assert_ok(kith_txn_commit(t));
	early = kith_test_begin(store(state), false);
	t = kith_test_begin(store(state), true);
	kith_test_put(t, A, "k", "new");
	assert_ok(kith_txn_del(t, A, LIT("gone")));
	kith_test_has(early, A, "k", "old");
	late = kith_test_begin(store(state), false);
	kith_test_has(late, A, "k", "old");
	kith_txn_abort(late);
	assert_ok(kith_txn_commit(t));
	late = kith_test_begin(store(state), false);
	kith_test_has(early, A, "k", "old");
	kith_test_has(early, A, "gone", "old");
	kith_test_has(late, A, "k", "new");
	kith_test_has(late, A, "gone", NULL);
	kith_txn_abort(early);
	kith_txn_abort(late);
}

static void
keys_have_from_1_to_511_bytes(void **state)
{
	static const uint8_t long_key[512] = { 1 };
	struct kith_txn *t = kith_test_begin(store(state), true);
	struct kith_slice v;

	assert_int_equal(kith_txn_put(t, A, LIT(""), LIT("v")), KITH_E_LIMIT);
	assert_int_equal(kith_txn_put(t, A, kith_slice_of(long_key, 512), LIT("v")), KITH_E_LIMIT);
	assert_int_equal(kith_txn_put(t, A, LIT("k"), kith_slice_of(long_key, (size_t)KITH_STORE_VALUE_MAX + 1)),
	    KITH_E_LIMIT);
	assert_int_equal(kith_txn_get(t, A, LIT(""), &v), KITH_E_LIMIT);
	assert_int_equal(kith_txn_get(t, A, kith_slice_of(long_key, 512), &v), KITH_E_LIMIT);
	assert_int_equal(kith_txn_del(t, A, LIT("")), KITH_E_LIMIT);
	assert_ok(kith_txn_put(t, A, kith_slice_of(long_key, 511), LIT("v")));
	assert_ok(kith_txn_put(t, A, kith_slice_of(long_key, 510), LIT("w")));
	assert_ok(kith_txn_put(t, A, kith_slice_of(long_key, 1), LIT("x")));
	assert_ok(kith_txn_commit(t));
	t = kith_test_begin(store(state), false);
	assert_ok(kith_txn_get(t, A, kith_slice_of(long_key, 511), &v));
	assert_slice_equal(v, "v", 1);
	assert_ok(kith_txn_get(t, A, kith_slice_of(long_key, 1), &v));
	assert_slice_equal(v, "x", 1);
	kith_txn_abort(t);
}

static void
deleting_what_is_not_there_is_told_and_harmless(void **state)
{
	struct kith_txn *t = kith_test_begin(store(state), true);

	assert_int_equal(kith_txn_del(t, A, LIT("k")), KITH_E_NOTFOUND);
	kith_test_put(t, A, "k", "v");
	assert_int_equal(kith_txn_del(t, A, LIT("kk")), KITH_E_NOTFOUND);
	assert_ok(kith_txn_del(t, A, LIT("k")));
	assert_int_equal(kith_txn_del(t, A, LIT("k")), KITH_E_NOTFOUND);
	assert_ok(kith_txn_commit(t));
}

static void
cursors_find_their_way_in_both_directions(void **state)
{
	struct kith_txn *t = kith_test_begin(store(state), true);
	struct kith_cursor *c, *d;
	struct kith_slice k, v;

	assert_ok(kith_cursor_open(t, A, &c));
	assert_int_equal(kith_cursor_seek(c, LIT(""), false, &k, &v), KITH_E_NOTFOUND);
	assert_int_equal(kith_cursor_seek(c, LIT(""), true, &k, &v), KITH_E_NOTFOUND);
	assert_int_equal(kith_cursor_seek(c, LIT("x"), false, &k, &v), KITH_E_NOTFOUND);
	assert_int_equal(kith_cursor_seek(c, LIT("x"), true, &k, &v), KITH_E_NOTFOUND);
	kith_test_put(t, A, "b", "1");
	kith_test_put(t, A, "bb", "2");
	kith_test_put(t, A, "d", "3");
	assert_ok(kith_cursor_seek(c, LIT(""), false, &k, &v));
	assert_slice_equal(k, "b", 1);
	assert_slice_equal(v, "1", 1);
	assert_ok(kith_cursor_open(t, A, &d));
	assert_ok(kith_cursor_seek(d, LIT(""), true, &k, &v));
	assert_slice_equal(k, "d", 1);
	assert_ok(kith_cursor_step(c, false, &k, &v));
	assert_slice_equal(k, "bb", 2);
	assert_ok(kith_cursor_step(d, true, &k, &v));
	assert_slice_equal(k, "bb", 2);
	assert_ok(kith_cursor_step(c, false, &k, &v));
	assert_slice_equal(v, "3", 1);
	assert_int_equal(kith_cursor_step(c, false, &k, &v), KITH_E_NOTFOUND);
	assert_ok(kith_cursor_step(d, true, &k, &v));
	assert_int_equal(kith_cursor_step(d, true, &k, &v), KITH_E_NOTFOUND);

	assert_ok(kith_cursor_seek(c, LIT("a"), false, &k, &v));
	assert_slice_equal(k, "b", 1);
	assert_ok(kith_cursor_seek(c, LIT("b"), false, &k, &v));
	assert_slice_equal(k, "b", 1);
	assert_ok(kith_cursor_seek(c, LIT("ba"), false, &k, &v));
	assert_slice_equal(k, "bb", 2);
	assert_ok(kith_cursor_seek(c, LIT("c"), false, &k, &v));
	assert_slice_equal(k, "d", 1);
	assert_int_equal(kith_cursor_seek(c, LIT("e"), false, &k, &v), KITH_E_NOTFOUND);
	assert_int_equal(kith_cursor_seek(c, LIT("a"), true, &k, &v), KITH_E_NOTFOUND);
	assert_ok(kith_cursor_seek(c, LIT("b"), true, &k, &v));
	assert_slice_equal(k, "b", 1);
	assert_ok(kith_cursor_seek(c, LIT("c"), true, &k, &v));
	assert_slice_equal(k, "bb", 2);
	assert_ok(kith_cursor_seek(c, LIT("z"), true, &k, &v));
	assert_slice_equal(k, "d", 1);
	assert_ok(kith_cursor_step(c, true, &k, &v));                   /* and turn round */
	assert_ok(kith_cursor_step(c, false, &k, &v));
	assert_slice_equal(k, "d", 1);

	kith_test_put(t, B, "other", "table");                          /* changes no place here */
	assert_ok(kith_cursor_step(c, true, &k, &v));
	assert_slice_equal(k, "bb", 2);
	kith_cursor_close(c);
	kith_cursor_close(d);
	kith_cursor_close(NULL);
	assert_ok(kith_txn_commit(t));
}

static void
cursors_of_a_later_reader_see_what_is_new(void **state)
{
	struct kith_txn *t;
	struct kith_cursor *c, *d;
	struct kith_slice k, v;
	char text[16];
	int i;

	for (i = 0; i < 5; i++) {
		t = kith_test_begin(store(state), true);
		(void)snprintf(text, sizeof(text), "%d", i);
		kith_test_put(t, A, text, text);
		assert_ok(kith_txn_commit(t));
		t = kith_test_begin(store(state), false);
		assert_ok(kith_cursor_open(t, A, &c));
		assert_ok(kith_cursor_open(t, A, &d));
		assert_ok(kith_cursor_seek(c, LIT(""), true, &k, &v));
		assert_slice_equal(k, text, 1);
		assert_ok(kith_cursor_seek(d, kith_slice_str(text), false, &k, &v));
		kith_cursor_close(d);
		kith_cursor_close(c);
		kith_test_has(t, A, text, text);
		kith_txn_abort(t);
	}
}

static void
what_a_get_gave_may_be_put(void **state)
{
	struct kith_txn *t = kith_test_begin(store(state), true);
	struct kith_cursor *c;
	struct kith_slice k, v;
	char name[16];
	int i;

	kith_test_put(t, A, "key", "a value of some length");
	for (i = 0; i < 200; i++) {
		assert_ok(kith_txn_get(t, A, LIT("key"), &v));
		(void)snprintf(name, sizeof(name), "copy%d", i);
		assert_ok(kith_txn_put(t, A, kith_slice_str(name), v));
		assert_ok(kith_txn_get(t, A, kith_slice_str(name), &v));
		assert_ok(kith_txn_put(t, A, LIT("key"), v));
		assert_ok(kith_txn_get(t, A, LIT("key"), &v));
		assert_ok(kith_txn_put(t, A, LIT("key"), kith_slice_of(v.p, v.n)));
	}
	kith_test_has(t, A, "key", "a value of some length");
	kith_test_has(t, A, "copy199", "a value of some length");
	assert_ok(kith_cursor_open(t, A, &c));
	while (kith_cursor_seek(c, LIT(""), false, &k, &v) == KITH_OK)
		assert_ok(kith_txn_del(t, A, k));
	kith_cursor_close(c);
	assert_ok(kith_txn_commit(t));
}

static void
values_of_any_size_are_kept(void **state)
{
	static uint8_t big[200000];
	struct kith_txn *t = kith_test_begin(store(state), true);
	struct kith_slice v;
	uint8_t key[4];
	size_t n, i;

	for (i = 0; i < sizeof(big); i++)
		big[i] = (uint8_t)(i * 31 >> 3);
	for (n = 1; n < sizeof(big); n = n * 3 + 1) {
		kith_put_be32(key, (uint32_t)n);
		assert_ok(kith_txn_put(t, KITH_T_LOG, kith_slice_of(key, 4), kith_slice_of(big, n)));
	}
	assert_ok(kith_txn_commit(t));
	kith_test_reopen(*state);
	t = kith_test_begin(store(state), false);
	for (n = 1; n < sizeof(big); n = n * 3 + 1) {
		kith_put_be32(key, (uint32_t)n);
		assert_ok(kith_txn_get(t, KITH_T_LOG, kith_slice_of(key, 4), &v));
		assert_slice_equal(v, big, n);
	}
	kith_txn_abort(t);
}

/* Tables that grow at their end are written in another way; it must not matter when they do not. */
static void
a_table_that_usually_grows_at_its_end_takes_any_order(void **state)
{
	static const char *const order[] = { "m", "n", "o", "a", "p", "b", "z", "y", "zz" };
	struct kith_txn *t;
	struct kith_cursor *c;
	struct kith_slice k, v, last = { NULL, 0 };
	size_t i, n = 0;
	int r;

	for (i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		t = kith_test_begin(store(state), true);
		kith_test_put(t, KITH_T_LOG, "zzz", "lost");
		if (i % 2 == 0) {
			kith_txn_abort(t);
			t = kith_test_begin(store(state), true);
		} else {
			assert_ok(kith_txn_del(t, KITH_T_LOG, LIT("zzz")));
		}
		kith_test_put(t, KITH_T_LOG, order[i], "1");
		kith_test_put(t, KITH_T_LOG, order[i], order[i]);
		assert_ok(kith_txn_commit(t));
	}
	t = kith_test_begin(store(state), false);
	assert_ok(kith_cursor_open(t, KITH_T_LOG, &c));
	for (r = kith_cursor_seek(c, LIT(""), false, &k, &v); r == KITH_OK; r = kith_cursor_step(c, false, &k, &v), n++) {
		assert_true(kith_slice_eq(k, v));
		assert_true(kith_slice_cmp(last, k) < 0);
		last = k;
	}
	assert_int_equal(n, sizeof(order) / sizeof(order[0]));
	kith_cursor_close(c);
	kith_txn_abort(t);
}

/* ---- against a plain model ---- */

#define SPAN 3000
static uint64_t rnd_state;

static uint64_t
rnd(void)
{
	rnd_state ^= rnd_state << 13;
	rnd_state ^= rnd_state >> 7;
	rnd_state ^= rnd_state << 17;
	return rnd_state;
}

static struct kith_slice
model_key(size_t i, char out[32])
{
	return kith_slice_of(out, (size_t)snprintf(out, 32, i % 5 == 0 ? "%06zu" : "%06zu, longer", i));
}

static size_t
next_up(const uint64_t *model, size_t i)
{
	while (i < SPAN && model[i] == 0)
		i++;
	return i;
}

static void
same_as_model(struct kith_txn *t, const uint64_t *model)
{
	struct kith_cursor *c;
	struct kith_slice k, v;
	char text[32];
	size_t i, j, at;
	int r, q;

	assert_ok(kith_cursor_open(t, A, &c));
	i = next_up(model, 0);
	for (r = kith_cursor_seek(c, LIT(""), false, &k, &v); r == KITH_OK; r = kith_cursor_step(c, false, &k, &v)) {
		assert_true(i < SPAN);
		assert_true(kith_slice_eq(k, model_key(i, text)));
		assert_slice_equal(v, &model[i], 8);
		i = next_up(model, i + 1);
	}
	assert_int_equal(r, KITH_E_NOTFOUND);
	assert_int_equal(i, SPAN);
	for (r = kith_cursor_seek(c, LIT(""), true, &k, &v); r == KITH_OK; r = kith_cursor_step(c, true, &k, &v)) {
		while (i > 0 && model[i - 1] == 0)
			i--;
		assert_true(i > 0);
		assert_true(kith_slice_eq(k, model_key(--i, text)));
	}
	while (i > 0 && model[i - 1] == 0)
		i--;
	assert_int_equal(i, 0);
	for (q = 0; q < 40; q++) {
		at = (size_t)(rnd() % SPAN);
		j = next_up(model, at);
		r = kith_cursor_seek(c, model_key(at, text), false, &k, &v);
		assert_int_equal(r, j < SPAN ? KITH_OK : KITH_E_NOTFOUND);
		if (r == KITH_OK)
			assert_true(kith_slice_eq(k, model_key(j, text)));
		for (j = at + 1; j > 0 && model[j - 1] == 0; j--)
			;
		r = kith_cursor_seek(c, model_key(at, text), true, &k, &v);
		assert_int_equal(r, j > 0 ? KITH_OK : KITH_E_NOTFOUND);
		if (r == KITH_OK)
			assert_true(kith_slice_eq(k, model_key(j - 1, text)));
		r = kith_txn_get(t, A, model_key(at, text), &v);
		assert_int_equal(r, model[at] != 0 ? KITH_OK : KITH_E_NOTFOUND);
	}
	kith_cursor_close(c);
}

static void
readers_and_writer_agree_with_a_plain_model(void **state)
{
	static uint64_t model[SPAN], before[SPAN], seen[4][SPAN];
	struct kith_txn *reader[4] = { NULL }, *t;
	struct kith_slice k;
	char text[32];
	int round, i, q;

	memset(model, 0, sizeof(model));
	rnd_state = 88172645463325252;
	for (round = 0; round < 150; round++) {
		size_t span = (size_t)(rnd() % SPAN) + 1, base = (size_t)(rnd() % SPAN);
		uint64_t mode = rnd() % 4;                      /* put anywhere, del anywhere, put in order, del in order */

		memcpy(before, model, sizeof(model));
		t = kith_test_begin(store(state), true);
		for (i = 0; i < 400; i++) {
			size_t at = (base + (size_t)(mode < 2 ? rnd() : (uint64_t)i) % span) % SPAN;

			k = model_key(at, text);
			if (mode % 2 == 0) {
				model[at] = rnd() | 1;
				assert_ok(kith_txn_put(t, A, k, kith_slice_of(&model[at], 8)));
			} else {
				assert_int_equal(kith_txn_del(t, A, k), model[at] != 0 ? KITH_OK : KITH_E_NOTFOUND);
				model[at] = 0;
			}
		}
		if (round % 8 == 0)
			same_as_model(t, model);
		if (rnd() % 4 == 0) {
			kith_txn_abort(t);
			memcpy(model, before, sizeof(model));
		} else {
			assert_ok(kith_txn_commit(t));
		}
		q = (int)(rnd() % 4);
		if (reader[q] != NULL) {
			same_as_model(reader[q], seen[q]);
			kith_txn_abort(reader[q]);
			reader[q] = NULL;
		} else {
			reader[q] = kith_test_begin(store(state), false);
			memcpy(seen[q], model, sizeof(model));
		}
		if (round == 100) {
			for (q = 0; q < 4; q++) {
				kith_txn_abort(reader[q]);
				reader[q] = NULL;
			}
			kith_test_reopen(*state);
		}
	}
	for (q = 0; q < 4; q++) {
		if (reader[q] == NULL)
			continue;
		same_as_model(reader[q], seen[q]);
		kith_txn_abort(reader[q]);
	}
}

/* ---- without memory ---- */

static int
one_batch(struct kith_store *s, int from)
{
	struct kith_txn *t = NULL;
	struct kith_cursor *c = NULL;
	struct kith_slice k, v;
	char text[32];
	int i, r = kith_store_begin(s, true, &t);

	for (i = 0; i < 100 && r == KITH_OK; i++)
		r = kith_txn_put(t, A, model_key((size_t)(from + i), text), LIT("value"));
	for (i = 0; i < 100 && r == KITH_OK; i += 3)
		r = kith_txn_del(t, A, model_key((size_t)(from + i), text));
	if (r == KITH_OK)
		r = kith_cursor_open(t, A, &c);
	if (r == KITH_OK)
		r = kith_cursor_seek(c, LIT(""), false, &k, &v);
	kith_cursor_close(c);
	if (r == KITH_OK)
		return kith_txn_commit(t);
	if (t != NULL && t->err != KITH_OK)
		assert_int_equal(kith_txn_commit(t), KITH_E_NOMEM);    /* commits nothing, and says what was wrong */
	else
		kith_txn_abort(t);
	return r;
}

static size_t
count(struct kith_store *s)
{
	struct kith_txn *t = kith_test_begin(s, false);
	struct kith_cursor *c;
	struct kith_slice k, v;
	size_t n = 0;
	int r;

	assert_ok(kith_cursor_open(t, A, &c));
	for (r = kith_cursor_seek(c, LIT(""), false, &k, &v); r == KITH_OK; r = kith_cursor_step(c, false, &k, &v))
		n++;
	kith_cursor_close(c);
	kith_txn_abort(t);
	return n;
}

static void
without_memory_a_batch_fails_whole(void **state)
{
	struct kith_txn *reader;
	size_t n;
	int r;

	assert_ok(one_batch(store(state), 0));
	reader = kith_test_begin(store(state), false);          /* so that the writer must copy */
	for (n = 1;; n++) {
		kith_test_fail_alloc(n);
		r = one_batch(store(state), 50);
		if (!kith_test_alloc_failed())
			break;
		assert_int_equal(r, KITH_E_NOMEM);
		assert_int_equal(count(store(state)), 66);
	}
	assert_ok(r);
	assert_int_equal(count(store(state)), 99);
	kith_txn_abort(reader);
}

static void
without_memory_a_growing_tree_stays_whole(void **state)
{
	struct kith_txn *t = kith_test_begin(store(state), true), *reader;
	char text[32];
	size_t i, n;
	int r;

	for (i = 0; i < 1000; i++)                      /* the next ones make it higher */
		assert_ok(kith_txn_put(t, A, model_key(i, text), LIT("value")));
	assert_ok(kith_txn_commit(t));
	reader = kith_test_begin(store(state), false);
	for (n = 1;; n++) {
		kith_test_fail_alloc(n);
		r = one_batch(store(state), 980);
		if (!kith_test_alloc_failed())
			break;
		assert_int_equal(r, KITH_E_NOMEM);
		assert_int_equal(count(store(state)), 1000);
	}
	assert_ok(r);
	assert_int_equal(count(store(state)), 1046);
	kith_txn_abort(reader);
}

static void
without_memory_there_is_no_store(void **state)
{
	struct kith_store *s = NULL;

	(void)state;
	kith_test_fail_alloc(1);
	assert_int_equal(kith_store_mem_new(&s), KITH_E_NOMEM);
	assert_true(kith_test_alloc_failed());
	assert_null(s);
	kith_store_close(NULL);
}

static void
the_incarnation_is_drawn_once(void **state)
{
	struct kith_txn *t = kith_test_begin(store(state), false);
	uint64_t got = 0;
	bool drawn = false;

	assert_int_equal(kith_store_incarnation(t, 0, &got, NULL), KITH_E_NOTFOUND);
	kith_txn_abort(t);
	t = kith_test_begin(store(state), true);
	assert_ok(kith_store_incarnation(t, 77, &got, &drawn));
	assert_true(drawn && got == 77);
	assert_ok(kith_txn_commit(t));
	kith_test_reopen(*state);
	t = kith_test_begin(store(state), true);
	assert_ok(kith_store_incarnation(t, 78, &got, &drawn));
	assert_true(!drawn && got == 77);
	assert_ok(kith_store_incarnation_set(t, 79));
	assert_ok(kith_store_incarnation(t, 80, &got, NULL));
	assert_true(got == 79);
	assert_ok(kith_txn_put(t, KITH_T_META, LIT("incarnation"), LIT("short")));
	assert_int_equal(kith_store_incarnation(t, 80, &got, NULL), KITH_E_CORRUPT);
	kith_txn_abort(t);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		BOTH(what_is_committed_is_there_and_tables_are_apart),
		BOTH(an_abort_leaves_nothing_behind),
		BOTH(there_is_one_writer_at_a_time),
		BOTH(a_reader_sees_the_moment_at_which_it_began),
		BOTH(keys_have_from_1_to_511_bytes),
		BOTH(deleting_what_is_not_there_is_told_and_harmless),
		BOTH(cursors_find_their_way_in_both_directions),
		BOTH(cursors_of_a_later_reader_see_what_is_new),
		BOTH(what_a_get_gave_may_be_put),
		BOTH(values_of_any_size_are_kept),
		BOTH(a_table_that_usually_grows_at_its_end_takes_any_order),
		BOTH(readers_and_writer_agree_with_a_plain_model),
		BOTH(without_memory_a_batch_fails_whole),
		BOTH(without_memory_a_growing_tree_stays_whole),
		cmocka_unit_test(without_memory_there_is_no_store),
		BOTH(the_incarnation_is_drawn_once),
	};

	return cmocka_run_group_tests_name("storage/store", tests, NULL, NULL);
}
