#include "http/gate.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/map.h"

struct kith_gate {
	pthread_mutex_t lock;
	struct kith_gate_limits max;
	unsigned total, strangers;
	uint64_t refused;
	struct kith_map *origins;       /* strangers of each, as a number in the pointer; none of zero */
};

struct kith_gate *
kith_gate_new(const struct kith_gate_limits *l)
{
	struct kith_gate *g = calloc(1, sizeof(*g));

	if (g == NULL)
		return NULL;
	g->origins = kith_map_new();
	if (g->origins == NULL || pthread_mutex_init(&g->lock, NULL) != 0) {
		kith_map_free(g->origins, NULL);
		free(g);
		return NULL;
	}
	g->max.total = l->total != 0 ? l->total : 10000;
	g->max.strangers = l->strangers != 0 ? l->strangers : 512;
	g->max.per_origin = l->per_origin != 0 ? l->per_origin : 32;
	return g;
}

void
kith_gate_free(struct kith_gate *g)
{
	if (g == NULL)
		return;
	kith_map_free(g->origins, NULL);
	(void)pthread_mutex_destroy(&g->lock);
	free(g);
}

/* From half the room on, the chance to be turned away grows evenly, to certainty. */
static bool
dropped(const struct kith_gate *g, uint32_t dice)
{
	unsigned half = g->max.strangers / 2, over;

	if (g->strangers < half)
		return false;
	over = g->strangers - half;
	return over >= g->max.strangers - half || dice < (uint64_t)over * ((uint64_t)1 << 32) / (g->max.strangers - half);
}

static uintptr_t
of_origin(const struct kith_gate *g, struct kith_slice origin)
{
	return (uintptr_t)kith_map_get(g->origins, origin);
}

static int
admit(struct kith_gate *g, struct kith_slice origin, uint32_t dice)
{
	uintptr_t have = of_origin(g, origin);

	if (g->total >= g->max.total || have >= g->max.per_origin || dropped(g, dice))
		return KITH_E_LIMIT;
	if (kith_map_put(g->origins, origin, (void *)(have + 1), NULL) != KITH_OK)
		return KITH_E_LIMIT;
	g->total++;
	g->strangers++;
	return KITH_OK;
}

int
kith_gate_enter(struct kith_gate *g, const struct kith_addr *a, uint32_t dice)
{
	int r;

	(void)pthread_mutex_lock(&g->lock);
	r = admit(g, kith_addr_origin(a), dice);
	if (r != KITH_OK)
		g->refused++;
	(void)pthread_mutex_unlock(&g->lock);
	return r;
}

static void
no_stranger(struct kith_gate *g, struct kith_slice origin)
{
	uintptr_t have = of_origin(g, origin);

	g->strangers--;
	if (have <= 1)
		(void)kith_map_del(g->origins, origin);
	else if (kith_map_put(g->origins, origin, (void *)(have - 1), NULL) != KITH_OK)
		return;                 /* replacing takes no memory */
}

void
kith_gate_trust(struct kith_gate *g, const struct kith_addr *a)
{
	(void)pthread_mutex_lock(&g->lock);
	no_stranger(g, kith_addr_origin(a));
	(void)pthread_mutex_unlock(&g->lock);
}

void
kith_gate_leave(struct kith_gate *g, const struct kith_addr *a, bool trusted)
{
	(void)pthread_mutex_lock(&g->lock);
	if (!trusted)
		no_stranger(g, kith_addr_origin(a));
	g->total--;
	(void)pthread_mutex_unlock(&g->lock);
}

void
kith_gate_count(struct kith_gate *g, unsigned *total, unsigned *strangers, uint64_t *refused)
{
	(void)pthread_mutex_lock(&g->lock);
	*total = g->total;
	*strangers = g->strangers;
	*refused = g->refused;
	(void)pthread_mutex_unlock(&g->lock);
}
