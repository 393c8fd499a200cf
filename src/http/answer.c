#include "http/conn.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PIECE 65536u                    /* of a file, at once */

static void
put_date(struct kith_buf *b)
{
	static const char days[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	time_t t = time(NULL);
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL)
		return;
	kith_buf_printf(b, "Date: %s, %02d %s %04d %02d:%02d:%02d GMT\r\n", days[tm.tm_wday], tm.tm_mday,
	    months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static void
put_unless_given(struct kith_buf *b, const struct kith_http_field *fields, size_t n, const char *name, const char *value)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (kith_http_same_name(fields[i].name, name))
			return;
	}
	kith_http_put_field(b, name, kith_slice_str(value));
}

static void
put_fields(struct kith_buf *b, const struct kith_http_field *fields, size_t n)
{
	char name[64];
	size_t i;

	for (i = 0; i < n; i++) {
		size_t len = fields[i].name.n;

		if (len >= sizeof(name)) {
			b->err = KITH_E_MALFORMED;
			return;
		}
		memcpy(name, fields[i].name.p, len);
		name[len] = '\0';
		kith_http_put_field(b, strlen(name) == len ? name : "", fields[i].value);
	}
}

static void
put_answer(struct kith_buf *b, int status, bool close_after, const struct kith_http_field *fields, size_t n_fields,
    const char *type, size_t length)
{
	kith_http_put_status(b, status);
	put_date(b);
	put_fields(b, fields, n_fields);
	if (type != NULL)
		kith_http_put_field(b, "Content-Type", kith_slice_str(type));
	put_unless_given(b, fields, n_fields, "Cache-Control", "no-store");
	put_unless_given(b, fields, n_fields, "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
	put_unless_given(b, fields, n_fields, "Referrer-Policy", "no-referrer");
	kith_http_put_field(b, "X-Content-Type-Options", kith_slice_str("nosniff"));
	if (close_after)
		kith_http_put_field(b, "Connection", kith_slice_str("close"));
	if (status != 204 && status != 304)
		kith_http_put_length(b, length);
	kith_http_put_end(b);
}

/* The answer has been handed over: on to the next request, once it has left. */
static void
sent_all_or_wait(struct kith_http_conn *c)
{
	if (c->s.n > 0) {
		kith_conn_enter(c, KITH_CONN_ANSWER, KITH_CONN_STUCK_MS);
		return;
	}
	kith_conn_enter(c, KITH_CONN_IDLE, c->of->conf.idle_ms);
	kith_reactor_defer(c->of->r, &c->later);
}

int
kith_conn_answer(struct kith_http_conn *c, int status, bool close_after, const struct kith_http_field *fields, size_t n_fields,
    const char *type, struct kith_slice body)
{
	const struct kith_http_head *h = c->request.head;
	bool bare = (h != NULL && h->method == KITH_HTTP_HEAD) || status == 204 || status == 304;
	struct kith_buf b;
	int r;

	kith_buf_init(&b, 0);
	put_answer(&b, status, close_after, fields, n_fields, type, c->file >= 0 ? c->file_left : body.n);
	if (kith_buf_err(&b) == KITH_E_MALFORMED) {
		kith_buf_reset(&b);
		kith_conn_drop_file(c);
		body = kith_slice_str("");
		put_answer(&b, 500, close_after, NULL, 0, NULL, 0);
	}
	if (!bare)
		kith_buf_put_slice(&b, body);
	r = kith_buf_err(&b);
	if (r == KITH_OK)
		r = kith_stream_send(&c->s, kith_buf_slice(&b));
	kith_buf_fini(&b);
	c->request.head = NULL;
	c->request.body = kith_slice_of(NULL, 0);
	if (bare)
		kith_conn_drop_file(c);
	if (r != KITH_OK || (close_after && c->file < 0)) {
		kith_conn_end(c, 0, r == KITH_OK);
		return r;
	}
	c->close_after = close_after;
	kith_buf_fini(&c->body);
	if (!close_after)
		kith_http_reader_rest(c->reader);
	c->fresh = false;
	if (c->file >= 0)
		kith_conn_feed(c);
	else
		sent_all_or_wait(c);
	return KITH_OK;
}

void
kith_conn_drop_file(struct kith_http_conn *c)
{
	if (c->file >= 0)
		close(c->file);
	c->file = -1;
	c->file_left = 0;
}

void
kith_conn_feed(struct kith_http_conn *c)
{
	while (c->file_left > 0 && c->s.n == 0) {
		size_t want = c->file_left < PIECE ? (size_t)c->file_left : PIECE;
		struct kith_blob *b = kith_blob_alloc(want);
		ssize_t n = b != NULL ? pread(c->file, b->p, want, (off_t)c->file_off) : -1;
		int r = KITH_E_IO;

		/* a length has been promised: less than that can only be an end in the middle */
		if (n > 0) {
			b->n = (size_t)n;
			c->file_off += (size_t)n;
			c->file_left -= (size_t)n;
			r = kith_stream_send_blob(&c->s, b);
		}
		kith_blob_unref(b);
		if (r != KITH_OK) {
			kith_conn_end(c, 0, false);
			return;
		}
	}
	if (c->file_left > 0) {
		kith_conn_enter(c, KITH_CONN_ANSWER, KITH_CONN_STUCK_MS);
		return;
	}
	kith_conn_drop_file(c);
	if (c->close_after)
		kith_conn_end(c, 0, true);
	else
		sent_all_or_wait(c);
}

void
kith_conn_refuse(struct kith_http_conn *c, int status, const struct kith_http_field *fields, size_t n_fields)
{
	struct kith_http_counts *n = &c->of->counts;
	char text[64];

	if (status == 408)
		n->slow++;
	else if (status == 403 || status == 308)
		n->plain++;
	else if (status == 413 || status == 414 || status == 431)
		n->too_large++;
	else
		n->malformed++;
	(void)snprintf(text, sizeof(text), "%s\n", kith_http_status_text(status));
	(void)kith_conn_answer(c, status, true, fields, n_fields, "text/plain; charset=utf-8", kith_slice_str(text));
}
