#include <string.h>

#include "storage/ledger.h"
#include "tests/sim/check.h"

/* What a node may hold, say and hold against others. */
#define QUIET_FRAMES 40                 /* of one node to another in a minute */
#define QUEUED_MAX (8u << 20)
#define GROUP_MEMORY_MAX (80u << 20)

static unsigned long long
number_in(const char *text, const char *key)
{
	const char *p = strstr(text, key);

	return p != NULL ? strtoull(p + strlen(key), NULL, 10) : 0;
}

void
check_quiet(struct play *p)
{
	uint64_t before[STORY_NODES_MAX][STORY_NODES_MAX];

	for (int i = 0; i < p->n_nodes; i++) {
		for (int k = 0; k < p->n_nodes; k++)
			before[i][k] = world_frames(p->w, i, k);
	}
	world_run(p->w, 60000);
	for (int i = 0; i < p->n_nodes; i++) {
		for (int k = 0; k < p->n_nodes; k++) {
			uint64_t n = world_frames(p->w, i, k) - before[i][k];

			if (play_correct(p, i) && play_correct(p, k) && n > QUIET_FRAMES)
				play_fail(p, "quiet networks go quiet", "%llu frames from %d to %d in a quiet minute", (unsigned long long)n, i, k);
		}
	}
}

/* Proofs of equivocation: one a feed at most; only of those who did, or whose disk was put back behind their back. */
static void
bounded_evidence(struct play *p, int node)
{
	struct kith_cursor *c;
	struct kith_slice k, v;
	struct kith_txn *t;
	int r;

	MUST(kith_store_begin(world_store(p->w, node), false, &t) == KITH_OK);
	MUST(kith_cursor_open(t, KITH_T_PROOF, &c) == KITH_OK);
	for (r = kith_cursor_seek(c, kith_slice_of(NULL, 0), false, &k, &v); r == KITH_OK; r = kith_cursor_step(c, false, &k, &v)) {
		if (!p->rolled_back && story_evil(p->story) == 0)
			play_fail(p, "evidence is bounded, and of the guilty", "node %d has proof of equivocation", node);
		if (k.n != 4 || v.n > 2 * (KITH_HEADER_MAX + 80))
			play_fail(p, "evidence is bounded, and of the guilty", "node %d keeps %zu bytes of proof for one feed", node, v.n);
	}
	kith_cursor_close(c);
	kith_txn_abort(t);
}

void
check_bounds(struct play *p)
{
	for (int i = 0; i < p->n_nodes; i++) {
		char *t;

		if (!world_is_up(p->w, i))
			continue;
		bounded_evidence(p, i);
		t = world_control(p->w, i, "peers");
		for (const char *at = t; (at = strstr(at, "\"queued\":")) != NULL; at++) {
			if (number_in(at, "\"queued\":") > QUEUED_MAX)
				play_fail(p, "queues and memory are bounded", "node %d has %llu bytes queued for one peer", i, number_in(at, "\"queued\":"));
		}
		free(t);
	}
	for (int g = 0; g < p->n_groups; g++) {
		struct look l;

		look_open(&l, p, &p->group[g]);
		for (int i = 0; i < p->n_nodes; i++) {
			if (l.v[i].held && kith_group_memory(l.v[i].g) > GROUP_MEMORY_MAX)
				play_fail(p, "queues and memory are bounded", "node %d: %zu bytes for %.8s", i, kith_group_memory(l.v[i].g), p->group[g].id);
		}
		look_close(&l);
	}
}

/* Correct nodes find no fault in one another, have nothing left to say, and were not told everything again and again. */
void
check_blame(struct play *p)
{
	bool evil = story_evil(p->story) > 0;

	for (int i = 0; i < p->n_nodes; i++) {
		char *t = world_control(p->w, i, "status"), *line, *save = NULL;

		if (!play_correct(p, i)) {
			free(t);
			continue;
		}
		if (!evil && (number_in(t, "\"malformed\":") > 0 || number_in(t, "\"bad_signature\":") > 0))
			play_fail(p, "correct nodes find no fault in one another", "node %d: %.600s", i, strstr(t, "\"malformed\""));
		if (!evil && number_in(t, "\"records_again\":") > 100 + number_in(t, "\"records_in\":"))
			play_fail(p, "quiet networks go quiet", "node %d: %llu records in, %llu again", i, number_in(t, "\"records_in\":"),
			    number_in(t, "\"records_again\":"));
		play_tell(p, "node %d: %.500s", i, t);
		free(t);
		t = world_control(p->w, i, "peers");
		for (line = strtok_r(t, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
			int peer = -1;

			play_tell(p, "node %d: %.500s", i, line);
			for (int k = 0; k < p->n_nodes; k++) {
				char address[64];

				snprintf(address, sizeof(address), "\"address\":\"%s\"", world_address(p->w, k));
				if (strstr(line, address) != NULL)
					peer = k;
			}
			if (peer < 0 || !play_correct(p, peer))
				continue;
			if (number_in(line, "\"queued\":") > 0)
				play_fail(p, "quiet networks go quiet", "node %d still has things queued: %.400s", i, line);
			if (number_in(line, "\"penalty_ms\":") > 0)
				play_fail(p, "correct nodes find no fault in one another", "node %d holds something against a peer: %.400s", i, line);
		}
		free(t);
	}
}
