#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "client/client.h"
#include "client/json.h"
#include "daemon/request.h"
#include "wire/mp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte says in which encoding the rest is. What is taken has parameters that any method can be asked with. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct kith_mp_limits limits = { .depth = KITH_MP_DEPTH_MAX, .values = 65536, .nil = true };
	struct kith_request rq;
	struct kith_args args;
	struct kith_buf scratch, json;
	struct kith_slice in;
	char why[256] = "";
	bool msgpack;
	int r;

	if (size == 0)
		return 0;
	msgpack = data[0] == 'm';
	in = kith_slice_of(data + 1, size - 1);
	kith_buf_init(&scratch, 0);
	kith_buf_init(&json, 0);
	r = kith_request_take(in, msgpack, &scratch, &rq, why, sizeof(why));
	if (r == KITH_OK) {
		const struct kith_method *m = kith_method_find(rq.method);

		if (kith_mp_check(rq.params, &limits) != KITH_OK || rq.id.n > KITH_REQUEST_ID_MAX)
			abort();
		if (kith_mp_to_json(rq.params, &json) != KITH_OK)
			abort();
		if (m != NULL)
			r = kith_args_parse(m, rq.params, &args, why, sizeof(why));
	} else if (why[0] == '\0' && r != KITH_E_NOMEM) {
		abort();
	}
	kith_buf_reset(&scratch);
	r = kith_request_params(in, msgpack, &scratch, why, sizeof(why));
	for (size_t i = 0; r == KITH_OK && i < kith_n_methods; i++) {
		if (kith_args_parse(&kith_methods[i], kith_buf_slice(&scratch), &args, why, sizeof(why)) == KITH_OK && memchr(why, '\0', sizeof(why)) == NULL)
			abort();
	}
	kith_buf_fini(&scratch);
	kith_buf_fini(&json);
	return 0;
}
