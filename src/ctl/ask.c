#include "ctl/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "crypto/sign.h"

const char *
ctl_state_dir(const struct kith_ctl *c)
{
	static char path[4096];
	const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
	struct stat st;

	if (c->state_dir != NULL)
		return c->state_dir;
	/* the system's, if there is one, else this person's */
	if (stat(KITH_LOCALSTATEDIR "/lib/kith", &st) == 0 || home == NULL)
		return KITH_LOCALSTATEDIR "/lib/kith";
	if (data != NULL && data[0] == '/')
		snprintf(path, sizeof(path), "%s/kith", data);
	else
		snprintf(path, sizeof(path), "%s/.local/share/kith", home);
	return path;
}

int
ctl_fail(const char *fmt, ...)
{
	va_list ap;

	fputs("kithctl: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return 1;
}

int
ctl_not_running(const struct kith_ctl *c)
{
	const char *dir = ctl_state_dir(c);

	if (access(dir, F_OK) != 0)
		return ctl_fail("there is no state directory %s: name the right one with --state", dir);
	return ctl_fail("no kithd runs on %s: start it with kithd --state %s", dir, dir);
}

/* By way of the directory: the name of a socket may be no longer than 107 bytes. */
static int
open_socket(const char *dir)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX, .sun_path = "control" };
	int cwd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd = -1, err;

	if (chdir(dir) != 0) {
		err = errno;
	} else {
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		err = fd < 0 || connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) != 0 ? errno : 0;
		if (cwd >= 0 && fchdir(cwd) != 0)
			err = err != 0 ? err : errno;
	}
	if (cwd >= 0)
		close(cwd);
	if (err != 0 && fd >= 0) {
		close(fd);
		fd = -1;
	}
	errno = err;
	return fd;
}

static bool
send_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t k = send(fd, p, n, MSG_NOSIGNAL);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return false;
		p += k;
		n -= (size_t)k;
	}
	return true;
}

static bool
send_request(int fd, const char *const *words, size_t n, const char *password)
{
	json_t *cmd = json_array(), *o = json_object();
	char *text = NULL;
	bool ok = cmd != NULL && o != NULL;

	for (size_t i = 0; ok && i < n; i++)
		ok = json_array_append_new(cmd, json_string(words[i])) == 0;
	ok = ok && json_object_set(o, "cmd", cmd) == 0;
	if (ok && password != NULL)
		ok = json_object_set_new(o, "password", json_string(password)) == 0;
	if (ok)
		text = json_dumps(o, JSON_COMPACT);
	ok = text != NULL && send_all(fd, text, strlen(text)) && send_all(fd, "\n", 1);
	if (text != NULL)
		kith_wipe(text, strlen(text));
	free(text);
	json_decref(cmd);
	json_decref(o);
	return ok;
}

int
ctl_ask(const struct kith_ctl *c, const char *const *words, size_t n, const char *password, struct ctl_answer *out)
{
	int fd = open_socket(ctl_state_dir(c)), status = -1;
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;
	FILE *f;

	out->lines = NULL;
	if (fd < 0) {
		if (errno == EACCES || errno == EPERM)
			return ctl_fail("%s may not be entered: run kithctl as the user that kithd runs as, or as root", ctl_state_dir(c));
		return CTL_NOT_RUNNING;
	}
	f = fdopen(fd, "r");
	out->lines = json_array();
	if (f == NULL || out->lines == NULL) {
		close(fd);
		return ctl_fail("out of memory");
	}
	if (!send_request(fd, words, n, password))
		status = ctl_fail("kithd does not listen: %s", strerror(errno));
	while (status < 0 && (len = getline(&line, &cap, f)) > 0) {
		json_t *j = json_loadb(line, (size_t)len, JSON_REJECT_DUPLICATES, NULL);

		if (!json_is_object(j)) {
			status = ctl_fail("kithd answered something that is no JSON");
		} else if (json_object_get(j, "ok") != NULL && json_object_size(j) == 1) {
			status = 0;
		} else if (json_object_get(j, "error") != NULL) {
			status = ctl_fail("%s", ctl_str(j, "error"));
		} else if (json_array_append(out->lines, j) != 0) {
			status = ctl_fail("out of memory");
		}
		json_decref(j);
	}
	if (status < 0)
		status = ctl_fail("kithd went away before it had answered; its log says why");
	free(line);
	fclose(f);
	return status;
}

void
ctl_answer_fini(struct ctl_answer *a)
{
	json_decref(a->lines);
	a->lines = NULL;
}

void
ctl_print_json(const struct ctl_answer *a)
{
	for (size_t i = 0; i < json_array_size(a->lines); i++) {
		json_dumpf(json_array_get(a->lines, i), stdout, JSON_COMPACT);
		putchar('\n');
	}
}

int
ctl_take_json(int *argc, char **argv)
{
	int found = 0, kept = 0;

	for (int i = 0; i < *argc; i++) {
		if (strcmp(argv[i], "--json") == 0)
			found = 1;
		else
			argv[kept++] = argv[i];
	}
	*argc = kept;
	return found;
}

const char *
ctl_str(const json_t *line, const char *key)
{
	const char *s = json_string_value(json_object_get(line, key));

	return s != NULL ? s : "";
}

unsigned long long
ctl_num(const json_t *line, const char *key)
{
	json_int_t v = json_integer_value(json_object_get(line, key));

	return v > 0 ? (unsigned long long)v : 0;
}

int
ctl_true(const json_t *line, const char *key)
{
	return json_is_true(json_object_get(line, key));
}

const char *
ctl_age(unsigned long long ms, char out[48])
{
	unsigned long long s = ms / 1000;

	if (s < 120)
		snprintf(out, 48, "%llu s", s);
	else if (s < 2 * 3600)
		snprintf(out, 48, "%llu min", s / 60);
	else if (s < 2 * 86400)
		snprintf(out, 48, "%llu h %llu min", s / 3600, s / 60 % 60);
	else
		snprintf(out, 48, "%llu days", s / 86400);
	return out;
}

const char *
ctl_bytes(unsigned long long n, char out[48])
{
	static const char *const units[] = { "bytes", "KB", "MB", "GB", "TB" };
	double v = (double)n;
	int i = 0;

	while (v >= 1000 && i < 4) {
		v /= 1000;
		i++;
	}
	snprintf(out, 48, i == 0 || v >= 100 ? "%.0f %s" : "%.1f %s", v, units[i]);
	return out;
}

void
ctl_put(const char *s)
{
	for (; *s != '\0'; s++)
		putchar((unsigned char)*s < 0x20 || *s == 0x7f ? '?' : *s);
}
