#include "http/net.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/unit/http/rig.h"
#include "tests/unit/test.h"

static const uint8_t mask[4] = { 1, 2, 3, 4 };

#define UPGRADE(fields) "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" fields "\r\n"

static struct client *
socket_new(struct rig *g, bool tls)
{
	struct client *c = client_new(g, tls);

	client_say(c, UPGRADE("Sec-WebSocket-Protocol: kith.json\r\n"));
	assert_true(client_has(c, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: kith.json\r\n\r\n"));
	client_forget(c);
	return c;
}

static void
frame(struct client *c, enum kith_ws_opcode op, struct kith_slice payload)
{
	struct kith_buf b;

	kith_buf_init(&b, 0);
	kith_ws_put(&b, op, payload, mask);
	client_send(c, kith_buf_slice(&b));
	kith_buf_fini(&b);
}

static bool
got(struct rig *g, const char *text)
{
	int i;

	for (i = 0; i < 1000 && g->got.n < strlen(text); i++)
		kith_reactor_turn(g->r, 2);
	return kith_slice_is(kith_buf_slice(&g->got), text);
}

static void
messages_go_both_ways(void **state)
{
	struct rig *g = rig_new(NULL, true);
	int tls;

	(void)state;
	for (tls = 0; tls < 2; tls++) {
		struct client *c = socket_new(g, tls);
		struct kith_http_conn *conn = kith_http_conn_find(g->s, g->last_id);
		struct kith_buf big;

		assert_true(kith_http_conn_is_ws(conn));
		assert_int_equal(kith_http_conn_protocol(conn), KITH_WS_JSON);
		assert_int_equal(kith_http_conn_tls(conn), tls);
		assert_null(kith_http_conn_request(conn));
		assert_int_equal(kith_http_reply(conn, 200, NULL, 0, NULL, kith_slice_str("")), KITH_E_NOTFOUND);
		assert_int_equal(kith_http_upgrade(conn), KITH_E_NOTFOUND);
		frame(c, KITH_WS_OP_TEXT, kith_slice_str("hello"));
		assert_true(client_has(c, "\x81\x05hello"));
		frame(c, KITH_WS_OP_BINARY, kith_slice_str("bytes"));
		assert_true(client_has(c, "\x82\x05" "bytes"));
		frame(c, KITH_WS_OP_PING, kith_slice_str("there?"));
		assert_true(client_has(c, "\x8a\x06there?"));
		client_forget(c);
		kith_buf_init(&big, 0);
		memset(kith_buf_room(&big, KITH_WS_MESSAGE_MAX), 'x', KITH_WS_MESSAGE_MAX);
		memcpy(big.p + big.n - 4, "end!", 4);
		frame(c, KITH_WS_OP_TEXT, kith_buf_slice(&big));
		assert_true(client_has(c, "end!"));
		assert_int_equal(c->in.n, KITH_WS_MESSAGE_MAX + 10);
		kith_buf_fini(&big);
		frame(c, KITH_WS_OP_CLOSE, LIT("\x03\xe8" "bye"));
		assert_true(client_has(c, "\x88\x02\x03\xe8"));
		assert_true(client_ended(c));
		assert_false(c->reset);
		assert_true(rig_until(g, &g->closes, (unsigned)tls + 1));
		assert_int_equal(g->code, 1000);
		client_free(c);
	}
	rig_free(g);
}

static void
what_comes_with_the_handshake_is_not_lost(void **state)
{
	struct rig *g = rig_new(NULL, false);
	struct client *c = client_new(g, false);
	struct kith_http_conn *conn;
	struct kith_buf b;
	int later;

	(void)state;
	for (later = 0; later < 2; later++) {
		g->later = later;
		kith_buf_reset(&g->got);
		c = later ? client_new(g, false) : c;
		kith_buf_init(&b, 0);
		kith_buf_put_str(&b, UPGRADE(""));
		kith_ws_put(&b, KITH_WS_OP_TEXT, kith_slice_str("early"), mask);
		client_send(c, kith_buf_slice(&b));
		kith_buf_fini(&b);
		if (later) {
			assert_true(rig_until(g, &g->requests, 2));
			conn = kith_http_conn_find(g->s, g->last_id);
			assert_int_equal(g->got.n, 0);
			assert_int_equal(kith_http_ws_send(conn, false, kith_slice_str("x")), KITH_E_NOTFOUND);
			assert_ok(kith_http_upgrade(conn));
		}
		assert_true(got(g, "early|"));
		assert_true(client_has(c, "\x81\x05" "early"));
		client_free(c);
	}
	rig_free(g);
}

static void
handshakes_that_are_wrong_are_answered(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "GET /ws HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 404 " },
		{ "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\r\n", "\r\nSec-WebSocket-Version: 13\r\n" },
		{ UPGRADE("Sec-WebSocket-Protocol: other\r\n"), "HTTP/1.1 400 " },
		{ UPGRADE("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"), "HTTP/1.1 400 " },
	};
	struct rig *g = rig_new(NULL, false);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct client *c = client_new(g, false);

		client_say(c, rows[i].text);
		assert_true(client_has(c, rows[i].want));
		client_free(c);
	}
	rig_free(g);
}

static void
broken_rules_end_with_their_code(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		unsigned code;
	} rows[] = {
		{ "\x81\x01x", 3, 1002 }, { "\xc1\x81\0\0\0\0x", 7, 1002 }, { "\x81\x81\0\0\0\0\xff", 7, 1007 },
		{ "\x88\x82\0\0\0\0\x03\xed", 8, 1002 }, { "\x82\xff\0\0\0\0\0\x04\0\x01\0\0\0\0x", 15, 1009 },
	};
	struct rig *g = rig_new(NULL, false);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct client *c = socket_new(g, false);
		uint8_t code[2];

		client_send(c, kith_slice_of(rows[i].bytes, rows[i].n));
		assert_true(client_ended(c));
		assert_true(c->in.n > 4 && c->in.p[0] == 0x88);
		kith_put_be16(code, (uint16_t)rows[i].code);
		assert_memory_equal(c->in.p + 2, code, 2);
		assert_true(rig_until(g, &g->closes, (unsigned)i + 1));
		assert_int_equal(g->code, rows[i].code);
		client_free(c);
	}
	assert_int_equal(g->got.n, 0);
	assert_int_equal(kith_http_server_counts(g->s)->broken, i);
	assert_int_equal(kith_http_server_counts(g->s)->sockets, i);
	rig_free(g);
}

static void
one_message_goes_to_many(void **state)
{
	enum { MANY = 100 };
	struct rig *g = rig_new(NULL, false);
	struct client *c[MANY];
	struct kith_http_conn *conn;
	struct kith_blob *b = kith_blob_ws(false, kith_slice_str("to all"));
	size_t it = 0;
	int i, n = 0;

	(void)state;
	for (i = 0; i < MANY; i++)
		c[i] = i % 10 == 0 ? socket_new(g, false) : client_new(g, false);
	for (i = 0; i < MANY; i++) {
		if (i % 10 != 0)
			client_say(c[i], UPGRADE(""));
	}
	for (i = 0; i < MANY; i++) {
		if (i % 10 != 0)
			assert_true(client_has(c[i], "101 Switching"));
	}
	while ((conn = kith_http_server_next_ws(g->s, &it)) != NULL) {
		assert_ok(kith_http_ws_send_blob(conn, b));
		n++;
	}
	assert_int_equal(n, MANY);
	assert_int_equal(b->refs, 1);
	kith_blob_unref(b);
	for (i = 0; i < MANY; i++) {
		assert_true(client_has(c[i], "\x81\x06to all"));
		client_free(c[i]);
	}
	assert_true(rig_until(g, &g->closes, MANY));
	assert_int_equal(g->code, 1006);
	rig_free(g);
}

/* A slow reader's queue grows to its limit; then it is told to come back. */
static void
who_reads_too_slowly_is_closed_with_1013(void **state)
{
	struct kith_http_conf conf = { .queue_items = 50 };
	struct rig *g;
	struct kith_blob *b;
	size_t i, sent;
	int by_bytes, tls;

	(void)state;
	for (by_bytes = 0; by_bytes < 2; by_bytes++) {
		for (tls = 0; tls < 2; tls++) {
			struct kith_http_conn *conn;
			struct client *c;
			struct kith_buf big;
			struct kith_ws *ws;
			struct kith_ws_message m;
			enum kith_ws_event e;
			struct kith_slice in;
			size_t used, whole = 0;

			g = rig_new(by_bytes ? NULL : &conf, tls);
			c = socket_new(g, tls);
			conn = kith_http_conn_find(g->s, g->last_id);
			kith_buf_init(&big, 0);
			memset(kith_buf_room(&big, 60000), 'x', 60000);
			b = kith_blob_ws(false, kith_buf_slice(&big));
			for (sent = 0; sent < 10000; sent++) {
				if (kith_http_ws_send_blob(conn, b) != KITH_OK)
					break;
				assert_true(kith_http_backlog(conn) <= 1u << 20 || !by_bytes);
			}
			assert_true(sent > 10 && sent < 10000);
			assert_int_equal(g->closes, 0);         /* never inside the call */
			assert_int_equal(kith_http_ws_send_blob(conn, b), KITH_E_NOTFOUND);
			assert_true(rig_until(g, &g->closes, 1));
			assert_int_equal(g->code, 1013);
			kith_blob_unref(b);
			kith_buf_fini(&big);
			assert_true(client_ended(c));
			/* all that was taken arrives, in whole frames, and the reason after it */
			ws = kith_ws_new(false);
			in = kith_buf_slice(&c->in);
			for (i = 0; (e = kith_ws_read(ws, 0, in, &used, &m)) == KITH_WS_TEXT; i++) {
				assert_int_equal(m.payload.n, 60000);
				in = kith_slice_from(in, used);
				whole++;
			}
			assert_int_equal(e, KITH_WS_CLOSE);
			assert_int_equal(m.code, 1013);
			assert_int_equal(whole, sent);
			kith_ws_free(ws);
			client_free(c);
			rig_free(g);
		}
	}
}

static void
a_pause_holds_messages_back(void **state)
{
	struct rig *g = rig_new(NULL, false);
	struct client *c = socket_new(g, false);
	struct kith_http_conn *conn = kith_http_conn_find(g->s, g->last_id);
	struct kith_buf b;
	int i;

	(void)state;
	g->echo = false;
	g->stop_reading = true;
	kith_buf_init(&b, 0);
	for (i = 0; i < 3; i++)
		kith_ws_put(&b, KITH_WS_OP_TEXT, kith_slice_of(&"abc"[i], 1), mask);
	client_send(c, kith_buf_slice(&b));
	kith_buf_fini(&b);
	assert_true(got(g, "a|"));
	client_pump(c);
	assert_true(got(g, "a|"));
	kith_http_pause(conn, false);
	assert_true(got(g, "a|b|"));
	client_pump(c);
	g->stop_reading = false;
	kith_http_pause(conn, false);
	assert_true(got(g, "a|b|c|"));
	frame(c, KITH_WS_OP_TEXT, kith_slice_str("d"));
	assert_true(got(g, "a|b|c|d|"));
	client_free(c);
	rig_free(g);
}

static void
two_pings_unanswered_are_the_end(void **state)
{
	struct rig *g = rig_new(NULL, false);
	struct client *c = socket_new(g, false), *alive = socket_new(g, false);

	(void)state;
	rig_sleep(g, 29999);
	assert_true(client_lacks(c, "\x89"));
	rig_sleep(g, 1);
	assert_true(client_has(c, "\x89"));
	client_forget(c);
	rig_sleep(g, 30000);
	assert_true(client_has(c, "\x89"));
	frame(alive, KITH_WS_OP_PONG, kith_slice_str(""));
	client_pump(alive);
	rig_sleep(g, 30000);
	assert_true(client_ended(c));
	assert_true(rig_until(g, &g->closes, 1));
	assert_int_equal(g->code, 1006);
	assert_true(rig_left_with(g, 1));
	client_free(c);
	client_free(alive);
	rig_free(g);
}

static void
an_end_is_told_once_and_never_inside_a_call(void **state)
{
	struct rig *g = rig_new(NULL, false);
	struct client *c = socket_new(g, false), *other = socket_new(g, false);
	struct kith_http_conn *conn = kith_http_conn_find(g->s, g->last_id);

	(void)state;
	kith_http_conn_set_user(conn, g);
	assert_ptr_equal(kith_http_conn_user(conn), g);
	kith_http_close(conn, 4001, "session ended");
	assert_int_equal(g->closes, 0);
	assert_null(kith_http_conn_find(g->s, g->last_id));
	kith_http_close(conn, 4002, "again");
	assert_true(client_has(other, "\x0f\xa1session ended"));
	assert_true(client_ended(other));
	assert_true(rig_until(g, &g->closes, 1));
	assert_int_equal(g->code, 4001);
	client_free(other);
	/* and those that are left when the server goes */
	kith_http_server_free(g->s);
	g->s = NULL;
	assert_int_equal(g->closes, 2);
	assert_int_equal(g->code, 1001);
	assert_true(client_has(c, "\x03\xe9the server is going away"));
	client_free(c);
	rig_free(g);
}

/* ---- the reactor's mailbox ---- */

struct counter {
	struct kith_reactor *r;
	unsigned next[4], out_of_order, n, want;
};

struct note {
	struct counter *c;
	unsigned thread, number;
};

static void
take_note(void *arg)
{
	struct note *n = arg;

	if (n->c->next[n->thread]++ != n->number)
		n->c->out_of_order++;
	if (++n->c->n == n->c->want)
		kith_reactor_stop(n->c->r);
	free(n);
}

static void *
poster(void *arg)
{
	struct note *from = arg;
	unsigned i;

	for (i = 0; i < 1000; i++) {
		struct note *n = malloc(sizeof(*n));

		if (n == NULL)
			break;
		*n = (struct note){ from->c, from->thread, i };
		if (kith_reactor_post(from->c->r, take_note, n) != KITH_OK)
			free(n);
	}
	return NULL;
}

static void
posts_from_threads_run_in_order(void **state)
{
	struct counter c = { .r = kith_reactor_new(255), .want = 4000 };
	struct note from[4];
	pthread_t t[4];
	unsigned i;

	(void)state;
	assert_int_equal(kith_reactor_index(c.r), 255);
	assert_non_null(kith_reactor_base(c.r));
	for (i = 0; i < 4; i++) {
		from[i] = (struct note){ &c, i, 0 };
		assert_int_equal(pthread_create(&t[i], NULL, poster, &from[i]), 0);
	}
	assert_ok(kith_reactor_run(c.r));
	for (i = 0; i < 4; i++)
		(void)pthread_join(t[i], NULL);
	assert_int_equal(c.n, 4000);
	assert_int_equal(c.out_of_order, 0);
	/* what is posted and not run runs at the end */
	c.want = 0;
	c.next[0] = 0;
	(void)poster(&from[0]);
	kith_reactor_free(c.r);
	assert_int_equal(c.n, 5000);
	kith_reactor_free(NULL);
}

static void
a_stop_before_the_run_counts(void **state)
{
	struct kith_reactor *r = kith_reactor_new(0);

	(void)state;
	kith_reactor_stop(r);
	assert_ok(kith_reactor_run(r));
	assert_true(kith_reactor_now_ms(r) > 0);
	kith_reactor_free(r);
}

/* ---- several reactors ---- */

struct worker {
	struct kith_reactor *r;
	struct kith_http_server *s;
	pthread_t thread;
	unsigned served;
	int ran;
};

static void
serve_one(void *arg, struct kith_http_conn *c, const struct kith_http_request *rq)
{
	struct worker *w = arg;

	(void)rq;
	w->served++;
	kith_http_conn_trust(c);
	(void)kith_http_reply(c, 200, NULL, 0, "text/plain", kith_slice_str("fine"));
}

static void
no_message(void *arg, struct kith_http_conn *c, bool binary, struct kith_slice msg)
{
	(void)arg, (void)c, (void)binary, (void)msg;
}

static void
no_close(void *arg, struct kith_http_conn *c, unsigned code)
{
	(void)arg, (void)c, (void)code;
}

static void *
work(void *arg)
{
	struct worker *w = arg;

	w->ran = kith_reactor_run(w->r);
	return NULL;
}

static void
reactors_share_a_port_and_a_gate(void **state)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
	struct kith_gate_limits l = { .total = 0 };
	struct kith_gate *gate = kith_gate_new(&l);
	struct worker w[3];
	struct kith_addr any, at;
	char buf[1024];
	unsigned i, total, strangers, served = 0;
	uint64_t refused;
	ssize_t n, got_n;
	int fd, c;

	(void)state;
	assert_ok(kith_addr_parse("127.0.0.1:0", &any));
	assert_ok(kith_addr_listen(&any, &fd, &at, NULL));
	for (i = 0; i < 3; i++) {
		struct kith_http_conf conf = { .handler = { .on_request = serve_one, .on_message = no_message, .on_close = no_close },
			.arg = &w[i], .gate = gate };

		w[i] = (struct worker){ .r = kith_reactor_new(i) };
		w[i].s = kith_http_server_new(w[i].r, &conf);
		assert_ok(kith_http_server_listen(w[i].s, fd));
		assert_int_equal(pthread_create(&w[i].thread, NULL, work, &w[i]), 0);
	}
	for (i = 0; i < 100; i++) {
		c = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_equal(connect(c, &at.u.sa, at.len), 0);
		assert_int_equal(send(c, request, sizeof(request) - 1, MSG_NOSIGNAL), sizeof(request) - 1);
		for (n = 0; (got_n = recv(c, buf + n, sizeof(buf) - (size_t)n, 0)) > 0; n += got_n)
			continue;
		assert_int_equal(got_n, 0);
		assert_true(n > 4 && memcmp(buf + n - 4, "fine", 4) == 0);
		close(c);
	}
	for (i = 0; i < 3; i++) {
		kith_reactor_stop(w[i].r);
		(void)pthread_join(w[i].thread, NULL);
		assert_ok(w[i].ran);
		served += w[i].served;
		kith_http_server_free(w[i].s);
		kith_reactor_free(w[i].r);
	}
	assert_int_equal(served, 100);
	kith_gate_count(gate, &total, &strangers, &refused);
	assert_int_equal(total + strangers, 0);
	kith_gate_free(gate);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_go_both_ways),
		cmocka_unit_test(what_comes_with_the_handshake_is_not_lost),
		cmocka_unit_test(handshakes_that_are_wrong_are_answered),
		cmocka_unit_test(broken_rules_end_with_their_code),
		cmocka_unit_test(one_message_goes_to_many),
		cmocka_unit_test(who_reads_too_slowly_is_closed_with_1013),
		cmocka_unit_test(a_pause_holds_messages_back),
		cmocka_unit_test(two_pings_unanswered_are_the_end),
		cmocka_unit_test(an_end_is_told_once_and_never_inside_a_call),
		cmocka_unit_test(posts_from_threads_run_in_order),
		cmocka_unit_test(a_stop_before_the_run_counts),
		cmocka_unit_test(reactors_share_a_port_and_a_gate),
	};

	return cmocka_run_group_tests_name("http/socket", tests, NULL, NULL);
}
