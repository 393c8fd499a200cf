#include "media/media.h"

#include <stdlib.h>
#include <string.h>

#include <gif_lib.h>
#include <png.h>
#include <turbojpeg.h>
#include <webp/decode.h>
#include <webp/demux.h>

/* Room for w by h pixels. LIMIT, NOMEM. */
static int
room(struct kith_pixels *px, uint64_t w, uint64_t h)
{
	if (w == 0 || h == 0)
		return KITH_E_MALFORMED;
	if (w > KITH_PICTURE_SIDE_MAX || h > KITH_PICTURE_SIDE_MAX || w * h > KITH_PICTURE_PIXELS_MAX)
		return KITH_E_LIMIT;
	px->w = (unsigned)w;
	px->h = (unsigned)h;
	px->p = malloc((size_t)(w * h) * 4);
	return px->p != NULL ? KITH_OK : KITH_E_NOMEM;
}

static int
decode_png(struct kith_slice in, struct kith_pixels *px)
{
	png_image image;
	int r;

	memset(&image, 0, sizeof(image));
	image.version = PNG_IMAGE_VERSION;
	if (!png_image_begin_read_from_memory(&image, in.p, in.n))
		return KITH_E_MALFORMED;
	image.format = PNG_FORMAT_RGBA;
	r = room(px, image.width, image.height);
	if (r == KITH_OK && !png_image_finish_read(&image, NULL, px->p, 0, NULL))
		r = KITH_E_MALFORMED;
	png_image_free(&image);
	return r;
}

/* The least of the sizes that libjpeg decodes to without more work which is still enough. */
static void
jpeg_size(unsigned w, unsigned h, int *jw, int *jh)
{
	int n, full_w = *jw, full_h = *jh;
	const tjscalingfactor *f = tjGetScalingFactors(&n);

	for (int i = 0; f != NULL && i < n; i++) {
		int sw = TJSCALED(full_w, f[i]), sh = TJSCALED(full_h, f[i]);

		if (f[i].num < f[i].denom && sw < *jw && sw >= (int)w && sh >= (int)h) {
			*jw = sw;
			*jh = sh;
		}
	}
}

/* Four inks, written inverted as all programs do, onto three lights. */
static void
from_cmyk(uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++, p += 4) {
		unsigned k = p[3];

		for (int c = 0; c < 3; c++)
			p[c] = (uint8_t)(p[c] * k / 255);
		p[3] = 255;
	}
}

static int
decode_jpeg(struct kith_slice in, unsigned w, unsigned h, struct kith_pixels *px)
{
	tjhandle t = tjInitDecompress();
	int jw, jh, sampling, space, r = KITH_E_MALFORMED;
	struct kith_pixels full;

	if (t == NULL)
		return KITH_E_NOMEM;
	if (tjDecompressHeader3(t, in.p, (unsigned long)in.n, &jw, &jh, &sampling, &space) != 0 || jw <= 0 || jh <= 0)
		goto done;
	/* the limits are about what it says, not about what we make of it */
	r = room(&full, (uint64_t)jw, (uint64_t)jh);
	if (r != KITH_OK)
		goto done;
	free(full.p);
	px->turn = kith_jpeg_turn(in);
	jpeg_size(px->turn > 4 ? h : w, px->turn > 4 ? w : h, &jw, &jh);
	r = room(px, (uint64_t)jw, (uint64_t)jh);
	if (r == KITH_OK) {
		bool cmyk = space == TJCS_CMYK || space == TJCS_YCCK;

		/* one that ends too early is shown as far as it goes */
		if (tjDecompress2(t, in.p, (unsigned long)in.n, px->p, jw, 0, jh, cmyk ? TJPF_CMYK : TJPF_RGBA, TJFLAG_LIMITSCANS) != 0 &&
		    tjGetErrorCode(t) != TJERR_WARNING)
			r = KITH_E_MALFORMED;
		else if (cmyk)
			from_cmyk(px->p, (size_t)jw * (size_t)jh);
	}
done:
	tjDestroy(t);
	return r;
}

/* The first frame of what moves. */
static int
decode_webp_moving(struct kith_slice in, struct kith_pixels *px)
{
	WebPData data = { .bytes = in.p, .size = in.n };
	WebPAnimDecoderOptions o;
	WebPAnimDecoder *dec;
	WebPAnimInfo info;
	uint8_t *frame;
	int at, r = KITH_E_MALFORMED;

	if (!WebPAnimDecoderOptionsInit(&o))
		return KITH_E_MALFORMED;
	o.color_mode = MODE_RGBA;
	dec = WebPAnimDecoderNew(&data, &o);
	if (dec == NULL)
		return KITH_E_MALFORMED;
	if (WebPAnimDecoderGetInfo(dec, &info) && WebPAnimDecoderGetNext(dec, &frame, &at)) {
		r = room(px, info.canvas_width, info.canvas_height);
		if (r == KITH_OK)
			memcpy(px->p, frame, (size_t)px->w * px->h * 4);
	}
	WebPAnimDecoderDelete(dec);
	return r;
}

static int
decode_webp(struct kith_slice in, struct kith_pixels *px)
{
	WebPBitstreamFeatures f;
	struct kith_pixels probe;
	int r;

	if (WebPGetFeatures(in.p, in.n, &f) != VP8_STATUS_OK || f.width <= 0 || f.height <= 0)
		return KITH_E_MALFORMED;
	if (f.has_animation) {
		/* before the decoder makes its canvas */
		r = room(&probe, (uint64_t)f.width, (uint64_t)f.height);
		if (r != KITH_OK)
			return r;
		free(probe.p);
		return decode_webp_moving(in, px);
	}
	r = room(px, (uint64_t)f.width, (uint64_t)f.height);
	if (r == KITH_OK && WebPDecodeRGBAInto(in.p, in.n, px->p, (size_t)px->w * px->h * 4, (int)px->w * 4) == NULL)
		r = KITH_E_MALFORMED;
	return r;
}

/* ---- GIF ---- */

static int
read_gif(GifFileType *g, GifByteType *p, int n)
{
	struct kith_slice *left = g->UserData;
	size_t got = n > 0 && (size_t)n < left->n ? (size_t)n : left->n;

	if (n <= 0)
		return 0;
	memcpy(p, left->p, got);
	*left = kith_slice_from(*left, got);
	return (int)got;
}

/* To the first picture; the colour that is none comes from what stands before it. */
static int
gif_first(GifFileType *g, int *clear)
{
	GifRecordType type;

	*clear = NO_TRANSPARENT_COLOR;
	for (;;) {
		GifByteType *ext;
		GraphicsControlBlock gcb;
		int code;

		if (DGifGetRecordType(g, &type) != GIF_OK)
			return KITH_E_MALFORMED;
		if (type == IMAGE_DESC_RECORD_TYPE)
			return DGifGetImageDesc(g) == GIF_OK ? KITH_OK : KITH_E_MALFORMED;
		if (type != EXTENSION_RECORD_TYPE || DGifGetExtension(g, &code, &ext) != GIF_OK)
			return KITH_E_MALFORMED;
		while (ext != NULL) {
			if (code == GRAPHICS_EXT_FUNC_CODE && DGifExtensionToGCB(ext[0], ext + 1, &gcb) == GIF_OK)
				*clear = gcb.TransparentColor;
			if (DGifGetExtensionNext(g, &ext) != GIF_OK)
				return KITH_E_MALFORMED;
		}
	}
}

static void
put_gif_row(const struct kith_pixels *px, const GifImageDesc *im, const ColorMapObject *map, int clear, int y, const GifPixelType *row)
{
	for (int x = 0; x < im->Width; x++) {
		int at_x = im->Left + x, at_y = im->Top + y, c = row[x];
		uint8_t *p;

		if (at_x < 0 || at_y < 0 || at_x >= (int)px->w || at_y >= (int)px->h || c == clear || c >= map->ColorCount)
			continue;
		p = px->p + ((size_t)at_y * px->w + (size_t)at_x) * 4;
		p[0] = map->Colors[c].Red;
		p[1] = map->Colors[c].Green;
		p[2] = map->Colors[c].Blue;
		p[3] = 255;
	}
}

static int
draw_gif(GifFileType *g, const struct kith_pixels *px, int clear)
{
	static const int from[] = { 0, 4, 2, 1 }, step[] = { 8, 8, 4, 2 };
	const GifImageDesc *im = &g->Image;
	const ColorMapObject *map = im->ColorMap != NULL ? im->ColorMap : g->SColorMap;
	GifPixelType *row;
	int r = KITH_OK;

	if (map == NULL || im->Width <= 0 || im->Height <= 0 || im->Width > (int)KITH_PICTURE_SIDE_MAX || im->Height > (int)KITH_PICTURE_SIDE_MAX)
		return KITH_E_MALFORMED;
	row = malloc((size_t)im->Width);
	if (row == NULL)
		return KITH_E_NOMEM;
	for (int pass = 0; r == KITH_OK && pass < (im->Interlace ? 4 : 1); pass++) {
		int by = im->Interlace ? step[pass] : 1;

		for (int y = im->Interlace ? from[pass] : 0; r == KITH_OK && y < im->Height; y += by) {
			if (DGifGetLine(g, row, im->Width) == GIF_OK)
				put_gif_row(px, im, map, clear, y, row);
			else
				r = KITH_E_MALFORMED;
		}
	}
	free(row);
	return r;
}

static int
decode_gif(struct kith_slice in, struct kith_pixels *px)
{
	GifFileType *g = DGifOpen(&in, read_gif, NULL);
	int clear, r;

	if (g == NULL)
		return KITH_E_MALFORMED;
	r = room(px, g->SWidth > 0 ? (uint64_t)g->SWidth : 0, g->SHeight > 0 ? (uint64_t)g->SHeight : 0);
	if (r == KITH_OK) {
		memset(px->p, 0, (size_t)px->w * px->h * 4);
		r = gif_first(g, &clear);
	}
	if (r == KITH_OK)
		r = draw_gif(g, px, clear);
	DGifCloseFile(g, NULL);
	return r;
}

int
kith_pixels_decode(struct kith_slice in, unsigned w, unsigned h, struct kith_pixels *out)
{
	struct kith_pixels px = { .p = NULL, .turn = 1 };
	int r = KITH_E_MALFORMED;

	if (in.n >= 8 && memcmp(in.p, "\x89PNG\r\n\x1a\n", 8) == 0)
		r = decode_png(in, &px);
	else if (in.n >= 3 && memcmp(in.p, "\xff\xd8\xff", 3) == 0)
		r = decode_jpeg(in, w, h, &px);
	else if (in.n >= 6 && (memcmp(in.p, "GIF87a", 6) == 0 || memcmp(in.p, "GIF89a", 6) == 0))
		r = decode_gif(in, &px);
	else if (in.n >= 12 && memcmp(in.p, "RIFF", 4) == 0 && memcmp(in.p + 8, "WEBP", 4) == 0)
		r = decode_webp(in, &px);
	if (r != KITH_OK) {
		free(px.p);
		return r;
	}
	*out = px;
	return KITH_OK;
}
