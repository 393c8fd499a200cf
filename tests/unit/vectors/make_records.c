#include <stdlib.h>
#include <string.h>

#include "group/cut.h"
#include "tests/unit/kit.h"
#include "tests/unit/kit_ops.h"
#include "tests/unit/vectors/vectors.h"
#include "wire/mp.h"

#define LIT(s) kith_slice_of((s), sizeof(s) - 1)
#define BAD "malformed"
#define LIMIT "limit"

void
vec_make_keys(struct kith_buf *b)
{
	static const char *const names[] = { "alice account", "alice recovery", "bob account", "carol account",
		"node 1 root", "node 1 sign", "node 1 cert" };
	struct kith_id seed;
	size_t i;

	vec_begin(b, "The keys that sign what is in these files. seed = hash(object, name); pk = its Ed25519 public key.");
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		seed = kit_id(names[i]);
		vec_open(b, names[i]);
		vec_hex(b, "seed", kith_id_slice(&seed));
		vec_hex(b, "pk", kit_pk_slice(names[i]));
		vec_close(b, NULL, NULL);
	}
	vec_end(b);
}

/* ---- msgpack ---- */

static void
mp(struct kith_buf *b, const char *name, struct kith_slice s, uint64_t depth, uint64_t values, bool nil,
    const char *error, const char *reason)
{
	vec_open(b, name);
	vec_hex(b, "hex", s);
	vec_num(b, "depth", depth);
	vec_num(b, "values", values);
	vec_flag(b, "nil", nil);
	vec_close(b, error, reason);
}

void
vec_make_msgpack(struct kith_buf *b)
{
	static const struct {
		const char *name;
		struct kith_slice s;
		const char *reason;             /* NULL: good */
	} v[] = {
		{ "0", { (const uint8_t *)"\x00", 1 }, NULL },
		{ "127", { (const uint8_t *)"\x7f", 1 }, NULL },
		{ "128", { (const uint8_t *)"\xcc\x80", 2 }, NULL },
		{ "255", { (const uint8_t *)"\xcc\xff", 2 }, NULL },
		{ "256", { (const uint8_t *)"\xcd\x01\x00", 3 }, NULL },
		{ "65536", { (const uint8_t *)"\xce\x00\x01\x00\x00", 5 }, NULL },
		{ "2^32", { (const uint8_t *)"\xcf\x00\x00\x00\x01\x00\x00\x00\x00", 9 }, NULL },
		{ "2^64 - 1", { (const uint8_t *)"\xcf\xff\xff\xff\xff\xff\xff\xff\xff", 9 }, NULL },
		{ "-1", { (const uint8_t *)"\xff", 1 }, NULL },
		{ "-32", { (const uint8_t *)"\xe0", 1 }, NULL },
		{ "-33", { (const uint8_t *)"\xd0\xdf", 2 }, NULL },
		{ "-129", { (const uint8_t *)"\xd1\xff\x7f", 3 }, NULL },
		{ "-2^63", { (const uint8_t *)"\xd3\x80\x00\x00\x00\x00\x00\x00\x00", 9 }, NULL },
		{ "false", { (const uint8_t *)"\xc2", 1 }, NULL },
		{ "empty string", { (const uint8_t *)"\xa0", 1 }, NULL },
		{ "a string of two-byte characters", { (const uint8_t *)"\xa4\xc3\xa9\xc3\xa9", 5 }, NULL },
		{ "empty bin", { (const uint8_t *)"\xc4\x00", 2 }, NULL },
		{ "bin with zeros", { (const uint8_t *)"\xc4\x02\x00\x00", 4 }, NULL },
		{ "array", { (const uint8_t *)"\x93\x01\x02\x90", 4 }, NULL },
		{ "map, integer keys before strings", { (const uint8_t *)"\x83\x01\x00\x02\x00\xa1" "a\x00", 8 }, NULL },
		{ "map, a key before one that begins with it", { (const uint8_t *)"\x82\xa1" "a\x00\xa2" "aa\x00", 8 }, NULL },
		{ "map, a longer key first by its bytes", { (const uint8_t *)"\x82\xa2" "aa\x00\xa1" "b\x00", 8 }, NULL },

		{ "nothing", { (const uint8_t *)"", 0 }, "one value is due" },
		{ "two values", { (const uint8_t *)"\x00\x00", 2 }, "bytes after the value" },
		{ "5 in two bytes", { (const uint8_t *)"\xcc\x05", 2 }, "not the shortest form" },
		{ "255 in three bytes", { (const uint8_t *)"\xcd\x00\xff", 3 }, "not the shortest form" },
		{ "1 as a signed integer", { (const uint8_t *)"\xd0\x01", 2 }, "not the shortest form" },
		{ "-1 in two bytes", { (const uint8_t *)"\xd0\xff", 2 }, "not the shortest form" },
		{ "-128 in three bytes", { (const uint8_t *)"\xd1\xff\x80", 3 }, "not the shortest form" },
		{ "string of 1 as str8", { (const uint8_t *)"\xd9\x01" "a", 3 }, "not the shortest form" },
		{ "bin of 1 as bin16", { (const uint8_t *)"\xc5\x00\x01\x00", 4 }, "not the shortest form" },
		{ "array of 1 as array16", { (const uint8_t *)"\xdc\x00\x01\x00", 4 }, "not the shortest form" },
		{ "map of 1 as map16", { (const uint8_t *)"\xde\x00\x01\x00\x00", 5 }, "not the shortest form" },
		{ "nil", { (const uint8_t *)"\xc0", 1 }, "nil where none is allowed" },
		{ "0xc1", { (const uint8_t *)"\xc1", 1 }, "no such marker" },
		{ "float32", { (const uint8_t *)"\xca\x00\x00\x00\x00", 5 }, "floats are refused" },
		{ "float64", { (const uint8_t *)"\xcb\x00\x00\x00\x00\x00\x00\x00\x00", 9 }, "floats are refused" },
		{ "fixext1", { (const uint8_t *)"\xd4\x00\x00", 3 }, "extensions are refused" },
		{ "ext8", { (const uint8_t *)"\xc7\x01\x00\x00", 4 }, "extensions are refused" },
		{ "string cut short", { (const uint8_t *)"\xa2" "a", 2 }, "ends within a value" },
		{ "array of 2^32 - 1", { (const uint8_t *)"\xdd\xff\xff\xff\xff", 5 }, "promises more than there is" },
		{ "map of 2^32 - 1", { (const uint8_t *)"\xdf\xff\xff\xff\xff", 5 }, "promises more than there is" },
		{ "bin of 2^32 - 1", { (const uint8_t *)"\xc6\xff\xff\xff\xff", 5 }, "promises more than there is" },
		{ "nested promises", { (const uint8_t *)"\x92\x92\x92\x00", 4 }, "levels claim the same bytes" },
		{ "map, equal keys", { (const uint8_t *)"\x82\x01\x00\x01\x00", 5 }, "keys are not ascending" },
		{ "map, falling keys", { (const uint8_t *)"\x82\x02\x00\x01\x00", 5 }, "keys are not ascending" },
		{ "map, a string key before an integer", { (const uint8_t *)"\x82\xa1" "a\x00\x01\x00", 6 },
		    "keys are not ascending" },
		{ "map, a shorter key first against its bytes", { (const uint8_t *)"\x82\xa1" "b\x00\xa2" "aa\x00", 8 },
		    "keys are not ascending" },
		{ "map, a negative key", { (const uint8_t *)"\x81\xff\x00", 3 }, "a key is an unsigned integer or a string" },
		{ "map, an array as key", { (const uint8_t *)"\x81\x90\x00", 3 }, "a key is an unsigned integer or a string" },
		{ "NUL in a string", { (const uint8_t *)"\xa1\x00", 2 }, "strings are UTF-8 without NUL" },
		{ "a lone continuation byte", { (const uint8_t *)"\xa1\x80", 2 }, "strings are UTF-8 without NUL" },
		{ "an overlong character", { (const uint8_t *)"\xa2\xc0\xaf", 3 }, "strings are UTF-8 without NUL" },
		{ "a surrogate", { (const uint8_t *)"\xa3\xed\xa0\x80", 4 }, "strings are UTF-8 without NUL" },
		{ "above U+10FFFF", { (const uint8_t *)"\xa4\xf4\x90\x80\x80", 5 }, "strings are UTF-8 without NUL" },
	};
	size_t i;

	vec_begin(b, "hex: is it canonical MessagePack of at most so many nested arrays and maps, so many values in all?");
	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		mp(b, v[i].name, v[i].s, 8, 4096, false, v[i].reason != NULL ? BAD : NULL, v[i].reason);
	mp(b, "nil where it is allowed", LIT("\x91\xc0"), 8, 4096, true, NULL, NULL);
	mp(b, "as deep as allowed", LIT("\x91\x91\x91\x90"), 4, 4096, false, NULL, NULL);
	mp(b, "deeper", LIT("\x91\x91\x91\x90"), 3, 4096, false, LIMIT, "nested too deep, empty arrays too");
	mp(b, "as many values as allowed", LIT("\x93\x01\x02\x03"), 8, 4, false, NULL, NULL);
	mp(b, "more values", LIT("\x93\x01\x02\x03"), 8, 3, false, LIMIT, "too many values");
	vec_end(b);
}

/* ---- headers ---- */

enum { H_VERSION, H_GROUP, H_NODE, H_INCARNATION, H_SCOPE, H_SEQ, H_PREV, H_KIND, H_AUTHOR, H_DOC, H_COUNTER, H_CLOCK,
	H_PARENTS, H_FRONTIER, H_VIA, H_OP, H_BODY_LEN, H_BODY_HASH, H_AUTHOR_SIG, H_RESERVED };

static void
header(struct kith_buf *b, const char *name, struct kith_slice raw, const char *error, const char *reason)
{
	struct kith_id id;

	kith_hash(KITH_L_RECORD, raw, &id);
	vec_open(b, name);
	vec_hex(b, "hex", raw);
	vec_hex(b, "id", kith_id_slice(&id));
	vec_close(b, error, reason);
}

/* A good header of this kind in which one field stands as given bytes. */
static void
altered(struct kith_buf *b, const char *name, uint32_t kind, size_t field, struct kith_slice bytes, const char *error,
    const char *reason)
{
	struct kith_buf raw;
	struct kit_parts p;
	const struct kit_op *o;

	for (o = kit_ops; o->kind != kind; o++)
		;
	kith_buf_init(&raw, 0);
	kit_header(kind, o->has, kind != KITH_K_MESSAGE, &raw);
	kit_parts_split(&p, kith_buf_slice(&raw));
	kit_parts_set(&p, field, bytes);
	kith_buf_reset(&raw);
	kit_parts_join(&p, &raw);
	header(b, name, kith_buf_slice(&raw), error, reason);
	kit_parts_fini(&p);
	kith_buf_fini(&raw);
}

static int
id_order(const void *a, const void *b)
{
	return kith_id_cmp(a, b);
}

/* A list of n ids, sorted; the last two exchanged, or equal, if asked. */
static struct kith_slice
ids(struct kith_buf *b, size_t n, bool swapped, bool doubled)
{
	struct kith_id v[64], t;
	char name[16] = "id 00";
	size_t i;

	for (i = 0; i < n; i++) {
		name[3] = (char)('0' + i / 10);
		name[4] = (char)('0' + i % 10);
		v[i] = kit_id(name);
	}
	qsort(v, n, sizeof(v[0]), id_order);
	if (swapped) {
		t = v[n - 1];
		v[n - 1] = v[n - 2];
		v[n - 2] = t;
	}
	if (doubled)
		v[n - 1] = v[n - 2];
	kith_buf_reset(b);
	kith_mp_put_array(b, (uint32_t)n);
	for (i = 0; i < n; i++)
		kith_mp_put_id(b, &v[i]);
	return kith_buf_slice(b);
}

static const uint8_t zeros[KITH_SIG_BYTES];

static struct kith_slice
bin(struct kith_buf *b, size_t n)
{
	kith_buf_reset(b);
	kith_mp_put_bin(b, kith_slice_of(zeros, n));
	return kith_buf_slice(b);
}

static struct kith_slice
bin_id(struct kith_buf *b, const char *name)
{
	struct kith_id id = kit_id(name);

	kith_buf_reset(b);
	kith_mp_put_id(b, &id);
	return kith_buf_slice(b);
}

static struct kith_slice
num(struct kith_buf *b, uint64_t v)
{
	kith_buf_reset(b);
	kith_mp_put_uint(b, v);
	return kith_buf_slice(b);
}

/* A header of exactly so many bytes, of a kind that is none of ours. */
static void
sized(struct kith_buf *b, const char *name, const struct kith_id *scope, size_t n, const char *error, const char *reason)
{
	struct kith_buf op, raw;
	struct kith_record d;
	struct kit_parts p;
	size_t pad, i;

	kit_record(KITH_K_MESSAGE, 0, &d);
	d.kind = 999;
	d.scope = *scope;
	kith_buf_init(&op, 0);
	kith_buf_init(&raw, 0);
	if (kith_record_make(&d, NULL, &raw) != KITH_OK)
		abort();
	pad = n - raw.n - 4;                    /* key, marker and length; the map's own byte was there */
	kith_mp_put_map(&op, 1);
	kith_mp_put_uint(&op, 1);
	kith_buf_put_u8(&op, 0xda);
	kith_buf_put_u8(&op, (uint8_t)(pad >> 8));
	kith_buf_put_u8(&op, (uint8_t)pad);
	for (i = 0; i < pad; i++)
		kith_buf_put_u8(&op, 'x');
	kit_parts_split(&p, kith_buf_slice(&raw));
	kit_parts_set(&p, H_OP, kith_buf_slice(&op));
	kith_buf_reset(&raw);
	kit_parts_join(&p, &raw);
	if (raw.n != n)
		abort();
	header(b, name, kith_buf_slice(&raw), error, reason);
	kit_parts_fini(&p);
	kith_buf_fini(&raw);
	kith_buf_fini(&op);
}

static void
bad_lists(struct kith_buf *b)
{
	struct kith_buf x;

	kith_buf_init(&x, 0);
	altered(b, "4 parents in a timeline", KITH_K_MESSAGE, H_PARENTS, ids(&x, 4, false, false), NULL, NULL);
	altered(b, "5 parents in a timeline", KITH_K_MESSAGE, H_PARENTS, ids(&x, 5, false, false), LIMIT, "at most 4 parents");
	altered(b, "16 parents", KITH_K_BAN, H_PARENTS, ids(&x, 16, false, false), NULL, NULL);
	altered(b, "17 parents", KITH_K_BAN, H_PARENTS, ids(&x, 17, false, false), LIMIT, "at most 16 parents");
	altered(b, "parents unsorted", KITH_K_BAN, H_PARENTS, ids(&x, 3, true, false), BAD, "ids are sorted");
	altered(b, "a parent twice", KITH_K_BAN, H_PARENTS, ids(&x, 3, false, true), BAD, "ids are unique");
	altered(b, "a parent of zeros", KITH_K_BAN, H_PARENTS, (kith_buf_reset(&x), kith_mp_put_array(&x, 1),
	    kith_mp_put_bin(&x, kith_slice_of(zeros, 32)), kith_buf_slice(&x)), BAD, "no id is all zero");
	altered(b, "no frontier", KITH_K_MESSAGE, H_FRONTIER, LIT("\x90"), NULL, NULL);
	altered(b, "frontier of 16", KITH_K_MESSAGE, H_FRONTIER, ids(&x, 16, false, false), NULL, NULL);
	altered(b, "frontier of 17", KITH_K_MESSAGE, H_FRONTIER, ids(&x, 17, false, false), LIMIT, "at most 16 ids");
	altered(b, "frontier unsorted", KITH_K_MESSAGE, H_FRONTIER, ids(&x, 3, true, false), BAD, "ids are sorted");
	altered(b, "a frontier in authority", KITH_K_BAN, H_FRONTIER, ids(&x, 1, false, false), BAD,
	    "authority records have no frontier");
	kith_buf_fini(&x);
}

void
vec_make_headers(struct kith_buf *b)
{
	struct kith_id panel = kit_id("panel");
	const struct kit_op *o;
	struct kith_buf x, raw;
	const uint32_t msg = KITH_K_MESSAGE;

	kith_buf_init(&x, 0);
	kith_buf_init(&raw, 0);
	vec_begin(b, "hex: a record's header; id: its hash, good or bad. Of op only that it is a map: see ops.json.");
	for (o = kit_ops; o->name != NULL; o++) {
		kith_buf_reset(&raw);
		kit_header(o->kind, o->has, kith_kind_in_plane(o->kind, KITH_PLANE_AUTHORITY), &raw);
		header(b, o->name, kith_buf_slice(&raw), NULL, NULL);
	}
	altered(b, "an unknown kind", msg, H_KIND, num(&x, 4000000000), NULL, NULL);
	altered(b, "the highest seq", msg, H_SEQ, num(&x, KITH_SEQ_MAX), NULL, NULL);
	sized(b, "a timeline's header of 2048 bytes", &panel, 2048, NULL, NULL);
	sized(b, "a timeline's header of 2049 bytes", &panel, 2049, LIMIT, "at most 2 KiB in a timeline");
	sized(b, "a roster's header of 16384 bytes", &kith_scope_roster, 16384, NULL, NULL);
	sized(b, "a roster's header of 16385 bytes", &kith_scope_roster, 16385, LIMIT, "at most 16 KiB");

	kith_buf_reset(&raw);
	kit_header(msg, 0, false, &raw);
	header(b, "cut short", kith_slice_of(raw.p, raw.n - 1), BAD, "ends within a value");
	kith_buf_put_u8(&raw, 0);
	header(b, "a byte behind", kith_buf_slice(&raw), BAD, "bytes after the value");
	altered(b, "19 items", msg, H_RESERVED, LIT(""), BAD, "the array promises 20 items");
	altered(b, "a float for a clock", msg, H_CLOCK, LIT("\xcb\x40\x00\x00\x00\x00\x00\x00\x00"), BAD, "floats are refused");
	altered(b, "nil for via", msg, H_VIA, LIT("\xc0"), BAD, "nil where none is allowed");
	altered(b, "version 2", msg, H_VERSION, LIT("\x02"), BAD, "version is 1");
	altered(b, "no group", msg, H_GROUP, LIT("\xc4\x00"), BAD, "only create has no group");
	altered(b, "a group of 31 bytes", msg, H_GROUP, bin(&x, 31), BAD, "an id has 32 bytes");
	altered(b, "a group of zeros", msg, H_GROUP, bin(&x, 32), BAD, "none is written as an empty bin");
	altered(b, "no node", msg, H_NODE, LIT("\xc4\x00"), BAD, "an id has 32 bytes");
	altered(b, "an incarnation of 7 bytes", msg, H_INCARNATION, bin(&x, 7), BAD, "an incarnation has 8 bytes");
	altered(b, "an empty scope", msg, H_SCOPE, LIT("\xc4\x00"), BAD, "the scope is always written out");
	altered(b, "a seq that is too high", msg, H_SEQ, num(&x, KITH_SEQ_MAX + 1), LIMIT, "seq is below 2^53");
	altered(b, "a negative seq", msg, H_SEQ, LIT("\xff"), BAD, "seq is unsigned");
	altered(b, "a seq in a long form", msg, H_SEQ, LIT("\xcd\x00\x05"), BAD, "not the shortest form");
	altered(b, "a prev of zeros", msg, H_PREV, bin(&x, 32), BAD, "none is written as an empty bin");
	altered(b, "a kind above 2^32 - 1", msg, H_KIND, num(&x, UINT64_C(1) << 32), BAD, "a kind has 32 bits");
	altered(b, "no author", msg, H_AUTHOR, LIT("\xc4\x00"), BAD, "only a node's own records have no author");
	altered(b, "node.join with an author", KITH_K_NODE_JOIN, H_AUTHOR, bin_id(&x, "uid alice"), BAD,
	    "a node's own records have no author");
	altered(b, "node.join with a document", KITH_K_NODE_JOIN, H_DOC, bin_id(&x, "doc alice 0"), BAD,
	    "without an author there is no document");
	altered(b, "node.join with an author's signature", KITH_K_NODE_JOIN, H_AUTHOR_SIG, bin(&x, 64), BAD,
	    "without an author there is no author's signature");
	altered(b, "a counter in a timeline", msg, H_COUNTER, LIT("\x01"), BAD, "only authority counts");
	altered(b, "a via of 16 bytes", msg, H_VIA, bin(&x, 16), BAD, "an id has 32 bytes");
	altered(b, "op an array", msg, H_OP, LIT("\x90"), BAD, "op is a map");
	altered(b, "op with falling keys", msg, H_OP, LIT("\x82\x02\x00\x01\x00"), BAD, "keys are not ascending");
	altered(b, "op nested 8 deep", msg, H_OP, LIT("\x81\x01\x91\x91\x91\x91\x91\x90"), NULL, NULL);
	altered(b, "op nested 9 deep", msg, H_OP, LIT("\x81\x01\x91\x91\x91\x91\x91\x91\x90"), LIMIT, "nested at most 8 deep");
	altered(b, "op with a string that is not UTF-8", msg, H_OP, LIT("\x81\x01\xa1\xff"), BAD, "strings are UTF-8 without NUL");
	altered(b, "a body without hash", msg, H_BODY_HASH, LIT("\xc4\x00"), BAD, "length and hash of the body go together");
	altered(b, "a hash without body", msg, H_BODY_LEN, LIT("\x00"), BAD, "length and hash of the body go together");
	altered(b, "a body of 65536 bytes", msg, H_BODY_LEN, num(&x, 65536), NULL, NULL);
	altered(b, "a body of 65537 bytes", msg, H_BODY_LEN, num(&x, 65537), LIMIT, "a body has at most 64 KiB");
	altered(b, "an author's signature of 63 bytes", msg, H_AUTHOR_SIG, bin(&x, 63), BAD, "a signature has 64 bytes");
	altered(b, "the last item 1", msg, H_RESERVED, LIT("\x01"), BAD, "the last item is 0");
	bad_lists(b);
	altered(b, "create with a group", KITH_K_CREATE, H_GROUP, bin_id(&x, "group"), BAD, "only create has no group, and never has");
	altered(b, "create in the roster", KITH_K_CREATE, H_SCOPE, (kith_buf_reset(&x), kith_mp_put_id(&x, &kith_scope_roster),
	    kith_buf_slice(&x)), BAD, "create is the first of authority");
	altered(b, "create at seq 1", KITH_K_CREATE, H_SEQ, LIT("\x01"), BAD, "create is the first of authority");
	altered(b, "create with prev", KITH_K_CREATE, H_PREV, bin_id(&x, "prev"), BAD, "create is the first of authority");
	altered(b, "create with a parent", KITH_K_CREATE, H_PARENTS, ids(&x, 1, false, false), BAD, "create is the first of authority");
	altered(b, "create through a role", KITH_K_CREATE, H_VIA, bin_id(&x, "role"), BAD, "create is the first of authority");
	vec_end(b);
	kith_buf_fini(&x);
	kith_buf_fini(&raw);
}

/* ---- ops ---- */

static void
op(struct kith_buf *b, const char *name, uint32_t kind, struct kith_slice raw, const char *reason)
{
	vec_open(b, name);
	vec_str(b, "kind", kith_kind_name(kind) != NULL ? kith_kind_name(kind) : "");
	vec_num(b, "number", kind);
	vec_hex(b, "hex", raw);
	vec_close(b, reason != NULL ? BAD : NULL, reason);
}

static void
op_with(struct kith_buf *b, const char *name, uint32_t kind, uint64_t has, void (*change)(struct kith_op *), const char *reason)
{
	struct kith_buf raw;
	struct kith_op o;

	kith_buf_init(&raw, 0);
	kit_op_fill(&o, kind, has);
	if (change != NULL)
		change(&o);
	if (kith_op_make(&o, &raw) != KITH_OK)
		abort();
	op(b, name, kind, kith_buf_slice(&raw), reason);
	kith_buf_fini(&raw);
}

static struct kith_id many[KITH_LIST_MAX + 1];
static struct kith_slice words[KITH_PERMS_MAX + 1];
static char word_room[KITH_PERMS_MAX + 1][4], long_word[KITH_WORD_MAX + 1];

static void
fill_lists(void)
{
	size_t i;

	for (i = 0; i < sizeof(many) / sizeof(many[0]); i++) {
		many[i] = kit_id("many");
		many[i].b[0] = (uint8_t)i;
	}
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		word_room[i][0] = (char)('a' + i / 26);
		word_room[i][1] = (char)('a' + i % 26);
		words[i] = kith_slice_of(word_room[i], 2);
	}
	memset(long_word, 'k', sizeof(long_word));
}

static void users_50(struct kith_op *o) { o->users = many; o->n_users = 50; }
static void users_51(struct kith_op *o) { o->users = many; o->n_users = 51; }
static void users_0(struct kith_op *o) { o->n_users = 0; }
static void perms_128(struct kith_op *o) { o->perms = words; o->n_perms = 128; }
static void perms_129(struct kith_op *o) { o->perms = words; o->n_perms = 129; }
static void perms_0(struct kith_op *o) { o->n_perms = 0; }
static void key_255(struct kith_op *o) { o->key = kith_slice_of(long_word, 255); }
static void key_256(struct kith_op *o) { o->key = kith_slice_of(long_word, 256); }
static void level_low(struct kith_op *o) { o->level = -5; }
static void level_high(struct kith_op *o) { o->level = 1000000; }
static void effect_3(struct kith_op *o) { o->effect = 3; }
static void joins_3(struct kith_op *o) { o->joins = 3; }
static void how_invite(struct kith_op *o) { o->how = 1; }
static void how_open(struct kith_op *o) { o->how = 0; }
static void how_3(struct kith_op *o) { o->how = 3; }
static void kind_2(struct kith_op *o) { o->group_kind = 2; }
static void nonce_15(struct kith_op *o) { o->nonce.n = 15; }
static void sig_63(struct kith_op *o) { o->count_sig.n = 63; }
static void to_root(struct kith_op *o) { o->parent = kith_id_none; }
static void zero_panel(struct kith_op *o) { o->panel = kith_id_none; }
static void empty_list(struct kith_op *o) { o->earlier = o->implicit = o->sigs = LIT("\x90"); }
static void value_map(struct kith_op *o) { o->value = LIT("\x80"); }
static void value_bin(struct kith_op *o) { o->value = LIT("\xc4\x00"); }
static void value_int(struct kith_op *o) { o->value = LIT("\xff"); }
static void value_uint(struct kith_op *o) { o->value = LIT("\x07"); }
static void value_flag(struct kith_op *o) { o->value = LIT("\xc3"); }
static void value_none(struct kith_op *o) { o->value = LIT("\x90"); }

static void
users_unsorted(struct kith_op *o)
{
	static struct kith_id v[2];

	v[0] = many[1];
	v[1] = many[0];
	o->users = v;
}

static void
perms_twice(struct kith_op *o)
{
	static struct kith_slice v[2];

	v[0] = v[1] = words[0];
	o->perms = v;
}

static void
quorum(struct kith_op *o)
{
	static uint8_t room[128];
	struct kith_buf x;

	kith_buf_init(&x, sizeof(room));
	kith_mp_put_array(&x, 2);
	kith_mp_put_uint(&x, 2);
	kith_mp_put_array(&x, 2);
	kith_mp_put_id(&x, &many[0]);
	kith_mp_put_id(&x, &many[1]);
	memcpy(room, x.p, x.n);
	o->key = kith_slice_str("succession");
	o->value = kith_slice_of(room, x.n);
	kith_buf_fini(&x);
}

static void
quorum_elsewhere(struct kith_op *o)
{
	quorum(o);
	o->key = kith_slice_str("color");
}

void
vec_make_ops(struct kith_buf *b)
{
#define B(k) KITH_OP_BIT(KITH_OP_##k)
	const uint64_t ban = B(USERS) | B(CUT), role = B(LEVEL) | B(PERMS) | B(MAY), set = B(KEY) | B(VALUE),
	    over = B(PANEL) | B(PERMS) | B(EFFECT), create = B(FOUNDERS) | B(GROUP_KIND) | B(RULES) | B(NONCE);

	fill_lists();
	vec_begin(b, "hex: the op of a record of this kind. All that is too large here is malformed, not a limit.");
	op(b, "of an unknown kind, anything", 999, LIT("\x81\x01\xa1x"), NULL);
	op(b, "a message's, empty", KITH_K_MESSAGE, LIT("\x80"), NULL);
	op_with(b, "50 users", KITH_K_BAN, ban, users_50, NULL);
	op_with(b, "51 users", KITH_K_BAN, ban, users_51, "1 to 50 users");
	op_with(b, "no users", KITH_K_BAN, ban, users_0, "1 to 50 users");
	op_with(b, "users unsorted", KITH_K_BAN, ban, users_unsorted, "ids are sorted");
	op_with(b, "a ban without cut", KITH_K_BAN, B(USERS), NULL, "a ban has a cut");
	op_with(b, "a ban that names a role", KITH_K_BAN, ban | B(ROLE), NULL, "no field of this kind");
	op_with(b, "a level below 1", KITH_K_ROLE_CREATE, role, level_low, NULL);
	op_with(b, "a level above 99", KITH_K_ROLE_CREATE, role, level_high, NULL);
	op_with(b, "128 permissions", KITH_K_ROLE_CREATE, role, perms_128, NULL);
	op_with(b, "129 permissions", KITH_K_ROLE_CREATE, role, perms_129, "at most 128 permissions");
	op_with(b, "no permissions", KITH_K_ROLE_CREATE, role, perms_0, NULL);
	op_with(b, "a permission twice", KITH_K_ROLE_CREATE, role, perms_twice, "words are sorted and unique");
	op_with(b, "a key of 255 bytes", KITH_K_SET, set, key_255, NULL);
	op_with(b, "a key of 256 bytes", KITH_K_SET, set, key_256, "a word has at most 255 bytes");
	op_with(b, "a number as value", KITH_K_SET, set, value_uint, NULL);
	op_with(b, "a flag as value", KITH_K_SET, set, value_flag, NULL);
	op_with(b, "an empty list as value", KITH_K_SET, set, value_none, NULL);
	op_with(b, "a negative number as value", KITH_K_SET, set, value_int, "a value is str, uint, bool or a list of ids");
	op_with(b, "a map as value", KITH_K_SET, set, value_map, "a value is str, uint, bool or a list of ids");
	op_with(b, "a bin as value", KITH_K_SET, set, value_bin, "a value is str, uint, bool or a list of ids");
	op_with(b, "a quorum", KITH_K_SET, set, quorum, NULL);
	op_with(b, "a quorum under another key", KITH_K_SET, set, quorum_elsewhere, "only succession is a quorum");
	op_with(b, "set of nothing", KITH_K_SET, 0, NULL, "either a key or the join policy");
	op_with(b, "set of both", KITH_K_SET, B(KEY) | B(JOINS), NULL, "either a key or the join policy");
	op_with(b, "set of a value without key", KITH_K_SET, B(VALUE), NULL, "a value has a key");
	op_with(b, "set of a key with a cut", KITH_K_SET, B(KEY) | B(CUT), NULL, "only facts bear cuts");
	op_with(b, "no such join policy", KITH_K_SET, B(JOINS), joins_3, "0 to 2");
	op_with(b, "no such kind of group", KITH_K_CREATE, create, kind_2, "0 or 1");
	op_with(b, "a nonce of 15 bytes", KITH_K_CREATE, create, nonce_15, "16 bytes");
	op_with(b, "first permissions of no role", KITH_K_CREATE, create | B(IMPLICIT), empty_list, "1 to 3 roles");
	op_with(b, "a panel at the root", KITH_K_PANEL_SET, B(PANEL) | B(PARENT), to_root, NULL);
	op_with(b, "a panel of zeros", KITH_K_PANEL_SET, B(PANEL) | B(OPEN), zero_panel, "no id is all zero");
	op_with(b, "an override without effect", KITH_K_PANEL_SET, B(PANEL) | B(PERMS) | B(WHO_ROLE), NULL,
	    "an override has permissions, effect and whom");
	op_with(b, "an override for two", KITH_K_PANEL_SET, over | B(WHO_ROLE) | B(WHO_USER), NULL, "one at a time");
	op_with(b, "an override for nobody", KITH_K_PANEL_SET, over, NULL, "an override has permissions, effect and whom");
	op_with(b, "an override that also closes", KITH_K_PANEL_SET, over | B(WHO_ROLE) | B(OPEN), NULL, "one thing at a time");
	op_with(b, "no such effect", KITH_K_PANEL_SET, over | B(WHO_ROLE), effect_3, "0 to 2");
	op_with(b, "order and parent at once", KITH_K_PANEL_SET, B(PANEL) | B(ORDER) | B(PARENT), NULL, "one thing at a time");
	op_with(b, "order with a cut", KITH_K_PANEL_SET, B(PANEL) | B(ORDER) | B(CUT), NULL, "only facts bear cuts");
	op_with(b, "role.set of nothing", KITH_K_ROLE_SET, B(ROLE), NULL, "a key or an order");
	op_with(b, "a quorum's act without signatures", KITH_K_OWNER_SUCCEED, B(SET) | B(USERS) | B(SIGS), empty_list,
	    "1 to 50 signatures");
	op_with(b, "join by invite that names none", KITH_K_JOIN, B(HOW), how_invite, "how and invite go together");
	op_with(b, "open join that names an invite", KITH_K_JOIN, B(HOW) | B(INVITE), how_open, "how and invite go together");
	op_with(b, "a count without signature", KITH_K_JOIN, B(HOW) | B(INVITE) | B(COUNT), NULL, "both or neither");
	op_with(b, "a count's signature of 63 bytes", KITH_K_JOIN, B(HOW) | B(INVITE) | B(COUNT) | B(COUNT_SIG), sig_63, "64 bytes");
	op_with(b, "no such way to join", KITH_K_JOIN, B(HOW), how_3, "0 to 2");
	op_with(b, "no earlier feed", KITH_K_NODE_JOIN, B(NODE_RECORD) | B(EARLIER), empty_list, "1 to 128 tips");
	op_with(b, "an edit of nothing", KITH_K_EDIT, 0, NULL, "an edit has a target");
	op(b, "a field of number 0", KITH_K_MESSAGE, LIT("\x81\x00\x00"), "no field of this kind");
	op(b, "a field of number 64", KITH_K_MESSAGE, LIT("\x81\x40\x00"), "no field of this kind");
	op(b, "a field by name", KITH_K_MESSAGE, LIT("\x81\xa1" "a\x00"), "fields are numbered");
	op(b, "an array", KITH_K_MESSAGE, LIT("\x90"), "op is a map");
	vec_end(b);
#undef B
}

/* ---- bodies ---- */

static void
body_raw(struct kith_buf *b, const char *name, struct kith_slice raw, const char *error, const char *reason)
{
	struct kith_id h;

	kith_hash(KITH_L_BODY, raw, &h);
	vec_open(b, name);
	vec_hex(b, "hex", raw);
	vec_num(b, "length", raw.n);
	vec_hex(b, "hash", kith_id_slice(&h));
	vec_close(b, error, reason);
}

static void
body(struct kith_buf *b, const char *name, struct kith_slice map, const char *error, const char *reason)
{
	struct kith_buf raw;

	kith_buf_init(&raw, 0);
	kith_mp_put_array(&raw, 2);
	kith_mp_put_bin(&raw, kith_slice_of("sixteen of salt.", 16));
	kith_buf_put_slice(&raw, map);
	body_raw(b, name, kith_buf_slice(&raw), error, reason);
	kith_buf_fini(&raw);
}

/* {key: string of n bytes} */
static struct kith_slice
long_field(struct kith_buf *x, const char *key, size_t n)
{
	size_t i;

	kith_buf_reset(x);
	kith_mp_put_map(x, 1);
	kith_mp_put_cstr(x, key);
	kith_buf_put_u8(x, 0xda);
	kith_buf_put_u8(x, (uint8_t)(n >> 8));
	kith_buf_put_u8(x, (uint8_t)n);
	for (i = 0; i < n; i++)
		kith_buf_put_u8(x, 't');
	return kith_buf_slice(x);
}

static struct kith_slice
short_field(struct kith_buf *x, const char *key, size_t n)
{
	kith_buf_reset(x);
	kith_mp_put_map(x, 1);
	kith_mp_put_cstr(x, key);
	kith_mp_put_str(x, kith_slice_of(long_word, n));
	return kith_buf_slice(x);
}

static struct kith_slice
mentions(struct kith_buf *x, size_t n, bool swapped)
{
	struct kith_buf list;

	kith_buf_init(&list, 0);
	(void)ids(&list, n, swapped, false);
	kith_buf_reset(x);
	kith_mp_put_map(x, 1);
	kith_mp_put_cstr(x, "mentions");
	kith_buf_put_slice(x, kith_buf_slice(&list));
	kith_buf_fini(&list);
	return kith_buf_slice(x);
}

static struct kith_slice
attachments(struct kith_buf *x, uint32_t n, bool maps)
{
	kith_buf_reset(x);
	kith_mp_put_map(x, 1);
	kith_mp_put_cstr(x, "attachments");
	kith_mp_put_array(x, n);
	for (; n > 0; n--) {
		if (maps)
			kith_mp_put_map(x, 0);
		else
			kith_mp_put_uint(x, 0);
	}
	return kith_buf_slice(x);
}

/* A whole body of n bytes: a field that nobody knows. */
static void
sized_body(struct kith_buf *b, const char *name, size_t n, const char *error, const char *reason)
{
	struct kith_buf raw;
	size_t pad;

	kith_buf_init(&raw, 0);
	kith_buf_put(&raw, "\x92\xc4\x10" "sixteen of salt.", 19);
	kith_buf_put(&raw, "\x81\xa1z\xc5", 4);
	pad = n - raw.n - 2;
	kith_buf_put_u8(&raw, (uint8_t)(pad >> 8));
	kith_buf_put_u8(&raw, (uint8_t)pad);
	while (raw.n < n)
		kith_buf_put_u8(&raw, 0);
	body_raw(b, name, kith_buf_slice(&raw), error, reason);
	kith_buf_fini(&raw);
}

void
vec_make_bodies(struct kith_buf *b)
{
	struct kith_id h = kit_id("body");
	struct kith_buf x;

	fill_lists();
	kith_buf_init(&x, 0);
	vec_begin(b, "hex: a body; length and hash are what its header says.");
	body(b, "nothing said", LIT("\x80"), NULL, NULL);
	body(b, "a text", LIT("\x81\xa4text\xa5" "hello"), NULL, NULL);
	body(b, "all kinds of words",
	    LIT("\x87\xa5" "emoji\xa1+\xa4lang\xa2" "de\xa4name\xa1n\xa6reason\xa1r\xa4text\xa1t\xa5topic\xa1t\xa5value\xa1v"), NULL, NULL);
	body(b, "a field of a later version", LIT("\x81\xa6later!\x93\x01\x02\xc4\x01\x00"), NULL, NULL);
	body(b, "32768 bytes of text", long_field(&x, "text", 32768), NULL, NULL);
	body(b, "32769 bytes of text", long_field(&x, "text", 32769), LIMIT, "a text has at most 32 KiB");
	body(b, "a name of 255 bytes", short_field(&x, "name", 255), NULL, NULL);
	body(b, "a name of 256 bytes", short_field(&x, "name", 256), LIMIT, "a name has at most 255 bytes");
	body(b, "50 mentions", mentions(&x, 50, false), NULL, NULL);
	body(b, "51 mentions", mentions(&x, 51, false), LIMIT, "at most 50 mentions");
	body(b, "mentions unsorted", mentions(&x, 3, true), BAD, "ids are sorted");
	body(b, "50 attachments", attachments(&x, 50, true), NULL, NULL);
	body(b, "51 attachments", attachments(&x, 51, true), LIMIT, "at most 50 attachments");
	body(b, "attachments that are no maps", attachments(&x, 1, false), BAD, "an attachment is a map");
	sized_body(b, "65536 bytes in all", 65536, NULL, NULL);
	sized_body(b, "65537 bytes in all", 65537, LIMIT, "a body has at most 64 KiB");
	body(b, "a text that is bytes", LIT("\x81\xa4text\xc4\x01t"), BAD, "a text is a string");
	body(b, "a field by number", LIT("\x81\x01\x00"), BAD, "fields have names");
	body(b, "a field twice", LIT("\x82\xa4text\xa1t\xa4text\xa1t"), BAD, "keys are not ascending");
	body(b, "fields in another order", LIT("\x82\xa4text\xa1t\xa4name\xa1n"), BAD, "keys are not ascending");
	body(b, "nil", LIT("\x81\xa1z\xc0"), BAD, "nil where none is allowed");
	body(b, "an array for the map", LIT("\x90"), BAD, "a body is salt and a map");
	body(b, "a third item", LIT("\x80\x00"), BAD, "bytes after the value");
	body_raw(b, "15 bytes of salt", LIT("\x92\xc4\x0f" "fifteen of salt" "\x80"), BAD, "salt has 16 bytes");
	vec_open(b, "another hash");
	vec_hex(b, "hex", LIT("\x92\xc4\x10" "sixteen of salt." "\x80"));
	vec_num(b, "length", 20);
	vec_hex(b, "hash", kith_id_slice(&h));
	vec_close(b, "badsig", "the hash differs");
	vec_open(b, "another length");
	vec_hex(b, "hex", LIT("\x92\xc4\x10" "sixteen of salt." "\x80"));
	vec_num(b, "length", 21);
	kith_hash(KITH_L_BODY, LIT("\x92\xc4\x10" "sixteen of salt." "\x80"), &h);
	vec_hex(b, "hash", kith_id_slice(&h));
	vec_close(b, "badsig", "the length differs");
	vec_end(b);
	kith_buf_fini(&x);
}

/* ---- authors ---- */

static void
author(struct kith_buf *b, const char *name, size_t field, struct kith_slice bytes, const char *key, const char *error,
    const char *reason)
{
	struct kith_buf raw, what;
	struct kith_record d;
	struct kit_parts p;

	kith_buf_init(&raw, 0);
	kith_buf_init(&what, 0);
	kit_header(KITH_K_BAN, KITH_OP_BIT(KITH_OP_USERS) | KITH_OP_BIT(KITH_OP_CUT), true, &raw);
	if (bytes.n > 0) {
		kit_parts_split(&p, kith_buf_slice(&raw));
		kit_parts_set(&p, field, bytes);
		kith_buf_reset(&raw);
		kit_parts_join(&p, &raw);
		kit_parts_fini(&p);
	}
	if (kith_record_parse(kith_buf_slice(&raw), &d) != KITH_OK || kith_record_author_bytes(&d, &what) != KITH_OK)
		abort();
	vec_open(b, name);
	vec_hex(b, "header", kith_buf_slice(&raw));
	vec_hex(b, "key", kit_pk_slice(key));
	vec_hex(b, "signed", kith_buf_slice(&what));
	vec_close(b, error, reason);
	kith_buf_fini(&raw);
	kith_buf_fini(&what);
}

void
vec_make_authors(struct kith_buf *b)
{
	struct kith_buf x, raw, what;
	struct kith_record d;
	uint8_t sig[KITH_SIG_BYTES];

	kith_buf_init(&x, 0);
	kith_buf_init(&raw, 0);
	kith_buf_init(&what, 0);
	vec_begin(b, "header: of a record; key: the account key of its author's document; signed: what the signature is over.");
	author(b, "a ban", 0, LIT(""), "alice account", NULL, NULL);
	author(b, "at another place", H_SEQ, LIT("\x0a"), "alice account", NULL, NULL);
	author(b, "after another record", H_PREV, bin_id(&x, "other"), "alice account", NULL, NULL);
	author(b, "at another time", H_CLOCK, LIT("\x0a"), "alice account", NULL, NULL);
	author(b, "in another incarnation", H_INCARNATION, bin(&x, 8), "alice account", NULL, NULL);
	author(b, "another's key", 0, LIT(""), "bob account", "badsig", "the key is another");
	author(b, "in another group", H_GROUP, bin_id(&x, "other"), "alice account", "badsig", "covers the group");
	author(b, "from another node", H_NODE, bin_id(&x, "other"), "alice account", "badsig", "covers the node");
	author(b, "of another kind", H_KIND, LIT("\x0c"), "alice account", "badsig", "covers the kind");
	author(b, "by another author", H_AUTHOR, bin_id(&x, "other"), "alice account", "badsig", "covers the author");
	author(b, "under another document", H_DOC, bin_id(&x, "other"), "alice account", "badsig", "covers the document");
	author(b, "counted otherwise", H_COUNTER, LIT("\x08"), "alice account", "badsig", "covers the counter");
	author(b, "with other parents", H_PARENTS, ids(&x, 1, false, false), "alice account", "badsig", "covers the parents");
	author(b, "through another role", H_VIA, bin_id(&x, "other"), "alice account", "badsig", "covers via");
	author(b, "doing something else", H_OP, LIT("\x80"), "alice account", "badsig", "covers the op");
	author(b, "without signature", H_AUTHOR_SIG, LIT("\xc4\x00"), "alice account", "badsig", "there is none");
	kit_record(KITH_K_MESSAGE, 0, &d);
	if (kith_record_author_bytes(&d, &what) != KITH_OK)
		abort();
	kith_sign(kit_key("alice account"), KITH_L_TIP, kith_buf_slice(&what), sig);
	d.has_author_sig = true;
	memcpy(d.author_sig, sig, sizeof(sig));
	if (kith_record_make(&d, NULL, &raw) != KITH_OK)
		abort();
	vec_open(b, "signed with another label");
	vec_hex(b, "header", kith_buf_slice(&raw));
	vec_hex(b, "key", kit_pk_slice("alice account"));
	vec_hex(b, "signed", kith_buf_slice(&what));
	vec_close(b, "badsig", "each use has its label");
	vec_end(b);
	kith_buf_fini(&x);
	kith_buf_fini(&raw);
	kith_buf_fini(&what);
}

/* ---- a feed ---- */

void
vec_make_feed(struct kith_buf *b)
{
	struct kith_buf raw;
	struct kith_record d, r;
	uint8_t sig[KITH_SIG_BYTES];
	size_t i;

	kith_buf_init(&raw, 0);
	vec_begin(b, "Five records of one feed, each after the one before; the signature of the last covers all. The sixth forks.");
	kit_record(KITH_K_MESSAGE, 0, &d);
	d.body_len = 0;
	d.body_hash = kith_id_none;
	d.prev = kith_id_none;
	for (i = 0; i < 6; i++) {
		if (i == 5)
			d.clock += 99;          /* another one at place 4 */
		else
			d.seq = i;
		d.clock += UINT64_C(1) << 16;
		kith_buf_reset(&raw);
		if (kith_record_make(&d, NULL, &raw) != KITH_OK || kith_record_parse(kith_buf_slice(&raw), &r) != KITH_OK)
			abort();
		vec_open(b, i == 5 ? "a fork" : i == 4 ? "the tip" : "a record");
		vec_hex(b, "header", kith_buf_slice(&raw));
		vec_hex(b, "id", kith_id_slice(&r.id));
		if (i >= 4) {
			kith_sign(kit_key("node 1 sign"), KITH_L_TIP, kith_id_slice(&r.id), sig);
			vec_hex(b, "key", kit_pk_slice("node 1 sign"));
			vec_hex(b, "signature", kith_slice_of(sig, sizeof(sig)));
		}
		vec_close(b, NULL, NULL);
		if (i < 4)
			d.prev = r.id;
		if (i == 3)
			d.prev = r.id;
	}
	vec_end(b);
	kith_buf_fini(&raw);
}

/* ---- cuts ---- */

static void
cut(struct kith_buf *b, const char *name, struct kith_slice raw, bool part, const char *error, const char *reason)
{
	struct kith_id id;

	kith_hash(KITH_L_CUT, raw, &id);
	vec_open(b, name);
	vec_hex(b, "hex", raw);
	vec_hex(b, "id", kith_id_slice(&id));
	vec_flag(b, "part", part);
	vec_close(b, error, reason);
}

static void
cut_of(struct kith_buf *b, const char *name, const struct kith_cut *c, const uint8_t *salt)
{
	struct kith_buf raw;
	struct kith_id id;

	kith_buf_init(&raw, 0);
	if ((salt == NULL ? kith_cut_make(c, &raw, &id) : kith_cut_part_make(c->feed, c->n_feeds, salt, &raw, &id)) != KITH_OK)
		abort();
	cut(b, name, kith_buf_slice(&raw), salt != NULL, NULL, NULL);
	kith_buf_fini(&raw);
}

/* One feed that may be anything: a bad cut is this with something wrong. */
struct odd_feed {
	struct kith_id scope, node;
	size_t incarnation_bytes, n_tips;
	uint64_t seq;
	bool same_tip;                  /* all tips are one */
};

static void
odd_cut(struct kith_buf *b, const char *name, const struct odd_feed *f, size_t n, const char *error, const char *reason)
{
	struct kith_buf raw;
	struct kith_id tip;
	size_t i, j;

	kith_buf_init(&raw, 0);
	kith_mp_put_array(&raw, 4);
	kith_mp_put_uint(&raw, 1);
	kith_mp_put_array(&raw, (uint32_t)n);
	for (i = 0; i < n; i++) {
		kith_mp_put_array(&raw, 4);
		kith_mp_put_id(&raw, &f[i].scope);
		kith_mp_put_id(&raw, &f[i].node);
		kith_mp_put_bin(&raw, kith_slice_of(zeros, f[i].incarnation_bytes));
		kith_mp_put_array(&raw, (uint32_t)f[i].n_tips);
		for (j = 0; j < f[i].n_tips; j++) {
			tip = kit_id("tip");
			if (!f[i].same_tip)
				tip.b[0] = (uint8_t)j;
			kith_mp_put_array(&raw, 2);
			kith_mp_put_uint(&raw, f[i].seq);
			kith_mp_put_id(&raw, &tip);
		}
	}
	kith_mp_put_array(&raw, 0);
	kith_mp_put_array(&raw, 0);
	cut(b, name, kith_buf_slice(&raw), false, error, reason);
	kith_buf_fini(&raw);
}

void
vec_make_cuts(struct kith_buf *b)
{
	static const uint8_t salt[16] = "salt of the part";
	struct kith_id panel = kit_id("panel"), node = kit_id("node 1"), two[2];
	struct kith_cut_tip tips[2] = { { 4, kit_id("tip a") }, { 9, kit_id("tip b") } };
	struct kith_cut_feed feeds[3] = { { kith_scope_roster, node, 7, tips, 1 }, { kith_scope_roster, node, 8, tips + 1, 1 },
		{ panel, node, 7, tips, 2 } };
	struct kith_cut_part parts[1] = { { kit_id("private"), kit_id("part") } };
	struct kith_cut c = { .feed = NULL };
	struct odd_feed f[2] = { { kith_scope_roster, node, 8, 1, 5, false }, { panel, node, 8, 1, 5, false } }, was[2], t;

	two[0] = kit_id("unheld 1");
	two[1] = kit_id("unheld 2");
	qsort(two, 2, sizeof(two[0]), id_order);
	vec_begin(b, "hex: a cut, or a private panel's part of one; id: its hash, good or bad.");
	cut_of(b, "nothing is within", &c, NULL);
	c.feed = feeds;
	c.n_feeds = 3;
	cut_of(b, "three feeds, one with a fork", &c, NULL);
	cut_of(b, "a part", &c, salt);
	c.unheld = two;
	c.n_unheld = 2;
	c.part = parts;
	c.n_parts = 1;
	cut_of(b, "with panels not held, and a part", &c, NULL);

	odd_cut(b, "two feeds", f, 2, NULL, NULL);
	memcpy(was, f, sizeof(f));
	t = f[0];
	f[0] = f[1];
	f[1] = t;
	odd_cut(b, "feeds unsorted", f, 2, BAD, "feeds are sorted");
	f[0] = f[1];
	odd_cut(b, "a feed twice", f, 2, BAD, "feeds are unique");
	memcpy(f, was, sizeof(f));
	f[0].scope = kith_scope_authority;
	odd_cut(b, "of authority", f, 1, BAD, "authority records are never cut");
	memcpy(f, was, sizeof(f));
	f[0].n_tips = 0;
	odd_cut(b, "a feed without tips", f, 1, BAD, "a feed with nothing within is not named");
	f[0].n_tips = 64;
	odd_cut(b, "64 tips", f, 1, NULL, NULL);
	f[0].n_tips = 65;
	odd_cut(b, "65 tips", f, 1, LIMIT, "at most 64 tips of a feed");
	f[0].n_tips = 2;
	f[0].same_tip = true;
	odd_cut(b, "a tip twice", f, 1, BAD, "tips are unique");
	memcpy(f, was, sizeof(f));
	f[0].seq = KITH_SEQ_MAX + 1;
	odd_cut(b, "a seq that is too high", f, 1, BAD, "seq is below 2^53");
	memcpy(f, was, sizeof(f));
	f[0].incarnation_bytes = 7;
	odd_cut(b, "an incarnation of 7 bytes", f, 1, BAD, "an incarnation has 8 bytes");
	cut(b, "version 2", LIT("\x94\x02\x90\x90\x90"), false, BAD, "version is 1");
	cut(b, "three items", LIT("\x93\x01\x90\x90"), false, BAD, "a cut has 4 items");
	cut(b, "a part for a cut", LIT("\x93\x01\xc4\x10" "salt of the part" "\x90"), false, BAD, "a cut has 4 items");
	cut(b, "a cut for a part", LIT("\x94\x01\x90\x90\x90"), true, BAD, "a part has 3 items");
	cut(b, "an empty part", LIT("\x93\x01\xc4\x10" "salt of the part" "\x90"), true, NULL, NULL);
	vec_end(b);
}
