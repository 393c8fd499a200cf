import { computed, signal, type ReadonlySignal, type Signal } from '@preact/signals-core'
import type { Env } from './env'
import type { Friend, Id, Member, Method, Params, Person, Presence, Result } from './types'

const GATHER_MS = 30
const MAX = 100

type Ask = <M extends Method>(method: M, params: Params<M>) => Promise<Result<M>>

/*
 * Everybody that the screens speak of: who they say they are, what one keeps about them, and whether
 * they are there. Who is not known yet is asked for once, many at a time.
 */
export class People {
  readonly friends = signal<readonly Friend[] | undefined>(undefined)
  readonly presence = signal<ReadonlyMap<Id, Presence>>(new Map())
  private readonly known = new Map<Id, Signal<Person | undefined>>()
  private readonly unknown = new Map<Id, Id | undefined>()
  private readonly about = computed(() => new Map((this.friends.value ?? []).map((f) => [f.uid, f])))
  private readonly roomsAsked = new Set<Id>()
  private gathering = false

  constructor(
    private readonly env: Env,
    private readonly ask: Ask,
  ) {}

  // Group: where they are met, so that a server asks no further than there.
  person(uid: Id, group?: Id): ReadonlySignal<Person | undefined> {
    let s = this.known.get(uid)
    if (s === undefined) {
      s = signal(undefined)
      this.known.set(uid, s)
      this.want(uid, group)
    }
    return s
  }
  friend(uid: Id): Friend | undefined {
    return this.about.value.get(uid)
  }
  isBlocked(uid: Id): boolean {
    return this.friend(uid)?.blocked === true
  }
  // What one calls them oneself, what they want to be called, or what the handle says; never empty.
  nameOf(uid: Id, handle: string, group?: Id): string {
    const own = this.friend(uid)?.remark
    if (own !== undefined && own !== '') return own
    const nick = this.person(uid, group).value?.nick
    if (nick !== undefined && nick !== '') return nick
    const cut = handle.lastIndexOf('#')
    return cut > 0 ? handle.slice(0, cut) : handle
  }
  presenceOf(uid: Id): Presence {
    return this.isBlocked(uid) ? 'offline' : (this.presence.value.get(uid) ?? 'offline')
  }

  // From a list of members one knows who they are without asking.
  meet(members: readonly Member[]): void {
    for (const m of members) {
      const s = this.known.get(m.uid)
      const person: Person = { ...(s?.value ?? { bio: '', pronouns: '' }), ...m }
      if (s === undefined) this.known.set(m.uid, signal(person))
      else s.value = person
      this.unknown.delete(m.uid)
    }
  }
  changed(uid: Id, group?: Id): void {
    if (this.known.has(uid)) this.want(uid, group)
  }
  // After a time away anything may have changed.
  again(): void {
    for (const uid of this.known.keys()) this.want(uid, undefined)
    const rooms = [...this.roomsAsked]
    this.roomsAsked.clear()
    this.presence.value = new Map()
    for (const group of rooms) this.look(group)
  }

  async loadFriends(): Promise<void> {
    this.friends.value = (await this.ask('friend.list', {})).friends
  }
  // Who is there in a group: asked for once, told from then on.
  look(group: Id): void {
    if (this.roomsAsked.has(group)) return
    this.roomsAsked.add(group)
    this.ask('presence.list', { group }).then(
      ({ people }) => {
        const all = new Map(this.presence.value)
        for (const p of people) all.set(p.uid, p.state)
        this.presence.value = all
      },
      () => this.roomsAsked.delete(group),
    )
  }
  takePresence(uid: Id, state: Presence): void {
    if (this.presence.value.get(uid) !== state) this.presence.value = new Map(this.presence.value).set(uid, state)
  }

  private want(uid: Id, group: Id | undefined): void {
    this.unknown.set(uid, group)
    if (this.gathering) return
    this.gathering = true
    this.env.later(GATHER_MS, () => void this.gather())
  }
  private async gather(): Promise<void> {
    this.gathering = false
    const byGroup = new Map<Id | undefined, Id[]>()
    for (const [uid, group] of this.unknown) byGroup.set(group, [...(byGroup.get(group) ?? []), uid])
    this.unknown.clear()
    for (const [group, uids] of byGroup)
      for (let i = 0; i < uids.length; i += MAX) {
        const some = uids.slice(i, i + MAX)
        try {
          const { users } = await this.ask('user.list', { users: some, ...(group !== undefined && { group }) })
          for (const p of users) {
            const s = this.known.get(p.uid)
            if (s !== undefined) s.value = p
          }
        } catch {
          // they are asked for again after the next time away
        }
      }
  }
}
