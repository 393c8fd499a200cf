#ifndef KITH_ENGINE_INNER_H
#define KITH_ENGINE_INNER_H

#include "base/map.h"
#include "engine/engine.h"

/* What the files of the engine share; nobody else includes this. */

struct opened {                 /* a group in memory */
	struct kith_group *g;
	struct kith_id id;
	bool touched;           /* in this batch */
	bool listed;            /* in e->held */
	uint64_t used_ms, tick_ms;
};

struct channel {                /* what a connection hears */
	struct kith_id channel, group;
};

struct moved {                  /* a group in which something changed for those who listen */
	struct kith_id group;
	bool channels;          /* also what its people here may hear */
};

struct conn {
	uint64_t conn;
	struct kith_session session;
	KITH_VEC(struct channel) channels;
};

/* A call that waits for other nodes. */
struct pending {
	uint64_t conn, number, ask;     /* ask: token of the question, 0: waits for group */
	const struct kith_method *m;
	struct kith_id group;
	bool has_session;
	struct kith_session session;
	uint8_t *params;
	size_t n_params;
	char address[64];
};

/* Somebody here who has been let into a group that is being fetched. Also in the store (META 'L'). */
struct arrival {
	struct kith_id group, uid, from;
	uint64_t retry_ms;
	bool asked;
};

enum presence { PRESENCE_OFFLINE, PRESENCE_ONLINE, PRESENCE_IDLE, PRESENCE_BUSY };

struct want {
	struct kith_id group, panel;
	uint64_t before;
	uint32_t limit;
};

struct kith_engine {
	const struct kith_env *env;
	struct kith_store *store;
	struct kith_engine_conf conf;
	struct kith_self self;
	struct kith_fed *fed;
	struct kith_fed_host fed_host;
	struct kith_client_host client_host;

	struct kith_map *open;                  /* group id -> struct opened */
	KITH_VEC(struct kith_id) held;          /* groups in the store */
	struct kith_map *conns;                 /* conn number -> struct conn */
	KITH_VEC(struct pending) pending;
	KITH_VEC(struct arrival) arrivals;
	struct kith_map *who;                   /* uid -> struct who (presence.c) */
	uint64_t who_ms, who_links;             /* mono: next time to look at them; kith_fed_links() when last looked */
	KITH_VEC(struct kith_id) linked;        /* nodes then */
	struct kith_arena *arena;               /* of the input at hand */

	struct kith_txn *t;                     /* of the batch at hand */
	struct kith_now now;
	struct kith_out *out;
	struct kith_changes changes;            /* of the batch at hand */
	size_t noticed;                         /* how many of them have been acted on */
	KITH_VEC(struct moved) moved;           /* groups whose listeners have something to hear, each once */
	KITH_VEC(struct want) wants;            /* history to ask for at the end of the batch */
	int failed;                             /* first fatal error inside a callback */

	uint64_t next_ask, next_change;
	uint64_t due_wall_ms, arrival_ms;
	uint64_t started_ms, calls, records;
};

/* engine.c */
/* The group if it is in memory or in the store; one that is being fetched is there, and not held yet. */
struct kith_group *engine_group(struct kith_engine *e, const struct kith_id *id, bool create);
void engine_call_init(struct kith_engine *e, struct kith_call *c, struct kith_buf *result);
bool engine_is_fatal(int err);
/* A fatal error where no int can be returned: the batch ends at the next chance. */
void engine_note(struct kith_engine *e, int err);

/* host.c */
void engine_hosts(struct kith_engine *e);
int engine_arrivals_load(struct kith_engine *e);
int engine_arrivals_go(struct kith_engine *e);
void engine_pending_free(struct pending *p);
int engine_wants_go(struct kith_engine *e);
void engine_reply(struct kith_engine *e, uint64_t conn, uint64_t number, int err, struct kith_call *c);

/* notify.c */
int engine_conn_up(struct kith_engine *e, const struct kith_in *in);
void engine_conn_down(struct kith_engine *e, uint64_t conn);
void engine_conn_free(void *conn);
int engine_rechannel(struct kith_engine *e);
int engine_tell_clients(struct kith_engine *e);
int engine_member_changed(struct kith_engine *e, const struct kith_change *ch);
int engine_tell_person(struct kith_engine *e, const struct kith_id *uid, const char *method, struct kith_slice params);
void engine_tell_fleeting(struct kith_engine *e, const struct kith_id *from, struct kith_slice payload);

int engine_push(struct kith_engine *e, const struct kith_id *group, const struct kith_id *panel, const char *method, struct kith_slice params);

/* presence.c */
void engine_presence_came(struct kith_engine *e, const struct kith_id *uid);    /* one connection more, one less */
void engine_presence_went(struct kith_engine *e, const struct kith_id *uid);
int engine_presence_say(struct kith_engine *e, const struct kith_id *uid, struct kith_slice state);     /* MALFORMED: no such state */
/* What their home says of somebody elsewhere who is in a group held here. */
void engine_presence_heard(struct kith_engine *e, const struct kith_id *from, const struct kith_id *uid, struct kith_slice state);
void engine_presence_joined(struct kith_engine *e, struct kith_group *g, const struct kith_member *m);
int engine_presence_links(struct kith_engine *e);       /* at the end of a batch: which nodes are linked may have changed */
void engine_presence_tick(struct kith_engine *e);
/* Appends an array of {state, uid} of those in the group who are not offline. */
int engine_presence_list(struct kith_engine *e, struct kith_group *g, const struct kith_id *viewer, struct kith_buf *out);
void engine_who_free(void *who);

/* control.c */
int engine_control(struct kith_engine *e, const struct kith_in *in);

#endif
