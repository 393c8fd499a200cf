#ifndef KITH_BASE_MAP_H
#define KITH_BASE_MAP_H

#include <stdlib.h>

#include "base/error.h"
#include "base/slice.h"

/*
 * A hash table from byte strings to pointers, insertion order kept on
 * iteration so that one seed gives one story. Keys are copied. SipHash under a
 * per-process key where strangers choose keys (kith_map_seed, set once at
 * start; all zero in tests and the simulator).
 */
struct kith_map;

void kith_map_seed(const uint8_t key[16]);
struct kith_map *kith_map_new(void);                                     /* NULL: out of memory */
void kith_map_free(struct kith_map *m, void (*free_value)(void *));      /* free_value may be NULL */
size_t kith_map_count(const struct kith_map *m);
void *kith_map_get(const struct kith_map *m, struct kith_slice key);     /* NULL: absent */
/* Adds or replaces (the old value is returned through *old when old is given). NOMEM: nothing changed. */
KITH_MUST_USE int kith_map_put(struct kith_map *m, struct kith_slice key, void *value, void **old);
void *kith_map_del(struct kith_map *m, struct kith_slice key);           /* the value that was there, or NULL */
/*
 * Iteration in order of insertion: start with *it = 0; false at the end. Entries
 * may be deleted on the way, not added. *key is borrowed until the next put or
 * its own deletion; key and value may be NULL.
 */
bool kith_map_next(const struct kith_map *m, size_t *it, struct kith_slice *key, void **value);

/* A growing array of fixed-size items. */
#define KITH_VEC(T) struct { T *v; size_t n, cap; }
/* Room for one more item; &v[n - 1] after success. NOMEM. */
#define kith_vec_grow(a) kith_vec_grow_(&(a)->v, &(a)->n, &(a)->cap, sizeof(*(a)->v))
KITH_MUST_USE int kith_vec_grow_(void *v, size_t *n, size_t *cap, size_t size);
/* Appends item (an expression of type T): KITH_OK or NOMEM */
#define kith_vec_push(a, item) (kith_vec_grow(a) == KITH_OK ? ((a)->v[(a)->n - 1] = (item), KITH_OK) : KITH_E_NOMEM)
#define kith_vec_fini(a) (free((a)->v), (a)->v = NULL, (a)->n = (a)->cap = 0)

#endif
