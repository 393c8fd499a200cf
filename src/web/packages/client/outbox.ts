import { signal, type ReadonlySignal } from '@preact/signals-core'
import type { Env } from './env'
import { isPassing, KithError } from './error'
import type { Store } from './store'
import type { Id } from './types'

// A message that is not said yet. `txn` makes sending it twice harmless.
export interface Pending {
  readonly txn: string
  readonly group: Id
  readonly panel: Id
  readonly text: string
  readonly reply?: Id
  readonly at: number
  readonly failed?: string // for good, in the server's words
}

/*
 * What was written is kept before anything else happens to it, sent in the order in which it was
 * written, one after the other, and forgotten when the server has said that it is on disk. What
 * fails for now stops the line until flush(); what fails for good stands aside for its author.
 */
export class Outbox {
  private readonly list = signal<readonly Pending[]>([])
  readonly pending: ReadonlySignal<readonly Pending[]> = this.list
  private running: Promise<void> | undefined
  private again = false
  private last = 0

  constructor(
    private readonly env: Env,
    private readonly store: Store,
    private readonly send: (p: Pending) => Promise<void>,
    private readonly alone: (f: () => Promise<void>) => Promise<void> = (f) => f(),
  ) {}

  async load(): Promise<void> {
    const rows = await this.store.all('outbox')
    const here = new Set(this.list.value.map((p) => p.txn))
    this.list.value = [...rows.map(([, v]) => v as Pending).filter((p) => !here.has(p.txn)), ...this.list.value]
    this.last = Math.max(this.last, ...this.list.value.map((p) => p.at))
  }

  async add(group: Id, panel: Id, text: string, reply?: Id): Promise<Pending> {
    // one after the other, also within a millisecond and when the clock goes back
    this.last = Math.max(this.env.now(), this.last + 1)
    const p: Pending = { txn: this.env.newId(), group, panel, text, at: this.last, ...(reply !== undefined && { reply }) }
    this.list.value = [...this.list.value, p]
    await this.store.put('outbox', this.keyOf(p), p)
    void this.flush()
    return p
  }

  async retry(txn: string): Promise<void> {
    const p = this.list.value.find((x) => x.txn === txn)
    if (p === undefined) return
    const { failed: _, ...rest } = p
    await this.change(rest)
    await this.flush()
  }

  async discard(txn: string): Promise<void> {
    const p = this.list.value.find((x) => x.txn === txn)
    if (p !== undefined) await this.drop(p)
  }

  // Until everything is said, or has failed for now or for good.
  flush(): Promise<void> {
    this.again = true
    this.running ??= this.runAll().finally(() => {
      this.running = undefined
    })
    return this.running
  }

  private async runAll(): Promise<void> {
    while (this.again) {
      this.again = false
      await this.alone(() => this.run())
    }
  }

  private async run(): Promise<void> {
    for (;;) {
      const p = this.list.value.find((x) => x.failed === undefined)
      if (p === undefined) return
      // another window may have sent it meanwhile
      if ((await this.store.get('outbox', this.keyOf(p))) === undefined) {
        this.forget(p)
        continue
      }
      try {
        await this.send(p)
      } catch (e) {
        if (isPassing(e)) return
        await this.change({ ...p, failed: e instanceof KithError ? e.message : String(e) })
        continue
      }
      await this.drop(p)
    }
  }

  private keyOf(p: Pending): string {
    return `${String(p.at).padStart(16, '0')}-${p.txn}`
  }
  private forget(p: Pending): void {
    this.list.value = this.list.value.filter((x) => x.txn !== p.txn)
  }
  private async change(p: Pending): Promise<void> {
    this.list.value = this.list.value.map((x) => (x.txn === p.txn ? p : x))
    await this.store.put('outbox', this.keyOf(p), p)
  }
  private async drop(p: Pending): Promise<void> {
    await this.store.del('outbox', this.keyOf(p))
    this.forget(p)
  }
}
