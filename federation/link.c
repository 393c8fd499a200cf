#include "federation/fed.h"

#include <stdlib.h>
#include <string.h>

/*
 * One link: what it may carry. The receiver of each class grants bytes and gives
 * them back as frames are taken in; a sender may begin a frame while its credit
 * is above zero, so the last one may overdraw. What is not sent for want of
 * credit waits here, by class, and little of it: runs of records are not made
 * before they can go, so a slow link holds tips in memory, not records.
 */
static const int64_t first_credit[KITH_CL_COUNT_] = {
	[KITH_CL_CONTROL] = 256 << 10,
	[KITH_CL_AUTHORITY] = 512 << 10,
	[KITH_CL_LIVE] = 1 << 20,
	[KITH_CL_HISTORY] = 2 << 20,
	[KITH_CL_BULK] = 512 << 10,
	[KITH_CL_EPHEMERAL] = 64 << 10,
};
#define FRAME_COST 8                    /* beside its payload */
#define QUEUE_MAX (FED_ASSEMBLY_MAX + (4u << 20))
#define FREE_PER_S 200u
#define OBJECTS_MAX 1024

struct fed_link *
kith_fed_link_new(struct kith_fed *f, uint64_t id, const uint8_t cert[32], const uint8_t exporter[32])
{
	struct fed_link *l = calloc(1, sizeof(*l));
	int i;

	if (l == NULL)
		return NULL;
	l->id = id;
	memcpy(l->cert, cert, sizeof(l->cert));
	memcpy(l->exporter, exporter, sizeof(l->exporter));
	kith_hash_keyed(KITH_L_HELLO, kith_slice_of(exporter, 32), kith_slice_str("session"), &l->key);
	for (i = 0; i < KITH_CL_COUNT_; i++) {
		l->end[i] = &l->head[i];
		l->theirs[i] = first_credit[i];
	}
	kith_buf_init(&l->chain, 64 * (KITH_NODE_MAX + 2));
	kith_buf_init(&l->assembly, FED_ASSEMBLY_MAX);
	l->tags = kith_map_new();
	l->expected = kith_map_new();
	l->objects = kith_map_new();
	l->fleeting = kith_map_new();
	if (l->tags == NULL || l->expected == NULL || l->objects == NULL || l->fleeting == NULL) {
		kith_fed_link_free(l);
		return NULL;
	}
	l->tokens_records = (int64_t)FED_RECORDS_BURST * 1000;
	l->tokens_bytes = (int64_t)FED_BYTES_BURST * 1000;
	l->tokens_at = l->free_at = l->up_ms = l->heard_ms = l->mail_at = f->now.mono_ms;
	l->mail_tokens = 100;
	l->retire_ms = l->announce_ms = l->credit_ms = NEVER;
	return l;
}

void
kith_fed_link_free(void *link)
{
	struct fed_link *l = link;
	struct fed_frame *fr;
	int i;

	if (l == NULL)
		return;
	for (i = 0; i < KITH_CL_COUNT_; i++) {
		while ((fr = l->head[i]) != NULL) {
			l->head[i] = fr->next;
			free(fr);
		}
	}
	kith_buf_fini(&l->chain);
	kith_buf_fini(&l->assembly);
	kith_map_free(l->tags, NULL);
	kith_map_free(l->expected, NULL);
	kith_map_free(l->objects, NULL);
	kith_map_free(l->fleeting, NULL);
	kith_vec_fini(&l->members);
	kith_vec_fini(&l->served);
	kith_wipe(l->exporter, sizeof(l->exporter));
	kith_wipe(&l->key, sizeof(l->key));
	free(l);
}

struct kith_buf *
kith_fed_begin(struct kith_fed *f, uint32_t n)
{
	kith_buf_reset(&f->frame);
	kith_mp_put_array(&f->frame, n);
	return &f->frame;
}

static void
emit(struct kith_fed *f, struct fed_link *l, uint8_t type, int cls, struct kith_slice bytes)
{
	struct kith_output *o = kith_out_add(f->out, KITH_OUT_SEND);

	if (o == NULL)
		return;
	o->link = l->id;
	o->type = type;
	o->cls = (uint8_t)(cls < 0 ? KITH_CL_CONTROL : cls);
	kith_output_bytes(f->out, o, bytes);
	f->count.frames_out++;
	if (l->peer != NULL)
		l->peer->bytes_out += bytes.n + FRAME_COST;
	if (cls >= 0)
		l->credit[cls] -= (int64_t)bytes.n + FRAME_COST;
}

bool
kith_fed_may_send(const struct fed_link *l, int cls)
{
	return !l->gone && l->head[cls] == NULL && l->credit[cls] > 0;
}

int
kith_fed_send(struct kith_fed *f, struct fed_link *l, uint8_t type)
{
	struct kith_slice bytes = kith_buf_slice(&f->frame);
	int cls = kith_frame_class(type, bytes), r = kith_buf_err(&f->frame);
	struct fed_frame *fr;

	if (r != KITH_OK)
		return KITH_E_NOMEM;
	kith_assert(bytes.n <= KITH_FRAME_MAX);
	if (l->gone)
		return KITH_OK;
	if (cls < 0 || kith_fed_may_send(l, cls)) {
		emit(f, l, type, cls, bytes);
		return KITH_OK;
	}
	if (cls == KITH_CL_EPHEMERAL)
		return KITH_OK;
	if (l->queued + bytes.n > QUEUE_MAX)
		return kith_fed_close(f, l, "it takes nothing in");
	fr = malloc(sizeof(*fr) + bytes.n);
	if (fr == NULL)
		return KITH_E_NOMEM;
	fr->next = NULL;
	fr->type = type;
	fr->n = bytes.n;
	memcpy(fr->bytes, bytes.p, bytes.n);
	*l->end[cls] = fr;
	l->end[cls] = &fr->next;
	l->queued += fr->n;
	return KITH_OK;
}

static void
flush(struct kith_fed *f, struct fed_link *l)
{
	struct fed_frame *fr;
	int i;

	for (i = 0; i < KITH_CL_COUNT_; i++) {
		while ((fr = l->head[i]) != NULL && l->credit[i] > 0) {
			l->head[i] = fr->next;
			if (l->head[i] == NULL)
				l->end[i] = &l->head[i];
			l->queued -= fr->n;
			emit(f, l, fr->type, i, kith_slice_of(fr->bytes, fr->n));
			free(fr);
		}
	}
}

int
kith_fed_close(struct kith_fed *f, struct fed_link *l, const char *why)
{
	struct kith_output *o;
	struct kith_buf *b;

	if (l->gone)
		return KITH_OK;
	b = kith_fed_begin(f, 1);
	kith_mp_put_str(b, kith_slice_of(why, strlen(why) < 64 ? strlen(why) : 64));
	if (kith_buf_err(b) != KITH_OK)
		return KITH_E_NOMEM;
	emit(f, l, KITH_FR_BYE, -1, kith_buf_slice(b));
	o = kith_out_add(f->out, KITH_OUT_CLOSE);
	if (o != NULL) {
		o->link = l->id;
		kith_output_text(f->out, o, why);
	}
	return kith_fed_link_lost(f, l);
}

/* From here on nothing leads to the link but the list of the dead. */
int
kith_fed_link_lost(struct kith_fed *f, struct fed_link *l)
{
	struct fed_request *q;
	struct fed_member *m;
	uint8_t key[8];
	size_t it, i;
	void *v;
	int r = KITH_OK;

	if (l->gone)
		return KITH_OK;
	l->gone = true;
	(void)kith_map_del(f->links, kith_fed_u64(key, l->id));
	l->next_dead = f->dead;
	f->dead = l;
	for (i = 0; i < l->members.n; i++) {
		m = l->members.v[i];
		if (m->link != l)
			continue;
		m->link = NULL;
		m->matched = m->invited = m->synced = m->digested = m->ours = false;
		m->level = LEVEL_NONE;
		m->announce.n = 0;
		m->g->active_stale = true;
	}
	if (l->peer != NULL && l->peer->link == l) {
		l->peer->link = NULL;
		f->links_changed++;
		l->peer->seen_ms = f->now.wall_ms;
		l->peer->redial_ms = f->now.mono_ms + 750 + kith_fed_random(f) % 500;
		f->dial_ms = 0;
	}
	/* from the start each time: the end of one may ask another peer */
	for (it = 0; r == KITH_OK && kith_map_next(f->requests, &it, NULL, &v);) {
		q = v;
		if (q->link != l)
			continue;
		r = kith_fed_request_end(f, q, false);
		it = 0;
	}
	if (l->addr != NULL) {
		kith_fed_dial_done(f, l->addr, l->state != LINK_NEW);
		l->addr = NULL;
	}
	return r;
}

/* ---- what comes ---- */

int
kith_fed_charge(struct kith_fed *f, struct fed_link *l, uint8_t type, struct kith_slice frame)
{
	int cls = kith_frame_class(type, frame);

	f->count.frames_in++;
	l->heard_ms = f->now.mono_ms;
	if (l->peer != NULL)
		l->peer->bytes_in += frame.n + FRAME_COST;
	if (cls < 0) {
		if (f->now.mono_ms - l->free_at >= 1000) {
			l->free_at = f->now.mono_ms;
			l->free_frames = 0;
		}
		return ++l->free_frames > FREE_PER_S ? KITH_E_DENIED : KITH_OK;
	}
	if (l->theirs[cls] <= 0)
		return KITH_E_DENIED;
	l->theirs[cls] -= (int64_t)frame.n + FRAME_COST;
	l->owed[cls] += frame.n + FRAME_COST;
	return KITH_OK;
}

static void
refill(struct kith_fed *f, struct fed_link *l)
{
	uint64_t ms = f->now.mono_ms - l->tokens_at;

	if (ms > 60000)
		ms = 60000;
	l->tokens_at = f->now.mono_ms;
	l->tokens_records += (int64_t)(ms * FED_RECORDS_PER_S);
	l->tokens_bytes += (int64_t)(ms * FED_BYTES_PER_S);
	if (l->tokens_records > (int64_t)FED_RECORDS_BURST * 1000)
		l->tokens_records = (int64_t)FED_RECORDS_BURST * 1000;
	if (l->tokens_bytes > (int64_t)FED_BYTES_BURST * 1000)
		l->tokens_bytes = (int64_t)FED_BYTES_BURST * 1000;
}

void
kith_fed_spend(struct kith_fed *f, struct fed_link *l, size_t records, size_t bytes)
{
	refill(f, l);
	l->tokens_records -= (int64_t)records * 1000;
	l->tokens_bytes -= (int64_t)bytes * 1000;
	if (l->tokens_records < 0 || l->tokens_bytes < 0)
		f->count.over_budget++;
}

/* Gives back what has been taken in, once it is worth a frame; unasked records wait for their budget. */
static int
give_back(struct kith_fed *f, struct fed_link *l)
{
	bool give[KITH_CL_COUNT_], slow;
	struct kith_buf *b;
	uint32_t n = 0;
	int i;

	refill(f, l);
	slow = l->tokens_records < 0 || l->tokens_bytes < 0;
	l->credit_ms = slow ? f->now.mono_ms + 100 : NEVER;
	for (i = 0; i < KITH_CL_COUNT_; i++) {
		give[i] = l->owed[i] * 4 >= (uint64_t)first_credit[i] && !(slow && (i == KITH_CL_LIVE || i == KITH_CL_AUTHORITY));
		n += give[i];
	}
	if (n == 0)
		return KITH_OK;
	b = kith_fed_begin(f, 1);
	kith_mp_put_array(b, n);
	for (i = 0; i < KITH_CL_COUNT_; i++) {
		if (!give[i])
			continue;
		kith_mp_put_array(b, 2);
		kith_mp_put_uint(b, (uint64_t)i);
		kith_mp_put_uint(b, l->owed[i]);
		l->theirs[i] += (int64_t)l->owed[i];
		l->owed[i] = 0;
	}
	return kith_fed_send(f, l, KITH_FR_CREDIT);
}

int
kith_fed_link_settle(struct kith_fed *f, struct fed_link *l)
{
	return l->gone || l->state == LINK_NEW ? KITH_OK : give_back(f, l);
}

int
kith_fed_send_welcome(struct kith_fed *f, struct fed_link *l)
{
	struct kith_buf *b = kith_fed_begin(f, KITH_CL_COUNT_);
	int i;

	for (i = 0; i < KITH_CL_COUNT_; i++)
		kith_mp_put_uint(b, (uint64_t)first_credit[i]);
	return kith_fed_send(f, l, KITH_FR_WELCOME);
}

/* However much a peer grants: what is on its way to it must fit into what a socket may hold back. */
static int
grant(struct fed_link *l, int cls, uint64_t n)
{
	if (n > UINT32_MAX)
		return KITH_E_MALFORMED;
	l->credit[cls] += (int64_t)n;
	if (l->credit[cls] > first_credit[cls])
		l->credit[cls] = first_credit[cls];
	return KITH_OK;
}

int
kith_fed_take_grants(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r)
{
	int i, e = KITH_OK;

	for (i = 0; e == KITH_OK && i < KITH_CL_COUNT_; i++)
		e = grant(l, i, kith_mp_uint(r));
	if (e == KITH_OK)
		flush(f, l);
	return e;
}

int
kith_fed_on_credit(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r)
{
	uint32_t n = kith_mp_array(r);
	int e = KITH_OK;
	uint64_t cls;

	for (; e == KITH_OK && n > 0; n--) {
		kith_mp_array_exact(r, 2);
		cls = kith_mp_uint(r);
		e = grant(l, (int)cls, kith_mp_uint(r));
	}
	if (e != KITH_OK)
		return e;
	flush(f, l);
	e = kith_fed_announce_flush(f, l);
	return e == KITH_OK ? kith_fed_serve(f, l) : e;
}

int
kith_fed_on_ping(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r)
{
	struct kith_buf *b = kith_fed_begin(f, 1);

	kith_mp_put_uint(b, kith_mp_uint(r));
	return kith_fed_send(f, l, KITH_FR_PONG);
}

int
kith_fed_on_pong(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r)
{
	if (kith_mp_uint(r) == l->ping_token && l->ping_token != 0) {
		l->rtt_ms = f->now.mono_ms - l->ping_at;
		if (l->rtt_least_ms == 0 || l->rtt_ms < l->rtt_least_ms)
			l->rtt_least_ms = l->rtt_ms;
		l->ping_token = 0;
	}
	return KITH_OK;
}

static void
sooner(uint64_t *next, uint64_t t)
{
	if (t < *next)
		*next = t;
}

int
kith_fed_link_tick(struct kith_fed *f, struct fed_link *l, uint64_t *next)
{
	uint64_t now = f->now.mono_ms;
	struct kith_buf *b;
	int r = KITH_OK;

	if (l->gone)
		return KITH_OK;
	if (l->state == LINK_NEW) {
		if (now >= l->up_ms + FED_GRACE_MS)
			return kith_fed_close(f, l, "no greeting");
		sooner(next, l->up_ms + FED_GRACE_MS);
		return KITH_OK;
	}
	if (now >= l->heard_ms + FED_SILENT_MS)
		return kith_fed_close(f, l, "silent");
	if (now >= l->retire_ms)
		return kith_fed_close(f, l, "a younger link took over");
	if (l->pinged_ms == 0 || now >= l->pinged_ms + FED_PING_MS) {
		l->pinged_ms = l->ping_at = now;
		l->ping_token = ++f->last_id;
		b = kith_fed_begin(f, 1);
		kith_mp_put_uint(b, l->ping_token);
		r = kith_fed_send(f, l, KITH_FR_PING);
	}
	if (r == KITH_OK && now >= l->announce_ms)
		r = kith_fed_announce_flush(f, l);
	if (r == KITH_OK && now >= l->credit_ms)
		r = give_back(f, l);
	sooner(next, l->pinged_ms + FED_PING_MS);
	sooner(next, l->heard_ms + FED_SILENT_MS);
	sooner(next, l->retire_ms);
	sooner(next, l->announce_ms);
	sooner(next, l->credit_ms);
	return r;
}

bool
kith_fed_object_sent(struct fed_link *l, const struct kith_id *hash)
{
	return kith_map_get(l->objects, kith_id_slice(hash)) != NULL;
}

int
kith_fed_object_mark(struct fed_link *l, const struct kith_id *hash)
{
	struct kith_slice first;
	size_t it = 0;

	if (kith_map_count(l->objects) >= OBJECTS_MAX && kith_map_next(l->objects, &it, &first, NULL))
		(void)kith_map_del(l->objects, first);
	return kith_map_put(l->objects, kith_id_slice(hash), l, NULL);
}
