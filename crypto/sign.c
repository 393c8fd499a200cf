#include "crypto/sign.h"

#include <sodium.h>
#include <string.h>

static const char labels[KITH_L_COUNT_][crypto_generichash_blake2b_PERSONALBYTES + 1] = {
	[KITH_L_RECORD] = "kith/1 record",
	[KITH_L_TIP] = "kith/1 tip",
	[KITH_L_BODY] = "kith/1 body",
	[KITH_L_AUTHOR] = "kith/1 author",
	[KITH_L_DOC] = "kith/1 doc",
	[KITH_L_NODE] = "kith/1 node",
	[KITH_L_CUT] = "kith/1 cut",
	[KITH_L_INVITE] = "kith/1 invite",
	[KITH_L_COUNT] = "kith/1 count",
	[KITH_L_HELLO] = "kith/1 hello",
	[KITH_L_GROUPTAG] = "kith/1 tag",
	[KITH_L_FACT] = "kith/1 fact",
	[KITH_L_OBJECT] = "kith/1 object",
	[KITH_L_TOKEN] = "kith/1 token",
	[KITH_L_FEED] = "kith/1 feed",
	[KITH_L_MAIL] = "kith/1 mail",
	[KITH_L_SEAL] = "kith/1 seal",
	[KITH_L_BLOB] = "kith/1 blob",
};

struct kith_signer {
	uint8_t sk[crypto_sign_SECRETKEYBYTES];         /* seed, then public key */
};

static const uint8_t *
personal(enum kith_label l)
{
	kith_assert((unsigned)l < KITH_L_COUNT_);
	return (const uint8_t *)labels[l];
}

static void
hash(enum kith_label l, struct kith_slice key, struct kith_slice in, struct kith_id *out)
{
	int r = crypto_generichash_blake2b_salt_personal(out->b, sizeof(out->b), in.p, in.n, key.p, key.n, NULL,
	    personal(l));

	kith_assert(r == 0);
}

void
kith_hash(enum kith_label l, struct kith_slice in, struct kith_id *out)
{
	hash(l, (struct kith_slice){ NULL, 0 }, in, out);
}

void
kith_hash2(enum kith_label l, struct kith_slice a, struct kith_slice b, struct kith_id *out)
{
	crypto_generichash_blake2b_state st;

	(void)crypto_generichash_blake2b_init_salt_personal(&st, NULL, 0, sizeof(out->b), NULL, personal(l));
	(void)crypto_generichash_blake2b_update(&st, a.p, a.n);
	(void)crypto_generichash_blake2b_update(&st, b.p, b.n);
	(void)crypto_generichash_blake2b_final(&st, out->b, sizeof(out->b));
}

void
kith_hash_keyed(enum kith_label l, struct kith_slice key, struct kith_slice in, struct kith_id *out)
{
	kith_assert(key.n >= crypto_generichash_blake2b_KEYBYTES_MIN && key.n <= crypto_generichash_blake2b_KEYBYTES_MAX);
	hash(l, key, in, out);
}

/* libsodium wants its state on a boundary of 64 bytes, which malloc does not give. */
static crypto_generichash_blake2b_state *
state_of(struct kith_hasher *h)
{
	_Static_assert(sizeof(crypto_generichash_blake2b_state) + 64 <= sizeof(h->space), "room for it");

	return (crypto_generichash_blake2b_state *)(void *)(h->space + (64 - (uintptr_t)h->space % 64));
}

void
kith_hasher_begin(struct kith_hasher *h, enum kith_label l)
{
	(void)crypto_generichash_blake2b_init_salt_personal(state_of(h), NULL, 0, KITH_ID_BYTES, NULL, personal(l));
}

void
kith_hasher_add(struct kith_hasher *h, struct kith_slice in)
{
	(void)crypto_generichash_blake2b_update(state_of(h), in.p, in.n);
}

void
kith_hasher_end(struct kith_hasher *h, struct kith_id *out)
{
	(void)crypto_generichash_blake2b_final(state_of(h), out->b, sizeof(out->b));
}

int
kith_signer_from_seed(const uint8_t seed[KITH_SEED_BYTES], struct kith_signer **out)
{
	struct kith_signer *s = sodium_malloc(sizeof(*s));
	uint8_t pk[crypto_sign_PUBLICKEYBYTES];

	if (s == NULL)
		return KITH_E_NOMEM;
	(void)crypto_sign_seed_keypair(pk, s->sk, seed);
	(void)sodium_mprotect_readonly(s);
	*out = s;
	return KITH_OK;
}

void
kith_signer_free(struct kith_signer *s)
{
	sodium_free(s);
}

const uint8_t *
kith_signer_pk(const struct kith_signer *s)
{
	return s->sk + KITH_SEED_BYTES;
}

void
kith_sign(const struct kith_signer *s, enum kith_label l, struct kith_slice msg, uint8_t sig[KITH_SIG_BYTES])
{
	struct kith_id h;

	kith_hash(l, msg, &h);
	(void)crypto_sign_detached(sig, NULL, h.b, sizeof(h.b), s->sk);
}

/* libsodium refuses S >= L, small-order and non-canonical keys, small-order R; it compares R as bytes. */
int
kith_verify(const uint8_t pk[KITH_PK_BYTES], enum kith_label l, struct kith_slice msg,
    const uint8_t sig[KITH_SIG_BYTES])
{
	struct kith_id h;

	kith_hash(l, msg, &h);
	return crypto_sign_verify_detached(sig, h.b, sizeof(h.b), pk) == 0 ? KITH_OK : KITH_E_BADSIG;
}

bool
kith_pk_ok(const uint8_t pk[KITH_PK_BYTES])
{
	return crypto_core_ed25519_is_valid_point(pk) == 1;
}

bool
kith_secret_eq(struct kith_slice a, struct kith_slice b)
{
	return a.n == b.n && (a.n == 0 || sodium_memcmp(a.p, b.p, a.n) == 0);
}

void
kith_wipe(void *p, size_t n)
{
	sodium_memzero(p, n);
}

void
kith_seal(const uint8_t key[32], const uint8_t nonce[24], struct kith_slice in, uint8_t *out)
{
	memcpy(out, nonce, crypto_secretbox_NONCEBYTES);
	(void)crypto_secretbox_easy(out + crypto_secretbox_NONCEBYTES, in.p, in.n, nonce, key);
}

int
kith_unseal(const uint8_t key[32], struct kith_slice in, uint8_t *out)
{
	size_t least = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES;
	int r;

	if (in.n < least)
		return KITH_E_BADSIG;
	r = crypto_secretbox_open_easy(out, in.p + crypto_secretbox_NONCEBYTES, in.n - crypto_secretbox_NONCEBYTES, in.p,
	    key);
	return r == 0 ? KITH_OK : KITH_E_BADSIG;
}
