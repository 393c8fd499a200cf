#ifndef KITH_CONF_VALUE_H
#define KITH_CONF_VALUE_H

#include "conf/conf.h"

/* Values as text: for conf.c alone. Nothing is changed where false comes back. */

bool conf_blank(uint8_t c);                                     /* a space or a tab */
struct kith_slice conf_trim(struct kith_slice s);               /* without blanks around it */
bool conf_take_uint(struct kith_slice *s, uint64_t *out);       /* decimal digits from the front of s */
bool conf_is_hostname(struct kith_slice s);
bool conf_is_url(struct kith_slice s);                          /* http[s]://HOST[:PORT] */
bool conf_word(const char *const *words, struct kith_slice v, uint64_t *out);   /* its place among words */
bool conf_size(struct kith_slice s, uint64_t *out);             /* "64M" */
/* "5/1s burst 20", "60/m" (burst as large as the count), "off" */
bool conf_rate(struct kith_slice s, struct kith_conf_rate *out);

#endif
