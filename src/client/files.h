#ifndef KITH_CLIENT_FILES_H
#define KITH_CLIENT_FILES_H

#include "client/client.h"

/*
 * Files that lie beside the store under the hash of their bytes (KITH_T_BLOB;
 * FORMAT.md): which are held, who refers to them, and what they weigh on whose
 * quota. A file to which nobody has referred for a day goes.
 */
enum kith_file_type { KITH_FILE_OTHER, KITH_FILE_PNG, KITH_FILE_JPEG, KITH_FILE_GIF, KITH_FILE_WEBP };
/* What its first bytes (64 do) say. */
enum kith_file_type kith_file_type(struct kith_slice head);
const char *kith_file_type_name(enum kith_file_type t);         /* "image/png"; application/octet-stream */

struct kith_file {
	uint64_t size, made_ms;
	uint32_t width, height;         /* pixels of an image; else 0 */
	enum kith_file_type type;
	uint64_t orphan_ms;             /* wall clock: nobody has referred to it since; 0: somebody does */
};
KITH_MUST_USE int kith_file_get(struct kith_txn *t, const struct kith_id *id, struct kith_file *out);    /* NOTFOUND: not held */

enum kith_file_use {
	KITH_FILE_UPLOAD = 'u',         /* a: account here that brought it; holds nothing, counts on its quota */
	KITH_FILE_ACCOUNT = 'a',        /* a: account here; slot: its own choice */
	KITH_FILE_FRIEND = 'f',         /* a: account here, b: somebody that they know: what these show */
	KITH_FILE_PROFILE = 'p',        /* a: group, b: uid: what that person shows in it */
	KITH_FILE_GROUP = 'g',          /* a: group; slot: avatar, banner */
};
enum { KITH_SLOT_AVATAR, KITH_SLOT_BANNER };
/*
 * From now on this use names this file (none: no file), held here or not, and no
 * longer the one that it named before. b may be NULL.
 */
KITH_MUST_USE int kith_file_refer(struct kith_txn *t, uint64_t wall_ms, enum kith_file_use use, const struct kith_id *a,
    const struct kith_id *b, uint8_t slot, const struct kith_id *id);

/* It lies in its place and is synced. A file that is held already stays as it is. */
KITH_MUST_USE int kith_file_hold(struct kith_txn *t, uint64_t wall_ms, const struct kith_id *id, const struct kith_file *f);
uint64_t kith_file_used(struct kith_txn *t, const struct kith_id *uid);          /* bytes on an account's quota */

/* May this account have it? Its own, or of a group that it is in. group none: any; else that one is looked at first. */
bool kith_file_may_see(struct kith_txn *t, const struct kith_id *uid, const struct kith_id *group, const struct kith_id *id);
/* Is it a file of this group: its avatar or banner, or what somebody shows in it? */
bool kith_file_of_group(struct kith_txn *t, const struct kith_id *group, const struct kith_id *id);

/* Who refers to a file, one after another: start with all zeros. So many are looked at for one question. */
#define KITH_FILE_LOOK_MAX 4096
struct kith_file_user {
	enum kith_file_use use;
	struct kith_id a, b;
	uint8_t slot;
};
bool kith_file_user_next(struct kith_txn *t, const struct kith_id *id, struct kith_file_user *u);

/*
 * The id of a picture that the caller has brought or may see; empty text: none.
 * NOTFOUND, MALFORMED: it has been said, under the name of the parameter.
 */
KITH_MUST_USE int kith_file_take_picture(struct kith_call *c, const char *name, struct kith_slice text, struct kith_id *out);

/* A group's settings have changed: what its avatar and banner name now. */
KITH_MUST_USE int kith_file_look_group(struct kith_txn *t, uint64_t wall_ms, const struct kith_id *group);
/* Nobody has referred to it for a day? Then it is forgotten, and the daemon told. */
KITH_MUST_USE int kith_file_due(struct kith_call *c, const struct kith_id *id);

/*
 * What the edge asks of the engine; not in the table of methods. put: a file that
 * was brought lies in its place. fetch: `from` on of one that is not here, from
 * the turn'th node that may have it: nothing (it is here after all), or [size,
 * width, height, bytes]; MISSING: that node has it not, NOTFOUND: there is no
 * such turn. hold: a fetched one lies in its place.
 */
extern const struct kith_method kith_file_method_put, kith_file_method_fetch, kith_file_method_hold;

/* What put and hold say of a file. */
struct kith_file kith_file_args(const struct kith_args *args);

/* KITH_ASK_FILE, as it is asked (NOTFOUND: not that node's business either) and as it was answered. */
KITH_MUST_USE int kith_fetch_tell(struct kith_call *c, const struct kith_id *from, struct kith_slice payload);
KITH_MUST_USE int kith_fetch_answered(struct kith_call *c, int err, struct kith_slice answer);

#endif
