#ifndef KITH_FEDERATION_FEDERATION_H
#define KITH_FEDERATION_FEDERATION_H

#include "base/env.h"
#include "base/error.h"
#include "base/out.h"
#include "base/slice.h"
#include "group/group.h"
#include "id/invite.h"
#include "storage/store.h"

/*
 * All that this node has to do with other nodes: links, discovery, push and
 * pull, mail, questions. It has never heard of sockets: what links say and the
 * time go in, frames and dials come out. One thread, in the engine's write
 * transaction. What is known of nodes is in the store (KITH_T_NODE) and goes on
 * after a restart; links and queues are in memory.
 */
struct kith_fed;

/* What the engine does for federation. Every call runs inside the call that caused it. */
struct kith_fed_host {
	void *ctx;
	/* The open group, opening it if the store holds it; NULL: not held. create: an empty one is opened for a join under way. */
	struct kith_group *(*group)(void *ctx, struct kith_txn *t, const struct kith_id *id, bool create);
	/* Groups that this node holds: start with *it = 0. */
	bool (*group_next)(void *ctx, size_t *it, struct kith_id *id);
	/* Changes that federation's admissions caused have been appended here by the time a call returns; the engine owns it. */
	struct kith_changes *(*changes)(void *ctx);
	/*
	 * Mail from another node (kind and msgpack payload). KITH_OK: taken, acknowledge (after commit); DENIED: refuse for
	 * good; BUSY: later.
	 */
	int (*mail)(void *ctx, struct kith_txn *t, struct kith_now now, const struct kith_id *from, uint32_t kind, struct kith_slice payload);
	/* A question from another node: append the msgpack answer. NOTFOUND, DENIED are told alike. */
	int (*question)(void *ctx, struct kith_txn *t, struct kith_now now, const struct kith_id *from, uint32_t kind, struct kith_slice payload,
	    struct kith_buf *answer);
	/* The answer to kith_fed_ask: err KITH_OK, NOTFOUND, or BUSY (nobody answered in time). */
	void (*answer)(void *ctx, struct kith_txn *t, struct kith_now now, uint64_t token, int err, struct kith_slice payload);
	/* Something fleeting about a person, from their home (already checked to be it). */
	void (*ephemeral)(void *ctx, struct kith_txn *t, struct kith_now now, const struct kith_id *from, struct kith_slice payload);
	/* The end of kith_fed_fetch_group: KITH_OK (authority and roster are here), NOTFOUND, DENIED, BUSY. */
	void (*fetched)(void *ctx, struct kith_txn *t, struct kith_now now, const struct kith_id *group, int err);
};

struct kith_fed_config {
	const char *name;               /* this node's label */
	const char *const *peer;        /* addresses to keep a link to, "host:port" */
	size_t n_peers;
	const char *const *address;     /* our own, as in our node record */
	size_t n_addresses;
	bool dial_only;                 /* no listener */
	const char *const *refuse;      /* nodes that the operator wants no link with: ids, names, or ends of names that begin with a dot */
	size_t n_refuse;
	bool full_copies;               /* fetch all history behind, not only on demand (default true) */
};

/* Borrows env, self and host for its life; copies config. */
KITH_MUST_USE int kith_fed_new(const struct kith_env *env, const struct kith_self *self, const struct kith_fed_host *host,
    const struct kith_fed_config *conf, struct kith_fed **out);
void kith_fed_free(struct kith_fed *f);
/* Our own node record changed (keys, addresses): tell everyone linked. */
KITH_MUST_USE int kith_fed_self_changed(struct kith_fed *f, struct kith_txn *t, struct kith_now now, struct kith_out *out);

/*
 * ---- what links do ----
 * A KITH_OUT_DIAL says in cls which addresses may be connected to, once names are
 * looked up: 1 loopback, 2 private, 4 all others. A node learned from strangers
 * cannot send us into our own network.
 */
/* TLS is up. token: of the DIAL that led to it, 0 when the peer dialled. cert_pk: the peer's certificate key. */
KITH_MUST_USE int kith_fed_link_up(struct kith_fed *f, struct kith_txn *t, struct kith_now now, uint64_t link, uint64_t token,
    const uint8_t cert_pk[32], const uint8_t exporter[32], const char *address, struct kith_out *out);
KITH_MUST_USE int kith_fed_dial_failed(struct kith_fed *f, struct kith_txn *t, struct kith_now now, uint64_t token, const char *why, struct kith_out *out);
KITH_MUST_USE int kith_fed_frame(struct kith_fed *f, struct kith_txn *t, struct kith_now now, uint64_t link, uint8_t type,
    struct kith_slice frame, struct kith_out *out);
KITH_MUST_USE int kith_fed_link_down(struct kith_fed *f, struct kith_txn *t, struct kith_now now, uint64_t link, struct kith_out *out);
/* Timers. Call at *next_ms (mono) at the latest, and whenever kith_fed_deadline_ms has passed. */
KITH_MUST_USE int kith_fed_tick(struct kith_fed *f, struct kith_txn *t, struct kith_now now, struct kith_out *out, uint64_t *next_ms);
/* When kith_fed_tick is wanted next (mono); any call above or below may bring it nearer, so ask after each batch. */
uint64_t kith_fed_deadline_ms(const struct kith_fed *f);
/*
 * Records that came to be held in this batch, whatever brought them (call once a batch, tips signed): push what peers
 * lack. Invites that were made in it (KITH_T_INVITE) are given to the group's nodes, so that each can let in whom they bring.
 */
KITH_MUST_USE int kith_fed_push(struct kith_fed *f, struct kith_txn *t, struct kith_now now, const struct kith_changes *c, struct kith_out *out);

/* ---- what the engine wants of other nodes ---- */
/* Learn of and dial these addresses soon (an invite link, --peer, kithctl). */
KITH_MUST_USE int kith_fed_meet(struct kith_fed *f, struct kith_txn *t, struct kith_now now, const char *address, struct kith_out *out);
/*
 * Get a group's authority and roster so that somebody here can join: by an
 * invite link (whose secret shows that we may), else (link NULL) from nodes that
 * were mentioned in mail (via: a node of it). Ends in host.fetched within 20 s.
 */
KITH_MUST_USE int kith_fed_fetch_group(struct kith_fed *f, struct kith_txn *t, struct kith_now now, const struct kith_id *group,
    const struct kith_link *link, const struct kith_id *via, struct kith_out *out);
/* Newest-first history of a panel before a clock, to be shown when it comes (KITH_C_NEW with KITH_S_WAITING or not). */
KITH_MUST_USE int kith_fed_want_history(struct kith_fed *f, struct kith_txn *t, struct kith_now now, const struct kith_id *group,
    const struct kith_id *panel, uint64_t before_clock, uint32_t limit, struct kith_out *out);
/*
 * To another node's mailbox: kept in the store and retried until acknowledged or refused (30 days). The payload of
 * KITH_MAIL_GROUP begins with an array whose first item is the group's id: with it goes the right to fetch that
 * group's authority and roster from us (kith_fed_fetch_group without a link) for those 30 days.
 */
KITH_MUST_USE int kith_fed_mail(struct kith_fed *f, struct kith_txn *t, struct kith_now now, const struct kith_id *node, uint32_t kind,
    struct kith_slice payload, struct kith_out *out);
/* A question to a node, answered through host.answer within timeout_ms (dials it if its address is known). */
KITH_MUST_USE int kith_fed_ask(struct kith_fed *f, struct kith_txn *t, struct kith_now now, const struct kith_id *node, uint32_t kind,
    struct kith_slice payload, uint64_t timeout_ms, uint64_t token, struct kith_out *out);
/*
 * Fleeting: to the nodes of a group that may see the panel (none: all of the group's), or to one node (group none).
 * The payload (at most 1 KiB) is an array whose first item is the uid of the person that it is about; a node takes it
 * only from the home of that person.
 */
KITH_MUST_USE int kith_fed_ephemeral(struct kith_fed *f, struct kith_txn *t, struct kith_now now, const struct kith_id *group,
    const struct kith_id *panel, const struct kith_id *node, struct kith_slice payload, struct kith_out *out);


/* ---- what people and tests look at ---- */
struct kith_peer_info {
	struct kith_id node;
	char name[64], address[128];
	bool linked, inbound, configured;
	uint64_t link, rtt_ms, since_ms /* mono, when the link came up */, records_in, records_out, bytes_in, bytes_out, refused, penalty_ms;
	size_t queued;
};
bool kith_fed_peer_next(const struct kith_fed *f, size_t *it, struct kith_peer_info *out);
/* A node brings somebody of whom nothing was known here: counted. False: it has brought 100 of them today, wait. */
bool kith_fed_new_person(struct kith_fed *f, const struct kith_id *node, uint64_t mono_ms);
uint64_t kith_fed_links(const struct kith_fed *f);     /* another number whenever which nodes are linked may be another */
/* How many nodes of a group are known to hold a record (ours included), of how many. */
void kith_fed_held_by(struct kith_fed *f, struct kith_txn *t, const struct kith_id *group, const struct kith_id *record, uint32_t *n, uint32_t *m);
struct kith_fed_counters {
	uint64_t frames_in, frames_out, malformed, bad_signature, not_entitled, over_budget, records_in, records_again, ranges_asked, evidence;
};
void kith_fed_counters(const struct kith_fed *f, struct kith_fed_counters *out);

#endif
