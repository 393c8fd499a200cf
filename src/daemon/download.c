#include <stdio.h>
#include <stdlib.h>
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

/* ---- from another node ---- */

/*
 * The engine brings a file part by part (client/fetch.c); the parts go to the
 * disk here as they come, and only what has the right hash is kept.
 */
struct download {
	struct kith_edge *e;
	uint64_t conn;
	struct kith_id id, is;
	uint32_t turn;                  /* which of the nodes that may have it */
	struct kith_blob_draft *w;      /* NULL: nothing has come yet */
	struct kith_file file;
	uint8_t head[64];
	size_t n_head;
	int err;
};

static void
download_free(struct download *d)
{
	if (d != NULL)
		kith_blob_drop(d->w);
	free(d);
}

void
edge_download_forget(struct client *cl)
{
	download_free(cl->download);
	cl->download = NULL;
}

static void
call(struct kith_edge *e, struct kith_http_conn *c, const struct kith_id *id, const struct kith_method *m, const struct kith_buf *params)
{
	struct client *cl = kith_http_conn_user(c);
	struct edge_token who;
	struct reply_to to;

	memset(&to, 0, sizeof(to));
	edge_take_token(e, kith_http_conn_request(c), &who, &to);
	/* a fetch writes nothing for who asks: no page of another site gains anything by it */
	who.csrf_ok = true;
	to.file = *id;
	to.conn = cl->id;
	to.m = m;
	if (kith_buf_err(params) == KITH_OK)
		edge_call(e, c, cl, &to, kith_buf_slice(params), &who);
	else
		edge_reply_error(e, c, 503, "busy", "out of memory", false, 1000);
}

static void
put_id(struct kith_buf *b, const struct kith_id *id)
{
	char text[KITH_ID_STR];

	kith_mp_put_cstr(b, "id");
	kith_mp_put_cstr(b, kith_id_str(id, text));
}

static void
put_number(struct kith_buf *b, const char *key, uint64_t n)
{
	kith_mp_put_cstr(b, key);
	kith_mp_put_uint(b, n);
}

static void
fetch_on(struct kith_edge *e, struct kith_http_conn *c, const struct download *d)
{
	struct kith_buf b;

	kith_buf_init(&b, 0);
	kith_mp_put_map(&b, 3);
	put_number(&b, "from", d->w != NULL ? kith_blob_size(d->w) : 0);
	put_id(&b, &d->id);
	put_number(&b, "turn", d->turn);
	call(e, c, &d->id, &kith_file_method_fetch, &b);
	kith_buf_fini(&b);
}

static void
fetch(struct kith_edge *e, struct kith_http_conn *c, struct client *cl, const struct kith_id *id)
{
	edge_download_forget(cl);
	cl->download = calloc(1, sizeof(*cl->download));
	if (cl->download == NULL) {
		edge_reply_error(e, c, 503, "busy", "out of memory", false, 1000);
		return;
	}
	cl->download->e = e;
	cl->download->conn = cl->id;
	cl->download->id = *id;
	fetch_on(e, c, cl->download);
}

/* What that node gave is not the file, or no more of it: the next one, from the beginning. */
static void
elsewhere(struct kith_edge *e, struct kith_http_conn *c, struct download *d)
{
	kith_blob_drop(d->w);
	d->w = NULL;
	d->n_head = 0;
	d->turn++;
	fetch_on(e, c, d);
}

static void
kept(void *arg)
{
	struct download *d = arg;
	struct kith_edge *e = d->e;
	struct kith_http_conn *c = e->http != NULL ? kith_http_conn_find(e->http, d->conn) : NULL;
	struct client *cl = c != NULL ? kith_http_conn_user(c) : NULL;
	struct kith_buf b;

	/* who has gone away leaves a file behind that the sweep finds */
	if (cl == NULL || kith_http_conn_request(c) == NULL || cl->download != NULL) {
		download_free(d);
		return;
	}
	cl->download = d;
	if (d->err != KITH_OK) {
		bool full = d->err == KITH_E_FULL;

		edge_download_forget(cl);
		edge_reply_error(e, c, 503, full ? "storage_full" : "busy", "the file could not be kept, try again", false, 5000);
	} else if (!kith_id_eq(&d->id, &d->is)) {
		elsewhere(e, c, d);
	} else {
		kith_buf_init(&b, 0);
		kith_mp_put_map(&b, 5);
		put_number(&b, "height", d->file.height);
		put_id(&b, &d->id);
		put_number(&b, "size", d->file.size);
		put_number(&b, "type", d->file.type);
		put_number(&b, "width", d->file.width);
		call(e, c, &d->id, &kith_file_method_hold, &b);
		kith_buf_fini(&b);
	}
}

static void
keep(void *arg, bool run)
{
	struct download *d = arg;

	if (!run) {
		download_free(d);
		return;
	}
	d->file.type = kith_file_type(kith_slice_of(d->head, d->n_head));
	d->err = kith_blob_keep(d->w, &d->is);
	d->w = NULL;
	if (kith_reactor_post(d->e->reactor, kept, d) != KITH_OK) {
		KITH_LOG(WARN, "edge", "a file that was fetched is lost: out of memory");
		download_free(d);
	}
}

/* [size, width, height, bytes] of a stranger. MALFORMED: it does not go on where we are. */
static int
take_part(struct kith_edge *e, struct download *d, struct kith_slice answer)
{
	struct kith_mp_reader rd;
	struct kith_slice bytes;
	struct kith_file f;
	int r = KITH_OK;

	memset(&f, 0, sizeof(f));
	kith_mp_read(&rd, answer);
	kith_mp_array_exact(&rd, 4);
	f.size = kith_mp_uint(&rd);
	f.width = (uint32_t)kith_mp_uint(&rd);
	f.height = (uint32_t)kith_mp_uint(&rd);
	bytes = kith_mp_bin(&rd);
	if (!kith_mp_done(&rd) || bytes.n == 0 || f.width > 1u << 24 || f.height > 1u << 24 || f.size > e->conf->max_upload ||
	    (d->w != NULL && f.size != d->file.size))
		return KITH_E_MALFORMED;
	if (d->w == NULL)
		r = kith_blob_begin(e->s->files->blobs, f.size, &d->w);
	if (r == KITH_OK) {
		size_t n = bytes.n < sizeof(d->head) - d->n_head ? bytes.n : sizeof(d->head) - d->n_head;

		memcpy(d->head + d->n_head, bytes.p, n);
		d->n_head += n;
		d->file = f;
		r = kith_blob_add(d->w, bytes);
	}
	return r == KITH_E_LIMIT ? KITH_E_MALFORMED : r;
}

static void
go_on(struct kith_edge *e, struct kith_http_conn *c, struct client *cl, struct kith_slice answer)
{
	struct download *d = cl->download;
	int r = take_part(e, d, answer);

	if (r == KITH_E_MALFORMED) {
		elsewhere(e, c, d);
		return;
	}
	if (r == KITH_OK && kith_blob_size(d->w) < d->file.size) {
		fetch_on(e, c, d);
		return;
	}
	if (r == KITH_OK) {
		cl->download = NULL;
		r = kith_pool_submit(e->s->files->pool, keep, d);
		if (r == KITH_OK)
			return;
		cl->download = d;
	}
	edge_download_forget(cl);
	edge_reply_error(e, c, 503, r == KITH_E_FULL ? "storage_full" : "busy", "the file could not be kept, try again", false, 5000);
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
		fetch(e, c, cl, &id);
	}
}

/* The engine's word on fetch or hold. */
void
edge_file_fetched(struct kith_edge *e, struct kith_http_conn *c, const struct reply_to *to, const struct outcome *o)
{
	struct client *cl = kith_http_conn_user(c);
	struct kith_txn *t = NULL;
	struct kith_file f;
	int r = o->err;

	if (cl->download == NULL || !kith_id_eq(&cl->download->id, &to->file))
		return;
	if (r == KITH_OK && to->m == &kith_file_method_fetch && o->result.n > 1) {
		go_on(e, c, cl, o->result);
		return;
	}
	if (r == KITH_E_MISSING) {
		elsewhere(e, c, cl->download);
		return;
	}
	edge_download_forget(cl);
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
