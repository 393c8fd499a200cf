#include "federation/fed.h"

#include <stdlib.h>
#include <string.h>

/*
 * How far each feed of a group is held here, and by whom else. Loaded from the
 * group when the first peer shows that it is in it, kept up by each push. A
 * scope's hash stands for its feeds and their tips; of a forked feed, whose tip
 * depends on what came first, it takes the ids of all that is held of its last
 * FORK_SPAN places.
 */
#define FORK_SPAN 4096
#define NODE_KEY (KITH_ID_BYTES + 8)

static struct kith_slice
node_key(uint8_t key[NODE_KEY], const struct kith_id *node, uint64_t incarnation)
{
	memcpy(key, node->b, KITH_ID_BYTES);
	kith_put_be64(key + KITH_ID_BYTES, incarnation);
	return kith_slice_of(key, NODE_KEY);
}

int
kith_fed_scope(struct fed_group *g, const struct kith_id *id, bool create, uint32_t *index)
{
	uintptr_t i = (uintptr_t)kith_map_get(g->scopes, kith_id_slice(id));
	struct fed_scope *s;
	int r;

	if (i != 0) {
		*index = (uint32_t)(i - 1);
		return KITH_OK;
	}
	if (!create)
		return KITH_E_NOTFOUND;
	if (kith_vec_grow(&g->scope) != KITH_OK)
		return KITH_E_NOMEM;
	s = &g->scope.v[g->scope.n - 1];
	memset(s, 0, sizeof(*s));
	s->id = *id;
	s->plane = kith_scope_plane(id);
	s->stale = true;
	s->by_node = kith_map_new();
	r = s->by_node == NULL ? KITH_E_NOMEM : kith_map_put(g->scopes, kith_id_slice(id), (void *)(uintptr_t)g->scope.n, NULL);
	if (r != KITH_OK) {
		kith_map_free(s->by_node, NULL);
		g->scope.n--;
		return r;
	}
	*index = (uint32_t)(g->scope.n - 1);
	return KITH_OK;
}

int
kith_fed_feed(struct fed_group *g, const struct kith_id *scope, const struct kith_id *node, uint64_t incarnation, bool create,
    uint32_t *index)
{
	uint8_t key[NODE_KEY];
	struct fed_scope *s;
	struct fed_feed *fd;
	uint32_t si;
	uintptr_t i;
	int r = kith_fed_scope(g, scope, create, &si);

	if (r != KITH_OK)
		return r;
	s = &g->scope.v[si];
	i = (uintptr_t)kith_map_get(s->by_node, node_key(key, node, incarnation));
	if (i != 0) {
		*index = (uint32_t)(i - 1);
		return KITH_OK;
	}
	if (!create)
		return KITH_E_NOTFOUND;
	if (kith_vec_grow(&g->feed) != KITH_OK)
		return KITH_E_NOMEM;
	fd = &g->feed.v[g->feed.n - 1];
	memset(fd, 0, sizeof(*fd));
	fd->scope = si;
	fd->node = *node;
	fd->incarnation = incarnation;
	r = kith_vec_push(&s->feeds, (uint32_t)(g->feed.n - 1));
	if (r == KITH_OK)
		r = kith_map_put(s->by_node, node_key(key, node, incarnation), (void *)(uintptr_t)g->feed.n, NULL);
	if (r != KITH_OK)
		return r;               /* the batch is over, and all of this with it */
	g->n_phantoms++;
	*index = (uint32_t)(g->feed.n - 1);
	return KITH_OK;
}

/* From a peer's word: there may not be more of these than a group could ever have. */
int
kith_fed_feed_said(struct fed_group *g, const struct kith_id *scope, const struct kith_id *node, uint64_t incarnation, uint32_t *index)
{
	int r = kith_fed_feed(g, scope, node, incarnation, false, index);

	if (r != KITH_E_NOTFOUND)
		return r;
	if (g->n_phantoms >= FED_PHANTOMS_MAX)
		return KITH_E_LIMIT;
	return kith_fed_feed(g, scope, node, incarnation, true, index);
}

static void
feed_set(struct fed_group *g, uint32_t feed, const struct kith_feed_tip *tip)
{
	struct fed_feed *fd = &g->feed.v[feed];
	uint64_t next = tip->seq + 1;           /* UINT64_MAX: none yet */

	if (fd->next == 0 && next > 0)
		g->n_phantoms--;
	if (fd->next == next && kith_id_eq(&fd->tip, &tip->id) && !tip->forked)
		return;
	fd->next = next;
	fd->tip = tip->id;
	fd->fork_stale = fd->forked = tip->forked;
	if (fd->claimed < next)
		fd->claimed = next;
	g->scope.v[fd->scope].stale = true;
}

int
kith_fed_feed_look(struct kith_fed *f, struct fed_group *g, uint32_t feed)
{
	struct kith_group *kg = kith_fed_open_group(f, g);
	struct fed_feed *fd = &g->feed.v[feed];
	struct kith_feed_tip tip;
	int r;

	if (kg == NULL)
		return KITH_OK;
	r = kith_group_feed_tip(kg, f->t, &g->scope.v[fd->scope].id, &fd->node, fd->incarnation, &tip);
	if (r == KITH_OK)
		feed_set(g, feed, &tip);
	return r == KITH_E_NOTFOUND ? KITH_OK : r;
}

int
kith_fed_group_load(struct kith_fed *f, struct fed_group *g)
{
	struct kith_group *kg;
	struct kith_feed_tip tip;
	uint32_t feed;
	size_t it = 0;
	int r = KITH_OK;

	if (g->loaded)
		return KITH_OK;
	kg = kith_fed_open_group(f, g);
	if (kg == NULL)
		return KITH_OK;
	g->loaded = true;
	while (r == KITH_OK && kith_group_feed_next(kg, f->t, &it, &tip)) {
		r = kith_fed_feed(g, &tip.scope, &tip.node, tip.incarnation, true, &feed);
		if (r == KITH_OK)
			feed_set(g, feed, &tip);
	}
	return r == KITH_OK ? kith_fed_group_nodes(f, g) : r;
}

/* ---- what peers hold ---- */

struct fed_known *
kith_fed_known(struct fed_member *m, uint32_t feed)
{
	while (m->known.n <= feed) {
		if (kith_vec_grow(&m->known) != KITH_OK)
			return NULL;
		m->known.v[m->known.n - 1] = (struct fed_known){ 0, 0, false };
	}
	return &m->known.v[feed];
}

uint64_t
kith_fed_known_get(const struct fed_member *m, uint32_t feed)
{
	return feed < m->known.n ? m->known.v[feed].known : 0;
}

/* ---- hashes ---- */

struct branches { KITH_VEC(struct fed_branch) list; };

static int
by_branch(const void *x, const void *y)
{
	return kith_id_cmp(&((const struct fed_branch *)x)->id, &((const struct fed_branch *)y)->id);
}

/* What is held of a forked feed at its last places, in order of id. */
static int
gather(struct kith_fed *f, struct fed_group *g, const struct fed_feed *fd, struct branches *out)
{
	struct kith_ledger_key key = { g->id, g->scope.v[fd->scope].id, fd->node, fd->incarnation };
	struct kith_ledger_feed lf;
	struct kith_ledger_record rec;
	struct kith_ledger_at at[256];
	struct kith_record h;
	uint64_t from;
	uint32_t feedno;
	size_t n = 256, whole, i;
	int r = kith_ledger_feed(f->t, &key, false, &feedno);

	if (r == KITH_OK)
		r = kith_ledger_feed_get(f->t, feedno, &lf);
	if (r != KITH_OK)
		return r == KITH_E_NOTFOUND ? KITH_OK : r;
	for (from = lf.n_held > FORK_SPAN ? lf.n_held - FORK_SPAN : 0; r == KITH_OK && n == 256;) {
		r = kith_ledger_range(f->t, feedno, from, at, 256, &n);
		/* the last place may go on beyond these: again from there, unless it is all that there is */
		for (whole = n; n == 256 && whole > 0 && at[whole - 1].seq == at[n - 1].seq;)
			whole--;
		if (whole == 0)
			whole = n;
		for (i = 0; r == KITH_OK && i < whole && out->list.n < (size_t)2 * FORK_SPAN; i++) {
			r = kith_ledger_get(f->t, at[i].pos, &rec);
			if (r == KITH_OK)
				r = kith_record_parse(rec.header, &h);
			if (r == KITH_OK)
				r = kith_vec_push(&out->list, ((struct fed_branch){ h.id, h.prev, h.seq + 1 }));
			else if (r == KITH_E_CORRUPT)
				r = KITH_OK;
		}
		if (whole > 0)
			from = at[whole - 1].seq + 1;
	}
	if (r == KITH_OK && out->list.n > 0)
		qsort(out->list.v, out->list.n, sizeof(out->list.v[0]), by_branch);
	return r;
}

static int
hash_fork(struct kith_fed *f, struct fed_group *g, struct fed_feed *fd)
{
	struct branches all = { { NULL, 0, 0 } };
	struct kith_buf ids;
	size_t i;
	int r = gather(f, g, fd, &all);

	kith_buf_init(&ids, 0);
	for (i = 0; i < all.list.n; i++)
		kith_buf_put_slice(&ids, kith_id_slice(&all.list.v[i].id));
	if (r == KITH_OK)
		r = kith_buf_err(&ids);
	if (r == KITH_OK) {
		kith_hash(KITH_L_FEED, kith_buf_slice(&ids), &fd->fork_hash);
		fd->fork_stale = false;
	}
	kith_buf_fini(&ids);
	kith_vec_fini(&all.list);
	return r;
}

int
kith_fed_branches(struct kith_fed *f, struct fed_group *g, const struct fed_feed *fd, struct fed_branch *out, size_t max, size_t *n)
{
	struct branches all = { { NULL, 0, 0 } };
	struct kith_map *before = kith_map_new();
	size_t i;
	int r = before == NULL ? KITH_E_NOMEM : gather(f, g, fd, &all);

	*n = 0;
	for (i = 0; r == KITH_OK && i < all.list.n; i++)
		r = kith_map_put(before, kith_id_slice(&all.list.v[i].prev), before, NULL);
	for (i = 0; r == KITH_OK && i < all.list.n && *n < max; i++)
		if (!kith_id_eq(&all.list.v[i].id, &fd->tip) && kith_map_get(before, kith_id_slice(&all.list.v[i].id)) == NULL)
			out[(*n)++] = all.list.v[i];
	kith_map_free(before, NULL);
	kith_vec_fini(&all.list);
	return r;
}

#define LINE (KITH_ID_BYTES + 16 + KITH_ID_BYTES)

static int
by_line(const void *x, const void *y)
{
	return memcmp(x, y, LINE);
}

int
kith_fed_scope_hash(struct kith_fed *f, struct fed_group *g, uint32_t scope, struct kith_id *out)
{
	struct fed_scope *s = &g->scope.v[scope];
	struct fed_feed *fd;
	struct kith_buf b;
	uint8_t line[LINE];
	size_t i;
	int r = KITH_OK;

	if (!s->stale) {
		*out = s->hash;
		return KITH_OK;
	}
	kith_buf_init(&b, 0);
	for (i = 0; r == KITH_OK && i < s->feeds.n; i++) {
		fd = &g->feed.v[s->feeds.v[i]];
		if (fd->next == 0)
			continue;
		if (fd->forked && fd->fork_stale)
			r = hash_fork(f, g, fd);
		memcpy(line, fd->node.b, KITH_ID_BYTES);
		kith_put_be64(line + KITH_ID_BYTES, fd->incarnation);
		kith_put_be64(line + KITH_ID_BYTES + 8, fd->forked ? NEVER : fd->next);
		memcpy(line + KITH_ID_BYTES + 16, fd->forked ? fd->fork_hash.b : fd->tip.b, KITH_ID_BYTES);
		kith_buf_put(&b, line, sizeof(line));
	}
	if (r == KITH_OK && kith_buf_err(&b) != KITH_OK)
		r = KITH_E_NOMEM;
	if (r == KITH_OK) {
		if (b.n > 0)
			qsort(b.p, b.n / LINE, LINE, by_line);
		kith_hash2(KITH_L_FEED, kith_id_slice(&s->id), kith_buf_slice(&b), &s->hash);
		if (b.n == 0)
			s->hash = kith_id_none;         /* as if the scope were not there */
		s->stale = false;
		*out = s->hash;
	}
	kith_buf_fini(&b);
	return r;
}

int
kith_fed_group_heads(struct kith_fed *f, struct fed_group *g)
{
	struct kith_group *kg = kith_fed_open_group(f, g);
	struct kith_id heads[KITH_PARENTS_MAX];
	size_t n;
	int r = KITH_OK;

	if (kg == NULL)
		return KITH_OK;
	if (g->heads_stale) {
		n = kith_authority_heads(kith_group_authority(kg), heads);
		kith_hash(KITH_L_FEED, kith_slice_of(heads, n * sizeof(heads[0])), &g->frontier);
		kith_authority_state_hash(kith_group_authority(kg), &g->state);
		g->heads_stale = false;
	}
	if (g->invites_stale)
		r = kith_fed_invites_look(f, g);
	return r;
}
