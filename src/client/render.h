#ifndef KITH_CLIENT_RENDER_H
#define KITH_CLIENT_RENDER_H

#include "client/client.h"

/*
 * How things look to clients, from the store alone: pure reading, so reactors
 * and the engine share it. Each appends one msgpack map to out.
 */

/*
 * A message as API.md has it: with its last visible edit, reactions, pin, state.
 * viewer: whose reactions are `mine` and whether hidden ones are shown (none:
 * nobody's). NOTFOUND: it is not held, no message, or not shown to the viewer.
 */
KITH_MUST_USE int kith_render_message(struct kith_txn *t, const struct kith_id *id, const struct kith_id *viewer, bool moderator,
    struct kith_buf *out);

/* NUL-terminated; cut to fit, not within a character. */
void kith_copy_text(struct kith_slice s, char *out, size_t cap);
/*
 * Takes out of a text of one or a few lines what a stranger may have put there to
 * confuse: control characters but line breaks and tabs, and those that turn the
 * direction of writing (UAX 9: embeddings, overrides, isolates, marks). In place; s is UTF-8.
 */
void kith_tame(char *s);

/* The handle of somebody in a group (or of an account here): name#1234, "" if unknown. NUL-terminated, cut to fit. */
void kith_render_handle(struct kith_txn *t, const struct kith_id *group, const struct kith_id *uid, char *out, size_t cap);
/* What to call them there: the name that they show, else the one of their handle. */
void kith_render_nick(struct kith_txn *t, const struct kith_id *group, const struct kith_id *uid, char *out, size_t cap);
/* The text that a message was sent with: "" if it is not here. NUL-terminated, cut to fit. */
void kith_render_text(struct kith_txn *t, const struct kith_id *id, char *out, size_t cap);
/* The label of a node, else the first 8 characters of its id. */
void kith_render_node(struct kith_txn *t, const struct kith_id *node, char *out, size_t cap);
/* The text of a register (object none: the group's own), from the act that holds: "" if unset. */
void kith_render_register(struct kith_txn *t, const struct kith_id *group, const struct kith_id *object, const char *key, char *out, size_t cap);
/* The name in the body of the act that created a role or panel, or the newer one set since. */
void kith_render_name(struct kith_txn *t, const struct kith_id *group, const struct kith_id *object, char *out, size_t cap);

/* A place on the screen as text that clients give back; texts of one panel sort as the screen does, on every node alike. */
#define KITH_ORDER_STR 34
void kith_order_text(uint64_t clock, uint64_t id_head, char out[KITH_ORDER_STR]);
KITH_MUST_USE int kith_order_parse(struct kith_slice text, uint64_t *clock, uint64_t *id_head);

/* KITH_T_USER: uid, 'g', group -> empty: the groups that somebody here is in; kept by the engine. */
bool kith_user_group_next(struct kith_txn *t, const struct kith_id *uid, struct kith_id *after);

/* The other conversation of two that was made at the same time and is shown in this one. NOTFOUND. */
KITH_MUST_USE int kith_user_twin(struct kith_txn *t, const struct kith_id *uid, const struct kith_id *group, struct kith_id *twin);

bool kith_user_is_twin(struct kith_txn *t, const struct kith_id *uid, const struct kith_id *group);      /* shown in another */

/* KITH_T_CHANGE: number u64 -> [group, panel or empty, id or empty, what u8]: what changed on screen; written by the engine. */
enum { KITH_SEEN_NEW = 1, KITH_SEEN_CHANGED, KITH_SEEN_GROUP };

#endif
