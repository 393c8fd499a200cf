#ifndef KITH_HTTP_BLOB_H
#define KITH_HTTP_BLOB_H

#include "base/error.h"
#include "base/slice.h"

/*
 * Bytes that many connections send: made once, shared by count, never changed
 * after they are shared. The count is atomic, so blobs go between threads.
 */
struct kith_blob {
	unsigned refs;                  /* atomic; use the functions */
	size_t n;
	uint8_t p[];
};

struct kith_blob *kith_blob_new(struct kith_slice s);           /* a copy, one reference; NULL: out of memory */
struct kith_blob *kith_blob_alloc(size_t n);                    /* to be filled; NULL: out of memory */
struct kith_blob *kith_blob_ref(struct kith_blob *b);           /* returns b */
void kith_blob_unref(struct kith_blob *b);                      /* NULL is fine */
/* A whole server frame, header and payload, ready for any number of WebSockets. NULL: out of memory. */
struct kith_blob *kith_blob_ws(bool binary, struct kith_slice payload);

#endif
