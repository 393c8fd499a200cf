#include "http/net.h"

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/unit/http/rig.h"
#include "tests/unit/test.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: localhost\r\n\r\n"
#define POST(fields) "POST / HTTP/1.1\r\nHost: localhost\r\n" fields "\r\n"

static void
plain_and_tls_share_a_port(void **state)
{
	struct rig *g = rig_new(NULL, true);
	struct client *p = client_new(g, false), *t = client_new(g, true);

	(void)state;
	client_say(p, GET("/"));
	client_say(t, GET("/"));
	assert_true(client_has(p, "HTTP/1.1 200 OK\r\n"));
	assert_true(client_has(p, "\r\n\r\nplain 0 \n"));
	assert_true(client_has(p, "\r\nX-Content-Type-Options: nosniff\r\n"));
	assert_true(client_has(p, "\r\nDate: "));
	assert_true(client_lacks(p, "Connection: close"));
	assert_true(client_has(t, "\r\n\r\ntls 0 \n"));
	assert_true(rig_left_with(g, 2));
	client_forget(t);
	client_say(t, POST("Content-Length: 5\r\n") "hello");
	assert_true(client_has(t, "tls 5 hello\n"));
	client_free(p);
	client_free(t);
	assert_true(rig_left_with(g, 0));
	assert_true(rig_until(g, &g->closes, 2));
	assert_int_equal(g->requests, 3);
	rig_free(g);
}

static void
requests_come_one_at_a_time(void **state)
{
	struct rig *g = rig_new(NULL, false);
	struct client *c = client_new(g, false);
	struct kith_http_conn *conn;
	unsigned i;

	(void)state;
	g->later = true;
	client_say(c, GET("/a") GET("/b") "HEAD /c HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
	client_pump(c);
	for (i = 1; i <= 3; i++) {
		assert_true(rig_until(g, &g->requests, i));
		assert_int_equal(c->in.n, 0);
		conn = kith_http_conn_find(g->s, g->last_id);
		assert_non_null(conn);
		assert_int_equal(kith_http_conn_id(conn) >> 56, 3);
		assert_non_null(kith_http_conn_request(conn));
		assert_ok(kith_http_reply(conn, 200, NULL, 0, "text/plain", kith_slice_str("x")));
		if (i < 3)
			assert_true(client_has(c, "\r\n\r\nx"));
		else
			assert_true(client_has(c, "Content-Length: 1\r\n\r\n"));
		if (i < 3)
			client_forget(c);
	}
	assert_true(client_has(c, "\r\nConnection: close\r\n"));
	assert_true(client_ended(c) && !c->reset);
	assert_int_equal(c->in.p[c->in.n - 1], '\n');
	assert_null(kith_http_conn_find(g->s, g->last_id));
	client_free(c);
	rig_free(g);
}

static void
a_reply_to_who_is_gone_harms_nobody(void **state)
{
	struct rig *g = rig_new(NULL, false);
	struct client *c = client_new(g, false);
	struct kith_http_conn *conn;

	(void)state;
	g->later = true;
	client_say(c, GET("/"));
	assert_true(rig_until(g, &g->requests, 1));
	conn = kith_http_conn_find(g->s, g->last_id);
	assert_non_null(conn);
	client_free(c);
	rig_turn(g);
	assert_ok(kith_http_reply(conn, 200, NULL, 0, NULL, kith_slice_str("x")));
	assert_true(rig_until(g, &g->closes, 1));
	assert_null(kith_http_conn_find(g->s, g->last_id));
	assert_null(kith_http_conn_find(g->s, 12345));
	rig_free(g);
}

static void
what_could_be_read_twice_is_answered_400_and_closed(void **state)
{
	static const struct {
		const char *text, *status;
	} rows[] = {
		{ "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", "400" },
		{ "GET / HTTP/1.1\r\nHost: 10.9.8.7\r\n\r\n", "400" },
		{ "GET / HTTP/1.1\r\n\r\n", "400" },
		{ "GET / HTTP/1.1\nHost: localhost\n\n", "400" },
		{ POST("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n") "0\r\n\r\n" GET("/smuggled"), "400" },
		{ POST("Content-Length: 4\r\nContent-Length: 5\r\n") "abcd" GET("/smuggled"), "400" },
		{ POST("Transfer-Encoding: xchunked\r\n") "0\r\n\r\n" GET("/smuggled"), "400" },
		{ POST("Transfer-Encoding: chunked\r\n") "0\r\nA: b\r\n\r\n" GET("/smuggled"), "400" },
		{ POST("Transfer-Encoding: chunked\r\n") "5;x\r\nhello\r\n0\r\n\r\n" GET("/smuggled"), "400" },
		{ POST("Content-Length: +4\r\n") "abcd" GET("/smuggled"), "400" },
		{ POST("Content-Length: 70000\r\n"), "413" },
		{ "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx", "413" },
		{ "BREW / HTTP/1.1\r\n", "501" }, { "GET / HTTP/1.0\r\n", "505" },
		{ "GET / HTTP/1.1\r\nHost: localhost\r\nExpect: tea\r\n\r\n", "417" },
	};
	struct rig *g = rig_new(NULL, false);
	char want[32];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct client *c = client_new(g, false);

		client_say(c, rows[i].text);
		(void)snprintf(want, sizeof(want), "HTTP/1.1 %s ", rows[i].status);
		if (!client_has(c, want))
			fail_msg("%s: %.*s", rows[i].text, (int)c->in.n, (const char *)c->in.p);
		assert_true(client_has(c, "Connection: close\r\n"));
		assert_true(client_ended(c));
		client_free(c);
	}
	rig_turn(g);
	assert_int_equal(g->requests, 0);
	assert_int_equal(g->closes, 0);
	assert_int_equal(kith_http_server_counts(g->s)->accepted, i);
	assert_int_equal(kith_http_server_counts(g->s)->too_large, 2);
	assert_int_equal(kith_http_server_counts(g->s)->malformed, i - 2);
	rig_free(g);
}

static void
hosts_are_those_we_know(void **state)
{
	static const char *const names[] = { "Kith.Example", "other" };
	struct kith_addr local, v6;

	(void)state;
	assert_ok(kith_addr_parse("192.168.7.1:80", &local));
	assert_ok(kith_addr_parse("[2001:db8::1]:80", &v6));
	assert_true(kith_http_host_ok(names, 2, &local, kith_slice_str("kith.example")));
	assert_true(kith_http_host_ok(names, 2, &local, kith_slice_str("KITH.EXAMPLE:99")));
	assert_true(kith_http_host_ok(names, 2, &local, kith_slice_str("localhost:1")));
	assert_true(kith_http_host_ok(names, 2, &local, kith_slice_str("127.9.9.9")));
	assert_true(kith_http_host_ok(names, 2, &local, kith_slice_str("[::1]:7370")));
	assert_true(kith_http_host_ok(names, 2, &local, kith_slice_str("192.168.7.1:1")));
	assert_true(kith_http_host_ok(names, 2, &local, kith_slice_str("[::ffff:192.168.7.1]")));
	assert_true(kith_http_host_ok(names, 2, &v6, kith_slice_str("[2001:db8:0::1]")));
	assert_false(kith_http_host_ok(names, 2, &v6, kith_slice_str("[2001:db8::2]")));
	assert_false(kith_http_host_ok(names, 2, &local, kith_slice_str("192.168.7.2")));
	assert_false(kith_http_host_ok(names, 2, &local, kith_slice_str("kith.example.evil")));
	assert_false(kith_http_host_ok(names, 2, &local, kith_slice_str("localhost.evil")));
	assert_false(kith_http_host_ok(NULL, 0, &local, kith_slice_str("kith.example")));
	assert_false(kith_http_host_ok(names, 2, &local, kith_slice_str("")));
}

static void
ranges_of_addresses(void **state)
{
	static const char *const in[] = { "10.1.2.3", "192.0.2.7", "2001:db8:1::5", "::ffff:10.9.9.9", "198.51.100.129" };
	static const char *const out[] = { "11.1.2.3", "192.0.2.8", "2001:db9::1", "::1", "198.51.100.1" };
	static const char *const nets[] = { "10.0.0.0/8", "192.0.2.7", "2001:db8::/32", "10.9.9.9/32", "198.51.100.200/25" };
	static const char *const bad[] = { "", "/8", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.0/1x", "10.0.0.0/-1", "10.0.0/8", "x", "10.0.0.0/0008" };
	struct kith_addr a;
	struct kith_net n;

	(void)state;
	for (size_t i = 0; i < sizeof(nets) / sizeof(nets[0]); i++) {
		assert_ok(kith_net_parse(kith_slice_str(nets[i]), &n));
		assert_ok(kith_addr_host(kith_slice_str(in[i]), &a));
		assert_true(kith_net_holds(&n, &a));
		assert_ok(kith_addr_host(kith_slice_str(out[i]), &a));
		assert_false(kith_net_holds(&n, &a));
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(kith_net_parse(kith_slice_str(bad[i]), &n), KITH_E_MALFORMED);
	assert_ok(kith_net_parse(kith_slice_str("0.0.0.0/0"), &n));
	assert_ok(kith_addr_host(kith_slice_str("203.0.113.1"), &a));
	assert_true(kith_net_holds(&n, &a));
}

static void
bodies_keep_to_their_limit(void **state)
{
	static const size_t sizes[] = { 999, 1000, 1001 };
	struct rig *g = rig_new(NULL, false);
	char body[1200], text[2048], want[64];
	size_t i;
	int chunked;

	(void)state;
	g->body_max = 1000;
	memset(body, 'a', sizeof(body));
	for (i = 0; i < 6; i++) {
		struct client *c = client_new(g, false);
		size_t n = sizes[i % 3];

		chunked = i >= 3;
		(void)snprintf(text, sizeof(text), chunked ? POST("Transfer-Encoding: chunked\r\n") "%zx\r\n%.*s\r\n0\r\n\r\n" :
		    POST("Content-Length: %zu\r\n") "%.*s", n, (int)n, body);
		client_say(c, text);
		(void)snprintf(want, sizeof(want), n <= 1000 ? "plain %zu" : "HTTP/1.1 413 ", n);
		assert_true(client_has(c, want));
		assert_true(n > 1000 ? client_ended(c) : !c->eof);
		client_free(c);
	}
	rig_free(g);
}

static void
a_client_that_asks_first_is_told_to_go_on(void **state)
{
	struct rig *g = rig_new(NULL, false);
	struct client *c = client_new(g, false);

	(void)state;
	client_say(c, POST("Expect: 100-continue\r\nContent-Length: 2\r\n"));
	assert_true(client_has(c, "HTTP/1.1 100 Continue\r\n\r\n"));
	client_say(c, "hi");
	assert_true(client_has(c, "plain 2 hi"));
	client_free(c);
	rig_free(g);
}

static void
answers_cannot_be_split(void **state)
{
	struct rig *g = rig_new(NULL, false);
	struct client *c = client_new(g, false);

	(void)state;
	client_say(c, GET("/inject"));
	assert_true(client_has(c, "HTTP/1.1 500 "));
	assert_true(client_lacks(c, "hidden"));
	assert_true(client_lacks(c, "B: c"));
	client_free(c);
	rig_free(g);
}

static void
large_answers_arrive_whole(void **state)
{
	struct rig *g = rig_new(NULL, true);
	int tls;

	(void)state;
	for (tls = 0; tls < 2; tls++) {
		struct client *c = client_new(g, tls);

		client_say(c, GET("/big"));
		client_say(c, GET("/"));
		assert_true(client_has(c, tls ? "tls 0 \n" : "plain 0 \n"));
		assert_true(c->in.n > 16u << 20);
		assert_false(c->eof);
		client_free(c);
	}
	rig_free(g);
}

static void
who_reads_nothing_of_an_answer_is_cut(void **state)
{
	struct rig *g = rig_new(NULL, false);
	struct client *c = client_new(g, false);
	int i;

	(void)state;
	client_say(c, GET("/big"));
	assert_true(rig_until(g, &g->requests, 1));
	for (i = 0; i < 100; i++)
		kith_reactor_turn(g->r, 1);
	rig_sleep(g, 29000);
	assert_true(rig_left_with(g, 1));
	rig_sleep(g, 2000);
	assert_true(rig_left_with(g, 0));
	client_free(c);
	rig_free(g);
}

static void
slow_heads_end_with_408(void **state)
{
	struct rig *g = rig_new(NULL, true);
	struct client *c = client_new(g, false), *silent = client_new(g, false), *hello = client_new(g, false);
	int i;

	(void)state;
	client_say(c, "GET / HT");
	client_say(hello, "\x16\x03\x01");
	assert_true(rig_left_with(g, 3));
	client_pump(c);
	for (i = 0; i < 9; i++) {
		client_say(c, i == 0 ? "TP/1.1\r\n" : "A: b\r\n");
		rig_sleep(g, 1000);
	}
	assert_true(rig_left_with(g, 3));
	rig_sleep(g, 1000);
	assert_true(client_has(c, "HTTP/1.1 408 "));
	assert_true(client_ended(c) && client_ended(silent) && client_ended(hello));
	assert_int_equal(silent->in.n, 0);
	assert_true(rig_left_with(g, 0));
	client_free(c);
	client_free(silent);
	client_free(hello);
	rig_free(g);
}

static void
idle_connections_are_kept_for_a_minute(void **state)
{
	struct rig *g = rig_new(NULL, false);
	struct client *c = client_new(g, false);

	(void)state;
	client_say(c, GET("/"));
	assert_true(rig_until(g, &g->requests, 1));
	rig_sleep(g, 59000);
	client_say(c, GET("/"));
	assert_true(rig_until(g, &g->requests, 2));
	rig_sleep(g, 59999);
	assert_true(rig_left_with(g, 1));
	/* the next head has its own ten seconds */
	client_say(c, "GET / HTTP/1.1\r\n");
	client_pump(c);
	rig_sleep(g, 9999);
	client_pump(c);
	assert_false(c->eof);
	rig_sleep(g, 1);
	assert_true(client_has(c, "HTTP/1.1 408 "));
	client_free(c);
	c = client_new(g, false);
	client_say(c, GET("/"));
	assert_true(rig_until(g, &g->requests, 3));
	rig_sleep(g, 60000);
	assert_true(client_ended(c));
	assert_true(client_lacks(c, "408"));
	client_free(c);
	rig_free(g);
}

static void
bodies_come_at_1_kib_a_second(void **state)
{
	struct rig *g = rig_new(NULL, false);
	struct client *c = client_new(g, false), *slow = client_new(g, false);
	char part[1025];
	int i;

	(void)state;
	memset(part, 'a', 1024);
	part[1024] = '\0';
	client_say(c, POST("Content-Length: 40960\r\n"));
	client_say(slow, POST("Content-Length: 40960\r\n"));
	for (i = 0; i < 40; i++) {
		client_say(c, part);
		if (i % 2 == 0)
			client_say(slow, part);
		client_pump(c);
		rig_sleep(g, 1000);
	}
	assert_true(client_has(c, "plain 40960"));
	assert_true(client_has(slow, "HTTP/1.1 408 "));
	assert_int_equal(kith_http_server_counts(g->s)->slow, 1);
	client_free(c);
	client_free(slow);
	rig_free(g);
}

static void
without_descriptors_it_waits_for_some(void **state)
{
	struct rig *g = rig_new(NULL, false);
	struct client *c = client_new(g, false);
	struct rlimit was, low;

	(void)state;
	client_say(c, GET("/"));
	assert_true(client_has(c, "200 OK"));
	client_free(c);
	assert_true(rig_left_with(g, 0));
	c = client_new(g, false);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	low = was;
	low.rlim_cur = (rlim_t)c->fd + 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	client_say(c, GET("/"));
	assert_true(client_lacks(c, "200 OK"));
	assert_int_equal(kith_http_server_count(g->s), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	client_free(c);                 /* some have it that it was lost, others serve it now */
	c = client_new(g, false);
	client_say(c, GET("/"));
	assert_true(client_has(c, "200 OK"));
	client_free(c);
	rig_free(g);
}

static void
a_request_may_go_unanswered(void **state)
{
	struct rig *g = rig_new(NULL, false);
	struct client *c = client_new(g, false);

	(void)state;
	g->later = true;
	client_say(c, GET("/"));
	assert_true(rig_until(g, &g->requests, 1));
	kith_http_close(kith_http_conn_find(g->s, g->last_id), 0, "");
	assert_true(client_ended(c));
	assert_int_equal(c->in.n, 0);
	assert_true(rig_until(g, &g->closes, 1));
	client_free(c);
	rig_free(g);
}

static void
plain_http_is_a_policy(void **state)
{
	struct kith_http_conf redirect = { .plain = KITH_PLAIN_REDIRECT }, refuse = { .plain = KITH_PLAIN_REFUSE };
	struct rig *g = rig_new(&redirect, true);
	struct client *c = client_new(g, false);

	(void)state;
	client_say(c, "GET /a?b HTTP/1.1\r\nHost: localhost:99\r\n\r\n");
	assert_true(client_has(c, "HTTP/1.1 308 "));
	assert_true(client_has(c, "\r\nLocation: https://localhost:99/a?b\r\n"));
	client_free(c);
	c = client_new(g, false);
	client_say(c, POST("Content-Length: 0\r\n"));
	assert_true(client_has(c, "HTTP/1.1 403 "));
	client_free(c);
	c = client_new(g, true);
	client_say(c, GET("/"));
	assert_true(client_has(c, "tls 0"));
	client_free(c);
	rig_free(g);
	g = rig_new(&refuse, true);
	c = client_new(g, false);
	client_say(c, GET("/"));
	assert_true(client_has(c, "HTTP/1.1 403 "));
	client_free(c);
	rig_free(g);
}

static void
the_gate_counts(void **state)
{
	struct kith_gate_limits l = { .total = 5, .strangers = 100, .per_origin = 3 };
	struct kith_http_conf conf = { .gate = kith_gate_new(&l) };
	struct rig *g = rig_new(&conf, false);
	struct client *c[7];
	unsigned total, strangers;
	uint64_t refused;
	int i;

	(void)state;
	for (i = 0; i < 4; i++) {
		c[i] = client_new(g, false);
		if (i == 3)
			assert_true(client_ended(c[i]));
		else
			assert_true(rig_left_with(g, (size_t)i + 1));
	}
	client_free(c[3]);
	for (i = 0; i < 3; i++) {
		client_say(c[i], GET("/"));             /* the rig trusts who asks */
		assert_true(client_has(c[i], "200 OK"));
	}
	for (i = 3; i < 6; i++) {
		c[i] = client_new(g, false);
		if (i == 5)
			assert_true(client_ended(c[i]));
		else
			assert_true(rig_left_with(g, (size_t)i + 1));
	}
	kith_gate_count(conf.gate, &total, &strangers, &refused);
	assert_int_equal(total, 5);
	assert_int_equal(strangers, 2);
	assert_int_equal(refused, 2);
	for (i = 0; i < 6; i++)
		client_free(c[i]);
	assert_true(rig_left_with(g, 0));
	rig_turn(g);
	kith_gate_count(conf.gate, &total, &strangers, &refused);
	assert_int_equal(total, 0);
	assert_int_equal(strangers, 0);
	rig_free(g);
	kith_gate_free(conf.gate);
	kith_gate_free(NULL);
}

static void
the_gate_drops_early_at_random_from_half_on(void **state)
{
	struct kith_gate_limits l = { .total = 1000, .strangers = 10, .per_origin = 2 };
	struct kith_gate *gate = kith_gate_new(&l);
	struct kith_addr a, b;
	char text[64];
	int i;

	(void)state;
	for (i = 0; i < 5; i++) {
		(void)snprintf(text, sizeof(text), "[2001:db8:0:%d::1]:1", i);
		assert_ok(kith_addr_parse(text, &a));
		assert_ok(kith_gate_enter(gate, &a, 0));
	}
	/* the same /64, another host in it */
	assert_ok(kith_addr_parse("[2001:db8:0:4::99]:2", &b));
	assert_ok(kith_gate_enter(gate, &b, UINT32_MAX));
	assert_int_equal(kith_gate_enter(gate, &a, UINT32_MAX), KITH_E_LIMIT);
	assert_ok(kith_addr_parse("[2001:db8:0:9::1]:1", &a));
	assert_int_equal(kith_gate_enter(gate, &a, 0), KITH_E_LIMIT);          /* one in five */
	assert_ok(kith_gate_enter(gate, &a, UINT32_MAX / 5 + 1));
	assert_ok(kith_addr_parse("1.2.3.4:1", &a));
	assert_ok(kith_gate_enter(gate, &a, UINT32_MAX));
	assert_ok(kith_gate_enter(gate, &a, UINT32_MAX));
	assert_int_equal(kith_gate_enter(gate, &a, UINT32_MAX), KITH_E_LIMIT);
	assert_ok(kith_addr_parse("1.2.3.5:1", &a));
	assert_ok(kith_gate_enter(gate, &a, UINT32_MAX));
	assert_ok(kith_addr_parse("1.2.3.6:1", &a));
	assert_int_equal(kith_gate_enter(gate, &a, UINT32_MAX), KITH_E_LIMIT);
	kith_gate_trust(gate, &b);
	assert_ok(kith_gate_enter(gate, &a, UINT32_MAX));
	kith_gate_leave(gate, &a, false);
	kith_gate_leave(gate, &b, true);
	kith_gate_free(gate);
}

static void
addresses_are_of_a_kind(void **state)
{
	static const struct {
		const char *text, *shown;
		bool loopback, private, any;
	} rows[] = {
		{ "127.0.0.1:1", "127.0.0.1:1", 1, 0, 0 }, { "[::1]:65535", "[::1]:65535", 1, 0, 0 },
		{ "10.0.0.1:0", "10.0.0.1:0", 0, 1, 0 }, { "172.16.0.1:1", "172.16.0.1:1", 0, 1, 0 },
		{ "172.32.0.1:1", "172.32.0.1:1", 0, 0, 0 }, { "192.168.255.1:1", "192.168.255.1:1", 0, 1, 0 },
		{ "169.254.1.1:1", "169.254.1.1:1", 0, 1, 0 }, { "100.64.0.1:1", "100.64.0.1:1", 0, 1, 0 },
		{ "100.128.0.1:1", "100.128.0.1:1", 0, 0, 0 }, { "[fd00::1]:1", "[fd00::1]:1", 0, 1, 0 },
		{ "[fe80::1]:1", "[fe80::1]:1", 0, 1, 0 }, { "[2001:db8::1]:1", "[2001:db8::1]:1", 0, 0, 0 },
		{ "[::ffff:127.0.0.1]:7", "127.0.0.1:7", 1, 0, 0 }, { "0.0.0.0:7", "0.0.0.0:7", 0, 0, 1 },
		{ "[::]:7", "[::]:7", 0, 0, 1 },
	};
	static const char *const bad[] = { "", "1.2.3.4", "1.2.3.4:", "1.2.3.4:65536", "1.2.3.4:-1", "1.2.3.4:1x", "1.2.3:1", "::1:1",
		"[::1]", "[::1:1", "[]:1", "localhost:1", "[1.2.3.4]:1", "1.2.3.4:000001",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:1", "[1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cc]:1" };
	struct kith_addr a, b;
	char str[KITH_ADDR_STR];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_ok(kith_addr_parse(rows[i].text, &a));
		assert_string_equal(kith_addr_str(&a, str), rows[i].shown);
		assert_int_equal(kith_addr_is_loopback(&a), rows[i].loopback);
		assert_int_equal(kith_addr_is_private(&a), rows[i].private);
		assert_int_equal(kith_addr_is_any(&a), rows[i].any);
		assert_ok(kith_addr_parse("9.9.9.9:9", &b));
		assert_false(kith_addr_same_host(&a, &b));
		assert_true(kith_addr_same_host(&a, &a));
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(kith_addr_parse(bad[i], &a), KITH_E_MALFORMED);
}

static void
a_port_in_use_is_said_in_words(void **state)
{
	struct rig *g = rig_new(NULL, false);
	struct kith_diag d = { .line = 0 };
	struct kith_addr a;
	int fd;

	(void)state;
	assert_int_equal(kith_addr_listen(&g->at, &fd, NULL, &d), KITH_E_BUSY);
	assert_non_null(strstr(d.text, "is in use"));
	assert_ok(kith_addr_parse("192.0.2.77:0", &a));
	assert_int_equal(kith_addr_listen(&a, &fd, NULL, &d), KITH_E_IO);
	assert_non_null(strstr(d.text, "no such address"));
	rig_free(g);
}

static void
a_body_may_be_taken_as_it_comes(void **state)
{
	struct rig *g = rig_new(NULL, false);
	struct client *c = client_new(g, false);

	(void)state;
	client_say(c, "POST /stream HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhello");
	client_pump(c);
	assert_slice_equal(kith_buf_slice(&g->got), "hello", 5);
	assert_int_equal(g->requests, 0);
	client_say(c, "there" GET("/next"));
	assert_true(client_has(c, "plain 0 \n"));      /* the whole request, without a body */
	assert_true(rig_until(g, &g->requests, 2));
	assert_slice_equal(kith_buf_slice(&g->got), "hellothere", 10);
	/* the limit counts all the same */
	g->body_max = 4;
	client_say(c, "POST /stream HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n");
	assert_true(client_has(c, "HTTP/1.1 413 "));
	assert_true(client_ended(c));
	client_free(c);
	assert_true(rig_until(g, &g->closes, 1));
	rig_free(g);
}

static void
a_body_may_be_refused_before_it_has_come(void **state)
{
	struct rig *g = rig_new(NULL, false);
	struct client *c = client_new(g, false), *d = client_new(g, false);

	(void)state;
	client_say(c, "POST /refused HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhello");
	assert_true(client_has(c, "HTTP/1.1 401 "));
	assert_true(client_has(c, "Connection: close\r\n"));
	assert_true(client_ended(c));
	client_say(d, "POST /enough HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n01234567");
	client_pump(d);
	assert_true(client_lacks(d, "507"));
	client_say(d, "89");
	assert_true(client_has(d, "HTTP/1.1 507 "));
	assert_true(client_ended(d));
	client_free(c);
	client_free(d);
	assert_int_equal(g->requests, 0);
	assert_true(rig_until(g, &g->closes, 2));
	rig_free(g);
}

static void
a_file_goes_out_as_there_is_room(void **state)
{
	enum { LENGTH = 3000000 };
	struct rig *g = rig_new(NULL, true);
	struct client *c;
	struct kith_http_conn *conn;
	uint8_t piece[1000];
	FILE *f = tmpfile();

	(void)state;
	assert_non_null(f);
	for (unsigned i = 0; i < LENGTH / sizeof(piece); i++) {
		memset(piece, (int)(i & 0xff), sizeof(piece));
		assert_int_equal(fwrite(piece, 1, sizeof(piece), f), sizeof(piece));
	}
	fflush(f);
	g->later = true;
	for (int tls = 0; tls < 2; tls++) {
		size_t head;

		c = client_new(g, tls == 1);
		client_say(c, GET("/file"));
		assert_true(rig_until(g, &g->requests, (unsigned)tls * 2 + 1));
		conn = kith_http_conn_find(g->s, g->last_id);
		assert_ok(kith_http_reply_file(conn, 206, NULL, 0, "text/plain", dup(fileno(f)), 500, LENGTH - 500));
		/* nobody reads yet: little of it is in memory */
		assert_true(kith_http_backlog(conn) <= 65536 + 1000);
		assert_true(client_has(c, "Content-Length: 2999500\r\n"));
		for (head = 0; memcmp(c->in.p + head, "\r\n\r\n", 4) != 0; head++)
			;
		head += 4;
		for (int i = 0; i < 10000 && c->in.n < head + LENGTH - 500; i++)
			client_pump(c);
		assert_int_equal(c->in.n, head + LENGTH - 500);
		for (size_t i = 0; i < LENGTH - 500; i++)
			assert_int_equal(c->in.p[head + i], (i + 500) / 1000 & 0xff);
		/* and the connection goes on; one that is promised more than there is ends */
		client_forget(c);
		client_say(c, GET("/file"));
		assert_true(rig_until(g, &g->requests, (unsigned)tls * 2 + 2));
		assert_ok(kith_http_reply_file(kith_http_conn_find(g->s, g->last_id), 200, NULL, 0, NULL, dup(fileno(f)), LENGTH - 10, 20));
		assert_true(client_ended(c));
		client_free(c);
	}
	fclose(f);
	rig_free(g);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_and_tls_share_a_port),
		cmocka_unit_test(a_body_may_be_taken_as_it_comes),
		cmocka_unit_test(a_body_may_be_refused_before_it_has_come),
		cmocka_unit_test(a_file_goes_out_as_there_is_room),
		cmocka_unit_test(requests_come_one_at_a_time),
		cmocka_unit_test(a_reply_to_who_is_gone_harms_nobody),
		cmocka_unit_test(what_could_be_read_twice_is_answered_400_and_closed),
		cmocka_unit_test(hosts_are_those_we_know),
		cmocka_unit_test(ranges_of_addresses),
		cmocka_unit_test(bodies_keep_to_their_limit),
		cmocka_unit_test(a_client_that_asks_first_is_told_to_go_on),
		cmocka_unit_test(answers_cannot_be_split),
		cmocka_unit_test(large_answers_arrive_whole),
		cmocka_unit_test(who_reads_nothing_of_an_answer_is_cut),
		cmocka_unit_test(slow_heads_end_with_408),
		cmocka_unit_test(idle_connections_are_kept_for_a_minute),
		cmocka_unit_test(bodies_come_at_1_kib_a_second),
		cmocka_unit_test(without_descriptors_it_waits_for_some),
		cmocka_unit_test(a_request_may_go_unanswered),
		cmocka_unit_test(plain_http_is_a_policy),
		cmocka_unit_test(the_gate_counts),
		cmocka_unit_test(the_gate_drops_early_at_random_from_half_on),
		cmocka_unit_test(addresses_are_of_a_kind),
		cmocka_unit_test(a_port_in_use_is_said_in_words),
	};

	return cmocka_run_group_tests_name("http/net", tests, NULL, NULL);
}
