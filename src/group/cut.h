#ifndef KITH_GROUP_CUT_H
#define KITH_GROUP_CUT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

/*
 * A cut (RULES B4): for each feed all branch tips that its writer's node showed.
 * A content-addressed object, canonical msgpack
 *   [1, [[scope, node, incarnation bin8, [[seq, id], ...]], ...], [panels not held], [[panel, part hash], ...]]
 * entries sorted by (scope, node, incarnation), unique, never of authority; tips by (seq, id), 1 to KITH_CUT_TIPS_MAX;
 * panels sorted, unique. A private panel's entries are a part of their own, an object
 *   [1, salt bin16, [entries]]   (same entry form)
 * named here by its hash and sent to the panel's nodes only. Id: kith_hash(KITH_L_CUT, bytes). At most KITH_CUT_MAX bytes.
 */
#define KITH_CUT_MAX 1048000u            /* so that the frame that brings it has room for it */
#define KITH_CUT_TIPS_MAX 64

struct kith_cut_tip { uint64_t seq; struct kith_id id; };
struct kith_cut_feed {
	struct kith_id scope, node;
	uint64_t incarnation;
	const struct kith_cut_tip *tip;
	uint32_t n_tips;
};
struct kith_cut_part { struct kith_id panel, hash; };
struct kith_cut {
	const struct kith_cut_feed *feed;       /* sorted */
	uint32_t n_feeds;
	const struct kith_id *unheld;           /* panels its writer's node does not hold: there the frontier decides */
	uint32_t n_unheld;
	const struct kith_cut_part *part;       /* sorted by panel */
	uint32_t n_parts;
};
/* Lists live in a. MALFORMED, LIMIT, NOMEM. */
KITH_MUST_USE int kith_cut_parse(struct kith_slice raw, struct kith_arena *a, struct kith_cut *out);
KITH_MUST_USE int kith_cut_part_parse(struct kith_slice raw, struct kith_arena *a, struct kith_cut *out);     /* only feed, n_feeds */
/* Append to out what parses again; out is as it was on failure. MALFORMED (not sorted ...), LIMIT, NOMEM. */
KITH_MUST_USE int kith_cut_make(const struct kith_cut *c, struct kith_buf *out, struct kith_id *id);
KITH_MUST_USE int kith_cut_part_make(const struct kith_cut_feed *feed, uint32_t n, const uint8_t salt[16], struct kith_buf *out, struct kith_id *id);
/* Of a cut or a part (as a cut with feeds only). NULL: the feed is not named, nothing of it is within. */
const struct kith_cut_feed *kith_cut_find(const struct kith_cut *c, const struct kith_id *scope, const struct kith_id *node, uint64_t incarnation);

#endif
