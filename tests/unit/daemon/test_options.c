#include "daemon/options.h"

#include <stdio.h>
#include <unistd.h>

#include "tests/unit/test.h"
#include "tests/unit/tmpdir.h"

#define ARGS(...) (char *[]){ (char[]){ "kithd" }, __VA_ARGS__, NULL }
#define S(s) (char[]){ s }

static int
parse(char **argv, struct kith_options *o, struct kith_conf *c, struct kith_diag *d)
{
	int argc = 0, r;

	while (argv[argc] != NULL)
		argc++;
	r = kith_options_parse(argc, argv, o, d);
	if (r != KITH_OK)
		return r;
	r = kith_options_conf(o, c, d);
	if (r != KITH_OK)
		kith_options_fini(o);
	return r;
}

static void
every_option_can_stand_on_the_command_line(void **state)
{
	struct kith_options o;
	struct kith_conf c;
	struct kith_diag d;

	(void)state;
	assert_ok(parse(ARGS(S("--state"), S("/s"), S("--name=Ada's"), S("--listen-client"), S("127.0.0.1:0"), S("--listen-peer"), S("none"),
	    S("--peer"), S("a:1"), S("--peer"), S("b:2"), S("--registration"), S("closed"), S("--rate-send"), S("1/1h"), S("-t")), &o, &c, &d));
	assert_string_equal(o.state, "/s");
	assert_true(o.test);
	assert_string_equal(c.name, "Ada's");
	assert_string_equal(c.listen_peer, "none");
	assert_int_equal(c.peer.n, 2);
	assert_int_equal(c.registration, KITH_CONF_REG_CLOSED);
	assert_int_equal(c.rate[KITH_CONF_SEND].per_ms, 3600000);
	kith_conf_fini(&c);
	kith_options_fini(&o);
}

static void
paths_are_made_absolute(void **state)
{
	char cwd[1024], want[1100];
	struct kith_options o;
	struct kith_conf c;
	struct kith_diag d;

	(void)state;
	assert_non_null(getcwd(cwd, sizeof(cwd)));
	snprintf(want, sizeof(want), "%s/some/dir", cwd);
	assert_ok(parse(ARGS(S("--state"), S("some/dir")), &o, &c, &d));
	assert_string_equal(o.state, want);
	kith_conf_fini(&c);
	kith_options_fini(&o);
}

static void
mistakes_are_told_as_they_were_typed(void **state)
{
	static const struct { const char *a, *b, *says; } v[] = {
		{ "--listen-client", "nonsense", "listen-client wants" },
		{ "--stat", "/x", "no option --stat" },
		{ "--listen_client", "127.0.0.1:0", "no option" },
		{ "--name", NULL, "needs a value" },
		{ "-x", NULL, "no option" },
		{ "word", NULL, "no option" },
		{ "--state", "", "needs a path" },
	};
	struct kith_options o;
	struct kith_conf c;
	struct kith_diag d;

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		char a[64], b[64];

		snprintf(a, sizeof(a), "%s", v[i].a);
		snprintf(b, sizeof(b), "%s", v[i].b != NULL ? v[i].b : "");
		if (parse(v[i].b != NULL ? ARGS(a, b) : ARGS(a), &o, &c, &d) != KITH_E_MALFORMED)
			fail_msg("taken: %s", a);
		if (strstr(d.text, v[i].says) == NULL)
			fail_msg("%s: \"%s\" does not say \"%s\"", a, d.text, v[i].says);
	}
	assert_int_equal(parse(ARGS(S("--state"), S("/a"), S("--state"), S("/b")), &o, &c, &d), KITH_E_MALFORMED);
	assert_int_equal(parse(ARGS(S("--name"), S("a"), S("--name"), S("b")), &o, &c, &d), KITH_E_MALFORMED);
}

static void
the_file_is_read_and_its_mistakes_have_lines(void **state)
{
	char dir[KITH_TEST_PATH], path[KITH_TEST_PATH];
	struct kith_options o;
	struct kith_conf c;
	struct kith_diag d;
	FILE *f;

	(void)state;
	kith_test_path(path, kith_test_dir(dir), "kithd.conf");
	f = fopen(path, "w");
	assert_non_null(f);
	fputs("# mine\nname = file\nreactors = 2\n", f);
	fclose(f);
	assert_ok(parse(ARGS(S("--name"), S("cmd"), S("--config"), path), &o, &c, &d));
	assert_string_equal(c.name, "cmd");
	assert_int_equal(c.reactors, 2);
	kith_conf_fini(&c);
	kith_options_fini(&o);
	f = fopen(path, "a");
	assert_non_null(f);
	fputs("reactors = many\n", f);
	fclose(f);
	assert_int_equal(parse(ARGS(S("--config"), path), &o, &c, &d), KITH_E_MALFORMED);
	assert_string_equal(d.file, path);
	assert_int_equal(d.line, 4);
	assert_int_equal(parse(ARGS(S("--config"), S("/does/not/exist")), &o, &c, &d), KITH_E_IO);
	assert_string_equal(d.file, "/does/not/exist");
	assert_int_equal(parse(ARGS(S("--config"), S("/")), &o, &c, &d), KITH_E_IO);
	kith_test_dir_remove(dir);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_option_can_stand_on_the_command_line),
		cmocka_unit_test(paths_are_made_absolute),
		cmocka_unit_test(mistakes_are_told_as_they_were_typed),
		cmocka_unit_test(the_file_is_read_and_its_mistakes_have_lines),
	};

	return cmocka_run_group_tests_name("daemon/options", tests, NULL, NULL);
}
