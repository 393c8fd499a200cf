/*
 * A peer that means ill, for tests: badpeer HOST:PORT SECONDS SEED LINK FILE...
 *
 * It is a whole node (tests/unit/daemon/house.h) over a real link: it shows who it
 * is, and somebody there joins the group of the invite. From then on it sends
 * what is in the files (frames: a type, a length of two bytes, the payload), and
 * again whatever it has sent itself, as fast as it is taken in. In a file 32
 * letters in a row stand for G the group, A the other node, B itself. When it is
 * shut out it comes again as somebody else; every other one repeats only what it
 * has really said.
 * Prints at the end how often it came, was shut out, and how much it sent.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/b32.h"
#include "crypto/keyfile.h"
#include "crypto/tls.h"
#include "daemon/clock.h"
#include "federation/frames.h"
#include "http/link.h"
#include "tests/unit/daemon/house.h"
#include "tests/unit/kit.h"

struct sent { uint8_t type; uint8_t *p; size_t n; };

static struct {
	const char *target, *link;
	struct kith_reactor *r;
	struct kith_links *links;
	struct kith_tls *tls;
	struct kith_store *store;
	struct house *h;
	uint64_t up, begun_ms, seed, dice;
	bool over;
	struct sent bad[4096];
	size_t n_bad, n_files;
	struct kith_id group, self, other;
	uint64_t came, shut, frames, bytes;
} g;

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static uint64_t
draw(void)
{
	g.dice = g.dice * 6364136223846793005u + 1442695040888963407u;
	return g.dice >> 33;
}

/* ---- frames ---- */

static void
keep(uint8_t type, const uint8_t *p, size_t n)
{
	struct sent *s;

	if (g.n_bad == sizeof(g.bad) / sizeof(g.bad[0])) {
		s = &g.bad[g.n_files + draw() % (g.n_bad - g.n_files)];
		free(s->p);
	} else {
		s = &g.bad[g.n_bad++];
	}
	s->type = type;
	s->n = n;
	must((s->p = malloc(n + 1)) != NULL);
	if (n > 0)
		memcpy(s->p, p, n);
}

static void
load(const char *path)
{
	static uint8_t raw[1 << 20];
	FILE *f = fopen(path, "rb");
	size_t n = f != NULL ? fread(raw, 1, sizeof(raw), f) : 0, at = 0, len;

	must(f != NULL);
	fclose(f);
	for (; n - at >= 3; at += 3 + len) {
		len = (size_t)raw[at + 1] << 8 | raw[at + 2];
		len = len < n - at - 3 ? len : n - at - 3;
		keep(raw[at], raw + at + 3, len);
	}
}

static void
fill_in(uint8_t *p, size_t n)
{
	const struct kith_id *id;

	for (size_t i = 0; i + KITH_ID_BYTES <= n; i++) {
		id = p[i] == 'G' || p[i] == 'P' ? &g.group : p[i] == 'A' ? &g.other : p[i] == 'B' ? &g.self : NULL;
		if (id != NULL && memcmp(p + i, p + i + 1, KITH_ID_BYTES - 1) == 0)
			memcpy(p + i, id->b, KITH_ID_BYTES);
	}
}

static void
flood(struct kith_link *l)
{
	uint8_t copy[65536];

	for (unsigned k = 0; k < 200 && kith_link_backlog(l) < 2u << 20; k++) {
		/* every other one keeps to what it has really said, and so stays longer */
		bool careful = g.seed % 2 == 0 && g.n_bad > g.n_files;
		const struct sent *s = &g.bad[careful ? g.n_files + draw() % (g.n_bad - g.n_files) : draw() % g.n_bad];
		size_t n = s->n < sizeof(copy) ? s->n : sizeof(copy);

		if (careful && (s->type == KITH_FR_HELLO || s->type == KITH_FR_CHAIN || s->type == KITH_FR_WELCOME))
			continue;
		memcpy(copy, s->p, n);
		fill_in(copy, n);
		if (n > 0 && !careful && draw() % 4 == 0)
			copy[draw() % n] ^= (uint8_t)(1 << draw() % 8);
		if (kith_link_send(l, s->type, kith_slice_of(copy, n)) != KITH_OK)
			return;
		g.frames++;
		g.bytes += n + 5;
	}
}

/* ---- the link ---- */

static void
tell(enum kith_in_kind kind, uint64_t link, uint64_t token, const char *text)
{
	struct kith_in in = { .kind = kind, .link = link, .token = token, .text = text };

	must(kith_machine_submit(house_machine(g.h), &in, 1) == KITH_OK);
}

static void
on_up(void *arg, struct kith_link *l, uint64_t token, const uint8_t *pk, const uint8_t *exporter, const char *remote)
{
	struct kith_in in = { .kind = KITH_IN_LINK_UP, .link = kith_link_id(l), .token = token };

	(void)arg;
	memcpy(in.cert_pk, pk, sizeof(in.cert_pk));
	memcpy(in.exporter, exporter, sizeof(in.exporter));
	snprintf(in.address, sizeof(in.address), "%s", remote);
	must(kith_machine_submit(house_machine(g.h), &in, 1) == KITH_OK);
	g.up = kith_link_id(l);
	g.came++;
}

static void
on_frame(void *arg, struct kith_link *l, uint8_t type, struct kith_slice payload)
{
	struct kith_in in = { .kind = KITH_IN_FRAME, .link = kith_link_id(l), .type = type, .bytes = payload };

	(void)arg;
	must(kith_machine_submit(house_machine(g.h), &in, 1) == KITH_OK);
}

static void
on_down(void *arg, struct kith_link *l, enum kith_link_end why)
{
	(void)arg;
	(void)why;
	if (g.h == NULL)
		return;
	tell(KITH_IN_LINK_DOWN, kith_link_id(l), 0, NULL);
	g.up = 0;
	g.shut++;
	g.over = true;
}

static void
on_dial_failed(void *arg, uint64_t token, enum kith_link_end why, const char *text)
{
	(void)arg;
	tell(KITH_IN_DIAL_FAILED, 0, token, text != NULL ? text : kith_link_end_name(why));
	g.over = true;
}

static void
heard(void *arg, const struct kith_output *o)
{
	struct kith_link *l = o->kind == KITH_OUT_DIAL ? NULL : kith_link_find(g.links, o->link);

	(void)arg;
	if (o->kind == KITH_OUT_DIAL && kith_link_dial(g.links, o->text, o->number) != KITH_OK)
		g.over = true;
	if (l == NULL)
		return;
	if (o->kind == KITH_OUT_TRUST)
		kith_link_trust(l);
	if (o->kind == KITH_OUT_CLOSE)
		kith_link_close(l);
	if (o->kind != KITH_OUT_SEND)
		return;
	keep(o->type, o->bytes, o->n);
	if (kith_link_send(l, o->type, kith_slice_of(o->bytes, o->n)) != KITH_OK)
		g.over = true;
}

/* ---- somebody, again and again ---- */

static void
turn(unsigned wait_ms)
{
	kith_reactor_turn(g.r, wait_ms);
	house_pass(kith_wall_ms() - house_now_ms());
	house_turn(g.h);
}

static void
begin(void)
{
	struct kith_link_conf lc = { .handler = { .on_up = on_up, .on_frame = on_frame, .on_down = on_down, .on_dial_failed = on_dial_failed } };
	struct house_conf hc = { .peer = g.target, .seed = ++g.seed };
	struct kith_keys keys;
	struct kith_signer *cert;
	struct kith_diag d;

	memset(&keys, 0, sizeof(keys));
	kith_random_bytes(keys.cert_seed, sizeof(keys.cert_seed));
	must(kith_signer_from_seed(keys.cert_seed, &cert) == KITH_OK);
	memcpy(keys.cert_pk, kith_signer_pk(cert), sizeof(keys.cert_pk));
	kith_signer_free(cert);
	must(kith_tls_peer(keys.cert_seed, &g.tls) == KITH_OK);
	kith_random_bytes(keys.seal, sizeof(keys.seal));
	must(kith_signer_from_seed(keys.seal, &keys.root) == KITH_OK);
	kith_random_bytes(keys.seal, sizeof(keys.seal));
	must(kith_signer_from_seed(keys.seal, &keys.sign) == KITH_OK);
	kith_random_bytes(keys.next_root_pk, sizeof(keys.next_root_pk));
	lc.tls = g.tls;
	must((g.links = kith_links_new(g.r, &lc)) != NULL && kith_store_mem_new(&g.store) == KITH_OK);
	hc.store = g.store;
	hc.take_keys = &keys;
	must((g.h = house_new(&hc, &d)) != NULL);
	house_listen(g.h, heard, NULL);
	g.self = kith_machine_node(house_machine(g.h));
	g.over = false;
	g.up = 0;
	g.begun_ms = kith_mono_ms();
}

static void
end(void)
{
	struct house *h = g.h;

	g.h = NULL;
	kith_links_free(g.links);
	kith_tls_free(g.tls);
	house_free(h);
	kith_store_close(g.store);
}

/* eve is in the group as soon as the link is up and has been through its greeting; without, strangers flood too. */
static void
join(uint64_t until_ms)
{
	struct kith_session eve;
	uint64_t number = 0;
	json_t *r = house_call(g.h, NULL, "account.guest", json_pack("{s:s}", "name", "eve"));

	must(r != NULL && house_session(g.h, json_string_value(json_object_get(r, "token")), &eve) == KITH_OK);
	json_decref(r);
	for (r = NULL; !g.over && r == NULL && kith_mono_ms() < until_ms; turn(5)) {
		if (number == 0 && g.up != 0)
			number = house_ask(g.h, &eve, "group.join", json_pack("{s:s}", "link", g.link));
		else if (number != 0)
			r = house_answer(g.h, number);
	}
	if (r != NULL)
		must(kith_id_parse(kith_slice_str(json_string_value(json_object_get(r, "group"))), &g.group) == KITH_OK);
	json_decref(r);
}

int
main(int argc, char **argv)
{
	struct kith_link *l;
	uint64_t stop_ms;

	if (argc < 6) {
		fprintf(stderr, "usage: badpeer HOST:PORT SECONDS SEED LINK FILE...\n");
		return 2;
	}
	(void)kit_env();
	g.target = argv[1];
	stop_ms = kith_mono_ms() + strtoul(argv[2], NULL, 10) * 1000;
	g.seed = g.dice = strtoul(argv[3], NULL, 10);
	g.link = argv[4];
	for (int i = 5; i < argc; i++)
		load(argv[i]);
	g.n_files = g.n_bad;
	must(g.n_bad > 0 && (g.r = kith_reactor_new(0)) != NULL);
	while (kith_mono_ms() < stop_ms) {
		begin();
		join(kith_mono_ms() + 5000);
		while (!g.over && kith_mono_ms() < stop_ms) {
			if (g.up != 0 && (l = kith_link_find(g.links, g.up)) != NULL)
				flood(l);
			turn(g.up != 0 ? 0 : 20);
		}
		end();
	}
	kith_reactor_free(g.r);
	printf("came %llu times, shut out %llu times, %llu frames, %llu bytes\n", (unsigned long long)g.came,
	    (unsigned long long)g.shut, (unsigned long long)g.frames, (unsigned long long)g.bytes);
	return 0;
}
