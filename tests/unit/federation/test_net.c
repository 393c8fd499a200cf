#include <stdio.h>

#include "federation/frames.h"
#include "tests/sim/net.h"
#include "tests/unit/test.h"
#include "wire/mp.h"

struct pair {
	int a, b;
	const struct kith_id *group;
};

static bool
linked(struct net *n, void *arg)
{
	const struct pair *p = arg;

	return net_linked(n, p->a, p->b);
}

static bool
same(struct net *n, void *arg)
{
	const struct pair *p = arg;

	return net_same(n, p->a, p->b, p->group);
}

#define assert_linked(n, a, b, ms) assert_true(net_until((n), (ms), linked, &(struct pair){ (a), (b), NULL }))
#define assert_same(n, a, b, g, ms) assert_true(net_until((n), (ms), same, &(struct pair){ (a), (b), (g) }))

static void
two_nodes_exchange(void **state)
{
	struct net *n = net_new(1);
	struct kith_id g, p;
	int a, b;

	(void)state;
	a = net_node(n, "ada", NULL);
	b = net_node(n, "ben", (int[]){ a, -1 });
	assert_linked(n, a, b, 1000);
	g = net_group(n, a, false);
	net_bring(n, b, a, &g);
	p = net_panel(n, a, &g);
	assert_ok(net_post(n, a, &g, &p, 3, 20));
	assert_ok(net_post(n, b, &g, &p, 2, 20));
	assert_same(n, a, b, &g, 100);
	assert_int_equal(net_count(n, b, &g, &p), 5);
	net_free(n);
}

static void
a_chain_closes_to_a_ring(void **state)
{
	struct net *n = net_new(2);
	int a, b, c;

	(void)state;
	b = net_node(n, "ben", NULL);
	a = net_node(n, "ada", (int[]){ b, -1 });
	c = net_node(n, "cyn", (int[]){ b, -1 });
	assert_linked(n, a, b, 1000);
	assert_linked(n, b, c, 1000);
	assert_linked(n, a, c, 1000);
	net_free(n);
}

/* Three nodes, all in one group with a panel. */
static struct net *
three(uint64_t seed, struct kith_id *g, struct kith_id *p)
{
	struct net *n = net_new(seed);

	(void)net_node(n, "ada", NULL);
	(void)net_node(n, "ben", (int[]){ 0, -1 });
	(void)net_node(n, "cyn", (int[]){ 0, -1 });
	assert_linked(n, 0, 1, 1000);
	assert_linked(n, 0, 2, 1000);
	assert_linked(n, 1, 2, 5000);
	*g = net_group(n, 0, false);
	net_bring(n, 1, 0, g);
	net_bring(n, 2, 0, g);
	assert_same(n, 1, 2, g, 5000);
	*p = net_panel(n, 0, g);
	return n;
}

static void
what_one_writes_comes_to_all_at_once_and_once(void **state)
{
	struct kith_id g, p;
	struct net *n = three(3, &g, &p);
	uint64_t again[3];
	uint32_t held, of;
	int i;

	(void)state;
	net_run(n, 1000);
	for (i = 0; i < 3; i++)
		again[i] = net_counters(n, i).records_again;
	for (i = 0; i < 30; i++) {
		assert_ok(net_post(n, i % 3, &g, &p, 2, 50));
		net_run(n, 20);
	}
	net_run(n, 1000);
	for (i = 0; i < 3; i++) {
		assert_int_equal(net_count(n, i, &g, &p), 60);
		assert_int_equal(net_counters(n, i).records_again, again[i]);
		net_held_by(n, i, &g, &p, &held, &of);
		assert_int_equal(held, 3);
		assert_int_equal(of, 3);
	}
	net_free(n);
}

static void
a_split_heals(void **state)
{
	struct kith_id g, p;
	struct net *n = three(4, &g, &p);

	(void)state;
	net_cut_all(n, 2, true);
	net_run(n, 100);
	assert_ok(net_post(n, 0, &g, &p, 10, 30));
	assert_ok(net_post(n, 2, &g, &p, 10, 30));
	assert_ok(net_post(n, 1, &g, &p, 10, 30));
	net_run(n, 5000);
	assert_int_equal(net_count(n, 2, &g, &p), 10);
	assert_int_equal(net_count(n, 1, &g, &p), 20);
	net_cut_all(n, 2, false);
	assert_linked(n, 0, 2, 61000);
	assert_same(n, 0, 2, &g, 1000);
	assert_same(n, 1, 2, &g, 1000);
	assert_int_equal(net_count(n, 2, &g, &p), 30);
	net_free(n);
}

static void
a_node_that_was_away_catches_up_and_gets_each_record_once(void **state)
{
	struct kith_id g, p;
	struct net *n = three(5, &g, &p);
	struct kith_fed_counters c;
	uint64_t was;
	int i;

	(void)state;
	net_kill(n, 2);
	for (i = 0; i < 100; i++) {
		assert_ok(net_post(n, i % 2, &g, &p, 100, 100));
		net_run(n, 50);
	}
	net_run(n, 2000);
	assert_int_equal(net_count(n, 1, &g, &p), 10000);
	net_start(n, 2);
	was = net_now(n);
	assert_same(n, 0, 2, &g, 5000);
	print_message("# caught up 10,000 records in %d ms of the network's time\n", (int)(net_now(n) - was));
	assert_same(n, 1, 2, &g, 1000);
	net_run(n, 70000);
	c = net_counters(n, 2);
	assert_int_equal(c.records_in, 10000);
	assert_int_equal(c.records_again, 0);
	net_free(n);
}

static void
a_node_relays_between_two_that_cannot_link(void **state)
{
	struct kith_id g, p;
	struct net *n = three(6, &g, &p);
	uint64_t was;
	int i;

	(void)state;
	net_cut(n, 0, 2, true);
	net_run(n, 500);
	for (i = 0; i < 20; i++) {
		assert_ok(net_post(n, 0, &g, &p, 1, 30));
		net_run(n, 300);
	}
	assert_int_equal(net_count(n, 2, &g, &p), 20);
	/* asked for it once, and gets it at once from then on */
	was = net_frames(n, 2, KITH_FR_WANT_RANGE);
	assert_ok(net_post(n, 0, &g, &p, 1, 30));
	net_run(n, 30);
	assert_int_equal(net_count(n, 2, &g, &p), 21);
	assert_int_equal(net_frames(n, 2, KITH_FR_WANT_RANGE), was);
	net_free(n);
}

static bool
told(struct net *n, void *arg)
{
	return net_fetched(n, *(int *)arg) != 1;
}

static void
an_invite_brings_one_in_though_its_maker_is_dead(void **state)
{
	struct kith_id g, p;
	struct net *n = three(7, &g, &p);
	struct kith_link l;
	int d;

	(void)state;
	l = net_invite(n, 0, &g, (int[]){ 0, 1, -1 });
	net_run(n, 200);
	net_kill(n, 0);
	d = net_node(n, "dan", NULL);
	net_fetch(n, d, &l);
	assert_true(net_until(n, 20000, told, &d));
	assert_ok(net_fetched(n, d));
	assert_ok(net_join(n, d, &g, &l));
	assert_same(n, d, 1, &g, 5000);
	assert_same(n, d, 2, &g, 5000);
	assert_ok(net_post(n, d, &g, &p, 3, 30));
	assert_same(n, d, 2, &g, 1000);
	net_start(n, 0);
	assert_same(n, d, 0, &g, 5000);
	net_free(n);
}

static void
a_wrong_secret_and_a_missing_group_are_answered_alike(void **state)
{
	struct kith_id g, p;
	struct net *n = three(8, &g, &p);
	struct kith_link l = net_invite(n, 0, &g, (int[]){ 0, 1, -1 }), wrong = l;
	uint64_t at[2];
	int d;

	(void)state;
	d = net_node(n, "dan", NULL);
	wrong.secret[3] ^= 1;
	at[0] = net_now(n);
	net_fetch(n, d, &wrong);
	assert_true(net_until(n, 21000, told, &d));
	assert_int_equal(net_fetched(n, d), KITH_E_NOTFOUND);
	at[0] = net_now(n) - at[0];
	wrong = l;
	wrong.group.b[0] ^= 1;
	at[1] = net_now(n);
	net_fetch(n, d, &wrong);
	assert_true(net_until(n, 21000, told, &d));
	assert_int_equal(net_fetched(n, d), KITH_E_NOTFOUND);
	assert_false(net_holds(n, d, &g));
	net_free(n);
}

static void
who_is_told_of_a_group_by_mail_may_fetch_it(void **state)
{
	struct kith_id g, p;
	struct net *n = three(9, &g, &p);
	int d = net_node(n, "dan", (int[]){ 0, -1 });

	(void)state;
	assert_linked(n, 0, d, 1000);
	net_fetch_via(n, d, &g, 0);
	assert_true(net_until(n, 21000, told, &d));
	assert_int_equal(net_fetched(n, d), KITH_E_NOTFOUND);
	net_let_in(n, 0, d, &g);
	net_run(n, 100);
	net_fetch_via(n, d, &g, 0);
	assert_true(net_until(n, 21000, told, &d));
	assert_ok(net_fetched(n, d));
	assert_true(net_holds(n, d, &g));
	net_free(n);
}

static void
private_panels_go_to_the_nodes_that_may_see_them(void **state)
{
	struct kith_id g, p, q;
	struct net *n = three(10, &g, &p);

	(void)state;
	q = net_private_panel(n, 0, &g, 1);
	net_run(n, 500);
	assert_ok(net_post(n, 0, &g, &q, 5, 30));
	assert_ok(net_post(n, 0, &g, &p, 1, 30));
	net_run(n, 500);
	assert_int_equal(net_count(n, 1, &g, &q), 5);
	assert_int_equal(net_count(n, 2, &g, &q), 0);
	assert_int_equal(net_count(n, 2, &g, &p), 1);
	net_run(n, 130000);
	assert_int_equal(net_count(n, 2, &g, &q), 0);
	/* and not by asking, nor as history */
	net_want_history(n, 2, &g, &q, 0, 50);
	net_run(n, 1000);
	assert_int_equal(net_in_order(n, 2, &g, &q), 0);
	net_free(n);
}

static void
history_comes_newest_first(void **state)
{
	struct kith_id g, p;
	struct net *n = net_new(11);
	struct kith_link l;
	int a, b, i;

	(void)state;
	a = net_node(n, "ada", NULL);
	b = net_node(n, "ben", (int[]){ a, -1 });
	assert_linked(n, a, b, 1000);
	g = net_group(n, a, false);
	p = net_panel(n, a, &g);
	for (i = 0; i < 30; i++)
		assert_ok(net_post(n, a, &g, &p, 100, 1000));
	l = net_invite(n, a, &g, (int[]){ a, -1 });
	net_fetch(n, b, &l);
	assert_true(net_until(n, 20000, told, &b));
	assert_ok(net_fetched(n, b));
	net_delay(n, a, 100);
	assert_ok(net_join(n, b, &g, &l));
	net_run(n, 500);
	net_want_history(n, b, &g, &p, 0, 50);
	net_run(n, 260);
	assert_in_range(net_in_order(n, b, &g, &p), 50, 2999);
	assert_same(n, a, b, &g, 20000);
	assert_int_equal(net_count(n, b, &g, &p), 3000);
	net_free(n);
}

static void
large_messages_come_in_several_frames(void **state)
{
	struct kith_id g, p;
	struct net *n = three(12, &g, &p);

	(void)state;
	net_kill(n, 2);
	assert_ok(net_post(n, 0, &g, &p, 100, 30000));
	net_run(n, 1000);
	net_start(n, 2);
	assert_same(n, 0, 2, &g, 5000);
	assert_same(n, 0, 1, &g, 5000);
	assert_int_equal(net_count(n, 2, &g, &p), 100);
	net_free(n);
}

static void
a_node_that_takes_nothing_in_delays_nobody_else(void **state)
{
	struct kith_id g, p;
	struct net *n = three(13, &g, &p);
	struct kith_peer_info peer;
	int i;

	(void)state;
	net_stall(n, 2, true);
	for (i = 0; i < 200; i++) {
		assert_ok(net_post(n, 0, &g, &p, 20, 500));
		net_run(n, 100);
		assert_true(net_queued(n, 2) < 8u << 20);
		if (net_peer(n, 0, 2, &peer))
			assert_true(peer.queued < 8u << 20);
	}
	assert_same(n, 0, 1, &g, 500);
	net_stall(n, 2, false);
	assert_same(n, 0, 2, &g, 70000);
	net_free(n);
}

static void
more_than_a_peer_may_push_comes_later_and_is_never_lost(void **state)
{
	struct kith_id g, p;
	struct net *n = three(14, &g, &p);
	int i;

	(void)state;
	for (i = 0; i < 100; i++) {
		assert_ok(net_post(n, 0, &g, &p, 100, 200));
		net_run(n, 20);
	}
	assert_same(n, 0, 1, &g, 5000);
	assert_same(n, 0, 2, &g, 5000);
	net_run(n, 40000);
	assert_linked(n, 0, 1, 1);
	assert_int_equal(net_counters(n, 1).malformed, 0);
	net_free(n);
}

static void
frame(struct kith_buf *b, uint32_t n)
{
	kith_buf_init(b, 0);
	kith_mp_put_array(b, n);
}

static void
bad_frames_cost_their_sender_alone(void **state)
{
	static const uint8_t garbage[] = { 0xdd, 0xff, 0xff, 0xff, 0xff };
	struct kith_id g, p, other;
	struct net *n = three(15, &g, &p);
	struct kith_peer_info peer;
	struct kith_buf b;
	uint8_t *big = calloc(1, 1u << 20);
	int type;

	(void)state;
	assert_non_null(big);
	/* malformed: the link ends, and it may come back */
	net_send(n, 2, 0, KITH_FR_DIGEST, kith_slice_of(garbage, sizeof(garbage)));
	net_run(n, 10);
	assert_false(net_linked(n, 0, 2));
	assert_true(net_peer(n, 0, 2, &peer));
	assert_in_range(peer.penalty_ms, 9000, 10000);
	assert_linked(n, 0, 2, 5000);
	/* twice within the time: it stays out until that has decayed */
	net_send(n, 2, 0, 99, kith_slice_of(garbage, 1));
	net_run(n, 10);
	assert_true(net_peer(n, 0, 2, &peer));
	assert_true(peer.penalty_ms > 15000);
	net_run(n, 1000);
	assert_false(net_linked(n, 0, 2));
	assert_linked(n, 0, 2, 70000);
	net_run(n, 30000);
	/* a group that it has no part in */
	other = g;
	other.b[5] ^= 1;
	frame(&b, 1);
	kith_mp_put_id(&b, &other);
	net_send(n, 2, 0, KITH_FR_SHOW, kith_buf_slice(&b));
	net_run(n, 10);
	assert_true(net_peer(n, 0, 2, &peer));
	assert_in_range(peer.penalty_ms, 4000, 5000);
	assert_true(net_linked(n, 0, 2));
	kith_buf_fini(&b);
	net_run(n, 20000);
	/* every type, empty and far too large */
	for (type = 1; type < KITH_FR_COUNT_; type++) {
		net_send(n, 2, 0, (uint8_t)type, kith_slice_of(NULL, 0));
		net_run(n, 20);
		net_run(n, 120000);
		assert_linked(n, 0, 2, 120000);
		net_send(n, 2, 0, (uint8_t)type, kith_slice_of(big, 1u << 20));
		net_run(n, 20);
		net_run(n, 120000);
		assert_linked(n, 0, 2, 120000);
	}
	free(big);
	/* nobody else has noticed */
	assert_true(net_linked(n, 0, 1));
	assert_true(net_peer(n, 0, 1, &peer));
	assert_int_equal(peer.penalty_ms, 0);
	assert_int_equal(peer.refused, 0);
	assert_ok(net_post(n, 2, &g, &p, 1, 10));
	assert_same(n, 0, 2, &g, 1000);
	net_free(n);
}

static void
answers_that_are_none_cost_their_sender(void **state)
{
	struct kith_id g, p;
	struct net *n = three(15, &g, &p);
	struct kith_peer_info peer;
	struct kith_buf b;

	(void)state;
	/* of a request that is none of ours nothing is thought */
	frame(&b, 2);
	kith_mp_put_uint(&b, 999999);
	kith_mp_put_bool(&b, true);
	net_send(n, 2, 0, KITH_FR_DONE, kith_buf_slice(&b));
	kith_buf_fini(&b);
	net_run(n, 10);
	assert_true(net_peer(n, 0, 2, &peer));
	assert_int_equal(peer.penalty_ms, 0);
	/* it says that it holds something, is asked for it, and says that it has given it */
	net_cut_all(n, 0, true);
	net_run(n, 1000);
	assert_ok(net_post(n, 2, &g, &p, 20, 10));
	net_run(n, 1000);
	net_cut(n, 0, 2, false);
	net_withhold(n, 2, KITH_FR_RUN, true);
	assert_linked(n, 0, 2, 70000);
	net_run(n, 50);
	assert_true(net_peer(n, 0, 2, &peer));
	assert_in_range(peer.penalty_ms, 9000, 20000);
	net_run(n, 1000);
	assert_false(net_linked(n, 0, 2));
	/* another gives it, who has had it from there; and who is honest again is asked again */
	net_cut_all(n, 0, false);
	assert_same(n, 0, 1, &g, 90000);
	net_withhold(n, 2, KITH_FR_RUN, false);
	assert_ok(net_post(n, 2, &g, &p, 20, 10));
	assert_same(n, 0, 2, &g, 120000);
	assert_true(net_peer(n, 0, 1, &peer));
	assert_int_equal(peer.penalty_ms, 0);
	net_free(n);
}

static void
strangers_who_say_nothing_good_are_let_go(void **state)
{
	static const uint8_t hello[] = { 0x96, 1, 0, 0xc4, 1, 0, 0, 0x90, 0xc4, 0 };
	struct net *n = net_new(16);
	struct kith_buf b;
	uint64_t link;
	int a = net_node(n, "ada", NULL);

	(void)state;
	link = net_stranger(n, a);
	net_run(n, 29000);
	assert_true(net_stranger_up(n, link));
	net_run(n, 2000);
	assert_false(net_stranger_up(n, link));
	link = net_stranger(n, a);
	net_run(n, 10);
	net_stranger_send(n, link, KITH_FR_HELLO, kith_slice_of(hello, sizeof(hello)));
	net_run(n, 10);
	assert_false(net_stranger_up(n, link));
	assert_int_equal(net_counters(n, a).malformed, 1);
	/* anything but a greeting */
	link = net_stranger(n, a);
	net_run(n, 10);
	frame(&b, 1);
	kith_mp_put_uint(&b, 7);
	net_stranger_send(n, link, KITH_FR_PING, kith_buf_slice(&b));
	net_run(n, 10);
	assert_false(net_stranger_up(n, link));
	kith_buf_fini(&b);
	/* and then its address is not listened to for a while */
	link = net_stranger(n, a);
	net_run(n, 10);
	assert_false(net_stranger_up(n, link));
	net_run(n, 10000);
	link = net_stranger(n, a);
	net_run(n, 10);
	assert_true(net_stranger_up(n, link));
	net_free(n);
}

static void
a_greeting_for_another_session_is_refused(void **state)
{
	struct net *n = net_new(17);
	uint64_t link;
	int a = net_node(n, "ada", NULL), b = net_node(n, "ben", (int[]){ 0, -1 });
	struct kith_buf f;
	uint8_t sig[64] = { 1 };

	(void)state;
	assert_linked(n, a, b, 1000);
	/* somebody who has ben's records and not its keys */
	link = net_stranger(n, a);
	net_run(n, 10);
	frame(&f, 6);
	kith_mp_put_uint(&f, 1);
	kith_mp_put_uint(&f, 0);
	kith_mp_put_id(&f, net_id(n, b));
	kith_mp_put_uint(&f, 0);
	kith_mp_put_array(&f, 1);
	kith_mp_put_bin(&f, net_node_record(n, b));
	kith_mp_put_bin(&f, kith_slice_of(sig, sizeof(sig)));
	net_stranger_send(n, link, KITH_FR_HELLO, kith_buf_slice(&f));
	kith_buf_fini(&f);
	net_run(n, 10);
	assert_false(net_stranger_up(n, link));
	assert_int_equal(net_counters(n, a).bad_signature, 1);
	assert_true(net_linked(n, a, b));
	net_free(n);
}

static void
mail_is_kept_and_tried_until_it_is_taken_once(void **state)
{
	struct net *n = net_new(18);
	int a = net_node(n, "ada", NULL), b = net_node(n, "ben", (int[]){ 0, -1 });

	(void)state;
	assert_linked(n, a, b, 1000);
	net_mail(n, a, b, KITH_MAIL_FRIEND, "hello");
	net_run(n, 100);
	assert_int_equal(net_mails(n, b), 1);
	/* away, and its sender restarted meanwhile */
	net_kill(n, b);
	net_run(n, 100);
	net_mail(n, a, b, KITH_MAIL_FRIEND, "are you there");
	net_mail(n, a, b, KITH_MAIL_FRIEND, "well");
	net_run(n, 90000);
	net_kill(n, a);
	net_start(n, a);
	net_start(n, b);
	assert_linked(n, a, b, 61000);
	net_run(n, 500);
	assert_int_equal(net_mails(n, b), 3);
	/* not now: asked again; never: forgotten */
	net_mail_answer(n, b, KITH_E_BUSY);
	net_mail(n, a, b, KITH_MAIL_FRIEND, "busy");
	net_run(n, 40000);
	assert_int_equal(net_mails(n, b), 3);
	net_mail_answer(n, b, KITH_OK);
	net_run(n, 40000);
	assert_int_equal(net_mails(n, b), 4);
	net_mail_answer(n, b, KITH_E_DENIED);
	net_mail(n, a, b, KITH_MAIL_FRIEND, "no");
	net_run(n, 100);
	net_mail_answer(n, b, KITH_OK);
	net_run(n, 120000);
	assert_int_equal(net_mails(n, b), 4);
	net_free(n);
}

static void
questions_are_answered_or_given_up(void **state)
{
	struct net *n = net_new(19);
	int a = net_node(n, "ada", NULL), b = net_node(n, "ben", (int[]){ 0, -1 });

	(void)state;
	assert_linked(n, a, b, 1000);
	net_ask(n, a, b, "who", 1000);
	net_run(n, 50);
	assert_ok(net_answer(n, a));
	net_ask(n, a, b, "?", 1000);
	net_run(n, 50);
	assert_int_equal(net_answer(n, a), KITH_E_NOTFOUND);
	net_kill(n, b);
	net_run(n, 100);
	net_ask(n, a, b, "who", 1000);
	net_run(n, 900);
	assert_int_equal(net_answer(n, a), 1);
	net_run(n, 200);
	assert_int_equal(net_answer(n, a), KITH_E_BUSY);
	net_free(n);
}

static void
what_passes_comes_from_the_home_of_whom_it_is_about(void **state)
{
	struct kith_id g, p;
	struct net *n = three(20, &g, &p);
	int i;

	(void)state;
	net_typing(n, 0, &g, &p, 0);
	net_run(n, 50);
	assert_int_equal(net_fleeting(n, 1), 1);
	assert_int_equal(net_fleeting(n, 2), 1);
	net_typing(n, 0, &g, &p, 1);            /* ada's node about ben */
	net_run(n, 50);
	assert_int_equal(net_fleeting(n, 1), 1);
	assert_int_equal(net_fleeting(n, 2), 1);
	net_run(n, 1000 - net_now(n) % 1000);
	for (i = 0; i < 50; i++)
		net_typing(n, 0, &g, &p, 0);
	net_run(n, 50);
	assert_int_equal(net_fleeting(n, 1), 21);
	net_free(n);
}

static void
a_banned_node_keeps_authority_and_gets_no_more(void **state)
{
	struct kith_id g, p;
	struct net *n = three(21, &g, &p);
	struct kith_id authority = { { 0 } };
	uint64_t had;

	(void)state;
	assert_ok(net_post(n, 0, &g, &p, 5, 20));
	net_run(n, 500);
	assert_int_equal(net_count(n, 2, &g, &p), 5);
	assert_ok(net_ban_node(n, 0, &g, 2));
	net_run(n, 500);
	assert_ok(net_post(n, 0, &g, &p, 5, 20));
	had = net_count(n, 2, &g, &authority);
	(void)net_private_panel(n, 0, &g, 1);
	net_run(n, 100000);
	assert_int_equal(net_count(n, 1, &g, &p), 10);
	assert_int_equal(net_count(n, 2, &g, &p), 5);
	assert_int_equal(net_count(n, 2, &g, &authority), had + 2);
	net_free(n);
}

static void
proof_of_two_records_at_one_place_goes_round(void **state)
{
	struct kith_id g, p;
	struct net *n = three(22, &g, &p);

	(void)state;
	assert_ok(net_post(n, 0, &g, &p, 3, 20));
	net_run(n, 500);
	net_equivocate(n, 0, &g, &p, 1, 2);
	net_run(n, 120000);
	assert_true(net_forked(n, 1, &g, &p));
	assert_true(net_forked(n, 2, &g, &p));
	assert_true(net_counters(n, 1).evidence + net_counters(n, 2).evidence > 0);
	assert_same(n, 1, 2, &g, 1000);
	net_free(n);
}

static void
nodes_that_only_dial_are_linked_and_served(void **state)
{
	struct net *n = net_new(23);
	struct kith_id g, p;
	int a = net_node(n, "ada", NULL), b = net_node(n, "ben", (int[]){ 0, -1 }), c = net_node(n, "cyn", (int[]){ 0, -1 });

	(void)state;
	net_kill(n, b);
	net_dial_only(n, b);
	net_start(n, b);
	net_kill(n, c);
	net_dial_only(n, c);
	net_start(n, c);
	assert_linked(n, a, b, 61000);
	assert_linked(n, a, c, 61000);
	net_run(n, 10000);
	assert_false(net_linked(n, b, c));
	g = net_group(n, a, false);
	net_bring(n, b, a, &g);
	net_bring(n, c, a, &g);
	p = net_panel(n, a, &g);
	assert_ok(net_post(n, b, &g, &p, 3, 20));
	assert_same(n, b, c, &g, 1000);
	net_free(n);
}

static void
many_nodes_agree_with_links_that_come_and_go(void **state)
{
	struct net *n = net_new(24);
	struct kith_id g, p;
	int i, k, round;

	(void)state;
	for (i = 0; i < 8; i++)
		(void)net_node(n, (char[]){ (char)('a' + i), '\0' }, i == 0 ? NULL : (int[]){ (i - 1) / 2, -1 });
	net_run(n, 3000);
	g = net_group(n, 0, false);
	for (i = 1; i < 8; i++)
		net_bring(n, i, (i - 1) / 2, &g);
	p = net_panel(n, 0, &g);
	for (round = 0; round < 10; round++) {
		for (i = 0; i < 8; i++)
			for (k = 0; k < i; k++)
				net_cut(n, i, k, (i * 7 + k * 5 + round * 3) % 4 == 0);
		for (i = 0; i < 8; i++)
			net_delay(n, i, (uint64_t)(i * round) % 40);
		for (i = 0; i < 8; i++)
			assert_ok(net_post(n, i, &g, &p, 3, 40));
		net_run(n, 2000);
	}
	for (i = 0; i < 8; i++)
		for (k = 0; k < i; k++)
			net_cut(n, i, k, false);
	for (i = 1; i < 8; i++)
		assert_same(n, 0, i, &g, 70000);
	assert_int_equal(net_count(n, 7, &g, &p), 240);
	net_free(n);
}

static void
a_large_group_passes_things_along(void **state)
{
	struct net *n = net_new(25);
	struct kith_fed_counters c;
	struct kith_id g, p;
	uint64_t again = 0, in = 0;
	char name[16];
	int i;

	(void)state;
	for (i = 0; i < 30; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		(void)net_node(n, name, i == 0 ? NULL : (int[]){ i / 2, -1 });
	}
	net_run(n, 3000);
	g = net_group(n, 0, false);
	for (i = 1; i < 30; i++)
		net_bring(n, i, i / 2, &g);
	for (i = 1; i < 30; i++)
		assert_same(n, 0, i, &g, 70000);
	p = net_panel(n, 0, &g);
	for (i = 0; i < 60; i++) {
		assert_ok(net_post(n, i % 30, &g, &p, 1, 40));
		net_run(n, 200);
	}
	net_run(n, 1000);
	for (i = 0; i < 30; i++)
		assert_int_equal(net_count(n, i, &g, &p), 60);
	/* by now the tree has found itself: what comes twice has become rare */
	for (i = 0; i < 30; i++) {
		c = net_counters(n, i);
		again -= c.records_again;
		in -= c.records_in;
	}
	for (i = 0; i < 60; i++) {
		assert_ok(net_post(n, i % 30, &g, &p, 1, 40));
		net_run(n, 200);
	}
	for (i = 0; i < 30; i++) {
		c = net_counters(n, i);
		again += c.records_again;
		in += c.records_in;
	}
	print_message("# 60 messages to 30 nodes: %d records came, %d of them again\n", (int)in, (int)again);
	assert_in_range(again, 0, 60 * 29 / 4);
	net_kill(n, 3);
	net_kill(n, 5);
	assert_ok(net_post(n, 0, &g, &p, 1, 40));
	net_run(n, 2000);
	for (i = 0; i < 30; i++)
		if (i != 3 && i != 5)
			assert_int_equal(net_count(n, i, &g, &p), 121);
	net_free(n);
}

static void
a_node_goes_on_with_new_keys_and_a_new_root(void **state)
{
	struct kith_id g, p;
	struct net *n = three(26, &g, &p);
	int i;

	(void)state;
	assert_ok(net_post(n, 1, &g, &p, 3, 20));
	net_run(n, 500);
	for (i = 0; i < 6; i++) {               /* more records than one greeting takes */
		net_kill(n, 1);
		net_rotate(n, 1, i % 2 == 1);
		net_start(n, 1);
		assert_linked(n, 0, 1, 61000);
		assert_linked(n, 1, 2, 61000);
		assert_ok(net_post(n, 1, &g, &p, 3, 20));
		assert_same(n, 0, 1, &g, 1000);
		assert_same(n, 2, 1, &g, 1000);
	}
	/* one who comes later learns all of its records */
	i = net_node(n, "dan", (int[]){ 2, -1 });
	assert_linked(n, i, 2, 1000);
	net_bring(n, i, 2, &g);
	assert_int_equal(net_count(n, i, &g, &p), 21);
	assert_linked(n, i, 1, 5000);
	net_free(n);
}

static void
who_has_a_nodes_records_and_not_its_keys_is_not_that_node(void **state)
{
	struct kith_id g, p;
	struct net *n = three(27, &g, &p);
	uint64_t was = net_counters(n, 0).bad_signature;

	(void)state;
	net_kill(n, 1);
	net_steal(n, 1);
	net_start(n, 1);
	net_run(n, 120000);
	assert_false(net_linked(n, 0, 1));
	assert_false(net_linked(n, 2, 1));
	assert_true(net_counters(n, 0).bad_signature > was);
	assert_ok(net_post(n, 0, &g, &p, 3, 20));
	assert_same(n, 0, 2, &g, 500);
	net_free(n);
}

static void
a_node_without_full_copies_has_news_and_what_is_asked_for(void **state)
{
	struct kith_id g, p;
	struct net *n = three(28, &g, &p);

	(void)state;
	net_kill(n, 2);
	net_sparse(n, 2);
	assert_ok(net_post(n, 0, &g, &p, 600, 50));
	net_start(n, 2);
	net_run(n, 120000);
	assert_int_equal(net_in_order(n, 2, &g, &p), 0);
	assert_ok(net_post(n, 0, &g, &p, 2, 50));
	net_run(n, 500);
	assert_int_equal(net_in_order(n, 2, &g, &p), 2);
	net_want_history(n, 2, &g, &p, 0, 50);
	net_run(n, 500);
	assert_in_range(net_in_order(n, 2, &g, &p), 50, 400);
	net_free(n);
}

static int
throw(uint64_t *dice, int sides)
{
	*dice = *dice * 6364136223846793005u + 1442695040888963407u;
	return (int)(*dice >> 33) % sides;
}

/* Cuts, delays, ends and starts, new people, private panels, as the seed has it; then peace. */
static void
storm(uint64_t seed, int nodes, int rounds)
{
	struct net *n = net_new(seed);
	struct kith_id g, panel[4];
	uint64_t dice = seed * 2654435761u + 12345;
	bool up[16], in[16] = { true };
	char name[16];
	int i, k, round, panels = 1;

	for (i = 0; i < nodes; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		(void)net_node(n, name, i == 0 ? NULL : (int[]){ throw(&dice, i), -1 });
		up[i] = true;
	}
	net_run(n, 3000);
	g = net_group(n, 0, false);
	panel[0] = net_panel(n, 0, &g);
	for (round = 0; round < rounds; round++) {
		i = throw(&dice, nodes);
		k = throw(&dice, nodes);
		switch (throw(&dice, 8)) {
		case 0:
			if (i != k)
				net_cut(n, i, k, throw(&dice, 2) == 0);
			break;
		case 1:
			if (up[i])
				net_kill(n, i);
			else
				net_start(n, i);
			up[i] = !up[i];
			break;
		case 2:
			net_delay(n, i, (uint64_t)throw(&dice, 200));
			break;
		case 3:
			if (!up[i] || in[i])
				break;
			for (k = 0; k < nodes && !(up[k] && in[k]); k++)
				;
			if (k == nodes || !net_linked(n, i, k))
				break;
			for (int q = 0; q < 2; q++)
				net_delay(n, q == 0 ? i : k, 0);
			net_run(n, 1000);
			if (!net_linked(n, i, k))
				break;
			net_bring(n, i, k, &g);
			in[i] = true;
			break;
		case 4:
			if (panels < 4 && up[0] && i != 0 && in[i])
				panel[panels++] = net_private_panel(n, 0, &g, i);
			break;
		default:
			if (up[i] && in[i])
				(void)net_post(n, i, &g, &panel[throw(&dice, panels)], (size_t)(1 + throw(&dice, 30)), (size_t)throw(&dice, 300));
			break;
		}
		net_run(n, (uint64_t)throw(&dice, 1500));
	}
	for (i = 0; i < nodes; i++) {
		net_delay(n, i, 0);
		if (!up[i])
			net_start(n, i);
		for (k = 0; k < i; k++)
			net_cut(n, i, k, false);
	}
	for (i = 1; i < nodes; i++) {
		if (in[i] && !net_until(n, 130000, same, &(struct pair){ 0, i, &g }))
			fail_msg("seed %d: node %d differs", (int)seed, i);
	}
	for (i = 0; i < nodes; i++)
		assert_int_equal(net_counters(n, i).bad_signature + net_counters(n, i).malformed, 0);
	net_free(n);
}

static void
after_any_storm_all_agree(void **state)
{
	const char *seeds = getenv("KITH_SEEDS");
	int i, last = seeds != NULL ? atoi(seeds) : 6;

	(void)state;
	for (i = 1; i <= last; i++)
		storm((uint64_t)i, 3 + i % 5, getenv("KITH_ROUNDS") != NULL ? atoi(getenv("KITH_ROUNDS")) : 60);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_nodes_exchange),
		cmocka_unit_test(a_chain_closes_to_a_ring),
		cmocka_unit_test(what_one_writes_comes_to_all_at_once_and_once),
		cmocka_unit_test(a_split_heals),
		cmocka_unit_test(a_node_that_was_away_catches_up_and_gets_each_record_once),
		cmocka_unit_test(a_node_relays_between_two_that_cannot_link),
		cmocka_unit_test(an_invite_brings_one_in_though_its_maker_is_dead),
		cmocka_unit_test(a_wrong_secret_and_a_missing_group_are_answered_alike),
		cmocka_unit_test(who_is_told_of_a_group_by_mail_may_fetch_it),
		cmocka_unit_test(private_panels_go_to_the_nodes_that_may_see_them),
		cmocka_unit_test(history_comes_newest_first),
		cmocka_unit_test(large_messages_come_in_several_frames),
		cmocka_unit_test(a_node_that_takes_nothing_in_delays_nobody_else),
		cmocka_unit_test(more_than_a_peer_may_push_comes_later_and_is_never_lost),
		cmocka_unit_test(bad_frames_cost_their_sender_alone),
		cmocka_unit_test(answers_that_are_none_cost_their_sender),
		cmocka_unit_test(strangers_who_say_nothing_good_are_let_go),
		cmocka_unit_test(a_greeting_for_another_session_is_refused),
		cmocka_unit_test(mail_is_kept_and_tried_until_it_is_taken_once),
		cmocka_unit_test(questions_are_answered_or_given_up),
		cmocka_unit_test(what_passes_comes_from_the_home_of_whom_it_is_about),
		cmocka_unit_test(a_banned_node_keeps_authority_and_gets_no_more),
		cmocka_unit_test(proof_of_two_records_at_one_place_goes_round),
		cmocka_unit_test(nodes_that_only_dial_are_linked_and_served),
		cmocka_unit_test(a_node_goes_on_with_new_keys_and_a_new_root),
		cmocka_unit_test(who_has_a_nodes_records_and_not_its_keys_is_not_that_node),
		cmocka_unit_test(a_node_without_full_copies_has_news_and_what_is_asked_for),
		cmocka_unit_test(many_nodes_agree_with_links_that_come_and_go),
		cmocka_unit_test(a_large_group_passes_things_along),
		cmocka_unit_test(after_any_storm_all_agree),
	};

	cmocka_set_test_filter(getenv("KITH_TEST"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
