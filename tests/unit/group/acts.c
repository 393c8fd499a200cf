#include "tests/unit/test.h"

#include "tests/unit/group/acts.h"

#include <stdio.h>

#include "wire/mp.h"

static struct kith_id
named(const char *what, const char *name)
{
	struct kith_id id;

	kith_hash2(KITH_L_OBJECT, kith_slice_str(what), kith_slice_str(name), &id);
	return id;
}

struct kith_id
acts_id(const char *name)
{
	return named("act ", name);
}

struct kith_id
acts_uid(const char *name)
{
	return named("person ", name);
}

/* Words of a list into slices, sorted; the copy they lie in belongs to x. */
static uint32_t
split(struct acts_one *x, const char *words, struct kith_slice *out)
{
	char *copy = strdup(words), *save = NULL, *w;
	struct kith_slice s;
	uint32_t n = 0, i;

	assert_non_null(copy);
	assert_true(x->n_words < sizeof(x->words) / sizeof(x->words[0]));
	x->words[x->n_words++] = copy;
	for (w = strtok_r(copy, " ", &save); w != NULL; w = strtok_r(NULL, " ", &save)) {
		s = kith_slice_str(w);
		assert_true(n < ACTS_WORDS);
		for (i = n++; i > 0 && kith_slice_cmp(out[i - 1], s) > 0; i--)
			out[i] = out[i - 1];
		out[i] = s;
	}
	return n;
}

static uint32_t
split_ids(struct acts_one *x, const char *what, const char *words, struct kith_id *out)
{
	struct kith_slice s[ACTS_WORDS];
	uint32_t n = split(x, words, s), i, j;
	struct kith_id id;

	for (i = 0; i < n; i++) {
		id = named(what, (const char *)s[i].p);
		for (j = i; j > 0 && kith_id_cmp(&out[j - 1], &id) > 0; j--)
			out[j] = out[j - 1];
		out[j] = id;
	}
	return n;
}

struct acts_one *
acts_new(struct acts *w, const char *name, uint32_t kind, const char *author, const char *via, const char *parents)
{
	struct acts_one *x = calloc(1, sizeof(*x));

	assert_non_null(x);
	assert_true(w->n < sizeof(w->v) / sizeof(w->v[0]));
	w->v[w->n++] = x;
	(void)snprintf(x->name, sizeof(x->name), "%s", name);
	kith_buf_init(&x->raw, 0);
	x->rec.id = acts_id(name);
	x->rec.group = w->group;
	x->rec.node = named("node ", name);
	x->rec.author = acts_uid(author);
	x->rec.doc = named("doc ", author);
	x->rec.kind = kind;
	x->rec.counter = ++w->counter;
	x->rec.clock = w->counter << 16;
	if (via != NULL)
		x->rec.via = acts_id(via);
	x->rec.n_parents = split_ids(x, "act ", *parents == '\0' && kind != KITH_K_CREATE ? "genesis" : parents,
	    x->rec.parents);
	x->proof.author_ok = true;
	return x;
}

void
acts_perms(struct acts_one *x, const char *words)
{
	x->op.n_perms = split(x, words, x->perms);
	x->op.perms = x->perms;
	x->op.has |= KITH_OP_BIT(KITH_OP_PERMS);
}

void
acts_may(struct acts_one *x, const char *words)
{
	x->op.n_may = split(x, words, x->may);
	x->op.may = x->may;
	x->op.has |= KITH_OP_BIT(KITH_OP_MAY);
}

void
acts_users(struct acts_one *x, const char *names)
{
	x->op.n_users = split_ids(x, "person ", names, x->users);
	x->op.users = x->users;
	x->op.has |= KITH_OP_BIT(KITH_OP_USERS);
}

void
acts_chain(struct acts_one *x, const char *node, const struct acts_one *prev)
{
	x->rec.node = named("node ", node);
	x->rec.incarnation = 0;
	if (prev == NULL)
		return;
	x->rec.prev = prev->rec.id;
	x->rec.seq = prev->rec.seq + 1;
	x->rec.incarnation = prev->rec.incarnation;
}

const struct kith_act *
acts_add(struct acts *w, struct acts_one *x)
{
	const struct kith_act *act = NULL;

	assert_ok(kith_authority_add(w->a, &x->rec, &x->op, &x->proof, &act));
	assert_non_null(act);
	return act;
}

void
acts_begin(struct acts *w, const char *owners, uint64_t joins)
{
	struct acts_one *x;
	char author[32];

	memset(w, 0, sizeof(*w));
	w->group = acts_id("genesis");
	assert_ok(kith_authority_new(&w->group, &w->a));
	(void)snprintf(author, sizeof(author), "%.*s", (int)strcspn(owners, " "), owners);
	x = acts_new(w, "genesis", KITH_K_CREATE, author, NULL, "");
	x->op.has = KITH_OP_BIT(KITH_OP_FOUNDERS) | KITH_OP_BIT(KITH_OP_RULES) | KITH_OP_BIT(KITH_OP_JOINS);
	x->op.n_founders = split_ids(x, "person ", owners, x->users);
	x->op.founders = x->users;
	x->op.rules = 1;
	x->op.joins = joins;
	acts_add(w, x);
}

void
acts_end(struct acts *w)
{
	size_t i, j;

	kith_authority_free(w->a);
	for (i = 0; i < w->n; i++) {
		for (j = 0; j < w->v[i]->n_words; j++)
			free(w->v[i]->words[j]);
		kith_buf_fini(&w->v[i]->raw);
		free(w->v[i]);
	}
}

const struct kith_act *
acts_role(struct acts *w, const char *name, const char *author, const char *via, const char *parents, int level,
    const char *perms, const char *may)
{
	struct acts_one *x = acts_new(w, name, KITH_K_ROLE_CREATE, author, via, parents);

	acts_perms(x, perms);
	acts_may(x, may);
	x->op.level = level;
	x->op.has |= KITH_OP_BIT(KITH_OP_LEVEL);
	return acts_add(w, x);
}

static void
to_role(struct acts_one *x, const char *role)
{
	x->op.role = strcmp(role, "member") == 0 ? kith_role_member : acts_id(role);
	x->op.has |= KITH_OP_BIT(KITH_OP_ROLE);
}

const struct kith_act *
acts_grant(struct acts *w, const char *name, uint32_t kind, const char *author, const char *via, const char *parents,
    const char *role, const char *users)
{
	struct acts_one *x = acts_new(w, name, kind, author, via, parents);

	to_role(x, role);
	acts_users(x, users);
	return acts_add(w, x);
}

const struct kith_act *
acts_allow(struct acts *w, const char *name, uint32_t kind, const char *author, const char *via, const char *parents,
    const char *role, const char *perms)
{
	struct acts_one *x = acts_new(w, name, kind, author, via, parents);

	to_role(x, role);
	acts_perms(x, perms);
	return acts_add(w, x);
}

const struct kith_act *
acts_delete(struct acts *w, const char *name, const char *author, const char *via, const char *parents,
    const char *role)
{
	struct acts_one *x = acts_new(w, name, KITH_K_ROLE_DELETE, author, via, parents);

	to_role(x, role);
	return acts_add(w, x);
}

const struct kith_act *
acts_people(struct acts *w, const char *name, uint32_t kind, const char *author, const char *via, const char *parents,
    const char *users)
{
	struct acts_one *x = acts_new(w, name, kind, author, via, parents);

	acts_users(x, users);
	return acts_add(w, x);
}

const struct kith_act *
acts_set(struct acts *w, const char *name, const char *author, const char *via, const char *parents, const char *key,
    const char *value)
{
	struct acts_one *x = acts_new(w, name, KITH_K_SET, author, via, parents);

	x->op.has |= KITH_OP_BIT(KITH_OP_KEY) | KITH_OP_BIT(KITH_OP_VALUE);
	x->op.key = kith_slice_str(key);        /* a literal, in tests */
	kith_mp_put_str(&x->raw, kith_slice_str(value));
	x->op.value = kith_buf_slice(&x->raw);
	return acts_add(w, x);
}

const struct kith_act *
acts_plain(struct acts *w, const char *name, uint32_t kind, const char *author, const char *via, const char *parents)
{
	return acts_add(w, acts_new(w, name, kind, author, via, parents));
}

char
acts_verdict(const struct acts *w, const char *name)
{
	struct kith_id id = acts_id(name);
	const struct kith_act *x = kith_authority_find(w->a, &id);

	return x == NULL ? '?' : !x->valid ? 'i' : x->effective ? 'e' : 'v';
}

bool
acts_fact(struct acts *w, enum kith_fact_kind kind, struct kith_id a, const char *role, const char *perm)
{
	struct kith_fact f = { .kind = kind, .a = a };
	const struct kith_view *v;

	if (role != NULL)
		f.b = strcmp(role, "member") == 0 ? kith_role_member : acts_id(role);
	if (perm != NULL)
		f.perm = kith_slice_str(perm);
	assert_ok(kith_authority_now(w->a, &v));
	return kith_view_fact(v, &f);
}

bool
acts_holds(struct acts *w, const char *who, const char *role)
{
	return acts_fact(w, KITH_F_HOLDS, acts_uid(who), role, NULL);
}

bool
acts_person(struct acts *w, enum kith_fact_kind kind, const char *who)
{
	return acts_fact(w, kind, acts_uid(who), NULL, NULL);
}
