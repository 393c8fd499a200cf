#include "client/account.h"

#include <stdio.h>
#include <string.h>

#include "base/b32.h"
#include "crypto/sign.h"
#include "id/doc.h"
#include "storage/ledger.h"
#include "wire/mp.h"

#define ACCOUNT_FIELDS 12
#define ACCOUNT_VERSION 1

int
kith_account_get(struct kith_txn *t, const struct kith_id *uid, struct kith_account *out)
{
	struct kith_slice v, handle, hash;
	struct kith_mp_reader r;
	struct kith_account a;
	int e = kith_txn_get(t, KITH_T_ACCOUNT, kith_id_slice(uid), &v);

	if (e != KITH_OK)
		return e;
	memset(&a, 0, sizeof(a));
	a.uid = *uid;
	kith_mp_read(&r, v);
	kith_mp_array_exact(&r, ACCOUNT_FIELDS);
	if (kith_mp_uint(&r) != ACCOUNT_VERSION)
		return KITH_E_CORRUPT;
	a.doc = kith_mp_id(&r);
	a.doc_n = kith_mp_uint(&r);
	a.made_ms = kith_mp_uint(&r);
	a.flags = (uint32_t)kith_mp_uint(&r);
	handle = kith_mp_str(&r);
	kith_mp_bin_exact(&r, a.sealed, sizeof(a.sealed));
	kith_mp_bin_exact(&r, a.sealed_recovery, sizeof(a.sealed_recovery));
	kith_mp_bin_exact(&r, a.salt, sizeof(a.salt));
	hash = kith_mp_bin(&r);
	a.pw_t = (uint32_t)kith_mp_uint(&r);
	a.pw_m_kib = (uint32_t)kith_mp_uint(&r);
	if (!kith_mp_done(&r) || handle.n > KITH_HANDLE_MAX || hash.n != sizeof(a.hash))
		return KITH_E_CORRUPT;
	memcpy(a.handle, handle.p, handle.n);
	memcpy(a.hash, hash.p, hash.n);
	*out = a;
	return KITH_OK;
}

int
kith_account_put(struct kith_txn *t, const struct kith_account *a)
{
	struct kith_buf b;
	int r;

	kith_buf_init(&b, 0);
	kith_mp_put_array(&b, ACCOUNT_FIELDS);
	kith_mp_put_uint(&b, ACCOUNT_VERSION);
	kith_mp_put_id(&b, &a->doc);
	kith_mp_put_uint(&b, a->doc_n);
	kith_mp_put_uint(&b, a->made_ms);
	kith_mp_put_uint(&b, a->flags);
	kith_mp_put_cstr(&b, a->handle);
	kith_mp_put_bin(&b, kith_slice_of(a->sealed, sizeof(a->sealed)));
	kith_mp_put_bin(&b, kith_slice_of(a->sealed_recovery, sizeof(a->sealed_recovery)));
	kith_mp_put_bin(&b, kith_slice_of(a->salt, sizeof(a->salt)));
	kith_mp_put_bin(&b, kith_slice_of(a->hash, sizeof(a->hash)));
	kith_mp_put_uint(&b, a->pw_t);
	kith_mp_put_uint(&b, a->pw_m_kib);
	r = kith_buf_err(&b);
	if (r == KITH_OK)
		r = kith_txn_put(t, KITH_T_ACCOUNT, kith_id_slice(&a->uid), kith_buf_slice(&b));
	kith_buf_fini(&b);
	return r;
}

/* KITH_T_HANDLE: folded name, 0, number u32 -> uid */
static int
handle_key(struct kith_slice name, uint32_t number, struct kith_buf *out)
{
	uint8_t be[4];
	int r = kith_name_fold(name, out);

	if (r != KITH_OK)
		return r;
	kith_put_be32(be, number);
	kith_buf_put_u8(out, 0);
	kith_buf_put(out, be, sizeof(be));
	if (out->n > 400)
		return KITH_E_LIMIT;
	return kith_buf_err(out);
}

size_t
kith_account_named(struct kith_txn *t, struct kith_slice name, struct kith_id *out, size_t max)
{
	struct kith_cursor *c = NULL;
	struct kith_slice k, v;
	struct kith_buf key;
	size_t n = 0, prefix;
	int r;

	kith_buf_init(&key, 0);
	if (handle_key(name, 0, &key) != KITH_OK)
		goto done;
	prefix = key.n - 4;
	if (kith_cursor_open(t, KITH_T_HANDLE, &c) != KITH_OK)
		goto done;
	for (r = kith_cursor_seek(c, kith_buf_slice(&key), false, &k, &v); r == KITH_OK && n < max;
	     r = kith_cursor_step(c, false, &k, &v)) {
		if (k.n != prefix + 4 || memcmp(k.p, key.p, prefix) != 0 || v.n != KITH_ID_BYTES)
			break;
		memcpy(out[n++].b, v.p, KITH_ID_BYTES);
	}
done:
	kith_cursor_close(c);
	kith_buf_fini(&key);
	return n;
}

int
kith_account_by_name(struct kith_txn *t, struct kith_slice text, struct kith_account *out)
{
	struct kith_slice name, v;
	struct kith_id uid[2];
	uint32_t number;
	struct kith_buf key;
	int r;

	kith_handle_split(text, &name, &number);
	if (number == 0) {
		if (kith_account_named(t, name, uid, 2) != 1)
			return KITH_E_NOTFOUND;
		return kith_account_get(t, &uid[0], out);
	}
	kith_buf_init(&key, 0);
	r = handle_key(name, number, &key);
	if (r == KITH_OK)
		r = kith_txn_get(t, KITH_T_HANDLE, kith_buf_slice(&key), &v);
	kith_buf_fini(&key);
	if (r != KITH_OK)
		return r == KITH_E_MALFORMED || r == KITH_E_LIMIT ? KITH_E_NOTFOUND : r;
	if (v.n != KITH_ID_BYTES)
		return KITH_E_CORRUPT;
	memcpy(uid[0].b, v.p, KITH_ID_BYTES);
	return kith_account_get(t, &uid[0], out);
}

int
kith_account_signer(const struct kith_node_conf *conf, const struct kith_account *a, struct kith_signer **out)
{
	uint8_t seed[KITH_SEED_BYTES];
	int r = kith_unseal(conf->seal_key, kith_slice_of(a->sealed, sizeof(a->sealed)), seed);

	if (r != KITH_OK)
		return KITH_E_CORRUPT;
	r = kith_signer_from_seed(seed, out);
	kith_wipe(seed, sizeof(seed));
	return r;
}

int
kith_account_doc(struct kith_txn *t, const struct kith_account *a, struct kith_slice *raw)
{
	uint8_t type;

	return kith_ledger_object_get(t, &a->doc, &type, raw);
}

/* A number that nobody of that name has: four digits while there is room. */
static int
free_number(struct kith_call *c, struct kith_slice name, struct kith_buf *key, uint32_t *out)
{
	struct kith_slice v;

	for (int attempt = 0; attempt < 200; attempt++) {
		uint32_t dice, number;
		int r;

		c->env->random(c->env->ctx, &dice, sizeof(dice));
		number = attempt < 100 ? 1 + dice % 9999 : 10000 + dice % 90000;
		kith_buf_reset(key);
		r = handle_key(name, number, key);
		if (r != KITH_OK)
			return r;
		r = kith_txn_get(c->t, KITH_T_HANDLE, kith_buf_slice(key), &v);
		if (r == KITH_E_NOTFOUND) {
			*out = number;
			return KITH_OK;
		}
		if (r != KITH_OK)
			return r;
	}
	return KITH_E_LIMIT;
}

static int
seal_seed(struct kith_call *c, const uint8_t seed[KITH_SEED_BYTES], uint8_t out[72])
{
	uint8_t nonce[24];

	c->env->random(c->env->ctx, nonce, sizeof(nonce));
	kith_seal(c->conf->seal_key, nonce, kith_slice_of(seed, KITH_SEED_BYTES), out);
	return KITH_OK;
}

int
kith_account_create(struct kith_call *c, struct kith_slice name, bool guest, struct kith_account *out, uint8_t recovery_seed[32])
{
	struct kith_signer *account = NULL, *recovery = NULL;
	uint8_t seed[KITH_SEED_BYTES];
	struct kith_doc_new nd;
	struct kith_doc doc;
	struct kith_buf nick, key, raw;
	struct kith_account a;
	uint32_t number;
	int r;

	memset(&a, 0, sizeof(a));
	kith_buf_init(&nick, 0);
	kith_buf_init(&key, 0);
	kith_buf_init(&raw, KITH_DOC_MAX);
	r = kith_nick_clean(name, &nick);
	if (r == KITH_E_MALFORMED)
		r = kith_fail(c, r, "invalid_params", "a name has 1 to 32 characters, none of them # @ / or invisible");
	if (r != KITH_OK)
		goto done;
	r = free_number(c, kith_buf_slice(&nick), &key, &number);
	if (r != KITH_OK) {
		r = r == KITH_E_LIMIT ? kith_fail(c, r, "limit", "that name is taken too often here, choose another") : r;
		goto done;
	}
	snprintf(a.handle, sizeof(a.handle), "%.*s#%04u", (int)nick.n, (const char *)nick.p, number);
	c->env->random(c->env->ctx, seed, sizeof(seed));
	c->env->random(c->env->ctx, recovery_seed, KITH_SEED_BYTES);
	r = kith_signer_from_seed(seed, &account);
	if (r == KITH_OK)
		r = kith_signer_from_seed(recovery_seed, &recovery);
	if (r != KITH_OK)
		goto done;
	memset(&nd, 0, sizeof(nd));
	nd.home = c->self->node;
	memcpy(nd.account_pk, kith_signer_pk(account), KITH_PK_BYTES);
	memcpy(nd.recovery_pk, kith_signer_pk(recovery), KITH_PK_BYTES);
	nd.handle = kith_slice_str(a.handle);
	nd.flags = guest ? KITH_DOC_GUEST : 0;
	r = kith_doc_make(&nd, account, recovery, &raw);
	if (r == KITH_OK)
		r = kith_doc_parse(kith_buf_slice(&raw), &doc);
	if (r != KITH_OK)
		goto done;
	a.uid = doc.uid;
	a.doc = doc.id;
	a.made_ms = c->now.wall_ms;
	a.flags = guest ? KITH_ACC_GUEST : 0;
	seal_seed(c, seed, a.sealed);
	seal_seed(c, recovery_seed, a.sealed_recovery);
	r = kith_ledger_object_put(c->t, &doc.id, KITH_O_DOC, kith_buf_slice(&raw));
	if (r == KITH_OK || r == KITH_E_EXISTS)
		r = kith_txn_put(c->t, KITH_T_HANDLE, kith_buf_slice(&key), kith_id_slice(&a.uid));
	if (r == KITH_OK)
		r = kith_account_put(c->t, &a);
	if (r == KITH_OK)
		*out = a;
done:
	kith_wipe(seed, sizeof(seed));
	kith_signer_free(account);
	kith_signer_free(recovery);
	kith_buf_fini(&nick);
	kith_buf_fini(&key);
	kith_buf_fini(&raw);
	return r;
}

int
kith_account_rename(struct kith_call *c, struct kith_account *a, struct kith_slice name)
{
	struct kith_slice old_name;
	struct kith_buf nick, key;
	uint32_t number;
	int r;

	kith_buf_init(&nick, 0);
	kith_buf_init(&key, 0);
	kith_handle_split(kith_slice_str(a->handle), &old_name, &number);
	r = handle_key(old_name, number, &key);
	if (r == KITH_OK)
		r = kith_txn_del(c->t, KITH_T_HANDLE, kith_buf_slice(&key));
	if (r == KITH_OK || r == KITH_E_NOTFOUND)
		r = kith_nick_clean(name, &nick);
	if (r == KITH_E_MALFORMED)
		r = kith_fail(c, r, "invalid_params", "a name has 1 to 32 characters, none of them # @ / or invisible");
	if (r == KITH_OK)
		r = free_number(c, kith_buf_slice(&nick), &key, &number);
	if (r == KITH_OK)
		r = kith_txn_put(c->t, KITH_T_HANDLE, kith_buf_slice(&key), kith_id_slice(&a->uid));
	if (r == KITH_OK)
		snprintf(a->handle, sizeof(a->handle), "%.*s#%04u", (int)nick.n, (const char *)nick.p, number);
	kith_buf_fini(&nick);
	kith_buf_fini(&key);
	return r;
}

bool
kith_account_next(struct kith_txn *t, struct kith_id *after, struct kith_account *out)
{
	struct kith_cursor *c = NULL;
	struct kith_slice k, v;
	bool found = false;

	if (kith_cursor_open(t, KITH_T_ACCOUNT, &c) != KITH_OK)
		return false;
	if (kith_cursor_seek(c, kith_id_slice(after), false, &k, &v) == KITH_OK) {
		if (k.n == KITH_ID_BYTES && memcmp(k.p, after->b, KITH_ID_BYTES) == 0)
			found = kith_cursor_step(c, false, &k, &v) == KITH_OK;
		else
			found = true;
	}
	if (found && k.n == KITH_ID_BYTES) {
		memcpy(after->b, k.p, KITH_ID_BYTES);
		found = kith_account_get(t, after, out) == KITH_OK;
	} else {
		found = false;
	}
	kith_cursor_close(c);
	return found;
}
