#include "group/record.h"

#include <string.h>

#include "wire/mp.h"

#define HEADER_FIELDS 20

static const struct kith_mp_limits limits = { .depth = 8, .values = 4096, .nil = false };

const struct kith_id kith_scope_authority;
const struct kith_id kith_scope_roster = { .b = { [KITH_ID_BYTES - 1] = 1 } };

enum kith_plane
kith_scope_plane(const struct kith_id *scope)
{
	if (kith_id_eq(scope, &kith_scope_authority))
		return KITH_PLANE_AUTHORITY;
	return kith_id_eq(scope, &kith_scope_roster) ? KITH_PLANE_ROSTER : KITH_PLANE_TIMELINE;
}

/* ---- kinds ---- */

static const char *const kind_names[] = {
	[KITH_K_CREATE] = "create",
	[KITH_K_SET] = "set",
	[KITH_K_ROLE_CREATE] = "role.create",
	[KITH_K_ROLE_SET] = "role.set",
	[KITH_K_ROLE_DELETE] = "role.delete",
	[KITH_K_ROLE_ALLOW] = "role.allow",
	[KITH_K_ROLE_DENY] = "role.deny",
	[KITH_K_ROLE_GRANT] = "role.grant",
	[KITH_K_ROLE_REVOKE] = "role.revoke",
	[KITH_K_BAN] = "ban",
	[KITH_K_UNBAN] = "unban",
	[KITH_K_KICK] = "kick",
	[KITH_K_MUTE] = "mute",
	[KITH_K_UNMUTE] = "unmute",
	[KITH_K_PANEL_CREATE] = "panel.create",
	[KITH_K_PANEL_SET] = "panel.set",
	[KITH_K_PANEL_DELETE] = "panel.delete",
	[KITH_K_INVITE_REVOKE] = "invite.revoke",
	[KITH_K_ADMIT] = "admit",
	[KITH_K_NODE_BAN] = "node.ban",
	[KITH_K_NODE_UNBAN] = "node.unban",
	[KITH_K_PLUGIN_SET] = "plugin.set",
	[KITH_K_OWNER_ADD] = "owner.add",
	[KITH_K_OWNER_RESIGN] = "owner.resign",
	[KITH_K_OWNER_SUCCEED] = "owner.succeed",
	[KITH_K_REKEY] = "rekey",
	[KITH_K_UPGRADE] = "upgrade",
	[KITH_K_SEAL] = "seal",
	[KITH_K_NODE_JOIN] = "node.join",
	[KITH_K_JOIN] = "join",
	[KITH_K_MOVE] = "move",
	[KITH_K_LEAVE] = "leave",
	[KITH_K_NODE_REKEY] = "node.rekey",
	[KITH_K_PROFILE] = "profile",
	[KITH_K_MESSAGE] = "message",
	[KITH_K_EDIT] = "edit",
	[KITH_K_REACT] = "react",
	[KITH_K_RECALL] = "recall",
	[KITH_K_REMOVE] = "remove",
	[KITH_K_PIN] = "pin",
};

const char *
kith_kind_name(uint32_t kind)
{
	return kind < sizeof(kind_names) / sizeof(kind_names[0]) ? kind_names[kind] : NULL;
}

bool
kith_kind_in_plane(uint32_t kind, enum kith_plane p)
{
	if (kith_kind_name(kind) == NULL)
		return false;
	if (kind < KITH_K_NODE_JOIN)
		return p == KITH_PLANE_AUTHORITY;
	return p == (kind < KITH_K_MESSAGE ? KITH_PLANE_ROSTER : KITH_PLANE_TIMELINE);
}

/* ---- headers ---- */

/* Sorted, each once. The reader fails on a bad one; LIMIT on too many. */
static int
take_ids(struct kith_mp_reader *r, struct kith_id out[KITH_PARENTS_MAX], uint32_t *n_out)
{
	uint32_t n = kith_mp_array(r), i;

	if (r->err != KITH_OK)
		return r->err;
	if (n > KITH_PARENTS_MAX)
		return KITH_E_LIMIT;
	for (i = 0; i < n; i++) {
		out[i] = kith_mp_id_given(r);
		if (r->err == KITH_OK && i > 0 && kith_id_cmp(&out[i - 1], &out[i]) >= 0)
			r->err = KITH_E_MALFORMED;
	}
	*n_out = n;
	return r->err;
}

static bool
author_fits(const struct kith_record *d)
{
	bool none = kith_id_is_none(&d->author);

	if (none && (!kith_id_is_none(&d->doc) || d->has_author_sig))
		return false;
	if (kith_kind_name(d->kind) == NULL)
		return true;
	return none == (d->kind == KITH_K_NODE_JOIN || d->kind == KITH_K_NODE_REKEY);
}

static bool
create_fits(const struct kith_record *d)
{
	if (d->kind != KITH_K_CREATE)
		return !kith_id_is_none(&d->group);
	return kith_id_is_none(&d->group) && kith_scope_plane(&d->scope) == KITH_PLANE_AUTHORITY && d->seq == 0 &&
	    kith_id_is_none(&d->prev) && d->n_parents == 0 && kith_id_is_none(&d->via);
}

/* What one field says of another. */
static int
check_fields(const struct kith_record *d)
{
	enum kith_plane plane = kith_scope_plane(&d->scope);

	if (plane == KITH_PLANE_TIMELINE && d->n_parents > KITH_TIMELINE_PARENTS_MAX)
		return KITH_E_LIMIT;
	if (d->seq > KITH_SEQ_MAX)
		return KITH_E_LIMIT;
	if ((d->body_len == 0) != kith_id_is_none(&d->body_hash) || !create_fits(d) || !author_fits(d))
		return KITH_E_MALFORMED;
	if (plane == KITH_PLANE_AUTHORITY ? d->n_frontier > 0 : d->counter > 0)
		return KITH_E_MALFORMED;
	return KITH_OK;
}

int
kith_record_parse(struct kith_slice header, struct kith_record *out)
{
	struct kith_record d = { .header = header };
	struct kith_mp_reader r;
	struct kith_slice sig;
	uint8_t incarnation[8] = { 0 };
	uint64_t version, kind, body_len, reserved;
	int e;

	if (header.n > KITH_HEADER_MAX)
		return KITH_E_LIMIT;
	e = kith_mp_check(header, &limits);
	if (e != KITH_OK)
		return e;
	kith_mp_read(&r, header);
	kith_mp_array_exact(&r, HEADER_FIELDS);
	version = kith_mp_uint(&r);
	d.group = kith_mp_id_or_none(&r);
	d.node = kith_mp_id_given(&r);
	kith_mp_bin_exact(&r, incarnation, sizeof(incarnation));
	d.incarnation = kith_get_be64(incarnation);
	d.scope = kith_mp_id(&r);
	if (r.err == KITH_OK && header.n > KITH_HEADER_MAX_TIMELINE &&
	    kith_scope_plane(&d.scope) == KITH_PLANE_TIMELINE)
		return KITH_E_LIMIT;
	d.seq = kith_mp_uint(&r);
	d.prev = kith_mp_id_or_none(&r);
	kind = kith_mp_uint(&r);
	d.author = kith_mp_id_or_none(&r);
	d.doc = kith_mp_id_or_none(&r);
	d.counter = kith_mp_uint(&r);
	d.clock = kith_mp_uint(&r);
	e = take_ids(&r, d.parents, &d.n_parents);
	if (e == KITH_OK)
		e = take_ids(&r, d.frontier, &d.n_frontier);
	if (e != KITH_OK)
		return e;
	d.via = kith_mp_id_or_none(&r);
	if (kith_mp_peek(&r) != KITH_MP_MAP)
		return KITH_E_MALFORMED;
	d.op = kith_mp_skip(&r);
	body_len = kith_mp_uint(&r);
	d.body_hash = kith_mp_id_or_none(&r);
	sig = kith_mp_bin(&r);
	reserved = kith_mp_uint(&r);
	if (!kith_mp_done(&r) || version != KITH_RECORD_VERSION || kind > UINT32_MAX || reserved != 0)
		return KITH_E_MALFORMED;
	if (sig.n == sizeof(d.author_sig)) {
		d.has_author_sig = true;
		memcpy(d.author_sig, sig.p, sig.n);
	} else if (sig.n != 0) {
		return KITH_E_MALFORMED;
	}
	if (body_len > KITH_BODY_MAX)
		return KITH_E_LIMIT;
	d.kind = (uint32_t)kind;
	d.body_len = (uint32_t)body_len;
	e = check_fields(&d);
	if (e != KITH_OK)
		return e;
	kith_hash(KITH_L_RECORD, header, &d.id);
	if (d.kind == KITH_K_CREATE)
		d.group = d.id;
	*out = d;
	return KITH_OK;
}

static void
put_ids(struct kith_buf *b, const struct kith_id *ids, uint32_t n)
{
	uint32_t i;

	kith_mp_put_array(b, n);
	for (i = 0; i < n; i++)
		kith_mp_put_id(b, &ids[i]);
}

static void
put_op(struct kith_buf *b, struct kith_slice op)
{
	if (op.n == 0)
		kith_mp_put_map(b, 0);
	else
		kith_mp_put_raw(b, op);
}

/* A create bears no group: its id is not known before its bytes are. */
static const struct kith_id *
group_as_written(const struct kith_record *d)
{
	return d->kind == KITH_K_CREATE ? &kith_id_none : &d->group;
}

int
kith_record_author_bytes(const struct kith_record *r, struct kith_buf *out)
{
	kith_mp_put_array(out, 11);
	kith_mp_put_uint(out, KITH_RECORD_VERSION);
	kith_mp_put_id_or_none(out, group_as_written(r));
	kith_mp_put_id(out, &r->node);
	kith_mp_put_uint(out, r->kind);
	kith_mp_put_id_or_none(out, &r->author);
	kith_mp_put_id_or_none(out, &r->doc);
	kith_mp_put_uint(out, r->counter);
	put_ids(out, r->parents, r->n_parents);
	kith_mp_put_id_or_none(out, &r->via);
	put_op(out, r->op);
	kith_mp_put_id_or_none(out, &r->body_hash);
	return kith_buf_err(out);
}

int
kith_record_author_check(const struct kith_env *env, const struct kith_record *r, const uint8_t account_pk[32])
{
	struct kith_buf b;
	int e;

	if (!r->has_author_sig)
		return KITH_E_BADSIG;
	kith_buf_init(&b, 0);
	e = kith_record_author_bytes(r, &b);
	if (e == KITH_OK)
		e = env->verify(env->ctx, account_pk, KITH_L_AUTHOR, kith_buf_slice(&b), r->author_sig);
	kith_buf_fini(&b);
	return e;
}

static int
author_sign(const struct kith_record *d, const struct kith_signer *account, uint8_t sig[KITH_SIG_BYTES])
{
	struct kith_buf b;
	int e;

	kith_buf_init(&b, 0);
	e = kith_record_author_bytes(d, &b);
	if (e == KITH_OK)
		kith_sign(account, KITH_L_AUTHOR, kith_buf_slice(&b), sig);
	kith_buf_fini(&b);
	return e;
}

int
kith_record_make(const struct kith_record *d, const struct kith_signer *account, struct kith_buf *out)
{
	uint8_t sig[KITH_SIG_BYTES], incarnation[8];
	bool has_sig = account != NULL || d->has_author_sig;
	struct kith_record check;
	size_t start = out->n;
	int e = kith_buf_err(out);

	if (e != KITH_OK)
		return e;
	if (d->n_parents > KITH_PARENTS_MAX || d->n_frontier > KITH_PARENTS_MAX)
		return KITH_E_LIMIT;
	memcpy(sig, d->author_sig, sizeof(sig));
	if (account != NULL) {
		e = author_sign(d, account, sig);
		if (e != KITH_OK)
			return e;
	}
	kith_put_be64(incarnation, d->incarnation);
	kith_mp_put_array(out, HEADER_FIELDS);
	kith_mp_put_uint(out, KITH_RECORD_VERSION);
	kith_mp_put_id_or_none(out, group_as_written(d));
	kith_mp_put_id(out, &d->node);
	kith_mp_put_bin(out, kith_slice_of(incarnation, sizeof(incarnation)));
	kith_mp_put_id(out, &d->scope);
	kith_mp_put_uint(out, d->seq);
	kith_mp_put_id_or_none(out, &d->prev);
	kith_mp_put_uint(out, d->kind);
	kith_mp_put_id_or_none(out, &d->author);
	kith_mp_put_id_or_none(out, &d->doc);
	kith_mp_put_uint(out, d->counter);
	kith_mp_put_uint(out, d->clock);
	put_ids(out, d->parents, d->n_parents);
	put_ids(out, d->frontier, d->n_frontier);
	kith_mp_put_id_or_none(out, &d->via);
	put_op(out, d->op);
	kith_mp_put_uint(out, d->body_len);
	kith_mp_put_id_or_none(out, &d->body_hash);
	kith_mp_put_bin(out, kith_slice_of(sig, has_sig ? sizeof(sig) : 0));
	kith_mp_put_uint(out, 0);
	e = kith_buf_err(out);
	if (e == KITH_OK)
		e = kith_record_parse(kith_slice_from(kith_buf_slice(out), start), &check);
	if (e != KITH_OK)
		out->n = start;
	return e;
}

/* ---- bodies ---- */

enum field_type { FIELD_STR, FIELD_IDS, FIELD_MAPS };

/* What a body may say that this version knows; other fields are carried as they are. */
static const struct body_field {
	const char *key;
	enum field_type type;
	uint32_t max;                   /* bytes, or items */
} body_fields[] = {
	{ "attachments", FIELD_MAPS, KITH_LIST_MAX },
	{ "emoji", FIELD_STR, KITH_WORD_MAX },
	{ "lang", FIELD_STR, KITH_WORD_MAX },
	{ "mentions", FIELD_IDS, KITH_LIST_MAX },
	{ "name", FIELD_STR, KITH_WORD_MAX },
	{ "reason", FIELD_STR, KITH_TEXT_MAX },
	{ "text", FIELD_STR, KITH_TEXT_MAX },
	{ "topic", FIELD_STR, KITH_TEXT_MAX },
	{ "value", FIELD_STR, KITH_TEXT_MAX },
};

static int
check_list(struct kith_mp_reader *r, const struct body_field *f)
{
	struct kith_id last = kith_id_none, id;
	uint32_t n = kith_mp_array(r), i;

	if (n > f->max)
		return KITH_E_LIMIT;
	for (i = 0; i < n; i++) {
		if (f->type == FIELD_MAPS) {
			if (kith_mp_peek(r) != KITH_MP_MAP)
				return KITH_E_MALFORMED;
			(void)kith_mp_skip(r);
			continue;
		}
		id = kith_mp_id(r);             /* none where there is no id: below any */
		if (kith_id_cmp(&last, &id) >= 0)
			return KITH_E_MALFORMED;
		last = id;
	}
	return r->err;
}

static int
check_field(struct kith_mp_reader *r, struct kith_slice key)
{
	size_t i;

	for (i = 0; i < sizeof(body_fields) / sizeof(body_fields[0]); i++) {
		const struct body_field *f = &body_fields[i];

		if (!kith_slice_is(key, f->key))
			continue;
		if (f->type != FIELD_STR)
			return check_list(r, f);
		return kith_mp_str(r).n > f->max ? KITH_E_LIMIT : r->err;
	}
	(void)kith_mp_skip(r);
	return r->err;
}

static int
check_body(struct kith_slice body, struct kith_slice *map)
{
	struct kith_mp_reader r;
	struct kith_slice whole, key;
	uint8_t salt[16];
	uint32_t n;
	int e;

	if (body.n > KITH_BODY_MAX)
		return KITH_E_LIMIT;
	e = kith_mp_check(body, &limits);
	if (e != KITH_OK)
		return e;
	kith_mp_read(&r, body);
	kith_mp_array_exact(&r, 2);
	kith_mp_bin_exact(&r, salt, sizeof(salt));
	whole = r.in;
	for (n = kith_mp_map(&r); n > 0; n--) {
		key = kith_mp_str(&r);
		if (r.err != KITH_OK)
			break;
		e = key.n > KITH_WORD_MAX ? KITH_E_LIMIT : check_field(&r, key);
		if (e != KITH_OK)
			return e;
	}
	if (!kith_mp_done(&r))
		return KITH_E_MALFORMED;
	*map = whole;
	return KITH_OK;
}

int
kith_record_body_ok(const struct kith_record *r, struct kith_slice body)
{
	struct kith_slice map;
	struct kith_id h;

	if (body.n != r->body_len)
		return KITH_E_BADSIG;
	if (body.n == 0)
		return KITH_OK;
	kith_hash(KITH_L_BODY, body, &h);
	return kith_id_eq(&h, &r->body_hash) ? check_body(body, &map) : KITH_E_BADSIG;
}

struct kith_slice
kith_body_map(struct kith_slice body)
{
	struct kith_mp_reader r;

	kith_mp_read(&r, body);
	kith_mp_array_exact(&r, 2);
	(void)kith_mp_bin(&r);
	return kith_mp_skip(&r);
}

int
kith_body_make(const uint8_t salt[16], struct kith_slice map, struct kith_buf *out)
{
	struct kith_slice whole;
	size_t start = out->n;
	int e;

	kith_mp_put_array(out, 2);
	kith_mp_put_bin(out, kith_slice_of(salt, 16));
	kith_mp_put_raw(out, map);
	e = kith_buf_err(out);
	if (e == KITH_OK)
		e = check_body(kith_slice_from(kith_buf_slice(out), start), &whole);
	if (e != KITH_OK && out->n > start)
		out->n = start;
	return e;
}
