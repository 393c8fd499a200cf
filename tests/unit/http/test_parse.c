#include "http/parse.h"

#include <stdio.h>

#include "tests/unit/fail_alloc.h"
#include "tests/unit/test.h"

/* What became of one message. */
struct story {
	int status;                     /* 0: complete */
	bool headers, done;
	size_t used;
	char body[4096];
	size_t n_body;
};

/* Feeds n bytes in steps of at most step. */
static struct story
feed(struct kith_http_reader *r, const void *bytes, size_t n, size_t step)
{
	struct kith_slice rest = kith_slice_of(bytes, n), in, body = { NULL, 0 };
	struct story s = { 0 };
	size_t used;

	for (;;) {
		in = rest;
		if (in.n > step)
			in.n = step;
		switch (kith_http_read(r, in, &used, &body)) {
		case KITH_HTTP_MORE:
			assert_int_equal(used, in.n);
			break;
		case KITH_HTTP_HEADERS:
			s.headers = true;
			break;
		case KITH_HTTP_BODY:
			assert_true(s.n_body + body.n <= sizeof(s.body));
			memcpy(s.body + s.n_body, body.p, body.n);
			s.n_body += body.n;
			break;
		case KITH_HTTP_DONE:
			s.used += used;
			s.done = true;
			return s;
		case KITH_HTTP_ERROR:
			s.status = kith_http_reader_status(r);
			assert_int_equal(kith_http_read(r, in, &used, &body), KITH_HTTP_ERROR);
			return s;
		}
		s.used += used;
		rest = kith_slice_from(rest, used);
		if (rest.n == 0 && in.n == 0)
			return s;
	}
}

static struct story
read_all(const void *bytes, size_t n, size_t step, bool responses)
{
	struct kith_http_reader *r = kith_http_reader_new(responses);
	struct story s;

	assert_non_null(r);
	s = feed(r, bytes, n, step);
	kith_http_reader_free(r);
	return s;
}

/* The answer to these bytes, the same however they are cut. 0: taken whole; -1: not complete. */
static int
status_n(const void *bytes, size_t n)
{
	struct story whole = read_all(bytes, n, n > 0 ? n : 1, false), single = read_all(bytes, n, 1, false);

	assert_int_equal(whole.status, single.status);
	assert_int_equal(whole.done, single.done);
	assert_int_equal(whole.n_body, single.n_body);
	assert_memory_equal(whole.body, single.body, whole.n_body);
	if (whole.done)
		assert_int_equal(whole.used, single.used);
	return whole.status != 0 ? whole.status : whole.done ? 0 : -1;
}

static int
status_of(const char *text)
{
	return status_n(text, strlen(text));
}

#define GET "GET / HTTP/1.1\r\n"
#define POST "POST / HTTP/1.1\r\n"
#define HOST "Host: a\r\n"
#define END "\r\n"

static void
a_request_is_read_whatever_the_cuts(void **state)
{
	static const char text[] = "POST /a/b%20c?x=1?2 HTTP/1.1\r\nHost: kith.example:7370\r\nX-A:\t v w \t\r\nEmpty:\r\n"
	    "Content-Length: 5\r\n\r\nhelloGET /";
	size_t step;

	(void)state;
	for (step = 1; step < sizeof(text); step++) {
		struct kith_http_reader *r = kith_http_reader_new(false);
		const struct kith_http_head *h;
		struct story s;

		assert_false(kith_http_reader_begun(r));
		(void)feed(r, text, 1, 1);
		assert_true(kith_http_reader_begun(r));
		s = feed(r, text + 1, sizeof(text) - 2, step);
		s.used++;
		assert_true(kith_http_reader_begun(r));
		assert_true(s.headers && s.done);
		assert_int_equal(s.used, sizeof(text) - 1 - strlen("GET /"));
		assert_int_equal(s.n_body, 5);
		assert_memory_equal(s.body, "hello", 5);
		h = kith_http_reader_head(r);
		assert_int_equal(h->method, KITH_HTTP_POST);
		assert_true(kith_slice_is(h->method_name, "POST"));
		assert_true(kith_slice_is(h->target, "/a/b%20c?x=1?2"));
		assert_true(kith_slice_is(h->path, "/a/b%20c"));
		assert_true(kith_slice_is(h->query, "x=1?2"));
		assert_true(kith_slice_is(h->host, "kith.example:7370"));
		assert_int_equal(h->n_fields, 4);
		assert_true(kith_slice_is(*kith_http_field(h, "x-a", NULL), "v w"));
		assert_true(kith_slice_is(*kith_http_field(h, "empty", NULL), ""));
		assert_null(kith_http_field(h, "x-b", NULL));
		assert_true(h->has_body && !h->chunked && h->length == 5 && h->keep_alive && !h->upgrade);
		kith_http_reader_next(r);
		assert_false(kith_http_reader_begun(r));
		s = feed(r, GET HOST END, strlen(GET HOST END), step);
		assert_true(s.done && s.status == 0 && s.n_body == 0);
		kith_http_reader_rest(r);
		s = feed(r, GET HOST END, strlen(GET HOST END), step);
		assert_true(s.done && s.status == 0);
		kith_http_reader_free(r);
	}
	kith_http_reader_free(NULL);
}

static void
it_knows_how_much_of_a_chunk_is_still_to_come(void **state)
{
	struct kith_http_reader *r = kith_http_reader_new(false);
	struct kith_slice body;
	size_t used;

	(void)state;
	assert_non_null(r);
	assert_int_equal(kith_http_reader_owed(r), 0);
	assert_int_equal(kith_http_read(r, LIT(POST HOST "Transfer-Encoding: chunked\r\n\r\n"), &used, &body), KITH_HTTP_HEADERS);
	assert_int_equal(kith_http_read(r, LIT("a\r\nabc"), &used, &body), KITH_HTTP_BODY);
	assert_slice_equal(body, "abc", 3);
	assert_int_equal(kith_http_reader_owed(r), 7);
	assert_int_equal(kith_http_read(r, LIT("defghij\r"), &used, &body), KITH_HTTP_BODY);
	assert_int_equal(kith_http_reader_owed(r), 0);
	kith_http_reader_free(r);
}

static void
chunks_are_put_together(void **state)
{
	struct story s;
	static const char text[] = POST HOST "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0000000a\r\n, you all!\r\n0\r\n\r\nX";
	size_t step;

	(void)state;
	for (step = 1; step < sizeof(text); step++) {
		s = read_all(text, sizeof(text) - 1, step, false);
		assert_true(s.done);
		assert_int_equal(s.used, sizeof(text) - 2);
		assert_int_equal(s.n_body, 15);
		assert_memory_equal(s.body, "hello, you all!", 15);
	}
}

struct row {
	const char *text;
	int status;
};

static void
check(const struct row *rows, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (status_of(rows[i].text) != rows[i].status)
			fail_msg("%d, not %d: %s", status_of(rows[i].text), rows[i].status, rows[i].text);
	}
}
#define CHECK(rows) check(rows, sizeof(rows) / sizeof((rows)[0]))

static void
request_lines_are_strict(void **state)
{
	static const struct row rows[] = {
		{ GET HOST END, 0 }, { "HEAD / HTTP/1.1\r\n" HOST END, 0 }, { "PUT / HTTP/1.1\r\n" HOST END, 0 },
		{ "DELETE / HTTP/1.1\r\n" HOST END, 0 }, { "PATCH / HTTP/1.1\r\n" HOST END, 0 },
		{ "OPTIONS / HTTP/1.1\r\n" HOST END, 0 },
		{ "", -1 }, { "GET / HTTP/1.1", -1 }, { GET, -1 }, { GET HOST, -1 }, { GET HOST "\r", -1 },
		{ "\r\n" GET HOST END, 400 }, { "\n", 400 }, { " GET / HTTP/1.1\r\n", 400 }, { "GET  / HTTP/1.1\r\n", 400 },
		{ "GET /  HTTP/1.1\r\n", 400 }, { "GET\t/ HTTP/1.1\r\n", 400 }, { "GET / HTTP/1.1 \r\n", 400 }, { "GET /\r\n", 400 },
		{ "GET\r\n", 400 }, { "GET / HTTP/1.1\n", 400 }, { "GET / HTTP/1.1\r\r\n", 400 }, { "GET / \rHTTP/1.1\r\n", 400 },
		{ "GET http://a/ HTTP/1.1\r\n", 400 }, { "OPTIONS * HTTP/1.1\r\n", 400 }, { "CONNECT a:1 HTTP/1.1\r\n", 400 },
		{ "GET /#a HTTP/1.1\r\n", 400 }, { "GET /\x80 HTTP/1.1\r\n", 400 }, { "GET /\x7f HTTP/1.1\r\n", 400 },
		{ "GET /\x01 HTTP/1.1\r\n", 400 }, { "GET /% HTTP/1.1\r\n", 400 }, { "GET /%4 HTTP/1.1\r\n", 400 },
		{ "GET /%g0 HTTP/1.1\r\n", 400 }, { "GET /%0g HTTP/1.1\r\n", 400 }, { "GET /%4f HTTP/1.1\r\n" HOST END, 0 },
		{ "G(T / HTTP/1.1\r\n", 400 }, { "G\xc3T / HTTP/1.1\r\n", 400 }, { " / HTTP/1.1\r\n", 400 },
		{ "get / HTTP/1.1\r\n", 501 }, { "BREW / HTTP/1.1\r\n", 501 }, { "GETT / HTTP/1.1\r\n", 501 },
		{ "!#$%&'*+-.^_`|~09 / HTTP/1.1\r\n", 501 },
		{ "GET / HTTP/1.0\r\n", 505 }, { "GET / HTTP/2.0\r\n", 505 }, { "GET / HTTP/1.2\r\n", 505 }, { "GET / HTTP/0.9\r\n", 505 },
		{ "GET / HTTP/1.10\r\n", 400 }, { "GET / http/1.1\r\n", 400 }, { "GET / HTTP/x.1\r\n", 400 },
		{ "GET / HTTP/1,1\r\n", 400 }, { "GET / HTTP/1.x\r\n", 400 }, { "GET / HTTP/1\r\n", 400 },
	};
	static const char nul[] = "GET /\0 HTTP/1.1\r\n", nul_method[] = "G\0T / HTTP/1.1\r\n";

	(void)state;
	CHECK(rows);
	assert_int_equal(status_n(nul, sizeof(nul) - 1), 400);
	assert_int_equal(status_n(nul_method, sizeof(nul_method) - 1), 400);
}

static void
fields_are_strict(void **state)
{
	static const struct row rows[] = {
		{ GET HOST "A: b\r\n" END, 0 }, { GET HOST "A:b\r\n" END, 0 }, { GET HOST "A: \xff\tz\r\n" END, 0 },
		{ GET HOST "A : b\r\n" END, 400 }, { GET HOST "A\t: b\r\n" END, 400 }, { GET HOST " A: b\r\n" END, 400 },
		{ GET HOST "A: b\r\n c\r\n" END, 400 }, { GET HOST "A: b\r\n\tc: d\r\n" END, 400 }, { GET HOST "A\r\n" END, 400 },
		{ GET HOST ": b\r\n" END, 400 }, { GET HOST "A: b\n" END, 400 }, { GET HOST "A: b\rc\r\n" END, 400 },
		{ GET HOST "A: b\r\r\n" END, 400 }, { GET HOST "A: \x01\r\n" END, 400 }, { GET HOST "A: \x7f\r\n" END, 400 },
		{ GET HOST "A(: b\r\n" END, 400 }, { GET HOST "A: b\r\n\n", 400 },
		{ GET END, 400 }, { GET HOST HOST END, 400 }, { GET "Host:\r\n" END, 400 }, { GET "Host: a b\r\n" END, 400 },
		{ GET "Host: a, b\r\n" END, 400 }, { GET "Host: a:\r\n" END, 400 }, { GET "Host: a:b\r\n" END, 400 },
		{ GET "Host: a:70000\r\n" END, 400 }, { GET "Host: a:123456\r\n" END, 400 }, { GET "Host: a:0\r\n" END, 400 },
		{ GET "Host: a:+1\r\n" END, 400 }, { GET "Host: :80\r\n" END, 400 }, { GET "Host: a:65535\r\n" END, 0 },
		{ GET "Host: u@a\r\n" END, 400 }, { GET "Host: a/b\r\n" END, 400 }, { GET "Host: [::1]\r\n" END, 0 },
		{ GET "Host: [::1]:80\r\n" END, 0 }, { GET "Host: [::ffff:1.2.3.4]\r\n" END, 0 }, { GET "Host: [::1\r\n" END, 400 },
		{ GET "Host: [::1]80\r\n" END, 400 }, { GET "Host: [::1]:x\r\n" END, 400 }, { GET "Host: []\r\n" END, 400 },
		{ GET "Host: [::g]\r\n" END, 400 }, { GET "Host: ::1\r\n" END, 400 }, { GET "host: A-b_9.Z\r\n" END, 0 },
	};
	static const char nul[] = GET HOST "A: \0\r\n\r\n";
	char host[512];

	(void)state;
	CHECK(rows);
	(void)snprintf(host, sizeof(host), GET "Host: %0255d:1\r\n" END, 1);
	assert_int_equal(status_of(host), 0);
	(void)snprintf(host, sizeof(host), GET "Host: %0256d:1\r\n" END, 1);
	assert_int_equal(status_of(host), 400);
	assert_int_equal(status_n(nul, sizeof(nul) - 1), 400);
}

static void
two_readings_of_a_body_are_refused(void **state)
{
	static const struct row rows[] = {
		{ POST HOST "Content-Length: 0\r\n" END, 0 }, { POST HOST "Content-Length: 1\r\n" END "x", 0 },
		{ POST HOST "Content-Length: 1\r\n" END, -1 }, { POST HOST "Content-Length: 000000000000000001\r\n" END "x", 0 },
		{ POST HOST "Content-Length:\r\n" END, 400 }, { POST HOST "Content-Length: +1\r\n" END "x", 400 },
		{ POST HOST "Content-Length: -1\r\n" END "x", 400 }, { POST HOST "Content-Length: 0x1\r\n" END "x", 400 },
		{ POST HOST "Content-Length: 1, 1\r\n" END "x", 400 }, { POST HOST "Content-Length: 1 1\r\n" END "x", 400 },
		{ POST HOST "Content-Length: 1\r\nContent-Length: 1\r\n" END "x", 400 },
		{ POST HOST "Content-Length: 1\r\ncontent-length: 2\r\n" END "x", 400 },
		{ POST HOST "Content-Length: 9999999999999999999\r\n" END "x", 413 },
		{ POST HOST "Content-Length: 1e3\r\n" END "x", 400 },
		{ POST HOST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n" END "0\r\n\r\n", 400 },
		{ POST HOST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n" END "0\r\n\r\n", 400 },
		{ POST HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n" END "0\r\n\r\n", 400 },
		{ POST HOST "Transfer-Encoding: chunked, chunked\r\n" END "0\r\n\r\n", 400 },
		{ POST HOST "Transfer-Encoding: gzip, chunked\r\n" END "0\r\n\r\n", 400 },
		{ POST HOST "Transfer-Encoding: identity\r\n" END, 400 }, { POST HOST "Transfer-Encoding: Chunked\r\n" END, 400 },
		{ POST HOST "Transfer-Encoding: xchunked\r\n" END, 400 }, { POST HOST "Transfer-Encoding:\r\n" END, 400 },
		{ POST HOST "Transfer-Encoding: \"chunked\"\r\n" END, 400 }, { POST HOST "Transfer-Encoding : chunked\r\n" END, 400 },
		{ POST HOST "Transfer-Encoding: chunked;q=1\r\n" END, 400 }, { POST HOST "Transfer-Encoding\t: chunked\r\n" END, 400 },
		{ POST HOST "Transfer-Encoding:\x0b chunked\r\n" END, 400 }, { POST HOST "Transfer-Encoding:\r\n chunked\r\n" END, 400 },
		{ POST HOST "X: a\nTransfer-Encoding: chunked\r\n" END, 400 },
		{ POST HOST "Expect: 100-continue\r\nContent-Length: 1\r\n" END "x", 0 }, { POST HOST "Expect: tea\r\n" END, 417 },
		{ POST HOST "Expect: 100-continue\r\nExpect: 100-continue\r\n" END, 417 },
	};

	(void)state;
	CHECK(rows);
}

#define CHUNKED POST HOST "Transfer-Encoding: chunked\r\n\r\n"

static void
chunks_are_strict(void **state)
{
	static const struct row rows[] = {
		{ CHUNKED "0\r\n\r\n", 0 }, { CHUNKED "00000000\r\n\r\n", 0 }, { CHUNKED "1\r\nx\r\n0\r\n\r\n", 0 },
		{ CHUNKED "a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n", 0 }, { CHUNKED, -1 }, { CHUNKED "1\r\nx\r\n", -1 },
		{ CHUNKED "0\r\n", -1 }, { CHUNKED "0\r\n\r", -1 },
		{ CHUNKED "\r\n", 400 }, { CHUNKED "000000000\r\n\r\n", 400 }, { CHUNKED "+1\r\nx\r\n", 400 }, { CHUNKED "-1\r\n", 400 },
		{ CHUNKED "0x1\r\nx\r\n", 400 }, { CHUNKED " 1\r\nx\r\n", 400 }, { CHUNKED "1 \r\nx\r\n", 400 },
		{ CHUNKED "1;a=b\r\nx\r\n", 400 }, { CHUNKED "1\nx\n0\n\n", 400 }, { CHUNKED "1\r\nx\n", 400 },
		{ CHUNKED "1\r\nxy\r\n", 400 }, { CHUNKED "1\r\nx\r0", 400 }, { CHUNKED "1\rx", 400 }, { CHUNKED "g\r\n", 400 },
		{ CHUNKED "0\r\nA: b\r\n\r\n", 400 }, { CHUNKED "0\r\n\n", 400 }, { CHUNKED "0\r\n\rx", 400 }, { CHUNKED "1\r1\r\nx", 400 },
		{ CHUNKED "ffffffff\r\n", -1 },
	};

	(void)state;
	CHECK(rows);
}

/* A request of which the first line, one field, the number and the sum of the fields are so long. */
static int
sized(size_t line, size_t field, size_t count, size_t sum)
{
	struct kith_buf b;
	size_t i, from;
	int status;

	kith_buf_init(&b, 0);
	kith_buf_put_str(&b, "GET /");
	for (i = strlen("GET / HTTP/1.1"); i < line; i++)
		kith_buf_put_str(&b, "a");
	kith_buf_put_str(&b, " HTTP/1.1\r\n");
	from = b.n;
	kith_buf_put_str(&b, HOST);
	if (field > 0) {
		kith_buf_put_str(&b, "A:");
		for (i = 2; i < field; i++)
			kith_buf_put_str(&b, "b");
		kith_buf_put_str(&b, "\r\n");
	}
	for (i = 1; i < count; i++)
		kith_buf_put_str(&b, "C: d\r\n");
	while (sum > 0 && b.n - from < sum) {
		size_t left = sum - (b.n - from), n = left > 8000 ? 4000 : left;

		kith_buf_put_str(&b, "D:");
		for (i = 4; i < n; i++)
			kith_buf_put_str(&b, "e");
		kith_buf_put_str(&b, "\r\n");
	}
	kith_buf_put_str(&b, END);
	status = status_n(b.p, b.n);
	kith_buf_fini(&b);
	return status;
}

static void
limits_hold_to_the_byte(void **state)
{
	(void)state;
	assert_int_equal(sized(KITH_HTTP_LINE_MAX - 1, 0, 0, 0), 0);
	assert_int_equal(sized(KITH_HTTP_LINE_MAX, 0, 0, 0), 0);
	assert_int_equal(sized(KITH_HTTP_LINE_MAX + 1, 0, 0, 0), 414);
	assert_int_equal(sized(0, KITH_HTTP_LINE_MAX - 1, 0, 0), 0);
	assert_int_equal(sized(0, KITH_HTTP_LINE_MAX, 0, 0), 0);
	assert_int_equal(sized(0, KITH_HTTP_LINE_MAX + 1, 0, 0), 431);
	assert_int_equal(sized(0, 0, KITH_HTTP_FIELDS_MAX - 1, 0), 0);
	assert_int_equal(sized(0, 0, KITH_HTTP_FIELDS_MAX, 0), 0);
	assert_int_equal(sized(0, 0, KITH_HTTP_FIELDS_MAX + 1, 0), 431);
	assert_int_equal(sized(0, 0, 0, KITH_HTTP_HEAD_MAX - 1), 0);
	assert_int_equal(sized(0, 0, 0, KITH_HTTP_HEAD_MAX), 0);
	assert_int_equal(sized(0, 0, 0, KITH_HTTP_HEAD_MAX + 1), 431);
}

static void
connection_and_upgrade_are_lists(void **state)
{
	static const char text[] = GET HOST "Connection: keep-alive, Upgrade\r\nConnection: , close ,\r\nX: y\r\n" END;
	struct kith_http_reader *r = kith_http_reader_new(false);
	const struct kith_http_head *h;

	(void)state;
	assert_true(feed(r, text, sizeof(text) - 1, 7).done);
	h = kith_http_reader_head(r);
	assert_true(h->upgrade && !h->keep_alive);
	kith_http_reader_free(r);
	assert_false(kith_http_has_token(kith_slice_str("closed"), "close"));
	assert_false(kith_http_has_token(kith_slice_str(""), "close"));
	assert_true(kith_http_has_token(kith_slice_str("a,\tCLOSE "), "close"));
}

static void
cookies_and_bearers(void **state)
{
	static const struct {
		const char *fields, *cookie, *bearer;
	} rows[] = {
		{ "", NULL, NULL },
		{ "Cookie: kith=abc\r\n", "abc", NULL },
		{ "Cookie: a=b; kith=a=b; c\r\n", "a=b", NULL },
		{ "Cookie: kith=\r\n", "", NULL },
		{ "Cookie: kith=1; kith=2\r\n", NULL, NULL },
		{ "Cookie: kithy=1; xkith=2\r\n", NULL, NULL },
		{ "Cookie: kith=1\r\nCookie: a=b\r\n", NULL, NULL },
		{ "Authorization: Bearer abc\r\n", NULL, "abc" },
		{ "Authorization: bearer   abc\r\n", NULL, "abc" },
		{ "Authorization: Bearer\r\n", NULL, NULL },
		{ "Authorization: Basic abc\r\n", NULL, NULL },
		{ "Authorization: Bearer a\r\nAuthorization: Bearer a\r\n", NULL, NULL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct kith_http_reader *r = kith_http_reader_new(false);
		struct kith_slice v;
		char text[512];
		int n = snprintf(text, sizeof(text), GET HOST "%s" END, rows[i].fields);

		assert_true(feed(r, text, (size_t)n, 512).done);
		assert_int_equal(kith_http_cookie(kith_http_reader_head(r), "kith", &v), rows[i].cookie != NULL);
		if (rows[i].cookie != NULL)
			assert_true(kith_slice_is(v, rows[i].cookie));
		assert_int_equal(kith_http_bearer(kith_http_reader_head(r), &v), rows[i].bearer != NULL);
		if (rows[i].bearer != NULL)
			assert_true(kith_slice_is(v, rows[i].bearer));
		kith_http_reader_free(r);
	}
}

static void
responses_are_read_by_the_same_rules(void **state)
{
	static const struct row rows[] = {
		{ "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", 0 }, { "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", 0 },
		{ "HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0 }, { "HTTP/1.1 101 Switching\r\n\r\n", 0 },
		{ "HTTP/1.1 204 No Content\r\n\r\n", 0 }, { "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", 0 },
		{ "HTTP/1.1 200 OK\r\n\r\n", 502 }, { "HTTP/1.1 99 OK\r\n", 502 }, { "HTTP/1.1 0200 OK\r\n", 502 },
		{ "HTTP/1.1 020 OK\r\n", 502 }, { "HTTP/1.1 2x0 OK\r\n", 502 }, { "HTTP/1.1 20x OK\r\n", 502 },
		{ "HTTP/1.1 x00 OK\r\n", 502 }, { "HTTP/1.0 200 OK\r\n", 502 }, { "HTTP/1.1\r\n", 502 },
		{ "HTTP/1.1 \r\n", 502 },
		{ "HTTP/1.1 200 \x01\r\n", 502 }, { "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx", 502 },
	};
	char line[KITH_HTTP_LINE_MAX + 3];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct story s = read_all(rows[i].text, strlen(rows[i].text), 1, true);

		if (s.status != rows[i].status || (s.status == 0 && !s.done))
			fail_msg("%d: %s", s.status, rows[i].text);
	}
	memset(line, 'a', sizeof(line));
	assert_int_equal(read_all(line, sizeof(line), sizeof(line), true).status, 502);
}

static void
no_header_can_be_injected(void **state)
{
	struct kith_buf b;
	const char *const bad[] = { "a\r\nB: c", "a\nb", "a\x7f", "\x01" };
	size_t i;

	(void)state;
	kith_buf_init(&b, 0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		kith_buf_reset(&b);
		kith_http_put_field(&b, "A", kith_slice_str(bad[i]));
		assert_int_equal(kith_buf_err(&b), KITH_E_MALFORMED);
		assert_int_equal(b.n, 0);
		kith_http_put_field(&b, "A b", kith_slice_str("c"));
		assert_int_equal(kith_buf_err(&b), KITH_E_MALFORMED);
	}
	kith_buf_reset(&b);
	kith_http_put_field(&b, "", kith_slice_str("c"));
	assert_int_equal(kith_buf_err(&b), KITH_E_MALFORMED);
	kith_buf_reset(&b);
	kith_http_put_request(&b, "GET", kith_slice_str("/a b"), kith_slice_str("h"));
	assert_int_equal(kith_buf_err(&b), KITH_E_MALFORMED);
	kith_buf_reset(&b);
	kith_http_put_request(&b, "GET", kith_slice_str("a"), kith_slice_str("h"));
	assert_int_equal(kith_buf_err(&b), KITH_E_MALFORMED);
	kith_buf_reset(&b);
	kith_http_put_request(&b, "GET", kith_slice_str(""), kith_slice_str("h"));
	assert_int_equal(kith_buf_err(&b), KITH_E_MALFORMED);
	kith_buf_reset(&b);
	kith_http_put_request(&b, "G T", kith_slice_str("/"), kith_slice_str("h"));
	assert_int_equal(kith_buf_err(&b), KITH_E_MALFORMED);
	kith_buf_reset(&b);
	kith_http_put_request(&b, "GET", kith_slice_str("/"), kith_slice_str(""));
	assert_int_equal(kith_buf_err(&b), KITH_E_MALFORMED);
	kith_buf_reset(&b);
	kith_http_put_request(&b, "GET", kith_slice_str("/"), kith_slice_str("h\r\n"));
	assert_int_equal(kith_buf_err(&b), KITH_E_MALFORMED);
	kith_buf_fini(&b);
}

static void
what_is_written_can_be_read(void **state)
{
	struct kith_buf b;
	struct story s;
	int status;

	(void)state;
	kith_buf_init(&b, 0);
	kith_http_put_request(&b, "POST", kith_slice_str("/x?y"), kith_slice_str("h:1"));
	kith_http_put_field(&b, "A", kith_slice_str("b c"));
	kith_http_put_length(&b, 2);
	kith_http_put_end(&b);
	kith_buf_put_str(&b, "hi");
	assert_int_equal(kith_buf_err(&b), KITH_OK);
	assert_int_equal(status_n(b.p, b.n), 0);
	for (status = 200; status <= 599; status++) {
		kith_buf_reset(&b);
		kith_http_put_status(&b, status);
		kith_http_put_length(&b, 0);
		kith_http_put_end(&b);
		s = read_all(b.p, b.n, 3, true);
		assert_true(s.done);
	}
	assert_string_equal(kith_http_status_text(404), "Not Found");
	kith_buf_fini(&b);
}

static void
without_memory_it_answers_500(void **state)
{
	static const char text[] = POST HOST "Content-Length: 2\r\n" END "hi";
	struct kith_http_reader *r;
	struct story s;
	size_t n;

	(void)state;
	for (n = 1;; n++) {
		kith_test_fail_alloc(n);
		r = kith_http_reader_new(false);
		s = (struct story){ .status = 500 };
		if (r != NULL)
			s = feed(r, text, sizeof(text) - 1, 9);
		kith_http_reader_free(r);
		if (!kith_test_alloc_failed())
			break;
		assert_int_equal(s.status, 500);
	}
	assert_int_equal(s.status, 0);
	assert_true(s.done && n > 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_read_whatever_the_cuts),
		cmocka_unit_test(chunks_are_put_together),
		cmocka_unit_test(it_knows_how_much_of_a_chunk_is_still_to_come),
		cmocka_unit_test(request_lines_are_strict),
		cmocka_unit_test(fields_are_strict),
		cmocka_unit_test(two_readings_of_a_body_are_refused),
		cmocka_unit_test(chunks_are_strict),
		cmocka_unit_test(limits_hold_to_the_byte),
		cmocka_unit_test(connection_and_upgrade_are_lists),
		cmocka_unit_test(cookies_and_bearers),
		cmocka_unit_test(responses_are_read_by_the_same_rules),
		cmocka_unit_test(no_header_can_be_injected),
		cmocka_unit_test(what_is_written_can_be_read),
		cmocka_unit_test(without_memory_it_answers_500),
	};

	return cmocka_run_group_tests_name("http/parse", tests, NULL, NULL);
}
