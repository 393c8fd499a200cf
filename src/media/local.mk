# kith-media: a program of its own, so that kithd itself never meets a picture's bytes.
media_sources = %D%/decode.c %D%/exif.c %D%/picture.c %D%/media.h %D%/frame.h
media_libs = $(JPEG_LIBS) $(PNG_LIBS) $(WEBP_LIBS) $(GIF_LIBS)

if MEDIA
pkglibexec_PROGRAMS += kith-media
kith_media_SOURCES = %D%/main.c $(media_sources) $(helper_sources)
kith_media_CFLAGS = $(AM_CFLAGS) $(JPEG_CFLAGS) $(PNG_CFLAGS) $(WEBP_CFLAGS) $(SECCOMP_CFLAGS)
kith_media_LDADD = $(media_libs) $(helper_libs)

unit_tests += tests/unit/media/test_picture
tests_unit_media_test_picture_SOURCES = tests/unit/media/test_picture.c $(media_sources)
tests_unit_media_test_picture_CFLAGS = $(kith_media_CFLAGS)
tests_unit_media_test_picture_LDADD = $(media_libs) $(LDADD)
fuzz_targets += tests/fuzz/fuzz_picture
tests_fuzz_fuzz_picture_SOURCES = tests/fuzz/fuzz_picture.c $(media_sources)
tests_fuzz_fuzz_picture_CFLAGS = $(kith_media_CFLAGS)
tests_fuzz_fuzz_picture_LDADD = $(media_libs) $(LDADD)
endif
