#ifndef KITH_CLIENT_CLIENT_H
#define KITH_CLIENT_CLIENT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/env.h"
#include "base/error.h"
#include "base/slice.h"
#include "client/scope.h"
#include "group/group.h"
#include "id/invite.h"
#include "storage/store.h"

/*
 * What clients may ask. One table (method.c) declares each method once: its
 * parameters, its result, who may call it, at what rate, and the function that
 * does it; validation, dispatch, the OpenAPI document and its page come from it.
 * Parameters and results are msgpack values; JSON is turned into them and back at
 * the edge (json.h). Ids are lower-case base32 strings of 52 characters, times
 * are milliseconds, in both encodings.
 *
 * Reads run on the reactors in a snapshot, writes in the engine.
 */

enum kith_ptype {
	KITH_P_STR,             /* UTF-8 of min..max bytes */
	KITH_P_INT,             /* min..max */
	KITH_P_BOOL,
	KITH_P_ID,              /* 52 characters */
	KITH_P_STRS,            /* array of min..max strings, each of at most 255 bytes */
	KITH_P_ANY,             /* any value of at most max bytes as msgpack */
};
struct kith_param {
	const char *name;       /* in the table sorted by name; NULL ends it */
	enum kith_ptype type;
	bool required;
	int64_t min, max;
	const char *doc;
};
struct kith_field {             /* of a result, for the documents */
	const char *name, *type, *doc;
};
enum kith_auth { KITH_AUTH_NONE, KITH_AUTH_ANY /* any session, guests too */, KITH_AUTH_USER /* no guests */ };
enum kith_rate {
	KITH_RATE_NONE, KITH_RATE_SEND, KITH_RATE_LOGIN, KITH_RATE_REGISTER, KITH_RATE_JOIN, KITH_RATE_GROUP, KITH_RATE_INVITE,
	KITH_RATE_AUTHORITY, KITH_RATE_READ, KITH_RATE_PAGE, KITH_RATE_COUNT_
};
struct kith_call;
struct kith_method {
	const char *name;       /* "message.send" */
	const char *doc;        /* one sentence */
	const struct kith_param *params;
	const struct kith_field *result;
	int (*run)(struct kith_call *c);        /* NULL: the edge does it itself (session.ticket, page.check) */
	enum kith_auth auth;
	enum kith_scope scope;  /* that a session needs for it */
	enum kith_rate rate;
	bool write;
	bool password;          /* the edge computes argon2id over `password` (and `old`) first: see kith_password */
};
/* All methods in order of name. */
extern const struct kith_method kith_methods[];
extern const size_t kith_n_methods;
const struct kith_method *kith_method_find(struct kith_slice name);

/* Validated parameters: by name; asking for one that the table does not declare is our own mistake. */
#define KITH_PARAMS_MAX 16
struct kith_arg { bool present; struct kith_slice raw, str; int64_t num; bool flag; struct kith_id id; };
struct kith_args { const struct kith_method *m; struct kith_arg v[KITH_PARAMS_MAX]; };
/* params: one checked msgpack map. MALFORMED: *why says which parameter and what is expected of it. */
KITH_MUST_USE int kith_args_parse(const struct kith_method *m, struct kith_slice params, struct kith_args *out, char *why, size_t why_len);
const struct kith_arg *kith_arg(const struct kith_args *a, const char *name);
bool kith_arg_has(const struct kith_args *a, const char *name);
struct kith_slice kith_arg_str(const struct kith_args *a, const char *name);     /* n 0 when absent */
struct kith_id kith_arg_id(const struct kith_args *a, const char *name);         /* none when absent */
int64_t kith_arg_num(const struct kith_args *a, const char *name, int64_t absent);
bool kith_arg_flag(const struct kith_args *a, const char *name, bool absent);

/* A session as a token opens it. */
struct kith_session {
	struct kith_id id;              /* hash of the token: names the session in lists */
	struct kith_id uid;
	bool guest;
	uint32_t scopes;                /* KITH_SCOPES_WHOLE, or what a token is good for */
	uint64_t made_ms, seen_ms, expires_ms;
	char client[64];
};
#define KITH_TOKEN_BYTES 32
/* In a read snapshot. NOTFOUND: unknown, revoked, expired or its account is disabled. */
KITH_MUST_USE int kith_session_open(struct kith_txn *t, struct kith_slice token_text, uint64_t wall_ms, struct kith_session *out);

static inline bool
kith_session_may(const struct kith_session *s, enum kith_scope scope)
{
	return (s->scopes & (uint32_t)scope) == (uint32_t)scope;
}
bool kith_session_is_open(struct kith_txn *t, const struct kith_id *id);        /* not ended meanwhile */

/* argon2id at the edge: what it needs and what it gives. */
/* Used now: its idle time begins anew. Written at most once in so long. */
#define KITH_SESSION_SEEN_MS (UINT64_C(3600) * 1000)
KITH_MUST_USE int kith_session_seen(struct kith_txn *t, const struct kith_id *id, uint64_t wall_ms);
#define KITH_PW_SALT 16
#define KITH_PW_HASH 32
struct kith_password {
	bool given;
	uint8_t salt[KITH_PW_SALT];     /* of the account, or new, or (unknown account) made up so that it costs the same */
	uint32_t t, m_kib;
	uint8_t hash[KITH_PW_HASH];     /* filled by the edge */
	uint8_t old_hash[KITH_PW_HASH]; /* account.passwd: of `old` under the account's present salt */
	uint8_t old_salt[KITH_PW_SALT];
	uint32_t old_t, old_m_kib;
};
#define KITH_PW_T 3u
#define KITH_PW_M_KIB 65536u
/*
 * In a read snapshot, before hashing: salts for this method's call. For new passwords *pw.salt is taken from fresh.
 * LIMIT: the password is too short, too long or too common (*why).
 */
KITH_MUST_USE int kith_password_prepare(struct kith_txn *t, const struct kith_method *m, const struct kith_args *a,
    const struct kith_session *s, const uint8_t fresh[KITH_PW_SALT], struct kith_password *pw, const char **why);

/* What the engine does for write methods. */
struct kith_client_host {
	void *ctx;
	struct kith_group *(*group)(void *ctx, struct kith_txn *t, const struct kith_id *id);   /* NULL: not held here */
	int (*adopt)(void *ctx, struct kith_group *g);                                          /* a new group, owned from here on */
	struct kith_changes *(*changes)(void *ctx);
	void (*session_over)(void *ctx, const struct kith_id *session);         /* close its live connections */
	/*
	 * Other nodes; see federation.h. A call that returns KITH_PENDING after one of these two goes on in
	 * kith_call_fetched or kith_call_answered, with its parameters and session as they were.
	 */
	int (*fetch_group)(void *ctx, struct kith_call *c, const struct kith_id *group, const struct kith_link *link, const struct kith_id *via);
	int (*ask)(void *ctx, struct kith_call *c, const struct kith_id *node, uint32_t kind, struct kith_slice payload);
	int (*meet)(void *ctx, struct kith_call *c, const char *address);
	/* fetch the group from `from` and then kith_let_in; also after a restart */
	int (*let_in)(void *ctx, struct kith_call *c, const struct kith_id *group, const struct kith_id *uid, const struct kith_id *from);
	bool (*group_next)(void *ctx, size_t *it, struct kith_id *id);
	int (*mail)(void *ctx, struct kith_call *c, const struct kith_id *node, uint32_t kind, struct kith_slice payload);
	int (*ephemeral)(void *ctx, struct kith_call *c, const struct kith_id *group, const struct kith_id *panel, struct kith_slice payload);
	int (*presence)(void *ctx, const struct kith_id *uid, struct kith_slice state);         /* MALFORMED: no such state */
	int (*present)(void *ctx, struct kith_group *g, const struct kith_id *viewer, struct kith_buf *out);    /* appends an array */
	/* once this batch has told the others what it wrote */
	int (*want_history)(void *ctx, struct kith_call *c, const struct kith_id *group, const struct kith_id *panel, uint64_t before_clock, uint32_t limit);
	/* nodes that are linked now, by label (or the start of their id): NOTFOUND */
	int (*node_named)(void *ctx, struct kith_txn *t, struct kith_slice name, struct kith_id *out);
	int (*tell)(void *ctx, const struct kith_id *uid, const char *method, struct kith_slice params);        /* the connections of one person */
	/* is a node linked now, and how far is it? */
	bool (*linked)(void *ctx, const struct kith_id *node, uint64_t *rtt_ms);
	bool (*new_person)(void *ctx, const struct kith_id *node);      /* it brings somebody unknown: counted; false: enough for today */
	void (*held_by)(void *ctx, struct kith_txn *t, const struct kith_id *group, const struct kith_id *record, uint32_t *n, uint32_t *m);
	/* at most *n bytes of a file that lies beside the store, from a place on; NULL where there are none */
	int (*read_file)(void *ctx, const struct kith_id *file, uint64_t from, uint8_t *p, size_t *n);
	void (*send_mail)(void *ctx, const char *to, const char *subject, const char *text);   /* once; should it fail, the operator hears */
	void (*erase_file)(void *ctx, const struct kith_id *file);      /* the store speaks of it no more */
};

struct kith_node_conf {
	char name[64];
	char version[32];
	enum { KITH_REG_OPEN, KITH_REG_INVITE, KITH_REG_CLOSED } registration;
	char url[256];                  /* base of links: "http://127.0.0.1:7370" */
	const char *const *address;     /* where peers reach us, for invite links */
	size_t n_addresses;
	uint8_t seal_key[32];           /* account keys at rest */
	uint64_t quota;                 /* bytes of files that an account may bring; 0: no limit */
	bool pictures;                  /* there is who makes them anew */
	bool mail;                      /* there is who sends it */
};

struct kith_call {
	const struct kith_method *m;
	const struct kith_env *env;
	const struct kith_self *self;           /* NULL in reads */
	const struct kith_node_conf *conf;
	const struct kith_client_host *host;    /* NULL in reads */
	struct kith_txn *t;
	struct kith_now now;
	const struct kith_session *session;     /* NULL: not signed in */
	const struct kith_password *pw;
	char address[64];                       /* of the client, for limits and session lists */
	struct kith_args *args;
	struct kith_arena *arena;
	struct kith_buf *result;                /* one msgpack value */
	uint64_t conn, token;                   /* writes: whose request, for replies that come later */
	struct kith_slice params;               /* as they came */
	const char *err_name;                   /* set with an error: "denied", "not_found" ... */
	char why[256];                          /* a sentence for people */
};
#define KITH_PENDING 1          /* the answer comes later, under call.token */

/* Fail a call: sets why and returns err. name: one of API.md's error names. */
int kith_fail(struct kith_call *c, int err, const char *name, const char *fmt, ...) KITH_PRINTF(4, 5);

/* Calls that waited for other nodes go on; same results as run. */
KITH_MUST_USE int kith_call_fetched(struct kith_call *c, const struct kith_id *group, int err);
KITH_MUST_USE int kith_call_answered(struct kith_call *c, int err, struct kith_slice answer);
/* Somebody here was let into a group that has been fetched by now: joins them. c has no session. */
KITH_MUST_USE int kith_let_in(struct kith_call *c, const struct kith_id *group, const struct kith_id *uid);

/* What comes from other nodes for people here. As kith_fed_host's. c has no session. */
int kith_client_mail(struct kith_call *c, const struct kith_id *from, uint32_t kind, struct kith_slice payload);
/* A change that this node may have to act on: a join by an invite made here that promises a role. c has no session. */
int kith_client_noticed(struct kith_call *c, const struct kith_change *change);
/* What was to be done at this time (KITH_T_DUE): type and msgpack payload. */
int kith_client_due(struct kith_call *c, uint32_t type, struct kith_slice payload);
int kith_client_question(struct kith_call *c, const struct kith_id *from, uint32_t kind, struct kith_slice payload);     /* answer in c->result */

/* The JSON-RPC error code and HTTP status of an error code. */
int kith_rpc_code(int err);
int kith_http_status(int err, const char *err_name);

#endif
