#include <string.h>

#include "base/b32.h"
#include "client/common.h"
#include "client/render.h"
#include "client/state.h"
#include "storage/ledger.h"
#include "wire/mp.h"

/* Pages of panels, messages by their ids, and what changed since. */

#define SCAN_MAX 1000           /* rows looked at for one page */
#define PAGE_BYTES (256u << 10) /* from here on a page is long enough */

struct shown { uint64_t clock, id_head; struct kith_id id; };
struct page { struct shown *v; size_t n, limit; bool more, moderator, tired; struct shown at; };   /* tired: SCAN_MAX rows looked at, down to `at` */

/* The newest messages of one panel before a place, newest first, as far as the viewer may see them. */
static int
collect(struct kith_call *c, const struct kith_id *group, const struct kith_id *panel, const struct kith_ledger_entry *before, struct page *p)
{
	struct kith_ledger_entry from, *row = kith_arena_array(c->arena, 128, sizeof(*row));
	size_t scanned = 0, n = 0, want;
	bool have_from = before != NULL, end = false;
	uint32_t scopeno;
	int r;

	p->v = kith_arena_array(c->arena, p->limit, sizeof(*p->v));
	if (row == NULL || p->v == NULL)
		return KITH_E_NOMEM;
	r = kith_ledger_scope(c->t, group, panel, false, &scopeno);
	if (r != KITH_OK)
		return r == KITH_E_NOTFOUND ? KITH_OK : r;
	memset(&from, 0, sizeof(from));
	if (have_from)
		from = *before;
	while (!end && !p->more && scanned < SCAN_MAX) {
		/* one more than is due, to know whether there is more */
		want = p->limit - p->n + 8 < 128 ? p->limit - p->n + 8 : 128;
		r = kith_ledger_page(c->t, scopeno, have_from ? &from : NULL, true, row, want, &n);
		if (r != KITH_OK)
			return r;
		end = n < want;
		for (size_t i = 0; i < n && !p->more; i++) {
			struct kith_ledger_record rec;
			struct kith_record h;
			uint32_t state = 0;

			scanned++;
			from = row[i];
			have_from = true;
			if (kith_ledger_get(c->t, row[i].pos, &rec) != KITH_OK || kith_record_parse(rec.header, &h) != KITH_OK ||
			    h.kind != KITH_K_MESSAGE || kith_ledger_state_get(c->t, row[i].pos, &state) != KITH_OK ||
			    (state & KITH_S_REJECTED) != 0 || ((state & (KITH_S_HIDDEN | KITH_S_SIDE)) != 0 && !p->moderator))
				continue;
			if (p->n == p->limit)
				p->more = true;
			else
				p->v[p->n++] = (struct shown){ row[i].clock, row[i].id_head, rec.id };
		}
	}
	p->tired = !p->more && !end;
	p->at = (struct shown){ .clock = from.clock, .id_head = from.id_head };
	p->more = p->more || !end;
	return KITH_OK;
}

/* The only panel of a conversation. */
struct first_panel { struct kith_id id; bool found; };
static bool
take_panel(void *ctx, const struct kith_fact *f, bool on)
{
	struct first_panel *p = ctx;

	if (on) {
		p->id = f->a;
		p->found = true;
	}
	return !on;
}

static bool
newer(const struct shown *a, const struct shown *b)
{
	return a->clock != b->clock ? a->clock > b->clock : a->id_head > b->id_head;
}

/* Oldest first; what does not fit is left for the next page, the newest never is. floor: where looking ended, or NULL. */
static int
put_page(struct kith_call *c, const struct shown *v, size_t n, bool moderator, bool more, const struct shown *floor)
{
	char order[KITH_ORDER_STR];
	size_t *at = kith_arena_array(c->arena, n + 1, sizeof(*at)), taken = 0;
	struct kith_buf b;
	uint32_t n_out = 0;
	int r = KITH_OK;

	if (at == NULL)
		return KITH_E_NOMEM;
	kith_buf_init(&b, 0);
	for (; taken < n && b.n < PAGE_BYTES; taken++) {
		at[taken] = b.n;
		r = kith_render_message(c->t, &v[taken].id, &c->session->uid, moderator, &b);
		if (r == KITH_OK)
			n_out++;
		else if (r != KITH_E_NOTFOUND)
			goto done;
	}
	at[taken] = b.n;
	r = kith_buf_err(&b);
	if (r != KITH_OK)
		goto done;
	more = more || taken < n;
	if (taken < n || floor == NULL)
		floor = taken > 0 ? &v[taken - 1] : NULL;
	kith_mp_put_map(c->result, 3);
	kith_mp_put_cstr(c->result, "before");
	if (more && floor != NULL) {
		kith_order_text(floor->clock, floor->id_head, order);
		kith_mp_put_cstr(c->result, order);
	} else {
		kith_mp_put_nil(c->result);
	}
	kith_mp_put_cstr(c->result, "messages");
	kith_mp_put_array(c->result, n_out);
	for (size_t i = taken; i > 0; i--)
		kith_mp_put_raw(c->result, kith_slice_of(b.p + at[i - 1], at[i] - at[i - 1]));
	kith_mp_put_cstr(c->result, "more");
	kith_mp_put_bool(c->result, more);
done:
	kith_buf_fini(&b);
	return r;
}

int
kith_api_message_list(struct kith_call *c)
{
	struct kith_slice text = kith_arg_str(c->args, "before");
	struct kith_id panel = kith_arg_id(c->args, "panel"), group, twin;
	struct page page = { .limit = (size_t)kith_arg_num(c->args, "limit", 50) }, other = page;
	struct first_panel fp = { .found = false };
	const struct shown *floor = NULL;
	struct kith_ledger_entry before;
	size_t a = 0, b = 0, n = 0;
	struct shown *all;
	int r = kith_read_group(c, &group);

	if (r != KITH_OK)
		return r;
	if (!kith_state_may(c->t, &group, &c->session->uid, &panel, "panel.view"))
		return kith_fail(c, KITH_E_NOTFOUND, "not_found", "there is no such panel");
	page.moderator = other.moderator = kith_state_may(c->t, &group, &c->session->uid, &panel, "message.remove");
	memset(&before, 0, sizeof(before));
	if (text.n > 0 && kith_order_parse(text, &before.clock, &before.id_head) != KITH_OK)
		return kith_fail(c, KITH_E_MALFORMED, "invalid_params", "before: the order of a message");
	r = collect(c, &group, &panel, text.n > 0 ? &before : NULL, &page);
	if (r == KITH_OK && kith_user_twin(c->t, &c->session->uid, &group, &twin) == KITH_OK)
		r = kith_state_facts(c->t, &twin, KITH_F_PANEL, take_panel, &fp);
	if (r == KITH_OK && fp.found)
		r = collect(c, &twin, &fp.id, text.n > 0 ? &before : NULL, &other);
	if (r != KITH_OK)
		return r;
	all = kith_arena_array(c->arena, page.limit, sizeof(*all));
	if (all == NULL)
		return KITH_E_NOMEM;
	while (n < page.limit && (a < page.n || b < other.n)) {
		bool first = b == other.n || (a < page.n && newer(&page.v[a], &other.v[b]));

		all[n++] = first ? page.v[a++] : other.v[b++];
	}
	/* behind the place where either was left, the other's are for later */
	if (page.tired)
		floor = &page.at;
	if (other.tired && (floor == NULL || newer(&other.at, floor)))
		floor = &other.at;
	while (floor != NULL && n > 0 && newer(floor, &all[n - 1]))
		n--;
	return put_page(c, all, n, page.moderator, page.more || other.more || a < page.n || b < other.n,
	    n < page.limit ? floor : NULL);
}

int
kith_api_message_find(struct kith_call *c)
{
	struct kith_id lo, hi, ids[32];
	uint32_t n_out = 0;
	size_t n = 0, mark;
	int r;

	if (kith_id_prefix_range(kith_arg_str(c->args, "prefix"), &lo, &hi) != KITH_OK)
		return kith_fail(c, KITH_E_MALFORMED, "invalid_params", "prefix: 6 or more characters of an id (a-z, 2-7)");
	r = kith_ledger_find_range(c->t, &lo, &hi, ids, 32, &n);
	if (r != KITH_OK)
		return r;
	kith_mp_put_map(c->result, 1);
	kith_mp_put_cstr(c->result, "found");
	mark = kith_mp_begin(c->result);
	for (size_t i = 0; i < n; i++) {
		struct kith_ledger_record rec;
		struct kith_record h;
		char order[KITH_ORDER_STR];

		if (kith_ledger_get_id(c->t, &ids[i], &rec) != KITH_OK || kith_record_parse(rec.header, &h) != KITH_OK ||
		    h.kind != KITH_K_MESSAGE || !kith_state_is_member(c->t, &h.group, &c->session->uid) ||
		    !kith_state_may(c->t, &h.group, &c->session->uid, &h.scope, "panel.view"))
			continue;
		kith_order_text(rec.clock, kith_id_prefix(&rec.id), order);
		kith_mp_put_map(c->result, 4);
		kith_put_key_id(c->result, "group", &h.group);
		kith_put_key_id(c->result, "id", &h.id);
		kith_mp_put_cstr(c->result, "order");
		kith_mp_put_cstr(c->result, order);
		kith_put_key_id(c->result, "panel", &h.scope);
		n_out++;
	}
	kith_mp_end_array(c->result, mark, n_out);
	return KITH_OK;
}

/* ---- since a cursor ---- */

#define SYNC_ROWS 5000
#define SYNC_PANELS 256
#define SYNC_IDS 100

struct seen_panel { struct kith_id group, panel; uint32_t fresh, n_ids; struct kith_id *ids; };

static bool
decimal(struct kith_slice s, uint64_t *out)
{
	*out = 0;
	if (s.n == 0 || s.n > 19)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		*out = *out * 10 + (uint64_t)(s.p[i] - '0');
	}
	return true;
}

static int
put_cursor(struct kith_call *c, uint64_t next)
{
	char text[24];
	size_t n = sizeof(text);

	text[--n] = '\0';
	do {
		text[--n] = (char)('0' + next % 10);
		next /= 10;
	} while (next > 0);
	kith_mp_put_cstr(c->result, "cursor");
	kith_mp_put_cstr(c->result, text + n);
	return KITH_OK;
}

int
kith_api_sync(struct kith_call *c)
{
	struct kith_slice text = kith_arg_str(c->args, "cursor"), k, v;
	struct seen_panel *panels = kith_arena_array(c->arena, SYNC_PANELS, sizeof(*panels));
	struct kith_id *groups = kith_arena_array(c->arena, SYNC_PANELS, sizeof(*groups));
	struct kith_cursor *cur = NULL;
	uint64_t from = 0, next = 1, first = 1;
	size_t n_panels = 0, n_groups = 0, rows = 0;
	bool reset = false;
	uint8_t key[8];
	int r;

	if (panels == NULL || groups == NULL)
		return KITH_E_NOMEM;
	if (text.n > 0 && !decimal(text, &from))
		return kith_fail(c, KITH_E_MALFORMED, "invalid_params", "cursor: as the last answer gave it");
	r = kith_cursor_open(c->t, KITH_T_CHANGE, &cur);
	if (r != KITH_OK)
		return r;
	if (kith_cursor_seek(cur, kith_slice_of(NULL, 0), true, &k, &v) == KITH_OK && k.n == 8)
		next = kith_get_be64(k.p) + 1;
	if (kith_cursor_seek(cur, kith_slice_of("", 1), false, &k, &v) == KITH_OK && k.n == 8)
		first = kith_get_be64(k.p);
	if (text.n > 0 && (from < first || from > next || next - from > SYNC_ROWS))
		reset = from != next;
	kith_put_be64(key, from);
	for (r = text.n == 0 || reset ? KITH_E_NOTFOUND : kith_cursor_seek(cur, kith_slice_of(key, 8), false, &k, &v); r == KITH_OK;
	     r = kith_cursor_step(cur, false, &k, &v)) {
		struct kith_mp_reader rd;
		struct kith_id group, panel, id;
		uint64_t what;
		size_t i = 0;

		if (++rows > SYNC_ROWS) {
			reset = true;
			break;
		}
		kith_mp_read(&rd, v);
		kith_mp_array_exact(&rd, 4);
		group = kith_mp_id(&rd);
		panel = kith_mp_id_or_none(&rd);
		id = kith_mp_id_or_none(&rd);
		what = kith_mp_uint(&rd);
		if (!kith_mp_done(&rd))
			continue;
		if (what == KITH_SEEN_GROUP) {
			while (i < n_groups && !kith_id_eq(&groups[i], &group))
				i++;
			if (i == n_groups && n_groups < SYNC_PANELS && kith_state_is_member(c->t, &group, &c->session->uid))
				groups[n_groups++] = group;
			continue;
		}
		while (i < n_panels && !kith_id_eq(&panels[i].panel, &panel))
			i++;
		if (i == n_panels) {
			if (!kith_state_is_member(c->t, &group, &c->session->uid) || !kith_state_may(c->t, &group, &c->session->uid, &panel, "panel.view"))
				continue;
			if (n_panels == SYNC_PANELS) {
				reset = true;
				break;
			}
			panels[i].group = group;
			panels[i].panel = panel;
			panels[i].ids = kith_arena_array(c->arena, SYNC_IDS, sizeof(struct kith_id));
			if (panels[i].ids == NULL) {
				reset = true;
				break;
			}
			n_panels++;
		}
		if (what == KITH_SEEN_NEW)
			panels[i].fresh++;
		else if (panels[i].n_ids < SYNC_IDS)
			panels[i].ids[panels[i].n_ids++] = id;
	}
	kith_cursor_close(cur);
	if (r != KITH_OK && r != KITH_E_NOTFOUND)
		return r;
	if (reset)
		n_panels = n_groups = 0;
	kith_mp_put_map(c->result, 4);
	put_cursor(c, next);
	kith_mp_put_cstr(c->result, "groups");
	kith_mp_put_array(c->result, (uint32_t)n_groups);
	for (size_t i = 0; i < n_groups; i++)
		kith_put_id_str(c->result, &groups[i]);
	kith_mp_put_cstr(c->result, "panels");
	kith_mp_put_array(c->result, (uint32_t)n_panels);
	for (size_t i = 0; i < n_panels; i++) {
		kith_mp_put_map(c->result, 4);
		kith_mp_put_cstr(c->result, "changed");
		kith_mp_put_array(c->result, panels[i].n_ids);
		for (uint32_t x = 0; x < panels[i].n_ids; x++)
			kith_put_id_str(c->result, &panels[i].ids[x]);
		kith_put_key_id(c->result, "group", &panels[i].group);
		kith_mp_put_cstr(c->result, "new");
		kith_mp_put_uint(c->result, panels[i].fresh);
		kith_put_key_id(c->result, "panel", &panels[i].panel);
	}
	kith_mp_put_cstr(c->result, "reset");
	kith_mp_put_bool(c->result, reset);
	return KITH_OK;
}
