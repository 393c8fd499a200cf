#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "crypto/sign.h"
#include "ctl/ask.h"

/* Commands that ask kithd, and put its answers into words. */

static int
usage(const char *text)
{
	fprintf(stderr, "usage: kithctl [--state DIR] %s\n", text);
	return 2;
}

/* Asks and prints with show, or as JSON. */
static int
ask(const struct kith_ctl *c, const char *const *words, size_t n, int json, void (*show)(const json_t *lines))
{
	struct ctl_answer a;
	int r = ctl_ask(c, words, n, NULL, &a);

	if (r == CTL_NOT_RUNNING)
		r = ctl_not_running(c);
	else if (r == 0 && json)
		ctl_print_json(&a);
	else if (r == 0)
		show(a.lines);
	ctl_answer_fini(&a);
	return r;
}

static int
ask_plain(const struct kith_ctl *c, int argc, char **argv, const char *command, void (*show)(const json_t *lines))
{
	int json = ctl_take_json(&argc, argv);
	char text[64];

	if (argc != 0) {
		snprintf(text, sizeof(text), "%s [--json]", command);
		return usage(text);
	}
	return ask(c, &command, 1, json, show);
}

/* ---- status ---- */

static void
show_status(const json_t *lines)
{
	const json_t *e = json_array_get(lines, 0), *d = json_array_get(lines, json_array_size(lines) - 1);
	char a[48], b[48];
	unsigned long long bad;

	if (json_array_size(lines) > 1) {
		ctl_put(ctl_str(e, "name"));
		printf(" (node %s)\n", ctl_str(e, "node"));
		printf("  running   %s, version %s, process %llu\n", ctl_age(ctl_num(d, "running_ms"), a), ctl_str(e, "version"), ctl_num(d, "pid"));
	} else {
		printf("running, process %llu\n", ctl_num(d, "pid"));
	}
	printf("  clients   %s, %llu open WebSockets\n", ctl_str(d, "client"), ctl_num(d, "websockets"));
	if (json_array_size(lines) > 1) {
		printf("  peers     %s, %llu of %llu known ones linked\n", strcmp(ctl_str(d, "peer"), "none") == 0 ? "no listener" : ctl_str(d, "peer"),
		    ctl_num(e, "linked"), ctl_num(e, "peers"));
		printf("  holds     %llu groups, %llu accounts, %llu records\n", ctl_num(e, "groups"), ctl_num(e, "accounts"), ctl_num(e, "records"));
	}
	printf("  disk      %s used by the store, %s free\n", ctl_bytes(ctl_num(d, "store_used"), a), ctl_bytes(ctl_num(d, "disk_free"), b));
	if (ctl_true(d, "read_only"))
		printf("  READ-ONLY the disk is full: make room and it goes on by itself\n");
	bad = ctl_num(e, "malformed") + ctl_num(e, "bad_signature") + ctl_num(e, "not_entitled");
	if (bad > 0)
		printf("  refused   %llu malformed, %llu badly signed, %llu that the sender had no part in (kithctl peers says from whom)\n",
		    ctl_num(e, "malformed"), ctl_num(e, "bad_signature"), ctl_num(e, "not_entitled"));
	if (ctl_num(e, "evidence") > 0)
		printf("  EVIDENCE  %llu feeds of nodes that wrote two records at one place\n", ctl_num(e, "evidence"));
}

int
kith_ctl_status(const struct kith_ctl *c, int argc, char **argv)
{
	return ask_plain(c, argc, argv, "status", show_status);
}

/* ---- peers, groups ---- */

static void
show_peers(const json_t *lines)
{
	char a[48];

	for (size_t i = 0; i < json_array_size(lines); i++) {
		const json_t *p = json_array_get(lines, i);
		const char *node = ctl_str(p, "node"), *address = ctl_str(p, "address");

		printf("%-9.8s", node[0] != '\0' ? node : "?");
		ctl_put(ctl_str(p, "name")[0] != '\0' ? ctl_str(p, "name") : "-");
		printf("  %s  ", address[0] != '\0' ? address : "no address");
		if (ctl_true(p, "linked"))
			printf("linked%s for %s, %llu ms away, %llu records in, %llu out", ctl_true(p, "inbound") ? " (it dialled)" : "",
			    ctl_age(ctl_num(p, "since_ms"), a), ctl_num(p, "rtt_ms"), ctl_num(p, "records_in"), ctl_num(p, "records_out"));
		else
			printf("not linked");
		if (ctl_num(p, "queued") > 0)
			printf(", %llu waiting", ctl_num(p, "queued"));
		if (ctl_num(p, "refused") > 0)
			printf(", %llu refused", ctl_num(p, "refused"));
		if (ctl_num(p, "penalty_ms") > 0)
			printf(", kept off for %s", ctl_age(ctl_num(p, "penalty_ms"), a));
		putchar('\n');
	}
	if (json_array_size(lines) == 0)
		fputs("no other node is known yet: start kithd with --peer HOST:PORT, or join by an invite link\n", stderr);
}

int
kith_ctl_peers(const struct kith_ctl *c, int argc, char **argv)
{
	return ask_plain(c, argc, argv, "peers", show_peers);
}

static void
show_groups(const json_t *lines)
{
	for (size_t i = 0; i < json_array_size(lines); i++) {
		const json_t *g = json_array_get(lines, i);

		printf("%s  %llu members on %llu nodes, %llu acts  ", ctl_str(g, "group"), ctl_num(g, "members"), ctl_num(g, "nodes"), ctl_num(g, "acts"));
		ctl_put(ctl_str(g, "name"));
		putchar('\n');
	}
	if (json_array_size(lines) == 0)
		fputs("this node is in no group yet: kith group new NAME\n", stderr);
}

int
kith_ctl_groups(const struct kith_ctl *c, int argc, char **argv)
{
	return ask_plain(c, argc, argv, "groups", show_groups);
}

/* ---- accounts ---- */

static void
show_accounts(const json_t *lines)
{
	for (size_t i = 0; i < json_array_size(lines); i++) {
		const json_t *a = json_array_get(lines, i);
		time_t made = (time_t)(ctl_num(a, "made_ms") / 1000);
		char day[32] = "";
		struct tm tm;

		if (localtime_r(&made, &tm) != NULL)
			strftime(day, sizeof(day), "%Y-%m-%d", &tm);
		printf("%s  %s  ", ctl_str(a, "uid"), day);
		ctl_put(ctl_str(a, "handle"));
		printf("%s%s\n", ctl_true(a, "guest") ? "  guest" : "", ctl_true(a, "disabled") ? "  disabled" : "");
	}
}

static void
show_handle(const json_t *lines)
{
	for (size_t i = 0; i < json_array_size(lines); i++) {
		ctl_put(ctl_str(json_array_get(lines, i), "handle"));
		putchar('\n');
	}
}

static void
show_added(const json_t *lines)
{
	const json_t *a = json_array_get(lines, 0);

	show_handle(lines);
	if (ctl_str(a, "recovery")[0] != '\0')
		fprintf(stderr, "The recovery key, shown once: %s\nWhoever has it can take the account to another node: give it to its person.\n",
		    ctl_str(a, "recovery"));
}

static char *
read_line(void)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t n = getline(&line, &cap, stdin);

	if (n <= 0) {
		free(line);
		return NULL;
	}
	if (line[n - 1] == '\n')
		line[n - 1] = '\0';
	return line;
}

/* Twice from a terminal, unseen; once from anything else. */
static char *
read_password(void)
{
	struct termios was, silent;
	char *one, *two = NULL;

	if (tcgetattr(STDIN_FILENO, &was) != 0)
		return read_line();
	silent = was;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
	fputs("Password: ", stderr);
	one = read_line();
	fputs("\nThe same again: ", stderr);
	if (one != NULL)
		two = read_line();
	fputc('\n', stderr);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &was);
	if (one != NULL && (two == NULL || strcmp(one, two) != 0)) {
		ctl_fail("these two differ");
		kith_wipe(one, strlen(one));
		free(one);
		one = NULL;
	}
	if (two != NULL)
		kith_wipe(two, strlen(two));
	free(two);
	return one;
}

static int
add_account(const struct kith_ctl *c, const char *name, int json)
{
	const char *words[] = { "account", "add", name };
	struct ctl_answer a;
	char *password = read_password();
	int r;

	if (password == NULL)
		return ctl_fail("no password was given: type it, or send it on standard input");
	r = ctl_ask(c, words, 3, password, &a);
	kith_wipe(password, strlen(password));
	free(password);
	if (r == CTL_NOT_RUNNING)
		r = ctl_not_running(c);
	else if (r == 0 && json)
		ctl_print_json(&a);
	else if (r == 0)
		show_added(a.lines);
	ctl_answer_fini(&a);
	return r;
}

int
kith_ctl_account(const struct kith_ctl *c, int argc, char **argv)
{
	int json = ctl_take_json(&argc, argv);

	if (argc == 1 && strcmp(argv[0], "list") == 0) {
		const char *words[] = { "account", "list" };

		return ask(c, words, 2, json, show_accounts);
	}
	if (argc == 2 && strcmp(argv[0], "add") == 0)
		return add_account(c, argv[1], json);
	if (argc == 2 && (strcmp(argv[0], "disable") == 0 || strcmp(argv[0], "enable") == 0)) {
		const char *words[] = { "account", argv[0], argv[1] };

		return ask(c, words, 3, json, show_handle);
	}
	return usage("account list | add NAME | disable NAME | enable NAME [--json]");
}

/* ---- invite, verify ---- */

static void
show_invite(const json_t *lines)
{
	const json_t *i = json_array_get(lines, 0);

	printf("%s\n", ctl_str(i, "code"));
	if (isatty(STDOUT_FILENO))
		fprintf(stderr, "Good for %llu %s: kith register NAME --invite CODE\n", ctl_num(i, "uses"), ctl_num(i, "uses") == 1 ? "account" : "accounts");
}

int
kith_ctl_invite(const struct kith_ctl *c, int argc, char **argv)
{
	int json = ctl_take_json(&argc, argv);
	const char *words[] = { "invite", argc > 0 ? argv[0] : "1" };

	if (argc > 1 || strlen(words[1]) > 6 || words[1][0] < '1' || strspn(words[1], "0123456789") != strlen(words[1]))
		return usage("invite [USES] [--json]");
	return ask(c, words, 2, json, show_invite);
}

static void
show_verify(const json_t *lines)
{
	for (size_t i = 0; i < json_array_size(lines); i++) {
		const json_t *g = json_array_get(lines, i);

		printf("%s  %s  ", ctl_str(g, "group"), ctl_true(g, "ok") ? "ok" : "DIFFERS");
		ctl_put(ctl_str(g, "name"));
		if (!ctl_true(g, "ok")) {
			fputs(": ", stdout);
			ctl_put(ctl_str(g, "why"));
		}
		putchar('\n');
	}
	if (json_array_size(lines) == 0)
		fputs("this node is in no group: nothing to verify\n", stderr);
}

int
kith_ctl_verify(const struct kith_ctl *c, int argc, char **argv)
{
	const char *word = "verify";
	int json = ctl_take_json(&argc, argv), r;
	struct ctl_answer a;

	if (argc != 0)
		return usage("verify [--json]");
	r = ctl_ask(c, &word, 1, NULL, &a);
	if (r == CTL_NOT_RUNNING)
		r = ctl_not_running(c);
	else if (r == 0 && json)
		ctl_print_json(&a);
	else if (r == 0)
		show_verify(a.lines);
	for (size_t i = 0; r == 0 && i < json_array_size(a.lines); i++) {
		if (!ctl_true(json_array_get(a.lines, i), "ok"))
			r = ctl_fail("what is shown differs from what the records say: please report this, with the output above");
	}
	ctl_answer_fini(&a);
	return r;
}

/* ---- reload, stop ---- */

static void
show_nothing(const json_t *lines)
{
	(void)lines;
}

int
kith_ctl_reload(const struct kith_ctl *c, int argc, char **argv)
{
	return ask_plain(c, argc, argv, "reload", show_nothing);
}

/* Done when the lock is free: a new kithd may start then. */
static int
wait_for_end(const struct kith_ctl *c)
{
	static const struct timespec step = { .tv_nsec = 20000000 };
	char path[4200];
	int fd, gone = 0;

	snprintf(path, sizeof(path), "%s/lock", ctl_state_dir(c));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	for (int i = 0; fd >= 0 && !gone && i < 1500; i++) {
		gone = flock(fd, LOCK_SH | LOCK_NB) == 0;
		if (!gone)
			nanosleep(&step, NULL);
	}
	if (fd >= 0)
		close(fd);
	return gone ? 0 : ctl_fail("it has not ended within 30 seconds; its log says why");
}

int
kith_ctl_stop(const struct kith_ctl *c, int argc, char **argv)
{
	int r = ask_plain(c, argc, argv, "stop", show_nothing);

	return r == 0 ? wait_for_end(c) : r;
}
