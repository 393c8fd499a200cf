#include "client/friends.h"
#include "client/methods.h"

#include <string.h>

/*
 * The table. One entry a method, in order of name; parameters in order of name.
 * A field's type is a word of the documents: str int bool id handle, [x] for a
 * list, {} for an object that the line describes.
 */
#define P(...) (const struct kith_param[]){ __VA_ARGS__, { .name = NULL } }
#define NO_PARAMS (const struct kith_param[]){ { .name = NULL } }
#define R(...) (const struct kith_field[]){ __VA_ARGS__, { .name = NULL } }
#define NO_RESULT (const struct kith_field[]){ { .name = NULL } }

#define STR(n, req, lo, hi, d) { n, KITH_P_STR, req, lo, hi, d }
#define INT(n, req, lo, hi, d) { n, KITH_P_INT, req, lo, hi, d }
#define BOOL(n, req, d) { n, KITH_P_BOOL, req, 0, 0, d }
#define ID(n, req, d) { n, KITH_P_ID, req, 0, 0, d }
#define STRS(n, req, lo, hi, d) { n, KITH_P_STRS, req, lo, hi, d }

#define MS_MAX INT64_C(0xffffffffffff)

#define P_GROUP ID("group", true, "the group")
#define P_PANEL ID("panel", true, "the panel")
#define P_VIA ID("via", false, "the role to act through; without it the highest that suffices")
#define P_ID(d) ID("id", true, d)
#define P_REASON STR("reason", false, 0, 1024, "why, for those who are told")
#define P_TXN STR("txn", false, 1, 64, "the client's own id for this request: the same one within a day gives the first result again")
#define P_PASSWORD(d) STR("password", true, 1, 512, d)

#define R_ID(d) { "id", "id", d }
#define R_STATE { "state", "str", "friend, incoming, outgoing or none" }
#define PERSON_FIELDS "uid, handle, nick, avatar (a file, or nil), bio, pronouns, status, guest, node, node_name"
#define FRIEND_FIELDS "friend (friend, incoming, outgoing or none), since (ms), remark, note, favourite, blocked"
#define R_SIGNED_IN \
	{ "token", "str", "the session's token, shown once: Authorization: Bearer TOKEN" }, \
	{ "uid", "id", "the account" }, \
	{ "handle", "handle", "name#1234" }

/* NOLINTBEGIN(bugprone-macro-parentheses): lists and values of a struct, which take none */
#define M(name_, doc_, write_, auth_, scope_, rate_, fn_, params_, result_) \
	{ .name = name_, .doc = doc_, .write = write_, .auth = KITH_AUTH_##auth_, .scope = KITH_SCOPE_##scope_, .rate = KITH_RATE_##rate_, .params = params_, \
	  .result = result_, .run = fn_ }
#define M_PW(name_, doc_, auth_, scope_, rate_, fn_, params_, result_) \
	{ .name = name_, .doc = doc_, .write = true, .auth = KITH_AUTH_##auth_, .scope = KITH_SCOPE_##scope_, .rate = KITH_RATE_##rate_, .password = true, \
	  .params = params_, .result = result_, .run = fn_ }
/* NOLINTEND(bugprone-macro-parentheses) */

static const struct kith_field message_fields[] = {
	{ "messages", "[{}]", "oldest first: id, kind, author (handle), uid, text, clock (ms), order (opaque, for `before`), node, seq, edited, "
	  "late, state (visible, waiting, hidden, recalled, removed), reply (id or nil), reactions ([[emoji, n, mine]]), pinned" },
	{ "before", "str", "with more: what to give as `before` for the page behind this one" },
	{ "more", "bool", "there is older history" },
	{ NULL, NULL, NULL },
};

const struct kith_method kith_methods[] = {
	M_PW("account.claim", "Make a guest account a full one", ANY, ACCOUNT, REGISTER, kith_api_account_claim,
	    P(STR("name", false, 1, 128, "a new name"), P_PASSWORD("8 to 128 characters")),
	    R({ "uid", "id", "the account" }, { "handle", "handle", "name#1234" }, { "recovery", "str", "the recovery key, shown once" })),
	M_PW("account.email", "Name one's address for mail; a code goes there, and account.verify takes it", USER, ACCOUNT, LOGIN, kith_api_account_email,
	    P(STR("email", true, 0, 254, "empty: none any more"), STR("lang", false, 2, 16, "of the mail: en (default) or zh-CN"), P_PASSWORD("the present password")),
	    NO_RESULT),
	M("account.forgot", "Have a code for a new password sent to one's address; the answer is the same whether anybody has that address", true, NONE, NONE, LOGIN,
	    kith_api_account_forgot, P(STR("email", true, 3, 254, "the address"), STR("lang", false, 2, 16, "of the mail: en (default) or zh-CN")), NO_RESULT),
	M("account.guest", "Begin as a guest, with a nickname alone", true, NONE, NONE, REGISTER, kith_api_account_guest,
	    P(STR("client", false, 0, 63, "what is signing in, for the list of sessions"), STR("name", true, 1, 128, "nickname")),
	    R(R_SIGNED_IN)),
	M_PW("account.login", "Sign in", NONE, NONE, LOGIN, kith_api_account_login,
	    P(STR("client", false, 0, 63, "what is signing in, for the list of sessions"), STR("name", true, 1, 255, "name, name#1234 or e-mail address"),
	      P_PASSWORD("the password")),
	    R(R_SIGNED_IN)),
	M("account.logout", "End this session", true, ANY, NONE, NONE, kith_api_account_logout, NO_PARAMS, NO_RESULT),
	M("account.me", "Who is signed in", false, ANY, NONE, READ, kith_api_account_me, NO_PARAMS,
	    R({ "uid", "id", "the account" }, { "handle", "handle", "name#1234" }, { "guest", "bool", "not claimed yet" },
	      { "node", "id", "this node" }, { "avatar", "id", "a file, or nil" }, { "bio", "str", "" }, { "nick", "str", "empty: as in the handle" },
	      { "email", "str", "confirmed; empty: none" }, { "pronouns", "str", "" }, { "status", "str", "" })),
	M_PW("account.passwd", "Change the password; every other session ends", USER, ACCOUNT, LOGIN, kith_api_account_passwd,
	    P(STR("old", true, 1, 512, "the present password"), P_PASSWORD("the new one, 8 to 128 characters")), NO_RESULT),
	M("account.profile", "Say who one is, in every group that one is in and to friends; what is not given stays", true, ANY, ACCOUNT, AUTHORITY, kith_api_account_profile,
	    P(STR("avatar", false, 0, 52, "a file of kind avatar; empty: none"), STR("bio", false, 0, KITH_BIO_MAX, "a few lines"),
	      STR("nick", false, 0, 128, "what to be called; empty: as in the handle"), STR("pronouns", false, 0, KITH_PRONOUNS_MAX, "how to be spoken of"),
	      STR("status", false, 0, KITH_STATUS_MAX, "one line on what one is about")),
	    NO_RESULT),
	M_PW("account.recover", "Sign in with the recovery key and choose a new password; every other session ends", NONE, NONE, LOGIN, kith_api_account_recover,
	    P(STR("client", false, 0, 63, "what is signing in, for the list of sessions"), STR("name", true, 1, 255, "name, name#1234 or e-mail address"),
	      P_PASSWORD("the new one, 8 to 128 characters"), STR("recovery", true, 1, 128, "the recovery key")),
	    R(R_SIGNED_IN)),
	M_PW("account.register", "Make an account and sign in", NONE, NONE, REGISTER, kith_api_account_register,
	    P(STR("client", false, 0, 63, "what is signing in, for the list of sessions"),
	      STR("invite", false, 1, 128, "a code, where registration is by invitation"), STR("name", true, 1, 128, "nickname"),
	      P_PASSWORD("8 to 128 characters")),
	    R(R_SIGNED_IN, { "recovery", "str", "the recovery key, shown once" })),
	M_PW("account.reset", "Choose a new password with the code from account.forgot; every other session ends", NONE, NONE, LOGIN, kith_api_account_reset,
	    P(STR("client", false, 0, 63, "what is signing in, for the list of sessions"), STR("code", true, 1, 16, "six digits, for ten minutes, five tries"),
	      STR("email", true, 3, 254, "the address"), P_PASSWORD("the new one, 8 to 128 characters")),
	    R(R_SIGNED_IN)),
	M("account.verify", "Confirm the address that account.email named", true, USER, ACCOUNT, LOGIN, kith_api_account_verify,
	    P(STR("code", true, 1, 16, "six digits, for ten minutes, five tries")), NO_RESULT),
	M("audit.list", "Acts of authority, newest first", false, ANY, MEMBERS_MANAGE, READ, kith_api_audit_list,
	    P(STR("before", false, 1, 64, "order of the oldest act seen"), P_GROUP, INT("limit", false, 1, 100, "at most so many (50)")),
	    R({ "acts", "[{}]", "id, kind, author (handle), uid, clock (ms), order, via, state (effective, void, invalid), text, and what it names: users ([handle]), uids, role, perms, panel, node, invite, key, until (ms; 0: without end)" })),
	M("dm.open", "The conversation with somebody, made if there is none", true, USER, MESSAGES_WRITE, GROUP, kith_api_dm_open,
	    P(STRS("users", true, 1, 49, "the other people's uids")),
	    R({ "group", "id", "the conversation" }, { "panel", "id", "its only panel" })),
	M("friend.accept", "Say yes to somebody who asked", true, USER, ACCOUNT, INVITE, kith_api_friend_accept, P(ID("user", true, "whom")), R(R_STATE)),
	M("friend.list", "Everybody with whom one has something: friends, requests both ways, people blocked, named or noted", false, USER, ACCOUNT, READ, kith_api_friend_list, NO_PARAMS,
	    R({ "friends", "[{}]", PERSON_FIELDS ", " FRIEND_FIELDS })),
	M("friend.remove", "End a friendship, decline a request, or take one's own back", true, USER, ACCOUNT, INVITE, kith_api_friend_remove, P(ID("user", true, "whom")), R(R_STATE)),
	M("friend.request", "Ask somebody to be friends; they who asked already are told yes", true, USER, ACCOUNT, INVITE, kith_api_friend_request, P(ID("user", true, "whom")), R(R_STATE)),
	M("friend.set", "What one keeps about somebody, friend or not; nobody else is told", true, USER, ACCOUNT, NONE, kith_api_friend_set,
	    P(BOOL("blocked", false, "nothing of theirs is shown, and no request of theirs comes through; ends a friendship"), BOOL("favourite", false, "before others in lists"),
	      STR("note", false, 0, KITH_NOTE_MAX, "for oneself"), STR("remark", false, 0, KITH_REMARK_MAX, "another name for them"), ID("user", true, "whom")),
	    R(R_STATE)),
	M("group.join", "Join by an invite link", true, ANY, GROUPS_MANAGE, JOIN, kith_api_group_join,
	    P({ "answers", KITH_P_ANY, false, 0, 6000, "where people ask to be let in: a list of strings, to its questions in their order" },
	      STR("link", true, 8, KITH_LINK_MAX, "the link, or what follows its #")),
	    R({ "group", "id", "the group" }, { "name", "str", "its name" }, { "panel", "id", "where the invite leads, or nil" },
	      { "state", "str", "member, or requested" })),
	M("group.leave", "Leave a group", true, ANY, GROUPS_MANAGE, NONE, kith_api_group_leave, P(P_GROUP), NO_RESULT),
	M("group.list", "The groups and conversations one is in", false, ANY, MESSAGES_READ, READ, kith_api_group_list, NO_PARAMS,
	    R({ "groups", "[{}]", "id, name, description, avatar (a file, or nil), banner, language, kind (group, direct), join (open, invite, request), members, nodes, panels ([{id, name, kind, private, read (order, or empty), unread, mentions (both up to 100)}]), owner (bool), people ([uid]: the others of a conversation)" })),
	M("group.new", "Make a group: roles Admin and Moderator, a panel `general`, and oneself as owner", true, USER, GROUPS_MANAGE, GROUP, kith_api_group_new,
	    P(STR("join", false, 4, 7, "open, invite (default) or request"), STR("name", true, 1, 100, "its name"),
	      STRS("panels", false, 1, 20, "what it begins with instead of `general`: chat:NAME or announcement:NAME each"), P_TXN),
	    R(R_ID("the group"), { "panel", "id", "its first panel" })),
	M("group.nodes", "The servers that a group lives on, as this one sees them", true, ANY, MEMBERS_READ, READ, kith_api_group_nodes, P(P_GROUP),
	    R({ "nodes", "[{}]", "node, name, people (members who live there), self (bool), linked (bool), rtt (ms), banned (bool)" })),
	M("group.perms", "What one may do in a group or a panel of it, or what who holds a role and no other may", false, ANY, MESSAGES_READ, READ, kith_api_group_perms,
	    P(P_GROUP, ID("panel", false, "there; absent: in the group as a whole"), ID("role", false, "as this role would; absent: oneself")),
	    R({ "perms", "[str]", "sorted" })),
	M("group.set", "Change a setting of a group", true, ANY, GROUPS_MANAGE, AUTHORITY, kith_api_group_set,
	    P(P_GROUP, STR("key", true, 1, 64, "name, topic, description, language, avatar, banner (a file; empty: none), join, questions (one a line) ..."), STR("value", true, 0, 2048, "the new value"), P_VIA),
	    R(R_ID("the act"))),
	M("invite.list", "Invites of a group made at this node", false, ANY, MEMBERS_MANAGE, READ, kith_api_invite_list, P(P_GROUP),
	    R({ "invites", "[{}]", "id, maker (handle), uid, made, expires (0: never), uses (0: no limit), used, role, revoked" })),
	M("invite.new", "Make an invite link", true, ANY, MEMBERS_MANAGE, INVITE, kith_api_invite_new,
	    P(INT("expires", false, 0, MS_MAX, "milliseconds from now; 0 or absent: never"), P_GROUP,
	      BOOL("guests", false, "may guests come by it (default yes)"), ID("panel", false, "where to arrive"), ID("role", false, "a role to be given on arrival"), INT("uses", false, 0, 1000000, "how many people; 0 or absent: no limit")),
	    R(R_ID("the invite; nil where people ask to be let in"), { "link", "str", "to give away" })),
	M("invite.preview", "Where an invite link leads; without signing in, too", true, NONE, NONE, READ, kith_api_invite_preview,
	    P(STR("link", true, 8, KITH_LINK_MAX, "the link, or what follows its #")),
	    R({ "group", "id", "the group" }, { "name", "str", "its name" }, { "description", "str", "what it is about" }, { "members", "int", "0 where it is not known" },
	      { "nodes", "int", "servers with members" }, { "maker", "str", "who invites" }, { "guests", "bool", "guests may come" },
	      { "join", "str", "open, invite or request" }, { "questions", "[str]", "that who asks to be let in answers" }, { "state", "str", "ok, expired, revoked, used, member (already), or unknown: no server that knows can be asked" })),
	M("invite.revoke", "End an invite", true, ANY, MEMBERS_MANAGE, AUTHORITY, kith_api_invite_revoke, P(P_GROUP, P_ID("the invite"), P_VIA), R(R_ID("the act"))),
	M("member.ban", "Ban: ends the membership and forbids a new one", true, ANY, MEMBERS_MANAGE, AUTHORITY, kith_api_member_ban,
	    P(INT("for", false, 1, MS_MAX, "milliseconds; absent: until lifted"), P_GROUP, P_REASON, ID("user", true, "whom"), P_VIA), R(R_ID("the act"))),
	M("member.banned", "Who is banned from a group", false, ANY, MEMBERS_MANAGE, READ, kith_api_member_banned, P(P_GROUP),
	    R({ "banned", "[{}]", "uid, handle; at most 1,000" })),
	M("member.kick", "End somebody's membership", true, ANY, MEMBERS_MANAGE, AUTHORITY, kith_api_member_kick,
	    P(P_GROUP, P_REASON, ID("user", true, "whom"), P_VIA), R(R_ID("the act"))),
	M("member.list", "Who is in a group", false, ANY, MEMBERS_READ, READ, kith_api_member_list,
	    P(ID("after", false, "the last uid of the page before"), P_GROUP, INT("limit", false, 1, 1000, "at most so many (100)")),
	    R({ "members", "[{}]", "in order of uid: uid, handle, nick, avatar, status, node, node_name, guest, owner, roles ([name]), banned, muted" },
	      { "total", "int", "members in all" })),
	M("member.mute", "Take somebody's voice", true, ANY, MEMBERS_MANAGE, AUTHORITY, kith_api_member_mute,
	    P(INT("for", false, 1, MS_MAX, "milliseconds; absent: until lifted"), P_GROUP, P_REASON, ID("user", true, "whom"), P_VIA), R(R_ID("the act"))),
	M("member.unban", "Lift a ban", true, ANY, MEMBERS_MANAGE, AUTHORITY, kith_api_member_unban, P(P_GROUP, ID("user", true, "whom"), P_VIA), R(R_ID("the act"))),
	M("member.unmute", "Give somebody's voice back", true, ANY, MEMBERS_MANAGE, AUTHORITY, kith_api_member_unmute, P(P_GROUP, ID("user", true, "whom"), P_VIA), R(R_ID("the act"))),
	M("message.edit", "Change the text of one's own message", true, ANY, MESSAGES_WRITE, SEND, kith_api_message_edit,
	    P(P_GROUP, P_ID("the message"), STR("text", true, 1, 32768, "the new text"), P_TXN), R(R_ID("the edit"))),
	M("message.find", "Messages whose id begins so", false, ANY, MESSAGES_READ, READ, kith_api_message_find,
	    P(STR("prefix", true, 6, 52, "6 or more characters")), R({ "found", "[{}]", "id, group, panel, order" })),
	M("message.list", "A page of a panel, newest first unless `before` says where", false, ANY, MESSAGES_READ, READ, kith_api_message_list,
	    P(STR("before", false, 1, 64, "order of the oldest message seen"), P_GROUP, INT("limit", false, 1, 100, "at most so many (50)"), P_PANEL),
	    message_fields),
	M("message.pin", "Pin a message, or take the pin away", true, ANY, MESSAGES_WRITE, SEND, kith_api_message_pin,
	    P(P_GROUP, P_ID("the message"), BOOL("on", false, "default true")), R(R_ID("the record"))),
	M("message.proof", "What a message rests on, checked now from the bytes that this node holds", false, ANY, MESSAGES_READ, READ, kith_api_message_proof,
	    P(P_GROUP, P_ID("the message")),
	    R({ "record", "{}", "id, seq (its place in its feed), clock (ms)" }, { "body", "str", "is its text what the record says? good, bad, or missing" },
	      { "author", "{}", "uid, handle, key, state: good, bad, missing (the document is not here), none (the home speaks for them)" },
	      { "node", "{}", "id, name: of the home that wrote it" },
	      { "chain", "{}", "n records of the feed lead to the tip (id), at place seq, which the home has signed; state: good, bad, missing, long (too many)" },
	      { "root", "{}", "n acts of authority lead back to the one that made the group (id); state as before" })),
	M("message.react", "React to a message, or take the reaction back", true, ANY, REACTIONS_WRITE, SEND, kith_api_message_react,
	    P(STR("emoji", true, 1, 64, "the reaction"), P_GROUP, P_ID("the message"), BOOL("on", false, "default true")), R(R_ID("the record"))),
	M("message.recall", "Take back one's own message", true, ANY, MESSAGES_WRITE, SEND, kith_api_message_recall, P(P_GROUP, P_ID("the message")), R(R_ID("the record"))),
	M("message.remove", "Remove somebody's message, as a moderator", true, ANY, MEMBERS_MANAGE, SEND, kith_api_message_remove,
	    P(P_GROUP, P_ID("the message"), P_REASON), R(R_ID("the record"))),
	M("message.send", "Say something; the answer comes when it is on disk", true, ANY, MESSAGES_WRITE, SEND, kith_api_message_send,
	    P(P_GROUP, P_PANEL, ID("reply", false, "the message answered"), STR("text", true, 1, 32768, "what to say"), P_TXN),
	    R(R_ID("the message"), { "clock", "int", "ms" })),
	M("message.where", "How many of the group's servers have these messages, as far as this one knows", true, ANY, MESSAGES_READ, READ, kith_api_message_where,
	    P(P_GROUP, STRS("ids", true, 1, 100, "the messages")),
	    R({ "where", "[{}]", "id, nodes (that have it), of (that are in the group and may have it); those one may see" })),
	M("node.ban", "Shut a node out of a group", true, ANY, MEMBERS_MANAGE, AUTHORITY, kith_api_node_ban, P(P_GROUP, ID("node", true, "which"), P_REASON, P_VIA), R(R_ID("the act"))),
	M("node.info", "This node", false, NONE, NONE, READ, kith_api_node_info, NO_PARAMS,
	    R({ "node", "id", "its id" }, { "name", "str", "its name" }, { "version", "str", "of Kith" },
	      { "registration", "str", "open, invite or closed" }, { "now", "int", "its clock, ms" },
	      { "mail", "bool", "does it send mail?" }, { "pictures", "bool", "does it take pictures (avatars, banners)?" })),
	M("node.unban", "Let a node in again", true, ANY, MEMBERS_MANAGE, AUTHORITY, kith_api_node_unban, P(P_GROUP, ID("node", true, "which"), P_VIA), R(R_ID("the act"))),
	M("owner.add", "Make somebody an owner", true, ANY, GROUPS_MANAGE, AUTHORITY, kith_api_owner_add, P(P_GROUP, ID("user", true, "whom")), R(R_ID("the act"))),
	M("owner.resign", "Lay down ownership", true, ANY, GROUPS_MANAGE, AUTHORITY, kith_api_owner_resign, P(P_GROUP), R(R_ID("the act"))),
	M("page.check", "May a page be shown in a frame? Asked by this node, which follows at most three redirections", false, ANY, MESSAGES_READ, PAGE, NULL,
	    P(STR("origin", true, 8, 255, "of the page that wants to show it: https://kith.example"), STR("url", true, 8, 1024, "http or https")),
	    R({ "outcome", "str", "ok, forbids (open it in a tab), unreachable, private (an address that this node does not look at), bad (no such URL)" },
	      { "status", "int", "of HTTP; 0: none came" })),
	M("panel.delete", "Delete a panel", true, ANY, PANELS_MANAGE, AUTHORITY, kith_api_panel_delete, P(STR("children", false, 4, 6, "of a folder: move (default) or delete"), P_GROUP, P_PANEL, P_VIA), R(R_ID("the act"))),
	M("panel.list", "The panels of a group that one may see", false, ANY, MESSAGES_READ, READ, kith_api_panel_list, P(P_GROUP),
	    R({ "panels", "[{}]", "in their order: id, name, topic, kind (chat, announcement, folder, web), parent, order, private, open (false: read-only), slow (s; 0: not), notify (all, mentions, none), url, may_send" })),
	M("panel.new", "Make a panel", true, ANY, PANELS_MANAGE, AUTHORITY, kith_api_panel_new,
	    P(P_GROUP, STR("kind", false, 3, 16, "chat (default), announcement, folder or web"), STR("name", true, 1, 100, "its name"),
	      ID("parent", false, "the folder"), BOOL("private", false, "only for those who are allowed in"), P_VIA),
	    R(R_ID("the panel"))),
	M("panel.override", "Allow, deny or inherit a permission in a panel, for a role or a person", true, ANY, PANELS_MANAGE, AUTHORITY, kith_api_panel_override,
	    P(STR("effect", true, 4, 7, "allow, deny or inherit"), P_GROUP, P_PANEL, STR("perm", true, 1, 64, "message.send, panel.view ..."),
	      ID("role", false, "for a role"), ID("user", false, "for a person"), P_VIA),
	    R(R_ID("the act"))),
	M("panel.set", "Change a setting of a panel", true, ANY, PANELS_MANAGE, AUTHORITY, kith_api_panel_set,
	    P(P_GROUP, STR("key", true, 1, 64, "name, topic, open (true, or false: read-only), slow (s), notify (all, mentions, none), url (https), parent, order"), P_PANEL, STR("value", true, 0, 2048, "the new value"), P_VIA),
	    R(R_ID("the act"))),
	M("pref.list", "One's preferences", false, ANY, ACCOUNT, READ, kith_api_pref_list, NO_PARAMS,
	    R({ "prefs", "{}", "key: value" })),
	M("pref.set", "Keep a preference; one's other connections are told (`pref`)", true, ANY, ACCOUNT, NONE, kith_api_pref_set,
	    P(STR("key", true, 1, 128, "its name, such as draft/PANEL"), STR("value", true, 0, 16384, "what it is; empty: forget it")), NO_RESULT),
	M("presence.list", "Who of a group is there now, as far as this node knows; others are offline", true, ANY, MEMBERS_READ, READ, kith_api_presence_list, P(P_GROUP),
	    R({ "people", "[{}]", "uid, state (online, idle, busy)" })),
	M("presence.set", "Tell those one shares a conversation with: online, idle, busy or offline", true, ANY, ACCOUNT, SEND, kith_api_presence_set,
	    P(STR("state", true, 4, 7, "online, idle, busy, offline")), NO_RESULT),
	M("read.mark", "Remember how far one has read; one's other connections are told (`read`)", true, ANY, MESSAGES_WRITE, NONE, kith_api_read_mark,
	    P(BOOL("back", false, "mark as unread what is behind it; else an older place changes nothing"), P_GROUP, STR("order", true, 1, 64, "order of the newest message read"), P_PANEL), NO_RESULT),
	M("request.admit", "Let somebody in who asked", true, ANY, MEMBERS_MANAGE, AUTHORITY, kith_api_request_admit, P(P_GROUP, ID("user", true, "whom"), P_VIA), R(R_ID("the act"))),
	M("request.list", "Who asks to be let in", false, ANY, MEMBERS_MANAGE, READ, kith_api_request_list, P(P_GROUP),
	    R({ "questions", "[str]", "that are asked now" }, { "requests", "[{}]", "uid, handle, node, asked (ms), answers ([str])" })),
	M("request.refuse", "Decline a request; nobody is told", true, ANY, MEMBERS_MANAGE, NONE, kith_api_request_refuse, P(P_GROUP, ID("user", true, "whom")), NO_RESULT),
	M("role.delete", "Delete a role", true, ANY, GROUPS_MANAGE, AUTHORITY, kith_api_role_delete, P(P_GROUP, ID("role", true, "which"), P_VIA), R(R_ID("the act"))),
	M("role.grant", "Give somebody a role", true, ANY, MEMBERS_MANAGE, AUTHORITY, kith_api_role_grant,
	    P(P_GROUP, ID("role", true, "which"), ID("user", true, "whom"), P_VIA), R(R_ID("the act"))),
	M("role.list", "The roles of a group", false, ANY, MEMBERS_READ, READ, kith_api_role_list, P(P_GROUP),
	    R({ "roles", "[{}]", "id, name, level (0: implicit), perms, may, holders ([uid])" })),
	M("role.new", "Make a role", true, ANY, GROUPS_MANAGE, AUTHORITY, kith_api_role_new,
	    P(P_GROUP, INT("level", true, 1, 99, "acts reach downwards from here, for good"),
	      STRS("may", false, 0, KITH_PERMS_MAX, "permissions it may ever have (default: perms)"), STR("name", true, 1, 100, "its name"),
	      STRS("perms", true, 0, KITH_PERMS_MAX, "permissions it has"), P_VIA),
	    R(R_ID("the role"))),
	M("role.revoke", "Take a role from somebody, or lay down one's own", true, ANY, MEMBERS_MANAGE, AUTHORITY, kith_api_role_revoke,
	    P(P_GROUP, ID("role", true, "which"), ID("user", true, "whom"), P_VIA), R(R_ID("the act"))),
	M("role.set", "Turn permissions of a role on or off", true, ANY, GROUPS_MANAGE, AUTHORITY, kith_api_role_set,
	    P(BOOL("allow", true, "on or off"), P_GROUP, STRS("perms", true, 1, KITH_PERMS_MAX, "which"), ID("role", true, "whose"), P_VIA),
	    R(R_ID("the act"))),
	M("session.list", "One's sessions", false, ANY, ACCOUNT, READ, kith_api_session_list, NO_PARAMS,
	    R({ "sessions", "[{}]", "id, client, made, seen, expires (ms), current, scopes (of a token; nil: all that its person may)" })),
	M("session.new", "Make a token for a program, good for some things only", true, ANY, ACCOUNT, INVITE, kith_api_session_new,
	    P(STR("client", true, 1, 63, "what to call it in the list"), STRS("scopes", true, 1, KITH_SCOPES_MAX, "which things; /api/docs lists them")),
	    R(R_ID("names it in the list"), { "expires", "int", "unless it is used before (ms)" }, { "token", "str", "shown once: Authorization: Bearer TOKEN" })),
	M("session.revoke", "End one session, or all others", true, ANY, ACCOUNT, NONE, kith_api_session_revoke,
	    P(ID("id", false, "which; absent: all others")), NO_RESULT),
	M("session.ticket", "A ticket for one WebSocket, good for 30 s", false, ANY, NONE, NONE, NULL, NO_PARAMS,
	    R({ "ticket", "str", "GET /ws?ticket=..." })),
	M("sync", "What changed since a cursor", false, ANY, MESSAGES_READ, READ, kith_api_sync,
	    P(STR("cursor", false, 1, 32, "from the last answer; absent: only a cursor is given")),
	    R({ "cursor", "str", "for next time" }, { "reset", "bool", "too much has changed: read anew" },
	      { "panels", "[{}]", "group, panel, new (messages), changed (ids, at most 100)" }, { "groups", "[id]", "whose settings or roster changed" })),
	M("typing", "One is writing", true, ANY, MESSAGES_WRITE, SEND, kith_api_typing, P(P_GROUP, P_PANEL), NO_RESULT),
	M("user.find", "People by name, name@node, name#1234@node or uid", true, ANY, MEMBERS_READ, NONE, kith_api_user_find,
	    P(STR("text", true, 1, 320, "the name")), R({ "users", "[{}]", "uid, handle, node, node_name" })),
	M("user.get", "Somebody, and what one has with them", false, ANY, MEMBERS_READ, READ, kith_api_user_get,
	    P(ID("group", false, "as shown there"), ID("user", true, "whom")),
	    R({ "uid", "id", "the person" }, { "person", "{}", "beside it: " PERSON_FIELDS ", " FRIEND_FIELDS ", groups ([id]: those one shares)" })),
	M("user.list", "Several people at once; those who are not known here are left out", false, ANY, MEMBERS_READ, READ, kith_api_user_list,
	    P(ID("group", false, "as shown there"), STRS("users", true, 1, 100, "their uids")), R({ "users", "[{}]", PERSON_FIELDS })),
};
const size_t kith_n_methods = sizeof(kith_methods) / sizeof(kith_methods[0]);

const struct kith_method *
kith_method_find(struct kith_slice name)
{
	size_t lo = 0, hi = kith_n_methods;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int d = kith_slice_cmp(name, kith_slice_str(kith_methods[mid].name));

		if (d == 0)
			return &kith_methods[mid];
		if (d < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}
