/*
 * The HTTP reader tells the same story however its input is cut: whole, in two
 * at every place, byte by byte; as requests, and as responses.
 */
#include <stdlib.h>
#include <string.h>

#include "http/parse.h"

enum { SPLITS_MAX = 600 };

struct story {
	int status;
	unsigned messages, n_fields;
	size_t used, body;
	uint64_t sum;                   /* of all that was told, in order */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
add(struct story *s, struct kith_slice b)
{
	size_t i;

	for (i = 0; i < b.n; i++)
		s->sum = (s->sum ^ b.p[i]) * 0x100000001b3u;
}

static void
add_head(struct story *s, const struct kith_http_head *h)
{
	struct kith_slice v;
	size_t i;

	s->n_fields += (unsigned)h->n_fields;
	for (i = 0; i < h->n_fields; i++) {
		add(s, h->fields[i].name);
		add(s, h->fields[i].value);
	}
	if (!h->response) {
		if (h->target.p[0] != '/' || h->host.n == 0 || (h->chunked && kith_http_field(h, "content-length", NULL) != NULL))
			abort();
		add(s, h->target);
		add(s, h->path);
		add(s, h->query);
	}
	if (kith_http_cookie(h, "kith", &v) || kith_http_bearer(h, &v))
		add(s, v);
}

/* Feeds piece by piece; true: there is no use in going on. */
static bool
feed(struct kith_http_reader *r, struct kith_slice in, struct story *s)
{
	struct kith_slice body = { NULL, 0 };
	size_t used;

	for (;;) {
		enum kith_http_event e = kith_http_read(r, in, &used, &body);

		if (used > in.n)
			abort();
		in = kith_slice_from(in, used);
		s->used += used;
		switch (e) {
		case KITH_HTTP_MORE:
			if (in.n > 0)
				abort();
			return false;
		case KITH_HTTP_HEADERS:
			add_head(s, kith_http_reader_head(r));
			break;
		case KITH_HTTP_BODY:
			s->body += body.n;
			add(s, body);
			break;
		case KITH_HTTP_DONE:
			s->messages++;
			kith_http_reader_next(r);
			break;
		case KITH_HTTP_ERROR:
			s->status = kith_http_reader_status(r);
			s->used = 0;            /* a line may be refused before its end is seen */
			return true;
		}
	}
}

static struct story
tell(struct kith_slice in, size_t first, size_t step, bool responses)
{
	struct kith_http_reader *r = kith_http_reader_new(responses);
	struct story s = { 0 };
	size_t n = first;

	if (r == NULL)
		abort();
	while (in.n > 0) {
		if (n > in.n)
			n = in.n;
		if (feed(r, kith_slice_of(in.p, n), &s))
			break;
		in = kith_slice_from(in, n);
		n = step;
	}
	kith_http_reader_free(r);
	return s;
}

static void
same(const struct story *a, const struct story *b)
{
	if (a->status != b->status || a->messages != b->messages || a->n_fields != b->n_fields || a->used != b->used ||
	    a->body != b->body || a->sum != b->sum)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kith_slice in = kith_slice_of(data, size);
	struct story whole, other;
	int responses;
	size_t i;

	for (responses = 0; responses < 2; responses++) {
		whole = tell(in, size, size, responses);
		other = tell(in, 1, 1, responses);
		same(&whole, &other);
		for (i = 1; i < size && i < SPLITS_MAX; i++) {
			other = tell(in, i, size, responses);
			same(&whole, &other);
		}
	}
	return 0;
}
