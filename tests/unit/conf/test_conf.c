#include "conf/conf.h"

#include <stdio.h>

#include "tests/unit/fail_alloc.h"
#include "tests/unit/test.h"

static char *
slurp(const char *name)
{
	const char *dir = getenv("KITH_SRCDIR");
	char path[1024], *text;
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "%s/%s", dir != NULL ? dir : ".", name);
	f = fopen(path, "r");
	assert_non_null(f);
	text = calloc(1, 1 << 18);
	assert_non_null(text);
	n = fread(text, 1, (1 << 18) - 1, f);
	assert_true(n > 0);
	fclose(f);
	return text;
}

static int
parse(struct kith_conf *c, const char *text, struct kith_diag *d)
{
	return kith_conf_parse(c, kith_slice_str(text), "test.conf", d);
}

static void
print(const struct kith_conf *c, char *out, size_t cap)
{
	struct kith_buf b;

	kith_buf_init(&b, 0);
	kith_conf_print(c, &b);
	assert_ok(kith_buf_err(&b));
	assert_true(b.n < cap);
	memcpy(out, b.p, b.n);
	out[b.n] = '\0';
	kith_buf_fini(&b);
}

static void
the_manual_page_and_the_sample_name_every_option(void **state)
{
	char *page = slurp("conf/kithd.conf.5"), *sample = slurp("conf/kithd.conf.sample"), word[96];

	(void)state;
	for (size_t i = 0; i < kith_conf_count(); i++) {
		bool there = false;

		snprintf(word, sizeof(word), ".It Cm %s", kith_conf_name(i));
		for (char *p = page; (p = strstr(p, word)) != NULL && !there; p++)
			there = p[strlen(word)] == ' ' || p[strlen(word)] == '\n';
		if (!there)
			fail_msg("kithd.conf.5 does not name %s", kith_conf_name(i));
		snprintf(word, sizeof(word), "\n#%s =", kith_conf_name(i));
		if (strstr(sample, word) == NULL)
			fail_msg("kithd.conf.sample does not name %s", kith_conf_name(i));
	}
	free(page);
	free(sample);
}

static void
the_sample_says_the_defaults(void **state)
{
	char *sample = slurp("conf/kithd.conf.sample"), a[8192], b[8192];
	struct kith_conf plain, read;
	struct kith_diag d;

	(void)state;
	/* take the marks away from what is commented out, not from the words */
	for (char *p = sample; (p = strchr(p, '#')) != NULL; p++) {
		if ((p == sample || p[-1] == '\n') && p[1] != ' ')
			*p = ' ';
	}
	assert_ok(kith_conf_init(&plain));
	assert_ok(kith_conf_init(&read));
	assert_ok(parse(&read, sample, &d));
	print(&plain, a, sizeof(a));
	print(&read, b, sizeof(b));
	assert_string_equal(a, b);
	kith_conf_fini(&plain);
	kith_conf_fini(&read);
	free(sample);
}

static void
what_is_printed_reads_back_the_same(void **state)
{
	static const char text[] = "name = Ada's node # a comment\n\n# another\nlisten_client=[::1]:0\npeer = a.example:1, [::1]:2\tb:3\n"
	    "admins = ada#1234 bob#0007\nregistration = closed\ntls_cert = /a\ntls_key = /b\nmap_size = 3G\nrate_send = 7/250ms burst 9\n"
	    "smtp = starttls://mail.example:587\nmail_from = kith@mail.example\nprivate_pages = yes\n"
	    "rate_read = off\nlisted = no\nlog_level=debug\r\nurl = https://chat.example\n";
	char a[8192], b[8192];
	struct kith_conf c, again;
	struct kith_diag d;

	(void)state;
	assert_ok(kith_conf_init(&c));
	assert_ok(parse(&c, text, &d));
	assert_string_equal(c.name, "Ada's node");
	assert_int_equal(c.peer.n, 3);
	assert_string_equal(c.peer.v[1], "[::1]:2");
	assert_string_equal(c.admins.v[1], "bob#0007");
	assert_int_equal(c.map_size, UINT64_C(3) << 30);
	assert_int_equal(c.rate[KITH_CONF_SEND].per_ms, 250);
	assert_int_equal(c.rate[KITH_CONF_READ].count, 0);
	assert_false(c.listed);
	assert_ok(kith_conf_finish(&c, &d));
	print(&c, a, sizeof(a));
	assert_ok(kith_conf_init(&again));
	assert_ok(parse(&again, a, &d));
	print(&again, b, sizeof(b));
	assert_string_equal(a, b);
	for (size_t i = 0; i < kith_conf_count(); i++)
		assert_true(kith_conf_same(&c, &again, i));
	kith_conf_fini(&c);
	kith_conf_fini(&again);
}

static void
mistakes_are_told_with_their_line(void **state)
{
	static const struct { const char *text, *says; int line; } v[] = {
		{ "name = a\nname = b\n", "name is given twice", 2 },
		{ "\n\nnonsense\n", "neither", 3 },
		{ "nmae = a\n", "no option \"nmae\"", 1 },
		{ "= a\n", "before the equals sign", 1 },
		{ "Name = a\n", "lower-case", 1 },
		{ "listen_client = localhost:7370\n", "ADDR:PORT", 1 },
		{ "listen_client = 127.0.0.1\n", "ADDR:PORT", 1 },
		{ "listen_client = 127.0.0.1:65536\n", "ADDR:PORT", 1 },
		{ "listen_client = none\n", "ADDR:PORT", 1 },
		{ "listen_client = ::1:80\n", "ADDR:PORT", 1 },
		{ "listen_peer = some\n", "none", 1 },
		{ "peer = a:0\n", "HOST:PORT", 1 },
		{ "peer = -a:1\n", "HOST:PORT", 1 },
		{ "registration = maybe\n", "invite", 1 },
		{ "listed = true\n", "yes or no", 1 },
		{ "max_connections = 15\n", "from 16", 1 },
		{ "max_connections = 18446744073709551616\n", "from 16", 1 },
		{ "map_size = 99999999T\n", "bytes", 1 },
		{ "map_size = 1X\n", "bytes", 1 },
		{ "tls_cert = cert.pem\n", "absolute", 1 },
		{ "url = ftp://a\n", "http", 1 },
		{ "url = http://a/\n", "http", 1 },
		{ "rate_send = 5\n", "rate", 1 },
		{ "rate_send = 0/1s\n", "rate", 1 },
		{ "rate_send = 5/1y\n", "rate", 1 },
		{ "rate_send = 5/1s burst\n", "rate", 1 },
		{ "rate_send = 5/1s burst 0\n", "rate", 1 },
		{ "rate_send = 5/30d\n", "rate", 1 },
		{ "name = \xff\n", "UTF-8", 1 },
		{ "name = a\x01" "b\n", "control", 1 },
	};
	struct kith_conf c;
	struct kith_diag d;

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		assert_ok(kith_conf_init(&c));
		if (parse(&c, v[i].text, &d) != KITH_E_MALFORMED)
			fail_msg("taken: %s", v[i].text);
		if (strstr(d.text, v[i].says) == NULL)
			fail_msg("%s: \"%s\" does not say \"%s\"", v[i].text, d.text, v[i].says);
		assert_int_equal(d.line, v[i].line);
		assert_string_equal(d.file, "test.conf");
		kith_conf_fini(&c);
	}
}

static void
limits_hold_at_their_edges(void **state)
{
	static char line[4200], big[(256 << 10) + 2];
	char name[80];
	struct kith_conf c;
	struct kith_diag d;

	(void)state;
	assert_ok(kith_conf_init(&c));
	memset(name, 'n', sizeof(name));
	assert_ok(kith_conf_set(&c, "name", kith_slice_of(name, 64), KITH_CONF_FILE, &d));
	assert_int_equal(kith_conf_set(&c, "name", kith_slice_of(name, 65), KITH_CONF_COMMAND, &d), KITH_E_MALFORMED);
	memset(line, '#', 4096);
	line[4096] = '\n';
	assert_ok(parse(&c, line, &d));
	line[4096] = '#';
	line[4097] = '\n';
	assert_int_equal(parse(&c, line, &d), KITH_E_LIMIT);
	memset(big, '\n', 256 << 10);
	assert_ok(kith_conf_parse(&c, kith_slice_of(big, 256 << 10), "f", &d));
	big[256 << 10] = '\n';
	assert_int_equal(kith_conf_parse(&c, kith_slice_of(big, (256 << 10) + 1), "f", &d), KITH_E_LIMIT);
	kith_conf_fini(&c);
}

static void
the_command_line_beats_the_file_and_its_lists_grow(void **state)
{
	struct kith_conf c;
	struct kith_diag d;

	(void)state;
	assert_ok(kith_conf_init(&c));
	assert_ok(kith_conf_set(&c, "name", LIT("cmd"), KITH_CONF_COMMAND, &d));
	assert_ok(kith_conf_set(&c, "peer", LIT("a:1"), KITH_CONF_COMMAND, &d));
	assert_ok(kith_conf_set(&c, "peer", LIT("b:2"), KITH_CONF_COMMAND, &d));
	assert_ok(parse(&c, "name = file\npeer = c:3\n", &d));
	assert_string_equal(c.name, "cmd");
	assert_int_equal(c.peer.n, 2);
	assert_string_equal(c.peer.v[1], "b:2");
	/* what a file would take for a comment */
	assert_int_equal(kith_conf_set(&c, "url", LIT("#x"), KITH_CONF_COMMAND, &d), KITH_E_MALFORMED);
	assert_int_equal(kith_conf_set(&c, "url", LIT("http://a #x"), KITH_CONF_COMMAND, &d), KITH_E_MALFORMED);
	/* wrong is wrong, even where it is beaten */
	assert_int_equal(parse(&c, "peer = nonsense\n", &d), KITH_E_MALFORMED);
	assert_int_equal(kith_conf_set(&c, "name", LIT("again"), KITH_CONF_COMMAND, &d), KITH_E_MALFORMED);
	kith_conf_fini(&c);
}

static void
defaults_follow_the_address(void **state)
{
	static const struct { const char *client, *peer; int registration; } v[] = {
		{ "127.0.0.1:7370", "127.0.0.1:7371", KITH_CONF_REG_OPEN },
		{ "127.8.0.1:80", "127.8.0.1:7371", KITH_CONF_REG_OPEN },
		{ "127.0.0.1:0", "127.0.0.1:0", KITH_CONF_REG_OPEN },
		{ "[::1]:1", "[::1]:7371", KITH_CONF_REG_OPEN },
		{ "0.0.0.0:443", "0.0.0.0:7371", KITH_CONF_REG_INVITE },
		{ "[::]:443", "[::]:7371", KITH_CONF_REG_INVITE },
	};
	struct kith_conf c;
	struct kith_diag d;

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		assert_ok(kith_conf_init(&c));
		assert_ok(kith_conf_set(&c, "listen_client", kith_slice_str(v[i].client), KITH_CONF_FILE, &d));
		assert_ok(kith_conf_finish(&c, &d));
		assert_string_equal(c.listen_peer, v[i].peer);
		assert_int_equal(c.registration, v[i].registration);
		kith_conf_fini(&c);
	}
	assert_ok(kith_conf_init(&c));
	assert_ok(kith_conf_set(&c, "tls_cert", LIT("/a"), KITH_CONF_FILE, &d));
	assert_int_equal(kith_conf_finish(&c, &d), KITH_E_MALFORMED);
	kith_conf_fini(&c);
}

static void
a_mail_server_is_named_whole(void **state)
{
	static const struct { const char *server, *from; int r; } v[] = {
		{ "", "", KITH_OK }, { "smtp://127.0.0.1:25", "kith@a.example", KITH_OK }, { "smtps://[::1]:465", "k@a", KITH_OK },
		{ "starttls://mail.example:587", "k@a", KITH_OK }, { "smtp://127.0.0.1:25", "", KITH_E_MALFORMED },
		{ "smtp://127.0.0.1:25", "kith", KITH_E_MALFORMED }, { "smtp://mail.example", "k@a", KITH_E_MALFORMED },
		{ "mail.example:25", "k@a", KITH_E_MALFORMED }, { "http://mail.example:25", "k@a", KITH_E_MALFORMED },
		{ "smtp://user:secret@mail.example:25", "k@a", KITH_E_MALFORMED }, { "smtp://a:25/b", "k@a", KITH_E_MALFORMED },
	};
	struct kith_conf c;
	struct kith_diag d;

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		assert_ok(kith_conf_init(&c));
		assert_ok(kith_conf_set(&c, "smtp", kith_slice_str(v[i].server), KITH_CONF_FILE, &d));
		assert_ok(kith_conf_set(&c, "mail_from", kith_slice_str(v[i].from), KITH_CONF_FILE, &d));
		assert_int_equal(kith_conf_finish(&c, &d), v[i].r);
		kith_conf_fini(&c);
	}
}

static void
one_option_can_be_copied(void **state)
{
	struct kith_conf a, b;
	struct kith_diag d;

	(void)state;
	assert_ok(kith_conf_init(&a));
	assert_ok(kith_conf_init(&b));
	assert_ok(parse(&a, "peer = x:1 y:2\nrate_join = 3/2s burst 4\nreactors = 3\n", &d));
	for (size_t i = 0; i < kith_conf_count(); i++) {
		assert_ok(kith_conf_copy(&b, &a, i));
		assert_true(kith_conf_same(&a, &b, i));
	}
	assert_string_equal(b.peer.v[1], "y:2");
	kith_conf_fini(&a);
	kith_conf_fini(&b);
	kith_conf_fini(&b);
}

static void
a_lack_of_memory_is_told_and_nothing_stays(void **state)
{
	static const char text[] = "name = \"a \\\"b\" # c\npeer = x:1 y:2 z:3\nadvertise = [::1]:7\nrate_join = 3/2s burst 4\nlisten_client = 127.0.0.1:0\n";
	struct kith_conf a, b;
	struct kith_diag d;
	size_t n;
	int r;

	(void)state;
	for (n = 1;; n++) {
		kith_test_fail_alloc(n);
		r = kith_conf_init(&a);
		if (r == KITH_OK)
			r = kith_conf_parse(&a, kith_slice_str(text), "test", &d);
		if (r == KITH_OK)
			r = kith_conf_finish(&a, &d);
		if (r == KITH_OK)
			r = kith_conf_init(&b);
		else
			memset(&b, 0, sizeof(b));
		for (size_t i = 0; r == KITH_OK && i < kith_conf_count(); i++)
			r = kith_conf_copy(&b, &a, i);
		if (!kith_test_alloc_failed())
			break;
		assert_int_equal(r, KITH_E_NOMEM);
		kith_conf_fini(&a);
		kith_conf_fini(&b);
	}
	assert_ok(r);
	assert_true(n > 20);
	assert_string_equal(b.peer.v[2], "z:3");
	kith_conf_fini(&a);
	kith_conf_fini(&b);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_manual_page_and_the_sample_name_every_option),
		cmocka_unit_test(the_sample_says_the_defaults),
		cmocka_unit_test(what_is_printed_reads_back_the_same),
		cmocka_unit_test(mistakes_are_told_with_their_line),
		cmocka_unit_test(limits_hold_at_their_edges),
		cmocka_unit_test(the_command_line_beats_the_file_and_its_lists_grow),
		cmocka_unit_test(defaults_follow_the_address),
		cmocka_unit_test(a_mail_server_is_named_whole),
		cmocka_unit_test(one_option_can_be_copied),
		cmocka_unit_test(a_lack_of_memory_is_told_and_nothing_stays),
	};

	return cmocka_run_group_tests_name("conf/conf", tests, NULL, NULL);
}
