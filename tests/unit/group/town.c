#include "tests/unit/group/town.h"

#include <stdio.h>

#include "id/doc.h"
#include "id/node.h"
#include "storage/lmdb.h"
#include "wire/mp.h"

const char *town_why;

/* ---- the world ---- */

static void
town_random(void *ctx, void *p, size_t n)
{
	struct town *w = ctx;
	uint8_t *b = p;

	while (n-- > 0) {
		w->dice = w->dice * UINT64_C(6364136223846793005) + 1442695040888963407u;
		*b++ = (uint8_t)(w->dice >> 56);
	}
}

static int
town_verify(void *ctx, const uint8_t pk[32], int label, struct kith_slice msg, const uint8_t sig[64])
{
	((struct town *)ctx)->verified++;
	return kith_verify(pk, (enum kith_label)label, msg, sig);
}

static void
house_open(struct town *w, size_t i)
{
	static const struct kith_lmdb_options small = { .map_size = UINT64_C(64) << 20 };
	struct house *h = &w->at[i];
	struct kith_node_new d = { .name = "test" };
	struct kith_node_record rec;
	char key[32];

	h->town = w;
	(void)snprintf(h->name, sizeof(h->name), "house%zu", i);
	(void)snprintf(key, sizeof(key), "root of %s", h->name);
	h->root = kit_key(key);
	(void)snprintf(key, sizeof(key), "sign of %s", h->name);
	h->sign = kit_key(key);
	memcpy(d.root_pk, kith_signer_pk(h->root), 32);
	memcpy(d.sign_pk, kith_signer_pk(h->sign), 32);
	memcpy(d.cert_pk[0], kit_pk("cert"), 32);
	d.n_certs = 1;
	d.next_root = kit_id("next root");
	kith_buf_init(&h->record, 0);
	assert_ok(kith_node_make(&d, h->root, &h->record));
	assert_ok(kith_node_parse(kith_buf_slice(&h->record), &rec));
	h->id = rec.node;
	h->self = (struct kith_self){ .node = h->id, .incarnation = 1, .sign = h->sign };
	if (town_on_disk) {
		(void)kith_test_dir(h->dir);
		assert_ok(kith_store_lmdb_open(h->dir, &small, NULL, &h->store));
	} else {
		assert_ok(kith_store_mem_new(&h->store));
	}
	assert_ok(kith_store_begin(h->store, true, &h->t));
}

bool town_on_disk;

int
town_setup_mem(void **state)
{
	(void)state;
	town_on_disk = false;
	return 0;
}

int
town_setup_disk(void **state)
{
	(void)state;
	town_on_disk = true;
	return 0;
}

struct town *
town_new(size_t nodes)
{
	struct town *w = calloc(1, sizeof(*w));
	struct kith_id id;
	size_t i, j;

	assert_non_null(w);
	(void)kit_env();
	w->env = (struct kith_env){ .ctx = w, .random = town_random, .verify = town_verify };
	w->dice = 1;
	w->now = (struct kith_now){ .mono_ms = 1000, .wall_ms = UINT64_C(1700000000000) };
	w->n = nodes;
	for (i = 0; i < nodes; i++)
		house_open(w, i);
	for (i = 0; i < nodes; i++)
		for (j = 0; j < nodes; j++)
			assert_ok(kith_node_put(&w->env, w->at[i].t, kith_buf_slice(&w->at[j].record), &id));
	return w;
}

void
town_free(struct town *w)
{
	size_t i, j;

	for (i = 0; i < w->n; i++) {
		kith_group_close(w->at[i].g);
		kith_changes_fini(&w->at[i].c);
		kith_vec_fini(&w->at[i].m.list);
		kith_buf_fini(&w->at[i].record);
		kith_txn_abort(w->at[i].t);
		kith_store_close(w->at[i].store);
		if (w->at[i].dir[0] != '\0')
			kith_test_dir_remove(w->at[i].dir);
	}
	for (i = 0; i < w->n_people; i++)
		for (j = 0; j <= w->person[i].n; j++)
			kith_buf_fini(&w->person[i].raw[j]);
	free(w);
}

/* ---- people ---- */

struct resident *
town_person_with(struct town *w, size_t house, const char *name, uint32_t flags)
{
	struct resident *p = &w->person[w->n_people++];
	struct kith_doc_new d = { .home = w->at[house].id, .handle = kith_slice_str("test#0001"), .flags = flags };
	struct kith_doc doc;
	char key[64];

	(void)snprintf(p->name, sizeof(p->name), "%s", name);
	(void)snprintf(key, sizeof(key), "account of %s", name);
	p->account = kit_key(key);
	(void)snprintf(key, sizeof(key), "recovery of %s", name);
	p->recovery = kit_key(key);
	memcpy(d.account_pk, kith_signer_pk(p->account), 32);
	memcpy(d.recovery_pk, kith_signer_pk(p->recovery), 32);
	kith_buf_init(&p->raw[0], 0);
	assert_ok(kith_doc_make(&d, p->account, p->recovery, &p->raw[0]));
	assert_ok(kith_doc_parse(kith_buf_slice(&p->raw[0]), &doc));
	p->uid = p->doc = doc.id;
	p->home = w->at[house].id;
	assert_ok(kith_ledger_object_put(w->at[house].t, &p->doc, KITH_O_DOC, kith_buf_slice(&p->raw[0])));
	return p;
}

struct resident *
town_person(struct town *w, size_t house, const char *name)
{
	return town_person_with(w, house, name, 0);
}

void
town_tell(struct town *w, size_t house, const struct resident *p)
{
	struct house *h = &w->at[house];
	uint64_t n;

	for (n = 0; n <= p->n; n++)
		assert_ok(kith_group_object(h->g, h->t, w->now, KITH_O_DOC, kith_buf_slice(&p->raw[n]), true, &h->c, &h->m));
}

void
town_doc(struct town *w, struct resident *p, size_t home, const char *by, bool tell)
{
	struct kith_doc_new d = { .n = p->n + 1, .uid = p->uid, .prev = p->doc, .home = w->at[home].id,
		.handle = kith_slice_str("test#0001") };
	struct kith_doc doc;
	size_t i;

	memcpy(d.account_pk, kith_signer_pk(p->account), 32);
	memcpy(d.recovery_pk, kith_signer_pk(p->recovery), 32);
	p->n++;
	kith_buf_init(&p->raw[p->n], 0);
	assert_ok(kith_doc_make(&d, strcmp(by, "recovery") != 0 ? p->account : NULL, strcmp(by, "key") != 0 ? p->recovery : NULL,
	    &p->raw[p->n]));
	assert_ok(kith_doc_parse(kith_buf_slice(&p->raw[p->n]), &doc));
	p->doc = doc.id;
	p->home = w->at[home].id;
	for (i = 0; i < w->n; i++)
		if (tell && w->at[i].g != NULL)
			town_tell(w, i, p);
	for (i = 0; i <= p->n; i++) {
		assert_ok(kith_doc_parse(kith_buf_slice(&p->raw[i]), &doc));
		assert_ok(kith_ledger_object_put(w->at[home].t, &doc.id, KITH_O_DOC, kith_buf_slice(&p->raw[i])));
	}
}

/* ---- the group ---- */

void
town_found(struct town *w, struct resident *founder, uint64_t joins)
{
	struct house *h = &w->at[0];
	struct kith_op op = { .has = KITH_OP_BIT(KITH_OP_FOUNDERS) | KITH_OP_BIT(KITH_OP_GROUP_KIND) | KITH_OP_BIT(KITH_OP_RULES) |
	    KITH_OP_BIT(KITH_OP_NONCE) | KITH_OP_BIT(KITH_OP_JOINS) | KITH_OP_BIT(KITH_OP_IMPLICIT), .rules = 1, .joins = joins,
	    .founders = &founder->uid, .n_founders = 1, .nonce = kith_slice_of("0123456789abcdef", 16) };
	struct kith_draft d = { .kind = KITH_K_CREATE, .author = founder->uid, .doc = founder->doc, .account = founder->account, .op = &op };
	struct kith_op panel = { .has = KITH_OP_BIT(KITH_OP_PANEL_KIND) };
	struct kith_buf perms;

	kith_buf_init(&perms, 0);
	kith_mp_put_array(&perms, 1);
	kith_mp_put_array(&perms, 2);
	kith_mp_put_id(&perms, &kith_role_member);
	kith_mp_put_array(&perms, 3);
	kith_mp_put_cstr(&perms, "message.react");
	kith_mp_put_cstr(&perms, "message.send");
	kith_mp_put_cstr(&perms, "panel.view");
	op.implicit = kith_buf_slice(&perms);
	assert_ok(kith_group_create(&w->env, &h->self, h->t, w->now, &d, &h->c, &h->g, &town_why));
	kith_buf_fini(&perms);
	w->group = *kith_group_id(h->g);
	w->hall = town_act(w, 0, founder, NULL, KITH_K_PANEL_CREATE, &panel);
	if (joins != 0) {
		struct kith_op admit = town_op_users(0, founder);

		(void)town_act(w, 0, founder, NULL, KITH_K_ADMIT, &admit);
		admit = (struct kith_op){ .has = KITH_OP_BIT(KITH_OP_HOW), .how = KITH_HOW_ADMITTED };
		assert_ok(town_write(w, 0, founder, KITH_K_JOIN, &admit, NULL));
	} else {
		(void)town_join(w, 0, founder);
	}
	town_batch(w, 0);
}

void
town_open(struct town *w, size_t house)
{
	struct house *h = &w->at[house];

	assert_ok(kith_group_open(&w->env, &h->self, h->t, &w->group, &h->g));
}

void
town_reopen(struct town *w, size_t house)
{
	struct house *h = &w->at[house];

	town_batch(w, house);
	kith_group_close(h->g);
	h->g = NULL;
	town_open(w, house);
}

void
town_batch(struct town *w, size_t house)
{
	struct house *h = &w->at[house];

	assert_ok(kith_group_sign_tips(h->g, h->t));
	assert_ok(kith_group_flush(h->g, h->t));
}

void
town_commit(struct town *w, size_t house)
{
	struct house *h = &w->at[house];

	town_batch(w, house);
	assert_ok(kith_txn_commit(h->t));
	assert_ok(kith_store_begin(h->store, true, &h->t));
}

/* ---- writing ---- */

static int
write_draft(struct town *w, size_t house, struct kith_draft *d, const struct resident *by, struct kith_id *id)
{
	struct house *h = &w->at[house];

	if (by != NULL) {
		d->author = by->uid;
		d->account = by->account;
	}
	w->now.wall_ms += 10;
	w->now.mono_ms += 10;
	return kith_group_write(h->g, h->t, w->now, d, &h->c, id, NULL, &town_why);
}

int
town_write_in(struct town *w, size_t house, const struct resident *by, uint32_t kind, const struct kith_id *scope,
    const struct kith_op *op, struct kith_id *id)
{
	struct kith_draft d = { .kind = kind, .scope = *scope, .op = op };

	if (by != NULL && (kind == KITH_K_JOIN || kind == KITH_K_MOVE || kind < KITH_K_NODE_JOIN))
		d.doc = by->doc;
	return write_draft(w, house, &d, by, id);
}

int
town_write(struct town *w, size_t house, const struct resident *by, uint32_t kind, const struct kith_op *op, struct kith_id *id)
{
	return town_write_in(w, house, by, kind, &w->hall, op, id);
}

struct kith_id
town_act(struct town *w, size_t house, const struct resident *by, const struct kith_id *via, uint32_t kind, const struct kith_op *op)
{
	struct kith_draft d = { .kind = kind, .op = op, .doc = by->doc };
	struct kith_id id;
	int r;

	if (via != NULL)
		d.via = *via;
	r = write_draft(w, house, &d, by, &id);
	if (r != KITH_OK)
		fail_msg("act of kind %u: %s, %s", (unsigned)kind, kith_err_name(r), town_why != NULL ? town_why : "");
	return id;
}

struct kith_id
town_join(struct town *w, size_t house, const struct resident *p)
{
	const struct kith_op op = { .has = KITH_OP_BIT(KITH_OP_HOW) };
	struct kith_id id;
	int r = town_write(w, house, p, KITH_K_JOIN, &op, &id);

	if (r != KITH_OK)
		fail_msg("join: %s, %s", kith_err_name(r), town_why != NULL ? town_why : "");
	return id;
}

int
town_try_say(struct town *w, size_t house, const struct resident *p, const struct kith_id *panel, const char *text, struct kith_id *id)
{
	struct kith_draft d = { .kind = KITH_K_MESSAGE, .scope = *panel };
	struct kith_buf b;
	int r;

	kith_buf_init(&b, 0);
	kith_mp_put_map(&b, 1);
	kith_mp_put_cstr(&b, "text");
	kith_mp_put_cstr(&b, text);
	d.body_map = kith_buf_slice(&b);
	r = write_draft(w, house, &d, p, id);
	kith_buf_fini(&b);
	return r;
}

struct kith_id
town_say(struct town *w, size_t house, const struct resident *p, const char *text)
{
	struct kith_id id;
	int r = town_try_say(w, house, p, &w->hall, text, &id);

	if (r != KITH_OK)
		fail_msg("message: %s, %s", kith_err_name(r), town_why != NULL ? town_why : "");
	return id;
}

struct kith_id
town_on(struct town *w, size_t house, const struct resident *by, uint32_t kind, const struct kith_id *target)
{
	struct kith_op op = { .has = KITH_OP_BIT(KITH_OP_TARGET), .target = *target, .on = true };
	struct kith_draft d = { .kind = kind, .scope = w->hall, .op = &op };
	struct kith_buf b;
	struct kith_id id;
	int r;

	if (kind == KITH_K_REACT || kind == KITH_K_PIN)
		op.has |= KITH_OP_BIT(KITH_OP_ON);
	kith_buf_init(&b, 0);
	kith_mp_put_map(&b, 1);
	kith_mp_put_cstr(&b, "text");
	kith_mp_put_cstr(&b, "other words");
	if (kind == KITH_K_EDIT)
		d.body_map = kith_buf_slice(&b);
	r = write_draft(w, house, &d, by, &id);
	kith_buf_fini(&b);
	if (r != KITH_OK)
		fail_msg("kind %u: %s, %s", (unsigned)kind, kith_err_name(r), town_why != NULL ? town_why : "");
	return id;
}

struct kith_op
town_op_users(uint64_t has, const struct resident *p)
{
	return (struct kith_op){ .has = has | KITH_OP_BIT(KITH_OP_USERS), .users = &p->uid, .n_users = 1 };
}

struct kith_id
town_role(struct town *w, size_t house, const struct resident *by, int64_t level, const char *const *perm, uint32_t n)
{
	struct kith_slice s[16];
	struct kith_op op = { .has = KITH_OP_BIT(KITH_OP_LEVEL) | KITH_OP_BIT(KITH_OP_PERMS) | KITH_OP_BIT(KITH_OP_MAY), .level = level,
		.perms = s, .n_perms = n, .may = s, .n_may = n };
	uint32_t i;

	for (i = 0; i < n; i++)
		s[i] = kith_slice_str(perm[i]);
	return town_act(w, house, by, NULL, KITH_K_ROLE_CREATE, &op);
}

struct kith_id
town_grant(struct town *w, size_t house, const struct resident *by, const struct kith_id *role, const struct resident *to, bool on)
{
	struct kith_op op = town_op_users(KITH_OP_BIT(KITH_OP_ROLE), to);

	op.role = *role;
	return town_act(w, house, by, NULL, on ? KITH_K_ROLE_GRANT : KITH_K_ROLE_REVOKE, &op);
}

struct kith_id
town_override(struct town *w, size_t house, const struct resident *by, const struct kith_id *panel, const struct kith_id *role,
    const struct resident *who, const char *perm, uint64_t effect)
{
	struct kith_slice s = kith_slice_str(perm);
	struct kith_op op = { .has = KITH_OP_BIT(KITH_OP_PANEL) | KITH_OP_BIT(KITH_OP_PERMS) | KITH_OP_BIT(KITH_OP_EFFECT) |
	    KITH_OP_BIT(who != NULL ? KITH_OP_WHO_USER : KITH_OP_WHO_ROLE), .panel = *panel, .perms = &s, .n_perms = 1, .effect = effect };

	if (who != NULL)
		op.who_user = who->uid;
	else
		op.who_role = *role;
	return town_act(w, house, by, NULL, KITH_K_PANEL_SET, &op);
}

struct kith_id
town_panel(struct town *w, size_t house, const struct resident *by, bool private_)
{
	const struct kith_op op = { .has = KITH_OP_BIT(KITH_OP_PANEL_KIND) | KITH_OP_BIT(KITH_OP_PRIVATE), .private_ = private_ };

	return town_act(w, house, by, NULL, KITH_K_PANEL_CREATE, &op);
}

struct kith_id
town_announcements(struct town *w, size_t house, const struct resident *by)
{
	const struct kith_op op = { .has = KITH_OP_BIT(KITH_OP_PANEL_KIND), .panel_kind = KITH_PANEL_ANNOUNCEMENT };

	return town_act(w, house, by, NULL, KITH_K_PANEL_CREATE, &op);
}

struct kith_id
town_ban(struct town *w, size_t house, const struct resident *by, const struct resident *whom)
{
	const struct kith_op op = town_op_users(0, whom);

	return town_act(w, house, by, NULL, KITH_K_BAN, &op);
}

struct kith_id
town_kick(struct town *w, size_t house, const struct resident *by, const struct resident *whom)
{
	const struct kith_op op = town_op_users(0, whom);

	return town_act(w, house, by, NULL, KITH_K_KICK, &op);
}

/* ---- carrying ---- */

static void
carry_objects(struct town *w, struct house *from, struct house *to, const struct kith_item *item)
{
	struct kith_arena *a = kith_arena_new(512u << 10);
	struct kith_id id[64];
	struct kith_record r;
	struct kith_op op;
	struct kith_slice raw;
	uint8_t type;
	size_t n, i;
	bool parsed;

	assert_non_null(a);
	assert_ok(kith_record_parse(item->header, &r));
	parsed = kith_op_parse(r.kind, r.op, a, &op) == KITH_OK;
	n = kith_group_record_objects(from->g, from->t, &r, parsed ? &op : NULL, id, 32);
	n += kith_group_record_parts(from->g, from->t, parsed ? &op : NULL, &to->id, id + n, 32);
	for (i = 0; i < n; i++) {
		assert_ok(kith_ledger_object_get(from->t, &id[i], &type, &raw));
		assert_ok(kith_group_object(to->g, to->t, w->now, type, raw, false, &to->c, &to->m));
	}
	kith_arena_free(a);
}

/* What the receiver asks for by name and the sender has. */
static void
serve_missing(struct town *w, struct house *from, struct house *to)
{
	struct kith_slice raw;
	uint8_t type;
	size_t i, n = to->m.list.n;
	int r;

	for (i = 0; i < n; i++)
		if (to->m.list.v[i].object != 0 &&
		    kith_ledger_object_get(from->t, &to->m.list.v[i].id, &type, &raw) == KITH_OK) {
			r = kith_group_object(to->g, to->t, w->now, type, raw, false, &to->c, &to->m);
			if (r != KITH_OK && r != KITH_E_MISSING)
				fail_msg("object: %s", kith_err_name(r));
		}
	if (n > 0)
		memmove(to->m.list.v, to->m.list.v + n, (to->m.list.n - n) * sizeof(*to->m.list.v));
	to->m.list.n -= n;
}

static int
send_range(struct town *w, size_t from, size_t to, const struct kith_id *scope, const struct kith_id *node, uint64_t incarnation,
    uint64_t seq, size_t max, bool history)
{
	struct house *f = &w->at[from], *h = &w->at[to];
	struct kith_arena *a = kith_arena_new(4u << 20);
	struct kith_run run = { .history = history };
	struct kith_item *item;
	size_t i;
	int r;

	assert_non_null(a);
	memset(&h->res, 0, sizeof(h->res));
	r = kith_group_range(f->g, f->t, scope, node, incarnation, seq, max, a, &item, &run.n);
	if (r == KITH_OK) {
		for (i = 0; i < run.n; i++)
			carry_objects(w, f, h, &item[i]);
		run.item = item;
		r = kith_group_run(h->g, h->t, w->now, &f->id, &run, &h->c, &h->m, &h->res);
	}
	kith_arena_free(a);
	serve_missing(w, f, h);
	return r;
}

int
town_send(struct town *w, size_t from, size_t to, const struct kith_id *scope, const struct kith_id *node, uint64_t seq, size_t max,
    bool history)
{
	return send_range(w, from, to, scope, node, 1, seq, max, history);
}

static size_t
carry_once(struct town *w, size_t from, size_t to)
{
	struct house *f = &w->at[from], *h = &w->at[to];
	struct kith_feed_tip tip, mine;
	uint64_t seq;
	size_t it = 0, stored = 0;
	int r;

	while (kith_group_feed_next(f->g, f->t, &it, &tip)) {
		seq = 0;
		if (kith_group_feed_tip(h->g, h->t, &tip.scope, &tip.node, tip.incarnation, &mine) == KITH_OK &&
		    mine.seq != UINT64_MAX && !tip.forked)
			seq = mine.seq + 1;
		r = send_range(w, from, to, &tip.scope, &tip.node, tip.incarnation, seq, 512, false);
		if (r != KITH_OK && r != KITH_E_NOTFOUND && r != KITH_E_MISSING && r != KITH_E_EARLY)
			fail_msg("carried: %s", kith_err_name(r));
		stored += h->res.stored;
	}
	return stored;
}

size_t
town_carry(struct town *w, size_t from, size_t to)
{
	size_t all = 0, n;

	if (w->at[from].g == NULL)
		return 0;
	town_batch(w, from);
	if (w->at[to].g == NULL)
		town_open(w, to);
	while ((n = carry_once(w, from, to)) > 0)
		all += n;
	return all;
}

void
town_carry_all(struct town *w)
{
	size_t i, j;
	bool again = true;

	while (again)
		for (again = false, i = 0; i < w->n; i++)
			for (j = 0; j < w->n; j++)
				if (i != j && town_carry(w, i, j) > 0)
					again = true;
}

/* ---- forging ---- */

void
town_next(struct town *w, size_t house, struct forged *f)
{
	struct house *h = &w->at[house];
	struct kith_feed_tip tip;

	if (kith_id_is_none(&f->r.node))
		f->r.node = h->id;
	if (f->r.incarnation == 0)
		f->r.incarnation = 1;
	f->r.n_frontier = (uint32_t)kith_authority_heads(kith_group_authority(h->g), f->r.frontier);
	if (kith_group_feed_tip(h->g, h->t, &f->r.scope, &f->r.node, f->r.incarnation, &tip) != KITH_OK || tip.seq == UINT64_MAX)
		return;
	f->r.seq = tip.seq + 1;
	f->r.prev = tip.id;
}

void
town_after(struct forged *f, const struct forged *prev)
{
	f->r.scope = prev->r.scope;
	f->r.node = prev->r.node;
	f->r.incarnation = prev->r.incarnation;
	f->r.seq = prev->r.seq + 1;
	f->r.prev = prev->r.id;
	f->r.n_frontier = prev->r.n_frontier;
	memcpy(f->r.frontier, prev->r.frontier, sizeof(f->r.frontier));
}

void
town_forge(struct town *w, size_t house, struct forged *f, const struct kith_signer *account)
{
	struct house *h = &w->at[house];
	struct kith_buf op;

	kith_buf_init(&f->header, 0);
	kith_buf_init(&f->body, 0);
	kith_buf_init(&op, 0);
	if (kith_id_is_none(&f->r.node))
		f->r.node = h->id;
	if (f->r.incarnation == 0)
		f->r.incarnation = 1;
	if (f->r.clock == 0)
		f->r.clock = w->now.wall_ms << 16;
	f->r.group = w->group;
	assert_ok(kith_op_make(&f->op, &op));
	f->r.op = kith_buf_slice(&op);
	assert_ok(kith_record_make(&f->r, account, &f->header));
	kith_buf_fini(&op);
	assert_ok(kith_record_parse(kith_buf_slice(&f->header), &f->r));
	kith_sign(h->sign, KITH_L_TIP, kith_id_slice(&f->r.id), f->sig);
	f->item = (struct kith_item){ .header = kith_buf_slice(&f->header), .sig = kith_slice_of(f->sig, 64) };
}

void
town_forged_fini(struct forged *f)
{
	kith_buf_fini(&f->header);
	kith_buf_fini(&f->body);
}

int
town_run(struct town *w, size_t house, const struct forged *f, size_t n)
{
	struct house *h = &w->at[house];
	struct kith_item item[16];
	struct kith_run run = { .item = item, .n = n };
	size_t i;

	assert_true(n <= 16);
	for (i = 0; i < n; i++)
		item[i] = f[i].item;
	return kith_group_run(h->g, h->t, w->now, NULL, &run, &h->c, &h->m, &h->res);
}

/* ---- asking ---- */

size_t
town_changes(const struct town *w, size_t house, enum kith_change_kind what)
{
	const struct kith_changes *c = &w->at[house].c;
	size_t i, n = 0;

	for (i = 0; i < c->list.n; i++)
		n += c->list.v[i].what == what;
	return n;
}

void
town_forget_changes(struct town *w, size_t house)
{
	w->at[house].c.list.n = 0;
}

enum kith_verdict
town_verdict(struct town *w, size_t house, const struct kith_id *id)
{
	enum kith_verdict v;

	assert_ok(kith_group_verdict(w->at[house].g, w->at[house].t, id, &v));
	return v;
}

uint32_t
town_state(struct town *w, size_t house, const struct kith_id *id)
{
	uint64_t pos;
	uint32_t state;

	assert_ok(kith_ledger_find(w->at[house].t, id, &pos));
	assert_ok(kith_ledger_state_get(w->at[house].t, pos, &state));
	return state;
}

bool
town_has_body(struct town *w, size_t house, const struct kith_id *id)
{
	struct kith_slice body;
	uint64_t pos;

	assert_ok(kith_ledger_find(w->at[house].t, id, &pos));
	return kith_ledger_body_get(w->at[house].t, pos, &body) == KITH_OK;
}

bool
town_is_member(struct town *w, size_t house, const struct resident *p)
{
	struct kith_member m;

	return kith_group_member(w->at[house].g, &p->uid, &m) == KITH_OK && m.member;
}

void
town_check(struct town *w, size_t house)
{
	struct house *h = &w->at[house];
	struct kith_diag why = { .text = "" };
	int r;

	town_batch(w, house);
	r = kith_group_verify(h->g, h->t, &why);
	if (r != KITH_OK)
		fail_msg("%s: %s: %s", h->name, kith_err_name(r), why.text);
	town_reopen(w, house);
	r = kith_group_verify(h->g, h->t, &why);
	if (r != KITH_OK)
		fail_msg("%s, opened again: %s: %s", h->name, kith_err_name(r), why.text);
}

void
town_check_all(struct town *w)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		if (w->at[i].g != NULL)
			town_check(w, i);
}
