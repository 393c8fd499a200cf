#include "daemon/memo.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "crypto/keyfile.h"
#include "crypto/sign.h"
#include "daemon/log.h"

#define SETS 2048u
#define WAYS 4u                 /* so that a few that meet in one set do not drive each other out */
#define LOCKS 16u
#define NAME_BYTES 16u

struct kith_memo {
	uint8_t key[32];
	pthread_mutex_t lock[LOCKS];
	atomic_uint_fast64_t checked, known;
	uint8_t slot[SETS][WAYS][NAME_BYTES];   /* newest first; all zero: empty */
};

struct kith_memo *
kith_memo_new(void)
{
	struct kith_memo *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	kith_random_bytes(m->key, sizeof(m->key));
	for (size_t i = 0; i < LOCKS; i++)
		pthread_mutex_init(&m->lock[i], NULL);
	return m;
}

void
kith_memo_free(struct kith_memo *m)
{
	if (m == NULL)
		return;
	for (size_t i = 0; i < LOCKS; i++)
		pthread_mutex_destroy(&m->lock[i]);
	free(m);
}

static int
verify(void *ctx, const uint8_t pk[32], int label, struct kith_slice msg, const uint8_t sig[64])
{
	struct kith_memo *m = ctx;
	crypto_generichash_state st;
	uint8_t name[NAME_BYTES], head[4 + KITH_PK_BYTES + KITH_SIG_BYTES];
	uint32_t at;
	bool known;
	int r;

	kith_put_be32(head, (uint32_t)label);
	memcpy(head + 4, pk, KITH_PK_BYTES);
	memcpy(head + 4 + KITH_PK_BYTES, sig, KITH_SIG_BYTES);
	crypto_generichash_init(&st, m->key, sizeof(m->key), sizeof(name));
	crypto_generichash_update(&st, head, sizeof(head));
	crypto_generichash_update(&st, msg.p, msg.n);
	crypto_generichash_final(&st, name, sizeof(name));
	at = kith_get_be32(name) % SETS;
	pthread_mutex_lock(&m->lock[at % LOCKS]);
	known = false;
	for (unsigned i = 0; i < WAYS; i++)
		known = known || memcmp(m->slot[at][i], name, NAME_BYTES) == 0;
	pthread_mutex_unlock(&m->lock[at % LOCKS]);
	if (known) {
		atomic_fetch_add(&m->known, 1);
		return KITH_OK;
	}
	r = kith_verify(pk, (enum kith_label)label, msg, sig);
	atomic_fetch_add(&m->checked, 1);
	if (r == KITH_OK) {
		pthread_mutex_lock(&m->lock[at % LOCKS]);
		memmove(m->slot[at][1], m->slot[at][0], (WAYS - 1) * NAME_BYTES);
		memcpy(m->slot[at][0], name, NAME_BYTES);
		pthread_mutex_unlock(&m->lock[at % LOCKS]);
	}
	return r;
}

static void
dice(void *ctx, void *p, size_t n)
{
	(void)ctx;
	kith_random_bytes(p, n);
}

void
kith_memo_env(struct kith_memo *m, struct kith_env *env)
{
	env->ctx = m;
	env->random = dice;
	env->verify = verify;
	env->log = kith_log_env;
}

void
kith_memo_counters(struct kith_memo *m, uint64_t *checked, uint64_t *known)
{
	*checked = atomic_load(&m->checked);
	*known = atomic_load(&m->known);
}
