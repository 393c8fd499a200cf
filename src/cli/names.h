#ifndef KITH_CLI_NAMES_H
#define KITH_CLI_NAMES_H

#include "cli/cli.h"

/*
 * From what people type to ids. A name is taken as it is written, else without
 * the case of its letters; the beginning of an id, 6 letters or more, is as good.
 * What means nothing or several things is said, the latter as a list: FAILED.
 */
struct cli_place {
	char group[KITH_ID_STR], panel[KITH_ID_STR];
};

int cli_find_group(struct cli *c, const char *text, char group[KITH_ID_STR]);
/* GROUP/PANEL; GROUP alone is its first chat panel, unless the panel must be named. */
int cli_find_place(struct cli *c, const char *text, bool must_name, struct cli_place *out);
/* As either of them: panel is "" when only a group is named. */
int cli_find_group_or_place(struct cli *c, const char *text, struct cli_place *out);
int cli_find_role(struct cli *c, const char *group, const char *text, char role[KITH_ID_STR]);
/* --via, as a parameter: null when it is not given. NULL: *r has the status. */
json_t *cli_find_via(struct cli *c, const char *group, int *r);
/* A member of the group, else whoever the node knows by it. group may be NULL. */
int cli_find_user(struct cli *c, const char *group, const char *text, char uid[KITH_ID_STR]);
/* One of those who ask to be let in. */
int cli_find_request(struct cli *c, const char *group, const char *text, char uid[KITH_ID_STR]);
/* role:NAME, user:NAME, or a name that is only one of them; the other is "". */
int cli_find_role_or_user(struct cli *c, const char *group, const char *text, char role[KITH_ID_STR],
    char uid[KITH_ID_STR]);
/* A node by its name or id, among those of the group's members and of acts about nodes. */
int cli_find_node(struct cli *c, const char *group, const char *text, char node[KITH_ID_STR]);

struct cli_message {
	struct cli_place at;
	char id[KITH_ID_STR], order[64];
};
int cli_find_message(struct cli *c, const char *text, struct cli_message *out);
/* Among the invites of one group (may be NULL), or of all. */
int cli_find_invite(struct cli *c, const char *group_text, const char *text, char invite[KITH_ID_STR],
    char group[KITH_ID_STR]);

/* group.list, asked once; borrowed. NULL: *r has the status. again: ask anew. */
json_t *cli_groups(struct cli *c, bool again, int *r);
/* Every member, page by page; fn returns false to stop. */
int cli_each_member(struct cli *c, const char *group, bool (*fn)(void *ctx, json_t *member), void *ctx);
/* name#1234 at this node, name#1234@node elsewhere. */
void cli_handle(struct cli *c, const json_t *who, const char *handle_key, char *out, size_t cap);

#endif
