#ifndef KITH_BASE_ARENA_H
#define KITH_BASE_ARENA_H

#include <stddef.h>

#include "base/slice.h"

/*
 * Memory that dies in one call. It has a ceiling, so that what one frame costs
 * is bounded whatever it says. Not for sharing between threads.
 */
struct kith_arena;

struct kith_arena *kith_arena_new(size_t max);           /* NULL: out of memory */
void kith_arena_free(struct kith_arena *a);              /* NULL is fine */
void kith_arena_reset(struct kith_arena *a);             /* all it gave out is gone; keeps one block */
void *kith_arena_alloc(struct kith_arena *a, size_t n);  /* zeroed, aligned for anything; NULL: ceiling or memory */
void *kith_arena_array(struct kith_arena *a, size_t n, size_t size);
char *kith_arena_str(struct kith_arena *a, struct kith_slice s);         /* NUL-terminated copy */
/* A copy in the arena; p NULL in the result when memory is out and s.n > 0. */
struct kith_slice kith_arena_copy(struct kith_arena *a, struct kith_slice s);

#endif
