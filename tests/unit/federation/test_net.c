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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_nodes_exchange),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
