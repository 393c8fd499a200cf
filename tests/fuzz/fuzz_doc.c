/* Identity documents and node records: what parses keeps its promises. */
#include <stdlib.h>
#include <string.h>

#include "id/doc.h"
#include "id/node.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static bool
inside(struct kith_slice part, struct kith_slice whole)
{
	return part.n == 0 || (part.p >= whole.p && part.n <= whole.n && part.p + part.n <= whole.p + whole.n);
}

static int
verify(void *ctx, const uint8_t pk[32], int label, struct kith_slice msg, const uint8_t sig[64])
{
	(void)ctx;
	(void)pk;
	(void)label;
	(void)msg;
	return (sig[0] & 1) != 0 ? KITH_OK : KITH_E_BADSIG;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct kith_env env = { .verify = verify };
	struct kith_slice in = kith_slice_of(data, size);
	struct kith_node_record r;
	enum kith_doc_by by;
	struct kith_doc d;
	size_t i;

	if (kith_doc_parse(in, &d) == KITH_OK) {
		must(inside(d.body, in) && inside(d.handle, in) && d.handle.n > 0 && d.handle.n <= KITH_HANDLE_MAX);
		must((d.n == 0) == kith_id_eq(&d.uid, &d.id) && (d.n == 0) == kith_id_is_none(&d.prev));
		if (kith_doc_check(&env, &d, NULL, &by) == KITH_OK)
			must(d.n == 0 && by == KITH_DOC_BY_BOTH);
		must(kith_doc_check(&env, &d, &d, &by) != KITH_OK);
	}
	if (kith_node_parse(in, &r) == KITH_OK) {
		must(inside(r.body, in) && inside(r.name, in) && r.name.n <= KITH_NODE_NAME_MAX);
		must(r.n_certs >= 1 && r.n_certs <= KITH_NODE_CERTS_MAX && r.n_addrs <= KITH_NODE_ADDRS_MAX);
		for (i = 0; i < r.n_addrs; i++)
			must(inside(r.addr[i], in) && kith_addr_ok(r.addr[i]));
		must((r.n == 0) == kith_id_eq(&r.node, &r.id));
		must(kith_node_check(&env, &r, &r) != KITH_OK);
	}
	return 0;
}
