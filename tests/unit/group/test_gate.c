#include "id/doc.h"
#include "id/node.h"
#include "storage/ledger.h"
#include "tests/unit/fail_alloc.h"
#include "tests/unit/group/town.h"
#include "wire/mp.h"

/* The one door: what comes through it, in what order, and what it costs whom. */

struct scene {
	struct town *w;
	struct resident *ann, *bob;
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

/* Bob's next message by hand, or the one after `after`. */
static void
message(struct scene *s, struct forged *f, const struct forged *after)
{
	memset(f, 0, sizeof(*f));
	f->r.kind = KITH_K_MESSAGE;
	f->r.scope = s->w->hall;
	f->r.node = s->w->at[1].id;
	f->r.author = s->bob->uid;
	f->r.doc = s->bob->doc;
	f->r.via = s->bobs;
	town_next(s->w, 1, f);
	if (after != NULL)
		town_after(f, after);
	f->r.clock = (s->w->now.wall_ms + f->r.seq) << 16;
}

static void
messages(struct scene *s, struct forged *f, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		message(s, &f[i], i == 0 ? NULL : &f[i - 1]);
		town_forge(s->w, 1, &f[i], NULL);
	}
}

static void
forget(struct forged *f, size_t n)
{
	while (n-- > 0)
		town_forged_fini(&f[n]);
}

/* ---- chain and signature ---- */

static void
one_signature_on_the_last_proves_a_run(void **state)
{
	struct scene s = begin(2);
	struct forged f[10];
	uint64_t before;
	size_t i;

	(void)state;
	messages(&s, f, 10);
	for (i = 0; i < 9; i++)
		f[i].item.sig.n = 0;
	before = s.w->verified;
	assert_ok(town_run(s.w, 0, f, 10));
	assert_int_equal(s.w->verified - before, 1);
	assert_int_equal(s.w->at[0].res.stored, 10);
	before = s.w->verified;
	assert_ok(town_run(s.w, 0, f, 10));             /* all held: nothing to prove */
	assert_int_equal(s.w->verified, before);
	assert_int_equal(s.w->at[0].res.held_before, 10);
	forget(f, 10);
	end(&s);
}

static void
nothing_is_taken_of_a_run_whose_proof_fails(void **state)
{
	struct scene s = begin(2);
	struct forged f[4];
	uint8_t sig[64];

	(void)state;
	messages(&s, f, 4);
	f[3].sig[5] ^= 1;
	assert_int_equal(town_run(s.w, 0, f, 4), KITH_E_BADSIG);
	assert_int_equal(s.w->at[0].res.first_error, KITH_E_BADSIG);
	assert_int_equal(town_verdict(s.w, 0, &f[0].r.id), KITH_V_UNKNOWN);
	f[3].sig[5] ^= 1;
	memcpy(sig, f[3].sig, sizeof(sig));
	f[3].item.sig.n = 0;                            /* none at the end */
	f[0].item.sig.n = 0;
	assert_int_equal(town_run(s.w, 0, f, 4), KITH_E_BADSIG);
	kith_sign(s.w->at[0].sign, KITH_L_TIP, kith_id_slice(&f[3].r.id), f[3].sig);    /* by another node */
	f[3].item.sig.n = 64;
	assert_int_equal(town_run(s.w, 0, f, 4), KITH_E_BADSIG);
	memcpy(f[3].sig, sig, sizeof(sig));
	f[2].item = f[1].item;                          /* a chain that does not hold */
	assert_int_equal(town_run(s.w, 0, f, 4), KITH_E_MALFORMED);
	assert_int_equal(town_verdict(s.w, 0, &f[0].r.id), KITH_V_UNKNOWN);
	forget(f, 4);
	end(&s);
}

static void
a_run_is_of_one_feed_and_has_no_holes(void **state)
{
	struct scene s = begin(2);
	struct forged f[3], other;

	(void)state;
	messages(&s, f, 3);
	town_forged_fini(&f[1]);
	f[1] = f[2];
	assert_int_equal(town_run(s.w, 0, f, 2), KITH_E_MALFORMED);
	memset(&other, 0, sizeof(other));
	message(&s, &other, NULL);
	other.r.scope = kit_id("another panel");
	other.r.seq = 1;
	other.r.prev = f[0].r.id;
	town_forge(s.w, 1, &other, NULL);
	f[1] = other;
	assert_int_equal(town_run(s.w, 0, f, 2), KITH_E_MALFORMED);
	town_forged_fini(&f[0]);
	town_forged_fini(&f[2]);
	town_forged_fini(&other);
	end(&s);
}

static void
records_of_other_groups_are_refused(void **state)
{
	struct scene s = begin(2);
	struct forged f;
	struct kith_id group = s.w->group;

	(void)state;
	message(&s, &f, NULL);
	s.w->group = kit_id("another group");
	town_forge(s.w, 1, &f, NULL);
	s.w->group = group;
	assert_int_equal(town_run(s.w, 0, &f, 1), KITH_E_MALFORMED);
	town_forged_fini(&f);
	end(&s);
}

static void
a_run_has_at_most_512_records(void **state)
{
	struct scene s = begin(2);
	static struct kith_item item[513];
	struct kith_run run = { .item = item };
	struct kith_arena *a = kith_arena_new(8u << 20);
	struct kith_item *got;
	struct house *h = &s.w->at[0];
	size_t i, n;

	(void)state;
	assert_non_null(a);
	for (i = 0; i < 520; i++)
		(void)town_say(s.w, 1, s.bob, "x");
	town_batch(s.w, 1);
	assert_ok(kith_group_range(s.w->at[1].g, s.w->at[1].t, &s.w->hall, &s.w->at[1].id, 1, 0, 512, a, &got, &n));
	assert_int_equal(n, 512);
	for (i = 0; i < 513; i++)
		item[i] = got[i < 512 ? i : 511];
	run.n = 513;
	assert_int_equal(kith_group_run(h->g, h->t, s.w->now, NULL, &run, &h->c, &h->m, &h->res), KITH_E_LIMIT);
	run.n = 512;
	assert_ok(kith_group_run(h->g, h->t, s.w->now, NULL, &run, &h->c, &h->m, &h->res));
	assert_int_equal(h->res.stored, 512);
	run.n = 0;
	assert_ok(kith_group_run(h->g, h->t, s.w->now, NULL, &run, &h->c, &h->m, &h->res));
	kith_arena_free(a);
	end(&s);
}

static void
a_node_that_is_not_known_is_asked_for_before_anything_is_taken(void **state)
{
	struct scene s = begin(2);
	struct forged f;
	const struct kith_signer *stranger = kit_key("stranger");

	(void)state;
	message(&s, &f, NULL);
	f.r.node = kit_id("a node that nobody knows");
	f.r.seq = 0;
	f.r.prev = kith_id_none;
	town_forge(s.w, 1, &f, NULL);
	kith_sign(stranger, KITH_L_TIP, kith_id_slice(&f.r.id), f.sig);
	s.w->at[0].m.list.n = 0;
	assert_int_equal(town_run(s.w, 0, &f, 1), KITH_E_MISSING);
	assert_int_equal(s.w->at[0].m.list.n, 1);
	assert_int_equal(s.w->at[0].m.list.v[0].object, 1);
	assert_true(kith_id_eq(&s.w->at[0].m.list.v[0].id, &f.r.node));
	assert_int_equal(town_verdict(s.w, 0, &f.r.id), KITH_V_UNKNOWN);
	town_forged_fini(&f);
	end(&s);
}

/* ---- bodies ---- */

static void
with_body(struct scene *s, struct forged *f, struct kith_slice map)
{
	static const uint8_t salt[16] = { 1 };
	struct kith_buf b;

	(void)s;
	kith_buf_init(&b, 0);
	kith_mp_put_array(&b, 2);
	kith_mp_put_bin(&b, kith_slice_of(salt, 16));
	kith_mp_put_raw(&b, map);
	f->r.body_len = (uint32_t)b.n;
	kith_hash(KITH_L_BODY, kith_buf_slice(&b), &f->r.body_hash);
	kith_buf_init(&f->body, 0);
	kith_buf_put_slice(&f->body, kith_buf_slice(&b));
	kith_buf_fini(&b);
}

static void
a_body_that_is_not_the_records_own_condemns_the_run(void **state)
{
	struct scene s = begin(2);
	struct forged f;
	struct kith_buf body;

	(void)state;
	message(&s, &f, NULL);
	with_body(&s, &f, LIT("\x81\xa4text\xa2hi"));
	body = f.body;
	town_forge(s.w, 1, &f, NULL);
	f.item.body = kith_slice_of("\x92\xc4\x10" "0123456789abcdef\x80", 20);
	assert_int_equal(town_run(s.w, 0, &f, 1), KITH_E_BADSIG);
	f.item.body.n = 0;
	assert_ok(town_run(s.w, 0, &f, 1));             /* without: it may come later */
	assert_false(town_has_body(s.w, 0, &f.r.id));
	f.item.body = kith_buf_slice(&body);
	assert_ok(town_run(s.w, 0, &f, 1));
	assert_int_equal(s.w->at[0].res.held_before, 1);
	assert_true(town_has_body(s.w, 0, &f.r.id));
	kith_buf_fini(&body);
	town_forged_fini(&f);
	end(&s);
}

static void
a_body_out_of_form_is_dropped_and_its_record_stands(void **state)
{
	struct scene s = begin(2);
	struct forged f;
	struct kith_buf body;

	(void)state;
	message(&s, &f, NULL);
	with_body(&s, &f, LIT("\x81\xa4text\x07"));     /* text is no string */
	body = f.body;
	town_forge(s.w, 1, &f, NULL);
	f.item.body = kith_buf_slice(&body);
	assert_ok(town_run(s.w, 0, &f, 1));
	assert_int_equal(town_verdict(s.w, 0, &f.r.id), KITH_V_VISIBLE);
	assert_false(town_has_body(s.w, 0, &f.r.id));
	kith_buf_fini(&body);
	town_forged_fini(&f);
	end(&s);
}

/* ---- waiting ---- */

static void
what_stands_above_a_gap_waits_and_goes_on_by_itself(void **state)
{
	struct scene s = begin(2);
	struct forged f[5];
	struct kith_feed_tip tip;

	(void)state;
	messages(&s, f, 5);
	assert_int_equal(town_run(s.w, 0, &f[3], 2), KITH_E_MISSING);
	assert_int_equal(s.w->at[0].res.parked, 2);
	assert_int_equal(town_verdict(s.w, 0, &f[4].r.id), KITH_V_WAITING);
	assert_int_equal(kith_group_feed_tip(s.w->at[0].g, s.w->at[0].t, &s.w->hall, &s.w->at[1].id, 1, &tip), KITH_E_NOTFOUND);
	assert_ok(town_run(s.w, 0, f, 3));
	assert_int_equal(town_verdict(s.w, 0, &f[4].r.id), KITH_V_VISIBLE);
	assert_ok(kith_group_feed_tip(s.w->at[0].g, s.w->at[0].t, &s.w->hall, &s.w->at[1].id, 1, &tip));
	assert_int_equal(tip.seq, 4);
	forget(f, 5);
	end(&s);
}

static void
an_act_waits_for_its_parents_and_what_has_seen_it_for_the_act(void **state)
{
	struct scene s = begin(3);
	struct kith_id p1 = town_panel(s.w, 0, s.ann, false), p2 = town_panel(s.w, 0, s.ann, false), m;
	struct kith_feed_tip tip;

	(void)state;
	town_carry(s.w, 0, 1);
	m = town_say(s.w, 1, s.bob, "having seen two panels");
	town_batch(s.w, 1);
	assert_ok(town_send(s.w, 1, 2, &s.w->hall, &s.w->at[1].id, 0, 10, false));
	assert_int_equal(town_verdict(s.w, 2, &m), KITH_V_WAITING);
	assert_ok(kith_group_feed_tip(s.w->at[2].g, s.w->at[2].t, &kith_scope_authority, &s.w->at[0].id, 1, &tip));
	assert_int_equal(town_send(s.w, 0, 2, &kith_scope_authority, &s.w->at[0].id, tip.seq + 2, 1, false), KITH_E_MISSING);
	assert_int_equal(town_verdict(s.w, 2, &p2), KITH_V_WAITING);
	assert_ok(town_send(s.w, 0, 2, &kith_scope_authority, &s.w->at[0].id, tip.seq + 1, 1, false));
	assert_int_equal(town_verdict(s.w, 2, &p1), KITH_V_VISIBLE);
	assert_int_equal(town_verdict(s.w, 2, &p2), KITH_V_VISIBLE);
	assert_int_equal(town_verdict(s.w, 2, &m), KITH_V_VISIBLE);
	end(&s);
}

static void
a_peer_may_have_a_thousand_records_waiting_and_its_oldest_make_room(void **state)
{
	struct scene s = begin(2);
	struct house *h = &s.w->at[0];
	struct forged first, f;
	struct kith_id one = kith_id_none, second = kith_id_none, last = kith_id_none, peer = kit_id("a peer"), other = kit_id("another");
	struct kith_run run = { .n = 1 };
	size_t i;

	(void)state;
	message(&s, &first, NULL);
	town_forge(s.w, 1, &first, NULL);
	for (i = 0; i < 1001; i++) {
		message(&s, &f, &first);
		f.r.prev = kit_id("missing");
		f.r.clock += i;
		town_forge(s.w, 1, &f, NULL);
		run.item = &f.item;
		if (kith_group_run(h->g, h->t, s.w->now, i == 500 ? &other : &peer, &run, &h->c, &h->m, &h->res) != KITH_E_MISSING)
			fail_msg("record %zu", i);
		if (i == 0)
			one = f.r.id;
		if (i == 1)
			second = f.r.id;
		last = f.r.id;
		town_forged_fini(&f);
	}
	assert_int_equal(town_verdict(s.w, 0, &one), KITH_V_WAITING);   /* one of them was another peer's */
	message(&s, &f, &first);
	f.r.prev = kit_id("missing");
	f.r.clock += 2000;
	town_forge(s.w, 1, &f, NULL);
	run.item = &f.item;
	assert_int_equal(kith_group_run(h->g, h->t, s.w->now, &peer, &run, &h->c, &h->m, &h->res), KITH_E_MISSING);
	assert_int_equal(town_verdict(s.w, 0, &one), KITH_V_UNKNOWN);
	assert_int_equal(town_verdict(s.w, 0, &second), KITH_V_WAITING);
	assert_int_equal(town_verdict(s.w, 0, &last), KITH_V_WAITING);
	town_forged_fini(&f);
	town_forged_fini(&first);
	town_free(s.w);
}

static void
a_peer_may_have_four_megabytes_waiting(void **state)
{
	struct scene s = begin(2);
	struct house *h = &s.w->at[0];
	struct forged first, f;
	struct kith_id one = kith_id_none, peer = kit_id("a peer");
	struct kith_run run = { .n = 1 };
	struct kith_buf map, body;
	char *text = calloc(1, 30001);
	size_t i;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', 30000);
	kith_buf_init(&map, 0);
	kith_mp_put_map(&map, 1);
	kith_mp_put_cstr(&map, "text");
	kith_mp_put_cstr(&map, text);
	message(&s, &first, NULL);
	town_forge(s.w, 1, &first, NULL);
	for (i = 0; i < 140; i++) {
		message(&s, &f, &first);
		f.r.prev = kit_id("missing");
		f.r.clock += i;
		with_body(&s, &f, kith_buf_slice(&map));
		body = f.body;
		town_forge(s.w, 1, &f, NULL);
		f.item.body = kith_buf_slice(&body);
		run.item = &f.item;
		assert_int_equal(kith_group_run(h->g, h->t, s.w->now, &peer, &run, &h->c, &h->m, &h->res), KITH_E_MISSING);
		if (i == 0)
			one = f.r.id;
		kith_buf_fini(&body);
		town_forged_fini(&f);
	}
	assert_int_equal(town_verdict(s.w, 0, &one), KITH_V_UNKNOWN);
	assert_true(kith_group_memory(h->g) < 6u << 20);
	kith_buf_fini(&map);
	free(text);
	town_forged_fini(&first);
	town_free(s.w);
}

static void
what_waits_expires_and_may_come_again(void **state)
{
	struct scene s = begin(2);
	struct forged f[2];
	uint64_t next;
	struct kith_now later = s.w->now;

	(void)state;
	messages(&s, f, 2);
	assert_int_equal(town_run(s.w, 0, &f[1], 1), KITH_E_MISSING);
	assert_ok(kith_group_tick(s.w->at[0].g, s.w->at[0].t, later, &s.w->at[0].c, &next));
	assert_int_equal(next, s.w->now.mono_ms + 10 * 60 * 1000);
	later.mono_ms = next - 1;
	assert_ok(kith_group_tick(s.w->at[0].g, s.w->at[0].t, later, &s.w->at[0].c, &next));
	assert_int_equal(town_verdict(s.w, 0, &f[1].r.id), KITH_V_WAITING);
	later.mono_ms++;
	assert_ok(kith_group_tick(s.w->at[0].g, s.w->at[0].t, later, &s.w->at[0].c, &next));
	assert_int_equal(next, UINT64_MAX);
	assert_int_equal(town_verdict(s.w, 0, &f[1].r.id), KITH_V_UNKNOWN);
	assert_ok(town_run(s.w, 0, f, 2));
	assert_int_equal(town_verdict(s.w, 0, &f[1].r.id), KITH_V_VISIBLE);
	forget(f, 2);
	end(&s);
}

/* ---- clocks ---- */

static void
a_clock_up_to_a_minute_ahead_is_taken_beyond_it_waits_until_due(void **state)
{
	struct scene s = begin(2);
	struct forged f[3];
	struct kith_now now = s.w->now;
	uint64_t next;

	(void)state;
	message(&s, &f[0], NULL);
	f[0].r.clock = (now.wall_ms + 60 * 1000) << 16;
	town_forge(s.w, 1, &f[0], NULL);
	message(&s, &f[1], &f[0]);
	f[1].r.clock = (now.wall_ms + 60 * 1000 + 1) << 16;
	town_forge(s.w, 1, &f[1], NULL);
	message(&s, &f[2], &f[1]);
	f[2].r.clock = now.wall_ms << 16;
	town_forge(s.w, 1, &f[2], NULL);
	assert_ok(town_run(s.w, 0, &f[0], 1));
	assert_int_equal(town_run(s.w, 0, &f[1], 2), KITH_E_EARLY);
	assert_int_equal(town_verdict(s.w, 0, &f[1].r.id), KITH_V_WAITING);
	assert_int_equal(town_verdict(s.w, 0, &f[2].r.id), KITH_V_WAITING);     /* what follows it waits with it */
	assert_ok(kith_group_tick(s.w->at[0].g, s.w->at[0].t, now, &s.w->at[0].c, &next));
	assert_int_equal(next, now.mono_ms + 1);
	now.wall_ms++;
	now.mono_ms++;
	assert_ok(kith_group_tick(s.w->at[0].g, s.w->at[0].t, now, &s.w->at[0].c, &next));
	assert_int_equal(town_verdict(s.w, 0, &f[1].r.id), KITH_V_VISIBLE);
	assert_int_equal(town_verdict(s.w, 0, &f[2].r.id), KITH_V_VISIBLE);
	forget(f, 3);
	end(&s);
}

static void
a_clock_ten_minutes_ahead_is_put_off_without_a_verdict(void **state)
{
	struct scene s = begin(2);
	struct forged f;

	(void)state;
	message(&s, &f, NULL);
	f.r.clock = (s.w->now.wall_ms + 10 * 60 * 1000 + 1) << 16;
	town_forge(s.w, 1, &f, NULL);
	assert_int_equal(town_run(s.w, 0, &f, 1), KITH_E_EARLY);
	assert_int_equal(s.w->at[0].res.refused, 0);
	assert_int_equal(town_verdict(s.w, 0, &f.r.id), KITH_V_UNKNOWN);
	s.w->now.wall_ms += 10 * 60 * 1000;
	assert_ok(town_run(s.w, 0, &f, 1));
	assert_int_equal(town_verdict(s.w, 0, &f.r.id), KITH_V_VISIBLE);
	town_forged_fini(&f);
	end(&s);
}

static void
what_we_write_is_dated_above_what_it_names_and_never_far_ahead(void **state)
{
	struct scene s = begin(2);
	struct forged f;
	struct kith_id m;
	struct kith_ledger_record lr;

	(void)state;
	message(&s, &f, NULL);
	f.r.clock = (s.w->now.wall_ms + 50 * 1000) << 16;
	town_forge(s.w, 1, &f, NULL);
	assert_ok(town_run(s.w, 0, &f, 1));
	m = town_say(s.w, 0, s.ann, "an answer");
	assert_ok(kith_ledger_get_id(s.w->at[0].t, &m, &lr));
	assert_int_equal(lr.clock, f.r.clock + 1);
	/* our own clock goes back: what we wrote before is far ahead now */
	s.w->now.wall_ms -= 60 * 1000;
	assert_int_equal(town_try_say(s.w, 0, s.ann, &s.w->hall, "x", &m), KITH_E_DENIED);
	assert_string_equal(town_why, "clock");
	s.w->now.wall_ms += 60 * 1000;
	(void)town_say(s.w, 0, s.ann, "and again");
	town_forged_fini(&f);
	end(&s);
}

/* ---- ours ---- */

static void
a_record_of_our_own_that_we_lack_is_told(void **state)
{
	struct scene s = begin(2);
	struct forged f;

	(void)state;
	message(&s, &f, NULL);                          /* house 1's own, made behind its back */
	town_forge(s.w, 1, &f, NULL);
	town_forget_changes(s.w, 1);
	assert_ok(town_run(s.w, 1, &f, 1));
	assert_int_equal(town_changes(s.w, 1, KITH_C_OWN), 1);
	assert_ok(town_run(s.w, 0, &f, 1));
	assert_int_equal(town_changes(s.w, 0, KITH_C_OWN), 0);
	town_forged_fini(&f);
	end(&s);
}

static void
our_feeds_are_signed_at_their_tips_and_every_256th(void **state)
{
	struct scene s = begin(2);
	struct kith_arena *a = kith_arena_new(4u << 20);
	struct kith_ledger_record lr;
	struct kith_id m[300];
	struct kith_item *item;
	size_t i, n;

	(void)state;
	for (i = 0; i < 300; i++)
		m[i] = town_say(s.w, 1, s.bob, "x");
	assert_int_equal(kith_group_range(s.w->at[1].g, s.w->at[1].t, &s.w->hall, &s.w->at[1].id, 1, 0, 10, a, &item, &n),
	    KITH_E_NOTFOUND);                       /* not before the batch ends */
	town_batch(s.w, 1);
	for (i = 0; i < 300; i++) {
		assert_ok(kith_ledger_get_id(s.w->at[1].t, &m[i], &lr));
		assert_int_equal(lr.sig.n, i == 255 ? 64 : 0);
	}
	assert_ok(kith_group_range(s.w->at[1].g, s.w->at[1].t, &s.w->hall, &s.w->at[1].id, 1, 0, 10, a, &item, &n));
	assert_int_equal(n, 256);                       /* stretched to a signature */
	assert_ok(kith_group_range(s.w->at[1].g, s.w->at[1].t, &s.w->hall, &s.w->at[1].id, 1, 250, 10, a, &item, &n));
	assert_int_equal(n, 6);                         /* cut at one */
	assert_ok(kith_group_range(s.w->at[1].g, s.w->at[1].t, &s.w->hall, &s.w->at[1].id, 1, 256, 512, a, &item, &n));
	assert_int_equal(n, 44);
	assert_int_equal(kith_group_range(s.w->at[1].g, s.w->at[1].t, &s.w->hall, &s.w->at[1].id, 1, 300, 512, a, &item, &n),
	    KITH_E_NOTFOUND);
	kith_arena_free(a);
	end(&s);
}

static void
a_person_who_keeps_the_key_signs_every_record(void **state)
{
	struct scene s = begin(2);
	struct resident *eve = town_person_with(s.w, 1, "eve", KITH_DOC_SELF_SIGNED), *nobody = town_person(s.w, 1, "nobody");
	struct forged f;
	struct kith_id m;
	struct kith_draft d = { .kind = KITH_K_MESSAGE, .scope = s.w->hall, .author = eve->uid };

	(void)state;
	(void)nobody;
	(void)town_join(s.w, 1, eve);
	m = town_say(s.w, 1, eve, "signed");
	town_carry_all(s.w);
	assert_int_equal(town_verdict(s.w, 0, &m), KITH_V_VISIBLE);
	assert_int_equal(kith_group_write(s.w->at[1].g, s.w->at[1].t, s.w->now, &d, &s.w->at[1].c, NULL, NULL, &town_why),
	    KITH_E_DENIED);
	assert_string_equal(town_why, "signature");
	message(&s, &f, NULL);                          /* the home speaks for her without it */
	f.r.author = eve->uid;
	f.r.doc = eve->doc;
	{
		struct kith_member who;

		assert_ok(kith_group_member(s.w->at[1].g, &eve->uid, &who));
		f.r.via = who.membership;
	}
	town_forge(s.w, 1, &f, NULL);
	assert_ok(town_run(s.w, 0, &f, 1));
	assert_int_equal(town_verdict(s.w, 0, &f.r.id), KITH_V_REJECTED);
	town_forged_fini(&f);
	town_check(s.w, 0);
	town_free(s.w);
}

/* ---- objects ---- */

static void
objects_come_before_what_names_them(void **state)
{
	struct scene s = begin(3);
	struct resident *cat = town_person(s.w, 2, "cat");
	struct house *h = &s.w->at[0];
	struct kith_id m;
	bool has;

	(void)state;
	(void)town_join(s.w, 2, cat);
	town_batch(s.w, 2);
	assert_ok(kith_group_object(h->g, h->t, s.w->now, KITH_O_DOC, kith_buf_slice(&cat->raw[0]), false, &h->c, &h->m));
	assert_ok(kith_ledger_object_has(h->t, &cat->doc, &has));
	assert_false(has);                              /* nobody names it yet */
	assert_ok(town_send(s.w, 2, 0, &kith_scope_roster, &s.w->at[2].id, 0, 10, false));
	assert_true(town_is_member(s.w, 0, cat));
	assert_ok(kith_ledger_object_has(h->t, &cat->doc, &has));
	assert_true(has);
	m = town_say(s.w, 2, cat, "hello");
	town_carry_all(s.w);
	assert_int_equal(town_verdict(s.w, 1, &m), KITH_V_VISIBLE);
	end(&s);
}

static void
objects_out_of_form_are_refused(void **state)
{
	struct scene s = begin(2);
	struct house *h = &s.w->at[0];
	uint8_t type;

	(void)state;
	for (type = 0; type < 8; type++)
		assert_int_equal(kith_group_object(h->g, h->t, s.w->now, type, LIT("\x93\x01\x02\x03"), true, &h->c, &h->m),
		    KITH_E_MALFORMED);
	end(&s);
}

static void
documents_come_in_any_order(void **state)
{
	struct scene s = begin(2);
	struct resident *cat = town_person(s.w, 1, "cat");
	struct house *h = &s.w->at[0];
	struct forged f = { .r = { .scope = kith_scope_roster, .kind = KITH_K_JOIN } };
	size_t i;

	(void)state;
	town_doc(s.w, cat, 1, "key", false);
	town_doc(s.w, cat, 1, "recovery", false);
	f.r.author = cat->uid;
	f.r.doc = cat->doc;
	f.op.has = KITH_OP_BIT(KITH_OP_HOW);
	town_next(s.w, 1, &f);
	town_forge(s.w, 1, &f, NULL);
	assert_ok(town_run(s.w, 0, &f, 1));
	for (i = 3; i-- > 0;) {
		assert_int_equal(town_verdict(s.w, 0, &f.r.id), KITH_V_WAITING);
		h->m.list.n = 0;
		assert_ok(kith_group_object(h->g, h->t, s.w->now, KITH_O_DOC, kith_buf_slice(&cat->raw[i]), false, &h->c, &h->m));
		assert_int_equal(h->m.list.n, i > 0 ? 1 : 0);   /* the one before it is asked for */
	}
	assert_int_equal(town_verdict(s.w, 0, &f.r.id), KITH_V_VISIBLE);
	town_forged_fini(&f);
	end(&s);
}

/* ---- memory ---- */

struct trial {
	struct scene s;
	struct forged f[7];
	struct kith_buf cut;
};

static int
trial_run(struct trial *k)
{
	struct town *w = k->s.w;
	int r = town_run(w, 0, &k->f[3], 3);

	if (r == KITH_E_MISSING)
		r = town_run(w, 0, k->f, 3);
	return r;
}

static int
trial_write(struct trial *k)
{
	struct town *w = k->s.w;
	struct kith_op op = town_op_users(0, k->s.bob);
	struct kith_draft d = { .kind = KITH_K_MESSAGE, .scope = w->hall, .author = k->s.ann->uid };
	struct kith_draft ban = { .kind = KITH_K_BAN, .author = k->s.ann->uid, .doc = k->s.ann->doc, .account = k->s.ann->account, .op = &op };
	struct house *h = &w->at[0];
	int r = kith_group_write(h->g, h->t, w->now, &d, &h->c, NULL, NULL, &town_why);

	if (r == KITH_OK)
		r = kith_group_write(h->g, h->t, w->now, &ban, &h->c, NULL, NULL, &town_why);
	if (r == KITH_OK)
		r = kith_group_sign_tips(h->g, h->t);
	if (r == KITH_OK)
		r = kith_group_flush(h->g, h->t);
	return r;
}

/* k->f[6] stands at the place of k->f[2]. */
static int
trial_fork(struct trial *k)
{
	int r = town_run(k->s.w, 0, k->f, 6);

	if (r == KITH_OK)
		r = town_run(k->s.w, 0, &k->f[6], 1);
	return r == KITH_OK ? trial_write(k) : r;
}

static int
trial_open(struct trial *k)
{
	struct house *h = &k->s.w->at[0];

	kith_group_close(h->g);
	h->g = NULL;
	return kith_group_open(&k->s.w->env, &h->self, h->t, &k->s.w->group, &h->g);
}

static int
trial_verify(struct trial *k)
{
	struct house *h = &k->s.w->at[0];

	return kith_group_verify(h->g, h->t, NULL);
}

static int
trial_objects(struct trial *k)
{
	struct house *h = &k->s.w->at[0];
	struct resident *cat = &k->s.w->person[2];
	int r = kith_group_object(h->g, h->t, k->s.w->now, KITH_O_DOC, kith_buf_slice(&cat->raw[0]), true, &h->c, &h->m);

	if (r == KITH_OK)
		r = kith_group_object(h->g, h->t, k->s.w->now, KITH_O_CUT, kith_buf_slice(&k->cut), false, &h->c, &h->m);
	return r;
}

/* An allocation fails: the transaction is given up, and all is as it was. */
static void
fail_each(struct trial *k, int (*op)(struct trial *k))
{
	struct house *h = &k->s.w->at[0];
	size_t n;
	int r;

	town_commit(k->s.w, 0);
	for (n = 1;; n++) {
		kith_group_close(h->g);
		h->g = NULL;
		kith_txn_abort(h->t);
		assert_ok(kith_store_begin(h->store, true, &h->t));
		assert_ok(kith_group_open(&k->s.w->env, &h->self, h->t, &k->s.w->group, &h->g));
		kith_test_fail_alloc(n);
		r = op(k);
		if (!kith_test_alloc_failed())
			break;
		/* some that fail only cost time: views that are not kept */
		if (r != KITH_OK)
			assert_int_equal(r, KITH_E_NOMEM);
	}
	assert_ok(r);
	assert_true(n > 3);
	town_check(k->s.w, 0);
}

static void
out_of_memory_nothing_is_half_done(void **state)
{
	static int (*const ops[])(struct trial *k) = { trial_run, trial_write, trial_fork, trial_open, trial_verify, trial_objects };
	struct kith_cut none = { .n_feeds = 0 };
	struct trial k;
	struct kith_id id;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		k.s = begin(2);
		(void)town_person(k.s.w, 1, "cat");
		messages(&k.s, k.f, 6);
		message(&k.s, &k.f[6], &k.f[1]);
		k.f[6].r.clock++;
		town_forge(k.s.w, 1, &k.f[6], NULL);
		kith_buf_init(&k.cut, 0);
		assert_ok(kith_cut_make(&none, &k.cut, &id));
		fail_each(&k, ops[i]);
		kith_buf_fini(&k.cut);
		forget(k.f, 7);
		town_free(k.s.w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TOWN_BOTH(one_signature_on_the_last_proves_a_run),
		TOWN(nothing_is_taken_of_a_run_whose_proof_fails),
		TOWN(a_run_is_of_one_feed_and_has_no_holes),
		TOWN(records_of_other_groups_are_refused),
		TOWN(a_run_has_at_most_512_records),
		TOWN(a_node_that_is_not_known_is_asked_for_before_anything_is_taken),
		TOWN_BOTH(a_body_that_is_not_the_records_own_condemns_the_run),
		TOWN(a_body_out_of_form_is_dropped_and_its_record_stands),
		TOWN_BOTH(what_stands_above_a_gap_waits_and_goes_on_by_itself),
		TOWN_BOTH(an_act_waits_for_its_parents_and_what_has_seen_it_for_the_act),
		TOWN(a_peer_may_have_a_thousand_records_waiting_and_its_oldest_make_room),
		TOWN(a_peer_may_have_four_megabytes_waiting),
		TOWN(what_waits_expires_and_may_come_again),
		TOWN(a_clock_up_to_a_minute_ahead_is_taken_beyond_it_waits_until_due),
		TOWN(a_clock_ten_minutes_ahead_is_put_off_without_a_verdict),
		TOWN(what_we_write_is_dated_above_what_it_names_and_never_far_ahead),
		TOWN(a_record_of_our_own_that_we_lack_is_told),
		TOWN_BOTH(our_feeds_are_signed_at_their_tips_and_every_256th),
		TOWN(a_person_who_keeps_the_key_signs_every_record),
		TOWN_BOTH(objects_come_before_what_names_them),
		TOWN(objects_out_of_form_are_refused),
		TOWN(documents_come_in_any_order),
		TOWN(out_of_memory_nothing_is_half_done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
