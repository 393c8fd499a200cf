#include "id/doc.h"

#include <string.h>

#include "wire/mp.h"

#define DOC_VERSION 1
#define DOC_FLAGS (KITH_DOC_SELF_SIGNED | KITH_DOC_GUEST | KITH_DOC_BOT)

static const struct kith_mp_limits limits = { .depth = 2, .values = 16, .nil = false };

static bool
take_sig(struct kith_mp_reader *r, uint8_t sig[KITH_SIG_BYTES])
{
	struct kith_slice s = kith_mp_bin(r);

	if (s.n == KITH_SIG_BYTES)
		memcpy(sig, s.p, s.n);
	else if (s.n != 0)
		r->err = KITH_E_MALFORMED;
	return s.n == KITH_SIG_BYTES;
}

static int
parse_body(struct kith_doc *d)
{
	struct kith_mp_reader r;
	uint64_t version, flags;
	int e = kith_mp_check(d->body, &limits);

	if (e != KITH_OK)
		return e;
	kith_mp_read(&r, d->body);
	kith_mp_array_exact(&r, 9);
	version = kith_mp_uint(&r);
	d->n = kith_mp_uint(&r);
	d->uid = kith_mp_id_or_none(&r);
	kith_mp_bin_exact(&r, d->account_pk, sizeof(d->account_pk));
	kith_mp_bin_exact(&r, d->recovery_pk, sizeof(d->recovery_pk));
	d->home = kith_mp_id_given(&r);
	d->handle = kith_mp_str(&r);
	flags = kith_mp_uint(&r);
	d->prev = kith_mp_id_or_none(&r);
	if (!kith_mp_done(&r) || version != DOC_VERSION || (flags & ~(uint64_t)DOC_FLAGS) != 0)
		return KITH_E_MALFORMED;
	if (d->handle.n > KITH_HANDLE_MAX)
		return KITH_E_LIMIT;
	if (d->handle.n == 0 || memcmp(d->account_pk, d->recovery_pk, sizeof(d->account_pk)) == 0)
		return KITH_E_MALFORMED;
	if ((d->n == 0) != kith_id_is_none(&d->uid) || (d->n == 0) != kith_id_is_none(&d->prev))
		return KITH_E_MALFORMED;
	d->flags = (uint32_t)flags;
	return KITH_OK;
}

int
kith_doc_parse(struct kith_slice raw, struct kith_doc *out)
{
	struct kith_doc d;
	struct kith_mp_reader r;
	int e;

	if (raw.n > KITH_DOC_MAX)
		return KITH_E_LIMIT;
	e = kith_mp_check(raw, &limits);
	if (e != KITH_OK)
		return e;
	memset(&d, 0, sizeof(d));
	d.raw = raw;
	kith_mp_read(&r, raw);
	kith_mp_array_exact(&r, 3);
	d.body = kith_mp_bin(&r);
	d.has_account_sig = take_sig(&r, d.account_sig);
	d.has_recovery_sig = take_sig(&r, d.recovery_sig);
	if (!kith_mp_done(&r))
		return KITH_E_MALFORMED;
	e = parse_body(&d);
	if (e != KITH_OK)
		return e;
	kith_hash(KITH_L_DOC, d.body, &d.id);
	if (d.n == 0)
		d.uid = d.id;
	*out = d;
	return KITH_OK;
}

int
kith_doc_check(const struct kith_env *env, const struct kith_doc *d, const struct kith_doc *prev, enum kith_doc_by *by)
{
	const struct kith_doc *keys = prev != NULL ? prev : d;
	bool both_due = prev == NULL || memcmp(d->recovery_pk, prev->recovery_pk, sizeof(d->recovery_pk)) != 0;

	if (prev == NULL ? d->n != 0 : d->n == 0 || d->n - 1 != prev->n || !kith_id_eq(&d->uid, &prev->uid) ||
	    !kith_id_eq(&d->prev, &prev->id))
		return KITH_E_MALFORMED;
	if (!kith_pk_ok(d->account_pk) || !kith_pk_ok(d->recovery_pk))
		return KITH_E_BADSIG;
	if (both_due ? !d->has_account_sig || !d->has_recovery_sig : !d->has_account_sig && !d->has_recovery_sig)
		return KITH_E_BADSIG;
	if (d->has_account_sig && env->verify(env->ctx, keys->account_pk, KITH_L_DOC, d->body, d->account_sig) != KITH_OK)
		return KITH_E_BADSIG;
	if (d->has_recovery_sig && env->verify(env->ctx, keys->recovery_pk, KITH_L_DOC, d->body, d->recovery_sig) != KITH_OK)
		return KITH_E_BADSIG;
	*by = !d->has_recovery_sig ? KITH_DOC_BY_ACCOUNT : !d->has_account_sig ? KITH_DOC_BY_RECOVERY : KITH_DOC_BY_BOTH;
	return KITH_OK;
}

static void
put_sig(struct kith_buf *b, const struct kith_signer *s, struct kith_slice body)
{
	uint8_t sig[KITH_SIG_BYTES];

	if (s != NULL)
		kith_sign(s, KITH_L_DOC, body, sig);
	kith_mp_put_bin(b, kith_slice_of(sig, s != NULL ? sizeof(sig) : 0));
}

int
kith_doc_make(const struct kith_doc_new *d, const struct kith_signer *account, const struct kith_signer *recovery,
    struct kith_buf *out)
{
	struct kith_buf body;
	struct kith_doc check;
	size_t start = out->n;
	int e;

	kith_buf_init(&body, 0);
	kith_mp_put_array(&body, 9);
	kith_mp_put_uint(&body, DOC_VERSION);
	kith_mp_put_uint(&body, d->n);
	kith_mp_put_id_or_none(&body, &d->uid);
	kith_mp_put_bin(&body, kith_slice_of(d->account_pk, sizeof(d->account_pk)));
	kith_mp_put_bin(&body, kith_slice_of(d->recovery_pk, sizeof(d->recovery_pk)));
	kith_mp_put_id(&body, &d->home);
	kith_mp_put_str(&body, d->handle);
	kith_mp_put_uint(&body, d->flags);
	kith_mp_put_id_or_none(&body, &d->prev);
	e = kith_buf_err(&body);
	if (e == KITH_OK) {
		kith_mp_put_array(out, 3);
		kith_mp_put_bin(out, kith_buf_slice(&body));
		put_sig(out, account, kith_buf_slice(&body));
		put_sig(out, recovery, kith_buf_slice(&body));
		e = kith_buf_err(out);
	}
	if (e == KITH_OK)
		e = kith_doc_parse(kith_slice_from(kith_buf_slice(out), start), &check);
	if (e != KITH_OK)
		out->n = start;
	kith_buf_fini(&body);
	return e;
}
