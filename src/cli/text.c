#include "cli/text.h"

#include <string.h>
#include <wchar.h>

bool
cli_is_unsafe(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c || c == 0x180e || c == 0x200b ||
	    c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) ||
	    c == 0xfeff || (c >= 0xfff0 && c <= 0xfffc) || (c >= 0xd800 && c <= 0xdfff) ||
	    (c >= 0xe0000 && c <= 0xe001f) || c > 0x10ffff;
}

uint32_t
cli_char(struct kith_slice s, size_t *len)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t c = s.p[0];
	size_t n = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;

	*len = 1;
	if (n == 1)
		return c;
	if (n == 0 || n > s.n)
		return 0xfffd;
	c &= 0x7fu >> n;
	for (size_t i = 1; i < n; i++) {
		if ((s.p[i] & 0xc0) != 0x80)
			return 0xfffd;
		c = c << 6 | (s.p[i] & 0x3fu);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0xfffd;
	*len = n;
	return c;
}

void
cli_clean(struct kith_buf *out, struct kith_slice text, unsigned indent)
{
	size_t len;

	for (; text.n > 0; text = kith_slice_from(text, len)) {
		uint32_t c = cli_char(text, &len);

		if (c == '\n' && indent > 0)
			kith_buf_printf(out, "\n%*s", (int)indent, "");
		else if (c == '\n' || c == '\t')
			kith_buf_put_str(out, " ");
		else if (cli_is_unsafe(c) || (c == 0xfffd && len == 1))
			kith_buf_put_str(out, "\xef\xbf\xbd");
		else
			kith_buf_put(out, text.p, len);
	}
}

void
cli_clean_json(struct kith_buf *out, struct kith_slice json)
{
	size_t len;

	for (; json.n > 0; json = kith_slice_from(json, len)) {
		uint32_t c = cli_char(json, &len);

		if (!cli_is_unsafe(c))
			kith_buf_put(out, json.p, len);
		else if (c < 0x10000)
			kith_buf_printf(out, "\\u%04x", (unsigned)c);
		else
			kith_buf_printf(out, "\\u%04x\\u%04x", (unsigned)(0xd800 + ((c - 0x10000) >> 10)),
			    (unsigned)(0xdc00 + ((c - 0x10000) & 0x3ff)));
	}
}

unsigned
cli_width(struct kith_slice text)
{
	unsigned width = 0;
	size_t len;

	for (; text.n > 0; text = kith_slice_from(text, len)) {
		int w = wcwidth((wchar_t)cli_char(text, &len));

		width += w >= 0 ? (unsigned)w : 1;
	}
	return width;
}

int
cli_number(const char *s, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	if (s[0] == '\0')
		return KITH_E_MALFORMED;
	for (; *s != '\0'; s++) {
		if (*s < '0' || *s > '9' || v > (max - (uint64_t)(*s - '0')) / 10)
			return KITH_E_MALFORMED;
		v = v * 10 + (uint64_t)(*s - '0');
	}
	*out = v;
	return KITH_OK;
}

int
cli_duration(const char *s, uint64_t *ms)
{
	static const struct { char unit; uint64_t ms; } units[] = {
		{ 's', 1000 }, { 'm', 60000 }, { 'h', 3600000 }, { 'd', 86400000 }, { 'w', 604800000 },
	};
	const uint64_t most = UINT64_C(100) * 366 * 86400000;
	uint64_t total = 0;

	if (*s == '\0')
		return KITH_E_MALFORMED;
	while (*s != '\0') {
		uint64_t v = 0;
		size_t u = 0;

		if (*s < '0' || *s > '9')
			return KITH_E_MALFORMED;
		for (; *s >= '0' && *s <= '9'; s++) {
			v = v * 10 + (uint64_t)(*s - '0');
			if (v > most)
				return KITH_E_LIMIT;
		}
		while (u < sizeof(units) / sizeof(units[0]) && units[u].unit != *s)
			u++;
		if (u == sizeof(units) / sizeof(units[0]))
			return KITH_E_MALFORMED;
		if (v > (most - total) / units[u].ms)
			return KITH_E_LIMIT;
		total += v * units[u].ms;
		s++;
	}
	if (total == 0)
		return KITH_E_MALFORMED;
	*ms = total;
	return KITH_OK;
}

static unsigned
least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

unsigned
cli_distance(const char *a, const char *b)
{
	unsigned d[32][32];
	size_t n = strnlen(a, 31), m = strnlen(b, 31);

	for (unsigned i = 0; i <= n; i++) {
		for (unsigned k = 0; k <= m; k++) {
			if (i == 0 || k == 0) {
				d[i][k] = i + k;
				continue;
			}
			d[i][k] = least(least(d[i - 1][k], d[i][k - 1]) + 1,
			    d[i - 1][k - 1] + (a[i - 1] != b[k - 1]));
			if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1])
				d[i][k] = least(d[i][k], d[i - 2][k - 2] + 1);
		}
	}
	return d[n][m];
}

bool
cli_is_idlike(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz234567");

	return n >= 6 && n <= 52 && s[n] == '\0';
}

bool
cli_begins(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool
cli_same_nocase(const char *a, const char *b)
{
	while (*a != '\0' && lower(*a) == lower(*b)) {
		a++;
		b++;
	}
	return lower(*a) == lower(*b);
}
