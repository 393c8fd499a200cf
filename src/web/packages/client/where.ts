import { signal, type ReadonlySignal } from '@preact/signals-core'
import type { Env } from './env'
import type { Id, Where } from './types'

const GATHER_MS = 400
const AGAIN_MS = [2000, 5000, 15_000, 60_000]
const BATCH = 100

/*
 * How many servers have a message, for those that somebody looks at: asked for together, and again
 * for a while until all have it.
 */
export class Whereabouts {
  private readonly known = signal<ReadonlyMap<Id, Where>>(new Map())
  readonly all: ReadonlySignal<ReadonlyMap<Id, Where>> = this.known
  private readonly wanted = new Map<Id, { group: Id; asked: number }>()
  private waiting = false

  constructor(
    private readonly env: Env,
    private readonly ask: (group: Id, ids: Id[]) => Promise<readonly Where[]>,
  ) {}

  look(group: Id, id: Id): void {
    const w = this.known.value.get(id)
    if (w !== undefined && w.nodes >= w.of) return
    if (this.wanted.has(id)) return
    this.wanted.set(id, { group, asked: 0 })
    this.soon(GATHER_MS)
  }
  away(id: Id): void {
    this.wanted.delete(id)
  }

  private soon(ms: number): void {
    if (this.waiting) return
    this.waiting = true
    this.env.later(ms, () => {
      this.waiting = false
      void this.go()
    })
  }

  private async go(): Promise<void> {
    const by = new Map<Id, Id[]>()
    let asked = 0
    for (const [id, w] of this.wanted) {
      const ids = by.get(w.group) ?? []
      if (ids.length >= BATCH) continue
      by.set(w.group, [...ids, id])
      asked = Math.max(asked, w.asked++)
    }
    for (const [group, ids] of by) {
      const got = await this.ask(group, ids).catch(() => [])
      const next = new Map(this.known.value)
      for (const w of got) {
        next.set(w.id, w)
        if (w.nodes >= w.of) this.wanted.delete(w.id)
      }
      this.known.value = next
    }
    for (const [id, w] of this.wanted) if (w.asked > AGAIN_MS.length) this.wanted.delete(id)
    if (this.wanted.size > 0) this.soon(AGAIN_MS[Math.min(asked, AGAIN_MS.length - 1)] ?? GATHER_MS)
  }
}
