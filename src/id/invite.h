#ifndef KITH_ID_INVITE_H
#define KITH_ID_INVITE_H

#include "base/buf.h"
#include "base/env.h"
#include "base/error.h"
#include "base/slice.h"
#include "crypto/sign.h"

/*
 * An invite: a signed object of its maker's home. Bytes: [body, node signature]; body = bin of
 *   [version, group, maker uid, maker's node, nonce (16), secret hash, made ms, expires ms or 0, uses or 0 (no limit),
 *    role or empty, panel or empty, guests allowed, counting node or empty]
 * The counting node is there exactly when the invite expires or has a limit. Its id is the hash of the body. The link carries the id's secret (16 bytes, whose kith_hash(KITH_L_INVITE, .) the
 * body holds), and where to go:
 *   kith:invite#BASE32   or   http(s)://HOST/invite#BASE32    (same fragment)
 * where BASE32 is of canonical msgpack [1, group, invite id (empty: a knock, by which one asks to be let in), secret, [[node id, [addresses]], ...], group name hint].
 * An invite with an expiry or a use limit is countersigned at each use by its counting node: a signature (KITH_L_COUNT)
 * over msgpack [invite id, count, uid].
 */
#define KITH_INVITE_MAX 1024
#define KITH_LINK_MAX 2048
#define KITH_LINK_NODES_MAX 8

struct kith_invite {
	struct kith_slice raw, body;
	struct kith_id id, group, maker, node, role, panel, counter;   /* counter: the counting node, none if unlimited */
	struct kith_id secret_hash;
	uint64_t made_ms, expires_ms, uses;
	bool guests;
	uint8_t sig[64];
};
KITH_MUST_USE int kith_invite_parse(struct kith_slice raw, struct kith_invite *out);
/* Form only; borrows raw. MALFORMED, LIMIT. The signature by the maker's node (KITH_L_INVITE) is checked with kith_node_verify over the body by whoever admits it. */
struct kith_invite_new {
	struct kith_id group, maker, node, role, panel, counter;
	uint8_t nonce[16], secret[16];
	uint64_t made_ms, expires_ms, uses;
	bool guests;
};
/* Signs and appends; out is as it was on failure. */
KITH_MUST_USE int kith_invite_make(const struct kith_invite_new *i, const struct kith_signer *node_key, struct kith_buf *out, struct kith_id *id);

struct kith_link {
	struct kith_id group, invite;
	uint8_t secret[16];
	struct { struct kith_id node; char addr[4][128]; size_t n_addrs; } node[KITH_LINK_NODES_MAX];
	size_t n_nodes;
	char name[128];
};
/* base: "kith:invite" or "http://host:port/invite"; out gets base#fragment, and a NUL that is not counted. */
KITH_MUST_USE int kith_link_write(const struct kith_link *l, const char *base, struct kith_buf *out);
/* Takes any of the forms, or the bare fragment. Allocates nothing. MALFORMED, LIMIT. */
KITH_MUST_USE int kith_link_parse(struct kith_slice text, struct kith_link *out);

/* What is signed at a use. */
void kith_count_bytes(const struct kith_id *invite, uint64_t count, const struct kith_id *uid, struct kith_buf *out);

#endif
