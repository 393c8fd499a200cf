import { placeOf, type Message, type Order, type Pending, type Timeline } from '@kith/client'
import { midnight } from '../../lib/format'

// The lines of a panel, top down: what the list draws.
export type Row =
  | { readonly is: 'beginning'; readonly key: string }
  | { readonly is: 'day'; readonly key: string; readonly ms: number }
  | { readonly is: 'new'; readonly key: string }
  | { readonly is: 'message'; readonly key: string; readonly m: Message; readonly head: boolean }
  | { readonly is: 'pending'; readonly key: string; readonly p: Pending; readonly head: boolean }

const TOGETHER_MS = 5 * 60_000

function linesFor(m: Message, last: Message | undefined): readonly Row[] {
  const newDay = last === undefined || (last.clock !== m.clock && midnight(last.clock) !== midnight(m.clock))
  const head = newDay || last.uid !== m.uid || m.clock - last.clock > TOGETHER_MS || m.reply !== null
  const row: Row = { is: 'message', key: m.id, m, head }
  return newDay ? [{ is: 'day', key: `day${m.order}`, ms: m.clock }, row] : [row]
}

/*
 * Remembers the lines of each message. However many there are, what comes at one end costs what it
 * is worth, for all others are as they were.
 */
export class Rows {
  private messages: readonly Message[] = []
  private lines: readonly (readonly Row[])[] = []

  of(t: Timeline, me: string): readonly Row[] {
    return this.make(t.messages.value, t.pending.value, t.atBeginning.value, t.unreadFrom.value, me)
  }

  make(messages: readonly Message[], pending: readonly Pending[], beginning: boolean, unreadFrom: Order | undefined, me: string): readonly Row[] {
    this.update(messages)
    const out: Row[] = beginning ? [{ is: 'beginning', key: 'beginning' }] : []
    const news = unreadFrom === undefined ? -1 : firstNew(messages, unreadFrom, me)
    this.lines.forEach((lines, i) => {
      for (const row of lines) {
        if (i === news && row.is === 'message') out.push({ is: 'new', key: 'new' }, row.head ? row : { ...row, head: true })
        else out.push(row)
      }
    })
    const last = messages[messages.length - 1]
    let own = last?.uid === me
    for (const p of pending) {
      out.push({ is: 'pending', key: p.txn, p, head: !own })
      own = true
    }
    return out
  }

  private update(messages: readonly Message[]): void {
    const was = this.messages
    const most = Math.min(was.length, messages.length)
    let front = 0
    while (front < most && was[front] === messages[front]) front++
    let back = 0
    while (back < most - front && was[was.length - 1 - back] === messages[messages.length - 1 - back]) back++
    // the first of what stays behind has another one before it now
    if (back > 0) back--
    const end = messages.length - back
    const fresh: (readonly Row[])[] = []
    for (let i = front; i < end; i++) {
      const m = messages[i]
      if (m !== undefined) fresh.push(linesFor(m, messages[i - 1]))
    }
    this.lines = this.lines.slice(0, front).concat(fresh, this.lines.slice(this.lines.length - back, this.lines.length))
    this.messages = messages
  }
}

function firstNew(messages: readonly Message[], unreadFrom: Order, me: string): number {
  for (let i = placeOf(messages, unreadFrom); i < messages.length; i++) {
    const m = messages[i]
    if (m !== undefined && m.order > unreadFrom && m.uid !== me) return i
  }
  return -1
}
