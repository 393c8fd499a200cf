#include "group/record.h"

#include <string.h>

#include "wire/mp.h"

const struct kith_id kith_role_member = { .b = { [KITH_ID_BYTES - 1] = 1 } };
const struct kith_id kith_role_guest = { .b = { [KITH_ID_BYTES - 1] = 2 } };
const struct kith_id kith_role_follower = { .b = { [KITH_ID_BYTES - 1] = 3 } };

bool
kith_role_is_implicit(const struct kith_id *role)
{
	return kith_id_eq(role, &kith_role_member) || kith_id_eq(role, &kith_role_guest) ||
	    kith_id_eq(role, &kith_role_follower);
}

/* ---- what a kind must and may say ---- */

#define B(k) KITH_OP_BIT(KITH_OP_##k)

static const struct kind_fields {
	uint64_t must, may;
} kinds[] = {
	[KITH_K_CREATE] = { B(FOUNDERS) | B(GROUP_KIND) | B(RULES) | B(NONCE), B(JOINS) | B(IMPLICIT) },
	[KITH_K_SET] = { 0, B(KEY) | B(VALUE) | B(JOINS) | B(CUT) },
	[KITH_K_ROLE_CREATE] = { B(LEVEL) | B(PERMS) | B(MAY), 0 },
	[KITH_K_ROLE_SET] = { B(ROLE), B(KEY) | B(VALUE) | B(ORDER) },
	[KITH_K_ROLE_DELETE] = { B(ROLE), B(CUT) },
	[KITH_K_ROLE_ALLOW] = { B(ROLE) | B(PERMS), 0 },
	[KITH_K_ROLE_DENY] = { B(ROLE) | B(PERMS), B(CUT) },
	[KITH_K_ROLE_GRANT] = { B(ROLE) | B(USERS), 0 },
	[KITH_K_ROLE_REVOKE] = { B(ROLE) | B(USERS), B(CUT) },
	[KITH_K_BAN] = { B(USERS) | B(CUT), B(UNTIL) },
	[KITH_K_UNBAN] = { B(USERS), 0 },
	[KITH_K_KICK] = { B(USERS) | B(CUT), 0 },
	[KITH_K_MUTE] = { B(USERS) | B(CUT), B(UNTIL) },
	[KITH_K_UNMUTE] = { B(USERS), 0 },
	[KITH_K_PANEL_CREATE] = { B(PANEL_KIND), B(PARENT) | B(PRIVATE) | B(SCOPE) | B(ORDER) },
	[KITH_K_PANEL_SET] = { B(PANEL), B(OPEN) | B(PERMS) | B(EFFECT) | B(WHO_USER) | B(WHO_ROLE) | B(KEY) | B(VALUE) |
	    B(PARENT) | B(ORDER) | B(CUT) },
	[KITH_K_PANEL_DELETE] = { B(PANEL), B(CUT) },
	[KITH_K_INVITE_REVOKE] = { B(INVITE) | B(CUT), 0 },
	[KITH_K_ADMIT] = { B(USERS), 0 },
	[KITH_K_NODE_BAN] = { B(NODE) | B(CUT), 0 },
	[KITH_K_NODE_UNBAN] = { B(NODE), 0 },
	[KITH_K_PLUGIN_SET] = { B(KEY), B(VALUE) },
	[KITH_K_OWNER_ADD] = { B(USERS), 0 },
	[KITH_K_OWNER_RESIGN] = { B(CUT), B(SET) },
	[KITH_K_OWNER_SUCCEED] = { B(SET) | B(USERS) | B(SIGS), 0 },
	[KITH_K_REKEY] = { B(DOC) | B(CUT), 0 },
	[KITH_K_UPGRADE] = { B(RULES), 0 },
	[KITH_K_SEAL] = { B(FRONTIER) | B(STATE), 0 },
	[KITH_K_NODE_JOIN] = { B(NODE_RECORD), B(EARLIER) },
	[KITH_K_JOIN] = { B(HOW), B(INVITE) | B(COUNT) | B(COUNT_SIG) | B(CUT) | B(EARLIER) },
	[KITH_K_MOVE] = { B(CUT), 0 },
	[KITH_K_LEAVE] = { B(CUT), 0 },
	[KITH_K_NODE_REKEY] = { B(NODE_RECORD) | B(CUT) | B(EARLIER), 0 },
	[KITH_K_PROFILE] = { 0, B(ROLES) },
	[KITH_K_MESSAGE] = { 0, B(TARGET) },
	[KITH_K_EDIT] = { B(TARGET), 0 },
	[KITH_K_REACT] = { B(TARGET) | B(ON), 0 },
	[KITH_K_RECALL] = { B(TARGET), 0 },
	[KITH_K_REMOVE] = { B(TARGET), 0 },
	[KITH_K_PIN] = { B(TARGET) | B(ON), 0 },
};

static bool
has_all(const struct kith_op *o, uint64_t bits)
{
	return (o->has & bits) == bits;
}

static unsigned
count(const struct kith_op *o, uint64_t bits)
{
	unsigned n = 0;

	for (bits &= o->has; bits != 0; bits &= bits - 1)
		n++;
	return n;
}

/* A quorum: [threshold, [uid, ...]] (RULES A8 iii). */
static bool
value_is_quorum(struct kith_slice value)
{
	struct kith_mp_reader r;

	kith_mp_read(&r, value);
	return kith_mp_array(&r) == 2 && kith_mp_peek(&r) == KITH_MP_UINT;
}

/* Fields that go together, beyond must and may. */
static bool
fits(uint32_t kind, const struct kith_op *o)
{
	const uint64_t override = B(PERMS) | B(EFFECT), who = B(WHO_USER) | B(WHO_ROLE), value = B(VALUE) | B(KEY);

	if ((o->has & B(VALUE)) != 0 && ((o->has & B(KEY)) == 0 || (value_is_quorum(o->value) &&
	    (kind != KITH_K_SET || !kith_slice_is(o->key, "succession")))))
		return false;
	switch (kind) {
	case KITH_K_SET:                        /* a register, or the join policy */
		if ((o->has & B(JOINS)) == 0)
			return (o->has & (B(KEY) | B(CUT))) == B(KEY);
		return (o->has & value) == 0;
	case KITH_K_ROLE_SET:
		return count(o, B(KEY) | B(ORDER)) == 1;
	case KITH_K_PANEL_SET:                  /* one thing at a time, and only facts bear a cut */
		if ((o->has & (override | who)) != 0)
			return has_all(o, override) && count(o, who) == 1 &&
			    (o->has & ~(override | who | B(PANEL) | B(CUT))) == 0;
		return count(o, B(OPEN) | B(KEY) | B(PARENT) | B(ORDER)) == 1 &&
		    ((o->has & B(CUT)) == 0 || (o->has & B(OPEN)) != 0);
	case KITH_K_JOIN:
		if (((o->has & B(COUNT)) != 0) != ((o->has & B(COUNT_SIG)) != 0))
			return false;
		if (o->how != 1)
			return (o->has & (B(INVITE) | B(COUNT))) == 0;
		return (o->has & B(INVITE)) != 0;
	default:
		return true;
	}
}

/* ---- how a field is written ---- */

enum type {
	T_NONE,
	T_ID,
	T_ID_OR_NONE,
	T_UINT,                 /* at most max */
	T_INT,
	T_BOOL,
	T_WORD,                 /* str of at most KITH_WORD_MAX bytes */
	T_WORDS,                /* sorted, each once, at most max */
	T_IDS,                  /* sorted, each once, 1 to max */
	T_BIN,                  /* of max bytes */
	T_VALUE, T_SIGS, T_EARLIER, T_IMPLICIT,        /* kept raw */
};

#define AT(m) offsetof(struct kith_op, m)
static const struct field {
	enum type type;
	size_t at, n_at;
	uint64_t max;
} fields[KITH_OP_MAX_] = {
	[KITH_OP_ROLE] = { .type = T_ID, .at = AT(role) },
	[KITH_OP_LEVEL] = { .type = T_INT, .at = AT(level) },
	[KITH_OP_PERMS] = { T_WORDS, AT(perms), AT(n_perms), KITH_PERMS_MAX },
	[KITH_OP_MAY] = { T_WORDS, AT(may), AT(n_may), KITH_PERMS_MAX },
	[KITH_OP_USERS] = { T_IDS, AT(users), AT(n_users), KITH_LIST_MAX },
	[KITH_OP_CUT] = { .type = T_ID, .at = AT(cut) },
	[KITH_OP_PANEL] = { .type = T_ID, .at = AT(panel) },
	[KITH_OP_KEY] = { .type = T_WORD, .at = AT(key) },
	[KITH_OP_VALUE] = { .type = T_VALUE, .at = AT(value) },
	[KITH_OP_WHO_USER] = { .type = T_ID, .at = AT(who_user) },
	[KITH_OP_WHO_ROLE] = { .type = T_ID, .at = AT(who_role) },
	[KITH_OP_EFFECT] = { .type = T_UINT, .at = AT(effect), .max = 2 },
	[KITH_OP_OPEN] = { .type = T_BOOL, .at = AT(open) },
	[KITH_OP_INVITE] = { .type = T_ID, .at = AT(invite) },
	[KITH_OP_NODE] = { .type = T_ID, .at = AT(node) },
	[KITH_OP_TARGET] = { .type = T_ID, .at = AT(target) },
	[KITH_OP_UNTIL] = { .type = T_UINT, .at = AT(until_ms), .max = UINT64_MAX },
	[KITH_OP_FOUNDERS] = { T_IDS, AT(founders), AT(n_founders), KITH_LIST_MAX },
	[KITH_OP_GROUP_KIND] = { .type = T_UINT, .at = AT(group_kind), .max = 1 },
	[KITH_OP_RULES] = { .type = T_UINT, .at = AT(rules), .max = UINT32_MAX },
	[KITH_OP_HOW] = { .type = T_UINT, .at = AT(how), .max = 2 },
	[KITH_OP_PANEL_KIND] = { .type = T_UINT, .at = AT(panel_kind), .max = 255 },
	[KITH_OP_PARENT] = { .type = T_ID_OR_NONE, .at = AT(parent) },
	[KITH_OP_PRIVATE] = { .type = T_BOOL, .at = AT(private_) },
	[KITH_OP_COUNT] = { .type = T_UINT, .at = AT(count), .max = UINT64_MAX },
	[KITH_OP_COUNT_SIG] = { .type = T_BIN, .at = AT(count_sig), .max = KITH_SIG_BYTES },
	[KITH_OP_NODE_RECORD] = { .type = T_ID, .at = AT(node_record) },
	[KITH_OP_DOC] = { .type = T_ID, .at = AT(doc) },
	[KITH_OP_SET] = { .type = T_ID, .at = AT(set) },
	[KITH_OP_SIGS] = { .type = T_SIGS, .at = AT(sigs), .max = KITH_LIST_MAX },
	[KITH_OP_ON] = { .type = T_BOOL, .at = AT(on) },
	[KITH_OP_SCOPE] = { .type = T_ID, .at = AT(scope) },
	[KITH_OP_EARLIER] = { .type = T_EARLIER, .at = AT(earlier), .max = KITH_EARLIER_MAX },
	[KITH_OP_NONCE] = { .type = T_BIN, .at = AT(nonce), .max = 16 },
	[KITH_OP_IMPLICIT] = { .type = T_IMPLICIT, .at = AT(implicit), .max = 3 },
	[KITH_OP_JOINS] = { .type = T_UINT, .at = AT(joins), .max = 2 },
	[KITH_OP_FRONTIER] = { T_IDS, AT(frontier), AT(n_frontier), KITH_PARENTS_MAX },
	[KITH_OP_ORDER] = { .type = T_WORD, .at = AT(order) },
	[KITH_OP_ROLES] = { T_IDS, AT(roles), AT(n_roles), KITH_LIST_MAX },
	[KITH_OP_STATE] = { .type = T_ID, .at = AT(state) },
};

static void
fail(struct kith_mp_reader *r)
{
	r->err = KITH_E_MALFORMED;
}

/* How many items follow; the reader fails above max. */
static uint32_t
take_count(struct kith_mp_reader *r, uint64_t max)
{
	uint32_t n = kith_mp_array(r);

	if (n <= max)
		return n;
	fail(r);
	return 0;
}

static struct kith_slice
take_word(struct kith_mp_reader *r)
{
	struct kith_slice s = kith_mp_str(r);

	if (s.n > KITH_WORD_MAX)
		fail(r);
	return s;
}

static bool
words_rise(struct kith_mp_reader *r, const struct kith_slice *last, const struct kith_slice *s)
{
	if (r->err == KITH_OK && last != NULL && kith_slice_cmp(*last, *s) >= 0)
		fail(r);
	return r->err == KITH_OK;
}

/* NOMEM; else the reader tells. */
static int
take_words(struct kith_mp_reader *r, uint64_t max, struct kith_arena *a, const struct kith_slice **out, uint32_t *n_out)
{
	uint32_t n = take_count(r, max), i;
	struct kith_slice *v;

	if (r->err != KITH_OK)
		return KITH_OK;
	v = kith_arena_array(a, n > 0 ? n : 1, sizeof(*v));
	if (v == NULL)
		return KITH_E_NOMEM;
	for (i = 0; i < n; i++) {
		v[i] = take_word(r);
		if (!words_rise(r, i > 0 ? &v[i - 1] : NULL, &v[i]))
			return KITH_OK;
	}
	*out = v;
	*n_out = n;
	return KITH_OK;
}

static int
take_ids(struct kith_mp_reader *r, uint64_t max, struct kith_arena *a, const struct kith_id **out, uint32_t *n_out)
{
	uint32_t n = take_count(r, max), i;
	struct kith_id *v;

	if (r->err == KITH_OK && n == 0)
		fail(r);
	if (r->err != KITH_OK)
		return KITH_OK;
	v = kith_arena_array(a, n, sizeof(*v));
	if (v == NULL)
		return KITH_E_NOMEM;
	for (i = 0; i < n; i++) {
		v[i] = kith_mp_id_given(r);
		if (r->err == KITH_OK && i > 0 && kith_id_cmp(&v[i - 1], &v[i]) >= 0)
			fail(r);
		if (r->err != KITH_OK)
			return KITH_OK;
	}
	*out = v;
	*n_out = n;
	return KITH_OK;
}

static void
pass_ids(struct kith_mp_reader *r, bool sorted)
{
	struct kith_id last = kith_id_none, id;
	uint32_t n = take_count(r, KITH_LIST_MAX), i;

	for (i = 0; i < n && r->err == KITH_OK; i++) {
		id = kith_mp_id_given(r);
		if (sorted && kith_id_cmp(&last, &id) >= 0)
			fail(r);
		last = id;
	}
}

static void
pass_value(struct kith_mp_reader *r)
{
	struct kith_mp_reader ahead = *r;

	switch (kith_mp_peek(r)) {
	case KITH_MP_STR:
	case KITH_MP_UINT:
	case KITH_MP_BOOL:
		(void)kith_mp_skip(r);
		break;
	case KITH_MP_ARRAY:
		if (kith_mp_array(&ahead) == 2 && kith_mp_peek(&ahead) == KITH_MP_UINT) {
			(void)kith_mp_uint(&ahead);
			*r = ahead;
			pass_ids(r, true);
		} else {
			pass_ids(r, false);
		}
		break;
	default:
		fail(r);
		break;
	}
}

static void
pass_sigs(struct kith_mp_reader *r)
{
	struct kith_id last = kith_id_none, uid;
	uint8_t sig[KITH_SIG_BYTES];
	uint32_t n = take_count(r, KITH_LIST_MAX), i;

	if (n == 0)
		fail(r);
	for (i = 0; i < n && r->err == KITH_OK; i++) {
		kith_mp_array_exact(r, 3);
		uid = kith_mp_id(r);
		(void)kith_mp_id_given(r);
		kith_mp_bin_exact(r, sig, sizeof(sig));
		if (r->err == KITH_OK && kith_id_cmp(&last, &uid) >= 0)
			fail(r);
		last = uid;
	}
}

/* By rising incarnation, scope, seq and id. */
static void
pass_earlier(struct kith_mp_reader *r)
{
	uint8_t last[8 + 32 + 8 + 32] = { 0 }, key[sizeof(last)] = { 0 };
	uint32_t n = take_count(r, KITH_EARLIER_MAX), i;
	uint64_t seq;
	struct kith_id id;

	if (n == 0)
		fail(r);
	for (i = 0; i < n && r->err == KITH_OK; i++) {
		kith_mp_array_exact(r, 4);
		kith_mp_bin_exact(r, key, 8);
		kith_mp_bin_exact(r, key + 8, 32);
		seq = kith_mp_uint(r);
		kith_put_be64(key + 40, seq);
		id = kith_mp_id_given(r);
		memcpy(key + 48, id.b, sizeof(id.b));
		if (r->err == KITH_OK && (seq > KITH_SEQ_MAX || memcmp(last, key, sizeof(key)) >= 0))
			fail(r);
		memcpy(last, key, sizeof(key));
	}
}

static void
pass_implicit(struct kith_mp_reader *r)
{
	struct kith_id last = kith_id_none, role;
	struct kith_slice before, perm;
	uint32_t n = take_count(r, 3), m, i, j;

	if (n == 0)
		fail(r);
	for (i = 0; i < n && r->err == KITH_OK; i++) {
		kith_mp_array_exact(r, 2);
		role = kith_mp_id(r);
		if (r->err == KITH_OK && (!kith_role_is_implicit(&role) || kith_id_cmp(&last, &role) >= 0))
			fail(r);
		last = role;
		m = take_count(r, KITH_PERMS_MAX);
		for (j = 0; j < m; j++) {
			perm = take_word(r);
			if (!words_rise(r, j > 0 ? &before : NULL, &perm))
				return;
			before = perm;
		}
	}
}

static struct kith_slice
take_raw(struct kith_mp_reader *r, enum type t)
{
	struct kith_slice start = r->in;

	if (t == T_VALUE)
		pass_value(r);
	else if (t == T_SIGS)
		pass_sigs(r);
	else if (t == T_EARLIER)
		pass_earlier(r);
	else
		pass_implicit(r);
	return kith_slice_of(start.p, start.n - r->in.n);
}

/* NOMEM; else the reader tells. */
static int
take_field(struct kith_mp_reader *r, const struct field *f, struct kith_arena *a, struct kith_op *o)
{
	char *base = (char *)o;
	void *to = base + f->at;
	uint64_t v;

	switch (f->type) {
	case T_ID:
		*(struct kith_id *)to = kith_mp_id_given(r);
		break;
	case T_ID_OR_NONE:
		*(struct kith_id *)to = kith_mp_id_or_none(r);
		break;
	case T_UINT:
		v = kith_mp_uint(r);
		if (v > f->max)
			fail(r);
		*(uint64_t *)to = v;
		break;
	case T_INT:
		*(int64_t *)to = kith_mp_int(r);
		break;
	case T_BOOL:
		*(bool *)to = kith_mp_bool(r);
		break;
	case T_WORD:
		*(struct kith_slice *)to = take_word(r);
		break;
	case T_WORDS:
		return take_words(r, f->max, a, to, (uint32_t *)(void *)(base + f->n_at));
	case T_IDS:
		return take_ids(r, f->max, a, to, (uint32_t *)(void *)(base + f->n_at));
	case T_BIN:
		*(struct kith_slice *)to = kith_mp_bin(r);
		if (((struct kith_slice *)to)->n != f->max)
			fail(r);
		break;
	case T_VALUE:
	case T_SIGS:
	case T_EARLIER:
	case T_IMPLICIT:
		*(struct kith_slice *)to = take_raw(r, f->type);
		break;
	case T_NONE:
		fail(r);
		break;
	}
	return KITH_OK;
}

int
kith_op_parse(uint32_t kind, struct kith_slice op, struct kith_arena *a, struct kith_op *out)
{
	static const struct kith_mp_limits limits = { .depth = 7, .values = 4096, .nil = false };
	const struct kind_fields *k;
	struct kith_mp_reader r;
	struct kith_op o;
	uint64_t key;
	uint32_t n;
	int e;

	memset(&o, 0, sizeof(o));
	if (kith_kind_name(kind) == NULL) {
		*out = o;
		return KITH_OK;
	}
	k = &kinds[kind];
	if (kith_mp_check(op, &limits) != KITH_OK)
		return KITH_E_MALFORMED;
	kith_mp_read(&r, op);
	for (n = kith_mp_map(&r); n > 0 && r.err == KITH_OK; n--) {
		key = kith_mp_uint(&r);
		if (r.err != KITH_OK || key == 0 || key >= KITH_OP_MAX_ || ((k->must | k->may) & KITH_OP_BIT(key)) == 0)
			return KITH_E_MALFORMED;
		e = take_field(&r, &fields[key], a, &o);
		if (e != KITH_OK)
			return e;
		o.has |= KITH_OP_BIT(key);
	}
	if (!kith_mp_done(&r) || !has_all(&o, k->must) || !fits(kind, &o))
		return KITH_E_MALFORMED;
	*out = o;
	return KITH_OK;
}

/* ---- writing ---- */

static void
put_field(struct kith_buf *b, const struct field *f, const struct kith_op *o)
{
	const char *base = (const char *)o;
	const void *from = base + f->at;
	uint32_t n = 0, i;

	if (f->type == T_WORDS || f->type == T_IDS) {
		n = *(const uint32_t *)(const void *)(base + f->n_at);
		kith_mp_put_array(b, n);
	}
	switch (f->type) {
	case T_ID:
		kith_mp_put_id(b, from);
		break;
	case T_ID_OR_NONE:
		kith_mp_put_id_or_none(b, from);
		break;
	case T_UINT:
		kith_mp_put_uint(b, *(const uint64_t *)from);
		break;
	case T_INT:
		kith_mp_put_int(b, *(const int64_t *)from);
		break;
	case T_BOOL:
		kith_mp_put_bool(b, *(const bool *)from);
		break;
	case T_WORD:
		kith_mp_put_str(b, *(const struct kith_slice *)from);
		break;
	case T_WORDS:
		for (i = 0; i < n; i++)
			kith_mp_put_str(b, (*(const struct kith_slice *const *)from)[i]);
		break;
	case T_IDS:
		for (i = 0; i < n; i++)
			kith_mp_put_id(b, &(*(const struct kith_id *const *)from)[i]);
		break;
	case T_BIN:
		kith_mp_put_bin(b, *(const struct kith_slice *)from);
		break;
	case T_VALUE:
	case T_SIGS:
	case T_EARLIER:
	case T_IMPLICIT:
		kith_mp_put_raw(b, *(const struct kith_slice *)from);
		break;
	case T_NONE:
		break;
	}
}

int
kith_op_make(const struct kith_op *o, struct kith_buf *out)
{
	unsigned key;

	kith_assert((o->has & ~(KITH_OP_BIT(KITH_OP_MAX_) - 2)) == 0);
	kith_mp_put_map(out, count(o, UINT64_MAX));
	for (key = 1; key < KITH_OP_MAX_; key++) {
		if ((o->has & KITH_OP_BIT(key)) == 0)
			continue;
		kith_mp_put_uint(out, key);
		put_field(out, &fields[key], o);
	}
	return kith_buf_err(out);
}

int
kith_succeed_bytes(const struct kith_id *group, const struct kith_id *set, const struct kith_id *users, uint32_t n,
    struct kith_buf *out)
{
	uint32_t i;

	kith_mp_put_array(out, 4);
	kith_mp_put_uint(out, KITH_RECORD_VERSION);
	kith_mp_put_id(out, group);
	kith_mp_put_id(out, set);
	kith_mp_put_array(out, n);
	for (i = 0; i < n; i++)
		kith_mp_put_id(out, &users[i]);
	return kith_buf_err(out);
}
