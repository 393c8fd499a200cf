#include "client/own.h"

#include <string.h>

#include "client/common.h"
#include "client/friends.h"
#include "client/state.h"
#include "storage/ledger.h"
#include "wire/mp.h"

#define SCAN_MAX 400            /* rows looked at for one count */
#define TEXT_MAX 4096           /* of a message, to look for names in */
#define PREFS_MAX 4096          /* of one person */
#define KEY (2 * KITH_ID_BYTES + 1)

/* ---- how far one has read. KITH_T_USER: uid, 'r', panel -> order text ---- */

static struct kith_slice
read_key(const struct kith_id *uid, const struct kith_id *panel, uint8_t key[KEY])
{
	memcpy(key, uid->b, KITH_ID_BYTES);
	key[KITH_ID_BYTES] = 'r';
	memcpy(key + KITH_ID_BYTES + 1, panel->b, KITH_ID_BYTES);
	return kith_slice_of(key, KEY);
}

/* The other devices of the same person. */
static int
tell_own(struct kith_call *c, const char *method, struct kith_buf *params)
{
	int r = kith_buf_err(params);

	return r == KITH_OK ? c->host->tell(c->host->ctx, &c->session->uid, method, kith_buf_slice(params)) : r;
}

int
kith_api_read_mark(struct kith_call *c)
{
	struct kith_slice order = kith_arg_str(c->args, "order"), before;
	struct kith_id group = kith_arg_id(c->args, "group"), panel = kith_arg_id(c->args, "panel");
	uint64_t clock, head, was_clock, was_head;
	struct kith_group *g;
	struct kith_buf p;
	uint8_t key[KEY];
	int r = kith_call_group(c, &g);

	if (r != KITH_OK)
		return r;
	if (!kith_group_may(g, &c->session->uid, &panel, KITH_PERM_VIEW))
		return kith_fail(c, KITH_E_NOTFOUND, "not_found", "there is no such panel");
	if (kith_order_parse(order, &clock, &head) != KITH_OK)
		return kith_fail(c, KITH_E_MALFORMED, "invalid_params", "order: the order of a message");
	(void)read_key(&c->session->uid, &panel, key);
	/* devices say so in no order; only who says that something is unread again goes back */
	if (!kith_arg_flag(c->args, "back", false) &&
	    kith_txn_get(c->t, KITH_T_USER, kith_slice_of(key, KEY), &before) == KITH_OK &&
	    kith_order_parse(before, &was_clock, &was_head) == KITH_OK &&
	    (was_clock > clock || (was_clock == clock && was_head >= head)))
		return KITH_OK;
	r = kith_txn_put(c->t, KITH_T_USER, kith_slice_of(key, KEY), order);
	if (r != KITH_OK)
		return r;
	kith_buf_init(&p, 0);
	kith_mp_put_map(&p, 3);
	kith_put_key_id(&p, "group", &group);
	kith_mp_put_cstr(&p, "order");
	kith_mp_put_str(&p, order);
	kith_put_key_id(&p, "panel", &panel);
	r = tell_own(c, "read", &p);
	kith_buf_fini(&p);
	return r;
}

static bool
word_byte(char ch)
{
	return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') || ch == '_' || (unsigned char)ch >= 0x80;
}

static bool
names(const char *at, const char *name, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		char a = at[i], b = name[i];

		if (a >= 'A' && a <= 'Z')
			a = (char)(a + ('a' - 'A'));
		if (b >= 'A' && b <= 'Z')
			b = (char)(b + ('a' - 'A'));
		if (a == '\0' || a != b)
			return false;
	}
	return !word_byte(at[n]) || !word_byte(name[n - 1]) || (unsigned char)name[n - 1] >= 0x80;
}

bool
kith_text_mentions(const char *text, struct kith_slice name)
{
	for (const char *p = strchr(text, '@'); p != NULL; p = strchr(p + 1, '@')) {
		if (p > text && word_byte(p[-1]))
			continue;
		if ((name.n > 0 && names(p + 1, (const char *)name.p, name.n)) || names(p + 1, "all", 3) || names(p + 1, "here", 4))
			return true;
	}
	return false;
}

static bool
answers(struct kith_txn *t, const struct kith_record *h, struct kith_arena *arena, const struct kith_id *uid)
{
	struct kith_ledger_record rec;
	struct kith_record to;
	struct kith_op op;

	return h->op.n > 0 && kith_op_parse(h->kind, h->op, arena, &op) == KITH_OK && (op.has & KITH_OP_BIT(KITH_OP_TARGET)) != 0 &&
	    kith_ledger_get_id(t, &op.target, &rec) == KITH_OK && kith_record_parse(rec.header, &to) == KITH_OK &&
	    kith_id_eq(&to.author, uid);
}

int
kith_unread(struct kith_call *c, const struct kith_id *group, const struct kith_id *panel, struct kith_unread *out)
{
	struct kith_ledger_entry from, row[64];
	struct kith_slice mark, name = kith_slice_of(NULL, 0);
	const struct kith_id *uid = &c->session->uid;
	char handle[KITH_HANDLE_MAX + 1], text[TEXT_MAX];
	struct kith_member m;
	uint8_t key[KEY];
	uint32_t scopeno, number;
	size_t scanned = 0, n;
	int r;

	memset(out, 0, sizeof(*out));
	memset(&from, 0, sizeof(from));
	r = kith_txn_get(c->t, KITH_T_USER, read_key(uid, panel, key), &mark);
	if (r == KITH_OK && kith_order_parse(mark, &from.clock, &from.id_head) == KITH_OK)
		memcpy(out->read, mark.p, mark.n);
	else if (r != KITH_OK && r != KITH_E_NOTFOUND)
		return r;
	else if (kith_state_member(c->t, group, uid, &m) == KITH_OK)
		from.clock = m.since_clock;
	from.pos = UINT64_MAX;
	r = kith_ledger_scope(c->t, group, panel, false, &scopeno);
	if (r != KITH_OK)
		return r == KITH_E_NOTFOUND ? KITH_OK : r;
	kith_render_handle(c->t, group, uid, handle, sizeof(handle));
	kith_handle_split(kith_slice_str(handle), &name, &number);
	do {
		r = kith_ledger_page(c->t, scopeno, &from, false, row, 64, &n);
		for (size_t i = 0; r == KITH_OK && i < n && out->count < KITH_UNREAD_MAX; i++) {
			struct kith_ledger_record rec;
			struct kith_record h;
			uint32_t state = 0;

			from = row[i];
			scanned++;
			if (kith_ledger_get(c->t, row[i].pos, &rec) != KITH_OK || kith_record_parse(rec.header, &h) != KITH_OK ||
			    h.kind != KITH_K_MESSAGE || kith_id_eq(&h.author, uid) || kith_ledger_state_get(c->t, row[i].pos, &state) != KITH_OK ||
			    (state & (KITH_S_REJECTED | KITH_S_HIDDEN | KITH_S_SIDE | KITH_S_RECALLED | KITH_S_REMOVED)) != 0 ||
			    kith_blocked(c->t, uid, &h.author))
				continue;
			out->count++;
			kith_render_text(c->t, &rec.id, text, sizeof(text));
			out->mentions += kith_text_mentions(text, name) || answers(c->t, &h, c->arena, uid);
		}
	} while (r == KITH_OK && n == 64 && out->count < KITH_UNREAD_MAX && scanned < SCAN_MAX);
	return r;
}

/* ---- preferences. KITH_T_USER: uid, 'k', key -> text ---- */

static struct kith_slice
pref_key(const struct kith_id *uid, struct kith_slice name, uint8_t key[KITH_ID_BYTES + 1 + 255])
{
	size_t n = name.n < 255 ? name.n : 255;

	memcpy(key, uid->b, KITH_ID_BYTES);
	key[KITH_ID_BYTES] = 'k';
	if (n > 0)
		memcpy(key + KITH_ID_BYTES + 1, name.p, n);
	return kith_slice_of(key, KITH_ID_BYTES + 1 + n);
}

int
kith_pref_get(struct kith_txn *t, const struct kith_id *uid, const char *name, struct kith_slice *out)
{
	uint8_t key[KITH_ID_BYTES + 1 + 255];

	return kith_txn_get(t, KITH_T_USER, pref_key(uid, kith_slice_str(name), key), out);
}

/* Appends key and value of each to out; out NULL: only counts them. */
static int
each_pref(struct kith_call *c, struct kith_buf *out, uint32_t *n)
{
	uint8_t key[KITH_ID_BYTES + 1 + 255];
	struct kith_slice prefix = pref_key(&c->session->uid, kith_slice_of(NULL, 0), key), k, v;
	struct kith_cursor *cur = NULL;
	int r = kith_cursor_open(c->t, KITH_T_USER, &cur);

	*n = 0;
	if (r == KITH_OK)
		r = kith_cursor_seek(cur, prefix, false, &k, &v);
	for (; r == KITH_OK && k.n >= prefix.n && memcmp(k.p, key, prefix.n) == 0; r = kith_cursor_step(cur, false, &k, &v)) {
		++*n;
		if (out == NULL)
			continue;
		kith_mp_put_str(out, kith_slice_from(k, prefix.n));
		kith_mp_put_str(out, v);
	}
	kith_cursor_close(cur);
	return r == KITH_E_NOTFOUND ? KITH_OK : r;
}

int
kith_api_pref_list(struct kith_call *c)
{
	struct kith_buf all;
	uint32_t n;
	int r;

	kith_buf_init(&all, 0);
	r = each_pref(c, &all, &n);
	if (r == KITH_OK)
		r = kith_buf_err(&all);
	if (r == KITH_OK) {
		kith_mp_put_map(c->result, 1);
		kith_mp_put_cstr(c->result, "prefs");
		kith_mp_put_map(c->result, n);
		kith_mp_put_raw(c->result, kith_buf_slice(&all));
	}
	kith_buf_fini(&all);
	return r;
}

int
kith_api_pref_set(struct kith_call *c)
{
	struct kith_slice name = kith_arg_str(c->args, "key"), value = kith_arg_str(c->args, "value"), was;
	uint8_t key[KITH_ID_BYTES + 1 + 255];
	struct kith_slice k = pref_key(&c->session->uid, name, key);
	struct kith_buf p;
	uint32_t n = 0;
	int r = kith_txn_get(c->t, KITH_T_USER, k, &was);

	if (r == KITH_E_NOTFOUND && value.n > 0) {
		r = each_pref(c, NULL, &n);
		if (r == KITH_OK && n >= PREFS_MAX)
			return kith_fail(c, KITH_E_LIMIT, "limit", "that are too many preferences");
	}
	if (r == KITH_OK || r == KITH_E_NOTFOUND)
		r = value.n > 0 ? kith_txn_put(c->t, KITH_T_USER, k, value) : kith_txn_del(c->t, KITH_T_USER, k);
	if (r != KITH_OK)
		return r == KITH_E_NOTFOUND ? KITH_OK : r;
	kith_buf_init(&p, 0);
	kith_mp_put_map(&p, 2);
	kith_mp_put_cstr(&p, "key");
	kith_mp_put_str(&p, name);
	kith_mp_put_cstr(&p, "value");
	kith_mp_put_str(&p, value);
	r = tell_own(c, "pref", &p);
	kith_buf_fini(&p);
	return r;
}
