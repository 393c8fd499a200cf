#ifndef KITH_CTL_JUDGEFILE_H
#define KITH_CTL_JUDGEFILE_H

#include <jansson.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/map.h"
#include "base/slice.h"
#include "crypto/sign.h"
#include "group/group.h"
#include "storage/store.h"

/*
 * FILE of `kithctl resolve` and `kithctl judge`: read, checked, and its events
 * built as real signed records, with keys that follow from the names in it.
 * Mistakes are told in one line that names the event and the field (MALFORMED,
 * in diag).
 */

#define KITH_JF_INVITER "\x7f inviter"    /* a person whom nobody will name */

/* A person: one account key, one recovery key, document 0. */
struct kith_jf_person {
	char *name;
	struct kith_signer *account, *recovery;
	struct kith_id uid, doc;                /* doc: of document 0; its uid */
	struct kith_buf raw;                    /* document 0 */
	uint64_t counter;                       /* of the next act */
};

/* A node that speaks in FILE or carries events. */
struct kith_jf_node {
	char *name;
	struct kith_signer *root, *sign;
	struct kith_id id;
	struct kith_buf raw;                    /* its node record */
	uint64_t next_seq;                      /* of its authority feed, incarnation 0 */
	struct kith_id tip;
	size_t tip_event;                       /* which event that is; SIZE_MAX: the create or what follows it at once */
};

struct kith_jf_event {
	const char *id, *author, *via;          /* via NULL: as an owner. Strings live in the JSON */
	const char *role, *user, *key, *value, *panel, *who, *node, *invite;
	uint32_t kind;
	bool joins;                             /* kind is set, of the join policy */
	bool open, has_open;
	uint64_t effect;                        /* as KITH_OP_EFFECT */
	int64_t level;
	const char **perms, **may;              /* sorted by their bytes, each once */
	size_t n_perms, n_may;
	size_t *parents, n_parents;             /* events; none: genesis */
	json_t *json;                           /* the whole event, for what judge adds */

	/* once built */
	struct kith_jf_node *at;
	struct kith_buf header;
	struct kith_id rid, cut;
	struct kith_slice sig;
	uint8_t sig_bytes[KITH_SIG_BYTES];
};

struct kith_jf_object {
	uint8_t type;                           /* enum kith_object_type */
	struct kith_id id;
	struct kith_buf raw;
};

struct kith_jf {
	json_t *root;
	bool wide;                              /* some number is wider than 64 bits, so all are reals */
	bool judge;                             /* the kinds of section 12 too */
	const char **owners;
	size_t n_owners;
	struct kith_jf_event *event;
	size_t n_events;
	struct kith_map *by_id;                 /* event id -> event */
	size_t *order;                          /* events, all that one names before it */
	uint64_t **before;                      /* event -> bit for each event that is its ancestor */

	struct kith_map *persons, *nodes;       /* by name */
	KITH_VEC(struct kith_jf_object) objects;        /* cuts; documents and node records are with their owners */
	struct kith_jf_event create;            /* made by kith_jf_begin */
	struct kith_jf_event *setup;            /* panels that exist from the start (judge); in one feed after the create */
	size_t n_setup;
	struct kith_id group;
	struct kith_map *panels;                /* name -> setup event (judge) */
	KITH_VEC(struct kith_jf_node *) carriers;       /* of authority records */
	struct kith_jf_person *inviter;         /* maker of all invites (judge) */
	struct kith_id (*invite_id)(struct kith_jf *f, const char *name);       /* NULL: kith_jf_hash("invite", name) */
	uint64_t clock;
};

/* path "-": standard input. MALFORMED: a mistake in FILE; IO: it cannot be read; NOMEM. Caller frees with kith_jf_free. */
KITH_MUST_USE int kith_jf_load(const char *path, bool judge, struct kith_jf **out, struct kith_diag *d);
void kith_jf_free(struct kith_jf *f);

/* One line about an event (or record) and a field; either may be NULL. Returns MALFORMED. */
int kith_jf_mistake(struct kith_diag *d, const char *what, const char *id, const char *field, const char *fmt, ...)
    KITH_PRINTF(5, 6);
/* A string member that must be there. NULL: told in d. */
const char *kith_jf_str(json_t *o, const char *what, const char *id, const char *field, struct kith_diag *d);
const struct kith_jf_event *kith_jf_find(const struct kith_jf *f, const char *id);       /* NULL: none */

/* order and before, of events that have been read. MALFORMED: they close a cycle. (kith_jf_load does it.) */
KITH_MUST_USE int kith_jf_sort(struct kith_jf *f, struct kith_diag *d);

/* Made when first asked for; NULL: memory. */
struct kith_jf_person *kith_jf_person(struct kith_jf *f, const char *name);
struct kith_jf_node *kith_jf_node(struct kith_jf *f, const char *name);
struct kith_id kith_jf_hash(const char *what, const char *name);         /* an id that follows from a name */
/* Keeps an object to be offered before the records; id NULL or set. */
KITH_MUST_USE int kith_jf_object_add(struct kith_jf *f, uint8_t type, struct kith_slice raw, const struct kith_id *id);

/* The create, and for judge the panels named. After it, groups and parents have ids. */
KITH_MUST_USE int kith_jf_begin(struct kith_jf *f, const char *const *panels, size_t n_panels, struct kith_diag *d);
/*
 * Build an event: those that it names must be built. cut: of an act that carries
 * one, NULL for an empty one where one is due. MALFORMED: it is too large for a record.
 */
KITH_MUST_USE int kith_jf_build(struct kith_jf *f, struct kith_jf_event *e, const struct kith_id *cut, struct kith_diag *d);
KITH_MUST_USE int kith_jf_build_all(struct kith_jf *f, struct kith_diag *d);      /* in f->order, with empty cuts */

/*
 * A group of its own, in memory, behind the door that every record comes in by:
 * objects first, then each record as a run of one, in the order given, again and
 * again until all are held (what waits for others may be pushed out meanwhile).
 */
struct kith_jf_record {
	struct kith_id id;
	struct kith_slice header, sig;
};
struct kith_jf_session {                /* stays where it is while open */
	struct kith_self self;
	struct kith_store *store;
	struct kith_txn *txn;
	struct kith_group *group;
};
KITH_MUST_USE int kith_jf_open(struct kith_jf *f, struct kith_jf_session *s);    /* offers all objects, documents and node records */
/* CORRUPT: some will not be taken in; when may_wait, those that wait for what is not given are no mistake. */
KITH_MUST_USE int kith_jf_admit(struct kith_jf_session *s, const struct kith_jf_record *rec, size_t n, const size_t *order,
    bool may_wait);
void kith_jf_close(struct kith_jf_session *s);

/* Numbers 0 .. n - 1 in a random order that follows from the seed. NULL: memory. Caller frees. */
size_t *kith_jf_shuffle(size_t n, uint64_t seed);

#endif
