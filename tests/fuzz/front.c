#include "tests/fuzz/front.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/clock.h"
#include "daemon/files.h"
#include "daemon/inner.h"
#include "daemon/memo.h"
#include "tests/unit/kit.h"
#include "tests/unit/tmpdir.h"

enum { ENDS_MS = 15000 };

struct front {
	struct kith_edges edges;
	struct kith_files files;
	char blobs[64];
	struct kith_edge *edge;
	struct kith_control *control;
	struct kith_conf conf;
	struct kith_memo *memo;
	struct kith_env env;
	struct kith_addr at;
	struct house *h;
	struct kith_session ada, ben;
	char token[64], uid[64], group[64], panel[64], message[64], path[64];
	uint64_t said;
};

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
copy(char out[64], const json_t *r, const char *key)
{
	const char *s = json_string_value(json_object_get(r, key));

	must(s != NULL && strlen(s) < 64);
	memcpy(out, s, strlen(s) + 1);
}

static json_t *
call(struct front *f, const struct kith_session *s, const char *method, json_t *take_params)
{
	json_t *r = house_call(f->h, s, method, take_params);

	if (r == NULL)
		fprintf(stderr, "%s: %s\n", method, house_error(f->h));
	must(r != NULL);
	return r;
}

static void
settle_in(struct front *f)
{
	char link[600], token[64];
	json_t *r;

	r = call(f, NULL, "account.register", json_pack("{s:s,s:s}", "name", "ada", "password", "correct horse battery"));
	copy(f->token, r, "token");
	copy(f->uid, r, "uid");
	json_decref(r);
	must(house_session(f->h, f->token, &f->ada) == KITH_OK);
	r = call(f, NULL, "account.guest", json_pack("{s:s}", "name", "ben"));
	copy(token, r, "token");
	json_decref(r);
	must(house_session(f->h, token, &f->ben) == KITH_OK);
	r = call(f, &f->ada, "group.new", json_pack("{s:s,s:s}", "name", "garden", "join", "open"));
	copy(f->group, r, "id");
	copy(f->panel, r, "panel");
	json_decref(r);
	r = call(f, &f->ada, "invite.new", json_pack("{s:s}", "group", f->group));
	snprintf(link, sizeof(link), "%s", json_string_value(json_object_get(r, "link")));
	json_decref(r);
	json_decref(call(f, &f->ben, "group.join", json_pack("{s:s}", "link", link)));
	r = call(f, &f->ada, "message.send", json_pack("{s:s,s:s,s:s}", "group", f->group, "panel", f->panel, "text", "good morning"));
	copy(f->message, r, "id");
	json_decref(r);
}

/* ---- what the control socket may do to the daemon ---- */

static int
nothing(void *arg, struct kith_diag *d)
{
	(void)arg;
	(void)d;
	return KITH_OK;
}

static int
no_rotation(void *arg, bool root, struct kith_diag *d)
{
	(void)arg;
	kith_diag_set(d, root ? "not here" : "not now");
	return KITH_E_DENIED;
}

static void
no_stop(void *arg)
{
	(void)arg;
}

static int
no_backup(void *arg, const char *dir, struct kith_diag *d)
{
	(void)arg;
	kith_diag_set(d, "not to %s", dir);
	return KITH_E_IO;
}

static void
no_output(void *arg, const struct kith_output *o)
{
	(void)arg, (void)o;
}

static void
open_edge(struct front *f)
{
	static const char quick[] = "rate_send = off\nrate_register = off\nrate_join = off\nrate_group = off\nrate_invite = off\n"
	    "rate_authority = off\nrate_read = off\nrate_upload = off\n";
	struct kith_gate_limits limits = { .total = 1000 };
	struct kith_edges *s = &f->edges;
	struct kith_node_conf node;
	struct kith_diag d;

	must(kith_conf_init(&f->conf) == KITH_OK && kith_conf_parse(&f->conf, kith_slice_str(quick), "quick", &d) == KITH_OK);
	f->memo = kith_memo_new();
	must(f->memo != NULL);
	kith_memo_env(f->memo, &f->env);
	s->env = &f->env;
	s->peer_fd = -1;
	s->hashing = kith_pool_new("argon2", 1, 2);
	s->tickets = kith_tickets_new();
	s->throttle = kith_throttle_new(&f->conf);
	s->gate = kith_gate_new(&limits);
	s->peer_gate = kith_gate_new(&limits);
	s->max_connections = 1000;
	snprintf(s->url, sizeof(s->url), "http://127.0.0.1:7370");
	must(s->hashing != NULL && s->tickets != NULL && s->throttle != NULL && s->gate != NULL && s->peer_gate != NULL);
	must(kith_addr_parse("127.0.0.1:0", &f->at) == KITH_OK && kith_addr_listen(&f->at, &s->client_fd, &f->at, &d) == KITH_OK);
	memset(&node, 0, sizeof(node));
	snprintf(node.name, sizeof(node.name), "house");
	snprintf(node.url, sizeof(node.url), "%s", s->url);
	must(kith_edge_new(s, 0, kith_edge_conf_new(&f->conf, &node), &f->edge) == KITH_OK);
	s->v = &f->edge;
	s->n = 1;
	must(kith_http_server_listen(f->edge->http, s->client_fd) == KITH_OK);
}

struct front *
front_new(void)
{
	struct front *f = calloc(1, sizeof(*f));
	struct kith_control_conf cc = { .reload = nothing, .rotate = no_rotation, .stop = no_stop, .backup = no_backup,
		.output = no_output, .client_url = "http://127.0.0.1:7370", .peer_address = "none" };
	struct house_conf hc = { .seed = 1 };
	struct kith_diag d;

	must(f != NULL);
	(void)kit_env();
	open_edge(f);
	must(kith_store_mem_new(&f->edges.store) == KITH_OK);
	snprintf(f->blobs, sizeof(f->blobs), "/tmp/kith-fuzz-%ld.blobs", (long)getpid());
	must(kith_files_open(&f->files, f->edges.store, NULL, f->blobs, &d) == KITH_OK);
	f->edges.files = &f->files;
	cc.reactor = f->edge->reactor;
	cc.edges = &f->edges;
	snprintf(f->path, sizeof(f->path), "/tmp/kith-fuzz-%ld", (long)getpid());
	cc.path = f->path;
	must(kith_control_new(&cc, &f->control, &d) == KITH_OK);
	hc.store = f->edges.store;
	hc.port = kith_edge_port(f->edge);
	hc.control = kith_control_port(f->control);
	house_pass(kith_wall_ms() - house_now_ms());
	f->h = house_new(&hc, &d);
	must(f->h != NULL);
	f->edges.machine = house_machine(f->h);
	settle_in(f);
	return f;
}

/* Everything that can happen now does; what came back. */
static size_t
turn(struct front *f, int fd)
{
	static uint8_t waste[65536];
	size_t got = 0;
	ssize_t n;

	kith_reactor_turn(f->edge->reactor, 0);
	if (kith_machine_waiting(f->edges.machine) > 0) {
		house_turn(f->h);
		got++;
	}
	kith_reactor_turn(f->edge->reactor, 0);
	while (fd >= 0 && (n = recv(fd, waste, sizeof(waste), MSG_DONTWAIT)) > 0)
		got += (size_t)n;
	return got;
}

void
front_free(struct front *f)
{
	if (f == NULL)
		return;
	kith_pool_free(f->edges.hashing);
	kith_files_stop(&f->files);
	(void)turn(f, -1);
	kith_control_free(f->control);
	kith_edge_free(f->edge);
	house_free(f->h);
	close(f->edges.client_fd);
	kith_gate_free(f->edges.gate);
	kith_gate_free(f->edges.peer_gate);
	kith_throttle_free(f->edges.throttle);
	kith_tickets_free(f->edges.tickets);
	kith_files_close(&f->files);
	kith_test_dir_remove(f->blobs);
	kith_store_close(f->edges.store);
	kith_memo_free(f->memo);
	kith_conf_fini(&f->conf);
	free(f);
}

struct house *
front_house(struct front *f)
{
	return f->h;
}

/* ---- one session ---- */

static void
fill_in(const struct front *f, uint8_t *p, size_t n)
{
	const struct { char letter; const char *text; } names[] = {
		{ 'T', f->token }, { 'G', f->group }, { 'P', f->panel }, { 'M', f->message }, { 'U', f->uid },
	};
	size_t i, k, len;

	for (i = 0; i < n; i++) {
		for (k = 0; k < sizeof(names) / sizeof(names[0]) && names[k].letter != p[i]; k++)
			;
		if (k == sizeof(names) / sizeof(names[0]))
			continue;
		len = strlen(names[k].text);
		if (len > n - i || p[i + len - 1] != p[i] || memcmp(p + i, p + i + 1, len - 1) != 0)
			continue;
		memcpy(p + i, names[k].text, len);
		i += len - 1;
	}
}

static int
dial(const struct front *f, enum front_door door)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct linger at_once = { .l_onoff = 1 };       /* no port stays behind */
	int fd = socket(door == FRONT_CONTROL ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), r;

	must(fd >= 0);
	memcpy(un.sun_path, f->path, sizeof(f->path));
	if (door == FRONT_CONTROL)
		r = connect(fd, (const struct sockaddr *)&un, sizeof(un));
	else
		r = setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)) == 0 ? connect(fd, &f->at.u.sa, f->at.len) : -1;
	must(r == 0);
	return fd;
}

void
front_session(struct front *f, enum front_door door, uint8_t *bytes, size_t n, unsigned pieces)
{
	uint64_t begun_ms = kith_mono_ms();
	size_t step = n / pieces + 1, take;
	unsigned quiet = 0;
	int fd = dial(f, door);
	ssize_t sent = 0;

	fill_in(f, bytes, n);
	(void)turn(f, fd);
	for (; n > 0 && sent >= 0; bytes += take, n -= take) {
		take = step < n ? step : n;
		sent = send(fd, bytes, take, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent >= 0)
			take = (size_t)sent;
		else if (errno == EAGAIN)
			take = 0;
		sent = errno == EAGAIN ? 0 : sent;
		if (turn(f, fd) == 0 && take == 0)
			break;
	}
	while (quiet < 3)
		quiet = turn(f, fd) == 0 ? quiet + 1 : 0;
	close(fd);
	/* and it is noticed that nobody is there any more */
	for (quiet = 0; quiet < 3 || kith_http_server_count(f->edge->http) > 0;) {
		quiet = turn(f, -1) == 0 ? quiet + 1 : 0;
		must(kith_mono_ms() < begun_ms + ENDS_MS);
	}
}

bool
front_lives(struct front *f)
{
	json_t *r, *list;
	char text[32];
	bool ok;

	snprintf(text, sizeof(text), "still here %llu", (unsigned long long)f->said++);
	r = house_call(f->h, &f->ada, "message.send", json_pack("{s:s,s:s,s:s}", "group", f->group, "panel", f->panel, "text", text));
	if (r == NULL)
		return false;
	json_decref(r);
	r = house_call(f->h, &f->ben, "message.list", json_pack("{s:s,s:s,s:i}", "group", f->group, "panel", f->panel, "limit", 1));
	list = json_object_get(r, "messages");
	ok = json_array_size(list) == 1 && strcmp(json_string_value(json_object_get(json_array_get(list, 0), "text")), text) == 0;
	json_decref(r);
	return ok;
}
