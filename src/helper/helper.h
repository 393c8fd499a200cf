#ifndef KITH_HELPER_HELPER_H
#define KITH_HELPER_HELPER_H

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

/*
 * Work that is too dangerous for the process with the store and the keys. Each
 * job runs in a process of its own that has never seen either: it is started for
 * the job, shut in (sandbox.h), fed on its standard input, read from its
 * standard output, and gone afterwards; so one job can neither harm nor learn of
 * another, and nothing has to be restarted.
 *
 * What starts them is the starter: a child forked before there were threads,
 * keys or a store, since a process that has a store open must not fork.
 */
enum kith_helper {
	KITH_HELPER_MEDIA,      /* kith-media: makes pictures anew (media/frame.h) */
	KITH_HELPER_EGRESS,     /* kith-egress: all that goes out which is not a peer (egress/frame.h) */
	KITH_HELPER_COUNT,
};
#define KITH_HELPERS_AT_ONCE 16

struct kith_helpers;

/*
 * Opens the programs: beside this one, else in the folder for such. To be called
 * before rights are given up, as this one was started with them. One that is not
 * there is no error. NOMEM.
 */
KITH_MUST_USE int kith_helpers_open(struct kith_helpers **out);
/*
 * Forks the starter: to be called with one thread, no secrets in memory and the
 * rights that the helpers are to have. IO.
 */
KITH_MUST_USE int kith_helpers_start(struct kith_helpers *h, struct kith_diag *d);
/* Ends the starter and all that run. NULL is fine. */
void kith_helpers_stop(struct kith_helpers *h);
bool kith_helpers_has(const struct kith_helpers *h, enum kith_helper which);    /* its program is there; h may be NULL */

struct kith_helper_job {
	enum kith_helper which;
	struct kith_slice head;         /* written first */
	int fd;                         /* then its first fd_bytes bytes; -1: none */
	uint64_t fd_bytes;
	uint64_t limit_ms;              /* wall time for all of it, at most 10 min; then it is killed */
};

/*
 * Runs one job and waits for it: for threads that may. Any thread; its answer is
 * appended to out, up to its ceiling. The answer is a stranger's.
 *   KITH_E_BUSY   too many at once
 *   KITH_E_LIMIT  it took too long, or said too much
 *   KITH_E_IO     it came to a bad end, or cannot be started
 */
KITH_MUST_USE int kith_helper_run(struct kith_helpers *h, const struct kith_helper_job *job, struct kith_buf *out);

#endif
