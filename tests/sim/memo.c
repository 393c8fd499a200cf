#include "tests/sim/memo.h"

#include <string.h>

#include <sodium.h>

#include "crypto/sign.h"
#include "tests/sim/dice.h"

struct entry { uint8_t key[16]; int8_t said; bool used; };
struct memo { unsigned bits; struct entry *v; };

struct memo *
memo_new(unsigned bits)
{
	struct memo *m = calloc(1, sizeof(*m));

	MUST(m != NULL);
	m->bits = bits;
	m->v = calloc((size_t)1 << bits, sizeof(*m->v));
	MUST(m->v != NULL);
	return m;
}

void
memo_free(struct memo *m)
{
	if (m != NULL)
		free(m->v);
	free(m);
}

int
memo_verify(struct memo *m, const uint8_t pk[32], int label, struct kith_slice msg, const uint8_t sig[64])
{
	static const uint8_t secret[crypto_shorthash_siphashx24_KEYBYTES] = "kith simulator";
	uint8_t in[128 + 2048], key[16];
	struct entry *e;
	uint64_t at;

	if (msg.n > sizeof(in) - 100)
		return kith_verify(pk, (enum kith_label)label, msg, sig);
	memcpy(in, pk, 32);
	memcpy(in + 32, sig, 64);
	in[96] = (uint8_t)label;
	memcpy(in + 97, msg.p, msg.n);
	crypto_shorthash_siphashx24(key, in, 97 + msg.n, secret);
	memcpy(&at, key, sizeof(at));
	e = &m->v[at & (((uint64_t)1 << m->bits) - 1)];
	if (!e->used || memcmp(e->key, key, sizeof(key)) != 0) {
		e->said = (int8_t)kith_verify(pk, (enum kith_label)label, msg, sig);
		memcpy(e->key, key, sizeof(key));
		e->used = true;
	}
	return e->said;
}
