#include "group/record.h"

#include "tests/unit/fail_alloc.h"
#include "tests/unit/kit.h"
#include "tests/unit/kit_ops.h"
#include "tests/unit/test.h"
#include "wire/mp.h"

/* What is read must be written again as it was. */
static void
assert_same_again(struct kith_slice header, const struct kith_record *d)
{
	struct kith_buf again;

	kith_buf_init(&again, 0);
	assert_ok(kith_record_make(d, NULL, &again));
	assert_slice_equal(kith_buf_slice(&again), header.p, header.n);
	kith_buf_fini(&again);
}

static void
all_kinds_read_as_they_were_written(void **state)
{
	const struct kit_op *o;
	struct kith_record d, r;
	struct kith_buf raw;

	(void)state;
	kith_buf_init(&raw, 0);
	for (o = kit_ops; o->name != NULL; o++) {
		kith_buf_reset(&raw);
		kit_record(o->kind, o->has, &d);
		assert_ok(kith_record_make(&d, NULL, &raw));
		assert_ok(kith_record_parse(kith_buf_slice(&raw), &r));
		assert_int_equal(r.kind, d.kind);
		assert_true(kith_id_eq(&r.group, o->kind == KITH_K_CREATE ? &r.id : &d.group));
		assert_true(kith_id_eq(&r.node, &d.node));
		assert_true(kith_id_eq(&r.scope, &d.scope));
		assert_true(kith_id_eq(&r.prev, &d.prev));
		assert_true(kith_id_eq(&r.author, &d.author));
		assert_true(kith_id_eq(&r.doc, &d.doc));
		assert_true(kith_id_eq(&r.via, &d.via));
		assert_true(kith_id_eq(&r.body_hash, &d.body_hash));
		assert_int_equal(r.incarnation, d.incarnation);
		assert_int_equal(r.seq, d.seq);
		assert_int_equal(r.counter, d.counter);
		assert_int_equal(r.clock, d.clock);
		assert_int_equal(r.body_len, d.body_len);
		assert_int_equal(r.n_parents, d.n_parents);
		assert_memory_equal(r.parents, d.parents, d.n_parents * sizeof(d.parents[0]));
		assert_int_equal(r.n_frontier, d.n_frontier);
		assert_memory_equal(r.frontier, d.frontier, d.n_frontier * sizeof(d.frontier[0]));
		assert_slice_equal(r.op, d.op.p, d.op.n);
		assert_false(r.has_author_sig);
		assert_same_again(kith_buf_slice(&raw), &r);
	}
	kith_buf_fini(&raw);
}

static void
a_byte_changed_is_refused_or_another_record(void **state)
{
	const struct kit_op *o;
	struct kith_record was, d;
	struct kith_buf raw;
	size_t i, bit;

	(void)state;
	kith_buf_init(&raw, 0);
	for (o = kit_ops; o->name != NULL; o++) {
		kith_buf_reset(&raw);
		kit_header(o->kind, o->has, true, &raw);
		assert_ok(kith_record_parse(kith_buf_slice(&raw), &was));
		for (i = 0; i < raw.n; i++)
			for (bit = 0; bit < 8; bit++) {
				raw.p[i] ^= (uint8_t)(1u << bit);
				if (kith_record_parse(kith_buf_slice(&raw), &d) == KITH_OK) {
					assert_false(kith_id_eq(&d.id, &was.id));
					assert_same_again(kith_buf_slice(&raw), &d);
				}
				raw.p[i] ^= (uint8_t)(1u << bit);
			}
	}
	kith_buf_fini(&raw);
}

static void
a_part_of_a_header_is_refused_and_leaves_no_trace(void **state)
{
	struct kith_record d, untouched;
	struct kith_buf raw;
	uint8_t *part;
	size_t n;

	(void)state;
	kith_buf_init(&raw, 0);
	kit_header(KITH_K_BAN, KITH_OP_BIT(KITH_OP_USERS) | KITH_OP_BIT(KITH_OP_CUT), true, &raw);
	memset(&d, 0x5a, sizeof(d));
	memcpy(&untouched, &d, sizeof(d));
	for (n = 0; n < raw.n; n++) {
		part = malloc(n > 0 ? n : 1);           /* a read too far is seen */
		assert_non_null(part);
		memcpy(part, raw.p, n);
		assert_int_equal(kith_record_parse(kith_slice_of(part, n), &d), KITH_E_MALFORMED);
		assert_memory_equal(&d, &untouched, sizeof(d));
		free(part);
	}
	kith_buf_fini(&raw);
}

static void
the_author_signs_what_the_page_says(void **state)
{
	struct kith_record d, r;
	struct kith_buf raw, what, by_hand;
	uint32_t i;

	(void)state;
	kith_buf_init(&raw, 0);
	kith_buf_init(&what, 0);
	kith_buf_init(&by_hand, 0);
	kit_record(KITH_K_BAN, KITH_OP_BIT(KITH_OP_USERS) | KITH_OP_BIT(KITH_OP_CUT), &d);
	assert_ok(kith_record_make(&d, kit_key("alice account"), &raw));
	assert_ok(kith_record_parse(kith_buf_slice(&raw), &r));
	assert_ok(kith_record_author_bytes(&r, &what));
	kith_mp_put_array(&by_hand, 11);
	kith_mp_put_uint(&by_hand, 1);
	kith_mp_put_id(&by_hand, &d.group);
	kith_mp_put_id(&by_hand, &d.node);
	kith_mp_put_uint(&by_hand, 10);
	kith_mp_put_id(&by_hand, &d.author);
	kith_mp_put_id(&by_hand, &d.doc);
	kith_mp_put_uint(&by_hand, 7);
	kith_mp_put_array(&by_hand, 2);
	for (i = 0; i < 2; i++)
		kith_mp_put_id(&by_hand, &d.parents[i]);
	kith_mp_put_id(&by_hand, &d.via);
	kith_buf_put_slice(&by_hand, d.op);
	kith_mp_put_bin(&by_hand, kith_slice_of(NULL, 0));
	assert_slice_equal(kith_buf_slice(&what), by_hand.p, by_hand.n);
	assert_ok(kith_record_author_check(kit_env(), &r, kit_pk("alice account")));
	assert_int_equal(kith_record_author_check(kit_env(), &r, kit_pk("bob account")), KITH_E_BADSIG);
	r.author_sig[5] ^= 1;
	assert_int_equal(kith_record_author_check(kit_env(), &r, kit_pk("alice account")), KITH_E_BADSIG);
	kith_buf_fini(&raw);
	kith_buf_fini(&what);
	kith_buf_fini(&by_hand);
}

static void
a_signature_made_elsewhere_is_taken_over(void **state)
{
	struct kith_record d, r;
	struct kith_buf raw, what;

	(void)state;
	kith_buf_init(&raw, 0);
	kith_buf_init(&what, 0);
	kit_record(KITH_K_MESSAGE, 0, &d);
	assert_ok(kith_record_author_bytes(&d, &what));
	kith_sign(kit_key("alice account"), KITH_L_AUTHOR, kith_buf_slice(&what), d.author_sig);
	d.has_author_sig = true;
	assert_ok(kith_record_make(&d, NULL, &raw));
	assert_ok(kith_record_parse(kith_buf_slice(&raw), &r));
	assert_ok(kith_record_author_check(kit_env(), &r, kit_pk("alice account")));
	kith_buf_fini(&raw);
	kith_buf_fini(&what);
}

static void
what_would_not_be_read_is_not_written(void **state)
{
	struct kith_record d;
	struct kith_buf out;

	(void)state;
	kith_buf_init(&out, 0);
	kith_buf_put_str(&out, "before");
	kit_record(KITH_K_MESSAGE, 0, &d);
	d.n_parents = KITH_TIMELINE_PARENTS_MAX + 1;
	assert_int_not_equal(kith_record_make(&d, NULL, &out), KITH_OK);
	d.n_parents = KITH_PARENTS_MAX + 1;
	assert_int_equal(kith_record_make(&d, NULL, &out), KITH_E_LIMIT);
	kit_record(KITH_K_MESSAGE, 0, &d);
	d.counter = 1;
	assert_int_equal(kith_record_make(&d, NULL, &out), KITH_E_MALFORMED);
	kit_record(KITH_K_MESSAGE, 0, &d);
	d.op = LIT("\x01");
	assert_int_equal(kith_record_make(&d, NULL, &out), KITH_E_MALFORMED);
	kit_record(KITH_K_BAN, KITH_OP_BIT(KITH_OP_USERS), &d);
	d.n_frontier = KITH_PARENTS_MAX + 1;
	assert_int_equal(kith_record_make(&d, NULL, &out), KITH_E_LIMIT);
	assert_slice_equal(kith_buf_slice(&out), "before", 6);
	kith_buf_fini(&out);
	/* where there is no room for it, nothing is left of it */
	kith_buf_init(&out, 20);
	kith_buf_put_str(&out, "before");
	kit_record(KITH_K_MESSAGE, 0, &d);
	assert_int_equal(kith_record_make(&d, NULL, &out), KITH_E_LIMIT);
	assert_int_equal(out.n, 6);
	assert_int_equal(kith_record_make(&d, NULL, &out), KITH_E_LIMIT);
	kith_buf_fini(&out);
}

static void
a_body_belongs_to_one_header_whole(void **state)
{
	static const uint8_t salt[16] = "salt of 16 bytes";
	struct kith_record r;
	struct kith_buf body;
	struct kith_id h;
	size_t i;

	(void)state;
	kith_buf_init(&body, 0);
	memset(&r, 0, sizeof(r));
	assert_ok(kith_record_body_ok(&r, kith_slice_of(NULL, 0)));
	assert_int_equal(kith_body_map(kith_slice_of(NULL, 0)).n, 0);
	assert_ok(kith_body_make(salt, LIT("\x81\xa4text\xa2hi"), &body));
	assert_slice_equal(kith_body_map(kith_buf_slice(&body)), "\x81\xa4text\xa2hi", 9);
	kith_hash(KITH_L_BODY, kith_buf_slice(&body), &h);
	r.body_len = (uint32_t)body.n;
	r.body_hash = h;
	assert_ok(kith_record_body_ok(&r, kith_buf_slice(&body)));
	assert_int_equal(kith_record_body_ok(&r, kith_slice_of(body.p, body.n - 1)), KITH_E_BADSIG);
	for (i = 0; i < body.n; i++) {
		body.p[i] ^= 1;
		assert_int_equal(kith_record_body_ok(&r, kith_buf_slice(&body)), KITH_E_BADSIG);
		body.p[i] ^= 1;
	}
	kith_buf_reset(&body);
	assert_int_equal(kith_body_make(salt, LIT("\x81\x01\x00"), &body), KITH_E_MALFORMED);
	assert_int_equal(body.n, 0);
	kith_buf_fini(&body);
	kith_buf_init(&body, 25);
	assert_int_equal(kith_body_make(salt, LIT("\x81\xa4text\xa6hello!"), &body), KITH_E_LIMIT);
	kith_buf_fini(&body);
	kith_buf_init(&body, 3);
	assert_int_equal(kith_body_make(salt, LIT("\x80"), &body), KITH_E_LIMIT);
	assert_int_equal(kith_body_make(salt, LIT("\x80"), &body), KITH_E_LIMIT);
	kith_buf_fini(&body);
}

/* What becomes of a map as a body: put as it is, so that it may say anything. */
static int
body_says(const struct kith_buf *map)
{
	static const uint8_t salt[16] = "salt of 16 bytes";
	struct kith_record r;
	struct kith_buf body;
	int e;

	kith_buf_init(&body, 0);
	kith_mp_put_array(&body, 2);
	kith_mp_put_bin(&body, kith_slice_of(salt, sizeof(salt)));
	kith_mp_put_raw(&body, kith_buf_slice(map));
	memset(&r, 0, sizeof(r));
	r.body_len = (uint32_t)body.n;
	kith_hash(KITH_L_BODY, kith_buf_slice(&body), &r.body_hash);
	e = kith_record_body_ok(&r, kith_buf_slice(&body));
	kith_buf_fini(&body);
	return e;
}

static void
the_fields_of_a_body_keep_to_their_kinds_and_limits(void **state)
{
	static const char long_key[256] = { [0 ... 255] = 'k' };
	struct kith_id small = { { 1 } }, large = { { 2 } };
	struct kith_buf m;

	(void)state;
	kith_buf_init(&m, 0);
	for (size_t n = 255; n <= 256; n++) {
		kith_buf_reset(&m);
		kith_mp_put_map(&m, 1);
		kith_mp_put_str(&m, kith_slice_of(long_key, n));
		kith_mp_put_uint(&m, 1);
		assert_int_equal(body_says(&m), n == 255 ? KITH_OK : KITH_E_LIMIT);
	}
	/* mentions: ids, rising; anything that is no id is none of them, wherever it stands */
	for (int wrong = 0; wrong < 4; wrong++) {
		kith_buf_reset(&m);
		kith_mp_put_map(&m, 1);
		kith_mp_put_cstr(&m, "mentions");
		kith_mp_put_array(&m, 2);
		if (wrong == 1)
			kith_mp_put_bin(&m, kith_slice_of(small.b, 31));
		else
			kith_mp_put_id(&m, wrong == 2 ? &large : &small);
		if (wrong == 3)
			kith_mp_put_uint(&m, 7);
		else
			kith_mp_put_id(&m, wrong == 2 ? &small : &large);
		assert_int_equal(body_says(&m), wrong == 0 ? KITH_OK : KITH_E_MALFORMED);
	}
	kith_buf_fini(&m);
}

static void
kinds_have_names_and_one_plane_each(void **state)
{
	uint32_t kind;
	int n;

	(void)state;
	for (kind = 0; kind < 200; kind++) {
		n = kith_kind_in_plane(kind, KITH_PLANE_AUTHORITY) + kith_kind_in_plane(kind, KITH_PLANE_ROSTER) +
		    kith_kind_in_plane(kind, KITH_PLANE_TIMELINE);
		assert_int_equal(n, kith_kind_name(kind) != NULL ? 1 : 0);
	}
	assert_null(kith_kind_name(0));
	assert_null(kith_kind_name(29));
	assert_null(kith_kind_name(UINT32_MAX));
	assert_string_equal(kith_kind_name(KITH_K_ROLE_GRANT), "role.grant");
	assert_true(kith_kind_in_plane(KITH_K_SEAL, KITH_PLANE_AUTHORITY));
	assert_true(kith_kind_in_plane(KITH_K_NODE_JOIN, KITH_PLANE_ROSTER));
	assert_true(kith_kind_in_plane(KITH_K_PROFILE, KITH_PLANE_ROSTER));
	assert_true(kith_kind_in_plane(KITH_K_MESSAGE, KITH_PLANE_TIMELINE));
	assert_true(kith_kind_in_plane(KITH_K_PIN, KITH_PLANE_TIMELINE));
}

static void
writing_survives_a_lack_of_memory(void **state)
{
	struct kith_record d;
	struct kith_buf raw;
	size_t n;
	int r;

	(void)state;
	kit_record(KITH_K_BAN, KITH_OP_BIT(KITH_OP_USERS) | KITH_OP_BIT(KITH_OP_CUT), &d);
	(void)kit_key("alice account");
	for (n = 1;; n++) {
		kith_buf_init(&raw, 0);
		kith_test_fail_alloc(n);
		r = kith_record_make(&d, kit_key("alice account"), &raw);
		if (!kith_test_alloc_failed())
			break;
		assert_int_equal(r, KITH_E_NOMEM);
		assert_int_equal(raw.n, 0);
		kith_buf_fini(&raw);
	}
	assert_ok(r);
	assert_true(n > 1);
	kith_buf_fini(&raw);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_kinds_read_as_they_were_written),
		cmocka_unit_test(a_byte_changed_is_refused_or_another_record),
		cmocka_unit_test(a_part_of_a_header_is_refused_and_leaves_no_trace),
		cmocka_unit_test(the_author_signs_what_the_page_says),
		cmocka_unit_test(a_signature_made_elsewhere_is_taken_over),
		cmocka_unit_test(what_would_not_be_read_is_not_written),
		cmocka_unit_test(a_body_belongs_to_one_header_whole),
		cmocka_unit_test(the_fields_of_a_body_keep_to_their_kinds_and_limits),
		cmocka_unit_test(kinds_have_names_and_one_plane_each),
		cmocka_unit_test(writing_survives_a_lack_of_memory),
	};

	(void)kit_env();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
