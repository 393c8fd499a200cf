#ifndef KITH_CLIENT_METHODS_H
#define KITH_CLIENT_METHODS_H

#include "client/client.h"

/*
 * The functions behind the table in method.c. KITH_OK: c->result holds the
 * result (nothing written: an empty map); KITH_PENDING: the answer comes later;
 * else kith_fail has said why.
 */

/* accounts.c */
int kith_api_account_claim(struct kith_call *c);
int kith_api_account_guest(struct kith_call *c);
int kith_api_account_email(struct kith_call *c);
int kith_api_account_forgot(struct kith_call *c);
int kith_api_account_login(struct kith_call *c);
int kith_api_account_recover(struct kith_call *c);
int kith_api_account_reset(struct kith_call *c);
int kith_api_account_verify(struct kith_call *c);
int kith_api_account_logout(struct kith_call *c);
int kith_api_account_passwd(struct kith_call *c);
int kith_api_account_register(struct kith_call *c);
int kith_api_session_new(struct kith_call *c);
int kith_api_session_revoke(struct kith_call *c);

/* groups.c, join.c */
int kith_api_group_new(struct kith_call *c);
int kith_api_group_set(struct kith_call *c);
int kith_api_group_join(struct kith_call *c);
int kith_api_group_leave(struct kith_call *c);
int kith_api_dm_open(struct kith_call *c);
int kith_api_invite_new(struct kith_call *c);
int kith_api_invite_preview(struct kith_call *c);
int kith_api_invite_revoke(struct kith_call *c);
int kith_api_request_admit(struct kith_call *c);
int kith_api_request_refuse(struct kith_call *c);

/* acts.c */
int kith_api_member_ban(struct kith_call *c);
int kith_api_member_unban(struct kith_call *c);
int kith_api_member_kick(struct kith_call *c);
int kith_api_member_mute(struct kith_call *c);
int kith_api_member_unmute(struct kith_call *c);
int kith_api_role_new(struct kith_call *c);
int kith_api_role_set(struct kith_call *c);
int kith_api_role_delete(struct kith_call *c);
int kith_api_role_grant(struct kith_call *c);
int kith_api_role_revoke(struct kith_call *c);
int kith_api_panel_new(struct kith_call *c);
int kith_api_panel_set(struct kith_call *c);
int kith_api_panel_delete(struct kith_call *c);
int kith_api_panel_override(struct kith_call *c);
int kith_api_owner_add(struct kith_call *c);
int kith_api_owner_resign(struct kith_call *c);
int kith_api_node_ban(struct kith_call *c);
int kith_api_node_unban(struct kith_call *c);

/* messages.c, people.c */
int kith_api_message_send(struct kith_call *c);
int kith_api_message_edit(struct kith_call *c);
int kith_api_message_proof(struct kith_call *c);
int kith_api_message_react(struct kith_call *c);
int kith_api_message_recall(struct kith_call *c);
int kith_api_message_remove(struct kith_call *c);
int kith_api_message_pin(struct kith_call *c);
int kith_api_typing(struct kith_call *c);
int kith_api_presence_set(struct kith_call *c);
int kith_api_presence_list(struct kith_call *c);
int kith_api_group_nodes(struct kith_call *c);
int kith_api_message_where(struct kith_call *c);
int kith_api_pref_set(struct kith_call *c);
int kith_api_read_mark(struct kith_call *c);
int kith_api_user_find(struct kith_call *c);

/* profile.c, friends.c */
int kith_api_account_profile(struct kith_call *c);
int kith_api_user_get(struct kith_call *c);
int kith_api_user_list(struct kith_call *c);
int kith_api_friend_list(struct kith_call *c);
int kith_api_friend_request(struct kith_call *c);
int kith_api_friend_accept(struct kith_call *c);
int kith_api_friend_remove(struct kith_call *c);
int kith_api_friend_set(struct kith_call *c);

/* reads: read_*.c */
int kith_api_account_me(struct kith_call *c);
int kith_api_audit_list(struct kith_call *c);
int kith_api_group_perms(struct kith_call *c);
int kith_api_group_list(struct kith_call *c);
int kith_api_invite_list(struct kith_call *c);
int kith_api_member_banned(struct kith_call *c);
int kith_api_member_list(struct kith_call *c);
int kith_api_message_find(struct kith_call *c);
int kith_api_message_list(struct kith_call *c);
int kith_api_node_info(struct kith_call *c);
int kith_api_panel_list(struct kith_call *c);
int kith_api_pref_list(struct kith_call *c);
int kith_api_request_list(struct kith_call *c);
int kith_api_role_list(struct kith_call *c);
int kith_api_session_list(struct kith_call *c);
int kith_api_sync(struct kith_call *c);

#endif
