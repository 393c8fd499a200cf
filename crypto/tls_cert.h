#ifndef KITH_CRYPTO_TLS_CERT_H
#define KITH_CRYPTO_TLS_CERT_H

#include <openssl/ssl.h>

#include "base/error.h"
#include "base/slice.h"

/* What the uses of TLS share; for crypto/tls*.c alone. */

/* Signed by key itself, without an end; alt is subjectAltName in OpenSSL's words, or NULL. NULL: out of memory. */
X509 *kith_tls_cert_make(EVP_PKEY *key, const char *alt);
/* SHA-256 of the public key as the certificate has it. */
bool kith_tls_cert_pin(X509 *cert, uint8_t pin[32]);
/* What every connection of ours does without. */
void kith_tls_ctx_harden(SSL_CTX *ctx, int min_version);
/* Takes protocol alone from what is offered, and refuses who offers others only. */
void kith_tls_ctx_alpn(SSL_CTX *ctx, const char *protocol);

#endif
