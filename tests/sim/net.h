#ifndef KITH_TESTS_SIM_NET_H
#define KITH_TESTS_SIM_NET_H

#include "federation/federation.h"

/*
 * Nodes without engines: federation over groups over storage/mem.c, linked in
 * memory, under a clock and dice of our own. One person lives on each node. What
 * the engine does around federation is done here in its simplest form. One seed,
 * one story.
 */
#define NET_NODES 32
struct net;

struct net *net_new(uint64_t seed);
void net_free(struct net *n);

/* A node of this name that keeps links to the given nodes (numbers, -1 ends the list); it runs. Returns its number. */
int net_node(struct net *n, const char *name, const int *peers);
void net_dial_only(struct net *n, int node);                    /* from its next start on; its record has no address */
void net_sparse(struct net *n, int node);                       /* from its next start on: no full copies */
void net_rotate(struct net *n, int node, bool root);            /* the same: new signing and certificate keys, or a new root */
/* A dead node's records with another's keys: what a thief of its store who lacks its root would have. */
void net_steal(struct net *n, int node);
void net_kill(struct net *n, int node);                         /* what was committed stays */
void net_start(struct net *n, int node);
void net_cut(struct net *n, int a, int b, bool cut);            /* ends links between them, lets none come up */
void net_cut_all(struct net *n, int node, bool cut);
void net_delay(struct net *n, int node, uint64_t ms);           /* one way, added by each end of a link */
/* This node takes nothing in: what is sent to it waits in the network. */
void net_stall(struct net *n, int node, bool stalled);

uint64_t net_now(const struct net *n);
void net_run(struct net *n, uint64_t ms);
bool net_until(struct net *n, uint64_t max_ms, bool (*ok)(struct net *n, void *arg), void *arg);

struct kith_fed *net_fed(struct net *n, int node);
const struct kith_id *net_id(const struct net *n, int node);
const struct kith_id *net_uid(const struct net *n, int node);
struct kith_slice net_node_record(struct net *n, int node);     /* its first; static */
bool net_linked(struct net *n, int a, int b);                   /* as both see it */
bool net_peer(struct net *n, int node, int of, struct kith_peer_info *out);
struct kith_fed_counters net_counters(struct net *n, int node);
size_t net_queued(const struct net *n, int node);               /* bytes on their way to it */
void net_withhold(struct net *n, int node, uint8_t type, bool on);      /* it believes to send such frames, and sends none */
/* What a node's links have carried: frames of one type that it has sent. */
uint64_t net_frames(const struct net *n, int node, uint8_t type);

/* A frame of our own making over the link from one node to another, as if it had sent it. */
void net_send(struct net *n, int from, int to, uint8_t type, struct kith_slice payload);
/* A link to a node from nobody: frames by net_stranger_send; up until the node ends it. */
uint64_t net_stranger(struct net *n, int to);
void net_stranger_send(struct net *n, uint64_t link, uint8_t type, struct kith_slice payload);
bool net_stranger_up(const struct net *n, uint64_t link);

/* ---- groups ---- */
struct kith_id net_group(struct net *n, int node, bool open);   /* founded, with a first panel and its person in it */
struct kith_id net_panel(struct net *n, int node, const struct kith_id *group);         /* its first panel */
struct kith_id net_private_panel(struct net *n, int node, const struct kith_id *group, int with);        /* for the owner and one other */
struct kith_link net_invite(struct net *n, int node, const struct kith_id *group, const int *nodes);
void net_fetch(struct net *n, int node, const struct kith_link *link);
int net_fetched(const struct net *n, int node);                 /* as told last; 1: not yet */
/* The person of a node joins: by an invite, or through the open door (NULL). The group is held. */
int net_join(struct net *n, int node, const struct kith_id *group, const struct kith_link *link);
int net_post(struct net *n, int node, const struct kith_id *group, const struct kith_id *panel, size_t count, size_t bytes);
int net_ban_node(struct net *n, int node, const struct kith_id *group, int whom);
/* Two records at the place of its next message, both signed. */
void net_equivocate(struct net *n, int node, const struct kith_id *group, const struct kith_id *panel, int to_a, int to_b);
/* Fetch, join and wait until both hold the same. */
void net_bring(struct net *n, int node, int by, const struct kith_id *group);
void net_want_history(struct net *n, int node, const struct kith_id *group, const struct kith_id *panel, uint64_t before, uint32_t limit);

bool net_holds(struct net *n, int node, const struct kith_id *group);
/* Records held of a panel without a gap (none: of all scopes), over all feeds. */
uint64_t net_count(struct net *n, int node, const struct kith_id *group, const struct kith_id *scope);
size_t net_in_order(struct net *n, int node, const struct kith_id *group, const struct kith_id *panel);  /* on screen, gaps or not */
bool net_forked(struct net *n, int node, const struct kith_id *group, const struct kith_id *panel);
/* The same tips, frontier and state (scopes that one of them does not hold set aside when panels is false). */
bool net_same(struct net *n, int a, int b, const struct kith_id *group);
void net_held_by(struct net *n, int node, const struct kith_id *group, const struct kith_id *panel, uint32_t *held, uint32_t *of);

/* ---- between nodes ---- */
void net_mail(struct net *n, int from, int to, uint32_t kind, const char *text);
void net_mail_answer(struct net *n, int node, int err);         /* what its host says to mail from now on */
size_t net_mails(const struct net *n, int node);                /* taken */
void net_ask(struct net *n, int from, int to, const char *text, uint64_t timeout_ms);
int net_answer(const struct net *n, int node);                  /* the last one's error; 1: none yet */
void net_typing(struct net *n, int from, const struct kith_id *group, const struct kith_id *panel, int about);
size_t net_fleeting(const struct net *n, int node);             /* taken */
void net_let_in(struct net *n, int from, int to, const struct kith_id *group);  /* KITH_MAIL_GROUP */
void net_fetch_via(struct net *n, int node, const struct kith_id *group, int via);

#endif
