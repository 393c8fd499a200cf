#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/b32.h"
#include "client/files.h"
#include "daemon/clock.h"
#include "daemon/files.h"
#include "daemon/inner.h"
#include "daemon/log.h"
#include "daemon/picture.h"
#include "helper/helper.h"
#include "media/frame.h"
#include "storage/lmdb.h"
#include "wire/mp.h"

/*
 * POST /api/v1/blob: a file goes to the disk as it comes, is synced (a picture
 * made anew first) on a thread that may wait, and only then does the store hear of it.
 */
#define HEAD_BYTES 64                   /* enough to tell what it is */

enum kind { KIND_FILE, KIND_AVATAR, KIND_BANNER, KIND_COUNT };
static const char *const kind_names[KIND_COUNT] = { "file", "avatar", "banner" };
static const uint8_t uses[KIND_COUNT] = { 0, KITH_MEDIA_AVATAR, KITH_MEDIA_BANNER };

struct upload {
	struct kith_edge *e;
	uint64_t conn;
	enum kind kind;
	struct kith_blob_draft *w;
	uint8_t head[HEAD_BYTES];
	size_t n_head;
	/* from the files' thread */
	int err;
	struct kith_id id;
	struct kith_file file;
};

static void
upload_free(struct upload *u)
{
	if (u != NULL)
		kith_blob_drop(u->w);
	free(u);
}

void
edge_upload_forget(struct client *cl)
{
	upload_free(cl->upload);
	cl->upload = NULL;
}

static void
refuse(struct kith_edge *e, struct kith_http_conn *c, int status, const char *name, const char *why, uint64_t retry_ms)
{
	edge_reply_error(e, c, status, name, why, false, retry_ms);
}

bool
edge_is_upload(const struct kith_http_head *h)
{
	return h->method == KITH_HTTP_POST && kith_slice_is(h->path, "/api/v1/blob");
}

size_t
edge_body_max(void *arg, const struct kith_http_head *h)
{
	struct kith_edge *e = arg;

	return edge_is_upload(h) ? e->conf->max_upload : 256u << 10;
}

static bool
take_kind(struct kith_slice query, enum kind *out)
{
	static const char key[] = "kind=";

	if (query.n < sizeof(key) - 1 || memcmp(query.p, key, sizeof(key) - 1) != 0)
		return false;
	query = kith_slice_from(query, sizeof(key) - 1);
	for (int i = 0; i < KIND_COUNT; i++) {
		if (kith_slice_is(query, kind_names[i])) {
			*out = (enum kind)i;
			return true;
		}
	}
	return false;
}

/* Who brings it, and have they room? False: it has been answered. */
static bool
may_bring(struct kith_edge *e, struct kith_http_conn *c, const struct kith_http_request *rq, enum kind kind)
{
	struct kith_machine_counters m;
	struct kith_session s;
	struct edge_token who;
	struct reply_to to;
	uint64_t wait;
	int r;

	memset(&to, 0, sizeof(to));
	edge_take_token(e, rq, &who, &to);
	r = who.token.n > 0 ? edge_session(e, who.token, &s) : KITH_E_NOTFOUND;
	if (r != KITH_OK) {
		edge_count(e, KITH_N_UNAUTHORIZED, 1);
		refuse(e, c, r == KITH_E_NOTFOUND ? 401 : 500, r == KITH_E_NOTFOUND ? "unauthorized" : "internal",
		    r == KITH_E_NOTFOUND ? "sign in first" : "that did not work", 0);
		return false;
	}
	kith_http_conn_trust(c);
	if (to.by_cookie && !who.csrf_ok) {
		refuse(e, c, 403, "denied", "the X-Kith-CSRF field does not go with this session", 0);
		return false;
	}
	if (!kith_session_may(&s, KITH_SCOPE_FILES)) {
		refuse(e, c, 403, "scope_denied", "this token lacks the scope files", 0);
		return false;
	}
	if (s.guest && kind != KIND_AVATAR) {
		refuse(e, c, 403, "guest", "guests cannot do that: claim this account first", 0);
		return false;
	}
	if (kind != KIND_FILE && !kith_helpers_has(e->s->files->helpers, KITH_HELPER_MEDIA)) {
		refuse(e, c, 501, "no_media", "this node takes no pictures: it runs without its media helper", 0);
		return false;
	}
	kith_machine_counters(e->s->machine, &m);
	if (kith_machine_is_read_only(e->s->machine) || (m.disk_total > 0 && kith_space_level(m.disk_total, m.disk_free) >= KITH_SPACE_NO_MEDIA)) {
		refuse(e, c, 507, "storage_full", "the disk of this node is nearly full: it takes no files until there is space", 0);
		return false;
	}
	wait = kith_throttle_upload(e->s->throttle, kith_mono_ms(), &s.uid);
	if (wait > 0) {
		edge_count(e, KITH_N_RATE_LIMITED, 1);
		refuse(e, c, 429, "rate_limit", "too many files at once: wait a little", wait);
		return false;
	}
	return true;
}

bool
edge_on_head(void *arg, struct kith_http_conn *c, const struct kith_http_request *rq)
{
	struct kith_edge *e = arg;
	const struct kith_slice *origin;
	struct client *cl;
	struct upload *u;
	enum kind kind;
	size_t n;

	if (!edge_is_upload(rq->head))
		return false;
	cl = edge_client(e, c);
	origin = kith_http_field(rq->head, "origin", &n);
	if (cl == NULL) {
		refuse(e, c, 503, "busy", "out of memory", 0);
		return true;
	}
	edge_upload_forget(cl);
	if (origin != NULL && (n != 1 || !edge_origin_ok(e, rq, *origin))) {
		refuse(e, c, 403, "denied", "another site may not ask here", 0);
		return true;
	}
	if (!take_kind(rq->head->query, &kind)) {
		refuse(e, c, 400, "invalid_params", "say ?kind=avatar, ?kind=banner or ?kind=file", 0);
		return true;
	}
	if (!may_bring(e, c, rq, kind))
		return true;
	u = calloc(1, sizeof(*u));
	if (u == NULL || kith_blob_begin(e->s->files->blobs, e->conf->max_upload, &u->w) != KITH_OK) {
		upload_free(u);
		refuse(e, c, 503, "busy", "this node could not do that just now, try again", 1000);
		return true;
	}
	u->e = e;
	u->conn = cl->id;
	u->kind = kind;
	cl->upload = u;
	return true;
}

void
edge_on_part(void *arg, struct kith_http_conn *c, struct kith_slice part)
{
	struct kith_edge *e = arg;
	struct client *cl = kith_http_conn_user(c);
	struct upload *u = cl != NULL ? cl->upload : NULL;
	size_t n;
	int r;

	if (u == NULL)
		return;
	n = part.n < HEAD_BYTES - u->n_head ? part.n : HEAD_BYTES - u->n_head;
	memcpy(u->head + u->n_head, part.p, n);
	u->n_head += n;
	r = kith_blob_add(u->w, part);
	if (r == KITH_OK)
		return;
	edge_upload_forget(cl);
	if (r == KITH_E_LIMIT)
		refuse(e, c, 413, "limit", "the file is larger than this node takes", 0);
	else if (r == KITH_E_FULL)
		refuse(e, c, 507, "storage_full", "the disk of this node is full: it takes no files until there is space", 0);
	else
		refuse(e, c, 500, "internal", "the file could not be written", 0);
}

/* ---- when all of it is there ---- */

static void
answer_failure(struct kith_edge *e, struct kith_http_conn *c, int err)
{
	switch (err) {
	case KITH_E_MALFORMED:
		refuse(e, c, 415, "invalid_params", "that is no picture that this node knows: PNG, JPEG, GIF and WebP are taken", 0);
		break;
	case KITH_E_LIMIT:
		refuse(e, c, 422, "limit", "the picture is too large: at most 32 million pixels, 16,384 on a side", 0);
		break;
	case KITH_E_FULL:
		refuse(e, c, 507, "storage_full", "the disk of this node is full: it takes no files until there is space", 0);
		break;
	case KITH_E_BUSY:
	case KITH_E_NOMEM:
		refuse(e, c, 503, "busy", "this node could not do that just now, try again", 1000);
		break;
	default:
		refuse(e, c, 500, "internal", "the file could not be kept", 0);
		break;
	}
}

static void
uploaded(void *arg)
{
	struct upload *u = arg;
	struct kith_edge *e = u->e;
	struct kith_http_conn *c = e->http != NULL ? kith_http_conn_find(e->http, u->conn) : NULL;
	const struct kith_http_request *rq = c != NULL ? kith_http_conn_request(c) : NULL;
	struct edge_token who;
	struct reply_to to;
	struct kith_buf mp;
	char id[KITH_ID_STR];

	/* who has gone away leaves a file behind that the sweep finds */
	if (rq == NULL || u->err != KITH_OK) {
		if (rq != NULL)
			answer_failure(e, c, u->err);
		upload_free(u);
		return;
	}
	memset(&to, 0, sizeof(to));
	to.conn = u->conn;
	to.m = &kith_file_method_put;
	edge_take_token(e, rq, &who, &to);
	kith_buf_init(&mp, 0);
	kith_mp_put_map(&mp, 5);
	kith_mp_put_cstr(&mp, "height");
	kith_mp_put_uint(&mp, u->file.height);
	kith_mp_put_cstr(&mp, "id");
	kith_mp_put_cstr(&mp, kith_id_str(&u->id, id));
	kith_mp_put_cstr(&mp, "size");
	kith_mp_put_uint(&mp, u->file.size);
	kith_mp_put_cstr(&mp, "type");
	kith_mp_put_uint(&mp, u->file.type);
	kith_mp_put_cstr(&mp, "width");
	kith_mp_put_uint(&mp, u->file.width);
	if (kith_buf_err(&mp) == KITH_OK)
		edge_call(e, c, kith_http_conn_user(c), &to, kith_buf_slice(&mp), &who);
	else
		refuse(e, c, 503, "busy", "out of memory", 0);
	kith_buf_fini(&mp);
	upload_free(u);
}

static void
keep(void *arg, bool run)
{
	struct upload *u = arg;

	if (!run) {
		upload_free(u);
		return;
	}
	u->file.type = kith_file_type(kith_slice_of(u->head, u->n_head));
	if (u->kind != KIND_FILE)
		u->err = u->file.type == KITH_FILE_OTHER ? KITH_E_MALFORMED : kith_picture_remake(u->e->s->files, uses[u->kind], &u->w, &u->file);
	u->file.size = kith_blob_size(u->w);
	if (u->err == KITH_OK) {
		u->err = kith_blob_keep(u->w, &u->id);
		u->w = NULL;
	}
	if (kith_reactor_post(u->e->reactor, uploaded, u) != KITH_OK) {
		KITH_LOG(WARN, "edge", "an upload is lost: out of memory");
		upload_free(u);
	}
}

void
edge_upload_done(struct kith_edge *e, struct kith_http_conn *c, struct client *cl)
{
	struct upload *u = cl->upload;
	int r;

	cl->upload = NULL;
	if (u == NULL || kith_blob_size(u->w) == 0) {
		upload_free(u);
		refuse(e, c, 400, "invalid_params", "the file is the body, and there is none", 0);
		return;
	}
	edge_count(e, KITH_N_UPLOADS, 1);
	r = kith_pool_submit(u->kind == KIND_FILE ? e->s->files->pool : e->s->files->pictures, keep, u);
	if (r == KITH_OK)
		return;
	upload_free(u);
	answer_failure(e, c, r);
}
