#include "tests/sim/evil.h"

#include <string.h>

#include "crypto/sign.h"
#include "federation/frames.h"
#include "tests/sim/forge.h"
#include "wire/mp.h"

#define PAST_MAX 48                     /* frames remembered, to be sent again */
#define LINKS_MAX 64

struct past { uint8_t type; struct kith_buf bytes; };

struct villain {
	uint32_t does;                  /* bit of each EVIL_ step */
	uint32_t victims;               /* nodes that it treats worse */
	struct dice d;
	struct past past[PAST_MAX];
	size_t n_past;
	struct { int peer; uint64_t link; } link[LINKS_MAX];
	size_t n_links;
	struct forge *forge;
};
struct evil { struct villain v[STORY_NODES_MAX]; };

#define BIT(kind) (1u << ((kind) - EVIL_FORK))

void
evil_new(struct play *p)
{
	p->evil = calloc(1, sizeof(*p->evil));
	MUST(p->evil != NULL);
	for (int i = 0; i < p->n_nodes; i++) {
		if (play_correct(p, i))
			continue;
		dice_seed(&p->evil->v[i].d, p->story->seed, 100 + (uint64_t)i);
		p->evil->v[i].forge = forge_new(world_id(p->w, i), world_signer(p->w, i));
	}
}

void
evil_free(struct play *p)
{
	for (int i = 0; i < p->n_nodes; i++) {
		for (size_t k = 0; k < PAST_MAX; k++)
			kith_buf_fini(&p->evil->v[i].past[k].bytes);
		forge_free(p->evil->v[i].forge);
	}
	free(p->evil);
	p->evil = NULL;
}

void
evil_step(struct play *p, const struct step *s)
{
	struct dice d;
	int who[STORY_NODES_MAX], n = 0;
	struct villain *v;

	dice_seed(&d, s->roll, 8);
	for (int i = 0; i < p->n_nodes; i++) {
		if (!play_correct(p, i))
			who[n++] = i;
	}
	if (n == 0)
		return;
	n = who[dice_below(&d, (uint32_t)n)];
	v = &p->evil->v[n];
	v->victims = (uint32_t)dice_u64(&d);
	if (s->kind == EVIL_REST)
		v->does = 0;
	else
		v->does |= BIT(s->kind);
	play_tell(p, "node %d: %s, %x", n, step_name(s->kind), v->victims & ((1u << p->n_nodes) - 1));
}

void
evil_heal(struct play *p)
{
	for (int i = 0; i < p->n_nodes; i++)
		p->evil->v[i].does &= ~(BIT(EVIL_FORK) | BIT(EVIL_BACKDATE) | BIT(EVIL_FLOOD) | BIT(EVIL_FORGE) | BIT(EVIL_FUTURE));
}

void
evil_link(struct play *p, int node, int peer, uint64_t link)
{
	struct villain *v = &p->evil->v[node];

	if (p->evil == NULL)
		return;
	v->link[v->n_links % LINKS_MAX].peer = peer;
	v->link[v->n_links % LINKS_MAX].link = link;
	v->n_links++;
}

/* ---- altering ---- */

/* The value at r again, numbers and ids of it changed now and then; request: what the very first number is to be, UINT64_MAX: as it is. */
static void
rewrite(struct kith_mp_reader *r, struct kith_buf *b, struct dice *d, uint32_t percent, uint64_t *request)
{
	struct kith_slice s;
	uint64_t u;
	uint32_t n;

	switch (kith_mp_peek(r)) {
	case KITH_MP_UINT:
		u = kith_mp_uint(r);
		if (*request != UINT64_MAX) {
			u = *request;
			*request = UINT64_MAX;
		} else if (dice_chance(d, percent)) {
			u = dice_chance(d, 50) ? u + dice_below(d, 50) : dice_chance(d, 50) ? u / 2 : dice_u64(d) >> dice_below(d, 60);
		}
		kith_mp_put_uint(b, u);
		break;
	case KITH_MP_BIN:
		s = kith_mp_bin(r);
		if (s.n == 32 && dice_chance(d, percent / 2)) {
			uint8_t id[32];

			dice_fill(d, id, sizeof(id));
			kith_mp_put_bin(b, kith_slice_of(id, sizeof(id)));
		} else {
			kith_mp_put_bin(b, s);
		}
		break;
	case KITH_MP_ARRAY:
		n = kith_mp_array(r);
		kith_mp_put_array(b, n);
		while (n-- > 0)
			rewrite(r, b, d, percent, request);
		break;
	default:
		kith_mp_put_raw(b, kith_mp_skip(r));
		break;
	}
}

static void
send_rewritten(struct play *p, int from, uint64_t link, uint8_t type, struct kith_slice frame, uint32_t percent, uint64_t request)
{
	struct kith_mp_reader r;
	struct kith_buf b;

	kith_buf_init(&b, 0);
	kith_mp_read(&r, frame);
	rewrite(&r, &b, &p->evil->v[from].d, percent, &request);
	if (r.err == KITH_OK && kith_buf_err(&b) == KITH_OK)
		world_inject(p->w, from, link, type, kith_buf_slice(&b));
	kith_buf_fini(&b);
}

static void
remember(struct villain *v, uint8_t type, struct kith_slice frame)
{
	struct past *x = &v->past[v->n_past % PAST_MAX];

	if (frame.n > 65536 || type <= KITH_FR_BYE)
		return;
	x->type = type;
	kith_buf_reset(&x->bytes);
	kith_buf_put_slice(&x->bytes, frame);
	v->n_past++;
}

static struct past *
some_past(struct villain *v, uint8_t type)
{
	size_t n = v->n_past < PAST_MAX ? v->n_past : PAST_MAX;

	for (int tries = 0; tries < 12 && n > 0; tries++) {
		struct past *x = &v->past[dice_below(&v->d, (uint32_t)n)];

		if (type == 0 || x->type == type)
			return x;
	}
	return NULL;
}

/* ---- making ---- */

static uint64_t
some_link(struct villain *v, int peer)
{
	size_t n = v->n_links < LINKS_MAX ? v->n_links : LINKS_MAX;

	for (int tries = 0; tries < 20 && n > 0; tries++) {
		size_t i = dice_below(&v->d, (uint32_t)n);

		if (peer < 0 || v->link[i].peer == peer)
			return v->link[i].link;
	}
	return 0;
}

/* Something forged, to one, to some, or to all. */
static void
forge_some(struct play *p, int from, enum forgery what)
{
	struct villain *v = &p->evil->v[from];
	struct kith_buf b;

	kith_buf_init(&b, 0);
	if (forge_make(v->forge, &v->d, what, world_clock(p->w, from).wall_ms, &b)) {
		for (int to = 0; to < p->n_nodes; to++) {
			uint64_t link = (v->victims >> to & 1) != 0 || dice_chance(&v->d, 30) ? some_link(v, to) : 0;

			if (link != 0)
				world_inject(p->w, from, link, KITH_FR_RUN, kith_buf_slice(&b));
		}
	}
	kith_buf_fini(&b);
}

static void
flood(struct play *p, int from)
{
	struct villain *v = &p->evil->v[from];
	uint32_t n = 10 + dice_below(&v->d, 60);
	uint64_t link = some_link(v, -1);
	uint8_t junk[200];

	for (; n > 0; n--) {
		const struct past *x = some_past(v, 0);

		if (x != NULL && dice_chance(&v->d, 80)) {
			world_inject(p->w, from, link, x->type, kith_buf_slice(&x->bytes));
		} else if (dice_chance(&v->d, 5)) {
			dice_fill(&v->d, junk, sizeof(junk));
			world_inject(p->w, from, link, (uint8_t)dice_below(&v->d, 40), kith_slice_of(junk, dice_below(&v->d, sizeof(junk))));
		} else {
			forge_some(p, from, FORGE_FRESH);
		}
	}
}

bool
evil_leaves(struct play *p, int from, int to, uint64_t link, uint8_t type, struct kith_slice frame)
{
	struct villain *v = p->evil != NULL ? &p->evil->v[from] : NULL;
	uint64_t request = UINT64_MAX;
	struct kith_mp_reader r;
	bool victim;

	if (v == NULL)
		return true;
	victim = (v->victims >> to & 1) != 0;
	remember(v, type, frame);
	if (type == KITH_FR_RUN) {
		forge_learn(v->forge, frame);
		kith_mp_read(&r, frame);
		kith_mp_array(&r);
		request = kith_mp_uint(&r);
	}
	if (v->does == 0)
		return true;
	if ((v->does & BIT(EVIL_REPLAY)) != 0 && dice_chance(&v->d, 20)) {
		const struct past *x = some_past(v, 0);

		if (x != NULL)
			world_inject(p->w, from, some_link(v, -1), x->type, kith_buf_slice(&x->bytes));
	}
	if ((v->does & BIT(EVIL_FLOOD)) != 0 && dice_chance(&v->d, 5))
		flood(p, from);
	if ((v->does & BIT(EVIL_BACKDATE)) != 0 && dice_chance(&v->d, 10))
		forge_some(p, from, FORGE_BACKDATED);
	if ((v->does & BIT(EVIL_FORGE)) != 0 && dice_chance(&v->d, 10))
		forge_some(p, from, FORGE_ANY);
	if ((v->does & BIT(EVIL_FUTURE)) != 0 && dice_chance(&v->d, 5))
		forge_some(p, from, FORGE_FUTURE);
	if ((v->does & BIT(EVIL_WITHHOLD)) != 0 && victim && (type == KITH_FR_RUN || type == KITH_FR_OBJECTS || type == KITH_FR_IHAVE ||
	    type == KITH_FR_PROOF || type == KITH_FR_DONE) && dice_chance(&v->d, 70))
		return false;
	if ((v->does & BIT(EVIL_SELECT)) != 0 && victim && (type == KITH_FR_PROOF || (type == KITH_FR_RUN && !forge_is_own(v->forge, frame))))
		return false;
	if ((v->does & BIT(EVIL_LIE)) != 0 && (type == KITH_FR_DIGEST || type == KITH_FR_CLOCKS || type == KITH_FR_IHAVE || type == KITH_FR_SUM ||
	    type == KITH_FR_GROUPS) && dice_chance(&v->d, 60)) {
		send_rewritten(p, from, link, type, frame, 30, UINT64_MAX);
		return false;
	}
	if ((v->does & BIT(EVIL_STALE)) != 0 && type == KITH_FR_RUN && request != 0 && dice_chance(&v->d, 50)) {
		const struct past *x = some_past(v, KITH_FR_RUN);

		if (x != NULL) {
			send_rewritten(p, from, link, type, kith_buf_slice(&x->bytes), 0, request);
			return false;
		}
	}
	if ((v->does & BIT(EVIL_FORK)) != 0 && type == KITH_FR_RUN && victim) {
		struct kith_buf b;
		bool forked;

		kith_buf_init(&b, 0);
		forked = forge_fork(v->forge, &v->d, frame, &b);
		if (forked)
			world_inject(p->w, from, link, type, kith_buf_slice(&b));
		kith_buf_fini(&b);
		return !forked;
	}
	return true;
}

bool
evil_arrives(struct play *p, int from, int to, uint64_t link, uint8_t type, struct kith_slice frame)
{
	struct villain *v = p->evil != NULL ? &p->evil->v[to] : NULL;
	struct kith_mp_reader r;

	(void)from;
	(void)link;
	if (v == NULL || (v->does & BIT(EVIL_DEAF)) == 0 || type != KITH_FR_RUN)
		return true;
	/* whoever hears of no ban goes on as if there were none */
	kith_mp_read(&r, frame);
	kith_mp_array(&r);
	kith_mp_uint(&r);
	return kith_mp_uint(&r) != KITH_CL_AUTHORITY;
}
