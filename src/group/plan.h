#ifndef KITH_GROUP_PLAN_H
#define KITH_GROUP_PLAN_H

#include "group/plane.h"

/*
 * Making the plan of an act (struct plan): act.c has the parts, kinds.c puts
 * them together for each kind. Functions return KITH_OK, NOMEM, or DENIED with
 * the reason in ctx.
 */
#define HAS(o, k) (((o)->has & KITH_OP_BIT(k)) != 0)

#define NEEDS_MAX (4 + KITH_PERMS_MAX)
#define WRITES_MAX (8 + 3 * KITH_PERMS_MAX)

struct ctx {
	struct kith_authority *a;
	struct act *x;
	const struct kith_op *op;
	struct plan *p;
	kith_past_fn past_ok;
	const void *past_ctx;
	const char *why;
	struct slot *needs[NEEDS_MAX];
	struct slot_write writes[WRITES_MAX];
	struct person *people[KITH_LIST_MAX];
};

extern const struct kith_slice kith_no_perm;

int kith_plan_deny(struct ctx *c, const char *why);      /* always DENIED */
/* What the act relies on: a fact about its role (uid: of KITH_F_HOLDS), permissions that an owner has anyway. */
int kith_plan_need(struct ctx *c, enum kith_fact_kind kind, const struct kith_id *role, const struct kith_id *uid,
    struct kith_slice perm);
int kith_plan_need_perm(struct ctx *c, struct kith_slice perm);
int kith_plan_need_perms(struct ctx *c, const struct kith_slice *perm, uint32_t n);
/* What it writes. put_each: for each of op.users. */
int kith_plan_put_fact(struct ctx *c, enum kith_fact_kind kind, const struct kith_id *x, const struct kith_id *y,
    struct kith_slice perm, bool on);
int kith_plan_put_each(struct ctx *c, enum kith_fact_kind kind, bool on);
int kith_plan_put_register(struct ctx *c, const struct kith_id *object, struct kith_slice name);
int kith_plan_put_override(struct ctx *c, const struct kith_id *panel, const struct kith_id *who, struct kith_slice perm,
    uint64_t effect);
/* A4: it is aimed at a person other than its author. */
int kith_plan_aim(struct ctx *c, const struct kith_id *uid);
/* A4: the role was validly created in its past, and is below the act. *create NULL: an implicit one. */
int kith_plan_below(struct ctx *c, const struct kith_id *role, const struct act **create);
/* The valid act of this kind in its past, or NULL. */
const struct act *kith_plan_named(const struct ctx *c, const struct kith_id *id, uint32_t kind);

/* The table of kinds (A13). */
#define KITH_PLAN_OWNERS 1u     /* by owners only */
#define KITH_PLAN_FREE 2u       /* asks for neither role nor ownership */
struct kith_plan_kind {
	uint32_t kind, flags;
	const char *perm;               /* NULL: what it needs depends on what it says */
	int (*plan)(struct ctx *c);
};
const struct kith_plan_kind *kith_plan_kind(uint32_t kind);     /* NULL: outside the rules version (A12) */

#endif
