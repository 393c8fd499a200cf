#include "daemon/site.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "tests/unit/test.h"

/* The archive of the web client: what is in it is found, whatever else it is is refused. */

struct file { const char *path, *type, *bytes; int encoding; };

static void
put_pack(struct kith_buf *b, const struct file *f, size_t n)
{
	uint32_t off = 12;
	uint8_t num[4];

	for (size_t i = 0; i < n; i++)
		off += (uint32_t)(12 + strlen(f[i].path) + strlen(f[i].type) + 1);
	kith_buf_put_str(b, "KITHWEB1");
	kith_put_be32(num, (uint32_t)n);
	kith_buf_put(b, num, 4);
	for (size_t i = 0; i < n; i++) {
		kith_buf_put_u8(b, (uint8_t)f[i].encoding);
		kith_buf_put_u8(b, (uint8_t)strlen(f[i].path));
		kith_buf_put_u8(b, (uint8_t)(strlen(f[i].type) + 1));
		kith_buf_put_u8(b, 0);
		kith_put_be32(num, off);
		kith_buf_put(b, num, 4);
		kith_put_be32(num, (uint32_t)strlen(f[i].bytes));
		kith_buf_put(b, num, 4);
		kith_buf_put_str(b, f[i].path);
		kith_buf_put(b, f[i].type, strlen(f[i].type) + 1);
		off += (uint32_t)strlen(f[i].bytes);
	}
	for (size_t i = 0; i < n; i++)
		kith_buf_put_str(b, f[i].bytes);
	assert_ok(kith_buf_err(b));
}

static int
open_bytes(struct kith_slice bytes, struct kith_site **out, struct kith_diag *diag)
{
	char dir[] = "/tmp/kith-site-XXXXXX", path[64];
	FILE *f;
	int r;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/web.pack", dir);
	f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes.p, 1, bytes.n, f), bytes.n);
	assert_int_equal(fclose(f), 0);
	r = kith_site_open(dir, out, diag);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
	return r;
}

static const struct file some[] = {
	{ "/a/x.js", "text/javascript", "plain", 0 }, { "/a/x.js", "text/javascript", "zipped", 1 },
	{ "/a/x.js", "text/javascript", "brotli", 2 }, { "/index.html", "text/html", "<!doctype html>", 0 },
};

static void
expect(const struct kith_site *s, const char *path, const char *accept, const char *bytes)
{
	struct kith_site_file f;

	assert_true(kith_site_find(s, kith_slice_str(path), kith_slice_str(accept), &f));
	assert_true(kith_slice_is(f.bytes, bytes));
}

static void
the_best_form_that_is_accepted_is_given(void **state)
{
	struct kith_site *s;
	struct kith_site_file f;
	struct kith_diag d;
	struct kith_buf b;

	(void)state;
	kith_buf_init(&b, 0);
	put_pack(&b, some, 4);
	assert_ok(open_bytes(kith_buf_slice(&b), &s, &d));
	expect(s, "/a/x.js", "", "plain");
	expect(s, "/a/x.js", "deflate, brr", "plain");
	expect(s, "/a/x.js", "gzip", "zipped");
	expect(s, "/a/x.js", "gzip, deflate, br", "brotli");
	expect(s, "/a/x.js", "br;q=0, gzip;q=0.1", "zipped");
	expect(s, "/a/x.js", "br;q=0.0,gzip ; q=0", "plain");
	expect(s, "/index.html", "br", "<!doctype html>");
	assert_false(kith_site_find(s, kith_slice_str("/a/x.j"), kith_slice_str("br"), &f));
	assert_false(kith_site_find(s, kith_slice_str("/a/x.jss"), kith_slice_str("br"), &f));
	assert_true(kith_site_find(s, kith_slice_str("/a/x.js"), kith_slice_str(""), &f));
	assert_true(f.for_ever);
	assert_string_equal(f.type, "text/javascript");
	assert_true(kith_site_find(s, kith_slice_str("/index.html"), kith_slice_str(""), &f));
	assert_false(f.for_ever);
	kith_site_free(s);
	kith_buf_fini(&b);
}

static void
what_is_no_archive_is_refused(void **state)
{
	struct kith_site *s;
	struct kith_diag d;
	struct kith_buf b;
	struct file twice[] = { some[0], some[0] }, backwards[] = { some[3], some[0] }, strange = { "/x", "t", "", 3 };

	(void)state;
	kith_buf_init(&b, 0);
	put_pack(&b, some, 4);
	/* cut anywhere in front of the bytes, or with a byte of the bytes missing */
	for (size_t n = 0; n < b.n; n++) {
		struct kith_slice cut = kith_slice_of(b.p, n);

		if (n == 0)
			continue;
		assert_int_equal(open_bytes(cut, &s, &d), KITH_E_MALFORMED);
		assert_null(s);
	}
	b.p[0] = 'k';
	assert_int_equal(open_bytes(kith_buf_slice(&b), &s, &d), KITH_E_MALFORMED);
	kith_buf_reset(&b);
	put_pack(&b, twice, 2);
	assert_int_equal(open_bytes(kith_buf_slice(&b), &s, &d), KITH_E_MALFORMED);
	kith_buf_reset(&b);
	put_pack(&b, backwards, 2);
	assert_int_equal(open_bytes(kith_buf_slice(&b), &s, &d), KITH_E_MALFORMED);
	kith_buf_reset(&b);
	put_pack(&b, &strange, 1);
	assert_int_equal(open_bytes(kith_buf_slice(&b), &s, &d), KITH_E_MALFORMED);
	kith_buf_fini(&b);
	assert_int_equal(kith_site_open("/nonexistent/kith", &s, &d), KITH_E_IO);
}

static void
places_are_what_the_client_shows(void **state)
{
	static const char *const yes[] = { "/", "/g/abc/def", "/dm/x", "/invite", "/settings/profile", "/home" };
	static const char *const no[] = { "", "x", "/gx", "/api/v1/x", "/ws", "/blob/x", "/a/x.js", "//", "/favicon.ico" };

	(void)state;
	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		assert_true(kith_site_is_place(kith_slice_str(yes[i])));
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		assert_false(kith_site_is_place(kith_slice_str(no[i])));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_best_form_that_is_accepted_is_given),
		cmocka_unit_test(what_is_no_archive_is_refused),
		cmocka_unit_test(places_are_what_the_client_shows),
	};

	return cmocka_run_group_tests_name("daemon/site", tests, NULL, NULL);
}
