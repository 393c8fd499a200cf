#ifndef KITH_ENGINE_ENGINE_H
#define KITH_ENGINE_ENGINE_H

#include "base/env.h"
#include "base/error.h"
#include "base/out.h"
#include "base/slice.h"
#include "client/client.h"
#include "federation/federation.h"
#include "storage/store.h"

/*
 * The one machine: inputs in, ordered outputs out. No socket, file or clock. A
 * batch is: begin (with a write transaction), any number of inputs, end; then
 * the caller commits and, only if that succeeded, releases the outputs. If the
 * batch fails the engine is thrown away and a new one made: starting and
 * recovering are the same code.
 */
struct kith_engine;

/* Files beside the store are not the engine's: it only reads them, for nodes that ask. Any of it may be NULL. */
struct kith_file_source {
	void *ctx;
	/* At most *n bytes from a place on; *n: how many. NOTFOUND, IO. */
	int (*read)(void *ctx, const struct kith_id *file, uint64_t from, uint8_t *p, size_t *n);
};

struct kith_engine_conf {
	struct kith_node_conf node;
	struct kith_fed_config fed;
	const struct kith_signer *root, *sign;  /* borrowed; root may be NULL when it is kept elsewhere */
	const uint8_t (*cert_pk)[32];           /* certificate keys, newest first */
	size_t n_cert_pk;
	uint8_t next_root_pk[32];               /* for the commitment in record 0 */
	bool listed;
	struct kith_file_source files;
};
/*
 * Reads (or, first time, makes) the node record and incarnation in t, nothing
 * of history. Borrows env and store; copies conf.
 */
KITH_MUST_USE int kith_engine_new(const struct kith_env *env, struct kith_store *store, struct kith_txn *t, struct kith_now now,
    const struct kith_engine_conf *conf, struct kith_engine **out);
void kith_engine_free(struct kith_engine *e);
const struct kith_id *kith_engine_node(const struct kith_engine *e);

enum kith_in_kind {
	KITH_IN_CALL,           /* a client's write: method, params, session, password, address; conn and number come back in REPLY */
	KITH_IN_CONN_UP,        /* a WebSocket of a session: gets its channels (SUBSCRIBE outputs) */
	KITH_IN_CONN_DOWN,
	KITH_IN_SEEN,           /* session is in use */
	KITH_IN_LINK_UP, KITH_IN_LINK_DOWN, KITH_IN_FRAME, KITH_IN_DIAL_FAILED,
	KITH_IN_CONTROL,        /* the operator: text: a command line of kithctl; number comes back in CONTROL */
	KITH_IN_TIMER,
};
struct kith_in {
	enum kith_in_kind kind;
	uint64_t conn, number, link, token;
	const struct kith_method *method;
	struct kith_slice params;               /* msgpack map, checked */
	struct kith_session session;
	bool has_session;
	struct kith_password pw;
	char address[128];
	uint8_t type;                           /* of a frame */
	struct kith_slice bytes;
	uint8_t cert_pk[32], exporter[32];
	const char *text;
};
KITH_MUST_USE int kith_engine_begin(struct kith_engine *e, struct kith_txn *t);
/* Errors that belong to the input are answered in outputs; an error here (NOMEM, IO, CORRUPT, FULL) ends the batch. */
KITH_MUST_USE int kith_engine_input(struct kith_engine *e, struct kith_now now, const struct kith_in *in, struct kith_out *out);
/* Signs tips, brings readers' tables up to date, pushes to peers and clients. */
KITH_MUST_USE int kith_engine_end(struct kith_engine *e, struct kith_now now, struct kith_out *out);
/* When the engine wants KITH_IN_TIMER, in mono ms. */
uint64_t kith_engine_deadline_ms(const struct kith_engine *e);

/*
 * The channel of a panel, of a group (its settings and roster) and of a person:
 * what REPLY-less PUSH outputs are addressed to.
 */
void kith_channel(const struct kith_id *group, const struct kith_id *panel, struct kith_id *out);

#endif
