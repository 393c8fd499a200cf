#include "cli/session.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/text.h"
#include "crypto/sign.h"

#define DEFAULT_URL "http://127.0.0.1:7370"
#define SESSION_MAX 65536

void
cli_session_free(struct cli_session *s)
{
	if (s != NULL)
		sodium_memzero(s, sizeof(*s));
	free(s);
}

/* ---- the folder ---- */

static int
make_folders(char *path)
{
	for (char *p = path + 1;; p++) {
		char c = *p;

		if (c != '/' && c != '\0')
			continue;
		*p = '\0';
		if (mkdir(path, 0700) != 0 && errno != EEXIST)
			return cli_fail(CLI_FAILED, "%s cannot be made: %s", path, strerror(errno));
		*p = c;
		if (c == '\0')
			return CLI_OK;
	}
}

int
cli_home(char *out, size_t cap)
{
	const char *kith = getenv("KITH_HOME"), *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	struct stat st;
	int n;

	if (kith != NULL && kith[0] != '\0')
		n = snprintf(out, cap, "%s", kith);
	else if (xdg != NULL && xdg[0] == '/')
		n = snprintf(out, cap, "%s/kith", xdg);
	else if (home != NULL && home[0] != '\0')
		n = snprintf(out, cap, "%s/.config/kith", home);
	else
		return cli_fail(CLI_FAILED, "there is no place for sessions: set KITH_HOME to a folder");
	if (n < 0 || (size_t)n >= cap)
		return cli_fail(CLI_FAILED, "the path of KITH_HOME is too long");
	if (stat(out, &st) != 0) {
		if (make_folders(out) != CLI_OK)
			return CLI_FAILED;
		if (stat(out, &st) != 0)
			return cli_fail(CLI_FAILED, "%s cannot be read: %s", out, strerror(errno));
	}
	if (!S_ISDIR(st.st_mode))
		return cli_fail(CLI_FAILED, "%s is not a folder; KITH_HOME says where sessions are kept", out);
	if (st.st_uid != geteuid() || (st.st_mode & 077) != 0)
		return cli_fail(CLI_FAILED, "%s is open to others and holds your sessions: it must be yours, and `chmod 700 %s`",
		    out, out);
	return CLI_OK;
}

int
cli_known_file(char *out, size_t cap)
{
	char home[400];
	int r = cli_home(home, sizeof(home));

	if (r == CLI_OK && snprintf(out, cap, "%s/nodes", home) >= (int)cap)
		r = cli_fail(CLI_FAILED, "the path of KITH_HOME is too long");
	return r;
}

/* ---- files ---- */

static bool
copy(char *out, size_t cap, const json_t *o, const char *key)
{
	const char *s = cli_str(o, key);

	return strlen(s) < cap && snprintf(out, cap, "%s", s) >= 0;
}

/* false: it is none, or nobody may use it; people have been told when it matters. */
static bool
load(const char *path, struct cli_session *s)
{
	struct stat st;
	json_t *o = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	bool ok = false;

	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= SESSION_MAX) {
		if (st.st_uid != geteuid() || (st.st_mode & 077) != 0)
			cli_note("%s is open to others and is left alone: `chmod 600` it", path);
		else
			o = json_loadfd(fd, JSON_REJECT_DUPLICATES, NULL);
	}
	close(fd);
	memset(s, 0, sizeof(*s));
	if (o != NULL)
		ok = copy(s->url, sizeof(s->url), o, "url") && copy(s->uid, sizeof(s->uid), o, "uid") &&
		    copy(s->node, sizeof(s->node), o, "node") && copy(s->handle, sizeof(s->handle), o, "handle") &&
		    copy(s->token, sizeof(s->token), o, "token") && s->token[0] != '\0' && s->url[0] != '\0' &&
		    strlen(path) < sizeof(s->file);
	if (ok) {
		snprintf(s->file, sizeof(s->file), "%s", path);
		s->at_ms = cli_int(o, "at");
	}
	json_decref(o);
	return ok;
}

/* ada, ada#1234 or the beginning of a uid */
static bool
is_called(const struct cli_session *s, const char *name)
{
	size_t n = strlen(name);

	if (cli_same_nocase(s->handle, name) || (cli_is_idlike(name) && cli_begins(s->uid, name)))
		return true;
	if (strchr(name, '#') != NULL || n >= sizeof(s->handle))
		return false;
	return s->handle[n] == '#' && strrchr(s->handle, '#') == s->handle + n &&
	    strncasecmp(s->handle, name, n) == 0;
}

struct found { struct cli_session *v; size_t n, cap; };

/* All sessions there are, of this node (url NULL: any) and name (NULL: any); newest first. */
static int
find_all(const char *url, const char *as, struct found *f)
{
	char home[400], path[512];
	struct dirent *e;
	DIR *d;
	int r = cli_home(home, sizeof(home));

	memset(f, 0, sizeof(*f));
	if (r != CLI_OK)
		return r;
	d = opendir(home);
	if (d == NULL)
		return cli_fail(CLI_FAILED, "%s cannot be read: %s", home, strerror(errno));
	while ((e = readdir(d)) != NULL) {
		size_t n = strlen(e->d_name), i;
		struct cli_session s, *grown;

		if (n < 14 || strncmp(e->d_name, "session-", 8) != 0 || strcmp(e->d_name + n - 5, ".json") != 0 ||
		    snprintf(path, sizeof(path), "%s/%s", home, e->d_name) >= (int)sizeof(path) || !load(path, &s))
			continue;
		if ((url != NULL && strcmp(s.url, url) != 0) || (as != NULL && !is_called(&s, as)))
			continue;
		if (f->n == f->cap) {
			grown = realloc(f->v, (f->cap * 2 + 8) * sizeof(*grown));
			if (grown == NULL) {
				closedir(d);
				return cli_nomem();
			}
			f->v = grown;
			f->cap = f->cap * 2 + 8;
		}
		for (i = f->n++; i > 0 && f->v[i - 1].at_ms < s.at_ms; i--)
			f->v[i] = f->v[i - 1];
		f->v[i] = s;
	}
	closedir(d);
	return CLI_OK;
}

static void
found_fini(struct found *f)
{
	if (f->v != NULL)
		sodium_memzero(f->v, f->cap * sizeof(*f->v));
	free(f->v);
}

/* ---- choosing ---- */

/* --url or KITH_URL; *given is false when there is neither. */
static int
asked_url(struct cli *c, struct cli_url *out, bool *given)
{
	const char *s = c->opt[OPT_URL] != NULL ? c->opt[OPT_URL] : getenv("KITH_URL");
	struct kith_diag d = { .text = "" };

	*given = s != NULL && s[0] != '\0';
	if (!*given)
		return CLI_OK;
	return cli_url_parse(s, out, &d) == KITH_OK ? CLI_OK : cli_fail(CLI_USAGE, "%s", d.text);
}

int
cli_session_url(struct cli *c, struct cli_url *out)
{
	struct kith_diag d;
	bool given;
	int r = asked_url(c, out, &given);

	if (r == CLI_OK && !given && cli_url_parse(DEFAULT_URL, out, &d) != KITH_OK)
		r = CLI_FAILED;
	return r;
}

int
cli_session_pick(struct cli *c)
{
	const char *as = c->opt[OPT_AS];
	struct found f = { NULL, 0, 0 };
	struct cli_url url;
	size_t people = 1;
	bool given;
	int r = asked_url(c, &url, &given);

	if (r == CLI_OK)
		r = find_all(given ? url.text : NULL, as, &f);
	if (r != CLI_OK)
		goto done;
	if (f.n == 0) {
		const char *by = given ? " --url " : "", *where = given ? url.text : "";

		r = cli_fail(CLI_FAILED,
		    "you are not signed in%s%s%s%s: use `kith%s%s register NAME` or `kith%s%s login NAME`",
		    as != NULL ? " as " : "", as != NULL ? as : "", given ? " at " : "", where, by, where, by, where);
		goto done;
	}
	/* the newest is the default, but a name must mean one account */
	for (size_t i = 1; as != NULL && i < f.n; i++)
		people += strcmp(f.v[i].uid, f.v[0].uid) != 0 || strcmp(f.v[i].url, f.v[0].url) != 0;
	if (people > 1) {
		r = cli_fail(CLI_FAILED, "\"%s\" means several accounts; add --url, or the number or uid to --as:",
		    as);
		for (size_t i = 0; i < f.n; i++)
			cli_note("  %s  %s  %.12s", f.v[i].handle, f.v[i].url, f.v[i].uid);
		goto done;
	}
	c->session = malloc(sizeof(*c->session));
	if (c->session != NULL)
		*c->session = f.v[0];
	else
		r = cli_nomem();
done:
	found_fini(&f);
	return r;
}

/* ---- keeping ---- */

static int
write_whole(const char *path, const char *text)
{
	char tmp[560];
	size_t n = strlen(text);
	int fd;
	bool ok;

	snprintf(tmp, sizeof(tmp), "%s.%ld", path, (long)getpid());
	unlink(tmp);
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	ok = fd >= 0 && write(fd, text, n) == (ssize_t)n && fsync(fd) == 0;
	if (fd >= 0 && close(fd) != 0)
		ok = false;
	if (ok && rename(tmp, path) == 0)
		return CLI_OK;
	cli_fail(CLI_FAILED, "%s cannot be written: %s", path, strerror(errno));
	if (fd >= 0)
		unlink(tmp);
	return CLI_FAILED;
}

int
cli_session_keep(struct cli *c, const struct cli_session *s)
{
	struct cli_session *kept = malloc(sizeof(*kept));
	struct timespec now;
	char home[400], *text = NULL, who[KITH_ID_STR];
	struct kith_buf b;
	struct kith_id h;
	json_t *o = NULL;
	int r;

	if (kept == NULL)
		return cli_nomem();
	r = cli_home(home, sizeof(home));
	if (r != CLI_OK) {
		free(kept);
		return r;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	*kept = *s;
	kept->at_ms = (json_int_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
	kith_buf_init(&b, 0);
	kith_buf_printf(&b, "%s\n%s", s->url, s->uid);
	if (kith_buf_err(&b) == KITH_OK) {
		crypto_generichash(h.b, sizeof(h.b), b.p, b.n, NULL, 0);
		snprintf(kept->file, sizeof(kept->file), "%s/session-%.16s.json", home, kith_id_str(&h, who));
		o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:I}", "url", s->url, "handle", s->handle, "uid", s->uid,
		    "node", s->node, "token", s->token, "at", kept->at_ms);
	}
	kith_buf_fini(&b);
	if (o != NULL)
		text = json_dumps(o, JSON_INDENT(1));
	r = text != NULL ? write_whole(kept->file, text) : cli_nomem();
	if (text != NULL)
		sodium_memzero(text, strlen(text));
	free(text);
	json_decref(o);
	cli_session_free(c->session);
	c->session = kept;
	return r;
}

int
cli_session_forget(struct cli *c)
{
	if (unlink(c->session->file) != 0 && errno != ENOENT)
		return cli_fail(CLI_FAILED, "%s cannot be removed: %s", c->session->file, strerror(errno));
	return CLI_OK;
}
