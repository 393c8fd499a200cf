#include <string.h>
#include <strings.h>

#include "egress/egress.h"

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* The next part up to a character of `ends`, without blanks around it; false: no more. */
static bool
next_part(struct kith_slice *s, const char *ends, struct kith_slice *out)
{
	size_t n = 0;

	if (s->n == 0)
		return false;
	while (n < s->n && strchr(ends, s->p[n]) == NULL)
		n++;
	*out = kith_slice_of(s->p, n);
	*s = kith_slice_from(*s, n < s->n ? n + 1 : n);
	while (out->n > 0 && is_blank(out->p[0]))
		*out = kith_slice_from(*out, 1);
	while (out->n > 0 && is_blank(out->p[out->n - 1]))
		out->n--;
	return true;
}

static bool
says(struct kith_slice s, const char *word)
{
	return s.n == strlen(word) && strncasecmp((const char *)s.p, word, s.n) == 0;
}

/* An origin or a source, taken apart: scheme, host, port; empty where nothing is said. */
struct place { struct kith_slice scheme, host, port; };

static struct place
apart(struct kith_slice s)
{
	struct place p;
	size_t i, end;

	memset(&p, 0, sizeof(p));
	for (i = 0; i + 2 < s.n; i++) {
		if (memcmp(s.p + i, "://", 3) == 0) {
			p.scheme = kith_slice_of(s.p, i);
			s = kith_slice_from(s, i + 3);
			break;
		}
	}
	for (end = 0; end < s.n && s.p[end] != '/'; end++)
		continue;
	/* the last colon, unless it is inside [..] */
	for (i = end; i > 0 && s.p[i - 1] != ':' && s.p[i - 1] != ']'; i--)
		continue;
	if (i > 0 && s.p[i - 1] == ':') {
		p.host = kith_slice_of(s.p, i - 1);
		p.port = kith_slice_of(s.p + i, end - i);
	} else {
		p.host = kith_slice_of(s.p, end);
	}
	return p;
}

static struct kith_slice
port_of(const struct place *p)
{
	if (p->port.n > 0)
		return p->port;
	return kith_slice_str(says(p->scheme, "https") ? "443" : "80");
}

static bool
same(struct kith_slice a, struct kith_slice b)
{
	return a.n == b.n && (a.n == 0 || strncasecmp((const char *)a.p, (const char *)b.p, a.n) == 0);
}

static bool
same_origin(const char *a, const char *b)
{
	struct place x = apart(kith_slice_str(a)), y = apart(kith_slice_str(b));

	return same(x.scheme, y.scheme) && same(x.host, y.host) && same(port_of(&x), port_of(&y));
}

/* http matches https too, as in CSP 6.7.2.9. */
static bool
scheme_fits(struct kith_slice wanted, struct kith_slice ours)
{
	return same(wanted, ours) || (says(wanted, "http") && says(ours, "https"));
}

static bool
source_fits(struct kith_slice source, const char *page, const char *ours)
{
	struct place us = apart(kith_slice_str(ours)), them = apart(kith_slice_str(page)), s;

	if (says(source, "*"))
		return true;
	if (says(source, "'self'"))
		return same_origin(page, ours);
	if (source.n > 1 && source.p[source.n - 1] == ':' && memchr(source.p, '/', source.n) == NULL)
		return scheme_fits(kith_slice_of(source.p, source.n - 1), us.scheme);
	s = apart(source);
	if (!scheme_fits(s.scheme.n > 0 ? s.scheme : them.scheme, us.scheme))
		return false;
	if (s.host.n > 2 && s.host.p[0] == '*' && s.host.p[1] == '.') {
		struct kith_slice end = kith_slice_from(s.host, 1);

		if (us.host.n <= end.n || !same(end, kith_slice_from(us.host, us.host.n - end.n)))
			return false;
	} else if (!same(s.host, us.host)) {
		return false;
	}
	if (s.port.n == 0) {
		struct kith_slice p = port_of(&us);

		return says(p, "443") || says(p, "80");
	}
	return says(s.port, "*") || same(s.port, port_of(&us));
}

static bool
ancestors_allow(struct kith_slice list, const char *page, const char *ours)
{
	struct kith_slice source;

	while (next_part(&list, " \t", &source)) {
		if (source.n > 0 && source_fits(source, page, ours))
			return true;
	}
	return false;
}

void
kith_framing_csp(struct kith_framing *f, struct kith_slice value, const char *page, const char *ours)
{
	static const char name[] = "frame-ancestors";
	struct kith_slice policy, directive;

	while (next_part(&value, ",", &policy)) {
		while (next_part(&policy, ";", &directive)) {
			size_t n = sizeof(name) - 1;

			if (directive.n < n || strncasecmp((const char *)directive.p, name, n) != 0 || (directive.n > n && !is_blank(directive.p[n])))
				continue;
			f->csp_seen = true;
			if (!ancestors_allow(kith_slice_from(directive, n), page, ours))
				f->csp_forbids = true;
			break;          /* the first one of a policy counts */
		}
	}
}

/* DENY and SAMEORIGIN forbid; what browsers do not know, they pass over. */
void
kith_framing_xfo(struct kith_framing *f, struct kith_slice value, const char *page, const char *ours)
{
	struct kith_slice word;

	while (next_part(&value, ",", &word)) {
		if (says(word, "deny") || (says(word, "sameorigin") && !same_origin(page, ours)))
			f->xfo_forbids = true;
	}
}

bool
kith_framing_forbids(const struct kith_framing *f)
{
	return f->csp_seen ? f->csp_forbids : f->xfo_forbids;
}
