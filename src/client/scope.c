#include "client/scope.h"

#include "wire/mp.h"

const struct kith_scope_name kith_scopes[] = {
	{ KITH_SCOPE_FILES, "files", "bring files" },
	{ KITH_SCOPE_GROUPS_MANAGE, "groups.manage", "make, join and leave groups, change their settings, roles and owners" },
	{ KITH_SCOPE_MEMBERS_MANAGE, "members.manage", "invite, admit, grant roles, mute, kick, ban, remove messages, read the audit log" },
	{ KITH_SCOPE_MEMBERS_READ, "members.read", "see who is in a group, with which roles, and who is there now" },
	{ KITH_SCOPE_MESSAGES_READ, "messages.read", "see groups, panels and what is said in them, get files, hear of what is new" },
	{ KITH_SCOPE_MESSAGES_WRITE, "messages.write", "send, edit, recall and pin messages, open conversations" },
	{ KITH_SCOPE_METRICS, "metrics", "read /metrics, where the account may" },
	{ KITH_SCOPE_PANELS_MANAGE, "panels.manage", "make, change and delete panels" },
	{ KITH_SCOPE_REACTIONS_WRITE, "reactions.write", "react to messages" },
};
const size_t kith_n_scopes = sizeof(kith_scopes) / sizeof(kith_scopes[0]);
_Static_assert(sizeof(kith_scopes) / sizeof(kith_scopes[0]) <= KITH_SCOPES_MAX, "one token may hold all of them");

const char *
kith_scope_name(enum kith_scope scope)
{
	for (size_t i = 0; i < kith_n_scopes; i++) {
		if (kith_scopes[i].scope == scope)
			return kith_scopes[i].name;
	}
	return scope == KITH_SCOPE_ACCOUNT ? "account" : "";
}

enum kith_scope
kith_scope_find(struct kith_slice name)
{
	for (size_t i = 0; i < kith_n_scopes; i++) {
		if (kith_slice_is(name, kith_scopes[i].name))
			return kith_scopes[i].scope;
	}
	return KITH_SCOPE_NONE;
}

void
kith_put_scopes(struct kith_buf *b, uint32_t scopes)
{
	uint32_t n = 0;
	size_t mark;

	if (scopes == KITH_SCOPES_WHOLE) {
		kith_mp_put_nil(b);
		return;
	}
	mark = kith_mp_begin(b);
	for (size_t i = 0; i < kith_n_scopes; i++) {
		if ((scopes & (uint32_t)kith_scopes[i].scope) != 0) {
			kith_mp_put_cstr(b, kith_scopes[i].name);
			n++;
		}
	}
	kith_mp_end_array(b, mark, n);
}
