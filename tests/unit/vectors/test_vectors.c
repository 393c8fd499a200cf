/*
 * The files in tests/vectors: that they are what is made now, byte for byte, and
 * that all they say holds. Run with --write to make them anew.
 */
#include "tests/unit/test.h"

#include <jansson.h>
#include <stdio.h>

#include "base/arena.h"
#include "group/cut.h"
#include "group/record.h"
#include "id/doc.h"
#include "id/invite.h"
#include "id/node.h"
#include "tests/unit/kit.h"
#include "tests/unit/vectors/vectors.h"
#include "wire/mp.h"

static void
path_of(const char *name, char out[1024])
{
	const char *top = getenv("KITH_SRCDIR");

	snprintf(out, 1024, "%s/tests/vectors/%s", top != NULL ? top : ".", name);
}

static void
made_again_they_are_the_same_bytes(void **state)
{
	char path[1024];
	struct kith_buf now;
	size_t i, n;
	uint8_t *was;
	FILE *f;

	(void)state;
	for (i = 0; i < vec_n_files; i++) {
		path_of(vec_files[i].name, path);
		f = fopen(path, "rb");
		if (f == NULL)
			fail_msg("%s is missing", path);
		kith_buf_init(&now, 0);
		vec_files[i].make(&now);
		assert_ok(kith_buf_err(&now));
		was = malloc(now.n + 1);
		assert_non_null(was);
		n = fread(was, 1, now.n + 1, f);
		fclose(f);
		if (n != now.n || memcmp(was, now.p, n) != 0)
			fail_msg("%s differs from what is made now", vec_files[i].name);
		free(was);
		kith_buf_fini(&now);
	}
}

/* ---- reading ---- */

static const char *
text(const json_t *v, const char *key)
{
	const char *s = json_string_value(json_object_get(v, key));

	return s != NULL ? s : "";
}

static uint64_t
number(const json_t *v, const char *key)
{
	assert_true(json_is_integer(json_object_get(v, key)));
	return (uint64_t)json_integer_value(json_object_get(v, key));
}

static unsigned
digit(char c)
{
	return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* In memory of its own, exactly as long, so that a read too far is seen. */
struct bytes {
	uint8_t *p;
	size_t n;
};

static struct bytes
hex(const json_t *v, const char *key)
{
	const char *s = text(v, key);
	struct bytes b = { NULL, strlen(s) / 2 };
	size_t i;

	b.p = malloc(b.n > 0 ? b.n : 1);
	assert_non_null(b.p);
	for (i = 0; i < b.n; i++)
		b.p[i] = (uint8_t)(digit(s[2 * i]) << 4 | digit(s[2 * i + 1]));
	return b;
}

static struct kith_slice
slice(struct bytes b)
{
	return kith_slice_of(b.p, b.n);
}

static void
assert_hex(const json_t *v, const char *key, struct kith_slice s)
{
	struct bytes b = hex(v, key);

	assert_slice_equal(s, b.p, b.n);
	free(b.p);
}

static void
assert_as_said(const json_t *v, int r)
{
	const json_t *e = json_object_get(v, "error");
	const char *want = json_is_null(e) ? "ok" : json_string_value(e);

	assert_non_null(want);
	if (r == KITH_OK ? strcmp(want, "ok") != 0 : strcmp(want, kith_err_name(r)) != 0)
		fail_msg("\"%s\": %s, not %s", text(v, "name"), kith_err_name(r), want);
}

static bool
good(const json_t *v)
{
	return json_is_null(json_object_get(v, "error"));
}

static void
each(const char *file, void (*check)(const json_t *v, const json_t *all))
{
	char path[1024];
	json_error_t err;
	json_t *top, *all, *v;
	size_t i;

	path_of(file, path);
	top = json_load_file(path, JSON_REJECT_DUPLICATES, &err);
	if (top == NULL)
		fail_msg("%s:%d: %s", path, err.line, err.text);
	all = json_object_get(top, "vectors");
	assert_true(json_array_size(all) > 0);
	json_array_foreach(all, i, v) check(v, all);
	json_decref(top);
}

static const json_t *
named(const json_t *all, const char *name)
{
	const json_t *v;
	size_t i;

	json_array_foreach(all, i, v) {
		if (strcmp(text(v, "name"), name) == 0)
			return v;
	}
	fail_msg("no vector \"%s\"", name);
	return NULL;
}

/* ---- each file ---- */

static void
check_key(const json_t *v, const json_t *all)
{
	struct bytes seed = hex(v, "seed");
	struct kith_signer *s;

	(void)all;
	assert_int_equal(seed.n, KITH_SEED_BYTES);
	assert_ok(kith_signer_from_seed(seed.p, &s));
	assert_hex(v, "pk", kith_slice_of(kith_signer_pk(s), KITH_PK_BYTES));
	kith_signer_free(s);
	free(seed.p);
}

static void
check_msgpack(const json_t *v, const json_t *all)
{
	struct kith_mp_limits lim = { (uint32_t)number(v, "depth"), (uint32_t)number(v, "values"),
		json_is_true(json_object_get(v, "nil")) };
	struct bytes b = hex(v, "hex");

	(void)all;
	assert_as_said(v, kith_mp_check(slice(b), &lim));
	free(b.p);
}

static void
check_header(const json_t *v, const json_t *all)
{
	struct bytes b = hex(v, "hex");
	struct kith_record d;
	struct kith_buf again;
	struct kith_id id;

	(void)all;
	kith_hash(KITH_L_RECORD, slice(b), &id);
	assert_hex(v, "id", kith_id_slice(&id));
	assert_as_said(v, kith_record_parse(slice(b), &d));
	if (good(v)) {
		assert_hex(v, "id", kith_id_slice(&d.id));
		kith_buf_init(&again, 0);
		assert_ok(kith_record_make(&d, NULL, &again));
		assert_slice_equal(kith_buf_slice(&again), b.p, b.n);
		kith_buf_fini(&again);
	}
	free(b.p);
}

static void
check_op(const json_t *v, const json_t *all)
{
	struct kith_arena *a = kith_arena_new(1 << 20);
	struct bytes b = hex(v, "hex");
	uint32_t kind = (uint32_t)number(v, "number");
	struct kith_buf again;
	struct kith_op o;

	(void)all;
	assert_non_null(a);
	assert_as_said(v, kith_op_parse(kind, slice(b), a, &o));
	if (good(v) && kith_kind_name(kind) != NULL) {
		assert_string_equal(text(v, "kind"), kith_kind_name(kind));
		kith_buf_init(&again, 0);
		assert_ok(kith_op_make(&o, &again));
		assert_slice_equal(kith_buf_slice(&again), b.p, b.n);
		kith_buf_fini(&again);
	}
	kith_arena_free(a);
	free(b.p);
}

static void
check_body(const json_t *v, const json_t *all)
{
	struct bytes b = hex(v, "hex"), h = hex(v, "hash");
	struct kith_record r = { .body_len = (uint32_t)number(v, "length") };

	(void)all;
	assert_int_equal(h.n, sizeof(r.body_hash.b));
	memcpy(r.body_hash.b, h.p, h.n);
	assert_as_said(v, kith_record_body_ok(&r, slice(b)));
	free(b.p);
	free(h.p);
}

static void
check_author(const json_t *v, const json_t *all)
{
	struct bytes b = hex(v, "header"), pk = hex(v, "key");
	struct kith_record r;
	struct kith_buf what;

	(void)all;
	assert_ok(kith_record_parse(slice(b), &r));
	kith_buf_init(&what, 0);
	assert_ok(kith_record_author_bytes(&r, &what));
	assert_hex(v, "signed", kith_buf_slice(&what));
	assert_as_said(v, kith_record_author_check(kit_env(), &r, pk.p));
	kith_buf_fini(&what);
	free(b.p);
	free(pk.p);
}

static void
check_feed(const json_t *v, const json_t *all)
{
	const json_t *before = NULL, *x;
	struct bytes b = hex(v, "header"), pk = hex(v, "key"), sig = hex(v, "signature");
	struct kith_record r;
	size_t i;

	assert_ok(kith_record_parse(slice(b), &r));
	assert_hex(v, "id", kith_id_slice(&r.id));
	json_array_foreach(all, i, x) {
		if (i + 1 == r.seq)
			before = x;
	}
	if (before != NULL)
		assert_hex(before, "id", kith_id_slice(&r.prev));
	else
		assert_true(kith_id_is_none(&r.prev));
	if (sig.n > 0)
		assert_as_said(v, kith_verify(pk.p, KITH_L_TIP, kith_id_slice(&r.id), sig.p));
	free(b.p);
	free(pk.p);
	free(sig.p);
}

static void
check_node(const json_t *v, const json_t *all)
{
	struct bytes b = hex(v, "hex"), before = { NULL, 0 };
	struct kith_node_record d, prev;
	bool first = text(v, "after")[0] == '\0';
	int r = kith_node_parse(slice(b), &d);

	if (r == KITH_OK) {
		assert_hex(v, "id", kith_id_slice(&d.id));
		assert_hex(v, "node", kith_id_slice(&d.node));
		if (!first) {
			before = hex(named(all, text(v, "after")), "hex");
			assert_ok(kith_node_parse(slice(before), &prev));
		}
		r = kith_node_check(kit_env(), &d, first ? NULL : &prev);
	}
	assert_as_said(v, r);
	free(b.p);
	free(before.p);
}

static void
check_doc(const json_t *v, const json_t *all)
{
	static const char *const names[] = { "", "account", "recovery", "both" };
	struct bytes b = hex(v, "hex"), before = { NULL, 0 };
	struct kith_doc d, prev;
	enum kith_doc_by by = KITH_DOC_BY_NONE;
	bool first = text(v, "after")[0] == '\0';
	int r = kith_doc_parse(slice(b), &d);

	if (r == KITH_OK) {
		assert_hex(v, "id", kith_id_slice(&d.id));
		assert_hex(v, "uid", kith_id_slice(&d.uid));
		if (!first) {
			before = hex(named(all, text(v, "after")), "hex");
			assert_ok(kith_doc_parse(slice(before), &prev));
		}
		r = kith_doc_check(kit_env(), &d, first ? NULL : &prev, &by);
	}
	assert_as_said(v, r);
	if (r == KITH_OK)
		assert_string_equal(text(v, "by"), names[by]);
	free(b.p);
	free(before.p);
}

static void
check_invite(const json_t *v, const json_t *all)
{
	struct bytes b = hex(v, "hex"), pk = hex(v, "key");
	struct kith_invite d;
	struct kith_id h;
	int r = kith_invite_parse(slice(b), &d);

	(void)all;
	if (r == KITH_OK) {
		assert_hex(v, "id", kith_id_slice(&d.id));
		kith_hash(KITH_L_INVITE, LIT("a secret of 16 b"), &h);
		assert_true(kith_id_eq(&h, &d.secret_hash));
		r = kith_verify(pk.p, KITH_L_INVITE, d.body, d.sig);
	}
	assert_as_said(v, r);
	free(b.p);
	free(pk.p);
}

static void
check_link(const json_t *v, const json_t *all)
{
	struct kith_id group = kit_id("group"), invite = kit_id("invite");
	const char *s = text(v, "text"), *hash = strchr(s, '#');
	struct kith_buf again;
	struct kith_link l;
	char base[256];

	(void)all;
	assert_as_said(v, kith_link_parse(kith_slice_str(s), &l));
	if (!good(v))
		return;
	assert_true(kith_id_eq(&l.group, &group));
	assert_true(kith_id_eq(&l.invite, &invite));
	assert_memory_equal(l.secret, "a secret of 16 b", 16);
	if (hash == NULL)
		return;
	snprintf(base, sizeof(base), "%.*s", (int)(hash - s), s);
	kith_buf_init(&again, 0);
	assert_ok(kith_link_write(&l, base, &again));
	assert_string_equal((const char *)again.p, s);
	kith_buf_fini(&again);
}

static void
check_cut(const json_t *v, const json_t *all)
{
	bool part = json_is_true(json_object_get(v, "part"));
	struct kith_arena *a = kith_arena_new(1 << 20);
	struct bytes b = hex(v, "hex");
	struct kith_buf again;
	struct kith_cut c;
	struct kith_id id;

	(void)all;
	assert_non_null(a);
	assert_as_said(v, part ? kith_cut_part_parse(slice(b), a, &c) : kith_cut_parse(slice(b), a, &c));
	if (good(v)) {
		kith_buf_init(&again, 0);
		assert_ok(part ? kith_cut_part_make(c.feed, c.n_feeds, b.p + 4, &again, &id) : kith_cut_make(&c, &again, &id));
		assert_slice_equal(kith_buf_slice(&again), b.p, b.n);
		assert_hex(v, "id", kith_id_slice(&id));
		kith_buf_fini(&again);
	}
	kith_arena_free(a);
	free(b.p);
}

static void
check_count(const json_t *v, const json_t *all)
{
	struct bytes invite = hex(v, "invite"), uid = hex(v, "uid"), pk = hex(v, "key"), sig = hex(v, "signature");
	struct kith_id i, u;
	struct kith_buf b;

	(void)all;
	memcpy(i.b, invite.p, sizeof(i.b));
	memcpy(u.b, uid.p, sizeof(u.b));
	kith_buf_init(&b, 0);
	kith_count_bytes(&i, number(v, "count"), &u, &b);
	assert_as_said(v, kith_verify(pk.p, KITH_L_COUNT, kith_buf_slice(&b), sig.p));
	kith_buf_fini(&b);
	free(invite.p);
	free(uid.p);
	free(pk.p);
	free(sig.p);
}

static void keys_come_from_their_seeds(void **s) { (void)s; each("keys.json", check_key); }
static void msgpack_has_one_form(void **s) { (void)s; each("msgpack.json", check_msgpack); }
static void headers_are_as_said(void **s) { (void)s; each("headers.json", check_header); }
static void ops_are_as_said(void **s) { (void)s; each("ops.json", check_op); }
static void bodies_are_as_said(void **s) { (void)s; each("bodies.json", check_body); }
static void authors_signatures_are_as_said(void **s) { (void)s; each("authors.json", check_author); }
static void a_feed_is_a_chain(void **s) { (void)s; each("feed.json", check_feed); }
static void node_records_are_as_said(void **s) { (void)s; each("nodes.json", check_node); }
static void documents_are_as_said(void **s) { (void)s; each("docs.json", check_doc); }
static void invites_are_as_said(void **s) { (void)s; each("invites.json", check_invite); }
static void links_are_as_said(void **s) { (void)s; each("links.json", check_link); }
static void cuts_are_as_said(void **s) { (void)s; each("cuts.json", check_cut); }
static void counts_are_as_said(void **s) { (void)s; each("counts.json", check_count); }

static int
write_all(void)
{
	char path[1024];
	struct kith_buf b;
	size_t i;
	FILE *f;

	for (i = 0; i < vec_n_files; i++) {
		kith_buf_init(&b, 0);
		vec_files[i].make(&b);
		path_of(vec_files[i].name, path);
		f = fopen(path, "wb");
		if (kith_buf_err(&b) != KITH_OK || f == NULL || fwrite(b.p, 1, b.n, f) != b.n || fclose(f) != 0) {
			perror(path);
			return 1;
		}
		kith_buf_fini(&b);
	}
	return 0;
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(made_again_they_are_the_same_bytes),
		cmocka_unit_test(keys_come_from_their_seeds),
		cmocka_unit_test(msgpack_has_one_form),
		cmocka_unit_test(headers_are_as_said),
		cmocka_unit_test(ops_are_as_said),
		cmocka_unit_test(bodies_are_as_said),
		cmocka_unit_test(authors_signatures_are_as_said),
		cmocka_unit_test(a_feed_is_a_chain),
		cmocka_unit_test(node_records_are_as_said),
		cmocka_unit_test(documents_are_as_said),
		cmocka_unit_test(invites_are_as_said),
		cmocka_unit_test(links_are_as_said),
		cmocka_unit_test(cuts_are_as_said),
		cmocka_unit_test(counts_are_as_said),
	};

	(void)kit_env();
	if (argc == 2 && strcmp(argv[1], "--write") == 0)
		return write_all();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
