#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/b32.h"
#include "client/files.h"
#include "daemon/clock.h"
#include "daemon/files.h"
#include "daemon/inner.h"
#include "daemon/log.h"
#include "wire/mp.h"

/* GET /blob/ID: a file for whoever may have it, from the disk or, when it is not there yet, from another node. */

static const char base[] = "/blob/";

bool
edge_is_download(const struct kith_http_head *h)
{
	return h->path.n > sizeof(base) - 1 && memcmp(h->path.p, base, sizeof(base) - 1) == 0;
}

static bool
take_number(struct kith_slice *s, uint64_t *out)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < s->n && i < 18 && s->p[i] >= '0' && s->p[i] <= '9'; i++)
		n = n * 10 + (uint64_t)(s->p[i] - '0');
	*s = kith_slice_from(*s, i);
	*out = n;
	return i > 0;
}

enum range { RANGE_ALL, RANGE_PART, RANGE_NONE /* 416 */ };

/* "bytes=A-B", "bytes=A-" or "bytes=-N", once; whatever else there is means all of it. */
static enum range
take_range(const struct kith_http_head *h, const char *etag, uint64_t size, uint64_t *off, uint64_t *len)
{
	static const char unit[] = "bytes=";
	const struct kith_slice *v = kith_http_field(h, "range", NULL), *when = kith_http_field(h, "if-range", NULL);
	uint64_t a = 0, b = 0;
	struct kith_slice s;
	bool has_a, has_b;
	size_t n = 0;

	*off = 0;
	*len = size;
	(void)kith_http_field(h, "range", &n);
	if (v == NULL || n != 1 || h->method != KITH_HTTP_GET || (when != NULL && !kith_slice_is(*when, etag)) ||
	    v->n < sizeof(unit) || memcmp(v->p, unit, sizeof(unit) - 1) != 0)
		return RANGE_ALL;
	s = kith_slice_from(*v, sizeof(unit) - 1);
	has_a = take_number(&s, &a);
	if (s.n == 0 || s.p[0] != '-')
		return RANGE_ALL;
	s = kith_slice_from(s, 1);
	has_b = take_number(&s, &b);
	if (s.n != 0 || (!has_a && !has_b) || (has_a && has_b && b < a))
		return RANGE_ALL;
	if (!has_a) {
		if (b == 0)
			return RANGE_NONE;
		a = b < size ? size - b : 0;
		b = size - 1;
	} else if (!has_b || b >= size) {
		b = size - 1;
	}
	if (size == 0 || a >= size)
		return RANGE_NONE;
	*off = a;
	*len = b - a + 1;
	return RANGE_PART;
}

static void
nothing(struct kith_edge *e, struct kith_http_conn *c)
{
	edge_reply_error(e, c, 404, "not_found", "there is no such file", false, 0);
}

static void
serve(struct kith_edge *e, struct kith_http_conn *c, const struct kith_id *id, const struct kith_file *f)
{
	const struct kith_http_head *h = kith_http_conn_request(c)->head;
	const struct kith_slice *known = kith_http_field(h, "if-none-match", NULL);
	struct kith_http_field field[8];
	char etag[KITH_ID_STR + 2], text[KITH_ID_STR], range[80];
	uint64_t size, off, len;
	enum range part;
	size_t n = 0;
	int fd, r;

	snprintf(etag, sizeof(etag), "\"%s\"", kith_id_str(id, text));
#define FIELD(name_, value_) (field[n++] = (struct kith_http_field){ kith_slice_str(name_), kith_slice_str(value_) })
	/* the bytes of a name never change; who may see them can */
	FIELD("Cache-Control", "private, max-age=31536000, immutable");
	FIELD("Content-Security-Policy", "sandbox; default-src 'none'; frame-ancestors 'none'");
	FIELD("Cross-Origin-Resource-Policy", "same-origin");
	FIELD("ETag", etag);
	if (known != NULL && kith_slice_is(*known, etag)) {
		(void)kith_http_reply(c, 304, field, n, NULL, kith_slice_of(NULL, 0));
		return;
	}
	r = kith_blob_open(e->s->files->blobs, id, &fd, &size);
	if (r != KITH_OK || size != f->size) {
		KITH_LOG(ERROR, "files", "blobs/%s is not as the store says: %s", text, r != KITH_OK ? kith_err_name(r) : "another length");
		if (r == KITH_OK)
			close(fd);
		nothing(e, c);
		return;
	}
	FIELD("Accept-Ranges", "bytes");
	if (f->type == KITH_FILE_OTHER)
		FIELD("Content-Disposition", "attachment");
	part = take_range(h, etag, size, &off, &len);
	if (part != RANGE_ALL) {
		if (part == RANGE_PART)
			snprintf(range, sizeof(range), "bytes %llu-%llu/%llu", (unsigned long long)off, (unsigned long long)(off + len - 1),
			    (unsigned long long)size);
		else
			snprintf(range, sizeof(range), "bytes */%llu", (unsigned long long)size);
		FIELD("Content-Range", range);
	}
#undef FIELD
	edge_count(e, KITH_N_DOWNLOADS, 1);
	if (part == RANGE_NONE) {
		close(fd);
		(void)kith_http_reply(c, 416, field, n, NULL, kith_slice_of(NULL, 0));
		return;
	}
	(void)kith_http_reply_file(c, part == RANGE_PART ? 206 : 200, field, n, kith_file_type_name(f->type), fd, off, len);
}

/* ?group=ID: where to look first. */
static struct kith_id
take_group(struct kith_slice query)
{
	static const char key[] = "group=";
	struct kith_id id;

	if (query.n <= sizeof(key) - 1 || memcmp(query.p, key, sizeof(key) - 1) != 0 ||
	    kith_id_parse(kith_slice_from(query, sizeof(key) - 1), &id) != KITH_OK)
		return kith_id_none;
	return id;
}

static int
look(struct kith_edge *e, struct kith_slice token, const struct kith_id *group, const struct kith_id *id, struct kith_file *f, bool *held, bool *lacks)
{
	struct kith_session s;
	struct kith_txn *t = NULL;
	int r = kith_store_begin(e->s->store, false, &t);

	if (r == KITH_OK)
		r = token.n > 0 ? kith_session_open(t, token, kith_wall_ms(), &s) : KITH_E_NOTFOUND;
	if (r == KITH_E_NOTFOUND)
		r = KITH_E_DENIED;
	*lacks = r == KITH_OK && !kith_session_may(&s, KITH_SCOPE_MESSAGES_READ);
	if (*lacks)
		r = KITH_E_DENIED;
	if (r == KITH_OK && !kith_file_may_see(t, &s.uid, group, id))
		r = KITH_E_NOTFOUND;
	if (r == KITH_OK) {
		r = kith_file_get(t, id, f);
		*held = r == KITH_OK;
		r = r == KITH_E_NOTFOUND ? KITH_OK : r;
	}
	kith_txn_abort(t);
	return r;
}

static void
fetch(struct kith_edge *e, struct kith_http_conn *c, struct client *cl, struct reply_to *to, const struct edge_token *who)
{
	struct kith_buf mp;
	char text[KITH_ID_STR];

	to->conn = cl->id;
	to->m = &kith_file_method_fetch;
	kith_buf_init(&mp, 0);
	kith_mp_put_map(&mp, 1);
	kith_mp_put_cstr(&mp, "id");
	kith_mp_put_cstr(&mp, kith_id_str(&to->file, text));
	if (kith_buf_err(&mp) == KITH_OK)
		edge_call(e, c, cl, to, kith_buf_slice(&mp), who);
	else
		edge_reply_error(e, c, 503, "busy", "out of memory", false, 1000);
	kith_buf_fini(&mp);
}

void
edge_serve_download(struct kith_edge *e, struct kith_http_conn *c, struct client *cl, const struct kith_http_request *rq)
{
	struct kith_id group = take_group(rq->head->query), id;
	struct edge_token who;
	struct reply_to to;
	struct kith_file f;
	bool held = false, lacks = false;
	int r;

	memset(&to, 0, sizeof(to));
	if (kith_id_parse(kith_slice_from(rq->head->path, sizeof(base) - 1), &id) != KITH_OK) {
		nothing(e, c);
		return;
	}
	edge_take_token(e, rq, &who, &to);
	r = look(e, who.token, &group, &id, &f, &held, &lacks);
	if (r == KITH_E_DENIED) {
		edge_count(e, KITH_N_UNAUTHORIZED, 1);
		edge_reply_error(e, c, lacks ? 403 : 401, lacks ? "scope_denied" : "unauthorized",
		    lacks ? "this token lacks the scope messages.read" : "sign in first", false, 0);
		return;
	}
	if (r == KITH_OK || r == KITH_E_NOTFOUND)
		kith_http_conn_trust(c);
	if (r == KITH_E_NOTFOUND) {
		nothing(e, c);
	} else if (r != KITH_OK) {
		edge_reply_error(e, c, 500, "internal", "that did not work", false, 0);
	} else if (held) {
		serve(e, c, &id, &f);
	} else {
		/* a fetch writes nothing for who asks: no page of another site gains anything by it */
		who.csrf_ok = true;
		to.file = id;
		fetch(e, c, cl, &to, &who);
	}
}

/* Another node has sent it, or none has. */
void
edge_file_fetched(struct kith_edge *e, struct kith_http_conn *c, const struct reply_to *to, const struct outcome *o)
{
	struct kith_txn *t = NULL;
	struct kith_file f;
	int r = o->err;

	if (r == KITH_OK)
		r = kith_store_begin(e->s->store, false, &t);
	if (r == KITH_OK)
		r = kith_file_get(t, &to->file, &f);
	kith_txn_abort(t);
	if (r == KITH_OK)
		serve(e, c, &to->file, &f);
	else if (r == KITH_E_NOTFOUND)
		nothing(e, c);
	else
		edge_reply_error(e, c, 503, o->name != NULL ? o->name : "busy", "the file is not here yet, try again", false, 5000);
}
