#ifndef KITH_DAEMON_SITE_H
#define KITH_DAEMON_SITE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"

/*
 * The web client's files: one archive, made by src/web/scripts/pack.mjs, linked
 * into the program or mapped from disk. Read-only after it is opened, for any thread.
 *
 *	"KITHWEB1", n u32, n times [encoding u8, path length u8, type length u8, 0 u8, offset u32, length u32, path, type and a 0], bytes
 *
 * in order of path, then encoding; numbers are big-endian, offsets count from the beginning.
 */
struct kith_site;

enum kith_site_encoding { KITH_SITE_PLAIN, KITH_SITE_GZIP, KITH_SITE_BR, KITH_SITE_ENCODINGS_ };

struct kith_site_file {
	struct kith_slice bytes;        /* the site's, as is the type */
	const char *type;
	enum kith_site_encoding encoding;
	bool for_ever;                  /* its name is that of its bytes */
};

/*
 * root: a directory that holds web.pack; NULL: what is linked in. *out NULL with OK: nothing is.
 * MALFORMED, IO, NOMEM with a sentence.
 */
KITH_MUST_USE int kith_site_open(const char *root, struct kith_site **out, struct kith_diag *diag);
void kith_site_free(struct kith_site *s);       /* NULL is fine */
/* path: as in the request, decoded by nobody. accept: the value of Accept-Encoding, may be empty. */
bool kith_site_find(const struct kith_site *s, struct kith_slice path, struct kith_slice accept, struct kith_site_file *out);
/* Is this a place in the client, which its document shows whatever the path? */
bool kith_site_is_place(struct kith_slice path);

/* linked.c: the archive in the program; n 0: none. */
struct kith_slice kith_site_linked(void);

#endif
