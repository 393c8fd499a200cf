#ifndef KITH_CLI_CLI_H
#define KITH_CLI_CLI_H

#include <jansson.h>
#include <stdio.h>

#include "base/b32.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

/*
 * What the parts of kith share. Whatever returns an exit status has said on
 * standard error why it is not CLI_OK, once and in a sentence, before it returns.
 */
enum cli_status {
	CLI_OK = 0,
	CLI_FAILED = 1,         /* refused, or there is no such thing */
	CLI_USAGE = 2,          /* asked wrongly */
	CLI_UNREACHED = 3,      /* no node answered */
};

/* ---- what was asked ---- */

enum cli_opt {
	OPT_URL, OPT_AS, OPT_JSON, OPT_INSECURE, OPT_HELP, OPT_VERSION,
	OPT_BEFORE, OPT_END, OPT_EXPIRES, OPT_FOR, OPT_GROUP, OPT_INVITE, OPT_JOIN, OPT_KIND, OPT_LAST, OPT_LEVEL,
	OPT_MAY, OPT_OFF, OPT_PERM, OPT_PRIVATE, OPT_REASON, OPT_ROLE, OPT_USES, OPT_VIA,
	OPT_COUNT,
};
#define OPT_BIT(o) (UINT32_C(1) << (o))

struct cli;

struct cli_command {
	const char *name;               /* "send", "group new" */
	const char *args;
	size_t min, max;                /* words after the name */
	int (*run)(struct cli *c);      /* the exit status */
	uint32_t opts;                  /* besides those that all commands take */
	bool stranger;                  /* needs no session */
	const char *help;
};
extern const struct cli_command cli_commands[];
extern const size_t cli_n_commands;

struct cli_list {
	const char **v;                 /* borrowed from argv */
	size_t n;
};

struct cli_session;
struct cli_http;

struct cli {
	const struct cli_command *command;
	struct cli_list word;           /* what stands behind the command's name */
	const char *opt[OPT_COUNT];     /* NULL: not given; a flag is "" */
	struct cli_list perm, may;      /* --perm and --may, each as often as given */
	bool terminal, colour;          /* of standard output */
	bool quiet;                     /* why a call fails is not told */
	bool leaving;                   /* a session that has ended already is no failure */
	struct cli_session *session;    /* who speaks; NULL: nobody yet */
	struct cli_http *http;          /* to the node; NULL until needed */
	json_t *groups;                 /* of group.list, once asked */
};

/* Sorts argv into c. CLI_OK, or CLI_USAGE. c->command stays NULL when there is no command. */
int cli_args_parse(struct cli *c, int argc, char **argv);
void cli_args_fini(struct cli *c);
void cli_help_all(FILE *to);
void cli_help_one(FILE *to, const struct cli_command *command);
/* `kith help [COMMAND]` */
int cli_help(struct cli *c);

/* ---- saying ---- */

/* "kith: " and the sentence on standard error, made safe; returns status. */
int cli_fail(int status, const char *fmt, ...) KITH_PRINTF(2, 3);
int cli_nomem(void);                                    /* CLI_FAILED */
/* A remark on standard error, for people. */
void cli_note(const char *fmt, ...) KITH_PRINTF(1, 2);
/* What is left in standard output's buffer goes out; CLI_FAILED when it cannot. */
int cli_flush(void);

void cli_put_line(const char *text);                    /* one clean line */
int cli_put_json(const json_t *v);                      /* one line */
/* With --json the object, else the string under key in it. Borrows v. */
int cli_put_result(struct cli *c, const json_t *v, const char *key);

/* Rows of columns, padded so that they stand under each other. Cells are copied. */
struct cli_table;
struct cli_table *cli_table_new(size_t n_columns);      /* NULL: out of memory */
void cli_table_row(struct cli_table *t, const char *const *cells);      /* n_columns of them; NULL: empty */
int cli_table_put(struct cli_table *take_t);            /* prints, frees; NULL is out of memory */

#define CLI_SHORT 9             /* of an id, with the NUL */
const char *cli_short(const char *id, char out[CLI_SHORT]);
#define CLI_WHEN 20
const char *cli_when(json_int_t ms, char out[CLI_WHEN]);        /* local time; "never" for 0 */

/* Of objects that came from a node: "" or 0 or false or an empty list when it is not there or something else. */
const char *cli_str(const json_t *o, const char *key);
json_int_t cli_int(const json_t *o, const char *key);
bool cli_is(const json_t *o, const char *key);
json_t *cli_get(const json_t *o, const char *key);              /* borrowed; an array, NULL for none */

/*
 * An act of authority: take_params, the group and --via go to the method, the
 * act's id is printed. NULL params: out of memory.
 */
int cli_act(struct cli *c, const char *method, const char *group, json_t *take_params);

/* ---- the commands ---- */

int cli_cmd_register(struct cli *c);
int cli_cmd_guest(struct cli *c);
int cli_cmd_claim(struct cli *c);
int cli_cmd_login(struct cli *c);
int cli_cmd_logout(struct cli *c);
int cli_cmd_passwd(struct cli *c);
int cli_cmd_sessions(struct cli *c);
int cli_cmd_token(struct cli *c);

int cli_cmd_group_new(struct cli *c);
int cli_cmd_group_set(struct cli *c);
int cli_cmd_groups(struct cli *c);
int cli_cmd_members(struct cli *c);
int cli_cmd_leave(struct cli *c);
int cli_cmd_invite(struct cli *c);
int cli_cmd_invites(struct cli *c);
int cli_cmd_invite_revoke(struct cli *c);
int cli_cmd_join(struct cli *c);
int cli_cmd_requests(struct cli *c);
int cli_cmd_admit(struct cli *c);
int cli_cmd_refuse(struct cli *c);

int cli_cmd_panel_new(struct cli *c);
int cli_cmd_panel_set(struct cli *c);
int cli_cmd_panel_delete(struct cli *c);
int cli_cmd_panel_allow(struct cli *c);         /* deny and inherit too */
int cli_cmd_panels(struct cli *c);
int cli_cmd_role_new(struct cli *c);
int cli_cmd_role_allow(struct cli *c);          /* deny too */
int cli_cmd_role_grant(struct cli *c);          /* revoke too */
int cli_cmd_roles(struct cli *c);

int cli_cmd_person(struct cli *c);              /* ban, unban, kick, mute, unmute */
int cli_cmd_owner_add(struct cli *c);
int cli_cmd_owner_resign(struct cli *c);
int cli_cmd_node_ban(struct cli *c);            /* unban too */
int cli_cmd_audit(struct cli *c);

int cli_cmd_send(struct cli *c);
int cli_cmd_dm(struct cli *c);
int cli_cmd_reply(struct cli *c);
int cli_cmd_edit(struct cli *c);
int cli_cmd_react(struct cli *c);
int cli_cmd_on_message(struct cli *c);          /* recall, remove, pin, unpin */
int cli_cmd_read(struct cli *c);
int cli_cmd_watch(struct cli *c);

#endif
