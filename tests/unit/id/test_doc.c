#include "id/doc.h"

#include "tests/unit/fail_alloc.h"
#include "tests/unit/kit.h"
#include "tests/unit/test.h"

static struct kith_doc_new
first(void)
{
	struct kith_doc_new n = { .home = kit_id("node"), .handle = LIT("alice") };

	memcpy(n.account_pk, kit_pk("account"), 32);
	memcpy(n.recovery_pk, kit_pk("recovery"), 32);
	return n;
}

static struct kith_doc_new
after(const struct kith_doc *d)
{
	struct kith_doc_new n = first();

	n.n = d->n + 1;
	n.uid = d->uid;
	n.prev = d->id;
	return n;
}

static void
make(const struct kith_doc_new *n, const char *account, const char *recovery, struct kith_buf *raw, struct kith_doc *d)
{
	kith_buf_init(raw, 0);
	assert_ok(kith_doc_make(n, account != NULL ? kit_key(account) : NULL, recovery != NULL ? kit_key(recovery) : NULL, raw));
	assert_ok(kith_doc_parse(kith_buf_slice(raw), d));
}

static void
the_first_document_names_the_person(void **state)
{
	struct kith_doc_new n = first();
	struct kith_buf raw;
	struct kith_doc d;
	enum kith_doc_by by;
	struct kith_id h;

	(void)state;
	n.flags = KITH_DOC_GUEST | KITH_DOC_BOT;
	make(&n, "account", "recovery", &raw, &d);
	kith_hash(KITH_L_DOC, d.body, &h);
	assert_true(kith_id_eq(&d.id, &h));
	assert_true(kith_id_eq(&d.uid, &h));
	assert_true(kith_id_is_none(&d.prev));
	assert_true(kith_id_eq(&d.home, &n.home));
	assert_true(kith_slice_is(d.handle, "alice"));
	assert_int_equal(d.flags, KITH_DOC_GUEST | KITH_DOC_BOT);
	assert_ok(kith_doc_check(kit_env(), &d, NULL, &by));
	assert_int_equal(by, KITH_DOC_BY_BOTH);
	kith_buf_fini(&raw);
}

static void
each_later_document_is_signed_by_the_keys_before(void **state)
{
	static const struct {
		const char *account, *recovery;
		bool new_account, new_recovery;
		int r;
		enum kith_doc_by by;
	} t[] = {
		{ "account", NULL, false, false, KITH_OK, KITH_DOC_BY_ACCOUNT },
		{ NULL, "recovery", false, false, KITH_OK, KITH_DOC_BY_RECOVERY },
		{ "account", "recovery", false, false, KITH_OK, KITH_DOC_BY_BOTH },
		{ "account", NULL, true, false, KITH_OK, KITH_DOC_BY_ACCOUNT },
		{ NULL, "recovery", true, false, KITH_OK, KITH_DOC_BY_RECOVERY },
		{ "account 2", NULL, true, false, KITH_E_BADSIG, 0 },
		{ "account", "recovery", true, true, KITH_OK, KITH_DOC_BY_BOTH },
		{ "account", NULL, false, true, KITH_E_BADSIG, 0 },
		{ NULL, "recovery", false, true, KITH_E_BADSIG, 0 },
		{ "account", "recovery 2", false, true, KITH_E_BADSIG, 0 },
		{ "recovery", NULL, false, false, KITH_E_BADSIG, 0 },
		{ NULL, "account", false, false, KITH_E_BADSIG, 0 },
		{ "account", "account", false, false, KITH_E_BADSIG, 0 },
		{ NULL, NULL, false, false, KITH_E_BADSIG, 0 },
	};
	struct kith_doc_new n = first();
	struct kith_buf raw, next;
	struct kith_doc d, e;
	enum kith_doc_by by;
	size_t i;
	int r;

	(void)state;
	make(&n, "account", "recovery", &raw, &d);
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		n = after(&d);
		if (t[i].new_account)
			memcpy(n.account_pk, kit_pk("account 2"), 32);
		if (t[i].new_recovery)
			memcpy(n.recovery_pk, kit_pk("recovery 2"), 32);
		make(&n, t[i].account, t[i].recovery, &next, &e);
		by = KITH_DOC_BY_NONE;
		r = kith_doc_check(kit_env(), &e, &d, &by);
		if (r != t[i].r || by != t[i].by)
			fail_msg("case %zu: %s, by %d", i, kith_err_name(r), (int)by);
		assert_true(kith_id_eq(&e.uid, &d.uid));
		kith_buf_fini(&next);
	}
	kith_buf_fini(&raw);
}

static void
what_does_not_follow_is_no_successor(void **state)
{
	struct kith_doc_new n = first();
	struct kith_buf raw, next;
	struct kith_doc d, e;
	enum kith_doc_by by = KITH_DOC_BY_NONE;

	(void)state;
	make(&n, "account", "recovery", &raw, &d);
	n = after(&d);
	n.n = 2;
	make(&n, "account", NULL, &next, &e);
	assert_int_equal(kith_doc_check(kit_env(), &e, &d, &by), KITH_E_MALFORMED);
	assert_int_equal(kith_doc_check(kit_env(), &e, NULL, &by), KITH_E_MALFORMED);
	kith_buf_fini(&next);
	n = after(&d);
	n.prev = kit_id("other");
	make(&n, "account", NULL, &next, &e);
	assert_int_equal(kith_doc_check(kit_env(), &e, &d, &by), KITH_E_MALFORMED);
	kith_buf_fini(&next);
	n = after(&d);
	n.uid = kit_id("other");
	make(&n, "account", NULL, &next, &e);
	assert_int_equal(kith_doc_check(kit_env(), &e, &d, &by), KITH_E_MALFORMED);
	kith_buf_fini(&next);
	assert_int_equal(kith_doc_check(kit_env(), &d, &d, &by), KITH_E_MALFORMED);
	assert_int_equal(by, KITH_DOC_BY_NONE);
	kith_buf_fini(&raw);
}

static void
a_byte_changed_is_refused(void **state)
{
	struct kith_doc_new n = first();
	enum kith_doc_by by;
	struct kith_buf raw;
	struct kith_doc d;
	size_t i, bit;

	(void)state;
	make(&n, "account", "recovery", &raw, &d);
	for (i = 0; i < raw.n; i++)
		for (bit = 0; bit < 8; bit++) {
			raw.p[i] ^= (uint8_t)(1u << bit);
			if (kith_doc_parse(kith_buf_slice(&raw), &d) == KITH_OK)
				assert_int_equal(kith_doc_check(kit_env(), &d, NULL, &by), KITH_E_BADSIG);
			raw.p[i] ^= (uint8_t)(1u << bit);
		}
	kith_buf_fini(&raw);
}

static void
a_part_of_a_document_is_refused(void **state)
{
	struct kith_doc_new n = first();
	struct kith_buf raw;
	struct kith_doc d;
	uint8_t *part;
	size_t i;

	(void)state;
	make(&n, "account", "recovery", &raw, &d);
	for (i = 0; i < raw.n; i++) {
		part = malloc(i > 0 ? i : 1);
		assert_non_null(part);
		memcpy(part, raw.p, i);
		assert_int_equal(kith_doc_parse(kith_slice_of(part, i), &d), KITH_E_MALFORMED);
		free(part);
	}
	kith_buf_fini(&raw);
}

static void
what_would_not_be_read_is_not_written(void **state)
{
	struct kith_doc_new n = first();
	struct kith_buf out;

	(void)state;
	kith_buf_init(&out, 0);
	n.handle.n = 0;
	assert_int_equal(kith_doc_make(&n, kit_key("account"), kit_key("recovery"), &out), KITH_E_MALFORMED);
	n = first();
	n.flags = 8;
	assert_int_equal(kith_doc_make(&n, kit_key("account"), kit_key("recovery"), &out), KITH_E_MALFORMED);
	n = first();
	memcpy(n.recovery_pk, n.account_pk, 32);
	assert_int_equal(kith_doc_make(&n, kit_key("account"), kit_key("account"), &out), KITH_E_MALFORMED);
	assert_int_equal(out.n, 0);
	kith_buf_fini(&out);
}

static void
a_lack_of_memory_is_told(void **state)
{
	struct kith_doc_new n = first();
	struct kith_buf out;
	size_t i;
	int r;

	(void)state;
	for (i = 1;; i++) {
		kith_buf_init(&out, 0);
		kith_test_fail_alloc(i);
		r = kith_doc_make(&n, kit_key("account"), kit_key("recovery"), &out);
		if (!kith_test_alloc_failed())
			break;
		assert_int_equal(r, KITH_E_NOMEM);
		assert_int_equal(out.n, 0);
		kith_buf_fini(&out);
	}
	assert_ok(r);
	kith_buf_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_document_names_the_person),
		cmocka_unit_test(each_later_document_is_signed_by_the_keys_before),
		cmocka_unit_test(what_does_not_follow_is_no_successor),
		cmocka_unit_test(a_byte_changed_is_refused),
		cmocka_unit_test(a_part_of_a_document_is_refused),
		cmocka_unit_test(what_would_not_be_read_is_not_written),
		cmocka_unit_test(a_lack_of_memory_is_told),
	};

	(void)kit_env();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
