#ifndef KITH_TESTS_UNIT_DAEMON_HOUSE_H
#define KITH_TESTS_UNIT_DAEMON_HOUSE_H

#include <jansson.h>

#include "daemon/machine.h"

/*
 * One node in this process, without sockets: the machine that kithd runs, over
 * any store, turned by hand, with a clock and dice of its own. It is asked as
 * clients ask: a method, JSON in, JSON out.
 */
struct house;

struct house_conf {
	struct kith_store *store;               /* borrowed */
	bool lmdb;                              /* it is lmdb.c's */
	struct kith_keys *take_keys;            /* NULL: made from seed */
	uint64_t seed;
	const char *peer, *address;             /* whom it dials, and how others would; may be NULL */
	bool *lost;                             /* set when the machine cannot go on, as kithd then ends; NULL: the test fails */
	struct kith_port port, control;         /* where deliveries of reactor 0 and of control go on to; post may be NULL */
};
/* NULL: why says it in words. */
struct house *house_new(const struct house_conf *conf, struct kith_diag *why);
void house_free(struct house *h);                       /* as kill -9: nothing is said goodbye to. NULL is fine */

void house_pass(uint64_t ms);                           /* the clocks of all houses go on */
uint64_t house_now_ms(void);

/* A session as this token (of account.register, account.guest or account.login) opens it. */
int house_session(struct house *h, const char *token, struct kith_session *out);

/*
 * A call. s NULL: nobody is signed in. Reads are answered at once, in a snapshot;
 * writes go in one batch. NULL: an error, whose name house_error has. What comes
 * back is the caller's.
 */
json_t *house_call(struct house *h, const struct kith_session *s, const char *method, json_t *take_params);
const char *house_error(const struct house *h);

/* Several writes for one batch: ask each, turn once, then take the answers. */
uint64_t house_ask(struct house *h, const struct kith_session *s, const char *method, json_t *take_params);
void house_turn(struct house *h);
json_t *house_answer(struct house *h, uint64_t number);         /* NULL: an error, or none came */

/* A WebSocket of theirs is open, until the end. */
void house_connect(struct house *h, const struct kith_session *s);

/* As kithctl asks: the answer's lines, malloced; NULL: refused. */
char *house_control(struct house *h, const char *line);

struct kith_machine *house_machine(struct house *h);
/* Every output of the batches, before the house looks at it. */
void house_listen(struct house *h, void (*fn)(void *arg, const struct kith_output *o), void *arg);

#endif
