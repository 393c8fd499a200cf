#include "storage/store.h"

static bool
table_ok(enum kith_table tb)
{
	return (unsigned)tb < KITH_T_COUNT_;
}

static bool
key_ok(struct kith_slice key)
{
	return key.n >= 1 && key.n <= KITH_STORE_KEY_MAX;
}

int
kith_store_begin(struct kith_store *s, bool write, struct kith_txn **out)
{
	return s->ops->begin(s, write, out);
}

int
kith_txn_commit(struct kith_txn *t)
{
	int err = t->err;

	if (err == KITH_OK)
		return t->ops->commit(t);
	t->ops->abort(t);
	return err;
}

void
kith_txn_abort(struct kith_txn *t)
{
	if (t != NULL)
		t->ops->abort(t);
}

int
kith_txn_get(struct kith_txn *t, enum kith_table tb, struct kith_slice key, struct kith_slice *val)
{
	kith_assert(table_ok(tb));
	if (!key_ok(key))
		return KITH_E_LIMIT;
	return t->ops->get(t, tb, key, val);
}

static int
changed(struct kith_txn *t, enum kith_table tb, int r)
{
	t->changes[tb]++;
	if (r != KITH_OK && r != KITH_E_NOTFOUND && t->err == KITH_OK)
		t->err = r;
	return r;
}

int
kith_txn_put(struct kith_txn *t, enum kith_table tb, struct kith_slice key, struct kith_slice val)
{
	kith_assert(table_ok(tb) && t->write);
	if (!key_ok(key) || val.n > KITH_STORE_VALUE_MAX)
		return KITH_E_LIMIT;
	return changed(t, tb, t->ops->put(t, tb, key, val));
}

int
kith_txn_del(struct kith_txn *t, enum kith_table tb, struct kith_slice key)
{
	kith_assert(table_ok(tb) && t->write);
	if (!key_ok(key))
		return KITH_E_LIMIT;
	return changed(t, tb, t->ops->del(t, tb, key));
}

int
kith_cursor_open(struct kith_txn *t, enum kith_table tb, struct kith_cursor **out)
{
	struct kith_cursor *c;
	int r;

	kith_assert(table_ok(tb));
	r = t->ops->cursor(t, tb, &c);
	if (r != KITH_OK)
		return r;
	c->table = tb;
	c->placed = false;
	*out = c;
	return KITH_OK;
}

static int
placed(struct kith_cursor *c, int r)
{
	c->placed = r == KITH_OK;
	c->changes = c->txn->changes[c->table];
	return r;
}

int
kith_cursor_seek(struct kith_cursor *c, struct kith_slice key, bool backward, struct kith_slice *k,
    struct kith_slice *v)
{
	if (key.n > KITH_STORE_KEY_MAX)
		return KITH_E_LIMIT;
	return placed(c, c->ops->seek(c, key, backward, k, v));
}

int
kith_cursor_step(struct kith_cursor *c, bool backward, struct kith_slice *k, struct kith_slice *v)
{
	kith_assert(c->placed && c->changes == c->txn->changes[c->table]);
	return placed(c, c->ops->step(c, backward, k, v));
}

void
kith_cursor_close(struct kith_cursor *c)
{
	if (c != NULL)
		c->ops->cursor_free(c);
}

void
kith_store_close(struct kith_store *s)
{
	if (s != NULL)
		s->ops->close(s);
}

bool
kith_txn_is_large(const struct kith_txn *t)
{
	return t->pages >= KITH_TXN_PAGES_LARGE;
}

static const char incarnation_key[] = "incarnation";

int
kith_store_incarnation(struct kith_txn *t, uint64_t fresh, uint64_t *out, bool *drawn)
{
	struct kith_slice v;
	int r = kith_txn_get(t, KITH_T_META, kith_slice_str(incarnation_key), &v);
	bool take = r == KITH_E_NOTFOUND && t->write;

	if (take) {
		r = kith_store_incarnation_set(t, fresh);
	} else if (r == KITH_OK && v.n != 8) {
		r = KITH_E_CORRUPT;
	}
	if (r != KITH_OK)
		return r;
	*out = take ? fresh : kith_get_be64(v.p);
	if (drawn != NULL)
		*drawn = take;
	return KITH_OK;
}

int
kith_store_incarnation_set(struct kith_txn *t, uint64_t fresh)
{
	uint8_t b[8];

	kith_assert(fresh != 0);
	kith_put_be64(b, fresh);
	return kith_txn_put(t, KITH_T_META, kith_slice_str(incarnation_key), kith_slice_of(b, sizeof(b)));
}
