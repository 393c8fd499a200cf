#include "federation/fed.h"

#include <stdlib.h>
#include <string.h>

/*
 * Questions to a node, and what is never stored: typing, presence, receipts. The
 * latter go out only if there is credit at once, and come in only from the home
 * of the person that they are about, 20 a second for each.
 */
#define QUESTIONS_MAX 1024
#define FLEETING_PER_S 20
#define FLEETING_PEOPLE 1024

static int
send_question(struct kith_fed *f, struct fed_question *q, struct fed_link *l)
{
	struct kith_buf *b = kith_fed_begin(f, 3);

	q->sent = true;
	kith_mp_put_uint(b, q->id);
	kith_mp_put_uint(b, q->kind);
	kith_mp_put_bin(b, kith_slice_of(q->payload, q->n));
	return kith_fed_send(f, l, KITH_FR_ASK);
}

int
kith_fed_ask_start(struct kith_fed *f, const struct kith_id *node, uint32_t kind, struct kith_slice payload, uint64_t timeout_ms, uint64_t token)
{
	struct fed_question *q;
	struct fed_peer *p;
	int r;

	if (payload.n > KITH_MAIL_MAX || kith_id_eq(node, &f->self->node))
		return KITH_E_LIMIT;
	if (f->questions.n >= QUESTIONS_MAX)
		return KITH_E_BUSY;
	r = kith_fed_peer_make(f, node, &p);
	if (r != KITH_OK || p == NULL)
		return r == KITH_OK ? KITH_E_BUSY : r;
	q = calloc(1, sizeof(*q));
	if (q == NULL)
		return KITH_E_NOMEM;
	q->payload = malloc(payload.n > 0 ? payload.n : 1);
	if (q->payload == NULL || kith_vec_push(&f->questions, q) != KITH_OK) {
		free(q->payload);
		free(q);
		return KITH_E_NOMEM;
	}
	if (payload.n > 0)
		memcpy(q->payload, payload.p, payload.n);
	q->n = payload.n;
	q->id = ++f->last_id;
	q->token = token;
	q->kind = kind;
	q->node = *node;
	q->deadline_ms = f->now.mono_ms + timeout_ms;
	if (q->deadline_ms < f->ask_ms)
		f->ask_ms = q->deadline_ms;
	if (p->link != NULL && p->link->state == LINK_OPEN)
		return send_question(f, q, p->link);
	kith_fed_want_peer(f, p, timeout_ms);
	/* cppcheck-suppress memleak; f->questions has it */
	return KITH_OK;
}

int
kith_fed_ask_link(struct kith_fed *f, struct fed_link *l)
{
	size_t i;
	int r = KITH_OK;

	for (i = 0; r == KITH_OK && i < f->questions.n; i++)
		if (kith_id_eq(&f->questions.v[i]->node, &l->peer->node))
			r = send_question(f, f->questions.v[i], l);
	return r;
}

static void
question_over(struct kith_fed *f, size_t i, int err, struct kith_slice answer)
{
	struct fed_question *q = f->questions.v[i];

	f->questions.v[i] = f->questions.v[--f->questions.n];
	f->host.answer(f->host.ctx, f->t, f->now, q->token, err, answer);
	free(q->payload);
	free(q);
}

int
kith_fed_asks(struct kith_fed *f, uint64_t *next)
{
	size_t i;

	f->ask_ms = NEVER;
	for (i = f->questions.n; i > 0; i--) {
		if (i > f->questions.n)
			continue;
		if (f->questions.v[i - 1]->deadline_ms <= f->now.mono_ms)
			question_over(f, i - 1, KITH_E_BUSY, (struct kith_slice){ NULL, 0 });
		else if (f->questions.v[i - 1]->deadline_ms < f->ask_ms)
			f->ask_ms = f->questions.v[i - 1]->deadline_ms;
	}
	if (f->ask_ms < *next)
		*next = f->ask_ms;
	return KITH_OK;
}

int
kith_fed_on_ask(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r)
{
	uint64_t req = kith_mp_uint(r), kind = kith_mp_uint(r);
	struct kith_slice payload = kith_mp_bin(r);
	struct kith_buf answer, *b;
	int e = KITH_E_NOTFOUND;

	kith_buf_init(&answer, KITH_MAIL_MAX);
	if (kind <= UINT32_MAX && kith_fed_may_bother(f, l))
		e = f->host.question(f->host.ctx, f->t, f->now, &l->peer->node, (uint32_t)kind, payload, &answer);
	if (e == KITH_OK)
		e = kith_buf_err(&answer);
	if (kith_fed_is_fatal(e)) {
		kith_buf_fini(&answer);
		return e;
	}
	b = kith_fed_begin(f, 3);
	kith_mp_put_uint(b, req);
	kith_mp_put_bool(b, e == KITH_OK);
	kith_mp_put_bin(b, e == KITH_OK ? kith_buf_slice(&answer) : (struct kith_slice){ NULL, 0 });
	e = kith_fed_send(f, l, KITH_FR_ANSWER);
	kith_buf_fini(&answer);
	return e;
}

int
kith_fed_on_answer(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r)
{
	uint64_t req = kith_mp_uint(r);
	bool found = kith_mp_bool(r);
	struct kith_slice payload = kith_mp_bin(r);
	size_t i;

	for (i = 0; i < f->questions.n; i++) {
		if (f->questions.v[i]->id == req && kith_id_eq(&f->questions.v[i]->node, &l->peer->node)) {
			question_over(f, i, found ? KITH_OK : KITH_E_NOTFOUND, payload);
			break;
		}
	}
	return KITH_OK;
}

/* ---- what passes ---- */

static int
send_fleeting(struct kith_fed *f, struct fed_link *l, const struct kith_id *group, const struct kith_id *panel, struct kith_slice payload)
{
	struct kith_buf *b = kith_fed_begin(f, 3);

	kith_mp_put_id_or_none(b, group);
	kith_mp_put_id_or_none(b, panel);
	kith_mp_put_bin(b, payload);
	return kith_fed_send(f, l, KITH_FR_FLEETING);
}

int
kith_fed_fleeting(struct kith_fed *f, const struct kith_id *group, const struct kith_id *panel, const struct kith_id *node, struct kith_slice payload)
{
	struct fed_member *m;
	struct fed_group *g;
	struct fed_peer *p;
	size_t it = 0;
	void *v;
	int r = KITH_OK;

	if (payload.n > KITH_FLEETING_MAX)
		return KITH_E_LIMIT;
	if (panel == NULL)
		panel = &kith_id_none;
	if (group == NULL || kith_id_is_none(group)) {
		p = node == NULL ? NULL : kith_fed_peer(f, node);
		return p == NULL || p->link == NULL || p->link->state != LINK_OPEN ? KITH_OK :
		    send_fleeting(f, p->link, &kith_id_none, panel, payload);
	}
	r = kith_fed_group(f, group, false, &g);
	while (r == KITH_OK && g != NULL && kith_map_next(g->members, &it, NULL, &v)) {
		m = v;
		if (m->link != NULL && m->matched && m->level == LEVEL_FULL && (kith_id_is_none(panel) || kith_fed_sees(f, m, panel)))
			r = send_fleeting(f, m->link, group, panel, payload);
	}
	return r;
}

/* Does this person live there, going by a group's roster? */
static bool
lives_at(struct kith_fed *f, const struct fed_group *g, const struct kith_id *uid, const struct kith_id *node)
{
	struct kith_group *kg = kith_fed_open_group(f, g);
	struct kith_member who;

	return kg != NULL && kith_group_member(kg, uid, &who) == KITH_OK && who.member && kith_id_eq(&who.node, node);
}

static bool
in_rate(struct kith_fed *f, struct fed_link *l, const struct kith_id *uid)
{
	uintptr_t second = (uintptr_t)(f->now.mono_ms / 1000) & 0xffffff, v = (uintptr_t)kith_map_get(l->fleeting, kith_id_slice(uid));
	struct kith_slice first;
	size_t it = 0;

	if (v >> 8 != second)
		v = second << 8;
	if ((v & 0xff) >= FLEETING_PER_S)
		return false;
	if (kith_map_count(l->fleeting) >= FLEETING_PEOPLE && kith_map_next(l->fleeting, &it, &first, NULL))
		(void)kith_map_del(l->fleeting, first);
	return kith_map_put(l->fleeting, kith_id_slice(uid), (void *)(v + 1), NULL) == KITH_OK;
}

int
kith_fed_on_fleeting(struct kith_fed *f, struct fed_link *l, struct kith_mp_reader *r)
{
	static const struct kith_mp_limits lim = { .depth = 4, .values = 256, .nil = true };
	struct kith_id group = kith_mp_id_or_none(r), panel = kith_mp_id_or_none(r), uid;
	struct kith_slice payload = kith_mp_bin(r);
	struct kith_mp_reader rd;
	struct fed_member *m = NULL;
	bool home = false;
	size_t i;
	int e = kith_mp_check(payload, &lim);

	if (e != KITH_OK)
		return e;
	kith_mp_read(&rd, payload);
	if (kith_mp_array(&rd) == 0 && rd.err == KITH_OK)
		return KITH_E_MALFORMED;
	uid = kith_mp_id(&rd);
	if (rd.err != KITH_OK)
		return KITH_E_MALFORMED;
	if (!kith_id_is_none(&group)) {
		e = kith_fed_frame_group(f, l, &group, &m);
		if (e != KITH_OK || m == NULL)
			return e;
		home = m->level == LEVEL_FULL && (kith_id_is_none(&panel) || kith_fed_sees(f, m, &panel)) && lives_at(f, m->g, &uid, &m->node);
	}
	for (i = 0; m == NULL && !home && i < l->members.n; i++)
		home = l->members.v[i]->link == l && lives_at(f, l->members.v[i]->g, &uid, &l->peer->node);
	if (home && in_rate(f, l, &uid))
		f->host.ephemeral(f->host.ctx, f->t, f->now, &l->peer->node, payload);
	else if (!home)
		f->count.not_entitled++;
	return KITH_OK;
}
