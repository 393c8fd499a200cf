#include "federation/fed.h"

#include <string.h>

#include "id/doc.h"
#include "id/invite.h"

/*
 * What comes: runs of records and the objects that they name. Who may send what
 * follows from its level in the group; whatever it is, it passes the group's own
 * door (kith_group_run), which alone decides.
 */
#define PARKED_MS 20000u

/* Of the records of a run only the first is looked at here: the group refuses a run of several feeds. */
static bool
may_send(const struct fed_member *m, const struct kith_record *rec, bool asked)
{
	switch (m->level) {
	case LEVEL_FULL:
		return true;
	case LEVEL_AUTHORITY:
		if (kith_scope_plane(&rec->scope) == KITH_PLANE_AUTHORITY)
			return true;
		break;
	default:
		break;
	}
	/* what we asked for; or it shows itself: its own roster feed */
	return asked || (m->level != LEVEL_AUTHORITY && kith_scope_plane(&rec->scope) == KITH_PLANE_ROSTER && kith_id_eq(&rec->node, &m->node));
}

static int
foreign(struct kith_fed *f, struct fed_link *l)
{
	f->count.not_entitled++;
	l->peer->refused++;
	if (l->foreign_ms != 0 && f->now.mono_ms - l->foreign_ms < 1000)
		return KITH_OK;
	l->foreign_ms = f->now.mono_ms;
	return kith_fed_penalty(f, l, 5000, "records that it may not send");
}

/* Of a feed that we asked for, nothing of any other is an answer. */
static bool
is_answer(const struct fed_request *q, const struct kith_record *rec)
{
	const struct fed_feed *fd;

	if (q->what != ASK_RANGE && q->what != ASK_FORK)
		return true;
	fd = &q->group->feed.v[q->feed];
	return rec->incarnation == fd->incarnation && kith_id_eq(&rec->node, &fd->node) &&
	    kith_id_eq(&rec->scope, &q->group->scope.v[fd->scope].id);
}

static int
after_run(struct kith_fed *f, struct fed_member *m, struct fed_request *q, const struct kith_record *first, const struct kith_record *last,
    size_t n, int result, const struct kith_run_result *res)
{
	struct fed_known *k;
	struct fed_feed *fd;
	uint32_t feed;
	int e = kith_fed_feed_said(m->g, &first->scope, &first->node, first->incarnation, &feed);

	if (e == KITH_E_LIMIT || e == KITH_E_NOTFOUND)
		return KITH_OK;
	k = e == KITH_OK ? kith_fed_known(m, feed) : NULL;
	if (k == NULL)
		return KITH_E_NOMEM;
	e = kith_fed_feed_look(f, m->g, feed);
	fd = &m->g->feed.v[feed];
	if (k->known <= last->seq)
		k->known = last->seq + 1;
	if (res->parked > 0 && result == KITH_OK && first->seq <= (fd->parked > fd->next ? fd->parked : fd->next)) {
		fd->parked = last->seq + 1;
		fd->parked_until_ms = f->now.mono_ms + PARKED_MS;
	}
	if (q != NULL) {
		q->got += n;
		q->deadline_ms = f->now.mono_ms + kith_fed_patience(q->link);
	} else if (res->held_before == n && !kith_id_eq(&first->node, &m->node)) {
		e = e == KITH_OK ? kith_fed_send_eager(f, m, &first->node, false) : e;
	}
	if (e == KITH_OK && k->known > fd->next)
		e = kith_fed_claim(f, m, feed, k->known, false);
	return e;
}

static int
take(struct kith_fed *f, struct fed_link *l, struct fed_member *m, struct fed_request *q, const struct kith_item *item, size_t n, bool history)
{
	struct kith_missings missing = { { NULL, 0, 0 } };
	struct kith_group *kg = kith_fed_open_group(f, m->g);
	struct kith_run run = { .item = item, .n = n, .history = history };
	struct kith_run_result res;
	struct kith_record first, last;
	int r, e;

	r = kith_record_parse(item[0].header, &first);
	if (r == KITH_OK)
		r = kith_record_parse(item[n - 1].header, &last);
	if (r != KITH_OK)
		return r;
	if (kg == NULL || !kith_id_eq(&first.group, &m->g->id) || !may_send(m, &first, q != NULL))
		return foreign(f, l);
	if (q != NULL && !is_answer(q, &first))
		return kith_fed_penalty(f, l, 10000, "records that nobody asked it for in place of those asked for");
	/* above a gap that will not be filled: kept as a page of history is */
	if (!f->full_copies && kith_scope_plane(&first.scope) == KITH_PLANE_TIMELINE)
		run.history = true;
	r = kith_group_run(kg, f->t, f->now, &m->node, &run, f->host.changes(f->host.ctx), &missing, &res);
	f->count.records_in += n;
	f->count.records_again += res.held_before;
	l->peer->records_in += n;
	l->peer->refused += res.refused;
	if (kith_fed_is_fatal(r))
		goto done;
	if (r == KITH_E_BADSIG || r == KITH_E_MALFORMED || r == KITH_E_LIMIT) {
		r = kith_fed_blame(f, l, r, "RUN");
		goto done;
	}
	/* what only its author could have made well is not the fault of who passes it on */
	if ((res.first_error == KITH_E_BADSIG || res.first_error == KITH_E_MALFORMED) && kith_id_eq(&first.node, &m->node)) {
		f->count.bad_signature++;
		e = kith_fed_penalty(f, l, res.first_error == KITH_E_BADSIG ? 60000 : 10000, "a record of its own that is no good");
		if (e != KITH_OK || l->gone) {
			r = e;
			goto done;
		}
	}
	e = after_run(f, m, q, &first, &last, n, r == KITH_E_EARLY ? KITH_OK : r, &res);
	if (e == KITH_OK && missing.list.n > 0)
		e = kith_fed_want(f, m, &missing);
	r = e == KITH_OK ? kith_fed_pull(f, m->g) : e;
done:
	kith_vec_fini(&missing.list);
	return r;
}

/* Items as they lie in a gathered run: header, signature, body, each with a length of four bytes. */
static int
take_gathered(struct kith_fed *f, struct fed_link *l, struct fed_member *m, struct fed_request *q, bool history)
{
	struct kith_slice in = kith_buf_slice(&l->assembly), part[3];
	struct kith_item *item;
	size_t n = 0, i;
	int r;

	kith_arena_reset(f->arena);
	item = kith_arena_array(f->arena, l->assembly_n, sizeof(*item));
	if (item == NULL)
		return KITH_E_NOMEM;
	while (in.n > 0) {
		for (i = 0; i < 3; i++) {
			part[i] = kith_slice_of(in.p + 4, kith_get_be32(in.p));
			in = kith_slice_from(in, 4 + part[i].n);
		}
		item[n++] = (struct kith_item){ part[0], part[1], part[2] };
	}
	r = take(f, l, m, q, item, n, history);
	kith_buf_reset(&l->assembly);
	l->assembly_n = 0;
	l->assembly_req = 0;
	return r;
}

static void
put_part(struct kith_buf *b, struct kith_slice s)
{
	uint8_t len[4];

	kith_put_be32(len, (uint32_t)s.n);
	kith_buf_put(b, len, sizeof(len));
	kith_buf_put_slice(b, s);
}

int
kith_fed_on_run(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r, size_t bytes)
{
	struct kith_item item[KITH_FRAME_RECORDS];
	uint64_t req = kith_mp_uint(r), flags;
	struct fed_request *q = kith_fed_request(f, req, l);
	struct fed_member *m;
	struct kith_id id;
	uint32_t n, i;
	bool history;
	int e;

	(void)kith_mp_uint(r);
	id = kith_mp_id(r);
	flags = kith_mp_uint(r);
	e = kith_fed_frame_group(f, l, &id, &m);
	if (e != KITH_OK || m == NULL)
		return e;
	if (flags > (KITH_RUN_HISTORY | KITH_RUN_MORE))
		return KITH_E_MALFORMED;
	if (q != NULL && q->group != m->g)
		return KITH_E_MALFORMED;
	if (q != NULL) {
		q->deadline_ms = f->now.mono_ms + kith_fed_patience(l);
		q->answered = true;
	}
	n = kith_mp_array(r);
	for (i = 0; i < n; i++) {
		kith_mp_array_exact(r, 3);
		item[i].header = kith_mp_bin(r);
		item[i].sig = kith_mp_bin(r);
		item[i].body = kith_mp_bin(r);
	}
	if (q == NULL)
		kith_fed_spend(f, l, n, bytes);
	/* a page that nobody asked for is none */
	history = (flags & KITH_RUN_HISTORY) != 0 && q != NULL && q->what == ASK_HISTORY;
	if ((flags & KITH_RUN_MORE) == 0 && l->assembly_n == 0)
		return take(f, l, m, q, item, n, history);
	if (l->assembly_n == 0)
		l->assembly_req = req;
	if (l->assembly_req != req || l->assembly_n + n > KITH_FRAME_RECORDS)
		return KITH_E_MALFORMED;
	for (i = 0; i < n; i++) {
		put_part(&l->assembly, item[i].header);
		put_part(&l->assembly, item[i].sig);
		put_part(&l->assembly, item[i].body);
	}
	l->assembly_n += n;
	if (kith_buf_err(&l->assembly) != KITH_OK)
		return kith_buf_err(&l->assembly);
	return (flags & KITH_RUN_MORE) != 0 ? KITH_OK : take_gathered(f, l, m, q, history);
}

static bool
own_node(const struct fed_member *m, struct kith_slice raw)
{
	struct kith_node_record rec;

	return kith_node_parse(raw, &rec) == KITH_OK && kith_id_eq(&rec.node, &m->node);
}

/* An invite that no record names yet is kept: it may be brought to us. */
static int
keep_invite(struct kith_fed *f, struct fed_member *m, struct kith_slice raw, bool *keep)
{
	struct kith_invite inv;

	*keep = false;
	if (m->level < LEVEL_FULL || kith_invite_parse(raw, &inv) != KITH_OK || !kith_id_eq(&inv.group, &m->g->id) ||
	    !kith_fed_in_group(m->g, &inv.node, NULL) || !kith_fed_invite_stands(f, m->g, &inv.id, inv.expires_ms) ||
	    !kith_fed_invite_room(f, m->g))
		return KITH_OK;
	*keep = true;
	return KITH_OK;
}

/* A document that nobody asked for: of somebody known, or one more of those that the peer may bring today. */
static bool
may_be_told_of(struct kith_fed *f, const struct fed_link *l, struct kith_slice raw)
{
	struct kith_doc doc;
	bool has = false;

	if (kith_doc_parse(raw, &doc) != KITH_OK || doc.n > 0)
		return true;
	return (kith_ledger_object_has(f->t, &doc.id, &has) == KITH_OK && has) || kith_fed_new_person(f, &l->peer->node, f->now.mono_ms);
}

int
kith_fed_on_objects(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r, size_t bytes)
{
	struct kith_missings missing = { { NULL, 0, 0 } };
	uint64_t req = kith_mp_uint(r), type;
	struct fed_request *q = kith_fed_request(f, req, l);
	struct kith_invite inv;
	struct kith_group *kg;
	struct fed_member *m;
	struct kith_id id;
	uint32_t n;
	bool keep;
	int e;

	(void)kith_mp_uint(r);
	id = kith_mp_id(r);
	e = kith_fed_frame_group(f, l, &id, &m);
	if (e != KITH_OK || m == NULL)
		return e;
	kg = kith_fed_open_group(f, m->g);
	if (kg == NULL)
		return KITH_OK;
	n = kith_mp_array(r);
	if (q == NULL)
		kith_fed_spend(f, l, n, bytes);
	else
		q->deadline_ms = f->now.mono_ms + kith_fed_patience(l);
	for (; n > 0; n--) {
		struct kith_slice raw;

		kith_mp_array_exact(r, 2);
		type = kith_mp_uint(r);
		raw = kith_mp_bin(r);
		keep = false;
		if (type == KITH_O_DOC && q == NULL && !may_be_told_of(f, l, raw))
			continue;               /* who is in the group comes with its records, when we ask for them */
		if (type == KITH_O_INVITE)
			e = keep_invite(f, m, raw, &keep);
		if (e == KITH_OK && type == KITH_O_NODE && q == NULL && m->level == LEVEL_NONE && !own_node(m, raw))
			continue;               /* a stranger may show its own records, and no others */
		if (e == KITH_OK)
			e = kith_group_object(kg, f->t, f->now, type > UINT8_MAX ? UINT8_MAX : (uint8_t)type, raw, keep,
			    f->host.changes(f->host.ctx), &missing);
		if (kith_fed_is_fatal(e))
			break;
		if (e == KITH_OK && keep && kith_invite_parse(raw, &inv) == KITH_OK)
			e = kith_fed_invite_came(f, m->g, &inv.id, inv.expires_ms);
		if (e == KITH_E_BADSIG || e == KITH_E_MALFORMED || e == KITH_E_LIMIT) {
			l->peer->refused++;
			e = kith_fed_penalty(f, l, e == KITH_E_BADSIG ? 60000 : 10000, "an object that is no good");
			if (e != KITH_OK || l->gone)
				break;
		}
		if (kith_fed_is_fatal(e))
			break;
		e = KITH_OK;
	}
	if (e == KITH_OK && missing.list.n > 0)
		e = kith_fed_want(f, m, &missing);
	kith_vec_fini(&missing.list);
	return e == KITH_OK ? kith_fed_pull(f, m->g) : e;
}

/* Both records stand at one place of one feed and are signed: each goes through the door by itself. */
int
kith_fed_on_proof(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r)
{
	struct kith_record rec[2];
	struct kith_item item[2];
	struct fed_member *m;
	struct kith_id id = kith_mp_id(r);
	int e = kith_fed_frame_group(f, l, &id, &m), i;

	if (e != KITH_OK || m == NULL)
		return e;
	if (kith_mp_array(r) != 2)
		return KITH_E_MALFORMED;
	for (i = 0; e == KITH_OK && i < 2; i++) {
		kith_mp_array_exact(r, 2);
		item[i].header = kith_mp_bin(r);
		item[i].sig = kith_mp_bin(r);
		item[i].body = kith_slice_of(NULL, 0);
		e = kith_record_parse(item[i].header, &rec[i]);
	}
	if (e != KITH_OK)
		return e;
	if (!kith_id_eq(&rec[0].node, &rec[1].node) || !kith_id_eq(&rec[0].scope, &rec[1].scope) || rec[0].seq != rec[1].seq ||
	    rec[0].incarnation != rec[1].incarnation || kith_id_eq(&rec[0].id, &rec[1].id))
		return KITH_E_MALFORMED;
	kith_fed_spend(f, l, 2, item[0].header.n + item[1].header.n);
	for (i = 0; e == KITH_OK && i < 2 && !l->gone; i++)
		e = take(f, l, m, NULL, &item[i], 1, false);
	return e;
}
