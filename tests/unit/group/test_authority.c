#include "tests/unit/test.h"

#include <stdio.h>

#include "tests/unit/group/acts.h"
#include "wire/mp.h"

/* RULES part A, rule by rule. */

#define MOD "member.ban member.kick member.mute role.manage group.config"

/* Owner own; admin 90 held by ada; mod 50 held by mo; all by own, in one line. */
static void
begin(struct acts *w)
{
	acts_begin(w, "own olga", 0);
	acts_role(w, "admin", "own", NULL, "", 90, MOD, MOD " panel.manage");
	acts_role(w, "mod", "own", NULL, "admin", 50, MOD, MOD);
	acts_grant(w, "g1", KITH_K_ROLE_GRANT, "own", NULL, "mod", "admin", "ada");
	acts_grant(w, "base", KITH_K_ROLE_GRANT, "own", NULL, "g1", "mod", "mo max");
	assert_verdict(w, "base", 'e');
}

static void
end(struct acts *w)
{
	uint32_t first;

	assert_ok(kith_authority_verify(w->a, &first));
	acts_end(w);
}

/* ---- A1 ---- */

static void
an_act_has_the_level_of_the_role_it_names(void **state)
{
	struct acts w;

	(void)state;
	begin(&w);
	assert_int_equal(acts_people(&w, "x1", KITH_K_BAN, "own", NULL, "base", "pat")->level, 1000);
	assert_int_equal(acts_people(&w, "x2", KITH_K_BAN, "ada", "admin", "base", "pat")->level, 90);
	assert_int_equal(acts_people(&w, "x3", KITH_K_BAN, "mo", "mod", "base", "pat")->level, 50);
	assert_int_equal(acts_people(&w, "x4", KITH_K_BAN, "mo", "nothing", "base", "pat")->level, 0);
	assert_verdict(&w, "x4", 'i');
	end(&w);
}

static void
levels_are_from_1_to_99(void **state)
{
	struct acts w;

	(void)state;
	begin(&w);
	acts_role(&w, "l0", "own", NULL, "base", 0, "", "");
	acts_role(&w, "l1", "own", NULL, "base", 1, "", "");
	acts_role(&w, "l99", "own", NULL, "base", 99, "", "");
	acts_role(&w, "l100", "own", NULL, "base", 100, "", "");
	acts_role(&w, "l-1", "own", NULL, "base", -1, "", "");
	assert_verdict(&w, "l0", 'i');
	assert_verdict(&w, "l1", 'e');
	assert_verdict(&w, "l99", 'e');
	assert_verdict(&w, "l100", 'i');
	assert_verdict(&w, "l-1", 'i');
	end(&w);
}

static void
implicit_roles_have_no_grants_and_are_never_a_via(void **state)
{
	struct acts w;
	struct acts_one *x;

	(void)state;
	begin(&w);
	acts_grant(&w, "x1", KITH_K_ROLE_GRANT, "own", NULL, "base", "member", "pat");
	acts_delete(&w, "x2", "own", NULL, "base", "member");
	acts_allow(&w, "x3", KITH_K_ROLE_ALLOW, "own", NULL, "base", "member", "message.send");
	acts_allow(&w, "x4", KITH_K_ROLE_ALLOW, "own", NULL, "base", "member", "member.ban");
	x = acts_new(&w, "x5", KITH_K_BAN, "pat", NULL, "x3");
	x->rec.via = kith_role_member;
	acts_users(x, "mo");
	acts_add(&w, x);
	assert_verdict(&w, "x1", 'i');
	assert_verdict(&w, "x2", 'i');
	assert_verdict(&w, "x3", 'e');
	assert_verdict(&w, "x4", 'i');
	assert_verdict(&w, "x5", 'i');
	assert_true(acts_fact(&w, KITH_F_ROLE, kith_role_member, NULL, NULL));
	assert_true(acts_fact(&w, KITH_F_ROLE_PERM, kith_role_member, NULL, "message.send"));
	end(&w);
}

/* ---- A2, A3 ---- */

static void
what_an_act_needs_comes_from_one_role(void **state)
{
	struct acts w;

	(void)state;
	begin(&w);
	acts_role(&w, "ban", "own", NULL, "base", 40, "member.ban", "member.ban");
	acts_role(&w, "man", "own", NULL, "ban", 40, "role.manage", "role.manage");
	acts_grant(&w, "b1", KITH_K_ROLE_GRANT, "own", NULL, "man", "ban", "pat");
	acts_grant(&w, "b2", KITH_K_ROLE_GRANT, "own", NULL, "b1", "man", "pat");
	acts_role(&w, "x1", "pat", "man", "b2", 10, "", "member.ban");
	acts_role(&w, "x2", "pat", "man", "b2", 10, "role.manage", "role.manage");
	acts_people(&w, "x3", KITH_K_BAN, "pat", "man", "b2", "tom");
	acts_people(&w, "x4", KITH_K_BAN, "pat", "ban", "b2", "tom");
	assert_verdict(&w, "x1", 'i');
	assert_verdict(&w, "x2", 'e');
	assert_verdict(&w, "x3", 'i');
	assert_verdict(&w, "x4", 'e');
	end(&w);
}

static void
a_ceiling_holds_for_creation_allowance_and_grant(void **state)
{
	struct acts w;

	(void)state;
	begin(&w);
	acts_role(&w, "x1", "own", NULL, "base", 10, "a b", "a");
	acts_role(&w, "r", "own", NULL, "base", 10, "a", "a b");
	acts_allow(&w, "x2", KITH_K_ROLE_ALLOW, "own", NULL, "r", "r", "b");
	acts_allow(&w, "x3", KITH_K_ROLE_ALLOW, "own", NULL, "r", "r", "c");
	acts_allow(&w, "x4", KITH_K_ROLE_DENY, "own", NULL, "r", "r", "c");
	acts_grant(&w, "x5", KITH_K_ROLE_GRANT, "mo", "mod", "r", "r", "pat");
	acts_role(&w, "q", "mo", "mod", "x2", 10, "", "member.ban");
	acts_grant(&w, "x6", KITH_K_ROLE_GRANT, "mo", "mod", "q", "q", "pat");
	assert_verdict(&w, "x1", 'i');
	assert_verdict(&w, "x2", 'e');
	assert_verdict(&w, "x3", 'i');
	assert_verdict(&w, "x4", 'e');
	assert_verdict(&w, "x5", 'i');  /* mod has neither a nor b */
	assert_verdict(&w, "x6", 'e');
	end(&w);
}

/* ---- A4 ---- */

static void
acts_go_downwards_only(void **state)
{
	struct acts w;

	(void)state;
	begin(&w);
	acts_people(&w, "x1", KITH_K_BAN, "mo", "mod", "base", "ada");
	acts_people(&w, "x2", KITH_K_BAN, "mo", "mod", "base", "max");
	acts_people(&w, "x3", KITH_K_BAN, "mo", "mod", "base", "own");
	acts_people(&w, "x4", KITH_K_BAN, "mo", "mod", "base", "mo");
	acts_people(&w, "x5", KITH_K_BAN, "ada", "admin", "base", "mo");
	acts_people(&w, "x6", KITH_K_KICK, "own", NULL, "base", "olga");
	acts_people(&w, "x7", KITH_K_KICK, "own", NULL, "base", "ada mo pat");
	acts_delete(&w, "y1", "mo", "mod", "base", "mod");
	acts_delete(&w, "y2", "ada", "admin", "base", "mod");
	acts_role(&w, "y3", "mo", "mod", "base", 50, "", "");
	acts_role(&w, "y4", "mo", "mod", "base", 49, "", "");
	assert_verdict(&w, "x1", 'i');
	assert_verdict(&w, "x2", 'i');
	assert_verdict(&w, "x3", 'i');
	assert_verdict(&w, "x4", 'i');
	assert_verdict(&w, "x5", 'e');
	assert_verdict(&w, "x6", 'i');
	assert_verdict(&w, "x7", 'e');
	assert_verdict(&w, "y1", 'i');
	assert_verdict(&w, "y2", 'e');
	assert_verdict(&w, "y3", 'i');
	end(&w);
}

static void
one_may_lay_down_the_role_one_acts_through(void **state)
{
	struct acts w;

	(void)state;
	begin(&w);
	acts_role(&w, "bare", "own", NULL, "base", 40, "", "");
	acts_grant(&w, "b1", KITH_K_ROLE_GRANT, "own", NULL, "bare", "bare", "pat tom");
	acts_grant(&w, "x1", KITH_K_ROLE_REVOKE, "pat", "bare", "b1", "bare", "pat tom");
	acts_grant(&w, "x2", KITH_K_ROLE_REVOKE, "pat", "bare", "b1", "bare", "pat");
	acts_grant(&w, "x3", KITH_K_ROLE_REVOKE, "pat", "bare", "x2", "bare", "pat");
	assert_verdict(&w, "x1", 'i');
	assert_verdict(&w, "x2", 'e');
	assert_verdict(&w, "x3", 'i');
	assert_false(acts_holds(&w, "pat", "bare"));
	assert_true(acts_holds(&w, "tom", "bare"));
	end(&w);
}

static void
a_junior_does_not_lift_what_a_senior_laid_down(void **state)
{
	struct acts w;
	struct acts_one *x;

	(void)state;
	begin(&w);
	acts_people(&w, "b90", KITH_K_BAN, "ada", "admin", "base", "pat");
	acts_people(&w, "b50", KITH_K_BAN, "mo", "mod", "b90", "pat");
	acts_people(&w, "x1", KITH_K_UNBAN, "mo", "mod", "b50", "pat");
	acts_people(&w, "x2", KITH_K_UNBAN, "ada", "admin", "b50", "pat");
	acts_people(&w, "x3", KITH_K_BAN, "mo", "mod", "x2", "pat");
	acts_people(&w, "x4", KITH_K_UNBAN, "mo", "mod", "x3", "pat");
	assert_verdict(&w, "x1", 'i');
	assert_verdict(&w, "x2", 'e');
	assert_verdict(&w, "x4", 'e');
	assert_true(acts_person(&w, KITH_F_NOT_BANNED, "pat"));

	acts_people(&w, "m90", KITH_K_MUTE, "ada", "admin", "x4", "pat");
	acts_people(&w, "x5", KITH_K_UNMUTE, "mo", "mod", "m90", "pat");
	assert_verdict(&w, "x5", 'i');
	assert_false(acts_person(&w, KITH_F_VOICE, "pat"));

	x = acts_new(&w, "n1", KITH_K_NODE_BAN, "own", NULL, "m90");
	x->op.node = acts_uid("bad node");
	acts_add(&w, x);
	assert_false(acts_person(&w, KITH_F_NODE, "bad node"));
	x = acts_new(&w, "n2", KITH_K_NODE_UNBAN, "own", NULL, "n1");
	x->op.node = acts_uid("bad node");
	acts_add(&w, x);
	assert_true(acts_person(&w, KITH_F_NODE, "bad node"));
	end(&w);
}

static void
bounds_are_counted_in_the_past_over_what_is_effective(void **state)
{
	struct acts w;

	(void)state;
	begin(&w);
	/* mo lost the role in the past of x1; that loss is voided by own, so x1 falls */
	acts_grant(&w, "rev", KITH_K_ROLE_REVOKE, "ada", "admin", "base", "mod", "max");
	acts_people(&w, "x1", KITH_K_BAN, "mo", "mod", "rev", "max");
	assert_verdict(&w, "x1", 'e');
	acts_people(&w, "ban", KITH_K_BAN, "own", NULL, "base", "ada");
	assert_verdict(&w, "rev", 'v');
	assert_verdict(&w, "x1", 'v');
	assert_true(acts_holds(&w, "max", "mod"));
	end(&w);
}

/* ---- A5, A9 ---- */

static void
facts_begin_as_the_rules_say(void **state)
{
	struct acts w;
	struct kith_id panel = acts_id("panel");

	(void)state;
	begin(&w);
	assert_false(acts_fact(&w, KITH_F_ROLE, acts_id("other"), NULL, NULL));
	assert_true(acts_fact(&w, KITH_F_ROLE, acts_id("mod"), NULL, NULL));
	assert_true(acts_fact(&w, KITH_F_ROLE_PERM, acts_id("mod"), NULL, "member.ban"));
	assert_false(acts_fact(&w, KITH_F_ROLE_PERM, acts_id("mod"), NULL, "panel.manage"));
	assert_true(acts_holds(&w, "mo", "mod"));
	assert_false(acts_holds(&w, "pat", "mod"));
	assert_true(acts_person(&w, KITH_F_NOT_BANNED, "pat"));
	assert_true(acts_person(&w, KITH_F_VOICE, "pat"));
	assert_true(acts_person(&w, KITH_F_NODE, "pat"));
	assert_false(acts_person(&w, KITH_F_ADMITTED, "pat"));
	assert_true(acts_person(&w, KITH_F_OWNER, "own"));
	assert_true(acts_person(&w, KITH_F_OWNER, "olga"));
	assert_false(acts_person(&w, KITH_F_OWNER, "pat"));
	assert_false(acts_fact(&w, KITH_F_PANEL, panel, NULL, NULL));
	assert_true(acts_fact(&w, KITH_F_PANEL_OPEN, panel, NULL, NULL));
	assert_true(acts_fact(&w, KITH_F_JOINS_OPEN, kith_id_none, NULL, NULL));
	assert_true(acts_fact(&w, KITH_F_NOT_DENIED, panel, "mod", "message.send"));
	assert_false(acts_fact(&w, KITH_F_ALLOWED, panel, "mod", "message.send"));
	assert_true(acts_fact(&w, KITH_F_INVITE, panel, NULL, NULL));
	end(&w);
	acts_begin(&w, "own", 2);
	assert_false(acts_fact(&w, KITH_F_JOINS_OPEN, kith_id_none, NULL, NULL));
	end(&w);
}

static void
denial_wins_among_what_is_maximal(void **state)
{
	struct acts w;

	(void)state;
	begin(&w);
	acts_grant(&w, "on", KITH_K_ROLE_GRANT, "own", NULL, "base", "mod", "pat");
	acts_grant(&w, "off", KITH_K_ROLE_REVOKE, "ada", "admin", "base", "mod", "pat");
	assert_verdict(&w, "on", 'e');
	assert_verdict(&w, "off", 'e');
	assert_false(acts_holds(&w, "pat", "mod"));
	acts_grant(&w, "again", KITH_K_ROLE_GRANT, "mo", "mod", "on off", "mod", "pat");
	assert_verdict(&w, "again", 'i');       /* not below mod's own level */
	acts_grant(&w, "again2", KITH_K_ROLE_GRANT, "ada", "admin", "on off", "mod", "pat");
	assert_true(acts_holds(&w, "pat", "mod"));
	end(&w);
}

static void
a_register_has_the_highest_writer_then_the_smallest_id(void **state)
{
	struct acts w;
	const struct kith_act *x;
	uint32_t all[4];

	(void)state;
	begin(&w);
	acts_set(&w, "s50", "mo", "mod", "base", "k", "fifty");
	x = kith_authority_register(w.a, &kith_id_none, kith_slice_str("k"));
	assert_memory_equal(x->op->value.p + 1, "fifty", 5);
	acts_set(&w, "s90", "ada", "admin", "base", "k", "ninety");
	acts_set(&w, "t90", "ada", "admin", "base", "k", "also");
	x = kith_authority_register(w.a, &kith_id_none, kith_slice_str("k"));
	assert_int_equal(x->level, 90);
	assert_int_equal(kith_authority_register_all(w.a, &kith_id_none, kith_slice_str("k"), all, 4), 2);
	assert_true(kith_id_cmp(&x->id, &kith_authority_at(w.a, all[0])->id) <= 0);
	assert_true(kith_id_cmp(&x->id, &kith_authority_at(w.a, all[1])->id) <= 0);
	acts_set(&w, "last", "mo", "mod", "s50 s90 t90", "k", "later");
	x = kith_authority_register(w.a, &kith_id_none, kith_slice_str("k"));
	assert_memory_equal(x->op->value.p + 1, "later", 5);
	assert_null(kith_authority_register(w.a, &kith_id_none, kith_slice_str("other")));
	end(&w);
}

static void
a_restriction_is_lifted_only_from_its_own_level_up(void **state)
{
	struct acts w;

	(void)state;
	begin(&w);
	acts_people(&w, "b50", KITH_K_BAN, "mo", "mod", "base", "pat");
	acts_people(&w, "b90", KITH_K_BAN, "ada", "admin", "base", "pat");
	acts_people(&w, "u50", KITH_K_UNBAN, "mo", "mod", "b50", "pat");
	assert_verdict(&w, "u50", 'e');
	assert_false(acts_person(&w, KITH_F_NOT_BANNED, "pat"));
	acts_people(&w, "u90", KITH_K_UNBAN, "ada", "admin", "b90", "pat");
	assert_true(acts_person(&w, KITH_F_NOT_BANNED, "pat"));
	end(&w);
}

static bool
all_but(void *ctx, const struct kith_act *act)
{
	const struct kith_id *id = ctx;

	return act->effective && !kith_id_eq(&act->id, id);
}

static void
a_fact_can_be_asked_over_a_choice_of_acts(void **state)
{
	struct kith_fact f = { .kind = KITH_F_NOT_BANNED, .a = acts_uid("pat") };
	struct kith_id left_out;
	struct acts w;

	(void)state;
	begin(&w);
	acts_people(&w, "b90", KITH_K_BAN, "ada", "admin", "base", "pat");
	acts_people(&w, "u90", KITH_K_UNBAN, "ada", "admin", "b90", "pat");
	acts_people(&w, "b50", KITH_K_BAN, "mo", "mod", "u90", "pat");
	acts_people(&w, "u50", KITH_K_UNBAN, "mo", "mod", "b50", "pat");
	left_out = acts_id("nothing");
	assert_true(kith_authority_fact_over(w.a, &f, all_but, &left_out));
	left_out = acts_id("u50");
	assert_false(kith_authority_fact_over(w.a, &f, all_but, &left_out));
	left_out = acts_id("u90");      /* what is left of the later does not lift the senior's */
	assert_false(kith_authority_fact_over(w.a, &f, all_but, &left_out));
	end(&w);
}

static void
the_state_hash_follows_facts_and_not_the_way_there(void **state)
{
	struct kith_id before, after, again;
	struct acts w;

	(void)state;
	begin(&w);
	kith_authority_state_hash(w.a, &before);
	acts_people(&w, "b", KITH_K_BAN, "own", NULL, "base", "pat");
	kith_authority_state_hash(w.a, &after);
	assert_memory_not_equal(&before, &after, sizeof(before));
	acts_people(&w, "u", KITH_K_UNBAN, "own", NULL, "b", "pat");
	kith_authority_state_hash(w.a, &again);
	assert_memory_equal(&before, &again, sizeof(before));
	end(&w);
}

static void
every_fact_that_is_written_is_listed_once(void **state)
{
	size_t it = 0, perms = 0, bans = 0, roles = 0, owners = 0;
	struct kith_fact f;
	struct acts w;

	(void)state;
	begin(&w);
	acts_people(&w, "b", KITH_K_BAN, "mo", "mod", "base", "pat");
	acts_allow(&w, "d", KITH_K_ROLE_DENY, "own", NULL, "b", "mod", "member.kick");
	while (kith_authority_fact_next(w.a, &it, &f)) {
		perms += f.kind == KITH_F_ROLE_PERM;
		bans += f.kind == KITH_F_NOT_BANNED;
		roles += f.kind == KITH_F_ROLE;
		owners += f.kind == KITH_F_OWNER;
	}
	assert_false(kith_authority_fact_next(w.a, &it, &f));
	assert_int_equal(perms, 10);            /* five each of admin and mod */
	assert_int_equal(bans, 1);
	assert_int_equal(roles, 2);
	assert_int_equal(owners, 2);
	assert_false(acts_fact(&w, KITH_F_ROLE_PERM, acts_id("mod"), NULL, "member.kick"));
	assert_true(acts_fact(&w, KITH_F_ROLE_PERM, acts_id("mod"), NULL, "member.mute"));
	end(&w);
}

static void
a_roles_first_permissions_go_and_come_with_its_creation(void **state)
{
	struct kith_fact f = { .kind = KITH_F_ROLE_PERM, .a = acts_id("sub"), .perm = kith_slice_str("group.config") };
	struct kith_id hash[4];
	const struct kith_write *write;
	struct acts w;

	(void)state;
	begin(&w);
	kith_authority_state_hash(w.a, &hash[0]);
	acts_role(&w, "sub", "ada", "admin", "base", 20, "group.config member.ban", "group.config member.ban");
	assert_int_equal(kith_authority_writes(w.a, &f, &write), 1);
	assert_true(write->on);
	assert_true(acts_fact(&w, KITH_F_ROLE_PERM, f.a, NULL, "group.config"));
	kith_authority_state_hash(w.a, &hash[1]);
	acts_allow(&w, "deny", KITH_K_ROLE_DENY, "own", NULL, "sub", "sub", "member.ban");
	kith_authority_state_hash(w.a, &hash[2]);
	assert_false(acts_fact(&w, KITH_F_ROLE_PERM, f.a, NULL, "member.ban"));
	assert_memory_not_equal(&hash[1], &hash[2], sizeof(hash[1]));
	acts_allow(&w, "allow", KITH_K_ROLE_ALLOW, "own", NULL, "deny", "sub", "member.ban");
	kith_authority_state_hash(w.a, &hash[2]);
	assert_memory_equal(&hash[1], &hash[2], sizeof(hash[1]));
	acts_people(&w, "ban", KITH_K_BAN, "own", NULL, "base", "ada");
	assert_verdict(&w, "sub", 'v');
	assert_false(acts_fact(&w, KITH_F_ROLE_PERM, f.a, NULL, "group.config"));
	assert_true(acts_fact(&w, KITH_F_ROLE_PERM, f.a, NULL, "member.ban"));  /* allowed by an owner since */
	end(&w);
}

static void
fact_keys_lead_back_to_their_facts(void **state)
{
	static const enum kith_fact_kind kinds[] = { KITH_F_ROLE, KITH_F_ROLE_PERM, KITH_F_HOLDS, KITH_F_NOT_BANNED,
		KITH_F_JOINS_OPEN, KITH_F_ALLOWED, KITH_F_OWNER };
	uint8_t key[KITH_FACT_KEY_MAX], again[KITH_FACT_KEY_MAX];
	struct kith_fact f, g;
	size_t i, n;

	(void)state;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		f = (struct kith_fact){ kinds[i], acts_id("a"), acts_id("b"), kith_slice_str("message.send") };
		n = kith_fact_key(&f, key);
		assert_ok(kith_fact_parse(kith_slice_of(key, n), &g));
		assert_int_equal(g.kind, kinds[i]);
		assert_int_equal(kith_fact_key(&g, again), n);
		assert_memory_equal(key, again, n);
	}
	assert_int_equal(kith_fact_parse(kith_slice_of(NULL, 0), &g), KITH_E_MALFORMED);
	key[0] = 0;
	assert_int_equal(kith_fact_parse(kith_slice_of(key, 33), &g), KITH_E_MALFORMED);
	key[0] = KITH_F_OWNER + 1;
	assert_int_equal(kith_fact_parse(kith_slice_of(key, 33), &g), KITH_E_MALFORMED);
	key[0] = KITH_F_ROLE;
	assert_int_equal(kith_fact_parse(kith_slice_of(key, 32), &g), KITH_E_MALFORMED);
	assert_int_equal(kith_fact_parse(kith_slice_of(key, 34), &g), KITH_E_MALFORMED);
}

/* ---- A6 ---- */

static void
an_invalid_record_spoils_all_that_build_on_it(void **state)
{
	struct acts w;

	(void)state;
	begin(&w);
	acts_people(&w, "bad", KITH_K_BAN, "pat", "mod", "base", "tom");
	acts_people(&w, "x1", KITH_K_BAN, "own", NULL, "bad", "tom");
	acts_people(&w, "x2", KITH_K_BAN, "own", NULL, "base x1", "tom");
	acts_people(&w, "x3", KITH_K_BAN, "own", NULL, "base", "tom");
	assert_verdict(&w, "bad", 'i');
	assert_verdict(&w, "x1", 'i');
	assert_verdict(&w, "x2", 'i');
	assert_verdict(&w, "x3", 'e');
	end(&w);
}

static void
form_document_and_place_are_asked_first(void **state)
{
	const struct kith_act *act;
	struct acts_one *x;
	struct acts w;

	(void)state;
	begin(&w);
	x = acts_new(&w, "x1", KITH_K_BAN, "own", NULL, "base");
	acts_users(x, "pat");
	x->proof.author_ok = false;
	act = acts_add(&w, x);
	assert_true(act->refused_form);
	assert_false(act->valid);
	x = acts_new(&w, "x2", KITH_K_BAN, "own", NULL, "base");
	assert_ok(kith_authority_add(w.a, &x->rec, NULL, &x->proof, &act));
	assert_true(act->refused_form);
	assert_int_equal(kith_authority_add(w.a, &x->rec, NULL, &x->proof, &act), KITH_E_EXISTS);
	x = acts_new(&w, "x3", KITH_K_BAN, "own", NULL, "nowhere");
	assert_int_equal(kith_authority_add(w.a, &x->rec, &x->op, &x->proof, &act), KITH_E_MISSING);
	x->rec.n_parents = 0;
	act = acts_add(&w, x);
	assert_false(act->valid);
	x = acts_new(&w, "x4", KITH_K_BAN, "own", NULL, "base");
	x->rec.group = acts_id("other group");
	assert_int_equal(kith_authority_add(w.a, &x->rec, &x->op, &x->proof, &act), KITH_E_MALFORMED);
	x = acts_new(&w, "x5", KITH_K_CREATE, "own", NULL, "");
	assert_int_equal(kith_authority_add(w.a, &x->rec, &x->op, &x->proof, &act), KITH_E_MALFORMED);
	x = acts_new(&w, "x6", KITH_K_BAN, "own", NULL, "base");
	x->rec.seq = 1;
	assert_int_equal(kith_authority_add(w.a, &x->rec, &x->op, &x->proof, &act), KITH_E_MALFORMED);
	x->rec.prev = acts_id("base");          /* of another node */
	assert_int_equal(kith_authority_add(w.a, &x->rec, &x->op, &x->proof, &act), KITH_E_MALFORMED);
	x->rec.prev = acts_id("nowhere");
	assert_int_equal(kith_authority_add(w.a, &x->rec, &x->op, &x->proof, &act), KITH_E_MISSING);
	end(&w);
}

static void
validity_never_changes(void **state)
{
	struct acts w;

	(void)state;
	begin(&w);
	acts_people(&w, "x", KITH_K_BAN, "mo", "mod", "base", "pat");
	acts_grant(&w, "rev", KITH_K_ROLE_REVOKE, "own", NULL, "base", "mod", "mo");
	acts_people(&w, "y", KITH_K_UNBAN, "mo", "mod", "x", "pat");
	assert_verdict(&w, "x", 'v');
	assert_verdict(&w, "y", 'v');
	acts_people(&w, "z", KITH_K_UNBAN, "mo", "mod", "y rev", "pat");
	assert_verdict(&w, "z", 'i');
	end(&w);
}

/* ---- A7 ---- */

static void
a_senior_voids_what_is_concurrent_and_a_junior_does_not(void **state)
{
	struct acts w;

	(void)state;
	begin(&w);
	acts_people(&w, "x90", KITH_K_BAN, "ada", "admin", "base", "mo");
	acts_people(&w, "x50", KITH_K_BAN, "mo", "mod", "base", "pat");
	assert_verdict(&w, "x90", 'e');
	assert_verdict(&w, "x50", 'v');
	/* equals do not: two admins */
	acts_grant(&w, "g", KITH_K_ROLE_GRANT, "own", NULL, "base", "admin", "bob");
	acts_people(&w, "y1", KITH_K_BAN, "bob", "admin", "g", "tom");
	acts_people(&w, "y2", KITH_K_UNBAN, "bob", "admin", "y1", "tom");
	assert_verdict(&w, "y2", 'e');
	end(&w);
}

static void
a_lifted_ban_still_voids_what_was_concurrent(void **state)
{
	struct acts w;

	(void)state;
	begin(&w);
	acts_people(&w, "b", KITH_K_BAN, "ada", "admin", "base", "mo");
	acts_people(&w, "u", KITH_K_UNBAN, "ada", "admin", "b", "mo");
	acts_people(&w, "x", KITH_K_BAN, "mo", "mod", "base", "pat");
	acts_people(&w, "y", KITH_K_BAN, "mo", "mod", "u", "tom");
	assert_verdict(&w, "x", 'v');
	assert_verdict(&w, "y", 'e');
	end(&w);
}

static void
a_void_act_voids_nothing(void **state)
{
	struct acts w;

	(void)state;
	begin(&w);
	acts_people(&w, "x", KITH_K_BAN, "mo", "mod", "base", "pat");
	acts_people(&w, "b90", KITH_K_BAN, "ada", "admin", "base", "mo");
	assert_verdict(&w, "x", 'v');
	acts_people(&w, "b1000", KITH_K_BAN, "own", NULL, "base", "ada");
	assert_verdict(&w, "b90", 'v');
	assert_verdict(&w, "x", 'e');
	end(&w);
}

static void
a_deleted_role_acts_no_more_but_can_be_acted_on(void **state)
{
	struct acts w;

	(void)state;
	begin(&w);
	acts_delete(&w, "del", "own", NULL, "base", "mod");
	acts_people(&w, "x1", KITH_K_BAN, "mo", "mod", "base", "pat");
	acts_people(&w, "x2", KITH_K_BAN, "mo", "mod", "del", "pat");
	acts_grant(&w, "x3", KITH_K_ROLE_GRANT, "ada", "admin", "del", "mod", "tom");
	assert_verdict(&w, "x1", 'v');
	assert_verdict(&w, "x2", 'i');
	assert_verdict(&w, "x3", 'e');
	assert_true(acts_holds(&w, "tom", "mod"));
	assert_false(acts_fact(&w, KITH_F_ROLE, acts_id("mod"), NULL, NULL));
	end(&w);
}

static void
a_ban_counts_for_a_verdict_only_from_above(void **state)
{
	struct acts w;

	(void)state;
	begin(&w);
	acts_role(&w, "low", "own", NULL, "base", 20, MOD, MOD);
	acts_grant(&w, "g", KITH_K_ROLE_GRANT, "own", NULL, "low", "low", "pat");
	acts_role(&w, "low2", "own", NULL, "g", 30, MOD, MOD);
	acts_grant(&w, "h", KITH_K_ROLE_GRANT, "own", NULL, "low2", "low2", "tom");
	acts_people(&w, "b30", KITH_K_BAN, "tom", "low2", "h", "pat");
	acts_people(&w, "x20", KITH_K_BAN, "pat", "low", "h", "sue");
	assert_verdict(&w, "b30", 'e');
	assert_verdict(&w, "x20", 'v');
	acts_grant(&w, "i", KITH_K_ROLE_GRANT, "own", NULL, "b30", "low2", "pat");
	acts_people(&w, "x30", KITH_K_BAN, "pat", "low2", "i", "sue");
	assert_verdict(&w, "x30", 'e');         /* banned at 30 does not bind at 30 */
	end(&w);
}

/* ---- A8 ---- */

static void
a_resignation_stands_and_voids_what_its_author_did_meanwhile(void **state)
{
	struct acts w;

	(void)state;
	begin(&w);
	acts_people(&w, "x", KITH_K_BAN, "own", NULL, "base", "pat");
	acts_plain(&w, "res", KITH_K_OWNER_RESIGN, "own", NULL, "base");
	acts_people(&w, "y", KITH_K_BAN, "own", NULL, "base", "tom");
	acts_people(&w, "z", KITH_K_BAN, "own", NULL, "res", "tom");
	assert_verdict(&w, "res", 'e');
	assert_verdict(&w, "x", 'v');
	assert_verdict(&w, "y", 'v');
	assert_verdict(&w, "z", 'i');
	assert_false(acts_person(&w, KITH_F_OWNER, "own"));
	acts_plain(&w, "res2", KITH_K_OWNER_RESIGN, "olga", NULL, "res");
	assert_verdict(&w, "res2", 'i');        /* the last one */
	acts_plain(&w, "res3", KITH_K_OWNER_RESIGN, "olga", NULL, "base");
	assert_verdict(&w, "res3", 'e');        /* both at once may leave none */
	assert_false(acts_person(&w, KITH_F_OWNER, "olga"));
	end(&w);
}

static void
a_rekey_voids_what_is_done_under_earlier_documents(void **state)
{
	struct acts_one *x;
	struct acts w;

	(void)state;
	begin(&w);
	acts_people(&w, "old", KITH_K_BAN, "own", NULL, "base", "pat");
	x = acts_new(&w, "rekey", KITH_K_REKEY, "own", NULL, "base");
	x->proof.doc_n = x->proof.rekey_n = 1;
	acts_add(&w, x);
	x = acts_new(&w, "new", KITH_K_BAN, "own", NULL, "base");
	x->proof.doc_n = 1;
	acts_users(x, "tom");
	acts_add(&w, x);
	assert_verdict(&w, "rekey", 'e');
	assert_verdict(&w, "old", 'v');
	assert_verdict(&w, "new", 'e');
	x = acts_new(&w, "x1", KITH_K_REKEY, "own", NULL, "base");
	acts_add(&w, x);
	assert_verdict(&w, "x1", 'i');          /* no sound later document */
	x = acts_new(&w, "x2", KITH_K_REKEY, "stranger", NULL, "base");
	x->proof.rekey_n = 1;
	acts_add(&w, x);
	assert_verdict(&w, "x2", 'i');
	x = acts_new(&w, "x3", KITH_K_REKEY, "mo", NULL, "base");
	x->proof.rekey_n = 1;
	acts_add(&w, x);
	assert_verdict(&w, "x3", 'e');
	end(&w);
}

static struct acts_one *
quorum(struct acts *w, const char *name, const char *author, const char *via, const char *parents, uint64_t threshold,
    const char *who)
{
	struct acts_one *x = acts_new(w, name, KITH_K_SET, author, via, parents);
	uint32_t i;

	acts_users(x, who);
	kith_mp_put_array(&x->raw, 2);
	kith_mp_put_uint(&x->raw, threshold);
	kith_mp_put_array(&x->raw, x->op.n_users);
	for (i = 0; i < x->op.n_users; i++)
		kith_mp_put_id(&x->raw, &x->users[i]);
	x->op.value = kith_buf_slice(&x->raw);
	x->op.key = kith_slice_str("succession");
	x->op.has = KITH_OP_BIT(KITH_OP_KEY) | KITH_OP_BIT(KITH_OP_VALUE);
	return x;
}

static struct acts_one *
succeed(struct acts *w, const char *name, const char *author, const char *parents, const char *set, const char *signers,
    const char *heirs)
{
	static const uint8_t sig[64];
	struct acts_one *x = acts_new(w, name, KITH_K_OWNER_SUCCEED, author, NULL, parents);
	uint32_t i;

	acts_users(x, signers);
	kith_mp_put_array(&x->raw, x->op.n_users);
	for (i = 0; i < x->op.n_users; i++) {
		kith_mp_put_array(&x->raw, 3);
		kith_mp_put_id(&x->raw, &x->users[i]);
		kith_mp_put_id(&x->raw, &x->users[i]);
		kith_mp_put_bin(&x->raw, kith_slice_of(sig, sizeof(sig)));
	}
	x->proof.quorum_sigs_ok = x->op.n_users;
	x->op.sigs = kith_buf_slice(&x->raw);
	acts_users(x, heirs);
	x->op.set = acts_id(set);
	x->op.has |= KITH_OP_BIT(KITH_OP_SET) | KITH_OP_BIT(KITH_OP_SIGS);
	return x;
}

static void
a_quorum_makes_owners_one_level_below_its_set(void **state)
{
	struct acts_one *x;
	struct acts w;

	(void)state;
	begin(&w);
	acts_add(&w, quorum(&w, "q", "own", NULL, "base", 2, "a b c"));
	acts_add(&w, quorum(&w, "q2", "ada", "admin", "base", 2, "a b c"));
	assert_verdict(&w, "q", 'e');
	assert_verdict(&w, "q2", 'i');
	acts_add(&w, succeed(&w, "x1", "a", "q", "q", "a", "heir"));
	acts_add(&w, succeed(&w, "x2", "a", "q", "q", "a x", "heir"));
	x = succeed(&w, "x3", "a", "q", "q", "a b", "heir");
	x->proof.quorum_sigs_ok = 1;
	acts_add(&w, x);
	acts_add(&w, succeed(&w, "x4", "a", "base", "q", "a b", "heir"));
	assert_verdict(&w, "x1", 'i');
	assert_verdict(&w, "x2", 'i');
	assert_verdict(&w, "x3", 'i');
	assert_verdict(&w, "x4", 'i');
	assert_int_equal(acts_add(&w, succeed(&w, "s", "a", "q", "q", "a c", "heir"))->level, 999);
	assert_verdict(&w, "s", 'e');
	assert_true(acts_person(&w, KITH_F_OWNER, "heir"));
	/* heirs, and whom they add, act through it and at its level */
	acts_people(&w, "y1", KITH_K_BAN, "heir", NULL, "s", "pat");
	acts_people(&w, "y2", KITH_K_BAN, "heir", "s", "s", "pat");
	acts_people(&w, "y3", KITH_K_BAN, "own", "s", "s", "pat");
	acts_people(&w, "y4", KITH_K_OWNER_ADD, "heir", "s", "s", "second");
	acts_people(&w, "y5", KITH_K_KICK, "second", "s", "y4", "ada");
	acts_people(&w, "y6", KITH_K_KICK, "second", NULL, "y4", "ada");
	assert_verdict(&w, "y1", 'i');
	assert_verdict(&w, "y2", 'e');
	assert_verdict(&w, "y3", 'i');
	assert_verdict(&w, "y4", 'e');
	assert_verdict(&w, "y5", 'e');
	assert_verdict(&w, "y6", 'i');
	/* a newer set from above strikes it, seen or not, and all that rests on it */
	acts_add(&w, quorum(&w, "newer", "own", NULL, "q", 1, "c"));
	assert_verdict(&w, "s", 'v');
	assert_verdict(&w, "y2", 'v');
	assert_verdict(&w, "y5", 'v');
	acts_add(&w, succeed(&w, "z", "a", "newer", "q", "a c", "heir"));
	assert_verdict(&w, "z", 'i');
	end(&w);
}

static void
a_quorum_lets_the_last_owner_go(void **state)
{
	struct acts_one *x;
	struct acts w;

	(void)state;
	acts_begin(&w, "own", 0);
	acts_add(&w, quorum(&w, "q", "own", NULL, "", 1, "a"));
	acts_plain(&w, "x1", KITH_K_OWNER_RESIGN, "own", NULL, "q");
	assert_verdict(&w, "x1", 'i');
	x = acts_new(&w, "x2", KITH_K_OWNER_RESIGN, "own", NULL, "q");
	x->op.set = acts_id("q");
	x->op.has = KITH_OP_BIT(KITH_OP_SET);
	acts_add(&w, x);
	assert_verdict(&w, "x2", 'e');
	acts_add(&w, succeed(&w, "s", "a", "x2", "q", "a", "a"));
	assert_verdict(&w, "s", 'e');
	acts_people(&w, "y", KITH_K_OWNER_ADD, "a", "s", "s", "b");
	assert_verdict(&w, "y", 'e');
	end(&w);
}

/* ---- A10 ---- */

static void
a_counter_used_twice_has_effect_once(void **state)
{
	struct acts_one *x, *y, *low, *high;
	struct acts w;

	(void)state;
	begin(&w);
	x = acts_new(&w, "x", KITH_K_BAN, "own", NULL, "base");
	acts_users(x, "pat");
	acts_add(&w, x);
	assert_verdict(&w, "x", 'e');
	y = acts_new(&w, "y", KITH_K_BAN, "own", NULL, "base");
	acts_users(y, "tom");
	y->rec.counter = x->rec.counter;
	acts_add(&w, y);
	low = kith_id_cmp(&x->rec.id, &y->rec.id) < 0 ? x : y;
	high = low == x ? y : x;
	assert_verdict(&w, low->name, 'e');
	assert_verdict(&w, high->name, 'v');
	end(&w);
}

static void
a_stolen_key_cannot_use_up_the_counters_of_the_new_one(void **state)
{
	struct acts_one *x, *y;
	struct acts w;
	char name[16];
	int i;

	(void)state;
	begin(&w);
	x = acts_new(&w, "rekey", KITH_K_REKEY, "own", NULL, "base");
	x->proof.doc_n = x->proof.rekey_n = 1;
	acts_add(&w, x);
	x = acts_new(&w, "x", KITH_K_BAN, "own", NULL, "rekey");
	x->proof.doc_n = 1;
	acts_users(x, "pat");
	acts_add(&w, x);
	for (i = 0; i < 8; i++) {
		(void)snprintf(name, sizeof(name), "thief%c", 'a' + i);
		y = acts_new(&w, name, KITH_K_BAN, "own", NULL, "base");
		acts_users(y, "tom");
		y->rec.counter = x->rec.counter;
		acts_add(&w, y);
		assert_verdict(&w, name, 'v');
	}
	assert_verdict(&w, "x", 'e');
	end(&w);
}

static void
a_record_must_have_seen_the_one_before_it(void **state)
{
	struct acts_one *x, *y;
	struct acts w;

	(void)state;
	begin(&w);
	x = acts_new(&w, "x", KITH_K_BAN, "own", NULL, "base");
	acts_users(x, "pat");
	acts_chain(x, "node", NULL);
	acts_add(&w, x);
	y = acts_new(&w, "y", KITH_K_BAN, "own", NULL, "base");
	acts_users(y, "tom");
	acts_chain(y, "node", x);
	acts_add(&w, y);
	assert_verdict(&w, "y", 'i');
	end(&w);
}

/* ---- A11 ---- */

static struct acts_one *
chained(struct acts *w, const char *name, const char *parents, const char *node, const struct acts_one *prev,
    const char *victim)
{
	struct acts_one *x = acts_new(w, name, KITH_K_BAN, "own", NULL, parents);

	acts_users(x, victim);
	acts_chain(x, node, prev);
	acts_add(w, x);
	return x;
}

static void
beyond_a_fork_only_what_others_build_on_counts(void **state)
{
	struct acts_one *x0, *x1, *x2, *y1;
	struct kith_id heads[KITH_PARENTS_MAX];
	struct acts w;

	(void)state;
	begin(&w);
	x0 = chained(&w, "x0", "base", "evil", NULL, "p0");
	x1 = chained(&w, "x1", "x0", "evil", x0, "p1");
	x2 = chained(&w, "x2", "x1", "evil", x1, "p2");
	assert_verdict(&w, "x2", 'e');
	y1 = chained(&w, "y1", "x0", "evil", x0, "p3");
	assert_verdict(&w, "x0", 'e');
	assert_verdict(&w, "x1", 'v');
	assert_verdict(&w, "x2", 'v');
	assert_verdict(&w, "y1", 'v');
	assert_int_equal(kith_authority_heads(w.a, heads), 1);
	assert_memory_equal(&heads[0], &x0->rec.id, sizeof(heads[0]));
	assert_true(acts_person(&w, KITH_F_NOT_BANNED, "p1"));
	chained(&w, "o1", "x1", "honest", NULL, "p4");
	assert_verdict(&w, "x1", 'e');
	assert_verdict(&w, "x2", 'v');
	assert_verdict(&w, "y1", 'v');
	assert_verdict(&w, "o1", 'e');
	/* the same node's next incarnation */
	y1 = acts_new(&w, "z1", KITH_K_BAN, "own", NULL, "y1");
	acts_users(y1, "p5");
	acts_chain(y1, "evil", NULL);
	y1->rec.incarnation = 7;
	acts_add(&w, y1);
	assert_verdict(&w, "y1", 'e');
	assert_verdict(&w, "z1", 'e');
	assert_verdict(&w, "x2", 'v');
	(void)x2;
	end(&w);
}

/* ---- A12 ---- */

static void
a_kind_outside_the_rules_version_is_invalid(void **state)
{
	struct acts_one *x;
	struct acts w;

	(void)state;
	begin(&w);
	acts_plain(&w, "x1", 29, "own", NULL, "base");
	acts_plain(&w, "x2", KITH_K_MESSAGE, "own", NULL, "base");
	assert_verdict(&w, "x1", 'i');
	assert_verdict(&w, "x2", 'i');
	assert_int_equal(kith_authority_rules(w.a), 1);
	x = acts_new(&w, "up", KITH_K_UPGRADE, "ada", "admin", "base");
	x->op.rules = 2;
	acts_add(&w, x);
	assert_verdict(&w, "up", 'i');
	assert_int_equal(kith_authority_rules(w.a), 1);
	x = acts_new(&w, "up2", KITH_K_UPGRADE, "own", NULL, "base");
	x->op.rules = 2;
	acts_add(&w, x);
	assert_verdict(&w, "up2", 'e');
	assert_int_equal(kith_authority_rules(w.a), 2);
	end(&w);
}

/* ---- A13 ---- */

static void
kinds_ask_for_their_permissions(void **state)
{
	static const struct {
		uint32_t kind;
		const char *perm;
	} kinds[] = {
		{ KITH_K_BAN, "member.ban" }, { KITH_K_UNBAN, "member.ban" }, { KITH_K_KICK, "member.kick" },
		{ KITH_K_MUTE, "member.mute" }, { KITH_K_UNMUTE, "member.mute" }, { KITH_K_ADMIT, "join.approve" },
		{ KITH_K_PANEL_CREATE, "panel.manage" }, { KITH_K_PLUGIN_SET, "plugin.manage" },
		{ KITH_K_NODE_BAN, "federation.manage" }, { KITH_K_NODE_UNBAN, "federation.manage" },
		{ KITH_K_INVITE_REVOKE, "invite.manage" },
	};
	struct acts_one *x;
	struct acts w;
	char name[16];
	size_t i, j;

	(void)state;
	begin(&w);
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		(void)snprintf(name, sizeof(name), "r%zu", i);
		acts_role(&w, name, "own", NULL, "base", 40, kinds[i].perm, kinds[i].perm);
		(void)snprintf(name, sizeof(name), "g%zu.", i);
		x = acts_new(&w, name, KITH_K_ROLE_GRANT, "own", NULL, "base");
		acts_users(x, "pat");
		(void)snprintf(name, sizeof(name), "r%zu", i);
		x->op.role = acts_id(name);
		x->rec.parents[0] = acts_id(name);
		acts_add(&w, x);
		for (j = 0; j < sizeof(kinds) / sizeof(kinds[0]); j++) {
			(void)snprintf(name, sizeof(name), "x%zu.%zu", i, j);
			x = acts_new(&w, name, kinds[j].kind, "pat", NULL, "");
			acts_users(x, "tom");
			x->op.key = kith_slice_str("k");
			x->op.has |= KITH_OP_BIT(KITH_OP_KEY);
			(void)snprintf(name, sizeof(name), "r%zu", i);
			x->rec.via = acts_id(name);
			(void)snprintf(name, sizeof(name), "g%zu.", i);
			x->rec.parents[0] = acts_id(name);
			assert_int_equal(acts_add(&w, x)->valid, strcmp(kinds[i].perm, kinds[j].perm) == 0);
		}
	}
	end(&w);
}

static void
settings_ask_by_their_key(void **state)
{
	struct acts_one *x;
	struct acts w;

	(void)state;
	begin(&w);
	acts_role(&w, "pro", "own", NULL, "base", 40, "group.profile", "group.profile");
	acts_grant(&w, "g", KITH_K_ROLE_GRANT, "own", NULL, "pro", "pro", "pat");
	acts_set(&w, "x1", "pat", "pro", "g", "topic", "t");
	acts_set(&w, "x2", "pat", "pro", "g", "retention", "t");
	acts_set(&w, "x3", "mo", "mod", "g", "retention", "t");
	acts_set(&w, "x4", "mo", "mod", "g", "name", "t");
	acts_set(&w, "x5", "mo", "mod", "g", "succession", "t");
	acts_set(&w, "x6", "own", NULL, "g", "succession", "t");
	acts_set(&w, "x7", "own", NULL, "g", "rules", "t");
	acts_set(&w, "x8", "own", NULL, "g", "joins", "t");
	assert_verdict(&w, "x1", 'e');
	assert_verdict(&w, "x2", 'i');
	assert_verdict(&w, "x3", 'e');
	assert_verdict(&w, "x4", 'i');
	assert_verdict(&w, "x5", 'i');
	assert_verdict(&w, "x6", 'i');
	assert_verdict(&w, "x7", 'i');
	assert_verdict(&w, "x8", 'i');
	x = acts_new(&w, "j", KITH_K_SET, "mo", "mod", "g");
	x->op.has = KITH_OP_BIT(KITH_OP_JOINS);
	x->op.joins = 2;
	acts_add(&w, x);
	assert_verdict(&w, "j", 'e');
	assert_false(acts_fact(&w, KITH_F_JOINS_OPEN, kith_id_none, NULL, NULL));
	assert_non_null(kith_authority_register(w.a, &kith_id_none, kith_slice_str("joins")));
	end(&w);
}

static void
ban_and_kick_use_up_an_admission(void **state)
{
	const uint32_t *kicks;
	struct kith_id uid;
	struct acts w;

	(void)state;
	begin(&w);
	acts_people(&w, "a", KITH_K_ADMIT, "own", NULL, "base", "pat");
	assert_true(acts_person(&w, KITH_F_ADMITTED, "pat"));
	acts_people(&w, "k", KITH_K_KICK, "mo", "mod", "a", "pat");
	assert_false(acts_person(&w, KITH_F_ADMITTED, "pat"));
	assert_true(acts_person(&w, KITH_F_NOT_BANNED, "pat"));
	acts_people(&w, "a2", KITH_K_ADMIT, "own", NULL, "k", "pat");
	assert_true(acts_person(&w, KITH_F_ADMITTED, "pat"));
	acts_people(&w, "b", KITH_K_BAN, "mo", "mod", "a2", "pat");
	acts_people(&w, "u", KITH_K_UNBAN, "mo", "mod", "b", "pat");
	assert_false(acts_person(&w, KITH_F_ADMITTED, "pat"));
	uid = acts_uid("pat");
	assert_int_equal(kith_authority_kicks(w.a, &uid, &kicks), 1);
	assert_memory_equal(&kith_authority_at(w.a, kicks[0])->id, &w.v[6]->rec.id, sizeof(struct kith_id));
	end(&w);
}

static struct acts_one *
override(struct acts *w, const char *name, const char *author, const char *via, const char *parents, const char *role,
    const char *user, uint64_t effect)
{
	struct acts_one *x = acts_new(w, name, KITH_K_PANEL_SET, author, via, parents);

	acts_perms(x, "message.send");
	x->op.panel = acts_id("panel");
	x->op.effect = effect;
	x->op.has |= KITH_OP_BIT(KITH_OP_EFFECT) | KITH_OP_BIT(role != NULL ? KITH_OP_WHO_ROLE : KITH_OP_WHO_USER);
	if (role != NULL)
		x->op.who_role = strcmp(role, "member") == 0 ? kith_role_member : acts_id(role);
	else
		x->op.who_user = acts_uid(user);
	acts_add(w, x);
	return x;
}

static void
overrides_allow_deny_and_inherit_downwards(void **state)
{
	struct kith_id panel = acts_id("panel");
	struct acts_one *x;
	struct acts w;

	(void)state;
	begin(&w);
	acts_role(&w, "pan", "own", NULL, "base", 40, "panel.permissions", "panel.permissions message.send");
	acts_grant(&w, "g", KITH_K_ROLE_GRANT, "own", NULL, "pan", "pan", "pat");
	override(&w, "x0", "own", NULL, "g", "mod", NULL, 2);
	assert_verdict(&w, "x0", 'i');          /* there is no such panel yet */
	x = acts_new(&w, "panel", KITH_K_PANEL_CREATE, "own", NULL, "g");
	acts_add(&w, x);
	override(&w, "d", "pat", "pan", "panel", "member", NULL, 2);
	assert_verdict(&w, "d", 'e');
	assert_false(acts_fact(&w, KITH_F_NOT_DENIED, panel, "member", "message.send"));
	override(&w, "a", "pat", "pan", "d", "member", NULL, 1);
	assert_verdict(&w, "a", 'i');           /* pan may have message.send and has it not */
	acts_allow(&w, "al", KITH_K_ROLE_ALLOW, "own", NULL, "d", "pan", "message.send");
	override(&w, "a2", "pat", "pan", "al", "member", NULL, 1);
	assert_verdict(&w, "a2", 'e');
	assert_true(acts_fact(&w, KITH_F_NOT_DENIED, panel, "member", "message.send"));
	assert_true(acts_fact(&w, KITH_F_ALLOWED, panel, "member", "message.send"));
	override(&w, "i", "pat", "pan", "a2", "member", NULL, 0);
	assert_true(acts_fact(&w, KITH_F_NOT_DENIED, panel, "member", "message.send"));
	assert_false(acts_fact(&w, KITH_F_ALLOWED, panel, "member", "message.send"));
	override(&w, "x1", "pat", "pan", "i", "mod", NULL, 2);
	override(&w, "x2", "pat", "pan", "i", NULL, "mo", 2);
	override(&w, "x3", "pat", "pan", "i", NULL, "pat", 1);
	override(&w, "x4", "pat", "pan", "i", NULL, "tom", 2);
	assert_verdict(&w, "x1", 'i');
	assert_verdict(&w, "x2", 'i');
	assert_verdict(&w, "x3", 'i');
	assert_verdict(&w, "x4", 'e');
	x = acts_new(&w, "o", KITH_K_PANEL_SET, "pat", "pan", "i");
	x->op.panel = panel;
	x->op.has = KITH_OP_BIT(KITH_OP_OPEN);
	acts_add(&w, x);
	assert_verdict(&w, "o", 'i');           /* that is panel.manage's */
	x = acts_new(&w, "o2", KITH_K_PANEL_SET, "own", NULL, "i");
	x->op.panel = panel;
	x->op.has = KITH_OP_BIT(KITH_OP_OPEN);
	acts_add(&w, x);
	assert_false(acts_fact(&w, KITH_F_PANEL_OPEN, panel, NULL, NULL));
	end(&w);
}

static void
panels_come_and_go_and_private_ones_are_hidden(void **state)
{
	struct kith_id panel = acts_id("p1");
	struct acts_one *x;
	struct acts w;

	(void)state;
	begin(&w);
	x = acts_new(&w, "p1", KITH_K_PANEL_CREATE, "own", NULL, "base");
	x->op.has = KITH_OP_BIT(KITH_OP_PRIVATE);
	x->op.private_ = true;
	acts_add(&w, x);
	assert_true(acts_fact(&w, KITH_F_PANEL, panel, NULL, NULL));
	assert_false(acts_fact(&w, KITH_F_NOT_DENIED, panel, "member", "panel.view"));
	x = acts_new(&w, "del", KITH_K_PANEL_DELETE, "own", NULL, "p1");
	x->op.panel = panel;
	acts_add(&w, x);
	assert_false(acts_fact(&w, KITH_F_PANEL, panel, NULL, NULL));
	x = acts_new(&w, "p2", KITH_K_PANEL_CREATE, "own", NULL, "del");
	x->op.has = KITH_OP_BIT(KITH_OP_SCOPE);
	x->op.scope = panel;
	assert_memory_equal(&acts_add(&w, x)->panel_or_role, &panel, sizeof(panel));
	assert_true(acts_fact(&w, KITH_F_PANEL, panel, NULL, NULL));
	x = acts_new(&w, "p3", KITH_K_PANEL_CREATE, "own", NULL, "base");
	x->op.has = KITH_OP_BIT(KITH_OP_SCOPE);
	x->op.scope = panel;
	acts_add(&w, x);
	assert_verdict(&w, "p3", 'i');          /* it has not seen that panel */
	end(&w);
}

static void
an_invite_is_revoked_by_its_maker_through_any_role(void **state)
{
	struct kith_id invite = acts_id("invite"), via, maker = acts_uid("pat");
	struct acts_one *x;
	const char *why;
	struct acts w;

	(void)state;
	begin(&w);
	acts_role(&w, "bare", "own", NULL, "base", 40, "", "");
	acts_grant(&w, "g", KITH_K_ROLE_GRANT, "own", NULL, "bare", "bare", "pat tom");
	x = acts_new(&w, "x1", KITH_K_INVITE_REVOKE, "tom", "bare", "g");
	x->op.invite = invite;
	x->proof.invite_maker = maker;
	acts_add(&w, x);
	assert_verdict(&w, "x1", 'i');
	assert_int_equal(kith_authority_via(w.a, &maker, KITH_K_INVITE_REVOKE, &x->op, &via, &why), KITH_E_DENIED);
	assert_ok(kith_authority_via_revoke(w.a, &maker, &x->op, &maker, &via, &why));
	assert_ok(kith_authority_may_revoke(w.a, &maker, &via, &x->op, &maker, &why));
	x = acts_new(&w, "x2", KITH_K_INVITE_REVOKE, "pat", "bare", "g");
	x->op.invite = invite;
	x->proof.invite_maker = maker;
	acts_add(&w, x);
	assert_verdict(&w, "x2", 'e');
	assert_false(acts_fact(&w, KITH_F_INVITE, invite, NULL, NULL));
	end(&w);
}

static void
an_act_may_name_many_people(void **state)
{
	char names[ACTS_WORDS * 4] = "";
	struct acts w;
	size_t i;

	(void)state;
	begin(&w);
	for (i = 0; i < ACTS_WORDS; i++)
		(void)snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%zu", i > 0 ? " " : "", i);
	acts_grant(&w, "g", KITH_K_ROLE_GRANT, "own", NULL, "base", "mod", names);
	acts_people(&w, "k", KITH_K_KICK, "ada", "admin", "g", names);
	acts_people(&w, "o", KITH_K_OWNER_ADD, "own", NULL, "g", names);
	assert_verdict(&w, "k", 'e');
	assert_verdict(&w, "o", 'e');
	assert_true(acts_holds(&w, "31", "mod"));
	acts_delete(&w, "del", "ada", "admin", "base", "mod");
	assert_verdict(&w, "k", 'e');
	end(&w);
}

static void
an_act_keeps_a_copy_of_its_cut(void **state)
{
	struct kith_cut_tip tip[2] = { { 3, acts_id("tip 3") }, { 4, acts_id("tip 4") } };
	struct kith_cut_feed feed = { .scope = kith_scope_roster, .node = acts_id("node"), .tip = tip, .n_tips = 2 };
	struct kith_cut_part part = { acts_id("panel"), acts_id("part") };
	struct kith_id unheld = acts_id("unheld");
	struct kith_cut cut = { &feed, 1, &unheld, 1, &part, 1 };
	const struct kith_act *act;
	struct acts_one *x;
	struct acts w;

	(void)state;
	begin(&w);
	x = acts_new(&w, "x", KITH_K_BAN, "own", NULL, "base");
	acts_users(x, "pat");
	x->proof.cut = &cut;
	act = acts_add(&w, x);
	memset(tip, 0, sizeof(tip));
	memset(&feed, 0, sizeof(feed));
	memset(&part, 0, sizeof(part));
	unheld = kith_id_none;
	assert_int_equal(act->cut->n_feeds, 1);
	assert_true(kith_id_eq(&act->cut->feed[0].scope, &kith_scope_roster));
	assert_int_equal(act->cut->feed[0].tip[1].seq, 4);
	tip[1].id = acts_id("tip 4");
	assert_true(kith_id_eq(&act->cut->feed[0].tip[1].id, &tip[1].id));
	unheld = acts_id("unheld");
	assert_true(kith_id_eq(&act->cut->unheld[0], &unheld));
	part.hash = acts_id("part");
	assert_true(kith_id_eq(&act->cut->part[0].hash, &part.hash));
	end(&w);
}

static void
owners_alone_make_owners(void **state)
{
	struct acts w;

	(void)state;
	begin(&w);
	acts_people(&w, "x1", KITH_K_OWNER_ADD, "ada", "admin", "base", "ada");
	acts_people(&w, "x2", KITH_K_OWNER_ADD, "own", "admin", "base", "ada");
	acts_people(&w, "x3", KITH_K_OWNER_ADD, "own", NULL, "base", "ada");
	acts_people(&w, "x4", KITH_K_BAN, "ada", NULL, "x3", "mo");
	acts_people(&w, "x5", KITH_K_BAN, "ada", NULL, "base", "mo");
	assert_verdict(&w, "x1", 'i');
	assert_verdict(&w, "x2", 'i');
	assert_verdict(&w, "x3", 'e');
	assert_verdict(&w, "x4", 'e');
	assert_verdict(&w, "x5", 'i');
	end(&w);
}

/* ---- asking ---- */

static void
a_home_learns_what_may_be_done_and_through_which_role(void **state)
{
	struct kith_op op = { .has = KITH_OP_BIT(KITH_OP_USERS), .n_users = 1 };
	struct kith_id pat = acts_uid("pat"), ada = acts_uid("ada"), mo = acts_uid("mo"), own = acts_uid("own"), via;
	struct kith_id mod = acts_id("mod"), admin = acts_id("admin");
	const char *why;
	struct acts w;
	size_t n;

	(void)state;
	begin(&w);
	n = kith_authority_count(w.a);
	op.users = &pat;
	assert_ok(kith_authority_may(w.a, &mo, KITH_K_BAN, &mod, &op, &why));
	assert_int_equal(kith_authority_may(w.a, &mo, KITH_K_BAN, &admin, &op, &why), KITH_E_DENIED);
	assert_string_equal(why, "role");
	assert_int_equal(kith_authority_may(w.a, &mo, KITH_K_BAN, &kith_id_none, &op, &why), KITH_E_DENIED);
	assert_string_equal(why, "owner");
	assert_int_equal(kith_authority_may(w.a, &mo, KITH_K_ADMIT, &mod, &op, &why), KITH_E_DENIED);
	assert_string_equal(why, "permission");
	assert_int_equal(kith_authority_may(w.a, &own, 99, &kith_id_none, &op, &why), KITH_E_DENIED);
	assert_string_equal(why, "form");
	op.users = &ada;
	assert_int_equal(kith_authority_via(w.a, &mo, KITH_K_BAN, &op, &via, &why), KITH_E_DENIED);
	assert_string_equal(why, "level");
	op.users = &mo;
	assert_ok(kith_authority_via(w.a, &ada, KITH_K_BAN, &op, &via, &why));
	assert_true(kith_id_eq(&via, &admin));
	assert_ok(kith_authority_via(w.a, &own, KITH_K_BAN, &op, &via, &why));
	assert_true(kith_id_is_none(&via));
	acts_people(&w, "ban", KITH_K_BAN, "own", NULL, "base", "mo");
	op.users = &pat;
	assert_int_equal(kith_authority_may(w.a, &mo, KITH_K_BAN, &mod, &op, &why), KITH_E_DENIED);
	assert_string_equal(why, "banned");
	assert_int_equal(kith_authority_count(w.a), n + 1);
	end(&w);
}

static void
views_show_what_was_seen_and_do_not_change(void **state)
{
	struct kith_fact f = { .kind = KITH_F_NOT_BANNED, .a = acts_uid("pat") };
	struct kith_id at[3];
	const struct kith_view *v;
	struct acts w;

	(void)state;
	begin(&w);
	acts_people(&w, "x", KITH_K_BAN, "mo", "mod", "base", "pat");
	acts_grant(&w, "rev", KITH_K_ROLE_REVOKE, "own", NULL, "base", "mod", "mo");
	assert_verdict(&w, "x", 'v');
	at[0] = acts_id("x");
	assert_ok(kith_authority_view(w.a, at, 1, &v));
	assert_false(kith_view_fact(v, &f));
	assert_true(kith_view_effective(v, kith_authority_find(w.a, &at[0])->index));
	at[1] = acts_id("rev");
	assert_ok(kith_authority_view(w.a, at, 2, &v));
	assert_true(kith_view_fact(v, &f));
	at[0] = acts_id("base");
	assert_ok(kith_authority_view(w.a, at, 1, &v));
	assert_true(kith_view_fact(v, &f));
	assert_false(kith_view_seen(v, kith_authority_find(w.a, &at[1])->index));
	assert_int_equal(kith_authority_view(w.a, at, 2, &v), KITH_E_DENIED);    /* one is below the other */
	assert_int_equal(kith_authority_view(w.a, at, 0, &v), KITH_E_DENIED);
	at[0] = acts_id("nowhere");
	assert_int_equal(kith_authority_view(w.a, at, 1, &v), KITH_E_MISSING);
	acts_people(&w, "bad", KITH_K_BAN, "pat", "mod", "base", "tom");
	at[0] = acts_id("bad");
	assert_int_equal(kith_authority_view(w.a, at, 1, &v), KITH_E_DENIED);
	end(&w);
}

static void
changes_are_told_once(void **state)
{
	const uint32_t *index;
	struct acts w;
	size_t n;

	(void)state;
	begin(&w);
	kith_authority_changed(w.a, &index, &n);
	assert_int_equal(n, kith_authority_count(w.a));
	kith_authority_changed(w.a, &index, &n);
	assert_int_equal(n, 0);
	acts_people(&w, "x", KITH_K_BAN, "mo", "mod", "base", "pat");
	acts_people(&w, "b", KITH_K_BAN, "ada", "admin", "base", "mo");
	kith_authority_changed(w.a, &index, &n);
	assert_int_equal(n, 1);                 /* x came and went in between */
	acts_people(&w, "c", KITH_K_BAN, "own", NULL, "base", "ada");
	kith_authority_changed(w.a, &index, &n);
	assert_int_equal(n, 3);
	end(&w);
}

static void
a_new_record_names_its_own_last_one(void **state)
{
	struct kith_id heads[KITH_PARENTS_MAX], prev;
	struct acts w;
	char name[16];
	size_t n, i;

	(void)state;
	begin(&w);
	for (i = 0; i < 20; i++) {
		(void)snprintf(name, sizeof(name), "h%zu", i);
		acts_people(&w, name, KITH_K_ADMIT, "own", NULL, "base", "pat");
	}
	assert_int_equal(kith_authority_heads(w.a, heads), KITH_PARENTS_MAX);
	for (i = 1; i < KITH_PARENTS_MAX; i++)
		assert_true(kith_id_cmp(&heads[i - 1], &heads[i]) < 0);
	prev = acts_id("h0");
	n = kith_authority_parents(w.a, &prev, heads);
	assert_int_equal(n, KITH_PARENTS_MAX);
	for (i = 0; i < n && !kith_id_eq(&heads[i], &prev); i++)
		;
	assert_true(i < n);
	prev = acts_id("base");
	assert_int_equal(kith_authority_parents(w.a, &prev, heads), KITH_PARENTS_MAX);
	end(&w);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_act_has_the_level_of_the_role_it_names),
		cmocka_unit_test(levels_are_from_1_to_99),
		cmocka_unit_test(implicit_roles_have_no_grants_and_are_never_a_via),
		cmocka_unit_test(what_an_act_needs_comes_from_one_role),
		cmocka_unit_test(a_ceiling_holds_for_creation_allowance_and_grant),
		cmocka_unit_test(acts_go_downwards_only),
		cmocka_unit_test(one_may_lay_down_the_role_one_acts_through),
		cmocka_unit_test(a_junior_does_not_lift_what_a_senior_laid_down),
		cmocka_unit_test(bounds_are_counted_in_the_past_over_what_is_effective),
		cmocka_unit_test(facts_begin_as_the_rules_say),
		cmocka_unit_test(denial_wins_among_what_is_maximal),
		cmocka_unit_test(a_register_has_the_highest_writer_then_the_smallest_id),
		cmocka_unit_test(a_restriction_is_lifted_only_from_its_own_level_up),
		cmocka_unit_test(a_fact_can_be_asked_over_a_choice_of_acts),
		cmocka_unit_test(the_state_hash_follows_facts_and_not_the_way_there),
		cmocka_unit_test(every_fact_that_is_written_is_listed_once),
		cmocka_unit_test(a_roles_first_permissions_go_and_come_with_its_creation),
		cmocka_unit_test(fact_keys_lead_back_to_their_facts),
		cmocka_unit_test(an_invalid_record_spoils_all_that_build_on_it),
		cmocka_unit_test(form_document_and_place_are_asked_first),
		cmocka_unit_test(validity_never_changes),
		cmocka_unit_test(a_senior_voids_what_is_concurrent_and_a_junior_does_not),
		cmocka_unit_test(a_lifted_ban_still_voids_what_was_concurrent),
		cmocka_unit_test(a_void_act_voids_nothing),
		cmocka_unit_test(a_deleted_role_acts_no_more_but_can_be_acted_on),
		cmocka_unit_test(a_ban_counts_for_a_verdict_only_from_above),
		cmocka_unit_test(a_resignation_stands_and_voids_what_its_author_did_meanwhile),
		cmocka_unit_test(a_rekey_voids_what_is_done_under_earlier_documents),
		cmocka_unit_test(a_quorum_makes_owners_one_level_below_its_set),
		cmocka_unit_test(a_quorum_lets_the_last_owner_go),
		cmocka_unit_test(a_counter_used_twice_has_effect_once),
		cmocka_unit_test(a_stolen_key_cannot_use_up_the_counters_of_the_new_one),
		cmocka_unit_test(a_record_must_have_seen_the_one_before_it),
		cmocka_unit_test(beyond_a_fork_only_what_others_build_on_counts),
		cmocka_unit_test(a_kind_outside_the_rules_version_is_invalid),
		cmocka_unit_test(kinds_ask_for_their_permissions),
		cmocka_unit_test(settings_ask_by_their_key),
		cmocka_unit_test(ban_and_kick_use_up_an_admission),
		cmocka_unit_test(overrides_allow_deny_and_inherit_downwards),
		cmocka_unit_test(panels_come_and_go_and_private_ones_are_hidden),
		cmocka_unit_test(an_invite_is_revoked_by_its_maker_through_any_role),
		cmocka_unit_test(an_act_may_name_many_people),
		cmocka_unit_test(an_act_keeps_a_copy_of_its_cut),
		cmocka_unit_test(owners_alone_make_owners),
		cmocka_unit_test(a_home_learns_what_may_be_done_and_through_which_role),
		cmocka_unit_test(views_show_what_was_seen_and_do_not_change),
		cmocka_unit_test(changes_are_told_once),
		cmocka_unit_test(a_new_record_names_its_own_last_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
