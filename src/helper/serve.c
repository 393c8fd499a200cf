#include "helper/serve.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

static int
take_job(size_t max, struct kith_buf *job)
{
	static uint8_t chunk[65536];

	kith_buf_init(job, max);
	for (;;) {
		ssize_t n = read(0, chunk, sizeof(chunk));

		if (n == 0)
			return kith_buf_err(job);
		if (n > 0)
			kith_buf_put(job, chunk, (size_t)n);
		else if (errno != EINTR)
			return KITH_E_IO;
		if (kith_buf_err(job) != KITH_OK)
			return kith_buf_err(job);
	}
}

static int
say(struct kith_slice s)
{
	while (s.n > 0) {
		ssize_t n = write(1, s.p, s.n);

		if (n >= 0)
			s = kith_slice_from(s, (size_t)n);
		else if (errno != EINTR)
			return KITH_E_IO;
	}
	return KITH_OK;
}

static int
serve(const char *name, const struct kith_sandbox *box, size_t in_max, void (*work)(struct kith_slice job, struct kith_buf *answer))
{
	struct kith_diag d = { .text = "" };
	struct kith_buf job, answer;

	if (isatty(0)) {
		fprintf(stderr, "%s: kithd starts this program and tells it what to do; it does nothing by hand\n", name);
		return 64;
	}
	if (kith_sandbox_enter(box, &d) != KITH_OK) {
		fprintf(stderr, "%s: %s\n", name, d.text);
		return 75;
	}
	if (take_job(in_max, &job) != KITH_OK)
		return 65;
	kith_buf_init(&answer, 0);
	work(kith_buf_slice(&job), &answer);
	return kith_buf_err(&answer) == KITH_OK && say(kith_buf_slice(&answer)) == KITH_OK ? 0 : 75;
}

void
kith_serve(const char *name, const struct kith_sandbox *box, size_t in_max, void (*work)(struct kith_slice job, struct kith_buf *answer))
{
	/* no tidying up: what is left of the process is the system's, and exit handlers want more than the sandbox leaves */
	_exit(serve(name, box, in_max, work));
}
