#include "daemon/machine.h"

#include <stdio.h>

#include "base/b32.h"
#include "client/client.h"
#include "storage/store.h"
#include "tests/unit/kit.h"
#include "tests/unit/test.h"
#include "wire/mp.h"

/* A machine over a store in memory whose commits can be made to fail, turned by hand. */
struct rig {
	struct kith_machine *m;
	struct kith_store *store;
	const struct kith_store_ops *real;
	struct kith_store_ops ops;
	struct kith_delivery *got[8];           /* of port 0 */
	size_t n_got;
	const char *fatal;
	int commit_err, begin_err;
	uint64_t dice;
};
static struct rig rig;
static uint64_t now_ms = 1700000000000;

static uint64_t
clock_ms(void)
{
	return now_ms;
}

static void
dice(void *ctx, void *p, size_t n)
{
	struct kith_id id;

	(void)ctx;
	for (size_t i = 0; i < n; i += sizeof(id)) {
		rig.dice++;
		kith_hash(KITH_L_OBJECT, kith_slice_of(&rig.dice, sizeof(rig.dice)), &id);
		memcpy((uint8_t *)p + i, &id, n - i < sizeof(id) ? n - i : sizeof(id));
	}
}

static int
verify(void *ctx, const uint8_t pk[32], int label, struct kith_slice msg, const uint8_t sig[64])
{
	(void)ctx;
	return kith_verify(pk, (enum kith_label)label, msg, sig);
}

static int
begin(struct kith_store *s, bool write, struct kith_txn **out)
{
	int r = write ? rig.begin_err : KITH_OK;

	if (r == KITH_OK)
		r = rig.real->begin(s, write, out);
	if (r == KITH_OK)
		(*out)->ops = &rig.ops;
	return r;
}

static int
commit(struct kith_txn *t)
{
	if (rig.commit_err != KITH_OK) {
		rig.real->abort(t);
		return rig.commit_err;
	}
	return rig.real->commit(t);
}

static int
post(void *arg, struct kith_delivery *take_d)
{
	if (arg == NULL) {
		kith_delivery_free(take_d);
		return KITH_OK;
	}
	assert_true(rig.n_got < 8);
	rig.got[rig.n_got++] = take_d;
	return KITH_OK;
}

static void
fatal(void *arg, const char *why)
{
	(void)arg;
	rig.fatal = why;
}

static struct kith_identity *
identity(const char *name)
{
	struct kith_identity *id = calloc(1, sizeof(*id));
	uint8_t seed[KITH_SEED_BYTES] = { 1 };

	assert_non_null(id);
	assert_ok(kith_signer_from_seed(seed, &id->keys.root));
	seed[0] = 2;
	assert_ok(kith_signer_from_seed(seed, &id->keys.sign));
	id->keys.cert_pk[0] = 9;
	id->address = calloc(1, sizeof(char *));
	id->peer = calloc(1, sizeof(char *));
	snprintf(id->name, sizeof(id->name), "%s", name);
	snprintf(id->conf.node.name, sizeof(id->conf.node.name), "%s", name);
	id->conf.node.registration = KITH_REG_OPEN;
	id->conf.fed.name = id->name;
	id->conf.fed.peer = (const char *const *)id->peer;
	id->conf.fed.address = (const char *const *)id->address;
	id->conf.root = id->keys.root;
	id->conf.sign = id->keys.sign;
	id->conf.cert_pk = (const uint8_t (*)[32])&id->keys.cert_pk;
	id->conf.n_cert_pk = 1;
	return id;
}

static int
setup(void **state)
{
	static const struct kith_env env = { .random = dice, .verify = verify };
	static const struct kith_port ports[] = { { post, &rig }, { post, NULL } };
	struct kith_machine_conf mc = { .env = &env, .ports = ports, .n_ports = 2, .fatal = fatal, .mono_ms = clock_ms, .wall_ms = clock_ms };
	struct kith_diag d = { .text = "" };

	(void)state;
	(void)kit_env();
	memset(&rig, 0, sizeof(rig));
	assert_ok(kith_store_mem_new(&rig.store));
	rig.real = rig.store->ops;
	rig.ops = *rig.real;
	rig.ops.begin = begin;
	rig.ops.commit = commit;
	rig.store->ops = &rig.ops;
	mc.store = rig.store;
	mc.take_identity = identity("rig");
	assert_ok(kith_machine_new(&mc, &rig.m, &d));
	return 0;
}

static void
forget(void)
{
	while (rig.n_got > 0)
		kith_delivery_free(rig.got[--rig.n_got]);
}

static int
teardown(void **state)
{
	(void)state;
	forget();
	kith_machine_free(rig.m);
	rig.store->ops = rig.real;
	kith_store_close(rig.store);
	return 0;
}

static int
guest(const char *name, uint64_t conn, uint64_t number)
{
	struct kith_buf params;
	struct kith_in in;
	int r;

	kith_buf_init(&params, 0);
	kith_mp_put_map(&params, 1);
	kith_mp_put_cstr(&params, "name");
	kith_mp_put_cstr(&params, name);
	memset(&in, 0, sizeof(in));
	in.kind = KITH_IN_CALL;
	in.method = kith_method_find(LIT("account.guest"));
	in.conn = conn;
	in.number = number;
	in.params = kith_buf_slice(&params);
	r = kith_machine_submit(rig.m, &in, 1);
	kith_buf_fini(&params);
	return r;
}

/* The first parcel that fits, of all deliveries. */
static const struct kith_parcel *
find(enum kith_parcel_kind kind, uint64_t number)
{
	for (size_t i = 0; i < rig.n_got; i++) {
		for (size_t k = 0; k < rig.got[i]->list.n; k++) {
			const struct kith_parcel *p = &rig.got[i]->list.v[k];

			if (p->kind == kind && (number == 0 || p->o.number == number))
				return p;
		}
	}
	return NULL;
}

static void
a_call_is_answered_after_its_commit(void **state)
{
	const struct kith_parcel *p;

	(void)state;
	assert_ok(guest("ada", 5, 77));
	assert_int_equal(rig.n_got, 0);
	kith_machine_turn(rig.m);
	p = find(KITH_PARCEL_OUTPUT, 77);
	assert_non_null(p);
	assert_int_equal(p->o.kind, KITH_OUT_REPLY);
	assert_int_equal(p->o.err, KITH_OK);
	assert_int_equal(p->o.conn, 5);
	assert_true(kith_mp_find(kith_slice_of(p->o.bytes, p->o.n), "token").n > 0);
}

static void
one_batch_takes_all_that_waits(void **state)
{
	struct kith_machine_counters before, after;
	char name[16];

	(void)state;
	kith_machine_turn(rig.m);
	forget();
	kith_machine_counters(rig.m, &before);
	for (unsigned i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		assert_ok(guest(name, 5, 100 + i));
	}
	kith_machine_turn(rig.m);
	kith_machine_counters(rig.m, &after);
	assert_int_equal(after.batches - before.batches, 1);
	assert_int_equal(after.inputs - before.inputs, 50);
	for (unsigned i = 0; i < 50; i++)
		assert_non_null(find(KITH_PARCEL_OUTPUT, 100 + i));
}

static void
a_failed_commit_tells_nobody_anything(void **state)
{
	(void)state;
	assert_ok(guest("ada", 5, 77));
	rig.commit_err = KITH_E_IO;
	kith_machine_turn(rig.m);
	assert_non_null(rig.fatal);
	assert_null(find(KITH_PARCEL_OUTPUT, 77));
	rig.commit_err = KITH_OK;
}

static void
a_full_disk_makes_it_read_only(void **state)
{
	const struct kith_parcel *p;

	(void)state;
	assert_ok(guest("ada", 5, 77));
	rig.commit_err = KITH_E_FULL;
	kith_machine_turn(rig.m);
	assert_null(rig.fatal);
	p = find(KITH_PARCEL_OUTPUT, 77);
	assert_non_null(p);
	assert_int_equal(p->o.err, KITH_E_FULL);
	assert_memory_equal(kith_mp_find(kith_slice_of(p->o.bytes, p->o.n), "name").p + 1, "storage_full", 12);
	p = find(KITH_PARCEL_RESET, 0);
	assert_non_null(p);
	assert_int_equal(p->o.err, KITH_E_FULL);
	assert_true(kith_machine_is_read_only(rig.m));
	assert_int_equal(guest("bob", 5, 78), KITH_E_FULL);
	rig.commit_err = KITH_OK;
}

static void
a_batch_that_runs_out_of_memory_is_given_up_and_the_engine_made_anew(void **state)
{
	const struct kith_parcel *p;

	(void)state;
	assert_ok(guest("ada", 5, 77));
	rig.begin_err = KITH_E_NOMEM;
	kith_machine_turn(rig.m);
	/* the next engine could not begin either: that is the end */
	assert_non_null(rig.fatal);
	p = find(KITH_PARCEL_OUTPUT, 77);
	assert_non_null(p);
	assert_int_equal(p->o.err, KITH_E_BUSY);
	rig.begin_err = KITH_OK;
}

static void
inputs_of_an_engine_that_is_gone_do_not_count(void **state)
{
	struct kith_in in;
	const struct kith_parcel *p;

	(void)state;
	assert_ok(kith_machine_renew(rig.m, identity("other")));
	kith_machine_turn(rig.m);
	p = find(KITH_PARCEL_RESET, 0);
	assert_non_null(p);
	assert_int_equal(p->o.err, KITH_OK);
	assert_int_equal(p->o.number, 2);
	forget();
	/* a link of before: the new engine has never heard of it */
	memset(&in, 0, sizeof(in));
	in.kind = KITH_IN_LINK_UP;
	in.link = 9;
	assert_ok(kith_machine_submit(rig.m, &in, 1));
	kith_machine_turn(rig.m);
	assert_null(find(KITH_PARCEL_OUTPUT, 0));
	/* the same with the right epoch is answered somehow: greeted or closed */
	assert_ok(kith_machine_submit(rig.m, &in, 2));
	kith_machine_turn(rig.m);
	p = find(KITH_PARCEL_OUTPUT, 0);
	assert_non_null(p);
	assert_int_equal(p->o.link, 9);
}

static void
a_new_engine_knows_who_is_there(void **state)
{
	const struct kith_parcel *p;
	struct kith_mp_reader r;
	struct kith_in in;
	struct kith_id token;
	size_t reset = SIZE_MAX, subscribed = SIZE_MAX, at = 0;

	(void)state;
	assert_ok(guest("ada", 5, 77));
	kith_machine_turn(rig.m);
	p = find(KITH_PARCEL_OUTPUT, 77);
	assert_non_null(p);
	memset(&in, 0, sizeof(in));
	in.kind = KITH_IN_CONN_UP;
	in.conn = 6;
	in.has_session = true;
	in.session.scopes = KITH_SCOPES_WHOLE;
	kith_mp_read(&r, kith_mp_find(kith_slice_of(p->o.bytes, p->o.n), "token"));
	assert_ok(kith_id_parse(kith_mp_str(&r), &token));
	kith_hash(KITH_L_TOKEN, kith_id_slice(&token), &in.session.id);
	kith_mp_read(&r, kith_mp_find(kith_slice_of(p->o.bytes, p->o.n), "uid"));
	assert_ok(kith_id_parse(kith_mp_str(&r), &in.session.uid));
	assert_ok(kith_machine_submit(rig.m, &in, 1));
	kith_machine_turn(rig.m);
	forget();
	/* with what waits already, so that its pushes would come first */
	assert_ok(kith_machine_renew(rig.m, identity("other")));
	assert_ok(guest("bob", 5, 78));
	kith_machine_turn(rig.m);
	for (size_t i = 0; i < rig.n_got; i++) {
		for (size_t k = 0; k < rig.got[i]->list.n; k++, at++) {
			p = &rig.got[i]->list.v[k];
			if (p->kind == KITH_PARCEL_RESET)
				reset = at;
			else if (p->kind == KITH_PARCEL_OUTPUT && p->o.kind == KITH_OUT_SUBSCRIBE && p->o.conn == 6 && subscribed == SIZE_MAX)
				subscribed = at;
			else if (p->kind == KITH_PARCEL_OUTPUT && p->o.kind == KITH_OUT_REPLY)
				assert_true(subscribed < at);
		}
	}
	assert_true(reset < subscribed);
	assert_true(subscribed != SIZE_MAX);
	/* who has gone is not introduced */
	in.kind = KITH_IN_CONN_DOWN;
	assert_ok(kith_machine_submit(rig.m, &in, 1));
	kith_machine_turn(rig.m);
	forget();
	assert_ok(kith_machine_renew(rig.m, identity("third")));
	kith_machine_turn(rig.m);
	assert_null(find(KITH_PARCEL_OUTPUT, 0));
}

static void
a_session_in_use_does_not_end(void **state)
{
	const uint64_t began = now_ms, day = UINT64_C(86400000);
	struct kith_session s;
	struct kith_mp_reader r;
	struct kith_slice token;
	struct kith_id secret;
	struct kith_in in;
	const struct kith_parcel *p;

	(void)state;
	assert_ok(guest("ada", 5, 77));
	kith_machine_turn(rig.m);
	p = find(KITH_PARCEL_OUTPUT, 77);
	assert_non_null(p);
	kith_mp_read(&r, kith_mp_find(kith_slice_of(p->o.bytes, p->o.n), "token"));
	token = kith_mp_str(&r);
	for (unsigned used = 0; used <= 1; used++) {
		struct kith_txn *t = NULL;

		assert_ok(kith_store_begin(rig.store, false, &t));
		assert_ok(kith_session_open(t, token, began + 29 * day, &s));
		assert_int_equal(kith_session_open(t, token, began + 31 * day, &s), used ? KITH_OK : KITH_E_NOTFOUND);
		assert_int_equal(kith_session_open(t, token, began + 181 * day, &s), KITH_E_NOTFOUND);
		kith_txn_abort(t);
		if (used)
			break;
		memset(&in, 0, sizeof(in));
		in.kind = KITH_IN_SEEN;
		assert_ok(kith_id_parse(token, &secret));
		kith_hash(KITH_L_TOKEN, kith_id_slice(&secret), &in.session.id);
		now_ms = began + 20 * day;
		assert_ok(kith_machine_submit(rig.m, &in, 1));
		kith_machine_turn(rig.m);
	}
	now_ms = began;
}

static void
the_inbox_is_bounded_and_says_when_it_is_long(void **state)
{
	struct kith_in in;
	const struct kith_parcel *p;
	uint8_t bytes[4] = { 0 };
	unsigned n = 0, first_long = 0;
	int r = KITH_OK;

	(void)state;
	memset(&in, 0, sizeof(in));
	in.kind = KITH_IN_FRAME;
	in.link = 3;
	in.bytes = kith_slice_of(bytes, sizeof(bytes));
	while (r == KITH_OK && n < 100000) {
		/* of an old epoch: only its way through the inbox matters here */
		r = kith_machine_submit(rig.m, &in, 0);
		n += r == KITH_OK;
		if (first_long == 0 && kith_machine_is_long(rig.m))
			first_long = n;
	}
	assert_int_equal(r, KITH_E_BUSY);
	assert_int_equal(n, 16384);
	assert_int_equal(first_long, 4096);
	/* ends of links and connections always get in */
	in.kind = KITH_IN_LINK_DOWN;
	assert_ok(kith_machine_submit(rig.m, &in, 0));
	kith_machine_turn(rig.m);
	p = find(KITH_PARCEL_TAKEN, 0);
	assert_non_null(p);
	assert_int_equal(p->o.link, 3);
	assert_int_equal(p->o.number, 512 * sizeof(bytes));
	assert_true(kith_machine_is_long(rig.m));
	assert_null(find(KITH_PARCEL_RESUME, 0));
	/* people do not wait for all that peers have said */
	assert_ok(guest("ada", 5, 77));
	kith_machine_turn(rig.m);
	assert_non_null(find(KITH_PARCEL_OUTPUT, 77));
	assert_true(kith_machine_is_long(rig.m));
	for (n = 0; kith_machine_is_long(rig.m); n++) {
		assert_true(n < 16384 / 512);
		forget();
		kith_machine_turn(rig.m);
	}
	assert_non_null(find(KITH_PARCEL_RESUME, 0));
	assert_true(kith_machine_waiting(rig.m) < 4096);
}

static void
a_push_is_encoded_once_for_each_encoding(void **state)
{
	struct kith_output o;
	struct kith_push *p;
	struct kith_blob *a, *b;
	uint8_t params[] = { 0x81, 0xa1, 'x', 0x01 };
	char method[] = "typing";

	(void)state;
	memset(&o, 0, sizeof(o));
	o.kind = KITH_OUT_PUSH;
	o.text = method;
	o.bytes = params;
	o.n = sizeof(params);
	p = kith_push_new(&o);
	assert_non_null(p);
	a = kith_push_frame(p, false);
	b = kith_push_frame(p, true);
	assert_non_null(a);
	assert_non_null(b);
	assert_ptr_equal(a, kith_push_frame(p, false));
	assert_ptr_equal(b, kith_push_frame(p, true));
	assert_int_equal(a->p[0], 0x81);
	assert_int_equal(b->p[0], 0x82);
	assert_slice_equal(kith_slice_of(a->p + 2, a->n - 2), "{\"jsonrpc\":\"2.0\",\"method\":\"typing\",\"params\":{\"x\":1}}",
	    strlen("{\"jsonrpc\":\"2.0\",\"method\":\"typing\",\"params\":{\"x\":1}}"));
	kith_push_unref(kith_push_ref(p));
	kith_push_unref(p);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		T(a_call_is_answered_after_its_commit),
		T(one_batch_takes_all_that_waits),
		T(a_failed_commit_tells_nobody_anything),
		T(a_full_disk_makes_it_read_only),
		T(a_batch_that_runs_out_of_memory_is_given_up_and_the_engine_made_anew),
		T(inputs_of_an_engine_that_is_gone_do_not_count),
		T(a_new_engine_knows_who_is_there),
		T(a_session_in_use_does_not_end),
		T(the_inbox_is_bounded_and_says_when_it_is_long),
		cmocka_unit_test(a_push_is_encoded_once_for_each_encoding),
	};

	return cmocka_run_group_tests_name("daemon/machine", tests, NULL, NULL);
}
