#include "tests/sim/story.h"

#include <inttypes.h>
#include <string.h>

#include "tests/sim/dice.h"

static const char *const names[STEP_COUNT_] = {
	[DO_SAY] = "say", [DO_AGAIN] = "say-again", [DO_EDIT] = "edit", [DO_REACT] = "react", [DO_PIN] = "pin", [DO_RECALL] = "recall",
	[DO_REMOVE] = "remove", [DO_TYPE] = "type", [DO_CONNECT] = "connect", [DO_DISCONNECT] = "disconnect", [DO_GROUP] = "group",
	[DO_JOIN] = "join", [DO_LEAVE] = "leave", [DO_DM] = "dm", [DO_INVITE] = "invite", [DO_UNINVITE] = "uninvite", [DO_ADMIT] = "admit",
	[DO_SETTING] = "setting", [DO_PANEL] = "panel", [DO_OVERRIDE] = "override", [DO_OPEN] = "open", [DO_UNPANEL] = "unpanel",
	[DO_ROLE] = "role", [DO_PERMS] = "perms", [DO_GRANT] = "grant", [DO_REVOKE] = "revoke", [DO_UNROLE] = "unrole", [DO_BAN] = "ban",
	[DO_KICK] = "kick", [DO_MUTE] = "mute", [DO_UNBAN] = "unban", [DO_UNMUTE] = "unmute", [DO_OWNER] = "owner", [DO_RESIGN] = "resign",
	[DO_NODE_BAN] = "node-ban", [DO_NODE_UNBAN] = "node-unban",
	[NET_SPLIT] = "split", [NET_SILENCE] = "silence", [NET_HEAL] = "heal", [NET_ONE_WAY] = "one-way", [NET_DROP] = "drop",
	[NET_HALF_OPEN] = "half-open", [NET_SLOW] = "slow", [NET_LAG] = "lag", [NODE_KILL] = "kill", [NODE_CRASH] = "crash",
	[NODE_START] = "start", [NODE_AWAY] = "away", [NODE_COPY] = "copy-disk", [NODE_RESTORE] = "restore", [NODE_ROLL_BACK] = "roll-back",
	[DISK_FULL] = "disk-full", [DISK_ROOM] = "disk-room", [DISK_SLOW] = "disk-slow", [DISK_FAIL] = "disk-fail", [DISK_FLIP] = "disk-flip",
	[CLOCK_JUMP] = "clock-jump", [CLOCK_DRIFT] = "clock-drift", [CLOCK_SET] = "clock-set",
	[EVIL_FORK] = "evil-fork", [EVIL_BACKDATE] = "evil-backdate", [EVIL_WITHHOLD] = "evil-withhold", [EVIL_DEAF] = "evil-deaf",
	[EVIL_LIE] = "evil-lie", [EVIL_REPLAY] = "evil-replay", [EVIL_FLOOD] = "evil-flood", [EVIL_FORGE] = "evil-forge",
	[EVIL_SELECT] = "evil-select", [EVIL_STALE] = "evil-stale", [EVIL_FUTURE] = "evil-future", [EVIL_REST] = "evil-rest",
};

/* How often each is drawn among its like: chat, moderation, trouble, evil. */
struct weight { enum step_kind kind; uint32_t n; };
static const struct weight chat[] = {
	{ DO_SAY, 58 }, { DO_AGAIN, 2 }, { DO_EDIT, 7 }, { DO_REACT, 10 }, { DO_PIN, 4 }, { DO_RECALL, 3 }, { DO_REMOVE, 4 }, { DO_TYPE, 3 },
	{ DO_CONNECT, 6 }, { DO_DISCONNECT, 2 }, { DO_GROUP, 2 }, { DO_JOIN, 16 }, { DO_LEAVE, 4 }, { DO_DM, 3 }, { DO_INVITE, 6 },
};
static const struct weight heat[] = {
	{ DO_INVITE, 2 }, { DO_PANEL, 6 }, { DO_OVERRIDE, 10 }, { DO_OPEN, 3 }, { DO_UNPANEL, 1 }, { DO_ROLE, 6 }, { DO_PERMS, 5 },
	{ DO_GRANT, 10 }, { DO_REVOKE, 3 }, { DO_UNROLE, 1 }, { DO_BAN, 3 }, { DO_KICK, 2 }, { DO_MUTE, 3 }, { DO_UNBAN, 4 }, { DO_UNMUTE, 3 },
	{ DO_OWNER, 3 }, { DO_RESIGN, 1 }, { DO_NODE_BAN, 1 }, { DO_NODE_UNBAN, 2 }, { DO_UNINVITE, 1 }, { DO_ADMIT, 4 }, { DO_SETTING, 3 },
};
static const struct weight trouble[] = {
	{ NET_SPLIT, 16 }, { NET_SILENCE, 6 }, { NET_HEAL, 14 }, { NET_ONE_WAY, 6 }, { NET_DROP, 6 }, { NET_HALF_OPEN, 3 }, { NET_SLOW, 5 },
	{ NET_LAG, 8 }, { NODE_KILL, 8 }, { NODE_CRASH, 14 }, { NODE_START, 10 }, { NODE_AWAY, 3 }, { NODE_COPY, 5 }, { NODE_RESTORE, 3 },
	{ NODE_ROLL_BACK, 2 }, { DISK_FULL, 4 }, { DISK_ROOM, 4 }, { DISK_SLOW, 4 }, { DISK_FAIL, 4 }, { DISK_FLIP, 4 }, { CLOCK_JUMP, 7 },
	{ CLOCK_DRIFT, 3 }, { CLOCK_SET, 3 },
};
static const struct weight evil[] = {
	{ EVIL_FORK, 5 }, { EVIL_BACKDATE, 5 }, { EVIL_WITHHOLD, 4 }, { EVIL_DEAF, 4 }, { EVIL_LIE, 6 }, { EVIL_REPLAY, 4 }, { EVIL_FLOOD, 2 },
	{ EVIL_FORGE, 6 }, { EVIL_SELECT, 4 }, { EVIL_STALE, 4 }, { EVIL_FUTURE, 3 }, { EVIL_REST, 5 },
};
#define OF(list) list, sizeof(list) / sizeof((list)[0])

static enum step_kind
pick(struct dice *d, const struct weight *v, size_t n)
{
	uint32_t all = 0, at;
	size_t i;

	for (i = 0; i < n; i++)
		all += v[i].n;
	at = dice_below(d, all);
	for (i = 0; at >= v[i].n; i++)
		at -= v[i].n;
	return v[i].kind;
}

void
story_draw(struct story *s, uint64_t seed)
{
	struct dice d;
	uint32_t mood, malice = 0, gap, steps, a, b;
	uint64_t at = 0;

	memset(s, 0, sizeof(*s));
	dice_seed(&d, seed, 3);
	s->seed = seed;
	/* mostly few: what can go wrong needs seldom many */
	a = dice_below(&d, STORY_NODES_MAX - 2);
	b = dice_below(&d, 6);
	s->n_nodes = 3 + (int)(dice_chance(&d, 12) ? a : b);
	s->n_people = s->n_nodes * 2 < STORY_PEOPLE_MAX ? s->n_nodes * 2 : STORY_PEOPLE_MAX;
	s->n_groups = 1 + (int)dice_below(&d, 2);
	s->delay_ms = 1 + dice_below(&d, dice_chance(&d, 30) ? 150 : 20);
	s->heat = dice_chance(&d, 60) ? 10 + dice_below(&d, 60) : 5;
	for (int i = 0; i < s->n_nodes; i++)
		s->sync_ms[i] = dice_below(&d, dice_chance(&d, 20) ? 40 : 6);
	if (dice_chance(&d, 25))
		s->dial_only[1 + dice_below(&d, (uint32_t)s->n_nodes - 1)] = true;
	if (dice_chance(&d, 50)) {
		int n = 1 + (int)dice_below(&d, dice_chance(&d, 30) ? (uint32_t)s->n_nodes - 2 : 1);

		malice = 3 + dice_below(&d, 12);
		while (n-- > 0)
			s->evil[dice_below(&d, (uint32_t)s->n_nodes)] = true;
	}
	steps = 60 + dice_below(&d, dice_chance(&d, 20) ? 400 : 140);
	mood = dice_chance(&d, 15) ? 0 : 2 + dice_below(&d, 14);
	gap = 1 + dice_below(&d, 2000);
	for (uint32_t i = 0; i < steps; i++) {
		struct step x = { .roll = dice_u64(&d) };
		uint32_t roll = dice_below(&d, 100);

		if (dice_chance(&d, 80))
			at += dice_below(&d, gap);
		x.at_ms = at;
		if (roll < mood)
			x.kind = pick(&d, OF(trouble));
		else if (roll < mood + malice)
			x.kind = pick(&d, OF(evil));
		else if (dice_chance(&d, s->heat))
			x.kind = pick(&d, OF(heat));
		else
			x.kind = pick(&d, OF(chat));
		if (kith_vec_push(&s->steps, x) != KITH_OK)
			abort();
	}
}

void
story_copy(struct story *to, const struct story *from)
{
	*to = *from;
	to->steps.v = malloc((from->steps.n + 1) * sizeof(*to->steps.v));
	MUST(to->steps.v != NULL);
	if (from->steps.n > 0)
		memcpy(to->steps.v, from->steps.v, from->steps.n * sizeof(*to->steps.v));
	to->steps.cap = from->steps.n + 1;
}

void
story_fini(struct story *s)
{
	kith_vec_fini(&s->steps);
}

const char *
step_name(enum step_kind k)
{
	return names[k];
}

int
story_evil(const struct story *s)
{
	int n = 0;

	for (int i = 0; i < s->n_nodes; i++)
		n += s->evil[i];
	return n;
}

void
story_write(const struct story *s, FILE *to)
{
	fprintf(to, "story %" PRIu64 "\nnodes %d\npeople %d\ngroups %d\ndelay %u\nheat %u\n", s->seed, s->n_nodes, s->n_people, s->n_groups,
	    s->delay_ms, s->heat);
	for (int i = 0; i < s->n_nodes; i++) {
		fprintf(to, "node %d sync %u%s%s\n", i, s->sync_ms[i], s->dial_only[i] ? " dial-only" : "", s->evil[i] ? " evil" : "");
	}
	for (size_t i = 0; i < s->steps.n; i++)
		fprintf(to, "at %" PRIu64 " %s %016" PRIx64 "\n", s->steps.v[i].at_ms, names[s->steps.v[i].kind], s->steps.v[i].roll);
}

static bool
read_step(struct story *s, const char *text)
{
	struct step x;
	char name[32];

	if (sscanf(text, "at %" SCNu64 " %31s %" SCNx64, &x.at_ms, name, &x.roll) != 3)
		return false;
	for (int k = 0; k < STEP_COUNT_; k++) {
		if (strcmp(names[k], name) == 0) {
			x.kind = (enum step_kind)k;
			return kith_vec_push(&s->steps, x) == KITH_OK;
		}
	}
	return false;
}

bool
story_read(struct story *s, FILE *from, int *line)
{
	char text[256];
	uint32_t sync;
	int node;

	memset(s, 0, sizeof(*s));
	for (*line = 1; fgets(text, sizeof(text), from) != NULL; ++*line) {
		if (text[0] == '#' || text[0] == '\n' || sscanf(text, "story %" SCNu64, &s->seed) == 1 || sscanf(text, "people %d", &s->n_people) == 1 ||
		    sscanf(text, "groups %d", &s->n_groups) == 1 || sscanf(text, "delay %u", &s->delay_ms) == 1 || sscanf(text, "heat %u", &s->heat) == 1)
			continue;
		if (sscanf(text, "nodes %d", &s->n_nodes) == 1) {
			if (s->n_nodes < 1 || s->n_nodes > STORY_NODES_MAX)
				return false;
			continue;
		}
		if (sscanf(text, "node %d sync %u", &node, &sync) == 2) {
			if (node < 0 || node >= s->n_nodes)
				return false;
			s->sync_ms[node] = sync;
			s->dial_only[node] = strstr(text, " dial-only") != NULL;
			s->evil[node] = strstr(text, " evil") != NULL;
			continue;
		}
		if (!read_step(s, text))
			return false;
	}
	return s->n_nodes > 0 && s->n_people > 0 && s->n_people <= STORY_PEOPLE_MAX && s->n_groups > 0;
}
