#include <string.h>

#include "base/b32.h"
#include "client/common.h"
#include "client/profile.h"
#include "client/render.h"
#include "id/doc.h"
#include "id/node.h"
#include "storage/ledger.h"
#include "wire/mp.h"

/* Who is who, here and elsewhere. */

/* KITH_T_USER: none, 'w', uid -> document: people elsewhere whom somebody here has looked for */
static void
known_key(const struct kith_id *uid, uint8_t key[65])
{
	memset(key, 0, 32);
	key[32] = 'w';
	memcpy(key + 33, uid->b, 32);
}

int
kith_home_of(struct kith_call *c, const struct kith_id *uid, struct kith_id *home)
{
	struct kith_account a;
	struct kith_slice raw;
	struct kith_doc doc;
	uint8_t key[65];
	struct kith_id group;
	size_t it = 0;
	int r = kith_account_get(c->t, uid, &a);

	if (r == KITH_OK) {
		*home = c->self->node;
		return KITH_OK;
	}
	if (r != KITH_E_NOTFOUND)
		return r;
	while (c->host->group_next(c->host->ctx, &it, &group)) {
		struct kith_group *g = c->host->group(c->host->ctx, c->t, &group);
		struct kith_member m;

		if (g != NULL && kith_group_member(g, uid, &m) == KITH_OK && m.member) {
			*home = m.node;
			return KITH_OK;
		}
	}
	known_key(uid, key);
	r = kith_txn_get(c->t, KITH_T_USER, kith_slice_of(key, sizeof(key)), &raw);
	if (r == KITH_OK)
		r = kith_doc_parse(raw, &doc) == KITH_OK ? KITH_OK : KITH_E_CORRUPT;
	if (r == KITH_OK)
		*home = doc.home;
	return r;
}

int
kith_known_person(struct kith_txn *t, const struct kith_id *uid, struct kith_person *out)
{
	struct kith_slice raw;
	struct kith_doc doc;
	uint8_t key[65];
	int r;

	known_key(uid, key);
	r = kith_txn_get(t, KITH_T_USER, kith_slice_of(key, sizeof(key)), &raw);
	if (r == KITH_OK)
		r = kith_doc_parse(raw, &doc) == KITH_OK ? KITH_OK : KITH_E_CORRUPT;
	if (r != KITH_OK)
		return r;
	out->node = doc.home;
	out->guest = (doc.flags & KITH_DOC_GUEST) != 0;
	kith_copy_text(doc.handle, out->handle, sizeof(out->handle));
	return KITH_OK;
}

static void
put_user(struct kith_call *c, const struct kith_id *uid, struct kith_slice handle, const struct kith_id *node)
{
	struct kith_node_record rec;

	kith_mp_put_map(c->result, 4);
	kith_mp_put_cstr(c->result, "handle");
	kith_mp_put_str(c->result, handle);
	kith_put_key_id(c->result, "node", node);
	kith_mp_put_cstr(c->result, "node_name");
	if (kith_node_get(c->t, node, &rec) == KITH_OK)
		kith_mp_put_str(c->result, rec.name);
	else
		kith_mp_put_cstr(c->result, "");
	kith_put_key_id(c->result, "uid", uid);
}

static int
find_uid(struct kith_call *c, const struct kith_id *uid)
{
	struct kith_account a;
	struct kith_slice raw;
	struct kith_doc doc;
	struct kith_id group;
	uint8_t key[65], type;
	size_t it = 0;

	kith_mp_put_map(c->result, 1);
	kith_mp_put_cstr(c->result, "users");
	if (kith_account_get(c->t, uid, &a) == KITH_OK) {
		kith_mp_put_array(c->result, 1);
		put_user(c, uid, kith_slice_str(a.handle), &c->self->node);
		return KITH_OK;
	}
	while (c->host->group_next(c->host->ctx, &it, &group)) {
		struct kith_group *g = c->host->group(c->host->ctx, c->t, &group);
		struct kith_member m;

		if (g == NULL || kith_group_member(g, &c->session->uid, &m) != KITH_OK || !m.member || kith_group_member(g, uid, &m) != KITH_OK)
			continue;
		if (kith_ledger_object_get(c->t, &m.doc, &type, &raw) == KITH_OK && kith_doc_parse(raw, &doc) == KITH_OK) {
			kith_mp_put_array(c->result, 1);
			put_user(c, uid, doc.handle, &m.node);
			return KITH_OK;
		}
	}
	known_key(uid, key);
	if (kith_txn_get(c->t, KITH_T_USER, kith_slice_of(key, sizeof(key)), &raw) == KITH_OK && kith_doc_parse(raw, &doc) == KITH_OK) {
		kith_mp_put_array(c->result, 1);
		put_user(c, uid, doc.handle, &doc.home);
		return KITH_OK;
	}
	kith_mp_put_array(c->result, 0);
	return KITH_OK;
}

int
kith_api_user_find(struct kith_call *c)
{
	struct kith_slice text = kith_arg_str(c->args, "text"), name = text, node = { NULL, 0 }, bare;
	struct kith_id uid, ids[16], at;
	struct kith_buf p;
	uint32_t number, found = 0;
	size_t n, mark;
	int r;

	if (kith_id_parse(text, &uid) == KITH_OK)
		return find_uid(c, &uid);
	for (size_t i = text.n; i > 0; i--) {
		if (text.p[i - 1] == '@') {
			name = kith_slice_of(text.p, i - 1);
			node = kith_slice_from(text, i);
			break;
		}
	}
	if (node.n > 0) {
		r = c->host->node_named(c->host->ctx, c->t, node, &at);
		if (r == KITH_E_NOTFOUND)
			return kith_fail(c, r, "not_found", "no server called %.*s is known here", (int)(node.n > 64 ? 64 : node.n), (const char *)node.p);
		if (r != KITH_OK)
			return r;
		if (!kith_id_eq(&at, &c->self->node)) {
			kith_buf_init(&p, 0);
			kith_mp_put_str(&p, name);
			r = kith_buf_err(&p);
			if (r == KITH_OK)
				r = c->host->ask(c->host->ctx, c, &at, KITH_ASK_WHO, kith_buf_slice(&p));
			kith_buf_fini(&p);
			return r == KITH_OK ? KITH_PENDING : r;
		}
	}
	kith_handle_split(name, &bare, &number);
	n = kith_account_named(c->t, bare, ids, 16);
	kith_mp_put_map(c->result, 1);
	kith_mp_put_cstr(c->result, "users");
	mark = kith_mp_begin(c->result);
	for (size_t i = 0; i < n; i++) {
		struct kith_account a;
		struct kith_slice an;
		uint32_t anum;

		if (kith_account_get(c->t, &ids[i], &a) != KITH_OK || (a.flags & KITH_ACC_DISABLED) != 0)
			continue;
		kith_handle_split(kith_slice_str(a.handle), &an, &anum);
		if (number != 0 && anum != number)
			continue;
		put_user(c, &a.uid, kith_slice_str(a.handle), &c->self->node);
		found++;
	}
	kith_mp_end_array(c->result, mark, found);
	return KITH_OK;
}

int
kith_user_answered(struct kith_call *c, int err, struct kith_slice answer)
{
	static const struct kith_mp_limits lim = { .depth = 4, .values = 64, .nil = false };
	struct kith_mp_reader rd;
	uint32_t n = 0, found = 0;
	size_t mark;

	if (err == KITH_E_BUSY)
		return kith_fail(c, err, "unreachable", "that server cannot be reached now: try again later");
	if (err == KITH_OK && kith_mp_check(answer, &lim) != KITH_OK)
		return kith_fail(c, KITH_E_MALFORMED, "unreachable", "that server gave no sensible answer");
	kith_mp_put_map(c->result, 1);
	kith_mp_put_cstr(c->result, "users");
	mark = kith_mp_begin(c->result);
	kith_mp_read(&rd, answer);
	if (err == KITH_OK)
		n = kith_mp_array(&rd);
	for (uint32_t i = 0; i < n && rd.err == KITH_OK && found < 16; i++) {
		struct kith_slice handle, raw;
		struct kith_id uid;
		struct kith_doc doc;
		uint8_t key[65];

		kith_mp_array_exact(&rd, 3);
		uid = kith_mp_id(&rd);
		handle = kith_mp_str(&rd);
		raw = kith_mp_bin(&rd);
		if (rd.err != KITH_OK || kith_doc_parse(raw, &doc) != KITH_OK || !kith_id_eq(&doc.uid, &uid) || !kith_slice_eq(doc.handle, handle))
			continue;
		known_key(&uid, key);
		if (kith_txn_put(c->t, KITH_T_USER, kith_slice_of(key, sizeof(key)), raw) != KITH_OK)
			continue;
		put_user(c, &uid, doc.handle, &doc.home);
		found++;
	}
	kith_mp_end_array(c->result, mark, found);
	return KITH_OK;
}
