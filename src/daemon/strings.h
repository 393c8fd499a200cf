#ifndef KITH_DAEMON_STRINGS_H
#define KITH_DAEMON_STRINGS_H

#include <stddef.h>

/* Copies of n strings, with a NULL behind them. NULL: out of memory. Freed with kith_strings_free. */
char **kith_strings_copy(char *const *v, size_t n);
void kith_strings_free(char **v);               /* up to the NULL; NULL is fine */

#endif
