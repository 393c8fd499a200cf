#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "client/json.h"
#include "daemon/machine.h"
#include "wire/mp.h"

struct kith_push {
	atomic_uint refs;
	pthread_mutex_t lock;
	struct kith_blob *frame[2];     /* JSON, MessagePack */
	char *method;
	size_t n;
	uint8_t params[];
};

struct kith_push *
kith_push_new(const struct kith_output *o)
{
	struct kith_push *p = malloc(sizeof(*p) + o->n);

	if (p == NULL)
		return NULL;
	memset(p, 0, sizeof(*p));
	p->method = strdup(o->text != NULL ? o->text : "");
	if (p->method == NULL) {
		free(p);
		return NULL;
	}
	atomic_init(&p->refs, 1);
	pthread_mutex_init(&p->lock, NULL);
	p->n = o->n;
	if (o->n > 0)
		memcpy(p->params, o->bytes, o->n);
	return p;
}

struct kith_push *
kith_push_ref(struct kith_push *p)
{
	atomic_fetch_add(&p->refs, 1);
	return p;
}

void
kith_push_unref(struct kith_push *p)
{
	if (p == NULL || atomic_fetch_sub(&p->refs, 1) != 1)
		return;
	kith_blob_unref(p->frame[0]);
	kith_blob_unref(p->frame[1]);
	pthread_mutex_destroy(&p->lock);
	free(p->method);
	free(p);
}

static struct kith_blob *
encode(const struct kith_push *p, bool msgpack)
{
	struct kith_blob *b = NULL;
	struct kith_buf mp, json;

	kith_buf_init(&mp, 0);
	kith_buf_init(&json, 0);
	kith_mp_put_map(&mp, 3);
	kith_mp_put_cstr(&mp, "jsonrpc");
	kith_mp_put_cstr(&mp, "2.0");
	kith_mp_put_cstr(&mp, "method");
	kith_mp_put_cstr(&mp, p->method);
	kith_mp_put_cstr(&mp, "params");
	if (p->n > 0)
		kith_mp_put_raw(&mp, kith_slice_of(p->params, p->n));
	else
		kith_mp_put_map(&mp, 0);
	if (kith_buf_err(&mp) != KITH_OK)
		goto done;
	if (msgpack) {
		b = kith_blob_ws(true, kith_buf_slice(&mp));
		goto done;
	}
	if (kith_mp_to_json(kith_buf_slice(&mp), &json) == KITH_OK && kith_buf_err(&json) == KITH_OK)
		b = kith_blob_ws(false, kith_buf_slice(&json));
done:
	kith_buf_fini(&mp);
	kith_buf_fini(&json);
	return b;
}

struct kith_blob *
kith_push_frame(struct kith_push *p, bool msgpack)
{
	struct kith_blob *b;

	pthread_mutex_lock(&p->lock);
	if (p->frame[msgpack] == NULL)
		p->frame[msgpack] = encode(p, msgpack);
	b = p->frame[msgpack];
	pthread_mutex_unlock(&p->lock);
	return b;
}
