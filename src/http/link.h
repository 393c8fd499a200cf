#ifndef KITH_HTTP_LINK_H
#define KITH_HTTP_LINK_H

#include "base/error.h"
#include "base/slice.h"
#include "http/addr.h"
#include "http/gate.h"
#include "http/reactor.h"

struct kith_tls;                /* crypto/tls.h */

/*
 * Links to peers: mutual TLS over TCP with frames on it. A frame is a
 * 32-bit big-endian length (of what follows: at least 1), one byte of type, and
 * the payload. All calls are made on the reactor's thread. What the frames mean
 * is federation/'s affair.
 */
struct kith_links;
struct kith_link;               /* valid from on_up until on_down returns; keep its id for later */

enum {
	KITH_LINK_FRAME_STRANGER = 4096,        /* the largest length before kith_link_trust */
	KITH_LINK_FRAME_MAX = 1048576,          /* and after */
};

enum kith_link_end {
	KITH_LINK_CLOSED,       /* the other side said goodbye */
	KITH_LINK_CUT,          /* it went without (a half frame is dropped), or the network failed */
	KITH_LINK_OURS,         /* kith_link_close, or the end of the links */
	KITH_LINK_MALFORMED,    /* a length of 0 or above the limit (one that needs trust waits 2 s for it, if a frame came before) */
	KITH_LINK_SLOW,         /* not trusted in time */
	KITH_LINK_NOMEM,
	/* of a dial alone, through on_dial_failed */
	KITH_LINK_NO_ADDRESS,   /* not host:port, the name is not known, or may_dial refused all it has */
	KITH_LINK_NO_CONNECTION,
	KITH_LINK_NO_TLS,       /* the handshake failed or took too long, or it is no peer */
};
const char *kith_link_end_name(enum kith_link_end e);           /* a few plain words; static */

/* All borrowed for the call. arg is the conf's. */
struct kith_link_handler {
	/*
	 * The handshake is done: token is the dial's (0: inbound); pk the peer's key as its certificate
	 * has it, 32 bytes, one that could sign; exporter 32 bytes both sides share
	 * and nobody else. Frames may be sent. The peer has
	 * not shown yet that it takes our certificate.
	 */
	void (*on_up)(void *arg, struct kith_link *l, uint64_t token, const uint8_t *pk, const uint8_t *exporter,
	    const char *remote);
	void (*on_frame)(void *arg, struct kith_link *l, uint8_t type, struct kith_slice payload);
	/* The last word of a link that was up, from the loop and never inside a call of yours (kith_links_free apart). */
	void (*on_down)(void *arg, struct kith_link *l, enum kith_link_end why);
	void (*on_dial_failed)(void *arg, uint64_t token, enum kith_link_end why, const char *text);
	/* The backlog has fallen below conf.low_water after having been above. May be NULL. */
	void (*on_writable)(void *arg, struct kith_link *l);
	/* May this address be connected to, for that dial? NULL: all. */
	bool (*may_dial)(void *arg, uint64_t token, const struct kith_addr *a);
};

struct kith_link_conf {         /* zero means the default */
	struct kith_link_handler handler;
	void *arg;
	struct kith_tls *tls;           /* kith_tls_peer; borrowed */
	struct kith_gate *gate;         /* for inbound ones; borrowed; NULL: no limits */
	unsigned connect_ms;            /* 5,000, each address */
	unsigned handshake_ms;          /* 10,000 */
	unsigned grace_ms;              /* 30,000, from on_up to kith_link_trust */
	size_t low_water;               /* 64 KiB */
	size_t queue_bytes;             /* 8 MiB may wait; beyond, kith_link_send says BUSY */
};

struct kith_links *kith_links_new(struct kith_reactor *r, const struct kith_link_conf *conf);  /* copies; NULL: out of memory */
/* Ends all (on_down: OURS); of dials under way nothing more is heard. Not from within a callback. NULL is fine. */
void kith_links_free(struct kith_links *ls);
KITH_MUST_USE int kith_links_listen(struct kith_links *ls, int fd);     /* borrows fd; NOMEM */
void kith_links_unlisten(struct kith_links *ls);
size_t kith_links_count(const struct kith_links *ls);           /* up */

struct kith_link_counts {       /* since the links were made */
	uint64_t accepted, crowded;     /* connections; those the gate turned away */
	uint64_t no_tls;                /* inbound handshakes that failed, took too long or showed no peer */
	uint64_t up, malformed, slow;   /* links; those ended for a bad length, or not trusted in time */
	uint64_t busy;                  /* frames not taken by kith_link_send */
};
const struct kith_link_counts *kith_links_counts(const struct kith_links *ls);   /* borrowed */

/*
 * Connect to "host:port" ("[v6]:port"); names are looked up on a thread of their
 * own, addresses tried one after the other. Exactly one of on_up and on_dial_failed follows,
 * never before this returns. token: not 0. NOMEM: nothing follows.
 */
KITH_MUST_USE int kith_link_dial(struct kith_links *ls, const char *hostport, uint64_t token);

/* Ids as in http/net.h. */
uint64_t kith_link_id(const struct kith_link *l);
struct kith_link *kith_link_find(struct kith_links *ls, uint64_t id);   /* NULL: not up any more */
void *kith_link_user(const struct kith_link *l);
void kith_link_set_user(struct kith_link *l, void *user);
bool kith_link_inbound(const struct kith_link *l);
const struct kith_addr *kith_link_remote(const struct kith_link *l);
void kith_link_trust(struct kith_link *l);                      /* large frames, no more grace */
/*
 * Queue one frame; copies. BUSY: too much waits, nothing was queued; LIMIT: the payload is
 * too long for any frame; NOMEM.
 */
KITH_MUST_USE int kith_link_send(struct kith_link *l, uint8_t type, struct kith_slice payload);
size_t kith_link_backlog(const struct kith_link *l);            /* bytes waiting to be sent */
void kith_link_pause(struct kith_link *l, bool pause);          /* no on_frame until resumed; TCP slows the peer */
/* Send what waits (for at most 2 s), say goodbye, end. No more frames; on_down(OURS) follows. */
void kith_link_close(struct kith_link *l);

#endif
