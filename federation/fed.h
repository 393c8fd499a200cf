#ifndef KITH_FEDERATION_FED_H
#define KITH_FEDERATION_FED_H

#include "base/map.h"
#include "federation/federation.h"
#include "federation/frames.h"
#include "id/node.h"
#include "wire/mp.h"

/*
 * The inside of federation, shared by fed.c (wiring), hello.c and link.c (one
 * link), peers.c and dial.c (who there is, and how to reach them), member.c
 * (what a peer has to do with a group), feeds.c (how far feeds are held),
 * sync.c (comparing), invites.c, push.c, give.c, pull.c (asking), serve.c (answering), records.c
 * (what comes), fetch.c, mail.c, ask.c. Nobody else includes it.
 *
 * A call from outside sets txn, now and out for its length. Errors inside: those that
 * blame a peer end in kith_fed_blame; all others are ours and end the batch.
 */
#define NEVER UINT64_MAX
#define FED_MIN_MS 60000u
#define FED_DAY_MS (UINT64_C(24) * 60 * FED_MIN_MS)
#define FED_FEW 24                      /* nodes: up to here everybody is dialled and pushed to */
#define FED_PEERS_MAX 10000
#define FED_INTRODUCED_MAX 100          /* new nodes, and new people, from one introducer in a day */
#define FED_TAGS_MAX 16384              /* of one peer */
#define FED_PHANTOMS_MAX 8192           /* feeds of a group that only peers speak of */
#define FED_REQUESTS_MAX 16             /* in flight to one peer */
#define FED_SERVED_MAX 50               /* open requests of one peer */
#define FED_SERVED_AT_ONCE 3
#define FED_RUN_BYTES (512u * 1024)     /* a run is cut into frames of about this */
#define FED_ASSEMBLY_MAX (20u << 20)    /* a run that came in several frames */
#define FED_GRACE_MS 30000u             /* until HELLO */
#define FED_PING_MS 20000u
#define FED_SILENT_MS 60000u
#define FED_BATCH_MS 100u               /* tip announcements are gathered */
#define FED_PENALTY_FROM_MS 15000u
#define FED_PENALTY_MAX_MS (10 * FED_MIN_MS)
#define FED_RECORDS_PER_S 500u          /* unasked, from one peer */
#define FED_RECORDS_BURST 2000u
#define FED_BYTES_PER_S (4u << 20)
#define FED_BYTES_BURST (8u << 20)
#define FED_MAIL_MS (30 * FED_DAY_MS)

/* classes of addresses */
enum fed_reach { REACH_LOOPBACK = 1, REACH_PRIVATE = 2, REACH_PUBLIC = 4 };

struct fed_link;
struct fed_group;
struct fed_member;
struct fed_request;

/* A node that we know of. */
/* Something that there is only so much of a day. */
struct fed_daily {
	uint64_t since_ms;              /* mono; 0: never yet */
	uint32_t n;
};

struct fed_peer {
	struct kith_id node;
	char name[KITH_NODE_NAME_MAX + 1];
	uint64_t n;                     /* of its newest record */
	char addr[KITH_NODE_ADDRS_MAX][128];
	size_t n_addrs, next_addr;
	bool listed;
	bool met;                       /* has been linked once */
	bool configured;
	bool shares;                    /* a group of few nodes: kept linked */
	uint64_t wanted_until;          /* mono: somebody waits for it (mail, a question, a fetch) */
	struct fed_link *link;
	uint64_t redial_ms;             /* not before; its last link ended a moment ago */
	uint64_t dialling;              /* token; 0: none */
	uint64_t seen_ms;               /* wall clock */
	uint64_t penalty_ms, penalty_at;        /* as of penalty_at (mono) */
	struct fed_daily nodes, people; /* that it has introduced */
	uint64_t records_in, records_out, bytes_in, bytes_out, refused;
	uint64_t mail_next_ms;          /* mono; NEVER: nothing waits */
};

/* An address that may be dialled. */
struct fed_addr {
	char text[128];
	bool configured;
	uint32_t asked;                 /* tries left for kith_fed_meet */
	bool self;
	enum fed_reach reach;
	struct kith_id node;            /* whom it led to; none: not known */
	uint64_t next_ms, token;
	uint32_t fails;
};

/* Where bad beginnings come from, before we know who it is. */
struct fed_source {
	uint64_t penalty_ms, at_ms;
};

/* ---- groups ---- */

struct fed_feed {
	uint32_t scope;                 /* index */
	struct kith_id node, tip;
	uint64_t incarnation;
	uint64_t next;                  /* records held without a gap */
	bool forked, fork_stale;
	struct kith_id fork_hash;       /* stands for all branches; out of date when fork_stale */
	/* asking for it */
	uint64_t claimed;               /* the most that any peer has said to hold */
	uint64_t parked;                /* up to here records wait inside the group: not to be asked for again ... */
	uint64_t parked_until_ms;       /* ... before then */
	struct fed_request *req;
	uint64_t retry_ms, last_link;
	uint32_t tries;
	bool queued;                    /* in the group's list of feeds to ask for */
	uint64_t fork_ask_ms, fork_back;        /* another branch: when to ask again, and from how far back it was */
	uint64_t stamp;                 /* of the push that looked at it last */
	bool proof_told;
	uint64_t proof_ms;              /* when somebody was reminded of it */
};

struct fed_scope {
	struct kith_id id, hash;
	enum kith_plane plane;
	bool stale;                     /* hash is out of date */
	struct kith_map *by_node;       /* node, incarnation -> feed index + 1 */
	KITH_VEC(uint32_t) feeds;
};

/* Something a record named that we do not hold. */
struct fed_missing {
	struct kith_id id;
	uint8_t object;
	struct kith_id from;            /* the node that sent what names it, or that has come since */
	bool from_asked, only;          /* only: nobody else is asked */
	uint32_t tries, start;          /* start: whose turn among the others is first */
	uint64_t next_ms;
	struct fed_request *req;
};

struct fed_group {
	struct kith_id id;
	bool tagged;                    /* held: named to peers */
	bool loaded;
	KITH_VEC(struct fed_scope) scope;
	KITH_VEC(struct fed_feed) feed;
	struct kith_map *scopes;        /* id -> index + 1 */
	struct kith_map *members;       /* node -> fed_member */
	struct kith_map *nodes;         /* node -> 1 + members there, bit 31: banned; as of nodes_epoch */
	struct kith_map *missing;       /* id -> fed_missing */
	uint64_t epoch_stamp;           /* of the push that changed it last */
	size_t n_phantoms;              /* feeds that only peers speak of */
	uint64_t epoch, nodes_epoch;    /* changes with anything that rights rest on */
	size_t n_nodes;                 /* not banned */
	KITH_VEC(uint32_t) queue;       /* feeds to ask for */
	uint32_t asking[3];             /* requests in flight that are awaited, by plane */
	uint64_t queue_ms;              /* when it is worth looking at the queue again */
	bool heads_stale, invites_stale, active_stale;
	struct kith_id frontier, state, invites;
	struct kith_id told_frontier;   /* a state that differs has been told for it */
};

#define FED_ON ((void *)1)
#define FED_OFF ((void *)2)

enum fed_level { LEVEL_NONE, LEVEL_AUTHORITY, LEVEL_PLANES /* and roster */, LEVEL_FULL };

struct fed_known {
	uint64_t known;                 /* it has said, or shown, that it holds so many */
	uint64_t sent;                  /* so many have been sent or announced on this link */
	bool queued;                    /* in the list to announce */
};

/* A peer in a group. Stays when the link ends, with what it is known to hold. */
struct fed_member {
	struct fed_group *g;
	struct kith_id node;
	struct fed_link *link;
	bool matched;                   /* it has shown on this link that it knows the group */
	bool invited;                   /* it has shown an invite, or has been let in */
	bool synced;                    /* we know what it holds */
	uint64_t since;                 /* stamp of the first comparing on this link: what came later has not been told yet */
	bool digested;                  /* our digest has been sent on this link */
	bool ours;                      /* it serves us: it sent a digest */
	enum fed_level level;           /* what we serve it */
	KITH_VEC(struct fed_known) known;       /* by feed */
	KITH_VEC(uint8_t) sees;                 /* by scope: 1 no, 2 yes; 0 not worked out */
	uint64_t sees_epoch;
	bool sees_more;                         /* than when it was last told */
	struct kith_map *eager;                 /* origin -> FED_ON or FED_OFF, as it asked */
	struct kith_map *grafted;               /* origins whose records we asked it to send at once */
	bool active;                            /* one of the few that get everything at once in a large group */
	KITH_VEC(uint32_t) announce;            /* feeds */
	uint64_t shown_ms;                      /* when our roster feed was last shown to it */
};

/* ---- asking ---- */

enum fed_ask { ASK_RANGE, ASK_FORK, ASK_IDS, ASK_OBJECTS, ASK_HISTORY };
struct fed_request {
	uint64_t id;
	enum fed_ask what;
	struct fed_link *link;
	struct fed_group *group;
	uint32_t feed;
	uint64_t from, to;
	uint64_t deadline_ms;
	uint64_t got;                   /* records */
	bool answered;                  /* something came */
	bool awaited;                   /* the planes above wait for its end */
	uint32_t tries;
	KITH_VEC(struct kith_id) ids;
	struct kith_id panel;           /* history */
	uint64_t before;
	uint32_t limit;
};

/* What a peer has asked us for and is being given. */
struct fed_served {
	uint64_t id;
	struct fed_group *group;
	struct kith_id scope, node;
	uint64_t incarnation, next, to;
	bool history, found;
};

/* ---- links ---- */

enum fed_link_state { LINK_NEW, LINK_TRUSTED, LINK_OPEN };

struct fed_frame {
	struct fed_frame *next;
	uint8_t type;
	size_t n;
	uint8_t bytes[];
};

struct fed_link {
	uint64_t id;
	struct fed_link *next_dead;
	bool inbound, gone;
	char address[128];
	struct fed_addr *addr;          /* that we dialled */
	uint8_t cert[32], exporter[32];
	struct kith_id key;             /* of this session */
	enum fed_link_state state;
	struct kith_buf chain;          /* records before HELLO: 16-bit length, bytes */
	struct fed_peer *peer;
	int64_t credit[KITH_CL_COUNT_]; /* what we may still send */
	int64_t theirs[KITH_CL_COUNT_]; /* what they may */
	uint64_t owed[KITH_CL_COUNT_];  /* taken in, not yet given back */
	struct fed_frame *head[KITH_CL_COUNT_], **end[KITH_CL_COUNT_];
	size_t queued;                  /* bytes */
	int64_t tokens_records, tokens_bytes;   /* thousandths */
	uint64_t tokens_at, free_at;
	uint32_t free_frames;           /* that need no credit, since free_at */
	struct kith_map *tags;          /* of its groups, as it has sent them */
	struct kith_map *expected;      /* its tag of each group of ours -> fed_group */
	uint64_t sum_ms;                /* when it last asked to compare all */
	KITH_VEC(struct fed_member *) members;
	KITH_VEC(struct fed_served) served;
	size_t serve_at;
	struct kith_map *objects;       /* hashes it has been sent or has sent */
	struct kith_buf assembly;
	uint64_t assembly_req;
	uint32_t assembly_n;
	struct kith_map *fleeting;      /* uid -> second << 8 | count */
	uint32_t in_flight;
	uint32_t let_down;              /* how often it was asked in vain of late */
	uint64_t up_ms, heard_ms, pinged_ms, rtt_ms, rtt_least_ms, ping_token, ping_at;
	uint64_t retire_ms;             /* a younger link of the same node took over */
	uint64_t announce_ms, credit_ms;        /* NEVER: nothing waits */
	uint64_t mail_tokens, mail_at;
	uint64_t foreign_ms;            /* last penalty for a group that it has no part in */
};

/* ---- questions, fetches ---- */

struct fed_question {
	uint64_t id, token, deadline_ms;
	struct kith_id node;
	bool sent;
	uint32_t kind;
	uint8_t *payload;
	size_t n;
};

struct fed_fetch {
	struct kith_id group;
	struct kith_id invite, secret_hash;
	struct { struct kith_id node; bool asked, refused; uint64_t link; /* over which it was asked */ } node[KITH_LINK_NODES_MAX];
	size_t n_nodes;
	uint64_t deadline_ms, quiet_ms;
	bool let_in;                    /* somebody serves us */
	bool invite_asked;
	uint64_t req[KITH_LINK_NODES_MAX];
};

struct fed_dirty {
	struct fed_group *g;
	uint32_t feed;
};

struct kith_fed {
	uint64_t links_changed;         /* kith_fed_links() */
	unsigned inside;                /* calls from outside under way, one in the other */
	const struct kith_env *env;
	const struct kith_self *self;
	struct kith_fed_host host;
	char (*conf_peer)[128];
	size_t n_conf_peers;
	char (*refuse)[256];
	size_t n_refuse;
	unsigned reach;                 /* classes of addresses that we may be steered to */
	bool full_copies, loaded;
	struct kith_map *links;         /* id -> fed_link */
	struct kith_map *peers;         /* node -> fed_peer */
	struct kith_map *addrs;         /* text -> fed_addr */
	struct kith_map *sources;       /* host -> fed_source */
	struct kith_map *groups;        /* id -> fed_group */
	struct kith_map *requests;      /* id -> fed_request */
	struct fed_link *dead;          /* ended in this call */
	KITH_VEC(struct fed_question *) questions;
	KITH_VEC(struct fed_fetch *) fetches;
	uint64_t last_id;               /* of requests, questions, dials */
	uint32_t n_dials;
	uint64_t dial_ms, round_ms, purge_ms, fetch_ms, ask_ms, tick_ms;   /* next times (mono) */
	uint64_t stamp;                 /* of the push at work */
	struct kith_fed_counters count;
	/* the last run that was encoded, since many get the same */
	struct { struct kith_id group, scope, node; uint64_t stamp, incarnation, from, next; struct kith_buf bytes; size_t n; } cache;
	KITH_VEC(struct kith_id) cache_objects, cache_cuts;     /* what its records name */
	KITH_VEC(struct fed_dirty) dirty;       /* feeds that a batch has brought further */
	/* for the length of a call */
	struct kith_txn *t;
	struct kith_now now;
	struct kith_out *out;
	struct kith_buf frame;          /* scratch: the frame being written */
	struct kith_arena *arena;       /* scratch */
};

/* ---- fed.c ---- */
void kith_fed_log(const struct kith_fed *f, int level, const char *fmt, ...) KITH_PRINTF(3, 4);
uint64_t kith_fed_random(const struct kith_fed *f);
bool kith_fed_is_fatal(int r);          /* ours: ends the batch */
struct kith_slice kith_fed_u64(uint8_t key[8], uint64_t v);

/* ---- link.c ---- */
/* Begin a frame in f->frame with an array of n; then kith_fed_send charges and sends or queues it. */
struct kith_buf *kith_fed_begin(struct kith_fed *f, uint32_t n);
int kith_fed_send(struct kith_fed *f, struct fed_link *l, uint8_t type);
/* Room for one more frame of this class just now? */
bool kith_fed_may_send(const struct fed_link *l, int cls);
/* Ends the link; l->gone, freed when the call from outside ends. why goes to the log and to the peer. */
int kith_fed_close(struct kith_fed *f, struct fed_link *l, const char *why);
int kith_fed_link_lost(struct kith_fed *f, struct fed_link *l);
void kith_fed_link_free(void *link);
struct fed_link *kith_fed_link_new(struct kith_fed *f, uint64_t id, const uint8_t cert[32], const uint8_t exporter[32]);
/* Counts and charges a frame that came. DENIED: beyond its credit. */
int kith_fed_charge(struct kith_fed *f, struct fed_link *l, uint8_t type, struct kith_slice frame);
int kith_fed_on_credit(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r);
int kith_fed_on_ping(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r);
int kith_fed_on_pong(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r);
int kith_fed_link_settle(struct kith_fed *f, struct fed_link *l);        /* at the end of a frame: credit back */
int kith_fed_send_welcome(struct kith_fed *f, struct fed_link *l);
int kith_fed_take_grants(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r);      /* of WELCOME */
/* Unasked records: over budget, credit comes back later. */
void kith_fed_spend(struct kith_fed *f, struct fed_link *l, size_t records, size_t bytes);
int kith_fed_link_tick(struct kith_fed *f, struct fed_link *l, uint64_t *next);
/* Has the peer been sent this object? mark: it has now. */
bool kith_fed_object_sent(struct fed_link *l, const struct kith_id *hash);
int kith_fed_object_mark(struct fed_link *l, const struct kith_id *hash);

/* ---- hello.c ---- */
int kith_fed_hello(struct kith_fed *f, struct fed_link *l);
int kith_fed_on_chain(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r);
int kith_fed_on_hello(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r);
int kith_fed_on_welcome(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r);

/* ---- peers.c ---- */
int kith_fed_load(struct kith_fed *f);
struct fed_peer *kith_fed_peer(struct kith_fed *f, const struct kith_id *node);          /* NULL: not known */
/* Made if need be, filled from the node's newest record; *out NULL: there is no room. */
int kith_fed_peer_make(struct kith_fed *f, const struct kith_id *node, struct fed_peer **out);
int kith_fed_peer_refresh(struct kith_fed *f, struct fed_peer *p);
int kith_fed_peer_save(struct kith_fed *f, struct fed_peer *p);
int kith_fed_node_raw(struct kith_fed *f, const struct kith_id *node, uint64_t n, struct kith_slice *raw);       /* NOTFOUND */
int kith_fed_put_nodes(struct kith_fed *f, struct kith_buf *b, const struct kith_id *node, uint64_t from, uint32_t *n);
int kith_fed_send_nodes(struct kith_fed *f, struct fed_link *l);                 /* all that it may know */
int kith_fed_spread_node(struct kith_fed *f, const struct kith_id *node, const struct fed_link *but);
int kith_fed_on_nodes(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r);
/* err: what was wrong; adds the penalty and closes the link when it is due. */
int kith_fed_blame(struct kith_fed *f, struct fed_link *l, int err, const char *what);
int kith_fed_penalty(struct kith_fed *f, struct fed_link *l, uint64_t ms, const char *what);
/* Does the operator want no link with it? name: its label, NUL-terminated. */
bool kith_fed_refuses(const struct kith_fed *f, const struct kith_id *node, const char *name);
uint64_t kith_fed_penalty_now(const struct kith_fed *f, uint64_t penalty_ms, uint64_t at_ms);
bool kith_fed_refused_source(struct kith_fed *f, const char *address);

/* ---- dial.c ---- */
struct fed_addr *kith_fed_addr(struct kith_fed *f, const char *text, int *err);  /* made if need be; NULL and KITH_OK: not an address */
enum fed_reach kith_fed_reach(const char *text);
int kith_fed_dials(struct kith_fed *f);          /* what is due; sets dial_ms */
void kith_fed_dial_done(struct kith_fed *f, struct fed_addr *a, bool ok);
void kith_fed_reached(struct kith_fed *f, const struct fed_peer *p);     /* it has called us */
struct fed_addr *kith_fed_addr_by_token(struct kith_fed *f, uint64_t token);
void kith_fed_want_peer(struct kith_fed *f, struct fed_peer *p, uint64_t for_ms);

/* ---- member.c ---- */
struct kith_group *kith_fed_open_group(struct kith_fed *f, const struct fed_group *g);
int kith_fed_group(struct kith_fed *f, const struct kith_id *id, bool create, struct fed_group **out);  /* NULL: not known */
int kith_fed_groups_look(struct kith_fed *f);            /* groups that have come to be held */
int kith_fed_group_nodes(struct kith_fed *f, struct fed_group *g);      /* g->nodes up to date */
bool kith_fed_in_group(const struct fed_group *g, const struct kith_id *node, bool *banned);
struct fed_member *kith_fed_member(const struct fed_group *g, const struct kith_id *node);
int kith_fed_member_make(struct kith_fed *f, struct fed_group *g, struct fed_link *l, struct fed_member **out);
/* Its level as rights are now; tells it what it newly sees. */
int kith_fed_member_look(struct kith_fed *f, struct fed_member *m);
int kith_fed_members_look(struct kith_fed *f, struct fed_group *g);
bool kith_fed_member_sees(struct kith_fed *f, struct fed_member *m, uint32_t scope);
bool kith_fed_sees(struct kith_fed *f, struct fed_member *m, const struct kith_id *scope);
/* A frame's group, when the peer has shown that it knows it. *out NULL: it has not (counted). */
int kith_fed_frame_group(struct kith_fed *f, struct fed_link *l, const struct kith_id *id, struct fed_member **out);
int kith_fed_send_tags(struct kith_fed *f, struct fed_link *l, const struct fed_group *only);
/* From now on its tag of g is known when it comes. */
int kith_fed_expect(struct kith_fed *f, struct fed_link *l, struct fed_group *g);
int kith_fed_match(struct kith_fed *f, struct fed_link *l, struct fed_group *g);
int kith_fed_on_tags(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r);
int kith_fed_on_show(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r);
void kith_fed_tag(const struct kith_fed *f, const struct fed_link *l, bool theirs, const struct kith_id *group, uint8_t tag[16]);
void kith_fed_member_free(void *member);
void kith_fed_group_free(void *group);

/* ---- feeds.c ---- */
int kith_fed_group_load(struct kith_fed *f, struct fed_group *g);
int kith_fed_scope(struct fed_group *g, const struct kith_id *id, bool create, uint32_t *index);         /* NOTFOUND */
int kith_fed_feed(struct fed_group *g, const struct kith_id *scope, const struct kith_id *node, uint64_t incarnation, bool create,
    uint32_t *index);                                    /* NOTFOUND */
int kith_fed_feed_said(struct fed_group *g, const struct kith_id *scope, const struct kith_id *node, uint64_t incarnation,
    uint32_t *index);                                    /* made if need be, within limits: NOTFOUND, LIMIT */
int kith_fed_feed_look(struct kith_fed *f, struct fed_group *g, uint32_t feed);          /* its tip as it is now */
struct fed_known *kith_fed_known(struct fed_member *m, uint32_t feed);   /* NULL: out of memory */
uint64_t kith_fed_known_get(const struct fed_member *m, uint32_t feed);
int kith_fed_scope_hash(struct kith_fed *f, struct fed_group *g, uint32_t scope, struct kith_id *out);
/* Of a forked feed: ends of branches at its last places, but for the tip, with the number of places up to each. At most max. */
struct fed_branch { struct kith_id id, prev; uint64_t next; };
int kith_fed_branches(struct kith_fed *f, struct fed_group *g, const struct fed_feed *fd, struct fed_branch *out, size_t max, size_t *n);
int kith_fed_group_heads(struct kith_fed *f, struct fed_group *g);       /* frontier, state, invites up to date */

/* ---- sync.c ---- */
int kith_fed_send_digest(struct kith_fed *f, struct fed_member *m);
int kith_fed_round(struct kith_fed *f);
int kith_fed_on_sum(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r);
int kith_fed_on_groups(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r);
int kith_fed_on_digest(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r);
int kith_fed_on_clocks(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r);
/* A peer names a tip at a place that we may hold: another branch is asked for. */
int kith_fed_other_branch(struct kith_fed *f, struct fed_member *m, uint32_t feed, uint64_t next, const struct kith_id *tip);
int kith_fed_send_clocks(struct kith_fed *f, struct fed_member *m, const uint32_t *scope, size_t n, bool ask);

/* ---- invites.c ---- */
int kith_fed_invites_look(struct kith_fed *f, struct fed_group *g);      /* which stand; tells peers of new ones made here */
int kith_fed_send_invites(struct kith_fed *f, struct fed_member *m);
int kith_fed_on_invites(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r);
bool kith_fed_invite_stands(struct kith_fed *f, struct fed_group *g, const struct kith_id *invite, uint64_t expires_ms);
bool kith_fed_invite_room(struct kith_fed *f, struct fed_group *g);
int kith_fed_invite_came(struct kith_fed *f, struct fed_group *g, const struct kith_id *invite, uint64_t expires_ms);

/* ---- push.c ---- */
int kith_fed_push_all(struct kith_fed *f, const struct kith_changes *c);
/* From now on we know what it holds: what came while we did not goes to it. */
int kith_fed_synced(struct kith_fed *f, struct fed_member *m);
int kith_fed_push_feed(struct kith_fed *f, struct fed_member *m, uint32_t feed);
int kith_fed_announce(struct kith_fed *f, struct fed_member *m, uint32_t feed);
int kith_fed_announce_flush(struct kith_fed *f, struct fed_link *l);
int kith_fed_send_eager(struct kith_fed *f, struct fed_member *m, const struct kith_id *origin, bool on);
int kith_fed_on_eager(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r);
int kith_fed_on_ihave(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r);
int kith_fed_pass_proof(struct kith_fed *f, struct fed_group *g, const struct kith_change *c);
int kith_fed_remind_proof(struct kith_fed *f, struct fed_member *m, uint32_t feed);

/* ---- give.c ---- */
/* Encodes and sends one run; *next: where to go on, *n: how many records. Objects first. NOTFOUND. */
int kith_fed_send_run(struct kith_fed *f, struct fed_member *m, uint64_t req, int cls, const struct kith_id *scope, const struct kith_id *node,
    uint64_t incarnation, uint64_t from, uint64_t to, bool history, uint64_t *next, size_t *n);
int kith_fed_send_chain(struct kith_fed *f, struct fed_member *m, uint64_t req, int cls, const struct kith_id *node, bool always, size_t *sent);
int kith_fed_send_objects(struct kith_fed *f, struct fed_member *m, uint64_t req, int cls, const struct kith_id *hash, size_t n, bool always,
    size_t *sent);

/* ---- pull.c ---- */
/*
 * A peer says to hold so much of a feed. news: it did not say so before, so it is asked at once, however often others,
 * or it, gave nothing.
 */
int kith_fed_claim(struct kith_fed *f, struct fed_member *m, uint32_t feed, uint64_t next, bool news);
int kith_fed_queue_feed(struct fed_group *g, uint32_t feed);
int kith_fed_pull(struct kith_fed *f, struct fed_group *g);      /* ask for what is due */
/* Bodies that nobody could give before may be had from whoever came now; from somebody who was there, a few of them. */
int kith_fed_want_bodies(struct kith_fed *f, struct fed_member *m);
int kith_fed_ask_bodies(struct kith_fed *f, struct fed_member *m);
int kith_fed_want(struct kith_fed *f, struct fed_member *m, const struct kith_missings *ms);
struct fed_request *kith_fed_request(struct kith_fed *f, uint64_t id, const struct fed_link *l);
int kith_fed_ask_history(struct kith_fed *f, struct fed_group *g, const struct kith_id *panel, uint64_t before, uint32_t limit);
uint64_t kith_fed_patience(const struct fed_link *l);
int kith_fed_ask_branch(struct kith_fed *f, struct fed_member *m, uint32_t feed, uint64_t from, uint64_t to);
int kith_fed_ask_objects(struct kith_fed *f, struct fed_member *m, const struct kith_id *hash, size_t n);
int kith_fed_request_end(struct kith_fed *f, struct fed_request *q, bool ok);
int kith_fed_on_done(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r);
int kith_fed_on_where(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r);
void kith_fed_request_free(void *request);

/* ---- serve.c ---- */
int kith_fed_serve(struct kith_fed *f, struct fed_link *l);      /* as far as credit goes */
int kith_fed_on_want_range(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r);
int kith_fed_on_want_ids(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r);
int kith_fed_on_want_objects(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r);
int kith_fed_on_history(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r);
int kith_fed_done(struct kith_fed *f, struct fed_link *l, uint64_t req, bool found);

/* ---- records.c ---- */
int kith_fed_on_run(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r, size_t bytes);
int kith_fed_on_objects(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r, size_t bytes);
int kith_fed_on_proof(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r);

/* ---- fetch.c ---- */
int kith_fed_fetch_start(struct kith_fed *f, const struct kith_id *group, const struct kith_link *link, const struct kith_id *via);
int kith_fed_fetch_link(struct kith_fed *f, struct fed_link *l);         /* a link has opened: ask it */
int kith_fed_fetches(struct kith_fed *f, uint64_t *next);
int kith_fed_on_join(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r);
int kith_fed_on_joined(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r);
bool kith_fed_fetching(const struct kith_fed *f, const struct kith_id *group);
int kith_fed_pass_put(struct kith_fed *f, const struct kith_id *group, const struct kith_id *node);

/* ---- mail.c ---- */
int kith_fed_mail_load(struct kith_fed *f);
int kith_fed_mail_put(struct kith_fed *f, const struct kith_id *node, uint32_t kind, struct kith_slice payload);
bool kith_fed_may_bother(struct kith_fed *f, struct fed_link *l);
int kith_fed_mail_due(struct kith_fed *f, struct fed_peer *p);
int kith_fed_mails(struct kith_fed *f, uint64_t *next);
int kith_fed_on_mail(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r);
int kith_fed_on_mailed(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r);
int kith_fed_mail_purge(struct kith_fed *f);

/* ---- ask.c ---- */
int kith_fed_ask_start(struct kith_fed *f, const struct kith_id *node, uint32_t kind, struct kith_slice payload, uint64_t timeout_ms, uint64_t token);
int kith_fed_fleeting(struct kith_fed *f, const struct kith_id *group, const struct kith_id *panel, const struct kith_id *node, struct kith_slice payload);
int kith_fed_ask_link(struct kith_fed *f, struct fed_link *l);
int kith_fed_asks(struct kith_fed *f, uint64_t *next);
int kith_fed_on_ask(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r);
int kith_fed_on_answer(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r);
int kith_fed_on_fleeting(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r);

#endif
