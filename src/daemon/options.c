#include "daemon/options.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX (256u << 10)

const char kith_options_usage[] =
    "usage: kithd --state DIR [--name N] [--listen-client ADDR:PORT] [--listen-peer ADDR:PORT|none]\n"
    "             [--advertise ADDR:PORT] [--peer ADDR:PORT]... [--registration open|invite|closed]\n"
    "             [--config FILE] [-t]\n"
    "\n"
    "  --state DIR            where everything is kept; made if it is missing\n"
    "  --name N               what people call this node (the host's name)\n"
    "  --listen-client A:P    where clients come to (127.0.0.1:7370); port 0: the system chooses\n"
    "  --listen-peer A:P      where other nodes come to (port 7371 on the same address); none: nobody does\n"
    "  --advertise A:P        where other nodes reach this one, if that differs\n"
    "  --peer A:P             a node to keep a link to; may be given several times\n"
    "  --registration WHO     open (the default on loopback), invite (elsewhere) or closed\n"
    "  --config FILE          more options; kithd.conf(5) lists them, and each may be given here too\n"
    "  -t                     check the configuration, print it, and do no more\n"
    "  --help, --version\n";

static char *
absolute(const char *path)
{
	char *cwd, *out = NULL;

	if (path[0] == '/')
		return strdup(path);
	cwd = getcwd(NULL, 0);
	if (cwd != NULL && asprintf(&out, "%s/%s", cwd, path) < 0)
		out = NULL;
	free(cwd);
	return out;
}

/* The next word of the command line as an option with its value; 0: none left. */
struct word {
	char name[64];                  /* as in the configuration: listen_client */
	const char *value;              /* NULL: none was given */
};

static int
next_word(const struct kith_options *o, int *at, struct word *w, struct kith_diag *d)
{
	static const char *const alone[] = { "t", "help", "version", NULL };
	const char *arg, *eq;
	size_t n;

	if (*at >= o->argc)
		return 0;
	arg = o->argv[(*at)++];
	w->value = NULL;
	if (strcmp(arg, "-t") == 0 || strcmp(arg, "-h") == 0) {
		snprintf(w->name, sizeof(w->name), "%s", arg[1] == 'h' ? "help" : "t");
		return 1;
	}
	if (strncmp(arg, "--", 2) != 0 || arg[2] == '\0') {
		kith_diag_set(d, "\"%.64s\" is no option; see kithd --help", arg);
		return KITH_E_MALFORMED;
	}
	arg += 2;
	eq = strchr(arg, '=');
	n = eq != NULL ? (size_t)(eq - arg) : strlen(arg);
	if (n >= sizeof(w->name))
		n = sizeof(w->name) - 1;
	for (size_t i = 0; i < n; i++)
		w->name[i] = arg[i] == '-' ? '_' : arg[i] == '_' ? '?' : arg[i];
	w->name[n] = '\0';
	for (size_t i = 0; alone[i] != NULL; i++) {
		if (strcmp(w->name, alone[i]) == 0)
			return 1;
	}
	if (eq != NULL)
		w->value = eq + 1;
	else if (*at < o->argc)
		w->value = o->argv[(*at)++];
	if (w->value == NULL) {
		kith_diag_set(d, "--%.*s needs a value", (int)n, arg);
		return KITH_E_MALFORMED;
	}
	return 1;
}

int
kith_options_parse(int argc, char **argv, struct kith_options *o, struct kith_diag *d)
{
	struct word w;
	int at = 1, r;

	memset(o, 0, sizeof(*o));
	memset(d, 0, sizeof(*d));
	o->argc = argc;
	o->argv = argv;
	while ((r = next_word(o, &at, &w, d)) == 1) {
		char **path = strcmp(w.name, "state") == 0 ? &o->state : strcmp(w.name, "config") == 0 ? &o->config : NULL;

		if (strcmp(w.name, "t") == 0)
			o->test = true;
		else if (strcmp(w.name, "help") == 0)
			o->help = true;
		else if (strcmp(w.name, "version") == 0)
			o->version = true;
		if (path == NULL)
			continue;
		if (*path != NULL || w.value[0] == '\0') {
			kith_diag_set(d, "--%s %s", w.name, *path != NULL ? "is given twice" : "needs a path");
			r = KITH_E_MALFORMED;
			break;
		}
		*path = absolute(w.value);
		if (*path == NULL) {
			kith_diag_set(d, "out of memory");
			r = KITH_E_NOMEM;
			break;
		}
	}
	if (r < 0)
		kith_options_fini(o);
	return r < 0 ? r : KITH_OK;
}

void
kith_options_fini(struct kith_options *o)
{
	free(o->state);
	free(o->config);
	o->state = o->config = NULL;
}

static int
read_file(const char *path, struct kith_buf *out, struct kith_diag *d)
{
	uint8_t part[4096];
	struct stat st;
	ssize_t n = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC), r = KITH_OK;

	snprintf(d->file, sizeof(d->file), "%s", path);
	if (fd < 0 || fstat(fd, &st) != 0) {
		kith_diag_set(d, "cannot be read: %s", strerror(errno));
		r = KITH_E_IO;
		goto done;
	}
	if (S_ISDIR(st.st_mode)) {
		kith_diag_set(d, "is a directory");
		r = KITH_E_IO;
		goto done;
	}
	while (r == KITH_OK && (n = read(fd, part, sizeof(part))) > 0) {
		kith_buf_put(out, part, (size_t)n);
		r = kith_buf_err(out);
	}
	if (n < 0) {
		kith_diag_set(d, "cannot be read: %s", strerror(errno));
		r = KITH_E_IO;
	} else if (r != KITH_OK) {
		kith_diag_set(d, r == KITH_E_LIMIT ? "the file is longer than 256 KiB" : "out of memory");
	}
done:
	if (fd >= 0)
		close(fd);
	return r;
}

int
kith_options_conf(const struct kith_options *o, struct kith_conf *out, struct kith_diag *d)
{
	struct kith_conf c;
	struct kith_buf text;
	struct word w;
	int at = 1, r;

	memset(d, 0, sizeof(*d));
	kith_buf_init(&text, FILE_MAX);
	r = kith_conf_init(&c);
	if (r == KITH_OK && o->config != NULL) {
		r = read_file(o->config, &text, d);
		if (r == KITH_OK)
			r = kith_conf_parse(&c, kith_buf_slice(&text), o->config, d);
	}
	if (r == KITH_OK)
		d->file[0] = '\0';
	while (r == KITH_OK && (r = next_word(o, &at, &w, d)) == 1) {
		r = KITH_OK;
		if (w.value == NULL || strcmp(w.name, "state") == 0 || strcmp(w.name, "config") == 0)
			continue;
		r = kith_conf_set(&c, w.name, kith_slice_str(w.value), KITH_CONF_COMMAND, d);
		if (r == KITH_E_NOTFOUND) {
			kith_diag_set(d, "there is no option --%s; see kithd --help", w.name);
			r = KITH_E_MALFORMED;
		}
		for (char *p = d->text; r == KITH_E_MALFORMED && *p != '\0' && *p != ' '; p++)
			*p = *p == '_' ? '-' : *p;
	}
	if (r == KITH_OK)
		r = kith_conf_finish(&c, d);
	if (r == KITH_E_NOMEM)
		kith_diag_set(d, "out of memory");
	kith_buf_fini(&text);
	if (r == KITH_OK)
		*out = c;
	else
		kith_conf_fini(&c);
	return r;
}
