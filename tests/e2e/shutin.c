/*
 * What a helper that was taken over could still do: enters the sandbox of
 * helper/sandbox.h and tries. One line for each thing, with what came of it.
 *
 *	shutin media|egress DIR		DIR holds a file named "secret"
 *	shutin spin			uses processor time until it is stopped
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "helper/sandbox.h"

static void
tell(const char *what, int r)
{
	char line[128];
	int n = snprintf(line, sizeof(line), "%s %s\n", what, r >= 0 ? "done" : "refused");

	if (write(1, line, (size_t)n) != n)
		_exit(1);
}

static void
try_all(const char *secret, const char *fresh)
{
	char *argv[] = { (char *)"/bin/true", NULL };
	struct rlimit lim = { RLIM_INFINITY, RLIM_INFINITY };

	tell("read-secret", open(secret, O_RDONLY));
	tell("write-file", open(fresh, O_WRONLY | O_CREAT, 0600));
	tell("remove-file", unlink(secret));
	tell("inet", socket(AF_INET, SOCK_STREAM, 0));
	tell("packet", socket(AF_PACKET, SOCK_RAW, 0));
	errno = 0;
	tell("fork", fork() == 0 ? (_exit(0), 0) : errno != 0 ? -1 : 0);
	tell("exec", execv(argv[0], argv));
	tell("kill", kill(getppid(), 0));
	tell("trace", (int)ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));
	tell("code", (mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) == MAP_FAILED ? -1 : 0);
	tell("memory", (mmap(NULL, (size_t)300 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) == MAP_FAILED ? -1 : 0);
	tell("more-time", setrlimit(RLIMIT_CPU, &lim));
}

int
main(int argc, char **argv)
{
	struct kith_sandbox box = { .cpu_s = 1, .memory_mib = 256 };
	struct kith_diag d;
	char secret[4096], fresh[4096];
	volatile unsigned long n = 0;

	if (argc < 2)
		return 64;
	box.network = strcmp(argv[1], "egress") == 0;
	if (argc > 2) {
		snprintf(secret, sizeof(secret), "%s/secret", argv[2]);
		snprintf(fresh, sizeof(fresh), "%s/fresh", argv[2]);
	}
	if (kith_sandbox_enter(&box, &d) != KITH_OK) {
		fprintf(stderr, "%s\n", d.text);
		return 75;
	}
	while (strcmp(argv[1], "spin") == 0)
		n++;
	if (argc > 2)
		try_all(secret, fresh);
	return 0;
}
