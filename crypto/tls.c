#include "crypto/tls.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "crypto/tls_cert.h"

/* ---- what the uses share ---- */

static bool
add_alt(X509 *x, const char *alt)
{
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, alt);
	bool ok = ext != NULL && X509_add_ext(x, ext, -1) == 1;

	X509_EXTENSION_free(ext);
	return ok;
}

X509 *
kith_tls_cert_make(EVP_PKEY *key, const char *alt)
{
	const EVP_MD *md = EVP_PKEY_get_id(key) == EVP_PKEY_ED25519 ? NULL : EVP_sha256();
	X509 *x = X509_new();
	X509_NAME *name;

	if (x == NULL)
		return NULL;
	name = X509_get_subject_name(x);
	if (X509_set_version(x, X509_VERSION_3) != 1 || ASN1_INTEGER_set(X509_get_serialNumber(x), 1) != 1 ||
	    ASN1_TIME_set_string(X509_getm_notBefore(x), "20000101000000Z") != 1 ||
	    ASN1_TIME_set_string(X509_getm_notAfter(x), "99991231235959Z") != 1 ||
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"kith", -1, -1, 0) != 1 ||
	    X509_set_issuer_name(x, name) != 1 || X509_set_pubkey(x, key) != 1 || (alt != NULL && !add_alt(x, alt)) ||
	    X509_sign(x, key, md) <= 0) {
		X509_free(x);
		return NULL;
	}
	return x;
}

bool
kith_tls_cert_pin(X509 *cert, uint8_t pin[32])
{
	unsigned char *der = NULL;
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
	bool ok = n > 0 && EVP_Digest(der, (size_t)n, pin, NULL, EVP_sha256(), NULL) == 1;

	OPENSSL_free(der);
	return ok;
}

void
kith_tls_ctx_harden(SSL_CTX *ctx, int min_version)
{
	(void)SSL_CTX_set_min_proto_version(ctx, min_version);
	(void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
	    SSL_OP_CIPHER_SERVER_PREFERENCE);
	(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_num_tickets(ctx, 0);
	(void)SSL_CTX_set_max_early_data(ctx, 0);
	(void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

static int
choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in, unsigned in_len, void *arg)
{
	const char *want = arg;
	size_t n = strlen(want), i;

	(void)ssl;
	for (i = 0; i < in_len; i += 1u + in[i]) {
		if (in[i] == n && in_len - i > n && memcmp(in + i + 1, want, n) == 0) {
			*out = in + i + 1;
			*out_len = in[i];
			return SSL_TLSEXT_ERR_OK;
		}
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

void
kith_tls_ctx_alpn(SSL_CTX *ctx, const char *protocol)
{
	SSL_CTX_set_alpn_select_cb(ctx, choose_alpn, (void *)(uintptr_t)protocol);
}

void
kith_tls_why(struct ssl_st *ssl, struct kith_diag *d)
{
	unsigned long e = ERR_peek_last_error();
	long v = SSL_get_verify_result(ssl);
	const char *reason = ERR_reason_error_string(e);

	if (v != X509_V_OK)
		kith_diag_set(d, "the other side's certificate is not accepted: %s", X509_verify_cert_error_string(v));
	else if (e == 0)
		kith_diag_set(d, "the connection ended during the TLS handshake");
	else
		kith_diag_set(d, "the TLS handshake failed: %s", reason != NULL ? reason : "unknown error");
}

int
kith_tls_pin_of(struct ssl_st *ssl, uint8_t pin[KITH_TLS_PIN_BYTES])
{
	X509 *cert = SSL_get0_peer_certificate(ssl);

	return cert != NULL && kith_tls_cert_pin(cert, pin) ? KITH_OK : KITH_E_NOTFOUND;
}

/* ---- peers ---- */

struct kith_tls {
	SSL_CTX *ctx;
};

/* One certificate, small, with an Ed25519 key. Who signed it, for whom and when is nothing to us. */
static int
verify_peer(X509_STORE_CTX *store, void *arg)
{
	X509 *leaf = X509_STORE_CTX_get0_cert(store);
	EVP_PKEY *key = leaf != NULL ? X509_get0_pubkey(leaf) : NULL;
	bool ok = key != NULL && EVP_PKEY_get_id(key) == EVP_PKEY_ED25519 &&
	    sk_X509_num(X509_STORE_CTX_get0_untrusted(store)) == 1 && i2d_X509(leaf, NULL) <= KITH_TLS_PEER_CERT_MAX;

	(void)arg;
	X509_STORE_CTX_set_error(store, ok ? X509_V_OK : X509_V_ERR_APPLICATION_VERIFICATION);
	return ok;
}

static X509 *
peer_cert(const uint8_t seed[KITH_SEED_BYTES], EVP_PKEY **key_out)
{
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, KITH_SEED_BYTES);
	X509 *cert = key != NULL ? kith_tls_cert_make(key, NULL) : NULL;

	if (cert == NULL) {
		EVP_PKEY_free(key);
		return NULL;
	}
	*key_out = key;
	return cert;
}

int
kith_tls_peer_cert(const uint8_t seed[KITH_SEED_BYTES], uint8_t **out, size_t *n)
{
	EVP_PKEY *key = NULL;
	X509 *cert = peer_cert(seed, &key);
	unsigned char *p;
	int len = cert != NULL ? i2d_X509(cert, NULL) : -1;
	uint8_t *der = len > 0 ? malloc((size_t)len) : NULL;

	if (der != NULL) {
		p = der;
		(void)i2d_X509(cert, &p);
		*out = der;
		*n = (size_t)len;
	}
	X509_free(cert);
	EVP_PKEY_free(key);
	return der != NULL ? KITH_OK : KITH_E_NOMEM;
}

static bool
peer_ctx(SSL_CTX *ctx, const uint8_t seed[KITH_SEED_BYTES])
{
	static const unsigned char alpn[] = "\x06" KITH_TLS_ALPN_PEER;
	EVP_PKEY *key = NULL;
	X509 *cert = peer_cert(seed, &key);
	bool ok;

	kith_tls_ctx_harden(ctx, TLS1_3_VERSION);
	kith_tls_ctx_alpn(ctx, KITH_TLS_ALPN_PEER);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, verify_peer, NULL);
	SSL_CTX_set_max_cert_list(ctx, 2 * KITH_TLS_PEER_CERT_MAX);
	ok = cert != NULL && SSL_CTX_use_cert_and_key(ctx, cert, key, NULL, 1) == 1 &&
	    SSL_CTX_set1_sigalgs_list(ctx, "ed25519") == 1 && SSL_CTX_set1_client_sigalgs_list(ctx, "ed25519") == 1 &&
	    SSL_CTX_set1_groups_list(ctx, "X25519:P-256") == 1 && SSL_CTX_set_alpn_protos(ctx, alpn, sizeof(alpn) - 1) == 0;
	X509_free(cert);
	EVP_PKEY_free(key);
	return ok;
}

int
kith_tls_peer(const uint8_t seed[KITH_SEED_BYTES], struct kith_tls **out)
{
	struct kith_tls *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return KITH_E_NOMEM;
	t->ctx = SSL_CTX_new(TLS_method());
	if (t->ctx == NULL || !peer_ctx(t->ctx, seed)) {
		ERR_clear_error();
		kith_tls_free(t);
		return KITH_E_NOMEM;
	}
	*out = t;
	return KITH_OK;
}

void
kith_tls_free(struct kith_tls *t)
{
	if (t == NULL)
		return;
	SSL_CTX_free(t->ctx);
	free(t);
}

struct ssl_st *
kith_tls_open(struct kith_tls *t, bool server)
{
	SSL *ssl = SSL_new(t->ctx);

	if (ssl == NULL)
		return NULL;
	if (server)
		SSL_set_accept_state(ssl);
	else
		SSL_set_connect_state(ssl);
	return ssl;
}

int
kith_tls_peer_identity(struct ssl_st *ssl, uint8_t pk[KITH_PK_BYTES], uint8_t exporter[KITH_TLS_EXPORTER_BYTES])
{
	X509 *cert = SSL_get0_peer_certificate(ssl);
	EVP_PKEY *key = cert != NULL ? X509_get0_pubkey(cert) : NULL;
	const unsigned char *alpn = NULL;
	uint8_t raw[KITH_PK_BYTES], shared[KITH_TLS_EXPORTER_BYTES];
	size_t n = sizeof(raw);
	unsigned alpn_len = 0;

	SSL_get0_alpn_selected(ssl, &alpn, &alpn_len);
	if (SSL_version(ssl) != TLS1_3_VERSION || alpn_len != sizeof(KITH_TLS_ALPN_PEER) - 1 ||
	    memcmp(alpn, KITH_TLS_ALPN_PEER, alpn_len) != 0)
		return KITH_E_DENIED;
	if (key == NULL || EVP_PKEY_get_id(key) != EVP_PKEY_ED25519 || EVP_PKEY_get_raw_public_key(key, raw, &n) != 1 ||
	    n != sizeof(raw) || !kith_pk_ok(raw))
		return KITH_E_DENIED;
	if (SSL_export_keying_material(ssl, shared, sizeof(shared), KITH_TLS_EXPORTER_LABEL,
	    sizeof(KITH_TLS_EXPORTER_LABEL) - 1, NULL, 0, 0) != 1)
		return KITH_E_DENIED;
	memcpy(pk, raw, sizeof(raw));
	memcpy(exporter, shared, sizeof(shared));
	kith_wipe(shared, sizeof(shared));
	return KITH_OK;
}
