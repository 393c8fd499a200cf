#include <stdio.h>
#include <string.h>

#include "base/b32.h"
#include "base/mail.h"
#include "client/common.h"
#include "client/methods.h"
#include "client/session.h"
#include "crypto/sign.h"
#include "id/doc.h"
#include "wire/mp.h"

/*
 * Ways back into an account: an address for mail, to which codes of six digits
 * go, and the recovery key.
 *
 * KITH_T_USER: uid, 'm' -> [1, address, address that waits for its code, what the code is for, keyed hash of the
 *	code, expires, tries, when the last one was sent]
 * KITH_T_META: 'm', hash of an address as it is compared -> uid
 */
#define ROW_VERSION 1
#define ADDRESS_MAX KITH_MAIL_ADDRESS_MAX
#define CODE_MS (UINT64_C(10) * 60 * 1000)
#define AGAIN_MS (UINT64_C(60) * 1000)
#define TRIES_MAX 5

enum purpose { FOR_NOTHING, FOR_ADDRESS, FOR_PASSWORD };
struct row {
	char address[ADDRESS_MAX + 1], waits[ADDRESS_MAX + 1];
	enum purpose purpose;
	struct kith_id code;
	uint64_t expires_ms, tries, sent_ms;
};

static struct kith_slice
row_key(const struct kith_id *uid, uint8_t key[33])
{
	memcpy(key, uid->b, 32);
	key[32] = 'm';
	return kith_slice_of(key, 33);
}

static void
take(char out[ADDRESS_MAX + 1], struct kith_slice s)
{
	size_t n = s.n < ADDRESS_MAX ? s.n : ADDRESS_MAX;

	if (n > 0)
		memcpy(out, s.p, n);
	out[n] = '\0';
}

/* All empty if there is none. */
static int
row_get(struct kith_txn *t, const struct kith_id *uid, struct row *out)
{
	struct kith_mp_reader r;
	struct kith_slice v;
	uint8_t key[33];
	int e = kith_txn_get(t, KITH_T_USER, row_key(uid, key), &v);

	memset(out, 0, sizeof(*out));
	if (e != KITH_OK)
		return e == KITH_E_NOTFOUND ? KITH_OK : e;
	kith_mp_read(&r, v);
	kith_mp_array_exact(&r, 8);
	if (kith_mp_uint(&r) != ROW_VERSION)
		return KITH_E_CORRUPT;
	take(out->address, kith_mp_str(&r));
	take(out->waits, kith_mp_str(&r));
	out->purpose = (enum purpose)kith_mp_uint(&r);
	out->code = kith_mp_id_or_none(&r);
	out->expires_ms = kith_mp_uint(&r);
	out->tries = kith_mp_uint(&r);
	out->sent_ms = kith_mp_uint(&r);
	return kith_mp_done(&r) ? KITH_OK : KITH_E_CORRUPT;
}

static int
row_put(struct kith_txn *t, const struct kith_id *uid, const struct row *row)
{
	struct kith_buf b;
	uint8_t key[33];
	int r;

	kith_buf_init(&b, 0);
	kith_mp_put_array(&b, 8);
	kith_mp_put_uint(&b, ROW_VERSION);
	kith_mp_put_cstr(&b, row->address);
	kith_mp_put_cstr(&b, row->waits);
	kith_mp_put_uint(&b, (uint64_t)row->purpose);
	kith_mp_put_id_or_none(&b, &row->code);
	kith_mp_put_uint(&b, row->expires_ms);
	kith_mp_put_uint(&b, row->tries);
	kith_mp_put_uint(&b, row->sent_ms);
	r = kith_buf_err(&b);
	if (r == KITH_OK)
		r = kith_txn_put(t, KITH_T_USER, row_key(uid, key), kith_buf_slice(&b));
	kith_buf_fini(&b);
	return r;
}

/* ---- addresses ---- */

static int
address_key(struct kith_slice address, uint8_t key[33])
{
	struct kith_buf f;
	struct kith_id h;
	int r;

	kith_buf_init(&f, 0);
	r = kith_name_fold(address, &f);
	if (r == KITH_OK)
		kith_hash(KITH_L_OBJECT, kith_buf_slice(&f), &h);
	kith_buf_fini(&f);
	key[0] = 'm';
	if (r == KITH_OK)
		memcpy(key + 1, h.b, sizeof(h.b));
	return r;
}

static int
by_address(struct kith_txn *t, struct kith_slice address, struct kith_account *out)
{
	struct kith_id uid;
	struct kith_slice v;
	uint8_t key[33];
	int r = kith_is_mail_address(address) ? address_key(address, key) : KITH_E_NOTFOUND;

	if (r == KITH_OK)
		r = kith_txn_get(t, KITH_T_META, kith_slice_of(key, sizeof(key)), &v);
	if (r != KITH_OK)
		return KITH_E_NOTFOUND;
	if (v.n != KITH_ID_BYTES)
		return KITH_E_CORRUPT;
	memcpy(uid.b, v.p, KITH_ID_BYTES);
	return kith_account_get(t, &uid, out);
}

int
kith_account_by_login(struct kith_txn *t, struct kith_slice text, struct kith_account *out)
{
	return memchr(text.p, '@', text.n) != NULL ? by_address(t, text, out) : kith_account_by_name(t, text, out);
}

const char *
kith_account_address(struct kith_txn *t, const struct kith_id *uid, char out[256])
{
	struct row row;

	if (row_get(t, uid, &row) != KITH_OK)
		row.address[0] = '\0';
	snprintf(out, 256, "%s", row.address);
	return out;
}

/* From now on it is theirs alone: whoever had it before has shown less recently that they read its mail. */
static int
give_address(struct kith_call *c, const struct kith_id *uid, struct row *row, const char *address)
{
	struct kith_account other;
	struct row theirs;
	uint8_t key[33];
	int r = by_address(c->t, kith_slice_str(address), &other);

	if (r == KITH_OK && !kith_id_eq(&other.uid, uid)) {
		r = row_get(c->t, &other.uid, &theirs);
		if (r == KITH_OK) {
			theirs.address[0] = '\0';
			r = row_put(c->t, &other.uid, &theirs);
		}
	}
	if (r != KITH_OK && r != KITH_E_NOTFOUND)
		return r;
	r = KITH_OK;
	if (row->address[0] != '\0') {
		r = address_key(kith_slice_str(row->address), key);
		if (r == KITH_OK)
			r = kith_txn_del(c->t, KITH_T_META, kith_slice_of(key, sizeof(key)));
		r = r == KITH_E_NOTFOUND ? KITH_OK : r;
	}
	if (r == KITH_OK && address[0] != '\0') {
		r = address_key(kith_slice_str(address), key);
		if (r == KITH_OK)
			r = kith_txn_put(c->t, KITH_T_META, kith_slice_of(key, sizeof(key)), kith_id_slice(uid));
	}
	memmove(row->address, address, strlen(address) + 1);
	return r;
}

/* ---- codes ---- */

static void
code_hash(struct kith_call *c, const struct kith_id *uid, struct kith_slice code, struct kith_id *out)
{
	struct kith_buf b;

	kith_buf_init(&b, 0);
	kith_buf_put_str(&b, "mail code");
	kith_buf_put_slice(&b, kith_id_slice(uid));
	kith_buf_put_slice(&b, code);
	*out = kith_id_none;
	if (kith_buf_err(&b) == KITH_OK)
		kith_hash_keyed(KITH_L_SEAL, kith_slice_of(c->conf->seal_key, sizeof(c->conf->seal_key)), kith_buf_slice(&b), out);
	kith_buf_fini(&b);
}

struct words { const char *lang, *subject[3], *text[3]; };
static const struct words words[] = {
	{ "en", { NULL, "Confirm your e-mail address: %s", "A new password: %s" }, { NULL,
	    "Hello %s,\n\nthe code that confirms this address is\n\n    %s\n\nIt holds for ten minutes. If you did not ask for it, nothing needs to be done.\n\n%s\n",
	    "Hello %s,\n\nthe code with which you can choose a new password is\n\n    %s\n\nIt holds for ten minutes. If you did not ask for it, nothing needs to be done: "
	    "your password stays as it is.\n\n%s\n" } },
	{ "zh-CN", { NULL, "确认您的邮箱：%s", "重设密码：%s" }, { NULL,
	    "%s，您好：\n\n确认此邮箱的验证码是\n\n    %s\n\n十分钟内有效。如果不是您本人的请求，无需任何操作。\n\n%s\n",
	    "%s，您好：\n\n用于重设密码的验证码是\n\n    %s\n\n十分钟内有效。如果不是您本人的请求，无需任何操作，密码不会改变。\n\n%s\n" } },
};

static const struct words *
words_for(struct kith_slice lang)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (kith_slice_is(lang, words[i].lang))
			return &words[i];
	}
	return &words[0];
}

#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#endif
static int
send_code(struct kith_call *c, const struct kith_account *a, struct row *row, enum purpose purpose, const char *to)
{
	const struct words *w = words_for(kith_arg_str(c->args, "lang"));
	char code[8], subject[160], text[1024], name[KITH_HANDLE_MAX + 1];
	struct kith_slice plain;
	uint32_t dice, number;

	/* no remainder: every code is as likely as any other */
	do
		c->env->random(c->env->ctx, &dice, sizeof(dice));
	while (dice >= UINT32_MAX - UINT32_MAX % 1000000);
	snprintf(code, sizeof(code), "%06u", dice % 1000000);
	row->purpose = purpose;
	code_hash(c, &a->uid, kith_slice_str(code), &row->code);
	row->expires_ms = c->now.wall_ms + CODE_MS;
	row->tries = 0;
	row->sent_ms = c->now.wall_ms;
	kith_handle_split(kith_slice_str(a->handle), &plain, &number);
	snprintf(name, sizeof(name), "%.*s", (int)plain.n, (const char *)plain.p);
	snprintf(subject, sizeof(subject), w->subject[purpose], c->conf->name);
	snprintf(text, sizeof(text), w->text[purpose], name, code, c->conf->url);
	c->host->send_mail(c->host->ctx, to, subject, text);
	kith_wipe(code, sizeof(code));
	kith_wipe(text, sizeof(text));
	return row_put(c->t, &a->uid, row);
}
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

/* Is it the code that was sent for this? The tries that are left are counted down whether it is or not. */
static int
use_code(struct kith_call *c, const struct kith_id *uid, struct row *row, enum purpose purpose)
{
	struct kith_id h;
	bool good;
	int r;

	code_hash(c, uid, kith_arg_str(c->args, "code"), &h);
	good = row->purpose == purpose && !kith_id_is_none(&row->code) && c->now.wall_ms < row->expires_ms && row->tries < TRIES_MAX &&
	    kith_secret_eq(kith_id_slice(&row->code), kith_id_slice(&h));
	row->tries++;
	if (good || row->tries >= TRIES_MAX) {
		row->purpose = FOR_NOTHING;
		row->code = kith_id_none;
	}
	r = row_put(c->t, uid, row);
	return r != KITH_OK || good ? r : KITH_E_DENIED;
}

static int
wrong_code(struct kith_call *c)
{
	return kith_fail(c, KITH_E_DENIED, "wrong_code", "that code is wrong, or no longer good: ask for another one");
}

static int
no_mail(struct kith_call *c)
{
	return kith_fail(c, KITH_E_DENIED, "no_mail", "this node sends no mail");
}

/* ---- what people ask ---- */

int
kith_api_account_email(struct kith_call *c)
{
	struct kith_slice address = kith_arg_str(c->args, "email");
	struct kith_account a;
	struct row row;
	int r = kith_account_get(c->t, &c->session->uid, &a);

	if (r == KITH_OK)
		r = row_get(c->t, &a.uid, &row);
	if (r != KITH_OK)
		return r;
	if (!kith_secret_eq(kith_slice_of(a.hash, sizeof(a.hash)), kith_slice_of(c->pw->hash, sizeof(c->pw->hash))))
		return kith_fail(c, KITH_E_DENIED, "wrong_password", "that is not the present password");
	if (address.n == 0) {
		row.waits[0] = '\0';
		row.purpose = FOR_NOTHING;
		r = give_address(c, &a.uid, &row, "");
		return r == KITH_OK ? row_put(c->t, &a.uid, &row) : r;
	}
	if (!c->conf->mail)
		return no_mail(c);
	if (!kith_is_mail_address(address))
		return kith_fail(c, KITH_E_MALFORMED, "invalid_params", "email: an address such as name@example.org");
	if (c->now.wall_ms < row.sent_ms + AGAIN_MS)
		return kith_fail(c, KITH_E_LIMIT, "rate_limit", "a code was sent a moment ago: wait a minute");
	take(row.waits, address);
	return send_code(c, &a, &row, FOR_ADDRESS, row.waits);
}

int
kith_api_account_verify(struct kith_call *c)
{
	const struct kith_id *uid = &c->session->uid;
	struct row row;
	int r = row_get(c->t, uid, &row);

	if (r == KITH_OK)
		r = use_code(c, uid, &row, FOR_ADDRESS);
	if (r == KITH_E_DENIED)
		return wrong_code(c);
	if (r == KITH_OK)
		r = give_address(c, uid, &row, row.waits);
	row.waits[0] = '\0';
	return r == KITH_OK ? row_put(c->t, uid, &row) : r;
}

/* The same answer whether anybody has that address or not. */
int
kith_api_account_forgot(struct kith_call *c)
{
	struct kith_account a;
	struct row row;
	int r;

	if (!c->conf->mail)
		return no_mail(c);
	r = by_address(c->t, kith_arg_str(c->args, "email"), &a);
	if (r == KITH_OK)
		r = row_get(c->t, &a.uid, &row);
	if (r != KITH_OK)
		return r == KITH_E_NOTFOUND ? KITH_OK : r;
	if ((a.flags & KITH_ACC_DISABLED) != 0 || c->now.wall_ms < row.sent_ms + AGAIN_MS)
		return KITH_OK;
	return send_code(c, &a, &row, FOR_PASSWORD, row.address);
}

/* With the new password in its place all other sessions end. */
static int
let_back_in(struct kith_call *c, struct kith_account *a)
{
	int r;

	kith_account_take_password(a, c->pw);
	r = kith_account_put(c->t, a);
	if (r == KITH_OK)
		r = kith_session_end_all(c, &a->uid, &kith_id_none);
	return r == KITH_OK ? kith_signed_in(c, a, NULL) : r;
}

int
kith_api_account_reset(struct kith_call *c)
{
	struct kith_account a;
	struct row row;
	int r = by_address(c->t, kith_arg_str(c->args, "email"), &a);

	if (r == KITH_OK)
		r = row_get(c->t, &a.uid, &row);
	if (r == KITH_OK)
		r = use_code(c, &a.uid, &row, FOR_PASSWORD);
	if (r == KITH_E_NOTFOUND || r == KITH_E_DENIED || (r == KITH_OK && (a.flags & KITH_ACC_DISABLED) != 0))
		return wrong_code(c);
	return r == KITH_OK ? let_back_in(c, &a) : r;
}

/* ---- the recovery key ---- */

/* People copy it with blanks and in capitals. */
static int
take_seed(struct kith_slice text, uint8_t seed[KITH_SEED_BYTES])
{
	char plain[KITH_ID_STR];
	struct kith_id id;
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++) {
		uint8_t ch = text.p[i];

		if (ch == ' ' || ch == '-' || ch == '\n' || ch == '\r' || ch == '\t')
			continue;
		if (n == sizeof(plain) - 1)
			return KITH_E_MALFORMED;
		plain[n++] = (char)(ch >= 'A' && ch <= 'Z' ? ch + 32 : ch);
	}
	if (n != sizeof(plain) - 1 || kith_id_parse(kith_slice_of((const uint8_t *)plain, n), &id) != KITH_OK)
		return KITH_E_MALFORMED;
	memcpy(seed, id.b, KITH_SEED_BYTES);
	kith_wipe(plain, sizeof(plain));
	kith_wipe(&id, sizeof(id));
	return KITH_OK;
}

int
kith_api_account_recover(struct kith_call *c)
{
	uint8_t seed[KITH_SEED_BYTES];
	struct kith_signer *s = NULL;
	struct kith_account a;
	struct kith_slice raw;
	struct kith_doc doc;
	bool good;
	int r = kith_account_by_login(c->t, kith_arg_str(c->args, "name"), &a);

	if (r == KITH_OK)
		r = take_seed(kith_arg_str(c->args, "recovery"), seed);
	if (r == KITH_OK)
		r = kith_signer_from_seed(seed, &s);
	if (r == KITH_OK)
		r = kith_account_doc(c->t, &a, &raw);
	if (r == KITH_OK)
		r = kith_doc_parse(raw, &doc);
	good = r == KITH_OK && (a.flags & (KITH_ACC_DISABLED | KITH_ACC_GUEST)) == 0 &&
	    kith_secret_eq(kith_slice_of(doc.recovery_pk, sizeof(doc.recovery_pk)), kith_slice_of(kith_signer_pk(s), KITH_PK_BYTES));
	kith_signer_free(s);
	kith_wipe(seed, sizeof(seed));
	if (r == KITH_E_NOMEM)
		return r;
	return good ? let_back_in(c, &a) : kith_fail(c, KITH_E_DENIED, "wrong_key", "the name and the recovery key do not go together");
}
