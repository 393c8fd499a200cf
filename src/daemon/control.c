#include "daemon/control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <jansson.h>
#include <sodium.h>

#include "crypto/keyfile.h"
#include "crypto/sign.h"
#include "daemon/clock.h"
#include "daemon/log.h"

#define REQUEST_MAX 8192
#define CONNS_MAX 16
#define WORDS_MAX 12

struct conn {
	struct kith_control *ctl;
	struct bufferevent *bev;
	uint64_t number;                /* of the request passed on; 0: none */
	bool status, finished;
	struct conn *next;
};

struct kith_control {
	struct kith_control_conf conf;
	struct evconnlistener *listener;
	struct kith_pool *slow;
	struct conn *conns;
	unsigned n;
	uint64_t next_number;
};

static void
conn_free(struct conn *c)
{
	struct conn **p = &c->ctl->conns;

	while (*p != c)
		p = &(*p)->next;
	*p = c->next;
	c->ctl->n--;
	bufferevent_free(c->bev);
	free(c);
}

static struct conn *
conn_of(struct kith_control *ctl, uint64_t number)
{
	for (struct conn *c = ctl->conns; c != NULL; c = c->next) {
		if (c->number == number && number != 0)
			return c;
	}
	return NULL;
}

/* ---- answers ---- */

static void
put_line(struct conn *c, json_t *take_j)
{
	char *text = take_j != NULL ? json_dumps(take_j, JSON_COMPACT) : NULL;

	if (text != NULL) {
		evbuffer_add(bufferevent_get_output(c->bev), text, strlen(text));
		evbuffer_add(bufferevent_get_output(c->bev), "\n", 1);
	}
	free(text);
	json_decref(take_j);
}

static void
finish(struct conn *c, int err, const char *why)
{
	if (err == KITH_OK)
		put_line(c, json_pack("{s:b}", "ok", 1));
	else
		put_line(c, json_pack("{s:s,s:s}", "error", why != NULL && why[0] != '\0' ? why : "that did not work", "code", kith_err_name(err)));
	c->finished = true;
	bufferevent_enable(c->bev, EV_WRITE);
	if (evbuffer_get_length(bufferevent_get_output(c->bev)) == 0)
		conn_free(c);
}

/* What the daemon itself knows, beside the engine's line. */
static void
put_status(struct conn *c)
{
	struct kith_edges *s = c->ctl->conf.edges;
	struct kith_machine_counters m;
	uint64_t clients, websockets, links;

	kith_machine_counters(s->machine, &m);
	kith_edges_sizes(s, &clients, &websockets, &links);
	put_line(c, json_pack("{s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:b,s:I,s:I,s:I,s:I,s:I,s:I}", "client", c->ctl->conf.client_url, "peer",
	    c->ctl->conf.peer_address, "pid", (json_int_t)getpid(), "running_ms", (json_int_t)(kith_mono_ms() - s->started_ms), "clients", (json_int_t)clients, "websockets", (json_int_t)websockets,
	    "links", (json_int_t)links, "read_only", kith_machine_is_read_only(s->machine), "disk_free", (json_int_t)m.disk_free,
	    "disk_total", (json_int_t)m.disk_total, "store_used", (json_int_t)m.map_used, "batches", (json_int_t)m.batches, "inputs",
	    (json_int_t)m.inputs, "waiting", (json_int_t)m.waiting));
}

static void
on_outputs(void *arg)
{
	struct kith_delivery *d = arg;
	struct kith_control *ctl = d->to;

	for (size_t i = 0; i < d->list.n; i++) {
		const struct kith_output *o = &d->list.v[i].o;
		struct conn *c = d->list.v[i].kind == KITH_PARCEL_OUTPUT && o->kind == KITH_OUT_CONTROL ? conn_of(ctl, o->number) : NULL;

		if (d->list.v[i].kind == KITH_PARCEL_OUTPUT && o->kind != KITH_OUT_CONTROL)
			ctl->conf.output(ctl->conf.arg, o);
		if (c == NULL)
			continue;
		if (o->err == KITH_OK && o->n > 0) {
			evbuffer_add(bufferevent_get_output(c->bev), o->bytes, o->n);
			if (o->bytes[o->n - 1] != '\n')
				evbuffer_add(bufferevent_get_output(c->bev), "\n", 1);
		}
		/* read-only there is no engine to ask, and that is what one wants to know */
		if (c->status && (o->err == KITH_OK || o->err == KITH_E_FULL)) {
			put_status(c);
			finish(c, KITH_OK, NULL);
		} else {
			finish(c, o->err, o->text);
		}
	}
	kith_delivery_free(d);
}

static int
post(void *arg, struct kith_delivery *take_d)
{
	struct kith_control *ctl = arg;
	int r = kith_reactor_post(ctl->conf.reactor, on_outputs, take_d);

	if (r != KITH_OK)
		kith_delivery_free(take_d);
	return r;
}

struct kith_port
kith_control_port(struct kith_control *c)
{
	return (struct kith_port){ .post = post, .arg = c };
}

/* ---- requests that take long ---- */

struct job {
	struct kith_control *ctl;
	uint64_t number;
	char dir[4096];                 /* backup; "": account add */
	char name[257], password[513];
	struct kith_diag d;
	int err;
	uint8_t salt[KITH_PW_SALT], hash[KITH_PW_HASH];
};

static void
job_free(struct job *j)
{
	kith_wipe(j, sizeof(*j));
	free(j);
}

static void
to_machine(struct conn *c, const char *text)
{
	struct kith_in in;
	int r;

	memset(&in, 0, sizeof(in));
	in.kind = KITH_IN_CONTROL;
	in.number = c->number;
	in.text = text;
	r = kith_machine_submit(c->ctl->conf.edges->machine, &in, 0);
	if (r != KITH_OK)
		finish(c, r, "the engine has too much to do just now, try again");
}

static void
job_done(void *arg)
{
	struct job *j = arg;
	struct conn *c = conn_of(j->ctl, j->number);
	char text[512], salt[2 * KITH_PW_SALT + 1], hash[2 * KITH_PW_HASH + 1];

	if (c != NULL && j->err == KITH_OK && j->dir[0] == '\0') {
		sodium_bin2hex(salt, sizeof(salt), j->salt, sizeof(j->salt));
		sodium_bin2hex(hash, sizeof(hash), j->hash, sizeof(j->hash));
		snprintf(text, sizeof(text), "account add %s %s %s", j->name, salt, hash);
		to_machine(c, text);
	} else if (c != NULL) {
		finish(c, j->err, j->d.text);
	}
	job_free(j);
}

static void
job_run(void *arg, bool run)
{
	struct job *j = arg;

	if (!run) {
		job_free(j);
		return;
	}
	if (j->dir[0] != '\0') {
		j->err = j->ctl->conf.backup(j->ctl->conf.arg, j->dir, &j->d);
	} else if (crypto_pwhash(j->hash, sizeof(j->hash), j->password, strlen(j->password), j->salt, KITH_PW_T,
	    (size_t)KITH_PW_M_KIB * 1024, crypto_pwhash_ALG_ARGON2ID13) != 0) {
		j->err = KITH_E_NOMEM;
		kith_diag_set(&j->d, "out of memory");
	}
	if (kith_reactor_post(j->ctl->conf.reactor, job_done, j) != KITH_OK)
		job_free(j);
}

/* The strings fit: request has seen to that. */
static void
start_job(struct conn *c, struct kith_pool *pool, const char *dir, const char *name, const char *password)
{
	struct job *j = calloc(1, sizeof(*j));
	int r;

	if (j == NULL) {
		finish(c, KITH_E_NOMEM, "out of memory");
		return;
	}
	j->ctl = c->ctl;
	j->number = c->number;
	snprintf(j->dir, sizeof(j->dir), "%s", dir);
	snprintf(j->name, sizeof(j->name), "%s", name);
	snprintf(j->password, sizeof(j->password), "%s", password);
	kith_random_bytes(j->salt, sizeof(j->salt));
	r = kith_pool_submit(pool, job_run, j);
	if (r == KITH_OK)
		return;
	job_free(j);
	finish(c, r, r == KITH_E_BUSY ? "too much of that is under way, try again" : "out of memory");
}

/* ---- requests ---- */

static bool
plain_word(const char *s)
{
	if (s[0] == '\0' || strlen(s) > 256 || !kith_utf8_ok(kith_slice_str(s)))
		return false;
	for (; *s != '\0'; s++) {
		if ((unsigned char)*s <= 0x20 || *s == 0x7f)
			return false;
	}
	return true;
}

static void
pass_on(struct conn *c, const char *const *w, size_t n)
{
	char text[1024];
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		if (!plain_word(w[i]) || len + strlen(w[i]) + 2 > sizeof(text)) {
			finish(c, KITH_E_MALFORMED, "words have no blanks and are short");
			return;
		}
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", i == 0 ? "" : " ", w[i]);
	}
	to_machine(c, text);
}

static size_t
characters(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static void
request(struct conn *c, const char *const *w, size_t n, const char *password)
{
	static const char *const engine[] = { "status", "peers", "groups", "account", "invite", "verify", NULL };
	struct kith_control *ctl = c->ctl;
	struct kith_diag d;
	int r;

	memset(&d, 0, sizeof(d));
	c->number = ++ctl->next_number;
	if (strcmp(w[0], "reload") == 0 && n == 1) {
		r = ctl->conf.reload(ctl->conf.arg, &d);
		finish(c, r, d.text);
		return;
	}
	if (strcmp(w[0], "stop") == 0 && n == 1) {
		void (*stop)(void *) = ctl->conf.stop;
		void *arg = ctl->conf.arg;

		finish(c, KITH_OK, NULL);
		stop(arg);
		return;
	}
	if (strcmp(w[0], "keys") == 0 && n >= 2 && n <= 3 && strcmp(w[1], "rotate") == 0 && (n == 2 || strcmp(w[2], "root") == 0)) {
		r = ctl->conf.rotate(ctl->conf.arg, n == 3, &d);
		finish(c, r, d.text);
		return;
	}
	if (strcmp(w[0], "backup") == 0 && n == 2 && w[1][0] == '/' && strlen(w[1]) < 4000) {
		start_job(c, ctl->slow, w[1], "", "");
		return;
	}
	if (strcmp(w[0], "account") == 0 && n == 3 && strcmp(w[1], "add") == 0) {
		if (password == NULL || characters(password) < 8 || characters(password) > 128)
			finish(c, KITH_E_MALFORMED, "a password has 8 to 128 characters");
		else if (!plain_word(w[2]))
			finish(c, KITH_E_MALFORMED, "a name given here has no blanks");
		else
			start_job(c, ctl->conf.edges->hashing, "", w[2], password);
		return;
	}
	for (size_t i = 0; engine[i] != NULL; i++) {
		if (strcmp(w[0], engine[i]) == 0) {
			c->status = i == 0;
			pass_on(c, w, n);
			return;
		}
	}
	finish(c, KITH_E_NOTFOUND, "kithd knows no such command");
}

static void
take_line(struct conn *c, const char *line, size_t len)
{
	const char *w[WORDS_MAX];
	json_t *j = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	json_t *cmd = json_object_get(j, "cmd");
	size_t n = json_is_array(cmd) ? json_array_size(cmd) : 0;
	bool ok = n > 0 && n <= WORDS_MAX;

	for (size_t i = 0; ok && i < n; i++) {
		w[i] = json_string_value(json_array_get(cmd, i));
		ok = w[i] != NULL;
	}
	if (ok)
		request(c, w, n, json_string_value(json_object_get(j, "password")));
	else
		finish(c, KITH_E_MALFORMED, "that is no request");
	json_decref(j);
}

static void
on_read(struct bufferevent *bev, void *arg)
{
	struct conn *c = arg;
	struct evbuffer *in = bufferevent_get_input(bev);
	size_t len;
	char *line;

	if (c->number != 0 || c->finished)
		return;
	line = evbuffer_readln(in, &len, EVBUFFER_EOL_LF);
	if (line == NULL) {
		if (evbuffer_get_length(in) >= REQUEST_MAX)
			finish(c, KITH_E_LIMIT, "the request is too long");
		return;
	}
	bufferevent_disable(bev, EV_READ);
	bufferevent_set_timeouts(bev, NULL, NULL);
	take_line(c, line, len);
	kith_wipe(line, len);
	free(line);
}

static void
on_written(struct bufferevent *bev, void *arg)
{
	struct conn *c = arg;

	(void)bev;
	if (c->finished)
		conn_free(c);
}

static void
on_event(struct bufferevent *bev, short what, void *arg)
{
	(void)bev;
	(void)what;
	conn_free(arg);
}

static void
on_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *sa, int len, void *arg)
{
	static const struct timeval patience = { .tv_sec = 10 };
	struct kith_control *ctl = arg;
	struct conn *c = ctl->n < CONNS_MAX ? calloc(1, sizeof(*c)) : NULL;

	(void)l;
	(void)sa;
	(void)len;
	if (c != NULL)
		c->bev = bufferevent_socket_new(kith_reactor_base(ctl->conf.reactor), fd, BEV_OPT_CLOSE_ON_FREE);
	if (c == NULL || c->bev == NULL) {
		free(c);
		close(fd);
		return;
	}
	c->ctl = ctl;
	c->next = ctl->conns;
	ctl->conns = c;
	ctl->n++;
	bufferevent_setcb(c->bev, on_read, on_written, on_event, c);
	bufferevent_setwatermark(c->bev, EV_READ, 0, REQUEST_MAX);
	bufferevent_set_timeouts(c->bev, &patience, NULL);
	bufferevent_enable(c->bev, EV_READ | EV_WRITE);
}

int
kith_control_new(const struct kith_control_conf *conf, struct kith_control **out, struct kith_diag *d)
{
	struct kith_control *ctl = calloc(1, sizeof(*ctl));
	struct sockaddr_un sun;
	mode_t mask;
	int fd = -1, r;

	if (ctl == NULL) {
		kith_diag_set(d, "out of memory");
		return KITH_E_NOMEM;
	}
	ctl->conf = *conf;
	ctl->slow = kith_pool_new("control", 1, 4);
	memset(&sun, 0, sizeof(sun));
	sun.sun_family = AF_UNIX;
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", conf->path);
	/* what an earlier process left; the lock says that it is gone */
	unlink(conf->path);
	mask = umask(0177);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	r = fd < 0 ? -1 : bind(fd, (const struct sockaddr *)&sun, sizeof(sun));
	umask(mask);
	if (r == 0)
		ctl->listener = evconnlistener_new(kith_reactor_base(conf->reactor), on_accept, ctl, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC,
		    CONNS_MAX, fd);
	if (ctl->listener == NULL || ctl->slow == NULL) {
		kith_diag_set(d, "cannot make the control socket: %s", strerror(errno));
		if (ctl->listener == NULL && fd >= 0)
			close(fd);
		kith_control_free(ctl);
		return KITH_E_IO;
	}
	*out = ctl;
	return KITH_OK;
}

void
kith_control_free(struct kith_control *ctl)
{
	if (ctl == NULL)
		return;
	kith_pool_free(ctl->slow);
	/* what its last jobs had to say */
	kith_reactor_turn(ctl->conf.reactor, 0);
	if (ctl->listener != NULL) {
		evconnlistener_free(ctl->listener);
		unlink(ctl->conf.path);
	}
	for (struct conn *c = ctl->conns, *next; c != NULL; c = next) {
		next = c->next;
		bufferevent_free(c->bev);
		free(c);
	}
	free(ctl);
}
