#include "daemon/throttle.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "client/account.h"
#include "client/rate.h"
#include "crypto/keyfile.h"

#define BUCKETS 65536

struct kith_throttle {
	pthread_mutex_t lock;
	struct kith_rates *rates;
	struct kith_rate_limit limit[KITH_CONF_RATES_];
};

struct kith_throttle *
kith_throttle_new(const struct kith_conf *conf)
{
	struct kith_throttle *t = calloc(1, sizeof(*t));
	uint8_t key[16];

	if (t == NULL)
		return NULL;
	kith_random_bytes(key, sizeof(key));
	t->rates = kith_rates_new(BUCKETS, key);
	if (t->rates == NULL) {
		free(t);
		return NULL;
	}
	pthread_mutex_init(&t->lock, NULL);
	kith_throttle_set(t, conf);
	return t;
}

void
kith_throttle_free(struct kith_throttle *t)
{
	if (t == NULL)
		return;
	kith_rates_free(t->rates);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

void
kith_throttle_set(struct kith_throttle *t, const struct kith_conf *conf)
{
	pthread_mutex_lock(&t->lock);
	for (int i = 0; i < KITH_CONF_RATES_; i++) {
		t->limit[i].count = conf->rate[i].count;
		t->limit[i].burst = conf->rate[i].burst;
		t->limit[i].per_ms = conf->rate[i].per_ms;
	}
	pthread_mutex_unlock(&t->lock);
}

static bool
declares(const struct kith_args *a, const char *name)
{
	for (size_t i = 0; a->m->params[i].name != NULL; i++) {
		if (strcmp(a->m->params[i].name, name) == 0)
			return true;
	}
	return false;
}

/* One account at one address, however its name is written. */
static void
login_name(const struct kith_args *a, struct kith_slice origin, struct kith_id *out)
{
	struct kith_buf name;

	kith_buf_init(&name, 0);
	if (kith_name_fold(kith_arg_str(a, declares(a, "name") ? "name" : "email"), &name) != KITH_OK)
		kith_buf_reset(&name);
	kith_hash2(KITH_L_OBJECT, origin, kith_buf_slice(&name), out);
	kith_buf_fini(&name);
}

uint64_t
kith_throttle_take(struct kith_throttle *t, uint64_t now_ms, const struct kith_args *a, const struct kith_session *s,
    const struct kith_addr *from)
{
	struct kith_slice origin = kith_addr_origin(from), who = s != NULL ? kith_id_slice(&s->uid) : origin;
	enum kith_conf_rates class, second = KITH_CONF_RATES_;
	struct kith_id name;
	uint64_t wait = 0;

	switch (a->m->rate) {
	case KITH_RATE_SEND: class = KITH_CONF_SEND; break;
	case KITH_RATE_LOGIN:
		class = KITH_CONF_LOGIN;
		if (s == NULL) {
			login_name(a, origin, &name);
			who = kith_id_slice(&name);
			second = KITH_CONF_LOGIN_ADDRESS;
		}
		break;
	case KITH_RATE_REGISTER:
		class = KITH_CONF_REGISTER;
		who = origin;
		break;
	case KITH_RATE_JOIN: class = KITH_CONF_JOIN; break;
	case KITH_RATE_GROUP: class = KITH_CONF_GROUP; break;
	case KITH_RATE_INVITE: class = KITH_CONF_INVITE; break;
	case KITH_RATE_AUTHORITY:
		class = KITH_CONF_AUTHORITY;
		if (declares(a, "group") && kith_arg_has(a, "group")) {
			name = kith_arg_id(a, "group");
			who = kith_id_slice(&name);
		}
		break;
	case KITH_RATE_PAGE: class = KITH_CONF_PAGE; break;
	case KITH_RATE_READ:
	case KITH_RATE_NONE:
	default: class = KITH_CONF_READ; break;
	}
	pthread_mutex_lock(&t->lock);
	if (second != KITH_CONF_RATES_)
		wait = kith_rates_take(t->rates, now_ms, (unsigned)second, origin, &t->limit[second]);
	if (wait == 0)
		wait = kith_rates_take(t->rates, now_ms, (unsigned)class, who, &t->limit[class]);
	pthread_mutex_unlock(&t->lock);
	return wait;
}

uint64_t
kith_throttle_upload(struct kith_throttle *t, uint64_t now_ms, const struct kith_id *uid)
{
	uint64_t wait;

	pthread_mutex_lock(&t->lock);
	wait = kith_rates_take(t->rates, now_ms, KITH_CONF_UPLOAD, kith_id_slice(uid), &t->limit[KITH_CONF_UPLOAD]);
	pthread_mutex_unlock(&t->lock);
	return wait;
}
