#include <stdlib.h>

#include "media/media.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* small, so that time goes into reading pictures and not into writing them */
	static const struct kith_picture_use use = { 16, 16, true, 64u << 10 };
	struct kith_slice in = kith_slice_of(data, size);
	unsigned w, h;
	struct kith_buf out;

	kith_buf_init(&out, 0);
	if (kith_picture_make(in, &use, &out, &w, &h) == KITH_OK && (w == 0 || w > 16 || h == 0 || h > 16 || out.n == 0))
		abort();
	(void)kith_jpeg_turn(in);
	kith_buf_fini(&out);
	return 0;
}
