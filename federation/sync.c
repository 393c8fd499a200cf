#include "federation/fed.h"

#include <string.h>

/*
 * Comparing. When a group opens on a link, and when what a peer may see grows,
 * each side sends DIGEST: a hash for every scope that the other may see. For
 * scopes that differ the receiver sends CLOCKS, how far it holds each feed, and
 * asks for the other's; both then know what the other lacks, and ask for what
 * they lack themselves (pull.c). Every 30 to 60 s the same begins with a peer
 * chosen at random, from one hash over all shared groups (SUM), then one for each
 * (GROUPS).
 */
#define ROUND_MS 30000u
#define NAMED_TIPS_MAX 1024             /* names that peers speak of leave room for what records name */
#define BRANCHES_TOLD 64                /* of one forked feed, beside its tip */

/* Scopes that the peer may see, from our side; those without records count as absent. */
static int
put_scopes(struct kith_fed *f, struct fed_member *m, struct kith_buf *b)
{
	struct fed_group *g = m->g;
	struct kith_id hash;
	uint32_t i, n = 0;
	size_t mark = kith_mp_begin(b);
	int r = KITH_OK;

	for (i = 0; r == KITH_OK && i < g->scope.n && n < 4096; i++) {
		if (!kith_fed_member_sees(f, m, i))
			continue;
		r = kith_fed_scope_hash(f, g, i, &hash);
		if (r != KITH_OK || kith_id_is_none(&hash))
			continue;
		kith_mp_put_array(b, 2);
		kith_mp_put_id(b, &g->scope.v[i].id);
		kith_mp_put_id(b, &hash);
		n++;
	}
	kith_mp_end_array(b, mark, n);
	return r;
}

int
kith_fed_send_digest(struct kith_fed *f, struct fed_member *m)
{
	struct kith_buf *b;
	int r = kith_fed_group_load(f, m->g);

	if (r == KITH_OK)
		r = kith_fed_group_heads(f, m->g);
	if (r != KITH_OK)
		return r;
	b = kith_fed_begin(f, 5);
	kith_mp_put_id(b, &m->g->id);
	kith_mp_put_id(b, &m->g->frontier);
	kith_mp_put_id(b, &m->g->state);
	kith_mp_put_id(b, &m->g->invites);
	r = put_scopes(f, m, b);
	if (!m->digested && !m->synced)
		m->since = f->stamp;
	m->digested = true;
	return r == KITH_OK ? kith_fed_send(f, m->link, KITH_FR_DIGEST) : r;
}

/*
 * The group as this pair sees it. The order of scopes differs from node to node,
 * so they are summed, which settles nothing: GROUPS and SUM only spare work, and
 * a DIGEST, whose hashes are compared one by one, follows every few rounds anyway.
 */
static int
pair_hash(struct kith_fed *f, struct fed_member *m, struct kith_id *out)
{
	struct fed_group *g = m->g;
	struct kith_id hash, each;
	uint8_t sum[32] = { 0 };
	struct kith_buf b;
	uint32_t i;
	unsigned carry;
	int k, r = kith_fed_group_heads(f, g);

	for (i = 0; r == KITH_OK && i < g->scope.n; i++) {
		if (!kith_fed_member_sees(f, m, i))
			continue;
		r = kith_fed_scope_hash(f, g, i, &hash);
		if (r != KITH_OK || kith_id_is_none(&hash))
			continue;
		kith_hash2(KITH_L_FEED, kith_id_slice(&g->scope.v[i].id), kith_id_slice(&hash), &each);
		for (carry = 0, k = 31; k >= 0; k--) {
			carry += (unsigned)sum[k] + each.b[k];
			sum[k] = (uint8_t)carry;
			carry >>= 8;
		}
	}
	if (r != KITH_OK)
		return r;
	kith_buf_init(&b, 0);
	kith_buf_put(&b, sum, sizeof(sum));
	kith_buf_put_slice(&b, kith_id_slice(&g->frontier));
	kith_buf_put_slice(&b, kith_id_slice(&g->state));
	kith_buf_put_slice(&b, kith_id_slice(&g->invites));
	r = kith_buf_err(&b);
	if (r == KITH_OK)
		kith_hash(KITH_L_FEED, kith_buf_slice(&b), out);
	kith_buf_fini(&b);
	return r;
}

/* The sum of all shared groups that are open both ways, and their number. */
static int
link_sum(struct kith_fed *f, struct fed_link *l, struct kith_id *out, uint32_t *n)
{
	struct fed_member *m;
	struct kith_id hash, each;
	unsigned carry;
	size_t i;
	int k, r = KITH_OK;

	*n = 0;
	*out = kith_id_none;
	for (i = 0; r == KITH_OK && i < l->members.n; i++) {
		m = l->members.v[i];
		if (m->link != l || m->level != LEVEL_FULL || !m->ours)
			continue;
		r = pair_hash(f, m, &hash);
		if (r != KITH_OK)
			break;
		kith_hash2(KITH_L_FEED, kith_id_slice(&m->g->id), kith_id_slice(&hash), &each);
		for (carry = 0, k = 31; k >= 0; k--) {
			carry += (unsigned)out->b[k] + each.b[k];
			out->b[k] = (uint8_t)carry;
			carry >>= 8;
		}
		++*n;
	}
	return r;
}

/* What nobody could give when it was asked for, somebody may have by now; hashes of feeds do not show it. */
static int
ask_for_bodies(struct kith_fed *f, struct fed_link *l)
{
	bool any;
	int r = KITH_OK;

	for (size_t i = 0; r == KITH_OK && i < l->members.n; i++) {
		struct fed_member *m = l->members.v[i];

		if (m->link != l || m->level != LEVEL_FULL)
			continue;
		r = kith_group_lacks_bodies(f->t, &m->g->id, &any);
		if (r == KITH_OK && any)
			r = kith_fed_ask_bodies(f, m);
	}
	return r;
}

int
kith_fed_round(struct kith_fed *f)
{
	struct fed_link *l = NULL;
	struct kith_id sum;
	struct kith_buf *b;
	size_t it = 0, open = 0;
	uint64_t pick;
	uint32_t n;
	void *v;
	int r;

	f->round_ms = f->now.mono_ms + ROUND_MS + kith_fed_random(f) % ROUND_MS;
	while (kith_map_next(f->links, &it, NULL, &v))
		open += ((struct fed_link *)v)->state == LINK_OPEN;
	if (open == 0)
		return KITH_OK;
	pick = kith_fed_random(f) % open;
	for (it = 0; kith_map_next(f->links, &it, NULL, &v);) {
		if (((struct fed_link *)v)->state == LINK_OPEN && pick-- == 0) {
			l = v;
			break;
		}
	}
	kith_assert(l != NULL);
	for (it = 0; it < l->members.n; it++)
		l->members.v[it]->g->invites_stale = true;      /* some may have expired */
	r = ask_for_bodies(f, l);
	if (r == KITH_OK)
		r = link_sum(f, l, &sum, &n);
	if (r != KITH_OK || n == 0)
		return r;
	b = kith_fed_begin(f, 2);
	kith_mp_put_uint(b, n);
	kith_mp_put_id(b, &sum);
	return kith_fed_send(f, l, KITH_FR_SUM);
}

int
kith_fed_on_sum(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r)
{
	uint64_t theirs_n = kith_mp_uint(r);
	struct kith_id theirs = kith_mp_id(r), sum, hash;
	struct fed_member *m;
	struct kith_buf *b;
	uint32_t n, put = 0;
	size_t i, mark;
	int e;

	/* it costs us more than the asker */
	if (l->sum_ms != 0 && f->now.mono_ms - l->sum_ms < 5000)
		return KITH_OK;
	l->sum_ms = f->now.mono_ms;
	e = link_sum(f, l, &sum, &n);
	if (e != KITH_OK || (n == theirs_n && kith_id_eq(&sum, &theirs)))
		return e;
	b = kith_fed_begin(f, 1);
	mark = kith_mp_begin(b);
	for (i = 0; e == KITH_OK && i < l->members.n && put < 1024; i++) {
		m = l->members.v[i];
		if (m->link != l || m->level != LEVEL_FULL || !m->ours)
			continue;
		e = pair_hash(f, m, &hash);
		kith_mp_put_array(b, 2);
		kith_mp_put_id(b, &m->g->id);
		kith_mp_put_id(b, &hash);
		put++;
	}
	kith_mp_end_array(b, mark, put);
	return e == KITH_OK ? kith_fed_send(f, l, KITH_FR_GROUPS) : e;
}

int
kith_fed_on_groups(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r)
{
	uint32_t n = kith_mp_array(r);
	struct kith_id id, theirs, ours;
	struct fed_member *m;
	int e = KITH_OK;

	for (; e == KITH_OK && n > 0 && !l->gone; n--) {
		kith_mp_array_exact(r, 2);
		id = kith_mp_id(r);
		theirs = kith_mp_id(r);
		e = kith_fed_frame_group(f, l, &id, &m);
		if (e != KITH_OK || m == NULL || m->level == LEVEL_NONE)
			continue;
		e = pair_hash(f, m, &ours);
		if (e == KITH_OK && !kith_id_eq(&ours, &theirs))
			e = kith_fed_send_digest(f, m);
	}
	return e;
}

/* Nodes with equal records must have equal states; if not, one of us has a bug and people should hear of it. */
static int
states_differ(struct kith_fed *f, struct fed_member *m)
{
	struct fed_group *g = m->g;
	struct kith_group *kg = kith_fed_open_group(f, g);
	uint32_t first = 0;
	int r;

	if (kg == NULL || kith_id_eq(&g->told_frontier, &g->frontier))
		return KITH_OK;
	g->told_frontier = g->frontier;
	r = kith_authority_verify(kith_group_authority(kg), &first);
	if (r == KITH_E_NOMEM)
		return r;
	kith_fed_log(f, 3, "the state of a group differs from %s's, which holds the same acts; ours %s", m->link->peer->name,
	    r == KITH_OK ? "has been computed anew and is the same: theirs is wrong" : "is WRONG: stop and report this");
	return KITH_OK;
}

/* The peer's word that it holds all that we hold of a scope. */
static int
scope_equal(struct fed_member *m, uint32_t scope)
{
	struct fed_scope *s = &m->g->scope.v[scope];
	struct fed_known *k;
	size_t i;

	for (i = 0; i < s->feeds.n; i++) {
		k = kith_fed_known(m, s->feeds.v[i]);
		if (k == NULL)
			return KITH_E_NOMEM;
		k->known = m->g->feed.v[s->feeds.v[i]].next;
	}
	return KITH_OK;
}

int
kith_fed_on_digest(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r)
{
	KITH_VEC(uint32_t) differ = { NULL, 0, 0 };
	struct kith_id id = kith_mp_id(r), frontier = kith_mp_id(r), state = kith_mp_id(r), invites = kith_mp_id(r), scope, hash, ours;
	struct kith_map *named = NULL;
	struct fed_member *m;
	struct fed_group *g;
	struct kith_buf *b;
	uint32_t n, si;
	int e = kith_fed_frame_group(f, l, &id, &m);

	if (e != KITH_OK || m == NULL)
		return e;
	g = m->g;
	m->ours = true;
	e = kith_fed_member_look(f, m);
	if (e != KITH_OK)
		return e;
	if (m->level == LEVEL_NONE && !kith_fed_fetching(f, &g->id)) {
		b = kith_fed_begin(f, 1);
		kith_mp_put_id(b, &g->id);
		return kith_fed_send(f, l, KITH_FR_SHOW);
	}
	e = kith_fed_group_heads(f, g);
	if (e == KITH_OK && kith_id_eq(&frontier, &g->frontier) && !kith_id_eq(&state, &g->state))
		e = states_differ(f, m);
	named = kith_map_new();
	if (named == NULL)
		return KITH_E_NOMEM;
	if (!m->digested && !m->synced)
		m->since = f->stamp;
	for (n = kith_mp_array(r); e == KITH_OK && n > 0; n--) {
		kith_mp_array_exact(r, 2);
		scope = kith_mp_id(r);
		hash = kith_mp_id(r);
		e = kith_fed_scope(g, &scope, false, &si);
		if (e == KITH_E_NOTFOUND && g->scope.n < FED_PHANTOMS_MAX)
			e = kith_fed_scope(g, &scope, true, &si);
		if (e != KITH_OK) {
			e = e == KITH_E_NOTFOUND ? KITH_OK : e;
			continue;
		}
		e = kith_map_put(named, kith_id_slice(&scope), m, NULL);
		if (e == KITH_OK)
			e = kith_fed_scope_hash(f, g, si, &ours);
		if (e == KITH_OK && kith_id_eq(&hash, &ours))
			e = scope_equal(m, si);
		else if (e == KITH_OK)
			e = kith_vec_push(&differ, si);
	}
	/* what it may see and does not name it holds nothing of */
	for (si = 0; e == KITH_OK && si < g->scope.n; si++) {
		if (kith_map_get(named, kith_id_slice(&g->scope.v[si].id)) != NULL || !kith_fed_member_sees(f, m, si))
			continue;
		e = kith_fed_scope_hash(f, g, si, &ours);
		if (e == KITH_OK && !kith_id_is_none(&ours))
			e = kith_vec_push(&differ, si);
	}
	if (e == KITH_OK && differ.n > 0)
		e = kith_fed_send_clocks(f, m, differ.v, differ.n, true);
	else if (e == KITH_OK)
		e = kith_fed_synced(f, m);
	if (e == KITH_OK && m->level == LEVEL_FULL && !kith_id_eq(&invites, &g->invites))
		e = kith_fed_send_invites(f, m);
	kith_vec_fini(&differ);
	kith_map_free(named, NULL);
	return e;
}

static void
put_clock(struct kith_buf *b, const struct fed_feed *fd, uint64_t next, const struct kith_id *tip)
{
	uint8_t inc[8];

	kith_mp_put_array(b, 4);
	kith_mp_put_id(b, &fd->node);
	kith_mp_put_bin(b, kith_fed_u64(inc, fd->incarnation));
	kith_mp_put_uint(b, next);
	kith_mp_put_id(b, tip);
}

int
kith_fed_send_clocks(struct kith_fed *f, struct fed_member *m, const uint32_t *scope, size_t n, bool ask)
{
	struct fed_group *g = m->g;
	struct fed_scope *s;
	struct fed_feed *fd;
	struct fed_known *k;
	struct fed_branch branch[BRANCHES_TOLD];
	struct kith_buf *b = NULL;
	uint32_t n_scopes = 0, n_feeds = 0, in_scope;
	size_t i, j = 0, outer = 0, inner, n_branches, at;
	int r = KITH_OK;

	for (i = 0; r == KITH_OK && i < n;) {
		s = &g->scope.v[scope[i]];
		if (b == NULL) {
			b = kith_fed_begin(f, 3);
			kith_mp_put_id(b, &g->id);
			kith_mp_put_bool(b, ask);
			outer = kith_mp_begin(b);
			n_scopes = n_feeds = 0;
		}
		kith_mp_put_array(b, 2);
		kith_mp_put_id(b, &s->id);
		inner = kith_mp_begin(b);
		for (in_scope = 0; j < s->feeds.n && n_feeds < KITH_FRAME_CLOCKS && kith_fed_member_sees(f, m, scope[i]); j++) {
			fd = &g->feed.v[s->feeds.v[j]];
			if (fd->next == 0)
				continue;
			put_clock(b, fd, fd->next, &fd->tip);
			in_scope++;
			n_feeds++;
			n_branches = 0;
			if (fd->forked) {
				r = kith_fed_branches(f, g, fd, branch, BRANCHES_TOLD, &n_branches);
				if (r != KITH_OK)
					return r;
			}
			for (at = 0; at < n_branches && n_feeds < KITH_FRAME_CLOCKS; at++, in_scope++, n_feeds++)
				put_clock(b, fd, branch[at].next, &branch[at].id);
			k = kith_fed_known(m, s->feeds.v[j]);
			if (k == NULL)
				return KITH_E_NOMEM;
			if (k->sent < fd->next)
				k->sent = fd->next;     /* from here on it is the peer's to ask */
		}
		kith_mp_end_array(b, inner, in_scope);
		n_scopes++;
		if (j >= s->feeds.n || !kith_fed_member_sees(f, m, scope[i])) {
			i++;
			j = 0;
		}
		if (i == n || n_feeds >= KITH_FRAME_CLOCKS || n_scopes >= 1024) {
			kith_mp_end_array(b, outer, n_scopes);
			r = kith_fed_send(f, m->link, KITH_FR_CLOCKS);
			b = NULL;
		}
	}
	return r;
}

/* By its name, a little later: what was asked for meanwhile may bring it. */
static int
want_tip(struct kith_fed *f, struct fed_member *m, const struct kith_id *tip)
{
	struct kith_missings one = { { NULL, 0, 0 } };
	uint64_t pos;
	int r;

	if (kith_map_count(m->g->missing) >= NAMED_TIPS_MAX)
		return KITH_OK;
	r = kith_ledger_find(f->t, tip, &pos);
	if (r != KITH_E_NOTFOUND)
		return r;
	r = kith_vec_push(&one.list, ((struct kith_missing){ *tip, 0, m->node }));
	if (r == KITH_OK)
		r = kith_fed_want(f, m, &one);
	kith_vec_fini(&one.list);
	return r;
}

/* A tip that we do not hold at a place that we do: another branch. Asked for from further back each time. */
int
kith_fed_other_branch(struct kith_fed *f, struct fed_member *m, uint32_t feed, uint64_t next, const struct kith_id *tip)
{
	struct fed_feed *fd = &m->g->feed.v[feed];
	uint64_t pos;
	int r;

	if (next > fd->next || (next == fd->next && kith_id_eq(tip, &fd->tip)))
		return KITH_OK;
	r = kith_ledger_find(f->t, tip, &pos);
	if (r != KITH_E_NOTFOUND)
		return r == KITH_E_CORRUPT ? KITH_OK : r;
	/* asked not long ago, and maybe of somebody who does not have this one */
	if (fd->fork_ask_ms != 0 && f->now.mono_ms < fd->fork_ask_ms)
		return want_tip(f, m, tip);
	fd->fork_back = fd->fork_back == 0 ? 64 : fd->fork_back < NEVER / 16 ? fd->fork_back * 16 : fd->fork_back;
	fd->fork_ask_ms = f->now.mono_ms + (fd->fork_back > 64 * 256 ? 10 * FED_MIN_MS : 1000);
	return kith_fed_ask_branch(f, m, feed, next > fd->fork_back ? next - fd->fork_back : 0, next);
}

int
kith_fed_on_clocks(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r)
{
	KITH_VEC(uint32_t) scopes = { NULL, 0, 0 };
	struct kith_id id = kith_mp_id(r), scope, node, tip;
	bool ask = kith_mp_bool(r), sees, news;
	struct fed_member *m;
	struct fed_known *k;
	uint8_t inc[8];
	uint32_t n, feeds, si, feed, last;
	uint64_t next;
	int e = kith_fed_frame_group(f, l, &id, &m);

	if (e != KITH_OK || m == NULL)
		return e;
	for (n = kith_mp_array(r); e == KITH_OK && n > 0; n--) {
		last = UINT32_MAX;
		kith_mp_array_exact(r, 2);
		scope = kith_mp_id(r);
		sees = kith_fed_sees(f, m, &scope);
		e = kith_fed_scope(m->g, &scope, m->g->scope.n < FED_PHANTOMS_MAX, &si);
		if (e == KITH_OK && ask && sees)
			e = kith_vec_push(&scopes, si);
		if (e == KITH_E_NOTFOUND)
			e = KITH_OK;
		for (feeds = kith_mp_array(r); e == KITH_OK && feeds > 0; feeds--) {
			kith_mp_array_exact(r, 4);
			node = kith_mp_id(r);
			kith_mp_bin_exact(r, inc, sizeof(inc));
			next = kith_mp_uint(r);
			tip = kith_mp_id(r);
			if (next == 0 || next > KITH_SEQ_MAX + 1) {
				e = KITH_E_MALFORMED;
				break;
			}
			e = kith_fed_feed_said(m->g, &scope, &node, kith_get_be64(inc), &feed);
			if (e == KITH_E_LIMIT || e == KITH_E_NOTFOUND) {
				e = KITH_OK;
				continue;
			}
			if (e != KITH_OK)
				break;
			k = kith_fed_known(m, feed);
			if (k == NULL) {
				e = KITH_E_NOMEM;
				break;
			}
			/* another branch, whose place we may not have reached yet */
			if (feed == last) {
				e = want_tip(f, m, &tip);
				continue;
			}
			last = feed;
			news = k->known < next;
			k->known = next;                /* exactly: it may have lost what it had */
			e = kith_fed_claim(f, m, feed, next, news);
			if (e == KITH_OK)
				e = kith_fed_other_branch(f, m, feed, next, &tip);
			/* the branches differ below what both call the tip, or it knows of one alone */
			if (e == KITH_OK && m->g->feed.v[feed].forked && next == m->g->feed.v[feed].next && kith_id_eq(&tip, &m->g->feed.v[feed].tip))
				e = kith_fed_remind_proof(f, m, feed);
		}
	}
	if (e == KITH_OK && ask && scopes.n > 0)
		e = kith_fed_send_clocks(f, m, scopes.v, scopes.n, false);
	if (e == KITH_OK)
		e = kith_fed_synced(f, m);
	kith_vec_fini(&scopes);
	return e == KITH_OK ? kith_fed_pull(f, m->g) : e;
}
