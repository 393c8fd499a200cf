#include "client/common.h"

#include <stdlib.h>
#include <string.h>

#include "base/b32.h"
#include "client/render.h"
#include "id/node.h"
#include "storage/ledger.h"
#include "wire/mp.h"

int
kith_result_id(struct kith_call *c, const struct kith_id *id)
{
	kith_mp_put_map(c->result, 1);
	kith_put_key_id(c->result, "id", id);
	return KITH_OK;
}

void
kith_put_id_str(struct kith_buf *b, const struct kith_id *id)
{
	char text[KITH_ID_STR];

	if (kith_id_is_none(id))
		kith_mp_put_nil(b);
	else
		kith_mp_put_cstr(b, kith_id_str(id, text));
}

void
kith_put_key_id(struct kith_buf *b, const char *key, const struct kith_id *id)
{
	kith_mp_put_cstr(b, key);
	kith_put_id_str(b, id);
}

void
kith_put_text(struct kith_buf *b, const char *key, struct kith_slice text)
{
	kith_mp_put_map(b, 1);
	kith_mp_put_cstr(b, key);
	kith_mp_put_str(b, text);
}

int
kith_call_group(struct kith_call *c, struct kith_group **out)
{
	struct kith_id id = kith_arg_id(c->args, "group");
	struct kith_group *g = c->host->group(c->host->ctx, c->t, &id);
	struct kith_member m;

	if (g == NULL || !kith_group_is_held(g) || kith_group_member(g, &c->session->uid, &m) != KITH_OK || !m.member)
		return kith_fail(c, KITH_E_NOTFOUND, "not_found", "you are in no such group");
	*out = g;
	return KITH_OK;
}

int
kith_call_author(struct kith_call *c, const struct kith_id *uid, struct kith_account *a, struct kith_signer **s)
{
	int r = kith_account_get(c->t, uid, a);

	if (r == KITH_E_NOTFOUND)
		return kith_fail(c, r, "not_found", "there is no such account here");
	if (r != KITH_OK)
		return r;
	return kith_account_signer(c->conf, a, s);
}

/* The core's word for what is lacking, as a sentence. */
static int
denied(struct kith_call *c, const char *why)
{
	static const struct { const char *word, *text; } said[] = {
		{ "permission", "none of your roles here may do that" },
		{ "level", "that stands at your own level or above it" },
		{ "role", "you do not hold that role, or there is none such" },
		{ "owner", "only an owner may do that" },
		{ "banned", "you are banned from this group" },
		{ "form", "that act makes no sense here" },
		{ "voice", "you are muted here" },
		{ "closed", "nobody may write in this panel now" },
		{ "member", "you are not a member of this group" },
		{ "node", "this node is banned from the group" },
		{ "invite", "that invite does not stand any more: ask for a new one" },
		{ "join", "this group cannot be joined in that way" },
	};

	for (size_t i = 0; why != NULL && i < sizeof(said) / sizeof(said[0]); i++) {
		if (strcmp(said[i].word, why) == 0)
			return kith_fail(c, KITH_E_DENIED, "denied", "%s", said[i].text);
	}
	return kith_fail(c, KITH_E_DENIED, "denied", "that is not allowed here%s%s", why != NULL ? ": " : "", why != NULL ? why : "");
}

static int node_arrives(struct kith_call *c, struct kith_group *g);

int
kith_call_write(struct kith_call *c, struct kith_group *g, const struct kith_id *uid, struct kith_draft *d, struct kith_id *id)
{
	struct kith_signer *s = NULL;
	const char *why = NULL;
	struct kith_account a;
	int r = kith_call_author(c, uid, &a, &s);

	/* in a new incarnation the node says so before anybody on it speaks */
	if (r == KITH_OK && d->kind >= KITH_K_NODE_JOIN)
		r = node_arrives(c, g);
	if (r != KITH_OK) {
		kith_signer_free(s);
		return r;
	}
	d->author = a.uid;
	d->doc = a.doc;
	d->account = s;
	r = kith_group_write(g, c->t, c->now, d, c->host->changes(c->host->ctx), id, NULL, &why);
	kith_signer_free(s);
	return r == KITH_E_DENIED ? denied(c, why) : r;
}

int
kith_call_act(struct kith_call *c, struct kith_group *g, const struct kith_id *uid, struct kith_draft *d, struct kith_id *id)
{
	const char *why = NULL;
	int r = KITH_OK;

	if (c->session != NULL && c->m != NULL && c->args != NULL) {
		for (size_t k = 0; c->m->params[k].name != NULL; k++) {
			if (strcmp(c->m->params[k].name, "via") == 0 && c->args->v[k].present) {
				d->via = c->args->v[k].id;
				return kith_call_write(c, g, uid, d, id);
			}
		}
	}
	r = kith_authority_via(kith_group_authority(g), uid, d->kind, d->op, &d->via, &why);
	if (r == KITH_E_DENIED)
		return denied(c, why);
	return r == KITH_OK ? kith_call_write(c, g, uid, d, id) : r;
}

int
kith_self_record(struct kith_call *c, struct kith_id *id, struct kith_slice *raw)
{
	struct kith_node_record n;
	int r = kith_node_get(c->t, &c->self->node, &n);

	if (r == KITH_OK) {
		*id = n.id;
		*raw = n.raw;
	}
	return r;
}

int
kith_call_link(struct kith_call *c, struct kith_link *l)
{
	if (kith_link_parse(kith_arg_str(c->args, "link"), l) != KITH_OK)
		return kith_fail(c, KITH_E_MALFORMED, "invalid_params", "that is not an invite link: it ends in # and letters, ask for it to be sent again");
	return KITH_OK;
}

/* Gives a group the identity documents of one of ours, oldest first. */
static int
offer_docs(struct kith_call *c, struct kith_group *g, const struct kith_id *newest)
{
	struct kith_changes *ch = c->host->changes(c->host->ctx);
	struct kith_missings none = { { NULL, 0, 0 } };
	KITH_VEC(struct kith_id) chain = { NULL, 0, 0 };
	struct kith_id at = *newest;
	int r = KITH_OK;

	while (r == KITH_OK && !kith_id_is_none(&at) && chain.n < 1000) {
		struct kith_slice raw;
		struct kith_doc doc;
		uint8_t type;

		r = kith_vec_push(&chain, at);
		if (r == KITH_OK)
			r = kith_ledger_object_get(c->t, &at, &type, &raw);
		if (r == KITH_OK)
			r = kith_doc_parse(raw, &doc);
		if (r == KITH_OK)
			at = doc.prev;
	}
	for (size_t i = chain.n; r == KITH_OK && i > 0; i--) {
		uint8_t copy[KITH_DOC_MAX], type;
		struct kith_slice raw;

		r = kith_ledger_object_get(c->t, &chain.v[i - 1], &type, &raw);
		if (r == KITH_OK && raw.n <= sizeof(copy)) {
			memcpy(copy, raw.p, raw.n);
			r = kith_group_object(g, c->t, c->now, KITH_O_DOC, kith_slice_of(copy, raw.n), true, ch, &none);
		}
		if (r == KITH_E_EXISTS)
			r = KITH_OK;
	}
	kith_vec_fini(&chain);
	kith_vec_fini(&none.list);
	return r;
}

/* This node's own first record in the group, in this incarnation. */
static int
node_arrives(struct kith_call *c, struct kith_group *g)
{
	struct kith_changes *ch = c->host->changes(c->host->ctx);
	struct kith_missings none = { { NULL, 0, 0 } };
	uint8_t copy[KITH_NODE_MAX];
	struct kith_feed_tip tip;
	struct kith_draft d;
	struct kith_slice raw;
	struct kith_op op;
	const char *why = NULL;
	int r = kith_group_feed_tip(g, c->t, &kith_scope_roster, &c->self->node, c->self->incarnation, &tip);

	if (r != KITH_E_NOTFOUND && !(r == KITH_OK && tip.seq == UINT64_MAX))
		return r;
	memset(&op, 0, sizeof(op));
	memset(&d, 0, sizeof(d));
	r = kith_self_record(c, &op.node_record, &raw);
	if (r != KITH_OK || raw.n > sizeof(copy))
		return r != KITH_OK ? r : KITH_E_CORRUPT;
	memcpy(copy, raw.p, raw.n);
	r = kith_group_object(g, c->t, c->now, KITH_O_NODE, kith_slice_of(copy, raw.n), true, ch, &none);
	kith_vec_fini(&none.list);
	if (r != KITH_OK && r != KITH_E_EXISTS)
		return r;
	op.has = KITH_OP_BIT(KITH_OP_NODE_RECORD);
	d.kind = KITH_K_NODE_JOIN;
	d.op = &op;
	r = kith_group_write(g, c->t, c->now, &d, ch, NULL, NULL, &why);
	return r == KITH_E_DENIED ? denied(c, why) : r;
}

int
kith_group_arrive(struct kith_call *c, struct kith_group *g, const struct kith_id *uid)
{
	struct kith_account a;
	int r = kith_account_get(c->t, uid, &a);

	if (r == KITH_OK)
		r = offer_docs(c, g, &a.doc);
	return r == KITH_OK ? node_arrives(c, g) : r;
}

int
kith_account_moved(struct kith_call *c, const struct kith_account *a)
{
	struct kith_id group = kith_id_none;
	int r = KITH_OK;

	while (r == KITH_OK && kith_user_group_next(c->t, &a->uid, &group)) {
		struct kith_group *g = c->host->group(c->host->ctx, c->t, &group);
		struct kith_member m;
		struct kith_draft d;

		if (g == NULL || kith_group_member(g, &a->uid, &m) != KITH_OK || !m.member)
			continue;
		r = offer_docs(c, g, &a->doc);
		memset(&d, 0, sizeof(d));
		d.kind = KITH_K_MOVE;
		d.with_cut = true;
		if (r == KITH_OK)
			r = kith_call_write(c, g, &a->uid, &d, NULL);
		/* banned meanwhile: there is nothing to take along */
		if (r == KITH_E_DENIED)
			r = KITH_OK;
	}
	return r;
}
