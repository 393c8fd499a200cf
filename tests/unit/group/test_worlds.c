#include <stdio.h>

#include "storage/ledger.h"
#include "tests/unit/group/town.h"

/*
 * Random stories: four houses that gossip now and then, honest people, and one
 * house that forks its feeds and backdates. At every step some house compares
 * what it keeps by increments with the pure form; at the end all hold the same
 * and so must agree on everything. A failure prints its seed.
 */
#define HOUSES 4
#define PEOPLE 8

struct story {
	struct town *w;
	uint32_t seed, r;
	struct kith_id role, room;
	struct kith_id said[512];
	size_t n_said;
	struct forged forged[64];
	size_t n_forged;
};

static uint32_t
dice(struct story *s, uint32_t n)
{
	s->r = s->r * 1664525u + 1013904223u;
	return (s->r >> 8) % n;
}

static struct resident *
anybody(struct story *s)
{
	return &s->w->person[dice(s, PEOPLE)];
}

static size_t
home_of(struct story *s, const struct resident *p)
{
	size_t i;

	for (i = 0; i < HOUSES && !kith_id_eq(&s->w->at[i].id, &p->home); i++)
		;
	return i;
}

/* Writing may be refused; what must not happen is anything else. */
static bool
wrote(struct story *s, int r)
{
	if (r != KITH_OK && r != KITH_E_DENIED)
		fail_msg("seed %u: %s", (unsigned)s->seed, kith_err_name(r));
	return r == KITH_OK;
}

static void
note(struct story *s, const struct kith_id *id)
{
	if (s->n_said < 512)
		s->said[s->n_said++] = *id;
}

static void
speak(struct story *s)
{
	struct resident *p = anybody(s);
	size_t at = dice(s, 10) == 0 ? dice(s, HOUSES) : home_of(s, p);
	struct kith_op op = { .has = KITH_OP_BIT(KITH_OP_TARGET) };
	struct kith_id id;
	uint32_t what = dice(s, 10);
	static const uint32_t kinds[] = { KITH_K_EDIT, KITH_K_RECALL, KITH_K_REMOVE, KITH_K_REACT };

	if (what < 6 || s->n_said == 0) {
		if (wrote(s, town_try_say(s->w, at, p, dice(s, 6) == 0 ? &s->room : &s->w->hall, "words", &id)))
			note(s, &id);
		return;
	}
	op.target = s->said[dice(s, (uint32_t)s->n_said)];
	what = kinds[what - 6];
	if (what == KITH_K_REACT) {
		op.has |= KITH_OP_BIT(KITH_OP_ON);
		op.on = true;
	}
	if (wrote(s, town_write(s->w, at, p, what, &op, &id)))
		note(s, &id);
}

static void
come_or_go(struct story *s)
{
	struct kith_op op = { .has = KITH_OP_BIT(KITH_OP_HOW) };
	struct resident *p = anybody(s);
	size_t at = home_of(s, p), to;

	switch (dice(s, 8)) {
	case 0:
		(void)wrote(s, town_write(s->w, at, p, KITH_K_LEAVE, NULL, NULL));
		break;
	case 1:
		if (p->n >= 3)
			break;
		to = dice(s, HOUSES);
		town_doc(s->w, p, to, dice(s, 3) == 0 ? "recovery" : "key", true);
		if (!wrote(s, town_write(s->w, to, p, KITH_K_MOVE, NULL, NULL)))
			(void)wrote(s, town_write(s->w, to, p, KITH_K_JOIN, &op, NULL));
		break;
	default:
		op.how = dice(s, 4) == 0 ? KITH_HOW_ADMITTED : KITH_HOW_OPEN;
		(void)wrote(s, town_write(s->w, at, p, KITH_K_JOIN, &op, NULL));
		break;
	}
}

static int
act(struct story *s, const struct resident *by, const struct kith_id *via, uint32_t kind, const struct kith_op *op)
{
	struct kith_draft d = { .kind = kind, .author = by->uid, .doc = by->doc, .account = by->account, .op = op,
		.lockdown = dice(s, 3) == 0 };
	struct house *h = &s->w->at[home_of(s, by)];

	if (via != NULL)
		d.via = *via;
	s->w->now.wall_ms += 10;
	return kith_group_write(h->g, h->t, s->w->now, &d, &h->c, NULL, NULL, &town_why);
}

static void
govern(struct story *s)
{
	static const uint32_t on_people[] = { KITH_K_BAN, KITH_K_UNBAN, KITH_K_KICK, KITH_K_MUTE, KITH_K_UNMUTE, KITH_K_ADMIT };
	const struct resident *by = dice(s, 2) == 0 ? &s->w->person[0] : anybody(s), *whom = anybody(s);
	const struct kith_id *via = by == &s->w->person[0] ? NULL : &s->role;
	struct kith_op op = town_op_users(0, whom);
	struct kith_slice perm = kith_slice_str(dice(s, 2) == 0 ? "message.send" : "panel.view");
	uint32_t kind;

	switch (dice(s, 6)) {
	case 0:
		op.has |= KITH_OP_BIT(KITH_OP_ROLE);
		op.role = s->role;
		kind = dice(s, 3) == 0 ? KITH_K_ROLE_REVOKE : KITH_K_ROLE_GRANT;
		break;
	case 1:
		op = (struct kith_op){ .has = KITH_OP_BIT(KITH_OP_PANEL) | KITH_OP_BIT(KITH_OP_OPEN), .panel = s->w->hall, .open = dice(s, 3) > 0 };
		kind = KITH_K_PANEL_SET;
		break;
	case 2:
		op = (struct kith_op){ .has = KITH_OP_BIT(KITH_OP_PANEL) | KITH_OP_BIT(KITH_OP_PERMS) | KITH_OP_BIT(KITH_OP_EFFECT),
			.panel = dice(s, 2) == 0 ? s->w->hall : s->room, .perms = &perm, .n_perms = 1, .effect = dice(s, 3) };
		op.has |= KITH_OP_BIT(dice(s, 2) == 0 ? KITH_OP_WHO_USER : KITH_OP_WHO_ROLE);
		op.who_user = whom->uid;
		op.who_role = dice(s, 2) == 0 ? kith_role_member : s->role;
		kind = KITH_K_PANEL_SET;
		break;
	case 3:
		op = (struct kith_op){ .has = KITH_OP_BIT(KITH_OP_NODE), .node = s->w->at[1 + dice(s, HOUSES - 1)].id };
		kind = dice(s, 3) == 0 ? KITH_K_NODE_BAN : KITH_K_NODE_UNBAN;
		break;
	default:
		kind = on_people[dice(s, 6)];
		if ((kind == KITH_K_BAN || kind == KITH_K_MUTE) && dice(s, 3) == 0) {
			op.has |= KITH_OP_BIT(KITH_OP_UNTIL);
			op.until_ms = s->w->now.wall_ms + dice(s, 2000);
		}
		break;
	}
	(void)wrote(s, act(s, by, via, kind, &op));
}

/* House 3 writes what it should not: a second record at a place, in sight of little. Given to somebody else first. */
static void
forge(struct story *s)
{
	struct house *h = &s->w->at[3];
	struct forged *f = &s->forged[s->n_forged];
	const struct resident *p = anybody(s);
	struct kith_feed_tip tip;
	struct kith_ledger_record lr;
	struct kith_record at;
	struct kith_member m;
	struct kith_ledger_key key = { .group = s->w->group, .scope = dice(s, 3) == 0 ? kith_scope_roster : s->w->hall, .node = h->id,
		.incarnation = 1 };
	uint64_t pos, seq;
	uint32_t feedno;
	size_t n;

	if (s->n_forged == 64 || kith_group_feed_tip(h->g, h->t, &key.scope, &h->id, 1, &tip) != KITH_OK || tip.seq == UINT64_MAX ||
	    tip.seq < 1 || kith_group_member(h->g, &p->uid, &m) != KITH_OK)
		return;
	seq = 1 + dice(s, (uint32_t)tip.seq);
	assert_ok(kith_ledger_feed(h->t, &key, false, &feedno));
	assert_ok(kith_ledger_place(h->t, feedno, seq - 1, &pos, 1, &n));
	if (n == 0)
		return;
	assert_ok(kith_ledger_get(h->t, pos, &lr));
	assert_ok(kith_record_parse(lr.header, &at));
	memset(f, 0, sizeof(*f));
	f->r.scope = key.scope;
	f->r.node = h->id;
	f->r.seq = seq;
	f->r.prev = at.id;
	f->r.author = p->uid;
	f->r.doc = m.doc;
	f->r.n_frontier = at.n_frontier;
	memcpy(f->r.frontier, at.frontier, sizeof(at.frontier));
	if (kith_id_eq(&key.scope, &kith_scope_roster)) {
		f->r.kind = KITH_K_JOIN;
		f->op.has = KITH_OP_BIT(KITH_OP_HOW);
	} else {
		f->r.kind = KITH_K_MESSAGE;
		f->r.via = m.membership;
		if (s->n_said > 0 && dice(s, 3) == 0) {
			f->r.kind = dice(s, 2) == 0 ? KITH_K_RECALL : KITH_K_REMOVE;
			f->op.has = KITH_OP_BIT(KITH_OP_TARGET);
			f->op.target = s->said[dice(s, (uint32_t)s->n_said)];
		}
	}
	f->r.clock = (s->w->now.wall_ms << 16) + dice(s, 1000);
	town_forge(s->w, 3, f, NULL);
	s->n_forged++;
	(void)town_run(s->w, dice(s, HOUSES), f, 1);
}

static void
gossip(struct story *s)
{
	size_t from = dice(s, HOUSES), to = dice(s, HOUSES);

	if (from == to)
		return;
	if (dice(s, 6) == 0) {          /* a page from the middle, as a reader asks for it */
		town_batch(s->w, from);
		(void)town_send(s->w, from, to, &s->w->hall, &s->w->at[dice(s, HOUSES)].id, 2 + dice(s, 6), 4, true);
	} else {
		(void)town_carry(s->w, from, to);
	}
}

static void
check(struct story *s, size_t at)
{
	struct kith_diag why = { .text = "" };
	int r;

	town_batch(s->w, at);
	if (dice(s, 2) == 0)
		town_reopen(s->w, at);
	r = kith_group_verify(s->w->at[at].g, s->w->at[at].t, &why);
	if (r != KITH_OK)
		fail_msg("seed %u, house %zu: %s: %s", (unsigned)s->seed, at, kith_err_name(r), why.text);
}

/* ---- all hold the same, and must say the same ---- */

static void
same_table(struct story *s, size_t at, enum kith_table tb)
{
	struct kith_cursor *a, *b;
	struct kith_slice ka, va, kb, vb;
	int ra, rb;

	assert_ok(kith_cursor_open(s->w->at[0].t, tb, &a));
	assert_ok(kith_cursor_open(s->w->at[at].t, tb, &b));
	ra = kith_cursor_seek(a, kith_slice_of("", 1), false, &ka, &va);
	rb = kith_cursor_seek(b, kith_slice_of("", 1), false, &kb, &vb);
	while (ra == KITH_OK && rb == KITH_OK) {
		if (!kith_slice_eq(ka, kb) || !kith_slice_eq(va, vb))
			fail_msg("seed %u: table %d differs in house %zu", (unsigned)s->seed, (int)tb, at);
		ra = kith_cursor_step(a, false, &ka, &va);
		rb = kith_cursor_step(b, false, &kb, &vb);
	}
	assert_int_equal(ra, rb);
	kith_cursor_close(a);
	kith_cursor_close(b);
}

static void
same_verdicts(struct story *s, size_t at)
{
	const uint32_t all = ~(KITH_S_LATE | KITH_S_UNSURE);  /* which go by what was held when it came */
	struct kith_ledger_record lr;
	struct kith_record r;
	uint64_t last, pos;
	uint32_t mine, theirs;

	assert_ok(kith_ledger_last(s->w->at[0].t, &last));
	for (pos = 1; pos <= last; pos++) {
		assert_ok(kith_ledger_get(s->w->at[0].t, pos, &lr));
		assert_ok(kith_record_parse(lr.header, &r));
		assert_ok(kith_ledger_state_get(s->w->at[0].t, pos, &mine));
		if (kith_ledger_get_id(s->w->at[at].t, &r.id, &lr) != KITH_OK)
			fail_msg("seed %u: house %zu has no %s of place %u", (unsigned)s->seed, at, kith_kind_name(r.kind), (unsigned)r.seq);
		assert_ok(kith_ledger_state_get(s->w->at[at].t, lr.pos, &theirs));
		if ((mine & all) != (theirs & all))
			fail_msg("seed %u: house 0 says %x and house %zu %x of a %s", (unsigned)s->seed, (unsigned)mine, at, (unsigned)theirs,
			    kith_kind_name(r.kind));
	}
}

static void
agree(struct story *s)
{
	struct kith_id h0, h;
	size_t i, j;

	for (i = 0; i < HOUSES; i++)
		for (j = 0; j < s->n_forged; j++)
			(void)town_run(s->w, i, &s->forged[j], 1);
	town_carry_all(s->w);
	for (i = 0; i < HOUSES; i++)
		for (j = 0; j < s->n_forged; j++)
			(void)town_run(s->w, i, &s->forged[j], 1);
	town_carry_all(s->w);
	for (i = 0; i < HOUSES; i++)
		check(s, i);
	kith_authority_state_hash(kith_group_authority(s->w->at[0].g), &h0);
	for (i = 1; i < HOUSES; i++) {
		kith_authority_state_hash(kith_group_authority(s->w->at[i].g), &h);
		assert_true(kith_id_eq(&h0, &h));
		same_verdicts(s, i);
		same_table(s, i, KITH_T_FACT);
		same_table(s, i, KITH_T_ROSTER);
		same_table(s, i, KITH_T_GROUP);
	}
}

static void
tell(uint32_t seed, size_t steps)
{
	static const char *const perms[] = { "federation.manage", "join.approve", "member.ban", "member.kick", "member.mute",
		"message.remove", "message.send", "panel.manage", "panel.permissions", "panel.view", "role.manage" };
	struct story s = { .seed = seed, .r = seed * 2654435761u };
	char name[16];
	size_t i;
	uint32_t what, hostile;

	s.w = town_new(HOUSES);
	for (i = 0; i < PEOPLE; i++) {
		(void)snprintf(name, sizeof(name), "p%zu", i);
		(void)town_person(s.w, i % HOUSES, name);
	}
	town_found(s.w, &s.w->person[0], 0);
	s.role = town_role(s.w, 0, &s.w->person[0], 50, perms, sizeof(perms) / sizeof(perms[0]));
	s.room = town_panel(s.w, 0, &s.w->person[0], true);
	(void)town_grant(s.w, 0, &s.w->person[0], &s.role, &s.w->person[1], true);
	(void)town_grant(s.w, 0, &s.w->person[0], &s.role, &s.w->person[2], true);
	town_carry_all(s.w);
	for (i = 0; i < HOUSES; i++) {
		size_t j;

		for (j = 0; j < PEOPLE; j++)
			town_tell(s.w, i, &s.w->person[j]);
	}
	hostile = dice(&s, 2);
	for (i = 0; i < steps; i++) {
		what = dice(&s, 20);
		if (what < 8)
			speak(&s);
		else if (what < 11)
			come_or_go(&s);
		else if (what < 14)
			govern(&s);
		else if (what < 18 || !hostile)
			gossip(&s);
		else
			forge(&s);
		s.w->now.wall_ms += dice(&s, 100);
		if (i % 16 == 15)
			check(&s, dice(&s, HOUSES));
	}
	agree(&s);
	for (i = 0; i < s.n_forged; i++)
		town_forged_fini(&s.forged[i]);
	town_free(s.w);
}

static void
whatever_happens_all_agree(void **state)
{
	const char *range = getenv("KITH_WORLD_SEEDS");
	uint32_t from = 1, to = 60, seed;

	(void)state;
	if (range != NULL && sscanf(range, "%u-%u", &from, &to) != 2)
		fail_msg("KITH_WORLD_SEEDS: A-B");
	for (seed = from; seed <= to; seed++)
		tell(seed, 60 + seed % 5 * 30);
}

static void
and_on_disk_too(void **state)
{
	uint32_t seed;

	(void)state;
	for (seed = 1001; seed <= 1003; seed++)
		tell(seed, 80);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TOWN(whatever_happens_all_agree),
		{ "and_on_disk_too", and_on_disk_too, town_setup_disk, NULL, NULL },
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
