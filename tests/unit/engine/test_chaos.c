#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/sim/chaos.h"

/*
 * Random stories of whole nodes. Without arguments a fixed few; `test_chaos FROM
 * TO` runs those seeds, KITH_SIM_LOG=1 prints each story. Each runs in a process
 * of its own, so that one that aborts or never ends is one failure.
 */
#define SECONDS_EACH 120

/* Stories that once found something. */
static const unsigned long long kept[] = { 80, 102, 122, 314, 470, 477, 846, 2006, 2270, 3067, 4155, 3223, 4011 };

static int
story(unsigned long long seed, char *why, size_t n_why)
{
	int fd[2], status = 0;
	ssize_t n;
	pid_t pid;

	if (pipe(fd) != 0)
		return -1;
	fflush(NULL);
	pid = fork();
	if (pid < 0)
		return -1;
	if (pid == 0) {
		close(fd[0]);
		alarm(SECONDS_EACH);
		why[0] = '\0';
		status = chaos_run(seed, why, n_why);
		n = write(fd[1], why, strlen(why));
		exit(status == 0 && n >= 0 ? 0 : 1);
	}
	close(fd[1]);
	n = read(fd[0], why, n_why - 1);
	why[n > 0 ? n : 0] = '\0';
	close(fd[0]);
	if (waitpid(pid, &status, 0) != pid)
		return -1;
	if (WIFSIGNALED(status)) {
		if (WTERMSIG(status) == SIGALRM)
			snprintf(why, n_why, "it does not end");
		else
			snprintf(why, n_why, "signal %d", WTERMSIG(status));
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

int
main(int argc, char **argv)
{
	unsigned long long from = 1, to = 24;
	size_t n_kept = sizeof(kept) / sizeof(kept[0]);
	int k = 0, bad = 0;
	char why[4096];

	if (argc > 1) {
		from = strtoull(argv[1], NULL, 10);
		to = argc > 2 ? strtoull(argv[2], NULL, 10) : from;
		n_kept = 0;
	}
	printf("1..%llu\n", to - from + 1 + n_kept);
	for (size_t i = 0; i < n_kept + (size_t)(to - from + 1); i++) {
		unsigned long long seed = i < n_kept ? kept[i] : from + (i - n_kept);
		int r = story(seed, why, sizeof(why));

		bad += r != 0;
		printf("%sok %d - story %llu\n", r == 0 ? "" : "not ", ++k, seed);
		if (r != 0)
			printf("# %s\n", why);
		fflush(stdout);
	}
	return bad == 0 ? 0 : 1;
}
