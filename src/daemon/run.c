#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <event2/event.h>
#include <sodium.h>

#include "base/map.h"
#include "crypto/keyfile.h"
#include "crypto/tls.h"
#include "daemon/clock.h"
#include "daemon/control.h"
#include "daemon/daemon.h"
#include "daemon/doors.h"
#include "daemon/files.h"
#include "daemon/identity.h"
#include "daemon/log.h"
#include "daemon/memo.h"
#include "daemon/notify.h"
#include "daemon/outside.h"
#include "daemon/site.h"
#include "helper/helper.h"
#include "storage/lmdb.h"

#define MAIN_REACTOR 255
#define HASHING_AT_ONCE 2
#define HASHING_QUEUE 32
#define VERIFY_QUEUE 64
#define READ_MAX_MS 2000
#define JUMP_MS (5 * 60 * 1000)
#define SWEEP_EVERY_MS (3600 * 1000)

struct daemon {
	const struct kith_options *opts;
	struct kith_conf conf;
	struct kith_doors doors;
	struct kith_store *store;
	struct kith_memo *memo;
	struct kith_env env;
	struct kith_edges edges;
	struct kith_helpers *helpers;
	struct kith_files files;
	struct kith_outside *outside;
	struct kith_net *proxies;
	struct kith_reactor *reactor;   /* this thread's: signals, kithctl, chores */
	struct kith_control *control;
	struct event *signals[3], *chores;
	struct kith_tls **tls;          /* all that ever were: links may still be on the older ones */
	size_t n_tls;
	char peer_address[KITH_ADDR_STR];
	int64_t skew_ms;                /* wall clock against monotonic, for jumps */
	uint64_t tls_ms;                /* when to look at the certificate again */
	uint64_t sweep_ms;              /* when to look for files that nobody needs */
	bool stopping;
};

/* ---- ends that are not ours to choose ---- */

static void
on_crash(int sig)
{
	static const char bus[] = "kithd: the store's file is shorter than it was, or the disk failed\n", segv[] = "kithd: crashed\n";

	if (write(STDERR_FILENO, sig == SIGBUS ? bus : segv, (sig == SIGBUS ? sizeof(bus) : sizeof(segv)) - 1) < 0)
		_exit(KITH_EXIT_DISK);
	_exit(KITH_EXIT_DISK);
}

static void
fatal(void *arg, const char *why)
{
	(void)arg;
	KITH_LOG(ERROR, "store", "%s: nothing more is acknowledged; starting again reads from disk what is true", why);
	_exit(KITH_EXIT_DISK);
}

static void
guard_process(const struct kith_conf *conf)
{
	struct rlimit lim;
	uint8_t key[16];

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	static uint8_t stack[16384];
	stack_t alt = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = on_crash;
	sa.sa_flags = (int)(SA_ONSTACK | SA_RESETHAND);
	sigaltstack(&alt, NULL);
	sigaction(SIGBUS, &sa, NULL);
	sigaction(SIGSEGV, &sa, NULL);
#else
	(void)on_crash;
#endif
	lim.rlim_cur = lim.rlim_max = 0;
	setrlimit(RLIMIT_CORE, &lim);
	if (getrlimit(RLIMIT_NOFILE, &lim) == 0 && lim.rlim_cur < lim.rlim_max) {
		lim.rlim_cur = lim.rlim_max;
		setrlimit(RLIMIT_NOFILE, &lim);
	}
	if (getrlimit(RLIMIT_NOFILE, &lim) == 0 && lim.rlim_cur < conf->max_connections + 256)
		KITH_LOG(WARN, "daemon", "only %llu files may be open at once: that is too few for max_connections = %llu",
		    (unsigned long long)lim.rlim_cur, (unsigned long long)conf->max_connections);
	umask(077);
	kith_random_bytes(key, sizeof(key));
	kith_map_seed(key);
}

/* ---- keys ---- */

/* The certificate that links are made with from now on. */
static int
use_cert(struct daemon *d, const struct kith_keys *keys)
{
	struct kith_tls **v = realloc(d->tls, (d->n_tls + 1) * sizeof(*v)), *t = NULL;
	int r;

	if (v == NULL)
		return KITH_E_NOMEM;
	d->tls = v;
	r = kith_tls_peer(keys->cert_seed, &t);
	if (r != KITH_OK)
		return r;
	v[d->n_tls++] = t;
	atomic_store(&d->edges.peer_tls, t);
	return KITH_OK;
}

/* ---- TLS for clients ---- */

int
kith_daemon_check(const struct kith_conf *conf, struct kith_diag *d)
{
	struct kith_tls_server *s = NULL;
	int r = KITH_OK;

	if (conf->tls_cert[0] != '\0')
		r = kith_tls_server_new(conf->tls_cert, conf->tls_key, &s, d);
	kith_tls_server_free(s);
	return r;
}

static int
open_tls(struct daemon *d, struct kith_diag *diag)
{
	int r;

	if (d->conf.tls_cert[0] != '\0')
		return kith_tls_server_new(d->conf.tls_cert, d->conf.tls_key, &d->edges.tls, diag);
	r = kith_tls_make_self_signed(KITH_STATE_CLIENT_CERT, KITH_STATE_CLIENT_KEY, d->conf.hosts.n > 0 ? d->conf.hosts.v[0] : NULL, diag);
	if (r != KITH_OK && r != KITH_E_EXISTS)
		return r;
	return kith_tls_server_new(KITH_STATE_CLIENT_CERT, KITH_STATE_CLIENT_KEY, &d->edges.tls, diag);
}

/* ---- what kithctl and signals ask ---- */

static void
stop(void *arg)
{
	struct daemon *d = arg;

	if (d->stopping)
		return;
	d->stopping = true;
	kith_notify("STOPPING=1");
	kith_reactor_stop(d->reactor);
}

static int
tell_edges(struct daemon *d, const struct kith_conf *conf)
{
	struct kith_node_conf node;
	int r = KITH_OK;

	kith_identity_node(conf, &d->doors, d->helpers, &node);
	for (size_t i = 0; i < d->edges.n; i++) {
		struct kith_edge_conf *ec = kith_edge_conf_new(conf, &node);
		int one = ec != NULL ? kith_edge_reconfigure(d->edges.v[i], ec) : KITH_E_NOMEM;

		r = one != KITH_OK ? one : r;
	}
	return r;
}

/* Does any option that the engine is made from differ? */
static bool
engine_differs(const struct kith_conf *a, const struct kith_conf *b)
{
	static const char *const names[] = { "name", "peer", "listed", "refuse_nodes", "full_copies", "registration", "quota", "smtp", NULL };

	for (size_t i = 0; i < kith_conf_count(); i++) {
		for (size_t k = 0; names[k] != NULL; k++) {
			if (strcmp(kith_conf_name(i), names[k]) == 0 && !kith_conf_same(a, b, i))
				return true;
		}
	}
	return false;
}

static void
set_reach(struct daemon *d, const struct kith_conf *conf)
{
	bool loopback, private;

	kith_doors_reach(&d->doors, conf, &loopback, &private);
	atomic_store(&d->edges.dial_loopback, loopback);
	atomic_store(&d->edges.dial_private, private);
}

static int
reload(void *arg, struct kith_diag *diag)
{
	struct daemon *d = arg;
	struct kith_identity *id = NULL;
	struct kith_conf fresh;
	bool engine;
	int r = kith_options_conf(d->opts, &fresh, diag);

	if (r == KITH_OK) {
		r = kith_daemon_check(&fresh, diag);
		if (r != KITH_OK)
			kith_conf_fini(&fresh);
	}
	if (r != KITH_OK) {
		KITH_LOG(WARN, "conf", "nothing is changed: %s%s%s", diag->file, diag->file[0] != '\0' ? ": " : "", diag->text);
		return r;
	}
	for (size_t i = 0; r == KITH_OK && i < kith_conf_count(); i++) {
		if (kith_conf_is_live(i) || kith_conf_same(&fresh, &d->conf, i))
			continue;
		KITH_LOG(WARN, "conf", "%s takes effect when kithd starts again", kith_conf_name(i));
		r = kith_conf_copy(&fresh, &d->conf, i);
	}
	engine = engine_differs(&fresh, &d->conf);
	if (r == KITH_OK && engine)
		r = kith_identity_make(&fresh, &d->doors, d->helpers, &id, diag);
	if (r == KITH_OK)
		r = tell_edges(d, &fresh);
	if (r != KITH_OK) {
		kith_identity_free(id);
		kith_conf_fini(&fresh);
		if (diag->text[0] == '\0')
			kith_diag_set(diag, "out of memory");
		return r;
	}
	kith_conf_fini(&d->conf);
	d->conf = fresh;
	kith_log_level_set((enum kith_log_level)d->conf.log_level);
	kith_throttle_set(d->edges.throttle, &d->conf);
	if (kith_outside_set(d->outside, &d->conf) != KITH_OK)
		KITH_LOG(WARN, "conf", "mail keeps its old settings: out of memory");
	set_reach(d, &d->conf);
	if (engine && kith_machine_renew(d->edges.machine, id) != KITH_OK)
		KITH_LOG(WARN, "conf", "the engine keeps its old settings: out of memory");
	if (kith_tls_server_reload(d->edges.tls, true, NULL, diag) != KITH_OK)
		KITH_LOG(WARN, "tls", "the certificate stays as it was: %s", diag->text);
	diag->text[0] = '\0';
	KITH_LOG(INFO, "conf", "read again");
	return KITH_OK;
}

static int
rotate(void *arg, bool root, struct kith_diag *diag)
{
	struct daemon *d = arg;
	struct kith_identity *id = NULL;
	int r = kith_keys_rotate(root, diag);

	if (r == KITH_OK)
		r = kith_identity_make(&d->conf, &d->doors, d->helpers, &id, diag);
	if (r == KITH_OK)
		r = use_cert(d, &id->keys);
	if (r != KITH_OK) {
		kith_identity_free(id);
		return r;
	}
	KITH_LOG(INFO, "keys", "new signing and certificate keys%s", root ? ", and a new root" : "");
	return kith_machine_renew(d->edges.machine, id);
}

static int
backup(void *arg, const char *dir, struct kith_diag *diag)
{
	struct daemon *d = arg;
	char path[4096];
	int r;

	if (mkdir(dir, 0700) != 0 && errno != EEXIST) {
		kith_diag_set(diag, "cannot make %s: %s", dir, strerror(errno));
		return KITH_E_IO;
	}
	if (snprintf(path, sizeof(path), "%s/data.mdb", dir) >= (int)sizeof(path)) {
		kith_diag_set(diag, "the path is too long");
		return KITH_E_LIMIT;
	}
	r = kith_keys_copy(".", dir, diag);
	if (r == KITH_OK)
		r = kith_store_lmdb_backup(d->store, path, diag);
	if (r != KITH_OK)
		return r;
	/* after the store: what it speaks of is there, and nothing goes within a day */
	if (snprintf(path, sizeof(path), "%s/" KITH_STATE_BLOBS, dir) >= (int)sizeof(path)) {
		kith_diag_set(diag, "the path is too long");
		return KITH_E_LIMIT;
	}
	return kith_blobs_copy(d->files.blobs, path, diag);
}

static void
on_output(void *arg, const struct kith_output *o)
{
	struct daemon *d = arg;

	if (o->kind == KITH_OUT_ERASE) {
		kith_files_erase(&d->files, &o->channel);
	} else if (o->kind == KITH_OUT_MAIL && o->text != NULL && o->n > 0) {
		const char *subject = (const char *)o->bytes;

		kith_outside_mail(d->outside, o->text, subject, subject + strlen(subject) + 1);
	}
}

/* ---- this thread's events ---- */

static void
on_signal(evutil_socket_t sig, short what, void *arg)
{
	struct daemon *d = arg;
	struct kith_diag diag;

	(void)what;
	if (d->stopping)
		return;
	if (sig == SIGHUP) {
		memset(&diag, 0, sizeof(diag));
		kith_notify("RELOADING=1");
		if (reload(d, &diag) == KITH_OK)
			KITH_LOG(DEBUG, "conf", "reloaded on a signal");
		kith_notify("READY=1");
	} else {
		stop(d);
	}
}

static void
look_after_tls(struct daemon *d)
{
	struct kith_diag diag;
	bool changed = false;

	memset(&diag, 0, sizeof(diag));
	if (kith_tls_server_reload(d->edges.tls, false, &changed, &diag) != KITH_OK)
		KITH_LOG(WARN, "tls", "the certificate stays as it was: %s", diag.text);
	else if (changed)
		KITH_LOG(INFO, "tls", "the certificate has changed");
	if (kith_tls_server_expiry_s(d->edges.tls) < (int64_t)(kith_wall_ms() / 1000) + 7 * 86400)
		KITH_LOG(WARN, "tls", "the clients' certificate ends within a week, or has ended");
}

static void
on_chores(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	uint64_t now = kith_mono_ms();
	int64_t skew = (int64_t)kith_wall_ms() - (int64_t)now, moved = skew - d->skew_ms;

	(void)fd;
	(void)what;
	if (moved > JUMP_MS || moved < -JUMP_MS)
		KITH_LOG(WARN, "clock", "the wall clock jumped by %lld s", (long long)moved / 1000);
	d->skew_ms = skew;
	/* a snapshot that is kept open keeps the store from using its space again */
	for (size_t i = 0; i < d->edges.n; i++) {
		uint64_t since = kith_edge_reading_since(d->edges.v[i]);

		if (since != 0 && now > since + READ_MAX_MS)
			KITH_LOG(WARN, "edge", "a read has been going on for %llu ms", (unsigned long long)(now - since));
	}
	if (now >= d->sweep_ms) {
		d->sweep_ms = now + SWEEP_EVERY_MS;
		kith_files_sweep(&d->files);
	}
	if (now >= d->tls_ms) {
		d->tls_ms = now + 60000;
		look_after_tls(d);
	}
}

static int
watch_signals(struct daemon *d)
{
	static const int which[] = { SIGTERM, SIGINT, SIGHUP };
	static const struct timeval second = { .tv_sec = 1 };
	struct event_base *base = kith_reactor_base(d->reactor);

	for (size_t i = 0; i < 3; i++) {
		d->signals[i] = evsignal_new(base, which[i], on_signal, d);
		if (d->signals[i] == NULL || evsignal_add(d->signals[i], NULL) != 0)
			return KITH_E_NOMEM;
	}
	d->chores = event_new(base, -1, EV_PERSIST, on_chores, d);
	if (d->chores == NULL || event_add(d->chores, &second) != 0)
		return KITH_E_NOMEM;
	return KITH_OK;
}

/* ---- start ---- */

static unsigned
n_reactors(const struct kith_conf *conf)
{
	long cpus;

	if (conf->reactors > 0)
		return (unsigned)conf->reactors;
	cpus = sysconf(_SC_NPROCESSORS_ONLN);
	return cpus < 2 ? 1 : cpus > 8 ? 4 : (unsigned)(cpus + 1) / 2;
}

static int
open_store(struct daemon *d, struct kith_diag *diag)
{
	struct kith_lmdb_options lo = { .map_size = d->conf.map_size, .disk_limit = d->conf.disk_limit, .ballast = true };

	return kith_store_lmdb_open(KITH_STATE_STORE, &lo, diag, &d->store);
}

static int
make_edges(struct daemon *d)
{
	struct kith_edges *s = &d->edges;
	struct kith_gate_limits clients = { .total = (unsigned)d->conf.max_connections }, peers = { .total = 4096 };
	static const enum kith_http_plain plain[] = { KITH_PLAIN_DEFAULT, KITH_PLAIN_ALLOW, KITH_PLAIN_REDIRECT, KITH_PLAIN_REFUSE };
	unsigned n = n_reactors(&d->conf);
	struct kith_node_conf node;

	s->env = &d->env;
	s->store = d->store;
	s->files = &d->files;
	s->outside = d->outside = kith_outside_new(d->helpers, &d->conf);
	s->started_ms = kith_mono_ms();
	s->client_fd = d->doors.client_fd;
	s->peer_fd = d->doors.peer_fd;
	s->hosts = (const char *const *)d->conf.hosts.v;
	s->n_hosts = d->conf.hosts.n;
	d->proxies = calloc(d->conf.trusted_proxies.n + 1, sizeof(*d->proxies));
	for (size_t i = 0; d->proxies != NULL && i < d->conf.trusted_proxies.n; i++) {
		if (kith_net_parse(kith_slice_str(d->conf.trusted_proxies.v[i]), &d->proxies[i]) != KITH_OK)
			return KITH_E_MALFORMED;
	}
	s->proxies = (struct kith_proxies){ d->proxies, d->conf.trusted_proxies.n };
	s->plain = plain[d->conf.plain_http];
	s->max_connections = (unsigned)d->conf.max_connections;
	snprintf(s->url, sizeof(s->url), "%s", d->doors.url);
	s->hashing = kith_pool_new("argon2", HASHING_AT_ONCE, HASHING_QUEUE);
	s->ahead.pool = kith_pool_new("verify", n, VERIFY_QUEUE);
	s->ahead.env = &d->env;
	s->ahead.store = d->store;
	s->tickets = kith_tickets_new();
	s->throttle = kith_throttle_new(&d->conf);
	s->gate = kith_gate_new(&clients);
	s->peer_gate = kith_gate_new(&peers);
	s->v = calloc(n, sizeof(struct kith_edge *));
	if (d->proxies == NULL || s->hashing == NULL || s->ahead.pool == NULL || s->outside == NULL || s->tickets == NULL || s->throttle == NULL || s->gate == NULL || s->peer_gate == NULL || s->v == NULL)
		return KITH_E_NOMEM;
	set_reach(d, &d->conf);
	kith_identity_node(&d->conf, &d->doors, d->helpers, &node);
	for (; s->n < n; s->n++) {
		int r = kith_edge_new(s, (unsigned)s->n, kith_edge_conf_new(&d->conf, &node), &s->v[s->n]);

		if (r != KITH_OK)
			return r;
	}
	return KITH_OK;
}

static int
make_machine(struct daemon *d, struct kith_identity *take_id, struct kith_diag *diag)
{
	struct kith_port ports[65];
	struct kith_machine_conf mc = {
		.env = &d->env, .store = d->store, .lmdb = true, .take_identity = take_id, .files = { &d->files, kith_files_read }, .ports = ports, .n_ports = d->edges.n + 1,
		.fatal = fatal, .mono_ms = kith_mono_ms, .wall_ms = kith_wall_ms,
	};
	struct kith_id node;

	for (size_t i = 0; i < d->edges.n; i++)
		ports[i] = kith_edge_port(d->edges.v[i]);
	ports[d->edges.n] = kith_control_port(d->control);
	kith_hash_keyed(KITH_L_SEAL, kith_slice_of(take_id->keys.seal, sizeof(take_id->keys.seal)), kith_slice_str("csrf"), &node);
	memcpy(d->edges.csrf_key, node.b, sizeof(d->edges.csrf_key));
	if (kith_machine_new(&mc, &d->edges.machine, diag) != KITH_OK)
		return KITH_E_IO;
	node = kith_machine_node(d->edges.machine);
	kith_id_str(&node, d->edges.node);
	return KITH_OK;
}

static int
start(struct daemon *d, struct kith_diag *diag)
{
	struct kith_control_conf cc;
	struct kith_identity *id = NULL;
	int r = kith_helpers_open(&d->helpers);

	if (r == KITH_OK)
		r = kith_state_enter(d->opts->state, d->conf.user, diag);
	if (r == KITH_OK)
		r = kith_doors_open(&d->conf, &d->doors, diag);
	if (r == KITH_OK)
		r = kith_state_become(d->conf.user, diag);
	/* before there are keys, threads or a store that a child could have */
	if (r == KITH_OK)
		r = kith_helpers_start(d->helpers, diag);
	if (r == KITH_OK)
		r = kith_identity_make(&d->conf, &d->doors, d->helpers, &id, diag);
	if (r == KITH_OK)
		r = kith_site_open(d->conf.web_root[0] != '\0' ? d->conf.web_root : NULL, &d->edges.site, diag);
	if (r == KITH_OK)
		r = open_store(d, diag);
	if (r == KITH_OK)
		r = kith_files_open(&d->files, d->store, d->helpers, KITH_STATE_BLOBS, diag);
	if (r == KITH_OK)
		r = open_tls(d, diag);
	if (r != KITH_OK)
		goto done;
	snprintf(d->peer_address, sizeof(d->peer_address), "none");
	if (d->doors.peer_fd >= 0)
		kith_addr_str(&d->doors.peer, d->peer_address);
	r = KITH_E_NOMEM;
	d->memo = kith_memo_new();
	d->reactor = kith_reactor_new(MAIN_REACTOR);
	if (d->memo == NULL || d->reactor == NULL || watch_signals(d) != KITH_OK)
		goto done;
	kith_memo_env(d->memo, &d->env);
	r = use_cert(d, &id->keys);
	if (r == KITH_OK)
		r = make_edges(d);
	if (r != KITH_OK)
		goto done;
	memset(&cc, 0, sizeof(cc));
	cc.reactor = d->reactor;
	cc.edges = &d->edges;
	cc.path = KITH_STATE_CONTROL;
	cc.arg = d;
	cc.reload = reload;
	cc.rotate = rotate;
	cc.stop = stop;
	cc.backup = backup;
	cc.output = on_output;
	cc.client_url = d->doors.url;
	cc.peer_address = d->peer_address;
	r = kith_control_new(&cc, &d->control, diag);
	if (r == KITH_OK) {
		r = make_machine(d, id, diag);
		id = NULL;
	}
	if (r == KITH_OK)
		r = kith_machine_start(d->edges.machine);
	for (size_t i = 0; r == KITH_OK && i < d->edges.n; i++)
		r = kith_edge_start(d->edges.v[i]);
done:
	kith_identity_free(id);
	if (r != KITH_OK && diag->text[0] == '\0')
		kith_diag_set(diag, "%s", r == KITH_E_NOMEM ? "out of memory" : kith_err_name(r));
	return r;
}

static void
finish(struct daemon *d)
{
	struct kith_edges *s = &d->edges;

	/* should anything hang: what is committed is safe, and the next start is the recovery */
	alarm(20);
	/* the reactor turns once more for the control socket, when there are no edges left to look after */
	if (d->chores != NULL)
		event_free(d->chores);
	if (s->machine != NULL)
		kith_machine_stop(s->machine);
	kith_pool_free(s->hashing);
	kith_pool_free(s->ahead.pool);
	kith_files_stop(&d->files);
	kith_outside_stop(d->outside);
	for (size_t i = 0; i < s->n; i++)
		kith_edge_stop(s->v[i]);
	for (size_t i = 0; i < s->n; i++)
		kith_edge_free(s->v[i]);
	free(s->v);
	kith_control_free(d->control);
	for (size_t i = 0; i < 3; i++) {
		if (d->signals[i] != NULL)
			event_free(d->signals[i]);
	}
	kith_reactor_free(d->reactor);
	kith_machine_free(s->machine);
	kith_gate_free(s->gate);
	kith_gate_free(s->peer_gate);
	kith_throttle_free(s->throttle);
	kith_tickets_free(s->tickets);
	kith_tls_server_free(s->tls);
	kith_site_free(s->site);
	for (size_t i = 0; i < d->n_tls; i++)
		kith_tls_free(d->tls[i]);
	free(d->tls);
	kith_files_close(&d->files);
	kith_outside_free(d->outside);
	kith_helpers_stop(d->helpers);
	kith_store_close(d->store);
	kith_memo_free(d->memo);
	free(d->proxies);
	kith_doors_close(&d->doors);
	kith_conf_fini(&d->conf);
	kith_wipe(s->csrf_key, sizeof(s->csrf_key));
}

int
kith_daemon_run(const struct kith_options *o, struct kith_conf *take_conf)
{
	struct kith_diag diag;
	struct daemon d;
	int status = KITH_EXIT_OK;

	memset(&d, 0, sizeof(d));
	memset(&diag, 0, sizeof(diag));
	d.opts = o;
	d.conf = *take_conf;
	d.doors.client_fd = d.doors.peer_fd = -1;
	d.skew_ms = (int64_t)kith_wall_ms() - (int64_t)kith_mono_ms();
	kith_log_init();
	kith_log_level_set((enum kith_log_level)d.conf.log_level);
	guard_process(&d.conf);
	if (start(&d, &diag) != KITH_OK) {
		fprintf(stderr, "kithd: %s%s%s\n", diag.file, diag.file[0] != '\0' ? ": " : "", diag.text);
		finish(&d);
		return KITH_EXIT_REFUSED;
	}
	printf("ready client=%s peer=%s node=%s\n", d.doors.url, d.peer_address, d.edges.node);
	if (fflush(stdout) != 0)
		KITH_LOG(WARN, "daemon", "nobody reads that we are ready");
	kith_notify("READY=1");
	KITH_LOG(INFO, "daemon", "node %s: clients at %s, peers at %s", d.edges.node, d.doors.url, d.peer_address);
	if (!kith_helpers_has(d.helpers, KITH_HELPER_MEDIA))
		KITH_LOG(INFO, "daemon", "no kith-media beside kithd or in " KITH_HELPERDIR ": pictures are not taken");
	if (!kith_helpers_has(d.helpers, KITH_HELPER_EGRESS))
		KITH_LOG(INFO, "daemon", "no kith-egress beside kithd or in " KITH_HELPERDIR ": no mail is sent, no page looked at");
	if (d.doors.peer_fd >= 0 && d.doors.n_address == 0)
		KITH_LOG(WARN, "daemon", "no address is known by which other nodes could reach this one: give one with --advertise");
	if (kith_reactor_run(d.reactor) != KITH_OK) {
		KITH_LOG(ERROR, "daemon", "the event loop failed");
		status = KITH_EXIT_REFUSED;
	}
	KITH_LOG(INFO, "daemon", "stopping");
	finish(&d);
	return status;
}
