#ifndef KITH_CLIENT_PROFILE_H
#define KITH_CLIENT_PROFILE_H

#include "client/account.h"

/*
 * What people show of themselves: a name to be called by, a picture, a few lines.
 * An account's own profile lies with it; each group that its person is in gets it
 * as a roster record (`profile`), so that every node of the group has it, and
 * friends elsewhere get it by mail.
 *
 * As bytes, in a record's body, in mail and in the store alike: a map of what is
 * there: avatar (bin, a file's id), bio, name, pronouns, status (text).
 */
#define KITH_STATUS_MAX 256             /* bytes each */
#define KITH_PRONOUNS_MAX 64
#define KITH_BIO_MAX 2048

struct kith_profile {                   /* "" and none: not said */
	struct kith_id avatar;
	char name[129], status[KITH_STATUS_MAX + 1], pronouns[KITH_PRONOUNS_MAX + 1], bio[KITH_BIO_MAX + 1];
};
/* Appends the map. */
void kith_profile_write(struct kith_buf *b, const struct kith_profile *p);
/* A checked map, whoever wrote it: what is too long is cut, a name that nobody may bear is left out. */
void kith_profile_read(struct kith_slice map, struct kith_profile *out);

/* Of an account here; empty if it never said anything. */
KITH_MUST_USE int kith_profile_own(struct kith_txn *t, const struct kith_id *uid, struct kith_profile *out);
/* As a group shows it; empty if there is none. */
KITH_MUST_USE int kith_profile_shown(struct kith_txn *t, const struct kith_id *group, const struct kith_id *uid, struct kith_profile *out);

/* A `profile` record came, or is shown or hidden now: which one a group shows follows from that. */
KITH_MUST_USE int kith_profile_noticed(struct kith_call *c, const struct kith_change *ch);
/* Somebody of ours is new in a group: it is told who they are. c may have no session. */
KITH_MUST_USE int kith_profile_introduce(struct kith_call *c, const struct kith_id *group, const struct kith_id *uid);

/* ---- people, as one person here may know them ---- */

struct kith_person {
	struct kith_id uid, node;
	char handle[KITH_HANDLE_MAX + 1];
	bool guest;
	struct kith_profile profile;
};
/*
 * By account, by the group given, by any group that viewer shares with them, by what their friends know, or by a look-up
 * made here. NOTFOUND.
 */
KITH_MUST_USE int kith_person_get(struct kith_txn *t, const struct kith_id *viewer, const struct kith_id *group, const struct kith_id *uid,
    struct kith_person *out);
KITH_MUST_USE int kith_known_person(struct kith_txn *t, const struct kith_id *uid, struct kith_person *out);   /* by a look-up alone */
/* Appends the pairs avatar, bio, guest, handle, nick, node, node_name, pronouns, status, uid: KITH_PERSON_PAIRS of them. */
#define KITH_PERSON_PAIRS 10
void kith_put_person(struct kith_txn *t, struct kith_buf *b, const struct kith_person *p);

#endif
