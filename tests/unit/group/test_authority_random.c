#include "tests/unit/test.h"

#include <stdio.h>

#include "tests/unit/fail_alloc.h"
#include "tests/unit/group/acts.h"
#include "wire/mp.h"

/*
 * Random logs of every kind, with forks, counters used twice, rekeys and
 * quorums: the incremental form against the one-pass form, one order of arrival
 * against another, a view against a plane that holds nothing else.
 */

#define PEOPLE 6
#define ROLES 4

static const char *const people[PEOPLE] = { "own", "olga", "ada", "mo", "pat", "tom" };
static const char *const words[] = { "member.ban", "member.mute", "role.manage", "group.config", "join.approve",
	"panel.permissions" };
#define ALL_WORDS "group.config join.approve member.ban member.mute panel.permissions role.manage"

static uint64_t seed;

static size_t
roll(size_t n)
{
	uint64_t z = seed += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (size_t)((z ^ z >> 31) % n);
}

/* Some valid act, mostly a late one. */
static const char *
some_valid(const struct acts *w, size_t back)
{
	size_t i, n = w->n - 10, from = n > back ? w->n - back : 10;

	for (i = 0; i < 20 && n > 0; i++) {
		size_t at = from + roll(w->n - from);

		if (acts_verdict(w, w->v[at]->name) != 'i')
			return w->v[at]->name;
	}
	return "q";
}

/* People who were given roles at the beginning, and any others. */
static void
pick_author(const char **author, const char **via)
{
	static const char *const pairs[][2] = { { "ada", "r90" }, { "ada", "r70" }, { "mo", "r70" }, { "mo", "r50" },
		{ "pat", "r50" }, { "own", NULL }, { "olga", NULL } };
	static const char *const roles[ROLES] = { "r90", "r70", "r50", "r30" };
	size_t i = roll(7);

	*author = pairs[i][0];
	*via = pairs[i][1];
	if (roll(8) == 0) {
		*author = people[roll(PEOPLE)];
		*via = roll(4) == 0 ? NULL : roles[roll(ROLES)];
	}
}

static struct acts_one *
draft(struct acts *w, uint32_t kind)
{
	static const char *const roles[ROLES] = { "r90", "r70", "r50", "r30" };
	char name[16], parents[64] = "";
	const char *author, *via, *p;
	struct acts_one *x;
	size_t i, n = roll(3) + 1, back = roll(4) == 0 ? 40 : 8;

	(void)snprintf(name, sizeof(name), "a%zu.", w->n);
	for (i = 0; i < n; i++) {
		p = some_valid(w, back);
		if (strstr(parents, p) == NULL)
			(void)snprintf(parents + strlen(parents), sizeof(parents) - strlen(parents), "%s%s",
			    parents[0] == '\0' ? "" : " ", p);
	}
	pick_author(&author, &via);
	x = acts_new(w, name, kind, author, via, parents);
	x->op.role = acts_id(roles[1 + roll(ROLES - 1)]);
	if (roll(12) == 0)
		x->rec.counter -= 1 + roll(20) % (x->rec.counter - 1);
	return x;
}

/* Into the feed of a parent, sometimes beside a record that stands there already. */
static void
place(struct acts *w, struct acts_one *x)
{
	size_t i;

	for (i = 10; i < w->n - 1; i++)
		if (roll(3) > 0 && kith_id_eq(&w->v[i]->rec.id, &x->rec.parents[0])) {
			x->rec.node = w->v[i]->rec.node;
			if (roll(5) == 0) {
				x->rec.incarnation = w->n;
				return;
			}
			x->rec.incarnation = w->v[i]->rec.incarnation;
			x->rec.prev = w->v[i]->rec.id;
			x->rec.seq = w->v[i]->rec.seq + 1;
		}
}

static void
quorum_value(struct acts_one *x, const char *who)
{
	uint32_t i;

	acts_users(x, who);
	kith_mp_put_array(&x->raw, 2);
	kith_mp_put_uint(&x->raw, 1);
	kith_mp_put_array(&x->raw, x->op.n_users);
	for (i = 0; i < x->op.n_users; i++)
		kith_mp_put_id(&x->raw, &x->users[i]);
	x->op.key = kith_slice_str("succession");
	x->op.value = kith_buf_slice(&x->raw);
	x->op.has = KITH_OP_BIT(KITH_OP_KEY) | KITH_OP_BIT(KITH_OP_VALUE);
	x->rec.via = kith_id_none;
	x->rec.author = acts_uid(people[roll(2)]);
}

static void
succession(struct acts *w, struct acts_one *x)
{
	static const uint8_t sig[64];
	struct kith_id uid = acts_uid("tom");
	size_t i;

	kith_mp_put_array(&x->raw, 1);
	kith_mp_put_array(&x->raw, 3);
	kith_mp_put_id(&x->raw, &uid);
	kith_mp_put_id(&x->raw, &uid);
	kith_mp_put_bin(&x->raw, kith_slice_of(sig, sizeof(sig)));
	x->op.sigs = kith_buf_slice(&x->raw);
	x->proof.quorum_sigs_ok = 1;
	acts_users(x, people[2 + roll(3)]);
	x->op.has |= KITH_OP_BIT(KITH_OP_SET) | KITH_OP_BIT(KITH_OP_SIGS);
	x->rec.via = kith_id_none;
	x->op.set = acts_id("q");
	for (i = w->n - 1; i-- > 10 && roll(3) > 0;)
		if (w->v[i]->rec.kind == KITH_K_SET)
			x->op.set = w->v[i]->rec.id;
}

/* As an heir, if there is one: through some owner.succeed. */
static void
as_heir(struct acts *w, struct acts_one *x)
{
	size_t i;

	for (i = w->n - 1; i-- > 10;)
		if (w->v[i]->rec.kind == KITH_K_OWNER_SUCCEED) {
			x->rec.via = w->v[i]->rec.id;
			x->rec.author = w->v[i]->users[0];
			return;
		}
}

static struct acts_one *
any_act(struct acts *w)
{
	static const uint32_t kinds[] = { KITH_K_ROLE_ALLOW, KITH_K_ROLE_DENY, KITH_K_ROLE_DELETE, KITH_K_ROLE_GRANT,
		KITH_K_ROLE_GRANT, KITH_K_ROLE_REVOKE, KITH_K_ROLE_REVOKE, KITH_K_BAN, KITH_K_BAN, KITH_K_UNBAN,
		KITH_K_UNBAN, KITH_K_MUTE, KITH_K_UNMUTE, KITH_K_SET, KITH_K_ADMIT, KITH_K_OWNER_ADD,
		KITH_K_OWNER_RESIGN, KITH_K_OWNER_SUCCEED, KITH_K_REKEY, KITH_K_PANEL_SET, KITH_K_ROLE_CREATE };
	uint32_t kind = kinds[roll(sizeof(kinds) / sizeof(kinds[0]))];
	struct acts_one *x = draft(w, kind);

	if (roll(3) == 0)
		x->proof.doc_n = 1;
	switch (kind) {
	case KITH_K_ROLE_ALLOW:
	case KITH_K_ROLE_DENY:
		acts_perms(x, words[roll(6)]);
		break;
	case KITH_K_ROLE_CREATE:
		x->op.level = (int64_t)roll(100);
		acts_perms(x, words[roll(6)]);
		acts_may(x, ALL_WORDS);
		break;
	case KITH_K_SET:
		if (roll(3) == 0) {
			quorum_value(x, "tom ada");
			break;
		}
		x->op.key = kith_slice_str(roll(2) == 0 ? "k" : "l");
		kith_mp_put_uint(&x->raw, 1);
		x->op.value = kith_buf_slice(&x->raw);
		x->op.has = KITH_OP_BIT(KITH_OP_KEY) | KITH_OP_BIT(KITH_OP_VALUE);
		break;
	case KITH_K_OWNER_SUCCEED:
		succession(w, x);
		break;
	case KITH_K_OWNER_ADD:
	case KITH_K_OWNER_RESIGN:
		x->rec.via = kith_id_none;
		x->rec.author = acts_uid(people[roll(3)]);
		acts_users(x, people[roll(PEOPLE)]);
		break;
	case KITH_K_REKEY:
		x->rec.via = kith_id_none;
		x->proof.rekey_n = 1 + roll(2);
		x->proof.doc_n = x->proof.rekey_n;
		break;
	case KITH_K_PANEL_SET:
		acts_perms(x, "group.config");
		x->op.panel = acts_id("panel");
		x->op.effect = roll(3);
		x->op.has |= KITH_OP_BIT(KITH_OP_EFFECT) | KITH_OP_BIT(KITH_OP_WHO_USER);
		x->op.who_user = acts_uid(people[roll(PEOPLE)]);
		break;
	default:
		acts_users(x, people[2 + roll(PEOPLE - 2)]);
		break;
	}
	if (roll(8) == 0 && kind != KITH_K_OWNER_SUCCEED && kind != KITH_K_REKEY)
		as_heir(w, x);
	return x;
}

/* Ten acts that set the stage, then n of any kind. */
static void
random_log(struct acts *w, size_t n, bool forks)
{
	struct acts_one *x;

	acts_begin(w, "own olga", 0);
	acts_role(w, "r90", "own", NULL, "", 90, ALL_WORDS, ALL_WORDS);
	acts_role(w, "r70", "own", NULL, "r90", 70, ALL_WORDS, ALL_WORDS);
	acts_role(w, "r50", "own", NULL, "r70", 50, ALL_WORDS, ALL_WORDS);
	acts_role(w, "r30", "own", NULL, "r50", 30, ALL_WORDS, ALL_WORDS);
	acts_grant(w, "g1", KITH_K_ROLE_GRANT, "own", NULL, "r30", "r90", "ada");
	acts_grant(w, "g2", KITH_K_ROLE_GRANT, "own", NULL, "g1", "r70", "mo ada");
	acts_grant(w, "g3", KITH_K_ROLE_GRANT, "own", NULL, "g2", "r50", "pat mo");
	x = acts_new(w, "panel", KITH_K_PANEL_CREATE, "own", NULL, "g3");
	acts_add(w, x);
	x = acts_new(w, "q", KITH_K_SET, "own", NULL, "panel");
	quorum_value(x, "tom ada");
	x->rec.author = acts_uid("own");
	acts_add(w, x);
	while (n-- > 0) {
		x = any_act(w);
		if (forks)
			place(w, x);
		acts_add(w, x);
	}
}

static void
check(struct acts *w)
{
	uint32_t first;

	if (kith_authority_verify(w->a, &first) != KITH_OK)
		fail_msg("the forms differ after %zu acts, first %u", w->n, first);
}

static void
both_forms_agree_after_every_act(void **state)
{
	size_t log, i, valid = 0, void_ = 0;
	struct acts w;

	(void)state;
	for (log = 0; log < 60; log++) {
		seed = log;
		random_log(&w, 0, false);
		for (i = 0; i < 70; i++) {
			struct acts_one *x = any_act(&w);

			if (log % 2 == 0)
				place(&w, x);
			acts_add(&w, x);
			check(&w);
		}
		for (i = 10; i < w.n; i++) {
			valid += acts_verdict(&w, w.v[i]->name) != 'i';
			void_ += acts_verdict(&w, w.v[i]->name) == 'v';
		}
		acts_end(&w);
	}
	/* the logs are worth something */
	assert_true(valid > 1000);
	assert_true(void_ > 100);
}

/* All of w's acts into a plane of its own, in another order that has parents first. */
static struct kith_authority *
replayed(const struct acts *w, const bool *wanted)
{
	struct kith_authority *a;
	const struct kith_act *act;
	bool *done = calloc(w->n, sizeof(*done));
	size_t left = 0, i, j;
	int r;

	assert_non_null(done);
	assert_ok(kith_authority_new(&w->group, &a));
	for (i = 0; i < w->n; i++)
		left += wanted == NULL || wanted[i];
	while (left > 0) {
		i = roll(w->n);
		for (j = 0; j < w->n; j++, i = (i + 1) % w->n) {
			if (done[i] || (wanted != NULL && !wanted[i]))
				continue;
			r = kith_authority_add(a, &w->v[i]->rec, &w->v[i]->op, &w->v[i]->proof, &act);
			if (r == KITH_E_MISSING)
				continue;
			assert_ok(r);
			done[i] = true;
			left--;
			break;
		}
		assert_true(j < w->n);
	}
	free(done);
	return a;
}

static void
the_order_of_arrival_means_nothing(void **state)
{
	struct kith_id one, other;
	struct kith_authority *b;
	const struct kith_act *x, *y;
	struct acts w;
	size_t log, i;

	(void)state;
	for (log = 0; log < 40; log++) {
		seed = 1000 + log;
		random_log(&w, 90, log % 2 == 0);
		b = replayed(&w, NULL);
		for (i = 0; i < w.n; i++) {
			x = kith_authority_find(w.a, &w.v[i]->rec.id);
			y = kith_authority_find(b, &w.v[i]->rec.id);
			assert_int_equal(x->valid, y->valid);
			assert_int_equal(x->effective, y->effective);
			assert_int_equal(x->level, y->level);
			assert_int_equal(kith_authority_counts(w.a, x->index), kith_authority_counts(b, y->index));
		}
		kith_authority_state_hash(w.a, &one);
		kith_authority_state_hash(b, &other);
		assert_memory_equal(&one, &other, sizeof(one));
		kith_authority_free(b);
		acts_end(&w);
	}
}

static void
a_view_is_what_a_plane_would_say_that_holds_no_more(void **state)
{
	const struct kith_view *v, *now;
	const struct kith_act *x, *y;
	struct kith_authority *b;
	struct kith_fact f;
	struct acts w;
	size_t log, i, k, it, tried = 0;
	bool wanted[256];

	(void)state;
	for (log = 0; log < 12; log++) {
		seed = 2000 + log;
		random_log(&w, 80, false);
		for (k = 0; k < 8; k++) {
			x = kith_authority_find(w.a, &w.v[10 + roll(w.n - 10)]->rec.id);
			if (!x->valid)
				continue;
			for (i = 0; i < w.n; i++)
				wanted[i] = kith_authority_seen(w.a,
				    kith_authority_find(w.a, &w.v[i]->rec.id)->index, x->index);
			b = replayed(&w, wanted);
			assert_ok(kith_authority_view(w.a, &x->id, 1, &v));
			assert_ok(kith_authority_now(b, &now));
			for (i = 0; i < w.n; i++) {
				x = kith_authority_find(w.a, &w.v[i]->rec.id);
				y = kith_authority_find(b, &w.v[i]->rec.id);
				assert_int_equal(kith_view_seen(v, x->index), wanted[i]);
				assert_int_equal(kith_view_effective(v, x->index), y != NULL && y->effective);
			}
			for (it = 0; kith_authority_fact_next(w.a, &it, &f);)
				assert_int_equal(kith_view_fact(v, &f), kith_view_fact(now, &f));
			kith_authority_free(b);
			tried++;
		}
		acts_end(&w);
	}
	assert_true(tried > 30);
}

static void
without_memory_nothing_happens(void **state)
{
	struct kith_id before, after;
	const struct kith_act *act;
	struct kith_authority *b;
	const struct kith_view *v;
	struct acts w;
	size_t i, n, count;
	uint32_t first;
	int r;

	(void)state;
	seed = 3000;
	random_log(&w, 45, true);
	for (n = 1;; n++) {
		kith_test_fail_alloc(n);
		r = kith_authority_new(&w.group, &b);
		if (!kith_test_alloc_failed())
			break;
		assert_int_equal(r, KITH_E_NOMEM);
	}
	assert_ok(r);
	for (i = 0; i < w.n; i++) {
		kith_authority_state_hash(b, &before);
		count = kith_authority_count(b);
		for (n = 1;; n++) {
			kith_test_fail_alloc(n);
			r = kith_authority_add(b, &w.v[i]->rec, &w.v[i]->op, &w.v[i]->proof, &act);
			if (!kith_test_alloc_failed() || r == KITH_OK)
				break;          /* a view that could not be kept hinders nothing */
			assert_int_equal(r, KITH_E_NOMEM);
			assert_int_equal(kith_authority_count(b), count);
			assert_null(kith_authority_find(b, &w.v[i]->rec.id));
			kith_authority_state_hash(b, &after);
			assert_memory_equal(&before, &after, sizeof(before));
		}
		kith_test_fail_alloc(0);
		assert_ok(r);
		for (n = 1; act->valid; n++) {
			kith_test_fail_alloc(n);
			r = kith_authority_view(b, &act->id, 1, &v);
			if (!kith_test_alloc_failed()) {
				assert_ok(r);
				break;
			}
			assert_int_equal(r, KITH_E_NOMEM);
		}
		assert_ok(kith_authority_verify(b, &first));
	}
	for (n = 1;; n++) {
		kith_test_fail_alloc(n);
		r = kith_authority_verify(b, &first);
		if (!kith_test_alloc_failed())
			break;
		assert_int_equal(r, KITH_E_NOMEM);
	}
	assert_ok(r);
	kith_authority_state_hash(w.a, &before);
	kith_authority_state_hash(b, &after);
	assert_memory_equal(&before, &after, sizeof(before));
	kith_authority_free(b);
	acts_end(&w);
}

static void
long_lines_and_wide_fans_are_fine(void **state)
{
	char name[16], last[16] = "base";
	struct acts w;
	size_t i;

	(void)state;
	acts_begin(&w, "own", 0);
	acts_role(&w, "base", "own", NULL, "", 50, "member.ban", "member.ban");
	for (i = 0; i < 2000; i++) {
		(void)snprintf(name, sizeof(name), "a%zu", i);
		acts_people(&w, name, i % 2 == 0 ? KITH_K_BAN : KITH_K_UNBAN, "own", NULL, last, "pat");
		memcpy(last, name, sizeof(last));
	}
	for (i = 0; i < 300; i++) {
		(void)snprintf(name, sizeof(name), "b%zu", i);
		acts_grant(&w, name, KITH_K_ROLE_GRANT, "own", NULL, i % 10 == 0 ? "a1990" : last, "base", "pat");
	}
	check(&w);
	assert_true(acts_holds(&w, "pat", "base"));
	assert_true(acts_person(&w, KITH_F_NOT_BANNED, "pat"));
	acts_end(&w);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_forms_agree_after_every_act),
		cmocka_unit_test(the_order_of_arrival_means_nothing),
		cmocka_unit_test(a_view_is_what_a_plane_would_say_that_holds_no_more),
		cmocka_unit_test(without_memory_nothing_happens),
		cmocka_unit_test(long_lines_and_wide_fans_are_fine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
