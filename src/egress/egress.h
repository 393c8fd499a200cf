#ifndef KITH_EGRESS_EGRESS_H
#define KITH_EGRESS_EGRESS_H

#include <sys/socket.h>

#include "base/buf.h"
#include "base/slice.h"
#include "egress/frame.h"

/* The inside of kith-egress: everything that goes out which is not a peer. */

struct kith_mail {
	const char *server, *user, *password, *from, *name, *to, *subject, *text;
};
struct kith_page {
	const char *url, *origin;
	bool private;
};
struct kith_went {
	enum kith_egress_outcome outcome;
	unsigned status;
	char text[512];
};
void kith_mail_send(const struct kith_mail *m, struct kith_went *w);
void kith_page_ask(const struct kith_page *p, struct kith_went *w);

/* ---- what decides, without a network ---- */

/*
 * May strangers' links lead there? No to everything that is not the internet at
 * large (RFC 6890), also where it hides in an IPv6 address (mapped, NAT64, 6to4,
 * Teredo).
 */
bool kith_is_global(const struct sockaddr *sa);

/*
 * Do these fields of an answer let `ours` ("https://kith.example") show it in a
 * frame? RFC 7034 and CSP level 3, 6.4.2: every policy must; where there is a
 * frame-ancestors, X-Frame-Options says nothing. page: the origin that answered.
 */
struct kith_framing {
	bool csp_seen, csp_forbids, xfo_forbids;
};
void kith_framing_csp(struct kith_framing *f, struct kith_slice value, const char *page, const char *ours);
void kith_framing_xfo(struct kith_framing *f, struct kith_slice value, const char *page, const char *ours);
bool kith_framing_forbids(const struct kith_framing *f);

/* RFC 2047: ASCII as it is, else encoded words on lines of their own. */
void kith_mail_word(struct kith_buf *out, struct kith_slice text);

#endif
