/*
 * Loaded before a program (LD_PRELOAD), gives it a wall clock that can be set:
 * the real one and as many milliseconds as stand, in eight bytes, at the beginning
 * of the file KITH_TEST_CLOCK. The monotonic clock stays what it is.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *offset_ms;

__attribute__((constructor)) static void
begin(void)
{
	const char *path = getenv("KITH_TEST_CLOCK");
	int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *p = fd >= 0 ? mmap(NULL, 8, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;

	if (p != MAP_FAILED)
		offset_ms = p;
	if (fd >= 0)
		(void)close(fd);
}

int
clock_gettime(clockid_t id, struct timespec *ts)
{
	int r = (int)syscall(SYS_clock_gettime, id, ts);

	if (r == 0 && offset_ms != NULL && id == CLOCK_REALTIME) {
		int64_t ms = *offset_ms, ns = ts->tv_nsec + ms % 1000 * 1000000;

		ts->tv_sec += ms / 1000 + (ns < 0 ? -1 : ns >= 1000000000 ? 1 : 0);
		ts->tv_nsec = (ns + 1000000000) % 1000000000;
	}
	return r;
}

time_t
time(time_t *out)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	if (out != NULL)
		*out = ts.tv_sec;
	return ts.tv_sec;
}
