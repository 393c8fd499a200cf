/*
 * A client's whole session: bytes to the port, the edge, the machine and the
 * engine behind it. The first byte says in how many pieces they come. Ada's own
 * token may do much, even sign her out or end her group; what must hold is
 * that nothing breaks, and that a node which was not told otherwise goes on.
 */
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
	static bool with_token;
	uint8_t *bytes;

	if (size < 2)
		return 0;
	if (f != NULL && ++used % LIVES == 0) {
		/* strangers have changed nothing */
		if (!with_token && !front_lives(f))
			abort();
		front_free(f);
		f = NULL;
		with_token = false;
	}
	if (f == NULL)
		f = front_new();
	bytes = malloc(size - 1);
	if (bytes == NULL)
		return 0;
	memcpy(bytes, data + 1, size - 1);
	with_token = with_token || memmem(bytes, size - 1, "TTTTTTTT", 8) != NULL;
	front_session(f, FRONT_HTTP, bytes, size - 1, 1 + data[0] % 16);
	free(bytes);
	return 0;
}
