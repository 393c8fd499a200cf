#include "engine/inner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/b32.h"
#include "client/common.h"
#include "client/render.h"
#include "id/node.h"
#include "storage/ledger.h"

/*
 * What the operator asks over the control socket: a line of words in, lines of
 * JSON out. The words are what kithctl sends; it puts the answers into words for
 * people.
 */

struct words { char text[1024]; char *v[16]; size_t n; };

static void
split(struct words *w, const char *line)
{
	char *save = NULL;

	snprintf(w->text, sizeof(w->text), "%s", line);
	w->n = 0;
	for (char *p = strtok_r(w->text, " ", &save); p != NULL && w->n < 16; p = strtok_r(NULL, " ", &save))
		w->v[w->n++] = p;
}

static bool
is(const struct words *w, size_t i, const char *word)
{
	return i < w->n && strcmp(w->v[i], word) == 0;
}

/* A JSON string. */
static void
put_json(struct kith_buf *b, const char *s)
{
	kith_buf_put_u8(b, '"');
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			kith_buf_printf(b, "\\%c", c);
		else if (c < 0x20)
			kith_buf_printf(b, "\\u%04x", c);
		else
			kith_buf_put_u8(b, c);
	}
	kith_buf_put_u8(b, '"');
}

static int
status(struct kith_engine *e, struct kith_buf *b)
{
	struct kith_fed_counters fc;
	struct kith_peer_info p;
	struct kith_account a;
	struct kith_id after = kith_id_none;
	char id[KITH_ID_STR];
	size_t it = 0, linked = 0, peers = 0, accounts = 0;
	uint64_t last = 0;
	int r = kith_ledger_last(e->t, &last);

	if (r != KITH_OK)
		return r;
	while (kith_fed_peer_next(e->fed, &it, &p)) {
		peers++;
		linked += p.linked;
	}
	while (kith_account_next(e->t, &after, &a))
		accounts++;
	kith_fed_counters(e->fed, &fc);
	kith_buf_printf(b, "{\"node\":\"%s\",\"name\":", kith_id_str(&e->self.node, id));
	put_json(b, e->conf.node.name);
	kith_buf_printf(b, ",\"version\":\"%s\",\"incarnation\":\"%016llx\",\"uptime_ms\":%llu,\"accounts\":%zu,\"groups\":%zu,\"records\":%llu,"
	    "\"connections\":%zu,\"peers\":%zu,\"linked\":%zu,\"calls\":%llu,\"frames_in\":%llu,\"frames_out\":%llu,\"records_in\":%llu,"
	    "\"records_again\":%llu,\"malformed\":%llu,\"bad_signature\":%llu,\"not_entitled\":%llu,\"evidence\":%llu}\n",
	    e->conf.node.version, (unsigned long long)e->self.incarnation, (unsigned long long)(e->now.mono_ms - e->started_ms), accounts,
	    e->held.n, (unsigned long long)last, kith_map_count(e->conns), peers, linked, (unsigned long long)e->calls,
	    (unsigned long long)fc.frames_in, (unsigned long long)fc.frames_out, (unsigned long long)fc.records_in,
	    (unsigned long long)fc.records_again, (unsigned long long)fc.malformed, (unsigned long long)fc.bad_signature,
	    (unsigned long long)fc.not_entitled, (unsigned long long)fc.evidence);
	return KITH_OK;
}

static int
peers(struct kith_engine *e, struct kith_buf *b)
{
	struct kith_peer_info p;
	char id[KITH_ID_STR];
	size_t it = 0;

	while (kith_fed_peer_next(e->fed, &it, &p)) {
		kith_buf_printf(b, "{\"node\":\"%s\",\"name\":", kith_id_is_none(&p.node) ? "" : kith_id_str(&p.node, id));
		put_json(b, p.name);
		kith_buf_put_str(b, ",\"address\":");
		put_json(b, p.address);
		kith_buf_printf(b, ",\"linked\":%s,\"inbound\":%s,\"configured\":%s,\"rtt_ms\":%llu,\"since_ms\":%llu,\"records_in\":%llu,"
		    "\"records_out\":%llu,\"bytes_in\":%llu,\"bytes_out\":%llu,\"refused\":%llu,\"penalty_ms\":%llu,\"queued\":%zu}\n",
		    p.linked ? "true" : "false", p.inbound ? "true" : "false", p.configured ? "true" : "false", (unsigned long long)p.rtt_ms,
		    (unsigned long long)(p.linked ? e->now.mono_ms - p.since_ms : 0), (unsigned long long)p.records_in, (unsigned long long)p.records_out,
		    (unsigned long long)p.bytes_in, (unsigned long long)p.bytes_out, (unsigned long long)p.refused,
		    (unsigned long long)p.penalty_ms, p.queued);
	}
	return KITH_OK;
}

static int
groups(struct kith_engine *e, struct kith_buf *b)
{
	for (size_t i = 0; i < e->held.n; i++) {
		struct kith_id id = e->held.v[i], hash;
		struct kith_group *g = engine_group(e, &id, false);
		struct kith_group_node n;
		struct kith_member m;
		char text[KITH_ID_STR], name[256];
		size_t it = 0, nodes = 0, members = 0;

		if (g == NULL)
			continue;
		while (kith_group_node_next(g, &it, &n))
			nodes += !n.banned;
		for (it = 0; kith_group_member_next(g, &it, &m);)
			members += m.member;
		kith_authority_state_hash(kith_group_authority(g), &hash);
		kith_group_name(e->t, &id, name, sizeof(name));
		kith_buf_printf(b, "{\"group\":\"%s\",\"name\":", kith_id_str(&id, text));
		put_json(b, name);
		kith_buf_printf(b, ",\"members\":%zu,\"nodes\":%zu,\"acts\":%zu,\"state\":\"%s\"}\n", members, nodes,
		    kith_authority_count(kith_group_authority(g)), kith_id_str(&hash, text));
	}
	return KITH_OK;
}

static int
from_hex(const char *s, uint8_t *out, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	const char *high, *low;

	if (strlen(s) != 2 * n)
		return KITH_E_MALFORMED;
	for (size_t i = 0; i < n; i++) {
		high = strchr(digits, s[2 * i]);
		low = strchr(digits, s[2 * i + 1]);
		if (high == NULL || low == NULL)
			return KITH_E_MALFORMED;
		out[i] = (uint8_t)((high - digits) << 4 | (low - digits));
	}
	return KITH_OK;
}

static int
accounts(struct kith_engine *e, struct kith_call *c, const struct words *w, struct kith_buf *b)
{
	struct kith_id after = kith_id_none;
	struct kith_account a;
	char id[KITH_ID_STR];
	int r;

	if (is(w, 1, "list")) {
		while (kith_account_next(e->t, &after, &a)) {
			kith_buf_printf(b, "{\"uid\":\"%s\",\"handle\":", kith_id_str(&a.uid, id));
			put_json(b, a.handle);
			kith_buf_printf(b, ",\"guest\":%s,\"disabled\":%s,\"made_ms\":%llu}\n", (a.flags & KITH_ACC_GUEST) != 0 ? "true" : "false",
			    (a.flags & KITH_ACC_DISABLED) != 0 ? "true" : "false", (unsigned long long)a.made_ms);
		}
		return KITH_OK;
	}
	if (is(w, 1, "add") && w->n == 5) {
		uint8_t recovery[KITH_SEED_BYTES], salt[KITH_PW_SALT], hash[KITH_PW_HASH];

		if (from_hex(w->v[3], salt, sizeof(salt)) != KITH_OK || from_hex(w->v[4], hash, sizeof(hash)) != KITH_OK)
			return kith_fail(c, KITH_E_MALFORMED, "invalid_params", "account add NAME SALT HASH");
		r = kith_account_create(c, kith_slice_str(w->v[2]), false, &a, recovery);
		if (r != KITH_OK)
			return r;
		memcpy(a.salt, salt, sizeof(salt));
		memcpy(a.hash, hash, sizeof(hash));
		a.pw_t = KITH_PW_T;
		a.pw_m_kib = KITH_PW_M_KIB;
		r = kith_account_put(e->t, &a);
		if (r == KITH_OK) {
			char kit[KITH_ID_STR];

			kith_b32_encode(kith_slice_of(recovery, sizeof(recovery)), kit);
			kith_buf_printf(b, "{\"uid\":\"%s\",\"handle\":", kith_id_str(&a.uid, id));
			put_json(b, a.handle);
			kith_buf_printf(b, ",\"recovery\":\"%s\"}\n", kit);
			kith_wipe(kit, sizeof(kit));
		}
		kith_wipe(recovery, sizeof(recovery));
		return r;
	}
	if ((is(w, 1, "disable") || is(w, 1, "enable")) && w->n == 3) {
		r = kith_account_by_name(e->t, kith_slice_str(w->v[2]), &a);
		if (r == KITH_E_NOTFOUND && kith_id_parse(kith_slice_str(w->v[2]), &after) == KITH_OK)
			r = kith_account_get(e->t, &after, &a);
		if (r == KITH_E_NOTFOUND)
			return kith_fail(c, r, "not_found", "no account here is called %s (with several of that name, give name#1234)", w->v[2]);
		if (r == KITH_OK)
			r = kith_account_disable(c, &a.uid, is(w, 1, "disable"));
		if (r == KITH_OK) {
			kith_buf_printf(b, "{\"uid\":\"%s\",\"handle\":", kith_id_str(&a.uid, id));
			put_json(b, a.handle);
			kith_buf_printf(b, ",\"disabled\":%s}\n", is(w, 1, "disable") ? "true" : "false");
		}
		return r;
	}
	return kith_fail(c, KITH_E_MALFORMED, "invalid_params", "account list, add or disable");
}

static int
verify(struct kith_engine *e, struct kith_buf *b)
{
	for (size_t i = 0; i < e->held.n; i++) {
		struct kith_id id = e->held.v[i], hash;
		struct kith_group *g = engine_group(e, &id, false);
		struct kith_diag why = { .text = "" };
		char text[KITH_ID_STR], name[256];
		int r;

		if (g == NULL)
			continue;
		r = kith_group_verify(g, e->t, &why);
		if (r != KITH_OK && r != KITH_E_CORRUPT)
			return r;
		kith_authority_state_hash(kith_group_authority(g), &hash);
		kith_group_name(e->t, &id, name, sizeof(name));
		kith_buf_printf(b, "{\"group\":\"%s\",\"name\":", kith_id_str(&id, text));
		put_json(b, name);
		kith_buf_printf(b, ",\"state\":\"%s\",\"ok\":%s,\"why\":", kith_id_str(&hash, text), r == KITH_OK ? "true" : "false");
		put_json(b, why.text);
		kith_buf_put_str(b, "}\n");
	}
	return KITH_OK;
}

int
engine_control(struct kith_engine *e, const struct kith_in *in)
{
	struct kith_output *o = NULL;
	struct kith_buf result, lines;
	struct kith_call c;
	struct words w;
	int r;

	engine_call_init(e, &c, &result);
	kith_buf_init(&lines, 16u << 20);
	split(&w, in->text);
	if (is(&w, 0, "status")) {
		r = status(e, &lines);
	} else if (is(&w, 0, "peers")) {
		r = peers(e, &lines);
	} else if (is(&w, 0, "groups")) {
		r = groups(e, &lines);
	} else if (is(&w, 0, "account")) {
		r = accounts(e, &c, &w, &lines);
	} else if (is(&w, 0, "invite")) {
		char code[33];
		unsigned long uses = w.n > 1 ? strtoul(w.v[1], NULL, 10) : 1;

		r = kith_register_code_new(&c, uses > 0 && uses < 1000000 ? (uint32_t)uses : 1, code);
		if (r == KITH_OK)
			kith_buf_printf(&lines, "{\"code\":\"%s\",\"uses\":%lu}\n", code, uses > 0 ? uses : 1);
	} else if (is(&w, 0, "verify")) {
		r = verify(e, &lines);
	} else {
		r = kith_fail(&c, KITH_E_NOTFOUND, "not_found", "no such command");
	}
	if (r == KITH_OK)
		r = kith_buf_err(&lines);
	if (!engine_is_fatal(r)) {
		o = kith_out_add(e->out, KITH_OUT_CONTROL);
		if (o == NULL) {
			r = KITH_E_NOMEM;
		} else {
			o->number = in->number;
			o->err = r;
			kith_output_bytes(e->out, o, r == KITH_OK ? kith_buf_slice(&lines) : kith_slice_of(NULL, 0));
			kith_output_text(e->out, o, r == KITH_OK ? NULL : c.why);
			r = KITH_OK;
		}
	}
	kith_buf_fini(&result);
	kith_buf_fini(&lines);
	return r;
}
