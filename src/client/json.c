#include "client/json.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/b32.h"
#include "wire/mp.h"

#define JSON_MAX (1u << 20)

/* ---- in ---- */

struct pair { const char *key; size_t len; const json_t *value; };

static int
pair_cmp(const void *x, const void *y)
{
	const struct pair *a = x, *b = y;

	return kith_slice_cmp(kith_slice_of(a->key, a->len), kith_slice_of(b->key, b->len));
}

static int
put_object(const json_t *j, struct kith_buf *out, int depth, char *why, size_t why_len);

/* jansson has bounded the depth when it parsed */
static int
put_value(const json_t *j, struct kith_buf *out, int depth, char *why, size_t why_len)
{
	switch (json_typeof(j)) {
	case JSON_NULL:
		kith_mp_put_nil(out);
		return KITH_OK;
	case JSON_TRUE:
	case JSON_FALSE:
		kith_mp_put_bool(out, json_is_true(j));
		return KITH_OK;
	case JSON_INTEGER:
		kith_mp_put_int(out, json_integer_value(j));
		return KITH_OK;
	case JSON_REAL:
		snprintf(why, why_len, "numbers are integers here");
		return KITH_E_MALFORMED;
	case JSON_STRING:
		if (memchr(json_string_value(j), 0, json_string_length(j)) != NULL) {
			snprintf(why, why_len, "a string holds a NUL");
			return KITH_E_MALFORMED;
		}
		kith_mp_put_str(out, kith_slice_of(json_string_value(j), json_string_length(j)));
		return KITH_OK;
	case JSON_ARRAY:
		kith_mp_put_array(out, (uint32_t)json_array_size(j));
		for (size_t i = 0; i < json_array_size(j); i++) {
			int r = put_value(json_array_get(j, i), out, depth + 1, why, why_len);

			if (r != KITH_OK)
				return r;
		}
		return KITH_OK;
	case JSON_OBJECT:
		return put_object(j, out, depth, why, why_len);
	}
	return KITH_E_MALFORMED;
}

static int
put_object(const json_t *j, struct kith_buf *out, int depth, char *why, size_t why_len)
{
	size_t n = json_object_size(j), i = 0;
	struct pair *v = NULL;
	int r = KITH_OK;

	if (n > 0) {
		v = calloc(n, sizeof(*v));
		if (v == NULL)
			return KITH_E_NOMEM;
	}
	for (void *it = json_object_iter((json_t *)(uintptr_t)j); it != NULL && i < n; it = json_object_iter_next((json_t *)(uintptr_t)j, it)) {
		v[i].key = json_object_iter_key(it);
		v[i].len = json_object_iter_key_len(it);
		v[i].value = json_object_iter_value(it);
		i++;
	}
	kith_assert(i == n);
	if (n > 1)
		qsort(v, n, sizeof(*v), pair_cmp);
	kith_mp_put_map(out, (uint32_t)n);
	for (i = 0; r == KITH_OK && i < n; i++) {
		if (memchr(v[i].key, 0, v[i].len) != NULL) {
			snprintf(why, why_len, "a name holds a NUL");
			r = KITH_E_MALFORMED;
			break;
		}
		kith_mp_put_str(out, kith_slice_of(v[i].key, v[i].len));
		r = put_value(v[i].value, out, depth + 1, why, why_len);
	}
	free(v);
	return r;
}

/* Nesting, before jansson recurses into it. */
static bool
too_deep(struct kith_slice s)
{
	bool in_string = false;
	int depth = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (in_string) {
			if (s.p[i] == '\\')
				i++;
			else if (s.p[i] == '"')
				in_string = false;
		} else if (s.p[i] == '"') {
			in_string = true;
		} else if (s.p[i] == '[' || s.p[i] == '{') {
			if (++depth > KITH_MP_DEPTH_MAX)
				return true;
		} else if (s.p[i] == ']' || s.p[i] == '}') {
			depth--;
		}
	}
	return false;
}

int
kith_json_to_mp(struct kith_slice json, struct kith_buf *out, char *why, size_t why_len)
{
	json_error_t e;
	json_t *j;
	int r;

	snprintf(why, why_len, "not JSON");
	if (json.n > JSON_MAX) {
		snprintf(why, why_len, "more than %u bytes", JSON_MAX);
		return KITH_E_LIMIT;
	}
	if (too_deep(json)) {
		snprintf(why, why_len, "nested more than %d deep", KITH_MP_DEPTH_MAX);
		return KITH_E_LIMIT;
	}
	j = json_loadb((const char *)json.p, json.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &e);
	if (j == NULL) {
		snprintf(why, why_len, "not JSON: %s (line %d, column %d)", e.text, e.line, e.column);
		return KITH_E_MALFORMED;
	}
	r = put_value(j, out, 0, why, why_len);
	json_decref(j);
	return r == KITH_OK ? kith_buf_err(out) : r;
}

/* ---- out ---- */

static void
put_string(struct kith_buf *b, struct kith_slice s)
{
	static const char hex[] = "0123456789abcdef";
	size_t from = 0;

	kith_buf_put_u8(b, '"');
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];
		char esc[7] = "\\u00..";

		/* U+2028 and U+2029 end lines in scripts: E2 80 A8, E2 80 A9 */
		bool line = c == 0xe2 && i + 2 < s.n && s.p[i + 1] == 0x80 && (s.p[i + 2] & 0xfe) == 0xa8;

		if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f && c != '<' && !line)
			continue;
		kith_buf_put(b, s.p + from, i - from);
		from = i + 1;
		if (line) {
			kith_buf_put_str(b, s.p[i + 2] == 0xa8 ? "\\u2028" : "\\u2029");
			i += 2;
			from = i + 1;
		} else if (c == '"' || c == '\\') {
			kith_buf_put_u8(b, '\\');
			kith_buf_put_u8(b, c);
		} else if (c == '\n') {
			kith_buf_put_str(b, "\\n");
		} else {
			esc[4] = hex[c >> 4];
			esc[5] = hex[c & 15];
			kith_buf_put_str(b, esc);
		}
	}
	kith_buf_put(b, s.p + from, s.n - from);
	kith_buf_put_u8(b, '"');
}

static void
put_scalar(struct kith_mp_reader *r, struct kith_buf *b)
{
	struct kith_slice bin;
	char text[KITH_B32_LEN(128) + 1];

	switch (kith_mp_peek(r)) {
	case KITH_MP_NIL:
		kith_mp_nil(r);
		kith_buf_put_str(b, "null");
		break;
	case KITH_MP_BOOL:
		kith_buf_put_str(b, kith_mp_bool(r) ? "true" : "false");
		break;
	case KITH_MP_UINT:
		kith_buf_printf(b, "%llu", (unsigned long long)kith_mp_uint(r));
		break;
	case KITH_MP_INT:
		kith_buf_printf(b, "%lld", (long long)kith_mp_int(r));
		break;
	case KITH_MP_STR:
		put_string(b, kith_mp_str(r));
		break;
	case KITH_MP_BIN:
		bin = kith_mp_bin(r);
		kith_buf_put_u8(b, '"');
		for (size_t at = 0; at < bin.n; at += 125) {    /* 125: whole groups of five */
			kith_b32_encode(kith_slice_of(bin.p + at, bin.n - at < 125 ? bin.n - at : 125), text);
			kith_buf_put_str(b, text);
		}
		kith_buf_put_u8(b, '"');
		break;
	case KITH_MP_ARRAY:
	case KITH_MP_MAP:
	case KITH_MP_END:
		r->err = KITH_E_MALFORMED;
		break;
	}
}

int
kith_mp_to_json(struct kith_slice mp, struct kith_buf *out)
{
	struct { uint32_t left; bool map, first; } level[KITH_MP_DEPTH_MAX + 1];
	struct kith_mp_reader r;
	int depth = -1;

	kith_mp_read(&r, mp);
	for (;;) {
		enum kith_mp_type t = kith_mp_peek(&r);

		if (depth >= 0) {
			if (level[depth].left == 0) {
				kith_buf_put_u8(out, level[depth].map ? '}' : ']');
				if (--depth < 0)
					break;
				continue;
			}
			if (!level[depth].first)
				kith_buf_put_u8(out, ',');
			level[depth].first = false;
			level[depth].left--;
			if (level[depth].map) {
				if (t == KITH_MP_STR) {
					put_scalar(&r, out);
				} else {
					kith_buf_put_u8(out, '"');
					put_scalar(&r, out);
					kith_buf_put_u8(out, '"');
				}
				kith_buf_put_u8(out, ':');
				t = kith_mp_peek(&r);
			}
		}
		if (t == KITH_MP_ARRAY || t == KITH_MP_MAP) {
			if (++depth > KITH_MP_DEPTH_MAX)
				return KITH_E_LIMIT;
			level[depth].map = t == KITH_MP_MAP;
			level[depth].left = t == KITH_MP_MAP ? kith_mp_map(&r) : kith_mp_array(&r);
			level[depth].first = true;
			kith_buf_put_u8(out, level[depth].map ? '{' : '[');
		} else {
			put_scalar(&r, out);
		}
		if (r.err != KITH_OK)
			return r.err;
		if (depth < 0)
			break;
	}
	return kith_buf_err(out);
}
