#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/common.h"
#include "client/own.h"
#include "client/render.h"
#include "client/state.h"
#include "group/rights.h"
#include "storage/ledger.h"
#include "wire/mp.h"

/* The panels of a group as a member sees them, and what one may do there. */

#define PANELS_MAX 1000

static const char *const panel_kinds[] = { "chat", "announcement", "folder", "web" };

struct panel {
	struct kith_id id, parent;
	uint64_t clock;
	uint64_t kind;
	bool private_;
	char order[KITH_PANEL_ORDER_MAX];
};

struct panels {
	struct kith_call *c;
	const struct kith_id *group;
	struct panel *v;
	size_t n;
};

/* The op of an act, as far as it is here and well made. */
static bool
act_op(struct kith_call *c, const struct kith_id *act, struct kith_record *h, struct kith_op *op)
{
	struct kith_ledger_record rec;

	return kith_ledger_get_id(c->t, act, &rec) == KITH_OK && kith_record_parse(rec.header, h) == KITH_OK &&
	    kith_op_parse(h->kind, h->op, c->arena, op) == KITH_OK;
}

/* The act that holds a register whose value stands in the op. */
static bool
register_op(struct kith_call *c, const struct kith_id *group, const struct kith_id *panel, const char *key, struct kith_op *op)
{
	struct kith_record h;
	struct kith_id act;

	return kith_state_register(c->t, group, panel, key, &act) == KITH_OK && act_op(c, &act, &h, op);
}

static bool
one_panel(void *ctx, const struct kith_fact *f, bool on)
{
	struct panels *p = ctx;
	struct panel *x = &p->v[p->n];
	struct kith_record h;
	struct kith_op op;

	if (!on || p->n == PANELS_MAX || !kith_state_may(p->c->t, p->group, &p->c->session->uid, &f->a, KITH_PERM_VIEW) ||
	    !act_op(p->c, &f->a, &h, &op) || h.kind != KITH_K_PANEL_CREATE)
		return true;
	*x = (struct panel){ .id = f->a, .parent = op.parent, .clock = h.clock, .kind = op.panel_kind, .private_ = op.private_ };
	/* who was never put anywhere stands where their age says: after all that are older, before all to come */
	snprintf(x->order, sizeof(x->order), "%016llx", (unsigned long long)h.clock);
	if (register_op(p->c, p->group, &f->a, "order", &op) && op.order.n > 0 && op.order.n < sizeof(x->order)) {
		memcpy(x->order, op.order.p, op.order.n);
		x->order[op.order.n] = '\0';
	}
	if (register_op(p->c, p->group, &f->a, "parent", &op))
		x->parent = op.parent;
	p->n++;
	return true;
}

static int
panel_cmp(const void *x, const void *y)
{
	const struct panel *a = x, *b = y;
	int d = strcmp(a->order, b->order);

	if (d != 0)
		return d;
	return a->clock != b->clock ? (a->clock < b->clock ? -1 : 1) : kith_id_cmp(&a->id, &b->id);
}

static const struct panel *
folder(const struct panels *p, const struct kith_id *id)
{
	for (size_t i = 0; i < p->n; i++) {
		if (kith_id_eq(&p->v[i].id, id))
			return p->v[i].kind == KITH_PANEL_FOLDER ? &p->v[i] : NULL;
	}
	return NULL;
}

/* Where it is drawn: at the root what lies in nothing that is shown, and a chain of folders that returns to itself. */
static struct kith_id
drawn_in(const struct panels *p, const struct panel *x)
{
	const struct panel *up = folder(p, &x->parent);
	size_t steps = 0;

	if (up == NULL)
		return kith_id_none;
	for (const struct panel *f = up; f != NULL && steps <= p->n; steps++) {
		if (f == x)
			return kith_id_none;
		f = folder(p, &f->parent);
	}
	return up->id;
}

static int
collect(struct kith_call *c, const struct kith_id *group, struct panels *p)
{
	int r;

	*p = (struct panels){ .c = c, .group = group };
	p->v = kith_arena_array(c->arena, PANELS_MAX + 1, sizeof(*p->v));
	if (p->v == NULL)
		return KITH_E_NOMEM;
	r = kith_state_facts(c->t, group, KITH_F_PANEL, one_panel, p);
	qsort(p->v, p->n, sizeof(*p->v), panel_cmp);
	return r;
}

uint64_t
kith_panel_slow_s(struct kith_txn *t, const struct kith_id *group, const struct kith_id *panel)
{
	char text[8], *end;
	unsigned long v;

	kith_render_register(t, group, panel, "slow", text, sizeof(text));
	v = strtoul(text, &end, 10);
	return text[0] >= '0' && text[0] <= '9' && *end == '\0' && v <= KITH_SLOW_MAX_S ? v : 0;
}

bool
kith_panel_notify_ok(struct kith_slice v)
{
	return kith_slice_is(v, "all") || kith_slice_is(v, "mentions") || kith_slice_is(v, "none");
}

bool
kith_panel_url_ok(struct kith_slice v)
{
	size_t n = v.n > 8 && memcmp(v.p, "https://", 8) == 0 ? 8 : v.n > 7 && memcmp(v.p, "http://", 7) == 0 ? 7 : 0;

	if (n == 0)
		return false;
	for (size_t i = 0; i < v.n; i++) {
		if (v.p[i] <= ' ' || v.p[i] == 0x7f || v.p[i] == '\\')
			return false;
	}
	return v.p[n] != '/';
}

static void
put_brief(struct kith_call *c, const struct kith_id *group, const struct panel *x)
{
	struct kith_buf *b = c->result;
	struct kith_unread unread;
	char text[2049];

	memset(&unread, 0, sizeof(unread));
	if (x->kind != KITH_PANEL_FOLDER && kith_unread(c, group, &x->id, &unread) != KITH_OK)
		memset(&unread, 0, sizeof(unread));
	kith_mp_put_map(b, 7);
	kith_put_key_id(b, "id", &x->id);
	kith_mp_put_cstr(b, "kind");
	kith_mp_put_cstr(b, x->kind < 4 ? panel_kinds[x->kind] : "other");
	kith_mp_put_cstr(b, "mentions");
	kith_mp_put_uint(b, unread.mentions);
	kith_mp_put_cstr(b, "name");
	kith_render_name(c->t, group, &x->id, text, sizeof(text));
	kith_mp_put_cstr(b, text);
	kith_mp_put_cstr(b, "private");
	kith_mp_put_bool(b, x->private_);
	kith_mp_put_cstr(b, "read");
	kith_mp_put_cstr(b, unread.read);
	kith_mp_put_cstr(b, "unread");
	kith_mp_put_uint(b, unread.count);
}

static void
put_whole(struct kith_call *c, const struct panels *p, const struct panel *x)
{
	struct kith_fact open = { .kind = KITH_F_PANEL_OPEN, .a = x->id };
	struct kith_id parent = drawn_in(p, x);
	struct kith_buf *b = c->result;
	char text[2049];

	kith_mp_put_map(b, 12);
	kith_put_key_id(b, "id", &x->id);
	kith_mp_put_cstr(b, "kind");
	kith_mp_put_cstr(b, x->kind < 4 ? panel_kinds[x->kind] : "other");
	kith_mp_put_cstr(b, "may_send");
	kith_mp_put_bool(b, kith_state_may(c->t, p->group, &c->session->uid, &x->id, KITH_PERM_SEND));
	kith_mp_put_cstr(b, "name");
	kith_render_name(c->t, p->group, &x->id, text, sizeof(text));
	kith_mp_put_cstr(b, text);
	kith_mp_put_cstr(b, "notify");
	kith_render_register(c->t, p->group, &x->id, "notify", text, sizeof(text));
	kith_mp_put_cstr(b, kith_panel_notify_ok(kith_slice_str(text)) ? text : "all");
	kith_mp_put_cstr(b, "open");
	kith_mp_put_bool(b, kith_state_fact(c->t, p->group, &open));
	kith_mp_put_cstr(b, "order");
	kith_mp_put_cstr(b, x->order);
	kith_put_key_id(b, "parent", &parent);
	kith_mp_put_cstr(b, "private");
	kith_mp_put_bool(b, x->private_);
	kith_mp_put_cstr(b, "slow");
	kith_mp_put_uint(b, kith_panel_slow_s(c->t, p->group, &x->id));
	kith_mp_put_cstr(b, "topic");
	kith_render_register(c->t, p->group, &x->id, "topic", text, sizeof(text));
	kith_mp_put_cstr(b, text);
	kith_mp_put_cstr(b, "url");
	kith_render_register(c->t, p->group, &x->id, "url", text, sizeof(text));
	kith_mp_put_cstr(b, kith_panel_url_ok(kith_slice_str(text)) ? text : "");
}

int
kith_put_panels(struct kith_call *c, const struct kith_id *group, bool brief)
{
	struct panels p;
	int r = collect(c, group, &p);

	if (r != KITH_OK)
		return r;
	kith_mp_put_cstr(c->result, "panels");
	kith_mp_put_array(c->result, (uint32_t)p.n);
	for (size_t i = 0; i < p.n; i++) {
		if (brief)
			put_brief(c, group, &p.v[i]);
		else
			put_whole(c, &p, &p.v[i]);
	}
	return KITH_OK;
}

int
kith_api_panel_list(struct kith_call *c)
{
	struct kith_id group;
	int r = kith_read_group(c, &group);

	if (r != KITH_OK)
		return r;
	kith_mp_put_map(c->result, 1);
	return kith_put_panels(c, &group, false);
}

/* ---- what one may do ---- */

int
kith_api_group_perms(struct kith_call *c)
{
	struct kith_id panel = kith_arg_id(c->args, "panel"), role = kith_arg_id(c->args, "role"), group;
	bool as_role = kith_arg_has(c->args, "role");
	uint32_t n = 0;
	size_t mark;
	int r = kith_read_group(c, &group);

	if (r != KITH_OK)
		return r;
	if (!kith_id_is_none(&panel) && !kith_state_may(c->t, &group, &c->session->uid, &panel, KITH_PERM_VIEW))
		return kith_fail(c, KITH_E_NOTFOUND, "not_found", "there is no such panel");
	kith_mp_put_map(c->result, 1);
	kith_mp_put_cstr(c->result, "perms");
	mark = kith_mp_begin(c->result);
	for (size_t i = 0; kith_perms[i] != NULL; i++) {
		if (as_role ? !kith_rights_role_may(c->t, &group, &role, &panel, kith_perms[i]) :
		    !kith_state_may(c->t, &group, &c->session->uid, &panel, kith_perms[i]))
			continue;
		kith_mp_put_cstr(c->result, kith_perms[i]);
		n++;
	}
	kith_mp_end_array(c->result, mark, n);
	return KITH_OK;
}
