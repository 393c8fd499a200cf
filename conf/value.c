#include "conf/value.h"

#include <arpa/inet.h>
#include <string.h>

bool
conf_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

struct kith_slice
conf_trim(struct kith_slice s)
{
	while (s.n > 0 && conf_blank(s.p[0]))
		s = kith_slice_from(s, 1);
	while (s.n > 0 && conf_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

bool
conf_take_uint(struct kith_slice *s, uint64_t *out)
{
	uint64_t v = 0;
	size_t i;

	for (i = 0; i < s->n && s->p[i] >= '0' && s->p[i] <= '9'; i++) {
		unsigned digit = (unsigned)(s->p[i] - '0');

		if (v > (UINT64_MAX - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	if (i == 0)
		return false;
	*s = kith_slice_from(*s, i);
	*out = v;
	return true;
}

static bool
is_port(struct kith_slice s, bool zero)
{
	uint64_t port;

	return s.n <= 5 && conf_take_uint(&s, &port) && s.n == 0 && port <= 65535 && (zero || port != 0);
}

/* host and port of "host:port" or "[v6]:port"; host without brackets. */
static bool
split(struct kith_slice s, struct kith_slice *host, struct kith_slice *port, bool *v6)
{
	size_t i;

	if (s.n > 0 && s.p[0] == '[') {
		for (i = 1; i < s.n && s.p[i] != ']'; i++)
			;
		if (i + 1 >= s.n || s.p[i + 1] != ':')
			return false;
		*host = kith_slice_of(s.p + 1, i - 1);
		*port = kith_slice_from(s, i + 2);
		*v6 = true;
		return true;
	}
	for (i = 0; i < s.n && s.p[i] != ':'; i++)
		;
	if (i == s.n)
		return false;
	*host = kith_slice_of(s.p, i);
	*port = kith_slice_from(s, i + 1);
	*v6 = false;
	return true;
}

static bool
is_numeric(struct kith_slice host, bool v6)
{
	char text[64];
	uint8_t raw[16];

	if (host.n == 0 || host.n >= sizeof(text) || memchr(host.p, '\0', host.n) != NULL)
		return false;
	memcpy(text, host.p, host.n);
	text[host.n] = '\0';
	return inet_pton(v6 ? AF_INET6 : AF_INET, text, raw) == 1;
}

bool
conf_is_hostname(struct kith_slice s)
{
	size_t label = 0;

	if (s.n == 0 || s.n > 253)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];
		bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

		if (c == '.' ? label == 0 : !word && (c != '-' || label == 0) && c != '_')
			return false;
		label = c == '.' ? 0 : label + 1;
		if (label > 63)
			return false;
	}
	return true;
}

bool
kith_conf_is_addr(struct kith_slice s)
{
	struct kith_slice host, port;
	bool v6;

	return split(s, &host, &port, &v6) && is_numeric(host, v6) && is_port(port, true);
}

bool
kith_conf_is_hostport(struct kith_slice s)
{
	struct kith_slice host, port;
	bool v6;

	return s.n <= 255 && split(s, &host, &port, &v6) && is_port(port, false) &&
	    (is_numeric(host, v6) || (!v6 && conf_is_hostname(host)));
}

bool
conf_is_url(struct kith_slice s)
{
	size_t skip = 0;

	if (s.n > 8 && memcmp(s.p, "https://", 8) == 0)
		skip = 8;
	else if (s.n > 7 && memcmp(s.p, "http://", 7) == 0)
		skip = 7;
	if (skip == 0 || s.p[s.n - 1] == '/')
		return false;
	s = kith_slice_from(s, skip);
	return kith_conf_is_hostport(s) || conf_is_hostname(s);
}

bool
conf_word(const char *const *words, struct kith_slice v, uint64_t *out)
{
	for (size_t i = 0; words[i] != NULL; i++) {
		if (kith_slice_is(v, words[i])) {
			*out = i;
			return true;
		}
	}
	return false;
}

static bool
take_unit(struct kith_slice *s, const char *const *units, const uint64_t *worth, uint64_t *out)
{
	/* longest first in the table */
	for (size_t i = 0; units[i] != NULL; i++) {
		size_t n = strlen(units[i]);

		if (s->n >= n && memcmp(s->p, units[i], n) == 0) {
			*s = kith_slice_from(*s, n);
			*out = worth[i];
			return true;
		}
	}
	return false;
}

bool
conf_size(struct kith_slice s, uint64_t *out)
{
	static const char *const units[] = { "K", "M", "G", "T", NULL };
	static const uint64_t worth[] = { 1ull << 10, 1ull << 20, 1ull << 30, 1ull << 40 };
	uint64_t v, unit = 1;

	if (!conf_take_uint(&s, &v))
		return false;
	if (s.n > 0 && !take_unit(&s, units, worth, &unit))
		return false;
	if (s.n != 0 || v > UINT64_MAX / unit)
		return false;
	*out = v * unit;
	return true;
}

/* "5/1s burst 20", "60/m" (burst as large as the count), "off" */
bool
conf_rate(struct kith_slice s, struct kith_conf_rate *out)
{
	static const char *const units[] = { "ms", "s", "m", "h", "d", NULL };
	static const uint64_t worth[] = { 1, 1000, 60000, 3600000, 86400000 };
	uint64_t count, times = 1, unit, burst;

	if (kith_slice_is(s, "off")) {
		memset(out, 0, sizeof(*out));
		return true;
	}
	if (!conf_take_uint(&s, &count) || count == 0 || count > 1000000 || s.n == 0 || s.p[0] != '/')
		return false;
	s = kith_slice_from(s, 1);
	if (s.n > 0 && s.p[0] >= '0' && s.p[0] <= '9' && !conf_take_uint(&s, &times))
		return false;
	if (!take_unit(&s, units, worth, &unit) || times == 0 || times > 86400000 || times * unit > 7 * 86400000ull)
		return false;
	burst = count;
	if (s.n > 0) {
		if (!conf_blank(s.p[0]))
			return false;
		s = conf_trim(s);
		if (s.n < 6 || memcmp(s.p, "burst", 5) != 0 || !conf_blank(s.p[5]))
			return false;
		s = conf_trim(kith_slice_from(s, 5));
		if (!conf_take_uint(&s, &burst) || s.n != 0 || burst == 0 || burst > 1000000)
			return false;
	}
	out->count = (uint32_t)count;
	out->burst = (uint32_t)burst;
	out->per_ms = times * unit;
	return true;
}
