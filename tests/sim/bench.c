#include "tests/sim/bench.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "tests/sim/world.h"

#define NODES 5
#define SECONDS 600
#define PER_SECOND 10

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
answered(void *ctx, uint64_t number, const char *err, const char *why, json_t *result)
{
	unsigned *ok = ctx;

	(void)number;
	(void)why;
	(void)result;
	if (err[0] == '\0')
		++*ok;
	else
		printf("%s\n", err);
}

int
bench_run(void)
{
	struct world *w = world_new(1);
	const char *first[1];
	struct person who[NODES];
	char group[64], panel[64];
	unsigned ok = 0;
	double began;
	json_t *r, *link;

	for (int i = 0; i < NODES; i++) {
		char name[16];

		snprintf(name, sizeof(name), "n%d", i);
		if (i > 0)
			first[0] = world_address(w, 0);
		world_node(w, name, first, i > 0);
		world_register(w, i, name, &who[i]);
	}
	world_run(w, 3000);
	r = world_call(w, &who[0], "group.new", json_pack("{s:s,s:s}", "name", "bench", "join", "open"));
	MUST(r != NULL);
	snprintf(group, sizeof(group), "%s", json_string_value(json_object_get(r, "id")));
	snprintf(panel, sizeof(panel), "%s", json_string_value(json_object_get(r, "panel")));
	json_decref(r);
	link = world_call(w, &who[0], "invite.new", json_pack("{s:s}", "group", group));
	MUST(link != NULL);
	for (int i = 1; i < NODES; i++) {
		r = world_call(w, &who[i], "group.join", json_pack("{s:O}", "link", json_object_get(link, "link")));
		MUST(r != NULL);
		json_decref(r);
	}
	json_decref(link);
	for (int i = 0; i < NODES; i++) {
		world_connect(w, &who[i], NULL);
		world_sync(w, i, 2);
	}
	world_run(w, 5000);
	began = seconds();
	for (int i = 0; i < SECONDS * PER_SECOND; i++) {
		char text[64];

		snprintf(text, sizeof(text), "message %d of the many that people write", i);
		world_ask(w, &who[i % NODES], "message.send", json_pack("{s:s,s:s,s:s}", "group", group, "panel", panel, "text", text), answered, &ok);
		world_run(w, 1000 / PER_SECOND);
	}
	began = seconds() - began;
	world_run(w, 1000);
	for (int i = 0; i < NODES; i++)
		printf("node %d pushed %zu messages to its client\n", i, world_pushes(w, i, "message"));
	printf("%d nodes, %d messages a second: %d s of theirs in %.2f s, %.0f times faster; %u answered\n", NODES, PER_SECOND, SECONDS, began,
	    SECONDS / began, ok);
	world_free(w);
	return ok == SECONDS * PER_SECOND ? 0 : 1;
}
