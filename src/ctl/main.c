#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "ctl/ctl.h"

static const struct {
	const char *name, *args, *help;
	int (*run)(const struct kith_ctl *c, int argc, char **argv);
} commands[] = {
	{ "status", "[--json]", "is all well?", kith_ctl_status },
	{ "peers", "[--json]", "other nodes, and how it stands with them", kith_ctl_peers },
	{ "groups", "[--json]", "groups that this node is in", kith_ctl_groups },
	{ "account", "list | add NAME | disable NAME | enable NAME [--json]", "who has an account here", kith_ctl_account },
	{ "invite", "[USES] [--json]", "a code to make an account with", kith_ctl_invite },
	{ "node-id", "", "this node's id", kith_ctl_node_id },
	{ "keys", "rotate [--root]", "new signing keys; with --root the next root takes over", kith_ctl_keys },
	{ "verify", "[--json]", "judge every group anew and compare", kith_ctl_verify },
	{ "resolve", "[--shuffle SEED] FILE", "judge a log of authority acts", kith_ctl_resolve },
	{ "judge", "[--shuffle SEED] FILE", "judge a log of acts, memberships and messages", kith_ctl_judge },
	{ "backup", "DIR", "a copy of everything, while kithd runs or not", kith_ctl_backup },
	{ "restore", "DIR", "a backup into a new state directory", kith_ctl_restore },
	{ "reload", "", "read the configuration again", kith_ctl_reload },
	{ "stop", "", "end kithd, and wait for that", kith_ctl_stop },
};

static void
usage(FILE *to)
{
	size_t i;

	fputs("usage: kithctl [--state DIR] COMMAND ...\n", to);
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(to, "  %s %s\n        %s\n", commands[i].name, commands[i].args, commands[i].help);
}

int
main(int argc, char **argv)
{
	struct kith_ctl c = { .state_dir = NULL };
	size_t k;
	int i = 1;

	if (sodium_init() < 0) {
		fputs("kithctl: libsodium does not start\n", stderr);
		return 1;
	}
	for (; i < argc && argv[i][0] == '-'; i++) {
		if (strcmp(argv[i], "--help") == 0) {
			usage(stdout);
			return 0;
		}
		if (strcmp(argv[i], "--state") != 0 || i + 1 == argc) {
			usage(stderr);
			return 2;
		}
		c.state_dir = argv[++i];
	}
	for (k = 0; i < argc && k < sizeof(commands) / sizeof(commands[0]); k++)
		if (strcmp(argv[i], commands[k].name) == 0)
			return commands[k].run(&c, argc - i - 1, argv + i + 1);
	if (i < argc)
		fprintf(stderr, "kithctl: there is no command \"%s\"\n", argv[i]);
	usage(stderr);
	return 2;
}
