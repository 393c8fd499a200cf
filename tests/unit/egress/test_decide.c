#include "egress/egress.h"

#include <arpa/inet.h>

#include "base/mail.h"
#include "tests/unit/test.h"

static bool
global(const char *text)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };

	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
		return kith_is_global((const struct sockaddr *)&v4);
	assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
	return kith_is_global((const struct sockaddr *)&v6);
}

static void
only_the_internet_at_large_is_global(void **state)
{
	static const char *const yes[] = { "1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0",
		"192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255", "2606:4700:4700::1111", "2a00::1",
		"::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1" };
	static const char *const no[] = { "0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255", "127.0.0.1",
		"127.255.255.255", "169.254.169.254", "172.16.0.0", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.168.0.1", "198.18.0.0",
		"198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "::", "::1",
		"::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b:1::1", "2002:7f00:1::1", "2002:a00:1::1", "fe80::1",
		"fc00::1", "fdff::1", "ff02::1", "2001::1", "2001:db8::1", "3fff::1", "4000::1" };

	(void)state;
	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		if (!global(yes[i]))
			fail_msg("%s is global", yes[i]);
	}
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
		if (global(no[i]))
			fail_msg("%s is not global", no[i]);
	}
}

static bool
csp(const char *value, const char *ours)
{
	struct kith_framing f = { .csp_seen = false };

	kith_framing_csp(&f, kith_slice_str(value), "https://page.example:443", ours);
	return kith_framing_forbids(&f);
}

static void
policies(void **state)
{
	static const char us[] = "https://kith.example", port[] = "https://kith.example:7370", plain[] = "http://kith.example";
	static const char *const allow[] = { "", "default-src 'none'", "frame-ancestors *", "frame-ancestors https:", "frame-ancestors http:",
		"frame-ancestors kith.example", "frame-ancestors https://kith.example", "frame-ancestors 'none' https://KITH.example",
		"default-src 'self'; Frame-Ancestors *.example", "frame-ancestors a.example kith.example:443 b.example",
		"frame-ancestors https://kith.example/path", "frame-ancestors *, frame-ancestors https:", "frame-ancestors-not 'none'",
		"frame-ancestors *; frame-ancestors 'none'" };
	static const char *const forbid[] = { "frame-ancestors", "frame-ancestors ", "frame-ancestors 'none'", "frame-ancestors 'self'",
		"frame-ancestors other.example", "frame-ancestors *.kith.example", "frame-ancestors kith.example:8443", "frame-ancestors ftp:",
		"frame-ancestors evilkith.example", "frame-ancestors *, frame-ancestors 'none'", "FRAME-ANCESTORS\t'none'",
		"script-src *;frame-ancestors 'none';", "frame-ancestors example" };

	(void)state;
	for (size_t i = 0; i < sizeof(allow) / sizeof(allow[0]); i++) {
		if (csp(allow[i], us))
			fail_msg("allows: %s", allow[i]);
	}
	for (size_t i = 0; i < sizeof(forbid) / sizeof(forbid[0]); i++) {
		if (!csp(forbid[i], us))
			fail_msg("forbids: %s", forbid[i]);
	}
	assert_true(csp("frame-ancestors kith.example", port));
	assert_false(csp("frame-ancestors kith.example:*", port));
	assert_false(csp("frame-ancestors kith.example:7370", port));
	assert_true(csp("frame-ancestors https:", plain));
	assert_true(csp("frame-ancestors kith.example", plain));        /* the page is https: so must who shows it be */
	assert_false(csp("frame-ancestors http://kith.example", plain));
	assert_false(csp("frame-ancestors http://[::1]:80", "http://[::1]"));
}

static void
options(void **state)
{
	static const struct { const char *value; bool forbids; } v[] = {
		{ "DENY", true }, { "deny", true }, { " SameOrigin ", true }, { "sameorigin, sameorigin", true }, { "ALLOWALL", false },
		{ "ALLOW-FROM https://kith.example", false }, { "", false }, { "denying", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		struct kith_framing f = { .csp_seen = false };

		kith_framing_xfo(&f, kith_slice_str(v[i].value), "https://page.example:443", "https://kith.example");
		assert_int_equal(kith_framing_forbids(&f), v[i].forbids);
		/* a policy has the last word */
		kith_framing_csp(&f, kith_slice_str("frame-ancestors *"), "https://page.example:443", "https://kith.example");
		assert_false(kith_framing_forbids(&f));
	}
}

static void
addresses_for_mail(void **state)
{
	static const char *const good[] = { "a@b", "ann.o'neil+x@example.org", "x_y@sub.example.org" };
	static const char *const bad[] = { "", "a", "@b", "a@", "a@b@c", "a b@c", "a@b\r\nRCPT TO:<x@y>", "a@b>", "<a@b", "a@b,c@d", "-x@y", "a\xc3\xa4@b", "\"a\"@b" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(kith_is_mail_address(kith_slice_str(good[i])));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(kith_is_mail_address(kith_slice_str(bad[i])));
}

static void
words_of_mail(void **state)
{
	struct kith_buf b;

	(void)state;
	kith_buf_init(&b, 0);
	kith_mail_word(&b, kith_slice_str("Your code"));
	assert_slice_equal(kith_buf_slice(&b), "Your code", 9);
	kith_buf_reset(&b);
	kith_mail_word(&b, kith_slice_str("\xe9\xaa\x8c\xe8\xaf\x81\xe7\xa0\x81"));
	assert_slice_equal(kith_buf_slice(&b), "=?UTF-8?B?6aqM6K+B56CB?=", 24);
	/* no line of it can be a header of somebody else's */
	kith_buf_reset(&b);
	kith_mail_word(&b, kith_slice_str("x\r\nBcc: everybody@example.org"));
	assert_null(memmem(b.p, b.n, "Bcc", 3));
	/* long ones are folded where characters end, each line below 78 */
	kith_buf_reset(&b);
	for (int i = 0; i < 40; i++)
		kith_buf_put_str(&b, "\xe5\xad\x97");
	{
		struct kith_buf out;
		size_t line = 0;

		kith_buf_init(&out, 0);
		kith_mail_word(&out, kith_buf_slice(&b));
		for (size_t i = 0; i < out.n; i++) {
			line = out.p[i] == '\n' ? 0 : line + 1;
			assert_true(line < 78);
		}
		assert_non_null(memmem(out.p, out.n, "?=\r\n =?UTF-8?B?", 15));
		kith_buf_fini(&out);
	}
	kith_buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_internet_at_large_is_global),
		cmocka_unit_test(policies),
		cmocka_unit_test(options),
		cmocka_unit_test(addresses_for_mail),
		cmocka_unit_test(words_of_mail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
