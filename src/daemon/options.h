#ifndef KITH_DAEMON_OPTIONS_H
#define KITH_DAEMON_OPTIONS_H

#include "conf/conf.h"

/* The command line: any option of the configuration, and what only makes sense there. */
struct kith_options {
	char *state;                    /* absolute; NULL: not given */
	char *config;                   /* absolute; NULL: none */
	bool test, help, version;
	char **argv;                    /* borrowed */
	int argc;
};

/* MALFORMED: d has the sentence. NOMEM. */
KITH_MUST_USE int kith_options_parse(int argc, char **argv, struct kith_options *o, struct kith_diag *d);
void kith_options_fini(struct kith_options *o);
/*
 * A whole configuration: defaults, the file, the command line. The caller ends
 * it with kith_conf_fini after success. d names file and line.
 */
KITH_MUST_USE int kith_options_conf(const struct kith_options *o, struct kith_conf *out, struct kith_diag *d);

extern const char kith_options_usage[];

#endif
