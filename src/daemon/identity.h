#ifndef KITH_DAEMON_IDENTITY_H
#define KITH_DAEMON_IDENTITY_H

#include "conf/conf.h"
#include "daemon/doors.h"
#include "daemon/machine.h"
#include "helper/helper.h"

/* What an engine is made from: the configuration and the keys in the current directory, as they are now. d: in words. */
KITH_MUST_USE int kith_identity_make(const struct kith_conf *conf, const struct kith_doors *doors, const struct kith_helpers *helpers,
    struct kith_identity **out, struct kith_diag *d);
/* What reads need of that: no addresses, no keys. */
void kith_identity_node(const struct kith_conf *conf, const struct kith_doors *doors, const struct kith_helpers *helpers, struct kith_node_conf *out);

#endif
