#ifndef KITH_TESTS_UNIT_VECTORS_VECTORS_H
#define KITH_TESTS_UNIT_VECTORS_VECTORS_H

#include "base/buf.h"

/*
 * The files in tests/vectors: JSON, one vector a line, for every implementation.
 * They are made from named keys alone, so making them again gives the same
 * bytes; and they are read back and checked by other code than made them.
 */
struct vec_file {
	const char *name;                               /* "headers.json" */
	void (*make)(struct kith_buf *out);
};
extern const struct vec_file vec_files[];
extern const size_t vec_n_files;

/* Writing. */
void vec_begin(struct kith_buf *b, const char *about);
void vec_end(struct kith_buf *b);
/* A vector: its name, then members, then what is expected (error NULL: good) and why. */
void vec_open(struct kith_buf *b, const char *name);
void vec_str(struct kith_buf *b, const char *key, const char *value);
void vec_hex(struct kith_buf *b, const char *key, struct kith_slice s);
void vec_num(struct kith_buf *b, const char *key, uint64_t v);
void vec_flag(struct kith_buf *b, const char *key, bool v);
void vec_close(struct kith_buf *b, const char *error, const char *reason);

void vec_make_keys(struct kith_buf *b);
void vec_make_msgpack(struct kith_buf *b);
void vec_make_headers(struct kith_buf *b);
void vec_make_ops(struct kith_buf *b);
void vec_make_bodies(struct kith_buf *b);
void vec_make_authors(struct kith_buf *b);
void vec_make_feed(struct kith_buf *b);
void vec_make_nodes(struct kith_buf *b);
void vec_make_docs(struct kith_buf *b);
void vec_make_invites(struct kith_buf *b);
void vec_make_links(struct kith_buf *b);
void vec_make_cuts(struct kith_buf *b);
void vec_make_counts(struct kith_buf *b);

#endif
