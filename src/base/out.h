#ifndef KITH_BASE_OUT_H
#define KITH_BASE_OUT_H

#include "base/error.h"
#include "base/map.h"
#include "base/slice.h"

/*
 * What the core wants done, in order. Nothing of it happens before the batch
 * that made it has been synced; if that fails, none of it does.
 */
enum kith_out_kind {
	/* peers */
	KITH_OUT_SEND,          /* link, type, bytes: one frame */
	KITH_OUT_CLOSE,         /* link, text: end it, and why */
	KITH_OUT_TRUST,         /* link: authenticated; frames may be large from now on */
	KITH_OUT_DIAL,          /* text: "host:port"; number: a token that comes back with the link or the failure */
	/* clients */
	KITH_OUT_REPLY,         /* conn, number: request token, err, bytes: msgpack result (or error data), text: error message */
	KITH_OUT_PUSH,          /* channel (or conn when channel is none), text: method, bytes: msgpack params */
	KITH_OUT_SUBSCRIBE,     /* conn, channel */
	KITH_OUT_UNSUBSCRIBE,   /* conn, channel */
	KITH_OUT_DROP,          /* conn, text: close it (session revoked ...) */
	/* the daemon */
	KITH_OUT_ERASE,         /* channel: the file of that hash is needed no more */
	KITH_OUT_MAIL,          /* text: to whom; bytes: the subject, NUL, the text, NUL */
	/* the operator */
	KITH_OUT_CONTROL,       /* number: request token, err, bytes: text lines, text: error message */
};
/* Frames leave by class, in this order; what is ephemeral is dropped first. */
enum kith_class { KITH_CL_CONTROL, KITH_CL_AUTHORITY, KITH_CL_LIVE, KITH_CL_HISTORY, KITH_CL_BULK, KITH_CL_EPHEMERAL, KITH_CL_COUNT_ };

struct kith_output {
	enum kith_out_kind kind;
	uint64_t link, conn, number;
	struct kith_id channel;
	uint8_t type, cls;
	int err;
	uint8_t *bytes;         /* owned; may be NULL */
	size_t n;
	char *text;             /* owned; may be NULL */
};
struct kith_out {
	KITH_VEC(struct kith_output) list;
	bool failed;            /* memory ran out while appending: the batch must be abandoned */
};
void kith_out_init(struct kith_out *o);
void kith_out_fini(struct kith_out *o);                  /* frees what is left in it */
void kith_out_reset(struct kith_out *o);
/* Append an entry of this kind, zeroed, to be filled; NULL sets failed. */
struct kith_output *kith_out_add(struct kith_out *o, enum kith_out_kind kind);
void kith_output_bytes(struct kith_out *o, struct kith_output *e, struct kith_slice s);         /* copies */
void kith_output_text(struct kith_out *o, struct kith_output *e, const char *text);             /* copies */

#endif
