/* The control socket's whole session, with the machine and the engine behind it. The first byte: in how many pieces. */
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/front.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LIVES = 400 };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct front *f;
	static unsigned used;
	static bool disabled;
	uint8_t *bytes;

	if (size < 2)
		return 0;
	if (f != NULL && ++used % LIVES == 0) {
		if (!disabled && !front_lives(f))
			abort();
		front_free(f);
		f = NULL;
		disabled = false;
	}
	if (f == NULL)
		f = front_new();
	bytes = malloc(size - 1);
	if (bytes == NULL)
		return 0;
	memcpy(bytes, data + 1, size - 1);
	/* accounts may be closed from here, and that is what it is for */
	disabled = disabled || memmem(bytes, size - 1, "account", 7) != NULL;
	front_session(f, FRONT_CONTROL, bytes, size - 1, 1 + data[0] % 16);
	free(bytes);
	return 0;
}
