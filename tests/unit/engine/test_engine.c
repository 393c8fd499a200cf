#include <stdio.h>

#include "base/b32.h"
#include "storage/ledger.h"
#include "tests/sim/world.h"
#include "tests/unit/test.h"

/* Whole nodes through their clients' eyes. */

static json_t *
must(struct world *w, const struct person *p, const char *method, json_t *params)
{
	json_t *r = world_call(w, p, method, params);

	if (r == NULL)
		fail_msg("%s: %s: %s", method, world_error(w), world_why(w));
	return r;
}

static void
done(json_t *r)
{
	json_decref(r);
}

static void
take_str(json_t *r, const char *key, char *out)
{
	strcpy(out, json_string_value(json_object_get(r, key)));
}

struct place { char group[64], panel[64], link[2100]; };

static void
new_group(struct world *w, const struct person *p, const char *name, const char *join, struct place *out)
{
	json_t *r = must(w, p, "group.new", json_pack("{s:s,s:s}", "name", name, "join", join));

	take_str(r, "id", out->group);
	take_str(r, "panel", out->panel);
	done(r);
	r = must(w, p, "invite.new", json_pack("{s:s}", "group", out->group));
	take_str(r, "link", out->link);
	done(r);
}

static void
join(struct world *w, const struct person *p, const struct place *g)
{
	json_t *r = must(w, p, "group.join", json_pack("{s:s}", "link", g->link));

	assert_string_equal(json_string_value(json_object_get(r, "state")), "member");
	done(r);
}

static void
say(struct world *w, const struct person *p, const struct place *g, const char *text, char id[64])
{
	json_t *r = must(w, p, "message.send", json_pack("{s:s,s:s,s:s}", "group", g->group, "panel", g->panel, "text", text));

	if (id != NULL)
		take_str(r, "id", id);
	done(r);
	world_run(w, 2);        /* the next is said later, on whatever node */
}

/* All that a person sees in the panel: "text|text|..." */
static char *
seen(struct world *w, const struct person *p, const struct place *g)
{
	static char out[4][65536];
	static int turn;
	char *o = out[turn++ % 4];
	json_t *r = world_call(w, p, "message.list", json_pack("{s:s,s:s,s:i}", "group", g->group, "panel", g->panel, "limit", 100)), *m;
	size_t i;

	o[0] = '\0';
	if (r == NULL)
		return strcpy(o, world_error(w));
	json_array_foreach(json_object_get(r, "messages"), i, m)
	{
		strcat(o, json_string_value(json_object_get(m, "text")));
		if (json_is_true(json_object_get(m, "edited")))
			strcat(o, "*");
		if (strcmp(json_string_value(json_object_get(m, "state")), "visible") != 0) {
			strcat(o, "!");
			strcat(o, json_string_value(json_object_get(m, "state")));
		}
		strcat(o, "|");
	}
	done(r);
	return o;
}

/* Ada at the one, Ben at the other, and linked. */
static void
two_nodes(struct world *w, struct person *ada, struct person *ben)
{
	const char *first[1];

	world_node(w, "one", NULL, 0);
	first[0] = world_address(w, 0);
	world_node(w, "two", first, 1);
	world_register(w, 0, "ada", ada);
	world_register(w, 1, "ben", ben);
	world_run(w, 2000);
}

static void
one_person_talks_to_themselves(void **state)
{
	struct world *w = world_new(1);
	struct person ada;
	struct place g;
	json_t *r;
	char id[64];

	(void)state;
	world_node(w, "one", NULL, 0);
	world_register(w, 0, "ada", &ada);
	new_group(w, &ada, "home", "invite", &g);
	say(w, &ada, &g, "hello", id);
	say(w, &ada, &g, "again", NULL);
	assert_string_equal(seen(w, &ada, &g), "hello|again|");
	done(must(w, &ada, "message.edit", json_pack("{s:s,s:s,s:s}", "group", g.group, "id", id, "text", "hullo")));
	assert_string_equal(seen(w, &ada, &g), "hullo*|again|");
	done(must(w, &ada, "message.react", json_pack("{s:s,s:s,s:s}", "group", g.group, "id", id, "emoji", "+1")));
	done(must(w, &ada, "message.pin", json_pack("{s:s,s:s}", "group", g.group, "id", id)));
	done(must(w, &ada, "message.recall", json_pack("{s:s,s:s}", "group", g.group, "id", id)));
	assert_string_equal(seen(w, &ada, &g), "!recalled|again|");
	r = must(w, &ada, "group.list", json_object());
	assert_int_equal(json_array_size(json_object_get(r, "groups")), 1);
	assert_string_equal(json_string_value(json_object_get(json_array_get(json_object_get(r, "groups"), 0), "name")), "home");
	done(r);
	r = must(w, &ada, "role.list", json_pack("{s:s}", "group", g.group));
	assert_int_equal(json_array_size(json_object_get(r, "roles")), 5);
	done(r);
	r = must(w, &ada, "member.list", json_pack("{s:s}", "group", g.group));
	assert_int_equal(json_integer_value(json_object_get(r, "total")), 1);
	done(r);
	r = must(w, &ada, "audit.list", json_pack("{s:s}", "group", g.group));
	assert_true(json_array_size(json_object_get(r, "acts")) >= 5);
	done(r);
	r = must(w, &ada, "panel.list", json_pack("{s:s}", "group", g.group));
	assert_string_equal(json_string_value(json_object_get(json_array_get(json_object_get(r, "panels"), 0), "name")), "general");
	done(r);
	world_free(w);
}

static void
outsiders_are_told_that_there_is_nothing(void **state)
{
	struct world *w = world_new(2);
	struct person ada, eve;
	struct place g;

	(void)state;
	world_node(w, "one", NULL, 0);
	world_register(w, 0, "ada", &ada);
	world_register(w, 0, "eve", &eve);
	new_group(w, &ada, "home", "invite", &g);
	assert_string_equal(seen(w, &eve, &g), "not_found");
	assert_null(world_call(w, &eve, "message.send", json_pack("{s:s,s:s,s:s}", "group", g.group, "panel", g.panel, "text", "x")));
	assert_string_equal(world_error(w), "not_found");
	assert_null(world_call(w, &eve, "member.list", json_pack("{s:s}", "group", g.group)));
	assert_string_equal(world_error(w), "not_found");
	world_free(w);
}

static void
the_same_request_is_done_once(void **state)
{
	struct world *w = world_new(3);
	struct person ada;
	struct place g;
	char first[64], second[64];
	json_t *r;

	(void)state;
	world_node(w, "one", NULL, 0);
	world_register(w, 0, "ada", &ada);
	new_group(w, &ada, "home", "invite", &g);
	for (int i = 0; i < 2; i++) {
		r = must(w, &ada, "message.send", json_pack("{s:s,s:s,s:s,s:s}", "group", g.group, "panel", g.panel, "text", "x", "txn", "t1"));
		take_str(r, "id", i == 0 ? first : second);
		done(r);
	}
	assert_string_equal(first, second);
	assert_string_equal(seen(w, &ada, &g), "x|");
	world_free(w);
}

static void
three_nodes_go_on_without_the_founder(void **state)
{
	struct world *w = world_new(4);
	struct person ada, ben, cyn, dan;
	struct place g, g2;
	const char *first[1];
	json_t *r;

	(void)state;
	world_node(w, "one", NULL, 0);
	first[0] = world_address(w, 0);
	world_node(w, "two", first, 1);
	world_node(w, "three", first, 1);
	world_register(w, 0, "ada", &ada);
	world_register(w, 1, "ben", &ben);
	world_register(w, 2, "cyn", &cyn);
	world_run(w, 2000);
	new_group(w, &ada, "home", "invite", &g);
	join(w, &ben, &g);
	join(w, &cyn, &g);
	world_run(w, 2000);
	say(w, &ada, &g, "a1", NULL);
	say(w, &ben, &g, "b1", NULL);
	say(w, &cyn, &g, "c1", NULL);
	world_run(w, 2000);
	assert_string_equal(seen(w, &ada, &g), seen(w, &ben, &g));
	assert_string_equal(seen(w, &ada, &g), seen(w, &cyn, &g));
	assert_string_equal(seen(w, &ada, &g), "a1|b1|c1|");
	done(must(w, &ada, "owner.add", json_pack("{s:s,s:s}", "group", g.group, "user", ben.uid)));
	world_run(w, 1000);
	world_kill(w, 0);
	world_run(w, 1000);
	world_node(w, "four", NULL, 0);
	world_register(w, 3, "dan", &dan);
	r = must(w, &ben, "invite.new", json_pack("{s:s}", "group", g.group));
	g2 = g;
	take_str(r, "link", g2.link);
	done(r);
	join(w, &dan, &g2);
	world_run(w, 2000);
	say(w, &dan, &g, "d1", NULL);
	done(must(w, &ben, "member.ban", json_pack("{s:s,s:s}", "group", g.group, "user", cyn.uid)));
	world_run(w, 2000);
	assert_null(world_call(w, &cyn, "message.send", json_pack("{s:s,s:s,s:s}", "group", g.group, "panel", g.panel, "text", "c2")));
	assert_string_equal(seen(w, &ben, &g), "a1|b1|c1|d1|");
	assert_string_equal(seen(w, &dan, &g), "a1|b1|c1|d1|");
	world_start(w, 0);
	world_run(w, 5000);
	assert_string_equal(seen(w, &ada, &g), "a1|b1|c1|d1|");
	world_free(w);
}

static bool
has_body(struct world *w, int node, const char *message)
{
	struct kith_txn *t;
	struct kith_slice body;
	struct kith_id id;
	uint64_t pos;
	int r;

	assert_ok(kith_id_parse(kith_slice_str(message), &id));
	assert_ok(kith_store_begin(world_store(w, node), false, &t));
	assert_ok(kith_ledger_find(t, &id, &pos));
	r = kith_ledger_body_get(t, pos, &body);
	kith_txn_abort(t);
	assert_true(r == KITH_OK || r == KITH_E_NOTFOUND);
	return r == KITH_OK;
}

static void
what_was_removed_is_erased_a_week_later(void **state)
{
	struct world *w = world_new(6);
	struct person ada;
	struct place g;
	char bad[64], good[64];

	(void)state;
	world_node(w, "one", NULL, 0);
	world_register(w, 0, "ada", &ada);
	new_group(w, &ada, "home", "open", &g);
	say(w, &ada, &g, "good", good);
	say(w, &ada, &g, "bad", bad);
	done(must(w, &ada, "message.remove", json_pack("{s:s,s:s}", "group", g.group, "id", bad)));
	world_run(w, 1000);
	assert_true(has_body(w, 0, bad));
	world_skew(w, 0, INT64_C(7) * 24 * 3600 * 1000 + 2000);
	world_run(w, 5000);
	assert_false(has_body(w, 0, bad));
	assert_true(has_body(w, 0, good));
	assert_true(strncmp(seen(w, &ada, &g), "good|", 5) == 0);
	world_free(w);
}

static void
a_split_heals_into_one_history(void **state)
{
	struct world *w = world_new(5);
	struct person ada, ben;
	struct place g;
	const char *first[1];

	(void)state;
	world_node(w, "one", NULL, 0);
	first[0] = world_address(w, 0);
	world_node(w, "two", first, 1);
	world_register(w, 0, "ada", &ada);
	world_register(w, 1, "ben", &ben);
	new_group(w, &ada, "home", "open", &g);
	join(w, &ben, &g);
	world_run(w, 1000);
	world_cut(w, 0, 1, true);
	for (int i = 0; i < 5; i++) {
		char text[16];

		snprintf(text, sizeof(text), "a%d", i);
		say(w, &ada, &g, text, NULL);
		snprintf(text, sizeof(text), "b%d", i);
		say(w, &ben, &g, text, NULL);
		world_run(w, 1000);
	}
	assert_string_not_equal(seen(w, &ada, &g), seen(w, &ben, &g));
	world_cut(w, 0, 1, false);
	world_run(w, 70000);
	assert_string_equal(seen(w, &ada, &g), seen(w, &ben, &g));
	assert_string_equal(seen(w, &ada, &g), "a0|b0|a1|b1|a2|b2|a3|b3|a4|b4|");
	world_free(w);
}

static void
a_conversation_of_two_reaches_the_other_home(void **state)
{
	struct world *w = world_new(6);
	struct person ada, ben;
	struct place dm;
	const char *first[1];
	json_t *r, *u;
	char uid[64];

	(void)state;
	world_node(w, "one", NULL, 0);
	first[0] = world_address(w, 0);
	world_node(w, "two", first, 1);
	world_register(w, 0, "ada", &ada);
	world_register(w, 1, "ben", &ben);
	world_run(w, 3000);
	r = must(w, &ada, "user.find", json_pack("{s:s}", "text", "ben@two"));
	u = json_array_get(json_object_get(r, "users"), 0);
	assert_non_null(u);
	take_str(u, "uid", uid);
	assert_string_equal(uid, ben.uid);
	done(r);
	r = must(w, &ada, "dm.open", json_pack("{s:[s]}", "users", uid));
	take_str(r, "group", dm.group);
	take_str(r, "panel", dm.panel);
	done(r);
	say(w, &ada, &dm, "hi ben", NULL);
	world_run(w, 5000);
	assert_string_equal(seen(w, &ben, &dm), "hi ben|");
	say(w, &ben, &dm, "hi ada", NULL);
	world_run(w, 1000);
	assert_string_equal(seen(w, &ada, &dm), "hi ben|hi ada|");
	r = must(w, &ben, "dm.open", json_pack("{s:[s]}", "users", ada.uid));
	assert_string_equal(json_string_value(json_object_get(r, "group")), dm.group);
	done(r);
	world_free(w);
}

static void
who_asks_is_let_in_by_whoever_may(void **state)
{
	struct world *w = world_new(7);
	struct person ada, ben;
	struct place g;
	json_t *r;

	(void)state;
	two_nodes(w, &ada, &ben);
	new_group(w, &ada, "closed", "request", &g);
	r = must(w, &ben, "group.join", json_pack("{s:s}", "link", g.link));
	assert_string_equal(json_string_value(json_object_get(r, "state")), "requested");
	done(r);
	world_run(w, 3000);
	r = must(w, &ada, "request.list", json_pack("{s:s}", "group", g.group));
	assert_int_equal(json_array_size(json_object_get(r, "requests")), 1);
	done(r);
	done(must(w, &ada, "request.admit", json_pack("{s:s,s:s}", "group", g.group, "user", ben.uid)));
	world_run(w, 10000);
	say(w, &ben, &g, "thank you", NULL);
	world_run(w, 1000);
	assert_string_equal(seen(w, &ada, &g), "thank you|");
	world_free(w);
}

static void
an_invite_for_one_takes_one(void **state)
{
	struct world *w = world_new(8);
	struct person ada, ben, cyn;
	struct place g;
	const char *first[1];
	json_t *r;

	(void)state;
	world_node(w, "one", NULL, 0);
	first[0] = world_address(w, 0);
	world_node(w, "two", first, 1);
	world_register(w, 0, "ada", &ada);
	world_register(w, 1, "ben", &ben);
	world_register(w, 1, "cyn", &cyn);
	world_run(w, 2000);
	new_group(w, &ada, "home", "invite", &g);
	r = must(w, &ada, "invite.new", json_pack("{s:s,s:i}", "group", g.group, "uses", 1));
	take_str(r, "link", g.link);
	done(r);
	join(w, &ben, &g);
	assert_null(world_call(w, &cyn, "group.join", json_pack("{s:s}", "link", g.link)));
	assert_string_equal(world_error(w), "denied");
	world_run(w, 1000);
	say(w, &ben, &g, "in", NULL);
	world_run(w, 1000);
	assert_string_equal(seen(w, &ada, &g), "in|");
	world_free(w);
}

static void
a_group_begins_with_the_panels_that_were_asked_for(void **state)
{
	struct world *w = world_new(35);
	struct person ada;
	struct place g;
	json_t *r;

	(void)state;
	world_node(w, "one", NULL, 0);
	world_register(w, 0, "ada", &ada);
	r = must(w, &ada, "group.new", json_pack("{s:s,s:[s,s]}", "name", "studio", "panels", "announcement:news", "chat:\xe8\x81\x8a\xe5\xa4\xa9"));
	take_str(r, "id", g.group);
	take_str(r, "panel", g.panel);
	done(r);
	r = must(w, &ada, "panel.list", json_pack("{s:s}", "group", g.group));
	assert_int_equal(json_array_size(json_object_get(r, "panels")), 2);
	assert_string_equal(json_string_value(json_object_get(json_array_get(json_object_get(r, "panels"), 0), "kind")), "announcement");
	assert_string_equal(json_string_value(json_object_get(json_array_get(json_object_get(r, "panels"), 0), "id")), g.panel);
	assert_string_equal(json_string_value(json_object_get(json_array_get(json_object_get(r, "panels"), 1), "name")), "\xe8\x81\x8a\xe5\xa4\xa9");
	done(r);
	assert_null(world_call(w, &ada, "group.new", json_pack("{s:s,s:[s]}", "name", "bad", "panels", "forum:x")));
	assert_string_equal(world_error(w), "invalid_params");
	r = must(w, &ada, "group.list", json_object());
	assert_int_equal(json_array_size(json_object_get(r, "groups")), 1);
	done(r);
	world_free(w);
}

static void
looked_at(struct world *w, const struct person *p, const char *link, const char *state, const char *name, const char *maker, int members)
{
	json_t *r = must(w, p, "invite.preview", json_pack("{s:s}", "link", link));

	assert_string_equal(json_string_value(json_object_get(r, "state")), state);
	assert_string_equal(json_string_value(json_object_get(r, "name")), name);
	assert_string_equal(json_string_value(json_object_get(r, "maker")), maker);
	assert_int_equal(json_integer_value(json_object_get(r, "members")), members);
	done(r);
}

static void
an_invitation_says_where_it_leads(void **state)
{
	struct world *w = world_new(31);
	struct person ada, ben;
	struct place g;
	char once[2100], id[64];
	json_t *r;

	(void)state;
	two_nodes(w, &ada, &ben);
	new_group(w, &ada, "garden", "invite", &g);
	r = must(w, &ada, "invite.new", json_pack("{s:s,s:i}", "group", g.group, "uses", 1));
	take_str(r, "link", once);
	take_str(r, "id", id);
	done(r);
	looked_at(w, NULL, g.link, "ok", "garden", "ada", 1);
	looked_at(w, &ada, g.link, "member", "garden", "ada", 1);
	/* its node is asked */
	looked_at(w, &ben, once, "ok", "garden", "ada", 1);
	/* what is no link is refused */
	r = world_call(w, NULL, "invite.preview", json_pack("{s:s}", "link", "#abcdefghabcdefgh"));
	assert_null(r);
	assert_string_equal(world_error(w), "invalid_params");
	r = must(w, &ben, "group.join", json_pack("{s:s}", "link", once));
	done(r);
	world_run(w, 2000);
	looked_at(w, NULL, once, "used", "garden", "ada", 2);
	r = must(w, &ada, "invite.revoke", json_pack("{s:s,s:s}", "group", g.group, "id", id));
	done(r);
	looked_at(w, NULL, once, "revoked", "garden", "ada", 2);
	looked_at(w, &ben, once, "member", "garden", "ada", 2);
	world_free(w);
}

static void
private_panels_are_for_those_who_are_let_in(void **state)
{
	struct world *w = world_new(9);
	struct person ada, ben;
	struct place g, p;
	json_t *r;

	(void)state;
	two_nodes(w, &ada, &ben);
	new_group(w, &ada, "home", "invite", &g);
	join(w, &ben, &g);
	r = must(w, &ada, "panel.new", json_pack("{s:s,s:s,s:b}", "group", g.group, "name", "secret", "private", 1));
	p = g;
	take_str(r, "id", p.panel);
	done(r);
	say(w, &ada, &p, "s1", NULL);
	world_run(w, 3000);
	assert_string_equal(seen(w, &ben, &p), "not_found");
	r = must(w, &ben, "panel.list", json_pack("{s:s}", "group", g.group));
	assert_int_equal(json_array_size(json_object_get(r, "panels")), 1);
	done(r);
	done(must(w, &ada, "panel.override", json_pack("{s:s,s:s,s:s,s:s,s:s}", "group", g.group, "panel", p.panel, "effect", "allow",
	    "perm", "panel.view", "user", ben.uid)));
	world_run(w, 70000);
	assert_string_equal(seen(w, &ben, &p), "s1|");
	world_free(w);
}

/* The panels as somebody sees them: "name(parent's name) ..." */
static const char *
tree(struct world *w, const struct person *p, const struct place *g)
{
	static char text[512];
	json_t *r = must(w, p, "panel.list", json_pack("{s:s}", "group", g->group)), *all = json_object_get(r, "panels"), *x, *y;
	size_t i, k;

	text[0] = '\0';
	json_array_foreach(all, i, x)
	{
		const char *in = json_string_value(json_object_get(x, "parent")), *name = "";

		json_array_foreach(all, k, y)
		{
			if (in != NULL && strcmp(json_string_value(json_object_get(y, "id")), in) == 0)
				name = json_string_value(json_object_get(y, "name"));
		}
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s(%s) ", json_string_value(json_object_get(x, "name")), name);
	}
	done(r);
	return text;
}

static struct place
new_panel(struct world *w, const struct person *p, const struct place *g, const char *kind, const char *name)
{
	json_t *r = must(w, p, "panel.new", json_pack("{s:s,s:s,s:s}", "group", g->group, "kind", kind, "name", name));
	struct place at = *g;

	take_str(r, "id", at.panel);
	done(r);
	return at;
}

static json_t *
set_panel(struct world *w, const struct person *p, const struct place *at, const char *key, const char *value)
{
	return world_call(w, p, "panel.set", json_pack("{s:s,s:s,s:s,s:s}", "group", at->group, "panel", at->panel, "key", key, "value", value));
}

static void
panels_lie_where_they_were_put(void **state)
{
	struct world *w = world_new(13);
	struct person ada, ben;
	struct place g, news, low, high;

	(void)state;
	two_nodes(w, &ada, &ben);
	new_group(w, &ada, "home", "invite", &g);
	join(w, &ben, &g);
	low = new_panel(w, &ada, &g, "folder", "low");
	high = new_panel(w, &ada, &g, "folder", "high");
	news = new_panel(w, &ada, &g, "announcement", "news");
	world_run(w, 3000);
	assert_string_equal(tree(w, &ben, &g), "general() low() high() news() ");
	done(set_panel(w, &ada, &news, "parent", low.panel));
	done(set_panel(w, &ada, &low, "order", "0"));
	done(set_panel(w, &ada, &high, "parent", low.panel));
	world_run(w, 3000);
	assert_string_equal(tree(w, &ben, &g), "low() general() high(low) news(low) ");
	/* no folder in itself, nothing in what is no folder */
	assert_null(set_panel(w, &ada, &low, "parent", high.panel));
	assert_string_equal(world_error(w), "invalid_params");
	assert_null(set_panel(w, &ada, &low, "parent", g.panel));
	assert_string_equal(world_error(w), "not_found");
	/* what lay in a folder moves to where that lay, or goes with it */
	done(must(w, &ada, "panel.delete", json_pack("{s:s,s:s}", "group", g.group, "panel", low.panel)));
	world_run(w, 3000);
	assert_string_equal(tree(w, &ben, &g), "general() high() news() ");
	done(set_panel(w, &ada, &news, "parent", high.panel));
	done(must(w, &ada, "panel.delete", json_pack("{s:s,s:s,s:s}", "group", g.group, "panel", high.panel, "children", "delete")));
	world_run(w, 3000);
	assert_string_equal(tree(w, &ben, &g), "general() ");
	world_free(w);
}

/* Two people, one folder each: each puts theirs into the other's while the nodes do not hear each other. */
static void
folders_in_each_other_are_drawn_at_the_root(void **state)
{
	struct world *w = world_new(14);
	struct person ada, ben;
	struct place g, x, y;

	(void)state;
	two_nodes(w, &ada, &ben);
	new_group(w, &ada, "home", "invite", &g);
	join(w, &ben, &g);
	x = new_panel(w, &ada, &g, "folder", "x");
	y = new_panel(w, &ada, &g, "folder", "y");
	done(must(w, &ada, "owner.add", json_pack("{s:s,s:s}", "group", g.group, "user", ben.uid)));
	world_run(w, 3000);
	world_cut(w, 0, 1, true);
	done(set_panel(w, &ada, &x, "parent", y.panel));
	done(set_panel(w, &ben, &y, "parent", x.panel));
	world_cut(w, 0, 1, false);
	world_run(w, 70000);
	assert_string_equal(tree(w, &ada, &g), "general() x() y() ");
	assert_string_equal(tree(w, &ben, &g), "general() x() y() ");
	world_free(w);
}

static void
slow_mode_and_read_only_panels_hold_for_who_has_no_more_rights(void **state)
{
	struct world *w = world_new(15);
	struct person ada, ben;
	struct place g;

	(void)state;
	two_nodes(w, &ada, &ben);
	new_group(w, &ada, "home", "invite", &g);
	join(w, &ben, &g);
	assert_null(set_panel(w, &ada, &g, "slow", "soon"));
	assert_null(set_panel(w, &ada, &g, "slow", "21601"));
	assert_null(set_panel(w, &ada, &g, "notify", "some"));
	assert_null(set_panel(w, &ada, &g, "url", "javascript:alert(1)"));
	assert_string_equal(world_error(w), "invalid_params");
	done(set_panel(w, &ada, &g, "slow", "30"));
	world_run(w, 3000);
	say(w, &ben, &g, "b1", NULL);
	assert_null(world_call(w, &ben, "message.send", json_pack("{s:s,s:s,s:s}", "group", g.group, "panel", g.panel, "text", "b2")));
	assert_string_equal(world_error(w), "slow_mode");
	say(w, &ada, &g, "a1", NULL);
	say(w, &ada, &g, "a2", NULL);
	world_run(w, 31000);
	say(w, &ben, &g, "b3", NULL);
	done(set_panel(w, &ada, &g, "open", "false"));
	world_run(w, 31000);
	assert_null(world_call(w, &ben, "message.send", json_pack("{s:s,s:s,s:s}", "group", g.group, "panel", g.panel, "text", "b4")));
	assert_string_equal(world_error(w), "denied");
	assert_string_equal(seen(w, &ada, &g), "b1|a1|a2|b3|");
	world_free(w);
}

static bool
may_there(struct world *w, const struct person *p, const struct place *g, const char *role, const char *perm)
{
	json_t *r = must(w, p, "group.perms", json_pack("{s:s,s:s,s:s?}", "group", g->group, "panel", g->panel, "role", role)), *v;
	bool found = false;
	size_t i;

	json_array_foreach(json_object_get(r, "perms"), i, v)
		found = found || strcmp(json_string_value(v), perm) == 0;
	done(r);
	return found;
}

static void
one_may_look_as_a_role_does(void **state)
{
	struct world *w = world_new(16);
	struct person ada, ben;
	struct place g;
	char role[64];
	json_t *r;

	(void)state;
	two_nodes(w, &ada, &ben);
	new_group(w, &ada, "home", "invite", &g);
	join(w, &ben, &g);
	r = must(w, &ada, "role.new", json_pack("{s:s,s:i,s:s,s:[s]}", "group", g.group, "level", 10, "name", "cleaner", "perms", "message.remove"));
	take_str(r, "id", role);
	done(r);
	assert_true(may_there(w, &ada, &g, NULL, "panel.manage"));
	assert_false(may_there(w, &ada, &g, role, "panel.manage"));
	assert_true(may_there(w, &ada, &g, role, "message.remove"));
	assert_true(may_there(w, &ada, &g, role, "message.send"));
	done(must(w, &ada, "panel.override", json_pack("{s:s,s:s,s:s,s:s,s:s}", "group", g.group, "panel", g.panel, "effect", "deny",
	    "perm", "message.send", "role", role)));
	assert_false(may_there(w, &ada, &g, role, "message.send"));
	world_run(w, 3000);
	assert_true(may_there(w, &ben, &g, NULL, "message.send"));
	assert_false(may_there(w, &ben, &g, NULL, "message.remove"));
	done(must(w, &ada, "role.grant", json_pack("{s:s,s:s,s:s}", "group", g.group, "role", role, "user", ben.uid)));
	world_run(w, 3000);
	assert_false(may_there(w, &ben, &g, NULL, "message.send"));
	assert_true(may_there(w, &ben, &g, NULL, "message.remove"));
	world_free(w);
}

static bool
shows_newest(struct world *w, void *arg)
{
	void **v = arg;

	return strstr(seen(w, v[0], v[1]), "m1999|") != NULL;
}

static void
who_comes_in_sees_the_newest_page_first(void **state)
{
	struct world *w = world_new(11);
	struct person ada, ben, people[20];
	struct place g;
	const char *first[1];
	void *arg[2] = { &ben, &g };
	char text[16];

	(void)state;
	world_node(w, "one", NULL, 0);
	first[0] = world_address(w, 0);
	world_register(w, 0, "ada", &ada);
	new_group(w, &ada, "home", "open", &g);
	for (int i = 0; i < 20; i++) {
		snprintf(text, sizeof(text), "p%d", i);
		world_register(w, 0, text, &people[i]);
		join(w, &people[i], &g);
	}
	for (int i = 0; i < 2000; i++) {
		snprintf(text, sizeof(text), "m%d", i);
		say(w, &people[i % 20], &g, text, NULL);
	}
	world_node(w, "two", first, 1);
	world_register(w, 1, "ben", &ben);
	world_run(w, 2000);
	world_delay(w, 50);
	join(w, &ben, &g);
	assert_true(world_until(w, 400, shows_newest, arg));
	world_run(w, 5000);
	assert_true(shows_newest(w, arg));
	world_free(w);
}

static void
people_hear_of_what_they_may_see(void **state)
{
	struct world *w = world_new(10);
	size_t before;
	struct person ada, ben;
	struct place g;

	(void)state;
	two_nodes(w, &ada, &ben);
	new_group(w, &ada, "home", "invite", &g);
	world_connect(w, &ben, NULL);
	world_connect(w, &ada, NULL);
	world_run(w, 1000);
	before = world_pushes(w, 0, "group");
	join(w, &ben, &g);
	world_run(w, 1000);
	assert_true(world_pushes(w, 0, "group") > before);      /* who lives elsewhere came in */
	say(w, &ada, &g, "x", NULL);
	world_run(w, 1000);
	assert_true(world_pushes(w, 1, "message") >= 1);
	assert_true(world_pushes(w, 1, "group") >= 1);
	done(must(w, &ada, "typing", json_pack("{s:s,s:s}", "group", g.group, "panel", g.panel)));
	world_run(w, 1000);
	assert_int_equal(world_pushes(w, 1, "typing"), 1);
	world_free(w);
}

/* What group.list says of the first panel of a group: unread and mentions. */
static void
assert_unread(struct world *w, const struct person *p, const struct place *g, int unread, int mentions)
{
	json_t *r = must(w, p, "group.list", json_object()), *group, *panel = NULL;
	size_t i;

	json_array_foreach(json_object_get(r, "groups"), i, group)
	{
		if (strcmp(json_string_value(json_object_get(group, "id")), g->group) == 0)
			panel = json_array_get(json_object_get(group, "panels"), 0);
	}
	assert_non_null(panel);
	assert_int_equal(json_integer_value(json_object_get(panel, "unread")), unread);
	assert_int_equal(json_integer_value(json_object_get(panel, "mentions")), mentions);
	done(r);
}

static void
what_is_unread_follows_the_person(void **state)
{
	struct world *w = world_new(12);
	struct person ada, ben;
	struct place g;
	char order[64], id[64];
	json_t *r;

	(void)state;
	two_nodes(w, &ada, &ben);
	new_group(w, &ada, "home", "invite", &g);
	say(w, &ada, &g, "before", NULL);
	join(w, &ben, &g);
	world_run(w, 1000);
	assert_unread(w, &ben, &g, 0, 0);                       /* what was said before one came is read */
	say(w, &ben, &g, "mine", id);
	world_run(w, 1000);
	say(w, &ada, &g, "hello @Ben, and all", NULL);
	say(w, &ada, &g, "mail to a@ben.example, @benjamin", NULL);
	r = must(w, &ada, "message.send", json_pack("{s:s,s:s,s:s,s:s}", "group", g.group, "panel", g.panel, "text", "yes", "reply", id));
	done(r);
	world_run(w, 1000);
	assert_unread(w, &ben, &g, 3, 2);
	assert_unread(w, &ada, &g, 1, 0);
	r = must(w, &ben, "message.list", json_pack("{s:s,s:s}", "group", g.group, "panel", g.panel));
	snprintf(order, sizeof(order), "%s",
	    json_string_value(json_object_get(json_array_get(json_object_get(r, "messages"), 3), "order")));
	done(r);
	done(must(w, &ben, "read.mark", json_pack("{s:s,s:s,s:s}", "group", g.group, "panel", g.panel, "order", order)));
	assert_int_equal(world_pushes(w, 1, "read"), 1);
	assert_unread(w, &ben, &g, 1, 1);
	/* an older place comes late from another device, and changes nothing; one that is meant does */
	order[15] = order[15] == '0' ? '1' : '0';
	order[8] = '0';
	done(must(w, &ben, "read.mark", json_pack("{s:s,s:s,s:s}", "group", g.group, "panel", g.panel, "order", order)));
	assert_unread(w, &ben, &g, 1, 1);
	done(must(w, &ben, "read.mark", json_pack("{s:s,s:s,s:s,s:b}", "group", g.group, "panel", g.panel, "order", order, "back", 1)));
	assert_unread(w, &ben, &g, 4, 2);
	world_free(w);
}

static void
where_messages_are_is_told(void **state)
{
	struct world *w = world_new(13);
	struct person ada, ben;
	struct place g;
	char id[64];
	json_t *r, *x;

	(void)state;
	two_nodes(w, &ada, &ben);
	new_group(w, &ada, "home", "invite", &g);
	join(w, &ben, &g);
	say(w, &ada, &g, "everywhere", id);
	world_run(w, 1000);
	r = must(w, &ada, "message.where", json_pack("{s:s,s:[s]}", "group", g.group, "ids", id));
	x = json_array_get(json_object_get(r, "where"), 0);
	assert_int_equal(json_integer_value(json_object_get(x, "nodes")), 2);
	assert_int_equal(json_integer_value(json_object_get(x, "of")), 2);
	done(r);
	world_kill(w, 1);
	say(w, &ada, &g, "here alone", id);
	world_run(w, 1000);
	r = must(w, &ada, "message.where", json_pack("{s:s,s:[s]}", "group", g.group, "ids", id));
	x = json_array_get(json_object_get(r, "where"), 0);
	assert_int_equal(json_integer_value(json_object_get(x, "nodes")), 1);
	assert_int_equal(json_integer_value(json_object_get(x, "of")), 2);
	done(r);
	r = must(w, &ada, "group.nodes", json_pack("{s:s}", "group", g.group));
	assert_int_equal(json_array_size(json_object_get(r, "nodes")), 2);
	done(r);
	world_free(w);
}

static void
preferences_are_kept_and_told(void **state)
{
	struct world *w = world_new(14);
	struct person ada;
	json_t *r;

	(void)state;
	world_node(w, "one", NULL, 0);
	world_register(w, 0, "ada", &ada);
	done(must(w, &ada, "pref.set", json_pack("{s:s,s:s}", "key", "draft/x", "value", "half a")));
	done(must(w, &ada, "pref.set", json_pack("{s:s,s:s}", "key", "theme", "value", "dark")));
	assert_int_equal(world_pushes(w, 0, "pref"), 2);
	done(must(w, &ada, "pref.set", json_pack("{s:s,s:s}", "key", "draft/x", "value", "")));
	done(must(w, &ada, "pref.set", json_pack("{s:s,s:s}", "key", "never", "value", "")));
	r = must(w, &ada, "pref.list", json_object());
	assert_int_equal(json_object_size(json_object_get(r, "prefs")), 1);
	assert_string_equal(json_string_value(json_object_get(json_object_get(r, "prefs"), "theme")), "dark");
	done(r);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_person_talks_to_themselves),
		cmocka_unit_test(outsiders_are_told_that_there_is_nothing),
		cmocka_unit_test(the_same_request_is_done_once),
		cmocka_unit_test(what_was_removed_is_erased_a_week_later),
		cmocka_unit_test(three_nodes_go_on_without_the_founder),
		cmocka_unit_test(a_split_heals_into_one_history),
		cmocka_unit_test(a_conversation_of_two_reaches_the_other_home),
		cmocka_unit_test(who_asks_is_let_in_by_whoever_may),
		cmocka_unit_test(an_invite_for_one_takes_one),
		cmocka_unit_test(a_group_begins_with_the_panels_that_were_asked_for),
		cmocka_unit_test(an_invitation_says_where_it_leads),
		cmocka_unit_test(private_panels_are_for_those_who_are_let_in),
		cmocka_unit_test(panels_lie_where_they_were_put),
		cmocka_unit_test(folders_in_each_other_are_drawn_at_the_root),
		cmocka_unit_test(slow_mode_and_read_only_panels_hold_for_who_has_no_more_rights),
		cmocka_unit_test(one_may_look_as_a_role_does),
		cmocka_unit_test(who_comes_in_sees_the_newest_page_first),
		cmocka_unit_test(people_hear_of_what_they_may_see),
		cmocka_unit_test(what_is_unread_follows_the_person),
		cmocka_unit_test(where_messages_are_is_told),
		cmocka_unit_test(preferences_are_kept_and_told),
	};

	return cmocka_run_group_tests_name("engine", tests, NULL, NULL);
}
