#include "media/media.h"

#include <stdlib.h>
#include <string.h>

#include <webp/encode.h>

const struct kith_picture_use kith_picture_avatar = { 512, 512, true, 64u << 10 };
const struct kith_picture_use kith_picture_banner = { 1600, 480, false, 256u << 10 };

/* ---- pixels ---- */

/* Every k by k pixels become one, in place: what is written was read before. Clear ones lend no colour. */
static void
shrink(struct kith_pixels *px, unsigned k)
{
	unsigned w = px->w / k, h = px->h / k;
	uint8_t *to = px->p;

	for (unsigned y = 0; y < h; y++) {
		for (unsigned x = 0; x < w; x++, to += 4) {
			uint64_t c[3] = { 0, 0, 0 }, alpha = 0;

			for (unsigned dy = 0; dy < k; dy++) {
				const uint8_t *p = px->p + ((size_t)(y * k + dy) * px->w + (size_t)x * k) * 4;

				for (unsigned dx = 0; dx < k; dx++, p += 4) {
					for (int i = 0; i < 3; i++)
						c[i] += (uint64_t)p[i] * p[3];
					alpha += p[3];
				}
			}
			for (int i = 0; i < 3; i++)
				to[i] = (uint8_t)(alpha > 0 ? (c[i] + alpha / 2) / alpha : 0);
			to[3] = (uint8_t)(alpha / ((uint64_t)k * k));
		}
	}
	px->w = w;
	px->h = h;
}

/* EXIF's eight: 2 mirrored, 3 by half, 4 both, 5 to 8 the same with the sides exchanged. */
static int
turn(struct kith_pixels *px)
{
	unsigned w = px->turn > 4 ? px->h : px->w, h = px->turn > 4 ? px->w : px->h;
	uint8_t *to;

	if (px->turn < 2)
		return KITH_OK;
	to = malloc((size_t)w * h * 4);
	if (to == NULL)
		return KITH_E_NOMEM;
	for (unsigned y = 0; y < h; y++) {
		for (unsigned x = 0; x < w; x++) {
			unsigned sx = px->turn > 4 ? y : x, sy = px->turn > 4 ? x : y;

			if (px->turn == 2 || px->turn == 3 || px->turn == 7 || px->turn == 8)
				sx = px->w - 1 - sx;
			if (px->turn == 3 || px->turn == 4 || px->turn == 6 || px->turn == 7)
				sy = px->h - 1 - sy;
			memcpy(to + ((size_t)y * w + x) * 4, px->p + ((size_t)sy * px->w + sx) * 4, 4);
		}
	}
	free(px->p);
	px->p = to;
	px->w = w;
	px->h = h;
	px->turn = 1;
	return KITH_OK;
}

/* ---- WebP ---- */

static int
webp_error(const WebPPicture *pic)
{
	return pic->error_code == VP8_ENC_ERROR_OUT_OF_MEMORY || pic->error_code == VP8_ENC_ERROR_BITSTREAM_OUT_OF_MEMORY ? KITH_E_NOMEM : KITH_E_LIMIT;
}

/* To its shape, then to its size. */
static int
fit(WebPPicture *pic, const struct kith_picture_use *use)
{
	uint64_t w = (uint64_t)pic->width, h = (uint64_t)pic->height;

	if (use->fill) {
		/* the largest part of the middle that has the shape */
		uint64_t cw = h * use->width / use->height, ch = h;

		if (cw > w) {
			cw = w;
			ch = w * use->height / use->width;
		}
		cw = cw > 0 ? cw : 1;
		ch = ch > 0 ? ch : 1;
		if (!WebPPictureCrop(pic, (int)((w - cw) / 2), (int)((h - ch) / 2), (int)cw, (int)ch))
			return webp_error(pic);
		w = cw;
		h = ch;
	}
	if (w > use->width) {
		h = h * use->width / w;
		w = use->width;
	}
	if (h > use->height) {
		w = w * use->height / h;
		h = use->height;
	}
	w = w > 0 ? w : 1;
	h = h > 0 ? h : 1;
	if (w == (uint64_t)pic->width && h == (uint64_t)pic->height)
		return KITH_OK;
	return WebPPictureRescale(pic, (int)w, (int)h) ? KITH_OK : webp_error(pic);
}

static int
encode(WebPPicture *pic, size_t max, struct kith_buf *out)
{
	static const float qualities[] = { 88, 75, 60, 40, 20, 5 };

	for (size_t i = 0; i < sizeof(qualities) / sizeof(qualities[0]); i++) {
		WebPMemoryWriter w;
		WebPConfig conf;
		bool ok, fits;

		if (!WebPConfigPreset(&conf, WEBP_PRESET_PICTURE, qualities[i]))
			return KITH_E_NOMEM;
		WebPMemoryWriterInit(&w);
		pic->writer = WebPMemoryWrite;
		pic->custom_ptr = &w;
		ok = WebPEncode(&conf, pic) != 0;
		fits = ok && w.size <= max;
		if (fits)
			kith_buf_put(out, w.mem, w.size);
		WebPMemoryWriterClear(&w);
		if (!ok)
			return webp_error(pic);
		if (fits)
			return kith_buf_err(out);
	}
	return KITH_E_LIMIT;
}

int
kith_picture_make(struct kith_slice in, const struct kith_picture_use *use, struct kith_buf *out, unsigned *width, unsigned *height)
{
	struct kith_pixels px = { .p = NULL };
	WebPPicture pic;
	unsigned w, h, k;
	int r = kith_pixels_decode(in, use->width, use->height, &px);

	if (r != KITH_OK)
		return r;
	if (!WebPPictureInit(&pic)) {
		free(px.p);
		return KITH_E_NOMEM;
	}
	/* coarsely first, so that all that follows is small */
	w = px.turn > 4 ? use->height : use->width;
	h = px.turn > 4 ? use->width : use->height;
	k = use->fill ? (px.w / w < px.h / h ? px.w / w : px.h / h) : (px.w / w > px.h / h ? px.w / w : px.h / h);
	if (k > 1 && px.w / k > 0 && px.h / k > 0)
		shrink(&px, k);
	r = turn(&px);
	if (r == KITH_OK) {
		pic.use_argb = 1;
		pic.width = (int)px.w;
		pic.height = (int)px.h;
		if (!WebPPictureImportRGBA(&pic, px.p, (int)px.w * 4))
			r = webp_error(&pic);
	}
	free(px.p);
	if (r == KITH_OK)
		r = fit(&pic, use);
	if (r == KITH_OK)
		r = encode(&pic, use->bytes_max, out);
	if (r == KITH_OK) {
		*width = (unsigned)pic.width;
		*height = (unsigned)pic.height;
	}
	WebPPictureFree(&pic);
	return r;
}
