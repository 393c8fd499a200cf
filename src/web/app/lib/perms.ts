// The permissions that a role is shown with: those of what there is. Others that it has stay as they are.
export const permGroups = [
  ['see', ['panel.view', 'panel.history', 'members.view', 'group.details', 'audit.view']],
  ['speak', ['message.send', 'message.link', 'message.react', 'message.mention.role', 'message.mention.all', 'message.bypass_slow']],
  ['invite', ['invite.create', 'invite.unlimited', 'invite.manage', 'join.approve']],
  ['moderate', ['message.pin', 'message.remove', 'member.mute', 'member.kick', 'member.ban']],
  ['manage', ['group.profile', 'group.config', 'panel.manage', 'panel.permissions', 'role.manage', 'federation.manage']],
] as const

export type Perm = (typeof permGroups)[number][1][number]
