#include <getopt.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "tests/sim/bench.h"
#include "tests/sim/plant.h"
#include "tests/sim/report.h"
#include "tests/sim/shrink.h"

/* kith-sim: tests/sim/RESULTS.md says what for. */

static void
usage(FILE *to)
{
	fputs("usage: kith-sim --seed N [--shrink] [--story] [--log]\n"
	    "       kith-sim --seeds A-B [--jobs N] [--limit FAILURES] [--seconds S]\n"
	    "       kith-sim --play FILE [--shrink] [--log]\n"
	    "       kith-sim --bench | --scale NODES [--messages N] [--acts N]\n"
	    "  --log         tell what happens, on standard error; twice: every frame\n"
	    "  --plant NAME  with this bug planted (--plants lists them)\n"
	    "  --honest      without hostile nodes\n"
	    "  --tap         say it as TAP\n", to);
}

enum { OPT_SEED = 256, OPT_SEEDS, OPT_JOBS, OPT_LIMIT, OPT_SECONDS, OPT_PLAY, OPT_SHRINK, OPT_STORY, OPT_LOG, OPT_BENCH, OPT_SCALE, OPT_MESSAGES,
	OPT_ACTS, OPT_PLANT, OPT_PLANTS, OPT_TAP, OPT_HONEST, OPT_HELP };

static const struct option options[] = {
	{ "seed", required_argument, NULL, OPT_SEED }, { "seeds", required_argument, NULL, OPT_SEEDS }, { "jobs", required_argument, NULL, OPT_JOBS },
	{ "limit", required_argument, NULL, OPT_LIMIT }, { "seconds", required_argument, NULL, OPT_SECONDS }, { "play", required_argument, NULL, OPT_PLAY },
	{ "shrink", no_argument, NULL, OPT_SHRINK }, { "story", no_argument, NULL, OPT_STORY }, { "log", no_argument, NULL, OPT_LOG },
	{ "bench", no_argument, NULL, OPT_BENCH }, { "scale", required_argument, NULL, OPT_SCALE }, { "messages", required_argument, NULL, OPT_MESSAGES },
	{ "acts", required_argument, NULL, OPT_ACTS }, { "plant", required_argument, NULL, OPT_PLANT }, { "plants", no_argument, NULL, OPT_PLANTS },
	{ "tap", no_argument, NULL, OPT_TAP }, { "honest", no_argument, NULL, OPT_HONEST }, { "help", no_argument, NULL, OPT_HELP }, { NULL, 0, NULL, 0 },
};

static int
one(struct story *s, bool shrink, bool only_story, int log)
{
	struct outcome o;

	if (only_story) {
		story_write(s, stdout);
		return 0;
	}
	play_story(s, log, &o);
	report_one(s, &o);
	if (o.failed && shrink) {
		shrink_story(s, o.invariant);
		printf("\nshrunk:\n");
		story_write(s, stdout);
		play_story(s, log, &o);
		report_one(s, &o);
	}
	return o.failed ? 1 : 0;
}

static int
play_file(const char *name, bool shrink, int log)
{
	FILE *f = fopen(name, "r");
	struct story s;
	int line = 0, r;

	if (f == NULL) {
		perror(name);
		return 2;
	}
	if (!story_read(&s, f, &line)) {
		fprintf(stderr, "%s:%d: that is no story\n", name, line);
		fclose(f);
		return 2;
	}
	fclose(f);
	r = one(&s, shrink, false, log);
	story_fini(&s);
	return r;
}

int
main(int argc, char **argv)
{
	struct seeds seeds = { .jobs = 1, .limit = 20 };
	struct scale scale = { .messages = 100000, .acts = 1000 };
	bool shrink = false, story = false, bench = false;
	int log = 0;
	const char *file = NULL;
	int c, r;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case OPT_SEED:
			seeds.from = seeds.to = strtoull(optarg, NULL, 0);
			break;
		case OPT_SEEDS:
			if (sscanf(optarg, "%" SCNu64 "-%" SCNu64, &seeds.from, &seeds.to) != 2 || seeds.to < seeds.from) {
				usage(stderr);
				return 2;
			}
			seeds.many = true;
			break;
		case OPT_JOBS: seeds.jobs = atoi(optarg); break;
		case OPT_LIMIT: seeds.limit = (unsigned)atoi(optarg); break;
		case OPT_SECONDS: seeds.seconds = (unsigned)atoi(optarg); break;
		case OPT_PLAY: file = optarg; break;
		case OPT_SHRINK: shrink = true; break;
		case OPT_STORY: story = true; break;
		case OPT_LOG: log++; break;
		case OPT_BENCH: bench = true; break;
		case OPT_SCALE: scale.nodes = atoi(optarg); break;
		case OPT_MESSAGES: scale.messages = atoi(optarg); break;
		case OPT_ACTS: scale.acts = atoi(optarg); break;
		case OPT_TAP: seeds.tap = true; break;
		case OPT_HONEST: seeds.honest = true; break;
		case OPT_PLANT:
			if (!plant_set(optarg)) {
				fprintf(stderr, "no such bug: %s\n", optarg);
				return 2;
			}
			break;
		case OPT_PLANTS:
			for (int i = 1; i < PLANT_COUNT_; i++)
				printf("%s\t%s\n", plant_name((enum plant)i), plant_breaks((enum plant)i));
			return 0;
		case OPT_HELP:
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	if (bench)
		return bench_run();
	if (scale.nodes > 0)
		return scale_run(&scale);
	if (file != NULL)
		return play_file(file, shrink, log);
	if (seeds.many)
		return seeds_run(&seeds);
	if (seeds.from > 0) {
		struct story s;

		seeds_story(&seeds, seeds.from, &s);
		r = one(&s, shrink, story, log);
		story_fini(&s);
		return r;
	}
	usage(stderr);
	return 2;
}
