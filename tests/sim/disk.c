#include "tests/sim/disk.h"

#include <string.h>

#include "tests/sim/dice.h"

#define BEFORE_HEADER 128               /* bytes of a row of KITH_T_LOG, at most */

struct disk {
	struct kith_store base;
	struct kith_store *in;
	struct disk_troubles bad;
};
struct disk_txn {
	struct kith_txn base;
	struct kith_txn *in;
	uint8_t *flipped;               /* bytes that were given back wrong; live as long as the transaction */
};
struct disk_cursor {
	struct kith_cursor base;
	struct kith_cursor *in;
};

static struct disk_txn *
txn_of(struct kith_txn *t)
{
	return (struct disk_txn *)t;
}

static struct disk *
disk_of(const struct kith_txn *t)
{
	return (struct disk *)t->store;
}

/* What a read that found v says now. */
static int
trouble(struct kith_txn *t, enum kith_table tb, struct kith_slice *v)
{
	struct disk_troubles *bad = &disk_of(t)->bad;
	struct disk_txn *x = txn_of(t);
	size_t from;

	if (bad->calm)
		return KITH_OK;
	if (bad->fail_in > 0 && --bad->fail_in == 0) {
		bad->failed++;
		return KITH_E_IO;
	}
	/* what is not hashed again when it is read would need a disk that checks itself */
	if (bad->flip_in == 0 || v->n == 0 || (tb != KITH_T_LOG && tb != KITH_T_BODY) || --bad->flip_in > 0)
		return KITH_OK;
	/* nor is the signature hashed, which stands before the header */
	from = tb == KITH_T_LOG && v->n > BEFORE_HEADER ? BEFORE_HEADER : 0;
	free(x->flipped);
	x->flipped = malloc(v->n);
	MUST(x->flipped != NULL);
	memcpy(x->flipped, v->p, v->n);
	x->flipped[from + bad->flip_bit / 8 % (v->n - from)] ^= (uint8_t)(1u << bad->flip_bit % 8);
	v->p = x->flipped;
	bad->flipped++;
	return KITH_OK;
}

static int
disk_begin(struct kith_store *s, bool write, struct kith_txn **out)
{
	struct disk *d = (struct disk *)s;
	struct kith_txn *in;
	struct disk_txn *t;
	int r = kith_store_begin(d->in, write, &in);

	if (r != KITH_OK)
		return r;
	t = calloc(1, sizeof(*t));
	MUST(t != NULL);
	t->base = (struct kith_txn){ .ops = s->ops, .store = s, .write = write };
	t->in = in;
	*out = &t->base;
	return KITH_OK;
}

static void
txn_free(struct disk_txn *t)
{
	free(t->flipped);
	free(t);
}

static int
disk_commit(struct kith_txn *t)
{
	int r = kith_txn_commit(txn_of(t)->in);

	txn_free(txn_of(t));
	return r;
}

static void
disk_abort(struct kith_txn *t)
{
	kith_txn_abort(txn_of(t)->in);
	txn_free(txn_of(t));
}

static int
disk_get(struct kith_txn *t, enum kith_table tb, struct kith_slice key, struct kith_slice *val)
{
	struct kith_txn *in = txn_of(t)->in;
	int r = in->ops->get(in, tb, key, val);

	return r == KITH_OK ? trouble(t, tb, val) : r;
}

static int
disk_put(struct kith_txn *t, enum kith_table tb, struct kith_slice key, struct kith_slice val)
{
	struct kith_txn *in = txn_of(t)->in;

	return disk_of(t)->bad.full && !disk_of(t)->bad.calm ? KITH_E_FULL : in->ops->put(in, tb, key, val);
}

static int
disk_del(struct kith_txn *t, enum kith_table tb, struct kith_slice key)
{
	struct kith_txn *in = txn_of(t)->in;

	return in->ops->del(in, tb, key);
}

static int
disk_cursor(struct kith_txn *t, enum kith_table tb, struct kith_cursor **out)
{
	struct kith_txn *in = txn_of(t)->in;
	struct disk_cursor *c = calloc(1, sizeof(*c));

	MUST(c != NULL);
	c->base.ops = t->ops;
	c->base.txn = t;
	MUST(in->ops->cursor(in, tb, &c->in) == KITH_OK);
	c->in->table = tb;
	*out = &c->base;
	return KITH_OK;
}

static int
disk_seek(struct kith_cursor *c, struct kith_slice key, bool backward, struct kith_slice *k, struct kith_slice *v)
{
	struct kith_cursor *in = ((struct disk_cursor *)c)->in;
	int r = in->ops->seek(in, key, backward, k, v);

	return r == KITH_OK ? trouble(c->txn, c->table, v) : r;
}

static int
disk_step(struct kith_cursor *c, bool backward, struct kith_slice *k, struct kith_slice *v)
{
	struct kith_cursor *in = ((struct disk_cursor *)c)->in;
	int r = in->ops->step(in, backward, k, v);

	return r == KITH_OK ? trouble(c->txn, c->table, v) : r;
}

static void
disk_cursor_free(struct kith_cursor *c)
{
	struct kith_cursor *in = ((struct disk_cursor *)c)->in;

	in->ops->cursor_free(in);
	free(c);
}

static void
disk_close(struct kith_store *s)
{
	kith_store_close(((struct disk *)s)->in);
	free(s);
}

static const struct kith_store_ops disk_ops = {
	.begin = disk_begin,
	.commit = disk_commit,
	.abort = disk_abort,
	.get = disk_get,
	.put = disk_put,
	.del = disk_del,
	.cursor = disk_cursor,
	.seek = disk_seek,
	.step = disk_step,
	.cursor_free = disk_cursor_free,
	.close = disk_close,
};

struct kith_store *
disk_new(void)
{
	struct disk *d = calloc(1, sizeof(*d));

	MUST(d != NULL && kith_store_mem_new(&d->in) == KITH_OK);
	d->base.ops = &disk_ops;
	return &d->base;
}

struct disk_troubles *
disk_troubles(struct kith_store *s)
{
	return &((struct disk *)s)->bad;
}

struct kith_store *
disk_copy(struct kith_store *s)
{
	struct kith_store *to = disk_new();
	struct kith_txn *rd, *wr;

	MUST(kith_store_begin(((struct disk *)s)->in, false, &rd) == KITH_OK);
	MUST(kith_store_begin(to, true, &wr) == KITH_OK);
	for (int tb = 0; tb < KITH_T_COUNT_; tb++) {
		struct kith_cursor *c;
		struct kith_slice k, v;
		int r;

		MUST(kith_cursor_open(rd, (enum kith_table)tb, &c) == KITH_OK);
		for (r = kith_cursor_seek(c, kith_slice_of(NULL, 0), false, &k, &v); r == KITH_OK; r = kith_cursor_step(c, false, &k, &v))
			MUST(kith_txn_put(wr, (enum kith_table)tb, k, v) == KITH_OK);
		MUST(r == KITH_E_NOTFOUND);
		kith_cursor_close(c);
	}
	kith_txn_abort(rd);
	MUST(kith_txn_commit(wr) == KITH_OK);
	return to;
}

