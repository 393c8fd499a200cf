#ifndef KITH_CLIENT_FRIENDS_H
#define KITH_CLIENT_FRIENDS_H

#include "client/profile.h"

/*
 * What somebody here has with other people: friendship, and what is nobody
 * else's business: another name for them, a note, a favourite, a block. Kept at
 * each one's home; the two homes tell each other by mail (PROTOCOL.md).
 */
enum kith_friend_state { KITH_FRIEND_NONE, KITH_FRIEND_FRIEND, KITH_FRIEND_INCOMING, KITH_FRIEND_OUTGOING };
#define KITH_REMARK_MAX 128             /* bytes */
#define KITH_NOTE_MAX 2048
#define KITH_FRIENDS_MAX 5000           /* rows of one person */
#define KITH_INCOMING_MAX 200           /* requests that wait for one person */

struct kith_friend {
	enum kith_friend_state state;
	bool blocked, favourite;
	uint64_t since_ms;              /* of the state */
	uint64_t said_ms;               /* the newest that the other home has said: older mail says nothing any more */
	uint64_t told_ms;               /* the newest that our home has said */
	struct kith_id node;            /* where they live, as they said; none: they never said */
	char handle[KITH_HANDLE_MAX + 1], remark[KITH_REMARK_MAX + 1], note[KITH_NOTE_MAX + 1];
	struct kith_profile profile;    /* as they said */
};
/* Of uid with other; all empty if there is nothing. */
KITH_MUST_USE int kith_friend_get(struct kith_txn *t, const struct kith_id *uid, const struct kith_id *other, struct kith_friend *out);
/* Appends the pairs blocked, favourite, friend (state), note, remark, since: KITH_FRIEND_PAIRS of them. */
#define KITH_FRIEND_PAIRS 6
void kith_put_friend(struct kith_buf *b, const struct kith_friend *f);
bool kith_blocked(struct kith_txn *t, const struct kith_id *uid, const struct kith_id *other);

/* One more thing that a stranger asks of uid: 5 at once, then one every five minutes. BUSY: not now. */
KITH_MUST_USE int kith_stranger_may(struct kith_call *c, const struct kith_id *uid);

/* Has uid a friend whose home is that node? */
bool kith_friend_lives_at(struct kith_txn *t, const struct kith_id *uid, const struct kith_id *node);

/* Who somebody is by what they told their friend uid: NOTFOUND. */
KITH_MUST_USE int kith_friend_person(struct kith_txn *t, const struct kith_id *uid, const struct kith_id *other, struct kith_person *out);

/* uid's profile is another: friends elsewhere are told. */
KITH_MUST_USE int kith_friends_told(struct kith_call *c, const struct kith_id *uid);
/* KITH_MAIL_FRIEND. As kith_client_mail. */
KITH_MUST_USE int kith_friend_mail(struct kith_call *c, const struct kith_id *from, struct kith_slice payload);

#endif
