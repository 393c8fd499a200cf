/*
 * What a peer may say. The input is frames: a type, a length of two bytes, and
 * the payload. Each passes the check by itself; then all of them go to a node
 * that is linked, in a group, with their sender. In the payloads 32 letters in a
 * row stand for what the fuzzer cannot guess: G the group, P its panel, A and B
 * the two nodes. Nothing may break, and afterwards the node must still take part.
 */
#include <stdlib.h>
#include <string.h>

#include "base/out.h"
#include "federation/frames.h"
#include "tests/sim/net.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
extern const size_t kith_fuzz_damaged;
const size_t kith_fuzz_damaged = 10000;         /* each is frames between whole nodes */

enum { LIVES = 300, FRAMES = 16, PATIENT = 64 };

static struct net *net;
static struct kith_id group, panel;
static int used, ended;

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static bool
linked(struct net *n, void *arg)
{
	(void)arg;
	return net_linked(n, 0, 1);
}

static void
ready(void)
{
	if (net != NULL && ++used < LIVES)
		return;
	net_free(net);
	used = 0;
	net = net_new(1);
	(void)net_node(net, "ada", NULL);
	(void)net_node(net, "ben", (int[]){ 0, -1 });
	must(net_until(net, 1000, linked, NULL));
	group = net_group(net, 0, false);
	net_bring(net, 1, 0, &group);
	panel = net_panel(net, 0, &group);
	must(net_post(net, 0, &group, &panel, 5, 30) == KITH_OK);
	must(net_post(net, 1, &group, &panel, 5, 30) == KITH_OK);
	net_run(net, 500);
}

static void
fill_in(uint8_t *p, size_t n)
{
	const struct kith_id *id;
	size_t i, k;

	for (i = 0; i + KITH_ID_BYTES <= n; i++) {
		switch (p[i]) {
		case 'G': id = &group; break;
		case 'P': id = &panel; break;
		case 'A': id = net_id(net, 0); break;
		case 'B': id = net_id(net, 1); break;
		default: continue;
		}
		for (k = 1; k < KITH_ID_BYTES && p[i + k] == p[i]; k++)
			;
		if (k == KITH_ID_BYTES) {
			memcpy(p + i, id->b, KITH_ID_BYTES);
			i += KITH_ID_BYTES - 1;
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *payload;
	size_t n, frames;

	ready();
	for (frames = 0; size >= 3 && frames < FRAMES; frames++) {
		n = (size_t)data[1] << 8 | data[2];
		n = n < size - 3 ? n : size - 3;
		payload = malloc(n > 0 ? n : 1);
		must(payload != NULL);
		if (n > 0)
			memcpy(payload, data + 3, n);
		fill_in(payload, n);
		if (kith_frame_check(data[0], kith_slice_of(payload, n)) == KITH_OK)
			must(kith_frame_class(data[0], kith_slice_of(payload, n)) < KITH_CL_COUNT_);
		net_send(net, 1, 0, data[0], kith_slice_of(payload, n));
		free(payload);
		data += 3 + n;
		size -= 3 + n;
	}
	net_run(net, 40);
	/* who was shut out comes back when every penalty has decayed; a quarter of an hour is long, so that is tried now and then */
	if (!net_linked(net, 0, 1) && ++ended % PATIENT == 0) {
		net_run(net, 900000);
		must(net_until(net, 200000, linked, NULL));
	} else if (!net_linked(net, 0, 1)) {
		used = LIVES;
	}
	return 0;
}
