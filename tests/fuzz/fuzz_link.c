/* Links as people paste them, and invites. */
#include <stdlib.h>
#include <string.h>

#include "id/invite.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kith_slice in = kith_slice_of(data, size);
	struct kith_link l, again;
	struct kith_invite d;
	struct kith_buf out;

	if (kith_link_parse(in, &l) == KITH_OK) {
		kith_buf_init(&out, 0);
		if (kith_link_write(&l, "kith:invite", &out) == KITH_OK) {
			if (kith_link_parse(kith_buf_slice(&out), &again) != KITH_OK || memcmp(&l, &again, sizeof(l)) != 0)
				abort();
			/* one link, one fragment */
			if (size < out.n - 12 || memcmp(data + size - (out.n - 12), out.p + 12, out.n - 12) != 0)
				abort();
		} else if (size + 12 <= KITH_LINK_MAX) {
			abort();                /* only its length may stand in the way */
		}
		kith_buf_fini(&out);
	}
	if (kith_invite_parse(in, &d) == KITH_OK &&
	    (kith_id_is_none(&d.group) || kith_id_is_none(&d.maker) ||
	    kith_id_is_none(&d.counter) != (d.expires_ms == 0 && d.uses == 0)))
		abort();
	return 0;
}
