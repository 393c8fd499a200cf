#include "helper/serve.h"
#include "media/frame.h"
#include "media/media.h"

static void
work(struct kith_slice job, struct kith_buf *answer)
{
	uint8_t head[KITH_MEDIA_ANSWER_HEAD] = { KITH_MEDIA_VERSION };
	const struct kith_picture_use *use = NULL;
	unsigned w = 0, h = 0;
	struct kith_buf made;
	int r = KITH_E_MALFORMED;

	kith_buf_init(&made, KITH_MEDIA_OUT_MAX - sizeof(head));
	if (job.n > KITH_MEDIA_JOB_HEAD && job.p[0] == KITH_MEDIA_VERSION)
		use = job.p[1] == KITH_MEDIA_AVATAR ? &kith_picture_avatar : job.p[1] == KITH_MEDIA_BANNER ? &kith_picture_banner : NULL;
	if (use != NULL)
		r = kith_picture_make(kith_slice_from(job, KITH_MEDIA_JOB_HEAD), use, &made, &w, &h);
	head[1] = (uint8_t)-r;
	kith_put_be32(head + 2, w);
	kith_put_be32(head + 6, h);
	kith_buf_put(answer, head, sizeof(head));
	if (r == KITH_OK)
		kith_buf_put_slice(answer, kith_buf_slice(&made));
	kith_buf_fini(&made);
}

int
main(void)
{
	static const struct kith_sandbox box = { .cpu_s = KITH_MEDIA_CPU_S, .memory_mib = KITH_MEDIA_MIB };

	kith_serve("kith-media", &box, KITH_MEDIA_IN_MAX + KITH_MEDIA_JOB_HEAD, work);
}
