#ifndef KITH_ID_NODE_H
#define KITH_ID_NODE_H

#include "base/buf.h"
#include "base/env.h"
#include "base/error.h"
#include "base/slice.h"
#include "crypto/sign.h"

/*
 * A node record: by which keys a node speaks and where it can be reached.
 * Record 0 gives the node id; later ones rotate keys and change addresses, and
 * the hash of the next root key, committed to beforehand, lets a lost or stolen
 * root be replaced. Bytes: [body, signature]:
 *   body = bin of [version, n, node id or empty (n = 0), root key, signing key, [certificate keys],
 *                  hash of the next root key, [addresses], name, listed, prev hash or empty]
 * A record is signed by the root key of the one before it; one that changes the
 * root key is signed by the new root alone, whose hash the record before it
 * committed to. At most KITH_NODE_MAX bytes.
 */
#define KITH_NODE_MAX 1024
#define KITH_NODE_CERTS_MAX 4
#define KITH_NODE_ADDRS_MAX 8
#define KITH_NODE_NAME_MAX 64
#define KITH_NODE_N_MAX 4095            /* records of one node: n up to here */
#define KITH_ADDR_MAX 127

struct kith_node_record {
	struct kith_slice raw;                  /* the whole object; fields borrow from it */
	struct kith_slice body;
	struct kith_id id, node, prev;          /* id: hash of the body; node: the id of record 0 */
	uint64_t n;
	uint8_t root_pk[32], sign_pk[32], cert_pk[KITH_NODE_CERTS_MAX][32];
	size_t n_certs;                         /* at least 1, each once */
	struct kith_id next_root;               /* kith_hash(KITH_L_NODE, next root key) */
	struct kith_slice addr[KITH_NODE_ADDRS_MAX];    /* "host:port", "[v6]:port" */
	size_t n_addrs;
	struct kith_slice name;
	bool listed;
	uint8_t sig[64];
};

/* "host:port" or "[v6]:port", printable ASCII, port 1 to 65535, at most KITH_ADDR_MAX bytes. */
bool kith_addr_ok(struct kith_slice s);

KITH_MUST_USE int kith_node_parse(struct kith_slice raw, struct kith_node_record *out);       /* form only */
/* prev NULL for record 0. BADSIG, MALFORMED (not a successor). */
KITH_MUST_USE int kith_node_check(const struct kith_env *env, const struct kith_node_record *r, const struct kith_node_record *prev);

struct kith_node_new {
	uint64_t n;
	struct kith_id node, prev;
	uint8_t root_pk[32], sign_pk[32], cert_pk[KITH_NODE_CERTS_MAX][32];
	size_t n_certs;
	struct kith_id next_root;
	const char *addr[KITH_NODE_ADDRS_MAX];
	size_t n_addrs;
	const char *name;
	bool listed;
};
/* Signs and appends; out is as it was on failure. MALFORMED, LIMIT, NOMEM. */
KITH_MUST_USE int kith_node_make(const struct kith_node_new *r, const struct kith_signer *root, struct kith_buf *out);

/*
 * The chain of one node, in the store (table KITH_T_NODE, key = node id | 0 | n u64): put checks it against what is
 * held. MISSING: the record before it is not held. EXISTS. Of rivals of equal n the one held first stays and BADSIG is
 * told; but one that replaces the root (by the key committed to before) puts out one that does not, with all that
 * follows it, unless that chain has come to the same root by itself: so a stolen root cannot shut its owner out.
 */
struct kith_txn;
KITH_MUST_USE int kith_node_put(const struct kith_env *env, struct kith_txn *t, struct kith_slice raw, struct kith_id *node_out);
/* The newest record held. Borrows from the transaction. NOTFOUND. */
KITH_MUST_USE int kith_node_get(struct kith_txn *t, const struct kith_id *node, struct kith_node_record *out);
/* Is sig by any signing key of the node's chain, newest first? KITH_OK, BADSIG, MISSING (no record of it held). */
KITH_MUST_USE int kith_node_verify(const struct kith_env *env, struct kith_txn *t, const struct kith_id *node, int label,
    struct kith_slice msg, const uint8_t sig[64]);
/*
 * The node whose newest record names this certificate key: of several that claim it the first. A hint, since a record
 * does not prove that its node has the key; the greeting does. NOTFOUND. (Index: key = 'c' | pk in KITH_T_NODE.)
 */
KITH_MUST_USE int kith_node_by_cert(struct kith_txn *t, const uint8_t pk[32], struct kith_id *node);

#endif
