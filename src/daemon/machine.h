#ifndef KITH_DAEMON_MACHINE_H
#define KITH_DAEMON_MACHINE_H

#include "base/out.h"
#include "daemon/state.h"
#include "engine/engine.h"
#include "http/blob.h"

/*
 * The engine's thread. Inputs come from any thread and wait in a bounded inbox;
 * the thread takes all that people want and some of what peers say, runs it in
 * one write transaction, commits, and only then hands the outputs to the
 * reactors: however much peers say, people wait for no more than a batch. When a batch fails the engine
 * is made anew; when the disk is full there is none until there is space.
 */
struct kith_machine;
struct kith_lmdb_space;

/* Something to tell everybody who listens: encoded at most once for each encoding. Counted references. */
struct kith_push;
struct kith_push *kith_push_new(const struct kith_output *o);   /* NULL: out of memory */
struct kith_push *kith_push_ref(struct kith_push *p);
void kith_push_unref(struct kith_push *p);                      /* NULL is fine */
struct kith_blob *kith_push_frame(struct kith_push *p, bool msgpack);   /* borrowed; NULL: out of memory */

/* What a reactor gets of one batch, in order. */
struct kith_parcel {
	enum kith_parcel_kind {
		KITH_PARCEL_OUTPUT,       /* o */
		KITH_PARCEL_PUSH,         /* push, to o.channel or o.conn */
		KITH_PARCEL_TAKEN,        /* o.number bytes of frames of o.link have been dealt with */
		KITH_PARCEL_RESUME,       /* the inbox is short again */
		/*
		 * The engine is a new one, or (o.err FULL) there is none: links and channels are over; channels come
		 * anew by themselves. Inputs about links count only if they bear epoch o.number.
		 */
		KITH_PARCEL_RESET,
	} kind;
	struct kith_output o;
	struct kith_push *push;
};
struct kith_delivery {
	KITH_VEC(struct kith_parcel) list;
	void *to;                       /* the port's arg */
};
void kith_delivery_free(struct kith_delivery *d);

struct kith_port {
	int (*post)(void *arg, struct kith_delivery *take_d);   /* always takes it; NOMEM: it is lost, and the process must end */
	void *arg;
};

/* All that a new engine is made from; strings are its own. */
struct kith_identity {
	struct kith_keys keys;
	struct kith_engine_conf conf;           /* node.address, fed.* point into the lists below */
	char name[65];
	char **peer, **address, **refuse;
	size_t n_peer, n_address;
};
void kith_identity_free(struct kith_identity *id);              /* NULL is fine */

struct kith_machine_conf {
	const struct kith_env *env;
	struct kith_store *store;
	bool lmdb;                              /* store is lmdb.c's: space can be asked for */
	struct kith_identity *take_identity;
	struct kith_file_source files;
	const struct kith_port *ports;          /* n reactors, by the top byte of ids, then one for KITH_OUT_CONTROL; copied */
	size_t n_ports;
	void (*fatal)(void *arg, const char *why);      /* from the thread: acknowledge nothing more, exit 75 */
	void *arg;
	uint64_t (*mono_ms)(void), (*wall_ms)(void);
};
/* Makes the first engine in the calling thread. d: in words. */
KITH_MUST_USE int kith_machine_new(const struct kith_machine_conf *conf, struct kith_machine **out, struct kith_diag *d);
KITH_MUST_USE int kith_machine_start(struct kith_machine *m);   /* the thread. NOMEM */
/* Finishes the batch at hand, answers nobody else, ends the thread. */
void kith_machine_stop(struct kith_machine *m);
void kith_machine_free(struct kith_machine *m);                 /* stopped; NULL is fine */

/* One batch of what is there, in the calling thread, instead of a thread: for tests. */
void kith_machine_turn(struct kith_machine *m);

/*
 * From any thread; copies all that in borrows (passwords are wiped later).
 * BUSY: too much waits already; FULL: read-only, and this input would write. For
 * inputs about links epoch is the sender's.
 */
KITH_MUST_USE int kith_machine_submit(struct kith_machine *m, const struct kith_in *in, uint64_t epoch);
/* Time to read less from the network; KITH_PARCEL_RESUME tells when that is over. */
bool kith_machine_is_long(struct kith_machine *m);
size_t kith_machine_waiting(struct kith_machine *m);
/* Another configuration or other keys: a new engine, after what waits. */
KITH_MUST_USE int kith_machine_renew(struct kith_machine *m, struct kith_identity *take_identity);

struct kith_id kith_machine_node(struct kith_machine *m);
bool kith_machine_is_read_only(struct kith_machine *m);
struct kith_machine_counters {
	uint64_t batches, inputs, outputs, failed_batches, refused_busy, refused_full, waiting, waiting_bytes, commit_us, largest_batch;
	uint64_t disk_total, disk_free, map_used, map_size;
};
void kith_machine_counters(struct kith_machine *m, struct kith_machine_counters *out);

#endif
