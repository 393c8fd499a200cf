#ifndef KITH_TESTS_UNIT_KIT_OPS_H
#define KITH_TESTS_UNIT_KIT_OPS_H

#include "group/record.h"

/* What each kind may say, said once more than in op.c: every combination here is good. Ends with kind 0. */
struct kit_op {
	const char *name;
	uint32_t kind;
	uint64_t has;
};
extern const struct kit_op kit_ops[];
/* Fields enough for any kind, of values that fit it. Borrows static memory: use it before the next call. */
void kit_op_fill(struct kith_op *o, uint32_t kind, uint64_t has);
/*
 * A record of this kind in its place, with an author where one is due; op is what
 * kit_op_fill makes of has. Signed by the key "alice account" when signed.
 * Appends the header.
 */
void kit_record(uint32_t kind, uint64_t has, struct kith_record *out);   /* a draft: op borrows static memory */
void kit_header(uint32_t kind, uint64_t has, bool is_signed, struct kith_buf *out);

#endif
