import type { Message, Order, Pending, Timeline } from '@kith/client'
import { midnight } from '../../lib/format'

// The lines of a panel, top down: what the list draws.
export type Row =
  | { readonly is: 'beginning'; readonly key: string }
  | { readonly is: 'day'; readonly key: string; readonly ms: number }
  | { readonly is: 'new'; readonly key: string }
  | { readonly is: 'message'; readonly key: string; readonly m: Message; readonly head: boolean }
  | { readonly is: 'pending'; readonly key: string; readonly p: Pending; readonly head: boolean }

const TOGETHER_MS = 5 * 60_000

export function rowsOf(t: Timeline, me: string): readonly Row[] {
  return rows(t.messages.value, t.pending.value, t.atBeginning.value, t.unreadFrom.value, me)
}

export function rows(messages: readonly Message[], pending: readonly Pending[], beginning: boolean, unreadFrom: Order | undefined, me: string): readonly Row[] {
  const out: Row[] = beginning ? [{ is: 'beginning', key: 'beginning' }] : []
  let last: Message | undefined
  let marked = unreadFrom === undefined
  for (const m of messages) {
    const newDay = last === undefined || midnight(last.clock) !== midnight(m.clock)
    if (newDay) out.push({ is: 'day', key: `day${m.order}`, ms: m.clock })
    const isNew = !marked && unreadFrom !== undefined && m.order > unreadFrom && m.uid !== me
    if (isNew) {
      out.push({ is: 'new', key: 'new' })
      marked = true
    }
    const head = newDay || isNew || last === undefined || last.uid !== m.uid || m.clock - last.clock > TOGETHER_MS || m.reply !== null
    out.push({ is: 'message', key: m.id, m, head })
    last = m
  }
  let own = last?.uid === me && last !== undefined
  for (const p of pending) {
    out.push({ is: 'pending', key: p.txn, p, head: !own })
    own = true
  }
  return out
}
