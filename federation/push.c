#include "federation/fed.h"

/*
 * News. What this node writes goes at once to all linked nodes of the group;
 * what others wrote is only announced (IHAVE, gathered for 100 ms), since its
 * origin pushes it itself. Who needed an announcement because the origin does not
 * reach it says EAGER on for that origin, and off when it gets things twice. In a
 * group of more than FED_FEW nodes only a few, the active ones, get
 * everything at once, and the same switch makes a tree that heals itself.
 *
 * Of each feed and peer we keep how many records it is known to hold and how many
 * have been sent or announced: nothing is pushed twice, and a peer that is too slow
 * for pushes is told where the tip is and fetches with credit of its own.
 */
#define PUSH_MAX 512                    /* more than this is announced, not pushed */
#define ACTIVE 6
#define EAGER_MAX 4096

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

/* Of forked feeds it does not count how many records there are: the ends of all their branches are told. */
static int
announce_forks(struct kith_fed *f, struct fed_member *m)
{
	KITH_VEC(uint32_t) scopes = { NULL, 0, 0 };
	const struct fed_feed *fd;
	size_t i, k;
	int r = KITH_OK;

	for (i = 0; r == KITH_OK && i < m->announce.n; i++) {
		fd = &m->g->feed.v[m->announce.v[i]];
		for (k = 0; k < scopes.n && scopes.v[k] != fd->scope;)
			k++;
		if (fd->forked && k == scopes.n)
			r = kith_vec_push(&scopes, fd->scope);
	}
	if (r == KITH_OK && scopes.n > 0)
		r = kith_fed_send_clocks(f, m, scopes.v, scopes.n, false);
	kith_vec_fini(&scopes);
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
	int r = announce_forks(f, m);

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
		kith_mp_put_array(b, 5);
		kith_mp_put_id(b, &m->g->scope.v[fd->scope].id);
		kith_mp_put_id(b, &fd->node);
		kith_mp_put_bin(b, kith_fed_u64(inc, fd->incarnation));
		kith_mp_put_uint(b, fd->next);
		kith_mp_put_id(b, &fd->tip);
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

/* By the roster and not by links, so that all agree on it. */
static bool
is_large(const struct fed_group *g)
{
	return g->n_nodes > FED_FEW;
}

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
	if (!is_large(g))
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
	if (!is_large(m->g))
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
	if (said == (on ? FED_ON : FED_OFF) || (!on && said == NULL && !is_large(m->g)))
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
	struct kith_id id = kith_mp_id(r), scope, node, tip;
	struct fed_member *m, *origin;
	struct fed_known *k;
	uint8_t inc[8];
	uint64_t next;
	bool news;
	uint32_t n, feed;
	int e = kith_fed_frame_group(f, l, &id, &m);

	if (e != KITH_OK || m == NULL)
		return e;
	for (n = kith_mp_array(r); e == KITH_OK && n > 0; n--) {
		kith_mp_array_exact(r, 5);
		scope = kith_mp_id(r);
		node = kith_mp_id(r);
		kith_mp_bin_exact(r, inc, sizeof(inc));
		next = kith_mp_uint(r);
		tip = kith_mp_id(r);
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
		news = k->known < next;
		if (news)
			k->known = next;
		if (m->g->feed.v[feed].next >= next) {
			/* its origin may have told others something else */
			e = kith_fed_other_branch(f, m, feed, next, &tip);
			continue;
		}
		e = kith_fed_claim(f, m, feed, next, news);
		origin = kith_fed_member(m->g, &node);
		if (m->g->active_stale)
			choose_active(f, m->g);
		if (e == KITH_OK && (origin == NULL || origin->link == NULL || is_large(m->g)))
			e = kith_fed_send_eager(f, m, &node, true);
	}
	return e == KITH_OK ? kith_fed_pull(f, m->g) : e;
}

/* Proof that a node has contradicted itself, as its frame: both records, signed. NOTFOUND: there is none. */
static int
put_proof(struct kith_fed *f, const struct fed_group *g, uint32_t feed, struct kith_buf *b)
{
	const struct fed_feed *fd = &g->feed.v[feed];
	struct kith_ledger_key key = { g->id, g->scope.v[fd->scope].id, fd->node, fd->incarnation };
	struct kith_mp_reader rd;
	struct kith_slice proof, header[2], sig[2];
	uint32_t feedno;
	int r = kith_ledger_feed(f->t, &key, false, &feedno), i;

	if (r == KITH_OK)
		r = kith_ledger_proof_get(f->t, feedno, &proof);
	if (r != KITH_OK)
		return r;
	kith_mp_read(&rd, proof);
	kith_mp_array_exact(&rd, 5);
	(void)kith_mp_uint(&rd);
	for (i = 0; i < 2; i++) {
		header[i] = kith_mp_bin(&rd);
		sig[i] = kith_mp_bin(&rd);
	}
	if (!kith_mp_done(&rd) || sig[0].n != KITH_SIG_BYTES || sig[1].n != KITH_SIG_BYTES)
		return KITH_E_NOTFOUND;
	kith_mp_put_array(b, 2);
	kith_mp_put_id(b, &g->id);
	kith_mp_put_array(b, 2);
	for (i = 0; i < 2; i++) {
		kith_mp_put_array(b, 2);
		kith_mp_put_bin(b, header[i]);
		kith_mp_put_bin(b, sig[i]);
	}
	return kith_buf_err(b);
}

static int
send_proof(struct kith_fed *f, struct fed_member *m, const struct kith_buf *b)
{
	kith_buf_reset(&f->frame);
	kith_buf_put_slice(&f->frame, kith_buf_slice(b));
	return kith_fed_send(f, m->link, KITH_FR_PROOF);
}

/* To all, once for each feed. */
int
kith_fed_pass_proof(struct kith_fed *f, struct fed_group *g, const struct kith_change *c)
{
	struct fed_member *m;
	struct kith_buf b;
	uint32_t feed;
	size_t it = 0;
	void *v;
	int r = kith_fed_feed(g, &c->scope, &c->node, c->incarnation, true, &feed);

	if (r != KITH_OK)
		return r;
	r = kith_fed_feed_look(f, g, feed);
	if (r != KITH_OK || g->feed.v[feed].proof_told)
		return r;
	kith_buf_init(&b, 0);
	r = put_proof(f, g, feed, &b);
	if (r == KITH_OK) {
		g->feed.v[feed].proof_told = true;
		f->count.evidence++;
		kith_fed_log(f, 2, "a node has written two records at one place of a feed; the proof is kept and passed on");
	}
	while (r == KITH_OK && kith_map_next(g->members, &it, NULL, &v)) {
		m = v;
		if (m->link != NULL && m->matched && kith_fed_member_sees(f, m, g->feed.v[feed].scope))
			r = send_proof(f, m, &b);
	}
	kith_buf_fini(&b);
	return r == KITH_E_NOTFOUND ? KITH_OK : r;
}

/* To one that was away, and whose clocks do not show that it knows. */
int
kith_fed_remind_proof(struct kith_fed *f, struct fed_member *m, uint32_t feed)
{
	struct fed_feed *fd = &m->g->feed.v[feed];
	struct kith_buf b;
	int r;

	if (m->link == NULL || !kith_fed_member_sees(f, m, fd->scope) || (fd->proof_ms != 0 && f->now.mono_ms - fd->proof_ms < FED_MIN_MS / 2))
		return KITH_OK;
	fd->proof_ms = f->now.mono_ms;
	kith_buf_init(&b, 0);
	r = put_proof(f, m->g, feed, &b);
	if (r == KITH_OK)
		r = send_proof(f, m, &b);
	kith_buf_fini(&b);
	return r == KITH_E_NOTFOUND ? KITH_OK : r;
}

static int
push_to(struct kith_fed *f, struct fed_member *m, uint32_t feed)
{
	const struct fed_feed *fd = &m->g->feed.v[feed];
	const struct fed_known *k;

	if (m->link == NULL || !m->matched || !m->synced || !kith_fed_member_sees(f, m, fd->scope))
		return KITH_OK;
	k = kith_fed_known(m, feed);
	if (k == NULL)
		return KITH_E_NOMEM;
	if (fd->forked)
		return kith_fed_announce(f, m, feed);
	if (k->sent >= fd->next || (k->known >= fd->next && !kith_id_eq(&fd->node, &m->node)))
		return KITH_OK;
	if (k->known < fd->next && wants_at_once(f, m, &fd->node))
		return kith_fed_push_feed(f, m, feed);
	return kith_fed_announce(f, m, feed);
}

static int
push_dirty(struct kith_fed *f, struct fed_group *g, uint32_t feed)
{
	size_t it = 0;
	void *v;
	int r = KITH_OK;

	while (r == KITH_OK && kith_map_next(g->members, &it, NULL, &v))
		r = push_to(f, v, feed);
	return r;
}

int
kith_fed_synced(struct kith_fed *f, struct fed_member *m)
{
	uint32_t i;
	int r = KITH_OK;

	if (m->synced)
		return KITH_OK;
	m->synced = true;
	for (i = 0; r == KITH_OK && i < m->g->feed.n; i++)
		if (m->g->feed.v[i].stamp > m->since)
			r = push_to(f, m, i);
	return r;
}

/*
 * A body that came after its record. Nobody announces it, and whoever lacks it has asked in vain: so it is passed on, by each
 * who had lacked it, to all that get things at once.
 */
static int
pass_body(struct kith_fed *f, struct fed_group *g, const struct kith_change *c)
{
	struct fed_member *m;
	uint64_t next;
	size_t it = 0, n;
	void *v;
	int r = KITH_OK;

	if (g->active_stale)
		choose_active(f, g);
	while (r == KITH_OK && kith_map_next(g->members, &it, NULL, &v)) {
		m = v;
		if (m->link == NULL || !m->matched || (is_large(g) && !m->active) || !kith_fed_sees(f, m, &c->scope) ||
		    !kith_fed_may_send(m->link, KITH_CL_LIVE))
			continue;
		r = kith_fed_send_run(f, m, 0, KITH_CL_LIVE, &c->scope, &c->node, c->incarnation, c->seq, c->seq + 1, false, &next, &n);
		r = r == KITH_E_NOTFOUND ? KITH_OK : r;
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
	if (c->what == KITH_C_BODY)
		return pass_body(f, g, c);
	if (c->what != KITH_C_NEW && c->what != KITH_C_DECIDED)
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
