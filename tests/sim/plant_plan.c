#include "group/plan.h"
#include "tests/sim/plant.h"

/* As plant_wraps.c, of what is private to the authority plane. */

int __real_kith_plan_below(struct ctx *c, const struct kith_id *role, const struct act **create);
int __wrap_kith_plan_below(struct ctx *c, const struct kith_id *role, const struct act **create);
int
__wrap_kith_plan_below(struct ctx *c, const struct kith_id *role, const struct act **create)
{
	int r = __real_kith_plan_below(c, role, create);

	return plant(PLANT_EQUAL_LEVEL) && r == KITH_E_DENIED && *create != NULL && (*create)->pub.op->level == c->x->pub.level ? KITH_OK : r;
}
