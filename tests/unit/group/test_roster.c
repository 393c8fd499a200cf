#include "id/doc.h"
#include "id/invite.h"
#include "id/node.h"
#include "tests/unit/group/town.h"

/* RULES B1, B2, B8, B9, B11: who is in, under which document, until when. */

static const struct kith_op open_door = { .has = KITH_OP_BIT(KITH_OP_HOW) };

struct scene {
	struct town *w;
	struct resident *ann, *bob;             /* ann founds at house 0, bob lives at house 1 */
	struct kith_id bobs;                    /* his membership */
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

/* A join by a person at their house, by hand, ready to be changed. */
static void
forge_join(struct town *w, size_t house, struct forged *f, const struct resident *p)
{
	memset(f, 0, sizeof(*f));
	f->r.scope = kith_scope_roster;
	f->r.kind = KITH_K_JOIN;
	f->r.author = p->uid;
	f->r.doc = p->doc;
	f->op = open_door;
	town_next(w, house, f);
}

static enum kith_verdict
verdict_of(struct town *w, struct forged *f, size_t by, size_t at)
{
	enum kith_verdict v;

	town_forge(w, by, f, NULL);
	(void)town_run(w, at, f, 1);
	v = town_verdict(w, at, &f->r.id);
	town_forged_fini(f);
	return v;
}

/* ---- B1 ---- */

static void
a_roster_begins_with_the_node(void **state)
{
	struct scene s = begin(3);
	struct resident *cat = town_person(s.w, 2, "cat");
	struct forged f;

	(void)state;
	town_tell(s.w, 0, cat);
	forge_join(s.w, 0, &f, cat);
	f.r.node = s.w->at[2].id;
	f.r.seq = 0;
	f.r.prev = kith_id_none;
	assert_int_equal(verdict_of(s.w, &f, 2, 0), KITH_V_REJECTED);
	end(&s);
}

static void
a_node_joins_once_in_a_feed(void **state)
{
	struct scene s = begin(2);
	struct forged f = { .r = { .scope = kith_scope_roster, .kind = KITH_K_NODE_JOIN } };
	struct kith_node_record n;

	(void)state;
	assert_ok(kith_node_parse(kith_buf_slice(&s.w->at[1].record), &n));
	f.op.has = KITH_OP_BIT(KITH_OP_NODE_RECORD);
	f.op.node_record = n.id;
	town_next(s.w, 1, &f);
	assert_int_equal(verdict_of(s.w, &f, 1, 0), KITH_V_REJECTED);
	end(&s);
}

static void
a_membership_must_be_the_authors_own_and_of_this_node(void **state)
{
	struct scene s = begin(2);
	struct resident *cat = town_person(s.w, 1, "cat");
	struct kith_id cats = town_join(s.w, 1, cat), carols;
	struct forged f = { .r = { .kind = KITH_K_MESSAGE } };

	(void)state;
	town_carry_all(s.w);
	f.r.scope = s.w->hall;
	f.r.author = s.bob->uid;
	f.r.doc = s.bob->doc;
	f.r.via = cats;                         /* another's */
	town_next(s.w, 1, &f);
	assert_int_equal(verdict_of(s.w, &f, 1, 0), KITH_V_REJECTED);
	memset(&f, 0, sizeof(f));
	carols = town_join(s.w, 0, s.ann);      /* of another node */
	f.r.kind = KITH_K_MESSAGE;
	f.r.scope = s.w->hall;
	f.r.author = s.ann->uid;
	f.r.doc = s.ann->doc;
	f.r.via = carols;
	town_next(s.w, 1, &f);
	f.r.node = s.w->at[1].id;
	assert_int_equal(verdict_of(s.w, &f, 1, 0), KITH_V_REJECTED);
	end(&s);
}

/* ---- B2: the document ---- */

static void
a_document_must_be_the_authors_and_have_this_home(void **state)
{
	struct scene s = begin(2);
	struct resident *cat = town_person(s.w, 0, "cat"), *dan = town_person(s.w, 1, "dan");
	struct forged f;

	(void)state;
	town_tell(s.w, 0, cat);
	town_tell(s.w, 0, dan);
	forge_join(s.w, 1, &f, dan);
	f.r.doc = cat->doc;
	assert_int_equal(verdict_of(s.w, &f, 1, 0), KITH_V_REJECTED);
	forge_join(s.w, 1, &f, cat);            /* whose home is house 0 */
	f.r.seq++;
	f.r.prev = kit_id("not there");
	assert_int_equal(verdict_of(s.w, &f, 1, 0), KITH_V_REJECTED);
	end(&s);
}

static void
a_document_that_follows_nothing_is_refused_for_good(void **state)
{
	struct scene s = begin(2);
	struct resident *dan = town_person(s.w, 1, "dan");
	struct kith_doc_new d = { .n = 7, .uid = dan->uid, .prev = dan->doc, .home = s.w->at[1].id, .handle = kith_slice_str("dan#0001") };
	struct kith_doc doc;
	struct kith_buf raw;
	struct forged f;

	(void)state;
	town_tell(s.w, 0, dan);
	memcpy(d.account_pk, kith_signer_pk(dan->account), 32);
	memcpy(d.recovery_pk, kith_signer_pk(dan->recovery), 32);
	kith_buf_init(&raw, 0);
	assert_ok(kith_doc_make(&d, dan->account, NULL, &raw));
	assert_ok(kith_doc_parse(kith_buf_slice(&raw), &doc));
	forge_join(s.w, 1, &f, dan);
	f.r.doc = doc.id;
	town_forge(s.w, 1, &f, NULL);
	assert_ok(town_run(s.w, 0, &f, 1));
	assert_int_equal(town_verdict(s.w, 0, &f.r.id), KITH_V_WAITING);
	assert_ok(kith_group_object(s.w->at[0].g, s.w->at[0].t, s.w->now, KITH_O_DOC, kith_buf_slice(&raw), false, &s.w->at[0].c,
	    &s.w->at[0].m));
	assert_int_equal(town_verdict(s.w, 0, &f.r.id), KITH_V_REJECTED);
	town_forged_fini(&f);
	kith_buf_fini(&raw);
	end(&s);
}

static void
a_join_waits_for_its_document_and_goes_on_when_it_comes(void **state)
{
	struct scene s = begin(2);
	struct resident *dan = town_person(s.w, 1, "dan");
	struct forged f[2];
	size_t i;

	(void)state;
	forge_join(s.w, 1, &f[0], dan);
	town_forge(s.w, 1, &f[0], NULL);
	memset(&f[1], 0, sizeof(f[1]));
	town_after(&f[1], &f[0]);
	f[1].r.scope = s.w->hall;
	f[1].r.seq = 0;
	f[1].r.prev = kith_id_none;
	f[1].r.kind = KITH_K_MESSAGE;
	f[1].r.author = dan->uid;
	f[1].r.doc = dan->doc;
	f[1].r.via = f[0].r.id;
	town_forge(s.w, 1, &f[1], NULL);
	for (i = 2; i-- > 0;) {
		assert_ok(town_run(s.w, 0, &f[i], 1));
		assert_int_equal(s.w->at[0].res.parked, 1);
	}
	assert_int_equal(town_verdict(s.w, 0, &f[1].r.id), KITH_V_WAITING);
	town_tell(s.w, 0, dan);
	assert_int_equal(town_verdict(s.w, 0, &f[0].r.id), KITH_V_VISIBLE);
	assert_int_equal(town_verdict(s.w, 0, &f[1].r.id), KITH_V_VISIBLE);
	assert_true(town_is_member(s.w, 0, dan));
	for (i = 0; i < 2; i++)
		town_forged_fini(&f[i]);
	end(&s);
}

/* ---- B2: the frontier ---- */

static void
a_frontier_names_acts_none_below_another(void **state)
{
	struct scene s = begin(2);
	struct resident *dan = town_person(s.w, 1, "dan");
	struct forged f;
	struct kith_id acts[2] = { s.w->group, s.w->hall };

	(void)state;
	town_tell(s.w, 0, dan);
	forge_join(s.w, 1, &f, dan);
	f.r.n_frontier = 0;
	assert_int_equal(verdict_of(s.w, &f, 1, 0), KITH_V_REJECTED);
	end(&s);
	s = begin(2);
	dan = town_person(s.w, 1, "dan");
	town_tell(s.w, 0, dan);
	acts[0] = s.w->group;
	acts[1] = s.w->hall;
	forge_join(s.w, 1, &f, dan);
	f.r.n_frontier = 2;
	f.r.frontier[0] = acts[kith_id_cmp(&acts[0], &acts[1]) < 0 ? 0 : 1];
	f.r.frontier[1] = acts[kith_id_cmp(&acts[0], &acts[1]) < 0 ? 1 : 0];
	assert_int_equal(verdict_of(s.w, &f, 1, 0), KITH_V_REJECTED);
	end(&s);
	s = begin(2);
	dan = town_person(s.w, 1, "dan");
	town_tell(s.w, 0, dan);
	forge_join(s.w, 1, &f, dan);
	f.r.n_frontier = 1;
	f.r.frontier[0] = s.bobs;               /* no act */
	assert_int_equal(verdict_of(s.w, &f, 1, 0), KITH_V_REJECTED);
	end(&s);
}

static void
a_frontier_never_goes_back(void **state)
{
	struct scene s = begin(2);
	struct resident *dan = town_person(s.w, 1, "dan"), *eve = town_person(s.w, 1, "eve");
	struct forged f;

	(void)state;
	town_tell(s.w, 0, dan);
	(void)town_panel(s.w, 0, s.ann, false);
	town_carry_all(s.w);
	(void)town_join(s.w, 1, eve);
	town_carry_all(s.w);
	forge_join(s.w, 1, &f, dan);
	f.r.n_frontier = 1;
	f.r.frontier[0] = s.w->hall;
	assert_int_equal(verdict_of(s.w, &f, 1, 0), KITH_V_REJECTED);
	end(&s);
}

static void
what_follows_a_refused_record_is_refused(void **state)
{
	struct scene s = begin(2);
	struct resident *dan = town_person(s.w, 1, "dan"), *eve = town_person(s.w, 1, "eve");
	struct forged f[2];

	(void)state;
	town_tell(s.w, 0, dan);
	town_tell(s.w, 0, eve);
	forge_join(s.w, 1, &f[0], dan);
	f[0].r.n_frontier = 0;
	town_forge(s.w, 1, &f[0], NULL);
	forge_join(s.w, 1, &f[1], eve);
	f[1].r.seq = f[0].r.seq + 1;
	f[1].r.prev = f[0].r.id;
	town_forge(s.w, 1, &f[1], NULL);
	assert_ok(town_run(s.w, 0, f, 2));
	assert_int_equal(town_verdict(s.w, 0, &f[0].r.id), KITH_V_REJECTED);
	assert_int_equal(town_verdict(s.w, 0, &f[1].r.id), KITH_V_REJECTED);
	assert_true(town_is_member(s.w, 0, s.bob));
	town_forged_fini(&f[0]);
	town_forged_fini(&f[1]);
	end(&s);
}

static void
a_refusal_is_certain_even_above_a_gap(void **state)
{
	struct scene s = begin(2);
	struct resident *dan = town_person(s.w, 1, "dan");
	struct forged f[2];

	(void)state;
	town_tell(s.w, 0, dan);
	forge_join(s.w, 1, &f[0], dan);
	town_forge(s.w, 1, &f[0], NULL);
	forge_join(s.w, 1, &f[1], dan);
	f[1].r.seq = f[0].r.seq + 1;
	f[1].r.prev = f[0].r.id;
	f[1].r.n_frontier = 0;
	town_forge(s.w, 1, &f[1], NULL);
	assert_int_equal(town_run(s.w, 0, &f[1], 1), KITH_E_MISSING);
	assert_int_equal(town_verdict(s.w, 0, &f[1].r.id), KITH_V_REJECTED);
	assert_ok(town_run(s.w, 0, &f[0], 1));
	assert_int_equal(town_verdict(s.w, 0, &f[0].r.id), KITH_V_VISIBLE);
	assert_int_equal(town_verdict(s.w, 0, &f[1].r.id), KITH_V_REJECTED);
	assert_int_equal(town_state(s.w, 0, &f[1].r.id), KITH_S_REJECTED);      /* it has its place now */
	town_forged_fini(&f[0]);
	town_forged_fini(&f[1]);
	end(&s);
}

/* ---- B2: may the author ---- */

static void
a_closed_door_wants_an_admission_or_an_invite(void **state)
{
	struct town *w = town_new(2);
	struct resident *ann = town_person(w, 0, "ann"), *bob = town_person(w, 1, "bob");
	const struct kith_op admitted = { .has = KITH_OP_BIT(KITH_OP_HOW), .how = KITH_HOW_ADMITTED };
	struct kith_op users = town_op_users(0, bob);

	(void)state;
	town_found(w, ann, 2);
	town_carry_all(w);
	assert_int_equal(town_write(w, 1, bob, KITH_K_JOIN, &open_door, NULL), KITH_E_DENIED);
	assert_string_equal(town_why, "way");
	assert_int_equal(town_write(w, 1, bob, KITH_K_JOIN, &admitted, NULL), KITH_E_DENIED);
	(void)town_act(w, 0, ann, NULL, KITH_K_ADMIT, &users);
	town_carry_all(w);
	assert_ok(town_write(w, 1, bob, KITH_K_JOIN, &admitted, NULL));
	town_carry_all(w);
	assert_true(town_is_member(w, 0, bob));
	/* an admission is used up by a kick */
	(void)town_kick(w, 0, ann, bob);
	town_carry_all(w);
	assert_false(town_is_member(w, 1, bob));
	assert_int_equal(town_write(w, 1, bob, KITH_K_JOIN, &admitted, NULL), KITH_E_DENIED);
	town_check_all(w);
	town_free(w);
}

static void
whoever_is_banned_cannot_join_and_one_unbanned_must_join_anew(void **state)
{
	struct scene s = begin(2);
	const struct kith_op users = town_op_users(0, s.bob);
	struct kith_id m;

	(void)state;
	(void)town_ban(s.w, 0, s.ann, s.bob);
	town_carry_all(s.w);
	assert_false(town_is_member(s.w, 1, s.bob));
	assert_int_equal(town_write(s.w, 1, s.bob, KITH_K_JOIN, &open_door, NULL), KITH_E_DENIED);
	assert_string_equal(town_why, "banned");
	assert_int_equal(town_try_say(s.w, 1, s.bob, &s.w->hall, "x", &m), KITH_E_DENIED);
	(void)town_act(s.w, 0, s.ann, NULL, KITH_K_UNBAN, &users);
	town_carry_all(s.w);
	assert_false(town_is_member(s.w, 1, s.bob));
	assert_int_equal(town_try_say(s.w, 1, s.bob, &s.w->hall, "x", &m), KITH_E_DENIED);
	assert_string_equal(town_why, "over");
	(void)town_join(s.w, 1, s.bob);
	assert_true(town_is_member(s.w, 1, s.bob));
	(void)town_say(s.w, 1, s.bob, "back again");
	town_carry_all(s.w);
	end(&s);
}

static void
a_banned_node_is_suspended_until_the_ban_is_lifted(void **state)
{
	struct scene s = begin(2);
	struct kith_op op = { .has = KITH_OP_BIT(KITH_OP_NODE), .node = s.w->at[1].id };
	struct kith_group_node n;
	struct kith_id m;
	size_t it = 0, banned = 0;

	(void)state;
	(void)town_act(s.w, 0, s.ann, NULL, KITH_K_NODE_BAN, &op);
	town_carry_all(s.w);
	assert_false(town_is_member(s.w, 0, s.bob));
	while (kith_group_node_next(s.w->at[0].g, &it, &n))
		banned += n.banned;
	assert_int_equal(banned, 1);
	assert_int_equal(town_try_say(s.w, 1, s.bob, &s.w->hall, "x", &m), KITH_E_DENIED);
	assert_string_equal(town_why, "node");
	(void)town_act(s.w, 0, s.ann, NULL, KITH_K_NODE_UNBAN, &op);
	town_carry_all(s.w);
	assert_true(town_is_member(s.w, 0, s.bob));
	(void)town_say(s.w, 1, s.bob, "still a member");
	end(&s);
}

static void
a_void_ban_never_ended_a_membership(void **state)
{
	struct scene s = begin(2);
	static const char *const perms[] = { "member.ban", "role.manage" };
	struct resident *mod = town_person(s.w, 1, "mod");
	struct kith_id role, m;
	struct kith_op users = town_op_users(0, s.bob);

	(void)state;
	(void)town_join(s.w, 1, mod);
	town_carry_all(s.w);
	role = town_role(s.w, 0, s.ann, 50, perms, 2);
	(void)town_grant(s.w, 0, s.ann, &role, mod, true);
	town_carry_all(s.w);
	/* at once: the owner takes the role, and its holder bans bob */
	(void)town_grant(s.w, 0, s.ann, &role, mod, false);
	(void)town_act(s.w, 1, mod, &role, KITH_K_BAN, &users);
	assert_false(town_is_member(s.w, 1, s.bob));
	town_carry_all(s.w);
	assert_true(town_is_member(s.w, 0, s.bob));
	assert_true(town_is_member(s.w, 1, s.bob));
	m = town_say(s.w, 1, s.bob, "as if nothing had been");
	town_carry_all(s.w);
	assert_int_equal(town_verdict(s.w, 0, &m), KITH_V_VISIBLE);
	end(&s);
}

static void
whoever_leaves_is_gone_and_may_come_again(void **state)
{
	struct scene s = begin(2);
	struct kith_id before = town_say(s.w, 1, s.bob, "bye"), m;

	(void)state;
	assert_ok(town_write(s.w, 1, s.bob, KITH_K_LEAVE, NULL, NULL));
	town_carry_all(s.w);
	assert_false(town_is_member(s.w, 0, s.bob));
	assert_int_equal(town_verdict(s.w, 0, &before), KITH_V_VISIBLE);
	assert_int_equal(town_try_say(s.w, 1, s.bob, &s.w->hall, "x", &m), KITH_E_DENIED);
	assert_string_equal(town_why, "hidden");        /* beyond the leave's cut */
	(void)town_join(s.w, 1, s.bob);
	(void)town_say(s.w, 1, s.bob, "hello again");
	town_carry_all(s.w);
	assert_true(town_is_member(s.w, 0, s.bob));
	end(&s);
}

static void
a_leave_must_be_of_a_membership_below_it(void **state)
{
	struct scene s = begin(2);
	struct resident *dan = town_person(s.w, 1, "dan");
	struct forged f = { .r = { .kind = KITH_K_LEAVE } };
	struct kith_cut none = { .n_feeds = 0 };
	struct kith_buf raw;

	(void)state;
	kith_buf_init(&raw, 0);
	assert_ok(kith_cut_make(&none, &raw, &f.op.cut));
	assert_ok(kith_group_object(s.w->at[0].g, s.w->at[0].t, s.w->now, KITH_O_CUT, kith_buf_slice(&raw), true, &s.w->at[0].c,
	    &s.w->at[0].m));
	f.op.has = KITH_OP_BIT(KITH_OP_CUT);
	f.r.scope = kith_scope_roster;
	f.r.author = dan->uid;
	f.r.doc = dan->doc;
	town_next(s.w, 1, &f);
	f.r.via = kit_id("a membership that the branch does not hold");
	assert_int_equal(verdict_of(s.w, &f, 1, 0), KITH_V_REJECTED);
	kith_buf_fini(&raw);
	end(&s);
}

/* ---- B8 ---- */

static void
a_move_carries_the_person_and_binds_the_old_home(void **state)
{
	struct scene s = begin(3);
	struct kith_id before = town_say(s.w, 1, s.bob, "before I go"), late, after;
	struct kith_member m;

	(void)state;
	town_carry_all(s.w);
	town_doc(s.w, s.bob, 2, "key", true);
	/* the old home goes on speaking for him, unseen by the move */
	late = town_say(s.w, 1, s.bob, "the old home still speaks");
	assert_ok(town_write(s.w, 2, s.bob, KITH_K_MOVE, NULL, NULL));
	after = town_say(s.w, 2, s.bob, "from my new home");
	town_carry_all(s.w);
	assert_int_equal(town_verdict(s.w, 0, &before), KITH_V_VISIBLE);
	assert_int_equal(town_verdict(s.w, 0, &after), KITH_V_VISIBLE);
	assert_int_equal(town_verdict(s.w, 0, &late), KITH_V_HIDDEN);
	assert_int_equal(town_verdict(s.w, 1, &late), KITH_V_HIDDEN);
	assert_ok(kith_group_member(s.w->at[0].g, &s.bob->uid, &m));
	assert_true(m.member);
	assert_true(kith_id_eq(&m.node, &s.w->at[2].id));
	assert_int_equal(town_write(s.w, 1, s.bob, KITH_K_JOIN, &open_door, NULL), KITH_E_DENIED);
	end(&s);
}

static void
a_move_does_not_outlive_a_ban_it_has_not_seen(void **state)
{
	struct scene s = begin(3);

	(void)state;
	town_doc(s.w, s.bob, 2, "key", true);
	assert_ok(town_write(s.w, 2, s.bob, KITH_K_MOVE, NULL, NULL));
	(void)town_ban(s.w, 0, s.ann, s.bob);
	town_carry_all(s.w);
	assert_false(town_is_member(s.w, 0, s.bob));
	assert_false(town_is_member(s.w, 2, s.bob));
	end(&s);
}

static void
of_rival_documents_the_better_signed_stands(void **state)
{
	static const char *const by[] = { "key", "recovery" };
	struct scene s = begin(3);
	struct resident thief = *s.bob;
	struct kith_id stolen, own;
	size_t i;

	(void)state;
	(void)by;
	/* somebody with the account key moves him; he, with the recovery key, moves elsewhere */
	town_doc(s.w, &thief, 2, "key", true);
	assert_ok(town_write(s.w, 2, &thief, KITH_K_MOVE, NULL, NULL));
	stolen = town_say(s.w, 2, &thief, "it is me");
	town_carry_all(s.w);
	assert_int_equal(town_verdict(s.w, 0, &stolen), KITH_V_VISIBLE);
	town_doc(s.w, s.bob, 0, "recovery", true);
	assert_int_equal(town_verdict(s.w, 0, &stolen), KITH_V_HIDDEN);         /* by the document alone */
	assert_ok(town_write(s.w, 0, s.bob, KITH_K_MOVE, NULL, NULL));
	own = town_say(s.w, 0, s.bob, "no, me");
	for (i = 0; i < 3; i++)
		town_tell(s.w, i, s.bob);
	town_carry_all(s.w);
	for (i = 0; i < 3; i++) {
		assert_int_equal(town_verdict(s.w, i, &stolen), KITH_V_HIDDEN);
		assert_int_equal(town_verdict(s.w, i, &own), KITH_V_VISIBLE);
		assert_true(town_is_member(s.w, i, s.bob));
	}
	for (i = 1; i <= thief.n; i++)
		kith_buf_fini(&thief.raw[i]);
	end(&s);
}

static void
a_document_counts_with_the_best_signatures_that_came(void **state)
{
	struct scene s = begin(3);
	struct kith_doc_new d = { .n = 1, .uid = s.bob->uid, .prev = s.bob->doc, .home = s.w->at[2].id, .handle = kith_slice_str("b#1") };
	struct resident other = *s.bob;
	struct kith_buf weak, strong;
	struct kith_id said;
	struct house *h = &s.w->at[2];

	(void)state;
	memcpy(d.account_pk, kith_signer_pk(s.bob->account), 32);
	memcpy(d.recovery_pk, kith_signer_pk(s.bob->recovery), 32);
	kith_buf_init(&weak, 0);
	kith_buf_init(&strong, 0);
	assert_ok(kith_doc_make(&d, s.bob->account, NULL, &weak));
	assert_ok(kith_doc_make(&d, s.bob->account, s.bob->recovery, &strong));
	/* a rival signed by the recovery key beats the weak copy, and loses to the strong one, of the same document */
	town_tell(s.w, 2, s.bob);
	assert_ok(kith_group_object(h->g, h->t, s.w->now, KITH_O_DOC, kith_buf_slice(&weak), true, &h->c, &h->m));
	{
		struct kith_doc doc;

		assert_ok(kith_doc_parse(kith_buf_slice(&weak), &doc));
		s.bob->doc = doc.id;
	}
	assert_ok(town_write(s.w, 2, s.bob, KITH_K_MOVE, NULL, NULL));
	said = town_say(s.w, 2, s.bob, "here");
	town_doc(s.w, &other, 1, "recovery", false);
	assert_ok(kith_group_object(h->g, h->t, s.w->now, KITH_O_DOC, kith_buf_slice(&other.raw[1]), true, &h->c, &h->m));
	assert_int_equal(town_verdict(s.w, 2, &said), KITH_V_HIDDEN);
	assert_ok(kith_group_object(h->g, h->t, s.w->now, KITH_O_DOC, kith_buf_slice(&strong), false, &h->c, &h->m));
	assert_int_equal(town_verdict(s.w, 2, &said), KITH_V_VISIBLE);
	town_check(s.w, 2);
	assert_int_equal(town_verdict(s.w, 2, &said), KITH_V_VISIBLE);
	kith_buf_fini(&weak);
	kith_buf_fini(&strong);
	kith_buf_fini(&other.raw[1]);
	town_free(s.w);
}

/* ---- B11 ---- */

static void
a_timed_ban_binds_until_its_end(void **state)
{
	struct scene s = begin(2);
	struct kith_op op = town_op_users(KITH_OP_BIT(KITH_OP_UNTIL), s.bob);
	struct kith_id m;

	(void)state;
	op.until_ms = s.w->now.wall_ms + 60 * 1000;
	(void)town_act(s.w, 0, s.ann, NULL, KITH_K_BAN, &op);
	town_carry_all(s.w);
	assert_int_equal(town_try_say(s.w, 1, s.bob, &s.w->hall, "x", &m), KITH_E_DENIED);
	assert_int_equal(town_write(s.w, 1, s.bob, KITH_K_JOIN, &open_door, NULL), KITH_E_DENIED);
	s.w->now.wall_ms = op.until_ms;
	(void)town_join(s.w, 1, s.bob);
	m = town_say(s.w, 1, s.bob, "my time is over");
	town_carry_all(s.w);
	assert_true(town_is_member(s.w, 0, s.bob));
	assert_int_equal(town_verdict(s.w, 0, &m), KITH_V_VISIBLE);
	end(&s);
}

/* An invite by ann at house 0, and a join with it. */
struct invited {
	struct kith_id id;
	struct kith_buf raw;
	struct kith_op op;
	uint8_t sig[64];
};

static void
make_invite(struct town *w, const struct resident *maker, size_t house, uint64_t uses, bool guests, struct invited *v)
{
	struct kith_invite_new n = { .group = w->group, .maker = maker->uid, .node = w->at[house].id, .uses = uses, .guests = guests };

	n.made_ms = w->now.wall_ms;
	n.nonce[0] = (uint8_t)w->dice++;
	if (uses != 0)
		n.counter = w->at[house].id;
	kith_buf_init(&v->raw, 0);
	assert_ok(kith_invite_make(&n, w->at[house].sign, &v->raw, &v->id));
	v->op = (struct kith_op){ .has = KITH_OP_BIT(KITH_OP_HOW) | KITH_OP_BIT(KITH_OP_INVITE), .how = KITH_HOW_INVITE,
		.invite = v->id };
}

static void
count_use(struct town *w, size_t house, struct invited *v, uint64_t count, const struct resident *p)
{
	struct kith_buf b;

	kith_buf_init(&b, 0);
	kith_count_bytes(&v->id, count, &p->uid, &b);
	kith_sign(w->at[house].sign, KITH_L_COUNT, kith_buf_slice(&b), v->sig);
	kith_buf_fini(&b);
	v->op.has |= KITH_OP_BIT(KITH_OP_COUNT) | KITH_OP_BIT(KITH_OP_COUNT_SIG);
	v->op.count = count;
	v->op.count_sig = kith_slice_of(v->sig, 64);
}

static int
offer_invite(struct town *w, size_t house, const struct invited *v)
{
	struct house *h = &w->at[house];

	return kith_group_object(h->g, h->t, w->now, KITH_O_INVITE, kith_buf_slice(&v->raw), true, &h->c, &h->m);
}

static void
an_invite_lets_in_until_it_is_revoked(void **state)
{
	struct town *w = town_new(2);
	struct resident *ann = town_person(w, 0, "ann"), *bob = town_person(w, 1, "bob"), *cat = town_person(w, 1, "cat");
	struct kith_op revoke = { .has = KITH_OP_BIT(KITH_OP_INVITE) };
	struct invited v;

	(void)state;
	town_found(w, ann, 1);
	make_invite(w, ann, 0, 0, false, &v);
	town_carry_all(w);
	assert_int_equal(town_write(w, 1, bob, KITH_K_JOIN, &v.op, NULL), KITH_E_DENIED);
	assert_string_equal(town_why, "missing");
	assert_ok(offer_invite(w, 1, &v));
	assert_ok(offer_invite(w, 0, &v));
	assert_ok(town_write(w, 1, bob, KITH_K_JOIN, &v.op, NULL));
	town_carry_all(w);
	assert_true(town_is_member(w, 0, bob));
	revoke.invite = v.id;
	(void)town_act(w, 0, ann, NULL, KITH_K_INVITE_REVOKE, &revoke);
	town_carry_all(w);
	assert_true(town_is_member(w, 0, bob));         /* within its cut */
	assert_int_equal(town_write(w, 1, cat, KITH_K_JOIN, &v.op, NULL), KITH_E_DENIED);
	kith_buf_fini(&v.raw);
	town_check_all(w);
	town_free(w);
}

static void
an_invite_counts_only_from_its_makers_home_and_while_its_maker_may_invite(void **state)
{
	struct town *w = town_new(2);
	struct resident *ann = town_person(w, 0, "ann"), *bob = town_person(w, 1, "bob"), *cat = town_person(w, 1, "cat");
	struct invited forged, powerless;

	(void)state;
	town_found(w, ann, 0);
	town_carry_all(w);
	(void)town_join(w, 1, bob);
	town_carry_all(w);
	make_invite(w, ann, 1, 0, false, &forged);      /* house 1 makes one in ann's name */
	assert_ok(offer_invite(w, 1, &forged));
	assert_int_equal(town_write(w, 1, cat, KITH_K_JOIN, &forged.op, NULL), KITH_E_DENIED);
	assert_string_equal(town_why, "missing");       /* no document says that she ever lived there */
	make_invite(w, bob, 1, 0, false, &powerless);
	assert_ok(offer_invite(w, 1, &powerless));
	assert_int_equal(town_write(w, 1, cat, KITH_K_JOIN, &powerless.op, NULL), KITH_E_DENIED);
	assert_string_equal(town_why, "way");
	kith_buf_fini(&forged.raw);
	kith_buf_fini(&powerless.raw);
	town_check_all(w);
	town_free(w);
}

static void
a_limited_invite_wants_its_counters_signature(void **state)
{
	struct town *w = town_new(2);
	struct resident *ann = town_person(w, 0, "ann"), *bob = town_person(w, 1, "bob"), *cat = town_person(w, 1, "cat");
	struct invited v;

	(void)state;
	town_found(w, ann, 1);
	town_carry_all(w);
	make_invite(w, ann, 0, 1, false, &v);
	assert_ok(offer_invite(w, 1, &v));
	assert_int_equal(town_write(w, 1, bob, KITH_K_JOIN, &v.op, NULL), KITH_E_DENIED);
	assert_string_equal(town_why, "invite");
	count_use(w, 1, &v, 1, bob);                    /* signed by the wrong node */
	assert_int_equal(town_write(w, 1, bob, KITH_K_JOIN, &v.op, NULL), KITH_E_DENIED);
	assert_string_equal(town_why, "missing");
	count_use(w, 0, &v, 1, cat);                    /* for somebody else */
	assert_int_equal(town_write(w, 1, bob, KITH_K_JOIN, &v.op, NULL), KITH_E_DENIED);
	count_use(w, 0, &v, 2, bob);                    /* above the limit */
	assert_int_equal(town_write(w, 1, bob, KITH_K_JOIN, &v.op, NULL), KITH_E_DENIED);
	assert_string_equal(town_why, "invite");
	count_use(w, 0, &v, 1, bob);
	assert_ok(town_write(w, 1, bob, KITH_K_JOIN, &v.op, NULL));
	town_carry_all(w);
	assert_true(town_is_member(w, 0, bob));
	kith_buf_fini(&v.raw);
	town_check_all(w);
	town_free(w);
}

static void
a_guest_comes_in_by_an_invite_for_guests_alone(void **state)
{
	struct town *w = town_new(2);
	struct resident *ann = town_person(w, 0, "ann"), *gus = town_person_with(w, 1, "gus", KITH_DOC_GUEST);
	struct invited no, yes;
	struct kith_member m;
	struct kith_id said;

	(void)state;
	town_found(w, ann, 1);
	town_carry_all(w);
	make_invite(w, ann, 0, 0, false, &no);
	make_invite(w, ann, 0, 0, true, &yes);
	assert_ok(offer_invite(w, 1, &no));
	assert_ok(offer_invite(w, 1, &yes));
	assert_int_equal(town_write(w, 1, gus, KITH_K_JOIN, &no.op, NULL), KITH_E_DENIED);
	assert_string_equal(town_why, "guests");
	assert_ok(town_write(w, 1, gus, KITH_K_JOIN, &yes.op, NULL));
	assert_ok(kith_group_member(w->at[1].g, &gus->uid, &m));
	assert_true(m.member && m.guest);
	/* the Guest role is not the Member role, and has no permission here */
	assert_int_equal(town_try_say(w, 1, gus, &w->hall, "x", &said), KITH_E_DENIED);
	assert_string_equal(town_why, "permission");
	kith_buf_fini(&no.raw);
	kith_buf_fini(&yes.raw);
	town_check_all(w);
	town_free(w);
}

static void
an_invite_with_a_bad_signature_is_not_kept(void **state)
{
	struct scene s = begin(2);
	struct invited v;

	(void)state;
	make_invite(s.w, s.ann, 0, 0, false, &v);
	v.raw.p[v.raw.n - 1] ^= 1;
	assert_int_equal(offer_invite(s.w, 1, &v), KITH_E_BADSIG);
	kith_buf_fini(&v.raw);
	end(&s);
}

/* ---- incarnations ---- */

static void
a_restored_node_goes_on_in_new_feeds_and_its_people_can_leave(void **state)
{
	struct scene s = begin(2);
	struct kith_id m;

	(void)state;
	(void)town_say(s.w, 1, s.bob, "before");
	town_carry_all(s.w);
	town_batch(s.w, 1);
	kith_group_close(s.w->at[1].g);
	s.w->at[1].self.incarnation = 2;
	town_open(s.w, 1);
	m = town_say(s.w, 1, s.bob, "after");           /* under the membership of the earlier incarnation */
	assert_ok(town_write(s.w, 1, s.bob, KITH_K_LEAVE, NULL, NULL));
	town_carry_all(s.w);
	assert_int_equal(town_verdict(s.w, 0, &m), KITH_V_VISIBLE);
	assert_false(town_is_member(s.w, 0, s.bob));
	end(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TOWN(a_roster_begins_with_the_node),
		TOWN(a_node_joins_once_in_a_feed),
		TOWN(a_membership_must_be_the_authors_own_and_of_this_node),
		TOWN(a_document_must_be_the_authors_and_have_this_home),
		TOWN(a_document_that_follows_nothing_is_refused_for_good),
		TOWN_BOTH(a_join_waits_for_its_document_and_goes_on_when_it_comes),
		TOWN(a_frontier_names_acts_none_below_another),
		TOWN(a_frontier_never_goes_back),
		TOWN(what_follows_a_refused_record_is_refused),
		TOWN_BOTH(a_refusal_is_certain_even_above_a_gap),
		TOWN(a_closed_door_wants_an_admission_or_an_invite),
		TOWN_BOTH(whoever_is_banned_cannot_join_and_one_unbanned_must_join_anew),
		TOWN(a_banned_node_is_suspended_until_the_ban_is_lifted),
		TOWN(a_void_ban_never_ended_a_membership),
		TOWN(whoever_leaves_is_gone_and_may_come_again),
		TOWN(a_leave_must_be_of_a_membership_below_it),
		TOWN_BOTH(a_move_carries_the_person_and_binds_the_old_home),
		TOWN(a_move_does_not_outlive_a_ban_it_has_not_seen),
		TOWN_BOTH(of_rival_documents_the_better_signed_stands),
		TOWN(a_document_counts_with_the_best_signatures_that_came),
		TOWN(a_timed_ban_binds_until_its_end),
		TOWN_BOTH(an_invite_lets_in_until_it_is_revoked),
		TOWN(an_invite_counts_only_from_its_makers_home_and_while_its_maker_may_invite),
		TOWN(a_limited_invite_wants_its_counters_signature),
		TOWN(a_guest_comes_in_by_an_invite_for_guests_alone),
		TOWN(an_invite_with_a_bad_signature_is_not_kept),
		TOWN(a_restored_node_goes_on_in_new_feeds_and_its_people_can_leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
