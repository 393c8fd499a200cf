#ifndef KITH_DAEMON_STATE_H
#define KITH_DAEMON_STATE_H

#include "base/error.h"
#include "crypto/sign.h"

/*
 * The state directory: who may be in it, and the keys that lie there.
 *   root.key next-root.key   the node's root, and the one that can replace it
 *   sign.key cert.key        what it signs and links with; renewed by kithctl keys rotate
 *   seal.key                 what people's keys are sealed under; never changes
 *   store/                   the store
 *   blobs/                   files, by the hashes of their bytes
 *   control                  the socket of kithctl
 *   lock                     held while kithd runs; its process id
 *   client-cert.pem client-key.pem   for the clients' port, unless the configuration names others
 */
#define KITH_STATE_STORE "store"
#define KITH_STATE_BLOBS "blobs"
#define KITH_STATE_CONTROL "control"
#define KITH_STATE_CLIENT_CERT "client-cert.pem"
#define KITH_STATE_CLIENT_KEY "client-key.pem"

/*
 * Makes the directory if it is missing (0700), sees that it belongs to us (or,
 * when we are root, to `user`) alone, locks it for the life of the process and
 * goes there. BUSY: another process has it. DENIED, IO, FULL.
 */
KITH_MUST_USE int kith_state_enter(const char *dir, const char *user, struct kith_diag *d);
/* When we are root, become user for good. DENIED. */
KITH_MUST_USE int kith_state_become(const char *user, struct kith_diag *d);

struct kith_keys {
	struct kith_signer *root;               /* NULL: kept elsewhere */
	struct kith_signer *sign;
	uint8_t cert_seed[KITH_SEED_BYTES], cert_pk[KITH_PK_BYTES], next_root_pk[KITH_PK_BYTES], seal[KITH_SEED_BYTES];
};
/*
 * All keys, from files in the current directory. In a directory without a store
 * those that are missing are made; beside a store that is a mistake to be told,
 * except for the two roots, which may be kept elsewhere.
 */
KITH_MUST_USE int kith_keys_load(struct kith_keys *k, struct kith_diag *d);
void kith_keys_fini(struct kith_keys *k);                       /* wipes */

/*
 * New signing and certificate keys in the current directory; with root the
 * next root becomes the root too. A crash leaves old ones or new ones, each of
 * them whole. NOTFOUND: the root is kept elsewhere.
 */
KITH_MUST_USE int kith_keys_rotate(bool root, struct kith_diag *d);

/* Copies the key files from one directory into another that has none; EXISTS. */
KITH_MUST_USE int kith_keys_copy(const char *from, const char *to, struct kith_diag *d);

#endif
