#include "id/invite.h"

#include <stdio.h>

#include "base/b32.h"
#include "tests/unit/fail_alloc.h"
#include "tests/unit/kit.h"
#include "tests/unit/test.h"
#include "wire/mp.h"

static struct kith_invite_new
invite(void)
{
	struct kith_invite_new n = { .group = kit_id("group"), .maker = kit_id("maker"), .node = kit_id("node"), .made_ms = 5 };

	memcpy(n.nonce, "nonce of 16 byte", 16);
	memcpy(n.secret, "a secret of 16 b", 16);
	return n;
}

static void
an_invite_reads_as_it_was_written(void **state)
{
	struct kith_invite_new n = invite();
	struct kith_invite d;
	struct kith_buf raw;
	struct kith_id id, h;

	(void)state;
	kith_buf_init(&raw, 0);
	n.expires_ms = 7;
	n.uses = UINT64_MAX;
	n.role = kit_id("role");
	n.panel = kit_id("panel");
	n.guests = true;
	n.counter = kit_id("counter");
	assert_ok(kith_invite_make(&n, kit_key("s"), &raw, &id));
	assert_ok(kith_invite_parse(kith_buf_slice(&raw), &d));
	assert_true(kith_id_eq(&d.id, &id));
	assert_true(kith_id_eq(&d.group, &n.group));
	assert_true(kith_id_eq(&d.maker, &n.maker));
	assert_true(kith_id_eq(&d.node, &n.node));
	assert_true(kith_id_eq(&d.role, &n.role));
	assert_true(kith_id_eq(&d.panel, &n.panel));
	assert_true(kith_id_eq(&d.counter, &n.counter));
	assert_int_equal(d.made_ms, 5);
	assert_int_equal(d.expires_ms, 7);
	assert_true(d.uses == UINT64_MAX);
	assert_true(d.guests);
	kith_hash(KITH_L_INVITE, kith_slice_of(n.secret, 16), &h);
	assert_true(kith_id_eq(&d.secret_hash, &h));
	assert_ok(kith_verify(kit_pk("s"), KITH_L_INVITE, d.body, d.sig));
	kith_buf_fini(&raw);
}

static void
somebody_counts_exactly_when_there_is_something_to_count(void **state)
{
	struct kith_invite_new n;
	struct kith_buf raw;
	struct kith_id id;
	int i;

	(void)state;
	kith_buf_init(&raw, 0);
	for (i = 0; i < 8; i++) {
		n = invite();
		n.expires_ms = (i & 1) != 0 ? 9 : 0;
		n.uses = (i & 2) != 0 ? 9 : 0;
		if ((i & 4) != 0)
			n.counter = n.node;
		assert_int_equal(kith_invite_make(&n, kit_key("s"), &raw, &id),
		    ((i & 3) != 0) == ((i & 4) != 0) ? KITH_OK : KITH_E_MALFORMED);
	}
	kith_buf_fini(&raw);
}

static void
a_byte_changed_is_refused(void **state)
{
	struct kith_invite_new n = invite();
	struct kith_invite d;
	struct kith_buf raw;
	struct kith_id id;
	size_t i, bit;

	(void)state;
	kith_buf_init(&raw, 0);
	assert_ok(kith_invite_make(&n, kit_key("s"), &raw, &id));
	for (i = 0; i < raw.n; i++)
		for (bit = 0; bit < 8; bit++) {
			raw.p[i] ^= (uint8_t)(1u << bit);
			if (kith_invite_parse(kith_buf_slice(&raw), &d) == KITH_OK)
				assert_int_equal(kith_verify(kit_pk("s"), KITH_L_INVITE, d.body, d.sig), KITH_E_BADSIG);
			raw.p[i] ^= (uint8_t)(1u << bit);
		}
	kith_buf_fini(&raw);
}

/* ---- links ---- */

static struct kith_link
sample(size_t n_nodes, size_t n_addrs)
{
	struct kith_link l = { .group = kit_id("group"), .invite = kit_id("invite"), .n_nodes = n_nodes, .name = "Chess" };
	size_t i, j;

	memcpy(l.secret, "a secret of 16 b", 16);
	for (i = 0; i < n_nodes; i++) {
		l.node[i].node = kit_id("node");
		l.node[i].node.b[0] = (uint8_t)i;
		l.node[i].n_addrs = n_addrs;
		for (j = 0; j < n_addrs; j++)
			snprintf(l.node[i].addr[j], sizeof(l.node[i].addr[j]), "h%zu.example:%zu", i, j + 1);
	}
	return l;
}

static void
a_link_reads_as_it_was_written(void **state)
{
	static const char *const bases[] = { "kith:invite", "http://127.0.0.1:7370/invite", "https://chat.example/invite",
		"https://example.org/kith/invite" };
	struct kith_link l = sample(KITH_LINK_NODES_MAX, 4), got;
	struct kith_buf out;
	const char *hash;
	size_t i;

	(void)state;
	kith_buf_init(&out, 0);
	for (i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
		kith_buf_reset(&out);
		assert_ok(kith_link_write(&l, bases[i], &out));
		assert_int_equal(strlen((const char *)out.p), out.n);
		assert_memory_equal(out.p, bases[i], strlen(bases[i]));
		memset(&got, 0x5a, sizeof(got));
		assert_ok(kith_link_parse(kith_buf_slice(&out), &got));
		assert_memory_equal(&got, &l, sizeof(l));
		hash = strchr((const char *)out.p, '#');
		assert_ok(kith_link_parse(kith_slice_str(hash + 1), &got));
		assert_memory_equal(&got, &l, sizeof(l));
	}
	kith_buf_fini(&out);
}

static void
what_would_not_be_read_is_not_written(void **state)
{
	struct kith_link l;
	struct kith_buf out;

	(void)state;
	kith_buf_init(&out, 0);
	kith_buf_put_str(&out, "before");
	l = sample(0, 1);
	assert_int_equal(kith_link_write(&l, "kith:invite", &out), KITH_E_MALFORMED);
	l = sample(1, 1);
	assert_int_equal(kith_link_write(&l, "ftp://a/invite", &out), KITH_E_MALFORMED);
	assert_int_equal(kith_link_write(&l, "http://a/elsewhere", &out), KITH_E_MALFORMED);
	assert_int_equal(kith_link_write(&l, "http://a#b/invite", &out), KITH_E_MALFORMED);
	l.n_nodes = KITH_LINK_NODES_MAX + 1;
	assert_int_equal(kith_link_write(&l, "kith:invite", &out), KITH_E_LIMIT);
	l = sample(1, 1);
	l.node[0].n_addrs = 5;
	assert_int_equal(kith_link_write(&l, "kith:invite", &out), KITH_E_LIMIT);
	l = sample(2, 1);
	l.node[1].node = l.node[0].node;
	assert_int_equal(kith_link_write(&l, "kith:invite", &out), KITH_E_MALFORMED);
	l = sample(1, 1);
	strcpy(l.node[0].addr[0], "nowhere");
	assert_int_equal(kith_link_write(&l, "kith:invite", &out), KITH_E_MALFORMED);
	assert_slice_equal(kith_buf_slice(&out), "before", 6);
	kith_buf_fini(&out);
}

/* A fragment of nodes, addresses and a name that no struct could hold. */
static int
parse_odd(size_t n_nodes, size_t n_addrs, size_t addr_len, size_t name_len)
{
	char text[KITH_LINK_MAX * 2], addr[256], name[256];
	struct kith_id id = kit_id("x");
	struct kith_link got;
	struct kith_buf b;
	size_t i, j;
	int r;

	memset(addr, 'a', sizeof(addr));
	memset(name, 'n', sizeof(name));
	memcpy(addr + addr_len - 2, ":1", 3);
	kith_buf_init(&b, 0);
	kith_mp_put_array(&b, 6);
	kith_mp_put_uint(&b, 1);
	kith_mp_put_id(&b, &id);
	kith_mp_put_id(&b, &id);
	kith_mp_put_bin(&b, LIT("a secret of 16 b"));
	kith_mp_put_array(&b, (uint32_t)n_nodes);
	for (i = 0; i < n_nodes; i++) {
		id.b[0] = (uint8_t)i;
		kith_mp_put_array(&b, 2);
		kith_mp_put_id(&b, &id);
		kith_mp_put_array(&b, (uint32_t)n_addrs);
		for (j = 0; j < n_addrs; j++)
			kith_mp_put_cstr(&b, addr);
	}
	kith_mp_put_str(&b, kith_slice_of(name, name_len));
	assert_true(KITH_B32_LEN(b.n) < sizeof(text));
	kith_b32_encode(kith_buf_slice(&b), text);
	r = kith_link_parse(kith_slice_str(text), &got);
	kith_buf_fini(&b);
	return r;
}

static void
limits_hold_at_the_edge(void **state)
{
	struct kith_link l = sample(KITH_LINK_NODES_MAX, 1), got;
	struct kith_buf out;
	char base[KITH_LINK_MAX + 2];
	size_t fragment, n;

	(void)state;
	assert_ok(parse_odd(8, 1, 9, 5));
	assert_int_equal(parse_odd(9, 1, 9, 5), KITH_E_LIMIT);
	assert_int_equal(parse_odd(0, 1, 9, 5), KITH_E_MALFORMED);
	assert_ok(parse_odd(1, 0, 9, 5));
	assert_ok(parse_odd(1, 4, 9, 5));
	assert_int_equal(parse_odd(1, 5, 9, 5), KITH_E_LIMIT);
	assert_ok(parse_odd(1, 1, 127, 5));
	assert_int_equal(parse_odd(1, 1, 128, 5), KITH_E_LIMIT);
	assert_ok(parse_odd(1, 1, 9, 0));
	assert_ok(parse_odd(1, 1, 9, 127));
	assert_int_equal(parse_odd(1, 1, 9, 128), KITH_E_LIMIT);

	/* 2,048 characters in all, and one more */
	kith_buf_init(&out, 0);
	assert_ok(kith_link_write(&l, "kith:invite", &out));
	fragment = out.n - strlen("kith:invite");
	for (n = KITH_LINK_MAX; n <= KITH_LINK_MAX + 1; n++) {
		memset(base, 'p', sizeof(base));
		memcpy(base, "http://", 7);
		memcpy(base + n - fragment - 7, "/invite", 8);
		kith_buf_reset(&out);
		assert_int_equal(kith_link_write(&l, base, &out), n == KITH_LINK_MAX ? KITH_OK : KITH_E_LIMIT);
		if (n == KITH_LINK_MAX) {
			assert_int_equal(out.n, KITH_LINK_MAX);
			assert_ok(kith_link_parse(kith_buf_slice(&out), &got));
		}
	}
	kith_buf_fini(&out);
}

static void
a_lack_of_memory_is_told(void **state)
{
	struct kith_link l = sample(2, 2);
	struct kith_buf out;
	size_t n;
	int r;

	(void)state;
	for (n = 1;; n++) {
		kith_buf_init(&out, 0);
		kith_test_fail_alloc(n);
		r = kith_link_write(&l, "kith:invite", &out);
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
		cmocka_unit_test(an_invite_reads_as_it_was_written),
		cmocka_unit_test(somebody_counts_exactly_when_there_is_something_to_count),
		cmocka_unit_test(a_byte_changed_is_refused),
		cmocka_unit_test(a_link_reads_as_it_was_written),
		cmocka_unit_test(what_would_not_be_read_is_not_written),
		cmocka_unit_test(limits_hold_at_the_edge),
		cmocka_unit_test(a_lack_of_memory_is_told),
	};

	(void)kit_env();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
