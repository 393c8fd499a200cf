#include "cli/cli.h"

#include <locale.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/rpc.h"
#include "cli/session.h"

#define MANY SIZE_MAX
#define VIA OPT_BIT(OPT_VIA)
#define TIMED (VIA | OPT_BIT(OPT_FOR) | OPT_BIT(OPT_REASON))

const struct cli_command cli_commands[] = {
	{ "register", "[NAME]", "Make an account and sign in", 0, 1, OPT_BIT(OPT_INVITE), cli_cmd_register, true },
	{ "guest", "NICK", "Begin as a guest, without a password", 1, 1, 0, cli_cmd_guest, true },
	{ "claim", "[NAME]", "Make one's guest account a full one, with a password", 0, 1, 0, cli_cmd_claim, false },
	{ "login", "[NAME]", "Sign in", 0, 1, 0, cli_cmd_login, true },
	{ "logout", "", "Sign out", 0, 0, 0, cli_cmd_logout, false },
	{ "passwd", "", "Change the password; other sessions end", 0, 0, 0, cli_cmd_passwd, false },
	{ "sessions", "", "List where one is signed in", 0, 0, OPT_BIT(OPT_END), cli_cmd_sessions, false },

	{ "group new", "NAME", "Found a group and print its id", 1, 1, OPT_BIT(OPT_JOIN), cli_cmd_group_new, false },
	{ "group set", "GROUP KEY VALUE", "Change a setting: name, topic, description, language, join", 3, 3, VIA,
	  cli_cmd_group_set, false },
	{ "groups", "", "List one's groups and conversations", 0, 0, 0, cli_cmd_groups, false },
	{ "members", "GROUP", "List who is in a group", 1, 1, 0, cli_cmd_members, false },
	{ "leave", "GROUP", "Leave a group", 1, 1, 0, cli_cmd_leave, false },

	{ "invite", "GROUP", "Print a link that lets others in", 1, 1,
	  OPT_BIT(OPT_USES) | OPT_BIT(OPT_EXPIRES) | OPT_BIT(OPT_ROLE), cli_cmd_invite, false },
	{ "invites", "GROUP", "List the invites made at this node", 1, 1, 0, cli_cmd_invites, false },
	{ "invite revoke", "ID", "End an invite", 1, 1, VIA | OPT_BIT(OPT_GROUP), cli_cmd_invite_revoke, false },
	{ "join", "LINK", "Come in by a link and print the group's id", 1, 1, 0, cli_cmd_join, false },
	{ "requests", "GROUP", "List who asks to be let in", 1, 1, 0, cli_cmd_requests, false },
	{ "admit", "GROUP USER", "Let somebody in who asked", 2, 2, VIA, cli_cmd_admit, false },
	{ "refuse", "GROUP USER", "Decline a request; nobody is told", 2, 2, 0, cli_cmd_refuse, false },

	{ "panel new", "GROUP NAME", "Make a panel and print its id", 2, 2, VIA | OPT_BIT(OPT_KIND) | OPT_BIT(OPT_PRIVATE),
	  cli_cmd_panel_new, false },
	{ "panel set", "GROUP/PANEL KEY VALUE", "Change a setting: name, topic, open, parent, order", 3, 3, VIA,
	  cli_cmd_panel_set, false },
	{ "panel delete", "GROUP/PANEL", "Delete a panel", 1, 1, VIA, cli_cmd_panel_delete, false },
	{ "panel allow", "GROUP/PANEL ROLE|USER PERM", "Allow something in one panel", 3, 3, VIA, cli_cmd_panel_allow, false },
	{ "panel deny", "GROUP/PANEL ROLE|USER PERM", "Forbid something in one panel", 3, 3, VIA, cli_cmd_panel_allow, false },
	{ "panel inherit", "GROUP/PANEL ROLE|USER PERM", "Let it be in this panel as it is in the group", 3, 3, VIA,
	  cli_cmd_panel_allow, false },
	{ "panels", "GROUP", "List a group's panels", 1, 1, 0, cli_cmd_panels, false },

	{ "role new", "GROUP NAME --level N --perm P...", "Make a role and print its id", 2, 2,
	  VIA | OPT_BIT(OPT_LEVEL) | OPT_BIT(OPT_PERM) | OPT_BIT(OPT_MAY), cli_cmd_role_new, false },
	{ "role allow", "GROUP ROLE PERM...", "Turn permissions of a role on", 3, MANY, VIA, cli_cmd_role_allow, false },
	{ "role deny", "GROUP ROLE PERM...", "Turn permissions of a role off", 3, MANY, VIA, cli_cmd_role_allow, false },
	{ "role grant", "GROUP ROLE USER", "Give somebody a role", 3, 3, VIA, cli_cmd_role_grant, false },
	{ "role revoke", "GROUP ROLE USER", "Take a role from somebody", 3, 3, VIA, cli_cmd_role_grant, false },
	{ "roles", "GROUP", "List a group's roles", 1, 1, 0, cli_cmd_roles, false },

	{ "ban", "GROUP USER", "Put somebody out and keep them out", 2, 2, TIMED, cli_cmd_person, false },
	{ "unban", "GROUP USER", "Lift a ban", 2, 2, VIA, cli_cmd_person, false },
	{ "kick", "GROUP USER", "Put somebody out", 2, 2, VIA | OPT_BIT(OPT_REASON), cli_cmd_person, false },
	{ "mute", "GROUP USER", "Take somebody's voice", 2, 2, TIMED, cli_cmd_person, false },
	{ "unmute", "GROUP USER", "Give it back", 2, 2, VIA, cli_cmd_person, false },
	{ "owner add", "GROUP USER", "Make somebody an owner too", 2, 2, 0, cli_cmd_owner_add, false },
	{ "owner resign", "GROUP", "Lay one's ownership down", 1, 1, 0, cli_cmd_owner_resign, false },
	{ "node ban", "GROUP NODE", "Shut a node out of a group", 2, 2, VIA | OPT_BIT(OPT_REASON), cli_cmd_node_ban, false },
	{ "node unban", "GROUP NODE", "Let it in again", 2, 2, VIA, cli_cmd_node_ban, false },

	{ "send", "GROUP[/PANEL] TEXT|-", "Say something and print its id; -: each line of the input is a message", 2, MANY, 0,
	  cli_cmd_send, false },
	{ "reply", "ID TEXT", "Answer a message", 2, MANY, 0, cli_cmd_reply, false },
	{ "edit", "ID TEXT", "Change the text of one's own message", 2, MANY, 0, cli_cmd_edit, false },
	{ "react", "ID EMOJI", "React to a message", 2, 2, OPT_BIT(OPT_OFF), cli_cmd_react, false },
	{ "recall", "ID", "Take back one's own message, within two minutes", 1, 1, 0, cli_cmd_on_message, false },
	{ "remove", "ID", "Remove somebody's message, as a moderator", 1, 1, OPT_BIT(OPT_REASON), cli_cmd_on_message, false },
	{ "pin", "ID", "Pin a message", 1, 1, 0, cli_cmd_on_message, false },
	{ "unpin", "ID", "Take the pin away", 1, 1, 0, cli_cmd_on_message, false },
	{ "read", "GROUP[/PANEL]", "Print the newest messages, oldest first", 1, 1, OPT_BIT(OPT_LAST) | OPT_BIT(OPT_BEFORE),
	  cli_cmd_read, false },
	{ "watch", "[GROUP[/PANEL]...]", "Print messages as they come", 0, MANY, 0, cli_cmd_watch, false },
	{ "dm", "USER TEXT", "Say something to one person, or to several: ann,bob", 2, MANY, 0, cli_cmd_dm, false },
	{ "audit", "GROUP", "Print who decided what, oldest first", 1, 1, OPT_BIT(OPT_LAST), cli_cmd_audit, false },

	{ "help", "[COMMAND]", "Say how a command is used", 0, 2, 0, cli_help, true },
};
const size_t cli_n_commands = sizeof(cli_commands) / sizeof(cli_commands[0]);

static int
run(struct cli *c)
{
	int r;

	if (c->opt[OPT_VERSION] != NULL) {
		puts("kith " PACKAGE_VERSION);
		return CLI_OK;
	}
	if (c->command == NULL) {
		cli_help_all(c->opt[OPT_HELP] != NULL ? stdout : stderr);
		return c->opt[OPT_HELP] != NULL ? CLI_OK : CLI_USAGE;
	}
	if (c->opt[OPT_HELP] != NULL) {
		cli_help_one(stdout, c->command);
		return CLI_OK;
	}
	if (!c->command->stranger) {
		r = cli_session_pick(c);
		if (r != CLI_OK)
			return r;
	}
	return c->command->run(c);
}

int
main(int argc, char **argv)
{
	struct cli c;
	const char *term = getenv("TERM"), *no_colour = getenv("NO_COLOR");
	int r, flushed;

	memset(&c, 0, sizeof(c));
	setlocale(LC_CTYPE, "");
	if (sodium_init() < 0)
		return cli_fail(CLI_FAILED, "libsodium does not start");
	signal(SIGPIPE, SIG_IGN);       /* writes say so */
	c.terminal = isatty(STDOUT_FILENO) == 1;
	c.colour = c.terminal && (no_colour == NULL || no_colour[0] == '\0') && term != NULL && strcmp(term, "dumb") != 0;
	r = cli_args_parse(&c, argc, argv);
	if (r == CLI_OK)
		r = run(&c);
	flushed = cli_flush();
	json_decref(c.groups);
	cli_http_free(c.http);
	cli_session_free(c.session);
	cli_args_fini(&c);
	return r == CLI_OK ? flushed : r;
}
