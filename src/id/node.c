#include "id/node.h"

#include <string.h>

#include "storage/store.h"
#include "wire/mp.h"

#define NODE_VERSION 1

static const struct kith_mp_limits limits = { .depth = 2, .values = 64, .nil = false };

static bool
port_ok(struct kith_slice s)
{
	uint32_t v = 0;
	size_t i;

	if (s.n == 0 || s.n > 5 || s.p[0] == '0')
		return false;
	for (i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		v = v * 10 + (uint32_t)(s.p[i] - '0');
	}
	return v <= 65535;
}

#define HOST_CHARS "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-_"

static bool
is_among(uint8_t c, const char *set)
{
	return c != 0 && strchr(set, c) != NULL;
}

bool
kith_addr_ok(struct kith_slice s)
{
	bool v6 = s.n > 0 && s.p[0] == '[';
	size_t i, host = v6 ? 1 : 0, colon;

	if (s.n > KITH_ADDR_MAX)
		return false;
	for (i = host; i < s.n && s.p[i] != (v6 ? ']' : ':'); i++) {
		if (!is_among(s.p[i], v6 ? "0123456789abcdefABCDEF:." : HOST_CHARS))
			return false;
	}
	colon = v6 ? i + 1 : i;
	return i > host && colon < s.n && s.p[colon] == ':' && port_ok(kith_slice_from(s, colon + 1));
}

/* ---- one record ---- */

static bool
take_lists(struct kith_mp_reader *r, struct kith_node_record *d)
{
	size_t i, j;

	for (i = 0; i < d->n_certs; i++) {
		kith_mp_bin_exact(r, d->cert_pk[i], sizeof(d->cert_pk[i]));
		for (j = 0; j < i; j++)
			if (memcmp(d->cert_pk[i], d->cert_pk[j], sizeof(d->cert_pk[i])) == 0)
				return false;
	}
	d->next_root = kith_mp_id_given(r);
	d->n_addrs = kith_mp_array(r);
	if (d->n_addrs > KITH_NODE_ADDRS_MAX)
		return false;
	for (i = 0; i < d->n_addrs; i++) {
		d->addr[i] = kith_mp_str(r);
		if (r->err != KITH_OK || !kith_addr_ok(d->addr[i]))
			return false;
		for (j = 0; j < i; j++)
			if (kith_slice_eq(d->addr[i], d->addr[j]))
				return false;
	}
	return r->err == KITH_OK;
}

static int
parse_body(struct kith_node_record *d)
{
	struct kith_mp_reader r;
	uint64_t version;
	int e = kith_mp_check(d->body, &limits);

	if (e != KITH_OK)
		return e;
	kith_mp_read(&r, d->body);
	kith_mp_array_exact(&r, 11);
	version = kith_mp_uint(&r);
	d->n = kith_mp_uint(&r);
	d->node = kith_mp_id_or_none(&r);
	kith_mp_bin_exact(&r, d->root_pk, sizeof(d->root_pk));
	kith_mp_bin_exact(&r, d->sign_pk, sizeof(d->sign_pk));
	d->n_certs = kith_mp_array(&r);
	if (r.err != KITH_OK || version != NODE_VERSION || d->n_certs == 0)
		return KITH_E_MALFORMED;
	if (d->n_certs > KITH_NODE_CERTS_MAX || d->n > KITH_NODE_N_MAX)
		return KITH_E_LIMIT;
	if (!take_lists(&r, d))
		return KITH_E_MALFORMED;
	d->name = kith_mp_str(&r);
	d->listed = kith_mp_bool(&r);
	d->prev = kith_mp_id_or_none(&r);
	if (!kith_mp_done(&r) || memcmp(d->root_pk, d->sign_pk, sizeof(d->root_pk)) == 0)
		return KITH_E_MALFORMED;
	if (d->name.n > KITH_NODE_NAME_MAX)
		return KITH_E_LIMIT;
	if ((d->n == 0) != kith_id_is_none(&d->node) || (d->n == 0) != kith_id_is_none(&d->prev))
		return KITH_E_MALFORMED;
	return KITH_OK;
}

int
kith_node_parse(struct kith_slice raw, struct kith_node_record *out)
{
	struct kith_node_record d;
	struct kith_mp_reader r;
	int e;

	if (raw.n > KITH_NODE_MAX)
		return KITH_E_LIMIT;
	e = kith_mp_check(raw, &limits);
	if (e != KITH_OK)
		return e;
	memset(&d, 0, sizeof(d));
	d.raw = raw;
	kith_mp_read(&r, raw);
	kith_mp_array_exact(&r, 2);
	d.body = kith_mp_bin(&r);
	kith_mp_bin_exact(&r, d.sig, sizeof(d.sig));
	if (!kith_mp_done(&r))
		return KITH_E_MALFORMED;
	e = parse_body(&d);
	if (e != KITH_OK)
		return e;
	kith_hash(KITH_L_NODE, d.body, &d.id);
	if (d.n == 0)
		d.node = d.id;
	*out = d;
	return KITH_OK;
}

static bool
same_root(const struct kith_node_record *a, const struct kith_node_record *b)
{
	return memcmp(a->root_pk, b->root_pk, sizeof(a->root_pk)) == 0;
}

int
kith_node_check(const struct kith_env *env, const struct kith_node_record *r, const struct kith_node_record *prev)
{
	struct kith_id h;

	if (prev == NULL ? r->n != 0 : r->n == 0 || r->n - 1 != prev->n || !kith_id_eq(&r->node, &prev->node) ||
	    !kith_id_eq(&r->prev, &prev->id))
		return KITH_E_MALFORMED;
	if (!kith_pk_ok(r->root_pk) || !kith_pk_ok(r->sign_pk))
		return KITH_E_BADSIG;
	if (prev != NULL && !same_root(r, prev)) {
		kith_hash(KITH_L_NODE, kith_slice_of(r->root_pk, sizeof(r->root_pk)), &h);
		if (!kith_id_eq(&h, &prev->next_root))
			return KITH_E_BADSIG;
	}
	return env->verify(env->ctx, r->root_pk, KITH_L_NODE, r->body, r->sig);
}

int
kith_node_make(const struct kith_node_new *d, const struct kith_signer *root, struct kith_buf *out)
{
	uint8_t sig[KITH_SIG_BYTES];
	struct kith_node_record check;
	struct kith_buf body;
	size_t start = out->n, i;
	int e;

	if (d->n_certs > KITH_NODE_CERTS_MAX || d->n_addrs > KITH_NODE_ADDRS_MAX)
		return KITH_E_LIMIT;
	kith_buf_init(&body, 0);
	kith_mp_put_array(&body, 11);
	kith_mp_put_uint(&body, NODE_VERSION);
	kith_mp_put_uint(&body, d->n);
	kith_mp_put_id_or_none(&body, &d->node);
	kith_mp_put_bin(&body, kith_slice_of(d->root_pk, sizeof(d->root_pk)));
	kith_mp_put_bin(&body, kith_slice_of(d->sign_pk, sizeof(d->sign_pk)));
	kith_mp_put_array(&body, (uint32_t)d->n_certs);
	for (i = 0; i < d->n_certs; i++)
		kith_mp_put_bin(&body, kith_slice_of(d->cert_pk[i], sizeof(d->cert_pk[i])));
	kith_mp_put_id(&body, &d->next_root);
	kith_mp_put_array(&body, (uint32_t)d->n_addrs);
	for (i = 0; i < d->n_addrs; i++)
		kith_mp_put_cstr(&body, d->addr[i]);
	kith_mp_put_cstr(&body, d->name != NULL ? d->name : "");
	kith_mp_put_bool(&body, d->listed);
	kith_mp_put_id_or_none(&body, &d->prev);
	e = kith_buf_err(&body);
	if (e == KITH_OK) {
		kith_sign(root, KITH_L_NODE, kith_buf_slice(&body), sig);
		kith_mp_put_array(out, 2);
		kith_mp_put_bin(out, kith_buf_slice(&body));
		kith_mp_put_bin(out, kith_slice_of(sig, sizeof(sig)));
		e = kith_buf_err(out);
	}
	if (e == KITH_OK)
		e = kith_node_parse(kith_slice_from(kith_buf_slice(out), start), &check);
	if (e != KITH_OK)
		out->n = start;
	kith_buf_fini(&body);
	return e;
}

/* ---- chains in the store ---- */

#define CHAIN_KEY (KITH_ID_BYTES + 1 + 8)

static struct kith_slice
chain_key(const struct kith_id *node, uint64_t n, uint8_t key[CHAIN_KEY])
{
	memcpy(key, node->b, KITH_ID_BYTES);
	key[KITH_ID_BYTES] = 0;
	kith_put_be64(key + KITH_ID_BYTES + 1, n);
	return kith_slice_of(key, CHAIN_KEY);
}

/* What we stored parsed once: if it does not now, the store is to blame. */
static int
parse_held(struct kith_slice raw, struct kith_node_record *out)
{
	return kith_node_parse(raw, out) == KITH_OK ? KITH_OK : KITH_E_CORRUPT;
}

static int
get_at(struct kith_txn *t, const struct kith_id *node, uint64_t n, struct kith_node_record *out)
{
	uint8_t key[CHAIN_KEY];
	struct kith_slice raw;
	int r = kith_txn_get(t, KITH_T_NODE, chain_key(node, n, key), &raw);

	return r == KITH_OK ? parse_held(raw, out) : r;
}

int
kith_node_get(struct kith_txn *t, const struct kith_id *node, struct kith_node_record *out)
{
	uint8_t key[CHAIN_KEY];
	struct kith_cursor *c;
	struct kith_slice k, raw;
	int r = kith_cursor_open(t, KITH_T_NODE, &c);

	if (r != KITH_OK)
		return r;
	r = kith_cursor_seek(c, chain_key(node, UINT64_MAX, key), true, &k, &raw);
	kith_cursor_close(c);
	if (r == KITH_OK && (k.n != CHAIN_KEY || memcmp(k.p, key, KITH_ID_BYTES + 1) != 0))
		r = KITH_E_NOTFOUND;
	return r == KITH_OK ? parse_held(raw, out) : r;
}

int
kith_node_verify(const struct kith_env *env, struct kith_txn *t, const struct kith_id *node, int label,
    struct kith_slice msg, const uint8_t sig[64])
{
	struct kith_node_record d;
	uint8_t tried[KITH_PK_BYTES];
	int r = kith_node_get(t, node, &d);
	bool first = true;

	while (r == KITH_OK) {
		if (first || memcmp(tried, d.sign_pk, sizeof(tried)) != 0) {
			if (env->verify(env->ctx, d.sign_pk, label, msg, sig) == KITH_OK)
				return KITH_OK;
			memcpy(tried, d.sign_pk, sizeof(tried));
			first = false;
		}
		if (d.n == 0)
			return KITH_E_BADSIG;
		r = get_at(t, node, d.n - 1, &d);
	}
	if (r != KITH_E_NOTFOUND)
		return r;
	return first ? KITH_E_MISSING : KITH_E_CORRUPT;         /* a chain has no holes */
}

/* ---- by certificate key ---- */

#define CERT_KEY (1 + KITH_PK_BYTES)

static struct kith_slice
cert_key(const uint8_t pk[KITH_PK_BYTES], uint8_t key[CERT_KEY])
{
	key[0] = 'c';
	memcpy(key + 1, pk, KITH_PK_BYTES);
	return kith_slice_of(key, CERT_KEY);
}

int
kith_node_by_cert(struct kith_txn *t, const uint8_t pk[32], struct kith_id *node)
{
	uint8_t key[CERT_KEY];
	struct kith_slice v;
	int r = kith_txn_get(t, KITH_T_NODE, cert_key(pk, key), &v);

	if (r == KITH_OK && v.n != sizeof(node->b))
		r = KITH_E_CORRUPT;
	if (r == KITH_OK)
		memcpy(node->b, v.p, v.n);
	return r;
}

static bool
names_cert(const struct kith_node_record *d, const uint8_t pk[KITH_PK_BYTES])
{
	size_t i;

	for (i = 0; i < d->n_certs; i++)
		if (memcmp(d->cert_pk[i], pk, KITH_PK_BYTES) == 0)
			return true;
	return false;
}

/* now has taken the place of before (NULL: there was none) as the newest record of its node. */
static int
index_certs(struct kith_txn *t, const struct kith_node_record *before, const struct kith_node_record *now)
{
	uint8_t key[CERT_KEY];
	struct kith_id held;
	size_t i;
	int r = KITH_OK;

	for (i = 0; before != NULL && i < before->n_certs && r == KITH_OK; i++) {
		if (names_cert(now, before->cert_pk[i]))
			continue;
		r = kith_node_by_cert(t, before->cert_pk[i], &held);
		if (r == KITH_OK && kith_id_eq(&held, &now->node))
			r = kith_txn_del(t, KITH_T_NODE, cert_key(before->cert_pk[i], key));
		else if (r == KITH_E_NOTFOUND)
			r = KITH_OK;
	}
	for (i = 0; i < now->n_certs && r == KITH_OK; i++) {
		r = kith_node_by_cert(t, now->cert_pk[i], &held);
		if (r == KITH_E_NOTFOUND)
			r = kith_txn_put(t, KITH_T_NODE, cert_key(now->cert_pk[i], key), kith_id_slice(&now->node));
	}
	return r;
}

/* ---- adding ---- */

/*
 * May d put out the rival that is held at its place, and all above? It must
 * replace the root where the rival does not, and the held chain must not have
 * come to that root by itself: else whoever steals the new root could go back to
 * the day before it was taken into use.
 */
static int
may_put_out(struct kith_txn *t, const struct kith_node_record *d, const struct kith_node_record *prev)
{
	struct kith_node_record held;
	uint64_t n = d->n;
	int r = get_at(t, &d->node, n, &held);

	if (r == KITH_OK && (same_root(d, prev) || !same_root(&held, prev)))
		return KITH_E_BADSIG;
	while (r == KITH_OK) {
		if (same_root(&held, d))
			return KITH_E_BADSIG;
		r = get_at(t, &d->node, ++n, &held);
	}
	return r == KITH_E_NOTFOUND ? KITH_OK : r;
}

static int
drop_from(struct kith_txn *t, const struct kith_id *node, uint64_t n)
{
	uint8_t key[CHAIN_KEY];
	int r;

	do
		r = kith_txn_del(t, KITH_T_NODE, chain_key(node, n++, key));
	while (r == KITH_OK);
	return r == KITH_E_NOTFOUND ? KITH_OK : r;
}

/* A copy of its own, since the store's slices die with the next put. */
static int
copy_of(const struct kith_node_record *d, uint8_t room[KITH_NODE_MAX], struct kith_node_record *out)
{
	memcpy(room, d->raw.p, d->raw.n);
	return parse_held(kith_slice_of(room, d->raw.n), out);
}

int
kith_node_put(const struct kith_env *env, struct kith_txn *t, struct kith_slice raw, struct kith_id *node_out)
{
	struct kith_node_record d, prev, held, newest;
	uint8_t key[CHAIN_KEY], room[KITH_NODE_MAX];
	bool rival = false, any;
	int r = kith_node_parse(raw, &d);

	if (r != KITH_OK)
		return r;
	r = get_at(t, &d.node, d.n, &held);
	if (r == KITH_OK) {
		if (kith_id_eq(&held.id, &d.id)) {
			*node_out = d.node;
			return KITH_E_EXISTS;
		}
		rival = true;
	} else if (r != KITH_E_NOTFOUND) {
		return r;
	}
	if (d.n > 0) {
		r = get_at(t, &d.node, d.n - 1, &prev);
		if (r != KITH_OK)
			return r == KITH_E_NOTFOUND ? KITH_E_MISSING : r;
	}
	r = kith_node_check(env, &d, d.n > 0 ? &prev : NULL);
	if (r == KITH_OK && rival)
		r = may_put_out(t, &d, &prev);
	if (r != KITH_OK)
		return r;
	r = kith_node_get(t, &d.node, &newest);
	any = r == KITH_OK;
	if (any)
		r = copy_of(&newest, room, &newest);
	else if (r == KITH_E_NOTFOUND)
		r = KITH_OK;
	if (r == KITH_OK && rival)
		r = drop_from(t, &d.node, d.n);
	if (r == KITH_OK)
		r = kith_txn_put(t, KITH_T_NODE, chain_key(&d.node, d.n, key), raw);
	if (r == KITH_OK)
		r = index_certs(t, any ? &newest : NULL, &d);
	if (r == KITH_OK)
		*node_out = d.node;
	return r;
}
