#include "client/files.h"

#include <stdio.h>
#include <string.h>

#include "base/b32.h"
#include "client/common.h"
#include "client/render.h"
#include "client/state.h"
#include "wire/mp.h"

/*
 * KITH_T_BLOB, by length of the key:
 *	hash                            32  -> [1, size, type, width, height, made, orphan since]
 *	hash, use, a, b, slot           98  -> empty: who refers to it
 *	use, a, b, slot                 66  -> hash: what they refer to
 * KITH_T_USER: uid, 'b' -> u64: bytes of files that the account has brought
 */
#define KEY_USE 98
#define KEY_SLOT 66
#define FILE_VERSION 1
#define ORPHAN_MS (UINT64_C(24) * 3600 * 1000)

/* ---- types ---- */

enum kith_file_type
kith_file_type(struct kith_slice h)
{
	if (h.n >= 8 && memcmp(h.p, "\x89PNG\r\n\x1a\n", 8) == 0)
		return KITH_FILE_PNG;
	if (h.n >= 3 && memcmp(h.p, "\xff\xd8\xff", 3) == 0)
		return KITH_FILE_JPEG;
	if (h.n >= 6 && (memcmp(h.p, "GIF87a", 6) == 0 || memcmp(h.p, "GIF89a", 6) == 0))
		return KITH_FILE_GIF;
	if (h.n >= 12 && memcmp(h.p, "RIFF", 4) == 0 && memcmp(h.p + 8, "WEBP", 4) == 0)
		return KITH_FILE_WEBP;
	return KITH_FILE_OTHER;
}

const char *
kith_file_type_name(enum kith_file_type t)
{
	switch (t) {
	case KITH_FILE_PNG: return "image/png";
	case KITH_FILE_JPEG: return "image/jpeg";
	case KITH_FILE_GIF: return "image/gif";
	case KITH_FILE_WEBP: return "image/webp";
	case KITH_FILE_OTHER: default: return "application/octet-stream";
	}
}

/* ---- rows ---- */

int
kith_file_get(struct kith_txn *t, const struct kith_id *id, struct kith_file *out)
{
	struct kith_mp_reader r;
	struct kith_file f;
	struct kith_slice v;
	uint64_t type;
	int e = kith_txn_get(t, KITH_T_BLOB, kith_id_slice(id), &v);

	if (e != KITH_OK)
		return e;
	memset(&f, 0, sizeof(f));
	kith_mp_read(&r, v);
	kith_mp_array_exact(&r, 7);
	if (kith_mp_uint(&r) != FILE_VERSION)
		return KITH_E_CORRUPT;
	f.size = kith_mp_uint(&r);
	type = kith_mp_uint(&r);
	f.width = (uint32_t)kith_mp_uint(&r);
	f.height = (uint32_t)kith_mp_uint(&r);
	f.made_ms = kith_mp_uint(&r);
	f.orphan_ms = kith_mp_uint(&r);
	if (!kith_mp_done(&r) || type > KITH_FILE_WEBP)
		return KITH_E_CORRUPT;
	f.type = (enum kith_file_type)type;
	*out = f;
	return KITH_OK;
}

static int
file_put(struct kith_txn *t, const struct kith_id *id, const struct kith_file *f)
{
	struct kith_buf b;
	int r;

	kith_buf_init(&b, 0);
	kith_mp_put_array(&b, 7);
	kith_mp_put_uint(&b, FILE_VERSION);
	kith_mp_put_uint(&b, f->size);
	kith_mp_put_uint(&b, f->type);
	kith_mp_put_uint(&b, f->width);
	kith_mp_put_uint(&b, f->height);
	kith_mp_put_uint(&b, f->made_ms);
	kith_mp_put_uint(&b, f->orphan_ms);
	r = kith_buf_err(&b);
	if (r == KITH_OK)
		r = kith_txn_put(t, KITH_T_BLOB, kith_id_slice(id), kith_buf_slice(&b));
	kith_buf_fini(&b);
	return r;
}

/* hash, use, a, b, slot; from its 33rd byte on it is the key of the slot. */
static void
use_key(uint8_t key[KEY_USE], const struct kith_id *id, enum kith_file_use use, const struct kith_id *a, const struct kith_id *b,
    uint8_t slot)
{
	memcpy(key, id->b, KITH_ID_BYTES);
	key[32] = (uint8_t)use;
	memcpy(key + 33, a->b, KITH_ID_BYTES);
	memcpy(key + 65, b != NULL ? b->b : kith_id_none.b, KITH_ID_BYTES);
	key[97] = slot;
}

/* The next use of a file after *key, which begins with its hash (and from there: zeros, for the first). */
static int
next_use(struct kith_txn *t, uint8_t key[KEY_USE])
{
	struct kith_cursor *c = NULL;
	struct kith_slice k, v;
	int r = kith_cursor_open(t, KITH_T_BLOB, &c);

	if (r != KITH_OK)
		return r;
	r = kith_cursor_seek(c, kith_slice_of(key, KEY_USE), false, &k, &v);
	if (r == KITH_OK && k.n == KEY_USE && memcmp(k.p, key, KEY_USE) == 0)
		r = kith_cursor_step(c, false, &k, &v);
	if (r == KITH_OK && (k.n != KEY_USE || memcmp(k.p, key, KITH_ID_BYTES) != 0))
		r = KITH_E_NOTFOUND;
	if (r == KITH_OK)
		memcpy(key, k.p, KEY_USE);
	kith_cursor_close(c);
	return r;
}

/* Does anything but uploads name it? */
static int
is_needed(struct kith_txn *t, const struct kith_id *id, bool *yes)
{
	uint8_t key[KEY_USE];
	int r;

	use_key(key, id, 0, &kith_id_none, NULL, 0);
	*yes = false;
	/* uploads sort behind all others */
	r = next_use(t, key);
	*yes = r == KITH_OK && key[32] != KITH_FILE_UPLOAD;
	return r == KITH_E_NOTFOUND ? KITH_OK : r;
}

/* ---- being referred to ---- */

static int
look_later(struct kith_txn *t, uint64_t wall_ms, const struct kith_id *id)
{
	return kith_due_add(t, wall_ms + ORPHAN_MS, KITH_DUE_FILE, kith_id_slice(id));
}

/* Whether somebody needs it may have changed. */
static int
note_need(struct kith_txn *t, uint64_t wall_ms, const struct kith_id *id)
{
	struct kith_file f;
	bool needed;
	int r = kith_file_get(t, id, &f);

	if (r != KITH_OK)
		return r == KITH_E_NOTFOUND ? KITH_OK : r;
	r = is_needed(t, id, &needed);
	if (r != KITH_OK || needed == (f.orphan_ms == 0))
		return r;
	f.orphan_ms = needed ? 0 : wall_ms;
	r = file_put(t, id, &f);
	return r == KITH_OK && !needed ? look_later(t, wall_ms, id) : r;
}

int
kith_file_refer(struct kith_txn *t, uint64_t wall_ms, enum kith_file_use use, const struct kith_id *a, const struct kith_id *b,
    uint8_t slot, const struct kith_id *id)
{
	struct kith_id before = kith_id_none;
	uint8_t key[KEY_USE];
	struct kith_slice slot_key, v;
	int r;

	use_key(key, id, use, a, b, slot);
	slot_key = kith_slice_of(key + KITH_ID_BYTES, KEY_SLOT);
	r = kith_txn_get(t, KITH_T_BLOB, slot_key, &v);
	if (r == KITH_OK && v.n == KITH_ID_BYTES)
		memcpy(before.b, v.p, KITH_ID_BYTES);
	if (r == KITH_E_NOTFOUND)
		r = KITH_OK;
	if (r != KITH_OK || kith_id_eq(&before, id))
		return r;
	if (!kith_id_is_none(id)) {
		r = kith_txn_put(t, KITH_T_BLOB, slot_key, kith_id_slice(id));
		if (r == KITH_OK)
			r = kith_txn_put(t, KITH_T_BLOB, kith_slice_of(key, KEY_USE), kith_slice_of(NULL, 0));
		if (r == KITH_OK)
			r = note_need(t, wall_ms, id);
	} else {
		r = kith_txn_del(t, KITH_T_BLOB, slot_key);
	}
	if (r != KITH_OK || kith_id_is_none(&before))
		return r;
	use_key(key, &before, use, a, b, slot);
	r = kith_txn_del(t, KITH_T_BLOB, kith_slice_of(key, KEY_USE));
	return r == KITH_OK || r == KITH_E_NOTFOUND ? note_need(t, wall_ms, &before) : r;
}

int
kith_file_hold(struct kith_txn *t, uint64_t wall_ms, const struct kith_id *id, const struct kith_file *f)
{
	struct kith_file row = *f, had;
	bool needed;
	int r = kith_file_get(t, id, &had);

	if (r != KITH_E_NOTFOUND)
		return r;
	r = is_needed(t, id, &needed);
	row.made_ms = wall_ms;
	row.orphan_ms = needed ? 0 : wall_ms;
	if (r == KITH_OK)
		r = file_put(t, id, &row);
	return r == KITH_OK && !needed ? look_later(t, wall_ms, id) : r;
}

int
kith_file_look_group(struct kith_txn *t, uint64_t wall_ms, const struct kith_id *group)
{
	static const char *const keys[] = { [KITH_SLOT_AVATAR] = "avatar", [KITH_SLOT_BANNER] = "banner" };
	char text[KITH_ID_STR + 1];
	struct kith_id id;
	int r = KITH_OK;

	for (uint8_t i = 0; r == KITH_OK && i < sizeof(keys) / sizeof(keys[0]); i++) {
		kith_render_register(t, group, &kith_id_none, keys[i], text, sizeof(text));
		if (kith_id_parse(kith_slice_str(text), &id) != KITH_OK)
			id = kith_id_none;
		r = kith_file_refer(t, wall_ms, KITH_FILE_GROUP, group, NULL, i, &id);
	}
	return r;
}

/* ---- who may see it ---- */

static bool
key_of_group(struct kith_txn *t, const struct kith_id *group, const struct kith_id *id, enum kith_file_use use)
{
	uint8_t key[KEY_USE], first[KEY_USE];
	struct kith_slice v;

	use_key(key, id, use, group, NULL, 0);
	memcpy(first, key, KEY_USE);
	if (kith_txn_get(t, KITH_T_BLOB, kith_slice_of(key, KEY_USE), &v) == KITH_OK)
		return true;
	return next_use(t, key) == KITH_OK && memcmp(key, first, 65) == 0;
}

bool
kith_file_of_group(struct kith_txn *t, const struct kith_id *group, const struct kith_id *id)
{
	return key_of_group(t, group, id, KITH_FILE_GROUP) || key_of_group(t, group, id, KITH_FILE_PROFILE);
}

bool
kith_file_user_next(struct kith_txn *t, const struct kith_id *id, struct kith_file_user *u)
{
	uint8_t key[KEY_USE];

	use_key(key, id, u->use, &u->a, &u->b, u->slot);
	if (next_use(t, key) != KITH_OK)
		return false;
	u->use = (enum kith_file_use)key[32];
	memcpy(u->a.b, key + 33, KITH_ID_BYTES);
	memcpy(u->b.b, key + 65, KITH_ID_BYTES);
	u->slot = key[97];
	return true;
}

/* Is it a file of a group that uid is in? */
static bool
of_any_group(struct kith_txn *t, const struct kith_id *uid, const struct kith_id *id)
{
	struct kith_file_user u;

	memset(&u, 0, sizeof(u));
	for (int n = 0; n < KITH_FILE_LOOK_MAX && kith_file_user_next(t, id, &u); n++) {
		if ((u.use == KITH_FILE_GROUP || u.use == KITH_FILE_PROFILE) && kith_state_is_member(t, &u.a, uid))
			return true;
	}
	return false;
}

bool
kith_file_may_see(struct kith_txn *t, const struct kith_id *uid, const struct kith_id *group, const struct kith_id *id)
{
	static const enum kith_file_use own[] = { KITH_FILE_UPLOAD, KITH_FILE_ACCOUNT, KITH_FILE_FRIEND };

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		if (key_of_group(t, uid, id, own[i]))
			return true;
	}
	if (!kith_id_is_none(group) && kith_file_of_group(t, group, id) && kith_state_is_member(t, group, uid))
		return true;
	return of_any_group(t, uid, id);
}

int
kith_file_take_picture(struct kith_call *c, const char *name, struct kith_slice text, struct kith_id *out)
{
	struct kith_file f;

	*out = kith_id_none;
	if (text.n == 0)
		return KITH_OK;
	if (kith_id_parse(text, out) != KITH_OK || kith_file_get(c->t, out, &f) != KITH_OK || !kith_file_may_see(c->t, &c->session->uid, &kith_id_none, out))
		return kith_fail(c, KITH_E_NOTFOUND, "not_found", "%s: bring the picture first, its id is then known here", name);
	if (f.type != KITH_FILE_WEBP)
		return kith_fail(c, KITH_E_MALFORMED, "invalid_params", "%s: a picture that was brought as one (kind=avatar or kind=banner)", name);
	return KITH_OK;
}

/* ---- quotas ---- */

static struct kith_slice
quota_key(const struct kith_id *uid, uint8_t key[33])
{
	memcpy(key, uid->b, KITH_ID_BYTES);
	key[32] = 'b';
	return kith_slice_of(key, 33);
}

uint64_t
kith_file_used(struct kith_txn *t, const struct kith_id *uid)
{
	struct kith_slice v;
	uint8_t key[33];

	return kith_txn_get(t, KITH_T_USER, quota_key(uid, key), &v) == KITH_OK && v.n == 8 ? kith_get_be64(v.p) : 0;
}

static int
set_used(struct kith_txn *t, const struct kith_id *uid, uint64_t bytes)
{
	uint8_t key[33], be[8];

	kith_put_be64(be, bytes);
	return kith_txn_put(t, KITH_T_USER, quota_key(uid, key), kith_slice_of(be, sizeof(be)));
}

/* The uploader's row names the file by itself, since one account brings many: there is no slot. */
static int
count_upload(struct kith_call *c, const struct kith_id *id, uint64_t size)
{
	const struct kith_id *uid = &c->session->uid;
	uint64_t used = kith_file_used(c->t, uid);
	uint8_t key[KEY_USE];
	struct kith_slice v;
	int r;

	use_key(key, id, KITH_FILE_UPLOAD, uid, NULL, 0);
	r = kith_txn_get(c->t, KITH_T_BLOB, kith_slice_of(key, KEY_USE), &v);
	if (r != KITH_E_NOTFOUND)
		return r;
	if (c->conf->quota > 0 && (used > c->conf->quota || size > c->conf->quota - used))
		return kith_fail(c, KITH_E_LIMIT, "quota", "your files on this node would take more than the %llu MiB that each account has",
		    (unsigned long long)(c->conf->quota >> 20));
	r = kith_txn_put(c->t, KITH_T_BLOB, kith_slice_of(key, KEY_USE), kith_slice_of(NULL, 0));
	return r == KITH_OK ? set_used(c->t, uid, used + size) : r;
}

int
kith_file_due(struct kith_call *c, const struct kith_id *id)
{
	struct kith_file f;
	uint8_t key[KEY_USE];
	struct kith_id uid;
	uint64_t used;
	bool needed;
	int r = kith_file_get(c->t, id, &f);

	if (r == KITH_OK)
		r = is_needed(c->t, id, &needed);
	if (r != KITH_OK)
		return r == KITH_E_NOTFOUND ? KITH_OK : r;
	/* named again meanwhile, or not for a day yet: then another look is due */
	if (needed || f.orphan_ms == 0 || c->now.wall_ms < f.orphan_ms + ORPHAN_MS)
		return KITH_OK;
	for (;;) {
		use_key(key, id, 0, &kith_id_none, NULL, 0);
		r = next_use(c->t, key);
		if (r != KITH_OK)
			break;
		memcpy(uid.b, key + 33, KITH_ID_BYTES);
		used = kith_file_used(c->t, &uid);
		r = set_used(c->t, &uid, used > f.size ? used - f.size : 0);
		if (r == KITH_OK)
			r = kith_txn_del(c->t, KITH_T_BLOB, kith_slice_of(key, KEY_USE));
		if (r != KITH_OK)
			return r;
	}
	if (r == KITH_E_NOTFOUND)
		r = kith_txn_del(c->t, KITH_T_BLOB, kith_id_slice(id));
	if (r == KITH_OK)
		c->host->erase_file(c->host->ctx, id);
	return r;
}

/* ---- what the edge asks ---- */

struct kith_file
kith_file_args(const struct kith_args *args)
{
	return (struct kith_file){
		.size = (uint64_t)kith_arg_num(args, "size", 0),
		.width = (uint32_t)kith_arg_num(args, "width", 0),
		.height = (uint32_t)kith_arg_num(args, "height", 0),
		.type = (enum kith_file_type)kith_arg_num(args, "type", 0),
	};
}

static int
put(struct kith_call *c)
{
	struct kith_id id = kith_arg_id(c->args, "id");
	struct kith_file f = kith_file_args(c->args);
	int r = count_upload(c, &id, f.size);

	if (r == KITH_OK)
		r = kith_file_hold(c->t, c->now.wall_ms, &id, &f);
	if (r != KITH_OK)
		return r;
	kith_mp_put_map(c->result, 5);
	kith_mp_put_cstr(c->result, "height");
	kith_mp_put_uint(c->result, f.height);
	kith_put_key_id(c->result, "id", &id);
	kith_mp_put_cstr(c->result, "size");
	kith_mp_put_uint(c->result, f.size);
	kith_mp_put_cstr(c->result, "type");
	kith_mp_put_cstr(c->result, kith_file_type_name(f.type));
	kith_mp_put_cstr(c->result, "width");
	kith_mp_put_uint(c->result, f.width);
	return KITH_OK;
}

#define NUM(n, hi) { n, KITH_P_INT, true, 0, hi, "" }
static const struct kith_param put_params[] = {
	NUM("height", 1 << 24), { "id", KITH_P_ID, true, 0, 0, "" }, NUM("size", INT64_MAX), NUM("type", KITH_FILE_WEBP),
	NUM("width", 1 << 24), { .name = NULL },
};
static const struct kith_field no_result[] = { { .name = NULL } };

const struct kith_method kith_file_method_put = {
	.name = "blob", .doc = "", .write = true, .auth = KITH_AUTH_ANY, .scope = KITH_SCOPE_FILES, .rate = KITH_RATE_NONE, .params = put_params, .result = no_result,
	.run = put,
};
