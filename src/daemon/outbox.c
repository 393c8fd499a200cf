#include <stdlib.h>
#include <string.h>

#include "crypto/sign.h"
#include "daemon/machine_inner.h"

/* From outputs to what each reactor gets of them. */

void
kith_delivery_free(struct kith_delivery *d)
{
	if (d == NULL)
		return;
	for (size_t i = 0; i < d->list.n; i++) {
		struct kith_parcel *it = &d->list.v[i];

		/* replies may carry a token */
		if (it->o.kind == KITH_OUT_REPLY && it->o.bytes != NULL)
			kith_wipe(it->o.bytes, it->o.n);
		free(it->o.bytes);
		free(it->o.text);
		kith_push_unref(it->push);
	}
	kith_vec_fini(&d->list);
	free(d);
}

static struct kith_parcel *
item(struct kith_delivery **ds, size_t port, enum kith_parcel_kind kind)
{
	struct kith_parcel *it;

	if (ds[port] == NULL) {
		ds[port] = calloc(1, sizeof(*ds[port]));
		if (ds[port] == NULL)
			return NULL;
	}
	if (kith_vec_grow(&ds[port]->list) != KITH_OK)
		return NULL;
	it = &ds[port]->list.v[ds[port]->list.n - 1];
	memset(it, 0, sizeof(*it));
	it->kind = kind;
	return it;
}

void
machine_lost(struct kith_machine *m)
{
	m->conf.fatal(m->conf.arg, "out of memory after a commit");
}

static void
post_all(struct kith_machine *m, struct kith_delivery **ds)
{
	for (size_t i = 0; i < m->conf.n_ports; i++) {
		if (ds[i] == NULL)
			continue;
		ds[i]->to = m->ports[i].arg;
		if (m->ports[i].post(m->ports[i].arg, ds[i]) != KITH_OK)
			machine_lost(m);
		ds[i] = NULL;
	}
}

/* Posts what was gathered; not ok: memory ran out meanwhile. */
static void
finish(struct kith_machine *m, struct kith_delivery **ds, bool ok)
{
	if (ok) {
		post_all(m, ds);
	} else {
		for (size_t i = 0; ds != NULL && i < m->conf.n_ports; i++)
			kith_delivery_free(ds[i]);
		machine_lost(m);
	}
	free(ds);
}

static size_t
port_of(const struct kith_machine *m, const struct kith_output *o)
{
	uint64_t id;

	switch (o->kind) {
	case KITH_OUT_SEND:
	case KITH_OUT_CLOSE:
	case KITH_OUT_TRUST:
		id = o->link;
		break;
	case KITH_OUT_DIAL:
		return 0;
	case KITH_OUT_ERASE:
	case KITH_OUT_MAIL:
	case KITH_OUT_CONTROL:
		return m->conf.n_ports - 1;
	default:
		id = o->conn;
		break;
	}
	return (size_t)(id >> 56);
}

static bool
put_push(struct kith_machine *m, struct kith_delivery **ds, const struct kith_output *o)
{
	struct kith_push *p = kith_push_new(o);
	size_t from = 0, to = m->conf.n_ports - 1;
	bool ok = p != NULL;

	if (kith_id_is_none(&o->channel)) {
		from = port_of(m, o);
		to = from < m->conf.n_ports - 1 ? from + 1 : from;
	}
	for (size_t i = from; ok && i < to; i++) {
		struct kith_parcel *it = item(ds, i, KITH_PARCEL_PUSH);

		ok = it != NULL;
		if (ok) {
			it->push = kith_push_ref(p);
			it->o.kind = KITH_OUT_PUSH;
			it->o.channel = o->channel;
			it->o.conn = o->conn;
		}
	}
	kith_push_unref(p);
	return ok;
}

void
machine_release(struct kith_machine *m, struct kith_out *out, struct msg *done, const struct msg *end)
{
	struct kith_delivery **ds = calloc(m->conf.n_ports, sizeof(struct kith_delivery *));
	bool ok = ds != NULL;

	for (size_t i = 0; ok && i < out->list.n; i++) {
		struct kith_output *o = &out->list.v[i];
		size_t port = port_of(m, o);
		struct kith_parcel *it;

		if (o->kind == KITH_OUT_PUSH) {
			ok = put_push(m, ds, o);
			continue;
		}
		if (port >= m->conf.n_ports)
			continue;
		it = item(ds, port, KITH_PARCEL_OUTPUT);
		ok = it != NULL;
		if (ok) {
			it->o = *o;
			o->bytes = NULL;
			o->text = NULL;
		}
	}
	atomic_fetch_add(&m->outputs, out->list.n);
	for (; ok && done != end; done = done->next) {
		size_t port = (size_t)(done->in.link >> 56);
		struct kith_parcel *it = NULL;

		if (done->renew != NULL || done->in.kind != KITH_IN_FRAME || port >= m->conf.n_ports - 1)
			continue;
		if (ds[port] != NULL && ds[port]->list.n > 0)
			it = &ds[port]->list.v[ds[port]->list.n - 1];
		if (it == NULL || it->kind != KITH_PARCEL_TAKEN || it->o.link != done->in.link) {
			it = item(ds, port, KITH_PARCEL_TAKEN);
			ok = it != NULL;
			if (!ok)
				break;
			it->o.link = done->in.link;
		}
		it->o.number += done->in.bytes.n;
	}
	finish(m, ds, ok);
}

void
machine_tell_all(struct kith_machine *m, enum kith_parcel_kind kind, int err)
{
	struct kith_delivery **ds = calloc(m->conf.n_ports, sizeof(struct kith_delivery *));
	bool ok = ds != NULL;

	for (size_t i = 0; ok && i + 1 < m->conf.n_ports; i++) {
		struct kith_parcel *it = item(ds, i, kind);

		ok = it != NULL;
		if (ok) {
			it->o.number = m->epoch;
			it->o.err = err;
		}
	}
	finish(m, ds, ok);
}
