#ifndef KITH_CLI_PASSWORD_H
#define KITH_CLI_PASSWORD_H

#include "cli/cli.h"

#define CLI_PASSWORD_MAX 512

/*
 * From the environment variable, else from the terminal, unseen; twice when it is
 * a new one. The caller wipes it.
 */
int cli_password(const char *variable, const char *prompt, bool is_new, char out[CLI_PASSWORD_MAX + 1]);

#endif
