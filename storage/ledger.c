#include "storage/ledger.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/sign.h"
#include "storage/ledger_in.h"

/*
 * A record in the log: flags u8 · feed number u32 · seq u64 · clock u64 · first
 * eight bytes of the id · signature, if flagged · header. FORMAT.md has the rest.
 */
#define LOG_SIG 1u
#define LOG_ORDER 2u
#define LOG_FIXED 29
#define SIG 64

#define ID_HEAD 8
#define ID_REST (KITH_ID_BYTES - ID_HEAD)

static struct kith_slice
pos_key(uint8_t k[8], uint64_t pos)
{
	kith_put_be64(k, pos);
	return kith_slice_of(k, 8);
}

/* ---- records ---- */

static int
decode_log(struct kith_slice v, uint64_t pos, struct kith_ledger_record *out)
{
	struct kith_ledger_record rec = { .pos = pos };
	size_t fixed;

	if (v.n < LOG_FIXED || (v.p[0] & ~(LOG_SIG | LOG_ORDER)) != 0)
		return KITH_E_CORRUPT;
	fixed = LOG_FIXED + ((v.p[0] & LOG_SIG) != 0 ? SIG : 0);
	if (v.n <= fixed)
		return KITH_E_CORRUPT;
	rec.in_order = (v.p[0] & LOG_ORDER) != 0;
	rec.feedno = kith_get_be32(v.p + 1);
	rec.seq = kith_get_be64(v.p + 5);
	rec.clock = kith_get_be64(v.p + 13);
	if (fixed > LOG_FIXED)
		rec.sig = kith_slice_of(v.p + LOG_FIXED, SIG);
	rec.header = kith_slice_from(v, fixed);
	kith_hash(KITH_L_RECORD, rec.header, &rec.id);
	if (memcmp(rec.id.b, v.p + 21, ID_HEAD) != 0)
		return KITH_E_CORRUPT;
	*out = rec;
	return KITH_OK;
}

/* Puts the log's entry; the slices of rec may be the store's. */
static int
put_log(struct kith_txn *t, const struct kith_ledger_new *rec, uint64_t pos)
{
	size_t n = LOG_FIXED + rec->sig.n + rec->header.n;
	uint8_t small[4096], *b = n <= sizeof(small) ? small : malloc(n), k[8];
	int r;

	if (b == NULL)
		return KITH_E_NOMEM;
	b[0] = (uint8_t)((rec->sig.n > 0 ? LOG_SIG : 0) | (rec->in_order ? LOG_ORDER : 0));
	kith_put_be32(b + 1, rec->feedno);
	kith_put_be64(b + 5, rec->seq);
	kith_put_be64(b + 13, rec->clock);
	memcpy(b + 21, rec->id.b, ID_HEAD);
	if (rec->sig.n > 0)
		memcpy(b + LOG_FIXED, rec->sig.p, SIG);
	memcpy(b + LOG_FIXED + rec->sig.n, rec->header.p, rec->header.n);
	r = kith_txn_put(t, KITH_T_LOG, pos_key(k, pos), kith_slice_of(b, n));
	if (b != small)
		free(b);
	return r;
}

int
kith_ledger_get(struct kith_txn *t, uint64_t pos, struct kith_ledger_record *out)
{
	uint8_t k[8];
	struct kith_slice v;
	int r = kith_txn_get(t, KITH_T_LOG, pos_key(k, pos), &v);

	return r == KITH_OK ? decode_log(v, pos, out) : r;
}

/* Two numbers in one key. */
static struct kith_slice
pair_key(uint8_t k[16], uint64_t a, uint64_t b)
{
	kith_put_be64(k, a);
	kith_put_be64(k + 8, b);
	return kith_slice_of(k, 16);
}

/*
 * The record of an id. When *corrupt: none that is sound, but one whose bytes
 * are not what they were stands under the same eight bytes.
 */
static int
look_up(struct kith_txn *t, const struct kith_id *id, struct kith_ledger_record *out, uint64_t *corrupt)
{
	uint8_t from[16];
	struct kith_cursor *c;
	struct kith_slice k, v;
	struct kith_ledger_record rec;
	uint64_t pos;
	int r, got = KITH_E_NOTFOUND;

	*corrupt = 0;
	r = kith_cursor_open(t, KITH_T_IDX, &c);
	if (r != KITH_OK)
		return r;
	r = kith_cursor_seek(c, pair_key(from, kith_id_prefix(id), 0), false, &k, &v);
	for (; r == KITH_OK && kith_ledger_starts_with(k, from, ID_HEAD); r = kith_cursor_step(c, false, &k, &v)) {
		if (k.n != sizeof(from)) {
			r = KITH_E_CORRUPT;
			break;
		}
		pos = kith_get_be64(k.p + 8);
		r = kith_ledger_get(t, pos, &rec);
		if (r == KITH_OK && kith_id_eq(&rec.id, id)) {
			*out = rec;
			got = KITH_OK;
			break;
		}
		if (r == KITH_E_CORRUPT || r == KITH_E_NOTFOUND)
			*corrupt = pos;
		else if (r != KITH_OK)
			break;
	}
	kith_cursor_close(c);
	if (r != KITH_OK && r != KITH_E_NOTFOUND)
		return r;
	if (got == KITH_OK)
		*corrupt = 0;
	return got;
}

int
kith_ledger_get_id(struct kith_txn *t, const struct kith_id *id, struct kith_ledger_record *out)
{
	uint64_t corrupt;
	int r = look_up(t, id, out, &corrupt);

	return r == KITH_E_NOTFOUND && corrupt != 0 ? KITH_E_CORRUPT : r;
}

int
kith_ledger_find(struct kith_txn *t, const struct kith_id *id, uint64_t *pos)
{
	struct kith_ledger_record rec;
	uint64_t corrupt;
	int r = look_up(t, id, &rec, &corrupt);

	if (r == KITH_OK) {
		*pos = rec.pos;
	} else if (r == KITH_E_NOTFOUND && corrupt != 0) {
		*pos = corrupt;
		r = KITH_OK;
	}
	return r;
}

int
kith_ledger_last(struct kith_txn *t, uint64_t *pos)
{
	return kith_ledger_last_number(t, KITH_T_LOG, 8, pos);
}

#define ORDER_KEY 28

static struct kith_slice
order_key(uint8_t k[ORDER_KEY], uint32_t scopeno, uint64_t clock, uint64_t id_head, uint64_t pos)
{
	kith_put_be32(k, scopeno);
	kith_put_be64(k + 4, clock);
	kith_put_be64(k + 12, id_head);
	kith_put_be64(k + 20, pos);
	return kith_slice_of(k, ORDER_KEY);
}

#define PLACE_KEY 20

static struct kith_slice
place_key(uint8_t k[PLACE_KEY], uint32_t feedno, uint64_t seq, uint64_t pos)
{
	kith_put_be32(k, feedno);
	kith_put_be64(k + 4, seq);
	kith_put_be64(k + 12, pos);
	return kith_slice_of(k, PLACE_KEY);
}

static bool
new_ok(const struct kith_ledger_new *rec)
{
	return rec->header.n >= 1 && rec->header.n <= KITH_LEDGER_HEADER_MAX && (rec->sig.n == 0 || rec->sig.n == SIG);
}

/* Everything of a record but the log's own entry; all of it may be put again. */
static int
put_indexes(struct kith_txn *t, const struct kith_ledger_new *rec, uint64_t pos)
{
	const struct kith_slice nothing = { NULL, 0 };
	uint8_t k[ORDER_KEY], aim[1 + ID_REST];
	int r;

	r = kith_txn_put(t, KITH_T_IDX, pair_key(k, kith_id_prefix(&rec->id), pos), nothing);
	if (r == KITH_OK)
		r = kith_txn_put(t, KITH_T_PLACE, place_key(k, rec->feedno, rec->seq, pos), nothing);
	if (r == KITH_OK && rec->in_order)
		r = kith_txn_put(t, KITH_T_ORDER,
		    order_key(k, rec->scopeno, rec->clock, kith_id_prefix(&rec->id), pos), nothing);
	if (r == KITH_OK && !kith_id_is_none(&rec->target)) {
		aim[0] = rec->target_kind;
		memcpy(aim + 1, rec->target.b + ID_HEAD, ID_REST);
		r = kith_txn_put(t, KITH_T_TARGET, pair_key(k, kith_id_prefix(&rec->target), pos),
		    kith_slice_of(aim, sizeof(aim)));
	}
	if (r == KITH_OK && rec->body.n > 0)
		r = kith_txn_put(t, KITH_T_BODY, pos_key(k, pos), rec->body);
	return r;
}

int
kith_ledger_add(struct kith_txn *t, const struct kith_ledger_new *rec, uint64_t *pos)
{
	uint64_t held, last;
	int r;

	if (!new_ok(rec))
		return KITH_E_LIMIT;
	r = kith_ledger_find(t, &rec->id, &held);
	if (r == KITH_OK) {
		*pos = held;
		return KITH_E_EXISTS;
	}
	if (r == KITH_E_NOTFOUND)
		r = kith_ledger_last(t, &last);
	if (r == KITH_OK)
		r = put_log(t, rec, last + 1);
	if (r == KITH_OK)
		r = put_indexes(t, rec, last + 1);
	if (r == KITH_OK)
		*pos = last + 1;
	return r;
}

int
kith_ledger_sign(struct kith_txn *t, uint64_t pos, const uint8_t sig[64])
{
	struct kith_ledger_record rec;
	struct kith_ledger_new new;
	int r = kith_ledger_get(t, pos, &rec);

	if (r != KITH_OK)
		return r;
	new = (struct kith_ledger_new){ .feedno = rec.feedno, .seq = rec.seq, .clock = rec.clock, .id = rec.id,
		.header = rec.header, .sig = kith_slice_of(sig, SIG), .in_order = rec.in_order };
	return put_log(t, &new, pos);
}

/* Ids of one prefix come in order of arrival; here they are put in their own. */
static void
insert_sorted(struct kith_id *out, size_t n, const struct kith_id *id)
{
	for (; n > 0 && kith_id_cmp(&out[n - 1], id) > 0; n--)
		out[n] = out[n - 1];
	out[n] = *id;
}

int
kith_ledger_find_range(struct kith_txn *t, const struct kith_id *lo, const struct kith_id *hi, struct kith_id *out,
    size_t max, size_t *n)
{
	struct kith_ledger_record rec;
	struct kith_cursor *c;
	struct kith_slice k, v;
	uint8_t from[16];
	size_t got = 0;
	int r, one;

	r = kith_cursor_open(t, KITH_T_IDX, &c);
	if (r != KITH_OK)
		return r;
	r = kith_cursor_seek(c, pair_key(from, kith_id_prefix(lo), 0), false, &k, &v);
	for (; r == KITH_OK && got < max; r = kith_cursor_step(c, false, &k, &v)) {
		if (k.n != sizeof(from)) {
			r = KITH_E_CORRUPT;
			break;
		}
		if (kith_get_be64(k.p) > kith_id_prefix(hi))
			break;
		one = kith_ledger_get(t, kith_get_be64(k.p + 8), &rec);
		if (one == KITH_OK) {
			if (kith_id_cmp(&rec.id, lo) >= 0 && kith_id_cmp(&rec.id, hi) <= 0)
				insert_sorted(out, got++, &rec.id);
		} else if (one != KITH_E_CORRUPT && one != KITH_E_NOTFOUND) {
			r = one;
			break;
		}
	}
	kith_cursor_close(c);
	r = kith_ledger_at_end(r);
	if (r == KITH_OK)
		*n = got;
	return r;
}

int
kith_ledger_range(struct kith_txn *t, uint32_t feedno, uint64_t from_seq, struct kith_ledger_at *out, size_t max,
    size_t *n)
{
	struct kith_cursor *c;
	struct kith_slice k, v;
	uint8_t from[PLACE_KEY];
	size_t got = 0;
	int r;

	r = kith_cursor_open(t, KITH_T_PLACE, &c);
	if (r != KITH_OK)
		return r;
	r = kith_cursor_seek(c, place_key(from, feedno, from_seq, 0), false, &k, &v);
	for (; r == KITH_OK && got < max && kith_ledger_starts_with(k, from, 4); r = kith_cursor_step(c, false, &k, &v)) {
		if (k.n != PLACE_KEY) {
			r = KITH_E_CORRUPT;
			break;
		}
		out[got++] = (struct kith_ledger_at){ kith_get_be64(k.p + 4), kith_get_be64(k.p + 12) };
	}
	kith_cursor_close(c);
	r = kith_ledger_at_end(r);
	if (r == KITH_OK)
		*n = got;
	return r;
}

int
kith_ledger_place(struct kith_txn *t, uint32_t feedno, uint64_t seq, uint64_t *out, size_t max, size_t *n)
{
	struct kith_cursor *c;
	struct kith_slice k, v;
	uint8_t from[PLACE_KEY];
	size_t got = 0;
	int r;

	r = kith_cursor_open(t, KITH_T_PLACE, &c);
	if (r != KITH_OK)
		return r;
	r = kith_cursor_seek(c, place_key(from, feedno, seq, 0), false, &k, &v);
	for (; r == KITH_OK && kith_ledger_starts_with(k, from, 12); r = kith_cursor_step(c, false, &k, &v)) {
		if (k.n != PLACE_KEY) {
			r = KITH_E_CORRUPT;
			break;
		}
		if (got < max)
			out[got] = kith_get_be64(k.p + 12);
		got++;
	}
	kith_cursor_close(c);
	r = kith_ledger_at_end(r);
	if (r == KITH_OK)
		*n = got;
	return r;
}

struct kith_ledger_entry
kith_ledger_entry_of(const struct kith_ledger_record *r)
{
	return (struct kith_ledger_entry){ r->clock, kith_id_prefix(&r->id), r->pos };
}

int
kith_ledger_page(struct kith_txn *t, uint32_t scopeno, const struct kith_ledger_entry *from, bool backward,
    struct kith_ledger_entry *out, size_t max, size_t *n)
{
	const uint64_t edge = backward ? UINT64_MAX : 0;
	const struct kith_ledger_entry first = { edge, edge, edge };
	uint8_t key[ORDER_KEY];
	struct kith_cursor *c;
	struct kith_slice k, v;
	size_t got = 0;
	int r;

	if (from == NULL)
		from = &first;
	r = kith_cursor_open(t, KITH_T_ORDER, &c);
	if (r != KITH_OK)
		return r;
	r = kith_cursor_seek(c, order_key(key, scopeno, from->clock, from->id_head, from->pos), backward, &k, &v);
	if (r == KITH_OK && kith_ledger_starts_with(k, key, sizeof(key)))
		r = kith_cursor_step(c, backward, &k, &v);
	for (; r == KITH_OK && got < max && kith_ledger_starts_with(k, key, 4); r = kith_cursor_step(c, backward, &k, &v)) {
		if (k.n != ORDER_KEY) {
			r = KITH_E_CORRUPT;
			break;
		}
		out[got++] = (struct kith_ledger_entry){ kith_get_be64(k.p + 4), kith_get_be64(k.p + 12),
			kith_get_be64(k.p + 20) };
	}
	kith_cursor_close(c);
	r = kith_ledger_at_end(r);
	if (r == KITH_OK)
		*n = got;
	return r;
}

int
kith_ledger_targets(struct kith_txn *t, const struct kith_id *id, uint64_t after, struct kith_ledger_aim *out,
    size_t max, size_t *n)
{
	struct kith_cursor *c;
	struct kith_slice k, v;
	uint8_t from[16];
	size_t got = 0;
	int r;

	if (after == UINT64_MAX) {
		*n = 0;
		return KITH_OK;
	}
	r = kith_cursor_open(t, KITH_T_TARGET, &c);
	if (r != KITH_OK)
		return r;
	r = kith_cursor_seek(c, pair_key(from, kith_id_prefix(id), after + 1), false, &k, &v);
	for (; r == KITH_OK && got < max && kith_ledger_starts_with(k, from, ID_HEAD); r = kith_cursor_step(c, false, &k, &v)) {
		if (k.n != sizeof(from) || v.n != 1 + ID_REST) {
			r = KITH_E_CORRUPT;
			break;
		}
		if (memcmp(v.p + 1, id->b + ID_HEAD, ID_REST) == 0)
			out[got++] = (struct kith_ledger_aim){ kith_get_be64(k.p + 8), v.p[0] };
	}
	kith_cursor_close(c);
	r = kith_ledger_at_end(r);
	if (r == KITH_OK)
		*n = got;
	return r;
}

int
kith_ledger_state_get(struct kith_txn *t, uint64_t pos, uint32_t *flags)
{
	uint8_t k[8];
	struct kith_slice v;
	int r = kith_txn_get(t, KITH_T_STATE, pos_key(k, pos), &v);

	if (r == KITH_E_NOTFOUND) {
		*flags = 0;
		return KITH_OK;
	}
	if (r == KITH_OK && v.n != 4)
		r = KITH_E_CORRUPT;
	if (r == KITH_OK)
		*flags = kith_get_be32(v.p);
	return r;
}

int
kith_ledger_state_set(struct kith_txn *t, uint64_t pos, uint32_t flags)
{
	uint8_t k[8], v[4];

	if (flags == 0)
		return kith_ledger_at_end(kith_txn_del(t, KITH_T_STATE, pos_key(k, pos)));
	return kith_txn_put(t, KITH_T_STATE, pos_key(k, pos), kith_ledger_number_key(v, flags));
}

int
kith_ledger_body_put(struct kith_txn *t, uint64_t pos, struct kith_slice body)
{
	uint8_t k[8];

	return kith_txn_put(t, KITH_T_BODY, pos_key(k, pos), body);
}

int
kith_ledger_body_get(struct kith_txn *t, uint64_t pos, struct kith_slice *body)
{
	uint8_t k[8];

	return kith_txn_get(t, KITH_T_BODY, pos_key(k, pos), body);
}

int
kith_ledger_body_erase(struct kith_txn *t, uint64_t pos)
{
	uint8_t k[8];

	return kith_txn_del(t, KITH_T_BODY, pos_key(k, pos));
}

/* ---- objects and proofs ---- */

int
kith_ledger_object_put(struct kith_txn *t, const struct kith_id *hash, uint8_t type, struct kith_slice bytes)
{
	struct kith_slice v;
	uint8_t *b;
	bool has;
	int r = kith_ledger_object_has(t, hash, &has);

	if (r != KITH_OK || has)
		return r;
	if (bytes.n >= KITH_STORE_VALUE_MAX)
		return KITH_E_LIMIT;
	b = malloc(1 + bytes.n);
	if (b == NULL)
		return KITH_E_NOMEM;
	b[0] = type;
	if (bytes.n > 0)
		memcpy(b + 1, bytes.p, bytes.n);
	v = kith_slice_of(b, 1 + bytes.n);
	r = kith_txn_put(t, KITH_T_OBJECT, kith_id_slice(hash), v);
	free(b);
	return r;
}

int
kith_ledger_object_get(struct kith_txn *t, const struct kith_id *hash, uint8_t *type, struct kith_slice *bytes)
{
	struct kith_slice v;
	int r = kith_txn_get(t, KITH_T_OBJECT, kith_id_slice(hash), &v);

	if (r != KITH_OK)
		return r;
	if (v.n < 1)
		return KITH_E_CORRUPT;
	*type = v.p[0];
	*bytes = kith_slice_from(v, 1);
	return KITH_OK;
}

int
kith_ledger_object_has(struct kith_txn *t, const struct kith_id *hash, bool *has)
{
	struct kith_slice v;
	int r = kith_txn_get(t, KITH_T_OBJECT, kith_id_slice(hash), &v);

	if (r != KITH_OK && r != KITH_E_NOTFOUND)
		return r;
	*has = r == KITH_OK;
	return KITH_OK;
}

int
kith_ledger_proof_put(struct kith_txn *t, uint32_t feedno, struct kith_slice proof)
{
	uint8_t k[4];
	struct kith_slice v;
	int r = kith_txn_get(t, KITH_T_PROOF, kith_ledger_number_key(k, feedno), &v);

	if (r == KITH_OK)
		return KITH_E_EXISTS;
	if (r != KITH_E_NOTFOUND)
		return r;
	return kith_txn_put(t, KITH_T_PROOF, kith_slice_of(k, sizeof(k)), proof);
}

int
kith_ledger_proof_get(struct kith_txn *t, uint32_t feedno, struct kith_slice *proof)
{
	uint8_t k[4];

	return kith_txn_get(t, KITH_T_PROOF, kith_ledger_number_key(k, feedno), proof);
}

/* ---- scrubbing ---- */

/* Do the ways to a sound record lead to it? */
static int
ways_ok(struct kith_txn *t, const struct kith_ledger_record *rec, bool *ok)
{
	struct kith_ledger_feed f = { .scopeno = 0 };
	struct kith_slice v;
	uint8_t k[ORDER_KEY];
	int r = kith_txn_get(t, KITH_T_IDX, pair_key(k, kith_id_prefix(&rec->id), rec->pos), &v);

	if (r == KITH_OK)
		r = kith_txn_get(t, KITH_T_PLACE, place_key(k, rec->feedno, rec->seq, rec->pos), &v);
	if (r == KITH_OK)
		r = kith_ledger_feed_get(t, rec->feedno, &f);
	if (r == KITH_OK && rec->in_order)
		r = kith_txn_get(t, KITH_T_ORDER,
		    order_key(k, f.scopeno, rec->clock, kith_id_prefix(&rec->id), rec->pos), &v);
	*ok = r == KITH_OK;
	return r == KITH_E_NOTFOUND || r == KITH_E_CORRUPT ? KITH_OK : r;
}

int
kith_ledger_scrub(struct kith_txn *t, uint64_t *pos, size_t max, uint64_t *bad, size_t max_bad, size_t *n_bad)
{
	struct kith_ledger_record rec;
	struct kith_cursor *c;
	struct kith_slice k, v;
	uint64_t at = *pos;
	size_t i = 0, n = 0;
	uint8_t from[8];
	bool ok;
	int r, one;

	r = kith_cursor_open(t, KITH_T_LOG, &c);
	if (r != KITH_OK)
		return r;
	r = kith_cursor_seek(c, pos_key(from, at), false, &k, &v);
	for (; r == KITH_OK && i < max && n < max_bad; r = kith_cursor_step(c, false, &k, &v), i++) {
		if (k.n != 8) {
			r = KITH_E_CORRUPT;
			break;
		}
		at = kith_get_be64(k.p);
		one = decode_log(v, at, &rec);
		ok = one == KITH_OK;
		if (ok)
			one = ways_ok(t, &rec, &ok);
		if (one != KITH_OK && one != KITH_E_CORRUPT) {
			r = one;
			break;
		}
		if (!ok)
			bad[n++] = at;
		at++;
	}
	kith_cursor_close(c);
	if (r != KITH_OK && (r != KITH_E_NOTFOUND || i == 0))
		return r;
	*pos = at;
	*n_bad = n;
	return KITH_OK;
}

int
kith_ledger_mend(struct kith_txn *t, const struct kith_ledger_new *rec, uint64_t *pos)
{
	struct kith_ledger_record held;
	uint64_t corrupt;
	int r;

	if (!new_ok(rec))
		return KITH_E_LIMIT;
	r = look_up(t, &rec->id, &held, &corrupt);
	if (r == KITH_OK) {
		bool ok;

		r = ways_ok(t, &held, &ok);
		if (r != KITH_OK || ok)
			return r == KITH_OK ? KITH_E_NOTFOUND : r;
		corrupt = held.pos;
	} else if (r != KITH_E_NOTFOUND || corrupt == 0) {
		return r;
	}
	r = put_log(t, rec, corrupt);
	if (r == KITH_OK)
		r = put_indexes(t, rec, corrupt);
	if (r == KITH_OK)
		*pos = corrupt;
	return r;
}
