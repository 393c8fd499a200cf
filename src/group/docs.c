#include <stdlib.h>
#include <string.h>

#include "group/inner.h"

/*
 * Identity documents of a group: those that its records name, those before them,
 * and rivals. A document joins the others once its predecessor is there; before
 * that, or while nobody has named it, it waits in a small room (loose_docs). They
 * are kept in META under "doc/", group and id (by whom it is signed u8, sound u8,
 * bytes), so that a group opened again judges by the same set and checks no
 * signature twice.
 */
#define VALUE_HEAD 2
#define KEY_HEAD "doc/"
#define KEY_LEN (sizeof(KEY_HEAD) - 1 + 2 * KITH_ID_BYTES)

static struct kith_slice
doc_key(uint8_t key[KEY_LEN], const struct kith_group *g, const struct kith_id *id)
{
	memcpy(key, KEY_HEAD, sizeof(KEY_HEAD) - 1);
	memcpy(key + sizeof(KEY_HEAD) - 1, g->id.b, KITH_ID_BYTES);
	memcpy(key + sizeof(KEY_HEAD) - 1 + KITH_ID_BYTES, id->b, KITH_ID_BYTES);
	return kith_slice_of(key, KEY_LEN);
}

struct doc *
kith_doc_find(const struct kith_group *g, const struct kith_id *id)
{
	return kith_map_get(g->docs, kith_id_slice(id));
}

int
kith_doc_raw(struct kith_group *g, struct kith_txn *t, const struct kith_id *id, struct kith_slice *raw)
{
	uint8_t key[KEY_LEN];

	int r = kith_txn_get(t, KITH_T_META, doc_key(key, g, id), raw);

	if (r == KITH_OK && raw->n <= VALUE_HEAD)
		r = KITH_E_CORRUPT;
	if (r == KITH_OK)
		*raw = kith_slice_from(*raw, VALUE_HEAD);
	return r;
}

/* B8: does x come before y among documents after the same one? */
static bool
beats(const struct kith_group *g, const struct doc *x, const struct doc *y)
{
	if (x->by != y->by)
		return x->by > y->by;
	return (g->order != NULL ? g->order(g->order_ctx, &x->id, &y->id) : kith_id_cmp(&x->id, &y->id)) < 0;
}

static void
stand_anew(struct kith_group *g, struct person *p)
{
	struct doc *d;
	size_t i;

	for (i = 0; i < p->docs.n; i++)
		p->docs.v[i]->heir = NULL;
	for (i = 0; i < p->docs.n; i++) {
		d = p->docs.v[i];
		if (d->sound && d->before != NULL && (d->before->heir == NULL || beats(g, d, d->before->heir)))
			d->before->heir = d;
	}
	for (i = 0; i < p->docs.n; i++) {
		d = p->docs.v[i];
		d->stands = d->sound && (d->before == NULL || (d->before->stands && d->before->heir == d));
	}
}

static int
doc_new(struct kith_group *g, const struct kith_doc *kd, struct doc **out)
{
	struct doc *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return KITH_E_NOMEM;
	d->id = kd->id;
	d->uid = kd->n == 0 ? kd->id : kd->uid;
	d->home = kd->home;
	d->prev = kd->prev;
	d->n = kd->n;
	memcpy(d->pk, kd->account_pk, sizeof(d->pk));
	d->flags = kd->flags;
	d->before = kd->n == 0 ? NULL : kith_doc_find(g, &kd->prev);
	d->who = kith_group_person(g, &d->uid, true);
	if (d->who == NULL || kith_map_put(g->docs, kith_id_slice(&d->id), d, NULL) != KITH_OK) {
		free(d);
		return KITH_E_NOMEM;
	}
	*out = d;
	return kith_vec_push(&d->who->docs, d);
}

static int
check(struct kith_group *g, struct kith_txn *t, const struct kith_doc *kd, enum kith_doc_by *by, bool *sound)
{
	const struct doc *prev = NULL;
	struct kith_doc before;
	struct kith_slice raw;
	uint8_t copy[KITH_DOC_MAX];
	int r;

	if (kd->n > 0) {
		prev = kith_doc_find(g, &kd->prev);
		r = kith_doc_raw(g, t, &kd->prev, &raw);
		if (r == KITH_OK && raw.n > sizeof(copy))
			r = KITH_E_CORRUPT;
		if (r != KITH_OK)
			return r == KITH_E_NOTFOUND ? KITH_E_CORRUPT : r;
		memcpy(copy, raw.p, raw.n);
		if (kith_doc_parse(kith_slice_of(copy, raw.n), &before) != KITH_OK)
			return KITH_E_CORRUPT;
	}
	*by = KITH_DOC_BY_NONE;
	r = kith_doc_check(g->env, kd, prev == NULL ? NULL : &before, by);
	/* MALFORMED: its body says that it follows nothing, whatever the signatures. For good. */
	*sound = r == KITH_OK && (prev == NULL || prev->sound);
	return r == KITH_E_MALFORMED ? KITH_OK : r;
}

/*
 * Takes in a document whose predecessor is there. BADSIG: these bytes prove
 * nothing (others with the same body may).
 */
static int
take(struct kith_group *g, struct kith_txn *t, const struct kith_doc *kd)
{
	uint8_t key[KEY_LEN], value[VALUE_HEAD + KITH_DOC_MAX];
	struct doc *d = kith_doc_find(g, &kd->id);
	enum kith_doc_by by = KITH_DOC_BY_NONE;
	bool sound = false;
	int r = check(g, t, kd, &by, &sound);

	if (r != KITH_OK)
		return r;
	if (d != NULL && (by <= d->by || !sound))
		return KITH_OK;
	if (d == NULL)
		r = doc_new(g, kd, &d);
	if (r != KITH_OK)
		return r;
	d->by = by;
	d->sound = sound;
	stand_anew(g, d->who);
	g->epoch++;
	value[0] = (uint8_t)by;
	value[1] = sound;
	memcpy(value + VALUE_HEAD, kd->raw.p, kd->raw.n);
	r = kith_txn_put(t, KITH_T_META, doc_key(key, g, &d->id), kith_slice_of(value, VALUE_HEAD + kd->raw.n));
	if (r == KITH_OK)
		r = kith_ledger_object_put(t, &d->id, KITH_O_DOC, kd->raw);
	if (r == KITH_OK && d->who->rost.n > 0)
		r = kith_person_touch(g, d->who);
	if (r == KITH_OK)
		r = kith_gate_wake(g, &d->id);
	if (r == KITH_OK)               /* invites wait for a document of their maker */
		r = kith_gate_wake(g, &d->uid);
	return r;
}

/* ---- the room for those that cannot be taken in yet ---- */

static void
loose_drop(struct kith_group *g, struct loose_doc *l)
{
	(void)kith_map_del(g->loose_docs, kith_id_slice(&l->id));
	free(l->raw);
	free(l);
}

static int
loose_add(struct kith_group *g, const struct kith_doc *kd, bool wanted)
{
	struct loose_doc *l = kith_map_get(g->loose_docs, kith_id_slice(&kd->id));
	size_t it = 0;
	void *v;

	if (l != NULL) {
		l->wanted = l->wanted || wanted;
		return KITH_OK;
	}
	if (kith_map_count(g->loose_docs) >= PARK_DOCS_MAX && kith_map_next(g->loose_docs, &it, NULL, &v))
		loose_drop(g, v);
	l = calloc(1, sizeof(*l));
	if (l == NULL || (l->raw = malloc(kd->raw.n)) == NULL) {
		free(l);
		return KITH_E_NOMEM;
	}
	memcpy(l->raw, kd->raw.p, kd->raw.n);
	l->n_raw = kd->raw.n;
	l->id = kd->id;
	l->prev = kd->n > 0 ? kd->prev : kith_id_none;
	l->wanted = wanted;
	if (kith_map_put(g->loose_docs, kith_id_slice(&l->id), l, NULL) != KITH_OK) {
		free(l->raw);
		free(l);
		return KITH_E_NOMEM;
	}
	return KITH_OK;
}

/* Wanted ones whose predecessor is there now, and so on upwards. */
static int
loose_settle(struct kith_group *g, struct kith_txn *t)
{
	struct loose_doc *l;
	struct kith_doc kd;
	bool again = true;
	size_t it;
	void *v;
	int r;

	while (again) {
		again = false;
		for (it = 0; kith_map_next(g->loose_docs, &it, NULL, &v);) {
			l = v;
			if (!l->wanted || (!kith_id_is_none(&l->prev) && kith_doc_find(g, &l->prev) == NULL))
				continue;
			r = kith_doc_parse(kith_slice_of(l->raw, l->n_raw), &kd);
			if (r == KITH_OK)
				r = take(g, t, &kd);
			loose_drop(g, l);
			if (r != KITH_OK && r != KITH_E_BADSIG)
				return r;
			again = true;
		}
	}
	return KITH_OK;
}

/* One that the store holds for other groups, or for an account here. */
static int
loose_from_store(struct kith_group *g, struct kith_txn *t, const struct kith_id *id)
{
	uint8_t copy[KITH_DOC_MAX];
	struct kith_slice raw;
	struct kith_doc kd;
	uint8_t type;
	int r = kith_ledger_object_get(t, id, &type, &raw);

	if (r == KITH_E_NOTFOUND || (r == KITH_OK && (type != KITH_O_DOC || raw.n > sizeof(copy))))
		return KITH_OK;
	if (r != KITH_OK)
		return r;
	memcpy(copy, raw.p, raw.n);
	if (kith_doc_parse(kith_slice_of(copy, raw.n), &kd) != KITH_OK)
		return KITH_OK;
	return loose_add(g, &kd, true);
}

/* A wanted one makes those before it wanted. The first that is not at hand, or none. */
static int
loose_want(struct kith_group *g, struct kith_txn *t, const struct kith_id *id, struct kith_id *missing)
{
	struct loose_doc *l;
	size_t steps = PARK_DOCS_MAX + 1;
	int r;

	*missing = *id;
	while (steps-- > 0 && kith_doc_find(g, missing) == NULL) {
		l = kith_map_get(g->loose_docs, kith_id_slice(missing));
		if (l == NULL) {
			r = loose_from_store(g, t, missing);
			if (r != KITH_OK)
				return r;
			l = kith_map_get(g->loose_docs, kith_id_slice(missing));
		}
		if (l == NULL)
			return KITH_OK;
		l->wanted = true;
		if (kith_id_is_none(&l->prev))
			break;
		*missing = l->prev;
	}
	*missing = kith_id_none;
	return KITH_OK;
}

int
kith_doc_want(struct kith_group *g, struct kith_txn *t, const struct kith_id *id, struct kith_id *missing)
{
	int r;

	*missing = kith_id_none;
	if (kith_doc_find(g, id) != NULL)
		return KITH_OK;
	r = loose_want(g, t, id, missing);
	if (r != KITH_OK || !kith_id_is_none(missing))
		return r;
	return loose_settle(g, t);
}

int
kith_doc_object(struct kith_group *g, struct kith_txn *t, struct kith_slice raw, bool keep, struct kith_missings *m)
{
	struct kith_doc kd;
	struct kith_id missing;
	struct loose_doc *l;
	bool wanted = keep;
	size_t it = 0;
	void *v;
	int r = kith_doc_parse(raw, &kd);

	if (r != KITH_OK)
		return r;
	/* A body that is known may come with better signatures (B8); take() sees to that. */
	wanted = wanted || kith_doc_find(g, &kd.id) != NULL || kith_map_get(g->waiters, kith_id_slice(&kd.id)) != NULL ||
	    kith_map_get(g->waiters, kith_id_slice(kd.n == 0 ? &kd.id : &kd.uid)) != NULL;
	while (!wanted && kith_map_next(g->loose_docs, &it, NULL, &v)) {
		l = v;
		wanted = l->wanted && kith_id_eq(&l->prev, &kd.id);
	}
	if (wanted && (kd.n == 0 || kith_doc_find(g, &kd.prev) != NULL)) {
		r = take(g, t, &kd);
		return r == KITH_OK ? loose_settle(g, t) : r;
	}
	r = loose_add(g, &kd, wanted);
	if (r != KITH_OK || !wanted)
		return r;
	r = loose_want(g, t, &kd.id, &missing);
	if (r != KITH_OK)
		return r;
	if (kith_id_is_none(&missing))
		return loose_settle(g, t);
	return kith_missing_add(m, &missing, 1, &kd.home);
}

/* ---- opening ---- */

int
kith_docs_load(struct kith_group *g, struct kith_txn *t)
{
	struct kith_cursor *c = NULL;
	struct kith_slice k, v, head;
	struct kith_doc kd;
	struct doc *d;
	uint8_t key[KEY_LEN];
	size_t it = 0, before, left;
	void *p;
	int r = kith_cursor_open(t, KITH_T_META, &c);

	if (r != KITH_OK)
		return r;
	head = kith_slice_of(doc_key(key, g, &kith_id_none).p, KEY_LEN - KITH_ID_BYTES);
	/* Ids have no order that documents follow: pass again until nothing more fits. */
	do {
		before = kith_map_count(g->docs);
		left = 0;
		r = kith_cursor_seek(c, head, false, &k, &v);
		while (r == KITH_OK && k.n == KEY_LEN && memcmp(k.p, head.p, head.n) == 0) {
			if (v.n <= VALUE_HEAD || kith_doc_parse(kith_slice_from(v, VALUE_HEAD), &kd) != KITH_OK) {
				r = KITH_E_CORRUPT;
				break;
			}
			if (kith_doc_find(g, &kd.id) == NULL) {
				if (kd.n > 0 && kith_doc_find(g, &kd.prev) == NULL) {
					left++;
				} else if ((r = doc_new(g, &kd, &d)) == KITH_OK) {
					d->by = (enum kith_doc_by)v.p[0];
					d->sound = v.p[1] != 0;
				}
			}
			if (r == KITH_OK)
				r = kith_cursor_step(c, false, &k, &v);
		}
		if (r == KITH_E_NOTFOUND)
			r = KITH_OK;
	} while (r == KITH_OK && left > 0 && kith_map_count(g->docs) != before);
	kith_cursor_close(c);
	while (r == KITH_OK && kith_map_next(g->people, &it, NULL, &p))
		stand_anew(g, p);
	return r;
}
