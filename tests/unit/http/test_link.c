#include "http/link.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sodium.h>

#include "base/buf.h"
#include "crypto/tls.h"
#include "tests/unit/test.h"

enum { PATIENCE = 2000 };

static const uint8_t seed_a[KITH_SEED_BYTES] = { 1 }, seed_b[KITH_SEED_BYTES] = { 2 };

/* One node's end: its links and what their owner has seen. */
struct end {
	struct net *net;
	struct kith_tls *tls;
	struct kith_links *links;
	uint8_t pk[32], exporter[32];   /* of the last link that came up */
	char remote[64];
	uint64_t token, failed, last;
	unsigned ups, downs, fails, frames, writable;
	enum kith_link_end why;
	char text[256];
	bool trust, stop, refuse;
	struct kith_buf got;            /* each frame: its type, its first bytes, a '|' */
	size_t bytes;
};

struct net {
	struct kith_reactor *r;
	uint64_t now_ms;
	int fd;
	struct kith_addr at;
	char name[64];
	struct end a, b;                /* a dials, b listens */
};

static uint64_t
clock_ms(void *arg)
{
	return ((struct net *)arg)->now_ms;
}

static void
on_up(void *arg, struct kith_link *l, uint64_t token, const uint8_t *pk, const uint8_t *exporter, const char *remote)
{
	struct end *e = arg;

	e->ups++;
	e->token = token;
	e->last = kith_link_id(l);
	memcpy(e->pk, pk, 32);
	memcpy(e->exporter, exporter, 32);
	(void)snprintf(e->remote, sizeof(e->remote), "%s", remote);
	assert_int_equal(kith_link_inbound(l), token == 0);
	assert_ptr_equal(kith_link_find(e->links, e->last), l);
	kith_link_set_user(l, e);
	if (e->trust)
		kith_link_trust(l);
}

static void
on_frame(void *arg, struct kith_link *l, uint8_t type, struct kith_slice p)
{
	struct end *e = arg;

	assert_ptr_equal(kith_link_user(l), e);
	e->frames++;
	e->bytes += p.n;
	kith_buf_put_u8(&e->got, type);
	kith_buf_put(&e->got, p.p, p.n < 8 ? p.n : 8);
	kith_buf_put_str(&e->got, "|");
	if (e->stop)
		kith_link_pause(l, true);
}

static void
on_down(void *arg, struct kith_link *l, enum kith_link_end why)
{
	struct end *e = arg;

	assert_null(kith_link_find(e->links, kith_link_id(l)));
	e->downs++;
	e->why = why;
}

static void
on_dial_failed(void *arg, uint64_t token, enum kith_link_end why, const char *text)
{
	struct end *e = arg;

	e->fails++;
	e->failed = token;
	e->why = why;
	(void)snprintf(e->text, sizeof(e->text), "%s", text);
}

static void
on_writable(void *arg, struct kith_link *l)
{
	(void)l;
	((struct end *)arg)->writable++;
}

static bool
may_dial(void *arg, uint64_t token, const struct kith_addr *a)
{
	assert_true(token != 0 && a->len > 0);
	return !((struct end *)arg)->refuse;
}

static void
end_init(struct end *e, struct net *n, const uint8_t *seed, struct kith_gate *gate)
{
	struct kith_link_conf conf = {
		.handler = { on_up, on_frame, on_down, on_dial_failed, on_writable, may_dial },
		.arg = e, .gate = gate, .queue_bytes = 4u << 20,
	};

	e->net = n;
	assert_ok(kith_tls_peer(seed, &e->tls));
	conf.tls = e->tls;
	e->links = kith_links_new(n->r, &conf);
	assert_non_null(e->links);
}

static struct net *
net_new(struct kith_gate *gate)
{
	struct net *n = calloc(1, sizeof(*n));
	struct kith_addr any;

	assert_non_null(n);
	n->now_ms = 5000;
	n->r = kith_reactor_new(1);
	assert_non_null(n->r);
	kith_reactor_set_clock(n->r, clock_ms, n);
	end_init(&n->a, n, seed_a, NULL);
	end_init(&n->b, n, seed_b, gate);
	assert_ok(kith_addr_parse("127.0.0.1:0", &any));
	assert_ok(kith_addr_listen(&any, &n->fd, &n->at, NULL));
	assert_ok(kith_links_listen(n->b.links, n->fd));
	(void)kith_addr_str(&n->at, n->name);
	return n;
}

static void
net_free(struct net *n)
{
	kith_links_free(n->a.links);
	kith_links_free(n->b.links);
	kith_reactor_free(n->r);
	kith_tls_free(n->a.tls);
	kith_tls_free(n->b.tls);
	kith_buf_fini(&n->a.got);
	kith_buf_fini(&n->b.got);
	close(n->fd);
	free(n);
}

static bool
until(struct net *n, const unsigned *what, unsigned want)
{
	int i;

	for (i = 0; i < PATIENCE && *what < want; i++)
		kith_reactor_turn(n->r, 2);
	return *what == want;
}

static void
idle(struct net *n)
{
	int i;

	for (i = 0; i < 20; i++)
		kith_reactor_turn(n->r, 1);
}

static struct kith_link *
link_of(struct end *e)
{
	struct kith_link *l = kith_link_find(e->links, e->last);

	assert_non_null(l);
	return l;
}

static void
connect_ends(struct net *n)
{
	assert_ok(kith_link_dial(n->a.links, n->name, 42));
	assert_int_equal(n->a.ups, 0);
	assert_true(until(n, &n->a.ups, 1));
	assert_true(until(n, &n->b.ups, 1));
}

static void
frames_go_both_ways(void **state)
{
	struct net *n = net_new(NULL);
	struct kith_signer *sa, *sb;

	(void)state;
	connect_ends(n);
	assert_ok(kith_signer_from_seed(seed_a, &sa));
	assert_ok(kith_signer_from_seed(seed_b, &sb));
	assert_memory_equal(n->a.pk, kith_signer_pk(sb), 32);
	assert_memory_equal(n->b.pk, kith_signer_pk(sa), 32);
	assert_memory_equal(n->a.exporter, n->b.exporter, 32);
	assert_int_equal(n->a.token, 42);
	assert_int_equal(n->b.token, 0);
	assert_int_equal(n->a.last >> 56, 1);
	assert_string_equal(n->a.remote, n->name);
	assert_int_equal(kith_links_count(n->a.links), 1);
	assert_ok(kith_link_send(link_of(&n->a), 'h', kith_slice_str("ello")));
	assert_ok(kith_link_send(link_of(&n->a), 'e', kith_slice_str("")));
	assert_ok(kith_link_send(link_of(&n->b), 'w', kith_slice_str("orld")));
	assert_true(until(n, &n->b.frames, 2));
	assert_true(until(n, &n->a.frames, 1));
	assert_slice_equal(kith_buf_slice(&n->b.got), "hello|e|", 8);
	assert_slice_equal(kith_buf_slice(&n->a.got), "world|", 6);
	kith_link_close(link_of(&n->a));
	assert_int_equal(n->a.downs, 0);
	assert_true(until(n, &n->a.downs, 1));
	assert_true(until(n, &n->b.downs, 1));
	assert_int_equal(n->a.why, KITH_LINK_OURS);
	assert_int_equal(n->b.why, KITH_LINK_CLOSED);
	assert_int_equal(kith_links_count(n->a.links), 0);
	kith_signer_free(sa);
	kith_signer_free(sb);
	net_free(n);
}

/* A frame of this length (type included) from a to b; true: b took it, false: b ended the link. */
static bool
takes(struct net *n, size_t len)
{
	unsigned had = n->b.frames;
	uint8_t *p = calloc(1, len);
	int i;

	assert_non_null(p);
	assert_ok(kith_link_send(link_of(&n->a), 'x', kith_slice_of(p, len - 1)));
	free(p);
	for (i = 0; i < PATIENCE && n->b.frames == had && n->b.downs == 0; i++)
		kith_reactor_turn(n->r, 2);
	return n->b.frames == had + 1;
}

static void
strangers_send_4_kib_and_peers_1_mib(void **state)
{
	struct net *n = net_new(NULL);

	(void)state;
	connect_ends(n);
	assert_true(takes(n, 4095));
	assert_true(takes(n, 4096));
	kith_link_trust(link_of(&n->b));
	assert_true(takes(n, 4097));
	assert_true(takes(n, KITH_LINK_FRAME_MAX - 1));
	assert_true(takes(n, KITH_LINK_FRAME_MAX));
	assert_int_equal(kith_link_send(link_of(&n->a), 'x', kith_slice_of("", KITH_LINK_FRAME_MAX)), KITH_E_LIMIT);
	net_free(n);
	n = net_new(NULL);
	connect_ends(n);
	assert_false(takes(n, 4097));
	assert_int_equal(n->b.why, KITH_LINK_MALFORMED);
	net_free(n);
}

static void
a_large_frame_waits_a_moment_for_trust(void **state)
{
	struct net *n = net_new(NULL);
	static uint8_t big[50000];

	(void)state;
	connect_ends(n);
	assert_ok(kith_link_send(link_of(&n->a), 'h', kith_slice_str("i")));
	assert_ok(kith_link_send(link_of(&n->a), 'b', kith_slice_of(big, sizeof(big))));
	assert_ok(kith_link_send(link_of(&n->a), 'c', kith_slice_str("")));
	assert_true(until(n, &n->b.frames, 1));
	idle(n);
	n->now_ms += 1999;
	idle(n);
	assert_int_equal(n->b.downs, 0);
	kith_link_trust(link_of(&n->b));
	assert_true(until(n, &n->b.frames, 3));
	assert_int_equal(n->b.bytes, 50001);
	net_free(n);
	n = net_new(NULL);
	connect_ends(n);
	assert_ok(kith_link_send(link_of(&n->a), 'h', kith_slice_str("i")));
	assert_ok(kith_link_send(link_of(&n->a), 'b', kith_slice_of(big, sizeof(big))));
	assert_true(until(n, &n->b.frames, 1));
	idle(n);
	n->now_ms += 2000;
	assert_true(until(n, &n->b.downs, 1));
	assert_int_equal(n->b.why, KITH_LINK_MALFORMED);
	net_free(n);
}

static void
a_pause_slows_the_sender_and_loses_nothing(void **state)
{
	static uint8_t part[100000];
	struct net *n = net_new(NULL);
	unsigned sent = 0;
	int i;

	(void)state;
	n->b.trust = true;
	connect_ends(n);
	n->b.stop = true;
	while (kith_link_send(link_of(&n->a), 'x', kith_slice_of(part, sizeof(part))) == KITH_OK && sent < 10000) {
		sent++;
		kith_reactor_turn(n->r, 0);
	}
	assert_true(sent > 20 && sent < 10000);
	assert_true(kith_link_backlog(link_of(&n->a)) > 3u << 20);
	assert_int_equal(n->a.writable, 0);
	assert_int_equal(n->b.frames, 1);
	kith_link_pause(link_of(&n->b), false);
	assert_true(until(n, &n->b.frames, 2));
	n->b.stop = false;
	kith_link_pause(link_of(&n->b), false);
	assert_true(until(n, &n->b.frames, sent));
	assert_int_equal(n->b.bytes, sent * sizeof(part));
	for (i = 0; i < PATIENCE && kith_link_backlog(link_of(&n->a)) > 0; i++)
		kith_reactor_turn(n->r, 1);
	assert_int_equal(kith_link_backlog(link_of(&n->a)), 0);
	assert_int_equal(n->a.writable, 1);
	net_free(n);
}

static void
what_is_queued_is_sent_before_the_goodbye(void **state)
{
	static uint8_t part[100000];
	struct net *n = net_new(NULL);
	int i;

	(void)state;
	n->b.trust = true;
	connect_ends(n);
	for (i = 0; i < 30; i++)
		assert_ok(kith_link_send(link_of(&n->a), 'x', kith_slice_of(part, sizeof(part))));
	kith_link_close(link_of(&n->a));
	assert_true(until(n, &n->b.downs, 1));
	assert_int_equal(n->b.frames, 30);
	assert_int_equal(n->b.why, KITH_LINK_CLOSED);
	net_free(n);
}

static void
trust_must_come_within_30_seconds(void **state)
{
	struct net *n = net_new(NULL);

	(void)state;
	n->a.trust = true;
	connect_ends(n);
	n->now_ms += 29999;
	idle(n);
	assert_int_equal(n->b.downs, 0);
	n->now_ms++;
	assert_true(until(n, &n->b.downs, 1));
	assert_int_equal(n->b.why, KITH_LINK_SLOW);
	assert_true(until(n, &n->a.downs, 1));
	assert_int_equal(n->a.why, KITH_LINK_CLOSED);
	net_free(n);
}

static void
dials_that_fail_say_why(void **state)
{
	struct net *n = net_new(NULL);
	struct kith_addr any, at;
	char name[64];
	int fd;
	static const char *const bad[] = { "", "localhost", "localhost:", "[::1]", "a b:1", "127.0.0.1:0", "127.0.0.1:99999" };
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_ok(kith_link_dial(n->a.links, bad[i], 7 + i));
		assert_int_equal(n->a.fails, i);
		assert_true(until(n, &n->a.fails, i + 1));
		assert_int_equal(n->a.why, KITH_LINK_NO_ADDRESS);
		assert_int_equal(n->a.failed, 7 + i);
		assert_non_null(strstr(n->a.text, "host:port"));
	}
	n->a.refuse = true;
	assert_ok(kith_link_dial(n->a.links, n->name, 20));
	assert_true(until(n, &n->a.fails, i + 1));
	assert_int_equal(n->a.why, KITH_LINK_NO_ADDRESS);
	assert_non_null(strstr(n->a.text, "may not be dialled"));
	n->a.refuse = false;
	/* nobody listens there */
	assert_ok(kith_addr_parse("127.0.0.1:0", &any));
	assert_ok(kith_addr_listen(&any, &fd, &at, NULL));
	(void)kith_addr_str(&at, name);
	close(fd);
	assert_ok(kith_link_dial(n->a.links, name, 21));
	assert_true(until(n, &n->a.fails, i + 2));
	assert_int_equal(n->a.why, KITH_LINK_NO_CONNECTION);
	assert_non_null(strstr(n->a.text, "refused"));
	/* somebody does, and says nothing */
	assert_ok(kith_addr_listen(&any, &fd, &at, NULL));
	(void)kith_addr_str(&at, name);
	assert_ok(kith_link_dial(n->a.links, name, 22));
	idle(n);
	n->now_ms += 9999;
	idle(n);
	assert_int_equal(n->a.fails, i + 2);
	n->now_ms++;
	assert_true(until(n, &n->a.fails, i + 3));
	assert_int_equal(n->a.why, KITH_LINK_NO_TLS);
	close(fd);
	assert_int_equal(n->a.ups, 0);
	net_free(n);
}

static void
names_are_looked_up(void **state)
{
	struct net *n = net_new(NULL);
	char name[80];

	(void)state;
	(void)snprintf(name, sizeof(name), "localhost:%u", kith_addr_port(&n->at));
	assert_ok(kith_link_dial(n->a.links, name, 42));
	assert_true(until(n, &n->a.ups, 1));
	assert_string_equal(n->a.remote, n->name);
	/* one under way when all ends: its answer goes nowhere */
	assert_ok(kith_link_dial(n->a.links, name, 43));
	kith_reactor_turn(n->r, 0);
	net_free(n);
}

static void
a_handshake_takes_10_seconds_at_most(void **state)
{
	struct net *n = net_new(NULL);
	struct pollfd p = { .events = POLLIN };
	char byte;
	int i;

	(void)state;
	p.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(p.fd, &n->at.u.sa, n->at.len), 0);
	idle(n);
	n->now_ms += 9999;
	idle(n);
	assert_int_equal(poll(&p, 1, 0), 0);
	n->now_ms++;
	for (i = 0; i < PATIENCE && poll(&p, 1, 0) == 0; i++)
		kith_reactor_turn(n->r, 1);
	assert_int_equal(recv(p.fd, &byte, 1, 0), 0);
	assert_int_equal(n->b.ups + n->b.downs, 0);
	assert_int_equal(kith_links_counts(n->b.links)->no_tls, 1);
	close(p.fd);
	net_free(n);
}

/* A peer of our own making, that sends raw bytes and then leaves in its way. */
static void
raw_peer(struct net *n, struct kith_slice bytes, bool goodbye)
{
	struct kith_tls *t;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), i, r = 0;
	SSL *ssl;

	assert_ok(kith_tls_peer(seed_a, &t));
	ssl = kith_tls_open(t, false);
	assert_int_equal(connect(fd, &n->at.u.sa, n->at.len), 0);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(SSL_set_fd(ssl, fd), 1);
	for (i = 0; i < PATIENCE && (r = SSL_do_handshake(ssl)) != 1; i++)
		kith_reactor_turn(n->r, 2);
	assert_int_equal(r, 1);
	assert_true(until(n, &n->b.ups, 1));
	assert_int_equal(SSL_write(ssl, bytes.p, (int)bytes.n), (int)bytes.n);
	idle(n);
	if (goodbye)
		(void)SSL_shutdown(ssl);
	SSL_free(ssl);
	ERR_clear_error();
	close(fd);
	assert_true(until(n, &n->b.downs, 1));
	kith_tls_free(t);
}

static void
half_frames_are_dropped(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		bool goodbye;
		unsigned frames;
		enum kith_link_end why;
	} rows[] = {
		{ "\0\0\0\2xy\0\0\0\5z", 11, true, 1, KITH_LINK_CLOSED },
		{ "\0\0\0\2xy\0\0\0\5z", 11, false, 1, KITH_LINK_CUT },
		{ "\0\0\0\2xy\0\0", 8, false, 1, KITH_LINK_CUT },
		{ "\0\0\0\0", 4, true, 0, KITH_LINK_MALFORMED },
		{ "\xff\xff\xff\xff", 4, true, 0, KITH_LINK_MALFORMED },
		{ "\0\0\0\1x\0\x10\0\1", 9, true, 1, KITH_LINK_MALFORMED },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct net *n = net_new(NULL);

		raw_peer(n, kith_slice_of(rows[i].bytes, rows[i].n), rows[i].goodbye);
		assert_int_equal(n->b.frames, rows[i].frames);
		assert_int_equal(n->b.why, rows[i].why);
		assert_int_equal(kith_links_counts(n->b.links)->malformed, rows[i].why == KITH_LINK_MALFORMED);
		net_free(n);
	}
}

static void
inbound_links_pass_the_gate(void **state)
{
	struct kith_gate_limits l = { .total = 10, .strangers = 100, .per_origin = 2 };
	struct kith_gate *gate = kith_gate_new(&l);
	struct net *n = net_new(gate);
	unsigned total, strangers;
	uint64_t refused;

	(void)state;
	connect_ends(n);
	kith_gate_count(gate, &total, &strangers, &refused);
	assert_int_equal(strangers, 1);
	kith_link_trust(link_of(&n->b));
	kith_link_trust(link_of(&n->b));
	kith_gate_count(gate, &total, &strangers, &refused);
	assert_int_equal(total, 1);
	assert_int_equal(strangers, 0);
	assert_ok(kith_link_dial(n->a.links, n->name, 2));
	assert_ok(kith_link_dial(n->a.links, n->name, 3));
	assert_ok(kith_link_dial(n->a.links, n->name, 4));
	assert_true(until(n, &n->a.ups, 3));
	assert_true(until(n, &n->a.fails, 1));
	assert_int_equal(n->a.why, KITH_LINK_NO_TLS);
	net_free(n);
	kith_gate_count(gate, &total, &strangers, &refused);
	assert_int_equal(total, 0);
	assert_int_equal(refused, 1);
	kith_gate_free(gate);
}

static void
reasons_have_words(void **state)
{
	int e;

	(void)state;
	for (e = KITH_LINK_CLOSED; e <= KITH_LINK_NO_TLS; e++)
		assert_string_not_equal(kith_link_end_name((enum kith_link_end)e), "unknown");
	assert_string_equal(kith_link_end_name((enum kith_link_end)99), "unknown");
}

static int
begin(void **state)
{
	(void)state;
	return sodium_init() < 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_go_both_ways),
		cmocka_unit_test(strangers_send_4_kib_and_peers_1_mib),
		cmocka_unit_test(a_large_frame_waits_a_moment_for_trust),
		cmocka_unit_test(a_pause_slows_the_sender_and_loses_nothing),
		cmocka_unit_test(what_is_queued_is_sent_before_the_goodbye),
		cmocka_unit_test(trust_must_come_within_30_seconds),
		cmocka_unit_test(dials_that_fail_say_why),
		cmocka_unit_test(names_are_looked_up),
		cmocka_unit_test(a_handshake_takes_10_seconds_at_most),
		cmocka_unit_test(half_frames_are_dropped),
		cmocka_unit_test(inbound_links_pass_the_gate),
		cmocka_unit_test(reasons_have_words),
	};

	return cmocka_run_group_tests_name("http/link", tests, begin, NULL);
}
