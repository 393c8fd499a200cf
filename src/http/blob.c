#include "http/blob.h"

#include <stdlib.h>
#include <string.h>

#include "http/ws.h"

struct kith_blob *
kith_blob_alloc(size_t n)
{
	struct kith_blob *b;
	size_t size;

	if (!kith_size_add(sizeof(*b), n, &size))
		return NULL;
	b = malloc(size);
	if (b == NULL)
		return NULL;
	b->refs = 1;
	b->n = n;
	return b;
}

struct kith_blob *
kith_blob_new(struct kith_slice s)
{
	struct kith_blob *b = kith_blob_alloc(s.n);

	if (b != NULL && s.n > 0)
		memcpy(b->p, s.p, s.n);
	return b;
}

struct kith_blob *
kith_blob_ref(struct kith_blob *b)
{
	(void)__atomic_add_fetch(&b->refs, 1, __ATOMIC_RELAXED);
	return b;
}

void
kith_blob_unref(struct kith_blob *b)
{
	if (b != NULL && __atomic_sub_fetch(&b->refs, 1, __ATOMIC_ACQ_REL) == 0)
		free(b);
}

struct kith_blob *
kith_blob_ws(bool binary, struct kith_slice payload)
{
	uint8_t head[KITH_WS_HEADER_MAX];
	size_t n = kith_ws_put_header(head, binary ? KITH_WS_OP_BINARY : KITH_WS_OP_TEXT, payload.n, NULL), size;
	struct kith_blob *b = kith_size_add(n, payload.n, &size) ? kith_blob_alloc(size) : NULL;

	if (b == NULL)
		return NULL;
	memcpy(b->p, head, n);
	if (payload.n > 0)
		memcpy(b->p + n, payload.p, payload.n);
	return b;
}
