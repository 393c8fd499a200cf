#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/clock.h"
#include "daemon/inner.h"
#include "daemon/log.h"
#include "daemon/strings.h"

#define ARENA_MAX (4u << 20)

/* ---- connections ---- */

struct client *
edge_client(struct kith_edge *e, struct kith_http_conn *c)
{
	struct client *cl = kith_http_conn_user(c);

	if (cl != NULL)
		return cl;
	cl = calloc(1, sizeof(*cl));
	if (cl == NULL)
		return NULL;
	cl->id = kith_http_conn_id(c);
	kith_http_conn_set_user(c, cl);
	atomic_fetch_add(&e->n_clients, 1);
	return cl;
}

static void
leave_channel(struct kith_edge *e, struct client *cl, const struct kith_id *id)
{
	struct channel *ch = kith_map_get(e->channels, kith_id_slice(id));

	if (ch == NULL)
		return;
	for (size_t i = 0; i < ch->clients.n; i++) {
		if (ch->clients.v[i] == cl) {
			ch->clients.v[i] = ch->clients.v[--ch->clients.n];
			break;
		}
	}
	if (ch->clients.n == 0) {
		kith_map_del(e->channels, kith_id_slice(id));
		kith_vec_fini(&ch->clients);
		free(ch);
	}
}

static void
leave_all(struct kith_edge *e, struct client *cl)
{
	for (size_t i = 0; i < cl->channels.n; i++)
		leave_channel(e, cl, &cl->channels.v[i]);
	kith_vec_fini(&cl->channels);
}

static void
subscribe(struct kith_edge *e, struct client *cl, const struct kith_id *id)
{
	struct channel *ch = kith_map_get(e->channels, kith_id_slice(id));

	for (size_t i = 0; i < cl->channels.n; i++) {
		if (kith_id_eq(&cl->channels.v[i], id))
			return;
	}
	if (ch == NULL) {
		ch = calloc(1, sizeof(*ch));
		if (ch == NULL || kith_map_put(e->channels, kith_id_slice(id), ch, NULL) != KITH_OK) {
			free(ch);
			goto fail;
		}
		ch->id = *id;
	}
	if (kith_vec_push(&ch->clients, cl) != KITH_OK)
		goto fail;
	if (kith_vec_push(&cl->channels, *id) == KITH_OK)
		return;
	ch->clients.n--;
fail:
	/* it would miss things without knowing: better it comes back */
	{
		struct kith_http_conn *c = kith_http_conn_find(e->http, cl->id);

		if (c != NULL)
			kith_http_close(c, 1013, "out of memory");
	}
}

static void
unsubscribe(struct kith_edge *e, struct client *cl, const struct kith_id *id)
{
	for (size_t i = 0; i < cl->channels.n; i++) {
		if (kith_id_eq(&cl->channels.v[i], id)) {
			cl->channels.v[i] = cl->channels.v[--cl->channels.n];
			leave_channel(e, cl, id);
			return;
		}
	}
}

static int
tell_conn(struct kith_edge *e, struct client *cl, enum kith_in_kind kind)
{
	struct kith_in in;

	memset(&in, 0, sizeof(in));
	in.kind = kind;
	in.conn = cl->id;
	in.session = cl->session;
	in.has_session = true;
	return kith_machine_submit(e->s->machine, &in, e->epoch);
}

void
edge_ws_up(struct kith_edge *e, struct kith_http_conn *c, struct client *cl)
{
	cl->ws = true;
	cl->msgpack = kith_http_conn_protocol(c) == KITH_WS_MSGPACK;
	atomic_fetch_add(&e->n_ws, 1);
	edge_count(e, KITH_N_WS_OPENED, 1);
	if (tell_conn(e, cl, KITH_IN_CONN_UP) != KITH_OK)
		kith_http_close(c, 1013, "too busy");
}

static void
on_close(void *arg, struct kith_http_conn *c, unsigned code)
{
	struct kith_edge *e = arg;
	struct client *cl = kith_http_conn_user(c);

	(void)code;
	if (cl == NULL)
		return;
	kith_http_conn_set_user(c, NULL);
	if (cl->calls > 0)
		edge_calls_forget(e, cl->id);
	edge_upload_forget(cl);
	edge_download_forget(cl);
	if (cl->ws) {
		leave_all(e, cl);
		if (tell_conn(e, cl, KITH_IN_CONN_DOWN) != KITH_OK)
			KITH_LOG(DEBUG, "edge", "the machine has stopped: nobody is told of a closed connection");
		atomic_fetch_sub(&e->n_ws, 1);
		edge_count(e, KITH_N_WS_CLOSED, 1);
	}
	atomic_fetch_sub(&e->n_clients, 1);
	free(cl);
}

void
edge_pause(struct kith_edge *e, struct kith_http_conn *c, struct client *cl)
{
	bool is_long = kith_machine_is_long(e->s->machine);

	if (cl->paused || (cl->calls < CLIENT_CALLS_MAX && !is_long))
		return;
	cl->paused = true;
	e->paused_any = e->paused_any || is_long;
	edge_count(e, KITH_N_PAUSES, 1);
	kith_http_pause(c, true);
}

void
edge_unpause(struct kith_edge *e, struct kith_http_conn *c, struct client *cl)
{
	if (!cl->paused || cl->calls > CLIENT_CALLS_MAX / 2 || kith_machine_is_long(e->s->machine))
		return;
	cl->paused = false;
	kith_http_pause(c, false);
}

/* ---- what the machine says ---- */

static void
push_to(struct kith_edge *e, struct client *cl, struct kith_push *p)
{
	struct kith_http_conn *c = kith_http_conn_find(e->http, cl->id);
	struct kith_blob *frame = c != NULL ? kith_push_frame(p, cl->msgpack) : NULL;

	if (c == NULL)
		return;
	if (frame == NULL)
		kith_http_close(c, 1011, "out of memory");
	else if (kith_http_ws_send_blob(c, frame) == KITH_OK)
		edge_count(e, KITH_N_PUSHES, 1);
}

static void
on_push(struct kith_edge *e, const struct kith_parcel *it)
{
	struct kith_http_conn *c;
	struct channel *ch;

	if (kith_id_is_none(&it->o.channel)) {
		c = kith_http_conn_find(e->http, it->o.conn);
		if (c != NULL && kith_http_conn_user(c) != NULL)
			push_to(e, kith_http_conn_user(c), it->push);
		return;
	}
	ch = kith_map_get(e->channels, kith_id_slice(&it->o.channel));
	for (size_t i = 0; ch != NULL && i < ch->clients.n; i++)
		push_to(e, ch->clients.v[i], it->push);
}

static void
on_output(struct kith_edge *e, const struct kith_output *o)
{
	struct kith_http_conn *c;
	struct client *cl;

	switch (o->kind) {
	case KITH_OUT_SEND:
	case KITH_OUT_CLOSE:
	case KITH_OUT_TRUST:
	case KITH_OUT_DIAL:
		edge_links_output(e, o);
		return;
	case KITH_OUT_REPLY:
		edge_call_done(e, o);
		return;
	default:
		break;
	}
	c = kith_http_conn_find(e->http, o->conn);
	cl = c != NULL ? kith_http_conn_user(c) : NULL;
	if (cl == NULL)
		return;
	if (o->kind == KITH_OUT_SUBSCRIBE)
		subscribe(e, cl, &o->channel);
	else if (o->kind == KITH_OUT_UNSUBSCRIBE)
		unsubscribe(e, cl, &o->channel);
	else if (o->kind == KITH_OUT_DROP)
		kith_http_close(c, 1008, o->text != NULL ? o->text : "");
}

static void
on_reset(struct kith_edge *e, const struct kith_output *o)
{
	struct kith_http_conn *c;
	size_t it = 0;

	edge_links_close(e);
	e->epoch = o->number;
	e->read_only = o->err != KITH_OK;
	while ((c = kith_http_server_next_ws(e->http, &it)) != NULL) {
		struct client *cl = kith_http_conn_user(c);

		if (cl != NULL)
			leave_all(e, cl);
	}
	if (!e->read_only)
		edge_links_open(e);
}

static void
on_resume(struct kith_edge *e)
{
	struct kith_http_conn *c;
	size_t it = 0;

	edge_links_resume(e);
	if (!e->paused_any)
		return;
	e->paused_any = false;
	while ((c = kith_http_server_next_ws(e->http, &it)) != NULL) {
		struct client *cl = kith_http_conn_user(c);

		if (cl == NULL)
			continue;
		edge_unpause(e, c, cl);
		/* not all of them at once: the next resume has the rest */
		e->paused_any = e->paused_any || cl->paused;
	}
}

static void
deliver(void *arg)
{
	struct kith_delivery *d = arg;
	struct kith_edge *e = d->to;

	for (size_t i = 0; e->http != NULL && i < d->list.n; i++) {
		struct kith_parcel *it = &d->list.v[i];

		switch (it->kind) {
		case KITH_PARCEL_OUTPUT:
			on_output(e, &it->o);
			break;
		case KITH_PARCEL_PUSH:
			on_push(e, it);
			break;
		case KITH_PARCEL_TAKEN:
			edge_links_taken(e, it->o.link, it->o.number);
			break;
		case KITH_PARCEL_RESUME:
			on_resume(e);
			break;
		case KITH_PARCEL_RESET:
			on_reset(e, &it->o);
			break;
		}
	}
	kith_delivery_free(d);
}

static int
post(void *arg, struct kith_delivery *take_d)
{
	struct kith_edge *e = arg;
	int r = kith_reactor_post(e->reactor, deliver, take_d);

	if (r != KITH_OK)
		kith_delivery_free(take_d);
	return r;
}

struct kith_port
kith_edge_port(struct kith_edge *e)
{
	return (struct kith_port){ .post = post, .arg = e };
}

/* ---- configuration ---- */

struct kith_edge_conf *
kith_edge_conf_new(const struct kith_conf *conf, const struct kith_node_conf *node)
{
	struct kith_edge_conf *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->node = *node;
	/* reads make no invite links and unseal nothing */
	c->node.address = NULL;
	c->node.n_addresses = 0;
	memset(c->node.seal_key, 0, sizeof(c->node.seal_key));
	c->admins = kith_strings_copy(conf->admins.v, conf->admins.n);
	c->n_admins = conf->admins.n;
	c->max_upload = (size_t)conf->max_upload;
	c->peers = kith_strings_copy(conf->peer.v, conf->peer.n);
	c->n_peers = conf->peer.n;
	if (c->admins == NULL || c->peers == NULL) {
		kith_edge_conf_free(c);
		return NULL;
	}
	return c;
}

void
kith_edge_conf_free(struct kith_edge_conf *c)
{
	if (c == NULL)
		return;
	kith_strings_free(c->admins);
	kith_strings_free(c->peers);
	free(c);
}

struct change {
	struct kith_edge *e;
	struct kith_edge_conf *conf;
};

static void
reconfigure(void *arg)
{
	struct change *ch = arg;

	kith_edge_conf_free(ch->e->conf);
	ch->e->conf = ch->conf;
	free(ch);
}

int
kith_edge_reconfigure(struct kith_edge *e, struct kith_edge_conf *take_conf)
{
	struct change *ch = malloc(sizeof(*ch));

	if (ch != NULL) {
		ch->e = e;
		ch->conf = take_conf;
		if (kith_reactor_post(e->reactor, reconfigure, ch) == KITH_OK)
			return KITH_OK;
	}
	free(ch);
	kith_edge_conf_free(take_conf);
	return KITH_E_NOMEM;
}

/* ---- begin and end ---- */

int
kith_edge_new(struct kith_edges *shared, unsigned index, struct kith_edge_conf *take_conf, struct kith_edge **out)
{
	struct kith_edge *e = calloc(1, sizeof(*e));
	struct kith_http_conf hc;

	if (e == NULL) {
		kith_edge_conf_free(take_conf);
		return KITH_E_NOMEM;
	}
	e->s = shared;
	e->conf = take_conf;
	e->index = index;
	e->epoch = 1;
	e->reactor = kith_reactor_new(index);
	e->calls = kith_map_new();
	e->channels = kith_map_new();
	e->trusted = kith_map_new();
	e->arena = kith_arena_new(ARENA_MAX);
	if (take_conf == NULL || e->reactor == NULL || e->calls == NULL || e->channels == NULL || e->trusted == NULL || e->arena == NULL)
		goto fail;
	memset(&hc, 0, sizeof(hc));
	hc.handler.body_max = edge_body_max;
	hc.handler.on_head = edge_on_head;
	hc.handler.on_part = edge_on_part;
	hc.handler.on_request = edge_on_request;
	hc.handler.on_message = edge_on_message;
	hc.handler.on_close = on_close;
	hc.arg = e;
	hc.hosts = shared->hosts;
	hc.n_hosts = shared->n_hosts;
	hc.proxies = shared->proxies;
	hc.plain = shared->plain;
	hc.tls = shared->tls;
	hc.gate = shared->gate;
	e->http = kith_http_server_new(e->reactor, &hc);
	if (e->http == NULL)
		goto fail;
	*out = e;
	return KITH_OK;
fail:
	kith_edge_free(e);
	return KITH_E_NOMEM;
}

static void *
run(void *arg)
{
	struct kith_edge *e = arg;

	if (kith_reactor_run(e->reactor) != KITH_OK)
		KITH_LOG(ERROR, "edge", "the event loop failed");
	return NULL;
}

static void
open_doors(void *arg)
{
	struct kith_edge *e = arg;

	if (kith_http_server_listen(e->http, e->s->client_fd) != KITH_OK)
		KITH_LOG(ERROR, "edge", "cannot accept clients: out of memory");
	if (!e->read_only)
		edge_links_open(e);
}

int
kith_edge_start(struct kith_edge *e)
{
	char name[16];

	if (kith_reactor_post(e->reactor, open_doors, e) != KITH_OK || pthread_create(&e->thread, NULL, run, e) != 0)
		return KITH_E_NOMEM;
	snprintf(name, sizeof(name), "reactor%u", e->index);
	pthread_setname_np(e->thread, name);
	e->started = true;
	return KITH_OK;
}

void
kith_edge_stop(struct kith_edge *e)
{
	if (!e->started)
		return;
	kith_reactor_stop(e->reactor);
	pthread_join(e->thread, NULL);
	e->started = false;
}

static void
channel_free(void *p)
{
	struct channel *ch = p;

	kith_vec_fini(&ch->clients);
	free(ch);
}

void
kith_edge_free(struct kith_edge *e)
{
	if (e == NULL)
		return;
	kith_assert(!e->started);
	edge_links_close(e);
	kith_http_server_free(e->http);
	e->http = NULL;
	kith_reactor_free(e->reactor);
	if (e->calls != NULL)
		kith_map_free(e->calls, free);
	if (e->channels != NULL)
		kith_map_free(e->channels, channel_free);
	if (e->trusted != NULL)
		kith_map_free(e->trusted, NULL);
	kith_vec_fini(&e->paused_links);
	kith_arena_free(e->arena);
	kith_edge_conf_free(e->conf);
	free(e);
}

uint64_t
kith_edge_reading_since(struct kith_edge *e)
{
	return atomic_load_explicit(&e->reading_since, memory_order_relaxed);
}

uint64_t
kith_edge_counter(struct kith_edge *e, enum kith_edge_count c)
{
	return atomic_load_explicit(&e->count[c], memory_order_relaxed);
}

void
kith_edges_sizes(struct kith_edges *s, uint64_t *clients, uint64_t *websockets, uint64_t *links)
{
	*clients = *websockets = *links = 0;
	for (size_t i = 0; i < s->n; i++) {
		*clients += atomic_load(&s->v[i]->n_clients);
		*websockets += atomic_load(&s->v[i]->n_ws);
		*links += atomic_load(&s->v[i]->n_links);
	}
}
