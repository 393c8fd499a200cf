#include "tests/sim/shrink.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECONDS_EACH 120

/* In a process of its own: what is tried may well abort. */
static bool
still_fails(const struct story *s, const char *invariant)
{
	struct outcome o;
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	MUST(pid >= 0);
	if (pid == 0) {
		alarm(SECONDS_EACH);
		play_story(s, 0, &o);
		_exit(o.failed && strcmp(o.invariant, invariant) == 0 ? 1 : 0);
	}
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 1;
}

/* Steps, in ever smaller pieces. */
static bool
fewer_steps(struct story *s, const char *invariant)
{
	bool any = false;

	for (size_t n = s->steps.n / 2; n > 0; n /= 2) {
		for (size_t from = 0; from < s->steps.n;) {
			struct story t;
			size_t k = from + n < s->steps.n ? n : s->steps.n - from;

			story_copy(&t, s);
			memmove(t.steps.v + from, t.steps.v + from + k, (t.steps.n - from - k) * sizeof(*t.steps.v));
			t.steps.n -= k;
			if (still_fails(&t, invariant)) {
				story_fini(s);
				*s = t;
				any = true;
				continue;
			}
			story_fini(&t);
			from += k;
		}
		fprintf(stderr, "shrinking: %zu steps\n", s->steps.n);
	}
	return any;
}

/* One number of the story, made smaller as long as it goes. */
static bool
fewer(struct story *s, const char *invariant, size_t offset, int least)
{
	int *n = (int *)(void *)((char *)s + offset), was = *n;

	while (*n > least) {
		--*n;
		if (!still_fails(s, invariant)) {
			++*n;
			break;
		}
	}
	return *n != was;
}

static bool
simpler(struct story *s, const char *invariant)
{
	bool any = false;

	for (int i = 0; i < s->n_nodes; i++) {
		bool *flag[2] = { &s->evil[i], &s->dial_only[i] };

		for (int k = 0; k < 2; k++) {
			if (!*flag[k])
				continue;
			*flag[k] = false;
			if (still_fails(s, invariant))
				any = true;
			else
				*flag[k] = true;
		}
	}
	return any;
}

void
shrink_story(struct story *s, const char *invariant)
{
	bool more = true;

	while (more) {
		more = fewer_steps(s, invariant);
		more |= fewer(s, invariant, offsetof(struct story, n_groups), 1);
		more |= fewer(s, invariant, offsetof(struct story, n_people), 2);
		more |= fewer(s, invariant, offsetof(struct story, n_nodes), 2);
		more |= simpler(s, invariant);
	}
}
