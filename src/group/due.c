#include "group/group.h"
#include "wire/mp.h"

int
kith_due_add(struct kith_txn *t, uint64_t wall_ms, uint32_t type, struct kith_slice payload)
{
	uint8_t key[16];
	struct kith_slice v;
	struct kith_buf b;
	int r;

	for (uint64_t n = 0; n < 1000000; n++) {
		kith_put_be64(key, wall_ms);
		kith_put_be64(key + 8, n);
		r = kith_txn_get(t, KITH_T_DUE, kith_slice_of(key, sizeof(key)), &v);
		if (r == KITH_E_NOTFOUND)
			break;
		if (r != KITH_OK)
			return r;
	}
	kith_buf_init(&b, 0);
	kith_mp_put_array(&b, 2);
	kith_mp_put_uint(&b, type);
	kith_mp_put_bin(&b, payload);
	r = kith_buf_err(&b);
	if (r == KITH_OK)
		r = kith_txn_put(t, KITH_T_DUE, kith_slice_of(key, sizeof(key)), kith_buf_slice(&b));
	kith_buf_fini(&b);
	return r;
}
