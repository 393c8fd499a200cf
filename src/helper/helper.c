#include "helper/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "helper/starter.h"

#define LIMIT_MAX_MS (10u * 60 * 1000)
#define CHUNK 65536

static const char *const programs[KITH_HELPER_COUNT] = { "kith-media", "kith-egress" };

struct kith_helpers {
	pthread_mutex_t lock;           /* of the conversation with the starter */
	int fd;
	pid_t pid;
	int program[KITH_HELPER_COUNT];         /* -1: not there */
};

static int
open_program(const char *dir, const char *name)
{
	char path[4096];

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path) || access(path, X_OK) != 0)
		return -1;
	return open(path, O_PATH | O_CLOEXEC);
}

int
kith_helpers_open(struct kith_helpers **out)
{
	struct kith_helpers *h = calloc(1, sizeof(*h));
	char self[4096], *slash;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (h == NULL)
		return KITH_E_NOMEM;
	pthread_mutex_init(&h->lock, NULL);
	h->fd = -1;
	self[n > 0 ? n : 0] = '\0';
	slash = strrchr(self, '/');
	if (slash != NULL)
		*slash = '\0';
	for (int i = 0; i < KITH_HELPER_COUNT; i++) {
		h->program[i] = slash != NULL ? open_program(self, programs[i]) : -1;
		if (h->program[i] < 0)
			h->program[i] = open_program(KITH_HELPERDIR, programs[i]);
	}
	*out = h;
	return KITH_OK;
}

int
kith_helpers_start(struct kith_helpers *h, struct kith_diag *d)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
		kith_diag_set(d, "no socket for the helpers: %s", strerror(errno));
		return KITH_E_IO;
	}
	h->pid = fork();
	if (h->pid == 0)
		kith_starter_main(pair[1], h->program);
	close(pair[1]);
	h->fd = pair[0];
	if (h->pid > 0)
		return KITH_OK;
	kith_diag_set(d, "cannot start the helpers' process: %s", strerror(errno));
	return KITH_E_IO;
}

void
kith_helpers_stop(struct kith_helpers *h)
{
	if (h == NULL)
		return;
	if (h->fd >= 0)
		close(h->fd);
	/* it ends because its socket does, and takes what it has started along */
	while (h->pid > 0 && waitpid(h->pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	for (int i = 0; i < KITH_HELPER_COUNT; i++) {
		if (h->program[i] >= 0)
			close(h->program[i]);
	}
	pthread_mutex_destroy(&h->lock);
	free(h);
}

bool
kith_helpers_has(const struct kith_helpers *h, enum kith_helper which)
{
	return h != NULL && h->program[which] >= 0;
}

/* ---- a job ---- */

/* The socket of a process that has just been started. */
static int
begin(struct kith_helpers *h, enum kith_helper which, uint64_t limit_ms, int *fd)
{
	struct kith_starter_ask ask = { .which = (uint32_t)which, .limit_ms = (uint32_t)limit_ms };
	union { struct cmsghdr h; char b[CMSG_SPACE(sizeof(int))]; } control;
	uint8_t err = 0;
	struct iovec iov = { .iov_base = &err, .iov_len = 1 };
	struct msghdr m;
	struct cmsghdr *c;
	ssize_t n;

	memset(&m, 0, sizeof(m));
	memset(&control, 0, sizeof(control));
	m.msg_iov = &iov;
	m.msg_iovlen = 1;
	m.msg_control = control.b;
	m.msg_controllen = sizeof(control.b);
	pthread_mutex_lock(&h->lock);
	n = send(h->fd, &ask, sizeof(ask), MSG_NOSIGNAL);
	while (n >= 0 && (n = recvmsg(h->fd, &m, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR)
		n = 0;
	pthread_mutex_unlock(&h->lock);
	if (n != 1)
		return KITH_E_IO;
	if (err != 0)
		return err == KITH_STARTER_BUSY ? KITH_E_BUSY : KITH_E_IO;
	c = CMSG_FIRSTHDR(&m);
	if (c == NULL || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS || c->cmsg_len != CMSG_LEN(sizeof(int)))
		return KITH_E_IO;
	memcpy(fd, CMSG_DATA(c), sizeof(int));
	return KITH_OK;
}

/* Until the socket can do it, or the time is over. */
static int
wait_for(int fd, short what, uint64_t until_ms)
{
	struct pollfd p = { .fd = fd, .events = what };

	for (;;) {
		uint64_t now = kith_starter_ms();
		int n;

		if (now >= until_ms)
			return KITH_E_LIMIT;
		n = poll(&p, 1, (int)(until_ms - now));
		if (n > 0)
			return KITH_OK;
		if (n < 0 && errno != EINTR)
			return KITH_E_IO;
	}
}

/* A process that no longer listens may have answered already: what it says decides. */
static int
give(int fd, struct kith_slice s, uint64_t until_ms, bool *deaf)
{
	while (s.n > 0 && !*deaf) {
		ssize_t n = send(fd, s.p, s.n, MSG_NOSIGNAL | MSG_DONTWAIT);
		int r;

		if (n >= 0) {
			s = kith_slice_from(s, (size_t)n);
		} else if (errno == EAGAIN) {
			r = wait_for(fd, POLLOUT, until_ms);
			if (r != KITH_OK)
				return r;
		} else if (errno != EINTR) {
			*deaf = true;
		}
	}
	return KITH_OK;
}

static int
give_file(int fd, const struct kith_helper_job *job, uint64_t until_ms, bool *deaf)
{
	uint8_t *chunk = job->fd_bytes > 0 ? malloc(CHUNK) : NULL;
	uint64_t at = 0;
	int r = chunk != NULL || job->fd_bytes == 0 ? KITH_OK : KITH_E_NOMEM;

	while (r == KITH_OK && at < job->fd_bytes && !*deaf) {
		uint64_t left = job->fd_bytes - at;
		ssize_t n = pread(job->fd, chunk, left < CHUNK ? (size_t)left : CHUNK, (off_t)at);

		if (n > 0) {
			r = give(fd, kith_slice_of(chunk, (size_t)n), until_ms, deaf);
			at += (uint64_t)n;
		} else if (n == 0 || errno != EINTR) {
			r = KITH_E_IO;
		}
	}
	free(chunk);
	return r;
}

static int
hear(int fd, uint64_t until_ms, struct kith_buf *out)
{
	uint8_t chunk[4096];

	for (;;) {
		ssize_t n = recv(fd, chunk, sizeof(chunk), MSG_DONTWAIT);
		int r;

		if (n == 0)
			return KITH_OK;
		if (n > 0) {
			kith_buf_put(out, chunk, (size_t)n);
			if (kith_buf_err(out) != KITH_OK)
				return kith_buf_err(out);
		} else if (errno == EAGAIN) {
			r = wait_for(fd, POLLIN, until_ms);
			if (r != KITH_OK)
				return r;
		} else if (errno != EINTR) {
			return KITH_E_IO;
		}
	}
}

int
kith_helper_run(struct kith_helpers *h, const struct kith_helper_job *job, struct kith_buf *out)
{
	uint64_t limit = job->limit_ms < LIMIT_MAX_MS ? job->limit_ms : LIMIT_MAX_MS, until = kith_starter_ms() + limit;
	size_t before = out->n;
	bool deaf = false;
	int fd = -1, r;

	if (!kith_helpers_has(h, job->which))
		return KITH_E_IO;
	r = begin(h, job->which, limit, &fd);
	if (r != KITH_OK)
		return r;
	r = give(fd, job->head, until, &deaf);
	if (r == KITH_OK && job->fd >= 0)
		r = give_file(fd, job, until, &deaf);
	if (r == KITH_OK) {
		shutdown(fd, SHUT_WR);
		r = hear(fd, until, out);
	}
	/* cut off by its own limits, it says nothing at all */
	if (r == KITH_OK && out->n == before)
		r = kith_starter_ms() >= until ? KITH_E_LIMIT : KITH_E_IO;
	close(fd);
	return r;
}
