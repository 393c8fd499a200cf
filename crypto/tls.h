#ifndef KITH_CRYPTO_TLS_H
#define KITH_CRYPTO_TLS_H

#include "base/error.h"
#include "base/slice.h"
#include "crypto/sign.h"

/*
 * TLS through OpenSSL 3, in three uses: peers (1.3, both sides with a
 * self-signed Ed25519 certificate, only the key counts), the listener for
 * clients (1.2 and later, from files or a certificate of our own), and kith's
 * way out. No tickets, renegotiation, compression or early data.
 */
struct ssl_st;                  /* an SSL, to be freed with SSL_free */

#define KITH_TLS_ALPN_PEER "kith/1"
#define KITH_TLS_ALPN_CLIENT "http/1.1"
#define KITH_TLS_EXPORTER_LABEL "EXPORTER-kith/1 hello"
enum { KITH_TLS_EXPORTER_BYTES = 32, KITH_TLS_PEER_CERT_MAX = 2048, KITH_TLS_PIN_BYTES = 32 };

/* ---- peers ---- */
struct kith_tls;

/* For both directions, with a certificate made in memory from the node's seed. NOMEM. */
KITH_MUST_USE int kith_tls_peer(const uint8_t seed[KITH_SEED_BYTES], struct kith_tls **out);
void kith_tls_free(struct kith_tls *t);                         /* NULL is fine; connections made from it may live on */
/* A connection that has not begun. NULL: out of memory. */
struct ssl_st *kith_tls_open(struct kith_tls *t, bool server);
/*
 * After the handshake: who it is. DENIED: not what a peer presents (another
 * protocol version, ALPN or kind of key, or one that cannot sign).
 */
KITH_MUST_USE int kith_tls_peer_identity(struct ssl_st *ssl, uint8_t pk[KITH_PK_BYTES],
    uint8_t exporter[KITH_TLS_EXPORTER_BYTES]);
/* The certificate a seed makes, DER; *out is malloced, the caller frees. */
KITH_MUST_USE int kith_tls_peer_cert(const uint8_t seed[KITH_SEED_BYTES], uint8_t **out, size_t *n);

/* ---- the listener for clients ---- */
struct kith_tls_server;         /* may be used by several threads */

/*
 * From PEM files (chain, leaf first; key without a passphrase), or, with both
 * paths NULL, from a new self-signed ECDSA P-256 certificate in memory.
 *   KITH_E_NOTFOUND, DENIED, IO  a file cannot be had (others may not read the key)
 *   KITH_E_CORRUPT               not PEM, or the two do not belong together
 */
KITH_MUST_USE int kith_tls_server_new(const char *cert_path, const char *key_path, struct kith_tls_server **out,
    struct kith_diag *d);
void kith_tls_server_free(struct kith_tls_server *s);           /* NULL is fine */
/*
 * Read the files again if they have changed (or force). The new ones serve from the next connection on, or,
 * after any error (as above), the old ones go on as if nothing had happened. *changed may be NULL.
 */
KITH_MUST_USE int kith_tls_server_reload(struct kith_tls_server *s, bool force, bool *changed, struct kith_diag *d);
struct ssl_st *kith_tls_server_open(struct kith_tls_server *s); /* NULL: out of memory */
int64_t kith_tls_server_expiry_s(struct kith_tls_server *s);    /* when the leaf ends, seconds of real time */
void kith_tls_server_pin(struct kith_tls_server *s, uint8_t pin[KITH_TLS_PIN_BYTES]);   /* SHA-256 of its public key (SPKI) */
/*
 * Make such a certificate as two PEM files of mode 0600, to be kept over
 * restarts, for localhost, the loopback addresses and host (may be NULL). A key
 * that is there already is used. EXISTS: the certificate is there already.
 * MALFORMED: host is no name or address. NOMEM, and as kith_tls_server_new.
 */
KITH_MUST_USE int kith_tls_make_self_signed(const char *cert_path, const char *key_path, const char *host,
    struct kith_diag *d);

/* ---- kith's way out ---- */
enum kith_tls_trust {
	KITH_TLS_SYSTEM,        /* the system's roots, and the name */
	KITH_TLS_PINNED,        /* the public key has this pin, nothing else counts */
	KITH_TLS_LEARN,         /* none: only to ask for the pin; send nothing over it */
};
struct kith_tls_client;
KITH_MUST_USE int kith_tls_client_new(enum kith_tls_trust trust, const uint8_t *pin, struct kith_tls_client **out,
    struct kith_diag *d);
void kith_tls_client_free(struct kith_tls_client *c);           /* NULL is fine; not before its connections */
struct ssl_st *kith_tls_client_open(struct kith_tls_client *c, const char *host);      /* host: for SNI and verification; NULL: out of memory */
KITH_MUST_USE int kith_tls_pin_of(struct ssl_st *ssl, uint8_t pin[KITH_TLS_PIN_BYTES]);  /* NOTFOUND: no certificate */
/* Why a handshake failed, in words; call at once, on the same thread. */
void kith_tls_why(struct ssl_st *ssl, struct kith_diag *d);

#endif
