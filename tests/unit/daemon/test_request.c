#include "daemon/request.h"

#include <stdio.h>

#include "tests/unit/fail_alloc.h"
#include "tests/unit/test.h"
#include "wire/mp.h"

static int
take(const char *text, struct kith_buf *scratch, struct kith_request *rq)
{
	char why[256] = "";
	int r;

	kith_buf_init(scratch, 0);
	r = kith_request_take(kith_slice_str(text), false, scratch, rq, why, sizeof(why));
	if (r != KITH_OK)
		assert_true(why[0] != '\0');
	return r;
}

static void
a_request_is_taken_apart(void **state)
{
	struct kith_request rq;
	struct kith_buf b;

	(void)state;
	assert_ok(take("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"sync\",\"params\":{\"cursor\":\"x\"}}", &b, &rq));
	assert_slice_equal(rq.id, "\x07", 1);
	assert_slice_equal(rq.method, "sync", 4);
	assert_true(kith_mp_find(rq.params, "cursor").n > 0);
	kith_buf_fini(&b);
	/* no params: none; no id: a notification */
	assert_ok(take("{\"method\":\"typing\",\"jsonrpc\":\"2.0\"}", &b, &rq));
	assert_int_equal(rq.id.n, 0);
	assert_slice_equal(rq.params, "\x80", 1);
	kith_buf_fini(&b);
	assert_ok(take("{\"method\":\"typing\",\"jsonrpc\":\"2.0\",\"id\":null}", &b, &rq));
	assert_slice_equal(rq.id, "\xc0", 1);
	kith_buf_fini(&b);
}

static void
what_is_no_request_is_told_apart_from_what_is_no_json(void **state)
{
	static const struct { const char *text; int err; } v[] = {
		{ "", KITH_E_MALFORMED },
		{ "{", KITH_E_MALFORMED },
		{ "{\"a\":1,\"a\":2}", KITH_E_MALFORMED },
		{ "{\"jsonrpc\":\"2.0\",\"id\":1.5,\"method\":\"a\"}", KITH_E_MALFORMED },
		{ "7", KITH_E_DENIED },
		{ "[]", KITH_E_DENIED },
		{ "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\"}]", KITH_E_DENIED },
		{ "{}", KITH_E_DENIED },
		{ "{\"id\":1,\"method\":\"a\"}", KITH_E_DENIED },
		{ "{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"a\"}", KITH_E_DENIED },
		{ "{\"jsonrpc\":2,\"id\":1,\"method\":\"a\"}", KITH_E_DENIED },
		{ "{\"jsonrpc\":\"2.0\",\"id\":1}", KITH_E_DENIED },
		{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\"}", KITH_E_DENIED },
		{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":1}", KITH_E_DENIED },
		{ "{\"jsonrpc\":\"2.0\",\"id\":[1],\"method\":\"a\"}", KITH_E_DENIED },
		{ "{\"jsonrpc\":\"2.0\",\"id\":true,\"method\":\"a\"}", KITH_E_DENIED },
		{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\",\"params\":[1]}", KITH_E_DENIED },
		{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\",\"extra\":1}", KITH_E_DENIED },
	};
	struct kith_request rq;
	struct kith_buf b;

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		if (take(v[i].text, &b, &rq) != v[i].err)
			fail_msg("%s", v[i].text);
		kith_buf_fini(&b);
	}
}

static void
an_id_has_a_limit(void **state)
{
	char text[512], id[KITH_REQUEST_ID_MAX + 1];
	struct kith_request rq;
	struct kith_buf b;

	(void)state;
	/* two bytes of header */
	memset(id, 'i', sizeof(id));
	for (int over = 0; over <= 1; over++) {
		snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"id\":\"%.*s\"}", KITH_REQUEST_ID_MAX - 2 + over, id);
		assert_int_equal(take(text, &b, &rq), over ? KITH_E_DENIED : KITH_OK);
		kith_buf_fini(&b);
	}
}

static void
msgpack_must_be_canonical(void **state)
{
	static const char good[] = "\x83\xa2id\x01\xa7jsonrpc\xa3" "2.0\xa6method\xa4sync";
	static const char unsorted[] = "\x83\xa7jsonrpc\xa3" "2.0\xa2id\x01\xa6method\xa4sync";
	struct kith_request rq;
	struct kith_buf b;
	char why[256] = "";

	(void)state;
	kith_buf_init(&b, 0);
	assert_ok(kith_request_take(LIT(good), true, &b, &rq, why, sizeof(why)));
	assert_slice_equal(rq.method, "sync", 4);
	kith_buf_reset(&b);
	assert_int_equal(kith_request_take(LIT(unsorted), true, &b, &rq, why, sizeof(why)), KITH_E_MALFORMED);
	kith_buf_fini(&b);
}

static void
a_body_is_an_object_or_nothing(void **state)
{
	struct kith_buf b;
	char why[256] = "";

	(void)state;
	kith_buf_init(&b, 0);
	assert_ok(kith_request_params(LIT(""), false, &b, why, sizeof(why)));
	assert_slice_equal(kith_buf_slice(&b), "\x80", 1);
	kith_buf_reset(&b);
	assert_ok(kith_request_params(LIT("{\"a\":null}"), false, &b, why, sizeof(why)));
	assert_slice_equal(kith_buf_slice(&b), "\x81\xa1" "a\xc0", 4);
	kith_buf_reset(&b);
	assert_int_equal(kith_request_params(LIT("[]"), false, &b, why, sizeof(why)), KITH_E_MALFORMED);
	assert_string_equal(why, "the body is not an object");
	kith_buf_reset(&b);
	assert_int_equal(kith_request_params(LIT("\xc1"), true, &b, why, sizeof(why)), KITH_E_MALFORMED);
	kith_buf_fini(&b);
}

static void
a_lack_of_memory_is_told(void **state)
{
	static const char text[] = "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"message.send\",\"params\":{\"text\":\"hello, you all\"}}";
	static const char packed[] = "\x84\xa2id\x07\xa7jsonrpc\xa3" "2.0\xa6method\xa4sync\xa6params\x80";
	struct kith_request rq;
	struct kith_buf b;
	char why[256];
	size_t n;
	int r;

	(void)state;
	for (int kind = 0; kind < 4; kind++) {
		for (n = 1;; n++) {
			kith_buf_init(&b, 0);
			kith_test_fail_alloc(n);
			r = kind == 0 ? kith_request_take(kith_slice_str(text), false, &b, &rq, why, sizeof(why)) :
			    kind == 1 ? kith_request_take(LIT(packed), true, &b, &rq, why, sizeof(why)) :
			    kind == 2 ? kith_request_params(kith_slice_str(text), false, &b, why, sizeof(why)) :
			    kith_request_params(LIT("\x81\xa1" "a\x01"), true, &b, why, sizeof(why));
			if (!kith_test_alloc_failed())
				break;
			assert_int_equal(r, KITH_E_NOMEM);
			kith_buf_fini(&b);
		}
		assert_ok(r);
		kith_buf_fini(&b);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_taken_apart),
		cmocka_unit_test(what_is_no_request_is_told_apart_from_what_is_no_json),
		cmocka_unit_test(an_id_has_a_limit),
		cmocka_unit_test(msgpack_must_be_canonical),
		cmocka_unit_test(a_body_is_an_object_or_nothing),
		cmocka_unit_test(a_lack_of_memory_is_told),
	};

	return cmocka_run_group_tests_name("daemon/request", tests, NULL, NULL);
}
