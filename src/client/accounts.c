#include <string.h>

#include "base/b32.h"
#include "client/common.h"
#include "client/methods.h"
#include "client/session.h"
#include "crypto/sign.h"
#include "id/doc.h"
#include "storage/ledger.h"
#include "wire/mp.h"

#define CODE_BYTES 15           /* 24 characters */

static int
wrong_pair(struct kith_call *c)
{
	return kith_fail(c, KITH_E_DENIED, "wrong_password", "the name and the password do not go together");
}

/* ---- passwords ---- */

/* What people choose first; compared after folding. */
static const char *const common[] = {
	"password", "password1", "password12", "password123", "passw0rd", "12345678", "123456789", "1234567890", "0123456789",
	"87654321", "11111111", "00000000", "88888888", "12341234", "11223344", "qwertyui", "qwertyuiop", "qwerty123", "1q2w3e4r",
	"1qaz2wsx", "asdfghjk", "asdfghjkl", "zxcvbnm1", "abcd1234", "abc12345", "a1234567", "iloveyou", "iloveyou1", "sunshine",
	"princess", "football", "baseball", "welcome1", "welcome123", "letmein1", "trustno1", "superman", "starwars", "computer",
	"dragon123", "monkey123", "master123", "whatever", "changeme", "admin123", "administrator", "internet", "woaini1314",
	"5201314520", "147258369", "123123123", "987654321", "kithkith", NULL,
};

static const char *
weak(struct kith_slice pw)
{
	struct kith_buf f;
	size_t chars = 0;
	const char *why = NULL;

	for (size_t i = 0; i < pw.n; i++)
		chars += (pw.p[i] & 0xc0) != 0x80;
	if (chars < 8)
		return "a password has at least 8 characters";
	if (chars > 128)
		return "a password has at most 128 characters";
	kith_buf_init(&f, 0);
	if (kith_name_fold(pw, &f) == KITH_OK) {
		for (size_t i = 0; common[i] != NULL && why == NULL; i++) {
			if (kith_slice_is(kith_buf_slice(&f), common[i]))
				why = "that password is one of the first that anybody tries, choose another";
		}
	}
	kith_wipe(f.p, f.n);
	kith_buf_fini(&f);
	return why;
}

int
kith_password_prepare(struct kith_txn *t, const struct kith_method *m, const struct kith_args *a, const struct kith_session *s,
    const uint8_t fresh[KITH_PW_SALT], struct kith_password *pw, const char **why)
{
	struct kith_account acc;
	bool login = m->run == kith_api_account_login, email = m->run == kith_api_account_email;

	memset(pw, 0, sizeof(*pw));
	pw->given = true;
	memcpy(pw->salt, fresh, sizeof(pw->salt));
	memcpy(pw->old_salt, fresh, sizeof(pw->old_salt));
	pw->t = pw->old_t = KITH_PW_T;
	pw->m_kib = pw->old_m_kib = KITH_PW_M_KIB;
	if (!login && !email) {
		*why = weak(kith_arg_str(a, "password"));
		if (*why != NULL)
			return KITH_E_LIMIT;
	}
	if (((login && kith_account_by_login(t, kith_arg_str(a, "name"), &acc) == KITH_OK) ||
	    (email && s != NULL && kith_account_get(t, &s->uid, &acc) == KITH_OK)) && acc.pw_t != 0) {
		memcpy(pw->salt, acc.salt, sizeof(pw->salt));
		pw->t = acc.pw_t;
		pw->m_kib = acc.pw_m_kib;
	}
	if (m->run == kith_api_account_passwd && s != NULL && kith_account_get(t, &s->uid, &acc) == KITH_OK && acc.pw_t != 0) {
		memcpy(pw->old_salt, acc.salt, sizeof(pw->old_salt));
		pw->old_t = acc.pw_t;
		pw->old_m_kib = acc.pw_m_kib;
	}
	return KITH_OK;
}

void
kith_account_take_password(struct kith_account *a, const struct kith_password *pw)
{
	memcpy(a->salt, pw->salt, sizeof(a->salt));
	memcpy(a->hash, pw->hash, sizeof(a->hash));
	a->pw_t = pw->t;
	a->pw_m_kib = pw->m_kib;
}

/* ---- signing in ---- */

int
kith_signed_in(struct kith_call *c, const struct kith_account *a, const uint8_t *recovery)
{
	char token[KITH_ID_STR], uid[KITH_ID_STR], kit[KITH_ID_STR];
	int r = kith_session_new(c, a, kith_arg_str(c->args, "client"), KITH_SCOPES_WHOLE, token, NULL);

	if (r != KITH_OK)
		return r;
	kith_mp_put_map(c->result, recovery != NULL ? 4 : 3);
	kith_mp_put_cstr(c->result, "handle");
	kith_mp_put_cstr(c->result, a->handle);
	if (recovery != NULL) {
		kith_b32_encode(kith_slice_of(recovery, KITH_SEED_BYTES), kit);
		kith_mp_put_cstr(c->result, "recovery");
		kith_mp_put_cstr(c->result, kit);
		kith_wipe(kit, sizeof(kit));
	}
	kith_mp_put_cstr(c->result, "token");
	kith_mp_put_cstr(c->result, token);
	kith_mp_put_cstr(c->result, "uid");
	kith_mp_put_cstr(c->result, kith_id_str(&a->uid, uid));
	kith_wipe(token, sizeof(token));
	return KITH_OK;
}

/* KITH_T_META: 'i', hash of a registration code -> uses left u32 */
static void
code_key(struct kith_slice code, uint8_t key[33])
{
	struct kith_id h;

	kith_hash(KITH_L_TOKEN, code, &h);
	key[0] = 'i';
	memcpy(key + 1, h.b, sizeof(h.b));
}

int
kith_register_code_new(struct kith_call *c, uint32_t uses, char out[33])
{
	uint8_t raw[CODE_BYTES], key[33], be[4];

	c->env->random(c->env->ctx, raw, sizeof(raw));
	kith_b32_encode(kith_slice_of(raw, sizeof(raw)), out);
	code_key(kith_slice_str(out), key);
	kith_put_be32(be, uses);
	return kith_txn_put(c->t, KITH_T_META, kith_slice_of(key, sizeof(key)), kith_slice_of(be, sizeof(be)));
}

static int
use_code(struct kith_call *c, struct kith_slice code)
{
	uint8_t key[33], be[4];
	struct kith_slice v;
	uint32_t left;
	int r;

	code_key(code, key);
	r = code.n == 0 ? KITH_E_NOTFOUND : kith_txn_get(c->t, KITH_T_META, kith_slice_of(key, sizeof(key)), &v);
	if (r == KITH_E_NOTFOUND)
		return kith_fail(c, KITH_E_DENIED, "denied", "registration here is by invitation: ask the operator for a code");
	if (r != KITH_OK)
		return r;
	left = v.n == 4 ? kith_get_be32(v.p) : 0;
	if (left <= 1)
		return kith_txn_del(c->t, KITH_T_META, kith_slice_of(key, sizeof(key)));
	kith_put_be32(be, left - 1);
	return kith_txn_put(c->t, KITH_T_META, kith_slice_of(key, sizeof(key)), kith_slice_of(be, sizeof(be)));
}

int
kith_api_account_register(struct kith_call *c)
{
	uint8_t recovery[KITH_SEED_BYTES];
	struct kith_account a;
	int r;

	if (c->conf->registration == KITH_REG_CLOSED)
		return kith_fail(c, KITH_E_DENIED, "denied", "registration is closed here: ask the operator for an account");
	if (c->conf->registration == KITH_REG_INVITE) {
		r = use_code(c, kith_arg_str(c->args, "invite"));
		if (r != KITH_OK)
			return r;
	}
	r = kith_account_create(c, kith_arg_str(c->args, "name"), false, &a, recovery);
	if (r != KITH_OK)
		return r;
	kith_account_take_password(&a, c->pw);
	r = kith_account_put(c->t, &a);
	if (r == KITH_OK)
		r = kith_signed_in(c, &a, recovery);
	kith_wipe(recovery, sizeof(recovery));
	return r;
}

int
kith_api_account_guest(struct kith_call *c)
{
	uint8_t recovery[KITH_SEED_BYTES];
	struct kith_account a;
	int r;

	if (c->conf->registration == KITH_REG_CLOSED)
		return kith_fail(c, KITH_E_DENIED, "denied", "this node takes no guests: ask the operator for an account");
	r = kith_account_create(c, kith_arg_str(c->args, "name"), true, &a, recovery);
	kith_wipe(recovery, sizeof(recovery));
	return r == KITH_OK ? kith_signed_in(c, &a, NULL) : r;
}

int
kith_api_account_login(struct kith_call *c)
{
	struct kith_account a;
	int r = kith_account_by_login(c->t, kith_arg_str(c->args, "name"), &a);

	if (r == KITH_E_NOTFOUND)
		return wrong_pair(c);
	if (r != KITH_OK)
		return r;
	if (a.pw_t == 0 || (a.flags & KITH_ACC_DISABLED) != 0 ||
	    !kith_secret_eq(kith_slice_of(a.hash, sizeof(a.hash)), kith_slice_of(c->pw->hash, sizeof(c->pw->hash))))
		return wrong_pair(c);
	return kith_signed_in(c, &a, NULL);
}

int
kith_api_account_logout(struct kith_call *c)
{
	int r = kith_session_end(c, &c->session->uid, &c->session->id);

	return r == KITH_E_NOTFOUND ? KITH_OK : r;
}

int
kith_api_account_passwd(struct kith_call *c)
{
	struct kith_account a;
	int r = kith_account_get(c->t, &c->session->uid, &a);

	if (r != KITH_OK)
		return r;
	if (a.pw_t == 0 ||
	    !kith_secret_eq(kith_slice_of(a.hash, sizeof(a.hash)), kith_slice_of(c->pw->old_hash, sizeof(c->pw->old_hash))))
		return kith_fail(c, KITH_E_DENIED, "wrong_password", "that is not the present password");
	kith_account_take_password(&a, c->pw);
	r = kith_account_put(c->t, &a);
	return r == KITH_OK ? kith_session_end_all(c, &a.uid, &c->session->id) : r;
}

/* The next identity document: same keys and home, another handle, no guest any more. */
static int
claimed_doc(struct kith_call *c, struct kith_account *a, const uint8_t recovery_seed[KITH_SEED_BYTES], const char *handle)
{
	struct kith_signer *account = NULL, *recovery = NULL;
	struct kith_doc_new nd;
	struct kith_doc doc;
	struct kith_buf raw;
	int r;

	kith_buf_init(&raw, KITH_DOC_MAX);
	memset(&nd, 0, sizeof(nd));
	r = kith_account_signer(c->conf, a, &account);
	if (r == KITH_OK)
		r = kith_signer_from_seed(recovery_seed, &recovery);
	if (r != KITH_OK)
		goto done;
	nd.n = a->doc_n + 1;
	nd.uid = a->uid;
	nd.prev = a->doc;
	nd.home = c->self->node;
	memcpy(nd.account_pk, kith_signer_pk(account), KITH_PK_BYTES);
	memcpy(nd.recovery_pk, kith_signer_pk(recovery), KITH_PK_BYTES);
	nd.handle = kith_slice_str(handle);
	r = kith_doc_make(&nd, account, recovery, &raw);
	if (r == KITH_OK)
		r = kith_doc_parse(kith_buf_slice(&raw), &doc);
	if (r == KITH_OK) {
		r = kith_ledger_object_put(c->t, &doc.id, KITH_O_DOC, kith_buf_slice(&raw));
		if (r == KITH_E_EXISTS)
			r = KITH_OK;
	}
	if (r == KITH_OK) {
		a->doc = doc.id;
		a->doc_n = nd.n;
	}
done:
	kith_signer_free(account);
	kith_signer_free(recovery);
	kith_buf_fini(&raw);
	return r;
}

int
kith_api_account_claim(struct kith_call *c)
{
	uint8_t recovery[KITH_SEED_BYTES];
	char uid[KITH_ID_STR], kit[KITH_ID_STR];
	struct kith_account a;
	int r = kith_account_get(c->t, &c->session->uid, &a);

	if (r != KITH_OK)
		return r;
	if ((a.flags & KITH_ACC_GUEST) == 0)
		return kith_fail(c, KITH_E_EXISTS, "already_claimed", "this account has been claimed already");
	r = kith_unseal(c->conf->seal_key, kith_slice_of(a.sealed_recovery, sizeof(a.sealed_recovery)), recovery);
	if (r != KITH_OK)
		return KITH_E_CORRUPT;
	if (kith_arg_has(c->args, "name"))
		r = kith_account_rename(c, &a, kith_arg_str(c->args, "name"));
	if (r == KITH_OK)
		r = claimed_doc(c, &a, recovery, a.handle);
	if (r == KITH_OK) {
		a.flags &= ~KITH_ACC_GUEST;
		kith_account_take_password(&a, c->pw);
		r = kith_account_put(c->t, &a);
	}
	if (r == KITH_OK)
		r = kith_account_moved(c, &a);
	if (r == KITH_OK) {
		kith_b32_encode(kith_slice_of(recovery, sizeof(recovery)), kit);
		kith_mp_put_map(c->result, 3);
		kith_mp_put_cstr(c->result, "handle");
		kith_mp_put_cstr(c->result, a.handle);
		kith_mp_put_cstr(c->result, "recovery");
		kith_mp_put_cstr(c->result, kit);
		kith_mp_put_cstr(c->result, "uid");
		kith_mp_put_cstr(c->result, kith_id_str(&a.uid, uid));
	}
	kith_wipe(recovery, sizeof(recovery));
	return r;
}

int
kith_api_session_new(struct kith_call *c)
{
	struct kith_slice list = kith_arg(c->args, "scopes")->raw;
	char token[KITH_ID_STR];
	struct kith_mp_reader rd;
	struct kith_session s;
	struct kith_account a;
	uint32_t n, scopes = 0;
	int r = kith_account_get(c->t, &c->session->uid, &a);

	if (r != KITH_OK)
		return r;
	kith_mp_read(&rd, list);
	n = kith_mp_array(&rd);
	for (uint32_t i = 0; i < n; i++) {
		struct kith_slice name = kith_mp_str(&rd);
		enum kith_scope scope = kith_scope_find(name);

		if (scope == KITH_SCOPE_NONE)
			return kith_fail(c, KITH_E_MALFORMED, "invalid_params", "scopes: there is no scope \"%.*s\"", (int)name.n, (const char *)name.p);
		scopes |= (uint32_t)scope;
	}
	r = kith_session_new(c, &a, kith_arg_str(c->args, "client"), scopes, token, &s);
	if (r != KITH_OK)
		return r;
	kith_mp_put_map(c->result, 3);
	kith_mp_put_cstr(c->result, "expires");
	kith_mp_put_uint(c->result, s.expires_ms);
	kith_put_key_id(c->result, "id", &s.id);
	kith_mp_put_cstr(c->result, "token");
	kith_mp_put_cstr(c->result, token);
	kith_wipe(token, sizeof(token));
	return KITH_OK;
}

int
kith_api_session_revoke(struct kith_call *c)
{
	struct kith_id id = kith_arg_id(c->args, "id");
	int r;

	if (!kith_arg_has(c->args, "id"))
		return kith_session_end_all(c, &c->session->uid, &c->session->id);
	r = kith_session_end(c, &c->session->uid, &id);
	if (r == KITH_E_NOTFOUND)
		return kith_fail(c, r, "not_found", "there is no such session");
	return r;
}

int
kith_account_disable(struct kith_call *c, const struct kith_id *uid, bool disabled)
{
	struct kith_account a;
	int r = kith_account_get(c->t, uid, &a);

	if (r != KITH_OK)
		return r;
	a.flags = disabled ? a.flags | KITH_ACC_DISABLED : a.flags & ~KITH_ACC_DISABLED;
	r = kith_account_put(c->t, &a);
	return r == KITH_OK && disabled ? kith_session_end_all(c, uid, &kith_id_none) : r;
}
