#include "storage/ledger.h"

#include <string.h>

#include "storage/ledger_in.h"

static const char scopes_key[] = "scopes";      /* in META: how many scope numbers were given */

int
kith_ledger_scope(struct kith_txn *t, const struct kith_id *group, const struct kith_id *scope, bool create,
    uint32_t *scopeno)
{
	uint8_t key[2 * KITH_ID_BYTES], n[4];
	struct kith_slice v;
	uint32_t last = 0;
	int r;

	memcpy(key, group->b, KITH_ID_BYTES);
	memcpy(key + KITH_ID_BYTES, scope->b, KITH_ID_BYTES);
	r = kith_txn_get(t, KITH_T_SCOPES, kith_slice_of(key, sizeof(key)), &v);
	if (r == KITH_OK) {
		if (v.n != 4)
			return KITH_E_CORRUPT;
		*scopeno = kith_get_be32(v.p);
		return KITH_OK;
	}
	if (r != KITH_E_NOTFOUND || !create)
		return r;
	r = kith_txn_get(t, KITH_T_META, kith_slice_str(scopes_key), &v);
	if (r == KITH_OK) {
		if (v.n != 4)
			return KITH_E_CORRUPT;
		last = kith_get_be32(v.p);
	} else if (r != KITH_E_NOTFOUND) {
		return r;
	}
	if (last == UINT32_MAX)
		return KITH_E_LIMIT;
	v = kith_ledger_number_key(n, last + 1);
	r = kith_txn_put(t, KITH_T_META, kith_slice_str(scopes_key), v);
	if (r == KITH_OK)
		r = kith_txn_put(t, KITH_T_SCOPES, kith_slice_of(key, sizeof(key)), v);
	if (r == KITH_OK)
		*scopeno = last + 1;
	return r;
}

#define FEEDS_KEY (3 * KITH_ID_BYTES + 8)

static void
encode_key(uint8_t out[FEEDS_KEY], const struct kith_ledger_key *k)
{
	memcpy(out, k->group.b, KITH_ID_BYTES);
	memcpy(out + KITH_ID_BYTES, k->scope.b, KITH_ID_BYTES);
	memcpy(out + 2 * KITH_ID_BYTES, k->node.b, KITH_ID_BYTES);
	kith_put_be64(out + 3 * KITH_ID_BYTES, k->incarnation);
}

static void
decode_key(const uint8_t in[FEEDS_KEY], struct kith_ledger_key *k)
{
	memcpy(k->group.b, in, KITH_ID_BYTES);
	memcpy(k->scope.b, in + KITH_ID_BYTES, KITH_ID_BYTES);
	memcpy(k->node.b, in + 2 * KITH_ID_BYTES, KITH_ID_BYTES);
	k->incarnation = kith_get_be64(in + 3 * KITH_ID_BYTES);
}

/* A feed's description: key · scope number u32 · next_seq · n_held · tip · bits u8 · sig_seq · sig 64 · flags u32. */
#define FEED_SCOPENO FEEDS_KEY
#define FEED_NEXT (FEED_SCOPENO + 4)
#define FEED_HELD (FEED_NEXT + 8)
#define FEED_TIP (FEED_HELD + 8)
#define FEED_BITS (FEED_TIP + KITH_ID_BYTES)
#define FEED_SIG_SEQ (FEED_BITS + 1)
#define FEED_SIG (FEED_SIG_SEQ + 8)
#define FEED_FLAGS (FEED_SIG + 64)
#define FEED_BYTES (FEED_FLAGS + 4)
#define FEED_HAS_SIG 1u
#define FEED_FORKED 2u

static void
encode_feed(uint8_t b[FEED_BYTES], const struct kith_ledger_feed *f)
{
	encode_key(b, &f->key);
	kith_put_be32(b + FEED_SCOPENO, f->scopeno);
	kith_put_be64(b + FEED_NEXT, f->next_seq);
	kith_put_be64(b + FEED_HELD, f->n_held);
	memcpy(b + FEED_TIP, f->tip.b, KITH_ID_BYTES);
	b[FEED_BITS] = (uint8_t)((f->has_sig ? FEED_HAS_SIG : 0) | (f->forked ? FEED_FORKED : 0));
	kith_put_be64(b + FEED_SIG_SEQ, f->sig_seq);
	memcpy(b + FEED_SIG, f->sig, sizeof(f->sig));
	kith_put_be32(b + FEED_FLAGS, f->flags);
}

static int
decode_feed(struct kith_slice v, uint32_t feedno, struct kith_ledger_feed *f)
{
	if (v.n != FEED_BYTES)
		return KITH_E_CORRUPT;
	decode_key(v.p, &f->key);
	f->feedno = feedno;
	f->scopeno = kith_get_be32(v.p + FEED_SCOPENO);
	f->next_seq = kith_get_be64(v.p + FEED_NEXT);
	f->n_held = kith_get_be64(v.p + FEED_HELD);
	memcpy(f->tip.b, v.p + FEED_TIP, KITH_ID_BYTES);
	f->has_sig = (v.p[FEED_BITS] & FEED_HAS_SIG) != 0;
	f->forked = (v.p[FEED_BITS] & FEED_FORKED) != 0;
	f->sig_seq = kith_get_be64(v.p + FEED_SIG_SEQ);
	memcpy(f->sig, v.p + FEED_SIG, sizeof(f->sig));
	f->flags = kith_get_be32(v.p + FEED_FLAGS);
	return KITH_OK;
}

int
kith_ledger_last_number(struct kith_txn *t, enum kith_table tb, size_t width, uint64_t *out)
{
	struct kith_cursor *c;
	struct kith_slice k, v;
	int r = kith_cursor_open(t, tb, &c);

	if (r != KITH_OK)
		return r;
	r = kith_cursor_seek(c, kith_slice_of(NULL, 0), true, &k, &v);
	if (r == KITH_E_NOTFOUND) {
		*out = 0;
		r = KITH_OK;
	} else if (r == KITH_OK) {
		if (k.n != width)
			r = KITH_E_CORRUPT;
		else
			*out = width == 4 ? kith_get_be32(k.p) : kith_get_be64(k.p);
	}
	kith_cursor_close(c);
	return r;
}

int
kith_ledger_feed(struct kith_txn *t, const struct kith_ledger_key *key, bool create, uint32_t *feedno)
{
	struct kith_ledger_feed f = { .key = *key };
	uint8_t k[FEEDS_KEY], number[4], b[FEED_BYTES];
	struct kith_slice v;
	uint64_t last;
	int r;

	encode_key(k, key);
	r = kith_txn_get(t, KITH_T_FEEDS, kith_slice_of(k, sizeof(k)), &v);
	if (r == KITH_OK) {
		if (v.n != 4)
			return KITH_E_CORRUPT;
		*feedno = kith_get_be32(v.p);
		return KITH_OK;
	}
	if (r != KITH_E_NOTFOUND || !create)
		return r;
	r = kith_ledger_last_number(t, KITH_T_FEED, 4, &last);
	if (r == KITH_OK && last == UINT32_MAX)
		r = KITH_E_LIMIT;
	if (r == KITH_OK)
		r = kith_ledger_scope(t, &key->group, &key->scope, true, &f.scopeno);
	if (r != KITH_OK)
		return r;
	f.feedno = (uint32_t)last + 1;
	encode_feed(b, &f);
	v = kith_ledger_number_key(number, f.feedno);
	r = kith_txn_put(t, KITH_T_FEED, v, kith_slice_of(b, sizeof(b)));
	if (r == KITH_OK)
		r = kith_txn_put(t, KITH_T_FEEDS, kith_slice_of(k, sizeof(k)), v);
	if (r == KITH_OK)
		*feedno = f.feedno;
	return r;
}

int
kith_ledger_feed_get(struct kith_txn *t, uint32_t feedno, struct kith_ledger_feed *out)
{
	uint8_t k[4];
	struct kith_slice v;
	int r = kith_txn_get(t, KITH_T_FEED, kith_ledger_number_key(k, feedno), &v);

	return r == KITH_OK ? decode_feed(v, feedno, out) : r;
}

int
kith_ledger_feed_put(struct kith_txn *t, const struct kith_ledger_feed *f)
{
	uint8_t k[4], b[FEED_BYTES];
	struct kith_slice v;
	int r = kith_txn_get(t, KITH_T_FEED, kith_ledger_number_key(k, f->feedno), &v);

	if (r != KITH_OK)
		return r;
	if (v.n != FEED_BYTES)
		return KITH_E_CORRUPT;
	encode_feed(b, f);
	memcpy(b, v.p, FEED_NEXT);
	return kith_txn_put(t, KITH_T_FEED, kith_slice_of(k, sizeof(k)), kith_slice_of(b, sizeof(b)));
}

int
kith_ledger_feeds(struct kith_txn *t, const struct kith_id *group, const struct kith_id *scope,
    const struct kith_ledger_key *after, struct kith_ledger_feed_ref *out, size_t max, size_t *n)
{
	struct kith_ledger_key first = { .group = *group };
	size_t fixed = scope != NULL ? 2 * KITH_ID_BYTES : KITH_ID_BYTES, got = 0;
	uint8_t from[FEEDS_KEY];
	struct kith_cursor *c;
	struct kith_slice k, v;
	int r;

	if (scope != NULL)
		first.scope = *scope;
	encode_key(from, after != NULL ? after : &first);
	r = kith_cursor_open(t, KITH_T_FEEDS, &c);
	if (r != KITH_OK)
		return r;
	r = kith_cursor_seek(c, kith_slice_of(from, sizeof(from)), false, &k, &v);
	if (r == KITH_OK && after != NULL && kith_ledger_starts_with(k, from, sizeof(from)))
		r = kith_cursor_step(c, false, &k, &v);
	for (; r == KITH_OK && got < max; r = kith_cursor_step(c, false, &k, &v)) {
		if (k.n != FEEDS_KEY || v.n != 4) {
			r = KITH_E_CORRUPT;
			break;
		}
		if (memcmp(k.p, group->b, KITH_ID_BYTES) != 0 ||
		    (scope != NULL && memcmp(k.p + KITH_ID_BYTES, scope->b, fixed - KITH_ID_BYTES) != 0))
			break;
		decode_key(k.p, &out[got].key);
		out[got++].feedno = kith_get_be32(v.p);
	}
	kith_cursor_close(c);
	r = kith_ledger_at_end(r);
	if (r == KITH_OK)
		*n = got;
	return r;
}
