#include <string.h>

#include "client/common.h"
#include "client/profile.h"
#include "client/render.h"
#include "client/state.h"
#include "crypto/sign.h"
#include "storage/ledger.h"
#include "wire/mp.h"

/*
 * What an invitation leads to, for whoever holds its link, signed in or not: told
 * from the group where it is held, else asked of a node that the link names.
 */

struct preview {
	char name[256], topic[1025], questions[2049], maker[KITH_HANDLE_MAX + 1];
	uint64_t members, nodes, joins;
	bool guests;
	const char *state;
};
static const char *const states[] = { "ok", "expired", "revoked", "used", "unknown", "member" };
static const char *const joins[] = { "open", "invite", "request" };

static const char *
state_named(struct kith_slice text)
{
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		if (kith_slice_is(text, states[i]))
			return states[i];
	}
	return "unknown";
}

/* Has the one who asks its secret, and may it still be used, as far as this node knows? */
static const char *
invite_state(struct kith_call *c, const struct kith_link *l, struct preview *p)
{
	struct kith_fact stands = { .kind = KITH_F_INVITE, .a = l->invite };
	struct kith_invite_kept kept;
	struct kith_invite inv;
	struct kith_slice raw;
	struct kith_id hash;
	uint8_t type;

	kith_hash(KITH_L_INVITE, kith_slice_of(l->secret, sizeof(l->secret)), &hash);
	if (kith_ledger_object_get(c->t, &l->invite, &type, &raw) != KITH_OK || type != KITH_O_INVITE || kith_invite_parse(raw, &inv) != KITH_OK ||
	    !kith_id_eq(&inv.group, &l->group) || !kith_secret_eq(kith_id_slice(&inv.secret_hash), kith_id_slice(&hash)))
		return "unknown";
	kith_render_nick(c->t, &l->group, &inv.maker, p->maker, sizeof(p->maker));
	p->guests = inv.guests;
	if (!kith_state_fact(c->t, &l->group, &stands))
		return "revoked";
	if (inv.expires_ms > 0 && c->now.wall_ms >= inv.expires_ms)
		return "expired";
	if (kith_invite_kept_get(c->t, &l->group, &l->invite, &kept) == KITH_OK && kept.uses > 0 && kept.used >= kept.uses)
		return "used";
	return "ok";
}

/* NOTFOUND: the group is not held here. */
static int
look(struct kith_call *c, const struct kith_link *l, struct preview *p)
{
	struct kith_state_group sg;
	int r = kith_state_group(c->t, &l->group, &sg);

	memset(p, 0, sizeof(*p));
	if (r == KITH_OK && sg.kind != 0)
		r = KITH_E_NOTFOUND;
	if (r != KITH_OK)
		return r;
	p->guests = true;
	p->joins = sg.joins;
	p->state = kith_id_is_none(&l->invite) ? (sg.joins == 1 ? "unknown" : "ok") : invite_state(c, l, p);
	if (strcmp(p->state, "unknown") == 0)
		return KITH_OK;         /* whoever holds no link that was given to them learns nothing */
	kith_group_name(c->t, &l->group, p->name, sizeof(p->name));
	kith_render_register(c->t, &l->group, &kith_id_none, "description", p->topic, sizeof(p->topic));
	if (p->topic[0] == '\0')
		kith_render_register(c->t, &l->group, &kith_id_none, "topic", p->topic, sizeof(p->topic));
	kith_render_register(c->t, &l->group, &kith_id_none, "questions", p->questions, sizeof(p->questions));
	p->members = sg.members;
	p->nodes = sg.nodes;
	return KITH_OK;
}

static int
put_result(struct kith_call *c, const struct kith_link *l, const struct preview *p)
{
	bool in = c->session != NULL && kith_state_is_member(c->t, &l->group, &c->session->uid);

	kith_mp_put_map(c->result, 10);
	kith_mp_put_cstr(c->result, "description");
	kith_mp_put_cstr(c->result, p->topic);
	kith_put_key_id(c->result, "group", &l->group);
	kith_mp_put_cstr(c->result, "guests");
	kith_mp_put_bool(c->result, p->guests);
	kith_mp_put_cstr(c->result, "join");
	kith_mp_put_cstr(c->result, joins[p->joins < 3 ? p->joins : 1]);
	kith_mp_put_cstr(c->result, "maker");
	kith_mp_put_cstr(c->result, p->maker);
	kith_mp_put_cstr(c->result, "members");
	kith_mp_put_uint(c->result, p->members);
	kith_mp_put_cstr(c->result, "name");
	kith_mp_put_cstr(c->result, p->name[0] != '\0' ? p->name : l->name);
	kith_mp_put_cstr(c->result, "nodes");
	kith_mp_put_uint(c->result, p->nodes);
	kith_mp_put_cstr(c->result, "questions");
	kith_put_questions(c->result, kith_slice_str(p->joins == 2 ? p->questions : ""));
	kith_mp_put_cstr(c->result, "state");
	kith_mp_put_cstr(c->result, in ? "member" : p->state);
	return KITH_OK;
}

int
kith_api_invite_preview(struct kith_call *c)
{
	const struct kith_id *whom = NULL;
	struct preview p;
	struct kith_link l;
	struct kith_buf b;
	uint64_t rtt;
	int r = kith_call_link(c, &l);

	if (r != KITH_OK)
		return r;
	r = look(c, &l, &p);
	if (r == KITH_OK)
		return put_result(c, &l, &p);
	if (r != KITH_E_NOTFOUND)
		return r;
	for (size_t i = 0; i < l.n_nodes; i++) {
		/* a stranger cannot send us anywhere: only those who are signed in make us learn addresses */
		for (size_t k = 0; c->session != NULL && k < l.node[i].n_addrs; k++) {
			r = c->host->meet(c->host->ctx, c, l.node[i].addr[k]);
			if (r == KITH_E_NOMEM)
				return r;
		}
		if (!kith_id_eq(&l.node[i].node, &c->self->node) && (whom == NULL || c->host->linked(c->host->ctx, &l.node[i].node, &rtt)))
			whom = &l.node[i].node;
	}
	memset(&p, 0, sizeof(p));
	p.guests = true;
	p.joins = 1;
	p.state = "unknown";
	if (whom == NULL)
		return put_result(c, &l, &p);
	kith_buf_init(&b, 0);
	kith_mp_put_array(&b, 3);
	kith_mp_put_id(&b, &l.group);
	kith_mp_put_id_or_none(&b, &l.invite);
	kith_mp_put_bin(&b, kith_slice_of(l.secret, sizeof(l.secret)));
	r = kith_buf_err(&b);
	if (r == KITH_OK)
		r = c->host->ask(c->host->ctx, c, whom, KITH_ASK_PREVIEW, kith_buf_slice(&b));
	kith_buf_fini(&b);
	return r == KITH_OK ? KITH_PENDING : r;
}

/* [state, name, description, who invites, members, nodes, how one joins, guests too, questions (one a line)] */
int
kith_preview_tell(struct kith_call *c, struct kith_slice payload)
{
	struct kith_mp_reader rd;
	struct kith_slice secret;
	struct kith_link l;
	struct preview p;
	int r;

	memset(&l, 0, sizeof(l));
	kith_mp_read(&rd, payload);
	kith_mp_array_exact(&rd, 3);
	l.group = kith_mp_id(&rd);
	l.invite = kith_mp_id_or_none(&rd);
	secret = kith_mp_bin(&rd);
	if (!kith_mp_done(&rd) || secret.n != sizeof(l.secret))
		return KITH_E_MALFORMED;
	memcpy(l.secret, secret.p, secret.n);
	r = look(c, &l, &p);
	if (r != KITH_OK || strcmp(p.state, "unknown") == 0)
		return r == KITH_OK ? KITH_E_NOTFOUND : r;
	kith_mp_put_array(c->result, 9);
	kith_mp_put_cstr(c->result, p.state);
	kith_mp_put_cstr(c->result, p.name);
	kith_mp_put_cstr(c->result, p.topic);
	kith_mp_put_cstr(c->result, p.maker);
	kith_mp_put_uint(c->result, p.members);
	kith_mp_put_uint(c->result, p.nodes);
	kith_mp_put_uint(c->result, p.joins);
	kith_mp_put_bool(c->result, p.guests);
	kith_mp_put_cstr(c->result, p.questions);
	return kith_buf_err(c->result);
}

int
kith_preview_answered(struct kith_call *c, int err, struct kith_slice answer)
{
	static const struct kith_mp_limits lim = { .depth = 2, .values = 16, .nil = false };
	struct kith_mp_reader rd;
	struct preview p;
	struct kith_link l;
	int r = kith_call_link(c, &l);

	if (r != KITH_OK)
		return r;
	memset(&p, 0, sizeof(p));
	p.guests = true;
	p.joins = 1;
	p.state = "unknown";
	if (err == KITH_OK && kith_mp_check(answer, &lim) == KITH_OK) {
		kith_mp_read(&rd, answer);
		kith_mp_array_exact(&rd, 9);
		p.state = state_named(kith_mp_str(&rd));
		kith_copy_text(kith_mp_str(&rd), p.name, sizeof(p.name));
		kith_copy_text(kith_mp_str(&rd), p.topic, sizeof(p.topic));
		kith_copy_text(kith_mp_str(&rd), p.maker, sizeof(p.maker));
		p.members = kith_mp_uint(&rd);
		p.nodes = kith_mp_uint(&rd);
		p.joins = kith_mp_uint(&rd);
		p.guests = kith_mp_bool(&rd);
		kith_copy_text(kith_mp_str(&rd), p.questions, sizeof(p.questions));
		if (!kith_mp_done(&rd)) {
			memset(&p, 0, sizeof(p));
			p.joins = 1;
			p.state = "unknown";
		}
	}
	return put_result(c, &l, &p);
}
