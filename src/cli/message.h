#ifndef KITH_CLI_MESSAGE_H
#define KITH_CLI_MESSAGE_H

#include "cli/cli.h"

/*
 * One message, as a line for people: time, id, author, text, marks; or, with
 * --json, as an object. place, which stands before it, may be NULL; event, of the
 * object, likewise. m is a message as the node gives it.
 */
int cli_put_message(struct cli *c, const char *place, const char *event, const char *group, const char *panel,
    const json_t *m);

#endif
