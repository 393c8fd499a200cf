#include "federation/fed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/b32.h"

/*
 * Who there is. Node records lie in KITH_T_NODE (id/node.h); beside them, under
 * 'k' and the node id, what we know of each node that we may want to reach:
 * [met, shares a group with us, when it was last linked (wall ms)].
 */
#define SOURCES_MAX 65536

static void
key_of(const struct kith_id *node, uint8_t key[KITH_ID_BYTES + 1])
{
	key[0] = 'k';
	memcpy(key + 1, node->b, KITH_ID_BYTES);
}

int
kith_fed_peer_save(struct kith_fed *f, struct fed_peer *p)
{
	uint8_t key[KITH_ID_BYTES + 1];
	struct kith_buf b;
	int r;

	key_of(&p->node, key);
	kith_buf_init(&b, 0);
	kith_mp_put_array(&b, 3);
	kith_mp_put_bool(&b, p->met);
	kith_mp_put_bool(&b, p->shares);
	kith_mp_put_uint(&b, p->seen_ms);
	r = kith_buf_err(&b);
	if (r == KITH_OK)
		r = kith_txn_put(f->t, KITH_T_NODE, kith_slice_of(key, sizeof(key)), kith_buf_slice(&b));
	kith_buf_fini(&b);
	return r;
}

static int
load_peers(struct kith_fed *f)
{
	KITH_VEC(struct fed_peer) found = { NULL, 0, 0 };
	struct kith_cursor *c = NULL;
	struct kith_mp_reader rd;
	struct kith_slice k, v;
	struct fed_peer *p;
	size_t i;
	int r = kith_cursor_open(f->t, KITH_T_NODE, &c);

	if (r != KITH_OK)
		return r;
	for (r = kith_cursor_seek(c, kith_slice_str("k"), false, &k, &v); r == KITH_OK && k.p[0] == 'k';
	    r = kith_cursor_step(c, false, &k, &v)) {
		if (k.n != KITH_ID_BYTES + 1 || found.n >= FED_PEERS_MAX)
			continue;
		if (kith_vec_grow(&found) != KITH_OK) {
			r = KITH_E_NOMEM;
			break;
		}
		p = &found.v[found.n - 1];
		memset(p, 0, sizeof(*p));
		memcpy(p->node.b, k.p + 1, KITH_ID_BYTES);
		kith_mp_read(&rd, v);
		kith_mp_array_exact(&rd, 3);
		p->met = kith_mp_bool(&rd);
		p->shares = kith_mp_bool(&rd);
		p->seen_ms = kith_mp_uint(&rd);
	}
	kith_cursor_close(c);
	r = r == KITH_E_NOTFOUND ? KITH_OK : r;
	for (i = 0; r == KITH_OK && i < found.n; i++) {
		r = kith_fed_peer_make(f, &found.v[i].node, &p);
		if (r == KITH_OK && p != NULL) {
			p->met = found.v[i].met;
			p->shares = found.v[i].shares;
			p->seen_ms = found.v[i].seen_ms;
		}
	}
	kith_vec_fini(&found);
	return r;
}

int
kith_fed_load(struct kith_fed *f)
{
	struct fed_addr *a;
	size_t i;
	int r;

	if (f->loaded)
		return KITH_OK;
	f->loaded = true;
	r = load_peers(f);
	for (i = 0; r == KITH_OK && i < f->n_conf_peers; i++) {
		a = kith_fed_addr(f, f->conf_peer[i], &r);
		if (a != NULL)
			a->configured = true;
	}
	if (r == KITH_OK)
		r = kith_fed_mail_load(f);
	if (r == KITH_OK)
		r = kith_fed_groups_look(f);
	f->round_ms = f->now.mono_ms + 30000 + kith_fed_random(f) % 30000;
	f->purge_ms = f->now.mono_ms + FED_MIN_MS;
	return r;
}

struct fed_peer *
kith_fed_peer(struct kith_fed *f, const struct kith_id *node)
{
	return kith_map_get(f->peers, kith_id_slice(node));
}

static bool
in_any_group(const struct kith_fed *f, const struct kith_id *node, const struct kith_id *with)
{
	size_t it = 0;
	void *v;

	while (kith_map_next(f->groups, &it, NULL, &v))
		if (kith_fed_in_group(v, node, NULL) && (with == NULL || kith_fed_in_group(v, with, NULL)))
			return true;
	return false;
}

/* Forgets the node that has been away longest and that nothing ties to us. */
static int
make_room(struct kith_fed *f)
{
	struct fed_peer *p, *oldest = NULL;
	uint8_t key[KITH_ID_BYTES + 1];
	size_t it = 0;
	void *v;
	int r;

	while (kith_map_next(f->peers, &it, NULL, &v)) {
		p = v;
		if (p->link == NULL && p->dialling == 0 && !p->configured && (oldest == NULL || p->seen_ms < oldest->seen_ms) &&
		    !in_any_group(f, &p->node, NULL))
			oldest = p;
	}
	if (oldest == NULL)
		return KITH_E_LIMIT;
	key_of(&oldest->node, key);
	r = kith_txn_del(f->t, KITH_T_NODE, kith_slice_of(key, sizeof(key)));
	(void)kith_map_del(f->peers, kith_id_slice(&oldest->node));
	free(oldest);
	return r == KITH_E_NOTFOUND ? KITH_OK : r;
}

int
kith_fed_peer_make(struct kith_fed *f, const struct kith_id *node, struct fed_peer **out)
{
	struct fed_peer *p = kith_fed_peer(f, node);
	int r = KITH_OK;

	*out = p;
	if (p != NULL)
		return KITH_OK;
	if (kith_map_count(f->peers) >= FED_PEERS_MAX) {
		r = make_room(f);
		if (r != KITH_OK)
			return r == KITH_E_LIMIT ? KITH_OK : r;
	}
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		return KITH_E_NOMEM;
	p->node = *node;
	p->mail_next_ms = NEVER;
	r = kith_map_put(f->peers, kith_id_slice(node), p, NULL);
	if (r != KITH_OK) {
		free(p);
		return r;
	}
	f->dial_ms = 0;
	*out = p;
	return kith_fed_peer_refresh(f, p);
}

int
kith_fed_peer_refresh(struct kith_fed *f, struct fed_peer *p)
{
	struct kith_node_record rec;
	size_t i;
	int r = kith_node_get(f->t, &p->node, &rec);

	if (r != KITH_OK)
		return r == KITH_E_NOTFOUND ? KITH_OK : r;
	p->n = rec.n;
	p->listed = rec.listed;
	memset(p->name, 0, sizeof(p->name));
	memcpy(p->name, rec.name.p, rec.name.n < KITH_NODE_NAME_MAX ? rec.name.n : KITH_NODE_NAME_MAX);
	p->n_addrs = 0;
	for (i = 0; i < rec.n_addrs; i++) {
		if (rec.addr[i].n >= sizeof(p->addr[0]))
			continue;
		memset(p->addr[p->n_addrs], 0, sizeof(p->addr[0]));
		memcpy(p->addr[p->n_addrs++], rec.addr[i].p, rec.addr[i].n);
	}
	return KITH_OK;
}

/* ---- NODES: who else there is ---- */

static int
send_chain(struct kith_fed *f, struct fed_link *l, const struct kith_id *node)
{
	struct kith_buf *b = kith_fed_begin(f, 1);
	uint32_t n;
	int r;

	kith_mp_put_array(b, 1);
	kith_mp_put_array(b, 1);
	r = kith_fed_put_nodes(f, b, node, 0, &n);
	if (r == KITH_E_NOTFOUND)
		return KITH_OK;
	return r == KITH_OK ? kith_fed_send(f, l, KITH_FR_NODES) : r;
}

static bool
may_know(struct kith_fed *f, const struct fed_link *l, const struct kith_id *node, bool listed)
{
	return listed || in_any_group(f, node, &l->peer->node);
}

static int
younger_first(const void *x, const void *y)
{
	const struct fed_peer *a = *(struct fed_peer *const *)x, *b = *(struct fed_peer *const *)y;

	if (a->seen_ms != b->seen_ms)
		return a->seen_ms > b->seen_ms ? -1 : 1;
	return kith_id_cmp(&a->node, &b->node);
}

int
kith_fed_send_nodes(struct kith_fed *f, struct fed_link *l)
{
	KITH_VEC(struct fed_peer *) list = { NULL, 0, 0 };
	struct fed_peer *p;
	size_t it = 0, i;
	void *v;
	int r = KITH_OK;

	while (r == KITH_OK && kith_map_next(f->peers, &it, NULL, &v)) {
		p = v;
		if (p != l->peer && (p->met || in_any_group(f, &p->node, NULL)) && may_know(f, l, &p->node, p->listed))
			r = kith_vec_push(&list, p);
	}
	if (list.n > 0)
		qsort(list.v, list.n, sizeof(list.v[0]), younger_first);
	for (i = 0; r == KITH_OK && i < list.n && i < FED_INTRODUCED_MAX; i++)
		r = send_chain(f, l, &list.v[i]->node);
	kith_vec_fini(&list);
	return r;
}

int
kith_fed_spread_node(struct kith_fed *f, const struct kith_id *node, const struct fed_link *but)
{
	struct kith_node_record rec;
	struct fed_link *l;
	bool listed;
	size_t it = 0;
	void *v;
	int r = kith_node_get(f->t, node, &rec);

	if (r != KITH_OK)
		return r == KITH_E_NOTFOUND ? KITH_OK : r;
	listed = rec.listed || kith_id_eq(node, &f->self->node);
	while (r == KITH_OK && kith_map_next(f->links, &it, NULL, &v)) {
		l = v;
		if (l != but && l->state == LINK_OPEN && !kith_id_eq(&l->peer->node, node) && may_know(f, l, node, listed))
			r = send_chain(f, l, node);
	}
	return r;
}

static bool
may_introduce(struct fed_daily *d, uint64_t mono_ms)
{
	if (d->since_ms == 0 || mono_ms - d->since_ms >= FED_DAY_MS)
		*d = (struct fed_daily){ .since_ms = mono_ms };
	if (d->n >= FED_INTRODUCED_MAX)
		return false;
	d->n++;
	return true;
}

bool
kith_fed_new_person(struct kith_fed *f, const struct kith_id *node, uint64_t mono_ms)
{
	struct fed_peer *p = kith_fed_peer(f, node);

	if (p != NULL && may_introduce(&p->people, mono_ms))
		return true;
	f->count.over_budget++;
	return false;
}

/* One chain, beginning anywhere that follows what is held. */
static int
take_chain(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r)
{
	struct kith_node_record rec;
	struct kith_slice raw;
	struct kith_id node = kith_id_none, put;
	struct fed_peer *p;
	bool news = false;
	uint32_t n = kith_mp_array(r);
	int e = KITH_OK;

	for (; n > 0; n--) {
		raw = kith_mp_bin(r);
		if (e != KITH_OK)
			continue;
		e = kith_node_parse(raw, &rec);
		if (e != KITH_OK)
			return e;
		if (kith_id_is_none(&node)) {
			node = rec.node;
			if (kith_id_eq(&node, &f->self->node) ||
			    (kith_fed_peer(f, &node) == NULL && !in_any_group(f, &node, NULL) && !may_introduce(&l->peer->nodes, f->now.mono_ms)))
				e = KITH_E_LIMIT;
		}
		if (e == KITH_OK && !kith_id_eq(&node, &rec.node))
			return KITH_E_MALFORMED;
		if (e == KITH_OK)
			e = kith_node_put(f->env, f->t, raw, &put);
		news = news || e == KITH_OK;
		if (e == KITH_E_EXISTS)
			e = KITH_OK;
	}
	if (kith_fed_is_fatal(e))
		return e;
	if (e == KITH_E_BADSIG) {               /* a forgery, or rivals: who passes it on need not know */
		l->peer->refused++;
		f->count.bad_signature++;
	}
	if (!news)
		return KITH_OK;
	e = kith_fed_peer_make(f, &node, &p);
	if (e != KITH_OK || p == NULL)
		return e;
	f->dial_ms = 0;
	if (p->seen_ms == 0)
		p->seen_ms = f->now.wall_ms;
	e = kith_fed_peer_refresh(f, p);
	if (e == KITH_OK)
		e = kith_fed_peer_save(f, p);
	if (e == KITH_OK && (p->met || in_any_group(f, &node, NULL)))
		e = kith_fed_spread_node(f, &node, l);
	return e;
}

int
kith_fed_on_nodes(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r)
{
	uint32_t n = kith_mp_array(r);
	int e = KITH_OK;

	for (; e == KITH_OK && n > 0; n--) {
		kith_mp_array_exact(r, 1);
		e = take_chain(f, l, r);
	}
	return e;
}

/* ---- standing ---- */

static bool
same_word(const char *a, const char *b)
{
	for (; *a != '\0' && *b != '\0'; a++, b++) {
		if ((*a >= 'A' && *a <= 'Z' ? *a + 32 : *a) != (*b >= 'A' && *b <= 'Z' ? *b + 32 : *b))
			return false;
	}
	return *a == *b;
}

bool
kith_fed_refuses(const struct kith_fed *f, const struct kith_id *node, const char *name)
{
	char id[KITH_ID_STR];
	size_t n = strlen(name);

	for (size_t i = 0; i < f->n_refuse; i++) {
		const char *word = f->refuse[i];
		size_t k = strlen(word);

		if (strcmp(word, kith_id_str(node, id)) == 0 || same_word(word, name) || (word[0] == '.' && n >= k && same_word(word, name + n - k)))
			return true;
	}
	return false;
}

uint64_t
kith_fed_penalty_now(const struct kith_fed *f, uint64_t penalty_ms, uint64_t at_ms)
{
	uint64_t gone = f->now.mono_ms - at_ms;

	return penalty_ms > gone ? penalty_ms - gone : 0;
}

/* The host of "host:port", without loopback: all of one machine would pay for one of its programs. */
static struct kith_slice
source_of(const char *address)
{
	const char *colon = strrchr(address, ':');

	if (colon == NULL || kith_fed_reach(address) == REACH_LOOPBACK)
		return (struct kith_slice){ NULL, 0 };
	return kith_slice_of(address, (size_t)(colon - address));
}

bool
kith_fed_refused_source(struct kith_fed *f, const char *address)
{
	struct kith_slice host = source_of(address);
	struct fed_source *s = host.n > 0 ? kith_map_get(f->sources, host) : NULL;

	return s != NULL && kith_fed_penalty_now(f, s->penalty_ms, s->at_ms) >= FED_PENALTY_FROM_MS;
}

static int
add_source(struct kith_fed *f, const char *address, uint64_t ms)
{
	struct kith_slice host = source_of(address), first;
	struct fed_source *s;
	size_t it = 0;
	int r;

	if (host.n == 0)
		return KITH_OK;
	s = kith_map_get(f->sources, host);
	if (s == NULL) {
		if (kith_map_count(f->sources) >= SOURCES_MAX && kith_map_next(f->sources, &it, &first, NULL))
			free(kith_map_del(f->sources, first));
		s = calloc(1, sizeof(*s));
		if (s == NULL)
			return KITH_E_NOMEM;
		r = kith_map_put(f->sources, host, s, NULL);
		if (r != KITH_OK) {
			free(s);
			return r;
		}
	}
	ms += kith_fed_penalty_now(f, s->penalty_ms, s->at_ms);
	s->penalty_ms = ms < FED_PENALTY_MAX_MS ? ms : FED_PENALTY_MAX_MS;
	s->at_ms = f->now.mono_ms;
	return KITH_OK;
}

int
kith_fed_penalty(struct kith_fed *f, struct fed_link *l, uint64_t ms, const char *what)
{
	struct fed_peer *p = l->peer;
	char id[KITH_ID_STR];

	if (p == NULL) {
		kith_fed_log(f, 1, "%s: %s", l->address, what);
		return add_source(f, l->address, ms);
	}
	kith_fed_log(f, 1, "%.12s at %s: %s", kith_id_str(&p->node, id), l->address, what);
	ms += kith_fed_penalty_now(f, p->penalty_ms, p->penalty_at);
	p->penalty_ms = ms < FED_PENALTY_MAX_MS ? ms : FED_PENALTY_MAX_MS;
	p->penalty_at = f->now.mono_ms;
	p->refused++;
	if (p->penalty_ms < FED_PENALTY_FROM_MS)
		return KITH_OK;
	f->dial_ms = 0;
	return kith_fed_close(f, l, what);
}

int
kith_fed_blame(struct kith_fed *f, struct fed_link *l, int err, const char *what)
{
	char text[96];
	int r;

	snprintf(text, sizeof(text), "%s: %s", what, kith_err_name(err));
	if (err == KITH_E_BADSIG)
		f->count.bad_signature++;
	else if (err == KITH_E_DENIED)
		f->count.over_budget++;
	else
		f->count.malformed++;
	r = kith_fed_penalty(f, l, err == KITH_E_BADSIG ? 60000 : 10000, text);
	return r == KITH_OK ? kith_fed_close(f, l, text) : r;
}
