#ifndef KITH_CRYPTO_SIGN_H
#define KITH_CRYPTO_SIGN_H

#include "base/error.h"
#include "base/slice.h"

/*
 * Hashes, signatures and secrets: the maths, with no dice and no clock. Every
 * use has a context label of its own, so that one kind of hash or signature
 * never passes for another. Labels are listed in PROTOCOL.md. Programs call
 * sodium_init before anything here.
 */
#define KITH_SEED_BYTES 32
#define KITH_PK_BYTES 32
#define KITH_SIG_BYTES 64

enum kith_label {               /* the personalisation is "kith/1 " and the name, padded with zeros to 16 */
	KITH_L_RECORD,          /* "record":   id of a record: hash of its header */
	KITH_L_TIP,             /* "tip":      a node's signature on a record id */
	KITH_L_BODY,            /* "body" */
	KITH_L_AUTHOR,          /* "author":   an account's signature */
	KITH_L_DOC,             /* "doc":      identity document */
	KITH_L_NODE,            /* "node":     node record */
	KITH_L_CUT,             /* "cut" */
	KITH_L_INVITE,          /* "invite" */
	KITH_L_COUNT,           /* "count":    an invite's countersignature */
	KITH_L_HELLO,           /* "hello" */
	KITH_L_GROUPTAG,        /* "tag":      a group's name to a peer that has not shown it is in it */
	KITH_L_FACT,            /* "fact":     one fact or register, for the state hash */
	KITH_L_OBJECT,          /* "object":   other content-addressed objects */
	KITH_L_TOKEN,           /* "token":    a session token at rest */
	KITH_L_FEED,            /* "feed" */
	KITH_L_MAIL,            /* "mail" */
	KITH_L_SEAL,            /* "seal":     keys at rest */
	KITH_L_BLOB,            /* "blob":     files: avatars, banners, attachments */
	KITH_L_COUNT_
};

/* BLAKE2b-256 with the label as personalisation. */
void kith_hash(enum kith_label l, struct kith_slice in, struct kith_id *out);
void kith_hash2(enum kith_label l, struct kith_slice a, struct kith_slice b, struct kith_id *out);      /* of a then b */
void kith_hash_keyed(enum kith_label l, struct kith_slice key /* 16..64 bytes */, struct kith_slice in, struct kith_id *out);

/* Piece by piece. Lives where it was begun: not to be copied. */
struct kith_hasher {
	uint8_t space[448];
};
void kith_hasher_begin(struct kith_hasher *h, enum kith_label l);
void kith_hasher_add(struct kith_hasher *h, struct kith_slice in);
void kith_hasher_end(struct kith_hasher *h, struct kith_id *out);        /* once */

/* A signing key in guarded memory. */
struct kith_signer;
KITH_MUST_USE int kith_signer_from_seed(const uint8_t seed[KITH_SEED_BYTES], struct kith_signer **out);        /* NOMEM */
void kith_signer_free(struct kith_signer *s);                    /* wiped; NULL is fine */
const uint8_t *kith_signer_pk(const struct kith_signer *s);      /* 32 bytes, borrowed */
/* Signs BLAKE2b-256 (label as personalisation) of msg. */
void kith_sign(const struct kith_signer *s, enum kith_label l, struct kith_slice msg, uint8_t sig[KITH_SIG_BYTES]);
/* KITH_OK or BADSIG. Refuses small-order and non-canonical keys and signatures. */
KITH_MUST_USE int kith_verify(const uint8_t pk[KITH_PK_BYTES], enum kith_label l, struct kith_slice msg,
    const uint8_t sig[KITH_SIG_BYTES]);
bool kith_pk_ok(const uint8_t pk[KITH_PK_BYTES]);                /* a key one could sign with */

bool kith_secret_eq(struct kith_slice a, struct kith_slice b);   /* constant time for equal lengths */
void kith_wipe(void *p, size_t n);

/* Secretbox under a 32-byte key; out has room for in.n + 40 bytes: nonce (given, 24 bytes), MAC, text. */
void kith_seal(const uint8_t key[32], const uint8_t nonce[24], struct kith_slice in, uint8_t *out);
/* in.n >= 40; out has room for in.n - 40. BADSIG. */
KITH_MUST_USE int kith_unseal(const uint8_t key[32], struct kith_slice in, uint8_t *out);

#endif
