#include "daemon/ticket.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/sign.h"

#define TICKETS 1024

struct ticket {
	struct kith_id hash;
	uint64_t until_ms;              /* 0: free */
	struct kith_session session;
};

struct kith_tickets {
	pthread_mutex_t lock;
	struct ticket v[TICKETS];
};

struct kith_tickets *
kith_tickets_new(void)
{
	struct kith_tickets *t = calloc(1, sizeof(*t));

	if (t != NULL)
		pthread_mutex_init(&t->lock, NULL);
	return t;
}

void
kith_tickets_free(struct kith_tickets *t)
{
	if (t == NULL)
		return;
	pthread_mutex_destroy(&t->lock);
	free(t);
}

void
kith_tickets_add(struct kith_tickets *t, uint64_t now_ms, const struct kith_session *s, const struct kith_id *secret,
    char text[KITH_ID_STR])
{
	struct ticket *oldest = &t->v[0];
	struct kith_id hash;

	kith_hash(KITH_L_TOKEN, kith_id_slice(secret), &hash);
	pthread_mutex_lock(&t->lock);
	for (size_t i = 0; i < TICKETS; i++) {
		if (t->v[i].until_ms < oldest->until_ms)
			oldest = &t->v[i];
	}
	oldest->hash = hash;
	oldest->until_ms = now_ms + KITH_TICKET_MS;
	oldest->session = *s;
	pthread_mutex_unlock(&t->lock);
	kith_id_str(secret, text);
}

int
kith_tickets_take(struct kith_tickets *t, uint64_t now_ms, struct kith_slice text, struct kith_session *out)
{
	struct kith_id secret, hash;
	int r = KITH_E_NOTFOUND;

	if (kith_id_parse(text, &secret) != KITH_OK)
		return KITH_E_NOTFOUND;
	kith_hash(KITH_L_TOKEN, kith_id_slice(&secret), &hash);
	pthread_mutex_lock(&t->lock);
	for (size_t i = 0; i < TICKETS; i++) {
		struct ticket *k = &t->v[i];

		if (k->until_ms == 0 || !kith_secret_eq(kith_id_slice(&k->hash), kith_id_slice(&hash)))
			continue;
		if (now_ms < k->until_ms) {
			*out = k->session;
			r = KITH_OK;
		}
		memset(k, 0, sizeof(*k));
		break;
	}
	pthread_mutex_unlock(&t->lock);
	return r;
}
