#ifndef KITH_GROUP_RIGHTS_H
#define KITH_GROUP_RIGHTS_H

#include "base/error.h"
#include "base/slice.h"

/*
 * What readers may ask without the group: rights as they are now (RULES B3), from
 * the tables that kith_group_flush keeps. One snapshot, any thread.
 */
struct kith_txn;

/* Does a muted voice or a closed panel keep from this? message.* and call.*; looking does not speak. */
bool kith_perm_speaks(const char *perm);

/* False for whoever is no member now. panel NULL or none: in the group as a whole. Fails closed. */
bool kith_rights_may(struct kith_txn *t, const struct kith_id *group, const struct kith_id *uid, const struct kith_id *panel,
    const char *perm);

/* The same for somebody who holds this role and, but for those everybody holds, no other. */
bool kith_rights_role_may(struct kith_txn *t, const struct kith_id *group, const struct kith_id *role, const struct kith_id *panel,
    const char *perm);

/*
 * The rows (FORMAT.md has them all):
 *   KITH_T_ROSTER  group, uid -> [member, membership, document, node, clock, guest]
 *   KITH_T_FACT    group, fact key -> bool; only facts that differ from kith_fact_default
 *   KITH_T_GROUP   group -> [1, kind, joins, members, nodes, state hash, rules version]
 *                  group, 'r', object, key -> id of the act that holds the register
 *                  group, 'p', panel -> one byte of the bits below; panels that have none have no row
 */
enum { KITH_PANEL_PRIVATE = 1, KITH_PANEL_BY_ROLE = 2 /* an announcement panel: implicit roles do not speak */ };
struct kith_roster_row {
	struct kith_id membership, doc, node;
	uint64_t clock;
	bool member, guest;
};
KITH_MUST_USE int kith_roster_row_parse(struct kith_slice v, struct kith_roster_row *out);       /* CORRUPT */
struct kith_group_row {
	uint64_t kind, joins, members, nodes, rules;
	struct kith_id state;
};
KITH_MUST_USE int kith_group_row_parse(struct kith_slice v, struct kith_group_row *out);         /* CORRUPT */

#endif
