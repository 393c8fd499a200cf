#include "tests/unit/wire/mp_oracle.h"

#include <msgpack.h>

#include "wire/mp.h"

/* Reads one value and writes it again. */
static void
echo(struct kith_mp_reader *r, struct kith_buf *b)
{
	uint32_t n;
	size_t mark;

	switch (kith_mp_peek(r)) {
	case KITH_MP_NIL:
		(void)kith_mp_nil(r);
		kith_mp_put_nil(b);
		break;
	case KITH_MP_BOOL: kith_mp_put_bool(b, kith_mp_bool(r)); break;
	case KITH_MP_UINT: kith_mp_put_uint(b, kith_mp_uint(r)); break;
	case KITH_MP_INT: kith_mp_put_int(b, kith_mp_int(r)); break;
	case KITH_MP_STR: kith_mp_put_str(b, kith_mp_str(r)); break;
	case KITH_MP_BIN: kith_mp_put_bin(b, kith_mp_bin(r)); break;
	case KITH_MP_ARRAY:
		n = kith_mp_array(r);
		kith_mp_put_array(b, n);
		for (; n > 0 && r->err == KITH_OK; n--)
			echo(r, b);
		break;
	case KITH_MP_MAP:
		n = kith_mp_map(r);
		mark = kith_mp_begin(b);
		for (uint32_t i = 0; i < n && r->err == KITH_OK; i++) {
			echo(r, b);
			echo(r, b);
		}
		kith_mp_end_map(b, mark, n);
		break;
	case KITH_MP_END: r->err = KITH_E_MALFORMED; break;
	}
}

const char *
kith_test_mp_oracle(struct kith_slice in, bool *accepted)
{
	const struct kith_mp_limits lim = { KITH_MP_DEPTH_MAX, 65536, true };
	struct kith_mp_reader r;
	struct kith_slice whole;
	msgpack_unpacked result;
	msgpack_unpack_return ret;
	struct kith_buf b;
	size_t off = 0;
	const char *wrong = NULL;

	*accepted = kith_mp_check(in, &lim) == KITH_OK;
	kith_mp_read(&r, in);           /* the readers stay within the bytes even of what the check refuses */
	whole = kith_mp_skip(&r);
	if (!*accepted)
		return NULL;
	if (!kith_mp_done(&r) || !kith_slice_eq(whole, in))
		return "skip does not pass over the whole value";
	msgpack_unpacked_init(&result);
	ret = msgpack_unpack_next(&result, (const char *)in.p, in.n, &off);
	msgpack_unpacked_destroy(&result);
	if (ret != MSGPACK_UNPACK_SUCCESS || off != in.n)
		return "msgpack-c does not decode the whole value";
	kith_buf_init(&b, 0);
	kith_mp_read(&r, in);
	echo(&r, &b);
	if (!kith_mp_done(&r))
		wrong = "the readers do not read the whole value";
	else if (kith_buf_err(&b) != KITH_OK || !kith_slice_eq(kith_buf_slice(&b), in))
		wrong = "written again, the value has other bytes";
	kith_buf_fini(&b);
	return wrong;
}
