#ifndef KITH_CTL_JUDGEWORLD_H
#define KITH_CTL_JUDGEWORLD_H

#include "ctl/judgefile.h"
#include "group/group.h"

/*
 * What FILE of `kithctl judge` holds beside events: identity documents, records of
 * the roster and of panels, and cuts; built as the real things. Each node's
 * roster feed begins with a node.join that FILE does not show, so that places
 * there are one higher than in FILE.
 */
struct kith_jw_doc {
	const char *id, *uid, *home, *prev, *by;        /* strings live in the JSON */
	int64_t n;
	bool unsound;                   /* cannot be built as it is, and stands for one that cannot stand */
	struct kith_id rid;
	struct kith_buf raw;
};

struct kith_jw_record {
	const char *id, *scope, *node, *author, *kind, *prev, *doc, *how, *via, *target, *mode;
	int64_t seq;
	const char **frontier;
	size_t n_frontier;
	json_t *cut;                    /* NULL: none */
	/* once built */
	struct kith_id rid;
	struct kith_buf header;
	uint8_t sig[KITH_SIG_BYTES];
};

struct kith_jw {
	struct kith_jf *f;
	struct kith_jw_doc *doc;
	struct kith_jw_record *record;
	size_t n_docs, n_records;
	struct kith_map *names;         /* id in FILE -> struct kith_jw_name */
	struct kith_map *shown;         /* real id -> id in FILE, of documents and records */
	KITH_VEC(struct kith_jw_record *) arrivals;     /* node.join of each node that speaks */
};

/* MALFORMED: a mistake in FILE, told in d. */
KITH_MUST_USE int kith_jw_load(const char *path, struct kith_jw **out, struct kith_diag *d);
/* Everything as real objects and signed records; cuts and invites go to f->objects. */
KITH_MUST_USE int kith_jw_build(struct kith_jw *w, struct kith_diag *d);
void kith_jw_free(struct kith_jw *w);

#endif
