#include "tests/sim/play.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "federation/frames.h"
#include "tests/sim/check.h"
#include "tests/sim/clients.h"
#include "tests/sim/evil.h"

#define LOOK_EVERY 60                   /* steps */

void
play_fail(struct play *p, const char *invariant, const char *fmt, ...)
{
	va_list ap;
	char text[sizeof(p->why)];

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	play_tell(p, "FAILED: %s: %s", invariant, text);
	if (p->failed)
		return;
	p->failed = true;
	snprintf(p->invariant, sizeof(p->invariant), "%s", invariant);
	memcpy(p->why, text, sizeof(p->why));
}

void
play_tell(struct play *p, const char *fmt, ...)
{
	va_list ap;

	if (p->log == 0)
		return;
	fprintf(stderr, "%7" PRIu64 " ", p->w != NULL ? world_now_ms(p->w) : 0);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

bool
play_correct(const struct play *p, int node)
{
	return !p->story->evil[node];
}

struct group *
play_group(struct play *p, const char *id)
{
	for (int i = 0; i < p->n_groups; i++) {
		if (strcmp(p->group[i].id, id) == 0)
			return &p->group[i];
	}
	return NULL;
}

bool
play_was_recalled(const struct play *p, const char *id)
{
	for (size_t i = 0; i < p->said.n; i++) {
		if (p->said.v[i].recalled && strcmp(p->said.v[i].id, id) == 0)
			return true;
	}
	return false;
}

/* ---- what the world tells us ---- */

static bool
on_leave(void *ctx, int from, int to, uint64_t link, uint8_t type, struct kith_slice frame)
{
	struct play *p = ctx;

	if (p->log > 1)
		play_tell(p, "%d to %d: %s, %zu bytes", from, to, kith_frame_name(type), frame.n);
	return play_correct(p, from) || evil_leaves(p, from, to, link, type, frame);
}

static bool
on_arrive(void *ctx, int from, int to, uint64_t link, uint8_t type, struct kith_slice frame)
{
	struct play *p = ctx;

	return play_correct(p, to) || evil_arrives(p, from, to, link, type, frame);
}

static void
on_client(void *ctx, int node, const struct kith_output *o)
{
	clients_push(ctx, node, o);
}

static void
on_link(void *ctx, int node, int peer, uint64_t link)
{
	struct play *p = ctx;

	if (!play_correct(p, node))
		evil_link(p, node, peer, link);
}

static void
on_begin(void *ctx, int node)
{
	struct play *p = ctx;

	if (p->n_people == 0)
		return;
	check_kept(p, node);
	clients_began(p, node);
}

static void
on_death(void *ctx, int node, const char *why)
{
	struct play *p = ctx;
	const struct disk_troubles *bad = disk_troubles(world_store(p->w, node));

	play_tell(p, "node %d ends itself: %s", node, why);
	if (bad->failed + bad->flipped == 0)
		play_fail(p, "nodes end themselves for their disk alone", "node %d: %s", node, why);
}

/* ---- the story ---- */

static void
begin(struct play *p)
{
	const struct story *s = p->story;
	const struct world_hooks hooks = { p, on_leave, on_arrive, on_client, on_link, on_begin, on_death };
	const char *peers[STORY_NODES_MAX];
	char name[16];
	struct dice d;

	dice_seed(&d, s->seed, 7);
	p->w = world_new(s->seed);
	world_hooks(p->w, &hooks);
	world_delay(p->w, s->delay_ms);
	for (int i = 0; i < s->n_nodes; i++) {
		size_t n = 0;

		/* the first is known to all, now and then another */
		for (int k = 0; k < i; k++) {
			if (k == 0 || (dice_chance(&d, 30) && n < 15))
				peers[n++] = world_address(p->w, k);
		}
		snprintf(name, sizeof(name), "n%d", i);
		p->n_nodes = i + 1;
		world_node(p->w, name, peers, n);
		if (s->dial_only[i]) {
			world_kill(p->w, i);
			world_dial_only(p->w, i);
			world_start(p->w, i);
		}
	}
	evil_new(p);
	for (int i = 0; i < s->n_people; i++) {
		snprintf(p->who[i].name, sizeof(p->who[i].name), "p%d", i);
		world_register(p->w, i % s->n_nodes, p->who[i].name, &p->who[i].p);
		play_tell(p, "p%d is %s", i, p->who[i].p.uid);
	}
	p->n_people = s->n_people;
	for (int i = 0; i < s->n_nodes; i++)
		world_sync(p->w, i, s->sync_ms[i]);
	world_run(p->w, 3000);
	for (int i = 0; i < p->n_people; i += 2)
		clients_step(p, i, true);
	load_begin(p);
}

static void
do_step(struct play *p, const struct step *s)
{
	if (s->kind < NET_SPLIT)
		load_step(p, s);
	else if (s->kind < EVIL_FORK)
		faults_step(p, s);
	else
		evil_step(p, s);
}

static void
converge(struct play *p)
{
	char why[2000] = "";
	uint64_t healed;

	faults_heal(p);
	evil_heal(p);
	/* a clock that went ahead heals when the time that it showed has come */
	if (p->ahead_ms > world_now_ms(p->w))
		world_run(p->w, p->ahead_ms - world_now_ms(p->w));
	healed = world_now_ms(p->w);
	for (;;) {
		world_run(p->w, 1000);
		p->converged_ms = world_now_ms(p->w) - healed;
		if (check_converged(p, why, sizeof(why)))
			break;
		if (p->converged_ms >= (getenv("CMS") ? (uint64_t)atoi(getenv("CMS")) : CONVERGE_MS)) {
			play_fail(p, "all converge", "%d s after all has healed: %s", CONVERGE_MS / 1000, why);
			return;
		}
	}
	play_tell(p, "converged within %" PRIu64 " ms", p->converged_ms);
	world_run(p->w, 70000);
}

void
play_story(const struct story *s, int log, struct outcome *out)
{
	struct play *p = calloc(1, sizeof(*p));
	uint64_t t0;

	MUST(p != NULL);
	memset(out, 0, sizeof(*out));
	p->story = s;
	p->log = log;
	clients_new(p);
	begin(p);
	t0 = world_now_ms(p->w);
	for (size_t i = 0; i < s->steps.n && !p->failed; i++) {
		if (t0 + s->steps.v[i].at_ms > world_now_ms(p->w))
			world_run(p->w, t0 + s->steps.v[i].at_ms - world_now_ms(p->w));
		p->at_step = i;
		do_step(p, &s->steps.v[i]);
		if (i % LOOK_EVERY == LOOK_EVERY - 1)
			check_now(p);
	}
	if (!p->failed)
		converge(p);
	if (!p->failed)
		check_end(p);
	for (size_t i = 0; log > 0 && i < p->n_tally; i++)
		fprintf(stderr, "# %s: %s: %u\n", p->tally[i].name, p->tally[i].err[0] != '\0' ? p->tally[i].err : "ok", p->tally[i].n);
	out->failed = p->failed;
	memcpy(out->invariant, p->invariant, sizeof(out->invariant));
	memcpy(out->why, p->why, sizeof(out->why));
	out->at_ms = out->virtual_ms = world_now_ms(p->w);
	out->trace = world_trace(p->w);
	out->converged_ms = p->converged_ms;
	out->at_step = p->at_step;
	out->calls = p->calls;
	out->ok = p->ok;
	evil_free(p);
	p->n_people = 0;
	load_fini(p);
	faults_fini(p);
	world_free(p->w);
	clients_free(p);
	free(p);
}
