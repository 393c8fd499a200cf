#include "federation/fed.h"

#include <string.h>

/*
 * Giving what was asked for, as far as credit goes, a few requests at a time in
 * turn, and the others after them. Absent and forbidden are answered alike: DONE
 * with nothing before it.
 */
#define PAGE_MAX 500
#define SERVED_BYTES (4u << 20)         /* of objects that wait for credit */

int
kith_fed_done(struct kith_fed *f, struct fed_link *l, uint64_t req, bool found)
{
	struct kith_buf *b = kith_fed_begin(f, 2);

	kith_mp_put_uint(b, req);
	kith_mp_put_bool(b, found);
	return kith_fed_send(f, l, KITH_FR_DONE);
}

static int
finish(struct kith_fed *f, struct fed_link *l, size_t i)
{
	struct fed_served s = l->served.v[i];
	size_t k;

	memmove(&l->served.v[i], &l->served.v[i + 1], (l->served.n - i - 1) * sizeof(l->served.v[0]));
	l->served.n--;
	for (k = 0; k < l->served.n; k++) {
		if (l->served.v[k].id == s.id) {
			l->served.v[k].found = l->served.v[k].found || s.found;
			return KITH_OK;         /* a page of several feeds: not the last */
		}
	}
	return kith_fed_done(f, l, s.id, s.found);
}

int
kith_fed_serve(struct kith_fed *f, struct fed_link *l)
{
	struct fed_member *m;
	struct fed_known *k;
	struct fed_served *s;
	uint64_t next, from;
	uint32_t feed;
	size_t i, n;
	int r = KITH_OK;

	while (r == KITH_OK && !l->gone && l->served.n > 0 && kith_fed_may_send(l, KITH_CL_HISTORY)) {
		i = l->serve_at++ % (l->served.n < FED_SERVED_AT_ONCE ? l->served.n : FED_SERVED_AT_ONCE);
		s = &l->served.v[i];
		m = kith_fed_member(s->group, &l->peer->node);
		if (m == NULL || m->link != l || !kith_fed_sees(f, m, &s->scope) || s->next >= s->to) {
			r = finish(f, l, i);
			continue;
		}
		from = s->next;
		r = kith_fed_send_run(f, m, s->id, KITH_CL_HISTORY, &s->scope, &s->node, s->incarnation, from, s->to, s->history, &next, &n);
		if (r == KITH_E_NOTFOUND || (r == KITH_OK && next <= from)) {
			r = finish(f, l, i);
			continue;
		}
		if (r != KITH_OK || l->gone)
			break;
		s = &l->served.v[i];
		s->found = true;
		s->next = next;
		if (!s->history && kith_fed_feed(m->g, &s->scope, &s->node, s->incarnation, false, &feed) == KITH_OK) {
			k = kith_fed_known(m, feed);
			if (k == NULL)
				return KITH_E_NOMEM;
			if (k->sent < next)
				k->sent = next;
		}
		if (s->next >= s->to)
			r = finish(f, l, i);
	}
	return r;
}

static int
serve_add(struct kith_fed *f, struct fed_link *l, const struct fed_served *s)
{
	if (l->served.n >= FED_SERVED_MAX)
		return kith_fed_done(f, l, s->id, false);
	return kith_vec_push(&l->served, *s);
}

int
kith_fed_on_want_range(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r)
{
	struct fed_served s = { .id = kith_mp_uint(r) };
	struct kith_id id = kith_mp_id(r);
	struct fed_member *m;
	uint8_t inc[8];
	int e;

	s.scope = kith_mp_id(r);
	s.node = kith_mp_id(r);
	kith_mp_bin_exact(r, inc, sizeof(inc));
	s.incarnation = kith_get_be64(inc);
	s.next = kith_mp_uint(r);
	s.to = kith_mp_uint(r);
	e = kith_fed_frame_group(f, l, &id, &m);
	if (e != KITH_OK || l->gone)
		return e;
	if (m == NULL || !kith_fed_sees(f, m, &s.scope) || s.next >= s.to)
		return kith_fed_done(f, l, s.id, false);
	s.group = m->g;
	e = serve_add(f, l, &s);
	return e == KITH_OK ? kith_fed_serve(f, l) : e;
}

int
kith_fed_on_want_ids(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r)
{
	uint64_t req = kith_mp_uint(r);
	struct kith_id id = kith_mp_id(r);
	struct kith_ledger_record lr;
	struct kith_record rec;
	struct fed_member *m;
	struct kith_buf *b;
	uint8_t inc[8];
	uint32_t n, found = 0;
	size_t mark;
	int e = kith_fed_frame_group(f, l, &id, &m);

	if (e != KITH_OK || l->gone)
		return e;
	if (m == NULL || m->level == LEVEL_NONE)
		return kith_fed_done(f, l, req, false);
	b = kith_fed_begin(f, 3);
	kith_mp_put_uint(b, req);
	kith_mp_put_id(b, &m->g->id);
	mark = kith_mp_begin(b);
	for (n = kith_mp_array(r); n > 0; n--) {
		id = kith_mp_id(r);
		e = kith_ledger_get_id(f->t, &id, &lr);
		if (e == KITH_E_NOTFOUND || e == KITH_E_CORRUPT)
			continue;
		if (e != KITH_OK)
			return e;
		if (kith_record_parse(lr.header, &rec) != KITH_OK || !kith_id_eq(&rec.group, &m->g->id) || !kith_fed_sees(f, m, &rec.scope))
			continue;
		kith_mp_put_array(b, 4);
		kith_mp_put_id(b, &rec.scope);
		kith_mp_put_id(b, &rec.node);
		kith_mp_put_bin(b, kith_fed_u64(inc, rec.incarnation));
		kith_mp_put_uint(b, rec.seq);
		found++;
	}
	kith_mp_end_array(b, mark, found);
	e = kith_fed_send(f, l, KITH_FR_WHERE);
	return e == KITH_OK ? kith_fed_done(f, l, req, found > 0) : e;
}

/* By hash; by node id: that node's records. */
int
kith_fed_on_want_objects(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r)
{
	uint64_t req = kith_mp_uint(r);
	struct kith_id id = kith_mp_id(r);
	struct fed_member *m;
	size_t sent, all = 0;
	uint32_t n;
	int e = kith_fed_frame_group(f, l, &id, &m);

	if (e != KITH_OK || l->gone)
		return e;
	if (m == NULL || m->level == LEVEL_NONE)
		return kith_fed_done(f, l, req, false);
	/* what does not fit now is asked for again */
	for (n = kith_mp_array(r); e == KITH_OK && n > 0 && !l->gone && l->queued < SERVED_BYTES; n--) {
		id = kith_mp_id(r);
		e = kith_fed_send_objects(f, m, req, KITH_CL_HISTORY, &id, 1, true, &sent);
		all += sent;
		if (e == KITH_OK && kith_fed_in_group(m->g, &id, NULL)) {
			e = kith_fed_send_chain(f, m, req, KITH_CL_HISTORY, &id, true, &sent);
			all += sent;
		}
	}
	return e == KITH_OK ? kith_fed_done(f, l, req, all > 0) : e;
}

/* The newest records of a panel before a clock, as ranges of their feeds. */
static int
page(struct kith_fed *f, struct fed_link *l, struct fed_member *m, uint64_t req, const struct kith_id *panel, uint64_t before, uint64_t limit)
{
	struct kith_ledger_entry from = { before, 0, 0 }, *at;
	KITH_VEC(struct fed_served) list = { NULL, 0, 0 };
	struct kith_ledger_record lr;
	struct kith_record rec;
	struct fed_served *s;
	uint32_t scopeno;
	size_t n = 0, i, k;
	int r = kith_ledger_scope(f->t, &m->g->id, panel, false, &scopeno);

	kith_arena_reset(f->arena);
	at = kith_arena_array(f->arena, PAGE_MAX, sizeof(*at));
	if (at == NULL)
		return KITH_E_NOMEM;
	if (limit > PAGE_MAX)
		limit = PAGE_MAX;
	if (r == KITH_OK)
		r = kith_ledger_page(f->t, scopeno, before == 0 ? NULL : &from, true, at, limit, &n);
	for (i = 0; r == KITH_OK && i < n; i++) {
		r = kith_ledger_get(f->t, at[i].pos, &lr);
		if (r == KITH_E_CORRUPT || (r == KITH_OK && kith_record_parse(lr.header, &rec) != KITH_OK)) {
			r = KITH_OK;
			continue;
		}
		if (r != KITH_OK)
			break;
		for (k = 0; k < list.n && !(kith_id_eq(&list.v[k].node, &rec.node) && list.v[k].incarnation == rec.incarnation); k++)
			;
		if (k == list.n) {
			if (kith_vec_grow(&list) != KITH_OK) {
				r = KITH_E_NOMEM;
				break;
			}
			list.v[k] = (struct fed_served){ .id = req, .group = m->g, .scope = *panel, .node = rec.node,
				.incarnation = rec.incarnation, .next = rec.seq, .to = rec.seq + 1, .history = true };
		}
		s = &list.v[k];
		if (rec.seq < s->next)
			s->next = rec.seq;
		if (rec.seq >= s->to)
			s->to = rec.seq + 1;
	}
	if (r == KITH_E_NOTFOUND)
		r = KITH_OK;
	for (i = 0; r == KITH_OK && i < list.n && l->served.n < FED_SERVED_MAX + PAGE_MAX; i++)
		r = kith_vec_push(&l->served, list.v[i]);
	if (r == KITH_OK && list.n == 0)
		r = kith_fed_done(f, l, req, false);
	kith_vec_fini(&list);
	return r;
}

int
kith_fed_on_history(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r)
{
	uint64_t req = kith_mp_uint(r), before, limit;
	struct kith_id id = kith_mp_id(r), panel = kith_mp_id(r);
	struct fed_member *m;
	int e = kith_fed_frame_group(f, l, &id, &m);

	before = kith_mp_uint(r);
	limit = kith_mp_uint(r);
	if (e != KITH_OK || l->gone)
		return e;
	if (m == NULL || limit == 0 || kith_scope_plane(&panel) != KITH_PLANE_TIMELINE || !kith_fed_sees(f, m, &panel) ||
	    l->served.n >= FED_SERVED_MAX)
		return kith_fed_done(f, l, req, false);
	e = page(f, l, m, req, &panel, before, limit);
	return e == KITH_OK ? kith_fed_serve(f, l) : e;
}
