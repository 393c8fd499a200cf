#ifndef KITH_CLIENT_SCOPE_H
#define KITH_CLIENT_SCOPE_H

#include "base/buf.h"
#include "base/slice.h"

/*
 * What a token is good for. A session that came from signing in is whole: it may
 * all that its person may. A token made for a program (session.new) holds some of
 * these; each method names the one that it needs.
 */
enum kith_scope {
	KITH_SCOPE_NONE = 0,                    /* a method that any token may call */
	KITH_SCOPE_ACCOUNT = 1 << 0,            /* who one is, friends, preferences, sessions: whole sessions only */
	KITH_SCOPE_MESSAGES_READ = 1 << 1,
	KITH_SCOPE_MESSAGES_WRITE = 1 << 2,
	KITH_SCOPE_REACTIONS_WRITE = 1 << 3,
	KITH_SCOPE_MEMBERS_READ = 1 << 4,
	KITH_SCOPE_MEMBERS_MANAGE = 1 << 5,
	KITH_SCOPE_PANELS_MANAGE = 1 << 6,
	KITH_SCOPE_GROUPS_MANAGE = 1 << 7,
	KITH_SCOPE_FILES = 1 << 8,
	KITH_SCOPE_METRICS = 1 << 9,
};
#define KITH_SCOPES_WHOLE UINT32_MAX
#define KITH_SCOPES_MAX 16

struct kith_scope_name { enum kith_scope scope; const char *name, *doc; };
/* Those that can be given to a token, in order of name. */
extern const struct kith_scope_name kith_scopes[];
extern const size_t kith_n_scopes;

const char *kith_scope_name(enum kith_scope scope);             /* "account" for that one; NONE: "" */
enum kith_scope kith_scope_find(struct kith_slice name);        /* NONE: no such one that can be given */
void kith_put_scopes(struct kith_buf *b, uint32_t scopes);      /* an array of their names; nil for a whole session */

#endif
