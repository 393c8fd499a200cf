#include "http/ws.h"

#include <stdio.h>

#include "http/blob.h"
#include "tests/unit/fail_alloc.h"
#include "tests/unit/test.h"

static const uint8_t mask[4] = { 0x37, 0xfa, 0x21, 0x3d };

/* What a reader told, one letter an event: T B p q(pong) C F; texts joined. */
struct story {
	char events[512];
	size_t n;
	unsigned code;
	struct kith_buf text;
};

static void
feed(struct kith_ws *ws, uint64_t now_ms, struct kith_slice in, size_t step, struct story *s)
{
	static const char letters[] = ".TBpqCF";
	struct kith_ws_message m;
	struct kith_slice part;
	enum kith_ws_event e;
	size_t used;

	do {
		part = in;
		if (part.n > step)
			part.n = step;
		e = kith_ws_read(ws, now_ms, part, &used, &m);
		in = kith_slice_from(in, used);
		if (e == KITH_WS_MORE) {
			assert_int_equal(used, part.n);
			continue;
		}
		assert_true(s->n < sizeof(s->events) - 1);
		s->events[s->n++] = letters[e];
		s->events[s->n] = '\0';
		s->code = m.code;
		kith_buf_put_slice(&s->text, m.payload);
	} while (in.n > 0 || e != KITH_WS_MORE);
}

static void
told(struct kith_slice in, size_t step, bool server, struct story *s)
{
	struct kith_ws *ws = kith_ws_new(server);

	assert_non_null(ws);
	memset(s, 0, sizeof(*s));
	kith_buf_init(&s->text, 0);
	feed(ws, 5000, in, step, s);
	kith_ws_free(ws);
}

/* What comes of these bytes, the same however they are cut. */
static void
expect(struct kith_slice in, const char *events, unsigned code, const char *text)
{
	static const size_t steps[] = { 1, 2, 3, 5, 7, 4096, SIZE_MAX };
	struct story s;
	size_t i;

	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (in.n > 20000 && steps[i] < 1000)
			continue;
		told(in, steps[i], true, &s);
		assert_string_equal(s.events, events);
		assert_int_equal(s.code, code);
		if (text != NULL)
			assert_slice_equal(kith_buf_slice(&s.text), text, strlen(text));
		kith_buf_fini(&s.text);
	}
}

/* A frame as given: first byte whole, masked. */
static void
put(struct kith_buf *b, uint8_t first, struct kith_slice payload)
{
	size_t at = b->n;

	kith_ws_put(b, KITH_WS_OP_TEXT, payload, mask);
	b->p[at] = first;
}

static void
expect_frames(const char *events, unsigned code, const char *text, size_t n, const uint8_t *firsts, const char *const *payloads)
{
	struct kith_buf b;
	size_t i;

	kith_buf_init(&b, 0);
	for (i = 0; i < n; i++)
		put(&b, firsts[i], kith_slice_str(payloads[i]));
	expect(kith_buf_slice(&b), events, code, text);
	kith_buf_fini(&b);
}
#define EXPECT(events, code, text, firsts, ...) \
	expect_frames(events, code, text, sizeof(firsts) - 1, (const uint8_t *)(firsts), (const char *const[]){ __VA_ARGS__ })

static void
messages_come_whole(void **state)
{
	(void)state;
	EXPECT("T", 0, "hello", "\x81", "hello");
	EXPECT("B", 0, "hello", "\x82", "hello");
	EXPECT("T", 0, "", "\x81", "");
	EXPECT("TB", 0, "ab", "\x81\x82", "a", "b");
	EXPECT("T", 0, "hello, you", "\x01\x80", "hello", ", you");
	EXPECT("T", 0, "hello, you", "\x01\x00\x80", "hello", ", ", "you");
	EXPECT("B", 0, "ab", "\x02\x00\x00\x80", "", "a", "", "b");
	EXPECT("pT", 0, "pingab", "\x01\x89\x80", "a", "ping", "b");
	EXPECT("qp", 0, "xy", "\x8a\x89", "x", "y");
	EXPECT("", 0, "", "\x01", "no end");
}

static void
what_is_not_allowed_fails(void **state)
{
	static const char *const bad[] = { "\x83", "\x87", "\x8b", "\x8f", "\xc1", "\xa1", "\x91", "\xc9", "\x80", "\x09", "\x0a", "\x08" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		expect_frames("F", 1002, "", 1, (const uint8_t *)bad[i], (const char *const[]){ "x" });
	EXPECT("F", 1002, "", "\x00", "x");
	EXPECT("F", 1002, "", "\x01\x81", "x", "y");
	EXPECT("F", 1002, "", "\x01\x82", "x", "y");
	EXPECT("TF", 1002, "x", "\x81\x80", "x", "y");
}

static void
masks_are_for_clients_alone(void **state)
{
	struct story s;

	(void)state;
	expect(LIT("\x81\x01x"), "F", 1002, "");
	expect(LIT("\x81\x00"), "F", 1002, "");
	told(LIT("\x81\x01x\x89\x00"), SIZE_MAX, false, &s);
	assert_string_equal(s.events, "Tp");
	kith_buf_fini(&s.text);
	told(LIT("\x81\x81\0\0\0\0x"), SIZE_MAX, false, &s);
	assert_string_equal(s.events, "F");
	assert_int_equal(s.code, 1002);
	kith_buf_fini(&s.text);
}

static void
lengths_are_minimal_and_control_frames_short(void **state)
{
	char text[200];

	(void)state;
	expect(LIT("\x81\xfe\x00\x7d\0\0\0\0"), "F", 1002, "");
	expect(LIT("\x81\xff\0\0\0\0\0\0\xff\xff\0\0\0\0"), "F", 1002, "");
	expect(LIT("\x81\xff\x80\0\0\0\0\0\0\0\0\0\0\0"), "F", 1002, "");
	expect(LIT("\x89\xfe\x00\x7e\0\0\0\0"), "F", 1002, "");
	memset(text, 'a', sizeof(text));
	text[125] = '\0';
	EXPECT("p", 0, text, "\x89", text);
	text[125] = 'a';
	text[126] = '\0';
	EXPECT("F", 1002, "", "\x89", text);
}

static void
texts_are_utf8_as_they_stream(void **state)
{
	static const char *const good[] = { "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf",
		"\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "a\xe2\x82\xac!" };
	static const char *const bad[] = { "\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
		"\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xc2", "\xe2\x82", "\xf0\x90\x80", "\xc2" "a", "\xe2\x82" "a" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		expect_frames("T", 0, good[i], 1, (const uint8_t *)"\x81", &good[i]);
		expect_frames("B", 0, good[i], 1, (const uint8_t *)"\x82", &good[i]);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		expect_frames("F", 1007, "", 1, (const uint8_t *)"\x81", &bad[i]);
		expect_frames("B", 0, bad[i], 1, (const uint8_t *)"\x82", &bad[i]);
	}
	EXPECT("T", 0, "\xe2\x82\xac", "\x01\x00\x80", "\xe2", "\x82", "\xac");
	EXPECT("F", 1007, "", "\x01\x00", "\xe2", "a");
	EXPECT("F", 1007, "", "\x01\x80", "\xe2\x82", "");
	EXPECT("F", 1007, "", "\x01", "\xff never ends");
}

static void
closes_have_a_code_or_nothing(void **state)
{
	static const struct {
		unsigned code;
		bool ok;
	} codes[] = {
		{ 0, 0 }, { 999, 0 }, { 1000, 1 }, { 1003, 1 }, { 1004, 0 }, { 1005, 0 }, { 1006, 0 }, { 1007, 1 }, { 1014, 1 },
		{ 1015, 0 }, { 1016, 0 }, { 2999, 0 }, { 3000, 1 }, { 4999, 1 }, { 5000, 0 }, { 65535, 0 },
	};
	struct kith_buf b;
	uint8_t body[4];
	size_t i;

	(void)state;
	kith_buf_init(&b, 0);
	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		kith_buf_reset(&b);
		kith_put_be16(body, (uint16_t)codes[i].code);
		memcpy(body + 2, "by", 2);
		put(&b, 0x88, kith_slice_of(body, 4));
		put(&b, 0x81, kith_slice_str("not read"));
		expect(kith_buf_slice(&b), codes[i].ok ? "C" : "F", codes[i].ok ? codes[i].code : 1002, codes[i].ok ? "by" : "");
		assert_int_equal(kith_ws_code_ok(codes[i].code), codes[i].ok);
	}
	kith_buf_reset(&b);
	put(&b, 0x88, LIT("\x03\xe8\xff"));
	expect(kith_buf_slice(&b), "F", 1007, "");
	kith_buf_reset(&b);
	put(&b, 0x88, LIT("\x03\xe8\xc2"));
	expect(kith_buf_slice(&b), "F", 1007, "");
	kith_buf_fini(&b);
	EXPECT("C", 1005, "", "\x88", "");
	EXPECT("F", 1002, "", "\x88", "x");
}

static void
messages_have_a_greatest_size(void **state)
{
	static const size_t sizes[] = { KITH_WS_MESSAGE_MAX - 1, KITH_WS_MESSAGE_MAX, KITH_WS_MESSAGE_MAX + 1 };
	struct kith_buf b, text;
	size_t i, half;

	(void)state;
	kith_buf_init(&b, 0);
	kith_buf_init(&text, 0);
	memset(kith_buf_room(&text, KITH_WS_MESSAGE_MAX + 1), 'a', KITH_WS_MESSAGE_MAX + 1);
	for (i = 0; i < 3; i++) {
		const char *events = sizes[i] <= KITH_WS_MESSAGE_MAX ? "T" : "F";
		unsigned code = sizes[i] <= KITH_WS_MESSAGE_MAX ? 0 : 1009;

		kith_buf_reset(&b);
		put(&b, 0x81, kith_slice_of(text.p, sizes[i]));
		expect(kith_buf_slice(&b), events, code, NULL);
		kith_buf_reset(&b);
		half = sizes[i] / 2;
		put(&b, 0x01, kith_slice_of(text.p, half));
		put(&b, 0x80, kith_slice_of(text.p, sizes[i] - half));
		expect(kith_buf_slice(&b), events, code, NULL);
	}
	kith_buf_fini(&b);
	kith_buf_fini(&text);
	/* a header alone, claiming the most there can be, and one byte of it */
	expect(LIT("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0x"), "F", 1009, "");
}

static void
messages_have_so_many_fragments(void **state)
{
	struct kith_buf b;
	int n, i;

	(void)state;
	kith_buf_init(&b, 0);
	for (n = KITH_WS_FRAGMENTS_MAX - 1; n <= KITH_WS_FRAGMENTS_MAX + 1; n++) {
		kith_buf_reset(&b);
		for (i = 0; i < n; i++)
			put(&b, (uint8_t)((i == 0 ? 1 : 0) | (i == n - 1 ? 0x80 : 0)), kith_slice_str("a"));
		expect(kith_buf_slice(&b), n <= KITH_WS_FRAGMENTS_MAX ? "T" : "F", n <= KITH_WS_FRAGMENTS_MAX ? 0 : 1008, NULL);
	}
	kith_buf_fini(&b);
}

static void
control_frames_have_a_rate(void **state)
{
	struct kith_ws *ws = kith_ws_new(true);
	struct kith_buf b;
	struct story s;
	int i;

	(void)state;
	memset(&s, 0, sizeof(s));
	kith_buf_init(&s.text, 0);
	kith_buf_init(&b, 0);
	put(&b, 0x89, kith_slice_str(""));
	for (i = 0; i < KITH_WS_CONTROL_RATE; i++)
		feed(ws, 1000, kith_buf_slice(&b), 9, &s);
	for (i = 0; i < KITH_WS_CONTROL_RATE; i++)
		feed(ws, 2000, kith_buf_slice(&b), 9, &s);
	assert_string_equal(s.events, "pppppppppppppppppppp");
	feed(ws, 2999, kith_buf_slice(&b), 9, &s);
	assert_int_equal(s.events[s.n - 1], 'F');
	assert_int_equal(s.code, 1008);
	feed(ws, 9999, kith_buf_slice(&b), 9, &s);
	assert_int_equal(s.n, 21);
	kith_buf_fini(&b);
	kith_buf_fini(&s.text);
	kith_ws_free(ws);
	kith_ws_free(NULL);
}

static void
both_sides_understand_each_other(void **state)
{
	static const size_t sizes[] = { 0, 1, 125, 126, 127, 4095, 4096, 65535, 65536, 200000 };
	struct kith_blob *blob;
	struct kith_buf b, text;
	struct story s;
	size_t i;

	(void)state;
	kith_buf_init(&b, 0);
	kith_buf_init(&text, 0);
	for (i = 0; i < 200000; i++)
		kith_buf_put_u8(&text, (uint8_t)('a' + i % 26));
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct kith_slice t = kith_slice_of(text.p, sizes[i]);

		kith_buf_reset(&b);
		kith_ws_put(&b, KITH_WS_OP_BINARY, t, mask);
		told(kith_buf_slice(&b), 1000, true, &s);
		assert_string_equal(s.events, "B");
		assert_slice_equal(kith_buf_slice(&s.text), t.p, t.n);
		kith_buf_fini(&s.text);
		blob = kith_blob_ws(false, t);
		told(kith_slice_of(blob->p, blob->n), 1000, false, &s);
		assert_string_equal(s.events, "T");
		assert_slice_equal(kith_buf_slice(&s.text), t.p, t.n);
		kith_buf_fini(&s.text);
		kith_blob_unref(blob);
	}
	kith_buf_reset(&b);
	kith_ws_put_close(&b, 4000, "why", NULL);
	kith_ws_put_close(&b, 1005, "not said", NULL);
	assert_slice_equal(kith_buf_slice(&b), "\x88\x05\x0f\xa0why\x88\x00", 9);
	kith_buf_reset(&b);
	memset(text.p, 'a', 122);
	memcpy(text.p + 122, "\xe2\x82\xac", 4);
	kith_ws_put_close(&b, 1000, (const char *)text.p, NULL);
	assert_int_equal(b.n, 2 + 2 + 122);
	kith_buf_fini(&b);
	kith_buf_fini(&text);
}

/* ---- the handshake ---- */

static int
handshake(const char *fields, enum kith_ws_protocol *p, char *accept, bool *outdated)
{
	struct kith_http_reader *r = kith_http_reader_new(false);
	struct kith_slice body;
	char text[1024];
	size_t used;
	int n = snprintf(text, sizeof(text), "GET /ws HTTP/1.1\r\nHost: a\r\n%s\r\n", fields), e;

	assert_int_equal(kith_http_read(r, kith_slice_of(text, (size_t)n), &used, &body), KITH_HTTP_HEADERS);
	e = kith_ws_handshake(kith_http_reader_head(r), p, accept);
	*outdated = kith_ws_wrong_version(kith_http_reader_head(r));
	kith_http_reader_free(r);
	return e;
}

#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define BASE "Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
#define V13 "Sec-WebSocket-Version: 13\r\n"
#define OFFER "Sec-WebSocket-Protocol: "

static void
the_handshake_is_checked(void **state)
{
	static const struct {
		const char *fields;
		int r;
		enum kith_ws_protocol p;
	} rows[] = {
		{ BASE KEY V13, KITH_OK, KITH_WS_NONE },
		{ "Upgrade: h2c, WebSocket\r\nConnection: upgrade\r\n" KEY V13, KITH_OK, KITH_WS_NONE },
		{ BASE KEY V13 OFFER "kith.json\r\n", KITH_OK, KITH_WS_JSON },
		{ BASE KEY V13 OFFER "kith.msgpack\r\n", KITH_OK, KITH_WS_MSGPACK },
		{ BASE KEY V13 OFFER "other, kith.msgpack, kith.json\r\n", KITH_OK, KITH_WS_MSGPACK },
		{ BASE KEY V13 OFFER "other\r\n" OFFER "kith.json\r\n", KITH_OK, KITH_WS_JSON },
		{ BASE KEY V13 OFFER "other\r\n", KITH_E_DENIED, KITH_WS_NONE },
		{ "", KITH_E_NOTFOUND, KITH_WS_NONE }, { "Upgrade: h2c\r\n", KITH_E_NOTFOUND, KITH_WS_NONE },
		{ "Upgrade: websocket\r\n" KEY V13, KITH_E_MALFORMED, KITH_WS_NONE },
		{ BASE V13, KITH_E_MALFORMED, KITH_WS_NONE }, { BASE KEY, KITH_E_MALFORMED, KITH_WS_NONE },
		{ BASE KEY "Sec-WebSocket-Version: 8\r\n", KITH_E_MALFORMED, KITH_WS_NONE },
		{ BASE KEY KEY V13, KITH_E_MALFORMED, KITH_WS_NONE },
		{ BASE V13 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=\r\n", KITH_E_MALFORMED, KITH_WS_NONE },
		{ BASE V13 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=a\r\n", KITH_E_MALFORMED, KITH_WS_NONE },
		{ BASE V13 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQa=\r\n", KITH_E_MALFORMED, KITH_WS_NONE },
		{ BASE V13 "Sec-WebSocket-Key: dGhl*HNhbXBsZSBub25jZQ==\r\n", KITH_E_MALFORMED, KITH_WS_NONE },
		{ BASE KEY V13 "Content-Length: 1\r\n", KITH_E_MALFORMED, KITH_WS_NONE },
	};
	char accept[KITH_WS_ACCEPT_LEN + 1];
	enum kith_ws_protocol p;
	bool outdated;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		p = KITH_WS_NONE;
		if (handshake(rows[i].fields, &p, accept, &outdated) != rows[i].r || p != rows[i].p)
			fail_msg("%s", rows[i].fields);
	}
	assert_ok(handshake(rows[0].fields, &p, accept, &outdated));
	assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
	assert_false(outdated);
	(void)handshake(rows[12].fields, &p, accept, &outdated);
	assert_true(outdated);
}

static int
check_answer(const char *text, const char *key, enum kith_ws_protocol p)
{
	struct kith_http_reader *r = kith_http_reader_new(true);
	struct kith_slice body;
	size_t used;
	int e;

	assert_int_equal(kith_http_read(r, kith_slice_str(text), &used, &body), KITH_HTTP_HEADERS);
	e = kith_ws_check_accept(kith_http_reader_head(r), key, p);
	kith_http_reader_free(r);
	return e;
}

static void
a_client_checks_the_answer(void **state)
{
	static const uint8_t sixteen[16] = "the sample nonce";
	char key[KITH_WS_KEY_LEN + 1], accept[KITH_WS_ACCEPT_LEN + 1];
	enum kith_ws_protocol p;
	struct kith_buf b;
	bool outdated;

	(void)state;
	for (p = KITH_WS_NONE; p <= KITH_WS_MSGPACK; p++) {
		enum kith_ws_protocol got = KITH_WS_NONE;

		kith_buf_init(&b, 0);
		kith_ws_put_handshake(&b, sixteen, p, key);
		kith_buf_put_u8(&b, 0);
		assert_string_equal(key, "dGhlIHNhbXBsZSBub25jZQ==");
		assert_ok(handshake((const char *)b.p, &got, accept, &outdated));
		assert_int_equal(got, p);
		kith_buf_reset(&b);
		kith_ws_put_accept(&b, got, accept);
		kith_buf_put_u8(&b, 0);
		assert_ok(check_answer((const char *)b.p, key, p));
		assert_int_equal(check_answer((const char *)b.p, key, p == KITH_WS_JSON ? KITH_WS_NONE : KITH_WS_JSON), KITH_E_MALFORMED);
		assert_int_equal(check_answer((const char *)b.p, "dGhlIHNhbXBsZSBub25jZR==", p), KITH_E_MALFORMED);
		assert_int_equal(check_answer((const char *)b.p, "short", p), KITH_E_MALFORMED);
		kith_buf_fini(&b);
	}
	assert_int_equal(check_answer("HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", key, KITH_WS_JSON), KITH_E_DENIED);
	assert_int_equal(check_answer("HTTP/1.1 101 Yes\r\n\r\n", key, KITH_WS_NONE), KITH_E_MALFORMED);
	assert_int_equal(check_answer("HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\n"
	    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n", key, KITH_WS_NONE), KITH_E_MALFORMED);
	assert_int_equal(check_answer("HTTP/1.1 101 Yes\r\nConnection: upgrade\r\nUpgrade: x\r\n"
	    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n", key, KITH_WS_NONE), KITH_E_MALFORMED);
	assert_int_equal(check_answer("HTTP/1.1 101 Yes\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
	    "Sec-WebSocket-Extensions: permessage-deflate\r\n"
	    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n", key, KITH_WS_NONE), KITH_E_MALFORMED);
}

static void
without_memory_it_ends_with_1011(void **state)
{
	static char big[9000];
	struct kith_ws *ws;
	struct kith_buf b;
	struct story s;
	size_t n;

	(void)state;
	memset(big, 'a', sizeof(big) - 1);
	kith_buf_init(&b, 0);
	put(&b, 0x01, kith_slice_str(big));
	put(&b, 0x80, kith_slice_str(big));
	for (n = 1;; n++) {
		memset(&s, 0, sizeof(s));
		kith_test_fail_alloc(n);
		ws = kith_ws_new(true);
		if (ws != NULL) {
			struct kith_ws_message m = { .code = 0 };
			struct kith_slice in = kith_buf_slice(&b);
			enum kith_ws_event e;
			size_t used;

			do {
				e = kith_ws_read(ws, 0, in, &used, &m);
				in = kith_slice_from(in, used);
			} while (e == KITH_WS_MORE && in.n > 0);
			s.code = m.code;
		}
		kith_ws_free(ws);
		if (!kith_test_alloc_failed())
			break;
		assert_int_equal(s.code, ws == NULL ? 0 : 1011);
	}
	assert_int_equal(s.code, 0);
	assert_true(n > 2);
	kith_buf_fini(&b);
}

static void
blobs_are_shared_by_count(void **state)
{
	struct kith_blob *b = kith_blob_new(LIT("abc")), *e = kith_blob_new(LIT(""));

	(void)state;
	assert_ptr_equal(kith_blob_ref(b), b);
	kith_blob_unref(b);
	assert_slice_equal(kith_slice_of(b->p, b->n), "abc", 3);
	kith_blob_unref(b);
	kith_blob_unref(e);
	kith_blob_unref(NULL);
	assert_null(kith_blob_alloc(SIZE_MAX));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_come_whole),
		cmocka_unit_test(what_is_not_allowed_fails),
		cmocka_unit_test(masks_are_for_clients_alone),
		cmocka_unit_test(lengths_are_minimal_and_control_frames_short),
		cmocka_unit_test(texts_are_utf8_as_they_stream),
		cmocka_unit_test(closes_have_a_code_or_nothing),
		cmocka_unit_test(messages_have_a_greatest_size),
		cmocka_unit_test(messages_have_so_many_fragments),
		cmocka_unit_test(control_frames_have_a_rate),
		cmocka_unit_test(both_sides_understand_each_other),
		cmocka_unit_test(the_handshake_is_checked),
		cmocka_unit_test(a_client_checks_the_answer),
		cmocka_unit_test(without_memory_it_ends_with_1011),
		cmocka_unit_test(blobs_are_shared_by_count),
	};

	return cmocka_run_group_tests_name("http/ws", tests, NULL, NULL);
}
