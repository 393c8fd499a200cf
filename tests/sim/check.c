#include "tests/sim/check.h"

#include <string.h>

#include "storage/ledger.h"
#include "tests/sim/clients.h"

void
check_kept(struct play *p, int node)
{
	struct kith_txn *t;
	uint64_t pos;
	int r;

	disk_troubles(world_store(p->w, node))->calm = true;
	MUST(kith_store_begin(world_store(p->w, node), false, &t) == KITH_OK);
	for (size_t i = 0; i < p->said.n; i++) {
		const struct said *s = &p->said.v[i];

		if (s->node != node || s->lost)
			continue;
		r = kith_ledger_find(t, &s->rec, &pos);
		if (r != KITH_OK)
			play_fail(p, "what was acknowledged is there after any crash", "node %d, which said yes to %s %.10s at %llu, has it no more (%s)",
			    node, s->what, s->id, (unsigned long long)s->at_ms, kith_err_name(r));
	}
	kith_txn_abort(t);
	disk_troubles(world_store(p->w, node))->calm = false;
}

void
check_now(struct play *p)
{
	for (int i = 0; i < p->n_groups; i++) {
		struct look l;

		look_open(&l, p, &p->group[i]);
		check_same_state(&l);
		check_rebuild(&l);
		check_causes(&l);
		check_cuts(&l);
		check_private(&l);
		look_close(&l);
	}
	check_bounds(p);
}

bool
check_converged(struct play *p, char *why, size_t n_why)
{
	bool differ = false;

	for (int i = 0; i < p->n_groups && !differ; i++) {
		struct look l;
		char what[1500];
		int a, b;

		look_open(&l, p, &p->group[i]);
		differ = look_differ(&l, &a, &b, what, sizeof(what));
		if (differ)
			snprintf(why, n_why, "nodes %d and %d about %.8s: %s", a, b, p->group[i].id, what);
		look_close(&l);
	}
	return !differ;
}

void
check_end(struct play *p)
{
	load_check_answered(p);
	for (int i = 0; i < p->n_nodes; i++)
		check_kept(p, i);
	for (int i = 0; i < p->n_groups && !p->failed; i++) {
		struct look l;

		look_open(&l, p, &p->group[i]);
		check_same_state(&l);
		check_rebuild(&l);
		check_causes(&l);
		check_cuts(&l);
		check_private(&l);
		check_acked(&l);
		look_unlock(&l);
		check_screens(&l);
		look_close(&l);
	}
	clients_check(p);
	check_bounds(p);
	check_blame(p);
	check_quiet(p);
}
