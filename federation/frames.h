#ifndef KITH_FEDERATION_FRAMES_H
#define KITH_FEDERATION_FRAMES_H

#include "base/error.h"
#include "base/slice.h"

/*
 * The frames that links carry: numbers, classes, limits, and one check that
 * every frame from outside passes before anybody reads it. PROTOCOL.md has the
 * layouts in words; frames.c has them as one table.
 */
#define KITH_FRAME_STRANGER 4095        /* bytes of payload before a link is trusted */
#define KITH_FRAME_MAX 1048575u
#define KITH_FRAME_RECORDS 512
#define KITH_FRAME_IDS 1024
#define KITH_FRAME_CLOCKS 8192
#define KITH_MAIL_MAX 65536
#define KITH_FLEETING_MAX 1024

enum kith_frame_type {
	/* the link itself */
	KITH_FR_HELLO = 1,      /* who I am */
	KITH_FR_CHAIN,          /* node records that do not fit into HELLO; before it */
	KITH_FR_WELCOME,        /* you are who you say; first credit */
	KITH_FR_CREDIT,         /* more credit */
	KITH_FR_PING, KITH_FR_PONG,
	KITH_FR_BYE,            /* why I close */
	/* nodes and groups */
	KITH_FR_NODES,          /* node records */
	KITH_FR_TAGS,           /* the groups that I am in, under this session's names */
	KITH_FR_SHOW,           /* you are not in the roster that I hold: show me that you joined */
	KITH_FR_JOIN, KITH_FR_JOINED,
	/* comparing */
	KITH_FR_SUM,            /* one hash over all shared groups */
	KITH_FR_GROUPS,         /* one for each */
	KITH_FR_DIGEST,         /* one for each scope of a group */
	KITH_FR_CLOCKS,         /* how far each feed of some scopes is held */
	KITH_FR_IHAVE,          /* news of the same kind, pushed */
	KITH_FR_EAGER,          /* send me a node's records at once, or only say that they are there */
	KITH_FR_INVITES,        /* ids of invites that stand */
	/* asking and giving */
	KITH_FR_WANT_RANGE, KITH_FR_WANT_IDS, KITH_FR_WANT_OBJECTS, KITH_FR_HISTORY,
	KITH_FR_RUN, KITH_FR_OBJECTS, KITH_FR_WHERE, KITH_FR_DONE, KITH_FR_PROOF,
	/* between people and nodes */
	KITH_FR_MAIL, KITH_FR_MAILED, KITH_FR_ASK, KITH_FR_ANSWER, KITH_FR_FLEETING,
	KITH_FR_COUNT_
};

#define KITH_RUN_HISTORY 1u             /* flags of RUN: a page, may stand above a gap */
#define KITH_RUN_MORE 2u                /* the next RUN of the same request goes on with the same records */

/* In capitals; "?" for a number that is none of ours. */
const char *kith_frame_name(uint8_t type);
/* Form and counts. MALFORMED; LIMIT: too many or too large. A type that is none of ours is MALFORMED. */
KITH_MUST_USE int kith_frame_check(uint8_t type, struct kith_slice frame);
/* The class that a frame (checked, if it is RUN, OBJECTS or DONE) is charged to; -1: none, it needs no credit. */
int kith_frame_class(uint8_t type, struct kith_slice frame);

#endif
