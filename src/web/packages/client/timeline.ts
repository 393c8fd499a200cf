import { computed, signal, type ReadonlySignal } from '@preact/signals-core'
import type { Outbox, Pending } from './outbox'
import type { Store } from './store'
import type { Id, Message, Method, Order, Params, Result } from './types'

const KEPT = 100 // messages of a panel that are kept on the device
const PAGE = 50

export interface Call {
  <M extends Method>(method: M, params: Params<M>): Promise<Result<M>>
}

// Messages that arrived late, above what was on the screen: from a network that was split.
export interface Late {
  readonly count: number
  readonly first: Order
}

/*
 * One panel as far as it is loaded: a stretch without holes that ends with the newest message,
 * in the server's order, whatever order things arrive in.
 */
export class Timeline {
  private readonly rows = signal<readonly Message[]>([])
  readonly messages: ReadonlySignal<readonly Message[]> = this.rows
  readonly pending: ReadonlySignal<readonly Pending[]>
  readonly state = signal<'unknown' | 'loading' | 'ready' | 'stale'>('unknown')
  readonly late = signal<Late | undefined>(undefined)
  readonly atBeginning = signal(false)
  // The order of the last message that was read when the panel was opened; what is behind it is new.
  readonly unreadFrom = signal<Order | undefined>(undefined)
  private readonly index = new Map<Id, Message>()
  private before: Order | null = null
  private loadingOlder: Promise<void> | undefined

  constructor(
    readonly group: Id,
    readonly panel: Id,
    private readonly call: Call,
    private readonly store: Store,
    outbox: Outbox,
    // Which reckoning of changes the kept page belongs to: another one, and nobody knows what it lacks.
    private readonly era: () => string = () => '',
  ) {
    this.pending = computed(() => outbox.pending.value.filter((p) => p.panel === this.panel))
  }

  private asOf = '' // the era in which what is loaded was asked for
  // Is it told elsewhere what this lacks?
  get reckoned(): boolean {
    return this.asOf === this.era()
  }

  // From the device, so that there is something to read at once.
  async wake(): Promise<void> {
    if (this.state.value !== 'unknown') return
    const kept = (await this.store.get('page', this.panel)) as { messages: Message[]; before: Order | null; era?: string } | undefined
    if (kept === undefined || this.state.value !== 'unknown') return
    this.set(kept.messages, kept.messages)
    this.before = kept.before
    this.atBeginning.value = kept.before === null
    this.state.value = 'stale'
    this.asOf = kept.era ?? ''
  }

  // What was kept is all there is.
  current(): void {
    if (this.state.value === 'stale') this.state.value = 'ready'
  }

  // The newest page, or of it only what is said to be new. What is loaded stays if the page reaches it, else it begins anew.
  async refresh(news = Infinity, limit = Math.min(PAGE, news + 1)): Promise<void> {
    if (this.state.value === 'unknown') this.state.value = 'loading'
    const era = this.era()
    const page = await this.call('message.list', { group: this.group, panel: this.panel, limit })
    const have = this.rows.value
    const oldest = page.messages[0]?.order
    const newest = have[have.length - 1]?.order
    const fresh = page.messages.filter((m) => !this.index.has(m.id)).length
    const meets = oldest !== undefined && newest !== undefined && newest >= oldest
    if (limit < PAGE && (!meets || fresh < news)) return this.refresh(news, PAGE)
    if (!meets) this.index.clear()
    else for (const m of have.slice(placeOf(have, oldest))) this.index.delete(m.id)
    this.set(meets ? have.slice(0, placeOf(have, oldest)).concat(page.messages) : page.messages, page.messages)
    if (!meets) {
      this.before = page.before
      this.atBeginning.value = !page.more
    }
    if (meets && news !== Infinity && fresh < news) await this.fillUp(page.before, news - fresh)
    this.state.value = 'ready'
    this.asOf = era
    this.keep()
  }

  // What is new may have come in further up, from a network that was split: a look at what is loaded, from the newest on.
  private async fillUp(from: Order | null, missing: number): Promise<void> {
    let before = from
    for (let pages = 0; pages < 5 && missing > 0 && before !== null && before > (this.rows.value[0]?.order ?? ''); pages++) {
      const page: Result<'message.list'> = await this.call('message.list', { group: this.group, panel: this.panel, before, limit: 100 })
      const first = this.rows.value[0]?.order ?? ''
      const inside = page.messages.filter((m) => m.order >= first)
      missing -= inside.filter((m) => !this.index.has(m.id)).length
      this.set(merge(this.rows.value, inside), inside)
      before = page.before
    }
  }

  older(): Promise<void> {
    if (this.atBeginning.value || this.before === null) return Promise.resolve()
    this.loadingOlder ??= this.loadOlder().finally(() => {
      this.loadingOlder = undefined
    })
    return this.loadingOlder
  }

  take(m: Message): void {
    if (this.state.value === 'unknown' || this.state.value === 'loading') return
    const have = this.rows.value
    const known = this.index.get(m.id)
    if (known !== undefined) {
      const at = placeOf(have, known.order)
      if (m.state === 'hidden') {
        this.index.delete(m.id)
        this.rows.value = have.toSpliced(at, 1)
      } else this.set(have.with(at, m), [m])
    } else {
      const first = have[0]
      if (first !== undefined && m.order < first.order && !this.atBeginning.value) return
      const last = have[have.length - 1]
      if (last !== undefined && m.order < last.order && m.late) {
        const late = this.late.value
        this.late.value = { count: (late?.count ?? 0) + 1, first: late === undefined || m.order < late.first ? m.order : late.first }
      }
      this.set(have.toSpliced(placeOf(have, m.order), 0, m), [m])
    }
    this.keep()
  }

  find(id: Id): Message | undefined {
    void this.rows.value // whoever asks wants to know when it comes
    return this.index.get(id)
  }
  private set(all: readonly Message[], fresh: readonly Message[]): void {
    for (const m of fresh) this.index.set(m.id, m)
    this.rows.value = all
  }

  private async loadOlder(): Promise<void> {
    if (this.before === null) return
    const page = await this.call('message.list', { group: this.group, panel: this.panel, before: this.before, limit: 100 })
    this.set(merge(page.messages, this.rows.value), page.messages)
    this.before = page.before
    this.atBeginning.value = !page.more
  }

  private keep(): void {
    const all = this.rows.value
    const messages = all.slice(-KEPT)
    const before = messages.length < all.length ? (messages[0]?.order ?? null) : this.before
    void this.store.put('page', this.panel, { messages, before, era: this.asOf })
  }
}

// Where in the list this order stands, or would.
export function placeOf(all: readonly Message[], order: Order): number {
  let lo = 0
  let hi = all.length
  while (lo < hi) {
    const mid = (lo + hi) >>> 1
    if ((all[mid]?.order ?? '') < order) lo = mid + 1
    else hi = mid
  }
  return lo
}

// Both in order; of one message the second's form.
export function merge(a: readonly Message[], b: readonly Message[]): readonly Message[] {
  if (a.length === 0) return b
  if (b.length === 0) return a
  const out: Message[] = []
  let i = 0
  let j = 0
  while (i < a.length || j < b.length) {
    const x = a[i]
    const y = b[j]
    if (y === undefined || (x !== undefined && x.order < y.order)) {
      if (x !== undefined) out.push(x)
      i++
    } else {
      if (x !== undefined && x.order === y.order) i++
      out.push(y)
      j++
    }
  }
  return out
}

// A place right before that of a message, whatever is there: orders are two numbers of 16 hexadecimal digits.
export function justBefore(order: Order): Order {
  const all = BigInt('0x' + order.replace('.', '')) - 1n
  const digits = (all < 0n ? 0n : all).toString(16).padStart(32, '0')
  return `${digits.slice(0, 16)}.${digits.slice(16)}`
}
