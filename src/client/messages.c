#include <string.h>

#include "base/b32.h"
#include "client/common.h"
#include "storage/ledger.h"
#include "wire/mp.h"

/* What people say, and what they do to what was said. */

/* ---- the same request twice ---- */

#define TXN_HALF_MS (UINT64_C(12) * 3600 * 1000)
#define TXN_HALVES 2            /* whole half-days kept beside the present one: at least 24 hours */
#define TXN_SWEEP 4             /* old rows that go with each new one */

/* KITH_T_TXN: half-day u32, uid, client's id -> result. Old rows are the first ones. */
static int
txn_key(struct kith_call *c, uint64_t half, struct kith_buf *key)
{
	uint8_t be[4];

	kith_buf_reset(key);
	kith_put_be32(be, (uint32_t)half);
	kith_buf_put(key, be, sizeof(be));
	kith_buf_put(key, c->session->uid.b, 32);
	kith_buf_put_slice(key, kith_arg_str(c->args, "txn"));
	return kith_buf_err(key);
}

int
kith_txn_replay(struct kith_call *c, bool *done)
{
	uint64_t half = c->now.wall_ms / TXN_HALF_MS;
	struct kith_slice v;
	struct kith_buf key;
	int r = KITH_E_NOTFOUND;

	*done = false;
	if (!kith_arg_has(c->args, "txn"))
		return KITH_OK;
	kith_buf_init(&key, 0);
	for (uint64_t back = 0; back <= TXN_HALVES && back <= half && r == KITH_E_NOTFOUND; back++) {
		r = txn_key(c, half - back, &key);
		if (r == KITH_OK)
			r = kith_txn_get(c->t, KITH_T_TXN, kith_buf_slice(&key), &v);
	}
	if (r == KITH_OK) {
		kith_mp_put_raw(c->result, v);
		*done = true;
	}
	kith_buf_fini(&key);
	return r == KITH_E_NOTFOUND ? KITH_OK : r;
}

static int
sweep(struct kith_call *c, uint64_t half)
{
	for (int i = 0; i < TXN_SWEEP; i++) {
		struct kith_cursor *cur = NULL;
		struct kith_slice k, v;
		uint8_t key[4 + 32 + 64];
		size_t n = 0;
		int r = kith_cursor_open(c->t, KITH_T_TXN, &cur);

		if (r != KITH_OK)
			return r;
		r = kith_cursor_seek(cur, kith_slice_of("", 1), false, &k, &v);
		if (r == KITH_OK && k.n >= 4 && k.n <= sizeof(key) && kith_get_be32(k.p) + TXN_HALVES < half) {
			n = k.n;
			memcpy(key, k.p, n);
		}
		kith_cursor_close(cur);
		if (r == KITH_E_NOTFOUND || (r == KITH_OK && n == 0))
			return KITH_OK;
		if (r == KITH_OK)
			r = kith_txn_del(c->t, KITH_T_TXN, kith_slice_of(key, n));
		if (r != KITH_OK)
			return r;
	}
	return KITH_OK;
}

int
kith_txn_remember(struct kith_call *c)
{
	uint64_t half = c->now.wall_ms / TXN_HALF_MS;
	struct kith_buf key;
	int r;

	if (!kith_arg_has(c->args, "txn"))
		return KITH_OK;
	kith_buf_init(&key, 0);
	r = txn_key(c, half, &key);
	if (r == KITH_OK)
		r = kith_txn_put(c->t, KITH_T_TXN, kith_buf_slice(&key), kith_buf_slice(c->result));
	if (r == KITH_OK)
		r = sweep(c, half);
	kith_buf_fini(&key);
	return r;
}

/* ---- saying ---- */

/* KITH_T_USER: uid, 'z', panel -> u64: when they last wrote here. It is the author's home that keeps them to slow mode. */
struct slow {
	uint8_t key[2 * KITH_ID_BYTES + 1];
	uint64_t every_ms;
};

static int
slow_check(struct kith_call *c, struct kith_group *g, const struct kith_id *panel, struct slow *s)
{
	struct kith_mp_reader rd;
	struct kith_slice v;
	uint64_t last_ms;
	int r;

	s->every_ms = 1000 * kith_panel_slow_s(c->t, kith_group_id(g), panel);
	if (s->every_ms == 0 || kith_group_may(g, &c->session->uid, panel, "message.bypass_slow")) {
		s->every_ms = 0;
		return KITH_OK;
	}
	memcpy(s->key, c->session->uid.b, KITH_ID_BYTES);
	s->key[KITH_ID_BYTES] = 'z';
	memcpy(s->key + KITH_ID_BYTES + 1, panel->b, KITH_ID_BYTES);
	r = kith_txn_get(c->t, KITH_T_USER, kith_slice_of(s->key, sizeof(s->key)), &v);
	if (r != KITH_OK)
		return r == KITH_E_NOTFOUND ? KITH_OK : r;
	kith_mp_read(&rd, v);
	last_ms = kith_mp_uint(&rd);
	if (!kith_mp_done(&rd))
		return KITH_E_CORRUPT;
	if (c->now.wall_ms >= last_ms && c->now.wall_ms - last_ms < s->every_ms)
		return kith_fail(c, KITH_E_LIMIT, "slow_mode", "slow mode: wait %llu s",
		    (unsigned long long)((s->every_ms - (c->now.wall_ms - last_ms) + 999) / 1000));
	return KITH_OK;
}

static int
slow_note(struct kith_call *c, const struct slow *s)
{
	struct kith_buf b;
	int r;

	if (s->every_ms == 0)
		return KITH_OK;
	kith_buf_init(&b, 0);
	kith_mp_put_uint(&b, c->now.wall_ms);
	r = kith_buf_err(&b);
	if (r == KITH_OK)
		r = kith_txn_put(c->t, KITH_T_USER, kith_slice_of(s->key, sizeof(s->key)), kith_buf_slice(&b));
	kith_buf_fini(&b);
	return r;
}

int
kith_api_message_send(struct kith_call *c)
{
	struct kith_id panel = kith_arg_id(c->args, "panel"), id;
	struct kith_slice text = kith_arg_str(c->args, "text");
	struct kith_ledger_record rec;
	struct kith_group *g;
	struct kith_draft d;
	struct kith_buf body;
	struct kith_op op;
	struct slow slow;
	bool done;
	int r = kith_txn_replay(c, &done);

	if (r != KITH_OK || done)
		return r;
	r = kith_call_group(c, &g);
	if (r != KITH_OK)
		return r;
	if (!kith_group_may(g, &c->session->uid, &panel, "panel.view"))
		return kith_fail(c, KITH_E_NOTFOUND, "not_found", "there is no such panel");
	r = slow_check(c, g, &panel, &slow);
	if (r != KITH_OK)
		return r;
	kith_buf_init(&body, 0);
	memset(&d, 0, sizeof(d));
	memset(&op, 0, sizeof(op));
	kith_put_text(&body, "text", text);
	r = kith_buf_err(&body);
	d.kind = KITH_K_MESSAGE;
	d.scope = panel;
	d.body_map = kith_buf_slice(&body);
	if (kith_arg_has(c->args, "reply")) {
		op.target = kith_arg_id(c->args, "reply");
		op.has = KITH_OP_BIT(KITH_OP_TARGET);
		d.op = &op;
	}
	if (r == KITH_OK)
		r = kith_call_write(c, g, &c->session->uid, &d, &id);
	if (r == KITH_OK)
		r = slow_note(c, &slow);
	if (r == KITH_OK)
		r = kith_ledger_get_id(c->t, &id, &rec);
	if (r == KITH_OK) {
		kith_mp_put_map(c->result, 2);
		kith_mp_put_cstr(c->result, "clock");
		kith_mp_put_uint(c->result, rec.clock >> 16);
		kith_put_key_id(c->result, "id", &id);
		r = kith_txn_remember(c);
	}
	kith_buf_fini(&body);
	return r;
}

/* The message that `id` names, in this group and in a panel that the caller may see. */
static int
find_target(struct kith_call *c, struct kith_group *g, struct kith_id *scope, struct kith_id *author)
{
	struct kith_id id = kith_arg_id(c->args, "id");
	struct kith_ledger_record rec;
	struct kith_record h;
	int r = kith_ledger_get_id(c->t, &id, &rec);

	if (r == KITH_OK)
		r = kith_record_parse(rec.header, &h) == KITH_OK ? KITH_OK : KITH_E_CORRUPT;
	if (r != KITH_OK && r != KITH_E_NOTFOUND)
		return r;
	if (r == KITH_E_NOTFOUND || h.kind != KITH_K_MESSAGE || !kith_id_eq(&h.group, kith_group_id(g)) ||
	    !kith_group_may(g, &c->session->uid, &h.scope, "panel.view"))
		return kith_fail(c, KITH_E_NOTFOUND, "not_found", "there is no such message");
	*scope = h.scope;
	*author = h.author;
	return KITH_OK;
}

static int
on_message(struct kith_call *c, uint32_t kind, const char *body_key, struct kith_slice text, bool own, bool on)
{
	struct kith_id scope, author, id;
	struct kith_group *g;
	struct kith_draft d;
	struct kith_buf body;
	struct kith_op op;
	int r = kith_call_group(c, &g);

	if (r == KITH_OK)
		r = find_target(c, g, &scope, &author);
	if (r != KITH_OK)
		return r;
	if (own && !kith_id_eq(&author, &c->session->uid))
		return kith_fail(c, KITH_E_DENIED, "denied", "that message is somebody else's");
	kith_buf_init(&body, 0);
	memset(&d, 0, sizeof(d));
	memset(&op, 0, sizeof(op));
	op.target = kith_arg_id(c->args, "id");
	op.has = KITH_OP_BIT(KITH_OP_TARGET);
	if (kind == KITH_K_REACT || kind == KITH_K_PIN) {
		op.on = on;
		op.has |= KITH_OP_BIT(KITH_OP_ON);
	}
	if (body_key != NULL && text.n > 0)
		kith_put_text(&body, body_key, text);
	r = kith_buf_err(&body);
	d.kind = kind;
	d.scope = scope;
	d.op = &op;
	d.body_map = kith_buf_slice(&body);
	if (r == KITH_OK)
		r = kith_call_write(c, g, &c->session->uid, &d, &id);
	if (r == KITH_OK)
		r = kith_result_id(c, &id);
	kith_buf_fini(&body);
	return r;
}

#define NOTHING kith_slice_of(NULL, 0)

int
kith_api_message_edit(struct kith_call *c)
{
	bool done;
	int r = kith_txn_replay(c, &done);

	if (r != KITH_OK || done)
		return r;
	r = on_message(c, KITH_K_EDIT, "text", kith_arg_str(c->args, "text"), true, true);
	return r == KITH_OK ? kith_txn_remember(c) : r;
}

#define RECALL_MS (UINT64_C(120) * 1000)

int
kith_api_message_recall(struct kith_call *c)
{
	struct kith_id id = kith_arg_id(c->args, "id");
	struct kith_ledger_record rec;

	/* the author's home judges how late a recall may come; others take any */
	if (kith_ledger_get_id(c->t, &id, &rec) == KITH_OK && (rec.clock >> 16) + RECALL_MS < c->now.wall_ms)
		return kith_fail(c, KITH_E_DENIED, "recall_expired", "a message can be recalled for two minutes; ask a moderator to remove it");
	return on_message(c, KITH_K_RECALL, NULL, NOTHING, true, true);
}

int kith_api_message_remove(struct kith_call *c) { return on_message(c, KITH_K_REMOVE, "reason", kith_arg_str(c->args, "reason"), false, true); }
int kith_api_message_react(struct kith_call *c) { return on_message(c, KITH_K_REACT, "emoji", kith_arg_str(c->args, "emoji"), false, kith_arg_flag(c->args, "on", true)); }
int kith_api_message_pin(struct kith_call *c) { return on_message(c, KITH_K_PIN, NULL, NOTHING, false, kith_arg_flag(c->args, "on", true)); }

/* ---- what passes ---- */

int
kith_api_typing(struct kith_call *c)
{
	struct kith_id group = kith_arg_id(c->args, "group"), panel = kith_arg_id(c->args, "panel");
	struct kith_group *g;
	struct kith_buf p;
	int r = kith_call_group(c, &g);

	if (r != KITH_OK)
		return r;
	if (!kith_group_may(g, &c->session->uid, &panel, "message.send"))
		return KITH_OK;
	kith_buf_init(&p, 0);
	kith_mp_put_array(&p, 4);
	kith_mp_put_id(&p, &c->session->uid);
	kith_mp_put_cstr(&p, "typing");
	kith_mp_put_id(&p, &group);
	kith_mp_put_id(&p, &panel);
	r = kith_buf_err(&p);
	if (r == KITH_OK)
		r = c->host->ephemeral(c->host->ctx, c, &group, &panel, kith_buf_slice(&p));
	kith_buf_fini(&p);
	return r;
}

int
kith_api_presence_set(struct kith_call *c)
{
	int r = c->host->presence(c->host->ctx, &c->session->uid, kith_arg_str(c->args, "state"));

	return r == KITH_E_MALFORMED ? kith_fail(c, r, "invalid_params", "state: online, idle, busy or offline") : r;
}

int
kith_api_presence_list(struct kith_call *c)
{
	struct kith_group *g;
	int r = kith_call_group(c, &g);

	if (r != KITH_OK)
		return r;
	kith_mp_put_map(c->result, 1);
	kith_mp_put_cstr(c->result, "people");
	return c->host->present(c->host->ctx, g, &c->session->uid, c->result);
}

/* ---- where messages are ---- */

int
kith_api_message_where(struct kith_call *c)
{
	struct kith_id group = kith_arg_id(c->args, "group"), id;
	struct kith_ledger_record rec;
	struct kith_mp_reader rd;
	struct kith_record h;
	struct kith_group *g;
	uint32_t n, nodes, of, found = 0;
	size_t mark;
	int r = kith_call_group(c, &g);

	if (r != KITH_OK)
		return r;
	kith_mp_put_map(c->result, 1);
	kith_mp_put_cstr(c->result, "where");
	mark = kith_mp_begin(c->result);
	kith_mp_read(&rd, kith_arg(c->args, "ids")->raw);
	for (n = kith_mp_array(&rd); n > 0; n--) {
		if (kith_id_parse(kith_mp_str(&rd), &id) != KITH_OK)
			return kith_fail(c, KITH_E_MALFORMED, "invalid_params", "ids: ids of messages");
		if (kith_ledger_get_id(c->t, &id, &rec) != KITH_OK || kith_record_parse(rec.header, &h) != KITH_OK ||
		    !kith_id_eq(&h.group, &group) || !kith_group_may(g, &c->session->uid, &h.scope, KITH_PERM_VIEW))
			continue;
		c->host->held_by(c->host->ctx, c->t, &group, &id, &nodes, &of);
		kith_mp_put_map(c->result, 3);
		kith_put_key_id(c->result, "id", &id);
		kith_mp_put_cstr(c->result, "nodes");
		kith_mp_put_uint(c->result, nodes);
		kith_mp_put_cstr(c->result, "of");
		kith_mp_put_uint(c->result, of);
		found++;
	}
	kith_mp_end_array(c->result, mark, found);
	return KITH_OK;
}
