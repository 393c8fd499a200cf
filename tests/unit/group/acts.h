#ifndef KITH_TESTS_UNIT_GROUP_ACTS_H
#define KITH_TESTS_UNIT_GROUP_ACTS_H

#include "group/authority.h"

/*
 * Authority acts by name, as an author's home would have checked them: no bytes,
 * no signatures. Names of people, nodes and acts are words; lists of them are
 * separated by blanks. An act gets a node of its own unless a test says else.
 */
#define ACTS_WORDS 32

struct acts_one {
	char name[16];
	struct kith_record rec;
	struct kith_op op;
	struct kith_act_proof proof;
	struct kith_slice perms[ACTS_WORDS], may[ACTS_WORDS];
	struct kith_id users[ACTS_WORDS];
	char *words[4];         /* copies that the slices point into */
	size_t n_words;
	struct kith_buf raw;
};

struct acts {
	struct kith_authority *a;
	struct acts_one *v[4096];
	size_t n;
	uint64_t counter;
	struct kith_id group;
};

/* A group: owners are its founders; joins: as KITH_OP_JOINS. */
void acts_begin(struct acts *w, const char *owners, uint64_t joins);
void acts_end(struct acts *w);
struct kith_id acts_id(const char *name);        /* of the act of this name */
struct kith_id acts_uid(const char *name);
/* A draft, kept in w; parents "": genesis. via NULL: as an owner. */
struct acts_one *acts_new(struct acts *w, const char *name, uint32_t kind, const char *author, const char *via,
    const char *parents);
void acts_perms(struct acts_one *x, const char *words);
void acts_may(struct acts_one *x, const char *words);
void acts_users(struct acts_one *x, const char *names);
void acts_chain(struct acts_one *x, const char *node, const struct acts_one *prev);      /* at home in a feed */
const struct kith_act *acts_add(struct acts *w, struct acts_one *x);     /* into w->a; fails the test on an error */

/* Draft and add at once. */
const struct kith_act *acts_role(struct acts *w, const char *name, const char *author, const char *via, const char *parents,
    int level, const char *perms, const char *may);
const struct kith_act *acts_grant(struct acts *w, const char *name, uint32_t kind, const char *author, const char *via,
    const char *parents, const char *role, const char *users);
const struct kith_act *acts_allow(struct acts *w, const char *name, uint32_t kind, const char *author, const char *via,
    const char *parents, const char *role, const char *perms);
const struct kith_act *acts_delete(struct acts *w, const char *name, const char *author, const char *via,
    const char *parents, const char *role);
const struct kith_act *acts_people(struct acts *w, const char *name, uint32_t kind, const char *author, const char *via,
    const char *parents, const char *users);
const struct kith_act *acts_set(struct acts *w, const char *name, const char *author, const char *via,
    const char *parents, const char *key, const char *value);
const struct kith_act *acts_plain(struct acts *w, const char *name, uint32_t kind, const char *author, const char *via,
    const char *parents);

/* 'e' effective, 'v' void, 'i' invalid, '?' not held */
char acts_verdict(const struct acts *w, const char *name);
#define assert_verdict(w, name, c) assert_int_equal(acts_verdict((w), (name)), (c))
/* Facts in the view of all that is held. b and perm may be NULL. */
bool acts_fact(struct acts *w, enum kith_fact_kind kind, struct kith_id a, const char *role, const char *perm);
bool acts_holds(struct acts *w, const char *who, const char *role);
bool acts_person(struct acts *w, enum kith_fact_kind kind, const char *who);

#endif
