#ifndef KITH_TESTS_UNIT_STORAGE_SAMPLE_H
#define KITH_TESTS_UNIT_STORAGE_SAMPLE_H

#include "storage/ledger.h"

/* Records and names that look enough like some for the ledger. */

struct kith_id kith_test_id(uint8_t first, uint8_t last);
struct kith_ledger_key kith_test_feed_key(uint8_t group, uint8_t scope, uint8_t node, uint64_t incarnation);
uint32_t kith_test_feed(struct kith_txn *t, struct kith_ledger_key key);

struct sample {
	uint8_t header[120];
	struct kith_ledger_new rec;     /* its header points into the sample */
	uint64_t pos;
};
/* In order, without signature, body and target. salt makes it another record. */
void kith_test_sample(struct sample *s, uint32_t feedno, uint32_t scopeno, uint64_t seq, uint64_t clock, uint64_t salt);
void kith_test_sample_add(struct kith_txn *t, struct sample *s);
/* got is the record that was added. */
void kith_test_sample_same(const struct kith_ledger_record *got, const struct sample *want);

#endif
