#include "crypto/tls.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sodium.h>

#include "crypto/tls_cert.h"
#include "tests/unit/test.h"

static const uint8_t seed_a[KITH_SEED_BYTES] = { 1, 2, 3 }, seed_b[KITH_SEED_BYTES] = { 4, 5, 6 };
static char dir[64], cert[128], key[128];

static int
set_up(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/kith-tls-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	(void)snprintf(cert, sizeof(cert), "%s/cert.pem", dir);
	(void)snprintf(key, sizeof(key), "%s/key.pem", dir);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	(void)unlink(cert);
	(void)unlink(key);
	return rmdir(dir);
}

/* Two ends joined in memory. */
static void
join(SSL *a, SSL *b)
{
	BIO *x = NULL, *y = NULL;

	assert_int_equal(BIO_new_bio_pair(&x, 1 << 16, &y, 1 << 16), 1);
	SSL_set_bio(a, x, x);
	SSL_set_bio(b, y, y);
}

/* Runs the handshake and a byte each way; true: both were content. */
static bool
meet(SSL *a, SSL *b)
{
	SSL *end[2] = { a, b };
	bool up[2] = { false, false };
	char byte;
	int i, k, r;

	ERR_clear_error();
	join(a, b);
	for (i = 0; i < 20; i++) {
		for (k = 0; k < 2; k++) {
			if (up[k])
				continue;
			r = SSL_do_handshake(end[k]);
			if (r == 1)
				up[k] = true;
			else if (SSL_get_error(end[k], r) != SSL_ERROR_WANT_READ && SSL_get_error(end[k], r) != SSL_ERROR_WANT_WRITE)
				return false;
		}
	}
	return up[0] && up[1] && SSL_write(a, "x", 1) == 1 && SSL_read(b, &byte, 1) == 1 && SSL_write(b, "y", 1) == 1 &&
	    SSL_read(a, &byte, 1) == 1;
}

static void
part(SSL *a, SSL *b)
{
	SSL_free(a);
	SSL_free(b);
	ERR_clear_error();
}

static void
peers_know_each_other_by_key(void **state)
{
	struct kith_tls *a, *b;
	uint8_t pk_a[32], pk_b[32], ex_a[32], ex_b[32], ex_c[32];
	struct kith_signer *sa, *sb;
	SSL *x, *y;

	(void)state;
	assert_ok(kith_tls_peer(seed_a, &a));
	assert_ok(kith_tls_peer(seed_b, &b));
	assert_ok(kith_signer_from_seed(seed_a, &sa));
	assert_ok(kith_signer_from_seed(seed_b, &sb));
	x = kith_tls_open(a, false);
	y = kith_tls_open(b, true);
	assert_true(meet(x, y));
	assert_ok(kith_tls_peer_identity(x, pk_b, ex_a));
	assert_ok(kith_tls_peer_identity(y, pk_a, ex_b));
	assert_memory_equal(pk_a, kith_signer_pk(sa), 32);
	assert_memory_equal(pk_b, kith_signer_pk(sb), 32);
	assert_memory_equal(ex_a, ex_b, 32);
	assert_int_equal(SSL_version(x), TLS1_3_VERSION);
	assert_int_equal(SSL_session_reused(x), 0);
	part(x, y);
	x = kith_tls_open(a, false);
	y = kith_tls_open(b, true);
	assert_true(meet(x, y));
	assert_ok(kith_tls_peer_identity(x, pk_b, ex_c));
	assert_memory_not_equal(ex_a, ex_c, 32);
	part(x, y);
	kith_signer_free(sa);
	kith_signer_free(sb);
	kith_tls_free(a);
	kith_tls_free(b);
	kith_tls_free(NULL);
}

static void
one_seed_makes_one_small_certificate(void **state)
{
	uint8_t *x, *y;
	size_t n, m;

	(void)state;
	assert_ok(kith_tls_peer_cert(seed_a, &x, &n));
	assert_ok(kith_tls_peer_cert(seed_a, &y, &m));
	assert_int_equal(n, m);
	assert_memory_equal(x, y, n);
	assert_true(n < 400);
	free(x);
	free(y);
}

/* A stranger's way to present himself as a peer, wrongly or not. */
struct stranger {
	const char *key;                /* "ed25519", "p256"; NULL: no certificate */
	size_t padding;                 /* bytes more in the certificate */
	bool chain;                     /* a second certificate with it */
	int version;
	const char *alpn;
};

static SSL_CTX *
stranger_ctx(const struct stranger *s)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_method());
	EVP_PKEY *k = NULL;
	X509 *x = NULL;

	assert_non_null(ctx);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
	if (s->version != 0)
		(void)SSL_CTX_set_max_proto_version(ctx, s->version);
	if (s->alpn != NULL)
		(void)SSL_CTX_set_alpn_protos(ctx, (const unsigned char *)s->alpn, (unsigned)strlen(s->alpn));
	if (s->key == NULL)
		return ctx;
	k = strcmp(s->key, "p256") == 0 ? EVP_EC_gen("P-256") : EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed_a, 32);
	x = kith_tls_cert_make(k, NULL);
	if (s->padding > 0) {
		ASN1_OCTET_STRING *o = ASN1_OCTET_STRING_new();
		uint8_t *zeros = calloc(1, s->padding);
		X509_EXTENSION *e;

		(void)ASN1_OCTET_STRING_set(o, zeros, (int)s->padding);
		e = X509_EXTENSION_create_by_NID(NULL, NID_netscape_comment, 0, o);
		(void)X509_add_ext(x, e, -1);
		assert_true(X509_sign(x, k, strcmp(s->key, "p256") == 0 ? EVP_sha256() : NULL) > 0);
		X509_EXTENSION_free(e);
		ASN1_OCTET_STRING_free(o);
		free(zeros);
	}
	assert_int_equal(SSL_CTX_use_certificate(ctx, x), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(ctx, k), 1);
	if (s->chain)
		assert_int_equal(SSL_CTX_add1_chain_cert(ctx, x), 1);
	X509_free(x);
	EVP_PKEY_free(k);
	return ctx;
}

/* Does a peer take this stranger, as server and as client? */
static bool
taken(const struct stranger *s, bool peer_is_server)
{
	SSL_CTX *ctx = stranger_ctx(s);
	struct kith_tls *t;
	uint8_t pk[32], ex[32];
	SSL *peer, *other;
	bool ok;

	assert_ok(kith_tls_peer(seed_b, &t));
	peer = kith_tls_open(t, peer_is_server);
	other = SSL_new(ctx);
	if (peer_is_server)
		SSL_set_connect_state(other);
	else
		SSL_set_accept_state(other);
	ok = meet(peer, other) && kith_tls_peer_identity(peer, pk, ex) == KITH_OK;
	part(peer, other);
	SSL_CTX_free(ctx);
	kith_tls_free(t);
	return ok;
}

static size_t
padding_for(size_t want)
{
	struct stranger s = { .key = "ed25519", .padding = 1500 };
	SSL_CTX *ctx = stranger_ctx(&s);
	size_t n = (size_t)i2d_X509(SSL_CTX_get0_certificate(ctx), NULL);

	SSL_CTX_free(ctx);
	return 1500 + want - n;         /* the lengths of lengths do not change between these */
}

static void
only_a_peers_certificate_is_taken(void **state)
{
	static const char alpn[] = "\x06kith/1";
	struct stranger s = { "ed25519", 0, false, 0, alpn };

	(void)state;
	assert_true(taken(&s, true));
	assert_false(taken(&s, false));         /* a server that chooses no ALPN */
	s.key = "p256";
	assert_false(taken(&s, true));
	assert_false(taken(&s, false));
	s.key = NULL;
	assert_false(taken(&s, true));
	assert_false(taken(&s, false));
	s.key = "ed25519";
	s.chain = true;
	assert_false(taken(&s, true));
	s.chain = false;
	s.version = TLS1_2_VERSION;
	assert_false(taken(&s, true));
	assert_false(taken(&s, false));
	s.version = 0;
	s.alpn = "\x08http/1.1";
	assert_false(taken(&s, true));
	s.alpn = NULL;
	assert_false(taken(&s, true));
	s.alpn = "\x02h2\x06kith/1";
	assert_true(taken(&s, true));
	s.alpn = "\x06kith/2";
	assert_false(taken(&s, true));
	s.alpn = alpn;
	s.padding = padding_for(KITH_TLS_PEER_CERT_MAX - 1);
	assert_true(taken(&s, true));
	s.padding++;
	assert_true(taken(&s, true));
	s.padding++;
	assert_false(taken(&s, true));
	s.padding = 20000;
	assert_false(taken(&s, true));
}

/* Does such a client take this server? */
static bool
served(struct kith_tls_server *s, enum kith_tls_trust trust, const uint8_t *pin, const char *host, char *why)
{
	struct kith_tls_client *c;
	struct kith_diag d = { .line = 0 };
	SSL *x, *y;
	bool ok;

	assert_ok(kith_tls_client_new(trust, pin, &c, &d));
	x = kith_tls_client_open(c, host);
	y = kith_tls_server_open(s);
	ok = meet(x, y);
	if (!ok)
		kith_tls_why(x, &d);
	if (why != NULL)
		memcpy(why, d.text, sizeof(d.text));
	part(x, y);
	kith_tls_client_free(c);
	return ok;
}

static void
a_listener_makes_its_own_certificate(void **state)
{
	struct kith_tls_server *s;
	uint8_t pin[32], seen[32], other[32] = { 1 };
	struct kith_tls_client *c;
	char why[512];
	bool changed = true;
	SSL *x, *y;

	(void)state;
	assert_ok(kith_tls_server_new(NULL, NULL, &s, NULL));
	kith_tls_server_pin(s, pin);
	assert_false(served(s, KITH_TLS_SYSTEM, NULL, "localhost", why));
	assert_non_null(strstr(why, "certificate is not accepted"));
	assert_true(served(s, KITH_TLS_PINNED, pin, "localhost", NULL));
	assert_true(served(s, KITH_TLS_PINNED, pin, "127.0.0.1", NULL));
	assert_false(served(s, KITH_TLS_PINNED, other, "localhost", why));
	assert_non_null(strstr(why, "certificate is not accepted"));
	assert_ok(kith_tls_client_new(KITH_TLS_LEARN, NULL, &c, NULL));
	x = kith_tls_client_open(c, "::1");
	y = kith_tls_server_open(s);
	assert_int_equal(kith_tls_pin_of(x, seen), KITH_E_NOTFOUND);
	assert_true(meet(x, y));
	assert_ok(kith_tls_pin_of(x, seen));
	assert_memory_equal(seen, pin, 32);
	part(x, y);
	kith_tls_client_free(c);
	assert_ok(kith_tls_server_reload(s, true, &changed, NULL));
	assert_false(changed);
	assert_true(kith_tls_server_expiry_s(s) > (int64_t)1 << 37);
	kith_tls_server_free(s);
	kith_tls_server_free(NULL);
	kith_tls_client_free(NULL);
}

static void
copy(const char *from, const char *to, mode_t mode)
{
	char buf[8192];
	FILE *f = fopen(from, "rb"), *t = fopen(to, "wb");
	size_t n;

	assert_true(f != NULL && t != NULL);
	n = fread(buf, 1, sizeof(buf), f);
	assert_int_equal(fwrite(buf, 1, n, t), n);
	fclose(f);
	fclose(t);
	assert_int_equal(chmod(to, mode), 0);
}

static void
put_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	fclose(f);
	assert_int_equal(chmod(path, 0600), 0);
}

static void
files_are_read_again_wholly_or_not_at_all(void **state)
{
	struct kith_tls_server *s;
	struct kith_diag d = { .line = 0 };
	uint8_t first[32], second[32], now[32];
	char cert2[160], key2[160];
	bool changed;
	SSL *x, *y;
	struct kith_tls_client *c;

	(void)state;
	(void)snprintf(cert2, sizeof(cert2), "%s/cert2.pem", dir);
	(void)snprintf(key2, sizeof(key2), "%s/key2.pem", dir);
	assert_int_equal(kith_tls_server_new(cert, key, &s, &d), KITH_E_NOTFOUND);
	assert_int_equal(kith_tls_make_self_signed(cert, key, "bad host", &d), KITH_E_MALFORMED);
	assert_ok(kith_tls_make_self_signed(cert, key, "kith.example", &d));
	assert_int_equal(kith_tls_make_self_signed(cert, key, NULL, &d), KITH_E_EXISTS);
	assert_ok(kith_tls_make_self_signed(cert2, key2, "192.0.2.1", &d));
	assert_ok(kith_tls_server_new(cert, key, &s, &d));
	kith_tls_server_pin(s, first);
	assert_true(served(s, KITH_TLS_PINNED, first, "kith.example", NULL));
	assert_ok(kith_tls_server_reload(s, false, &changed, &d));
	assert_false(changed);
	assert_ok(kith_tls_server_reload(s, true, &changed, &d));
	assert_true(changed);

	/* half of the new pair: the old one goes on, and connections of before do */
	assert_ok(kith_tls_client_new(KITH_TLS_LEARN, NULL, &c, NULL));
	x = kith_tls_client_open(c, "localhost");
	y = kith_tls_server_open(s);
	copy(cert2, cert, 0644);
	assert_int_equal(kith_tls_server_reload(s, false, &changed, &d), KITH_E_CORRUPT);
	assert_non_null(strstr(d.text, "cannot be used with"));
	kith_tls_server_pin(s, now);
	assert_memory_equal(now, first, 32);
	copy(key2, key, 0600);
	assert_ok(kith_tls_server_reload(s, false, &changed, &d));
	assert_true(changed);
	kith_tls_server_pin(s, second);
	assert_memory_not_equal(second, first, 32);
	assert_true(meet(x, y));
	assert_ok(kith_tls_pin_of(x, now));
	assert_memory_equal(now, first, 32);
	part(x, y);
	assert_true(served(s, KITH_TLS_PINNED, second, "localhost", NULL));

	put_text(cert, "no certificate");
	assert_int_equal(kith_tls_server_reload(s, false, &changed, &d), KITH_E_CORRUPT);
	copy(cert2, cert, 0644);
	put_text(key, "no key");
	assert_int_equal(kith_tls_server_reload(s, false, &changed, &d), KITH_E_CORRUPT);
	copy(key2, key, 0604);
	assert_int_equal(kith_tls_server_reload(s, false, &changed, &d), KITH_E_DENIED);
	(void)unlink(key);
	assert_int_equal(kith_tls_server_reload(s, false, &changed, &d), KITH_E_NOTFOUND);
	assert_true(served(s, KITH_TLS_PINNED, second, "localhost", NULL));

	/* a lost certificate is made again for the key that is kept */
	copy(key2, key, 0600);
	(void)unlink(cert);
	assert_ok(kith_tls_make_self_signed(cert, key, NULL, &d));
	assert_ok(kith_tls_server_reload(s, false, &changed, &d));
	kith_tls_server_pin(s, now);
	assert_memory_equal(now, second, 32);
	kith_tls_client_free(c);
	kith_tls_server_free(s);
	(void)unlink(cert2);
	(void)unlink(key2);
}

static void
a_key_with_a_passphrase_is_refused(void **state)
{
	struct kith_tls_server *s;
	struct kith_diag d = { .line = 0 };
	EVP_PKEY *k = EVP_EC_gen("P-256");
	FILE *f;

	(void)state;
	assert_ok(kith_tls_make_self_signed(cert, key, NULL, &d));
	f = fopen(key, "wb");
	assert_non_null(f);
	assert_int_equal(PEM_write_PrivateKey(f, k, EVP_aes_128_cbc(), (const unsigned char *)"secret", 6, NULL, NULL), 1);
	fclose(f);
	EVP_PKEY_free(k);
	assert_int_equal(kith_tls_server_new(cert, key, &s, &d), KITH_E_CORRUPT);
	assert_non_null(strstr(d.text, "passphrase"));
}

static void
a_listener_refuses_old_and_odd_clients(void **state)
{
	struct kith_tls_server *s;
	struct stranger old = { .version = TLS1_1_VERSION }, twelve = { .version = TLS1_2_VERSION }, h2 = { .alpn = "\x02h2" },
	    both = { .alpn = "\x02h2\x08http/1.1" };
	const struct {
		struct stranger *s;
		bool ok;
	} rows[] = { { &old, false }, { &twelve, true }, { &h2, false }, { &both, true } };
	size_t i;

	(void)state;
	assert_ok(kith_tls_server_new(NULL, NULL, &s, NULL));
	for (i = 0; i < 4; i++) {
		SSL_CTX *ctx = stranger_ctx(rows[i].s);
		SSL *x = SSL_new(ctx), *y = kith_tls_server_open(s);

		SSL_set_connect_state(x);
		assert_int_equal(meet(x, y), rows[i].ok);
		if (rows[i].ok)
			assert_int_equal(SSL_SESSION_has_ticket(SSL_get_session(x)), 0);
		part(x, y);
		SSL_CTX_free(ctx);
	}
	kith_tls_server_free(s);
}

static int
begin(void **state)
{
	(void)state;
	return sodium_init() < 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(peers_know_each_other_by_key),
		cmocka_unit_test(one_seed_makes_one_small_certificate),
		cmocka_unit_test(only_a_peers_certificate_is_taken),
		cmocka_unit_test(a_listener_makes_its_own_certificate),
		cmocka_unit_test_setup_teardown(files_are_read_again_wholly_or_not_at_all, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_key_with_a_passphrase_is_refused, set_up, tear_down),
		cmocka_unit_test(a_listener_refuses_old_and_odd_clients),
	};

	return cmocka_run_group_tests_name("crypto/tls", tests, begin, NULL);
}
