#include "client/client.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/b32.h"
#include "wire/mp.h"

static const char *
type_name(enum kith_ptype t)
{
	switch (t) {
	case KITH_P_STR: return "a string";
	case KITH_P_INT: return "an integer";
	case KITH_P_BOOL: return "true or false";
	case KITH_P_ID: return "an id of 52 characters";
	case KITH_P_STRS: return "a list of strings";
	case KITH_P_ANY: return "a value";
	}
	return "a value";
}

static bool
take_value(const struct kith_param *p, struct kith_slice raw, struct kith_arg *a, char *why, size_t why_len)
{
	struct kith_mp_reader r;
	enum kith_mp_type t;
	uint32_t n;

	a->raw = raw;
	kith_mp_read(&r, raw);
	t = kith_mp_peek(&r);
	switch (p->type) {
	case KITH_P_STR:
		if (t != KITH_MP_STR)
			break;
		a->str = kith_mp_str(&r);
		if ((int64_t)a->str.n < p->min || (int64_t)a->str.n > p->max) {
			snprintf(why, why_len, "%s: between %lld and %lld bytes", p->name, (long long)p->min, (long long)p->max);
			return false;
		}
		return true;
	case KITH_P_INT:
		if (t != KITH_MP_UINT && t != KITH_MP_INT)
			break;
		a->num = kith_mp_int(&r);
		if (r.err != KITH_OK || a->num < p->min || a->num > p->max) {
			snprintf(why, why_len, "%s: between %lld and %lld", p->name, (long long)p->min, (long long)p->max);
			return false;
		}
		return true;
	case KITH_P_BOOL:
		if (t != KITH_MP_BOOL)
			break;
		a->flag = kith_mp_bool(&r);
		return true;
	case KITH_P_ID:
		if (t != KITH_MP_STR || kith_id_parse(kith_mp_str(&r), &a->id) != KITH_OK)
			break;
		return true;
	case KITH_P_STRS:
		if (t != KITH_MP_ARRAY)
			break;
		n = kith_mp_array(&r);
		if (n < p->min || n > p->max) {
			snprintf(why, why_len, "%s: between %lld and %lld items", p->name, (long long)p->min, (long long)p->max);
			return false;
		}
		for (uint32_t i = 0; i < n; i++) {
			if (kith_mp_peek(&r) != KITH_MP_STR || kith_mp_str(&r).n > 255) {
				snprintf(why, why_len, "%s: each a string of at most 255 bytes", p->name);
				return false;
			}
		}
		return true;
	case KITH_P_ANY:
		if ((int64_t)raw.n <= p->max)
			return true;
		break;
	}
	snprintf(why, why_len, "%s: %s", p->name, type_name(p->type));
	return false;
}

int
kith_args_parse(const struct kith_method *m, struct kith_slice params, struct kith_args *out, char *why, size_t why_len)
{
	struct kith_mp_reader r;
	uint32_t n;

	memset(out, 0, sizeof(*out));
	out->m = m;
	kith_mp_read(&r, params);
	if (kith_mp_peek(&r) != KITH_MP_MAP) {
		snprintf(why, why_len, "params: an object");
		return KITH_E_MALFORMED;
	}
	n = kith_mp_map(&r);
	for (uint32_t i = 0; i < n; i++) {
		struct kith_slice key, raw;
		size_t k = 0;

		if (kith_mp_peek(&r) != KITH_MP_STR) {
			snprintf(why, why_len, "params: names are strings");
			return KITH_E_MALFORMED;
		}
		key = kith_mp_str(&r);
		raw = kith_mp_skip(&r);
		while (m->params[k].name != NULL && !kith_slice_is(key, m->params[k].name))
			k++;
		if (m->params[k].name == NULL) {
			snprintf(why, why_len, "%.*s: %s has no such parameter", (int)(key.n > 64 ? 64 : key.n), (const char *)key.p, m->name);
			return KITH_E_MALFORMED;
		}
		if (raw.n == 1 && raw.p[0] == 0xc0)
			continue;       /* nil: absent */
		if (!take_value(&m->params[k], raw, &out->v[k], why, why_len))
			return KITH_E_MALFORMED;
		out->v[k].present = true;
	}
	for (size_t k = 0; m->params[k].name != NULL; k++) {
		if (m->params[k].required && !out->v[k].present) {
			snprintf(why, why_len, "%s: %s is needed", m->params[k].name, type_name(m->params[k].type));
			return KITH_E_MALFORMED;
		}
	}
	return KITH_OK;
}

const struct kith_arg *
kith_arg(const struct kith_args *a, const char *name)
{
	for (size_t k = 0; a->m->params[k].name != NULL; k++) {
		if (strcmp(a->m->params[k].name, name) == 0)
			return &a->v[k];
	}
	kith_assert_failed(name, __FILE__, __LINE__);
}

bool
kith_arg_has(const struct kith_args *a, const char *name)
{
	return kith_arg(a, name)->present;
}

struct kith_slice
kith_arg_str(const struct kith_args *a, const char *name)
{
	return kith_arg(a, name)->str;
}

struct kith_id
kith_arg_id(const struct kith_args *a, const char *name)
{
	return kith_arg(a, name)->id;
}

int64_t
kith_arg_num(const struct kith_args *a, const char *name, int64_t absent)
{
	const struct kith_arg *v = kith_arg(a, name);

	return v->present ? v->num : absent;
}

bool
kith_arg_flag(const struct kith_args *a, const char *name, bool absent)
{
	const struct kith_arg *v = kith_arg(a, name);

	return v->present ? v->flag : absent;
}

int
kith_fail(struct kith_call *c, int err, const char *name, const char *fmt, ...)
{
	va_list ap;

	c->err_name = name;
	va_start(ap, fmt);
	vsnprintf(c->why, sizeof(c->why), fmt, ap);
	va_end(ap);
	return err;
}

int
kith_rpc_code(int err)
{
	/* JSON-RPC reserves -32768 to -32000; ours are -31000 and our code */
	return err == KITH_E_MALFORMED ? -32602 : -31000 + err;
}

int
kith_http_status(int err, const char *err_name)
{
	if (err_name != NULL && strcmp(err_name, "unauthorized") == 0)
		return 401;
	switch (err) {
	case KITH_OK: return 200;
	case KITH_E_MALFORMED: return 400;
	case KITH_E_DENIED: return 403;
	case KITH_E_NOTFOUND: case KITH_E_MISSING: return 404;
	case KITH_E_EXISTS: return 409;
	case KITH_E_LIMIT: return err_name != NULL && (strcmp(err_name, "rate_limit") == 0 || strcmp(err_name, "slow_mode") == 0) ? 429 : 413;
	case KITH_E_BUSY: return 503;
	case KITH_E_FULL: return 507;
	default: return 500;
	}
}
