#include <string.h>

#include "client/account.h"
#include "crypto/sign.h"
#include "daemon/clock.h"
#include "daemon/inner.h"

const char *
edge_cookie_name(bool tls)
{
	return tls ? "__Host-kith" : "kith";
}

void
edge_csrf(struct kith_edge *e, const struct kith_id *session, char out[KITH_ID_STR])
{
	struct kith_id mac;

	kith_hash_keyed(KITH_L_TOKEN, kith_slice_of(e->s->csrf_key, sizeof(e->s->csrf_key)), kith_id_slice(session), &mac);
	kith_id_str(&mac, out);
}

/* The page that asks must be ours: the very address it came to, or the configured one. */
bool
edge_origin_ok(struct kith_edge *e, const struct kith_http_request *rq, struct kith_slice origin)
{
	const char *scheme = rq->tls ? "https://" : "http://";
	size_t n = strlen(scheme);

	if (kith_slice_is(origin, e->s->url))
		return true;
	return origin.n > n && memcmp(origin.p, scheme, n) == 0 && kith_slice_eq(kith_slice_from(origin, n), rq->head->host);
}

int
edge_session(struct kith_edge *e, struct kith_slice token, struct kith_session *out)
{
	struct kith_txn *t = NULL;
	int r = kith_store_begin(e->s->store, false, &t);

	if (r == KITH_OK)
		r = kith_session_open(t, token, kith_wall_ms(), out);
	kith_txn_abort(t);
	return r;
}

bool
edge_is_admin(struct kith_edge *e, const struct kith_session *s)
{
	struct kith_txn *t = NULL;
	struct kith_account a;
	bool admin = false;

	if (kith_store_begin(e->s->store, false, &t) == KITH_OK && kith_account_get(t, &s->uid, &a) == KITH_OK) {
		for (size_t i = 0; i < e->conf->n_admins; i++)
			admin = admin || strcmp(e->conf->admins[i], a.handle) == 0;
	}
	kith_txn_abort(t);
	return admin;
}
