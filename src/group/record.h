#ifndef KITH_GROUP_RECORD_H
#define KITH_GROUP_RECORD_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/env.h"
#include "base/error.h"
#include "base/slice.h"
#include "crypto/sign.h"

/*
 * A record: one entry of a feed. The header is a canonical msgpack array of 20,
 * hashed and signed as the bytes it came in:
 *   version 1 · group (empty in `create`) · node · incarnation (bin 8) · scope · seq · prev or empty · kind ·
 *   author uid or empty (node.join, node.rekey) · document or empty · counter · clock · [parents] · [frontier] ·
 *   via or empty · op (map, empty when there is none) · body length · body hash or empty · author signature or empty ·
 *   0 (reserved)
 * "Empty" is a bin of 0 bytes. A create has scope authority, seq 0, no prev, parents or via; the author is empty in
 * node.join and node.rekey alone, and then the document is; counter is 0 but in authority, whose frontier is empty.
 * That a kind fits its scope, and all that RULES decide, is not looked at here. Scopes are 32-byte ids: authority is all zero, roster is 31 zeros and a 1; a panel's is the id of its panel.create.
 * Clock: milliseconds << 16 | counter. Ids in lists are sorted and unique.
 */
#define KITH_RECORD_VERSION 1
#define KITH_HEADER_MAX_TIMELINE 2048
#define KITH_HEADER_MAX 16384           /* authority and roster */
#define KITH_BODY_MAX 65536
#define KITH_PARENTS_MAX 16
#define KITH_TIMELINE_PARENTS_MAX 4
#define KITH_SIGN_EVERY 256             /* records with seq % 256 == 255 are signed and keep their signature */
#define KITH_LIST_MAX 50                /* people in an act */
#define KITH_PERMS_MAX 128
#define KITH_EARLIER_MAX 128
#define KITH_WORD_MAX 255               /* bytes of a name, key, permission, tag */
#define KITH_TEXT_MAX 32768             /* bytes of a shown text */
#define KITH_SEQ_MAX ((UINT64_C(1) << 53) - 1)

enum kith_kind {
	KITH_K_CREATE = 1, KITH_K_SET, KITH_K_ROLE_CREATE, KITH_K_ROLE_SET, KITH_K_ROLE_DELETE, KITH_K_ROLE_ALLOW,
	KITH_K_ROLE_DENY, KITH_K_ROLE_GRANT, KITH_K_ROLE_REVOKE, KITH_K_BAN, KITH_K_UNBAN, KITH_K_KICK, KITH_K_MUTE,
	KITH_K_UNMUTE, KITH_K_PANEL_CREATE, KITH_K_PANEL_SET, KITH_K_PANEL_DELETE, KITH_K_INVITE_REVOKE, KITH_K_ADMIT,
	KITH_K_NODE_BAN, KITH_K_NODE_UNBAN, KITH_K_PLUGIN_SET, KITH_K_OWNER_ADD, KITH_K_OWNER_RESIGN,
	KITH_K_OWNER_SUCCEED, KITH_K_REKEY, KITH_K_UPGRADE, KITH_K_SEAL,
	KITH_K_NODE_JOIN = 40, KITH_K_JOIN, KITH_K_MOVE, KITH_K_LEAVE, KITH_K_NODE_REKEY, KITH_K_PROFILE,
	KITH_K_MESSAGE = 64, KITH_K_EDIT, KITH_K_REACT, KITH_K_RECALL, KITH_K_REMOVE, KITH_K_PIN,
};
enum kith_plane { KITH_PLANE_AUTHORITY, KITH_PLANE_ROSTER, KITH_PLANE_TIMELINE };

extern const struct kith_id kith_scope_authority, kith_scope_roster;
enum kith_plane kith_scope_plane(const struct kith_id *scope);
/* "role.grant", "message" ...; NULL for a number that is none of ours. */
const char *kith_kind_name(uint32_t kind);
bool kith_kind_in_plane(uint32_t kind, enum kith_plane p);

struct kith_record {
	struct kith_slice header;               /* the bytes; everything below borrows from them */
	struct kith_id id;
	struct kith_id group;                   /* of a create: its own id */
	struct kith_id node, scope, prev, author, doc, via, body_hash;
	uint64_t incarnation, seq, counter, clock;
	uint32_t kind, body_len;
	uint32_t n_parents, n_frontier;
	struct kith_id parents[KITH_PARENTS_MAX], frontier[KITH_PARENTS_MAX];
	struct kith_slice op;                   /* one msgpack map */
	bool has_author_sig;
	uint8_t author_sig[64];
};

/*
 * Check and decode a header. Allocates nothing; out borrows header. Unknown
 * kinds parse. MALFORMED, LIMIT.
 */
KITH_MUST_USE int kith_record_parse(struct kith_slice header, struct kith_record *out);
/*
 * Does this body belong to the header (length and hash: BADSIG if not), and is it [salt 16, map] with the fields that
 * PROTOCOL.md knows of their types (MALFORMED, LIMIT: its author's doing)? A record without a body has one of n 0.
 */
KITH_MUST_USE int kith_record_body_ok(const struct kith_record *r, struct kith_slice body);
/* In a body that passed: the map inside, as bytes; n 0 if there is no body. */
struct kith_slice kith_body_map(struct kith_slice body);
/* Body bytes from salt and map: msgpack [bin16 salt, map]. MALFORMED, LIMIT as above. */
KITH_MUST_USE int kith_body_make(const uint8_t salt[16], struct kith_slice map, struct kith_buf *out);

/* What an author signs: version, group, node, kind, author, document, counter, parents, via, op, body hash (canonical msgpack array of 11). */
KITH_MUST_USE int kith_record_author_bytes(const struct kith_record *r, struct kith_buf *out);
KITH_MUST_USE int kith_record_author_check(const struct kith_env *env, const struct kith_record *r, const uint8_t account_pk[32]);

/*
 * Encode: every field of d but header and id is taken; signs as the author when
 * account is given, and otherwise takes the signature that d has, if any.
 * Appends the header to out. LIMIT, MALFORMED, NOMEM: out is as it was.
 */
KITH_MUST_USE int kith_record_make(const struct kith_record *d, const struct kith_signer *account, struct kith_buf *out);

/*
 * op: one flat set of fields; which of them a kind has (must, may) is one table
 * in op.c and in PROTOCOL.md. Keys on the wire are the numbers below.
 */
enum kith_op_key {
	KITH_OP_ROLE = 1,       /* id */
	KITH_OP_LEVEL,          /* int, any: RULES judge it */
	KITH_OP_PERMS,          /* [str], sorted, unique */
	KITH_OP_MAY,            /* [str] */
	KITH_OP_USERS,          /* [id], sorted, unique, 1..50 */
	KITH_OP_CUT,            /* id of a cut object (cut.h) */
	KITH_OP_PANEL,          /* id */
	KITH_OP_KEY,            /* str */
	KITH_OP_VALUE,          /* str, uint, bool or [id]; of "succession" [threshold, [uid]]: registers that are not people's words */
	KITH_OP_WHO_USER,       /* id: whom an override is for */
	KITH_OP_WHO_ROLE,       /* id */
	KITH_OP_EFFECT,         /* 0 inherit, 1 allow, 2 deny */
	KITH_OP_OPEN,           /* bool: panel open */
	KITH_OP_INVITE,         /* id of an invite object */
	KITH_OP_NODE,           /* id */
	KITH_OP_TARGET,         /* id of a record (edit, react, recall, remove, pin; reply in a message) */
	KITH_OP_UNTIL,          /* uint ms: end of a timed ban or mute */
	KITH_OP_FOUNDERS,       /* [id] */
	KITH_OP_GROUP_KIND,     /* 0 group, 1 direct conversation */
	KITH_OP_RULES,          /* uint: rules version */
	KITH_OP_HOW,            /* 0 open, 1 invite, 2 admitted */
	KITH_OP_PANEL_KIND,     /* 0 chat, 1 announcement, 2 folder, 3 web ... */
	KITH_OP_PARENT,         /* panel id: the folder */
	KITH_OP_PRIVATE,        /* bool */
	KITH_OP_COUNT,          /* uint: use of an invite */
	KITH_OP_COUNT_SIG,      /* bin 64 */
	KITH_OP_NODE_RECORD,    /* id of a node record object */
	KITH_OP_DOC,            /* id of an identity document (rekey) */
	KITH_OP_SET,            /* id of the act that set the quorum (owner.succeed, owner.resign) */
	KITH_OP_SIGS,           /* [[uid, document, bin 64]] by rising uid: over kith_succeed_bytes, by the document's account key */
	KITH_OP_ON,             /* bool: a reaction or pin given or taken back */
	KITH_OP_SCOPE,          /* id: adopted scope (panel.create) */
	KITH_OP_EARLIER,        /* [[incarnation bin8, scope id, seq, id]]: what the node knows of its earlier feeds */
	KITH_OP_NONCE,          /* bin 16 (create) */
	KITH_OP_IMPLICIT,       /* [[role id, [str]]]: first permissions of the implicit roles (create) */
	KITH_OP_JOINS,          /* 0 open, 1 invite, 2 request: join policy (create, set) */
	KITH_OP_FRONTIER,       /* [id] (seal) */
	KITH_OP_ORDER,          /* str: place in the list */
	KITH_OP_ROLES,          /* [id]: open roles that a person takes (profile) */
	KITH_OP_STATE,          /* id: state hash (seal) */
	KITH_OP_MAX_
};

enum { KITH_PANEL_CHAT, KITH_PANEL_ANNOUNCEMENT, KITH_PANEL_FOLDER, KITH_PANEL_WEB };

struct kith_op {
	uint64_t has;                           /* bit per key */
	struct kith_id role, cut, panel, who_user, who_role, invite, node, target, parent, node_record, doc, set, scope, state;
	int64_t level;
	uint64_t effect, until_ms, group_kind, rules, how, panel_kind, count, joins;
	bool open, private_, on;
	struct kith_slice key, order;
	struct kith_slice value;                /* one msgpack value, raw */
	struct kith_slice nonce, count_sig;
	const struct kith_slice *perms, *may;   /* in the arena given */
	uint32_t n_perms, n_may;
	const struct kith_id *users, *founders, *frontier, *roles;
	uint32_t n_users, n_founders, n_frontier, n_roles;
	struct kith_slice sigs, earlier, implicit;      /* raw msgpack arrays, form checked */
};
#define KITH_OP_BIT(k) (UINT64_C(1) << (k))

/*
 * Decode op against the table for its kind: missing, extra or mistyped fields
 * are MALFORMED (also what goes beyond a limit of its own). An unknown kind
 * yields an op with has == 0. Lists live in a; strings borrow from op.
 */
KITH_MUST_USE int kith_op_parse(uint32_t kind, struct kith_slice op, struct kith_arena *a, struct kith_op *out);
/* Encode the fields in o->has; kith_op_parse tells whether it makes sense. */
KITH_MUST_USE int kith_op_make(const struct kith_op *o, struct kith_buf *out);
/* What each of a quorum signs (KITH_L_AUTHOR) for an owner.succeed: canonical msgpack [version, group, set, users]. */
KITH_MUST_USE int kith_succeed_bytes(const struct kith_id *group, const struct kith_id *set, const struct kith_id *users, uint32_t n,
    struct kith_buf *out);

/* Implicit roles: 31 zero bytes and 1, 2, 3. */
extern const struct kith_id kith_role_member, kith_role_guest, kith_role_follower;
bool kith_role_is_implicit(const struct kith_id *role);

#endif
