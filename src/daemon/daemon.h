#ifndef KITH_DAEMON_DAEMON_H
#define KITH_DAEMON_DAEMON_H

#include "daemon/options.h"

/* Exit statuses: what a service manager should make of the end. */
enum { KITH_EXIT_OK = 0, KITH_EXIT_REFUSED = 1, KITH_EXIT_USAGE = 2, KITH_EXIT_DISK = 75 };

/* A node, from its start to its end: an exit status. Takes conf. */
int kith_daemon_run(const struct kith_options *o, struct kith_conf *take_conf);
/* Reads the files that conf names as `kithd -t` does. */
KITH_MUST_USE int kith_daemon_check(const struct kith_conf *conf, struct kith_diag *d);

#endif
