#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/wire/mp_oracle.h"
#include "wire/mp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct kith_mp_limits strict = { 8, 4096, false };
	struct kith_slice in = kith_slice_of(data, size);
	const char *wrong;
	bool accepted;

	wrong = kith_test_mp_oracle(in, &accepted);
	if (wrong != NULL) {
		fprintf(stderr, "%s\n", wrong);
		abort();
	}
	if (kith_mp_check(in, &strict) == KITH_OK && !accepted)
		abort();                /* narrower limits accept less, never more */
	(void)kith_mp_find(in, "key");
	return 0;
}
