#include "federation/fed.h"

#include <string.h>

/*
 * Mail to other nodes: kept in KITH_T_MAIL (node, number -> [mail id, kind, made
 * (wall ms), payload]) and sent again every half minute and at each new link,
 * until it is acknowledged or refused or thirty days old. The receiver remembers
 * what it took under 'm', node, mail id in KITH_T_NODE -> when, as long.
 */
#define RETRY_MS 30000u
#define AT_ONCE 32
#define WAITING_MAX 1000                /* for one node */
#define PER_S 10
#define BURST 100
#define TAKEN_KEY (1 + KITH_ID_BYTES + 16)
#define MAIL_KEY (KITH_ID_BYTES + 8)

enum { MAILED_TAKEN, MAILED_REFUSED, MAILED_LATER };

static struct kith_slice
mail_key(uint8_t key[MAIL_KEY], const struct kith_id *node, uint64_t number)
{
	memcpy(key, node->b, KITH_ID_BYTES);
	kith_put_be64(key + KITH_ID_BYTES, number);
	return kith_slice_of(key, MAIL_KEY);
}

/* The numbers of what waits for a node, from one on; at most max. */
static int
waiting(struct kith_fed *f, const struct kith_id *node, uint64_t *out, size_t max, size_t *n)
{
	struct kith_cursor *c = NULL;
	struct kith_slice k, v;
	uint8_t key[MAIL_KEY];
	int r = kith_cursor_open(f->t, KITH_T_MAIL, &c);

	*n = 0;
	if (r != KITH_OK)
		return r;
	for (r = kith_cursor_seek(c, mail_key(key, node, 0), false, &k, &v); r == KITH_OK && *n < max; r = kith_cursor_step(c, false, &k, &v)) {
		if (k.n != MAIL_KEY || memcmp(k.p, node->b, KITH_ID_BYTES) != 0)
			break;
		out[(*n)++] = kith_get_be64(k.p + KITH_ID_BYTES);
	}
	kith_cursor_close(c);
	return r == KITH_E_NOTFOUND ? KITH_OK : r;
}

/* After a start: who is waited for. */
int
kith_fed_mail_load(struct kith_fed *f)
{
	KITH_VEC(struct kith_id) nodes = { NULL, 0, 0 };
	struct kith_cursor *c = NULL;
	struct kith_slice k, v;
	struct fed_peer *p;
	struct kith_id node;
	uint8_t key[MAIL_KEY] = { 0 };
	size_t i;
	int r = kith_cursor_open(f->t, KITH_T_MAIL, &c);

	if (r != KITH_OK)
		return r;
	for (r = kith_cursor_seek(c, kith_slice_of(key, 1), false, &k, &v); r == KITH_OK;
	    r = kith_cursor_seek(c, mail_key(key, &node, NEVER), false, &k, &v)) {
		memcpy(node.b, k.p, KITH_ID_BYTES);
		r = kith_vec_push(&nodes, node);
		if (r != KITH_OK)
			break;
	}
	kith_cursor_close(c);
	r = r == KITH_E_NOTFOUND ? KITH_OK : r;
	for (i = 0; r == KITH_OK && i < nodes.n; i++) {
		r = kith_fed_peer_make(f, &nodes.v[i], &p);
		if (r == KITH_OK && p != NULL)
			p->mail_next_ms = 0;
	}
	kith_vec_fini(&nodes);
	return r;
}

int
kith_fed_mail_due(struct kith_fed *f, struct fed_peer *p)
{
	struct kith_mp_reader rd;
	struct kith_slice v, payload, id;
	struct kith_buf *b;
	uint64_t number[AT_ONCE], kind, made;
	uint8_t key[MAIL_KEY];
	size_t n, i;
	int r = waiting(f, &p->node, number, AT_ONCE, &n);

	p->mail_next_ms = n > 0 ? f->now.mono_ms + RETRY_MS : NEVER;
	for (i = 0; r == KITH_OK && i < n; i++) {
		r = kith_txn_get(f->t, KITH_T_MAIL, mail_key(key, &p->node, number[i]), &v);
		if (r != KITH_OK)
			break;
		kith_mp_read(&rd, v);
		kith_mp_array_exact(&rd, 4);
		id = kith_mp_bin(&rd);
		kind = kith_mp_uint(&rd);
		made = kith_mp_uint(&rd);
		payload = kith_mp_bin(&rd);
		if (!kith_mp_done(&rd) || made + FED_MAIL_MS < f->now.wall_ms) {
			r = kith_txn_del(f->t, KITH_T_MAIL, mail_key(key, &p->node, number[i]));
			continue;
		}
		if (p->link == NULL || p->link->state != LINK_OPEN) {
			kith_fed_want_peer(f, p, RETRY_MS);
			break;
		}
		b = kith_fed_begin(f, 4);
		kith_mp_put_uint(b, number[i]);
		kith_mp_put_bin(b, id);
		kith_mp_put_uint(b, kind);
		kith_mp_put_bin(b, payload);
		r = kith_fed_send(f, p->link, KITH_FR_MAIL);
	}
	return r;
}

int
kith_fed_mails(struct kith_fed *f, uint64_t *next)
{
	struct fed_peer *p;
	size_t it = 0;
	void *v;
	int r = KITH_OK;

	while (r == KITH_OK && kith_map_next(f->peers, &it, NULL, &v)) {
		p = v;
		if (p->mail_next_ms <= f->now.mono_ms)
			r = kith_fed_mail_due(f, p);
		if (p->mail_next_ms < *next)
			*next = p->mail_next_ms;
	}
	return r;
}

int
kith_fed_mail_put(struct kith_fed *f, const struct kith_id *node, uint32_t kind, struct kith_slice payload)
{
	struct kith_cursor *c = NULL;
	struct kith_slice k, v;
	struct fed_peer *p;
	struct kith_buf b;
	uint64_t number = f->now.wall_ms * 1000, all[WAITING_MAX];
	uint8_t key[MAIL_KEY], id[16];
	size_t n;
	int r;

	if (payload.n > KITH_MAIL_MAX || kith_id_eq(node, &f->self->node))
		return KITH_E_LIMIT;
	r = waiting(f, node, all, WAITING_MAX, &n);
	if (r == KITH_OK && n >= WAITING_MAX)
		r = KITH_E_BUSY;
	if (r == KITH_OK)
		r = kith_fed_peer_make(f, node, &p);
	if (r == KITH_OK && p == NULL)
		r = KITH_E_BUSY;
	if (r == KITH_OK)
		r = kith_cursor_open(f->t, KITH_T_MAIL, &c);
	if (r != KITH_OK)
		return r;
	if (kith_cursor_seek(c, mail_key(key, node, NEVER), true, &k, &v) == KITH_OK && k.n == MAIL_KEY &&
	    memcmp(k.p, node->b, KITH_ID_BYTES) == 0 && kith_get_be64(k.p + KITH_ID_BYTES) >= number)
		number = kith_get_be64(k.p + KITH_ID_BYTES) + 1;
	kith_cursor_close(c);
	f->env->random(f->env->ctx, id, sizeof(id));
	kith_buf_init(&b, 0);
	kith_mp_put_array(&b, 4);
	kith_mp_put_bin(&b, kith_slice_of(id, sizeof(id)));
	kith_mp_put_uint(&b, kind);
	kith_mp_put_uint(&b, f->now.wall_ms);
	kith_mp_put_bin(&b, payload);
	r = kith_buf_err(&b);
	if (r == KITH_OK)
		r = kith_txn_put(f->t, KITH_T_MAIL, mail_key(key, node, number), kith_buf_slice(&b));
	kith_buf_fini(&b);
	return r == KITH_OK ? kith_fed_mail_due(f, p) : r;
}

/* Mail and questions of one peer: PER_S a second. */
bool
kith_fed_may_bother(struct kith_fed *f, struct fed_link *l)
{
	uint64_t more = (f->now.mono_ms - l->mail_at) * PER_S / 1000;

	if (more > 0) {
		l->mail_tokens = l->mail_tokens + more < BURST ? l->mail_tokens + more : BURST;
		l->mail_at = f->now.mono_ms;
	}
	if (l->mail_tokens == 0)
		return false;
	l->mail_tokens--;
	return true;
}

static struct kith_slice
taken_key(uint8_t key[TAKEN_KEY], const struct kith_id *node, struct kith_slice id)
{
	key[0] = 'm';
	memcpy(key + 1, node->b, KITH_ID_BYTES);
	memcpy(key + 1 + KITH_ID_BYTES, id.p, 16);
	return kith_slice_of(key, TAKEN_KEY);
}

int
kith_fed_on_mail(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r)
{
	uint64_t number = kith_mp_uint(r), kind, said = MAILED_LATER;
	struct kith_slice id = kith_mp_bin(r), payload, v;
	uint8_t key[TAKEN_KEY], when[8];
	struct kith_buf *b;
	int e;

	kind = kith_mp_uint(r);
	payload = kith_mp_bin(r);
	if (kith_txn_get(f->t, KITH_T_NODE, taken_key(key, &l->peer->node, id), &v) == KITH_OK) {
		said = MAILED_TAKEN;
	} else if (kith_fed_may_bother(f, l)) {
		e = kind > UINT32_MAX ? KITH_E_DENIED : f->host.mail(f->host.ctx, f->t, f->now, &l->peer->node, (uint32_t)kind, payload);
		if (kith_fed_is_fatal(e))
			return e;
		said = e == KITH_OK ? MAILED_TAKEN : e == KITH_E_BUSY ? MAILED_LATER : MAILED_REFUSED;
		if (e == KITH_OK) {
			kith_put_be64(when, f->now.wall_ms);
			e = kith_txn_put(f->t, KITH_T_NODE, taken_key(key, &l->peer->node, id), kith_slice_of(when, sizeof(when)));
			if (e != KITH_OK)
				return e;
		}
	}
	b = kith_fed_begin(f, 2);
	kith_mp_put_uint(b, number);
	kith_mp_put_uint(b, said);
	return kith_fed_send(f, l, KITH_FR_MAILED);
}

int
kith_fed_on_mailed(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r)
{
	uint64_t number = kith_mp_uint(r), said = kith_mp_uint(r), left;
	uint8_t key[MAIL_KEY];
	size_t n;
	int e;

	if (said > MAILED_LATER)
		return KITH_E_MALFORMED;
	if (said == MAILED_LATER)
		return KITH_OK;
	e = kith_txn_del(f->t, KITH_T_MAIL, mail_key(key, &l->peer->node, number));
	if (e != KITH_OK)
		return e == KITH_E_NOTFOUND ? KITH_OK : e;
	/* the last of those under way: the next ones */
	e = waiting(f, &l->peer->node, &left, 1, &n);
	if (e == KITH_OK && n == 0)
		l->peer->mail_next_ms = NEVER;
	else if (e == KITH_OK && left > number)
		e = kith_fed_mail_due(f, l->peer);
	return e;
}

/* What is too old to come again, and passes that have run out: 1,000 of them at a time. */
static int
purge(struct kith_fed *f, const char *prefix, size_t n_key, bool until)
{
	KITH_VEC(struct kith_slice) old = { NULL, 0, 0 };
	struct kith_cursor *c = NULL;
	struct kith_slice k, v, copy;
	uint64_t at;
	size_t i;
	int r;

	kith_arena_reset(f->arena);
	r = kith_cursor_open(f->t, KITH_T_NODE, &c);
	if (r != KITH_OK)
		return r;
	for (r = kith_cursor_seek(c, kith_slice_str(prefix), false, &k, &v); r == KITH_OK && k.p[0] == (uint8_t)prefix[0] && old.n < 1000;
	    r = kith_cursor_step(c, false, &k, &v)) {
		if (k.n != n_key || v.n != 8)
			continue;
		at = kith_get_be64(v.p) + (until ? 0 : FED_MAIL_MS);
		if (at > f->now.wall_ms)
			continue;
		copy = kith_arena_copy(f->arena, k);
		if (copy.p == NULL || kith_vec_push(&old, copy) != KITH_OK)
			break;
	}
	kith_cursor_close(c);
	r = KITH_OK;
	for (i = 0; r == KITH_OK && i < old.n; i++)
		r = kith_txn_del(f->t, KITH_T_NODE, old.v[i]);
	kith_vec_fini(&old);
	return r;
}

int
kith_fed_mail_purge(struct kith_fed *f)
{
	int r = purge(f, "m", TAKEN_KEY, false);

	return r == KITH_OK ? purge(f, "g", 1 + 2 * KITH_ID_BYTES, true) : r;
}
