/*
 * What a hostile peer that has authenticated may say, to a whole node: machine,
 * engine, federation, groups. Two nodes are linked and in one group; the input is
 * frames (a type, a length of two bytes, the payload) that the second sends
 * beside what it would say anyway. In the payloads 32 letters in a row stand for
 * what nobody can guess: G the group, P its panel, A and B the nodes. Nothing
 * may break, and afterwards people at both still hear each other.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/b32.h"
#include "federation/frames.h"
#include "storage/store.h"
#include "tests/unit/daemon/house.h"
#include "tests/unit/kit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LIVES = 200, FRAMES = 16 };

struct end {
	struct house *h;
	struct kith_store *store;
	struct end *other;
	struct kith_session who;
	uint64_t dialled;
	bool dial, close;
};
static struct {
	struct end a, b;
	uint64_t link, links;           /* now, 0: none; and so far */
	struct { struct end *to; uint8_t type; uint8_t *p; size_t n; } queue[512];
	size_t n_queue;
	struct kith_id group, panel, node[2];
	char group_text[64], panel_text[64];
	unsigned used, said, broken;
} w;

static void
must(bool ok)
{
	if (!ok)
		abort();
}

/* ---- between the two ---- */

static void
heard(void *arg, const struct kith_output *o)
{
	struct end *e = arg;

	if (o->kind == KITH_OUT_DIAL) {
		e->dial = true;
		e->dialled = o->number;
	}
	if (o->kind == KITH_OUT_CLOSE && o->link == w.link)
		e->close = true;
	if (o->kind != KITH_OUT_SEND || o->link != w.link || w.n_queue == sizeof(w.queue) / sizeof(w.queue[0]))
		return;
	w.queue[w.n_queue].to = e->other;
	w.queue[w.n_queue].type = o->type;
	w.queue[w.n_queue].n = o->n;
	must((w.queue[w.n_queue].p = malloc(o->n + 1)) != NULL);
	if (o->n > 0)
		memcpy(w.queue[w.n_queue].p, o->bytes, o->n);
	w.n_queue++;
}

static void
tell(struct end *e, enum kith_in_kind kind, uint64_t token)
{
	struct kith_in in = { .kind = kind, .link = w.link, .token = token };

	snprintf(in.address, sizeof(in.address), "192.0.2.%d", e == &w.a ? 2 : 1);
	in.cert_pk[0] = 9;
	in.cert_pk[1] = e == &w.a ? 2 : 1;      /* house.c's, by seed */
	memset(in.exporter, 7, sizeof(in.exporter));
	in.text = "nobody there";
	must(kith_machine_submit(house_machine(e->h), &in, 1) == KITH_OK);
	house_turn(e->h);
}

static void
frame(struct end *to, uint8_t type, struct kith_slice payload)
{
	struct kith_in in = { .kind = KITH_IN_FRAME, .link = w.link, .type = type, .bytes = payload };

	must(kith_machine_submit(house_machine(to->h), &in, 1) == KITH_OK);
}

/* One round trip's worth of what is under way. */
static void
pump(uint64_t ms)
{
	size_t i, n;

	house_pass(ms);
	if (w.link != 0 && (w.a.close || w.b.close)) {
		tell(&w.a, KITH_IN_LINK_DOWN, 0);
		tell(&w.b, KITH_IN_LINK_DOWN, 0);
		w.link = 0;
		w.a.close = w.b.close = false;
		for (i = 0; i < w.n_queue; i++)
			free(w.queue[i].p);
		w.n_queue = 0;
	}
	if (w.b.dial) {
		w.b.dial = false;
		if (w.link == 0) {
			w.link = ++w.links;
			tell(&w.a, KITH_IN_LINK_UP, 0);
			tell(&w.b, KITH_IN_LINK_UP, w.b.dialled);
		} else {
			tell(&w.b, KITH_IN_DIAL_FAILED, w.b.dialled);
		}
	}
	if (w.a.dial) {
		w.a.dial = false;
		tell(&w.a, KITH_IN_DIAL_FAILED, w.a.dialled);
	}
	n = w.n_queue;
	for (i = 0; i < n; i++) {
		frame(w.queue[i].to, w.queue[i].type, kith_slice_of(w.queue[i].p, w.queue[i].n));
		free(w.queue[i].p);
	}
	memmove(w.queue, w.queue + n, (w.n_queue - n) * sizeof(w.queue[0]));
	w.n_queue -= n;
	house_turn(w.a.h);
	house_turn(w.b.h);
}

static json_t *
call(struct end *e, const struct kith_session *s, const char *method, json_t *take_params)
{
	uint64_t number = house_ask(e->h, s, method, take_params);
	json_t *r = NULL;

	for (unsigned i = 0; i < 400 && r == NULL; i++) {
		pump(20);
		r = house_answer(e->h, number);
	}
	return r;
}

static void
session(struct end *e, const char *name)
{
	json_t *r = call(e, NULL, "account.register", json_pack("{s:s,s:s}", "name", name, "password", "correct horse battery"));

	must(r != NULL && house_session(e->h, json_string_value(json_object_get(r, "token")), &e->who) == KITH_OK);
	json_decref(r);
	house_connect(e->h, &e->who);
}

static void
node_id(struct end *e, struct kith_id *out)
{
	*out = kith_machine_node(house_machine(e->h));
}

static void
end_open(struct end *e, struct end *other, uint64_t seed, const char *peer, const char *address)
{
	struct house_conf hc = { .seed = seed, .peer = peer, .address = address };
	struct kith_diag d;

	*e = (struct end){ .other = other };
	must(kith_store_mem_new(&e->store) == KITH_OK);
	hc.store = e->store;
	must((e->h = house_new(&hc, &d)) != NULL);
	house_listen(e->h, heard, e);
}

static void
end_close(struct end *e)
{
	if (e->h == NULL)
		return;
	house_free(e->h);
	kith_store_close(e->store);
}

/* Somebody says something here; it is seen there. */
static bool
say(struct end *from)
{
	char text[32];
	json_t *r, *list;
	bool ok = false;

	snprintf(text, sizeof(text), "hello %u", w.said++);
	r = call(from, &from->who, "message.send", json_pack("{s:s,s:s,s:s}", "group", w.group_text, "panel", w.panel_text, "text", text));
	if (r == NULL)
		return false;
	json_decref(r);
	for (unsigned i = 0; !ok && i < 3000; i++) {
		pump(i < 200 ? 20 : 500);
		r = house_call(from->other->h, &from->other->who, "message.list",
		    json_pack("{s:s,s:s,s:i}", "group", w.group_text, "panel", w.panel_text, "limit", 20));
		list = json_object_get(r, "messages");
		for (size_t k = 0; k < json_array_size(list); k++) {
			const char *t = json_string_value(json_object_get(json_array_get(list, k), "text"));

			ok = ok || (t != NULL && strcmp(t, text) == 0);
		}
		json_decref(r);
	}
	return ok;
}

static void
ready(void)
{
	char link[600];
	json_t *r;

	if (w.a.h != NULL && ++w.used < LIVES)
		return;
	must(w.a.h == NULL || (say(&w.a) && say(&w.b)));
	end_close(&w.a);
	end_close(&w.b);
	for (size_t i = 0; i < w.n_queue; i++)
		free(w.queue[i].p);
	memset(&w, 0, sizeof(w));
	(void)kit_env();
	end_open(&w.a, &w.b, 1, NULL, "192.0.2.1:7371");
	end_open(&w.b, &w.a, 2, "192.0.2.1:7371", NULL);
	session(&w.a, "ada");
	session(&w.b, "ben");
	must((r = call(&w.a, &w.a.who, "group.new", json_pack("{s:s,s:s}", "name", "garden", "join", "open"))) != NULL);
	snprintf(w.group_text, sizeof(w.group_text), "%s", json_string_value(json_object_get(r, "id")));
	snprintf(w.panel_text, sizeof(w.panel_text), "%s", json_string_value(json_object_get(r, "panel")));
	json_decref(r);
	must((r = call(&w.a, &w.a.who, "invite.new", json_pack("{s:s}", "group", w.group_text))) != NULL);
	snprintf(link, sizeof(link), "%s", json_string_value(json_object_get(r, "link")));
	json_decref(r);
	must((r = call(&w.b, &w.b.who, "group.join", json_pack("{s:s}", "link", link))) != NULL);
	json_decref(r);
	must(kith_id_parse(kith_slice_str(w.group_text), &w.group) == KITH_OK && kith_id_parse(kith_slice_str(w.panel_text), &w.panel) == KITH_OK);
	node_id(&w.a, &w.node[0]);
	node_id(&w.b, &w.node[1]);
	must(say(&w.a) && say(&w.b));
}

static void
fill_in(uint8_t *p, size_t n)
{
	const struct kith_id *id;
	size_t i;

	for (i = 0; i + KITH_ID_BYTES <= n; i++) {
		switch (p[i]) {
		case 'G': id = &w.group; break;
		case 'P': id = &w.panel; break;
		case 'A': id = &w.node[0]; break;
		case 'B': id = &w.node[1]; break;
		default: continue;
		}
		if (memcmp(p + i, p + i + 1, KITH_ID_BYTES - 1) != 0)
			continue;
		memcpy(p + i, id->b, KITH_ID_BYTES);
		i += KITH_ID_BYTES - 1;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *payload;
	size_t n, frames;

	ready();
	for (frames = 0; size >= 3 && frames < FRAMES && w.link != 0; frames++) {
		n = (size_t)data[1] << 8 | data[2];
		n = n < size - 3 ? n : size - 3;
		must((payload = malloc(n > 0 ? n : 1)) != NULL);
		if (n > 0)
			memcpy(payload, data + 3, n);
		fill_in(payload, n);
		frame(&w.a, data[0], kith_slice_of(payload, n));
		free(payload);
		data += 3 + n;
		size -= 3 + n;
	}
	pump(5);
	pump(20);
	if (w.link == 0) {
		pump(900000);           /* every penalty has decayed */
		for (n = 0; w.link == 0 && n < 600; n++)
			pump(500);
		must(w.link != 0 && (++w.broken % 16 != 0 || (say(&w.a) && say(&w.b))));
	}
	return 0;
}
