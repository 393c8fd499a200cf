#ifndef KITH_TESTS_CRASH_LIFE_H
#define KITH_TESTS_CRASH_LIFE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A node's life: it starts in an empty folder, people register, make a group and
 * panels, talk, edit and take back; it is restarted, its keys change, backups are
 * made. What was acknowledged is remembered with the place in the log of writes
 * (wlog.h) at which it was.
 */
struct life;

/* Lives it in dir/state and dir/backups, inside wlog_begin and wlog_end. early: planted, acknowledges before the commit. */
struct life *life_new(const char *dir, uint64_t seed, unsigned rounds, bool early);
void life_free(struct life *l);
/* Places where something was acknowledged, ascending. */
size_t life_acks(const struct life *l, const size_t **at);

/*
 * Starts the node again from what is in dir, of whose log the first n_ops are
 * certain to have been begun, and looks whether all that was acknowledged by then
 * is there, nothing is half there, and life can go on. False: why says what is
 * wrong. Call it in a process of its own, that ends with it.
 */
bool life_check(const struct life *l, const char *dir, size_t n_ops, char *why, size_t n_why);

#endif
