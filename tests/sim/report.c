#include "tests/sim/report.h"

#include <inttypes.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SECONDS_EACH 300
#define JOBS_MAX 64

void
report_one(const struct story *s, const struct outcome *o)
{
	if (!o->failed) {
		printf("seed %" PRIu64 ": held. %d nodes (%d hostile), %d people, %zu steps; converged in %" PRIu64 " ms; trace %016" PRIx64 "\n", s->seed,
		    s->n_nodes, story_evil(s), s->n_people, s->steps.n, o->converged_ms, o->trace);
		return;
	}
	story_write(s, stdout);
	printf("seed %" PRIu64 " FAILED after step %zu of %zu, at %" PRIu64 " ms; trace %016" PRIx64 "\n  did not hold: %s\n  %s\n"
	    "again: kith-sim --seed %" PRIu64 " [--log] [--shrink]\n", s->seed, o->at_step, s->steps.n, o->at_ms, o->trace, o->invariant, o->why, s->seed);
}

struct job { pid_t pid; uint64_t seed; int fd; };

struct tally {
	unsigned held, failed;
	uint64_t slowest_ms;    /* to converge */
	unsigned n;
};

void
seeds_story(const struct seeds *s, uint64_t seed, struct story *out)
{
	story_draw(out, seed);
	if (s->honest)
		memset(out->evil, 0, sizeof(out->evil));
}

static void
child(const struct seeds *seeds, uint64_t seed, int fd)
{
	struct outcome o;
	struct story s;
	ssize_t n;

	alarm(SECONDS_EACH);
	seeds_story(seeds, seed, &s);
	play_story(&s, 0, &o);
	story_fini(&s);
	n = write(fd, &o, sizeof(o));
	_exit(n == (ssize_t)sizeof(o) ? 0 : 3);
}

static bool
start(const struct seeds *s, struct job *j, uint64_t seed)
{
	int fd[2];

	fflush(NULL);
	if (pipe(fd) != 0)
		return false;
	j->seed = seed;
	j->pid = fork();
	if (j->pid == 0) {
		close(fd[0]);
		child(s, seed, fd[1]);
	}
	close(fd[1]);
	j->fd = fd[0];
	return j->pid > 0;
}

/* One has ended. */
static void
finish(const struct seeds *s, struct job *j, int status, struct tally *t)
{
	struct story story;
	struct outcome o;
	size_t got = 0;
	ssize_t n;

	memset(&o, 0, sizeof(o));
	while ((n = read(j->fd, (char *)&o + got, sizeof(o) - got)) > 0)
		got += (size_t)n;
	close(j->fd);
	t->n++;
	if (got != sizeof(o)) {
		o.failed = true;
		snprintf(o.invariant, sizeof(o.invariant), "it comes to an end");
		snprintf(o.why, sizeof(o.why), WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM ? "it does not end" : "signal %d",
		    WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	}
	seeds_story(s, j->seed, &story);
	t->failed += o.failed;
	t->held += !o.failed;
	if (!o.failed && o.converged_ms > t->slowest_ms)
		t->slowest_ms = o.converged_ms;
	if (o.failed)
		printf("%sseed %" PRIu64 " (%d nodes, %d hostile) FAILED after step %zu: %s: %.600s\n", s->tap ? "# " : "", j->seed, story.n_nodes,
		    story_evil(&story), o.at_step, o.invariant, o.why);
	fflush(stdout);
	story_fini(&story);
	j->pid = 0;
}

int
seeds_run(const struct seeds *s)
{
	struct job job[JOBS_MAX];
	struct tally t = { 0 };
	int jobs = s->jobs < 1 ? 1 : s->jobs > JOBS_MAX ? JOBS_MAX : s->jobs, running = 0;
	uint64_t next = s->from;
	time_t began = time(NULL);

	memset(job, 0, sizeof(job));
	while (running > 0 || next <= s->to) {
		bool more = next <= s->to && t.failed < s->limit && (s->seconds == 0 || time(NULL) - began < (time_t)s->seconds);
		int status, k;
		pid_t pid;

		for (k = 0; more && running < jobs && k < jobs; k++) {
			if (job[k].pid != 0)
				continue;
			MUST(start(s, &job[k], next++));
			running++;
			more = next <= s->to;
		}
		if (running == 0)
			break;
		pid = waitpid(-1, &status, 0);
		for (k = 0; k < jobs && job[k].pid != pid;)
			k++;
		if (k == jobs)
			continue;
		running--;
		finish(s, &job[k], status, &t);
	}
	if (s->tap)
		printf("%sok 1 - %u stories of seeds %" PRIu64 " to %" PRIu64 " held\n1..1\n", t.failed > 0 ? "not " : "", t.n, s->from, next - 1);
	else
		printf("%u seeds from %" PRIu64 ": %u held, %u failed, slowest to converge %" PRIu64 " ms, %ld s\n", t.n, s->from, t.held, t.failed,
		    t.slowest_ms, (long)(time(NULL) - began));
	return t.failed > 0 ? 1 : 0;
}
