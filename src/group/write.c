#include <stdlib.h>
#include <string.h>

#include "group/inner.h"
#include "wire/mp.h"

/*
 * What this node writes itself: a draft becomes a record that every node will
 * accept. It names all heads, stands under a membership that stands, and goes
 * through the same gate as everybody's.
 */

/* ---- heads of a panel ---- */

void
kith_heads_note(struct panel *p, struct feed *f, const struct kith_record *r)
{
	struct panel_head *h = p->head;
	size_t i, keep = 0, low = 0;
	uint32_t j;

	if (!p->heads_known)
		return;
	for (i = 0; i < p->n_heads; i++) {
		for (j = 0; j < r->n_parents && !kith_id_eq(&r->parents[j], &h[i].id); j++)
			;
		if (j == r->n_parents && h[i].feed != f)
			h[keep++] = h[i];
	}
	if (keep == PANEL_HEADS_MAX) {
		for (i = 1; i < keep; i++)
			if (h[i].clock < h[low].clock)
				low = i;
		h[low] = h[--keep];
	}
	h[keep++] = (struct panel_head){ r->id, f, r->clock };
	p->n_heads = keep;
}

bool
kith_heads_clock(const struct panel *p, const struct kith_id *id, uint64_t *clock)
{
	size_t i;

	for (i = 0; i < p->n_heads; i++)
		if (kith_id_eq(&p->head[i].id, id)) {
			*clock = p->head[i].clock;
			return true;
		}
	return false;
}

/* The tips of its feeds, the newest; what they name among each other is not looked at. */
static int
heads_load(struct kith_group *g, struct kith_txn *t, struct panel *p)
{
	struct panel_head h;
	struct feed *f;
	size_t i, j;
	int e;

	if (p->heads_known)
		return KITH_OK;
	p->n_heads = 0;
	for (i = 0; i < p->feeds.n; i++) {
		f = p->feeds.v[i];
		e = kith_feed_know(g, t, f);
		if (e != KITH_OK)
			return e;
		if (f->l.next_seq == 0 || f->tip_rejected)
			continue;
		h = (struct panel_head){ f->l.tip, f, f->tip_clock };
		for (j = p->n_heads; j > 0 && p->head[j - 1].clock < h.clock; j--)
			if (j < PANEL_HEADS_MAX)
				p->head[j] = p->head[j - 1];
		if (j < PANEL_HEADS_MAX)
			p->head[j] = h;
		if (p->n_heads < PANEL_HEADS_MAX)
			p->n_heads++;
	}
	p->heads_known = true;
	return KITH_OK;
}

static int
by_clock(const void *x, const void *y)
{
	const struct panel_head *a = x, *b = y;

	return a->clock > b->clock ? -1 : a->clock < b->clock;
}

static int
by_id(const void *x, const void *y)
{
	return kith_id_cmp(x, y);
}

/* ---- a record in the making ---- */

struct making {
	struct kith_group *g;
	struct kith_txn *t;
	struct kith_now now;
	const struct kith_draft *d;
	enum kith_plane plane;
	struct feed *f;
	struct kith_op op;
	struct kith_record r;
	struct kith_buf op_bytes, body, header;
	const char *why;
	uint64_t named;                 /* the highest clock that it names */
};

static int
deny(struct making *k, const char *why)
{
	k->why = why;
	return KITH_E_DENIED;
}

static void
names_clock(struct making *k, uint64_t clock)
{
	if (clock > k->named)
		k->named = clock;
}

/* B4: what takes from somebody always bears a cut; what is for everybody, in a lockdown. */
static bool
bears_cut(const struct making *k)
{
	const struct kith_op *op = &k->op;
	const struct doc *d;

	if (op->has & KITH_OP_BIT(KITH_OP_CUT))
		return false;           /* it has one already */
	if (k->d->with_cut)
		return true;
	switch (k->d->kind) {
	case KITH_K_BAN:
	case KITH_K_KICK:
	case KITH_K_MUTE:
	case KITH_K_ROLE_REVOKE:
	case KITH_K_NODE_BAN:
	case KITH_K_INVITE_REVOKE:
	case KITH_K_OWNER_RESIGN:
	case KITH_K_REKEY:
	case KITH_K_LEAVE:
	case KITH_K_MOVE:
	case KITH_K_NODE_REKEY:
		return true;
	case KITH_K_JOIN:
		d = kith_doc_find(k->g, &k->r.doc);
		return d != NULL && d->n > 0;
	case KITH_K_PANEL_SET:
		if (op->has & KITH_OP_BIT(KITH_OP_WHO_USER))
			return op->effect != 1;
		return k->d->lockdown && (op->has & (KITH_OP_BIT(KITH_OP_OPEN) | KITH_OP_BIT(KITH_OP_WHO_ROLE))) != 0;
	case KITH_K_SET:
		return k->d->lockdown && (op->has & KITH_OP_BIT(KITH_OP_JOINS)) != 0;
	case KITH_K_ROLE_DENY:
	case KITH_K_ROLE_DELETE:
	case KITH_K_PANEL_DELETE:
		return k->d->lockdown;
	default:
		return false;
	}
}

static int
make_op(struct making *k)
{
	int e = KITH_OK;

	if (bears_cut(k)) {
		e = kith_cut_write(k->g, k->t, &k->op, &k->op.cut);
		k->op.has |= KITH_OP_BIT(KITH_OP_CUT);
	}
	if (e == KITH_OK && k->op.has != 0) {
		e = kith_op_make(&k->op, &k->op_bytes);
		k->r.op = kith_buf_slice(&k->op_bytes);
	}
	return e;
}

static int
make_body(struct making *k)
{
	uint8_t salt[16];
	int e;

	if (k->d->body_map.n == 0)
		return KITH_OK;
	k->g->env->random(k->g->env->ctx, salt, sizeof(salt));
	e = kith_body_make(salt, k->d->body_map, &k->body);
	if (e != KITH_OK)
		return e;
	k->r.body_len = (uint32_t)k->body.n;
	kith_hash(KITH_L_BODY, kith_buf_slice(&k->body), &k->r.body_hash);
	return KITH_OK;
}

/* The place after our newest record in this scope. */
static int
make_place(struct making *k)
{
	const struct kith_self *self = k->g->self;
	int e;

	k->f = kith_group_feed_(k->g, k->t, &k->r.scope, &self->node, self->incarnation, true, &e);
	if (k->f == NULL)
		return e;
	e = kith_feed_know(k->g, k->t, k->f);
	if (e != KITH_OK)
		return e;
	/* nothing that we write here would count, or it would contradict what we wrote: a new incarnation is due */
	if (k->f->l.forked || (k->plane != KITH_PLANE_AUTHORITY && (k->f->tip_rejected || k->f->l.n_held > k->f->l.next_seq)))
		return deny(k, "incarnation");
	k->r.seq = k->f->l.next_seq;
	if (k->r.seq > 0) {
		k->r.prev = k->f->l.tip;
		names_clock(k, k->f->tip_clock);
	}
	return KITH_OK;
}

static int
make_clock(struct making *k)
{
	k->r.clock = k->now.wall_ms << 16;
	if (k->named >= k->r.clock)
		k->r.clock = k->named + 1;
	return (k->r.clock >> 16) > k->now.wall_ms + EARLY_MS ? deny(k, "clock") : KITH_OK;
}

/* The membership that a record of this author stands under. */
static const struct rost *
membership(const struct making *k)
{
	const struct person *p = kith_map_get(k->g->people, kith_id_slice(&k->d->author));
	const struct rost *m, *best = NULL;
	bool moving = k->d->kind == KITH_K_MOVE;
	size_t i;

	if (p == NULL)
		return NULL;
	if (p->stands != NULL && (moving || kith_id_eq(&p->stands->feed->node->id, &k->g->self->node)))
		return p->stands;
	for (i = 0; i < p->rost.n; i++) {
		m = p->rost.v[i];
		if (m->kind == KITH_K_LEAVE || m->doc == NULL || (!moving && !kith_id_eq(&m->feed->node->id, &k->g->self->node)))
			continue;
		/* one that stands, else whichever is newest: the verdict then says what is wrong with it */
		if (best == NULL || m->member > best->member || (m->member == best->member && m->clock > best->clock))
			best = m;
	}
	return best;
}

static int
make_via(struct making *k)
{
	const struct rost *m;

	if (k->d->kind == KITH_K_JOIN || kith_id_is_none(&k->r.author))
		return KITH_OK;
	m = kith_id_is_none(&k->d->via) ? membership(k) : kith_map_get(k->g->rost, kith_id_slice(&k->d->via));
	if (m == NULL || m->doc == NULL)
		return deny(k, "membership");
	k->r.via = m->id;
	names_clock(k, m->clock);
	if (kith_id_is_none(&k->r.doc))
		k->r.doc = m->doc->id;
	return KITH_OK;
}

/* ---- roster and timelines ---- */

static int
make_parents(struct making *k)
{
	struct panel *p = k->f->panel;
	struct panel_head h[PANEL_HEADS_MAX];
	size_t n, i;
	int e;

	if (p == NULL)
		return KITH_OK;
	e = heads_load(k->g, k->t, p);
	if (e != KITH_OK)
		return e;
	n = p->n_heads;
	memcpy(h, p->head, n * sizeof(*h));
	if (n > 0)
		qsort(h, n, sizeof(*h), by_clock);
	for (i = 0; i < n && k->r.n_parents < KITH_TIMELINE_PARENTS_MAX; i++) {
		if (h[i].feed == k->f || (h[i].clock >> 16) > k->now.wall_ms + EARLY_MS)
			continue;
		names_clock(k, h[i].clock);
		k->r.parents[k->r.n_parents++] = h[i].id;
	}
	if (k->r.n_parents > 0)
		qsort(k->r.parents, k->r.n_parents, sizeof(*k->r.parents), by_id);
	return KITH_OK;
}

static int
make_frontier(struct making *k)
{
	const struct kith_act *act;
	uint32_t i;

	k->r.n_frontier = (uint32_t)kith_authority_heads(k->g->a, k->r.frontier);
	for (i = 0; i < k->r.n_frontier; i++) {
		act = kith_authority_find(k->g->a, &k->r.frontier[i]);
		if (act != NULL)
			names_clock(k, k->g->high.v[act->index]);
	}
	return k->r.n_frontier == 0 ? deny(k, "group") : KITH_OK;
}

/* What this node knows of the roster and other feeds that it wrote before. */
static int
make_earlier(struct making *k, struct kith_buf *b)
{
	struct gnode *n = kith_group_gnode(k->g, &k->g->self->node, false);
	const struct feed *f;
	uint8_t incarnation[8], last[8 + KITH_ID_BYTES] = { 0 }, key[sizeof(last)];
	const struct feed *next;
	uint32_t count = 0;
	size_t mark = kith_mp_begin(b), i;
	uint8_t best[sizeof(last)];

	for (; n != NULL && count < KITH_EARLIER_MAX; count++) {
		next = NULL;
		for (i = 0; i < n->feeds.n; i++) {
			f = n->feeds.v[i];
			if (f->l.key.incarnation == k->g->self->incarnation || f->l.next_seq == 0)
				continue;
			kith_put_be64(key, f->l.key.incarnation);
			memcpy(key + 8, f->l.key.scope.b, KITH_ID_BYTES);
			if ((count > 0 && memcmp(key, last, sizeof(key)) <= 0) ||
			    (next != NULL && memcmp(key, best, sizeof(key)) >= 0))
				continue;
			next = f;
			memcpy(best, key, sizeof(key));
		}
		if (next == NULL)
			break;
		memcpy(last, best, sizeof(last));
		kith_put_be64(incarnation, next->l.key.incarnation);
		kith_mp_put_array(b, 4);
		kith_mp_put_bin(b, kith_slice_of(incarnation, sizeof(incarnation)));
		kith_mp_put_id(b, &next->l.key.scope);
		kith_mp_put_uint(b, next->l.next_seq - 1);
		kith_mp_put_id(b, &next->l.tip);
	}
	kith_mp_end_array(b, mark, count);
	if (count > 0)
		k->op.has |= KITH_OP_BIT(KITH_OP_EARLIER);
	k->op.earlier = kith_buf_slice(b);
	return kith_buf_err(b);
}

/* node.join and node.rekey name our newest record, which goes to the objects so that it can be asked for. */
static int
make_node_own(struct making *k, struct kith_buf *earlier)
{
	struct kith_node_record n;
	uint8_t raw[KITH_NODE_MAX];
	int e;

	if (k->d->kind != KITH_K_NODE_JOIN && k->d->kind != KITH_K_NODE_REKEY)
		return KITH_OK;
	e = kith_node_get(k->t, &k->g->self->node, &n);
	if (e == KITH_E_NOTFOUND)
		return deny(k, "node record");
	if (e != KITH_OK)
		return e;
	if (!(k->op.has & KITH_OP_BIT(KITH_OP_NODE_RECORD))) {
		k->op.has |= KITH_OP_BIT(KITH_OP_NODE_RECORD);
		k->op.node_record = n.id;
	}
	memcpy(raw, n.raw.p, n.raw.n);
	e = kith_ledger_object_put(k->t, &n.id, KITH_O_NODE, kith_slice_of(raw, n.raw.n));
	if (e == KITH_OK && !(k->op.has & KITH_OP_BIT(KITH_OP_EARLIER)))
		e = make_earlier(k, earlier);
	return e;
}

/* Decided as everybody will decide it; then also as it will be shown. */
static int
judge(struct making *k, struct verdict *v)
{
	uint32_t state = 0;
	int e = kith_gate_decide(k->g, k->t, &k->r, &k->op, k->f, v);

	if (e != KITH_OK)
		return e;
	if (v->first == FIRST_WAITING)
		return deny(k, "missing");
	if (v->first == FIRST_REJECTED)
		return deny(k, v->why);
	if (v->quick)
		state = v->state;
	else if (k->plane == KITH_PLANE_TIMELINE && !kith_feed_needs_tree(k->f))
		e = kith_second(k->g, k->t, k->f, &k->r, v->via, v->doc, &v->front, &state, NULL);
	if (e == KITH_OK && state != 0)
		e = deny(k, "hidden");
	if (e != KITH_OK)
		kith_front_fini(&v->front);
	return e;
}

static void
note_unsigned(struct making *k)
{
	if (k->f->unsigned_from == NO_PLACE || k->r.seq < k->f->unsigned_from)
		k->f->unsigned_from = k->r.seq;
}

static int
store(struct making *k, struct verdict *v, struct kith_changes *c, uint64_t *pos)
{
	struct kith_item item = { .header = kith_buf_slice(&k->header), .body = kith_buf_slice(&k->body) };
	int e = kith_gate_store(k->g, k->t, k->now, &k->r, &k->op, &item, v, c, NULL, pos);

	if (e == KITH_OK)
		note_unsigned(k);
	if (e == KITH_OK && (k->plane != KITH_PLANE_TIMELINE || k->g->queue.n > 0))
		e = kith_gate_drain(k->g, k->t, k->now, c, NULL);
	if (e == KITH_OK && k->g->blocked)
		e = kith_gate_unblock(k->g, k->t, k->now, c, NULL);
	return e == KITH_OK ? kith_feeds_put(k->g, k->t) : e;
}

static int
finish(struct making *k)
{
	const struct doc *d = kith_doc_find(k->g, &k->r.doc);
	const struct kith_signer *account = NULL;
	struct kith_op check;
	int e;

	if (k->plane == KITH_PLANE_AUTHORITY || (d != NULL && (d->flags & KITH_DOC_SELF_SIGNED) != 0)) {
		account = k->d->account;
		if (account == NULL)
			return deny(k, "signature");
	}
	e = kith_record_make(&k->r, account, &k->header);
	if (e == KITH_OK)
		e = kith_record_parse(kith_buf_slice(&k->header), &k->r);
	if (e == KITH_OK) {
		/* as everybody will read it */
		kith_arena_reset(k->g->arena);
		e = kith_op_parse(k->r.kind, k->r.op, k->g->arena, &check);
		if (e == KITH_OK)
			k->op = check;
	}
	return e == KITH_E_MALFORMED ? deny(k, "form") : e;
}

static int
write_plain(struct making *k, struct kith_changes *c, uint64_t *pos)
{
	struct kith_buf earlier;
	struct verdict v;
	int e;

	kith_buf_init(&earlier, 0);
	e = make_place(k);
	if (e == KITH_OK)
		e = make_via(k);
	if (e == KITH_OK)
		e = make_parents(k);
	if (e == KITH_OK)
		e = make_frontier(k);
	if (e == KITH_OK)
		e = make_node_own(k, &earlier);
	if (e == KITH_OK)
		e = make_op(k);
	if (e == KITH_OK)
		e = make_body(k);
	if (e == KITH_OK)
		e = make_clock(k);
	if (e == KITH_OK)
		e = finish(k);
	if (e == KITH_OK)
		e = judge(k, &v);
	if (e == KITH_OK)
		e = store(k, &v, c, pos);
	kith_buf_fini(&earlier);
	return e;
}

/* ---- authority ---- */

static int
make_act_parents(struct making *k)
{
	const struct kith_act *act;
	uint32_t i;
	size_t n;

	k->r.n_parents = (uint32_t)kith_authority_parents(k->g->a, k->r.seq > 0 ? &k->r.prev : &kith_id_none, k->r.parents);
	for (i = 0; i < k->r.n_parents; i++) {
		act = kith_authority_find(k->g->a, &k->r.parents[i]);
		if (act != NULL)
			names_clock(k, k->g->high.v[act->index]);
	}
	for (n = kith_authority_count(k->g->a); n-- > 0;) {
		act = kith_authority_at(k->g->a, (uint32_t)n);
		if (kith_id_eq(&act->author, &k->r.author) && act->counter >= k->r.counter)
			k->r.counter = act->counter + 1;
	}
	return KITH_OK;
}

/* May the author? Whoever made an invite may end it with less than others need. */
static int
ask_authority(struct making *k)
{
	struct kith_invite inv;
	struct kith_slice raw;
	uint8_t type;

	if (k->r.kind == KITH_K_INVITE_REVOKE && kith_ledger_object_get(k->t, &k->op.invite, &type, &raw) == KITH_OK &&
	    type == KITH_O_INVITE && kith_invite_parse(raw, &inv) == KITH_OK)
		return kith_authority_may_revoke(k->g->a, &k->r.author, &k->r.via, &k->op, &inv.maker, &k->why);
	return kith_authority_may(k->g->a, &k->r.author, k->r.kind, &k->r.via, &k->op, &k->why);
}

static int
write_act(struct making *k, struct kith_changes *c, uint64_t *pos)
{
	struct verdict v;
	int e;

	k->r.via = k->d->via;
	k->r.counter = 1;
	e = make_place(k);
	if (e == KITH_OK)
		e = make_act_parents(k);
	if (e == KITH_OK)
		e = make_op(k);
	if (e == KITH_OK)
		e = ask_authority(k);
	if (e == KITH_OK)
		e = make_body(k);
	if (e == KITH_OK)
		e = make_clock(k);
	if (e == KITH_OK)
		e = finish(k);
	if (e == KITH_OK)
		e = judge(k, &v);
	if (e == KITH_OK)
		e = store(k, &v, c, pos);
	return e;
}

/* ---- the two calls ---- */

static void
begin(struct making *k, struct kith_group *g, struct kith_txn *t, struct kith_now now, const struct kith_draft *d)
{
	memset(k, 0, sizeof(*k));
	k->g = g;
	k->t = t;
	k->now = now;
	k->d = d;
	if (d->op != NULL)
		k->op = *d->op;
	k->plane = kith_kind_in_plane(d->kind, KITH_PLANE_AUTHORITY) ? KITH_PLANE_AUTHORITY :
	    kith_kind_in_plane(d->kind, KITH_PLANE_ROSTER) ? KITH_PLANE_ROSTER : KITH_PLANE_TIMELINE;
	k->r.scope = k->plane == KITH_PLANE_AUTHORITY ? kith_scope_authority :
	    k->plane == KITH_PLANE_ROSTER ? kith_scope_roster : d->scope;
	k->r.kind = d->kind;
	k->r.author = d->author;
	k->r.doc = d->doc;
	kith_buf_init(&k->op_bytes, 0);
	kith_buf_init(&k->body, 0);
	kith_buf_init(&k->header, 0);
}

static void
end(struct making *k)
{
	kith_buf_fini(&k->op_bytes);
	kith_buf_fini(&k->body);
	kith_buf_fini(&k->header);
}

/* The documents that an account here goes by lie with the objects of the store. */
static int
want_doc(struct kith_group *g, struct kith_txn *t, const struct kith_id *doc)
{
	struct kith_id missing;

	return kith_id_is_none(doc) ? KITH_OK : kith_doc_want(g, t, doc, &missing);
}

/* Our roster feed begins with a node.join. */
static int
arrive(struct kith_group *g, struct kith_txn *t, struct kith_now now, uint32_t kind, struct kith_changes *c, const char **why)
{
	const struct kith_draft d = { .kind = KITH_K_NODE_JOIN };
	struct feed *f;
	int e;

	if (!kith_kind_in_plane(kind, KITH_PLANE_ROSTER) || kind == KITH_K_NODE_JOIN || kind == KITH_K_NODE_REKEY)
		return KITH_OK;
	f = kith_group_feed_(g, t, &kith_scope_roster, &g->self->node, g->self->incarnation, false, &e);
	if (e != KITH_OK || (f != NULL && f->l.n_held > 0))
		return e;
	return kith_group_write(g, t, now, &d, c, NULL, NULL, why);
}

int
kith_group_write(struct kith_group *g, struct kith_txn *t, struct kith_now now, const struct kith_draft *d, struct kith_changes *c,
    struct kith_id *id, uint64_t *pos, const char **why)
{
	struct making k;
	uint64_t at = 0;
	int e;

	*why = g->held ? "version" : "group";
	if (!g->held || kith_authority_rules(g->a) > KITH_RULES_VERSION)
		return KITH_E_DENIED;
	*why = NULL;
	e = want_doc(g, t, &d->doc);
	if (e == KITH_OK)
		e = arrive(g, t, now, d->kind, c, why);
	if (e != KITH_OK)
		return e;
	begin(&k, g, t, now, d);
	k.r.group = g->id;
	k.r.node = g->self->node;
	k.r.incarnation = g->self->incarnation;
	e = k.plane == KITH_PLANE_AUTHORITY ? write_act(&k, c, &at) : write_plain(&k, c, &at);
	if (e == KITH_E_DENIED)
		*why = k.why;
	if (e == KITH_OK && id != NULL)
		*id = k.r.id;
	if (e == KITH_OK && pos != NULL)
		*pos = at;
	end(&k);
	return e;
}

int
kith_group_create(const struct kith_env *env, const struct kith_self *self, struct kith_txn *t, struct kith_now now,
    const struct kith_draft *d, struct kith_changes *c, struct kith_group **out, const char **why)
{
	struct kith_group *g = NULL;
	struct making k;
	struct verdict v;
	uint64_t pos;
	int e = KITH_OK;

	*why = NULL;
	begin(&k, NULL, t, now, d);
	k.r.node = self->node;
	k.r.incarnation = self->incarnation;
	k.r.counter = 1;
	k.r.clock = now.wall_ms << 16;
	if (d->kind != KITH_K_CREATE || d->account == NULL)
		e = deny(&k, "form");
	if (e == KITH_OK) {
		e = kith_op_make(&k.op, &k.op_bytes);
		k.r.op = kith_buf_slice(&k.op_bytes);
	}
	/* salt for the body comes from env, which the group would hold */
	if (e == KITH_OK && d->body_map.n > 0) {
		uint8_t salt[16];

		env->random(env->ctx, salt, sizeof(salt));
		e = kith_body_make(salt, d->body_map, &k.body);
		k.r.body_len = (uint32_t)k.body.n;
		kith_hash(KITH_L_BODY, kith_buf_slice(&k.body), &k.r.body_hash);
	}
	if (e == KITH_OK)
		e = kith_record_make(&k.r, d->account, &k.header);
	if (e == KITH_OK)
		e = kith_record_parse(kith_buf_slice(&k.header), &k.r);
	if (e == KITH_OK)
		e = kith_group_open(env, self, t, &k.r.id, &g);
	k.g = g;
	if (e == KITH_OK && g->held)
		e = KITH_E_EXISTS;
	if (e == KITH_OK)
		e = want_doc(g, t, &d->doc);
	if (e == KITH_OK) {
		k.f = kith_group_feed_(g, t, &k.r.scope, &self->node, self->incarnation, true, &e);
		if (e == KITH_OK)
			e = kith_op_parse(k.r.kind, k.r.op, g->arena, &k.op);
	}
	if (e == KITH_OK)
		e = judge(&k, &v);
	if (e == KITH_OK)
		e = store(&k, &v, c, &pos);
	if (e == KITH_OK && !kith_authority_at(g->a, 0)->valid)
		e = deny(&k, "form");
	if (e == KITH_E_DENIED)
		*why = k.why;
	end(&k);
	if (e == KITH_OK)
		*out = g;
	else
		kith_group_close(g);
	return e;
}

/* ---- signatures ---- */

static int
sign_feed(struct kith_group *g, struct kith_txn *t, struct feed *f)
{
	struct kith_ledger_at at;
	struct kith_ledger_record lr;
	struct feed_iter it;
	uint8_t sig[KITH_SIG_BYTES];
	struct kith_id id;
	int e;

	kith_feed_iter_init(&it, f->l.feedno, f->unsigned_from);
	while ((e = kith_feed_iter_next(&it, t, &at)) == KITH_OK) {
		if (at.seq + 1 != f->l.next_seq && f->plane != KITH_PLANE_AUTHORITY && at.seq % KITH_SIGN_EVERY != KITH_SIGN_EVERY - 1)
			continue;
		e = kith_ledger_get(t, at.pos, &lr);
		if (e != KITH_OK)
			break;
		id = lr.id;
		kith_sign(g->self->sign, KITH_L_TIP, kith_id_slice(&id), sig);
		if (f->plane == KITH_PLANE_AUTHORITY || f->l.forked || at.seq % KITH_SIGN_EVERY == KITH_SIGN_EVERY - 1)
			e = kith_ledger_sign(t, at.pos, sig);
		if (e != KITH_OK)
			break;
		if (at.seq + 1 == f->l.next_seq) {
			f->l.has_sig = true;
			f->l.sig_seq = at.seq;
			memcpy(f->l.sig, sig, sizeof(sig));
		}
	}
	kith_feed_iter_fini(&it);
	if (e != KITH_E_NOTFOUND)
		return e;
	f->unsigned_from = NO_PLACE;
	f->changed = g->dirty_feeds = true;
	return KITH_OK;
}

int
kith_group_sign_tips(struct kith_group *g, struct kith_txn *t)
{
	struct gnode *n = kith_group_gnode(g, &g->self->node, false);
	size_t i;
	int e = KITH_OK;

	for (i = 0; n != NULL && e == KITH_OK && i < n->feeds.n; i++)
		if (n->feeds.v[i]->unsigned_from != NO_PLACE)
			e = sign_feed(g, t, n->feeds.v[i]);
	return e == KITH_OK ? kith_feeds_put(g, t) : e;
}
