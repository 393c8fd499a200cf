#include "helper/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <seccomp.h>
#ifdef HAVE_LINUX_LANDLOCK_H
#include <linux/landlock.h>
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define INSTRUMENTED 1          /* takes terabytes of address space, and threads */
#else
#define INSTRUMENTED 0
#endif

/* For good: what is given up cannot be taken back. */
#define LIMIT(what, n) setrlimit(what, &(const struct rlimit){ .rlim_cur = (rlim_t)(n), .rlim_max = (rlim_t)(n) })

/* ---- files ---- */

#ifdef HAVE_LINUX_LANDLOCK_H
/* Where names are resolved and certificates found. Not the state directory. */
static const char *const readable[] = { "/etc", "/usr", "/lib", "/lib64", "/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager",
	"/dev/urandom", "/dev/null", "/proc/sys", NULL };

#define READS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_EXECUTE)

/* A kernel without it is not an error: the filter of system calls is what a helper without a network stands on. */
static void
no_files(bool some)
{
	struct landlock_ruleset_attr attr = { .handled_access_fs = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1 };
	int rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);

	if (rules < 0)
		return;
	for (size_t i = 0; some && readable[i] != NULL; i++) {
		struct landlock_path_beneath_attr path = { .allowed_access = LANDLOCK_ACCESS_FS_READ_FILE };
		bool file = strncmp(readable[i], "/dev/", 5) == 0;

		if (!file)
			path.allowed_access = READS;
		path.parent_fd = open(readable[i], O_PATH | O_CLOEXEC);
		if (path.parent_fd < 0)
			continue;
		(void)syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &path, 0);
		close(path.parent_fd);
	}
	(void)syscall(SYS_landlock_restrict_self, rules, 0);
	close(rules);
}
#else
static void
no_files(bool some)
{
	(void)some;
}
#endif

/* ---- system calls ---- */

static const int calls_always[] = {
	SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(readv), SCMP_SYS(writev), SCMP_SYS(close), SCMP_SYS(exit), SCMP_SYS(exit_group),
	SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(futex), SCMP_SYS(getrandom), SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(restart_syscall),
};
static const int calls_network[] = {
	SCMP_SYS(socketpair), SCMP_SYS(connect), SCMP_SYS(bind), SCMP_SYS(getsockname), SCMP_SYS(getpeername), SCMP_SYS(getsockopt),
	SCMP_SYS(setsockopt), SCMP_SYS(sendto), SCMP_SYS(recvfrom), SCMP_SYS(sendmsg), SCMP_SYS(recvmsg), SCMP_SYS(sendmmsg), SCMP_SYS(shutdown),
	SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(select), SCMP_SYS(pselect6), SCMP_SYS(fcntl), SCMP_SYS(fcntl64), SCMP_SYS(ioctl),
	SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(stat), SCMP_SYS(fstat),
	SCMP_SYS(lstat), SCMP_SYS(newfstatat), SCMP_SYS(fstatat64), SCMP_SYS(statx), SCMP_SYS(lseek), SCMP_SYS(_llseek), SCMP_SYS(getdents64),
	SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(getcwd), SCMP_SYS(pread64), SCMP_SYS(uname), SCMP_SYS(sysinfo),
	SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getegid), SCMP_SYS(statfs),
	SCMP_SYS(fstatfs), SCMP_SYS(rt_sigaction), SCMP_SYS(pipe2), SCMP_SYS(eventfd2), SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep),
	SCMP_SYS(mprotect), SCMP_SYS(prlimit64), SCMP_SYS(sigaltstack), SCMP_SYS(sched_getaffinity), SCMP_SYS(set_robust_list),
	SCMP_SYS(rseq), SCMP_SYS(clock_getres),
};

#define WRITES (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)

static int
filter_calls(bool network)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int r = f == NULL ? -ENOMEM : 0;

	for (size_t i = 0; r == 0 && i < sizeof(calls_always) / sizeof(calls_always[0]); i++)
		r = seccomp_rule_add(f, SCMP_ACT_ALLOW, calls_always[i], 0);
	for (size_t i = 0; r == 0 && network && i < sizeof(calls_network) / sizeof(calls_network[0]); i++)
		r = seccomp_rule_add(f, SCMP_ACT_ALLOW, calls_network[i], 0);
	/* memory, but no code; resolving names loads some */
	if (r == 0)
		r = network ? seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 0) :
		    seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	/* to read, never to write */
	if (r == 0 && network)
		r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(open), 1, SCMP_A1(SCMP_CMP_MASKED_EQ, WRITES, 0));
	if (r == 0 && network)
		r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, WRITES, 0));
	if (r == 0 && network) {
		static const uint64_t families[] = { AF_INET, AF_INET6, AF_UNIX };

		for (size_t i = 0; r == 0 && i < sizeof(families) / sizeof(families[0]); i++)
			r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_EQ, families[i], 0));
	}
	if (r == 0)
		r = seccomp_load(f);
	if (f != NULL)
		seccomp_release(f);
	return r;
}

int
kith_sandbox_enter(const struct kith_sandbox *s, struct kith_diag *d)
{
	int r = 0;

	if (LIMIT(RLIMIT_CORE, 0) != 0 || LIMIT(RLIMIT_CPU, s->cpu_s) != 0 || LIMIT(RLIMIT_FSIZE, 0) != 0 ||
	    (!INSTRUMENTED && LIMIT(RLIMIT_AS, (uint64_t)s->memory_mib << 20) != 0) ||
	    prctl(PR_SET_DUMPABLE, 0) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
		kith_diag_set(d, "cannot limit this process: %s", strerror(errno));
		return KITH_E_IO;
	}
	no_files(s->network);
	if (!s->network && LIMIT(RLIMIT_NOFILE, 3) != 0)
		r = -errno;
	if (r == 0 && !INSTRUMENTED)
		r = filter_calls(s->network);
	if (r != 0) {
		kith_diag_set(d, "cannot filter system calls: %s", strerror(-r));
		return KITH_E_IO;
	}
	return KITH_OK;
}
