#include "federation/fed.h"

#include <stdlib.h>
#include <string.h>

#include "group/cut.h"

/*
 * News. What this node writes goes at once to all linked nodes of the group;
 * what others wrote is only announced (IHAVE, gathered for 100 ms), since its
 * origin pushes it itself. Who needed an announcement because the origin does not
 * reach it says EAGER on for that origin, and off when it gets things twice. In a
 * group of more than FED_FEW linked nodes only a few, the active ones, get
 * everything at once, and the same switch makes a tree that heals itself.
 *
 * Of each feed and peer we keep how many records it is known to hold and how many
 * have been sent or announced: nothing is pushed twice, and a peer that is too slow
 * for pushes is told where the tip is and fetches with credit of its own.
 */
#define PUSH_MAX 512                    /* more than this is announced, not pushed */
#define RANGE_MAX 256                   /* stretched to a signed record: 511 at most */
#define ACTIVE 6
#define EAGER_MAX 4096

static int
objects_flush(struct kith_fed *f, struct fed_link *l, size_t mark, uint32_t *n)
{
	int r = KITH_OK;

	if (*n > 0) {
		kith_mp_end_array(&f->frame, mark, *n);
		r = kith_fed_send(f, l, KITH_FR_OBJECTS);
	}
	*n = 0;
	return r;
}

/* A private panel's part of a cut goes to who sees that panel. */
static bool
may_have_part(struct kith_fed *f, struct fed_member *m, struct kith_slice raw)
{
	struct kith_arena *a = kith_arena_new(KITH_CUT_MAX * 4);
	struct kith_cut part;
	uint32_t i;
	bool may = a != NULL && kith_cut_part_parse(raw, a, &part) == KITH_OK;

	for (i = 0; may && i < part.n_feeds; i++)
		may = kith_fed_sees(f, m, &part.feed[i].scope);
	kith_arena_free(a);
	return may;
}

int
kith_fed_send_objects(struct kith_fed *f, struct fed_member *m, uint64_t req, int cls, const struct kith_id *hash, size_t n, bool always,
    size_t *sent)
{
	struct fed_link *l = m->link;
	struct kith_slice raw;
	struct kith_invite inv;
	uint32_t count = 0;
	size_t i, mark = 0;
	uint8_t type;
	int r = KITH_OK;

	*sent = 0;
	for (i = 0; r == KITH_OK && i < n && !l->gone; i++) {
		if (!always && kith_fed_object_sent(l, &hash[i]))
			continue;
		r = kith_ledger_object_get(f->t, &hash[i], &type, &raw);
		if (r == KITH_OK && (raw.n > KITH_FRAME_MAX - 256 || (type == KITH_O_CUT_PART && !may_have_part(f, m, raw)) ||
		    (type == KITH_O_INVITE && (kith_invite_parse(raw, &inv) != KITH_OK || !kith_id_eq(&inv.group, &m->g->id)))))
			r = KITH_E_NOTFOUND;
		if (r == KITH_E_NOTFOUND || r == KITH_E_CORRUPT) {
			r = KITH_OK;
			continue;
		}
		if (r == KITH_OK && count > 0 && (count == KITH_FRAME_IDS || f->frame.n + raw.n > FED_RUN_BYTES))
			r = objects_flush(f, l, mark, &count);
		if (r != KITH_OK)
			break;
		if (count == 0) {
			struct kith_buf *b = kith_fed_begin(f, 4);

			kith_mp_put_uint(b, req);
			kith_mp_put_uint(b, (uint64_t)cls);
			kith_mp_put_id(b, &m->g->id);
			mark = kith_mp_begin(b);
		}
		kith_mp_put_array(&f->frame, 2);
		kith_mp_put_uint(&f->frame, type);
		kith_mp_put_bin(&f->frame, raw);
		count++;
		++*sent;
		r = kith_fed_object_mark(l, &hash[i]);
	}
	return r == KITH_OK ? objects_flush(f, l, mark, &count) : r;
}

/* The records of a node that signs what follows: without them nobody can check it. */
int
kith_fed_send_chain(struct kith_fed *f, struct fed_member *m, uint64_t req, int cls, const struct kith_id *node, bool always, size_t *sent)
{
	struct fed_link *l = m->link;
	struct kith_node_record rec;
	struct kith_slice raw;
	struct kith_buf *b;
	uint64_t at;
	int r = kith_node_get(f->t, node, &rec);

	*sent = 0;
	if (r != KITH_OK)
		return r == KITH_E_NOTFOUND ? KITH_OK : r;
	if (rec.n >= 1024 || (!always && kith_fed_object_sent(l, &rec.id)))
		return KITH_OK;
	b = kith_fed_begin(f, 4);
	kith_mp_put_uint(b, req);
	kith_mp_put_uint(b, (uint64_t)cls);
	kith_mp_put_id(b, &m->g->id);
	kith_mp_put_array(b, (uint32_t)rec.n + 1);
	for (at = 0; r == KITH_OK && at <= rec.n; at++) {
		r = kith_fed_node_raw(f, node, at, &raw);
		kith_mp_put_array(b, 2);
		kith_mp_put_uint(b, KITH_O_NODE);
		kith_mp_put_bin(b, raw);
	}
	if (r != KITH_OK)
		return r == KITH_E_NOTFOUND ? KITH_OK : r;
	*sent = 1;
	r = kith_fed_object_mark(l, &rec.id);
	return r == KITH_OK ? kith_fed_send(f, l, KITH_FR_OBJECTS) : r;
}

/* What the records of a run name, each once, into f->cache_objects. */
static int
name_objects(struct kith_fed *f, struct kith_group *kg, const struct kith_item *item, size_t n)
{
	struct kith_id found[64], doc = kith_id_none;
	struct kith_record rec;
	struct kith_arena *a = NULL;
	struct kith_op op;
	size_t i, j, k, n_found;
	int r = KITH_OK;

	f->cache_objects.n = f->cache_cuts.n = 0;
	for (i = 0; r == KITH_OK && i < n; i++) {
		if (kith_record_parse(item[i].header, &rec) != KITH_OK)
			continue;
		if (kith_scope_plane(&rec.scope) == KITH_PLANE_TIMELINE && kith_id_eq(&rec.doc, &doc))
			continue;
		doc = rec.doc;
		if (a == NULL && (a = kith_arena_new(1u << 20)) == NULL)
			return KITH_E_NOMEM;
		kith_arena_reset(a);
		if (kith_op_parse(rec.kind, rec.op, a, &op) != KITH_OK)
			continue;
		n_found = kith_group_record_objects(kg, f->t, &rec, &op, found, 64);
		for (j = 0; r == KITH_OK && j < n_found && j < 64; j++) {
			for (k = f->cache_objects.n; k > 0 && !kith_id_eq(&f->cache_objects.v[k - 1], &found[j]); k--)
				;
			if (k == 0)
				r = kith_vec_push(&f->cache_objects, found[j]);
		}
		if (r == KITH_OK && (op.has & KITH_OP_BIT(KITH_OP_CUT)) != 0)
			r = kith_vec_push(&f->cache_cuts, op.cut);
	}
	kith_arena_free(a);
	return r;
}

/* What name_objects found, as this peer may have it: parts of cuts go to who sees their panel. */
static int
send_named(struct kith_fed *f, struct fed_member *m, struct kith_group *kg, uint64_t req, int cls)
{
	struct kith_op op = { .has = KITH_OP_BIT(KITH_OP_CUT) };
	struct kith_id part[64];
	size_t sent, n, i;
	int r = kith_fed_send_objects(f, m, req, cls, f->cache_objects.v, f->cache_objects.n, false, &sent);

	for (i = 0; r == KITH_OK && i < f->cache_cuts.n && m->link != NULL; i++) {
		op.cut = f->cache_cuts.v[i];
		n = kith_group_record_parts(kg, f->t, &op, &m->node, part, 64);
		r = kith_fed_send_objects(f, m, req, cls, part, n < 64 ? n : 64, false, &sent);
	}
	return r;
}

static size_t
item_bytes(const struct kith_item *it)
{
	return it->header.n + it->sig.n + it->body.n + 16;
}

/* items[at..] as one RUN frame, as many as fit; *at moves. */
static void
put_run(struct kith_fed *f, struct fed_group *g, uint64_t req, int cls, bool history, const struct kith_item *item, size_t n, size_t *at)
{
	struct kith_buf *b = kith_fed_begin(f, 5);
	size_t end = *at, bytes = 0;

	while (end < n && end - *at < KITH_FRAME_RECORDS && (end == *at || bytes + item_bytes(&item[end]) <= FED_RUN_BYTES))
		bytes += item_bytes(&item[end++]);
	kith_mp_put_uint(b, req);
	kith_mp_put_uint(b, (uint64_t)cls);
	kith_mp_put_id(b, &g->id);
	kith_mp_put_uint(b, (history ? KITH_RUN_HISTORY : 0) | (end < n ? KITH_RUN_MORE : 0));
	kith_mp_put_array(b, (uint32_t)(end - *at));
	for (; *at < end; ++*at) {
		kith_mp_put_array(b, 3);
		kith_mp_put_bin(b, item[*at].header);
		kith_mp_put_bin(b, item[*at].sig);
		kith_mp_put_bin(b, item[*at].body);
	}
}

static bool
cached(const struct kith_fed *f, const struct fed_group *g, const struct kith_id *scope, const struct kith_id *node, uint64_t incarnation,
    uint64_t from)
{
	return f->cache.stamp == f->stamp && f->cache.from == from && f->cache.incarnation == incarnation && kith_id_eq(&f->cache.node, node) &&
	    kith_id_eq(&f->cache.scope, scope) && kith_id_eq(&f->cache.group, &g->id);
}

int
kith_fed_send_run(struct kith_fed *f, struct fed_member *m, uint64_t req, int cls, const struct kith_id *scope, const struct kith_id *node,
    uint64_t incarnation, uint64_t from, uint64_t to, bool history, uint64_t *next, size_t *n_out)
{
	struct kith_group *kg = kith_fed_open_group(f, m->g);
	struct fed_link *l = m->link;
	struct kith_item *item = NULL;
	struct kith_record last;
	size_t n = 0, at = 0, sent;
	int r;

	if (kg == NULL || l == NULL)
		return KITH_E_NOTFOUND;
	r = kith_fed_send_chain(f, m, req, cls, node, false, &sent);
	if (r != KITH_OK)
		return r;
	if (req == 0 && cached(f, m->g, scope, node, incarnation, from)) {
		r = send_named(f, m, kg, 0, cls);
		if (r != KITH_OK)
			return r;
		kith_buf_reset(&f->frame);
		kith_buf_put_slice(&f->frame, kith_buf_slice(&f->cache.bytes));
		*next = f->cache.next;
		*n_out = f->cache.n;
		l->peer->records_out += f->cache.n;
		return kith_fed_send(f, l, KITH_FR_RUN);
	}
	kith_arena_reset(f->arena);
	r = kith_group_range(kg, f->t, scope, node, incarnation, from, to - from < RANGE_MAX ? (size_t)(to - from) : RANGE_MAX, f->arena, &item, &n);
	if (r == KITH_E_CORRUPT) {
		kith_fed_log(f, 3, "a record that a peer asked for cannot be read back");
		r = KITH_E_NOTFOUND;
	}
	if (r == KITH_OK && (n == 0 || kith_record_parse(item[n - 1].header, &last) != KITH_OK))
		r = KITH_E_NOTFOUND;
	if (r == KITH_OK)
		r = name_objects(f, kg, item, n);
	if (r == KITH_OK)
		r = send_named(f, m, kg, req, cls);
	f->cache.stamp = 0;
	if (r == KITH_OK)
		put_run(f, m->g, req, cls, history, item, n, &at);
	if (r == KITH_OK && req == 0 && at == n && f->stamp != 0) {
		kith_buf_reset(&f->cache.bytes);
		kith_buf_put_slice(&f->cache.bytes, kith_buf_slice(&f->frame));
		if (kith_buf_err(&f->cache.bytes) == KITH_OK && kith_buf_err(&f->frame) == KITH_OK) {
			f->cache.stamp = f->stamp;
			f->cache.group = m->g->id;
			f->cache.scope = *scope;
			f->cache.node = *node;
			f->cache.incarnation = incarnation;
			f->cache.from = from;
			f->cache.next = last.seq + 1;
			f->cache.n = n;
		}
	}
	if (r == KITH_OK)
		r = kith_fed_send(f, l, KITH_FR_RUN);
	while (r == KITH_OK && at < n) {
		put_run(f, m->g, req, cls, history, item, n, &at);
		r = kith_fed_send(f, l, KITH_FR_RUN);
	}
	if (r != KITH_OK)
		return r;
	l->peer->records_out += n;
	*next = last.seq + 1;
	*n_out = n;
	return KITH_OK;
}

int
kith_fed_announce(struct kith_fed *f, struct fed_member *m, uint32_t feed)
{
	struct fed_known *k = kith_fed_known(m, feed);
	int r;

	if (k == NULL)
		return KITH_E_NOMEM;
	if (k->queued || m->link == NULL)
		return KITH_OK;
	r = kith_vec_push(&m->announce, feed);
	k->queued = r == KITH_OK;
	if (m->link->announce_ms == NEVER)
		m->link->announce_ms = f->now.mono_ms + FED_BATCH_MS;
	return r;
}

static int
announce_member(struct kith_fed *f, struct fed_member *m)
{
	struct kith_buf *b = NULL;
	struct fed_known *k;
	struct fed_feed *fd;
	uint8_t inc[8];
	uint32_t feed, n = 0;
	size_t i, mark = 0;
	int r = KITH_OK;

	for (i = 0; r == KITH_OK && i < m->announce.n; i++) {
		feed = m->announce.v[i];
		fd = &m->g->feed.v[feed];
		k = &m->known.v[feed];
		k->queued = false;
		/* its own records come back to it as a receipt */
		if (k->sent >= fd->next || (k->known >= fd->next && !kith_id_eq(&fd->node, &m->node)) || !kith_fed_member_sees(f, m, fd->scope))
			continue;
		if (b == NULL) {
			b = kith_fed_begin(f, 2);
			kith_mp_put_id(b, &m->g->id);
			mark = kith_mp_begin(b);
			n = 0;
		}
		kith_mp_put_array(b, 4);
		kith_mp_put_id(b, &m->g->scope.v[fd->scope].id);
		kith_mp_put_id(b, &fd->node);
		kith_mp_put_bin(b, kith_fed_u64(inc, fd->incarnation));
		kith_mp_put_uint(b, fd->next);
		k->sent = fd->next;
		if (++n == KITH_FRAME_IDS) {
			kith_mp_end_array(b, mark, n);
			r = kith_fed_send(f, m->link, KITH_FR_IHAVE);
			b = NULL;
		}
	}
	m->announce.n = 0;
	if (r == KITH_OK && b != NULL) {
		kith_mp_end_array(b, mark, n);
		r = kith_fed_send(f, m->link, KITH_FR_IHAVE);
	}
	return r;
}

int
kith_fed_announce_flush(struct kith_fed *f, struct fed_link *l)
{
	size_t i;
	int r = KITH_OK;

	if (l->gone || l->announce_ms == NEVER || f->now.mono_ms < l->announce_ms)
		return KITH_OK;
	if (!kith_fed_may_send(l, KITH_CL_CONTROL)) {
		l->announce_ms = f->now.mono_ms + FED_BATCH_MS;
		return KITH_OK;
	}
	l->announce_ms = NEVER;
	for (i = 0; r == KITH_OK && i < l->members.n && !l->gone; i++)
		if (l->members.v[i]->link == l && l->members.v[i]->announce.n > 0)
			r = announce_member(f, l->members.v[i]);
	return r;
}

int
kith_fed_push_feed(struct kith_fed *f, struct fed_member *m, uint32_t feed)
{
	struct fed_feed *fd = &m->g->feed.v[feed];
	struct fed_scope *s = &m->g->scope.v[fd->scope];
	struct fed_known *k = kith_fed_known(m, feed);
	int cls = s->plane == KITH_PLANE_TIMELINE ? KITH_CL_LIVE : KITH_CL_AUTHORITY, r = KITH_OK;
	uint64_t from;
	size_t n;

	if (k == NULL)
		return KITH_E_NOMEM;
	from = k->known > k->sent ? k->known : k->sent;
	if (fd->next > from + PUSH_MAX)
		return kith_fed_announce(f, m, feed);
	while (r == KITH_OK && from < fd->next && m->link != NULL) {
		if (!kith_fed_may_send(m->link, cls))
			return kith_fed_announce(f, m, feed);
		r = kith_fed_send_run(f, m, 0, cls, &s->id, &fd->node, fd->incarnation, from, fd->next, false, &from, &n);
		if (r == KITH_OK)
			k->sent = from;
	}
	return r == KITH_E_NOTFOUND ? KITH_OK : r;
}

/* ---- who gets what at once ---- */

static uint64_t
nearness(const struct kith_fed *f, const struct fed_member *m)
{
	return kith_id_prefix(&m->node) ^ kith_id_prefix(&f->self->node);
}

static void
choose_active(struct kith_fed *f, struct fed_group *g)
{
	struct fed_member *m, *o;
	size_t it = 0, jt, nearer;
	void *v, *w;

	g->active_stale = false;
	g->n_linked = 0;
	while (kith_map_next(g->members, &it, NULL, &v))
		g->n_linked += ((struct fed_member *)v)->link != NULL;
	if (g->n_linked <= FED_FEW)
		return;
	for (it = 0; kith_map_next(g->members, &it, NULL, &v);) {
		m = v;
		m->active = false;
		if (m->link == NULL)
			continue;
		for (jt = nearer = 0; nearer < ACTIVE && kith_map_next(g->members, &jt, NULL, &w);) {
			o = w;
			nearer += o->link != NULL && nearness(f, o) < nearness(f, m);
		}
		m->active = nearer < ACTIVE;
	}
}

static bool
wants_at_once(struct kith_fed *f, struct fed_member *m, const struct kith_id *origin)
{
	void *said = kith_map_get(m->eager, kith_id_slice(origin));

	if (m->g->active_stale)
		choose_active(f, m->g);
	if (m->g->n_linked <= FED_FEW)
		return kith_id_eq(origin, &f->self->node) || said == FED_ON;
	return said == FED_ON || (said != FED_OFF && m->active);
}

int
kith_fed_send_eager(struct kith_fed *f, struct fed_member *m, const struct kith_id *origin, bool on)
{
	void *said = kith_map_get(m->grafted, kith_id_slice(origin));
	struct kith_buf *b;
	int r = KITH_OK;

	if (m->g->active_stale)
		choose_active(f, m->g);
	if (said == (on ? FED_ON : FED_OFF) || (!on && said == NULL && m->g->n_linked <= FED_FEW))
		return KITH_OK;
	if (kith_map_count(m->grafted) < EAGER_MAX)
		r = kith_map_put(m->grafted, kith_id_slice(origin), on ? FED_ON : FED_OFF, NULL);
	if (r != KITH_OK)
		return r;
	b = kith_fed_begin(f, 3);
	kith_mp_put_id(b, &m->g->id);
	kith_mp_put_id(b, origin);
	kith_mp_put_bool(b, on);
	return kith_fed_send(f, m->link, KITH_FR_EAGER);
}

int
kith_fed_on_eager(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r)
{
	struct kith_id id = kith_mp_id(r), origin = kith_mp_id(r);
	bool on = kith_mp_bool(r);
	struct fed_member *m;
	int e = kith_fed_frame_group(f, l, &id, &m);

	if (e != KITH_OK || m == NULL || kith_map_count(m->eager) >= EAGER_MAX)
		return e;
	return kith_map_put(m->eager, kith_id_slice(&origin), on ? FED_ON : FED_OFF, NULL);
}

int
kith_fed_on_ihave(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r)
{
	struct kith_id id = kith_mp_id(r), scope, node;
	struct fed_member *m, *origin;
	struct fed_known *k;
	uint8_t inc[8];
	uint64_t next;
	uint32_t n, feed;
	int e = kith_fed_frame_group(f, l, &id, &m);

	if (e != KITH_OK || m == NULL)
		return e;
	for (n = kith_mp_array(r); e == KITH_OK && n > 0; n--) {
		kith_mp_array_exact(r, 4);
		scope = kith_mp_id(r);
		node = kith_mp_id(r);
		kith_mp_bin_exact(r, inc, sizeof(inc));
		next = kith_mp_uint(r);
		if (next == 0 || next > KITH_SEQ_MAX + 1)
			return KITH_E_MALFORMED;
		e = kith_fed_feed_said(m->g, &scope, &node, kith_get_be64(inc), &feed);
		if (e == KITH_E_LIMIT || e == KITH_E_NOTFOUND) {
			e = KITH_OK;
			continue;
		}
		k = e == KITH_OK ? kith_fed_known(m, feed) : NULL;
		if (k == NULL)
			return KITH_E_NOMEM;
		if (k->known < next)
			k->known = next;
		if (m->g->feed.v[feed].next >= next)
			continue;
		e = kith_fed_claim(f, m, feed, next);
		origin = kith_fed_member(m->g, &node);
		if (m->g->active_stale)
			choose_active(f, m->g);
		if (e == KITH_OK && (origin == NULL || origin->link == NULL || m->g->n_linked > FED_FEW))
			e = kith_fed_send_eager(f, m, &node, true);
	}
	return e == KITH_OK ? kith_fed_pull(f, m->g) : e;
}

/* Proof that a node has contradicted itself, once for each feed: both records, signed. */
int
kith_fed_pass_proof(struct kith_fed *f, struct fed_group *g, const struct kith_change *c)
{
	struct kith_ledger_key key = { g->id, c->scope, c->node, c->incarnation };
	struct kith_mp_reader rd;
	struct kith_slice proof, header[2], sig[2];
	struct fed_member *m;
	struct kith_buf b;
	uint32_t feed, feedno;
	size_t it = 0;
	void *v;
	int r = kith_fed_feed(g, &c->scope, &c->node, c->incarnation, true, &feed), i;

	if (r != KITH_OK)
		return r;
	r = kith_fed_feed_look(f, g, feed);
	if (r != KITH_OK || g->feed.v[feed].proof_told)
		return r;
	r = kith_ledger_feed(f->t, &key, false, &feedno);
	if (r == KITH_OK)
		r = kith_ledger_proof_get(f->t, feedno, &proof);
	if (r != KITH_OK)
		return r == KITH_E_NOTFOUND ? KITH_OK : r;
	kith_mp_read(&rd, proof);
	kith_mp_array_exact(&rd, 5);
	(void)kith_mp_uint(&rd);
	for (i = 0; i < 2; i++) {
		header[i] = kith_mp_bin(&rd);
		sig[i] = kith_mp_bin(&rd);
	}
	if (!kith_mp_done(&rd) || sig[0].n != KITH_SIG_BYTES || sig[1].n != KITH_SIG_BYTES)
		return KITH_OK;
	g->feed.v[feed].proof_told = true;
	f->count.evidence++;
	kith_fed_log(f, 2, "a node has written two records at one place of a feed; the proof is kept and passed on");
	kith_buf_init(&b, 0);
	kith_mp_put_array(&b, 2);
	kith_mp_put_id(&b, &g->id);
	kith_mp_put_array(&b, 2);
	for (i = 0; i < 2; i++) {
		kith_mp_put_array(&b, 2);
		kith_mp_put_bin(&b, header[i]);
		kith_mp_put_bin(&b, sig[i]);
	}
	r = kith_buf_err(&b);
	while (r == KITH_OK && kith_map_next(g->members, &it, NULL, &v)) {
		m = v;
		if (m->link == NULL || !m->matched || !kith_fed_member_sees(f, m, g->feed.v[feed].scope))
			continue;
		kith_buf_reset(&f->frame);
		kith_buf_put_slice(&f->frame, kith_buf_slice(&b));
		r = kith_fed_send(f, m->link, KITH_FR_PROOF);
	}
	kith_buf_fini(&b);
	return r;
}

static int
push_dirty(struct kith_fed *f, struct fed_group *g, uint32_t feed)
{
	struct fed_known *k;
	struct fed_feed *fd;
	struct fed_member *m;
	size_t it = 0;
	void *v;
	int r = KITH_OK;

	while (r == KITH_OK && kith_map_next(g->members, &it, NULL, &v)) {
		m = v;
		fd = &g->feed.v[feed];
		if (m->link == NULL || !m->matched || !m->synced || !kith_fed_member_sees(f, m, fd->scope))
			continue;
		k = kith_fed_known(m, feed);
		if (k == NULL)
			return KITH_E_NOMEM;
		if (k->sent >= fd->next || (k->known >= fd->next && !kith_id_eq(&fd->node, &m->node)))
			continue;
		if (k->known < fd->next && wants_at_once(f, m, &fd->node))
			r = kith_fed_push_feed(f, m, feed);
		else
			r = kith_fed_announce(f, m, feed);
	}
	return r;
}

static int
notice(struct kith_fed *f, struct fed_group *g, const struct kith_change *c, bool *rights)
{
	uint32_t feed;
	int r;

	*rights = c->what == KITH_C_STATE || c->what == KITH_C_MEMBER ||
	    (c->what == KITH_C_NEW && kith_scope_plane(&c->scope) != KITH_PLANE_TIMELINE);
	if (*rights)
		g->heads_stale = true;
	if (c->what == KITH_C_FORK)
		return kith_fed_pass_proof(f, g, c);
	if (c->what != KITH_C_NEW)
		return KITH_OK;
	r = kith_fed_feed(g, &c->scope, &c->node, c->incarnation, true, &feed);
	if (r != KITH_OK || g->feed.v[feed].stamp == f->stamp)
		return r;
	g->feed.v[feed].stamp = f->stamp;
	r = kith_fed_feed_look(f, g, feed);
	return r == KITH_OK ? kith_vec_push(&f->dirty, ((struct fed_dirty){ g, feed })) : r;
}

/* What a batch has brought, to all who may have it. */
int
kith_fed_push_all(struct kith_fed *f, const struct kith_changes *c)
{
	struct fed_group *g, *last = NULL;
	size_t i, it;
	void *v;
	bool rights, look = false;
	int r = KITH_OK;

	f->stamp++;
	f->dirty.n = 0;
	for (i = 0; r == KITH_OK && i < c->list.n; i++) {
		r = kith_fed_group(f, &c->list.v[i].group, false, &g);
		look = look || g == NULL || !g->tagged;
		if (r != KITH_OK || g == NULL || !g->loaded)
			continue;
		r = notice(f, g, &c->list.v[i], &rights);
		if (rights && (g != last || g->epoch_stamp != f->stamp)) {
			g->epoch++;
			g->epoch_stamp = f->stamp;
		}
		last = g;
	}
	if (r == KITH_OK && look)
		r = kith_fed_groups_look(f);
	for (it = 0; r == KITH_OK && kith_map_next(f->groups, &it, NULL, &v);) {
		g = v;
		if (!g->loaded)
			continue;
		if (g->epoch_stamp == f->stamp)
			r = kith_fed_members_look(f, g);
		if (r == KITH_OK && f->t->changes[KITH_T_INVITE] > 0)
			r = kith_fed_invites_look(f, g);
	}
	for (i = 0; r == KITH_OK && i < f->dirty.n; i++)
		r = push_dirty(f, f->dirty.v[i].g, f->dirty.v[i].feed);
	f->cache.stamp = 0;
	return r;
}
