#include "egress/resolve.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>

#define ADDRESSES_MAX 8

bool
kith_resolve(const char *host, unsigned port, bool private, struct curl_slist **out, bool *refused)
{
	struct addrinfo hints, *list = NULL;
	char bare[256], text[64], service[8];
	size_t n = strlen(host), found = 0;
	struct kith_buf line;

	*refused = false;
	if (n == 0 || n >= sizeof(bare))
		return false;
	memcpy(bare, host, n + 1);
	if (n > 2 && bare[0] == '[' && bare[n - 1] == ']') {
		bare[n - 1] = '\0';
		memmove(bare, bare + 1, n - 1);
	}
	memset(&hints, 0, sizeof(hints));
	hints.ai_socktype = SOCK_STREAM;
	snprintf(service, sizeof(service), "%u", port);
	if (getaddrinfo(bare, service, &hints, &list) != 0)
		return false;
	kith_buf_init(&line, 0);
	kith_buf_printf(&line, "%s:%u:", host, port);
	for (const struct addrinfo *a = list; a != NULL && found < ADDRESSES_MAX; a = a->ai_next) {
		if (a->ai_family != AF_INET && a->ai_family != AF_INET6)
			continue;
		if (!private && !kith_is_global(a->ai_addr)) {
			*refused = true;
			continue;
		}
		if (getnameinfo(a->ai_addr, a->ai_addrlen, text, sizeof(text), NULL, 0, NI_NUMERICHOST) != 0)
			continue;
		kith_buf_printf(&line, a->ai_family == AF_INET6 ? "%s[%s]" : "%s%s", found > 0 ? "," : "", text);
		found++;
	}
	freeaddrinfo(list);
	kith_buf_put_u8(&line, 0);
	*out = found > 0 && kith_buf_err(&line) == KITH_OK ? curl_slist_append(NULL, (const char *)line.p) : NULL;
	kith_buf_fini(&line);
	*refused = *refused && found == 0;
	return *out != NULL;
}
