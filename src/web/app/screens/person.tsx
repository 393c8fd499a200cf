import type { Account, Found, Id } from '@kith/client'
import { Avatar, Crest } from '@kith/ui'
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

// People whom a search has found, to choose one of.
export function FoundList({ a, found, onPick }: { a: Account; found: readonly Found[]; onPick: (p: Found) => unknown }) {
  return (
    <ul class="people">
      {found.map((p) => (
        <li key={p.uid}>
          <button type="button" class="row tall" onClick={() => void onPick(p)}>
            <Face a={a} uid={p.uid} handle={p.handle} />
            <span>
              {p.handle}
              <small class="server">
                <Crest node={p.node} />
                {p.node_name}
              </small>
            </span>
          </button>
        </li>
      ))}
    </ul>
  )
}
