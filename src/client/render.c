#include "client/render.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/b32.h"
#include "client/common.h"
#include "client/state.h"
#include "id/doc.h"
#include "id/node.h"
#include "storage/ledger.h"
#include "wire/mp.h"

#define AIMS_MAX 1000           /* edits, reactions and the like of one message that are looked at */
#define KINDS_MAX 20            /* reactions of one message */

void
kith_copy_text(struct kith_slice s, char *out, size_t cap)
{
	size_t n = s.n < cap ? s.n : cap - 1;

	while (n > 0 && n < s.n && (s.p[n] & 0xc0) == 0x80)
		n--;
	if (n > 0)
		memcpy(out, s.p, n);
	out[n] = '\0';
}

/* Is it a character that turns the direction of what stands beside it, or that is none at all? n: how many bytes it has. */
static bool
is_wild(const uint8_t *p, size_t *n)
{
	*n = 1;
	if (*p < 0x20)
		return *p != '\n' && *p != '\t';
	if (*p == 0x7f)
		return true;
	if (p[0] == 0xd8 && p[1] == 0x9c) {
		*n = 2;
		return true;
	}
	if (p[0] == 0xe2 && (p[1] == 0x80 || p[1] == 0x81) && p[2] != 0) {
		*n = 3;
		return p[1] == 0x80 ? p[2] == 0x8e || p[2] == 0x8f || (p[2] >= 0xaa && p[2] <= 0xae) : p[2] >= 0xa6 && p[2] <= 0xa9;
	}
	return false;
}

void
kith_tame(char *s)
{
	uint8_t *from = (uint8_t *)s, *to = from;
	size_t n;

	while (*from != 0) {
		if (is_wild(from, &n)) {
			from += n;
		} else {
			for (; n > 0; n--)
				*to++ = *from++;
		}
	}
	*to = 0;
}

/* ---- names ---- */

void
kith_render_handle(struct kith_txn *t, const struct kith_id *group, const struct kith_id *uid, char *out, size_t cap)
{
	struct kith_account a;
	struct kith_member m;
	struct kith_slice raw;
	struct kith_doc doc;
	uint8_t type;

	out[0] = '\0';
	if (kith_account_get(t, uid, &a) == KITH_OK)
		kith_copy_text(kith_slice_str(a.handle), out, cap);
	else if (group != NULL && kith_state_member(t, group, uid, &m) == KITH_OK &&
	    kith_ledger_object_get(t, &m.doc, &type, &raw) == KITH_OK && kith_doc_parse(raw, &doc) == KITH_OK)
		kith_copy_text(doc.handle, out, cap);
}

void
kith_render_node(struct kith_txn *t, const struct kith_id *node, char *out, size_t cap)
{
	struct kith_node_record r;
	char text[KITH_ID_STR];

	if (kith_node_get(t, node, &r) == KITH_OK && r.name.n > 0)
		kith_copy_text(r.name, out, cap);
	else
		snprintf(out, cap, "%.8s", kith_id_str(node, text));
}

/* The text under `key` in the body of a record. */
static void
body_text(struct kith_txn *t, const struct kith_id *id, const char *key, char *out, size_t cap)
{
	struct kith_ledger_record rec;
	struct kith_mp_reader r;
	struct kith_slice body, v;
	struct kith_record h;

	out[0] = '\0';
	if (kith_ledger_get_id(t, id, &rec) != KITH_OK || kith_record_parse(rec.header, &h) != KITH_OK ||
	    kith_ledger_body_get(t, rec.pos, &body) != KITH_OK || kith_record_body_ok(&h, body) != KITH_OK)
		return;
	v = kith_mp_find(kith_body_map(body), key);
	kith_mp_read(&r, v);
	if (v.n > 0 && kith_mp_peek(&r) == KITH_MP_STR)
		kith_copy_text(kith_mp_str(&r), out, cap);
}

void
kith_render_text(struct kith_txn *t, const struct kith_id *id, char *out, size_t cap)
{
	body_text(t, id, "text", out, cap);
}

void
kith_render_register(struct kith_txn *t, const struct kith_id *group, const struct kith_id *object, const char *key, char *out, size_t cap)
{
	struct kith_id act;

	out[0] = '\0';
	if (kith_state_register(t, group, object, key, &act) == KITH_OK)
		body_text(t, &act, "value", out, cap);
	kith_tame(out);
}

void
kith_render_name(struct kith_txn *t, const struct kith_id *group, const struct kith_id *object, char *out, size_t cap)
{
	kith_render_register(t, group, object, "name", out, cap);
	if (out[0] == '\0')
		body_text(t, object, "name", out, cap);
	kith_tame(out);
}

void
kith_group_name(struct kith_txn *t, const struct kith_id *group, char *out, size_t cap)
{
	kith_render_register(t, group, &kith_id_none, "name", out, cap);
}

/* ---- places ---- */

/* Fixed width, so that strings of one panel sort as the screen does. */
void
kith_order_text(uint64_t clock, uint64_t id_head, char out[KITH_ORDER_STR])
{
	snprintf(out, KITH_ORDER_STR, "%016llx.%016llx", (unsigned long long)clock, (unsigned long long)id_head);
}

static bool
hex(struct kith_slice s, uint64_t *out)
{
	*out = 0;
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		if (c >= '0' && c <= '9')
			*out = *out << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			*out = *out << 4 | (uint64_t)(c - 'a' + 10);
		else
			return false;
	}
	return true;
}

int
kith_order_parse(struct kith_slice text, uint64_t *clock, uint64_t *id_head)
{
	if (text.n != KITH_ORDER_STR - 1 || text.p[16] != '.' || !hex(kith_slice_of(text.p, 16), clock) ||
	    !hex(kith_slice_of(text.p + 17, 16), id_head))
		return KITH_E_MALFORMED;
	return KITH_OK;
}

bool
kith_user_group_next(struct kith_txn *t, const struct kith_id *uid, struct kith_id *after)
{
	struct kith_cursor *c = NULL;
	struct kith_slice k, v;
	uint8_t key[65];
	bool found = false;
	int r;

	memcpy(key, uid->b, 32);
	key[32] = 'g';
	memcpy(key + 33, after->b, 32);
	if (kith_cursor_open(t, KITH_T_USER, &c) != KITH_OK)
		return false;
	r = kith_cursor_seek(c, kith_slice_of(key, sizeof(key)), false, &k, &v);
	if (r == KITH_OK && k.n == sizeof(key) && memcmp(k.p, key, sizeof(key)) == 0)
		r = kith_cursor_step(c, false, &k, &v);
	if (r == KITH_OK && k.n == sizeof(key) && memcmp(k.p, key, 33) == 0) {
		memcpy(after->b, k.p + 33, 32);
		found = true;
	}
	kith_cursor_close(c);
	return found;
}

int
kith_user_twin(struct kith_txn *t, const struct kith_id *uid, const struct kith_id *group, struct kith_id *twin)
{
	struct kith_slice v;
	uint8_t key[65];
	int r;

	memcpy(key, uid->b, 32);
	key[32] = 't';
	memcpy(key + 33, group->b, 32);
	r = kith_txn_get(t, KITH_T_USER, kith_slice_of(key, sizeof(key)), &v);
	if (r == KITH_OK && v.n != KITH_ID_BYTES)
		r = KITH_E_CORRUPT;
	if (r == KITH_OK)
		memcpy(twin->b, v.p, KITH_ID_BYTES);
	return r;
}

bool
kith_user_is_twin(struct kith_txn *t, const struct kith_id *uid, const struct kith_id *group)
{
	struct kith_slice v;
	uint8_t key[65];

	memcpy(key, uid->b, 32);
	key[32] = 'T';
	memcpy(key + 33, group->b, 32);
	return kith_txn_get(t, KITH_T_USER, kith_slice_of(key, sizeof(key)), &v) == KITH_OK;
}

/* ---- a message ---- */

struct reaction { char emoji[65]; uint32_t n; bool mine; };

/* What aims at a message and counts: its newest edit, reactions (the last word of each person), the pin. */
struct aimed {
	char *text;             /* of the newest visible edit by the author; malloced */
	uint64_t text_clock;
	struct kith_id text_id;
	struct reaction reaction[KINDS_MAX];
	size_t n_reactions;
	bool pinned;
	uint64_t pin_clock;
	struct kith_id pin_id;
};

struct voice { struct kith_id uid, id; char emoji[65]; uint64_t clock; bool on; };

/* The last word is the one with the higher clock, then id: never the one that came later to this node. */
static bool
later(const struct kith_record *r, uint64_t clock, const struct kith_id *id)
{
	return r->clock != clock ? r->clock > clock : kith_id_cmp(&r->id, id) > 0;
}

static int
voice_cmp(const void *x, const void *y)
{
	const struct voice *a = x, *b = y;

	if (a->clock != b->clock)
		return a->clock < b->clock ? -1 : 1;
	return kith_id_cmp(&a->id, &b->id);
}

static int
gather(struct kith_txn *t, const struct kith_record *m, const struct kith_id *viewer, struct aimed *out)
{
	struct kith_ledger_aim *aim = calloc(AIMS_MAX, sizeof(*aim));
	KITH_VEC(struct voice) voices = { NULL, 0, 0 };
	struct kith_arena *a = kith_arena_new(1u << 16);
	size_t n = 0;
	int r = KITH_E_NOMEM;

	if (aim == NULL || a == NULL)
		goto done;
	r = kith_ledger_targets(t, &m->id, 0, aim, AIMS_MAX, &n);
	for (size_t i = 0; r == KITH_OK && i < n; i++) {
		struct kith_ledger_record rec;
		struct kith_record h;
		struct kith_op op;
		char text[65];
		uint32_t state = 0;

		if (kith_ledger_state_get(t, aim[i].pos, &state) != KITH_OK ||
		    (state & (KITH_S_HIDDEN | KITH_S_REJECTED | KITH_S_WAITING | KITH_S_SIDE)) != 0 ||
		    kith_ledger_get(t, aim[i].pos, &rec) != KITH_OK || kith_record_parse(rec.header, &h) != KITH_OK ||
		    !kith_id_eq(&h.scope, &m->scope))
			continue;
		if (h.kind == KITH_K_EDIT && kith_id_eq(&h.author, &m->author) && (out->text == NULL || later(&h, out->text_clock, &out->text_id))) {
			char *big = malloc(KITH_BODY_MAX);

			if (big == NULL) {
				r = KITH_E_NOMEM;
				break;
			}
			body_text(t, &h.id, "text", big, KITH_BODY_MAX);
			free(out->text);
			out->text = big;
			out->text_clock = h.clock;
			out->text_id = h.id;
		} else if (h.kind == KITH_K_REACT || h.kind == KITH_K_PIN) {
			struct voice *v = NULL;

			kith_arena_reset(a);
			if (kith_op_parse(h.kind, h.op, a, &op) != KITH_OK)
				continue;
			if (h.kind == KITH_K_PIN) {
				if (later(&h, out->pin_clock, &out->pin_id)) {
					out->pin_clock = h.clock;
					out->pin_id = h.id;
					out->pinned = op.on;
				}
				continue;
			}
			body_text(t, &h.id, "emoji", text, sizeof(text));
			if (text[0] == '\0')
				continue;
			for (size_t k = 0; k < voices.n && v == NULL; k++) {
				if (kith_id_eq(&voices.v[k].uid, &h.author) && strcmp(voices.v[k].emoji, text) == 0)
					v = &voices.v[k];
			}
			if (v == NULL) {
				r = kith_vec_grow(&voices);
				if (r != KITH_OK)
					break;
				v = &voices.v[voices.n - 1];
				memset(v, 0, sizeof(*v));
				v->uid = h.author;
				memcpy(v->emoji, text, sizeof(text));
			}
			if (later(&h, v->clock, &v->id)) {
				v->clock = h.clock;
				v->id = h.id;
				v->on = op.on;
			}
		}
	}
	if (voices.n > 1)
		qsort(voices.v, voices.n, sizeof(voices.v[0]), voice_cmp);
	for (size_t i = 0; r == KITH_OK && i < voices.n; i++) {
		size_t k = 0;

		if (!voices.v[i].on)
			continue;
		while (k < out->n_reactions && strcmp(out->reaction[k].emoji, voices.v[i].emoji) != 0)
			k++;
		if (k == KINDS_MAX)
			continue;
		if (k == out->n_reactions) {
			out->n_reactions++;
			memcpy(out->reaction[k].emoji, voices.v[i].emoji, sizeof(out->reaction[k].emoji));
		}
		out->reaction[k].n++;
		out->reaction[k].mine = out->reaction[k].mine || kith_id_eq(&voices.v[i].uid, viewer);
	}
done:
	kith_vec_fini(&voices);
	kith_arena_free(a);
	free(aim);
	return r;
}

static const char *
state_word(uint32_t s)
{
	if ((s & KITH_S_RECALLED) != 0)
		return "recalled";
	if ((s & KITH_S_REMOVED) != 0)
		return "removed";
	if ((s & (KITH_S_HIDDEN | KITH_S_SIDE)) != 0)
		return "hidden";
	return (s & KITH_S_WAITING) != 0 ? "waiting" : "visible";
}

int
kith_render_message(struct kith_txn *t, const struct kith_id *id, const struct kith_id *viewer, bool moderator, struct kith_buf *out)
{
	struct kith_ledger_record rec;
	struct kith_arena *a = NULL;
	struct kith_record h;
	struct aimed aimed;
	struct kith_op op;
	char handle[KITH_HANDLE_MAX + 1], node[64], order[KITH_ORDER_STR], *text = NULL;
	uint32_t s = 0;
	bool gone, late;
	int r;

	memset(&aimed, 0, sizeof(aimed));
	memset(&op, 0, sizeof(op));
	r = kith_ledger_get_id(t, id, &rec);
	if (r == KITH_OK && kith_record_parse(rec.header, &h) != KITH_OK)
		r = KITH_E_CORRUPT;
	if (r == KITH_OK)
		r = kith_ledger_state_get(t, rec.pos, &s);
	if (r != KITH_OK)
		return r;
	if (h.kind != KITH_K_MESSAGE || (s & KITH_S_REJECTED) != 0 || ((s & (KITH_S_HIDDEN | KITH_S_SIDE)) != 0 && !moderator))
		return KITH_E_NOTFOUND;
	late = (s & KITH_S_LATE) != 0;
	if ((s & KITH_S_UNSURE) != 0)
		r = kith_late_by_parents(t, &h, &late);
	if (r != KITH_OK)
		return r;
	gone = (s & (KITH_S_RECALLED | KITH_S_REMOVED)) != 0;
	a = kith_arena_new(1u << 16);
	text = malloc(KITH_BODY_MAX);
	if (a == NULL || text == NULL) {
		r = KITH_E_NOMEM;
		goto done;
	}
	text[0] = '\0';
	if (!gone) {
		body_text(t, id, "text", text, KITH_BODY_MAX);
		r = gather(t, &h, viewer, &aimed);
		if (r != KITH_OK)
			goto done;
		if (aimed.text != NULL)
			snprintf(text, KITH_BODY_MAX, "%s", aimed.text);
	}
	if (kith_op_parse(h.kind, h.op, a, &op) != KITH_OK)
		op.has = 0;
	kith_render_handle(t, &h.group, &h.author, handle, sizeof(handle));
	kith_render_node(t, &h.node, node, sizeof(node));
	kith_order_text(rec.clock, kith_id_prefix(&rec.id), order);
	kith_mp_put_map(out, 16);
	kith_mp_put_cstr(out, "author");
	kith_mp_put_cstr(out, handle);
	kith_mp_put_cstr(out, "clock");
	kith_mp_put_uint(out, h.clock >> 16);
	kith_mp_put_cstr(out, "edited");
	kith_mp_put_bool(out, aimed.text != NULL);
	kith_put_key_id(out, "id", &h.id);
	kith_mp_put_cstr(out, "kind");
	kith_mp_put_cstr(out, "message");
	kith_mp_put_cstr(out, "late");
	kith_mp_put_bool(out, late);
	kith_put_key_id(out, "node", &h.node);
	kith_mp_put_cstr(out, "node_name");
	kith_mp_put_cstr(out, node);
	kith_mp_put_cstr(out, "order");
	kith_mp_put_cstr(out, order);
	kith_mp_put_cstr(out, "pinned");
	kith_mp_put_bool(out, aimed.pinned);
	kith_mp_put_cstr(out, "reactions");
	kith_mp_put_array(out, (uint32_t)aimed.n_reactions);
	for (size_t i = 0; i < aimed.n_reactions; i++) {
		kith_mp_put_array(out, 3);
		kith_mp_put_cstr(out, aimed.reaction[i].emoji);
		kith_mp_put_uint(out, aimed.reaction[i].n);
		kith_mp_put_bool(out, aimed.reaction[i].mine);
	}
	kith_mp_put_cstr(out, "reply");
	if ((op.has & KITH_OP_BIT(KITH_OP_TARGET)) != 0)
		kith_put_id_str(out, &op.target);
	else
		kith_mp_put_nil(out);
	kith_mp_put_cstr(out, "seq");
	kith_mp_put_uint(out, h.seq);
	kith_mp_put_cstr(out, "state");
	kith_mp_put_cstr(out, state_word(s));
	kith_mp_put_cstr(out, "text");
	kith_mp_put_cstr(out, text);
	kith_put_key_id(out, "uid", &h.author);
	r = kith_buf_err(out);
done:
	free(text);
	free(aimed.text);
	kith_arena_free(a);
	return r;
}
