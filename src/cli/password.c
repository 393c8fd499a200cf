#include "cli/password.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static int terminal = -1;
static struct termios before;

static void
interrupted(int sig)
{
	tcsetattr(terminal, TCSAFLUSH, &before);
	signal(sig, SIG_DFL);
	raise(sig);
}

/* One line from the terminal, without echo; cut at cap - 1. */
static int
ask(const char *prompt, char *out, size_t cap)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };
	struct sigaction sa, old[sizeof(ends) / sizeof(ends[0])];
	struct termios quiet;
	size_t n = 0;
	char ch = '\0';
	ssize_t got = 0;

	if (tcgetattr(terminal, &before) != 0)
		return cli_fail(CLI_FAILED, "the terminal does not work: %s", strerror(errno));
	memset(&sa, 0, sizeof(sa));
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		sa.sa_handler = ends[i] == SIGTSTP ? SIG_IGN : interrupted;
		sigaction(ends[i], &sa, &old[i]);
	}
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	quiet.c_lflag |= ICANON;
	if (tcsetattr(terminal, TCSAFLUSH, &quiet) == 0) {
		dprintf(terminal, "%s: ", prompt);
		while ((got = read(terminal, &ch, 1)) == 1 && ch != '\n') {
			if (n < cap)
				out[n++] = ch;
		}
		dprintf(terminal, "\n");
	}
	tcsetattr(terminal, TCSAFLUSH, &before);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		sigaction(ends[i], &old[i], NULL);
	if (got != 1 && n == 0)
		return cli_fail(CLI_FAILED, "no password was given");
	if (n == cap)
		return cli_fail(CLI_FAILED, "a password has at most %d bytes", CLI_PASSWORD_MAX);
	out[n] = '\0';
	return CLI_OK;
}

int
cli_password(const char *variable, const char *prompt, bool is_new, char out[CLI_PASSWORD_MAX + 1])
{
	const char *given = getenv(variable);
	char again[CLI_PASSWORD_MAX + 1], text[128];
	int r;

	if (given != NULL && given[0] != '\0') {
		if (strlen(given) > CLI_PASSWORD_MAX)
			return cli_fail(CLI_USAGE, "a password has at most %d bytes", CLI_PASSWORD_MAX);
		snprintf(out, CLI_PASSWORD_MAX + 1, "%s", given);
		return CLI_OK;
	}
	terminal = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (terminal < 0)
		return cli_fail(CLI_USAGE, "there is no terminal to ask for the password: set %s", variable);
	r = ask(prompt, out, CLI_PASSWORD_MAX + 1);
	if (r == CLI_OK && is_new) {
		snprintf(text, sizeof(text), "%s again", prompt);
		r = ask(text, again, sizeof(again));
		if (r == CLI_OK && strcmp(out, again) != 0)
			r = cli_fail(CLI_FAILED, "the two are not the same; nothing was done");
		sodium_memzero(again, sizeof(again));
	}
	close(terminal);
	return r;
}
