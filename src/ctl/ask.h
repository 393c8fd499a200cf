#ifndef KITH_CTL_ASK_H
#define KITH_CTL_ASK_H

#include <jansson.h>

#include "ctl/ctl.h"

/* Talking to kithd over its control socket, and what commands share besides. */

#define CTL_NOT_RUNNING 3

struct ctl_answer {
	json_t *lines;                  /* array of objects */
};

/* The state directory that is meant; static or c's. */
const char *ctl_state_dir(const struct kith_ctl *c);
/*
 * Asks; password may be NULL. 0; 1: it did not work, and why has been printed;
 * CTL_NOT_RUNNING: there is no kithd, nothing printed. Ends with ctl_answer_fini.
 */
int ctl_ask(const struct kith_ctl *c, const char *const *words, size_t n, const char *password, struct ctl_answer *out);
void ctl_answer_fini(struct ctl_answer *a);
/* Says that kithd does not run, and how to start it; returns 1. */
int ctl_not_running(const struct kith_ctl *c);
/* An error on standard error; returns 1. */
int ctl_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The lines as they came, one JSON object each. */
void ctl_print_json(const struct ctl_answer *a);

/* Takes "--json" out of the words. */
int ctl_take_json(int *argc, char **argv);

/* Members of a line, with a default. */
const char *ctl_str(const json_t *line, const char *key);
unsigned long long ctl_num(const json_t *line, const char *key);
int ctl_true(const json_t *line, const char *key);
/* For people: "3 h 20 min", "1.2 GB". Returns out. */
const char *ctl_age(unsigned long long ms, char out[48]);
const char *ctl_bytes(unsigned long long n, char out[48]);
/* Text of strangers, control characters taken out, on standard output. */
void ctl_put(const char *s);

#endif
