#include "helper/starter.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "helper/helper.h"

struct child {
	pid_t pid;              /* 0: the place is free */
	uint64_t until_ms;
};

uint64_t
kith_starter_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void
on_child(int sig)
{
	(void)sig;
}

static bool
is_ours(int n, int fd, const int program[])
{
	for (int i = 0; i < KITH_HELPER_COUNT; i++) {
		if (n == program[i])
			return true;
	}
	return n <= 2 || n == fd;
}

/* What else the daemon has open: listeners, the lock of the state directory. */
static void
close_others(int fd, const int program[])
{
	DIR *d = opendir("/proc/self/fd");
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL) {
		int n = (int)strtol(e->d_name, NULL, 10);

		if (!is_ours(n, fd, program) && n != dirfd(d))
			close(n);
	}
	if (d != NULL)
		closedir(d);
}

static void
run(int program, int fd)
{
	static char *const env[] = { (char *)"LC_ALL=C", NULL }, *const argv[] = { (char *)"kith-helper", NULL };
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* standard error stays the daemon's */
	if (dup2(fd, 0) == 0 && dup2(fd, 1) == 1)
		fexecve(program, argv, env);
	_exit(127);
}

static int
start(struct child *c, int program, uint32_t limit_ms, int *sock)
{
	int pair[2];

	if (program < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return KITH_STARTER_FAILED;
	c->pid = fork();
	if (c->pid == 0)
		run(program, pair[1]);
	close(pair[1]);
	if (c->pid < 0) {
		c->pid = 0;
		close(pair[0]);
		return KITH_STARTER_FAILED;
	}
	c->until_ms = kith_starter_ms() + limit_ms;
	*sock = pair[0];
	return 0;
}

static void
answer(int fd, uint8_t err, int sock)
{
	union { struct cmsghdr h; char b[CMSG_SPACE(sizeof(int))]; } control;
	struct iovec iov = { .iov_base = &err, .iov_len = 1 };
	struct msghdr m;
	struct cmsghdr *c;

	memset(&m, 0, sizeof(m));
	memset(&control, 0, sizeof(control));
	m.msg_iov = &iov;
	m.msg_iovlen = 1;
	if (err == 0) {
		m.msg_control = control.b;
		m.msg_controllen = sizeof(control.b);
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &sock, sizeof(int));
	}
	while (sendmsg(fd, &m, MSG_NOSIGNAL) < 0 && errno == EINTR)
		continue;
}

/* Kills what is over its time; the next one's time, or -1. */
static int
look_after(struct child *v)
{
	uint64_t now = kith_starter_ms(), next = UINT64_MAX;

	for (int i = 0; i < KITH_HELPERS_AT_ONCE; i++) {
		if (v[i].pid > 0 && waitpid(v[i].pid, NULL, WNOHANG) != 0)
			v[i].pid = 0;
		if (v[i].pid > 0 && now >= v[i].until_ms) {
			kill(v[i].pid, SIGKILL);
			v[i].until_ms = now + 1000;
		}
		if (v[i].pid > 0 && v[i].until_ms < next)
			next = v[i].until_ms;
	}
	return next == UINT64_MAX ? -1 : (int)(next - now);
}

void
kith_starter_main(int fd, const int program[])
{
	static struct child v[KITH_HELPERS_AT_ONCE];
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct sigaction sa;
	sigset_t block, open;

	/* its place in a terminal's group must not end it before the daemon has finished */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = on_child;
	sigaction(SIGCHLD, &sa, NULL);
	sigemptyset(&block);
	sigaddset(&block, SIGCHLD);
	sigprocmask(SIG_BLOCK, &block, &open);
	sigdelset(&open, SIGCHLD);
	prctl(PR_SET_NAME, "kith-starter");
	/* with the daemon it ends at once, however that ends; what it has started ends with it in the same way */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close_others(fd, program);
	for (;;) {
		int left = look_after(v), n, i = 0, sock = -1, err;
		struct timespec ts = { .tv_sec = left / 1000, .tv_nsec = (long)(left % 1000) * 1000000 };
		struct kith_starter_ask ask;
		ssize_t got;

		n = ppoll(&p, 1, left < 0 ? NULL : &ts, &open);
		if (n <= 0)
			continue;
		got = recv(fd, &ask, sizeof(ask), MSG_DONTWAIT);
		if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN))
			break;
		if (got != sizeof(ask) || ask.which >= KITH_HELPER_COUNT)
			continue;
		while (i < KITH_HELPERS_AT_ONCE && v[i].pid > 0)
			i++;
		err = i == KITH_HELPERS_AT_ONCE ? KITH_STARTER_BUSY : start(&v[i], program[ask.which], ask.limit_ms, &sock);
		answer(fd, (uint8_t)err, sock);
		if (sock >= 0)
			close(sock);
	}
	for (int i = 0; i < KITH_HELPERS_AT_ONCE; i++) {
		if (v[i].pid > 0)
			kill(v[i].pid, SIGKILL);
	}
	_exit(0);
}
