#include "daemon/identity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/outside.h"
#include "daemon/strings.h"

static void
node_name(const struct kith_conf *conf, char out[64])
{
	char host[65] = "";

	if (conf->name[0] != '\0') {
		snprintf(out, 64, "%s", conf->name);
		/* cut between characters */
		for (size_t n = strlen(out); n > 0 && !kith_utf8_ok(kith_slice_str(out)); n--)
			out[n - 1] = '\0';
		return;
	}
	if (gethostname(host, sizeof(host) - 1) != 0 || host[0] == '\0' || !kith_utf8_ok(kith_slice_str(host)))
		snprintf(host, sizeof(host), "kith");
	snprintf(out, 64, "%.63s", host);
}

void
kith_identity_node(const struct kith_conf *conf, const struct kith_doors *doors, const struct kith_helpers *helpers, struct kith_node_conf *n)
{
	memset(n, 0, sizeof(*n));
	node_name(conf, n->name);
	snprintf(n->version, sizeof(n->version), "%s", PACKAGE_VERSION);
	snprintf(n->url, sizeof(n->url), "%s", doors->url);
	n->registration = conf->registration == KITH_CONF_REG_OPEN ? KITH_REG_OPEN :
	    conf->registration == KITH_CONF_REG_CLOSED ? KITH_REG_CLOSED : KITH_REG_INVITE;
	n->quota = conf->quota;
	n->mail = kith_outside_mails(helpers, conf);
	n->pictures = kith_helpers_has(helpers, KITH_HELPER_MEDIA);
}

int
kith_identity_make(const struct kith_conf *conf, const struct kith_doors *doors, const struct kith_helpers *helpers, struct kith_identity **out, struct kith_diag *diag)
{
	struct kith_identity *id = calloc(1, sizeof(*id));
	struct kith_engine_conf *ec;
	int r = KITH_E_NOMEM;

	if (id == NULL)
		goto fail;
	r = kith_keys_load(&id->keys, diag);
	if (r != KITH_OK)
		goto fail;
	r = KITH_E_NOMEM;
	id->peer = kith_strings_copy(conf->peer.v, conf->peer.n);
	id->address = kith_strings_copy(doors->address, doors->n_address);
	id->refuse = kith_strings_copy(conf->refuse_nodes.v, conf->refuse_nodes.n);
	if (id->peer == NULL || id->address == NULL || id->refuse == NULL)
		goto fail;
	id->n_peer = conf->peer.n;
	id->n_address = doors->n_address;
	ec = &id->conf;
	kith_identity_node(conf, doors, helpers, &ec->node);
	memcpy(id->name, ec->node.name, sizeof(ec->node.name));
	memcpy(ec->node.seal_key, id->keys.seal, sizeof(ec->node.seal_key));
	ec->node.address = (const char *const *)id->address;
	ec->node.n_addresses = id->n_address;
	ec->fed.name = id->name;
	ec->fed.peer = (const char *const *)id->peer;
	ec->fed.n_peers = id->n_peer;
	ec->fed.address = ec->node.address;
	ec->fed.n_addresses = id->n_address;
	ec->fed.dial_only = doors->peer_fd < 0 && id->n_address == 0;
	ec->fed.refuse = (const char *const *)id->refuse;
	ec->fed.n_refuse = conf->refuse_nodes.n;
	ec->fed.full_copies = conf->full_copies;
	ec->root = id->keys.root;
	ec->sign = id->keys.sign;
	ec->cert_pk = (const uint8_t (*)[32])&id->keys.cert_pk;
	ec->n_cert_pk = 1;
	memcpy(ec->next_root_pk, id->keys.next_root_pk, sizeof(ec->next_root_pk));
	ec->listed = conf->listed;
	*out = id;
	return KITH_OK;
fail:
	kith_identity_free(id);
	if (r == KITH_E_NOMEM)
		kith_diag_set(diag, "out of memory");
	return r;
}
