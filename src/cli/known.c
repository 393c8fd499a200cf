#include "cli/known.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/b32.h"
#include "cli/cli.h"

static void
name_of(const struct cli_url *u, char *out, size_t cap)
{
	snprintf(out, cap, "%s:%u", u->host, u->port);
}

/* NOTFOUND: it is not there, or there is no such file. */
static int
look_up(const char *file, const char *name, uint8_t pin[KITH_TLS_PIN_BYTES], struct kith_diag *d)
{
	FILE *f = fopen(file, "re");
	char line[512], host[300], text[64];
	struct kith_id id;
	int r = KITH_E_NOTFOUND;

	if (f == NULL) {
		if (errno == ENOENT)
			return KITH_E_NOTFOUND;
		kith_diag_set(d, "%s cannot be read: %s", file, strerror(errno));
		return KITH_E_DENIED;
	}
	for (int n = 1; r == KITH_E_NOTFOUND && fgets(line, sizeof(line), f) != NULL; n++) {
		if (line[0] == '#' || sscanf(line, "%299s %63s", host, text) != 2 || strcmp(host, name) != 0)
			continue;
		r = kith_id_parse(kith_slice_str(text), &id);
		if (r == KITH_OK) {
			memcpy(pin, id.b, KITH_TLS_PIN_BYTES);
		} else {
			kith_diag_set(d, "%s, line %d is damaged: delete it", file, n);
			r = KITH_E_DENIED;
		}
	}
	fclose(f);
	return r;
}

static int
keep(const char *file, const char *name, const char *pin, struct kith_diag *d)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	bool ok = fd >= 0 && dprintf(fd, "%s %s\n", name, pin) > 0;

	if (!ok)
		kith_diag_set(d, "%s cannot be written: %s", file, strerror(errno));
	if (fd >= 0)
		close(fd);
	return ok ? KITH_OK : KITH_E_DENIED;
}

/* Asks the node for its key and writes it down. */
static int
learn_key(const struct cli_url *u, const char *file, const char *name, uint8_t pin[KITH_TLS_PIN_BYTES],
    struct kith_diag *d)
{
	struct cli_net *n = NULL;
	char text[KITH_ID_STR];
	struct kith_id id;
	int r = cli_net_open(u, KITH_TLS_LEARN, NULL, &n, d);

	if (r != KITH_OK)
		return r;
	r = cli_net_pin(n, pin);
	cli_net_close(n);
	if (r != KITH_OK) {
		kith_diag_set(d, "%s shows no certificate", u->text);
		return KITH_E_DENIED;
	}
	memcpy(id.b, pin, sizeof(id.b));
	r = keep(file, name, kith_id_str(&id, text), d);
	if (r == KITH_OK)
		cli_note("From now on %s is known by its key %s", name, text);
	return r;
}

int
cli_known_dial(const struct cli_url *u, const char *file, bool learn, struct cli_net **out, struct kith_diag *d)
{
	uint8_t pin[KITH_TLS_PIN_BYTES];
	char name[300];
	int r;

	if (!u->tls)
		return cli_net_open(u, KITH_TLS_SYSTEM, NULL, out, d);
	name_of(u, name, sizeof(name));
	r = look_up(file, name, pin, d);
	if (r == KITH_OK) {
		r = cli_net_open(u, KITH_TLS_PINNED, pin, out, d);
		if (r == KITH_E_DENIED)
			kith_diag_set(d, "the key of %s is not the one that you know it by. If it was changed on purpose, "
			    "delete its line in %s and use --insecure once; if not, somebody stands between you and the node",
			    name, file);
		return r;
	}
	if (r != KITH_E_NOTFOUND)
		return r;
	r = cli_net_open(u, KITH_TLS_SYSTEM, NULL, out, d);
	if (r != KITH_E_DENIED)
		return r;
	if (!learn) {
		char why[sizeof(d->text)];

		memcpy(why, d->text, sizeof(why));
		kith_diag_set(d, "%.200s. If it is a node of your own, --insecure takes its key on trust once, and keeps "
		    "to it from then on", why);
		return r;
	}
	r = learn_key(u, file, name, pin, d);
	return r == KITH_OK ? cli_net_open(u, KITH_TLS_PINNED, pin, out, d) : r;
}
