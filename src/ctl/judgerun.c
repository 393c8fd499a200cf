#include "ctl/judgefile.h"

#include <stdlib.h>
#include <string.h>

/* Not the dice of anything: nothing here is secret, and one FILE gives one answer. */
static void
no_dice(void *ctx, void *p, size_t n)
{
	(void)ctx;
	memset(p, 0x5a, n);
}

static int
verify(void *ctx, const uint8_t pk[32], int label, struct kith_slice msg, const uint8_t sig[64])
{
	(void)ctx;
	return kith_verify(pk, (enum kith_label)label, msg, sig);
}

static const struct kith_env env = { .random = no_dice, .verify = verify };

/* Later than any clock that the tool writes. */
static const struct kith_now now = { .mono_ms = 1, .wall_ms = UINT64_C(1) << 40 };

static int
offer(struct kith_jf_session *s, uint8_t type, const struct kith_buf *raw)
{
	struct kith_changes c = { .list = { NULL, 0, 0 } };
	struct kith_missings m = { .list = { NULL, 0, 0 } };
	int r = kith_group_object(s->group, s->txn, now, type, kith_buf_slice(raw), true, &c, &m);

	kith_changes_fini(&c);
	kith_vec_fini(&m.list);
	return r;
}

int
kith_jf_open(struct kith_jf *f, struct kith_jf_session *s)
{
	const struct kith_jf_node *me = kith_jf_node(f, "");
	struct kith_slice key;
	size_t it, i;
	void *p;
	int r;

	memset(s, 0, sizeof(*s));
	if (me == NULL)
		return KITH_E_NOMEM;
	s->self = (struct kith_self){ .node = kith_jf_hash("self", ""), .incarnation = 1, .sign = me->sign };
	r = kith_store_mem_new(&s->store);
	if (r == KITH_OK)
		r = kith_store_begin(s->store, true, &s->txn);
	if (r == KITH_OK)
		r = kith_group_open(&env, &s->self, s->txn, &f->group, &s->group);
	for (it = 0; r == KITH_OK && kith_map_next(f->nodes, &it, &key, &p);)
		r = offer(s, KITH_O_NODE, &((const struct kith_jf_node *)p)->raw);
	for (it = 0; r == KITH_OK && kith_map_next(f->persons, &it, &key, &p);)
		r = offer(s, KITH_O_DOC, &((const struct kith_jf_person *)p)->raw);
	for (i = 0; r == KITH_OK && i < f->objects.n; i++)
		r = offer(s, f->objects.v[i].type, &f->objects.v[i].raw);
	if (r != KITH_OK)
		kith_jf_close(s);
	return r;
}

void
kith_jf_close(struct kith_jf_session *s)
{
	if (s->group != NULL)
		kith_group_close(s->group);
	kith_txn_abort(s->txn);
	kith_store_close(s->store);
	memset(s, 0, sizeof(*s));
}

/* MISSING: it stands above a gap in its feed, and must be offered again. */
static int
admit_one(struct kith_jf_session *s, const struct kith_jf_record *rec)
{
	const struct kith_item item = { .header = rec->header, .sig = rec->sig };
	const struct kith_run run = { .item = &item, .n = 1 };
	struct kith_changes c = { .list = { NULL, 0, 0 } };
	struct kith_missings m = { .list = { NULL, 0, 0 } };
	struct kith_run_result res;
	int r = kith_group_run(s->group, s->txn, now, NULL, &run, &c, &m, &res);

	kith_changes_fini(&c);
	kith_vec_fini(&m.list);
	return r == KITH_OK && res.refused > 0 ? res.first_error : r;
}

static int
is_held(struct kith_jf_session *s, const struct kith_id *id, bool waiting_too, bool *held)
{
	enum kith_verdict v;
	int r = kith_group_verdict(s->group, s->txn, id, &v);

	*held = r == KITH_OK && v != KITH_V_UNKNOWN && (waiting_too || v != KITH_V_WAITING);
	return r;
}

int
kith_jf_admit(struct kith_jf_session *s, const struct kith_jf_record *rec, size_t n, const size_t *order, bool may_wait)
{
	size_t before = SIZE_MAX, left = n, i;
	bool held;
	int r = KITH_OK;

	while (left > 0 && left < before) {
		before = left;
		left = 0;
		for (i = 0; i < n; i++) {
			r = is_held(s, &rec[order[i]].id, true, &held);
			if (r == KITH_OK && !held)
				r = admit_one(s, &rec[order[i]]);
			if (r != KITH_OK && r != KITH_E_MISSING)
				return r;
		}
		for (i = 0; i < n; i++) {
			r = is_held(s, &rec[i].id, false, &held);
			if (r != KITH_OK)
				return r;
			left += !held;
		}
	}
	return left == 0 || may_wait ? KITH_OK : KITH_E_CORRUPT;
}
