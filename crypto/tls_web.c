#include "crypto/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/buf.h"
#include "crypto/keyfile.h"
#include "crypto/tls_cert.h"

enum { PEM_MAX = 1 << 20, CHAIN_MAX = 16 };

/* Which file, as it was when it was read. */
struct stamp {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec changed;
};

struct kith_tls_server {
	pthread_mutex_t lock;           /* for ctx */
	SSL_CTX *ctx;
	char *cert_path, *key_path;     /* NULL: made here */
	struct stamp cert, key;
};

static struct stamp
stamp_of(const struct stat *st)
{
	return (struct stamp){ st->st_dev, st->st_ino, st->st_size, st->st_mtim };
}

static bool
same_stamp(const struct stamp *a, const struct stamp *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size && a->changed.tv_sec == b->changed.tv_sec &&
	    a->changed.tv_nsec == b->changed.tv_nsec;
}

/* A PEM file, whole. mode: bits it may not have. */
static int
read_pem(const char *path, mode_t mode, struct kith_buf *b, struct stamp *stamp, struct kith_diag *d)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), r = KITH_E_IO;
	ssize_t n = 1;
	uint8_t *p;

	if (fd < 0 || fstat(fd, &st) != 0) {
		r = errno == ENOENT ? KITH_E_NOTFOUND : errno == EACCES ? KITH_E_DENIED : KITH_E_IO;
		kith_diag_set(d, "cannot open %s: %s", path, strerror(errno));
	} else if (!S_ISREG(st.st_mode) || st.st_size > PEM_MAX) {
		kith_diag_set(d, "%s is not an ordinary file of at most 1 MiB", path);
	} else if ((st.st_mode & mode) != 0) {
		kith_diag_set(d, "everybody may use the private key %s; run: chmod o= %s", path, path);
		r = KITH_E_DENIED;
	} else if ((p = kith_buf_room(b, (size_t)st.st_size + 1)) == NULL) {
		r = KITH_E_NOMEM;
	} else {
		b->n = 0;
		while (b->n <= (size_t)st.st_size && (n = read(fd, p + b->n, (size_t)st.st_size + 1 - b->n)) > 0)
			b->n += (size_t)n;
		if (n < 0 || b->n != (size_t)st.st_size) {
			kith_diag_set(d, "cannot read %s: %s", path, n < 0 ? strerror(errno) : "it changes while it is read");
		} else {
			*stamp = stamp_of(&st);
			r = KITH_OK;
		}
	}
	if (fd >= 0)
		close(fd);
	return r;
}

static int
no_passphrase(char *buf, int size, int rwflag, void *arg)
{
	(void)buf, (void)size, (void)rwflag, (void)arg;
	return -1;
}

static EVP_PKEY *
parse_key(struct kith_slice pem)
{
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	EVP_PKEY *key = bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;

	BIO_free(bio);
	return key;
}

/* The leaf and what follows it; NULL when there is no leaf or too much. */
static X509 *
parse_chain(struct kith_slice pem, STACK_OF(X509) **chain_out)
{
	STACK_OF(X509) *chain = sk_X509_new_null();
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	X509 *leaf = NULL, *next;

	if (chain != NULL && bio != NULL)
		leaf = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL);
	while (leaf != NULL && sk_X509_num(chain) < CHAIN_MAX && (next = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL)) != NULL) {
		if (sk_X509_push(chain, next) <= 0)
			X509_free(next);
	}
	ERR_clear_error();
	BIO_free(bio);
	*chain_out = chain;
	return leaf;
}

/* Refuses what does not belong together. NULL: it does not, or memory. */
static SSL_CTX *
server_ctx(X509 *leaf, EVP_PKEY *key, STACK_OF(X509) *chain)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	if (ctx == NULL)
		return NULL;
	kith_tls_ctx_harden(ctx, TLS1_2_VERSION);
	kith_tls_ctx_alpn(ctx, KITH_TLS_ALPN_CLIENT);
	if (SSL_CTX_use_cert_and_key(ctx, leaf, key, chain, 1) != 1 ||
	    SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1) {
		SSL_CTX_free(ctx);
		ERR_clear_error();
		return NULL;
	}
	return ctx;
}

static int
ctx_from_files(const char *cert_path, const char *key_path, SSL_CTX **out, struct stamp *cert, struct stamp *key,
    struct kith_diag *d)
{
	struct kith_buf cert_pem, key_pem;
	STACK_OF(X509) *chain = NULL;
	EVP_PKEY *pkey = NULL;
	X509 *leaf = NULL;
	SSL_CTX *ctx = NULL;
	int r;

	kith_buf_init(&cert_pem, 0);
	kith_buf_init(&key_pem, 0);
	r = read_pem(cert_path, 0, &cert_pem, cert, d);
	if (r == KITH_OK)
		r = read_pem(key_path, 07, &key_pem, key, d);
	if (r != KITH_OK)
		goto done;
	r = KITH_E_CORRUPT;
	leaf = parse_chain(kith_buf_slice(&cert_pem), &chain);
	pkey = parse_key(kith_buf_slice(&key_pem));
	if (leaf == NULL)
		kith_diag_set(d, "%s holds no certificate in PEM form", cert_path);
	else if (pkey == NULL)
		kith_diag_set(d, "%s holds no private key in PEM form without a passphrase", key_path);
	else if ((ctx = server_ctx(leaf, pkey, chain)) == NULL)
		kith_diag_set(d, "the certificate in %s cannot be used with the key in %s", cert_path, key_path);
	else
		r = KITH_OK;
done:
	ERR_clear_error();
	X509_free(leaf);
	sk_X509_pop_free(chain, X509_free);
	EVP_PKEY_free(pkey);
	if (key_pem.p != NULL)
		kith_wipe(key_pem.p, key_pem.cap);
	kith_buf_fini(&key_pem);
	kith_buf_fini(&cert_pem);
	if (r == KITH_OK)
		*out = ctx;
	return r;
}

static const char names[] = "DNS:localhost,IP:127.0.0.1,IP:::1";

static SSL_CTX *
ctx_of_our_own(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *leaf = key != NULL ? kith_tls_cert_make(key, names) : NULL;
	SSL_CTX *ctx = leaf != NULL ? server_ctx(leaf, key, NULL) : NULL;

	ERR_clear_error();
	X509_free(leaf);
	EVP_PKEY_free(key);
	return ctx;
}

int
kith_tls_server_new(const char *cert_path, const char *key_path, struct kith_tls_server **out, struct kith_diag *d)
{
	struct kith_tls_server *s = calloc(1, sizeof(*s));
	int r = KITH_E_NOMEM;

	kith_assert((cert_path == NULL) == (key_path == NULL));
	if (s == NULL || pthread_mutex_init(&s->lock, NULL) != 0) {
		free(s);
		return KITH_E_NOMEM;
	}
	if (cert_path == NULL) {
		s->ctx = ctx_of_our_own();
		r = s->ctx != NULL ? KITH_OK : KITH_E_NOMEM;
	} else {
		s->cert_path = strdup(cert_path);
		s->key_path = strdup(key_path);
		if (s->cert_path != NULL && s->key_path != NULL)
			r = ctx_from_files(cert_path, key_path, &s->ctx, &s->cert, &s->key, d);
	}
	if (r == KITH_E_NOMEM)
		kith_diag_set(d, "out of memory for the TLS certificate");
	if (r != KITH_OK)
		kith_tls_server_free(s);
	else
		*out = s;
	return r;
}

void
kith_tls_server_free(struct kith_tls_server *s)
{
	if (s == NULL)
		return;
	SSL_CTX_free(s->ctx);
	free(s->cert_path);
	free(s->key_path);
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}

static bool
has_changed(const char *path, const struct stamp *was)
{
	struct stat st;
	struct stamp now;

	if (stat(path, &st) != 0)
		return true;
	now = stamp_of(&st);
	return !same_stamp(&now, was);
}

int
kith_tls_server_reload(struct kith_tls_server *s, bool force, bool *changed, struct kith_diag *d)
{
	struct stamp cert, key;
	SSL_CTX *ctx = NULL, *old;
	bool due = s->cert_path != NULL && (force || has_changed(s->cert_path, &s->cert) || has_changed(s->key_path, &s->key));
	int r;

	if (due) {
		r = ctx_from_files(s->cert_path, s->key_path, &ctx, &cert, &key, d);
		if (r != KITH_OK)
			return r;
		(void)pthread_mutex_lock(&s->lock);
		old = s->ctx;
		s->ctx = ctx;
		(void)pthread_mutex_unlock(&s->lock);
		s->cert = cert;
		s->key = key;
		SSL_CTX_free(old);              /* connections hold references of their own */
	}
	if (changed != NULL)
		*changed = due;
	return KITH_OK;
}

struct ssl_st *
kith_tls_server_open(struct kith_tls_server *s)
{
	SSL *ssl;

	(void)pthread_mutex_lock(&s->lock);
	ssl = SSL_new(s->ctx);
	(void)pthread_mutex_unlock(&s->lock);
	if (ssl != NULL)
		SSL_set_accept_state(ssl);
	return ssl;
}

int64_t
kith_tls_server_expiry_s(struct kith_tls_server *s)
{
	struct tm tm = { 0 };
	int64_t t;

	(void)pthread_mutex_lock(&s->lock);
	t = ASN1_TIME_to_tm(X509_get0_notAfter(SSL_CTX_get0_certificate(s->ctx)), &tm) == 1 ? (int64_t)timegm(&tm) : 0;
	(void)pthread_mutex_unlock(&s->lock);
	return t;
}

void
kith_tls_server_pin(struct kith_tls_server *s, uint8_t pin[KITH_TLS_PIN_BYTES])
{
	(void)pthread_mutex_lock(&s->lock);
	if (!kith_tls_cert_pin(SSL_CTX_get0_certificate(s->ctx), pin))
		memset(pin, 0, KITH_TLS_PIN_BYTES);
	(void)pthread_mutex_unlock(&s->lock);
}

/* ---- a certificate to keep ---- */

static bool
is_address(const char *host)
{
	unsigned char a[16];

	return inet_pton(AF_INET, host, a) == 1 || inet_pton(AF_INET6, host, a) == 1;
}

/* names and host; false: host is no name. */
static bool
alt_names(struct kith_buf *b, const char *host)
{
	kith_buf_put_str(b, names);
	if (host != NULL) {
		if (!is_address(host) && (host[0] == '\0' || strlen(host) > 253 ||
		    strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") != strlen(host)))
			return false;
		kith_buf_printf(b, ",%s:%s", is_address(host) ? "IP" : "DNS", host);
	}
	kith_buf_put_u8(b, 0);
	return true;
}

/* The key in the file, or a new one put there. */
static int
key_kept(const char *path, EVP_PKEY **out, struct kith_diag *d)
{
	struct kith_buf b;
	struct stamp stamp;
	EVP_PKEY *key = NULL;
	BIO *bio = NULL;
	char *pem = NULL;
	long n;
	int r;

	kith_buf_init(&b, 0);
	r = read_pem(path, 07, &b, &stamp, d);
	if (r == KITH_OK) {
		key = parse_key(kith_buf_slice(&b));
		if (key == NULL) {
			kith_diag_set(d, "%s holds no private key in PEM form without a passphrase", path);
			r = KITH_E_CORRUPT;
		}
		kith_wipe(b.p, b.cap);
	} else if (r == KITH_E_NOTFOUND) {
		r = KITH_E_NOMEM;
		key = EVP_EC_gen("P-256");
		bio = BIO_new(BIO_s_mem());
		if (key != NULL && bio != NULL && PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1) {
			n = BIO_get_mem_data(bio, &pem);
			r = kith_keyfile_write(path, kith_slice_of(pem, (size_t)n), d);
			kith_wipe(pem, (size_t)n);
		}
	}
	BIO_free(bio);
	kith_buf_fini(&b);
	if (r == KITH_OK)
		*out = key;
	else
		EVP_PKEY_free(key);
	return r;
}

int
kith_tls_make_self_signed(const char *cert_path, const char *key_path, const char *host, struct kith_diag *d)
{
	struct kith_buf alt;
	EVP_PKEY *key = NULL;
	X509 *cert = NULL;
	BIO *bio = NULL;
	char *pem = NULL;
	long n;
	int r;

	kith_buf_init(&alt, 0);
	if (!alt_names(&alt, host)) {
		kith_diag_set(d, "a certificate cannot be made for this host: it is neither a name nor an address");
		r = KITH_E_MALFORMED;
		goto done;
	}
	if (access(cert_path, F_OK) == 0) {
		kith_diag_set(d, "there is a certificate in %s already", cert_path);
		r = KITH_E_EXISTS;
		goto done;
	}
	r = kith_buf_err(&alt);
	if (r == KITH_OK)
		r = key_kept(key_path, &key, d);
	if (r != KITH_OK)
		goto done;
	r = KITH_E_NOMEM;
	cert = kith_tls_cert_make(key, (const char *)alt.p);
	bio = BIO_new(BIO_s_mem());
	if (cert == NULL || bio == NULL || PEM_write_bio_X509(bio, cert) != 1)
		goto done;
	n = BIO_get_mem_data(bio, &pem);
	r = kith_keyfile_write(cert_path, kith_slice_of(pem, (size_t)n), d);
done:
	ERR_clear_error();
	BIO_free(bio);
	X509_free(cert);
	EVP_PKEY_free(key);
	kith_buf_fini(&alt);
	return r;
}

/* ---- kith's way out ---- */

struct kith_tls_client {
	SSL_CTX *ctx;
	enum kith_tls_trust trust;
	uint8_t pin[KITH_TLS_PIN_BYTES];
};

static int
verify_pin(X509_STORE_CTX *store, void *arg)
{
	struct kith_tls_client *c = arg;
	X509 *leaf = X509_STORE_CTX_get0_cert(store);
	uint8_t pin[KITH_TLS_PIN_BYTES];
	bool ok = leaf != NULL && kith_tls_cert_pin(leaf, pin) &&
	    (c->trust == KITH_TLS_LEARN || memcmp(pin, c->pin, sizeof(pin)) == 0);

	X509_STORE_CTX_set_error(store, ok ? X509_V_OK : X509_V_ERR_CERT_REJECTED);
	return ok;
}

int
kith_tls_client_new(enum kith_tls_trust trust, const uint8_t *pin, struct kith_tls_client **out, struct kith_diag *d)
{
	static const unsigned char alpn[] = "\x08" KITH_TLS_ALPN_CLIENT;
	struct kith_tls_client *c = calloc(1, sizeof(*c));

	if (c == NULL || (c->ctx = SSL_CTX_new(TLS_client_method())) == NULL ||
	    SSL_CTX_set_alpn_protos(c->ctx, alpn, sizeof(alpn) - 1) != 0) {
		kith_tls_client_free(c);
		kith_diag_set(d, "out of memory for TLS");
		return KITH_E_NOMEM;
	}
	c->trust = trust;
	if (trust == KITH_TLS_PINNED)
		memcpy(c->pin, pin, sizeof(c->pin));
	kith_tls_ctx_harden(c->ctx, TLS1_2_VERSION);
	SSL_CTX_set_verify(c->ctx, SSL_VERIFY_PEER, NULL);
	if (trust != KITH_TLS_SYSTEM) {
		SSL_CTX_set_cert_verify_callback(c->ctx, verify_pin, c);
	} else if (SSL_CTX_set_default_verify_paths(c->ctx) != 1) {
		kith_diag_set(d, "the system's list of certificate authorities cannot be read");
		kith_tls_client_free(c);
		return KITH_E_IO;
	}
	*out = c;
	return KITH_OK;
}

void
kith_tls_client_free(struct kith_tls_client *c)
{
	if (c == NULL)
		return;
	SSL_CTX_free(c->ctx);
	free(c);
}

struct ssl_st *
kith_tls_client_open(struct kith_tls_client *c, const char *host)
{
	SSL *ssl = SSL_new(c->ctx);
	bool ok;

	if (ssl == NULL)
		return NULL;
	if (is_address(host))
		ok = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
	else
		ok = SSL_set_tlsext_host_name(ssl, host) == 1 && SSL_set1_host(ssl, host) == 1;
	if (!ok) {
		SSL_free(ssl);
		return NULL;
	}
	SSL_set_connect_state(ssl);
	return ssl;
}
