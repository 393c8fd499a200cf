#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "egress/egress.h"
#include "egress/resolve.h"

#define REDIRECTS_MAX 3
#define TIMEOUT_MS 4000L
#define CONNECT_MS 2000L
#define HEADERS_MAX (64u << 10)
#define BODY_MAX (512u << 10)

/* One answer's fields, as they come. */
struct heard {
	struct kith_framing framing;
	const char *page, *ours;
	size_t bytes;
	CURL *c;
};

static struct kith_slice
value_of(const char *line, size_t n, const char *name)
{
	size_t at = strlen(name);

	if (n <= at || strncasecmp(line, name, at) != 0 || line[at] != ':')
		return kith_slice_of(NULL, 0);
	while (n > 0 && (line[n - 1] == '\r' || line[n - 1] == '\n'))
		n--;
	return kith_slice_of((const uint8_t *)line + at + 1, n > at + 1 ? n - at - 1 : 0);
}

static size_t
on_header(char *line, size_t size, size_t n, void *arg)
{
	struct heard *h = arg;
	struct kith_slice v;

	n *= size;
	h->bytes += n;
	if (h->bytes > HEADERS_MAX)
		return 0;
	/* an interim answer's fields are not the page's */
	if (n > 5 && strncasecmp(line, "HTTP/", 5) == 0)
		memset(&h->framing, 0, sizeof(h->framing));
	v = value_of(line, n, "content-security-policy");
	if (v.n > 0)
		kith_framing_csp(&h->framing, v, h->page, h->ours);
	v = value_of(line, n, "x-frame-options");
	if (v.n > 0)
		kith_framing_xfo(&h->framing, v, h->page, h->ours);
	return n;
}

/* The fields are all that is wanted of it; but one that leads elsewhere is heard out, or libcurl does not say where to. */
static size_t
on_body(char *p, size_t size, size_t n, void *arg)
{
	struct heard *h = arg;
	long status = 0;

	(void)p;
	h->bytes += size * n;
	curl_easy_getinfo(h->c, CURLINFO_RESPONSE_CODE, &status);
	return status / 100 == 3 && h->bytes <= BODY_MAX ? size * n : 0;
}

struct url {
	CURLU *u;
	char *scheme, *host, *port;
	char origin[400];
};

static void
url_forget(struct url *x)
{
	curl_free(x->scheme);
	curl_free(x->host);
	curl_free(x->port);
	x->scheme = x->host = x->port = NULL;
}

/* http and https, without credentials; other ports than theirs only where private addresses are taken too. */
static bool
url_take(struct url *x, const char *text, bool private)
{
	char *user = NULL;
	bool ok;

	url_forget(x);
	ok = curl_url_set(x->u, CURLUPART_URL, text, 0) == CURLUE_OK && curl_url_get(x->u, CURLUPART_SCHEME, &x->scheme, 0) == CURLUE_OK &&
	    curl_url_get(x->u, CURLUPART_HOST, &x->host, 0) == CURLUE_OK &&
	    curl_url_get(x->u, CURLUPART_PORT, &x->port, CURLU_DEFAULT_PORT) == CURLUE_OK &&
	    (strcmp(x->scheme, "http") == 0 || strcmp(x->scheme, "https") == 0) &&
	    (private || strcmp(x->port, strcmp(x->scheme, "https") == 0 ? "443" : "80") == 0) &&
	    curl_url_get(x->u, CURLUPART_USER, &user, 0) != CURLUE_OK;
	curl_free(user);
	if (ok)
		snprintf(x->origin, sizeof(x->origin), "%s://%s:%s", x->scheme, x->host, x->port);
	return ok && strlen(x->host) < 256;
}

static CURLcode
get(CURL *c, const struct url *x, struct curl_slist *resolved, struct heard *h, char *error)
{
	curl_easy_reset(c);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, error);
	curl_easy_setopt(c, CURLOPT_CURLU, x->u);
	curl_easy_setopt(c, CURLOPT_RESOLVE, resolved);
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, TIMEOUT_MS);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "Kith/" PACKAGE_VERSION);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, h);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, h);
	return curl_easy_perform(c);
}

static void
ended(struct kith_went *w, enum kith_egress_outcome outcome, const char *text)
{
	w->outcome = outcome;
	snprintf(w->text, sizeof(w->text), "%s", text);
}

/* One step; false: it leads no further, and w says how it ended. */
static bool
step(CURL *c, struct url *x, const struct kith_page *p, struct kith_went *w)
{
	char error[CURL_ERROR_SIZE] = "", *to = NULL, *next = NULL;
	struct curl_slist *resolved = NULL;
	struct heard h;
	bool refused, was_https = strcmp(x->scheme, "https") == 0;
	CURLcode r;
	long status = 0;

	memset(&h, 0, sizeof(h));
	h.page = x->origin;
	h.ours = p->origin;
	h.c = c;
	if (!kith_resolve(x->host, (unsigned)strtoul(x->port, NULL, 10), p->private, &resolved, &refused)) {
		ended(w, refused ? KITH_EGRESS_PRIVATE : KITH_EGRESS_FAILED, refused ? "" : "no such host");
		return false;
	}
	r = get(c, x, resolved, &h, error);
	curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(c, CURLINFO_REDIRECT_URL, &to);
	curl_slist_free_all(resolved);
	w->status = status > 0 ? (unsigned)status : 0;
	if ((r != CURLE_OK && r != CURLE_WRITE_ERROR) || status == 0) {
		ended(w, KITH_EGRESS_FAILED, error[0] != '\0' ? error : curl_easy_strerror(r));
		return false;
	}
	if (to == NULL) {
		ended(w, kith_framing_forbids(&h.framing) ? KITH_EGRESS_FORBIDS : KITH_EGRESS_OK, "");
		return false;
	}
	next = strdup(to);
	if (next == NULL || !url_take(x, next, p->private) || (was_https && strcmp(x->scheme, "https") != 0)) {
		free(next);
		ended(w, KITH_EGRESS_BAD, "");
		return false;
	}
	free(next);
	return true;
}

void
kith_page_ask(const struct kith_page *p, struct kith_went *w)
{
	CURL *c = curl_easy_init();
	struct url x = { .u = curl_url() };
	int left = REDIRECTS_MAX;

	memset(w, 0, sizeof(*w));
	if (c == NULL || x.u == NULL)
		ended(w, KITH_EGRESS_FAILED, "out of memory");
	else if (!url_take(&x, p->url, p->private))
		ended(w, KITH_EGRESS_BAD, "");
	else
		while (step(c, &x, p, w)) {
			if (left-- == 0) {
				ended(w, KITH_EGRESS_FAILED, "it leads on and on");
				break;
			}
		}
	url_forget(&x);
	curl_url_cleanup(x.u);
	curl_easy_cleanup(c);
}
