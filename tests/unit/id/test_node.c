#include "id/node.h"

#include "storage/store.h"
#include "tests/unit/fail_alloc.h"
#include "tests/unit/kit.h"
#include "tests/unit/test.h"

/* A chain that grows, each record after the one in `last`. */
struct chain {
	struct kith_node_new n;
	struct kith_buf raw;            /* of the newest */
};

static void
set_pk(uint8_t to[32], const char *name)
{
	memcpy(to, kit_pk(name), 32);
}

static void
commit_to(struct chain *c, const char *root)
{
	kith_hash(KITH_L_NODE, kit_pk_slice(root), &c->n.next_root);
}

static void
chain_make(struct chain *c, const char *key)
{
	kith_buf_reset(&c->raw);
	assert_ok(kith_node_make(&c->n, kit_key(key), &c->raw));
}

static void
chain_start(struct chain *c, const char *root, const char *sign, const char *cert, const char *next)
{
	memset(c, 0, sizeof(*c));
	set_pk(c->n.root_pk, root);
	set_pk(c->n.sign_pk, sign);
	set_pk(c->n.cert_pk[0], cert);
	c->n.n_certs = 1;
	commit_to(c, next);
	c->n.name = root;
	chain_make(c, root);
}

/* What follows the newest: same keys, n one more. */
static void
chain_step(struct chain *c)
{
	struct kith_node_record d;

	assert_ok(kith_node_parse(kith_buf_slice(&c->raw), &d));
	c->n.n = d.n + 1;
	c->n.node = d.node;
	c->n.prev = d.id;
}

static struct chain
chain_copy(const struct chain *c)
{
	struct chain x = { .n = c->n };

	kith_buf_put_slice(&x.raw, kith_buf_slice(&c->raw));
	return x;
}

struct world {
	struct kith_store *store;
	struct kith_txn *t;
	struct kith_id node;
};

static void
world_open(struct world *w)
{
	assert_ok(kith_store_mem_new(&w->store));
	assert_ok(kith_store_begin(w->store, true, &w->t));
}

static void
world_close(struct world *w)
{
	kith_txn_abort(w->t);
	kith_store_close(w->store);
}

static int
put(struct world *w, const struct chain *c)
{
	return kith_node_put(kit_env(), w->t, kith_buf_slice(&c->raw), &w->node);
}

static uint64_t
newest(struct world *w)
{
	struct kith_node_record d;

	assert_ok(kith_node_get(w->t, &w->node, &d));
	return d.n;
}

static void
a_chain_is_kept_in_order(void **state)
{
	struct kith_node_record d;
	struct kith_id nobody = kit_id("nobody");
	struct chain c, later;
	struct world w;

	(void)state;
	world_open(&w);
	chain_start(&c, "r", "s", "c", "r2");
	assert_int_equal(kith_node_get(w.t, &nobody, &d), KITH_E_NOTFOUND);
	assert_ok(put(&w, &c));
	assert_int_equal(put(&w, &c), KITH_E_EXISTS);
	chain_step(&c);
	chain_make(&c, "r");
	later = chain_copy(&c);
	chain_step(&later);
	chain_make(&later, "r");
	assert_int_equal(put(&w, &later), KITH_E_MISSING);
	assert_int_equal(newest(&w), 0);
	assert_ok(put(&w, &c));
	assert_ok(put(&w, &later));
	assert_int_equal(newest(&w), 2);
	assert_int_equal(put(&w, &c), KITH_E_EXISTS);
	assert_int_equal(kith_node_get(w.t, &nobody, &d), KITH_E_NOTFOUND);
	kith_buf_fini(&c.raw);
	kith_buf_fini(&later.raw);
	world_close(&w);
}

static void
all_signing_keys_of_a_chain_verify(void **state)
{
	struct kith_slice msg = LIT("what was signed");
	struct kith_id nobody = kit_id("nobody");
	uint8_t old[64], new[64], other[64];
	struct chain c;
	struct world w;

	(void)state;
	world_open(&w);
	kith_sign(kit_key("s"), KITH_L_TIP, msg, old);
	kith_sign(kit_key("s2"), KITH_L_TIP, msg, new);
	kith_sign(kit_key("s3"), KITH_L_TIP, msg, other);
	chain_start(&c, "r", "s", "c", "r2");
	assert_ok(put(&w, &c));
	assert_int_equal(kith_node_verify(kit_env(), w.t, &nobody, KITH_L_TIP, msg, old), KITH_E_MISSING);
	assert_int_equal(kith_node_verify(kit_env(), w.t, &w.node, KITH_L_TIP, msg, new), KITH_E_BADSIG);
	chain_step(&c);
	set_pk(c.n.sign_pk, "s2");
	chain_make(&c, "r");
	assert_ok(put(&w, &c));
	assert_ok(kith_node_verify(kit_env(), w.t, &w.node, KITH_L_TIP, msg, old));
	assert_ok(kith_node_verify(kit_env(), w.t, &w.node, KITH_L_TIP, msg, new));
	assert_int_equal(kith_node_verify(kit_env(), w.t, &w.node, KITH_L_TIP, msg, other), KITH_E_BADSIG);
	assert_int_equal(kith_node_verify(kit_env(), w.t, &w.node, KITH_L_BODY, msg, old), KITH_E_BADSIG);
	kith_buf_fini(&c.raw);
	world_close(&w);
}

static void
a_certificate_key_leads_to_its_node(void **state)
{
	struct chain c, squatter;
	struct kith_id node, first;
	struct world w;

	(void)state;
	world_open(&w);
	chain_start(&c, "r", "s", "c", "r2");
	assert_int_equal(kith_node_by_cert(w.t, kit_pk("c"), &node), KITH_E_NOTFOUND);
	assert_ok(put(&w, &c));
	first = w.node;
	assert_ok(kith_node_by_cert(w.t, kit_pk("c"), &node));
	assert_true(kith_id_eq(&node, &first));
	chain_start(&squatter, "q", "qs", "c", "q2");
	assert_ok(put(&w, &squatter));
	assert_ok(kith_node_by_cert(w.t, kit_pk("c"), &node));
	assert_true(kith_id_eq(&node, &first));         /* not taken away */
	chain_step(&c);
	set_pk(c.n.cert_pk[0], "c2");
	chain_make(&c, "r");
	assert_ok(put(&w, &c));
	assert_ok(kith_node_by_cert(w.t, kit_pk("c2"), &node));
	assert_true(kith_id_eq(&node, &first));
	assert_int_equal(kith_node_by_cert(w.t, kit_pk("c"), &node), KITH_E_NOTFOUND);
	kith_buf_fini(&c.raw);
	kith_buf_fini(&squatter.raw);
	world_close(&w);
}

static void
of_rivals_the_first_held_stays(void **state)
{
	struct chain a, b;
	struct world w;

	(void)state;
	world_open(&w);
	chain_start(&a, "r", "s", "c", "r2");
	assert_ok(put(&w, &a));
	chain_step(&a);
	b = chain_copy(&a);
	a.n.name = "one";
	chain_make(&a, "r");
	b.n.name = "two";
	chain_make(&b, "r");
	assert_ok(put(&w, &a));
	assert_int_equal(put(&w, &b), KITH_E_BADSIG);
	chain_step(&b);
	chain_make(&b, "r");
	assert_int_equal(put(&w, &b), KITH_E_MALFORMED);        /* it does not follow what is held */
	assert_int_equal(newest(&w), 1);
	kith_buf_fini(&a.raw);
	kith_buf_fini(&b.raw);
	world_close(&w);
}

static void
a_stolen_root_cannot_shut_out_its_owner(void **state)
{
	struct kith_node_record d;
	struct chain owner, thief;
	struct kith_id node;
	struct world w;

	(void)state;
	world_open(&w);
	chain_start(&owner, "r", "s", "c", "r2");
	assert_ok(put(&w, &owner));
	chain_step(&owner);
	thief = chain_copy(&owner);
	set_pk(thief.n.sign_pk, "thief");
	set_pk(thief.n.cert_pk[0], "thief cert");
	commit_to(&thief, "thief root");
	chain_make(&thief, "r");
	assert_ok(put(&w, &thief));
	chain_step(&thief);
	set_pk(thief.n.root_pk, "thief root");
	chain_make(&thief, "thief root");
	assert_ok(put(&w, &thief));
	assert_int_equal(newest(&w), 2);

	set_pk(owner.n.root_pk, "r2");
	set_pk(owner.n.sign_pk, "s2");
	commit_to(&owner, "r3");
	chain_make(&owner, "r2");
	assert_ok(put(&w, &owner));
	assert_int_equal(newest(&w), 1);
	assert_ok(kith_node_get(w.t, &w.node, &d));
	assert_memory_equal(d.root_pk, kit_pk("r2"), 32);
	assert_ok(kith_node_by_cert(w.t, kit_pk("c"), &node));
	assert_int_equal(kith_node_by_cert(w.t, kit_pk("thief cert"), &node), KITH_E_NOTFOUND);
	assert_int_equal(put(&w, &thief), KITH_E_MALFORMED);    /* what it follows is gone */
	kith_buf_fini(&owner.raw);
	kith_buf_fini(&thief.raw);
	world_close(&w);
}

static void
a_root_in_use_cannot_go_back_to_before_it_was(void **state)
{
	struct chain owner, thief;
	struct world w;

	(void)state;
	world_open(&w);
	chain_start(&owner, "r", "s", "c", "r2");
	assert_ok(put(&w, &owner));
	chain_step(&owner);
	thief = chain_copy(&owner);
	chain_make(&owner, "r");
	assert_ok(put(&w, &owner));
	chain_step(&owner);
	set_pk(owner.n.root_pk, "r2");
	commit_to(&owner, "r3");
	chain_make(&owner, "r2");
	assert_ok(put(&w, &owner));

	set_pk(thief.n.root_pk, "r2");                  /* now stolen: a rival of record 1 */
	commit_to(&thief, "thief root");
	chain_make(&thief, "r2");
	assert_int_equal(put(&w, &thief), KITH_E_BADSIG);
	assert_int_equal(newest(&w), 2);
	kith_buf_fini(&owner.raw);
	kith_buf_fini(&thief.raw);
	world_close(&w);
}

static void
a_byte_changed_is_refused(void **state)
{
	struct kith_node_record d;
	struct chain c;
	size_t i, bit;

	(void)state;
	chain_start(&c, "r", "s", "c", "r2");
	for (i = 0; i < c.raw.n; i++)
		for (bit = 0; bit < 8; bit++) {
			c.raw.p[i] ^= (uint8_t)(1u << bit);
			if (kith_node_parse(kith_buf_slice(&c.raw), &d) == KITH_OK)
				assert_int_equal(kith_node_check(kit_env(), &d, NULL), KITH_E_BADSIG);
			c.raw.p[i] ^= (uint8_t)(1u << bit);
		}
	kith_buf_fini(&c.raw);
}

static void
addresses_are_host_and_port(void **state)
{
	static const char *const good[] = { "a:1", "chat.example:7371", "127.0.0.1:65535", "[::1]:7371", "[::ffff:10.0.0.1]:1",
		"xn--bcher-kva.example:80", "my_host:9" };
	static const char *const bad[] = { "", ":", "a", "a:", ":1", "a:0", "a:01", "a:65536", "a:123456", "a:1x", "a:-1", "a b:1",
		"[]:1", "[::1]", "[::1]1", "[::1:1", "::1:1", "a:1:1", "[fe80::1%eth0]:1", "a\n:1", "[a]b:1", "\xc3\xa9:1" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (!kith_addr_ok(kith_slice_str(good[i])))
			fail_msg("%s", good[i]);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (kith_addr_ok(kith_slice_str(bad[i])))
			fail_msg("%s", bad[i]);
	assert_false(kith_addr_ok(LIT("a\0b:1")));
}

static void
what_would_not_be_read_is_not_written(void **state)
{
	struct chain c;
	struct kith_buf out;

	(void)state;
	chain_start(&c, "r", "s", "c", "r2");
	kith_buf_init(&out, 0);
	c.n.n_certs = 0;
	assert_int_equal(kith_node_make(&c.n, kit_key("r"), &out), KITH_E_MALFORMED);
	c.n.n_certs = KITH_NODE_CERTS_MAX + 1;
	assert_int_equal(kith_node_make(&c.n, kit_key("r"), &out), KITH_E_LIMIT);
	c.n.n_certs = 1;
	c.n.addr[0] = "nowhere";
	c.n.n_addrs = 1;
	assert_int_equal(kith_node_make(&c.n, kit_key("r"), &out), KITH_E_MALFORMED);
	c.n.n_addrs = KITH_NODE_ADDRS_MAX + 1;
	assert_int_equal(kith_node_make(&c.n, kit_key("r"), &out), KITH_E_LIMIT);
	assert_int_equal(out.n, 0);
	kith_buf_fini(&out);
	kith_buf_fini(&c.raw);
}

static void
a_lack_of_memory_is_told(void **state)
{
	struct chain c, next;
	struct world w;
	size_t n;
	int r;

	(void)state;
	chain_start(&c, "r", "s", "c", "r2");
	next = chain_copy(&c);
	chain_step(&next);
	set_pk(next.n.cert_pk[0], "c2");
	chain_make(&next, "r");
	for (n = 1;; n++) {
		world_open(&w);
		assert_ok(put(&w, &c));
		kith_test_fail_alloc(n);
		r = put(&w, &next);
		if (!kith_test_alloc_failed())
			break;
		assert_int_equal(r, KITH_E_NOMEM);
		world_close(&w);
	}
	assert_ok(r);
	world_close(&w);
	kith_buf_fini(&c.raw);
	kith_buf_fini(&next.raw);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_chain_is_kept_in_order),
		cmocka_unit_test(all_signing_keys_of_a_chain_verify),
		cmocka_unit_test(a_certificate_key_leads_to_its_node),
		cmocka_unit_test(of_rivals_the_first_held_stays),
		cmocka_unit_test(a_stolen_root_cannot_shut_out_its_owner),
		cmocka_unit_test(a_root_in_use_cannot_go_back_to_before_it_was),
		cmocka_unit_test(a_byte_changed_is_refused),
		cmocka_unit_test(addresses_are_host_and_port),
		cmocka_unit_test(what_would_not_be_read_is_not_written),
		cmocka_unit_test(a_lack_of_memory_is_told),
	};

	(void)kit_env();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
