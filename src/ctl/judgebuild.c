#include "ctl/judgefile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "id/doc.h"
#include "id/node.h"
#include "wire/mp.h"

#define HASH_MAX 64

/* ---- who and where ---- */

static void
seed_of(const char *what, const char *name, uint8_t seed[KITH_SEED_BYTES])
{
	struct kith_id h = kith_jf_hash(what, name);

	memcpy(seed, h.b, KITH_SEED_BYTES);
}

struct kith_id
kith_jf_hash(const char *what, const char *name)
{
	uint8_t key[HASH_MAX] = { 0 };
	struct kith_id id;

	(void)snprintf((char *)key, sizeof(key), "kithctl judge %s", what);
	kith_hash_keyed(KITH_L_OBJECT, kith_slice_of(key, sizeof(key)), kith_slice_str(name), &id);
	return id;
}

static struct kith_signer *
signer_of(const char *what, const char *name)
{
	uint8_t seed[KITH_SEED_BYTES];
	struct kith_signer *s = NULL;

	seed_of(what, name, seed);
	return kith_signer_from_seed(seed, &s) == KITH_OK ? s : NULL;
}

static int
person_make(struct kith_jf_person *p, const char *name)
{
	struct kith_doc_new d = { .home = kith_jf_hash("node", name), .handle = kith_slice_str("test#0001") };
	struct kith_doc doc;
	int r;

	p->name = strdup(name);
	p->account = signer_of("account", name);
	p->recovery = signer_of("recovery", name);
	if (p->name == NULL || p->account == NULL || p->recovery == NULL)
		return KITH_E_NOMEM;
	memcpy(d.account_pk, kith_signer_pk(p->account), sizeof(d.account_pk));
	memcpy(d.recovery_pk, kith_signer_pk(p->recovery), sizeof(d.recovery_pk));
	r = kith_doc_make(&d, p->account, p->recovery, &p->raw);
	if (r == KITH_OK)
		r = kith_doc_parse(kith_buf_slice(&p->raw), &doc);
	if (r == KITH_OK)
		p->uid = p->doc = doc.id;
	return r;
}

struct kith_jf_person *
kith_jf_person(struct kith_jf *f, const char *name)
{
	struct kith_jf_person *p = kith_map_get(f->persons, kith_slice_str(name));

	if (p != NULL)
		return p;
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		return NULL;
	kith_buf_init(&p->raw, 0);
	if (person_make(p, name) == KITH_OK && kith_map_put(f->persons, kith_slice_str(name), p, NULL) == KITH_OK)
		return p;
	kith_signer_free(p->account);
	kith_signer_free(p->recovery);
	kith_buf_fini(&p->raw);
	free(p->name);
	free(p);
	return NULL;
}

static int
node_fill(struct kith_jf_node *n, const char *key)
{
	struct kith_node_new d = { .name = "test" };
	struct kith_node_record rec;
	struct kith_signer *next = signer_of("next root", key), *cert = signer_of("certificate", key);
	int r = KITH_E_NOMEM;

	n->root = signer_of("root", key);
	n->sign = signer_of("signing", key);
	if (n->name == NULL || n->root == NULL || n->sign == NULL || next == NULL || cert == NULL)
		goto out;
	memcpy(d.root_pk, kith_signer_pk(n->root), sizeof(d.root_pk));
	memcpy(d.sign_pk, kith_signer_pk(n->sign), sizeof(d.sign_pk));
	memcpy(d.cert_pk[0], kith_signer_pk(cert), sizeof(d.cert_pk[0]));
	d.n_certs = 1;
	kith_hash(KITH_L_NODE, kith_slice_of(kith_signer_pk(next), KITH_PK_BYTES), &d.next_root);
	r = kith_node_make(&d, n->root, &n->raw);
	if (r == KITH_OK)
		r = kith_node_parse(kith_buf_slice(&n->raw), &rec);
	if (r == KITH_OK)
		n->id = rec.node;
out:
	kith_signer_free(next);
	kith_signer_free(cert);
	return r;
}

/* prefix keeps the carriers apart from the nodes that FILE names. */
static struct kith_jf_node *
node_made(struct kith_jf *f, char prefix, const char *name)
{
	struct kith_jf_node *n = NULL;
	size_t len = strlen(name);
	char *key = malloc(len + 2);

	if (key == NULL)
		return NULL;
	key[0] = prefix;
	memcpy(key + 1, name, len + 1);
	n = kith_map_get(f->nodes, kith_slice_str(key));
	if (n != NULL)
		goto out;
	n = calloc(1, sizeof(*n));
	if (n == NULL)
		goto out;
	kith_buf_init(&n->raw, 0);
	n->name = strdup(name);
	n->tip_event = SIZE_MAX;
	if (node_fill(n, key) != KITH_OK || kith_map_put(f->nodes, kith_slice_str(key), n, NULL) != KITH_OK) {
		kith_signer_free(n->root);
		kith_signer_free(n->sign);
		kith_buf_fini(&n->raw);
		free(n->name);
		free(n);
		n = NULL;
	}
out:
	free(key);
	return n;
}

struct kith_jf_node *
kith_jf_node(struct kith_jf *f, const char *name)
{
	return node_made(f, 'n', name);
}

int
kith_jf_object_add(struct kith_jf *f, uint8_t type, struct kith_slice raw, const struct kith_id *id)
{
	struct kith_jf_object *o;
	size_t i;

	for (i = 0; i < f->objects.n; i++)
		if (f->objects.v[i].type == type && kith_id_eq(&f->objects.v[i].id, id))
			return KITH_OK;
	if (kith_vec_grow(&f->objects) != KITH_OK)
		return KITH_E_NOMEM;
	o = &f->objects.v[f->objects.n - 1];
	*o = (struct kith_jf_object){ .type = type, .id = *id };
	kith_buf_init(&o->raw, 0);
	kith_buf_put_slice(&o->raw, raw);
	return kith_buf_err(&o->raw);
}

/* ---- records ---- */

static bool
is_ancestor(const struct kith_jf *f, size_t x, const struct kith_jf_event *e)
{
	const uint64_t *before = f->before[e - f->event];

	return (before[x / 64] >> (x % 64) & 1) != 0;
}

/* Some node whose authority feed ends in what this event has seen, or one more. */
static struct kith_jf_node *
carrier_for(struct kith_jf *f, const struct kith_jf_event *e)
{
	struct kith_jf_node *n;
	char name[32];
	size_t i;

	for (i = 0; i < f->carriers.n; i++) {
		n = f->carriers.v[i];
		if (n->tip_event == SIZE_MAX || is_ancestor(f, n->tip_event, e))
			return n;
	}
	(void)snprintf(name, sizeof(name), "%zu", i);
	n = node_made(f, 'c', name);
	return n != NULL && kith_vec_push(&f->carriers, n) == KITH_OK ? n : NULL;
}

static int
id_order(const void *x, const void *y)
{
	return kith_id_cmp(x, y);
}

static int
write_record(struct kith_jf *f, struct kith_jf_event *e, struct kith_jf_node *at, struct kith_record *rec,
    const struct kith_op *op)
{
	struct kith_jf_person *author = kith_jf_person(f, e->author);
	struct kith_buf raw;
	int r;

	if (author == NULL)
		return KITH_E_NOMEM;
	kith_buf_init(&raw, 0);
	rec->node = at->id;
	rec->scope = kith_scope_authority;
	rec->seq = at->next_seq;
	rec->prev = at->tip;
	rec->author = author->uid;
	rec->doc = author->doc;
	rec->counter = ++author->counter;
	rec->clock = ++f->clock << 16;
	rec->kind = e->kind;
	r = kith_op_make(op, &raw);
	rec->op = kith_buf_slice(&raw);
	if (r == KITH_OK)
		r = kith_record_make(rec, author->account, &e->header);
	kith_buf_fini(&raw);
	if (r != KITH_OK)
		return r;
	kith_hash(KITH_L_RECORD, kith_buf_slice(&e->header), &e->rid);
	kith_sign(at->sign, KITH_L_TIP, kith_id_slice(&e->rid), e->sig_bytes);
	e->sig = kith_slice_of(e->sig_bytes, sizeof(e->sig_bytes));
	e->at = at;
	at->next_seq++;
	at->tip = e->rid;
	at->tip_event = e >= f->event && e < f->event + f->n_events ? (size_t)(e - f->event) : SIZE_MAX;
	return KITH_OK;
}

static int
empty_cut(struct kith_jf *f, struct kith_id *id)
{
	const struct kith_cut none = { .n_feeds = 0 };
	struct kith_buf raw;
	int r;

	kith_buf_init(&raw, 0);
	r = kith_cut_make(&none, &raw, id);
	if (r == KITH_OK)
		r = kith_jf_object_add(f, KITH_O_CUT, kith_buf_slice(&raw), id);
	kith_buf_fini(&raw);
	return r;
}

/* One more act that stands from the start, before what FILE holds. */
static int
set_up(struct kith_jf *f, const char *id, uint32_t kind, const struct kith_op *op)
{
	struct kith_jf_event *e = &f->setup[f->n_setup++];
	struct kith_jf_node *at = f->carriers.v[0];
	struct kith_record rec;

	memset(&rec, 0, sizeof(rec));
	e->id = id;
	e->author = f->owners[0];
	e->kind = kind;
	kith_buf_init(&e->header, 0);
	rec.group = f->group;
	rec.parents[rec.n_parents++] = at->tip;
	return write_record(f, e, at, &rec, op);
}

/* An invite stands while its maker may invite; in FILE, until revoked. So its maker is nobody whom FILE can name. */
static int
set_up_inviter(struct kith_jf *f)
{
	static const struct kith_slice perm = { (const uint8_t *)"invite.create", 13 };
	struct kith_op role = { .has = KITH_OP_BIT(KITH_OP_LEVEL) | KITH_OP_BIT(KITH_OP_PERMS) | KITH_OP_BIT(KITH_OP_MAY),
		.level = 1, .perms = &perm, .n_perms = 1, .may = &perm, .n_may = 1 };
	struct kith_op grant = { .has = KITH_OP_BIT(KITH_OP_ROLE) | KITH_OP_BIT(KITH_OP_USERS), .n_users = 1 };
	int r;

	f->inviter = kith_jf_person(f, KITH_JF_INVITER);
	if (f->inviter == NULL)
		return KITH_E_NOMEM;
	r = set_up(f, "", KITH_K_ROLE_CREATE, &role);
	if (r != KITH_OK)
		return r;
	grant.role = f->setup[f->n_setup - 1].rid;
	grant.users = &f->inviter->uid;
	return set_up(f, "", KITH_K_ROLE_GRANT, &grant);
}

int
kith_jf_begin(struct kith_jf *f, const char *const *panels, size_t n_panels, struct kith_diag *d)
{
	struct kith_id founders[KITH_LIST_MAX];
	struct kith_op op = { .has = KITH_OP_BIT(KITH_OP_FOUNDERS) | KITH_OP_BIT(KITH_OP_GROUP_KIND) |
		KITH_OP_BIT(KITH_OP_RULES) | KITH_OP_BIT(KITH_OP_NONCE) | KITH_OP_BIT(KITH_OP_JOINS),
		.rules = KITH_RULES_VERSION, .founders = founders, .nonce = kith_slice_str("kithctl resolve.") };
	struct kith_record rec;
	struct kith_jf_node *at;
	size_t i;
	int r;

	for (i = 0; i < f->n_owners; i++) {
		const struct kith_jf_person *p = kith_jf_person(f, f->owners[i]);

		if (p == NULL)
			return KITH_E_NOMEM;
		founders[op.n_founders++] = p->uid;
	}
	qsort(founders, op.n_founders, sizeof(founders[0]), id_order);
	at = node_made(f, 'c', "0");
	if (at == NULL || kith_vec_push(&f->carriers, at) != KITH_OK)
		return KITH_E_NOMEM;
	memset(&rec, 0, sizeof(rec));
	f->create.id = "genesis";
	f->create.author = f->owners[0];
	f->create.kind = KITH_K_CREATE;
	kith_buf_init(&f->create.header, 0);
	r = write_record(f, &f->create, at, &rec, &op);
	if (r != KITH_OK)
		return r == KITH_E_NOMEM ? r : kith_jf_mistake(d, NULL, NULL, "owners", "do not fit in a record");
	f->group = f->create.rid;
	f->setup = calloc(n_panels + 3, sizeof(*f->setup));
	if (f->setup == NULL)
		return KITH_E_NOMEM;
	for (i = 0; i < n_panels && r == KITH_OK; i++) {
		struct kith_op panel = { .has = KITH_OP_BIT(KITH_OP_PANEL_KIND) };

		r = set_up(f, panels[i], KITH_K_PANEL_CREATE, &panel);
		if (r == KITH_OK)
			r = kith_map_put(f->panels, kith_slice_str(panels[i]), &f->setup[f->n_setup - 1], NULL);
	}
	return r == KITH_OK && f->judge ? set_up_inviter(f) : r;
}

/* Where genesis ends. */
static const struct kith_id *
beginning(const struct kith_jf *f)
{
	return f->n_setup > 0 ? &f->setup[f->n_setup - 1].rid : &f->create.rid;
}

static bool
due_a_cut(const struct kith_jf_event *e)
{
	switch (e->kind) {
	case KITH_K_BAN:
	case KITH_K_KICK:
	case KITH_K_MUTE:
	case KITH_K_ROLE_REVOKE:
	case KITH_K_NODE_BAN:
	case KITH_K_INVITE_REVOKE:
	case KITH_K_OWNER_RESIGN:
		return true;
	case KITH_K_PANEL_SET:
		return e->user != NULL;
	default:
		return false;
	}
}

#define SET(o, k) ((o)->has |= KITH_OP_BIT(k))

struct words {
	struct kith_slice perms[KITH_PERMS_MAX], may[KITH_PERMS_MAX];
	struct kith_buf key, value;
	struct kith_id user;
};

static void
put_words(struct kith_slice *to, const char **from, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		to[i] = kith_slice_str(from[i]);
}

/* The op of an event; what it points to lies in w. */
static int
op_of(struct kith_jf *f, const struct kith_jf_event *e, struct words *w, struct kith_op *o)
{
	const struct kith_jf_person *p;
	const struct kith_jf_node *n;
	const struct kith_jf_event *y;

	if (e->kind == KITH_K_ROLE_CREATE) {
		SET(o, KITH_OP_LEVEL);
		SET(o, KITH_OP_MAY);
		o->level = e->level;
		put_words(w->may, e->may, e->n_may);
		o->may = w->may;
		o->n_may = (uint32_t)e->n_may;
	}
	if (e->kind == KITH_K_ROLE_CREATE || e->kind == KITH_K_ROLE_ALLOW || e->kind == KITH_K_ROLE_DENY) {
		SET(o, KITH_OP_PERMS);
		put_words(w->perms, e->perms, e->n_perms);
		o->perms = w->perms;
		o->n_perms = (uint32_t)e->n_perms;
	}
	if (e->who != NULL) {
		SET(o, KITH_OP_PERMS);
		SET(o, KITH_OP_EFFECT);
		w->perms[0] = kith_slice_str("message.send");
		o->perms = w->perms;
		o->n_perms = 1;
		o->effect = e->effect;
	}
	if (e->role != NULL) {
		SET(o, e->who != NULL ? KITH_OP_WHO_ROLE : KITH_OP_ROLE);
		*(e->who != NULL ? &o->who_role : &o->role) = kith_jf_find(f, e->role)->rid;
	}
	if (e->user != NULL) {
		p = kith_jf_person(f, e->user);
		if (p == NULL)
			return KITH_E_NOMEM;
		SET(o, e->who != NULL ? KITH_OP_WHO_USER : KITH_OP_USERS);
		w->user = o->who_user = p->uid;
		o->users = &w->user;
		o->n_users = 1;
	}
	if (e->key != NULL) {
		/* whatever the key, the permission is group.config */
		kith_buf_put_str(&w->key, "x:");
		kith_buf_put_str(&w->key, e->key);
		kith_mp_put_cstr(&w->value, e->value);
		SET(o, KITH_OP_KEY);
		SET(o, KITH_OP_VALUE);
		o->key = kith_buf_slice(&w->key);
		o->value = kith_buf_slice(&w->value);
	}
	if (e->panel != NULL) {
		y = kith_map_get(f->panels, kith_slice_str(e->panel));
		kith_assert(y != NULL);
		SET(o, KITH_OP_PANEL);
		o->panel = y->rid;
	}
	if (e->has_open) {
		SET(o, KITH_OP_OPEN);
		o->open = e->open;
	}
	if (e->joins) {
		SET(o, KITH_OP_JOINS);
		o->joins = e->open ? 0 : 1;
	}
	if (e->node != NULL) {
		n = kith_jf_node(f, e->node);
		if (n == NULL)
			return KITH_E_NOMEM;
		SET(o, KITH_OP_NODE);
		o->node = n->id;
	}
	if (e->invite != NULL) {
		SET(o, KITH_OP_INVITE);
		o->invite = f->invite_id != NULL ? f->invite_id(f, e->invite) : kith_jf_hash("invite", e->invite);
	}
	if (kith_buf_err(&w->key) != KITH_OK)
		return kith_buf_err(&w->key);
	return kith_buf_err(&w->value);
}

int
kith_jf_build(struct kith_jf *f, struct kith_jf_event *e, const struct kith_id *cut, struct kith_diag *d)
{
	struct kith_jf_node *at = carrier_for(f, e);
	struct kith_op op = { .has = 0 };
	struct kith_record rec;
	struct words *w;
	size_t i;
	int r;

	w = at == NULL ? NULL : calloc(1, sizeof(*w));
	if (w == NULL)
		return KITH_E_NOMEM;
	memset(&rec, 0, sizeof(rec));
	kith_buf_init(&w->key, 0);
	kith_buf_init(&w->value, 0);
	kith_buf_init(&e->header, 0);
	r = op_of(f, e, w, &op);
	if (r == KITH_OK && cut == NULL && due_a_cut(e)) {
		r = empty_cut(f, &e->cut);
		cut = &e->cut;
	}
	if (r != KITH_OK)
		goto out;
	if (cut != NULL) {
		SET(&op, KITH_OP_CUT);
		op.cut = e->cut = *cut;
	}
	rec.group = f->group;
	if (e->via != NULL)
		rec.via = kith_jf_find(f, e->via)->rid;
	for (i = 0; i < e->n_parents; i++)
		rec.parents[rec.n_parents++] = f->event[e->parents[i]].rid;
	if (rec.n_parents == 0)
		rec.parents[rec.n_parents++] = *beginning(f);
	qsort(rec.parents, rec.n_parents, sizeof(rec.parents[0]), id_order);
	r = write_record(f, e, at, &rec, &op);
	if (r != KITH_OK && r != KITH_E_NOMEM)
		r = kith_jf_mistake(d, "event", e->id, NULL, "does not fit in a record");
out:
	kith_buf_fini(&w->key);
	kith_buf_fini(&w->value);
	free(w);
	return r;
}

int
kith_jf_build_all(struct kith_jf *f, struct kith_diag *d)
{
	size_t i;
	int r = KITH_OK;

	for (i = 0; i < f->n_events && r == KITH_OK; i++)
		r = kith_jf_build(f, &f->event[f->order[i]], NULL, d);
	return r;
}
