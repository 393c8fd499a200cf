#ifndef KITH_TESTS_SIM_CLIENTS_H
#define KITH_TESTS_SIM_CLIENTS_H

#include "tests/sim/play.h"

/* People's live connections, and what they are sent over them: each message once, and nothing that is not for them. */
void clients_new(struct play *p);
void clients_free(struct play *p);
void clients_step(struct play *p, int who, bool on);
void clients_push(struct play *p, int node, const struct kith_output *o);
void clients_began(struct play *p, int node);   /* its connections come up again */
void clients_forget(struct play *p, int node);  /* its disk was put back: it may well tell them again */
void clients_check(struct play *p);             /* whoever was connected has seen their own messages */

#endif
