#include "client/client.h"

#include <jansson.h>

#include "client/json.h"
#include "client/openapi.h"
#include "tests/unit/test.h"

static void
the_table_is_sorted_and_so_are_its_parameters(void **state)
{
	(void)state;
	for (size_t i = 0; i < kith_n_methods; i++) {
		const struct kith_method *m = &kith_methods[i];
		size_t n = 0;

		if (i > 0)
			assert_true(strcmp(kith_methods[i - 1].name, m->name) < 0);
		for (; m->params[n].name != NULL; n++) {
			if (n > 0)
				assert_true(strcmp(m->params[n - 1].name, m->params[n].name) < 0);
			assert_true(m->params[n].min <= m->params[n].max);
			assert_non_null(m->params[n].doc);
		}
		assert_true(n <= KITH_PARAMS_MAX);
		assert_true(m->run != NULL || strcmp(m->name, "session.ticket") == 0 || strcmp(m->name, "page.check") == 0);
		assert_ptr_equal(kith_method_find(kith_slice_str(m->name)), m);
	}
	assert_null(kith_method_find(kith_slice_str("message.sen")));
	assert_null(kith_method_find(kith_slice_str("message.sendx")));
	assert_null(kith_method_find(kith_slice_str("")));
}

static int
parse(const char *method, const char *json, struct kith_args *out, char why[256])
{
	static struct kith_buf mp;

	kith_buf_fini(&mp);
	kith_buf_init(&mp, 0);
	why[0] = '\0';
	assert_ok(kith_json_to_mp(kith_slice_str(json), &mp, why, 256));
	return kith_args_parse(kith_method_find(kith_slice_str(method)), kith_buf_slice(&mp), out, why, 256);
}

#define ID52 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void
parameters_are_checked_before_anything_is_done(void **state)
{
	struct kith_args a;
	char why[256];

	(void)state;
	assert_ok(parse("message.send", "{\"group\":\"" ID52 "\",\"panel\":\"" ID52 "\",\"text\":\"hi\",\"reply\":null}", &a, why));
	assert_slice_equal(kith_arg_str(&a, "text"), "hi", 2);
	assert_false(kith_arg_has(&a, "reply"));
	assert_false(kith_arg_has(&a, "txn"));
	assert_int_equal(parse("message.send", "{\"group\":\"" ID52 "\",\"panel\":\"" ID52 "\"}", &a, why), KITH_E_MALFORMED);
	assert_string_equal(why, "text: a string is needed");
	assert_int_equal(parse("message.send", "{\"group\":\"x\",\"panel\":\"" ID52 "\",\"text\":\"hi\"}", &a, why), KITH_E_MALFORMED);
	assert_string_equal(why, "group: an id of 52 characters");
	assert_int_equal(parse("message.send", "{\"grop\":1}", &a, why), KITH_E_MALFORMED);
	assert_string_equal(why, "grop: message.send has no such parameter");
	assert_int_equal(parse("message.send", "[]", &a, why), KITH_E_MALFORMED);
	assert_int_equal(parse("message.list", "{\"group\":\"" ID52 "\",\"panel\":\"" ID52 "\",\"limit\":0}", &a, why), KITH_E_MALFORMED);
	assert_string_equal(why, "limit: between 1 and 100");
	assert_int_equal(parse("message.list", "{\"group\":\"" ID52 "\",\"panel\":\"" ID52 "\",\"limit\":101}", &a, why), KITH_E_MALFORMED);
	assert_ok(parse("message.list", "{\"group\":\"" ID52 "\",\"panel\":\"" ID52 "\",\"limit\":100}", &a, why));
	assert_int_equal(kith_arg_num(&a, "limit", 50), 100);
	assert_int_equal(parse("message.list", "{\"group\":\"" ID52 "\",\"panel\":\"" ID52 "\",\"limit\":\"9\"}", &a, why), KITH_E_MALFORMED);
	assert_int_equal(parse("message.pin", "{\"group\":\"" ID52 "\",\"id\":\"" ID52 "\",\"on\":1}", &a, why), KITH_E_MALFORMED);
	assert_int_equal(parse("dm.open", "{\"users\":[]}", &a, why), KITH_E_MALFORMED);
	assert_int_equal(parse("dm.open", "{\"users\":[1]}", &a, why), KITH_E_MALFORMED);
	assert_ok(parse("dm.open", "{\"users\":[\"" ID52 "\"]}", &a, why));
}

static void
the_documents_are_whole_json_and_name_every_method(void **state)
{
	struct kith_node_conf conf = { .name = "n", .version = "1.0" };
	struct kith_buf b;
	json_error_t e;
	json_t *doc, *paths;

	(void)state;
	kith_buf_init(&b, 0);
	assert_ok(kith_openapi_write(&b, &conf));
	doc = json_loadb((const char *)b.p, b.n, JSON_REJECT_DUPLICATES, &e);
	assert_non_null(doc);
	assert_string_equal(json_string_value(json_object_get(doc, "openapi")), "3.1.0");
	paths = json_object_get(doc, "paths");
	assert_int_equal(json_object_size(paths), kith_n_methods);
	for (size_t i = 0; i < kith_n_methods; i++) {
		char path[128] = "/api/v1/";

		strcat(path, kith_methods[i].name);
		assert_non_null(json_object_get(json_object_get(paths, path), "post"));
	}
	json_decref(doc);
	kith_buf_reset(&b);
	assert_ok(kith_docs_page_write(&b));
	kith_buf_put_u8(&b, 0);
	for (size_t i = 0; i < kith_n_methods; i++) {
		char anchor[128] = "<article id=\"";

		strcat(anchor, kith_methods[i].name);
		assert_non_null(strstr((const char *)b.p, anchor));
	}
	assert_null(strstr((const char *)b.p, "<script"));
	assert_null(strstr((const char *)b.p, "style="));
	kith_buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_is_sorted_and_so_are_its_parameters),
		cmocka_unit_test(parameters_are_checked_before_anything_is_done),
		cmocka_unit_test(the_documents_are_whole_json_and_name_every_method),
	};

	return cmocka_run_group_tests_name("client/method", tests, NULL, NULL);
}
