#ifndef KITH_EGRESS_RESOLVE_H
#define KITH_EGRESS_RESOLVE_H

#include <curl/curl.h>

#include "egress/egress.h"

/*
 * Looks a host up and gives what libcurl is told to connect to (CURLOPT_RESOLVE),
 * so that what was checked is what is connected to. *refused: there were only
 * addresses that are not global. The caller frees *out.
 */
bool kith_resolve(const char *host, unsigned port, bool private, struct curl_slist **out, bool *refused);

#endif
