#include "tests/unit/storage/sample.h"

#include "crypto/sign.h"
#include "tests/unit/test.h"

struct kith_id
kith_test_id(uint8_t first, uint8_t last)
{
	struct kith_id id = { { first } };

	id.b[KITH_ID_BYTES - 1] = last;
	return id;
}

struct kith_ledger_key
kith_test_feed_key(uint8_t group, uint8_t scope, uint8_t node, uint64_t incarnation)
{
	return (struct kith_ledger_key){ kith_test_id('g', group), kith_test_id('s', scope), kith_test_id('n', node), incarnation };
}

uint32_t
kith_test_feed(struct kith_txn *t, struct kith_ledger_key key)
{
	uint32_t feedno = 0;

	assert_ok(kith_ledger_feed(t, &key, true, &feedno));
	return feedno;
}

void
kith_test_sample(struct sample *s, uint32_t feedno, uint32_t scopeno, uint64_t seq, uint64_t clock, uint64_t salt)
{
	memset(s, 0, sizeof(*s));
	kith_put_be32(s->header, feedno);
	kith_put_be64(s->header + 4, seq);
	kith_put_be64(s->header + 12, clock);
	kith_put_be64(s->header + 20, salt);
	s->rec.feedno = feedno;
	s->rec.scopeno = scopeno;
	s->rec.seq = seq;
	s->rec.clock = clock;
	s->rec.in_order = true;
	s->rec.header = kith_slice_of(s->header, 40 + (size_t)(salt % 80));
	kith_hash(KITH_L_RECORD, s->rec.header, &s->rec.id);
}

void
kith_test_sample_add(struct kith_txn *t, struct sample *s)
{
	assert_ok(kith_ledger_add(t, &s->rec, &s->pos));
}

void
kith_test_sample_same(const struct kith_ledger_record *got, const struct sample *want)
{
	assert_true(got->pos == want->pos);
	assert_true(got->seq == want->rec.seq);
	assert_true(got->clock == want->rec.clock);
	assert_int_equal(got->feedno, want->rec.feedno);
	assert_int_equal(got->in_order, want->rec.in_order);
	assert_true(kith_id_eq(&got->id, &want->rec.id));
	assert_true(kith_slice_eq(got->header, want->rec.header));
	assert_true(kith_slice_eq(got->sig, want->rec.sig));
}
