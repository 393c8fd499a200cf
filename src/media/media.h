#ifndef KITH_MEDIA_MEDIA_H
#define KITH_MEDIA_MEDIA_H

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

/*
 * Strangers' pictures, made anew: decoded, turned as the camera said, cut and
 * shrunk to what they are for, and written as WebP with nothing but the pixels.
 * Bytes in, bytes out; runs in kith-media (main.c), and in tests.
 */
#define KITH_PICTURE_PIXELS_MAX (32u << 20)
#define KITH_PICTURE_SIDE_MAX 16384u

struct kith_picture_use {
	unsigned width, height;         /* at most; what is smaller is not blown up */
	bool fill;                      /* cut to this shape from the middle; else the whole picture is kept */
	size_t bytes_max;
};
extern const struct kith_picture_use kith_picture_avatar, kith_picture_banner;

/*
 * Appends the picture to out.
 *   MALFORMED  no PNG, JPEG, GIF or WebP, or a broken one
 *   LIMIT      too many pixels
 *   NOMEM      also where a picture says that it needs more than there is
 */
KITH_MUST_USE int kith_picture_make(struct kith_slice in, const struct kith_picture_use *use, struct kith_buf *out, unsigned *width, unsigned *height);

/* ---- between its files ---- */

struct kith_pixels {                    /* RGBA, not premultiplied, rows without gaps */
	uint8_t *p;                     /* malloced */
	unsigned w, h;
	unsigned turn;                  /* EXIF's orientation, 1 to 8 */
};
/* A picture, perhaps smaller than it says it is, but where that can be no smaller than w by h. */
KITH_MUST_USE int kith_pixels_decode(struct kith_slice in, unsigned w, unsigned h, struct kith_pixels *out);
/* EXIF's orientation of a JPEG; 1 where it says nothing that one could follow. */
unsigned kith_jpeg_turn(struct kith_slice in);

#endif
