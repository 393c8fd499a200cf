#ifndef KITH_DAEMON_REQUEST_H
#define KITH_DAEMON_REQUEST_H

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

/*
 * What clients send, as bytes: JSON-RPC requests and the bodies of calls. Pure.
 * scratch is the caller's, empty before, and holds what results borrow; it may
 * hold a password.
 */
#define KITH_REQUEST_ID_MAX 160         /* bytes of an id, as msgpack */

struct kith_request {
	struct kith_slice id;           /* as msgpack: a string, an integer or nil; n 0: a notification */
	struct kith_slice method;
	struct kith_slice params;       /* a checked map */
};

/*
 * One message, which is one request.
 *   KITH_E_MALFORMED, KITH_E_LIMIT  no JSON, or no canonical msgpack: a parse error
 *   KITH_E_DENIED                   that, but no request of ours
 * *why is a sentence. NOMEM.
 */
KITH_MUST_USE int kith_request_take(struct kith_slice msg, bool msgpack, struct kith_buf *scratch, struct kith_request *out, char *why,
    size_t why_len);
/* A body as params, in scratch: nothing at all is an empty map. MALFORMED, LIMIT, NOMEM. */
KITH_MUST_USE int kith_request_params(struct kith_slice body, bool msgpack, struct kith_buf *scratch, char *why, size_t why_len);

#endif
