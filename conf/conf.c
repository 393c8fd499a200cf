#include "conf/conf.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/value.h"
#include "http/addr.h"

#define FILE_MAX (256u << 10)
#define LINE_MAX_BYTES 4096
#define VALUE_MAX 2048
#define LIST_MAX 64

enum kind {
	OPT_TEXT,               /* shown text: min..max bytes */
	OPT_PATH,               /* absolute, or empty */
	OPT_URL,
	OPT_ADDR,               /* numbers; with words, one of these instead */
	OPT_ADDRS,              /* list of host:port, at most max */
	OPT_HOSTS,              /* list of host names, at most max */
	OPT_NETS,               /* list of addresses or ranges of them, at most max */
	OPT_NAMES,              /* list of anything without blanks, at most max */
	OPT_WORD,
	OPT_BOOL,
	OPT_UINT,
	OPT_SIZE,               /* bytes: 64M */
	OPT_RATE,               /* 5/1s burst 20 */
};

struct option {
	const char *name;
	enum kind kind;
	bool live;
	size_t at;
	const char *dflt;
	uint64_t min, max;
	const char *const *words;
};

#define AT(f) offsetof(struct kith_conf, f)
#define LIVE true
#define NEEDS_RESTART false

static const char *const peer_words[] = { "auto", "none", NULL };
static const char *const registration_words[] = { "auto", "open", "invite", "closed", NULL };
static const char *const plain_words[] = { "auto", "allow", "redirect", "refuse", NULL };
static const char *const level_words[] = { "debug", "info", "warn", "error", NULL };

static const struct option options[] = {
	/* name                  kind       on reload      field                              default                min max          words */
	{ "name",                OPT_TEXT,  LIVE,          AT(name),                          "",                    0,  64,          NULL },
	{ "listen_client",       OPT_ADDR,  NEEDS_RESTART, AT(listen_client),                 "127.0.0.1:7370",      0,  0,           NULL },
	{ "listen_peer",         OPT_ADDR,  NEEDS_RESTART, AT(listen_peer),                   "auto",                0,  0,           peer_words },
	{ "advertise",           OPT_ADDRS, NEEDS_RESTART, AT(advertise),                     "",                    0,  8,           NULL },
	{ "peer",                OPT_ADDRS, LIVE,          AT(peer),                          "",                    0,  64,          NULL },
	{ "listed",              OPT_BOOL,  LIVE,          AT(listed),                        "yes",                 0,  0,           NULL },
	{ "refuse_nodes",        OPT_NAMES, LIVE,          AT(refuse_nodes),                  "",                    0,  64,          NULL },
	{ "full_copies",         OPT_BOOL,  LIVE,          AT(full_copies),                   "yes",                 0,  0,           NULL },
	{ "url",                 OPT_URL,   NEEDS_RESTART, AT(url),                           "",                    0,  255,         NULL },
	{ "hosts",               OPT_HOSTS, NEEDS_RESTART, AT(hosts),                         "",                    0,  16,          NULL },
	{ "trusted_proxies",     OPT_NETS,  NEEDS_RESTART, AT(trusted_proxies),               "",                    0,  16,          NULL },
	{ "web_root",            OPT_PATH,  NEEDS_RESTART, AT(web_root),                      "",                    0,  1024,        NULL },
	{ "registration",        OPT_WORD,  LIVE,          AT(registration),                  "auto",                0,  0,           registration_words },
	{ "admins",              OPT_NAMES, LIVE,          AT(admins),                        "",                    0,  32,          NULL },
	{ "tls_cert",            OPT_PATH,  NEEDS_RESTART, AT(tls_cert),                      "",                    0,  1024,        NULL },
	{ "tls_key",             OPT_PATH,  NEEDS_RESTART, AT(tls_key),                       "",                    0,  1024,        NULL },
	{ "plain_http",          OPT_WORD,  NEEDS_RESTART, AT(plain_http),                    "auto",                0,  0,           plain_words },
	{ "max_connections",     OPT_UINT,  NEEDS_RESTART, AT(max_connections),               "10000",               16, 1000000,     NULL },
	{ "reactors",            OPT_UINT,  NEEDS_RESTART, AT(reactors),                      "0",                   0,  64,          NULL },
	{ "map_size",            OPT_SIZE,  NEEDS_RESTART, AT(map_size),                      "0",                   0,  1ull << 46,  NULL },
	{ "disk_limit",          OPT_SIZE,  NEEDS_RESTART, AT(disk_limit),                    "0",                   0,  1ull << 60,  NULL },
	{ "log_level",           OPT_WORD,  LIVE,          AT(log_level),                     "info",                0,  0,           level_words },
	{ "user",                OPT_TEXT,  NEEDS_RESTART, AT(user),                          "kith",                1,  32,          NULL },
	{ "rate_send",           OPT_RATE,  LIVE,          AT(rate[KITH_CONF_SEND]),          "5/1s burst 20",       0,  0,           NULL },
	{ "rate_login",          OPT_RATE,  LIVE,          AT(rate[KITH_CONF_LOGIN]),         "10/10m burst 10",     0,  0,           NULL },
	{ "rate_login_address",  OPT_RATE,  LIVE,          AT(rate[KITH_CONF_LOGIN_ADDRESS]), "30/10m burst 30",     0,  0,           NULL },
	{ "rate_register",       OPT_RATE,  LIVE,          AT(rate[KITH_CONF_REGISTER]),      "1/10m burst 3",       0,  0,           NULL },
	{ "rate_join",           OPT_RATE,  LIVE,          AT(rate[KITH_CONF_JOIN]),          "1/10s burst 10",      0,  0,           NULL },
	{ "rate_group",          OPT_RATE,  LIVE,          AT(rate[KITH_CONF_GROUP]),         "1/1m burst 10",       0,  0,           NULL },
	{ "rate_invite",         OPT_RATE,  LIVE,          AT(rate[KITH_CONF_INVITE]),        "3/10s burst 10",      0,  0,           NULL },
	{ "rate_authority",      OPT_RATE,  LIVE,          AT(rate[KITH_CONF_AUTHORITY]),     "60/1m burst 20",      0,  0,           NULL },
	{ "rate_read",           OPT_RATE,  LIVE,          AT(rate[KITH_CONF_READ]),          "100/1s burst 400",    0,  0,           NULL },
	{ "rate_upload",         OPT_RATE,  LIVE,          AT(rate[KITH_CONF_UPLOAD]),        "10/1m burst 10",      0,  0,           NULL },
	{ "rate_page",           OPT_RATE,  LIVE,          AT(rate[KITH_CONF_PAGE]),          "10/1m burst 10",      0,  0,           NULL },
	{ "max_upload",          OPT_SIZE,  LIVE,          AT(max_upload),                    "25M",                 0,  1ull << 32,  NULL },
	{ "quota",               OPT_SIZE,  LIVE,          AT(quota),                         "1G",                  0,  1ull << 50,  NULL },
	{ "smtp",                OPT_TEXT,  LIVE,          AT(smtp),                          "",                    0,  255,         NULL },
	{ "smtp_user",           OPT_TEXT,  LIVE,          AT(smtp_user),                     "",                    0,  255,         NULL },
	{ "smtp_password_file",  OPT_PATH,  LIVE,          AT(smtp_password_file),            "",                    0,  1024,        NULL },
	{ "mail_from",           OPT_TEXT,  LIVE,          AT(mail_from),                     "",                    0,  254,         NULL },
	{ "private_pages",       OPT_BOOL,  LIVE,          AT(private_pages),                 "no",                  0,  0,           NULL },
};
#define N_OPTIONS (sizeof(options) / sizeof(options[0]))
_Static_assert(N_OPTIONS <= KITH_CONF_OPTIONS_MAX, "room for all");

static void *
field(const struct kith_conf *c, const struct option *o)
{
	return (char *)(uintptr_t)c + o->at;
}

/* ---- setting ---- */

/* A # that begins a word; name#1234 is no comment. */
static bool
begins_comment(struct kith_slice s, size_t i)
{
	return s.p[i] == '#' && (i == 0 || conf_blank(s.p[i - 1]) || s.p[i - 1] == '=' || s.p[i - 1] == ',');
}

static void
list_fini(struct kith_conf_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
	l->v = NULL;
	l->n = 0;
}

/* A copy with a NUL; NULL: out of memory. */
static char *
text_of(struct kith_slice v)
{
	char *s = malloc(v.n + 1);

	if (s == NULL)
		return NULL;
	if (v.n > 0)
		memcpy(s, v.p, v.n);
	s[v.n] = '\0';
	return s;
}

static int
list_add(struct kith_conf_list *l, struct kith_slice item)
{
	char **v = realloc(l->v, (l->n + 1) * sizeof(*v));

	if (v == NULL)
		return KITH_E_NOMEM;
	l->v = v;
	v[l->n] = text_of(item);
	if (v[l->n] == NULL)
		return KITH_E_NOMEM;
	l->n++;
	return KITH_OK;
}

static bool
next_item(struct kith_slice *s, struct kith_slice *item)
{
	size_t i;

	while (s->n > 0 && (conf_blank(s->p[0]) || s->p[0] == ','))
		*s = kith_slice_from(*s, 1);
	for (i = 0; i < s->n && !conf_blank(s->p[i]) && s->p[i] != ','; i++)
		;
	*item = kith_slice_of(s->p, i);
	*s = kith_slice_from(*s, i);
	return i > 0;
}

static int
set_list(struct kith_conf_list *l, const struct option *o, struct kith_slice v, bool append, struct kith_diag *d)
{
	struct kith_conf_list fresh = { NULL, 0 };
	struct kith_slice item;
	int r = KITH_OK;

	for (size_t i = 0; append && r == KITH_OK && i < l->n; i++)
		r = list_add(&fresh, kith_slice_str(l->v[i]));
	while (r == KITH_OK && next_item(&v, &item)) {
		struct kith_net net;
		bool ok = o->kind == OPT_ADDRS ? kith_conf_is_hostport(item) : o->kind == OPT_HOSTS ? conf_is_hostname(item) :
		    o->kind == OPT_NETS ? kith_net_parse(item, &net) == KITH_OK : item.n <= 255;

		if (!ok) {
			kith_diag_set(d, "%s: \"%.*s\" is not %s", o->name, (int)(item.n > 80 ? 80 : item.n), (const char *)item.p,
			    o->kind == OPT_ADDRS ? "HOST:PORT (IPv6 addresses in brackets)" :
			    o->kind == OPT_HOSTS ? "a host name" : o->kind == OPT_NETS ? "an address or a range like 10.0.0.0/8" : "a name");
			r = KITH_E_MALFORMED;
		} else if (fresh.n >= o->max || fresh.n >= LIST_MAX) {
			kith_diag_set(d, "%s takes at most %llu values", o->name, (unsigned long long)o->max);
			r = KITH_E_MALFORMED;
		} else {
			r = list_add(&fresh, item);
		}
	}
	if (r != KITH_OK) {
		list_fini(&fresh);
		return r;
	}
	list_fini(l);
	*l = fresh;
	return KITH_OK;
}

static int
set_text(char **at, struct kith_slice v)
{
	char *s = text_of(v);

	if (s == NULL)
		return KITH_E_NOMEM;
	free(*at);
	*at = s;
	return KITH_OK;
}

static int
wrong(struct kith_diag *d, const struct option *o, const char *expected)
{
	kith_diag_set(d, "%s wants %s", o->name, expected);
	return KITH_E_MALFORMED;
}

static int
wrong_word(struct kith_diag *d, const struct option *o, const char *first)
{
	char text[256];
	size_t n = (size_t)snprintf(text, sizeof(text), "%s", first);

	for (size_t i = 0; o->words[i] != NULL && n < sizeof(text); i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", n == 0 ? "" : o->words[i + 1] == NULL ? " or " : ", ", o->words[i]);
	return wrong(d, o, text);
}

static int
set(struct kith_conf *c, const struct option *o, struct kith_slice v, bool append, struct kith_diag *d)
{
	void *at = field(c, o);
	struct kith_conf_rate rate;
	uint64_t num;

	switch (o->kind) {
	case OPT_TEXT:
		if (v.n < o->min || v.n > o->max) {
			kith_diag_set(d, "%s has %llu to %llu bytes", o->name, (unsigned long long)o->min, (unsigned long long)o->max);
			return KITH_E_MALFORMED;
		}
		return set_text(at, v);
	case OPT_PATH:
		if (v.n > o->max || (v.n > 0 && v.p[0] != '/'))
			return wrong(d, o, "an absolute path");
		return set_text(at, v);
	case OPT_URL:
		if (v.n > o->max || (v.n > 0 && !conf_is_url(v)))
			return wrong(d, o, "http://HOST[:PORT] or https://HOST[:PORT], without a slash at its end");
		return set_text(at, v);
	case OPT_ADDR:
		if (o->words != NULL && conf_word(o->words, v, &num))
			return set_text(at, v);
		if (!kith_conf_is_addr(v))
			return o->words != NULL ? wrong_word(d, o, "ADDR:PORT in numbers") :
			    wrong(d, o, "ADDR:PORT in numbers, such as 127.0.0.1:7370 or [::1]:7370");
		return set_text(at, v);
	case OPT_ADDRS:
	case OPT_HOSTS:
	case OPT_NETS:
	case OPT_NAMES:
		return set_list(at, o, v, append, d);
	case OPT_WORD:
		if (!conf_word(o->words, v, &num))
			return wrong_word(d, o, "");
		*(uint64_t *)at = num;
		return KITH_OK;
	case OPT_BOOL:
		if (!kith_slice_is(v, "yes") && !kith_slice_is(v, "no"))
			return wrong(d, o, "yes or no");
		*(bool *)at = kith_slice_is(v, "yes");
		return KITH_OK;
	case OPT_UINT:
		if (!conf_take_uint(&v, &num) || v.n != 0 || num < o->min || num > o->max) {
			kith_diag_set(d, "%s wants a number from %llu to %llu", o->name, (unsigned long long)o->min,
			    (unsigned long long)o->max);
			return KITH_E_MALFORMED;
		}
		*(uint64_t *)at = num;
		return KITH_OK;
	case OPT_SIZE:
		if (!conf_size(v, &num) || num > o->max)
			return wrong(d, o, "a number of bytes, such as 64M or 20G");
		*(uint64_t *)at = num;
		return KITH_OK;
	case OPT_RATE:
		if (!conf_rate(v, &rate))
			return wrong(d, o, "a rate, such as \"5/1s burst 20\" or \"1/10m burst 3\", or off");
		*(struct kith_conf_rate *)at = rate;
		return KITH_OK;
	}
	return KITH_E_MALFORMED;
}

static bool
is_list(const struct option *o)
{
	return o->kind == OPT_ADDRS || o->kind == OPT_HOSTS || o->kind == OPT_NETS || o->kind == OPT_NAMES;
}

int
kith_conf_set(struct kith_conf *c, const char *name, struct kith_slice value, enum kith_conf_from from, struct kith_diag *d)
{
	int r;

	value = conf_trim(value);
	for (size_t i = 0; i < N_OPTIONS; i++) {
		const struct option *o = &options[i];
		bool append = from == KITH_CONF_COMMAND && c->from[i] == KITH_CONF_COMMAND && is_list(o);

		if (strcmp(o->name, name) != 0)
			continue;
		if (c->from[i] == from && from != KITH_CONF_DEFAULT && !append) {
			kith_diag_set(d, "%s is given twice", name);
			return KITH_E_MALFORMED;
		}
		if (value.n > VALUE_MAX || !kith_utf8_ok(value)) {
			kith_diag_set(d, "%s: the value is too long or not UTF-8", name);
			return KITH_E_MALFORMED;
		}
		for (size_t k = 0; k < value.n; k++) {
			if ((value.p[k] < 0x20 && value.p[k] != '\t') || value.p[k] == 0x7f)
				return wrong(d, o, "text without control characters");
			/* what a file could not say is not said elsewhere either */
			if (begins_comment(value, k))
				return wrong(d, o, "text in which no # begins a word");
		}
		if (c->from[i] > from) {
			/* beaten by the command line, but wrong is wrong */
			struct kith_conf scratch;

			memset(&scratch, 0, sizeof(scratch));
			r = set(&scratch, o, value, false, d);
			kith_conf_fini(&scratch);
			return r;
		}
		r = set(c, o, value, append, d);
		if (r == KITH_OK)
			c->from[i] = (uint8_t)from;
		return r;
	}
	kith_diag_set(d, "there is no option \"%.64s\"; kithd.conf(5) lists them", name);
	return KITH_E_NOTFOUND;
}

static int
parse_line(struct kith_conf *c, struct kith_slice line, struct kith_diag *d)
{
	char name[64];
	struct kith_slice key;
	size_t eq, i;

	for (i = 0; i < line.n; i++) {
		if (begins_comment(line, i)) {
			line.n = i;
			break;
		}
	}
	line = conf_trim(line);
	if (line.n == 0)
		return KITH_OK;
	for (eq = 0; eq < line.n && line.p[eq] != '='; eq++)
		;
	if (eq == line.n) {
		kith_diag_set(d, "this line is neither `key = value' nor a comment");
		return KITH_E_MALFORMED;
	}
	key = conf_trim(kith_slice_of(line.p, eq));
	if (key.n == 0 || key.n >= sizeof(name)) {
		kith_diag_set(d, "there is no option before the equals sign");
		return KITH_E_MALFORMED;
	}
	for (i = 0; i < key.n; i++) {
		bool ok = (key.p[i] >= 'a' && key.p[i] <= 'z') || key.p[i] == '_' || (key.p[i] >= '0' && key.p[i] <= '9');

		if (!ok) {
			kith_diag_set(d, "names of options are lower-case letters and underscores");
			return KITH_E_MALFORMED;
		}
		name[i] = (char)key.p[i];
	}
	name[key.n] = '\0';
	return kith_conf_set(c, name, kith_slice_from(line, eq + 1), KITH_CONF_FILE, d);
}

int
kith_conf_parse(struct kith_conf *c, struct kith_slice text, const char *file, struct kith_diag *d)
{
	struct kith_diag local;
	size_t at = 0;
	int line = 0, r = KITH_OK;

	if (d == NULL)
		d = &local;
	memset(d, 0, sizeof(*d));
	snprintf(d->file, sizeof(d->file), "%s", file);
	if (text.n > FILE_MAX) {
		kith_diag_set(d, "the file is longer than %u KiB", FILE_MAX >> 10);
		return KITH_E_LIMIT;
	}
	while (r == KITH_OK && at < text.n) {
		size_t end = at;
		struct kith_slice one;

		while (end < text.n && text.p[end] != '\n')
			end++;
		line++;
		one = kith_slice_of(text.p + at, end - at);
		if (one.n > 0 && one.p[one.n - 1] == '\r')
			one.n--;
		if (one.n > LINE_MAX_BYTES) {
			kith_diag_set(d, "the line is longer than %d bytes", LINE_MAX_BYTES);
			r = KITH_E_LIMIT;
		} else {
			r = parse_line(c, one, d);
		}
		at = end + 1;
	}
	if (r != KITH_OK)
		d->line = line;
	return r == KITH_E_NOTFOUND ? KITH_E_MALFORMED : r;
}

static bool
is_loopback(const char *addr)
{
	return strncmp(addr, "127.", 4) == 0 || strncmp(addr, "[::1]:", 6) == 0;
}

static bool
is_mail_server(const char *s)
{
	static const char *const begins[] = { "smtp://", "smtps://", "starttls://" };

	for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++) {
		if (strncmp(s, begins[i], strlen(begins[i])) == 0)
			return kith_conf_is_hostport(kith_slice_str(s + strlen(begins[i])));
	}
	return false;
}

int
kith_conf_finish(struct kith_conf *c, struct kith_diag *d)
{
	if ((c->tls_cert[0] == '\0') != (c->tls_key[0] == '\0')) {
		kith_diag_set(d, "tls_cert and tls_key go together: give both or neither");
		return KITH_E_MALFORMED;
	}
	if (c->smtp[0] != '\0' && (!is_mail_server(c->smtp) || strchr(c->mail_from, '@') == NULL)) {
		kith_diag_set(d, is_mail_server(c->smtp) ? "smtp needs mail_from: the address that mail comes from" :
		    "smtp: smtp://HOST:PORT, starttls://HOST:PORT or smtps://HOST:PORT");
		return KITH_E_MALFORMED;
	}
	if (c->plain_http == KITH_CONF_PLAIN_AUTO && strncmp(c->url, "https://", 8) == 0 && is_loopback(c->listen_client))
		c->plain_http = KITH_CONF_PLAIN_ALLOW;          /* a proxy of our own stands before it */
	if (c->registration == KITH_CONF_REG_AUTO)
		c->registration = is_loopback(c->listen_client) ? KITH_CONF_REG_OPEN : KITH_CONF_REG_INVITE;
	if (strcmp(c->listen_peer, "auto") == 0) {
		const char *colon = strrchr(c->listen_client, ':');
		char text[80];

		/* port 0 for clients means that the system may choose: for peers then too */
		snprintf(text, sizeof(text), "%.*s:%s", (int)(colon - c->listen_client), c->listen_client,
		    strcmp(colon, ":0") == 0 ? "0" : "7371");
		return set_text(&c->listen_peer, kith_slice_str(text));
	}
	return KITH_OK;
}

/* ---- whole configurations ---- */

int
kith_conf_init(struct kith_conf *c)
{
	memset(c, 0, sizeof(*c));
	for (size_t i = 0; i < N_OPTIONS; i++) {
		int r = set(c, &options[i], kith_slice_str(options[i].dflt), false, NULL);

		if (r != KITH_OK) {
			kith_conf_fini(c);
			return r;
		}
	}
	return KITH_OK;
}

void
kith_conf_fini(struct kith_conf *c)
{
	for (size_t i = 0; i < N_OPTIONS; i++) {
		void *at = field(c, &options[i]);

		switch (options[i].kind) {
		case OPT_TEXT:
		case OPT_PATH:
		case OPT_URL:
		case OPT_ADDR:
			free(*(char **)at);
			*(char **)at = NULL;
			break;
		case OPT_ADDRS:
		case OPT_HOSTS:
		case OPT_NETS:
		case OPT_NAMES:
			list_fini(at);
			break;
		default:
			break;
		}
	}
}

static void
print_rate(const struct kith_conf_rate *r, struct kith_buf *out)
{
	uint64_t ms = r->per_ms;

	if (r->count == 0) {
		kith_buf_put_str(out, "off");
		return;
	}
	kith_buf_printf(out, "%u/%llu%s burst %u", r->count,
	    (unsigned long long)(ms % 60000 == 0 ? ms / 60000 : ms % 1000 == 0 ? ms / 1000 : ms),
	    ms % 60000 == 0 ? "m" : ms % 1000 == 0 ? "s" : "ms", r->burst);
}

static void
print_value(const struct kith_conf *c, const struct option *o, struct kith_buf *out)
{
	static const char suffix[] = " KMGT";
	void *at = field(c, o);
	uint64_t v;
	int unit = 0;

	switch (o->kind) {
	case OPT_TEXT:
	case OPT_PATH:
	case OPT_URL:
	case OPT_ADDR:
		kith_buf_put_str(out, *(char **)at);
		break;
	case OPT_ADDRS:
	case OPT_HOSTS:
	case OPT_NETS:
	case OPT_NAMES: {
		const struct kith_conf_list *l = at;

		for (size_t i = 0; i < l->n; i++)
			kith_buf_printf(out, "%s%s", i == 0 ? "" : " ", l->v[i]);
		break;
	}
	case OPT_WORD:
		kith_buf_put_str(out, o->words[*(uint64_t *)at]);
		break;
	case OPT_BOOL:
		kith_buf_put_str(out, *(bool *)at ? "yes" : "no");
		break;
	case OPT_UINT:
		kith_buf_printf(out, "%llu", (unsigned long long)*(uint64_t *)at);
		break;
	case OPT_SIZE:
		for (v = *(uint64_t *)at; v != 0 && v % 1024 == 0 && unit < 4; v /= 1024)
			unit++;
		kith_buf_printf(out, "%llu", (unsigned long long)v);
		if (unit > 0)
			kith_buf_put_u8(out, (uint8_t)suffix[unit]);
		break;
	case OPT_RATE:
		print_rate(at, out);
		break;
	}
}

void
kith_conf_print(const struct kith_conf *c, struct kith_buf *out)
{
	for (size_t i = 0; i < N_OPTIONS; i++) {
		kith_buf_printf(out, "%s = ", options[i].name);
		print_value(c, &options[i], out);
		kith_buf_put_u8(out, '\n');
	}
}

size_t
kith_conf_count(void)
{
	return N_OPTIONS;
}

const char *
kith_conf_name(size_t i)
{
	return options[i].name;
}

bool
kith_conf_is_live(size_t i)
{
	return options[i].live;
}

bool
kith_conf_same(const struct kith_conf *a, const struct kith_conf *b, size_t i)
{
	struct kith_buf x, y;
	bool same;

	kith_buf_init(&x, 0);
	kith_buf_init(&y, 0);
	print_value(a, &options[i], &x);
	print_value(b, &options[i], &y);
	same = kith_buf_err(&x) == KITH_OK && kith_buf_err(&y) == KITH_OK && kith_slice_eq(kith_buf_slice(&x), kith_buf_slice(&y));
	kith_buf_fini(&x);
	kith_buf_fini(&y);
	return same;
}

int
kith_conf_copy(struct kith_conf *dst, const struct kith_conf *src, size_t i)
{
	struct kith_buf v;
	int r;

	kith_buf_init(&v, 0);
	print_value(src, &options[i], &v);
	r = kith_buf_err(&v);
	if (r == KITH_OK)
		r = set(dst, &options[i], kith_buf_slice(&v), false, NULL);
	if (r == KITH_OK)
		dst->from[i] = src->from[i];
	kith_buf_fini(&v);
	return r;
}
