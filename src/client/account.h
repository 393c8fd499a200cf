#ifndef KITH_CLIENT_ACCOUNT_H
#define KITH_CLIENT_ACCOUNT_H

#include "client/client.h"
#include "id/doc.h"

/*
 * Accounts that live at this node (tables KITH_T_ACCOUNT, KITH_T_HANDLE,
 * KITH_T_SESSION, KITH_T_USER; FORMAT.md). Keys are sealed under the node's key.
 */
#define KITH_NICK_GRAPHEMES 32
#define KITH_ACC_GUEST 1u
#define KITH_ACC_DISABLED 2u

struct kith_account {
	struct kith_id uid, doc;                /* doc: the newest document */
	uint64_t doc_n, made_ms;
	uint32_t flags;
	char handle[KITH_HANDLE_MAX + 1];       /* name#1234 */
	uint8_t sealed[72], sealed_recovery[72];
	uint8_t salt[KITH_PW_SALT], hash[KITH_PW_HASH];
	uint32_t pw_t, pw_m_kib;                /* 0: no password (guests) */
};

KITH_MUST_USE int kith_account_get(struct kith_txn *t, const struct kith_id *uid, struct kith_account *out);      /* NOTFOUND */
KITH_MUST_USE int kith_account_put(struct kith_txn *t, const struct kith_account *a);
/* "name" when only one account here has it, or "name#1234". NOTFOUND. */
KITH_MUST_USE int kith_account_by_name(struct kith_txn *t, struct kith_slice text, struct kith_account *out);
/* What people sign in with: also the address for mail that they have confirmed. NOTFOUND. */
KITH_MUST_USE int kith_account_by_login(struct kith_txn *t, struct kith_slice text, struct kith_account *out);
const char *kith_account_address(struct kith_txn *t, const struct kith_id *uid, char out[256]);        /* confirmed; empty: none; returns out */
void kith_account_take_password(struct kith_account *a, const struct kith_password *pw);
/* A new session, as the result of the call; recovery: the seed to show once, or NULL. */
KITH_MUST_USE int kith_signed_in(struct kith_call *c, const struct kith_account *a, const uint8_t *recovery);
/* All accounts here that bear the name, at most max: uids. */
size_t kith_account_named(struct kith_txn *t, struct kith_slice name, struct kith_id *out, size_t max);
KITH_MUST_USE int kith_account_signer(const struct kith_node_conf *conf, const struct kith_account *a, struct kith_signer **out);

/*
 * A nickname as it will be kept: NFC, 1 to 32 graphemes, no control or bidi
 * characters, none of # @ / and no space at its ends. MALFORMED. Appends to out.
 */
KITH_MUST_USE int kith_nick_clean(struct kith_slice in, struct kith_buf *out);
/* What two names are compared by. Appends to out. */
KITH_MUST_USE int kith_name_fold(struct kith_slice in, struct kith_buf *out);
/* Splits name#1234 at the last #; number 0 when there is none. */
void kith_handle_split(struct kith_slice text, struct kith_slice *name, uint32_t *number);

/* Another nickname: the handle and its index; the caller writes the document and the account. */
KITH_MUST_USE int kith_account_rename(struct kith_call *c, struct kith_account *a, struct kith_slice name);
/* A newer document: its person's memberships go on under it (a `move` in each group). */
KITH_MUST_USE int kith_account_moved(struct kith_call *c, const struct kith_account *a);

/* Operators' side (kithctl). */
KITH_MUST_USE int kith_account_create(struct kith_call *c, struct kith_slice name, bool guest, struct kith_account *out, uint8_t recovery_seed[32]);
KITH_MUST_USE int kith_account_disable(struct kith_call *c, const struct kith_id *uid, bool disabled);
bool kith_account_next(struct kith_txn *t, struct kith_id *after, struct kith_account *out);    /* after: none at first */
KITH_MUST_USE int kith_register_code_new(struct kith_call *c, uint32_t uses, char out[33]);

/* The newest identity document of an account here, as bytes. Borrows from t. */
KITH_MUST_USE int kith_account_doc(struct kith_txn *t, const struct kith_account *a, struct kith_slice *raw);

#endif
