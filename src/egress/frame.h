#ifndef KITH_EGRESS_FRAME_H
#define KITH_EGRESS_FRAME_H

/*
 * What kithd and kith-egress say to each other, as MessagePack.
 *   mail   [version, 0, server, user, password, from, name of who sends, to, subject, text]
 *          server: smtp://HOST:PORT, starttls://HOST:PORT or smtps://HOST:PORT
 *   page   [version, 1, url, origin that wants to show it, private addresses too]
 *   answer [version, outcome, HTTP status or 0, text]
 */
#define KITH_EGRESS_VERSION 1
enum { KITH_EGRESS_MAIL, KITH_EGRESS_PAGE };
enum kith_egress_outcome {
	KITH_EGRESS_OK,                 /* sent; may be shown in a frame */
	KITH_EGRESS_FAILED,             /* text: why, for the operator */
	KITH_EGRESS_FORBIDS,            /* the page wants to be in no frame of ours */
	KITH_EGRESS_PRIVATE,            /* it is at an address that strangers' links may not lead to */
	KITH_EGRESS_BAD,                /* no http or https URL, or another port than theirs */
};
#define KITH_EGRESS_JOB_MAX (64u << 10)
#define KITH_EGRESS_ANSWER_MAX 4096u

#endif
