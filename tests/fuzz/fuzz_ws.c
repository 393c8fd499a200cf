/*
 * The WebSocket reader tells the same story however its input is cut. The first
 * byte says whose frames these are: even, a client's; odd, a server's.
 */
#include <stdlib.h>
#include <string.h>

#include "http/ws.h"

enum { SPLITS_MAX = 300 };

struct story {
	unsigned events, code;
	uint64_t sum;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Text must be UTF-8; a NUL in it is fine here and not for kith_utf8_ok. */
static bool
text_ok(struct kith_slice s)
{
	size_t i, from = 0;

	for (i = 0; i <= s.n; i++) {
		if (i < s.n && s.p[i] != 0)
			continue;
		if (!kith_utf8_ok(kith_slice_of(s.p + from, i - from)))
			return false;
		from = i + 1;
	}
	return true;
}

static void
feed(struct kith_ws *ws, struct kith_slice in, struct story *s)
{
	struct kith_ws_message m;
	enum kith_ws_event e;
	size_t used, i;

	do {
		e = kith_ws_read(ws, 0, in, &used, &m);
		if (used > in.n || (e == KITH_WS_MORE && used != in.n))
			abort();
		in = kith_slice_from(in, used);
		if (e == KITH_WS_MORE)
			continue;
		if (m.payload.n > KITH_WS_MESSAGE_MAX || (e >= KITH_WS_PING && m.payload.n > 125))
			abort();
		if ((e == KITH_WS_TEXT || e == KITH_WS_CLOSE) && m.payload.n > 0 && !text_ok(m.payload))
			abort();
		if (e == KITH_WS_FAIL && !kith_ws_code_ok(m.code))
			abort();
		s->events++;
		s->code = m.code;
		s->sum = (s->sum ^ (uint64_t)e) * 0x100000001b3u;
		for (i = 0; i < m.payload.n; i++)
			s->sum = (s->sum ^ m.payload.p[i]) * 0x100000001b3u;
	} while (e != KITH_WS_MORE);
}

static struct story
tell(struct kith_slice in, size_t first, size_t step, bool server)
{
	struct kith_ws *ws = kith_ws_new(server);
	struct story s = { 0 };
	size_t n = first;

	if (ws == NULL)
		abort();
	while (in.n > 0) {
		if (n > in.n)
			n = in.n;
		feed(ws, kith_slice_of(in.p, n), &s);
		in = kith_slice_from(in, n);
		n = step;
	}
	kith_ws_free(ws);
	return s;
}

static void
same(const struct story *a, const struct story *b)
{
	if (a->events != b->events || a->code != b->code || a->sum != b->sum)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kith_slice in;
	struct story whole, other;
	bool server;
	size_t i;

	if (size == 0)
		return 0;
	server = (data[0] & 1) == 0;
	in = kith_slice_of(data + 1, size - 1);
	whole = tell(in, in.n, in.n, server);
	other = tell(in, 1, 1, server);
	same(&whole, &other);
	for (i = 1; i < in.n && i < SPLITS_MAX; i++) {
		other = tell(in, i, in.n, server);
		same(&whole, &other);
	}
	return 0;
}
