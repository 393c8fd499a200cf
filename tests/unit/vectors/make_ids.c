#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "id/doc.h"
#include "id/invite.h"
#include "id/node.h"
#include "tests/unit/kit.h"
#include "tests/unit/vectors/vectors.h"
#include "wire/mp.h"

#define LIT(s) kith_slice_of((s), sizeof(s) - 1)
#define BAD "malformed"
#define LIMIT "limit"
#define BADSIG "badsig"

static const uint8_t zeros[KITH_SIG_BYTES];

/* A signed object [body, signature ...], taken apart to put another body in. */
struct object {
	struct kit_parts outer, body;
};

static void
object_open(struct object *o, struct kith_slice raw)
{
	struct kith_mp_reader r;

	kit_parts_split(&o->outer, raw);
	kith_mp_read(&r, kith_buf_slice(&o->outer.part[0]));
	kit_parts_split(&o->body, kith_mp_bin(&r));
}

/* Joined again, its signatures made anew over the body as it is now; keys end with NULL, "" leaves one out. */
static void
object_close(struct object *o, enum kith_label label, const char *const *keys, struct kith_buf *out)
{
	uint8_t sig[KITH_SIG_BYTES];
	struct kith_buf body, x;
	size_t i;

	kith_buf_init(&body, 0);
	kith_buf_init(&x, 0);
	kit_parts_join(&o->body, &body);
	kith_mp_put_bin(&x, kith_buf_slice(&body));
	kit_parts_set(&o->outer, 0, kith_buf_slice(&x));
	for (i = 0; keys[i] != NULL; i++) {
		bool none = keys[i][0] == '\0';

		if (!none)
			kith_sign(kit_key(keys[i]), label, kith_buf_slice(&body), sig);
		kith_buf_reset(&x);
		kith_mp_put_bin(&x, kith_slice_of(sig, none ? 0 : sizeof(sig)));
		kit_parts_set(&o->outer, i + 1, kith_buf_slice(&x));
	}
	kith_buf_reset(out);
	kit_parts_join(&o->outer, out);
	kit_parts_fini(&o->outer);
	kit_parts_fini(&o->body);
	kith_buf_fini(&body);
	kith_buf_fini(&x);
}

static struct kith_slice
bin(struct kith_buf *x, struct kith_slice s)
{
	kith_buf_reset(x);
	kith_mp_put_bin(x, s);
	return kith_buf_slice(x);
}

static struct kith_slice
str_of(struct kith_buf *x, size_t n)
{
	char s[512];

	memset(s, 'n', sizeof(s));
	kith_buf_reset(x);
	kith_mp_put_str(x, kith_slice_of(s, n));
	return kith_buf_slice(x);
}

static struct kith_slice
num(struct kith_buf *x, uint64_t v)
{
	kith_buf_reset(x);
	kith_mp_put_uint(x, v);
	return kith_buf_slice(x);
}

/* ---- node records ---- */

enum { N_VERSION, N_N, N_NODE, N_ROOT, N_SIGN, N_CERTS, N_NEXT, N_ADDRS, N_NAME, N_LISTED, N_PREV };

struct node_chain {
	struct kith_buf raw[5];
	struct kith_node_record d[5];
};

static void
node_vector(struct kith_buf *b, const char *name, const char *after, struct kith_slice raw, const char *error,
    const char *reason)
{
	struct kith_node_record d;

	vec_open(b, name);
	vec_hex(b, "hex", raw);
	vec_str(b, "after", after);
	if (kith_node_parse(raw, &d) == KITH_OK) {
		vec_hex(b, "id", kith_id_slice(&d.id));
		vec_hex(b, "node", kith_id_slice(&d.node));
	}
	vec_close(b, error, reason);
}

static void
set_pk(uint8_t to[32], const char *name)
{
	memcpy(to, kit_pk(name), 32);
}

static struct kith_id
root_hash(const char *name)
{
	struct kith_id h;

	kith_hash(KITH_L_NODE, kit_pk_slice(name), &h);
	return h;
}

static void
node_put(struct node_chain *c, size_t i, const struct kith_node_new *n, const char *key)
{
	if (kith_node_make(n, kit_key(key), &c->raw[i]) != KITH_OK ||
	    kith_node_parse(kith_buf_slice(&c->raw[i]), &c->d[i]) != KITH_OK)
		abort();
}

static void
node_chain(struct node_chain *c)
{
	struct kith_node_new n = { .n = 0, .n_certs = 1, .addr = { "chat.example:7371" }, .n_addrs = 1,
		.name = "chat.example", .listed = true };

	memset(c, 0, sizeof(*c));
	set_pk(n.root_pk, "node 1 root");
	set_pk(n.sign_pk, "node 1 sign");
	set_pk(n.cert_pk[0], "node 1 cert");
	n.next_root = root_hash("node 1 root 2");
	node_put(c, 0, &n, "node 1 root");
	n.n = 1;
	n.node = c->d[0].id;
	n.prev = c->d[0].id;
	n.addr[0] = "[2001:db8::7]:7371";
	n.addr[1] = "10.0.0.7:7371";
	n.n_addrs = 2;
	node_put(c, 1, &n, "node 1 root");
	n.n = 2;
	n.prev = c->d[1].id;
	set_pk(n.sign_pk, "node 1 sign 2");
	set_pk(n.cert_pk[1], "node 1 cert");
	set_pk(n.cert_pk[0], "node 1 cert 2");
	n.n_certs = 2;
	node_put(c, 2, &n, "node 1 root");
	n.n = 3;
	n.prev = c->d[2].id;
	set_pk(n.root_pk, "node 1 root 2");
	n.next_root = root_hash("node 1 root 3");
	n.n_addrs = 0;
	n.name = "";
	n.listed = false;
	node_put(c, 3, &n, "node 1 root 2");
}

/* A record of the chain with one field of its body exchanged, signed by key. */
static void
node_odd(struct kith_buf *b, struct node_chain *c, size_t i, const char *name, size_t field, struct kith_slice bytes,
    const char *key, const char *error, const char *reason)
{
	static const char *const after[] = { "", "record 0", "record 1", "record 2" };
	const char *keys[2] = { key, NULL };
	struct kith_buf raw;
	struct object o;

	kith_buf_init(&raw, 0);
	object_open(&o, kith_buf_slice(&c->raw[i]));
	if (bytes.n > 0)
		kit_parts_set(&o.body, field, bytes);
	object_close(&o, KITH_L_NODE, keys, &raw);
	node_vector(b, name, after[i], kith_buf_slice(&raw), error, reason);
	kith_buf_fini(&raw);
}

static struct kith_slice
certs(struct kith_buf *x, size_t n, bool same)
{
	uint8_t pk[32];
	size_t i;

	kith_buf_reset(x);
	kith_mp_put_array(x, (uint32_t)n);
	memcpy(pk, kit_pk("node 1 cert"), sizeof(pk));
	for (i = 0; i < n; i++) {
		if (!same)
			pk[0] = (uint8_t)i;
		kith_mp_put_bin(x, kith_slice_of(pk, sizeof(pk)));
	}
	return kith_buf_slice(x);
}

static struct kith_slice
addrs(struct kith_buf *x, size_t n, const char *only)
{
	size_t i;

	kith_buf_reset(x);
	kith_mp_put_array(x, (uint32_t)n);
	for (i = 0; i < n; i++) {
		char s[] = "h0.example:1";

		s[1] = (char)('0' + i);
		kith_mp_put_cstr(x, only != NULL ? only : s);
	}
	return kith_buf_slice(x);
}

void
vec_make_nodes(struct kith_buf *b)
{
	static const char *const names[] = { "record 0", "record 1", "record 2", "record 3" };
	static const struct { const char *name, *addr, *reason; } places[] = {
		{ "port 65535", "a.example:65535", NULL },
		{ "port 65536", "a.example:65536", "a port is 1 to 65535" },
		{ "port 0", "a.example:0", "a port is 1 to 65535" },
		{ "port 07371", "a.example:07371", "no leading zeros" },
		{ "no port", "a.example", "host:port" },
		{ "no host", ":7371", "host:port" },
		{ "an IPv6 address without brackets", "2001:db8::7:7371", "[v6]:port" },
		{ "an open bracket", "[2001:db8::7:7371", "[v6]:port" },
		{ "a space", "a example:1", "letters, digits, dots, hyphens" },
	};
	char long_addr[KITH_ADDR_MAX + 2];
	struct kith_id own = root_hash("node 1 root");
	struct node_chain c;
	struct kith_buf x;
	size_t i;

	kith_buf_init(&x, 0);
	vec_begin(b, "hex: a node record; after: the vector before it in its chain, empty for none. Form and signature are checked.");
	node_chain(&c);
	for (i = 0; i < 4; i++)
		node_vector(b, names[i], i > 0 ? names[i - 1] : "", kith_buf_slice(&c.raw[i]), NULL, NULL);
	node_odd(b, &c, 1, "signed by another key", 0, LIT(""), "bob account", BADSIG, "a record is signed by the root before it");
	node_odd(b, &c, 0, "record 0 signed by another key", 0, LIT(""), "bob account", BADSIG, "record 0 is signed by its own root");
	node_odd(b, &c, 3, "a new root, signed by the old one", 0, LIT(""), "node 1 root", BADSIG, "the new root signs");
	node_odd(b, &c, 3, "a root that nobody announced", N_ROOT, bin(&x, kit_pk_slice("bob account")), "bob account", BADSIG,
	    "its hash is not the one that the record before committed to");
	node_vector(b, "record 1 after record 2", "record 2", kith_buf_slice(&c.raw[1]), BAD, "n is one more than before");
	node_vector(b, "record 2 after record 0", "record 0", kith_buf_slice(&c.raw[2]), BAD, "n is one more than before");
	node_vector(b, "record 0 after record 0", "record 0", kith_buf_slice(&c.raw[0]), BAD, "record 0 is the first");
	node_vector(b, "record 1 after nothing", "", kith_buf_slice(&c.raw[1]), BAD, "record 0 is the first");
	node_odd(b, &c, 1, "another prev", N_PREV, bin(&x, kith_id_slice(&own)), "node 1 root", BAD, "prev is the record before");
	node_odd(b, &c, 1, "another node", N_NODE, bin(&x, kith_id_slice(&own)), "node 1 root", BAD, "the node is the id of record 0");
	node_odd(b, &c, 0, "record 0 that names a node", N_NODE, bin(&x, kith_id_slice(&own)), "node 1 root", BAD, "record 0 names none");
	node_odd(b, &c, 0, "record 0 with prev", N_PREV, bin(&x, kith_id_slice(&own)), "node 1 root", BAD, "record 0 has none");
	node_odd(b, &c, 1, "version 2", N_VERSION, LIT("\x02"), "node 1 root", BAD, "version is 1");
	node_odd(b, &c, 1, "n of 4096", N_N, num(&x, 4096), "node 1 root", LIMIT, "at most 4095");
	node_odd(b, &c, 1, "root and signing key the same", N_SIGN, bin(&x, kit_pk_slice("node 1 root")), "node 1 root", BAD,
	    "the two keys differ");
	node_odd(b, &c, 1, "a signing key of small order", N_SIGN, bin(&x, kith_slice_of(zeros, 32)), "node 1 root", BADSIG,
	    "not a key that one could sign with");
	node_odd(b, &c, 1, "a signing key of 31 bytes", N_SIGN, bin(&x, kith_slice_of(zeros, 31)), "node 1 root", BAD,
	    "a key has 32 bytes");
	node_odd(b, &c, 1, "4 certificate keys", N_CERTS, certs(&x, 4, false), "node 1 root", NULL, NULL);
	node_odd(b, &c, 1, "5 certificate keys", N_CERTS, certs(&x, 5, false), "node 1 root", LIMIT, "at most 4");
	node_odd(b, &c, 1, "no certificate key", N_CERTS, LIT("\x90"), "node 1 root", BAD, "at least 1");
	node_odd(b, &c, 1, "a certificate key twice", N_CERTS, certs(&x, 2, true), "node 1 root", BAD, "each once");
	node_odd(b, &c, 1, "no next root", N_NEXT, LIT("\xc4\x00"), "node 1 root", BAD, "there is always one");
	node_odd(b, &c, 1, "8 addresses", N_ADDRS, addrs(&x, 8, NULL), "node 1 root", NULL, NULL);
	node_odd(b, &c, 1, "9 addresses", N_ADDRS, addrs(&x, 9, NULL), "node 1 root", BAD, "at most 8");
	node_odd(b, &c, 1, "an address twice", N_ADDRS, addrs(&x, 2, "a.example:1"), "node 1 root", BAD, "each once");
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		node_odd(b, &c, 1, places[i].name, N_ADDRS, addrs(&x, 1, places[i].addr), "node 1 root",
		    places[i].reason != NULL ? BAD : NULL, places[i].reason);
	memset(long_addr, 'a', sizeof(long_addr));
	memcpy(long_addr + KITH_ADDR_MAX - 2, ":1", 3);
	node_odd(b, &c, 1, "an address of 127 bytes", N_ADDRS, addrs(&x, 1, long_addr), "node 1 root", NULL, NULL);
	memcpy(long_addr + KITH_ADDR_MAX - 2, "a:1", 4);
	node_odd(b, &c, 1, "an address of 128 bytes", N_ADDRS, addrs(&x, 1, long_addr), "node 1 root", BAD, "at most 127 bytes");
	node_odd(b, &c, 1, "a name of 64 bytes", N_NAME, str_of(&x, 64), "node 1 root", NULL, NULL);
	node_odd(b, &c, 1, "a name of 65 bytes", N_NAME, str_of(&x, 65), "node 1 root", LIMIT, "at most 64 bytes");
	node_odd(b, &c, 1, "listed 1", N_LISTED, LIT("\x01"), "node 1 root", BAD, "true or false");
	kith_buf_reset(&x);
	kith_mp_put_array(&x, 3);
	kith_buf_put_slice(&x, kith_slice_from(kith_buf_slice(&c.raw[0]), 1));
	kith_mp_put_bin(&x, kith_slice_of(NULL, 0));
	node_vector(b, "a third item", "", kith_buf_slice(&x), BAD, "body and signature");
	kith_buf_reset(&x);
	kith_mp_put_array(&x, 2);
	kith_mp_put_bin(&x, kith_slice_of(kith_buf_slice(&c.raw[0]).p, 100));
	kith_mp_put_bin(&x, kith_slice_of(zeros, 63));
	node_vector(b, "a signature of 63 bytes", "", kith_buf_slice(&x), BAD, "64 bytes");
	kith_buf_reset(&x);
	while (x.n < KITH_NODE_MAX + 1)
		kith_buf_put_u8(&x, 0x90);
	node_vector(b, "1025 bytes", "", kith_buf_slice(&x), LIMIT, "at most 1 KiB");
	vec_end(b);
	for (i = 0; i < 5; i++)
		kith_buf_fini(&c.raw[i]);
	kith_buf_fini(&x);
}

/* ---- identity documents ---- */

enum { D_VERSION, D_N, D_UID, D_ACCOUNT, D_RECOVERY, D_HOME, D_HANDLE, D_FLAGS, D_PREV };

struct doc_chain {
	struct kith_buf raw[4];
	struct kith_doc d[4];
};

static void
doc_vector(struct kith_buf *b, const char *name, const char *after, struct kith_slice raw, const char *by, const char *error,
    const char *reason)
{
	struct kith_doc d;

	vec_open(b, name);
	vec_hex(b, "hex", raw);
	vec_str(b, "after", after);
	if (kith_doc_parse(raw, &d) == KITH_OK) {
		vec_hex(b, "id", kith_id_slice(&d.id));
		vec_hex(b, "uid", kith_id_slice(&d.uid));
	}
	if (error == NULL)
		vec_str(b, "by", by);
	vec_close(b, error, reason);
}

static void
doc_put(struct doc_chain *c, size_t i, const struct kith_doc_new *n, const char *account, const char *recovery)
{
	if (kith_doc_make(n, account != NULL ? kit_key(account) : NULL, recovery != NULL ? kit_key(recovery) : NULL,
	    &c->raw[i]) != KITH_OK || kith_doc_parse(kith_buf_slice(&c->raw[i]), &c->d[i]) != KITH_OK)
		abort();
}

static void
doc_chain(struct doc_chain *c)
{
	struct kith_doc_new n = { .n = 0, .home = kit_id("node 1"), .handle = LIT("alice") };

	memset(c, 0, sizeof(*c));
	set_pk(n.account_pk, "alice account");
	set_pk(n.recovery_pk, "alice recovery");
	doc_put(c, 0, &n, "alice account", "alice recovery");
	n.n = 1;
	n.uid = c->d[0].id;
	n.prev = c->d[0].id;
	n.handle = LIT("alice#7");
	n.flags = KITH_DOC_SELF_SIGNED;
	doc_put(c, 1, &n, "alice account", NULL);
	n.n = 2;
	n.prev = c->d[1].id;
	n.home = kit_id("node 2");
	n.flags = 0;
	set_pk(n.account_pk, "alice account 2");
	doc_put(c, 2, &n, NULL, "alice recovery");
	n.n = 3;
	n.prev = c->d[2].id;
	set_pk(n.recovery_pk, "alice recovery 2");
	doc_put(c, 3, &n, "alice account 2", "alice recovery");
}

static void
doc_odd(struct kith_buf *b, struct doc_chain *c, size_t i, const char *name, size_t field, struct kith_slice bytes,
    const char *account, const char *recovery, const char *by, const char *error, const char *reason)
{
	static const char *const after[] = { "", "document 0", "document 1", "document 2" };
	const char *keys[3] = { account, recovery, NULL };
	struct kith_buf raw;
	struct object o;

	kith_buf_init(&raw, 0);
	object_open(&o, kith_buf_slice(&c->raw[i]));
	if (bytes.n > 0)
		kit_parts_set(&o.body, field, bytes);
	object_close(&o, KITH_L_DOC, keys, &raw);
	doc_vector(b, name, after[i], kith_buf_slice(&raw), by, error, reason);
	kith_buf_fini(&raw);
}

void
vec_make_docs(struct kith_buf *b)
{
	static const char *const names[] = { "document 0", "document 1", "document 2", "document 3" },
	    *const by[] = { "both", "account", "recovery", "both" };
	const char *a = "alice account", *r = "alice recovery";
	struct kith_id other = kit_id("other");
	struct doc_chain c;
	struct kith_buf x;
	size_t i;

	kith_buf_init(&x, 0);
	vec_begin(b, "hex: an identity document; after: the vector before it, empty for none; by: whose signatures it bears.");
	doc_chain(&c);
	for (i = 0; i < 4; i++)
		doc_vector(b, names[i], i > 0 ? names[i - 1] : "", kith_buf_slice(&c.raw[i]), by[i], NULL, NULL);
	doc_odd(b, &c, 1, "document 1, by both", 0, LIT(""), a, r, "both", NULL, NULL);
	doc_odd(b, &c, 1, "a rival of document 1", D_HANDLE, LIT("\xa6" "mallet"), a, "", "account", NULL, NULL);
	doc_odd(b, &c, 0, "document 0 without the recovery key", 0, LIT(""), a, "", NULL, BADSIG, "document 0 is signed by both");
	doc_odd(b, &c, 0, "document 0 without the account key", 0, LIT(""), "", r, NULL, BADSIG, "document 0 is signed by both");
	doc_odd(b, &c, 1, "no signature at all", 0, LIT(""), "", "", NULL, BADSIG, "one is due");
	doc_odd(b, &c, 1, "by a stranger", 0, LIT(""), "bob account", "", NULL, BADSIG, "by the keys of the document before");
	doc_odd(b, &c, 1, "by the account key and a stranger", 0, LIT(""), a, "bob account", NULL, BADSIG, "each that is there is checked");
	doc_odd(b, &c, 2, "by the new account key", 0, LIT(""), "alice account 2", "", NULL, BADSIG,
	    "by the keys of the document before");
	doc_odd(b, &c, 3, "a new recovery key, by the account key alone", 0, LIT(""), "alice account 2", "", NULL, BADSIG,
	    "a new recovery key needs both");
	doc_odd(b, &c, 3, "a new recovery key, by the recovery key alone", 0, LIT(""), "", r, NULL, BADSIG,
	    "a new recovery key needs both");
	doc_vector(b, "document 2 after document 0", "document 0", kith_buf_slice(&c.raw[2]), NULL, BAD, "n is one more than before");
	doc_vector(b, "document 1 after nothing", "", kith_buf_slice(&c.raw[1]), NULL, BAD, "document 0 is the first");
	doc_vector(b, "document 0 after document 0", "document 0", kith_buf_slice(&c.raw[0]), NULL, BAD, "document 0 is the first");
	doc_odd(b, &c, 1, "another prev", D_PREV, bin(&x, kith_id_slice(&other)), a, "", NULL, BAD, "prev is the document before");
	doc_odd(b, &c, 1, "another uid", D_UID, bin(&x, kith_id_slice(&other)), a, "", NULL, BAD, "the uid is the id of document 0");
	doc_odd(b, &c, 1, "no uid", D_UID, LIT("\xc4\x00"), a, "", NULL, BAD, "the uid is the id of document 0");
	doc_odd(b, &c, 0, "document 0 with a uid", D_UID, bin(&x, kith_id_slice(&other)), a, r, NULL, BAD, "document 0 names none");
	doc_odd(b, &c, 0, "document 0 with prev", D_PREV, bin(&x, kith_id_slice(&other)), a, r, NULL, BAD, "document 0 has none");
	doc_odd(b, &c, 1, "version 2", D_VERSION, LIT("\x02"), a, "", NULL, BAD, "version is 1");
	doc_odd(b, &c, 1, "both keys the same", D_ACCOUNT, bin(&x, kit_pk_slice(r)), a, "", NULL, BAD, "the two keys differ");
	doc_odd(b, &c, 1, "a key of small order", D_ACCOUNT, bin(&x, kith_slice_of(zeros, 32)), a, "", NULL, BADSIG,
	    "not a key that one could sign with");
	doc_odd(b, &c, 1, "a key of 33 bytes", D_ACCOUNT, bin(&x, kith_slice_of(zeros, 33)), a, "", NULL, BAD, "a key has 32 bytes");
	doc_odd(b, &c, 1, "no home", D_HOME, LIT("\xc4\x00"), a, "", NULL, BAD, "everybody has a home");
	doc_odd(b, &c, 1, "no handle", D_HANDLE, LIT("\xa0"), a, "", NULL, BAD, "1 to 255 bytes");
	doc_odd(b, &c, 1, "a handle of 255 bytes", D_HANDLE, str_of(&x, 255), a, "", "account", NULL, NULL);
	doc_odd(b, &c, 1, "a handle of 256 bytes", D_HANDLE, str_of(&x, 256), a, "", NULL, LIMIT, "1 to 255 bytes");
	doc_odd(b, &c, 1, "all flags", D_FLAGS, LIT("\x07"), a, "", "account", NULL, NULL);
	doc_odd(b, &c, 1, "an unknown flag", D_FLAGS, LIT("\x08"), a, "", NULL, BAD, "no such flag");
	kith_buf_reset(&x);
	while (x.n < KITH_DOC_MAX + 1)
		kith_buf_put_u8(&x, 0x90);
	doc_vector(b, "1025 bytes", "", kith_buf_slice(&x), NULL, LIMIT, "at most 1 KiB");
	vec_end(b);
	for (i = 0; i < 4; i++)
		kith_buf_fini(&c.raw[i]);
	kith_buf_fini(&x);
}

/* ---- invites ---- */

enum { I_VERSION, I_GROUP, I_MAKER, I_NODE, I_NONCE, I_SECRET, I_MADE, I_EXPIRES, I_USES, I_ROLE, I_PANEL, I_GUESTS, I_COUNTER };

static void
invite_vector(struct kith_buf *b, const char *name, struct kith_slice raw, const char *key, const char *error, const char *reason)
{
	struct kith_invite d;

	vec_open(b, name);
	vec_hex(b, "hex", raw);
	vec_hex(b, "key", kit_pk_slice(key));
	if (kith_invite_parse(raw, &d) == KITH_OK)
		vec_hex(b, "id", kith_id_slice(&d.id));
	vec_close(b, error, reason);
}

static void
invite_odd(struct kith_buf *b, const struct kith_buf *of, const char *name, size_t field, struct kith_slice bytes, const char *key,
    const char *error, const char *reason)
{
	const char *keys[2] = { key, NULL };
	struct kith_buf raw;
	struct object o;

	kith_buf_init(&raw, 0);
	object_open(&o, kith_buf_slice(of));
	if (bytes.n > 0)
		kit_parts_set(&o.body, field, bytes);
	object_close(&o, KITH_L_INVITE, keys, &raw);
	invite_vector(b, name, kith_buf_slice(&raw), "node 1 sign", error, reason);
	kith_buf_fini(&raw);
}

void
vec_make_invites(struct kith_buf *b)
{
	struct kith_invite_new n = { .group = kit_id("group"), .maker = kit_id("uid alice"), .node = kit_id("node 1"),
		.made_ms = 1700000000000 };
	struct kith_buf open, counted, x;
	struct kith_id id;

	memcpy(n.nonce, "nonce of 16 byte", 16);
	memcpy(n.secret, "a secret of 16 b", 16);
	kith_buf_init(&open, 0);
	kith_buf_init(&counted, 0);
	kith_buf_init(&x, 0);
	if (kith_invite_make(&n, kit_key("node 1 sign"), &open, &id) != KITH_OK)
		abort();
	n.expires_ms = n.made_ms + 86400000;
	n.uses = 5;
	n.role = kit_id("role");
	n.panel = kit_id("panel");
	n.guests = true;
	n.counter = n.node;
	if (kith_invite_make(&n, kit_key("node 1 sign"), &counted, &id) != KITH_OK)
		abort();
	vec_begin(b, "hex: an invite; key: a signing key of its maker's node. The secret is the bytes of \"a secret of 16 b\".");
	invite_vector(b, "without end", kith_buf_slice(&open), "node 1 sign", NULL, NULL);
	invite_vector(b, "for a day and five, with a role, a panel, for guests too", kith_buf_slice(&counted), "node 1 sign", NULL, NULL);
	invite_vector(b, "another node's key", kith_buf_slice(&open), "bob account", BADSIG, "signed by its maker's node");
	invite_odd(b, &open, "signed by another", 0, LIT(""), "bob account", BADSIG, "signed by its maker's node");
	invite_odd(b, &open, "version 2", I_VERSION, LIT("\x02"), "node 1 sign", BAD, "version is 1");
	invite_odd(b, &open, "no group", I_GROUP, LIT("\xc4\x00"), "node 1 sign", BAD, "an id has 32 bytes");
	invite_odd(b, &open, "a maker of zeros", I_MAKER, bin(&x, kith_slice_of(zeros, 32)), "node 1 sign", BAD, "no id is all zero");
	invite_odd(b, &open, "a nonce of 15 bytes", I_NONCE, bin(&x, kith_slice_of(zeros, 15)), "node 1 sign", BAD, "16 bytes");
	invite_odd(b, &open, "a role of zeros", I_ROLE, bin(&x, kith_slice_of(zeros, 32)), "node 1 sign", BAD,
	    "none is written as an empty bin");
	invite_odd(b, &open, "guests 1", I_GUESTS, LIT("\x01"), "node 1 sign", BAD, "true or false");
	invite_odd(b, &open, "a counting node with nothing to count", I_COUNTER, bin(&x, kith_id_slice(&n.node)), "node 1 sign", BAD,
	    "a counting node is there exactly when the invite ends");
	invite_odd(b, &counted, "a limit that nobody counts", I_COUNTER, LIT("\xc4\x00"), "node 1 sign", BAD,
	    "a counting node is there exactly when the invite ends");
	kith_buf_reset(&x);
	while (x.n < KITH_INVITE_MAX + 1)
		kith_buf_put_u8(&x, 0x90);
	invite_vector(b, "1025 bytes", kith_buf_slice(&x), "node 1 sign", LIMIT, "at most 1 KiB");
	vec_end(b);
	kith_buf_fini(&open);
	kith_buf_fini(&counted);
	kith_buf_fini(&x);
}

void
vec_make_counts(struct kith_buf *b)
{
	struct kith_id invite = kit_id("invite"), uid = kit_id("uid alice");
	uint8_t sig[KITH_SIG_BYTES];
	struct kith_buf x;
	int i;

	kith_buf_init(&x, 0);
	vec_begin(b, "What the counting node signs at a use of an invite.");
	kith_count_bytes(&invite, 3, &uid, &x);
	kith_sign(kit_key("node 1 sign"), KITH_L_COUNT, kith_buf_slice(&x), sig);
	for (i = 0; i < 3; i++) {
		vec_open(b, i == 0 ? "the third use" : i == 1 ? "signed as the fourth" : "another key");
		vec_hex(b, "invite", kith_id_slice(&invite));
		vec_num(b, "count", i == 1 ? 4 : 3);
		vec_hex(b, "uid", kith_id_slice(&uid));
		vec_hex(b, "key", kit_pk_slice(i == 2 ? "bob account" : "node 1 sign"));
		vec_hex(b, "signature", kith_slice_of(sig, sizeof(sig)));
		vec_close(b, i == 0 ? NULL : BADSIG, i == 1 ? "covers the count" : "the key is another");
	}
	vec_end(b);
	kith_buf_fini(&x);
}

/* ---- links ---- */

static void
link_vector(struct kith_buf *b, const char *name, const char *text, const char *error, const char *reason)
{
	vec_open(b, name);
	vec_str(b, "text", text);
	vec_close(b, error, reason);
}

static char *
link_text(const struct kith_link *l, const char *base)
{
	struct kith_buf x;
	size_t n;
	char *s;

	kith_buf_init(&x, 0);
	if (kith_link_write(l, base, &x) != KITH_OK)
		abort();
	s = (char *)kith_buf_take(&x, &n);
	kith_buf_fini(&x);
	return s;
}

void
vec_make_links(struct kith_buf *b)
{
	struct kith_link l = { .group = kit_id("group"), .invite = kit_id("invite"), .n_nodes = 2, .name = "Chess club" };
	char *s, *t, *long_text;
	size_t n;

	memcpy(l.secret, "a secret of 16 b", 16);
	l.node[0].node = kit_id("node 1");
	strcpy(l.node[0].addr[0], "chat.example:7371");
	strcpy(l.node[0].addr[1], "[2001:db8::7]:7371");
	l.node[0].n_addrs = 2;
	l.node[1].node = kit_id("node 2");
	vec_begin(b, "text: an invite link of the group \"group\", the invite \"invite\", the secret \"a secret of 16 b\".");
	s = link_text(&l, "kith:invite");
	link_vector(b, "kith:", s, NULL, NULL);
	link_vector(b, "the fragment alone", strchr(s, '#') + 1, NULL, NULL);
	t = link_text(&l, "https://chat.example/invite");
	link_vector(b, "https:", t, NULL, NULL);
	free(t);
	t = link_text(&l, "http://127.0.0.1:7370/invite");
	link_vector(b, "http:", t, NULL, NULL);
	t[7] = ' ';
	link_vector(b, "a space in the host", t, BAD, "no page");
	free(t);
	n = strlen(s);
	t = malloc(n + 16);
	long_text = malloc(KITH_LINK_MAX + 2);
	if (t == NULL || long_text == NULL)
		abort();
	sprintf(t, "kith:invito#%s", s + 12);
	link_vector(b, "another scheme", t, BAD, "kith:invite or a page that ends in /invite");
	sprintf(t, "http://a/b#%s", s + 12);
	link_vector(b, "another page", t, BAD, "kith:invite or a page that ends in /invite");
	sprintf(t, "http:///invite#%s", s + 12);
	link_vector(b, "no host", t, BAD, "no page");
	memcpy(t, s, n + 1);
	t[n - 1] = '\0';
	link_vector(b, "cut short", t, BAD, "ends within a value");
	memcpy(t, s, n + 1);
	t[20] = '1';
	link_vector(b, "a character outside the alphabet", t, BAD, "a to z and 2 to 7");
	memcpy(t, s, n + 1);
	t[20] = 'A';
	link_vector(b, "upper case", t, BAD, "a to z and 2 to 7");
	link_vector(b, "nothing", "", BAD, "no fragment");
	link_vector(b, "an empty fragment", "kith:invite#", BAD, "no fragment");
	memset(long_text, 'a', KITH_LINK_MAX + 1);
	long_text[KITH_LINK_MAX + 1] = '\0';
	link_vector(b, "2049 characters", long_text, LIMIT, "at most 2048 characters");
	vec_end(b);
	free(s);
	free(t);
	free(long_text);
}
