/*
 * A whole node, whose n-th allocation in a batch fails, for every n: it says so or
 * manages without, what it holds stays whole, and the next try goes through.
 */
#include <stdio.h>
#include <string.h>

#include "storage/store.h"
#include "tests/unit/daemon/house.h"
#include "tests/unit/fail_alloc.h"
#include "tests/unit/test.h"

static struct {
	struct kith_store *store;
	struct house *h;
	struct kith_session ada, ben;
	bool lost, failed;
	char group[64], panel[64], message[64];
} w;

/* What the test itself asks memory for, to hear an answer, is no part of it. */
static void
heard(void *arg, const struct kith_output *o)
{
	(void)arg;
	(void)o;
	w.failed = kith_test_alloc_failed() || w.failed;
}

static void
begin(void)
{
	struct house_conf hc = { .store = w.store, .seed = 1, .lost = &w.lost };
	struct kith_diag d;

	w.lost = false;
	w.h = house_new(&hc, &d);
	assert_non_null(w.h);
	house_listen(w.h, heard, NULL);
}

static void
copy(char out[64], const json_t *r, const char *key)
{
	(void)snprintf(out, 64, "%s", json_string_value(json_object_get(r, key)));
}

static json_t *
whole(void)
{
	json_t *r = house_call(w.h, &w.ada, "message.list", json_pack("{s:s,s:s,s:i}", "group", w.group, "panel", w.panel, "limit", 100));
	char *lines = house_control(w.h, "verify");

	assert_non_null(r);
	assert_non_null(lines);
	assert_null(strstr(lines, "\"ok\":false"));
	free(lines);
	return json_object_get(r, "messages") == NULL ? NULL : r;
}

/*
 * The same call again and again, the n-th allocation of its batch failing, until
 * none does. What it gives in the end is the caller's. again: it may have happened
 * although nobody was told, and then fails in this way.
 */
static json_t *
until_it_works(const struct kith_session *s, const char *method, json_t *take_params, const char *again)
{
	unsigned n, failures = 0;
	uint64_t number;
	json_t *r = NULL;

	for (n = 1;; n++) {
		house_pass(10);
		number = house_ask(w.h, s, method, json_incref(take_params));
		w.failed = false;
		kith_test_fail_alloc(n);
		house_turn(w.h);
		w.failed = kith_test_alloc_failed() || w.failed;
		r = house_answer(w.h, number);
		if (!w.failed)
			break;
		failures++;
		if (r == NULL && !w.lost && strcmp(house_error(w.h), "busy") != 0 && strcmp(house_error(w.h), again) != 0 &&
		    strcmp(house_error(w.h), "no answer") != 0)
			fail_msg("%s, with allocation %u failing: %s", method, n, house_error(w.h));
		json_decref(r);
		if (w.lost) {
			house_free(w.h);
			begin();
		}
		json_decref(whole());
	}
	if (r == NULL && strcmp(house_error(w.h), again) != 0)
		fail_msg("%s: %s", method, house_error(w.h));
	assert_true(failures > 5);
	json_decref(take_params);
	return r;
}

static int
setup(void **state)
{
	json_t *r;

	(void)state;
	memset(&w, 0, sizeof(w));
	assert_ok(kith_store_mem_new(&w.store));
	begin();
	r = house_call(w.h, NULL, "account.register", json_pack("{s:s,s:s}", "name", "ada", "password", "correct horse battery"));
	assert_non_null(r);
	assert_ok(house_session(w.h, json_string_value(json_object_get(r, "token")), &w.ada));
	json_decref(r);
	r = house_call(w.h, NULL, "account.guest", json_pack("{s:s}", "name", "ben"));
	assert_ok(house_session(w.h, json_string_value(json_object_get(r, "token")), &w.ben));
	json_decref(r);
	r = house_call(w.h, &w.ada, "group.new", json_pack("{s:s,s:s}", "name", "garden", "join", "open"));
	assert_non_null(r);
	copy(w.group, r, "id");
	copy(w.panel, r, "panel");
	json_decref(r);
	r = house_call(w.h, &w.ada, "message.send", json_pack("{s:s,s:s,s:s}", "group", w.group, "panel", w.panel, "text", "hello"));
	assert_non_null(r);
	copy(w.message, r, "id");
	json_decref(r);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	house_free(w.h);
	kith_store_close(w.store);
	return 0;
}

static void
what_is_said_is_said_once(void **state)
{
	json_t *r, *list;
	unsigned there = 0;

	(void)state;
	json_decref(until_it_works(&w.ada, "message.send", json_pack("{s:s,s:s,s:s,s:s}", "group", w.group, "panel", w.panel, "text", "once",
	    "txn", "once"), ""));
	r = whole();
	list = json_object_get(r, "messages");
	for (size_t i = 0; i < json_array_size(list); i++)
		there += strcmp(json_string_value(json_object_get(json_array_get(list, i), "text")), "once") == 0;
	assert_int_equal(there, 1);
	json_decref(r);
}

static void
people_and_groups_come_about(void **state)
{
	char link[600];
	json_t *r;

	(void)state;
	json_decref(until_it_works(NULL, "account.register", json_pack("{s:s,s:s}", "name", "cy", "password", "correct horse battery"), ""));
	json_decref(until_it_works(NULL, "account.guest", json_pack("{s:s}", "name", "dan"), ""));
	json_decref(until_it_works(&w.ada, "group.new", json_pack("{s:s,s:s}", "name", "other", "txn", "other"), ""));
	r = until_it_works(&w.ada, "invite.new", json_pack("{s:s}", "group", w.group), "");
	(void)snprintf(link, sizeof(link), "%s", json_string_value(json_object_get(r, "link")));
	json_decref(r);
	json_decref(until_it_works(&w.ben, "group.join", json_pack("{s:s}", "link", link), ""));
}

static void
acts_take_effect(void **state)
{
	json_t *r;

	(void)state;
	json_decref(until_it_works(&w.ada, "message.edit", json_pack("{s:s,s:s,s:s}", "group", w.group, "id", w.message, "text", "better"), ""));
	json_decref(until_it_works(&w.ada, "message.react", json_pack("{s:s,s:s,s:s}", "group", w.group, "id", w.message, "emoji", "+1"), ""));
	json_decref(until_it_works(&w.ada, "panel.new", json_pack("{s:s,s:s}", "group", w.group, "name", "more"), ""));
	json_decref(until_it_works(&w.ada, "group.set", json_pack("{s:s,s:s,s:s}", "group", w.group, "key", "topic", "value", "roses"), ""));
	json_decref(until_it_works(&w.ada, "message.recall", json_pack("{s:s,s:s}", "group", w.group, "id", w.message), "not_found"));
	r = whole();
	assert_string_equal(json_string_value(json_object_get(json_array_get(json_object_get(r, "messages"), 0), "state")), "recalled");
	json_decref(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_said_is_said_once, setup, teardown),
		cmocka_unit_test_setup_teardown(people_and_groups_come_about, setup, teardown),
		cmocka_unit_test_setup_teardown(acts_take_effect, setup, teardown),
	};

	return cmocka_run_group_tests_name("daemon/no_memory", tests, NULL, NULL);
}
