#include "cli/net.h"

#include "tests/unit/test.h"

static void
an_address_has_one_form(void **state)
{
	static const struct { const char *in, *out, *hostport; unsigned port; } good[] = {
		{ "http://127.0.0.1:7370", "http://127.0.0.1:7370", "127.0.0.1:7370", 7370 },
		{ "HTTP://Chat.Example/", "http://chat.example", "chat.example", 80 },
		{ "https://chat.example:443/", "https://chat.example", "chat.example", 443 },
		{ "https://chat.example:80", "https://chat.example:80", "chat.example:80", 80 },
		{ "http://[::1]:7370", "http://[::1]:7370", "[::1]:7370", 7370 },
		{ "http://[0:0::0:1]", "http://[::1]", "[::1]", 80 },
	};
	struct kith_diag d;
	struct cli_url u;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_ok(cli_url_parse(good[i].in, &u, &d));
		assert_string_equal(u.text, good[i].out);
		assert_string_equal(u.hostport, good[i].hostport);
		assert_int_equal(u.port, good[i].port);
		assert_int_equal(u.tls, strncmp(good[i].out, "https", 5) == 0);
	}
}

static void
what_is_no_address_is_refused_in_words(void **state)
{
	static const char *const bad[] = {
		"", "chat.example", "ftp://chat.example", "http://", "http:///", "http://:80", "http://a:0", "http://a:65536", "http://a:",
		"http://a:1a", "http://a/b", "http://a?b", "http://a#b", "http://u@a", "http://a b", "http://a\r\nHost: b", "http://[::1",
		"http://[::1]x", "http://[1.2.3.4]", "http://[fe80::1%eth0]", "http://\xc3\xa4",
	};
	struct kith_diag d;
	struct cli_url u = { .port = 7 };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memset(&d, 0, sizeof(d));
		assert_int_equal(cli_url_parse(bad[i], &u, &d), KITH_E_MALFORMED);
		assert_true(d.text[0] != '\0');
		assert_int_equal(u.port, 7);
	}
}

static void
loopback_is_known_as_it_is_written(void **state)
{
	static const struct { const char *url; bool loopback; } all[] = {
		{ "http://localhost:1", true }, { "http://127.0.0.1", true }, { "http://127.9.9.9", true }, { "http://[::1]", true },
		{ "http://128.0.0.1", false }, { "http://localhost.example", false }, { "http://[::2]", false }, { "http://127.example", false },
	};
	struct kith_diag d;
	struct cli_url u;

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		assert_ok(cli_url_parse(all[i].url, &u, &d));
		assert_int_equal(cli_url_is_loopback(&u), all[i].loopback);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_has_one_form),
		cmocka_unit_test(what_is_no_address_is_refused_in_words),
		cmocka_unit_test(loopback_is_known_as_it_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
