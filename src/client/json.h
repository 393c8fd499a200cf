#ifndef KITH_CLIENT_JSON_H
#define KITH_CLIENT_JSON_H

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

/* JSON to canonical msgpack: duplicates refused, integers only, depth 32, keys sorted. Appends one value. MALFORMED, LIMIT; *why: a sentence. */
KITH_MUST_USE int kith_json_to_mp(struct kith_slice json, struct kith_buf *out, char *why, size_t why_len);
/* A checked msgpack value as JSON text. bin becomes base32. */
KITH_MUST_USE int kith_mp_to_json(struct kith_slice mp, struct kith_buf *out);

#endif
