/*
 * What arrives as a record: the same bytes as a header with its op, as a body, as
 * an op of each kind, as a cut and as a part of one. What is taken must be
 * written again as it came.
 */
#include <stdlib.h>
#include <string.h>

#include "group/cut.h"
#include "group/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
op(uint32_t kind, struct kith_slice in, struct kith_arena *a)
{
	struct kith_buf again;
	struct kith_op o;

	kith_arena_reset(a);
	if (kith_op_parse(kind, in, a, &o) != KITH_OK || kith_kind_name(kind) == NULL)
		return;
	kith_buf_init(&again, 0);
	must(kith_op_make(&o, &again) == KITH_OK);
	must(kith_slice_eq(kith_buf_slice(&again), in));
	kith_buf_fini(&again);
}

static void
header(struct kith_slice in, struct kith_arena *a)
{
	struct kith_record d;
	struct kith_buf b;

	if (kith_record_parse(in, &d) != KITH_OK)
		return;
	kith_buf_init(&b, 0);
	must(kith_record_make(&d, NULL, &b) == KITH_OK);
	must(kith_slice_eq(kith_buf_slice(&b), in));
	kith_buf_reset(&b);
	must(kith_record_author_bytes(&d, &b) == KITH_OK);
	kith_buf_fini(&b);
	op(d.kind, d.op, a);
}

static void
body(struct kith_slice in)
{
	struct kith_record r = { .body_len = (uint32_t)in.n };
	struct kith_buf again;
	struct kith_slice map;

	kith_hash(KITH_L_BODY, in, &r.body_hash);
	if (in.n == 0 || kith_record_body_ok(&r, in) != KITH_OK)
		return;
	map = kith_body_map(in);
	must(map.n > 0 && map.n + 19 == in.n);
	kith_buf_init(&again, 0);
	must(kith_body_make(in.p + 3, map, &again) == KITH_OK);
	must(kith_slice_eq(kith_buf_slice(&again), in));
	kith_buf_fini(&again);
}

static void
cut(struct kith_slice in, bool part, struct kith_arena *a)
{
	struct kith_buf again;
	struct kith_cut c;
	struct kith_id id;
	uint32_t i;

	kith_arena_reset(a);
	if ((part ? kith_cut_part_parse(in, a, &c) : kith_cut_parse(in, a, &c)) != KITH_OK)
		return;
	for (i = 0; i < c.n_feeds; i++)
		must(kith_cut_find(&c, &c.feed[i].scope, &c.feed[i].node, c.feed[i].incarnation) == &c.feed[i]);
	kith_buf_init(&again, 0);
	must((part ? kith_cut_part_make(c.feed, c.n_feeds, in.p + 4, &again, &id) : kith_cut_make(&c, &again, &id)) == KITH_OK);
	must(kith_slice_eq(kith_buf_slice(&again), in));
	kith_buf_fini(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kith_slice in = kith_slice_of(data, size);
	struct kith_arena *a = kith_arena_new(8u << 20);
	uint32_t kind;

	if (a == NULL)
		return 0;
	header(in, a);
	body(in);
	for (kind = 0; kind <= KITH_K_PIN + 1; kind++)
		op(kind, in, a);
	cut(in, false, a);
	cut(in, true, a);
	kith_arena_free(a);
	return 0;
}
