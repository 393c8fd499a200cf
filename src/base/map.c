#include "base/map.h"

#include <stdlib.h>
#include <string.h>

/*
 * Entries lie in an array in order of insertion; an open-addressed index of
 * their numbers, twice as large or more, finds them. A deleted entry stays in
 * both, marked dead, until a put that needs room builds them anew; so an
 * iteration is not disturbed by deletions.
 */
#define KEY_INLINE 40
#define DEAD UINT32_MAX
#define EMPTY 0                         /* in the index; else entry number + 1 */

struct entry {
	uint32_t hash;
	uint32_t n_key;                 /* DEAD: deleted */
	void *value;
	union {
		uint8_t in[KEY_INLINE];
		uint8_t *heap;          /* n_key > KEY_INLINE */
	} key;
};

struct kith_map {
	struct entry *e;
	uint32_t *index;
	size_t n, cap, n_index;         /* n_index: a power of two, at least 2 * cap */
	size_t first;                   /* all before it are dead */
	size_t count;
};

static uint8_t seed[16];

void
kith_map_seed(const uint8_t key[16])
{
	memcpy(seed, key, sizeof(seed));
}

static uint64_t
le64(const uint8_t *p)
{
	uint64_t v = 0;
	int i;

	for (i = 7; i >= 0; i--)
		v = v << 8 | p[i];
	return v;
}

static uint64_t
rotl(uint64_t v, unsigned n)
{
	return v << n | v >> (64 - n);
}

static void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[0] = rotl(v[0], 32);
	v[2] += v[3];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[2] = rotl(v[2], 32);
}

/* SipHash-1-3 */
static uint32_t
sip(struct kith_slice s)
{
	uint64_t k0 = le64(seed), k1 = le64(seed + 8), m;
	uint64_t v[4] = { k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261,
		k1 ^ 0x7465646279746573 };
	uint8_t last[8] = { 0 };
	size_t i;

	for (i = 0; s.n - i >= 8; i += 8) {
		m = le64(s.p + i);
		v[3] ^= m;
		sip_round(v);
		v[0] ^= m;
	}
	if (s.n > i)
		memcpy(last, s.p + i, s.n - i);
	last[7] = (uint8_t)s.n;
	m = le64(last);
	v[3] ^= m;
	sip_round(v);
	v[0] ^= m;
	v[2] ^= 0xff;
	sip_round(v);
	sip_round(v);
	sip_round(v);
	m = v[0] ^ v[1] ^ v[2] ^ v[3];
	return (uint32_t)(m ^ m >> 32);
}

struct kith_map *
kith_map_new(void)
{
	return calloc(1, sizeof(struct kith_map));
}

static struct kith_slice
key_of(const struct entry *e)
{
	return (struct kith_slice){ e->n_key > KEY_INLINE ? e->key.heap : e->key.in, e->n_key };
}

static void
entry_kill(struct entry *e)
{
	if (e->n_key > KEY_INLINE)
		free(e->key.heap);
	e->n_key = DEAD;
	e->value = NULL;
}

void
kith_map_free(struct kith_map *m, void (*free_value)(void *))
{
	size_t i;

	if (m == NULL)
		return;
	for (i = m->first; i < m->n; i++) {
		if (m->e[i].n_key == DEAD)
			continue;
		if (free_value != NULL)
			free_value(m->e[i].value);
		entry_kill(&m->e[i]);
	}
	free(m->e);
	free(m->index);
	free(m);
}

size_t
kith_map_count(const struct kith_map *m)
{
	return m->count;
}

static struct entry *
find(const struct kith_map *m, struct kith_slice key, uint32_t hash)
{
	size_t i;
	struct entry *e;

	if (m->count == 0)
		return NULL;
	for (i = hash & (m->n_index - 1); m->index[i] != EMPTY; i = (i + 1) & (m->n_index - 1)) {
		e = &m->e[m->index[i] - 1];
		if (e->n_key != DEAD && e->hash == hash && kith_slice_eq(key_of(e), key))
			return e;
	}
	return NULL;
}

void *
kith_map_get(const struct kith_map *m, struct kith_slice key)
{
	struct entry *e = m->count == 0 ? NULL : find(m, key, sip(key));

	return e == NULL ? NULL : e->value;
}

static void
index_add(struct kith_map *m, uint32_t hash, size_t number)
{
	size_t i = hash & (m->n_index - 1);

	while (m->index[i] != EMPTY)
		i = (i + 1) & (m->n_index - 1);
	m->index[i] = (uint32_t)number + 1;
}

/* Room for one more entry, without the dead ones. */
static int
rebuild(struct kith_map *m)
{
	size_t cap = m->cap == 0 ? 8 : m->count >= m->cap / 2 ? m->cap * 2 : m->cap;
	struct entry *e;
	uint32_t *index;
	size_t i, n = 0;

	if (cap >= UINT32_MAX / 4)
		return KITH_E_NOMEM;
	e = malloc(cap * sizeof(*e));
	index = calloc(cap * 2, sizeof(*index));
	if (e == NULL || index == NULL) {
		free(e);
		free(index);
		return KITH_E_NOMEM;
	}
	for (i = m->first; i < m->n; i++)
		if (m->e[i].n_key != DEAD)
			e[n++] = m->e[i];
	free(m->e);
	free(m->index);
	m->e = e;
	m->index = index;
	m->n = n;
	m->cap = cap;
	m->n_index = cap * 2;
	m->first = 0;
	for (i = 0; i < n; i++)
		index_add(m, e[i].hash, i);
	return KITH_OK;
}

int
kith_map_put(struct kith_map *m, struct kith_slice key, void *value, void **old)
{
	uint32_t hash = sip(key);
	struct entry *e = find(m, key, hash);
	uint8_t *heap = NULL;

	if (e != NULL) {
		if (old != NULL)
			*old = e->value;
		e->value = value;
		return KITH_OK;
	}
	if (key.n >= DEAD)
		return KITH_E_NOMEM;
	if (key.n > KEY_INLINE) {
		heap = malloc(key.n);
		if (heap == NULL)
			return KITH_E_NOMEM;
		memcpy(heap, key.p, key.n);
	}
	if (m->n == m->cap && rebuild(m) != KITH_OK) {
		free(heap);
		return KITH_E_NOMEM;
	}
	e = &m->e[m->n];
	e->hash = hash;
	e->n_key = (uint32_t)key.n;
	e->value = value;
	if (heap != NULL)
		e->key.heap = heap;
	else if (key.n > 0)
		memcpy(e->key.in, key.p, key.n);
	index_add(m, hash, m->n++);
	m->count++;
	if (old != NULL)
		*old = NULL;
	return KITH_OK;
}

void *
kith_map_del(struct kith_map *m, struct kith_slice key)
{
	struct entry *e = m->count == 0 ? NULL : find(m, key, sip(key));
	void *value;

	if (e == NULL)
		return NULL;
	value = e->value;
	entry_kill(e);
	m->count--;
	while (m->first < m->n && m->e[m->first].n_key == DEAD)
		m->first++;
	return value;
}

bool
kith_map_next(const struct kith_map *m, size_t *it, struct kith_slice *key, void **value)
{
	size_t i = *it > m->first ? *it : m->first;

	while (i < m->n && m->e[i].n_key == DEAD)
		i++;
	if (i >= m->n) {
		*it = i;
		return false;
	}
	if (key != NULL)
		*key = key_of(&m->e[i]);
	if (value != NULL)
		*value = m->e[i].value;
	*it = i + 1;
	return true;
}

int
kith_vec_grow_(void *v, size_t *n, size_t *cap, size_t size)
{
	size_t want, all;
	void *p, *q;            /* *v is a T *: copied as bytes, since void ** may not point at it */

	if (*n == *cap) {
		if (!kith_size_mul(*cap, 2, &want))
			return KITH_E_NOMEM;
		if (want < 8)
			want = 8;
		if (!kith_size_mul(want, size, &all))
			return KITH_E_NOMEM;
		memcpy(&p, v, sizeof(p));
		q = realloc(p, all);
		if (q == NULL)
			return KITH_E_NOMEM;
		memcpy(v, &q, sizeof(q));
		*cap = want;
	}
	++*n;
	return KITH_OK;
}
