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
#define O(name) OPT_BIT(OPT_##name)
#define VIA O(VIA)
#define TIMED (VIA | O(FOR) | O(REASON))

const struct cli_command cli_commands[] = {
	{ "register", "[NAME]", 0, 1, cli_cmd_register, O(INVITE), true,
	    "Make an account and sign in" },
	{ "guest", "NICK", 1, 1, cli_cmd_guest, 0, true,
	    "Begin as a guest, without a password" },
	{ "claim", "[NAME]", 0, 1, cli_cmd_claim, 0, false,
	    "Make one's guest account a full one, with a password" },
	{ "login", "[NAME]", 0, 1, cli_cmd_login, 0, true,
	    "Sign in" },
	{ "logout", "", 0, 0, cli_cmd_logout, 0, false,
	    "Sign out" },
	{ "passwd", "", 0, 0, cli_cmd_passwd, 0, false,
	    "Change the password; other sessions end" },
	{ "sessions", "", 0, 0, cli_cmd_sessions, O(END), false,
	    "List where one is signed in" },
	{ "token", "NAME SCOPE...", 2, MANY, cli_cmd_token, 0, false,
	    "Print a token for a program, good for these things only" },

	{ "group new", "NAME", 1, 1, cli_cmd_group_new, O(JOIN), false,
	    "Found a group and print its id" },
	{ "group set", "GROUP KEY VALUE", 3, 3, cli_cmd_group_set, VIA, false,
	    "Change a setting: name, topic, description, language, join" },
	{ "groups", "", 0, 0, cli_cmd_groups, 0, false,
	    "List one's groups and conversations" },
	{ "members", "GROUP", 1, 1, cli_cmd_members, 0, false,
	    "List who is in a group" },
	{ "leave", "GROUP", 1, 1, cli_cmd_leave, 0, false,
	    "Leave a group" },

	{ "invite", "GROUP", 1, 1, cli_cmd_invite, O(USES) | O(EXPIRES) | O(ROLE), false,
	    "Print a link that lets others in" },
	{ "invites", "GROUP", 1, 1, cli_cmd_invites, 0, false,
	    "List the invites made at this node" },
	{ "invite revoke", "ID", 1, 1, cli_cmd_invite_revoke, VIA | O(GROUP), false,
	    "End an invite" },
	{ "join", "LINK [ANSWER...]", 1, 6, cli_cmd_join, 0, false,
	    "Come in by a link and print the group's id" },
	{ "requests", "GROUP", 1, 1, cli_cmd_requests, 0, false,
	    "List who asks to be let in" },
	{ "admit", "GROUP USER", 2, 2, cli_cmd_admit, VIA, false,
	    "Let somebody in who asked" },
	{ "refuse", "GROUP USER", 2, 2, cli_cmd_refuse, 0, false,
	    "Decline a request; nobody is told" },

	{ "panel new", "GROUP NAME", 2, 2, cli_cmd_panel_new, VIA | O(KIND) | O(PRIVATE), false,
	    "Make a panel and print its id" },
	{ "panel set", "GROUP/PANEL KEY VALUE", 3, 3, cli_cmd_panel_set, VIA, false,
	    "Change a setting: name, topic, open, slow, notify, url, parent, order" },
	{ "panel delete", "GROUP/PANEL", 1, 1, cli_cmd_panel_delete, VIA, false,
	    "Delete a panel" },
	{ "panel allow", "GROUP/PANEL ROLE|USER PERM", 3, 3, cli_cmd_panel_allow, VIA, false,
	    "Allow something in one panel" },
	{ "panel deny", "GROUP/PANEL ROLE|USER PERM", 3, 3, cli_cmd_panel_allow, VIA, false,
	    "Forbid something in one panel" },
	{ "panel inherit", "GROUP/PANEL ROLE|USER PERM", 3, 3, cli_cmd_panel_allow, VIA, false,
	    "Let it be in this panel as it is in the group" },
	{ "panels", "GROUP", 1, 1, cli_cmd_panels, 0, false,
	    "List a group's panels" },

	{ "role new", "GROUP NAME --level N --perm P...", 2, 2, cli_cmd_role_new, VIA | O(LEVEL) | O(PERM) | O(MAY), false,
	    "Make a role and print its id" },
	{ "role allow", "GROUP ROLE PERM...", 3, MANY, cli_cmd_role_allow, VIA, false,
	    "Turn permissions of a role on" },
	{ "role deny", "GROUP ROLE PERM...", 3, MANY, cli_cmd_role_allow, VIA, false,
	    "Turn permissions of a role off" },
	{ "role grant", "GROUP ROLE USER", 3, 3, cli_cmd_role_grant, VIA, false,
	    "Give somebody a role" },
	{ "role revoke", "GROUP ROLE USER", 3, 3, cli_cmd_role_grant, VIA, false,
	    "Take a role from somebody" },
	{ "roles", "GROUP", 1, 1, cli_cmd_roles, 0, false,
	    "List a group's roles" },

	{ "ban", "GROUP USER", 2, 2, cli_cmd_person, TIMED, false,
	    "Put somebody out and keep them out" },
	{ "unban", "GROUP USER", 2, 2, cli_cmd_person, VIA, false,
	    "Lift a ban" },
	{ "kick", "GROUP USER", 2, 2, cli_cmd_person, VIA | O(REASON), false,
	    "Put somebody out" },
	{ "mute", "GROUP USER", 2, 2, cli_cmd_person, TIMED, false,
	    "Take somebody's voice" },
	{ "unmute", "GROUP USER", 2, 2, cli_cmd_person, VIA, false,
	    "Give it back" },
	{ "owner add", "GROUP USER", 2, 2, cli_cmd_owner_add, 0, false,
	    "Make somebody an owner too" },
	{ "owner resign", "GROUP", 1, 1, cli_cmd_owner_resign, 0, false,
	    "Lay one's ownership down" },
	{ "node ban", "GROUP NODE", 2, 2, cli_cmd_node_ban, VIA | O(REASON), false,
	    "Shut a node out of a group" },
	{ "node unban", "GROUP NODE", 2, 2, cli_cmd_node_ban, VIA, false,
	    "Let it in again" },

	{ "send", "GROUP[/PANEL] TEXT|-", 2, MANY, cli_cmd_send, 0, false,
	    "Say something and print its id; -: each line of the input is a message" },
	{ "reply", "ID TEXT", 2, MANY, cli_cmd_reply, 0, false,
	    "Answer a message" },
	{ "edit", "ID TEXT", 2, MANY, cli_cmd_edit, 0, false,
	    "Change the text of one's own message" },
	{ "react", "ID EMOJI", 2, 2, cli_cmd_react, O(OFF), false,
	    "React to a message" },
	{ "recall", "ID", 1, 1, cli_cmd_on_message, 0, false,
	    "Take back one's own message, within two minutes" },
	{ "remove", "ID", 1, 1, cli_cmd_on_message, O(REASON), false,
	    "Remove somebody's message, as a moderator" },
	{ "pin", "ID", 1, 1, cli_cmd_on_message, 0, false,
	    "Pin a message" },
	{ "unpin", "ID", 1, 1, cli_cmd_on_message, 0, false,
	    "Take the pin away" },
	{ "read", "GROUP[/PANEL]", 1, 1, cli_cmd_read, O(LAST) | O(BEFORE), false,
	    "Print the newest messages, oldest first" },
	{ "watch", "[GROUP[/PANEL]...]", 0, MANY, cli_cmd_watch, 0, false,
	    "Print messages as they come" },
	{ "dm", "USER TEXT", 2, MANY, cli_cmd_dm, 0, false,
	    "Say something to one person, or to several: ann,bob" },
	{ "audit", "GROUP", 1, 1, cli_cmd_audit, O(LAST), false,
	    "Print who decided what, oldest first" },

	{ "help", "[COMMAND]", 0, 2, cli_help, 0, true,
	    "Say how a command is used" },
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
	c.colour = c.terminal && (no_colour == NULL || no_colour[0] == '\0') && term != NULL &&
	    strcmp(term, "dumb") != 0;
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
