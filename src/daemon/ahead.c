#include "daemon/ahead.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/sign.h"
#include "federation/frames.h"
#include "group/record.h"
#include "id/doc.h"
#include "id/node.h"
#include "storage/ledger.h"
#include "wire/mp.h"

#define FRAME_MIN 256                   /* shorter ones are checked sooner than handed over */

struct job {
	struct kith_ahead *a;
	uint8_t type;
	size_t n;
	uint8_t frame[];
};

/* By the key of the document that the record names, if it is here already. */
static unsigned
check_author(const struct kith_env *env, struct kith_txn *t, const struct kith_record *r)
{
	struct kith_doc doc;
	struct kith_slice raw;
	uint8_t type;

	if (!r->has_author_sig || kith_ledger_object_get(t, &r->doc, &type, &raw) != KITH_OK || kith_doc_parse(raw, &doc) != KITH_OK)
		return 0;
	return kith_record_author_check(env, r, doc.account_pk) == KITH_OK;
}

unsigned
kith_ahead_check(const struct kith_env *env, struct kith_txn *t, uint8_t type, struct kith_slice frame)
{
	struct kith_mp_reader rd;
	struct kith_record r;
	unsigned good = 0;
	uint32_t n;

	if (type != KITH_FR_RUN || kith_frame_check(type, frame) != KITH_OK)
		return 0;
	kith_mp_read(&rd, frame);
	(void)kith_mp_array(&rd);
	for (int i = 0; i < 4; i++)
		(void)kith_mp_skip(&rd);
	for (n = kith_mp_array(&rd); n > 0 && rd.err == KITH_OK; n--) {
		struct kith_slice header, sig;

		kith_mp_array_exact(&rd, 3);
		header = kith_mp_bin(&rd);
		sig = kith_mp_bin(&rd);
		(void)kith_mp_bin(&rd);
		if (rd.err != KITH_OK || kith_record_parse(header, &r) != KITH_OK)
			break;
		good += check_author(env, t, &r);
		/* a signature covers what is before it: the last one is what the engine asks for */
		if (n == 1 && sig.n == KITH_SIG_BYTES)
			good += kith_node_verify(env, t, &r.node, KITH_L_TIP, kith_id_slice(&r.id), sig.p) == KITH_OK;
	}
	return good;
}

static void
run(void *arg, bool go)
{
	struct job *j = arg;
	struct kith_txn *t = NULL;

	if (go && kith_store_begin(j->a->store, false, &t) == KITH_OK) {
		(void)kith_ahead_check(j->a->env, t, j->type, kith_slice_of(j->frame, j->n));
		kith_txn_abort(t);
		atomic_fetch_add(&j->a->frames, 1);
	}
	free(j);
}

void
kith_ahead_frame(struct kith_ahead *a, uint8_t type, struct kith_slice frame)
{
	struct job *j;

	if (type != KITH_FR_RUN || frame.n < FRAME_MIN)
		return;
	j = malloc(sizeof(*j) + frame.n);
	if (j == NULL)
		return;
	j->a = a;
	j->type = type;
	j->n = frame.n;
	memcpy(j->frame, frame.p, frame.n);
	if (kith_pool_submit(a->pool, run, j) != KITH_OK) {
		atomic_fetch_add(&a->dropped, 1);
		free(j);
	}
}
