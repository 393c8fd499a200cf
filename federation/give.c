#include "federation/fed.h"

#include <string.h>

#include "group/cut.h"

/*
 * Giving a run of records, pushed or asked for: before it the records of the node
 * that signed it and the objects that it names, as far as the peer has not had
 * them; a run too large for a frame goes on in the next. What is pushed to many is
 * encoded once.
 */
#define RANGE_MAX 256                   /* stretched to a signed record: 511 at most */

_Static_assert(KITH_CUT_MAX + 256 <= KITH_FRAME_MAX, "whatever may be held may be given");

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
