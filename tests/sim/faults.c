#include <string.h>

#include "tests/sim/clients.h"
#include "tests/sim/play.h"

/* What the world does to nodes, and how all of it ends. */

static void
put_back(struct play *p, int slot, bool told)
{
	int node = p->saved[slot].node;

	play_tell(p, "node %d gets its disk of %llu back%s", node, (unsigned long long)p->saved[slot].at_ms, told ? "" : ", unnoticed");
	world_kill(p->w, node);
	world_take_store(p->w, node, p->saved[slot].store, told);
	p->saved[slot].store = NULL;
	for (size_t i = 0; i < p->said.n; i++) {
		if (p->said.v[i].node == node && p->said.v[i].at_ms >= p->saved[slot].at_ms)
			p->said.v[i].lost = true;
	}
	for (int k = 0; k < PLAY_SAVED_MAX; k++) {
		/* an older copy of the same disk is no longer a copy of what it was */
		if (p->saved[k].store != NULL && p->saved[k].node == node) {
			kith_store_close(p->saved[k].store);
			p->saved[k].store = NULL;
		}
	}
	p->restored[node] = true;
	p->rolled_back |= !told;
	clients_forget(p, node);
	world_start(p->w, node);
}

static void
copy_disk(struct play *p, int node)
{
	for (int k = 0; k < PLAY_SAVED_MAX; k++) {
		if (p->saved[k].store == NULL) {
			play_tell(p, "node %d's disk is copied", node);
			p->saved[k].store = disk_copy(world_store(p->w, node));
			p->saved[k].node = node;
			p->saved[k].at_ms = world_now_ms(p->w);
			return;
		}
	}
}

static void
split(struct play *p, struct dice *d, bool silent)
{
	uint32_t side = dice_below(d, 1u << p->n_nodes), more = dice_chance(d, 20) ? dice_below(d, 1u << p->n_nodes) : 0;

	play_tell(p, "the network %s: %x %x", silent ? "falls silent" : "splits", side, more);
	for (int i = 0; i < p->n_nodes; i++) {
		for (int k = 0; k < i; k++) {
			/* more: some ways stay open across, so that a split may have any shape */
			bool apart = (side >> i & 1) != (side >> k & 1) && (more >> i & more >> k & 1) == 0;

			if (silent && apart) {
				world_block(p->w, i, k, true);
				world_block(p->w, k, i, true);
			} else {
				world_cut(p->w, i, k, apart);
			}
		}
	}
}

static void
net_step(struct play *p, struct dice *d, enum step_kind kind, int a, int b)
{
	switch (kind) {
	case NET_SPLIT:
	case NET_SILENCE:
		split(p, d, kind == NET_SILENCE);
		return;
	case NET_HEAL:
		play_tell(p, "the network heals");
		world_heal(p->w);
		return;
	default:
		break;
	}
	if (a == b)
		return;
	play_tell(p, "%s: %d and %d", step_name(kind), a, b);
	switch (kind) {
	case NET_ONE_WAY:
		world_block(p->w, a, b, true);
		break;
	case NET_DROP:
		world_drop_links(p->w, a, b);
		break;
	case NET_HALF_OPEN:
		world_half_open(p->w, a, b);
		break;
	case NET_SLOW:
		world_slow(p->w, a, b, 500 + dice_below(d, 50000));
		break;
	default:
		world_way(p->w, a, b, 1 + dice_below(d, 800), dice_below(d, 1500));
		world_way(p->w, b, a, 1 + dice_below(d, 800), dice_below(d, 1500));
		break;
	}
}

static void
start(struct play *p, int node)
{
	p->away[node] = false;
	if (!world_is_up(p->w, node)) {
		play_tell(p, "node %d starts", node);
		world_start(p->w, node);
	}
}

static void
node_step(struct play *p, struct dice *d, enum step_kind kind, int a)
{
	unsigned in = 1 + dice_below(d, 12);
	bool synced = dice_chance(d, 50);
	int slot = (int)dice_below(d, PLAY_SAVED_MAX);

	switch (kind) {
	case NODE_KILL:
	case NODE_AWAY:
		play_tell(p, "node %d %s", a, kind == NODE_KILL ? "dies" : "is gone for long");
		p->away[a] = kind == NODE_AWAY;
		world_kill(p->w, a);
		break;
	case NODE_CRASH:
		if (!world_is_up(p->w, a))
			break;
		play_tell(p, "node %d will die in %u batches, %s", a, in, synced ? "behind the sync" : "before the sync");
		world_crash(p->w, a, in, synced);
		break;
	case NODE_START:
		for (int i = 0; i < p->n_nodes; i++) {
			if (!p->away[i] && dice_chance(d, 60))
				start(p, i);
		}
		break;
	case NODE_COPY:
		copy_disk(p, a);
		break;
	default:
		if (p->saved[slot].store != NULL)
			put_back(p, slot, kind == NODE_RESTORE);
		break;
	}
}

static void
disk_step(struct play *p, struct dice *d, enum step_kind kind, int a)
{
	struct disk_troubles *bad = disk_troubles(world_store(p->w, a));

	play_tell(p, "%s: %d", step_name(kind), a);
	switch (kind) {
	case DISK_FULL:
		bad->full = true;
		break;
	case DISK_ROOM:
		bad->full = false;
		break;
	case DISK_SLOW:
		world_sync(p->w, a, dice_below(d, 3000));
		break;
	case DISK_FAIL:
		bad->fail_in = 1 + dice_below(d, 2000);
		break;
	default:
		bad->flip_in = 1 + dice_below(d, 60);
		bad->flip_bit = dice_below(d, 4096);
		break;
	}
}

static void
note_ahead(struct play *p)
{
	for (int i = 0; i < p->n_nodes; i++) {
		uint64_t ms = world_clock(p->w, i).wall_ms;

		if (ms > WORLD_START_WALL_MS && ms - WORLD_START_WALL_MS > p->ahead_ms)
			p->ahead_ms = ms - WORLD_START_WALL_MS;
	}
}

static void
clock_step(struct play *p, struct dice *d, enum step_kind kind, int a)
{
	note_ahead(p);
	switch (kind) {
	case CLOCK_JUMP:
		world_skew(p->w, a, dice_chance(d, 80) ? (int64_t)dice_below(d, 60000) - 30000 : (int64_t)dice_below(d, 400000) - 200000);
		break;
	case CLOCK_DRIFT:
		world_drift(p->w, a, (int)dice_below(d, 100000) - 50000);
		break;
	default:
		world_drift(p->w, a, 0);
		world_skew(p->w, a, 0);
		break;
	}
	note_ahead(p);
	play_tell(p, "node %d's clock is off by %lld", a, (long long)(world_clock(p->w, a).wall_ms - WORLD_START_WALL_MS - world_now_ms(p->w)));
}

void
faults_step(struct play *p, const struct step *s)
{
	struct dice d;
	int a, b;

	dice_seed(&d, s->roll, 6);
	a = (int)dice_below(&d, (uint32_t)p->n_nodes);
	b = (int)dice_below(&d, (uint32_t)p->n_nodes);
	if (s->kind <= NET_LAG)
		net_step(p, &d, s->kind, a, b);
	else if (s->kind <= NODE_ROLL_BACK)
		node_step(p, &d, s->kind, a);
	else if (s->kind <= DISK_FLIP)
		disk_step(p, &d, s->kind, a);
	else
		clock_step(p, &d, s->kind, a);
}

/* Everything works again, from now on. */
void
faults_heal(struct play *p)
{
	play_tell(p, "all heals");
	note_ahead(p);
	world_heal(p->w);
	for (int i = 0; i < p->n_nodes; i++) {
		struct disk_troubles *bad = disk_troubles(world_store(p->w, i));

		bad->full = false;
		bad->fail_in = bad->flip_in = 0;
		world_sync(p->w, i, p->story->sync_ms[i]);
		world_drift(p->w, i, 0);
		world_skew(p->w, i, 0);
		world_crash(p->w, i, 0, false);
		start(p, i);
	}
}

void
faults_fini(struct play *p)
{
	for (int i = 0; i < PLAY_SAVED_MAX; i++)
		kith_store_close(p->saved[i].store);
}
