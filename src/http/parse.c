#include "http/parse.h"

#include <stdlib.h>
#include <string.h>

enum state { START, FIELDS, HEAD_DONE, LENGTH, CHUNK_SIZE, CHUNK_DATA, CHUNK_END, LAST_END, DONE, FAILED };

struct kith_http_reader {
	bool responses;
	enum state state;
	int status;             /* in FAILED */
	struct kith_buf buf;    /* the head as it came, then its slices' home */
	size_t line;            /* where in buf the line at hand begins */
	size_t fields;          /* where the fields begin */
	size_t n_fields;
	struct kith_http_head *head;
	uint64_t left;          /* of the body or the chunk */
	unsigned digits;        /* of the chunk size seen so far */
	bool cr;                /* the last byte of a line end was a CR */
};

struct kith_http_reader *
kith_http_reader_new(bool responses)
{
	struct kith_http_reader *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->responses = responses;
	kith_buf_init(&r->buf, 0);
	return r;
}

void
kith_http_reader_free(struct kith_http_reader *r)
{
	if (r == NULL)
		return;
	kith_buf_fini(&r->buf);
	free(r->head);
	free(r);
}

void
kith_http_reader_next(struct kith_http_reader *r)
{
	kith_buf_reset(&r->buf);
	r->state = START;
	r->line = r->fields = r->n_fields = 0;
	r->left = 0;
	r->digits = 0;
	r->cr = false;
}

void
kith_http_reader_rest(struct kith_http_reader *r)
{
	kith_http_reader_next(r);
	kith_buf_fini(&r->buf);
	free(r->head);
	r->head = NULL;
}

const struct kith_http_head *
kith_http_reader_head(const struct kith_http_reader *r)
{
	kith_assert(r->state > FIELDS && r->state < FAILED);
	return r->head;
}

int
kith_http_reader_status(const struct kith_http_reader *r)
{
	return r->responses ? 502 : r->status;
}

uint64_t
kith_http_reader_owed(const struct kith_http_reader *r)
{
	return r->state == CHUNK_DATA ? r->left : 0;
}

bool
kith_http_reader_begun(const struct kith_http_reader *r)
{
	return r->state != START || r->buf.n > 0;
}

static enum kith_http_event
fail(struct kith_http_reader *r, int status)
{
	r->state = FAILED;
	r->status = status;
	return KITH_HTTP_ERROR;
}

/* ---- the grammar ---- */

static bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool
is_alpha(uint8_t c)
{
	c |= 0x20;
	return c >= 'a' && c <= 'z';
}

static int
hex_value(uint8_t c)
{
	if (is_digit(c))
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
is_token(struct kith_slice s)
{
	size_t i;

	for (i = 0; i < s.n; i++) {
		if (!is_digit(s.p[i]) && !is_alpha(s.p[i]) && (s.p[i] == 0 || strchr("!#$%&'*+-.^_`|~", s.p[i]) == NULL))
			return false;
	}
	return s.n > 0;
}

static bool
is_value(struct kith_slice s)
{
	size_t i;

	for (i = 0; i < s.n; i++) {
		if ((s.p[i] < 0x20 && s.p[i] != '\t') || s.p[i] == 0x7f)
			return false;
	}
	return true;
}

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

struct kith_slice
kith_http_trim(struct kith_slice s)
{
	while (s.n > 0 && is_blank(s.p[0]))
		s = kith_slice_from(s, 1);
	while (s.n > 0 && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* Cuts *s before the first c; what follows c stays in *s, or nothing does. */
static struct kith_slice
cut(struct kith_slice *s, int c)
{
	const uint8_t *at = s->n > 0 ? memchr(s->p, c, s->n) : NULL;
	struct kith_slice front = *s;

	if (at == NULL) {
		s->n = 0;
		return front;
	}
	front.n = (size_t)(at - s->p);
	*s = kith_slice_from(*s, front.n + 1);
	return front;
}

/* As cut, but c must be there. */
static bool
cut_at(struct kith_slice *s, int c, struct kith_slice *front)
{
	if (s->n == 0 || memchr(s->p, c, s->n) == NULL)
		return false;
	*front = cut(s, c);
	return true;
}

static uint8_t
lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

bool
kith_http_same_name(struct kith_slice a, const char *name)
{
	size_t i;

	if (a.n != strlen(name))
		return false;
	for (i = 0; i < a.n; i++) {
		if (lower(a.p[i]) != lower((uint8_t)name[i]))
			return false;
	}
	return true;
}

bool
kith_http_has_token(struct kith_slice list, const char *token)
{
	while (list.n > 0) {
		if (kith_http_same_name(kith_http_trim(cut(&list, ',')), token))
			return true;
	}
	return false;
}

const struct kith_slice *
kith_http_field(const struct kith_http_head *h, const char *name, size_t *n)
{
	const struct kith_slice *found = NULL;
	size_t i, count = 0;

	for (i = 0; i < h->n_fields; i++) {
		if (!kith_http_same_name(h->fields[i].name, name))
			continue;
		if (found == NULL)
			found = &h->fields[i].value;
		count++;
	}
	if (n != NULL)
		*n = count;
	return found;
}

bool
kith_http_cookie(const struct kith_http_head *h, const char *name, struct kith_slice *value)
{
	size_t n, found = 0;
	const struct kith_slice *field = kith_http_field(h, "cookie", &n);
	struct kith_slice list, pair, key, hit = { NULL, 0 };

	if (n != 1)
		return false;
	list = *field;
	while (list.n > 0) {
		pair = kith_http_trim(cut(&list, ';'));
		if (cut_at(&pair, '=', &key) && kith_slice_is(key, name)) {
			hit = pair;
			found++;
		}
	}
	if (found != 1)
		return false;
	*value = hit;
	return true;
}

bool
kith_http_bearer(const struct kith_http_head *h, struct kith_slice *token)
{
	size_t n;
	const struct kith_slice *field = kith_http_field(h, "authorization", &n);
	struct kith_slice rest, scheme;

	if (n != 1)
		return false;
	rest = *field;
	if (!cut_at(&rest, ' ', &scheme) || !kith_http_same_name(scheme, "bearer"))
		return false;
	*token = kith_http_trim(rest);            /* not empty: the value has no blanks at its end */
	return true;
}

static bool
take_port(struct kith_slice s, unsigned *port)
{
	unsigned v = 0;
	size_t i;

	if (s.n == 0 || s.n > 5)
		return false;
	for (i = 0; i < s.n; i++) {
		if (!is_digit(s.p[i]))
			return false;
		v = v * 10 + (unsigned)(s.p[i] - '0');
	}
	*port = v;
	return v > 0 && v <= 65535;
}

int
kith_http_split_host(struct kith_slice host, struct kith_slice *name, unsigned *port)
{
	struct kith_slice rest = host, front;
	bool v6 = host.n > 0 && host.p[0] == '[';
	unsigned v = 0;
	size_t i;

	if (v6) {
		rest = kith_slice_from(rest, 1);
		if (!cut_at(&rest, ']', &front))
			return KITH_E_MALFORMED;
		if (rest.n > 0 && (rest.p[0] != ':' || !take_port(kith_slice_from(rest, 1), &v)))
			return KITH_E_MALFORMED;
	} else if (cut_at(&rest, ':', &front)) {
		if (!take_port(rest, &v))
			return KITH_E_MALFORMED;
	} else {
		front = host;
	}
	if (front.n == 0 || front.n > 255)
		return KITH_E_MALFORMED;
	for (i = 0; i < front.n; i++) {
		uint8_t c = front.p[i];

		if (v6 ? hex_value(c) < 0 && c != ':' && c != '.' : !is_digit(c) && !is_alpha(c) && c != '-' && c != '.' && c != '_')
			return KITH_E_MALFORMED;
	}
	*name = front;
	*port = v;
	return KITH_OK;
}

/* ---- the head ---- */

static const char *const methods[KITH_HTTP_OTHER_METHOD] = {
	[KITH_HTTP_GET] = "GET", [KITH_HTTP_HEAD] = "HEAD", [KITH_HTTP_POST] = "POST", [KITH_HTTP_PUT] = "PUT",
	[KITH_HTTP_DELETE] = "DELETE", [KITH_HTTP_PATCH] = "PATCH", [KITH_HTTP_OPTIONS] = "OPTIONS",
};

static bool
target_ok(struct kith_slice t)
{
	size_t i;

	if (t.n == 0 || t.p[0] != '/')
		return false;
	for (i = 0; i < t.n; i++) {
		if (t.p[i] <= 0x20 || t.p[i] >= 0x7f || t.p[i] == '#')
			return false;
		if (t.p[i] == '%' && (t.n - i < 3 || hex_value(t.p[i + 1]) < 0 || hex_value(t.p[i + 2]) < 0))
			return false;
	}
	return true;
}

/* HTTP/ and two digits about a point: 0 for 1.1, 505 for another version, 400 otherwise. */
static int
version_status(struct kith_slice v)
{
	if (v.n != 8 || memcmp(v.p, "HTTP/", 5) != 0 || !is_digit(v.p[5]) || v.p[6] != '.' || !is_digit(v.p[7]))
		return 400;
	return v.p[5] == '1' && v.p[7] == '1' ? 0 : 505;
}

static int
request_line(struct kith_http_head *h, struct kith_slice line)
{
	struct kith_slice method, target;
	unsigned m = 0;
	int status;

	if (!cut_at(&line, ' ', &method) || !cut_at(&line, ' ', &target) || !is_token(method) || !target_ok(target))
		return 400;
	status = version_status(line);
	if (status != 0)
		return status;
	while (m < KITH_HTTP_OTHER_METHOD && !kith_slice_is(method, methods[m]))
		m++;
	h->method = (enum kith_http_method)m;
	h->method_name = method;
	h->target = target;
	h->query = target;
	h->path = cut(&h->query, '?');
	return m == KITH_HTTP_OTHER_METHOD ? 501 : 0;
}

static int
status_line(struct kith_http_head *h, struct kith_slice line)
{
	struct kith_slice version, code;

	if (!cut_at(&line, ' ', &version) || version_status(version) != 0 || !is_value(line))
		return 400;
	code = cut(&line, ' ');
	if (code.n != 3 || !is_digit(code.p[0]) || !is_digit(code.p[1]) || !is_digit(code.p[2]) || code.p[0] == '0')
		return 400;
	h->status = (code.p[0] - '0') * 100 + (code.p[1] - '0') * 10 + (code.p[2] - '0');
	return 0;
}

static int
start_line(struct kith_http_reader *r)
{
	struct kith_slice line = { r->buf.p, r->fields - 2 };

	memset(r->head, 0, sizeof(*r->head));
	r->head->response = r->responses;
	return r->responses ? status_line(r->head, line) : request_line(r->head, line);
}

static int
take_length(struct kith_http_head *h)
{
	size_t n, i;
	const struct kith_slice *v = kith_http_field(h, "content-length", &n);
	uint64_t length = 0;

	if (n == 0)
		return 0;
	if (n > 1 || v->n == 0)
		return 400;
	for (i = 0; i < v->n; i++) {
		if (!is_digit(v->p[i]))
			return 400;
		if (i < 18)
			length = length * 10 + (uint64_t)(v->p[i] - '0');
	}
	if (v->n > 18)
		return 413;
	h->length = length;
	h->has_body = length > 0;
	return 0;
}

static int
take_coding(struct kith_http_head *h)
{
	size_t n;
	const struct kith_slice *v = kith_http_field(h, "transfer-encoding", &n);

	if (n == 0)
		return 0;
	if (n > 1 || !kith_slice_is(*v, "chunked") || kith_http_field(h, "content-length", NULL) != NULL)
		return 400;
	h->chunked = h->has_body = true;
	return 0;
}

static int
take_host(struct kith_http_head *h)
{
	size_t n;
	const struct kith_slice *v = kith_http_field(h, "host", &n);
	struct kith_slice name;
	unsigned port;

	if (n != 1 || kith_http_split_host(*v, &name, &port) != KITH_OK)
		return 400;
	h->host = *v;
	return 0;
}

static int
take_expect(struct kith_http_head *h)
{
	size_t n;
	const struct kith_slice *v = kith_http_field(h, "expect", &n);

	if (n == 0)
		return 0;
	if (n > 1 || !kith_http_same_name(*v, "100-continue"))
		return 417;
	h->expect_continue = true;
	return 0;
}

static void
take_connection(struct kith_http_head *h)
{
	size_t i;

	h->keep_alive = true;
	for (i = 0; i < h->n_fields; i++) {
		if (!kith_http_same_name(h->fields[i].name, "connection"))
			continue;
		if (kith_http_has_token(h->fields[i].value, "close"))
			h->keep_alive = false;
		if (kith_http_has_token(h->fields[i].value, "upgrade"))
			h->upgrade = true;
	}
}

/* A response where a body is due must say how long it is. */
static int
body_of_response(struct kith_http_head *h)
{
	if (h->status < 200 || h->status == 204 || h->status == 304) {
		h->has_body = h->chunked = false;
		return 0;
	}
	return h->chunked || kith_http_field(h, "content-length", NULL) != NULL ? 0 : 400;
}

static int
finish_head(struct kith_http_reader *r)
{
	struct kith_http_head *h = r->head;
	struct kith_slice rest = { r->buf.p + r->fields, r->buf.n - r->fields - 2 }, line, name;
	int status = start_line(r);     /* again: the buffer may have moved */

	kith_assert(status == 0);
	while (rest.n > 0) {
		line = cut(&rest, '\n');
		line.n--;               /* each line was seen to end in CRLF */
		if (!cut_at(&line, ':', &name) || !is_token(name))
			return 400;
		line = kith_http_trim(line);
		if (!is_value(line))
			return 400;
		h->fields[h->n_fields++] = (struct kith_http_field){ name, line };
	}
	take_connection(h);
	if ((status = take_length(h)) != 0 || (status = take_coding(h)) != 0)
		return status;
	if (r->responses)
		return body_of_response(h);
	if ((status = take_host(h)) != 0)
		return status;
	return take_expect(h);
}

/* One line of the head is complete: buf[r->line, buf.n) with its CRLF. 0: go on. */
static int
head_line(struct kith_http_reader *r)
{
	size_t len = r->buf.n - r->line;

	if (len < 2 || r->buf.p[r->buf.n - 2] != '\r' || memchr(r->buf.p + r->line, '\r', len) != r->buf.p + r->buf.n - 2)
		return 400;
	if (r->state == START) {
		r->fields = r->line = r->buf.n;
		r->state = FIELDS;
		if (r->head == NULL && (r->head = malloc(sizeof(*r->head))) == NULL)
			return 500;
		return start_line(r);
	}
	if (len == 2) {
		r->state = HEAD_DONE;
		return finish_head(r);
	}
	if (r->n_fields == KITH_HTTP_FIELDS_MAX || r->buf.n - r->fields > KITH_HTTP_HEAD_MAX)
		return 431;
	r->n_fields++;
	r->line = r->buf.n;
	return 0;
}

/* Takes one line, or what there is of it. 0: *used of in was taken. */
static int
head_bytes(struct kith_http_reader *r, struct kith_slice in, size_t *used)
{
	const uint8_t *lf = memchr(in.p, '\n', in.n);
	size_t n = lf != NULL ? (size_t)(lf - in.p) + 1 : in.n, have = r->buf.n - r->line;
	size_t max = KITH_HTTP_LINE_MAX + (lf != NULL ? 2u : 1u);

	if (n > max || have > max - n)
		return r->state == START && !r->responses ? 414 : 431;
	kith_buf_put(&r->buf, in.p, n);
	if (kith_buf_err(&r->buf) != KITH_OK)
		return 500;
	*used += n;
	return lf != NULL ? head_line(r) : 0;
}

/* ---- bodies ---- */

/* A CRLF, perhaps in two parts. 1: taken whole, 0: half of it, -1: something else. */
static int
line_end(struct kith_http_reader *r, uint8_t c)
{
	if (!r->cr) {
		r->cr = true;
		return c == '\r' ? 0 : -1;
	}
	r->cr = false;
	return c == '\n' ? 1 : -1;
}

static bool
chunk_size_byte(struct kith_http_reader *r, uint8_t c)
{
	int v = hex_value(c);

	if (!r->cr && v >= 0 && r->digits < 8) {
		r->left = r->left << 4 | (unsigned)v;
		r->digits++;
		return true;
	}
	if (r->digits == 0)
		return false;
	switch (line_end(r, c)) {
	case 0:
		return true;
	case 1:
		r->state = r->left > 0 ? CHUNK_DATA : LAST_END;
		r->digits = 0;
		return true;
	default:
		return false;
	}
}

static bool
chunk_end_byte(struct kith_http_reader *r, uint8_t c)
{
	int e = line_end(r, c);

	if (e == 1)
		r->state = r->state == CHUNK_END ? CHUNK_SIZE : DONE;
	return e >= 0;
}

static enum kith_http_event
body_bytes(struct kith_http_reader *r, struct kith_slice in, size_t *used, struct kith_slice *body)
{
	*body = in;
	if (body->n > r->left)
		body->n = (size_t)r->left;
	r->left -= body->n;
	*used += body->n;
	if (r->left == 0)
		r->state = r->state == LENGTH ? DONE : CHUNK_END;
	return KITH_HTTP_BODY;
}

static enum state
after_head(const struct kith_http_head *h)
{
	if (!h->has_body)
		return DONE;
	return h->chunked ? CHUNK_SIZE : LENGTH;
}

enum kith_http_event
kith_http_read(struct kith_http_reader *r, struct kith_slice in, size_t *used, struct kith_slice *body)
{
	int status;

	*used = 0;
	for (;;) {
		struct kith_slice rest = kith_slice_from(in, *used);

		switch (r->state) {
		case FAILED:
			return KITH_HTTP_ERROR;
		case DONE:
			return KITH_HTTP_DONE;
		case HEAD_DONE:
			r->left = r->head->chunked ? 0 : r->head->length;
			r->state = after_head(r->head);
			continue;
		default:
			break;
		}
		if (rest.n == 0)
			return KITH_HTTP_MORE;
		if (r->state == START || r->state == FIELDS) {
			status = head_bytes(r, rest, used);
			if (status != 0)
				return fail(r, status);
			if (r->state == HEAD_DONE)
				return KITH_HTTP_HEADERS;
		} else if (r->state == LENGTH || r->state == CHUNK_DATA) {
			return body_bytes(r, rest, used, body);
		} else {
			if (!(r->state == CHUNK_SIZE ? chunk_size_byte(r, rest.p[0]) : chunk_end_byte(r, rest.p[0])))
				return fail(r, 400);
			(*used)++;
		}
	}
}
