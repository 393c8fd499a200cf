#ifndef KITH_TESTS_FUZZ_FRONT_H
#define KITH_TESTS_FUZZ_FRONT_H

#include "daemon/control.h"
#include "tests/unit/daemon/house.h"

/*
 * A whole node for sessions to be fuzzed against: the edge with its sockets and
 * limits, the control socket, the machine, the engine, on a store in memory, all
 * turned in this thread. Ada and Ben live there, in a group with a panel and a
 * message.
 */
struct front;

struct front *front_new(void);
void front_free(struct front *f);
struct house *front_house(struct front *f);

enum front_door { FRONT_HTTP, FRONT_CONTROL };
/*
 * One connection, from its opening to its end: these bytes in, in so many
 * pieces; whatever comes back is read and thrown away. What stands for something that nobody can guess is
 * put in first, in place and of the same length: runs of T Ada's token, G the
 * group, P its panel, M the message, U Ada.
 */
void front_session(struct front *f, enum front_door door, uint8_t *bytes, size_t n, unsigned pieces);
/* Ada can still say something, and Ben reads it. */
bool front_lives(struct front *f);

#endif
