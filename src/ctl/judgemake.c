#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/judgeworld.h"
#include "id/doc.h"
#include "id/invite.h"

/* Building documents, invites, cuts and records, each after all that it names. */

/* A thing of FILE in the order of building: 0 .. n_events - 1 events, then documents, then records. */
struct build {
	struct kith_jw *w;
	struct kith_diag *d;
	size_t n;
	KITH_VEC(size_t) names;         /* of the thing at hand */
	KITH_VEC(const char *) fields;
};

static bool
is_kind(const struct kith_jw_record *x, const char *kind)
{
	return strcmp(x->kind, kind) == 0;
}

static bool
is_doc(const struct kith_jw *w, const void *x)
{
	const struct kith_jw_doc *d = x;

	return d >= w->doc && d < w->doc + w->n_docs;
}

/* The number of the thing that bears this id; SIZE_MAX: FILE holds none. */
static size_t
number_of(const struct kith_jw *w, const char *id)
{
	const struct kith_jf_event *e = kith_jf_find(w->f, id);
	const void *x;

	if (e != NULL)
		return (size_t)(e - w->f->event);
	x = kith_map_get(w->names, kith_slice_str(id));
	if (x == NULL)
		return SIZE_MAX;
	if (is_doc(w, x))
		return w->f->n_events + (size_t)((const struct kith_jw_doc *)x - w->doc);
	return w->f->n_events + w->n_docs + (size_t)((const struct kith_jw_record *)x - w->record);
}

static struct kith_id
beginning(const struct kith_jf *f)
{
	return f->n_setup > 0 ? f->setup[f->n_setup - 1].rid : f->create.rid;
}

/* The real id that a name stands for, if it has been built; of a name that FILE does not hold: one that nothing has. */
static struct kith_id
real(const struct kith_jw *w, const char *id)
{
	size_t i = number_of(w, id);

	if (strcmp(id, "genesis") == 0)
		return beginning(w->f);
	if (i == SIZE_MAX)
		return kith_jf_hash("missing", id);
	if (i < w->f->n_events)
		return w->f->event[i].rid;
	i -= w->f->n_events;
	return i < w->n_docs ? w->doc[i].rid : w->record[i - w->n_docs].rid;
}

/* ---- the order ---- */

static int
add_name(struct build *b, const char *id, const char *field)
{
	size_t i = id == NULL ? SIZE_MAX : number_of(b->w, id);

	if (i == SIZE_MAX)
		return KITH_OK;
	if (kith_vec_push(&b->names, i) != KITH_OK)
		return KITH_E_NOMEM;
	return kith_vec_push(&b->fields, field);
}

static int
add_cut(struct build *b, json_t *cut)
{
	json_t *tips, *tip;
	const char *feed;
	size_t i;
	int r = KITH_OK;

	json_object_foreach(cut, feed, tips)
		json_array_foreach(tips, i, tip)
			if (r == KITH_OK)
				r = add_name(b, json_string_value(json_array_get(tip, 1)), "cut");
	return r;
}

static int
names_of(struct build *b, size_t at)
{
	const struct kith_jw *w = b->w;
	const struct kith_jf_event *e;
	const struct kith_jw_record *x;
	size_t i;
	int r = KITH_OK;

	b->names.n = b->fields.n = 0;
	if (at < w->f->n_events) {
		e = &w->f->event[at];
		for (i = 0; r == KITH_OK && i < e->n_parents; i++)
			r = add_name(b, w->f->event[e->parents[i]].id, "parents");
		if (r == KITH_OK)
			r = add_name(b, e->via, "via");
		if (r == KITH_OK)
			r = add_name(b, e->role, e->who != NULL ? "who" : "role");
		return r == KITH_OK ? add_cut(b, json_object_get(e->json, "cut")) : r;
	}
	at -= w->f->n_events;
	if (at < w->n_docs)
		return add_name(b, w->doc[at].prev, "prev");
	x = &w->record[at - w->n_docs];
	for (i = 0; r == KITH_OK && i < x->n_frontier; i++)
		r = add_name(b, x->frontier[i], "frontier");
	if (r == KITH_OK)
		r = add_name(b, x->prev, "prev");
	if (r == KITH_OK)
		r = add_name(b, x->doc, "doc");
	if (r == KITH_OK)
		r = add_name(b, x->via, "via");
	if (r == KITH_OK)
		r = add_name(b, x->target, "target");
	return r == KITH_OK ? add_cut(b, x->cut) : r;
}

static int
cycle(struct build *b, size_t at, const char *field)
{
	const struct kith_jw *w = b->w;

	if (at < w->f->n_events)
		return kith_jf_mistake(b->d, "event", w->f->event[at].id, field, "closes a cycle");
	at -= w->f->n_events;
	if (at < w->n_docs)
		return kith_jf_mistake(b->d, "doc", w->doc[at].id, field, "closes a cycle");
	return kith_jf_mistake(b->d, "record", w->record[at - w->n_docs].id, field, "closes a cycle");
}

/* Depth first, without recursion. */
static int
sort(struct build *b, size_t *order)
{
	struct frame { size_t at, next; } *way = calloc(b->n + 1, sizeof(*way));
	uint8_t *state = calloc(b->n + 1, 1);           /* 0 new, 1 on the way, 2 done */
	size_t i, depth, done = 0, to;
	int r = way == NULL || state == NULL ? KITH_E_NOMEM : KITH_OK;

	for (i = 0; r == KITH_OK && i < b->n; i++) {
		if (state[i] != 0)
			continue;
		way[0] = (struct frame){ i, 0 };
		state[i] = 1;
		for (depth = 1; r == KITH_OK && depth > 0;) {
			struct frame *top = &way[depth - 1];

			r = names_of(b, top->at);
			if (r != KITH_OK)
				break;
			while (top->next < b->names.n && state[b->names.v[top->next]] == 2)
				top->next++;
			if (top->next == b->names.n) {
				state[top->at] = 2;
				order[done++] = top->at;
				depth--;
				continue;
			}
			to = b->names.v[top->next];
			if (state[to] == 1) {
				r = cycle(b, top->at, b->fields.v[top->next]);
				break;
			}
			state[to] = 1;
			way[depth++] = (struct frame){ to, 0 };
		}
	}
	free(way);
	free(state);
	return r;
}

/* ---- documents ---- */

static int
make_doc(struct kith_jf *f, const char *uid, const struct kith_doc_new *base, size_t number, const char *by, struct kith_buf *raw,
    struct kith_id *id)
{
	struct kith_jf_person *p = kith_jf_person(f, uid);
	struct kith_doc_new n = *base;
	struct kith_doc doc;
	char handle[32];
	int r;

	if (p == NULL)
		return KITH_E_NOMEM;
	/* the same words may stand in two documents of FILE: the handle keeps them apart */
	(void)snprintf(handle, sizeof(handle), "d%zu#0001", number);
	n.handle = kith_slice_str(handle);
	memcpy(n.account_pk, kith_signer_pk(p->account), sizeof(n.account_pk));
	memcpy(n.recovery_pk, kith_signer_pk(p->recovery), sizeof(n.recovery_pk));
	kith_buf_reset(raw);
	r = kith_doc_make(&n, n.n > 0 && strcmp(by, "recovery") == 0 ? NULL : p->account,
	    n.n > 0 && strcmp(by, "key") == 0 ? NULL : p->recovery, raw);
	if (r == KITH_OK)
		r = kith_doc_parse(kith_buf_slice(raw), &doc);
	if (r == KITH_OK)
		*id = doc.id;
	return r;
}

/* Documents 0 first of all: a person's id hangs on it. */
static int
make_first_doc(struct kith_jf *f, const char *uid, const char *home, size_t number)
{
	struct kith_jf_person *p = kith_jf_person(f, uid);
	struct kith_jf_node *at = kith_jf_node(f, home);
	struct kith_doc_new n = { .n = 0 };
	int r;

	if (p == NULL || at == NULL)
		return KITH_E_NOMEM;
	n.home = at->id;
	r = make_doc(f, uid, &n, number, "", &p->raw, &p->doc);
	p->uid = p->doc;
	return r;
}

static int
build_doc(struct build *b, struct kith_jw_doc *x, size_t number)
{
	struct kith_jf *f = b->w->f;
	struct kith_jf_person *p = kith_jf_person(f, x->uid);
	struct kith_jf_node *at = kith_jf_node(f, x->home);
	struct kith_doc_new n = { .n = (uint64_t)x->n };
	size_t prev = x->prev == NULL ? SIZE_MAX : number_of(b->w, x->prev);
	bool held = prev != SIZE_MAX || (x->prev != NULL && strcmp(x->prev, "genesis") == 0);

	if (p == NULL || at == NULL)
		return KITH_E_NOMEM;
	if (x->n == 0 && x->prev == NULL) {
		x->rid = p->doc;
		return KITH_OK;
	}
	n.home = at->id;
	n.uid = p->uid;
	/* no such bytes exist, or what it follows is no document: something that follows nothing either stands for it */
	x->unsound = x->n == 0 || x->prev == NULL || (held && (prev == SIZE_MAX || prev < f->n_events ||
	    prev >= f->n_events + b->w->n_docs));
	if (x->unsound) {
		n.n = UINT64_C(1) << 40;
		n.prev = p->doc;
	} else {
		n.prev = real(b->w, x->prev);
	}
	return make_doc(f, x->uid, &n, number, x->by, &x->raw, &x->rid);
}

/* ---- invites ---- */

static struct kith_id
invite_of(struct kith_jf *f, const char *name)
{
	struct kith_invite_new n = { .group = f->group, .made_ms = 1, .guests = true };
	struct kith_jf_node *at = kith_jf_node(f, KITH_JF_INVITER);
	struct kith_id id = kith_jf_hash("invite", name);
	struct kith_buf raw;

	kith_buf_init(&raw, 0);
	if (at != NULL) {
		n.maker = f->inviter->uid;
		n.node = at->id;
		memcpy(n.nonce, id.b, sizeof(n.nonce));
		if (kith_invite_make(&n, at->sign, &raw, &id) == KITH_OK &&
		    kith_jf_object_add(f, KITH_O_INVITE, kith_buf_slice(&raw), &id) != KITH_OK)
			id = kith_id_none;
	}
	kith_buf_fini(&raw);
	return id;
}

/* ---- cuts ---- */

static int
by_tip(const void *x, const void *y)
{
	const struct kith_cut_tip *a = x, *b = y;

	if (a->seq != b->seq)
		return a->seq < b->seq ? -1 : 1;
	return kith_id_cmp(&a->id, &b->id);
}

static int
by_feed(const void *x, const void *y)
{
	const struct kith_cut_feed *a = x, *b = y;
	int d = kith_id_cmp(&a->scope, &b->scope);

	return d != 0 ? d : kith_id_cmp(&a->node, &b->node);
}

static struct kith_id
scope_of(const struct kith_jf *f, const char *name)
{
	const struct kith_jf_event *e = kith_map_get(f->panels, kith_slice_str(name));

	return strcmp(name, "roster") == 0 || e == NULL ? kith_scope_roster : e->rid;
}

static uint64_t
place_of(const char *scope, int64_t seq)
{
	uint64_t s = (uint64_t)seq + (strcmp(scope, "roster") == 0 ? 1 : 0);

	return s > KITH_SEQ_MAX ? KITH_SEQ_MAX : s;
}

static int
take_tips(struct build *b, const char *scope, json_t *tips, struct kith_cut_feed *cf)
{
	struct kith_cut_tip *tip = calloc(json_array_size(tips) + 1, sizeof(*tip));
	size_t i, n = 0;

	if (tip == NULL)
		return KITH_E_NOMEM;
	for (i = 0; i < json_array_size(tips); i++) {
		tip[i].seq = place_of(scope, json_integer_value(json_array_get(json_array_get(tips, i), 0)));
		tip[i].id = real(b->w, json_string_value(json_array_get(json_array_get(tips, i), 1)));
	}
	qsort(tip, i, sizeof(*tip), by_tip);
	for (i = 0; i < json_array_size(tips); i++)
		if (i == 0 || by_tip(&tip[n - 1], &tip[i]) != 0)
			tip[n++] = tip[i];
	cf->tip = tip;
	cf->n_tips = (uint32_t)n;
	return KITH_OK;
}

/* Only feeds that FILE has records of can matter; the key is compared whole. */
static int
make_cut(struct build *b, json_t *json, struct kith_id *id)
{
	struct kith_jw *w = b->w;
	KITH_VEC(struct kith_cut_feed) feed = { 0 };
	struct kith_cut cut = { .n_feeds = 0 };
	struct kith_cut_feed cf = { .n_tips = 0 };
	const struct kith_jw_record *x;
	struct kith_jf_node *at;
	struct kith_buf raw;
	json_t *tips;
	char *key;
	size_t i, j;
	int r = KITH_OK;

	for (i = 0; r == KITH_OK && i < w->n_records; i++) {
		x = &w->record[i];
		at = kith_jf_node(w->f, x->node);
		key = malloc(strlen(x->scope) + strlen(x->node) + 2);
		if (at == NULL || key == NULL) {
			free(key);
			r = KITH_E_NOMEM;
			break;
		}
		(void)sprintf(key, "%s/%s", x->scope, x->node);
		tips = json_object_get(json, key);
		free(key);
		cf.scope = scope_of(w->f, x->scope);
		cf.node = at->id;
		cf.incarnation = 1;
		for (j = 0; j < feed.n && by_feed(&feed.v[j], &cf) != 0; j++)
			;
		if (j < feed.n || json_array_size(tips) == 0)
			continue;
		r = take_tips(b, x->scope, tips, &cf);
		if (r == KITH_OK && (r = kith_vec_push(&feed, cf)) != KITH_OK)
			free((void *)(uintptr_t)cf.tip);
	}
	if (feed.n > 0)
		qsort(feed.v, feed.n, sizeof(*feed.v), by_feed);
	cut.feed = feed.v;
	cut.n_feeds = (uint32_t)feed.n;
	kith_buf_init(&raw, 0);
	if (r == KITH_OK)
		r = kith_cut_make(&cut, &raw, id);
	if (r == KITH_OK)
		r = kith_jf_object_add(w->f, KITH_O_CUT, kith_buf_slice(&raw), id);
	kith_buf_fini(&raw);
	for (i = 0; i < feed.n; i++)
		free((void *)(uintptr_t)feed.v[i].tip);
	kith_vec_fini(&feed);
	return r;
}

/* ---- records ---- */

static int
by_id(const void *x, const void *y)
{
	return kith_id_cmp(x, y);
}

static int
write_record(struct kith_jw *w, struct kith_jw_record *x, struct kith_record *rec, const struct kith_op *op)
{
	struct kith_jf_node *at = kith_jf_node(w->f, x->node);
	struct kith_buf raw;
	int r;

	if (at == NULL)
		return KITH_E_NOMEM;
	rec->group = w->f->group;
	rec->node = at->id;
	rec->incarnation = 1;
	rec->clock = ++w->f->clock << 16;
	kith_buf_init(&raw, 0);
	kith_buf_init(&x->header, 0);
	r = kith_op_make(op, &raw);
	rec->op = kith_buf_slice(&raw);
	if (r == KITH_OK)
		r = kith_record_make(rec, NULL, &x->header);
	kith_buf_fini(&raw);
	if (r != KITH_OK)
		return r;
	kith_hash(KITH_L_RECORD, kith_buf_slice(&x->header), &x->rid);
	kith_sign(at->sign, KITH_L_TIP, kith_id_slice(&x->rid), x->sig);
	return x->id == NULL ? KITH_OK : kith_map_put(w->shown, kith_id_slice(&x->rid), (void *)(uintptr_t)x->id, NULL);
}

/* The node.join that begins this node's roster. */
static int
arrive(struct kith_jw *w, const char *node, struct kith_id *id)
{
	struct kith_op op = { .has = KITH_OP_BIT(KITH_OP_NODE_RECORD) };
	struct kith_jf_node *at = kith_jf_node(w->f, node);
	struct kith_record rec;
	struct kith_jw_record *x;
	size_t i;
	int r;

	for (i = 0; i < w->arrivals.n; i++)
		if (strcmp(w->arrivals.v[i]->node, node) == 0) {
			*id = w->arrivals.v[i]->rid;
			return KITH_OK;
		}
	x = calloc(1, sizeof(*x));
	if (x == NULL || at == NULL || kith_vec_push(&w->arrivals, x) != KITH_OK) {
		free(x);
		return KITH_E_NOMEM;
	}
	memset(&rec, 0, sizeof(rec));
	x->node = node;
	rec.scope = kith_scope_roster;
	rec.kind = KITH_K_NODE_JOIN;
	rec.frontier[rec.n_frontier++] = beginning(w->f);
	op.node_record = at->id;
	r = write_record(w, x, &rec, &op);
	*id = x->rid;
	return r;
}

static int
take_place(struct build *b, const struct kith_jw_record *x, struct kith_record *rec)
{
	int r = KITH_OK;

	rec->scope = scope_of(b->w->f, x->scope);
	rec->seq = place_of(x->scope, x->seq);
	if (x->prev != NULL)
		rec->prev = real(b->w, x->prev);
	if (strcmp(x->scope, "roster") != 0)
		return r;
	if (x->seq == 0 && x->prev == NULL)
		r = arrive(b->w, x->node, &rec->prev);
	else if (x->seq == 0)
		rec->seq = 0;           /* first, and after something: as wrong here as in FILE */
	return r;
}

/* The document that a record is made under: its membership's. */
static struct kith_id
doc_of(const struct kith_jw *w, const struct kith_jw_record *x)
{
	const void *via;

	if (x->doc != NULL)
		return real(w, x->doc);
	via = kith_map_get(w->names, kith_slice_str(x->via));
	if (via == NULL || is_doc(w, via) || ((const struct kith_jw_record *)via)->doc == NULL)
		return kith_jf_hash("missing", "document");
	return real(w, ((const struct kith_jw_record *)via)->doc);
}

static int
build_record(struct build *b, struct kith_jw_record *x)
{
	struct kith_jw *w = b->w;
	struct kith_jf_person *p = kith_jf_person(w->f, x->author);
	const struct kith_jw_doc *d = x->doc == NULL ? NULL : kith_map_get(w->names, kith_slice_str(x->doc));
	struct kith_op op = { .has = 0 };
	struct kith_record rec;
	bool bears;
	size_t i;
	int r;

	if (p == NULL)
		return KITH_E_NOMEM;
	memset(&rec, 0, sizeof(rec));
	r = take_place(b, x, &rec);
	if (r != KITH_OK)
		return r;
	rec.author = p->uid;
	rec.doc = doc_of(w, x);
	if (x->via != NULL)
		rec.via = real(w, x->via);
	for (i = 0; i < x->n_frontier; i++)
		rec.frontier[rec.n_frontier++] = real(w, x->frontier[i]);
	qsort(rec.frontier, rec.n_frontier, sizeof(rec.frontier[0]), by_id);
	bears = is_kind(x, "move") || is_kind(x, "leave") ||
	    (is_kind(x, "join") && x->cut != NULL && !(d != NULL && is_doc(w, d) && d->n == 0));
	if (bears) {
		op.has |= KITH_OP_BIT(KITH_OP_CUT);
		r = make_cut(b, x->cut, &op.cut);
	}
	if (is_kind(x, "join")) {
		rec.kind = KITH_K_JOIN;
		op.has |= KITH_OP_BIT(KITH_OP_HOW);
		op.how = strcmp(x->how, "open") == 0 ? KITH_HOW_OPEN : strcmp(x->how, "admit") == 0 ? KITH_HOW_ADMITTED : KITH_HOW_INVITE;
		if (op.how == KITH_HOW_INVITE) {
			op.has |= KITH_OP_BIT(KITH_OP_INVITE);
			op.invite = invite_of(w->f, x->how);
		}
	} else if (is_kind(x, "move")) {
		rec.kind = KITH_K_MOVE;
	} else if (is_kind(x, "leave")) {
		rec.kind = KITH_K_LEAVE;
	} else if (is_kind(x, "msg")) {
		rec.kind = KITH_K_MESSAGE;
	} else {
		rec.kind = strcmp(x->mode, "recall") == 0 ? KITH_K_RECALL : KITH_K_REMOVE;
		op.has |= KITH_OP_BIT(KITH_OP_TARGET);
		op.target = real(w, x->target);
	}
	if (r == KITH_OK)
		r = write_record(w, x, &rec, &op);
	if (r == KITH_E_MALFORMED || r == KITH_E_LIMIT)
		r = kith_jf_mistake(b->d, "record", x->id, NULL, "does not fit in a record");
	return r;
}

/* ---- all ---- */

static int
panels_of(const struct kith_jw *w, const char ***out, size_t *n_out)
{
	const char **v = calloc(w->n_records + w->f->n_events + 1, sizeof(*v)), *name;
	size_t i, j, n = 0;

	if (v == NULL)
		return KITH_E_NOMEM;
	for (i = 0; i < w->n_records + w->f->n_events; i++) {
		name = i < w->n_records ? w->record[i].scope : w->f->event[i - w->n_records].panel;
		if (name == NULL || (i < w->n_records && strcmp(name, "roster") == 0))
			continue;
		for (j = 0; j < n && strcmp(v[j], name) != 0; j++)
			;
		if (j == n)
			v[n++] = name;
	}
	*out = v;
	*n_out = n;
	return KITH_OK;
}

static int
build_first_docs(struct build *b)
{
	struct kith_jw *w = b->w;
	size_t i;
	int r = make_first_doc(w->f, KITH_JF_INVITER, KITH_JF_INVITER, 0);

	for (i = 0; r == KITH_OK && i < w->n_docs; i++)
		if (w->doc[i].n == 0 && w->doc[i].prev == NULL)
			r = make_first_doc(w->f, w->doc[i].uid, w->doc[i].home, i + 1);
	return r;
}

/* Other kinds have no room for one: they take nothing from anybody. */
static bool
may_bear_cut(const struct kith_jf_event *e)
{
	switch (e->kind) {
	case KITH_K_SET:
		return e->joins;
	case KITH_K_ROLE_DELETE:
	case KITH_K_ROLE_DENY:
	case KITH_K_ROLE_REVOKE:
	case KITH_K_BAN:
	case KITH_K_KICK:
	case KITH_K_MUTE:
	case KITH_K_PANEL_SET:
	case KITH_K_INVITE_REVOKE:
	case KITH_K_NODE_BAN:
	case KITH_K_OWNER_RESIGN:
		return true;
	default:
		return false;
	}
}

static int
build_one(struct build *b, size_t at)
{
	struct kith_jw *w = b->w;
	struct kith_jf_event *e;
	struct kith_id cut;
	json_t *json;
	int r;

	if (at < w->f->n_events) {
		e = &w->f->event[at];
		json = json_object_get(e->json, "cut");
		if (json == NULL || !may_bear_cut(e))
			return kith_jf_build(w->f, e, NULL, b->d);
		r = make_cut(b, json, &cut);
		return r == KITH_OK ? kith_jf_build(w->f, e, &cut, b->d) : r;
	}
	at -= w->f->n_events;
	if (at >= w->n_docs)
		return build_record(b, &w->record[at - w->n_docs]);
	r = build_doc(b, &w->doc[at], at + 1);
	if (r == KITH_OK)
		r = kith_map_put(w->shown, kith_id_slice(&w->doc[at].rid), (void *)(uintptr_t)w->doc[at].id, NULL);
	return r;
}

int
kith_jw_build(struct kith_jw *w, struct kith_diag *d)
{
	struct build b = { .w = w, .d = d, .n = w->f->n_events + w->n_docs + w->n_records };
	size_t *order = calloc(b.n + 1, sizeof(*order)), n_panels, i;
	const char **panels = NULL;
	int r = order == NULL ? KITH_E_NOMEM : KITH_OK;

	if (r == KITH_OK)
		r = sort(&b, order);
	if (r == KITH_OK)
		r = build_first_docs(&b);
	if (r == KITH_OK)
		r = panels_of(w, &panels, &n_panels);
	w->f->invite_id = invite_of;
	if (r == KITH_OK)
		r = kith_jf_begin(w->f, panels, n_panels, d);
	for (i = 0; r == KITH_OK && i < b.n; i++)
		r = build_one(&b, order[i]);
	kith_vec_fini(&b.names);
	kith_vec_fini(&b.fields);
	free(order);
	free(panels);
	return r;
}
