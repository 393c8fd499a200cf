#ifndef KITH_BASE_MAIL_H
#define KITH_BASE_MAIL_H

#include "base/slice.h"

/*
 * One address for mail and nothing else: what may stand in MAIL FROM and RCPT TO
 * (RFC 5321, without quoted names and letters beyond ASCII). Whether mail arrives
 * there, mail alone can tell.
 */
#define KITH_MAIL_ADDRESS_MAX 254
bool kith_is_mail_address(struct kith_slice s);

#endif
