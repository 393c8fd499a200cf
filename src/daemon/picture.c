#include "daemon/picture.h"

#include "base/buf.h"
#include "daemon/log.h"
#include "helper/helper.h"
#include "media/frame.h"

/* Wall time; its processor time is limited apart, so this is for when the machine is busy. */
#define LIMIT_MS 20000
#define SIDE_MAX (1u << 14)

/* A picture may have taken the process over: what it says is a stranger's word. */
static int
take_answer(struct kith_slice a, struct kith_file *file, struct kith_slice *made)
{
	if (a.n < KITH_MEDIA_ANSWER_HEAD || a.p[0] != KITH_MEDIA_VERSION)
		return KITH_E_IO;
	switch (-(int)a.p[1]) {
	case KITH_OK: break;
	case KITH_E_MALFORMED: return KITH_E_MALFORMED;
	case KITH_E_LIMIT:
	case KITH_E_NOMEM: return KITH_E_LIMIT;
	default: return KITH_E_IO;
	}
	file->width = kith_get_be32(a.p + 2);
	file->height = kith_get_be32(a.p + 6);
	*made = kith_slice_from(a, KITH_MEDIA_ANSWER_HEAD);
	file->type = kith_file_type(*made);
	if (file->type != KITH_FILE_WEBP || file->width == 0 || file->width > SIDE_MAX || file->height == 0 || file->height > SIDE_MAX)
		return KITH_E_IO;
	return KITH_OK;
}

int
kith_picture_remake(struct kith_files *f, uint8_t use, struct kith_blob_draft **draft, struct kith_file *file)
{
	const uint8_t head[KITH_MEDIA_JOB_HEAD] = { KITH_MEDIA_VERSION, use };
	struct kith_helper_job job = {
		.which = KITH_HELPER_MEDIA, .head = kith_slice_of(head, sizeof(head)), .fd = kith_blob_fd(*draft),
		.fd_bytes = kith_blob_size(*draft), .limit_ms = LIMIT_MS,
	};
	struct kith_blob_draft *fresh = NULL;
	struct kith_file said = *file;
	struct kith_slice made;
	struct kith_buf answer;
	int r;

	if (job.fd_bytes > KITH_MEDIA_IN_MAX)
		return KITH_E_LIMIT;
	kith_buf_init(&answer, KITH_MEDIA_OUT_MAX);
	r = kith_helper_run(f->helpers, &job, &answer);
	if (r == KITH_OK)
		r = take_answer(kith_buf_slice(&answer), &said, &made);
	if (r == KITH_E_IO) {
		/* its limits cut it off, as far as one can tell from here */
		KITH_LOG(INFO, "media", "a picture brought kith-media to a bad end");
		r = KITH_E_LIMIT;
	}
	if (r == KITH_OK)
		r = kith_blob_begin(f->blobs, KITH_MEDIA_OUT_MAX, &fresh);
	if (r == KITH_OK)
		r = kith_blob_add(fresh, made);
	kith_buf_fini(&answer);
	if (r != KITH_OK) {
		kith_blob_drop(fresh);
		return r;
	}
	kith_blob_drop(*draft);
	*draft = fresh;
	*file = said;
	return KITH_OK;
}
