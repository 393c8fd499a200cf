#ifndef KITH_CLIENT_SESSION_H
#define KITH_CLIENT_SESSION_H

#include "base/b32.h"
#include "client/account.h"

#define KITH_SESSION_IDLE_MS (UINT64_C(30) * 24 * 3600 * 1000)
#define KITH_SESSION_MAX_MS (UINT64_C(180) * 24 * 3600 * 1000)

#define KITH_SESSIONS_MAX 100u           /* of one account */

/*
 * A new session for a, with these scopes; its token as text (base32, 52 characters), and, where s is not NULL, what it is.
 * Sessions of a that have expired go. Where there are as many as there may be, a whole one takes the place of the one longest
 * unused; a token is refused (LIMIT).
 */
KITH_MUST_USE int kith_session_new(struct kith_call *c, const struct kith_account *a, struct kith_slice client, uint32_t scopes,
    char token[KITH_ID_STR], struct kith_session *s);
/* Ends one of uid's sessions (NOTFOUND), or all but `keep` (none: all). */
KITH_MUST_USE int kith_session_end(struct kith_call *c, const struct kith_id *uid, const struct kith_id *session);
KITH_MUST_USE int kith_session_end_all(struct kith_call *c, const struct kith_id *uid, const struct kith_id *keep);
/* Calls fn for each of uid's sessions. */
KITH_MUST_USE int kith_session_each(struct kith_txn *t, const struct kith_id *uid, void (*fn)(void *ctx, const struct kith_session *s), void *ctx);

#endif
