#include "tests/sim/plant.h"

#include <string.h>

#include "federation/fed.h"
#include "group/cut.h"
#include "group/inner.h"
#include "storage/ledger.h"

/*
 * Functions that planted bugs bend: the linker sends every call from another
 * file here (--wrap, see local.mk), and without a bug here it goes on to the
 * real one.
 */

/* ---- verdicts ---- */

const struct kith_cut_feed *__real_kith_cut_find(const struct kith_cut *c, const struct kith_id *scope, const struct kith_id *node, uint64_t incarnation);
const struct kith_cut_feed *__wrap_kith_cut_find(const struct kith_cut *c, const struct kith_id *scope, const struct kith_id *node, uint64_t incarnation);
const struct kith_cut_feed *
__wrap_kith_cut_find(const struct kith_cut *c, const struct kith_id *scope, const struct kith_id *node, uint64_t incarnation)
{
	static const struct kith_cut_tip far = { .seq = KITH_SEQ_MAX, .id = { { 1 } } };
	static struct kith_cut_feed all;

	if (plant(PLANT_REACH_BACK))
		return NULL;
	if (!plant(PLANT_FORGET_CUT))
		return __real_kith_cut_find(c, scope, node, incarnation);
	all = (struct kith_cut_feed){ .scope = *scope, .node = *node, .incarnation = incarnation, .tip = &far, .n_tips = 1 };
	return &all;
}

void __real_kith_scan_mark(struct kith_group *g, struct feed *f, uint64_t from, struct person *who);
void __wrap_kith_scan_mark(struct kith_group *g, struct feed *f, uint64_t from, struct person *who);
void
__wrap_kith_scan_mark(struct kith_group *g, struct feed *f, uint64_t from, struct person *who)
{
	if (!plant(PLANT_STALE_VERDICTS))
		__real_kith_scan_mark(g, f, from, who);
}

int __real_kith_person_touch(struct kith_group *g, struct person *p);
int __wrap_kith_person_touch(struct kith_group *g, struct person *p);
int
__wrap_kith_person_touch(struct kith_group *g, struct person *p)
{
	return plant(PLANT_STALE_VERDICTS) ? KITH_OK : __real_kith_person_touch(g, p);
}

void __real_kith_authority_state_hash(struct kith_authority *a, struct kith_id *out);
void __wrap_kith_authority_state_hash(struct kith_authority *a, struct kith_id *out);
void
__wrap_kith_authority_state_hash(struct kith_authority *a, struct kith_id *out)
{
	static unsigned calls;

	__real_kith_authority_state_hash(a, out);
	/* as if a fact were lost now and then */
	if (plant(PLANT_STATE_RESET) && ++calls % 7 == 0)
		out->b[31] ^= 1;
}

/* ---- what is given, asked for and told ---- */

int __real_kith_group_range(struct kith_group *g, struct kith_txn *t, const struct kith_id *scope, const struct kith_id *node, uint64_t incarnation,
    uint64_t from_seq, size_t max, struct kith_arena *a, struct kith_item **items, size_t *n);
int __wrap_kith_group_range(struct kith_group *g, struct kith_txn *t, const struct kith_id *scope, const struct kith_id *node, uint64_t incarnation,
    uint64_t from_seq, size_t max, struct kith_arena *a, struct kith_item **items, size_t *n);
int
__wrap_kith_group_range(struct kith_group *g, struct kith_txn *t, const struct kith_id *scope, const struct kith_id *node, uint64_t incarnation,
    uint64_t from_seq, size_t max, struct kith_arena *a, struct kith_item **items, size_t *n)
{
	if (plant(PLANT_DROP_RANGE) && from_seq % 8 == 5)
		return KITH_E_NOTFOUND;
	return __real_kith_group_range(g, t, scope, node, incarnation, from_seq, max, a, items, n);
}

int __real_kith_fed_scope_hash(struct kith_fed *f, struct fed_group *g, uint32_t scope, struct kith_id *out);
int __wrap_kith_fed_scope_hash(struct kith_fed *f, struct fed_group *g, uint32_t scope, struct kith_id *out);
int
__wrap_kith_fed_scope_hash(struct kith_fed *f, struct fed_group *g, uint32_t scope, struct kith_id *out)
{
	int r = __real_kith_fed_scope_hash(f, g, scope, out);

	/* a hash that settles more than it can: all that is held of a scope looks alike */
	if (plant(PLANT_TRUST_DIGEST) && r == KITH_OK && !kith_id_is_none(out))
		memset(out->b, 7, sizeof(out->b));
	return r;
}

void __real_kith_fed_dial_done(struct kith_fed *f, struct fed_addr *a, bool ok);
void __wrap_kith_fed_dial_done(struct kith_fed *f, struct fed_addr *a, bool ok);
void
__wrap_kith_fed_dial_done(struct kith_fed *f, struct fed_addr *a, bool ok)
{
	__real_kith_fed_dial_done(f, a, ok);
	if (plant(PLANT_SLOW_HEAL) && !ok)
		a->next_ms += 60000;
}

int __real_kith_fed_round(struct kith_fed *f);
int __wrap_kith_fed_round(struct kith_fed *f);
int
__wrap_kith_fed_round(struct kith_fed *f)
{
	int r = __real_kith_fed_round(f);

	if (plant(PLANT_RESTLESS))
		f->round_ms = f->now.mono_ms + 500;
	return r;
}

bool __real_kith_group_node_sees(struct kith_group *g, const struct kith_id *node, const struct kith_id *panel);
bool __wrap_kith_group_node_sees(struct kith_group *g, const struct kith_id *node, const struct kith_id *panel);
bool
__wrap_kith_group_node_sees(struct kith_group *g, const struct kith_id *node, const struct kith_id *panel)
{
	return plant(PLANT_SERVE_PRIVATE) || __real_kith_group_node_sees(g, node, panel);
}

int __real_kith_group_run(struct kith_group *g, struct kith_txn *t, struct kith_now now, const struct kith_id *from_peer, const struct kith_run *run,
    struct kith_changes *c, struct kith_missings *m, struct kith_run_result *res);
int __wrap_kith_group_run(struct kith_group *g, struct kith_txn *t, struct kith_now now, const struct kith_id *from_peer, const struct kith_run *run,
    struct kith_changes *c, struct kith_missings *m, struct kith_run_result *res);
int
__wrap_kith_group_run(struct kith_group *g, struct kith_txn *t, struct kith_now now, const struct kith_id *from_peer, const struct kith_run *run,
    struct kith_changes *c, struct kith_missings *m, struct kith_run_result *res)
{
	int r = __real_kith_group_run(g, t, now, from_peer, run, c, m, res);
	struct kith_record rec;

	/* what was held before is told as if it were new */
	if (plant(PLANT_TELL_TWICE) && r == KITH_OK && res->held_before > 0 && kith_record_parse(run->item[0].header, &rec) == KITH_OK &&
	    rec.kind == KITH_K_MESSAGE)
		r = kith_group_change(g, c, KITH_C_NEW, &rec, 0, 0);
	return r;
}

/* ---- what is kept ---- */

int __real_kith_ledger_proof_put(struct kith_txn *t, uint32_t feedno, struct kith_slice proof);
int __wrap_kith_ledger_proof_put(struct kith_txn *t, uint32_t feedno, struct kith_slice proof);
int
__wrap_kith_ledger_proof_put(struct kith_txn *t, uint32_t feedno, struct kith_slice proof)
{
	static uint8_t more[256];
	static uint32_t n;
	uint8_t key[8];

	/* each one, for ever */
	if (plant(PLANT_HOARD)) {
		kith_put_be32(key, feedno);
		kith_put_be32(key + 4, ++n);
		return kith_txn_put(t, KITH_T_PROOF, kith_slice_of(key, sizeof(key)), kith_slice_of(more, sizeof(more)));
	}
	return __real_kith_ledger_proof_put(t, feedno, proof);
}

/* ---- what is shown ---- */

int __real_kith_ledger_state_get(struct kith_txn *t, uint64_t pos, uint32_t *flags);
int __wrap_kith_ledger_state_get(struct kith_txn *t, uint64_t pos, uint32_t *flags);
int
__wrap_kith_ledger_state_get(struct kith_txn *t, uint64_t pos, uint32_t *flags)
{
	int r = __real_kith_ledger_state_get(t, pos, flags);

	if (plant(PLANT_SHOW_HIDDEN) && plant_in_read && r == KITH_OK)
		*flags &= ~(KITH_S_HIDDEN | KITH_S_REJECTED);
	return r;
}

int __real_kith_ledger_page(struct kith_txn *t, uint32_t scopeno, const struct kith_ledger_entry *from, bool backward, struct kith_ledger_entry *out,
    size_t max, size_t *n);
int __wrap_kith_ledger_page(struct kith_txn *t, uint32_t scopeno, const struct kith_ledger_entry *from, bool backward, struct kith_ledger_entry *out,
    size_t max, size_t *n);

static int
by_arrival(const void *x, const void *y)
{
	const struct kith_ledger_entry *a = x, *b = y;

	return a->pos < b->pos ? 1 : a->pos > b->pos ? -1 : 0;
}

int
__wrap_kith_ledger_page(struct kith_txn *t, uint32_t scopeno, const struct kith_ledger_entry *from, bool backward, struct kith_ledger_entry *out,
    size_t max, size_t *n)
{
	int r = __real_kith_ledger_page(t, scopeno, from, backward, out, max, n);

	if (plant(PLANT_SHOW_ARRIVAL) && r == KITH_OK && backward)
		qsort(out, *n, sizeof(*out), by_arrival);
	return r;
}
