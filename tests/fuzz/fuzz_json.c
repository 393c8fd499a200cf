/* A call's body: JSON to a value, every method's parameters read from it, and back to JSON. */
#include <stdint.h>
#include <stdlib.h>

#include "client/client.h"
#include "client/json.h"
#include "wire/mp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct kith_mp_limits lim = { .depth = KITH_MP_DEPTH_MAX, .values = 1u << 20, .nil = true };
	struct kith_buf mp, json, again;
	struct kith_args args;
	char why[256];

	kith_buf_init(&mp, 0);
	kith_buf_init(&json, 0);
	kith_buf_init(&again, 0);
	if (kith_json_to_mp(kith_slice_of(data, size), &mp, why, sizeof(why)) == KITH_OK) {
		/* what comes out is canonical, and says the same when it goes round once more */
		if (kith_mp_check(kith_buf_slice(&mp), &lim) != KITH_OK || kith_mp_to_json(kith_buf_slice(&mp), &json) != KITH_OK ||
		    kith_json_to_mp(kith_buf_slice(&json), &again, why, sizeof(why)) != KITH_OK ||
		    !kith_slice_eq(kith_buf_slice(&mp), kith_buf_slice(&again)))
			abort();
		for (size_t i = 0; i < kith_n_methods; i++)
			(void)!kith_args_parse(&kith_methods[i], kith_buf_slice(&mp), &args, why, sizeof(why));
	}
	kith_buf_fini(&mp);
	kith_buf_fini(&json);
	kith_buf_fini(&again);
	return 0;
}
