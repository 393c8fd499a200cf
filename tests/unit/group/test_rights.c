#include "group/rights.h"
#include "id/doc.h"
#include "tests/unit/group/town.h"

/* RULES B3 as it is now, for the engine from memory and for readers from the tables: the two must always agree. */

struct scene {
	struct town *w;
	struct resident *ann, *bob, *gus;       /* ann founds; bob lives at house 1, and gus, a guest */
	struct kith_id role, room, closed, news;        /* a role, a private panel, another panel, one for announcements */
};

static const char *const perms[] = { "panel.view", "message.send", "message.react", "message.pin", "message.remove", "invite.create",
	"call.join", "nobody.has.this" };

static struct scene
begin(void)
{
	static const char *const can[] = { "invite.create", "message.pin", "message.remove", "message.send" };
	struct scene s;

	s.w = town_new(2);
	s.ann = town_person(s.w, 0, "ann");
	s.bob = town_person(s.w, 1, "bob");
	s.gus = town_person_with(s.w, 1, "gus", KITH_DOC_GUEST);
	town_found(s.w, s.ann, 0);
	town_carry_all(s.w);
	(void)town_join(s.w, 1, s.bob);
	(void)town_join(s.w, 1, s.gus);
	town_carry_all(s.w);
	s.role = town_role(s.w, 0, s.ann, 50, can, 4);
	s.room = town_panel(s.w, 0, s.ann, true);
	s.closed = town_panel(s.w, 0, s.ann, false);
	s.news = town_announcements(s.w, 0, s.ann);
	return s;
}

/* For everybody, everywhere, whatever it is: memory and tables say the same. */
static void
assert_agree(struct scene *s)
{
	struct house *h = &s->w->at[0];
	const struct kith_id *panels[] = { NULL, &s->w->hall, &s->room, &s->closed, &s->news, &s->role };
	struct kith_id nobody = kit_id("nobody"), *uid;
	size_t p, i, k;

	town_batch(s->w, 0);
	for (p = 0; p <= s->w->n_people; p++) {
		uid = p < s->w->n_people ? &s->w->person[p].uid : &nobody;
		for (i = 0; i < sizeof(panels) / sizeof(panels[0]); i++)
			for (k = 0; k < sizeof(perms) / sizeof(perms[0]); k++)
				if (kith_group_may(h->g, uid, panels[i], perms[k]) != kith_rights_may(h->t, &s->w->group, uid, panels[i], perms[k]))
					fail_msg("person %zu, panel %zu, %s", p, i, perms[k]);
	}
}

static bool
may(struct scene *s, const struct resident *p, const struct kith_id *panel, const char *perm)
{
	assert_agree(s);
	return kith_rights_may(s->w->at[0].t, &s->w->group, &p->uid, panel, perm);
}

static void
end(struct scene *s)
{
	assert_agree(s);
	town_check(s->w, 0);
	town_free(s->w);
}

static void
owners_may_all_members_what_roles_give_and_others_nothing(void **state)
{
	struct scene s = begin();
	struct resident *out = town_person(s.w, 1, "outsider");

	(void)state;
	assert_true(may(&s, s.ann, &s.w->hall, "nobody.has.this"));
	assert_true(may(&s, s.bob, &s.w->hall, "message.send"));
	assert_true(may(&s, s.bob, NULL, "message.react"));
	assert_false(may(&s, s.bob, &s.w->hall, "message.pin"));
	assert_false(may(&s, s.gus, &s.w->hall, "message.send"));       /* Guest alone */
	assert_false(may(&s, out, &s.w->hall, "panel.view"));
	(void)town_grant(s.w, 0, s.ann, &s.role, s.bob, true);
	assert_true(may(&s, s.bob, &s.w->hall, "message.pin"));
	assert_true(may(&s, s.bob, NULL, "invite.create"));
	(void)town_grant(s.w, 0, s.ann, &s.role, out, true);            /* a role held by no member gives nothing */
	assert_false(may(&s, out, &s.w->hall, "message.pin"));
	end(&s);
}

static void
a_role_that_is_deleted_or_denied_gives_nothing(void **state)
{
	struct scene s = begin();
	struct kith_slice pin = kith_slice_str("message.pin");
	struct kith_op op = { .has = KITH_OP_BIT(KITH_OP_ROLE) | KITH_OP_BIT(KITH_OP_PERMS), .role = s.role, .perms = &pin, .n_perms = 1 };

	(void)state;
	(void)town_grant(s.w, 0, s.ann, &s.role, s.bob, true);
	(void)town_act(s.w, 0, s.ann, NULL, KITH_K_ROLE_DENY, &op);
	assert_false(may(&s, s.bob, &s.w->hall, "message.pin"));
	assert_true(may(&s, s.bob, &s.w->hall, "message.remove"));
	op.has = KITH_OP_BIT(KITH_OP_ROLE);
	(void)town_act(s.w, 0, s.ann, NULL, KITH_K_ROLE_DELETE, &op);
	assert_false(may(&s, s.bob, &s.w->hall, "message.remove"));
	end(&s);
}

static void
mutes_and_closed_panels_silence_and_do_not_blind(void **state)
{
	struct scene s = begin();
	struct kith_op users = town_op_users(0, s.bob), open = { .has = KITH_OP_BIT(KITH_OP_PANEL) | KITH_OP_BIT(KITH_OP_OPEN) };

	(void)state;
	open.panel = s.closed;
	(void)town_act(s.w, 0, s.ann, NULL, KITH_K_PANEL_SET, &open);
	assert_false(may(&s, s.bob, &s.closed, "message.send"));
	assert_true(may(&s, s.bob, &s.closed, "panel.view"));
	assert_true(may(&s, s.bob, &s.w->hall, "message.send"));
	(void)town_act(s.w, 0, s.ann, NULL, KITH_K_MUTE, &users);
	assert_false(may(&s, s.bob, &s.w->hall, "message.send"));
	assert_false(may(&s, s.bob, NULL, "call.join"));
	assert_true(may(&s, s.bob, &s.w->hall, "panel.view"));
	end(&s);
}

static void
denial_beats_allowance_and_the_person_beats_the_roles(void **state)
{
	struct scene s = begin();

	(void)state;
	(void)town_grant(s.w, 0, s.ann, &s.role, s.bob, true);
	(void)town_override(s.w, 0, s.ann, &s.w->hall, &s.role, NULL, "message.send", 1);
	(void)town_override(s.w, 0, s.ann, &s.w->hall, &kith_role_member, NULL, "message.send", 2);
	assert_false(may(&s, s.bob, &s.w->hall, "message.send"));
	(void)town_override(s.w, 0, s.ann, &s.w->hall, NULL, s.bob, "message.send", 1);
	assert_true(may(&s, s.bob, &s.w->hall, "message.send"));
	(void)town_override(s.w, 0, s.ann, &s.w->hall, &kith_role_member, NULL, "message.send", 1);
	(void)town_override(s.w, 0, s.ann, &s.w->hall, NULL, s.bob, "message.send", 2);
	assert_false(may(&s, s.bob, &s.w->hall, "message.send"));
	(void)town_override(s.w, 0, s.ann, &s.w->hall, NULL, s.bob, "message.send", 0);
	assert_true(may(&s, s.bob, &s.w->hall, "message.send"));
	assert_false(may(&s, s.gus, &s.w->hall, "message.send"));
	end(&s);
}

static void
into_a_private_panel_one_must_be_let(void **state)
{
	struct scene s = begin();

	(void)state;
	assert_false(may(&s, s.bob, &s.room, "panel.view"));
	assert_false(may(&s, s.bob, &s.room, "message.send"));
	assert_true(may(&s, s.ann, &s.room, "panel.view"));
	(void)town_override(s.w, 0, s.ann, &s.room, NULL, s.bob, "panel.view", 1);
	assert_true(may(&s, s.bob, &s.room, "panel.view"));
	assert_true(may(&s, s.bob, &s.room, "message.send"));           /* as elsewhere, now that he is in */
	(void)town_override(s.w, 0, s.ann, &s.room, NULL, s.bob, "message.send", 2);
	assert_false(may(&s, s.bob, &s.room, "message.send"));
	(void)town_override(s.w, 0, s.ann, &s.room, NULL, s.bob, "panel.view", 0);
	assert_false(may(&s, s.bob, &s.room, "panel.view"));
	(void)town_grant(s.w, 0, s.ann, &s.role, s.bob, true);
	(void)town_override(s.w, 0, s.ann, &s.room, &s.role, NULL, "panel.view", 1);
	assert_true(may(&s, s.bob, &s.room, "panel.view"));
	(void)town_override(s.w, 0, s.ann, &s.room, &s.role, NULL, "panel.view", 2);
	assert_false(may(&s, s.bob, &s.room, "panel.view"));
	(void)town_override(s.w, 0, s.ann, &s.room, &kith_role_member, NULL, "panel.view", 1);         /* private no more */
	assert_false(may(&s, s.bob, &s.room, "panel.view"));            /* but he is still denied */
	(void)town_grant(s.w, 0, s.ann, &s.role, s.bob, false);
	assert_true(may(&s, s.bob, &s.room, "panel.view"));
	assert_false(may(&s, s.gus, &s.room, "panel.view"));
	end(&s);
}

static void
announcing_takes_a_role_or_an_allowance(void **state)
{
	struct scene s = begin();

	(void)state;
	assert_true(may(&s, s.ann, &s.news, "message.send"));
	assert_true(may(&s, s.bob, &s.news, "panel.view"));
	assert_true(may(&s, s.bob, &s.news, "message.react"));
	assert_false(may(&s, s.bob, &s.news, "message.send"));
	(void)town_grant(s.w, 0, s.ann, &s.role, s.bob, true);
	assert_true(may(&s, s.bob, &s.news, "message.send"));
	(void)town_override(s.w, 0, s.ann, &s.news, &s.role, NULL, "message.send", 2);
	assert_false(may(&s, s.bob, &s.news, "message.send"));
	(void)town_override(s.w, 0, s.ann, &s.news, NULL, s.bob, "message.send", 1);
	assert_true(may(&s, s.bob, &s.news, "message.send"));
	(void)town_override(s.w, 0, s.ann, &s.news, NULL, s.bob, "message.send", 0);
	(void)town_grant(s.w, 0, s.ann, &s.role, s.bob, false);
	(void)town_override(s.w, 0, s.ann, &s.news, &kith_role_member, NULL, "message.send", 1);
	assert_true(may(&s, s.bob, &s.news, "message.send"));
	assert_false(may(&s, s.gus, &s.news, "message.send"));
	end(&s);
}

static void
whoever_is_no_longer_a_member_may_nothing_from_the_same_commit_on(void **state)
{
	struct scene s = begin();
	struct kith_roster_row row;
	struct kith_slice v;
	uint8_t key[64];

	(void)state;
	(void)town_override(s.w, 0, s.ann, &s.room, NULL, s.bob, "panel.view", 1);
	assert_true(may(&s, s.bob, &s.room, "panel.view"));
	(void)town_kick(s.w, 0, s.ann, s.bob);
	assert_false(may(&s, s.bob, &s.room, "panel.view"));
	assert_false(may(&s, s.bob, &s.w->hall, "panel.view"));
	memcpy(key, s.w->group.b, 32);
	memcpy(key + 32, s.bob->uid.b, 32);
	assert_ok(kith_txn_get(s.w->at[0].t, KITH_T_ROSTER, kith_slice_of(key, 64), &v));
	assert_ok(kith_roster_row_parse(v, &row));
	assert_false(row.member);                                       /* listed for what he was */
	end(&s);
}

static void
the_groups_row_says_what_it_is(void **state)
{
	struct scene s = begin();
	struct kith_group_row row;
	struct kith_slice v;
	struct kith_id hash;

	(void)state;
	town_batch(s.w, 0);
	assert_ok(kith_txn_get(s.w->at[0].t, KITH_T_GROUP, kith_id_slice(&s.w->group), &v));
	assert_ok(kith_group_row_parse(v, &row));
	assert_int_equal(row.kind, 0);
	assert_int_equal(row.joins, 0);
	assert_int_equal(row.members, 3);
	assert_int_equal(row.nodes, 2);
	assert_int_equal(row.rules, 1);
	kith_authority_state_hash(kith_group_authority(s.w->at[0].g), &hash);
	assert_true(kith_id_eq(&row.state, &hash));
	{
		struct kith_op op = { .has = KITH_OP_BIT(KITH_OP_JOINS), .joins = 2 };

		(void)town_act(s.w, 0, s.ann, NULL, KITH_K_SET, &op);
	}
	town_batch(s.w, 0);
	assert_ok(kith_txn_get(s.w->at[0].t, KITH_T_GROUP, kith_id_slice(&s.w->group), &v));
	assert_ok(kith_group_row_parse(v, &row));
	assert_int_equal(row.joins, 2);
	assert_int_equal(kith_group_row_parse(LIT("\x91\x01"), &row), KITH_E_CORRUPT);
	end(&s);
}

static void
rights_agree_after_whatever_happens(void **state)
{
	static const uint32_t seeds = 12;
	struct scene s;
	struct resident *p;
	uint32_t seed, i, r;
	const struct kith_id *panels[3];
	const char *perm;

	(void)state;
	for (seed = 1; seed <= seeds; seed++) {
		s = begin();
		panels[0] = &s.w->hall;
		panels[1] = &s.room;
		panels[2] = &s.closed;
		r = seed;
		for (i = 0; i < 40; i++) {
			r = r * 1664525u + 1013904223u;
			p = &s.w->person[1 + (r >> 28) % 2];
			perm = perms[(r >> 20) % 7];
			switch ((r >> 24) % 7) {
			case 0:
				(void)town_grant(s.w, 0, s.ann, &s.role, p, (r >> 10 & 1) != 0);
				break;
			case 1:
			case 2:
				(void)town_override(s.w, 0, s.ann, panels[(r >> 12) % 3], NULL, p, perm, (r >> 9) % 3);
				break;
			case 3:
				(void)town_override(s.w, 0, s.ann, panels[(r >> 12) % 3], &s.role, NULL, perm, (r >> 9) % 3);
				break;
			case 4:
				(void)town_override(s.w, 0, s.ann, panels[(r >> 12) % 3], r >> 8 & 1 ? &kith_role_member : &kith_role_guest, NULL, perm,
				    (r >> 9) % 3);
				break;
			case 5: {
				struct kith_op users = town_op_users(0, p);

				(void)town_act(s.w, 0, s.ann, NULL, r >> 10 & 1 ? KITH_K_MUTE : KITH_K_UNMUTE, &users);
				break;
			}
			default: {
				struct kith_op open = { .has = KITH_OP_BIT(KITH_OP_PANEL) | KITH_OP_BIT(KITH_OP_OPEN), .panel = *panels[(r >> 12) % 3],
					.open = (r >> 10 & 1) != 0 };

				(void)town_act(s.w, 0, s.ann, NULL, KITH_K_PANEL_SET, &open);
				break;
			}
			}
			assert_agree(&s);
		}
		end(&s);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TOWN_BOTH(owners_may_all_members_what_roles_give_and_others_nothing),
		TOWN(a_role_that_is_deleted_or_denied_gives_nothing),
		TOWN(mutes_and_closed_panels_silence_and_do_not_blind),
		TOWN(denial_beats_allowance_and_the_person_beats_the_roles),
		TOWN_BOTH(into_a_private_panel_one_must_be_let),
		TOWN_BOTH(announcing_takes_a_role_or_an_allowance),
		TOWN(whoever_is_no_longer_a_member_may_nothing_from_the_same_commit_on),
		TOWN(the_groups_row_says_what_it_is),
		TOWN_BOTH(rights_agree_after_whatever_happens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
