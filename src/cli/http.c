#include "cli/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/known.h"

#define BODY_MAX (64u << 20)    /* a page of 100 messages of 32 KiB, each byte escaped, and room */

struct cli_http {
	struct cli_url url;
	char *known;
	bool insecure;
	struct cli_net *net;            /* NULL: none is open */
	struct kith_http_reader *reader;
	uint8_t in[65536];
};

struct cli_http *
cli_http_new(const struct cli_url *u, const char *known, bool insecure)
{
	struct cli_http *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return NULL;
	h->url = *u;
	h->insecure = insecure;
	h->known = strdup(known);
	h->reader = kith_http_reader_new(true);
	if (h->known == NULL || h->reader == NULL) {
		cli_http_free(h);
		return NULL;
	}
	return h;
}

void
cli_http_free(struct cli_http *h)
{
	if (h == NULL)
		return;
	cli_net_close(h->net);
	kith_http_reader_free(h->reader);
	free(h->known);
	free(h);
}

const struct cli_url *
cli_http_url(const struct cli_http *h)
{
	return &h->url;
}

int
cli_http_dial(struct cli_http *h, struct cli_net **out, struct kith_diag *d)
{
	return cli_known_dial(&h->url, h->known, h->insecure, out, d);
}

static void
hang_up(struct cli_http *h)
{
	cli_net_close(h->net);
	h->net = NULL;
	kith_http_reader_next(h->reader);
}

static void
retry_after(const struct kith_http_head *head, struct cli_answer *out)
{
	size_t n;
	const struct kith_slice *v = kith_http_field(head, "retry-after", &n);

	out->retry_after_s = 0;
	for (size_t i = 0; n == 1 && i < v->n && i < 6 && v->p[i] >= '0' && v->p[i] <= '9'; i++)
		out->retry_after_s = out->retry_after_s * 10 + (uint64_t)(v->p[i] - '0');
}

static int
take_answer(struct cli_http *h, uint64_t deadline, struct cli_answer *out, bool *keep, struct kith_diag *d)
{
	struct kith_slice piece, in = { NULL, 0 };
	enum kith_http_event e;
	size_t used, got;
	int r;

	for (;;) {
		e = kith_http_read(h->reader, in, &used, &piece);
		in = kith_slice_from(in, used);
		switch (e) {
		case KITH_HTTP_MORE:
			r = cli_net_read(h->net, h->in, sizeof(h->in), deadline, &got, d);
			if (r == KITH_OK && got == 0) {
				kith_diag_set(d, "the node has closed the connection");
				r = KITH_E_BUSY;
			}
			if (r != KITH_OK)
				return r == KITH_E_EARLY ? KITH_E_BUSY : r;
			in = kith_slice_of(h->in, got);
			break;
		case KITH_HTTP_HEADERS:
			out->status = kith_http_reader_head(h->reader)->status;
			*keep = kith_http_reader_head(h->reader)->keep_alive;
			retry_after(kith_http_reader_head(h->reader), out);
			break;
		case KITH_HTTP_BODY:
			kith_buf_put_slice(&out->body, piece);
			if (kith_buf_err(&out->body) != KITH_OK) {
				kith_diag_set(d, "the node's answer is longer than %u MiB", BODY_MAX >> 20);
				return kith_buf_err(&out->body);
			}
			break;
		case KITH_HTTP_DONE:
			*keep = *keep && in.n == 0;
			return KITH_OK;
		case KITH_HTTP_ERROR:
			kith_diag_set(d, "what answers at %s is not a Kith node", h->url.text);
			return KITH_E_MALFORMED;
		}
	}
}

int
cli_http_post(struct cli_http *h, const char *target, const char *token, struct kith_slice json,
    uint64_t timeout_ms, struct cli_answer *out, bool *reached, struct kith_diag *d)
{
	uint64_t deadline = cli_now_ms() + timeout_ms;
	struct kith_buf b;
	bool keep = false;
	int r = KITH_OK;

	*reached = false;
	memset(out, 0, sizeof(*out));
	kith_buf_init(&out->body, BODY_MAX);
	kith_buf_init(&b, 0);
	if (h->net != NULL && cli_net_is_stale(h->net))
		hang_up(h);
	if (h->net == NULL)
		r = cli_http_dial(h, &h->net, d);
	if (r != KITH_OK)
		return r;
	kith_http_put_request(&b, "POST", kith_slice_str(target), kith_slice_str(h->url.hostport));
	kith_http_put_field(&b, "User-Agent", kith_slice_str("kith/" PACKAGE_VERSION));
	kith_http_put_field(&b, "Accept", kith_slice_str("application/json"));
	kith_http_put_field(&b, "Content-Type", kith_slice_str("application/json"));
	if (token != NULL) {
		char bearer[128];

		snprintf(bearer, sizeof(bearer), "Bearer %s", token);
		kith_http_put_field(&b, "Authorization", kith_slice_str(bearer));
	}
	kith_http_put_length(&b, json.n);
	kith_http_put_end(&b);
	kith_buf_put_slice(&b, json);
	r = kith_buf_err(&b);
	if (r != KITH_OK)
		kith_diag_set(d, "the request cannot be made: %s", kith_err_name(r));
	if (r == KITH_OK) {
		*reached = true;
		r = cli_net_write(h->net, kith_buf_slice(&b), deadline, d);
	}
	/* a node that refuses a request before its end says why; a write that failed does not hide it */
	if (r == KITH_OK || r == KITH_E_BUSY) {
		int answered = take_answer(h, r == KITH_OK ? deadline : cli_now_ms() + 1000, out, &keep, d);

		if (r == KITH_OK || answered == KITH_OK)
			r = answered;
	}
	if (r == KITH_OK && keep)
		kith_http_reader_next(h->reader);
	else
		hang_up(h);
	kith_buf_fini(&b);
	return r;
}
