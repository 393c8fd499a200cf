#include <string.h>

#include "base/b32.h"
#include "tests/sim/check.h"

/* What members are shown: the same messages in the same order, hidden ones for moderators included, and the same lists. */

/* A page after the other, newest last, as text. */
static char *
whole_panel(struct play *p, const struct person *who, const char *group, const char *panel)
{
	KITH_VEC(json_t *) pages = { NULL, 0, 0 };
	struct kith_map *once = kith_map_new();
	struct kith_buf b;
	char before[80] = "", *out;
	bool more = true;

	kith_buf_init(&b, 8u << 20);
	while (more) {
		json_t *params = json_pack("{s:s,s:s,s:i}", "group", group, "panel", panel, "limit", 7), *r;
		const char *s;

		if (before[0] != '\0')
			json_object_set_new(params, "before", json_string(before));
		r = world_call(p->w, who, "message.list", params);
		if (r == NULL) {
			if (strcmp(world_error(p->w), "not_found") != 0)
				play_fail(p, "the same on every screen, in the same order", "message.list at node %d: %s (%s)", who->node,
				    world_error(p->w), world_why(p->w));
			break;
		}
		more = json_is_true(json_object_get(r, "more"));
		s = json_string_value(json_object_get(r, "before"));
		snprintf(before, sizeof(before), "%s", s != NULL ? s : "");
		MUST(kith_vec_push(&pages, r) == KITH_OK && pages.n < 2000);
	}
	for (size_t i = pages.n; i-- > 0;) {
		json_t *m, *rx;
		size_t k, q;

		json_array_foreach(json_object_get(pages.v[i], "messages"), k, m)
		{
			const char *reply = json_string_value(json_object_get(m, "reply")), *id = json_string_value(json_object_get(m, "id"));

			if (kith_map_get(once, kith_slice_str(id)) != NULL)
				play_fail(p, "clients see each message once", "%.10s is twice in %.8s at node %d", id, panel, who->node);
			MUST(kith_map_put(once, kith_slice_str(id), once, NULL) == KITH_OK);
			kith_buf_printf(&b, "%.10s|%s|%s|%s|%s%s%s%.10s|", id, json_string_value(json_object_get(m, "kind")),
			    json_string_value(json_object_get(m, "state")),
			    play_was_recalled(p, id) ? "" : json_string_value(json_object_get(m, "text")),
			    json_is_true(json_object_get(m, "edited")) ? "edited " : "",
			    json_is_true(json_object_get(m, "late")) ? "late " : "", json_is_true(json_object_get(m, "pinned")) ? "pinned " : "",
			    reply != NULL ? reply : "");
			json_array_foreach(json_object_get(m, "reactions"), q, rx)
				kith_buf_printf(&b, "%s%lld ", json_string_value(json_array_get(rx, 0)), json_integer_value(json_array_get(rx, 1)));
			kith_buf_printf(&b, "\n");
			if (strcmp(json_string_value(json_object_get(m, "state")), "waiting") == 0 && story_evil(p->story) == 0)
				play_fail(p, "the same on every screen, in the same order", "node %d: %.10s still waits in %.8s", who->node, id, panel);
		}
		json_decref(pages.v[i]);
	}
	kith_vec_fini(&pages);
	kith_map_free(once, NULL);
	kith_buf_put_u8(&b, 0);
	out = strdup((const char *)b.p);
	kith_buf_fini(&b);
	return out;
}

/* All other lists that two members of a group should see alike. */
static char *
whole_group(struct play *p, const struct person *who, const char *group)
{
	static const char *const lists[] = { "member.list", "role.list" };
	struct kith_buf b;
	char *out;

	kith_buf_init(&b, 8u << 20);
	for (size_t i = 0; i < 2; i++) {
		json_t *r = world_call(p->w, who, lists[i], json_pack("{s:s}", "group", group));
		char *text;

		if (r == NULL) {
			play_fail(p, "the same on every screen, in the same order", "%s of a member at node %d: %s", lists[i], who->node, world_error(p->w));
			continue;
		}
		if (i == 0) {
			json_t *m;
			size_t k;

			json_array_foreach(json_object_get(r, "members"), k, m)
				json_object_del(m, "node_name");
		}
		text = json_dumps(r, JSON_INDENT(1) | JSON_SORT_KEYS);
		kith_buf_printf(&b, "%s\n", text);
		free(text);
		json_decref(r);
	}
	kith_buf_put_u8(&b, 0);
	out = strdup((const char *)b.p);
	kith_buf_fini(&b);
	return out;
}

static void
compare(struct play *p, int a, int b, const char *x, const char *y, const char *what)
{
	char diff[1500];

	if (strcmp(x, y) == 0)
		return;
	look_first_difference(x, y, diff, sizeof(diff));
	play_fail(p, "the same on every screen, in the same order", "%s@%d and %s@%d see different things in %.8s: %s", p->who[a].name,
	    p->who[a].p.node, p->who[b].name, p->who[b].p.node, what, diff);
}

static void
check_panel(struct look *l, const struct room *room, const bool *member)
{
	struct play *p = l->p;
	char *seen[STORY_PEOPLE_MAX] = { NULL };
	int first[2] = { -1, -1 };
	struct kith_id panel;

	MUST(kith_id_parse(kith_slice_str(room->id), &panel) == KITH_OK);
	for (int i = 0; i < p->n_people; i++) {
		const struct person *who = &p->who[i].p;
		bool mod;

		if (!member[i] || !kith_group_may(l->v[who->node].g, &who->id, &panel, KITH_PERM_VIEW))
			continue;
		/* moderators are shown what is hidden too */
		mod = kith_group_may(l->v[who->node].g, &who->id, &panel, "message.remove");
		seen[i] = whole_panel(p, who, l->group->id, room->id);
		if (first[mod] < 0)
			first[mod] = i;
		else
			compare(p, first[mod], i, seen[first[mod]], seen[i], room->id);
	}
	for (int i = 0; i < p->n_people; i++)
		free(seen[i]);
}

void
check_screens(struct look *l)
{
	struct play *p = l->p;
	char *all[STORY_PEOPLE_MAX] = { NULL };
	bool member[STORY_PEOPLE_MAX] = { false };
	int first = -1;

	/* a disk that is put back forgets the other half of a conversation begun at both ends, and nobody tells it again */
	for (int i = 0; l->group->direct && i < p->n_nodes; i++) {
		if (p->restored[i])
			return;
	}
	for (int i = 0; i < p->n_people; i++) {
		const struct person *who = &p->who[i].p;
		struct kith_member m;

		member[i] = l->v[who->node].live && kith_group_member(l->v[who->node].g, &who->id, &m) == KITH_OK && m.member &&
		    kith_id_eq(&m.node, world_id(p->w, who->node));
		if (!member[i])
			continue;
		all[i] = whole_group(p, who, l->group->id);
		if (first < 0)
			first = i;
		else
			compare(p, first, i, all[first], all[i], l->group->id);
	}
	for (int i = 0; i < p->n_people; i++)
		free(all[i]);
	for (size_t k = 0; k < l->group->rooms.n; k++)
		check_panel(l, &l->group->rooms.v[k], member);
}
