#include "media/media.h"

#include <gif_lib.h>
#include <png.h>
#include <turbojpeg.h>
#include <webp/decode.h>
#include <webp/encode.h>

#include "tests/unit/test.h"

/* Four quarters: red, green / blue, white. */
static const uint8_t colours[4][4] = { { 255, 0, 0, 255 }, { 0, 255, 0, 255 }, { 0, 0, 255, 255 }, { 255, 255, 255, 255 } };

static uint8_t *
quarters(unsigned w, unsigned h)
{
	uint8_t *p = malloc((size_t)w * h * 4);

	assert_non_null(p);
	for (unsigned y = 0; y < h; y++) {
		for (unsigned x = 0; x < w; x++)
			memcpy(p + ((size_t)y * w + x) * 4, colours[(y >= h / 2 ? 2 : 0) + (x >= w / 2 ? 1 : 0)], 4);
	}
	return p;
}

static void
put_png(struct kith_buf *out, const uint8_t *px, unsigned w, unsigned h)
{
	png_image im;
	png_alloc_size_t n = 0;
	uint8_t *at;

	memset(&im, 0, sizeof(im));
	im.version = PNG_IMAGE_VERSION;
	im.width = w;
	im.height = h;
	im.format = PNG_FORMAT_RGBA;
	assert_true(png_image_write_to_memory(&im, NULL, &n, 0, px, 0, NULL));
	at = kith_buf_room(out, n);
	assert_true(png_image_write_to_memory(&im, at, &n, 0, px, 0, NULL));
}

/* turn 0: without EXIF. */
static void
put_jpeg(struct kith_buf *out, const uint8_t *px, unsigned w, unsigned h, uint8_t turn)
{
	static const uint8_t exif[] = "\xff\xe1\x00\x22" "Exif\0\0" "II*\0\x08\0\0\0" "\x01\0" "\x12\x01" "\x03\0" "\x01\0\0\0";
	tjhandle t = tjInitCompress();
	unsigned char *jpeg = NULL;
	unsigned long n = 0;

	assert_int_equal(tjCompress2(t, px, (int)w, 0, (int)h, TJPF_RGBA, &jpeg, &n, TJSAMP_444, 95, 0), 0);
	kith_buf_put(out, jpeg, 2);
	if (turn > 0) {
		kith_buf_put(out, exif, sizeof(exif) - 1);
		kith_buf_put_u8(out, turn);
		kith_buf_put(out, "\0\0\0" "\0\0\0\0", 7);
	}
	kith_buf_put(out, jpeg + 2, n - 2);
	tjFree(jpeg);
	tjDestroy(t);
}

static int
write_gif(GifFileType *g, const GifByteType *p, int n)
{
	kith_buf_put(g->UserData, p, (size_t)n);
	return n;
}

static void
put_gif(struct kith_buf *out, unsigned w, unsigned h, bool interlace)
{
	GifColorType c[4] = { { 255, 0, 0 }, { 0, 255, 0 }, { 0, 0, 255 }, { 255, 255, 255 } };
	static const int from[] = { 0, 4, 2, 1 }, step[] = { 8, 8, 4, 2 };
	GifPixelType row[1024] = { 0 };
	ColorMapObject *map = GifMakeMapObject(4, c);
	GifFileType *g = EGifOpen(out, write_gif, NULL);

	assert_non_null(g);
	assert_int_equal(EGifPutScreenDesc(g, (int)w, (int)h, 4, 0, map), GIF_OK);
	assert_int_equal(EGifPutImageDesc(g, 0, 0, (int)w, (int)h, interlace, NULL), GIF_OK);
	for (unsigned pass = 0; pass < (interlace ? 4u : 1u); pass++) {
		for (unsigned y = interlace ? (unsigned)from[pass] : 0; y < h; y += interlace ? (unsigned)step[pass] : 1) {
			for (unsigned x = 0; x < w; x++)
				row[x] = (GifPixelType)((y >= h / 2 ? 2 : 0) + (x >= w / 2 ? 1 : 0));
			assert_int_equal(EGifPutLine(g, row, (int)w), GIF_OK);
		}
	}
	assert_int_equal(EGifCloseFile(g, NULL), GIF_OK);
	GifFreeMapObject(map);
}

static void
put_webp(struct kith_buf *out, const uint8_t *px, unsigned w, unsigned h)
{
	uint8_t *p = NULL;
	size_t n = WebPEncodeLosslessRGBA(px, (int)w, (int)h, (int)w * 4, &p);

	assert_true(n > 0);
	kith_buf_put(out, p, n);
	WebPFree(p);
}

struct made {
	struct kith_buf b;
	unsigned w, h;
	uint8_t *px;
};

static int
make(const struct kith_buf *in, const struct kith_picture_use *use, struct made *m)
{
	int w = 0, h = 0, r;

	memset(m, 0, sizeof(*m));
	kith_buf_init(&m->b, 0);
	r = kith_picture_make(kith_buf_slice(in), use, &m->b, &m->w, &m->h);
	if (r == KITH_OK) {
		m->px = WebPDecodeRGBA(m->b.p, m->b.n, &w, &h);
		assert_non_null(m->px);
		assert_int_equal(w, m->w);
		assert_int_equal(h, m->h);
		assert_true(m->b.n <= use->bytes_max);
	} else {
		assert_int_equal(m->b.n, 0);
	}
	return r;
}

static void
made_free(struct made *m)
{
	WebPFree(m->px);
	kith_buf_fini(&m->b);
}

/* Which of the four is in the middle of each quarter, read like a page. */
static void
assert_quarters(const struct made *m, const char *want)
{
	for (unsigned q = 0; q < 4; q++) {
		unsigned x = m->w / 4 + (q & 1) * m->w / 2, y = m->h / 4 + (q >> 1) * m->h / 2;
		const uint8_t *p = m->px + ((size_t)y * m->w + x) * 4, *c = colours[want[q] - '0'];

		for (int i = 0; i < 4; i++)
			assert_in_range(p[i], c[i] > 24 ? c[i] - 24 : 0, c[i] < 231 ? c[i] + 24 : 255);
	}
}

static void
every_kind_becomes_a_webp(void **state)
{
	(void)state;
	for (int kind = 0; kind < 5; kind++) {
		uint8_t *px = quarters(640, 640);
		struct kith_buf in;
		struct made m;

		kith_buf_init(&in, 0);
		switch (kind) {
		case 0: put_png(&in, px, 640, 640); break;
		case 1: put_jpeg(&in, px, 640, 640, 0); break;
		case 2: put_gif(&in, 640, 640, false); break;
		case 3: put_gif(&in, 640, 640, true); break;
		default: put_webp(&in, px, 640, 640); break;
		}
		assert_ok(make(&in, &kith_picture_avatar, &m));
		assert_int_equal(m.w, 512);
		assert_int_equal(m.h, 512);
		assert_quarters(&m, "0123");
		made_free(&m);
		kith_buf_fini(&in);
		free(px);
	}
}

static void
a_camera_held_sideways_is_set_right(void **state)
{
	/* what EXIF's 1 to 8 make of 01/23 */
	static const char *const want[] = { "0123", "1032", "3210", "2301", "0213", "2031", "3120", "1302" };

	(void)state;
	for (uint8_t turn = 1; turn <= 8; turn++) {
		uint8_t *px = quarters(600, 300);
		struct kith_buf in;
		struct made m;

		kith_buf_init(&in, 0);
		put_jpeg(&in, px, 600, 300, turn);
		assert_int_equal(kith_jpeg_turn(kith_buf_slice(&in)), turn);
		assert_ok(make(&in, &kith_picture_banner, &m));
		assert_int_equal(m.w, turn > 4 ? 240 : 600);
		assert_int_equal(m.h, turn > 4 ? 480 : 300);
		assert_quarters(&m, want[turn - 1]);
		made_free(&m);
		kith_buf_fini(&in);
		free(px);
	}
}

static void
nothing_but_the_pixels_is_kept(void **state)
{
	uint8_t *px = quarters(64, 64);
	struct kith_buf in;
	struct made m;

	(void)state;
	kith_buf_init(&in, 0);
	put_jpeg(&in, px, 64, 64, 1);
	kith_buf_put_str(&in, "somewhere, 52.5 N 13.4 E");
	assert_ok(make(&in, &kith_picture_avatar, &m));
	assert_null(memmem(m.b.p, m.b.n, "Exif", 4));
	assert_null(memmem(m.b.p, m.b.n, "EXIF", 4));
	assert_null(memmem(m.b.p, m.b.n, "somewhere", 9));
	made_free(&m);
	kith_buf_fini(&in);
	free(px);
}

static void
shapes_and_sizes(void **state)
{
	static const struct { unsigned w, h, aw, ah, bw, bh; } v[] = {
		{ 1, 1, 1, 1, 1, 1 }, { 3, 200, 3, 3, 3, 200 }, { 511, 512, 511, 511, 479, 480 }, { 513, 513, 512, 512, 480, 480 },
		{ 4000, 600, 512, 512, 1600, 240 }, { 16384, 2, 2, 2, 1600, 1 }, { 2, 16384, 2, 2, 1, 480 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		uint8_t *px = quarters(v[i].w, v[i].h);
		struct kith_buf in;
		struct made m;

		kith_buf_init(&in, 0);
		put_png(&in, px, v[i].w, v[i].h);
		assert_ok(make(&in, &kith_picture_avatar, &m));
		assert_int_equal(m.w, v[i].aw);
		assert_int_equal(m.h, v[i].ah);
		made_free(&m);
		assert_ok(make(&in, &kith_picture_banner, &m));
		assert_int_equal(m.w, v[i].bw);
		assert_int_equal(m.h, v[i].bh);
		made_free(&m);
		kith_buf_fini(&in);
		free(px);
	}
}

static void
clear_stays_clear(void **state)
{
	const size_t n = 1200 * 1200;
	uint8_t *px = calloc(n, 4);
	struct kith_buf in;
	struct made m;

	(void)state;
	assert_non_null(px);
	for (size_t i = 0; i < n; i++) {
		/* bright, and not to be seen */
		memset(px + i * 4, 255, 3);
		if (i % 1200 >= 600) {
			memcpy(px + i * 4, colours[2], 4);
		}
	}
	kith_buf_init(&in, 0);
	put_png(&in, px, 1200, 1200);
	assert_ok(make(&in, &kith_picture_avatar, &m));
	assert_int_equal(m.px[(256 * 512 + 128) * 4 + 3], 0);
	assert_int_equal(m.px[(256 * 512 + 384) * 4 + 3], 255);
	assert_in_range(m.px[(256 * 512 + 384) * 4 + 2], 230, 255);
	made_free(&m);
	kith_buf_fini(&in);
	free(px);
}

static void
noise_is_brought_under_its_size(void **state)
{
	uint8_t *px = malloc(512 * 512 * 4);
	uint32_t x = 1;
	struct kith_buf in;
	struct made m;

	(void)state;
	assert_non_null(px);
	for (size_t i = 0; i < 512 * 512 * 4; i++) {
		x = x * 1664525 + 1013904223;
		px[i] = i % 4 == 3 ? 255 : (uint8_t)(x >> 24);
	}
	kith_buf_init(&in, 0);
	put_png(&in, px, 512, 512);
	assert_true(in.n > 500000);
	assert_ok(make(&in, &kith_picture_avatar, &m));
	assert_int_equal(m.w, 512);
	made_free(&m);
	kith_buf_fini(&in);
	free(px);
}

static void
what_is_no_picture_is_refused(void **state)
{
	static const char *const bad[] = { "", "hello", "<svg xmlns='http://www.w3.org/2000/svg'/>", "GIF89a", "\x89PNG\r\n\x1a\n", "\xff\xd8\xff\xe0",
		"RIFF\x10\0\0\0WEBPVP8 " };
	uint8_t *px = quarters(64, 64);
	struct kith_buf in;
	struct made m;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		kith_buf_init(&in, 0);
		kith_buf_put(&in, bad[i], i == 6 ? 16 : strlen(bad[i]));
		assert_int_equal(make(&in, &kith_picture_avatar, &m), KITH_E_MALFORMED);
		kith_buf_fini(&in);
	}
	/* cut anywhere before its last chunk, which holds nothing */
	kith_buf_init(&in, 0);
	put_png(&in, px, 64, 64);
	for (size_t n = 0; n + 12 < in.n; n++) {
		struct kith_buf part = in;

		part.n = n;
		assert_int_equal(make(&part, &kith_picture_avatar, &m), KITH_E_MALFORMED);
	}
	kith_buf_fini(&in);
	free(px);
}

static void
put_png_head(struct kith_buf *b, uint32_t w, uint32_t h)
{
	uint8_t *px = quarters(1, 1);

	kith_buf_init(b, 0);
	put_png(b, px, 1, 1);
	kith_put_be32(b->p + 16, w);
	kith_put_be32(b->p + 20, h);
	free(px);
}

/* Checksums of the header are wrong then: libpng must not have got as far as to say so with the room already taken. */
static void
sides_beyond_the_limit(void **state)
{
	uint8_t *px = quarters(KITH_PICTURE_SIDE_MAX + 1, 1);
	struct kith_buf in;
	struct made m;

	(void)state;
	kith_buf_init(&in, 0);
	put_png(&in, px, KITH_PICTURE_SIDE_MAX + 1, 1);
	assert_int_equal(make(&in, &kith_picture_avatar, &m), KITH_E_LIMIT);
	kith_buf_reset(&in);
	put_png(&in, px, KITH_PICTURE_SIDE_MAX, 1);
	assert_ok(make(&in, &kith_picture_avatar, &m));
	made_free(&m);
	kith_buf_fini(&in);
	put_png_head(&in, 1u << 30, 1u << 30);
	assert_int_equal(make(&in, &kith_picture_avatar, &m), KITH_E_MALFORMED);
	kith_buf_fini(&in);
	free(px);
}

static void
pixels_beyond_the_limit(void **state)
{
	/* 32 Mpixel is 8192 by 4096; a GIF says it in ten bytes */
	uint8_t gif[] = "GIF89a\x00\x20\x00\x10\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0;";
	struct kith_buf in = { .p = gif, .n = sizeof(gif) - 1 };
	struct made m;

	(void)state;
	assert_ok(make(&in, &kith_picture_banner, &m));
	assert_int_equal(m.w, 960);
	assert_int_equal(m.h, 480);
	made_free(&m);
	gif[6] = 1;
	assert_int_equal(make(&in, &kith_picture_banner, &m), KITH_E_LIMIT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_becomes_a_webp),
		cmocka_unit_test(a_camera_held_sideways_is_set_right),
		cmocka_unit_test(nothing_but_the_pixels_is_kept),
		cmocka_unit_test(shapes_and_sizes),
		cmocka_unit_test(clear_stays_clear),
		cmocka_unit_test(noise_is_brought_under_its_size),
		cmocka_unit_test(what_is_no_picture_is_refused),
		cmocka_unit_test(sides_beyond_the_limit),
		cmocka_unit_test(pixels_beyond_the_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
