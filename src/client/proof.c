#include <string.h>

#include "base/b32.h"
#include "base/map.h"
#include "client/common.h"
#include "client/methods.h"
#include "client/render.h"
#include "client/state.h"
#include "id/doc.h"
#include "id/node.h"
#include "storage/ledger.h"
#include "wire/mp.h"

/*
 * What a message rests on, checked anew from the bytes that are held: its text
 * by the hash in its header, its author's signature, the chain of its feed up to
 * a place that its node has signed, and the acts of authority that it was written
 * under, back to the one that made the group.
 */
#define WALK_MAX 5000u          /* records of a feed, acts of authority; further is "long" */

enum found { GOOD, BAD, NONE, MISSING, LONG };
static const char *const names[] = { [GOOD] = "good", [BAD] = "bad", [NONE] = "none", [MISSING] = "missing", [LONG] = "long" };

struct proof {
	struct kith_record h;
	struct kith_ledger_record rec;
	enum found body, author, chain, root;
	uint8_t account_pk[KITH_PK_BYTES];
	uint64_t n_chain, tip_seq, n_root;
	struct kith_id tip;
};

static enum found
said(int r)
{
	return r == KITH_OK ? GOOD : r == KITH_E_NOTFOUND || r == KITH_E_MISSING ? MISSING : BAD;
}

static enum found
check_body(struct kith_call *c, const struct proof *p)
{
	struct kith_slice body;
	int r = kith_ledger_body_get(c->t, p->rec.pos, &body);

	return said(r == KITH_OK ? kith_record_body_ok(&p->h, body) : r);
}

/* Not all are signed by their author: where the home speaks for its people, its own signature is what there is. */
static enum found
check_author(struct kith_call *c, struct proof *p)
{
	struct kith_slice raw;
	struct kith_doc doc;
	uint8_t type;
	int r;

	if (!p->h.has_author_sig)
		return NONE;
	r = kith_ledger_object_get(c->t, &p->h.doc, &type, &raw);
	if (r == KITH_OK)
		r = kith_doc_parse(raw, &doc);
	if (r != KITH_OK)
		return said(r);
	memcpy(p->account_pk, doc.account_pk, sizeof(p->account_pk));
	if (!kith_id_eq(&doc.uid, &p->h.author))
		return BAD;
	return said(kith_record_author_check(c->env, &p->h, doc.account_pk));
}

/* From the record on, each one naming the one before it, to the first that carries a signature of the node. */
static enum found
check_chain(struct kith_call *c, struct proof *p)
{
	struct kith_ledger_feed f;
	struct kith_ledger_record at = p->rec;
	struct kith_record h;
	uint8_t sig[64];
	int r = kith_ledger_feed_get(c->t, p->rec.feedno, &f);

	if (r != KITH_OK)
		return said(r);
	p->tip = p->rec.id;
	for (;;) {
		uint64_t pos;
		size_t n;

		p->tip_seq = at.seq;
		if (at.sig.n == sizeof(sig) || (f.has_sig && f.sig_seq == at.seq)) {
			memcpy(sig, at.sig.n == sizeof(sig) ? at.sig.p : f.sig, sizeof(sig));
			return said(kith_node_verify(c->env, c->t, &p->h.node, KITH_L_TIP, kith_id_slice(&p->tip), sig));
		}
		if (p->n_chain == WALK_MAX)
			return LONG;
		r = kith_ledger_place(c->t, p->rec.feedno, at.seq + 1, &pos, 1, &n);
		if (r != KITH_OK || n == 0)
			return r == KITH_OK ? MISSING : said(r);
		r = kith_ledger_get(c->t, pos, &at);
		if (r == KITH_OK)
			r = kith_record_parse(at.header, &h);
		if (r != KITH_OK || !kith_id_eq(&h.prev, &p->tip))
			return r == KITH_OK ? BAD : said(r);
		p->tip = at.id;
		p->n_chain++;
	}
}

static int
push(struct kith_map *seen, struct kith_id *todo, size_t *n, const struct kith_id *ids, size_t n_ids)
{
	for (size_t i = 0; i < n_ids; i++) {
		int r;

		if (kith_map_get(seen, kith_id_slice(&ids[i])) != NULL)
			continue;
		if (*n == WALK_MAX)
			return KITH_E_LIMIT;
		r = kith_map_put(seen, kith_id_slice(&ids[i]), seen, NULL);
		if (r != KITH_OK)
			return r;
		todo[(*n)++] = ids[i];
	}
	return KITH_OK;
}

/* Reading a record hashes it, so naming it by its hash is the whole of the chain. */
static int
check_root(struct kith_call *c, struct proof *p)
{
	struct kith_map *seen = kith_map_new();
	struct kith_id *todo = kith_arena_alloc(c->arena, WALK_MAX * sizeof(*todo));
	size_t n = 0;
	bool made = false;
	int r = seen != NULL && todo != NULL ? push(seen, todo, &n, p->h.frontier, p->h.n_frontier) : KITH_E_NOMEM;

	for (size_t i = 0; r == KITH_OK && i < n; i++) {
		struct kith_ledger_record rec;
		struct kith_record h;

		r = kith_ledger_get_id(c->t, &todo[i], &rec);
		if (r == KITH_OK)
			r = kith_record_parse(rec.header, &h);
		if (r != KITH_OK)
			break;
		made = made || (h.kind == KITH_K_CREATE && kith_id_eq(&h.id, &p->h.group));
		r = push(seen, todo, &n, h.parents, h.n_parents);
	}
	kith_map_free(seen, NULL);
	p->n_root = n;
	if (r == KITH_E_NOMEM)
		return r;
	p->root = r == KITH_E_LIMIT ? LONG : r != KITH_OK ? said(r) : made ? GOOD : BAD;
	return KITH_OK;
}

static void
put(struct kith_call *c, const struct proof *p)
{
	struct kith_buf *b = c->result;
	char name[256], key[KITH_ID_STR];
	struct kith_id pk;

	memcpy(pk.b, p->account_pk, sizeof(pk.b));
	kith_mp_put_map(b, 6);
	kith_mp_put_cstr(b, "author");
	kith_mp_put_map(b, 4);
	kith_mp_put_cstr(b, "handle");
	kith_render_handle(c->t, &p->h.group, &p->h.author, name, sizeof(name));
	kith_mp_put_cstr(b, name);
	kith_mp_put_cstr(b, "key");
	kith_mp_put_cstr(b, p->author == NONE || p->author == MISSING ? "" : kith_id_str(&pk, key));
	kith_mp_put_cstr(b, "state");
	kith_mp_put_cstr(b, names[p->author]);
	kith_put_key_id(b, "uid", &p->h.author);
	kith_mp_put_cstr(b, "body");
	kith_mp_put_cstr(b, names[p->body]);
	kith_mp_put_cstr(b, "chain");
	kith_mp_put_map(b, 4);
	kith_mp_put_cstr(b, "n");
	kith_mp_put_uint(b, p->n_chain);
	kith_mp_put_cstr(b, "seq");
	kith_mp_put_uint(b, p->tip_seq);
	kith_mp_put_cstr(b, "state");
	kith_mp_put_cstr(b, names[p->chain]);
	kith_put_key_id(b, "tip", &p->tip);
	kith_mp_put_cstr(b, "node");
	kith_mp_put_map(b, 2);
	kith_put_key_id(b, "id", &p->h.node);
	kith_mp_put_cstr(b, "name");
	kith_render_node(c->t, &p->h.node, name, sizeof(name));
	kith_mp_put_cstr(b, name);
	kith_mp_put_cstr(b, "record");
	kith_mp_put_map(b, 3);
	kith_mp_put_cstr(b, "clock");
	kith_mp_put_uint(b, p->h.clock >> 16);
	kith_put_key_id(b, "id", &p->h.id);
	kith_mp_put_cstr(b, "seq");
	kith_mp_put_uint(b, p->h.seq);
	kith_mp_put_cstr(b, "root");
	kith_mp_put_map(b, 3);
	kith_put_key_id(b, "id", &p->h.group);
	kith_mp_put_cstr(b, "n");
	kith_mp_put_uint(b, p->n_root);
	kith_mp_put_cstr(b, "state");
	kith_mp_put_cstr(b, names[p->root]);
}

int
kith_api_message_proof(struct kith_call *c)
{
	struct kith_id group = kith_arg_id(c->args, "group"), id = kith_arg_id(c->args, "id");
	struct proof p;
	int r;

	memset(&p, 0, sizeof(p));
	r = kith_ledger_get_id(c->t, &id, &p.rec);
	if (r == KITH_OK)
		r = kith_record_parse(p.rec.header, &p.h);
	if (r == KITH_E_NOTFOUND || (r == KITH_OK && (p.h.kind != KITH_K_MESSAGE || !kith_id_eq(&p.h.group, &group) ||
	    !kith_state_is_member(c->t, &group, &c->session->uid) || !kith_state_may(c->t, &group, &c->session->uid, &p.h.scope, "panel.view"))))
		return kith_fail(c, KITH_E_NOTFOUND, "not_found", "there is no such message");
	if (r != KITH_OK)
		return r;
	p.body = check_body(c, &p);
	p.author = check_author(c, &p);
	p.chain = check_chain(c, &p);
	r = check_root(c, &p);
	if (r == KITH_OK)
		put(c, &p);
	return r;
}
