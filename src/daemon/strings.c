#include "daemon/strings.h"

#include <stdlib.h>
#include <string.h>

char **
kith_strings_copy(char *const *v, size_t n)
{
	char **out = calloc(n + 1, sizeof(*out));

	if (out == NULL)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		out[i] = strdup(v[i]);
		if (out[i] == NULL) {
			kith_strings_free(out);
			return NULL;
		}
	}
	return out;
}

void
kith_strings_free(char **v)
{
	for (char **s = v; s != NULL && *s != NULL; s++)
		free(*s);
	free(v);
}
