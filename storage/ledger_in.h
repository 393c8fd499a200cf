#ifndef KITH_STORAGE_LEDGER_IN_H
#define KITH_STORAGE_LEDGER_IN_H

#include <string.h>

#include "storage/ledger.h"

/* What ledger.c and ledger_feed.c share; nobody else's. */

static inline struct kith_slice
kith_ledger_number_key(uint8_t k[4], uint32_t number)
{
	kith_put_be32(k, number);
	return kith_slice_of(k, 4);
}

static inline bool
kith_ledger_starts_with(struct kith_slice s, const uint8_t *p, size_t n)
{
	return s.n >= n && memcmp(s.p, p, n) == 0;
}

/* NOTFOUND is no failure where a list may simply end. */
static inline int
kith_ledger_at_end(int r)
{
	return r == KITH_E_NOTFOUND ? KITH_OK : r;
}

/* The number in a table's last key, of width 4 or 8 bytes; 0: the table is empty. CORRUPT. */
KITH_MUST_USE int kith_ledger_last_number(struct kith_txn *t, enum kith_table tb, size_t width, uint64_t *out);

#endif
