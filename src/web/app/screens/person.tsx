import type { Account, Id } from '@kith/client'
import { Avatar } from '@kith/ui'
import { nameOf } from '../lib/format'
import { open } from './open'

// How people look wherever they are met.

export function pictureOf(avatar: Id | null | undefined, group?: Id): { src: string } | undefined {
  return avatar === null || avatar === undefined ? undefined : { src: `/blob/${avatar}${group !== undefined ? `?group=${group}` : ''}` }
}

export function Face({ a, uid, handle, group, size = 32, presence = false }: { a: Account; uid: Id; handle: string; group?: Id; size?: number; presence?: boolean }) {
  const mine = uid === a.me.value.uid
  const avatar = mine ? a.me.value.avatar : a.people.person(uid, group).value?.avatar
  const face = <Avatar id={uid} name={calledIn(a, uid, handle, group)} size={size} {...pictureOf(avatar, mine ? undefined : group)} />
  if (!presence) return face
  return (
    <span class="face" data-presence={mine ? a.presence.value : a.people.presenceOf(uid)}>
      {face}
    </span>
  )
}

export function calledIn(a: Account, uid: Id, handle: string, group?: Id): string {
  if (uid !== a.me.value.uid) return a.people.nameOf(uid, handle, group)
  return a.me.value.nick || nameOf(a.me.value.handle)
}

export function showPerson(uid: Id, group?: Id): void {
  open.value = { is: 'person', uid, ...(group !== undefined && { group }) }
}
