#ifndef KITH_MEDIA_FRAME_H
#define KITH_MEDIA_FRAME_H

/*
 * What kithd and kith-media say to each other.
 *   job     version, use, then the picture
 *   answer  version, -error (0: it is done), width (4, big-endian), height (4), then the picture
 */
#define KITH_MEDIA_VERSION 1
enum { KITH_MEDIA_AVATAR = 'a', KITH_MEDIA_BANNER = 'b' };
#define KITH_MEDIA_JOB_HEAD 2
#define KITH_MEDIA_ANSWER_HEAD 10
#define KITH_MEDIA_IN_MAX (25u << 20)
#define KITH_MEDIA_OUT_MAX (512u << 10)
#define KITH_MEDIA_CPU_S 2
#define KITH_MEDIA_MIB 256

#endif
