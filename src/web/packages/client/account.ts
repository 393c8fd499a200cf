import { batch, computed, signal, type ReadonlySignal, type Signal } from '@preact/signals-core'
import type { Env } from './env'
import { KithError } from './error'
import type { Http } from './http'
import { Link, type Phase } from './link'
import { Outbox } from './outbox'
import { People } from './people'
import type { Store } from './store'
import { justBefore, Timeline } from './timeline'
import { Whereabouts } from './where'
import type { AsRole, Brought, Group, Id, Me, Member, Message, Method, Order, Panel, Params, Presence, Push, Result, Role } from './types'

const TYPING_MS = 5000
const TYPING_AGAIN_MS = 3000
const SETTLE_MS = 1000
const DRAFT_MS = 1000
const SOON_MS = 300

export interface Unread {
  readonly count: number
  readonly mentions: number
}
const nothing: Unread = { count: 0, mentions: 0 }

interface Saved {
  me: Me
  groups: Group[]
  cursor: string | undefined
  unread: [Id, Unread][]
  read: [Id, Order][]
  readonly era?: string
  readonly lacking?: readonly (readonly [Id, number])[]
}

/*
 * One signed-in account. Everything that a screen shows of it is a signal, filled from the device
 * at once and from the server when it can be reached; what is done is asked of the server, which
 * tells of it like of anybody's doing.
 */
export class Account {
  readonly me: Signal<Me>
  readonly groups = signal<readonly Group[]>([])
  readonly loaded = signal(false)
  readonly phase: ReadonlySignal<Phase>
  readonly outbox: Outbox
  readonly unread = signal<ReadonlyMap<Id, Unread>>(new Map())
  readonly people: People
  // What one chose to be for others.
  readonly presence = signal<Presence>('online')
  // What is written and not sent, by panel; the same on all of one's devices.
  readonly drafts = signal<ReadonlyMap<Id, string>>(new Map())
  readonly where: Whereabouts
  readonly typing = signal<ReadonlyMap<Id, ReadonlyMap<Id, number>>>(new Map())
  private readonly link: Link
  private readonly timelines = new Map<Id, Timeline>()
  private readonly panelLists = new Map<Id, Signal<readonly Panel[] | undefined>>()
  private readonly permSets = new Map<Id, Signal<ReadonlySet<string>>>()
  private readonly memberLists = new Map<Id, Signal<readonly Member[] | undefined>>()
  private readonly read = new Map<Id, Order>()
  private cursor: string | undefined
  private lastTyping = 0
  private readonly shown = new Set<Id>()
  private keptUnread: Id | undefined
  // How many messages a panel has more than what of it is on this device (endless: something else has changed, too),
  // reckoned within an era: since then the cursor has told of everything.
  private readonly lacking = new Map<Id, number>()
  private era = ''
  private catchingUp = (): void => {}
  private readonly caughtUp = new Promise<void>((done) => (this.catchingUp = done))
  private readonly draftsToTell = new Set<Id>()
  private stopDrafts = (): void => {}
  private ups = 0
  private stopSettling = (): void => {}

  private constructor(
    private readonly env: Env,
    private readonly http: Http,
    private readonly store: Store,
    me: Me,
    alone?: (f: () => Promise<void>) => Promise<void>,
  ) {
    this.me = signal(me)
    this.link = new Link(env, http, { up: () => void this.catchUp(), push: (p) => this.take(p) })
    this.phase = this.link.phase
    this.people = new People(env, (m, p) => this.call(m, p))
    this.where = new Whereabouts(env, async (group, ids) => (await this.call('message.where', { group, ids })).where)
    this.outbox = new Outbox(
      env,
      store,
      async (p) => {
        await this.call('message.send', {
          group: p.group,
          panel: p.panel,
          text: p.text,
          txn: p.txn,
          ...(p.reply !== undefined && { reply: p.reply }),
        })
      },
      alone,
    )
  }

  // Signed in already? From what the device knows if the server is away; undefined: sign in.
  static async resume(env: Env, http: Http, store: Store, alone?: (f: () => Promise<void>) => Promise<void>): Promise<Account | undefined> {
    const saved = (await store.get('state', 'account')) as Saved | undefined
    let me: Me | undefined
    try {
      me = await http.call('account.me', {})
    } catch (e) {
      if (e instanceof KithError && e.code === 'unauthorized') {
        if (saved !== undefined) await store.clear()
        return undefined
      }
      if (saved === undefined) throw e
      me = saved.me
    }
    if (saved !== undefined && saved.me.uid !== me.uid) await store.clear()
    const a = new Account(env, http, store, me, alone)
    if (saved !== undefined && saved.me.uid === me.uid) {
      a.groups.value = saved.groups
      a.cursor = saved.cursor
      a.unread.value = new Map(saved.unread)
      for (const [panel, order] of saved.read) a.read.set(panel, order)
      a.era = saved.era ?? ''
      for (const [panel, n] of saved.lacking ?? []) a.lacking.set(panel, n)
      a.loaded.value = true
    }
    await a.outbox.load()
    a.link.connect()
    return a
  }

  call<M extends Method>(method: M, params: Params<M>): Promise<Result<M>> {
    return this.link.call(method, params)
  }
  reconnect(): void {
    this.link.connect()
  }
  async signOut(): Promise<void> {
    await this.call('account.logout', {}).catch(() => undefined)
    this.link.end()
    await this.store.clear()
  }
  end(): void {
    this.stopSettling()
    this.link.end()
  }

  group(id: Id): Group | undefined {
    return this.groups.value.find((g) => g.id === id)
  }
  readonly directs = computed(() => this.groups.value.filter((g) => g.kind === 'direct'))
  readonly places = computed(() => this.groups.value.filter((g) => g.kind === 'group'))

  panels(group: Id): ReadonlySignal<readonly Panel[] | undefined> {
    let list = this.panelLists.get(group)
    if (list === undefined) {
      list = signal(undefined)
      this.panelLists.set(group, list)
      void this.loadPanels(group)
    }
    return list
  }
  // What one may do in the group as a whole.
  perms(group: Id): ReadonlySignal<ReadonlySet<string>> {
    let s = this.permSets.get(group)
    if (s === undefined) {
      s = signal(new Set())
      this.permSets.set(group, s)
      void this.loadPerms(group)
    }
    return s
  }
  may(group: Id, perm: string): boolean {
    const as = this.asRole.value
    return (as?.group === group ? as.perms : this.perms(group).value).has(perm)
  }
  // How a group looks to others, while one looks at it so; what is done meanwhile is done as oneself.
  readonly asRole = signal<AsRole | undefined>(undefined)
  async viewAs(group: Id, role: Role): Promise<void> {
    const panels = this.panels(group).value ?? (await this.call('panel.list', { group })).panels
    const ask = async (panel?: Id): Promise<ReadonlySet<string>> => new Set((await this.call('group.perms', { group, role: role.id, ...(panel !== undefined && { panel }) })).perms)
    const [perms, ...of] = await Promise.all([ask(), ...panels.map((p) => ask(p.id))])
    this.asRole.value = { group, role, perms, panels: new Map(panels.map((p, i) => [p.id, of[i] ?? new Set<string>()])) }
  }
  // The panels that are shown: those one may see, and of them those that the role may.
  panelsShown(group: Id): readonly Panel[] | undefined {
    const list = this.panels(group).value
    const as = this.asRole.value
    if (as?.group !== group) return list
    return list?.flatMap((p) => {
      const perms = as.panels.get(p.id)
      return perms?.has('panel.view') === true ? [{ ...p, may_send: p.open && perms.has('message.send') }] : []
    })
  }
  members(group: Id): ReadonlySignal<readonly Member[] | undefined> {
    let list = this.memberLists.get(group)
    if (list === undefined) {
      list = signal(undefined)
      this.memberLists.set(group, list)
      void this.loadMembers(group)
    }
    return list
  }
  timeline(group: Id, panel: Id): Timeline {
    let t = this.timelines.get(panel)
    if (t === undefined) {
      t = new Timeline(group, panel, (m, p) => this.call(m, p), this.store, this.outbox, () => this.era)
      this.timelines.set(panel, t)
    }
    return t
  }

  // A panel is on the screen: it is read as it comes.
  async show(group: Id, panel: Id): Promise<Timeline> {
    const t = this.timeline(group, panel)
    this.shown.add(panel)
    this.keptUnread = undefined
    t.unreadFrom.value = this.read.get(panel)
    await t.wake()
    if (t.reckoned && t.state.value === 'stale') await this.toldWhatIsNew()
    if (this.phase.value.is === 'online' || t.state.value === 'unknown') await this.renew(t)
    return t
  }
  // Only what it lacks, if that is known.
  private async renew(t: Timeline): Promise<void> {
    const known = t.reckoned && t.state.value !== 'unknown' && t.state.value !== 'loading'
    const lacks = this.lacking.get(t.panel)
    if (known && lacks === undefined) return t.current()
    try {
      await t.refresh(known ? lacks : undefined)
    } catch {
      return this.lack(t.panel, Infinity)
    }
    // what has come meanwhile is looked for another time
    if (this.lacking.get(t.panel) === lacks) this.lacking.delete(t.panel)
    this.save()
  }
  // Or that it cannot be told now.
  private async toldWhatIsNew(): Promise<void> {
    let stop = (): void => {}
    const cut = new Promise<void>((done) => {
      stop = this.phase.subscribe((p) => {
        if (p.is !== 'online' && p.is !== 'connecting') done()
      })
    })
    await Promise.race([this.caughtUp, cut])
    stop()
  }
  // Something has happened in a panel that is not loaded.
  private lack(panel: Id, n: number): void {
    this.lacking.set(panel, (this.lacking.get(panel) ?? 0) + n)
    this.save()
  }
  hide(panel: Id): void {
    this.shown.delete(panel)
  }
  markRead(group: Id, panel: Id): void {
    if (this.keptUnread === panel) return
    const all = this.timelines.get(panel)?.messages.value
    const order = all?.[all.length - 1]?.order
    if (this.unread.value.has(panel)) this.setUnread(panel, nothing)
    if (order === undefined || (this.read.get(panel) ?? '') >= order) return
    this.read.set(panel, order)
    this.save()
    void this.call('read.mark', { group, panel, order }).catch(() => undefined)
  }
  // From this message on it is unread again, until the panel is left and opened anew.
  async markUnread(group: Id, panel: Id, from: Id): Promise<void> {
    const t = this.timeline(group, panel)
    const all = t.messages.value
    const at = all.findIndex((m) => m.id === from)
    const m = all[at]
    if (m === undefined) return
    const order = justBefore(m.order)
    this.keptUnread = panel
    this.read.set(panel, order)
    t.unreadFrom.value = order
    this.recount(panel)
    await this.call('read.mark', { group, panel, order, back: true })
  }
  typingNow(group: Id, panel: Id): void {
    const now = this.env.now()
    if (now - this.lastTyping < TYPING_AGAIN_MS || this.phase.value.is !== 'online') return
    this.lastTyping = now
    void this.call('typing', { group, panel }).catch(() => undefined)
  }

  async draft(panel: Id): Promise<string> {
    const d = this.drafts.value.get(panel) ?? (await this.store.get('draft', panel))
    return typeof d === 'string' ? d : ''
  }
  // Kept here at once, and a little later at the server, for one's other devices.
  async setDraft(panel: Id, text: string): Promise<void> {
    this.draftsToTell.add(panel)
    this.stopDrafts()
    this.stopDrafts = this.env.later(text === '' ? 0 : DRAFT_MS, () => void this.tellDrafts())
    await this.keepDraft(panel, text)
  }
  private async keepDraft(panel: Id, text: string): Promise<void> {
    const all = new Map(this.drafts.value)
    if (text === '') all.delete(panel)
    else all.set(panel, text)
    this.drafts.value = all
    if (text === '') await this.store.del('draft', panel)
    else await this.store.put('draft', panel, text)
  }
  private async tellDrafts(): Promise<void> {
    if (this.phase.value.is !== 'online') return
    for (const panel of [...this.draftsToTell]) {
      this.draftsToTell.delete(panel)
      await this.call('pref.set', { key: `draft/${panel}`, value: this.drafts.value.get(panel) ?? '' }).catch(() => this.draftsToTell.add(panel))
    }
  }
  private async loadPrefs(): Promise<void> {
    const { prefs } = await this.call('pref.list', {})
    const theirs = new Map(Object.entries(prefs).flatMap(([k, v]) => (k.startsWith('draft/') ? [[k.slice(6), v] as const] : [])))
    for (const panel of new Set([...theirs.keys(), ...this.drafts.value.keys()]))
      if (!this.draftsToTell.has(panel)) await this.keepDraft(panel, theirs.get(panel) ?? '')
    this.presence.value = (prefs['presence'] as Presence | undefined) ?? 'online'
    await this.tellDrafts()
  }

  async loadMe(): Promise<void> {
    this.me.value = await this.call('account.me', {})
    this.save()
  }
  bring(kind: 'file' | 'avatar' | 'banner', file: Blob): Promise<Brought> {
    return this.http.bring(kind, file)
  }
  async setProfile(p: Params<'account.profile'>): Promise<void> {
    await this.call('account.profile', p)
    await this.loadMe()
  }
  // Chosen by the person, on all devices and from now on. Offline: there for nobody to see.
  async choosePresence(state: Presence): Promise<void> {
    this.presence.value = state
    await this.call('pref.set', { key: 'presence', value: state === 'online' ? '' : state })
    await this.call('presence.set', { state })
  }
  // Nobody touches this device, or somebody does again.
  rest(resting: boolean): void {
    if (this.presence.value !== 'online' || this.phase.value.is !== 'online') return
    void this.call('presence.set', { state: resting ? 'idle' : 'online' }).catch(() => undefined)
  }

  async loadGroups(): Promise<void> {
    const { groups } = await this.call('group.list', {})
    batch(() => {
      this.groups.value = groups
      this.loaded.value = true
      this.countUnread(groups)
    })
    this.save()
  }

  // The server counts; what has been read here and is on its way to it is not unread.
  private countUnread(groups: readonly Group[]): void {
    const all = new Map<Id, Unread>()
    for (const p of groups.flatMap((g) => g.panels)) {
      const mine = this.read.get(p.id) ?? ''
      const theirs = p.read ?? ''
      if (theirs > mine) this.read.set(p.id, theirs)
      const u = mine > theirs ? this.unread.value.get(p.id) : { count: p.unread ?? 0, mentions: p.mentions ?? 0 }
      if (u !== undefined && u.count > 0) all.set(p.id, u)
    }
    this.unread.value = all
  }
  private recount(panel: Id): void {
    const after = this.read.get(panel) ?? ''
    const fresh = (this.timelines.get(panel)?.messages.value ?? []).filter((m) => m.order > after && m.uid !== this.me.value.uid && m.state === 'visible')
    this.setUnread(panel, { count: fresh.length, mentions: fresh.filter((m) => this.mentionsMe(m.text)).length })
  }
  private takeRead(panel: Id, order: Order): void {
    const was = this.read.get(panel) ?? ''
    if (was === order) return
    // marked as unread on another device: it stays so, also where it is on the screen
    if (order < was) this.keptUnread = panel
    this.read.set(panel, order)
    if ((this.timelines.get(panel)?.state.value ?? 'unknown') !== 'unknown') this.recount(panel)
    else this.soon('groups', () => void this.loadGroups().catch(() => undefined))
  }

  async loadPanels(group: Id): Promise<void> {
    const list = this.panelLists.get(group)
    const key = `panels/${group}`
    if (list === undefined) return
    if (list.value === undefined) {
      const kept = (await this.store.get('state', key)) as Panel[] | undefined
      if (kept !== undefined && list.value === undefined) list.value = kept
    }
    try {
      const { panels } = await this.call('panel.list', { group })
      list.value = panels
      await this.store.put('state', key, panels)
    } catch {
      // what the device knows stays
    }
  }
  private async loadPerms(group: Id): Promise<void> {
    const s = this.permSets.get(group)
    const answer = await this.call('group.perms', { group }).catch(() => undefined)
    if (s !== undefined && answer !== undefined) s.value = new Set(answer.perms)
  }
  private async loadMembers(group: Id): Promise<void> {
    const list = this.memberLists.get(group)
    if (list === undefined) return
    try {
      const all: Member[] = []
      for (;;) {
        const after = all[all.length - 1]?.uid
        const { members, total } = await this.call('member.list', { group, limit: 1000, ...(after !== undefined && { after }) })
        all.push(...members)
        if (members.length === 0 || all.length >= total || all.length >= 5000) break
      }
      list.value = all
      this.people.meet(all)
      this.people.look(group)
    } catch {
      // they are asked for again with the next change
    }
  }

  // The socket is open, so that nothing is missed from here on: what happened before?
  private async catchUp(): Promise<void> {
    this.ups++
    this.stopSettling()
    try {
      const had = this.cursor
      const s = await this.call('sync', had !== undefined ? { cursor: had } : {})
      this.cursor = s.cursor
      const anew = had === undefined || s.reset === true
      if (anew) {
        this.era = `${s.cursor} ${this.env.now()}`
        this.lacking.clear()
      }
      // in the same breath as the cursor: neither is ever kept without the other
      for (const p of s.panels ?? []) this.lack(p.panel, p.changed.length > 0 ? Infinity : p.new)
      const news = (s.panels ?? []).some((p) => p.new > 0)
      if (anew || news || (s.groups ?? []).length > 0 || !this.loaded.value) await this.loadGroups()
      await this.loadPrefs()
      if (!this.me.value.guest) await this.people.loadFriends()
      if (this.ups > 1) this.people.again()
      if (anew) {
        for (const group of this.panelLists.keys()) void this.loadPanels(group)
        for (const group of this.permSets.keys()) void this.loadPerms(group)
        for (const group of this.memberLists.keys()) void this.loadMembers(group)
      } else {
        for (const group of s.groups ?? []) this.changedGroup(group)
      }
      // a page that is kept in an era is worth nothing without the era's cursor
      if (anew) await this.saveNow().catch(() => undefined)
      this.catchingUp()
      await Promise.all(
        [...this.timelines.values()]
          .filter((t) => t.state.value !== 'unknown' && (anew || this.lacking.has(t.panel) || t.state.value !== 'ready'))
          .map((t) => this.renew(t)),
      )
      this.save()
      await this.outbox.flush()
    } catch {
      // the link tries again
    }
  }

  /*
   * What was pushed is known and need not be told again: some time after the last push the cursor
   * moves on, if the socket that told it is still there.
   */
  private settle(): void {
    this.stopSettling()
    this.stopSettling = this.env.later(SETTLE_MS, () => void this.moveCursor().catch(() => undefined))
  }
  private async moveCursor(): Promise<void> {
    const { ups } = this
    if (this.cursor === undefined || this.phase.value.is !== 'online') return
    const { cursor } = await this.call('sync', { cursor: this.cursor })
    this.stopSettling = this.env.later(SETTLE_MS, () => {
      if (ups !== this.ups || this.phase.value.is !== 'online') return
      this.cursor = cursor
      this.save()
    })
  }

  private take(p: Push): void {
    if (p.method === 'message' || p.method === 'changed' || p.method === 'group') this.settle()
    switch (p.method) {
      case 'message':
        this.takeMessage(p.params.group, p.params.panel, p.params.message)
        break
      case 'changed':
        this.takeChanged(p.params.panel, p.params.message)
        break
      case 'group':
        this.soon(`group/${p.params.group}`, () => this.changedGroup(p.params.group))
        this.soon('groups', () => void this.loadGroups().catch(() => undefined))
        break
      case 'typing':
        this.takeTyping(p.params.panel, p.params.uid)
        break
      case 'read':
        this.takeRead(p.params.panel, p.params.order)
        break
      case 'pref':
        if (p.params.key === 'presence') this.presence.value = p.params.value === '' ? 'online' : (p.params.value as Presence)
        if (p.params.key.startsWith('draft/') && !this.draftsToTell.has(p.params.key.slice(6))) void this.keepDraft(p.params.key.slice(6), p.params.value)
        break
      case 'presence':
        this.people.takePresence(p.params.uid, p.params.state)
        break
      case 'user':
        this.people.changed(p.params.uid, p.params.group)
        if (p.params.uid === this.me.value.uid) this.soon('me', () => void this.loadMe().catch(() => undefined))
        break
      case 'friend':
        this.soon('friends', () => void this.people.loadFriends().catch(() => undefined))
        break
    }
  }
  private loadedTimeline(panel: Id): Timeline | undefined {
    const t = this.timelines.get(panel)
    return t === undefined || t.state.value === 'unknown' || t.state.value === 'loading' ? undefined : t
  }
  private takeChanged(panel: Id, m: Message): void {
    const t = this.loadedTimeline(panel)
    if (t !== undefined) t.take(m)
    else this.lack(panel, Infinity)
  }
  private takeMessage(group: Id, panel: Id, m: Message): void {
    const t = this.loadedTimeline(panel)
    if (t !== undefined) t.take(m)
    else this.lack(panel, 1)
    this.forgetTyping(panel, m.uid)
    if (this.group(group) === undefined) this.soon('groups', () => void this.loadGroups().catch(() => undefined))
    if (m.uid !== this.me.value.uid && !this.shown.has(panel) && !this.people.isBlocked(m.uid)) this.addUnread(panel, 1, this.mentionsMe(m.text) ? 1 : 0)
  }
  private mentionsMe(text: string): boolean {
    const { handle, nick } = this.me.value
    const low = text.toLowerCase()
    return [handle.replace(/#.*/, ''), nick].some((n) => n !== '' && low.includes('@' + n.toLowerCase())) || low.includes('@all') || low.includes('@here')
  }
  // Many come in at once when a link is passed around: what follows is done once for all of them.
  private readonly coming = new Set<string>()
  private soon(what: string, f: () => void): void {
    if (this.coming.has(what)) return
    this.coming.add(what)
    this.env.later(SOON_MS, () => {
      this.coming.delete(what)
      f()
    })
  }
  private changedGroup(group: Id): void {
    if (this.panelLists.has(group)) void this.loadPanels(group)
    if (this.permSets.has(group)) void this.loadPerms(group)
    if (this.memberLists.has(group)) void this.loadMembers(group)
  }
  private takeTyping(panel: Id, uid: Id): void {
    const until = this.env.now() + TYPING_MS
    this.typing.value = new Map(this.typing.value).set(panel, new Map(this.typing.value.get(panel)).set(uid, until))
    this.env.later(TYPING_MS + 50, () => {
      if ((this.typing.value.get(panel)?.get(uid) ?? 0) <= this.env.now()) this.forgetTyping(panel, uid)
    })
  }
  private forgetTyping(panel: Id, uid: Id): void {
    const people = this.typing.value.get(panel)
    if (people?.has(uid) !== true) return
    const fewer = new Map(people)
    fewer.delete(uid)
    this.typing.value = new Map(this.typing.value).set(panel, fewer)
  }
  private addUnread(panel: Id, count: number, mentions: number): void {
    const u = this.unread.value.get(panel) ?? nothing
    this.setUnread(panel, { count: u.count + count, mentions: u.mentions + mentions })
  }
  private setUnread(panel: Id, u: Unread): void {
    const all = new Map(this.unread.value)
    if (u.count === 0) all.delete(panel)
    else all.set(panel, u)
    this.unread.value = all
    this.save()
  }

  private saving = false
  private save(): void {
    if (this.saving) return
    this.saving = true
    this.env.later(200, () => {
      this.saving = false
      void this.saveNow()
    })
  }
  private async saveNow(): Promise<void> {
    const saved: Saved = {
      me: this.me.value,
      groups: [...this.groups.value],
      cursor: this.cursor,
      unread: [...this.unread.value],
      read: [...this.read],
      era: this.era,
      lacking: [...this.lacking],
    }
    await this.store.put('state', 'account', saved)
  }
}
