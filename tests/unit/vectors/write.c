#include "tests/unit/vectors/vectors.h"

const struct vec_file vec_files[] = {
	{ "keys.json", vec_make_keys },
	{ "msgpack.json", vec_make_msgpack },
	{ "headers.json", vec_make_headers },
	{ "ops.json", vec_make_ops },
	{ "bodies.json", vec_make_bodies },
	{ "authors.json", vec_make_authors },
	{ "feed.json", vec_make_feed },
	{ "nodes.json", vec_make_nodes },
	{ "docs.json", vec_make_docs },
	{ "invites.json", vec_make_invites },
	{ "links.json", vec_make_links },
	{ "cuts.json", vec_make_cuts },
	{ "counts.json", vec_make_counts },
};
const size_t vec_n_files = sizeof(vec_files) / sizeof(vec_files[0]);

static void
put_quoted(struct kith_buf *b, const char *s)
{
	kith_buf_put_u8(b, '"');
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			kith_buf_put_u8(b, '\\');
		if ((unsigned char)*s < ' ')
			kith_buf_printf(b, "\\u%04x", (unsigned)*s);
		else
			kith_buf_put_u8(b, (uint8_t)*s);
	}
	kith_buf_put_u8(b, '"');
}

void
vec_begin(struct kith_buf *b, const char *about)
{
	kith_buf_put_str(b, "{\"about\": ");
	put_quoted(b, about);
	kith_buf_put_str(b, ",\n\"vectors\": [");
}

void
vec_end(struct kith_buf *b)
{
	kith_buf_put_str(b, "\n]}\n");
}

void
vec_open(struct kith_buf *b, const char *name)
{
	kith_buf_put_str(b, b->n > 0 && b->p[b->n - 1] == '[' ? "\n" : ",\n");
	kith_buf_put_str(b, "{\"name\": ");
	put_quoted(b, name);
}

static void
key(struct kith_buf *b, const char *k)
{
	kith_buf_put_str(b, ", ");
	put_quoted(b, k);
	kith_buf_put_str(b, ": ");
}

void
vec_str(struct kith_buf *b, const char *k, const char *value)
{
	key(b, k);
	put_quoted(b, value);
}

void
vec_hex(struct kith_buf *b, const char *k, struct kith_slice s)
{
	static const char digit[] = "0123456789abcdef";
	size_t i;

	key(b, k);
	kith_buf_put_u8(b, '"');
	for (i = 0; i < s.n; i++) {
		kith_buf_put_u8(b, (uint8_t)digit[s.p[i] >> 4]);
		kith_buf_put_u8(b, (uint8_t)digit[s.p[i] & 15]);
	}
	kith_buf_put_u8(b, '"');
}

void
vec_num(struct kith_buf *b, const char *k, uint64_t v)
{
	key(b, k);
	kith_buf_printf(b, "%llu", (unsigned long long)v);
}

void
vec_flag(struct kith_buf *b, const char *k, bool v)
{
	key(b, k);
	kith_buf_put_str(b, v ? "true" : "false");
}

void
vec_close(struct kith_buf *b, const char *error, const char *reason)
{
	if (error == NULL) {
		kith_buf_put_str(b, ", \"error\": null}");
		return;
	}
	vec_str(b, "error", error);
	vec_str(b, "reason", reason);
	kith_buf_put_u8(b, '}');
}
