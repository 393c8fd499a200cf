#ifndef KITH_DAEMON_PICTURE_H
#define KITH_DAEMON_PICTURE_H

#include "client/files.h"
#include "daemon/files.h"

/*
 * Has kith-media make a picture anew: *draft becomes what it made, *file its
 * type and size. For threads that may wait. use: one of media/frame.h's.
 *   MALFORMED  it is no picture
 *   LIMIT      it is too large, or takes too long
 *   BUSY, NOMEM, FULL, IO
 * On failure *draft is as it was.
 */
KITH_MUST_USE int kith_picture_remake(struct kith_files *f, uint8_t use, struct kith_blob_draft **draft, struct kith_file *file);

#endif
