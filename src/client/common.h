#ifndef KITH_CLIENT_COMMON_H
#define KITH_CLIENT_COMMON_H

#include "client/account.h"
#include "client/methods.h"

/* What the functions behind the table share. */

/* A result that is one id: {"id": ...}. */
int kith_result_id(struct kith_call *c, const struct kith_id *id);
void kith_put_id_str(struct kith_buf *b, const struct kith_id *id);             /* as a string; nil for none */
void kith_put_key_id(struct kith_buf *b, const char *key, const struct kith_id *id);
/* A body of one text: {key: text}. */
void kith_put_text(struct kith_buf *b, const char *key, struct kith_slice text);

/* The group that a parameter names, as a member of it sees it. Outsiders are told that there is none. */
KITH_MUST_USE int kith_call_group(struct kith_call *c, struct kith_group **g);
/* Whoever the call speaks for: account and signer (caller frees the signer). */
KITH_MUST_USE int kith_call_author(struct kith_call *c, const struct kith_id *uid, struct kith_account *a, struct kith_signer **s);
/* Writes d for the caller's account (author, doc, account are filled in) and puts errors into words. id may be NULL. */
KITH_MUST_USE int kith_call_write(struct kith_call *c, struct kith_group *g, const struct kith_id *uid, struct kith_draft *d, struct kith_id *id);
/*
 * An act of authority through the role that `via` names, else through the
 * highest that suffices.
 */
KITH_MUST_USE int kith_call_act(struct kith_call *c, struct kith_group *g, const struct kith_id *uid, struct kith_draft *d, struct kith_id *id);

/* Types of kith_due_add() that are not a group's own. */
enum { KITH_DUE_UNBAN = 1, KITH_DUE_UNMUTE, KITH_DUE_FILE = 8 };

/* The client's own id for a request: was it done before (its result is then in c->result)? Remember that it is done. */
KITH_MUST_USE int kith_txn_replay(struct kith_call *c, bool *done);
KITH_MUST_USE int kith_txn_remember(struct kith_call *c);

/* This node's own record, newest, as an object; its id. */
KITH_MUST_USE int kith_self_record(struct kith_call *c, struct kith_id *id, struct kith_slice *raw);
/* Makes sure that this node is in the group (node.join) and that uid's documents are there. */
KITH_MUST_USE int kith_group_arrive(struct kith_call *c, struct kith_group *g, const struct kith_id *uid);

uint64_t kith_join_policy(struct kith_group *g);         /* 0 open, 1 invite, 2 request */
/* A new group with its first settings and this node in it; owned by the engine. */
KITH_MUST_USE int kith_group_found(struct kith_call *c, const struct kith_id *founders, uint32_t n_founders, uint64_t kind, uint64_t joins,
    struct kith_slice name, struct kith_group **out);
KITH_MUST_USE int kith_group_first_panel(struct kith_call *c, struct kith_group *g, struct kith_id *id);
/* Writes `admit` for uid in the name of `by`, and the join of uid, who lives here. */
KITH_MUST_USE int kith_group_admit_here(struct kith_call *c, struct kith_group *g, const struct kith_id *by, const struct kith_id *uid);
/* The name that a group shows, "" if none: NUL-terminated, cut to fit. */
void kith_group_name(struct kith_txn *t, const struct kith_id *group, char *out, size_t cap);

/* Every permission that a role may be given, sorted; NULL ends it. */
extern const char *const kith_perms[];

/* "panels": those that the caller may see, in their order; brief as group.list has them, with what is unread. */
KITH_MUST_USE int kith_put_panels(struct kith_call *c, const struct kith_id *group, bool brief);
/* Settings of panels are text that anybody's node wrote: what they are good for, and when they are. */
#define KITH_SLOW_MAX_S 21600
#define KITH_PANEL_ORDER_MAX 64
uint64_t kith_panel_slow_s(struct kith_txn *t, const struct kith_id *group, const struct kith_id *panel);       /* 0: not slow */
bool kith_panel_notify_ok(struct kith_slice v);
bool kith_panel_url_ok(struct kith_slice v);    /* http or https, absolute */

/*
 * What is asked of whoever asks to be let in: the group's setting `questions`, one a line. As a list of strings; what
 * others' nodes wrote there is cut to what it may be.
 */
#define KITH_QUESTIONS_MAX 5
#define KITH_QUESTION_MAX 200           /* bytes */
#define KITH_ANSWER_MAX 1000
void kith_put_questions(struct kith_buf *b, struct kith_slice text);
bool kith_questions_ok(struct kith_slice text);

/* Reads: the group that a parameter names, for a member of it. */
KITH_MUST_USE int kith_read_group(struct kith_call *c, struct kith_id *group);

/* Where somebody lives, as far as this node knows: by account, shared groups, or a look-up. NOTFOUND. */
KITH_MUST_USE int kith_home_of(struct kith_call *c, const struct kith_id *uid, struct kith_id *home);
KITH_MUST_USE int kith_user_answered(struct kith_call *c, int err, struct kith_slice answer);
/* The invite link that the parameter `link` is. */
KITH_MUST_USE int kith_call_link(struct kith_call *c, struct kith_link *l);
/* preview.c: another node asks where an invite leads; it has answered what we asked. */
KITH_MUST_USE int kith_preview_tell(struct kith_call *c, struct kith_slice payload);
KITH_MUST_USE int kith_preview_answered(struct kith_call *c, int err, struct kith_slice answer);
/*
 * join.c and knock.c: uid, who lives here, comes in (op says how); the answer of group.join; asking to be let in; telling
 * the home of uid, which may be this one, that they have been.
 */
KITH_MUST_USE int kith_join_write(struct kith_call *c, struct kith_group *g, const struct kith_id *uid, struct kith_op *op);
KITH_MUST_USE int kith_joined(struct kith_call *c, const struct kith_id *group, const char *state);
KITH_MUST_USE int kith_knock(struct kith_call *c, const struct kith_link *l);
KITH_MUST_USE int kith_tell_let_in(struct kith_call *c, const struct kith_id *group, const struct kith_id *uid, const struct kith_id *home);
/* uid, who lives here, has come into a group: if it is a conversation of two, remember with whom. */
KITH_MUST_USE int kith_dm_met(struct kith_call *c, struct kith_group *g, const struct kith_id *uid);

/* An invite made here, as KITH_T_INVITE keeps it. */
struct kith_invite_kept {
	struct kith_id id, maker, role;
	uint8_t secret[16];
	uint64_t made_ms, expires_ms, uses, used;
};
KITH_MUST_USE int kith_invite_kept_get(struct kith_txn *t, const struct kith_id *group, const struct kith_id *invite, struct kith_invite_kept *out);
KITH_MUST_USE int kith_invite_kept_put(struct kith_txn *t, const struct kith_id *group, const struct kith_invite_kept *i);

#endif
