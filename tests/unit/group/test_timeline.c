#include "id/doc.h"
#include "storage/ledger.h"
#include "tests/unit/group/town.h"
#include "wire/mp.h"

/* RULES B3 to B7, B10, B11: what is shown of what was said. */

struct scene {
	struct town *w;
	struct resident *ann, *bob;             /* ann founds at house 0, bob lives at house 1 */
	struct kith_id bobs;
};

static struct scene
begin(size_t nodes)
{
	struct scene s;

	s.w = town_new(nodes);
	s.ann = town_person(s.w, 0, "ann");
	s.bob = town_person(s.w, 1, "bob");
	town_found(s.w, s.ann, 0);
	town_carry_all(s.w);
	s.bobs = town_join(s.w, 1, s.bob);
	town_carry_all(s.w);
	return s;
}

static void
end(struct scene *s)
{
	town_check_all(s->w);
	town_free(s->w);
}

static void
assert_everywhere(struct scene *s, const struct kith_id *id, enum kith_verdict v)
{
	size_t i;

	for (i = 0; i < s->w->n; i++)
		assert_int_equal(town_verdict(s->w, i, id), v);
}

/* A message of bob's by hand, after the given place of his feed (NULL: at its beginning). */
static void
forge_message(struct scene *s, struct forged *f, const struct forged *after)
{
	memset(f, 0, sizeof(*f));
	f->r.kind = KITH_K_MESSAGE;
	f->r.scope = s->w->hall;
	f->r.node = s->w->at[1].id;
	f->r.author = s->bob->uid;
	f->r.doc = s->bob->doc;
	f->r.via = s->bobs;
	town_next(s->w, 1, f);
	if (after != NULL) {
		town_after(f, after);
	} else {
		f->r.seq = 0;
		f->r.prev = kith_id_none;
	}
	s->w->now.wall_ms += 10;
	f->r.clock = s->w->now.wall_ms << 16 | (s->w->dice++ & 0xff);
	town_forge(s->w, 1, f, NULL);
}

/* ---- B3 ---- */

static void
speaking_asks_voice_an_open_panel_and_the_permission(void **state)
{
	struct scene s = begin(2);
	struct kith_op users = town_op_users(0, s.bob), open = { .has = KITH_OP_BIT(KITH_OP_PANEL) | KITH_OP_BIT(KITH_OP_OPEN) };
	struct kith_id m;

	(void)state;
	(void)town_act(s.w, 0, s.ann, NULL, KITH_K_MUTE, &users);
	town_carry_all(s.w);
	assert_int_equal(town_try_say(s.w, 1, s.bob, &s.w->hall, "x", &m), KITH_E_DENIED);
	assert_string_equal(town_why, "voice");
	assert_true(town_is_member(s.w, 1, s.bob));
	(void)town_act(s.w, 0, s.ann, NULL, KITH_K_UNMUTE, &users);
	town_carry_all(s.w);
	(void)town_say(s.w, 1, s.bob, "I have a voice");
	open.panel = s.w->hall;
	(void)town_act(s.w, 0, s.ann, NULL, KITH_K_PANEL_SET, &open);
	town_carry_all(s.w);
	assert_int_equal(town_try_say(s.w, 1, s.bob, &s.w->hall, "x", &m), KITH_E_DENIED);
	assert_string_equal(town_why, "panel");
	(void)town_say(s.w, 0, s.ann, "owners may");
	open.open = true;
	(void)town_act(s.w, 0, s.ann, NULL, KITH_K_PANEL_SET, &open);
	(void)town_override(s.w, 0, s.ann, &s.w->hall, &kith_role_member, NULL, "message.send", 2);
	town_carry_all(s.w);
	assert_int_equal(town_try_say(s.w, 1, s.bob, &s.w->hall, "x", &m), KITH_E_DENIED);
	assert_string_equal(town_why, "permission");
	(void)town_override(s.w, 0, s.ann, &s.w->hall, NULL, s.bob, "message.send", 1);        /* the person's beats the role's */
	town_carry_all(s.w);
	(void)town_say(s.w, 1, s.bob, "I am let");
	end(&s);
}

static void
nobody_speaks_in_a_panel_that_is_not(void **state)
{
	struct scene s = begin(2);
	struct kith_op op = { .has = KITH_OP_BIT(KITH_OP_PANEL), .panel = s.w->hall };
	struct kith_id none = kit_id("no panel"), m, before = town_say(s.w, 1, s.bob, "before");

	(void)state;
	assert_int_equal(town_try_say(s.w, 0, s.ann, &none, "x", &m), KITH_E_DENIED);
	assert_string_equal(town_why, "panel");
	(void)town_act(s.w, 0, s.ann, NULL, KITH_K_PANEL_DELETE, &op);
	town_carry_all(s.w);
	assert_int_equal(town_try_say(s.w, 1, s.bob, &s.w->hall, "x", &m), KITH_E_DENIED);
	assert_everywhere(&s, &before, KITH_V_VISIBLE);
	end(&s);
}

/* ---- B4, B5, B7 ---- */

static void
a_ban_hides_what_is_beyond_its_cut_and_keeps_the_rest(void **state)
{
	struct scene s = begin(3);
	struct kith_id shown = town_say(s.w, 1, s.bob, "seen by all"), unseen;

	(void)state;
	town_carry_all(s.w);
	unseen = town_say(s.w, 1, s.bob, "not carried yet");
	(void)town_ban(s.w, 0, s.ann, s.bob);
	town_carry_all(s.w);
	assert_everywhere(&s, &shown, KITH_V_VISIBLE);
	assert_everywhere(&s, &unseen, KITH_V_HIDDEN);
	assert_int_equal(town_state(s.w, 1, &unseen), KITH_S_HIDDEN);
	end(&s);
}

static void
what_a_ban_hid_comes_back_when_the_ban_falls(void **state)
{
	struct scene s = begin(3);
	static const char *const perms[] = { "member.ban", "role.manage" };
	struct resident *mod = town_person(s.w, 2, "mod");
	struct kith_op users = town_op_users(0, s.bob);
	struct kith_id role, unseen;

	(void)state;
	(void)town_join(s.w, 2, mod);
	town_carry_all(s.w);
	role = town_role(s.w, 0, s.ann, 50, perms, 2);
	(void)town_grant(s.w, 0, s.ann, &role, mod, true);
	town_carry_all(s.w);
	unseen = town_say(s.w, 1, s.bob, "while mod looks away");
	(void)town_act(s.w, 2, mod, &role, KITH_K_BAN, &users);
	town_carry(s.w, 2, 1);
	assert_int_equal(town_verdict(s.w, 1, &unseen), KITH_V_HIDDEN);
	town_forget_changes(s.w, 1);
	(void)town_grant(s.w, 0, s.ann, &role, mod, false);     /* unseen by the ban, and its senior */
	town_carry(s.w, 0, 1);
	assert_int_equal(town_verdict(s.w, 1, &unseen), KITH_V_VISIBLE);
	assert_int_equal(town_changes(s.w, 1, KITH_C_SHOWN), 1);
	town_carry_all(s.w);
	assert_everywhere(&s, &unseen, KITH_V_VISIBLE);
	end(&s);
}

static void
a_denial_for_all_binds_who_has_seen_it_and_in_a_lockdown_the_unseen_too(void **state)
{
	struct scene s = begin(2);
	struct kith_op open = { .has = KITH_OP_BIT(KITH_OP_PANEL) | KITH_OP_BIT(KITH_OP_OPEN), .panel = s.w->hall };
	struct kith_draft d = { .kind = KITH_K_PANEL_SET, .author = s.ann->uid, .doc = s.ann->doc, .account = s.ann->account, .op = &open,
		.lockdown = true };
	struct kith_id unseen = town_say(s.w, 1, s.bob, "I did not know"), later;

	(void)state;
	(void)town_act(s.w, 0, s.ann, NULL, KITH_K_PANEL_SET, &open);
	town_carry_all(s.w);
	assert_everywhere(&s, &unseen, KITH_V_VISIBLE);
	open.open = true;
	(void)town_act(s.w, 0, s.ann, NULL, KITH_K_PANEL_SET, &open);
	town_carry_all(s.w);
	later = town_say(s.w, 1, s.bob, "nor this time");
	open.open = false;
	assert_ok(kith_group_write(s.w->at[0].g, s.w->at[0].t, s.w->now, &d, &s.w->at[0].c, NULL, NULL, &town_why));
	town_carry_all(s.w);
	assert_everywhere(&s, &unseen, KITH_V_VISIBLE);
	assert_everywhere(&s, &later, KITH_V_HIDDEN);
	end(&s);
}

static void
a_cut_that_names_a_record_of_another_feed_names_nothing(void **state)
{
	struct scene s = begin(2);
	struct kith_id m = town_say(s.w, 1, s.bob, "hello"), cut_id, ban;
	struct kith_cut_tip tip = { .seq = 100 }, join = { .seq = 1, .id = s.bobs };
	struct kith_cut_feed cf[] = {
		{ .scope = kith_scope_roster, .node = s.w->at[1].id, .incarnation = 1, .tip = &join, .n_tips = 1 },
		{ .scope = s.w->hall, .node = s.w->at[1].id, .incarnation = 1, .tip = &tip, .n_tips = 1 },
	};
	struct kith_cut cut = { .feed = cf, .n_feeds = 2 };
	struct kith_op op = town_op_users(KITH_OP_BIT(KITH_OP_CUT), s.bob);
	struct kith_buf raw;

	(void)state;
	town_carry_all(s.w);
	tip.id = s.bobs;                                        /* of the roster */
	kith_buf_init(&raw, 0);
	assert_ok(kith_cut_make(&cut, &raw, &cut_id));
	assert_ok(kith_group_object(s.w->at[0].g, s.w->at[0].t, s.w->now, KITH_O_CUT, kith_buf_slice(&raw), true, &s.w->at[0].c,
	    &s.w->at[0].m));
	op.cut = cut_id;
	ban = town_act(s.w, 0, s.ann, NULL, KITH_K_BAN, &op);
	(void)ban;
	town_carry_all(s.w);
	assert_everywhere(&s, &m, KITH_V_HIDDEN);
	kith_buf_fini(&raw);
	end(&s);
}

static void
where_a_cut_names_what_is_not_held_place_decides_until_it_comes(void **state)
{
	struct scene s = begin(2);
	struct kith_id first = town_say(s.w, 1, s.bob, "one"), second = town_say(s.w, 1, s.bob, "two"), cut_id;
	struct forged elsewhere;
	struct kith_cut_tip tip = { .seq = 0 }, join = { .seq = 1, .id = s.bobs };
	struct kith_cut_feed cf[] = {
		{ .scope = kith_scope_roster, .node = s.w->at[1].id, .incarnation = 1, .tip = &join, .n_tips = 1 },
		{ .scope = s.w->hall, .node = s.w->at[1].id, .incarnation = 1, .tip = &tip, .n_tips = 1 },
	};
	struct kith_cut cut = { .feed = cf, .n_feeds = 2 };
	struct kith_op op = town_op_users(KITH_OP_BIT(KITH_OP_CUT), s.bob);
	struct kith_buf raw;

	(void)state;
	town_carry_all(s.w);
	/* a record of house 1 in another panel, which nobody holds yet */
	memset(&elsewhere, 0, sizeof(elsewhere));
	elsewhere.r.kind = KITH_K_MESSAGE;
	elsewhere.r.scope = town_panel(s.w, 0, s.ann, false);
	town_carry_all(s.w);
	elsewhere.r.author = s.bob->uid;
	elsewhere.r.doc = s.bob->doc;
	elsewhere.r.via = s.bobs;
	town_next(s.w, 1, &elsewhere);
	town_forge(s.w, 1, &elsewhere, NULL);
	tip.id = elsewhere.r.id;
	kith_buf_init(&raw, 0);
	assert_ok(kith_cut_make(&cut, &raw, &cut_id));
	assert_ok(kith_group_object(s.w->at[0].g, s.w->at[0].t, s.w->now, KITH_O_CUT, kith_buf_slice(&raw), true, &s.w->at[0].c,
	    &s.w->at[0].m));
	op.cut = cut_id;
	(void)town_act(s.w, 0, s.ann, NULL, KITH_K_BAN, &op);
	assert_int_equal(town_verdict(s.w, 0, &first), KITH_V_VISIBLE);
	assert_int_equal(town_verdict(s.w, 0, &second), KITH_V_HIDDEN);
	town_reopen(s.w, 0);                                    /* what the name was taken for is remembered */
	assert_ok(town_run(s.w, 0, &elsewhere, 1));
	assert_int_equal(town_verdict(s.w, 0, &first), KITH_V_HIDDEN);
	town_carry_all(s.w);
	assert_everywhere(&s, &first, KITH_V_HIDDEN);
	kith_buf_fini(&raw);
	town_forged_fini(&elsewhere);
	end(&s);
}

/* ---- B6 ---- */

static void
both_sides_of_a_fork_are_kept_and_reported(void **state)
{
	struct scene s = begin(3);
	struct forged a, b, after;
	struct kith_feed_tip tip;
	struct kith_ledger_key key = { .group = s.w->group, .scope = s.w->hall, .node = s.w->at[1].id, .incarnation = 1 };
	struct kith_slice proof;
	uint32_t feedno;

	(void)state;
	forge_message(&s, &a, NULL);
	forge_message(&s, &b, NULL);
	forge_message(&s, &after, &a);
	town_forget_changes(s.w, 0);
	assert_ok(town_run(s.w, 0, &a, 1));
	assert_int_equal(town_changes(s.w, 0, KITH_C_FORK), 0);
	assert_ok(town_run(s.w, 0, &b, 1));
	assert_int_equal(town_changes(s.w, 0, KITH_C_FORK), 1);
	assert_ok(town_run(s.w, 0, &after, 1));
	assert_int_equal(town_verdict(s.w, 0, &a.r.id), KITH_V_VISIBLE);
	assert_int_equal(town_verdict(s.w, 0, &b.r.id), KITH_V_VISIBLE);
	assert_ok(kith_group_feed_tip(s.w->at[0].g, s.w->at[0].t, &s.w->hall, &s.w->at[1].id, 1, &tip));
	assert_true(tip.forked);
	assert_int_equal(tip.seq, 1);
	assert_ok(kith_ledger_feed(s.w->at[0].t, &key, false, &feedno));
	assert_ok(kith_ledger_proof_get(s.w->at[0].t, feedno, &proof));
	town_carry_all(s.w);                                    /* the fork travels */
	assert_int_equal(town_verdict(s.w, 2, &a.r.id), KITH_V_VISIBLE);
	assert_int_equal(town_verdict(s.w, 2, &b.r.id), KITH_V_VISIBLE);
	assert_int_equal(town_verdict(s.w, 2, &after.r.id), KITH_V_VISIBLE);
	town_forged_fini(&a);
	town_forged_fini(&b);
	town_forged_fini(&after);
	end(&s);
}

static int
by_id(const void *x, const void *y)
{
	const struct forged *const *a = x, *const *b = y;

	return kith_id_cmp(&(*a)->r.id, &(*b)->r.id);
}

static void
eight_branches_count_whatever_came_first(void **state)
{
	struct scene s = begin(2);
	struct forged f[12], *sorted[12];
	size_t i;

	(void)state;
	for (i = 0; i < 12; i++) {
		forge_message(&s, &f[i], NULL);
		sorted[i] = &f[i];
	}
	for (i = 0; i < 12; i++) {
		assert_ok(town_run(s.w, 0, &f[i], 1));
		assert_ok(town_run(s.w, 1, &f[11 - i], 1));
	}
	qsort(sorted, 12, sizeof(sorted[0]), by_id);
	for (i = 0; i < 12; i++) {
		assert_everywhere(&s, &sorted[i]->r.id, i < 8 ? KITH_V_VISIBLE : KITH_V_HIDDEN);
		assert_int_equal(town_state(s.w, 0, &sorted[i]->r.id), i < 8 ? 0 : KITH_S_HIDDEN | KITH_S_SIDE);
	}
	for (i = 0; i < 12; i++)
		town_forged_fini(&f[i]);
	end(&s);
}

static void
a_branch_that_a_cut_names_counts_too(void **state)
{
	struct scene s = begin(2);
	struct resident *cat = town_person(s.w, 0, "cat");
	struct forged f[9], *sorted[9];
	struct kith_cut_tip tip = { .seq = 0 };
	struct kith_cut_feed cf = { .scope = s.w->hall, .node = s.w->at[1].id, .incarnation = 1, .tip = &tip, .n_tips = 1 };
	struct kith_cut cut = { .feed = &cf, .n_feeds = 1 };
	struct kith_op op;
	struct kith_buf raw;
	size_t i;

	(void)state;
	(void)town_join(s.w, 0, cat);
	for (i = 0; i < 9; i++) {
		forge_message(&s, &f[i], NULL);
		sorted[i] = &f[i];
		assert_ok(town_run(s.w, 0, &f[i], 1));
	}
	qsort(sorted, 9, sizeof(sorted[0]), by_id);
	assert_int_equal(town_verdict(s.w, 0, &sorted[8]->r.id), KITH_V_HIDDEN);
	tip.id = sorted[8]->r.id;
	kith_buf_init(&raw, 0);
	op = town_op_users(KITH_OP_BIT(KITH_OP_CUT), cat);      /* whatever the act is about */
	assert_ok(kith_cut_make(&cut, &raw, &op.cut));
	assert_ok(kith_group_object(s.w->at[0].g, s.w->at[0].t, s.w->now, KITH_O_CUT, kith_buf_slice(&raw), true, &s.w->at[0].c,
	    &s.w->at[0].m));
	(void)town_act(s.w, 0, s.ann, NULL, KITH_K_BAN, &op);
	for (i = 0; i < 9; i++)
		assert_int_equal(town_verdict(s.w, 0, &sorted[i]->r.id), KITH_V_VISIBLE);
	for (i = 0; i < 9; i++)
		town_forged_fini(&f[i]);
	kith_buf_fini(&raw);
	end(&s);
}

static void
what_stands_under_a_membership_that_does_not_count_is_not_followed(void **state)
{
	struct scene s = begin(2);
	struct resident *dan = town_person(s.w, 1, "dan");
	struct kith_feed_tip tip;
	struct forged join[10], *sorted[10], msg;
	size_t i;

	(void)state;
	town_tell(s.w, 0, dan);
	/* ten joins of dan at one place of house 1's roster; the ids decide which eight count */
	assert_ok(kith_group_feed_tip(s.w->at[1].g, s.w->at[1].t, &kith_scope_roster, &s.w->at[1].id, 1, &tip));
	for (i = 0; i < 10; i++) {
		memset(&join[i], 0, sizeof(join[i]));
		join[i].r.scope = kith_scope_roster;
		join[i].r.kind = KITH_K_JOIN;
		join[i].r.author = dan->uid;
		join[i].r.doc = dan->doc;
		join[i].op.has = KITH_OP_BIT(KITH_OP_HOW);
		join[i].r.node = s.w->at[1].id;
		town_next(s.w, 1, &join[i]);
		join[i].r.clock = (s.w->now.wall_ms << 16) + i;
		town_forge(s.w, 1, &join[i], NULL);
		sorted[i] = &join[i];
		assert_ok(town_run(s.w, 0, &join[i], 1));
	}
	qsort(sorted, 10, sizeof(sorted[0]), by_id);
	for (i = 0; i < 10; i++)
		assert_int_equal(town_verdict(s.w, 0, &sorted[i]->r.id), i < 8 ? KITH_V_VISIBLE : KITH_V_HIDDEN);
	memset(&msg, 0, sizeof(msg));
	msg.r.scope = s.w->hall;
	msg.r.kind = KITH_K_MESSAGE;
	msg.r.node = s.w->at[1].id;
	msg.r.author = dan->uid;
	msg.r.doc = dan->doc;
	msg.r.via = sorted[9]->r.id;
	town_next(s.w, 1, &msg);
	town_forge(s.w, 1, &msg, NULL);
	assert_ok(town_run(s.w, 0, &msg, 1));
	assert_int_equal(town_verdict(s.w, 0, &msg.r.id), KITH_V_HIDDEN);
	assert_int_equal(town_state(s.w, 0, &msg.r.id), KITH_S_HIDDEN | KITH_S_SIDE);
	town_forged_fini(&msg);
	for (i = 0; i < 10; i++)
		town_forged_fini(&join[i]);
	end(&s);
}

/* ---- B10 ---- */

static void
a_recall_erases_its_own_authors_message(void **state)
{
	struct scene s = begin(2);
	struct kith_id m = town_say(s.w, 1, s.bob, "oh no"), other = town_say(s.w, 0, s.ann, "mine"), edit, r;

	(void)state;
	edit = town_on(s.w, 1, s.bob, KITH_K_EDIT, &m);
	town_carry_all(s.w);
	assert_int_equal(town_state(s.w, 0, &m), KITH_S_EDITED);
	assert_true(town_has_body(s.w, 0, &m) && town_has_body(s.w, 0, &edit));
	r = town_on(s.w, 1, s.bob, KITH_K_RECALL, &m);
	(void)town_on(s.w, 1, s.bob, KITH_K_RECALL, &other);
	town_forget_changes(s.w, 0);
	town_carry_all(s.w);
	assert_int_equal(town_state(s.w, 0, &m), KITH_S_EDITED | KITH_S_RECALLED);
	assert_int_equal(town_state(s.w, 0, &edit), KITH_S_RECALLED);
	assert_int_equal(town_state(s.w, 0, &other), 0);
	assert_false(town_has_body(s.w, 0, &m) || town_has_body(s.w, 0, &edit));
	assert_int_equal(town_changes(s.w, 0, KITH_C_ERASED), 2);
	assert_everywhere(&s, &m, KITH_V_VISIBLE);
	assert_everywhere(&s, &r, KITH_V_VISIBLE);
	end(&s);
}

static void
a_recall_counts_whichever_came_first(void **state)
{
	struct scene s = begin(3);
	struct kith_id r, m = town_say(s.w, 0, s.ann, "oh no");

	(void)state;
	town_carry_all(s.w);
	/* ann moves to house 2 and recalls there; house 1 gets that feed first, and only then hers */
	town_doc(s.w, s.ann, 2, "key", true);
	assert_ok(town_write(s.w, 2, s.ann, KITH_K_MOVE, NULL, NULL));
	r = town_on(s.w, 2, s.ann, KITH_K_RECALL, &m);
	town_carry_all(s.w);
	assert_everywhere(&s, &r, KITH_V_VISIBLE);
	assert_int_equal(town_state(s.w, 1, &m), KITH_S_RECALLED);
	end(&s);
	/* and a node that is offered the recall before the message */
	s = begin(3);
	m = town_say(s.w, 0, s.ann, "oh no");
	town_doc(s.w, s.ann, 1, "key", true);
	town_carry(s.w, 0, 1);
	assert_ok(town_write(s.w, 1, s.ann, KITH_K_MOVE, NULL, NULL));
	r = town_on(s.w, 1, s.ann, KITH_K_RECALL, &m);
	town_batch(s.w, 1);
	town_tell(s.w, 2, s.ann);
	(void)town_send(s.w, 1, 2, &kith_scope_roster, &s.w->at[0].id, 0, 512, false);
	assert_ok(town_send(s.w, 1, 2, &kith_scope_roster, &s.w->at[1].id, 0, 512, false));
	assert_ok(town_send(s.w, 1, 2, &s.w->hall, &s.w->at[1].id, 0, 512, false));
	assert_int_equal(town_verdict(s.w, 2, &r), KITH_V_VISIBLE);
	assert_int_equal(town_verdict(s.w, 2, &m), KITH_V_UNKNOWN);
	town_carry(s.w, 0, 2);
	assert_int_equal(town_state(s.w, 2, &m), KITH_S_RECALLED);
	assert_false(town_has_body(s.w, 2, &m));
	end(&s);
}

static struct kith_id
moderator(struct scene *s, struct resident *mod)
{
	static const char *const perms[] = { "message.remove" };
	struct kith_id role = town_role(s->w, 0, s->ann, 50, perms, 1);

	(void)town_grant(s->w, 0, s->ann, &role, mod, true);
	town_carry_all(s->w);
	return role;
}

static void
a_removal_sets_aside_and_gives_back_when_it_falls(void **state)
{
	struct scene s = begin(3);
	struct resident *mod = town_person(s.w, 2, "mod");
	struct kith_id m, gone, r;
	struct kith_arena *a = kith_arena_new(1u << 20);
	struct kith_item *item;
	size_t n;

	(void)state;
	(void)town_join(s.w, 2, mod);
	town_carry_all(s.w);
	(void)moderator(&s, mod);
	m = town_say(s.w, 1, s.bob, "something bad");
	town_carry_all(s.w);
	gone = town_say(s.w, 1, s.bob, "something else");
	r = town_on(s.w, 2, mod, KITH_K_REMOVE, &m);
	town_carry_all(s.w);
	assert_everywhere(&s, &r, KITH_V_VISIBLE);
	assert_int_equal(town_state(s.w, 0, &m), KITH_S_REMOVED);
	assert_true(town_has_body(s.w, 0, &m));                 /* kept, and served to nobody */
	assert_ok(kith_group_range(s.w->at[0].g, s.w->at[0].t, &s.w->hall, &s.w->at[1].id, 1, 0, 10, a, &item, &n));
	assert_int_equal(n, 2);
	assert_int_equal(item[0].body.n, 0);
	assert_true(item[1].body.n > 0);
	/* mod is banned, and the cut is from before the removal */
	town_forget_changes(s.w, 1);
	{
		struct kith_op op = town_op_users(KITH_OP_BIT(KITH_OP_CUT), mod);
		struct kith_cut none = { .n_feeds = 0 };
		struct kith_buf raw;

		kith_buf_init(&raw, 0);
		assert_ok(kith_cut_make(&none, &raw, &op.cut));
		assert_ok(kith_group_object(s.w->at[0].g, s.w->at[0].t, s.w->now, KITH_O_CUT, kith_buf_slice(&raw), true,
		    &s.w->at[0].c, &s.w->at[0].m));
		(void)town_act(s.w, 0, s.ann, NULL, KITH_K_BAN, &op);
		kith_buf_fini(&raw);
	}
	town_carry_all(s.w);
	assert_everywhere(&s, &r, KITH_V_HIDDEN);
	assert_int_equal(town_state(s.w, 1, &m), 0);
	assert_int_equal(town_changes(s.w, 1, KITH_C_RESTORED), 1);
	assert_int_equal(town_state(s.w, 1, &gone), 0);
	kith_arena_free(a);
	end(&s);
}

static void
a_removal_asks_for_a_role_and_not_for_a_voice(void **state)
{
	struct scene s = begin(2);
	struct kith_op op = { .has = KITH_OP_BIT(KITH_OP_TARGET) }, users = town_op_users(0, s.bob);
	struct kith_id m = town_say(s.w, 0, s.ann, "hello"), own = town_say(s.w, 1, s.bob, "mine");

	(void)state;
	town_carry_all(s.w);
	op.target = m;
	assert_int_equal(town_write(s.w, 1, s.bob, KITH_K_REMOVE, &op, NULL), KITH_E_DENIED);
	assert_string_equal(town_why, "permission");
	(void)moderator(&s, s.bob);
	(void)town_act(s.w, 0, s.ann, NULL, KITH_K_MUTE, &users);
	town_carry_all(s.w);
	assert_ok(town_write(s.w, 1, s.bob, KITH_K_REMOVE, &op, NULL));
	op.target = own;
	assert_ok(town_write(s.w, 1, s.bob, KITH_K_RECALL, &op, NULL));         /* nor does a recall */
	town_carry_all(s.w);
	assert_int_equal(town_state(s.w, 0, &m), KITH_S_REMOVED);
	assert_int_equal(town_state(s.w, 0, &own), KITH_S_RECALLED);
	end(&s);
}

static void
a_removed_body_is_erased_when_it_is_due(void **state)
{
	struct scene s = begin(2);
	struct kith_id m = town_say(s.w, 1, s.bob, "something bad");
	struct kith_cursor *c;
	struct kith_slice k, v;
	struct kith_mp_reader rd;
	uint64_t type;
	uint8_t payload[64];

	(void)state;
	town_carry_all(s.w);
	(void)town_on(s.w, 0, s.ann, KITH_K_REMOVE, &m);
	assert_ok(kith_cursor_open(s.w->at[0].t, KITH_T_DUE, &c));
	assert_ok(kith_cursor_seek(c, kith_slice_of("", 1), false, &k, &v));
	assert_int_equal(kith_get_be64(k.p), s.w->now.wall_ms + UINT64_C(7) * 24 * 3600 * 1000);
	kith_mp_read(&rd, v);
	kith_mp_array_exact(&rd, 2);
	type = kith_mp_uint(&rd);
	kith_mp_bin_exact(&rd, payload, sizeof(payload));
	assert_true(kith_mp_done(&rd));
	kith_cursor_close(c);
	assert_int_equal(type, KITH_DUE_ERASE);
	assert_true(town_has_body(s.w, 0, &m));
	assert_ok(kith_group_due(s.w->at[0].g, s.w->at[0].t, s.w->now, (uint32_t)type, kith_slice_of(payload, 64), &s.w->at[0].c));
	assert_false(town_has_body(s.w, 0, &m));
	assert_int_equal(kith_group_due(s.w->at[0].g, s.w->at[0].t, s.w->now, 99, kith_slice_of(payload, 64), &s.w->at[0].c),
	    KITH_E_MALFORMED);
	assert_int_equal(kith_group_due(s.w->at[0].g, s.w->at[0].t, s.w->now, KITH_DUE_ERASE, kith_slice_of(payload, 63), &s.w->at[0].c),
	    KITH_E_MALFORMED);
	end(&s);
}

/* ---- B11 ---- */

static void
a_timed_mute_binds_until_its_end(void **state)
{
	struct scene s = begin(2);
	struct kith_op op = town_op_users(KITH_OP_BIT(KITH_OP_UNTIL), s.bob);
	struct kith_id m, beyond;

	(void)state;
	(void)town_say(s.w, 1, s.bob, "before");
	town_carry_all(s.w);
	beyond = town_say(s.w, 1, s.bob, "not yet known");
	op.until_ms = s.w->now.wall_ms + 5000;
	(void)town_act(s.w, 0, s.ann, NULL, KITH_K_MUTE, &op);
	town_carry_all(s.w);
	assert_everywhere(&s, &beyond, KITH_V_HIDDEN);
	assert_int_equal(town_try_say(s.w, 1, s.bob, &s.w->hall, "x", &m), KITH_E_DENIED);
	s.w->now.wall_ms = op.until_ms;
	m = town_say(s.w, 1, s.bob, "I may again");
	town_carry_all(s.w);
	assert_everywhere(&s, &m, KITH_V_VISIBLE);
	end(&s);
}

/* ---- late; pages of history ---- */

static void
what_is_dated_far_below_what_it_had_seen_is_late(void **state)
{
	struct scene s = begin(2);
	struct forged f = { .r = { .kind = KITH_K_MESSAGE } };
	struct kith_id m;

	(void)state;
	s.w->now.wall_ms += 200 * 1000;
	m = town_say(s.w, 0, s.ann, "now");
	town_carry_all(s.w);
	f.r.scope = s.w->hall;
	f.r.author = s.bob->uid;
	f.r.doc = s.bob->doc;
	f.r.via = s.bobs;
	f.r.n_parents = 1;
	f.r.parents[0] = m;
	town_next(s.w, 1, &f);
	f.r.clock = (s.w->now.wall_ms - 120 * 1000) << 16;
	town_forge(s.w, 1, &f, NULL);
	assert_ok(town_run(s.w, 0, &f, 1));
	assert_int_equal(town_state(s.w, 0, &f.r.id), KITH_S_LATE);
	assert_int_equal(town_verdict(s.w, 0, &f.r.id), KITH_V_VISIBLE);
	town_forged_fini(&f);
	end(&s);
}

static void
a_page_above_a_gap_is_shown_provisionally_and_judged_when_the_gap_fills(void **state)
{
	struct scene s = begin(3);
	struct kith_id m[600];
	struct kith_feed_tip tip;
	size_t i;

	(void)state;
	for (i = 0; i < 600; i++) {
		m[i] = town_say(s.w, 1, s.bob, "one of many");
		town_batch(s.w, 1);
	}
	assert_int_equal(town_send(s.w, 1, 2, &s.w->hall, &s.w->at[1].id, 500, 100, false), KITH_E_MISSING);
	assert_ok(kith_group_tick(s.w->at[2].g, s.w->at[2].t, (struct kith_now){ s.w->now.mono_ms + 11 * 60 * 1000, s.w->now.wall_ms },
	    &s.w->at[2].c, &(uint64_t){ 0 }));
	assert_int_equal(town_verdict(s.w, 2, &m[599]), KITH_V_UNKNOWN);
	assert_ok(town_send(s.w, 1, 2, &s.w->hall, &s.w->at[1].id, 500, 100, true));
	assert_int_equal(s.w->at[2].res.stored, 100);
	assert_int_equal(town_verdict(s.w, 2, &m[599]), KITH_V_WAITING);
	assert_int_equal(town_state(s.w, 2, &m[500]), KITH_S_WAITING);
	assert_ok(kith_group_feed_tip(s.w->at[2].g, s.w->at[2].t, &s.w->hall, &s.w->at[1].id, 1, &tip));
	assert_int_equal(tip.seq, UINT64_MAX);
	assert_int_equal(tip.top_seq, 599);
	assert_ok(town_send(s.w, 1, 2, &s.w->hall, &s.w->at[1].id, 300, 200, true));
	town_check(s.w, 2);
	assert_ok(town_send(s.w, 1, 2, &s.w->hall, &s.w->at[1].id, 0, 300, false));     /* up to a signature */
	assert_int_equal(s.w->at[2].res.stored, 256);
	assert_ok(town_send(s.w, 1, 2, &s.w->hall, &s.w->at[1].id, 256, 300, false));
	for (i = 0; i < 600; i++)
		assert_int_equal(town_verdict(s.w, 2, &m[i]), KITH_V_VISIBLE);
	assert_ok(kith_group_feed_tip(s.w->at[2].g, s.w->at[2].t, &s.w->hall, &s.w->at[1].id, 1, &tip));
	assert_int_equal(tip.seq, 599);
	end(&s);
}

static void
a_page_may_rest_on_a_membership_that_is_not_known_yet(void **state)
{
	struct scene s = begin(3);
	struct resident *dan = town_person(s.w, 1, "dan");
	struct kith_id first, m;

	(void)state;
	(void)town_join(s.w, 1, dan);
	first = town_say(s.w, 1, dan, "one");
	town_batch(s.w, 1);
	m = town_say(s.w, 1, dan, "two");
	town_batch(s.w, 1);
	assert_ok(town_send(s.w, 1, 2, &s.w->hall, &s.w->at[1].id, 1, 1, true));
	assert_int_equal(town_verdict(s.w, 2, &m), KITH_V_WAITING);
	assert_ok(town_send(s.w, 1, 2, &s.w->hall, &s.w->at[1].id, 0, 1, false));
	assert_int_equal(town_verdict(s.w, 2, &first), KITH_V_WAITING);
	assert_ok(town_send(s.w, 1, 2, &kith_scope_roster, &s.w->at[1].id, 0, 512, false));
	assert_int_equal(town_verdict(s.w, 2, &first), KITH_V_VISIBLE);
	assert_int_equal(town_verdict(s.w, 2, &m), KITH_V_VISIBLE);
	end(&s);
}

/* ---- private panels ---- */

static void
a_private_panel_lets_in_whom_it_names_and_cuts_speak_of_it_in_parts(void **state)
{
	struct scene s = begin(3);
	struct resident *cat = town_person(s.w, 2, "cat");
	struct kith_id room, inside, beyond, m, ban;
	struct kith_ledger_record lr;
	struct kith_record r;
	struct kith_arena *a = kith_arena_new(1u << 20);
	struct kith_op op;
	struct kith_id parts[4];

	(void)state;
	(void)town_join(s.w, 2, cat);
	town_carry_all(s.w);
	room = town_panel(s.w, 0, s.ann, true);
	(void)town_override(s.w, 0, s.ann, &room, NULL, s.bob, "panel.view", 1);
	town_carry_all(s.w);
	assert_int_equal(town_try_say(s.w, 2, cat, &room, "x", &m), KITH_E_DENIED);
	assert_ok(town_try_say(s.w, 1, s.bob, &room, "among us", &inside));
	assert_true(kith_group_node_sees(s.w->at[0].g, &s.w->at[1].id, &room));
	assert_false(kith_group_node_sees(s.w->at[0].g, &s.w->at[2].id, &room));
	town_carry(s.w, 1, 0);
	assert_ok(town_try_say(s.w, 1, s.bob, &room, "unseen", &beyond));
	ban = town_ban(s.w, 0, s.ann, s.bob);
	assert_ok(kith_ledger_get_id(s.w->at[0].t, &ban, &lr));
	assert_ok(kith_record_parse(lr.header, &r));
	assert_ok(kith_op_parse(r.kind, r.op, a, &op));
	assert_int_equal(kith_group_record_parts(s.w->at[0].g, s.w->at[0].t, &op, &s.w->at[2].id, parts, 4), 0);
	town_carry(s.w, 1, 0);
	town_carry(s.w, 0, 1);
	assert_int_equal(town_verdict(s.w, 0, &inside), KITH_V_VISIBLE);
	assert_int_equal(town_verdict(s.w, 0, &beyond), KITH_V_HIDDEN);
	/* and through a role */
	{
		struct kith_id role = town_role(s.w, 0, s.ann, 10, (const char *const[]){ "panel.view" }, 1);

		(void)town_grant(s.w, 0, s.ann, &role, cat, true);
		assert_false(kith_group_node_sees(s.w->at[0].g, &s.w->at[2].id, &room));
		(void)town_override(s.w, 0, s.ann, &room, &role, NULL, "panel.view", 1);
		assert_true(kith_group_node_sees(s.w->at[0].g, &s.w->at[2].id, &room));
	}
	kith_arena_free(a);
	town_check(s.w, 0);
	town_free(s.w);
}

/* ---- the quick way ---- */

static void
a_quick_verdict_ends_with_what_it_rests_on(void **state)
{
	struct scene s = begin(2);
	struct kith_op users = town_op_users(0, s.bob);
	struct kith_cut_tip tip = { .seq = 5 };
	struct kith_cut_feed cf = { .scope = s.w->hall, .node = s.w->at[1].id, .incarnation = 1, .tip = &tip, .n_tips = 1 };
	struct kith_cut cut = { .feed = &cf, .n_feeds = 1 };
	struct forged f[10];
	struct kith_buf raw;
	size_t i;

	(void)state;
	for (i = 0; i < 10; i++)
		forge_message(&s, &f[i], i == 0 ? NULL : &f[i - 1]);
	/* a mute whose cut names the sixth of them, before any is known */
	tip.id = f[5].r.id;
	kith_buf_init(&raw, 0);
	users.has |= KITH_OP_BIT(KITH_OP_CUT);
	assert_ok(kith_cut_make(&cut, &raw, &users.cut));
	assert_ok(kith_group_object(s.w->at[0].g, s.w->at[0].t, s.w->now, KITH_O_CUT, kith_buf_slice(&raw), true, &s.w->at[0].c,
	    &s.w->at[0].m));
	(void)town_act(s.w, 0, s.ann, NULL, KITH_K_MUTE, &users);
	assert_ok(town_run(s.w, 0, f, 10));
	for (i = 0; i < 10; i++) {
		assert_int_equal(town_verdict(s.w, 0, &f[i].r.id), i <= 5 ? KITH_V_VISIBLE : KITH_V_HIDDEN);
		town_forged_fini(&f[i]);
	}
	kith_buf_fini(&raw);
	end(&s);
}

static void
kinds_of_later_versions_are_kept_without_effect(void **state)
{
	struct scene s = begin(2);
	struct forged f = { .r = { .kind = 900 } }, wrong = { .r = { .kind = KITH_K_JOIN } };
	struct kith_id m;

	(void)state;
	f.r.scope = s.w->hall;
	f.r.author = s.bob->uid;
	f.r.doc = s.bob->doc;
	f.r.via = s.bobs;
	town_next(s.w, 1, &f);
	town_forge(s.w, 1, &f, NULL);
	assert_ok(town_run(s.w, 0, &f, 1));
	assert_int_equal(town_verdict(s.w, 0, &f.r.id), KITH_V_VISIBLE);
	assert_ok(town_run(s.w, 1, &f, 1));
	m = town_say(s.w, 1, s.bob, "and on");
	town_carry_all(s.w);
	assert_everywhere(&s, &m, KITH_V_VISIBLE);
	/* a kind that we know, where it does not belong */
	wrong.r.scope = s.w->hall;
	wrong.r.author = s.bob->uid;
	wrong.r.doc = s.bob->doc;
	wrong.op.has = KITH_OP_BIT(KITH_OP_HOW);
	town_next(s.w, 1, &wrong);
	town_forge(s.w, 1, &wrong, NULL);
	assert_ok(town_run(s.w, 0, &wrong, 1));
	assert_int_equal(town_verdict(s.w, 0, &wrong.r.id), KITH_V_REJECTED);
	town_forged_fini(&f);
	town_forged_fini(&wrong);
	town_check(s.w, 0);
	town_free(s.w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TOWN(speaking_asks_voice_an_open_panel_and_the_permission),
		TOWN(nobody_speaks_in_a_panel_that_is_not),
		TOWN_BOTH(a_ban_hides_what_is_beyond_its_cut_and_keeps_the_rest),
		TOWN_BOTH(what_a_ban_hid_comes_back_when_the_ban_falls),
		TOWN(a_denial_for_all_binds_who_has_seen_it_and_in_a_lockdown_the_unseen_too),
		TOWN(a_cut_that_names_a_record_of_another_feed_names_nothing),
		TOWN_BOTH(where_a_cut_names_what_is_not_held_place_decides_until_it_comes),
		TOWN_BOTH(both_sides_of_a_fork_are_kept_and_reported),
		TOWN_BOTH(eight_branches_count_whatever_came_first),
		TOWN(a_branch_that_a_cut_names_counts_too),
		TOWN(what_stands_under_a_membership_that_does_not_count_is_not_followed),
		TOWN_BOTH(a_recall_erases_its_own_authors_message),
		TOWN(a_recall_counts_whichever_came_first),
		TOWN_BOTH(a_removal_sets_aside_and_gives_back_when_it_falls),
		TOWN(a_removal_asks_for_a_role_and_not_for_a_voice),
		TOWN_BOTH(a_removed_body_is_erased_when_it_is_due),
		TOWN(a_timed_mute_binds_until_its_end),
		TOWN(what_is_dated_far_below_what_it_had_seen_is_late),
		TOWN_BOTH(a_page_above_a_gap_is_shown_provisionally_and_judged_when_the_gap_fills),
		TOWN(a_page_may_rest_on_a_membership_that_is_not_known_yet),
		TOWN(a_private_panel_lets_in_whom_it_names_and_cuts_speak_of_it_in_parts),
		TOWN(a_quick_verdict_ends_with_what_it_rests_on),
		TOWN(kinds_of_later_versions_are_kept_without_effect),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
