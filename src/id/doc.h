#ifndef KITH_ID_DOC_H
#define KITH_ID_DOC_H

#include "base/buf.h"
#include "base/env.h"
#include "base/error.h"
#include "base/slice.h"
#include "crypto/sign.h"

/*
 * An identity document: who an account is, where it lives, by which keys it
 * acts. Document 0 gives the uid; later ones follow it (RULES B8, A8 ii).
 * Bytes: canonical msgpack, [body, account signature, recovery signature] where
 * body is a bin holding
 *   [version, n, uid or empty (n = 0), account key, recovery key, home node id, handle, flags, prev hash or empty]
 * and each signature is a bin of 64 or 0 bytes over the body. The document's
 * hash (its id) is of the body alone; the uid is the id of document 0. The two keys differ; no other flags are set.
 * At most KITH_DOC_MAX bytes.
 */
#define KITH_DOC_MAX 1024
#define KITH_HANDLE_MAX 255             /* bytes: name#1234 */
#define KITH_DOC_SELF_SIGNED 1u         /* flag: the person keeps the account key; their signature is due on every record */
#define KITH_DOC_GUEST 2u
#define KITH_DOC_BOT 4u

enum kith_doc_by { KITH_DOC_BY_NONE, KITH_DOC_BY_ACCOUNT, KITH_DOC_BY_RECOVERY, KITH_DOC_BY_BOTH };   /* in rising rank */

struct kith_doc {
	struct kith_slice raw;          /* the whole object; the fields below borrow from it */
	struct kith_slice body;
	struct kith_id id, uid, home, prev;
	uint64_t n;
	uint8_t account_pk[32], recovery_pk[32];
	struct kith_slice handle;
	uint32_t flags;
	bool has_account_sig, has_recovery_sig;
	uint8_t account_sig[64], recovery_sig[64];
};

/* Parse and check form; not the signatures, which need the document before. Borrows raw. MALFORMED, LIMIT. */
KITH_MUST_USE int kith_doc_parse(struct kith_slice raw, struct kith_doc *out);
/*
 * The signatures: of document 0 (prev NULL) by both of its own keys; of a later
 * one by the account or the recovery key of prev (a new recovery key: both).
 * *by says which. BADSIG, MALFORMED (not a successor of prev).
 */
KITH_MUST_USE int kith_doc_check(const struct kith_env *env, const struct kith_doc *d, const struct kith_doc *prev, enum kith_doc_by *by);

struct kith_doc_new {
	uint64_t n;
	struct kith_id uid, home, prev;         /* uid and prev: none when n is 0 */
	uint8_t account_pk[32], recovery_pk[32];
	struct kith_slice handle;
	uint32_t flags;
};
/* Signs with what is given (either may be NULL). Appends the object; out is as it was on failure. MALFORMED, LIMIT, NOMEM. */
KITH_MUST_USE int kith_doc_make(const struct kith_doc_new *d, const struct kith_signer *account, const struct kith_signer *recovery, struct kith_buf *out);

#endif
