#include <string.h>

#include "media/media.h"

/*
 * Exif 2.3, 4.6: a JPEG's segment APP1 that begins with "Exif\0\0" holds a TIFF
 * file, whose first directory holds the orientation (tag 0x0112, a short).
 */
static unsigned
num(const uint8_t *p, unsigned n, bool little)
{
	unsigned v = 0;

	for (unsigned i = 0; i < n; i++)
		v |= (unsigned)p[i] << 8 * (little ? i : n - 1 - i);
	return v;
}

static unsigned
tiff_turn(struct kith_slice t)
{
	bool little = t.n >= 8 && memcmp(t.p, "II*\0", 4) == 0;
	size_t at;
	unsigned n;

	if (t.n < 8 || (!little && memcmp(t.p, "MM\0*", 4) != 0))
		return 1;
	at = num(t.p + 4, 4, little);
	if (at > t.n - 2)
		return 1;
	n = num(t.p + at, 2, little);
	for (at += 2; n > 0 && at <= t.n && t.n - at >= 12; n--, at += 12) {
		unsigned v;

		if (num(t.p + at, 2, little) != 0x0112)
			continue;
		v = num(t.p + at + 8, 2, little);
		return v >= 1 && v <= 8 ? v : 1;
	}
	return 1;
}

unsigned
kith_jpeg_turn(struct kith_slice in)
{
	size_t at = 2;

	while (at <= in.n && in.n - at >= 4 && in.p[at] == 0xff) {
		unsigned type = in.p[at + 1];
		size_t n = num(in.p + at + 2, 2, false);

		/* the picture itself begins: what follows is no header */
		if (type == 0xda || n < 2 || n > in.n - at - 2)
			break;
		if (type == 0xe1 && n >= 8 && memcmp(in.p + at + 4, "Exif\0\0", 6) == 0)
			return tiff_turn(kith_slice_of(in.p + at + 10, n - 8));
		at += 2 + n;
	}
	return 1;
}
