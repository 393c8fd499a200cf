#include "http/proxy.h"

#include <string.h>

bool
kith_is_proxy(const struct kith_proxies *p, const struct kith_addr *a)
{
	for (size_t i = 0; i < p->n; i++) {
		if (kith_net_holds(&p->v[i], a))
			return true;
	}
	return false;
}

/* "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:80" */
static bool
address(struct kith_slice s, struct kith_addr *out)
{
	char text[KITH_ADDR_STR];
	struct kith_slice host;

	if (s.n == 0 || s.n >= sizeof(text) - 4)
		return false;
	host = s;
	if (s.p[0] == '[' && s.p[s.n - 1] == ']')
		host = kith_slice_of(s.p + 1, s.n - 2);
	if (kith_addr_host(host, out) == KITH_OK)
		return true;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	return strlen(text) == s.n && kith_addr_parse(text, out) == KITH_OK;
}

/* The addresses of one field, from its end. KITH_OK: *client is decided; NOTFOUND: all were proxies, *client is the first. */
static int
walk(const struct kith_proxies *p, struct kith_slice list, struct kith_addr *client)
{
	size_t end = list.n;

	for (;;) {
		size_t begin = end;

		while (begin > 0 && list.p[begin - 1] != ',')
			begin--;
		if (!address(kith_http_trim(kith_slice_of(list.p + begin, end - begin)), client))
			return KITH_E_MALFORMED;
		if (!kith_is_proxy(p, client))
			return KITH_OK;
		if (begin == 0)
			return KITH_E_NOTFOUND;
		end = begin - 1;
	}
}

int
kith_forwarded(const struct kith_proxies *p, const struct kith_http_head *h, const struct kith_addr *remote, struct kith_addr *client, bool *tls)
{
	const struct kith_slice *proto;
	size_t n;
	int r;

	*client = *remote;
	for (size_t i = h->n_fields; i > 0; i--) {
		if (!kith_http_same_name(h->fields[i - 1].name, "x-forwarded-for"))
			continue;
		r = walk(p, h->fields[i - 1].value, client);
		if (r == KITH_E_MALFORMED)
			return r;
		if (r == KITH_OK)
			break;
	}
	proto = kith_http_field(h, "x-forwarded-proto", &n);
	if (proto == NULL)
		return KITH_OK;
	if (n != 1 || (!kith_http_same_name(*proto, "https") && !kith_http_same_name(*proto, "http")))
		return KITH_E_MALFORMED;
	*tls = kith_http_same_name(*proto, "https");
	return KITH_OK;
}
