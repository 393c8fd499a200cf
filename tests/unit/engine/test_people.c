#include <stdio.h>

#include "base/b32.h"
#include "federation/frames.h"
#include "tests/sim/world.h"
#include "tests/unit/test.h"
#include "wire/mp.h"

/* Who people are to each other: profiles, friends, presence, on one node and on two. */

static json_t *
must(struct world *w, const struct person *p, const char *method, json_t *params)
{
	json_t *r = world_call(w, p, method, params);

	if (r == NULL)
		fail_msg("%s: %s: %s", method, world_error(w), world_why(w));
	return r;
}

static void
refused(struct world *w, const struct person *p, const char *method, json_t *params, const char *error)
{
	json_t *r = world_call(w, p, method, params);

	assert_null(r);
	assert_string_equal(world_error(w), error);
}

static const char *
uid_of(const struct person *p)
{
	return p->uid;
}

static json_t *
user(const struct person *p)
{
	return json_pack("{s:s}", "user", uid_of(p));
}

/* A field of what one person sees of another: text, valid until the fourth call from here. */
static const char *
of(struct world *w, const struct person *viewer, const struct person *p, const char *field)
{
	static char out[4][4096];
	static int turn;
	char *o = out[turn++ % 4];
	json_t *r = world_call(w, viewer, "user.get", user(p)), *v;

	o[0] = '\0';
	if (r == NULL)
		return world_error(w);
	v = json_object_get(r, field);
	if (json_is_string(v))
		snprintf(o, sizeof(out[0]), "%s", json_string_value(v));
	else if (json_is_boolean(v))
		snprintf(o, sizeof(out[0]), "%s", json_is_true(v) ? "yes" : "no");
	json_decref(r);
	return o;
}

/* Ada and Cleo at the one, Ben at the other; a group of Ada's. */
struct town { struct world *w; struct person ada, ben, cleo; char group[64], panel[64], link[2100]; };

static void
town_people(struct town *t, uint64_t seed)
{
	const char *first[1];
	json_t *r;

	t->w = world_new(seed);
	world_node(t->w, "one", NULL, 0);
	first[0] = world_address(t->w, 0);
	world_node(t->w, "two", first, 1);
	world_register(t->w, 0, "ada", &t->ada);
	world_register(t->w, 0, "cleo", &t->cleo);
	world_register(t->w, 1, "ben", &t->ben);
	world_run(t->w, 2000);
	r = must(t->w, &t->ada, "group.new", json_pack("{s:s,s:s}", "name", "garden", "join", "open"));
	strcpy(t->group, json_string_value(json_object_get(r, "id")));
	strcpy(t->panel, json_string_value(json_object_get(r, "panel")));
	json_decref(r);
	r = must(t->w, &t->ada, "invite.new", json_pack("{s:s}", "group", t->group));
	strcpy(t->link, json_string_value(json_object_get(r, "link")));
	json_decref(r);
}

/* The same, and all are in the group. */
static void
town_found(struct town *t, uint64_t seed)
{
	town_people(t, seed);
	json_decref(must(t->w, &t->ben, "group.join", json_pack("{s:s}", "link", t->link)));
	json_decref(must(t->w, &t->cleo, "group.join", json_pack("{s:s}", "link", t->link)));
	world_run(t->w, 2000);
}

static void
a_profile_spreads(void **state)
{
	struct town t;

	(void)state;
	town_found(&t, 1);
	assert_string_equal(of(t.w, &t.ben, &t.ada, "nick"), "");
	json_decref(must(t.w, &t.ada, "account.profile", json_pack("{s:s,s:s,s:s}", "nick", "Ada L.", "status", "at sea", "bio", "one\ntwo")));
	world_run(t.w, 2000);
	assert_string_equal(of(t.w, &t.ben, &t.ada, "nick"), "Ada L.");
	assert_string_equal(of(t.w, &t.ben, &t.ada, "status"), "at sea");
	assert_string_equal(of(t.w, &t.cleo, &t.ada, "bio"), "one\ntwo");
	/* what is not named stays; empty takes away */
	json_decref(must(t.w, &t.ada, "account.profile", json_pack("{s:s}", "status", "")));
	world_run(t.w, 2000);
	assert_string_equal(of(t.w, &t.ben, &t.ada, "nick"), "Ada L.");
	assert_string_equal(of(t.w, &t.ben, &t.ada, "status"), "");
	/* it outlives a restart of the node that only heard of it */
	world_kill(t.w, 1);
	world_start(t.w, 1);
	world_run(t.w, 1000);
	assert_string_equal(of(t.w, &t.ben, &t.ada, "nick"), "Ada L.");
	world_free(t.w);
}

static void
who_joins_says_who_they_are(void **state)
{
	struct town t;
	char link[2100];
	json_t *r;

	(void)state;
	town_found(&t, 2);
	json_decref(must(t.w, &t.ben, "account.profile", json_pack("{s:s,s:s}", "nick", "Benjamin", "pronouns", "he")));
	r = must(t.w, &t.cleo, "group.new", json_pack("{s:s,s:s}", "name", "second", "join", "open"));
	strcpy(t.group, json_string_value(json_object_get(r, "id")));
	json_decref(r);
	r = must(t.w, &t.cleo, "invite.new", json_pack("{s:s}", "group", t.group));
	strcpy(link, json_string_value(json_object_get(r, "link")));
	json_decref(r);
	json_decref(must(t.w, &t.ben, "group.join", json_pack("{s:s}", "link", link)));
	world_run(t.w, 2000);
	r = must(t.w, &t.cleo, "user.get", json_pack("{s:s,s:s}", "user", uid_of(&t.ben), "group", t.group));
	assert_string_equal(json_string_value(json_object_get(r, "nick")), "Benjamin");
	assert_string_equal(json_string_value(json_object_get(r, "pronouns")), "he");
	assert_int_equal(json_array_size(json_object_get(r, "groups")), 2);
	json_decref(r);
	world_free(t.w);
}

static void
a_bad_profile_is_refused(void **state)
{
	struct town t;

	(void)state;
	town_found(&t, 3);
	refused(t.w, &t.ada, "account.profile", json_pack("{s:s}", "nick", "a@b"), "invalid_params");
	refused(t.w, &t.ada, "account.profile", json_pack("{s:s}", "status", "a\tb"), "invalid_params");
	refused(t.w, &t.ada, "account.profile", json_pack("{s:s}", "avatar", "zzzz"), "not_found");
	refused(t.w, &t.ada, "user.get", json_pack("{s:s}", "user", t.group), "not_found");
	assert_string_equal(of(t.w, &t.ben, &t.ada, "nick"), "");
	world_free(t.w);
}

static void
friends_across_nodes(void **state)
{
	struct town t;
	json_t *r;

	(void)state;
	town_found(&t, 4);
	r = must(t.w, &t.ada, "friend.request", user(&t.ben));
	assert_string_equal(json_string_value(json_object_get(r, "state")), "outgoing");
	json_decref(r);
	world_run(t.w, 2000);
	assert_string_equal(of(t.w, &t.ben, &t.ada, "friend"), "incoming");
	r = must(t.w, &t.ben, "friend.accept", user(&t.ada));
	assert_string_equal(json_string_value(json_object_get(r, "state")), "friend");
	json_decref(r);
	world_run(t.w, 2000);
	assert_string_equal(of(t.w, &t.ada, &t.ben, "friend"), "friend");
	json_decref(must(t.w, &t.ben, "friend.remove", user(&t.ada)));
	world_run(t.w, 2000);
	assert_string_equal(of(t.w, &t.ada, &t.ben, "friend"), "none");
	assert_string_equal(of(t.w, &t.ben, &t.ada, "friend"), "none");
	refused(t.w, &t.ben, "friend.accept", user(&t.ada), "not_found");
	refused(t.w, &t.ben, "friend.request", user(&t.ben), "invalid_params");
	world_free(t.w);
}

static void
both_ask_at_once(void **state)
{
	struct town t;

	(void)state;
	town_found(&t, 5);
	world_cut(t.w, 0, 1, true);
	json_decref(must(t.w, &t.ada, "friend.request", user(&t.ben)));
	json_decref(must(t.w, &t.ben, "friend.request", user(&t.ada)));
	world_run(t.w, 5000);
	assert_string_equal(of(t.w, &t.ada, &t.ben, "friend"), "outgoing");
	world_heal(t.w);
	world_run(t.w, 60000);
	assert_string_equal(of(t.w, &t.ada, &t.ben, "friend"), "friend");
	assert_string_equal(of(t.w, &t.ben, &t.ada, "friend"), "friend");
	world_free(t.w);
}

static void
taken_back_in_a_split(void **state)
{
	struct town t;

	(void)state;
	town_found(&t, 6);
	json_decref(must(t.w, &t.ada, "friend.request", user(&t.ben)));
	world_run(t.w, 2000);
	world_cut(t.w, 0, 1, true);
	json_decref(must(t.w, &t.ada, "friend.remove", user(&t.ben)));
	json_decref(must(t.w, &t.ben, "friend.accept", user(&t.ada)));
	world_run(t.w, 5000);
	world_heal(t.w);
	world_run(t.w, 90000);
	/* both say the same, whichever it is */
	assert_string_equal(of(t.w, &t.ada, &t.ben, "friend"), of(t.w, &t.ben, &t.ada, "friend"));
	world_free(t.w);
}

static void
who_is_blocked_hears_nothing(void **state)
{
	struct town t;
	json_t *r;

	(void)state;
	town_found(&t, 7);
	json_decref(must(t.w, &t.ben, "friend.set", json_pack("{s:s,s:b,s:s}", "user", uid_of(&t.ada), "blocked", 1, "note", "noisy")));
	r = must(t.w, &t.ada, "friend.request", user(&t.ben));
	assert_string_equal(json_string_value(json_object_get(r, "state")), "outgoing");
	json_decref(r);
	json_decref(must(t.w, &t.ada, "message.send", json_pack("{s:s,s:s,s:s}", "group", t.group, "panel", t.panel, "text", "@ben look")));
	world_run(t.w, 2000);
	assert_string_equal(of(t.w, &t.ben, &t.ada, "friend"), "none");
	assert_string_equal(of(t.w, &t.ben, &t.ada, "blocked"), "yes");
	assert_string_equal(of(t.w, &t.ada, &t.ben, "blocked"), "no");
	/* nothing of theirs counts as unread */
	r = must(t.w, &t.ben, "group.list", json_object());
	assert_int_equal(json_integer_value(json_object_get(json_array_get(json_object_get(json_array_get(json_object_get(r, "groups"), 0), "panels"), 0), "unread")), 0);
	json_decref(r);
	refused(t.w, &t.ben, "friend.request", user(&t.ada), "denied");
	json_decref(must(t.w, &t.ben, "friend.set", json_pack("{s:s,s:b}", "user", uid_of(&t.ada), "blocked", 0)));
	assert_string_equal(of(t.w, &t.ben, &t.ada, "note"), "noisy");
	world_free(t.w);
}

static void
strangers_wait_their_turn(void **state)
{
	struct world *w = world_new(8);
	struct person ada, other[7];
	json_t *r;

	(void)state;
	world_node(w, "one", NULL, 0);
	world_register(w, 0, "ada", &ada);
	for (int i = 0; i < 7; i++) {
		char name[32];

		snprintf(name, sizeof(name), "other%d", i);
		world_register(w, 0, name, &other[i]);
		if (i < 5) {
			json_decref(must(w, &other[i], "friend.request", user(&ada)));
			continue;
		}
		refused(w, &other[i], "friend.request", user(&ada), "rate_limit");
		r = must(w, &other[i], "friend.list", json_object());
		assert_int_equal(json_array_size(json_object_get(r, "friends")), 0);
		json_decref(r);
	}
	r = must(w, &ada, "friend.list", json_object());
	assert_int_equal(json_array_size(json_object_get(r, "friends")), 5);
	json_decref(r);
	world_run(w, UINT64_C(5) * 60 * 1000 + 1000);
	json_decref(must(w, &other[5], "friend.request", user(&ada)));
	refused(w, &other[6], "friend.request", user(&ada), "rate_limit");
	world_free(w);
}

static size_t
groups_of(struct world *w, const struct person *p)
{
	json_t *r = must(w, p, "group.list", json_object());
	size_t n = json_array_size(json_object_get(r, "groups"));

	json_decref(r);
	return n;
}

static json_t *
dm(const struct person *p)
{
	return json_pack("{s:[s]}", "users", uid_of(p));
}

static void
strangers_open_few_conversations_and_who_is_blocked_none(void **state)
{
	struct world *w = world_new(9);
	struct person ada, other[8];
	const char *first[1];

	(void)state;
	world_node(w, "one", NULL, 0);
	first[0] = world_address(w, 0);
	world_node(w, "two", first, 1);
	world_register(w, 0, "ada", &ada);
	/* some live where she does, some do not; blocked is the last */
	for (int i = 0; i < 8; i++) {
		char name[32];

		snprintf(name, sizeof(name), "other%d", i);
		world_register(w, i % 2, name, &other[i]);
	}
	world_run(w, 2000);
	json_decref(must(w, &ada, "user.find", json_pack("{s:s}", "text", "other7@two")));
	json_decref(must(w, &ada, "friend.set", json_pack("{s:s,s:b}", "user", uid_of(&other[7]), "blocked", 1)));
	for (int i = 7; i >= 0; i--) {
		json_decref(must(w, &other[i], "user.find", json_pack("{s:s}", "text", "ada@one")));
		json_decref(must(w, &other[i], "dm.open", dm(&ada)));
		world_run(w, 3000);
	}
	assert_int_equal(groups_of(w, &ada), 5);
	/* what had to wait comes in its time, and nothing of who is blocked ever does */
	world_run(w, UINT64_C(11) * 60 * 1000);
	assert_int_equal(groups_of(w, &ada), 7);
	world_run(w, UINT64_C(30) * 60 * 1000);
	assert_int_equal(groups_of(w, &ada), 7);
	assert_int_equal(groups_of(w, &other[7]), 1);
	world_free(w);
}

static uint64_t link_seen;

static bool
see_link(void *arg, int from, int to, uint64_t link, uint8_t type, struct kith_slice frame)
{
	(void)arg;
	(void)type;
	(void)frame;
	if (from == 1 && to == 0)
		link_seen = link;
	return true;
}

static void
nobody_is_brought_into_a_group_unasked(void **state)
{
	struct world_hooks hooks = { .leaves = see_link };
	struct town t;
	struct kith_id group, uid;
	struct kith_buf frame, payload;
	json_t *r;

	(void)state;
	town_people(&t, 10);
	world_hooks(t.w, &hooks);
	/* ben's home says that he lets ada into his group, and she has not asked */
	r = must(t.w, &t.ben, "group.new", json_pack("{s:s,s:s}", "name", "cult", "join", "open"));
	assert_ok(kith_id_parse(kith_slice_str(json_string_value(json_object_get(r, "id"))), &group));
	json_decref(must(t.w, &t.ben, "user.find", json_pack("{s:s}", "text", "ada@one")));
	json_decref(must(t.w, &t.ben, "request.admit", json_pack("{s:O,s:s}", "group", json_object_get(r, "id"), "user", uid_of(&t.ada))));
	json_decref(r);
	assert_ok(kith_id_parse(kith_slice_str(uid_of(&t.ada)), &uid));
	world_run(t.w, 30000);
	assert_int_not_equal(link_seen, 0);
	kith_buf_init(&payload, 0);
	kith_mp_put_array(&payload, 2);
	kith_mp_put_id(&payload, &group);
	kith_mp_put_id(&payload, &uid);
	kith_buf_init(&frame, 0);
	kith_mp_put_array(&frame, 4);
	kith_mp_put_uint(&frame, 1000);
	kith_mp_put_bin(&frame, kith_slice_of(group.b, 16));
	kith_mp_put_uint(&frame, 1);
	kith_mp_put_bin(&frame, kith_buf_slice(&payload));
	assert_true(world_inject(t.w, 1, link_seen, KITH_FR_MAIL, kith_buf_slice(&frame)));
	kith_buf_fini(&frame);
	kith_buf_fini(&payload);
	world_run(t.w, 120000);
	assert_int_equal(groups_of(t.w, &t.ada), 1);
	world_free(t.w);
}

static void
who_asks_answers_questions(void **state)
{
	char many[1100];
	struct town t;
	json_t *r, *one;

	(void)state;
	town_people(&t, 11);
	json_decref(must(t.w, &t.ada, "group.set", json_pack("{s:s,s:s,s:s}", "group", t.group, "key", "join", "value", "request")));
	refused(t.w, &t.ada, "group.set", json_pack("{s:s,s:s,s:s}", "group", t.group, "key", "questions", "value", "1\n2\n3\n4\n5\n6"), "invalid_params");
	memset(many, 'x', sizeof(many) - 1);
	many[sizeof(many) - 1] = '\0';
	refused(t.w, &t.ada, "group.set", json_pack("{s:s,s:s,s:s}", "group", t.group, "key", "questions", "value", many), "invalid_params");
	json_decref(must(t.w, &t.ada, "group.set", json_pack("{s:s,s:s,s:s}", "group", t.group, "key", "questions", "value", "\nWhat?\n\nWhy?\n")));
	world_run(t.w, 1000);
	r = must(t.w, &t.ada, "invite.new", json_pack("{s:s}", "group", t.group));
	strcpy(t.link, json_string_value(json_object_get(r, "link")));
	json_decref(r);
	/* told from another node, too */
	r = must(t.w, &t.ben, "invite.preview", json_pack("{s:s}", "link", t.link));
	assert_int_equal(json_array_size(json_object_get(r, "questions")), 2);
	assert_string_equal(json_string_value(json_array_get(json_object_get(r, "questions"), 1)), "Why?");
	json_decref(r);
	refused(t.w, &t.ben, "group.join", json_pack("{s:s,s:[ssssss]}", "link", t.link, "answers", "1", "2", "3", "4", "5", "6"), "invalid_params");
	refused(t.w, &t.ben, "group.join", json_pack("{s:s,s:[s]}", "link", t.link, "answers", many), "invalid_params");
	refused(t.w, &t.ben, "group.join", json_pack("{s:s,s:[i]}", "link", t.link, "answers", 1), "invalid_params");
	refused(t.w, &t.ben, "group.join", json_pack("{s:s,s:s}", "link", t.link, "answers", "no list"), "invalid_params");
	json_decref(must(t.w, &t.ben, "group.join", json_pack("{s:s,s:[ss]}", "link", t.link, "answers", "Beans", "")));
	json_decref(must(t.w, &t.cleo, "group.join", json_pack("{s:s}", "link", t.link)));
	world_run(t.w, 3000);
	refused(t.w, &t.cleo, "request.list", json_pack("{s:s}", "group", t.group), "not_found");
	r = must(t.w, &t.ada, "request.list", json_pack("{s:s}", "group", t.group));
	assert_int_equal(json_array_size(json_object_get(r, "requests")), 2);
	for (size_t i = 0; i < 2; i++) {
		one = json_array_get(json_object_get(r, "requests"), i);
		if (strcmp(json_string_value(json_object_get(one, "uid")), uid_of(&t.ben)) != 0) {
			assert_int_equal(json_array_size(json_object_get(one, "answers")), 0);
			continue;
		}
		assert_int_equal(json_array_size(json_object_get(one, "answers")), 2);
		assert_string_equal(json_string_value(json_array_get(json_object_get(one, "answers"), 0)), "Beans");
	}
	json_decref(r);
	world_free(t.w);
}

/* What somebody is to a viewer in the group: "" if not there. */
static const char *
present(struct town *t, const struct person *viewer, const struct person *p)
{
	static char out[16];
	json_t *r = must(t->w, viewer, "presence.list", json_pack("{s:s}", "group", t->group)), *m;
	size_t i;

	out[0] = '\0';
	json_array_foreach(json_object_get(r, "people"), i, m)
	{
		if (strcmp(json_string_value(json_object_get(m, "uid")), uid_of(p)) == 0)
			snprintf(out, sizeof(out), "%s", json_string_value(json_object_get(m, "state")));
	}
	json_decref(r);
	return out;
}

static void
presence_follows_connections(void **state)
{
	struct town t;
	uint64_t conn;

	(void)state;
	town_found(&t, 9);
	world_connect(t.w, &t.ada, &conn);
	world_run(t.w, 2000);
	assert_string_equal(present(&t, &t.cleo, &t.ada), "online");
	assert_string_equal(present(&t, &t.ben, &t.ada), "online");
	json_decref(must(t.w, &t.ada, "presence.set", json_pack("{s:s}", "state", "busy")));
	world_run(t.w, 2000);
	assert_string_equal(present(&t, &t.ben, &t.ada), "busy");
	/* a page that is loaded again is no absence */
	world_disconnect(t.w, 0, conn);
	world_run(t.w, 3000);
	world_connect(t.w, &t.ada, &conn);
	world_run(t.w, 20000);
	assert_string_equal(present(&t, &t.ben, &t.ada), "busy");
	world_disconnect(t.w, 0, conn);
	world_run(t.w, 15000);
	assert_string_equal(present(&t, &t.ben, &t.ada), "");
	assert_string_equal(present(&t, &t.cleo, &t.ada), "");
	world_free(t.w);
}

static void
who_comes_in_sees_who_is_there_and_is_seen(void **state)
{
	struct town t;
	uint64_t conn;

	(void)state;
	town_people(&t, 12);
	world_connect(t.w, &t.ada, &conn);
	world_connect(t.w, &t.ben, &conn);
	world_run(t.w, 2000);
	json_decref(must(t.w, &t.ben, "group.join", json_pack("{s:s}", "link", t.link)));
	world_run(t.w, 2000);
	assert_string_equal(present(&t, &t.ben, &t.ada), "online");
	assert_string_equal(present(&t, &t.ada, &t.ben), "online");
	world_free(t.w);
}

static void
presence_is_lost_with_a_node_and_comes_back(void **state)
{
	struct town t;
	uint64_t conn;

	(void)state;
	town_found(&t, 10);
	world_connect(t.w, &t.ada, &conn);
	world_run(t.w, 2000);
	assert_string_equal(present(&t, &t.ben, &t.ada), "online");
	world_cut(t.w, 0, 1, true);
	world_run(t.w, 120000);
	assert_string_equal(present(&t, &t.ben, &t.ada), "");
	world_heal(t.w);
	world_run(t.w, 60000);
	assert_string_equal(present(&t, &t.ben, &t.ada), "online");
	world_free(t.w);
}

static void
invisible_is_told_to_nobody(void **state)
{
	struct town t;
	uint64_t conn;

	(void)state;
	town_found(&t, 11);
	json_decref(must(t.w, &t.ada, "pref.set", json_pack("{s:s,s:s}", "key", "presence", "value", "offline")));
	world_connect(t.w, &t.ada, &conn);
	world_run(t.w, 2000);
	assert_string_equal(present(&t, &t.ben, &t.ada), "");
	assert_string_equal(present(&t, &t.cleo, &t.ada), "");
	refused(t.w, &t.ada, "presence.set", json_pack("{s:s}", "state", "away"), "invalid_params");
	world_free(t.w);
}

static void
a_message_shows_what_it_rests_on(void **state)
{
	struct town t;
	struct person dan;
	char id[64];
	json_t *r;

	(void)state;
	town_found(&t, 41);
	world_register(t.w, 0, "dan", &dan);
	for (int i = 0; i < 5; i++) {
		r = must(t.w, &t.ben, "message.send", json_pack("{s:s,s:s,s:s}", "group", t.group, "panel", t.panel, "text", "I was there"));
		if (i == 2)
			strcpy(id, json_string_value(json_object_get(r, "id")));
		json_decref(r);
	}
	world_run(t.w, 2000);
	for (int i = 0; i < 2; i++) {
		const char *body, *chain, *root, *author, *of_chain;
		json_int_t n_root, seq;

		r = must(t.w, i == 0 ? &t.ben : &t.ada, "message.proof", json_pack("{s:s,s:s}", "group", t.group, "id", id));
		assert_int_equal(json_unpack(r, "{s:s,s:{s:s},s:{s:s,s:s},s:{s:s,s:I},s:{s:I}}", "body", &body, "author", "state", &author,
		    "chain", "state", &chain, "tip", &of_chain, "root", "state", &root, "n", &n_root, "record", "seq", &seq), 0);
		assert_string_equal(body, "good");
		assert_string_equal(chain, "good");
		assert_string_equal(root, "good");
		assert_true(strcmp(author, "good") == 0 || strcmp(author, "none") == 0);
		assert_true(n_root >= 2 && seq == 2);
		json_decref(r);
	}
	refused(t.w, &dan, "message.proof", json_pack("{s:s,s:s}", "group", t.group, "id", id), "not_found");
	refused(t.w, &t.ada, "message.proof", json_pack("{s:s,s:s}", "group", t.group, "id", t.panel), "not_found");
	world_free(t.w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_shows_what_it_rests_on),
		cmocka_unit_test(a_profile_spreads),
		cmocka_unit_test(who_joins_says_who_they_are),
		cmocka_unit_test(a_bad_profile_is_refused),
		cmocka_unit_test(friends_across_nodes),
		cmocka_unit_test(both_ask_at_once),
		cmocka_unit_test(taken_back_in_a_split),
		cmocka_unit_test(who_is_blocked_hears_nothing),
		cmocka_unit_test(strangers_wait_their_turn),
		cmocka_unit_test(strangers_open_few_conversations_and_who_is_blocked_none),
		cmocka_unit_test(nobody_is_brought_into_a_group_unasked),
		cmocka_unit_test(who_asks_answers_questions),
		cmocka_unit_test(presence_follows_connections),
		cmocka_unit_test(who_comes_in_sees_who_is_there_and_is_seen),
		cmocka_unit_test(presence_is_lost_with_a_node_and_comes_back),
		cmocka_unit_test(invisible_is_told_to_nobody),
	};

	return cmocka_run_group_tests_name("people", tests, NULL, NULL);
}
