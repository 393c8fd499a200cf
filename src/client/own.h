#ifndef KITH_CLIENT_OWN_H
#define KITH_CLIENT_OWN_H

#include "client/render.h"

/*
 * What is each person's own, known to their home alone and the same on all their devices: how far they have read, and
 * their preferences.
 */

/* What somebody has not read of a panel; up to KITH_UNREAD_MAX, of what they may see and did not say themselves. */
#define KITH_UNREAD_MAX 100
struct kith_unread {
	char read[KITH_ORDER_STR];      /* up to where it is read: an order, "" for nothing yet */
	uint32_t count, mentions;       /* mentions: name them (@name, @all), or answer them */
};
/* Whoever never read a panel has read what was there when they came. */
KITH_MUST_USE int kith_unread(struct kith_call *c, const struct kith_id *group, const struct kith_id *panel, struct kith_unread *out);

/* A preference, as text; borrows from t. NOTFOUND. */
KITH_MUST_USE int kith_pref_get(struct kith_txn *t, const struct kith_id *uid, const char *name, struct kith_slice *out);

/* Does a text call somebody of that name (without its number), or everybody? */
bool kith_text_mentions(const char *text, struct kith_slice name);

#endif
