#include "federation/fed.h"

#include <stdio.h>
#include <string.h>

/* What people and tests look at. */

bool
kith_fed_peer_next(const struct kith_fed *f, size_t *it, struct kith_peer_info *out)
{
	const struct fed_link *l;
	const struct fed_peer *p;
	void *v;

	if (!kith_map_next(f->peers, it, NULL, &v))
		return false;
	p = v;
	l = p->link;
	memset(out, 0, sizeof(*out));
	out->node = p->node;
	(void)snprintf(out->name, sizeof(out->name), "%.63s", p->name);
	(void)snprintf(out->address, sizeof(out->address), "%s", l != NULL ? l->address : p->n_addrs > 0 ? p->addr[0] : "");
	out->configured = p->configured;
	out->records_in = p->records_in;
	out->records_out = p->records_out;
	out->bytes_in = p->bytes_in;
	out->bytes_out = p->bytes_out;
	out->refused = p->refused;
	out->penalty_ms = kith_fed_penalty_now(f, p->penalty_ms, p->penalty_at);
	if (l != NULL) {
		out->linked = l->state == LINK_OPEN;
		out->inbound = l->inbound;
		out->link = l->id;
		out->rtt_ms = l->rtt_ms;
		out->since_ms = l->up_ms;
		out->queued = l->queued;
	}
	return true;
}

void
kith_fed_counters(const struct kith_fed *f, struct kith_fed_counters *out)
{
	*out = f->count;
}

/* Is the record to be on that node? Where somebody lives who may see it, and where it was written. */
static bool
is_due(struct kith_group *kg, const struct kith_group_node *node, const struct kith_record *rec)
{
	if (node->banned)
		return false;
	if (kith_id_eq(&node->node, &rec->node))
		return true;
	return node->members > 0 &&
	    (kith_scope_plane(&rec->scope) != KITH_PLANE_TIMELINE || kith_group_node_sees(kg, &node->node, &rec->scope));
}

uint64_t
kith_fed_links(const struct kith_fed *f)
{
	return f->links_changed;
}

void
kith_fed_held_by(struct kith_fed *f, struct kith_txn *t, const struct kith_id *group, const struct kith_id *record, uint32_t *n, uint32_t *m)
{
	struct kith_ledger_record lr;
	struct kith_record rec;
	struct fed_group *g = kith_map_get(f->groups, kith_id_slice(group));
	struct kith_group *kg = f->host.group(f->host.ctx, t, group, false);
	struct kith_group_node node;
	struct fed_member *mb;
	uint32_t feed = UINT32_MAX;
	size_t it = 0;

	*n = *m = 0;
	if (kg == NULL || kith_ledger_get_id(t, record, &lr) != KITH_OK || kith_record_parse(lr.header, &rec) != KITH_OK)
		return;
	if (g != NULL && kith_fed_feed(g, &rec.scope, &rec.node, rec.incarnation, false, &feed) != KITH_OK)
		feed = UINT32_MAX;
	while (kith_group_node_next(kg, &it, &node)) {
		if (kith_id_eq(&node.node, &f->self->node)) {
			++*m;
			++*n;
			continue;
		}
		if (!is_due(kg, &node, &rec))
			continue;
		++*m;
		mb = g == NULL || feed == UINT32_MAX ? NULL : kith_fed_member(g, &node.node);
		*n += mb != NULL && kith_fed_known_get(mb, feed) > rec.seq;
	}
}
