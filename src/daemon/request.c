#include "daemon/request.h"

#include <stdio.h>
#include <string.h>

#include "client/json.h"
#include "wire/mp.h"

#define VALUES_MAX 65536

/* Either encoding as checked msgpack, in scratch. */
static int
decode(struct kith_slice in, bool msgpack, struct kith_buf *scratch, char *why, size_t why_len)
{
	static const struct kith_mp_limits limits = { .depth = KITH_MP_DEPTH_MAX, .values = VALUES_MAX, .nil = true };
	int r;

	if (msgpack) {
		snprintf(why, why_len, "that is no MessagePack in canonical form");
		r = kith_mp_check(in, &limits);
		if (r == KITH_OK)
			kith_buf_put_slice(scratch, in);
	} else {
		snprintf(why, why_len, "that is no JSON");
		r = kith_json_to_mp(in, scratch, why, why_len);
	}
	return r == KITH_OK ? kith_buf_err(scratch) : r;
}

/* The members of a request, and no others. */
static bool
take_members(struct kith_slice mp, struct kith_request *out)
{
	struct kith_mp_reader r, inner;
	bool version = false;
	uint32_t n;

	kith_mp_read(&r, mp);
	if (kith_mp_peek(&r) != KITH_MP_MAP)
		return false;
	for (n = kith_mp_map(&r); n > 0 && r.err == KITH_OK; n--) {
		struct kith_slice key, value;
		enum kith_mp_type type;

		if (kith_mp_peek(&r) != KITH_MP_STR)
			return false;
		key = kith_mp_str(&r);
		value = kith_mp_skip(&r);
		kith_mp_read(&inner, value);
		type = kith_mp_peek(&inner);
		if (kith_slice_is(key, "id")) {
			if (value.n > KITH_REQUEST_ID_MAX || (type != KITH_MP_STR && type != KITH_MP_UINT && type != KITH_MP_INT && type != KITH_MP_NIL))
				return false;
			out->id = value;
		} else if (kith_slice_is(key, "jsonrpc")) {
			version = type == KITH_MP_STR && kith_slice_is(kith_mp_str(&inner), "2.0");
		} else if (kith_slice_is(key, "method")) {
			if (type != KITH_MP_STR)
				return false;
			out->method = kith_mp_str(&inner);
		} else if (kith_slice_is(key, "params")) {
			if (type != KITH_MP_MAP)
				return false;
			out->params = value;
		} else {
			return false;
		}
	}
	return r.err == KITH_OK && version && out->method.n > 0;
}

int
kith_request_take(struct kith_slice msg, bool msgpack, struct kith_buf *scratch, struct kith_request *out, char *why, size_t why_len)
{
	static const uint8_t none[] = { 0x80 };
	int r = decode(msg, msgpack, scratch, why, why_len);

	if (r != KITH_OK)
		return r;
	memset(out, 0, sizeof(*out));
	out->params = kith_slice_of(none, sizeof(none));
	if (take_members(kith_buf_slice(scratch), out))
		return KITH_OK;
	snprintf(why, why_len, "a request is an object of jsonrpc \"2.0\", method, params (an object) and id, one a message");
	return KITH_E_DENIED;
}

int
kith_request_params(struct kith_slice body, bool msgpack, struct kith_buf *scratch, char *why, size_t why_len)
{
	struct kith_mp_reader r;
	int err;

	if (body.n == 0) {
		kith_mp_put_map(scratch, 0);
		return kith_buf_err(scratch);
	}
	err = decode(body, msgpack, scratch, why, why_len);
	if (err != KITH_OK)
		return err;
	kith_mp_read(&r, kith_buf_slice(scratch));
	if (kith_mp_peek(&r) == KITH_MP_MAP)
		return KITH_OK;
	snprintf(why, why_len, "the body is not an object");
	return KITH_E_MALFORMED;
}
