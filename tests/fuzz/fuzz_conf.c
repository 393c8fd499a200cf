#include <stdint.h>
#include <stdlib.h>

#include "conf/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever is taken must print as something that reads back the same. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kith_conf c, again;
	struct kith_diag d;
	struct kith_buf a, b;

	kith_buf_init(&a, 0);
	kith_buf_init(&b, 0);
	if (kith_conf_init(&c) != KITH_OK)
		return 0;
	if (kith_conf_parse(&c, kith_slice_of(data, size), "fuzz", &d) == KITH_OK && kith_conf_finish(&c, &d) == KITH_OK) {
		kith_conf_print(&c, &a);
		if (kith_conf_init(&again) == KITH_OK) {
			if (kith_conf_parse(&again, kith_buf_slice(&a), "again", &d) != KITH_OK)
				abort();
			kith_conf_print(&again, &b);
			if (!kith_slice_eq(kith_buf_slice(&a), kith_buf_slice(&b)))
				abort();
			kith_conf_fini(&again);
		}
	}
	kith_conf_fini(&c);
	kith_buf_fini(&a);
	kith_buf_fini(&b);
	return 0;
}
