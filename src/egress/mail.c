#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "base/mail.h"
#include "egress/egress.h"
#include "egress/resolve.h"

#define TIMEOUT_S 20L
#define WORD_BYTES 42u          /* of UTF-8 in one encoded word, which has at most 75 characters */

void
kith_mail_word(struct kith_buf *out, struct kith_slice text)
{
	char b64[sodium_base64_ENCODED_LEN(WORD_BYTES, sodium_base64_VARIANT_ORIGINAL)];
	bool ascii = true;

	for (size_t i = 0; i < text.n; i++)
		ascii = ascii && text.p[i] >= 0x20 && text.p[i] < 0x7f;
	if (ascii && text.n <= 60) {
		kith_buf_put_slice(out, text);
		return;
	}
	for (size_t at = 0; at < text.n;) {
		size_t n = text.n - at < WORD_BYTES ? text.n - at : WORD_BYTES;

		while (at + n < text.n && n > 1 && (text.p[at + n] & 0xc0) == 0x80)
			n--;
		sodium_bin2base64(b64, sizeof(b64), text.p + at, n, sodium_base64_VARIANT_ORIGINAL);
		kith_buf_printf(out, "%s=?UTF-8?B?%s?=", at > 0 ? "\r\n " : "", b64);
		at += n;
	}
}

static void
field(struct kith_buf *out, const char *name, const char *value, const char *address)
{
	kith_buf_printf(out, "%s: ", name);
	kith_mail_word(out, kith_slice_str(value));
	if (address != NULL)
		kith_buf_printf(out, "%s<%s>", value[0] != '\0' ? " " : "", address);
	kith_buf_put_str(out, "\r\n");
}

/* RFC 5322, one part of text in base64, which no server on the way has to touch. */
static void
compose(const struct kith_mail *m, struct kith_buf *out)
{
	struct kith_slice text = kith_slice_str(m->text);
	uint8_t id[16];
	char hex[33], date[64], line[320], b64[80];
	time_t now = time(NULL);
	struct tm tm;

	randombytes_buf(id, sizeof(id));
	sodium_bin2hex(hex, sizeof(hex), id, sizeof(id));
	snprintf(line, sizeof(line), "<%s%s>", hex, strchr(m->from, '@'));
	gmtime_r(&now, &tm);
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S +0000", &tm);
	field(out, "Date", date, NULL);
	field(out, "From", m->name, m->from);
	field(out, "To", "", m->to);
	field(out, "Subject", m->subject, NULL);
	kith_buf_printf(out, "Message-ID: %s\r\n", line);
	field(out, "Auto-Submitted", "auto-generated", NULL);
	kith_buf_put_str(out, "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n");
	while (text.n > 0) {
		size_t n = text.n < 57 ? text.n : 57;

		sodium_bin2base64(b64, sizeof(b64), text.p, n, sodium_base64_VARIANT_ORIGINAL);
		kith_buf_printf(out, "%s\r\n", b64);
		text = kith_slice_from(text, n);
	}
}

static size_t
on_read(char *p, size_t size, size_t n, void *arg)
{
	struct kith_slice *left = arg;
	size_t got = size * n < left->n ? size * n : left->n;

	if (got > 0)
		memcpy(p, left->p, got);
	*left = kith_slice_from(*left, got);
	return got;
}

/* "starttls://host:587" -> smtp://host:587/ and whether TLS is a must from the greeting on. */
static bool
take_server(const char *server, CURLU *u, char *host, size_t host_max, unsigned *port, bool *starttls)
{
	static const char start[] = "starttls://";
	char *h = NULL, *p = NULL, url[600];
	bool ok;

	*starttls = strncmp(server, start, sizeof(start) - 1) == 0;
	if (snprintf(url, sizeof(url), "%s%s/", *starttls ? "smtp://" : "", *starttls ? server + sizeof(start) - 1 : server) >= (int)sizeof(url))
		return false;
	ok = curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK && curl_url_get(u, CURLUPART_HOST, &h, 0) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_PORT, &p, CURLU_DEFAULT_PORT) == CURLUE_OK && strlen(h) < host_max;
	if (ok) {
		snprintf(host, host_max, "%s", h);
		*port = (unsigned)strtoul(p, NULL, 10);
	}
	curl_free(h);
	curl_free(p);
	return ok;
}

static void
failed(struct kith_went *w, const char *why)
{
	w->outcome = KITH_EGRESS_FAILED;
	snprintf(w->text, sizeof(w->text), "%s", why);
}

static CURLcode
deliver(CURL *c, CURLU *u, struct curl_slist *resolved, bool starttls, const struct kith_mail *m, char *error)
{
	struct curl_slist *rcpt = curl_slist_append(NULL, m->to);
	CURLcode r = CURLE_OUT_OF_MEMORY;
	struct kith_buf message;
	struct kith_slice left;

	kith_buf_init(&message, 0);
	compose(m, &message);
	if (rcpt != NULL && kith_buf_err(&message) == KITH_OK) {
		left = kith_buf_slice(&message);
		curl_easy_setopt(c, CURLOPT_ERRORBUFFER, error);
		curl_easy_setopt(c, CURLOPT_CURLU, u);
		curl_easy_setopt(c, CURLOPT_RESOLVE, resolved);
		curl_easy_setopt(c, CURLOPT_PROXY, "");
		curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
		curl_easy_setopt(c, CURLOPT_TIMEOUT, TIMEOUT_S);
		curl_easy_setopt(c, CURLOPT_USE_SSL, starttls ? (long)CURLUSESSL_ALL : (long)CURLUSESSL_NONE);
		if (m->user[0] != '\0') {
			curl_easy_setopt(c, CURLOPT_USERNAME, m->user);
			curl_easy_setopt(c, CURLOPT_PASSWORD, m->password);
		}
		curl_easy_setopt(c, CURLOPT_MAIL_FROM, m->from);
		curl_easy_setopt(c, CURLOPT_MAIL_RCPT, rcpt);
		curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(c, CURLOPT_READFUNCTION, on_read);
		curl_easy_setopt(c, CURLOPT_READDATA, &left);
		r = curl_easy_perform(c);
	}
	curl_slist_free_all(rcpt);
	kith_buf_fini(&message);
	return r;
}

void
kith_mail_send(const struct kith_mail *m, struct kith_went *w)
{
	char error[CURL_ERROR_SIZE] = "", host[256];
	struct curl_slist *resolved = NULL;
	unsigned port = 0;
	bool starttls, refused;
	CURL *c = curl_easy_init();
	CURLU *u = curl_url();
	CURLcode r;
	long code = 0;

	memset(w, 0, sizeof(*w));
	if (c == NULL || u == NULL) {
		failed(w, "out of memory");
	} else if (!kith_is_mail_address(kith_slice_str(m->from)) || !kith_is_mail_address(kith_slice_str(m->to))) {
		failed(w, "that is no address for mail");
	} else if (!take_server(m->server, u, host, sizeof(host), &port, &starttls)) {
		failed(w, "smtp: not smtp://HOST:PORT, starttls://HOST:PORT or smtps://HOST:PORT");
	} else if (!kith_resolve(host, port, true, &resolved, &refused)) {
		failed(w, "the mail server's name is not known");
	} else {
		r = deliver(c, u, resolved, starttls, m, error);
		curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &code);
		w->status = code > 0 ? (unsigned)code : 0;
		if (r != CURLE_OK)
			failed(w, error[0] != '\0' ? error : curl_easy_strerror(r));
	}
	curl_slist_free_all(resolved);
	curl_url_cleanup(u);
	curl_easy_cleanup(c);
}
