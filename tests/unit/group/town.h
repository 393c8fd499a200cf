#ifndef KITH_TESTS_UNIT_GROUP_TOWN_H
#define KITH_TESTS_UNIT_GROUP_TOWN_H

#include "group/group.h"
#include "storage/store.h"
#include "tests/unit/kit.h"
#include "tests/unit/test.h"
#include "tests/unit/tmpdir.h"

/*
 * A few nodes, each with a store of its own, people who live on them, and one
 * group. Time stands still but when a test moves it. Failures of the town itself
 * end the test; what the group answers is the test's to look at.
 */
#define TOWN_NODES 4

struct resident {
	char name[32];
	struct kith_id uid, doc, home;          /* newest document */
	uint64_t n;
	const struct kith_signer *account, *recovery;
	struct kith_buf raw[8];                 /* documents, by number */
};

struct house {
	struct town *town;
	char name[16];
	const struct kith_signer *root, *sign;
	struct kith_id id;
	struct kith_buf record;
	struct kith_self self;
	char dir[KITH_TEST_PATH];               /* "": the store is in memory */
	struct kith_store *store;
	struct kith_txn *t;
	struct kith_group *g;
	struct kith_changes c;
	struct kith_missings m;
	struct kith_run_result res;
};

struct town {
	struct kith_env env;
	uint64_t dice, verified;
	struct kith_now now;
	struct house at[TOWN_NODES];
	size_t n;
	struct resident person[16];
	size_t n_people;
	struct kith_id group, hall;             /* the group and its first panel */
};

/* In memory or on disk, as the test's setup said. */
extern bool town_on_disk;
int town_setup_mem(void **state);
int town_setup_disk(void **state);
#define TOWN(f) { #f, f, town_setup_mem, NULL, NULL }
#define TOWN_BOTH(f) TOWN(f), { #f "_on_disk", f, town_setup_disk, NULL, NULL }

struct town *town_new(size_t nodes);
void town_free(struct town *w);
struct resident *town_person(struct town *w, size_t house, const char *name);
struct resident *town_person_with(struct town *w, size_t house, const char *name, uint32_t flags);
/* A later document: a new home, by "key", "recovery" or "both"; offered to every house when `tell`. */
void town_doc(struct town *w, struct resident *p, size_t home, const char *by, bool tell);
void town_tell(struct town *w, size_t house, const struct resident *p);  /* offers all their documents, to be kept */

/* A group made at house 0 by this founder (who joins), with a panel where members may speak. joins: 0, 1, 2 */
void town_found(struct town *w, struct resident *founder, uint64_t joins);
void town_open(struct town *w, size_t house);            /* an empty group under the group's id */
void town_reopen(struct town *w, size_t house);          /* close and open: what memory held must be in the store */

/* Write; the error is returned, *why in town_why. */
extern const char *town_why;
int town_write(struct town *w, size_t house, const struct resident *by, uint32_t kind, const struct kith_op *op, struct kith_id *id);
int town_write_in(struct town *w, size_t house, const struct resident *by, uint32_t kind, const struct kith_id *scope,
    const struct kith_op *op, struct kith_id *id);
struct kith_id town_act(struct town *w, size_t house, const struct resident *by, const struct kith_id *via, uint32_t kind,
    const struct kith_op *op);
struct kith_id town_join(struct town *w, size_t house, const struct resident *p);       /* by the open door */
struct kith_id town_say(struct town *w, size_t house, const struct resident *p, const char *text);
int town_try_say(struct town *w, size_t house, const struct resident *p, const struct kith_id *panel, const char *text, struct kith_id *id);
struct kith_id town_role(struct town *w, size_t house, const struct resident *by, int64_t level, const char *const *perm, uint32_t n);
struct kith_id town_grant(struct town *w, size_t house, const struct resident *by, const struct kith_id *role, const struct resident *to,
    bool on);
struct kith_id town_override(struct town *w, size_t house, const struct resident *by, const struct kith_id *panel,
    const struct kith_id *role, const struct resident *who, const char *perm, uint64_t effect);
struct kith_id town_panel(struct town *w, size_t house, const struct resident *by, bool private_);
struct kith_id town_announcements(struct town *w, size_t house, const struct resident *by);
struct kith_id town_on(struct town *w, size_t house, const struct resident *by, uint32_t kind, const struct kith_id *target);
struct kith_id town_ban(struct town *w, size_t house, const struct resident *by, const struct resident *whom);
struct kith_id town_kick(struct town *w, size_t house, const struct resident *by, const struct resident *whom);
struct kith_op town_op_users(uint64_t has, const struct resident *p);

/* End of a batch, as the engine does it. */
void town_batch(struct town *w, size_t house);
void town_commit(struct town *w, size_t house);          /* the transaction too; a new one is begun */
/* All that `from` has and `to` lacks, objects first; until nothing new comes. Returns records stored. */
size_t town_carry(struct town *w, size_t from, size_t to);
void town_carry_all(struct town *w);
/* One range, as a peer would send it. */
int town_send(struct town *w, size_t from, size_t to, const struct kith_id *scope, const struct kith_id *node, uint64_t seq, size_t max,
    bool history);

/* Records made by hand: whatever a hostile node might write. Fields not set in r are filled in; signed by the house. */
struct forged {
	struct kith_record r;
	struct kith_buf header, body;
	struct kith_op op;
	uint8_t sig[64];
	struct kith_item item;
};
/* Place and frontier as an honest node would choose them: after its tip, in sight of all that this house holds. */
void town_next(struct town *w, size_t house, struct forged *f);
/* After another record: prev and seq from it. */
void town_after(struct forged *f, const struct forged *prev);
void town_forge(struct town *w, size_t house, struct forged *f, const struct kith_signer *account);
void town_forged_fini(struct forged *f);
int town_run(struct town *w, size_t house, const struct forged *f, size_t n);    /* into a house's group */

/* What the last run of this house's group ended in, verdicts aside. */
size_t town_changes(const struct town *w, size_t house, enum kith_change_kind what);
void town_forget_changes(struct town *w, size_t house);
enum kith_verdict town_verdict(struct town *w, size_t house, const struct kith_id *id);
uint32_t town_state(struct town *w, size_t house, const struct kith_id *id);
bool town_is_member(struct town *w, size_t house, const struct resident *p);
bool town_has_body(struct town *w, size_t house, const struct kith_id *id);
/* The pure form agrees, now and after opening the group again. */
void town_check(struct town *w, size_t house);
void town_check_all(struct town *w);

#endif
