#ifndef KITH_DAEMON_MACHINE_INNER_H
#define KITH_DAEMON_MACHINE_INNER_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/map.h"
#include "daemon/machine.h"
#include "storage/lmdb.h"

/* What the files of the machine share; nobody else includes this. */

struct msg {
	struct msg *next;
	struct kith_in in;
	uint64_t epoch;
	size_t cost;
	struct kith_identity *renew;    /* not an input: a new engine */
	uint8_t data[];
};

struct kith_machine {
	struct kith_machine_conf conf;
	struct kith_port *ports;
	struct kith_identity *identity;
	struct kith_engine *e;          /* NULL: read-only */
	struct kith_id node;
	struct kith_map *conns;         /* number -> struct kith_session: open WebSockets, which every new engine is told of first */
	uint64_t epoch, space_ms, tick_ms, retry_ms;
	enum kith_space_level level;

	pthread_t thread;
	bool started;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct msg *first, **last;      /* from here on under lock: what people and the operator want */
	struct msg *peer, **last_peer;  /* and what is about links, each in its order */
	size_t waiting, bytes;
	bool stop, was_long;

	atomic_bool read_only, is_long;
	atomic_uint_fast64_t batches, inputs, outputs, failed, busy, full, commit_us, largest, disk_total, disk_free, map_used, map_size;
};

/* outbox.c: the thread's alone */
/* Takes what is in out, and tells which frames of the messages from done to end have been dealt with. */
void machine_release(struct kith_machine *m, struct kith_out *out, struct msg *done, const struct msg *end);
void machine_tell_all(struct kith_machine *m, enum kith_parcel_kind kind, int err);
/* What was committed cannot be told: nobody may go on believing anything. */
void machine_lost(struct kith_machine *m);

/* batch.c: the thread's alone */
int machine_make_engine(struct kith_machine *m);
void machine_process(struct kith_machine *m, struct msg *list);         /* takes list */
void machine_msg_free(struct msg *g);

#endif
