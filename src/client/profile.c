#include "client/profile.h"

#include <string.h>

#include "base/b32.h"
#include "client/common.h"
#include "client/files.h"
#include "client/friends.h"
#include "client/render.h"
#include "client/state.h"
#include "storage/ledger.h"
#include "wire/mp.h"

#define SHARED_MAX 256          /* groups of the viewer that are looked through for somebody */
#define KEY_OWN (KITH_ID_BYTES + 1)
#define KEY_SHOWN (2 * KITH_ID_BYTES + 1 + 16)

static const struct kith_profile nothing;

/* ---- as bytes ---- */

static void
put_text(struct kith_buf *b, const char *key, const char *text)
{
	if (text[0] != '\0') {
		kith_mp_put_cstr(b, key);
		kith_mp_put_cstr(b, text);
	}
}

void
kith_profile_write(struct kith_buf *b, const struct kith_profile *p)
{
	bool avatar = !kith_id_is_none(&p->avatar);

	kith_mp_put_map(b, (uint32_t)avatar + (p->bio[0] != '\0') + (p->name[0] != '\0') + (p->pronouns[0] != '\0') + (p->status[0] != '\0'));
	if (avatar) {
		kith_mp_put_cstr(b, "avatar");
		kith_mp_put_id(b, &p->avatar);
	}
	put_text(b, "bio", p->bio);
	put_text(b, "name", p->name);
	put_text(b, "pronouns", p->pronouns);
	put_text(b, "status", p->status);
}

static void
read_text(struct kith_slice map, const char *key, char *out, size_t cap)
{
	struct kith_slice v = kith_mp_find(map, key);
	struct kith_mp_reader r;

	kith_mp_read(&r, v);
	if (v.n > 0 && kith_mp_peek(&r) == KITH_MP_STR)
		kith_copy_text(kith_mp_str(&r), out, cap);
	kith_tame(out);
}

void
kith_profile_read(struct kith_slice map, struct kith_profile *out)
{
	struct kith_slice v = kith_mp_find(map, "avatar");
	char name[512];
	struct kith_mp_reader r;
	struct kith_buf clean;

	*out = nothing;
	kith_mp_read(&r, v);
	if (v.n == 2 + KITH_ID_BYTES && kith_mp_peek(&r) == KITH_MP_BIN)
		out->avatar = kith_mp_id(&r);
	read_text(map, "bio", out->bio, sizeof(out->bio));
	read_text(map, "pronouns", out->pronouns, sizeof(out->pronouns));
	read_text(map, "status", out->status, sizeof(out->status));
	name[0] = '\0';
	read_text(map, "name", name, sizeof(name));
	kith_buf_init(&clean, sizeof(out->name) - 1);
	if (name[0] != '\0' && kith_nick_clean(kith_slice_str(name), &clean) == KITH_OK)
		kith_copy_text(kith_buf_slice(&clean), out->name, sizeof(out->name));
	kith_buf_fini(&clean);
}

/* ---- one's own. KITH_T_USER: uid, 'p' -> map ---- */

static struct kith_slice
own_key(const struct kith_id *uid, uint8_t key[KEY_OWN])
{
	memcpy(key, uid->b, KITH_ID_BYTES);
	key[KITH_ID_BYTES] = 'p';
	return kith_slice_of(key, KEY_OWN);
}

int
kith_profile_own(struct kith_txn *t, const struct kith_id *uid, struct kith_profile *out)
{
	uint8_t key[KEY_OWN];
	struct kith_slice v;
	int r = kith_txn_get(t, KITH_T_USER, own_key(uid, key), &v);

	*out = nothing;
	if (r == KITH_OK)
		kith_profile_read(v, out);
	return r == KITH_E_NOTFOUND ? KITH_OK : r;
}

static int
tell_group(struct kith_call *c, struct kith_group *g, const struct kith_id *uid, const struct kith_profile *p)
{
	struct kith_draft d;
	struct kith_buf body;
	struct kith_op op;
	int r;

	memset(&d, 0, sizeof(d));
	memset(&op, 0, sizeof(op));
	kith_buf_init(&body, 0);
	kith_profile_write(&body, p);
	r = kith_buf_err(&body);
	d.kind = KITH_K_PROFILE;
	d.op = &op;
	d.body_map = kith_buf_slice(&body);
	if (r == KITH_OK)
		r = kith_call_write(c, g, uid, &d, NULL);
	kith_buf_fini(&body);
	/* who may say nothing there now, shows what they showed before */
	return r == KITH_E_DENIED ? KITH_OK : r;
}

int
kith_profile_introduce(struct kith_call *c, const struct kith_id *group, const struct kith_id *uid)
{
	struct kith_group *g = c->host->group(c->host->ctx, c->t, group);
	struct kith_profile p;
	struct kith_account a;
	int r = kith_account_get(c->t, uid, &a);

	if (r != KITH_OK || g == NULL)
		return r == KITH_E_NOTFOUND ? KITH_OK : r;
	r = kith_profile_own(c->t, uid, &p);
	if (r != KITH_OK || memcmp(&p, &nothing, sizeof(p)) == 0)
		return r;
	return tell_group(c, g, uid, &p);
}

/* Takes a parameter over: its bytes as they are, "" to say nothing. */
static int
take_text(struct kith_call *c, const char *key, char *out, size_t cap)
{
	struct kith_slice v = kith_arg_str(c->args, key);

	if (!kith_arg_has(c->args, key))
		return KITH_OK;
	for (size_t i = 0; i < v.n; i++) {
		if (v.p[i] < 0x20 && !(v.p[i] == '\n' && strcmp(key, "bio") == 0))
			return kith_fail(c, KITH_E_MALFORMED, "invalid_params", "%s: no control characters", key);
	}
	memset(out, 0, cap);
	kith_copy_text(v, out, cap);
	return KITH_OK;
}

static int
take_nick(struct kith_call *c, char *out, size_t cap)
{
	struct kith_slice v = kith_arg_str(c->args, "nick");
	struct kith_buf clean;
	int r = KITH_OK;

	if (!kith_arg_has(c->args, "nick"))
		return KITH_OK;
	kith_buf_init(&clean, cap - 1);
	if (v.n > 0)
		r = kith_nick_clean(v, &clean);
	memset(out, 0, cap);
	if (r == KITH_OK)
		kith_copy_text(kith_buf_slice(&clean), out, cap);
	kith_buf_fini(&clean);
	if (r == KITH_E_MALFORMED)
		return kith_fail(c, r, "invalid_params", "nick: 1 to %d characters, without # @ / and without space at its ends", KITH_NICK_GRAPHEMES);
	return r;
}

static int
take_avatar(struct kith_call *c, struct kith_id *out)
{
	return kith_arg_has(c->args, "avatar") ? kith_file_take_picture(c, "avatar", kith_arg_str(c->args, "avatar"), out) : KITH_OK;
}

int
kith_api_account_profile(struct kith_call *c)
{
	const struct kith_id *uid = &c->session->uid;
	struct kith_id group = kith_id_none;
	struct kith_profile p, was;
	uint8_t key[KEY_OWN];
	struct kith_buf b;
	int r = kith_profile_own(c->t, uid, &p);

	was = p;
	if (r == KITH_OK)
		r = take_nick(c, p.name, sizeof(p.name));
	if (r == KITH_OK)
		r = take_text(c, "bio", p.bio, sizeof(p.bio));
	if (r == KITH_OK)
		r = take_text(c, "pronouns", p.pronouns, sizeof(p.pronouns));
	if (r == KITH_OK)
		r = take_text(c, "status", p.status, sizeof(p.status));
	if (r == KITH_OK)
		r = take_avatar(c, &p.avatar);
	if (r != KITH_OK || memcmp(&p, &was, sizeof(p)) == 0)
		return r;
	kith_buf_init(&b, 0);
	kith_profile_write(&b, &p);
	r = kith_buf_err(&b);
	if (r == KITH_OK)
		r = kith_txn_put(c->t, KITH_T_USER, own_key(uid, key), kith_buf_slice(&b));
	kith_buf_fini(&b);
	if (r == KITH_OK)
		r = kith_file_refer(c->t, c->now.wall_ms, KITH_FILE_ACCOUNT, uid, NULL, KITH_SLOT_AVATAR, &p.avatar);
	while (r == KITH_OK && kith_user_group_next(c->t, uid, &group)) {
		struct kith_group *g = c->host->group(c->host->ctx, c->t, &group);

		if (g != NULL)
			r = tell_group(c, g, uid, &p);
	}
	return r == KITH_OK ? kith_friends_told(c, uid) : r;
}

/*
 * ---- what groups show. KITH_T_USER: uid, 'q', group, clock u64, head of the id u64 -> id ----
 * A row for each visible record: the last one whose words are here is shown.
 */

static struct kith_slice
shown_key(const struct kith_id *uid, const struct kith_id *group, uint64_t clock, const struct kith_id *id, uint8_t key[KEY_SHOWN])
{
	memcpy(key, uid->b, KITH_ID_BYTES);
	key[KITH_ID_BYTES] = 'q';
	memcpy(key + KITH_ID_BYTES + 1, group->b, KITH_ID_BYTES);
	kith_put_be64(key + KEY_SHOWN - 16, clock);
	memcpy(key + KEY_SHOWN - 8, id->b, 8);
	return kith_slice_of(key, KEY_SHOWN);
}

static bool
words_of(struct kith_txn *t, struct kith_slice id, struct kith_profile *out)
{
	struct kith_ledger_record rec;
	struct kith_slice body;
	struct kith_record h;
	struct kith_id at;

	if (id.n != KITH_ID_BYTES)
		return false;
	memcpy(at.b, id.p, KITH_ID_BYTES);
	if (kith_ledger_get_id(t, &at, &rec) != KITH_OK || kith_record_parse(rec.header, &h) != KITH_OK ||
	    kith_ledger_body_get(t, rec.pos, &body) != KITH_OK || kith_record_body_ok(&h, body) != KITH_OK)
		return false;
	kith_profile_read(kith_body_map(body), out);
	return true;
}

int
kith_profile_shown(struct kith_txn *t, const struct kith_id *group, const struct kith_id *uid, struct kith_profile *out)
{
	struct kith_cursor *cur = NULL;
	struct kith_slice k, v;
	struct kith_account a;
	struct kith_id last;
	uint8_t key[KEY_SHOWN];
	int r;

	*out = nothing;
	if (kith_account_get(t, uid, &a) == KITH_OK)
		return kith_profile_own(t, uid, out);
	memset(last.b, 0xff, sizeof(last.b));
	r = kith_cursor_open(t, KITH_T_USER, &cur);
	if (r == KITH_OK)
		r = kith_cursor_seek(cur, shown_key(uid, group, UINT64_MAX, &last, key), true, &k, &v);
	for (; r == KITH_OK && k.n == KEY_SHOWN && memcmp(k.p, key, KEY_SHOWN - 16) == 0; r = kith_cursor_step(cur, true, &k, &v)) {
		if (words_of(t, v, out))
			break;
	}
	kith_cursor_close(cur);
	return r == KITH_E_NOTFOUND ? KITH_OK : r;
}

void
kith_render_nick(struct kith_txn *t, const struct kith_id *group, const struct kith_id *uid, char *out, size_t cap)
{
	char handle[KITH_HANDLE_MAX + 1];
	struct kith_profile p;
	struct kith_slice name;
	uint32_t number;

	if (kith_profile_shown(t, group, uid, &p) == KITH_OK && p.name[0] != '\0') {
		kith_copy_text(kith_slice_str(p.name), out, cap);
		return;
	}
	kith_render_handle(t, group, uid, handle, sizeof(handle));
	kith_handle_split(kith_slice_str(handle), &name, &number);
	kith_copy_text(name, out, cap);
}

int
kith_profile_noticed(struct kith_call *c, const struct kith_change *ch)
{
	bool on = (ch->state & (KITH_S_HIDDEN | KITH_S_REJECTED | KITH_S_SIDE | KITH_S_WAITING)) == 0;
	struct kith_profile p;
	uint8_t key[KEY_SHOWN];
	struct kith_slice k = shown_key(&ch->author, &ch->group, ch->clock, &ch->id, key);
	int r = on ? kith_txn_put(c->t, KITH_T_USER, k, kith_id_slice(&ch->id)) : kith_txn_del(c->t, KITH_T_USER, k);

	if (r == KITH_OK || r == KITH_E_NOTFOUND)
		r = kith_profile_shown(c->t, &ch->group, &ch->author, &p);
	return r == KITH_OK ? kith_file_refer(c->t, c->now.wall_ms, KITH_FILE_PROFILE, &ch->group, &ch->author, KITH_SLOT_AVATAR, &p.avatar) : r;
}

/* ---- people ---- */

static int
in_group(struct kith_txn *t, const struct kith_id *group, const struct kith_id *uid, struct kith_person *out)
{
	struct kith_member m;
	int r = kith_state_member(t, group, uid, &m);

	if (r != KITH_OK)
		return r;
	out->node = m.node;
	out->guest = m.guest;
	kith_render_handle(t, group, uid, out->handle, sizeof(out->handle));
	return kith_profile_shown(t, group, uid, &out->profile);
}

int
kith_person_get(struct kith_txn *t, const struct kith_id *viewer, const struct kith_id *group, const struct kith_id *uid, struct kith_person *out)
{
	struct kith_id at = kith_id_none, self;
	struct kith_account a;
	struct kith_slice v;
	int r = kith_account_get(t, uid, &a);

	memset(out, 0, sizeof(*out));
	out->uid = *uid;
	if (r == KITH_OK) {
		memcpy(out->handle, a.handle, sizeof(out->handle));
		out->guest = (a.flags & KITH_ACC_GUEST) != 0;
		if (kith_txn_get(t, KITH_T_META, kith_slice_str("node"), &v) == KITH_OK && v.n == KITH_ID_BYTES) {
			memcpy(self.b, v.p, v.n);
			out->node = self;
		}
		return kith_profile_own(t, uid, &out->profile);
	}
	if (r == KITH_E_NOTFOUND && !kith_id_is_none(group) && kith_state_is_member(t, group, viewer))
		r = in_group(t, group, uid, out);
	for (int n = 0; r == KITH_E_NOTFOUND && n < SHARED_MAX && kith_user_group_next(t, viewer, &at); n++)
		r = in_group(t, &at, uid, out);
	if (r == KITH_E_NOTFOUND)
		r = kith_friend_person(t, viewer, uid, out);
	return r == KITH_E_NOTFOUND ? kith_known_person(t, uid, out) : r;
}

void
kith_put_person(struct kith_txn *t, struct kith_buf *b, const struct kith_person *p)
{
	char name[KITH_HANDLE_MAX + 1];

	kith_put_key_id(b, "avatar", &p->profile.avatar);
	kith_mp_put_cstr(b, "bio");
	kith_mp_put_cstr(b, p->profile.bio);
	kith_mp_put_cstr(b, "guest");
	kith_mp_put_bool(b, p->guest);
	kith_mp_put_cstr(b, "handle");
	kith_mp_put_cstr(b, p->handle);
	kith_mp_put_cstr(b, "nick");
	kith_mp_put_cstr(b, p->profile.name);
	kith_put_key_id(b, "node", &p->node);
	kith_render_node(t, &p->node, name, sizeof(name));
	kith_mp_put_cstr(b, "node_name");
	kith_mp_put_cstr(b, name);
	kith_mp_put_cstr(b, "pronouns");
	kith_mp_put_cstr(b, p->profile.pronouns);
	kith_mp_put_cstr(b, "status");
	kith_mp_put_cstr(b, p->profile.status);
	kith_put_key_id(b, "uid", &p->uid);
}

int
kith_api_user_get(struct kith_call *c)
{
	struct kith_id uid = kith_arg_id(c->args, "user"), group = kith_id_none, at = kith_id_none;
	struct kith_person p;
	struct kith_friend f;
	uint32_t n = 0;
	size_t mark;
	int r = kith_arg_has(c->args, "group") ? kith_read_group(c, &group) : KITH_OK;

	if (r != KITH_OK)
		return r;
	r = kith_person_get(c->t, &c->session->uid, &group, &uid, &p);
	if (r == KITH_E_NOTFOUND)
		return kith_fail(c, r, "not_found", "nobody of that id is known here");
	if (r == KITH_OK)
		r = kith_friend_get(c->t, &c->session->uid, &uid, &f);
	if (r != KITH_OK)
		return r;
	kith_mp_put_map(c->result, KITH_PERSON_PAIRS + KITH_FRIEND_PAIRS + 1);
	kith_put_person(c->t, c->result, &p);
	kith_put_friend(c->result, &f);
	kith_mp_put_cstr(c->result, "groups");
	mark = kith_mp_begin(c->result);
	for (uint32_t i = 0; i < 1000 && kith_user_group_next(c->t, &c->session->uid, &at); i++) {
		if (kith_state_is_member(c->t, &at, &c->session->uid) && kith_state_is_member(c->t, &at, &uid)) {
			kith_put_id_str(c->result, &at);
			n++;
		}
	}
	kith_mp_end_array(c->result, mark, n);
	return KITH_OK;
}

int
kith_api_user_list(struct kith_call *c)
{
	struct kith_id group = kith_id_none, uid;
	struct kith_mp_reader rd;
	struct kith_person p;
	uint32_t found = 0, n;
	size_t mark;
	int r = kith_arg_has(c->args, "group") ? kith_read_group(c, &group) : KITH_OK;

	if (r != KITH_OK)
		return r;
	kith_mp_put_map(c->result, 1);
	kith_mp_put_cstr(c->result, "users");
	mark = kith_mp_begin(c->result);
	kith_mp_read(&rd, kith_arg(c->args, "users")->raw);
	for (n = kith_mp_array(&rd); n > 0; n--) {
		if (kith_id_parse(kith_mp_str(&rd), &uid) != KITH_OK)
			return kith_fail(c, KITH_E_MALFORMED, "invalid_params", "users: ids of people");
		if (kith_person_get(c->t, &c->session->uid, &group, &uid, &p) != KITH_OK)
			continue;
		kith_mp_put_map(c->result, KITH_PERSON_PAIRS);
		kith_put_person(c->t, c->result, &p);
		found++;
	}
	kith_mp_end_array(c->result, mark, found);
	return KITH_OK;
}
