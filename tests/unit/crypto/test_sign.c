#include "crypto/sign.h"

#include <sodium.h>

#include "tests/unit/test.h"

static const uint8_t seed[KITH_SEED_BYTES] = { 1, 2, 3, 4, 5 };

static void
each_label_hashes_apart(void **state)
{
	struct kith_id h[KITH_L_COUNT_];
	int a, b;

	(void)state;
	for (a = 0; a < KITH_L_COUNT_; a++) {
		kith_hash((enum kith_label)a, LIT("same bytes"), &h[a]);
		for (b = 0; b < a; b++)
			assert_false(kith_id_eq(&h[a], &h[b]));
	}
}

static void
a_hash_is_blake2b_with_the_label_as_personalisation(void **state)
{
	static const uint8_t personal[16] = "kith/1 record";
	struct kith_id want, got;

	(void)state;
	assert_int_equal(crypto_generichash_blake2b_salt_personal(want.b, 32, (const uint8_t *)"abc", 3, NULL, 0, NULL,
	    personal), 0);
	kith_hash(KITH_L_RECORD, LIT("abc"), &got);
	assert_true(kith_id_eq(&want, &got));
	kith_hash2(KITH_L_RECORD, LIT("a"), LIT("bc"), &got);
	assert_true(kith_id_eq(&want, &got));
	kith_hash2(KITH_L_RECORD, kith_slice_of(NULL, 0), LIT("abc"), &got);
	assert_true(kith_id_eq(&want, &got));
	kith_hash(KITH_L_RECORD, kith_slice_of(NULL, 0), &got);
	assert_false(kith_id_eq(&want, &got));
}

static void
a_keyed_hash_depends_on_all_of_its_key(void **state)
{
	uint8_t key[64] = { 0 };
	struct kith_id a, b;

	(void)state;
	kith_hash_keyed(KITH_L_TOKEN, kith_slice_of(key, 16), LIT("x"), &a);
	kith_hash_keyed(KITH_L_TOKEN, kith_slice_of(key, 64), LIT("x"), &b);
	assert_false(kith_id_eq(&a, &b));
	key[63] = 1;
	kith_hash_keyed(KITH_L_TOKEN, kith_slice_of(key, 64), LIT("x"), &a);
	assert_false(kith_id_eq(&a, &b));
}

static void
a_signature_holds_for_its_key_label_and_message_only(void **state)
{
	struct kith_signer *s, *other;
	uint8_t sig[KITH_SIG_BYTES], seed2[KITH_SEED_BYTES] = { 9 };
	size_t i;

	(void)state;
	assert_ok(kith_signer_from_seed(seed, &s));
	assert_ok(kith_signer_from_seed(seed2, &other));
	assert_true(kith_pk_ok(kith_signer_pk(s)));
	kith_sign(s, KITH_L_TIP, LIT("message"), sig);
	assert_ok(kith_verify(kith_signer_pk(s), KITH_L_TIP, LIT("message"), sig));
	assert_int_equal(kith_verify(kith_signer_pk(s), KITH_L_AUTHOR, LIT("message"), sig), KITH_E_BADSIG);
	assert_int_equal(kith_verify(kith_signer_pk(s), KITH_L_TIP, LIT("messagf"), sig), KITH_E_BADSIG);
	assert_int_equal(kith_verify(kith_signer_pk(other), KITH_L_TIP, LIT("message"), sig), KITH_E_BADSIG);
	for (i = 0; i < KITH_SIG_BYTES; i++) {
		sig[i] ^= 1;
		assert_int_equal(kith_verify(kith_signer_pk(s), KITH_L_TIP, LIT("message"), sig), KITH_E_BADSIG);
		sig[i] ^= 1;
	}
	kith_sign(s, KITH_L_TIP, kith_slice_of(NULL, 0), sig);
	assert_ok(kith_verify(kith_signer_pk(s), KITH_L_TIP, kith_slice_of(NULL, 0), sig));
	kith_signer_free(s);
	kith_signer_free(other);
	kith_signer_free(NULL);
}

static void
one_seed_gives_one_key_and_one_signature(void **state)
{
	struct kith_signer *a, *b;
	uint8_t sa[KITH_SIG_BYTES], sb[KITH_SIG_BYTES];

	(void)state;
	assert_ok(kith_signer_from_seed(seed, &a));
	assert_ok(kith_signer_from_seed(seed, &b));
	assert_memory_equal(kith_signer_pk(a), kith_signer_pk(b), KITH_PK_BYTES);
	kith_sign(a, KITH_L_DOC, LIT("m"), sa);
	kith_sign(b, KITH_L_DOC, LIT("m"), sb);
	assert_memory_equal(sa, sb, sizeof(sa));
	kith_signer_free(a);
	kith_signer_free(b);
}

/* L, the order of the group: S and S + L would both verify if nobody looked. */
static const uint8_t order[32] = { 0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9,
	0xde, 0x14, [31] = 0x10 };

static void
a_signature_has_one_form(void **state)
{
	struct kith_signer *s;
	uint8_t sig[KITH_SIG_BYTES];
	unsigned carry = 0;
	int i;

	(void)state;
	assert_ok(kith_signer_from_seed(seed, &s));
	kith_sign(s, KITH_L_TIP, LIT("m"), sig);
	for (i = 0; i < 32; i++) {
		carry += (unsigned)sig[32 + i] + order[i];
		sig[32 + i] = (uint8_t)carry;
		carry >>= 8;
	}
	assert_int_equal(kith_verify(kith_signer_pk(s), KITH_L_TIP, LIT("m"), sig), KITH_E_BADSIG);
	kith_signer_free(s);
}

static void
small_and_crooked_keys_are_refused(void **state)
{
	/* points of order 1, 2, 4, 8, and encodings with y >= p */
	static const uint8_t bad[][32] = {
		{ 0 },
		{ 1 },
		{ [31] = 0x80 },
		{ 1, [31] = 0x80 },
		{ 0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f },
		{ 0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f },
		{ 0xee, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f },
		{ 0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac,
		  0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05 },
		{ 0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53,
		  0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a },
	};
	uint8_t sig[KITH_SIG_BYTES], forged[KITH_SIG_BYTES] = { 1 };
	struct kith_signer *s;
	size_t i;

	(void)state;
	assert_ok(kith_signer_from_seed(seed, &s));
	kith_sign(s, KITH_L_TIP, LIT("m"), sig);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(kith_pk_ok(bad[i]));
		assert_int_equal(kith_verify(bad[i], KITH_L_TIP, LIT("m"), sig), KITH_E_BADSIG);
		/* R the identity and S zero "signs" anything under a small key, for who does not look */
		assert_int_equal(kith_verify(bad[i], KITH_L_TIP, LIT("m"), forged), KITH_E_BADSIG);
		memcpy(sig, bad[i], 32);                        /* a small or crooked R */
		assert_int_equal(kith_verify(kith_signer_pk(s), KITH_L_TIP, LIT("m"), sig), KITH_E_BADSIG);
	}
	kith_signer_free(s);
}

static void
secrets_are_equal_only_in_length_and_bytes(void **state)
{
	uint8_t wiped[4] = { 1, 2, 3, 4 };

	(void)state;
	assert_true(kith_secret_eq(LIT("token"), LIT("token")));
	assert_false(kith_secret_eq(LIT("token"), LIT("tokem")));
	assert_false(kith_secret_eq(LIT("token"), LIT("toke")));
	assert_true(kith_secret_eq(kith_slice_of(NULL, 0), LIT("")));
	kith_wipe(wiped, sizeof(wiped));
	assert_memory_equal(wiped, "\0\0\0\0", 4);
}

static void
what_is_sealed_opens_under_its_key_only(void **state)
{
	static const char text[] = "a private key";
	uint8_t key[32] = { 7 }, nonce[24] = { 8 }, box[40 + sizeof(text)], out[sizeof(text)];
	size_t i;

	(void)state;
	kith_seal(key, nonce, kith_slice_of(text, sizeof(text)), box);
	assert_memory_equal(box, nonce, sizeof(nonce));
	assert_ok(kith_unseal(key, kith_slice_of(box, sizeof(box)), out));
	assert_memory_equal(out, text, sizeof(text));
	for (i = 0; i < sizeof(box); i++) {
		box[i] ^= 0x40;
		assert_int_equal(kith_unseal(key, kith_slice_of(box, sizeof(box)), out), KITH_E_BADSIG);
		box[i] ^= 0x40;
	}
	for (i = 0; i < sizeof(box); i++)
		assert_int_equal(kith_unseal(key, kith_slice_of(box, i), out), KITH_E_BADSIG);
	key[31] ^= 1;
	assert_int_equal(kith_unseal(key, kith_slice_of(box, sizeof(box)), out), KITH_E_BADSIG);
	kith_seal(key, nonce, kith_slice_of(NULL, 0), box);
	assert_ok(kith_unseal(key, kith_slice_of(box, 40), out));
}

static int
start(void **state)
{
	(void)state;
	return sodium_init() < 0 ? -1 : 0;
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_label_hashes_apart),
		cmocka_unit_test(a_hash_is_blake2b_with_the_label_as_personalisation),
		cmocka_unit_test(a_keyed_hash_depends_on_all_of_its_key),
		cmocka_unit_test(a_signature_holds_for_its_key_label_and_message_only),
		cmocka_unit_test(one_seed_gives_one_key_and_one_signature),
		cmocka_unit_test(a_signature_has_one_form),
		cmocka_unit_test(small_and_crooked_keys_are_refused),
		cmocka_unit_test(secrets_are_equal_only_in_length_and_bytes),
		cmocka_unit_test(what_is_sealed_opens_under_its_key_only),
	};

	return cmocka_run_group_tests_name("crypto/sign", tests, start, NULL);
}
